/* exchange.c
 * The connection between its SYNs and its RSTs: ACKs, keep-alives, data, FINs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* A stream that began midstream may have had bytes in flight then, for this long (ns). */
#define MIDSTREAM_SETTLES INT64_C(1000000000)

/* ---- ACKs ---- */

/* Whichever copy of the FIN it answers acknowledged its own, so that ACK came too. */
static void get_ack_with_fin(pass *t, tl_end *acker)
{
    acker->fin_acked = true;
    pass_decide(t, end_fin_ack_step(t->c, acker), true);
    pass_received(t, acker, TCP_KIND_ACK_OF_FIN);
}

/* An end acknowledges the other's FIN, for the first time or after that was undone. */
static void acknowledge_fin(pass *t, tl_end *acker, tl_end *closer)
{
    const bool may_have_to_answer = closer->state == TCP_FIN_WAIT_1 && acker->has_fin;

    closer->fin_acked = true;
    if (acker->state == TCP_FIN_WAIT_1 && closer->acking_fin && !closer->plain_fin)
        get_ack_with_fin(t, acker);
    if (acker->state == TCP_FIN_WAIT_2)
        acker->ack_sure = true; /* it answers a FIN that acknowledged its own */
    pass_sent(t, acker, TCP_KIND_ACK_OF_FIN);
    if (acker->state == TCP_CLOSING && acker->fin_acked)
        pass_received(t, acker, TCP_KIND_ACK_OF_FIN);
    /* An end that has still to answer the peer's FIN may be in CLOSING before this arrives. */
    if (!may_have_to_answer || acker->fin_acked)
        pass_received(t, closer, TCP_KIND_ACK_OF_FIN);
}

/* With a number beyond what passed of its sender, the ACK tells of a FIN that was lost before us. */
static void note_hidden_fin(pass *t)
{
    tl_end *x = t->x;

    /* To a FIN that was repeated this may be the second answer, after a close in turn. */
    if (x->state != TCP_ESTABLISHED || !seq_before(x->nxt, t->s->seq) || t->s->length > 0 ||
        t->y->fin_repeated)
        return;
    x->hid_fin = true;
    x->beyond = t->s->seq;
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

static void note_ack_number(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    const uint32_t ack = t->s->ack;
    uint32_t next;
    const bool beyond = end_known_next(y, x, &next) && seq_before(next, ack);
    const bool settling = !y->has_isn && t->now - t->c->stream_start < MIDSTREAM_SETTLES;

    if (beyond && settling && y->has_nxt) /* was in flight when the capture began */
        y->nxt = y->in_order = ack;
    else if (beyond && !y->has_nxt)
        y->unseen = true;

    x->told = x->has_told ? seq_max(x->told, ack) : ack;
    x->has_told = true;
    if (y->has_nxt && seq_before(y->in_order, ack))
        y->in_order = seq_before(y->nxt, ack) ? y->nxt : ack;
}

/* x does not acknowledge the FIN although it has had the time: no plain copy came. */
static void disprove_plain_fin(pass *t)
{
    const tl_connection *c = t->c;
    tl_end *y = t->y;

    if (y->plain_fin && !y->fin_acked && t->s->ack != y->nxt &&
        pass_knew(t, c->deciding.time[end_fin_step(c, y)]))
        y->plain_fin = false;
}

static void acknowledge(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    const uint32_t ack = t->s->ack;

    if (y->has_fin)
        disprove_plain_fin(t);
    note_ack_number(t);
    pass_measure_round_trip(t);
    if (y->has_isn && !y->isn_acked)
        y->isn_acked = t->acked_isn = true;
    if (y->isn_acked)
        pass_received(t, y, TCP_KIND_ACK_OF_SYN);
    if (end_is_synchronized(x) && (pass_is_synchronized_talk(t) || (t->s->flags & TL_FIN)))
        x->confirmed = true;
    pass_complete_opening(t);

    if (!y->has_fin || ack != y->nxt)
        return;
    const bool again = y->fin_repeated, waited = x->state == TCP_TIME_WAIT;
    if (!y->fin_acked) {
        t->acked_fin = true;
        pass_decide_once(t, end_fin_ack_step(t->c, y));
        note_hidden_fin(t);
        acknowledge_fin(t, x, y);
    }
    if (again)
        acknowledge_fin_again(t, waited);
}

/* ---- Keep-alive ---- */

/* 0 or 1 byte just before what is next, everything acknowledged: a probe. */
static bool is_probe(const pass *t)
{
    const tl_end *x = t->x;

    return t->s->length <= 1 && !(t->s->flags & TL_FIN) && t->c->opened && x->has_nxt &&
           t->s->seq == x->nxt - 1 && end_is_all_acked(x, t->y) && t->y->last != TL_NO_TIME;
}

/* The same when the peer's window is closed: it asks for a window, and is no keep-alive. */
static void probe_window(pass *t)
{
    if (t->x->window_probe)
        pass_sent_again(t);
    t->x->window_probe = true;
    t->x->asked_at = t->now;
}

static void probe(pass *t)
{
    tl_connection *c = t->c;

    pass_raise(t, TL_EVENT_KEEPALIVE_PROBE, 0);
    c->keepalives++;
    if (t->x->probes > 0)
        c->unanswered++;
    if (t->x->probes < UINT16_MAX)
        t->x->probes++;
    t->x->asked_at = t->now;
}

static void answer_probe(pass *t)
{
    if (t->y->probes > 0 && t->s->length == 0 && !(t->s->flags & TL_FIN))
        pass_raise(t, TL_EVENT_KEEPALIVE_ANSWER, 0);
    t->y->probes = 0;
}

/* ---- Data ---- */

static void new_data_after_fin(pass *t, uint32_t from, uint32_t bytes)
{
    tl_connection *c = t->c;
    tl_end *x = t->x;

    x->late_data = true;
    if (!t->y->fin_acked) {
        if (!c->raced) {
            c->raced = true;
            c->race_from = from;
            pass_raise(t, TL_EVENT_CLOSE_DATA_AFTER_PEER_FIN, 0);
        }
        c->race_to = from + bytes;
        return;
    }
    c->half_close_bytes += bytes;
    if (!c->half_close_data)
        pass_raise(t, TL_EVENT_CLOSE_HALF_CLOSED_DATA, 0);
    c->half_close_data = true;
}

/* Its own FIN says that there is no such data: it is counted, and nothing else. */
static void take_data_beyond_fin(pass *t, uint32_t end)
{
    tl_end *x = t->x;

    pass_raise(t, TL_EVENT_CLOSE_DATA_AFTER_OWN_FIN, 0);
    if (!seq_before(x->beyond, end))
        return;
    x->bytes += end - x->beyond;
    x->beyond = end;
}

static void take_data(pass *t)
{
    tl_end *x = t->x;
    const uint32_t end = t->s->seq + t->s->length;

    if (x->has_fin && seq_before(x->nxt - 1, end)) {
        take_data_beyond_fin(t, end);
        return;
    }
    t->c->content = t->now;
    if (!seq_before(x->nxt, end)) {
        pass_sent_again(t);
        return;
    }
    const uint32_t from = x->nxt;
    const uint32_t bytes = end - from;
    x->bytes += bytes;
    x->spoke = true;
    x->nxt = end;
    pass_asked(t);
    if (t->y->has_fin)
        new_data_after_fin(t, from, bytes);
}

/* ---- FIN ---- */

/* Its FIN had gone before it acknowledged the peer's, as the number of that ACK
 * tells; it was lost before us, and this is its repetition. The FINs crossed. */
static void cross_hidden_fin(pass *t)
{
    tl_end *x = t->x;

    pass_undo(t, x, TCP_ESTABLISHED);
    pass_sent(t, x, TCP_KIND_FIN);
    pass_sent(t, x, TCP_KIND_ACK_OF_FIN);
}

static void take_first_fin(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;

    const bool repeats_hidden = x->hid_fin && x->beyond == t->next && x->state == TCP_CLOSE_WAIT;

    if (seq_before(t->next - 1, x->nxt))
        return; /* it has sent beyond that number */
    x->has_fin = x->spoke = true;
    x->bytes += t->next - 1 - x->nxt; /* it comes before data that will follow, or that never passed */
    x->nxt = x->beyond = t->next;
    pass_asked(t);
    if (y->has_fin) {
        c->crossed = !y->fin_acked || repeats_hidden;
        c->merged = t->acked_fin;
        pass_decide_once(t, TL_STEP_FIN_2);
        pass_raise(t,
                   c->crossed  ? TL_EVENT_CLOSE_SIMULTANEOUS
                   : c->merged ? TL_EVENT_CLOSE_MERGED
                               : TL_EVENT_CLOSE_FOUR_WAY,
                   0);
    } else {
        c->fin_first = end_side(c, x);
        pass_decide_once(t, TL_STEP_FIN_1);
    }
    if (repeats_hidden)
        cross_hidden_fin(t);
    else
        pass_sent(t, x, TCP_KIND_FIN);
    if (y->has_told && y->told == x->nxt) { /* the capture has the ACK before the FIN */
        pass_decide(t, end_fin_ack_step(c, x), true);
        acknowledge_fin(t, y, x);
    }
}

/* The ACK of its FIN did not arrive, or it would not repeat it. */
static void undo_fin_ack(pass *t)
{
    tl_end *x = t->x;

    x->fin_acked = false;
    t->c->deciding.frame[end_fin_ack_step(t->c, x)] = 0;
    if (x->state == TCP_FIN_WAIT_2 || x->state == TCP_TIME_WAIT || x->state == TCP_CLOSED)
        pass_undo(t, x, x->undo_state);
}

static void take_repeated_fin(pass *t)
{
    const tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;

    pass_raise(t, TL_EVENT_CLOSE_FIN_RETRANSMITTED, 0);
    pass_sent_again(t);
    t->belongs = true;
    x->fin_repeated = true;
    if (x->fin_acked) {
        if (!x->ack_sure && !x->by_rst && pass_knew(t, c->deciding.time[end_fin_ack_step(c, x)]))
            undo_fin_ack(t);
    } else if (y->fin_acked && y->state == TCP_FIN_WAIT_1 && pass_knew(t, x->asked_at)) {
        pass_received(t, y, TCP_KIND_ACK_OF_FIN); /* so it had not got this FIN */
    }
}

static void take_fin(pass *t)
{
    t->c->content = t->now;
    if (t->y->has_fin && t->s->ack == t->y->nxt)
        t->x->acking_fin = true;
    else
        t->x->plain_fin = true;
    if (!t->x->has_fin)
        take_first_fin(t);
    else if (t->next == t->x->nxt)
        take_repeated_fin(t);
}

/* ---- Any segment with ACK and neither SYN nor RST ---- */

void pass_begin_midstream(pass *t)
{
    pass_guess_roles(t);
    t->x->state = t->y->state = TCP_ESTABLISHED;
    t->x->since = t->y->since = TL_NO_TIME;
    t->c->opened = true;
}

static void begin_numbers(pass *t)
{
    tl_end *x = t->x;
    const tl_end *y = t->y;

    if (x->has_nxt)
        return;
    x->has_nxt = true;
    x->nxt = x->in_order = x->has_isn ? x->isn + 1 : t->s->seq;
    if (!x->has_isn && y->has_told && seq_before(t->s->seq, y->told))
        x->nxt = x->in_order = y->told; /* repeats what had passed before the capture began */
}

/* Sent before the RST arrived: it moves nothing, but it was sent. */
static void count_in_flight(pass *t)
{
    tl_end *x = t->x;
    const uint32_t end = t->s->seq + t->s->length;

    if (t->next != t->s->seq)
        t->c->content = t->now;
    begin_numbers(t);
    if (x->has_fin || !seq_before(x->nxt, end))
        return;
    x->bytes += end - x->nxt;
    x->nxt = end;
}

void pass_on_ack(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x;

    if (!c->alive)
        pass_begin_midstream(t);
    if (x->by_rst && pass_fits(t))
        pass_disprove_reset(t);
    if (c->reset || x->by_rst) {
        if (pass_fits(t))
            count_in_flight(t);
        return;
    }
    if ((!c->opened && !pass_opening_ack(t)) || !pass_fits(t))
        return;

    pass_hear(t);
    begin_numbers(t);
    acknowledge(t);
    if (is_probe(t)) {
        if (t->y->window > 0)
            probe(t);
        else
            probe_window(t);
    } else {
        answer_probe(t);
        if (t->s->length > 0)
            take_data(t);
        if (t->s->flags & TL_FIN)
            take_fin(t);
    }
    if (seq_upto(t->s->seq, x->in_order) && seq_before(x->in_order, t->next))
        x->in_order = seq_before(x->nxt, t->next) ? x->nxt : t->next;
}
