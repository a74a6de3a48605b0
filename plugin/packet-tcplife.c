/* packet-tcplife.c
 * A post-dissector: it is called for every frame after all other dissectors.
 * At first sight of a frame its TCP segments are followed and what they decide
 * is recorded; every sight, the first one included, shows from the record.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "packet-tcplife.h"

#include <epan/packet.h>
#include <epan/prefs.h>

#include "capture-end.h"
#include "compat.h"
#include "fields.h"
#include "icmp.h"
#include "input.h"
#include "record.h"
#include "statistics.h"
#include "streams.h"

#define NS_PER_S INT64_C(1000000000)

static const char short_name[] = "TCPLIFE";
static int proto_tcplife;
static dissector_handle_t tcplife_handle;

static unsigned preference_msl = 30;               /* seconds */
static unsigned preference_half_open_timeout = 75; /* seconds */
static unsigned preference_syn_flood_threshold = 100;
static wireshark_bool preference_look_ahead;
static range_t *preference_likely_server_ports;

/* The capture so far. */
static tl_view view;
static streams_settings settings;
static uint32_t newest; /* number of the last frame that was followed */
static uint32_t seen;   /* and of the last one that was dissected */
static bool is_tshark;  /* which may read a capture twice and have a read filter */
static bool drops;      /* the read filter has dropped frames */
static bool began_anew; /* with the second pass */

static bool is_likely_server(uint16_t port)
{
    return preference_likely_server_ports && preference_likely_server_ports->nranges > 0 &&
           value_is_in_range(preference_likely_server_ports, port);
}

static void apply_preferences(void)
{
    settings = (streams_settings){
        .connection = {.msl = preference_msl * NS_PER_S},
        .servers = {.timeout = preference_half_open_timeout * NS_PER_S,
                    .threshold = preference_syn_flood_threshold},
        .is_likely_server = is_likely_server,
    };
    view.msl = preference_msl * NS_PER_S;
    /* Ask for what the passes without a tap need of the tree, or no longer. */
    set_postdissector_wanted_hfids(tcplife_handle, preference_look_ahead ? input_wanted_fields() : NULL);
}

static void begin_capture(void)
{
    input_open();
    record_open();
    is_tshark = capture_end_open();
    streams_open(is_tshark);
    view = (tl_view){.whole = false, .end = INT64_MIN};
    newest = seen = 0;
    drops = began_anew = false;
    apply_preferences(); /* sharkd sets a preference without telling */
}

/* Keep what one header of the frame decides.
 * @return whether it raises an event */
static bool keep(packet_info *pinfo, const stream *s, const tl_report *report)
{
    record_add(pinfo->num, s->connection.number, report);
    newest = pinfo->num;
    capture_end_forget();
    return report->raised > 0;
}

/* Whether a pass without a tap is followed. A read filter (`tshark -2 -R`) judges and drops frames in the first
 * pass: what they decide is learnt there or never. A tree that is wanted there says that there may be one. */
static bool looks_ahead(const packet_info *pinfo, const proto_tree *tree)
{
    return preference_look_ahead || (is_tshark && tree && !pinfo->fd->visited);
}

/* @return whether the frame raises an event */
static bool follow(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    input_segment segments[INPUT_MAX];
    icmp_error error;
    const stream *s;
    tl_report report;
    bool raises = false, look_ahead = false;

    unsigned count = input_tapped(tvb, pinfo, segments);
    if (!count) {
        look_ahead = looks_ahead(pinfo, tree);
        count = input_read(tvb, pinfo, tree, look_ahead, segments);
    }
    for (unsigned i = 0; i < count; i++) {
        if ((s = streams_follow(&segments[i], &settings, &report)))
            raises |= keep(pinfo, s, &report);
    }
    if (icmp_read(tvb, pinfo, count > 0, look_ahead, &error) && (s = streams_reject(&error, &report)))
        raises |= keep(pinfo, s, &report);
    return raises;
}

/* Not every frame that Wireshark has not visited is at its first sight: in
 * `tshark -2` a tap runs only in the second pass. But a frame that it has not
 * visited and that was followed is another packet, which took the number of one
 * that a read filter has dropped.
 * @return whether it may raise an event */
static bool look_at(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    const bool replaced = pinfo->num == newest && !pinfo->fd->visited;

    if (replaced)
        record_drop(pinfo->num);
    if (replaced || pinfo->num > newest)
        return follow(tvb, pinfo, tree);
    return !record_is_quiet(pinfo->num);
}

/* Most frames are dissected for somebody who does not look at us. Expert infos are raised in any case. */
static void show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool raises)
{
    uint32_t number;
    tl_report report;

    if (!raises && !fields_are_wanted(tree))
        return;
    for (unsigned nth = 0; record_get(pinfo->num, nth, &number, &report); nth++) {
        const shown what = {.stream = streams_get(number), .report = &report, .view = &view};
        if (what.stream)
            fields_show(tvb, pinfo, tree, &what);
    }
}

static void tap(packet_info *pinfo)
{
    uint32_t number;

    for (unsigned nth = 0; record_connection(pinfo->num, nth, &number); nth++) {
        const stream *s = streams_get(number);
        if (s)
            statistics_tap(pinfo, s, nth);
    }
}

/* That there was a read filter shows when the number of a frame that it has dropped is given to the next. If it
 * dropped none, nobody has asked to look ahead, and the second pass shows what one pass shows. */
static void begin_second_pass(const packet_info *pinfo)
{
    drops |= pinfo->num == seen && !pinfo->fd->visited;
    seen = pinfo->num;
    if (!is_tshark || !pinfo->fd->visited || began_anew)
        return;
    began_anew = true;
    if (preference_look_ahead || drops)
        return;
    record_begin_anew();
    streams_begin_anew();
    newest = 0;
}

static int dissect_tcplife(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    (void)data;
    pinfo->current_proto = short_name; /* what expert infos are said to be of; the caller puts it back */
    int64_t now = input_time(pinfo);
    if (now > view.end)
        view.end = now;
    capture_end_see(pinfo->num);
    begin_second_pass(pinfo);
    const bool raises = look_at(tvb, pinfo, tree);
    view.whole = capture_end_known();
    show(tvb, pinfo, tree, raises);
    if (statistics_listen())
        tap(pinfo);
    return (int)tvb_captured_length(tvb);
}

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_tcplife, apply_preferences);

    prefs_register_uint_preference(module, "msl", "Maximum segment lifetime (seconds)",
                                   "TIME_WAIT lasts twice this time. Linux waits 60 seconds in all, which is "
                                   "the default of 30; RFC 9293 "
                                   "proposes 120.",
                                   10, &preference_msl);
    prefs_register_uint_preference(
        module, "half_open_timeout", "Half-open timeout (seconds)",
        "A handshake that has not been completed within this time does not count as under way any more.", 10,
        &preference_half_open_timeout);
    prefs_register_uint_preference(module, "syn_flood_threshold", "SYN flood threshold",
                                   "As many handshakes under way at once towards one server address and port "
                                   "are called a possible SYN flood, "
                                   "and again each time that they have doubled. 0 is off.",
                                   10, &preference_syn_flood_threshold);
    prefs_register_range_preference(
        module, "likely_server_ports", "Likely server ports (for Zeek's words)",
        "Where a capture has not seen how a connection opened, conn_state and history take an end with one "
        "of these "
        "ports for the server. None by default. Zeek's default scripts have 21-22, 25, 53, 79-81, 88, 135, "
        "139, 143, "
        "389, 443, 445, 465, 502, 514, 563, 585, 587, 614, 631, 636, 989-990, 992-993, 995, 1080, 1434, "
        "1883, 2811, "
        "3128, 3268, 3306, 3389, 5222-5223, 5269, 5432, 6379, 6666-6669, 8000, 8080, 8888, 20000.",
        &preference_likely_server_ports, 65535);
    prefs_register_bool_preference(
        module, "look_ahead", "Look ahead where no tap runs",
        "Read the fields of the TCP dissector in passes in which no tap runs: the "
        "first pass of \"tshark -2\" and "
        "the loading in sharkd. Facts about the whole connection are then known on "
        "every frame. It costs time, and the "
        "graphical user interface does not need it.",
        &preference_look_ahead);
}

/* A post-dissector that is a protocol becomes a layer of each frame, which is taken back where it adds nothing
 * to the tree: a tenth of all that we cost. A protocol in name only is no layer, and is enabled with the one that
 * it belongs to. */
static int register_no_layer(void)
{
    return proto_register_protocol_in_name_only("TCP Lifecycle, no layer", "TCPLIFE, no layer",
                                                "tcplife.no_layer", proto_tcplife, FT_BYTES);
}

void tcplife_register(void)
{
    proto_tcplife = proto_register_protocol("TCP Lifecycle", short_name, "tcplife");
    fields_register(proto_tcplife);
    statistics_register(proto_tcplife, &view);
    register_preferences();
    tcplife_handle = register_dissector("tcplife", dissect_tcplife, register_no_layer());
    register_postdissector(tcplife_handle);
    register_init_routine(begin_capture);
    capture_end_register();
}

void tcplife_handoff(void)
{
    input_listen();
    icmp_listen();
}
