# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of plugin/recipes, as far as they run here: a folder of captures, and what a search engine is
given. There is none here, so its part is checked against what it documents: names without dots, each with a
type that fits, and each time a number."""

import json
import re
import shutil
import subprocess
from decimal import Decimal

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


def run_folder(wireshark, folder):
    command = [*as_somebody(), "bash", str(wireshark.write("folder.sh", (RECIPES / "folder.sh").read_bytes()))]
    return subprocess.run(
        [*command, str(folder), "2"], capture_output=True, cwd=wireshark.folder, encoding="utf-8",
        env=wireshark.environment, timeout=TIMEOUT,
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
