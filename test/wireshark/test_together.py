# SPDX-License-Identifier: GPL-2.0-or-later
"""All captures in one at the same time, as on a busy wire: each connection's row is what it is alone.

They end together, so what silence tells is the same too. Each has addresses of its own."""

import collections
import itertools
import json

import pcap
from wireshark import CAPTURES, TOP

END = 1_700_000_000_000_000  # microseconds: when the last frame of each capture passes
HEADERS = 100  # bytes of a frame in which an address may stand, those that an ICMP error quotes too
# Of a checksum that is still to be computed only the addresses tell.
KEEPS_ITS_ADDRESSES = "any-interface"
NUMBERED_ANEW = ("tcp.stream", "tcplife.connection", "tcplife.reuse.connection", "tcplife.start", "tcplife.story")


def own_net(index, data):
    """192.0.2.0/24 in the headers becomes a net of the capture's own."""
    net = bytes([10, index // 256, index % 256])
    return data[:HEADERS].replace(bytes([192, 0, 2]), net) + data[HEADERS:]


def own_frames(index, name):
    """(when, order, bytes) of a capture's frames; a clock that goes back goes back in their times alone."""
    frames = pcap.read((TOP / "captures" / f"{name}.pcap").read_bytes())
    latest = list(itertools.accumulate((time for time, _ in frames), max))
    for order, ((time, data), turn) in enumerate(zip(frames, latest, strict=True)):
        shift = END - latest[-1]
        yield turn + shift, index, order, time + shift, data if name == KEEPS_ITS_ADDRESSES else own_net(index, data)


def together():
    streams = (own_frames(index, name) for index, name in enumerate(CAPTURES))
    return pcap.write([(time, data) for _, _, _, time, data in sorted(itertools.chain.from_iterable(streams))])


def rows_of(wireshark, capture):
    return map(json.loads, wireshark.read(capture, "-n", "-q", "-z", "tcplife,json").splitlines())


def plain(row):
    """What does not depend on what else is in the capture"""
    return {
        name: value
        for name, value in row.items()
        if name not in NUMBERED_ANEW and ".frame" not in name and not name.endswith((".answers", ".addr"))
    }


def counted(rows):
    return collections.Counter(json.dumps(plain(row), sort_keys=True) for row in rows)


def test_each_connection_is_what_it_is_alone(wireshark):
    alone = sum((counted(rows_of(wireshark, name)) for name in CAPTURES), collections.Counter())
    all_at_once = counted(rows_of(wireshark, wireshark.write("together.pcap", together())))
    assert all_at_once - alone == alone - all_at_once == collections.Counter()
