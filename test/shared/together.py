# SPDX-License-Identifier: GPL-2.0-or-later
"""Many captures in one: one after the other, or all at the same time, as on a busy wire.

Those of the same time end together, so what silence tells of each is what it tells when it is alone. Each has
addresses of its own."""

import itertools

import pcap
from wireshark import CAPTURES, frames_of
SECOND = 1_000_000  # microseconds
END = 1_700_000_000_000_000  # microseconds: when the last frame of each capture passes
HEADERS = 100  # bytes of a frame in which an address may stand, those that an ICMP error quotes too
# Of a checksum that is still to be computed only the addresses tell.
KEEPS_ITS_ADDRESSES = "any-interface"


def one_after_the_other(names):
    frames, begin = [], 0
    for own in map(frames_of, names):
        frames += [(begin + time - own[0][0], data) for time, data in own]
        begin = frames[-1][0] + SECOND
    return pcap.write(frames)


def own_net(index, data):
    """192.0.2.0/24 in the headers becomes a net of the capture's own."""
    net = bytes([10, index // 256, index % 256])
    return data[:HEADERS].replace(bytes([192, 0, 2]), net) + data[HEADERS:]


def own_frames(index, name):
    """(when, order, bytes) of a capture's frames; a clock that goes back goes back in their times alone."""
    frames = frames_of(name)
    latest = list(itertools.accumulate((time for time, _ in frames), max))
    for order, ((time, data), turn) in enumerate(zip(frames, latest, strict=True)):
        shift = END - latest[-1]
        yield turn + shift, index, order, time + shift, data if name == KEEPS_ITS_ADDRESSES else own_net(index, data)


def at_the_same_time():
    streams = (own_frames(index, name) for index, name in enumerate(CAPTURES))
    return pcap.write([(time, data) for _, _, _, time, data in sorted(itertools.chain.from_iterable(streams))])
