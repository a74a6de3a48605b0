# SPDX-License-Identifier: GPL-2.0-or-later
"""Every capture says what captures.expect says: each frame's states and events, and the facts.

The table names no times. They follow from its frames and from the capture's own timestamps, so
they are computed here.
"""

import itertools
from decimal import Decimal

import pytest

import pcap
from expectations import Line, read_expectations
from interface import verdict
from wireshark import CAPTURES, OURS, TOP, WHOLE, frames_of

EXPECTED = read_expectations()
ENDS = ("client", "server")
TIMED = (
    "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",
    "LAST_ACK", "TIME_WAIT",
)  # fmt: skip
FRAME_OF_STEP = {
    "SYN": "syn", "SYN/ACK": "syn_ack", "ACK of SYN/ACK": "open_ack", "1st FIN": "fin_1",
    "ACK of 1st FIN": "fin_1_ack", "2nd FIN": "fin_2", "ACK of 2nd FIN": "fin_2_ack", "RST": "rst",
}  # fmt: skip
COMPUTED = (
    "client.addr", "client.port", "server.addr", "server.port", "duration", "lifetime", "open.time",
    "open.server_time", "open.client_time", "close.time", "half_close.time", "reuse.gap",
    "client.held", "server.held",
)  # fmt: skip
UNTIMED = (
    "verdict", "open", "open.failed", "open.syns", "close", "closed_by", "close.no_data", "close.race",
    "half_close.bytes", "reset.cause", "reset.sender", "keepalive.count", "keepalive.unanswered", "reuse.connection",
    "reuse.phase", "one_sided", "role.guessed", "client.bytes", "server.bytes", "client.retransmitted",
    "server.retransmitted", "client.unacked", "server.unacked", "client.missing", "server.missing", "copies",
    "silence.side", "silence.repeats",
    "frame.first", "frame.last", "reuse.frame", *(f"frame.{name}" for name in FRAME_OF_STEP.values()),
)  # fmt: skip


def one(values):
    """The value of a field that may stand once, as text; '' if it is absent."""
    assert len(values) <= 1, values
    return "".join(values)


class Seen:
    """A capture as tshark shows it with the plugin."""

    def __init__(self, wireshark, capture, *arguments):
        self.rows = wireshark.everything(capture, *arguments)
        self.time = {
            frame: Decimal(row["frame.time_epoch"][0]) for frame, row in self.rows.items()
        }

    def connections(self):
        """The frames of each connection; an ICMP error that quotes one of them is not among them"""
        connections = {}
        for frame, row in self.rows.items():
            if row["tcplife.phase"]:
                connections.setdefault(int(row["tcplife.connection"][0]), []).append(frame)
        return connections

    def value(self, frame, name):
        return one(self.rows[frame][f"tcplife.{name}"])

    def values(self, frame, name):
        return self.rows[frame][f"tcplife.{name}"]


def lines_of(connection, frames):
    """Its lines by frame number"""
    lines = {
        frames[int(frame[1:]) - 1] if isinstance(frame, str) else frame: line
        for frame, line in connection.lines.items()
    }
    return dict(sorted(lines.items()))


def test_every_capture_has_a_block():
    assert sorted(EXPECTED) == CAPTURES


def decided(it, frame):
    return {
        "step": it.value(frame, "step"),
        "events": sorted(it.values(frame, "event")),
        "late": it.value(frame, "late"),
        "verdict": it.value(frame, "reset.verdict"),
    }


def in_the_table(line):
    return {
        "step": line.step,
        "events": sorted(line.events),
        "late": "1" if line.late else "",
        "verdict": line.verdict,
    }


def test_frames(wireshark, capture):
    """Phase, states, step and events of each frame, in one pass."""
    it = Seen(wireshark, capture)
    assert it.connections().keys() == EXPECTED[capture].keys()
    for number, frames in it.connections().items():
        lines = lines_of(EXPECTED[capture][number], frames)
        now = None
        for frame in sorted({*frames, *lines}):
            line = lines.get(frame, Line())
            if line.quotes:
                now = ["", "", "", ""]
            elif line.paths:
                states = [path[-1].lstrip("~@").removesuffix("-") for path in line.paths]
                now = [*states, "1" if line.guessed else ""]
            names = ("phase", "client.state", "server.state", "guessed")
            assert [it.value(frame, name) for name in names] == now, f"frame {frame}"
            assert decided(it, frame) == in_the_table(line), f"frame {frame}"


def test_an_icmp_error_has_no_more_than_its_event(wireshark):
    row = Seen(wireshark, "rejected-by-icmp", *WHOLE).rows[2]
    assert {field: row[field] for field in OURS if row[field]}.keys() == {
        "tcplife.connection", "tcplife.event", "tcplife.transition", "tcplife.open.icmp_rejected",
    }  # fmt: skip


class End:
    """Where an end is and since when. A state that was assumed before the first frame has no
    beginning; one that is entered again by an undoing has its old one."""

    def __init__(self, before=None):
        self.state = None
        self.since = {}
        self.before = before or {}  # since when it is in a state that it had before this connection

    def follow(self, path, time):
        """The moves of one frame: their texts, and the time in the state left where there is one"""
        moves = []
        for state in path:
            undone = state.startswith("~")
            if state.startswith("@"):
                self.state = None
            state = state.lstrip("~@")
            if self.state is None:
                self.since[state] = self.before.get(state)
            elif state != self.state:
                began = None if undone or self.state not in TIMED else self.since[self.state]
                text = f"{self.state} -> {state}" + (" (undone)" if undone else "")
                moves.append((text, self.state.lower(), None if began is None else time - began))
                if not undone:
                    self.since[state] = time
            self.state = state
        return moves


def ends_of(it, facts, frames, known):
    """Both ends of a connection before its first frame. The server may have a state from the connection
    before; the client may have sent its SYN in a frame that was that one's."""
    syn = int(facts.get("frame.syn", frames[0]))
    older = known.get(facts.get("reuse.connection"))
    return {
        "client": End({"SYN_SENT": it.time[syn]} if syn < frames[0] else None),
        "server": End(older and older["server"].since),
    }


def test_transitions_and_time_in_states(wireshark, capture):
    it = Seen(wireshark, capture)
    known = {}
    for number, frames in it.connections().items():
        ends = known[str(number)] = ends_of(it, EXPECTED[capture][number].facts, frames, known)
        lines = lines_of(EXPECTED[capture][number], frames)
        for frame in sorted({*frames, *lines}):
            line = lines.get(frame)
            paths = line.paths[1:] if line and line.paths else ([], [])
            moves = {
                end: ends[end].follow(path, it.time[frame])
                for end, path in zip(ENDS, paths, strict=True)
            }
            texts = it.values(frame, "transition")
            spans = {}
            for end in ENDS:
                own = [text for text in texts if text.startswith(f"{end} ")]
                assert own == [f"{end} {text}" for text, _, _ in moves[end]], f"frame {frame}"
            # The two ends' moves may be told in any order, but the times are in the same one.
            for text in texts:
                _, state, span = moves[text.split()[0]].pop(0)
                if span is not None and not line.quotes:
                    spans.setdefault(f"time.{state}", []).append(span)
            for state in TIMED:
                name = f"time.{state.lower()}"
                got = [Decimal(value) for value in it.values(frame, name)]
                assert got == spans.get(name, []), f"frame {frame} {name}"


def frames_of_steps(lines):
    """The first frame that plays each part"""
    frames = {}
    for frame, line in lines.items():
        for step in filter(None, line.step.split(" + ")):
            frames.setdefault(f"frame.{FRAME_OF_STEP[step]}", str(frame))
    return frames


def untimed_facts(expected, lines):
    facts = frames_of_steps(lines) | expected.facts
    if "frame.syn" in facts:
        facts.setdefault("open.syns", "1")
    return {name: value for name, value in facts.items() if value != "-"}


def test_facts(wireshark, capture):
    """On every frame, once the whole capture has been read."""
    it = Seen(wireshark, capture, *WHOLE)
    for number, frames in it.connections().items():
        expected = EXPECTED[capture][number]
        facts = untimed_facts(expected, lines_of(expected, frames))
        if "frame.rst" in facts:
            facts["reset.sender"] = it.value(int(facts["frame.rst"]), "sender")
        facts.setdefault("verdict", verdict(facts))
        facts |= {"frame.first": str(frames[0]), "frame.last": str(frames[-1])}
        if "reuse.connection" in facts:
            facts["reuse.frame"] = str(it.connections()[int(facts["reuse.connection"])][0])
        for frame in frames:
            got = {name: it.value(frame, name) for name in UNTIMED}
            assert {name: value for name, value in got.items() if value} == facts, f"frame {frame}"


def time_facts(it, facts, frames, ends, before):
    """The facts that are times, from the frames that decide.

    facts: the untimed ones; frames: all of the connection's; ends: where both are; before: the last frame of the 4-tuple's use before this."""
    at = {name.removeprefix("frame."): it.time[int(facts[name])] for name in facts if "frame." in name}
    closed = max(at["fin_1_ack"], at["fin_2_ack"]) if {"fin_1_ack", "fin_2_ack"} <= at.keys() else None
    end = closed or at.get("rst")
    failed = "open.failed" in facts
    spans = {
        "duration": (it.time[frames[0]], it.time[frames[-1]]),
        "open.server_time": (at.get("syn"), at.get("syn_ack")),
    }
    if not failed:
        spans["open.time"] = at.get("syn"), at.get("open_ack")
        spans["open.client_time"] = at.get("syn_ack"), at.get("open_ack")
        spans["close.time"] = at.get("fin_1"), end
        if facts.get("close") not in ("3-way", "simultaneous") and at.get("fin_1_ack") != at.get("fin_2"):
            spans["half_close.time"] = at.get("fin_1_ack"), at.get("fin_2", at.get("rst", max(it.time.values())))
    if facts.get("open") != "answered by ACK":
        spans["lifetime"] = it.time[frames[0]], end
    if before:
        spans["reuse.gap"] = it.time[before], it.time[frames[0]]
    for name, held in ends.items() if facts.get("open") != "orphan" or "frame.rst" in facts else ():
        since, until = held.since[held.state] or it.time[frames[0]], max(it.time.values())
        lapse = max(at["fin_1_ack"], at["fin_2_ack"]) + 60 if held.state == "TIME_WAIT" and closed else until
        spans[f"{name}.held"] = since, min(until, lapse)
    return {name: till - since for name, (since, till) in spans.items() if since and till}


def test_times(wireshark, capture):
    """To the last digit of the timestamps."""
    it = Seen(wireshark, capture, *WHOLE)
    connections, known = it.connections(), {}
    for number, frames in connections.items():
        expected = EXPECTED[capture][number]
        lines = lines_of(expected, frames)
        ends = known[str(number)] = ends_of(it, expected.facts, frames, known)
        for frame, line in lines.items():
            for end, path in zip(ends.values(), line.paths[1:] if line.paths else (), strict=False):
                end.follow(path, it.time[frame])
        before = None
        if "reuse.connection" in expected.facts:
            used = connections[int(expected.facts["reuse.connection"])]
            before = max(frame for frame in used if frame < frames[0])
        facts = untimed_facts(expected, lines)
        times = time_facts(it, facts, frames, ends, before)
        names = [name for name in COMPUTED if not name.endswith((".addr", ".port"))]
        for frame in frames:
            got = {name: it.value(frame, name) for name in names}
            assert {name: Decimal(value) for name, value in got.items() if value} == times


def test_idle_before_each_rst(wireshark, capture):
    """Since the last segment with data, SYN or FIN."""
    it = Seen(wireshark, capture)
    for frames in it.connections().values():
        spoken = None
        for frame in frames:
            flags = int(it.rows[frame]["tcp.flags"][0], 0)
            idle = it.value(frame, "reset.idle")
            if it.value(frame, "copy_of"):
                assert idle == ""
                continue
            if flags & 0x04 and spoken:
                assert Decimal(idle) == it.time[frame] - spoken, f"frame {frame}"
            else:
                assert idle == "", f"frame {frame}"
            if flags & 0x03 or int(it.rows[frame]["tcp.len"][0]):
                spoken = it.time[frame]


SERVERS = {"192.0.2.2", "2001:db8::2", "192.168.131.138"}


def test_ttl_of_each_rst(wireshark, capture):
    """Against the TTL of its sender's last segment that is no RST, which another may have forged."""
    it = Seen(wireshark, capture)
    for frames in it.connections().values():
        last = {}
        for frame in frames:
            row = it.rows[frame]
            if it.value(frame, "copy_of"):
                assert it.value(frame, "reset.ttl_delta") == ""
                continue
            ttl, sender = int(one(row["ip.ttl"] + row["ipv6.hlim"])), it.value(frame, "sender")
            if not int(row["tcp.flags"][0], 0) & 0x04:
                last[sender] = ttl
                assert it.value(frame, "reset.ttl_delta") == "", f"frame {frame}"
            elif sender in last:
                assert it.value(frame, "reset.ttl_delta") == str(ttl - last[sender])


UNDER_WAY = ("SYN_SENT", "SYN_RECEIVED")
OPEN = ("ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSING", "LAST_ACK")


def test_connections_at_once(wireshark, capture):
    """Counted again from the phases: those that are open, on each frame; and on SYN and SYN/ACK the
    handshakes under way towards the server, of which all captures show the SYN within 75 s."""
    it = Seen(wireshark, capture)
    phase, server, has_syn, replaced = {}, {}, set(), set()
    for frame, row in it.rows.items():
        if not row["tcplife.phase"]:
            continue
        connection, syn = it.value(frame, "connection"), int(row["tcp.flags"][0], 0) & 0x06 == 0x02
        phase[connection] = it.value(frame, "phase")
        server[connection] = it.value(frame, "server.addr"), it.value(frame, "server.port")
        if it.value(frame, "frame.syn"):
            has_syn.add(connection)
        if "SYN/ACK" in it.value(frame, "step"):
            replaced.add(it.value(frame, "reuse.connection"))
        if not it.value(frame, "late"):
            replaced.discard(connection)
        opened = sum(now in OPEN for number, now in phase.items() if number not in replaced)
        assert it.value(frame, "concurrent") == str(opened), f"frame {frame}"
        waiting = sum(
            phase[other] in UNDER_WAY and server[other] == server[connection] and other in has_syn
            for other in phase
        )
        counted = syn and not it.value(frame, "copy_of")
        assert it.value(frame, "half_open") == (str(waiting) if counted else ""), f"frame {frame}"


def test_ends(wireshark, capture):
    """Who is who: the captures were made so that the server has one of three addresses."""
    names = ("sender", "client.addr", "client.port", "server.addr", "server.port")
    it = Seen(wireshark, capture)
    for frame in itertools.chain.from_iterable(it.connections().values()):
        row = it.rows[frame]
        source, target = (
            (one(row[f"ip.{end}"] + row[f"ipv6.{end}"]), one(row[f"tcp.{end}port"]))
            for end in ("src", "dst")
        )
        by_server = source[0] in SERVERS
        client, server = (target, source) if by_server else (source, target)
        got = [it.value(frame, name) for name in names]
        assert got == ["server" if by_server else "client", *client, *server]


# What the stories were asked for, each by the command line that a user types.


def test_story_2_the_rst_after_the_keep_alive(wireshark):
    printed = wireshark.read("story-02-keep-alive-rst", "-Y", "tcplife.reset.after_keep_alive")
    assert [line.split()[0] for line in printed.splitlines()] == ["13"]
    assert "[RST]" in printed


def test_story_6_both_ends_in_time_wait(wireshark):
    states = ["frame.number", "tcplife.client.state", "tcplife.server.state"]
    rows = wireshark.rows("story-06-simultaneous-close", states, "-Y", 'tcplife.phase == "TIME_WAIT"')
    assert [[one(value) for value in row.values()] for row in rows] == [["39", "TIME_WAIT", "TIME_WAIT"]]


def test_story_1_names_the_merged_close_on_the_servers_fin(wireshark):
    fields = ["frame.number", "tcplife.sender", "_ws.expert.message"]
    rows = wireshark.rows("story-01-merged-close", fields, "-Y", "tcplife.close.merged")
    assert [one(row["frame.number"]) for row in rows] == ["9"]
    assert one(rows[0]["tcplife.sender"]) == "server"
    assert "merged FIN/ACK (3-way close)" in rows[0]["_ws.expert.message"]


STORY_3 = """\
tcp.stream frame.number tcplife.step tcplife.phase tcplife.client.state tcplife.server.state
0  1   SYN                        SYN_SENT      SYN_SENT      LISTEN
0  2   SYN/ACK                    SYN_RECEIVED  SYN_SENT      SYN_RECEIVED
0  3   ACK of SYN/ACK             ESTABLISHED   ESTABLISHED   ESTABLISHED
0  4   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  5   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  6   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  7   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  8   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  9   -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  10  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  11  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  12  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  13  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  14  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  15  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  16  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  17  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  18  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  19  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  20  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  21  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  22  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  23  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
0  24  1st FIN                    FIN_WAIT_1    FIN_WAIT_1    ESTABLISHED
0  25  2nd FIN + ACK of 1st FIN   LAST_ACK      FIN_WAIT_2    LAST_ACK
0  26  ACK of 2nd FIN             TIME_WAIT     TIME_WAIT     CLOSED
1  27  SYN                        SYN_SENT      SYN_SENT      LISTEN
1  28  SYN/ACK                    SYN_RECEIVED  SYN_SENT      SYN_RECEIVED
1  29  ACK of SYN/ACK             ESTABLISHED   ESTABLISHED   ESTABLISHED
1  30  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  31  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  32  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  33  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  34  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  35  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  36  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  37  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  38  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  39  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  40  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  41  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  42  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  43  -                          ESTABLISHED   ESTABLISHED   ESTABLISHED
1  44  1st FIN                    FIN_WAIT_1    FIN_WAIT_1    ESTABLISHED
1  45  2nd FIN + ACK of 1st FIN   LAST_ACK      FIN_WAIT_2    LAST_ACK
1  46  ACK of 2nd FIN             TIME_WAIT     TIME_WAIT     CLOSED
"""


def test_story_3_line_for_line(wireshark):
    lines = [line.split() for line in STORY_3.splitlines()]
    header = lines.pop(0)
    wanted = [
        [stream, frame, " ".join(step).replace("-", ""), phase, client, server]
        for stream, frame, *step, phase, client, server in lines
    ]
    asked = [word for field in header for word in ("-e", field)]
    printed = wireshark.read("story-03-wget-64k-twice", "-T", "fields", "-E", "header=y", *asked)
    assert [line.split("\t") for line in printed.splitlines()] == [header, *wanted]


def test_story_3_times_of_the_text(wireshark):
    """The capture was made from tcpdump's text; every time between two of its lines is a difference
    of two of the text's own timestamps."""
    text = (TOP / "captures" / "wget-64k-twice.txt").read_text()
    stamps = [Decimal(line[6:15]) for line in text.splitlines()]  # all within one minute
    assert len(stamps) == 46
    between = {  # field: the frames of its value in the first stream and in the second
        "open.time": [(1, 3), (27, 29)],
        "open.server_time": [(1, 2), (27, 28)],
        "open.client_time": [(2, 3), (28, 29)],
        "close.time": [(24, 26), (44, 46)],
        "duration": [(1, 26), (27, 46)],
        "lifetime": [(1, 26), (27, 46)],
    }
    fields = [f"tcplife.{name}" for name in between]
    for stream in (0, 1):
        rows = wireshark.rows("story-03-wget-64k-twice", fields, *WHOLE, "-Y", f"tcp.stream == {stream}")
        for row in rows:
            for name, frames in between.items():
                since, till = frames[stream]
                got = Decimal(one(row[f"tcplife.{name}"]))
                assert got == stamps[till - 1] - stamps[since - 1], name


STORY_3_TIMES = {  # microseconds, from the text: field, frame, the two lines between which it lies
    ("syn_sent", 3): (1, 3), ("syn_received", 3): (2, 3), ("established", 24): (3, 24),
    ("fin_wait_1", 25): (24, 25), ("fin_wait_2", 26): (25, 26), ("established", 25): (3, 25),
    ("close_wait", 25): (25, 25), ("last_ack", 26): (25, 26),
    ("syn_sent", 29): (27, 29), ("syn_received", 29): (28, 29), ("established", 44): (29, 44),
    ("fin_wait_1", 45): (44, 45), ("fin_wait_2", 46): (45, 46), ("established", 45): (29, 45),
    ("close_wait", 45): (45, 45), ("last_ack", 46): (45, 46),
}  # fmt: skip


def test_story_3_time_in_each_state(wireshark):
    text = (TOP / "captures" / "wget-64k-twice.txt").read_text()
    stamps = [Decimal(line[6:15]) for line in text.splitlines()]
    it = Seen(wireshark, "story-03-wget-64k-twice")
    got = {
        (state.lower(), frame): Decimal(it.value(frame, f"time.{state.lower()}"))
        for state in TIMED
        for frame in it.rows
        if it.value(frame, f"time.{state.lower()}")
    }
    assert got == {
        key: stamps[till - 1] - stamps[since - 1] for key, (since, till) in STORY_3_TIMES.items()
    }


STORY_1_TIMES = {  # field, frame: the two frames between which it lies
    ("time.syn_sent", 3): (1, 3), ("time.syn_received", 3): (2, 3), ("time.fin_wait_1", 9): (8, 9),
    ("time.close_wait", 9): (9, 9), ("time.last_ack", 10): (9, 10), ("time.fin_wait_2", 10): (9, 10),
    ("open.time", 3): (1, 3), ("close.time", 10): (8, 10), ("duration", 10): (1, 10),
}  # fmt: skip


@pytest.mark.parametrize("arguments", [(), WHOLE], ids=["one pass", "whole"])
def test_times_of_a_capture_in_nanoseconds(wireshark, arguments):
    frames = [(time * 1000 + 7 * number**2, data) for number, (time, data) in enumerate(frames_of("story-01-merged-close"))]
    path = wireshark.write("nanoseconds.pcapng", pcap.write_ng(frames, resolution=9))
    rows = wireshark.rows(path, [f"tcplife.{name}" for name, _ in STORY_1_TIMES], *arguments)
    for (name, frame), (since, till) in STORY_1_TIMES.items():
        wanted = Decimal(frames[till - 1][0] - frames[since - 1][0]).scaleb(-9)
        assert Decimal(one(rows[frame - 1][f"tcplife.{name}"])) == wanted, name


# In one pass a fact holds what is proven so far.

RUNNING = [  # capture, fact, {frame from which on: value}
    ("story-01-merged-close", "open", {3: "3-way"}),
    ("story-01-merged-close", "closed_by", {9: "client"}),
    ("story-01-merged-close", "close", {10: "3-way"}),
    ("story-01-merged-close", "client.bytes", {4: "41"}),
    ("story-01-merged-close", "server.bytes", {6: "140"}),
    ("story-02-keep-alive-rst", "closed_by", {9: "server"}),
    ("story-02-keep-alive-rst", "keepalive.count", {10: "1", 12: "2"}),
    ("story-02-keep-alive-rst", "close", {13: "RST after FIN"}),
    ("story-02-keep-alive-rst", "reset.cause", {13: "keep-alive"}),
    ("story-06-simultaneous-close", "closed_by", {37: "both"}),
    ("story-06-simultaneous-close", "close", {39: "simultaneous"}),
    ("story-08-last-ack-lost", "close", {11: "4-way", 12: "", 13: "4-way", 14: "", 15: "4-way"}),
    ("story-08-last-ack-lost", "frame.fin_2_ack", {11: "11", 12: "", 13: "13", 14: "", 15: "15"}),
    ("story-09-half-close", "half_close.bytes", {8: "4", 10: "8", 12: "14"}),
    ("story-10-closed-port", "open", {2: "refused"}),
    ("story-10-closed-port", "open.failed", {2: "1"}),
    ("story-11-syn-unanswered", "open", {}),
    ("story-11-syn-unanswered", "open.syns", {1: "1", 2: "2", 3: "3", 4: "4"}),
    ("handshake-ack-lost", "open", {3: "3-way", 4: "", 5: "3-way"}),
    ("handshake-ack-lost", "frame.open_ack", {3: "3", 4: "", 5: "5"}),
    ("keep-alive-timeout", "keepalive.unanswered", {13: "1", 14: "2", 15: "3"}),
    ("midstream", "open", {1: "midstream"}),
    ("midstream-close-only", "closed_by", {3: "client"}),
    ("one-sided", "one_sided", {2: "1"}),
    ("silent", "close", {}),
    ("still-open", "close", {}),
]


@pytest.mark.parametrize("name, fact, steps", RUNNING, ids=lambda it: it if isinstance(it, str) else "")
def test_facts_of_one_pass(wireshark, name, fact, steps):
    it = Seen(wireshark, name)
    value = ""
    for frame in it.rows:
        value = steps.get(frame, value)
        assert it.value(frame, fact) == value, f"frame {frame}"


def test_a_failed_opening_is_withdrawn_by_the_next_syn(wireshark):
    """Only the last word stands, although each attempt had its own."""
    it = Seen(wireshark, "two-syn-acks-reset-and-again")
    opened = {frame: it.value(frame, "open") for frame in it.connections()[0]}
    assert [opened[frame] for frame in (3, 4, 5, 6, 7)] == ["", "reset by opener", "", "", "3-way"]
