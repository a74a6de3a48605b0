# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames without a time stamp, as the Simple Packet Blocks of a pcapng: tcplife shows no time of them, and
whatever does not depend on time."""

import json

import pytest

import pcap
from interface import EVENT, FACT, NOW, full
from wireshark import WHOLE, frames_of

NAMES = ["story-02-keep-alive-rst", "port-reuse-in-client-time-wait", "ipv6", "injected-rst", "still-open"]
TIMES = full([name for kinds in (NOW, EVENT, FACT) for name, kind in kinds.items() if kind in ("FT_RELATIVE_TIME", "FT_ABSOLUTE_TIME")])


def untimed(wireshark, name, keep_times_of=()):
    frames = frames_of(name)
    blocks = [
        pcap.packet(0, time, data) if number in keep_times_of else pcap.untimed(data)
        for number, (time, data) in enumerate(frames, 1)
    ]
    return wireshark.write(f"untimed-{name}-{len(keep_times_of)}.pcapng", b"".join((pcap.SECTION, pcap.interface(), *blocks)))


def times(row):
    return {key: value for key, value in row.items() if key in TIMES and value}


@pytest.mark.parametrize("mode", [(), WHOLE], ids=["one pass", "whole"])
@pytest.mark.parametrize("name", NAMES)
def test_no_time_is_shown(wireshark, name, mode):
    path = untimed(wireshark, name)
    rows = wireshark.everything(path, *mode)
    assert not any(row["frame.time_epoch"] for row in rows.values())
    assert not any(map(times, rows.values()))
    assert any(map(times, wireshark.everything(name, *mode).values()))
    for line in wireshark.read(path, *mode, "-q", "-z", "tcplife,json").splitlines():
        assert not times(json.loads(line))


@pytest.mark.parametrize("name", ["story-06-simultaneous-close", "ipv6"])
def test_what_does_not_depend_on_time_is_shown(wireshark, name):
    fields = full(["phase", "client.state", "server.state", "step", "event", "open", "close", "client.bytes"])
    assert wireshark.rows(untimed(wireshark, name), fields) == wireshark.rows(name, fields)


def test_one_frame_without_makes_the_times_of_its_connection_unknown(wireshark):
    """From that frame on, in one pass; but no other connection's."""
    name = "ipv6"
    rows = wireshark.everything(name)
    middle = len(rows) // 2
    mixed = wireshark.everything(untimed(wireshark, name, set(rows) - {middle}))
    of = rows[middle]["tcplife.connection"]
    for number, row in mixed.items():
        if row["tcplife.connection"] == of and number >= middle:
            assert not times(row)
        else:
            assert times(row) == times(rows[number])


def test_statistics_leave_the_times_out(wireshark):
    path = untimed(wireshark, "story-06-simultaneous-close")
    story = wireshark.read(path, "-q", "-z", "tcplife,story")
    assert "1970" not in story and "0.000" not in story
    lines = wireshark.read(path, "-q", "-z", "tcplife,streams")
    assert "1970" not in lines and "0.000" not in lines
    assert "opened a connection to server 192.0.2.2:80 (3-way; frames 1 to 3)." in story
    assert "simultaneous" in story and "simultaneous" in lines
