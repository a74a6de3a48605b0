/* fields.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fields.h"

#include <stddef.h>
#include <string.h>

#include <epan/column-info.h>
#include <epan/expert.h>
#include <epan/tap.h>
#include <epan/to_str.h>

#include "compat.h"
#include "facts-table.h"
#include "story.h"

static int proto_tcplife;

/* Now */
static int hf_connection;
static int hf_phase, hf_client_state, hf_server_state, hf_sender;
static int hf_guessed, hf_role_guessed, hf_last;
static int hf_concurrent, hf_half_open, hf_copy_of;

/* Events */
static int hf_event, hf_transition, hf_step;
static int time_fields[TCP_STATE_COUNT]; /* no field for CLOSED and LISTEN */
static int hf_reset_verdict, hf_reset_form, hf_reset_answers, hf_reset_answers_kind;
static int hf_reset_idle, hf_reset_idle_before, hf_reset_ttl_delta, hf_reset_evidence, hf_late;

/* Connection facts: the story, and those of facts_table */
static int hf_story;
static int fact_fields[FACTS_COUNT];

static int ett_tcplife = -1;
static int ett_connection = -1;

static expert_field event_experts[TL_EVENT_COUNT];
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
#define TIME_IN(state, name)                                        \
    SPAN(time_fields[TCP_##state], "time." name, "Time in " #state, \
         "How long the endpoint had been in " #state ", which it leaves at this frame.")

/* clang-format off */
static hf_register_info hf[] = {
    /* Now: what holds after this frame. */
    COUNT(hf_connection, "connection", "Connection number",
          "The connection that this frame belongs to, numbered in the order of the first frames."),
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
    FIELD(hf_copy_of, "copy_of", "Copy of", FT_FRAMENUM, BASE_NONE,
          "The frame that this one is a copy of: the capture holds the packet twice."),
    FLAG(hf_last, "last", "Last frame",
         "This is the last frame of its connection, which is known when the whole capture has been read."),

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
    TEXT(hf_reset_form, "reset.form", "RST form",
         "Whether this RST is made of the segment that it answers, or has its sender's own next number."),
    FIELD(hf_reset_answers, "reset.answers", "RST answers frame", FT_FRAMENUM, BASE_NONE,
          "The segment that this RST answers: the last one whose numbers it was made of."),
    TEXT(hf_reset_answers_kind, "reset.answers_kind", "RST answers",
         "What kind of segment this RST answers."),
    SPAN(hf_reset_idle, "reset.idle", "Idle before RST",
         "The time between this RST and the last segment with data, SYN or FIN; keep-alives do not count."),
    SPAN(hf_reset_idle_before, "reset.idle_before", "Idle before what the RST answers",
         "The time between the segment that this RST answers and the last one before it with data, SYN or FIN."),
    FIELD(hf_reset_ttl_delta, "reset.ttl_delta", "TTL difference", FT_INT32, BASE_DEC,
          "The TTL or hop limit of this RST minus the one that its sender last used in this connection."),
    TEXT(hf_reset_evidence, "reset.evidence", "Evidence",
         "What says that a RST was not its apparent sender's, at this frame: evidence, not proof."),
    FLAG(hf_late, "late", "Late",
         "The frame comes when the connection is over already, and does not belong to its closing."),
};

static hf_register_info story_hf[] = {
    TEXT(hf_story, "story", "Story",
         "The whole life in a few plain sentences: what passed, who closed, what was wrong, what to look at next."),
};

static ei_register_info ei[] = {
#define X(id, name, severity, text, why) \
    {&event_experts[TL_EVENT_##id], {"tcplife." name, PI_SEQUENCE, PI_##severity, text, EXPFILL}},
    TL_EVENTS(X)
#undef X
    /* The same name, for a reuse that comes too early. */
    {&ei_port_reuse_warn,
     {"tcplife.open.port_reuse", PI_SEQUENCE, PI_WARN, "4-tuple reused within 2 MSL", EXPFILL}},
};

/* How a fact is shown. */
static const struct {
    enum ftenum type;
    int display;
} fact_types[FACT_KIND_COUNT] = {
    [FACT_TEXT] = {FT_STRING, BASE_NONE},
    [FACT_ADDRESS] = {FT_STRING, BASE_NONE},
    [FACT_FLAG] = {FT_BOOLEAN, BASE_NONE},
    [FACT_MOMENT] = {FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC},
    [FACT_SPAN] = {FT_RELATIVE_TIME, BASE_NONE},
    [FACT_NUMBER] = {FT_UINT32, BASE_DEC},
    [FACT_COUNT] = {FT_UINT32, BASE_DEC},
    [FACT_FRAME] = {FT_FRAMENUM, BASE_NONE},
    [FACT_CONNECTION] = {FT_UINT32, BASE_DEC},
    [FACT_BYTES] = {FT_UINT64, BASE_DEC},
    [FACT_DIFFERENCE] = {FT_INT32, BASE_DEC},
    [FACT_LIST] = {FT_STRING, BASE_NONE},
};
/* clang-format on */

static hf_register_info fact_hf[FACTS_COUNT]; /* Wireshark keeps pointers into it */

static void register_facts(int proto)
{
    for (unsigned i = 0; i < FACTS_COUNT; i++) {
        const fact *f = &facts_table[i];
        const header_field_info info = {
            f->title, f->name, fact_types[f->kind].type, fact_types[f->kind].display, NULL, 0,
            f->about, HFILL};
        fact_hf[i] = (hf_register_info){&fact_fields[i], info};
    }
    proto_register_field_array(proto, fact_hf, FACTS_COUNT);
}

/* What the window of expert infos calls a group: the text, which begins there as Wireshark's own do. */
static const char *group_name(const char *text)
{
    char *name = wmem_strdup(wmem_epan_scope(), text);

    *name = g_ascii_toupper(*name);
    return name;
}

static void register_experts(int proto)
{
    for (unsigned i = 0; i < array_length(ei); i++)
        ei[i].eiinfo.summary = group_name(ei[i].eiinfo.summary);
    expert_register_field_array(expert_register_protocol(proto), ei, array_length(ei));
}

void fields_register(int proto)
{
    static int *ett[] = {&ett_tcplife, &ett_connection};

    proto_tcplife = proto;
    proto_register_field_array(proto, hf, array_length(hf));
    proto_register_field_array(proto, story_hf, array_length(story_hf));
    register_facts(proto);
    proto_register_subtree_array(ett, array_length(ett));
    register_experts(proto);
}

/* ---- Adding one item ---- */

/* What an item says is read only where the tree is shown; in another one it is its value that counts. */
static bool is_visible(proto_tree *tree)
{
    return PTREE_DATA(tree)->visible;
}

/* Whether anybody looks at a field: only then is it worth any formatting. */
static bool is_wanted(proto_tree *tree, int field)
{
    return proto_field_is_referenced(tree, field);
}

/* NULL, to which nothing can be added, if nobody looks at it. */
static proto_item *add_text(proto_tree *tree, int field, const char *text)
{
    if (!is_wanted(tree, field))
        return NULL;
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
    if (is_wanted(tree, field))
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
    if (span == TL_NO_TIME || !is_wanted(tree, field))
        return;
    nstime_t t = as_nstime(span);
    proto_item_set_generated(proto_tree_add_time(tree, field, NULL, 0, 0, &t));
}

/* ---- Now ---- */

static void add_state(proto_tree *tree, int field, tcp_state state)
{
    proto_item *item = add_text(tree, field, tcp_state_name(state));

    if (is_visible(tree))
        proto_item_append_text(item, ", %s", tcp_state_meaning(state));
}

static void add_now(proto_tree *tree, const shown *what, uint32_t frame)
{
    const tl_report *r = what->report;

    add_text(tree, hf_phase, tcp_state_name(r->phase));
    if (r->has_states) {
        add_state(tree, hf_client_state, r->state[TL_CLIENT]);
        add_state(tree, hf_server_state, r->state[TL_SERVER]);
    }
    add_text(tree, hf_sender, tl_role_name(r->sender));
    add_flag(tree, hf_guessed, r->guessed);
    add_flag(tree, hf_role_guessed, r->role_guessed);
    add_number(tree, hf_concurrent, r->concurrent);
    if (r->has_half_open)
        add_number(tree, hf_half_open, r->half_open);
    if (r->copy_of)
        add_number(tree, hf_copy_of, r->copy_of);
    add_flag(tree, hf_last, what->view->whole && what->stream->connection.last_frame == frame);
}

/* ---- Events ---- */

static const struct {
    const char *name, *text, *why;
    int severity;
} events[TL_EVENT_COUNT] = {
#define X(id, name, severity, text, why) [TL_EVENT_##id] = {name, text, why, PI_##severity},
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
    case TL_EVENT_OPEN_SYN_RETRANSMITTED:
    case TL_EVENT_OPEN_SYN_ACK_RETRANSMITTED:
        return wmem_strdup_printf(pinfo->pool, "%s, attempt %" PRIu32, text, r->number);
    case TL_EVENT_OPEN_ICMP_REJECTED:
        return wmem_strdup_printf(pinfo->pool, "%s (type %u, code %u)", text, r->number >> 8,
                                  r->number & 0xff);
    case TL_EVENT_OPEN_SYN_FLOOD:
        return wmem_strdup_printf(pinfo->pool, "%s (%" PRIu32 " handshakes under way)", text, r->number);
    default:
        return wmem_strdup_printf(pinfo->pool, "%s %" PRIu32, text, r->number);
    }
}

/* Without an item an expert info tells its listeners, the column for the worst of the frame, and the worst
 * of all that the status bar shows. Mostly none of them gains by it. */
static bool is_expert_heard(const packet_info *pinfo, int severity)
{
    static int tap;

    if (!tap)
        tap = find_tap_id("expert");
    return have_tap_listener(tap) || severity > expert_get_highest_severity() ||
           (pinfo->cinfo && pinfo->cinfo->col_first[COL_EXPERT] >= 0);
}

/* An early reuse of ports is another one than a late one. */
static bool is_early_reuse(const tl_raised *r)
{
    return r->event == TL_EVENT_OPEN_PORT_REUSE && r->warn;
}

static expert_field *expert_of(const tl_raised *r)
{
    return is_early_reuse(r) ? &ei_port_reuse_warn : &event_experts[r->event];
}

static int severity_of(const tl_raised *r)
{
    return is_early_reuse(r) ? PI_WARN : events[r->event].severity;
}

static void raise_expert(packet_info *pinfo, proto_item *item, const tl_raised *r)
{
    if (!item && !is_expert_heard(pinfo, severity_of(r)))
        return;
    expert_add_info_format(pinfo, item, expert_of(r), "%s", event_text(pinfo, r));
}

/* Whether somebody looks for expert infos of any kind, which are then ours too.
 * Wireshark registers their protocol later than ours. */
static bool is_any_expert_wanted(proto_tree *tree)
{
    static int expert;

    if (expert <= 0)
        expert = proto_get_id_by_filter_name("_ws.expert");

    return expert > 0 && is_wanted(tree, expert);
}

static double in_seconds(int64_t span)
{
    const nstime_t t = as_nstime(span);

    return nstime_to_sec(&t);
}

/* What may be lost with the connection. */
static const char *loss(packet_info *pinfo, const shown *what)
{
    stream_facts facts;

    stream_facts_get(what->stream, what->view, &facts);
    const uint64_t *unacked = facts.told.unacked;
    if (!unacked[TL_CLIENT] && !unacked[TL_SERVER])
        return "all that had passed was acknowledged";
    return wmem_strdup_printf(pinfo->pool,
                              "%" PRIu64 " bytes of the client's and %" PRIu64
                              " of the server's were not acknowledged",
                              unacked[TL_CLIENT], unacked[TL_SERVER]);
}

/* Why, with what is known of just this event. */
static const char *event_why(packet_info *pinfo, const shown *what, tl_event event)
{
    const tl_report *r = what->report;

    if (event != TL_EVENT_RESET_ABORT || r->idle == TL_NO_TIME)
        return events[event].why;
    return wmem_strdup_printf(pinfo->pool,
                              "The %s ended the open connection at once, %.6f s after the last data, SYN or "
                              "FIN, and %s (RFC 9293, 3.5.2).",
                              tl_role_name(r->sender), in_seconds(r->idle), loss(pinfo, what));
}

static void add_event(packet_info *pinfo, proto_tree *tree, const shown *what, const tl_raised *r)
{
    const char *name = events[r->event].name;
    proto_item *item = NULL;

    if (is_wanted(tree, hf_event) || is_wanted(tree, expert_of(r)->hf) || is_any_expert_wanted(tree)) {
        item = proto_tree_add_string_format(tree, hf_event, NULL, 0, 0, name, "Event: %s: %s. %s", name,
                                            event_text(pinfo, r), event_why(pinfo, what, r->event));
        proto_item_set_generated(item);
    }
    raise_expert(pinfo, item, r);
}

static void add_transition(packet_info *pinfo, proto_tree *tree, const tl_transition *t)
{
    if (is_wanted(tree, hf_transition)) {
        add_text(tree, hf_transition,
                 wmem_strdup_printf(pinfo->pool, "%s %s -> %s%s", tl_role_name(t->role),
                                    tcp_state_name(t->from), tcp_state_name(t->to),
                                    t->undone ? " (undone)" : ""));
    }
    if (time_fields[t->from] > 0)
        add_span(tree, time_fields[t->from], t->held);
}

static const char *steps_text(packet_info *pinfo, unsigned steps)
{
    wmem_strbuf_t *text = wmem_strbuf_new(pinfo->pool, NULL);
    for (unsigned step = 0; step < TL_STEP_COUNT; step++) {
        if (steps & 1U << step)
            wmem_strbuf_append_printf(text, "%s%s", wmem_strbuf_get_len(text) ? " + " : "",
                                      tl_step_name(step));
    }
    return wmem_strbuf_get_str(text);
}

static void add_evidence(proto_tree *tree, uint8_t evidence)
{
    for (unsigned i = 0; i < TL_EVIDENCE_COUNT; i++) {
        if (evidence & 1U << i)
            add_text(tree, hf_reset_evidence, tl_evidence_name((tl_evidence)i));
    }
}

static void add_reset(proto_tree *tree, const tl_report *r)
{
    if (r->verdict != TL_VERDICT_NONE)
        add_text(tree, hf_reset_verdict, tl_verdict_name(r->verdict));
    if (r->form != TL_FORM_NONE)
        add_text(tree, hf_reset_form, tl_form_name(r->form));
    if (r->answers) {
        add_number(tree, hf_reset_answers, r->answers);
        add_text(tree, hf_reset_answers_kind, tl_answered_name(r->answered));
    }
    add_span(tree, hf_reset_idle, r->idle);
    add_span(tree, hf_reset_idle_before, r->idle_before);
    if (r->has_ttl_delta)
        proto_item_set_generated(proto_tree_add_int(tree, hf_reset_ttl_delta, NULL, 0, 0, r->ttl_delta));
    add_evidence(tree, r->evidence);
}

static void add_events(packet_info *pinfo, proto_tree *tree, const shown *what)
{
    const tl_report *r = what->report;

    for (unsigned i = 0; i < r->raised; i++)
        add_event(pinfo, tree, what, &r->event[i]);
    for (unsigned i = 0; i < r->transitions; i++)
        add_transition(pinfo, tree, &r->transition[i]);
    if (r->steps && is_wanted(tree, hf_step))
        add_text(tree, hf_step, steps_text(pinfo, r->steps));
    add_reset(tree, r);
    add_flag(tree, hf_late, r->late);
}

/* ---- Connection facts ---- */

/* What stands in brackets after one half of the sentence, and in what time it came about. */
static void tell_half(proto_item *item, const char *verb, int64_t time, const char *form)
{
    proto_item_append_text(item, "%s", verb);
    if (time != TL_NO_TIME)
        proto_item_append_text(item, " in %.6f s", in_seconds(time));
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

static void add_fact_text(proto_tree *tree, int field, const fact *f, const stream_facts *facts,
                          const char *text)
{
    proto_item *item = add_text(tree, field, text);

    if (f->at == offsetof(stream_facts, told.close) && is_wanted(tree, field))
        tell_life(item, &facts->told);
}

/* A link to a frame, whose title ends in "frame". In that frame itself it leads nowhere, and says so. */
static void add_frame(proto_tree *tree, unsigned nth, uint32_t frame, uint32_t here)
{
    static const char last_word[] = "frame";
    const char *title = facts_table[nth].title;

    if (frame != here) {
        add_number(tree, fact_fields[nth], frame);
        return;
    }
    proto_item_set_generated(proto_tree_add_uint_format(tree, fact_fields[nth], NULL, 0, 0, frame,
                                                        "%.*sthis frame",
                                                        (int)(strlen(title) - strlen(last_word)), title));
}

static void add_fact(packet_info *pinfo, proto_tree *tree, unsigned nth, const stream_facts *facts)
{
    const fact *f = &facts_table[nth];
    const int field = fact_fields[nth];
    const void *at = (const char *)facts + f->at;

    switch (f->kind) {
    case FACT_TEXT:
        add_fact_text(tree, field, f, facts, *(const char *const *)at);
        return;
    case FACT_ADDRESS:
        if (is_wanted(tree, field))
            add_text(tree, field, address_to_str(pinfo->pool, at));
        return;
    case FACT_FLAG:
        add_flag(tree, field, true);
        return;
    case FACT_MOMENT:
    case FACT_SPAN:
        add_span(tree, field, *(const int64_t *)at);
        return;
    case FACT_FRAME:
        add_frame(tree, nth, *(const uint32_t *)at, pinfo->num);
        return;
    case FACT_NUMBER:
    case FACT_COUNT:
    case FACT_CONNECTION:
        add_number(tree, field, *(const uint32_t *)at);
        return;
    case FACT_BYTES:
        proto_item_set_generated(proto_tree_add_uint64(tree, field, NULL, 0, 0, *(const uint64_t *)at));
        return;
    case FACT_DIFFERENCE: /* of rows alone */
    case FACT_LIST:
    case FACT_KIND_COUNT:
        return;
    }
}

/* All of them are asked for on each frame: too often to ask Wireshark for each. */
static bool is_any_fact_wanted(proto_tree *tree)
{
    unsigned references = HF_REF_TYPE_NONE; /* which is 0 */

    if (is_visible(tree) || is_wanted(tree, hf_story))
        return true;
    for (unsigned i = 0; i < FACTS_COUNT; i++)
        references |= fact_hf[i].hfinfo.ref_type;
    return references != HF_REF_TYPE_NONE;
}

static void add_story(proto_tree *tree, const stream_facts *facts)
{
    if (!is_wanted(tree, hf_story))
        return;
    GString *story = g_string_new(NULL);
    story_append(story, facts, "\n");
    for (char *sentence = story->str, *end; *sentence; sentence = end) {
        end = sentence + strcspn(sentence, "\n");
        if (*end)
            *end++ = '\0';
        add_text(tree, hf_story, sentence);
    }
    g_string_free(story, TRUE);
}

static void add_facts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const shown *what)
{
    stream_facts facts;
    proto_item *item;

    if (!is_any_fact_wanted(tree))
        return;
    /* A label that never changes: in JSON it is a key. */
    proto_tree *branch = proto_tree_add_subtree(tree, tvb, 0, 0, ett_connection, &item, "Connection");
    proto_item_set_generated(item);

    stream_facts_get(what->stream, what->view, &facts);
    add_story(branch, &facts);
    for (unsigned i = 0; i < FACTS_COUNT; i++) {
        if (fact_is_known(&facts_table[i], &facts))
            add_fact(pinfo, branch, i, &facts);
    }
}

/* ---- The tree ---- */

bool fields_are_wanted(proto_tree *tree)
{
    return tree && is_wanted(tree, proto_tcplife);
}

static bool is_anything_wanted(proto_tree *tree, const tl_report *r)
{
    return fields_are_wanted(tree) || (tree && r->raised && is_any_expert_wanted(tree));
}

/* Of what the frame raises that which matters most: the first of the highest severity. NULL: nothing. */
static const tl_raised *chief_event(const tl_report *r)
{
    const tl_raised *chief = NULL;

    for (unsigned i = 0; i < r->raised; i++) {
        if (!chief || severity_of(&r->event[i]) > severity_of(chief))
            chief = &r->event[i];
    }
    return chief;
}

/* What the frame decides, in as few words as there are. NULL: nothing. */
static const char *reason(packet_info *pinfo, const tl_report *r)
{
    const tl_raised *chief = chief_event(r);

    if (chief)
        return event_text(pinfo, chief);
    if (r->steps)
        return steps_text(pinfo, r->steps);
    return r->late ? "late" : NULL;
}

/* Where the fields go; just into the frame's tree where it is not shown, unless somebody looks for the
 * protocol itself. One sees but its line while the tree is closed: so that tells what the frame decides,
 * too. */
static proto_tree *add_lifecycle(packet_info *pinfo, proto_tree *tree, const tl_report *r)
{
    const header_field_info *own = proto_registrar_get_nth((unsigned)proto_tcplife);

    if (!is_visible(tree) && PTREE_DATA(tree)->fake_protocols && own->ref_type != HF_REF_TYPE_DIRECT)
        return tree;
    if (!is_visible(tree))
        return proto_item_add_subtree(proto_tree_add_item(tree, proto_tcplife, NULL, 0, 0, ENC_NA),
                                      ett_tcplife);
    const char *why = reason(pinfo, r);
    proto_item *item = proto_tree_add_protocol_format(tree, proto_tcplife, NULL, 0, 0, "TCP Lifecycle");

    if (!r->is_rejection)
        proto_item_append_text(item, ", %s", tcp_state_name(r->phase));
    if (r->has_states)
        proto_item_append_text(item, ", client %s, server %s", tcp_state_name(r->state[TL_CLIENT]),
                               tcp_state_name(r->state[TL_SERVER]));
    if (why)
        proto_item_append_text(item, ": %s", why);
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
    proto_tree *branch = add_lifecycle(pinfo, tree, r);
    add_number(branch, hf_connection, what->stream->connection.number);
    if (!r->is_rejection)
        add_now(branch, what, pinfo->num);
    add_events(pinfo, branch, what);
    if (!r->is_rejection)
        add_facts(tvb, pinfo, branch, what);
}
