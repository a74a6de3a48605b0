#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""life.py CAPTURE [FILTER or NUMBER]: the stories of the connections of a capture, as many as a screen holds.

FILTER is a display filter: the connections that have a frame that matches, or match as a whole. NUMBER is a
connection's. What the plugin says (-z tcplife,story); nothing is decided here.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "shared"))
from wireshark import as_somebody, lay_out  # noqa: E402

SCREEN = 36  # lines, of which the first connection may take more
SAID = set()  # by tshark, on stderr
VERDICTS = 8  # that are counted where there is no room for all connections


def tshark(folder, *arguments):
    """Run tshark with the plugin. As root Wireshark loads none from there, so root steps down."""
    command = [*as_somebody(), "tshark", *arguments]
    environment = dict(os.environ, HOME=str(folder), WIRESHARK_PLUGIN_DIR=str(folder / "plugins"))
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


def ask(folder, capture, shown_as, *arguments):
    """What tshark prints of the capture. What it has to say beside it is said once, with the name that the user
    gave."""
    result = tshark(folder, "-r", str(capture), *arguments)
    for line in result.stderr.splitlines():
        if "Running as user" not in line and line not in SAID:
            print(line.replace(str(capture), shown_as), file=sys.stderr)
            SAID.add(line)
    if result.returncode and not result.stdout:
        sys.exit(result.returncode)
    return result.stdout.splitlines()


def connections(folder, capture, shown_as, wanted):
    """What is known of each connection that is wanted"""
    condition = f",tcplife.connection == {wanted}" if wanted.isdecimal() else f",{wanted}" if wanted else ""
    return [json.loads(line) for line in ask(folder, capture, shown_as, "-q", "-z", f"tcplife,json{condition}")]


def stories(folder, capture, shown_as, numbers):
    """The lines of each of these connections"""
    condition = f"tcplife.connection in {{{', '.join(map(str, numbers))}}}"
    printed = ask(folder, capture, shown_as, "-n", "-q", "-z", f"tcplife,story,{condition}")
    blocks = []
    for line in printed:
        if line.startswith("Connection "):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def that_fit(found_blocks):
    """The blocks of the first connections that a screen holds, one at least, and none beyond its first screen"""
    blocks, left = [], SCREEN
    for found in found_blocks:
        if blocks and len(found) > left:
            break
        if len(found) > SCREEN:
            found = [*found[: SCREEN - 2], f"  ... {len(found) - SCREEN + 1} more lines", ""]
        left -= len(found)
        blocks.append(found)
    return blocks


def print_rest(facts, shown, capture):
    """How all of them ended, and how to see the others"""
    counted = Counter(fact.get("tcplife.verdict", "not decided") for fact in facts).most_common()
    kinds = [f"{number} {verdict}" for verdict, number in counted[:VERDICTS]]
    if len(counted) > VERDICTS:
        kinds.append(f"{sum(number for _, number in counted[VERDICTS:])} others")
    other, capture = facts[shown]["tcplife.connection"], shlex.quote(capture)
    print(f"{len(facts)} connections in all: {', '.join(kinds)}.")
    print(f"  one of them:           test/try.sh {capture} {other}")
    print(f"  those with a verdict:  test/try.sh {capture} 'tcplife.verdict contains \"abort\"'")
    print(f"  all, a line for each:  tshark -q -r {capture} -z tcplife,streams  (with the plugin installed)")


def main():
    if len(sys.argv) not in (2, 3) or "TCPLIFE_BUILD" not in os.environ:
        sys.exit("usage: TCPLIFE_BUILD=FOLDER life.py CAPTURE [FILTER or NUMBER] (try.sh does it)")
    shown_as, wanted = sys.argv[1], "".join(sys.argv[2:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        lay_out(folder / "plugins", Path(os.environ["TCPLIFE_BUILD"]))
        if "tcplife.so" not in tshark(folder, "-G", "plugins").stdout:
            sys.exit("tcplife: Wireshark does not load the plugin that was built")
        copy = folder / "capture"
        shutil.copyfile(shown_as, copy)
        copy.chmod(0o644)
        facts = connections(folder, copy, shown_as, wanted)
        # A block has three lines at least, before its frames.
        numbers = [fact["tcplife.connection"] for fact in facts[: SCREEN // 3]]
        blocks = that_fit(stories(folder, copy, shown_as, numbers) if numbers else [])
    if not facts:
        print("no such connection in this capture" if wanted else "no TCP connection in this capture")
    for lines in blocks:
        print("\n".join(lines))
    if len(facts) > len(blocks):
        print_rest(facts, len(blocks), shown_as)


if __name__ == "__main__":
    main()
