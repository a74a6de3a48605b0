/* facts-table.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "facts-table.h"

#include <inttypes.h>
#include <stdlib.h>

#include <epan/to_str.h>

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
    f->history = zeek_history(&s->zeek, f->letters) > 0 ? f->letters : NULL;
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
        return *(const char *const *)at != NULL;
    case FACT_FLAG:
        return *(const bool *)at;
    case FACT_SPAN:
        return *(const int64_t *)at != TL_NO_TIME;
    case FACT_COUNT:
    case FACT_FRAME:
        return *(const uint32_t *)at != 0;
    case FACT_CONNECTION:
        return *(const uint32_t *)at != TL_NO_CONNECTION;
    case FACT_BYTES:
        return *(const uint64_t *)at != 0;
    case FACT_ADDRESS:
    case FACT_MOMENT:
    case FACT_NUMBER:
    case FACT_KIND_COUNT:
        break;
    }
    return true;
}

/* To the digit, which no floating-point number would be. */
static char *span_text(wmem_allocator_t *scope, int64_t ns)
{
    return wmem_strdup_printf(scope, "%s%lld.%09lld", ns < 0 ? "-" : "", llabs(ns / NS_PER_S),
                              llabs(ns % NS_PER_S));
}

char *fact_text(wmem_allocator_t *scope, const fact *f, const stream_facts *facts)
{
    const void *at = value_of(f, facts);

    if (!fact_is_known(f, facts))
        return NULL;
    switch (f->kind) {
    case FACT_TEXT:
        return wmem_strdup(scope, *(const char *const *)at);
    case FACT_ADDRESS:
        return address_to_str(scope, at);
    case FACT_FLAG:
        return wmem_strdup(scope, "true");
    case FACT_MOMENT:
    case FACT_SPAN:
        return span_text(scope, *(const int64_t *)at);
    case FACT_BYTES:
        return wmem_strdup_printf(scope, "%" PRIu64, *(const uint64_t *)at);
    case FACT_NUMBER:
    case FACT_COUNT:
    case FACT_FRAME:
    case FACT_CONNECTION:
        return wmem_strdup_printf(scope, "%" PRIu32, *(const uint32_t *)at);
    case FACT_KIND_COUNT:
        break;
    }
    return NULL;
}
