# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to be translated of lwIP's word (../stack.py has the rest, and H1):

H4  The program refuses a connection whose handshake is complete, or is gone: lwIP enters ESTABLISHED, asks,
    and aborts, in one event.
H5  Data come for who has closed, in the segment that acknowledges its FIN: lwIP enters FIN_WAIT_2, and aborts.
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
        if new == "CLOSED" and handled and handled["flags"] & (ACK | RST) == ACK and self._sends_reset(event):
            if self.life.state == "SYN_RECEIVED":  # H4
                return "ESTABLISHED"
            if self.life.state == "FIN_WAIT_1" and self._acknowledges_fin(handled):  # H5
                return "FIN_WAIT_2"
        return super()._passed_through(event, new)

    def _acknowledges_fin(self, handled):
        fins = [end_of(s) for s in self.segments if s["from"] == self.end and s["flags"] & FIN]
        return bool(fins) and not after(fins[0], handled["ack"])
