/* facts.c
 * What a connection's story amounts to: the connection facts, told from what
 * lifecycle.c remembers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stddef.h>
#include <string.h>

#include "pass.h"
#include "sequence.h"

/* Silence proves something when it has lasted this long. */
#define SILENCE INT64_C(1000000000)

static const tl_end *server_of(const tl_connection *c)
{
    return &c->end[!c->client];
}

/* What passed after the RST that ended the connection is no part of it. */
static tl_moment before_end(const tl_connection *c, tl_moment m)
{
    if (c->replaced && m.frame > c->claim->replaced_at)
        return (tl_moment){0};
    return claim_stands(c) && m.frame > c->claim->passed.frame ? (tl_moment){0} : m;
}

/* The moment of a deciding frame. */
static tl_moment decided(const tl_connection *c, tl_step step)
{
    const tl_exchange *e = c->exchange;

    switch (step) {
    case TL_STEP_SYN:
        return c->syn;
    case TL_STEP_SYN_ACK:
        return before_end(c, c->attempt.syn_ack);
    case TL_STEP_OPEN_ACK:
        return c->opened ? before_end(c, c->open_ack) : (tl_moment){0};
    case TL_STEP_FIN_1:
        return e ? before_end(c, e->fin[e->fin_first]) : (tl_moment){0};
    case TL_STEP_FIN_2:
        return e ? before_end(c, e->fin[!e->fin_first]) : (tl_moment){0};
    case TL_STEP_FIN_1_ACK:
        return e ? before_end(c, e->fin_ack[e->fin_first]) : (tl_moment){0};
    case TL_STEP_FIN_2_ACK:
        return e ? before_end(c, e->fin_ack[!e->fin_first]) : (tl_moment){0};
    case TL_STEP_RST:
        return claim_stands(c) && !c->claim->is_icmp ? before_end(c, c->claim->passed) : (tl_moment){0};
    case TL_STEP_COUNT:
        break;
    }
    return (tl_moment){0};
}

static bool has_passed(const tl_connection *c, tl_step step)
{
    return decided(c, step).frame != 0;
}

/* Between two deciding frames, if both passed, in this order. */
static int64_t span(const tl_connection *c, tl_step from, tl_step to)
{
    const tl_moment a = decided(c, from), b = decided(c, to);

    return a.frame && b.frame && tl_ns(b.time) >= tl_ns(a.time) ? tl_ns(b.time) - tl_ns(a.time) : TL_NO_TIME;
}

/* A RST ended it. */
static bool was_reset(const tl_connection *c)
{
    return claim_stands(c) && !c->claim->is_icmp && !c->replaced;
}

static bool has_opened(const tl_connection *c)
{
    return c->opened && (!claim_stands(c) || c->claim->had_opened) &&
           (!c->open_ack.frame || has_passed(c, TL_STEP_OPEN_ACK));
}

static bool silent_since(const tl_view *view, int64_t then)
{
    return then != TL_NO_TIME && view->end - then >= SILENCE;
}

/* ---- Opening ---- */

/* The ACK was repeated again and again, and nothing says that the server ever took it. */
static bool overflowed(const tl_connection *c)
{
    return c->attempt.overflows >= 2 && !server_of(c)->confirmed;
}

/* What only silence tells, once the capture is over. */
static tl_opening unfinished_opening(const tl_connection *c, const tl_view *view)
{
    const tl_end *server = server_of(c);
    const tl_moment offer = decided(c, TL_STEP_SYN_ACK);
    const uint16_t syn_acks = c->attempt.syn_acks;

    if (connection_is_one_sided(c))
        return TL_OPEN_NONE;
    if (!c->saw_syn && !c->end[c->client].heard)
        return syn_acks > 1 || c->late_rst || silent_since(view, c->last) ? TL_OPEN_ORPHAN : TL_OPEN_NONE;
    if (overflowed(c))
        return TL_OPEN_OVERFLOW;
    if (offer.frame)
        return syn_acks > 1 || silent_since(view, tl_ns(offer.time)) ? TL_OPEN_HALF_OPEN : TL_OPEN_NONE;
    if (server->state >= TCP_SYN_RECEIVED && !server->borrowed)
        return silent_since(view, c->last) ? TL_OPEN_HALF_OPEN : TL_OPEN_NONE;
    return c->syns > 1 || silent_since(view, tl_ns(c->syn.time)) ? TL_OPEN_UNANSWERED : TL_OPEN_NONE;
}

/* A RST or an ICMP error ended the opening. */
static tl_opening claimed_opening(const tl_connection *c)
{
    const tl_claim *claim = c->claim;

    if (claim->is_icmp)
        return TL_OPEN_REJECTED_BY_ICMP;
    switch ((tl_cause)claim->cause) {
    case TL_CAUSE_REFUSED:
        return TL_OPEN_REFUSED;
    case TL_CAUSE_RESET_BY_OPENER:
        return TL_OPEN_RESET_BY_OPENER;
    case TL_CAUSE_ABORT:
    case TL_CAUSE_NO_CONNECTION:
    case TL_CAUSE_RETRANSMISSION_TIMEOUT: /* given up */
    case TL_CAUSE_FORGOTTEN:
        return claim->from == c->client && !has_passed(c, TL_STEP_SYN_ACK) ? TL_OPEN_UNANSWERED
                                                                           : TL_OPEN_HALF_OPEN;
    case TL_CAUSE_NONE:
    case TL_CAUSE_ANSWERED_BY_ACK:
    case TL_CAUSE_TIME_WAIT:
    case TL_CAUSE_KEEP_ALIVE_TIMEOUT:
    case TL_CAUSE_KEEP_ALIVE:
    case TL_CAUSE_ZERO_WINDOW:
    case TL_CAUSE_DATA_AFTER_CLOSE:
    case TL_CAUSE_AFTER_OWN_FIN:
    case TL_CAUSE_LATE:
    case TL_CAUSE_COUNT:
        break;
    }
    return TL_OPEN_NONE;
}

static tl_opening how_it_opened(const tl_connection *c, const tl_view *view)
{
    if (c->orphan)
        return TL_OPEN_ORPHAN;
    if (has_opened(c) && !overflowed(c))
        return c->saw_syn ? connection_opening(c) : TL_OPEN_MIDSTREAM;
    if (was_reset(c) && overflowed(c))
        return TL_OPEN_OVERFLOW;
    const tl_opening claimed = claim_stands(c) && !c->replaced ? claimed_opening(c) : TL_OPEN_NONE;
    if (claimed != TL_OPEN_NONE)
        return claimed;
    if (c->attempt.answered_by_ack)
        return TL_OPEN_ANSWERED_BY_ACK;
    return view->whole ? unfinished_opening(c, view) : TL_OPEN_NONE;
}

/* ---- Closing ---- */

static unsigned first_closer(const tl_connection *c)
{
    return c->exchange ? c->exchange->fin_first : 0;
}

static bool has_fin(const tl_connection *c)
{
    return has_passed(c, TL_STEP_FIN_1);
}

static bool both_fins_acked(const tl_connection *c)
{
    return c->end[0].fin_acked && c->end[1].fin_acked && has_passed(c, TL_STEP_FIN_1_ACK) &&
           has_passed(c, TL_STEP_FIN_2_ACK);
}

/* Midstream, one FIN: it may be the first or the second. */
static bool is_closer_guessed(const tl_connection *c)
{
    const tl_end *other = &c->end[!first_closer(c)];

    return !c->saw_syn && !other->has_isn && has_fin(c) && !other->spoke; /* a SYN/ACK tells both ISNs */
}

/* Data or probes of this end were repeated, and nobody answered: who is alive repeats itself. */
static bool is_unanswered(const tl_end *e)
{
    return e->asked_at != TL_NO_TIME && end_repeats(e) > 0;
}

static bool is_fin_unacknowledged(const tl_end *e, int64_t passed, const tl_view *view)
{
    return e->has_fin && !e->fin_acked && (e->fin_repeated || silent_since(view, passed));
}

/* Of a connection that ended so, this is the end that was not answered. */
static bool is_asking(const tl_end *e, tl_closing close)
{
    return close == TL_CLOSE_FIN_UNACKNOWLEDGED ? e->has_fin && !e->fin_acked : is_unanswered(e);
}

/* A capture of SYNs, FINs and RSTs alone: that nothing answers them says nothing. */
static bool is_filtered(const tl_connection *c)
{
    return !c->talked && (end_missing(&c->end[0], &c->end[1]) > 0 || end_missing(&c->end[1], &c->end[0]) > 0);
}

/* Where neither answered, it is who asked first. */
static const tl_end *first_asker(const tl_connection *c, tl_closing close)
{
    const tl_end *a = &c->end[c->client], *b = &c->end[!c->client];

    if (!is_asking(a, close))
        return b;
    return is_asking(b, close) && b->asked_at < a->asked_at ? b : a;
}

/* What only the end of the capture tells. */
static tl_closing unfinished_closing(const tl_connection *c, const tl_view *view)
{
    const tl_end *a = &c->end[0], *b = &c->end[1], *first = &c->end[first_closer(c)];

    if (is_closer_guessed(c))
        return TL_CLOSE_NONE;
    if (connection_is_one_sided(c) || is_filtered(c))
        return TL_CLOSE_STILL_OPEN;
    if (is_fin_unacknowledged(first, tl_ns(decided(c, TL_STEP_FIN_1).time), view) ||
        is_fin_unacknowledged(&c->end[!first_closer(c)], tl_ns(decided(c, TL_STEP_FIN_2).time), view))
        return TL_CLOSE_FIN_UNACKNOWLEDGED;
    if (c->opened && (is_unanswered(a) || is_unanswered(b)))
        return TL_CLOSE_SILENT;
    if (c->phase == TCP_FIN_WAIT_2 && silent_since(view, tl_ns(decided(c, TL_STEP_FIN_1_ACK).time)))
        return TL_CLOSE_HALF_CLOSED;
    return TL_CLOSE_STILL_OPEN;
}

static tl_closing how_it_closed(const tl_connection *c, const tl_view *view)
{
    if (both_fins_acked(c))
        return connection_closing(c);
    if (c->replaced)
        return TL_CLOSE_REPLACED;
    if (was_reset(c) && has_opened(c))
        return has_fin(c) ? TL_CLOSE_RST_AFTER_FIN : TL_CLOSE_ABORT;
    return view->whole && !was_reset(c) ? unfinished_closing(c, view) : TL_CLOSE_NONE;
}

static tl_closer closer(const tl_connection *c, unsigned side)
{
    return side == c->client ? TL_BY_CLIENT : TL_BY_SERVER;
}

static tl_closer who_closed(const tl_connection *c, const tl_view *view)
{
    const unsigned first = first_closer(c);
    const bool is_settled = has_passed(c, TL_STEP_FIN_1_ACK) || has_passed(c, TL_STEP_FIN_2) ||
                            was_reset(c) || (view->whole && !connection_is_one_sided(c));

    if (!has_fin(c))
        return was_reset(c) && has_opened(c) ? closer(c, c->claim->from) : TL_BY_NONE;
    if (!is_settled || is_closer_guessed(c))
        return TL_BY_NONE;
    return has_passed(c, TL_STEP_FIN_2) && c->exchange->crossed ? TL_BY_BOTH : closer(c, first);
}

/* When the connection ended; TL_NO_TIME while it has not. */
static int64_t ended(const tl_connection *c)
{
    const int64_t first = tl_ns(decided(c, TL_STEP_FIN_1_ACK).time),
                  second = tl_ns(decided(c, TL_STEP_FIN_2_ACK).time);

    if (both_fins_acked(c))
        return first > second ? first : second;
    return was_reset(c) ? tl_ns(c->claim->passed.time) : TL_NO_TIME;
}

/* Bytes of this end that met a closing peer and were never acknowledged. */
static uint32_t raced(const tl_end *e, const tl_end *peer)
{
    const tl_gaps *gaps = e->gaps;

    if (!gaps || !gaps->raced)
        return 0;
    const uint32_t from = peer->has_told ? seq_max(gaps->race.from, peer->told) : gaps->race.from;
    return seq_before(from, gaps->race.to) ? gaps->race.to - from : 0;
}

static int64_t half_closed(const tl_connection *c, const tl_view *view)
{
    const tl_moment begun = decided(c, TL_STEP_FIN_1_ACK);
    const int64_t so_far = was_reset(c) ? tl_ns(c->claim->passed.time) : view->whole ? view->end : c->last;

    if (!has_passed(c, TL_STEP_FIN_2))
        return begun.frame ? so_far - tl_ns(begun.time) : TL_NO_TIME;
    return connection_closing(c) == TL_CLOSE_FOUR_WAY ? span(c, TL_STEP_FIN_1_ACK, TL_STEP_FIN_2)
                                                      : TL_NO_TIME;
}

/* Of a connection that ended so, the end that did not answer. */
static const char *silent_end(const tl_connection *c, tl_closing close)
{
    return tl_role_name(end_role(c, &c->end[!end_side(c, first_asker(c, close))]));
}

static void tell_closing(const tl_connection *c, const tl_view *view, tl_closing close, tl_facts *f)
{
    const int64_t end = ended(c);

    f->close = tl_closing_name(close);
    f->closed_by = tl_closer_name(who_closed(c, view));
    if (end != TL_NO_TIME && has_fin(c) && !is_closer_guessed(c))
        f->close_time = end - tl_ns(decided(c, TL_STEP_FIN_1).time);
    f->close_no_data =
        c->saw_syn && has_opened(c) && end != TL_NO_TIME && c->end[0].bytes + c->end[1].bytes == 0;
    if (phase_is_over(c->phase) || view->whole)
        f->close_race = raced(&c->end[0], &c->end[1]) + raced(&c->end[1], &c->end[0]);
    if (!is_closer_guessed(c)) {
        f->half_close_time = half_closed(c, view);
        f->half_close_bytes = connection_extras(c)->half_close_bytes;
    }
    facts_tell_close_verdict(f, close, was_reset(c) ? (tl_cause)c->claim->cause : TL_CAUSE_NONE,
                             silent_end(c, close));
}

/* ---- The rest ---- */

static tl_cause reset_cause(const tl_connection *c)
{
    if (was_reset(c) && c->claim->cause != TL_CAUSE_NONE)
        return (tl_cause)c->claim->cause;
    if (!c->opened && c->attempt.answered_by_ack && c->attempt.older_reset)
        return TL_CAUSE_ANSWERED_BY_ACK;
    return c->late_rst && c->opened ? TL_CAUSE_LATE : TL_CAUSE_NONE;
}

static uint32_t unanswered_probes(const tl_connection *c, const tl_view *view)
{
    uint32_t count = connection_extras(c)->unanswered;

    if (was_reset(c))
        return count + (c->claim->cause == TL_CAUSE_KEEP_ALIVE_TIMEOUT);
    for (int i = 0; i < 2 && view->whole; i++)
        count += c->end[i].probes > 0 && silent_since(view, c->last);
    return count;
}

/* Who did not answer, since when, and how often it was asked. */
static void tell_silence(const tl_connection *c, const tl_view *view, tl_closing close, tl_facts *f)
{
    const tl_cause cause = reset_cause(c);
    const tl_end *asker = NULL;

    if (was_reset(c)) {
        if (cause == TL_CAUSE_KEEP_ALIVE_TIMEOUT || cause == TL_CAUSE_RETRANSMISSION_TIMEOUT ||
            cause == TL_CAUSE_ZERO_WINDOW)
            asker = &c->end[c->claim->from];
    } else if (close == TL_CLOSE_FIN_UNACKNOWLEDGED || close == TL_CLOSE_SILENT) {
        asker = first_asker(c, close);
    }
    const int64_t since = !asker ? TL_NO_TIME : was_reset(c) ? c->claim->asked_at : asker->asked_at;
    if (since == TL_NO_TIME)
        return;
    f->silence_side = tl_role_name(end_role(c, &c->end[!end_side(c, asker)]));
    f->silence_time = (was_reset(c) ? tl_ns(c->claim->passed.time) : view->end) - since;
    f->silence_repeats = was_reset(c) ? c->claim->repeats : end_repeats(asker);
}

/* How long an end had been in its last state when the capture ended, or when TIME_WAIT did. */
static int64_t held(const tl_connection *c, const tl_end *e, const tl_view *view)
{
    const int64_t since = c->replaced            ? c->claim->frozen_since[end_side(c, e)]
                          : end_is_covered(c, e) ? c->claim->since[end_side(c, e)]
                                                 : e->since;
    const int64_t lapse = (c->time_wait > since ? c->time_wait : since) + 2 * view->msl;
    const bool lapses = c->phase == TCP_TIME_WAIT && end_shown(c, e) == TCP_TIME_WAIT && view->end > lapse;

    if (!view->whole || c->orphan || since == TL_NO_TIME)
        return TL_NO_TIME;
    return (lapses ? lapse : view->end) - since;
}

/* For how long in all an end had advertised a window of 0, up to the connection's end. */
static int64_t window_closed(const tl_connection *c, unsigned side)
{
    const tl_windows *w = &connection_extras(c)->windows;
    const int64_t end = ended(c);
    const int64_t until = end == TL_NO_TIME ? c->last : end;

    if (w->since[side] == TL_NO_TIME && w->total[side] == 0)
        return TL_NO_TIME;
    return w->total[side] +
           (w->since[side] != TL_NO_TIME && w->since[side] < until ? until - w->since[side] : 0);
}

/* Of the RST that ended the connection, else of the first that passed. */
static void tell_rst(const tl_connection *c, tl_facts *f)
{
    static const tl_rst none = {.idle = TL_NO_TIME, .idle_before = TL_NO_TIME};
    const tl_resets *resets = connection_resets(c);
    const tl_rst *rst = !resets ? &none : was_reset(c) ? &resets->last : &resets->first;

    f->reset_count = resets ? resets->count : 0;
    f->rst_verdict = tl_verdict_name((tl_verdict)rst->verdict);
    f->rst_form = tl_form_name((tl_form)rst->form);
    f->rst_answered = tl_answered_name((tl_answered)rst->answered);
    f->rst_answers = rst->answers;
    f->rst_idle = rst->idle;
    f->rst_idle_before = rst->idle_before;
    f->rst_ttl_delta = rst->has_ttl_delta ? rst->ttl_delta : TL_NO_DIFFERENCE;
    f->rst_evidence = rst->evidence;
}

static void tell_ends(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    for (unsigned side = 0; side < 2; side++) {
        const tl_end *e = &c->end[side];
        const tl_role role = end_role(c, e);

        f->state[role] = end_shown(c, e);
        f->bytes[role] = e->bytes;
        f->packets[role] = c->packets[side];
        f->rtt[role] = e->rtt == NO_RTT || e->rtt_is_bound ? TL_NO_TIME : e->rtt * INT64_C(1000);
        f->zero_window[role] = window_closed(c, side);
        f->retransmitted[role] = connection_extras(c)->retransmitted[side];
        f->unacked[role] = was_reset(c) ? c->claim->unacked[side] : end_unacked(e, &c->end[!side]);
        f->missing[role] = end_missing(e, &c->end[!side]);
        f->held[role] = held(c, e, view);
    }
}

static void tell_marks(const tl_connection *c, tl_facts *f)
{
    for (unsigned m = 0; m < TL_MARK_COUNT; m++) {
        const bool one = c->end[0].marks >> m & 1, other = c->end[1].marks >> m & 1;
        if (one || other)
            f->marks[m] = tl_closer_name(one && other ? TL_BY_BOTH : closer(c, other));
    }
}

static void tell(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    const tl_extras *extras = connection_extras(c);
    const tl_opening open = how_it_opened(c, view);
    const tl_closing close = how_it_closed(c, view);
    const int64_t end = ended(c);

    *f = (tl_facts){
        .open = tl_opening_name(open),
        .open_failed = tl_opening_failed(open),
        .open_time = TL_NO_TIME,
        .open_server_time = span(c, TL_STEP_SYN, TL_STEP_SYN_ACK),
        .open_client_time = TL_NO_TIME,
        .open_syns = c->syns,
        .close_time = TL_NO_TIME,
        .half_close_time = TL_NO_TIME,
        .silence_time = TL_NO_TIME,
        .reset_cause = tl_cause_name(reset_cause(c)),
        .reset_sender = was_reset(c) ? tl_role_name(end_role(c, &c->end[c->claim->from])) : NULL,
        .keepalives = extras->keepalives,
        .keepalives_unanswered = unanswered_probes(c, view),
        .reuse = extras->reuse,
        .reuse_gap = extras->reuse_gap,
        .reuse_phase = extras->reuse == TL_NO_CONNECTION ? NULL : tcp_state_name(extras->reuse_phase),
        .start = c->start,
        .duration = c->last - c->start,
        .copies = extras->copies,
        .lifetime = end == TL_NO_TIME ? TL_NO_TIME : end - c->start,
        .one_sided = connection_is_one_sided(c),
        .role_guessed = c->role_guessed,
        .has_states = !c->orphan,
        .phase = c->phase,
    };
    if (tl_opening_failed(open)) {
        facts_tell_open_verdict(f, open);
    } else {
        f->open_time = span(c, TL_STEP_SYN, TL_STEP_OPEN_ACK);
        f->open_client_time = span(c, TL_STEP_SYN_ACK, TL_STEP_OPEN_ACK);
        tell_closing(c, view, close, f);
    }
    tell_silence(c, view, close, f);
    tell_ends(c, view, f);
    tell_rst(c, f);
    tell_marks(c, f);
    for (int step = 0; step < TL_STEP_COUNT; step++)
        f->frame[step] = decided(c, (tl_step)step).frame;
}

/* The RST acknowledges more than its peer's SYN or SYN/ACK, so the connection had opened. */
static bool proves_opening(const tl_connection *c)
{
    const tl_claim *rst = c->claim->beside;
    const tl_end *peer = &c->end[!rst->from];

    return c->opened || (rst->has_ack && peer->has_isn && seq_before(end_edge(peer), rst->ack));
}

/* The last that passed is a RST that should have been challenged, and was not. */
static bool is_closed_by_challenged(const tl_connection *c, const tl_view *view)
{
    return view->whole && c->claim && c->claim->challenged && !c->claim->stands && !c->replaced &&
           silent_since(view, c->last) && proves_opening(c);
}

void tl_get_facts(const tl_connection *c, const tl_view *view, tl_facts *f)
{
    if (!is_closed_by_challenged(c, view)) {
        tell(c, view, f);
        return;
    }
    tl_claim claim = *c->claim->beside;
    memcpy(claim.covers, c->claim->covers, sizeof claim.covers); /* the states stay as they are shown */
    memcpy(claim.since, c->claim->since, sizeof claim.since);
    tl_connection closed = *c;
    claim.stands = claim.had_opened = true;
    closed.claim = &claim;
    if (!c->opened)
        claim.cause = TL_CAUSE_ABORT;
    closed.opened = true;
    tell(&closed, view, f);
    f->close_no_data &= c->opened; /* else the RST acknowledges data */
}
