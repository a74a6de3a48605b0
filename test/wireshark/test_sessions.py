# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark forgets what it knows in the midst of a capture: every so many frames (-M), and at each change of
the file that a live capture writes to (-b). The statistics have told it by then: of each session what they
tell of a capture of its frames alone."""

import csv
import io
import re
import selectors
import subprocess

import pytest

import pcap
from test_statistics import COLUMNS, SEVERAL, cells, counts, in_columns, objects, tree_counts
from test_story import ladder_of
from wireshark import TIMEOUT, as_somebody, frames_of

SESSIONS = (  # captures, and how many frames of them are read at a time
    (SEVERAL, 60), ("busy-server", 12), ("port-reuse-in-client-time-wait", 5), ("story-02-keep-alive-rst", 1),
)  # fmt: skip
FILTER = ",tcp.flags.reset == 1"
RING = 60  # packets in each file
PATIENCE = 20  # seconds, for rows that are to come while the capture goes on


def of_sessions(wireshark, name, length, filtered=""):
    """The rows of each piece of a capture, read on its own; but connections are numbered throughout"""
    frames = frames_of(name)
    rows, before = [], 0
    for start in range(0, len(frames), length):
        piece = wireshark.write("piece.pcap", pcap.write(frames[start : start + length]))
        for row in objects(wireshark.read(piece, "-q", "-z", f"tcplife,json{filtered}")):
            for key in {"tcplife.connection", "tcplife.reuse.connection"} & row.keys():
                row[key] += before
            if "tcplife.story" in row:
                row["tcplife.story"] = re.sub(
                    r"(?<=connection )\d+", lambda number: str(int(number[0]) + before), row["tcplife.story"]
                )
            rows.append(row)
        before += len(objects(wireshark.read(piece, "-q", "-z", "tcplife,json")))
    return rows


def with_resets(wireshark, name, length, form, filtered=""):
    done = wireshark.run(
        "tshark", "-M", length, "-r", wireshark.path(name), "-q", "-z", f"tcplife,{form}{filtered}"
    )
    assert done.returncode == 0, done
    assert set(done.stderr.splitlines()) <= {"resetting session."}
    return done.stdout


def tree_of(printed):
    return tree_counts(printed.removeprefix("\n"))


@pytest.fixture(scope="module", params=SESSIONS, ids=lambda it: it[0])
def session(request, wireshark):
    """A capture, how many frames of it are read at a time, and the rows of all pieces"""
    return *request.param, of_sessions(wireshark, *request.param)


def test_json_has_the_rows_of_every_session(wireshark, session):
    name, length, rows = session
    assert objects(with_resets(wireshark, name, length, "json")) == rows


def test_csv_has_them_below_one_header(wireshark, session):
    name, length, rows = session
    header, *lines = csv.reader(io.StringIO(with_resets(wireshark, name, length, "csv"), newline=""), strict=True)
    at = header.index("tcplife.client.port")
    assert [int(line[at]) for line in lines] == [row["tcplife.client.port"] for row in rows]


def test_lines_are_one_table(wireshark, session):
    name, length, rows = session
    assert in_columns(with_resets(wireshark, name, length, "streams")) == [COLUMNS, *map(cells, rows)]


def test_tree_counts_the_connections_of_all_sessions(wireshark, session):
    name, length, rows = session
    assert tree_of(with_resets(wireshark, name, length, "tree")) == counts(rows)


def test_story_has_the_ladder_of_every_session(wireshark):
    """Of its own frames, which are numbered anew; their times go on."""

    def untimed(rungs):
        return [[frame, *rest] for frame, _, *rest in rungs]

    name, length = "port-reuse-in-client-time-wait", 5
    frames, ladders = frames_of(name), []
    for start in range(0, len(frames), length):
        piece = wireshark.write("piece.pcap", pcap.write(frames[start : start + length]))
        ladders += ladder_of(wireshark.read(piece, "-n", "-q", "-z", "tcplife,story")).values()
    got = ladder_of(with_resets(wireshark, name, length, "story"))
    assert [*got] == [str(number) for number in range(len(ladders))]
    assert list(map(untimed, got.values())) == list(map(untimed, ladders))


@pytest.mark.parametrize("name", ["busy-server", "story-02-keep-alive-rst"])
def test_a_filter_chooses_in_each_session(wireshark, name):
    """Numbers of one session say nothing in the next."""
    expected = of_sessions(wireshark, name, 12, FILTER)
    assert expected
    assert objects(with_resets(wireshark, name, 12, "json", FILTER)) == expected


def test_flow_graph_survives_a_reset(wireshark):
    done = wireshark.run("tshark", "-M", 12, "-r", wireshark.path(SEVERAL), "-q", "-z", "flow,tcplife,network")
    assert done.returncode == 0, done


# As it goes on


def listening(wireshark, *arguments):
    return subprocess.Popen(
        [*as_somebody(), "tshark", *map(str, arguments)],
        cwd=wireshark.folder, env=wireshark.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def first_line(process):
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        assert ready.select(PATIENCE), "nothing comes"
    return process.stdout.readline().decode()


def test_rows_come_when_a_session_ends(wireshark):
    """Nobody has to wait for the end of a capture that has none."""
    name, length = "busy-server", 40
    frames = frames_of(name)
    tshark = listening(wireshark, "-M", length, "-r", "-", "-q", "-z", "tcplife,json")
    try:
        tshark.stdin.write(pcap.write(frames))
        tshark.stdin.flush()  # and it stays open
        assert objects(first_line(tshark)) == of_sessions(wireshark, name, length)[:1]
    finally:
        tshark.kill()
        tshark.communicate()


def live(wireshark, form):
    """What tshark prints of a live capture, from a pipe, into a ring of files"""
    folder = wireshark.home / f"ring-{form}"
    folder.mkdir()
    folder.chmod(0o777)
    ring = ("-b", f"packets:{RING}", "-w", folder / "ring.pcap")
    tshark = listening(wireshark, "-i", "-", *ring, "-q", "-z", f"tcplife,{form}")
    printed, _ = tshark.communicate(wireshark.path(SEVERAL).read_bytes(), timeout=TIMEOUT)
    assert tshark.returncode == 0
    assert len(list(folder.iterdir())) > 3
    return printed.decode()


def test_live_capture_into_a_ring_of_files(wireshark):
    rows = of_sessions(wireshark, SEVERAL, RING)
    assert objects(live(wireshark, "json")) == rows
    assert in_columns(live(wireshark, "streams")) == [COLUMNS, *map(cells, rows)]
    assert tree_of(live(wireshark, "tree")) == counts(rows)
