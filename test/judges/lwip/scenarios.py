# SPDX-License-Identifier: GPL-2.0-or-later
"""What two programs do. c.first is client or server, by chance, and does first what the scenario is about.
A scenario gives both hosts their scripts."""

from knowable import ACK, FIN, RST, SYN
from links import MS, has

# Longer than any way there and back, so that nothing is under way any more.
CALM = 200 * MS
SECOND = 1000 * MS
LONG_AFTER_FIN_WAIT = 25 * SECOND  # lwIP's lasts 20 s


def always():
    return True


def between(c, least, most):
    return c.luck.randrange(least, most)


def some(c, most):
    return c.luck.randint(1, most)


def soon(c):
    """Any time from at once to some round trips."""
    return c.luck.choice([0, between(c, 0, 20 * MS), between(c, 0, 300 * MS)])


def round_trip(c):
    return 2 * sum(c.wire.delay.values())


def opens(c):
    c.server.listen()
    c.client.then(always, 0, c.client.connect)


def talks(c):
    """The client opens, and then asks and the server answers."""
    opens(c)
    exchange(c)


def exchange(c):
    question, answer = some(c, 3000), some(c, 12000)
    c.client.then(c.client.is_open, soon(c), lambda: c.client.write(question))
    c.client.then(c.client.has_read(answer), 0, lambda: None)
    c.server.then(c.server.has_read(question), soon(c), lambda: c.server.write(answer))


def closes(c, host):
    host.then(host.is_open, soon(c), host.close)


def closes_at_eof(c, host):
    host.then(host.saw_eof, soon(c), host.close)


def again(c):
    """A second connection of the same ports, that the client opens."""
    c.client.connect()
    exchange(c)
    closes(c, c.client)
    closes_at_eof(c, c.server)


# Closes


def close(c):
    talks(c)
    closes(c, c.first)
    closes_at_eof(c, c.second)


def close_without_data(c):
    opens(c)
    closes(c, c.first)
    closes_at_eof(c, c.second)


def close_behind_data(c):
    def write_and_close():
        c.first.write(some(c, 20000))
        c.first.close()

    opens(c)
    c.first.then(c.first.is_open, soon(c), write_and_close)
    closes_at_eof(c, c.second)


def half_close(c):
    talks(c)
    c.first.then(always, soon(c), c.first.shutdown)
    c.second.then(c.second.saw_eof, soon(c), lambda: c.second.write(some(c, 10000)))
    c.second.then(always, soon(c), c.second.close)
    closes_at_eof(c, c.first)


def meet(c, first, second):
    """Lets both do something so that what they send crosses: one a little after the other."""
    begun = []

    def begin():
        begun.append(True)
        first()

    c.first.then(lambda: len(c.second.script) <= 1, CALM, begin)
    c.second.then(lambda: begun, between(c, 0, round_trip(c) // 2 - MS), second)


def simultaneous_close(c):
    talks(c)
    meet(c, c.first.shutdown, c.second.shutdown)


def simultaneous_close_behind_data(c):
    def write_and_shutdown(host):
        host.write(some(c, 4000))
        host.shutdown()

    talks(c)
    meet(c, lambda: write_and_shutdown(c.first), lambda: write_and_shutdown(c.second))


def both_close(c):
    talks(c)
    meet(c, c.first.close, c.second.close)


def close_at_the_others_data(c):
    talks(c)
    c.first.then(always, soon(c), c.first.close)
    c.second.then(c.second.saw_eof, soon(c), lambda: c.second.write(some(c, 4000)))


def close_with_data_on_the_way(c):
    """A FIN behind data crosses the FIN of an end that takes no data any more."""
    def write_and_close():
        c.second.write(some(c, 4000))
        c.second.close()

    talks(c)
    meet(c, c.first.close, write_and_close)


def close_with_unread_data(c):
    opens(c)
    c.first.reads(False)
    c.second.then(c.second.is_open, soon(c), lambda: c.second.write(some(c, 4000)))
    c.first.then(c.first.is_open, soon(c) + CALM, c.first.close)


def fin_wait_2_expired(c):
    talks(c)
    closes(c, c.first)
    c.second.then(c.second.saw_eof, LONG_AFTER_FIN_WAIT + soon(c), c.second.close)


def closed_in_fin_wait_2(c):
    """Half-closed first, and then given up: it waits for the FIN no longer than it has to."""
    talks(c)
    c.first.then(always, soon(c), c.first.shutdown)
    c.first.then(always, CALM + soon(c), c.first.close)
    c.second.then(c.second.saw_eof, SECOND + soon(c), c.second.close)


def still_open(c):
    talks(c)


def zero_window(c):
    c.first, c.second = c.client, c.server
    opens(c)
    c.first.then(c.first.is_open, soon(c), lambda: c.first.write(60000))
    c.first.then(c.first.is_open, 2 * SECOND, lambda: c.first.write(20000 + some(c, 20000)))
    closes(c, c.first)
    c.second.reads(False)
    c.second.then(c.second.is_open, 4 * SECOND + soon(c), lambda: c.second.reads(True))
    closes_at_eof(c, c.second)


# RSTs


def abort(c):
    talks(c)
    c.first.then(always, soon(c), c.first.abort)


def abort_behind_data(c):
    opens(c)
    c.first.then(c.first.is_open, soon(c), lambda: c.first.write(some(c, 4000)))
    c.first.then(always, between(c, 0, 20 * MS), c.first.abort)


def abort_in_close_wait(c):
    talks(c)
    c.first.then(always, soon(c), c.first.shutdown)
    c.second.then(c.second.saw_eof, soon(c), c.second.abort)


def abort_in_fin_wait(c):
    talks(c)
    c.first.then(always, soon(c), c.first.shutdown)
    c.first.then(always, between(c, 0, 80 * MS), c.first.abort)


def blind_rst(c):
    off = c.luck.choice([0, some(c, 1000), -some(c, 1000)])
    talks(c)
    c.first.then(always, CALM, lambda: c.forge(c.first, RST, c.next_number(c.first) + off))
    c.first.then(always, soon(c) + CALM, lambda: c.first.write(some(c, 4000)))
    c.first.then(always, soon(c) + CALM, c.first.close)
    closes_at_eof(c, c.second)


def keep_alive(c):
    talks(c)
    c.first.then(always, soon(c), c.first.keep_alive)
    c.first.then(always, 4 * SECOND, c.first.close)
    closes_at_eof(c, c.second)


def keep_alive_in_vain(c):
    def cut():
        c.wire.is_cut = True

    talks(c)
    c.first.then(always, soon(c), c.first.keep_alive)
    c.first.then(always, CALM, cut)
    c.first.then(c.first.is_closed, 0, lambda: None)


# Opens


def refused(c):
    c.client.then(always, 0, c.client.connect)


def connect_abandoned(c):
    opens(c)
    c.client.then(always, between(c, 0, round_trip(c)), c.client.close)


def connect_aborted(c):
    opens(c)
    c.client.then(always, between(c, 0, round_trip(c)), c.client.abort)


def not_accepted(c):
    opens(c)
    c.server.accepts(False)


def not_accepted_data(c):
    opens(c)
    c.server.accepts(False)
    c.client.then(c.client.is_open, 0, lambda: c.client.write(some(c, 3000)))


def listener_closed(c):
    opens(c)
    c.server.then(c.server.has_begun, between(c, 0, round_trip(c)), c.server.stop_listening)
    c.client.then(c.client.is_open, soon(c), lambda: c.client.write(some(c, 3000)))


def simultaneous_open(c):
    for host in (c.client, c.server):
        host.then(always, between(c, 0, round_trip(c) // 2 - MS), host.connect)


def reuse_in_time_wait(c):
    c.first, c.second = c.server, c.client
    talks(c)
    closes(c, c.first)
    closes_at_eof(c, c.second)
    c.second.then(c.second.is_closed, soon(c) + CALM, lambda: again(c))


def reuse(c):
    """The client closes first by a RST, so that nobody is in TIME_WAIT."""
    c.first, c.second = c.client, c.server
    talks(c)
    c.first.then(always, soon(c), c.first.abort)
    c.first.then(c.second.is_closed, soon(c) + CALM, lambda: again(c))


# Crashes


def crash(c):
    talks(c)
    c.first.then(always, CALM, c.first.forget)
    c.second.then(c.first.is_closed, soon(c), lambda: c.second.write(some(c, 4000)))


def crash_and_connect(c):
    c.first, c.second = c.client, c.server
    talks(c)
    c.first.then(always, CALM, c.first.forget)
    c.first.then(always, soon(c), lambda: again(c))


# What the script loses, on either link


def loses(c, host, flags):
    c.wire.lose(lambda s: s["from"] == host.end and has(flags)(s), c.luck.choice("AB"))


def syn_lost(c):
    loses(c, c.client, SYN)
    close(c)


def syn_ack_lost(c):
    loses(c, c.server, SYN | ACK)
    close(c)


def handshake_ack_lost(c):
    loses(c, c.client, ACK)
    close(c)


def fin_lost(c):
    loses(c, c.first, FIN | ACK)
    close(c)


def second_fin_lost(c):
    loses(c, c.second, FIN | ACK)
    close(c)


def last_ack_lost(c):
    """The first bare ACK behind the second FIN, which is of its receiver."""
    def is_last(s):
        return s["from"] == c.first.end and has(ACK)(s) and any(
            f["from"] == c.second.end and f["flags"] & FIN and f["arrived"] for f in c.segments)  # fmt: skip

    c.wire.lose(is_last, c.luck.choice("AB"))
    close(c)


def crossing_fin_lost(c):
    loses(c, c.first, FIN | ACK)
    simultaneous_close(c)


def rst_lost(c):
    loses(c, c.first, RST | ACK)
    abort(c)


SCENARIOS = {
    scenario.__name__: scenario for scenario in (
        close, close_without_data, close_behind_data, half_close, simultaneous_close, simultaneous_close_behind_data,
        both_close, close_at_the_others_data, close_with_data_on_the_way, close_with_unread_data, fin_wait_2_expired,
        closed_in_fin_wait_2, still_open, zero_window, abort, abort_behind_data, abort_in_close_wait,
        abort_in_fin_wait, blind_rst, keep_alive, keep_alive_in_vain, refused, connect_abandoned, connect_aborted,
        not_accepted, not_accepted_data, listener_closed, simultaneous_open, reuse_in_time_wait, reuse, crash,
        crash_and_connect, syn_lost, syn_ack_lost, handshake_ack_lost, fin_lost, second_fin_lost, last_ack_lost,
        crossing_fin_lost, rst_lost,
    )
}  # fmt: skip
