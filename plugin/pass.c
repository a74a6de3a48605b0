/* pass.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"

#include "sequence.h"

/* Without a measured round trip, what is in flight is gone after this. */
#define FLIGHT_UNKNOWN INT64_C(50000000)
/* Added to one and a half of the round trip. */
#define FLIGHT_MARGIN INT64_C(4000000)

/* ---- Saying what happens ---- */

tl_raised *pass_raise(pass *t, tl_event event, uint32_t number)
{
    static tl_raised unsaid;
    tl_report *r = t->r;
    tl_raised *raised = !t->hidden && r->raised < TL_MAX_RAISED ? &r->event[r->raised++] : &unsaid;

    *raised = (tl_raised){.event = event, .number = number};
    return raised;
}

void pass_step(pass *t, tl_step step)
{
    if (!t->hidden)
        t->r->steps |= (uint16_t)(1u << step);
}

void pass_step_once(pass *t, tl_step step)
{
    const uint16_t bit = (uint16_t)(1u << step);

    if (t->c->stepped & bit)
        return;
    t->c->stepped |= bit;
    pass_step(t, step);
}

tl_moment pass_moment(const pass *t)
{
    return (tl_moment){.time = t->now, .frame = t->s->frame};
}

/* ---- Round trips between us and an end ---- */

/* Something that has to be acknowledged passes towards y. One segment is timed at
 * a time, in either direction. */
static void time_answer(pass *t)
{
    tl_connection *c = t->c;

    if (c->timing)
        return;
    c->timing = true;
    c->timed_side = end_side(c, t->y);
    c->timed = t->next;
    c->timed_at = t->now;
}

/* If the segment was sent again meanwhile, nobody knows which copy is answered
 * (RFC 6298, 3); from the first one on the time is at worst too long, and only
 * the shortest is kept. */
void pass_measure_round_trip(pass *t)
{
    tl_connection *c = t->c;
    const int64_t us = (t->now - c->timed_at) / 1000;

    if (!c->timing || c->timed_side != t->s->side || !seq_upto(c->timed, t->s->ack))
        return;
    c->timing = false;
    if (us < t->x->rtt)
        t->x->rtt = (uint32_t)us;
}

bool pass_knew(const pass *t, int64_t then)
{
    const int64_t rtt = t->x->rtt;
    const int64_t flight = t->x->rtt == NO_RTT ? FLIGHT_UNKNOWN : rtt * 1500 + FLIGHT_MARGIN;

    return t->now - then > flight;
}

void pass_sent_again(pass *t)
{
    if (t->x->repeats < UINT16_MAX)
        t->x->repeats++;
}

void pass_asked(pass *t)
{
    t->x->asked_at = t->now;
    time_answer(t);
}

void pass_hear(pass *t)
{
    tl_end *x = t->x;

    x->last = t->now;
    x->ttl = t->s->ttl;
    x->has_ttl = t->s->has_ttl;
    x->window = t->s->window;
    if (x->window > x->widest)
        x->widest = x->window;
    t->y->repeats = 0;
    t->y->window_probe = false;
}

/* ---- What else they share ---- */

void pass_guess_roles(pass *t)
{
    const uint8_t sender = t->s->side;

    t->c->client = t->s->lower_port ? !sender : sender;
    t->c->role_guessed = true;
}

tl_exchange *pass_exchange(pass *t)
{
    if (!t->c->exchange)
        t->c->exchange = t->world->allocate(sizeof *t->c->exchange);
    return t->c->exchange;
}
