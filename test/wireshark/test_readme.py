# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md says what is true today: its tables are those of the built program, its commands print
what stands there, its filters find something, and its picture is one of the plugin."""

import csv
import difflib
import os
import re
import subprocess
from collections import Counter

import pytest

import together
from interface import EXPERTS
from reference import PAGES, SECTIONS, entries, render
from wireshark import CAPTURES, TOP, WHOLE

TEXT = PAGES[0].read_text()
FILTERS = re.findall(r"`(tcplife\.[^`]*)`", re.search(r"## Cookbook(.*?)\n## ", TEXT, re.DOTALL)[1])


@pytest.fixture(scope="module")
def wanted(wireshark):
    return {page: render(page.read_text(), wireshark) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_up_to_date(wanted, page):
    """If not: test/wireshark/reference.py --write"""
    have = page.read_text().splitlines()
    assert list(difflib.unified_diff(have, wanted[page].splitlines(), lineterm="", n=0)) == []


def test_drift_is_noticed(wireshark, wanted):
    """Whatever stands in the places that are compared is replaced."""
    wanted = "".join(wanted.values())
    drifted = re.sub(r"(: begin -->\n).*?(<!-- \w+: end)", r"\1nothing\n\2", wanted, flags=re.DOTALL)
    drifted = re.sub(r"^(\$ tshark.*\n)(?:(?!\$|```).*\n)+", r"\1nothing\n", drifted, flags=re.MULTILINE)
    assert drifted.count("nothing\n") > len(SECTIONS)
    assert render(drifted, wireshark) == wanted


def test_tables_tell_of_all_expert_infos(wireshark):
    """Their list in the source, of which the table is made, is the one that tshark knows."""
    listed = [f"tcplife.{name}" for _, name, *_ in entries("events.h", "TL_EVENTS")]
    assert listed == [name for name, kind, _ in wireshark.fields() if kind == "FT_NONE"]
    severities = {f"tcplife.{name}": kind for _, name, kind, *_ in entries("events.h", "TL_EVENTS")}
    for name, (severity, _) in EXPERTS.items():
        assert severity.upper().startswith(severities[f"tcplife.{name}"])


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert targets
    assert [target for target in targets if "://" not in target and not (TOP / target).exists()] == []


@pytest.fixture(scope="module")
def everything(wireshark):
    """All captures, one after the other"""
    return wireshark.write("everything.pcap", together.one_after_the_other(CAPTURES))


@pytest.mark.parametrize("filter", FILTERS)
def test_filters_of_the_cookbook_find_something(wireshark, everything, filter):
    assert wireshark.read(everything, *WHOLE, "-Y", filter) != ""


def in_shell(wireshark, program):
    """What the line of README.md prints that ends in this program"""
    (line,) = re.findall(rf"^    (tshark -r FILE .*\| {program} .*)$", TEXT, re.MULTILINE)
    done = wireshark.run("bash", "-c", line.replace("FILE", str(wireshark.path("crashed-client-comes-back"))))
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split({"jq": "\t", "sqlite3": "|"}[program]) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def rows(wireshark):
    text = wireshark.read("crashed-client-comes-back", "-q", "-z", "tcplife,csv")
    return list(csv.DictReader(text.splitlines()))


def test_jq(wireshark, rows):
    reset = [[row["tcplife.connection"], row["tcplife.verdict"]] for row in rows if row["tcplife.reset.cause"]]
    assert in_shell(wireshark, "jq") == reset


def test_sqlite(wireshark, rows):
    counted = Counter(row["tcplife.verdict"] for row in rows).items()
    wanted = [[verdict, str(number)] for verdict, number in sorted(counted, key=lambda it: (-it[1], it[0]))]
    assert in_shell(wireshark, "sqlite3") == wanted != []


def picture(build, path, *arguments):
    script = [TOP / "test" / "gui" / "gui-screenshot.sh", TOP / "captures" / "story-08-last-ack-lost.pcap", "12"]
    environment = os.environ | {"TCPLIFE_BUILD": str(build)}
    subprocess.run([*script, path, *arguments], check=True, timeout=120, env=environment)
    return path


def ink(path, region):
    """A part of a picture in black and white"""
    command = ["convert", path, "-crop", region, "-colorspace", "gray", "-threshold", "50%", "gray:-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_the_gui_shows_the_tree(build, tmp_path):
    """Of a packet in the middle of a stream. Without the plugin the list of packets looks the same,
    but for the marks at its left of packets that the tree refers to; the tree does not."""
    shown = picture(build, tmp_path / "with.png")
    without = picture(build, tmp_path / "without.png", "--disable-protocol", "tcplife")
    packets, tree = "1100x200+80+112", "1280x700+0+470"
    assert ink(shown, packets) == ink(without, packets)
    assert ink(shown, tree) != ink(without, tree)
