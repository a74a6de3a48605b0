# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's events are put on the wall clock as it was when they happened, not as it is when they are read."""

import pytest

from kernel import Census, Clocks, Event, Sample
from play import was_stepped

STARTED = 1000.0  # the wall clock's lead at first
PAIR = 20001, 20002


def clocks_of(*leads):
    """Both clocks read each second, from second 0 on; each reading takes 20 µs."""
    clocks = Clocks()
    for second, lead in enumerate(leads):
        clocks.note(second - 1e-5, second + lead, second + 1e-5)
    return clocks


@pytest.mark.parametrize("step", [5.0, -5.0, 0.01])
def test_a_clock_that_is_set_stamps_what_comes_after_it(step):
    clocks = clocks_of(STARTED, STARTED, STARTED + step, STARTED + step)
    assert clocks.wall(0.5) == pytest.approx(STARTED + 0.5)
    assert clocks.wall(2.5) == pytest.approx(STARTED + step + 2.5)
    assert clocks.wall(-1) == pytest.approx(STARTED - 1)  # before it was read at all


def test_when_a_clock_was_set_is_known_between_two_readings():
    clocks = clocks_of(STARTED, STARTED, STARTED + 5, STARTED + 5)
    spans = {(0, 0.9): False, (0, 1.1): True, (1.2, 1.8): True, (1.9, 3): True, (2.1, 3): False}
    assert {span: clocks.stepped(*span) for span in spans} == spans


def test_a_reading_that_is_a_little_late_is_no_step():
    assert not clocks_of(STARTED, STARTED + 0.0004, STARTED - 0.0003).stepped(0, 2)


@pytest.mark.parametrize("times, expected", [((0.2, 0.8), False), ((0.2, 2.5), True), ((2.1, 2.8), False)])
@pytest.mark.parametrize("told_by", ["events", "samples"])
def test_only_what_was_there_meanwhile_is_in_doubt(times, expected, told_by):
    census = Census({})
    census.clocks = clocks_of(STARTED, STARTED, STARTED + 5, STARTED + 5)
    events = [Event(0, "", *PAIR, "CLOSED", "SYN_SENT", time) for time in times]
    samples = [Sample(0, 0, {("server", *PAIR[::-1]): "TIME_WAIT"}, time) for time in times]
    others = [Event(0, "", 1, 2, "CLOSED", "SYN_SENT", 1.5)]
    if told_by == "samples":
        census.samples, events = samples, []
    assert was_stepped(PAIR, events + others, census) == expected


def test_both_clocks_are_read():
    """What is read is so near together that what happens meanwhile in a busy machine is no step."""
    clocks = Clocks()
    for _ in range(20):
        clocks.read()
    assert not clocks.stepped(float("-inf"), float("inf"))
