# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of plugin/recipes, as far as they run here: a folder of captures, and what a search engine is
given. There is none here, so its part is checked against what it documents: names without dots, each with a
type that fits, and each time a number."""

import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from wireshark import TIMEOUT, TOP, as_somebody, version

RECIPES = TOP / "plugin" / "recipes"
NAMES = ["story-02-keep-alive-rst", "story-13-syn-flood", "ipv6", "still-open", "rejected-by-icmp", "zero-window"]
AWKWARD = "with 'quotes' \"and\" a \\ & | .pcap"
TYPES = {
    "FT_STRING": "keyword", "FT_BOOLEAN": "boolean", "FT_RELATIVE_TIME": "double", "FT_UINT32": "long",
    "FT_UINT64": "long", "FT_INT32": "integer", "FT_FRAMENUM": "long", "FT_ABSOLUTE_TIME": "date_nanos",
}  # fmt: skip
FITS = {
    "keyword": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "long": lambda value: type(value) is int,
    "double": lambda value: isinstance(value, Decimal),
    "date": lambda value: isinstance(value, Decimal),
    "boolean": lambda value: value is True,
}


def mapping(name):
    return json.loads((RECIPES / name).read_text())


def objects(text):
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def folder_command(wireshark, folder, *arguments):
    script = wireshark.write("folder.sh", (RECIPES / "folder.sh").read_bytes())
    return [*as_somebody(), "bash", str(script), str(folder), "2", *map(str, arguments)]


def run_folder(wireshark, folder, *arguments, environment=None):
    return subprocess.run(
        folder_command(wireshark, folder, *arguments), capture_output=True, cwd=wireshark.folder, encoding="utf-8",
        env=environment or wireshark.environment, timeout=TIMEOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(wireshark):
    """Some captures, one of them deeper and with a name of all that a shell may stumble upon"""
    top = wireshark.folder / "a folder"
    (top / "below").mkdir(parents=True)
    for name in NAMES[:-1]:
        shutil.copy(wireshark.path(name), top)
    shutil.copy(wireshark.path(NAMES[-1]), top / "below" / AWKWARD)
    return top


@pytest.fixture(scope="module")
def connections(wireshark, folder):
    done = run_folder(wireshark, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_folder(wireshark, folder, connections):
    """Each connection of each capture is there, unchanged but for the capture's name."""
    expected = []
    for name in NAMES:
        path = folder / f"{name}.pcap" if name != NAMES[-1] else folder / "below" / AWKWARD
        rows = objects(wireshark.read(name, "-q", "-z", "tcplife,json"))
        expected += [{"capture": str(path), **row} for row in rows]
    assert sorted(objects(connections), key=str) == sorted(expected, key=str)


def test_folder_says_what_it_cannot_read(wireshark, folder):
    bad = wireshark.folder / "another folder"
    bad.mkdir()
    (bad / "torn.pcap").write_bytes(b"no capture")
    shutil.copy(wireshark.path("still-open"), bad)
    done = run_folder(wireshark, bad)
    assert done.returncode == 1 and "torn.pcap" in done.stderr
    assert {row["capture"] for row in objects(done.stdout)} == {str(bad / "still-open.pcap")}


# Beginning again, and on a terminal


@pytest.fixture
def counting(wireshark, tmp_path_factory):
    """An environment in which tshark notes each capture that it is asked to read, and does not come to an end with
    those whose names are in the file `stuck`"""
    place = wireshark.folder / f"counting {len(list(wireshark.folder.iterdir()))}"
    place.mkdir()
    place.chmod(0o777)
    (place / "tshark").write_text(
        f"""#!/bin/sh
for last; do :; done
case "$last" in *.pcap) echo "$last" >>'{place}/read' ;; esac
if [ -f '{place}/stuck' ] && echo "$last" | grep -qFf '{place}/stuck'; then sleep 60; fi
exec {shutil.which("tshark")} "$@"
"""
    )
    (place / "tshark").chmod(0o755)
    return place, wireshark.environment | {"PATH": f"{place}:{os.environ['PATH']}"}


def read_of(place):
    """The captures that were read since this was asked the last time"""
    noted = place / "read"
    names = sorted(Path(line).stem for line in noted.read_text().splitlines()) if noted.is_file() else []
    noted.unlink(missing_ok=True)
    return names


def test_an_interrupted_run_goes_on(wireshark, folder, connections, counting):
    """Ctrl-C while a capture is read: nothing is printed. The next time only that one and those behind it are read,
    and all is printed; the time after that nothing is read."""
    place, environment = counting
    (place / "stuck").write_text("still-open\n")
    command = folder_command(wireshark, folder, "--work", place / "work")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=wireshark.folder,
        encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    # While one of the two places is taken by the capture that does not come to an end, all others are read.
    log, end = place / "work" / "log", time.monotonic() + TIMEOUT
    while not log.is_file() or len(log.read_text().splitlines()) < len(NAMES):
        assert time.monotonic() < end
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert out == "" and process.returncode != 0
    read_of(place)
    (place / "stuck").unlink()
    for expected in (["still-open"], []):
        done = run_folder(wireshark, folder, "--work", place / "work", environment=environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(done.stdout.splitlines()) == sorted(connections.splitlines())
        assert read_of(place) == expected


def test_what_is_new_or_failed_is_read_later(wireshark, counting):
    place, environment = counting
    source = wireshark.folder / f"source of {place.name}"
    source.mkdir()
    whole = wireshark.path("still-open").read_bytes()
    (source / "b.pcap").write_bytes(whole)
    (source / "c.pcap").write_bytes(whole[:-10])
    run = functools.partial(run_folder, wireshark, source, "--work", place / "work", environment=environment)
    done = run()
    assert done.returncode == 1 and done.stderr.startswith(f"{source / 'c.pcap'}: ") and "cut short" in done.stderr
    assert [row["capture"] for row in objects(done.stdout)] == [str(source / "b.pcap"), str(source / "c.pcap")]
    assert read_of(place) == ["b", "c"]
    (source / "a.pcap").write_bytes(whole)
    (source / "c.pcap").write_bytes(whole)
    done = run()
    assert (done.returncode, done.stderr, read_of(place)) == (0, "", ["a", "c"])
    assert sorted(row["capture"] for row in objects(done.stdout)) == [str(source / f"{name}.pcap") for name in "abc"]


def test_a_terminal_shows_how_far_it_is(wireshark, folder):
    command = shlex.join(folder_command(wireshark, folder)[-4:]) + " >lines.jsonl"
    log = wireshark.folder / "terminal"
    log.mkdir()
    log.chmod(0o777)
    done = subprocess.run(
        [*as_somebody(), "script", "-qec", f"cd {shlex.quote(str(log))} && {command}", "/dev/null"], capture_output=True,
        encoding="utf-8", env=wireshark.environment | {"SHELL": "/bin/bash"}, cwd=wireshark.folder,
        stdin=subprocess.DEVNULL, timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0 and re.search(rf"100% {len(NAMES)}:0=0s", done.stdout), done


@pytest.fixture(scope="module")
def bulk(connections):
    done = subprocess.run([RECIPES / "bulk.sh"], input=connections, capture_output=True, text=True, check=True)
    return objects(done.stdout)


def test_bulk_load_is_the_same_without_dots_in_names(connections, bulk):
    assert bulk[::2] == [{"index": {}}] * (len(bulk) // 2)
    renamed = [{name.replace(".", "_"): value for name, value in row.items()} for row in objects(connections)]
    assert bulk[1::2] == renamed


def test_bulk_load_with_dots(wireshark, connections):
    done = subprocess.run(
        [RECIPES / "bulk.sh", "--dots"], input=connections, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1::2] == connections.splitlines()
    assert done.stdout.splitlines()[::2] == ['{"index":{}}'] * len(connections.splitlines())
    mappings = mapping("connections-dots.json")["mappings"]
    header = wireshark.read("still-open", "-q", "-z", "tcplife,csv").splitlines()[0].split(",")
    types = {name.replace(".", "_"): kind for name, kind in mappings["properties"].items()}
    assert set(mappings["properties"]) <= set(header) and mappings["subobjects"] is False
    assert types.items() <= mapping("connections.json")["mappings"]["properties"].items()


def test_connections_fit_their_mapping(wireshark, bulk):
    properties = mapping("connections.json")["mappings"]["properties"]
    for row in bulk[1::2]:
        for name, value in row.items():
            assert FITS[properties[name]["type"]](value), (name, value)
    header = wireshark.read("still-open", "-q", "-z", "tcplife,csv").splitlines()[0].split(",")
    assert list(properties) == ["capture", *(name.replace(".", "_") for name in header)]


def test_packets_fit_their_mapping(wireshark):
    """-T ek prints all values as strings, which numbers and booleans are read from."""
    layers = mapping("packets.json")["template"]["mappings"]["properties"]["layers"]["properties"]
    properties = layers["tcplife"]["properties"]
    fields = {name: kind for name, kind, _ in wireshark.fields() if kind != "FT_NONE"}
    assert properties == {f"tcplife_{name.replace('.', '_')}": {"type": TYPES[kind]} for name, kind in fields.items()}
    patterns = {"long": r"\d+", "integer": r"-?\d+", "double": r"-?\d+\.\d+", "keyword": r".+"}
    patterns["date_nanos"] = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    seen = set()
    for name in NAMES:
        for row in objects(wireshark.read(name, "-T", "ek")):
            for field, value in row.get("layers", {}).get("tcplife", {}).items():
                if field not in properties:
                    continue  # expert infos, and labels of branches
                kind = properties[field]["type"]
                for one in value if isinstance(value, list) else [value]:
                    assert one is True if kind == "boolean" else re.fullmatch(patterns[kind], one), (field, one)
                seen.add(field)
    assert len(seen) > 30


def test_wireshark_s_own_mapping_would_not_do(wireshark):
    """It leaves strings out, and before 4.6 it took times for dates. Should it come to be right,
    packets.json is no longer needed."""
    text = wireshark.tshark("-G", "elastic-mapping", "--elastic-mapping-filter", "tcplife")
    properties = json.loads(text)["mappings"]["properties"]["layers"]["properties"]["tcplife"]["properties"]
    assert properties["tcplife_tcplife_duration"] == {"type": "date" if version() < (4, 6) else "double"}
    assert "tcplife_tcplife_phase" not in properties


# SQLite

# Beside NAMES, so that each question has an answer; the first loaded as tshark's own lines, which name no capture.
MORE = ["injected-rst", "story-11-syn-unanswered", "half-closed", "crashed-client-comes-back"]
SQL_TYPES = {"keyword": "TEXT", "text": "TEXT", "double": "REAL", "date": "REAL", "long": "INTEGER",
             "integer": "INTEGER", "boolean": "INTEGER"}  # fmt: skip


def load(database, lines):
    return subprocess.run([RECIPES / "sqlite.sh", database], input=lines, capture_output=True, text=True)


def query(database, *words):
    done = subprocess.run(["sqlite3", "-json", database, *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout or "[]")


@pytest.fixture(scope="module")
def more(wireshark):
    first, *others = [wireshark.read(name, "-q", "-z", "tcplife,json") for name in MORE]
    named = zip(MORE[1:], others)
    return [first, *(re.sub("^{", f'{{"capture":"{name}",', lines, flags=re.MULTILINE) for name, lines in named)]


@pytest.fixture(scope="module")
def rows(connections, more):
    return [{"capture": "", **row} for row in objects("".join([connections, *more]))]


@pytest.fixture(scope="module")
def database(connections, more, tmp_path_factory):
    path = tmp_path_factory.mktemp("sqlite") / "connections.db"
    for lines in (connections, *more, connections):
        done = load(path, lines)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return path


def column(key):
    return key.removeprefix("tcplife.").replace(".", "_")


def plain(row):
    """A line as SQLite's columns have it"""
    return {column(key): 1 if value is True else float(value) if isinstance(value, Decimal) else value
            for key, value in row.items()}  # fmt: skip


def test_sqlite_has_each_connection_once_and_whole(database, rows):
    """Although the first lines were loaded twice"""
    loaded = query(database, "SELECT * FROM connections ORDER BY capture, connection")
    expected = sorted((plain(row) for row in rows), key=lambda row: (row["capture"], row["connection"]))
    assert [{name: value for name, value in row.items() if value is not None} for row in loaded] == expected


def test_sqlite_has_types_and_indexes(database):
    told = {row["name"]: row["type"] for row in query(database, "SELECT name, type FROM pragma_table_info('connections')")}
    properties = mapping("connections.json")["mappings"]["properties"]
    assert told == {name.removeprefix("tcplife_"): SQL_TYPES[it["type"]] for name, it in properties.items()}
    for question in ("server_addr = 'x'", "client_addr = 'x'", "start > 1", "close = 'x'", "open = 'x'", "reset_cause = 'x'"):
        asked = ["sqlite3", database, f"EXPLAIN QUERY PLAN SELECT * FROM connections WHERE {question}"]
        assert "USING INDEX" in subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_sqlite_has_the_events(database, rows):
    loaded = query(database, "SELECT * FROM events ORDER BY capture, connection, event")
    expected = [
        {"capture": row["capture"], "connection": row["tcplife.connection"], "event": name, "count": int(count)}
        for row in rows if "tcplife.events" in row
        for name, count in (it.split(" ") for it in row["tcplife.events"].split(", "))
    ]  # fmt: skip
    assert loaded == sorted(expected, key=lambda it: (it["capture"], it["connection"], it["event"]))
    assert len(expected) > 10


def test_sqlite_takes_a_bad_line_for_none(database):
    before = query(database, "SELECT count(*) FROM connections")
    done = load(database, '{"tcplife.connection":0}\n{"tcplife.connection":\n')
    assert done.returncode != 0 and "malformed JSON" in done.stderr
    assert query(database, "SELECT count(*) FROM connections") == before


def server(row):
    return row["tcplife.server.addr"], row["tcplife.server.port"]


def counted(keys):
    """Each key with how often it is there: the most frequent first, as the questions have it"""
    return [(*key, number) for key, number in sorted(Counter(keys).items(), key=lambda it: (-it[1], it[0]))]


def resets(rows):
    for row in rows:
        if "tcplife.reset.cause" in row:
            hour = datetime.fromtimestamp(int(row["tcplife.start"]), timezone.utc).strftime("%Y-%m-%d %H:00")
            yield *server(row), hour, row["tcplife.reset.cause"]


def failed_opens(rows):
    failed = [row for row in rows if "tcplife.open.failed" in row]
    tried = Counter(map(server, rows))
    for *key, number in counted((*server(row), row["tcplife.open"]) for row in failed):
        clients = {row["tcplife.client.addr"] for row in failed if [*server(row), row["tcplife.open"]] == key}
        yield *key, number, len(clients), round(100 * number / tried[tuple(key[:2])], 1)


def close_waits(rows):
    found = [
        (row["capture"], row["tcplife.connection"], end, row[f"tcplife.{end}.addr"], row[f"tcplife.{end}.port"],
         float(row[f"tcplife.{end}.held"]))
        for row in rows for end in ("client", "server") if row[f"tcplife.{end}.state"] == "CLOSE_WAIT"
    ]  # fmt: skip
    return sorted(found, key=lambda it: (-it[-1], it[0], it[1]))[:20]


def slow_servers(rows):
    times = defaultdict(list)
    for row in rows:
        if "tcplife.open.server_time" in row:
            times[server(row)].append(float(row["tcplife.open.server_time"]))
    slow = [(*key, sorted(own)[max(1, len(own) * 95 // 100) - 1], len(own)) for key, own in times.items()]
    return sorted(slow, key=lambda it: (-it[2], it[:2]))[:20]


def strange_resets(rows):
    for row in rows:
        for name in ("reset.ttl_differs", "reset.too_early", "reset.sender_went_on"):
            if name in re.split(r"[ ,]+", row.get("tcplife.events", "")):
                yield *server(row), name


def test_questions(database, rows):
    """Each of the five is answered, and as it is answered from the lines themselves."""
    done = subprocess.run(
        ["sqlite3", "-bail", "-json", database], stdin=(RECIPES / "questions.sql").open(), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    _, *answers = re.split(r"^[A-Z].*\n", done.stdout, flags=re.MULTILINE)
    answers = [[tuple(row.values()) for row in json.loads(answer or "[]")] for answer in answers]
    expected = [counted(resets(rows)), list(failed_opens(rows)), close_waits(rows), slow_servers(rows),
                counted(strange_resets(rows))]  # fmt: skip
    assert answers == expected
    assert all(expected)
