# SPDX-License-Identifier: GPL-2.0-or-later
"""From what the kernel says of a socket to the states of RFC 9293: the truth about one endpoint.

The kernel reports most changes of state itself. What it is silent about happened nevertheless, and
the endpoint's own capture tells when: a server's SYN_RECEIVED begins with its first SYN/ACK, and
what becomes of the small socket that stands for an orphan's FIN_WAIT_2 is decided by the FIN, the
RST or the data that arrives for it. kernel-truth's peculiarities L1 to L23 are named where they are
dealt with. sock_diag takes no part in this: it is held against the result (`contradictions`).

Each step also remembers how it came about, because not everything that is true can be seen:

    sent      it began with a segment of this endpoint's own
    answered  it began with a segment from the peer that this endpoint had to answer
    received  it began with a segment from the peer that nothing answers
    icmp      an ICMP error ended it
    silent    a timer, a crash, a program: nothing passed
"""

from dataclasses import asdict, dataclass, field

import network

FIN, SYN, RST, ACK = network.FIN, network.SYN, network.RST, network.ACK

# A socket changes its state right before or right after a segment passes its interface.
NEAR = 0.003
# The states of a socket that does not answer for itself any more.
OVER = ("TIME_WAIT", "CLOSED")


def after(a, b):
    """Whether sequence number a is after b, modulo 2^32."""
    return 0 < (a - b) % (1 << 32) < 1 << 31


def plus(number, count):
    return (number + count) % (1 << 32)


@dataclass
class Frame:
    """A segment, or an ICMP error, at one endpoint's interface."""

    time: float
    sent: bool
    flags: int = 0
    seq: int = 0
    ack: int = 0
    length: int = 0
    icmp: bool = False

    @property
    def end(self):
        return plus(self.seq, self.length + bool(self.flags & SYN) + bool(self.flags & FIN))


@dataclass
class Step:
    time: float
    state: str
    how: str
    until: float = None


@dataclass
class Life:
    """One socket's life. `opener` is the ISN of the client of this connection: it names the instance."""

    steps: list = field(default_factory=list)
    opener: int = None
    isn: int = None
    peer_isn: int = None
    is_request: bool = False  # a server's handshake that no socket stands for yet (L8)
    is_small: bool = False  # FIN_WAIT_2 of an orphan (L2)
    # What has arrived
    next: int = None
    pieces: list = field(default_factory=list)
    peer_fin: int = None
    fin_in_order: float = None

    @property
    def state(self):
        return self.steps[-1].state if self.steps else "CLOSED"

    def enter(self, time, state, how):
        if state == self.state:
            return
        if self.steps:
            self.steps[-1].until = time
        self.steps.append(Step(time, state, how))

    def take(self, frame):
        """Note what has arrived in order."""
        if frame.flags & SYN:
            self.peer_isn = frame.seq
            self.next = plus(frame.seq, 1) if self.next is None else self.next
        if self.next is None:
            return
        if frame.flags & FIN:
            self.peer_fin = frame.end
        if frame.end != frame.seq:
            self.pieces.append((frame.seq, frame.end))
        moved = True
        while moved:
            moved = False
            for begin, end in self.pieces:
                if not after(begin, self.next) and after(end, self.next):
                    self.next, moved = end, True
        if self.fin_in_order is None and self.peer_fin is not None and self.next == self.peer_fin:
            self.fin_in_order = frame.time


class Endpoint:
    """Plays the kernel's events and the endpoint's own capture, in the order of time."""

    def __init__(self, events, frames):
        self.events, self.frames = events, frames
        self.lives = []
        self.syn = None
        # Where both bear the same time the segment came first: it caused the event.
        items = [(frame.time, 0, frame) for frame in frames] + [(event[0], 1, event) for event in events]
        for _, is_event, item in sorted(items, key=lambda item: item[:2]):
            self._event(*item) if is_event else self._frame(item)

    @property
    def life(self):
        return self.lives[-1] if self.lives else None

    def _begin(self, time, state, how):
        self.lives.append(Life())
        self.life.enter(time, state, how)
        return self.life

    # The endpoint's own capture

    def _frame(self, frame):
        if frame.icmp:
            return
        if frame.sent:
            self._sent(frame)
        elif self.life is None or self.life.state in OVER:
            self._keep_syn(frame)
        else:
            self._received(frame)

    def _keep_syn(self, frame):
        """The first segment of a life that the answer to it will begin."""
        if frame.flags & SYN:
            self.syn = frame

    def _sent(self, frame):
        life = self.life
        if frame.flags & (SYN | ACK) == SYN and life and life.state == "SYN_SENT" and life.isn is None:
            life.isn = life.opener = frame.seq
        if frame.flags & (SYN | ACK) == SYN | ACK:
            self._sent_syn_ack(frame)
        if life and life.is_small and frame.flags & RST:
            self._end_small(frame.time, "sent")

    def _sent_syn_ack(self, frame):
        """L8 to L11: SYN_RECEIVED begins here, whatever the kernel keeps of it."""
        life, client_isn = self.life, self._isn_acknowledged_by(frame)
        is_crossing = life and life.isn == frame.seq
        is_child = life and life.state == "SYN_RECEIVED" and life.isn is None  # TCP Fast Open (L10)
        if is_crossing or (life and life.opener == client_isn and life.state not in OVER):
            return
        if not is_child:
            life = self._begin(frame.time, "SYN_RECEIVED", "sent")
            life.is_request = True
        life.isn, life.opener, life.peer_isn = frame.seq, client_isn, client_isn
        life.next = plus(client_isn, 1)
        if self.syn and self.syn.seq == client_isn:
            life.take(self.syn)

    def _isn_acknowledged_by(self, syn_ack):
        """With TCP Fast Open the SYN/ACK acknowledges data too."""
        if self.syn and after(syn_ack.ack, self.syn.seq) and not after(syn_ack.ack, self.syn.end):
            return self.syn.seq
        return plus(syn_ack.ack, -1)

    def _received(self, frame):
        life = self.life
        if frame.flags & RST:
            if life.is_small:
                self._end_small(frame.time, "received")
            elif life.is_request:  # L9
                life.enter(frame.time, "CLOSED", "received")
                life.is_request = False
            return
        if frame.flags & SYN and life.state not in ("SYN_SENT", "SYN_RECEIVED"):
            self._keep_syn(frame)
            return
        had_fin = life.fin_in_order is not None
        life.take(frame)
        if life.is_small and life.fin_in_order is not None and not had_fin:
            if self._near(frame.time, lambda other: other.sent and other.flags & RST) is None:
                life.enter(frame.time, "TIME_WAIT", "answered")  # L3
                life.is_small = False

    def _end_small(self, time, how):
        self.life.enter(time, "CLOSED", how)  # L4
        self.life.is_small = False

    # The kernel's events

    def _event(self, time, old, new):
        if old == new:  # L6
            return
        if old == "CLOSED" and new == "SYN_SENT":
            self._begin(time, new, "sent")
        elif old == "LISTEN":
            if self.life is None or not self.life.is_request:
                self._begin(time, "SYN_RECEIVED", "sent")
            self.life.is_request = False
        elif new == "CLOSED":
            self._close(time, self._life_in(old), old)
        else:
            self._move(time, self._life_in(old), old, new)

    def _life_in(self, old):
        """The kernel names the state that is left; a life that is elsewhere is not the one meant (N2)."""
        for life in reversed(self.lives):
            if life.state == old:
                return life
        raise ValueError(f"the kernel leaves {old}, and no socket was in it: {self.lives}")

    @staticmethod
    def _move(time, life, old, new):
        if new in ("FIN_WAIT_1", "LAST_ACK") or (old == "SYN_SENT" and new == "SYN_RECEIVED"):
            how = "sent"
        elif new in ("CLOSE_WAIT", "CLOSING") or old == "SYN_SENT":
            how = "answered"
        else:
            how = "received"
        life.enter(time, new, how)

    def _close(self, time, life, old):
        """L1, L2, L7, N5: what CLOSE stands for."""
        reset = self._near(time, lambda frame: frame.flags & RST)
        if reset:
            life.enter(time, "CLOSED", "sent" if reset.sent else "received")
        elif old == "CLOSING":
            life.enter(time, "TIME_WAIT", "received")
        elif old == "FIN_WAIT_2" and life.fin_in_order is not None and life.fin_in_order < time + NEAR:
            life.enter(time, "TIME_WAIT", "answered")
        elif old == "FIN_WAIT_2":
            life.is_small = True
        else:
            life.enter(time, "CLOSED", self._quiet_end(time, old))

    def _quiet_end(self, time, old):
        if self._near(time, lambda frame: frame.icmp):
            return "icmp"
        if old == "LAST_ACK" and self._near(time, lambda frame: not frame.sent and frame.flags & ACK):
            return "received"
        return "silent"

    def _near(self, time, wanted):
        near = [frame for frame in self.frames if abs(frame.time - time) < NEAR and wanted(frame)]
        return min(near, key=lambda frame: abs(frame.time - time)) if near else None


def lives_of(events, frames):
    return [life for life in Endpoint(events, frames).lives if life.steps]


def contradictions(lives, samples):
    """Where sock_diag saw a state that the truth does not have: [(time, seen, states that were true)].

    samples: [(time before, time after, state)]. A state may be on its way during a sample, and a
    life may be over although its socket's last state is still being cleared away.
    """
    found = []
    for begin, end, seen in samples:
        true = {
            step.state
            for life in lives
            for step in life.steps
            if step.time <= end + NEAR and (step.until is None or step.until >= begin - NEAR)
        }
        if seen not in true:
            found.append((begin, seen, sorted(true)))
    return found


def as_data(life):
    return {"opener": life.opener, "steps": [asdict(step) for step in life.steps]}
