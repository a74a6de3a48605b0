# SPDX-License-Identifier: GPL-2.0-or-later
"""What of the truth about an endpoint a perfect observer at a capture point can know.

That is the truth without

- a step that began with a segment of the endpoint's own, or was answered by one, when that segment
  never passed the point, unless a later state proves it;
- a CLOSED that came in silence, unless a RST of the endpoint's that passed later proves it, or whose
  RST passed in a stream of a later connection;
- CLOSING, when nothing shows that the FINs crossed: then it is LAST_ACK, or CLOSE_WAIT if its FIN never
  passed.
"""

import network
import observer
from truth import after, plus

FIN, SYN, RST, ACK = network.FIN, network.SYN, network.RST, network.ACK
ENDS = ("client", "server")

# FIN_WAIT_2 that lasts no longer than this before TIME_WAIT: FIN and ACK were one segment, or as good
# as one; RFC 9293's text goes through FIN_WAIT_2 then, its figure does not (N4).
MERGED = 0.001
CLOCKS = 0.003  # between the kernel's clock for an event and the capture's for its segment
DELIVERY = 0.2  # the longest way from any point to an end
LATE_STREAM = 0.05


def tidy(states):
    """N6: no LISTEN or CLOSED before anything else, no CLOSED after TIME_WAIT."""
    states = [state for state in states if state != "LISTEN"]
    while len(states) > 1 and states[0] == "CLOSED":
        states.pop(0)
    states = [
        state for i, state in enumerate(states) if not (state == "CLOSED" and i and states[i - 1] == "TIME_WAIT")
    ]
    states = [state for i, state in enumerate(states) if not (i and states[i - 1] == state)]
    return [] if states == ["CLOSED"] else states


def without_merged(states):
    """N4"""
    return [
        state for i, state in enumerate(states)
        if not (state == "FIN_WAIT_2" and states[i + 1 : i + 2] == ["TIME_WAIT"])
    ]  # fmt: skip


def in_window(life, window):
    """The steps that an end was in while the capture ran."""
    begin, end = window
    begun = [step for step in life["steps"] if end is None or step["time"] <= end]
    return [step for step in begun if begin is None or step["until"] is None or step["until"] > begin]


def is_implied(steps, index):
    """Whether later states prove this one. Other ways lead to them from CLOSED; a SYN/ACK may be a
    passive opener's first word; and who sent a SYN may become ESTABLISHED without a SYN/ACK of its own."""
    state = steps[index]["state"]
    actively = any(step["state"] == "SYN_SENT" for step in steps[:index])
    return state not in ("CLOSED", "SYN_SENT") and not (state == "SYN_RECEIVED" and actively)


def why_hidden(step):
    if step["how"] == "silent":
        return f"{step['state']} comes in silence"
    if step["how"] == "received":
        return f"{step['state']}: its RST passes in a later stream"
    return f"{step['state']}: the segment that tells never passes here"


class Instance:
    """One connection of a case that may have several, one after the other, on the same ports."""

    def __init__(self, lives, streams, window):
        self.steps = {end: in_window(life, window) if life else [] for end, life in lives.items()}
        self.streams = streams
        self.begin = window[0]
        self.frames = sorted((f for stream in streams for f in stream.frames), key=lambda frame: frame.time)

    def truth(self, end):
        return tidy([step["state"] for step in self.steps[end]])

    def target(self, end):
        """(states that can be known here, why others cannot)"""
        steps = self.steps[end]
        if not self.frames:
            return [], ["no segment of it passes"] if self.truth(end) else []
        kept, dropped, proven_later = [], [], False
        for index, step in reversed(list(enumerate(steps))):
            own = step["how"] in ("sent", "answered")
            proven = self._is_proven(end, step)
            proven_later |= own and proven and step["state"] != "CLOSED"
            if proven or (own and proven_later and is_implied(steps, index)):
                kept.insert(0, step["state"])
            else:
                dropped.insert(0, why_hidden(step))
        known = tidy(kept)
        if "CLOSING" in known and not self.fins_of(end):
            at = known.index("CLOSING")
            known[at - (known[at - 1 : at] == ["FIN_WAIT_1"]) : at + 1] = ["CLOSE_WAIT"]
            dropped = ["CLOSING: its FIN never passes here"]
        elif "CLOSING" in known and self.follows(end):
            at = known.index("FIN_WAIT_1")
            known[at:] = ["CLOSE_WAIT", "LAST_ACK", "CLOSED"][: len(known) - at]
            dropped = ["CLOSING: its FIN passes only with the ACK of the peer's"]
        return known, dropped if known != self.truth(end) else []

    def _is_proven(self, end, step):
        """Whether what began this step passed the point, in a stream of this connection."""
        if self.begin is not None and step["time"] < self.begin:
            return True
        if step["state"] == "CLOSED":
            return self._closed_is_proven(end, step)
        if step["state"] == "SYN_SENT":
            return self._opened_actively(end, step)
        if step["how"] == "sent":
            wanted, mask = (SYN | ACK, SYN | ACK) if step["state"] == "SYN_RECEIVED" else (FIN, FIN)
            return any(f.flags & mask == wanted for f in self._since(end, step["time"]))
        if step["how"] == "answered":
            return self._answer_passed(end, step)
        return True

    def _answer_passed(self, end, step):
        flag = SYN if step["state"] == "ESTABLISHED" else FIN
        asked = [end_of(f) for f in self.frames if f.sender != end and f.flags & flag]
        own = self._until_reset(end, step["time"]) if flag == FIN else self._since(end, step["time"])
        answers = [f.ack for f in own if f.flags & ACK and not f.flags & SYN]
        if any(not after(number, ack) for number in asked for ack in answers):
            return True
        return flag == FIN and self._is_reset_behind(end, asked)

    def _until_reset(self, end, time):
        """Behind the RST that is its last word it has no connection any more: what it acknowledges by others tells
        nothing of one."""
        spoke = max((f.time for f in self.frames if f.sender == end and not f.flags & RST), default=0)
        resets = [f.time for f in self.frames if f.sender == end and f.flags & RST and f.time > spoke]
        return [f for f in self._since(end, time) if f.time <= min(resets, default=f.time)]

    def _is_reset_behind(self, end, fins):
        """Whether the RST that closed this end has the number behind the peer's FIN: so it has taken the FIN."""
        closed = any(step["state"] == "CLOSED" and step["how"] == "received" for step in self.steps[end])
        return closed and any(f.sender != end and f.flags & RST and f.seq in fins for f in self.frames)

    def _opened_actively(self, end, step):
        """Its SYN passed; or it is the one to have answered a SYN/ACK. A SYN/ACK alone does not tell."""
        own = self._since(end, step["time"])
        return any(f.flags & (SYN | ACK) == SYN for f in own) or not any(f.flags & SYN for f in own)

    def _closed_is_proven(self, end, step):
        if step["how"] == "icmp":
            return True
        if step["how"] == "received":
            before = [f for f in self.frames if f.sender != end and f.time <= step["time"] + CLOCKS + DELIVERY]
            if any(f.flags & RST for f in before) or self._was_last_ack(end, step):
                return True
        return any(f.flags & RST and not self._is_old(f) for f in self._since(end, step["time"]))

    def _is_old(self, rst):
        """Whether its receiver has acknowledged more than its number: it ignores it, and what a receiver
        ignores moves nobody (in CLOSE_WAIT and so on it may be one less). An ACK of what its sender has
        not sent belongs to an older connection."""
        sent = [end_of(f) for f in self.frames if f.sender == rst.sender and not f.flags & RST]
        passed = [f for f in self.frames if f.sender != rst.sender and f.flags & ACK and f.time < rst.time]
        return any(after(f.ack, rst.seq + 1) and any(not after(f.ack, end) for end in sent) for f in passed)

    def _was_last_ack(self, end, step):
        earlier = [s["state"] for s in self.steps[end] if s["time"] < step["time"]]
        return earlier[-1:] == ["LAST_ACK"]

    def _since(self, end, time):
        return [f for f in self.frames if f.sender == end and f.time >= time - CLOCKS]

    def merged(self, end):
        """Whether FIN_WAIT_2 lasted no time."""
        return any(
            step["state"] == "FIN_WAIT_2" and step["until"] is not None and step["until"] - step["time"] < MERGED
            for step in self.steps[end]
        )

    def ours(self, end):
        return tidy(observer.fold(self.streams, end))

    # Crossing FINs

    def fins_of(self, end):
        return [f for f in self.frames if f.sender == end and f.flags & FIN]

    def acks_fin_of(self, frame, peer):
        fins = self.fins_of(peer)
        return bool(fins) and bool(frame.flags & ACK) and not after(end_of(fins[0]), frame.ack)

    def follows(self, end):
        """Whether every FIN of this end that passes acknowledges the peer's, and nothing shows that one
        was sent before: it may have waited behind data (L13), or its plain copy was lost. A number
        beyond it shows that if the end had no time to acknowledge the peer's FIN twice."""
        fins, peers = self.fins_of(end), self.fins_of(observer.other(end))
        if not fins or not peers:
            return False
        shown_until = min(fins[0].time, peers[1].time if len(peers) > 1 else fins[0].time)
        beyond = any(f.sender == end and f.time < shown_until and f.seq == end_of(fins[0]) for f in self.frames)
        return not beyond and all(self.acks_fin_of(f, observer.other(end)) for f in fins)

    def tells_of_crossing(self, end, flight):
        """Whether this end says if the first FIN of the peer's has come: it acknowledges it before it is
        repeated, or later than what was in flight it does not."""
        fins = self.fins_of(observer.other(end))
        if not fins:
            return False
        repeated = fins[1].time if len(fins) > 1 else fins[0].time
        for f in self.frames:
            if f.sender == end and f.time > fins[0].time:
                if self.acks_fin_of(f, observer.other(end)):
                    return f.time < repeated
                if f.time > fins[0].time + flight:
                    return True
        return False


def end_of(frame):
    return plus(frame.seq, frame.length + bool(frame.flags & SYN) + bool(frame.flags & FIN))


def instances(case, streams):
    """The case's connections in the order of time, each with both lives and the streams of its own."""
    openers = []
    for life in case["lives"]["client"] + case["lives"]["server"]:
        if life["opener"] not in openers:
            openers.append(life["opener"])
    if case["simultaneous"]:
        openers = openers[:1]
    found = []
    for number, opener in enumerate(openers):
        lives = {
            end: next((l for l in case["lives"][end] if l["opener"] == opener or case["simultaneous"]), None)
            for end in ENDS
        }
        own = [stream for stream in streams if which(stream.first, openers, case) == number]
        found.append(Instance(lives, own, case["window"]))
    return found


def answers(case):
    """The ISNs of simultaneous openers, which are in no `openers`."""
    return [life["opener"] for end in ENDS for life in case["lives"][end]] if case["simultaneous"] else []


def which(first, openers, case):
    """The instance that a stream belongs to, by the ISN in its first segment, else by time; None: to none of them."""
    isn = first.seq if first.flags & (SYN | ACK) == SYN else plus(first.ack, -1)
    if first.flags & SYN and isn in openers:
        return openers.index(isn)
    if first.flags & (SYN | ACK) == SYN and isn not in answers(case):
        return None  # forged
    begun = [
        number for number, opener in enumerate(openers)
        for life in case["lives"]["client"] + case["lives"]["server"]
        if life["opener"] == opener and life["steps"][0]["time"] < first.time + LATE_STREAM
    ]  # fmt: skip
    return max(begun, default=0)
