# SPDX-License-Identifier: GPL-2.0-or-later
"""gui.py CAPTURE FILTER FRAMES [WIRESHARK ARGUMENT ...]: what the real Wireshark shows, as JSON.

Drives it through accessibility (AT-SPI): by names and roles, never by places or pixels. Wants a display
and a D-Bus session of its own, both of which test_gui.py gives it. FRAMES: numbers, in the order in which
the packets are to be selected, with commas between them.
"""

import json
import re
import subprocess
import sys
import time
import warnings

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

warnings.simplefilter("ignore", DeprecationWarning)
PATIENCE = 30  # seconds, for anything that is to appear
NEWER_NAMES = {"push button": "button"}  # of roles, since AT-SPI 2.53


def below(node):
    """A node and all below it. What goes away meanwhile is left out."""
    try:
        yield node
        children = [node.get_child_at_index(i) for i in range(node.get_child_count())]
    except GLib.Error:
        return
    for child in children:
        if child is not None:
            yield from below(child)


def matches(node, role, name, about):
    try:
        return (
            node.get_role_name() in (role, NEWER_NAMES.get(role))
            and (name is None or node.get_name() == name)
            and (about is None or about in f"{node.get_name()}\n{node.get_description()}")
        )
    except GLib.Error:
        return False


def find(top, role, name=None, about=None):
    """The first node of a role with this name, or with a name or description that has this in it"""
    return next((node for node in below(top) if matches(node, role, name, about)), None)


def soon(what, *arguments, patience=3, **named):
    """What a function returns, as soon as that is something; None if it takes too long"""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if result := what(*arguments, **named):
                return result
        except GLib.Error:
            pass  # it went away while we looked
        time.sleep(0.1)
    return None


def until(what, *arguments, **named):
    """The same of what has to come"""
    if result := soon(what, *arguments, patience=PATIENCE, **named):
        return result
    raise TimeoutError(f"{what.__name__} {arguments[1:]} {named}")


def act(node, action):
    """Do what the user would do with a click."""
    names = [node.get_action_name(i) for i in range(node.get_n_actions())]
    assert node.do_action(names.index(action)), (node.get_name(), action)


def type_key(name):
    symbol = {"Home": 0xFF50, "Down": 0xFF54, "Return": 0xFF0D}[name]
    assert Atspi.generate_keyboard_event(symbol, None, Atspi.KeySynthType.SYM)
    time.sleep(0.1)


class Wireshark:
    def __init__(self, arguments):
        self.process = subprocess.Popen(["wireshark", *arguments], stdout=sys.stderr)
        try:
            self.top = until(self._application)
            until(self.count)
        except BaseException:
            self.process.kill()
            raise

    def _application(self):
        assert self.process.poll() is None, "Wireshark has ended"
        desktop = Atspi.get_desktop(0)
        desktop.set_cache_mask(Atspi.Cache.NONE)  # or it goes on to see how things were at the beginning
        desktop.clear_cache()
        found = (desktop.get_child_at_index(i) for i in range(desktop.get_child_count()))
        return next((it for it in found if it and it.get_name() == "Wireshark"), None)

    def count(self):
        """What the status bar says of the packets"""
        label = find(self.top, "label", about="Packets:")
        return label and label.get_name()

    def numbers(self):
        """How many packets there are and how many of them are displayed. Wireshark 4.4 names the
        latter only where they are not all."""
        words = self.count() or ""
        found = re.match(r"Packets: (\d+)(?: · Displayed: (\d+))?", words)
        return found and [int(found[1]), int(found[2] or found[1])]

    def write(self, text, words):
        assert text.set_text_contents(words)

    def filter_bar(self):
        return find(self.top, "combo box", about="Select from previously used filters")

    def filter(self, words):
        """Apply a display filter; the numbers of packets then"""
        bar = self.filter_bar()
        before = self.count()
        self.write(find(bar, "text"), words)
        act(until(find, bar, "push button", about="Apply display filter"), "Press")
        until(lambda: self.count() not in (None, before))
        return self.numbers()

    def select(self, frame):
        """Select a packet; the texts of its tree. Where the last one has only just been selected, the
        line to type in may be closing yet: so this may have to be done again."""
        return until(self.go_to, frame)

    def go_to(self, frame):
        go = find(self.top, "push button", "Go to packet")
        self.write(find(go.get_parent(), "text"), str(frame))
        act(go, "Press")
        tree = find(self.top, "tree", "Packet details")
        return soon(self.details, tree, frame)

    @staticmethod
    def details(tree, frame):
        texts = [node.get_name() for node in below(tree) if node.get_role_name() == "table cell"]
        return texts if texts and texts[0].startswith(f"Frame {frame}:") else None

    def choose(self, *path):
        """Choose from the menus: an item, after those that it is below where its name is not enough"""
        node = find(self.top, "menu bar")
        for name in path:
            node = find(node, "menu item", name)
        act(node, "Press")

    def open(self, *path, title):
        """Choose from the menus; the window that opens"""
        self.choose(*path)
        return until(find, self.top, "dialog", about=f"Wireshark · {title}")

    def filter_conversation(self):
        """The whole connection of the packet that is selected; the filter, and what the status bar says then"""
        before = self.count()
        self.choose("Analyze", "Conversation Filter", "TCP Lifecycle")
        found = until(lambda: self.count() != before and self.count())
        # Of the object itself, a method of this name has no arguments in newer versions.
        return Atspi.Text.get_text(find(self.filter_bar(), "text"), 0, -1), found

    @staticmethod
    def rows(window):
        """A table's lines, the titles first"""
        tree = until(find, window, "tree")
        titles = [node.get_name() for node in below(tree) if node.get_role_name() == "table column header"]
        cells = [node.get_name() for node in below(tree) if node.get_role_name() == "table cell"]
        return [titles] + [cells[i : i + len(titles)] for i in range(0, len(cells), len(titles))]

    def flow(self, window, kind):
        """Choose a kind of flow; what the window says of it"""
        label = until(find, window, "label", about="item(s)")
        before = label.get_name()
        return until(self.choose_flow, window, kind, lambda: label.get_name() != before and label.get_name())

    @staticmethod
    def choose_flow(window, kind, result):
        """A list that has just opened may not take the keyboard yet: so this may have to be done again."""
        items = [node for node in below(window) if node.get_role_name() == "list item"]
        names = [item.get_name() for item in items]
        act(items[names.index(kind)].get_parent().get_parent(), "Press")
        time.sleep(1)
        for key in ("Home", *["Down"] * names.index(kind), "Return"):
            type_key(key)
        return soon(result)

    def quit(self):
        self.choose("Quit")
        return self.process.wait(PATIENCE)


def look(wireshark, words, frames):
    seen = {"all": wireshark.numbers(), "filtered": wireshark.filter(words), "unfiltered": wireshark.filter("")}
    seen["selected"] = [wireshark.select(frame) for frame in frames]
    tree = wireshark.open("Statistics", "TCP Lifecycle", title="TCP Lifecycle ·")
    seen["tree"] = until(wireshark.rows, tree)
    table = wireshark.open("TCP Lifecycle Connections", title="TCP Lifecycle Connections ·")
    seen["table"] = until(wireshark.rows, table)
    seen["flow"] = wireshark.flow(wireshark.open("Flow Graph", title="Flow ·"), "TCP Lifecycle")
    seen["conversation"], seen["after conversation"] = wireshark.filter_conversation()
    wireshark.filter("")
    follow = wireshark.open("TCP Stream", title="Follow TCP Stream")
    seen["follow"] = until(find, follow, "label", about="client pkt(s)").get_name()
    seen["after follow"] = wireshark.numbers()
    seen["returned"] = wireshark.quit()
    return seen


def main():
    capture, words, frames, *arguments = sys.argv[1:]
    wireshark = Wireshark(["-o", "gui.update.enabled:FALSE", "-r", capture, *arguments])
    try:
        print(json.dumps(look(wireshark, words, [int(frame) for frame in frames.split(",")])))
    finally:
        wireshark.process.kill()


if __name__ == "__main__":
    main()
