# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs tshark, sharkd and their kind with the plugin that was built, and reads their answers.

Wireshark loads no plugin from a private folder when it runs as root, and says nothing about it. So
root steps down to nobody, and what nobody has to read lies in a folder that everybody may read.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pcap
from interface import EXPERTS, FIELDS, full

TOP = Path(__file__).resolve().parents[2]
CAPTURES = sorted(path.stem for path in (TOP / "captures").glob("[!.]*.pcap"))
NOBODY = 65534
TIMEOUT = 60  # seconds, for any one program
SEPARATOR = "|"  # between the values of one field; no value of tcplife has it
# True is 1 to Wireshark 4.0 and True to later versions: here it is 1.
BOOLEAN = {"True": "1"}

PACKET = (
    "frame.number", "frame.time_epoch", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.stream",
    "tcp.srcport", "tcp.dstport", "tcp.len", "tcp.flags", "ip.ttl", "ipv6.hlim",
)  # fmt: skip
OURS = full([*FIELDS, *EXPERTS])

STATISTICS = ("json", "csv", "streams", "tree")  # the names of those that may be asked for together
ALL_STATISTICS = ("-n", "-q", *(word for name in STATISTICS for word in ("-z", f"tcplife,{name}")))
WHOLE = ("-2", "-o", "tcplife.look_ahead:TRUE")  # tshark's arguments to read the whole capture first

TREE_VALUE = re.compile(r'(tcplife[\w.]*)(?: == (?:"(.*)"|(.*)))?$')


def frames_of(name):
    """(microseconds, bytes) of each frame of a capture"""
    return pcap.read((TOP / "captures" / f"{name}.pcap").read_bytes())


def as_somebody():
    """The beginning of a command line that runs a program as one who is not root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def version():
    """(major, minor) of the installed tshark."""
    said = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.search(r"(\d+)\.(\d+)", said).groups())


def lay_out(folder, build):
    """A plugin folder with nothing but the plugin that was built, as $WIRESHARK_PLUGIN_DIR has to be; the plugin there"""
    epan = folder / "{}.{}".format(*version()) / "epan"
    epan.mkdir(parents=True)
    return Path(shutil.copy(build / "plugin" / "tcplife.so", epan))


class Wireshark:
    """An installation of Wireshark with nothing but the plugin, in a folder of its own."""

    def __init__(self, folder, build):
        self.build = build  # the meson build folder
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.plugin = str(lay_out(self.folder / "plugins", build))
        self.seen = {}  # by capture and arguments: see everything()
        self.told = {}  # by capture and arguments: see statistics()
        self.home = self.folder / "home"
        self.home.mkdir()
        if os.geteuid() == 0:
            os.chown(self.home, NOBODY, NOBODY)
        (self.folder / "captures").mkdir()
        for name in CAPTURES:
            self.write(f"captures/{name}.pcap", (TOP / "captures" / f"{name}.pcap").read_bytes())

    def write(self, name, content):
        """A file that the programs may read"""
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    def path(self, capture):
        """The file of a capture: of one in captures/ that is named, or of one that was written."""
        return self.folder / "captures" / f"{capture}.pcap" if isinstance(capture, str) else capture

    @property
    def environment(self):
        return {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "WIRESHARK_PLUGIN_DIR": str(self.folder / "plugins"),
            "XDG_CONFIG_HOME": str(self.home),
        }

    def run(self, *command, **environment):
        """A program, with some variables of its environment set otherwise"""
        return subprocess.run(
            [*as_somebody(), *map(str, command)],
            capture_output=True,
            cwd=self.folder,
            encoding="utf-8",
            env=self.environment | environment,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT,
        )

    def tshark(self, *arguments, **environment):
        """What tshark prints. It has to be content and to have nothing to say beside it."""
        done = self.run("tshark", *arguments, **environment)
        assert (done.returncode, done.stderr) == (0, ""), f"tshark {arguments}: {done}"
        return done.stdout

    def read(self, capture, *arguments, **environment):
        return self.tshark("-r", self.path(capture), *arguments, **environment)

    def rows(self, capture, fields, *arguments):
        """For each frame that is printed, each field's list of values."""
        selection = itertools.chain.from_iterable(("-e", field) for field in fields)
        form = ("-T", "fields", "-E", "separator=/t", "-E", f"aggregator={SEPARATOR}")
        printed = self.read(capture, *arguments, *form, *selection)
        return [
            {
                field: [BOOLEAN.get(one, one) for one in value.split(SEPARATOR)] if value else []
                for field, value in zip(fields, line.split("\t"), strict=True)
            }
            for line in printed.splitlines()
        ]

    def everything(self, capture, *arguments):
        """Each frame of a capture by its number: all fields of tcplife and some of the packet, with
        their lists of values. Each is asked for once and for all tests."""
        key = capture, arguments
        if key not in self.seen:
            rows = self.rows(capture, [*PACKET, *OURS], *arguments)
            self.seen[key] = {int(row["frame.number"][0]): row for row in rows}
        return self.seen[key]

    def statistics(self, capture, *arguments):
        """What tshark prints of a capture when it is asked for each of tcplife's statistics. Each is asked
        for once and for all tests."""
        key = capture, arguments
        if key not in self.told:
            self.told[key] = self.read(capture, *arguments, *ALL_STATISTICS)
        return self.told[key]

    def json(self, capture, *arguments):
        """Each connection's row."""
        lines = self.statistics(capture, *arguments).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def fields(self):
        """(name, type, description) of each field and expert info of tcplife, in tshark's order."""
        lines = [line.split("\t") for line in self.tshark("-G", "fields").splitlines()]
        return [
            (line[2], line[3], line[7])
            for line in lines
            if line[0] == "F" and line[2].startswith("tcplife.")
        ]

    def sharkd(self):
        return Sharkd(self)


class Sharkd:
    """A sharkd that answers one question after the other. To be used with `with`."""

    def __init__(self, wireshark):
        self.wireshark = wireshark
        self.process = subprocess.Popen(
            [*as_somebody(), "sharkd", "-"],
            cwd=wireshark.folder,
            encoding="utf-8",
            env=wireshark.environment,
            stderr=subprocess.DEVNULL,  # it greets there, and repeats the questions
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(TIMEOUT) == 0

    def ask(self, method, **parameters):
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        print(json.dumps(question), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.strip():
                return json.loads(line)["result"]
        raise AssertionError(f"sharkd gave no answer to {question}")

    def load(self, capture):
        """Read a capture with look-ahead."""
        self.ask("setconf", name="tcplife.look_ahead", value="TRUE")
        self.ask("load", file=str(self.wireshark.path(capture)))

    def frame(self, number):
        """What the packet tree of a frame holds of tcplife: each field's list of values."""
        values = {}
        nodes = self.ask("frame", frame=number, proto=True)["tree"]
        while nodes:
            node = nodes.pop(0)
            nodes[:0] = node.get("n", [])
            if match := TREE_VALUE.match(node.get("f", "")):
                name, quoted, plain = match.groups()
                value = quoted if quoted is not None else plain or ""
                values.setdefault(name, []).append(BOOLEAN.get(value, value))
        return values
