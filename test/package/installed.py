# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package installed for all users, and removed. Not collected by itself, since it changes the
machine; the last test removes what the first installs."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from wireshark import NOBODY, TIMEOUT, TOP, as_somebody

pytestmark = pytest.mark.xdist_group("package")
NAME = "wireshark-tcplife"
PROFILES = Path("/usr/share/wireshark/profiles")
CAPTURE = TOP / "captures" / "story-02-keep-alive-rst.pcap"


def apt_get(*arguments):
    done = subprocess.run(
        ["apt-get", "-q", "-y", *arguments], capture_output=True, encoding="utf-8",
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, timeout=2 * TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done


def tshark(*arguments):
    """As a user who has not yet used Wireshark, and whose home takes the copy of a profile"""
    home = tempfile.mkdtemp(prefix="tcplife-home-")
    os.chown(home, NOBODY, NOBODY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WIRESHARK", "XDG"))}
    try:
        return subprocess.run(
            [*as_somebody(), "tshark", *map(str, arguments)], capture_output=True, cwd="/", encoding="utf-8",
            env=environment | {"HOME": home}, timeout=TIMEOUT,
        )  # fmt: skip
    finally:
        shutil.rmtree(home)


def listed():
    done = tshark("-G", "plugins")
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line.startswith("tcplife.so")]


@pytest.fixture(scope="module")
def files(package):
    """What dpkg says that it has installed"""
    apt_get("install", package)
    said = subprocess.run(["dpkg", "--listfiles", NAME], capture_output=True, check=True, encoding="utf-8").stdout
    yield [Path(line) for line in said.splitlines() if "tcplife" in line or "TCP Lifecycle" in line]


def test_any_user_has_the_plugin(files):
    (line,) = listed()
    (plugin,) = (path for path in files if path.name == "tcplife.so")
    assert line.endswith(str(plugin))


def test_any_user_has_the_fields(files):
    done = tshark("-r", CAPTURE, "-Y", "tcplife.reset.cause", "-T", "fields", "-e", "tcplife.reset.cause")
    assert (done.returncode, done.stdout, done.stderr) == (0, "keep-alive\n", "")


def test_any_user_has_the_profiles(files):
    done = tshark("-C", "TCP Lifecycle", "-r", CAPTURE, "-Y", "frame.number == 9")
    assert (done.returncode, done.stderr) == (0, "")
    assert "CLOSE_WAIT" in done.stdout and "FIN_WAIT_2" in done.stdout
    done = tshark("-C", "TCP Lifecycle Batch", "-r", CAPTURE, "-q", "-z", "tcplife,json")
    assert (done.returncode, done.stderr) == (0, "") and '"tcplife.reset.cause":"keep-alive"' in done.stdout


def test_nothing_is_left_of_it_once_it_is_removed(files):
    assert all(path.exists() for path in files)
    apt_get("remove", NAME)
    assert not [path for path in files if path.exists()]
    assert not list(PROFILES.glob("TCP*")) and listed() == []
