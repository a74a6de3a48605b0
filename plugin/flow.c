/* flow.c
 * The flow graph: a ladder of the segments that decide something, and of those that a RST answers.
 * That is known only when the RST comes: of the last frames it is kept when they passed, in the words of
 * the user's time format, and the arrow goes to its place among those that are drawn already.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat-statistics.h"

#include <epan/column-utils.h>

#include "record.h"
#include "shown.h"
#include "statistics-formats.h"

/* The steps; of a RST that decides nothing, but answers what is drawn for it, that it is one. */
static char *label(const tl_report *r)
{
    GString *text = g_string_new(r->steps ? NULL : tl_step_name(TL_STEP_RST));

    for (unsigned step = 0; step < TL_STEP_COUNT; step++) {
        if (r->steps & 1U << step)
            g_string_append_printf(text, "%s%s", text->len ? " + " : "", tl_step_name(step));
    }
    return g_string_free(text, FALSE);
}

/* The states that they lead to. */
static char *comment(const tl_report *r)
{
    if (!r->has_states)
        return g_strdup("");
    return g_strdup_printf("client %s, server %s", tcp_state_name(r->state[TL_CLIENT]),
                           tcp_state_name(r->state[TL_SERVER]));
}

static void replace_address(address *a, const stream *s, unsigned side)
{
    const address end = streams_address(s, side);

    free_address(a);
    copy_address(a, &end);
}

/* ---- When segments passed ---- */

enum { KEPT = 1 << 14, LONGEST_TIME = 44 };

typedef struct {
    uint32_t frame;
    char time[LONGEST_TIME];
} passed;

static passed *kept; /* by frame number, modulo KEPT; NULL: no graph was drawn since the capture was opened */

static void forget_times(void)
{
    g_free(kept);
    kept = NULL;
}

static void keep_time(const packet_info *pinfo)
{
    char time[COL_MAX_LEN];

    if (!kept)
        kept = g_new0(passed, KEPT);
    passed *p = &kept[pinfo->num % KEPT];
    set_fd_time(pinfo->epan, pinfo->fd, time);
    p->frame = pinfo->num;
    g_strlcpy(p->time, time, sizeof p->time);
}

/* NULL: that is too long ago. */
static const char *time_of(uint32_t frame)
{
    const passed *p = &kept[frame % KEPT];

    return p->frame == frame ? p->time : NULL;
}

/* ---- Arrows ---- */

/* From one end of the connection to the other, which in a tunnel are not those of the packet. */
static void set_ends(seq_analysis_item_t *arrow, const stream *s, tl_role sender)
{
    const unsigned from = sender == TL_CLIENT ? s->connection.client : !s->connection.client;

    replace_address(&arrow->src_addr, s, from);
    replace_address(&arrow->dst_addr, s, !from);
    arrow->port_src = s->port[from];
    arrow->port_dst = s->port[!from];
}

/* An arrow of a frame with what it says; NULL: its packet has no addresses. */
static seq_analysis_item_t *make_arrow(packet_info *pinfo, seq_analysis_info_t *graph, const stream *s,
                                       const tl_report *r)
{
    seq_analysis_item_t *arrow = sequence_analysis_create_sai_with_addresses(pinfo, graph);

    if (!arrow)
        return NULL;
    set_ends(arrow, s, r->sender);
    arrow->frame_number = pinfo->num;
    arrow->comment = comment(r);
    arrow->conv_num = (uint16_t)s->connection.number;
    arrow->line_style = 1;
    arrow->display = true;
    return arrow;
}

/* What was decided at a frame of the connection. */
static bool get_report(uint32_t frame, uint32_t connection, tl_report *r)
{
    uint32_t found;

    for (unsigned nth = 0; record_get(frame, nth, &found, r); nth++) {
        if (found == connection)
            return true;
    }
    return false;
}

enum { FARTHEST = 4096 };

/* The last arrow up to a frame.
 *  @param[out] place  it; NULL: there is none
 *  @return false if it is too far back */
static bool find_place(const seq_analysis_info_t *graph, uint32_t frame, GList **place)
{
    *place = g_queue_peek_tail_link(graph->items);
    for (int i = 0; i < FARTHEST; i++) {
        if (!*place || ((seq_analysis_item_t *)(*place)->data)->frame_number <= frame)
            return true;
        *place = (*place)->prev;
    }
    return false;
}

static bool is_drawn(const GList *place, uint32_t frame, uint32_t connection)
{
    const seq_analysis_item_t *arrow = place ? place->data : NULL;

    return arrow && arrow->frame_number == frame && arrow->conv_num == (uint16_t)connection;
}

/* The segment that a RST answers. */
static void draw_answered(packet_info *pinfo, seq_analysis_info_t *graph, const stream *s,
                          const tl_report *rst)
{
    const uint32_t frame = rst->answers, connection = s->connection.number;
    const char *time = time_of(frame);
    GList *place;
    tl_report r;

    if (!time || !find_place(graph, frame, &place) || is_drawn(place, frame, connection) ||
        !get_report(frame, connection, &r))
        return;
    seq_analysis_item_t *arrow = make_arrow(pinfo, graph, s, &r);
    if (!arrow)
        return;
    arrow->frame_number = frame;
    arrow->frame_label = g_strdup(tl_answered_name(rst->answered));
    g_free(arrow->time_str);
    arrow->time_str = g_strdup(time);
    if (place)
        g_queue_insert_after(graph->items, place, arrow);
    else
        g_queue_push_head(graph->items, arrow);
}

static tap_packet_status draw(void *own, packet_info *pinfo, epan_dissect_t *edt, const void *record,
                              tap_flags_t flags)
{
    (void)edt, (void)flags;
    seq_analysis_info_t *graph = own;
    const tapped *what = record;
    uint32_t number;
    tl_report report;

    keep_time(pinfo);
    if (!record_get(what->frame, what->nth, &number, &report))
        return TAP_PACKET_DONT_REDRAW;
    if (report.answers)
        draw_answered(pinfo, graph, what->stream, &report);
    else if (!report.steps)
        return TAP_PACKET_DONT_REDRAW;
    seq_analysis_item_t *arrow = make_arrow(pinfo, graph, what->stream, &report);
    if (!arrow)
        return TAP_PACKET_DONT_REDRAW;
    arrow->frame_label = label(&report);
    g_queue_push_tail(graph->items, arrow);
    return TAP_PACKET_REDRAW;
}

void flow_register(int proto)
{
    register_init_routine(forget_times);
    register_seq_analysis("tcplife", "TCP Lifecycle", proto, STATISTICS_TAP, TL_REQUIRES_NOTHING, draw);
}
