# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts and a wire of two links, with a capture at each host and one in the middle.

      client -- tap = link A = middle = link B = tap -- server
               (C)              (M)             (S)

The hosts are those of test/shared/network.py: network namespaces that know nobody but each other.
Each link delays every segment, and may lose, hold back or repeat it: because a scenario's script says so,
or because chance does. Whatever happens to a segment is written down, so that later every
difference can be held against what really passed.
"""

import random
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

import network

NAME = "tcplife-lab"
POINTS = ("client", "middle", "server")
ALIASES = range(10, 20)  # further addresses of the server, for scenarios that need one to themselves
NOBODY = 99  # host number of an address whose MAC belongs to nobody
FOREIGN_MAC = "02:00:00:00:00:99"
UNREACHABLE, UNREACHABLE6 = "203.0.113.7", "2001:db8:dead::7"

DELAY = 0.003  # of frames that belong to no case
MORE_DELAY = (0.003, 0.012)  # of a frame that is held back by chance, so that others overtake it
PCAP_NANOSECONDS = 0xA1B23C4D
ETHERNET = 1


def now():
    """The clock of all captures."""
    return time.clock_gettime(time.CLOCK_REALTIME)


@dataclass
class Rule:
    """What a script wants to happen on a link."""

    link: str
    names: object  # which segments: a function of the segment
    left: int  # how many more
    hold: float = None  # hold back for so long; None: lose


@dataclass
class Impairments:
    """The wire as one case sees it: its delays, what its script wants, what happened."""

    key: str
    delay: dict  # of each link
    loss: float = 0.0
    disorder: float = 0.0
    rules: list = field(default_factory=list)
    happened: list = field(default_factory=list)
    busy: float = 0.0  # when a segment last came to a link
    _passed: dict = field(default_factory=dict)
    _due: dict = field(default_factory=dict)

    def decide(self, link, segment):
        """When to deliver a segment that has come to that link: no time, one, or two."""
        at = self.busy = time.monotonic()
        direction = link + ("c" if segment.from_client else "s")
        count = self._passed[direction] = self._passed.get(direction, 0) + 1
        for rule in self.rules:
            if rule.link == link and rule.left > 0 and rule.names(segment):
                rule.left -= 1
                self._note("lost" if rule.hold is None else "held", link, segment, True)
                return [] if rule.hold is None else [at + self.delay[link] + rule.hold]
        chance = random.Random(f"{self.key} {direction} {count}")
        if chance.random() < self.loss:
            self._note("lost", link, segment, False)
            return []
        fate = chance.random()
        if fate < self.disorder:
            self._note("held", link, segment, False)
            return [at + self.delay[link] + chance.uniform(*MORE_DELAY)]
        due = self._due[direction] = max(self._due.get(direction, 0), at + self.delay[link])
        if fate < 2 * self.disorder:
            self._note("repeated", link, segment, False)
            return [due, due + chance.uniform(*MORE_DELAY)]
        return [due]

    def _note(self, what, link, segment, wanted):
        self.happened.append({
            "time": now(), "what": what, "link": link, "wanted": wanted,
            "from": "client" if segment.from_client else "server", "segment": str(segment),
            "flags": segment.flags, "seq": segment.seq, "ack": segment.ack, "length": segment.length,
        })  # fmt: skip


class Wire(network.Wire):
    """Carries frames between the two taps by way of the middle, where it writes them down."""

    def __init__(self, client, server, path):
        super().__init__(client, server)
        self.cases = {}  # by (client's port, server's port)
        self.carried = {}  # by the same: [(segment, frame)] as they passed the middle
        self._file = open(path, "wb")
        self._file.write(struct.pack("=IHHiIII", PCAP_NANOSECONDS, 2, 4, 0, 0, network.FRAME_MAX, ETHERNET))

    def stop(self):
        super().stop()
        self._file.close()

    def enter(self, frame, from_client):
        self._enter_link(frame, from_client, first=True)

    def _enter_link(self, frame, from_client, first):
        link = "A" if from_client == first else "B"
        act = self.appear if first else self.arrive
        segment = network.parse(frame, from_client)
        case = self._case_of(segment)
        if case is None:
            self.later(time.monotonic() + DELAY, act, frame, from_client)
            return
        for due in case.decide(link, segment):
            self.later(due, act, frame, from_client)

    def _case_of(self, segment):
        return self.cases.get(ports_of(segment)) if segment else None

    def appear(self, frame, from_client):
        """In the middle, which is where an injected frame comes from too."""
        seconds, nanoseconds = divmod(time.clock_gettime_ns(time.CLOCK_REALTIME), 1000000000)
        self._file.write(struct.pack("=IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)
        segment = network.parse(frame, from_client)
        if self._case_of(segment):
            self.carried.setdefault(ports_of(segment), []).append((segment, frame))
        self._enter_link(frame, from_client, first=False)


def ports_of(segment):
    """(client's port, server's port)"""
    ports = segment.sport, segment.dport
    return ports if segment.from_client else ports[::-1]


class Net(network.Net):
    """With a capture at each host and one in the middle."""

    SYSCTLS = {
        "tcp_congestion_control": "reno",
        "tcp_no_metrics_save": 1,  # no connection learns from another
        "tcp_tw_reuse": 1,
        "tcp_fastopen": 3,
        "tcp_syncookies": 1,
        "tcp_syn_linear_timeouts": 0,
        "tcp_syn_retries": 3,
        "tcp_synack_retries": 3,
        "tcp_fin_timeout": 60,
        "tcp_orphan_retries": 6,
        "tcp_autocorking": 0,
    }

    def __init__(self, folder, number):
        """`number` chooses the addresses: events of an earlier run's orphans must not look like ours."""
        self.folder = Path(folder)
        self.prefix, self.prefix6 = f"198.18.{number % 256}", f"2001:db8:{number % 65536:x}"
        client, server = ((f"{self.prefix}.{n}", f"{self.prefix6}::{n}") for n in (1, 2))
        super().__init__(NAME, client, server)

    def _build(self):
        super()._build()
        self._prepare()
        for point in ("client", "server"):
            self.capture_at(
                point,
                self.folder / f"{point}.raw",
                options=["--time-stamp-precision=nano", "-B", "8192"],
                expression="tcp or icmp or icmp6 or (ip6 and ip6[6] = 58)",
            )

    def new_wire(self):
        return Wire(self.client, self.server, self.folder / "middle.raw")

    def _prepare(self):
        for host in (self.client, self.server):
            host.set(**self.SYSCTLS)
        self.server.set(ip_forward=1)
        self.server.set("ipv6", conf__all__forwarding=1)
        self.server.ip(
            *(f"address add {self.prefix}.{n}/24 dev tap0" for n in ALIASES),
            *(f"address add {self.prefix6}::{n}/64 dev tap0 nodad" for n in ALIASES),
            f"route add prohibit {UNREACHABLE}",
            f"route add prohibit {UNREACHABLE6}",
        )
        neighbours = {n: network.SERVER_MAC for n in ALIASES} | {NOBODY: FOREIGN_MAC}
        self.client.ip(
            *(f"neighbour add {address} lladdr {mac} dev tap0 nud permanent"
              for n, mac in neighbours.items() for address in (f"{self.prefix}.{n}", f"{self.prefix6}::{n}")),
            f"route add default via {self.server.address}",
            f"route add default via {self.server.address6}",
        )

    def address(self, family, number):
        return f"{self.prefix}.{number}" if family == socket.AF_INET else f"{self.prefix6}::{number}"

    def owns(self, address):
        return address.startswith((f"{self.prefix}.", f"{self.prefix6}:"))


def forge(segment, frame, flags, seq, ack=0):
    """A frame without data in the name of the sender of `frame`, with other flags and numbers."""
    is_ip4 = frame[12:14] == b"\x08\x00"
    start = 14 + (20 if is_ip4 else 40)
    tcp = struct.pack("!HHIIBBHHH", segment.sport, segment.dport, seq % (1 << 32), ack % (1 << 32), 5 << 4, flags,
                      1024, 0, 0)  # fmt: skip
    if is_ip4:
        header = bytearray(frame[14:start])
        header[0], header[10:12] = 0x45, b"\0\0"
        header[2:4] = struct.pack("!H", 20 + len(tcp))
        header[10:12] = struct.pack("!H", checksum(header))
        addresses = header[12:20]
    else:
        header = bytearray(frame[14:start])
        header[4:6] = struct.pack("!H", len(tcp))
        addresses = header[8:40]
    pseudo = bytes(addresses) + struct.pack("!II", len(tcp), socket.IPPROTO_TCP)
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return frame[:14] + bytes(header) + tcp


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ ((total & 0xFFFF) + (total >> 16))


def read_pcap(path):
    """[(time, frame)] of a capture with nanoseconds."""
    content = Path(path).read_bytes()
    frames, offset = [], 24
    while offset + 16 <= len(content):
        seconds, nanoseconds, length = struct.unpack_from("=III", content, offset)
        offset += 16
        frames.append((seconds + nanoseconds / 1e9, content[offset : offset + length]))
        offset += length
    return frames


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", PCAP_NANOSECONDS, 2, 4, 0, 0, network.FRAME_MAX, ETHERNET))
        for at, frame in frames:
            seconds = int(at)
            nanoseconds = int((at - seconds) * 1e9)
            file.write(struct.pack("=IIII", seconds, nanoseconds, len(frame), len(frame)) + frame)
