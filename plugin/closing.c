/* closing.c
 * How a connection closes by FINs (RFC 9293, 3.6), and data around them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* The steps that e's FIN and the ACK of it are. */
static tl_step fin_step(const tl_connection *c, const tl_end *e)
{
    return end_side(c, e) == c->exchange->fin_first ? TL_STEP_FIN_1 : TL_STEP_FIN_2;
}

static tl_step fin_ack_step(const tl_connection *c, const tl_end *e)
{
    return end_side(c, e) == c->exchange->fin_first ? TL_STEP_FIN_1_ACK : TL_STEP_FIN_2_ACK;
}

static void note_fin_ack(pass *t, const tl_end *e)
{
    t->c->exchange->fin_ack[end_side(t->c, e)] = pass_moment(t);
}

tl_closing connection_closing(const tl_connection *c)
{
    const tl_exchange *exchange = c->exchange;

    return exchange->crossed  ? TL_CLOSE_SIMULTANEOUS
           : exchange->merged ? TL_CLOSE_THREE_WAY
                              : TL_CLOSE_FOUR_WAY;
}

static tl_event closing_event(tl_closing closing)
{
    return closing == TL_CLOSE_SIMULTANEOUS ? TL_EVENT_CLOSE_SIMULTANEOUS
           : closing == TL_CLOSE_THREE_WAY  ? TL_EVENT_CLOSE_MERGED
                                            : TL_EVENT_CLOSE_FOUR_WAY;
}

/* ---- ACKs of FINs ---- */

/* Whichever copy of the FIN it answers acknowledged its own, so that ACK came too. */
static void get_ack_with_fin(pass *t, tl_end *acker)
{
    acker->fin_acked = true;
    note_fin_ack(t, acker);
    pass_step_once(t, fin_ack_step(t->c, acker));
    pass_received(t, acker, TCP_KIND_ACK_OF_FIN);
}

/* An end acknowledges the other's FIN, for the first time or after that was undone. */
static void acknowledge_fin(pass *t, tl_end *acker, tl_end *closer)
{
    const bool may_have_to_answer =
        closer->state == TCP_FIN_WAIT_1 && acker->has_fin && end_in_order(acker, closer) == acker->nxt;

    closer->fin_acked = true;
    if (acker->state == TCP_FIN_WAIT_1 && closer->acking_fin && !closer->plain_fin)
        get_ack_with_fin(t, acker);
    if (acker->state == TCP_FIN_WAIT_2 && !closer->plain_fin)
        acker->ack_sure = true; /* it answers a FIN that acknowledged its own */
    pass_sent(t, acker, TCP_KIND_ACK_OF_FIN);
    if (acker->state == TCP_CLOSING && acker->fin_acked)
        pass_received(t, acker, TCP_KIND_ACK_OF_FIN);
    /* An end that has still to answer the peer's FIN may be in CLOSING before this arrives. */
    if (!may_have_to_answer || acker->fin_acked)
        pass_received(t, closer, TCP_KIND_ACK_OF_FIN);
}

void pass_note_hidden_fin(pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    /* To a FIN that was repeated, or data before it, this may be the second answer, after a close in turn. */
    const bool is_second = y->fin_repeated || (y->data_again && t->s->ack == y->nxt);
    if (x->state != TCP_ESTABLISHED || !seq_before(end_edge(x), t->s->seq) || t->next != t->s->seq ||
        y->fin_acked || is_second)
        return;
    tl_gaps *gaps = pass_gaps(t, t->x);
    gaps->hid_fin = true;
    gaps->hidden_fin = t->s->seq;
}

static void acknowledge_fin_again(pass *t, bool waited)
{
    t->y->fin_repeated = false;
    t->belongs = true;
    if (!waited)
        return;
    t->c->time_wait = t->now;
    pass_raise(t, TL_EVENT_CLOSE_TIME_WAIT_RESTARTED, 0);
}

void pass_acknowledge_fin(pass *t)
{
    tl_end *x = t->x, *y = t->y;

    if (!y->has_fin || t->s->ack != y->nxt)
        return;
    const bool again = y->fin_repeated, waited = x->state == TCP_TIME_WAIT;
    if (!y->fin_acked) {
        note_fin_ack(t, y);
        pass_step_once(t, fin_ack_step(t->c, y));
        acknowledge_fin(t, x, y);
    }
    if (again)
        acknowledge_fin_again(t, waited);
}

/* ---- FINs ---- */

/* Its FIN had gone before it acknowledged the peer's, as the number of that ACK
 * tells; it was lost before us, and this is its repetition. The FINs crossed. */
static void cross_hidden_fin(pass *t)
{
    pass_take_back(t, t->x, TCP_ESTABLISHED, t->c->open_ack.frame ? tl_ns(t->c->open_ack.time) : TL_NO_TIME);
    pass_sent(t, t->x, TCP_KIND_FIN);
    pass_sent(t, t->x, TCP_KIND_ACK_OF_FIN);
}

/* The order in which the FINs passed, and what that makes of them. */
static void name_fin(pass *t, const tl_end *e, tl_moment passed, bool crossed)
{
    tl_connection *c = t->c;
    tl_exchange *exchange = pass_exchange(t);
    const tl_end *peer = end_peer(c, e);

    if (peer->has_fin) {
        exchange->crossed = crossed || !(peer->fin_acked || e->state == TCP_CLOSE_WAIT);
        exchange->merged = exchange->fin_ack[!end_side(c, e)].frame == passed.frame;
        pass_raise(t, closing_event(connection_closing(c)), 0);
    } else {
        exchange->fin_first = end_side(c, e);
    }
    exchange->fin[end_side(c, e)] = passed;
    if (passed.frame == t->s->frame)
        pass_step_once(t, fin_step(c, e));
}

/* The number of its FIN: just behind what passed, or in a hole that ends there. */
static bool is_fin_number(tl_end *e, uint32_t number)
{
    uint32_t forgotten;

    if (number == e->nxt)
        return true;
    if (number + 1 != e->nxt || !e->gaps ||
        !seq_holes_fill(&e->gaps->holes, (seq_range){number, e->nxt}, &forgotten))
        return false;
    e->bytes--; /* counted as a byte of data so far */
    return true;
}

/* It may acknowledge what has not passed yet, the peer's FIN perhaps: where that is known, there are gaps. */
static void note_ack_of_fin(pass *t)
{
    tl_gaps *gaps = t->y->gaps;

    if (!gaps)
        return;
    gaps->has_fin_ack = true;
    gaps->fin_ack = t->s->ack;
    gaps->fin_ack_before = t->x->state;
    gaps->fin_ack_since = t->x->since;
}

/* The peer's FIN passed before this one, and acknowledges it; whose sender had not taken that one yet. */
static bool is_answered_by_fin(const tl_end *e, const tl_end *peer)
{
    return peer->state == TCP_FIN_WAIT_1 && e->state != TCP_CLOSE_WAIT && e->gaps && e->gaps->has_fin_ack &&
           e->gaps->fin_ack == e->nxt;
}

/* So its sender had closed second: by that FIN it went through CLOSE_WAIT. */
static void put_before_fin_of(pass *t, tl_end *answerer)
{
    tl_connection *c = t->c;
    tl_exchange *exchange = c->exchange;
    tl_end *x = t->x;

    c->stepped &= (uint8_t) ~(1u << TL_STEP_FIN_1);
    exchange->fin_first = t->s->side;
    exchange->fin[t->s->side] = pass_moment(t);
    exchange->fin_ack[t->s->side] = exchange->fin[!t->s->side];
    exchange->crossed = false;
    exchange->merged = true;
    pass_step_once(t, TL_STEP_FIN_1);
    pass_raise(t, TL_EVENT_CLOSE_MERGED, 0);
    x->fin_acked = answerer->acking_fin = true;
    answerer->plain_fin = false;
    answerer->told = x->nxt;
    pass_sent(t, x, TCP_KIND_FIN);
    pass_take_back(t, answerer, (tcp_state)x->gaps->fin_ack_before, x->gaps->fin_ack_since);
    pass_enter(t, answerer, TCP_ESTABLISHED); /* its SYN/ACK was acknowledged since, by this FIN perhaps */
    pass_sent(t, answerer, TCP_KIND_ACK_OF_FIN);
    pass_sent(t, answerer, TCP_KIND_FIN);
    pass_received(t, x, TCP_KIND_ACK_OF_FIN);
}

static void begin_fin(tl_end *e)
{
    e->has_fin = e->spoke = true;
    if (e->gaps) {
        e->gaps->fin_before = e->state;
        e->gaps->fin_since = e->since;
    }
}

static void take_first_fin(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    const tl_gaps *gaps = x->gaps;
    const bool repeats_hidden =
        gaps && gaps->hid_fin && gaps->hidden_fin == t->next && x->state == TCP_CLOSE_WAIT;

    if (!is_fin_number(x, t->next - 1)) {
        pass_say_misplaced_fin(t);
        return;
    }
    note_ack_of_fin(t);
    begin_fin(x);
    x->nxt = t->next;
    if (is_answered_by_fin(x, y)) {
        put_before_fin_of(t, y);
        return;
    }
    pass_doubt_timed(t);
    pass_asked(t);
    name_fin(t, x, pass_moment(t), repeats_hidden);
    if (repeats_hidden)
        cross_hidden_fin(t);
    else
        pass_sent(t, x, TCP_KIND_FIN);
    if (y->has_told && y->told == x->nxt &&
        y->state != TCP_SYN_SENT) { /* the capture has the ACK before the FIN */
        note_fin_ack(t, x);
        acknowledge_fin(t, y, x);
    }
}

void pass_take_fin_of(pass *t, tl_end *e, tl_moment passed)
{
    if (e->has_fin)
        return;
    begin_fin(e);
    e->acking_fin = e->state == TCP_CLOSE_WAIT;
    e->nxt++;
    name_fin(t, e, passed, false);
    pass_sent(t, e, TCP_KIND_FIN);
}

static void take_fin_of_syn(pass *t, tl_end *e)
{
    const tl_connection *c = t->c;
    tl_end *peer = end_peer(t->c, e);

    if (!c->opened || !e->syn_fin || e->has_fin || e->spoke || !peer->has_told || peer->told != e->nxt + 1)
        return;
    pass_take_fin_of(t, e, e->gaps->syn_fin);
    if (e == t->x) { /* the SYN/ACK had acknowledged it */
        c->exchange->fin_ack[end_side(c, e)] = c->attempt.syn_ack.frame ? c->attempt.syn_ack : pass_moment(t);
        acknowledge_fin(t, peer, e);
    }
}

void pass_take_fins_of_syns(pass *t)
{
    tl_end *client = &t->c->end[t->c->client];

    take_fin_of_syn(t, client);
    take_fin_of_syn(t, end_peer(t->c, client));
}

/* What moved it meanwhile, beside its FIN: its SYN was acknowledged, it acknowledged the peer's FIN. */
static void move_without_fin(pass *t, tl_end *e, const tl_end *peer)
{
    if (e->state == TCP_SYN_RECEIVED && e->isn_acked)
        pass_enter(t, e, TCP_ESTABLISHED);
    if (peer->fin_acked)
        pass_sent(t, e, TCP_KIND_ACK_OF_FIN);
}

/* As if it had not passed. */
void pass_withdraw_fin(pass *t, tl_end *e)
{
    tl_exchange *exchange = t->c->exchange;
    tl_end *peer = end_peer(t->c, e);
    const uint8_t side = end_side(t->c, e);

    if (e->fin_acked)
        return;
    t->c->stepped &= (uint8_t) ~(1u << fin_step(t->c, e));
    e->has_fin = e->plain_fin = e->acking_fin = e->fin_repeated = e->data_again = false;
    e->fins = 0;
    exchange->fin[side] = (tl_moment){0};
    exchange->crossed = exchange->merged = false;
    peer->late_data = false;
    if (peer->gaps)
        peer->gaps->raced = false;
    if (exchange->fin[!side].frame)
        exchange->fin_first = !side;
    pass_take_back(t, e, (tcp_state)e->gaps->fin_before, e->gaps->fin_since);
    move_without_fin(t, e, peer);
}

void pass_say_misplaced_fin(pass *t)
{
    pass_raise(t, TL_EVENT_CLOSE_FIN_MISPLACED, 0);
}

/* The ACK of its FIN did not arrive, or it would not repeat it. */
static void undo_fin_ack(pass *t)
{
    tl_end *x = t->x;

    x->fin_acked = false;
    t->c->exchange->fin_ack[t->s->side] = (tl_moment){0};
    pass_ask_again(t, x->nxt - 1, tl_ns(t->c->exchange->fin[t->s->side].time), x->fins);
    pass_undo(t, x, TL_BY_ACK_OF_FIN);
    if (t->y->fin_acked)
        pass_sent(t, x, TCP_KIND_ACK_OF_FIN); /* it had acknowledged the peer's FIN meanwhile */
}

static void take_repeated_fin(pass *t)
{
    const tl_exchange *exchange = t->c->exchange;
    tl_end *x = t->x, *y = t->y;

    pass_raise(t, TL_EVENT_CLOSE_FIN_RETRANSMITTED, 0);
    pass_sent_again(t);
    t->belongs = true;
    x->fin_repeated = true;
    if (x->fins < UINT8_MAX)
        x->fins++;
    if (x->fin_acked) {
        if (pass_disproves(t, TL_BY_ACK_OF_FIN, tl_ns(exchange->fin_ack[t->s->side].time)))
            undo_fin_ack(t);
    } else if (y->fin_acked && y->state == TCP_FIN_WAIT_1 &&
               pass_had_time(t, y, tl_ns(exchange->fin[t->s->side].time))) {
        pass_received(t, y, TCP_KIND_ACK_OF_FIN); /* so it had not got this FIN */
    }
}

/* By its number, or as it was acknowledged before: what an end acknowledges, it has. Not if this is the repetition of
 * one that had gone before that ACK. */
static bool carries_ack_of_fin(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    return y->has_fin &&
           (t->s->ack == y->nxt || (x->state == TCP_CLOSE_WAIT && !(x->gaps && x->gaps->hid_fin)));
}

void pass_take_fin(pass *t)
{
    t->c->content = t->now;
    if (carries_ack_of_fin(t))
        t->x->acking_fin = true;
    else
        t->x->plain_fin = true;
    if (!t->x->has_fin)
        take_first_fin(t);
    else if (t->next == t->x->nxt)
        take_repeated_fin(t);
    else
        pass_say_misplaced_fin(t);
}

/* ---- Data around FINs ---- */

void pass_take_data_after_fin(pass *t, uint32_t from, uint32_t bytes)
{
    tl_exchange *exchange = pass_exchange(t);

    t->x->late_data = true;
    if (t->x->has_fin)
        return; /* which overtook them */
    if (!t->y->fin_acked) {
        tl_gaps *gaps = pass_gaps(t, t->x);
        if (!gaps->raced) {
            gaps->raced = true;
            gaps->race.from = from;
            pass_raise(t, TL_EVENT_CLOSE_DATA_AFTER_PEER_FIN, 0);
        }
        gaps->race.to = from + bytes;
        return;
    }
    pass_extras(t)->half_close_bytes += bytes;
    if (!exchange->half_close_data)
        pass_raise(t, TL_EVENT_CLOSE_HALF_CLOSED_DATA, 0);
    exchange->half_close_data = true;
}

/* Its own FIN says that there is no such data: it is counted, and nothing else. */
void pass_take_data_beyond_fin(pass *t, uint32_t end)
{
    tl_gaps *gaps = pass_gaps(t, t->x);
    const uint32_t before = gaps->has_beyond ? gaps->beyond : t->x->nxt;

    if (!seq_before(before, end))
        return; /* said once of the same bytes */
    pass_raise(t, TL_EVENT_CLOSE_DATA_AFTER_OWN_FIN, 0);
    t->x->bytes += end - before;
    gaps->beyond = end;
    gaps->has_beyond = true;
}
