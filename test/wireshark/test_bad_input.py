# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged, absurd and hostile captures: tshark says of them what it says without the plugin, nothing
crashes, and tcplife's fields are right up to the damage."""

import random
import re

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

import pcap
from interface import EVENT, FACT, NOW, full
from wireshark import CAPTURES, TOP, WHOLE

SEED = 1
MUTANTS = 6  # of each small capture
SMALL = 20_000  # bytes
CHANGED = (14, 80)  # the bytes of a frame that are changed: IP header, TCP header, options, some data
TREE = re.compile(r"^\[TCP Lifecycle.*\n(?: +\[.*\n)*", re.MULTILINE)
DECIDED = [*NOW, *EVENT]
TIMES_OF_FACTS = [name for name, kind in FACT.items() if kind == "FT_RELATIVE_TIME"]


def content(name):
    return (TOP / "captures" / f"{name}.pcap").read_bytes()


def tell(wireshark, path, names, *options):
    """The fields of each frame, whatever else tshark has to say of the file"""
    asked = [word for field in full(names) for word in ("-e", field)]
    return wireshark.run("tshark", "-r", path, "-T", "fields", *asked, *options).stdout.splitlines()


def decided(wireshark, path, *options):
    return tell(wireshark, path, DECIDED, *options)


def said(wireshark, *arguments):
    """Exit code, output without tcplife's trees, and complaints without process and time"""
    done = wireshark.run("tshark", "-V", *arguments)
    complaints = re.sub(r"\(tshark:\d+\) [\d:.]+", "", done.stderr)
    return done.returncode, TREE.sub("", done.stdout), complaints


def behaves(wireshark, path):
    """What is printed beside tcplife's own trees is what is printed without the plugin: complaints,
    exit code, and all that is said of the packets. Look-ahead sees the same segments as the tap does,
    and no time is negative."""
    for mode in ((), WHOLE):
        plain = said(wireshark, "-r", path, *mode, "--disable-protocol", "tcplife")
        assert "TCPLIFE" not in plain[1] and plain[0] >= 0
        assert said(wireshark, "-r", path, *mode) == plain
    whole = tell(wireshark, path, [*TIMES_OF_FACTS, *DECIDED], *WHOLE)
    times = [line.split("\t")[: len(TIMES_OF_FACTS)] for line in whole]
    assert [line.split("\t", len(times[0]))[-1] for line in whole] == decided(wireshark, path)
    assert not any(time.startswith("-") for row in times for time in row)


# Files


@pytest.mark.parametrize("kept", [0, 24, 30, 600, 900, 1300], ids=lambda size: f"{size} bytes")
def test_truncated_file(wireshark, kept):
    name = "story-08-last-ack-lost"
    path = wireshark.write(f"truncated-{kept}.pcap", content(name)[:kept])
    behaves(wireshark, path)
    intact = decided(wireshark, path)
    assert len(intact) == len(pcap.read(content(name)[:kept]))
    assert intact == decided(wireshark, wireshark.path(name))[: len(intact)]


@pytest.mark.parametrize("snaplen", [20, 34, 47, 54, 60])
def test_short_packets(wireshark, snaplen):
    frames = pcap.read(content("story-02-keep-alive-rst")) + pcap.read(content("ipv6"))
    behaves(wireshark, wireshark.write(f"short-{snaplen}.pcap", pcap.write(frames, snaplen)))


@pytest.mark.parametrize("name", ["story-02-keep-alive-rst", "story-06-simultaneous-close"])
def test_snaplen_60_changes_nothing(wireshark, name):
    """What decides stands in the first 20 bytes of a TCP header, so nobody misses the rest, but for
    Zeek's history: that tells of data that was not captured."""
    path = wireshark.write(f"{name}-60.pcap", pcap.write(pcap.read(content(name)), 60))
    names = [*DECIDED, *(name for name in FACT if name != "history")]
    assert tell(wireshark, path, names) == tell(wireshark, wireshark.path(name), names)


# Headers and numbers

MACS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
CLIENT, SERVER = {"src": "192.0.2.1", "dst": "192.0.2.2"}, {"src": "192.0.2.2", "dst": "192.0.2.1"}
ISN = {True: 1000, False: 5000}  # the client's and the server's


def segment(flags, seq, ack=None, client=True, data=b"", **tcp):
    """Numbers are relative to the ISNs; `tcp` is what else the header has."""
    ports = {"sport": 40000, "dport": 80} if client else {"sport": 80, "dport": 40000}
    numbers = {"seq": ISN[client] + seq, "ack": 0 if ack is None else ISN[not client] + ack}
    numbers = {name: number % (1 << 32) for name, number in numbers.items()}
    return IP(**(CLIENT if client else SERVER)) / TCP(**ports, **numbers, flags=flags, **tcp) / data


def conversation(*middle):
    """3-way open, what is asked for, 3-way close"""
    return [
        segment("S", 0),
        segment("SA", 0, 1, client=False),
        segment("A", 1, 1),
        *middle,
        segment("FA", 1, 1),
        segment("FA", 1, 2, client=False),
        segment("A", 2, 2),
    ]


OPEN = ["SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"]
CLOSE = ["FIN_WAIT_1", "LAST_ACK", "TIME_WAIT"]


def as_frames(packets):
    """A second between any two, so that none was in flight when another was sent"""
    return [(time * 1_000_000, bytes(Ether(**MACS) / it)) for time, it in enumerate(packets)]


def capture(wireshark, name, packets):
    return wireshark.write(f"{name}.pcap", pcap.write(as_frames(packets)))


BROKEN = {  # by name: a segment that its receiver cannot read
    f"{flags}, header of {words * 4} bytes": segment(flags, 1, 1, dataofs=words)
    for flags in ("FA", "R", "S")
    for words in (0, 1, 4, 15)
}
STRANGE = {  # by name: a segment whose numbers fit nothing
    "FIN half way round": segment("FA", 1 << 31, 1),
    "FIN of the last number": segment("FA", -1001, 1),
    "ACK of everything": segment("A", 1, -5001),
    "data far ahead": segment("PA", 1 << 30, 1, data=b"x" * 100),
    "data far behind": segment("PA", -(1 << 30), 1, data=b"x" * 100),
    "FIN of nobody": segment("FA", 77_000_000, -88_000_000),
    "RST half way round": segment("R", 1 << 31),
}


BELIEVED = {  # by name: a FIN that may be one, until the close that follows shows that it was none
    "FIN that acknowledges the future": segment("FA", 1, (1 << 31) - 1),  # its own number is exact
    "FIN far ahead": segment("FA", 77_000_000, 88_000_000),  # as in a capture without data
}


@pytest.mark.parametrize("name", BELIEVED)
def test_a_fin_that_is_believed_for_a_while(wireshark, name):
    path = capture(wireshark, name, conversation(BELIEVED[name]))
    assert tell(wireshark, path, ["phase"]) == [*OPEN, "FIN_WAIT_1", *CLOSE]
    assert tell(wireshark, path, ["client.bytes", "close"])[-1] == "\t3-way"


@pytest.mark.parametrize("name", [*BROKEN, *STRANGE])
def test_nonsense_moves_nothing(wireshark, name):
    nonsense = (BROKEN | STRANGE)[name]
    path = capture(wireshark, name, conversation(nonsense))
    phases = tell(wireshark, path, ["phase"])
    assert phases[:3] + phases[4:] == OPEN + CLOSE
    assert phases[3] == ("" if name in BROKEN else "ESTABLISHED")
    assert tell(wireshark, path, ["client.bytes", "close"])[-1] == "\t3-way"


def test_nonsense_behaves(wireshark):
    """All of it in one capture, each with a client's port of its own."""
    packets = []
    for number, nonsense in enumerate((BROKEN | STRANGE | BELIEVED).values()):
        for packet in conversation(nonsense):
            packet = packet.copy()
            for port in ("sport", "dport"):
                if packet[TCP].getfieldval(port) == 40000:
                    packet[TCP].setfieldval(port, 40001 + number)
            packets.append(packet)
    behaves(wireshark, capture(wireshark, "nonsense", packets))


def no_length(packet):
    """as the sender's own capture may have it with segmentation offload"""
    packet.len = 0


def same_address(packet):
    packet.src = packet.dst = "127.0.0.1"


def server_port_0(packet):
    port = {80: 0, 40000: 40000}
    packet[TCP].sport, packet[TCP].dport = port[packet[TCP].sport], port[packet[TCP].dport]


def no_window(packet):
    packet[TCP].window = 0


@pytest.mark.parametrize("change", [no_length, same_address, server_port_0, no_window])
def test_odd_but_whole(wireshark, change):
    packets = conversation()
    for packet in packets:
        change(packet)
    path = capture(wireshark, change.__name__, packets)
    behaves(wireshark, path)
    assert tell(wireshark, path, ["phase"]) == OPEN + CLOSE


def test_talking_to_oneself(wireshark):
    """Same address, same port, and that is 0: nothing tells the ends apart."""
    packets = conversation()
    for packet in packets:
        same_address(packet)
        packet[TCP].sport = packet[TCP].dport = 0
    path = capture(wireshark, "oneself", packets)
    behaves(wireshark, path)
    assert all(tell(wireshark, path, ["phase"]))


STATISTICS = [word for name in ("tree", "streams", "csv", "json") for word in ("-z", f"tcplife,{name}")]


def test_two_forged_syns_in_a_row(wireshark):
    """Wireshark begins a stream at each, and the connection goes on in the second and then in the
    third. Every segment is followed, and the statistics find their connections."""
    old, new = {"sport": 40000, "dport": 80}, {"sport": 80, "dport": 40000}
    numbers = [  # from the client?, flags, seq, ack, data
        (True, "A", 1232, 2052, b""),
        (False, "S", 2052, 1025, b""),
        (True, "A", 1025, 2053, b""),
        (True, "S", 900000, 0, b""),
        (True, "PA", 12172193, 800001, b"x" * 23),
        (False, "A", 800001, 4504504, b""),
    ]
    packets = [
        IP(**(CLIENT if client else SERVER))
        / TCP(**(old if client else new), flags=flags, seq=seq, ack=ack)
        / data
        for client, flags, seq, ack, data in numbers
    ]
    path = capture(wireshark, "forged-syns", packets)
    behaves(wireshark, path)
    assert all(tell(wireshark, path, ["phase"]))
    assert wireshark.run("tshark", "-r", path, "-q", *STATISTICS).returncode == 0


# Times

ALL_BITS, SIGN = (1 << 64) - 1, 1 << 63
TIMES = {  # by name: a time for each frame of the conversation, and how pcapng is to read it
    "the end of time": ([ALL_BITS] * 6, {}),
    "the end of time in nanoseconds": ([ALL_BITS - 9 + it for it in range(6)], {"resolution": 9}),
    "years between two frames": ([0, SIGN - 1, SIGN, ALL_BITS - 1, ALL_BITS, 5], {"resolution": 0}),
    "before the epoch": (list(range(6)), {"offset": -SIGN}),
    "long after it": (list(range(6)), {"offset": SIGN - 1}),
    "backwards": ([it * 1_000_000 for it in range(6, 0, -1)], {}),
    "parts of a second too fine": ([it << 40 for it in range(6)], {"resolution": 0x80 | 63}),
    "to and fro": ([0, ALL_BITS, 0, ALL_BITS, 0, ALL_BITS], {}),
}


@pytest.mark.parametrize("name", TIMES)
def test_absurd_times(wireshark, name):
    """States do not depend on the clock but for the end of 2 MSL, and no time is negative."""
    times, options = TIMES[name]
    frames = [bytes(Ether(**MACS) / packet) for packet in conversation()]
    frames = list(zip(times, frames, strict=True))
    path = wireshark.write(f"{name}.pcapng", pcap.write_ng(frames, **options))
    behaves(wireshark, path)
    assert tell(wireshark, path, ["phase"]) == OPEN + CLOSE


# Anything


def mutants():
    """Frames of all small captures with one to four bytes changed, some of them lost, doubled or out
    of order."""
    chance = random.Random(SEED)
    small = [it for it in map(content, CAPTURES) if len(it) < SMALL]
    frames, begin = [], 0
    for own in map(pcap.read, small * MUTANTS):
        changed = []
        for time, data in own:
            data = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(CHANGED[0], min(CHANGED[1], len(data)))] = chance.randrange(256)
            copies = chance.choice([0, 1, 1, 1, 1, 1, 1, 2])
            changed += [(begin + time - own[0][0], bytes(data))] * copies
        if changed and chance.random() < 0.5:
            at = chance.randrange(len(changed))
            changed[at : at + 2] = reversed(changed[at : at + 2])
        frames += changed
        begin = frames[-1][0] + 100_000
    return frames


def test_mutants(wireshark):
    path = wireshark.write("mutants.pcap", pcap.write(mutants()))
    behaves(wireshark, path)
    assert wireshark.run("tshark", "-r", path, "-q", *STATISTICS).returncode == 0
    whole_header = "(tcp.flags && tcp.len && tcp.window_size_value)"
    for wrong in (f"!icmp && {whole_header} && !tcplife.phase", f"tcplife.phase && !{whole_header}"):
        assert wireshark.run("tshark", "-r", path, "-Y", wrong).stdout == ""


def test_mutants_in_sharkd(wireshark):
    """Some of them, in any order, and again."""
    frames = mutants()[:400]
    path = wireshark.write("some-mutants.pcap", pcap.write(frames))
    order = [*range(1, len(frames) + 1)] * 2
    random.Random(SEED).shuffle(order)
    first = {}
    with wireshark.sharkd() as sharkd:
        sharkd.load(path)
        for number in order:
            shown = sharkd.frame(number)
            assert first.setdefault(number, shown) == shown
