# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays connections between two hosts on one lwIP, and prints how the core's states compare."""

import subprocess
import sys
from pathlib import Path

import command
import lwip_judge
import play
from conversation import BUILD

HERE = Path(__file__).resolve().parent
TIMEOUT = 60


def build():
    """lwIP and the two hosts, as a library."""
    folder = BUILD.resolve() / "judges"
    folder.mkdir(exist_ok=True)
    library = folder / "lwip-hosts.so"
    words = ["cc", "-std=c11", "-Wall", "-Wextra", "-O1", "-g", "-fPIC", "-shared", "-I/usr/include/lwip",
             "-o", library, HERE / "hosts.c", "-llwip"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        sys.exit(f"cannot build the player (liblwip-dev is needed):\n{done.stderr}")
    return library


def connections(arguments):
    return play.play(build(), arguments.seed, arguments.variants, arguments.loss / 100, arguments.disorder / 100)


if __name__ == "__main__":
    command.main("lwip", connections, lwip_judge.verdicts_on)
