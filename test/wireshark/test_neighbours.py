# SPDX-License-Identifier: GPL-2.0-or-later
"""What tcplife says does not change with what else is switched on in Wireshark."""

import shutil
import subprocess
from pathlib import Path

import pytest

from wireshark import OURS, TIMEOUT, as_somebody, version

NAMES = ["story-02-keep-alive-rst", "story-06-simultaneous-close", "story-17-https-tls-1-3", "ipv6", "injected-rst"]
SETTINGS = {
    "absolute sequence numbers": ["-o", "tcp.relative_sequence_numbers:FALSE"],
    "no sequence analysis": ["-o", "tcp.analyze_sequence_numbers:FALSE"],
    "no reassembly": ["-o", "tcp.desegment_tcp_streams:FALSE"],
    "out of order": ["-o", "tcp.reassemble_out_of_order:TRUE"],
    "no defragmentation": ["-o", "ip.defragment:FALSE"],
    "no time stamps": ["-o", "tcp.calculate_timestamps:FALSE"],
}
LUA = """
local flags = Field.new("tcp.flags")
local neighbour = Proto("neighbour", "Neighbour")
function neighbour.dissector(tvb, pinfo, tree)
    if flags() then tree:add(neighbour) end
end
register_postdissector(neighbour)
"""


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_settings_change_nothing(wireshark, name, setting):
    fields = ["frame.number", *OURS]
    assert wireshark.rows(name, fields, *SETTINGS[setting]) == wireshark.rows(name, fields)


@pytest.fixture(scope="module")
def crowded(wireshark):
    """tshark with all of Wireshark's own post-dissectors that there are as plugins, and one in Lua."""
    folder = wireshark.folder / "crowded"
    epan = folder / "{}.{}".format(*version()) / "epan"
    epan.mkdir(parents=True)
    variable = ["pkg-config", "--variable=plugindir", "wireshark"]
    own = Path(subprocess.run(variable, capture_output=True, text=True, check=True).stdout.strip()) / "epan"
    shutil.copy(wireshark.plugin, epan)
    shutil.copy(own / "transum.so", epan)
    script = wireshark.write("neighbour.lua", LUA.encode())
    enable = ["--enable-protocol", "transum", "--enable-protocol", "communityid", "-X", f"lua_script:{script}"]

    def run(name, *arguments):
        done = subprocess.run(
            [*as_somebody(), "tshark", *enable, "-r", str(wireshark.path(name)), *arguments],
            capture_output=True, cwd=wireshark.folder, encoding="utf-8",
            env=wireshark.environment | {"WIRESHARK_PLUGIN_DIR": str(folder)}, timeout=TIMEOUT,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    return run


@pytest.mark.parametrize("name", NAMES)
def test_other_post_dissectors_change_nothing(wireshark, crowded, name):
    asked = ["-T", "fields"]
    for field in ("frame.number", *OURS):
        asked += ["-e", field]
    assert crowded(name, *asked) == wireshark.read(name, *asked)
    assert crowded(name, "-q", "-z", "tcplife,json") == wireshark.read(name, "-q", "-z", "tcplife,json")


def test_they_are_there(crowded):
    """TRANSUM speaks only in two passes. (Community ID's field has another name from 4.6 on.)"""
    columns = ["transum.status", "neighbour", "communityid" if version() < (4, 6) else "communityid.hash"]
    asked = [it for column in columns for it in ("-e", column)]
    printed = crowded("story-02-keep-alive-rst", "-2", "-T", "fields", *asked)
    assert any(all(line.split("\t")) for line in printed.splitlines()), printed
