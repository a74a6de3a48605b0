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
#include <epan/prefs-int.h>
#include <epan/proto_data.h>
#include <epan/tap.h>

#include "compat.h"
#include "headers.h"
#include "sequence.h"

static int proto_tcp;
static int proto_icmp, proto_icmpv6;
static int tcp_tap, ip_tap, ipv6_tap, expert_tap;
static int hf_from_port, hf_to_port;
static int hf_checksum_status, hf_bad_checksum;
static bool validates_checksums;

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
    static int listener;

    hf_from_port = proto_registrar_get_id_byname("tcp.srcport");
    hf_to_port = proto_registrar_get_id_byname("tcp.dstport");
    hf_checksum_status = proto_registrar_get_id_byname("tcp.checksum.status");
    hf_bad_checksum = proto_registrar_get_id_byname("tcp.checksum_bad.expert");
    proto_tcp = proto_get_id_by_filter_name("tcp");
    proto_icmp = proto_get_id_by_filter_name("icmp");
    proto_icmpv6 = proto_get_id_by_filter_name("icmpv6");
    tcp_tap = find_tap_id("tcp");
    ip_tap = find_tap_id("ip");
    ipv6_tap = find_tap_id("ipv6");
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
    if (wanted && !validates_checksums)
        listen_to("expert", &listener);
    else if (!wanted && validates_checksums)
        remove_tap_listener(&listener);
    validates_checksums = wanted;
}

GArray *input_wanted_fields(void)
{
    if (!validates_checksums)
        return NULL;
    GArray *fields = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_val(fields, hf_checksum_status);
    return fields;
}

int64_t input_time(const packet_info *pinfo)
{
    const int64_t second = 1000000000;
    const int64_t latest = INT64_MAX / 2 / second - 3; /* in the year 2116; nanoseconds may be absurd, too */
    const int64_t seconds = pinfo->abs_ts.secs;

    return pinfo->fd->has_ts ? CLAMP(seconds, -latest, latest) * second + pinfo->abs_ts.nsecs : 0;
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
    s->untimed = !pinfo->fd->has_ts;
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
        uintptr_t from = (uintptr_t)p_get_proto_data(pinfo->pool, pinfo, hf_from_port, layer);
        uintptr_t to = (uintptr_t)p_get_proto_data(pinfo->pool, pinfo, hf_to_port, layer);
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

/* The right edge of the highest SACK block. The dissector shows them raw or relative, as it does the ACK. */
static void take_sack(tl_segment *s, const tcp_info_t *h)
{
    for (unsigned i = 0; i < h->num_sack_ranges && i < MAX_TCP_SACK_RANGES; i++) {
        const uint32_t raw = h->sack_right_edge[i] + (h->th_rawack - h->th_ack);
        s->sack = s->has_sack ? seq_max(s->sack, raw) : raw;
        s->has_sack = true;
    }
}

/* TTL and identification come from the tap of the IP header between the same addresses, if its bytes are not
 * at hand. */
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
    for (int i = 0; validates_checksums && (info = fetch_tapped_data(expert_tap, i)); i++) {
        if (info->hf_index == hf_bad_checksum)
            return true;
    }
    return false;
}

/* What an IP header carries is this segment. */
static bool carries(const bytes *b, const ip_header *ip, const input_segment *s)
{
    const uint8_t *tcp = b->at + ip->next;
    uint16_t from, to;

    if (ip->is_fragment)
        return false;
    headers_get_ports(tcp, &from, &to);
    return from == s->from_port && to == s->to_port && headers_get_seq(tcp) == s->segment.seq;
}

/* What the dissector does not hand out, or only as it sees it at the moment: the checksum, which tells a
 * copy from a repetition, and the window of a segment that offers to scale it although it is no SYN. */
static void take_tcp(const bytes *b, const ip_header *ip, input_segment *s)
{
    const uint8_t *tcp = b->at + ip->next;
    const int length = b->length - ip->next;

    headers_read_checksum(tcp, length, ip, &s->segment);
    if (!(s->segment.flags & TL_SYN) && headers_have_scale(tcp, length))
        s->segment.window = headers_get_window(tcp);
}

static void take_ip(const ip_header *ip, tl_segment *s)
{
    s->ttl = ip->ttl;
    s->has_ttl = true;
    s->id = ip->id;
    s->has_id = ip->id != 0;
}

/* The IP header that the addresses point into, as they mostly do: a look at it is worth a search of 300
 * instructions. */
static bool find_pointed(const bytes *b, const input_segment *s, ip_header *ip)
{
    return headers_read_around(b, &s->from, ip) && ip->from.data == s->from.data &&
           ip->to.data == s->to.data && carries(b, ip, s);
}

static bool search(const bytes *b, const input_segment *s, ip_header *ip)
{
    for (int at = 0; headers_find(b, &at, ip); at++) {
        if (carries(b, ip, s))
            return true;
    }
    return false;
}

static void read_headers(const bytes *b, input_segment *s)
{
    ip_header ip;

    if (find_pointed(b, s, &ip)) {
        take_ip(&ip, &s->segment);
        take_tcp(b, &ip, s);
        return;
    }
    tap_ip(s);
    if (!search(b, s, &ip))
        return;
    copy_address_shallow(&ip.from, &s->from);
    copy_address_shallow(&ip.to, &s->to);
    take_tcp(b, &ip, s);
}

/* Each member is set, here or by finish(): nothing is zeroed first. */
static void take_header(const bytes *b, const tcp_info_t *h, const packet_info *pinfo, input_segment *s)
{
    s->stream = h->th_stream;
    s->from_port = h->th_sport;
    s->to_port = h->th_dport;
    s->segment = (tl_segment){
        .seq = h->th_rawseq,
        .ack = h->th_rawack,
        .length = h->th_seglen,
        .window = h->th_win,
        .flags = h->th_flags,
    };
    copy_address_shallow(&s->from, &h->ip_src);
    copy_address_shallow(&s->to, &h->ip_dst);
    take_sack(&s->segment, h);
    read_headers(b, s);
    s->bad_checksum = tap_bad_checksum();
    finish(s, pinfo);
}

static bytes bytes_of(tvbuff_t *tvb)
{
    const int captured = (int)tvb_captured_length(tvb);

    return (bytes){.at = captured ? tvb_get_ptr(tvb, 0, captured) : NULL, .length = captured};
}

unsigned input_tapped(tvbuff_t *tvb, packet_info *pinfo, input_segment segments[INPUT_MAX])
{
    const bytes b = bytes_of(tvb);
    const tcp_info_t *header[INPUT_MAX];
    unsigned headers = 0, count = 0;
    while (headers < INPUT_MAX && (header[headers] = fetch_tapped_data(tcp_tap, (int)headers)))
        headers++;
    if (headers > 1)
        sort_by_layer(pinfo, header, headers);
    for (unsigned i = 0; i < headers; i++) {
        if (header[i]->th_have_seglen)
            take_header(&b, header[i], pinfo, &segments[count++]);
    }
    return count;
}

/* The bytes. They are read where no tap runs, and where one does but the TCP options were not captured as a
 * whole: Wireshark 4.0 gives up before it queues its tap then, 4.4 queues it without the length of the data.
 * The dissector has met the header all the same and found its stream, which is how we know one when we
 * see it. */

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

/* How many TCP headers the dissector has met. One that ICMP quotes is no segment. */
static unsigned count_headers(const packet_info *pinfo)
{
    unsigned count = 0;

    for (wmem_list_frame_t *f = wmem_list_head(pinfo->layers); f; f = wmem_list_frame_next(f)) {
        const int proto = GPOINTER_TO_INT(wmem_list_frame_data(f));
        if (proto == proto_icmp || proto == proto_icmpv6)
            break;
        count += proto == proto_tcp;
    }
    return count < INPUT_MAX ? count : INPUT_MAX;
}

/* What the TCP dissector keeps of the stream between two ends; NULL: it knows none. */
static const struct tcp_analysis *find_stream(const packet_info *pinfo, const input_segment *s)
{
    conversation_t *c =
        find_conversation(pinfo->num, &s->from, &s->to, CONVERSATION_TCP, s->from_port, s->to_port, 0);
    return c ? conversation_get_proto_data(c, proto_tcp) : NULL;
}

/* The stream's two flows are in the order that the dissector gives the ends. What a scale does that comes
 * outside a SYN depends on when it is asked: so such a window is not scaled, whichever door it comes by. */
static void scale_window(input_segment *s, const struct tcp_analysis *stream, bool misplaced_scale)
{
    const int order = cmp_address(&s->from, &s->to);
    const bool first = order ? order > 0 : s->from_port > s->to_port;
    const int shift = (first ? &stream->flow1 : &stream->flow2)->win_scale;

    if (!(s->segment.flags & TL_SYN) && !misplaced_scale && shift > 0)
        s->segment.window <<= shift;
}

/* The header is the one that the dissector met last, in a frame that has but one. */
static bool is_met(const packet_info *pinfo, const input_segment *s)
{
    return addresses_equal(&s->from, &pinfo->src) && addresses_equal(&s->to, &pinfo->dst) &&
           s->from_port == pinfo->srcport && s->to_port == pinfo->destport && count_headers(pinfo) == 1;
}

/* Say whose segment it is, if it is one: then the dissector has a stream between these ends. The addresses
 * are the IP header's, unless the dissector has others: an extension header of IPv6 can name the home
 * address of its sender, or who it is for in the end. In the frame that begins a stream a dissector above
 * TCP may hide it behind a conversation of its own (SNMP does).
 * @param[out] stream  NULL: nothing is known of it but its number */
static bool name_ends(const packet_info *pinfo, const ip_header *ip, input_segment *s,
                      const struct tcp_analysis **stream)
{
    copy_address_shallow(&s->from, &ip->from);
    copy_address_shallow(&s->to, &ip->to);
    *stream = find_stream(pinfo, s);
    if (!*stream && ip->from.type == AT_IPv6 && pinfo->src.type == AT_IPv6 && pinfo->dst.type == AT_IPv6) {
        copy_address_shallow(&s->from, &pinfo->src);
        copy_address_shallow(&s->to, &pinfo->dst);
        *stream = find_stream(pinfo, s);
    }
    s->stream = *stream ? (*stream)->stream : get_tcp_stream_count() - 1;
    return *stream || is_met(pinfo, s);
}

/* How long the data are behind a header. `said` tells the length of both if it is not negative, `there` is
 * the rest of the frame. Negative: it is no header. Where not even its fixed part is there, as when a
 * switch's own header has made Wireshark take the last bytes for a checksum, only what was said tells. */
static int data_length(int header, int said, int there)
{
    enum { FIXED = 20 };
    const int length = said < 0 || (said > there && there >= FIXED) ? there : said;

    return header < FIXED ? -1 : length - header;
}

/* Take the segment whose header this may be.
 *  @param reported  bytes that there were from `tcp` on, captured or not
 *  @return false if it is none */
static bool take(const packet_info *pinfo, ip_header *ip, const uint8_t *tcp, int captured, int reported,
                 input_segment *s)
{
    *s = (input_segment){0};
    headers_get_ports(tcp, &s->from_port, &s->to_port);
    const struct tcp_analysis *stream;
    if (!name_ends(pinfo, ip, s, &stream))
        return false;
    if (addresses_equal(&ip->from, &s->from) && addresses_equal(&ip->to, &s->to))
        take_ip(ip, &s->segment);
    copy_address_shallow(&ip->from, &s->from);
    copy_address_shallow(&ip->to, &s->to);
    const int data = data_length(headers_read(tcp, captured, ip, &s->segment), ip->length, reported);
    if (data < 0)
        return false;
    s->segment.length = (uint32_t)data;
    if (stream)
        scale_window(s, stream, headers_have_scale(tcp, captured));
    finish(s, pinfo);
    return true;
}

/* The segments behind whole IP headers. */
static unsigned read_datagrams(const packet_info *pinfo, tvbuff_t *tvb, unsigned most,
                               input_segment segments[])
{
    const bytes b = bytes_of(tvb);
    unsigned count = 0;
    ip_header ip;

    for (int at = 0; count < most && headers_find(&b, &at, &ip); at++) {
        const int next = ip.next;
        if (!ip.is_fragment && take(pinfo, &ip, b.at + next, b.length - next,
                                    tvb_reported_length_remaining(tvb, next), &segments[count])) {
            count++;
            at = next;
        }
    }
    return count;
}

/* The segment that a reassembled datagram begins with, whose last fragment is in the frame. */
static bool read_reassembled(const packet_info *pinfo, const bytes *frame, tvbuff_t *datagram,
                             input_segment *s)
{
    const bytes b = bytes_of(datagram);
    ip_header ip;

    for (int at = 0; b.length >= TCP_HEADER_MIN && headers_find(frame, &at, &ip); at++) {
        ip.length = (int)tvb_reported_length(datagram);
        if (ip.is_fragment && take(pinfo, &ip, b.at, b.length, ip.length, s)) {
            s->segment.has_checksum = false; /* as with the tap, for which it is looked for in the frame */
            return true;
        }
    }
    return false;
}

/* The first source of data is the frame itself, the others are what was reassembled, decrypted and so on. */
static unsigned read_bytes(const packet_info *pinfo, const bytes *frame, input_segment segments[INPUT_MAX])
{
    const unsigned most = count_headers(pinfo);
    unsigned count = 0;

    for (GSList *source = pinfo->data_src; source && count < most; source = source->next) {
        tvbuff_t *tvb = get_data_source_tvb(source->data);
        if (source != pinfo->data_src && read_reassembled(pinfo, frame, tvb, &segments[count]))
            count++;
        count += read_datagrams(pinfo, tvb, most - count, segments + count);
    }
    return count;
}

/* Which of several headers it is about, is not asked. */
static bool has_bad_checksum(proto_tree *tree)
{
    GPtrArray *infos = tree && validates_checksums ? proto_find_finfo(tree, hf_checksum_status) : NULL;
    bool bad = false;

    for (unsigned i = 0; infos && i < infos->len; i++) {
        field_info *info = infos->pdata[i];
        bad |= fvalue_get_uinteger(FIELD_VALUE(info)) == PROTO_CHECKSUM_E_BAD;
    }
    if (infos)
        g_ptr_array_free(infos, TRUE);
    return bad;
}

/* Whether a tap runs, which tells of each IP header. */
static bool is_tapped(void)
{
    return fetch_tapped_data(ip_tap, 0) || fetch_tapped_data(ipv6_tap, 0);
}

unsigned input_read(tvbuff_t *tvb, const packet_info *pinfo, proto_tree *tree, bool look_ahead,
                    input_segment segments[INPUT_MAX])
{
    const bool tapped = is_tapped();

    if (!tapped && !look_ahead)
        return 0;
    const bytes b = bytes_of(tvb);
    const unsigned count = read_bytes(pinfo, &b, segments);
    for (unsigned i = 0; !tapped && i < count; i++)
        segments[i].bad_checksum = has_bad_checksum(tree);
    return count;
}
