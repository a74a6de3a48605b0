# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the core against another TCP, with the rules by which test/lab holds tcplife against the Linux
kernel, and these, that hold for any:

closed_before       The end was closed, by itself or a RST, when the ACK of its SYN or FIN came, and the ACK
                    passes the point before anything tells of that.
closed_already      The RST that closes the end passes the point before the FIN that it had sent already. Behind
                    the peer's FIN it was in CLOSING then, and passed the point for one in CLOSE_WAIT.
fin_repeated        The peer's FIN passes twice before it is acknowledged. INTERFACE.md then takes the end for
                    one in FIN_WAIT_2; but the ACK was on its way before the second came.
fin_lost            A RST whose number is behind its sender's FIN passes, which proves that the FIN was taken
                    (INTERFACE.md); but the FIN, or data before it, was lost behind the point.
fin_behind_a_hole   The peer's FIN passes in order, and the ACK of its own too; but something of the peer's was lost
                    or late behind the point, so that the end took the ACK first: FIN_WAIT_2 or CLOSING.
answered_again      A segment that the wire repeats or holds back behind the point draws another ACK, with a number
                    behind a FIN that has not passed: as if that had gone before the peer's FIN came.
fin_overtaken       Its FIN, held back, passes after its RST.
syn_again           A SYN that a RST had ended comes again: the wire has repeated it, or lost the RST. INTERFACE.md
                    takes it for another try.
not_taken           A RST that looks right at the point comes ahead of a hole, or too late, and the challenge ACK
                    or whatever else tells that is lost before the point.
only_resets         Nothing but RSTs passes: nobody knows what connection they are of.
forged              The apparent sender of a forged RST sends nothing past the point afterwards.

Each judge's own file has those for the habits of its TCP.
"""

from dataclasses import replace
from itertools import chain

import core
import score
from knowable import ACK, ENDS, FIN, RST, SYN
from knowable import end_of as end_of_frame
from observer import other
from stack import SECOND, as_case, end_of
from truth import after

LONGEST_WAY = 0.2  # from an end to any point
POINTS = ("client", "middle", "server")


def judge(connections, lives_of, rules):
    """The verdicts on both ends of each connection at each point."""
    captures = [(connection, point) for connection in connections for point in POINTS]
    followed = core.follow([frames_at(connection, point) for connection, point in captures])
    cases = [case for connection in connections for case in [as_case(connection, lives_of)] * len(POINTS)]
    for case, (_, point), streams in zip(cases, captures, followed):
        for verdict in score.judge(case, point, streams, rules=rules):
            yield with_habits(verdict)


def with_habits(verdict):
    """Where a stack's word had to be translated, what is equal is so to the translation."""
    habits = sorted({habit for life in verdict.case["lives"][verdict.end] for habit in life["habits"]})
    if verdict.score == score.EQUAL and habits:
        return replace(verdict, score=score.UNKNOWABLE, reason="; ".join(habits))
    return verdict


# What passes a point


def frames_at(connection, point):
    scales = scales_of(connection)
    frames = []
    for segment in connection["segments"]:
        window = segment["window"] << (0 if segment["flags"] & SYN else scales[segment["from"]])
        for time in times_at(segment, point):
            frames.append(core.Frame(time / SECOND, 0, segment["from"], segment["flags"], segment["seq"],
                                     segment["ack"], segment["length"], window))  # fmt: skip
    return sorted(frames, key=lambda frame: frame.time)


def times_at(segment, point):
    if point == "middle":
        return segment["middle"]
    if point == segment["from"]:
        return [segment["sent"]] if segment["sent"] else []
    return segment["arrived"]


def scales_of(connection):
    """Both ends have to offer one. An end offers the same each time."""
    offered = {end: [s["scale"] for s in connection["segments"] if s["flags"] & SYN and s["from"] == end]
               for end in ENDS}  # fmt: skip
    both = all(offered.values()) and min(chain(*offered.values())) >= 0
    return {end: offered[end][0] if both else 0 for end in ENDS}


# The rules: see the lab's score.py


def closed_before(case, point, end, target, ours, parts):
    if not score.is_more_by_one(ours, target, ["ESTABLISHED", "FIN_WAIT_2"]):
        return None
    peers = [s for s in case["segments"] if s["from"] != end and s["flags"] & (ACK | RST) == ACK]
    for number in case["numbers"][other(end)]:
        acks = [s for s in peers if not after(number, s["ack"])]
        arrived = min((time / SECOND for s in acks for time in s["arrived"]), default=float("inf"))
        passed = min((time / SECOND for s in acks for time in times_at(s, point)), default=float("inf"))
        for closed in closings(case, end):
            teller = other(end) if closed["how"] == "received" else end
            told = min((f.time for part in parts for f in part.frames if f.sender == teller and f.flags & RST
                        and f.time > closed["time"] - LONGEST_WAY), default=float("inf"))  # fmt: skip
            if arrived > closed["time"] and passed < told:
                return "it was closed when the ACK came, that passes here before that can be seen"
    return None


def closings(case, end):
    return [step for life in case["lives"][end] for step in life["steps"] if step["state"] == "CLOSED"]


def closed_already(case, point, end, target, ours, parts):
    if not any(is_less_by_one(ours, target, states) for states in (["FIN_WAIT_1"], ["LAST_ACK"])) and not (
        target[-3:] == ["FIN_WAIT_1", "CLOSING", "CLOSED"] and ours == [*target[:-3], "CLOSE_WAIT", "CLOSED"]
    ):
        return None
    for part in parts:
        fins = [f.time for f in part.fins_of(end)]
        resets = [f.time for f in part.frames if f.sender != end and f.flags & RST]
        if fins and resets and min(resets) < min(fins):
            return "its FIN was on its way when the RST passed that closed it"
    return None


def is_less_by_one(ours, target, states):
    return score.is_more_by_one(target, ours, states)


def acks_fin_of(case, segment, end):
    fins = [end_of(s) for s in case["segments"] if s["from"] == end and s["flags"] & FIN]
    is_ack = segment["from"] != end and segment["flags"] & ACK
    return bool(is_ack and fins) and not after(fins[0], segment["ack"])


def fin_repeated(case, point, end, target, ours, parts):
    crossed = ["FIN_WAIT_1", "CLOSING"]
    at = next((i for i in range(len(target)) if target[i : i + 2] == crossed), None)
    if at is None or ours not in ([*target[: at + 1], "FIN_WAIT_2", *target[at + 2 :]],
                                  [*target[: at + 1], *target[at + 2 :]]):  # fmt: skip
        return None
    fins = [s for s in case["segments"] if s["from"] != end and s["flags"] & FIN]
    passed = sorted(time for s in fins for time in times_at(s, point))
    arrived = sorted(time for s in fins for time in s["arrived"])
    acks = [s for s in case["segments"] if acks_fin_of(case, s, other(end))]
    shown = min((time for s in acks for time in times_at(s, point)), default=0)
    if len(passed) > 1 and passed[1] < shown and (len(arrived) < 2 or min(s["sent"] for s in acks) < arrived[1]):
        return "the peer's FIN passes twice before the ACK, that was sent before the second came"
    return None


def has_data_or_fin(loss):
    return loss["length"] or loss["flags"] & FIN


def hidden_by_chance(case, point, end, condition, what=("lost", "held")):
    """Whether that befell a segment towards the end, for which the condition holds, behind the point."""
    return any(
        loss["what"] in what and loss["from"] != end and loss["link"] in score.LINKS_TO[point, end]
        and condition(loss) for loss in case["losses"]
    )  # fmt: skip


def fin_lost(case, point, end, target, ours, parts):
    taken = [f for part in parts for f in part.frames if f.sender != end and f.flags & RST
             and any(f.seq == end_of_frame(fin) for fin in part.fins_of(other(end)))]  # fmt: skip
    if not taken:
        return None
    both = [[*target, through, "CLOSED"] for through in ("CLOSE_WAIT", "CLOSING")]
    if ours in both and hidden_by_chance(case, point, end, lambda loss: loss["flags"] & RST):
        return f"the RST that shows that the FIN was taken was lost behind the {point}"
    if not hidden_by_chance(case, point, end, has_data_or_fin):
        return None
    fin_follows = any(f.time > taken[0].time for part in parts for f in part.fins_of(end))
    if ours in both or score.is_more_by_one(ours, target, ["CLOSE_WAIT", "CLOSING"]) or (
        fin_follows and target[-2:] == ["FIN_WAIT_1", "CLOSED"] and ours == [*target[:-2], "CLOSE_WAIT", "CLOSED"]
    ):
        return f"the FIN that the RST shows to have been taken, or data before it, was lost or late behind the {point}"
    return None


def fin_behind_a_hole(case, point, end, target, ours, parts):
    own = [[state for state in states if state not in ("FIN_WAIT_2", "CLOSING")] for states in (target, ours)]
    if own[0] != own[1] or "FIN_WAIT_1" not in own[0] or not any(part.fins_of(other(end)) for part in parts):
        return None
    if hidden_by_chance(case, point, end, has_data_or_fin):
        return f"FIN_WAIT_2 or CLOSING: what comes before the peer's FIN was lost or late behind the {point}"
    return None


def answered_again(case, point, end, target, ours, parts):
    whole, shown = (" ".join(states) for states in (target, ours))
    crossed = whole.replace("CLOSE_WAIT LAST_ACK CLOSED", "FIN_WAIT_1 CLOSING TIME_WAIT").removesuffix(" CLOSED")
    again = hidden_by_chance(case, point, end, lambda loss: True, ("repeated", "held"))
    if again and "LAST_ACK" in target and shown.removesuffix(" CLOSED") == crossed:
        return "a segment that came again, or late, drew another ACK, behind a FIN that passes later"
    return None


def fin_overtaken(case, point, end, target, ours, parts):
    resets = [f.time for part in parts for f in part.frames if f.sender == end and f.flags & RST]
    fins = [f.time for part in parts for f in part.fins_of(end)]
    if resets and fins and min(resets) < min(fins):
        if any(is_less_by_one(ours, target, [state]) for state in ("FIN_WAIT_1", "LAST_ACK")):
            return "its FIN passes after its RST"
    return None


def syn_again(case, point, end, target, ours, parts):
    syns = [f.time for part in parts for f in part.frames if f.flags & (SYN | ACK) == SYN]
    resets = [f.time for part in parts for f in part.frames if f.flags & RST]
    more = ours[len(target) :]
    if target[-1:] == ["CLOSED"] and ours[: len(target)] == target and resets and min(resets) < max(syns, default=0):
        if more and set(more) <= {"SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "CLOSED"}:
            return "a SYN comes again that a RST had ended, and INTERFACE.md takes it for another try"
    return None


def not_taken(case, point, end, target, ours, parts):
    if not case["loss"] or ours != [*target, "CLOSED"]:
        return None
    flight = score.flight_of(case)
    for reset in [f for part in parts for f in part.frames if f.sender != end and f.flags & RST]:
        told = any(f.sender == end and f.time > reset.time + flight for part in parts for f in part.frames)
        arrived = any(s["arrived"] and s["from"] != end and s["flags"] & RST and s["seq"] == reset.seq
                      for s in case["segments"])  # fmt: skip
        if arrived and not told:
            return "the RST was not the one expected when it came, and nothing passes that tells of it"
    return None


def only_resets(case, point, end, target, ours, parts):
    if not ours and all(f.flags & RST for part in parts for f in part.frames):
        return "nothing but RSTs passes"
    return None


def expected_by(case, end, time):
    """The number that an end expected then: what it had acknowledged last. None: nothing yet."""
    sent = [s for s in case["segments"] if s["from"] == end and s["flags"] & ACK and 0 < s["sent"] < time]
    return max(sent, key=lambda s: s["sent"])["ack"] if sent else None


def forged(case, point, end, target, ours, parts):
    """`end` is the apparent sender."""
    times = [time / SECOND for s in case["segments"] if s["from"] == end and not s["sent"]
             for time in times_at(s, point)]  # fmt: skip
    frames = [f for part in parts for f in part.frames]
    if ours == [*target, "CLOSED"] and times and not any(f.sender == end and f.time > times[0] for f in frames):
        return "a RST was forged in its name, and nothing of its own passes later"
    return None


def first_passed(parts, end, flags):
    """When the first segment with these flags of SYN, ACK and RST passes."""
    times = [f.time for part in parts for f in part.frames if f.sender == end and f.flags & (SYN | ACK | RST) == flags]
    return min(times, default=None)


RULES = (*score.RULES, closed_before, closed_already, fin_repeated, fin_lost, fin_behind_a_hole, answered_again,
         fin_overtaken, syn_again, not_taken, only_resets, forged)  # fmt: skip
