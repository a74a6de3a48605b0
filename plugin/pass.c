/* pass.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"

#include <assert.h>
#include <string.h>

#include "sequence.h"

/* Without a measured round trip, what is in flight is gone after this. */
#define FLIGHT_UNKNOWN INT64_C(50000000)
/* Added to one and a half of the round trip. */
#define FLIGHT_MARGIN INT64_C(4000000)

/* ---- Saying what happens ---- */

static_assert(TL_MARK_COUNT <= 8, "marks are the bits of a byte");

static void mark(tl_end *x, tl_event event)
{
    switch (event) {
#define X(id, name)                                \
    case TL_EVENT_##id:                            \
        x->marks |= (uint8_t)(1u << TL_MARK_##id); \
        break;
        TL_MARKS(X)
#undef X
    default:
        break;
    }
}

tl_raised *pass_raise(pass *t, tl_event event, uint32_t number)
{
    static tl_raised unsaid;
    tl_report *r = t->r;
    tl_raised *raised = !t->hidden && r->raised < TL_MAX_RAISED ? &r->event[r->raised++] : &unsaid;

    *raised = (tl_raised){.event = event, .number = number};
    if (!t->hidden)
        mark(t->x, event);
    return raised;
}

void pass_step(pass *t, tl_step step)
{
    if (!t->hidden)
        t->r->steps |= (uint16_t)(1u << step);
}

void pass_step_once(pass *t, tl_step step)
{
    const uint8_t bit = (uint8_t)(1u << step);

    if (t->c->stepped & bit)
        return;
    t->c->stepped |= bit;
    pass_step(t, step);
}

tl_moment pass_moment(const pass *t)
{
    return (tl_moment){.frame = t->s->frame, .time = tl_time_of(t->now)};
}

/* ---- Round trips between us and an end ---- */

void pass_doubt_timed(pass *t)
{
    tl_connection *c = t->c;

    if (c->timing && c->timed_side == end_side(c, t->y) && seq_before(t->s->seq, c->timed))
        c->timed_twice = true;
}

/* Something that has to be answered passes towards y. One segment is timed at a time, in either direction.
 * The answer to a probe acknowledges nothing new. */
static void time_answer(pass *t, bool is_probe)
{
    tl_connection *c = t->c;

    if (c->timing)
        return;
    c->timing = true;
    c->timed_twice = false;
    c->timed_side = end_side(c, t->y);
    c->timed_probe = is_probe;
    c->timed = is_probe ? t->x->nxt : t->next;
    c->timed_at = t->now;
}

void pass_missed_answer(const pass *t, const tl_end *e)
{
    if (t->c->timed_side == end_side(t->c, e))
        t->c->timing = false;
}

static uint16_t pack_trip(uint32_t us)
{
    unsigned power = 0;

    while (us > 0xfff && power < 0xf) {
        us = us / 2 + us % 2;
        power++;
    }
    return (uint16_t)(power << 12 | (us > 0xfff ? 0xfff : us));
}

static uint32_t unpack_trip(uint16_t trip)
{
    return (uint32_t)(trip & 0xfff) << (trip >> 12);
}

static void note_trip(tl_exchange *exchange, uint8_t side, uint32_t us)
{
    uint8_t *next = &exchange->next_trip[side];

    exchange->trips[side][*next] = pack_trip(us);
    *next = (*next + 1) % TL_TRIPS;
}

/* What crosses a probe does not answer it. */
static bool is_answer(const pass *t)
{
    const tl_connection *c = t->c;

    if (!pass_is_awaited(t) || !seq_upto(c->timed, t->s->ack))
        return false;
    return !c->timed_probe || (t->next == t->s->seq && t->s->seq == t->x->nxt && !t->opens);
}

/* What is in doubt is at worst too long: for the guards better than nothing, and forgotten when the next trip is
 * seen. */
static bool is_better(const tl_end *e, bool is_doubtful)
{
    return !is_doubtful || e->rtt == NO_RTT || e->rtt_is_bound;
}

static void forget_bounds(const pass *t)
{
    if (t->x->rtt_is_bound && t->c->exchange)
        memset(t->c->exchange->trips[t->s->side], 0, sizeof t->c->exchange->trips[0]);
}

void pass_measure_round_trip(pass *t)
{
    tl_connection *c = t->c;
    tl_end *x = t->x;
    const int64_t lasted = (t->now - c->timed_at) / 1000;

    if (!is_answer(t))
        return;
    const uint32_t us = lasted < NO_RTT ? (uint32_t)lasted : NO_RTT;
    c->timing = false;
    if (!is_better(x, c->timed_twice))
        return;
    forget_bounds(t);
    if (us < x->rtt || (x->rtt_is_bound && !c->timed_twice))
        x->rtt = us;
    x->rtt_is_bound = c->timed_twice;
    if (c->exchange)
        note_trip(c->exchange, t->s->side, us);
}

/* The longest of the last round trips to this end, in microseconds; NO_RTT: none was seen. */
static uint32_t longest_trip(const pass *t, const tl_end *e)
{
    const tl_exchange *exchange = t->c->exchange;
    uint32_t longest = 0;

    for (int i = 0; exchange && i < TL_TRIPS; i++) {
        const uint32_t trip = unpack_trip(exchange->trips[end_side(t->c, e)][i]);
        if (trip > longest)
            longest = trip;
    }
    return longest > 0 ? longest : e->rtt;
}

int64_t pass_flight(const pass *t, const tl_end *e)
{
    const uint32_t trip = longest_trip(t, e);

    return trip == NO_RTT ? TL_NO_TIME : (int64_t)trip * 1500;
}

bool pass_had_time(const pass *t, const tl_end *e, int64_t then)
{
    const int64_t flight = pass_flight(t, e);

    return t->now - then > (flight == TL_NO_TIME ? FLIGHT_UNKNOWN : flight + FLIGHT_MARGIN);
}

bool pass_knew(const pass *t, int64_t then)
{
    return pass_had_time(t, t->x, then);
}

void pass_sent_again(pass *t)
{
    tl_end *x = t->x;
    const bool is_later = seq_before(x->asked, t->s->seq);
    const bool is_first = t->s->seq == x->asked || (!is_later && seq_before(x->asked, t->next));

    pass_doubt_timed(t);
    if (x->asked_at == TL_NO_TIME)
        return;
    if (is_first && x->repeats < UINT16_MAX)
        x->repeats++;
    else if (is_later && x->repeats == 0)
        x->repeats = 1;
}

static void ask(pass *t, bool is_probe)
{
    tl_end *x = t->x;

    if (x->asked_at == TL_NO_TIME) {
        x->asked_at = t->now;
        x->asked = t->s->seq;
        x->repeats = 0;
    }
    time_answer(t, is_probe);
}

void pass_probed(pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    pass_doubt_timed(t);
    ask(t, y->has_told && seq_upto(x->nxt, y->told));
}

void pass_asked(pass *t)
{
    if (!t->y->has_told || seq_before(t->y->told, t->next)) /* else its ACK passed before it */
        ask(t, false);
}

void pass_ask_again(pass *t, uint32_t number, int64_t since, int repeats)
{
    tl_end *x = t->x;

    x->asked_at = since; /* what it has asked since came later */
    x->asked = number;
    x->repeats = (uint16_t)repeats;
}

/* Of what it leaves unanswered nobody knows which part passed when: with the last data, as a rule. */
void pass_answer(pass *t)
{
    const tl_end *x = t->x;
    tl_end *y = t->y;

    if (y->asked_at == TL_NO_TIME || !seq_before(y->asked, t->s->ack))
        return;
    y->asked = x->has_told ? seq_max(x->told, t->s->ack) : t->s->ack;
    y->asked_at = !seq_before(y->asked, y->nxt) ? TL_NO_TIME
                  : t->c->content == TL_NO_TIME ? t->now
                                                : t->c->content;
    y->repeats = 0;
}

void pass_hear(pass *t)
{
    end_hear(t->x, t->s);
    pass_note_window(t);
    if (t->y->window_probe && t->s->ack == t->y->asked) /* there, and takes nothing */
        t->y->asked_at = TL_NO_TIME;
    t->y->window_probe = false;
}

/* ---- What else they share ---- */

void pass_guess_roles(pass *t)
{
    const uint8_t sender = t->s->side;

    t->c->client = t->s->lower_port ? !sender : sender;
    t->c->role_guessed = true;
}

tl_extras *connection_own_extras(tl_connection *c, const tl_world *world)
{
    if (!c->extras) {
        tl_extras *extras = world->allocate(sizeof *extras);
        *extras = *connection_extras(c);
        c->extras = extras;
    }
    return c->extras;
}

tl_extras *pass_extras(pass *t)
{
    return connection_own_extras(t->c, t->world);
}

tl_exchange *pass_exchange(pass *t)
{
    tl_connection *c = t->c;

    if (c->exchange)
        return c->exchange;
    c->exchange = t->world->allocate(sizeof *c->exchange);
    for (uint8_t i = 0; i < 2; i++) {
        if (c->end[i].rtt != NO_RTT) /* of the handshake */
            note_trip(c->exchange, i, c->end[i].rtt);
    }
    return c->exchange;
}
