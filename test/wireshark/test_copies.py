# SPDX-License-Identifier: GPL-2.0-or-later
"""Every capture with each packet twice, as tcpdump -i any or a mirror of both directions has it: the
same story."""

import struct
from socket import AF_INET, AF_INET6, inet_pton

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

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


MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
HEADS = [  # of an IP that has an identification, and one that has none
    lambda **ends: IP(id=7, **ends), lambda **ends: IPv6(**{side: f"2001:db8::{it[-1]}" for side, it in ends.items()}),
]  # fmt: skip


def pseudo_sum(packet):
    """What stands for the checksum where the interface is to compute it (RFC 9293, 3.1)"""
    whole = packet.__class__(bytes(packet))
    addresses = b"".join(inet_pton(AF_INET6 if isinstance(whole, IPv6) else AF_INET, it) for it in (whole.src, whole.dst))
    total = sum(struct.unpack(f"!{len(addresses) // 2}H", addresses)) + len(bytes(whole[TCP])) + 6
    return (total & 0xFFFF) + (total >> 16)


@pytest.mark.parametrize("arguments", [(), WHOLE], ids=["one pass", "look-ahead"])
def test_a_copy_has_the_same_checksum(wireshark, arguments):
    """Unless one of the two was captured before the checksum was computed."""
    frames = []
    for number, head in enumerate(HEADS):
        there, back = {"src": "192.0.2.1", "dst": "192.0.2.2"}, {"src": "192.0.2.2", "dst": "192.0.2.1"}
        ports = {"sport": 40000 + number, "dport": 80}
        data = head(**there) / TCP(**ports, flags="PA", seq=101, ack=501)
        uncomputed = data / b"hello"
        uncomputed[TCP].chksum = pseudo_sum(uncomputed)
        packets = [
            head(**there) / TCP(**ports, flags="S", seq=100),
            head(**back) / TCP(sport=80, dport=40000 + number, flags="SA", seq=500, ack=101),
            head(**there) / TCP(**ports, flags="A", seq=101, ack=501),
            data / b"hello", data / b"jelly", uncomputed,
        ]  # fmt: skip
        times = [0, 100_000, 200_000, 300_000, 300_300, 300_600]
        frames += [(number * 1_000_000 + time, bytes(Ether(**MACS) / it)) for time, it in zip(times, packets, strict=True)]
    rows = wireshark.rows(wireshark.write("checksums.pcap", pcap.write(frames)), ["tcplife.copy_of"], *arguments)
    copies = [row["tcplife.copy_of"] for row in rows]
    for own in (copies[:6], copies[6:]):
        assert own[:5] == [[]] * 5 and own[5], copies
