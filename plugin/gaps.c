/* gaps.c
 * What an end has sent, where it did not pass us byte after byte: it was lost, came in another order, or the
 * capture missed it.
 *
 *   hole    numbers below the highest that passed which have not passed
 *   claim   the peer's acknowledgment of more than passed: believed once the end sends at or beyond it,
 *           disbelieved if it sends new data or its FIN below it
 *   jump    a segment beyond every window, vouched for by its acknowledgment number alone: believed once the
 *           peer acknowledges as much, disbelieved if the end goes on below, or the peer does although it
 *           could know
 *   stray   a segment that fitted nothing: it counts once the peer acknowledges it; where that begins with the
 *           number which the stray acknowledged, each vouches for the other
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* A connection that began midstream may have had bytes in flight then, for this long (ns). */
#define MIDSTREAM_SETTLES INT64_C(1000000000)

tl_gaps *pass_gaps(const pass *t, tl_end *e)
{
    if (!e->gaps)
        e->gaps = t->world->allocate(sizeof *e->gaps);
    return e->gaps;
}

/* Holes that were acknowledged are none to the peer; they are kept, since what is in them may pass later. */
uint32_t end_in_order(const tl_end *e, const tl_end *peer)
{
    for (unsigned i = 0; e->gaps && i < e->gaps->holes.count; i++) {
        const seq_range *hole = &e->gaps->holes.hole[i];
        if (!peer->has_told || seq_before(peer->told, hole->to))
            return hole->from;
    }
    return e->nxt;
}

uint64_t end_unacked(const tl_end *e, const tl_end *peer)
{
    const uint32_t end = e->nxt - (e->has_fin ? 1 : 0);

    if (!e->has_nxt || (e->gaps && e->gaps->has_claim))
        return 0;
    if (!peer->has_told)
        return e->bytes;
    const uint32_t unacked = seq_before(peer->told, end) ? end - peer->told : 0;
    return unacked < e->bytes ? unacked : e->bytes; /* the rest had passed before the capture began */
}

uint64_t end_missing(const tl_end *e, const tl_end *peer)
{
    uint64_t missing = e->gaps ? e->gaps->missing : 0;

    if (e->gaps && peer->has_told)
        missing += seq_holes_below(&e->gaps->holes, peer->told);
    if (e->gaps && e->gaps->has_claim)
        missing += e->gaps->claimed - e->nxt;
    else if (!e->has_nxt && e->has_isn && peer->has_told)
        missing += peer->told - e->isn - 1;
    return missing;
}

/* Nothing of this end ever passed, or nothing while its peer went on acknowledging bytes of it that did not.
 * A SYN that went before the capture's beginning is not missing. */
static bool is_absent(const tl_connection *c, const tl_end *e, const tl_end *peer)
{
    if (e->has_nxt)
        return e->gaps && e->gaps->claims >= 2;
    return e->unseen || (c->saw_syn && e->has_isn && peer->has_told);
}

bool connection_is_one_sided(const tl_connection *c)
{
    return is_absent(c, &c->end[0], &c->end[1]) || is_absent(c, &c->end[1], &c->end[0]);
}

/* ---- What its sender shows ---- */

/* It has sent all below, whether that passed or not. */
static void skip_to(pass *t, tl_end *e, uint32_t number)
{
    tl_gaps *gaps = pass_gaps(t, e);

    gaps->missing += seq_holes_open(&gaps->holes, (seq_range){e->nxt, number});
    e->bytes += number - e->nxt;
    e->nxt = number;
}

static void settle_claim(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    tl_gaps *gaps = x->gaps;

    gaps->claims = 0;
    if (!gaps->has_claim)
        return;
    if (seq_upto(gaps->claimed, t->next)) {
        gaps->has_claim = false;
        y->told = seq_max(y->told, gaps->claimed);
        if (x->probes == 0 && seq_before(x->asked, gaps->claimed))
            x->asked_at = TL_NO_TIME;
    } else if (t->next != t->s->seq && seq_before(x->nxt, t->next)) {
        gaps->has_claim = false;
    }
}

/* All that was taken from the jump on is taken back. */
static void withdraw_jump(pass *t, tl_end *e)
{
    tl_gaps *gaps = e->gaps;

    gaps->has_jump = false;
    while (gaps->holes.count > 0 &&
           !seq_before(gaps->holes.hole[gaps->holes.count - 1].from, gaps->jump_from))
        gaps->holes.count--;
    if (e->has_fin)
        pass_withdraw_fin(t, e);
    e->nxt = gaps->jump_from;
    e->bytes = gaps->jump_bytes;
    if (!seq_before(e->asked, gaps->jump_from))
        e->asked_at = TL_NO_TIME;
}

/* The lowest number that is in one window with what the end jumped to. */
static uint32_t jump_floor(const pass *t, const tl_end *e)
{
    return e->gaps->jump_to - (uint32_t)end_reach(t->c, end_peer(t->c, e));
}

static void jump(pass *t)
{
    tl_end *x = t->x;
    tl_gaps *gaps = pass_gaps(t, x);

    if (!gaps->has_jump) {
        gaps->jump_from = x->nxt;
        gaps->jump_bytes = x->bytes;
    }
    gaps->has_jump = true;
    gaps->jump_to = t->s->seq;
    gaps->jumped = t->now;
}

void pass_reach_sequence_number(pass *t)
{
    tl_end *x = t->x;

    if (x->gaps) {
        settle_claim(t);
        if (x->gaps->has_jump && t->next != t->s->seq && seq_before(x->gaps->jump_from, t->next) &&
            seq_upto(t->next, jump_floor(t, x)))
            withdraw_jump(t, x);
    }
    if (x->has_fin || !seq_before(end_edge(x), t->s->seq))
        return;
    if (t->vouched)
        jump(t);
    skip_to(t, x, t->s->seq);
}

uint32_t pass_take_numbers(pass *t, uint32_t from, uint32_t to, uint32_t *again)
{
    tl_end *x = t->x;
    if (seq_before(x->nxt, from)) /* behind a FIN in its SYN that nobody took */
        skip_to(t, x, from);
    const uint32_t fresh = seq_before(x->nxt, to) ? to - x->nxt : 0;
    uint32_t filled = 0, forgotten = 0;

    if (x->gaps)
        filled = seq_holes_fill(&x->gaps->holes, (seq_range){from, to}, &forgotten);
    if (forgotten > 0)
        x->gaps->missing += forgotten;
    x->nxt += fresh;
    x->bytes += fresh;
    *again = to - from - fresh - filled;
    return fresh + filled;
}

/* ---- What its peer shows ---- */

static void tell(tl_end *x, uint32_t ack)
{
    x->told = x->has_told ? seq_max(x->told, ack) : ack;
    x->has_told = true;
}

static void claim(pass *t, uint32_t ack)
{
    tl_end *x = t->x, *y = t->y;
    tl_gaps *gaps = pass_gaps(t, y);

    if (!x->has_told)
        tell(x, y->has_isn ? y->isn + 1 : y->nxt);
    if (gaps->has_claim && !seq_before(gaps->claimed, ack))
        return;
    gaps->claimed = ack;
    gaps->has_claim = true;
    pass_missed_answer(t, y);
    if (gaps->claims < UINT8_MAX)
        gaps->claims++;
}

/* A segment that fitted nothing is acknowledged, and so it does. */
static void take_stray(pass *t)
{
    tl_end *y = t->y;
    tl_gaps *gaps = y->gaps;

    gaps->has_stray = false;
    if (!y->has_nxt)
        y->nxt = gaps->stray.from;
    y->has_nxt = true;
    if (seq_before(y->nxt, gaps->stray.from))
        skip_to(t, y, gaps->stray.from);
    y->bytes += gaps->stray.to - gaps->stray_fin - y->nxt;
    y->nxt = gaps->stray.to - gaps->stray_fin;
    if (gaps->stray_fin)
        pass_take_fin_of(t, y, gaps->strayed);
}

void pass_take_ack_number(pass *t)
{
    tl_end *x = t->x, *y = t->y;
    const uint32_t ack = t->s->ack;

    if (y->gaps && y->gaps->has_stray && ack == y->gaps->stray.to && y->state >= TCP_SYN_RECEIVED &&
        !(y->has_nxt && seq_upto(ack, y->nxt)))
        take_stray(t);
    if (y->gaps && y->gaps->has_jump) {
        if (seq_upto(jump_floor(t, y), ack))
            y->gaps->has_jump = false;
        else if (pass_knew(t, y->gaps->jumped))
            withdraw_jump(t, y);
    }
    if (y->has_nxt && seq_before(end_edge(y), ack)) {
        if (y->has_isn || t->now - t->c->start >= MIDSTREAM_SETTLES) {
            claim(t, ack);
            return;
        }
        y->nxt = ack; /* was in flight when the capture began */
    }
    if (!y->has_nxt && x->has_told && seq_before(x->told, ack))
        y->unseen = true;
    tell(x, ack);
}

void pass_take_sack(pass *t)
{
    if (!t->s->has_sack)
        return;
    tl_gaps *gaps = pass_gaps(t, t->y);
    gaps->sacked = t->s->sack;
    gaps->has_sack = true;
}

void pass_note_stray(pass *t)
{
    tl_gaps *gaps = pass_gaps(t, t->x);

    gaps->has_stray = true;
    gaps->stray = (seq_range){t->s->seq, t->next};
    gaps->stray_ack = t->s->ack;
    gaps->stray_fin = t->s->flags & TL_FIN;
    gaps->strayed = pass_moment(t);
}
