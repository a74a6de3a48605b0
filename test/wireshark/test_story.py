# SPDX-License-Identifier: GPL-2.0-or-later
"""The stories of all captures: each sentence is one of the list, told for facts that hold, and names no
frame but a deciding one or one that a RST answers. What the list says is held here against what the
fields show, by a second reading of its conditions."""

import itertools
import re
from decimal import Decimal

import pytest

import talk
from expectations import FAILED
from reference import entries
from wireshark import WHOLE

pytestmark = pytest.mark.xdist_group("all captures")

PARTS = ("OPENING", "DATA", "CLOSING", "REASON")
SENTENCES = [tuple(entry) for entry in entries("story-table.h", "STORY_SENTENCES")]
MARKS = [entry[1] for entry in entries("events.h", "TL_MARKS")]
ADVICE = [("NEXT", *entry) for entry in entries("story-table.h", "STORY_ADVICE")]
TOLD = SENTENCES + [entry[:3] for entry in ADVICE]
LONGEST = 200  # bytes of a sentence
LONG = {  # the longest values there are
    "client": "client [2001:db8:1111:2222:3333:4444:5555:6666]:65535",
    "server": "server [2001:db8:1111:2222:3333:4444:5555:6666]:65535",
    "open": "simultaneous", "open.syns": "65535", "reset.evidence": "TTL, too early, sender went on",
    "reset.answers_kind": "keep-alive", "silence.repeats|0": "65535",
}  # fmt: skip


def longest(name):
    """A value of a fact as long as any is that makes sense"""
    if name in LONG:
        return LONG[name]
    if "frame" in name or name == "reset.answers":
        return "4294967295"
    if re.search("bytes|unacked|missing|race", name):
        return "99999999999"
    if re.search("time|idle|window|gap", name):
        return "99999.999 s"
    if name in ("reset.count", "reuse.connection", "keepalive.unanswered"):
        return "4294967295"
    if name == "reset.verdict":
        return "challenged"
    if name == "reuse.phase":
        return "SYN_RECEIVED"
    assert name in MARKS or re.search("closed_by|sender|side", name), name
    return "server"


def rows_of(wireshark, capture):
    """Those of JSON, with whose segments raised the events that a connection remembers"""
    rows = {row["tcplife.connection"]: dict(row) for row in wireshark.json(capture)}
    for row, name, ends in marks_of(wireshark, capture, rows):
        row[f"tcplife.{name}"] = "both" if len(ends) > 1 else ends.pop()
    return list(rows.values())


def marks_of(wireshark, capture, rows):
    raised = {}
    fields = [f"tcplife.{name}" for name in ("connection", "sender", "event")]
    for connection, sender, events in map(dict.values, wireshark.rows(capture, fields, "-Y", "tcplife.event")):
        for name in set(events) & set(MARKS):
            raised.setdefault((connection[0], name), set()).update(sender)
    return [(rows[int(connection)], name, ends) for (connection, name), ends in raised.items()]


def holds(condition, row):
    """A condition of the list, on a row"""
    absent, name, sign, value = re.fullmatch(r"(!?)([\w.]+)(?:([=<>])(.*))?", condition).groups()
    has = row.get(f"tcplife.{name}")
    if absent:
        return has is None
    if not sign:
        return has is not None
    if has is None:
        return False
    if sign in "<>":
        return has > float(value) if sign == ">" else has < float(value)
    if value.startswith("@"):
        return has == row.get(f"tcplife.{value[1:]}")
    return str(has) in value.split("|")


def all_hold(when, row):
    return all(holds(condition, row) for condition in when.split("; ") if condition)


def pattern(text):
    """A sentence as a regular expression, with its facts as groups"""
    parts = re.split(r"(\{[^}]*\})", text)
    written = "".join("(.+?)" if part.startswith("{") else re.escape(part) for part in parts)
    first = f"[{written[0].upper()}{written[0]}]" if written[0].isalpha() else written[0]
    return re.compile(f"{first}{written[1:]}(?= [A-Z]|$)")


def facts_of(text):
    return re.findall(r"\{([^}]*)\}", text)


def is_known(name, row):
    return name in ("client", "server") or "|" in name or f"tcplife.{name.lstrip('!')}" in row


def expected(row):
    """The entries whose sentences the row's story has to have"""
    for part in (*PARTS, "NEXT"):
        for entry in TOLD:
            if entry[0] != part or not all_hold(entry[1], row):
                continue
            if entry[2] == "NULL":
                break
            if all(is_known(name, row) for name in facts_of(entry[2])):
                yield entry
                break


def shown(name, value, row):
    """Whether a value in a sentence is the field's"""
    if name in ("client", "server"):
        address = row[f"tcplife.{name}.addr"]
        address = f"[{address}]" if ":" in address else address
        return value.lower() == f"{name} {address}:{row[f'tcplife.{name}.port']}"
    if name.startswith("!"):
        return {value, row[f"tcplife.{name[1:]}"]} == {"client", "server"}
    field, _, default = name.partition("|")
    has = row.get(f"tcplife.{field}", default)
    if re.fullmatch(r"[\d.]+ m?s", value):
        number, unit = value.split()
        return float(number) == pytest.approx(has * (1000 if unit == "ms" else 1), abs=0.0006)
    return value == str(has)


@pytest.fixture(name="rows", scope="module")
def fixture_rows(wireshark, all_at_once):
    """Of all captures, and of the core's conversations"""
    talked = wireshark.write("talk.pcap", talk.write())
    return {path.stem: rows_of(wireshark, path) for path in (all_at_once, talked)}


def test_each_story_is_told_by_the_facts(rows):
    for capture, connections in rows.items():
        for row in connections:
            rest = row["tcplife.story"]
            for part, when, text in expected(row):
                match = pattern(text).match(rest)
                assert match, (capture, row["tcplife.connection"], part, when, rest)
                for name, value in zip(facts_of(text), match.groups(), strict=True):
                    assert shown(name, value, row), (capture, name, value)
                rest = rest[match.end() :].lstrip()
            assert rest == "", (capture, row["tcplife.connection"], rest)


def test_frames_are_deciding_or_answered_ones(rows):
    for capture, connections in rows.items():
        for row in connections:
            known = {str(value) for name, value in row.items() if name.startswith("tcplife.frame.")}
            known.add(str(row.get("tcplife.reset.answers")))
            named = re.findall(r"frames? (\d+)(?:(?:, | and | to )(\d+))?", row["tcplife.story"])
            assert {frame for pair in named for frame in pair if frame} <= known, capture


# What one says excludes what another may say.
CONTRADICTIONS = [
    ("way close|FINs crossed", "ended the connection|did not close|capture ended"),
    ("Not one byte|No data passed", "sent [1-9]"),
    ("nothing answered", "SYN/ACK"),
    ("passed nothing that opens", "SYN"),
    ("Neither end had closed|No FIN had passed", "[Ff]rames? \\d+ \\(FIN\\)|its FIN|had closed, and|too late"),
    ("may not be", "[Ii]ts program|the program on"),
    ("knows of no such connection", "SO_LINGER"),
    ("has no such connection", "SO_LINGER"),
    ("whose program gives up", "knows of no such|restarted"),
    ("capture ended", "up to the capture's end"),
    ("[Tt]he both", ""),
]


def test_no_two_sentences_contradict(rows):
    for capture, connections in rows.items():
        for row in connections:
            story, where = row["tcplife.story"], (capture, row["tcplife.connection"])
            for one, other in CONTRADICTIONS:
                assert not (re.search(one, story) and re.search(other, story)), (where, story)
            assert not (row.get("tcplife.open") in FAILED and re.search("opened a connection|closed (first )?\\(", story)), where
            assert not ("not decided" in story and "tcplife.open" in row and "tcplife.close" in row), where


def test_a_rst_is_named_before_it_is_spoken_of(rows):
    for row in itertools.chain.from_iterable(rows.values()):
        story = row["tcplife.story"]
        it = re.search(r"(?<=\. )(It (is made|has)|Its (sender|numbers|keep-alives)) ", story)
        assert not it or "RST of the" in story[: it.start()], story


def test_length(rows):
    """Two to five sentences, each of them short enough for a line, with the longest values."""
    for _, _, text in TOLD:
        if text != "NULL":
            long = re.sub(r"\{([^}]*)\}", lambda fact: longest(fact[1]), text)
            assert len(long.encode()) <= LONGEST, long
    for capture, connections in rows.items():
        for row in connections:
            assert 2 <= len(list(expected(row))) <= 5, (capture, row["tcplife.story"])


def test_every_claim_has_a_source():
    for _, when, text, source in ADVICE:
        assert re.search(r"RFC \d+|Linux|Documentation/", source), (when, text)


def test_the_field_has_a_sentence_in_each_value(wireshark):
    """In the tree as in the row, once the capture has been read."""
    for capture in ("story-02-keep-alive-rst", "zero-window-probe-reset"):
        frames = wireshark.everything(capture, *WHOLE)
        (row,) = wireshark.json(capture)
        for frame in frames.values():
            assert " ".join(frame["tcplife.story"]) == row["tcplife.story"]
            assert all(one[0].isupper() and one.endswith(".") for one in frame["tcplife.story"])


ESSENCE = {  # of a capture: what a good engineer would have to say of a connection
    ("story-01-merged-close", 0): "the other end with the ACK of that, in one segment (frame 9)",
    ("story-02-keep-alive-rst", 0): "FIN_WAIT_2 time-out, set there on Linux by net.ipv4.tcp_fin_timeout.",
    ("story-06-simultaneous-close", 0): "their FINs crossed (frames 36 and 37)",
    ("story-08-last-ack-lost", 0): "The server sent its FIN more than once",
    ("story-09-half-close", 0): "with 14 bytes in between",
    ("story-10-closed-port", 0): "as by a host where nobody listens on that port",
    ("story-10-port-in-time-wait", 1): "An older connection holds the ports on the server",
    ("story-11-syn-unanswered", 0): "SYNs: 4), and nothing answered",
    ("story-12-old-syn-half-open", 1): "Likely an old SYN that came after its connection was over",
    ("story-12-old-syn-reset-by-opener", 1): "an old SYN",
    ("story-14-fin-wait-2-expired", 0): "its half forgotten after tcp_fin_timeout",
    ("story-14-fin-wait-2-expired-late-fin", 0): "FIN_WAIT_2 time-out, set there on Linux by net.ipv4.tcp_fin_timeout.",
    ("story-15-fast-open", 1): "(fast open)",
    ("close-wait-for-six-seconds", 0): "took its time to call close",
    ("data-crosses-fin", 0): "23 bytes that met its FIN on their way",
    ("firewall-rejects", 0): "The RST may not be the server's own (TTL, too early); it answers frame 8",
    ("handshake-ack-lost", 0): "the first ACK of the SYN/ACK did not count for the server",
    ("idle-timer-drops", 0): "a firewall or NAT on the way had forgotten the connection and drops it",
    ("idle-timer-on-the-way", 0): "nothing new had passed for 400.000 s. Likely a firewall or NAT",
    ("injected-rst", 0): "a RST had passed in the name of the client, which went on all the same",
    ("nat-forgets", 0): "The RST may not be the client's own (too early)",
    ("persist-timeout", 0): "the client had given up meanwhile (TCP_USER_TIMEOUT",
    ("rst-after-idle", 0): "Likely an idle time-out of the program on the server",
    ("server-restarts", 0): "Look whether the server restarted",
    ("syn-lost", 0): "Look why the first SYN had no answer in time",
    ("two-backends", 0): "behind the server's address stand two servers",
    ("two-backends", 1): "load balancer on the way lost or moved the connection",
    ("unread-data", 0): "a close (or a kill) with unread data in the buffer",
}


def test_essence(wireshark):
    for (capture, connection), essence in ESSENCE.items():
        (row,) = (row for row in wireshark.json(capture) if row["tcplife.connection"] == connection)
        assert essence in row["tcplife.story"]


TALKED = {  # of a conversation of the core's: what it has to say of a connection, and what it must not
    ("silence:the silence before an unacknowledged FIN is older than the FIN", 0):
        ("The client closed (frame 6); the server did not acknowledge the other end's FIN, nor anything that was sent to it in the last 51.000 s", ""),
    ("silence:a FIN that meets a closed window", 0): ("the program on the server does not read", "has dropped"),
    ("silence:a FIN whose number grows as it is repeated", 0): ("its FINs have different numbers", "is up"),
    ("silence:a FIN behind bytes that do not arrive", 0): ("the 200 bytes before that FIN do not reach it", "dropped"),
    ("open-failed:RSTs that acknowledge the SYN's own number refuse nothing", 0):
        ("SYNs: 2), and met only RSTs. Of the RSTs (in all 2) the first does not acknowledge the SYN", "nothing answered"),
    ("open-failed:refused, tried again with the same ISN, unanswered", 0):
        ("met only RSTs. The first of the RSTs (in all 1) ended an earlier try", "nothing answered"),
    ("open-failed:half-open, the SYN comes again behind its SYN/ACK", 0): ("likely the SYN/ACK does not reach it", "scan"),
    ("open-failed:half-open, SYN/ACK repeated", 0): ("there or back", ""),
    ("open-failed:the server takes its SYN/ACK back at once", 0): ("closed its listener", "scan"),
    ("open-failed:a SYN/ACK, and a RST for the SYN that comes again", 0):
        ("made of frame 3 (SYN), although frame 2 had offered a connection. Likely two answer", "scan"),
    ("open-failed:the opener asks again, and resets again what answers", 0): ("a NAT on the way back", "scan"),
    ("open-failed:reset by opener", 0): ("health check", ""),
    ("open-failed:the ACK of the SYN/ACK is refused", 0): ("the very ACK that completed the handshake", "restarted"),
    ("open-failed:overflow", 0): ("a filter that did not see the SYN/ACK", ""),
    ("reset:data that nobody acknowledged, and a FIN that meets no connection", 0):
        ("400.000 s before, and 100 bytes of it were never acknowledged. Likely the server had given up", "idle timer"),
    ("reset:a RST after both FINs is not told with the time between them", 0):
        ("(frame 9), then the other end (frame 11), and before both FINs were acknowledged a RST of the client", "after the ACK of that"),
    ("keepalive:unanswered, and the other end's keep-alive meets a RST", 0): ("of the keep-alives before, 2 had no answer. Likely the server gave", ""),
    ("reset:a SYN/ACK that comes again meets a RST", 0): ("its program had given up and its socket was gone", "restarted"),
    ("reset:who does not read gives up", 0): ("had advertised a window of 0 for 180.020 s in all. Look why the program", "idle"),
    ("reuse:a stray SYN/ACK whose sender resets it replaces no SYN that waits", 0): ("with 2 SYNs in 8.111 s", "replaced"),
    ("reuse:a stray SYN/ACK whose sender resets it replaces no SYN that waits", 1): ("older connection", "scan"),
}  # fmt: skip


def test_essence_of_conversations(wireshark):
    for number, ((name, connection), (essence, other)) in enumerate(TALKED.items()):
        rows = wireshark.json(wireshark.write(f"talk-{number}.pcap", talk.write(name)))
        (story,) = (row["tcplife.story"] for row in rows if row["tcplife.connection"] == connection)
        assert essence in story, (name, story)
        assert not other or other not in story, (name, story)


def test_story_2_ends_with_the_forgotten_half(wireshark):
    (row,) = wireshark.json("story-02-keep-alive-rst")
    assert row["tcplife.story"].endswith(ESSENCE["story-02-keep-alive-rst", 0])


def test_heading_story_and_ladder(wireshark):
    printed = wireshark.tshark("-n", "-q", "-r", "captures/story-02-keep-alive-rst.pcap", "-z", "tcplife,story").splitlines()
    (row,) = wireshark.json("story-02-keep-alive-rst")
    assert printed[0] == "Connection 0: client 192.0.2.1 port 40002, server 192.0.2.2 port 80"
    story = [line.strip() for line in printed[1:6]]
    assert " ".join(story) == row["tcplife.story"]
    ladder = [line.split()[0] for line in printed[7:] if re.match(r" +\d+ ", line)]
    assert ladder == ["1", "2", "3", "8", "9", "10", "11", "12", "13"]
    assert "reset.after_keep_alive" in printed[-2]


def ladder_of(printed):
    """{connection: the lines of its ladder as lists of cells, each with its events}"""
    ladders = {}
    for line in printed.splitlines():
        if match := re.match(r"Connection (\d+):", line):
            rungs = ladders[match[1]] = []
        elif line.startswith("   frame "):
            places = [line.index(title) for title in ("from", "step", "phase", "client", "server")]
        elif match := re.match(r" +(\d+) +(-?\d+\.\d{6}) ", line):
            cells = [line[begin:end].strip() for begin, end in itertools.pairwise([*places, None])]
            rungs.append([*match.groups(), *cells, []])
        elif match := re.match(r" {30}(\S+)$", line):
            rungs[-1][-1].append(match[1])
    return ladders


def test_ladder_has_each_frame_that_decides_something(wireshark, all_at_once):
    """With its time since the first frame of the capture, and what its fields say."""
    frames = wireshark.everything(all_at_once)
    begin = Decimal(frames[1]["frame.time_epoch"][0])
    wanted = {}
    for number, row in frames.items():
        if not row["tcplife.connection"]:
            continue
        rungs = wanted.setdefault(row["tcplife.connection"][0], [])
        names = ("step", "event", "transition")
        if not any(row[f"tcplife.{name}"] for name in names):
            continue
        time = f"{Decimal(row['frame.time_epoch'][0]) - begin:.6f}"
        cells = [" ".join(row[f"tcplife.{name}"]) for name in ("sender", "step", "phase", "client.state", "server.state")]
        if not row["tcplife.phase"]:
            cells[0] = "ICMP"
        elif not row["tcplife.client.state"]:
            cells[3:] = ["-", "-"]
        rungs.append([str(number), time, *cells, row["tcplife.event"]])
    assert ladder_of(wireshark.read(all_at_once, "-n", "-q", "-z", "tcplife,story")) == wanted


def test_filter(wireshark):
    """With a filter: the connections that have a matching frame, whole."""
    printed = wireshark.tshark(
        "-n", "-q", "-r", "captures/close-wait-for-six-seconds.pcap", "-z", "tcplife,story,tcp.port == 8080"
    )
    assert re.findall(r"^Connection (\d+):", printed, re.MULTILINE) == ["1"]
    assert len(re.findall(r"^ +\d+ +\d+\.", printed, re.MULTILINE)) > 5
