# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts and a wire between them, for real sockets to speak over and tcpdump to listen at.

      client namespace              this process              server namespace
    sockets -- kernel -- tap ========= Wire ========= tap -- kernel -- sockets
                          ^                            ^
                          +--------- Captures ---------+

Each host is a network namespace whose only neighbour is the other end of the wire: its one
interface is a tap device that this process reads and writes, so no packet leaves the machine and
none of the machine's packets comes in. A tap device also has no offloads, so every frame is one
that could be on a real wire, with its checksum filled in.

What happens to a frame on its way is the business of who brings the wire: captures/record.py
loses what a scenario says, test/lab has two links and chance.
"""

import atexit
import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import types
from dataclasses import dataclass
from pathlib import Path

CLIENT = "192.0.2.1"
SERVER = "192.0.2.2"
CLIENT6 = "2001:db8::1"
SERVER6 = "2001:db8::2"
CLIENT_MAC = "02:00:00:00:00:01"
SERVER_MAC = "02:00:00:00:00:02"

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
LETTERS = {SYN: "S", FIN: "F", RST: "R", PSH: "P", ACK: "A"}

SOCKET_TIMEOUT = 10
COMMAND_TIMEOUT = 10
FRAME_MAX = 65536

# Names that Debian 12's Python does not have yet, and what the kernel calls them (linux/if_tun.h,
# linux/tcp.h, linux/sched.h).
TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
TCP_REPAIR = 19
TCP_REPAIR_QUEUE = 20
TCP_QUEUE_SEQ = 21
TCP_SEND_QUEUE = 2

libc = ctypes.CDLL(None, use_errno=True)


def run(*command, text=""):
    subprocess.run(command, input=text, text=True, check=True, timeout=COMMAND_TIMEOUT)


# What passes


@dataclass
class Segment:
    """What the rules of a wire look at."""

    from_client: bool
    sport: int
    dport: int
    flags: int
    seq: int
    ack: int
    length: int

    @property
    def bare_ack(self):
        return self.flags == ACK and self.length == 0

    def __str__(self):
        letters = "".join(letter for bit, letter in LETTERS.items() if self.flags & bit)
        return f"{letters}>" if self.from_client else f"<{letters}"


def parse(frame, from_client):
    """The TCP segment in an Ethernet frame; None if it holds something else."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0800 and frame[23] == socket.IPPROTO_TCP:
        start = 14 + (frame[14] & 0x0F) * 4
        end = 14 + int.from_bytes(frame[16:18], "big")
    elif kind == 0x86DD and frame[20] == socket.IPPROTO_TCP:
        start = 14 + 40
        end = start + int.from_bytes(frame[18:20], "big")
    else:
        return None
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", frame, start)
    length = end - start - (offset >> 4) * 4
    return Segment(from_client, sport, dport, flags & 0x1F, seq, ack, length)


def ladder(path):
    """A capture in one line: 'S> <SA A> PA> <A ...'"""
    client = bytes.fromhex(CLIENT_MAC.replace(":", ""))
    steps = []
    with open(path, "rb") as file:
        file.read(24)
        while header := file.read(16):
            frame = file.read(struct.unpack("=8xI4x", header)[0])
            segment = parse(frame, frame[6:12] == client)
            steps.append(str(segment) if segment else "icmp")
    return " ".join(steps)


# The hosts


class Host:
    """A network namespace with one tap device."""

    def __init__(self, name, address, address6, mac):
        self.name, self.address, self.address6, self.mac = name, address, address6, mac
        self.sockets = []
        self.tap = None
        run("ip", "netns", "add", self.name)
        self.namespace = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens or starts meanwhile belongs to the namespace, and stays there."""
        self._enter(self.namespace)
        try:
            yield
        finally:
            self._enter(self.home)

    @staticmethod
    def _enter(namespace):
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def make_tap(self, name="tap0"):
        with self.inside():
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        return tap

    def plug_in(self, peer):
        """The addresses are fixed and each knows the other's: no ARP, no neighbour discovery."""
        self.tap = self.make_tap()
        self.ip(
            "link set lo up",
            f"link set tap0 address {self.mac} addrgenmode none up",
            f"address add {self.address}/24 dev tap0",
            f"address add {self.address6}/64 dev tap0 nodad",
            f"neighbour add {peer.address} lladdr {peer.mac} dev tap0 nud permanent",
            f"neighbour add {peer.address6} lladdr {peer.mac} dev tap0 nud permanent",
        )

    def ip(self, *lines):
        run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines))

    def set(self, family="ipv4", **sysctls):
        """set(tcp_fin_timeout=3), set("ipv6", conf__all__forwarding=1)"""
        with self.inside():
            for name, value in sysctls.items():
                Path("/proc/sys/net", family, *name.split("__")).write_text(str(value), encoding="ascii")

    def new_socket(self, port=0, family=socket.AF_INET, isn=None):
        """A bound socket. The host keeps it: the capture must end before the last one closes."""
        with self.inside():
            sock = socket.socket(family, socket.SOCK_STREAM)
        self.sockets.append(sock)
        if isn is not None:
            choose_isn(sock, isn)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(SOCKET_TIMEOUT)
        sock.bind((self.address if family == socket.AF_INET else self.address6, port))
        return sock

    def listen(self, port, backlog=8, family=socket.AF_INET):
        listener = self.new_socket(port, family)
        listener.listen(backlog)
        return listener

    def accept(self, listener):
        connection, _ = listener.accept()
        connection.settimeout(SOCKET_TIMEOUT)
        self.sockets.append(connection)
        return connection

    def unplug(self):
        if self.tap is not None:
            os.close(self.tap)
            self.tap = None

    def remove(self):
        """It takes its sockets with it, those too that no program holds any more: the kernel would
        keep the namespace for them."""
        with self.inside():
            subprocess.run(["ss", "-K", "-t", "-a", "-H"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=COMMAND_TIMEOUT, check=False)  # fmt: skip
        for sock in self.sockets:
            sock.close()
        os.close(self.namespace)
        os.close(self.home)
        run("ip", "netns", "delete", self.name)


def choose_isn(sock, isn):
    """A socket under repair takes its next sequence number from us; connect() then sends it."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.pack("I", isn))
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)


def vanish(sock):
    """Destroys a connection without a word, as a crash of the machine would."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


# The wire, and who listens


class Container(Host):
    """A host behind the bridge of another one, which holds the tap device: as containers are."""

    def __init__(self, name, address, address6, mac):
        super().__init__(name, address, address6, mac)
        self.bridge = Host(f"{name}-bridge", address, address6, mac)

    def make_tap(self):
        tap = self.bridge.make_tap()
        self.bridge.ip(
            "link add br0 type bridge forward_delay 0 mcast_snooping 0",
            "link set br0 addrgenmode none up",
            "link set tap0 master br0 addrgenmode none up",
            f"link add veth0 type veth peer name tap0 netns {self.name}",
            "link set veth0 master br0 addrgenmode none up",
        )
        return tap

    def remove(self):
        super().remove()
        self.bridge.remove()


class Router(Host):
    """Stands between hosts and forwards: its kernel's netfilter can reject, translate and forget.

    Each of its interfaces has the MAC of the host that stands behind it for its neighbour there, so
    the hosts are as if they were each other's neighbours, but for one hop."""

    def __init__(self, name):
        super().__init__(name, None, None, None)
        self.sides = []
        self.set(ip_forward=1)

    def add_side(self, interface, neighbour, mac):
        """An interface that leads to that host. What it returns is an end for a Wire."""
        side = types.SimpleNamespace(tap=self.make_tap(interface))
        self.sides.append(side)
        self.ip(
            f"link set {interface} address {mac} addrgenmode none up",
            f"neighbour add {neighbour.address} lladdr {neighbour.mac} dev {interface} nud permanent",
        )
        return side

    def lead(self, host, interface):
        """From now on the way to that host is through this interface."""
        self.ip(f"route replace {host.address}/32 dev {interface}")

    def nft(self, *lines):
        with self.inside():
            run("nft", "-f", "-", text="\n".join(lines))

    def unplug(self):
        while self.sides:
            os.close(self.sides.pop().tap)


class Wire:
    """Carries frames from tap to tap. A subclass says in `enter` when each goes on, if at all."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self._due = []
        self._order = itertools.count()
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        os.close(self._wake)
        os.close(self._woken)

    def enter(self, frame, from_client):
        """A host has sent a frame."""
        raise NotImplementedError

    def arrive(self, frame, from_client):
        """A frame comes to the other host."""
        with contextlib.suppress(OSError):
            os.write((self.server if from_client else self.client).tap, frame)

    def later(self, due, act, frame, from_client):
        heapq.heappush(self._due, (due, next(self._order), act, frame, from_client))

    def inject(self, frame, from_client):
        """A frame that comes out of nowhere. Nothing that is on its way holds it up."""
        self.later(time.monotonic(), self.appear, frame, from_client)
        os.write(self._woken, b"x")

    appear = arrive  # where what was injected begins its way

    def _work(self):
        """Late frames look like a slow network, so this thread goes before all others."""
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        taps = [self.client.tap, self.server.tap]
        while not self._stop.is_set():
            wait = max(0, min(0.05, self._due[0][0] - time.monotonic())) if self._due else 0.05
            for ready in select.select([*taps, self._wake], [], [], wait)[0]:
                if ready == self._wake:
                    os.read(self._wake, FRAME_MAX)
                else:
                    self._drain(ready)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, act, frame, from_client = heapq.heappop(self._due)
                act(frame, from_client)

    def _drain(self, tap):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.enter(os.read(tap, FRAME_MAX), tap == self.client.tap)


class Capture:
    """tcpdump on one host's tap device, or on another of its interfaces."""

    def __init__(self, host, path, options=(), expression="tcp or icmp", interface="tap0"):
        command = ["tcpdump", "-i", interface, "-n", "-U", "-s", "0", "--immediate-mode",
                   "-Z", "root", *options, "-w", path, expression]  # fmt: skip
        with host.inside():
            self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        if not self._listens():
            self.process.kill()
            raise RuntimeError("tcpdump did not start")

    def _listens(self):
        """What it says before is a warning."""
        said = b""
        while b"listening on" not in said:
            ready, _, _ = select.select([self.process.stderr], [], [], COMMAND_TIMEOUT)
            more = os.read(self.process.stderr.fileno(), 4096) if ready else b""
            if not more:
                return False
            said += more
        return True

    def stop(self):
        # What has just passed may still be in the socket of tcpdump.
        time.sleep(0.1)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


class Net:
    """Both hosts and the wire, as a context: they are gone when it ends, however it ends."""

    def __init__(self, name, client=(CLIENT, CLIENT6), server=(SERVER, SERVER6)):
        """The name is the one that prepare() knows; the addresses are of IPv4 and IPv6."""
        self.name, self.addresses = name, {"client": client, "server": server}
        self.kinds = {"client": Host, "server": Host}
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        with self._undo:
            self._build()
            self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *error):
        return self._undo.__exit__(*error)

    def _build(self):
        self.client = self._new_host("client", CLIENT_MAC)
        self.server = self._new_host("server", SERVER_MAC)
        for host, peer in ((self.client, self.server), (self.server, self.client)):
            self._undo.callback(host.unplug)
            host.plug_in(peer)
        self.wire = self.new_wire()
        self.wire.start()
        self._undo.callback(self.wire.stop)
        self.captures = self._undo.enter_context(contextlib.ExitStack())

    def _new_host(self, role, mac):
        host = self.kinds[role](f"{self.name}-{os.getpid()}-{role}", *self.addresses[role], mac)
        self._undo.callback(host.remove)
        return host

    def new_wire(self):
        raise NotImplementedError

    def capture_at(self, point, path, **how):
        """Ends before anything else of the net does, so the net's own end is not in it."""
        self.captures.callback(Capture(getattr(self, point), path, **how).stop)


# A run: alone, not for ever, and without traces


def prepare(name, programs, patience=0):
    """Refuses where it cannot work, waits for another run of that name as long as patience lasts, and
    leaves nothing behind however it ends."""
    if os.geteuid() != 0:
        sys.exit(f"{name} makes network namespaces: it needs root")
    for program in programs:
        if shutil.which(program) is None:
            sys.exit(f"{name}: the program {program} is missing")
    lock = take_lock(name, patience)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    sweep(name)
    # The last registered runs first: the lock outlives the sweep.
    atexit.register(lock.close)
    atexit.register(sweep, name)


def take_lock(name, patience):
    lock = open(f"/run/lock/{name}.lock", "w", encoding="ascii")
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() >= deadline:
                sys.exit(f"{name}: another run still holds {lock.name}")
            time.sleep(1)


def sweep(name):
    """Removes namespaces that a killed run left behind. Only under the lock of who made them."""
    for namespace in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if namespace.startswith(f"{name}-"):
            run("ip", "netns", "delete", namespace)


@contextlib.contextmanager
def within(seconds):
    """What takes longer ends with a TimeoutError."""

    def overdue(*_):
        raise TimeoutError(f"not finished after {seconds} s")

    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
