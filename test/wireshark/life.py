#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""life.py CAPTURE: the life of each connection of a capture, one block for each.

What the plugin says, read with tshark and set in columns; nothing is decided here.
"""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NOBODY = 65534
FRAME = ["tcplife.connection", "frame.number", "frame.time_relative", "tcplife.sender", "tcplife.step", "tcplife.phase"]
STATES = ["tcplife.client.state", "tcplife.server.state", "tcplife.event"]
FACTS = [
    "tcplife.client.addr", "tcplife.client.port", "tcplife.server.addr", "tcplife.server.port",
    "tcplife.open", "tcplife.open.time", "tcplife.open.syns", "tcplife.close", "tcplife.closed_by",
    "tcplife.reset.cause", "tcplife.client.bytes", "tcplife.server.bytes", "tcplife.duration",
]  # fmt: skip
FIELDS = FRAME + STATES + FACTS
STEP_WIDTH = 27


def plugin_folder(folder):
    """A plugin folder with nothing but the plugin that was built, as Wireshark wants it laid out."""
    version = subprocess.run(
        ["pkg-config", "--modversion", "wireshark"], capture_output=True, text=True, check=True
    ).stdout.strip()
    epan = folder / "plugins" / ".".join(version.split(".")[:2]) / "epan"
    epan.mkdir(parents=True)
    shutil.copy(Path(os.environ["TCPLIFE_BUILD"]) / "plugin" / "tcplife.so", epan)
    return epan.parent.parent


def tshark(folder, *arguments):
    """Run tshark with the plugin. As root Wireshark loads none from there, so root steps down."""
    command = ["tshark", *arguments]
    if os.getuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    environment = dict(os.environ, HOME=str(folder), WIRESHARK_PLUGIN_DIR=str(folder / "plugins"))
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


def rows(capture):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        plugin_folder(folder)
        if "tcplife.so" not in tshark(folder, "-G", "plugins").stdout:
            sys.exit("tcplife: Wireshark does not load the plugin that was built")
        copy = folder / "capture"
        shutil.copyfile(capture, copy)
        copy.chmod(0o644)
        selection = [argument for field in FIELDS for argument in ("-e", field)]
        result = tshark(
            folder, "-2", "-o", "tcplife.look_ahead:TRUE", "-r", str(copy), "-Y", "tcplife",
            "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=;", *selection
        )  # fmt: skip
    notes = [line for line in result.stderr.splitlines() if "Running as user" not in line]
    print("\n".join(notes), end="\n" if notes else "", file=sys.stderr)
    if result.returncode and not result.stdout:
        sys.exit(result.returncode)
    return [dict(zip(FIELDS, line.split("|"))) for line in result.stdout.splitlines()]


def duration(seconds):
    value = float(seconds)
    return f"{value:.3f} s" if value >= 1 else f"{value * 1000:.3f} ms"


def story(fact):
    """One sentence from the facts that there are."""
    opening, closing = fact["tcplife.open"], fact["tcplife.close"]
    parts = [f"open: {opening or 'not proven'}"]
    if fact["tcplife.open.time"]:
        parts[-1] += f" in {duration(fact['tcplife.open.time'])}"
    if int(fact["tcplife.open.syns"] or 0) > 1:
        parts[-1] += f" with {fact['tcplife.open.syns']} SYNs"
    if closing:
        parts.append(f"close: {closing}")
        if fact["tcplife.closed_by"]:
            parts[-1] += f", first by {fact['tcplife.closed_by']}"
    if fact["tcplife.reset.cause"]:
        parts.append(f"reset: {fact['tcplife.reset.cause']}")
    parts.append(f"{fact['tcplife.client.bytes'] or 0} + {fact['tcplife.server.bytes'] or 0} bytes")
    parts.append(f"{duration(fact['tcplife.duration'])} in all")
    return "; ".join(parts)


def block(number, frames):
    fact = [frame for frame in frames if frame["tcplife.duration"]][-1]
    print(
        f"Connection {number}: client {fact['tcplife.client.addr']} port {fact['tcplife.client.port']}, "
        f"server {fact['tcplife.server.addr']} port {fact['tcplife.server.port']}"
    )
    print(f"  {story(fact)}")
    print(f"  {'frame':>6} {'time':>12}  {'from':6}  {'step':{STEP_WIDTH}}  {'phase':12}  {'client':12}  server")
    for frame in frames:
        if not frame["tcplife.step"] and not frame["tcplife.event"]:
            continue
        print(
            f"  {frame['frame.number']:>6} {float(frame['frame.time_relative']):12.6f}  "
            f"{frame['tcplife.sender']:6}  {frame['tcplife.step']:{STEP_WIDTH}}  {frame['tcplife.phase']:12}  "
            f"{frame['tcplife.client.state']:12}  {frame['tcplife.server.state']}"
        )
        for event in filter(None, frame["tcplife.event"].split(";")):
            print(f"{'':30}{event}")
    print()


def main():
    if len(sys.argv) != 2 or "TCPLIFE_BUILD" not in os.environ:
        sys.exit("usage: TCPLIFE_BUILD=FOLDER life.py CAPTURE (try.sh does it)")
    frames = sorted(rows(sys.argv[1]), key=lambda row: (int(row["tcplife.connection"].split(";")[0]), int(row["frame.number"])))
    if not frames:
        print("no TCP connection in this capture")
    for number, group in itertools.groupby(frames, key=lambda row: row["tcplife.connection"]):
        block(number, list(group))


if __name__ == "__main__":
    main()
