# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays scenarios with real sockets and writes down what happened: three captures and truth.json."""

import itertools
import json
import os
import random
import socket
import threading
import time
import traceback
from pathlib import Path

import network
from kernel import Census, Trace
from scenarios import SCENARIOS, Case
from truth import FIN, SYN, Frame, as_data, contradictions, lives_of
from wire import POINTS, Impairments, Net, ports_of, read_pcap, write_pcap

FAMILIES = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}
PORTS = range(20000, 32000)  # below the ephemeral ones
PORTS_OF_CASE = 4
STAGGER = 2.0  # seconds over which the scripts begin
SCRIPT_TIMEOUT = 40
SETTLE_TIMEOUT = 12
DISORDER = 0.01  # held back, repeated: of the segments of a run with losses
RESTLESS = {"SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "CLOSING", "LAST_ACK"}

addresses = itertools.count(os.getpid())


def play(folder, seed, loss, names, attempt=0):
    """One run: all named scenarios at once, each for IPv4 and IPv6. The cases, as in truth.json."""
    folder = Path(folder)
    chance = random.Random(f"{seed} {attempt}")
    with Trace() as trace, Net(folder, next(addresses)) as net:
        cases = make_cases(net, names, chance, seed, loss, attempt)
        with Census({"client": net.client, "server": net.server}) as census:
            perform(cases, chance)
            settle(cases, census)
            census.clocks.read()
            events = [event for event in trace.events(census.clocks) if net.owns(event.address)]
        net.captures.close()
    data = write_down(folder, cases, events, census)
    (folder / "truth.json").write_text(json.dumps(data, indent=1), encoding="utf-8")
    return data


def make_cases(net, names, chance, seed, loss, attempt):
    ports = iter(chance.sample(PORTS, PORTS_OF_CASE * len(names) * len(FAMILIES)))
    cases = []
    for name in names:
        for label, family in FAMILIES.items():
            own = [next(ports) for _ in range(PORTS_OF_CASE)]
            luck = random.Random(f"{seed} {attempt} {name} {label}")
            case = Case(net, SCENARIOS[name], family, own, luck)
            case.label, case.error = label, None
            case.wire = Impairments(
                f"{seed} {attempt} {name} {label}",
                {link: luck.uniform(*case.row.delay) for link in "AB"},
                loss,
                DISORDER if loss else 0.0,
            )
            net.wire.cases[case.port, case.server_port] = case.wire
            cases.append(case)
    return cases


def perform(cases, chance):
    threads = []
    for case in cases:
        delay = chance.uniform(0, min(STAGGER, 0.02 * len(cases)))
        threads.append(threading.Thread(target=run_script, args=(case, delay), daemon=True))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SCRIPT_TIMEOUT
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))


def run_script(case, delay):
    """A script that fails is told of; with losses that is nothing remarkable."""
    time.sleep(delay)
    case.begun, case.error = time.monotonic(), "did not finish"
    try:
        case.row.play(case)
        case.error = None
    except Exception as error:  # whatever it is, it belongs into the report
        case.error = "".join(traceback.format_exception_only(error)).strip()
        place = traceback.extract_tb(error.__traceback__)[-1]
        case.error += f" (line {place.lineno} of {Path(place.filename).name})"


def settle(cases, census):
    """Until nothing is under way: no handshake, no FIN that waits for its ACK, no change for a while."""
    own = {(case.port, case.server_port) for case in cases}
    deadline = time.monotonic() + SETTLE_TIMEOUT
    before = None
    while time.monotonic() < deadline:
        time.sleep(0.5)
        found = {key: state for key, state in census.samples[-1].sockets.items()
                 if (key[1:] if key[0] == "client" else key[:0:-1]) in own}  # fmt: skip
        if found == before and not RESTLESS & set(found.values()):
            return
        before = found


# Writing down


def write_down(folder, cases, events, census):
    wanted = {(case.port, case.server_port): case for case in cases}
    raw = {point: read_pcap(folder / f"{point}.raw") for point in POINTS}
    own = {(end, pair): [] for end in ("client", "server") for pair in wanted}
    for point in POINTS:
        kept = []
        for at, frame in raw[point]:
            pair, parsed, begin, end = place(frame, wanted)
            if pair is None:
                continue
            if point != "middle":
                own[point, pair].append(to_frame(at, parsed, parsed and parsed.from_client == (point == "client")))
            if (begin is None or at >= begin) and (end is None or at <= end):
                kept.append((at, frame))
        write_pcap(folder / f"{point}.pcap", kept)
        (folder / f"{point}.raw").unlink()
    return [case_data(case, own, events, census) for case in cases]


def place(frame, wanted):
    """(ports, segment, begin and end of its case's window) of a frame; all None if it is nobody's."""
    for from_client in (True, False):
        segment = network.parse(frame, from_client)
        quoted = network.parse(frame[:14] + quoted_packet(frame), True) if segment is None else None
        pair = ports_of(segment or quoted) if segment or quoted else None
        if pair in wanted:
            return pair, segment, *wanted[pair].window
    return None, None, None, None


def quoted_packet(frame):
    """What an ICMP error quotes."""
    return frame[14 + 20 + 8 :] if frame[12:14] == b"\x08\x00" else frame[14 + 40 + 8 :]


def to_frame(at, segment, sent):
    if segment is None:
        return Frame(at, False, icmp=True)
    return Frame(at, sent, segment.flags, segment.seq, segment.ack, segment.length)


def case_data(case, own, events, census):
    pair = case.port, case.server_port
    lives, doubts = {}, []
    for end, ports in (("client", pair), ("server", pair[::-1])):
        mine = [(event.time, event.old, event.new) for event in events if (event.port, event.peer) == ports]
        lives[end] = lives_of(mine, own[end, pair])
        seen = [(it.begin, it.until, it.sockets[end, *ports]) for it in census.samples if (end, *ports) in it.sockets]
        doubts += [[end, *doubt] for doubt in contradictions(lives[end], seen)]
    return {
        "scenario": case.row.name, "family": case.label, "ports": pair, "first": case.first, "link": case.link,
        "delay": case.wire.delay, "window": case.window, "error": case.error, "losses": case.wire.happened,
        "simultaneous": case.row.name.startswith("simultaneous_open"),
        "lives": {end: [as_data(life) for life in lives[end]] for end in lives},
        "numbers": {end: acks_of_syn_and_fin(own[end, pair]) for end in lives},
        "samples": sum((end, *ports) in it.sockets for end, ports in (("client", pair), ("server", pair[::-1]))
                       for it in census.samples),
        "doubts": doubts, "stepped": was_stepped(pair, events, census),
    }  # fmt: skip


def was_stepped(pair, events, census):
    """Whether the wall clock was set while there was something of the connection: then its captures tell wrong times."""
    keys = {("client", *pair), ("server", *pair[::-1])}
    times = [event.steady for event in events if (event.port, event.peer) in (pair, pair[::-1])]
    times += [it.steady for it in census.samples if keys & it.sockets.keys()]
    return bool(times) and census.clocks.stepped(min(times), max(times))


def acks_of_syn_and_fin(frames):
    """The ACK numbers by which this end acknowledges a SYN or a FIN that has reached it."""
    return sorted({
        frame.end for frame in frames if not frame.sent and not frame.icmp and frame.flags & (SYN | FIN)
    })  # fmt: skip
