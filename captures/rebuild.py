#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the captures whose numbers are given (stories 1, 3, 4, 5, 6) and those that no real stack
would make. Needs scapy, no privileges, and gives the same bytes each time.

    rebuild.py            all of them
    rebuild.py NAME ...   these
    rebuild.py --list     their names

One function is one capture of the same name. Sequence numbers are relative to the ISN, as in
Wireshark: the SYN is 0, the first byte 1.
"""

import argparse
import calendar
import os
import re
import sys
import textwrap
from dataclasses import dataclass

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import PcapWriter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "shared"))
import network  # noqa: E402

NEW_YEAR_2019 = calendar.timegm((2019, 1, 1, 0, 0, 0))
MICROSECONDS = 1_000_000
SEGMENT = 14480

SYN_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("NOP", None), ("WScale", 7)]

CAPTURES = {}


def capture(function):
    CAPTURES[function.__name__.replace("_", "-")] = function
    return function


def message(head, size, tail=b""):
    """`size` bytes that begin and end as told, with letters between."""
    return head + b"x" * (size - len(head) - len(tail)) + tail


@dataclass
class End:
    mac: str
    address: str
    port: int
    isn: int
    next: int = 0  # relative number of what it sends next
    packets: int = 0


class Conversation:
    """Segments of two ends, seen close to the client. Times are microseconds since the start."""

    def __init__(self, client_port, server_port=80, client_isn=1000, server_isn=2000, start=0):
        self.client = End(network.CLIENT_MAC, network.CLIENT, client_port, client_isn)
        self.server = End(network.SERVER_MAC, network.SERVER, server_port, server_isn)
        self.now = start
        self.frames = []

    def say(self, end, flags, wait, data=b"", seq=None, ack=None, window=502, options=(), ttl=64):
        """`seq` and `ack` are checked and obeyed: `seq` must be the next number, unless it is a
        repetition; `ack` may only be older than what has passed. Left out, both are up to date."""
        peer = self.server if end is self.client else self.client
        seq = end.next if seq is None else seq
        ack = peer.next if ack is None else ack
        if seq > end.next or ack > peer.next:
            raise ValueError(f"{flags} seq {seq} ack {ack}, expected {end.next} and {peer.next}")
        self.now += wait
        segment = TCP(sport=end.port, dport=peer.port, flags=flags, window=window,
                      seq=(end.isn + seq) % (1 << 32),
                      ack=(peer.isn + ack) % (1 << 32) if "A" in flags else 0,
                      options=SYN_OPTIONS if "S" in flags else list(options))
        end.packets += 1
        packet = IP(src=end.address, dst=peer.address, id=end.packets, flags="DF", ttl=ttl) / segment / data
        self.frames.append((self.now, bytes(Ether(src=end.mac, dst=peer.mac) / packet)))
        taken = len(data) + ("S" in flags) + ("F" in flags)
        end.next = max(end.next, seq + taken)

    def open(self):
        self.say(self.client, "S", 0, window=64240)
        self.say(self.server, "SA", 20_000, window=65160)
        self.say(self.client, "A", 50)

    def send(self, end, data):
        """Data in large segments, each acknowledged."""
        peer = self.server if end is self.client else self.client
        for start in range(0, len(data), SEGMENT):
            part = data[start:start + SEGMENT]
            last = start + SEGMENT >= len(data)
            self.say(end, "PA" if last else "A", 100 if end is self.client else 20_000, part)
            self.say(peer, "A", 20_000 if end is self.client else 50)

    def talk(self):
        self.send(self.client, b"GET /hello HTTP/1.0\r\n\r\n")
        self.send(self.server, b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n")

    def close_4_way(self):
        self.say(self.client, "FA", 1_000)
        self.say(self.server, "A", 20_000)
        self.say(self.server, "FA", 5_000)
        self.say(self.client, "A", 50)


# The stories


@capture
def story_01_merged_close():
    client_fin, server_fin = 3747946131, 1890243776
    request = b"GET / HTTP/1.1\r\nHost: tcplife.example\r\n\r\n"
    response = message(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", 140)
    talk = Conversation(9277, client_isn=client_fin - 1 - len(request),
                        server_isn=server_fin - 1 - len(response))
    client, server = talk.client, talk.server
    talk.open()
    talk.send(client, request)
    talk.send(server, response)
    talk.say(client, "FA", 1_000, seq=client_fin - client.isn, ack=server_fin - server.isn)
    talk.say(server, "FA", 20_000, seq=server_fin - server.isn, ack=client_fin + 1 - client.isn)
    talk.say(client, "A", 50, seq=client_fin + 1 - client.isn, ack=server_fin + 1 - server.isn)
    return talk.frames


TCPDUMP = re.compile(
    r"(?P<hour>\d+):(?P<minute>\d+):(?P<second>\d+)\.(?P<micro>\d{6}) IP "
    r"(?P<source>[\d.]+)\.(?P<sport>\d+) > (?P<target>[\d.]+)\.(?P<dport>\d+): "
    r"Flags \[(?P<flags>[^]]+)\](, seq (?P<seq>\d+)(:\d+)?)?(, ack (?P<ack>\d+))?, "
    r"win (?P<window>\d+), options \[(?P<options>[^]]+)\], length (?P<length>\d+)")


def tcpdump_options(text):
    """'nop,nop,TS val 1 ecr 0' in the words of scapy"""
    options = []
    for option in text.split(","):
        match option.split():
            case ["mss", size]:
                options.append(("MSS", int(size)))
            case ["sackOK"]:
                options.append(("SAckOK", b""))
            case ["TS", "val", value, "ecr", echo]:
                options.append(("Timestamp", (int(value), int(echo))))
            case ["wscale", shift]:
                options.append(("WScale", int(shift)))
            case ["nop"]:
                options.append(("NOP", None))
            case unknown:
                raise ValueError(f"option {unknown}")
    return options


@capture
def story_03_wget_64k_twice():
    """The lines of wget-64k-twice.txt, as tcpdump printed them. What they do not tell is made up
    to fit: the rest of the request and of the response's head, and the file."""
    request = message(b"GET /file_64KB HTTP/1.1\r\nHost: 192.168.131.138\r\nX-Padding: ", 151,
                      b"\r\n\r\n")
    head = message(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\nX-Padding: ", 264, b"\r\n\r\n")
    response = head + b"x" * 65536
    isn, following = {}, {}
    frames = []
    with open(os.path.join(HERE, "wget-64k-twice.txt")) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines):
        seen = TCPDUMP.match(line)
        from_server = seen["sport"] == "80"
        way = seen["sport"], seen["dport"]
        flags = seen["flags"].replace(".", "A")
        length = int(seen["length"])
        seq, ack = int(seen["seq"] or following[way]), int(seen["ack"] or 0)
        if "S" in flags:
            # Only here does tcpdump print the number that was on the wire.
            isn[way] = seq
            following[way] = 1
            data = b""
        else:
            following[way] = seq + length + ("F" in flags)
            data = (response if from_server else request)[seq - 1:seq - 1 + length]
            seq, ack = isn[way] + seq, isn[way[::-1]] + ack
        macs = (network.SERVER_MAC, network.CLIENT_MAC) if from_server else (network.CLIENT_MAC, network.SERVER_MAC)
        packet = Ether(src=macs[0], dst=macs[1]) / IP(
            src=seen["source"], dst=seen["target"], id=number, flags="DF") / TCP(
            sport=int(seen["sport"]), dport=int(seen["dport"]), flags=flags, seq=seq, ack=ack,
            window=int(seen["window"]), options=tcpdump_options(seen["options"])) / data
        seconds = (int(seen["hour"]) * 60 + int(seen["minute"])) * 60 + int(seen["second"])
        frames.append((seconds * MICROSECONDS + int(seen["micro"]), bytes(packet)))
    return frames


@capture
def story_04_curl_json():
    talk = Conversation(49152)
    client, server = talk.client, talk.server
    talk.open()
    head = b"GET /data.json HTTP/1.1\r\nHost: tcplife.example\r\nX-Padding: "
    talk.send(client, message(head, 79, b"\r\n\r\n"))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 573\r\n\r\n"
    talk.send(server, message(head + b'{"text": "', 649, b'"}'))
    talk.say(client, "FA", 1_000, seq=80, ack=650)
    talk.say(server, "FA", 20_000, seq=650, ack=81)
    talk.say(client, "A", 50, seq=81, ack=651)
    return talk.frames


def upload(port, size):
    """`size` bytes from the client, 191 from the server."""
    talk = Conversation(port)
    talk.open()
    head = b"POST /upload HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
    body = size - len(head % 100000)
    talk.send(talk.client, message(head % body, size))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 126\r\n\r\n"
    talk.send(talk.server, message(head, 191))
    return talk


@capture
def story_05_4_way_close():
    talk = upload(49153, 136124)
    client, server = talk.client, talk.server
    talk.say(client, "FA", 1_000, seq=136125, ack=192)
    talk.say(server, "A", 20_000, seq=192, ack=136126)
    talk.say(server, "FA", 300, seq=192, ack=136126)
    talk.say(client, "A", 50, seq=136126, ack=193)
    return talk.frames


@capture
def story_06_simultaneous_close():
    talk = upload(49154, 203345)
    client, server = talk.client, talk.server
    talk.say(client, "FA", 1_000, seq=203346, ack=192)
    talk.say(server, "FA", 5_000, seq=192, ack=203346)
    talk.say(client, "A", 50, seq=203347, ack=193)
    talk.say(server, "A", 15_000, seq=193, ack=203347)
    return talk.frames


@capture
def story_16_wrap_both_ways():
    """Both SYNs take number 2^32-1."""
    talk = Conversation(49155, client_isn=0xFFFFFFFF, server_isn=0xFFFFFFFF)
    talk.open()
    talk.talk()
    talk.close_4_way()
    return talk.frames


# What no real stack would do, or not on demand


@capture
def split_handshake():
    """The server answers the SYN with a SYN of its own."""
    talk = Conversation(49160)
    talk.say(talk.client, "S", 0)
    talk.say(talk.server, "S", 20_000)
    talk.say(talk.client, "SA", 50, seq=0)
    talk.say(talk.server, "A", 20_000)
    talk.talk()
    talk.close_4_way()
    return talk.frames


@capture
def split_handshake_ack_then_syn():
    """The server acknowledges the SYN and sends its own apart. Its ACK counts its SYN already: with
    the ISN in that ACK, Wireshark begins a new stream at the SYN."""
    talk = Conversation(49161)
    talk.say(talk.client, "S", 0)
    talk.server.next = 1
    talk.say(talk.server, "A", 20_000, ack=1)
    talk.say(talk.server, "S", 1_000, seq=0)
    talk.say(talk.client, "SA", 50, seq=0)
    talk.say(talk.server, "A", 20_000)
    talk.talk()
    talk.close_4_way()
    return talk.frames


@capture
def backscatter():
    """What a flooded server sends to addresses that it was lied to about: nobody here opened
    anything. The host answers the SYN/ACKs with RST, the RSTs with nothing."""
    syn_acks = Conversation(49162)
    syn_acks.client.next = 1
    for wait in (0, 1_000_000, 2_000_000):
        syn_acks.say(syn_acks.server, "SA", wait, seq=0)
        syn_acks.say(syn_acks.client, "R", 50, window=0)
    rsts = Conversation(49163, start=500_000)
    rsts.client.next = 1
    for wait in (0, 700_000):
        rsts.say(rsts.server, "RA", wait, window=0)
    return sorted(syn_acks.frames + rsts.frames)


@capture
def retransmission_timeout_rst():
    """Some stacks tell the peer when they give up. Linux does not."""
    talk = Conversation(49164)
    client = talk.client
    talk.open()
    talk.talk()
    first = client.next
    for wait in (100_000, 300_000, 600_000, 1_200_000, 2_400_000):
        talk.say(client, "PA", wait, b"are you there?\n", seq=first)
    talk.say(client, "RA", 4_800_000, window=0)
    return talk.frames


@capture
def data_after_own_fin():
    """The client sends new data beyond its FIN."""
    talk = Conversation(49165)
    talk.open()
    talk.talk()
    talk.say(talk.client, "FA", 1_000)
    talk.say(talk.server, "A", 20_000)
    talk.say(talk.client, "PA", 5_000, b"one thing more\n")
    talk.say(talk.server, "FA", 20_000, ack=talk.client.next - len(b"one thing more\n"))
    talk.say(talk.client, "A", 50)
    return talk.frames


@capture
def fin_misplaced():
    """A FIN with the number of a byte that was sent already; then a close."""
    talk = Conversation(49186)
    talk.open()
    talk.talk()
    talk.say(talk.client, "FA", 100_000, seq=talk.client.next - 5)
    talk.say(talk.server, "A", 20_000)
    talk.close_4_way()
    return talk.frames


@capture
def rst_loop():
    """Two stacks, or what stands between them, that answer each other: the client's program has gone, each ACK of
    the server's draws a RST, and each RST an ACK."""
    talk = Conversation(49187)
    talk.open()
    talk.talk()
    for _ in range(6):
        talk.say(talk.client, "R", 20_000)
        talk.say(talk.server, "A", 20_000)
    return talk.frames


@capture
def one_sided():
    """The way back was not captured: the client acknowledges what never passed."""
    talk = Conversation(49166)
    talk.open()
    talk.talk()
    talk.close_4_way()
    mac = bytes.fromhex(network.CLIENT_MAC.replace(":", ""))
    return [(time, frame) for time, frame in talk.frames if frame[6:12] == mac]


@capture
def rst_after_idle():
    """The server aborts two connections: one after 400 s in which only keep-alives passed, the other
    5 s after its last data. By hand, because nobody wants to wait for it."""
    idle, busy = Conversation(49167), Conversation(49168, start=1_000_000)
    for talk in (idle, busy):
        talk.open()
        talk.talk()
    for wait in (120_000_000, 120_000_000, 120_000_000):
        idle.say(idle.client, "A", wait, seq=idle.client.next - 1)
        idle.say(idle.server, "A", 20_000)
    idle.say(idle.server, "RA", 40_000_000, window=0)
    busy.now += 395_000_000
    busy.talk()
    busy.say(busy.server, "RA", 5_000_000, window=0)
    return sorted(idle.frames + busy.frames)


@capture
def idle_timer_on_the_way():
    """After 400 s without a word a firewall on the way has forgotten the connection, and answers the next
    request in the server's name: nearer than the server is, and so sooner. By hand, because nobody wants
    to wait for it."""
    talk = Conversation(49195)
    talk.open()
    talk.talk()
    talk.say(talk.client, "PA", 400_000_000, data=b"GET /again HTTP/1.1\r\n\r\n")
    talk.say(talk.server, "R", 2_000, window=0, ttl=252)
    return talk.frames


@capture
def port_reuse_after_two_minutes():
    """The second connection of the same 4-tuple begins long after TIME_WAIT has lapsed."""
    first = Conversation(49169)
    second = Conversation(49169, client_isn=900_000, server_isn=800_000, start=120_000_000)
    for talk in (first, second):
        talk.open()
        talk.talk()
        talk.close_4_way()
    return first.frames + second.frames


# Which connection a segment belongs to


def forged(talk, isn):
    """A conversation of the same 4-tuple, with another ISN of the client's."""
    return Conversation(talk.client.port, client_isn=isn, server_isn=700_000)


@capture
def forged_syn_challenged():
    """Somebody forges a SYN into an open connection; the server answers with a challenge ACK, and
    closes before the client says another word."""
    talk = Conversation(49170)
    talk.open()
    talk.talk()
    other = forged(talk, 30_000)
    other.now = talk.now + 1_000_000
    other.say(other.client, "S", 0)
    talk.now = other.now
    talk.say(talk.server, "A", 20_000)
    talk.say(talk.server, "FA", 1_000_000)
    talk.say(talk.client, "A", 50)
    talk.say(talk.client, "FA", 1_000_000)
    talk.say(talk.server, "A", 20_000)
    return sorted(talk.frames + other.frames)


@capture
def old_syn_moves_nothing():
    """The connection's own SYN comes twice more after all is over: delayed on the way."""
    talk = Conversation(49171)
    talk.open()
    talk.talk()
    talk.close_4_way()
    for wait in (10_000, 1_000_000):
        talk.say(talk.client, "S", wait, seq=0, window=64240)
    return talk.frames


@capture
def two_syn_acks_reset_and_again():
    """Two servers behind one address answer; the client resets the second, and sends its SYN again in
    the same instant."""
    first, second = Conversation(49172), Conversation(49172, server_isn=90_000)
    first.say(first.client, "S", 0, window=64240)
    first.say(first.server, "SA", 20_000)
    second.client.next, second.now = 1, first.now
    second.say(second.server, "SA", 1_000_000)
    second.say(second.client, "RA", 50)
    again = Conversation(49172, server_isn=400_000, start=second.now)
    again.open()
    again.talk()
    again.close_4_way()
    return first.frames + second.frames + again.frames


@capture
def syn_ack_after_rst():
    """After a RST, a SYN/ACK of a number that was not offered before moves nothing."""
    first, second = Conversation(49173), Conversation(49173, server_isn=90_000)
    first.say(first.client, "S", 0, window=64240)
    first.say(first.server, "SA", 20_000)
    first.say(first.client, "R", 50)
    second.client.next, second.now = 1, first.now
    second.say(second.server, "SA", 1_000_000)
    return first.frames + second.frames


@capture
def syn_given_up():
    """Some stacks take an unanswered SYN back by a RST. Linux does not."""
    talk = Conversation(49174)
    for wait in (0, 1_000_000, 2_000_000):
        talk.say(talk.client, "S", wait, seq=0, window=64240)
    talk.say(talk.client, "RA", 4_000_000, seq=0, ack=0, window=0)
    return talk.frames


@capture
def scan_without_ack():
    """A FIN, a NULL and a Xmas scan of closed ports, as nmap sends them: nothing is opened."""
    frames = []
    for number, flags in enumerate(("F", "", "FPU")):
        probe = Conversation(49175, server_port=81 + number, start=number * 1_000)
        probe.say(probe.client, flags, 0)
        probe.server.isn = 0
        probe.say(probe.server, "RA", 200, window=0)
        frames += probe.frames
    return frames


@capture
def same_ports_in_two_vlans():
    """The same addresses and ports at the same time in two VLANs: two connections."""
    frames = []
    for vlan, isn in ((10, 1_000), (20, 3_000_000_000)):
        talk = Conversation(49176, client_isn=isn, server_isn=isn + 500_000, start=vlan * 10)
        talk.open()
        talk.talk()
        if vlan == 10:
            talk.close_4_way()
        else:
            talk.say(talk.server, "RA", 200_000, window=0)
        tag = bytes.fromhex(f"8100{vlan:04x}")
        frames += [(time, frame[:12] + tag + frame[12:]) for time, frame in talk.frames]
    return sorted(frames)


# Writing them


def write(name):
    path = os.path.join(HERE, f"{name}.pcap")
    with PcapWriter(path, linktype=1) as file:
        file.write_header(None)
        for time, frame in CAPTURES[name]():
            seconds, micro = divmod(time, MICROSECONDS)
            file.write_packet(frame, sec=NEW_YEAR_2019 + seconds, usec=micro)
    print(f"{name}: {textwrap.shorten(network.ladder(path), 150)}")


def main():
    parser = argparse.ArgumentParser(description="Writes the captures of given numbers.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="without any: all")
    parser.add_argument("--list", action="store_true", help="print the names")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(CAPTURES))
        return
    if unknown := set(arguments.names) - set(CAPTURES):
        parser.error(f"no such capture: {', '.join(sorted(unknown))}")
    for name in arguments.names or CAPTURES:
        write(name)


if __name__ == "__main__":
    main()
