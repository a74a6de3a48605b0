#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py [UNITS [ROW ...] | --each [CONNECTIONS]]: whether time and memory for each unit stay the same at ten times
as many.

Run by hand; prints one table, whose last result stands in test/README.md. Units (default: 100,000) are SYNs,
connections, packets of one stream or RSTs. Time is what tshark with the plugin takes beyond tshark without it,
user and system, the least of some runs of each; memory the peak beyond it. What is taken for a capture of one unit
does not count. `all -z` is with all of tcplife's statistics at once. Each cell is for one unit, at ten times as many
units; behind it, how many times that is what it is at as many as said. ROW: the beginning of a row's name, if not
all are wanted; only without one sharkd comes after them.

It takes some 45 minutes, 10 GB of memory (1,000,000 whole connections, all statistics: 10.4 GB and 105 s for one
of 9 runs) and 3 GB of temporary files. More units do not fit.
With fewer units the difference of two runs is mostly noise, on a machine that others use too.

Then sharkd loads one capture of 2,000 connections 100 times, with the plugin and without: by how much it grows
from load to load.

With --each: what each of tcplife's statistics adds to the reading of so many whole connections (default:
1,000,000, which takes 3 GB of disk, 14 GB of memory and a quarter of an hour), beside what stock takes to read them.
Each is run once.
"""

import json
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
    "of which 1,000 at the same time": workloads.INTERLEAVED,
    "packets of one stream": workloads.one_stream,
    "connections on the same ports": workloads.ports_reused,
    "RSTs on one connection": workloads.rst_storm,
}
NO_TREE = ("-z", "rtp,streams")
ALL = [word for name in ("json", "csv", "streams", "tree", "story") for word in ("-z", f"tcplife,{name}")]
EACH = {
    "none: the plugin alone": NO_TREE,
    **{f"`-z tcplife,{name}`": ("-z", f"tcplife,{name}") for name in ("json", "csv", "streams", "tree", "story")},
    "`-z flow,tcplife,network`": ("-z", "flow,tcplife,network"),
}
TIMES = {1: 7, 10: 3}  # how often each is run
LOADS, LOADED = 100, 2000  # connections


def environment(wireshark, plugins):
    return wireshark.environment | {"WIRESHARK_PLUGIN_DIR": str(wireshark.folder / plugins)}


def run(wireshark, path, arguments, plugins="plugins"):
    """(seconds, peak bytes)"""
    child = subprocess.Popen(
        [*as_somebody(), "tshark", "-n", "-q", "-r", path, *arguments],
        cwd=wireshark.folder, env=environment(wireshark, plugins),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"tshark {arguments} failed: {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def least(runs):
    return tuple(map(min, zip(*runs, strict=True)))


def beyond(wireshark, path, times):
    """(seconds, bytes) beyond stock: of the plugin alone, and with all statistics"""
    runs = [
        (run(wireshark, path, NO_TREE, "none"), run(wireshark, path, NO_TREE), run(wireshark, path, ALL))
        for _ in range(times)
    ]
    stock, ours, told = map(least, zip(*runs, strict=True))
    return [there - here for it in (ours, told) for there, here in zip(it, stock, strict=True)]


def measure(wireshark, kind, units, times):
    path = wireshark.folder / "big.pcap"
    workloads.write(path, KINDS[kind](units))
    measured = beyond(wireshark, path, times)
    path.unlink()
    return measured


def row(wireshark, kind, units, at_once):
    """at_once: what is taken by a capture of next to nothing"""
    measured = [
        [(all_of_it - once) / (factor * units) for all_of_it, once in
         zip(measure(wireshark, kind, factor * units, times), at_once, strict=True)]
        for factor, times in TIMES.items()
    ]  # fmt: skip
    scales = (1e6, "µs"), (1, "B"), (1e6, "µs"), (1, "B")
    return " | ".join(
        f"{large * scale:.2f} {unit} ({large / small:.2f})" if scale > 1 else f"{large:.0f} {unit} ({large / small:.2f})"
        for (scale, unit), small, large in zip(scales, *measured, strict=True)
    )


def growth(wireshark, plugins, loads=LOADS):
    """By how many bytes sharkd grows at each load of a capture, once it has warmed up"""
    path = wireshark.folder / "loaded.pcap"
    workloads.write(path, workloads.syn_flood(LOADED))
    # With Wireshark's own allocator, whose blocks have 8 MiB, nothing small would be seen. And once a large block
    # was freed, the C library puts others of that size among the small ones, where what stock never frees
    # leaves holes: 1 % more, of which nothing is in use. So it is told to go on as it began.
    each_alone = environment(wireshark, plugins) | {
        "MALLOC_MMAP_THRESHOLD_": str(128 * 1024), "WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple",
    }  # fmt: skip
    sharkd = subprocess.Popen(
        [*as_somebody(), "sharkd", "-"], cwd=wireshark.folder, env=each_alone, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def ask(method, **parameters):
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        print(json.dumps(question), file=sharkd.stdin, flush=True)
        assert "result" in json.loads(next(line for line in sharkd.stdout if line.strip()))

    def resident():
        return int(Path(f"/proc/{sharkd.pid}/statm").read_text(encoding="ascii").split()[1]) * 4096

    if plugins != "none":
        ask("setconf", name="tcplife.look_ahead", value="TRUE")
    sizes = []
    for _ in range(loads):
        ask("load", file=str(path))
        ask("frames")
        sizes.append(resident())
    sharkd.stdin.close()
    sharkd.wait()
    return (sizes[-1] - sizes[loads // 5]) / (loads - 1 - loads // 5)


def each(wireshark, connections):
    """What each statistic adds, as lines of a table"""
    path = wireshark.folder / "big.pcap"
    workloads.write(path, workloads.SHORT(connections))
    stock, stock_peak = run(wireshark, path, NO_TREE, "none")
    yield f"| stock's reading | {stock:.1f} s | | {stock_peak / 1e6:,.0f} MB |"
    for what, arguments in EACH.items():
        seconds, peak = run(wireshark, path, arguments)
        more = seconds - stock
        over = "" if more < stock else " (more than stock)"
        yield f"| {what} | {more:.1f} s | {more / stock:.0%}{over} | {(peak - stock_peak) / 1e6:,.0f} MB |"
    path.unlink()


def main_each(build, connections):
    print(f"| {connections:,} connections of 10 packets | time | of stock's | memory |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="tcplife-scale-") as name:
        wireshark = Wireshark(name, build)
        (wireshark.folder / "none").mkdir()
        for line in each(wireshark, connections):
            print(line, flush=True)


def main():
    build = Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    if sys.argv[1:2] == ["--each"]:
        main_each(build, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
        return
    units = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    wanted = tuple(sys.argv[2:])
    print(f"| {10 * units:,} (times {units:,}) | time | memory | time, all `-z` | memory, all `-z` |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="tcplife-scale-") as name:
        wireshark = Wireshark(name, build)
        (wireshark.folder / "none").mkdir()
        at_once = measure(wireshark, "SYNs to one server", 1, 2 * TIMES[1])
        for kind in KINDS:
            if kind.startswith(wanted or kind):
                print(f"| {kind} | {row(wireshark, kind, units, at_once)} |", flush=True)
        if wanted:
            return
        ours, stock = growth(wireshark, "plugins"), growth(wireshark, "none")
        print(f"sharkd, {LOADS} loads: {ours:.0f} bytes for each with the plugin, {stock:.0f} without")


if __name__ == "__main__":
    main()
