#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Would the core's quick tests notice if the core were wrong? See README.md.

    test/mutate/mutate.py                         all mutants
    test/mutate/mutate.py --sample 40 --seed 1    some, drawn by lot
    test/mutate/mutate.py gaps.c numbers.c:82     of these files or lines
"""

import argparse
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mutants

HERE = Path(__file__).parent
CORE = HERE.parent / "core"
sys.path.insert(0, str(CORE))
import conversation  # noqa: E402
import test_zeek  # noqa: E402

EQUIVALENT = HERE / "equivalent.txt"
CHECKED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
# Most mutants are killed by what is compiled in no time; -O2 tells which are the same to the compiler.
KINDS = {"quick": ["-O0"], "plain": ["-O2"], "checked": ["-O1", *CHECKED]}
PROGRAMS = ["replay", "zeek", "fuzz"]
FUZZED = "5000"
LIMIT = "UINT16_MAX"
OF_ZEEK = ("zeek.c", "sequence.c", "sequence.h")  # what test/core/zeek.c is made of
PATIENCE = 60  # seconds; a mutant that takes longer goes on for ever


def run(*command, **options):
    options = {"text": True, "errors": "replace", "check": False, "timeout": PATIENCE, **options}
    try:
        return subprocess.run([str(word) for word in command], capture_output=True, **options)
    except subprocess.TimeoutExpired:
        return None


# ---- The list of those that no test can tell ----


def read_equivalent():
    """{key of a mutant: reason}. An entry is `file: function`, `- line`, `+ line`, and the reason."""
    found = {}
    for block in re.sub(r"^#.*\n", "", EQUIVALENT.read_text(), flags=re.M).split("\n\n"):
        lines = [line for line in block.splitlines() if line]
        if not lines:
            continue
        head, old, new, *reason = lines
        assert old[:2] == "- " and new[:2] == "+ " and reason, f"cannot read: {block}"
        found[head, old[2:], new[2:]] = " ".join(" ".join(reason).split())
    return found


# ---- Building ----


def compile_core(folder, kind, source):
    """@return whether it compiles"""
    out = folder / kind / (source + ".o")
    command = ["cc", "-std=gnu11", "-w", *KINDS[kind], "-c", folder / "plugin" / source, "-o", out]
    done = run(*command)
    return done is not None and done.returncode == 0


def link(folder, kind, program):
    objects = [folder / kind / (source + ".o") for source in mutants.SOURCES if source.endswith(".c")]
    objects.append(folder / kind / (program + ".main.o"))
    options = CHECKED if kind == "checked" else []
    done = run("cc", *options, *objects, "-o", folder / "test" / program)
    assert done and done.returncode == 0, done.stderr


def build(folder):
    """The core as it is, with its test programs."""
    shutil.copytree(mutants.PLUGIN, folder / "plugin", ignore=lambda _, names: [n for n in names if "." not in n])
    (folder / "test").mkdir()
    for kind in KINDS:
        (folder / kind).mkdir()
        for source in mutants.SOURCES:
            if source.endswith(".c"):
                assert compile_core(folder, kind, source), source
        for program in PROGRAMS:
            options = [*KINDS[kind], "-I", folder / "plugin", "-c", CORE / (program + ".c")]
            done = run("cc", "-std=gnu11", "-w", *options, "-o", folder / kind / (program + ".main.o"))
            assert done and done.returncode == 0, done.stderr
    for program in PROGRAMS:
        link(folder, "plain", program)


# ---- The quick tests ----


class Played:
    """All conversations in some variants, played in one process."""

    def __init__(self, conversations, which):
        self.parts = []  # (name, lines, how many answers)
        commands = []
        for name, lines in conversations.items():
            for variant in which(lines):
                of_this, asked = conversation.script(lines, variant)
                self.parts.append((name, lines, len(asked)))
                commands += of_this
        self.input = "\n".join(commands) + "\n"

    def answers(self, program):
        """A list of lines for each part; None if the program fails."""
        done = run(program, input=self.input)
        if done is None or done.returncode != 0 or done.stderr:
            return None
        lines = done.stdout.splitlines()
        answers, at = [], 0
        for _, _, count in self.parts:
            answers.append(lines[at : at + count])
            at += count
        return answers

    def learn(self, program):
        """What the core as it is answers, which must be right."""
        self.right = self.answers(program)
        assert self.right is not None, "the core fails as it is"
        return self

    def killed_by(self, program, written):
        """The name of a conversation that notices; None: none does. Where the answers are those that were
        right, they need not be judged again.
        @param written  {name: its answers as written}: what is not there is noted, and in every other
                        variant the answers must be the same"""
        answers = self.answers(program)
        if answers is None:
            return "it fails"
        for (name, lines, _), right, got in zip(self.parts, self.right, answers):
            if got != written.setdefault(name, got) or (got != right and conversation.judge(lines, got)):
                return name
        return None


class PlayedZeek:
    """The conversations about Zeek's words, in all variants, in one process."""

    def __init__(self):
        self.commands, self.expected = [], []
        for name, lines in test_zeek.CONVERSATIONS.items():
            for wrap in (None,) if "as written" in lines else test_zeek.WRAPS:
                for mirrored in (False, True):
                    commands, expected = test_zeek.script(lines, wrap, mirrored)
                    self.commands += commands
                    self.expected += [(name, want) for _, want in expected]

    def killed_by(self, program):
        done = run(program, input="\n".join(self.commands) + "\n")
        answers = done.stdout.splitlines() if done else []
        if done is None or done.returncode != 0 or done.stderr or len(answers) != len(self.expected):
            return "it fails"
        for (name, want), got in zip(self.expected, answers):
            if want and want != got:
                return name
        return None


def first_variant(_):
    return [conversation.AS_WRITTEN]


def other_variants(lines):
    return list(conversation.variants(lines))[1:]


def killed_by_pytest(folder, *arguments):
    environment = {**os.environ, "TCPLIFE_BUILD": str(folder), "TCPLIFE_PLUGIN": str(folder / "plugin")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", "-q", "--tb=no", *arguments]
    done = run(*command, env=environment, cwd=HERE.parent)
    if done is None:
        return "it goes on for ever"
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
    assert failed or done.returncode == 0, done.stdout + done.stderr
    return failed[1] if failed else None


class Judge:
    """Plays the tests to one mutant after another, the quickest test first."""

    def __init__(self, base):
        conversations = conversation.load()
        self.written = Played(conversations, first_variant).learn(base / "test" / "replay")
        self.shifted = Played(conversations, other_variants).learn(base / "test" / "replay")
        self.zeek = PlayedZeek()
        assert not self.zeek.killed_by(base / "test" / "zeek"), "the core is wrong as it is"
        self.base = base

    def verdict(self, folder, mutant):
        """("killed", by what), ("survived", ""), ("same", "") if the compiler makes the same of it, or
        ("invalid", "") if it makes nothing."""
        sources = [s for s in mutants.SOURCES if s.endswith(".c")] if mutant.source[-1] == "h" else [mutant.source]
        (folder / "plugin" / mutant.source).write_text(mutant.apply())
        try:
            return self.tried(folder, mutant, sources)
        finally:
            (folder / "plugin" / mutant.source).write_text(mutant.text)
            for source in sources:
                for kind in KINDS:
                    shutil.copy(self.base / kind / (source + ".o"), folder / kind)

    def tried(self, folder, mutant, sources):
        if not all(compile_core(folder, "quick", source) for source in sources):
            return "invalid", ""
        answers = {}
        if by := self.quick_killer(folder, mutant, answers):
            return "killed", by
        assert all(compile_core(folder, "plain", source) for source in sources)
        if all(self.is_same(folder, source) for source in sources):
            return "same", ""
        by = self.killer(folder, mutant, sources, answers)
        return ("killed", by) if by else ("survived", "")

    def is_same(self, folder, source):
        name = Path("plain") / (source + ".o")
        return (folder / name).read_bytes() == (self.base / name).read_bytes()

    def quick_killer(self, folder, mutant, answers):
        """@param[out] answers  of the conversations as written"""
        if mutant.source in OF_ZEEK:
            link(folder, "quick", "zeek")
            if by := self.zeek.killed_by(folder / "test" / "zeek"):
                return by
        if mutant.source == "zeek.c":
            return None
        link(folder, "quick", "replay")
        return self.written.killed_by(folder / "test" / "replay", answers)

    def killer(self, folder, mutant, sources, answers):
        if mutant.source != "zeek.c":
            link(folder, "plain", "replay")
            if by := self.shifted.killed_by(folder / "test" / "replay", answers):
                return by
        assert all(compile_core(folder, "checked", source) for source in sources)
        if mutant.source in OF_ZEEK and (by := self.killer_of_zeek(folder)):
            return by
        if mutant.source == "zeek.c":
            return None
        link(folder, "checked", "fuzz")
        fuzzed = run(folder / "test" / "fuzz", FUZZED)
        if fuzzed is None or fuzzed.returncode != 0:
            return "fuzz"
        others = "not test_conversation[ and not test_every_conversation"
        if LIMIT not in mutant.lines(False):
            others += " and not test_counts_end_at_65535"  # 3 s
        return killed_by_pytest(folder, "core/test_conversations.py", "core/test_state_table.py", "-k", others)

    def killer_of_zeek(self, folder):
        """Its sanitizers are played here: test_zeek.py compiles with -Werror, and a warning is no test."""
        zeek = folder / "test" / "zeek"
        link(folder, "checked", "zeek")
        if by := self.zeek.killed_by(zeek):
            return by
        random = run(zeek, input="random 20260821 3000 60\n")
        if random is None or random.returncode != 0:
            return "random segments"
        link(folder, "plain", "zeek")
        others = "not test_conversation and not test_every and not test_random"
        return killed_by_pytest(folder, "core/test_zeek.py", "-k", others)


# ---- All of them ----

judge = None  # of this process, inherited from the first
copy = None


def begin(base, top):
    global copy
    copy = Path(tempfile.mkdtemp(dir=top))
    shutil.copytree(base, copy, dirs_exist_ok=True)


def try_one(mutant):
    try:
        return mutant, *judge.verdict(copy, mutant)
    except Exception as error:  # of one mutant: the others go on
        return mutant, "failed", repr(error)


def chosen(arguments):
    picked = mutants.all_mutants()
    if arguments.places:
        wanted = set(arguments.places)
        picked = [m for m in picked if m.source in wanted or f"{m.source}:{m.line}" in wanted]
    if arguments.sample:
        picked = sorted(picked, key=lambda m: m.lot(arguments.seed))[: arguments.sample]
    return picked


def run_all(picked, jobs, tell=lambda *result: None):
    """(mutant, verdict, by what) of each."""
    global judge
    with tempfile.TemporaryDirectory(prefix="tcplife-mutate-") as top:
        base = Path(top) / "base"
        base.mkdir()
        build(base)
        judge = Judge(base)
        fork = multiprocessing.get_context("fork")
        with fork.Pool(jobs, begin, (base, top)) as pool:
            results = []
            for result in pool.imap_unordered(try_one, picked):
                results.append(result)
                tell(*result)
    return results


def share(results):
    """(killed, of how many that compile and are not listed as equivalent)."""
    killed = sum(verdict == "killed" for _, verdict, _ in results)
    return killed, killed + sum(verdict in ("survived", "failed") for _, verdict, _ in results)


def stale(listed):
    """Entries of the list that are no mutants any more."""
    keys = {mutant.key for mutant in mutants.all_mutants()}
    return [key for key in listed if key not in keys]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", help="files, or file:line")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--killers", action="store_true", help="print what kills each")
    arguments = parser.parse_args()

    began = time.monotonic()
    listed = read_equivalent()
    picked = chosen(arguments)

    def tell(mutant, verdict, by):
        if verdict in ("survived", "failed") or arguments.killers:
            print(f"{mutant}\n  {verdict} {by}\n", flush=True)

    results = run_all([m for m in picked if m.key not in listed], arguments.jobs, tell)
    killed, of = share(results)
    counts = {v: sum(verdict == v for _, verdict, _ in results) for v in ("invalid", "same", "failed")}
    print(f"{killed} of {of} mutants killed ({killed / max(of, 1):.1%}), in {time.monotonic() - began:.0f} s")
    print(
        f"besides: {counts['invalid']} do not compile, {counts['same']} are the same to the compiler,"
        f" {len(picked) - len(results)} are listed as equivalent; {counts['failed']} could not be tried"
    )
    for key in stale(listed):
        print("listed, but no mutant any more:", *key, sep="\n  ")
    return 0 if killed >= 0.95 * of and not stale(listed) else 1


if __name__ == "__main__":
    sys.exit(main())
