# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of any size, each of one kind of traffic, for measurements.

A workload is a function of a number of units that yields segments:
(client's address and port, server's address and port, from the client?, flags, sequence, ack, data).
Addresses are numbers.
"""

import struct

FIN, SYN, RST, PUSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
CLIENTS, SERVERS = 0x0A000000, 0x0AFF0001  # 10.0.0.0 and on, 10.255.0.1 and on
HTTP = 80
REQUEST = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: benchmark\r\n\r\n"
SEGMENT = 1000  # bytes of an answer in one segment
AT_ONCE = 100  # connections that go on at the same time
MICROSECONDS = 100  # between two frames
CLOSE_TO_CLOSE = 10_000_000  # the ISNs of two connections are at least as far apart

ETHERNET = bytes.fromhex("020000000002 020000000001 0800")
HEADERS = struct.Struct("!14s BBHHHBBHII HHIIBBHHH")
RECORD = struct.Struct("<IIII")
FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def frame(ends, from_client, flags, seq, ack, data):
    client, client_port, server, server_port = ends
    source, target = (client, server) if from_client else (server, client)
    ports = (client_port, server_port) if from_client else (server_port, client_port)
    return HEADERS.pack(
        ETHERNET, 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, source, target,
        *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0,
    ) + data  # fmt: skip


def write(path, segments):
    """Write a capture; how many packets it has."""
    number = 0
    with open(path, "wb") as out:
        out.write(FILE)
        for number, segment in enumerate(segments, 1):
            packet = frame(*segment)
            seconds, micros = divmod(number * MICROSECONDS, 1_000_000)
            out.write(RECORD.pack(seconds, micros, len(packet), len(packet)) + packet)
    return number


def ends_of(connection):
    """Each connection has its own client, all one server."""
    return CLIENTS + connection // 50_000, 10_000 + connection % 50_000, SERVERS, HTTP


def isn(connection):
    return connection * CLOSE_TO_CLOSE * 7 & 0xFFFFFFFF


def answer(segments):
    """The answer to the request, in pieces of the size of a segment."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {segments * SEGMENT - 100}\r\n"
    head += "X-Padding: " + "x" * (100 - len(head) - len("X-Padding: \r\n\r\n")) + "\r\n\r\n"
    yield head.encode() + b"a" * (SEGMENT - len(head))
    for _ in range(segments - 1):
        yield b"a" * SEGMENT


def conversation(client, server, segments, acks, rounds=1):
    """One connection that the client's ISN and the server's begin: some rounds of a request and an answer of
    some segments, each `acks`th of them acknowledged, and a close in three."""
    yield True, SYN, client, 0, b""
    yield False, SYN | ACK, server, client + 1, b""
    yield True, ACK, client + 1, server + 1, b""
    asked, end = client + 1, server + 1
    for _ in range(rounds):
        yield True, PUSH | ACK, asked, end, REQUEST
        asked += len(REQUEST)
        for number, data in enumerate(answer(segments), 1):
            yield False, ACK, end, asked, data
            end += len(data)
            if number % acks == 0:
                yield True, ACK, asked, end, b""
    yield True, FIN | ACK, asked, end, b""
    yield False, FIN | ACK, end, asked + 1, b""
    yield True, ACK, asked + 1, end + 1, b""


def connections(segments, acks, at_once=AT_ONCE):
    """A workload of connections, many of them at the same time."""

    def workload(units):
        for first in range(0, units, at_once):
            group = range(first, min(first + at_once, units))
            for step in zip(*(conversation(isn(n), isn(n) + 99, segments, acks) for n in group), strict=True):
                yield from ((ends_of(n), *segment) for n, segment in zip(group, step, strict=True))

    return workload


def one_stream(units):
    """One connection; a unit is a packet, 31 make a round."""
    yield from ((ends_of(0), *segment) for segment in conversation(1, 2, 20, 2, units // 31))


def syn_flood(units):
    """As many SYNs to one server, none of them answered."""
    yield from ((ends_of(n), True, SYN, isn(n), 0, b"") for n in range(units))


def syn_scan(units):
    """As many SYNs, each to a server of its own."""
    yield from (((CLIENTS, 40_000, SERVERS + n, HTTP), True, SYN, isn(n), 0, b"") for n in range(units))


def ports_reused(units):
    """Connections of 10 packets, one after the other on the same two ports."""
    for n in range(units):
        yield from ((ends_of(0), *segment) for segment in conversation(isn(n), isn(n) + 99, 2, 1))


def rst_storm(units):
    """One connection, and then RSTs of the client that go on and on."""
    ends = ends_of(0)
    opening = [(ends, *segment) for segment in list(conversation(1, 2, 1, 1))[:3]]
    yield from opening
    yield from ((ends, True, RST | ACK, 2, 3, b"") for _ in range(units - len(opening)))


SHORT = connections(2, 2)  # 10 packets
INTERLEAVED = connections(2, 2, at_once=1000)
LONG = connections(20, 2)  # 37 packets
