# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile "TCP Lifecycle" in the real Wireshark: its columns are as wide as what stands in them, the first
time that somebody chooses it. And what the window "TCP Lifecycle" has in which order."""

import json
import re
import shutil
import subprocess

import pytest

from test_gui import PYTHON, SECONDS, display  # noqa: F401
from test_profile import NAME, SOURCE, environment, installed  # noqa: F401
from wireshark import TOP, as_somebody

LETTER = 8  # pixels, of Wireshark's font on the screen of the tests
LONGEST = {"Phase": "SYN_RECEIVED", "Client": "SYN_RECEIVED", "Server": "SYN_RECEIVED", "Step": "2nd FIN + ACK of 1st FIN",
           "Verdict": "RST after FIN (keep-alive, server)"}  # fmt: skip


@pytest.fixture(scope="module")
def seen(wireshark, environment, display):  # noqa: F811
    """Of a capture in which more connections are CLOSED than in TIME_WAIT"""
    folder = wireshark.folder / "columns"
    folder.mkdir()
    for name in ("gui.py", "gui-columns.py"):
        shutil.copy(TOP / "test" / "gui" / name, folder)
    own = environment | {
        "DISPLAY": display, "XDG_RUNTIME_DIR": environment["HOME"], "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        "QT_QPA_PLATFORM": "xcb",
    }  # fmt: skip
    done = subprocess.run(
        [*as_somebody(), "dbus-run-session", "--", PYTHON, folder / "gui-columns.py", "-C", NAME,
         "-r", wireshark.path("any-interface")],
        capture_output=True, cwd=environment["HOME"], encoding="utf-8", env=own, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def columns(seen):
    return dict(seen["columns"])


@pytest.mark.xdist_group("gui")
def test_widths_are_those_of_the_profile(columns):
    told = re.search(r"^column.width: (.*)$", (SOURCE / "recent").read_text(), re.MULTILINE)[1].split(", ")
    assert list(columns.values()) == [int(width) for width in told[1::2]]


@pytest.mark.xdist_group("gui")
@pytest.mark.parametrize("title", LONGEST)
def test_names_fit(columns, title):
    assert columns[title] > len(LONGEST[title]) * LETTER - 1


@pytest.mark.xdist_group("gui")
def test_all_but_the_info_fit_into_1280_pixels(columns):
    assert list(columns)[-1] == "Info"
    assert sum(list(columns.values())[:-1]) < 1170


@pytest.mark.xdist_group("gui")
def test_items_of_the_statistics_tree_stand_by_their_count(seen):
    """Whatever Wireshark sorts by when it opens the window; and the sections as README has them."""
    names = [row[0] for row in seen["tree"]]
    whole = names[: names.index("By server")]
    sections = ["Open", "Close", "Closed by", "RST cause", "RST form", "RST answers", "Phase"]
    assert [name for name in whole if name in sections] == sections
    assert whole[whole.index("Open") :][:3] == ["Open", "3-way", "refused"]
    assert whole[-3:] == ["Phase", "CLOSED", "TIME_WAIT"]
