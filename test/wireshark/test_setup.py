# SPDX-License-Identifier: GPL-2.0-or-later
"""test/setup.sh waits for another apt instead of failing, and for nothing else. The apt-get is a script that
fails as Debian's does. And what test/generations.sh takes for the mirror's fault."""

import os
import subprocess

import pytest

from wireshark import TOP

LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"
BROKEN = "E: Unable to locate package no-such-package"


def apt_get(tmp_path, times, message):
    """Ask setup.sh for packages, with an apt-get that fails so often before it succeeds; what it did, and how
    often it was asked"""
    program = tmp_path / "apt-get"
    program.write_text(
        f"""#!/bin/sh
echo "$*" >>{tmp_path}/asked
[ $(wc -l <{tmp_path}/asked) -gt {times} ] || {{ echo '{message}' >&2; exit 100; }}
"""
    )
    program.chmod(0o755)
    script = f". {TOP}/test/setup.sh; apt_pause=0 apt_patience=5 as_root=(); apt_get install -y some-package"
    done = subprocess.run(
        ["bash", "-uc", script], capture_output=True, encoding="utf-8",
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    return done, (tmp_path / "asked").read_text().splitlines()


@pytest.mark.parametrize("times", [0, 1, 4])
def test_it_waits_for_another_apt(tmp_path, times):
    done, asked = apt_get(tmp_path, times, LOCKED)
    assert (done.returncode, done.stderr) == (0, "")
    assert asked == ["-qq install -y some-package"] * (times + 1)
    assert done.stdout.count("waiting") == (times > 0)


def test_not_for_ever(tmp_path):
    done, asked = apt_get(tmp_path, 100, LOCKED)
    assert done.returncode != 0 and LOCKED in done.stderr and len(asked) == 5


def test_it_does_not_wait_where_that_helps_nobody(tmp_path):
    done, asked = apt_get(tmp_path, 100, BROKEN)
    assert done.returncode != 0 and BROKEN in done.stderr and len(asked) == 1


def test_where_there_can_be_no_chroots_nothing_is_skipped():
    """Only what the mirror cannot make is. The machine is told what it lacks before anything is installed or run."""
    done = subprocess.run(
        ["bash", TOP / "test" / "generations.sh"], capture_output=True, encoding="utf-8",
        env=os.environ | {"TCPLIFE_CHROOTS": "/proc/nowhere"},
    )  # fmt: skip
    reason = "cannot write to /proc/nowhere" if os.geteuid() == 0 else "only root can make chroots"
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith(f"tcplife: {reason}")
