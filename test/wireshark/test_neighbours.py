# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcplife says does not change with what else is switched on in Wireshark."""

import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

import pcap
from wireshark import OURS, WHOLE, lay_out, version

NAMES = ["story-02-keep-alive-rst", "story-06-simultaneous-close", "story-17-https-tls-1-3", "ipv6", "injected-rst"]
SETTINGS = {
    "absolute sequence numbers": ["-o", "tcp.relative_sequence_numbers:FALSE"],
    "no sequence analysis": ["-o", "tcp.analyze_sequence_numbers:FALSE"],
    "no reassembly": ["-o", "tcp.desegment_tcp_streams:FALSE"],
    "out of order": ["-o", "tcp.reassemble_out_of_order:TRUE"],
    "no defragmentation": ["-o", "ip.defragment:FALSE"],
    "no time stamps": ["-o", "tcp.calculate_timestamps:FALSE"],
}
LUA = """
local flags = Field.new("tcp.flags")
local neighbour = Proto("neighbour", "Neighbour")
function neighbour.dissector(tvb, pinfo, tree)
    if flags() then tree:add(neighbour) end
end
register_postdissector(neighbour)
"""


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_settings_change_nothing(wireshark, name, setting):
    fields = ["frame.number", *OURS]
    assert wireshark.rows(name, fields, *SETTINGS[setting]) == wireshark.rows(name, fields)


@pytest.fixture(scope="module")
def crowded(wireshark):
    """tshark with all of Wireshark's own post-dissectors that there are as plugins, and one in Lua."""
    folder = wireshark.folder / "crowded"
    variable = ["pkg-config", "--variable=plugindir", "wireshark"]
    own = Path(subprocess.run(variable, capture_output=True, text=True, check=True).stdout.strip()) / "epan"
    shutil.copy(own / "transum.so", lay_out(folder, wireshark.build).parent)
    script = wireshark.write("neighbour.lua", LUA.encode())
    enable = ["--enable-protocol", "transum", "--enable-protocol", "communityid", "-X", f"lua_script:{script}"]

    def read(name, *arguments):
        return wireshark.read(name, *enable, *arguments, WIRESHARK_PLUGIN_DIR=str(folder))

    return read


@pytest.mark.parametrize("name", NAMES)
def test_other_post_dissectors_change_nothing(wireshark, crowded, name):
    asked = ["-T", "fields"]
    for field in ("frame.number", *OURS):
        asked += ["-e", field]
    assert crowded(name, *asked) == wireshark.read(name, *asked)
    assert crowded(name, "-q", "-z", "tcplife,json") == wireshark.read(name, "-q", "-z", "tcplife,json")


def test_they_are_there(crowded):
    """TRANSUM speaks only in two passes. (Community ID's field has another name from 4.6 on.)"""
    columns = ["transum.status", "neighbour", "communityid" if version() < (4, 6) else "communityid.hash"]
    asked = [it for column in columns for it in ("-e", column)]
    printed = crowded("story-02-keep-alive-rst", "-2", "-T", "fields", *asked)
    assert any(all(line.split("\t")) for line in printed.splitlines()), printed


# Follow Stream


@pytest.mark.parametrize("name", NAMES)
def test_following_a_stream_changes_nothing(wireshark, name):
    """It reads the whole capture again, or beside the statistics."""
    alone = wireshark.read(name, "-q", "-z", "tcplife,json")
    both = wireshark.read(name, "-q", "-z", "follow,tcp,raw,0", "-z", "tcplife,json")
    assert "Follow: tcp,raw" in both
    assert [line for line in both.splitlines() if line.startswith("{")] == alone.splitlines()
    with wireshark.sharkd() as sharkd:
        sharkd.load(name)
        before = [sharkd.frame(number) for number in (1, 2, 3)]
        assert sharkd.ask("follow", follow="TCP", filter="tcp.stream == 0")
        assert [sharkd.frame(number) for number in (1, 2, 3)] == before
        assert any(before)


# Decryption


def between(sender, receiver):
    """What one end of a TLS connection has to say is the other's to read."""
    data = sender.read()
    receiver.write(data)
    return data


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    """A TLS connection of which the secrets are known: its segments as (from the client?, data), and the secrets
    as a key log"""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate, log = folder / "key", folder / "certificate", folder / "log"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=x"],
        check=True, capture_output=True,
    )  # fmt: skip
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(certificate, key)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = str(log)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    from_client, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = {
        True: client.wrap_bio(to_client, from_client),
        False: server.wrap_bio(to_server, from_server, server_side=True),
    }
    wires = {True: (from_client, to_server), False: (from_server, to_client)}
    talk = []

    def act(is_client, action):
        try:
            action(ends[is_client])
        except ssl.SSLWantReadError:
            pass
        if data := between(*wires[is_client]):
            talk.append((is_client, data))

    for is_client in (True, False, True, False):
        act(is_client, lambda end: end.do_handshake())
    act(True, lambda end: end.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    act(False, lambda end: (end.read(), end.write(b"HTTP/1.1 204 No Content\r\n\r\n")))
    return talk, log.read_bytes()


def secrets_block(log):
    """A Decryption Secrets Block with a key log of TLS"""
    padded = log + bytes(-len(log) % 4)
    return pcap.block(10, struct.pack("<II", 0x544C534B, len(log)) + padded)


def https(talk):
    """The frames of a connection with these segments"""
    numbers = {True: 1000, False: 5000}
    segments = [(True, "S", b""), (False, "SA", b""), (True, "A", b""), *((*it[:1], "PA", it[1]) for it in talk)]
    segments += [(True, "FA", b""), (False, "FA", b""), (True, "A", b"")]
    for time, (is_client, flags, data) in enumerate(segments):
        ends = ("192.0.2.1", "192.0.2.2", 40000, 443) if is_client else ("192.0.2.2", "192.0.2.1", 443, 40000)
        seq, ack = numbers[is_client], 0 if flags == "S" else numbers[not is_client]
        tcp = TCP(sport=ends[2], dport=ends[3], flags=flags, seq=seq, ack=ack)
        yield time * 10_000, bytes(Ether() / IP(src=ends[0], dst=ends[1]) / tcp / data)
        numbers[is_client] += len(data) + ("S" in flags) + ("F" in flags)


@pytest.mark.parametrize("mode", [(), WHOLE], ids=["one pass", "whole"])
def test_decryption_changes_nothing(wireshark, secret, mode):
    talk, log = secret
    packets = b"".join(pcap.packet(0, *frame) for frame in https(talk))
    sealed = wireshark.write("sealed.pcapng", pcap.SECTION + pcap.interface() + packets)
    opened = wireshark.write("opened.pcapng", pcap.SECTION + secrets_block(log) + pcap.interface() + packets)
    assert wireshark.rows(sealed, ["http.host"], "-Y", "http") == []
    assert wireshark.rows(opened, ["http.host"], "-Y", "http.request") == [{"http.host": ["x"]}]
    rows = wireshark.rows(opened, ["frame.number", *OURS], *mode)
    assert rows == wireshark.rows(sealed, ["frame.number", *OURS], *mode)
    assert rows[-1]["tcplife.close"] == ["3-way"]
