/* lifecycle.c
 * A whole segment, and the phase of the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pass.h"
#include "sequence.h"

void tl_begin(tl_connection *c, uint32_t number, const tl_connection *before, tl_connection *older,
              const tl_segment *first, const tl_world *world)
{
    c->number = number;
    c->start = c->last = first->time;
    c->first_frame = first->frame;
    c->content = TL_NO_TIME;
    for (int i = 0; i < 2; i++)
        c->end[i] = (tl_end){.since = first->time, .rtt = NO_RTT, .asked_at = TL_NO_TIME};
    if (before) {
        tl_extras *extras = connection_own_extras(c, world);
        extras->older = older;
        extras->reuse = before->number;
        extras->reuse_phase = before->phase;
        extras->reuse_gap = first->time > before->last ? first->time - before->last : 0;
    }
    /* Until it speaks, who gets a SYN is assumed to listen. */
    if ((first->flags & (TL_SYN | TL_RST)) == TL_SYN)
        c->end[first->flags & TL_ACK ? first->side : !first->side].borrowed = true;
}

tl_connection *tl_older(const tl_connection *c)
{
    return connection_extras(c)->older;
}

/* ---- Phase ---- */

static bool has_answered(const tl_connection *c, int side)
{
    const tl_end *e = &c->end[side];

    return c->attempt.sent_syn_ack[side] || (!e->borrowed && e->state >= TCP_SYN_RECEIVED);
}

static tcp_state phase_of(const tl_connection *c)
{
    const tl_end *a = &c->end[0], *b = &c->end[1];

    if (c->orphan || claim_stands(c))
        return TCP_CLOSED;
    if (a->has_fin && b->has_fin) {
        if (a->fin_acked && b->fin_acked)
            return c->lapsed ? TCP_CLOSED : TCP_TIME_WAIT;
        return c->exchange->crossed ? TCP_CLOSING : TCP_LAST_ACK;
    }
    if (a->has_fin || b->has_fin)
        return a->fin_acked || b->fin_acked ? TCP_FIN_WAIT_2 : TCP_FIN_WAIT_1;
    if (c->opened)
        return TCP_ESTABLISHED;
    if (has_answered(c, 0) || has_answered(c, 1) || (a->sent_syn && b->sent_syn))
        return TCP_SYN_RECEIVED;
    return TCP_SYN_SENT;
}

bool tl_is_open(const tl_connection *c)
{
    return c->phase >= TCP_ESTABLISHED && c->phase != TCP_TIME_WAIT && !c->replaced;
}

bool tl_is_opening(const tl_connection *c)
{
    return (c->phase == TCP_SYN_SENT || c->phase == TCP_SYN_RECEIVED) && c->saw_syn && !c->replaced;
}

/* ---- Before the segment ---- */

static void lapse(pass *t, tl_end *e)
{
    if (e->state != TCP_TIME_WAIT)
        return;
    const unsigned said = t->r->transitions;

    pass_enter(t, e, TCP_CLOSED);
    if (t->r->transitions > said)
        t->r->transition[said].held = TL_NO_TIME; /* nothing tells when */
    e->ack_sure = true;
}

static void lapse_time_wait(pass *t)
{
    tl_connection *c = t->c;

    if (c->phase != TCP_TIME_WAIT || t->now - c->time_wait <= 2 * t->world->settings.msl)
        return;
    c->lapsed = true;
    lapse(t, t->x);
    lapse(t, t->y);
    c->phase = TCP_CLOSED;
}

/* An end that has not spoken here is shown in the state that it has in the older
 * connection, if that holds the ports still. */
static void borrow(const tl_connection *c, tl_end *e, int64_t now, int64_t msl)
{
    const tl_connection *older = tl_older(c);
    tcp_state state = TCP_LISTEN;
    int64_t since = c->start;

    if (older && !older->orphan) {
        const tl_end *there = &older->end[end_side(c, e)];
        const tcp_state shown = end_shown(older, there);
        const bool lapsed = shown == TCP_TIME_WAIT && now - older->time_wait > 2 * msl;
        if (shown != TCP_CLOSED && !lapsed) {
            state = shown;
            since = there->since < now ? there->since : now; /* their clocks may differ */
        }
    }
    if (e->state != state)
        end_begin(e, state, since);
}

static void begin_without_syn(pass *t)
{
    if (!(t->s->flags & TL_RST) && t->s->flags & TL_ACK && !t->c->saw_syn)
        pass_raise(t, TL_EVENT_MIDSTREAM, 0); /* a RST needs no connection: it may be all there ever was */
    pass_raise_reuse(t);
}

/* ---- The segment ---- */

static void follow(pass *t)
{
    tl_connection *c = t->c;

    switch (t->s->flags & (TL_SYN | TL_RST | TL_ACK)) {
    case TL_SYN:
        pass_on_syn(t);
        break;
    case TL_SYN | TL_ACK:
        pass_on_syn_ack(t);
        break;
    case TL_ACK:
        pass_on_ack(t);
        break;
    case 0: /* every segment of a connection has an ACK (RFC 9293, 3.10.7.4, fifth) */
        if (t->next != t->s->seq)
            c->content = t->now;
        if (c->alive)
            break;
        c->orphan = true;
        pass_guess_roles(t);
        break;
    default:
        pass_on_rst(t);
        break;
    }
}

/* ---- The short way ---- */

/* How far the end has come is known for certain. */
static bool is_settled(const tl_end *e)
{
    const tl_gaps *g = e->gaps;

    return !g || !(g->has_claim || g->has_jump);
}

/* Both ends can send. */
static bool are_windows_open(const pass *t)
{
    const int64_t *closed_since = connection_extras(t->c)->windows.since;

    return t->s->window > 0 && t->y->window > 0 && closed_since[0] == TL_NO_TIME &&
           closed_since[1] == TL_NO_TIME;
}

/* Most segments are data, or the ACK of some, of a connection that is open and in which nothing else goes on:
 * they move nothing and prove nothing. */
static bool is_plain(const pass *t)
{
    return (t->s->flags & (TL_SYN | TL_FIN | TL_RST | TL_ACK)) == TL_ACK && t->c->phase == TCP_ESTABLISHED &&
           !t->newer && !t->c->claim && t->x->has_nxt && t->x->has_told && t->y->probes == 0 &&
           !t->s->has_sack && are_windows_open(t) && is_settled(t->x) && is_settled(t->y) &&
           pass_is_expected(t);
}

/* What follow_any() does with such a segment, for a third of the work: the fuzzer holds this to that. The phase
 * stays. */
static void follow_plain(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x, *y = t->y;

    c->talked = true;
    end_hear(x, t->s);
    x->told = seq_max(x->told, t->s->ack);
    pass_answer(t);
    if (pass_is_awaited(t))
        pass_measure_round_trip(t);
    y->isn_acked = y->has_isn;
    if (pass_is_synchronized_talk(t))
        x->confirmed = true;
    if (t->s->length == 0)
        return;
    c->content = t->now;
    x->nxt = t->next;
    x->bytes += t->s->length;
    x->spoke = true;
    pass_asked(t);
}

/* ---- After the segment ---- */

static bool is_guessed(const tl_connection *c)
{
    const tl_end *a = &c->end[0], *b = &c->end[1];

    if (c->saw_syn || c->orphan || (claim_stands(c) && c->claim->sure))
        return false;
    if (a->has_isn) /* a SYN/ACK told both */
        return !c->opened;
    return !a->spoke || !b->spoke;
}

/* What holds now. */
static void report_now(const tl_connection *c, uint8_t sender, tl_report *r)
{
    r->phase = c->phase;
    r->has_states = !c->orphan;
    for (int i = 0; i < 2; i++)
        r->state[end_role(c, &c->end[i])] = end_shown(c, &c->end[i]);
    r->sender = end_role(c, &c->end[sender]);
    r->guessed = is_guessed(c);
    r->role_guessed = c->role_guessed;
}

static void report(pass *t)
{
    const tl_connection *c = t->c;
    tl_report *r = t->r;

    report_now(c, t->s->side, r);
    r->late = c->replaced || (c->alive && phase_is_over(t->before) && phase_is_over(c->phase) && !t->belongs);
}

static void prepare(tl_report *r)
{
    memset(r, 0, offsetof(tl_report, transition)); /* the lists behind have counts */
    r->idle = r->idle_before = TL_NO_TIME;
}

static void follow_any(pass *t)
{
    tl_connection *c = t->c;

    for (int i = 0; i < 2; i++) {
        if (c->end[i].borrowed)
            borrow(c, &c->end[i], t->now, t->world->settings.msl);
    }
    if (c->alive)
        lapse_time_wait(t);
    else if ((t->s->flags & (TL_SYN | TL_RST | TL_ACK)) != TL_SYN)
        begin_without_syn(t);
    if (!(t->s->flags & TL_RST))
        pass_check_claim(t);
    t->hidden = claim_stands(c) || c->replaced;
    if (c->claim)
        c->claim->challenged = false; /* something follows it */
    follow(t);
    const tcp_state phase = phase_of(c);
    c->phase = c->replaced ? c->claim->frozen_phase : (uint8_t)phase;
    if (!phase_is_over(phase))
        c->late_rst = false; /* what it came after was no end */
}

void tl_follow(tl_connection *c, tl_connection *newer, const tl_segment *s, const tl_world *world,
               tl_report *r)
{
    pass t = {
        .c = c,
        .newer = newer,
        .s = s,
        .world = world,
        .r = r,
        .x = &c->end[s->side],
        .y = &c->end[!s->side],
        .now = s->time > c->last ? s->time : c->last,
        .next = segment_end(s),
        .before = c->phase,
        .content = c->content,
    };

    prepare(r);
    if (is_plain(&t) && !world->thorough)
        follow_plain(&t);
    else
        follow_any(&t);
    pass_remember(&t);
    c->last = t.now;
    report(&t);
    c->last_frame = s->frame;
    c->alive = true;
}

void tl_replace(tl_connection *c, uint32_t frame, const tl_world *world)
{
    tl_claim *claim = connection_claim(c, world);

    for (int i = 0; i < 2; i++) {
        claim->frozen[i] = (uint8_t)end_shown(c, &c->end[i]);
        claim->frozen_since[i] = c->end[i].since;
    }
    claim->frozen_phase = c->phase;
    claim->replaced_at = frame;
    c->replaced = true;
    c->goes_on = 0;
}

void tl_restore(tl_connection *c, const tl_segment *s, tl_report *r)
{
    pass t = {.c = c, .s = s, .r = r, .now = c->last};

    c->replaced = false;
    c->phase = (uint8_t)phase_of(c);
    for (int role = TL_CLIENT; role < TL_ROLE_COUNT; role++) {
        const uint8_t side = role == TL_CLIENT ? c->client : !c->client;
        const tl_end *e = &c->end[side];
        pass_say_way(&t, e, (tcp_state)c->claim->frozen[side], end_shown(c, e), c->claim->frozen_since[side]);
    }
    report_now(c, s->side, r);
    r->late = c->phase == TCP_CLOSED; /* by a RST that passed meanwhile */
}

void tl_follow_copy(tl_connection *c, const tl_segment *s, uint32_t original, const tl_world *world,
                    tl_report *r)
{
    prepare(r);
    if (s->time > c->last)
        c->last = s->time;
    c->last_frame = s->frame;
    connection_own_extras(c, world)->copies++;
    report_now(c, s->side, r);
    r->copy_of = original;
}

bool tl_reject(tl_connection *c, const tl_rejection *rejection, const tl_world *world, tl_report *r)
{
    const tl_segment quoted = {.frame = rejection->frame, .seq = rejection->seq, .side = rejection->side};
    pass t = {
        .c = c,
        .s = &quoted,
        .world = world,
        .r = r,
        .x = &c->end[rejection->side],
        .y = &c->end[!rejection->side],
        .now = rejection->time > c->last ? rejection->time : c->last,
    };

    prepare(r);
    if (c->replaced || c->phase != TCP_SYN_SENT || end_shown(c, t.x) != TCP_SYN_SENT || !t.x->has_isn ||
        t.x->isn != rejection->seq)
        return false;
    pass_reject(&t, rejection->error);
    c->phase = (uint8_t)phase_of(c);
    return true;
}
