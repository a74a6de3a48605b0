/* statistics-tree.c
 * How connections opened and closed, counted: of all of them, and by server.
 *
 * The counters are Wireshark's stats_tree. They are set, not increased: how many
 * were counted within a burst of milliseconds says nothing about connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>

#include <epan/packet.h>
#include <epan/stats_tree_priv.h>

#include "connection-set.h"
#include "shown.h"
#include "statistics-formats.h"

#define ABBREVIATION "tcplife"
#define ALL "Connections"
#define BY_SERVER "By server"

enum { ROOT = 0 };

/* What is counted of each connection: the values of these. */
static const struct {
    const char *title;
    size_t at; /* of a const char * in stream_facts; NULL counts nowhere */
} groups[] = {
    {"Open", offsetof(stream_facts, told.open)},
    {"Close", offsetof(stream_facts, told.close)},
    {"Closed by", offsetof(stream_facts, told.closed_by)},
    {"RST cause", offsetof(stream_facts, told.reset_cause)},
    {"Phase", offsetof(stream_facts, phase)},
};

/* A tree that is being filled. */
typedef struct {
    stats_tree *tree;
    GHashTable *counts; /* by parent and name */
} counter;

static counter begin_counter(stats_tree *tree)
{
    stats_tree_create_node(tree, ALL, ROOT, STAT_DT_INT, true);
    stats_tree_create_node(tree, BY_SERVER, ROOT, STAT_DT_INT, true);
    return (counter){.tree = tree, .counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
}

static void end_counter(counter *c)
{
    if (c->counts)
        g_hash_table_destroy(c->counts);
    *c = (counter){0};
}

/* Count one more; the node's number, if it may be a parent. */
static int count(counter *c, int parent, const char *name, bool is_parent)
{
    char *key = g_strdup_printf("%d %s", parent, name);
    const int n = GPOINTER_TO_INT(g_hash_table_lookup(c->counts, key)) + 1;

    g_hash_table_insert(c->counts, key, GINT_TO_POINTER(n));
    return stats_tree_manip_node_int(MN_SET, c->tree, name, parent, is_parent, n);
}

static void count_groups(counter *c, int parent, const stream_facts *row)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const char *value = *(const char *const *)((const char *)row + groups[i].at);
        if (value)
            count(c, count(c, parent, groups[i].title, true), value, false);
    }
}

static void count_connection(counter *c, const stream_facts *row)
{
    const statistics_column server = {
        .value = statistics_fact("tcplife.server.addr"),
        .port = statistics_fact("tcplife.server.port"),
    };
    char *name = statistics_cell(NULL, &server, row);

    count_groups(c, count(c, ROOT, ALL, true), row);
    count_groups(c, count(c, count(c, ROOT, BY_SERVER, true), name, true), row);
    wmem_free(NULL, name);
}

/* ---- The command line ---- */

static void *begin_tree(void)
{
    counter *c = g_new0(counter, 1);

    *c = begin_counter(stats_tree_new(stats_tree_get_cfg_by_abbr(ABBREVIATION), NULL, NULL));
    return c;
}

static void write_tree(void *own, const stream_facts *row)
{
    count_connection(own, row);
}

static void end_tree(void *own)
{
    counter *c = own;
    GString *text =
        stats_tree_format_as_str(c->tree, ST_FORMAT_PLAIN, stats_tree_get_default_sort_col(c->tree),
                                 stats_tree_is_default_sort_DESC(c->tree));

    fputs(text->str, stdout);
    g_string_free(text, TRUE);
    stats_tree_free(c->tree);
    end_counter(c);
    g_free(c);
}

const statistics_format statistics_tree = {"tree", begin_tree, write_tree, end_tree};

/* ---- The window ---- */

/* The tree of the window that was opened last: each is filled before the next is opened. */
static struct {
    counter counter;
    connection_set *seen;
} window;

static void forget_window(stats_tree *tree)
{
    if (window.counter.tree != tree)
        return;
    end_counter(&window.counter);
    g_byte_array_free(window.seen, TRUE);
    window.seen = NULL;
}

static void begin_window(stats_tree *tree)
{
    if (window.seen)
        forget_window(window.counter.tree);
    window.counter = begin_counter(tree);
    window.seen = g_byte_array_new();
}

/* The capture has been read before the window is filled, so facts are final already. */
static tap_packet_status fill_window(stats_tree *tree, packet_info *pinfo, epan_dissect_t *edt,
                                     const void *record, tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    const shown *what = record;
    stream_facts row;

    if (window.counter.tree != tree)
        begin_window(tree);
    tree->elapsed = 0; /* no rate, as on the command line */
    if (!connection_set_add(window.seen, what->stream))
        return TAP_PACKET_DONT_REDRAW;
    stream_facts_get(what->stream, what->view, &row);
    count_connection(&window.counter, &row);
    return TAP_PACKET_REDRAW;
}

void statistics_tree_register(void)
{
    stats_tree_register_plugin(STATISTICS_TAP, ABBREVIATION, "TCP Lifecycle", TL_REQUIRES_NOTHING,
                               fill_window, begin_window, forget_window);
}
