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
#include "statistics-formats.h"

static int tap;

/* ---- The tap ---- */

/* A record and what it points to that would not last. */
typedef struct {
    shown shown; /* the record that listeners get */
    tl_report report;
} tapped;

void statistics_tap(packet_info *pinfo, const shown *what)
{
    if (!have_tap_listener(tap))
        return;
    tapped *t = wmem_new(pinfo->pool, tapped);
    t->report = *what->report;
    t->shown = *what;
    t->shown.report = &t->report;
    tap_queue_packet(tap, pinfo, &t->shown);
}

/* ---- The command line ---- */

/* One -z. */
typedef struct {
    const statistics_format *format;
    connection_set *connections; /* those with a frame that passed the filter */
    const tl_view *view;         /* NULL: there are none */
} listener;

static tap_packet_status listen(void *own, packet_info *pinfo, epan_dissect_t *edt, const void *record,
                                tap_flags_t flags)
{
    (void)pinfo, (void)edt, (void)flags;
    listener *l = own;
    const shown *what = record;

    connection_set_add(l->connections, what->stream);
    l->view = what->view;
    return TAP_PACKET_DONT_REDRAW;
}

static void forget(void *own)
{
    listener *l = own;

    g_byte_array_set_size(l->connections, 0);
    l->view = NULL;
}

/* The capture is over, so facts are final. */
static void write_all(void *own)
{
    const listener *l = own;
    const tl_view view = {.whole = true, .end = l->view ? l->view->end : 0};
    void *writer = l->format->begin();
    stream_facts row;

    for (guint number = 0; number < l->connections->len * 8; number++) {
        const stream *s = connection_set_has(l->connections, number) ? streams_get(number) : NULL;
        if (s) {
            stream_facts_get(s, &view, &row);
            l->format->write(writer, &row);
        }
    }
    l->format->end(writer);
    fflush(stdout);
}

static void end_listening(void *own)
{
    listener *l = own;

    g_byte_array_free(l->connections, TRUE);
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
    GString *error = register_tap_listener(STATISTICS_TAP, l, filter, TL_REQUIRES_NOTHING, forget, listen,
                                           write_all, end_listening);
    if (error) {
        report_failure("Couldn't register tcplife,%s tap: %s", format->option, error->str);
        g_string_free(error, TRUE);
        end_listening(l);
        STATISTIC_FAILED;
    }
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

void statistics_register(int proto)
{
    tap = register_tap(STATISTICS_TAP);
    register_option(&statistics_csv);
    register_option(&statistics_json);
    register_option(&statistics_lines);
    register_option(&statistics_tree);
    statistics_tree_register();
    statistics_table_register();
    flow_register(proto);
}
