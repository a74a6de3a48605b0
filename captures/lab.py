# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts, a wire between them that loses and delays what it is told to, and a capture.

      client namespace                this process                server namespace
    sockets -- kernel -- tap ===== Wire (delay, loss) ===== tap -- kernel -- sockets
                          ^                                  ^
                          +------ tcpdump at one of them ----+

Each host is a network namespace whose only neighbour is the other end of the wire: its one
interface is a tap device that this process reads and writes, so no packet leaves the machine and
none of the machine's packets comes in. A tap device also has no offloads, so every frame is one
that could be on a real wire, with its checksum filled in.
"""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

PREFIX = "tcplife-record-"
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


class Host:
    """A network namespace with one tap device."""

    def __init__(self, role, address, address6, mac, prefix=PREFIX):
        self.name = f"{prefix}{os.getpid()}-{role}"
        self.address, self.address6, self.mac = address, address6, mac
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

    def plug_in(self, peer):
        """The addresses are fixed and each knows the other's: no ARP, no neighbour discovery."""
        with self.inside():
            self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP | IFF_NO_PI))
        run("ip", "-n", self.name, "-batch", "-", text=f"""
            link set lo up
            link set tap0 address {self.mac} addrgenmode none up
            address add {self.address}/24 dev tap0
            address add {self.address6}/64 dev tap0 nodad
            neighbour add {peer.address} lladdr {peer.mac} dev tap0 nud permanent
            neighbour add {peer.address6} lladdr {peer.mac} dev tap0 nud permanent
            """)

    def set(self, **sysctls):
        """set(tcp_fin_timeout=3)"""
        with self.inside():
            for name, value in sysctls.items():
                with open(f"/proc/sys/net/ipv4/{name}", "w") as file:
                    file.write(str(value))

    def route(self, *words):
        run("ip", "-n", self.name, "route", "add", *words)

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


class Wire:
    """Carries frames from tap to tap. `loses` is asked about every segment it has taken."""

    def __init__(self, client, server, delay):
        self.client, self.server, self.delay = client, server, delay
        self.loses = lambda segment: False
        self.carried = []
        self._due = []
        self._order = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()

    def lose(self, count, rule):
        """The next `count` segments that the rule names are lost."""
        left = [count]

        def loses(segment):
            if left[0] == 0 or not rule(segment):
                return False
            left[0] -= 1
            return True

        self.loses = loses

    def cut(self):
        self.loses = lambda segment: True

    def inject(self, host, frame):
        os.write(host.tap, frame)

    def _work(self):
        while not self._stop.is_set():
            wait = max(0, min(0.02, self._due[0][0] - time.monotonic())) if self._due else 0.02
            ready, _, _ = select.select([self.client.tap, self.server.tap], [], [], wait)
            for tap in ready:
                self._take(tap)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, target, frame = heapq.heappop(self._due)
                os.write(target.tap, frame)

    def _take(self, tap):
        frame = os.read(tap, 65536)
        from_client = tap == self.client.tap
        segment = parse(frame, from_client)
        if segment is not None:
            self.carried.append((segment, frame))
            if self.loses(segment):
                return
        target = self.server if from_client else self.client
        due = time.monotonic() + self.delay
        heapq.heappush(self._due, (due, next(self._order), target, frame))


class Capture:
    """tcpdump on one host's tap device."""

    def __init__(self, host, path, options=(), expression="tcp or icmp"):
        command = ["tcpdump", "-i", "tap0", "-n", "-U", "-s", "0", "--immediate-mode",
                   "-Z", "root", *options, "-w", path, expression]
        with host.inside():
            self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stderr], [], [], COMMAND_TIMEOUT)
        if not ready or "listening on" not in self.process.stderr.readline():
            self.process.kill()
            raise RuntimeError("tcpdump did not start")

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


class Lab:
    """Both hosts and the wire, as a context: they are gone when it ends, however it ends."""

    def __init__(self, path, at, delay):
        self.path, self.at, self.delay = path, at, delay
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            self.client = Host("client", CLIENT, CLIENT6, CLIENT_MAC)
            undo.callback(self.client.remove)
            self.server = Host("server", SERVER, SERVER6, SERVER_MAC)
            undo.callback(self.server.remove)
            undo.callback(self.client.unplug)
            undo.callback(self.server.unplug)
            self.client.plug_in(self.server)
            self.server.plug_in(self.client)
            self.wire = Wire(self.client, self.server, self.delay)
            self.wire.start()
            undo.callback(self.wire.stop)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *error):
        return self._undo.__exit__(*error)

    def capture(self):
        """Ends before anything else of the lab does, so the lab's own end is not in it."""
        self._undo.callback(Capture(getattr(self, self.at), self.path).stop)


def sweep(prefix=PREFIX):
    """Removes namespaces that a killed run left behind. Only under the lock of who made them."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if name.startswith(prefix):
            run("ip", "netns", "delete", name)


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
