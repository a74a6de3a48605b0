# SPDX-License-Identifier: GPL-2.0-or-later
"""gui-live.py CAPTURE FILTER: how many packets a filter lets pass in the real Wireshark, as JSON: while a live
capture goes on, when it has ended, when all is dissected anew, and in a second live capture. The packets come
through a pipe, the last few of them late."""

import json
import os
import sys
import threading
from pathlib import Path

import gi
import pcap
from gui import Wireshark, act, find, until

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

LATE = 3  # packets
PIPE = "live.fifo"
ARGUMENTS = ("-o", "gui.update.enabled:FALSE", "-o", "gui.ask_unsaved:FALSE", "-k", "-i", PIPE)


class Sender(threading.Thread):
    """Writes the pipe: most packets at once, the late ones when told to go on."""

    def __init__(self, frames):
        super().__init__(daemon=True)
        self.content = pcap.write(frames)
        self.early = len(pcap.write(frames[:-LATE]))
        self.go_on = threading.Event()
        self.start()

    def run(self):
        with open(PIPE, "wb", buffering=0) as pipe:
            pipe.write(self.content[: self.early])
            self.go_on.wait()
            pipe.write(self.content[self.early :])


def item(wireshark, name):
    return find(find(wireshark.top, "menu bar"), "menu item", name)


def is_capturing(wireshark):
    return item(wireshark, "Stop").get_state_set().contains(Atspi.StateType.ENABLED)


def displayed(wireshark, words):
    found = wireshark.filter(words)[1]
    wireshark.filter("")
    return found


def ignore(wireshark, frame):
    """Have a packet ignored or no longer, for which Wireshark dissects all of them anew"""
    wireshark.select(frame)
    before = wireshark.count()
    act(find(find(wireshark.top, "menu bar"), "menu item", about="Ignore/Unignore"), "Press")
    until(lambda: wireshark.count() not in (None, before))


def watch(wireshark, sender, frames, words):
    """What the filter lets pass before the last packets have come, and when the capture has ended"""
    until(lambda: wireshark.numbers() == [len(frames) - LATE] * 2)
    assert is_capturing(wireshark)
    seen = {"live": displayed(wireshark, words)}
    ignore(wireshark, 1)
    seen["live, anew"] = displayed(wireshark, words)
    ignore(wireshark, 1)
    sender.go_on.set()
    until(lambda: wireshark.numbers() == [len(frames)] * 2 and not is_capturing(wireshark))
    return seen | {"ended": displayed(wireshark, words)}


def look(wireshark, sender, frames, words):
    seen = {"first": watch(wireshark, sender, frames, words)}
    ignore(wireshark, len(frames))
    seen["one ignored"] = displayed(wireshark, words)
    sender = Sender(frames)
    act(item(wireshark, "Start"), "Press")
    seen["second"] = watch(wireshark, sender, frames, words)
    seen["returned"] = wireshark.quit()
    return seen


def main():
    capture, words = sys.argv[1:]
    frames = pcap.read(Path(capture).read_bytes())
    os.mkfifo(PIPE)
    sender = Sender(frames)
    wireshark = Wireshark(ARGUMENTS)
    try:
        print(json.dumps(look(wireshark, sender, frames, words)))
    finally:
        wireshark.process.kill()


if __name__ == "__main__":
    main()
