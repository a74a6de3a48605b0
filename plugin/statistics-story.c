/* statistics-story.c
 * `-z tcplife,story`: of each connection a heading, its story, and a ladder of the frames
 * that decided something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>

#include <glib.h>

#include <epan/to_str.h>

#include "record.h"
#include "statistics-formats.h"
#include "story.h"

/* Where each frame is that decided something. A record has no time, so it is noted when the frame is seen. */
typedef struct {
    uint32_t connection, frame;
    nstime_t time; /* since the first frame of the capture, which may be longer than 2^63 ns; unset: none */
} rung;

static GArray
    *rungs; /* of rung, in the order of frames until they are sorted; NULL: nobody asks for stories */
static bool is_sorted; /* by connection, and then by frame */

void statistics_story_see(const tapped *header, const nstime_t *time)
{
    rung r = {.frame = header->frame, .time = *time};
    tl_report report;

    if (!rungs || !record_get(header->frame, header->nth, &r.connection, &report) ||
        (!report.steps && !report.raised && !report.transitions))
        return;
    g_array_append_val(rungs, r);
    is_sorted = false;
}

void statistics_story_forget(void)
{
    if (rungs)
        g_array_set_size(rungs, 0);
}

static gint compare(gconstpointer a, gconstpointer b)
{
    const rung *one = a, *other = b;

    if (one->connection != other->connection)
        return one->connection < other->connection ? -1 : 1;
    return (one->frame > other->frame) - (one->frame < other->frame);
}

/* The first of a connection's. */
static guint find(uint32_t connection)
{
    guint low = 0, high = rungs->len;

    if (!is_sorted)
        g_array_sort(rungs, compare);
    is_sorted = true;
    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (g_array_index(rungs, rung, middle).connection < connection)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Printing ---- */

enum { STEP_WIDTH = 27 };

static void print_heading(const stream_facts *row)
{
    char *client = address_to_str(NULL, &row->address[TL_CLIENT]);
    char *server = address_to_str(NULL, &row->address[TL_SERVER]);

    printf("Connection %" PRIu32 ": client %s port %" PRIu32 ", server %s port %" PRIu32 "\n",
           row->connection, client, row->port[TL_CLIENT], server, row->port[TL_SERVER]);
    wmem_free(NULL, client);
    wmem_free(NULL, server);
}

static void print_story(const stream_facts *row)
{
    GString *story = g_string_new("  ");

    story_append(story, row, "\n  ");
    puts(story->str);
    g_string_free(story, TRUE);
}

static void print_steps(unsigned steps)
{
    int width = 0;

    for (unsigned step = 0; step < TL_STEP_COUNT; step++) {
        if (steps & 1U << step)
            width += printf("%s%s", width ? " + " : "", tl_step_name((tl_step)step));
    }
    printf("%*s", width < STEP_WIDTH ? STEP_WIDTH - width : 0, "");
}

static void print_time(const nstime_t *time)
{
    const bool is_negative = time->secs < 0 || time->nsecs < 0;
    char seconds[24]; /* of 64 bits, and the sign */

    if (nstime_is_unset(time)) {
        printf("%12s", "");
        return;
    }
    snprintf(seconds, sizeof seconds, "%s%" PRIu64, is_negative ? "-" : "",
             is_negative ? 0 - (uint64_t)time->secs : (uint64_t)time->secs);
    printf("%5s.%06d", seconds, abs(time->nsecs) / 1000);
}

static void print_rung(const rung *r, const tl_report *report)
{
    static const char *const events[TL_EVENT_COUNT] = {
#define X(id, name, ...) [TL_EVENT_##id] = name,
        TL_EVENTS(X)
#undef X
    };
    const bool is_rejection = report->is_rejection;

    printf("  %6" PRIu32 " ", r->frame);
    print_time(&r->time);
    printf("  %-6s  ", is_rejection ? "ICMP" : tl_role_name(report->sender));
    print_steps(report->steps);
    if (is_rejection)
        printf("\n");
    else
        printf("  %-12s  %-12s  %s\n", tcp_state_name(report->phase),
               report->has_states ? tcp_state_name(report->state[TL_CLIENT]) : "-",
               report->has_states ? tcp_state_name(report->state[TL_SERVER]) : "-");
    for (unsigned i = 0; i < report->raised; i++)
        printf("%30s%s\n", "", events[report->event[i].event]);
}

static void print_ladder(const stream_facts *row)
{
    uint32_t connection;
    tl_report report;

    printf("  %6s %12s  %-6s  %-*s  %-12s  %-12s  %s\n", "frame", "time", "from", STEP_WIDTH, "step", "phase",
           "client", "server");
    for (guint i = find(row->connection); i < rungs->len; i++) {
        const rung *r = &g_array_index(rungs, rung, i);
        if (r->connection != row->connection)
            break;
        if (i > 0 && !compare(r, r - 1))
            continue; /* the frame's next header, which was printed with its first */
        for (unsigned nth = 0; record_get(r->frame, nth, &connection, &report); nth++) {
            if (connection == row->connection && (report.steps || report.raised || report.transitions))
                print_rung(r, &report);
        }
    }
}

static void *begin_stories(void)
{
    return NULL;
}

static void write_story(void *own, const stream_facts *row)
{
    (void)own;
    print_heading(row);
    print_story(row);
    print_ladder(row);
    printf("\n");
}

static void end_stories(void *own)
{
    (void)own;
}

static void choose_stories(void)
{
    if (!rungs)
        rungs = g_array_new(FALSE, FALSE, sizeof(rung));
}

const statistics_format statistics_story = {"story",     begin_stories, write_story,
                                            end_stories, false,         choose_stories};
