#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything in README.md that the program itself can tell: tables, and what commands print.

    reference.py           print README.md as it should be
    reference.py --write   make it so
    reference.py --test    fail if it is not

A table stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. A block fenced with
```console has lines `$ tshark ...`, each followed by what it prints. The plugin is the one in the
build folder: $TCPLIFE_BUILD, else build/.
"""

import argparse
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from wireshark import TOP, Wireshark  # noqa: E402

README = TOP / "README.md"
TYPES = {  # as Wireshark's display filter reference calls them
    "FT_BOOLEAN": "Boolean",
    "FT_FRAMENUM": "Frame number",
    "FT_INT32": "Signed integer (32 bits)",
    "FT_RELATIVE_TIME": "Time offset",
    "FT_STRING": "Character string",
    "FT_UINT32": "Unsigned integer (32 bits)",
    "FT_UINT64": "Unsigned integer (64 bits)",
}
SEVERITIES = {"CHAT": "Chat", "NOTE": "Note", "WARN": "Warning", "ERROR": "Error"}
FIRST_LOOK = "captures/story-02-keep-alive-rst.pcap"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def entries(header, macro):
    """The arguments of each X(...) of a list in one of the plugin's headers, strings unquoted"""
    text = (TOP / "plugin" / header).read_text()
    body = re.search(rf"#define {macro}\(X\)(.*?[^\\])\n", text, re.DOTALL)[1].replace("\\\n", "\n")
    string = r'"(?:[^"\\]|\\.)*"'
    for found in re.findall(rf"\bX\(((?:{string}|[^()\"])*)\)", body):
        arguments = re.findall(rf"{string}|[^\s,]+", found)
        yield [re.sub(r'^"|"$|\\(?=")', "", argument) for argument in arguments]


def states(_):
    rows = [[f"`{name}`", f"{meaning}"] for name, meaning in entries("tcp-state.h", "TCP_STATES")]
    return table(["state of an end", "meaning"], rows)


def fields(wireshark):
    rows = [
        [f"`{name}`", TYPES[kind], told]
        for name, kind, told in wireshark.fields()
        if kind != "FT_NONE"
    ]
    return table(["field", "type", "meaning"], rows)


def events(_):
    """Severities and reasons are in no list of tshark's; test_fields.py compares the names."""
    rows = [
        [f"`tcplife.{name}`", SEVERITIES[severity], text, why]
        for _, name, severity, text, why in entries("events.h", "TL_EVENTS")
    ]
    return table(["expert info", "severity", "text", "why"], rows)


def first_look(wireshark):
    """What test/try.sh prints of its capture, once it has built"""
    command = [sys.executable, TOP / "test" / "wireshark" / "life.py", TOP / FIRST_LOOK]
    environment = os.environ | {"TCPLIFE_BUILD": str(wireshark.build)}
    printed = subprocess.run(command, stdout=subprocess.PIPE, env=environment, text=True, check=True).stdout
    return f"```text\n{printed.strip()}\n```\n"


SECTIONS = {"events": events, "fields": fields, "states": states, "try": first_look}


def replay(wireshark, block):
    """A console block with the output that its commands have now"""
    lines = []
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
        program, *arguments = shlex.split(command)
        if program != "tshark":
            raise ValueError(f"README.md: not a command of tshark: {command}")
        lines += [f"$ {command}", *wireshark.tshark(*arguments).splitlines()]
    return "\n".join(lines) + "\n"


def render(text, wireshark):
    """README.md's text with everything in it that can be told told anew"""

    def section(match):
        return f"{match[1]}{SECTIONS[match[2]](wireshark)}{match[3]}"

    def console(match):
        return f"{match[1]}{replay(wireshark, match[2])}{match[3]}"

    text = re.sub(
        r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)", section, text, flags=re.DOTALL
    )
    return re.sub(r"(^```console\n)(.*?)(^```$)", console, text, flags=re.DOTALL | re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description="Tells what the program can tell of README.md.")
    parser.add_argument("--write", action="store_true", help="rewrite README.md")
    parser.add_argument("--test", action="store_true", help="fail if README.md differs")
    arguments = parser.parse_args()
    build = Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    folder = tempfile.mkdtemp(prefix="tcplife-reference-")
    try:
        have = README.read_text()
        want = render(have, Wireshark(folder, build))
    finally:
        shutil.rmtree(folder)
    if arguments.write:
        README.write_text(want)
    elif arguments.test:
        names = "README.md", "README.md as it should be"
        sys.stdout.writelines(difflib.unified_diff(have.splitlines(True), want.splitlines(True), *names))
        sys.exit(have != want)
    else:
        print(want, end="")


if __name__ == "__main__":
    main()
