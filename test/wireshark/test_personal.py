# SPDX-License-Identifier: GPL-2.0-or-later
"""Installed for oneself alone, and taken away again; and the plugin of another Wireshark, which is not loaded."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from wireshark import NOBODY, TIMEOUT, TOP, as_somebody, version

NAMES = ["TCP Lifecycle", "TCP Lifecycle Batch"]
VERSION = "{}.{}".format(*version())
OTHER = "{}.{}".format(version()[0], version()[1] + 2)
CAPTURE = "story-02-keep-alive-rst"


class Person:
    """Somebody with a home of their own, and what the meson targets do, which need the build folder as theirs"""

    def __init__(self, wireshark, build, name):
        self.wireshark = wireshark
        self.top = wireshark.folder / name
        self.home = self.top / "home"
        self.home.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self.home, NOBODY, NOBODY)
        self.commands = {verb: self._take_along(build, verb) for verb in ("install", "uninstall")}
        self.profiles = self.home / ".config" / "wireshark" / "profiles"
        self.plugins = self.home / ".local" / "lib" / "wireshark" / "plugins" / VERSION / "epan"

    def _take_along(self, build, verb):
        """The command of a target, with its files in a folder that everybody may read"""
        lines = subprocess.run(
            ["ninja", "-C", build, "-t", "commands", f"{verb}-personal"], capture_output=True, text=True, check=True
        ).stdout
        words = shlex.split(lines.splitlines()[-1])
        (begin,) = (i for i, word in enumerate(words) if word.endswith("personal.sh"))
        words = words[begin:]
        for i, word in enumerate(words):
            if (path := build / word).is_file():
                copy = self.top / "files" / path.relative_to(path.parents[1])
                copy.parent.mkdir(parents=True, exist_ok=True)
                words[i] = shutil.copy(path, copy)
                copy.chmod(0o755)
        return [str(word) for word in words]

    @property
    def environment(self):
        own = self.wireshark.environment | {"HOME": str(self.home)}
        return {name: own[name] for name in own if name not in ("WIRESHARK_PLUGIN_DIR", "XDG_CONFIG_HOME")}

    def run(self, *command, user=None):
        return subprocess.run(
            [*(as_somebody() if user is None else user), *map(str, command)], capture_output=True, cwd=self.home,
            encoding="utf-8", env=self.environment, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
        )  # fmt: skip

    def does(self, *command):
        done = self.run(*command)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    def install(self):
        return self.does(*self.commands["install"])

    def uninstall(self):
        return self.does(*self.commands["uninstall"])

    def files(self):
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())


@pytest.fixture
def person(wireshark, build, request):
    it = Person(wireshark, build, f"person of {request.node.name}")
    yield it
    shutil.rmtree(it.top)


def test_all_of_it_is_found(person, build):
    said = person.install()
    project = json.loads(
        subprocess.run(["meson", "introspect", "--projectinfo", build], capture_output=True, check=True).stdout
    )
    listed = [line.split("\t") for line in person.does("tshark", "-G", "plugins") if line.startswith("tcplife.so")]
    assert [[row[1], row[-1]] for row in listed] == [[project["version"], str(person.plugins / "tcplife.so")]]
    assert said == [
        f"installed {person.plugins / 'tcplife.so'}",
        *(f"installed {person.profiles / name}" for name in NAMES),
        "\t".join(listed[0]),
    ]
    capture = person.wireshark.path(CAPTURE)
    columns = person.does("tshark", "-C", NAMES[0], "-r", capture, "-T", "tabs")
    assert columns[-1].split("\t")[6:11] == ["CLOSED", "CLOSED", "CLOSED", "RST", "RST after FIN (keep-alive, server)"]
    asked = ("-r", capture, "-q", "-z", "tcplife,json")
    assert person.does("tshark", "-C", NAMES[1], *asked) == person.wireshark.tshark(*asked).splitlines()


def test_all_of_it_is_taken_away(person):
    person.install()
    assert person.uninstall() == [
        f"removed {person.plugins / 'tcplife.so'}", *(f"removed {person.profiles / name}" for name in NAMES)
    ]  # fmt: skip
    assert person.files() == []
    assert not any("tcplife" in line for line in person.does("tshark", "-G", "plugins"))
    assert "does not exist" in person.run("tshark", "-C", NAMES[0], "-r", person.wireshark.path(CAPTURE)).stderr
    assert person.uninstall() == []


def test_other_plugins_and_profiles_stay(person):
    person.install()
    others = [person.plugins / "other.so", person.profiles / "Mine" / "preferences"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    person.uninstall()
    assert person.files() == sorted(str(path.relative_to(person.home)) for path in others)


def test_once_more_is_as_once(person):
    """Also after Wireshark has kept its recent settings, which it does at each end."""
    first = person.install()
    files = person.files()
    with (person.profiles / NAMES[0] / "recent").open("a") as file:
        file.write("gui.toolbar_main_show: TRUE\n")
    assert person.install() == first
    assert person.files() == files


def test_what_the_user_changed_is_kept(person):
    person.install()
    buttons = person.profiles / NAMES[0] / "dfilter_buttons"
    original = buttons.read_text()
    buttons.write_text(original + '"TRUE","mine","tcp","a button of my own"\n')
    kept, *_ = [line for line in person.install() if line.startswith("kept")]
    assert re.fullmatch(rf"kept {re.escape(str(buttons.parent))}, changed \S+", kept)
    assert "mine" in (Path(kept.removeprefix("kept ")) / "dfilter_buttons").read_text()
    assert buttons.read_text() == original
    (person.profiles / NAMES[1] / "hosts").write_text("192.0.2.1 server\n")
    assert person.uninstall()[1:] == [
        f"removed {buttons.parent}", f"kept {person.profiles / NAMES[1]}, which was changed"
    ]  # fmt: skip


def test_for_another_wireshark_it_is_not_installed(person):
    command = [OTHER if word == VERSION else word for word in person.commands["install"]]
    done = person.run(*command)
    assert done.returncode == 1 and f"built for Wireshark {OTHER}" in done.stderr and VERSION in done.stderr
    assert person.files() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="of root")
def test_root_is_told_that_wireshark_would_ignore_it(person):
    done = person.run(*person.commands["install"], user=[])
    assert done.returncode == 1 and "as root Wireshark ignores personal folders" in done.stderr
    assert person.files() == []


def foreign(person, want, extra=""):
    """A plugin as it is built for another Wireshark, in the personal folder of this one; what tshark says"""
    person.plugins.mkdir(parents=True)
    source = person.top / "foreign.c"
    source.write_text(
        f"""const char plugin_version[] = "1";
const int plugin_want_major = {want[0]}, plugin_want_minor = {want[1]};
void plugin_register(void) {{}}
unsigned plugin_describe(void) {{ return 0; }}
{extra}
"""
    )
    target = person.plugins / "tcplife.so"
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", target], check=True)
    done = person.run("tshark", "-r", person.wireshark.path("still-open"), "-c", "1")
    assert done.returncode == 0
    return " ".join(done.stderr.split())


README = re.search(r"### It does not load\n(.*?)\n##", (TOP / "README.md").read_text(), re.DOTALL)[1]


def test_wireshark_s_words_are_those_of_the_readme(person):
    said = foreign(person, OTHER.split("."))
    (words,) = re.findall(r"`(The plugin [^`]* was compiled for [^`]*)`", README)
    assert said.endswith(words.replace("4.2", OTHER)), said


def test_an_undefined_symbol_is_told_too(person):
    said = foreign(person, version(), "extern void gone_in_this_version(void); void (*f)(void) = gone_in_this_version;")
    (words,) = re.findall(r"`([^`]*undefined symbol[^`]*)`", README)
    assert words.strip(". ") in said, said


@pytest.mark.parametrize("folder", [f"{OTHER}/epan", VERSION], ids=["another version's", "not epan"])
def test_in_another_folder_nothing_is_said(person, folder):
    person.plugins = person.plugins.parents[1] / folder
    assert foreign(person, version()) == ""
    assert not any("tcplife" in line for line in person.does("tshark", "-G", "plugins"))
