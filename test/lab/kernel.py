# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel itself says of its sockets: each change of state, and every tenth of a second all of them.

The changes come from the tracepoint sock:inet_sock_set_state. It says nothing of the small sockets
that stand for TIME_WAIT, for an orphan's FIN_WAIT_2, and for a handshake that is not complete; those
are seen by asking sock_diag(7) again and again.
"""

import bisect
import os
import re
import socket
import struct
import threading
import time
from pathlib import Path
from typing import NamedTuple

TRACING = Path("/sys/kernel/tracing")
EVENT = "events/sock/inet_sock_set_state"
BUFFER_KIB = 4096
INTERVAL = 0.1
STEP = 0.001  # a wall clock that is suddenly so much elsewhere was set by somebody
TRIES = 3

LINE = re.compile(
    r" (?P<time>\d+\.\d+): inet_sock_set_state: .*protocol=IPPROTO_TCP sport=(?P<sport>\d+) dport=(?P<dport>\d+) "
    r".*saddr=(?P<saddr>\S+) .*saddrv6=(?P<saddrv6>\S+) .*oldstate=TCP_(?P<old>\w+) newstate=TCP_(?P<new>\w+)"
)

# The kernel's names and numbers (include/net/tcp_states.h) for the RFC's states.
NAMES = {
    "ESTABLISHED": "ESTABLISHED", "SYN_SENT": "SYN_SENT", "SYN_RECV": "SYN_RECEIVED", "FIN_WAIT1": "FIN_WAIT_1",
    "FIN_WAIT2": "FIN_WAIT_2", "TIME_WAIT": "TIME_WAIT", "CLOSE": "CLOSED", "CLOSE_WAIT": "CLOSE_WAIT",
    "LAST_ACK": "LAST_ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING", "NEW_SYN_RECV": "SYN_RECEIVED",
}  # fmt: skip
NUMBERS = dict(enumerate(NAMES.values(), start=1))

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h; Python has no names for them.
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x001, 0x300
NLMSG_DONE = 3
ALL_STATES = 0xFFFFFFFF


def what_is_missing():
    """Why the kernel's transitions cannot be had here; None if they can."""
    if os.geteuid() != 0:
        return "it makes network namespaces and reads the kernel's tracepoints: it needs root"
    if not (TRACING / "instances").is_dir():
        return f"there is no tracefs: mount -t tracefs nodev {TRACING}"
    if not (TRACING / EVENT).is_dir():
        return "this kernel has no tracepoint sock:inet_sock_set_state"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    return None


class Event(NamedTuple):
    time: float  # on the wall clock, as packets are stamped
    address: str
    port: int
    peer: int
    old: str
    new: str
    steady: float  # CLOCK_MONOTONIC


class Sample(NamedTuple):
    begin: float  # on the wall clock
    until: float
    sockets: dict  # {(role, port, peer's port): state}
    steady: float


class Clocks:
    """How far the wall clock, which stamps packets, is ahead of the steady one, which stamps the kernel's events. It
    is read again and again, since whoever sets the wall clock meanwhile sets all packets from then on."""

    def __init__(self):
        self._times, self._leads = [], []

    def read(self):
        """Of some tries the one that took least: nothing came between the readings."""
        self.note(*min((read_clocks() for _ in range(TRIES)), key=lambda reading: reading[2] - reading[0]))

    def note(self, before, wall, after):
        middle = (before + after) / 2
        self._times.append(middle)
        self._leads.append(wall - middle)

    def wall(self, steady):
        """What the wall clock said then, as it was last read."""
        return steady + self._leads[max(0, bisect.bisect_right(self._times, steady) - 1)]

    def stepped(self, begin, until):
        """Whether the wall clock was set between two steady times; when exactly, between two readings, nobody knows."""
        return any(
            abs(self._leads[i + 1] - self._leads[i]) > STEP and self._times[i] <= until and begin <= self._times[i + 1]
            for i in range(len(self._times) - 1)
        )


def read_clocks():
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    wall = time.clock_gettime(time.CLOCK_REALTIME)
    return before, wall, time.clock_gettime(time.CLOCK_MONOTONIC)


class Trace:
    """The tracepoint, in an instance of tracefs of its own, so that nobody's tracing is disturbed."""

    def __init__(self):
        self.folder = TRACING / "instances" / f"tcplife-lab-{os.getpid()}"

    def __enter__(self):
        self.folder.mkdir()
        try:
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", BUFFER_KIB)
            self._write(f"{EVENT}/enable", 1)
        except OSError:
            self.folder.rmdir()
            raise
        return self

    def __exit__(self, *_):
        self._write(f"{EVENT}/enable", 0)
        self.folder.rmdir()

    def _write(self, name, value):
        (self.folder / name).write_text(str(value), encoding="ascii")

    def events(self, clocks):
        """The events so far, in the order in which they happened."""
        events = []
        for line in (self.folder / "trace").read_text(encoding="ascii", errors="replace").splitlines():
            if match := LINE.search(line):
                steady = float(match["time"])
                events.append(Event(
                    clocks.wall(steady), address_of(match), int(match["sport"]), int(match["dport"]),
                    NAMES[match["old"]], NAMES[match["new"]], steady,
                ))  # fmt: skip
        return sorted(events, key=lambda event: event.steady)


def address_of(match):
    """A socket of IPv6 has garbage for an IPv4 address; one of IPv4 has it mapped."""
    address = match["saddrv6"]
    return address.removeprefix("::ffff:") if "." in address else address


def sweep():
    """Removes tracing instances that a killed run left behind. Only under the lab's lock."""
    for folder in (TRACING / "instances").glob("tcplife-lab-*"):
        (folder / EVENT / "enable").write_text("0", encoding="ascii")
        folder.rmdir()


class Census:
    """All TCP sockets of the hosts and both clocks, again and again, from a thread of its own."""

    def __init__(self, hosts):
        self.samples = []
        self.clocks = Clocks()
        self._sockets = {}
        for role, host in hosts.items():
            with host.inside():
                self._sockets[role] = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self.clocks.read()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for sock in self._sockets.values():
            sock.close()

    def _work(self):
        while not self._stop.wait(INTERVAL):
            self.take()

    def take(self):
        self.clocks.read()
        steady, begin = time.monotonic(), time.clock_gettime(time.CLOCK_REALTIME)
        found = {}
        for role, sock in self._sockets.items():
            for family in (socket.AF_INET, socket.AF_INET6):
                for port, peer, state in dump(sock, family):
                    found[role, port, peer] = state
        self.samples.append(Sample(begin, time.clock_gettime(time.CLOCK_REALTIME), found, steady))


def dump(sock, family):
    """(port, peer's port, state) of each TCP socket."""
    question = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, ALL_STATES)
    header = struct.pack("=IHHII", 16 + len(question), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    sock.send(header + question)
    while True:
        answer, offset = sock.recv(1 << 18), 0
        while offset < len(answer):
            length, kind = struct.unpack_from("=IH", answer, offset)
            if kind != SOCK_DIAG_BY_FAMILY:
                if kind != NLMSG_DONE:
                    raise OSError(f"sock_diag answered with a message of type {kind}")
                return
            port, peer = struct.unpack_from("!HH", answer, offset + 20)
            yield port, peer, NUMBERS[answer[offset + 17]]
            offset += (length + 3) & ~3
