# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire of two links, that each delay and may lose, hold back or repeat a segment. All times are in
nanoseconds."""

import heapq
import itertools
import struct
from types import SimpleNamespace

import wire
from knowable import ACK, FIN, RST, SYN

MS = 10**6
DELAY = (2 * MS, 15 * MS)
MORE_DELAY = (3 * MS, 12 * MS)
# The links that a segment of each end passes, before the middle and behind it.
WAYS = {"client": "AB", "server": "BA"}
IP_HEADER, TCP_HEADER = 20, 20
ETHERNET = bytes(12) + b"\x08\x00"
WINDOW_SCALE, NOP, END = 3, 1, 0


def parse(sender, packet):
    """A segment and what will become of it, as in gvisor/wire.go. lwIP sends no options in its IP header."""
    length = struct.unpack_from("!H", packet, 2)[0]
    _, _, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", packet, IP_HEADER)
    header = offset >> 4 << 2
    options = packet[IP_HEADER + TCP_HEADER : IP_HEADER + header]
    return {"from": sender, "flags": flags, "seq": seq, "ack": ack, "length": length - IP_HEADER - header,
            "window": window, "scale": scale_in(options) if flags & SYN else -1, "sent": 0, "middle": [],
            "arrived": [], "fates": [], "packet": packet}  # fmt: skip


def scale_in(options):
    """The window scale that a SYN offers, -1 if none."""
    while options and options[0] != END:
        if options[0] == WINDOW_SCALE:
            return options[2]
        options = options[1 if options[0] == NOP else options[1] :]
    return -1


def forge(packet, flags, seq):
    """A packet without data in the name of the sender of this one."""
    ports = struct.unpack_from("!HH", packet, IP_HEADER)
    frame = wire.forge(SimpleNamespace(sport=ports[0], dport=ports[1]), ETHERNET + packet, flags, seq)
    return frame[len(ETHERNET) :]


class Clock:
    """What is due, in the order of time."""

    def __init__(self):
        self.now = 0
        self._due = []
        self._order = itertools.count()
        self._stamped = 0

    def later(self, at, act):
        heapq.heappush(self._due, (at, next(self._order), act))

    def next(self):
        """Lets time pass until something is due, and does it."""
        at, _, act = heapq.heappop(self._due)
        self.now = max(self.now, at)
        act()

    def stamp(self):
        """A time that nothing has yet."""
        self._stamped = max(self._stamped + 1, self.now)
        return self._stamped


class Wire:
    def __init__(self, clock, luck, loss, disorder):
        self.clock, self.luck = clock, luck
        self.loss, self.disorder = loss, disorder
        self.delay = {link: luck.randrange(*DELAY) for link in "AB"}
        self.is_cut = False
        self.wanted = []  # [condition on a segment, link]: that the script loses, once each
        self.underway = 0
        self._last = {}  # by link and sender: when the last segment is due

    def lose(self, condition, link):
        self.wanted.append((condition, link))

    def enter(self, link, segment, act):
        """Takes a copy of a segment to a link; act is what its end does with it."""
        lot = self.luck.random()
        if self._loses(link, segment):
            self._note(link, segment, "lost")
        elif lot < self.disorder:
            self._note(link, segment, "held")
            self._pass(self.clock.now + self.delay[link] + self.luck.randrange(*MORE_DELAY), act)
        else:
            way = link, segment["from"]
            at = self._last[way] = max(self._last.get(way, 0), self.clock.now + self.delay[link])
            self._pass(at, act)
            if lot < 2 * self.disorder:
                self._note(link, segment, "repeated")
                self._pass(at + self.luck.randrange(*MORE_DELAY), act)

    def _loses(self, link, segment):
        for wanted in self.wanted:
            condition, where = wanted
            if where == link and condition(segment):
                self.wanted.remove(wanted)
                return True
        return self.is_cut or self.luck.random() < self.loss

    def _note(self, link, segment, what):
        segment["fates"].append({"time": self.clock.stamp(), "what": what, "link": link})

    def _pass(self, at, act):
        def arrive():
            self.underway -= 1
            act()

        self.underway += 1
        self.clock.later(at, arrive)


def has(flags):
    """Whether a segment has exactly these flags of SYN, FIN, RST and ACK."""
    return lambda segment: segment["flags"] & (SYN | FIN | RST | ACK) == flags
