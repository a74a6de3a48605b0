/* flow.c
 * The flow graph: a ladder of the segments that decide something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat-statistics.h"
#include "shown.h"
#include "statistics-formats.h"

/* The steps. */
static char *label(const tl_report *r)
{
    GString *text = g_string_new(NULL);

    for (unsigned step = 0; step < TL_STEP_COUNT; step++) {
        if (r->steps & 1U << step)
            g_string_append_printf(text, "%s%s", text->len ? " + " : "", tl_step_name(step));
    }
    return g_string_free(text, FALSE);
}

/* The states that they lead to. */
static char *comment(const tl_report *r)
{
    return g_strdup_printf("client %s, server %s", tcp_state_name(r->state[TL_CLIENT]),
                           tcp_state_name(r->state[TL_SERVER]));
}

static void replace_address(address *a, const stream *s, unsigned side)
{
    const address end = streams_address(s, side);

    free_address(a);
    copy_address(a, &end);
}

/* From one end of the connection to the other, which in a tunnel are not those of the packet. */
static void set_ends(seq_analysis_item_t *arrow, const shown *what)
{
    const stream *s = what->stream;
    const unsigned from = what->report->sender == TL_CLIENT ? s->connection.client : !s->connection.client;

    replace_address(&arrow->src_addr, s, from);
    replace_address(&arrow->dst_addr, s, !from);
    arrow->port_src = s->port[from];
    arrow->port_dst = s->port[!from];
}

static tap_packet_status draw(void *own, packet_info *pinfo, epan_dissect_t *edt, const void *record,
                              tap_flags_t flags)
{
    (void)edt, (void)flags;
    seq_analysis_info_t *graph = own;
    const shown *what = record;

    if (!what->report->steps)
        return TAP_PACKET_DONT_REDRAW;
    seq_analysis_item_t *arrow = sequence_analysis_create_sai_with_addresses(pinfo, graph);
    if (!arrow)
        return TAP_PACKET_DONT_REDRAW;
    set_ends(arrow, what);
    arrow->frame_number = pinfo->num;
    arrow->frame_label = label(what->report);
    arrow->comment = comment(what->report);
    arrow->conv_num = (uint16_t)what->stream->connection.number;
    arrow->line_style = 1;
    arrow->display = true;
    g_queue_push_tail(graph->items, arrow);
    return TAP_PACKET_REDRAW;
}

void flow_register(int proto)
{
    register_seq_analysis("tcplife", "TCP Lifecycle", proto, STATISTICS_TAP, TL_REQUIRES_NOTHING, draw);
}
