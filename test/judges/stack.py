# SPDX-License-Identifier: GPL-2.0-or-later
"""From what a stack says of its endpoints to the states of RFC 9293: the truth about one connection,
in the form of the lab's truth.json, so that the lab's rules can judge it.

A player writes of each connection what passed and what the ends did (gvisor/play.go and lwip/play.py
have the form). A stack tells the state after each segment, and one segment may lead through several
(H1, SYN_RECEIVED, ESTABLISHED, CLOSE_WAIT say): they are put in. What else has to be translated each
judge's own file has.
"""

from dataclasses import asdict
from itertools import groupby

from knowable import ACK, ENDS, FIN, RST, SYN
from truth import Life, plus

SECOND = 10**9


def as_case(connection, lives_of):
    """lives_of(connection, end) gives what the end's endpoints have been through, one after the other."""
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


def events_of(connection, end):
    """For each endpoint that an end had, its events."""
    events = [event for event in connection["events"] if event["end"] == end]
    for _, own in groupby(sorted(events, key=lambda event: event["life"]), key=lambda event: event["life"]):
        yield list(own)


class Endpoint:
    """Plays what a stack says of one endpoint, in the order of time."""

    # H1: the states that one event leads through
    PASSED_THROUGH = {
        ("SYN_RECEIVED", "CLOSE_WAIT"): "ESTABLISHED",
        ("ESTABLISHED", "LAST_ACK"): "CLOSE_WAIT",
        ("FIN_WAIT_1", "TIME_WAIT"): "FIN_WAIT_2",
    }

    def __init__(self, segments, end, events):
        self.segments, self.end = segments, end
        self.life = Life()
        self.causes = []  # of each step: the segment that it handled
        self.habits = set()
        self._begin(events[0])
        for event in events:
            self._enter(event, self._translated(event))

    def as_data(self):
        steps = [{**asdict(step), "cause": cause} for step, cause in zip(self.life.steps, self.causes)]
        return {"opener": self.life.opener, "steps": steps, "habits": sorted(self.habits)}

    def _begin(self, event):
        first = self._handled(event)
        self.life.opener = first["seq"] if first else self.segments[event["sent"][0]]["seq"]

    def _translated(self, event):
        """The state of RFC 9293 in which the event left the endpoint."""
        return event["state"]

    def _passed_through(self, event, new):
        """The state that the event led through, on the way to this one; or None."""
        return self.PASSED_THROUGH.get((self.life.state, new))

    def _handled(self, event):
        return self.segments[event["segment"]] if event["segment"] >= 0 else None

    def _enter(self, event, new):
        if between := self._passed_through(event, new):
            self._step(event["time"], between, self._how(self.life.state, between, event), event)
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
