#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py [UNITS]: whether time and memory for each unit stay the same at ten times as many.

Run by hand; prints one table. Units (default: 100,000) are SYNs, connections, packets of one stream or RSTs.
Time is what tshark with the plugin takes beyond tshark without it, user and system; memory the peak beyond
it. Each statistic is asked for at the larger size too: what it adds to a reading
without a tree.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]

import workloads  # noqa: E402
from wireshark import TOP, Wireshark, as_somebody  # noqa: E402

KINDS = {
    "SYNs to one server": workloads.syn_flood,
    "SYNs to as many servers": workloads.syn_scan,
    "whole connections": workloads.SHORT,
    "packets of one stream": workloads.one_stream,
    "connections on the same ports": workloads.ports_reused,
    "RSTs on one connection": workloads.rst_storm,
}
NO_TREE = ("-z", "rtp,streams")
STATISTICS = ("json", "csv", "streams", "tree")


def run(wireshark, path, *arguments, plugins="plugins"):
    """(seconds, peak bytes)"""
    environment = wireshark.environment | {"WIRESHARK_PLUGIN_DIR": str(wireshark.folder / plugins)}
    child = subprocess.Popen(
        [*as_somebody(), "tshark", "-n", "-q", "-r", path, *arguments],
        cwd=wireshark.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"tshark {arguments} failed: {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def beyond(wireshark, path):
    """(seconds, bytes) beyond stock, and stock's seconds"""
    stock, ours = run(wireshark, path, *NO_TREE, plugins="none"), run(wireshark, path, *NO_TREE)
    return ours[0] - stock[0], ours[1] - stock[1], stock[0]


def row(wireshark, kind, units):
    cells = []
    for size in (units, 10 * units):
        path = wireshark.folder / "big.pcap"
        workloads.write(path, KINDS[kind](size))
        seconds, memory, stock = beyond(wireshark, path)
        cells += [f"{seconds / size * 1e6:.2f}", f"{memory / size:.0f}"]
    base = run(wireshark, path, *NO_TREE)[0]
    cells.append(f"{stock:.1f}")
    for form in STATISTICS:
        cells.append(f"{run(wireshark, path, '-z', f'tcplife,{form}')[0] - base:+.1f}")
    path.unlink()
    return " | ".join(cells)


def main():
    units = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    build = Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    small, large = f"{units:,}", f"{10 * units:,}"
    heads = [f"µs, {small}", f"bytes, {small}", f"µs, {large}", f"bytes, {large}", "stock, s"]
    heads += [f"`{form}`, s" for form in STATISTICS]
    print("| units | " + " | ".join(heads) + " |")
    print("| --- |" + " --- |" * len(heads))
    with tempfile.TemporaryDirectory(prefix="tcplife-scale-") as name:
        wireshark = Wireshark(name, build)
        (wireshark.folder / "none").mkdir()
        for kind in KINDS:
            print(f"| {kind} | {row(wireshark, kind, units)} |", flush=True)


if __name__ == "__main__":
    main()
