# SPDX-License-Identifier: GPL-2.0-or-later
"""The same in every mode: one pass, two passes, sharkd with packets asked for in any order, and
whatever else is in the capture."""

import random
import re

import pytest

import pcap
from interface import EVENT, EXPERTS, FACT, NOW, full
from wireshark import CAPTURES, OURS, WHOLE, frames_of

HELD = ("client.held", "server.held")
SEED = 4


def watch(wireshark, capture, *arguments):
    """{frame: (stream, {field: values})} of all frames"""
    return {
        frame: (row["tcp.stream"], present({field: row[field] for field in OURS}))
        for frame, row in wireshark.everything(capture, *arguments).items()
    }


def present(values):
    """The fields of ours that are there. Of an expert info only the number counts."""
    return {
        field: len(value) if field.removeprefix("tcplife.") in EXPERTS else value
        for field, value in values.items()
        if value and field in OURS and field != "tcplife.start"  # which each writes in its own way
    }


def only(names, frames):
    """What is shown of some fields, by frame"""
    wanted = set(full(names))
    return {
        frame: {field: value for field, value in values.items() if field in wanted}
        for frame, (_, values) in frames.items()
    }


def by_connection(frames):
    """The values on each frame of each connection; an ICMP error is none"""
    connections = {}
    for _, values in frames.values():
        if "tcplife.phase" in values:
            connections.setdefault(values["tcplife.connection"][0], []).append(values)
    return connections


def test_two_passes_show_what_one_shows(wireshark, all_at_once):
    """Without look-ahead nothing of tcplife runs in the first pass of two."""
    one = watch(wireshark, all_at_once)
    assert any(values for _, values in one.values())
    assert watch(wireshark, all_at_once, "-2") == one


def test_look_ahead_changes_only_the_facts(wireshark, capture):
    same = [*NOW, *EVENT, *EXPERTS]
    one, whole = watch(wireshark, capture), watch(wireshark, capture, *WHOLE)
    assert only(same, whole) == only(same, one)


def test_facts_are_the_same_on_every_frame_of_a_connection(wireshark, capture):
    whole = watch(wireshark, capture, *WHOLE)
    for frames in by_connection(whole).values():
        facts = [{name: it.get(name) for name in full(FACT)} for it in frames]
        assert all(it == facts[0] for it in facts)


def test_last_stands_on_the_last_frame_of_each_connection(wireshark, capture):
    whole = watch(wireshark, capture, *WHOLE)
    for frames in by_connection(whole).values():
        marks = [it.get("tcplife.last") for it in frames]
        assert marks == [None] * (len(marks) - 1) + [["1"]]
    one = watch(wireshark, capture)
    assert not any("tcplife.last" in values for _, values in one.values())


def in_random_order(sharkd, capture, numbers):
    """What sharkd shows of each frame when they are asked for in random order, twice each."""
    order = [*numbers, *numbers]
    random.Random(f"{SEED} {capture}").shuffle(order)
    shown = {}
    for number in order:
        values = present(sharkd.frame(number))
        assert shown.setdefault(number, values) == values, f"frame {number} at its second sight"
    return shown


def test_sharkd_in_any_order_shows_the_same(wireshark, capture):
    whole = watch(wireshark, capture, *WHOLE)
    with wireshark.sharkd() as sharkd:
        sharkd.load(capture)
        shown = in_random_order(sharkd, capture, whole)
    assert shown == {frame: values for frame, (_, values) in whole.items()}


def test_sharkd_begins_anew_with_each_file(wireshark):
    """Nothing of one capture is left when the next is loaded."""
    names = ["story-02-keep-alive-rst", "still-open", "story-02-keep-alive-rst", "backscatter"]
    with wireshark.sharkd() as sharkd:
        for name in names:
            sharkd.load(name)
            whole = watch(wireshark, name, *WHOLE)
            shown = in_random_order(sharkd, name, whole)
            assert shown == {frame: values for frame, (_, values) in whole.items()}, name


def test_sharkd_without_look_ahead_shows_nothing(wireshark):
    with wireshark.sharkd() as sharkd:
        sharkd.ask("load", file=str(wireshark.path("still-open")))
        assert sharkd.frame(3) == {}


# All at once


def ends(frame):
    """The two ends of a TCP segment"""
    ip = frame[14:]
    if ip[0] >> 4 == 4:
        addresses, segment = (ip[12:16], ip[16:20]), ip[(ip[0] & 15) * 4 :]
    else:
        addresses, segment = (ip[8:24], ip[24:40]), ip[40:]
    return frozenset(zip(addresses, (segment[:2], segment[2:4]), strict=True))


@pytest.fixture(scope="module")
def together(wireshark):
    """What is shown when all captures run at the same time, but for those that use the ports of one
    before them; and, for each of its frames, the capture and the frame that it comes from."""
    frames, used = [], set()
    for name in CAPTURES:
        own = frames_of(name)
        mine = {ends(data) for _, data in own}
        if not mine & used:
            used |= mine
            frames += [(time - own[0][0], name, number, data)
                       for number, (time, data) in enumerate(own, 1)]  # fmt: skip
    frames.sort(key=lambda frame: frame[:3])
    path = wireshark.write("together.pcap", pcap.write([(time, data) for time, *_, data in frames]))
    return path, {number: frame[1:3] for number, frame in enumerate(frames, 1)}


def test_most_captures_go_together(together):
    _, origin = together
    assert len({name for name, _ in origin.values()}) > 0.9 * len(CAPTURES)


def without_what_is_counted_over_all(values):
    """Only these depend on other streams"""
    values = {field: value for field, value in values.items() if field not in OVER_ALL}
    events = [event for event in values.pop("tcplife.event", []) if event != "open.syn_flood"]
    return values | ({"tcplife.event": events} if events else {})


OTHER_FRAMES = full(["copy_of", "reuse.frame", "reset.answers"])
OVER_ALL = full(["concurrent", "half_open", "open.syn_flood"])


FRAMES = re.compile(r"(frames? )(\d+)(?:( and | to )(\d+))?")  # in a story
CONNECTION = re.compile(r"(?<=connection )\d+")


def test_connections_do_not_disturb_each_other(wireshark, together, capture):
    """In one pass everything that a connection shows is what it shows alone, but for the numbers of
    frames and connections, which are translated."""
    path, origin = together
    alone = watch(wireshark, capture)
    shown = {
        number: (frame, *of_frame)
        for frame, of_frame in watch(wireshark, path).items()
        for name, number in [origin[frame]]
        if name == capture
    }
    numbers = {
        values["tcplife.connection"][0]: alone[number][1]["tcplife.connection"]
        for number, (_, _, values) in shown.items()
        if values
    }

    def as_alone(frames):
        return "".join(str(origin[int(it)][1]) if it.isdigit() else it for it in frames.groups("") if it)

    def tell_alone(sentence):
        return CONNECTION.sub(lambda number: numbers[number[0]][0], FRAMES.sub(as_alone, sentence))

    for number, (frame, _, values) in shown.items():
        for field, value in values.items():
            if field == "tcplife.story":
                values[field] = [tell_alone(one) for one in value]
            elif field.startswith("tcplife.frame.") or field in OTHER_FRAMES:
                values[field] = [str(origin[int(value[0])][1])]
            elif field in ("tcplife.connection", "tcplife.reuse.connection"):
                values[field] = numbers[value[0]]
        wanted = without_what_is_counted_over_all(alone[number][1])
        assert without_what_is_counted_over_all(values) == wanted, f"frame {frame}, its own {number}"


def test_what_is_decided_does_not_depend_on_the_end_of_the_capture(wireshark, together):
    """The last frame of a connection has told it in one pass, however long the capture goes on."""
    path, _ = together
    decided = [["3-way"], ["4-way"], ["simultaneous"], ["RST after FIN"], ["abort"]]
    facts = full(name for name in FACT if name not in HELD)
    one, whole = (by_connection(watch(wireshark, path, *mode)) for mode in ((), WHOLE))
    compared = 0
    for number, frames in one.items():
        if frames[-1].get("tcplife.close") in decided:
            compared += 1
            for field in facts:
                assert whole[number][0].get(field) == frames[-1].get(field), f"{number} {field}"
    assert compared > 50
