# SPDX-License-Identifier: GPL-2.0-or-later
"""gui-about.py [WIRESHARK ARGUMENT ...]: the titles of the packet list's columns, and the row of the window
"About Wireshark" that tells of the plugin, as JSON."""

import json
import sys

from gui import Wireshark, below, find, until


def titles(wireshark):
    return [node.get_name() for node in below(wireshark.top) if node.get_role_name() == "table column header"]


def plugin(window):
    """Its name and version, which follows it"""
    cells = [node.get_name() for node in below(window) if node.get_role_name() == "table cell"]
    return next((cells[i : i + 2] for i, cell in enumerate(cells) if cell.startswith("tcplife")), None)


def main():
    wireshark = Wireshark(["-o", "gui.update.enabled:FALSE", *sys.argv[1:]])
    try:
        seen = {"titles": until(titles, wireshark)}
        wireshark.choose("About Wireshark")
        window = until(find, wireshark.top, "dialog", about="About Wireshark")
        seen["plugin"] = until(plugin, window)
        seen["returned"] = wireshark.quit()
        print(json.dumps(seen))
    finally:
        wireshark.process.kill()


if __name__ == "__main__":
    main()
