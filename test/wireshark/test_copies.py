# SPDX-License-Identifier: GPL-2.0-or-later
"""Every capture with each packet twice, as tcpdump -i any or a mirror of both directions has it: the
same story."""

import json

import pcap

# What is counted by frame: of a bare ACK without an identification nobody can tell what it is.
BY_FRAME = ("tcplife.copies", "tcplife.events", "tcplife.client.packets", "tcplife.server.packets")


def rows(wireshark, path):
    lines = wireshark.tshark("-r", path, "-q", "-z", "tcplife,json").splitlines()
    return [json.loads(line) for line in lines]


def as_once(row):
    """A row of a capture that has each frame twice, with the numbers that they had before."""
    return {
        key: (value + 1) // 2 if ".frame." in key or key == "tcplife.reset.answers" else value
        for key, value in row.items()
    }


def compared(row):
    return {key: value for key, value in row.items() if key not in BY_FRAME}


def test_a_packet_captured_twice_is_one_segment(wireshark, capture):
    frames = pcap.read(wireshark.path(capture).read_bytes())
    twice = wireshark.write(f"twice-{capture}.pcap", pcap.write([f for f in frames for _ in range(2)]))
    once = rows(wireshark, wireshark.path(capture))
    assert [compared(as_once(row)) for row in rows(wireshark, twice)] == [compared(row) for row in once]
