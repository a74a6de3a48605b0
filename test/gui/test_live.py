# SPDX-License-Identifier: GPL-2.0-or-later
"""What only the whole capture tells is not told while a live capture goes on, whatever is dissected again
meanwhile, and is told when it has ended. gui-live.py drives the real Wireshark on a screen that nobody sees."""

import json
import shutil
import subprocess

import pytest

from test_gui import PYTHON, SECONDS, display  # noqa: F401
from wireshark import NOBODY, TOP, as_somebody, frames_of

CAPTURE = "still-open"
# Each packet has that fact, but only when the whole capture has been read. One is left out, so that the
# status bar always says something else when the filter was applied.
FILTER = "tcplife.client.held && frame.number > 1"
DRIVER = ("gui/gui-live.py", "gui/gui.py", "shared/pcap.py")


@pytest.fixture(scope="module")
def seen(wireshark, display):  # noqa: F811
    home = wireshark.folder / "live"
    home.mkdir(mode=0o700)
    for name in DRIVER:
        shutil.copy(TOP / "test" / name, home)
    if as_somebody():
        for path in (home, *home.iterdir()):
            shutil.chown(path, NOBODY, NOBODY)
    environment = wireshark.environment | {
        "DISPLAY": display, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(home),
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "QT_QPA_PLATFORM": "xcb", "TMPDIR": str(home),
    }  # fmt: skip
    done = subprocess.run(
        [*as_somebody(), "dbus-run-session", "--", PYTHON, "gui-live.py", wireshark.path(CAPTURE), FILTER],
        capture_output=True, cwd=home, encoding="utf-8", env=environment, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def total():
    return len(frames_of(CAPTURE))


@pytest.mark.xdist_group("gui")
@pytest.mark.parametrize("nth", ["first", "second"])
def test_the_end_is_known_when_the_capture_has_ended(seen, total, nth):
    assert seen[nth] == {"live": 0, "live, anew": 0, "ended": total - 1}


@pytest.mark.xdist_group("gui")
def test_the_end_is_known_when_all_is_dissected_again(seen, total):
    """Of a packet that is ignored nothing is dissected, were it the last one."""
    assert seen["one ignored"] == total - 2


@pytest.mark.xdist_group("gui")
def test_wireshark_lives_to_the_end(seen):
    assert seen["returned"] == 0
