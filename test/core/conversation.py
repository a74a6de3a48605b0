# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversations: TCP segments and what tcplife must make of them.

A file conversations/*.conv holds conversations; `== name` begins one, `#` a
comment. The lines of a conversation:

    +.010 > S 1000 win 64240 ; SYN_SENT SYN_SENT LISTEN [SYN]

A segment: seconds since the one before, who sends (`>` the first end, `<` the
other), flags (S F R P and . for ACK), sequence number or, with data, number:end
(the length of the data is the difference, also with a SYN), `ack`, `sack` (the highest
block, number:end), `win` (64240 unless said), `ttl`, and what tells a copy: `id` of the
IPv4 header and `sum`, TCP's checksum (`off`: still to be computed). A segment that the capture has not seen is simply
not there; one that is lost behind the capture point needs no mark.

What stands behind the `;` must come out, all of it and nothing else:

    phase, client's state, server's state; or `same`: as they were
    [step + step]                 tcplife.step
    {event event=3 event!}        tcplife.event; the number after it; raised as Warn
    (client A -> B, server C -> D after .5, server D -> C (undone))
                                  tcplife.transition, with tcplife.time.<state>; if
                                  missing, each end moves in one step or not at all
    late  guessed  roles          tcplife.late, .guessed, .role.guessed
    copy=2                        tcplife.copy_of
    connection=1                  tcplife.connection; without it, that of the segment before; may stand alone
    verdict=accepted  idle=.5  ttl=-3
                                  tcplife.reset.verdict, .idle, .ttl_delta
    answers=3/data  form=answer  before=.5  evidence=TTL,too_early
                                  tcplife.reset.answers and .answers_kind, .form, .idle_before, .evidence; held
                                  against the line only after a line `evidence`
    [*]  {*}  guessed?            INTERFACE.md leaves it open

An ICMP error 3/1 that quotes the first end's segment 1000; what it must decide is
no more than events and transitions, or nothing:

    +.010 icmp 3/1 > 1000 ; {open.icmp_rejected=3/1} (client SYN_SENT -> CLOSED)

Connection facts, comma-separated, `-key` for "must be absent"; of the connection of the
last segment, unless a number says of which:

    ? open 3-way, -close          what is proven here, in one pass
    +10 = close half-closed       the whole capture, were it to end 10 s from here
    ? 0: close replaced           of connection 0
    = only open 3-way, ...        and no other facts than these, apart from what every connection has
                                  (`duration`, `held`, `packets`, `rtt`) and what a row says of its RST

And the rest:

    use file:name                 the lines of another conversation
    client <                      from here on the other end is the client
    ports > lower                 or `<`, or `equal`; without it ports must not matter; `own`: both ends
                                  are one address and port
    msl 120                       the preference
    evidence                      from here on each line says what its RST answers, and all of it
    path client SYN_SENT ESTABLISHED FIN_WAIT_1 FIN_WAIT_2? TIME_WAIT
                                  the states that an end has been in up to here,
                                  without what was undone, LISTEN, a leading CLOSED,
                                  and CLOSED after TIME_WAIT; `?`: may be missing
"""

import json
import os
import pathlib
import re
import subprocess
from collections import defaultdict
from decimal import Decimal

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("TCPLIFE_BUILD", HERE.parents[1] / "build"))
START = 1_700_000_000 * 10**9
FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, ".": 0x10}
ROLES = ("client", "server")
OPENING = {"SYN_SENT", "SYN_RECEIVED"}
OPEN = {"ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSING", "LAST_ACK"}
ALWAYS = {
    "duration", "client.held", "server.held", "client.state", "server.state", "client.packets", "server.packets",
    "client.rtt", "server.rtt", "role.guessed", "reset.count", "reset.verdict", "reset.form", "reset.answers",
    "reset.answers_kind", "reset.idle", "reset.idle_before", "reset.ttl_delta", "reset.evidence",
}  # fmt: skip

# The events that a connection remembers; as facts, whose segments raised them.
MARKS = (
    "open.syn_ack_differs", "close.fin_retransmitted", "close.fin_misplaced", "close.data_after_own_fin",
    "reset.sender_went_on", "reset.loop",
)  # fmt: skip

WORDS = (
    "verdict", "open", "close", "closed_by", "reset.cause", "reset.sender", "reuse.phase", "silence.side", "reset.verdict",
    "reset.form", "reset.answers_kind", "reset.evidence", *MARKS,
)  # fmt: skip

SEGMENT = re.compile(
    r"(?P<delay>[+-][\d.]+) (?P<end>[<>]) (?P<flags>[SFRP.-]+) (?P<seq>\d+)(:(?P<to>\d+))?"
    r"( ack (?P<ack>\d+))?( sack \d+:(?P<sack>\d+))?( win (?P<win>\d+))?( ttl (?P<ttl>\d+))?"
    r"( id (?P<id>\d+))?( sum (?P<sum>\d+|off))?( ; (?P<expected>.+))?"
)
ICMP = re.compile(
    r"(?P<delay>[+-][\d.]+) icmp (?P<type>\d+)/(?P<code>\d+) (?P<end>[<>]) (?P<seq>\d+)"
    r" ;( nothing)?( \{(?P<events>.*?)\})?( \((?P<moves>.*)\))?"
)
EXPECTED = re.compile(
    r"(?P<states>same|\w+ [\w-]+ [\w-]+)( \[(?P<steps>.*?)\])?( \{(?P<events>.*?)\})?"
    r"( \((?P<moves>.*)\))?(?P<words>( [\w=.,/?-]+)*)"
)
MOVE = re.compile(
    r"(?P<role>\w+) (?P<old>\w+) -> (?P<new>\w+)( after (?P<held>[\d.]+))?(?P<undone> \(undone\))?"
)
FACTS = re.compile(r"((?P<delay>\+[\d.]+) )?(?P<kind>[?=]) ((?P<number>\d+): )?(?P<facts>.+)")


def nanoseconds(seconds):
    return int(Decimal(seconds) * 10**9)


def load(folder="conversations"):
    """All conversations of a folder here, by file stem:name. Each is a list of its lines."""
    found = {}
    for path in sorted((HERE / folder).glob("*.conv")):
        for line in path.read_text().splitlines():
            line = " ".join(line.split())
            if line.startswith("== "):
                name = f"{path.stem}:{line[3:]}"
                assert name not in found, f"{name} is there twice"
                found[name] = []
            elif line and not line.startswith("#"):
                found[name].append(line)
    return {name: list(with_included(lines, found)) for name, lines in found.items()}


def with_included(lines, conversations):
    for line in lines:
        if line.startswith("use "):
            yield from with_included(conversations[line[4:]], conversations)
        else:
            yield line


def replayed(commands):
    """What the core answers, as it prints it."""
    program = BUILD / "test" / "replay"
    text = "\n".join(commands) + "\n"
    run = subprocess.run([program], input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr
    return run.stdout


def replay(commands):
    """What the core answers to each command that has an answer."""
    return [json.loads(line) for line in replayed(commands).splitlines()]


class Variant:
    """A way to play the same conversation: numbers shifted, ends swapped."""

    def __init__(self, wrap, mirrored, ports_swapped):
        # The first end begins with 1000 by custom, the other with 5000.
        self.shift = {">": 0, "<": 0} if wrap is None else {">": -1000 - wrap, "<": -5000 - wrap}
        self.side = {">": mirrored, "<": not mirrored}
        self.ports_swapped = ports_swapped
        self.name = f"wrap {wrap}, mirrored {mirrored}, ports swapped {ports_swapped}"

    def segment(self, time, match, lower):
        end = match["end"]
        other = end if lower == "own" else "<" if end == ">" else ">"
        seq = 0 if is_null_rst(match) else (int(match["seq"]) + self.shift[end]) % 2**32
        ack = (int(match["ack"]) + self.shift[other]) % 2**32 if match["ack"] else 0
        length = int(match["to"] or match["seq"]) - int(match["seq"])
        flags = sum(FLAGS[letter] for letter in set(match["flags"]) - {"-"})
        is_lower = lower == end if lower else (end == "<") != self.ports_swapped
        ports = 2 if lower == "own" else int(is_lower)
        sack = (int(match["sack"]) + self.shift[other]) % 2**32 if match["sack"] else -1
        checksum = -2 if match["sum"] == "off" else match["sum"] or -1
        rest = f"{match['win'] or 64240} {match['ttl'] or 0} {ports} {sack} {match['id'] or -1} {checksum}"
        return f"segment {time} {self.side[end]:d} {flags} {seq} {ack} {length} {rest}"

    def icmp(self, time, match):
        seq = (int(match["seq"]) + self.shift[match["end"]]) % 2**32
        return f"icmp {time} {self.side[match['end']]:d} {seq} {int(match['type']) << 8 | int(match['code'])}"


def is_null_rst(segment):
    """A RST for a segment without ACK has this number, whatever its sender's are (RFC 9293, 3.5.2)."""
    return set("R.") <= set(segment["flags"]) and segment["seq"] == "0"


def makes_null_rst(lines, variant):
    """A RST with that number would fit its sender's numbers by chance, or one with such a number is none."""
    segments = list(filter(None, map(SEGMENT.fullmatch, lines)))
    ends = {s["end"] for s in segments if set("R.") <= set(s["flags"])}
    numbers = {(s["end"], int(s[key] or s["seq"])) for s in segments if not is_null_rst(s) for key in ("seq", "to")}
    numbers |= {(end, number + 1) for end, number in numbers}  # behind a SYN or a FIN
    numbers |= {("<" if s["end"] == ">" else ">", int(s["ack"])) for s in segments if s["ack"]}
    return any((number + variant.shift[end]) % 2**32 == 0 for end, number in numbers if end in ends)


AS_WRITTEN = Variant(None, False, False)


def variants(lines):
    """The same conversation with numbers that wrap at its ISNs, in its handshake,
    in its data and near its FINs; with either end as side 0; with either end on
    the lower port."""
    swaps = (False,) if any(line.startswith("ports ") for line in lines) else (False, True)
    for wrap in (None, 0, 1, 2, 51, 101, 102, 151, 301, 302):
        for mirrored in (False, True):
            for ports_swapped in swaps:
                variant = Variant(wrap, mirrored, ports_swapped)
                if not makes_null_rst(lines, variant):
                    yield variant


def script(lines, variant):
    """The commands for the core, and for each answer the line that it answers."""
    msl, lower, time, last, connection = 30, None, START, START, 0
    commands, asked = [], []
    for line in lines:
        if line.startswith("msl "):
            msl = int(line[4:])
        elif line.startswith("ports "):
            lower = line.split()[1]
        elif match := SEGMENT.fullmatch(line):
            time += nanoseconds(match["delay"])
            last = max(last, time)
            commands.append(variant.segment(time, match, lower))
            asked.append(line)
            connection = named_connection(match["expected"], connection)
        elif match := ICMP.fullmatch(line):
            time += nanoseconds(match["delay"])
            last = max(last, time)
            commands.append(variant.icmp(time, match))
            asked.append(line)
        elif match := FACTS.fullmatch(line):
            of = connection if match["number"] is None else match["number"]
            commands.append(f"facts {match['kind'] == '=':d} {last + nanoseconds(match['delay'] or 0)} {of}")
            asked.append(line)
        else:
            assert re.match("client [<>]|path |evidence$", line), f"cannot read: {line}"
    return [f"capture {msl * 10**9}"] + commands, asked


def named_connection(expected, before):
    """The connection that a segment belongs to, as written."""
    named = re.search(r"\bconnection=(\d+)", expected or "")
    return int(named[1]) if named else before


def written(event):
    """An event as the conversations write it."""
    number = event["number"]
    if event["name"] == "open.icmp_rejected":
        number = f"{number >> 8}/{number & 0xff}"
    return event["name"] + (f"={number}" if number else "") + ("!" if event["warn"] else "")


class Life:
    """What is known of a connection so far."""

    def __init__(self):
        self.client = None
        self.saw_syn = False
        self.spoken = set()  # roles; the others have the states of an older connection, or LISTEN
        self.phase = ""
        self.state = {role: "" for role in ROLES}
        self.path = {role: [] for role in ROLES}


class Checker:
    """Compares the answers with what the lines expect. `problems` says what differs."""

    def __init__(self):
        self.client = ">"
        self.weighs = False
        self.frame = 0
        self.connection = 0
        self.problems = []
        self.lives = defaultdict(Life)

    @property
    def life(self):
        return self.lives[self.connection]

    def check(self, what, expected, got):
        if expected != got:
            self.problems.append(f"{self.line}\n      {what}: expected {expected}, got {got}")

    def run(self, lines, answers):
        for line in lines:
            self.line = line
            if match := SEGMENT.fullmatch(line):
                self.frame += 1
                self.line = f"frame {self.frame}: {line}"
                self.check_report(match, next(answers))
            elif match := ICMP.fullmatch(line):
                self.frame += 1
                self.check_rejection(match, next(answers))
            elif match := FACTS.fullmatch(line):
                self.check_facts(match["facts"], next(answers))
            elif line.startswith("client "):
                self.client = line[-1]
            elif line == "evidence":
                self.weighs = True
            elif line.startswith("path "):
                self.check_path(*line.split()[1:])
        return self.problems

    def check_report(self, segment, report):
        expected_connection = named_connection(segment["expected"], self.connection)
        self.check("connection", expected_connection, report["connection"])
        self.connection = expected_connection
        self.life.client = self.life.client or self.client
        self.life.saw_syn = self.life.saw_syn or set("S.") & set(segment["flags"]) == {"S"}
        self.check_chain(report)
        self.check_counted(report)
        if segment["expected"] and not re.fullmatch(r"connection=\d+", segment["expected"]):
            expected = EXPECTED.fullmatch(segment["expected"])
            assert expected, f"cannot read: {segment['expected']}"
            self.check_states(expected, segment["end"], report)
            self.check_parts(expected, report)
            self.check_moves(expected, report)
            self.check_words(expected["words"].split(), report)
        self.life.spoken.add(report["sender"])
        self.life.phase = report["phase"]
        self.life.state = {role: report[role] for role in ROLES}

    def check_rejection(self, expected, answer):
        self.check_events(expected, answer.get("events", []))
        for role in ROLES:
            moves = [m for m in answer.get("transitions", []) if m["role"] == role]
            self.check_written_moves(role, expected["moves"] or "", moves)
            if moves:
                self.life.state[role] = moves[-1]["to"]
        self.life.phase = "CLOSED" if answer else self.life.phase

    def check_chain(self, report):
        """The moves lead from the states before to the states after."""
        for role in ROLES:
            at = "" if self.is_borrowed(role) else self.life.state[role].strip("-")
            lapsed = None
            for move in (m for m in report["transitions"] if m["role"] == role):
                if at:
                    self.check(f"state that the {role} leaves", at, move["from"])
                at = move["to"]
                self.follow_path(self.life.path[role], move)
                if move.get("held", 0) < 0:
                    self.problems.append(f"{self.line}\n      negative time in {move}")
                lapsed = move if (move["from"], move["to"]) == ("TIME_WAIT", "CLOSED") else None
            if lapsed and "verdict" not in report:  # what follows it makes a last one of another connection
                self.check("time of the lapse", None, lapsed.get("held"))
            if at:
                self.check(f"{role} after its transitions", at, report[role])
            if self.is_borrowed(role) and not self.life.path[role]:
                self.life.path[role].append("LISTEN")
            elif not self.life.path[role]:
                self.life.path[role].append(report[role])

    def check_counted(self, report):
        """Whether the connection counts as `concurrent`, or towards `half_open`. (Late in such a phase
        is what is replaced; a copy is never late.)"""
        late = report.get("late", 0)
        if not report.get("copy_of", 0):
            self.check("open", int(report["phase"] in OPEN and not late), report.get("open", 0))
            opening = int(report["phase"] in OPENING and not late)
            if self.life.saw_syn or not opening: # a duplicate of the older one may have been its SYN
                self.check("opening", opening, report.get("opening", 0))

    def is_borrowed(self, role):
        """An end that has not spoken in a later connection has the state that it has in the one before."""
        return self.connection > 0 and role not in self.life.spoken

    @staticmethod
    def follow_path(path, move):
        if not path:
            path.append(move["from"])
        if move["undone"] and move["to"] in path:
            while path[-1] != move["to"]:
                path.pop()
        else:
            path.append(move["to"])

    def check_states(self, expected, end, report):
        before = " ".join((self.life.phase, *self.life.state.values()))
        got = " ".join((report["phase"], report["client"], report["server"]))
        self.check("states", before if expected["states"] == "same" else expected["states"], got)
        self.check("sender", "client" if end == self.life.client else "server", report["sender"])

    def check_parts(self, expected, report):
        if expected["steps"] != "*":
            self.check("steps", expected["steps"] or "", " + ".join(report["steps"]))
        if expected["events"] != "*":
            self.check_events(expected, report["events"])

    def check_events(self, expected, raised):
        self.check("events", sorted((expected["events"] or "").split()), sorted(map(written, raised)))

    def check_moves(self, expected, report):
        same = expected["states"] == "same"
        new = self.life.state if same else dict(zip(ROLES, expected["states"].split()[1:]))
        for role in ROLES:
            got = [m for m in report["transitions"] if m["role"] == role]
            if expected["moves"]:
                self.check_written_moves(role, expected["moves"], got)
            elif self.life.state[role].strip("-") and not self.is_borrowed(role):
                want = [(self.life.state[role], new[role], 0)] if self.life.state[role] != new[role] else []
                self.check(f"{role}'s transitions", want, [(m["from"], m["to"], m["undone"]) for m in got])

    def check_written_moves(self, role, moves, got):
        want = [m for m in MOVE.finditer(moves) if m["role"] == role]
        self.check(
            f"{role}'s transitions",
            [(m["old"], m["new"], int(bool(m["undone"]))) for m in want],
            [(m["from"], m["to"], m["undone"]) for m in got],
        )
        for w, g in zip(want, got):
            if w["held"]:
                self.check(f"time in {w['old']}", nanoseconds(w["held"]), g.get("held"))

    def check_words(self, words, report):
        values = dict(word.split("=") for word in words if "=" in word)
        for word, key in (("late", "late"), ("guessed", "guessed"), ("roles", "role_guessed")):
            if f"{word}?" not in words:
                self.check(word, int(word in words), report.get(key, 0))
        self.check("copy of", int(values.get("copy", 0)), report.get("copy_of", 0))
        self.check("verdict", values.get("verdict"), report.get("verdict"))
        self.check("ttl", int(values["ttl"]) if "ttl" in values else None, report.get("ttl_delta"))
        if self.weighs:
            self.check_evidence(values, report)
        self.check("idle", nanoseconds(values["idle"]) if "idle" in values else None, report.get("idle"))

    def check_evidence(self, values, report):
        answers = f"{report['answers']}/{report['answered']}" if "answers" in report else None
        self.check("answers", values.get("answers"), answers)
        self.check("form", values.get("form"), report.get("form"))
        self.check("before", nanoseconds(values["before"]) if "before" in values else None, report.get("before"))
        evidence = report["evidence"].replace(", ", ",").replace(" ", "_") if "evidence" in report else None
        self.check("evidence", values.get("evidence"), evidence)

    def check_facts(self, facts, got):
        if facts.startswith("only "):
            facts = facts[len("only ") :]
            named = {fact.split(" ")[0] for fact in facts.split(", ")}
            self.check("other facts", set(), set(got) - named - ALWAYS - set(MARKS))
        for fact in facts.split(", "):
            key, _, value = fact.partition(" ")
            if key.startswith("-"):
                self.check(key[1:], None, got.get(key[1:]))
            elif key in WORDS:
                self.check(key, value.replace(" + ", ", "), got.get(key))
            elif re.search("time|held|gap|duration|idle|rtt|zero_window", key):
                self.check(key, nanoseconds(value), got.get(key))
            else:
                self.check(key, int(value or 1), got.get(key))

    def check_path(self, role, *expected):
        path = []
        for state in self.life.path[role]:
            leading = state == "CLOSED" and not path
            if state != "LISTEN" and not leading and not (state == "CLOSED" and path[-1] == "TIME_WAIT"):
                path.append(state)
        pattern = "".join(f"({s[:-1]} )?" if s.endswith("?") else f"{s} " for s in expected)
        if not re.fullmatch(pattern, "".join(f"{s} " for s in path)):
            self.check(f"path of the {role}", list(expected), path)


def judge(lines, answers):
    """What differs from what is expected; the answers are lines of JSON."""
    try:
        return Checker().run(lines, map(json.loads, answers))
    except (StopIteration, LookupError, ValueError) as error:
        return [f"an answer, or a part of one, is missing or cannot be read: {error!r}"]


def play(lines):
    """What differs from what is expected, in the first variant in which something does."""
    return play_all({"": lines})[""]


def readable(lines, answers):
    """What differs; or the line that cannot be read."""
    try:
        return Checker().run(lines, iter(answers))
    except AssertionError as error:
        return [str(error)]


def play_all(conversations):
    """The same of each of several conversations, which one process plays."""
    played = [
        (name, lines, variant.name, *script(lines, variant))
        for name, lines in conversations.items()
        for variant in variants(lines)
    ]
    answers = iter(replay([command for *_, commands, _ in played for command in commands]))
    problems = {name: [] for name in conversations}
    written = {}
    for name, lines, variant, _, asked in played:
        got = [next(answers) for _ in asked]
        if got == written.setdefault(name, got) and got is not written[name]:
            continue  # judged before
        if not problems[name]:
            found = readable(lines, got)
            found += [f"{line}\n      not as in the first variant" for line, a, b in zip(asked, got, written[name]) if a != b]
            problems[name] = [variant] + found if found else []
    return problems


def answers_as_written(conversations):
    """Each line that has an answer, with its answer."""
    scripts = [script(lines, AS_WRITTEN) for lines in conversations]
    answers = replay([command for commands, _ in scripts for command in commands])
    return list(zip((line for _, asked in scripts for line in asked), answers))


def census(conversations):
    """Every value that occurs while they are played as written, by kind."""
    seen = defaultdict(set)
    for line, answer in answers_as_written(conversations):
        seen["event"].update(event["name"] for event in answer.get("events", []))
        if SEGMENT.fullmatch(line):
            seen["step"].update(answer["steps"])
            for key in ("verdict", "form", "answered"):
                seen[key].add(answer.get(key))
            seen["evidence"].update(answer.get("evidence", "").split(", "))
            seen["phase"].add(answer["phase"])
            for role in ROLES:
                seen[role].add(answer[role])
        elif FACTS.fullmatch(line):
            for key in ("open", "close", "closed_by", "reset.cause"):
                seen[key].add(answer.get(key))
    return {kind: values - {None, ""} for kind, values in seen.items()}
