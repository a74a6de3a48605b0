# SPDX-License-Identifier: GPL-2.0-or-later
"""All captures at the same time: each connection's row is what it is alone."""

import collections
import json

import pytest

from wireshark import CAPTURES

pytestmark = pytest.mark.xdist_group("all captures")

NUMBERED_ANEW = ("tcp.stream", "tcplife.connection", "tcplife.reuse.connection", "tcplife.start", "tcplife.story")


def plain(row):
    """What does not depend on what else is in the capture"""
    return {
        name: value
        for name, value in row.items()
        if name not in NUMBERED_ANEW and ".frame" not in name and not name.endswith((".answers", ".addr"))
    }


def counted(rows):
    return collections.Counter(json.dumps(plain(row), sort_keys=True) for row in rows)


def test_each_connection_is_what_it_is_alone(wireshark, all_at_once):
    alone = sum((counted(wireshark.json(name)) for name in CAPTURES), collections.Counter())
    together = counted(wireshark.json(all_at_once))
    assert together - alone == alone - together == collections.Counter()
