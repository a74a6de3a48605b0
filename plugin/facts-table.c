/* facts-table.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "facts-table.h"

#include <inttypes.h>
#include <stdlib.h>

#include <glib.h>

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

void stream_facts_get(const stream *s, const tl_view *view, stream_facts *f)
{
    f->stream = s->stream;
    f->connection = s->connection.number;
    f->phase = tcp_state_name(s->connection.phase);
    tl_get_facts(&s->connection, view, &f->told);
    get_end(s, TL_CLIENT, f);
    get_end(s, TL_SERVER, f);
    f->conn_state = zeek_conn_state(&s->zeek);
    f->evidence = join_evidence(f->told.rst_evidence, f->evidences, sizeof f->evidences);
    f->story = f->events = NULL;
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
    case FACT_LIST:
        return *(const char *const *)at != NULL;
    case FACT_DIFFERENCE:
        return *(const int32_t *)at != TL_NO_DIFFERENCE;
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
    case FACT_LIST:
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
    case FACT_DIFFERENCE:
        return wmem_strdup_printf(scope, "%" PRId32, *(const int32_t *)at);
    case FACT_KIND_COUNT:
        break;
    }
    return NULL;
}
