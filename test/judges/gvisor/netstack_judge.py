# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules for netstack's own habits:

ahead_of_a_hole     The ACK of its FIN came ahead of its turn. Netstack holds it back, others do not.
reset_before_ack    A segment that acknowledges its FIN brings data that it answers by a RST: netstack looks
                    at the data first and never enters FIN_WAIT_2.
reset_in_window     Netstack takes any RST in its window, not only one with the number expected (RFC 5961); or
                    the ACK that makes the number the one expected was lost before the point.
reset_one_less      Netstack does not take a RST with the number of its sender's FIN.
ack_in_syn_received Netstack answers a SYN/ACK in SYN_RECEIVED by an ACK, and does not take it for one itself.
cookie_refused      With a SYN cookie there is no endpoint yet for what comes before the ACK: it gets a RST.
syn_overtaken       In a simultaneous open the SYN passes the point after the SYN/ACK.
"""

import judge
import score
from judge import acks_fin_of, closings, expected_by, first_passed, is_less_by_one
from knowable import ACK, FIN, RST, SYN
from netstack import lives_of
from stack import SECOND, end_of
from truth import after


def verdicts_on(connections):
    return judge.judge(connections, lives_of, RULES)


def ahead_of_a_hole(case, point, end, target, ours, parts):
    ways = [["FIN_WAIT_1", *on] for on in ([], ["FIN_WAIT_2"], ["CLOSING"], ["TIME_WAIT"], ["FIN_WAIT_2", "TIME_WAIT"],
                                           ["CLOSING", "TIME_WAIT"])]  # fmt: skip
    same_otherwise = any(
        target[-len(a) :] == a and ours[-len(b) :] == b and target[: -len(a)] == ours[: -len(b)]
        for a in ways for b in ways
    )  # fmt: skip
    acks = [(time, s) for s in case["segments"] if acks_fin_of(case, s, end) for time in s["arrived"]]
    if same_otherwise and acks:
        time, first = min(acks, key=lambda ack: ack[0])
        expected = expected_by(case, end, time)
        if expected is not None and after(first["seq"], expected):
            return "the ACK of its FIN came ahead of a hole, and netstack held it back"
    return None


def reset_before_ack(case, point, end, target, ours, parts):
    causes = [step["cause"] for step in closings(case, end) if step["how"] == "sent" and step["cause"]]
    if score.is_more_by_one(ours, target, ["FIN_WAIT_2"]) and any(acks_fin_of(case, s, end) for s in causes):
        return "netstack answers with a RST before it looks at the ACK of its FIN"
    return None


def reset_in_window(case, point, end, target, ours, parts):
    """Without the RST the end would have gone on from where it was."""
    last = case["lives"][end][-1]["steps"][-1] if case["lives"][end] else None
    if not target or ours[: len(target) - 1] != target[:-1] or (last["state"], last["how"]) != ("CLOSED", "received"):
        return None
    reset, expected = last["cause"], expected_by(case, end, last["time"] * SECOND)
    if expected is None or not reset["flags"] & RST:
        return None
    if reset["seq"] != expected:
        return "netstack takes a RST that is in its window only (RFC 5961 asks for a challenge ACK)"
    if not any(f.sender == end and f.flags & ACK and f.ack == reset["seq"] for part in parts for f in part.frames):
        return "the ACK that makes it the RST expected never passes here"
    return None


def reset_one_less(case, point, end, target, ours, parts):
    resets = [f for part in parts for f in part.frames if f.sender != end and f.flags & RST]
    fins = [end_of(s) for s in case["segments"] if s["from"] != end and s["flags"] & FIN]
    if ours == [*target, "CLOSED"] and any(f.seq + 1 == fin for f in resets for fin in fins):
        return "a RST with the number of its sender's FIN: netstack ignores it, others take it"
    return None


def ack_in_syn_received(case, point, end, target, ours, parts):
    if case["simultaneous"] and is_less_by_one(ours, target, ["SYN_RECEIVED"]):
        bare = first_passed(parts, end, ACK)
        answer = first_passed(parts, end, SYN | ACK)
        if bare is not None and answer is not None and bare < answer:
            return "its ACK passes before its SYN/ACK: netstack sends one in SYN_RECEIVED"
    return None


def syn_overtaken(case, point, end, target, ours, parts):
    if case["simultaneous"] and is_less_by_one(ours, target, ["SYN_SENT"]):
        syn = first_passed(parts, end, SYN)
        answer = first_passed(parts, end, SYN | ACK)
        if syn is not None and answer is not None and answer < syn:
            return "its SYN passes after its SYN/ACK"
    return None


def cookie_refused(case, point, end, target, ours, parts):
    lives = case["lives"][end]
    begun = lives[0]["steps"][1]["time"] if lives and len(lives[0]["steps"]) > 1 else float("inf")
    resets = [s for s in case["segments"] if s["from"] == end and s["flags"] & (RST | ACK) == RST]
    if case["scenario"] == "syn_cookie" and any(s["sent"] < begun * SECOND for s in resets):
        if ours[-1:] == ["CLOSED"] and ours[:1] == ["SYN_RECEIVED"]:
            return "with a SYN cookie a segment after a hole is refused, and there is no endpoint"
    return None


RULES = (*judge.RULES, ahead_of_a_hole, reset_before_ack, reset_in_window, reset_one_less, ack_in_syn_received,
         syn_overtaken, cookie_refused)  # fmt: skip
