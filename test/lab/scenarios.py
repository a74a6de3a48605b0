# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenarios: what two programs do with a connection, and the states that this leads them through.

One function is one scenario, for IPv4 and IPv6. Its decorator has what a perfect observer in the
middle sees when nothing is lost but what the script loses: the states of each end. They are those of
the table that kernel truth was measured into, and a clean run whose kernel did otherwise has not
shown what it promised, so it is repeated.

    SS syn-sent  SR syn-received  E established  F1 F2 fin-wait  CG closing  TW time-wait
    CW close-wait  LA last-ack  CL closed

Where it matters little who closes first, chance decides: then the columns are those of the first and
the second to close, and the openings SS E and SR E are set before them.
"""

import contextlib
import socket
import struct
import subprocess
import time
from dataclasses import dataclass

import network
from wire import NOBODY, UNREACHABLE, UNREACHABLE6, Impairments, Rule, forge, now

SHORT = {
    "SS": "SYN_SENT", "SR": "SYN_RECEIVED", "E": "ESTABLISHED", "F1": "FIN_WAIT_1", "F2": "FIN_WAIT_2",
    "CG": "CLOSING", "TW": "TIME_WAIT", "CW": "CLOSE_WAIT", "LA": "LAST_ACK", "CL": "CLOSED",
}  # fmt: skip

# The kernel delays the ACK of a FIN by 40 ms; who waits longer than this has sent two segments.
LONGER_THAN_DELAYED_ACK = 0.15
QUIET = 0.25  # nothing is under way any more
SETTLE = 0.1
LINGER = 1  # seconds that an orphan stays in FIN_WAIT_2 (TCP_LINGER2)
LONGER_THAN_LINGER = 1.6
SLOW = (0.012, 0.02)  # delay of a link, where segments have to cross
USUAL = (0.002, 0.008)

SOL_TCP = socket.IPPROTO_TCP
TCP_DEFER_ACCEPT = 9
TCP_FASTOPEN = 23

SCENARIOS = {}


@dataclass
class Scenario:
    """A row of the table."""

    name: str
    play: object
    client: str  # states of the client, or of the first to close
    server: str  # states of the server, or of the second to close
    first: str  # who closes first: client, server, or any
    delay: tuple
    alternatives: tuple  # midstream: other pairs of sequences that fit what passes as well
    seen_with_link: str  # the observer's column holds only if the script's losses are on this link
    alias: int  # the server's address
    both: bool  # the columns are the client's and the server's whoever is first

    @property
    def midstream(self):
        return self.name.startswith("mid_")

    def expected(self, first):
        """What the observer sees: {end: states}, when that end is the first to close."""
        ends = {"client": self.client, "server": self.server}
        if not self.both:
            second = "server" if first == "client" else "client"
            tails = {first: self.client, second: self.server}
            ends = {"client": f"SS E {tails['client']}", "server": f"SR E {tails['server']}"}
        return {end: [SHORT[word] for word in states.split()] for end, states in ends.items()}

    def other_truths(self):
        """Pairs of sequences, for a midstream row that nothing decides."""
        return [
            {end: [SHORT[word] for word in states.split()] for end, states in zip(("client", "server"), pair)}
            for pair in self.alternatives
        ]


def scenario(client, server, first=None, delay=USUAL, alternatives=(), seen_with_link=None, alias=None):
    """`first`: who closes first, if the script asks; "any": by chance, and the columns are theirs."""

    def register(play):
        name = play.__name__
        SCENARIOS[name] = Scenario(name, play, client, server, first or "client", delay, alternatives,
                                   seen_with_link, alias, both=first != "any")  # fmt: skip
        return play

    return register


class Case:
    """One connection that a script plays: its ports, its sockets, its links, its luck."""

    def __init__(self, net, row, family, ports, chance):
        self.net, self.row, self.family, self.chance = net, row, family, chance
        self.port, self.server_port, self.helper_ports = ports[0], ports[1], ports[2:]
        self.first = chance.choice(("client", "server")) if row.first == "any" else row.first
        self.link = chance.choice("AB")
        self.window = [None, None]  # what of it is in the captures; None: all
        self.client = self.server = self.listener = None
        self.wire = None  # Impairments
        self.begun = time.monotonic()
        self.kept = []

    # Sockets

    @property
    def address(self):
        return self.net.address(self.family, self.row.alias) if self.row.alias else self._own(self.net.server)

    def _own(self, host):
        return host.address if self.family == socket.AF_INET else host.address6

    def keep(self, sock):
        """No socket ends before the captures do, unless its script says so."""
        sock.settimeout(network.SOCKET_TIMEOUT)
        self.kept.append(sock)
        return sock

    def new_client(self, port=None):
        return self.keep(self.net.client.new_socket(port or self.port, self.family))

    def listen(self, backlog=8, options=()):
        """options: (level, name, value)"""
        with self.net.server.inside():
            sock = self.keep(socket.socket(self.family, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for option in options:
            sock.setsockopt(*option)
        sock.bind((self.address, self.server_port))
        sock.listen(backlog)
        self.listener = sock

    def accept(self):
        return self.keep(self.listener.accept()[0])

    def connect(self):
        self.client = self.new_client()
        self.client.connect((self.address, self.server_port))

    def begin_to_connect(self, sock, address=None):
        sock.setblocking(False)
        sock.connect_ex((address or self.address, self.server_port))

    def open(self, **listening):
        if self.listener is None:
            self.listen(**listening)
        self.connect()
        self.server = self.accept()

    def order(self):
        """(first to close, second)"""
        return (self.client, self.server) if self.first == "client" else (self.server, self.client)

    # What they say

    def some(self, least=1, most=4000):
        return self.chance.randrange(least, most)

    def talk(self, client_bytes=None, server_bytes=None):
        say(self.client, self.server, client_bytes or self.some())
        say(self.server, self.client, server_bytes or self.some())

    def pause(self, least, most):
        time.sleep(self.chance.uniform(least, most))

    # The capture

    def begin(self):
        """The capture begins here, for this connection."""
        self.wait_for_quiet()
        self.window[0] = now()

    def end(self):
        self.wait_for_quiet()
        self.window[1] = now()

    def wait_for_quiet(self):
        """Nothing is under way: no window ends between a segment's passing and its arrival."""
        while True:
            time.sleep(QUIET / 5)
            if time.monotonic() - max(self.wire.busy, self.begun) > QUIET:
                return

    # The wire

    def lose(self, names, count=1, link=None):
        self.wire.rules.append(Rule(link or self.link, names, count))

    def hold(self, names, seconds, count=1):
        self.wire.rules.append(Rule(self.link, names, count, seconds))

    def cut(self, link=None):
        self.lose(anything, 1 << 30, link)

    def spare_wire(self):
        """For a helper that needs losses of its own."""
        return Impairments(self.wire.key, self.wire.delay)

    def last_of_client(self):
        return [pair for pair in self.net.wire.carried[self.port, self.server_port] if pair[0].from_client][-1]


# What a rule may name


def anything(_):
    return True


def is_syn(segment):
    return segment.flags & (network.SYN | network.ACK) == network.SYN


def is_syn_ack(segment):
    return segment.flags & (network.SYN | network.ACK) == network.SYN | network.ACK


def is_fin(segment):
    return segment.flags & network.FIN


def is_rst(segment):
    return segment.flags & network.RST


def is_bare_ack_of(end):
    return lambda segment: segment.bare_ack and segment.from_client == (end == "client")


def is_fin_of(end):
    return lambda segment: is_fin(segment) and segment.from_client == (end == "client")


def is_syn_of(end):
    return lambda segment: is_syn(segment) and segment.from_client == (end == "client")


# What most programs do


def say(speaker, listener, count):
    speaker.sendall(b"x" * count)
    hear(listener, count)


def hear(sock, count):
    while count > 0:
        data = sock.recv(65536)
        if not data:
            raise ConnectionError("the peer has closed")
        count -= len(data)


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


def close_and_follow(first, second):
    first.close()
    wait_for_fin(second)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    second.close()


def abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def keep_alive(sock, count=5):
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, count)):
        sock.setsockopt(SOL_TCP, option, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def set_linger2(sock, seconds):
    sock.setsockopt(SOL_TCP, socket.TCP_LINGER2, seconds)


def give_up_after(sock, seconds):
    sock.setsockopt(SOL_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def kill_owner(sock):
    """A process of its own is the only one to have the socket, and gets SIGKILL."""
    owner = subprocess.Popen(["sleep", "60"], pass_fds=[sock.fileno()])
    sock.close()
    time.sleep(SETTLE)
    owner.kill()
    owner.wait()


# Closes


@scenario("SS E F1 F2 TW", "SR E CW LA CL")
def client_first_close(x):
    x.open()
    x.talk()
    close_and_follow(x.client, x.server)


@scenario("SS E CW LA CL", "SR E F1 F2 TW", first="server")
def server_first_close(x):
    x.open()
    x.talk()
    close_and_follow(x.server, x.client)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def fourway_close(x):
    x.open()
    x.talk()
    close_4_way(*x.order())


@scenario("F1 TW", "CW LA CL", first="any")
def merged_finack(x):
    x.open()
    x.talk()
    first, second = x.order()
    first.close()
    wait_for_fin(second)
    second.close()


@scenario("F1 F2 TW", "CW LA CL", first="any")
def fin_with_data(x):
    x.open()
    x.talk()
    first, second = x.order()
    first.send(b"x" * x.some(most=1000), socket.MSG_MORE)
    close_4_way(first, second)


@scenario("SS E F1 F2 TW", "SR E CW LA CL")
def client_killed(x):
    x.open()
    x.talk()
    kill_owner(x.client)
    wait_for_fin(x.server)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    x.server.close()


@scenario("F1 F2 TW", "CW LA CL", first="any")
def half_close(x):
    x.open()
    first, second = x.order()
    say(first, second, x.some())
    first.shutdown(socket.SHUT_WR)
    wait_for_fin(second)
    for _ in range(x.chance.randrange(1, 4)):
        x.pause(0.05, 0.3)
        say(second, first, x.some())
    time.sleep(LONGER_THAN_DELAYED_ACK)
    second.close()
    wait_for_fin(first)
    first.close()


@scenario("F1 CG TW", "F1 CG TW", first="any", delay=SLOW)
def simultaneous_close(x):
    x.open()
    x.talk()
    for sock in x.order():
        sock.close()


@scenario("F1 CG TW", "F1 F2 TW", first="any", delay=SLOW)
def simultaneous_close_fin_lost(x):
    """The FIN of the first is lost, so the second sees its own acknowledged before the other's."""
    x.open()
    x.talk()
    time.sleep(QUIET)
    x.lose(is_fin_of(x.first))
    for sock in x.order():
        sock.shutdown(socket.SHUT_WR)
    for sock in x.order():
        wait_for_fin(sock)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def lost_final_ack(x):
    x.open()
    x.talk()
    first, second = x.order()
    first.close()
    wait_for_fin(second)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    x.lose(is_bare_ack_of(x.first), x.chance.randrange(1, 3))
    second.close()


@scenario("F1 F2 TW", "CW LA CL", first="any")
def fin_lost(x):
    x.open()
    x.talk()
    time.sleep(QUIET)
    x.lose(is_fin)
    close_and_follow(*x.order())


@scenario("F1 F2 TW", "CW LA CL", first="any")
def fin_overtakes_data(x):
    """The data before the FIN is held back or lost: no CLOSE_WAIT before the hole is filled."""
    x.open()
    x.talk()
    first, second = x.order()
    time.sleep(QUIET)
    delay = x.chance.choice((None, 0.03))
    x.wire.rules.append(Rule(x.link, lambda segment: segment.length > 0, 1, delay))
    first.sendall(b"x" * 300)
    time.sleep(0.005)
    close_and_follow(first, second)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def close_queued(x):
    """The peer's window is shut, so the FIN waits behind data that its program closed upon long ago."""
    x.listen(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    x.client = x.new_client()
    x.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    x.client.connect((x.address, x.server_port))
    x.server = x.accept()
    first, second = x.order()
    first.sendall(b"x" * 8000)
    first.close()
    x.pause(1.0, 1.5)
    wait_for_fin(second)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    second.close()


@scenario("F1 F2 TW", "CW LA CL", first="any")
def keepalive_idle(x):
    x.open()
    first, second = x.order()
    keep_alive(first)
    x.talk()
    time.sleep(2.5)
    close_4_way(first, second)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def zero_window(x):
    x.open(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    first, second = x.order()
    x.client.sendall(b"x" * 8000)
    x.pause(1.0, 1.5)
    hear(x.server, 8000)
    close_4_way(first, second)


# Resets


@scenario("SS E CL", "SR E CL")
def abort_client(x):
    x.open()
    x.talk()
    abort(x.client)


@scenario("SS E CL", "SR E CL")
def abort_server(x):
    x.open()
    x.talk()
    abort(x.server)


@scenario("CL", "CL", first="any")
def rst_unread(x):
    """Who closes with unread data in its socket resets the connection."""
    x.open()
    first, second = x.order()
    second.sendall(b"x" * x.some())
    time.sleep(SETTLE)
    first.close()


@scenario("SS E CL", "SR E CL")
def client_killed_unread(x):
    x.open()
    x.server.sendall(b"x" * x.some())
    time.sleep(SETTLE)
    kill_owner(x.client)


@scenario("SS E CL", "SR E CL")
def listener_closed(x):
    """A connection that nobody has accepted ends with its listener."""
    x.listen()
    x.connect()
    time.sleep(QUIET)
    x.listener.close()


@scenario("F1 F2 CL", "CW CL", first="any")
def abort_in_close_wait(x):
    x.open()
    x.talk()
    first, second = x.order()
    first.close()
    wait_for_fin(second)
    time.sleep(LONGER_THAN_DELAYED_ACK)
    abort(second)


@scenario("F1 F2 CL", "CW CL", first="any")
def rst_data_after_close(x):
    x.open()
    x.talk()
    first, second = x.order()
    first.close()
    time.sleep(0.2)
    second.sendall(b"x" * x.some(most=1000))


@scenario("SS E CL", "SR E CL", seen_with_link="B")
def keepalive_dead(x):
    """The client's keep-alives go unanswered; its RST does not arrive either."""
    x.open()
    keep_alive(x.client, count=2)
    x.talk()
    time.sleep(1.3)
    x.cut()
    time.sleep(3.5)


def keep_asking_an_orphan(first, second):
    """It answers until its FIN_WAIT_2 has expired."""
    set_linger2(first, LINGER + 1)
    keep_alive(second)
    first.close()
    time.sleep(4.5)


@scenario("SS E CW CL", "SR E F1 F2 CL", first="server")
def keepalive_fw2_expired(x):
    x.open()
    x.talk()
    keep_asking_an_orphan(*x.order())


@scenario("SS E F1 F2 CL", "SR E CW CL")
def keepalive_fw2_expired_mirror(x):
    x.open()
    x.talk()
    keep_asking_an_orphan(*x.order())


@scenario("F1 F2 CL", "CW LA CL", first="any")
def fw2_expired_late_fin(x):
    x.open()
    x.talk()
    first, second = x.order()
    set_linger2(first, LINGER)
    first.close()
    wait_for_fin(second)
    time.sleep(LONGER_THAN_LINGER)
    second.close()


@scenario("F1 F2 CL", "CW CL", first="any")
def fw2_linger2_negative(x):
    """close() in FIN_WAIT_2 by one who will not wait there."""
    x.open()
    x.talk()
    first, second = x.order()
    first.shutdown(socket.SHUT_WR)
    wait_for_fin(second)
    time.sleep(QUIET)
    set_linger2(first, -1)
    first.close()


@scenario("CL", "CL", first="any")
def rst_lost(x):
    """Who never heard of the reset sends data, and hears of it."""
    x.open()
    x.talk()
    first, second = x.order()
    time.sleep(QUIET)
    x.lose(is_rst)
    abort(first)
    x.pause(0.5, 1)
    second.sendall(b"x" * x.some(most=1000))


@scenario("CL", "CL", first="any")
def crashed_peer(x):
    x.open()
    x.talk()
    first, second = x.order()
    time.sleep(QUIET)
    network.vanish(first)
    x.pause(0.3, 0.8)
    second.sendall(b"x" * x.some(most=1000))


# Openings


def talk_and_close(x):
    x.talk()
    close_4_way(*x.order())


@scenario("SS CL", "")
def refused(x):
    with contextlib.suppress(ConnectionRefusedError):
        x.connect()


@scenario("SS", "", seen_with_link="B")
def syn_dropped(x):
    """The client's time runs out, in silence."""
    x.cut()
    sock = x.new_client()
    x.begin_to_connect(sock)
    time.sleep(1.5)
    sock.close()


@scenario("SS", "")
def syn_nobody(x):
    sock = x.new_client()
    x.begin_to_connect(sock, x.net.address(x.family, NOBODY))
    time.sleep(1.5)
    sock.close()


@scenario("SS CL", "")
def icmp_unreach(x):
    """The server is the router here, and may not pass this on."""
    x.client = x.new_client()
    with contextlib.suppress(OSError):
        x.client.connect((UNREACHABLE if x.family == socket.AF_INET else UNREACHABLE6, x.server_port))


@scenario("SS CL", "SR CL", delay=SLOW)
def connect_abandoned(x):
    """The client's socket is gone when the SYN/ACK comes."""
    x.listen()
    sock = x.new_client()
    x.begin_to_connect(sock)
    sock.close()


@scenario("F1 F2 TW", "CW LA CL", first="any")
def syn_lost(x):
    x.lose(is_syn)
    x.open()
    talk_and_close(x)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def synack_lost(x):
    x.lose(is_syn_ack)
    x.open()
    talk_and_close(x)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def synack_ack_lost(x):
    """The server repeats its SYN/ACK, for the client has nothing to say."""
    x.lose(is_bare_ack_of("client"))
    x.open()
    talk_and_close(x)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def synack_ack_lost_data(x):
    """Data acknowledges what the lost ACK did."""
    x.listen()
    x.lose(is_bare_ack_of("client"))
    x.connect()
    x.pause(0.1, 0.3)
    x.client.sendall(b"xyz")
    x.server = x.accept()
    hear(x.server, 3)
    talk_and_close(x)


@scenario("SS E CW LA CL", "SR E F1 F2 TW", first="server")
def defer_accept(x):
    """The server ignores the ACK and takes the connection when data comes."""
    x.listen(options=[(SOL_TCP, TCP_DEFER_ACCEPT, 3)])
    x.connect()
    x.pause(0.5, 0.9)
    x.client.sendall(b"xyz")
    x.server = x.accept()
    hear(x.server, 3)
    talk_and_close(x)


@scenario("SS E F1 F2 TW", "SR E CW LA CL")
def accept_queue_full(x):
    """Room for two, and the third is the one we look at."""
    x.listen(backlog=1)
    for number, port in enumerate(x.helper_ports):
        x.net.wire.cases[port, x.server_port] = x.spare_wire()
        x.begin_to_connect(x.new_client(port))
        time.sleep((0.1, 0.001)[number])
    x.client = x.new_client()
    x.begin_to_connect(x.client)
    time.sleep(1.5)
    x.accept()
    x.accept()
    x.client.settimeout(network.SOCKET_TIMEOUT)
    x.server = x.accept()
    talk_and_close(x)


@scenario("SS E F1 F2 TW", "SR E CW LA CL", delay=SLOW)
def syncookie_overflow(x):
    """Two half-open handshakes fill the queue, so the server gives out cookies and keeps nothing;
    a helper takes the last place before our ACK comes; our data brings the cookie again."""
    x.listen(backlog=0)
    helper = x.new_client(x.helper_ports[0])
    x.net.wire.cases[x.helper_ports[1], x.server_port] = deaf = x.spare_wire()
    deaf.rules.append(Rule("B", is_syn_ack, 1 << 30))
    x.begin_to_connect(x.new_client(x.helper_ports[1]))
    time.sleep(2 * sum(SLOW))
    x.begin_to_connect(helper)
    x.client = x.new_client()
    x.begin_to_connect(x.client)
    time.sleep(0.6)
    x.accept()
    time.sleep(0.6)
    x.client.settimeout(network.SOCKET_TIMEOUT)
    x.client.sendall(b"xyz")
    x.server = x.accept()
    hear(x.server, 3)
    talk_and_close(x)


def open_at_once(x):
    with x.net.server.inside():
        x.server = x.keep(socket.socket(x.family, socket.SOCK_STREAM))
    x.server.bind((x.address, x.server_port))
    x.client = x.new_client()
    client, server = x.client.getsockname(), x.server.getsockname()
    for sock in (x.client, x.server):
        sock.setblocking(False)
    x.client.connect_ex(server)
    x.server.connect_ex(client)
    for sock in (x.client, x.server):
        sock.settimeout(network.SOCKET_TIMEOUT)
    time.sleep(QUIET)


@scenario("SS SR E F1 F2 TW", "SS SR E CW LA CL", delay=SLOW)
def simultaneous_open(x):
    open_at_once(x)
    talk_and_close(x)


@scenario("SS SR E F1 F2 TW", "SS E CW LA CL", delay=SLOW, seen_with_link="B")
def simultaneous_open_syn_lost(x):
    """The server never sees the client's SYN; the SYN/ACK for its own is enough."""
    x.lose(is_syn_of("client"))
    open_at_once(x)
    talk_and_close(x)


FAST_OPEN = (SOL_TCP, TCP_FASTOPEN, 8)


@scenario("F1 F2 TW", "CW LA CL", first="any", alias=10)
def tfo(x):
    """Fetches a cookie; the data comes after the handshake."""
    x.listen(options=[FAST_OPEN])
    x.client = x.new_client()
    x.client.settimeout(None)
    x.client.sendto(b"xyz", socket.MSG_FASTOPEN, (x.address, x.server_port))
    x.server = x.accept()
    hear(x.server, 3)
    talk_and_close(x)


@scenario("F1 F2 TW", "CW LA CL", first="any", alias=11)
def tfo_data(x):
    """A helper fetches the cookie; then there is data in the SYN."""
    x.listen(options=[FAST_OPEN])
    for port in (x.helper_ports[0], x.port):
        x.client = x.new_client(port)
        x.client.settimeout(None)
        x.client.sendto(b"xyz", socket.MSG_FASTOPEN, (x.address, x.server_port))
        x.client.settimeout(network.SOCKET_TIMEOUT)
        x.server = x.accept()
        hear(x.server, 3)
    talk_and_close(x)


@scenario("SS E CL SS E F1 F2 TW", "SR E CL SR E CW LA CL")
def half_open_syn(x):
    """A crashed client comes back to the same ports; the server's old connection is in its way."""
    x.open()
    x.talk()
    time.sleep(QUIET)
    network.vanish(x.client)
    x.pause(0.1, 0.3)
    x.open()
    talk_and_close(x)


@scenario("SS E F1 F2 TW SS E F1 F2 TW", "SR E CW LA CL SR E CW LA CL")
def tw_reuse_client(x):
    for _ in range(2):
        x.open()
        talk_and_close(x)
        time.sleep(1.2)  # the kernel reuses a port in TIME_WAIT when its timestamp is a second old


@scenario("SS E CW LA CL SS E CW LA CL", "SR E F1 F2 TW SR E F1 F2 TW", first="server")
def tw_reuse_server(x):
    for _ in range(2):
        x.open()
        talk_and_close(x)
        time.sleep(SETTLE)


# Forgeries, put into link A


@scenario("F1 F2 TW", "CW LA CL", first="any")
def blind_rst(x):
    """One outside the window; one in it, but not where the next byte goes (RFC 5961)."""
    x.open()
    x.talk()
    time.sleep(QUIET)
    segment, frame = x.last_of_client()
    for seq in (segment.seq - 100000, segment.seq + segment.length + 1000):
        x.net.wire.inject(forge(segment, frame, network.RST, seq), True)
        time.sleep(SETTLE)
    talk_and_close(x)


@scenario("F1 F2 TW", "CW LA CL", first="any")
def blind_syn(x):
    x.open()
    x.talk()
    time.sleep(QUIET)
    segment, frame = x.last_of_client()
    x.net.wire.inject(forge(segment, frame, network.SYN, segment.seq + 1000), True)
    time.sleep(SETTLE)
    talk_and_close(x)


# What nobody sees the end of


@scenario("F1", "", first="any")
def orphan_fin_giveup(x):
    """The FIN is never acknowledged, and its socket is given up in silence."""
    x.open()
    x.talk()
    time.sleep(QUIET)
    first, _ = x.order()
    x.lose(is_fin_of(x.first), 1 << 30, "B" if x.first == "client" else "A")
    give_up_after(first, 1.2)
    first.close()
    time.sleep(4)


@scenario("", "", first="any")
def retrans_timeout(x):
    x.open()
    x.talk()
    time.sleep(QUIET)
    first, _ = x.order()
    give_up_after(first, 1.2)
    x.cut()
    first.sendall(b"x" * x.some(most=1000))
    time.sleep(4)


@scenario("SS E CW", "SR E F1 F2", first="server")
def open_fw2_expired(x):
    x.open()
    x.talk()
    set_linger2(x.server, LINGER)
    x.server.close()
    wait_for_fin(x.client)
    time.sleep(LONGER_THAN_LINGER)
    x.end()


@scenario("SS E", "SR E")
def open_established(x):
    x.open()
    x.talk()
    x.end()
    talk_and_close(x)


@scenario("SS E CW", "SR E F1 F2", first="server")
def open_half_closed(x):
    x.open()
    x.talk()
    x.server.shutdown(socket.SHUT_WR)
    wait_for_fin(x.client)
    x.end()


@scenario("SS", "", seen_with_link="B")
def open_syn_sent(x):
    x.cut()
    x.begin_to_connect(x.new_client())
    x.end()


# What nobody saw the beginning of


@scenario("E F1 F2 TW", "E CW LA CL")
def mid_close(x):
    x.open()
    x.talk()
    x.begin()
    talk_and_close(x)


# Of an end that sends no data any of these three is possible (R6).
OPEN_OR_HALF = [("E", "E"), ("F2", "CW"), ("CW", "F2")]


@scenario("E CL", "E CL", alternatives=tuple((f"{a} CL", f"{b} CL") for a, b in OPEN_OR_HALF))
def mid_rst(x):
    x.open()
    x.talk()
    x.begin()
    say(x.client, x.server, x.some())
    time.sleep(QUIET)
    abort(x.client)


@scenario("F2 TW", "CW LA CL", alternatives=(("F2 TW", "CW LA CL"), ("E CW", "E F1 F2")))
def mid_halfclosed(x):
    x.open()
    x.talk()
    x.client.shutdown(socket.SHUT_WR)
    wait_for_fin(x.server)
    x.begin()
    say(x.server, x.client, x.some())
    time.sleep(QUIET)
    x.server.close()


@scenario("CW LA CL", "F2 TW", first="server", alternatives=(("CW LA CL", "F2 TW"), ("E F1 F2", "E CW")))
def mid_lastack(x):
    x.open()
    x.talk()
    x.server.shutdown(socket.SHUT_WR)
    wait_for_fin(x.client)
    x.begin()
    x.client.close()


@scenario("E", "E", alternatives=tuple(OPEN_OR_HALF))
def mid_keepalive(x):
    x.open()
    keep_alive(x.client)
    x.talk()
    x.begin()
    time.sleep(2.2)
    x.end()
