# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays connections between two stacks of gVisor's, and prints how the core's states compare.

    test/judges/gvisor/run                                   nothing is lost
    test/judges/gvisor/run --seed 2 --loss 4 --disorder 2    percent, on each of two links
    test/judges/gvisor/run --scenario abort --verbose
"""

import argparse
import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import netstack_judge
import score
from conversation import BUILD

HERE = Path(__file__).resolve().parent
BUILD_TIMEOUT = 110
PLAY_TIMEOUT = 60
SHORT = {
    "SYN_SENT": "SS", "SYN_RECEIVED": "SR", "ESTABLISHED": "E", "FIN_WAIT_1": "F1", "FIN_WAIT_2": "F2",
    "CLOSING": "CG", "TIME_WAIT": "TW", "CLOSE_WAIT": "CW", "LAST_ACK": "LA", "CLOSED": "CL",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="test/judges/gvisor/run", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="what all chance comes from (default 1)")
    parser.add_argument("--variants", type=int, default=16, help="connections of each scenario (default 16)")
    parser.add_argument("--loss", type=float, default=0, help="percent that each link loses")
    parser.add_argument("--disorder", type=float, default=0, help="percent that each link holds back, and repeats")
    parser.add_argument("--scenario", help="judge only this one")
    parser.add_argument("--shifted", action="store_true", help="shift the truth by one state: nothing may be equal")
    parser.add_argument("--verbose", action="store_true", help="print what is unknowable, and why")
    parser.add_argument("--json", metavar="FILE", help="write all verdicts there")
    arguments = parser.parse_args()
    connections = play(build(), arguments)
    if arguments.shifted:
        shift(connections)
    verdicts = [as_plain(verdict) for verdict in netstack_judge.judge(connections)]
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(verdicts), encoding="utf-8")
    report(verdicts, arguments.verbose)
    sys.exit(1 if any(v["score"] == score.DIFFERENT for v in verdicts) else 0)


def build():
    """The program that plays. Debian has gVisor's source where no modules are known."""
    folder = BUILD.resolve() / "judges"
    program = folder / "gvisor-play"
    paths = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "go-cache")}
    command = ["go", "build", "-o", program, "."]
    try:
        done = subprocess.run(command, cwd=HERE, env=os.environ | paths, capture_output=True, text=True,
                              timeout=BUILD_TIMEOUT, check=False)  # fmt: skip
    except FileNotFoundError:
        sys.exit("there is no go: install golang-go and golang-gvisor-gvisor-dev")
    if done.returncode:
        sys.exit(f"cannot build the player (golang-gvisor-gvisor-dev is needed):\n{done.stderr}")
    return program


def play(program, arguments):
    command = [program, "-seed", arguments.seed, "-variants", arguments.variants,
               "-loss", arguments.loss / 100, "-disorder", arguments.disorder / 100]  # fmt: skip
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=PLAY_TIMEOUT,
                          check=True)  # fmt: skip
    connections = [json.loads(line) for line in done.stdout.splitlines()]
    return [c for c in connections if arguments.scenario in (None, c["scenario"])]


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


def report(verdicts, verbose):
    counts = collections.defaultdict(collections.Counter)
    for v in verdicts:
        counts[v["scenario"]][v["score"]] += 1
        counts["all"][v["score"]] += 1
    columns = (score.EQUAL, score.UNKNOWABLE, score.DIFFERENT)
    print(f"{'endpoints at three points':32}" + "".join(f"{name:>12}" for name in columns))
    for name in sorted(counts, key=lambda name: name == "all"):
        print(f"{name:32}" + "".join(f"{counts[name][column]:12}" for column in columns))
    if verbose:
        reasons = collections.Counter((v["scenario"], v["reason"]) for v in verdicts if v["reason"])
        for (name, reason), count in sorted(reasons.items()):
            print(f"{count:5}  {name}: {reason}")
    for v in verdicts:
        if v["score"] == score.DIFFERENT:
            print(told(v))


def told(v):
    truth, target, ours = (" ".join(SHORT.get(s, s) for s in v[key]) or "-" for key in ("truth", "target", "ours"))
    return (f"different: {v['scenario']} {v['variant']}, {v['end']} at the {v['point']}: "
            f"netstack {truth} | to be known {target} | core {ours} {v['reason']}")  # fmt: skip


if __name__ == "__main__":
    main()
