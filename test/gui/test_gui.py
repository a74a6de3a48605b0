# SPDX-License-Identifier: GPL-2.0-or-later
"""The real Wireshark on a screen that nobody sees. gui.py drives it through accessibility; what it shows
has to be what tshark prints. With another post-dissector enabled (Community ID) nothing changes."""

import csv
import json
import os
import shutil
import subprocess
from decimal import Decimal

import pytest

from test_statistics import in_columns, statistics, tree_counts
from wireshark import NOBODY, TOP, as_somebody

PYTHON = "/usr/bin/python3"  # which has Debian's python3-gi
CONDITION = 'tcplife.phase == "TIME_WAIT"'
CAPTURE = "story-07-eleven-states"
SECONDS = 150


@pytest.fixture(scope="module")
def display():
    """A screen of an X server of our own"""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x1000x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def packets(wireshark, condition="frame"):
    """The numbers of the packets that a filter lets pass"""
    return [int(row["frame.number"][0]) for row in wireshark.rows(CAPTURE, ["frame.number"], "-Y", condition)]


def order(wireshark):
    """All packets, none beside its neighbour"""
    numbers = packets(wireshark)
    return [*numbers[::-3], *numbers[1::3], *numbers[::-2]]


def drive(wireshark, display, home, *arguments):
    """What gui.py saw"""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    command = as_somebody()
    if command:
        shutil.chown(home, NOBODY, NOBODY)
    driver = wireshark.write("gui.py", (TOP / "test" / "gui" / "gui.py").read_bytes())
    environment = wireshark.environment | {
        "DISPLAY": display, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(home),
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "QT_QPA_PLATFORM": "xcb",
    }  # fmt: skip
    frames = ",".join(map(str, order(wireshark)))
    done = subprocess.run(
        [*command, "dbus-run-session", "--", PYTHON, driver, wireshark.path(CAPTURE), CONDITION, frames, *arguments],
        capture_output=True, cwd=wireshark.folder, encoding="utf-8", env=environment, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not any(word in done.stderr for word in ("CRITICAL", "Dissector bug", "assertion"))
    return json.loads(done.stdout.splitlines()[-1])  # the registry of AT-SPI greets before


@pytest.fixture(scope="module", params=[(), ("--enable-protocol", "communityid")], ids=["alone", "with Community ID"])
def seen(request, wireshark, display):
    return drive(wireshark, display, wireshark.folder / "gui-home", *request.param), bool(request.param)


@pytest.mark.xdist_group("gui")
def test_wireshark_lives_to_the_end(seen):
    assert seen[0]["returned"] == 0


@pytest.mark.xdist_group("gui")
def test_the_filter_counts(wireshark, seen):
    total, found = len(packets(wireshark)), len(packets(wireshark, CONDITION))
    assert 0 < found < total
    assert seen[0]["all"] == seen[0]["unfiltered"] == [total, total]
    assert seen[0]["filtered"] == [total, found]


@pytest.mark.xdist_group("gui")
def test_packets_in_any_order(wireshark, seen):
    rows = wireshark.everything(CAPTURE)
    shown, with_community_id = seen
    frames = order(wireshark)
    assert len(shown["selected"]) == len(frames)
    for frame, details in zip(frames, shown["selected"]):
        phase, client, server = (rows[frame][f"tcplife.{name}"][0] for name in ("phase", "client.state", "server.state"))
        line = f"[TCP Lifecycle, {phase}, client {client}, server {server}"
        assert [text for text in details if text.startswith(line) and text[len(line)] in "]:"]
        assert any("Community ID: 1:" in text for text in details) == with_community_id


@pytest.mark.xdist_group("gui")
def test_tree_window_has_the_counts_of_the_command_line(wireshark, seen):
    counts = tree_counts(statistics(wireshark.statistics(CAPTURE))["tree"])
    titles, *rows = seen[0]["tree"]
    assert titles[:2] == ["Topic / Item", "Count"]
    assert sorted((row[0], int(row[1])) for row in rows) == sorted((path[-1], n) for path, n in counts.items())


def with_six_digits(cell):
    try:
        return f"{Decimal(cell):.6f}" if "." in cell and ":" not in cell else cell
    except ArithmeticError:
        return cell


@pytest.mark.xdist_group("gui")
def test_connection_window_has_the_lines_of_the_command_line(wireshark, seen):
    titles, *lines = in_columns(statistics(wireshark.statistics(CAPTURE))["streams"])
    rows = statistics(wireshark.statistics(CAPTURE))["csv"]
    wanted = [["Filter", "Verdict", *titles[1:]]]
    for line, row in zip(lines, csv.DictReader(rows.splitlines()), strict=True):
        wanted.append([f"tcplife.connection == {line[0]}", row["tcplife.verdict"], *map(with_six_digits, line[1:])])
    assert seen[0]["table"] == wanted


@pytest.mark.xdist_group("gui")
def test_the_conversation_filter_of_a_packet_is_its_connection(wireshark, seen):
    connection = wireshark.everything(CAPTURE)[order(wireshark)[-1]]["tcplife.connection"][0]
    condition = f"tcplife.connection == {connection}"
    found, total = len(packets(wireshark, condition)), len(packets(wireshark))
    assert 0 < found < total
    assert seen[0]["conversation"] == condition
    assert seen[0]["after conversation"].startswith(f"Packets: {total} · Displayed: {found} (")


@pytest.mark.xdist_group("gui")
def test_flow_graph_has_the_deciding_and_the_answered_segments(wireshark, seen):
    rows = wireshark.everything(CAPTURE)
    answered = {int(frame) for row in rows.values() for frame in row["tcplife.reset.answers"]}
    drawn = answered | {number for number, row in rows.items() if row["tcplife.step"] or row["tcplife.reset.answers"]}
    assert seen[0]["flow"].split(", ")[1].strip() == f"{len(drawn)} item(s)"


@pytest.mark.xdist_group("gui")
def test_follow_tcp_stream(wireshark, seen):
    """It filters the stream of the packet that was selected last."""
    last = order(wireshark)[-1]
    stream = wireshark.everything(CAPTURE)[last]["tcp.stream"][0]
    found, total = len(packets(wireshark, f"tcp.stream == {stream}")), len(packets(wireshark))
    assert "client pkt(s)" in seen[0]["follow"]
    assert seen[0]["after follow"] == [total, found]
