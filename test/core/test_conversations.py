# SPDX-License-Identifier: GPL-2.0-or-later
"""The core against conversations/*.conv; the notation is explained in conversation.py."""

import json
import re

import pytest

import conversation
import interface

CONVERSATIONS = conversation.load()

# Every value that INTERFACE.md, sections 1 to 3, lets the core give. (Floods are of
# all connections together, so they are not the core's.)
STATES = (
    "CLOSED LISTEN SYN_SENT SYN_RECEIVED ESTABLISHED "
    "FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT"
).split()
VALUES = {
    "client": set(STATES) - {"LISTEN"} | {"-"},
    "server": set(STATES) | {"-"},
    "phase": set(STATES) - {"LISTEN", "CLOSE_WAIT"},
    "step": {
        "SYN", "SYN/ACK", "ACK of SYN/ACK", "1st FIN", "2nd FIN", "ACK of 1st FIN", "ACK of 2nd FIN", "RST",
    },
    "verdict": {"accepted", "challenged", "ignored", "unknown"},
    "open": {
        "3-way", "simultaneous", "fast open", "split", "midstream", "refused", "unanswered", "half-open",
        "overflow", "answered by ACK", "rejected by ICMP", "reset by opener", "orphan",
    },
    "close": {
        "4-way", "3-way", "simultaneous", "RST after FIN", "abort", "FIN unacknowledged", "silent",
        "half-closed", "still open", "replaced",
    },
    "closed_by": {"client", "server", "both"},
    "reset.cause": {
        "forgotten", "refused", "answered by ACK", "reset by opener", "TIME_WAIT", "keep-alive timeout", "keep-alive",
        "retransmission timeout", "data after close", "after own FIN", "abort", "late", "no connection", "zero window",
    },
    "form": {"answer", "own"},
    "answered": {"SYN", "SYN/ACK", "data", "FIN", "keep-alive", "ACK", "RST"},
    "evidence": {"TTL", "too early", "sender went on"},
    "event": set(interface.EXPERTS) - {"open.syn_flood"},
}


@pytest.fixture(name="problems", scope="module")
def fixture_problems(request):
    """Of each conversation that is asked for: one process plays them all."""
    asked = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    return conversation.play_all({name: lines for name, lines in CONVERSATIONS.items() if name in asked})


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name, problems):
    problems = problems[name]
    if problems:
        pytest.fail("\n  ".join(problems), pytrace=False)


# Whole connections, opened and closed.
WHOLE = [
    "close:4-way, client first",
    "close:4-way, server first",
    "close:3-way, client first",
    "close:3-way, server first",
    "close:half-closed, the server goes on sending",
    "close:FIN with the last data",
    "kernel:tfo",
]
SIMULTANEOUS = [
    "close:simultaneous, both FINs acknowledged after they crossed",
    "kernel:simultaneous_open",
]


def segments(name):
    """The commands of a conversation that are segments."""
    commands, _ = conversation.script(CONVERSATIONS[name], conversation.AS_WRITTEN)
    return [command for command in commands if command.startswith("segment")]


def states(commands):
    """Phase and states after each segment."""
    answers = conversation.replay(["capture 30000000000"] + commands)
    return [(answer["phase"], answer["client"], answer["server"]) for answer in answers]


@pytest.mark.parametrize("name", WHOLE + SIMULTANEOUS)
def test_duplicates_move_nothing(name):
    """Each segment passes twice, as where a capture sees two links."""
    once = segments(name)
    assert states([s for s in once for _ in "12"]) == [s for s in states(once) for _ in "12"]


@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_segment_is_proven_by_later_ones(name):
    """The capture lacks one segment that is no FIN, not the last one and not the first."""
    whole = segments(name)
    for missing in range(1, len(whole) - 1):
        if not int(whole[missing].split()[3]) & conversation.FLAGS["F"]:
            assert states(whole[:missing] + whole[missing + 1 :])[-1] == states(whole)[-1], whole[missing]


@pytest.mark.parametrize("name", WHOLE)
def test_swapped_segments_lead_to_the_same_phase(name):
    """The capture has two segments in the wrong order, close together in time."""
    whole = segments(name)
    for i in range(len(whole) - 1):
        swapped = whole[:i] + [whole[i + 1], whole[i]] + whole[i + 2 :]
        assert states(swapped)[-1][0] == states(whole)[-1][0], (whole[i], whole[i + 1])


OF_COPIES = ("frame", "duration", "copies", "copy_of")  # what they change: each is a frame, and may be the last


def identified(commands):
    """Each packet with an identification and a checksum, so that copies can be told (INTERFACE.md, Copies)."""
    for number, command in enumerate(commands):
        yield " ".join([*command.split()[:-2], str(number), str(number)]) if command.startswith("segment") else command


def with_copies(commands, together):
    """Each packet twice, as many together before their copies as pass within 9 ms; and the indices of the copies."""
    played, copies, originals = [], set(), []
    for command, following in zip(commands, [*commands[1:], ""]):
        played.append(command)
        if not command.startswith("segment"):
            continue
        originals.append(command.split())
        first, now = int(originals[0][1]), originals[-1][1]
        then = int(following.split()[1]) if following.startswith("segment") else -1
        if len(originals) < together and 0 <= then - first < 9_000_000:
            continue
        copies.update(range(len(played), len(played) + len(originals)))
        played += [" ".join(["segment", now, *segment[2:]]) for segment in originals]
        originals = []
    return played, copies


def without_frames(answer, original):
    """The answer with the numbers that its frames have without the copies."""
    told = {key: value for key, value in answer.items() if key not in OF_COPIES}
    return {
        key: original[value] if key.startswith("frame.") or key.endswith("answers") else value
        for key, value in told.items()
    }


def plain_conversations():
    """The commands of every conversation that has no copies of its own, by name."""
    for name, lines in CONVERSATIONS.items():
        if not any(re.search(" (id|sum|icmp) |^-", line) for line in lines):
            yield name, list(identified(conversation.script(lines, conversation.AS_WRITTEN)[0]))


@pytest.mark.parametrize("together", [1, 2, 3])
def test_copies_change_nothing(together):
    once = dict(plain_conversations())
    twice = {name: with_copies(commands, together) for name, commands in once.items()}
    want = iter(conversation.replay([command for commands in once.values() for command in commands]))
    got = iter(conversation.replay([command for commands, _ in twice.values() for command in commands]))
    for name, (commands, copies) in twice.items():
        answers = {i: next(got) for i in range(1, len(commands))}
        assert all("copy_of" in answers[i] for i in copies), name
        frames = [i for i, command in enumerate(commands) if command.startswith("segment")]
        original = {n: sum(i not in copies for i in frames[:n]) for n in range(1, len(frames) + 1)}
        unchanged = {n: n for n in original}
        for i in sorted(answers.keys() - copies):
            assert without_frames(answers[i], original) == without_frames(next(want), unchanged), (name, commands[i])


# After this handshake the two ends are alike: who does what may be exchanged.
EVEN = ["+0 > S 1000", "+.010 < S. 5000 ack 1001", "+.010 > . 1001 ack 5001"]
OPENED = [line.split(" ;")[0] for line in CONVERSATIONS["common:opened"]]
OTHER = {"client": "server", "server": "client"}
OF_OPENING = ("open.time", "open.server_time", "open.client_time", "client.packets", "server.packets")


def after_even_handshake():
    """What comes behind common:opened, where no other opening does; by name."""
    for name, lines in CONVERSATIONS.items():
        behind = [line.split(" ;")[0] for line in lines[len(OPENED) :]]
        behind = [line for line in behind if re.match(r"[+\d. ]*[?=<>] ", line)]
        if [line.split(" ;")[0] for line in lines[: len(OPENED)]] == OPENED and not re.search(
            "[<>] S|[<>] R. 0 |icmp|ports|client <", " ".join(lines[len(OPENED) :])
        ):
            yield name, behind


def of_other_end(line):
    """The segment, sent by the other end: 4000 lies between their numbers."""
    segment = conversation.SEGMENT.fullmatch(line)
    if not segment:
        return line
    is_client = segment["end"] == ">"

    def moved(text, up):
        return re.sub(r"\d+", lambda n: str((int(n[0]) + (4000 if up else -4000)) % 2**32), text)

    words = line.split()
    words[1], words[3] = "<" if is_client else ">", moved(words[3], is_client)
    for key in {"ack", "sack"} & set(words):
        at = words.index(key) + 1
        words[at] = moved(words[at], not is_client)
    return " ".join(words)


def roles_exchanged(answer):
    """The answer with `client` and `server` exchanged, in keys and in values."""
    exchanged = json.loads(re.sub("client|server", lambda role: OTHER[role[0]], json.dumps(answer)))
    return plain(exchanged)


def plain(answer):
    """Without what the handshake alone makes different, and the ends in one order."""
    answer = {key: value for key, value in answer.items() if key not in OF_OPENING}
    if answer.get("answers", len(EVEN)) <= len(EVEN):
        for key in ("answers", "answered"):
            answer.pop(key, None)
    if answer.get("reset.answers", len(EVEN)) <= len(EVEN):
        for key in ("reset.answers", "reset.answers_kind"):
            answer.pop(key, None)
    if "transitions" in answer:
        answer["transitions"] = sorted(answer["transitions"], key=lambda move: move["role"])
    return answer


def test_either_end_is_judged_alike():
    found = dict(after_even_handshake())
    assert len(found) > 400
    for name, lines in found.items():
        as_written, asked = conversation.script(EVEN + lines, conversation.AS_WRITTEN)
        exchanged, _ = conversation.script(EVEN + [of_other_end(line) for line in lines], conversation.AS_WRITTEN)
        answers = zip(asked, conversation.replay(as_written), conversation.replay(exchanged))
        for line, one, other in list(answers)[len(EVEN) :]:
            assert roles_exchanged(one) == plain(other), (name, line)


def test_more_than_4_gigabytes():
    """The numbers wrap on the way; the bytes do not."""
    mebibyte = 1 << 20
    commands = [
        f"segment {number * 1000} 0 16 {number * mebibyte % 2**32} 5001 {mebibyte} 1073741824 0 0"
        for number in range(5000)
    ]
    facts = conversation.replay(["capture 30000000000"] + commands + ["facts 1 5000000 0"])[-1]
    assert facts["client.bytes"] == 5000 * mebibyte


def test_a_burst_twice():
    """Without identifications, a hundred segments of one end pass, and then the copies of them."""
    ms = 1_000_000

    def segment(time, number):
        return f"segment {time} 0 16 {1001 + number} 5001 1 1000 0 0 -1 -1 {number}"

    first = [segment(ms + number, number) for number in range(100)]
    again = [segment(ms + 500_000 + number, number) for number in range(100)]
    answers = conversation.replay(["capture 30000000000"] + first + again)
    assert [answer.get("copy_of") for answer in answers] == [None] * 100 + list(range(1, 101))


@pytest.fixture(name="census", scope="module")
def fixture_census():
    return conversation.census(CONVERSATIONS.values())


@pytest.mark.parametrize("kind", VALUES)
def test_every_value_occurs_and_no_other(kind, census):
    assert census[kind] == VALUES[kind]


def test_the_verdict_says_what_the_other_facts_say():
    answers = [answer for _, answer in conversation.answers_as_written(CONVERSATIONS.values()) if "duration" in answer]
    told = [answer for answer in answers if answer.get("close") not in ("silent", "FIN unacknowledged")]
    assert len(told) > 300
    for answer in told:
        assert answer.get("verdict") == interface.verdict(answer), answer


def test_counts_end_at_65535():
    """Of SYNs, SYN/ACKs and keep-alives that nobody answers, and of ACKs in vain; none begins anew at 0."""
    many = 65537
    capture = ["capture 30000000000"]
    syn, syn_ack = "0 2 1000 0 0 64240 0 0", "1 18 5000 1001 0 64240 0 0"
    syns = [f"segment {n * 10**9} {syn}" for n in range(many)]
    syn_acks = [f"segment 0 {syn}"] + [f"segment {n * 10**9} {syn_ack}" for n in range(many)]
    for commands, key in ((syns, "open.syn_retransmitted"), (syn_acks, "open.syn_ack_retransmitted")):
        last = conversation.replay(capture + commands)[-1]
        assert [(event["name"], event["number"]) for event in last["events"]] == [(key, 65535)]
    assert conversation.replay(capture + syns + ["facts 0 0 0"])[-1]["open.syns"] == 65535

    ack = "16 1001 5001 0 64240 0 0"
    opened = [f"segment 0 {syn}", f"segment 0 {syn_ack}", f"segment 0 0 {ack}"]
    probes = [f"segment {n * 10**10} 0 16 1000 5001 0 64240 0 0" for n in range(1, many)]
    answers = conversation.replay(capture + opened + probes + [f"segment {many * 10**10} 0 20 1001 5001 0 0 0 0", "facts 0 0 0"])
    assert answers[-1]["reset.cause"] == "keep-alive timeout" and answers[-1]["keepalive.count"] == many - 1

    tries = [f"segment {n * 10**9} {segment}" for n in range(many + 3) for segment in (syn_ack, f"0 {ack}")]
    answers = conversation.replayed(capture + syn_acks[:1] + tries + ["facts 1 0 0"])
    assert answers.count('"open.queue_overflow"') == 1 and '"open": "overflow"' in answers

    data = [f"segment {n * 10**9} 0 16 1001 5001 100 64240 0 0" for n in range(1, many + 1)]
    answers = conversation.replay(capture + opened + data + [f"facts 1 {many * 10**9} 0"])
    assert answers[-1]["close"] == "silent" and answers[-1]["silence.repeats"] == 65535


def test_one_sided_however_often():
    """Of bytes that never passed one end acknowledges 256 different numbers."""
    acks = [f"+.1 > . 1001 ack {5001 + n}" for n in range(1, 257)]
    lines = [*CONVERSATIONS["common:opened"], *acks, "? one_sided, server.missing 256"]
    assert conversation.play(lines) == []


def test_fins_before_a_lost_ack_however_often():
    """A FIN is sent again 256 times before the ACK that is lost, and once behind it; 255 are remembered."""
    fin = "+1 > F. 1101 ack 5301"
    lines = [*CONVERSATIONS["common:exchange"], *[fin] * 257, "+.010 < . 5301 ack 1102", fin, "+10 = silence.repeats 255"]
    assert conversation.play(lines) == []


def test_kept_waiting_however_often():
    """A closed window is asked for 256 times."""
    asks = ["+1 > . 1101:1102 ack 5301"] * 256
    lines = [*CONVERSATIONS["common:exchange"], "+1 < . 5301 ack 1101 win 0", *asks, "+1 > R. 1102 ack 5301", "? reset.cause zero window"]
    assert conversation.play(lines) == []


@pytest.mark.parametrize("between, copy_of", [(16383, 7), (16384, 0)])
def test_a_copy_is_looked_for_among_the_last_16384(between, copy_of):
    """All within 10 ms. (A bare ACK without an identification is no copy.)"""
    packet = "> P. 1101:1201 ack 5301 id 9 sum 1"
    lines = [*CONVERSATIONS["common:exchange"], f"+.1 {packet}"]
    lines += ["+.0000001 < . 5301 ack 1101 sum 2"] * between + [f"+.0000001 {packet}"]
    commands, _ = conversation.script(lines, conversation.AS_WRITTEN)
    assert conversation.replay(commands)[-1].get("copy_of", 0) == copy_of
