# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin under test is the one in the build folder: $TCPLIFE_BUILD, else build/."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

import together
from wireshark import CAPTURES, TOP, Wireshark


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that one process runs")


def pytest_generate_tests(metafunc):
    """A test of `capture` is one of each capture. All of a capture run in one process, where what
    tshark says of it is asked for once."""
    if "capture" in metafunc.fixturenames:
        marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in CAPTURES]
        metafunc.parametrize("capture", marked)


@pytest.fixture(scope="session")
def build():
    """The meson build folder."""
    return Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()


@pytest.fixture(scope="session")
def plugin(build):
    path = build / "plugin" / "tcplife.so"
    assert path.is_file(), f"{path} is missing: build the plugin first, or set TCPLIFE_BUILD"
    return path


@pytest.fixture(scope="session")
def wireshark(build, plugin):
    """Without the plugin in tshark's list nothing would be tested, so everything that asks for
    this fails then. (pytest's own temporary folders are closed to other users.)"""
    folder = tempfile.mkdtemp(prefix="tcplife-test-")
    try:
        it = Wireshark(folder, build)
        assert it.plugin in it.tshark("-G", "plugins"), "tshark does not load the plugin"
        yield it
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def all_at_once(wireshark):
    """All captures in one, at the same time."""
    return wireshark.write("all-at-once.pcap", together.at_the_same_time())
