# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads captures.expect, where the notation is told."""

import re
from dataclasses import dataclass, field
from pathlib import Path

TABLE = Path(__file__).with_name("captures.expect")
FAILED = {  # values of tcplife.open
    "refused", "rejected by ICMP", "unanswered", "half-open", "overflow", "answered by ACK",
    "reset by opener", "orphan",
}  # fmt: skip


@dataclass
class Line:
    """What one frame decides and what holds after it."""

    paths: list = None  # of phase, client and server: the states entered; None: unchanged
    step: str = ""
    events: list = field(default_factory=list)
    late: bool = False
    guessed: bool = False
    verdict: str = ""

    @property
    def quotes(self):
        """Whether it is of an ICMP error, which is no frame of the connection"""
        return self.paths is not None and self.paths[0] == ["ICMP"]


@dataclass
class Connection:
    facts: dict
    lines: dict = field(default_factory=dict)  # by frame: a number, or "#n" for the connection's n-th


def parse_line(text, swapped=False):
    states, step, notes = (part.strip() for part in (text + "||").split("|")[:3])
    line = Line(step=step)
    if states != "=":
        phase, client, server = (path.split(">") for path in states.split())
        line.paths = [phase, server, client] if swapped else [phase, client, server]
    for note in notes.split():
        if note in ("late", "guessed"):
            setattr(line, note, True)
        elif note.startswith("rst:"):
            line.verdict = note.removeprefix("rst:")
        else:
            line.events.append(note)
    return line


def parse_facts(text):
    """`open 3-way; bytes 23/51`, with what follows from it"""
    facts = dict(fact.split(" ", 1) for fact in text.split("; "))
    if "bytes" in facts:
        client, server = facts.pop("bytes").split("/")
        facts["client.bytes"], facts["server.bytes"] = client, server
    if facts.get("open") in FAILED:
        facts["open.failed"] = "1"
    return {name: value for name, value in facts.items() if value != "0" or name == "reuse.connection"}


def as_frame(text):
    return text if text.startswith("#") else int(text)


class Reader:
    def __init__(self):
        self.patterns = {}
        self.captures = {}
        self.into = None  # a pattern's list of lines, or the connections that lines are for

    def read(self, text):
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                self.take(line.strip())
        return self.captures

    def take(self, text):
        word, _, rest = text.partition(" ")
        if word == "pattern":
            self.into = self.patterns[rest] = []
        elif word == "capture":
            connections = self.captures[rest] = {}
            self.connections = connections
        elif word in ("connection", "connections"):
            self.begin_connections(rest)
        elif isinstance(self.into, dict):
            self.take_frames(text)
        else:
            self.into.append(text)

    def begin_connections(self, text):
        numbers, facts = text.split(": ", 1)
        first, _, last = numbers.partition("-")
        self.into = {
            number: Connection(parse_facts(facts))
            for number in range(int(first), int(last or first) + 1)
        }
        self.connections.update(self.into)

    def take_frames(self, text):
        if match := re.match(r"(#?\d+) +(.*)", text):
            frame, rest = match.groups()
            for connection in self.into.values():
                connection.lines[as_frame(frame)] = parse_line(rest)
            return
        name, frames = re.match(r"(.*?) ((?: ?#?\d+)+)$", text).groups()
        swapped = name.endswith(" by server")
        pattern = self.patterns[name.removesuffix(" by server")]
        for connection in self.into.values():
            for frame, line in zip(frames.split(), pattern, strict=True):
                connection.lines[as_frame(frame)] = parse_line(line, swapped)


def read_expectations():
    """{capture: {number of connection: Connection}}"""
    return Reader().read(TABLE.read_text())
