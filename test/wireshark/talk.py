# SPDX-License-Identifier: GPL-2.0-or-later
"""The core's conversations as one capture: each with a port of its own, one after the other. What the notation
tells of SACK, checksums and ICMP errors is left out, so what tcplife has to say may be another thing."""

import struct

import conversation
import pcap

PAUSE = 300_000_000  # microseconds
MAC = {">": bytes.fromhex("020000000001"), "<": bytes.fromhex("020000000002")}
ADDRESS = {">": bytes([192, 0, 2, 1]), "<": bytes([192, 0, 2, 2])}
LONGEST = 60_000  # bytes of data in a frame


def ip_segment(match, port, number):
    """A frame of a line; without checksums, and each with an identification of its own, so none is a copy"""
    end, other = match["end"], "<" if match["end"] == ">" else ">"
    seq, ack = int(match["seq"]) % 2**32, int(match["ack"] or 0) % 2**32
    length = int(match["to"] or match["seq"]) - int(match["seq"])
    flags = sum(bit for letter, bit in conversation.FLAGS.items() if letter in match["flags"])
    window = min(int(match["win"] or 64240), 65535)
    tcp = struct.pack("!HHIIBBHHH", port[end], port[other], seq, ack, 5 << 4, flags, window, 0, 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + length, number % 65535 + 1, 0, int(match["ttl"] or 64), 6, 0,
                     ADDRESS[end], ADDRESS[other])  # fmt: skip
    return MAC[other] + MAC[end] + b"\x08\x00" + ip + tcp + bytes(length)


def is_long(match):
    return int(match["to"] or match["seq"]) - int(match["seq"]) > LONGEST


def frames(only=None):
    """(microseconds, bytes) of all, or of the one that is named"""
    now, number = 1_700_000_000_000_000, 0
    for index, (name, lines) in enumerate(conversation.load().items()):
        if only not in (None, name):
            continue
        segments = list(filter(None, map(conversation.SEGMENT.fullmatch, lines)))
        if any(map(is_long, segments)) or "ports own" in lines:
            continue
        port = {">": 1024 + index, "<": 80} if "ports > lower" not in lines else {">": 80, "<": 1024 + index}
        for match in segments:
            now += conversation.nanoseconds(match["delay"]) // 1000
            yield now, ip_segment(match, port, number)
            number += 1
        now += PAUSE


def write(only=None):
    return pcap.write(frames(only))
