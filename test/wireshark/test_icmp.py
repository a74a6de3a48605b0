# SPDX-License-Identifier: GPL-2.0-or-later
"""Which ICMP errors reject an opening, whatever stands around what they quote: alike with the tap and in a pass
without one."""

import re

import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPOption_NOP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import pcap
from test_headers import CLIENT, MACS, SERVER
from wireshark import WHOLE

CLIENT_6, SERVER_6, ROUTER_6 = "2001:db8::1", "2001:db8::2", "2001:db8::fe"
ROUTER = "203.0.113.1"
ISN = 1000
TENTH = 100_000  # microseconds
TCP_HEAD = 8  # bytes of the TCP header that each error has to quote (RFC 792): ports and number
WORDS = "connection rejected by ICMP"


def quoted(syn, tcp=TCP_HEAD):
    """As much of a SYN as to so many bytes of its TCP header"""
    return bytes(syn)[: len(syn) - len(syn[TCP]) + tcp]


def error(kind, code, quote, **ip):
    return IP(src=ROUTER, dst=CLIENT, **ip) / ICMP(type=kind, code=code) / Raw(quote)


def error_6(kind, code, quote):
    """Its checksum is scapy's, which takes what it does not know for no ICMP"""
    head = bytes([kind, code, 0, 0, 0, 0, 0, 0])
    return IPv6(src=ROUTER_6, dst=CLIENT_6, nh=58) / Raw(head + quote)


def syn(port, **ip):
    return IP(src=CLIENT, dst=SERVER, **ip) / TCP(sport=port, dport=80, flags="S", seq=ISN)


def syn_6(port):
    return IPv6(src=CLIENT_6, dst=SERVER_6) / TCP(sport=port, dport=80, flags="S", seq=ISN)


def with_other(packet, tcp=(), **ip):
    """What the error quotes of a packet that was another one"""
    packet = packet.copy()
    for name, value in ip.items():
        packet.setfieldval(name, value)
    for name, value in dict(tcp).items():
        packet[TCP].setfieldval(name, value)
    return packet


NOPS = [IPOption_NOP()] * 4

# By name: the SYN of a port, the error that quotes it, and type and code if that ends the opening.
ERRORS = {
    f"type {kind}, code {code}": (syn, lambda it, kind=kind, code=code: error(kind, code, quoted(it)), ends and (kind, code))
    for kind, code, ends in (
        (3, 0, True), (3, 1, True), (3, 3, True), (3, 13, True), (11, 0, True), (12, 0, True),
        (3, 4, False), (4, 0, False), (5, 1, False), (0, 0, False), (8, 0, False), (30, 0, False),
    )
} | {
    f"ICMPv6 type {kind}, code {code}": (syn_6, lambda it, kind=kind, code=code: error_6(kind, code, quoted(it)), ends and (kind, code))
    for kind, code, ends in (
        (1, 0, True), (1, 4, True), (3, 0, True), (4, 1, True), (2, 0, False), (5, 0, False), (128, 0, False),
    )
} | {
    "the whole SYN": (syn, lambda it: error(3, 3, bytes(it)), (3, 3)),
    "7 bytes of it": (syn, lambda it: error(3, 3, quoted(it, 7)), None),
    "7 bytes of it in ICMPv6": (syn_6, lambda it: error_6(1, 4, quoted(it, 7)), None),
    "no SYN at all": (syn, lambda it: error(3, 3, b""), None),
    "a SYN with IP options": (lambda port: syn(port, options=NOPS), lambda it: error(3, 1, quoted(it)), (3, 1)),
    "an error with IP options": (syn, lambda it: error(3, 1, quoted(it), options=NOPS), (3, 1)),
    "a later fragment": (syn, lambda it: error(11, 1, quoted(with_other(it, frag=100))), None),
    "another protocol": (syn, lambda it: error(3, 3, quoted(with_other(it, proto=17))), None),
    "another protocol in ICMPv6": (syn_6, lambda it: error_6(1, 4, quoted(with_other(it, nh=17))), None),
    "another number": (syn, lambda it: error(3, 3, quoted(with_other(it, {"seq": ISN + 1000}))), None),
    "another server": (syn, lambda it: error(3, 3, quoted(with_other(it, dst=ROUTER))), None),
    "another server in ICMPv6": (syn_6, lambda it: error_6(1, 4, quoted(with_other(it, dst=ROUTER_6))), None),
    "the SYN of the other end": (syn, lambda it: error(3, 3, quoted(with_other(it, src=SERVER, dst=CLIENT))), None),
}  # fmt: skip


@pytest.fixture(scope="module")
def attempts(wireshark):
    """A SYN and an error for each, from a port of its own"""
    packets = []
    for number, (opening, answer, _) in enumerate(ERRORS.values()):
        packet = opening(40000 + number)
        packets += [packet, answer(packet)]
    frames = [(n * TENTH, bytes(Ether(**MACS) / packet)) for n, packet in enumerate(packets)]
    return wireshark.write("icmp-errors.pcap", pcap.write(frames))


@pytest.fixture(scope="module", params=[(), WHOLE], ids=["one pass", "look-ahead"])
def rows(request, wireshark, attempts):
    fields = ["tcplife.connection", "tcplife.event", "tcplife.transition", "_ws.expert.message"]
    return wireshark.rows(attempts, fields, *request.param)


@pytest.mark.parametrize("number, name", list(enumerate(ERRORS)), ids=ERRORS)
def test_which_end_the_opening(rows, number, name):
    *_, ends = ERRORS[name]
    opening, answer = rows[2 * number : 2 * number + 2]
    assert opening["tcplife.connection"] == [str(number)]
    told = [text for text in answer["_ws.expert.message"] if text.startswith(WORDS)]
    if not ends:
        assert not told and not any(answer[field] for field in answer if field.startswith("tcplife."))
        return
    assert answer["tcplife.connection"] == [str(number)]
    assert answer["tcplife.event"] == ["open.icmp_rejected"]
    assert answer["tcplife.transition"] == ["client SYN_SENT -> CLOSED"]
    assert [tuple(map(int, re.findall(r"\d+", text.removeprefix(WORDS)))) for text in told] == [ends]
