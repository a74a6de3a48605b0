# SPDX-License-Identifier: GPL-2.0-or-later
"""-z tcplife,tree with many servers: those with most connections have a branch of their own, the rest have one
together. sharkd has the same, in several trees at a time."""

import ipaddress
import struct
import time
from collections import Counter

import pytest

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
