# SPDX-License-Identifier: GPL-2.0-or-later
"""gui-window.py MENU-ITEM TITLE [WIRESHARK ARGUMENT ...]: Wireshark with one of its windows open, until
somebody ends it. Without a menu item: the main window. gui-screenshot.sh takes pictures of that."""

import signal
import sys

from gui import Wireshark


def main():
    item, title, *arguments = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    wireshark = Wireshark(["-o", "gui.update.enabled:FALSE", *arguments])
    try:
        if item:
            window = wireshark.open(item, title=title.removeprefix("Wireshark · "))
            if item == "Flow Graph":
                wireshark.flow(window, "TCP Lifecycle")
        print("shown", flush=True)
        wireshark.process.wait()
    finally:
        wireshark.process.kill()


if __name__ == "__main__":
    main()
