# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife's states held against the Linux kernel's, in a short lab: one seed, clean and lossy.

Where the lab cannot run (no root, no tracefs) these tests fail and say why: a comparison that was
skipped would look like one that was passed.
"""

import json
import re
import shutil
import subprocess

import pytest

from wireshark import TOP

RUN = TOP / "test" / "lab" / "run"
SEED = 1
LOSSES = (0, 3)
PLAY_TIMEOUT = 400
BUILD_TIMEOUT = 120
BAD = ("different", "off")

pytestmark = pytest.mark.xdist_group("lab")  # one lab at a time


def lab(*arguments, timeout=PLAY_TIMEOUT):
    return subprocess.run([RUN, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False)


SCENARIOS = lab("--list").stdout.split()


def verdicts_of(file, *arguments):
    """What the lab finds. Without a file of verdicts it could not run, and has said why."""
    done = lab("--json", file, *arguments)
    assert file.is_file(), f"the lab did not run: {done.stdout}{done.stderr}"
    return json.loads(file.read_text(encoding="utf-8"))


def told(verdicts):
    """One line for each of them."""
    return "\n" + "\n".join(
        "{score}: {family} at the {point}, {end}: kernel {truth}, to be known {target}, tcplife {ours} {reason}".format(**v)
        for v in verdicts
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def played(kept, build, plugin):
    losses = [word for loss in LOSSES for word in ("--loss", loss)]
    return verdicts_of(kept / "played.json", "--seed", SEED, *losses, "--keep", kept, "--build", build)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_states_are_the_kernels(played, scenario, loss):
    row = [v for v in played if v["scenario"] == scenario and v["loss"] == loss]
    assert row, "the lab has not played it"
    bad = [v for v in row if v["score"] in BAD]
    assert not bad, told(bad)


def test_all_scenarios_are_known():
    assert len(SCENARIOS) >= 60, f"the lab does not list its scenarios: {SCENARIOS}"


def test_segments_were_lost_by_chance(played):
    assert not any(v["lost"] for v in played if v["loss"] == 0)
    assert any(v["lost"] for v in played if v["loss"] > 0)


# What the lab says of a plugin that is wrong


BREAKS = {
    # An end that had sent its FIN, and acknowledges the peer's, is not in CLOSING any more.
    "closing": (
        r"(\[TCP_SENT\].*?\[TCP_KIND_ACK_OF_FIN\] *= \{(?: *\w\w,){5} *)CG",
        r"\1TW",
        {"simultaneous_close", "simultaneous_close_fin_lost"},
        "simultaneous_close",
    ),
    # A RST in CLOSE_WAIT is not heard.
    "reset_in_close_wait": (
        r"(\[TCP_RECEIVED\].*?\[TCP_KIND_RST\] *= \{(?: *\w\w,){7} *)CL",
        r"\1__",
        {"rst_data_after_close", "keepalive_fw2_expired", "keepalive_fw2_expired_mirror", "fw2_linger2_negative"},
        "rst_data_after_close",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_lab_fails_in_the_right_row(kept, played, tmp_path, name):
    """One cell of the transition table is changed, in a copy, and the kept captures are scored anew."""
    pattern, replacement, may_differ, must_differ = BREAKS[name]
    broken = build_broken(tmp_path, pattern, replacement)
    anew = verdicts_of(tmp_path / "broken.json", "--replay", kept, "--build", broken)
    assert len(anew) == len(played)
    wrong = {v["scenario"] for v in anew if v["loss"] == 0 and v["score"] == "different"}
    was_wrong = {v["scenario"] for v in played if v["loss"] == 0 and v["score"] == "different"}
    assert must_differ in wrong - was_wrong
    assert wrong - was_wrong <= may_differ


def build_broken(folder, pattern, replacement):
    shutil.copytree(TOP / "plugin", folder / "plugin")
    for name in ("meson.build", "meson_options.txt"):
        shutil.copy(TOP / name, folder)
    source = folder / "plugin" / "tcp-state.c"
    broken, count = re.subn(pattern, replacement, source.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
    assert count == 1, "the table has changed its form"
    source.write_text(broken, encoding="utf-8")
    for command in (["meson", "setup", folder / "build", folder], ["meson", "compile", "-C", folder / "build"]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build"
