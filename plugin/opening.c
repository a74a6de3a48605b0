/* opening.c
 * How a connection opens (RFC 9293, 3.5), and how a stream begins another life.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pass.h"
#include "sequence.h"

/* ---- Another life ---- */

static void forget_end(tl_end *e)
{
    *e = (tl_end){
        .since = e->since, .state = e->state, .rtt = e->rtt, .last = e->last, .asked_at = TL_NO_TIME};
}

/* Forget the last life of the stream, which is over; remember that there was one. */
static void begin_again(pass *t)
{
    tl_connection *c = t->c;

    c->client = t->s->side;
    pass_enter(t, t->x, TCP_CLOSED);
    pass_enter(t, t->y, TCP_CLOSED);
    forget_end(t->x);
    forget_end(t->y);
    c->reuse_stream = c->stream;
    c->reuse_phase = (uint8_t)t->before;
    c->reuse_gap = t->now - c->last;
    memset(&c->deciding, 0, sizeof c->deciding);
    c->lived_before = true;
    c->content = TL_NO_TIME;
    c->half_close_bytes = 0;
    c->keepalives = c->unanswered = 0;
    c->syns = c->syn_acks = c->overflows = c->stepped = 0;
    c->cause = TL_CAUSE_NONE;
    c->saw_syn = c->opened = c->opening_told = c->tfo_accepted = c->answered_by_ack = c->rejected =
        c->has_older = false;
    c->timing = c->reset = c->reset_sure = c->merged = c->crossed = c->lapsed = false;
    c->half_close_data = c->raced = c->late_rst = false;
}

void pass_raise_reuse(pass *t)
{
    const tl_connection *c = t->c;

    if (c->reuse_stream != TL_NO_STREAM)
        pass_raise(t, TL_EVENT_OPEN_PORT_REUSE, 0)->warn =
            !phase_is_over(c->reuse_phase) || c->reuse_gap < 2 * t->settings->msl;
}

/* ---- SYN ---- */

static void begin_syn(pass *t)
{
    tl_end *x = t->x;

    x->isn = t->s->seq;
    x->has_isn = x->has_nxt = x->sent_syn = true;
    x->nxt = x->in_order = t->next = t->s->seq + 1 + t->s->length;
    x->bytes = t->s->length;
    x->tfo = t->s->length > 0;
    pass_hear(t);
    pass_asked(t);
}

static void open_actively(pass *t)
{
    tl_connection *c = t->c;

    c->client = t->s->side;
    c->role_guessed = false;
    c->saw_syn = true;
    c->syns = 1;
    pass_raise_reuse(t);
    begin_syn(t);
    pass_sent(t, t->x, TCP_KIND_SYN);
    pass_decide(t, TL_STEP_SYN, false);
    if (c->alive)
        pass_enter(t, t->y, TCP_LISTEN);
    else
        t->y->state = TCP_LISTEN;
}

/* Whoever repeats its SYN did not take the rejection to heart. */
static void undo_rejection(pass *t)
{
    t->c->rejected = false;
    pass_undo(t, t->x, TCP_SYN_SENT);
}

/* The same connection is tried again after it had failed. With the same number it
 * is the same endpoint, which never got the RST or did not mind it. */
static void open_once_more(pass *t)
{
    tl_connection *c = t->c;
    const bool same = t->x->isn == t->s->seq;

    if (same && !pass_knew(t, c->deciding.time[TL_STEP_RST]))
        return; /* was in flight */
    forget_end(t->y);
    c->reset = c->reset_sure = c->answered_by_ack = c->rejected = c->has_older = false;
    c->cause = TL_CAUSE_NONE;
    c->deciding.frame[TL_STEP_RST] = c->deciding.frame[TL_STEP_SYN_ACK] = 0;
    c->syn_acks = c->overflows = 0;
    c->timing = false;
    if (same) {
        t->x->by_rst = false;
        pass_undo(t, t->x, TCP_SYN_SENT);
    } else {
        forget_end(t->x);
        begin_syn(t);
        pass_sent(t, t->x, TCP_KIND_SYN);
    }
    pass_enter(t, t->y, TCP_CLOSED);
    pass_enter(t, t->y, TCP_LISTEN);
}

static void count_syn(pass *t)
{
    tl_connection *c = t->c;

    if (end_side(c, t->x) != c->client)
        return;
    if (c->syns < UINT16_MAX)
        c->syns++;
    pass_raise(t, TL_EVENT_OPEN_SYN_RETRANSMITTED, c->syns);
}

static void repeat_syn(pass *t)
{
    tl_connection *c = t->c;

    if (!t->x->sent_syn) { /* the capture shows it after the SYN/ACK that answers it */
        t->x->sent_syn = true;
        if (end_side(c, t->x) != c->client)
            return;
        c->saw_syn = true;
        c->syns = 1;
        pass_decide(t, TL_STEP_SYN, false);
        return;
    }
    if (c->rejected)
        undo_rejection(t);
    count_syn(t);
    pass_sent_again(t);
    c->answered_by_ack = false;
    c->cause = TL_CAUSE_NONE;
    c->deciding.frame[TL_STEP_RST] = 0;
}

/* A SYN from the end that was thought to be listening. */
static void cross_syn(pass *t)
{
    begin_syn(t);
    t->x->active = true;
    /* With the ACK that it sent before, its SYN is a SYN/ACK in two segments. */
    pass_sent(t, t->x, t->x->acked_syn ? TCP_KIND_SYN_ACK : TCP_KIND_SYN);
    pass_decide_first(t, TL_STEP_SYN);
}

/* The SYN that an ICMP error had rejected comes again. */
static bool is_rejected_syn(const pass *t)
{
    return t->c->rejected && t->s->side == t->c->client && t->s->seq == t->x->isn;
}

void pass_on_syn(pass *t)
{
    tl_connection *c = t->c;

    if (!c->alive) {
        open_actively(t);
    } else if (phase_is_over(c->phase) && !is_rejected_syn(t)) {
        if (!c->opened && c->saw_syn && t->s->side == c->client) {
            open_once_more(t);
            count_syn(t);
        } else {
            begin_again(t);
            open_actively(t);
        }
    } else if (t->x->has_isn && t->x->isn == t->s->seq) {
        repeat_syn(t);
    } else if (!t->x->has_isn && t->y->sent_syn) {
        cross_syn(t);
    }
    c->content = t->now;
}

/* ---- Completing the handshake ---- */

tl_event connection_opening(const tl_connection *c)
{
    const tl_end *server = &c->end[!c->client];

    if (c->tfo_accepted)
        return TL_EVENT_OPEN_FAST_OPEN;
    if (!server->active)
        return TL_EVENT_OPEN_THREE_WAY;
    return server->sent_syn_ack ? TL_EVENT_OPEN_SIMULTANEOUS : TL_EVENT_OPEN_SPLIT;
}

void pass_complete_opening(pass *t)
{
    tl_connection *c = t->c;

    if (c->opened || !end_is_synchronized(t->x) || !end_is_synchronized(t->y))
        return;
    c->opened = true;
    if (t->acked_isn) {
        if (t->s->flags & TL_SYN) /* of a simultaneous open: the step is SYN/ACK */
            pass_decide(t, TL_STEP_OPEN_ACK, true);
        else
            pass_decide_once(t, TL_STEP_OPEN_ACK);
    }
    if (c->opening_told)
        return;
    c->opening_told = true;
    if (c->saw_syn)
        pass_raise(t, connection_opening(c), 0);
    if (t->acked_isn && t->s->length > 0)
        pass_raise(t, TL_EVENT_OPEN_DATA_IN_ACK, 0);
}

/* The peer's SYN/ACK was not acknowledged after all. */
static void undo_open_ack(pass *t)
{
    t->c->opened = false;
    t->c->deciding.frame[TL_STEP_OPEN_ACK] = 0;
    t->x->isn_acked = false;
    pass_undo(t, t->x, TCP_SYN_RECEIVED);
}

/* x speaks of an older connection over the same ports. */
static void note_older(pass *t)
{
    t->c->has_older = true;
    t->c->older_side = t->s->side;
    t->c->older_nxt = t->s->ack;
}

/* ---- SYN/ACK ---- */

static void repeat_syn_ack(pass *t)
{
    tl_connection *c = t->c;

    if (c->syn_acks < UINT16_MAX)
        c->syn_acks++;
    pass_raise(t, TL_EVENT_OPEN_SYN_ACK_RETRANSMITTED, c->syn_acks);
    pass_sent_again(t);
    if (t->x->state != TCP_ESTABLISHED || t->x->confirmed ||
        !pass_knew(t, c->deciding.time[TL_STEP_OPEN_ACK]))
        return;
    undo_open_ack(t);
    if (c->overflows < UINT16_MAX && ++c->overflows == 2)
        pass_raise(t, TL_EVENT_OPEN_QUEUE_OVERFLOW, 0);
}

static void first_syn_ack(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;

    pass_measure_round_trip(t);
    if (!x->sent_syn) /* else its bare SYN passed before: simultaneous open */
        begin_syn(t);
    pass_hear(t);
    x->sent_syn_ack = true;
    x->told = t->s->ack;
    x->has_told = true;
    y->isn_acked = true;
    c->tfo_accepted = y->tfo && t->s->ack != y->isn + 1;
    c->syn_acks = 1;
    t->acked_isn = true;

    pass_decide_first(t, TL_STEP_SYN_ACK);
    pass_sent(t, x, TCP_KIND_SYN_ACK);
    pass_received(t, y, TCP_KIND_SYN_ACK);
    if (x->isn_acked)
        pass_received(t, x, TCP_KIND_SYN_ACK);
    pass_complete_opening(t);
}

void pass_on_syn_ack(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;

    if (!c->alive) { /* the SYN is not in the capture, but its number is told */
        c->client = !t->s->side;
        x->state = TCP_LISTEN;
        y->state = TCP_SYN_SENT;
        y->since = TL_NO_TIME;
        y->isn = t->s->ack - 1;
        y->has_isn = true;
        y->nxt = y->in_order = t->s->ack;
    }
    c->content = t->now;
    if (!y->has_isn)
        return;
    if (y->nxt - y->isn < t->s->ack - y->isn || t->s->ack == y->isn) {
        if (!c->opened) {
            pass_raise(t, TL_EVENT_OPEN_BAD_ACK, 0);
            note_older(t);
        }
        return;
    }
    pass_disprove_reset(t);
    if (c->reset)
        return; /* was in flight */
    if (x->sent_syn_ack && x->isn == t->s->seq) {
        repeat_syn_ack(t);
    } else if (x->sent_syn_ack && x->state == TCP_SYN_RECEIVED) {
        x->offers_other = true; /* another server, or one without memory: the opener will choose */
        x->beyond = t->s->seq;
    } else if (!x->has_isn || x->isn == t->s->seq) {
        first_syn_ack(t);
    }
}

/* ---- ACKs of the opening ---- */

/* The handshake's missing half is proven by what comes after it. */
static void infer_syn_ack(pass *t, tl_end *server, uint32_t isn)
{
    server->isn = isn;
    server->nxt = server->in_order = isn + 1; /* not seen: has_nxt stays false */
    server->has_isn = true;
    pass_sent(t, server, TCP_KIND_SYN_ACK);
}

/* The opener takes the other one of two SYN/ACKs. */
static void take_other_offer(pass *t)
{
    tl_end *y = t->y;

    if (!y->offers_other || t->s->ack != y->beyond + 1)
        return;
    y->isn = y->beyond;
    y->nxt = y->in_order = t->s->ack;
}

/* The opener speaks: whether its ACK completes its half. */
static bool opener_acks(pass *t)
{
    tl_end *x = t->x, *y = t->y;

    if (!seq_within(t->s->seq, x->isn + 1, x->isn + WIDEST_WINDOW))
        return false;
    take_other_offer(t);
    if (!y->has_isn) {
        infer_syn_ack(t, y, t->s->ack - 1);
    } else if (!seq_within(t->s->ack, y->isn + 1,
                           y->nxt + x->widest)) { /* data may be missing from the capture */
        pass_raise(t, TL_EVENT_OPEN_BAD_ACK, 0);
        note_older(t);
        return false;
    }
    x->isn_acked = true;
    pass_sent(t, x, TCP_KIND_ACK_OF_SYN);
    return true;
}

bool pass_is_synchronized_talk(const pass *t)
{
    if (t->c->tfo_accepted) /* may send data before the handshake is complete (RFC 7413, 4.2) */
        return false;
    return t->s->length > 0 || (t->y->has_isn && seq_before(t->y->isn + 1, t->s->ack));
}

/* An end that has not sent a SYN yet speaks. */
static bool listener_acks(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;
    const bool bare = t->s->length == 0 && !(t->s->flags & TL_FIN);

    if (!seq_within(t->s->ack, y->isn + 1, y->nxt)) {
        if (bare) {
            pass_raise(t, TL_EVENT_OPEN_ACK_INSTEAD, 0);
            c->answered_by_ack = true;
            note_older(t);
        }
        return false;
    }
    if (!pass_is_synchronized_talk(t)) {
        x->acked_syn = true; /* half a SYN/ACK; the SYN may come */
        return false;
    }
    infer_syn_ack(t, x, t->s->seq - 1);
    pass_sent(t, y, TCP_KIND_ACK_OF_SYN);
    pass_sent(t, x, TCP_KIND_ACK_OF_SYN);
    return true;
}

/* An end that has sent its SYN/ACK speaks, although no ACK of it passed. */
static bool responder_acks(pass *t)
{
    tl_end *x = t->x, *y = t->y;

    if (!seq_within(t->s->seq, x->isn, x->isn + WIDEST_WINDOW) ||
        (y->has_nxt && !seq_within(t->s->ack, y->isn + 1, y->nxt + x->widest))) {
        pass_raise(t, TL_EVENT_OPEN_BAD_ACK, 0);
        return false;
    }
    if (!pass_is_synchronized_talk(t))
        return t->c->tfo_accepted || (t->s->flags & TL_FIN);
    x->isn_acked = true; /* by an ACK that is missing from the capture */
    pass_sent(t, y, TCP_KIND_ACK_OF_SYN);
    pass_sent(t, x, TCP_KIND_ACK_OF_SYN);
    return true;
}

/* While the handshake is under way: whether the segment belongs to this connection. */
bool pass_opening_ack(pass *t)
{
    switch ((tcp_state)t->x->state) {
    case TCP_SYN_SENT:
        return opener_acks(t);
    case TCP_LISTEN:
        return listener_acks(t);
    case TCP_SYN_RECEIVED:
        return responder_acks(t);
    case TCP_CLOSED:
        if (!t->c->rejected)
            break;
        undo_rejection(t); /* it goes on in spite of the ICMP error */
        return opener_acks(t);
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
        break;
    }
    return true;
}

/* ---- ICMP ---- */

void pass_reject(pass *t, uint16_t error)
{
    t->c->rejected = true;
    pass_enter(t, t->x, TCP_CLOSED);
    t->r->transition[t->r->transitions - 1].held = TL_NO_TIME; /* the error's frame is none of the stream */
    pass_raise(t, TL_EVENT_OPEN_ICMP_REJECTED, error);
}
