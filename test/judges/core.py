# SPDX-License-Identifier: GPL-2.0-or-later
"""What the core makes of segments. All that is known here of the replay program is in this file."""

from dataclasses import dataclass

import observer
from conversation import START, replay

MSL = 30
TTL = 64
PORTS = {"client": 20000, "server": 80}


@dataclass
class Frame(observer.Seen):
    """A segment at a capture point, with the window that it advertises."""

    window: int


def follow(captures):
    """For each capture, a list of frames, the connections that the core makes of it: [observer.Stream, ...]"""
    commands = []
    for number, frames in enumerate(captures):
        commands.append(f"capture {MSL * 10**9}")
        commands += [command(frame, mirrored=number % 2) for frame in frames]
    answers = iter(replay(commands))
    return [streams(frames, answers) for frames in captures]


def command(frame, mirrored):
    """Which end is side 0 must not matter to the core."""
    side = (frame.sender == "server") != bool(mirrored)
    is_lower = PORTS[frame.sender] < PORTS[observer.other(frame.sender)]
    time = START + round(frame.time * 10**9)
    return (
        f"segment {time} {side:d} {frame.flags} {frame.seq} {frame.ack} {frame.length} {frame.window} {TTL} "
        f"{is_lower:d}"
    )


def streams(frames, answers):
    found = {}
    for frame, answer in zip(frames, answers):
        stream = found.setdefault(answer["connection"], observer.Stream(frame))
        stream.frames.append(frame)
        ends = {answer["sender"]: frame.sender, observer.other(answer["sender"]): observer.other(frame.sender)}
        stream.begins.setdefault(frame.sender, answer[answer["sender"]])
        stream.guesses.append(bool(answer.get("guessed")))
        for move in answer["transitions"]:
            stream.transitions[ends[move["role"]]].append((move["from"], move["to"], bool(move["undone"])))
        observer.forget_takeover(stream)
    return list(found.values())
