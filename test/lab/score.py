# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds tcplife's sequences of states against the kernel's, for each endpoint and capture point.

equal        tcplife's sequence is the truth
unknowable   it is what a perfect observer can know (knowable.py), and that is not the truth; or it
             has one state more, for a RST or the ACK of a SYN or FIN was lost between this point and
             the endpoint, which sent nothing past this point later that would have told; or the
             endpoint's ACK was lost that would have told that a RST is too old for it; or a FIN or its
             ACK, so that FIN_WAIT_2 and CLOSING look the same; or nothing in a midstream capture
             decides, and tcplife calls its states a guess
different    anything else: tcplife is wrong, or the lab is
"""

from dataclasses import dataclass

import observer
from knowable import ACK, ENDS, FIN, RST, instances, without_merged
from truth import after

EQUAL, UNKNOWABLE, DIFFERENT = "equal", "unknowable", "different"

# Between each point and each end lie these links.
LINKS_TO = {
    ("client", "client"): "", ("client", "server"): "AB",
    ("middle", "client"): "A", ("middle", "server"): "B",
    ("server", "client"): "AB", ("server", "server"): "",
}  # fmt: skip


@dataclass
class Verdict:
    """One endpoint of one case at one capture point."""

    case: dict
    point: str
    end: str
    score: str
    reason: str
    truth: list
    target: list
    ours: list


def judge(case, point, streams, row=None, rules=None):
    """The verdicts on both ends of a case, at one point. `row` is the scenario, if it is of the table;
    `rules` are all that may explain what is not as it can be known."""
    parts = instances(case, streams)
    for end in ENDS:
        truth = [state for part in parts for state in part.truth(end)]
        targets = [part.target(end) for part in parts]
        target = [state for known, _ in targets for state in known]
        hidden = [reason for _, reasons in targets for reason in reasons]
        try:
            ours = [state for part in parts for state in part.ours(end)]
        except observer.BrokenChain as error:
            yield Verdict(case, point, end, DIFFERENT, f"broken chain: {error}", truth, target, [])
            continue
        if any(part.merged(end) for part in parts):
            truth, target, ours = without_merged(truth), without_merged(target), without_merged(ours)
        score, reason = compare(case, row, point, end, target, ours, parts, RULES if rules is None else rules)
        if score == EQUAL and hidden:
            score, reason = UNKNOWABLE, "; ".join(hidden)
        yield Verdict(case, point, end, score, reason, truth, target, ours)


def compare(case, row, point, end, target, ours, parts, rules):
    """(score, reason)"""
    if row and row.alternatives and any(part.frames for part in parts):
        return compare_guess(row, end, target, ours, parts)
    if ours == target:
        return EQUAL, ""
    for explain in rules:
        if reason := explain(case, point, end, target, ours, parts):
            return UNKNOWABLE, reason
    return DIFFERENT, ""


def compare_guess(row, end, target, ours, parts):
    """Midstream, where nothing that passes decides."""
    if not any(guess for part in parts for stream in part.streams for guess in stream.guesses):
        return DIFFERENT, "undecidable midstream, and not called a guess"
    if ours == target:
        return EQUAL, "a guess"
    fits = [pair[end] for pair in row.other_truths()]
    if any(f.flags & RST for part in parts for f in part.frames):
        fits += [[*states, "CLOSED"] for states in fits]  # who is gone already answers a stray segment so
    return (UNKNOWABLE, "undecidable midstream (R6), called a guess") if ours in fits else (DIFFERENT, "")


def flight_of(case):
    """What was sent before something passed has passed itself after this."""
    return 2 * sum(case["delay"].values()) + 0.02


def loss_that_explains(case, point, end, target, ours, parts):
    """A RST, or the ACK of a SYN or FIN, lost behind the point, that nothing told of: the end is said to
    have moved as it would have. Nothing else may differ."""
    flight = flight_of(case)
    for loss in case["losses"]:
        behind = loss["what"] == "lost" and loss["from"] != end and loss["link"] in LINKS_TO[point, end]
        if not behind or not is_more_by_one(ours, target, would_lead_to(loss, case)):
            continue
        told = [f for part in parts for f in part.frames if f.sender == end and f.time > loss["time"] + flight]
        if not told:
            return f"{loss['segment']} lost on link {loss['link']} behind the {point}, and nothing tells of it"
    return None


def old_reset(case, point, end, target, ours, parts):
    """A RST that answers an old segment: the receiver ignores it, having acknowledged more since, in a
    segment that was lost on its way here. So here its number is one that RCV.NXT can have (RFC 5961)."""
    if ours != [*target, "CLOSED"]:
        return None
    for reset in [f for part in parts for f in part.frames if f.sender != end and f.flags & RST]:
        for loss in case["losses"]:
            hidden = loss["what"] == "lost" and loss["from"] == end and loss["link"] in LINKS_TO[point, end]
            if hidden and loss["flags"] & ACK and after(loss["ack"], reset.seq) and loss["time"] < reset.time:
                return f"its {loss['segment']} that makes the RST an old one was lost before the {point}"
    return None


def open_crossing(case, point, end, target, ours, parts):
    """Simultaneous close, and between the point and the end the peer's FIN was lost or held back, or its ACK:
    the end was in FIN_WAIT_2 or in CLOSING, and both look the same. By chance only."""
    ways = [["FIN_WAIT_1", *between, "TIME_WAIT"] for between in ([], ["FIN_WAIT_2"], ["CLOSING"])]
    same_otherwise = any(
        target[-len(a) :] == a and ours[-len(b) :] == b and target[: -len(a)] == ours[: -len(b)]
        for a in ways for b in ways
    )  # fmt: skip
    lost = any(
        loss["what"] in ("lost", "held") and loss["link"] in LINKS_TO[point, end]
        and (loss["flags"] & FIN if loss["from"] != end else acks_syn_or_fin(loss, case))
        for loss in case["losses"]
    )  # fmt: skip
    if case["loss"] and same_otherwise and lost and not any(p.tells_of_crossing(end, flight_of(case)) for p in parts):
        return f"FIN_WAIT_2 or CLOSING: a FIN or its ACK was lost or late between the {point} and the {end}"
    return None


def is_more_by_one(ours, target, states):
    """Whether ours is the target but for one of these states, at any place."""
    return any(ours[:i] + ours[i + 1 :] == target for i, state in enumerate(ours) if state in states)


def would_lead_to(loss, case):
    """The states that the receiver of a lost segment would have entered, and sent nothing."""
    if loss["flags"] & RST:
        return ["CLOSED"]
    if acks_syn_or_fin(loss, case):
        return ["ESTABLISHED", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"]
    return []


def acks_syn_or_fin(loss, case):
    return bool(loss["flags"] & ACK) and loss["ack"] in case["numbers"][loss["from"]]


RULES = (loss_that_explains, old_reset, open_crossing)
