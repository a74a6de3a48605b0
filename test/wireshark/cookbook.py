# SPDX-License-Identifier: GPL-2.0-or-later
"""What people ask of a capture, the line that answers each need, and what that line finds.

Written from the interface and from the segments of captures/, not from what the program prints. A
connection is named CAPTURE/STREAM, CAPTURE/0-149 are many. test_cookbook.py holds the lines against
all captures put together, one after the other, and against README.md's cookbook.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    need: int  # 0: the interface promises it, although nobody has asked
    filter: str
    on: str  # the connection that shows it best, and the frames found there
    also: str = ""  # what else it finds
    not_on: str = ""  # captures of its nearest neighbours, in which it finds nothing
    whole: bool = False  # (2): only the end of the capture tells
    at_end: str = ""  # of what it finds, what one pass does not tell yet
    withdrawn: str = ""  # what it finds besides in one pass, until a later frame withdraws the verdict

    @property
    def own(self):
        return self.on.split(": ")[0]

    @property
    def own_frames(self):
        return numbers(self.on.split(": ")[1])

    @property
    def found_at_end(self):
        return streams(self.own) | streams(self.also)

    @property
    def found_in_one_pass(self):
        late = self.found_at_end if self.whole else streams(self.at_end)
        return self.found_at_end - late | streams(self.withdrawn)


def numbers(text):
    """[2, 7, 8, 9] for "2 7-9" """
    found = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def streams(text):
    """{"name/0", "name/1"} for "name/0-1" """
    found = set()
    for word in text.split():
        capture, many = re.fullmatch(r"(.*)/([\d-]+)", word).groups()
        found |= {f"{capture}/{number}" for number in numbers(many)}
    return found


# Needs that other lines answer: see test_statistics and test_zeek.
ANSWERED_ELSEWHERE = {
    15: "-z tcplife,streams",
    16: "-z tcplife,json and -z tcplife,csv",
    33: "-z tcplife,tree",
    35: 'tcplife.conn_state == "RSTO"',
    48: "-z tcplife,story",
}

# Needs that a display filter does not answer: what README.md names for them.
FIELDS_TO_LOOK_AT = {
    26: ("tcplife.reset.cause",),
    34: ("tcplife.concurrent",),
    37: ("tcplife.client.state", "tcplife.server.state"),
    40: ("tcplife.reset.answers",),
    48: ("tcplife.story",),
}

# Once it is answered, the old SYN begins a connection.
OLD_SYNS = (
    "story-12-old-syn-half-open/1 story-12-old-syn-meets-time-wait/1 story-12-old-syn-reset-by-opener/1"
)
THREE_WAY = """
    abort-after-keep-alive/0 abort-by-client/0 abort-crosses-data/0 abort-in-close-wait/0
    abort-with-data-in-flight/0 abort-without-data/0 accept-queue-full/0-1 any-interface/0-1 blind-rst/0 busy-server/0-29
    client-does-not-read/0 close-wait-for-six-seconds/0-1 crashed-client-comes-back/0-1 crashed-server/0
    data-after-own-fin/0 data-crosses-fin/0 data-crosses-half-close/0 fin-lost/0 fin-misplaced/0
    fin-unacknowledged/0 forged-syn-challenged/0 half-closed/0-1 half-closed-still-sending/0 handshake-ack-lost/0
    idle-timer-on-the-way/0 idle-with-keep-alives/0 injected-rst/0 ipv6/0 keep-alive-timeout/0 long-way/0 no-data/0
    old-syn-moves-nothing/0 one-sided/0 port-reuse-after-two-minutes/0-1 port-reuse-in-client-time-wait/0-1
    port-reuse-in-server-time-wait/0-1 retransmission-timeout-rst/0 rst-after-idle/0-1 same-ports-in-two-vlans/0-1 silent/0
    silent-keep-alives/0 story-01-merged-close/0 story-02-keep-alive-rst/0
    story-03-wget-64k-twice/0-1 story-04-curl-json/0 story-05-4-way-close/0
    story-06-simultaneous-close/0 story-07-eleven-states/0-1 story-07-fin-wait-1-ack-alone/0
    story-07-fin-wait-1-fin-alone/0 story-07-fin-wait-1-fin-and-ack/0 story-08-last-ack-lost/0
    story-09-half-close/0 story-10-port-in-time-wait/0 story-10-time-wait-killed/0-1
    story-12-old-syn-half-open/0 story-12-old-syn-meets-time-wait/0 story-12-old-syn-reset-by-opener/0
    story-13-syn-flood/150 story-14-fin-wait-2-expired/0 story-14-fin-wait-2-expired-late-fin/0
    story-15-data-in-ack/0 story-15-fast-open/0 story-16-wrap-both-ways/0 story-16-wrap-in-data/0
    story-16-wrap-in-fin/0 story-16-wrap-in-handshake/0 story-17-https-tls-1-2/0
    story-17-https-tls-1-3/0 syn-fin-rst-only/0 syn-lost/0 time-wait-assassination/0 two-syn-acks-reset-and-again/0
    rst-loop/0 zero-window-abort/0 zero-window-probe-reset/0 zero-window/0
    firewall-rejects/0 idle-timer-drops/0 nat-forgets/0 persist-timeout/0 server-restarts/0-1 two-backends/0-1 unread-data/0
"""
OPENED_OTHERWISE = """
    midstream-abort/0 midstream-close-only/0 midstream-from-syn-ack/0 midstream/0
    simultaneous-open/0 split-handshake-ack-then-syn/0 split-handshake/0 story-15-fast-open/1
"""
STILL_OPEN = """
    accept-queue-full/0-1 rst-loop/0 syn-fin-rst-only/0
    idle-with-keep-alives/0 long-way/0 one-sided/0 still-open/0 story-10-time-wait-killed/1
"""
GONE_SILENTLY = "silent/0 silent-keep-alives/0"
# Nothing followed the RST, which should have drawn a challenge ACK: it ended the connection.
ABORTED_AT_LAST = "syn-fin-rst-only/1"

LINES = [
    # The RST did not end the second try.
    Line(
        1, "tcplife.open.failed", whole=True,
        on="story-10-closed-port/0: 1-2",
        also="accept-queue-full/2 any-interface/2 backscatter/0-1 forged-syn-challenged/1 handshake-by-flags-only/0"
        " rejected-by-icmp/0 reset-by-opener/0 scan-without-ack/0-2 story-10-port-in-time-wait/1"
        " story-11-syn-unanswered/0 story-13-syn-flood/0-149 syn-ack-after-rst/0 syn-given-up/0 " + OLD_SYNS,
        not_on="syn-lost handshake-ack-lost long-way crashed-client-comes-back midstream-abort",
        withdrawn="two-syn-acks-reset-and-again/0",
    ),
    Line(
        2, 'tcplife.open == "unanswered"', whole=True,
        on="story-11-syn-unanswered/0: 1-4",
        also="syn-given-up/0",
        not_on="story-10-closed-port rejected-by-icmp syn-lost long-way story-12-old-syn-half-open",
    ),
    Line(
        3, 'tcplife.open == "refused"',
        on="story-10-closed-port/0: 2",
        also="handshake-by-flags-only/0 any-interface/2",
        not_on="story-11-syn-unanswered rejected-by-icmp reset-by-opener abort-without-data"
        " story-10-port-in-time-wait",
    ),
    # The ACK is a frame of the older connection, so only the SYNs around it can tell the verdict.
    Line(
        4, 'tcplife.open == "answered by ACK"', whole=True,
        on="story-10-port-in-time-wait/1: 12 15-16",
        also="forged-syn-challenged/1",
        not_on="story-10-closed-port crashed-client-comes-back split-handshake-ack-then-syn"
        " handshake-by-flags-only",
    ),
    Line(
        5, "tcplife.open.queue_overflow",
        on="accept-queue-full/2: 12",
        not_on="handshake-ack-lost long-way story-12-old-syn-half-open",
    ),
    Line(
        6, 'tcplife.open == "reset by opener"',
        on="reset-by-opener/0: 3",
        also="story-12-old-syn-reset-by-opener/1 syn-ack-after-rst/0",
        not_on="abort-without-data story-10-closed-port crashed-client-comes-back busy-server",
        withdrawn="two-syn-acks-reset-and-again/0",
    ),
    Line(
        7, 'tcplife.open == "3-way"',
        on="still-open/0: 3-7",
        also=f"{THREE_WAY} {ABORTED_AT_LAST}", at_end=ABORTED_AT_LAST,
        not_on="handshake-by-flags-only syn-ack-after-rst simultaneous-open split-handshake"
        " midstream-from-syn-ack backscatter",
        withdrawn="accept-queue-full/2",
    ),
    Line(
        8, "tcplife.open.time > 1 && tcplife.open.syns > 1",
        on="syn-lost/0: 4-12",
        also="long-way/0 two-backends/0 two-syn-acks-reset-and-again/0",
        not_on="handshake-ack-lost crashed-client-comes-back story-11-syn-unanswered",
    ),
    Line(
        9, 'tcplife.open == "simultaneous"',
        on="simultaneous-open/0: 4-14",
        not_on="split-handshake split-handshake-ack-then-syn story-06-simultaneous-close",
    ),
    Line(
        10, 'tcplife.open == "midstream"',
        on="midstream/0: 1-7",
        also="midstream-abort/0 midstream-close-only/0 midstream-from-syn-ack/0",
        not_on="still-open backscatter one-sided",
    ),
    Line(
        10, "tcplife.guessed",
        on="midstream-close-only/0: 1-2",
        also="backscatter/0-1 midstream-abort/0 midstream-from-syn-ack/0 midstream/0",
        not_on="story-05-4-way-close one-sided",
    ),
    # The SYN/ACK that the client acknowledges in frame 2 is missing already.
    Line(
        10, "tcplife.one_sided",
        on="one-sided/0: 2-6",
        not_on="still-open midstream midstream-from-syn-ack silent",
    ),
    Line(
        11, 'tcplife.open == "orphan"', whole=True,
        on="backscatter/0: 1-2 4-5 7-8",
        also="backscatter/1 scan-without-ack/0-2",
        not_on="story-10-closed-port reset-by-opener midstream-abort midstream-from-syn-ack",
    ),
    Line(
        12, 'tcplife.reuse.gap < 60 && tcplife.reuse.phase == "TIME_WAIT"',
        on="port-reuse-in-server-time-wait/1: 12-22",
        also="port-reuse-in-client-time-wait/1 story-10-port-in-time-wait/1"
        " story-10-time-wait-killed/1 " + OLD_SYNS,
        not_on="port-reuse-after-two-minutes crashed-client-comes-back story-03-wget-64k-twice",
    ),
    Line(
        13, 'tcplife.closed_by == "server"',
        on="story-02-keep-alive-rst/0: 9-13",
        also="abort-after-keep-alive/0 client-does-not-read/0 crashed-server/0 data-crosses-fin/0 data-crosses-half-close/0 idle-timer-on-the-way/0"
        " forged-syn-challenged/0 injected-rst/0 same-ports-in-two-vlans/1"
        " port-reuse-in-server-time-wait/0-1 rst-after-idle/0-1 story-10-port-in-time-wait/0"
        " story-10-time-wait-killed/0 story-14-fin-wait-2-expired/0"
        " story-14-fin-wait-2-expired-late-fin/0 zero-window-probe-reset/0"
        " firewall-rejects/0 server-restarts/0 two-backends/1 unread-data/0",
        not_on="story-01-merged-close story-06-simultaneous-close abort-by-client"
        " abort-in-close-wait story-10-closed-port",
    ),
    Line(
        14, 'tcplife.close == "still open"', whole=True,
        on="still-open/0: 1-7",
        also=STILL_OPEN,
        not_on="half-closed silent silent-keep-alives fin-unacknowledged story-05-4-way-close"
        " story-11-syn-unanswered",
    ),
    Line(
        17, 'tcplife.close == "half-closed"', whole=True,
        on="half-closed/0: 1-9",
        also="half-closed-still-sending/0",
        not_on="close-wait-for-six-seconds fin-unacknowledged"
        " story-09-half-close story-14-fin-wait-2-expired",
    ),
    Line(
        18, "tcplife.half_close.bytes > 0",
        on="story-09-half-close/0: 8-15",
        also="half-closed-still-sending/0 story-14-fin-wait-2-expired/0",
        not_on="data-crosses-fin data-crosses-half-close data-after-own-fin story-05-4-way-close"
        " half-closed zero-window",
    ),
    Line(
        19, "tcplife.time.close_wait > 5",
        on="close-wait-for-six-seconds/0: 10",
        not_on="half-closed story-02-keep-alive-rst story-05-4-way-close",
    ),
    # `held` is the time in the last state: without `last`, a CLOSE_WAIT that ended long ago fits too.
    Line(
        19, 'tcplife.last && tcplife.server.held > 5 && tcplife.server.state == "CLOSE_WAIT"', whole=True,
        on="half-closed/0: 9",
        not_on="close-wait-for-six-seconds half-closed-still-sending story-02-keep-alive-rst",
    ),
    Line(
        20, 'tcplife.last && tcplife.phase == "FIN_WAIT_2"', whole=True,
        on="half-closed/0: 9",
        also="half-closed-still-sending/0",
        not_on="close-wait-for-six-seconds story-02-keep-alive-rst fin-unacknowledged",
    ),
    Line(
        21, 'tcplife.close == "FIN unacknowledged"', whole=True,
        on="fin-unacknowledged/0: 1-12",
        not_on="fin-lost story-08-last-ack-lost half-closed one-sided silent",
    ),
    Line(
        22, 'tcplife.close == "3-way"',
        on="story-01-merged-close/0: 10",
        also="any-interface/0 close-wait-for-six-seconds/1 half-closed/1 no-data/0 story-03-wget-64k-twice/0-1"
        " story-04-curl-json/0 story-07-fin-wait-1-fin-and-ack/0 story-13-syn-flood/150"
        " server-restarts/1 story-15-data-in-ack/0 story-15-fast-open/0-1 story-17-https-tls-1-2/0"
        " story-17-https-tls-1-3/0 two-backends/0",
        not_on="story-05-4-way-close story-06-simultaneous-close story-07-fin-wait-1-ack-alone"
        " story-14-fin-wait-2-expired-late-fin",
    ),
    Line(
        23, 'tcplife.close == "simultaneous"',
        on="story-06-simultaneous-close/0: 39",
        also="story-07-eleven-states/1 story-07-fin-wait-1-fin-alone/0",
        not_on="story-01-merged-close story-05-4-way-close simultaneous-open data-crosses-half-close",
    ),
    Line(
        24, "tcplife.close.race",
        on="data-crosses-fin/0: 10",
        not_on="data-crosses-half-close story-09-half-close story-14-fin-wait-2-expired"
        " abort-crosses-data",
    ),
    Line(
        25, "tcplife.close.no_data",
        on="no-data/0: 6",
        also="abort-without-data/0 busy-server/0-29",
        not_on="accept-queue-full midstream-close-only abort-by-client reset-by-opener still-open",
    ),
    Line(
        26, 'tcplife.close == "RST after FIN"',
        on="story-14-fin-wait-2-expired/0: 11",
        also="abort-in-close-wait/0 data-crosses-fin/0 story-02-keep-alive-rst/0"
        " story-14-fin-wait-2-expired-late-fin/0",
        not_on="abort-by-client time-wait-assassination blind-rst",
    ),
    Line(
        27, 'tcplife.close == "abort"',
        on="abort-by-client/0: 8",
        also="abort-after-keep-alive/0 abort-crosses-data/0 any-interface/1 abort-with-data-in-flight/0 abort-without-data/0 busy-server/0-29"
        " crashed-client-comes-back/0 same-ports-in-two-vlans/1 crashed-server/0 injected-rst/0 keep-alive-timeout/0 midstream-abort/0"
        " idle-timer-on-the-way/0 retransmission-timeout-rst/0 rst-after-idle/0-1 zero-window-abort/0 zero-window-probe-reset/0"
        " firewall-rejects/0 idle-timer-drops/0 nat-forgets/0 persist-timeout/0 server-restarts/0 two-backends/1 unread-data/0 "
        + ABORTED_AT_LAST,
        at_end=ABORTED_AT_LAST, withdrawn="rst-loop/0",
        not_on="abort-in-close-wait reset-by-opener story-10-closed-port blind-rst"
        " time-wait-assassination",
    ),
    Line(
        28, 'tcplife.reset.cause == "data after close"',
        on="story-14-fin-wait-2-expired/0: 11",
        also="data-crosses-fin/0",
        not_on="story-14-fin-wait-2-expired-late-fin abort-in-close-wait data-after-own-fin"
        " abort-crosses-data crashed-server injected-rst",
    ),
    # The neighbour is the other connection of the same capture.
    Line(
        29, "tcplife.reset.idle > 300",
        on="rst-after-idle/0: 25",
        not_on="story-02-keep-alive-rst keep-alive-timeout",
    ),
    Line(
        29, 'tcplife.reset.cause == "keep-alive"',
        on="story-02-keep-alive-rst/0: 13",
        not_on="abort-after-keep-alive crashed-server keep-alive-timeout zero-window-probe-reset"
        " rst-after-idle story-14-fin-wait-2-expired",
    ),
    Line(
        30, 'tcplife.close == "silent"', whole=True,
        on="silent/0: 1-13",
        also="silent-keep-alives/0",
        not_on="still-open idle-with-keep-alives keep-alive-timeout fin-unacknowledged long-way"
        " retransmission-timeout-rst",
    ),
    Line(
        31, "tcplife.reset.ttl_differs",
        on="blind-rst/0: 8-9",
        also="firewall-rejects/0 idle-timer-on-the-way/0 injected-rst/0",
        not_on="abort-by-client nat-forgets server-restarts story-02-keep-alive-rst time-wait-assassination backscatter",
    ),
    Line(
        32, "tcplife.reset.not_accepted",
        on="blind-rst/0: 8-9",
        also="syn-fin-rst-only/1",
        not_on="injected-rst abort-by-client abort-crosses-data backscatter time-wait-assassination",
    ),
    # All that opened; in one pass only what has ended.
    Line(
        36, "tcplife.close",
        on="story-05-4-way-close/0: 29",
        also=f"{THREE_WAY} {OPENED_OTHERWISE} {ABORTED_AT_LAST} still-open/0",
        not_on="story-10-closed-port story-11-syn-unanswered rejected-by-icmp reset-by-opener"
        " backscatter handshake-by-flags-only",
        withdrawn="rst-loop/0",
        at_end=f"{STILL_OPEN} still-open/0 {GONE_SILENTLY} {ABORTED_AT_LAST} half-closed/0 half-closed-still-sending/0"
        " fin-unacknowledged/0",
    ),
    Line(
        38, "tcplife.late",
        on="time-wait-assassination/0: 12-14",
        also="abort-crosses-data/0 backscatter/1 old-syn-moves-nothing/0 rst-loop/0 same-ports-in-two-vlans/0"
        " scan-without-ack/0-2 story-10-port-in-time-wait/0 story-10-time-wait-killed/0"
        " story-12-old-syn-half-open/0 story-12-old-syn-meets-time-wait/0 story-12-old-syn-reset-by-opener/0"
        " syn-ack-after-rst/0",
        not_on="story-08-last-ack-lost fin-lost port-reuse-in-server-time-wait injected-rst"
        " forged-syn-challenged",
    ),
    # Was it the program, or something on the way; and had the peer forgotten the connection?
    Line(
        39, 'tcplife.reset.form == "own"',
        on="abort-by-client/0: 8",
        also="abort-after-keep-alive/0 abort-crosses-data/0 abort-in-close-wait/0 abort-with-data-in-flight/0 abort-without-data/0 any-interface/1"
        " busy-server/0-29 keep-alive-timeout/0 midstream-abort/0 retransmission-timeout-rst/0 rst-after-idle/0-1"
        " idle-timer-drops/0 same-ports-in-two-vlans/1 two-syn-acks-reset-and-again/0 unread-data/0",
        not_on="crashed-server injected-rst idle-timer-on-the-way zero-window-probe-reset story-02-keep-alive-rst",
    ),
    Line(
        39, 'tcplife.reset.cause == "no connection"',
        on="crashed-server/0: 11",
        also="firewall-rejects/0 idle-timer-on-the-way/0 injected-rst/0 nat-forgets/0 persist-timeout/0 server-restarts/0"
        " two-backends/1 zero-window-probe-reset/0",
        withdrawn="rst-loop/0",
        not_on="abort-by-client unread-data zero-window-abort rst-after-idle story-02-keep-alive-rst data-crosses-fin",
    ),
    Line(
        41, "tcplife.reset.idle_before > 60",
        on="idle-timer-on-the-way/0: 9",
        not_on="rst-after-idle crashed-server story-02-keep-alive-rst",
    ),
    Line(
        42, "tcplife.reset.evidence",
        on="idle-timer-on-the-way/0: 9",
        also="blind-rst/0 firewall-rejects/0 injected-rst/0 nat-forgets/0",
        not_on="server-restarts two-backends crashed-server abort-by-client rst-after-idle",
    ),
    Line(
        0, "tcplife.reset.too_early",
        on="idle-timer-on-the-way/0: 9",
        also="firewall-rejects/0 nat-forgets/0",
        not_on="crashed-server server-restarts two-backends injected-rst blind-rst rst-after-idle data-crosses-fin",
    ),
    Line(
        0, "tcplife.reset.sender_went_on",
        on="injected-rst/0: 9",
        not_on="blind-rst abort-crosses-data idle-timer-on-the-way",
    ),
    Line(
        43, "tcplife.server.unacked > 0 && tcplife.reset.cause",
        on="nat-forgets/0: 9",
        not_on="abort-by-client unread-data idle-timer-on-the-way",
    ),
    Line(
        0, "tcplife.reset.cause && tcplife.client.unacked",
        on="idle-timer-on-the-way/0: 9",
        also="abort-with-data-in-flight/0 zero-window-abort/0 crashed-server/0 injected-rst/0 data-crosses-fin/0 story-14-fin-wait-2-expired/0 retransmission-timeout-rst/0"
        " firewall-rejects/0 idle-timer-drops/0 persist-timeout/0 server-restarts/0 two-backends/1",
        not_on="abort-by-client rst-after-idle story-02-keep-alive-rst",
    ),
    Line(
        44, "tcplife.silence.time > 5", whole=True,
        on="retransmission-timeout-rst/0: 1-13",
        also="fin-unacknowledged/0 silent/0 silent-keep-alives/0 syn-given-up/0",
        not_on="idle-timer-drops keep-alive-timeout zero-window-abort persist-timeout idle-with-keep-alives",
    ),
    Line(
        45, "tcplife.client.zero_window > 1",
        on="client-does-not-read/0: 11-29",
        not_on="zero-window zero-window-abort persist-timeout",
    ),
    Line(
        46, "tcplife.open.syn_ack_differs",
        on="two-backends/0: 5",
        also="two-syn-acks-reset-and-again/0",
        not_on="syn-ack-after-rst syn-lost handshake-ack-lost accept-queue-full",
    ),
    Line(
        47, 'tcplife.reset.cause == "forgotten"',
        on="crashed-client-comes-back/0: 10",
        also="story-10-port-in-time-wait/0 story-10-time-wait-killed/0",
        not_on="port-reuse-in-client-time-wait port-reuse-in-server-time-wait crashed-server server-restarts",
    ),
    Line(
        0, "tcplife.server.zero_window > 1",
        on="zero-window/0: 11-31",
        also="persist-timeout/0 zero-window-abort/0",
        not_on="zero-window-probe-reset",
    ),
    Line(
        0, 'tcplife.open == "overflow"', whole=True,
        on="accept-queue-full/2: 5 8-13",
        not_on="handshake-ack-lost long-way story-12-old-syn-half-open",
    ),
    Line(
        0, 'tcplife.open == "half-open"', whole=True,
        on="story-12-old-syn-half-open/1: 13-15",
        also="story-12-old-syn-meets-time-wait/1 story-13-syn-flood/0-149",
        not_on="accept-queue-full story-11-syn-unanswered handshake-ack-lost reset-by-opener",
    ),
    # The error is no segment of the stream, so only the SYN before it can tell the verdict.
    Line(
        0, 'tcplife.open == "rejected by ICMP"', whole=True,
        on="rejected-by-icmp/0: 1",
        not_on="story-11-syn-unanswered story-10-closed-port",
    ),
    Line(
        0, "tcplife.open.icmp_rejected",
        on="rejected-by-icmp/0: 2",
        not_on="story-11-syn-unanswered story-10-closed-port",
    ),
    Line(
        0, "tcplife.open.syn_flood",
        on="story-13-syn-flood/99: 199",
        not_on="busy-server",
    ),
]  # fmt: skip
