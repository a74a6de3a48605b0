/* event-counts.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "event-counts.h"

#include <glib.h>

#include "record.h"
#include "text.h"

struct event_counts {
    GArray *raised; /* of guint64, in order: the connection's number, and the event in the lower half */
    guint next;     /* of these: the first that was not asked for */
    GString *text;
};

static const char *const names[TL_EVENT_COUNT] = {
#define X(id, name, ...) [TL_EVENT_##id] = name,
    TL_EVENTS(X)
#undef X
};

static void add_frame(GArray *raised, uint32_t frame)
{
    uint32_t connection;
    tl_report report;

    if (record_is_quiet(frame))
        return;
    for (unsigned nth = 0; record_get(frame, nth, &connection, &report); nth++) {
        for (unsigned i = 0; i < report.raised; i++) {
            const guint64 key = (guint64)connection << 32 | report.event[i].event;
            g_array_append_val(raised, key);
        }
    }
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const guint64 one = *(const guint64 *)a, other = *(const guint64 *)b;

    return (one > other) - (one < other);
}

event_counts *event_counts_new(void)
{
    event_counts *counts = g_new0(event_counts, 1);

    counts->raised = g_array_new(FALSE, FALSE, sizeof(guint64));
    counts->text = g_string_new(NULL);
    for (uint32_t frame = 1; frame < record_end(); frame++)
        add_frame(counts->raised, frame);
    g_array_sort(counts->raised, compare);
    return counts;
}

void event_counts_free(event_counts *counts)
{
    if (!counts)
        return;
    g_array_free(counts->raised, TRUE);
    g_string_free(counts->text, TRUE);
    g_free(counts);
}

/* The next one, while it is this connection's, or one before it. */
static const guint64 *peek(const event_counts *counts, uint32_t connection)
{
    const guint64 *next =
        counts->next < counts->raised->len ? &g_array_index(counts->raised, guint64, counts->next) : NULL;

    return next && *next >> 32 <= connection ? next : NULL;
}

static void add_count(GString *to, const char *name, unsigned times)
{
    text_append(to, to->len ? ", " : "");
    text_append(to, name);
    g_string_append_c(to, ' ');
    text_append_number(to, times, 1);
}

const char *event_counts_text(event_counts *counts, uint32_t connection)
{
    const guint64 *next;

    g_string_truncate(counts->text, 0);
    while ((next = peek(counts, connection))) {
        const guint64 key = *next;
        unsigned times = 0;
        for (; (next = peek(counts, connection)) && *next == key; counts->next++)
            times++;
        if (key >> 32 == connection)
            add_count(counts->text, names[key & UINT32_MAX], times);
    }
    return counts->text->len ? counts->text->str : NULL;
}
