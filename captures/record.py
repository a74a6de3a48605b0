#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records the captures that real Linux sockets can make. Needs root.

    record.py            all of them
    record.py NAME ...   these
    record.py --list     their names

One function is one scenario and makes one file of the same name. It reads as a conversation of two
hosts, see test/shared/network.py for where they live. What a scenario promises to show is the
pattern `shows` of its decorator, looked for in the capture's ladder ('S> <SA A>', one word for each
segment); a capture without it is recorded again, and in the end refused.
"""

import argparse
import contextlib
import os
import platform
import random
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "shared"))
import network  # noqa: E402

NAME = "tcplife-record"
PROGRAMS = ("ip", "ss", "tcpdump", "openssl", "nft")
SCENARIO_TIMEOUT = 60
ATTEMPTS = 3

WEB = 80
WEB_TOO = 8080
REQUEST = b"GET /hello HTTP/1.0\r\n\r\n"
RESPONSE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n"

# The kernel delays the ACK of a FIN by 40 ms in the hope of merging it with data or a FIN. Who
# waits longer than this before closing has sent two segments.
LONGER_THAN_DELAYED_ACK = 0.15

SCENARIOS = {}


class Wire(network.Wire):
    """Delays every frame. `loses` is asked about every segment it has taken."""

    def __init__(self, client, server, delay):
        super().__init__(client, server)
        self.delay = delay
        self.loses = lambda segment: False
        self.carried = []

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

    def enter(self, frame, from_client):
        segment = network.parse(frame, from_client)
        if segment is not None:
            self.carried.append((segment, frame))
            if self.loses(segment):
                return
        self.later(time.monotonic() + self.delay, self.arrive, frame, from_client)


class Net(network.Net):
    """One of the hosts is listened at."""

    def __init__(self, path, at, delay):
        super().__init__(NAME)
        self.path, self.at, self.delay = path, at, delay
        if at is None:
            self.kinds["server"] = network.Container

    def new_wire(self):
        return Wire(self.client, self.server, self.delay)

    def capture(self, **how):
        self.capture_at(self.at, self.path, **how)


class RoutedNet(Net):
    """The hosts have a router between them. `delays` are one way: to the client, to the server and, if
    there is a third, to another host with the server's address, `backend`."""

    def __init__(self, path, at, delays, client):
        super().__init__(path, at, None)
        self.delays, self.wires = delays, {}
        self.kinds["backend"] = network.Host
        self.addresses = {**self.addresses, "client": client, "backend": self.addresses["server"]}

    def _build(self):
        self.router = network.Router(f"{self.name}-{os.getpid()}-router")
        self._undo.callback(self.router.remove)
        self._undo.callback(self.router.unplug)
        self.client = self._new_host("client", network.CLIENT_MAC)
        servers = [self._new_host(role, network.SERVER_MAC) for role in ("server", "backend")[: len(self.delays) - 1]]
        self.server, self.backend = servers[0], servers[-1]
        self._connect(self.client, self.server, self.delays[0])
        for server, delay in zip(servers, self.delays[1:], strict=True):
            self._connect(server, self.client, delay)
        self.router.lead(self.client, "client")
        self.router.lead(self.server, "server")
        self.captures = self._undo.enter_context(contextlib.ExitStack())

    def _connect(self, host, peer, delay):
        """The host's wire to the router; the interface there has the host's role for a name."""
        self._undo.callback(host.unplug)
        host.plug_in(peer)
        role = host.name.rpartition("-")[2]
        side = self.router.add_side(role, host, peer.mac)
        wire = self.wires[role] = Wire(host, side, delay) if host is self.client else Wire(side, host, delay)
        wire.start()
        self._undo.callback(wire.stop)


def scenario(shows, at="client", delay=0.002, from_start=True):
    """`at`: whose interface is captured. `delay`: one way. Not `from_start`: it calls capture()."""

    def record_at(function, path):
        with Net(path, at, delay) as net:
            if from_start:
                net.capture()
            function(net)

    return recorded_by(record_at, shows)


def at_all_interfaces(shows):
    """The server is a container; its host is captured with `tcpdump -i any`, so each packet several times."""

    def record_at(function, path):
        with Net(path, None, 0.002) as net:
            interfaces = {"interface": "any", "options": ("-y", "LINUX_SLL")}
            net.captures.callback(network.Capture(net.server.bridge, path, **interfaces).stop)
            function(net)
        write_ethernet(path)

    return recorded_by(record_at, shows)


def through_router(shows, at="client", delays=(0.002, 0.02), client=(network.CLIENT, network.CLIENT6)):
    """See RoutedNet. `at` may be the router's interface to the client too."""

    def record_at(function, path):
        with RoutedNet(path, at, delays, client) as net:
            net.capture(**{"interface": "client"} if at == "router" else {})
            function(net)

    return recorded_by(record_at, shows)


def recorded_by(record_at, shows):
    """The decorator of a scenario, which record_at(function, path) records."""

    def register(function):
        def make(path):
            record_at(function, path)

        make.shows = shows
        SCENARIOS[function.__name__.replace("_", "-")] = make
        return function

    return register


def write_ethernet(path):
    """The other captures have Ethernet headers: give this one such, instead of Linux's cooked ones."""
    with open(path, "rb") as file:
        content = file.read()
    out, at = [content[:20] + struct.pack("=I", 1)], 24
    while at < len(content):
        seconds, micros, length, whole = struct.unpack_from("=IIII", content, at)
        cooked = content[at + 16 : at + 16 + length]
        frame = bytes(6) + cooked[6:12] + cooked[14:]
        out.append(struct.pack("=IIII", seconds, micros, len(frame), whole - 2) + frame)
        at += 16 + length
    with open(path, "wb") as file:
        file.write(b"".join(out))


# What most conversations begin and end with


def connect(net, port, listener=None, family=socket.AF_INET, isn=None):
    """A new connection from that client port: (client's socket, server's socket)."""
    listener = listener or net.server.listen(WEB, family=family)
    client = net.client.new_socket(port, family, isn)
    client.connect(listener.getsockname())
    return client, net.server.accept(listener)


def request(client, server, data=REQUEST):
    client.sendall(data)
    server.recv(4096)


def respond(server, client, data=RESPONSE):
    server.sendall(data)
    client.recv(4096)


def talk(client, server):
    request(client, server)
    respond(server, client)


def wait_for_fin(sock):
    while sock.recv(65536):
        pass


def close_4_way(first, second):
    first.shutdown(socket.SHUT_WR)
    wait_for_fin(second)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    second.close()
    wait_for_fin(first)
    first.close()
    time.sleep(0.1)


def close_merged(first, second):
    first.close()
    wait_for_fin(second)
    second.close()
    time.sleep(0.1)


def keep_alive(sock, idle, interval, count):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, count)


def abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def give_up(sock, address):
    """connect() to something that will not have it."""
    with contextlib.suppress(OSError):
        sock.connect(address)


# The stories


@scenario(shows=r"<FA A> A> <A A> <R$")
def story_02_keep_alive_rst(net):
    """The server closes and its program is gone; the client only sends keep-alives."""
    net.server.set(tcp_fin_timeout=3)
    client, server = connect(net, 40002)
    keep_alive(client, idle=2, interval=2, count=5)
    talk(client, server)
    server.close()
    time.sleep(5)


@scenario(shows=r"FA> <A <FA A>$")
def story_07_fin_wait_1_ack_alone(net):
    client, server = connect(net, 40070)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"FA> <FA A> <A$", delay=0.02)
def story_07_fin_wait_1_fin_alone(net):
    client, server = connect(net, 40071)
    talk(client, server)
    close_both_at_once(client, server)


def close_both_at_once(client, server):
    client.close()
    server.close()
    time.sleep(0.2)


@scenario(shows=r"FA> <FA A>$")
def story_07_fin_wait_1_fin_and_ack(net):
    client, server = connect(net, 40072)
    talk(client, server)
    close_merged(client, server)


@scenario(shows=r"FA> <A <FA A> .* FA> <FA A> <A$", delay=0.02)
def story_07_eleven_states(net):
    listener = net.server.listen(WEB)
    client, server = connect(net, 40073, listener)
    talk(client, server)
    close_4_way(client, server)
    client, server = connect(net, 40074, listener)
    talk(client, server)
    close_both_at_once(client, server)


@scenario(shows=r"FA> <A <FA A> <FA A> <FA A>$")
def story_08_last_ack_lost(net):
    """The client's ACK of the server's FIN passes the capture point and is lost behind, twice."""
    client, server = connect(net, 40008)
    talk(client, server)
    client.close()
    wait_for_fin(server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.wire.lose(2, lambda segment: segment.from_client and segment.bare_ack)
    server.close()
    time.sleep(2)


@scenario(shows=r"FA> <A (<PA A> ){3}<FA A>$")
def story_09_half_close(net):
    client, server = connect(net, 40009)
    request(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    client.shutdown(socket.SHUT_WR)
    for part in (b"one\n", b"two\n", b"three\n"):
        time.sleep(0.2)
        respond(server, client, part)
    server.close()
    wait_for_fin(client)
    client.close()
    time.sleep(0.1)


@scenario(shows=r"^S> <RA$")
def story_10_closed_port(net):
    give_up(net.client.new_socket(40010), (network.SERVER, WEB))


def syn_to_time_wait(net):
    """The new SYN's number is below the old connection's, so TIME_WAIT does not let it in."""
    net.client.set(tcp_timestamps=0, tcp_syn_retries=2, tcp_syn_linear_timeouts=0)
    listener = net.server.listen(WEB)
    client, server = connect(net, 40011, listener, isn=0x20000000)
    talk(client, server)
    close_4_way(server, client)
    give_up(net.client.new_socket(40011, isn=0x10000000), (network.SERVER, WEB))
    time.sleep(0.1)
    return listener


@scenario(shows=r"S> <A R> S> .*<A R>$")
def story_10_port_in_time_wait(net):
    """RFC 1337's first remedy: a RST does not end TIME_WAIT."""
    net.server.set(tcp_rfc1337=1)
    syn_to_time_wait(net)


@scenario(shows=r"S> <A R> S> <SA A>$")
def story_10_time_wait_killed(net):
    """Linux by default: the client's RST ends TIME_WAIT, and its next SYN gets in."""
    syn_to_time_wait(net)


@scenario(shows=r"^S> S> S> S>$")
def story_11_syn_unanswered(net):
    net.client.set(tcp_syn_linear_timeouts=0)
    client = net.client.new_socket(40012)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 3)
    net.wire.cut()
    give_up(client, (network.SERVER, WEB))


def delayed_duplicate_of_syn(net):
    """A whole connection; then the network delivers a second copy of its SYN."""
    client, server = connect(net, 40013)
    syn = net.wire.carried[0][1]
    talk(client, server)
    close_4_way(client, server)
    time.sleep(0.5)
    net.wire.inject(syn, from_client=True)


@scenario(shows=r"FA> <A <FA A> S> <SA R>$", at="server")
def story_12_old_syn_reset_by_opener(net):
    """The client keeps no TIME_WAIT, so it knows nothing of what the SYN/ACK answers."""
    net.client.set(tcp_max_tw_buckets=0)
    delayed_duplicate_of_syn(net)
    time.sleep(0.3)


@scenario(shows=r"FA> <A <FA A> S> <SA <SA <SA$", at="server")
def story_12_old_syn_half_open(net):
    """The same, and no RST comes back."""
    net.client.set(tcp_max_tw_buckets=0)
    net.server.set(tcp_synack_retries=2)
    net.wire.loses = lambda segment: segment.flags & network.RST
    delayed_duplicate_of_syn(net)
    time.sleep(4)


@scenario(shows=r"FA> <A <FA A> S> <SA A> <R$", at="server")
def story_12_old_syn_meets_time_wait(net):
    """The client still has TIME_WAIT, which answers the SYN/ACK with the old numbers."""
    delayed_duplicate_of_syn(net)
    time.sleep(0.3)


@scenario(shows=r"^(S> |<SA ){300}.*A> PA> .*<A", at="server")
def story_13_syn_flood(net):
    """150 random addresses, a short queue, SYN cookies; then one honest client gets through."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    chance = random.Random(13)
    net.server.set(tcp_syncookies=1, tcp_synack_retries=1, tcp_max_syn_backlog=16)
    net.server.ip(f"route add default via {network.CLIENT}")
    listener = net.server.listen(WEB, backlog=16)
    for _ in range(150):
        source = f"198.18.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        syn = IP(src=source, dst=network.SERVER, ttl=chance.randrange(40, 64)) / TCP(
            sport=chance.randrange(1024, 65536), dport=WEB, flags="S",
            seq=chance.randrange(1 << 32), window=1024, options=[("MSS", 1460)])
        frame = Ether(src=network.CLIENT_MAC, dst=network.SERVER_MAC) / syn
        net.wire.inject(bytes(frame), from_client=True)
        time.sleep(0.002)
    client, server = connect(net, 40014, listener)
    talk(client, server)
    close_merged(client, server)


@scenario(shows=r"<FA A> PA> <R$")
def story_14_fin_wait_2_expired(net):
    """The client has data 3.6 s after the server's FIN: nobody is there any more."""
    net.server.set(tcp_fin_timeout=3)
    client, server = connect(net, 40015)
    talk(client, server)
    server.close()
    wait_for_fin(client)
    time.sleep(3.6)
    client.sendall(REQUEST)
    time.sleep(0.1)


@scenario(shows=r"<FA A> FA> <R$")
def story_14_fin_wait_2_expired_late_fin(net):
    net.server.set(tcp_fin_timeout=3)
    client, server = connect(net, 40016)
    talk(client, server)
    server.close()
    wait_for_fin(client)
    time.sleep(3.6)
    client.close()
    time.sleep(0.1)


@scenario(shows=r"^S> <SA PA> ")
def story_15_data_in_ack(net):
    listener = net.server.listen(WEB)
    client = net.client.new_socket(40017)
    # No quick ACK: connect() then leaves the third segment to the data.
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    client.connect(listener.getsockname())
    client.sendall(REQUEST)
    server = net.server.accept(listener)
    server.recv(4096)
    respond(server, client)
    close_merged(client, server)


@scenario(shows=r"^S> <SA .* S> <SA .*<FA A>$")
def story_15_fast_open(net):
    """The first connection fetches a cookie, the second spends it on data in its SYN."""
    net.client.set(tcp_fastopen=1)
    net.server.set(tcp_fastopen=2)
    listener = net.server.new_socket(WEB)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 8)
    listener.listen(8)
    for port in (40018, 40019):
        client = net.client.new_socket(port)
        # With a timeout Python would not wait for the handshake that fetches the cookie.
        client.settimeout(None)
        client.sendto(REQUEST, socket.MSG_FASTOPEN, (network.SERVER, WEB))
        server = net.server.accept(listener)
        server.recv(4096)
        respond(server, client)
        close_merged(client, server)


def wrapping(net, port, isn):
    client, server = connect(net, port, isn=isn)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"FA> <A <FA A>$")
def story_16_wrap_in_handshake(net):
    """The SYN takes number 2^32-1, the first byte 0."""
    wrapping(net, 40020, 0xFFFFFFFF)


@scenario(shows=r"FA> <A <FA A>$")
def story_16_wrap_in_data(net):
    wrapping(net, 40021, 0xFFFFFFF5)


@scenario(shows=r"FA> <A <FA A>$")
def story_16_wrap_in_fin(net):
    """The FIN takes number 2^32-1, the next would be 0."""
    wrapping(net, 40022, 0xFFFFFFFF - 1 - len(REQUEST))


def https(net, version):
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = (os.path.join(folder, name) for name in ("key.pem", "certificate.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=tcplife.example",
                        "-days", "3650", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True, timeout=network.COMMAND_TIMEOUT)
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(certificate, key)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE
    asking.minimum_version = asking.maximum_version = version

    client, server = connect(net, 40023, net.server.listen(443))

    def serve():
        secure = serving.wrap_socket(server, server_side=True)
        secure.recv(4096)
        secure.sendall(RESPONSE)
        # Reads the client's closing alert and answers it with its own.
        plain = secure.unwrap()
        wait_for_fin(plain)
        plain.close()

    program = threading.Thread(target=serve, daemon=True)
    program.start()
    secure = asking.wrap_socket(client)
    secure.sendall(REQUEST)
    secure.recv(4096)
    secure.unwrap().close()
    program.join(network.SOCKET_TIMEOUT)
    time.sleep(0.2)


@scenario(shows=r" FA> <FA A>$")
def story_17_https_tls_1_2(net):
    """In TLS 1.2 the closing alerts are seen as alerts, though encrypted."""
    https(net, ssl.TLSVersion.TLSv1_2)


@scenario(shows=r" FA> <FA A>$")
def story_17_https_tls_1_3(net):
    https(net, ssl.TLSVersion.TLSv1_3)


# What else a tracker must not be wrong about


@scenario(shows=r"^S> <SA A> .*FA> <A <FA A>$")
def ipv6(net):
    client, server = connect(net, 40100, family=socket.AF_INET6)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"^S> S> <SA A> ")
def syn_lost(net):
    net.wire.lose(1, lambda segment: segment.flags & network.SYN)
    client, server = connect(net, 40101)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"^S> <SA A> <SA A> PA> ")
def handshake_ack_lost(net):
    """The ACK passes the capture point and is lost behind it; the client is in no hurry to send."""
    net.wire.lose(1, lambda segment: segment.from_client and segment.bare_ack)
    client, server = connect(net, 40102)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"FA> FA> <A <FA A>$")
def fin_lost(net):
    client, server = connect(net, 40103)
    talk(client, server)
    net.wire.lose(1, lambda segment: segment.flags & network.FIN)
    client.close()
    wait_for_fin(server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    server.close()
    time.sleep(0.1)


@scenario(shows=r"^S> <SA A> S> S> <SA A> <SA A> <SA A> <SA A>$", delay=0.02)
def accept_queue_full(net):
    """Three connections for a queue with room for two, and a program that never accepts. The last
    two come at once: a SYN that finds the queue full would not be answered at all."""
    net.server.set(tcp_synack_retries=2)
    address = net.server.listen(WEB, backlog=1).getsockname()
    net.client.new_socket(40104).connect(address)
    time.sleep(0.1)
    for port in (40105, 40106):
        client = net.client.new_socket(port)
        client.setblocking(False)
        client.connect_ex(address)
    time.sleep(4)


@scenario(shows=r"<A <FA A> S> <SA A> .*<A <FA A>$")
def port_reuse_in_client_time_wait(net):
    net.client.set(tcp_tw_reuse=1)
    listener = net.server.listen(WEB)
    for _ in range(2):
        client, server = connect(net, 40107, listener)
        talk(client, server)
        close_4_way(client, server)
        # The kernel reuses a port in TIME_WAIT when its timestamp is more than a second old.
        time.sleep(1.2)


@scenario(shows=r"A> FA> <A S> <SA A> .*A> FA> <A$")
def port_reuse_in_server_time_wait(net):
    listener = net.server.listen(WEB)
    for _ in range(2):
        client, server = connect(net, 40108, listener)
        talk(client, server)
        close_4_way(server, client)
        time.sleep(0.1)


@scenario(shows=r"<PA A> RA>$")
def abort_by_client(net):
    client, server = connect(net, 40109)
    talk(client, server)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"A> RA>$")
def abort_without_data(net):
    client, server = connect(net, 40110)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"FA> <A <RA$")
def abort_in_close_wait(net):
    client, server = connect(net, 40111)
    talk(client, server)
    client.shutdown(socket.SHUT_WR)
    wait_for_fin(server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    abort(server)
    time.sleep(0.1)


@scenario(shows=r"<FA (A> )?PA> <R$", at="server", delay=0.02)
def data_crosses_fin(net):
    """The client sends while the server's FIN is on its way; nobody will read that data."""
    client, server = connect(net, 40112)
    talk(client, server)
    server.close()
    client.sendall(REQUEST)
    time.sleep(0.3)


@scenario(shows=r"^S> <S SA> <SA", delay=0.05)
def simultaneous_open(net):
    client, server = net.client.new_socket(40113), net.server.new_socket(40114)
    for sock, peer in ((client, server), (server, client)):
        sock.setblocking(False)
        sock.connect_ex(peer.getsockname())
    time.sleep(0.4)
    for sock in (client, server):
        sock.settimeout(network.SOCKET_TIMEOUT)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"(A> <A ){2}A> A> A> RA>$")
def keep_alive_timeout(net):
    """Two keep-alives are answered; then the wire is cut."""
    client, server = connect(net, 40115)
    keep_alive(client, idle=1, interval=1, count=3)
    talk(client, server)
    time.sleep(2.5)
    net.wire.cut()
    time.sleep(4.5)


@scenario(shows=r"(PA> ){4}PA>$")
def silent(net):
    """The wire is cut while the client sends. Linux gives up in silence."""
    client, server = connect(net, 40116)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000)
    talk(client, server)
    net.wire.cut()
    client.sendall(REQUEST)
    time.sleep(6)


@scenario(shows=r"<A A> <A .*FA")
def zero_window(net):
    listener = net.server.new_socket(WEB)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listener.listen(8)
    client, server = connect(net, 40117, listener)
    client.setblocking(False)
    client.send(b"x" * 8192)
    time.sleep(2.5)
    client.close()
    wait_for_fin(server)
    server.close()
    time.sleep(0.1)


@scenario(shows=r"<FPA A> FA> <A$")
def client_does_not_read(net):
    """The server has closed before the client reads what it sent."""
    listener = net.server.listen(WEB)
    client = net.client.new_socket(40147)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(listener.getsockname())
    server = net.server.accept(listener)
    server.setblocking(False)
    server.send(b"x" * 8192)
    time.sleep(1.5)
    server.close()
    wait_for_fin(client)
    client.close()
    time.sleep(0.1)


@scenario(shows=r"^PA> .*FA> <A <FA A>$", from_start=False)
def midstream(net):
    client, server = connect(net, 40118)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.capture()
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"^FA> <A <FA A>$", from_start=False)
def midstream_close_only(net):
    client, server = connect(net, 40119)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.capture()
    close_4_way(client, server)


@scenario(shows=r"^S> icmp$")
def rejected_by_icmp(net):
    """The server is the router, and it may not pass this on."""
    net.server.set(ip_forward=1)
    net.server.ip("route add prohibit 203.0.113.0/24")
    net.client.ip(f"route add default via {network.SERVER}")
    give_up(net.client.new_socket(40120), ("203.0.113.7", WEB))


@scenario(shows=r"S> <A R> S> <SA A> .*FA> <A <FA A>$")
def crashed_client_comes_back(net):
    """The server's connection is from before the crash: it answers the new SYN with a bare ACK."""
    listener = net.server.listen(WEB)
    client, server = connect(net, 40121, listener)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    network.vanish(client)
    time.sleep(0.2)
    client, server = connect(net, 40121, listener)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"FA> <A <FA A> <PA A> <R$")
def time_wait_assassination(net):
    """RFC 1337: old data reaches TIME_WAIT; its answer reaches one who has forgotten it all."""
    client, server = connect(net, 40124)
    talk(client, server)
    data = [frame for segment, frame in net.wire.carried if not segment.from_client][-1]
    close_4_way(client, server)
    time.sleep(0.5)
    net.wire.inject(data, from_client=False)
    time.sleep(0.1)


@scenario(shows=r"R> R> <A PA> .*FA> <A <FA A>$", at="server")
def blind_rst(net):
    """Forged: one RST outside the window, one inside it but not at its edge (RFC 5961)."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    client, server = connect(net, 40122)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    last = [segment for segment, _ in net.wire.carried if segment.from_client][-1]
    for seq in (last.seq - 100000, last.seq + 1000):
        rst = IP(src=network.CLIENT, dst=network.SERVER, ttl=243) / TCP(
            sport=40122, dport=WEB, flags="R", seq=seq % (1 << 32), window=0)
        frame = Ether(src=network.CLIENT_MAC, dst=network.SERVER_MAC) / rst
        net.wire.inject(bytes(frame), from_client=True)
        time.sleep(0.1)
    talk(client, server)
    close_4_way(client, server)


@scenario(shows=r"^S> <SA A> PA> <A <PA A>$")
def still_open(net):
    client, server = connect(net, 40123)
    talk(client, server)
    time.sleep(0.1)


# Answers to the incident questions, and their nearest neighbours


def bystander(net, port):
    """Another connection, some time later: silence counts only while the capture goes on."""
    client, server = connect(net, port, net.server.listen(WEB_TOO))
    talk(client, server)
    close_merged(client, server)


@scenario(shows=r"^S> <SA R>$", delay=0.02)
def reset_by_opener(net):
    """The client has given up before the SYN/ACK comes."""
    address = net.server.listen(WEB).getsockname()
    client = net.client.new_socket(40200)
    client.setblocking(False)
    client.connect_ex(address)
    client.close()
    time.sleep(0.2)


@scenario(shows=r"^S> S> .*<SA A> (.*<SA ){2}.*<A <PA A>$", delay=1.3)
def long_way(net):
    """Longer than either end's patience: what looks like SYN/ACKs in spite of the ACK was sent
    before it came."""
    client, server = connect(net, 40201)
    talk(client, server)
    time.sleep(1.5)


@scenario(shows=r"^S> <SA A> <R$", at="server", from_start=False)
def handshake_by_flags_only(net):
    """The old SYN that meets TIME_WAIT, without the connection before it: by the flags alone, a
    handshake."""
    client, server = connect(net, 40218)
    syn = net.wire.carried[0][1]
    talk(client, server)
    close_4_way(client, server)
    net.capture()
    net.wire.inject(syn, from_client=True)
    time.sleep(0.3)


@scenario(shows=r"^<SA A> PA> .*FA> <A <FA A>$", delay=0.3, from_start=False)
def midstream_from_syn_ack(net):
    listener = net.server.listen(WEB)
    client = net.client.new_socket(40202)
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    time.sleep(0.05)
    net.capture()
    server = net.server.accept(listener)
    client.settimeout(network.SOCKET_TIMEOUT)
    talk(client, server)
    close_4_way(client, server)
    time.sleep(0.5)


@scenario(shows=r"^PA> .*RA>$", from_start=False)
def midstream_abort(net):
    client, server = connect(net, 40203)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.capture()
    talk(client, server)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"FA> <A S> <SA A> .*FA> <FA A>$")
def half_closed(net):
    """The server never closes."""
    client, server = connect(net, 40204)
    talk(client, server)
    client.shutdown(socket.SHUT_WR)
    wait_for_fin(server)
    time.sleep(6)
    bystander(net, 40205)


@scenario(shows=r"FA> <A (<PA A> ){5}<PA A>$")
def half_closed_still_sending(net):
    """The capture ends while the server goes on sending."""
    client, server = connect(net, 40206)
    request(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    client.shutdown(socket.SHUT_WR)
    for _ in range(6):
        time.sleep(0.5)
        respond(server, client, b"tick\n")


@scenario(shows=r"FA> <A <FA A> S> .*FA> <FA A>$")
def close_wait_for_six_seconds(net):
    """The server takes its time to close; the capture goes on for as long again."""
    client, server = connect(net, 40207)
    talk(client, server)
    client.shutdown(socket.SHUT_WR)
    wait_for_fin(server)
    time.sleep(6)
    server.close()
    wait_for_fin(client)
    time.sleep(6)
    bystander(net, 40208)


@scenario(shows=r"<PA A> (FA> ){3,}FA>$")
def fin_unacknowledged(net):
    """The wire is cut before the client closes."""
    client, server = connect(net, 40209)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.wire.cut()
    client.close()
    time.sleep(3)


@scenario(shows=r"<FA (A> )?PA> <A .*FA> <A$", at="server", delay=0.02)
def data_crosses_half_close(net):
    """The same as data_crosses_fin, but the server still reads."""
    client, server = connect(net, 40210)
    talk(client, server)
    server.shutdown(socket.SHUT_WR)
    request(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    client.close()
    wait_for_fin(server)
    time.sleep(0.1)


@scenario(shows=r"^S> <SA A> FA> <FA A>$")
def no_data(net):
    client, server = connect(net, 40211)
    close_merged(client, server)


@scenario(shows=r"A> <A <RA$")
def abort_after_keep_alive(net):
    """The keep-alive is answered by ACK, the RST comes later and by itself."""
    client, server = connect(net, 40212)
    keep_alive(client, idle=1, interval=10, count=3)
    talk(client, server)
    time.sleep(1.5)
    abort(server)
    time.sleep(0.1)


@scenario(shows=r"A> <A PA> <R$")
def crashed_server(net):
    """The server answers a keep-alive, then it is gone: its RST answers data, and it had not closed."""
    client, server = connect(net, 40219)
    keep_alive(client, idle=1, interval=10, count=3)
    talk(client, server)
    time.sleep(1.5)
    network.vanish(server)
    client.sendall(REQUEST)
    time.sleep(0.1)


@scenario(shows=r"<A A> (<A )?A> <R$")
def zero_window_probe_reset(net):
    """The server crashes while its window is closed: its RST answers a probe, but no keep-alive."""
    listener = net.server.new_socket(WEB)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listener.listen(8)
    client, server = connect(net, 40213, listener)
    client.setblocking(False)
    client.send(b"x" * 8192)
    time.sleep(0.6)
    network.vanish(server)
    time.sleep(2)


@scenario(shows=r"(A> <A ){2}A> <A$")
def idle_with_keep_alives(net):
    client, server = connect(net, 40214)
    keep_alive(client, idle=1, interval=1, count=3)
    talk(client, server)
    time.sleep(3.7)


@scenario(shows=r"A> <A A> A> A>$")
def silent_keep_alives(net):
    """The wire is cut after the first answer; the client has not given up when the capture ends."""
    client, server = connect(net, 40215)
    keep_alive(client, idle=1, interval=1, count=9)
    talk(client, server)
    time.sleep(1.5)
    net.wire.cut()
    time.sleep(3)


@scenario(shows=r"R> PA> <R$", at="server")
def injected_rst(net):
    """Forged, with the right number: the server believes it; the client knows nothing of it."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether

    client, server = connect(net, 40216)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    last = [segment for segment, _ in net.wire.carried if segment.from_client][-1]
    rst = IP(src=network.CLIENT, dst=network.SERVER, ttl=243) / TCP(
        sport=40216, dport=WEB, flags="R", seq=last.seq, window=0)
    net.wire.inject(bytes(Ether(src=network.CLIENT_MAC, dst=network.SERVER_MAC) / rst), from_client=True)
    time.sleep(0.3)
    client.sendall(REQUEST)
    time.sleep(0.1)


@scenario(shows=r"RA> <PA R>$", delay=0.02)
def abort_crosses_data(net):
    """The client aborts while the response is on its way: late, and answered by a late RST."""
    client, server = connect(net, 40217)
    request(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    server.sendall(RESPONSE)
    abort(client)
    time.sleep(0.2)


@scenario(shows=r"^(S> <SA A> RA> ?){30}$")
def busy_server(net):
    """Thirty handshakes in no time, each of them completed."""
    listener = net.server.listen(WEB)
    for port in range(40230, 40260):
        client, _ = connect(net, port, listener)
        abort(client)
        time.sleep(0.01)


# Running them


def record(name):
    make = SCENARIOS[name]
    part = os.path.join(HERE, ".recording.pcap")
    for _ in range(ATTEMPTS):
        try:
            with network.within(SCENARIO_TIMEOUT):
                make(part)
            ladder = network.ladder(part)
            if re.search(make.shows, ladder):
                os.replace(part, os.path.join(HERE, f"{name}.pcap"))
                print(f"{name}: {textwrap.shorten(ladder, 150)}", flush=True)
                return True
            print(f"{name}: not what it must show: {ladder}", file=sys.stderr)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            print(f"{name}: {error!r}", file=sys.stderr)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(part)
    return False


@scenario(shows=r"^S> <SA FA> <FA S> <SA RA>$", from_start=False)
def syn_fin_rst_only(net):
    """A capture filter that many use; no data and no bare ACK pass it."""
    net.capture(expression="tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0")
    listener = net.server.listen(WEB)
    client, server = connect(net, 40143, listener)
    talk(client, server)
    close_merged(client, server)
    client, server = connect(net, 40144, listener)
    talk(client, server)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"PA> RA>$")
def abort_with_data_in_flight(net):
    """The client's program gives up while nobody has acknowledged its last request."""
    client, server = connect(net, 40145)
    talk(client, server)
    client.sendall(REQUEST)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"A> <A A> <A RA>( <.*)?$")
def zero_window_abort(net):
    """The server's program does not read; the client probes the closed window, and gives up."""
    client, server = connect(net, 40146)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(bytes(4096))
    time.sleep(3)
    abort(client)
    time.sleep(0.1)


@scenario(shows=r"PA> <A <RA$")
def unread_data(net):
    """The server's program closes without having read the request (RFC 2525, 2.17)."""
    client, server = connect(net, 40148)
    client.sendall(REQUEST)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    server.close()
    time.sleep(0.1)


@scenario(shows=r"A> <A A> <A <A R>$")
def persist_timeout(net):
    """The client's kernel gives up a closed window without a word; then the window opens."""
    client, server = connect(net, 40149)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2000)
    client.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.send(bytes(4096))
    time.sleep(5)
    with contextlib.suppress(ConnectionResetError):
        wait_for_fin(server)
    time.sleep(0.1)


@scenario(shows=r"PA> <R S> .*FA> <FA A>$")
def server_restarts(net):
    """The machine: its kernel knows nothing of what was before, and the service is there again."""
    listener = net.server.listen(WEB)
    client, server = connect(net, 40150, listener)
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    network.vanish(server)
    listener.close()
    time.sleep(1)
    listener = net.server.listen(WEB)
    client.sendall(REQUEST)
    time.sleep(0.1)
    client, server = connect(net, 40151, listener)
    talk(client, server)
    close_merged(client, server)


# Through a router whose kernel is a firewall, a NAT, a balancer

FORWARD = ("add table ip filter", "add chain ip filter forward { type filter hook forward priority filter; }")


@through_router(shows=r"PA> <R$")
def firewall_rejects(net):
    """A new rule for an old connection. The server's TTL is 128, as Windows has it; the router's 64."""
    net.server.set(ip_default_ttl=128)
    client, server = connect(net, 40152)
    talk(client, server)
    time.sleep(1.2)  # the RST cannot answer the client's ACK any more
    net.router.nft(*FORWARD, "add rule ip filter forward tcp dport 80 reject with tcp reset")
    client.sendall(REQUEST)
    time.sleep(0.2)


def forget_after(net, seconds):
    """The router's conntrack forgets a connection that is idle for so long, and takes up none midway."""
    net.router.set("netfilter", nf_conntrack_tcp_timeout_established=seconds, nf_conntrack_tcp_loose=0)


@through_router(shows=r"PA> (PA> ){2,}RA>$")
def idle_timer_drops(net):
    """A firewall forgets, and drops what it does not know; the client's program gives up and aborts."""
    forget_after(net, 2)
    net.router.nft(*FORWARD, "add rule ip filter forward ct state invalid drop")
    client, server = connect(net, 40153)
    talk(client, server)
    time.sleep(3.5)
    client.sendall(REQUEST)
    time.sleep(2.5)
    abort(client)
    time.sleep(0.1)


@through_router(shows=r"<PA R>$", at="server", delays=(0.02, 0.002), client=("10.0.0.1", network.CLIENT6))
def nat_forgets(net):
    """The server's data come to the NAT's own address, and its kernel answers them."""
    forget_after(net, 2)
    net.client.ip(f"route add {network.SERVER} dev tap0")
    net.router.ip(f"address add {network.CLIENT}/32 dev server")
    net.server.ip(f"neighbour add {network.CLIENT} lladdr {network.CLIENT_MAC} dev tap0 nud permanent")
    net.router.nft(
        "add table ip nat",
        "add chain ip nat postrouting { type nat hook postrouting priority srcnat; }",
        'add rule ip nat postrouting oifname "server" masquerade',
    )
    client, server = connect(net, 40154)
    talk(client, server)
    time.sleep(3.5)
    server.sendall(RESPONSE)
    time.sleep(0.1)


@through_router(
    shows=r"^S> S> <SA A> <SA A> PA> <A <PA A> FA> <FA A> S> <SA A> PA> <A <PA A> PA> <R$",
    delays=(0.002, 0.7, 0.02),
)
def two_backends(net):
    """One address, two servers. The first is slow, so the balancer gives the repeated SYN to the other one,
    and both answer. The next connection begins with one of them, and is moved to the other."""
    net.client.set(tcp_syn_linear_timeouts=0)
    net.server.set(tcp_synack_retries=0)
    listeners = [host.listen(WEB) for host in (net.server, net.backend)]
    client = net.client.new_socket(40155)
    client.setblocking(False)
    client.connect_ex(listeners[1].getsockname())
    time.sleep(0.5)
    net.router.lead(net.server, "backend")
    server = net.backend.accept(listeners[1])
    client.settimeout(network.SOCKET_TIMEOUT)
    time.sleep(0.6)
    talk(client, server)
    close_merged(client, server)
    client, server = connect(net, 40156, listeners[1])
    talk(client, server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    net.wires["server"].delay = 0.02
    net.router.lead(net.server, "server")
    client.sendall(REQUEST)
    time.sleep(0.1)


@at_all_interfaces(shows=r"^S> S> <SA <SA .*RA?> RA?>.*<RA <RA$")
def any_interface(net):
    """One connection closed, one aborted, one refused."""
    listener = net.server.listen(WEB)
    client, server = connect(net, 40140, listener)
    talk(client, server)
    close_merged(client, server)
    client, server = connect(net, 40141, listener)
    talk(client, server)
    abort(client)
    time.sleep(0.1)
    give_up(net.client.new_socket(40142), (network.SERVER, WEB_TOO))


def main():
    parser = argparse.ArgumentParser(description="Records the captures of real Linux sockets.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="without any: all")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(SCENARIOS))
        return
    if unknown := set(arguments.names) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    network.prepare(NAME, PROGRAMS)
    print(f"recording on Linux {platform.release()}")
    failed = [name for name in arguments.names or SCENARIOS if not record(name)]
    if failed:
        sys.exit(f"not recorded: {', '.join(failed)}")


if __name__ == "__main__":
    main()
