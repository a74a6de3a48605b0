# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to be translated of lwIP's word (../stack.py has the rest, and H1):

H4  The program refuses a connection whose handshake is complete, or is gone: lwIP enters ESTABLISHED, asks,
    and aborts, in one event.
H5  Data come for who has closed: lwIP takes the segment, the ACK of its FIN or the peer's FIN with it, and aborts
    from FIN_WAIT_2 or CLOSING. The RST acknowledges what was taken.
H6  Both come in one segment: lwIP enters TIME_WAIT, and aborts that, which is to free it and to say nothing.
    FIN_WAIT_2 and the end of the endpoint are left.
"""

import stack
from knowable import ACK, FIN, RST
from stack import end_of, events_of
from truth import after


def lives_of(connection, end):
    for events in events_of(connection, end):
        yield Endpoint(connection["segments"], end, events).as_data()


class Endpoint(stack.Endpoint):
    """What lwIP says of one endpoint."""

    def _passed_through(self, event, new):
        handled = self._handled(event)
        resets = [self.segments[sent] for sent in event["sent"] if self.segments[sent]["flags"] & RST]
        if new == "CLOSED" and handled and handled["flags"] & (ACK | RST) == ACK:
            if self.life.state == "SYN_RECEIVED" and resets:  # H4
                return "ESTABLISHED"
            if self.life.state == "FIN_WAIT_1":  # H5, H6
                return self._aborted_in(handled, resets)
        return super()._passed_through(event, new)

    def _aborted_in(self, handled, resets):
        fins = [end_of(s) for s in self.segments if s["from"] == self.end and s["flags"] & FIN]
        if fins and not after(fins[0], handled["ack"]):
            return "FIN_WAIT_2"
        has_taken_fin = handled["flags"] & FIN and any(reset["ack"] == end_of(handled) for reset in resets)
        return "CLOSING" if has_taken_fin else None
