/* statistics.c
 * The tap, and the statistics of the command line.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "statistics.h"

#include <stdio.h>
#include <string.h>

#include <epan/stat_tap_ui.h>
#include <epan/tap.h>
#include <wsutil/report_message.h>

#include "compat-statistics.h"
#include "connection-set.h"
#include "event-counts.h"
#include "row-filter.h"
#include "statistics-formats.h"
#include "story.h"

static int tap;

static const tl_view *view; /* of the capture */

/* ---- The tap ---- */

bool statistics_listen(void)
{
    return have_tap_listener(tap);
}

void statistics_tap(packet_info *pinfo, const stream *s, unsigned nth)
{
    nstime_t time = pinfo->rel_ts;
    tapped *t = wmem_new(pinfo->pool, tapped);

    *t = (tapped){.stream = s, .view = view, .frame = pinfo->num, .nth = nth};
    if (!pinfo->fd->has_ts)
        nstime_set_unset(&time);
    statistics_story_see(t, &time);
    tap_queue_packet(tap, pinfo, t);
}

/* ---- The command line ---- */

/* One -z. */
typedef struct {
    const statistics_format *format;
    connection_set *connections; /* of this session: those with a frame that passed the filter */
    row_filter *rows;            /* NULL: the frames are filtered */
    bool asks_both;              /* of frames and of whole connections */
    bool writing;                /* the format has begun */
    void *writer;                /* what it began with */
} listener;

static GPtrArray *listeners; /* all of them */

static tap_packet_status listen(void *own, packet_info *pinfo, epan_dissect_t *edt, const void *record,
                                tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    listener *l = own;
    const tapped *what = record;

    connection_set_add(l->connections, what->stream);
    return TAP_PACKET_DONT_REDRAW;
}

static void forget(void *own)
{
    listener *l = own;

    g_byte_array_set_size(l->connections, 0);
}

static const char *tell(GString *story, const stream_facts *row)
{
    g_string_truncate(story, 0);
    story_append(story, row, " ");
    return story->str;
}

/* Write the connections of this session, whose facts are final: it is over. */
static void write_session(listener *l)
{
    const tl_view whole = {.whole = true, .end = view->end, .msl = view->msl};
    stream_facts row;

    if (!l->writing)
        l->writer = l->format->begin();
    l->writing = true;
    GString *story = g_string_new(NULL);
    event_counts *counts = l->format->has_events ? event_counts_new() : NULL;
    for (uint32_t number = streams_begin(); number < streams_end(); number++) {
        if (!connection_set_has(l->connections, number - streams_begin()))
            continue;
        stream_facts_get(streams_get(number), &whole, &row);
        if (counts)
            row.events = event_counts_text(counts, number);
        if (counts || l->rows)
            row.story = tell(story, &row);
        if (!l->rows || row_filter_passes(l->rows, &row))
            l->format->write(l->writer, &row);
    }
    g_string_free(story, TRUE);
    event_counts_free(counts);
    forget(l);
    fflush(stdout);
}

/* A frame that was read before the end of the capture did not know what a filter asked for. */
static void advise(const listener *l)
{
    static bool has_advised;

    if (has_advised || !l->asks_both || streams_begin() == streams_end() || view->whole)
        return;
    report_warning("tcplife,%s: the filter asks frames about whole connections, which are known only "
                   "when the capture has been read: add -2 -o tcplife.look_ahead:TRUE.",
                   l->format->option);
    has_advised = true;
}

/* The capture is over. */
static void write_all(void *own)
{
    listener *l = own;

    advise(l);
    write_session(l);
    l->format->end(l->writer);
    l->writing = false;
    fflush(stdout);
}

/* A session ends with its capture, and listeners are told; but in the midst of a capture,
 * where tshark is to forget what it knows (-M) or goes on to the next file (-b), they are not. */
static void end_session(void)
{
    for (guint i = 0; i < listeners->len; i++) {
        listener *l = g_ptr_array_index(listeners, i);
        if (l->connections->len)
            write_session(l);
    }
    statistics_story_forget();
}

static void end_listening(void *own)
{
    listener *l = own;

    g_ptr_array_remove(listeners, l);
    g_byte_array_free(l->connections, TRUE);
    row_filter_free(l->rows);
    g_free(l);
}

/* What follows the option: nothing, or a filter after a comma.
 * @return false if it is neither */
static bool take_filter(const char *argument, const statistics_format *format, const char **filter)
{
    const char *rest = argument + strlen("tcplife,") + strlen(format->option);

    *filter = *rest == ',' && rest[1] ? rest + 1 : NULL;
    return !*rest || *rest == ',';
}

/* A filter that a row can answer is not for the tap. */
static void take_row_filter(listener *l, const char *filter)
{
    row_filter_kind kind;

    l->rows = row_filter_new(filter, &kind);
    l->asks_both = kind == ASKS_BOTH;
    if (l->rows)
        set_tap_dfilter(l, NULL);
}

static statistic_begun begin_listening(const char *argument, void *chosen)
{
    const statistics_format *format = chosen;
    const char *filter;

    if (!take_filter(argument, format, &filter)) {
        report_failure("Invalid -z argument \"%s\"; it must be \"tcplife,%s[,filter]\".", argument,
                       format->option);
        STATISTIC_FAILED;
    }
    listener *l = g_new0(listener, 1);
    l->format = format;
    l->connections = g_byte_array_new();
    g_ptr_array_add(listeners, l);
    GString *error = register_tap_listener(STATISTICS_TAP, l, filter, TL_REQUIRES_NOTHING, forget, listen,
                                           write_all, end_listening);
    if (error) {
        report_failure("Couldn't register tcplife,%s tap: %s", format->option, error->str);
        g_string_free(error, TRUE);
        end_listening(l);
        STATISTIC_FAILED;
    }
    if (filter)
        take_row_filter(l, filter);
    if (format->chosen)
        format->chosen();
    STATISTIC_BEGUN;
}

/* The first to register an option gets it: so ours come before those of the same
 * name that tshark makes of the windows, whose text is not final in one pass. */
static void register_option(const statistics_format *format)
{
    char *option = g_strdup_printf("tcplife,%s", format->option);
    stat_tap_ui ui = {
        .group = REGISTER_STAT_GROUP_GENERIC,
        .cli_string = option,
        .tap_init_cb = begin_listening,
    };

    register_stat_tap_ui(&ui, (void *)(uintptr_t)format);
    g_free(option);
}

void statistics_register(int proto, const tl_view *of_capture)
{
    view = of_capture;
    tap = register_tap(STATISTICS_TAP);
    listeners = g_ptr_array_new();
    register_cleanup_routine(end_session);
    register_option(&statistics_csv);
    register_option(&statistics_json);
    register_option(&statistics_lines);
    register_option(&statistics_story);
    register_option(&statistics_tree);
    statistics_tree_register();
    statistics_table_register();
    flow_register(proto);
    conversation_filter_register();
}
