# SPDX-License-Identifier: GPL-2.0-or-later
"""gui-columns.py [WIRESHARK ARGUMENT ...]: the titles of the packet list's columns and their widths in pixels,
and the lines of the window "TCP Lifecycle", as JSON."""

import json
import sys

from gui import Atspi, Wireshark, below, until


def columns(wireshark):
    headers = [node for node in below(wireshark.top) if node.get_role_name() == "table column header"]
    return [(node.get_name(), node.get_extents(Atspi.CoordType.SCREEN).width) for node in headers if node.get_name() != "1"]


def main():
    wireshark = Wireshark(["-o", "gui.update.enabled:FALSE", *sys.argv[1:]])
    try:
        seen = {"columns": until(columns, wireshark)}
        tree = wireshark.open("Statistics", "TCP Lifecycle", title="TCP Lifecycle ·")
        print(json.dumps(seen | {"tree": until(wireshark.rows, tree)}))
    finally:
        wireshark.process.kill()


if __name__ == "__main__":
    main()
