/* pass.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"

#include "sequence.h"

/* Without a measured round trip, what is in flight is gone after this. */
#define FLIGHT_UNKNOWN INT64_C(50000000)
/* Added to one and a half of the shortest round trip. */
#define FLIGHT_MARGIN INT64_C(4000000)

/* ---- Saying what happens ---- */

tl_raised *pass_raise(pass *t, tl_event event, uint32_t number)
{
    static tl_raised overflow;
    tl_report *r = t->r;
    tl_raised *raised = r->raised < TL_MAX_RAISED ? &r->event[r->raised++] : &overflow;

    *raised = (tl_raised){.event = event, .number = number};
    return raised;
}

static void note_transition(pass *t, const tl_end *e, tcp_state to, bool undone)
{
    tl_report *r = t->r;

    if (r->transitions < TL_MAX_TRANSITIONS)
        r->transition[r->transitions++] = (tl_transition){
            .role = end_role(t->c, e),
            .from = e->state,
            .to = to,
            .undone = undone,
            .held = undone || e->since == TL_NO_TIME ? TL_NO_TIME : t->now - e->since,
        };
}

/* The frame decides: remember it, and name its part the first time. */
void pass_decide(pass *t, tl_step step, bool repeated)
{
    t->c->deciding.time[step] = t->now;
    t->c->deciding.frame[step] = t->s->frame;
    if (!repeated)
        t->r->steps |= (uint16_t)(1u << step);
}

/* The first of several frames that play the same part decides. */
void pass_decide_first(pass *t, tl_step step)
{
    if (t->c->deciding.frame[step] == 0)
        pass_decide(t, step, false);
    t->r->steps |= (uint16_t)(1u << step);
}

/* The last of them decides, but the part is named once in the life of a connection. */
void pass_decide_once(pass *t, tl_step step)
{
    const uint16_t bit = (uint16_t)(1u << step);

    pass_decide(t, step, t->c->stepped & bit);
    t->c->stepped |= bit;
}

/* ---- Moving the ends ---- */

void pass_enter(pass *t, tl_end *e, tcp_state to)
{
    if (e->state == to)
        return;
    note_transition(t, e, to, false);
    e->state = to;
    e->since = t->now;
    if (to == TCP_TIME_WAIT)
        t->c->time_wait = t->now;
}

void pass_sent(pass *t, tl_end *e, tcp_kind kind)
{
    pass_enter(t, e, tcp_next_state(TCP_SENT, kind, e->state));
}

/* A move that the end makes without a word; what follows may disprove it. */
void pass_received(pass *t, tl_end *e, tcp_kind kind)
{
    const tcp_state to = tcp_next_state(TCP_RECEIVED, kind, e->state);

    if (to == e->state)
        return;
    e->undo_state = e->state;
    pass_enter(t, e, to);
}

/* The deciding frame at which an end enters a state. */
static tl_step entry_of(const tl_connection *c, const tl_end *e, tcp_state state)
{
    const tl_end *peer = &c->end[!end_side(c, e)];

    switch (state) {
    case TCP_CLOSED:
        return TL_STEP_RST;
    case TCP_LISTEN:
    case TCP_SYN_SENT:
        return TL_STEP_SYN;
    case TCP_SYN_RECEIVED:
        return TL_STEP_SYN_ACK;
    case TCP_ESTABLISHED:
        return TL_STEP_OPEN_ACK;
    case TCP_FIN_WAIT_1:
    case TCP_LAST_ACK:
        return end_fin_step(c, e);
    case TCP_FIN_WAIT_2:
        return end_fin_ack_step(c, e);
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_TIME_WAIT:
        break;
    }
    return end_fin_ack_step(c, peer);
}

void pass_undo(pass *t, tl_end *e, tcp_state to)
{
    const tl_connection *c = t->c;

    if (e->state == to)
        return;
    note_transition(t, e, to, true);
    const tl_step entry = entry_of(c, e, to);
    e->state = to;
    e->since = c->deciding.frame[entry] ? c->deciding.time[entry] : TL_NO_TIME;
}

/* Whether this segment was sent after its sender had seen what passed at
 * `then`: what was in flight proves nothing. */
bool pass_knew(const pass *t, int64_t then)
{
    const int64_t rtt = t->x->rtt;
    const int64_t flight = t->x->rtt == NO_RTT ? FLIGHT_UNKNOWN : rtt * 1500 + FLIGHT_MARGIN;

    return t->now - then > flight;
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

/* x is alive, and tells its window. */
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

/* ---- Which numbers fit ---- */

/* The end of what e is known to have sent; false if nothing is known. */
bool end_known_next(const tl_end *e, const tl_end *peer, uint32_t *next)
{
    if (e->has_nxt && peer->has_told)
        *next = seq_max(e->nxt, peer->told);
    else if (e->has_nxt || peer->has_told)
        *next = e->has_nxt ? e->nxt : peer->told;
    else
        return false;
    return true;
}

/* How far beyond what is known e's window lets its peer send. */
static int32_t reach(const tl_connection *c, const tl_end *e)
{
    const bool scaled = c->end[0].sent_syn && c->end[1].sent_syn;

    if (!scaled || e->widest > WIDEST_WINDOW)
        return WIDEST_WINDOW;
    return e->widest > 0 ? (int32_t)e->widest : 1; /* a closed window may be probed (3.8.6.1) */
}

/* Whether a number is not before everything that e has ever sent. */
static bool not_ancient(const tl_end *e, uint32_t number, uint32_t next)
{
    if (e->has_isn && e->bytes < WIDEST_WINDOW)
        return seq_within(number, e->isn, next);
    return seq_distance(number, next) <= WIDEST_WINDOW;
}

static bool seq_fits(const pass *t)
{
    uint32_t next;

    if (!end_known_next(t->x, t->y, &next))
        return true;
    if (seq_before(next, t->next))
        return seq_distance(next, t->next) <= reach(t->c, t->y);
    return not_ancient(t->x, t->s->seq, next);
}

static bool ack_fits(const pass *t)
{
    const tl_end *y = t->y;
    const uint32_t ack = t->s->ack;
    uint32_t next;

    if (!end_known_next(y, t->x, &next))
        return true;
    if (seq_upto(ack, next))
        return not_ancient(y, ack, next);
    if (y->has_fin)
        return false;
    /* Bytes that never passed us; or a hole in the capture wider than the
     * window, which the segment beyond it and this ACK of it agree upon. */
    return seq_distance(next, ack) <= reach(t->c, t->x) ||
           (y->has_stray && seq_within(y->stray - ack, 0, (uint32_t)reach(t->c, t->x)));
}

bool pass_has_numbers_of(const pass *t)
{
    return seq_fits(t) && ack_fits(t);
}

bool pass_fits(pass *t)
{
    if (pass_has_numbers_of(t)) {
        t->x->has_stray = false;
        return true;
    }
    t->x->stray = t->next;
    t->x->has_stray = true;
    return false;
}

/* ---- Roles ---- */

void pass_guess_roles(pass *t)
{
    const uint8_t sender = t->s->side;

    t->c->client = t->s->lower_port ? !sender : sender;
    t->c->role_guessed = true;
}
