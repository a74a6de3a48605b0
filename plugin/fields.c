/* fields.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fields.h"

#include <stddef.h>

#include <epan/expert.h>
#include <epan/to_str.h>

#include "compat.h"

static int proto_tcplife;

/* Now */
static int hf_phase, hf_client_state, hf_server_state, hf_sender;
static int hf_guessed, hf_role_guessed, hf_last;
static int hf_concurrent, hf_half_open;

/* Events */
static int hf_event, hf_transition, hf_step;
static int hf_time[TCP_STATE_COUNT]; /* no field for CLOSED and LISTEN */
static int hf_reset_verdict, hf_reset_idle, hf_reset_ttl_delta, hf_late;

/* Stream facts */
static int hf_addr[2], hf_port[2], hf_bytes[2], hf_held[2]; /* by tl_role */
static int hf_duration, hf_lifetime, hf_one_sided;
static int hf_open, hf_open_failed, hf_open_time, hf_open_server_time, hf_open_client_time, hf_open_syns;
static int hf_close, hf_closed_by, hf_close_time, hf_close_no_data, hf_close_race;
static int hf_half_close_time, hf_half_close_bytes;
static int hf_reset_cause, hf_keepalive_count, hf_keepalive_unanswered;
static int hf_reuse_stream, hf_reuse_gap, hf_reuse_phase;
static int hf_frame[TL_STEP_COUNT];

static int ett_tcplife = -1;
static int ett_connection = -1;

static expert_field ei_event[TL_EVENT_COUNT];
static expert_field ei_port_reuse_warn;

/* ---- The fields, in display order ---- */

#define FIELD(hf, name, title, type, display, blurb)                     \
    {                                                                    \
        &(hf),                                                           \
        {                                                                \
            title, "tcplife." name, type, display, NULL, 0, blurb, HFILL \
        }                                                                \
    }
#define TEXT(hf, name, title, blurb) FIELD(hf, name, title, FT_STRING, BASE_NONE, blurb)
#define FLAG(hf, name, title, blurb) FIELD(hf, name, title, FT_BOOLEAN, BASE_NONE, blurb)
#define SPAN(hf, name, title, blurb) FIELD(hf, name, title, FT_RELATIVE_TIME, BASE_NONE, blurb)
#define COUNT(hf, name, title, blurb) FIELD(hf, name, title, FT_UINT32, BASE_DEC, blurb)
#define BYTES(hf, name, title, blurb) FIELD(hf, name, title, FT_UINT64, BASE_DEC, blurb)
#define FRAME(hf, name, title, blurb) FIELD(hf, name, title, FT_FRAMENUM, BASE_NONE, blurb)
#define TIME_IN(state, name)                                    \
    SPAN(hf_time[TCP_##state], "time." name, "Time in " #state, \
         "How long the endpoint had been in " #state ", which it leaves at this frame.")

/* clang-format off */
static hf_register_info hf[] = {
    /* Now: what holds after this frame. */
    TEXT(hf_phase, "phase", "Phase",
         "The state of the connection as a whole after this frame."),
    TEXT(hf_client_state, "client.state", "Client state",
         "The TCP state of the client after this frame, as far as the capture proves it."),
    TEXT(hf_server_state, "server.state", "Server state",
         "The TCP state of the server after this frame, as far as the capture proves it."),
    TEXT(hf_sender, "sender", "Sender",
         "The end that sent this frame, either client or server."),
    FLAG(hf_guessed, "guessed", "States guessed",
         "Another pair of states would fit what was captured as well."),
    FLAG(hf_role_guessed, "role.guessed", "Roles guessed",
         "Neither SYN nor SYN/ACK was captured, so the end with the lower port is taken for the server."),
    COUNT(hf_concurrent, "concurrent", "Concurrent connections",
          "How many connections are open in the capture at this moment."),
    COUNT(hf_half_open, "half_open", "Half-open handshakes",
          "How many handshakes are under way towards this server address and port at this moment."),
    FLAG(hf_last, "last", "Last frame",
         "This is the last frame of its stream, which is known when the whole capture has been read."),

    /* Events: what this frame decides. */
    TEXT(hf_event, "event", "Event",
         "The name of an expert info that this frame raises, without the leading tcplife."),
    TEXT(hf_transition, "transition", "Transition",
         "An endpoint leaves a state at this frame and enters another one."),
    TIME_IN(SYN_SENT, "syn_sent"),
    TIME_IN(SYN_RECEIVED, "syn_received"),
    TIME_IN(ESTABLISHED, "established"),
    TIME_IN(FIN_WAIT_1, "fin_wait_1"),
    TIME_IN(FIN_WAIT_2, "fin_wait_2"),
    TIME_IN(CLOSE_WAIT, "close_wait"),
    TIME_IN(CLOSING, "closing"),
    TIME_IN(LAST_ACK, "last_ack"),
    TIME_IN(TIME_WAIT, "time_wait"),
    TEXT(hf_step, "step", "Step",
         "The part that this frame plays in opening or closing the connection."),
    TEXT(hf_reset_verdict, "reset.verdict", "RST verdict",
         "What the receiver of this RST makes of it, which its sequence number tells."),
    SPAN(hf_reset_idle, "reset.idle", "Idle before RST",
         "The time between this RST and the last segment with data, SYN or FIN; keep-alives do not count."),
    FIELD(hf_reset_ttl_delta, "reset.ttl_delta", "TTL difference", FT_INT32, BASE_DEC,
          "The TTL or hop limit of this RST minus the one that its sender last used in this stream."),
    FLAG(hf_late, "late", "Late",
         "The frame comes when the connection is over already, and does not belong to its closing."),

    /* Stream facts: the ends. */
    TEXT(hf_addr[TL_CLIENT], "client.addr", "Client address",
         "The network address of the client."),
    COUNT(hf_port[TL_CLIENT], "client.port", "Client port",
         "The TCP port of the client."),
    TEXT(hf_addr[TL_SERVER], "server.addr", "Server address",
         "The network address of the server."),
    COUNT(hf_port[TL_SERVER], "server.port", "Server port",
         "The TCP port of the server."),
    BYTES(hf_bytes[TL_CLIENT], "client.bytes", "Client bytes",
          "How many bytes of data the client sent, not counting repetitions."),
    BYTES(hf_bytes[TL_SERVER], "server.bytes", "Server bytes",
          "How many bytes of data the server sent, not counting repetitions."),
    SPAN(hf_held[TL_CLIENT], "client.held", "Client state held",
         "How long the client had been in its last state when the capture ended."),
    SPAN(hf_held[TL_SERVER], "server.held", "Server state held",
         "How long the server had been in its last state when the capture ended."),
    SPAN(hf_duration, "duration", "Duration",
         "The time between the first and the last frame of the stream."),
    SPAN(hf_lifetime, "lifetime", "Lifetime",
         "The time from the first frame to the one that ended the connection: the ACK of the second FIN, "
         "the accepted RST or the refusal."),
    FLAG(hf_one_sided, "one_sided", "One-sided",
         "An end acknowledged bytes that never passed, so the other one is missing from the capture."),

    /* Stream facts: opening. */
    TEXT(hf_open, "open", "Open",
         "How the connection opened, or why it did not."),
    FLAG(hf_open_failed, "open.failed", "Open failed",
         "The connection did not come about."),
    SPAN(hf_open_time, "open.time", "Open time",
         "The time from the first SYN to the ACK that completed the handshake."),
    SPAN(hf_open_server_time, "open.server_time", "Open time of the server",
         "The time from the first SYN to the first SYN/ACK."),
    SPAN(hf_open_client_time, "open.client_time", "Open time of the client",
         "The time from the first SYN/ACK to the ACK that completed the handshake."),
    COUNT(hf_open_syns, "open.syns", "SYNs",
          "How many SYNs the client sent, retransmissions included."),

    /* Stream facts: closing. */
    TEXT(hf_close, "close", "Close",
         "How the connection ended."),
    TEXT(hf_closed_by, "closed_by", "Closed by",
         "The end that sent the first FIN, or the RST where there was no FIN; both if the FINs crossed."),
    SPAN(hf_close_time, "close.time", "Close time",
         "The time from the first FIN to the frame that ended the connection."),
    FLAG(hf_close_no_data, "close.no_data", "No data",
         "The connection was opened and closed without one byte of data."),
    COUNT(hf_close_race, "close.race", "Race with FIN",
          "How many bytes of new data an end sent after the other's FIN had passed, before it acknowledged "
          "that FIN, which were never acknowledged."),
    SPAN(hf_half_close_time, "half_close.time", "Half-close time",
         "How long the connection was half-closed: from the ACK of the first FIN to the second FIN, or to "
         "the last frame."),
    BYTES(hf_half_close_bytes, "half_close.bytes", "Half-close bytes",
          "How many bytes of new data passed while the connection was half-closed."),

    /* Stream facts: reset, keep-alive, reuse. */
    TEXT(hf_reset_cause, "reset.cause", "RST cause",
         "Why the RST came that ended the connection."),
    COUNT(hf_keepalive_count, "keepalive.count", "Keep-alives",
          "How many keep-alives were sent."),
    COUNT(hf_keepalive_unanswered, "keepalive.unanswered", "Keep-alives unanswered",
          "How many keep-alives were not answered."),
    COUNT(hf_reuse_stream, "reuse.stream", "Reused from stream",
          "The earlier stream (tcp.stream) that used the same addresses and ports."),
    SPAN(hf_reuse_gap, "reuse.gap", "Reused after",
         "The time since the last frame of the earlier connection between the same addresses and ports."),
    TEXT(hf_reuse_phase, "reuse.phase", "Reused in phase",
         "The phase in which the earlier connection between the same addresses and ports was left."),

    /* Stream facts: the deciding frames. */
    FRAME(hf_frame[TL_STEP_SYN], "frame.syn", "SYN in frame",
          "The frame with the client's SYN."),
    FRAME(hf_frame[TL_STEP_SYN_ACK], "frame.syn_ack", "SYN/ACK in frame",
          "The frame with the SYN/ACK."),
    FRAME(hf_frame[TL_STEP_OPEN_ACK], "frame.open_ack", "ACK of SYN/ACK in frame",
          "The frame with the ACK that completed the handshake."),
    FRAME(hf_frame[TL_STEP_FIN_1], "frame.fin_1", "1st FIN in frame",
          "The frame with the first FIN."),
    FRAME(hf_frame[TL_STEP_FIN_1_ACK], "frame.fin_1_ack", "ACK of 1st FIN in frame",
          "The frame that acknowledged the first FIN."),
    FRAME(hf_frame[TL_STEP_FIN_2], "frame.fin_2", "2nd FIN in frame",
          "The frame with the second FIN."),
    FRAME(hf_frame[TL_STEP_FIN_2_ACK], "frame.fin_2_ack", "ACK of 2nd FIN in frame",
          "The frame that acknowledged the second FIN."),
    FRAME(hf_frame[TL_STEP_RST], "frame.rst", "RST in frame",
          "The frame with the RST that was accepted."),
};

static ei_register_info ei[] = {
#define X(id, name, severity, text, why) \
    {&ei_event[TL_EVENT_##id], {"tcplife." name, PI_SEQUENCE, PI_##severity, text, EXPFILL}},
    TL_EVENTS(X)
#undef X
    /* The same name, for a reuse that comes too early. */
    {&ei_port_reuse_warn, {"tcplife.open.port_reuse", PI_SEQUENCE, PI_WARN, "4-tuple reused", EXPFILL}},
};
/* clang-format on */

void fields_register(int proto)
{
    static int *ett[] = {&ett_tcplife, &ett_connection};

    proto_tcplife = proto;
    proto_register_field_array(proto, hf, array_length(hf));
    proto_register_subtree_array(ett, array_length(ett));
    expert_register_field_array(expert_register_protocol(proto), ei, array_length(ei));
}

/* ---- Adding one item ---- */

/* Whether anybody looks at a field: only then is it worth any formatting. */
static bool is_wanted(proto_tree *tree, int field)
{
    return proto_field_is_referenced(tree, field);
}

static proto_item *add_text(proto_tree *tree, int field, const char *text)
{
    proto_item *item = proto_tree_add_string(tree, field, NULL, 0, 0, text);
    proto_item_set_generated(item);
    return item;
}

static void add_flag(proto_tree *tree, int field, bool set)
{
    if (set)
        proto_item_set_generated(proto_tree_add_boolean(tree, field, NULL, 0, 0, true));
}

static void add_number(proto_tree *tree, int field, uint32_t number)
{
    proto_item_set_generated(proto_tree_add_uint(tree, field, NULL, 0, 0, number));
}

static nstime_t as_nstime(int64_t ns)
{
    /* Of a negative span both parts are negative, as Wireshark has it. */
    nstime_t t = {.secs = (time_t)(ns / 1000000000), .nsecs = (int)(ns % 1000000000)};
    return t;
}

static void add_span(proto_tree *tree, int field, int64_t span)
{
    if (span == TL_NO_TIME)
        return;
    nstime_t t = as_nstime(span);
    proto_item_set_generated(proto_tree_add_time(tree, field, NULL, 0, 0, &t));
}

/* ---- Now ---- */

static const char *role_name(tl_role role)
{
    return role == TL_CLIENT ? "client" : "server";
}

static void add_state(proto_tree *tree, int field, tcp_state state)
{
    proto_item_append_text(add_text(tree, field, tcp_state_name(state)), ", %s", tcp_state_meaning(state));
}

static void add_now(proto_tree *tree, const shown *what, uint32_t frame)
{
    const tl_report *r = what->report;

    add_text(tree, hf_phase, tcp_state_name(r->phase));
    add_state(tree, hf_client_state, r->state[TL_CLIENT]);
    add_state(tree, hf_server_state, r->state[TL_SERVER]);
    add_text(tree, hf_sender, role_name(r->sender));
    add_flag(tree, hf_guessed, r->guessed);
    add_flag(tree, hf_role_guessed, r->role_guessed);
    add_number(tree, hf_concurrent, r->concurrent);
    if (r->has_half_open)
        add_number(tree, hf_half_open, r->half_open);
    add_flag(tree, hf_last, what->view->whole && what->stream->connection.last_frame == frame);
}

/* ---- Events ---- */

static const struct {
    const char *name, *text, *why;
} events[TL_EVENT_COUNT] = {
#define X(id, name, severity, text, why) [TL_EVENT_##id] = {name, text, why},
    TL_EVENTS(X)
#undef X
};

/* The event's text, and the number that may follow it. */
static const char *event_text(packet_info *pinfo, const tl_raised *r)
{
    const char *text = events[r->event].text;

    if (!r->number)
        return text;
    switch (r->event) {
    case TL_EVENT_OPEN_ICMP_REJECTED:
        return wmem_strdup_printf(pinfo->pool, "%s (type %u, code %u)", text, r->number >> 8, r->number & 0xff);
    case TL_EVENT_OPEN_SYN_FLOOD:
        return wmem_strdup_printf(pinfo->pool, "%s (%" PRIu32 " handshakes under way)", text, r->number);
    default:
        return wmem_strdup_printf(pinfo->pool, "%s %" PRIu32, text, r->number);
    }
}

static void raise_expert(packet_info *pinfo, proto_item *item, const tl_raised *r)
{
    expert_field *e = r->event == TL_EVENT_OPEN_PORT_REUSE && r->warn ? &ei_port_reuse_warn : &ei_event[r->event];

    if (r->number)
        expert_add_info_format(pinfo, item, e, "%s", event_text(pinfo, r));
    else
        expert_add_info(pinfo, item, e);
}

static void add_event(packet_info *pinfo, proto_tree *tree, const tl_raised *r)
{
    const char *name = events[r->event].name;
    proto_item *item = proto_tree_add_string_format(tree, hf_event, NULL, 0, 0, name, "Event: %s: %s. %s", name,
                                                    event_text(pinfo, r), events[r->event].why);

    proto_item_set_generated(item);
    raise_expert(pinfo, item, r);
}

static void add_transition(packet_info *pinfo, proto_tree *tree, const tl_transition *t)
{
    if (is_wanted(tree, hf_transition)) {
        add_text(tree, hf_transition,
                 wmem_strdup_printf(pinfo->pool, "%s %s -> %s%s", role_name(t->role), tcp_state_name(t->from),
                                    tcp_state_name(t->to), t->undone ? " (undone)" : ""));
    }
    if (hf_time[t->from] > 0)
        add_span(tree, hf_time[t->from], t->held);
}

static void add_steps(packet_info *pinfo, proto_tree *tree, unsigned steps)
{
    if (!steps || !is_wanted(tree, hf_step))
        return;
    wmem_strbuf_t *text = wmem_strbuf_new(pinfo->pool, NULL);
    for (unsigned step = 0; step < TL_STEP_COUNT; step++) {
        if (steps & 1U << step)
            wmem_strbuf_append_printf(text, "%s%s", wmem_strbuf_get_len(text) ? " + " : "",
                                      tl_step_name(step));
    }
    add_text(tree, hf_step, wmem_strbuf_get_str(text));
}

static void add_events(packet_info *pinfo, proto_tree *tree, const tl_report *r)
{
    for (unsigned i = 0; i < r->raised; i++)
        add_event(pinfo, tree, &r->event[i]);
    for (unsigned i = 0; i < r->transitions; i++)
        add_transition(pinfo, tree, &r->transition[i]);
    add_steps(pinfo, tree, r->steps);
    if (r->verdict != TL_VERDICT_NONE)
        add_text(tree, hf_reset_verdict, tl_verdict_name(r->verdict));
    add_span(tree, hf_reset_idle, r->idle);
    if (r->has_ttl_delta)
        proto_item_set_generated(proto_tree_add_int(tree, hf_reset_ttl_delta, NULL, 0, 0, r->ttl_delta));
    add_flag(tree, hf_late, r->late);
}

/* ---- Stream facts ---- */

typedef enum {
    AS_TEXT,   /* const char *; NULL: absent */
    AS_FLAG,   /* bool; false: absent */
    AS_SPAN,   /* int64_t; TL_NO_TIME: absent */
    AS_COUNT,  /* uint32_t; 0: absent */
    AS_STREAM, /* uint32_t; TL_NO_STREAM: absent */
    AS_BYTES,  /* uint64_t; 0: absent */
} fact_kind;

/* Where each fact is, in display order. */
static const struct {
    int *field;
    fact_kind as;
    size_t at;
} facts_shown[] = {
#define FACT(field, as, member) {&(field), as, offsetof(tl_facts, member)}
    FACT(hf_bytes[TL_CLIENT], AS_BYTES, bytes[TL_CLIENT]),
    FACT(hf_bytes[TL_SERVER], AS_BYTES, bytes[TL_SERVER]),
    FACT(hf_held[TL_CLIENT], AS_SPAN, held[TL_CLIENT]),
    FACT(hf_held[TL_SERVER], AS_SPAN, held[TL_SERVER]),
    FACT(hf_duration, AS_SPAN, duration),
    FACT(hf_lifetime, AS_SPAN, lifetime),
    FACT(hf_one_sided, AS_FLAG, one_sided),
    FACT(hf_open, AS_TEXT, open),
    FACT(hf_open_failed, AS_FLAG, open_failed),
    FACT(hf_open_time, AS_SPAN, open_time),
    FACT(hf_open_server_time, AS_SPAN, open_server_time),
    FACT(hf_open_client_time, AS_SPAN, open_client_time),
    FACT(hf_open_syns, AS_COUNT, open_syns),
    FACT(hf_close, AS_TEXT, close),
    FACT(hf_closed_by, AS_TEXT, closed_by),
    FACT(hf_close_time, AS_SPAN, close_time),
    FACT(hf_close_no_data, AS_FLAG, close_no_data),
    FACT(hf_close_race, AS_COUNT, close_race),
    FACT(hf_half_close_time, AS_SPAN, half_close_time),
    FACT(hf_half_close_bytes, AS_BYTES, half_close_bytes),
    FACT(hf_reset_cause, AS_TEXT, reset_cause),
    FACT(hf_keepalive_count, AS_COUNT, keepalives),
    FACT(hf_keepalive_unanswered, AS_COUNT, keepalives_unanswered),
    FACT(hf_reuse_stream, AS_STREAM, reuse_stream),
    FACT(hf_reuse_gap, AS_SPAN, reuse_gap),
    FACT(hf_reuse_phase, AS_TEXT, reuse_phase),
    FACT(hf_frame[TL_STEP_SYN], AS_COUNT, frame[TL_STEP_SYN]),
    FACT(hf_frame[TL_STEP_SYN_ACK], AS_COUNT, frame[TL_STEP_SYN_ACK]),
    FACT(hf_frame[TL_STEP_OPEN_ACK], AS_COUNT, frame[TL_STEP_OPEN_ACK]),
    FACT(hf_frame[TL_STEP_FIN_1], AS_COUNT, frame[TL_STEP_FIN_1]),
    FACT(hf_frame[TL_STEP_FIN_1_ACK], AS_COUNT, frame[TL_STEP_FIN_1_ACK]),
    FACT(hf_frame[TL_STEP_FIN_2], AS_COUNT, frame[TL_STEP_FIN_2]),
    FACT(hf_frame[TL_STEP_FIN_2_ACK], AS_COUNT, frame[TL_STEP_FIN_2_ACK]),
    FACT(hf_frame[TL_STEP_RST], AS_COUNT, frame[TL_STEP_RST]),
#undef FACT
};

/* What stands in brackets after one half of the sentence, and in what time it came about. */
static void tell_half(proto_item *item, const char *verb, int64_t time, const char *form)
{
    proto_item_append_text(item, "%s", verb);
    if (time != TL_NO_TIME) {
        nstime_t t = as_nstime(time);
        proto_item_append_text(item, " in %.6f s", nstime_to_sec(&t));
    }
    proto_item_append_text(item, " (%s)", form);
}

/* The whole life in one sentence, after how it ended. */
static void tell_life(proto_item *item, const tl_facts *f)
{
    static const char *const closed_by[] = {", closed by the client", ", closed by the server",
                                            ", closed by both ends"};

    if (!f->open)
        return;
    tell_half(item, ". Opened", f->open_time, f->open);
    if (f->closed_by) {
        unsigned who = *f->closed_by == 'c' ? 0 : *f->closed_by == 's' ? 1 : 2;
        tell_half(item, closed_by[who], f->close_time, f->close);
    }
    proto_item_append_text(item, ".");
}

static void add_fact(proto_tree *tree, int field, fact_kind as, const void *at, const tl_facts *f)
{
    switch (as) {
    case AS_TEXT: {
        const char *text = *(const char *const *)at;
        if (!text)
            return;
        proto_item *item = add_text(tree, field, text);
        if (field == hf_close && is_wanted(tree, field))
            tell_life(item, f);
        return;
    }
    case AS_FLAG:
        add_flag(tree, field, *(const bool *)at);
        return;
    case AS_SPAN:
        add_span(tree, field, *(const int64_t *)at);
        return;
    case AS_COUNT:
        if (*(const uint32_t *)at)
            add_number(tree, field, *(const uint32_t *)at);
        return;
    case AS_STREAM:
        if (*(const uint32_t *)at != TL_NO_STREAM)
            add_number(tree, field, *(const uint32_t *)at);
        return;
    case AS_BYTES:
        if (*(const uint64_t *)at)
            proto_item_set_generated(proto_tree_add_uint64(tree, field, NULL, 0, 0, *(const uint64_t *)at));
        return;
    }
}

static void add_end(packet_info *pinfo, proto_tree *tree, const stream *s, tl_role role)
{
    unsigned side = role == TL_CLIENT ? s->connection.client : !s->connection.client;

    if (is_wanted(tree, hf_addr[role])) {
        address a = streams_address(s, side);
        add_text(tree, hf_addr[role], address_to_str(pinfo->pool, &a));
    }
    add_number(tree, hf_port[role], s->port[side]);
}

static void add_facts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const shown *what)
{
    tl_facts facts;
    proto_item *item;
    /* A label that never changes: in JSON it is a key. */
    proto_tree *branch = proto_tree_add_subtree(tree, tvb, 0, 0, ett_connection, &item, "Connection");
    proto_item_set_generated(item);

    tl_get_facts(&what->stream->connection, what->view, &facts);
    add_end(pinfo, branch, what->stream, TL_CLIENT);
    add_end(pinfo, branch, what->stream, TL_SERVER);
    for (unsigned i = 0; i < array_length(facts_shown); i++) {
        const char *at = (const char *)&facts + facts_shown[i].at;
        add_fact(branch, *facts_shown[i].field, facts_shown[i].as, at, &facts);
    }
}

/* ---- The tree ---- */

/* Whether somebody looks for expert infos of any kind, which are then ours too.
 * Wireshark registers their protocol too late to ask for it but once. */
static bool is_any_expert_wanted(proto_tree *tree)
{
    int expert = proto_get_id_by_filter_name("_ws.expert");

    return expert > 0 && is_wanted(tree, expert);
}

static bool is_anything_wanted(proto_tree *tree, const tl_report *r)
{
    return tree && (is_wanted(tree, proto_tcplife) || (r->raised && is_any_expert_wanted(tree)));
}

static proto_tree *add_lifecycle(proto_tree *tree, const tl_report *r)
{
    proto_item *item =
        r->is_rejection
            ? proto_tree_add_protocol_format(tree, proto_tcplife, NULL, 0, 0, "TCP Lifecycle, rejected by ICMP")
            : proto_tree_add_protocol_format(tree, proto_tcplife, NULL, 0, 0,
                                             "TCP Lifecycle, %s, client %s, server %s", tcp_state_name(r->phase),
                                             tcp_state_name(r->state[TL_CLIENT]),
                                             tcp_state_name(r->state[TL_SERVER]));

    proto_item_set_generated(item);
    return proto_item_add_subtree(item, ett_tcplife);
}

void fields_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const shown *what)
{
    const tl_report *r = what->report;

    if (!is_anything_wanted(tree, r)) {
        for (unsigned i = 0; i < r->raised; i++)
            raise_expert(pinfo, NULL, &r->event[i]);
        return;
    }
    proto_tree *branch = add_lifecycle(tree, r);
    if (!r->is_rejection)
        add_now(branch, what, pinfo->num);
    add_events(pinfo, branch, r);
    if (!r->is_rejection)
        add_facts(tvb, pinfo, branch, what);
}
