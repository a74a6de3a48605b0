# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules for lwIP's own habits:
"""

import judge
from lwip import lives_of


def verdicts_on(connections):
    return judge.judge(connections, lives_of, RULES)


RULES = judge.RULES
