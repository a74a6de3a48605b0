# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays connections between two stacks of gVisor's, and prints how the core's states compare."""

import json
import os
import subprocess
import sys
from pathlib import Path

import command
import netstack_judge
from conversation import BUILD

HERE = Path(__file__).resolve().parent
BUILD_TIMEOUT = 110
PLAY_TIMEOUT = 60


def build():
    """The program that plays. Debian has gVisor's source where no modules are known."""
    folder = BUILD.resolve() / "judges"
    program = folder / "gvisor-play"
    paths = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "go-cache")}
    words = ["go", "build", "-o", program, "."]
    try:
        done = subprocess.run(words, cwd=HERE, env=os.environ | paths, capture_output=True, text=True,
                              timeout=BUILD_TIMEOUT, check=False)  # fmt: skip
    except FileNotFoundError:
        sys.exit("there is no go: install golang-go and golang-gvisor-gvisor-dev")
    if done.returncode:
        sys.exit(f"cannot build the player (golang-gvisor-gvisor-dev is needed):\n{done.stderr}")
    return program


def play(arguments):
    words = [build(), "-seed", arguments.seed, "-variants", arguments.variants,
             "-loss", arguments.loss / 100, "-disorder", arguments.disorder / 100]  # fmt: skip
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=PLAY_TIMEOUT,
                          check=True)  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    command.main("gvisor", play, netstack_judge.verdicts_on)
