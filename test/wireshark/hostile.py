#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile.py [MUTANTS [SEED]]: whole captures, mutated, through the plugin with AddressSanitizer and
UndefinedBehaviorSanitizer in tshark.

A mutant is a capture of captures/ to which one to three things have happened: bytes changed, cut to a snapshot
length, its end missing, frames in another order, doubled or lost, times that go back or are absurd, another
capture in between. Several stand in one file, since tshark takes longer to begin than to read them; where
something is wrong, each of them is tried alone, and the file of the one that does it is kept. Each file is read
in each of MODES. Wrong is whatever a sanitizer says, a signal, an exit code that tshark without the plugin does
not have, a complaint of GLib's or a dissector bug that it does not have.

By hand: 5000 mutants from a seed, whose last result stands in test/README.md. In CI test_hostile.py takes 200.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]

import pcap  # noqa: E402
from wireshark import CAPTURES, TOP, WHOLE, Wireshark, as_somebody, frames_of  # noqa: E402

MUTANTS, SEED = 5000, 1
IN_ONE_FILE = 40
ALL_BITS = (1 << 64) - 1
SNAPLENS = (range(40, 91), range(48, 56))  # the latter within the TCP header of IPv4
PATIENCE = 300  # seconds, for one file in one mode
STATISTICS = [
    word
    for name in ("tcplife,tree", "tcplife,streams", "tcplife,csv", "tcplife,json", "tcplife,story")
    for word in ("-z", name)
]
MODES = {
    "one pass": ["-V", *STATISTICS, "-z", "flow,tcplife,network"],
    "two passes": [*WHOLE, "-T", "json", *STATISTICS],
    "filters": ["-2", "-R", "tcplife && (tcp.flags.fin == 0 || tcplife.close)", "-Y", "tcplife.reset.verdict || tcplife.close", "-T", "fields",
                "-e", "tcplife.story", "-z", "tcplife,json,tcplife.close", "-z", "tcplife,tree,tcp.port == 80"],
    "sessions": ["-M", "150", "-q", *STATISTICS],
}  # fmt: skip
SANITIZED = ("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dc_args=-fno-sanitize-recover=all")
CHECKS = {
    "ASAN_OPTIONS": "detect_leaks=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple",  # each piece of memory has bounds of its own
    "G_SLICE": "always-malloc",
}
# Wireshark's own: its flow graph says it of some packets, with `-z flow,tcp,network` too.
STOCK = re.compile(r".*g_string_erase.*\n?")
WRONG = re.compile(r"Sanitizer|runtime error|[Aa]ssert|CRITICAL|WARNING \*\*|GLib|Dissector bug")


# ---- Mutants: a list of (microseconds, bytes, length of the whole frame) ----


def change_bytes(chance, frames):
    """Of an Ethernet frame with its type, so that it stays one of IP most of the time"""
    for _ in range(chance.randint(1, 2 * len(frames))):
        at = chance.randrange(len(frames))
        time, data, length = frames[at]
        if len(data) > 14:
            byte = chance.randrange(12 if chance.random() < 0.05 else 14, min(len(data), chance.choice((60, 90, 2000))))
            data = data[:byte] + bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))]) + data[byte + 1 :]
            frames[at] = time, data, length
    return frames


def cut_frames(chance, frames):
    snaplen = chance.choice(chance.choice(SNAPLENS))
    return [(time, data[:snaplen], length) for time, data, length in frames]


def truncate(chance, frames):
    """At either end"""
    at = chance.randrange(len(frames))
    return frames[at:] if chance.random() < 0.3 else frames[: at + 1]


def reorder(chance, frames):
    """Some change places with one behind them, which keep their times or not"""
    for _ in range(chance.randint(1, len(frames))):
        at = chance.randrange(len(frames))
        other = min(at + chance.choice((1, 1, 2, 5)), len(frames) - 1)
        frames[at], frames[other] = frames[other], frames[at]
    if chance.random() < 0.5:
        times = sorted(time for time, *_ in frames)
        frames = [(time, *rest) for time, (_, *rest) in zip(times, frames, strict=True)]
    return frames


def double(chance, frames):
    share, later = chance.choice((0.1, 0.5, 1)), chance.choice((0, 1, 1000, 5_000_000))
    mutated = []
    for time, *rest in frames:
        mutated.append((time, *rest))
        if chance.random() < share:
            mutated.append((time + later, *rest))
    return mutated


def drop(chance, frames):
    share = chance.choice((0.05, 0.3, 0.7))
    return [frame for frame in frames if chance.random() >= share] or frames[:1]


def turn_back(chance, frames):
    """The clock is set back, or runs backwards"""
    if chance.random() < 0.3:
        times = [time for time, *_ in reversed(frames)]
        return [(time, *rest) for time, (_, *rest) in zip(times, frames, strict=True)]
    at, by = chance.randrange(len(frames)), chance.choice((1, 1_000_000, 100_000_000, 10**12))
    return [(time - by if n >= at else time, *rest) for n, (time, *rest) in enumerate(frames)]


def confuse_times(chance, frames):
    absurd = (0, 1, (1 << 31) * 1_000_000, (1 << 63) - 1, 1 << 63, ALL_BITS, chance.getrandbits(64))
    share = chance.choice((0.05, 0.5, 1))
    return [
        (chance.choice(absurd) if chance.random() < share else time, *rest) for time, *rest in frames
    ]


def interleave(chance, frames):
    """With another capture, or with itself a moment later"""
    other = chance.choice((load(chance.choice(CAPTURES)), frames))
    if not other:
        return frames
    shift = frames[0][0] - other[0][0] + chance.choice((0, 1, 500_000))
    both = frames + [(time + shift, *rest) for time, *rest in other]
    return sorted(both, key=lambda frame: frame[0])


MUTATIONS = (
    change_bytes, cut_frames, truncate, reorder, double, drop, turn_back, confuse_times, interleave,
)  # fmt: skip


def load(name):
    frames = frames_of(name)
    return [(time, data, len(data)) for time, data in frames]


def mutations(seed, number):
    """What happens to a mutant"""
    chance = random.Random(f"what {seed} {number}")
    return chance.sample(MUTATIONS, chance.randint(1, 3))


def mutant(seed, number):
    """Its frames, which begin at 0; always the same ones"""
    chance = random.Random(f"{seed} {number}")
    frames = load(chance.choice(CAPTURES))
    frames = [(time - frames[0][0], *rest) for time, *rest in frames]
    for mutate in mutations(seed, number):
        frames = mutate(chance, frames)
    return frames


def file_of(mutants):
    """A pcapng of one after the other, 0 to 100 s between them, the last frame of one in ten cut off"""
    chance = random.Random(len(mutants))
    frames, begin = [], 1_700_000_000_000_000
    for own in mutants:
        frames += [((begin + time) & ALL_BITS, *rest) for time, *rest in own]
        begin += chance.randrange(100_000_000)
    content = pcap.write_ng(frames)
    return content[:-10] if chance.random() < 0.1 else content


# ---- Through tshark ----


class Checked:
    """tshark with the plugin that has sanitizers."""

    def __init__(self, folder, build):
        self.wireshark = Wireshark(folder, build)
        library = subprocess.run(
            ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        self.environment = self.wireshark.environment | CHECKS | {"LD_PRELOAD": f"{library} {bounded(folder)}"}
        # tshark would run its helpers for interfaces, and these hang with the library.
        self.environment["WIRESHARK_EXTCAP_DIR"] = str(self.wireshark.home)

    def run(self, *arguments, **environment):
        done = subprocess.run(
            [*as_somebody(), "tshark", *map(str, arguments)],
            capture_output=True, cwd=self.wireshark.folder, env=self.environment | environment,
            encoding="utf-8", errors="replace", timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stderr, done.stdout

    def look(self, path, mode, *more):
        """(what is wrong, what tshark says): nothing is, if its exit code is one and it says nothing strange"""
        code, said, printed = self.run("-r", path, *MODES[mode], *more)
        said = STOCK.sub("", said)
        bugs = printed.count("Dissector bug")
        wrong = (code, bool(WRONG.search(said)), bugs)
        return (None if code in (0, 2) and wrong[1:] == (False, 0) else wrong), f"exit code {code}\n{said}"

    def complaint(self, path, mode):
        """What is wrong with a file in a mode, and is not without the plugin; or nothing"""
        wrong, said = self.look(path, mode)
        if not wrong or (
            "anitizer" not in said
            and "runtime error" not in said
            and self.look(path, mode, "--disable-protocol", "tcplife")[0] == wrong
        ):
            return None
        return said


def failures(checked, mutants, name):
    """For each mode that complains: (mode, the file of the mutants that do it, the complaint)"""
    path = checked.wireshark.write(f"{name}.pcapng", file_of(mutants))
    for mode in MODES:
        said = checked.complaint(path, mode)
        if not said:
            continue
        for number, one in enumerate(mutants):
            alone = checked.wireshark.write(f"{name}-{number}.pcapng", file_of([one]))
            if checked.complaint(alone, mode):
                yield mode, alone, said
                break
            alone.unlink()
        else:
            yield mode, path, said


def build(folder):
    """The plugin with sanitizers, in a build folder of its own"""
    subprocess.run(["meson", "setup", folder, TOP, *SANITIZED], check=True, capture_output=True)
    subprocess.run(["meson", "compile", "-C", folder, "tcplife"], check=True, capture_output=True)
    return folder


def bounded(folder):
    """The library that gives the plugin bytes which end where they end"""
    library = Path(folder) / "bounded.so"
    command = ["gcc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-O1", "-o", library, HERE / "bounded.c"]
    subprocess.run(command, check=True)
    library.chmod(0o755)
    return library


def main():
    count, seed = [*map(int, sys.argv[1:]), *(MUTANTS, SEED)[len(sys.argv) - 1 :]]
    found = 0
    with tempfile.TemporaryDirectory(prefix="tcplife-hostile-") as name:
        checked = Checked(name, build(Path(tempfile.mkdtemp(dir=name))))
        for first in range(0, count, IN_ONE_FILE):
            numbers = range(first, min(first + IN_ONE_FILE, count))
            for mode, path, said in failures(checked, [mutant(seed, n) for n in numbers], "mutants"):
                found += 1
                kept = Path(f"hostile-{seed}-{first}-{mode.replace(' ', '-')}.pcapng")
                kept.write_bytes(path.read_bytes())
                print(f"{kept}: tshark -r {kept} {' '.join(MODES[mode])}\n{said[:4000]}", flush=True)
    print(f"{count} mutants from seed {seed}, each in {len(MODES)} modes: {found} faults")
    return bool(found)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
