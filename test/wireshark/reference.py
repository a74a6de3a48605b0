#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything in README.md and plugin/REFERENCE.md that the program itself can tell: tables, and what
commands print.

    reference.py           print both as they should be
    reference.py --write   make them so
    reference.py --test    fail if they are not

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
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))
from wireshark import TOP, Wireshark  # noqa: E402

PAGES = (TOP / "README.md", TOP / "plugin" / "REFERENCE.md")
TYPES = {  # as Wireshark's display filter reference calls them
    "FT_ABSOLUTE_TIME": "Date and time",
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


def values(macro):
    """The table of a list in values.h: names and meanings, in the list's order"""

    def section(_):
        rows = []
        for identifier, name, *rest in entries("values.h", macro):
            if name != "NULL":
                meaning = "".join(part for part in rest if " " in part)
                rows.append([f"`{name}`", meaning])
        return table(["value", "meaning"], rows)

    return section


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


def condition(text):
    """`when` of a sentence, for a table"""
    return " and ".join(f"`{part}`" for part in text.replace("|", " \\| ").split("; ")) if text else "always"


def sentence(text):
    return text.replace("|", "\\|").replace("{", "`{").replace("}", "}`")


def story(_):
    """A sentence that is NULL stands for silence."""
    rows = [
        [part.lower(), condition(when), "(nothing)" if text == "NULL" else sentence(text)]
        for part, when, text in entries("story-table.h", "STORY_SENTENCES")
    ]
    return table(["part", "when", "sentence"], rows)


def advice(_):
    rows = [
        [condition(when), sentence(text), source]
        for when, text, source in entries("story-table.h", "STORY_ADVICE")
    ]
    return table(["when", "what it usually means, and what to look at", "source"], rows)


def first_look(wireshark):
    """What test/try.sh prints of its capture, once it has built"""
    printed = wireshark.tshark("-n", "-q", "-r", FIRST_LOOK, "-z", "tcplife,story")
    return f"```text\n{printed.strip()}\n```\n"


SECTIONS = {
    "advice": advice,
    "answered": values("TL_ANSWERED"),
    "causes": values("TL_CAUSES"),
    "closers": values("TL_CLOSERS"),
    "closings": values("TL_CLOSINGS"),
    "events": events,
    "evidence": values("TL_EVIDENCE"),
    "fields": fields,
    "forms": values("TL_FORMS"),
    "openings": values("TL_OPENINGS"),
    "roles": values("TL_ROLES"),
    "states": states,
    "steps": values("TL_STEPS"),
    "story": story,
    "try": first_look,
    "verdicts": values("TL_VERDICTS"),
}


def replay(wireshark, block):
    """A console block with the output that its commands have now"""
    lines = []
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
        program, *arguments = shlex.split(command)
        if program != "tshark":
            raise ValueError(f"not a command of tshark: {command}")
        lines += [f"$ {command}", *wireshark.tshark(*arguments).splitlines()]
    return "\n".join(lines) + "\n"


def render(text, wireshark):
    """A page's text with everything in it that can be told told anew"""

    def section(match):
        if match[2] not in SECTIONS:  # the benchmark's, which takes an hour to tell
            return match[0]
        return f"{match[1]}{SECTIONS[match[2]](wireshark)}{match[3]}"

    def console(match):
        return f"{match[1]}{replay(wireshark, match[2])}{match[3]}"

    text = re.sub(
        r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)", section, text, flags=re.DOTALL
    )
    return re.sub(r"(^```console\n)(.*?)(^```$)", console, text, flags=re.DOTALL | re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description="Tells what the program can tell of its pages.")
    parser.add_argument("--write", action="store_true", help="rewrite them")
    parser.add_argument("--test", action="store_true", help="fail if one differs")
    arguments = parser.parse_args()
    build = Path(os.environ.get("TCPLIFE_BUILD", TOP / "build")).resolve()
    folder = tempfile.mkdtemp(prefix="tcplife-reference-")
    try:
        wireshark = Wireshark(folder, build)
        have = {page: page.read_text() for page in PAGES}
        want = {page: render(text, wireshark) for page, text in have.items()}
    finally:
        shutil.rmtree(folder)
    for page in PAGES:
        name = str(page.relative_to(TOP))
        if arguments.write:
            page.write_text(want[page])
        elif arguments.test:
            lines = have[page].splitlines(True), want[page].splitlines(True)
            sys.stdout.writelines(difflib.unified_diff(*lines, name, f"{name} as it should be"))
        else:
            print(want[page], end="")
    sys.exit(arguments.test and have != want)


if __name__ == "__main__":
    main()
