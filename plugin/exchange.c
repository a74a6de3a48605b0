/* exchange.c
 * The connection between its SYNs and its FINs and RSTs: ACKs, keep-alives, data.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* ---- ACKs ---- */

/* x does not acknowledge the FIN although it has had the time: no plain copy came. */
static void disprove_plain_fin(pass *t)
{
    const tl_connection *c = t->c;
    tl_end *y = t->y;

    if (y->plain_fin && !y->fin_acked && t->s->ack != y->nxt &&
        pass_knew(t, tl_ns(c->exchange->fin[end_side(c, y)].time)))
        y->plain_fin = false;
}

static void acknowledge(pass *t)
{
    tl_end *x = t->x, *y = t->y;

    if (y->has_fin)
        disprove_plain_fin(t);
    pass_take_ack_number(t);
    pass_take_sack(t);
    pass_answer(t);
    pass_measure_round_trip(t);
    if (y->has_isn && !y->isn_acked)
        y->isn_acked = t->acked_isn = true;
    pass_received(t, y, TCP_KIND_ACK_OF_SYN);
    if (end_is_synchronized(x) && (pass_is_synchronized_talk(t) || (t->s->flags & TL_FIN)))
        x->confirmed = true;
    pass_complete_opening(t);
    pass_take_fins_of_syns(t);
    pass_acknowledge_fin(t);
}

/* ---- Keep-alive ---- */

/* 0 or 1 byte just before what is next, everything acknowledged: a probe. */
static bool is_probe(const pass *t)
{
    const tl_end *x = t->x;

    return t->s->length <= 1 && !(t->s->flags & TL_FIN) && t->c->opened && x->has_nxt &&
           t->s->seq == x->nxt - 1 && end_is_all_acked(x, t->y) && t->y->heard;
}

/* The same when the peer's window is closed: it asks for a window, and is no keep-alive. */
static void probe_window(pass *t)
{
    if (t->x->window_probe)
        pass_sent_again(t);
    pass_note_window_probe(t);
    t->x->window_probe = true;
    pass_probed(t);
}

static void probe(pass *t)
{
    tl_extras *extras = pass_extras(t);

    t->is_probe = true;
    pass_raise(t, TL_EVENT_KEEPALIVE_PROBE, 0);
    extras->keepalives++;
    if (t->x->probes > 0)
        extras->unanswered++;
    if (t->x->probes < UINT16_MAX)
        t->x->probes++;
    pass_probed(t);
}

static void answer_probe(pass *t)
{
    if (t->y->probes > 0 && t->s->length == 0 && !(t->s->flags & TL_FIN))
        pass_raise(t, TL_EVENT_KEEPALIVE_ANSWER, 0);
    t->y->probes = 0;
    if (end_is_all_acked(t->y, t->x))
        t->y->asked_at = TL_NO_TIME;
}

/* ---- Data ---- */

/* A byte for a peer whose window is closed asks for a window (RFC 9293, 3.8.6.1). So does a whole segment
 * that is sent again, as Linux does with what was on its way when the window closed. */
static bool asks_for_window(const pass *t, uint32_t fresh)
{
    return (t->s->length == 1 || fresh == 0) && t->y->heard && t->y->window == 0;
}

static void take_data(pass *t)
{
    tl_end *x = t->x;
    const uint32_t end = t->s->seq + t->s->length;

    if (x->has_fin && seq_before(x->nxt - 1, end)) {
        pass_take_data_beyond_fin(t, end);
        return;
    }
    t->c->content = t->now;
    uint32_t again;
    const uint32_t fresh = pass_take_numbers(t, t->s->seq, end, &again);
    pass_exchange(t);
    if (again > 0)
        pass_extras(t)->retransmitted[t->s->side] += again;
    if (asks_for_window(t, fresh)) {
        probe_window(t);
    } else {
        pass_note_window_probe(t);
        if (again > 0) {
            pass_sent_again(t);
            x->data_again = x->has_fin;
        }
    }
    if (fresh == 0)
        return;
    x->spoke = true;
    if (end != x->nxt) /* it filled a hole */
        pass_doubt_timed(t);
    pass_asked(t);
    if (t->y->has_fin)
        pass_take_data_after_fin(t, end - fresh, fresh);
}

/* ---- Any segment with ACK and neither SYN nor RST ---- */

void pass_begin_midstream(pass *t)
{
    tl_connection *c = t->c;

    if (!c->alive)
        pass_guess_roles(t);
    c->orphan = false;
    for (int i = 0; i < 2; i++) {
        c->end[i].borrowed = false;
        end_begin(&c->end[i], TCP_ESTABLISHED, TL_NO_TIME);
    }
    c->opened = true;
    pass_exchange(t);
}

static void begin_numbers(pass *t)
{
    tl_end *x = t->x;
    const tl_end *y = t->y;

    if (x->has_nxt)
        return;
    x->has_nxt = true;
    x->nxt = x->has_isn ? x->isn + 1 : t->s->seq;
    if (!x->has_isn && y->has_told &&
        seq_before(t->s->seq, y->told)) { /* what had passed before the capture began */
        x->nxt = y->told;
        if (t->s->flags & TL_FIN && t->next == y->told)
            x->nxt--; /* its FIN as well */
    }
}

/* The sender says nothing new, or has had the time to answer the newer connection's SYN. */
static bool may_answer(const pass *t, const tl_connection *newer)
{
    const tl_end *x = t->x;

    return !x->has_told || t->s->ack == x->told ||
           (x->rtt != NO_RTT && t->now - tl_ns(newer->syn.time) >= (int64_t)x->rtt * 1000);
}

/* An end that holds the ports for an older connection answers a SYN with a bare ACK of
 * that: it belongs here, and says something of the newer one (RFC 9293, 3.5.1). */
static void answer_newer_syn(pass *t)
{
    tl_connection *newer = t->newer;

    if (!newer || newer->phase != TCP_SYN_SENT || t->s->side == newer->client || t->next != t->s->seq ||
        !may_answer(t, newer))
        return;
    if (!newer->attempt.answered_by_ack)
        pass_raise(t, TL_EVENT_OPEN_ACK_INSTEAD, 0);
    newer->attempt.answered_by_ack = true;
}

void pass_on_ack(pass *t)
{
    const tl_connection *c = t->c;

    if (!c->alive || c->orphan)
        pass_begin_midstream(t);
    if ((!c->opened && !pass_opening_ack(t)) || !pass_fits(t)) {
        if (t->s->flags & TL_FIN)
            pass_say_misplaced_fin(t);
        else if (!t->x->borrowed && t->x->state == TCP_SYN_RECEIVED && pass_has_numbers_of(t))
            answer_newer_syn(t);
        return;
    }
    if (!(t->s->flags & TL_FIN))
        t->c->talked = true;
    answer_newer_syn(t);
    pass_hear(t);
    begin_numbers(t);
    pass_note_hidden_fin(t);
    pass_reach_sequence_number(t);
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
            pass_take_fin(t);
    }
}
