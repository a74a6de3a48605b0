# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutants: the core's sources with one small thing wrong.

OPERATORS is the whole list of what is changed, one place at a time. It is fixed: a share that was
reached with other operators is another share.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "plugin"
SOURCES = [
    "closing.c", "connections.c", "copies.c", "evidence.c", "exchange.c", "facts.c", "gaps.c", "lifecycle.c",
    "lifecycle.h", "moves.c", "numbers.c", "opening.c", "pass.c", "pass.h", "reset.c", "sequence.c", "sequence.h",
    "tcp-state.c", "values.c", "verdict.c", "zeek.c",
]  # fmt: skip

# Behind an operand, so that an operator has two of them.
TWO = r"(?<=[\w)\]]) "

# What stands there, and what is put in its place. `\g<0>` is what stands there.
OPERATORS = [
    # Relations: the other truth, or one further.
    (r" == ", [" != "]),
    (r" != ", [" == "]),
    (r" < ", [" <= "]),
    (r" <= ", [" < "]),
    (r" > ", [" >= "]),
    (r" >= ", [" > "]),
    # Logic.
    (r" && ", [" || "]),
    (r" \|\| ", [" && "]),
    (r"!(?=[\w(])", [""]),
    # Arithmetic and bits.
    (TWO + r"\+ ", [" - "]),
    (TWO + r"- ", [" + "]),
    (TWO + r"& ", [" | "]),
    (TWO + r"\| ", [" & "]),
    (r"\+\+", ["--"]),
    (r" \+= ", [" -= "]),
    (r" -= ", [" += "]),
    (r" \|= ", [" = "]),
    # Constants: the next number, the other truth.
    (r"(?<![\w.])\d+(?![\w.])", ["\\g<0> + 1"]),
    (r"\btrue\b", ["false"]),
    (r"\bfalse\b", ["true"]),
]
# Conditions of `if` and `while`: always, never.
CONDITION = re.compile(r"\b(if|while) (?=\()")


@dataclass(frozen=True)
class Mutant:
    """One file's text with the characters from `start` to `end` replaced by `put`."""

    source: str
    function: str
    start: int
    end: int
    put: str
    text: str  # of the whole source

    def apply(self):
        return self.text[: self.start] + self.put + self.text[self.end :]

    def lines(self, changed):
        """The lines where it is, as one, as they are or as they become."""
        first = self.text.rfind("\n", 0, self.start) + 1
        last = self.text.find("\n", self.end)
        middle = self.put if changed else self.text[self.start : self.end]
        return " ".join((self.text[first : self.start] + middle + self.text[self.end : last]).split())

    @property
    def key(self):
        """Names it for as long as its line stays as it is, wherever that moves."""
        return (f"{self.source}: {self.function}", self.lines(False), self.lines(True))

    @property
    def line(self):
        return self.text.count("\n", 0, self.start) + 1

    def lot(self, seed):
        """Those with the lowest are the sample: a change elsewhere draws no others."""
        return hashlib.sha256(f"{seed} {self.key}".encode()).hexdigest()

    def __str__(self):
        head, old, new = self.key
        return f"{head} (line {self.line})\n- {old}\n+ {new}"


def blanked(text):
    """The text without comments, strings, preprocessor lines and assertions: spaces instead."""
    no_code = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\])'|^#(?:\\\n|[^\n])*|\bassert\([^;]*;"
    return re.sub(no_code, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)


def closing_parenthesis(code, at):
    depth = 0
    for i in range(at, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    raise ValueError("a parenthesis is open")


def functions(code):
    """(start, end, name) of each function's body."""
    found = []
    for m in re.finditer(r"^(?=\w)(?!typedef|enum|union)[\w *]*?\b(\w+)\([^;{}]*\)\n?\s?\{", code, re.M):
        end = code.find("\n}", m.end())
        found.append((m.end(), end, m[1]))
    return found


def places(code):
    """(start, end, what to put there) of everything that can be changed."""
    for pattern, instead in OPERATORS:
        for m in re.finditer(pattern, code):
            for put in instead:
                yield m.start(), m.end(), m.expand(put)
    for m in CONDITION.finditer(code):
        end = closing_parenthesis(code, m.end()) + 1
        yield m.end(), end, "(1)"
        yield m.end(), end, "(0)"


def of(source, folder=PLUGIN):
    """All mutants of a file, in order. Only functions are changed."""
    text = (Path(folder) / source).read_text()
    code = blanked(text)
    bodies = functions(code)
    found = {}
    for start, end, put in sorted(places(code)):
        inside = [name for first, last, name in bodies if first <= start < last]
        if inside and not re.match(r"\s*case\b", code[code.rfind("\n", 0, start) + 1 :]):
            found.setdefault((start, put), Mutant(source, inside[0], start, end, put, text))
    return list(found.values())


def all_mutants(sources=SOURCES):
    return [mutant for source in sources for mutant in of(source)]
