/* lifecycle.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pass.h"

const char *tl_step_name(tl_step step)
{
    static const char *const names[TL_STEP_COUNT] = {
#define X(id, name) name,
        TL_STEPS(X)
#undef X
    };
    return names[step];
}

const char *tl_verdict_name(tl_verdict verdict)
{
    static const char *const names[] = {NULL, "accepted", "challenged", "ignored", "unknown"};
    return names[verdict];
}

/* ---- Beginning ---- */

void tl_begin(tl_connection *c, uint32_t stream, const tl_connection *before, const tl_segment *first)
{
    *c = (tl_connection){
        .stream = stream,
        .reuse_stream = TL_NO_STREAM,
        .reuse_gap = TL_NO_TIME,
        .stream_start = first->time,
        .last = first->time,
        .content = TL_NO_TIME,
    };
    for (int i = 0; i < 2; i++) {
        c->end[i] = (tl_end){.since = first->time, .rtt = NO_RTT, .last = TL_NO_TIME, .asked_at = TL_NO_TIME};
    }
    if (before) {
        c->reuse_stream = before->stream;
        c->reuse_phase = before->phase;
        c->reuse_gap = first->time > before->last ? first->time - before->last : 0;
    }
}

bool tl_continues(const tl_connection *before, const tl_segment *first, uint8_t side)
{
    const tl_end *opener = &before->end[!side];

    return (first->flags & (TL_SYN | TL_ACK | TL_RST)) == (TL_SYN | TL_ACK) && opener->sent_syn &&
           opener->has_isn && first->ack == opener->isn + 1;
}

bool tl_resumes(const tl_connection *c, uint8_t side, const tl_connection *before, uint8_t side_before,
                const tl_segment *segment)
{
    const tl_end *opener = &c->end[side];
    const tl_segment s = *segment;
    /* Only asked for its numbers: nothing is changed. */
    const pass t = {
        .c = (tl_connection *)before,
        .s = &s,
        .x = (tl_end *)&before->end[side_before],
        .y = (tl_end *)&before->end[!side_before],
        .next = s.seq + s.length + (s.flags & TL_FIN ? 1 : 0),
    };

    return (s.flags & (TL_SYN | TL_RST | TL_ACK)) == TL_ACK && opener->state == TCP_SYN_SENT &&
           c->phase == TCP_SYN_SENT && s.seq != opener->isn + 1 && !phase_is_over(before->phase) &&
           pass_has_numbers_of(&t);
}

void tl_join(const tl_connection *c, const tl_connection *before, bool same_sides, tl_transition joint[2])
{
    for (unsigned side = 0; side < 2; side++) {
        const tl_end *e = &before->end[side];
        const tl_role role = end_role(before, e);

        joint[role] = (tl_transition){
            .role = role,
            .from = c->end[same_sides ? side : !side].state,
            .to = e->state,
            .undone = true,
            .held = TL_NO_TIME,
        };
    }
}

/* ---- A whole segment ---- */

static tcp_state phase_of(const tl_connection *c)
{
    const tl_end *a = &c->end[0], *b = &c->end[1];

    if (c->reset || c->rejected)
        return TCP_CLOSED;
    if (a->has_fin && b->has_fin) {
        if (a->fin_acked && b->fin_acked)
            return c->lapsed ? TCP_CLOSED : TCP_TIME_WAIT;
        return c->crossed ? TCP_CLOSING : TCP_LAST_ACK;
    }
    if (a->has_fin || b->has_fin)
        return a->fin_acked || b->fin_acked ? TCP_FIN_WAIT_2 : TCP_FIN_WAIT_1;
    if (c->opened)
        return TCP_ESTABLISHED;
    if (a->sent_syn_ack || b->sent_syn_ack || (a->sent_syn && b->sent_syn))
        return TCP_SYN_RECEIVED;
    return TCP_SYN_SENT;
}

static void lapse(pass *t, tl_end *e)
{
    if (e->state != TCP_TIME_WAIT)
        return;
    pass_enter(t, e, TCP_CLOSED);
    t->r->transition[t->r->transitions - 1].held = TL_NO_TIME; /* nothing tells when */
    e->ack_sure = true;
}

static void lapse_time_wait(pass *t)
{
    tl_connection *c = t->c;

    if (c->phase != TCP_TIME_WAIT || t->now - c->time_wait <= 2 * t->settings->msl)
        return;
    c->lapsed = true;
    lapse(t, t->x);
    lapse(t, t->y);
    c->phase = TCP_CLOSED;
}

static void begin_without_syn(pass *t)
{
    if (!(t->s->flags & TL_RST)) /* a RST needs no connection: it may be all there ever was */
        pass_raise(t, TL_EVENT_MIDSTREAM, 0);
    pass_raise_reuse(t);
}

static void follow(pass *t)
{
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
        if (!t->c->alive)
            pass_begin_midstream(t);
        break;
    default:
        pass_on_rst(t);
        break;
    }
}

static bool is_guessed(const tl_connection *c)
{
    const tl_end *a = &c->end[0], *b = &c->end[1];

    if (c->saw_syn || c->reset_sure)
        return false;
    if (a->has_isn && b->has_isn)
        return !c->opened;
    return !a->spoke || !b->spoke;
}

static void report(pass *t)
{
    const tl_connection *c = t->c;
    tl_report *r = t->r;

    r->phase = c->phase;
    for (int i = 0; i < 2; i++)
        r->state[end_role(c, &c->end[i])] = c->end[i].state;
    r->sender = end_role(c, t->x);
    r->guessed = is_guessed(c);
    r->role_guessed = c->role_guessed;
    r->late = c->alive && phase_is_over(t->before) && phase_is_over(c->phase) && !t->belongs;
}

void tl_follow(tl_connection *c, const tl_segment *s, const tl_settings *settings, tl_report *r)
{
    pass t = {
        .c = c,
        .s = s,
        .settings = settings,
        .r = r,
        .x = &c->end[s->side],
        .y = &c->end[!s->side],
        .now = s->time > c->last ? s->time : c->last,
        .next = s->seq + s->length + (s->flags & TL_FIN ? 1 : 0),
        .before = c->phase,
    };

    memset(r, 0, sizeof *r);
    r->idle = TL_NO_TIME;
    if (c->alive)
        lapse_time_wait(&t);
    else if ((s->flags & (TL_SYN | TL_RST | TL_ACK)) != TL_SYN)
        begin_without_syn(&t);
    follow(&t);

    c->phase = phase_of(c);
    c->last = t.now;
    report(&t);
    c->last_frame = s->frame;
    c->alive = true;
}

bool tl_reject(tl_connection *c, const tl_rejection *rejection, tl_report *r)
{
    const tl_segment quoted = {.frame = rejection->frame, .seq = rejection->seq, .side = rejection->side};
    pass t = {
        .c = c,
        .s = &quoted,
        .r = r,
        .x = &c->end[rejection->side],
        .y = &c->end[!rejection->side],
        .now = rejection->time > c->last ? rejection->time : c->last,
    };

    memset(r, 0, sizeof *r);
    r->idle = TL_NO_TIME;
    if (c->phase != TCP_SYN_SENT || t.x->state != TCP_SYN_SENT || t.x->isn != rejection->seq)
        return false;
    pass_reject(&t, rejection->error);
    c->phase = phase_of(c);
    return true;
}
