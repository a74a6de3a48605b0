# SPDX-License-Identifier: GPL-2.0-or-later
"""Every capture with each packet twice, as tcpdump -i any or a mirror of both directions has it: the
same story."""

import pytest

import pcap
from interface import EVENT, full
from wireshark import WHOLE

# What is counted by frame: of a bare ACK without an identification nobody can tell what it is. And the story,
# which names frames in its sentences; all that it rests on is compared.
BY_FRAME = ("tcplife.copies", "tcplife.events", "tcplife.client.packets", "tcplife.server.packets", "tcplife.story")


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
    once = wireshark.json(capture)
    assert [compared(as_once(row)) for row in wireshark.json(twice)] == [compared(row) for row in once]


@pytest.mark.parametrize("kept", [0, 1])
def test_without_the_copies_the_facts_are_the_same(wireshark, kept):
    """On a host that passes each packet from one interface to another, whichever of the two is kept."""
    frames = pcap.read(wireshark.path("any-interface").read_bytes())
    filtered = wireshark.write(f"any-{kept}.pcap", pcap.write([
        (frames[i][0], frames[i + kept][1]) for i in range(0, len(frames), 2)
    ]))
    once = [compared(row) for row in wireshark.json(filtered)]
    both = [compared(as_once(row)) for row in wireshark.json("any-interface")]
    for row in once + both:
        del row["tcplife.duration"], row["tcplife.client.held"], row["tcplife.server.held"]
    assert both == once
    assert [row["tcplife.copies"] for row in wireshark.json("any-interface")] == [10, 8, 2]


@pytest.mark.parametrize("arguments", [(), WHOLE])
def test_a_copy_names_its_original_and_decides_nothing(wireshark, arguments):
    for frame, row in wireshark.everything("any-interface", *arguments).items():
        assert row["tcplife.copy_of"] == ([] if frame % 2 else [str(frame - 1)])
        assert frame % 2 or not any(row[field] for field in full(EVENT))
