# SPDX-License-Identifier: GPL-2.0-or-later
"""What test/try.sh prints once it has built: of which connections, how much of them, and whose file it names."""

import os
import re
import subprocess
import sys

import pytest

from test_servers import capture
from wireshark import TIMEOUT, TOP

MANY = 50_000


def life(build, *arguments):
    return subprocess.run(
        [sys.executable, TOP / "test" / "wireshark" / "life.py", *arguments],
        capture_output=True, encoding="utf-8", env=os.environ | {"TCPLIFE_BUILD": str(build)}, timeout=TIMEOUT,
    )  # fmt: skip


def headings(printed):
    return [int(number) for number in re.findall(r"^Connection (\d+): ", printed, re.MULTILINE)]


@pytest.mark.parametrize(
    "wanted, found",
    [((), [0, 1]), (("1",), [1]), (('tcplife.close == "simultaneous"',), [1]), (("tcp.port == 40073",), [0])],
)
def test_which_connections(build, wireshark, wanted, found):
    done = life(build, wireshark.path("story-07-eleven-states"), *wanted)
    assert (done.returncode, done.stderr, headings(done.stdout)) == (0, "", found)


def test_a_connection_is_told_whole(build, wireshark):
    name = "story-02-keep-alive-rst"
    printed = life(build, wireshark.path(name)).stdout
    for frame, row in wireshark.everything(name).items():
        told = re.search(rf"^ +{frame} .*$", printed, re.MULTILINE)
        if row["tcplife.step"] or row["tcplife.event"]:
            states = [row[f"tcplife.{name}"][0] for name in ("phase", "client.state", "server.state")]
            columns = re.split("  +", told[0].strip())
            assert columns[3:] == [*row["tcplife.step"], *states]
        else:
            assert not told


def test_no_more_than_a_screen(build, wireshark):
    path = capture(wireshark, "fifty thousand.pcap", [MANY // 50] * 50)
    done = life(build, path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "") and 20 < len(lines) < 45
    assert f"{MANY} connections in all: {MANY} still open." in lines
    others = [line.split("test/try.sh ")[1] for line in lines if "test/try.sh " in line]
    assert others[0] == f"'{path}' {headings(done.stdout)[-1] + 1}"


def test_errors_name_the_file_of_the_user(build, wireshark):
    torn = wireshark.write("torn by me.pcap", (TOP / "captures" / "silent.pcap").read_bytes()[:700])
    done = life(build, torn)
    assert done.stderr.count(str(torn)) == 1 and done.stderr.count("\n") == 1
    assert headings(done.stdout) == [0]


def test_a_filter_that_is_none(build, wireshark):
    done = life(build, wireshark.path("silent"), "tcplife.close ==")
    assert done.returncode != 0 and "Unexpected end" in done.stderr and done.stdout == ""


def test_no_connection(build, wireshark):
    assert life(build, wireshark.path("silent"), "7").stdout == "no such connection in this capture\n"
