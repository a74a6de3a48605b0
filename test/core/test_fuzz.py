# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold of any segments whatever; the list is in fuzz.c."""

import pathlib
import subprocess

import pytest

CORPUS = pathlib.Path(__file__).parent / "corpus"


def fuzz(build, *arguments):
    run = subprocess.run([build / "test" / "fuzz", *arguments], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


@pytest.mark.parametrize("seed", range(3))
def test_random_segments(build, seed):
    assert fuzz(build, "7000", str(seed)) == (0, "7000 conversations\n", "")


def test_kept_corpus(build, tmp_path):
    """What libFuzzer found worth keeping (fuzz.sh)."""
    subprocess.run(["tar", "xzf", CORPUS.with_suffix(".tar.gz"), "-C", tmp_path], check=True)
    kept = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert len(kept) > 100
    assert fuzz(build, *kept) == (0, f"{len(kept)} files\n", "")
