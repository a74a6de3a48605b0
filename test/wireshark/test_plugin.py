# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin as a guest in Wireshark: how it is built and installed, what it exports, how it is
switched off and set, and whether it gets along with what is there already."""

import json
import os
import re
import shlex
import subprocess

import pytest

import pcap
from interface import EVENT, NOW, full
from wireshark import OURS, TOP, WHOLE, frames_of, version

SECOND = 1_000_000  # microseconds
MODES = pytest.mark.parametrize("mode", [(), ("-2",), WHOLE], ids=["one pass", "-2", "look-ahead"])


def output(*command, **environment):
    """What a command prints; it has to succeed"""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def failure(*command, **environment):
    """What a command prints that has to fail"""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=os.environ | environment
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


# Symbols


def test_it_exports_what_wireshark_looks_for_and_nothing_else(plugin):
    exported = {line.split()[-1] for line in output("nm", "-D", "--defined-only", plugin).splitlines()}
    expected = {"plugin_version", "plugin_want_major", "plugin_want_minor", "plugin_register"}
    if version() >= (4, 2):
        expected.add("plugin_describe")
    assert exported == expected


def test_the_core_needs_nothing_but_the_c_library(build):
    """neither epan nor GLib"""
    printed = output("nm", build / "plugin" / "libtcplife-core.a").splitlines()
    symbols = [line.split()[-2:] for line in printed if len(line.split()) >= 2]
    defined = {name for kind, name in symbols if kind != "U"}
    wanted = {name for kind, name in symbols if kind == "U"} - defined
    assert "tl_follow" in defined
    assert all(re.fullmatch(r"mem\w+|str\w+|_\w+", name) for name in wanted), wanted


# Built, installed, missing

# What Wireshark's own build asks of a plugin beyond -Wall -Wextra.
WIRESHARK_WARNINGS = (
    "-Wshadow", "-Wvla", "-Wold-style-definition", "-Wstrict-prototypes", "-Wlogical-op", "-Wredundant-decls",
    "-Wpointer-arith", "-Wformat-security", "-Wendif-labels", "-DNDEBUG",
)  # fmt: skip


def test_no_warning_in_wireshark_s_own_tree(build):
    """There its headers are no system's, about which a compiler is silent."""
    commands = json.loads((build / "compile_commands.json").read_text())
    (plugin,) = (it for it in commands if it["file"].endswith("plugin/plugin.c"))
    words = [word.replace("-isystem", "-I") for word in shlex.split(plugin["command"])]
    where = [word for word in words if word.startswith(("-I", "-D"))]
    strict = ("gcc", "-std=c11", "-Wall", "-Wextra", *WIRESHARK_WARNINGS, "-fsyntax-only", *where)
    sources = sorted((TOP / "plugin").glob("*.c"))
    done = subprocess.run([*strict, *map(str, sources)], capture_output=True, text=True, cwd=build)
    ours = [line for line in done.stderr.splitlines() if "plugin/" in line and "warning:" in line]
    assert (done.returncode, ours) == (0, [])



@pytest.fixture(scope="module", params=[("gcc", "debugoptimized"), ("clang", "release")], ids="-".join)
def fresh(request, tmp_path_factory):
    """A build of its own where each warning is an error: its folder, and what was said"""
    compiler, kind = request.param
    folder = tmp_path_factory.mktemp(compiler)
    options = ("-Dwarning_level=3", "-Dwerror=true", f"-Dbuildtype={kind}", "-Dplugindir=/elsewhere")
    setup = options if compiler == "clang" else options[:-1]
    said = output("meson", "setup", folder, TOP, *setup, CC=compiler)
    return compiler, folder, said + output("meson", "compile", "-C", folder)


@pytest.mark.xdist_group("builds")
def test_no_warnings(fresh):
    compiler, folder, said = fresh
    assert f"({compiler} " in said
    assert "warning" not in said.lower().replace("warning_level", "")
    assert (folder / "plugin" / "tcplife.so").is_file()


@pytest.mark.xdist_group("builds")
def test_install(fresh, tmp_path):
    """To Wireshark's own folder for plugins, or to that of the option."""
    compiler, folder, _ = fresh
    output("meson", "install", "-C", folder, "--no-rebuild", "--destdir", tmp_path)
    where = output("pkg-config", "--variable=plugindir", "wireshark").strip()
    where = "/elsewhere" if compiler == "clang" else where
    assert (tmp_path / where.lstrip("/") / "epan" / "tcplife.so").is_file()


def test_without_wireshark_the_build_says_what_is_missing(tmp_path):
    said = failure("meson", "setup", tmp_path / "build", TOP, PKG_CONFIG_LIBDIR=str(tmp_path))
    assert "apt install" in said and "wireshark-dev" in said


def test_an_old_wireshark_is_refused(tmp_path):
    (tmp_path / "wireshark.pc").write_text("Name: wireshark\nDescription: old\nVersion: 3.6.24\n")
    said = failure("meson", "setup", tmp_path / "build", TOP, PKG_CONFIG_PATH=str(tmp_path))
    assert re.search(r"tcplife needs .* wireshark >= 4\.0", said)


def test_wireshark_lists_it_with_its_version(wireshark, build):
    project = json.loads(output("meson", "introspect", "--projectinfo", build))
    lines = [line.split("\t") for line in wireshark.tshark("-G", "plugins").splitlines()]
    assert [line[:2] for line in lines if "tcplife" in line[0]] == [
        ["tcplife.so".ljust(len(lines[0][0])), project["version"]]
    ]


# Switched off


@MODES
def test_disabled_it_shows_nothing(wireshark, mode):
    off = ("--disable-protocol", "tcplife")
    for row in wireshark.rows("story-02-keep-alive-rst", OURS, *mode, *off):
        assert not any(row.values())
    assert "Lifecycle" not in wireshark.read("story-02-keep-alive-rst", "-V", *mode, *off)
    assert "TCPLIFE" not in wireshark.read("story-02-keep-alive-rst", "-q", "-z", "expert", *mode, *off)


# Preferences

PREFERENCES = {
    "tcplife.msl": "30",
    "tcplife.half_open_timeout": "75",
    "tcplife.syn_flood_threshold": "100",
    "tcplife.likely_server_ports": "",
    "tcplife.look_ahead": "FALSE",
}


def test_preferences_and_their_defaults(wireshark):
    printed = wireshark.tshark("-G", "currentprefs")
    have = dict(re.findall(r"^#?(tcplife\.\w+): *(.*)$", printed, re.MULTILINE))
    assert have == PREFERENCES


@pytest.mark.parametrize(
    "msl, phases",
    [(None, ["TIME_WAIT", "CLOSED"]), (20, ["CLOSED"] * 2), (60, ["TIME_WAIT"] * 2)],
    ids=["default", "20", "60"],
)
def test_time_wait_lasts_two_msl(wireshark, msl, phases):
    """The last ACK of a connection once more, 50 and 70 s later: neither restarts TIME_WAIT, and the
    time in it is not told, since its end is only a matter of the clock."""
    frames = frames_of("story-01-merged-close")
    last, data = frames[-1]
    frames += [(last + wait * SECOND, data) for wait in (50, 70)]
    path = wireshark.write(f"msl-{msl}.pcap", pcap.write(frames))
    setting = () if msl is None else ("-o", f"tcplife.msl:{msl}")
    fields = ["tcplife.phase", "tcplife.transition", "tcplife.time.time_wait", "tcplife.late"]
    rows = wireshark.rows(path, fields, *setting)[-3:]
    assert [row["tcplife.phase"] for row in rows] == [["TIME_WAIT"], *([it] for it in phases)]
    lapses = [row["tcplife.transition"] for row in rows[1:]]
    lapsed = [["client TIME_WAIT -> CLOSED"], []] if phases[0] == "CLOSED" else [[], []]
    assert lapses == ([[], ["client TIME_WAIT -> CLOSED"]] if msl is None else lapsed)
    assert not any(row["tcplife.time.time_wait"] for row in rows)
    assert [row["tcplife.late"] for row in rows] == [[], ["1"], ["1"]]


@pytest.mark.parametrize(
    "threshold, raised", [(0, []), (40, [40, 80]), (75, [75, 150]), (100, [100]), (200, [])]
)
def test_a_flood_is_called_one_at_the_threshold_and_each_doubling(wireshark, threshold, raised):
    fields = ["tcplife.half_open", "_ws.expert.message"]
    setting = ("-o", f"tcplife.syn_flood_threshold:{threshold}", "-Y", "tcplife.open.syn_flood")
    rows = wireshark.rows("story-13-syn-flood", fields, *setting)
    assert [int(row["tcplife.half_open"][0]) for row in rows] == raised
    assert all(any("possible SYN flood" in text for text in row["_ws.expert.message"]) for row in rows)


def test_old_handshakes_do_not_count(wireshark):
    """In story 11 the second SYN comes after 1.03 s, the third 3.05 s after the first. A handshake of
    its own that is too old does not count either."""
    field = ["tcplife.half_open"]
    for timeout, counts in ((75, "1111"), (2, "1100"), (4, "1110")):
        rows = wireshark.rows(
            "story-11-syn-unanswered", field, "-o", f"tcplife.half_open_timeout:{timeout}"
        )
        assert [row["tcplife.half_open"] for row in rows] == [[it] for it in counts]


# In company


def test_follow_stream_is_as_without(wireshark):
    follow = ("-q", "-z", "follow,tcp,ascii,0")
    plain = wireshark.read("story-04-curl-json", *follow, "--disable-protocol", "tcplife")
    assert "GET" in plain
    assert wireshark.read("story-04-curl-json", *follow) == plain
    assert wireshark.read("story-04-curl-json", *follow, *WHOLE) == plain


@MODES
def test_beside_another_post_dissector(wireshark, mode):
    """Both show what they show alone. (Its field has another name from 4.6 on.)"""
    theirs = "communityid" if version() < (4, 6) else "communityid.hash"
    ours = ["tcplife.phase", "tcplife.event", "tcplife.close"]
    name, other = "story-04-curl-json", ("--enable-protocol", "communityid")
    together = wireshark.rows(name, [theirs, *ours], *mode, *other)
    assert all(row[theirs] for row in together)
    alone = wireshark.rows(name, [theirs], *mode, *other, "--disable-protocol", "tcplife")
    assert [row[theirs] for row in together] == [row[theirs] for row in alone]
    mine = wireshark.rows(name, ours, *mode)
    assert [{it: row[it] for it in ours} for row in together] == mine


def test_behind_a_read_filter(wireshark):
    """It drops the handshake in the first pass, and the next frame that is kept gets the number of one dropped: the
    handshake was seen all the same, with look-ahead or without."""
    fields = ["frame.number", "tcplife.phase", "tcplife.open", "tcplife.event"]
    for mode in (("-2",), WHOLE):
        rows = wireshark.rows("still-open", fields, *mode, "-R", "tcp.len > 0")
        assert [list(row.values()) for row in rows] == [
            [["1"], ["ESTABLISHED"], ["3-way"], []],
            [["2"], ["ESTABLISHED"], ["3-way"], []],
        ]


def without(fields, rows):
    return [{name: value for name, value in row.items() if name not in fields} for row in rows]


@pytest.mark.parametrize("kept", [
    "tcp.len > 0", "tcp.srcport < 1024", "tcp.flags.reset == 1", "tcplife.transition", "tcplife.reset.verdict",
])  # fmt: skip
@pytest.mark.parametrize("name", ["story-02-keep-alive-rst", "injected-rst", "story-17-https-tls-1-3", "nat-forgets"])
def test_a_read_filter_that_drops_frames_of_connections(wireshark, name, kept):
    """Now and Event fields are the same with look-ahead and without. They are those of one pass, but for what
    names another frame, since frames have other numbers then, and for the last frame, which only the end knows."""
    fields = ["frame.time_epoch", *full([*NOW, *EVENT])]
    two, whole = (wireshark.rows(name, fields, *mode, "-R", kept) for mode in (("-2",), WHOLE))
    assert two == whole
    frames = {"tcplife.reset.answers", "tcplife.copy_of", "tcplife.last"}
    one = wireshark.rows(name, fields, "-Y", kept)
    assert without(frames, whole) == without(frames, one)


def test_what_a_read_filter_lets_pass_is_read_as_in_one_pass(wireshark):
    """Where it has dropped nothing, nobody has asked to look ahead: a fact is what is proven so far."""
    name, field = "story-01-merged-close", ["tcplife.close"]
    one, two = (wireshark.rows(name, field, *mode, "tcp") for mode in (("-Y",), ("-2", "-R")))
    assert one == two
    assert one[0] == {"tcplife.close": []} and one[-1] == {"tcplife.close": ["3-way"]}


@pytest.mark.parametrize("kept", ["tcp", "ip.addr == 192.0.2.2", "tcp.port == 80 || tcp.port == 443"])
@pytest.mark.parametrize("name", ["story-02-keep-alive-rst", "injected-rst", "story-17-https-tls-1-3"])
def test_a_read_filter_that_keeps_whole_connections(wireshark, name, kept):
    """Now and Event fields are the same with look-ahead and without, and those of one pass."""
    fields = full([*NOW, *EVENT])
    one, two = (wireshark.rows(name, fields, *mode, kept) for mode in (("-Y",), ("-2", "-R")))
    whole = wireshark.rows(name, fields, *WHOLE, "-R", kept)
    assert one == two == whole
    assert len(whole) > 5


def test_a_read_filter_for_fields_of_tcplife(wireshark):
    """It judges in the first pass, and finds what it asks for."""
    for mode in (("-2",), WHOLE):
        rows = wireshark.rows("story-02-keep-alive-rst", ["tcplife.reset.verdict"], *mode, "-R", "tcplife.reset.verdict")
        assert rows == [{"tcplife.reset.verdict": ["accepted"]}]
