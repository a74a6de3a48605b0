# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields and expert infos: those promised and no others, and each of them wherever a user may want
it, whether or not anything else asks for it."""

import json
import re
from decimal import Decimal

import pytest

import together
from interface import EVENT, EXPERTS, FIELDS, LAST, full
from wireshark import CAPTURES, TOP, WHOLE

REPEATABLE = {"event", "transition", "story", "reset.evidence", *(name for name in EVENT if name.startswith("time."))}
NEEDS_THE_WHOLE = {*LAST, "client.held", "server.held"}
SEVERITIES = {  # as printed in JSON: as the interface says
    "2097152": "Chat", "4194304": "Note", "6291456": "Warning", "8388608": "Error",
}  # fmt: skip
SMALL = 30_000  # bytes
SECOND = 1_000_000  # microseconds


@pytest.fixture(scope="module")
def examples(wireshark):
    """All small captures, one after the other, which together show everything that there is."""
    small = [name for name in CAPTURES if (TOP / "captures" / f"{name}.pcap").stat().st_size < SMALL]
    return wireshark.write("examples.pcap", together.one_after_the_other(small))


def arguments_for(name):
    return WHOLE if name in NEEDS_THE_WHOLE else ()


# What there is


def test_names_and_types(wireshark):
    have = {name: kind for name, kind, _ in wireshark.fields() if kind != "FT_NONE"}
    assert have == {f"tcplife.{name}": kind for name, kind in FIELDS.items()}


def test_expert_infos(wireshark):
    assert {name for name, kind, _ in wireshark.fields() if kind == "FT_NONE"} == set(full(EXPERTS))


def test_every_field_is_told_in_a_sentence(wireshark):
    for name, kind, told in wireshark.fields():
        if kind != "FT_NONE":
            assert re.fullmatch(r"[A-Z].*\.", told) and len(told.split()) > 3, (name, told)


def test_protocol(wireshark):
    lines = [line.split("\t")[:3] for line in wireshark.tshark("-G", "protocols").splitlines()]
    assert ["TCP Lifecycle", "TCPLIFE", "tcplife"] in lines


# Five ways to see a field


class Shown(dict):
    """Every way in which a capture can be printed whole, each asked for once."""

    def __init__(self, wireshark, capture):
        super().__init__()
        self.wireshark, self.capture = wireshark, capture

    def __missing__(self, key):
        way, arguments = key
        self[key] = getattr(self, way)(arguments)
        return self[key]

    def text(self, arguments):
        """The lines of each frame's tree"""
        printed = self.wireshark.read(self.capture, "-V", *arguments)
        return [part.splitlines() for part in re.split(r"^(?=Frame \d+: )", printed, flags=re.M)[1:]]

    def json(self, arguments):
        """Each frame's pairs of key and value, in their order. A field that stands twice in a tree
        has the same key twice."""
        printed = self.wireshark.read(self.capture, "-T", "json", *arguments)
        return [list(leaves(frame)) for frame in json.loads(printed, object_pairs_hook=list)]

    def columns(self, arguments):
        """Each field's cells, in a packet list that has a column for each"""
        formats = ",".join(f'"{name}","%Cus:tcplife.{name}:0:R"' for name in FIELDS)
        printed = self.wireshark.read(self.capture, "-o", f"gui.column.format:{formats}", "-T", "tabs", *arguments)
        rows = (line.split("\t") for line in printed.split("\n")[:-1])
        return dict(zip(FIELDS, zip(*([cell.strip() for cell in row] for row in rows)), strict=True))

    def ek(self, arguments):
        printed = self.wireshark.read(self.capture, "-T", "ek", *arguments)
        return [list(leaves(json.loads(line, object_pairs_hook=list)))
                for line in printed.splitlines()[1::2]]  # fmt: skip


def leaves(pairs):
    """Keys and values of a JSON text whose objects were read as lists of pairs; of an array, each
    of its values"""
    for key, value in pairs:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            yield from leaves(value)
        elif isinstance(value, list):
            yield from ((key, it) for it in value)
        else:
            yield key, value


def as_text(value):
    return "1" if value in (True, "True", "true") else str(value)


SECONDS = {
    "hour": 3600, "minute": 60, "second": 1, "millisecond": Decimal("1e-3"), "microsecond": Decimal("1e-6"),
    "nanosecond": Decimal("1e-9"),
}  # fmt: skip


def in_seconds(text):
    """What the tree says of a time: in seconds, and from 4.6 on in the units that suit it"""
    parts = re.findall(r"(-?[\d.]+) (\w+?)s?\b", text)
    return sum(Decimal(number) * SECONDS[unit] for number, unit in parts)


@pytest.fixture(scope="module")
def shown(wireshark, examples):
    return Shown(wireshark, examples)


@pytest.fixture(scope="module")
def titles(wireshark):
    """The name by which the packet tree shows each field"""
    lines = [line.split("\t") for line in wireshark.tshark("-G", "fields").splitlines()]
    return {line[2]: line[1] for line in lines if line[0] == "F" and line[2].startswith("tcplife.")}


WITH_COMMAS = ("verdict",)  # in a value of its own


@pytest.mark.parametrize("name", FIELDS)
def test_five_ways(wireshark, examples, shown, titles, name):
    field, arguments = f"tcplife.{name}", arguments_for(name)
    wanted = [row[field] for row in wireshark.rows(examples, [field], *arguments)]
    some = next(values[0] for values in wanted if values)
    boolean = FIELDS[name] == "FT_BOOLEAN"

    alone = FIELDS[name] == "FT_ABSOLUTE_TIME"
    whole = alone or name in WITH_COMMAS
    cells = shown["columns", arguments][name]
    columns = [[cell] if whole else as_text(cell).split(",") for cell in cells]
    columns = [values if any(values) else [] for values in columns]
    assert [",".join(values) for values in columns] == [",".join(values) for values in wanted]

    literal = f'"{some}"' if FIELDS[name] in ("FT_STRING", "FT_ABSOLUTE_TIME") else some
    found = wireshark.read(examples, *arguments, "-Y", f"{field} && {field} == {literal}")
    numbers = [int(line.split()[0]) for line in found.splitlines()]
    assert numbers == [number for number, values in enumerate(wanted, 1) if some in values]

    def values_of(pairs, key):
        return [as_text(value) for it, value in pairs if it == key]

    if alone:  # each writes the date in its own way
        wanted = [[re.search(r"\d\d:\d\d:\d\d\.\d+", value)[0] for value in values] for values in wanted]
        for kind, key in (("json", field), ("ek", "tcplife_" + field.replace(".", "_"))):
            got = [values_of(frame, key) for frame in shown[kind, arguments]]
            assert [[wanted_one in value for value, wanted_one in zip(*both)] for both in zip(got, wanted)] == [
                [True] * len(values) for values in wanted
            ]
        return
    assert [values_of(frame, field) for frame in shown["json", arguments]] == wanted
    key = "tcplife_" + field.replace(".", "_")
    assert [values_of(frame, key) for frame in shown["ek", arguments]] == wanted

    if FIELDS[name] == "FT_FRAMENUM":  # there is no link to the frame itself
        own = f"[{titles[field].removesuffix('frame')}this frame]"
        at_home = [values == [str(number)] for number, values in enumerate(wanted, 1)]
        assert [own in map(str.strip, lines) for lines in shown["text", arguments]] == at_home
        wanted = [[] if home else values for home, values in zip(at_home, wanted)]
    for lines, values in zip(shown["text", arguments], wanted, strict=True):
        begin = f"[{titles[field]}: "
        said = [line.strip().removeprefix(begin) for line in lines if line.strip().startswith(begin)]
        values = ["True" if boolean else value for value in values]
        if FIELDS[name] == "FT_RELATIVE_TIME":
            assert [in_seconds(it) for it in said] == [Decimal(value) for value in values]
            continue
        assert len(said) == len(values)
        assert all(re.match(re.escape(value) + r"(?!\w)", it) for it, value in zip(said, values))


def test_one_of_each_for_one_header(wireshark, examples):
    fields = full(name for name in FIELDS if name not in REPEATABLE)
    for number, row in enumerate(wireshark.rows(examples, fields, *WHOLE), 1):
        assert [field for field, values in row.items() if len(values) > 1] == [], f"frame {number}"


def test_no_empty_strings(wireshark, examples):
    empty = " || ".join(f'tcplife.{name} == ""' for name, kind in FIELDS.items() if kind == "FT_STRING")
    assert wireshark.read(examples, *WHOLE, "-Y", empty) == ""


def test_a_boolean_is_there_only_when_it_is_true(wireshark, examples):
    booleans = [name for name, kind in FIELDS.items() if kind == "FT_BOOLEAN"]
    wrong = " || ".join(f"tcplife.{name} == 0" for name in booleans)
    assert wireshark.read(examples, *WHOLE, "-Y", wrong) == ""


def test_counts_of_nothing_are_absent(wireshark, examples):
    counts = ["client.bytes", "server.bytes", "open.syns", "close.race", "half_close.bytes",
              "keepalive.count", "keepalive.unanswered"]  # fmt: skip
    wrong = " || ".join(f"tcplife.{name} == 0" for name in counts)
    assert wireshark.read(examples, *WHOLE, "-Y", wrong) == ""


STATES = ["CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"]
VALUES = {
    "client.state": STATES, "server.state": STATES, "phase": [it for it in STATES if it not in ("LISTEN", "CLOSE_WAIT")],
    "sender": ["client", "server"], "closed_by": ["client", "server", "both"], "reset.sender": ["client", "server"],
    "reset.verdict": ["accepted", "challenged", "ignored", "unknown"], "reset.form": ["answer", "own"],
    "reset.answers_kind": ["SYN", "SYN/ACK", "data", "FIN", "keep-alive", "ACK", "RST"],
    "reset.evidence": ["TTL", "too early", "sender went on"], "silence.side": ["client", "server"],
}  # fmt: skip
OF_A_RST = ["verdict", "form", "answers", "answers_kind", "idle", "idle_before", "ttl_delta"]


def test_values_are_those_promised(wireshark, examples):
    listed = {name: ", ".join(f'"{value}"' for value in values) for name, values in VALUES.items()}
    wrong = " || ".join(f"(tcplife.{name} && !(tcplife.{name} in {{{values}}}))" for name, values in listed.items())
    assert wireshark.read(examples, "-Y", wrong) == ""


def test_what_is_told_of_a_rst_stands_on_rsts(wireshark, examples):
    told = " || ".join(f"tcplife.reset.{name}" for name in OF_A_RST)
    assert wireshark.read(examples, "-Y", f"({told}) && !(tcp.flags.reset == 1)") == ""


@pytest.mark.parametrize("name, most", [("accept-queue-full", 3), ("story-05-4-way-close", 1)])
def test_graph_of_a_field(wireshark, name, most):
    """An I/O graph asks for its field and for nothing else. One line of the table is one interval, and
    its number the maximum."""
    field = "tcplife.concurrent"
    printed = wireshark.read(name, "-q", "-z", f"io,stat,60,MAX({field}){field}")
    rows = re.findall(r"^\|.*<>.*\| *(\d+) \| *\|$", printed, re.MULTILINE)
    assert rows == [str(most)]


# Expert infos


def raised(shown):
    """(name, severity, text) of every expert info of ours, as -T json has them"""
    for frame in shown["json", ()]:
        for (key, _), (_, text), (_, severity) in zip(frame, frame[1:], frame[2:]):
            if key.removeprefix("tcplife.") in EXPERTS and key != key.removeprefix("tcplife."):
                yield key.removeprefix("tcplife."), SEVERITIES[severity], text


def test_severity_and_words(shown):
    """The words are exact; a number, an address or a frame may follow."""
    seen = set()
    for name, severity, text in raised(shown):
        seen.add(name)
        wanted, words = EXPERTS[name]
        assert severity in wanted.split("/"), name
        if words:
            assert re.fullmatch(re.escape(words) + r"([ ,:(].*\d.*)?", text), (name, text)
        else:
            assert len(text.split()) > 1 or name == "keepalive.probe", (name, text)
    assert seen == set(EXPERTS)


def test_retransmissions_tell_the_attempt(shown):
    attempts = [text for name, _, text in raised(shown) if name == "open.syn_retransmitted"]
    assert attempts and all(re.search(r"\b[2-9]\b", text) for text in attempts)
    attempts = [text for name, _, text in raised(shown) if name == "open.syn_ack_retransmitted"]
    assert attempts and all(re.search(r"\b[2-9]\b", text) for text in attempts)


def test_every_expert_info_is_an_event_of_its_frame(shown):
    for number, frame in enumerate(shown["json", ()], 1):
        events = [value for key, value in frame if key == "tcplife.event"]
        experts = [key.removeprefix("tcplife.") for key, _ in frame]
        assert events == [name for name in experts if name in EXPERTS], f"frame {number}"


def test_events_say_why(shown):
    """The text of an event ends in a plain sentence with the section of an RFC."""
    told = [line.strip() for lines in shown["text", ()] for line in lines if "Event: " in line]
    assert told
    for line in told:
        assert re.search(r"[.:] [A-Z].* \(.*RFC \d{3,4}.*\)\.\]$", line), line


def test_an_abort_says_who_and_after_how_long(wireshark):
    row = wireshark.rows("rst-after-idle", ["tcplife.sender", "tcplife.reset.idle"], "-Y", "tcplife.reset.abort")[0]
    told = wireshark.read("rst-after-idle", "-V", "-Y", "tcplife.reset.abort")
    sender, idle = row["tcplife.sender"][0], Decimal(row["tcplife.reset.idle"][0])
    assert idle > 5
    assert f"The {sender} ended the open connection at once, {idle:.6f} s after the last data" in told


@pytest.mark.parametrize("name", ["abort-by-client", "abort-with-data-in-flight"])
def test_an_abort_says_what_was_not_acknowledged(wireshark, name):
    fields = ["tcplife.client.unacked", "tcplife.server.unacked"]
    (row,) = wireshark.rows(name, fields, "-Y", "tcplife.reset.abort")
    client, server = (int(row[field][0]) if row[field] else 0 for field in fields)
    told = f"{client} bytes of the client's and {server} of the server's were not acknowledged"
    if not client and not server:
        told = "all that had passed was acknowledged"
    assert f", and {told} (RFC" in wireshark.read(name, "-V", "-Y", "tcplife.reset.abort")


def test_groups_of_expert_infos_have_names_of_their_own(wireshark):
    """They begin as Wireshark's own do, end in a word that needs no number, and none is there twice."""
    lines = (line.split("\t") for line in wireshark.tshark("-G", "fields").splitlines())
    names = [line[1] for line in lines if line[0] == "F" and line[2].startswith("tcplife.") and line[3] == "FT_NONE"]
    assert len(names) == len(set(names)) == len(EXPERTS)
    assert [name for name in names if re.match("[a-z]", name) or name.endswith("attempt")] == []


ORDER = ["Chat", "Note", "Warning", "Error"]


def reason(frame):
    """What a frame's tree says of it while it is closed: the text of the first of its gravest expert infos,
    else its step, else that it is late"""
    found = []
    for (key, _), (_, text), (_, severity) in zip(frame, frame[1:], frame[2:]):
        if key.removeprefix("tcplife.") in EXPERTS and key != key.removeprefix("tcplife."):
            found.append((-ORDER.index(SEVERITIES[severity]), len(found), text))
    steps = [value for key, value in frame if key == "tcplife.step"]
    late = ["late" for key, _ in frame if key == "tcplife.late"]
    return min(found)[2] if found else (steps + late + [None])[0]


def test_the_line_of_a_closed_tree_says_why(shown):
    for lines, frame in zip(shown["text", ()], shown["json", ()], strict=True):
        values = dict(frame)
        if "tcplife.phase" not in values:
            continue
        line = f"[TCP Lifecycle, {values['tcplife.phase']}"
        if "tcplife.client.state" in values:
            line += f", client {values['tcplife.client.state']}, server {values['tcplife.server.state']}"
        why = reason(frame)
        assert line + (f": {why}]" if why else "]") in lines


def test_expert_statistics_without_a_tree(wireshark, shown, examples):
    """`-q -z expert` reads once and builds no tree, and has every expert info nevertheless."""
    wanted = {}
    for name, severity, text in raised(shown):
        wanted[severity, text] = wanted.get((severity, text), 0) + 1
    severities = {"Errors": "Error", "Warns": "Warning", "Notes": "Note", "Chats": "Chat"}
    counted, severity = {}, None
    for line in wireshark.read(examples, "-q", "-z", "expert").splitlines():
        if match := re.match(r"(\w+) \(\d+\)$", line):
            severity = severities[match[1]]
        elif match := re.match(r" *(\d+) +\w+ +TCPLIFE +(.*)", line):
            counted[severity, match[2]] = counted.get((severity, match[2]), 0) + int(match[1])
    assert counted == wanted


@pytest.mark.parametrize("name", EXPERTS)
def test_expert_info_is_a_filter(wireshark, examples, shown, name):
    found = wireshark.read(examples, "-Y", f"tcplife.{name}")
    wanted = [
        number
        for number, frame in enumerate(shown["json", ()], 1)
        if f"tcplife.{name}" in [key for key, _ in frame]
    ]
    assert [int(line.split()[0]) for line in found.splitlines()] == wanted != []


@pytest.mark.parametrize("name", ["open.simultaneous_open", "close.merged", "reset.abort"])
def test_who_looks_for_any_expert_info_finds_ours(wireshark, examples, shown, name):
    words = EXPERTS[name][1]
    found = wireshark.read(examples, "-Y", f'_ws.expert.message == "{words}"')
    wanted = [n for n, frame in enumerate(shown["json", ()], 1) if f"tcplife.{name}" in [key for key, _ in frame]]
    assert [int(line.split()[0]) for line in found.splitlines()] == wanted != []


def test_reuse_after_an_old_connection_is_only_a_note(wireshark):
    """With MSL 0 TIME_WAIT is over when the ports are used again."""
    field = ["_ws.expert.message", "_ws.expert.severity"]
    reuse = ("-Y", "tcplife.open.port_reuse")
    capture = "port-reuse-in-client-time-wait"
    (warned,) = wireshark.rows(capture, field, *reuse)
    (noted,) = wireshark.rows(capture, field, *reuse, "-o", "tcplife.msl:0")
    severities = []
    for row in (warned, noted):
        at = [text.startswith("4-tuple reused") for text in row["_ws.expert.message"]].index(True)
        severities.append(row["_ws.expert.severity"][at])
    assert [SEVERITIES.get(it, it) for it in severities] == ["Warning", "Note"]
