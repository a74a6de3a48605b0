#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""benchmark.py: what the plugin costs, measured side by side with a tshark without it.

Run by hand; nothing here passes or fails. TCPLIFE_BUILD names the build folder
(default: build). Prints time and peak memory for a capture of a million packets,
in turn with and without the plugin, and instructions per packet counted by
callgrind: the slope between two sizes, so that start-up does not count.
"""

import argparse
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import life

# What one connection sends: (from the client?, flags, sequence, ack, bytes).
SYN, FIN, ACK, PUSH = 0x02, 0x01, 0x10, 0x08


def conversation(data_segments):
    yield True, SYN, 0, 0, 0
    yield False, SYN | ACK, 0, 1, 0
    yield True, ACK, 1, 1, 0
    yield True, PUSH | ACK, 1, 1, 100
    for i in range(data_segments):
        yield False, ACK, 1 + 1000 * i, 101, 1000
        if i % 2:
            yield True, ACK, 101, 1 + 1000 * (i + 1), 0
    end = 1 + 1000 * data_segments
    yield True, FIN | ACK, 101, end, 0
    yield False, FIN | ACK, end, 102, 0
    yield True, ACK, 102, end + 1, 0


def frame(number, stream, from_client, flags, seq, ack, length):
    """One packet in the pcap file; the payload itself is left out, as a snapshot length does."""
    client, server = struct.pack("!I", 0x0A000000 + stream // 50000), b"\x0a\xff\x00\x01"
    ports = (10000 + stream % 50000, 80)
    source, target = (client, server) if from_client else (server, client)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + length, 0, 0, 64, 6, 0) + source + target
    tcp = struct.pack("!HHIIBBHHH", *(ports if from_client else ports[::-1]), seq, ack, 0x50, flags, 65535, 0, 0)
    packet = b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + tcp
    return struct.pack("<IIII", number // 10000, number % 10000 * 100, len(packet), len(packet) + length) + packet


def write_capture(path, packets, data_segments, at_once=100):
    """Connections of one length, `at_once` of them interleaved."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        number = stream = 0
        while number < packets:
            group = [(stream + i, list(conversation(data_segments))) for i in range(at_once)]
            for step in range(len(group[0][1])):
                for index, segments in group:
                    if number < packets:
                        out.write(frame(number, index, *segments[step]))
                        number += 1
            stream += at_once
    return stream


def command(folder, capture, wrapper=()):
    run = [*wrapper, "tshark", "-r", str(capture)]
    if os.getuid() == 0:
        run = ["setpriv", f"--reuid={life.NOBODY}", f"--regid={life.NOBODY}", "--clear-groups", *run]
    return run


def environment(folder, plugins):
    return dict(os.environ, HOME=str(folder), WIRESHARK_PLUGIN_DIR=str(folder / plugins))


def measure(folder, plugins, capture):
    """User seconds and peak resident MiB of one run."""
    with open(os.devnull, "w") as nowhere:
        child = subprocess.Popen(
            command(folder, capture), env=environment(folder, plugins), stdout=nowhere, stderr=nowhere
        )
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"tshark failed: {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def side_by_side(folder, capture, rounds):
    results = {"none": [], "plugins": []}
    for _ in range(rounds):
        for plugins, list_of_runs in results.items():
            list_of_runs.append(measure(folder, plugins, capture))
    return results


def instructions(folder, plugins, capture):
    out = folder / "callgrind.out"
    result = subprocess.run(
        command(folder, capture, ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]),
        env=environment(folder, plugins), capture_output=True, text=True,
    )  # fmt: skip
    return int(re.search(r"Collected : (\d+)", result.stderr).group(1))


def show_times(folder, packets, data_segments, rounds):
    capture = folder / "big.pcap"
    streams = write_capture(capture, packets, data_segments)
    results = side_by_side(folder, capture, rounds)
    medians = {
        name: [statistics.median(column) for column in zip(*runs)] for name, runs in results.items()
    }
    without, with_it = medians["none"], medians["plugins"]
    ratios = [b[0] / a[0] for a, b in zip(results["none"], results["plugins"])]
    extra = (with_it[1] - without[1]) * 1024 * 1024
    print(
        f"{packets} packets, {streams} streams: {without[0]:.2f} s and {without[1]:.0f} MiB without, "
        f"{with_it[0]:.2f} s and {with_it[1]:.0f} MiB with the plugin; "
        f"time ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); "
        f"{extra:.0f} bytes more, {(extra - 24 * packets) / streams:.0f} per stream after 24 per frame"
    )


def show_instructions(folder, sizes=(2000, 12000)):
    counted = {}
    for plugins in ("none", "plugins"):
        totals = []
        for size in sizes:
            capture = folder / f"{size}.pcap"
            write_capture(capture, size, 20, at_once=10)
            totals.append(instructions(folder, plugins, capture))
        counted[plugins] = (totals[1] - totals[0]) / (sizes[1] - sizes[0])
    without, with_it = counted["none"], counted["plugins"]
    print(f"{without:.0f} instructions per packet without, {with_it:.0f} with: +{with_it / without - 1:.1%}")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--packets", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--instructions", action="store_true", help="count with valgrind too")
    chosen = options.parse_args()
    os.environ.setdefault("TCPLIFE_BUILD", str(Path(__file__).resolve().parents[2] / "build"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        life.plugin_folder(folder)
        (folder / "none").mkdir()
        show_times(folder, chosen.packets, 20, chosen.rounds)
        show_times(folder, chosen.packets, 0, chosen.rounds)
        if chosen.instructions:
            show_instructions(folder)


if __name__ == "__main__":
    main()
