/* statistics-text.c
 * Connections as CSV (RFC 4180), as JSON Lines, and as lines to read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "statistics-formats.h"
#include "text.h"

#define NS_PER_S INT64_C(1000000000)

const fact statistics_head[] = {
    {.name = "tcp.stream", .kind = FACT_NUMBER, .at = offsetof(stream_facts, stream)},
    {.name = "tcplife.connection", .kind = FACT_NUMBER, .at = offsetof(stream_facts, connection)},
    {.name = "tcplife.phase", .kind = FACT_TEXT, .at = offsetof(stream_facts, phase)},
    {.name = "tcplife.client.state", .kind = FACT_TEXT, .at = offsetof(stream_facts, state[TL_CLIENT])},
    {.name = "tcplife.server.state", .kind = FACT_TEXT, .at = offsetof(stream_facts, state[TL_SERVER])},
    {.name = NULL},
};

#define ROW(name, kind, member)                                           \
    {                                                                     \
        "tcplife." name, NULL, NULL, kind, offsetof(stream_facts, member) \
    }

const fact statistics_tail[] = {
    ROW("story", FACT_TEXT, story),
    ROW("reset.verdict", FACT_TEXT, told.rst_verdict),
    ROW("reset.form", FACT_TEXT, told.rst_form),
    ROW("reset.answers", FACT_FRAME, told.rst_answers),
    ROW("reset.answers_kind", FACT_TEXT, told.rst_answered),
    ROW("reset.idle", FACT_SPAN, told.rst_idle),
    ROW("reset.idle_before", FACT_SPAN, told.rst_idle_before),
    ROW("reset.ttl_delta", FACT_DIFFERENCE, told.rst_ttl_delta),
    ROW("reset.evidence", FACT_LIST, evidence),
    ROW("role.guessed", FACT_FLAG, told.role_guessed),
    ROW("events", FACT_LIST, events),
    {.name = NULL},
};

/* ---- CSV and JSON: every fact ---- */

/* Do something for each fact, those of the head first and those of the tail last. */
static void for_each_fact(void (*what)(const fact *, void *own), void *own)
{
    for (const fact *f = statistics_head; f->name; f++)
        what(f, own);
    for (unsigned i = 0; i < FACTS_COUNT; i++)
        what(&facts_table[i], own);
    for (const fact *f = statistics_tail; f->name; f++)
        what(f, own);
}

/* A line under way: all of it is written at once. */
typedef struct {
    GString *text;
    const stream_facts *row;
} line;

static void write_out(GString *text)
{
    fwrite(text->str, 1, text->len, stdout);
    g_string_truncate(text, 0);
}

/* What has been appended since becomes a value of CSV, in quotes if it has what ends one. */
static void quote_csv(GString *text, gsize since)
{
    if (!strpbrk(text->str + since, ",\"\r\n"))
        return;
    g_string_insert_c(text, (gssize)since, '"');
    for (gsize i = since + 1; i < text->len; i++) {
        if (text->str[i] == '"')
            g_string_insert_c(text, (gssize)i++, '"');
    }
    g_string_append_c(text, '"');
}

static void put_comma(GString *text)
{
    if (text->len)
        g_string_append_c(text, ',');
}

static void put_csv_name(const fact *f, void *own)
{
    GString *text = own;

    put_comma(text);
    g_string_append(text, f->name);
}

static void put_csv_fact(const fact *f, void *own)
{
    const line *l = own;

    if (f != &statistics_head[0])
        g_string_append_c(l->text, ',');
    const gsize since = l->text->len;
    if (fact_append(l->text, f, l->row) &&
        (f->kind == FACT_TEXT || f->kind == FACT_LIST || f->kind == FACT_ADDRESS))
        quote_csv(l->text, since);
}

static void *begin_csv(void)
{
    GString *text = g_string_new(NULL);

    for_each_fact(put_csv_name, text);
    g_string_append(text, "\r\n");
    write_out(text);
    return text;
}

static void write_csv(void *own, const stream_facts *row)
{
    line l = {.text = own, .row = row};

    for_each_fact(put_csv_fact, &l);
    g_string_append(l.text, "\r\n");
    write_out(l.text);
}

static void end_text(void *own)
{
    g_string_free(own, TRUE);
}

const statistics_format statistics_csv = {"csv", begin_csv, write_csv, end_text, true, NULL};

/* JSON is written here and not by Wireshark's json_dumper, which took 62,000 instructions for the names
 * of one connection: neither they nor words need any escaping, and only addresses may. */

/* A fact, and what stands before its value. */
typedef struct {
    const fact *fact;
    char *key;
    gsize key_length;
    bool is_string;
} json_member;

typedef struct {
    GArray *members; /* of json_member */
    GString *text;
} json_writer;

static void enter_member(const fact *f, void *own)
{
    const bool is_string = f->kind == FACT_TEXT || f->kind == FACT_LIST || f->kind == FACT_ADDRESS;
    json_member m = {.fact = f, .is_string = is_string};

    m.key = g_strdup_printf(",\"%s\":%s", f->name, is_string ? "\"" : "");
    m.key_length = strlen(m.key);
    g_array_append_val((GArray *)own, m);
}

/* What has been appended since becomes fit for a string. */
static void escape_json(GString *text, gsize since)
{
    for (gsize i = since; i < text->len; i++) {
        const unsigned char c = (unsigned char)text->str[i];
        if (c == '"' || c == '\\') {
            g_string_insert_c(text, (gssize)i++, '\\');
        } else if (c < 0x20) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            g_string_erase(text, (gssize)i, 1);
            g_string_insert(text, (gssize)i, escape);
            i += strlen(escape) - 1;
        }
    }
}

static void put_member(GString *text, const json_member *m, const stream_facts *row)
{
    if (!fact_is_known(m->fact, row))
        return;
    text_append_len(text, m->key, m->key_length);
    const gsize since = text->len;
    fact_append(text, m->fact, row);
    if (m->fact->kind == FACT_ADDRESS)
        escape_json(text, since);
    if (m->is_string)
        g_string_append_c(text, '"');
}

static void *begin_json(void)
{
    json_writer *w = g_new0(json_writer, 1);

    w->text = g_string_new(NULL);
    w->members = g_array_new(FALSE, FALSE, sizeof(json_member));
    for_each_fact(enter_member, w->members);
    return w;
}

static void write_json(void *own, const stream_facts *row)
{
    const json_writer *w = own;

    for (guint i = 0; i < w->members->len; i++)
        put_member(w->text, &g_array_index(w->members, json_member, i), row);
    w->text->str[0] = '{'; /* was the comma before the first, which is always there */
    text_append(w->text, "}\n");
    write_out(w->text);
}

static void end_json(void *own)
{
    json_writer *w = own;

    for (guint i = 0; i < w->members->len; i++)
        g_free(g_array_index(w->members, json_member, i).key);
    g_array_free(w->members, TRUE);
    g_string_free(w->text, TRUE);
    g_free(w);
}

const statistics_format statistics_json = {"json", begin_json, write_json, end_json, true, NULL};

/* ---- Lines: the facts that are asked for most ---- */

static void enter_fact(const fact *f, void *own)
{
    g_hash_table_insert(own, (gpointer)f->name, (gpointer)f);
}

/* A story asks for some fifty. */
const fact *statistics_fact(const char *name)
{
    static GHashTable *by_name;

    if (!by_name) {
        by_name = g_hash_table_new(g_str_hash, g_str_equal);
        for_each_fact(enter_fact, by_name);
    }
    return g_hash_table_lookup(by_name, name);
}

/* The columns, by the names of their facts. */
static const struct {
    const char *title, *value, *port;
    bool zero;
} wanted[] = {
    {.title = "Connection", .value = "tcplife.connection"},
    {.title = "Stream", .value = "tcp.stream"},
    {.title = "Client", .value = "tcplife.client.addr", .port = "tcplife.client.port"},
    {.title = "Server", .value = "tcplife.server.addr", .port = "tcplife.server.port"},
    {.title = "Start (UTC)", .value = "tcplife.start"},
    {.title = "Duration", .value = "tcplife.duration"},
    {.title = "Client bytes", .value = "tcplife.client.bytes", .zero = true},
    {.title = "Server bytes", .value = "tcplife.server.bytes", .zero = true},
    {.title = "Open", .value = "tcplife.open"},
    {.title = "Open time", .value = "tcplife.open.time"},
    {.title = "Close", .value = "tcplife.close"},
    {.title = "Closed by", .value = "tcplife.closed_by"},
    {.title = "RST cause", .value = "tcplife.reset.cause"},
    {.title = "conn_state", .value = "tcplife.conn_state"},
    {.title = "Client state", .value = "tcplife.client.state"},
    {.title = "Client held", .value = "tcplife.client.held"},
    {.title = "Server state", .value = "tcplife.server.state"},
    {.title = "Server held", .value = "tcplife.server.held"},
    {.title = "Client packets", .value = "tcplife.client.packets", .zero = true},
    {.title = "Server packets", .value = "tcplife.server.packets", .zero = true},
    {.title = "Client retransmitted", .value = "tcplife.client.retransmitted", .zero = true},
    {.title = "Server retransmitted", .value = "tcplife.server.retransmitted", .zero = true},
    {.title = "Client RTT", .value = "tcplife.client.rtt"},
    {.title = "Server RTT", .value = "tcplife.server.rtt"},
    {.title = "Copies", .value = "tcplife.copies", .zero = true},
};

enum { COLUMNS_MAX = sizeof wanted / sizeof *wanted };

const statistics_column *statistics_columns(unsigned *count)
{
    static statistics_column columns[COLUMNS_MAX];

    *count = 0;
    for (unsigned i = 0; i < COLUMNS_MAX; i++) {
        const statistics_column c = {
            .title = wanted[i].title,
            .value = statistics_fact(wanted[i].value),
            .port = wanted[i].port ? statistics_fact(wanted[i].port) : NULL,
            .zero = wanted[i].zero,
        };
        if (c.value)
            columns[(*count)++] = c;
    }
    return columns;
}

/* RFC 3339, in UTC. */
static char *moment_text(wmem_allocator_t *scope, int64_t ns)
{
    const int64_t fraction = (ns % NS_PER_S + NS_PER_S) % NS_PER_S;
    const time_t seconds = (time_t)((ns - fraction) / NS_PER_S);
    const struct tm *utc = gmtime(&seconds);
    char day[40] = "?";

    if (utc)
        strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", utc);
    return wmem_strdup_printf(scope, "%s.%09dZ", day, (int)fraction);
}

/* As in a URL: an IPv6 address in brackets. */
static char *with_port(wmem_allocator_t *scope, char *host, const char *port)
{
    const bool colons = strchr(host, ':') != NULL;
    char *both = wmem_strdup_printf(scope, "%s%s%s:%s", colons ? "[" : "", host, colons ? "]" : "", port);

    wmem_free(scope, host);
    return both;
}

char *statistics_cell(wmem_allocator_t *scope, const statistics_column *column, const stream_facts *row)
{
    if (column->value->kind == FACT_MOMENT && fact_is_known(column->value, row))
        return moment_text(scope, *(const int64_t *)((const char *)row + column->value->at));
    char *text = fact_text(scope, column->value, row);
    if (!text)
        return wmem_strdup(scope, column->zero ? "0" : "");
    if (column->port) {
        char *port = fact_text(scope, column->port, row);
        text = with_port(scope, text, port);
        wmem_free(scope, port);
    }
    return text;
}

char *statistics_filter(uint32_t connection, int width)
{
    return g_strdup_printf("tcplife.connection == %*" PRIu32, width, connection);
}

/* The lines, until all are known and it is known how wide a column is. A cell is what it
 * takes as text, and the next one follows; none is in two blocks. */
typedef struct {
    const statistics_column *column;
    unsigned columns;
    size_t width[COLUMNS_MAX];
    GPtrArray *blocks; /* of GString */
} lines;

enum { BLOCK = 1 << 20 };

static GString *block_for(lines *l, size_t size)
{
    GString *last = l->blocks->len ? g_ptr_array_index(l->blocks, l->blocks->len - 1) : NULL;

    if (last && last->len + size < BLOCK)
        return last;
    last = g_string_sized_new(BLOCK);
    g_ptr_array_add(l->blocks, last);
    return last;
}

static void add_cell(lines *l, unsigned column, const char *text)
{
    const size_t width = strlen(text);

    if (width > l->width[column])
        l->width[column] = width;
    g_string_append_len(block_for(l, width + 1), text, (gssize)width + 1);
}

static void *begin_lines(void)
{
    lines *l = g_new0(lines, 1);

    l->column = statistics_columns(&l->columns);
    l->blocks = g_ptr_array_new();
    for (unsigned i = 0; i < l->columns; i++)
        add_cell(l, i, l->column[i].title);
    return l;
}

static void write_line(void *own, const stream_facts *row)
{
    lines *l = own;

    for (unsigned i = 0; i < l->columns; i++) {
        char *text = statistics_cell(NULL, &l->column[i], row);
        add_cell(l, i, text);
        wmem_free(NULL, text);
    }
}

/* Numbers end below each other, all else begins so. */
static bool is_right(const statistics_column *c)
{
    return c->value->kind != FACT_MOMENT && c->value->kind != FACT_TEXT && c->value->kind != FACT_ADDRESS;
}

static void put_cell(const lines *l, unsigned column, const char *text)
{
    const int width = (int)l->width[column];
    const bool is_last = column == l->columns - 1;

    if (is_right(&l->column[column]))
        printf("%*s", width, text);
    else
        printf("%-*s", width, text);
    fputs(is_last ? "\n" : "  ", stdout);
}

static void end_lines(void *own)
{
    lines *l = own;
    unsigned column = 0;

    for (guint i = 0; i < l->blocks->len; i++) {
        GString *block = g_ptr_array_index(l->blocks, i);
        for (const char *text = block->str; text < block->str + block->len; text += strlen(text) + 1) {
            put_cell(l, column, text);
            column = (column + 1) % l->columns;
        }
        g_string_free(block, TRUE);
    }
    g_ptr_array_free(l->blocks, TRUE);
    g_free(l);
}

const statistics_format statistics_lines = {"streams", begin_lines, write_line, end_lines, false, NULL};
