# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile "TCP Lifecycle", as it is installed: columns, colours and filter buttons."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from wireshark import NOBODY, TIMEOUT, TOP, WHOLE

NAME = "TCP Lifecycle"
FILES = ["colorfilters", "dfilter_buttons", "dfilters", "io_graphs", "preferences", "recent"]
SOURCE = TOP / "plugin" / "profile"
DATA = Path("/usr/share/wireshark")  # Wireshark's own, on Debian


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    """The profile's folder after `meson install`."""
    root = tmp_path_factory.mktemp("root")
    command = ["meson", "install", "-C", build, "--no-rebuild", "--destdir", root]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
    (folder,) = root.rglob(f"profiles/{NAME}")
    return folder


def home_of(wireshark, name):
    home = wireshark.folder / name
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    return home


@pytest.fixture(scope="module")
def environment(wireshark, installed, request):
    """With the profile as a global one, as on a machine where it was installed"""
    own = request.module.__name__
    data = wireshark.folder / f"data of {own}"
    data.mkdir()
    for path in DATA.iterdir():
        if path.name != "profiles":
            (data / path.name).symlink_to(path)
    shutil.copytree(installed, data / "profiles" / NAME)
    home = home_of(wireshark, f"home of {own}")
    return wireshark.environment | {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home), "WIRESHARK_DATA_DIR": str(data),
    }  # fmt: skip


@pytest.fixture(scope="module")
def tshark(wireshark, environment):
    """tshark with the profile"""

    def read(capture, *arguments):
        return wireshark.read(capture, "-C", NAME, *arguments, **environment)

    return read


def rules():
    """(name, filter, background, foreground) of each colouring rule; colours as (red, green, blue), 0 to 1"""
    for line in (SOURCE / "colorfilters").read_text().splitlines():
        if not line.startswith("#"):
            name, condition, colours = line[1:].split("@")
            numbers = [int(number) / 65535 for number in re.findall(r"\d+", colours)]
            yield name, condition, tuple(numbers[:3]), tuple(numbers[3:])


def buttons():
    """(label, filter) of each filter button"""
    lines = (line for line in (SOURCE / "dfilter_buttons").read_text().splitlines() if not line.startswith("#"))
    for enabled, label, condition, comment in csv.reader(lines):
        assert enabled == "TRUE" and comment
        yield label, re.sub(r"\\x22", '"', condition)


def test_it_is_installed(installed):
    assert sorted(path.name for path in installed.iterdir()) == FILES


def test_columns(tshark):
    rows = [re.split(r"\t", line) for line in tshark("story-01-merged-close", "-T", "tabs").splitlines()]
    titles = re.findall(r'^\t"(.+?)", "', (SOURCE / "preferences").read_text(), re.MULTILINE)
    assert titles[5:10] == ["Phase", "Client", "Server", "Step", "Verdict"]
    assert all(len(row) == len(titles) + 1 for row in rows)  # tshark has an arrow between two addresses
    assert [rows[0][6:11], rows[8][6:11], rows[9][6:11]] == [
        ["SYN_SENT", "SYN_SENT", "LISTEN", "SYN", ""],
        ["LAST_ACK", "FIN_WAIT_2", "LAST_ACK", "2nd FIN + ACK of 1st FIN", ""],
        ["TIME_WAIT", "TIME_WAIT", "CLOSED", "ACK of 2nd FIN", "3-way (client)"],
    ]


def test_colours_of_packets(tshark):
    printed = tshark("story-02-keep-alive-rst", "--color", "-T", "fields", "-e", "frame.coloring_rule.name")
    seen = [line.rpartition(" ")[2] for line in printed.splitlines()]
    assert seen == ["opening"] * 3 + ["HTTP"] * 4 + ["closing"] * 2 + ["HTTP"] * 3 + ["reset"]  # HTTP is Wireshark's


def luminance(colour):
    """WCAG 2's relative luminance"""
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def as_seen(colour, kind):
    """The colour as one sees it who lacks red (protan) or green (deutan) cones (Viénot 1999), in linear light"""
    red, green, blue = (part**2.2 for part in colour)
    if kind == "protan":
        both = 0.11238 * red + 0.88762 * green
        return both, both, max(0, 0.00401 * red - 0.00401 * green + blue)
    both = 0.29275 * red + 0.70725 * green
    return both, both, max(0, -0.02234 * red + 0.02234 * green + blue)


def test_colours_are_readable_for_the_colour_blind():
    for name, _, background, foreground in rules():
        darker, lighter = sorted((luminance(background), luminance(foreground)))
        assert (lighter + 0.05) / (darker + 0.05) > 7, f"{name}: too little contrast"  # WCAG 2, AAA
    found = list(rules())
    for kind in ("protan", "deutan"):
        for i, (one, _, colour, _) in enumerate(found):
            for other, _, second, _ in found[:i]:
                pairs = zip(as_seen(colour, kind), as_seen(second, kind))
                distance = sum((a ** (1 / 2.2) - b ** (1 / 2.2)) ** 2 for a, b in pairs) ** 0.5
                assert distance > 0.15, f"{one} and {other} look alike ({kind})"


@pytest.mark.parametrize("condition", [pytest.param(rule[1], id=rule[0]) for rule in rules()])
def test_each_colour_is_of_some_packet(wireshark, all_at_once, condition):
    assert wireshark.read(all_at_once, "-Y", condition)


def test_there_are_five_buttons():
    assert len(list(buttons())) == len({label for label, _ in buttons()}) == 5


def bookmarks():
    """(name, filter) of each filter behind the bookmark of the filter bar"""
    lines = (SOURCE / "dfilters").read_text().splitlines()
    return [re.fullmatch(r'"(TCP Lifecycle: [^"]+)" (.+)', line).groups() for line in lines]


@pytest.mark.parametrize("condition", [pytest.param(it[1], id=it[0]) for it in bookmarks()])
def test_each_bookmark_finds_some_packet_and_not_all(wireshark, all_at_once, condition):
    test_each_button_finds_some_packet_and_not_all(wireshark, all_at_once, condition)


@pytest.mark.parametrize("name", ["colorfilters", "dfilters"])
def test_what_wireshark_has_itself_follows(installed, name):
    """All of it; the comments do not count, of which later versions have more."""

    def read(folder):
        return [line for line in (folder / name).read_text().splitlines() if not line.startswith("#")]

    assert read(installed) == read(SOURCE) + read(DATA)


def test_each_graph_has_something_to_draw(wireshark, all_at_once):
    """tshark's own statistics of what the profile's I/O graphs are told"""
    lines = [line for line in (SOURCE / "io_graphs").read_text().splitlines() if not line.startswith("#")]
    for enabled, _, condition, colour, style, unit, field, *_ in csv.reader(lines):
        assert (enabled, colour[0]) == ("Enabled", "#") and style in ("Line", "Bar", "Dot")
        condition = condition.replace(r"\x22", '"')
        if field:
            assert unit == "MAX(Y Field)"
            condition = field
        assert wireshark.read(all_at_once, *WHOLE, "-Y", condition)


@pytest.mark.parametrize("condition", [pytest.param(button[1], id=button[0]) for button in buttons()])
def test_each_button_finds_some_packet_and_not_all(wireshark, all_at_once, condition):
    for some in (condition, f"tcp && !({condition})"):
        assert wireshark.read(all_at_once, *WHOLE, "-Y", some)


def test_buttons_are_read_without_complaint(wireshark, tshark, installed):
    """tshark says on stderr what it cannot read of a profile; here it can, and there it cannot."""
    tshark("still-open", "-c", "1")
    home = home_of(wireshark, "bad-home")
    folder = home / "wireshark" / "profiles" / NAME
    shutil.copytree(installed, folder)
    with (folder / "dfilter_buttons").open("a") as file:
        file.write('"TRUE","half a line\n')
    command = ("tshark", "-C", NAME, "-r", wireshark.path("still-open"))
    done = wireshark.run(*command, HOME=str(home), XDG_CONFIG_HOME=str(home))
    assert "dfilter_buttons" in done.stderr
