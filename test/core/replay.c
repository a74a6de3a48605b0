/* replay.c
 * Plays segments to the core and prints what it makes of them, for tests in
 * Python. It judges nothing.
 *
 * Commands, one per line on stdin; an answer is one line of JSON on stdout:
 *
 *   capture <msl ns>          begin anew, with these settings; no answer
 *   segment <time ns> <side> <flags> <seq> <ack> <length> <window> <ttl> <lower port> <sack> <id> <checksum>
 *                             follow it; the answer is the report, with the number of the
 *                             connection that it belongs to; ttl 0: not known; sack,
 *                             id, checksum -1, or left out: none; checksum -2: still to be computed
 *   icmp <time ns> <side> <seq> <type << 8 | code>
 *                             an error that quotes this segment; the answer is what it
 *                             decides, {} if nothing
 *   facts <whole> <end ns> <number>
 *                             the facts of this connection
 *   table                     every move of tcp_next_state()
 *   ways                      from each state to each other one: tcp_is_edge() and tcp_toward()
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "connections.h"

static const char *const event_names[TL_EVENT_COUNT] = {
#define X(id, name, severity, text, why) [TL_EVENT_##id] = name,
    TL_EVENTS(X)
#undef X
};

enum { CONNECTIONS_MAX = 1024 };

/* All that was allocated for this capture, to be freed before the next. */
typedef struct block {
    struct block *before;
    int64_t memory[];
} block;

static block *blocks;
static tl_connection *connections[CONNECTIONS_MAX];
static tl_connection *newest;
static uint32_t frames;

static void *allocate(size_t size)
{
    block *b = calloc(1, sizeof *b + size);

    if (!b)
        exit(EXIT_FAILURE);
    b->before = blocks;
    blocks = b;
    return b->memory;
}

static tl_connection *make(uint32_t number)
{
    if (number >= CONNECTIONS_MAX)
        exit(EXIT_FAILURE);
    return connections[number] = allocate(sizeof(tl_connection));
}

static tl_connections all = {.world = {.allocate = allocate}, .make = make};

static void print_string(const char *key, const char *value)
{
    if (value)
        printf("\"%s\": \"%s\", ", key, value);
}

static void print_count(const char *key, uint64_t value)
{
    if (value)
        printf("\"%s\": %" PRIu64 ", ", key, value);
}

static void print_time(const char *key, int64_t value)
{
    if (value != TL_NO_TIME)
        printf("\"%s\": %" PRId64 ", ", key, value);
}

static void print_evidence(const char *key, uint8_t evidence)
{
    const char *separator = "";

    if (!evidence)
        return;
    printf("\"%s\": \"", key);
    for (int i = 0; i < TL_EVIDENCE_COUNT; i++) {
        if (evidence & 1 << i) {
            printf("%s%s", separator, tl_evidence_name((tl_evidence)i));
            separator = ", ";
        }
    }
    printf("\", ");
}

static void print_decisions(const tl_report *r)
{
    printf("\"transitions\": [");
    for (unsigned i = 0; i < r->transitions; i++) {
        const tl_transition *t = &r->transition[i];
        printf("%s{\"role\": \"%s\", \"from\": \"%s\", \"to\": \"%s\", ", i ? ", " : "",
               tl_role_name(t->role), tcp_state_name(t->from), tcp_state_name(t->to));
        print_time("held", t->held);
        printf("\"undone\": %d}", t->undone);
    }
    printf("], \"events\": [");
    for (unsigned i = 0; i < r->raised; i++)
        printf("%s{\"name\": \"%s\", \"warn\": %d, \"number\": %" PRIu32 "}", i ? ", " : "",
               event_names[r->event[i].event], r->event[i].warn, r->event[i].number);
    printf("]}\n");
}

static void print_report(const tl_connection *c, const tl_report *r)
{
    printf("{\"connection\": %" PRIu32 ", \"phase\": \"%s\", \"sender\": \"%s\", ", c->number,
           tcp_state_name(r->phase), tl_role_name(r->sender));
    print_count("open", tl_is_open(c));
    print_count("opening", tl_is_opening(c));
    print_string("client", r->has_states ? tcp_state_name(r->state[TL_CLIENT]) : "-");
    print_string("server", r->has_states ? tcp_state_name(r->state[TL_SERVER]) : "-");
    print_count("guessed", r->guessed);
    print_count("role_guessed", r->role_guessed);
    print_count("late", r->late);
    print_count("copy_of", r->copy_of);
    print_string("verdict", tl_verdict_name(r->verdict));
    print_time("idle", r->idle);
    if (r->has_ttl_delta)
        printf("\"ttl_delta\": %d, ", r->ttl_delta);
    print_count("answers", r->answers);
    print_string("answered", tl_answered_name(r->answered));
    print_string("form", tl_form_name(r->form));
    print_time("before", r->idle_before);
    print_evidence("evidence", r->evidence);

    const char *separator = "";
    printf("\"steps\": [");
    for (tl_step s = 0; s < TL_STEP_COUNT; s++) {
        if (r->steps & 1 << s) {
            printf("%s\"%s\"", separator, tl_step_name(s));
            separator = ", ";
        }
    }
    printf("], ");
    print_decisions(r);
}

static void print_facts(const tl_facts *f)
{
    static const char *const frame_names[TL_STEP_COUNT] = {
        [TL_STEP_SYN] = "frame.syn",           [TL_STEP_SYN_ACK] = "frame.syn_ack",
        [TL_STEP_OPEN_ACK] = "frame.open_ack", [TL_STEP_FIN_1] = "frame.fin_1",
        [TL_STEP_FIN_2] = "frame.fin_2",       [TL_STEP_FIN_1_ACK] = "frame.fin_1_ack",
        [TL_STEP_RST] = "frame.rst",           [TL_STEP_FIN_2_ACK] = "frame.fin_2_ack",
    };
    static const char *const marks[TL_MARK_COUNT] = {
#define X(id, name) [TL_MARK_##id] = name,
        TL_MARKS(X)
#undef X
    };

    printf("{");
    print_string("verdict", *f->verdict ? f->verdict : NULL);
    print_string("open", f->open);
    print_count("open.failed", f->open_failed);
    print_time("open.time", f->open_time);
    print_time("open.server_time", f->open_server_time);
    print_time("open.client_time", f->open_client_time);
    print_count("open.syns", f->open_syns);
    print_string("close", f->close);
    print_string("closed_by", f->closed_by);
    print_time("close.time", f->close_time);
    print_count("close.no_data", f->close_no_data);
    print_count("close.race", f->close_race);
    print_time("half_close.time", f->half_close_time);
    print_count("half_close.bytes", f->half_close_bytes);
    print_string("reset.cause", f->reset_cause);
    print_string("reset.sender", f->reset_sender);
    print_count("reset.count", f->reset_count);
    print_string("reset.verdict", f->rst_verdict);
    print_string("reset.form", f->rst_form);
    print_count("reset.answers", f->rst_answers);
    print_string("reset.answers_kind", f->rst_answered);
    print_time("reset.idle", f->rst_idle);
    print_time("reset.idle_before", f->rst_idle_before);
    if (f->rst_ttl_delta != TL_NO_DIFFERENCE)
        printf("\"reset.ttl_delta\": %" PRId32 ", ", f->rst_ttl_delta);
    print_evidence("reset.evidence", f->rst_evidence);
    for (int m = 0; m < TL_MARK_COUNT; m++)
        print_string(marks[m], f->marks[m]);
    print_count("copies", f->copies);
    print_string("silence.side", f->silence_side);
    print_time("silence.time", f->silence_time);
    print_count("silence.repeats", f->silence_repeats);
    print_count("keepalive.count", f->keepalives);
    print_count("keepalive.unanswered", f->keepalives_unanswered);
    if (f->reuse != TL_NO_CONNECTION)
        printf("\"reuse.connection\": %" PRIu32 ", ", f->reuse);
    print_time("reuse.gap", f->reuse_gap);
    print_string("reuse.phase", f->reuse_phase);
    print_time("duration", f->duration);
    print_time("lifetime", f->lifetime);
    print_count("one_sided", f->one_sided);
    print_count("client.bytes", f->bytes[TL_CLIENT]);
    print_count("server.bytes", f->bytes[TL_SERVER]);
    print_count("client.retransmitted", f->retransmitted[TL_CLIENT]);
    print_count("server.retransmitted", f->retransmitted[TL_SERVER]);
    print_count("client.unacked", f->unacked[TL_CLIENT]);
    print_count("server.unacked", f->unacked[TL_SERVER]);
    print_count("client.missing", f->missing[TL_CLIENT]);
    print_count("server.missing", f->missing[TL_SERVER]);
    print_count("client.packets", f->packets[TL_CLIENT]);
    print_count("server.packets", f->packets[TL_SERVER]);
    print_time("client.rtt", f->rtt[TL_CLIENT]);
    print_time("server.rtt", f->rtt[TL_SERVER]);
    print_time("client.zero_window", f->zero_window[TL_CLIENT]);
    print_time("server.zero_window", f->zero_window[TL_SERVER]);
    print_count("role.guessed", f->role_guessed);
    print_time("client.held", f->held[TL_CLIENT]);
    print_time("server.held", f->held[TL_SERVER]);
    for (tl_step s = 0; s < TL_STEP_COUNT; s++)
        print_count(frame_names[s], f->frame[s]);
    printf("\"client.state\": \"%s\", \"server.state\": \"%s\"}\n", tcp_state_name(f->state[TL_CLIENT]),
           tcp_state_name(f->state[TL_SERVER]));
}

static void print_table(const char *rest)
{
    (void)rest;
    static const char *const directions[TCP_DIRECTION_COUNT] = {
        [TCP_SENT] = "sent", [TCP_RECEIVED] = "received"};
    static const char *const kinds[TCP_KIND_COUNT] = {
        [TCP_KIND_SYN] = "SYN",
        [TCP_KIND_SYN_ACK] = "SYN/ACK",
        [TCP_KIND_ACK_OF_SYN] = "ACK of SYN",
        [TCP_KIND_ACK_OF_FIN] = "ACK of FIN",
        [TCP_KIND_FIN] = "FIN",
        [TCP_KIND_RST] = "RST",
    };

    printf("[");
    for (int d = 0; d < TCP_DIRECTION_COUNT; d++)
        for (int k = 0; k < TCP_KIND_COUNT; k++)
            for (int s = 0; s < TCP_STATE_COUNT; s++)
                printf("%s[\"%s\", \"%s\", \"%s\", \"%s\"]", d || k || s ? ", " : "", directions[d], kinds[k],
                       tcp_state_name(s), tcp_state_name(tcp_next_state(d, k, s)));
    printf("]\n");
}

static void print_ways(const char *rest)
{
    (void)rest;
    printf("[");
    for (int from = 0; from < TCP_STATE_COUNT; from++)
        for (int to = 0; to < TCP_STATE_COUNT; to++)
            printf("%s[\"%s\", \"%s\", %s, \"%s\"]", from || to ? ", " : "", tcp_state_name(from),
                   tcp_state_name(to), tcp_is_edge(from, to) ? "true" : "false",
                   tcp_state_name(tcp_toward(from, to)));
    printf("]\n");
}

static void begin_capture(const char *line)
{
    if (sscanf(line, "%" SCNd64, &all.world.settings.msl) != 1)
        exit(EXIT_FAILURE);
    while (blocks) {
        block *b = blocks;
        blocks = b->before;
        free(b);
    }
    all.count = frames = 0;
    all.copies = NULL;
    newest = NULL;
}

static void follow(const char *line)
{
    tl_segment s = {.frame = ++frames};
    unsigned lower_port;
    int64_t sack = -1;
    int32_t id = -1, checksum = -1;
    tl_report report;

    if (sscanf(line,
               "%" SCNd64 " %" SCNu8 " %" SCNu16 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu8
               " %u %" SCNd64 " %" SCNd32 " %" SCNd32,
               &s.time, &s.side, &s.flags, &s.seq, &s.ack, &s.length, &s.window, &s.ttl, &lower_port, &sack,
               &id, &checksum) < 9)
        exit(EXIT_FAILURE);
    s.has_sack = sack >= 0;
    s.sack = (uint32_t)sack;
    s.has_id = id > 0;
    s.id = (uint16_t)id;
    s.has_checksum = checksum != -1;
    s.is_offloaded = checksum == -2;
    s.checksum = (uint16_t)checksum;
    s.has_ttl = s.ttl != 0;
    s.lower_port = lower_port & 1;
    s.is_own_peer = lower_port & 2;
    memset(&report, 0xff, sizeof report); /* all of it is promised to be set */
    const tl_connection *c = tl_connections_follow(&all, &newest, &s, &report);
    print_report(c, &report);
}

static void reject(const char *line)
{
    tl_rejection rejection = {.frame = ++frames};
    tl_report report;

    if (sscanf(line, "%" SCNd64 " %" SCNu8 " %" SCNu32 " %" SCNu16, &rejection.time, &rejection.side,
               &rejection.seq, &rejection.error) != 4)
        exit(EXIT_FAILURE);
    memset(&report, 0xff, sizeof report);
    if (tl_connections_reject(&all, newest, &rejection, &report)) {
        printf("{");
        print_decisions(&report);
    } else {
        printf("{}\n");
    }
}

static void get_facts(const char *line)
{
    unsigned whole;
    uint32_t number;
    tl_view view;
    tl_facts facts;

    if (sscanf(line, "%u %" SCNd64 " %" SCNu32, &whole, &view.end, &number) != 3 || number >= all.count)
        exit(EXIT_FAILURE);
    view.whole = whole;
    view.msl = all.world.settings.msl;
    memset(&facts, 0xff, sizeof facts);
    tl_get_facts(connections[number], &view, &facts);
    print_facts(&facts);
}

int main(void)
{
    return obey_all((const command[]){
        {"segment ", follow},
        {"icmp ", reject},
        {"facts ", get_facts},
        {"capture ", begin_capture},
        {"table", print_table},
        {"ways", print_ways},
        {NULL, NULL},
    });
}
