# SPDX-License-Identifier: GPL-2.0-or-later
"""The same addresses and ports at the same time in two VXLANs, or at two interfaces: two connections, by their
numbers alone, and the same two as in two VLANs."""

import struct

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import pcap
from interface import FACT, full
from wireshark import OURS, WHOLE, frames_of

NAME = "same-ports-in-two-vlans"
TAG = slice(12, 16)  # of a frame
VXLAN = 4789


def tagged():
    """(time, VLAN, frame without its tag)"""
    for time, data in frames_of(NAME):
        kind, vlan = struct.unpack("!HH", data[TAG])
        assert kind == 0x8100
        yield time, vlan, data[: TAG.start] + data[TAG.stop :]


def in_vxlan(number, data):
    outer = Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04") / IP(src="198.51.100.1", dst="198.51.100.2")
    return bytes(outer / UDP(sport=50000, dport=VXLAN) / (struct.pack("!II", 8 << 24, number << 8) + data))


def two_vxlans():
    return pcap.write([(time, in_vxlan(vlan, data)) for time, vlan, data in tagged()])


def two_interfaces():
    frames = list(tagged())
    numbers = sorted({vlan for _, vlan, _ in frames})
    packets = (pcap.packet(numbers.index(vlan), time, data) for time, vlan, data in frames)
    return b"".join((pcap.SECTION, *(pcap.interface() for _ in numbers), *packets))


@pytest.mark.parametrize("mode", [(), ("-2",), WHOLE], ids=["one pass", "two passes", "whole"])
@pytest.mark.parametrize("form", [two_vxlans, two_interfaces])
def test_two_connections_as_in_two_vlans(wireshark, form, mode):
    path = wireshark.write(f"{form.__name__}.pcapng", form())
    rows = wireshark.rows(path, OURS, *mode)
    assert rows == wireshark.rows(NAME, OURS, *mode)
    assert {row["tcplife.connection"][0] for row in rows} == {"0", "1"}


@pytest.mark.parametrize("form", [two_vxlans, two_interfaces])
def test_sharkd_says_the_same(wireshark, form):
    path = wireshark.write(f"{form.__name__}-sharkd.pcapng", form())
    shown = {}
    for capture in (path, NAME):
        with wireshark.sharkd() as sharkd:
            sharkd.load(capture)
            shown[capture] = [sharkd.frame(number) for number in range(1, 20)]
    assert shown[path] == shown[NAME]
    assert any("tcplife.close" in frame for frame in shown[path])


def test_each_ends_in_its_own_way(wireshark):
    path = wireshark.write("two-vxlans.pcap", two_vxlans())
    facts = wireshark.rows(path, full(["connection", "close", "client.bytes", "server.bytes"]), *WHOLE)
    assert set(FACT) >= {"close", "client.bytes"}
    assert {tuple(value for (value,) in row.values()) for row in facts} == {
        ("0", "4-way", "23", "51"), ("1", "abort", "23", "51"),
    }  # fmt: skip
