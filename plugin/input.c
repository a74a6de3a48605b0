/* input.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "input.h"

#include <string.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-ip.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/expert.h>
#include <epan/ipproto.h>
#include <epan/prefs-int.h>
#include <epan/proto_data.h>
#include <epan/tap.h>

#include "compat.h"
#include "sequence.h"

/* The fields that the tree is read for. Of a header, the port comes first; the
 * addresses come before it, with the IP header. */
#define WANTED(X)                      \
    X(IP_FROM, "ip.src")               \
    X(IP_TO, "ip.dst")                 \
    X(IP_ID, "ip.id")                  \
    X(IP_TTL, "ip.ttl")                \
    X(IPV6_FROM, "ipv6.src")           \
    X(IPV6_TO, "ipv6.dst")             \
    X(IPV6_TTL, "ipv6.hlim")           \
    X(FROM_PORT, "tcp.srcport")        \
    X(TO_PORT, "tcp.dstport")          \
    X(STREAM, "tcp.stream")            \
    X(LENGTH, "tcp.len")               \
    X(SEQ, "tcp.seq_raw")              \
    X(ACK_SHOWN, "tcp.ack")            \
    X(ACK, "tcp.ack_raw")              \
    X(FLAGS, "tcp.flags")              \
    X(WINDOW, "tcp.window_size")       \
    X(CHECKSUM, "tcp.checksum.status") \
    X(SACK, "tcp.options.sack_re")

typedef enum {
#define X(id, name) WANT_##id,
    WANTED(X)
#undef X
        WANT_COUNT
} wanted;

/* Without these a header is no segment: the dissector leaves them out where it
 * is quoted, a fragment, or has a length that cannot be. */
static const unsigned complete = 1 << WANT_TO_PORT | 1 << WANT_STREAM | 1 << WANT_LENGTH | 1 << WANT_SEQ |
                                 1 << WANT_FLAGS | 1 << WANT_WINDOW;

static int wanted_hf[WANT_COUNT];
static int proto_tcp;
static int proto_icmp, proto_icmpv6;
static int tcp_tap, ip_tap, ipv6_tap, expert_tap;
static int hf_bad_checksum;
static bool listens_for_checksums;

/* A listener makes the dissector queue what it has; we fetch it before the queue
 * is handed out, so this one has nothing to do. It can only fail for its filter,
 * and has none. Taps tell their listeners apart by address. */
static void listen_to(const char *tap, int *listener)
{
    GString *error =
        register_tap_listener(tap, listener, NULL, TL_IS_DISSECTOR_HELPER, NULL, NULL, NULL, NULL);
    if (error)
        g_string_free(error, TRUE);
}

void input_listen(void)
{
    static const char *const names[WANT_COUNT] = {
#define X(id, name) [WANT_##id] = name,
        WANTED(X)
#undef X
    };
    static int listener;

    for (unsigned i = 0; i < WANT_COUNT; i++)
        wanted_hf[i] = proto_registrar_get_id_byname(names[i]);
    proto_tcp = proto_get_id_by_filter_name("tcp");
    proto_icmp = proto_get_id_by_filter_name("icmp");
    proto_icmpv6 = proto_get_id_by_filter_name("icmpv6");
    tcp_tap = find_tap_id("tcp");
    ip_tap = find_tap_id("ip");
    ipv6_tap = find_tap_id("ipv6");
    hf_bad_checksum = proto_registrar_get_id_byname("tcp.checksum_bad.expert");
    listen_to("tcp", &listener);
}

/* A checksum is validated only where the user asks for it, and a wrong one is told
 * only by an expert info, for which we do not want to listen in vain. */
void input_open(void)
{
    static int listener;
    module_t *tcp = prefs_find_module("tcp");
    pref_t *validates = tcp ? prefs_find_preference(tcp, "check_checksum") : NULL;
    const bool wanted = validates && prefs_get_bool_value(validates, pref_current);

    expert_tap = find_tap_id("expert"); /* which Wireshark registers later than dissectors are handed off */
    if (wanted && !listens_for_checksums)
        listen_to("expert", &listener);
    else if (!wanted && listens_for_checksums)
        remove_tap_listener(&listener);
    listens_for_checksums = wanted;
}

GArray *input_wanted_fields(void)
{
    GArray *fields = g_array_sized_new(FALSE, FALSE, sizeof(int), WANT_COUNT);
    g_array_append_vals(fields, wanted_hf, WANT_COUNT);
    return fields;
}

int64_t input_time(const packet_info *pinfo)
{
    static const int64_t latest = INT64_MAX / 2; /* in the year 2116 */
    if (!pinfo->fd->has_ts)
        return 0;
    int64_t time;
    if (__builtin_mul_overflow((int64_t)pinfo->abs_ts.secs, INT64_C(1000000000), &time) ||
        __builtin_add_overflow(time, (int64_t)pinfo->abs_ts.nsecs, &time))
        return pinfo->abs_ts.secs < 0 ? -latest : latest;
    return time < -latest ? -latest : time > latest ? latest : time;
}

static bool is_broadcast(const address *a)
{
    static const uint8_t all[4] = {255, 255, 255, 255};
    return a->type == AT_IPv4 && a->len == 4 && !memcmp(a->data, all, sizeof all);
}

/* What is done alike to each header, wherever it is from. */
static void finish(input_segment *s, const packet_info *pinfo)
{
    s->segment.time = input_time(pinfo);
    s->segment.frame = pinfo->num;
    s->segment.lower_port = s->from_port < s->to_port;
    s->cut = pinfo->fd->cap_len < pinfo->fd->pkt_len;
    s->broadcast = is_broadcast(&s->to);
    if (!(s->segment.flags & TL_ACK))
        s->segment.ack = 0;
}

/* The tap. */

/* Put the headers of a frame in the order in which they were met: Wireshark 4.0
 * queues an outer header before its payload, and so before an inner one, 4.4
 * after it. The TCP dissector leaves each header's ports at its layer. */
static void sort_by_layer(packet_info *pinfo, const tcp_info_t *header[], unsigned count)
{
    unsigned sorted = 0;
    for (unsigned layer = 1; layer <= pinfo->curr_layer_num && sorted < count; layer++) {
        uintptr_t from = (uintptr_t)p_get_proto_data(pinfo->pool, pinfo, wanted_hf[WANT_FROM_PORT], layer);
        uintptr_t to = (uintptr_t)p_get_proto_data(pinfo->pool, pinfo, wanted_hf[WANT_TO_PORT], layer);
        unsigned i = sorted;
        while (i < count && (header[i]->th_sport != from || header[i]->th_dport != to))
            i++;
        if (i == count)
            continue;
        const tcp_info_t *found = header[i];
        memmove(header + sorted + 1, header + sorted, (i - sorted) * sizeof *header);
        header[sorted++] = found;
    }
}

/* The edge of a SACK block, as raw or as relative as the dissector shows the ACK. */
static void take_sack(tl_segment *s, uint32_t edge, uint32_t shown_ack)
{
    const uint32_t raw = edge + (s->ack - shown_ack);

    s->sack = s->has_sack ? seq_max(s->sack, raw) : raw;
    s->has_sack = true;
}

/* TTL and identification come from the tap of the IP header between the same addresses. */
static void tap_ip(input_segment *s)
{
    const ws_ip4 *ip4;
    for (int i = 0; s->from.type == AT_IPv4 && i < INPUT_MAX && (ip4 = fetch_tapped_data(ip_tap, i)); i++) {
        if (addresses_equal(&ip4->ip_src, &s->from) && addresses_equal(&ip4->ip_dst, &s->to)) {
            s->segment.ttl = ip4->ip_ttl;
            s->segment.has_ttl = true;
            s->segment.id = ip4->ip_id;
            s->segment.has_id = ip4->ip_id != 0;
        }
    }
    const ws_ip6 *ip6;
    for (int i = 0; s->from.type == AT_IPv6 && i < INPUT_MAX && (ip6 = fetch_tapped_data(ipv6_tap, i)); i++) {
        if (addresses_equal(&ip6->ip6_src, &s->from) && addresses_equal(&ip6->ip6_dst, &s->to)) {
            s->segment.ttl = ip6->ip6_hop;
            s->segment.has_ttl = true;
        }
    }
}

/* Which of several headers it is about, an expert info does not tell. */
static bool tap_bad_checksum(void)
{
    const expert_info_t *info;
    for (int i = 0; listens_for_checksums && (info = fetch_tapped_data(expert_tap, i)); i++) {
        if (info->hf_index == hf_bad_checksum)
            return true;
    }
    return false;
}

static input_segment from_header(const tcp_info_t *h, const packet_info *pinfo)
{
    input_segment s = {
        .stream = h->th_stream,
        .from_port = h->th_sport,
        .to_port = h->th_dport,
        .segment =
            {
                .seq = h->th_rawseq,
                .ack = h->th_rawack,
                .length = h->th_seglen,
                .window = h->th_win,
                .flags = h->th_flags,
            },
    };
    copy_address_shallow(&s.from, &h->ip_src);
    copy_address_shallow(&s.to, &h->ip_dst);
    for (unsigned i = 0; i < h->num_sack_ranges && i < MAX_TCP_SACK_RANGES; i++)
        take_sack(&s.segment, h->sack_right_edge[i], h->th_ack);
    tap_ip(&s);
    s.bad_checksum = tap_bad_checksum();
    finish(&s, pinfo);
    return s;
}

/* Read what was tapped of the frame; false if that is nothing. */
static bool read_tap(packet_info *pinfo, input_segment segments[INPUT_MAX], unsigned *count)
{
    const tcp_info_t *header[INPUT_MAX];
    unsigned headers = 0;
    while (headers < INPUT_MAX && (header[headers] = fetch_tapped_data(tcp_tap, (int)headers)))
        headers++;
    if (headers > 1)
        sort_by_layer(pinfo, header, headers);
    for (unsigned i = 0; i < headers; i++) {
        if (header[i]->th_have_seglen)
            segments[(*count)++] = from_header(header[i], pinfo);
    }
    return headers > 0;
}

/* The packet. Where the TCP options were not captured as a whole, Wireshark 4.0
 * gives up before it queues its tap. The fixed part of such a header is there
 * all the same, and the dissector has found its stream: so the header is looked
 * for, by all that is known of it, and read. Later versions do queue the tap. */

/* The captured bytes of a frame. */
typedef struct {
    const uint8_t *at;
    int length;
} bytes;

/* A TCP header in them. */
typedef struct {
    int at;
    int length; /* of the segment, as the IP header tells; negative: it tells nothing */
} found;

static unsigned get16(const uint8_t *from)
{
    return (unsigned)from[0] << 8 | from[1];
}

static uint32_t get32(const uint8_t *from)
{
    return (uint32_t)get16(from) << 16 | get16(from + 2);
}

static unsigned count_layers(const packet_info *pinfo, int proto)
{
    unsigned count = 0;
    for (wmem_list_frame_t *f = wmem_list_head(pinfo->layers); f; f = wmem_list_frame_next(f))
        count += GPOINTER_TO_INT(wmem_list_frame_data(f)) == proto;
    return count;
}

bool input_has_icmp(const packet_info *pinfo)
{
    return count_layers(pinfo, proto_icmp) || count_layers(pinfo, proto_icmpv6);
}

/* Who a header is from and to. */
typedef struct {
    const address *from, *to;
    uint32_t from_port, to_port;
} ends;

static bool is_ipv4_of(const uint8_t *ip, const ends *e)
{
    bool fragment = get16(ip + 6) & 0x3fff;
    return ip[0] >> 4 == 4 && ip[9] == 6 && !fragment && !memcmp(ip + 12, e->from->data, 4) &&
           !memcmp(ip + 16, e->to->data, 4);
}

static found after_ipv4(const bytes *b, int ip)
{
    int header = (b->at[ip] & 0x0f) * 4, total = (int)get16(b->at + ip + 2);
    return (found){.at = ip + header, .length = total ? total - header : -1};
}

static bool is_ipv6_of(const uint8_t *ip, const ends *e)
{
    return ip[0] >> 4 == 6 && !memcmp(ip + 8, e->from->data, 16) && !memcmp(ip + 24, e->to->data, 16);
}

static found after_ipv6(const bytes *b, int ip)
{
    enum { HOP_BY_HOP = 0, TCP = 6, ROUTING = 43, DESTINATION = 60 };
    int payload = (int)get16(b->at + ip + 4), at = ip + 40;
    uint8_t next = b->at[ip + 6];
    while ((next == HOP_BY_HOP || next == ROUTING || next == DESTINATION) && at + 2 <= b->length) {
        next = b->at[at];
        at += (b->at[at + 1] + 1) * 8;
    }
    return (found){.at = next == TCP ? at : b->length, .length = payload ? ip + 40 + payload - at : -1};
}

static int ip_header_length(const ends *e)
{
    if (e->from->type == AT_IPv4 && e->to->type == AT_IPv4)
        return 20;
    return e->from->type == AT_IPv6 && e->to->type == AT_IPv6 ? 40 : 0;
}

/* Whether an IP header stands here, and behind it a TCP header, between these ends. */
static bool find_header_at(const bytes *b, int ip, const ends *e, found *f)
{
    const bool ipv4 = e->from->type == AT_IPv4;

    if (!(ipv4 ? is_ipv4_of(b->at + ip, e) : is_ipv6_of(b->at + ip, e)))
        return false;
    *f = ipv4 ? after_ipv4(b, ip) : after_ipv6(b, ip);
    return f->at + 16 <= b->length && get16(b->at + f->at) == e->from_port &&
           get16(b->at + f->at + 2) == e->to_port;
}

/* Find the innermost header between the frame's addresses and ports. */
static bool find_header(const bytes *b, const packet_info *pinfo, found *f)
{
    const ends e = {&pinfo->src, &pinfo->dst, pinfo->srcport, pinfo->destport};
    const int header = ip_header_length(&e);

    for (int ip = b->length - header; header && ip >= 0; ip--) {
        if (find_header_at(b, ip, &e, f))
            return true;
    }
    return false;
}

static uint32_t sum16(const uint8_t *from, int length)
{
    uint32_t sum = 0;

    for (int i = 0; i + 1 < length; i += 2)
        sum += get16(from + i);
    return sum;
}

/* Where the interface computes the checksum, its place holds the sum of the pseudo-header until then
 * (RFC 9293, 3.1). */
static bool is_pseudo_sum(const ends *e, int tcp_length, unsigned checksum)
{
    uint32_t sum = sum16(e->from->data, e->from->len) + sum16(e->to->data, e->to->len) + IP_PROTO_TCP;

    sum += (uint32_t)tcp_length >> 16;
    sum += (uint32_t)tcp_length & 0xffff;
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return sum == checksum;
}

/* The checksum tells a copy from a repetition. The dissector does not hand it out, but for the tree. */
static void read_checksum(const bytes *b, input_segment *s)
{
    enum { CHECKSUM_AT = 16 };
    const ends e = {&s->from, &s->to, s->from_port, s->to_port};
    const int header = ip_header_length(&e);
    found f;

    for (int ip = 0; header && ip + header <= b->length; ip++) {
        if (!find_header_at(b, ip, &e, &f) || get32(b->at + f.at + 4) != s->segment.seq)
            continue;
        if (f.at + CHECKSUM_AT + 2 <= b->length) {
            s->segment.checksum = (uint16_t)get16(b->at + f.at + CHECKSUM_AT);
            s->segment.has_checksum = true;
            s->segment.is_offloaded = is_pseudo_sum(&e, f.length, s->segment.checksum);
        }
        return;
    }
}

/* What the TCP dissector keeps of the stream, which it found before it gave up. */
static const struct tcp_analysis *find_stream(packet_info *pinfo)
{
    conversation_t *c = find_conversation(pinfo->num, &pinfo->src, &pinfo->dst, CONVERSATION_TCP,
                                          pinfo->srcport, pinfo->destport, 0);
    return c ? get_tcp_conversation_data(c, pinfo) : NULL;
}

static input_segment from_bytes(const uint8_t *tcp, const struct tcp_analysis *stream,
                                const packet_info *pinfo)
{
    input_segment s = {
        .stream = stream->stream,
        .from_port = (uint16_t)get16(tcp),
        .to_port = (uint16_t)get16(tcp + 2),
        .segment =
            {
                .seq = get32(tcp + 4),
                .ack = get32(tcp + 8),
                .flags = (uint16_t)(get16(tcp + 12) & TH_MASK),
                .window = get16(tcp + 14),
            },
    };
    if (!(s.segment.flags & TL_SYN) && stream->fwd->win_scale > 0)
        s.segment.window <<= stream->fwd->win_scale;
    copy_address_shallow(&s.from, &pinfo->src);
    copy_address_shallow(&s.to, &pinfo->dst);
    tap_ip(&s);
    finish(&s, pinfo);
    return s;
}

static unsigned read_packet(tvbuff_t *tvb, packet_info *pinfo, input_segment segments[INPUT_MAX])
{
    int captured = (int)tvb_captured_length(tvb);
    found f;
    /* A header that ICMP quotes is no segment, and of several we could not tell which is meant. */
    if (!captured || pinfo->fragmented || pinfo->flags.in_error_pkt || input_has_icmp(pinfo) ||
        count_layers(pinfo, proto_tcp) != 1)
        return 0;
    bytes b = {.at = tvb_get_ptr(tvb, 0, captured), .length = captured};
    if (!find_header(&b, pinfo, &f))
        return 0;
    const struct tcp_analysis *stream = find_stream(pinfo);
    int header = (b.at[f.at + 12] >> 4) * 4, rest = tvb_reported_length_remaining(tvb, f.at);
    int data = (f.length < 0 || f.length > rest ? rest : f.length) - header;
    if (!stream || header < 20 || data < 0)
        return 0;
    segments[0] = from_bytes(b.at + f.at, stream, pinfo);
    segments[0].segment.length = (uint32_t)data;
    return 1;
}

/* The tree. */

/* A walk through the tree, and the header that it is at. */
typedef struct {
    const packet_info *pinfo;
    address from, to; /* of the last IP header, as are `id` and `ttl` */
    uint16_t id;
    uint8_t ttl;
    bool has_ttl;
    uint32_t shown_ack; /* of `header`, as raw or as relative as its SACK blocks */
    input_segment header;
    unsigned has; /* bits (1 << wanted) of `header` */
    unsigned count;
    input_segment *segments;
} walk;

/* The addresses are taken from the packet: how a field's value is asked for one differs
 * from version to version. */
static void take_address(address *a, int type, int length, const field_info *field)
{
    clear_address(a);
    if (field->ds_tvb && field->length == length &&
        tvb_captured_length_remaining(field->ds_tvb, field->start) >= length)
        set_address(a, type, length, tvb_get_ptr(field->ds_tvb, field->start, length));
}

static void end_header(walk *w)
{
    if ((w->has & complete) == complete && w->count < INPUT_MAX) {
        finish(&w->header, w->pinfo);
        w->segments[w->count++] = w->header;
    }
    w->has = 0;
}

static void begin_header(walk *w)
{
    end_header(w);
    w->header = (input_segment){
        .segment = {.ttl = w->ttl, .has_ttl = w->has_ttl, .id = w->id, .has_id = w->id != 0},
    };
    copy_address_shallow(&w->header.from, &w->from);
    copy_address_shallow(&w->header.to, &w->to);
}

static void take_number(walk *w, wanted field, uint32_t number)
{
    input_segment *h = &w->header;
    switch (field) {
    case WANT_FROM_PORT:
        begin_header(w);
        h->from_port = (uint16_t)number;
        break;
    case WANT_TO_PORT:
        h->to_port = (uint16_t)number;
        break;
    case WANT_STREAM:
        h->stream = number;
        break;
    case WANT_LENGTH:
        h->segment.length = number;
        break;
    case WANT_SEQ:
        h->segment.seq = number;
        break;
    case WANT_ACK:
        h->segment.ack = number;
        break;
    case WANT_FLAGS:
        h->segment.flags = (uint16_t)number;
        break;
    case WANT_WINDOW:
        h->segment.window = number;
        break;
    case WANT_IP_FROM:
    case WANT_IP_TO:
    case WANT_IPV6_FROM:
    case WANT_IPV6_TO:
    case WANT_COUNT:
        return;
    case WANT_ACK_SHOWN:
        w->shown_ack = number;
        return;
    case WANT_SACK:
        take_sack(&h->segment, number, w->shown_ack);
        return;
    case WANT_CHECKSUM:
        h->bad_checksum = number == PROTO_CHECKSUM_E_BAD;
        return;
    case WANT_IP_ID:
        w->id = (uint16_t)number;
        return;
    case WANT_IP_TTL:
        w->ttl = (uint8_t)number;
        w->has_ttl = true;
        return;
    case WANT_IPV6_TTL:
        w->id = 0;
        w->ttl = (uint8_t)number;
        w->has_ttl = true;
        return;
    }
    w->has |= 1U << field;
}

static void take_field(walk *w, field_info *info)
{
    unsigned field = 0;
    while (field < WANT_COUNT && wanted_hf[field] != info->hfinfo->id)
        field++;
    switch (field) {
    case WANT_IP_FROM:
        take_address(&w->from, AT_IPv4, 4, info);
        break;
    case WANT_IP_TO:
        take_address(&w->to, AT_IPv4, 4, info);
        break;
    case WANT_IPV6_FROM:
        take_address(&w->from, AT_IPv6, 16, info);
        break;
    case WANT_IPV6_TO:
        take_address(&w->to, AT_IPv6, 16, info);
        break;
    case WANT_COUNT:
        break;
    default:
        take_number(w, field, fvalue_get_uinteger(FIELD_VALUE(info)));
        break;
    }
}

/* Fields stand in the tree as they were met, so the ports of an outer header
 * come before those of an inner one, and nothing but the order matters. */
static unsigned read_tree(const packet_info *pinfo, proto_tree *tree, input_segment segments[INPUT_MAX])
{
    walk w = {.pinfo = pinfo, .segments = segments};
    for (proto_node *node = tree; node;) {
        if (PNODE_FINFO(node))
            take_field(&w, PNODE_FINFO(node));
        if (node->first_child) {
            node = node->first_child;
            continue;
        }
        while (node != tree && !node->next)
            node = node->parent;
        node = node == tree ? NULL : node->next;
    }
    end_header(&w);
    return w.count;
}

/* Each IP header is tapped. */
bool input_is_tapped(void)
{
    return fetch_tapped_data(ip_tap, 0) || fetch_tapped_data(ipv6_tap, 0);
}

static unsigned read_segments(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool look_ahead,
                              input_segment segments[INPUT_MAX])
{
    unsigned count = 0;
    if (read_tap(pinfo, segments, &count) || !count_layers(pinfo, proto_tcp))
        return count;
    if (input_is_tapped())
        return read_packet(tvb, pinfo, segments);
    return look_ahead && tree ? read_tree(pinfo, tree, segments) : 0;
}

unsigned input_segments(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool look_ahead,
                        input_segment segments[INPUT_MAX])
{
    const unsigned count = read_segments(tvb, pinfo, tree, look_ahead, segments);
    const int captured = (int)tvb_captured_length(tvb);

    if (count == 0 || captured == 0)
        return count;
    const bytes b = {.at = tvb_get_ptr(tvb, 0, captured), .length = captured};
    for (unsigned i = 0; i < count; i++)
        read_checksum(&b, &segments[i]);
    return count;
}
