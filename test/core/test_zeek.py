# SPDX-License-Identifier: GPL-2.0-or-later
"""conn_state and history against zeek/*.conv: what zeek-conn-state.md says, rule by rule.

A file is a section of that description. `== name` begins a conversation, `#` a comment. Its lines:

    > P. 1001:1101 ack 5001 win 0 bad cut ; S1 ShADW

A segment as in conversation.py, but without a time, of which nothing depends: who sends (`>` the
first end, `<` the other), flags (S F R P, `.` for ACK, `-` for none), number, or number:end with
data, `ack` and `win` (64240 unless said); `bad`: its TCP checksum is wrong; `cut`: its data are
not in the capture. `9x` before it: so often. Behind the `;` what holds then, `-` for no history.

    use 3-letters:opened     the lines of another conversation
    likely > <               the ports of these ends are likely servers'
    ports > lower            this end has the lower port
    as written               do not shift the numbers: the rule is about their values

Everything is played with other numbers too, which wrap here and there, and with either end as side 0.
"""

import os
import pathlib
import re
import subprocess

import pytest

import conversation

HERE = pathlib.Path(__file__).parent
PLUGIN = pathlib.Path(os.environ.get("TCPLIFE_PLUGIN", HERE.parents[1] / "plugin"))
SOURCES = [PLUGIN / "zeek.c", HERE / "zeek.c"]
BUILD = pathlib.Path(os.environ.get("TCPLIFE_BUILD", HERE.parents[1] / "build"))
PROGRAM = os.environ.get("TCPLIFE_ZEEK", str(BUILD / "test" / "zeek"))
FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, ".": 0x10}

SEGMENT = re.compile(
    r"((?P<times>\d+)x )?(?P<end>[<>]) (?P<flags>[SFRP.-]+) (?P<seq>\d+)(:(?P<to>\d+))?"
    r"( ack (?P<ack>\d+))?( win (?P<win>\d+))?(?P<bad> bad)?(?P<cut> cut)?( ; (?P<expected>\w+ [\w^-]+))?"
)

STATES = set("S0 S1 S2 S3 SF REJ RSTO RSTR RSTOS0 RSTRH SH SHR OTH".split())
LETTERS = set("SHDAFRCTWGIQshdafrctwgiq^")  # X is not ours to give

# Where the numbers wrap: before, in and after the SYN, in the data, at the FIN.
WRAPS = (None, 0, 1, 2, 51, 101, 102, 151, 201, 302)

CONVERSATIONS = conversation.load("zeek")


def segment(match, shift, sides, lower):
    end = match["end"]
    other = "<" if end == ">" else ">"
    seq = (int(match["seq"]) + shift[end]) % 2**32
    ack = (int(match["ack"]) + shift[other]) % 2**32 if match["ack"] else 0
    length = int(match["to"] or match["seq"]) - int(match["seq"])
    flags = sum(FLAGS[letter] for letter in set(match["flags"]) - {"-"})
    bits = f"{end == lower:d} {bool(match['bad']):d} {not match['cut']:d}"
    return f"segment {sides[end]:d} {flags} {seq} {ack} {length} {match['win'] or 64240} {bits}"


def script(lines, wrap, mirrored):
    """The commands, and for each answer what is expected of it and where."""
    # The first end begins with 1000 by custom, the other with 5000.
    shift = {">": 0, "<": 0} if wrap is None else {">": -1000 - wrap, "<": -5001 - 2 * wrap}
    sides = {">": mirrored, "<": not mirrored}
    likely, lower = [0, 0], "<"
    commands, expected = [], [("begin", None)]
    for line in lines:
        if match := SEGMENT.fullmatch(line):
            times = int(match["times"] or 1)
            commands += [segment(match, shift, sides, lower)] * times
            expected += [(line, None)] * (times - 1) + [(line, match["expected"])]
        elif line.startswith("likely "):
            for end in line.split()[1:]:
                likely[sides[end]] = 1
        elif line.startswith("ports "):
            lower = line.split()[1]
        else:
            assert line == "as written", f"cannot read: {line}"
    return [f"begin {likely[0]} {likely[1]}"] + commands, expected


def run(program, commands):
    text = "\n".join(commands) + "\n"
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr or "random segments: an answer is unsound"
    return done.stdout.splitlines()


def play(program, lines):
    """What differs from what is expected."""
    wraps = (None,) if "as written" in lines else WRAPS
    variants = [(wrap, mirrored) for wrap in wraps for mirrored in (False, True)]
    scripts = [script(lines, *variant) for variant in variants]
    answers = iter(run(program, [command for commands, _ in scripts for command in commands]))
    problems = []
    for (wrap, mirrored), (_, expected) in zip(variants, scripts):
        for frame, (line, want) in enumerate(expected):
            got = next(answers)
            if want and want != got:
                problems.append(f"wrap {wrap}, mirrored {mirrored}, frame {frame}: {line}: got {got}")
    return problems


@pytest.fixture(scope="module")
def checked_program(tmp_path_factory):
    """The same program with AddressSanitizer and UndefinedBehaviorSanitizer."""
    program = tmp_path_factory.mktemp("zeek") / "zeek"
    options = "-std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror".split()
    options += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = ["gcc", *options, f"-I{PLUGIN}", *map(str, SOURCES), "-o", str(program)]
    subprocess.run(command, check=True)
    return str(program)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name):
    problems = play(PROGRAM, CONVERSATIONS[name])
    if problems:
        pytest.fail("\n  ".join(problems), pytrace=False)


def test_conversations_with_sanitizers(checked_program):
    for name, lines in CONVERSATIONS.items():
        assert not play(checked_program, lines), name


def test_every_conversation_expects_something():
    for name, lines in CONVERSATIONS.items():
        assert any(match["expected"] for match in map(SEGMENT.fullmatch, lines) if match), name


def test_every_state_and_letter_is_expected():
    """By hand, that is, and not only given."""
    states, letters = set(), set()
    for lines in CONVERSATIONS.values():
        for match in filter(None, map(SEGMENT.fullmatch, lines)):
            if match["expected"]:
                state, history = match["expected"].split()
                states.add(state)
                letters.update(history.strip("-"))
    assert states == STATES
    assert letters == LETTERS


def test_every_section_has_a_file():
    assert {int(name.split("-")[0]) for name in CONVERSATIONS} == set(range(1, 10))


@pytest.mark.parametrize("letter", "CTWG")
def test_counted_letters_come_at_powers_of_ten(letter):
    """4: at 1, 10, 100, 1000 and so on; the 100,000th is beyond the counter, as zeek.h says."""
    opened = ["begin 0 0", "segment 0 2 1000 0 0 9 0 0 1", "segment 1 18 5000 1001 0 9 0 0 1"]
    opened += ["segment 0 16 1001 5001 100 9 0 0 1", "segment 1 16 5001 1101 0 9 0 0 1"]
    commands, letters = [*opened], []
    for n in range(1, 100_002):
        commands += {
            "C": ["segment 0 16 1101 5001 9 9 0 1 1"],
            "T": ["segment 0 16 1001 5001 100 9 0 0 1"],
            "W": ["segment 0 16 1101 5001 0 0 0 0 1"],
            "G": [f"segment 1 16 5001 {1101 + 100 * n} 0 9 0 0 1"],
        }[letter]
    answers = run(PROGRAM, commands)[len(opened) :]
    start = "ShDa" + ("A" if letter == "W" else "")
    for n, answer in enumerate(answers, 1):
        letters = letter * (len(str(min(n, 10_000))))
        assert answer == f"S1 {start}{letters}", n


def test_history_is_bounded():
    """30 codes, of which one may repeat the one before it up to seven times; then it stays as it is."""
    opened = ["begin 0 0", "segment 0 2 1000 0 0 9 0 0 1", "segment 1 4 0 1001 0 9 0 0 1"]
    one = [f"segment 1 4 {n} 1001 0 9 0 0 1" for n in range(1, 200)]
    answers = run(PROGRAM, opened + one)[len(opened) :]
    for n, answer in enumerate(answers, 1):
        # S, then fourteen pairs of a letter and its seven repetitions, and one letter more.
        assert answer == "REJ S" + "r" * min(n + 1, 14 * 8 + 1), n
    other = [f"segment {n % 2} 4 {1001 + n} 0 0 9 0 0 1" for n in range(100)]
    answers = run(PROGRAM, opened + other)[len(opened) :]
    assert answers[-1] == "REJ S" + "rR" * 14 + "r"
    mixed = run(PROGRAM, opened + one + other)
    assert mixed[-1].split()[1] == "S" + "r" * 113
    # Fifteen pairs where there is no S; what is full stays so, even if its last letter comes again.
    alone = [f"segment 0 4 {n} 0 0 9 0 0 1" for n in range(1, 200)]
    for n, answer in enumerate(run(PROGRAM, ["begin 0 0", *alone])[1:], 1):
        assert answer == "OTH " + "R" * min(n, 15 * 8), n
    full = [*alone[: 14 * 8 + 2], "segment 1 4 9000 0 0 9 0 0 1", *alone[14 * 8 + 2 :]]
    assert run(PROGRAM, ["begin 0 0", *full])[-1].split()[1] == "R" * (14 * 8 + 2)


def test_random_segments(checked_program):
    (answer,) = run(checked_program, ["random 20260821 3000 60"])
    count, longest = map(int, answer.split())
    assert count == 180_000 and 30 < longest <= 120


def test_size():
    assert int(run(PROGRAM, ["size"])[0]) <= 96
