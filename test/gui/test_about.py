# SPDX-License-Identifier: GPL-2.0-or-later
"""What was installed for oneself alone, in the real Wireshark: it finds plugin and profile, About names the
version, and a look at them is no change."""

import json
import shutil
import subprocess

import pytest

from test_gui import PYTHON, SECONDS, display  # noqa: F401
from test_personal import NAMES, Person
from wireshark import TOP, as_somebody


@pytest.fixture(scope="module")
def person(wireshark, build):
    it = Person(wireshark, build, "person with a screen")
    it.install()
    return it


@pytest.fixture(scope="module")
def seen(person, display):  # noqa: F811
    folder = person.top / "gui"
    folder.mkdir()
    for name in ("gui.py", "gui-about.py"):
        shutil.copy(TOP / "test" / "gui" / name, folder)
    environment = person.environment | {
        "DISPLAY": display, "XDG_RUNTIME_DIR": str(person.home), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        "QT_QPA_PLATFORM": "xcb",
    }  # fmt: skip
    done = subprocess.run(
        [*as_somebody(), "dbus-run-session", "--", PYTHON, folder / "gui-about.py", "-C", NAMES[0],
         "-r", person.wireshark.path("still-open")],
        capture_output=True, cwd=person.home, encoding="utf-8", env=environment, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.xdist_group("gui")
def test_the_profile_is_found(seen):
    assert {"Phase", "Client", "Server", "Step", "Verdict"} <= set(seen["titles"])
    assert seen["returned"] == 0


@pytest.mark.xdist_group("gui")
def test_about_tells_the_version(seen, build):
    said = subprocess.run(["meson", "introspect", "--projectinfo", build], capture_output=True, check=True).stdout
    assert seen["plugin"] == ["tcplife.so", json.loads(said)["version"]]


@pytest.mark.xdist_group("gui")
def test_a_look_at_it_is_no_change(person, seen):
    assert [line.split()[0] for line in person.uninstall()] == ["removed"] * 3
