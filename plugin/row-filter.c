/* row-filter.c
 * Wireshark applies filters to protocol trees: so a row becomes one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "row-filter.h"

#include <string.h>

#include <glib.h>

#include <epan/dfilter/dfilter.h>
#include <epan/epan_dissect.h>
#include <epan/to_str.h>

#include "compat.h"
#include "statistics-formats.h"

#define NS_PER_S INT64_C(1000000000)

struct row_filter {
    dfilter_t *code;
    GPtrArray *facts; /* of const fact *: those that the filter asks for */
};

/* ---- What a filter asks about ---- */

/* Do something for each field of each protocol, and for the protocols. */
static void for_each_field(void (*what)(header_field_info *, void *), void *own)
{
    void *of_protocols, *of_fields;

    for (int protocol = proto_get_first_protocol(&of_protocols); protocol != -1;
         protocol = proto_get_next_protocol(&of_protocols)) {
        what(proto_registrar_get_nth((unsigned)protocol), own);
        for (header_field_info *field = proto_get_first_protocol_field(protocol, &of_fields); field;
             field = proto_get_next_protocol_field(protocol, &of_fields))
            what(field, own);
    }
}

static void forget_reference(header_field_info *field, void *own)
{
    (void)own;
    field->ref_type = HF_REF_TYPE_NONE;
}

static void add_if_referenced(header_field_info *field, void *own)
{
    if (field->ref_type == HF_REF_TYPE_DIRECT)
        g_ptr_array_add(own, field);
}

/* The fields that a filter asks for, of header_field_info. Up to 4.2 Wireshark tells by nothing but the
 * marks that it puts on them before a dissection, and renews before the next: none is under way. */
static GPtrArray *fields_of(const dfilter_t *code)
{
    GPtrArray *fields = g_ptr_array_new();
    epan_dissect_t *dissection = epan_dissect_new(NULL, true, false);

    for_each_field(forget_reference, NULL);
    epan_dissect_prime_with_dfilter(dissection, code);
    for_each_field(add_if_referenced, fields);
    for_each_field(forget_reference, NULL);
    epan_dissect_free(dissection);
    return fields;
}

/* Whether it belongs to the whole connection, and is not what holds after a frame. */
static bool is_of_whole(const fact *f)
{
    return (f >= facts_table && f < facts_table + FACTS_COUNT) || !strcmp(f->name, "tcplife.story");
}

/* Put the facts that are asked for into `facts`. */
static row_filter_kind sort_out(const dfilter_t *code, GPtrArray *facts)
{
    GPtrArray *fields = fields_of(code);
    bool whole = false, all = true;

    for (guint i = 0; i < fields->len; i++) {
        const header_field_info *field = g_ptr_array_index(fields, i);
        const fact *f = statistics_fact(field->abbrev);
        if (f)
            g_ptr_array_add(facts, (void *)(uintptr_t)f);
        whole = whole || (f && is_of_whole(f));
        all = all && f;
    }
    g_ptr_array_free(fields, TRUE);
    return !whole ? ASKS_FRAMES : all ? ASKS_ROWS : ASKS_BOTH;
}

row_filter *row_filter_new(const char *text, row_filter_kind *kind)
{
    row_filter *filter = g_new0(row_filter, 1);

    filter->facts = g_ptr_array_new();
    *kind = ASKS_FRAMES;
    if (dfilter_compile(text, &filter->code, NULL) && filter->code)
        *kind = sort_out(filter->code, filter->facts);
    if (*kind == ASKS_ROWS)
        return filter;
    row_filter_free(filter);
    return NULL;
}

void row_filter_free(row_filter *filter)
{
    if (!filter)
        return;
    dfilter_free(filter->code);
    g_ptr_array_free(filter->facts, TRUE);
    g_free(filter);
}

/* ---- Applying it ---- */

/* Each of the values of a repeatable field. */
static void add_list(epan_dissect_t *d, int field, const char *list)
{
    char **values = g_strsplit(list, ", ", 0);

    for (char **value = values; *value; value++)
        proto_tree_add_string(d->tree, field, NULL, 0, 0, *value);
    g_strfreev(values);
}

static void add_fact(epan_dissect_t *d, const fact *f, const stream_facts *row)
{
    const int field = proto_registrar_get_id_byname(f->name);
    const void *at = (const char *)row + f->at;

    switch (f->kind) {
    case FACT_TEXT:
        proto_tree_add_string(d->tree, field, NULL, 0, 0, *(const char *const *)at);
        return;
    case FACT_ADDRESS:
        proto_tree_add_string(d->tree, field, NULL, 0, 0, address_to_str(d->pi.pool, at));
        return;
    case FACT_FLAG:
        proto_tree_add_boolean(d->tree, field, NULL, 0, 0, true);
        return;
    case FACT_MOMENT:
    case FACT_SPAN: {
        const int64_t ns = *(const int64_t *)at;
        const nstime_t time = {.secs = (time_t)(ns / NS_PER_S), .nsecs = (int)(ns % NS_PER_S)};
        proto_tree_add_time(d->tree, field, NULL, 0, 0, &time);
        return;
    }
    case FACT_NUMBER:
    case FACT_COUNT:
    case FACT_FRAME:
    case FACT_CONNECTION:
        proto_tree_add_uint(d->tree, field, NULL, 0, 0, *(const uint32_t *)at);
        return;
    case FACT_BYTES:
        proto_tree_add_uint64(d->tree, field, NULL, 0, 0, *(const uint64_t *)at);
        return;
    case FACT_DIFFERENCE:
        proto_tree_add_int(d->tree, field, NULL, 0, 0, *(const int32_t *)at);
        return;
    case FACT_LIST:
        add_list(d, field, *(const char *const *)at);
        return;
    case FACT_KIND_COUNT:
        return;
    }
}

bool row_filter_passes(const row_filter *filter, const stream_facts *row)
{
    epan_dissect_t *d = epan_dissect_new(NULL, true, false);

    epan_dissect_prime_with_dfilter(d, filter->code);
    for (guint i = 0; i < filter->facts->len; i++) {
        const fact *f = g_ptr_array_index(filter->facts, i);
        if (fact_is_known(f, row))
            add_fact(d, f, row);
    }
    const bool passes = dfilter_apply_edt(filter->code, d);
    epan_dissect_free(d);
    return passes;
}
