# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules for lwIP's own habits:

answers_with_ack    What lwIP has no endpoint for it answers by a RST with an ACK, always (tcp_rst()): that looks
                    as if its program had given up a connection, and had taken the SYN/ACK or FIN that it acknowledges.
"""

import judge
import score
from judge import closings
from knowable import ACK, FIN, RST, SYN
from lwip import lives_of
from stack import SECOND, end_of


def verdicts_on(connections):
    return judge.judge(connections, lives_of, RULES)


def answers_with_ack(case, point, end, target, ours, parts):
    if not score.is_more_by_one(ours, target, ["ESTABLISHED", "CLOSE_WAIT", "CLOSING"]):
        return None
    asked = [end_of(s) for s in case["segments"] if s["from"] != end and s["flags"] & (SYN | FIN)]
    resets = [s for s in case["segments"] if s["from"] == end and s["flags"] & (RST | ACK) == RST | ACK]
    closed = min((step["time"] * SECOND for step in closings(case, end)), default=float("inf"))
    if any(s["sent"] > closed and s["ack"] in asked for s in resets):
        return "it was closed already, and answered the SYN/ACK or FIN by a RST that acknowledges it"
    return None


RULES = (*judge.RULES, answers_with_ack)
