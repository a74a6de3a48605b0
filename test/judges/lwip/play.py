# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays connections between two hosts on one lwIP (hosts.c), and gives for each what passed, and the
states of both ends by lwIP's own word. It judges nothing."""

import ctypes
import hashlib
import random
from dataclasses import dataclass, field

from links import MS, WAYS, Clock, Wire, forge, parse
from observer import other
from scenarios import SCENARIOS
from stack import end_of

TICK = 250 * MS  # of lwIP's timers
# Nothing is under way and the programs are through, for so long.
QUIET = 2000 * MS
# Nothing has passed for so long, whatever the programs wait for.
SILENCE = 30_000 * MS
# A connection that does not come to rest.
LONGEST = 240_000 * MS
ENDS = ("client", "server")
SERVER_PORT = 80
MOST_ENDPOINTS = 16
# lwIP's states, as tcpbase.h numbers them.
STATES = ("CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT",
          "CLOSING", "LAST_ACK", "TIME_WAIT")  # fmt: skip
ON_THE_WAY = {"SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "CLOSING", "LAST_ACK"}
TO_WIRE = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int)


class Endpoint(ctypes.Structure):
    _fields_ = (("id", ctypes.c_uint64), ("state", ctypes.c_int32))


class Stack:
    """The one lwIP, and what it has sent since it was last asked."""

    def __init__(self, library):
        self.calls = ctypes.CDLL(str(library))
        self.calls.has_socket.restype = self.calls.saw_eof.restype = ctypes.c_bool
        self.calls.has_read.restype = ctypes.c_uint32
        self.sent = {end: [] for end in ENDS}
        self._to_wire = TO_WIRE(lambda host, packet, length: self.sent[ENDS[host]].append(bytes(packet[:length])))
        self.calls.start(self._to_wire)

    def take_sent(self, end):
        packets, self.sent[end] = self.sent[end], []
        return packets

    def endpoints(self, end):
        """{id: state}"""
        found = (Endpoint * MOST_ENDPOINTS)()
        count = self.calls.endpoints(ENDS.index(end), found, MOST_ENDPOINTS)
        return {one.id: STATES[one.state] for one in found[:count]}


@dataclass
class Life:
    """One endpoint of lwIP's: one connection as one host sees it."""

    number: int
    id: int
    state: str = "CLOSED"
    is_gone: bool = False


@dataclass
class Host:
    """One address with one program, which is a script: once a condition holds, and some time later, do it."""

    stack: Stack
    end: str
    port: int
    peer_port: int
    lives: list = field(default_factory=list)
    script: list = field(default_factory=list)
    is_waiting: bool = False  # for the pause of the script's first step to be over
    did: bool = False  # something, since it was last asked

    def then(self, when, pause, do):
        self.script.append((when, pause, do))

    def _call(self, name, *arguments):
        self.did = True
        return getattr(self.stack.calls, name)(ENDS.index(self.end), *arguments)

    # What a program does

    def listen(self):
        self._call("listen_at", self.port)

    def stop_listening(self):
        self._call("stop_listening")

    def connect(self):
        self._call("connect_to", self.port, self.peer_port)

    def accepts(self, does):
        self._call("set_accepts", does)

    def reads(self, does):
        self._call("set_reads", does)

    def write(self, count):
        self._call("write_some", count)

    def shutdown(self):
        self._call("half_close")

    def close(self):
        self._call("close_socket")

    def abort(self):
        self._call("abort_socket")

    def keep_alive(self):
        self._call("keep_alive")

    def forget(self):
        self._call("forget")

    # What a step can wait for

    @property
    def state(self):
        """That of the newest endpoint, None if there was none."""
        return self.lives[-1].state if self.lives else None

    def has_begun(self):
        return bool(self.lives)

    def is_open(self):
        return self.state in ("ESTABLISHED", "CLOSE_WAIT") and self.stack.calls.has_socket(ENDS.index(self.end))

    def is_closed(self):
        return self.state == "CLOSED"

    def saw_eof(self):
        return self.stack.calls.saw_eof(ENDS.index(self.end))

    def has_read(self, count):
        return lambda: self.stack.calls.has_read(ENDS.index(self.end)) >= count

    def update(self):
        """[life, ...] whose state lwIP has changed."""
        now = self.stack.endpoints(self.end)
        known = {life.id: life for life in self.lives if not life.is_gone}
        for identity in now:
            if identity not in known:
                known[identity] = Life(len(self.lives), identity)
                self.lives.append(known[identity])
        changed = []
        for identity, life in known.items():
            state = now.get(identity, "CLOSED")
            life.is_gone = identity not in now
            if state != life.state:
                life.state = state
                changed.append(life)
        return changed


class Connection:
    """All that happens between the two ends, which may be several connections of RFC 9293."""

    def __init__(self, stack, name, variant, seed, loss, disorder):
        key = hashlib.sha256(f"{seed} {name} {variant} {loss} {disorder}".encode()).digest()
        self.luck = random.Random(key)
        self.stack = stack
        self.clock = Clock()
        self.wire = Wire(self.clock, random.Random(self.luck.random()), loss, disorder)
        self.segments, self.events = [], []
        self.moved = 0  # when a segment was last under way, or a program did something
        ports = {"client": self.luck.randrange(20000, 40000), "server": SERVER_PORT}
        self.hosts = {end: Host(stack, end, ports[end], ports[other(end)]) for end in ENDS}
        self.client, self.server = self.hosts.values()
        self.first, self.second = self.luck.sample([self.client, self.server], 2)
        stack.calls.set_seed(self.luck.randrange(1 << 32))
        self._clear()
        SCENARIOS[name](self)
        self.name, self.variant = name, variant
        self.clock.later(self.luck.randrange(TICK), self._tick)

    def as_data(self):
        segments = [{key: value for key, value in s.items() if key != "packet"} for s in self.segments]
        return {"scenario": self.name, "variant": self.variant, "first": self.first.end, "delay": self.wire.delay,
                "segments": segments, "events": self.events}  # fmt: skip

    def run(self):
        self._programs()
        while self.clock.now < LONGEST and not self._is_at_rest():
            self.clock.next()
            self._programs()
        self._clear()

    def _clear(self):
        for host in self.hosts.values():
            host.forget()
            self.stack.take_sent(host.end)

    def _is_at_rest(self):
        if self.wire.underway:
            self.moved = self.clock.now
        calm = self.clock.now - self.moved
        return calm > SILENCE or (calm > QUIET and all(not h.script and h.state not in ON_THE_WAY
                                                       for h in self.hosts.values()))  # fmt: skip

    def _tick(self):
        self.stack.calls.tick()
        for host in self.hosts.values():
            self.happened(host, "timer")
        self.clock.later(self.clock.now + TICK, self._tick)

    # The programs

    def _programs(self):
        for host in self.hosts.values():
            while host.script and not host.is_waiting and host.script[0][0]():
                host.is_waiting = True
                self._after(host.script[0][1], host)

    def _after(self, pause, host):
        if pause:
            self.clock.later(self.clock.now + pause, lambda: self._step(host))
        else:
            self._step(host)

    def _step(self, host):
        _, _, do = host.script.pop(0)
        host.is_waiting = False
        self.moved = self.clock.now
        do()
        for one in self.hosts.values():
            if one.did:
                self.happened(one, "called")

    # What happens

    def happened(self, host, did, handled=None):
        """Writes down what a host has done, and sends off what it has sent."""
        host.did = False
        event = {"time": self.clock.stamp(), "end": host.end, "did": did, "segment": -1, "sent": []}
        if handled:
            event["segment"] = handled["id"]
        for packet in self.stack.take_sent(host.end):
            segment = parse(host.end, packet)
            segment["sent"] = self.clock.stamp()
            self.send(segment)
            event["sent"].append(segment["id"])
        changed = host.update()
        if host.lives and host.lives[-1] not in changed and (handled or event["sent"]):
            changed.append(host.lives[-1])
        self.events += [{**event, "life": life.number, "state": life.state} for life in changed]

    def send(self, segment):
        """Brings a segment onto its sender's link."""
        segment["id"] = len(self.segments)
        self.segments.append(segment)
        before, behind = WAYS[segment["from"]]

        def pass_middle():
            segment["middle"].append(self.clock.stamp())
            self.wire.enter(behind, segment, arrive)

        def arrive():
            segment["arrived"].append(self.clock.stamp())
            to = self.hosts[other(segment["from"])]
            self.stack.calls.deliver(ENDS.index(to.end), segment["packet"], len(segment["packet"]))
            self.happened(to, "handled", segment)

        self.wire.enter(before, segment, pass_middle)

    def forge(self, host, flags, seq):
        """Brings a segment onto a host's link that the host has not sent."""
        example = next(s["packet"] for s in self.segments if s["from"] == host.end)
        self.send(parse(host.end, forge(example, flags, seq)))

    def next_number(self, host):
        """The number that a host will send next."""
        return end_of([s for s in self.segments if s["from"] == host.end][-1])


def play(library, seed, variants, loss, disorder):
    stack = Stack(library)
    for name in SCENARIOS:
        for variant in range(variants):
            connection = Connection(stack, name, variant, seed, loss, disorder)
            connection.run()
            yield connection.as_data()
