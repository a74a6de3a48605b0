#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""benchmark.py: what the plugin costs beside a Wireshark without it, as one table.

Instructions for each packet are counted by callgrind, from the moment that the capture is opened and with a
fixed seed of all hashes: the slope between two sizes of capture, so that start-up does not count. Memory is
the peak of the process, a slope too. Nothing here passes or fails; a goal that is missed is marked.

`meson test -C build --benchmark --verbose` runs it; by hand TCPLIFE_BUILD names the build folder (default:
build). With --write the table of README.md is written anew. It takes some ten minutes.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]

import workloads  # noqa: E402
from wireshark import TOP, WHOLE, Wireshark, as_somebody, version  # noqa: E402

PACKETS = 2_000, 10_000  # of the two captures whose difference is counted
MANY = 100_000, 1_100_000  # of those whose memory is: the peak of two runs of the same differs by up to 400 KB
LUA = """
local flags = Field.new("tcp.flags")
local count = 0
local proto = Proto("minimal", "Minimal")
function proto.dissector(tvb, pinfo, tree)
    if flags() then count = count + 1 end
end
register_postdissector(proto)
"""

# Workloads: how many units make about so many packets.
UNITS = {
    "10 packets": (workloads.SHORT, 10),
    "37 packets": (workloads.LONG, 37),
    "one stream": (workloads.one_stream, 1),
    "SYN flood": (workloads.syn_flood, 1),
    "ports reused": (workloads.ports_reused, 10),
}

IO_STAT = ("-q", "-z", "io,stat,0")
NO_TREE = ("-q", "-z", "rtp,streams")
FIN = ("-Y", "tcp.flags.fin==1")


@dataclasses.dataclass
class Row:
    """One line of the table: tshark with the plugin against tshark without it."""

    what: str
    workload: str
    arguments: tuple
    stock: tuple = ()  # () if these are the same
    goal: float | None = None  # at most so much more, as a part of stock
    plugins: str = "plugins"  # the folder of what is compared with stock
    per_line: bool = False  # for each line that is printed more, against stock's for each line

    @property
    def against(self):
        return self.stock or self.arguments


ROWS = [
    Row("a tree without items: `-q -z io,stat,0`", "10 packets", IO_STAT, goal=0.045),
    Row("the same", "37 packets", IO_STAT, goal=0.045),
    Row("no tree: `-q -z rtp,streams`", "10 packets", NO_TREE, goal=0.055),
    Row("`-Y tcp.flags.fin==1`", "10 packets", FIN, goal=0.045),
    Row("`-Y 'tcplife.phase==\"TIME_WAIT\"'`, stock as above", "10 packets",
        ("-Y", 'tcplife.phase=="TIME_WAIT"'), FIN, goal=0.065),
    Row("`-q -z tcplife,json`, stock without a tree", "10 packets", ("-q", "-z", "tcplife,json"), NO_TREE, goal=0.10),
    Row("the same with the profile \"TCP Lifecycle Batch\"", "10 packets",
        ("-C", "TCP Lifecycle Batch", "-q", "-z", "tcplife,json"), NO_TREE),
    Row("`-2` with look-ahead, stock `-2`", "10 packets", WHOLE, ("-2",), goal=0.12),
    Row("`-V`: each line more, against each of stock's", "10 packets", ("-V",), goal=0.05, per_line=True),
    Row("SYN flood, `io,stat`", "SYN flood", IO_STAT, goal=0.12),
    Row("one stream, `io,stat`", "one stream", IO_STAT, goal=0.025),
    Row("ports reused, `io,stat`", "ports reused", IO_STAT),
    Row("beside it: TRANSUM, `io,stat`", "10 packets", (*IO_STAT, "--enable-protocol", "transum"), IO_STAT, plugins="transum"),
    Row("beside it: a minimal Lua post-dissector, `io,stat`", "10 packets", (*IO_STAT, "-X", "lua_script:minimal.lua"),
        IO_STAT, plugins="none"),
]  # fmt: skip

# Memory: (what, workload, bytes of it that count for its packets, goal).
MEMORY = [
    ("memory: each packet of one stream", "one stream", 0, 24),
    ("memory: each connection beside its packets", "10 packets", 24 * 10, 640),
    ("memory: each SYN, its packet included", "SYN flood", 0, 540),
]


# Runs a command and prints the most memory that it had, in KiB. The kernel counts what the process had that
# began it, too: so that is a small one, and not this, which has captures in its memory.
PEAK = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Bench:
    def __init__(self, folder, build):
        self.folder = folder
        self.wireshark = Wireshark(folder, build)
        self.preload = build / "test" / "counted.so"
        (folder / "none").mkdir()
        self.lay_out_transum()
        self.wireshark.write("minimal.lua", LUA.encode())
        profile = self.wireshark.home / "wireshark" / "profiles" / "TCP Lifecycle Batch"
        shutil.copytree(TOP / "plugin" / "profile-batch", profile)

    def lay_out_transum(self):
        """Wireshark's own post-dissector, which is off by default, alone."""
        installed = subprocess.run(
            ["pkg-config", "--variable=plugindir", "wireshark"], capture_output=True, text=True, check=True
        ).stdout.strip()
        epan = self.folder / "transum" / "{}.{}".format(*version()) / "epan"
        epan.mkdir(parents=True)
        shutil.copy(Path(installed) / "epan" / "transum.so", epan)

    def capture(self, workload, packets):
        path = self.folder / f"{workload}-{packets}.pcap".replace(" ", "-")
        make, each = UNITS[workload]
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}")
            workloads.write(partial, make(packets // each))
            partial.rename(path)
        return path

    def environment(self, plugins, **more):
        own = {"WIRESHARK_PLUGIN_DIR": str(self.folder / plugins)}
        return self.wireshark.environment | own | more

    def count(self, plugins, path, arguments):
        """(instructions, lines that were printed)"""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            os.chmod(scratch, 0o777)
            valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={scratch}/out"]
            done = subprocess.run(
                [*as_somebody(), *valgrind, "tshark", "-n", "-r", path, *arguments], capture_output=True, text=True,
                cwd=self.folder, env=self.environment(plugins, LD_PRELOAD=str(self.preload)),
            )  # fmt: skip
        if done.returncode:
            sys.exit(done.stderr)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1)), done.stdout.count("\n")

    def slopes(self, plugins, workload, arguments):
        """For each packet: (instructions, lines)"""
        small, large = (self.count(plugins, self.capture(workload, n), arguments) for n in PACKETS)
        return tuple((b - a) / (PACKETS[1] - PACKETS[0]) for a, b in zip(small, large, strict=True))

    def peak(self, plugins, path, server):
        """The most memory in bytes, of tshark or of sharkd with look-ahead."""
        ask = [{"method": "setconf", "params": {"name": "tcplife.look_ahead", "value": "TRUE"}}] if plugins != "none" else []
        ask += [{"method": "load", "params": {"file": str(path)}}]
        questions = "".join(json.dumps({"jsonrpc": "2.0", "id": i, **q}) + "\n" for i, q in enumerate(ask, 1))
        command = ["sharkd", "-"] if server else ["tshark", "-n", "-r", path, *IO_STAT]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *as_somebody(), *command], cwd=self.folder, env=self.environment(plugins),
            text=True, input=questions if server else "", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{command[0]} failed: {done.returncode}")
        return int(done.stdout) * 1024

    def bytes_more(self, workload, server):
        """For each unit: bytes above stock"""
        _, each = UNITS[workload]
        small, large = (
            self.peak("plugins", path, server) - self.peak("none", path, server)
            for path in (self.capture(workload, n) for n in MANY)
        )
        return (large - small) / ((MANY[1] - MANY[0]) // each)


def mark(value, goal):
    return "" if goal is None or value <= goal else " (missed)"


def cost_line(row, stock, ours):
    if row.per_line:
        lines = ours[1] - stock[1]
        stock, ours = stock[0] / stock[1], (ours[0] - stock[0]) / lines
    else:
        stock, ours = stock[0], ours[0]
    more = ours / stock - 1
    goal = "" if row.goal is None else f"{row.goal:+.1%}"
    return f"| {row.what} | {row.workload} | {stock:,.0f} | {ours:,.0f} | {more:+.1%}{mark(more, row.goal)} | {goal} |"


def costs(bench, rows, workers):
    wanted = {}
    for row in rows:
        wanted[("none", row.workload, row.against)] = None
        wanted[(row.plugins, row.workload, row.arguments)] = None
    for workload, packets in itertools.product({row.workload for row in rows}, PACKETS):
        bench.capture(workload, packets)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for key, slopes in zip(wanted, pool.map(lambda key: bench.slopes(*key), wanted), strict=True):
            wanted[key] = slopes
    for row in rows:
        stock = wanted[("none", row.workload, row.against)]
        yield cost_line(row, stock, wanted[(row.plugins, row.workload, row.arguments)])


def memory(bench):
    for (what, workload, beside, goal), server in itertools.product(MEMORY, (False, True)):
        found = bench.bytes_more(workload, server) - beside
        program = "`sharkd` with look-ahead" if server else "`tshark`"
        yield f"| {what}, {program} | {workload} | | {found:,.0f} bytes{mark(found, goal)} | | {goal} |"


def heading():
    said = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+\.\d+", said).group()
    return f"Wireshark {version}, {datetime.date.today():%Y-%m-%d}; instructions for each packet."


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--only", default="", help="only the rows that have this text")
    options.add_argument("--no-memory", action="store_true")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--write", action="store_true", help="write the table into README.md")
    chosen = options.parse_args()
    build = Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    lines = [heading(), "", "| what | connections of | stock | with tcplife | more | goal |", "| --- | --- | --- | --- | --- | --- |"]
    print(*lines, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="tcplife-benchmark-") as name:
        bench = Bench(Path(name), build)
        rows = [row for row in ROWS if chosen.only in row.what + row.workload]
        for line in itertools.chain(costs(bench, rows, chosen.jobs), () if chosen.no_memory else memory(bench)):
            print(line, flush=True)
            lines.append(line)
    if chosen.write:
        readme = TOP / "README.md"
        begin, end = "<!-- The table that benchmark.py --write makes -->\n", "<!-- ends here -->"
        before, rest = readme.read_text().split(begin)
        readme.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    main()
