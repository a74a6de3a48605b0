# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to be translated of netstack's word (../stack.py has the rest, and H1):

H2  With SYN cookies there is no endpoint before the ACK comes. SYN_RECEIVED began with the SYN/ACK.
H3  Whoever repeats its FIN in CLOSING or LAST_ACK calls that FIN_WAIT_1, and FIN_WAIT_2 what comes
    next. It has taken the peer's FIN, so that is CLOSING or LAST_ACK still, and then TIME_WAIT or
    CLOSED.
"""

from dataclasses import asdict

import stack
from knowable import ACK, FIN, SYN
from stack import SECOND, end_of, events_of
from truth import Step, plus

CONFUSED = "H3: the FIN repeated in CLOSING or LAST_ACK makes netstack call it FIN_WAIT_1"


def lives_of(connection, end):
    lives = list(events_of(connection, end))
    syn_acks = [s for s in connection["segments"] if s["from"] == end and s["flags"] & (SYN | ACK) == SYN | ACK]
    if not lives and syn_acks:  # H2, and the ACK never comes
        step = Step(syn_acks[0]["sent"] / SECOND, "SYN_RECEIVED", "sent")
        yield {"opener": plus(syn_acks[0]["ack"], -1), "steps": [{**asdict(step), "cause": None}], "habits": []}
    for events in lives:
        yield Endpoint(connection["segments"], end, events).as_data()


class Endpoint(stack.Endpoint):
    """What netstack says of one endpoint."""

    peer_fin = None  # the end of the peer's FIN, once it has come
    acknowledged = None
    second = False  # its FIN is the second

    def _begin(self, event):
        first = self._handled(event)
        if first is None or first["flags"] & SYN:
            super()._begin(event)
        else:  # H2
            self.life.opener = plus(first["seq"], -1)
            syn_ack = next(s for s in self.segments if s["from"] == self.end and s["ack"] == first["seq"])
            self._step(syn_ack["sent"], "SYN_RECEIVED", "sent", None)

    def _translated(self, event):
        self._note(event)
        old, new = self.life.state, event["state"]
        self.second |= "LAST_ACK" in (old, new)
        if new in ("FIN_WAIT_1", "FIN_WAIT_2") and self._has_taken_fin():  # H3
            self.habits.add(CONFUSED)
            if new == "FIN_WAIT_1":
                return "LAST_ACK" if self.second else "CLOSING"
            return "CLOSED" if self.second else "TIME_WAIT"
        return new

    def _note(self, event):
        handled = self._handled(event)
        if handled and handled["flags"] & FIN:
            self.peer_fin = end_of(handled)
        acks = [self.segments[sent]["ack"] for sent in event["sent"] if self.segments[sent]["flags"] & ACK]
        self.acknowledged = acks[-1] if acks else self.acknowledged

    def _has_taken_fin(self):
        return self.peer_fin is not None and self.acknowledged == self.peer_fin
