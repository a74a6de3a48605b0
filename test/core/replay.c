/* replay.c
 * Plays segments to the core and prints what it makes of them, for tests in
 * Python. It judges nothing.
 *
 * Commands, one per line on stdin; an answer is one line of JSON on stdout:
 *
 *   capture <msl ns>          begin anew, with these settings; no answer
 *   stream                    the next segment begins a new stream that uses the
 *                             4-tuple of the present one; no answer
 *   segment <time ns> <side> <flags> <seq> <ack> <length> <window> <ttl> <lower port>
 *                             follow it; the answer is the report; ttl 0: not known
 *   icmp <time ns> <side> <seq> <type << 8 | code>
 *                             an error that quotes this segment; the answer is what it
 *                             decides, {} if nothing
 *   facts <whole> <end ns>    the facts of the present stream
 *   table                     every move of tcp_next_state()
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifecycle.h"

static const char *const role_names[] = {[TL_CLIENT] = "client", [TL_SERVER] = "server"};

static const char *const event_names[TL_EVENT_COUNT] = {
#define X(id, name, severity, text, why) [TL_EVENT_##id] = name,
    TL_EVENTS(X)
#undef X
};

/* The 4-tuple's present stream and the one before it. */
static tl_connection connections[2];
static unsigned present;
static uint32_t streams, frames;
static bool stream_begins;
static tl_settings settings;

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

static void print_decisions(const tl_report *r)
{
    printf("\"transitions\": [");
    for (unsigned i = 0; i < r->transitions; i++) {
        const tl_transition *t = &r->transition[i];
        printf("%s{\"role\": \"%s\", \"from\": \"%s\", \"to\": \"%s\", ", i ? ", " : "", role_names[t->role],
               tcp_state_name(t->from), tcp_state_name(t->to));
        print_time("held", t->held);
        printf("\"undone\": %d}", t->undone);
    }
    printf("], \"events\": [");
    for (unsigned i = 0; i < r->raised; i++)
        printf("%s{\"name\": \"%s\", \"warn\": %d, \"number\": %" PRIu32 "}", i ? ", " : "",
               event_names[r->event[i].event], r->event[i].warn, r->event[i].number);
    printf("]}\n");
}

static void print_report(const tl_report *r)
{
    printf("{\"phase\": \"%s\", \"client\": \"%s\", \"server\": \"%s\", \"sender\": \"%s\", ",
           tcp_state_name(r->phase), tcp_state_name(r->state[TL_CLIENT]), tcp_state_name(r->state[TL_SERVER]),
           role_names[r->sender]);
    print_count("guessed", r->guessed);
    print_count("role_guessed", r->role_guessed);
    print_count("late", r->late);
    print_string("verdict", tl_verdict_name(r->verdict));
    print_time("idle", r->idle);
    if (r->has_ttl_delta)
        printf("\"ttl_delta\": %d, ", r->ttl_delta);

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

    printf("{");
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
    print_count("keepalive.count", f->keepalives);
    print_count("keepalive.unanswered", f->keepalives_unanswered);
    if (f->reuse_stream != TL_NO_STREAM)
        printf("\"reuse.stream\": %" PRIu32 ", ", f->reuse_stream);
    print_time("reuse.gap", f->reuse_gap);
    print_string("reuse.phase", f->reuse_phase);
    print_time("duration", f->duration);
    print_time("lifetime", f->lifetime);
    print_count("one_sided", f->one_sided);
    print_count("client.bytes", f->bytes[TL_CLIENT]);
    print_count("server.bytes", f->bytes[TL_SERVER]);
    print_time("client.held", f->held[TL_CLIENT]);
    print_time("server.held", f->held[TL_SERVER]);
    for (tl_step s = 0; s < TL_STEP_COUNT; s++)
        print_count(frame_names[s], f->frame[s]);
    printf("\"client.state\": \"%s\", \"server.state\": \"%s\"}\n", tcp_state_name(f->state[TL_CLIENT]),
           tcp_state_name(f->state[TL_SERVER]));
}

static void print_table(void)
{
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

static void begin_capture(const char *line)
{
    if (sscanf(line, "%" SCNd64, &settings.msl) != 1)
        exit(EXIT_FAILURE);
    streams = frames = 0;
    stream_begins = true;
}

/* The rules by which streams.c takes one stream for the continuation of another. */
static void begin_stream(const tl_segment *first)
{
    tl_connection *before = streams ? &connections[present] : NULL;

    stream_begins = false;
    if (before && tl_continues(before, first, first->side))
        return;
    present = !present;
    tl_begin(&connections[present], streams++, before, first);
}

static void resume_stream(const tl_segment *s)
{
    const tl_connection *c = &connections[present], *before = &connections[!present];

    if (!c->opened && c->reuse_stream != TL_NO_STREAM && c->reuse_stream != c->stream &&
        tl_resumes(c, s->side, before, s->side, s))
        present = !present;
}

static void follow(const char *line)
{
    tl_segment s = {.frame = ++frames};
    unsigned lower_port;
    tl_report report;

    if (sscanf(line,
               "%" SCNd64 " %" SCNu8 " %" SCNu16 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu8
               " %u",
               &s.time, &s.side, &s.flags, &s.seq, &s.ack, &s.length, &s.window, &s.ttl, &lower_port) != 9)
        exit(EXIT_FAILURE);
    s.has_ttl = s.ttl != 0;
    s.lower_port = lower_port;
    if (stream_begins)
        begin_stream(&s);
    else
        resume_stream(&s);
    memset(&report, 0xff, sizeof report); /* tl_follow() promises to set all of it */
    tl_follow(&connections[present], &s, &settings, &report);
    print_report(&report);
}

static void reject(const char *line)
{
    tl_rejection rejection = {.frame = ++frames};
    tl_report report;

    if (sscanf(line, "%" SCNd64 " %" SCNu8 " %" SCNu32 " %" SCNu16, &rejection.time, &rejection.side,
               &rejection.seq, &rejection.error) != 4)
        exit(EXIT_FAILURE);
    memset(&report, 0xff, sizeof report);
    if (tl_reject(&connections[present], &rejection, &report)) {
        printf("{");
        print_decisions(&report);
    } else {
        printf("{}\n");
    }
}

static void get_facts(const char *line)
{
    unsigned whole;
    tl_view view;
    tl_facts facts;

    if (sscanf(line, "%u %" SCNd64, &whole, &view.end) != 2)
        exit(EXIT_FAILURE);
    view.whole = whole;
    memset(&facts, 0xff, sizeof facts);
    tl_get_facts(&connections[present], &view, &facts);
    print_facts(&facts);
}

static const char *after(const char *line, const char *command)
{
    size_t length = strlen(command);

    return strncmp(line, command, length) == 0 ? line + length : NULL;
}

int main(void)
{
    char line[256];
    const char *rest;

    while (fgets(line, sizeof line, stdin)) {
        if ((rest = after(line, "segment ")))
            follow(rest);
        else if ((rest = after(line, "icmp ")))
            reject(rest);
        else if ((rest = after(line, "facts ")))
            get_facts(rest);
        else if ((rest = after(line, "capture ")))
            begin_capture(rest);
        else if (after(line, "stream"))
            stream_begins = true;
        else if (after(line, "table"))
            print_table();
        else
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
