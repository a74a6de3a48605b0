/* facts-table.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "facts-table.h"

#include <inttypes.h>
#include <stdlib.h>

#include <glib.h>

#include <epan/to_str.h>
#include <wsutil/inet_addr.h>

#include "text.h"

#define NS_PER_S INT64_C(1000000000)

const fact facts_table[FACTS_COUNT] = {
#define X(kind, member, name, title, about) \
    {"tcplife." name, title, about, FACT_##kind, offsetof(stream_facts, member)},
    FACTS(X)
#undef X
};

static void get_end(const stream *s, tl_role role, stream_facts *f)
{
    const unsigned side = role == TL_CLIENT ? s->connection.client : !s->connection.client;

    f->address[role] = streams_address(s, side);
    f->port[role] = s->port[side];
    f->state[role] = f->told.has_states ? tcp_state_name(f->told.state[role]) : NULL;
}

/* The earlier connection may be one of a session before this one, whose frames are gone. */
static uint32_t first_frame_of(uint32_t connection)
{
    const stream *s = connection == TL_NO_CONNECTION ? NULL : streams_get(connection);

    return s ? s->connection.first_frame : 0;
}

static const char *join_evidence(uint8_t evidence, char *text, size_t size)
{
    *text = '\0';
    for (unsigned i = 0; i < TL_EVIDENCE_COUNT; i++) {
        if (!(evidence & 1U << i))
            continue;
        if (*text)
            g_strlcat(text, ", ", size);
        g_strlcat(text, tl_evidence_name((tl_evidence)i), size);
    }
    return *text ? text : NULL;
}

static void forget_times(stream_facts *facts)
{
    for (unsigned i = 0; i < FACTS_COUNT; i++) {
        const fact *f = &facts_table[i];
        if (f->kind == FACT_SPAN || f->kind == FACT_MOMENT)
            *(int64_t *)((char *)facts + f->at) = TL_NO_TIME;
    }
    facts->told.rst_idle = facts->told.rst_idle_before = TL_NO_TIME;
}

void stream_facts_get(const stream *s, const tl_view *view, stream_facts *f)
{
    f->stream = s->stream;
    f->connection = s->connection.number;
    f->phase = tcp_state_name(s->connection.phase);
    tl_get_facts(&s->connection, view, &f->told);
    f->first_frame = s->connection.first_frame;
    f->last_frame = s->connection.last_frame;
    f->reuse_frame = first_frame_of(f->told.reuse);
    f->verdict = *f->told.verdict ? f->told.verdict : NULL;
    get_end(s, TL_CLIENT, f);
    get_end(s, TL_SERVER, f);
    f->conn_state = zeek_conn_state(&s->zeek);
    f->evidence = join_evidence(f->told.rst_evidence, f->evidences, sizeof f->evidences);
    f->story = f->events = NULL;
    f->history = zeek_history(&s->zeek, f->letters) > 0 ? f->letters : NULL;
    if (s->untimed)
        forget_times(f);
}

static const void *value_of(const fact *f, const stream_facts *facts)
{
    return (const char *)facts + f->at;
}

bool fact_is_known(const fact *f, const stream_facts *facts)
{
    const void *at = value_of(f, facts);

    switch (f->kind) {
    case FACT_TEXT:
    case FACT_LIST:
        return *(const char *const *)at != NULL;
    case FACT_DIFFERENCE:
        return *(const int32_t *)at != TL_NO_DIFFERENCE;
    case FACT_FLAG:
        return *(const bool *)at;
    case FACT_SPAN:
    case FACT_MOMENT:
        return *(const int64_t *)at != TL_NO_TIME;
    case FACT_COUNT:
    case FACT_FRAME:
        return *(const uint32_t *)at != 0;
    case FACT_CONNECTION:
        return *(const uint32_t *)at != TL_NO_CONNECTION;
    case FACT_BYTES:
        return *(const uint64_t *)at != 0;
    case FACT_ADDRESS:
    case FACT_NUMBER:
    case FACT_KIND_COUNT:
        break;
    }
    return true;
}

/* To the digit, which no floating-point number would be. */
static void append_span(GString *to, int64_t ns)
{
    if (ns < 0)
        g_string_append_c(to, '-');
    text_append_number(to, (uint64_t)llabs(ns / NS_PER_S), 1);
    g_string_append_c(to, '.');
    text_append_number(to, (uint64_t)llabs(ns % NS_PER_S), 9);
}

static void append_address(GString *to, const address *a)
{
    char text[WS_INET6_ADDRSTRLEN];

    address_to_str_buf(a, text, sizeof text);
    text_append(to, text);
}

bool fact_append(GString *to, const fact *f, const stream_facts *facts)
{
    const void *at = value_of(f, facts);

    if (!fact_is_known(f, facts))
        return false;
    switch (f->kind) {
    case FACT_TEXT:
    case FACT_LIST:
        text_append(to, *(const char *const *)at);
        return true;
    case FACT_ADDRESS:
        append_address(to, at);
        return true;
    case FACT_FLAG:
        text_append(to, "true");
        return true;
    case FACT_MOMENT:
    case FACT_SPAN:
        append_span(to, *(const int64_t *)at);
        return true;
    case FACT_BYTES:
        text_append_number(to, *(const uint64_t *)at, 1);
        return true;
    case FACT_NUMBER:
    case FACT_COUNT:
    case FACT_FRAME:
    case FACT_CONNECTION:
        text_append_number(to, *(const uint32_t *)at, 1);
        return true;
    case FACT_DIFFERENCE:
        g_string_append_printf(to, "%" PRId32, *(const int32_t *)at);
        return true;
    case FACT_KIND_COUNT:
        break;
    }
    return false;
}

char *fact_text(wmem_allocator_t *scope, const fact *f, const stream_facts *facts)
{
    GString *text = g_string_new(NULL);
    char *copy = fact_append(text, f, facts) ? wmem_strdup(scope, text->str) : NULL;

    g_string_free(text, TRUE);
    return copy;
}
