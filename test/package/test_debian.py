# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package, looked into and unpacked."""

import re
import shutil
import subprocess

import pytest

from wireshark import TIMEOUT, TOP, as_somebody, version

pytestmark = pytest.mark.xdist_group("package")
MAJOR, MINOR = version()


def ask(*command):
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8", timeout=TIMEOUT).stdout


def field(package, name):
    return ask("dpkg-deb", "--field", package, name).strip()


def plugin_folder():
    return ask("pkg-config", "--variable=plugindir", "wireshark").strip()


def test_its_version_tells_of_which_wireshark_it_is(package):
    ours = (TOP / "plugin" / "VERSION").read_text().strip()
    assert field(package, "Version") == f"{ours}+wireshark{MAJOR}.{MINOR}"


def test_it_asks_for_the_wireshark_that_it_was_built_for(package):
    """for its minor version, whose library's package has the folder of plugins too"""
    library = ask("dpkg-query", "--search", f"{plugin_folder()}/epan").split(":")[0]
    wanted = field(package, "Depends").split(", ")
    assert f"{library} (>= {MAJOR}.{MINOR}~)" in wanted
    assert f"{library} (<< {MAJOR}.{MINOR + 1}~)" in wanted
    installed = ask("dpkg-query", "--show", "--showformat=${Version}", library)
    for relation, bound in re.findall(rf"{library} \((\S+) (\S+)\)", field(package, "Depends")):
        subprocess.run(["dpkg", "--compare-versions", installed, relation, bound], check=True)


def test_it_asks_for_what_the_plugin_is_linked_with(package):
    wanted = field(package, "Depends")
    for library in ("libc6", "libglib2.0-0", "libwsutil"):
        assert library in wanted


def test_what_is_in_it(package):
    lines = [line.split(maxsplit=5) for line in ask("dpkg-deb", "--contents", package).splitlines()]
    files = {line[5].removeprefix(".") for line in lines if line[0].startswith("-")}
    profiles = "/usr/share/wireshark/profiles"
    profile = ("colorfilters", "dfilter_buttons", "dfilters", "io_graphs", "preferences", "recent")
    assert files == {
        f"{plugin_folder()}/epan/tcplife.so",
        *(f"{profiles}/TCP Lifecycle/{name}" for name in profile),
        *(f"{profiles}/TCP Lifecycle Batch/{name}" for name in ("disabled_protos", "preferences")),
        "/usr/share/doc/wireshark-tcplife/REFERENCE.md",
        "/usr/share/doc/wireshark-tcplife/copyright",
    }
    assert {line[1] for line in lines} == {"root/root"}
    assert {line[0] for line in lines} <= {"drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"}


def test_it_works_where_it_is_unpacked(wireshark, package):
    """its plugin does, which is built with other options than the one under test"""
    folder = wireshark.folder / "unpacked"
    ask("dpkg-deb", "--extract", package, folder)
    done = subprocess.run(
        [*as_somebody(), "tshark", "-r", wireshark.path("story-02-keep-alive-rst"), "-q", "-z", "tcplife,json"],
        capture_output=True, cwd=wireshark.folder, encoding="utf-8",
        env=wireshark.environment | {"WIRESHARK_PLUGIN_DIR": f"{folder}{plugin_folder().rpartition('/')[0]}"},
        timeout=TIMEOUT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == wireshark.read("story-02-keep-alive-rst", "-q", "-z", "tcplife,json")
    shutil.rmtree(folder)
