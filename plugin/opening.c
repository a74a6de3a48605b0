/* opening.c
 * How a connection opens (RFC 9293, 3.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

void pass_raise_reuse(pass *t)
{
    const tl_extras *extras = connection_extras(t->c);

    if (extras->reuse != TL_NO_CONNECTION)
        pass_raise(t, TL_EVENT_OPEN_PORT_REUSE, 0)->warn =
            !phase_is_over(extras->reuse_phase) || extras->reuse_gap < 2 * t->world->settings.msl;
}

void pass_take_over(pass *t, tl_end *e)
{
    if (!e->borrowed)
        return;
    e->borrowed = false;
    if (e->state == TCP_LISTEN)
        return;
    pass_enter(t, e, TCP_CLOSED);
    pass_enter(t, e, TCP_LISTEN);
}

/* ---- SYN ---- */

/* What a SYN, or a SYN/ACK, says of its sender; of one whose SYN and SYN/ACK both pass, each says it. */
static void note_syn(pass *t)
{
    tl_end *x = t->x;

    t->next = t->s->seq + 1 + t->s->length;
    if (!x->has_nxt || seq_before(x->nxt, t->next)) { /* else what follows it passed before */
        x->nxt = t->next;
        x->bytes = t->s->length;
    }
    x->isn = t->s->seq;
    x->has_isn = x->has_nxt = x->sent_syn = true;
    x->tfo |= t->s->length > 0;
    if (t->s->flags & TL_FIN && !x->syn_fin) {
        x->syn_fin = true;
        pass_gaps(t, x)->syn_fin = pass_moment(t);
    }
    pass_hear(t);
}

static void begin_syn(pass *t)
{
    note_syn(t);
    pass_asked(t);
}

/* The first SYN of the client that the capture holds. */
static void count_first_syn(pass *t)
{
    tl_connection *c = t->c;

    c->saw_syn = true;
    c->syns = 1;
    c->syn = pass_moment(t);
    pass_step(t, TL_STEP_SYN);
}

static void open_actively(pass *t)
{
    t->c->client = t->s->side;
    pass_raise_reuse(t);
    begin_syn(t);
    pass_sent(t, t->x, TCP_KIND_SYN);
    count_first_syn(t);
}

/* A SYN that comes again brings its data again. */
static void count_data_again(pass *t)
{
    const uint64_t again = t->s->length < t->x->bytes ? t->s->length : t->x->bytes;

    if (again > 0)
        pass_extras(t)->retransmitted[t->s->side] += again;
}

static void count_syn(pass *t)
{
    tl_connection *c = t->c;

    if (end_side(c, t->x) != c->client)
        return;
    if (!c->saw_syn) { /* the capture began with a SYN/ACK */
        count_first_syn(t);
        return;
    }
    if (c->syns < UINT16_MAX)
        c->syns++;
    pass_raise(t, TL_EVENT_OPEN_SYN_RETRANSMITTED, c->syns);
}

/* An end in a new try; the way to it is the same. */
static tl_end fresh(const tl_end *e, int64_t now)
{
    return (tl_end){.since = now,
                    .rtt = e->rtt,
                    .rtt_is_bound = e->rtt_is_bound,
                    .heard = e->heard,
                    .marks = e->marks,
                    .asked_at = TL_NO_TIME};
}

/* The try has failed, and the same SYN begins another: nothing is undone, since the
 * failure was one. */
static void try_again(pass *t)
{
    tl_connection *c = t->c;
    const tl_end listener = *t->y;
    const tcp_state was = end_shown(c, t->y);

    if (!listener.borrowed && was != TCP_CLOSED)
        pass_say_move(t, t->y, was, TCP_CLOSED, false, listener.since);
    c->attempt = (tl_attempt){0};
    *c->claim = (tl_claim){.beside = c->claim->beside};
    *t->x = fresh(t->x, t->now);
    *t->y = fresh(t->y, t->now);
    c->open_ack = (tl_moment){0};
    c->timing = false;
    t->hidden = t->c->replaced;
    begin_syn(t);
    pass_sent(t, t->x, TCP_KIND_SYN);
    if (listener.borrowed && (was != TCP_CLOSED || listener.state != TCP_LISTEN))
        end_begin(t->y, (tcp_state)listener.state, listener.since);
    else
        pass_enter(t, t->y, TCP_LISTEN);
    t->y->borrowed = true;
    count_syn(t);
}

/* An opener that answered the SYN/ACK, as its peer's data seemed to show, would not repeat its SYN. */
static void undo_hidden_answer(pass *t)
{
    tl_connection *c = t->c;

    if (t->x->confirmed || t->x->state != TCP_ESTABLISHED || t->s->side != c->client)
        return;
    c->opened = false;
    c->open_ack = (tl_moment){0};
    t->y->isn_acked = t->y->confirmed = false;
    pass_undo(t, t->x, TL_BY_ACK_OF_SYN);
    if (t->y->state == TCP_ESTABLISHED) /* a FIN that it has sent stays sent */
        pass_undo(t, t->y, TL_BY_ACK_OF_SYN);
}

static void repeat_syn(pass *t)
{
    tl_connection *c = t->c;

    if (!t->x->sent_syn) { /* the capture shows it after the SYN/ACK that answers it */
        t->x->sent_syn = true;
        count_syn(t);
        return;
    }
    pass_lift_rejection(t);
    count_syn(t);
    count_data_again(t);
    pass_sent_again(t);
    undo_hidden_answer(t);
    c->attempt.answered_by_ack = c->attempt.older_reset = false;
}

/* A SYN from the end that was thought to be listening. */
static void cross_syn(pass *t)
{
    pass_take_over(t, t->x);
    begin_syn(t);
    t->x->active = true;
    /* With the ACK that it sent before, its SYN is a SYN/ACK in two segments. */
    pass_sent(t, t->x, t->c->attempt.acked_syn ? TCP_KIND_SYN_ACK : TCP_KIND_SYN);
    pass_step(t, TL_STEP_SYN);
}

/* One that was replaced stays as it was: nothing is tried there any more. */
static bool has_failed(const tl_connection *c)
{
    return claim_stands(c) && !c->claim->is_icmp && !c->opened && !c->replaced;
}

/* The opener's own SYN, when it has opened already: who forgot the connection takes it for a new one. */
static void note_duplicate(pass *t)
{
    pass_extras(t)->duplicate = pass_moment(t);
}

/* Nobody but its peer has shown that it has the SYN/ACK: its own word is still missing. */
static bool may_repeat(const pass *t)
{
    return end_moved_silently(t->c, t->x, TL_BY_ACK_OF_SYN) && !t->x->confirmed;
}

void pass_on_syn(pass *t)
{
    tl_connection *c = t->c;
    const bool is_own = t->x->has_isn && t->x->isn == t->s->seq;

    if (!c->alive)
        open_actively(t);
    else if (is_own && has_failed(c) && t->s->side == c->client)
        try_again(t);
    else if (is_own && c->opened && (phase_is_over(t->before) || !may_repeat(t)))
        note_duplicate(t);
    else if (is_own)
        repeat_syn(t);
    else if (!t->x->has_isn && t->y->sent_syn)
        cross_syn(t);
    c->content = t->now;
}

/* ---- Completing the handshake ---- */

tl_opening connection_opening(const tl_connection *c)
{
    if (c->attempt.tfo_accepted)
        return TL_OPEN_FAST_OPEN;
    if (!c->end[!c->client].active)
        return TL_OPEN_THREE_WAY;
    return c->attempt.sent_syn_ack[!c->client] ? TL_OPEN_SIMULTANEOUS : TL_OPEN_SPLIT;
}

static tl_event opening_event(tl_opening opening)
{
    return opening == TL_OPEN_FAST_OPEN      ? TL_EVENT_OPEN_FAST_OPEN
           : opening == TL_OPEN_SIMULTANEOUS ? TL_EVENT_OPEN_SIMULTANEOUS
           : opening == TL_OPEN_SPLIT        ? TL_EVENT_OPEN_SPLIT
                                             : TL_EVENT_OPEN_THREE_WAY;
}

/* Once, and not beneath a RST or an ICMP error: if that is undone, then. */
void pass_say_opening(pass *t)
{
    tl_connection *c = t->c;

    if (!c->opened || c->opening_told || t->hidden)
        return;
    c->opening_told = true;
    if (c->saw_syn)
        pass_raise(t, opening_event(connection_opening(c)), 0);
}

void pass_complete_opening(pass *t)
{
    tl_connection *c = t->c;
    const bool told = c->opening_told;

    if (c->opened || !end_is_synchronized(t->x) || !end_is_synchronized(t->y))
        return;
    c->opened = true;
    pass_exchange(t);
    if (t->acked_isn) {
        c->open_ack = pass_moment(t);
        if (!(t->s->flags & TL_SYN)) /* else, of a simultaneous open, the step is SYN/ACK */
            pass_step_once(t, TL_STEP_OPEN_ACK);
    }
    pass_say_opening(t);
    if (!told && t->acked_isn && t->s->length > 0)
        pass_raise(t, TL_EVENT_OPEN_DATA_IN_ACK, 0);
}

/* The peer's SYN/ACK was not acknowledged after all, unless what crosses this repetition does it: if the
 * sender says so, before the peer acknowledges it again. */
static void undo_open_ack(pass *t)
{
    t->c->opened = false;
    t->c->open_ack = pass_find_crossing(t);
    t->x->isn_acked = false;
    pass_ask_again(t, t->x->isn, tl_ns(t->c->attempt.syn_ack.time), t->c->attempt.syn_acks - 1);
    pass_undo(t, t->x, TL_BY_ACK_OF_SYN);
}

/* x speaks of an older connection over the same ports, which the capture does not hold. */
static void note_older(pass *t)
{
    t->c->attempt.has_older = true;
    t->c->attempt.older_side = t->s->side;
    t->c->attempt.older_nxt = t->s->ack;
}

/* ---- SYN/ACK ---- */

static void count_syn_ack(pass *t)
{
    tl_attempt *a = &t->c->attempt;

    if (a->syn_acks < UINT16_MAX)
        a->syn_acks++;
    pass_raise(t, TL_EVENT_OPEN_SYN_ACK_RETRANSMITTED, a->syn_acks);
    count_data_again(t);
    pass_sent_again(t);
}

static void repeat_syn_ack(pass *t)
{
    tl_attempt *a = &t->c->attempt;

    count_syn_ack(t);
    if (!t->c->opened)
        t->c->open_ack = (tl_moment){0};
    if (t->x->state != TCP_ESTABLISHED || !pass_disproves(t, TL_BY_ACK_OF_SYN, tl_ns(t->c->open_ack.time)))
        return;
    undo_open_ack(t);
    if (a->overflows < UINT16_MAX && ++a->overflows == 2)
        pass_raise(t, TL_EVENT_OPEN_QUEUE_OVERFLOW, 0);
}

/* Of SYNs that crossed, this is a SYN/ACK that had passed nowhere yet. Who sends it is in SYN_RECEIVED: the
 * bare ACK that it had sent answered the other's SYN/ACK there, and completed nothing. */
static void undo_crossed_ack(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x;

    if (x->state != TCP_ESTABLISHED || x->confirmed || !t->y->active ||
        !pass_knew(t, tl_ns(c->open_ack.time)))
        return;
    c->opened = false;
    c->open_ack = (tl_moment){0};
    x->isn_acked = false;
    pass_take_back(t, x, TCP_SYN_SENT, tl_ns(c->syn.time));
}

static void first_syn_ack(pass *t)
{
    tl_attempt *a = &t->c->attempt;
    tl_end *x = t->x, *y = t->y;

    undo_crossed_ack(t);
    pass_measure_round_trip(t);
    pass_answer(t);
    pass_take_over(t, x);
    if (x->sent_syn) /* its bare SYN passed before: simultaneous open */
        note_syn(t);
    else
        begin_syn(t);
    a->sent_syn_ack[t->s->side] = true;
    if (!x->has_told || seq_before(x->told, t->s->ack))
        x->told = t->s->ack;
    x->has_told = true;
    y->isn_acked = true;
    a->tfo_accepted = y->tfo && t->s->ack != y->isn + 1;
    a->syn_acks = 1;
    t->acked_isn = true;

    pass_step(t, TL_STEP_SYN_ACK);
    pass_sent(t, x, TCP_KIND_SYN_ACK);
    pass_meet_early_rst(t);
    pass_received(t, y, TCP_KIND_SYN_ACK);
    if (x->isn_acked)
        pass_received(t, x, TCP_KIND_SYN_ACK);
    pass_complete_opening(t);
    pass_take_fins_of_syns(t);
    pass_acknowledge_fin(t);
    if (a->syn_ack.frame == 0 ||
        t->s->side != t->c->client) /* of two that cross, the opener takes the server's */
        a->syn_ack = pass_moment(t);
}

tl_offer *attempt_find_other(const tl_attempt *a, uint32_t isn)
{
    for (unsigned i = 0; a->others && i < a->others->count; i++) {
        if (a->others->offer[i].isn == isn)
            return &a->others->offer[i];
    }
    return NULL;
}

static void note_other(pass *t)
{
    tl_attempt *a = &t->c->attempt;

    if (!a->others)
        a->others = t->world->allocate(sizeof *a->others);
    tl_offers *others = a->others;
    if (others->count == TL_MAX_OFFERS) {
        others->count--;
        for (unsigned i = 0; i < others->count; i++)
            others->offer[i] = others->offer[i + 1];
    }
    others->offer[others->count++] = (tl_offer){.passed = pass_moment(t), .isn = t->s->seq};
}

/* Another server, or one without memory: the opener will choose, or has chosen already. */
static void offer_other(pass *t)
{
    const bool has_chosen = t->c->opened;

    if (has_chosen && phase_is_over(t->before))
        return;
    if (attempt_find_other(&t->c->attempt, t->s->seq)) {
        if (!has_chosen)
            count_syn_ack(t);
        return;
    }
    note_other(t);
    pass_raise(t, TL_EVENT_OPEN_SYN_ACK_DIFFERS, 0);
}

/* The SYN that it answers is not in the capture, or came as a duplicate of an older
 * connection's; but its number is told. */
static void begin_with_syn_ack(pass *t)
{
    tl_connection *c = t->c;
    tl_end *y = t->y;

    c->client = !t->s->side;
    end_begin(y, TCP_SYN_SENT, c->saw_syn ? tl_ns(c->syn.time) : TL_NO_TIME);
    y->isn = t->s->ack - 1;
    y->has_isn = true;
    y->sent_syn = y->has_nxt = c->saw_syn;
    y->nxt = t->s->ack;
}

void pass_on_syn_ack(pass *t)
{
    tl_connection *c = t->c;
    const tl_end *x = t->x, *y = t->y;

    if (!c->alive)
        begin_with_syn_ack(t);
    c->content = t->now;
    if (!y->has_isn || end_edge(y) - y->isn < t->s->ack - y->isn || t->s->ack == y->isn)
        return;
    if (c->attempt.sent_syn_ack[t->s->side]) {
        if (x->isn == t->s->seq)
            repeat_syn_ack(t);
        else
            offer_other(t);
    } else if (!x->has_isn || x->isn == t->s->seq) {
        first_syn_ack(t);
    }
}

/* ---- ACKs of the opening ---- */

/* The handshake's missing half is proven by what comes after it. */
static void infer_syn_ack(pass *t, tl_end *server, uint32_t isn)
{
    pass_take_over(t, server);
    server->isn = isn;
    server->nxt = isn + 1; /* not seen: has_nxt stays false */
    server->has_isn = true;
    pass_missed_answer(t, server);
    pass_sent(t, server, TCP_KIND_SYN_ACK);
}

/* The opener takes another SYN/ACK than the one that counted so far. */
static void take_other_offer(pass *t)
{
    tl_attempt *a = &t->c->attempt;
    tl_offer *other = attempt_find_other(a, t->s->ack - 1);
    tl_end *y = t->y;

    if (!other)
        return;
    const tl_offer before = {.passed = a->syn_ack, .isn = y->isn};
    y->isn = other->isn;
    y->nxt = t->s->ack;
    a->syn_ack = other->passed;
    *other = before;
}

/* Data may be missing from the capture; before a FIN, all of them. */
static bool is_ahead(const pass *t, uint32_t number, uint32_t from, uint32_t furthest)
{
    const bool is_without_data = t->s->flags & TL_FIN && t->x->bytes == 0 && t->y->bytes == 0;

    return is_without_data ? seq_upto(from, number) : seq_within(number, from, furthest);
}

/* What it acknowledges beyond the SYN/ACK is missing from the capture: as much as its window lets through, if
 * that is known, or what the other end's segment goes on behind. */
static bool acks_syn_ack(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    return !y->has_isn || is_ahead(t, t->s->ack, y->isn + 1, y->nxt + (uint32_t)end_reach(t->c, x)) ||
           pass_meets_stray(t);
}

/* The opener speaks: whether its ACK completes its half. */
static bool opener_acks(pass *t)
{
    tl_end *x = t->x, *y = t->y;

    if (!is_ahead(t, t->s->seq, x->isn + 1, x->isn + WIDEST_WINDOW))
        return false;
    take_other_offer(t);
    if (!acks_syn_ack(t)) {
        pass_raise(t, TL_EVENT_OPEN_BAD_ACK, 0);
        t->c->attempt.bad_ack = true;
        note_older(t);
        pass_note_stray(t);
        return false;
    }
    if (pass_fits(t)) {
        if (!y->has_isn)
            infer_syn_ack(t, y, t->s->ack - 1);
        pass_sent(t, x, TCP_KIND_ACK_OF_SYN);
    }
    return true;
}

bool pass_is_synchronized_talk(const pass *t)
{
    if (t->c->attempt.tfo_accepted) /* may send data before the handshake is complete (RFC 7413, 4.2) */
        return false;
    return t->s->length > 0 || (t->y->has_isn && seq_before(t->y->isn + 1, t->s->ack));
}

/* An end that has not sent a SYN yet speaks. */
static bool listener_acks(pass *t)
{
    tl_attempt *a = &t->c->attempt;
    tl_end *x = t->x, *y = t->y;
    const bool is_fin = t->s->flags & TL_FIN;

    if (!is_ahead(t, t->s->ack, y->isn + 1, end_edge(y))) {
        if (t->s->length == 0 && !is_fin) {
            pass_raise(t, TL_EVENT_OPEN_ACK_INSTEAD, 0);
            a->answered_by_ack = true;
            note_older(t);
        }
        return false;
    }
    if (!pass_is_synchronized_talk(t)) {
        if (is_fin) { /* it may close before the SYN/ACK, which is missing, is acknowledged */
            infer_syn_ack(t, x, t->s->seq - 1);
            return true;
        }
        a->acked_syn = true; /* half a SYN/ACK; the SYN may come */
        pass_measure_round_trip(t);
        return false;
    }
    infer_syn_ack(t, x, t->s->seq - 1);
    x->isn_acked = y->isn_acked = true; /* by what is missing from the capture */
    pass_must_have_sent(t, y, TCP_KIND_ACK_OF_SYN);
    pass_received(t, x, TCP_KIND_ACK_OF_SYN);
    return true;
}

/* An end that has sent its SYN/ACK speaks, although no ACK of it passed. */
static bool responder_acks(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    const uint32_t furthest = y->has_nxt ? y->nxt + x->widest : y->isn + WIDEST_WINDOW;

    if (!is_ahead(t, t->s->seq, x->isn, x->isn + WIDEST_WINDOW) ||
        !(is_ahead(t, t->s->ack, y->isn + 1, furthest) || pass_meets_stray(t))) {
        pass_raise(t, TL_EVENT_OPEN_BAD_ACK, 0);
        pass_note_stray(t);
        return false;
    }
    const bool is_alone = !t->c->saw_syn && !y->heard; /* one direction, as far as is known */
    if (pass_fits(t) && (pass_is_synchronized_talk(t) || is_alone)) {
        x->asked_at = TL_NO_TIME; /* an ACK is missing from the capture */
        pass_must_have_sent(t, y, TCP_KIND_ACK_OF_SYN);
        pass_received(t, x, TCP_KIND_ACK_OF_SYN);
    }
    return true;
}

bool pass_opening_ack(pass *t)
{
    switch (t->x->borrowed ? TCP_LISTEN : (tcp_state)t->x->state) {
    case TCP_SYN_SENT:
        return opener_acks(t);
    case TCP_LISTEN:
        return listener_acks(t);
    case TCP_SYN_RECEIVED:
        return responder_acks(t);
    case TCP_CLOSED:
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
