/* fuzz.c
 * Random segments into the core; what must hold after each of them.
 *
 * The bytes of an input are read as a conversation: most numbers are near those
 * that the two ends are at, so that the machine is entered and not only knocked
 * at. Some segments come again, as copies or as repetitions, or change places with
 * the next; some are ICMP errors. Four listen:
 *
 *   plain   to the segments as they are
 *   twin    with the ends swapped and all numbers moved round 2^32
 *   twice   to a copy of each as well, where a copy can be told
 *   slow    to the segments as they are, none of which goes the short way
 *
 * All must say the same, of the same connection.
 *
 * Alone it plays random inputs: fuzz [HOW MANY [SEED]], or those in files: fuzz
 * FILE ... With -DLIBFUZZER it is libFuzzer's. A failure prints the commands that
 * show it, for replay.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"

enum { MAX_COMMANDS = 512, BYTES_PER_SEGMENT = 10 };

/* How far the twin's numbers are moved, by the end whose numbers they are. */
static const uint32_t shift[2] = {0xfffffc00u, 0x7ffffe00u};

enum { CONNECTIONS_MAX = MAX_COMMANDS, HEAP_SIZE = 12 << 20 };

/* One of those that hear the same. */
typedef struct {
    tl_connections all;
    tl_connection *newest;
    tl_connection *heard; /* the one that the last segment belongs to */
    tl_connection *connection[CONNECTIONS_MAX];
    tl_report report;
} listener;

static struct {
    listener plain, twin, twice, slow;
    listener *present; /* who allocates */
    /* Of each connection: the report of its segment before; valid once it has had one. */
    tl_report before[CONNECTIONS_MAX];
    bool has_before[CONNECTIONS_MAX];
    tl_facts told[CONNECTIONS_MAX];    /* and the facts then, of one pass */
    uint16_t held[CONNECTIONS_MAX][2]; /* the states that its ends have been in, as bits, by role */
    tl_segment segment;
    tl_segment held_back; /* with has_held_back: comes after the next one */
    bool has_held_back;
    uint32_t next[2]; /* the next number of each end, as a good end would count */
    uint32_t frames;
    int64_t first, last; /* the least and the greatest time */
    char commands[MAX_COMMANDS][128];
    unsigned command_count;
    _Alignas(16) char heap[HEAP_SIZE];
    size_t heap_used;
} run;

/* A heap that is emptied at once: each conversation begins with zeroes. */
static void *allocate(size_t size)
{
    void *memory = run.heap + run.heap_used;

    run.heap_used += (size + 15) / 16 * 16;
    if (run.heap_used > HEAP_SIZE)
        abort();
    return memory;
}

static tl_connection *make(uint32_t number)
{
    return run.present->connection[number] = allocate(sizeof(tl_connection));
}

static void note_segment(const tl_segment *s)
{
    snprintf(run.commands[run.command_count++], sizeof run.commands[0],
             "segment %" PRId64 " %u %u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %u %d %" PRId64
             " %d %d",
             s->time, s->side, s->flags, s->seq, s->ack, s->length, s->window, s->ttl, s->lower_port,
             s->has_sack ? s->sack : INT64_C(-1), s->has_id ? s->id : -1, s->has_checksum ? s->checksum : -1);
}

static void note_rejection(const tl_rejection *r)
{
    snprintf(run.commands[run.command_count++], sizeof run.commands[0], "icmp %" PRId64 " %u %" PRIu32 " %u",
             r->time, r->side, r->seq, r->error);
}

static void note_time(int64_t time)
{
    if (time > run.last)
        run.last = time;
    if (time < run.first)
        run.first = time;
}

static void fail(const char *what, int line)
{
    printf("fuzz.c:%d: does not hold: %s\ncapture %" PRId64 "\n", line, what, INT64_C(30000000000));
    for (unsigned i = 0; i < run.command_count; i++)
        puts(run.commands[i]);
    fflush(stdout);
    abort();
}

#define check(condition)                \
    do {                                \
        if (!(condition))               \
            fail(#condition, __LINE__); \
    } while (0)

#define implies(a, b) (!(a) || (b))

static bool is_one_of(const char *value, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(value, *list) == 0)
            return true;
    return false;
}

static bool is_borrowed(const tl_connection *c, tl_role role)
{
    return c->end[role == TL_CLIENT ? c->client : !c->client].borrowed;
}

/* The ends that have not spoken in a connection have the states of the one before. */
static bool is_chained(const tl_connection *c, tl_role role)
{
    return run.has_before[c->number] && !is_borrowed(c, role);
}

static void check_transitions(const tl_report *r, const bool chained[2])
{
    const tl_connection *c = run.plain.heard;
    const tl_report *before = &run.before[c->number];
    tcp_state at[2] = {before->state[0], before->state[1]};

    if (!run.has_before[c->number] && run.segment.flags & TL_RST) /* whatever that ended was open */
        run.held[c->number][0] = run.held[c->number][1] = 1u << TCP_ESTABLISHED;
    check(r->transitions <= TL_MAX_TRANSITIONS);
    for (unsigned i = 0; i < r->transitions; i++) {
        const tl_transition *t = &r->transition[i];
        check(t->from != t->to);
        check(implies(chained[t->role], t->from == at[t->role]));
        check(t->undone || tcp_is_edge(t->from, t->to));
        check(implies(t->undone, t->held == TL_NO_TIME));
        check(t->held >= 0 || t->held == TL_NO_TIME);
        /* Beneath a claim moves pass unsaid. */
        check(implies(t->undone && !c->claim && !is_borrowed(c, t->role),
                      run.held[c->number][t->role] & 1u << t->to));
        run.held[c->number][t->role] |= (uint16_t)(1u << t->from | 1u << t->to);
        at[t->role] = t->to;
    }
    for (int role = 0; role < 2; role++) {
        check(implies(chained[role], at[role] == r->state[role]));
        run.held[c->number][role] |= (uint16_t)(1u << r->state[role]);
    }
}

static void check_events(const tl_report *r)
{
    check(r->raised <= TL_MAX_RAISED);
    for (unsigned i = 0; i < r->raised; i++) {
        check(r->event[i].event < TL_EVENT_COUNT);
        for (unsigned j = 0; j < i; j++)
            check(r->event[j].event != r->event[i].event);
    }
}

static bool is_over(tcp_state state)
{
    return state == TCP_CLOSED || state == TCP_TIME_WAIT;
}

/* The phase is a function of the pair, where both ends have spoken in this connection, and none is closed:
 * that may have been by a RST which the other end did not take. One that was replaced stays as it was. */
static void check_pair(const tl_report *r)
{
    static const char *const phase[][3] = {
        /* the phase, and the pair in either order */
        {"SYN_RECEIVED", "SYN_SENT", "SYN_SENT"},
        {"SYN_RECEIVED", "SYN_SENT", "SYN_RECEIVED"},
        {"SYN_RECEIVED", "SYN_SENT", "ESTABLISHED"},
        {"SYN_RECEIVED", "SYN_RECEIVED", "SYN_RECEIVED"},
        {"SYN_RECEIVED", "SYN_RECEIVED", "ESTABLISHED"},
        {"ESTABLISHED", "ESTABLISHED", "ESTABLISHED"},
        {"FIN_WAIT_1", "FIN_WAIT_1", "SYN_SENT"},
        {"FIN_WAIT_1", "FIN_WAIT_1", "SYN_RECEIVED"},
        {"FIN_WAIT_1", "FIN_WAIT_1", "ESTABLISHED"},
        {"FIN_WAIT_1", "FIN_WAIT_1", "CLOSE_WAIT"}, /* whose ACK was lost */
        {"FIN_WAIT_2", "FIN_WAIT_2", "CLOSE_WAIT"},
        {"CLOSING", "FIN_WAIT_1", "FIN_WAIT_1"},
        {"CLOSING", "FIN_WAIT_1", "CLOSING"},
        {"CLOSING", "FIN_WAIT_2", "CLOSING"},
        {"LAST_ACK", "FIN_WAIT_1", "LAST_ACK"}, /* whose ACK was lost */
        {"LAST_ACK", "FIN_WAIT_2", "LAST_ACK"},
        {"LAST_ACK", "TIME_WAIT", "LAST_ACK"}, /* likewise */
        {"CLOSING", "TIME_WAIT", "CLOSING"},
        {"CLOSING", "CLOSING", "CLOSING"},
        {"TIME_WAIT", "TIME_WAIT", "TIME_WAIT"},
    };
    const tl_connection *c = run.plain.heard;
    const char *one = tcp_state_name(r->state[0]), *other = tcp_state_name(r->state[1]);

    if (!r->has_states || c->replaced || c->end[0].borrowed || c->end[1].borrowed ||
        r->state[0] == TCP_CLOSED || r->state[1] == TCP_CLOSED)
        return;
    for (unsigned i = 0; i < sizeof phase / sizeof phase[0]; i++)
        if ((strcmp(phase[i][1], one) == 0 && strcmp(phase[i][2], other) == 0) ||
            (strcmp(phase[i][1], other) == 0 && strcmp(phase[i][2], one) == 0)) {
            check(strcmp(phase[i][0], tcp_state_name(r->phase)) == 0);
            return;
        }
    fail("a pair of states that cannot be", __LINE__);
}

static void check_phase(const tl_report *r)
{
    const tcp_state client = r->state[TL_CLIENT], server = r->state[TL_SERVER];

    check(r->phase <= TCP_TIME_WAIT && client <= TCP_TIME_WAIT && server <= TCP_TIME_WAIT);
    check(r->phase != TCP_LISTEN && r->phase != TCP_CLOSE_WAIT);
    check(implies(r->has_states, client != TCP_LISTEN));
    check(implies(!r->has_states, r->phase == TCP_CLOSED));
    check_pair(r);
    check(implies(r->phase == TCP_CLOSED, client == TCP_CLOSED || server == TCP_CLOSED));
    check(implies(r->phase == TCP_TIME_WAIT, is_over(client) && is_over(server)));
    check(implies(r->phase == TCP_ESTABLISHED, client != TCP_SYN_RECEIVED && server != TCP_SYN_RECEIVED));
}

static void check_rst(const tl_report *r)
{
    const bool is_rst = run.segment.flags & TL_RST;

    check((r->verdict != TL_VERDICT_NONE) == is_rst);
    check(implies(!is_rst, r->idle == TL_NO_TIME));
    check(r->idle >= 0 || r->idle == TL_NO_TIME);
    check(r->idle_before >= 0 || r->idle_before == TL_NO_TIME);
    check(implies(!is_rst, !r->answers && !r->form && r->idle_before == TL_NO_TIME));
    check(!r->answers == (r->answered == TL_ANSWERED_NONE));
    check(r->answers < run.segment.frame);
    check(implies(r->form == TL_FORM_ANSWER, r->answers) && implies(r->form == TL_FORM_OWN, !r->answers));
    check(r->evidence < 1 << TL_EVIDENCE_COUNT);
    check(implies(r->steps & 1 << TL_STEP_RST,
                  r->verdict == TL_VERDICT_ACCEPTED || r->verdict == TL_VERDICT_UNKNOWN));
}

static void check_report(const tl_report *r, const bool chained[2])
{
    const tl_connection *c = run.plain.heard;
    const tl_report *before = &run.before[c->number];
    const bool goes_on = run.has_before[c->number];
    const bool was_reset = before->late && r->phase == TCP_CLOSED; /* while it was replaced */

    check_phase(r);
    check_events(r);
    check_rst(r);
    check(r->sender == TL_CLIENT || r->sender == TL_SERVER);
    check(r->steps < 1 << TL_STEP_COUNT);
    check_transitions(r, chained);
    check(implies(r->late && goes_on, is_over(before->phase) || c->replaced || was_reset));
}

static void check_same(const tl_report *a, const tl_report *b)
{
    check(a->phase == b->phase && a->state[0] == b->state[0] && a->state[1] == b->state[1]);
    check(a->sender == b->sender && a->guessed == b->guessed && a->role_guessed == b->role_guessed);
    check(a->copy_of == b->copy_of && a->has_states == b->has_states);
    check(a->late == b->late && a->verdict == b->verdict && a->idle == b->idle && a->steps == b->steps);
    check(a->has_ttl_delta == b->has_ttl_delta && implies(a->has_ttl_delta, a->ttl_delta == b->ttl_delta));
    check(a->answers == b->answers && a->answered == b->answered && a->form == b->form);
    check(a->idle_before == b->idle_before && a->evidence == b->evidence);
    check(a->transitions == b->transitions && a->raised == b->raised);
    for (unsigned i = 0; i < a->transitions; i++) {
        const tl_transition *s = &a->transition[i], *t = &b->transition[i];
        check(s->role == t->role && s->from == t->from && s->to == t->to && s->undone == t->undone &&
              s->held == t->held);
    }
    for (unsigned i = 0; i < a->raised; i++) {
        const tl_raised *s = &a->event[i], *t = &b->event[i];
        check(s->event == t->event && s->warn == t->warn && s->number == t->number);
    }
}

/* What a copy of the last segment says: where it belongs, what holds, and nothing else. */
static void check_copy(const tl_report *copy, const tl_report *of)
{
    check(copy->copy_of == (of->copy_of ? of->copy_of : run.segment.frame));
    check(copy->phase == of->phase && copy->sender == of->sender && copy->has_states == of->has_states);
    check(copy->state[0] == of->state[0] && copy->state[1] == of->state[1]);
    check(copy->guessed == of->guessed && copy->role_guessed == of->role_guessed);
    check(!copy->late && copy->verdict == TL_VERDICT_NONE && copy->idle == TL_NO_TIME &&
          !copy->has_ttl_delta);
    check(!copy->steps && !copy->transitions && !copy->raised);
}

static bool is_span(int64_t span, int64_t longest)
{
    return span == TL_NO_TIME || (span >= 0 && span <= longest);
}

static bool claims_end(const tl_connection *c)
{
    return c->claim && c->claim->stands;
}

static void check_facts(const tl_connection *c, const tl_view *view)
{
    static const char *const silent_open[] = {"unanswered", "half-open", "overflow", "orphan", NULL};
    static const char *const closed[] = {"4-way",    "3-way", "simultaneous", "RST after FIN", "abort",
                                         "replaced", NULL};
    const tl_report *now = &run.plain.report;
    const int64_t since_start = view->end - run.first;
    tl_facts f;

    tl_get_facts(c, view, &f);
    /* What a RST gives up, and what opens nothing, is told at once. */
    check(implies(f.open && !view->whole && !claims_end(c) && now->has_states,
                  !is_one_of(f.open, silent_open)));
    check(implies(f.close && !view->whole, is_one_of(f.close, closed)));
    check(implies(f.open_failed, !f.close));
    check(implies(view->whole && !f.open_failed && !now->guessed && now->phase != TCP_CLOSED, f.close));
    check(implies(f.open_failed, !f.closed_by && f.close_time == TL_NO_TIME && !f.close_no_data &&
                                     f.half_close_time == TL_NO_TIME && !f.close_race));
    check(implies(f.one_sided && f.close && view->whole,
                  is_one_of(f.close, closed) || strcmp(f.close, "still open") == 0));
    check(is_span(f.open_time, since_start));
    check(is_span(f.open_server_time, since_start));
    check(is_span(f.open_client_time, since_start));
    check(is_span(f.close_time, since_start));
    check(is_span(f.half_close_time, since_start));
    check(is_span(f.lifetime, f.duration));
    check(is_span(f.duration, since_start));
    check(is_span(f.reuse_gap, since_start));
    check(f.keepalives_unanswered <= f.keepalives);
    check((f.reuse == TL_NO_CONNECTION) == !f.reuse_phase);
    for (int role = 0; role < 2; role++) {
        check(f.state[role] == now->state[role]);
        check(implies(!view->whole, f.held[role] == TL_NO_TIME));
        check(is_span(f.held[role], since_start));
        check(is_span(f.zero_window[role], f.duration));
        check(is_span(f.rtt[role], since_start));
    }
    for (int step = 0; step < TL_STEP_COUNT; step++)
        check(f.frame[step] <= run.frames);
}

static bool is_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same number of everything, but of copies. */
static void check_same_facts(const tl_facts *a, const tl_facts *b)
{
    check(is_equal(a->open, b->open) && a->open_failed == b->open_failed);
    check(a->open_time == b->open_time && a->open_server_time == b->open_server_time);
    check(a->open_client_time == b->open_client_time && a->open_syns == b->open_syns);
    check(is_equal(a->close, b->close) && is_equal(a->closed_by, b->closed_by));
    check(a->close_time == b->close_time && a->close_no_data == b->close_no_data);
    check(a->close_race == b->close_race && a->half_close_time == b->half_close_time);
    check(a->half_close_bytes == b->half_close_bytes && is_equal(a->reset_cause, b->reset_cause));
    check(is_equal(a->reset_sender, b->reset_sender) && is_equal(a->silence_side, b->silence_side));
    check(a->silence_time == b->silence_time && a->silence_repeats == b->silence_repeats);
    check(a->keepalives == b->keepalives && a->keepalives_unanswered == b->keepalives_unanswered);
    check(a->reuse == b->reuse && a->reuse_gap == b->reuse_gap && is_equal(a->reuse_phase, b->reuse_phase));
    check(a->start == b->start && a->duration == b->duration && a->lifetime == b->lifetime);
    check(a->one_sided == b->one_sided && a->has_states == b->has_states && a->phase == b->phase);
    for (int role = 0; role < 2; role++) {
        check(a->state[role] == b->state[role] && a->held[role] == b->held[role]);
        check(a->bytes[role] == b->bytes[role] && a->retransmitted[role] == b->retransmitted[role]);
        check(a->unacked[role] == b->unacked[role] && a->missing[role] == b->missing[role]);
    }
    check(memcmp(a->frame, b->frame, sizeof a->frame) == 0);
}

/* What the whole capture tells beyond one pass is silence, and nothing that one pass told is taken back. */
static void check_whole(const tl_connection *c)
{
    static const char *const from_silence[] = {
        "unanswered", "half-open",          "overflow",    "orphan", "silent",
        "still open", "FIN unacknowledged", "half-closed", NULL};
    tl_facts pass, whole;

    /* Where the capture ends with the connection, no challenged RST is followed by silence. */
    tl_get_facts(c, &(tl_view){.whole = false, .end = c->last}, &pass);
    tl_get_facts(c, &(tl_view){.whole = true, .end = c->last}, &whole);
    check(is_equal(pass.open, whole.open) || (!pass.open && is_one_of(whole.open, from_silence)));
    if (whole.open_failed && !pass.open_failed)
        return;
    check(is_equal(pass.close, whole.close) || (!pass.close && is_one_of(whole.close, from_silence)));
    check(is_equal(pass.closed_by, whole.closed_by) || !pass.closed_by);
    check(pass.close_race == whole.close_race || !pass.close_race);
    /* These are of the whole capture alone. */
    whole.open = pass.open;
    whole.close = pass.close;
    whole.closed_by = pass.closed_by;
    whole.close_race = pass.close_race;
    whole.silence_side = pass.silence_side;
    whole.silence_time = pass.silence_time;
    whole.silence_repeats = pass.silence_repeats;
    whole.keepalives_unanswered = pass.keepalives_unanswered;
    memcpy(whole.held, pass.held, sizeof whole.held);
    check_same_facts(&pass, &whole);
}

/* What is counted is counted once, and stays. */
static void check_counts(const tl_connection *c)
{
    tl_facts f, *before = &run.told[c->number];

    tl_get_facts(c, &(tl_view){.whole = false, .end = run.last}, &f);
    check(f.has_states == run.plain.report.has_states && f.phase == run.plain.report.phase);
    if (run.has_before[c->number]) {
        check(f.start == before->start && f.duration >= before->duration && f.copies >= before->copies);
        check(f.open_syns >= before->open_syns && f.keepalives >= before->keepalives);
        check(f.half_close_bytes >= before->half_close_bytes);
        check(f.reset_count >= before->reset_count);
        for (int role = 0; role < 2; role++) {
            check(f.retransmitted[role] >= before->retransmitted[role]);
            check(f.packets[role] >= before->packets[role]);
        }
    }
    *before = f;
}

static void listen(listener *l, const tl_segment *s)
{
    run.present = l;
    memset(&l->report, 0xff, sizeof l->report);
    l->heard = tl_connections_follow(&l->all, &l->newest, s, &l->report);
}

/* Whether each segment comes once or twice. */
static void hear_twice(const tl_segment *s)
{
    const uint32_t number = run.plain.heard->number;
    tl_facts once, twice;

    listen(&run.twice, s);
    check(run.twice.heard->number == number);
    check_same(&run.plain.report, &run.twice.report);
    if (s->has_checksum && s->has_id) {
        const tl_report first = run.twice.report;
        listen(&run.twice, s);
        check(run.twice.heard->number == number);
        check_copy(&run.twice.report, &first);
    }
    for (int whole = 0; whole < 2; whole++) {
        const tl_view view = {.whole = whole, .end = run.last + whole * INT64_C(2000000000)};
        tl_get_facts(run.plain.heard, &view, &once);
        tl_get_facts(run.twice.heard, &view, &twice);
        check_same_facts(&once, &twice);
    }
}

static bool is_same_memory(const void *a, const void *b, size_t size)
{
    return !a == !b && (!a || memcmp(a, b, size) == 0);
}

/* All that is remembered of two connections is the same, but for where it is. */
static void check_same_memory(const tl_connection *a, const tl_connection *b)
{
    tl_connection one = *a, other = *b;

    for (int side = 0; side < 2; side++) {
        check(is_same_memory(one.end[side].gaps, other.end[side].gaps, sizeof *one.end[side].gaps));
        one.end[side].gaps = other.end[side].gaps = NULL;
    }
    check(is_same_memory(one.exchange, other.exchange, sizeof *one.exchange));
    check(is_same_memory(one.memory, other.memory, sizeof *one.memory));
    check(is_same_memory(one.claim, other.claim, offsetof(tl_claim, beside)));
    if (one.claim)
        check(is_same_memory(one.claim->beside, other.claim->beside, offsetof(tl_claim, beside)));
    one.exchange = other.exchange = NULL;
    one.memory = other.memory = NULL;
    one.claim = other.claim = NULL;
    one.extras = other.extras = NULL;
    one.attempt.others = other.attempt.others = NULL;
    check(is_same_memory(&one, &other, sizeof one));
}

/* Whether it goes the short way or the long one. */
static void hear_slowly(const tl_segment *s)
{
    listen(&run.slow, s);
    check(run.slow.heard->number == run.plain.heard->number);
    check_same(&run.plain.report, &run.slow.report);
    check_same_memory(run.plain.heard, run.slow.heard);
}

static bool hear_rejection(listener *l, const tl_rejection *r)
{
    run.present = l;
    memset(&l->report, 0xff, sizeof l->report);
    l->heard = tl_connections_reject(&l->all, l->newest, r, &l->report);
    return l->heard;
}

/* Only an opener's own SYN can be rejected, which closes it. */
static void reject(const tl_rejection *r)
{
    tl_rejection twin = *r;

    twin.side = !r->side;
    twin.seq += shift[r->side];
    note_rejection(r);
    note_time(r->time);
    const bool decides = hear_rejection(&run.plain, r);
    check(decides == hear_rejection(&run.twin, &twin) && decides == hear_rejection(&run.twice, r) &&
          decides == hear_rejection(&run.slow, r));
    if (!decides)
        return;
    const tl_report *said = &run.plain.report;
    const uint32_t number = run.plain.heard->number;
    tl_report *before = &run.before[number];
    check(number == run.twin.heard->number && number == run.twice.heard->number);
    check(said->transitions == 1 && said->raised == 1 && said->event[0].number == r->error);
    check(said->event[0].event == TL_EVENT_OPEN_ICMP_REJECTED);
    check(said->transition[0].from == TCP_SYN_SENT && said->transition[0].to == TCP_CLOSED);
    check(before->phase == TCP_SYN_SENT && before->state[said->transition[0].role] == TCP_SYN_SENT);
    before->phase = TCP_CLOSED;
    before->state[said->transition[0].role] = TCP_CLOSED;
    run.held[number][said->transition[0].role] |= 1u << TCP_CLOSED;
}

static void follow(const tl_segment *s)
{
    tl_segment twin = *s;

    twin.side = !s->side;
    twin.seq += shift[s->side];
    twin.ack += shift[!s->side];
    twin.sack += shift[!s->side];
    note_segment(s);
    run.segment = *s;
    note_time(s->time);

    bool was_chained[CONNECTIONS_MAX][2] = {{false}};
    for (uint32_t i = 0; i < run.plain.all.count; i++) {
        was_chained[i][TL_CLIENT] = is_chained(run.plain.connection[i], TL_CLIENT);
        was_chained[i][TL_SERVER] = is_chained(run.plain.connection[i], TL_SERVER);
    }
    listen(&run.plain, s);
    listen(&run.twin, &twin);
    const tl_connection *c = run.plain.heard;
    check(c->number == run.twin.heard->number);
    check_same(&run.plain.report, &run.twin.report);
    const int64_t msl = run.plain.all.world.settings.msl;
    hear_twice(s);
    hear_slowly(s);
    if (run.plain.report.copy_of == 0)
        check_report(&run.plain.report, was_chained[c->number]);
    check_counts(c);
    check_whole(c);
    check_facts(c, &(tl_view){.whole = false, .end = run.last, .msl = msl});
    check_facts(c, &(tl_view){.whole = true, .end = run.last, .msl = msl});
    check_facts(c, &(tl_view){.whole = true, .end = run.last + INT64_C(2000000000), .msl = msl});

    if (run.plain.report.copy_of != 0)
        return; /* it tells nothing new, and not whether what it is a copy of was late */
    run.has_before[c->number] = true;
    run.before[c->number] = run.plain.report;
}

/* A number near @p n, most of the time n itself. */
static uint32_t near(uint32_t n, uint8_t how)
{
    static const int32_t away[16] = {[8] = -1, 1, -100, 100, -1000, 5000, 70000, 1 << 30};

    return n + (uint32_t)away[how & 15];
}

static void begin_capture(void)
{
    memset(run.heap, 0, run.heap_used);
    run.heap_used = 0;
    memset(run.has_before, 0, sizeof run.has_before);
    memset(run.held, 0, sizeof run.held);
    run.has_held_back = false;
    run.plain = run.twin = run.twice = (listener){
        .all = {.world = {.settings = {.msl = INT64_C(30000000000)}, .allocate = allocate}, .make = make}};
    run.slow = run.plain;
    run.slow.all.world.thorough = true;
    run.frames = run.command_count = 0;
    run.next[0] = 1000;
    run.next[1] = 5000;
    run.first = run.last = 0;
}

static void pass_by(tl_segment *s)
{
    s->frame = ++run.frames;
    follow(s);
}

/* The segment passes; at once, or after the next one. Or it passes twice: with its identification, so
 * that the second is a copy, or with another, so that it is a repetition. */
static void pass_on(tl_segment *s, uint8_t how)
{
    tl_segment held_back = run.held_back;
    const bool has_held_back = run.has_held_back;

    run.has_held_back = (how & 0x0f) == 1 && !has_held_back;
    if (run.has_held_back) {
        run.held_back = *s;
        return;
    }
    pass_by(s);
    if ((how & 0x0f) == 2 || (how & 0x0f) == 3) {
        if (how & 1)
            s->id ^= 0x8000;
        pass_by(s);
    }
    if (has_held_back) {
        held_back.time = s->time;
        pass_by(&held_back);
    }
}

static void play(const uint8_t *data, size_t size)
{
    static const int64_t delays[16] = {0,         1000000,    1000000,    1000000,    10000000,  10000000,
                                       10000000,  30000000,   30000000,   100000000,  100000000, 300000000,
                                       999999999, 1000000000, 5000000000, 61000000000};
    static const uint16_t flags[16] = {TL_ACK,          TL_ACK, TL_ACK,          TL_ACK,
                                       TL_ACK,          TL_ACK, TL_FIN | TL_ACK, TL_FIN | TL_ACK,
                                       TL_FIN | TL_ACK, TL_SYN, TL_SYN,          TL_SYN | TL_ACK,
                                       TL_SYN | TL_ACK, TL_RST, TL_RST | TL_ACK, 0xff};
    static const uint32_t lengths[8] = {0, 0, 0, 0, 0, 1, 100, 1460};
    static const uint32_t windows[8] = {64240, 64240, 64240, 64240, 64240, 0, 1, 1 << 30};
    tl_segment s = {0};
    int64_t time = 0;
    const bool has_checksums = size > 0 && data[0] < 0x20; /* in few: copies take much memory */

    begin_capture();
    for (; size >= BYTES_PER_SEGMENT && run.command_count < MAX_COMMANDS - 2;
         data += BYTES_PER_SEGMENT, size -= BYTES_PER_SEGMENT) {
        const uint8_t side = data[0] & 1;

        if (data[9] >= 0xf8) {
            reject(&(tl_rejection){.time = time,
                                   .frame = ++run.frames,
                                   .seq = near(run.next[side] - 1, data[2]),
                                   .side = side,
                                   .error = 3 << 8 | 1});
            continue;
        }
        s = (tl_segment){
            .time = time,
            .flags = flags[data[1] & 15],
            .seq = near(run.next[side], data[2]),
            .ack = near(run.next[!side], data[3]),
            .length = lengths[data[4] & 7],
            .window = windows[data[5] & 7],
            .sack = near(run.next[!side], data[8] >> 4),
            .side = side,
            .lower_port = side ^ (data[6] & 1),
            .ttl = data[6],
            .has_ttl = data[6],
            .has_sack = (data[8] & 15) == 0,
            .id = (uint16_t)(run.frames + 1),
            .checksum = (uint16_t)(run.frames + 1),
            .has_id = data[8] & 1,
            .has_checksum = has_checksums && data[8] & 3,
        };
        /* Some of the SYNs come again as they were. */
        if (s.flags == TL_SYN && data[0] >= 0x80 && run.plain.newest)
            s.seq = run.plain.newest->end[side].isn;
        /* A RST with an ACK and the number 0 is of another form than one with its sender's number. */
        if ((s.flags & (TL_RST | TL_ACK)) == (TL_RST | TL_ACK) && (s.seq == 0 || s.seq + shift[side] == 0))
            s.seq++;
        if (!(data[2] & 8) && !(s.flags & TL_RST))
            run.next[side] += s.length + !!(s.flags & TL_SYN) + !!(s.flags & TL_FIN);
        pass_on(&s, data[9]);
        time = data[7] >= 0xfe ? time - 2000000000 : time + delays[data[7] & 15];
    }
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play(data, size);
    return 0;
}

#else

/* xorshift64*: the same numbers everywhere. */
static uint8_t random_byte(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint8_t)(*state * UINT64_C(2685821657736338717) >> 56);
}

static void play_random(long inputs, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 793; /* not 0 for any likely seed */
    uint8_t data[40 * BYTES_PER_SEGMENT];

    for (long i = 0; i < inputs; i++) {
        for (size_t j = 0; j < sizeof data; j++)
            data[j] = random_byte(&state);
        play(data, sizeof data / (1 + i % 4));
    }
    printf("%ld conversations\n", inputs);
}

static bool play_file(const char *path)
{
    static uint8_t data[MAX_COMMANDS * BYTES_PER_SEGMENT];
    FILE *file = fopen(path, "rb");

    if (!file)
        return false;
    play(data, fread(data, 1, sizeof data, file));
    fclose(file);
    return true;
}

int main(int argc, char **argv)
{
    char *end = "";
    const long inputs = argc > 1 ? strtol(argv[1], &end, 10) : 20000;

    if (*end == '\0') {
        play_random(inputs, argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
        return EXIT_SUCCESS;
    }
    for (int i = 1; i < argc; i++)
        if (!play_file(argv[i]))
            return EXIT_FAILURE;
    printf("%d files\n", argc - 1);
    return EXIT_SUCCESS;
}

#endif
