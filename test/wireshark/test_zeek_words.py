# SPDX-License-Identifier: GPL-2.0-or-later
"""Zeek's words in Wireshark: what the core has to be told of a frame and of the preferences. Its
rules themselves are in test_zeek.py."""

import pytest

import pcap
from wireshark import WHOLE, frames_of

FIELDS = ["tcplife.conn_state", "tcplife.history"]
CHECKED = ("-o", "tcp.check_checksum:TRUE")
CHECKSUM_AT = 14 + 20 + 16  # of the frame: Ethernet, IPv4, TCP


def last_words(wireshark, capture, *arguments):
    """What the last frame says"""
    row = wireshark.rows(capture, FIELDS, *arguments)[-1]
    return [row[field] for field in FIELDS]


def changed(wireshark, name, change):
    frames = frames_of(name)
    return wireshark.write(f"changed-{name}.pcap", pcap.write(change(frames)))


@pytest.fixture(scope="module")
def bad_checksum(wireshark):
    """The client's request, frame 4, does not have the checksum it should have."""

    def spoil(frames):
        time, data = frames[3]
        spoilt = data[:CHECKSUM_AT] + bytes([data[CHECKSUM_AT] ^ 0x55]) + data[CHECKSUM_AT + 1 :]
        return [*frames[:3], (time, spoilt), *frames[4:]]

    return changed(wireshark, "story-01-merged-close", spoil)


@pytest.mark.parametrize("arguments", [(), ("-2",), WHOLE], ids=["one pass", "-2", "look ahead"])
def test_bad_checksum_counts_where_it_is_validated(wireshark, bad_checksum, arguments):
    """The request is C then and no D, and the server's ACK of it passes a gap."""
    assert last_words(wireshark, bad_checksum, *arguments) == [["SF"], ["ShADadFf"]]
    assert last_words(wireshark, bad_checksum, *CHECKED, *arguments) == [["SF"], ["ShACaGdFf"]]


@pytest.mark.parametrize("arguments", [(), WHOLE], ids=["one pass", "look ahead"])
def test_likely_server_ports_tell_the_direction(wireshark, arguments):
    """The capture begins with the server's response."""
    capture = changed(wireshark, "story-01-merged-close", lambda frames: frames[5:])
    likely = ("-o", "tcplife.likely_server_ports:80")
    assert last_words(wireshark, capture, *arguments) == [["SF"], ["DafF"]]
    assert last_words(wireshark, capture, *likely, *arguments) == [["SF"], ["^dAFf"]]


def test_a_broadcast_tells_no_direction(wireshark):
    """Nothing is turned round because of a likely server's port where a broadcast address is spoken to."""

    def to_all(frames):
        client, everybody = bytes([192, 0, 2, 1]), bytes([255] * 4)
        return [(time, data[:14] + data[14:34].replace(client, everybody) + data[34:]) for time, data in frames[5:]]

    capture = changed(wireshark, "story-01-merged-close", to_all)
    for arguments in ((), WHOLE):
        assert last_words(wireshark, capture, "-o", "tcplife.likely_server_ports:80", *arguments) == [["SF"], ["DafF"]]


def test_data_that_was_not_captured_is_a_gap(wireshark):
    """Of the request and the response only 6 bytes are there: as Zeek has it neither arrives, and the ACK of each
    passes a gap."""
    path = wireshark.write("cut.pcap", pcap.write(frames_of("story-01-merged-close"), 60))
    for arguments in ((), WHOLE):
        assert last_words(wireshark, path, *CHECKED, *arguments) == [["SF"], ["ShADaGdgFf"]]
