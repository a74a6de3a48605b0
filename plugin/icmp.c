/* icmp.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "icmp.h"

#include <epan/dissectors/packet-ip.h>
#include <epan/tap.h>

#include "compat.h"
#include "input.h"

enum {
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_ICMPV6 = 58,
    ERROR_HEADER = 8, /* bytes before the quoted IP header */
    TCP_QUOTED = 8,   /* bytes of the TCP header that are always quoted: ports and number */
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    HEADERS_MAX = 16, /* IP headers of one frame that are looked at */
    /* of a frame with both: itself, IP, TCP, and IP, ICMP, IP and TCP of the error */
    LAYERS_OF_BOTH = 7,
};

static int ip_tap, ipv6_tap;

void icmp_listen(void)
{
    ip_tap = find_tap_id("ip");
    ipv6_tap = find_tap_id("ipv6");
}

/* Errors that end a connection attempt (RFC 5461, 4.1, and what stacks do): the
 * destination cannot be reached, time exceeded, parameter problem. Not those
 * that only ask for smaller packets. */
static bool rejects(bool v6, unsigned type, unsigned code)
{
    if (v6)
        return type == 1 || type == 3 || type == 4;
    return (type == 3 && code != 4) || type == 11 || type == 12;
}

static bool read_tcp(tvbuff_t *tvb, int at, icmp_error *error)
{
    if (tvb_captured_length_remaining(tvb, at) < TCP_QUOTED)
        return false;
    error->from_port = tvb_get_ntohs(tvb, at);
    error->to_port = tvb_get_ntohs(tvb, at + 2);
    error->rejection.seq = tvb_get_ntohl(tvb, at + 4);
    return true;
}

static bool read_quoted_ipv4(tvbuff_t *tvb, int at, icmp_error *error)
{
    if (tvb_captured_length_remaining(tvb, at) < IPV4_HEADER || tvb_get_uint8(tvb, at) >> 4 != 4 ||
        tvb_get_uint8(tvb, at + 9) != PROTOCOL_TCP || tvb_get_ntohs(tvb, at + 6) & 0x1fff)
        return false;
    set_address(&error->from, AT_IPv4, 4, tvb_get_ptr(tvb, at + 12, 4));
    set_address(&error->to, AT_IPv4, 4, tvb_get_ptr(tvb, at + 16, 4));
    return read_tcp(tvb, at + (tvb_get_uint8(tvb, at) & 0x0f) * 4, error);
}

static bool read_quoted_ipv6(tvbuff_t *tvb, int at, icmp_error *error)
{
    if (tvb_captured_length_remaining(tvb, at) < IPV6_HEADER || tvb_get_uint8(tvb, at) >> 4 != 6 ||
        tvb_get_uint8(tvb, at + 6) != PROTOCOL_TCP)
        return false;
    set_address(&error->from, AT_IPv6, 16, tvb_get_ptr(tvb, at + 8, 16));
    set_address(&error->to, AT_IPv6, 16, tvb_get_ptr(tvb, at + 24, 16));
    return read_tcp(tvb, at + IPV6_HEADER, error);
}

/* The error message that begins at `at`. */
static bool read_error(tvbuff_t *tvb, int at, bool v6, icmp_error *error)
{
    if (tvb_captured_length_remaining(tvb, at) < ERROR_HEADER)
        return false;
    const unsigned type = tvb_get_uint8(tvb, at), code = tvb_get_uint8(tvb, at + 1);
    error->rejection.error = (uint16_t)(type << 8 | code);
    return rejects(v6, type, code) && (v6 ? read_quoted_ipv6(tvb, at + ERROR_HEADER, error)
                                          : read_quoted_ipv4(tvb, at + ERROR_HEADER, error));
}

static bool is_icmp_header(tvbuff_t *tvb, int at, bool v6)
{
    return tvb_get_uint8(tvb, at) >> 4 == (v6 ? 6 : 4) &&
           tvb_get_uint8(tvb, at + (v6 ? 6 : 9)) == (v6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
}

/* Where in the frame the IP header of an ICMP message is, of which a tap tells all
 * but that: the header is looked for. Negative: it is not in the frame. */
static int find_header(tvbuff_t *tvb, bool v6, const address *from, const address *to)
{
    const int length = v6 ? IPV6_HEADER : IPV4_HEADER, from_at = v6 ? 8 : 12;
    const int captured = (int)tvb_captured_length(tvb);

    for (int at = 0; at + length <= captured; at++) {
        if (is_icmp_header(tvb, at, v6) &&
            tvb_memeql(tvb, at + from_at, from->data, (size_t)from->len) == 0 &&
            tvb_memeql(tvb, at + from_at + from->len, to->data, (size_t)to->len) == 0)
            return at;
    }
    return -1;
}

/* @param[out] tapped  a tap runs, which tells of each IP header */
static bool read_tapped(tvbuff_t *tvb, icmp_error *error, bool *tapped)
{
    const ws_ip4 *ip4;
    *tapped = false;
    for (int i = 0; i < HEADERS_MAX && (ip4 = fetch_tapped_data(ip_tap, i)); i++) {
        *tapped = true;
        const int at =
            ip4->ip_proto == PROTOCOL_ICMP ? find_header(tvb, false, &ip4->ip_src, &ip4->ip_dst) : -1;
        if (at >= 0 && read_error(tvb, at + (tvb_get_uint8(tvb, at) & 0x0f) * 4, false, error))
            return true;
    }
    const ws_ip6 *ip6;
    for (int i = 0; i < HEADERS_MAX && (ip6 = fetch_tapped_data(ipv6_tap, i)); i++) {
        *tapped = true;
        const int at =
            ip6->ip6_nxt == PROTOCOL_ICMPV6 ? find_header(tvb, true, &ip6->ip6_src, &ip6->ip6_dst) : -1;
        if (at >= 0 && read_error(tvb, at + IPV6_HEADER, true, error))
            return true;
    }
    return false;
}

/* The first error that there is in the frame: without a tap nothing tells where ICMP is. */
static bool read_bytes(tvbuff_t *tvb, icmp_error *error)
{
    const int captured = (int)tvb_captured_length(tvb);

    for (int at = 0; at + IPV4_HEADER <= captured; at++) {
        if (is_icmp_header(tvb, at, false) &&
            read_error(tvb, at + (tvb_get_uint8(tvb, at) & 0x0f) * 4, false, error))
            return true;
        if (is_icmp_header(tvb, at, true) && read_error(tvb, at + IPV6_HEADER, true, error))
            return true;
    }
    return false;
}

bool icmp_read(tvbuff_t *tvb, const packet_info *pinfo, bool has_segment, bool look_ahead, icmp_error *error)
{
    bool tapped;

    /* To ask the taps takes ten times this. */
    if (has_segment && wmem_list_count(pinfo->layers) < LAYERS_OF_BOTH)
        return false;
    if (!read_tapped(tvb, error, &tapped) &&
        (tapped || !look_ahead || !input_has_icmp(pinfo) || !read_bytes(tvb, error)))
        return false;
    error->rejection.time = input_time(pinfo);
    error->rejection.frame = pinfo->num;
    return true;
}
