# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile "TCP Lifecycle Batch": nothing above TCP is dissected, and the statistics say the same."""

import shutil
import subprocess

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN

import test_headers
from test_headers import MACS, fragments  # noqa: F401 (a fixture)
from wireshark import ALL_STATISTICS, TIMEOUT, TOP

NAME = "TCP Lifecycle Batch"
SOURCE = TOP / "plugin" / "profile-batch"
FILES = ["disabled_protos", "preferences"]
CARRY_IP = {"gtp"}  # over UDP too: these stay on


@pytest.fixture(scope="module")
def batch(wireshark):
    """tshark with the profile as a personal one."""
    home = wireshark.folder / "batch"
    shutil.copytree(SOURCE, home / "wireshark" / "profiles" / NAME, dirs_exist_ok=True)

    def read(capture, *arguments):
        return wireshark.read(capture, "-C", NAME, *arguments, XDG_CONFIG_HOME=str(home))

    return read


def test_it_is_installed(build, tmp_path):
    command = ["meson", "install", "-C", build, "--no-rebuild", "--destdir", tmp_path]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    (folder,) = tmp_path.rglob(f"profiles/{NAME}")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for name in FILES:
        assert (folder / name).read_bytes() == (SOURCE / name).read_bytes()


def test_the_answers_are_the_same(wireshark, batch, capture):
    assert batch(capture, *ALL_STATISTICS) == wireshark.statistics(capture)


def test_nothing_above_tcp_is_dissected(wireshark, batch):
    def protocols(read):
        printed = read("story-17-https-tls-1-2", "-T", "fields", "-e", "frame.protocols")
        return {line.split(":")[-1] for line in printed.splitlines()}

    assert protocols(lambda *arguments: wireshark.read(*arguments)) > {"tls"}
    assert protocols(batch) == {"tcp", "data"}


def test_every_protocol_that_tcp_can_carry_is_off(wireshark):
    """in this Wireshark; disabled_protos has those of the others beside them"""
    rows = [line.split("\t") for line in wireshark.tshark("-G", "decodes").splitlines()]
    over_tcp = {row[2] for row in rows if row[0] == "tcp.port"}
    rows = [line.split("\t") for line in wireshark.tshark("-G", "heuristic-decodes").splitlines()]
    over_tcp |= {row[1] for row in rows if row[0] == "tcp"}
    assert len(over_tcp) > 250
    assert sorted(over_tcp - CARRY_IP - set((SOURCE / "disabled_protos").read_text().split())) == []


def same(wireshark, batch, path):
    asked = ("-q", "-z", "tcplife,json")
    told = wireshark.read(path, *asked)
    assert told and batch(path, *asked) == told
    return told


def test_fragments_are_reassembled(wireshark, batch, fragments):  # noqa: F811
    assert '"tcplife.frame.fin_1":5' in same(wireshark, batch, fragments)


def test_tunnels_are_looked_into(wireshark, batch):
    outer = IP(src="203.0.113.1", dst="203.0.113.2") / UDP(sport=50000, dport=4789) / VXLAN(vni=7)
    packets = [outer / Ether(**MACS) / segment for segment in test_headers.handshake()]
    path = test_headers.capture(wireshark, "vxlan", packets)
    assert '"tcplife.open":"3-way"' in same(wireshark, batch, path)
