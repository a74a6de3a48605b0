# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line that all judges have: plays connections, and prints how the core's states compare.

    test/judges/gvisor/run                                   nothing is lost
    test/judges/gvisor/run --seed 2 --loss 4 --disorder 2    percent, on each of two links
    test/judges/gvisor/run --scenario abort --verbose
"""

import argparse
import collections
import json
import sys
from pathlib import Path

import score

SHORT = {
    "SYN_SENT": "SS", "SYN_RECEIVED": "SR", "ESTABLISHED": "E", "FIN_WAIT_1": "F1", "FIN_WAIT_2": "F2",
    "CLOSING": "CG", "TIME_WAIT": "TW", "CLOSE_WAIT": "CW", "LAST_ACK": "LA", "CLOSED": "CL",
}  # fmt: skip


def main(name, play, judge):
    """`name` is the folder of the judge; play(arguments) gives connections, judge(connections) the verdicts."""
    parser = argparse.ArgumentParser(prog=f"test/judges/{name}/run", description=sys.modules["__main__"].__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what all chance comes from (default 1)")
    parser.add_argument("--variants", type=int, default=16, help="connections of each scenario (default 16)")
    parser.add_argument("--loss", type=float, default=0, help="percent that each link loses")
    parser.add_argument("--disorder", type=float, default=0, help="percent that each link holds back, and repeats")
    parser.add_argument("--scenario", help="judge only this one")
    parser.add_argument("--shifted", action="store_true", help="shift the truth by one state: nothing may be equal")
    parser.add_argument("--verbose", action="store_true", help="print what is unknowable, and why")
    parser.add_argument("--json", metavar="FILE", help="write all verdicts there")
    arguments = parser.parse_args()
    connections = [c for c in play(arguments) if arguments.scenario in (None, c["scenario"])]
    if arguments.shifted:
        shift(connections)
    verdicts = [as_plain(verdict) for verdict in judge(connections)]
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(verdicts), encoding="utf-8")
    report(name, verdicts, arguments.verbose)
    sys.exit(1 if any(v["score"] == score.DIFFERENT for v in verdicts) else 0)


def shift(connections):
    after = dict(zip(SHORT, [*list(SHORT)[1:], next(iter(SHORT))]))
    for connection in connections:
        for event in connection["events"]:
            event["state"] = after[event["state"]]


def as_plain(verdict):
    plain = {key: verdict.case[key] for key in ("scenario", "variant", "first")}
    plain["fates"] = sorted({loss["what"] for loss in verdict.case["losses"]})
    return plain | {key: getattr(verdict, key) for key in
                    ("point", "end", "score", "reason", "truth", "target", "ours")}  # fmt: skip


def report(name, verdicts, verbose):
    counts = collections.defaultdict(collections.Counter)
    for v in verdicts:
        counts[v["scenario"]][v["score"]] += 1
        counts["all"][v["score"]] += 1
    columns = (score.EQUAL, score.UNKNOWABLE, score.DIFFERENT)
    print(f"{'endpoints at three points':32}" + "".join(f"{column:>12}" for column in columns))
    for row in sorted(counts, key=lambda row: row == "all"):
        print(f"{row:32}" + "".join(f"{counts[row][column]:12}" for column in columns))
    if verbose:
        reasons = collections.Counter((v["scenario"], v["reason"]) for v in verdicts if v["reason"])
        for (scenario, reason), count in sorted(reasons.items()):
            print(f"{count:5}  {scenario}: {reason}")
    for v in verdicts:
        if v["score"] == score.DIFFERENT:
            print(told(name, v))


def told(name, v):
    truth, target, ours = (" ".join(SHORT.get(s, s) for s in v[key]) or "-" for key in ("truth", "target", "ours"))
    return (f"different: {v['scenario']} {v['variant']}, {v['end']} at the {v['point']}: "
            f"{name} {truth} | to be known {target} | core {ours} {v['reason']}")  # fmt: skip
