# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads and writes capture files (Ethernet), whose bytes and times the tests choose."""

import struct

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
RECORD = struct.Struct("<IIII")


def read(content):
    """(microseconds since the epoch, bytes) of each frame of a pcap that is there to its end"""
    assert HEADER.startswith(content[:4]), "not a capture of this kind"
    frames, at = [], len(HEADER)
    while at + RECORD.size <= len(content):
        seconds, micros, length, _ = RECORD.unpack_from(content, at)
        data = content[at + RECORD.size :][:length]
        if len(data) < length:
            break
        frames.append((seconds * 1_000_000 + micros, data))
        at += RECORD.size + length
    return frames


def write(frames, snaplen=None):
    """As if captured with that snapshot length."""
    return HEADER + b"".join(
        RECORD.pack(*divmod(time, 1_000_000), len(data[:snaplen]), len(data)) + data[:snaplen]
        for time, data in frames
    )


def block(kind, body):
    """One of a pcapng"""
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(options=b""):
    return block(1, struct.pack("<HHI", 1, 0, 262144) + options)


def packet(number, time, data, length=None):
    """Of the interface with this number, counted from 0"""
    length = len(data) if length is None else length
    header = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data), length)
    return block(6, header + data)


def untimed(data):
    """A Simple Packet Block, which has no time stamp"""
    return block(3, struct.pack("<I", len(data)) + data)


def write_ng(frames, resolution=6, offset=0):
    """A pcapng, whose times are any 64 bits, in units of 10^-resolution s (with 0x80: 2^-n), after
    the epoch and the offset in seconds. A frame of which less was captured has its length as well."""
    options = struct.pack("<HHBxxxHHqHH", 9, 1, resolution, 14, 8, offset, 0, 0)
    return b"".join((SECTION, interface(options), *(packet(0, *frame) for frame in frames)))
