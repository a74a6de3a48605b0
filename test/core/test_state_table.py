# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of moves against RFC 9293, figure 5, from a list of its own."""

import pytest

import conversation

STATES = (
    "CLOSED LISTEN SYN_SENT SYN_RECEIVED ESTABLISHED "
    "FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT"
).split()

# Figure 5, edge by edge: (state, what happens at this end, next state). A call of
# the program that sends a segment stands as that segment. Not here: passive OPEN,
# CLOSE in LISTEN and SYN_SENT, and 2 MSL, which no segment shows.
FIGURE_5 = {
    ("CLOSED", "sent SYN", "SYN_SENT"),
    ("LISTEN", "sent SYN", "SYN_SENT"),
    ("LISTEN", "sent SYN/ACK", "SYN_RECEIVED"),
    ("SYN_SENT", "sent SYN/ACK", "SYN_RECEIVED"),
    ("SYN_SENT", "sent ACK of SYN", "ESTABLISHED"),
    ("SYN_RECEIVED", "received ACK of SYN", "ESTABLISHED"),
    ("SYN_RECEIVED", "sent FIN", "FIN_WAIT_1"),
    ("ESTABLISHED", "sent FIN", "FIN_WAIT_1"),
    ("ESTABLISHED", "sent ACK of FIN", "CLOSE_WAIT"),
    ("FIN_WAIT_1", "received ACK of FIN", "FIN_WAIT_2"),
    ("FIN_WAIT_1", "sent ACK of FIN", "CLOSING"),
    ("FIN_WAIT_2", "sent ACK of FIN", "TIME_WAIT"),
    ("CLOSE_WAIT", "sent FIN", "LAST_ACK"),
    ("CLOSING", "received ACK of FIN", "TIME_WAIT"),
    ("LAST_ACK", "received ACK of FIN", "CLOSED"),
}

# What the figure leaves to the text (RFC 9293, 3.10.7) or to the proof rule. A RST
# returns a passive opener to LISTEN; of the connection that it ends nothing is left.
BESIDE_THE_FIGURE = {
    ("SYN_RECEIVED", "received SYN/ACK", "ESTABLISHED"): "figure 7, line 7: it acknowledges too",
    ("SYN_RECEIVED", "sent ACK of SYN", "ESTABLISHED"): "only a synchronized end sends it",
    ("SYN_RECEIVED", "sent ACK of FIN", "CLOSE_WAIT"): "3.10.7.4, eighth: FIN with the ACK",
}
RESET = {
    **{(state, "received RST", "CLOSED"): "3.10.7.3 and .4, second" for state in STATES[2:]},
    **{(state, "sent RST", "CLOSED"): "ABORT, 3.10.5, or no connection left, 3.10.7.1" for state in STATES[2:]},
    ("LISTEN", "sent RST", "CLOSED"): "a refusal: nobody was listening",
    ("LISTEN", "received RST", "CLOSED"): "of this attempt nothing is left; LISTEN was assumed",
}


EDGES = FIGURE_5 | set(BESIDE_THE_FIGURE) | set(RESET)


@pytest.fixture(name="table", scope="module")
def fixture_table():
    """Every cell: (state, direction and kind of segment) -> next state."""
    (rows,) = conversation.replay(["table"])
    return {(state, f"{direction} {kind}"): new for direction, kind, state, new in rows}


def moves(table):
    return {(state, what, new) for (state, what), new in table.items() if new != state}


def test_every_cell_is_there(table):
    kinds = ("SYN", "SYN/ACK", "ACK of SYN", "ACK of FIN", "FIN", "RST")
    whats = [f"{direction} {kind}" for direction in ("sent", "received") for kind in kinds]
    assert set(table) == {(state, what) for state in STATES for what in whats}
    assert set(table.values()) <= set(STATES)


def test_every_move_is_an_edge(table):
    assert moves(table) <= EDGES


def test_every_edge_is_a_move(table):
    assert EDGES <= moves(table)


def test_what_must_be_answered_moves_nobody_silently(table):
    """SYN and FIN always; a SYN/ACK in SYN_SENT (INTERFACE.md, the proof rule)."""
    for state in STATES:
        assert table[state, "received SYN"] == state
        assert table[state, "received FIN"] == state
    assert table["SYN_SENT", "received SYN/ACK"] == "SYN_SENT"


def test_closed_is_left_by_sending_a_syn_alone(table):
    assert {what for (state, what), new in table.items() if state == "CLOSED" != new} == {"sent SYN"}


def test_time_wait_is_left_by_a_rst_alone(table):
    assert {what for (state, what), _ in table.items() if table[state, what] != state == "TIME_WAIT"} == {
        "sent RST",
        "received RST",
    }


def test_a_rst_leaves_nothing(table):
    for state in STATES:
        assert table[state, "sent RST"] == table[state, "received RST"] == "CLOSED"


def test_once_synchronized_no_handshake_moves_anything(table):
    for state in STATES[4:]:
        for kind in ("SYN", "SYN/ACK", "ACK of SYN"):
            assert table[state, f"sent {kind}"] == table[state, f"received {kind}"] == state


def test_nothing_moves_twice(table):
    """A repeated segment finds its end where the first one left it."""
    assert not {(state, what) for (state, what), new in table.items() if table[new, what] != new}


def test_every_state_but_listen_is_reached(table):
    """LISTEN is assumed, never proven."""
    assert set(table.values()) - {"LISTEN"} == set(STATES) - {"LISTEN"}
    assert not any(new == "LISTEN" != state for (state, _), new in table.items())


# Ways from one state to another

SHOWN_BY_NOTHING = {("TIME_WAIT", "CLOSED"), ("CLOSED", "LISTEN")}  # the lapse of 2 MSL, a passive OPEN


@pytest.fixture(name="ways", scope="module")
def fixture_ways():
    """{(from, to): (whether that is an edge, the first state on the way)}"""
    (rows,) = conversation.replay(["ways"])
    return {(old, new): (is_edge, first) for old, new, is_edge, first in rows}


def test_edges_are_the_figures(ways):
    edges = {(old, new) for old, _, new in EDGES} | SHOWN_BY_NOTHING
    assert {pair for pair, (is_edge, _) in ways.items() if is_edge} == edges


def distances(goal):
    """How many moves each state is away from the goal, where no RST helps"""
    edges = {(old, new) for old, what, new in EDGES if "RST" not in what} | SHOWN_BY_NOTHING
    away = {goal: 0}
    while further := {old: away[new] + 1 for old, new in edges if new in away and old not in away}:
        away |= further
    return away


@pytest.mark.parametrize("goal", STATES)
def test_a_way_is_a_shortest_one(ways, goal):
    away = distances(goal)
    for state in set(STATES) - {goal}:
        _, first = ways[state, goal]
        if state in away:
            assert (away[first], ways[state, first][0]) == (away[state] - 1, True), state
        else:
            assert first == goal, state


@pytest.fixture(name="walked", scope="module")
def fixture_walked():
    """Every move that the conversations make and do not undo at once."""
    answers = conversation.answers_as_written(conversation.load().values())
    moved = [move for _, answer in answers for move in answer.get("transitions", [])]
    return {(move["from"], move["to"]) for move in moved if not move["undone"]}


def test_every_edge_is_walked_by_a_conversation(walked):
    assert {(old, new) for old, _, new in FIGURE_5 | set(RESET)} | {("TIME_WAIT", "CLOSED")} <= walked


def test_no_conversation_leaves_the_edges(walked):
    """Beside them TIME_WAIT lapses, and a SYN has LISTEN assumed."""
    assert walked <= {(old, new) for old, _, new in EDGES} | {("TIME_WAIT", "CLOSED"), ("CLOSED", "LISTEN")}
