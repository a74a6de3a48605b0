#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py [UNITS [ROW ...] | --each [CONNECTIONS]]: whether time and memory for each unit stay the same at ten times
as many.

Run by hand; prints one table, whose last result stands in test/README.md. Units (default: 100,000) are SYNs,
connections, packets of one stream or RSTs (of these two there are five times as many). Time is what tshark spends
in the plugin and in what that calls, as perf (Debian's package linux-perf) samples it, the least of some runs;
memory is the peak beyond that of tshark without the plugin. What is taken for a capture of one unit does not count.
`all -z` is with all of tcplife's statistics at once. Each cell is for one unit, at ten times as many units; behind
it, how many times that is what it is at as many as said.
ROW: the beginning of a row's name, if not all are wanted; only without one sharkd comes after them.

Time is not the difference of two runs, with the plugin and without: at 1,000,000 connections the plugin is a tenth of
what tshark takes, and two runs of the same differed by more than that where the machine was a virtual one.

It takes some 30 minutes, 10 GB of memory (1,000,000 whole connections, all statistics: 10.4 GB) and 3 GB of
temporary files. More units do not fit.

Then sharkd loads one capture of 2,000 connections 100 times, with the plugin and without: by how much it grows
from load to load.

With --each: what each of tcplife's statistics adds to the reading of so many whole connections (default:
1,000,000, which takes 3 GB of disk, 14 GB of memory and a quarter of an hour), beside what stock takes to read them.
Each is run once.
"""

import itertools
import json
import os
import shutil
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
TIMES = {"packets of one stream": 5, "RSTs on one connection": 5}  # as many units: each takes next to nothing
PLUGIN = "/tcplife.so)"
NO_TREE = ("-z", "rtp,streams")
ALL = [word for name in ("json", "csv", "streams", "tree", "story") for word in ("-z", f"tcplife,{name}")]
EACH = {
    "none: the plugin alone": NO_TREE,
    **{f"`-z tcplife,{name}`": ("-z", f"tcplife,{name}") for name in ("json", "csv", "streams", "tree", "story")},
    "`-z flow,tcplife,network`": ("-z", "flow,tcplife,network"),
}
HERTZ = {1: (1999, 5), 10: (499, 2)}  # samples a second, and how often it is run
STACK = 16384  # bytes of it that are kept with each sample: deep enough for what dissects HTTP
ROOTS = "/tshark)", "libc_start", "_start ", "clone3 "  # with which a stack ends that was followed to its end
LOST = 0.01  # the share of those that were not, of what takes more than its start
LOADS, LOADED = 100, 2000  # connections


def environment(wireshark, plugins):
    return wireshark.environment | {"WIRESHARK_PLUGIN_DIR": str(wireshark.folder / plugins)}


def run(wireshark, path, arguments, plugins="plugins", under=()):
    """(seconds, peak bytes)
    @param under  a command that begins tshark: its peak counts, too, but is lower"""
    child = subprocess.Popen(
        [*under, *as_somebody(), "tshark", "-n", "-q", "-r", path, *arguments],
        cwd=wireshark.folder, env=environment(wireshark, plugins),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"tshark {arguments} failed: {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def whose_is(stack):
    if any(PLUGIN in frame for frame in stack):
        return "ours"
    return "stock's" if any(root in stack[-1] for root in ROOTS) else "lost"


def sampled(wireshark, path, arguments, hertz):
    """(seconds that tshark spends in the plugin and in what it calls, peak bytes)"""
    data = wireshark.folder / "perf.data"
    # perf cannot follow a stack through some libraries at some of the addresses where chance lays them.
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(hertz), "--call-graph", f"dwarf,{STACK}", "-o", data]
    seconds, peak = run(wireshark, path, arguments, under=["setarch", "-R", *record, "--"])
    told = subprocess.Popen(
        ["perf", "script", "-i", data, "-F", "ip,sym,dso"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with told:
        stacks = (list(stack) for is_blank, stack in itertools.groupby(told.stdout, key=str.isspace) if not is_blank)
        whose = [whose_is(stack) for stack in stacks]
    data.unlink()
    lost = whose.count("lost")
    if lost > LOST * (len(whose) + hertz):
        sys.exit(f"perf could not follow {lost} of {len(whose)} stacks: whose they are is not known")
    # The kernel may take fewer samples than it was asked for: so their share tells, not their number.
    return seconds * whose.count("ours") / len(whose), peak


def measure(wireshark, kind, units, hertz, times):
    """(seconds, bytes) of the plugin alone, and with all statistics"""
    path = wireshark.folder / "big.pcap"
    workloads.write(path, KINDS[kind](units))
    _, stock = run(wireshark, path, NO_TREE, "none")
    measured = []
    for arguments in (NO_TREE, ALL):
        seconds, peaks = zip(*(sampled(wireshark, path, arguments, hertz) for _ in range(times)), strict=True)
        measured.append((min(seconds), min(peaks) - stock))
    path.unlink()
    return measured


def row(wireshark, kind, units, at_once):
    """at_once: what is taken by a capture of next to nothing"""
    units *= TIMES.get(kind, 1)
    small, large = (
        [(all_of_it - once) / (factor * units)
         for of, start in zip(measure(wireshark, kind, factor * units, *HERTZ[factor]), at_once, strict=True)
         for all_of_it, once in zip(of, start, strict=True)]
        for factor in (1, 10)
    )  # fmt: skip
    scales = (1e6, ".2f", "µs"), (1, ".0f", "B")
    return " | ".join(
        f"{of_large * scale:{digits}} {unit} ({of_large / of_small:.2f})"
        for (scale, digits, unit), of_small, of_large in zip(2 * scales, small, large, strict=True)
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
    if not shutil.which("perf"):
        sys.exit("perf is missing: apt-get install linux-perf")
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
        at_once = measure(wireshark, "SYNs to one server", 1, *HERTZ[1])
        for kind in KINDS:
            if kind.startswith(wanted or kind):
                name = f"{TIMES[kind]} times as many {kind}" if kind in TIMES else kind
                print(f"| {name} | {row(wireshark, kind, units, at_once)} |", flush=True)
        if wanted:
            return
        ours, stock = growth(wireshark, "plugins"), growth(wireshark, "none")
        print(f"sharkd, {LOADS} loads: {ours:.0f} bytes for each with the plugin, {stock:.0f} without")


if __name__ == "__main__":
    main()
