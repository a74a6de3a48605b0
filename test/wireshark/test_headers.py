# SPDX-License-Identifier: GPL-2.0-or-later
"""Which TCP headers are segments, when a frame has several, or one that only looks like it."""

import struct

import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPOption_NOP, fragment
from scapy.layers.inet6 import (
    HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN, fragment6,
)  # fmt: skip
from scapy.layers.ipsec import AH
from scapy.layers.l2 import Ether
from scapy.layers.snmp import SNMP, SNMPget, SNMPvarbind

import pcap
from test_statistics import drawn_in
from test_story import ladder_of
from wireshark import WHOLE, version

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
INNER_CLIENT, INNER_SERVER = "198.51.100.1", "198.51.100.2"
MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
PHASE = ["tcplife.phase"]
OPEN = [["SYN_SENT"], ["SYN_RECEIVED"], ["ESTABLISHED"]]  # of a handshake
TENTH = 100_000  # microseconds between frames
XOT = 1998  # the TCP port of X.25 over TCP, the one tunnel in TCP that Wireshark looks into
INSIDE_XOT = ("-o", "x25.payload_check_data:TRUE")


def from_client(flags, seq, ack=0, data=b"", src=CLIENT, dst=SERVER, sport=40000, dport=80):
    return IP(src=src, dst=dst) / TCP(sport=sport, dport=dport, flags=flags, seq=seq, ack=ack) / data


def from_server(flags, seq, ack=0, data=b"", src=CLIENT, dst=SERVER, sport=40000, dport=80):
    """As from_client(), whose ends it names: src is the client's address"""
    return IP(src=dst, dst=src) / TCP(sport=dport, dport=sport, flags=flags, seq=seq, ack=ack) / data


def capture(wireshark, name, packets):
    frames = [
        (number * TENTH, bytes(Ether(**MACS) / packet)) for number, packet in enumerate(packets)
    ]
    return wireshark.write(f"{name}.pcap", pcap.write(frames))


def handshake(**ends):
    return [from_client("S", 100, **ends), from_server("SA", 500, 101, **ends), from_client("A", 101, 501, **ends)]


def shown(wireshark, path, fields, *arguments):
    return [list(row.values()) for row in wireshark.rows(path, fields, *arguments)]


def shown_by_sharkd(wireshark, path, fields, frames, **preferences):
    """The same where no tap runs, and the packet tree is all that the plugin has to go by"""
    with wireshark.sharkd() as sharkd:
        for name, value in preferences.items():
            sharkd.ask("setconf", name=name.replace("__", "."), value=value)
        sharkd.load(path)
        trees = map(sharkd.frame, range(1, frames + 1))
        return [[tree.get(field, []) for field in fields] for tree in trees]


# Tunnels


def tunnelled(*packets):
    """IP packets as data of X.25 over TCP"""
    units = [bytes([0x10, 1, 0]) + bytes(packet) for packet in packets]
    return b"".join(struct.pack(">HH", 0, len(unit)) + unit for unit in units)


@pytest.fixture(scope="module")
def tunnel(wireshark):
    """A connection that carries another, whose third and fourth segment are in one frame"""
    inner = {"src": INNER_CLIENT, "dst": INNER_SERVER, "sport": 50000}
    first = tunnelled(from_client("S", 1000, **inner))
    second = tunnelled(from_server("SA", 2000, 1001, **inner))
    third = tunnelled(
        from_client("A", 1001, 2001, **inner), from_client("PA", 1001, 2001, b"hello", **inner)
    )
    outer = {"dport": XOT}
    packets = [
        *handshake(**outer),
        from_client("PA", 101, 501, first, **outer),
        from_server("PA", 501, 101 + len(first), second, **outer),
        from_client("PA", 101 + len(first), 501 + len(second), third, **outer),
    ]
    return capture(wireshark, "tunnel", packets)


TUNNEL = [  # phase, client's port and address of each header
    (["SYN_SENT"], ["40000"], [CLIENT]),
    (["SYN_RECEIVED"], ["40000"], [CLIENT]),
    (["ESTABLISHED"], ["40000"], [CLIENT]),
    (["ESTABLISHED", "SYN_SENT"], ["40000", "50000"], [CLIENT, INNER_CLIENT]),
    (["ESTABLISHED", "SYN_RECEIVED"], ["40000", "50000"], [CLIENT, INNER_CLIENT]),
    (
        ["ESTABLISHED", "ESTABLISHED", "ESTABLISHED"],
        ["40000", "50000", "50000"],
        [CLIENT, INNER_CLIENT, INNER_CLIENT],
    ),
]


@pytest.mark.parametrize("arguments", [(), ("-2",), WHOLE], ids=["one pass", "-2", "look-ahead"])
def test_one_tree_for_each_header_in_their_order(wireshark, tunnel, arguments):
    fields = ["tcplife.phase", "tcplife.client.port", "tcplife.client.addr"]
    assert shown(wireshark, tunnel, fields, *INSIDE_XOT, *arguments) == [list(it) for it in TUNNEL]


def test_each_header_has_its_own_events(wireshark, tunnel):
    rows = shown(wireshark, tunnel, ["tcplife.event"], *INSIDE_XOT)
    assert rows == [[[]], [[]], [["open.three_way"]], [[]], [[]], [["open.three_way"]]]


def test_trees_in_the_packet_tree(wireshark, tunnel):
    printed = wireshark.read(tunnel, "-V", *INSIDE_XOT, "-Y", "frame.number == 6")
    titles = [line for line in printed.splitlines() if line.startswith("[TCP Lifecycle")]
    assert len(titles) == 3


def test_sharkd_shows_the_same_of_a_tunnel(wireshark, tunnel):
    fields = ["tcplife.phase", "tcplife.client.port", "tcplife.client.addr"]
    got = shown_by_sharkd(wireshark, tunnel, fields, 6, x25__payload_check_data="TRUE")
    assert got == [list(it) for it in TUNNEL]


def tunnel_of(*units):
    """A connection whose segments carry these: (from the client?, inner packets)"""
    outer, sent = {"dport": XOT}, {True: 101, False: 501}
    packets = handshake(**outer)
    for of_client, *inner in units:
        data, make = tunnelled(*inner), from_client if of_client else from_server
        packets.append(make("PA", sent[of_client], sent[not of_client], data, **outer))
        sent[of_client] += len(data)
    return packets


def test_two_headers_of_a_frame_that_decide_something(wireshark):
    """Each has its rung in the ladder and its arrow in the flow graph, between its own ends; and so has what a RST
    answers, with the states of its own connection."""
    inner = {"src": INNER_CLIENT, "dst": INNER_SERVER, "sport": 50000}
    packets = tunnel_of(
        (True, from_client("S", 1000, **inner)), (False, from_server("SA", 2000, 1001, **inner)),
        (True, from_client("A", 1001, 2001, **inner), from_client("FA", 1001, 2001, **inner)),
        (False, from_server("A", 2001, 1002, **inner)), (False, from_server("PA", 2001, 1002, b"late", **inner)),
        (True, from_client("R", 1002, **inner)),
    )  # fmt: skip
    path = capture(wireshark, "two-that-decide", packets)
    ladders = ladder_of(wireshark.read(path, "-n", "-q", *INSIDE_XOT, "-z", "tcplife,story"))
    steps = ["SYN", "SYN/ACK", "ACK of SYN/ACK", "1st FIN", "ACK of 1st FIN"]
    assert [(rung[0], rung[3]) for rung in ladders["0"]] == list(zip("123", steps))
    assert [(rung[0], rung[3]) for rung in ladders["1"]][:5] == list(zip("45667", steps))
    arrows = drawn_in(wireshark.read(path, "-q", *INSIDE_XOT, "-z", "flow,tcplife,network"))
    there, back = ("50000", "80"), ("80", "50000")
    drawn = [arrow[2:] for arrow in arrows if arrow[0] == "1"]
    assert [(label, *ends) for label, *ends, _ in drawn] == [
        ("SYN", *there), ("SYN/ACK", *back), ("ACK of SYN/ACK", *there), ("1st FIN", *there),
        ("ACK of 1st FIN", *back), ("data", *back), ("RST", *there),
    ]  # fmt: skip
    assert drawn[-2][-1] == "client FIN_WAIT_2, server CLOSE_WAIT"


@pytest.mark.parametrize("mode", [("-2",), WHOLE], ids=["-2", "look-ahead"])
def test_a_read_filter_drops_all_headers_of_a_frame(wireshark, tunnel, mode):
    """The next frame that it keeps, which has that one's number, has headers of its own."""
    fields = ["tcplife.connection", "tcplife.phase", "tcplife.concurrent", "tcplife.event"]
    for kept in (f"tcp.srcport == {XOT}", "tcp.len > 0"):
        one = shown(wireshark, tunnel, fields, *INSIDE_XOT, "-Y", kept)
        assert shown(wireshark, tunnel, fields, *INSIDE_XOT, *mode, "-R", kept) == one != []


def test_a_segment_that_carries_an_icmp_error(wireshark):
    syn = from_client("S", 1000, src=INNER_CLIENT, dst=INNER_SERVER, sport=50000)
    error = IP(src=INNER_SERVER, dst=INNER_CLIENT) / ICMP(type=3, code=3) / bytes(syn)[:40]
    inside, back = tunnelled(syn), tunnelled(error)
    outer = {"dport": XOT}
    packets = [
        *handshake(**outer),
        from_client("PA", 101, 501, inside, **outer),
        from_server("PA", 501, 101 + len(inside), back, **outer),
    ]
    path = capture(wireshark, "tunnelled-error", packets)
    fields = ["tcplife.connection", "tcplife.event"]
    for arguments in ((), WHOLE):
        rows = shown(wireshark, path, fields, *INSIDE_XOT, *arguments)
        assert rows[3:] == [[["0", "1"], []], [["0", "1"], ["open.icmp_rejected"]]]


def test_ip_in_ip_is_one_header_of_the_inner_ends(wireshark):
    outer = IP(src=INNER_CLIENT, dst=INNER_SERVER)
    back = IP(src=INNER_SERVER, dst=INNER_CLIENT)
    syn, syn_ack, ack = handshake()
    path = capture(wireshark, "ip-in-ip", [outer / syn, back / syn_ack, outer / ack])
    fields = ["tcplife.phase", "tcplife.client.addr", "tcplife.server.addr"]
    ends = [[CLIENT], [SERVER]]
    wanted = [[["SYN_SENT"], *ends], [["SYN_RECEIVED"], *ends], [["ESTABLISHED"], *ends]]
    assert shown(wireshark, path, fields) == wanted
    assert shown_by_sharkd(wireshark, path, fields, 3) == wanted


# Headers that are hard to read: alike with the tap and in passes without one


def fabric_path(packet):
    """In Cisco's FabricPath, of which Wireshark takes the last four bytes for a checksum, before 4.6"""
    outer = bytes.fromhex("020000000b00 020000000a00 8903 0044")
    return outer + bytes(Ether(**MACS) / packet)


def test_a_header_of_16_bytes_is_followed(wireshark):
    frames = [(number * TENTH, fabric_path(packet)) for number, packet in enumerate(handshake())]
    path = wireshark.write("fabric-path.pcap", pcap.write(frames))
    length = [] if version() < (4, 6) else ["0"]  # 4.6 has the whole header
    for arguments in ((), WHOLE):
        wanted = [[length, it] for it in OPEN]
        assert shown(wireshark, path, ["tcp.len", *PHASE], *arguments) == wanted


def test_a_header_of_which_16_bytes_were_captured_is_followed(wireshark):
    to_checksum = len(Ether()) + len(IP()) + 16
    frames = [(n * TENTH, bytes(Ether(**MACS) / packet)) for n, packet in enumerate(handshake())]
    path = wireshark.write("16-bytes.pcap", pcap.write(frames, snaplen=to_checksum))
    for arguments in ((), WHOLE):
        assert shown(wireshark, path, ["tcp.checksum", *PHASE], *arguments) == [[[], it] for it in OPEN]


def test_a_stream_that_begins_with_snmp_is_followed(wireshark):
    """There SNMP puts a conversation of its own before TCP's."""
    request = bytes(SNMP(community="public", PDU=SNMPget(varbindlist=[SNMPvarbind(oid="1.3.6.1.2.1.1.1.0")])))
    packets = [
        from_client("PA", 101, 501, request, dport=161),
        from_server("A", 501, 101 + len(request), dport=161),
        from_client("FA", 101 + len(request), 501, dport=161),
    ]
    path = capture(wireshark, "snmp", packets)
    for arguments in ((), WHOLE):
        rows = shown(wireshark, path, [*PHASE, "tcplife.client.bytes"], *arguments)
        assert rows == [[[phase], [str(len(request))]] for phase in ("ESTABLISHED", "ESTABLISHED", "FIN_WAIT_1")]
        line = wireshark.read(path, "-q", "-z", "tcplife,json", *arguments)
        assert '"tcp.stream":0,' in line and "snmp" in wireshark.read(path, "-T", "fields", "-e", "frame.protocols")


def test_an_end_is_at_home_where_its_packets_say_so(wireshark):
    home, away, server = "2001:db8:1::1", "2001:db8:2::1", "2001:db8::2"
    from_away = IPv6(src=away, dst=server) / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
    packets = [
        from_away / TCP(sport=40000, dport=80, flags="S", seq=100),
        IPv6(src=server, dst=home) / TCP(sport=80, dport=40000, flags="SA", seq=500, ack=101),
        from_away / TCP(sport=40000, dport=80, flags="A", seq=101, ack=501),
    ]
    path = capture(wireshark, "home-address", packets)
    for arguments in ((), WHOLE):
        rows = shown(wireshark, path, ["tcplife.client.addr", *PHASE], *arguments)
        assert rows == [[[home], it] for it in OPEN]


PADDING = PadN(optdata=bytes(12))  # two more units of 8 bytes
AUTHENTICATION = AH(nh=6, payloadlen=4, spi=1, seq=1, icv=bytes(12))
BETWEEN = {  # IP's own addresses, TTL apart, and what stands before TCP
    "IPv4 options": lambda **ip: IP(id=7, options=[IPOption_NOP()] * 8, **ip),
    "AH in IPv4": lambda **ip: IP(id=7, **ip) / AUTHENTICATION,
    "hop-by-hop options": lambda **ip: IPv6(**ip) / IPv6ExtHdrHopByHop(options=[PADDING]),
    "routing": lambda **ip: IPv6(**ip) / IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=0),
    "destination options": lambda **ip: IPv6(**ip) / IPv6ExtHdrDestOpt(options=[PADDING]),
    "AH in IPv6": lambda **ip: IPv6(**ip) / AUTHENTICATION,
    "a fragment that is the whole": lambda **ip: IPv6(**ip) / IPv6ExtHdrFragment(offset=0, m=0, id=0x05060708),
    "several": lambda **ip: IPv6(**ip) / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt() / AUTHENTICATION,
}


@pytest.fixture(scope="module")
def between(wireshark):
    """For each a connection from a port of its own: a handshake, 5 bytes and their copy, and a RST whose TTL is 4
    less"""
    frames = []
    for number, head in enumerate(BETWEEN.values()):
        six = "IPv6" in head(**{}).name
        client, server = ("2001:db8::1", "2001:db8::2") if six else (CLIENT, SERVER)
        hops = "hlim" if six else "ttl"
        there = {"sport": 40000 + number, "dport": 80}
        back = {"sport": 80, "dport": 40000 + number}
        data = head(src=client, dst=server) / TCP(**there, flags="PA", seq=101, ack=501) / b"12345"
        packets = [
            head(src=client, dst=server) / TCP(**there, flags="S", seq=100),
            head(src=server, dst=client) / TCP(**back, flags="SA", seq=500, ack=101),
            head(src=client, dst=server) / TCP(**there, flags="A", seq=101, ack=501),
            data,
            data,
            head(src=client, dst=server, **{hops: 60}) / TCP(**there, flags="RA", seq=106, ack=501),
        ]
        times = [number * 10 * TENTH + time for time in (0, TENTH, 2 * TENTH, 3 * TENTH, 3 * TENTH + 500, 4 * TENTH)]
        frames += zip(times, (bytes(Ether(**MACS) / packet) for packet in packets), strict=True)
    return wireshark.write("between.pcap", pcap.write(frames))


@pytest.mark.parametrize("arguments", [(), WHOLE], ids=["one pass", "look-ahead"])
def test_what_stands_between_ip_and_tcp_changes_nothing(wireshark, between, arguments):
    fields = ["phase", "client.bytes", "copy_of", "reset.ttl_delta", "close"]
    rows = shown(wireshark, between, [f"tcplife.{name}" for name in fields], *arguments)
    for number, name in enumerate(BETWEEN):
        own = rows[6 * number :][:6]
        assert [phase for phase, *_ in own] == [*OPEN, ["ESTABLISHED"], ["ESTABLISHED"], ["CLOSED"]], name
        assert own[-1][1:] == [["5"], [], ["-4"], ["abort"]], name
        assert own[-2][2] == [str(6 * number + 4)], name


ENDS = [(CLIENT, SERVER, 40000, 80), (SERVER, CLIENT, 40000, 80), (CLIENT, CLIENT, 40000, 80), (CLIENT, CLIENT, 81, 40001)]


def connection(client, server, sport, dport):
    """Makes segments of either end, (from the client?, flags, seq, ack, ...)"""

    def segment(of_client, flags, seq, ack=0, data=b"", **tcp):
        ends = (client, server, sport, dport) if of_client else (server, client, dport, sport)
        return IP(src=ends[0], dst=ends[1]) / TCP(sport=ends[2], dport=ends[3], flags=flags, seq=seq, ack=ack, **tcp) / data

    return segment


@pytest.mark.parametrize("arguments", [(), WHOLE], ids=["one pass", "look-ahead"])
def test_each_end_s_window_has_its_own_scale(wireshark, arguments):
    """A RST in the window is challenged, one beyond it is ignored (RFC 5961, 3.2): of 128,000 bytes towards the
    client and 4,000 towards the server; and of the 1,000 and 500 that SYN and SYN/ACK say nothing is scaled."""
    packets = []
    for ends in ENDS:
        segment = connection(*ends)
        packets += [
            segment(True, "S", 100, window=1000, options=[("WScale", 7)]),
            segment(False, "SA", 500, 101, window=500, options=[("WScale", 3)]),
            segment(True, "A", 101, 501, window=1000),
            segment(False, "PA", 501, 101, b"x", window=500),
            segment(True, "A", 101, 502, window=1000),
            segment(False, "R", 502 + 120_000),
            segment(False, "R", 502 + 130_000),
            segment(True, "R", 101 + 3_900),
            segment(True, "R", 101 + 4_100),
        ]
    path = capture(wireshark, "scaled", packets)
    rows = shown(wireshark, path, ["tcplife.reset.verdict"], *arguments)
    assert [verdict for (verdict,) in rows] == ([[]] * 5 + [["challenged"], ["ignored"]] * 2) * len(ENDS)


def test_a_scale_outside_a_syn_is_the_same_in_every_mode(wireshark):
    """There is none (RFC 7323, 2.2), and what Wireshark makes of one depends on when it is asked."""
    segment = connection(CLIENT, SERVER, 40000, 80)
    packets = [
        segment(True, "S", 100, window=10, options=[("WScale", 7)]),
        segment(False, "SA", 500, 101, options=[("WScale", 3)]),
        segment(True, "A", 101, 501, window=1000, options=[("WScale", 2)]),
        *(segment(False, "R", 501 + ahead) for ahead in (130_000, 120_000, 5_000, 3_000, 900)),
    ]
    path = capture(wireshark, "misplaced-scale", packets)
    one, whole = (shown(wireshark, path, ["tcplife.reset.verdict"], *mode) for mode in ((), WHOLE))
    assert one == whole
    assert one[3] == [["ignored"]] and one[-1] == [["challenged"]]


SACKS = {  # the server's blocks, beyond 201
    "one": [(501, 601)], "the highest first": [(501, 601), (301, 401)], "the highest last": [(301, 401), (501, 601)],
}  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("-o", "tcp.relative_sequence_numbers:FALSE"), WHOLE],
                         ids=["one pass", "absolute numbers", "look-ahead"])  # fmt: skip
def test_a_rst_at_the_right_edge_of_the_highest_sack_block(wireshark, arguments):
    """is accepted, as Linux does; at that of a lower one it is challenged."""
    packets = []
    for number, blocks in enumerate(SACKS.values()):
        segment = connection(CLIENT, SERVER, 40000 + number, 80)
        edges = tuple(edge for block in blocks for edge in block)
        packets += [
            segment(True, "S", 100, options=[("SAckOK", b"")]),
            segment(False, "SA", 500, 101, options=[("SAckOK", b"")]),
            segment(True, "A", 101, 501),
            segment(True, "A", 101, 501, b"x" * 100),
            segment(True, "A", 301, 501, b"x" * 100),
            segment(True, "A", 501, 501, b"x" * 100),
            segment(False, "A", 501, 201, options=[("NOP", None), ("NOP", None), ("SAck", edges)]),
            segment(True, "R", 401),
            segment(True, "R", 601),
        ]
    path = capture(wireshark, "sack", packets)
    rows = shown(wireshark, path, ["tcplife.reset.verdict"], *arguments)
    assert [verdict for (verdict,) in rows] == ([[]] * 7 + [["challenged"], ["accepted"]]) * len(SACKS)


# No segments


@pytest.mark.parametrize("quoted", [8, 20, 40], ids=lambda size: f"{size} bytes")
def test_a_header_quoted_by_an_icmp_error_is_no_segment(wireshark, quoted):
    """It is a copy of the client's RST, but not on its way: nothing is reset. After it the FIN finds
    the connection as it was."""
    rst = bytes(from_client("RA", 101, 501, b"x" * 20))[: 20 + quoted]
    error = IP(src=SERVER, dst=CLIENT) / ICMP(type=3, code=3) / rst
    packets = [*handshake(), error, from_client("FA", 101, 501)]
    path = capture(wireshark, f"icmp-{quoted}", packets)
    phases = [["SYN_SENT"], ["SYN_RECEIVED"], ["ESTABLISHED"], [], ["FIN_WAIT_1"]]
    assert shown(wireshark, path, PHASE) == [[it] for it in phases]
    assert shown_by_sharkd(wireshark, path, PHASE, 5) == [[it] for it in phases]
    assert "Lifecycle" not in wireshark.read(path, "-V", "-Y", "icmp")


def as_ipv6(packet):
    """The same segment between addresses of IPv6"""
    ends = {side: f"2001:db8::{packet.getfieldval(side)[-1]}" for side in ("src", "dst")}
    segment = packet[TCP].copy()
    del segment.chksum
    return IPv6(**ends) / segment


@pytest.fixture(scope="module", params=["IPv4", "IPv6"])
def fragments(request, wireshark):
    """A handshake and two fragments of a FIN with data"""
    fin = from_client("FA", 101, 501, b"x" * 1000)
    if request.param == "IPv4":
        opening, parts = handshake(), fragment(fin, fragsize=600)
    else:
        opening = map(as_ipv6, handshake())
        six = as_ipv6(fin)
        parts = fragment6(IPv6(src=six.src, dst=six.dst) / IPv6ExtHdrFragment(id=9) / six[TCP], 700)
    assert len(parts) == 2
    return capture(wireshark, f"fragments-{request.param}", [*opening, *parts])


def test_reassembled_fragments_are_one_segment(wireshark, fragments):
    """of the frame that completes it"""
    wanted = [[it] for it in [*OPEN, [], ["FIN_WAIT_1"]]]
    assert shown(wireshark, fragments, PHASE) == wanted
    assert shown_by_sharkd(wireshark, fragments, PHASE, 5) == wanted


def test_fragments_apart_are_no_segments(wireshark, fragments):
    wanted = [[it] for it in [*OPEN, [], []]]
    assert shown(wireshark, fragments, PHASE, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE") == wanted
    assert shown_by_sharkd(wireshark, fragments, PHASE, 5, ip__defragment="FALSE", ipv6__defragment="FALSE") == wanted


def test_a_frame_without_tcp_has_nothing(wireshark):
    path = capture(wireshark, "ping", [IP(src=CLIENT, dst=SERVER) / ICMP()])
    assert wireshark.read(path, "-Y", "tcplife") == ""
    assert "Lifecycle" not in wireshark.read(path, "-V")
