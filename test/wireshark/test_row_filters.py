# SPDX-License-Identifier: GPL-2.0-or-later
"""-z tcplife,FORMAT,FILTER: a filter that a row can answer is judged on the row, so that one pass finds what
two passes with look-ahead find on the last frame of each connection."""

import pytest

from test_statistics import counts, filtered, in_columns, objects, tree_counts
from wireshark import WHOLE

ON_ROWS = [
    "tcplife.open.failed",
    '!tcplife.open.failed && tcplife.close == "still open"',
    'tcplife.open in {"unanswered", "half-open"}',
    'tcplife.close matches "^(3|4)-way$" && tcplife.client.bytes > 100',
    "tcplife.server.held > 1 && tcplife.server.state == \"CLOSE_WAIT\"",
    'tcplife.phase == "TIME_WAIT" && tcplife.closed_by == "client"',
    "tcplife.frame.rst && tcplife.connection < 100",
    "tcplife.open.time > 0.01 || tcplife.open.syns > 1",
    'tcplife.client.addr contains ":"',
    "tcplife.server.port == 80 && tcplife.reuse.gap < 60",
    "!tcplife.close",
    "tcplife.conn_state == \"S0\" or tcplife.half_close.bytes",
]  # fmt: skip
ON_FRAMES = ["tcp.flags.reset == 1", 'tcplife.phase == "FIN_WAIT_1"', "tcp.stream == 3", "tcplife.last"]
ON_BOTH = ["tcplife.open.failed && tcp", "tcplife.close && tcplife.event", 'tcplife.open == "3-way" || udp']


def connections_of(rows):
    return {int(number) for row in rows for number in row["tcplife.connection"]}


def last_frames(wireshark, path, condition):
    """The connections whose last frame passes a filter when all is known, but for ICMP errors, which are no
    frames of theirs and may change the states after that"""
    rows = wireshark.rows(path, ["tcp.stream", "tcplife.connection"], *WHOLE, "-Y", f"tcplife.last && ({condition})")
    return connections_of(row for row in rows if len(row["tcp.stream"]) == 1)


@pytest.mark.parametrize("condition", ON_ROWS)
def test_one_pass_finds_what_two_find(wireshark, all_at_once, condition):
    plain = last_frames(wireshark, all_at_once, "tcp")
    found = [row["tcplife.connection"] for row in objects(wireshark.read(all_at_once, "-q", "-z", f"tcplife,json,{condition}"))]
    assert found == sorted(set(found))
    assert 0 < len(found) < len(plain)
    assert {number for number in found if number in plain} == last_frames(wireshark, all_at_once, condition)


def test_all_formats_have_the_same_connections(wireshark, all_at_once):
    printed = filtered(wireshark, all_at_once, ON_ROWS[0])
    rows = objects(printed["json"])
    assert len(rows) > 5
    assert len(printed["csv"].splitlines()) - 1 == len(in_columns(printed["streams"])) - 1 == len(rows)
    assert tree_counts(printed["tree"]) == counts(rows)


def ask(wireshark, path, condition, *options):
    """The connections, and what is said beside them"""
    done = wireshark.run("tshark", "-r", path, "-q", *options, *(
        word for form in ("json", "json") for word in ("-z", f"tcplife,{form},{condition}")
    ))  # fmt: skip
    assert done.returncode == 0
    return {row["tcplife.connection"] for row in objects(done.stdout)}, done.stderr


@pytest.mark.parametrize("condition", ON_FRAMES + ON_BOTH)
def test_frames_are_judged_as_they_are_read(wireshark, all_at_once, condition):
    found, _ = ask(wireshark, all_at_once, condition)
    frames = wireshark.rows(all_at_once, ["tcp.stream", "tcplife.connection", "tcplife.phase"], "-Y", f"tcplife.phase && ({condition})")
    ours = connections_of(row for row in frames if len(row["tcp.stream"]) == 1)
    assert ours <= found
    assert not found or len(found - ours) < 5


@pytest.mark.parametrize("condition", ON_BOTH)
def test_who_asks_both_is_told_once_what_to_add(wireshark, all_at_once, condition):
    for options in ((), ("-2",)):
        found, said = ask(wireshark, all_at_once, condition, *options)
        assert said.count("-2 -o tcplife.look_ahead:TRUE") == len(said.splitlines()) == 1
        assert said.startswith("tshark: tcplife,json: ")
    whole, said = ask(wireshark, all_at_once, condition, *WHOLE)
    assert said == ""
    assert whole != found


@pytest.mark.parametrize("condition", ["", *ON_ROWS[:3], *ON_FRAMES])
def test_who_asks_one_is_told_nothing(wireshark, condition):
    _, said = ask(wireshark, wireshark.path("busy-server"), condition)
    assert said == ""


def test_a_filter_does_not_change_how_the_next_is_judged(wireshark, all_at_once):
    """Nor does a display filter"""
    conditions = [ON_ROWS[0], ON_FRAMES[0], ON_ROWS[1], ON_BOTH[0], ON_ROWS[2]]
    alone = [ask(wireshark, all_at_once, condition)[0] for condition in conditions]
    for options in ((), ("-Y", "tcplife.close && tcp.flags.fin == 1")):
        asked = [word for condition in reversed(conditions) for word in ("-z", f"tcplife,csv,{condition}")]
        printed = wireshark.run("tshark", "-q", "-r", all_at_once, *options, *asked).stdout
        parts = printed.split("tcp.stream,")[1:]
        assert [{int(row.split(",")[1]) for row in part.splitlines()[1:]} for part in parts] == alone


RST = "tcplife.reset."
OF_ROWS = {  # keys of a row that are no facts of the whole connection, beside one: what a row that passes has
    "tcplife.reset.ttl_delta < -2 && tcplife.open": lambda row: row.get(RST + "ttl_delta", 0) < -2,
    'tcplife.reset.evidence == "too early" && tcplife.open': lambda row: "too early" in row.get(RST + "evidence", "").split(", "),
    'tcplife.reset.evidence == "TTL" && tcplife.open': lambda row: "TTL" in row.get(RST + "evidence", "").split(", "),
    'tcplife.reset.answers_kind == "data" && tcplife.close': lambda row: row.get(RST + "answers_kind") == "data" and "tcplife.close" in row,
    "tcplife.reset.answers > 100 && tcplife.open": lambda row: row.get(RST + "answers", 0) > 100,
    "tcplife.reset.idle > 5 && tcplife.open": lambda row: row.get(RST + "idle", 0) > 5,
    "tcplife.role.guessed && tcplife.open": lambda row: "tcplife.role.guessed" in row and "tcplife.open" in row,
    'tcplife.story contains "load balancer"': lambda row: "load balancer" in row["tcplife.story"],
}  # fmt: skip


def test_any_key_of_a_row_is_judged_on_the_row(wireshark, all_at_once):
    rows = wireshark.json(all_at_once)
    asked = [word for condition in reversed(OF_ROWS) for word in ("-z", f"tcplife,csv,{condition}")]
    parts = wireshark.read(all_at_once, "-q", *asked).split("tcp.stream,")[1:]
    for (condition, passes), part in zip(OF_ROWS.items(), parts, strict=True):
        found = [int(line.split(",")[1]) for line in part.splitlines()[1:]]
        wanted = [row["tcplife.connection"] for row in rows if passes(row)]
        assert found == wanted and 0 < len(found) < len(rows), condition
