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
        encoding="utf-8", env=wireshark.environment, cwd=wireshark.folder, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
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
