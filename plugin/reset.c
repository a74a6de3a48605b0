/* reset.c
 * RSTs: what their receiver makes of them, why they came, and what disproves them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* ---- RST ---- */

/* Acknowledges a SYN of y, the only thing that closes SYN_SENT (RFC 9293, 3.10.7.3). */
static bool acknowledges_syn(const pass *t)
{
    const tl_end *y = t->y;

    return (t->s->flags & TL_ACK) && y->state == TCP_SYN_SENT && y->has_isn &&
           seq_within(t->s->ack, y->isn + 1, y->nxt);
}

/* The numbers that the receiver's RCV.NXT can have; false if none is known. */
static bool expected(const pass *t, uint32_t *low, uint32_t *high)
{
    const tl_end *x = t->x, *y = t->y;

    if (!y->has_told && !x->has_nxt)
        return false;
    *low = y->has_told ? y->told : x->in_order;
    *high = x->has_nxt ? seq_max(x->in_order, *low) : *low;
    return true;
}

static tl_verdict judge_number(const pass *t)
{
    const tl_end *y = t->y;
    const uint32_t seq = t->s->seq;
    uint32_t low, high;

    if (!expected(t, &low, &high))
        return TL_VERDICT_UNKNOWN;
    if (seq_within(seq, low, high))
        return TL_VERDICT_ACCEPTED;
    if (seq == low - 1 && (y->state == TCP_CLOSE_WAIT || y->state == TCP_LAST_ACK || y->state == TCP_CLOSING))
        return TL_VERDICT_ACCEPTED;
    if (!y->has_told)
        return TL_VERDICT_UNKNOWN;
    return seq - low < (high - low) + y->window ? TL_VERDICT_CHALLENGED : TL_VERDICT_IGNORED;
}

static tl_verdict judge(const pass *t)
{
    const tl_connection *c = t->c;
    const tl_end *x = t->x, *y = t->y;

    if (!c->alive)
        return TL_VERDICT_UNKNOWN;
    if (c->phase == TCP_CLOSED || y->state == TCP_CLOSED)
        return TL_VERDICT_IGNORED;
    if (acknowledges_syn(t))
        return TL_VERDICT_ACCEPTED;
    if (c->has_older && c->older_side != t->s->side && c->older_nxt == t->s->seq && !c->opened)
        return TL_VERDICT_ACCEPTED;
    if (y->state == TCP_SYN_SENT && !x->sent_syn)
        return TL_VERDICT_IGNORED;
    if (y->state == TCP_LISTEN)
        return t->s->seq - x->isn - 1 <= x->nxt - x->isn - 1 ? TL_VERDICT_ACCEPTED : TL_VERDICT_UNKNOWN;
    return judge_number(t);
}

/* Why x gave an open connection up: the first that fits. */
static tl_cause cause_of(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    if (t->before == TCP_TIME_WAIT)
        return TL_CAUSE_TIME_WAIT;
    if (x->probes > 0 && pass_knew(t, x->asked_at))
        return TL_CAUSE_KEEP_ALIVE_TIMEOUT;
    if (y->probes > 0)
        return TL_CAUSE_KEEP_ALIVE;
    if (x->repeats >= 2)
        return TL_CAUSE_RETRANSMISSION_TIMEOUT;
    if (x->has_fin)
        return y->late_data && !end_is_all_acked(y, x) ? TL_CAUSE_DATA_AFTER_CLOSE : TL_CAUSE_AFTER_OWN_FIN;
    return TL_CAUSE_ABORT;
}

static tl_event event_of(const tl_connection *c, tl_cause cause)
{
    switch (cause) {
    case TL_CAUSE_TIME_WAIT:
        return TL_EVENT_RESET_TIME_WAIT;
    case TL_CAUSE_KEEP_ALIVE_TIMEOUT:
        return TL_EVENT_RESET_KEEP_ALIVE_TIMEOUT;
    case TL_CAUSE_KEEP_ALIVE:
        return TL_EVENT_RESET_AFTER_KEEP_ALIVE;
    case TL_CAUSE_RETRANSMISSION_TIMEOUT:
        return TL_EVENT_RESET_RETRANSMISSION_TIMEOUT;
    case TL_CAUSE_DATA_AFTER_CLOSE:
        return TL_EVENT_RESET_DATA_AFTER_CLOSE;
    case TL_CAUSE_REFUSED:
        return TL_EVENT_OPEN_REFUSED;
    case TL_CAUSE_RESET_BY_OPENER:
        return TL_EVENT_OPEN_OPENER_RESET;
    case TL_CAUSE_AFTER_OWN_FIN:
    case TL_CAUSE_ABORT:
    case TL_CAUSE_NONE:
    case TL_CAUSE_ANSWERED_BY_ACK:
    case TL_CAUSE_LATE:
        break;
    }
    return c->end[0].has_fin || c->end[1].has_fin ? TL_EVENT_RESET_AFTER_FIN : TL_EVENT_RESET_ABORT;
}

static void close_by_rst(pass *t, tl_end *e, tcp_direction direction)
{
    const tcp_state to = tcp_next_state(direction, TCP_KIND_RST, e->state);

    if (to == e->state)
        return;
    e->by_rst = true;
    e->rst_state = e->state;
    pass_enter(t, e, to);
}

/* Nothing is known of the connection that this first segment ends: no history is invented. */
static void begin_reset(pass *t)
{
    pass_guess_roles(t);
    for (int i = 0; i < 2; i++) {
        t->c->end[i].by_rst = true;
        t->c->end[i].rst_state = TCP_ESTABLISHED;
    }
}

static void accept_rst(pass *t, tl_verdict verdict)
{
    tl_connection *c = t->c;
    tl_cause cause = TL_CAUSE_NONE;

    if (c->opened)
        cause = cause_of(t);
    else if (c->saw_syn)
        cause = end_role(c, t->x) == TL_CLIENT ? TL_CAUSE_RESET_BY_OPENER : TL_CAUSE_REFUSED;

    if (cause != TL_CAUSE_NONE)
        pass_raise(t, event_of(c, cause), 0);
    if ((t->s->flags & TL_ACK) && t->y->has_fin && t->s->ack == t->y->nxt)
        pass_sent(t, t->x, TCP_KIND_ACK_OF_FIN); /* only who has the FIN can say so */
    close_by_rst(t, t->x, TCP_SENT);
    close_by_rst(t, t->y, TCP_RECEIVED);
    c->reset = true;
    c->reset_sure = verdict == TL_VERDICT_ACCEPTED;
    c->rst_from = t->s->side;
    c->cause = (uint8_t)cause;
    pass_decide(t, TL_STEP_RST, verdict != TL_VERDICT_ACCEPTED);
}

/* A RST from SYN_SENT with another number than ISN+1 ends an older connection. */
static bool resets_older(const pass *t)
{
    return t->x->state == TCP_SYN_SENT && t->y->state == TCP_LISTEN &&
           t->s->seq - t->x->isn - 1 > t->x->nxt - t->x->isn - 1;
}

/* A few hops more or less are a change of route. */
static void compare_ttl(pass *t)
{
    const int delta = t->s->ttl - t->x->ttl;

    if (!t->s->has_ttl || !t->x->has_ttl)
        return;
    t->r->has_ttl_delta = true;
    t->r->ttl_delta = (int16_t)delta;
    if (delta < -2 || delta > 2)
        pass_raise(t, TL_EVENT_RESET_TTL_DIFFERS, 0);
}

void pass_on_rst(pass *t)
{
    tl_connection *c = t->c;
    const bool over = c->alive && phase_is_over(c->phase);
    const tl_verdict verdict = judge(t);

    t->r->verdict = verdict;
    compare_ttl(t);
    if (c->content != TL_NO_TIME)
        t->r->idle = t->now - c->content;
    if (!c->alive)
        begin_reset(t);

    if (verdict == TL_VERDICT_CHALLENGED || verdict == TL_VERDICT_IGNORED) {
        c->late_rst |= over;
        if (!over)
            pass_raise(t, TL_EVENT_RESET_NOT_ACCEPTED, 0);
    } else if (resets_older(t)) {
        c->cause = c->answered_by_ack ? TL_CAUSE_ANSWERED_BY_ACK : TL_CAUSE_NONE;
        pass_decide(t, TL_STEP_RST, verdict != TL_VERDICT_ACCEPTED);
    } else {
        accept_rst(t, verdict);
    }
}

/* ---- RST disproved ---- */

static void undo_reset_of(pass *t, tl_end *e)
{
    if (!e->by_rst)
        return;
    e->by_rst = false;
    pass_undo(t, e, e->rst_state);
    /* An ACK of its FIN may have passed meanwhile; if it repeats its FIN, that did not arrive. */
    const tl_end *peer = e == t->x ? t->y : t->x;
    const bool repeats = e == t->x && (t->s->flags & TL_FIN) && t->next == e->nxt;
    if (e->fin_acked && !repeats && (e->state != TCP_FIN_WAIT_1 || !peer->has_fin || peer->fin_acked))
        pass_received(t, e, TCP_KIND_ACK_OF_FIN);
}

/* A segment, other than a RST, of an end that a RST had closed. */
void pass_disprove_reset(pass *t)
{
    tl_connection *c = t->c;

    if (!t->x->by_rst || !pass_knew(t, c->deciding.time[TL_STEP_RST]))
        return;
    if (t->s->side == c->rst_from)
        undo_reset_of(t, t->y);
    undo_reset_of(t, t->x);
    c->reset = c->reset_sure = false;
    t->belongs = true;
    if (!c->end[0].has_isn && !c->end[1].has_isn)
        c->opened = true; /* the capture began with the RST */
    c->cause = TL_CAUSE_NONE;
    c->deciding.frame[TL_STEP_RST] = 0;
}
