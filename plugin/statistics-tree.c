/* statistics-tree.c
 * How connections opened and closed, counted: of all of them, and by server.
 *
 * Counted is here, and Wireshark's stats_tree shows it. Its counters are set, not
 * increased: how many were counted within a burst of milliseconds says nothing
 * about connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <epan/packet.h>
#include <epan/stats_tree_priv.h>

#include "connection-set.h"
#include "shown.h"
#include "statistics-formats.h"

#define ABBREVIATION "tcplife"
#define ALL "Connections"
#define BY_SERVER "By server"

enum {
    ROOT = 0,
    SERVERS_MAX = 100, /* that have a branch of their own: Wireshark's tree is slow with many */
};

/* What is counted of each connection: the values of these, in a branch for each. */
enum { SEVERAL = 0 };
static const struct {
    const char *title;
    size_t at; /* of a const char * in stream_facts; NULL counts nowhere. SEVERAL: see add_resets() */
} groups[] = {
    {"Open", offsetof(stream_facts, told.open)},
    {"Close", offsetof(stream_facts, told.close)},
    {"Closed by", offsetof(stream_facts, told.closed_by)},
    {"RST cause", offsetof(stream_facts, told.reset_cause)},
    {"RST form", offsetof(stream_facts, told.rst_form)},
    {"RST answers", SEVERAL},
    {"RST evidence", SEVERAL},
    {"Phase", offsetof(stream_facts, phase)},
};
enum { ANSWERS = 5, EVIDENCE = 6 }; /* in groups */

/* ---- Counting ---- */

typedef struct {
    size_t group;      /* in groups */
    const char *value; /* static storage */
    int count;
} value_count;

/* What is counted of some connections. */
typedef struct {
    int connections;
    GArray *values; /* of value_count, in the order in which they came */
} tally;

static tally *make_tally(void)
{
    tally *t = g_new0(tally, 1);

    t->values = g_array_new(FALSE, FALSE, sizeof(value_count));
    return t;
}

static void free_tally(void *own)
{
    tally *t = own;

    g_array_free(t->values, TRUE);
    g_free(t);
}

static void add_value(tally *t, const value_count *more)
{
    for (guint i = 0; i < t->values->len; i++) {
        value_count *v = &g_array_index(t->values, value_count, i);
        if (v->group == more->group && !strcmp(v->value, more->value)) {
            v->count += more->count;
            return;
        }
    }
    g_array_append_vals(t->values, more, 1);
}

static void count_value(tally *t, size_t group, const char *value)
{
    if (value)
        add_value(t, &(value_count){.group = group, .value = value, .count = 1});
}

/* What the RST answers that a row tells of, and each piece of evidence. */
static void add_resets(tally *t, const tl_facts *f)
{
    if (f->reset_count)
        count_value(t, ANSWERS, f->rst_answered ? f->rst_answered : "nothing");
    for (unsigned i = 0; i < TL_EVIDENCE_COUNT; i++) {
        if (f->rst_evidence & 1U << i)
            count_value(t, EVIDENCE, tl_evidence_name((tl_evidence)i));
    }
}

static void add_connection(tally *t, const stream_facts *row)
{
    t->connections++;
    for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
        if (groups[i].at != SEVERAL)
            count_value(t, i, *(const char *const *)((const char *)row + groups[i].at));
    }
    add_resets(t, &row->told);
}

static void add_tally(tally *t, const tally *more)
{
    t->connections += more->connections;
    for (guint i = 0; i < more->values->len; i++)
        add_value(t, &g_array_index(more->values, value_count, i));
}

/* All connections, and those of each server. */
typedef struct {
    tally *all;
    GHashTable *servers; /* tallies by name */
} census;

static census begin_census(void)
{
    return (census){
        .all = make_tally(),
        .servers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tally),
    };
}

static void end_census(census *c)
{
    free_tally(c->all);
    g_hash_table_destroy(c->servers);
}

/* To be freed with wmem_free(NULL, ). */
static char *server_name(const stream_facts *row)
{
    const statistics_column server = {
        .value = statistics_fact("tcplife.server.addr"),
        .port = statistics_fact("tcplife.server.port"),
    };

    return statistics_cell(NULL, &server, row);
}

static tally *find_or_make_server(census *c, const char *name)
{
    tally *t = g_hash_table_lookup(c->servers, name);

    if (!t) {
        t = make_tally();
        g_hash_table_insert(c->servers, g_strdup(name), t);
    }
    return t;
}

static void count_connection(census *c, const stream_facts *row)
{
    char *name = server_name(row);

    add_connection(c->all, row);
    add_connection(find_or_make_server(c, name), row);
    wmem_free(NULL, name);
}

/* ---- Servers by rank ---- */

typedef struct {
    const char *name;
    const tally *tally;
} ranked;

static gint compare_rank(gconstpointer a, gconstpointer b)
{
    const ranked *one = a, *other = b;

    if (one->tally->connections != other->tally->connections)
        return one->tally->connections < other->tally->connections ? 1 : -1;
    return strcmp(one->name, other->name);
}

/* The servers of a census (of ranked), those with most connections first. They point into it. */
static GArray *rank(const census *c)
{
    GArray *servers = g_array_new(FALSE, FALSE, sizeof(ranked));
    GHashTableIter iterator;
    gpointer name, found;

    g_hash_table_iter_init(&iterator, c->servers);
    while (g_hash_table_iter_next(&iterator, &name, &found))
        g_array_append_vals(servers, &(ranked){.name = name, .tally = found}, 1);
    g_array_sort(servers, compare_rank);
    return servers;
}

/* What stands for the servers beyond the first. To be freed with g_free(). */
static char *others_name(const GArray *servers)
{
    return g_strdup_printf("others (%u servers)", servers->len - SERVERS_MAX);
}

/* ---- Showing ---- */

static GHashTable *windows; /* by their stats_tree: several may be filled at a time */

static int show(stats_tree *tree, int parent, const char *name, bool is_parent, int number)
{
    return stats_tree_manip_node_int(MN_SET, tree, name, parent, is_parent, number);
}

static stat_node *node_of(stats_tree *tree, int branch)
{
    return g_ptr_array_index(tree->parents, (unsigned)branch);
}

/* A branch that is above those that are not, whatever is sorted. */
static int keep_above(stats_tree *tree, int branch)
{
    node_of(tree, branch)->st_flags |= ST_FLG_SORT_TOP;
    return branch;
}

/* A branch that keeps its place among its kind, whatever is sorted. Wireshark does so with ranges: it becomes
 * one, of which Wireshark shows an average, a minimum and a maximum, too: those of its items. */
static void keep_place(stats_tree *tree, int branch, int place, const value_count *items, guint count)
{
    stat_node *node = node_of(tree, branch);
    int total = 0, kinds = 0, least = INT_MAX, most = 0;

    for (guint i = 0; i < count; i++) {
        if (items[i].group != (size_t)place)
            continue;
        total += items[i].count;
        kinds++;
        least = MIN(least, items[i].count);
        most = MAX(most, items[i].count);
    }
    if (!node->rng)
        node->rng = g_new0(range_pair_t, 1);
    node->rng->floor = node->rng->ceil = place;
    node->total.int_total = (gint64)total * total / kinds; /* it is divided by the total */
    node->minvalue.int_min = least;
    node->maxvalue.int_max = most;
}

/* In windows an item or a server stands by its count, whatever is sorted: those of 4.0 and 4.4 begin with the names,
 * from Z to A. It becomes a range for that, too, which is the average of itself. */
static void stand_by_count(stats_tree *tree, stat_node *node)
{
    if (!g_hash_table_contains(windows, tree))
        return;
    if (!node->rng)
        node->rng = g_new0(range_pair_t, 1);
    node->rng->floor = node->rng->ceil = -node->counter;
    node->total.int_total = (gint64)node->counter * node->counter;
    node->minvalue.int_min = node->maxvalue.int_max = node->counter;
}

static void show_group(stats_tree *tree, int parent, const tally *t, size_t group)
{
    const value_count *values = (const value_count *)(const void *)t->values->data;
    int total = 0;

    for (guint i = 0; i < t->values->len; i++)
        total += values[i].group == group ? values[i].count : 0;
    if (!total)
        return;
    const int branch = show(tree, parent, groups[group].title, true, total);
    keep_place(tree, branch, (int)group, values, t->values->len);
    for (guint i = 0; i < t->values->len; i++) {
        if (values[i].group == group)
            show(tree, branch, values[i].value, false, values[i].count);
    }
    for (stat_node *item = node_of(tree, branch)->children; item; item = item->next)
        stand_by_count(tree, item);
}

static void show_groups(stats_tree *tree, int branch, const tally *t)
{
    for (size_t group = 0; group < G_N_ELEMENTS(groups); group++)
        show_group(tree, branch, t, group);
}

/* A server, or all others, which come last. */
static void show_server(stats_tree *tree, int parent, const char *name, const tally *t, bool is_others)
{
    const int branch = show(tree, parent, name, true, t->connections);

    if (!is_others)
        stand_by_count(tree, node_of(tree, keep_above(tree, branch)));
    show_groups(tree, branch, t);
}

/* The branch of all connections; the number of that of the servers. */
static int show_all(stats_tree *tree, const tally *all)
{
    show_groups(tree, keep_above(tree, show(tree, ROOT, ALL, true, all->connections)), all);
    return show(tree, ROOT, BY_SERVER, true, all->connections);
}

static void show_servers(stats_tree *tree, int parent, const census *c)
{
    GArray *servers = rank(c);
    tally *others = make_tally();

    for (guint i = 0; i < servers->len; i++) {
        const ranked *r = &g_array_index(servers, ranked, i);
        if (i < SERVERS_MAX)
            show_server(tree, parent, r->name, r->tally, false);
        else
            add_tally(others, r->tally);
    }
    if (others->connections) {
        char *name = others_name(servers);
        show_server(tree, parent, name, others, true);
        g_free(name);
    }
    free_tally(others);
    g_array_free(servers, TRUE);
}

/* ---- The command line ---- */

static void *begin_tree(void)
{
    census *c = g_new(census, 1);

    *c = begin_census();
    return c;
}

static void write_tree(void *own, const stream_facts *row)
{
    count_connection(own, row);
}

static void end_tree(void *own)
{
    census *c = own;
    stats_tree *tree = stats_tree_new(stats_tree_get_cfg_by_abbr(ABBREVIATION), NULL, NULL);

    show_servers(tree, show_all(tree, c->all), c);
    GString *text = stats_tree_format_as_str(tree, ST_FORMAT_PLAIN, stats_tree_get_default_sort_col(tree),
                                             stats_tree_is_default_sort_DESC(tree));
    fputs(text->str, stdout);
    g_string_free(text, TRUE);
    stats_tree_free(tree);
    end_census(c);
    g_free(c);
}

const statistics_format statistics_tree = {"tree", begin_tree, write_tree, end_tree, false, NULL};

/* ---- The window, and sharkd ---- */

/* A tree that is filled packet by packet, and shown at any moment. */
typedef struct {
    connection_set *seen;
    census census; /* of these servers that have a branch of their own */
    tally *others;
    char *others_name;
} window;

static void free_window(void *own)
{
    window *w = own;

    g_byte_array_free(w->seen, TRUE);
    end_census(&w->census);
    free_tally(w->others);
    g_free(w->others_name);
    g_free(w);
}

static void forget_window(stats_tree *tree)
{
    g_hash_table_remove(windows, tree);
}

/* How many connections each server of the capture has: once a branch is shown it stays, so who gets one
 * has to be known before. Of a live capture that is what it has up to now. */
static census count_capture(void)
{
    const tl_view view = {.whole = false};
    census c = begin_census();
    stream_facts row;

    for (uint32_t number = streams_begin(); number < streams_end(); number++) {
        stream_facts_get(streams_get(number), &view, &row);
        count_connection(&c, &row);
    }
    return c;
}

static void choose_servers(window *w)
{
    census capture = count_capture();
    GArray *servers = rank(&capture);

    for (guint i = 0; i < servers->len && i < SERVERS_MAX; i++)
        find_or_make_server(&w->census, g_array_index(servers, ranked, i).name);
    w->others_name = servers->len > SERVERS_MAX ? others_name(servers) : g_strdup("others");
    g_array_free(servers, TRUE);
    end_census(&capture);
}

static void begin_window(stats_tree *tree)
{
    window *w = g_new0(window, 1);

    w->seen = g_byte_array_new();
    w->census = begin_census();
    w->others = make_tally();
    choose_servers(w);
    show_all(tree, w->census.all);
    g_hash_table_replace(windows, tree, w);
}

static void count_in_window(window *w, stats_tree *tree, const stream_facts *row)
{
    char *name = server_name(row);
    const bool is_own =
        g_hash_table_contains(w->census.servers, name) || g_hash_table_size(w->census.servers) < SERVERS_MAX;
    tally *server = is_own ? find_or_make_server(&w->census, name) : w->others;

    add_connection(w->census.all, row);
    add_connection(server, row);
    show_server(tree, show_all(tree, w->census.all), is_own ? name : w->others_name, server, !is_own);
    wmem_free(NULL, name);
}

/* The capture has been read before the window is filled, so facts are final already. */
static tap_packet_status fill_window(stats_tree *tree, packet_info *pinfo, epan_dissect_t *edt,
                                     const void *record, tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    window *w = g_hash_table_lookup(windows, tree);
    const tapped *what = record;
    stream_facts row;

    tree->elapsed = 0; /* no rate, as on the command line */
    if (!w || !connection_set_add(w->seen, what->stream))
        return TAP_PACKET_DONT_REDRAW;
    stream_facts_get(what->stream, what->view, &row);
    count_in_window(w, tree, &row);
    return TAP_PACKET_REDRAW;
}

void statistics_tree_register(void)
{
    windows = g_hash_table_new_full(NULL, NULL, NULL, free_window);
    stats_tree_register_plugin(STATISTICS_TAP, ABBREVIATION, "TCP Lifecycle", TL_REQUIRES_NOTHING,
                               fill_window, begin_window, forget_window);
}
