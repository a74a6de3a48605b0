# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's command line: plays, scores and prints.

    test/lab/run --seed 1                       every scenario once, nothing lost but by script
    test/lab/run --seeds 1..20 --loss 0 --loss 3
    test/lab/run --scenario half_close --scenario refused --keep /tmp/kept
    test/lab/run --replay /tmp/kept             score kept captures anew, perhaps with --build
"""

import argparse
import atexit
import collections
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import kernel
import knowable
import network
import observer
import play
import score
from scenarios import SCENARIOS, SHORT
from wire import NAME, POINTS
from wireshark import TOP

LOCK_TIMEOUT = 180  # for the run before
RUN_TIMEOUT = 120  # seconds for one seed with one loss
ATTEMPTS = 3  # to show what a scenario promises
PROGRAMS = ("ip", "ss", "tcpdump", "tshark", "setpriv")
LETTERS = {state: short for short, state in SHORT.items()}
OFF = "off"  # the run did not show what the scenario promises, or its truth contradicts itself


def main():
    arguments = parse_arguments()
    with contextlib.ExitStack() as undo:
        if not arguments.replay:
            prepare()
        wireshark = undo.enter_context(observer.tshark_with(find_build(arguments.build)))
        verdicts = replay_all(arguments, wireshark) if arguments.replay else play_all(arguments, wireshark)
    report(verdicts, arguments)
    sys.exit(1 if any(v["score"] in (score.DIFFERENT, OFF) for v in verdicts) else 0)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="test/lab/run", description=__doc__.splitlines()[0])
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="N", help="what all chance comes from (default 1)")
    seeds.add_argument("--seeds", metavar="A..B", help="one run after the other")
    parser.add_argument("--loss", type=float, metavar="P", action="append",
                        help="percent of the segments that each link loses (default 0; repeatable)")  # fmt: skip
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, metavar="NAME", help="only these")
    parser.add_argument("--list", action="store_true", help="print the scenarios' names")
    parser.add_argument("--build", metavar="DIR", help="with the plugin; default $TCPLIFE_BUILD, else build/")
    parser.add_argument("--keep", metavar="DIR", help="keep captures and truth of each run there")
    parser.add_argument("--replay", metavar="DIR", help="score what was kept there; needs no root")
    parser.add_argument("--json", metavar="FILE", help="write all verdicts there")
    parser.add_argument("--verbose", action="store_true", help="print every scenario's row")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(SCENARIOS))
        sys.exit()
    if arguments.seeds:
        first, _, last = arguments.seeds.partition("..")
        if not first.isdigit() or not last.isdigit():
            parser.error("--seeds wants A..B")
        arguments.seeds = range(int(first), int(last) + 1)
    else:
        arguments.seeds = [1 if arguments.seed is None else arguments.seed]
    arguments.loss = arguments.loss or [0.0]
    return arguments


def stop(why):
    sys.exit(f"tcplife lab: {why}")


def find_build(path):
    build = Path(path or os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    if not (build / "plugin" / "tcplife.so").is_file():
        stop(f"there is no plugin in {build}: build it, or name another build folder with --build or TCPLIFE_BUILD")
    return build


def prepare():
    """Alone, for runs share the kernel's tracing and the clock of the wire; without traces of it."""
    if missing := kernel.what_is_missing():
        stop(missing)
    network.prepare(NAME, PROGRAMS, LOCK_TIMEOUT)
    sys.setswitchinterval(0.0005)  # so that no script keeps the wire waiting
    kernel.sweep()
    atexit.register(kernel.sweep)


# Playing


def play_all(arguments, wireshark):
    names = arguments.scenario or list(SCENARIOS)
    verdicts = []
    for seed in arguments.seeds:
        for loss in arguments.loss:
            begin = time.monotonic()
            run = play_until_shown(arguments, wireshark, seed, loss, names)
            verdicts += run
            hit = len({(v["scenario"], v["family"]) for v in run if v["lost"]})
            print(f"seed {seed:>3}, loss {loss:g} %: {in_words(run)}; {hit} connections with segments lost by chance "
                  f"({time.monotonic() - begin:.0f} s)", flush=True)  # fmt: skip
    return verdicts


def replay_all(arguments, wireshark):
    verdicts = {}
    kept = Path(arguments.replay).glob("**/truth.json")
    for file in sorted(kept, key=lambda file: (len(file.parts), file)):
        found = collections.defaultdict(list)
        for verdict in judge_run(file.parent, json.loads(file.read_text(encoding="utf-8")), wireshark):
            found[verdict["seed"], verdict["loss"], verdict["scenario"]].append(verdict)
        for key, again in found.items():  # stands in for what was played before, but for differences
            verdicts[key] = [v for v in verdicts.get(key, []) if v["score"] == score.DIFFERENT] + again
    return sum(verdicts.values(), []) or stop(f"no truth.json under {arguments.replay}")


def play_until_shown(arguments, wireshark, seed, loss, names):
    """A scenario that did not show what it promises gets two more chances."""
    verdicts, left = [], names
    for attempt in range(ATTEMPTS):
        with folder_for(arguments, seed, loss, attempt) as folder:
            with network.within(RUN_TIMEOUT):
                data = play.play(folder, seed, loss / 100, left, attempt)
                for case in data:
                    case |= {"seed": seed, "loss": loss}
                (folder / "truth.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
                found = judge_run(folder, data, wireshark)
        off = {v["scenario"] for v in found if v["score"] == OFF}
        again = off if attempt + 1 < ATTEMPTS else set()
        verdicts += [v for v in found if v["scenario"] not in again or v["score"] == score.DIFFERENT]
        left = sorted(again)
        if not left:
            break
    return verdicts


@contextlib.contextmanager
def folder_for(arguments, seed, loss, attempt):
    if not arguments.keep:
        with tempfile.TemporaryDirectory(prefix="tcplife-lab-") as name:
            yield Path(name)
        return
    folder = Path(arguments.keep) / f"seed-{seed}-loss-{loss:g}" / (f"again-{attempt}" if attempt else "")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


# Scoring


def judge_run(folder, data, wireshark):
    """All verdicts on one run, as plain dictionaries."""
    ports = {tuple(case["ports"]): index for index, case in enumerate(data)}
    with ThreadPoolExecutor(len(POINTS)) as pool:
        read = pool.map(lambda point: observer.read(wireshark, folder / f"{point}.pcap", ports), POINTS)
        seen = dict(zip(POINTS, read))
    verdicts = []
    for index, case in enumerate(data):
        for point in POINTS:
            for verdict in score.judge(case, point, seen[point].get(index, []), SCENARIOS[case["scenario"]]):
                verdicts.append(as_plain(verdict, shown(case, verdict)))
    return verdicts


def shown(case, verdict):
    """Why the truth is not to be trusted, or a clean run did not show what the scenario promises; else None."""
    if case.get("stepped"):
        return "the machine's clock was set meanwhile"
    if case["doubts"]:
        return f"sock_diag contradicts the truth: {case['doubts']}"
    if case["loss"]:
        return None
    if case["error"]:
        return f"script: {case['error']}"
    row = SCENARIOS[case["scenario"]]
    if verdict.point != "middle" or row.seen_with_link not in (None, case["link"]):
        return None
    expected = row.expected(case["first"])[verdict.end]
    if knowable.without_merged(expected) in map(knowable.without_merged, (verdict.target, verdict.ours)):
        return None
    return f"the table's observer sees {in_letters(expected)}"


def as_plain(verdict, off):
    plain = asdict(verdict)
    case = plain.pop("case")
    plain |= {key: case[key] for key in ("seed", "loss", "scenario", "family", "first", "link")}
    plain["lost"] = sum(loss["what"] == "lost" and not loss["wanted"] for loss in case["losses"])
    if off and (case["doubts"] or case.get("stepped") or verdict.score != score.DIFFERENT):
        plain |= {"score": OFF, "reason": off}
    return plain


# Printing


def in_letters(states):
    return " ".join(LETTERS.get(state, state) for state in states) or "-"


def in_words(verdicts):
    counts = collections.Counter(v["score"] for v in verdicts)
    return ", ".join(f"{counts[name]} {name}" for name in (score.EQUAL, score.UNKNOWABLE, score.DIFFERENT, OFF)
                     if counts[name] or name != OFF)  # fmt: skip


def report(verdicts, arguments):
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(verdicts, indent=1), encoding="utf-8")
    for loss in sorted({v["loss"] for v in verdicts}):
        some = [v for v in verdicts if v["loss"] == loss]
        print(f"\nLinux {platform.release()}, loss {loss:g} %: equal / unknowable / different, in endpoints")
        print(f"{'scenario':30}" + "".join(f"{point:>15}" for point in POINTS))
        for name in sorted({v["scenario"] for v in some}, key=list(SCENARIOS).index):
            cells = [cell([v for v in some if v["scenario"] == name and v["point"] == point]) for point in POINTS]
            if arguments.verbose or len(arguments.seeds) * len(arguments.loss) == 1 or any("!" in c for c in cells):
                print(f"{name:30}" + "".join(f"{c:>15}" for c in cells))
        print(f"{'all':30}" + "".join(f"{cell([v for v in some if v['point'] == p]):>15}" for p in POINTS))
    print_details(verdicts)
    print(f"\n{in_words(verdicts)}")


def cell(verdicts):
    counts = collections.Counter(v["score"] for v in verdicts)
    bad = counts[score.DIFFERENT] + counts[OFF]
    return f"{counts[score.EQUAL]}/{counts[score.UNKNOWABLE]}/{bad}{'!' if bad else ''}"


def print_details(verdicts):
    reasons = collections.Counter((v["scenario"], v["reason"]) for v in verdicts if v["score"] == score.UNKNOWABLE)
    if reasons:
        print("\nunknowable, in endpoints:")
    for (name, reason), count in sorted(reasons.items()):
        print(f"{count:>5}  {name}: {reason}")
    for v in verdicts:
        if v["score"] in (score.DIFFERENT, OFF):
            print("\n{score}: {scenario} {family}, seed {seed}, loss {loss:g} %, at the {point}, {end} "
                  "(first: {first}, script's link: {link}) {reason}".format(**v))  # fmt: skip
            for name in ("truth", "target", "ours"):
                print(f"  {name:8}{in_letters(v[name])}")


if __name__ == "__main__":
    main()
