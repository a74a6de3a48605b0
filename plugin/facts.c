/* facts.c
 * What a connection's story amounts to: the stream facts, told from what
 * lifecycle.c remembers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stddef.h>

#include "pass.h"
#include "sequence.h"

/* Silence proves something when it has lasted this long. */
#define SILENCE INT64_C(1000000000)

static const tl_end *client_of(const tl_connection *c)
{
    return &c->end[c->client];
}

static const tl_end *server_of(const tl_connection *c)
{
    return &c->end[!c->client];
}

static bool decided(const tl_connection *c, tl_step step)
{
    return c->deciding.frame[step] != 0;
}

/* Between two deciding frames, if both passed, in this order. */
static int64_t span(const tl_connection *c, tl_step from, tl_step to)
{
    if (!decided(c, from) || !decided(c, to) || c->deciding.time[to] < c->deciding.time[from])
        return TL_NO_TIME;
    return c->deciding.time[to] - c->deciding.time[from];
}

static bool silent_since(const tl_view *view, int64_t then)
{
    return then != TL_NO_TIME && view->end - then >= SILENCE;
}

/* Bytes of this end are acknowledged that never passed. A SYN that went before
 * the capture's beginning is not missing. */
static bool is_missing(const tl_connection *c, const tl_end *e, const tl_end *peer)
{
    if (e->has_nxt)
        return peer->has_told && seq_before(e->nxt, peer->told);
    return e->unseen || (e->has_isn && peer->has_told && peer->told - e->isn > (c->saw_syn ? 0 : 1));
}

static bool is_one_sided(const tl_connection *c)
{
    return is_missing(c, &c->end[0], &c->end[1]) || is_missing(c, &c->end[1], &c->end[0]);
}

/* ---- Opening ---- */

typedef struct {
    const char *name; /* NULL: not known */
    bool failed;
} opening;

static const char *opening_name(tl_event kind)
{
    return kind == TL_EVENT_OPEN_FAST_OPEN      ? "fast open"
           : kind == TL_EVENT_OPEN_SIMULTANEOUS ? "simultaneous"
           : kind == TL_EVENT_OPEN_SPLIT        ? "split"
                                                : "3-way";
}

/* The ACK was repeated again and again, and nothing says that the server ever took it. */
static bool overflowed(const tl_connection *c)
{
    return c->overflows >= 2 && !server_of(c)->confirmed;
}

/* What only silence tells, once the capture is over. */
static const char *unfinished_opening(const tl_connection *c, const tl_view *view)
{
    const bool offered = decided(c, TL_STEP_SYN_ACK);

    if (is_one_sided(c))
        return NULL;
    if (!c->saw_syn)
        return c->syn_acks > 1 || c->late_rst || silent_since(view, c->last) ? "orphan" : NULL;
    if (overflowed(c))
        return "overflow";
    if (offered)
        return c->syn_acks > 1 || silent_since(view, c->deciding.time[TL_STEP_SYN_ACK]) ? "half-open" : NULL;
    return c->syns > 1 || silent_since(view, c->deciding.time[TL_STEP_SYN]) ? "unanswered" : NULL;
}

static opening how_it_opened(const tl_connection *c, const tl_view *view)
{
    const char *name;

    if (c->opened && !overflowed(c))
        return (opening){.name = c->saw_syn ? opening_name(connection_opening(c)) : "midstream"};
    if (c->cause == TL_CAUSE_REFUSED)
        name = "refused";
    else if (c->cause == TL_CAUSE_RESET_BY_OPENER)
        name = "reset by opener";
    else if (c->rejected)
        name = "rejected by ICMP";
    else if (c->answered_by_ack)
        name = "answered by ACK";
    else
        name = view->whole ? unfinished_opening(c, view) : NULL;
    return (opening){.name = name, .failed = name != NULL};
}

/* ---- Closing ---- */

static const tl_end *first_closer(const tl_connection *c)
{
    return &c->end[c->fin_first];
}

static bool has_fin(const tl_connection *c)
{
    return c->end[0].has_fin || c->end[1].has_fin;
}

static bool both_fins_acked(const tl_connection *c)
{
    return c->end[0].fin_acked && c->end[1].fin_acked;
}

/* Midstream, one FIN: it may be the first or the second. */
static bool is_closer_guessed(const tl_connection *c)
{
    const tl_end *other = &c->end[!c->fin_first];

    return !c->saw_syn && !(c->end[0].has_isn && c->end[1].has_isn) && has_fin(c) && !other->spoke;
}

/* Data or probes of e that nobody answered. */
static bool is_unanswered(const tl_end *e, const tl_end *peer, const tl_view *view)
{
    const bool waits = e->probes > 0 || e->window_probe ||
                       (peer->has_told && e->has_nxt && !e->has_fin && seq_before(peer->told, e->nxt));

    if (!waits)
        return false;
    return e->repeats > 0 || e->probes > 1 ||
           (silent_since(view, e->asked_at) && (peer->last == TL_NO_TIME || silent_since(view, peer->last)));
}

static bool is_fin_unacknowledged(const tl_end *e, int64_t passed, const tl_view *view)
{
    return e->has_fin && !e->fin_acked && (e->fin_repeated || silent_since(view, passed));
}

/* What only the end of the capture tells. */
static const char *unfinished_closing(const tl_connection *c, const tl_view *view)
{
    const tl_end *a = &c->end[0], *b = &c->end[1];

    if (is_one_sided(c))
        return "still open";
    if (is_fin_unacknowledged(first_closer(c), c->deciding.time[TL_STEP_FIN_1], view) ||
        is_fin_unacknowledged(&c->end[!c->fin_first], c->deciding.time[TL_STEP_FIN_2], view))
        return "FIN unacknowledged";
    if (c->opened && (is_unanswered(a, b, view) || is_unanswered(b, a, view)))
        return "silent";
    if (c->phase == TCP_FIN_WAIT_2 && is_closer_guessed(c))
        return NULL; /* or it is closed */
    if (c->phase == TCP_FIN_WAIT_2 && silent_since(view, c->last))
        return "half-closed";
    return "still open";
}

static const char *how_it_closed(const tl_connection *c, const tl_view *view)
{
    if (both_fins_acked(c))
        return c->crossed ? "simultaneous" : c->merged ? "3-way" : "4-way";
    if (c->reset && c->opened)
        return has_fin(c) ? "RST after FIN" : "abort";
    return view->whole && !c->reset ? unfinished_closing(c, view) : NULL;
}

static const char *role_name(const tl_connection *c, uint8_t side)
{
    return side == c->client ? "client" : "server";
}

static const char *who_closed(const tl_connection *c, const tl_view *view)
{
    const bool settled = first_closer(c)->fin_acked || decided(c, TL_STEP_FIN_2) || c->reset ||
                         (view->whole && !is_one_sided(c));

    if (!has_fin(c))
        return c->reset && c->opened ? role_name(c, c->rst_from) : NULL;
    if (!settled || is_closer_guessed(c))
        return NULL;
    return c->crossed ? "both" : role_name(c, c->fin_first);
}

/* When the connection ended; TL_NO_TIME while it has not. */
static int64_t ended(const tl_connection *c)
{
    const int64_t *time = c->deciding.time;

    if (both_fins_acked(c))
        return time[TL_STEP_FIN_1_ACK] > time[TL_STEP_FIN_2_ACK] ? time[TL_STEP_FIN_1_ACK]
                                                                 : time[TL_STEP_FIN_2_ACK];
    return c->reset ? time[TL_STEP_RST] : TL_NO_TIME;
}

/* Bytes that met a closing peer and were never acknowledged. */
static uint32_t raced(const tl_connection *c)
{
    const tl_end *closer = &c->end[c->fin_first];
    const uint32_t from = closer->has_told ? seq_max(c->race_from, closer->told) : c->race_from;

    return c->raced && seq_before(from, c->race_to) ? c->race_to - from : 0;
}

static int64_t half_closed(const tl_connection *c)
{
    if (!decided(c, TL_STEP_FIN_2))
        return decided(c, TL_STEP_FIN_1_ACK) ? c->last - c->deciding.time[TL_STEP_FIN_1_ACK] : TL_NO_TIME;
    return c->crossed || c->merged ? TL_NO_TIME : span(c, TL_STEP_FIN_1_ACK, TL_STEP_FIN_2);
}

static void tell_closing(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    const int64_t end = ended(c);

    f->close = how_it_closed(c, view);
    f->closed_by = who_closed(c, view);
    if (end != TL_NO_TIME && decided(c, TL_STEP_FIN_1))
        f->close_time = end - c->deciding.time[TL_STEP_FIN_1];
    f->close_no_data = c->saw_syn && c->opened && end != TL_NO_TIME && c->end[0].bytes + c->end[1].bytes == 0;
    if (phase_is_over(c->phase) || view->whole)
        f->close_race = raced(c);
    f->half_close_time = half_closed(c);
    f->half_close_bytes = c->half_close_bytes;
}

/* ---- The rest ---- */

static const char *reset_cause(const tl_connection *c)
{
    static const char *const names[] = {
#define X(id, name) [TL_CAUSE_##id] = name,
        TL_CAUSES(X)
#undef X
    };
    const bool late = c->cause == TL_CAUSE_NONE && c->late_rst && c->opened;

    return names[late ? TL_CAUSE_LATE : c->cause];
}

static uint32_t unanswered_probes(const tl_connection *c, const tl_view *view)
{
    uint32_t count = c->unanswered;

    if (c->reset)
        return count + (c->cause == TL_CAUSE_KEEP_ALIVE_TIMEOUT);
    for (int i = 0; i < 2 && view->whole; i++)
        count += c->end[i].probes > 0 && silent_since(view, c->end[i].asked_at);
    return count;
}

static void tell_ends(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    for (int role = TL_CLIENT; role <= TL_SERVER; role++) {
        const tl_end *e = role == TL_CLIENT ? client_of(c) : server_of(c);

        f->state[role] = e->state;
        f->bytes[role] = e->bytes;
        f->held[role] = view->whole && e->since != TL_NO_TIME ? view->end - e->since : TL_NO_TIME;
    }
}

int64_t tl_start(const tl_connection *c)
{
    return c->lived_before ? c->deciding.time[TL_STEP_SYN] : c->stream_start;
}

void tl_get_facts(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    const opening open = how_it_opened(c, view);
    const int64_t end = ended(c);

    *f = (tl_facts){
        .open = open.name,
        .open_failed = open.failed,
        .open_time = TL_NO_TIME,
        .open_server_time = TL_NO_TIME,
        .open_client_time = TL_NO_TIME,
        .close_time = TL_NO_TIME,
        .half_close_time = TL_NO_TIME,
        .reset_cause = reset_cause(c),
        .keepalives = c->keepalives,
        .keepalives_unanswered = unanswered_probes(c, view),
        .reuse_stream = c->reuse_stream,
        .reuse_gap = c->reuse_gap,
        .reuse_phase = c->reuse_stream == TL_NO_STREAM ? NULL : tcp_state_name(c->reuse_phase),
        .duration = c->last - c->stream_start,
        .lifetime = end == TL_NO_TIME ? TL_NO_TIME : end - tl_start(c),
        .one_sided = is_one_sided(c),
    };
    f->open_server_time = span(c, TL_STEP_SYN, TL_STEP_SYN_ACK);
    f->open_syns = c->syns;
    if (!open.failed) {
        f->open_time = span(c, TL_STEP_SYN, TL_STEP_OPEN_ACK);
        f->open_client_time = span(c, TL_STEP_SYN_ACK, TL_STEP_OPEN_ACK);
        tell_closing(c, view, f);
    }
    tell_ends(c, view, f);
    for (int step = 0; step < TL_STEP_COUNT; step++)
        f->frame[step] = c->deciding.frame[step];
}
