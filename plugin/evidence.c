/* evidence.c
 * Which segment a RST answers, in which form it is, and what says that it was not its
 * apparent sender's.
 *
 * An end that has no such connection makes its RST of the segment that it answers
 * (RFC 9293, 3.5.2):
 *
 *   the segment has an ACK    SEQ = SEG.ACK, without ACK
 *   it has none               SEQ = 0, ACK = SEG.SEQ + SEG.LEN
 *
 * So of each end the last segment with each of its last two ACK numbers is remembered.
 * The second is needed where a segment crosses the RST.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* What an end answers, it answers within this time (ns). */
#define ANSWERED_WITHIN INT64_C(1000000000)
/* A RST is too early only if it is so by as much (ns). */
#define EARLY_MARGIN INT64_C(1000000)
/* What tl_passed.since and its high bits can tell. */
#define SINCE_MAX ((INT64_C(1) << 37) - 1)
enum { LEAD_MAX = (1 << 20) - 1, LOOPS = 3, PROBES = 2 };

static void set_since(tl_passed *p, int64_t ns)
{
    const int64_t us = ns / 1000 < SINCE_MAX ? ns / 1000 : SINCE_MAX;

    p->since = (uint32_t)us;
    p->since_high = us >> 32;
}

/* How long ago it passed, ns, by less than 1 us too much; TL_NO_TIME: that is not known. */
static int64_t age_of(const tl_passed *p, const pass *t)
{
    const int64_t us = (int64_t)p->since_high << 32 | p->since;

    return us == SINCE_MAX ? TL_NO_TIME : t->now - t->c->start - us * 1000;
}

/* A first SYN is remembered when a second segment comes: most that nobody answers are alone. */
static void recall_syn(pass *t)
{
    const tl_connection *c = t->c;
    const tl_end *client = &c->end[c->client];

    if (!c->syn.frame)
        return;
    tl_passed *syn = &t->c->memory->passed[c->client][0];
    *syn = (tl_passed){
        .idle = tl_time_of(TL_NO_TIME),
        .frame = c->syn.frame,
        .next =
            (client->tfo ? client->nxt : client->isn + 1) + client->syn_fin, /* the second may be its own */
        .answered = TL_ANSWERED_SYN,
    };
    set_since(syn, tl_ns(c->syn.time) - c->start);
}

static tl_memory *memory_of(pass *t)
{
    if (!t->c->memory) {
        t->c->memory = t->world->allocate(sizeof *t->c->memory);
        recall_syn(t);
    }
    return t->c->memory;
}

static tl_resets *resets_of(pass *t)
{
    tl_extras *extras = pass_extras(t);

    if (!extras->resets)
        extras->resets = t->world->allocate(sizeof *extras->resets);
    return extras->resets;
}

/* ---- What a RST may answer ---- */

static tl_answered kind_of(const pass *t)
{
    const uint16_t flags = t->s->flags;

    if (flags & TL_SYN)
        return flags & TL_ACK ? TL_ANSWERED_SYN_ACK : TL_ANSWERED_SYN;
    if (flags & TL_RST)
        return TL_ANSWERED_RST;
    if (t->is_probe)
        return TL_ANSWERED_KEEP_ALIVE;
    if (t->s->length > 0)
        return TL_ANSWERED_DATA;
    return flags & TL_FIN ? TL_ANSWERED_FIN : TL_ANSWERED_ACK;
}

static bool has_number(const tl_passed *p, const tl_segment *s)
{
    const bool has_ack = s->flags & TL_ACK;

    return p->frame && p->has_ack == has_ack && (!has_ack || p->ack == s->ack);
}

/* Where the segment goes: in the place of the one before with its ACK number, or of the oldest. */
static tl_passed *place_for(tl_passed passed[2], const tl_segment *s)
{
    for (int i = 0; i < 2; i++) {
        if (has_number(&passed[i], s))
            return &passed[i];
    }
    passed[1] = passed[0];
    passed[0] = (tl_passed){0};
    return &passed[0];
}

/* Since the first of the segments of which a RST would be made alike, if that could still be on its way. */
static uint32_t lead_over(const tl_passed *before, const pass *t)
{
    if (!before->frame)
        return 0;
    const int64_t gap = age_of(before, t);
    if (gap == TL_NO_TIME || gap > ANSWERED_WITHIN)
        return 0;
    const int64_t lead = before->lead + gap / 1000;
    return lead < LEAD_MAX ? (uint32_t)lead : LEAD_MAX;
}

/* A bare ACK right after the other end's RST answers that (RFC 5961, 3.2); so does a RST made of it. */
static bool answers_rst(const pass *t)
{
    const tl_resets *resets = connection_resets(t->c);

    if (t->s->flags & TL_RST)
        return t->r->answered == TL_ANSWERED_RST;
    return resets && resets->unanswered[!t->s->side] && kind_of(t) == TL_ANSWERED_ACK;
}

/* Nobody is to answer a RST: what else has the same number and no answer yet comes first. */
static bool hides_nothing(const pass *t, const tl_passed *before)
{
    return !(t->s->flags & TL_RST) || !before->frame || before->has_rst ||
           before->answered == TL_ANSWERED_RST;
}

static void remember(pass *t)
{
    if (!t->c->alive && kind_of(t) == TL_ANSWERED_SYN)
        return;
    tl_passed *place = place_for(memory_of(t)->passed[t->s->side], t->s);
    if (!hides_nothing(t, place))
        return;
    *place = (tl_passed){
        .idle = tl_time_of(t->content == TL_NO_TIME ? TL_NO_TIME : t->now - t->content),
        .frame = t->s->frame,
        .next = t->s->seq + t->s->length + !!(t->s->flags & TL_SYN) + !!(t->s->flags & TL_FIN),
        .ack = t->s->ack,
        .lead = lead_over(place, t),
        .answered = kind_of(t),
        .has_ack = t->s->flags & TL_ACK,
        .is_reply = answers_rst(t),
    };
    set_since(place, t->now - t->c->start);
}

/* ---- A RST ---- */

static bool is_made_of(const tl_segment *rst, const tl_passed *p)
{
    if (!p->frame)
        return false;
    if (rst->flags & TL_ACK)
        return !p->has_ack && rst->seq == 0 && rst->ack == p->next;
    return p->has_ack && rst->seq == p->ack;
}

/* The last one of the receiver's segments that the RST is made of; NULL: none. */
static tl_passed *find_answered(pass *t)
{
    tl_passed *found = NULL;

    for (int i = 0; i < 2 && t->c->alive; i++) {
        tl_passed *p = &memory_of(t)->passed[!t->s->side][i];
        if (is_made_of(t->s, p) && (!found || found->frame < p->frame))
            found = p;
    }
    return found;
}

/* The receiver's last segment with this ACK number; NULL: it is none of its last two. */
static const tl_passed *find_acknowledging(pass *t, uint32_t number)
{
    for (int i = 0; i < 2; i++) {
        const tl_passed *p = &memory_of(t)->passed[!t->s->side][i];
        if (p->has_ack && p->ack == number)
            return p;
    }
    return NULL;
}

tl_moment pass_find_crossing(pass *t)
{
    const tl_passed *found = find_acknowledging(t, t->x->nxt);
    const int64_t age = found ? age_of(found, t) : TL_NO_TIME;

    if (age == TL_NO_TIME || pass_knew(t, t->now - age))
        return (tl_moment){0};
    return (tl_moment){.frame = found->frame, .time = tl_time_of(t->now - age)};
}

static bool is_own(const pass *t)
{
    uint32_t next;

    return t->s->flags & TL_ACK && !t->x->borrowed && end_known_next(t->x, t->y, &next) && t->s->seq == next;
}

static bool is_too_early(const pass *t, const tl_passed *answered)
{
    const int64_t age = age_of(answered, t);
    const int64_t waited = age + (int64_t)answered->lead * 1000;

    return t->x->rtt != NO_RTT && !t->x->rtt_is_bound && age != TL_NO_TIME && answered->lead < LEAD_MAX &&
           waited + EARLY_MARGIN <= (int64_t)t->x->rtt * 500;
}

/* Each end answers what answers a RST of its own. */
static void count_loop(pass *t)
{
    tl_resets *resets = resets_of(t);

    if (resets->loops < LOOPS && ++resets->loops == LOOPS)
        pass_raise(t, TL_EVENT_RESET_LOOP, 0);
}

void pass_trace_rst(pass *t)
{
    tl_passed *answered = find_answered(t);
    const bool own = is_own(t);

    t->r->form = own == !!answered ? TL_FORM_NONE : own ? TL_FORM_OWN : TL_FORM_ANSWER;
    if (!answered)
        return;
    t->r->answers = answered->frame;
    t->r->answered = (tl_answered)answered->answered;
    t->r->idle_before = tl_ns(answered->idle);
    answered->has_rst = true;
    if (is_too_early(t, answered))
        pass_testify(t, TL_EVIDENCE_TOO_EARLY, 0);
    if (answered->is_reply)
        count_loop(t);
}

void pass_keep_rst(pass *t)
{
    tl_resets *resets = resets_of(t);
    const tl_report *r = t->r;
    const tl_rst rst = {
        .idle = r->idle,
        .idle_before = r->idle_before,
        .frame = t->s->frame,
        .answers = r->answers,
        .ttl_delta = r->ttl_delta,
        .has_ttl_delta = r->has_ttl_delta,
        .verdict = (uint8_t)r->verdict,
        .form = (uint8_t)r->form,
        .answered = (uint8_t)r->answered,
        .evidence = r->evidence,
    };

    if (!resets->count++)
        resets->first = rst;
    if (!claim_stands(t->c) || t->c->claim->passed.frame == t->s->frame)
        resets->last = rst;
    resets->ttl[t->s->side] = t->s->ttl;
    resets->ttl_of[t->s->side] = t->s->has_ttl && !r->has_ttl_delta ? t->s->frame : 0;
}

/* ---- Evidence ---- */

void pass_testify(pass *t, tl_evidence evidence, uint32_t rst)
{
    const uint8_t bit = (uint8_t)(1u << evidence);
    const bool hidden = t->hidden;
    tl_resets *resets = connection_resets(t->c);

    t->hidden = t->c->replaced; /* it is of the RST, which may be what hides the rest */
    pass_raise(t, tl_evidence_event(evidence), 0);
    t->hidden = hidden;
    t->r->evidence |= bit;
    if (!resets || !rst)
        return;
    if (resets->first.frame == rst)
        resets->first.evidence |= bit;
    if (resets->last.frame == rst)
        resets->last.evidence |= bit;
}

bool pass_is_in_loop(const pass *t)
{
    const tl_resets *resets = connection_resets(t->c);

    return resets && resets->loops >= LOOPS;
}

/* A RST that came before anything else of its sender is held against the first that follows. */
static void compare_ttl_afterwards(pass *t)
{
    tl_resets *resets = connection_resets(t->c);
    const uint8_t side = t->s->side;

    if (!resets->ttl_of[side] || !t->s->has_ttl)
        return;
    const int delta = resets->ttl[side] - t->s->ttl;
    if (delta < -2 || delta > 2)
        pass_testify(t, TL_EVIDENCE_TTL, resets->ttl_of[side]);
    resets->ttl_of[side] = 0;
}

void pass_remember(pass *t)
{
    const uint8_t side = t->s->side;

    if (t->c->packets[side] < UINT32_MAX)
        t->c->packets[side]++;
    tl_resets *resets = connection_resets(t->c);
    if (resets && !(t->s->flags & TL_RST))
        compare_ttl_afterwards(t);
    remember(t);
    if (!resets)
        return;
    resets->unanswered[side] = t->s->flags & TL_RST;
    resets->unanswered[!side] = false;
}

/* ---- Windows ---- */

void pass_note_window(pass *t)
{
    const uint8_t side = t->s->side;
    const bool is_closed = t->s->window == 0;

    if (is_closed == (connection_extras(t->c)->windows.since[side] != TL_NO_TIME))
        return;
    tl_windows *w = &pass_extras(t)->windows;
    if (!is_closed)
        w->total[side] += t->now - w->since[side];
    t->opens = !is_closed;
    w->since[side] = is_closed ? t->now : TL_NO_TIME;
    w->probes[!side] = 0;
}

void pass_note_window_probe(pass *t)
{
    const uint8_t side = t->s->side;
    const int64_t since = connection_extras(t->c)->windows.since[!side];

    if (since == TL_NO_TIME || !pass_knew(t, since))
        return; /* was on its way when it was closed */
    uint8_t *probes = &pass_extras(t)->windows.probes[side];
    if (*probes < UINT8_MAX)
        ++*probes;
}

bool pass_was_kept_waiting(const pass *t)
{
    const tl_windows *w = &connection_extras(t->c)->windows;

    return w->since[!t->s->side] != TL_NO_TIME && w->probes[t->s->side] >= PROBES;
}
