# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold of any segments whatever; the list is in fuzz.c."""

import subprocess


def test_random_segments(build):
    run = subprocess.run([build / "test" / "fuzz"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "20000 conversations\n", "")
