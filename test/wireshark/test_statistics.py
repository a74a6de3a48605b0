# SPDX-License-Identifier: GPL-2.0-or-later
"""-z tcplife,...: every format has the same connections with the same values, to the digit, and they
are those of the fields on each connection's last frame when the whole capture has been read."""

import csv
import io
import itertools
import json
import re
import subprocess
from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal

import pytest

import pcap
from interface import FACT, FIELDS, full
from wireshark import ALL_STATISTICS, STATISTICS, TIMEOUT, WHOLE, as_somebody, frames_of

HEAD = ["tcp.stream", "tcplife.connection", "tcplife.phase", "tcplife.client.state", "tcplife.server.state"]
# What the RST that ended the connection, else the first one, has on its frame; and more of the whole.
RST = ["verdict", "form", "answers", "answers_kind", "idle", "idle_before", "ttl_delta", "evidence"]
TAIL = full([*(f"reset.{name}" for name in RST), "role.guessed", "events"])
FACTS = full(sorted({*FACT, "conn_state", "history"}))
TYPES = {name: "FT_STRING" for name in FACTS}
TYPES |= {f"tcplife.{name}": kind for name, kind in FIELDS.items()}
TYPES |= {"tcp.stream": "FT_UINT32", "tcplife.start": "FT_RELATIVE_TIME", "tcplife.events": "FT_STRING"}
COLUMNS = [
    "Connection", "Stream", "Client", "Server", "Start (UTC)", "Duration", "Client bytes", "Server bytes", "Open", "Open time",
    "Close", "Closed by", "RST cause", "conn_state", "Client state", "Client held", "Server state", "Server held",
]  # fmt: skip
FURTHER = {
    "Client packets": "client.packets", "Server packets": "server.packets",
    "Client retransmitted": "client.retransmitted", "Server retransmitted": "server.retransmitted",
    "Client RTT": "client.rtt", "Server RTT": "server.rtt", "Copies": "copies",
}  # fmt: skip
FURTHER = {title: name for title, name in FURTHER.items() if name in FACT}
COLUMNS += FURTHER
GROUPS = {
    "Open": "tcplife.open",
    "Close": "tcplife.close",
    "Closed by": "tcplife.closed_by",
    "RST cause": "tcplife.reset.cause",
    "RST form": "tcplife.reset.form",
    "RST answers": "tcplife.reset.answers_kind",
    "RST evidence": "tcplife.reset.evidence",
    "Phase": "tcplife.phase",
}
SEVERAL = "story-13-syn-flood"  # a capture with many connections


def statistics(printed):
    """What each statistic says, {name: text}, of what tshark prints of all"""
    # Who was asked last is the first to answer.
    tree, lines = re.match(r"\n(=+\n.*?\n-+\n.*?\n-+\n)(.*)", printed, re.DOTALL).groups()
    table, rows = lines.split("tcp.stream,", 1)
    rows = ("tcp.stream," + rows).splitlines(keepends=True)
    objects = [line for line in rows if line.startswith("{")]
    return {
        "tree": tree,
        "streams": table,
        "csv": "".join(line for line in rows if not line.startswith("{")),
        "json": "".join(objects),
    }


def filtered(wireshark, capture, condition):
    asked = [f"{word},{condition}" if word.startswith("tcplife,") else word for word in ALL_STATISTICS]
    return statistics(wireshark.read(capture, *asked))


def objects(text):
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def as_text(value):
    return "true" if value is True else f"{value:f}" if isinstance(value, Decimal) else str(value)


@pytest.fixture
def printed(wireshark, capture):
    return statistics(wireshark.statistics(capture))


# Every connection, once, with the values of its fields


def has_type(value, kind):
    if kind == "FT_STRING":
        return isinstance(value, str) and value
    if kind == "FT_BOOLEAN":
        return value is True
    if kind == "FT_RELATIVE_TIME":
        return isinstance(value, Decimal)
    return type(value) is int


def test_json_has_a_line_for_each_connection_and_values_of_their_type(wireshark, capture, printed):
    rows = objects(printed["json"])
    connections = {
        int(row["tcplife.connection"][0]): int(row["tcp.stream"][0])
        for row in reversed(wireshark.everything(capture).values())
        if row["tcplife.phase"] and len(row["tcp.stream"]) == 1
    }
    assert {row["tcplife.connection"]: row["tcp.stream"] for row in rows} == connections
    assert [row["tcplife.connection"] for row in rows] == sorted(connections)
    for row in rows:
        assert set(HEAD[: 3 if row.get("tcplife.open") == "orphan" else None]) <= set(row)
        for name, value in row.items():
            assert name in HEAD or name in FACTS or name in TAIL
            assert has_type(value, TYPES[name]), (name, value)


def test_json_is_what_the_fields_say(wireshark, capture, printed):
    """The last frame of each connection shows the facts of it all. An ICMP error that ends one is no frame
    of its, so the states are not compared there."""
    frames = wireshark.everything(capture, *WHOLE).values()
    last = {int(row["tcplife.connection"][0]): row for row in frames if row["tcplife.last"] == ["1"]}
    first = {int(row["tcplife.connection"][0]): row for row in reversed(frames) if row["tcplife.phase"]}
    rows = {row["tcplife.connection"]: row for row in objects(printed["json"])}
    assert rows.keys() == last.keys()
    for number, row in rows.items():
        assert row["tcplife.start"] == Decimal(first[number]["frame.time_epoch"][0])
        rejected = row.get("tcplife.open") == "rejected by ICMP"
        for name in FACTS if rejected else FACTS + HEAD[2:]:
            if name in last[number] and name != "tcplife.start":
                text = as_text(row.get(name, ""))
                text = "1" if text == "true" else text
                assert text == " ".join(last[number][name]), (number, name)


def rst_of(row, frames):
    """The RST that a row tells of"""
    rsts = [frame for frame in frames if frame["tcplife.reset.verdict"]]
    ending = [frame for frame in rsts if frame["frame.number"] == [str(row.get("tcplife.frame.rst"))]]
    return (ending or rsts or [None])[0]


def test_a_row_tells_what_its_rst_says(wireshark, capture, printed):
    """Evidence apart, which may stand on a later frame."""
    frames = list(wireshark.everything(capture, *WHOLE).values())
    for row in objects(printed["json"]):
        own = [frame for frame in frames if frame["tcplife.connection"][:1] == [str(row["tcplife.connection"])]]
        rst = rst_of(row, own)
        for name in TAIL[: RST.index("evidence")]:
            assert as_text(row.get(name, "")) == (" ".join(rst[name]) if rst else ""), name
        evidence = {one for frame in own for one in frame["tcplife.reset.evidence"]}
        told = row.get("tcplife.reset.evidence", "").split(", ")
        assert {*filter(None, told)} <= evidence


def test_a_row_counts_the_events(wireshark, capture, printed):
    frames = list(wireshark.everything(capture).values())
    for row in objects(printed["json"]):
        own = [frame for frame in frames if frame["tcplife.connection"][:1] == [str(row["tcplife.connection"])]]
        counted = Counter(event for frame in own for event in frame["tcplife.event"])
        told = dict(one.rsplit(" ", 1) for one in row.get("tcplife.events", "").split(", ") if one)
        assert {name: int(count) for name, count in told.items()} == counted


def test_csv_is_json(printed):
    read = list(csv.DictReader(io.StringIO(printed["csv"], newline=""), strict=True))
    rows = objects(printed["json"])
    assert len(read) == len(rows)
    names = csv.reader(io.StringIO(printed["csv"])).__next__()
    assert names == HEAD + [name for name in names if name not in HEAD]
    assert sorted(names) == sorted([*HEAD, *FACTS, *TAIL])
    for of_csv, of_json in zip(read, rows):
        text = {name: as_text(value) for name, value in of_json.items()}
        assert of_csv == {name: text.get(name, "") for name in names}


def end(row, role):
    address, port = row[f"tcplife.{role}.addr"], row[f"tcplife.{role}.port"]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def moment(seconds):
    whole, fraction = divmod(seconds, 1)
    day = datetime.fromtimestamp(int(whole), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{day}.{int(fraction * 10**9):09}Z"


def cells(row):
    """What the line of a connection must have."""

    def text(name, without=""):
        return as_text(row.get(f"tcplife.{name}", without))

    return [
        text("connection"), str(row["tcp.stream"]), end(row, "client"), end(row, "server"), moment(row["tcplife.start"]),
        text("duration"), text("client.bytes", 0), text("server.bytes", 0), text("open"), text("open.time"),
        text("close"), text("closed_by"), text("reset.cause"), text("conn_state"), text("client.state"),
        text("client.held"), text("server.state"), text("server.held"), *(text(name, "" if "rtt" in name else 0) for name in FURTHER.values()),
    ]  # fmt: skip


def in_columns(text):
    """The cells of lines, where columns are at least two blanks apart in all of them."""
    lines = text.splitlines()
    width = max(map(len, lines))
    lines = [line.ljust(width) for line in lines]
    blank = "".join(" " if all(line[i] == " " for line in lines) else "x" for i in range(width))
    places = [match.span() for match in re.finditer(r"x+( x+)*", blank)]
    return [[line[start:end].strip() for start, end in places] for line in lines]


def test_lines_are_json(printed):
    assert in_columns(printed["streams"]) == [COLUMNS, *map(cells, objects(printed["json"]))]


def values_of(row):
    """Group and value, for each line of the tree that counts the row"""
    if "tcplife.reset.verdict" in row:  # the RST that a row tells of may answer nothing
        row = {"tcplife.reset.answers_kind": "nothing"} | row
    for group, name in GROUPS.items():
        for value in row[name].split(", ") if name in row else ():  # several pieces of evidence
            yield group, value


def counts(rows):
    """The tree, as {path: count}."""
    tree = Counter({("Connections",): 0, ("By server",): 0})
    for row in rows:
        server = ("By server", end(row, "server"))
        tree[server[:1]] += 1
        for top in (("Connections",), server):
            tree[top] += 1
            for group, value in values_of(row):
                tree[(*top, group)] += 1
                tree[(*top, group, value)] += 1
    return dict(tree)


def tree_counts(text):
    path, tree = [], {}
    for line in text.splitlines()[4:-2]:
        indent, name, number = re.match(r"( *)(.*?)  +(\d+)  ", line).groups()
        path[len(indent) :] = [name]
        tree[tuple(path)] = int(number)
    return tree


def test_tree_counts_what_json_has(printed):
    assert tree_counts(printed["tree"]) == counts(objects(printed["json"]))


def test_tree_keeps_its_sections_in_order_and_its_items_by_count(printed):
    """Of all connections and of each server; an average, a minimum and a maximum are of a section's items."""
    order = [*GROUPS]
    sections, items = {}, {}
    for path, number in tree_counts(printed["tree"]).items():
        if path[-1] in order and path[-2] != "By server":
            sections.setdefault(path[:-1], []).append(path[-1])
        elif path[-2:-1] and path[-2] in order:
            items.setdefault(path[:-1], []).append(number)
    assert sections and items
    for found in sections.values():
        assert found == [name for name in order if name in found]
    for found in items.values():
        assert found == sorted(found, reverse=True)
    for name, least, most in re.findall(r"^ (\w[\w ]*\w) +\d+ +[\d.]+ +(\d+) +(\d+) ", printed["tree"], re.MULTILINE):
        found = items["Connections", name]
        assert (int(least), int(most)) == (min(found), max(found))


@pytest.mark.parametrize("options", [("-2",), WHOLE], ids=["two passes", "look-ahead"])
def test_facts_are_final_in_any_pass(wireshark, all_at_once, options):
    assert wireshark.json(all_at_once, *options) == wireshark.json(all_at_once) != []


# Filters and arguments


@pytest.mark.parametrize(
    "condition",
    ["tcp.flags.reset == 1", "tcp.stream in {1, 3} && tcp.flags.syn == 1", 'tcplife.phase == "ESTABLISHED"', "udp"],
)
def test_filter_chooses_connections_and_changes_no_number(wireshark, condition):
    for capture in (SEVERAL, "port-reuse-in-client-time-wait", "story-02-keep-alive-rst"):
        chosen = filtered(wireshark, capture, condition)
        matching = {
            int(row["tcp.stream"][0])
            for row in wireshark.rows(capture, ["tcp.stream", "tcplife.phase"], "-Y", condition)
            if row["tcplife.phase"]
        }
        rows = objects(statistics(wireshark.statistics(capture))["json"])
        expected = [row for row in rows if row["tcp.stream"] in matching]
        assert objects(chosen["json"]) == expected
        assert len(list(csv.reader(io.StringIO(chosen["csv"])))) == len(expected) + 1
        assert len(chosen["streams"].splitlines()) == len(expected) + 1
        assert tree_counts(chosen["tree"]) == counts(expected)


def test_empty_filter_is_none(wireshark):
    assert wireshark.read(SEVERAL, "-q", "-z", "tcplife,json,") == wireshark.read(SEVERAL, "-q", "-z", "tcplife,json")


@pytest.mark.parametrize("name", STATISTICS)
def test_a_wrong_filter_is_refused_as_wireshark_does_it(wireshark, name):
    done, stock = (
        wireshark.run("tshark", "-q", "-r", wireshark.path(SEVERAL), "-z", f"{kind},no.such.field == 1")
        for kind in (f"tcplife,{name}", "conv,tcp")
    )
    assert (done.returncode, done.stdout) == (stock.returncode, stock.stdout) == (1, "")
    rest = stock.stderr.replace("conversations", f"tcplife,{name}", 1)
    assert done.stderr == rest and done.stderr.startswith("tshark: Couldn't register tcplife,")


@pytest.mark.parametrize("argument", ["tcplife", "tcplife,", "tcplife,xml", "tcplife,csvx", "tcplife,json tcp"])
def test_a_wrong_argument_is_refused_as_wireshark_does_it(wireshark, argument):
    done = wireshark.run("tshark", "-q", "-r", wireshark.path(SEVERAL), "-z", argument)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f'tshark: Invalid -z argument "{argument}"; it must be ')


def test_help_lists_the_statistics(wireshark):
    listed = wireshark.run("tshark", "-z", "help").stderr.split()
    assert [name for name in listed if name.startswith("tcplife")] == [f"tcplife,{name}" for name in sorted([*STATISTICS, "story"])]
    assert "flow,tcplife" in listed


def test_a_capture_without_tcp(wireshark):
    path = wireshark.write("nothing.pcap", bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    empty = statistics(wireshark.statistics(path))
    assert empty["json"] == ""
    assert empty["csv"].startswith("tcp.stream,") and empty["csv"].count("\n") == 1
    assert in_columns(empty["streams"]) == [COLUMNS]
    assert tree_counts(empty["tree"]) == {("Connections",): 0, ("By server",): 0}


def test_csv_ends_its_lines_as_rfc_4180_says(wireshark):
    done = subprocess.run(
        [*as_somebody(), "tshark", "-q", "-r", wireshark.path(SEVERAL), "-z", "tcplife,csv"],
        capture_output=True, cwd=wireshark.folder, env=wireshark.environment, timeout=TIMEOUT,
    )  # fmt: skip
    lines = done.stdout.split(b"\r\n")
    assert lines.pop() == b"" and len(lines) > 2
    assert not any(b"\n" in line or b"\r" in line for line in lines)


# Graphs


WIDTH = 20  # of a label in a graph of two ends; Wireshark cuts what is longer


def drawn_in(text):
    """(connection where there are several, time, label, port that it comes from and that it goes to, comment) of
    each arrow"""
    for line, below in itertools.pairwise(text.splitlines()):
        if match := re.match(r"(\d*) *\|(-?\d+\.\d+) *\|(.*)\|(.*)", line):
            connection, time, label, comment = match.groups()
            left, head, right = re.search(r"\((\d+)\)[ |]*(<?)-+>?[ |]*\((\d+)\)", below).groups()
            ends = (right, left) if head else (left, right)
            yield connection, time, label.replace("|", "").strip()[:WIDTH], *ends, comment


def test_flow_graph_draws_the_deciding_and_the_answered_segments(wireshark, capture):
    if capture == SEVERAL:
        capture = "busy-server"  # of more than 40 addresses tshark draws no graph that is whole, of whatever kind
    frames = wireshark.everything(capture)
    begin = Decimal(frames[1]["frame.time_epoch"][0])
    kinds = {row["tcplife.reset.answers"][0]: row["tcplife.reset.answers_kind"] for row in frames.values() if row["tcplife.reset.answers"]}
    expected = []
    for number, row in frames.items():
        label = row["tcplife.step"] or (row["tcplife.reset.answers"] and ["RST"]) or kinds.get(str(number))
        if not label:
            continue
        ends = ["client", "server"] if row["tcplife.sender"] == ["client"] else ["server", "client"]
        states = [f"{end} {state}" for end in ("client", "server") for state in row[f"tcplife.{end}.state"]]
        expected.append((
            row["tcplife.connection"][0], f"{Decimal(row['frame.time_epoch'][0]) - begin:.6f}", label[0][:WIDTH],
            *(row[f"tcplife.{end}.port"][0] for end in ends), ", ".join(states),
        ))  # fmt: skip
    if len({connection for connection, *_ in expected}) == 1:
        expected = [("", *rest) for _, *rest in expected]
    assert list(drawn_in(wireshark.read(capture, "-q", "-z", "flow,tcplife,network"))) == expected


def test_flow_graph_labels(wireshark):
    drawn = wireshark.read("story-05-4-way-close", "-q", "-z", "flow,tcplife,network")
    assert re.search(r"^\|\d+\.\d+ +\| +1st FIN +\| +\|client FIN_WAIT_1, server ", drawn, re.MULTILINE)
    assert re.search(r"^\|\d+\.\d+ +\| +ACK of 2nd FIN +\|client TIME_WAIT, server ", drawn, re.MULTILINE)


def test_flow_graph_says_what_a_reset_answers(wireshark):
    """The NAT has forgotten the connection: it answers the server's data, which had passed 4 ms before."""
    drawn = wireshark.read("nat-forgets", "-q", "-z", "flow,tcplife,network")
    arrows = re.findall(r"^\|(\d+\.\d+) +\| +(\S.*?) +\| +\|client ", drawn, re.MULTILINE)
    assert arrows[-2:] == [("3.589992", "data"), ("3.594408", "RST")]
    assert arrows == sorted(arrows)


def test_flow_graph_puts_what_a_reset_answers_where_it_passed(wireshark):
    """Before the SYN of another connection that passed between the two"""
    frames = frames_of("nat-forgets")
    (_, syn), (since, _), (till, _) = frames_of("story-11-syn-unanswered")[0], *frames[-2:]
    between = wireshark.write("between-answer.pcap", pcap.write([*frames[:-1], ((since + till) // 2, syn), frames[-1]]))
    arrows = list(drawn_in(wireshark.read(between, "-q", "-z", "flow,tcplife,network")))
    assert [(connection, label) for connection, _, label, *_ in arrows[-3:]] == [("0", "data"), ("1", "SYN"), ("0", "RST")]


def test_io_graph_of_concurrent_connections(wireshark):
    for capture in (SEVERAL, "port-reuse-in-client-time-wait", "story-03-wget-64k-twice"):
        rows = wireshark.everything(capture).values()
        most = max(int(value) for row in rows for value in row["tcplife.concurrent"])
        function = "MAX(tcplife.concurrent)tcplife.concurrent"
        text = wireshark.read(capture, "-q", "-z", f"io,stat,0,{function}")
        assert [int(n) for n in re.findall(r"<>\s*\S+\s*\|\s*(\d+)\s*\|", text)] == [most]
