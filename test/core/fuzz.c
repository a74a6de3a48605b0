/* fuzz.c
 * Random segments into the core; what must hold after each of them.
 *
 * The bytes of an input are read as a conversation: most numbers are near those
 * that the two ends are at, so that the machine is entered and not only knocked
 * at. Each segment is heard twice: as it is, and with the ends swapped and all
 * numbers moved round 2^32. Both must say the same, of the same connection.
 *
 * Alone it plays inputs from a fixed seed: fuzz [HOW MANY]. With -DLIBFUZZER it
 * is libFuzzer's. A failure prints the commands that show it, for replay.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"

enum { MAX_COMMANDS = 512, BYTES_PER_SEGMENT = 8 };

/* How far the twin's numbers are moved, by the end whose numbers they are. */
static const uint32_t shift[2] = {0xfffffc00u, 0x7ffffe00u};

enum { CONNECTIONS_MAX = MAX_COMMANDS, HEAP_SIZE = 1 << 20 };

/* One of the two that hear the same. */
typedef struct {
    tl_connections all;
    tl_connection *newest;
    tl_connection *heard; /* the one that the last segment belongs to */
    tl_connection *connection[CONNECTIONS_MAX];
    tl_report report;
} listener;

static struct {
    listener plain, twin;
    listener *present; /* who allocates */
    /* Of each connection: the report of its segment before; valid once it has had one. */
    tl_report before[CONNECTIONS_MAX];
    bool has_before[CONNECTIONS_MAX];
    tl_segment segment;
    uint32_t next[2]; /* the next number of each end, as a good end would count */
    uint32_t frames;
    int64_t first, last; /* the least and the greatest time */
    char commands[MAX_COMMANDS][96];
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
             "segment %" PRId64 " %u %u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %u %d", s->time,
             s->side, s->flags, s->seq, s->ack, s->length, s->window, s->ttl, s->lower_port);
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

/* The ends that have not spoken in a connection have the states of the one before. */
static bool is_chained(const tl_connection *c, tl_role role)
{
    return run.has_before[c->number] && !c->end[role == TL_CLIENT ? c->client : !c->client].borrowed;
}

static void check_transitions(const tl_report *r, const bool chained[2])
{
    const tl_report *before = &run.before[run.plain.heard->number];
    tcp_state at[2] = {before->state[0], before->state[1]};

    check(r->transitions <= TL_MAX_TRANSITIONS);
    for (unsigned i = 0; i < r->transitions; i++) {
        const tl_transition *t = &r->transition[i];
        check(t->from != t->to);
        check(implies(chained[t->role], t->from == at[t->role]));
        check(t->undone || tcp_is_edge(t->from, t->to));
        check(implies(t->undone, t->held == TL_NO_TIME));
        check(t->held >= 0 || t->held == TL_NO_TIME);
        at[t->role] = t->to;
    }
    for (int role = 0; role < 2; role++)
        check(implies(chained[role], at[role] == r->state[role]));
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

static void check_phase(const tl_report *r)
{
    const tcp_state client = r->state[TL_CLIENT], server = r->state[TL_SERVER];

    check(r->phase <= TCP_TIME_WAIT && client <= TCP_TIME_WAIT && server <= TCP_TIME_WAIT);
    check(r->phase != TCP_LISTEN && r->phase != TCP_CLOSE_WAIT);
    check(implies(r->has_states, client != TCP_LISTEN));
    check(implies(!r->has_states, r->phase == TCP_CLOSED));
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
    const bool goes_on = run.has_before[c->number];

    check_phase(r);
    check_events(r);
    check_rst(r);
    check(r->sender == TL_CLIENT || r->sender == TL_SERVER);
    check(r->steps < 1 << TL_STEP_COUNT);
    check_transitions(r, chained);
    check(implies(r->late && goes_on, is_over(run.before[c->number].phase) || c->replaced));
}

static void check_same(const tl_report *a, const tl_report *b)
{
    check(a->phase == b->phase && a->state[0] == b->state[0] && a->state[1] == b->state[1]);
    check(a->sender == b->sender && a->guessed == b->guessed && a->role_guessed == b->role_guessed);
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
    static const char *const closed[] = {"4-way", "3-way",    "simultaneous", "RST after FIN",
                                         "abort", "replaced", NULL};
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

static void listen(listener *l, const tl_segment *s)
{
    run.present = l;
    memset(&l->report, 0xff, sizeof l->report);
    l->heard = tl_connections_follow(&l->all, &l->newest, s, &l->report);
}

static void follow(const tl_segment *s)
{
    tl_segment twin = *s;

    twin.side = !s->side;
    twin.seq += shift[s->side];
    twin.ack += shift[!s->side];
    note_segment(s);
    run.segment = *s;
    if (s->time > run.last)
        run.last = s->time;
    if (s->time < run.first)
        run.first = s->time;

    bool was_chained[CONNECTIONS_MAX][2] = {{false}};
    for (uint32_t i = 0; i < run.plain.all.count; i++) {
        was_chained[i][TL_CLIENT] = is_chained(run.plain.connection[i], TL_CLIENT);
        was_chained[i][TL_SERVER] = is_chained(run.plain.connection[i], TL_SERVER);
    }
    listen(&run.plain, s);
    listen(&run.twin, &twin);
    const tl_connection *c = run.plain.heard;
    check(c->number == run.twin.heard->number);
    check_report(&run.plain.report, was_chained[c->number]);
    check_same(&run.plain.report, &run.twin.report);
    check_facts(c, &(tl_view){.whole = false, .end = run.last});
    check_facts(c, &(tl_view){.whole = true, .end = run.last});
    check_facts(c, &(tl_view){.whole = true, .end = run.last + INT64_C(2000000000)});

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
    run.plain = run.twin = (listener){
        .all = {.world = {.settings = {.msl = INT64_C(30000000000)}, .allocate = allocate}, .make = make}};
    run.frames = run.command_count = 0;
    run.next[0] = 1000;
    run.next[1] = 5000;
    run.first = run.last = 0;
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
    int64_t time = 0;

    begin_capture();
    for (; size >= BYTES_PER_SEGMENT && run.command_count < MAX_COMMANDS - 1;
         data += BYTES_PER_SEGMENT, size -= BYTES_PER_SEGMENT) {
        const uint8_t side = data[0] & 1;
        tl_segment s = {
            .time = time,
            .frame = ++run.frames,
            .flags = flags[data[1] & 15],
            .seq = near(run.next[side], data[2]),
            .ack = near(run.next[!side], data[3]),
            .length = lengths[data[4] & 7],
            .window = windows[data[5] & 7],
            .side = side,
            .lower_port = side ^ (data[6] & 1),
            .ttl = data[6],
            .has_ttl = data[6],
        };

        /* Some of the SYNs come again as they were. */
        if (s.flags == TL_SYN && data[0] >= 0x80 && run.plain.newest)
            s.seq = run.plain.newest->end[side].isn;
        /* A RST with an ACK and the number 0 is of another form than one with its sender's number. */
        if ((s.flags & (TL_RST | TL_ACK)) == (TL_RST | TL_ACK) && (s.seq == 0 || s.seq + shift[side] == 0))
            s.seq++;
        follow(&s);
        if (!(data[2] & 8) && !(s.flags & TL_RST))
            run.next[side] += s.length + !!(s.flags & TL_SYN) + !!(s.flags & TL_FIN);
        if (data[7] >= 0xfe)
            time -= 2000000000;
        else
            time += delays[data[7] & 15];
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
static uint8_t random_byte(void)
{
    static uint64_t state = 793;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint8_t)(state * UINT64_C(2685821657736338717) >> 56);
}

int main(int argc, char **argv)
{
    long inputs = argc > 1 ? atol(argv[1]) : 20000;
    uint8_t data[40 * BYTES_PER_SEGMENT];

    for (long i = 0; i < inputs; i++) {
        for (size_t j = 0; j < sizeof data; j++)
            data[j] = random_byte();
        play(data, sizeof data / (1 + i % 4));
    }
    printf("%ld conversations\n", inputs);
    return EXIT_SUCCESS;
}

#endif
