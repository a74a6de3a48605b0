/* connections.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "connections.h"

#include <string.h>

#include "pass.h"
#include "sequence.h"

/* ---- Where a connection begins ---- */

/* The SYN has the ISN of the connection, and is from the same end. */
static bool is_own_syn(const tl_connection *c, const tl_segment *s)
{
    const tl_end *e = &c->end[s->side];

    return e->has_isn && e->isn == s->seq;
}

/* The SYN of an end that has not answered the other's, which it crosses. */
static bool crosses(const tl_connection *c, const tl_segment *s)
{
    return tl_is_opening(c) && !c->end[s->side].sent_syn && c->end[!s->side].sent_syn &&
           !c->attempt.sent_syn_ack[s->side];
}

/* The SYN/ACK, or the RST, acknowledges a SYN of the connection. */
static bool acknowledges_isn(const tl_connection *c, const tl_segment *s)
{
    const tl_end *y = &c->end[!s->side];

    return y->has_isn && s->ack - y->isn - 1 <= end_edge(y) - y->isn - 1;
}

/* The RST answers a SYN of the connection: it has no number of its own (RFC 9293, 3.5.2, group 1). */
static bool refuses_syn(const tl_connection *c, const tl_segment *s)
{
    return s->seq == 0 && acknowledges_isn(c, s);
}

/* The opener's SYN, come again after the connection had opened, is answered as that of a new one. */
static bool revives_duplicate(const tl_connection *c, const tl_segment *s)
{
    return connection_extras(c)->duplicate.frame && s->side != c->client && c->end[s->side].isn != s->seq &&
           s->ack == c->end[c->client].isn + 1;
}

/* The connection is over, and so long that its numbers may come again. */
static bool is_past(const tl_connection *c, const tl_segment *s, int64_t msl)
{
    return phase_is_over((tcp_state)c->phase) && c->opened && s->time - c->last > 2 * msl;
}

/* Which connection a SYN belongs to; NULL: it begins one. */
static tl_connection *choose_for_syn(tl_connection *newest, const tl_segment *s, int64_t msl)
{
    tl_connection *older = tl_older(newest);

    if (is_own_syn(newest, s))
        return is_past(newest, s, msl) ? NULL : newest;
    if (crosses(newest, s))
        return newest;
    if (older && is_own_syn(older, s) && !newest->opened && !phase_is_over((tcp_state)older->phase))
        return older;
    return NULL;
}

/* Which connection a SYN/ACK belongs to; NULL: it begins one. */
static tl_connection *choose_for_syn_ack(tl_connection *newest, const tl_segment *s)
{
    if (revives_duplicate(newest, s))
        return NULL;
    if (acknowledges_isn(newest, s))
        return newest;
    return tl_older(newest) && acknowledges_isn(tl_older(newest), s) ? tl_older(newest) : NULL;
}

/* ---- Which of two connections takes a segment ---- */

/* The older one takes segments until the newer has opened, and afterwards as long as it is not over: two
 * may go on side by side, as in two VLANs. TIME_WAIT ends after 2 MSL. */
static bool takes_segments(const tl_connection *older, const tl_connection *newest, const tl_segment *s,
                           int64_t msl)
{
    const bool is_over = phase_is_over((tcp_state)older->phase);

    if (older->phase == TCP_TIME_WAIT && s->time - older->time_wait > 2 * msl)
        return false;
    return !is_over || !newest->opened;
}

/* Who fits alone, or better; else who is open; else the newer. */
static tl_connection *choose_by_numbers(tl_connection *newest, const tl_segment *s, int64_t msl)
{
    tl_connection *older = tl_older(newest);

    if (!older || !takes_segments(older, newest, s, msl))
        return newest;
    const int fit = connection_fit(newest, s), fit_older = connection_fit(older, s);
    if (fit != fit_older)
        return fit_older > fit ? older : newest;
    return tl_is_open(older) && !tl_is_open(newest) ? older : newest;
}

/* The connection whose SYN a RST answers; NULL: it answers none. */
static tl_connection *refused_of(tl_connection *newest, const tl_segment *s)
{
    tl_connection *older = tl_older(newest);

    if (refuses_syn(newest, s))
        return newest;
    return older && refuses_syn(older, s) ? older : NULL;
}

/* Long after a connection was over, what fits none of its numbers is another one's, of which the
 * capture has no SYN. */
static bool begins_midstream(const tl_connection *newest, const tl_segment *s, int64_t msl)
{
    return (s->flags & (TL_RST | TL_ACK)) == TL_ACK && is_past(newest, s, msl) &&
           connection_fit(newest, s) < 0;
}

static tl_connection *choose(tl_connection *newest, const tl_segment *s, int64_t msl)
{
    if (!newest)
        return NULL;
    switch (s->flags & (TL_SYN | TL_RST | TL_ACK)) {
    case TL_SYN:
        return choose_for_syn(newest, s, msl);
    case TL_SYN | TL_ACK:
        return choose_for_syn_ack(newest, s);
    case TL_RST | TL_ACK: {
        tl_connection *refused = refused_of(newest, s);
        if (refused)
            return refused;
        break;
    }
    default:
        if (begins_midstream(newest, s, msl))
            return NULL;
    }
    return choose_by_numbers(newest, s, msl);
}

/* Of the connections before, the last one that had opened goes on taking segments; else the last. */
static tl_connection *older_of(tl_connection *before)
{
    tl_connection *older = before && !before->opened ? tl_older(before) : NULL;

    return older && older->opened ? older : before;
}

static tl_connection *begin(tl_connections *all, tl_connection *before, const tl_segment *s)
{
    tl_connection *c = all->make(all->count);

    tl_begin(c, all->count++, before, older_of(before), s, &all->world);
    c->recent = before ? before->recent : 0;
    if (before && (s->flags & (TL_SYN | TL_ACK)) == (TL_SYN | TL_ACK) && revives_duplicate(before, s)) {
        const tl_moment syn = connection_extras(before)->duplicate;
        const int64_t passed = tl_ns(syn.time);
        c->syn.frame = syn.frame;
        c->syn.time = tl_time_of(passed < c->start ? passed : c->start); /* their clocks may differ */
        c->saw_syn = true;
        c->syns = 1;
    }
    return c;
}

/* ---- Replacement ---- */

/* How far an end has come. */
typedef struct {
    uint32_t nxt, told; /* as in a tl_end, as are the next */
    bool has_nxt, has_told;
} progress;

static progress progress_of(const tl_end *e)
{
    return (progress){.nxt = e->nxt, .told = e->told, .has_nxt = e->has_nxt, .has_told = e->has_told};
}

/* The end sends new bytes, or acknowledges new ones. */
static bool makes_progress(const progress *before, const tl_end *now)
{
    return (before->has_nxt && seq_before(before->nxt, now->nxt)) ||
           (before->has_told && seq_before(before->told, now->told));
}

/* A replaced connection in which both ends go on is not, and the segment that shows it not late. */
static void note_progress(tl_connection *c, const tl_segment *s, const progress *before, tl_report *report)
{
    if (!c->replaced || !makes_progress(before, &c->end[s->side]))
        return;
    c->goes_on |= (uint8_t)(1u << s->side);
    if (c->goes_on == 3)
        tl_restore(c, s, report);
}

/* The new SYN was acknowledged or refused, or its sender goes on as if it had been. A stray SYN/ACK, and
 * the RST that its sender lets follow, prove no SYN. */
static bool is_answered(const tl_connection *c)
{
    const bool is_refused = claim_stands(c) && !c->claim->is_icmp && c->claim->from != c->client;

    return c->opened || (c->saw_syn && (c->attempt.syn_ack.frame || is_refused));
}

static void replace_older(tl_connection *newest, bool was_answered, uint32_t frame, const tl_world *world)
{
    tl_connection *older = tl_older(newest);

    if (!older || older->replaced || was_answered || !is_answered(newest) ||
        phase_is_over((tcp_state)older->phase))
        return;
    tl_replace(older, frame, world);
}

/* ---- Following ---- */

/* A socket that is connected to itself: each of its segments is both ends'. */
static void follow_as_peer(tl_connection *c, const tl_segment *s, const tl_world *world, tl_report *r)
{
    tl_segment again = *s;
    tl_report other;

    again.side = !s->side;
    tl_follow(c, NULL, &again, world, &other);
    r->phase = other.phase;
    memcpy(r->state, other.state, sizeof r->state);
    r->guessed = other.guessed;
    r->steps |= other.steps;
    for (unsigned i = 0; i < other.transitions && r->transitions < TL_MAX_TRANSITIONS; i++)
        r->transition[r->transitions++] = other.transition[i];
    for (unsigned i = 0; i < other.raised && r->raised < TL_MAX_RAISED; i++) {
        const tl_event event = other.event[i].event;
        if (event == TL_EVENT_OPEN_SIMULTANEOUS || event == TL_EVENT_CLOSE_SIMULTANEOUS)
            r->event[r->raised++] = other.event[i];
    }
}

tl_connection *tl_connections_follow(tl_connections *all, tl_connection **newest, const tl_segment *s,
                                     tl_report *report)
{
    const uint32_t hash = tl_copies_hash(s);
    uint32_t original;
    tl_connection *c = tl_copies_find(all->copies, hash, *newest, s, &original);

    if (c) {
        tl_follow_copy(c, s, original, &all->world, report);
        return c;
    }
    c = choose(*newest, s, all->world.settings.msl);
    if (!c)
        c = *newest = begin(all, *newest, s);
    const bool was_answered = is_answered(c);
    const progress before = c->replaced ? progress_of(&c->end[s->side]) : (progress){0};

    tl_follow(c, c == *newest ? NULL : *newest, s, &all->world, report);
    if (s->is_own_peer)
        follow_as_peer(c, s, &all->world, report);
    note_progress(c, s, &before, report);
    if (c == *newest)
        replace_older(c, was_answered, s->frame, &all->world);
    tl_copies_note(&all->copies, hash, &all->world, *newest, c, s);
    return c;
}

tl_connection *tl_connections_reject(const tl_connections *all, tl_connection *newest,
                                     const tl_rejection *rejection, tl_report *report)
{
    if (newest && tl_reject(newest, rejection, &all->world, report))
        return newest;
    tl_connection *older = newest ? tl_older(newest) : NULL;
    return older && tl_reject(older, rejection, &all->world, report) ? older : NULL;
}
