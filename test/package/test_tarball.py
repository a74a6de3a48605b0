# SPDX-License-Identifier: GPL-2.0-or-later
"""The tarball that `meson dist` makes of the tree as it is now."""

import shutil
import subprocess
import tarfile

import pytest

from wireshark import TIMEOUT, TOP

TREE = ["meson.build", "meson_options.txt", "plugin", "test", "captures", "README.md", "COPYING"]


def run(*command, cwd, patience=TIMEOUT):
    done = subprocess.run(command, capture_output=True, cwd=cwd, encoding="utf-8", timeout=patience)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


@pytest.fixture
def repository(tmp_path):
    """One of its own, since the tree's may have changes that are not yet committed, or may be none."""
    folder = tmp_path / "tcplife"
    folder.mkdir()
    for name in TREE:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(TOP / name, folder)
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("git", "-c", "user.name=nobody", "-c", "user.email=nobody", "commit", "-qm", "The tree", cwd=folder)
    return folder


def test_it_is_whole_and_builds_and_passes_its_tests(repository):
    """The latter two `meson dist` does itself, with the tarball unpacked."""
    run("meson", "setup", "build", cwd=repository)
    said = run("meson", "dist", "-C", "build", cwd=repository, patience=10 * TIMEOUT)
    assert "Distribution package" in said and "tested" in said
    (tarball,) = (repository / "build" / "meson-dist").glob("tcplife-*.tar.xz")
    with tarfile.open(tarball) as tar:
        packed = {member.name.partition("/")[2] for member in tar.getmembers() if not member.isdir()}
    assert packed == set(run("git", "ls-files", cwd=repository).splitlines())
