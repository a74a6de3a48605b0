# SPDX-License-Identifier: GPL-2.0-or-later
"""From what netstack says of its endpoints to the states of RFC 9293: the truth about one connection,
in the form of the lab's truth.json, so that the lab's rules can judge it.

Netstack tells the state after each segment. What has to be translated:

H1  One segment may lead through several states (SYN_RECEIVED, ESTABLISHED, CLOSE_WAIT). They are put
    in; FIN_WAIT_2 before TIME_WAIT is optional for the kernel lab too (N4).
H2  With SYN cookies there is no endpoint before the ACK comes. SYN_RECEIVED began with the SYN/ACK.
H3  Whoever repeats its FIN in CLOSING or LAST_ACK calls that FIN_WAIT_1, and FIN_WAIT_2 what comes
    next. It has taken the peer's FIN, so that is CLOSING or LAST_ACK still, and then TIME_WAIT or
    CLOSED.
"""

from dataclasses import asdict
from itertools import groupby

from knowable import ACK, ENDS, FIN, RST, SYN
from truth import Life, Step, plus

SECOND = 10**9
CONFUSED = "H3: the FIN repeated in CLOSING or LAST_ACK makes netstack call it FIN_WAIT_1"

PASSED_THROUGH = {
    ("SYN_RECEIVED", "CLOSE_WAIT"): "ESTABLISHED",
    ("ESTABLISHED", "LAST_ACK"): "CLOSE_WAIT",
    ("FIN_WAIT_1", "TIME_WAIT"): "FIN_WAIT_2",
}


def as_case(connection):
    return {
        "scenario": connection["scenario"], "variant": connection["variant"], "first": connection["first"],
        "delay": {link: delay / SECOND for link, delay in connection["delay"].items()},
        "window": (None, None), "simultaneous": connection["scenario"] == "simultaneous_open",
        "lives": {end: list(lives_of(connection, end)) for end in ENDS},
        "losses": list(losses_of(connection)), "loss": is_lossy(connection),
        "numbers": {end: sorted(acks_of_syn_and_fin(connection, end)) for end in ENDS},
        "segments": connection["segments"],
    }  # fmt: skip


def is_lossy(connection):
    return any(segment["fates"] for segment in connection["segments"])


def losses_of(connection):
    for segment in connection["segments"]:
        text = f"{segment['from']}'s {letters(segment['flags'])} {segment['seq']}"
        for fate in segment["fates"]:
            yield {**{key: segment[key] for key in ("from", "flags", "seq", "ack", "length")}, "segment": text,
                   "time": fate["time"] / SECOND, "what": fate["what"], "link": fate["link"]}  # fmt: skip


def letters(flags):
    return "".join(letter for letter, flag in (("S", SYN), ("F", FIN), ("R", RST), (".", ACK)) if flags & flag)


def end_of(segment):
    return plus(segment["seq"], segment["length"] + bool(segment["flags"] & SYN) + bool(segment["flags"] & FIN))


def acks_of_syn_and_fin(connection, end):
    """The ACK numbers by which this end acknowledges a SYN or a FIN that has reached it."""
    return {
        end_of(segment) for segment in connection["segments"]
        if segment["from"] != end and segment["arrived"] and segment["flags"] & (SYN | FIN)
    }  # fmt: skip


def lives_of(connection, end):
    events = [event for event in connection["events"] if event["end"] == end]
    syn_acks = [s for s in connection["segments"] if s["from"] == end and s["flags"] & (SYN | ACK) == SYN | ACK]
    if not events and syn_acks:  # H2, and the ACK never comes
        step = Step(syn_acks[0]["sent"] / SECOND, "SYN_RECEIVED", "sent")
        yield {"opener": plus(syn_acks[0]["ack"], -1), "steps": [{**asdict(step), "cause": None}], "habits": []}
    for _, own in groupby(sorted(events, key=lambda event: event["life"]), key=lambda event: event["life"]):
        yield Endpoint(connection["segments"], end, list(own)).as_data()


class Endpoint:
    """Plays what netstack says of one endpoint, in the order of time."""

    def __init__(self, segments, end, events):
        self.segments, self.end = segments, end
        self.life = Life()
        self.causes = []  # of each step: the segment that it handled
        self.habits = set()
        self.peer_fin = None  # the end of the peer's FIN, once it has come
        self.acknowledged = None
        self.second = False  # its FIN is the second
        self._begin(events[0])
        for event in events:
            self._note(event)
            self._enter(event, self._translated(event))

    def as_data(self):
        steps = [{**asdict(step), "cause": cause} for step, cause in zip(self.life.steps, self.causes)]
        return {"opener": self.life.opener, "steps": steps, "habits": sorted(self.habits)}

    def _begin(self, event):
        first = self._handled(event)
        if first is None:
            self.life.opener = self.segments[event["sent"][0]]["seq"]
        elif first["flags"] & SYN:
            self.life.opener = first["seq"]
        else:  # H2
            self.life.opener = plus(first["seq"], -1)
            syn_ack = next(s for s in self.segments if s["from"] == self.end and s["ack"] == first["seq"])
            self._step(syn_ack["sent"], "SYN_RECEIVED", "sent", None)

    def _handled(self, event):
        return self.segments[event["segment"]] if event["segment"] >= 0 else None

    def _note(self, event):
        handled = self._handled(event)
        if handled and handled["flags"] & FIN:
            self.peer_fin = end_of(handled)
        acks = [self.segments[sent]["ack"] for sent in event["sent"] if self.segments[sent]["flags"] & ACK]
        self.acknowledged = acks[-1] if acks else self.acknowledged

    def _has_taken_fin(self):
        return self.peer_fin is not None and self.acknowledged == self.peer_fin

    def _translated(self, event):
        old, new = self.life.state, event["state"]
        self.second |= "LAST_ACK" in (old, new)
        if new in ("FIN_WAIT_1", "FIN_WAIT_2") and self._has_taken_fin():  # H3
            self.habits.add(CONFUSED)
            if new == "FIN_WAIT_1":
                return "LAST_ACK" if self.second else "CLOSING"
            return "CLOSED" if self.second else "TIME_WAIT"
        return new

    def _enter(self, event, new):
        old = self.life.state
        if (old, new) in PASSED_THROUGH:  # H1
            self._step(event["time"], PASSED_THROUGH[old, new], "received", event)
        self._step(event["time"], new, self._how(self.life.state, new, event), event)

    def _step(self, time, state, how, event):
        count = len(self.life.steps)
        self.life.enter(time / SECOND, state, how)
        if len(self.life.steps) > count:
            self.causes.append(self._handled(event) if event else None)

    def _sends_reset(self, event):
        return any(self.segments[sent]["flags"] & RST for sent in event["sent"])

    def _how(self, old, new, event):
        """What brought the endpoint there: see the lab's truth.py."""
        handled = self._handled(event)
        if new == "CLOSED":
            if self._sends_reset(event):
                return "sent"
            return "received" if handled and (handled["flags"] & RST or old == "LAST_ACK") else "silent"
        if handled is None or new in ("SYN_RECEIVED", "FIN_WAIT_1", "LAST_ACK"):
            return "sent"
        if new in ("CLOSE_WAIT", "CLOSING") or old == "SYN_SENT" or (new == "TIME_WAIT" and old != "CLOSING"):
            return "answered"
        return "received"
