/* moves.c
 * The states of the two ends: the one place that writes them.
 *
 * A move is certain when its end sent what only the new state can send. A silent
 * one is a prediction: RFC 9293 has the end send nothing back, so that nothing
 * better than the segment which passed towards it will ever prove it. It is undone
 * when the end shows that it never made it. There are four kinds. Beside each
 * stands what disproves it, who may have been in flight meanwhile, and what goes
 * with it when it is undone:
 *
 *   what passed            disproved by            unless it was sent before       withdrawn with it
 *   an ACK of its SYN      its SYN or SYN/ACK      the ACK could reach it: 1.5     frame.open_ack; the phase
 *                          repeated                round trips to it and 4 ms      goes back to SYN_RECEIVED
 *   an ACK of its FIN      its FIN repeated        likewise                        frame.fin_N_ack; the FIN is
 *                                                                                  unacknowledged again
 *   a RST towards it       anything but a RST      likewise, or at once if it      reset.cause, frame.rst, the
 *                          that it sends and that  acknowledges what passed        phase; both ends if it acknow-
 *                          fits                    after the RST                   ledges what the RST's sender
 *                                                                                  sent after it
 *   a RST of its own       anything but a RST      new data or a new ACK number    the same, for both ends: the
 *                          that it sends and that  beyond the RST's: at once;      RST was not its own
 *                          fits                    else 1.5 round trips, and
 *                                                  50 ms at least
 *
 * A round trip is the longest of the last eight between us and that end.
 * Beside them, a FIN whose number is only vouched for (numbers.c) is withdrawn when its sender goes on below
 * it, or the peer does (gaps.c).
 *
 * The first two are kept in tl_exchange.before, the others in tl_claim, beneath
 * which the states go on; an ICMP error that rejects a SYN is a tl_claim too, and
 * the next SYN disproves it. Nothing is undone once it is proven: an ACK of its
 * SYN by whatever only a synchronized end sends (tl_end.confirmed), an ACK of its
 * FIN by an answer to a FIN that carried it, or by 2 MSL (tl_end.ack_sure).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <assert.h>

#include "pass.h"

/* Which kind of silent move a segment makes when it is received. */
static tl_silent silent_kind(tcp_kind kind)
{
    return kind == TCP_KIND_ACK_OF_FIN ? TL_BY_ACK_OF_FIN : TL_BY_ACK_OF_SYN;
}

/* ---- Writing a state ---- */

/* The one setter. */
static void set_state(tl_end *e, tcp_state to, int64_t since, bool undone)
{
    assert(undone || tcp_is_edge((tcp_state)e->state, to));
    (void)undone; /* where nothing is asserted */
    e->state = (uint8_t)to;
    e->since = since;
}

void end_begin(tl_end *e, tcp_state state, int64_t since)
{
    set_state(e, state, since, true);
}

void pass_say_move(pass *t, const tl_end *e, tcp_state from, tcp_state to, bool undone, int64_t since)
{
    tl_report *r = t->r;

    if (t->c->replaced || r->transitions == TL_MAX_TRANSITIONS)
        return;
    r->transition[r->transitions++] = (tl_transition){
        .role = end_role(t->c, e),
        .from = from,
        .to = to,
        .undone = undone,
        .held = undone || since == TL_NO_TIME ? TL_NO_TIME : t->now - since,
    };
}

/* Who sent no SYN of its own went from LISTEN by its SYN/ACK. */
static tcp_state next_on_way(const tl_end *e, tcp_state at, tcp_state to)
{
    if (tcp_is_edge(at, to))
        return to;
    return at == TCP_LISTEN && !e->active ? TCP_SYN_RECEIVED : tcp_toward(at, to);
}

void pass_say_way(pass *t, const tl_end *e, tcp_state from, tcp_state to, int64_t since)
{
    for (tcp_state at = from, next; at != to; at = next) {
        next = next_on_way(e, at, to);
        pass_say_move(t, e, at, next, !tcp_is_edge(at, next), since);
        since = t->now;
    }
}

/* What lies beneath a claim is not said; what is undone there had led to it. */
static void move(pass *t, tl_end *e, tcp_state to, int64_t since, bool undone)
{
    if (!end_is_covered(t->c, e)) {
        pass_say_move(t, e, (tcp_state)e->state, to, undone, e->since);
    } else if (undone) {
        t->c->claim->was[end_side(t->c, e)] = (uint8_t)to;
        t->c->claim->held[end_side(t->c, e)] = since;
    }
    set_state(e, to, since, undone);
}

void pass_enter(pass *t, tl_end *e, tcp_state to)
{
    if (e->state == to)
        return;
    move(t, e, to, t->now, false);
    if (to == TCP_TIME_WAIT)
        t->c->time_wait = t->now;
}

void pass_sent(pass *t, tl_end *e, tcp_kind kind)
{
    pass_enter(t, e, tcp_next_state(TCP_SENT, kind, e->state));
}

/* ---- Silent moves ---- */

static void move_silently(pass *t, tl_end *e, tl_silent kind, tcp_state to)
{
    if (to == e->state)
        return;
    tl_exchange *exchange = pass_exchange(t);
    const uint8_t side = end_side(t->c, e);

    exchange->before_since[side] = tl_time_of(e->since);
    exchange->before_state[side] = e->state;
    exchange->before_kind[side] = (uint8_t)kind;
    pass_enter(t, e, to);
}

void pass_received(pass *t, tl_end *e, tcp_kind kind)
{
    move_silently(t, e, silent_kind(kind), tcp_next_state(TCP_RECEIVED, kind, e->state));
}

void pass_must_have_sent(pass *t, tl_end *e, tcp_kind kind)
{
    move_silently(t, e, silent_kind(kind), tcp_next_state(TCP_SENT, kind, e->state));
}

bool end_moved_silently(const tl_connection *c, const tl_end *e, tl_silent kind)
{
    const uint8_t side = end_side(c, e);

    return c->exchange && c->exchange->before_state[side] != TCP_CLOSED &&
           c->exchange->before_kind[side] == kind;
}

bool pass_disproves(const pass *t, tl_silent kind, int64_t then)
{
    const tl_end *x = t->x;
    const bool is_proven = kind == TL_BY_ACK_OF_SYN ? x->confirmed : x->ack_sure;

    return end_moved_silently(t->c, x, kind) && !is_proven && pass_knew(t, then);
}

void pass_take_back(pass *t, tl_end *e, tcp_state to, int64_t since)
{
    move(t, e, to, since, true);
}

void pass_undo(pass *t, tl_end *e, tl_silent kind)
{
    const tl_exchange *exchange = t->c->exchange;
    const uint8_t side = end_side(t->c, e);

    if (end_moved_silently(t->c, e, kind) &&
        exchange->before_state[side] != e->state) /* else it is back already */
        pass_take_back(t, e, (tcp_state)exchange->before_state[side], tl_ns(exchange->before_since[side]));
}
