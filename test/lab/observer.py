# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcplife says of a capture, read with tshark in one pass, and folded into sequences of states."""

import contextlib
import tempfile
from dataclasses import dataclass, field

from wireshark import Wireshark

UNDONE = " (undone)"
FIELDS = (
    "frame.time_epoch", "tcp.stream", "tcplife.connection", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw",
    "tcp.len", "icmp.type", "icmpv6.type", "tcplife.sender", "tcplife.transition", "tcplife.client.state",
    "tcplife.server.state", "tcplife.guessed",
)  # fmt: skip


class BrokenChain(Exception):
    """A transition that leaves a state which the endpoint was not in."""


@dataclass
class Seen:
    """A segment at a capture point."""

    time: float
    stream: int
    sender: str  # end of the lab's case, not of tcplife
    flags: int
    seq: int
    ack: int
    length: int


@dataclass
class Stream:
    """What tcplife says of one connection, per end of the lab's case."""

    first: Seen
    frames: list = field(default_factory=list)
    transitions: dict = field(default_factory=lambda: {"client": [], "server": []})
    begins: dict = field(default_factory=dict)  # the states after the first frame
    guesses: list = field(default_factory=list)  # for each frame, whether its states are called a guess


@contextlib.contextmanager
def tshark_with(build):
    """A tshark with the plugin of that build folder."""
    with tempfile.TemporaryDirectory(prefix="tcplife-lab-") as folder:
        wireshark = Wireshark(folder, build)
        if "tcplife.so" not in wireshark.tshark("-G", "plugins"):
            raise RuntimeError("tshark does not load the plugin")
        yield wireshark


def read(wireshark, path, ports):
    """{index of the case: [Stream, ...]}. ports: {(client's, server's): index}"""
    copy = wireshark.write(f"{path.parent.name}-{path.name}", path.read_bytes())
    cases = {}
    for row in wireshark.rows(copy, FIELDS):
        if row["icmp.type"] or row["icmpv6.type"]:
            _add_icmp(cases, row, ports)
        elif row["tcp.stream"]:
            _add_segment(cases, row, ports)
    return {index: list(streams.values()) for index, streams in cases.items()}


def _whose(row, ports):
    """(index of the case, end that sent it) of the first TCP header in the frame."""
    pair = int(row["tcp.srcport"][0]), int(row["tcp.dstport"][0])
    if pair in ports:
        return ports[pair], "client"
    return ports.get(pair[::-1]), "server"


def other(end):
    return "server" if end == "client" else "client"


def _add_segment(cases, row, ports):
    index, sender = _whose(row, ports)
    if index is None:
        return
    number = int(row["tcplife.connection"][0])
    seen = Seen(float(row["frame.time_epoch"][0]), number, sender, int(row["tcp.flags"][0], 16),
                int(row["tcp.seq_raw"][0]), int(row["tcp.ack_raw"][0]), int(row["tcp.len"][0]))  # fmt: skip
    stream = cases.setdefault(index, {}).setdefault(number, Stream(seen))
    stream.frames.append(seen)
    if not row["tcplife.sender"]:
        raise BrokenChain(f"a segment without tcplife.sender: {row}")
    ends = {row["tcplife.sender"][0]: sender, other(row["tcplife.sender"][0]): other(sender)}
    # The other end is in no state of this connection before it speaks, or is moved.
    stream.begins.setdefault(sender, row[f"tcplife.{row['tcplife.sender'][0]}.state"][0])
    stream.guesses.append(bool(row["tcplife.guessed"]))
    _add_transitions(stream, row, ends)


def _add_icmp(cases, row, ports):
    """The segment that the ICMP error quotes was the client's."""
    if not row["tcplife.transition"]:
        return
    index, end = _whose(row, ports)
    if index is not None:
        _add_transitions(list(cases[index].values())[-1], row, {"client": end, "server": other(end)})


def _add_transitions(stream, row, ends):
    for text in row["tcplife.transition"]:
        role, move = text.split(" ", 1)
        undone = move.endswith(UNDONE)
        old, new = move.removesuffix(UNDONE).split(" -> ")
        stream.transitions[ends[role]].append((old, new, undone))
    forget_takeover(stream)


def forget_takeover(stream):
    """An end that takes over from the connection before was in its states, not in this one's."""
    for moves in stream.transitions.values():
        if [new for _, new, _ in moves[:2]] == ["CLOSED", "LISTEN"]:
            del moves[:2]


def fold(streams, end):
    """The states that an end was in, one after the other, when everything undone is taken back.

    An undoing leads from the present state back to one that the end was in before, and takes
    away everything since. Whatever it leads back to, and whatever any transition leaves, has to
    fit: a chain that does not hold together is an error of tcplife's. Several connections
    of one case follow each other, and a forged SYN begins one that is none of the case's.
    """
    states = []
    for stream in streams:
        transitions = stream.transitions[end]
        begin = transitions[0][0] if transitions else stream.begins.get(end)
        if begin and states[-1:] != [begin]:
            states.append(begin)
        for old, new, undone in transitions:
            if states[-1] != old:
                raise BrokenChain(f"{old} -> {new} leaves a state that it was not in: {states}")
            states = taken_back(states, old, new) if undone else [*states, new]
    return states


def taken_back(states, old, new):
    earlier = states[:-1]
    while earlier and earlier[-1] != new:
        earlier.pop()
    if not earlier:
        raise BrokenChain(f"{old} -> {new} (undone) leads to where it never was: {states}")
    return earlier
