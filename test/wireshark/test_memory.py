# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rows of a statistic take: nothing where each is written at once, their text where all have to be
known before the first is written, to know how wide a column is."""

import os
import subprocess

from scale import growth
from test_servers import capture
from wireshark import as_somebody

SERVERS, EACH = 100, 500


def memory(wireshark, path, form):
    """The most that tshark takes, in bytes"""
    process = subprocess.Popen(
        [*as_somebody(), "tshark", "-n", "-q", "-r", path, "-z", f"tcplife,{form}"],
        cwd=wireshark.folder, env=wireshark.environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


def test_lines_take_what_their_text_takes(wireshark):
    """A row is some 140 bytes of text; as a string of its own each of its cells took 50."""
    path = capture(wireshark, "memory.pcap", [EACH] * SERVERS)
    assert memory(wireshark, path, "streams") - memory(wireshark, path, "csv") < SERVERS * EACH * 300


def test_sharkd_grows_no_more_than_stock_when_it_reloads(wireshark):
    """Of 2,000 connections, which take a MB in the plugin, nothing is left at the next load. (Stock sharkd of 4.0
    keeps some 10 MB of each.)"""
    (wireshark.folder / "none").mkdir(exist_ok=True)
    ours, stock = (growth(wireshark, plugins, loads=20) for plugins in ("plugins", "none"))
    assert ours < stock + 250_000, (ours, stock)
