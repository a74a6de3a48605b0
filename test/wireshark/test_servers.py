# SPDX-License-Identifier: GPL-2.0-or-later
"""-z tcplife,tree with many servers: those with most connections have a branch of their own, the rest have one
together. sharkd has the same, in several trees at a time. And how many handshakes are under way towards each."""

import ipaddress
import struct
import time
from collections import Counter

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

import pcap
from test_statistics import SEVERAL, end, objects, tree_counts, values_of

OWN = 100  # servers that have a branch of their own
SERVERS = 150
MANY = 40_000
SECONDS = 15  # for as many servers; as branches of Wireshark's tree they would take twice that


def syn(server, client_port):
    """One of a client to the server of that number"""
    addresses = ipaddress.ip_address("10.0.0.1").packed + (ipaddress.ip_address("172.16.0.0") + server).packed
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + addresses
    tcp = struct.pack("!HHIIBBHHH", client_port, 80, client_port, 0, 0x50, 2, 65535, 0, 0)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp


def capture(wireshark, name, connections):
    """One of as many connections for each server"""
    frames = [syn(server, 1024 + n) for server, count in enumerate(connections) for n in range(count)]
    frames = list(enumerate(frames[1::2] + frames[::2]))
    return wireshark.write(name, pcap.write(frames))


@pytest.fixture(scope="module")
def crowd(wireshark):
    return capture(wireshark, "crowd.pcap", [1 + server % 7 for server in range(SERVERS)])


def tree_of(wireshark, path, filtered=""):
    return tree_counts(wireshark.read(path, "-q", "-z", f"tcplife,tree{filtered}").removeprefix("\n"))


def expected(rows):
    """The tree of these connections"""
    servers = Counter(end(row, "server") for row in rows)
    own = {name for name, _ in sorted(servers.items(), key=lambda it: (-it[1], it[0]))[:OWN]}
    others = f"others ({len(servers) - OWN} servers)"
    tree = Counter()
    for row in rows:
        name = end(row, "server")
        tree["By server",] += 1
        for top in (("Connections",), ("By server", name if name in own else others)):
            tree[top] += 1
            for group, value in values_of(row):
                tree[(*top, group)] += 1
                tree[(*top, group, value)] += 1
    return dict(tree)


@pytest.mark.parametrize("filtered", ["", ",ip.dst >= 172.16.0.20"])
def test_those_with_most_connections_have_their_own_branch(wireshark, crowd, filtered):
    rows = objects(wireshark.read(crowd, "-q", "-z", f"tcplife,json{filtered}"))
    wanted = expected(rows)
    assert len([path for path in wanted if len(path) == 2 and path[0] == "By server"]) == OWN + 1
    tree = tree_of(wireshark, crowd, filtered)
    assert tree == wanted
    assert [name for _, name in (path for path in tree if len(path) == 2)][-1].startswith("others (")


def nodes(stats, path=()):
    """What sharkd says, as {path: count}"""
    tree = {}
    for node in stats:
        here = (*path, node["name"])
        tree |= {here: node["count"]} | nodes(node.get("sub", []), here)
    return tree


@pytest.mark.parametrize("name", [SEVERAL, "busy-server", None])
def test_sharkd_fills_several_trees_at_a_time(wireshark, crowd, name):
    path = name or crowd
    wanted = tree_of(wireshark, wireshark.path(path))
    with wireshark.sharkd() as sharkd:
        sharkd.load(path)
        for _ in range(2):
            taps = sharkd.ask("tap", tap0="stat:tcplife", tap1="stat:tcplife")["taps"]
            assert [nodes(tap["stats"]) for tap in taps] == [wanted] * 2


def test_many_servers_take_no_longer(wireshark):
    path = capture(wireshark, "many.pcap", [1] * MANY)
    began = time.monotonic()
    tree = tree_of(wireshark, path)
    assert time.monotonic() - began < SECONDS
    assert tree["By server", f"others ({MANY - OWN} servers)"] == MANY - OWN


# Handshakes under way

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
ISN = {"S": 1000, "SA": 5000, "A": 1001, "RA": 0}


def towards(client, flags="S", server="192.0.2.2", port=80):
    """A segment of one of the clients; of the server, if that answers"""
    ip = IPv6 if ":" in server else IP
    there = {"src": "2001:db8::1" if ":" in server else "192.0.2.1", "dst": server}
    ports = {"sport": 40000 + client, "dport": port}
    if flags in ("SA", "RA"):
        there, ports = {"src": there["dst"], "dst": there["src"]}, {"sport": port, "dport": 40000 + client}
    return ip(**there) / TCP(**ports, flags=flags, seq=ISN[flags], ack={"S": 0, "A": 5001}.get(flags, 1001))


UNREACHABLE = IP(src="203.0.113.1", dst="192.0.2.1") / ICMP(type=3, code=1)
UNDER_WAY = [  # seconds, what passes, and the handshakes that are then under way towards its server's address and port
    ("0.0", towards(1), "1"),
    ("0.1", towards(2), "2"),
    ("0.2", towards(1, server="192.0.2.3"), "1"),
    ("0.3", towards(1, port=81), "1"),
    ("0.35", towards(1, server="2001:db8::2"), "1"),
    ("0.36", towards(1, server="2001:db8::3"), "1"),
    ("0.4", towards(1, "SA"), "2"),
    ("0.5", towards(1, "A"), None),  # completed
    ("0.6", towards(3), "2"),
    ("0.7", towards(2, "RA"), None),  # refused
    ("0.8", towards(4), "2"),
    ("0.9", UNREACHABLE / bytes(towards(3))[:28], None),  # rejected
    ("1.0", towards(5), "2"),
    ("1.1", towards(6, server="192.0.2.3"), "2"),
    ("75.799", towards(7), "3"),
    ("75.8", towards(8), "3"),  # without client 4, who is 75 s old
    ("76.0", towards(5), "2"),  # nor counts the one that is 75 s old itself
    ("76.1", towards(9, server="192.0.2.3"), "1"),
]


def test_half_open_is_what_is_under_way_towards_an_address_and_port(wireshark):
    """Not completed, refused or rejected, and younger than 75 s."""
    frames = [(round(float(time) * 1_000_000), bytes(Ether(**MACS) / packet)) for time, packet, _ in UNDER_WAY]
    rows = wireshark.rows(wireshark.write("under-way.pcap", pcap.write(frames)), ["tcplife.half_open"])
    assert [row["tcplife.half_open"] for row in rows] == [[count] if count else [] for *_, count in UNDER_WAY]
