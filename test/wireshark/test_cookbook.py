# SPDX-License-Identifier: GPL-2.0-or-later
"""Each line of the cookbook finds exactly its connections among all captures put together, and
README.md's cookbook is the table of cookbook.py."""

import itertools
import re

import pytest

import pcap
from cookbook import ANSWERED_ELSEWHERE, FIELDS_TO_LOOK_AT, LINES, streams
from wireshark import CAPTURES, TOP, WHOLE, frames_of

NEEDS = 48

# Between two captures: longer than TIME_WAIT and than a handshake is counted as under way.
PAUSE = 100_000_000  # microseconds

# What it shows is that the capture ends while it goes on.
LAST = "half-closed-still-sending"

each_line = pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.need} {line.filter}")
each_line_marked_2 = pytest.mark.parametrize(
    "line", [line for line in LINES if line.whole], ids=lambda line: f"{line.need} {line.filter}"
)


class Together:
    """All captures in one, one after the other, as mergecap makes it of captures of different times;
    and the way back from its frames to the captures' own."""

    def __init__(self, wireshark):
        self.wireshark = wireshark
        self.origin = {}  # by frame: its capture, and its number there
        frames, now = [], 0
        for capture in sorted(CAPTURES, key=lambda name: (name == LAST, name)):
            own = frames_of(capture)
            for number, (time, data) in enumerate(own, 1):
                frames.append((now + time - own[0][0], data))
                self.origin[len(frames)] = capture, number
            now = frames[-1][0] + PAUSE
        self.path = wireshark.write("cookbook.pcap", pcap.write(frames))
        self.connection = self._name_connections()

    def _name_connections(self):
        """CAPTURE/CONNECTION of each frame"""
        names, numbers, everything = {}, {}, set()
        for row in self.wireshark.rows(self.path, ["frame.number", "tcplife.connection"], "-Y", "tcplife"):
            frame, connection = int(row["frame.number"][0]), row["tcplife.connection"][0]
            capture = self.origin[frame][0]
            everything.add(connection)
            of_capture = numbers.setdefault(capture, {})
            names[frame] = f"{capture}/{of_capture.setdefault(connection, len(of_capture))}"
        assert sum(map(len, numbers.values())) == len(everything), "captures share a connection"
        return names

    def tshark(self, line, *arguments):
        return self.sort(
            int(number)
            for number in self.wireshark.read(
                self.path, *arguments, "-Y", line.filter, "-T", "fields", "-e", "frame.number"
            ).split()
        )

    def sort(self, frames):
        """{connection: its frames}"""
        found = {}
        for frame in frames:
            found.setdefault(self.connection[frame], []).append(self.origin[frame][1])
        return found


@pytest.fixture(scope="module")
def together(wireshark):
    return Together(wireshark)


@pytest.fixture(scope="module")
def sharkd(wireshark):
    with wireshark.sharkd() as it:
        yield it


@pytest.fixture(scope="module")
def sharkd_of_all(wireshark, together):
    with wireshark.sharkd() as it:
        it.load(together.path)
        yield it


blanks = itertools.count()


def ask(sharkd, line):
    """The frames that the line finds. sharkd remembers what a filter has found, even in another
    capture, but to it one more blank is another filter."""
    text = line.filter + " " * next(blanks)
    return [frame["num"] for frame in sharkd.ask("frames", filter=text)]


# The lines


@each_line
def test_line_finds_exactly_its_connections(together, line):
    """As the cookbook says to run it: in one pass, or with look-ahead."""
    found = together.tshark(line, *(WHOLE if line.whole else ()))
    assert found.keys() == (line.found_at_end if line.whole else line.found_in_one_pass)
    assert found[line.own] == line.own_frames


@each_line_marked_2
def test_one_pass_is_silent_rather_than_wrong(together, line):
    """Nothing that is not found at the end, but for verdicts that were right until then."""
    found = together.tshark(line)
    assert found.keys() - line.found_at_end == streams(line.withdrawn)


@each_line
def test_sharkd_finds_the_same(together, sharkd_of_all, line):
    """Once the whole capture is read, whatever is only told at the end is found and whatever was
    withdrawn is not."""
    found = together.sort(ask(sharkd_of_all, line))
    assert found.keys() == line.found_at_end


@each_line
def test_line_is_right_in_captures_of_their_own(sharkd, line):
    """In its capture, and not in those of its nearest neighbours."""
    sharkd.load(line.own.split("/")[0])
    assert set(line.own_frames) <= set(ask(sharkd, line))
    assert line.not_on
    for neighbour in line.not_on.split():
        sharkd.load(neighbour)
        assert ask(sharkd, line) == [], neighbour


# Needs that ask for more than a filter


def test_cause_of_each_rst_after_fin(together, wireshark):
    """Need 26: harmless or not."""
    fields = ["frame.number", "tcplife.reset.cause"]
    rows = wireshark.rows(together.path, fields, "-Y", 'tcplife.close == "RST after FIN"')
    causes = {
        together.connection[int(row["frame.number"][0])]: row["tcplife.reset.cause"] for row in rows
    }
    assert causes == {
        "abort-in-close-wait/0": ["abort"],
        "data-crosses-fin/0": ["data after close"],
        "story-02-keep-alive-rst/0": ["keep-alive"],
        "story-14-fin-wait-2-expired/0": ["data after close"],
        "story-14-fin-wait-2-expired-late-fin/0": ["after own FIN"],
    }


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("accept-queue-full", 3),
        ("story-07-eleven-states", 1),  # one after the other
        ("crashed-client-comes-back", 1),  # the second in the place of the first
        ("story-13-syn-flood", 1),  # a handshake under way is not open
    ],
)
def test_most_connections_at_once(wireshark, name, most):
    """Need 34, as an I/O graph shows it."""
    graph = wireshark.read(name, "-q", "-z", "io,stat,0,MAX(tcplife.concurrent)tcplife.concurrent")
    assert re.search(r"<> +[\d.]+ +\| +(\d+) +\|", graph).group(1) == str(most)


@pytest.mark.parametrize(
    ("name", "frame"), [("story-01-merged-close", 9), ("story-14-fin-wait-2-expired", 11)]
)
def test_tree_has_a_sentence(wireshark, name, frame):
    """Needs 22 and 36: why, and with the section of the RFC; and how it ended."""
    tree = wireshark.read(name, *WHOLE, "-O", "tcplife", "-V", "-Y", f"frame.number == {frame}")
    assert re.search(r"\[Event: [^\n]*\. [A-Z][^\n]* \(RFC \d[^\n]*\)\.?\]", tree)
    assert re.search(r"\[Close: [^\n]*\. [A-Z][^\n]*\.\]", tree)


@pytest.mark.parametrize(("name", "whom"), [
    ("story-01-merged-close", "the client"), ("story-02-keep-alive-rst", "the server"), ("story-06-simultaneous-close", "both ends"),
])  # fmt: skip
def test_the_tree_s_sentence_says_who_closed_and_how_fast(wireshark, name, whom):
    fields = ["tcplife.open", "tcplife.open.time", "tcplife.close", "tcplife.close.time"]
    row = wireshark.rows(name, fields, *WHOLE, "-Y", "tcplife.last")[0]
    opened, took, closed, lasted = (row[field][0] for field in fields)
    tree = wireshark.read(name, *WHOLE, "-V", "-Y", "tcplife.last")
    assert f"[Close: {closed}. Opened in {float(took):.6f} s ({opened}), closed by {whom} in {float(lasted):.6f} s ({closed}).]" in tree


def test_columns_show_what_netstat_would(wireshark):
    """Need 37."""
    columns = ",".join(
        f'"{end}","%Cus:tcplife.{end}.state:0:R"' for end in ("client", "server")
    )
    lines = wireshark.read("story-07-fin-wait-1-ack-alone", "-o", f"gui.column.format:{columns}")
    assert [line.split() for line in lines.splitlines()] == [
        ["SYN_SENT", "LISTEN"],
        ["SYN_SENT", "SYN_RECEIVED"],
        *[["ESTABLISHED", "ESTABLISHED"]] * 5,
        ["FIN_WAIT_1", "ESTABLISHED"],
        ["FIN_WAIT_2", "CLOSE_WAIT"],
        ["FIN_WAIT_2", "LAST_ACK"],
        ["TIME_WAIT", "CLOSED"],
    ]


def test_flood_is_told_from_a_busy_server(wireshark):
    """At the threshold and at each doubling of it, but never when handshakes complete."""
    fields = ["tcplife.half_open"]
    arguments = ("-o", "tcplife.syn_flood_threshold:20", "-Y", "tcplife.open.syn_flood")
    flood = wireshark.rows("story-13-syn-flood", fields, *arguments)
    assert [row["tcplife.half_open"] for row in flood] == [["20"], ["40"], ["80"]]
    assert wireshark.rows("busy-server", fields, *arguments) == []


# The documents


def test_every_need_has_its_line():
    answered = {line.need for line in LINES} - {0}
    assert answered.isdisjoint(ANSWERED_ELSEWHERE)
    assert answered | ANSWERED_ELSEWHERE.keys() | FIELDS_TO_LOOK_AT.keys() == set(range(1, NEEDS + 1))


def readme_cookbook():
    """{filter or field: whether it is marked (2)}"""
    text = (TOP / "README.md").read_text().split("\n## Cookbook\n")[1].split("\n## ")[0]
    found = {}
    for row in re.findall(r"^\| (.*) \|$", text, re.MULTILINE):
        want, line = row.split(" | ", 1)
        for code in re.findall(r"`(tcplife\.[^`]*)`", line):
            found[code] = want.endswith("(2)")
    return found


def test_readme_has_every_line():
    """And says of each rightly whether it needs the end of the capture."""
    lines = {line.filter: line.whole for line in LINES if line.need}
    fields = {field: False for names in FIELDS_TO_LOOK_AT.values() for field in names}
    assert (lines.items() | fields.items()) - readme_cookbook().items() == set()


def test_readme_has_no_line_that_is_not_tested():
    tested = {line.filter for line in LINES}
    tested.update(*FIELDS_TO_LOOK_AT.values(), ANSWERED_ELSEWHERE.values())
    assert readme_cookbook().keys() - tested == set()
