/* headers.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "headers.h"

#include <string.h>

#include <glib.h>

#include <epan/ipproto.h>

#include "sequence.h"

static unsigned get16(const uint8_t *from)
{
    return (unsigned)from[0] << 8 | from[1];
}

static uint32_t get32(const uint8_t *from)
{
    return (uint32_t)get16(from) << 16 | get16(from + 2);
}

/* ---- IP ---- */

enum {
    IPV4_HEADER = 20,
    IPV4_FROM = 12, /* where in it the sender's address is */
    IPV4_ADDRESS = 4,
    IPV6_HEADER = 40,
    IPV6_FROM = 8,
    IPV6_ADDRESS = 16,
};

/* Go behind the extension headers, from the first one's kind.
 * @return the kind of what follows them */
static uint8_t skip_extensions(const bytes *b, uint8_t kind, ip_header *ip)
{
    const int begin = ip->next;

    while (ip->next + 8 <= b->length) {
        const uint8_t *extension = b->at + ip->next;

        switch (kind) {
        case IP_PROTO_HOPOPTS:
        case IP_PROTO_ROUTING:
        case IP_PROTO_DSTOPTS:
            ip->next += (extension[1] + 1) * 8;
            break;
        case IP_PROTO_AH:
            ip->next += (extension[1] + 2) * 4;
            break;
        case IP_PROTO_FRAGMENT:
            ip->is_fragment = get16(extension + 2) & 0xfff9;
            ip->next += 8;
            break;
        default:
            if (ip->length >= 0)
                ip->length -= ip->next - begin;
            return kind;
        }
        kind = extension[0];
    }
    return IP_PROTO_NONE;
}

static uint8_t read_ipv4(const bytes *b, int at, ip_header *ip)
{
    const uint8_t *header = b->at + at;
    const int length = (header[0] & 0x0f) * 4, total = (int)get16(header + 2);

    set_address(&ip->from, AT_IPv4, IPV4_ADDRESS, header + IPV4_FROM);
    set_address(&ip->to, AT_IPv4, IPV4_ADDRESS, header + IPV4_FROM + IPV4_ADDRESS);
    ip->next = at + length;
    ip->length = total ? total - length : -1;
    ip->id = (uint16_t)get16(header + 4);
    ip->ttl = header[8];
    ip->is_fragment = get16(header + 6) & 0x3fff;
    return length < IPV4_HEADER ? IP_PROTO_NONE : header[9];
}

static uint8_t read_ipv6(const bytes *b, int at, ip_header *ip)
{
    const uint8_t *header = b->at + at;
    const int payload = (int)get16(header + 4);

    set_address(&ip->from, AT_IPv6, IPV6_ADDRESS, header + IPV6_FROM);
    set_address(&ip->to, AT_IPv6, IPV6_ADDRESS, header + IPV6_FROM + IPV6_ADDRESS);
    ip->next = at + IPV6_HEADER;
    ip->length = payload ? payload : -1;
    ip->id = 0;
    ip->ttl = header[7];
    ip->is_fragment = false;
    return header[6];
}

/* Whether there is room for an IP header here, and it may be one: nearly all places of a frame are none. */
static bool may_be_ip(const bytes *b, int at)
{
    const uint8_t *header = b->at + at;

    if (header[0] >> 4 == 4)
        return at + IPV4_HEADER <= b->length && (header[9] == IP_PROTO_TCP || header[9] == IP_PROTO_AH);
    return header[0] >> 4 == 6 && at + IPV6_HEADER <= b->length;
}

static bool carries_tcp(const bytes *b, int at, ip_header *ip)
{
    uint8_t kind = b->at[at] >> 4 == 4 ? read_ipv4(b, at, ip) : read_ipv6(b, at, ip);

    if (kind != IP_PROTO_TCP)
        kind = skip_extensions(b, kind, ip);
    return kind == IP_PROTO_TCP && (ip->is_fragment || ip->next + TCP_HEADER_MIN <= b->length);
}

bool headers_find(const bytes *b, int *at, ip_header *ip)
{
    for (; *at + IPV4_HEADER <= b->length; ++*at) {
        if (may_be_ip(b, *at) && carries_tcp(b, *at, ip))
            return true;
    }
    return false;
}

bool headers_read_around(const bytes *b, const address *from, ip_header *ip)
{
    const uintptr_t place = (uintptr_t)from->data - (from->type == AT_IPv4 ? IPV4_FROM : IPV6_FROM);
    const uintptr_t at = place - (uintptr_t)b->at; /* huge, if it is before or in other memory */

    return at + IPV4_HEADER <= (uintptr_t)b->length && may_be_ip(b, (int)at) && carries_tcp(b, (int)at, ip);
}

/* ---- TCP ---- */

void headers_get_ports(const uint8_t *tcp, uint16_t *from, uint16_t *to)
{
    *from = (uint16_t)get16(tcp);
    *to = (uint16_t)get16(tcp + 2);
}

uint32_t headers_get_seq(const uint8_t *tcp)
{
    return get32(tcp + 4);
}

uint16_t headers_get_window(const uint8_t *tcp)
{
    return (uint16_t)get16(tcp + 14);
}

/* A sum of 16-bit words may be taken in 32-bit words in whatever order their bytes have, if what is
 * carried comes back in and the order is put right in the end (RFC 1071, 2). */
static uint64_t sum_address(const address *a)
{
    const uint8_t *at = a->data;
    uint64_t sum = 0;
    uint32_t word;

    for (int i = 0; i < a->len; i += (int)sizeof word) {
        memcpy(&word, at + i, sizeof word);
        sum += word;
        if (a->len == sizeof word) /* IPv4, which is most of them */
            break;
    }
    return sum;
}

/* Where the interface computes the checksum, its place holds the sum of the pseudo-header until then
 * (RFC 9293, 3.1). What is carried comes back in where a sum is taken modulo 0xffff, and then 0 is one. */
static bool is_pseudo_sum(const ip_header *ip, unsigned checksum)
{
    const uint64_t sum = sum_address(&ip->from) + sum_address(&ip->to) + GUINT32_TO_BE((uint32_t)ip->length) +
                         GUINT32_TO_BE(IP_PROTO_TCP);

    return checksum && (sum + 0xffff - GUINT16_TO_BE(checksum)) % 0xffff == 0;
}

void headers_read_checksum(const uint8_t *tcp, int length, const ip_header *ip, tl_segment *s)
{
    enum { CHECKSUM_AT = 16 };

    if (length < CHECKSUM_AT + 2)
        return;
    s->checksum = (uint16_t)get16(tcp + CHECKSUM_AT);
    s->has_checksum = true;
    s->is_offloaded = is_pseudo_sum(ip, s->checksum);
}

enum { FIXED = 20 /* bytes of a TCP header before its options */ };

static int header_length(const uint8_t *tcp)
{
    return (tcp[12] >> 4) * 4;
}

/* An option that is there as a whole, as are all before it; or NULL. */
static const uint8_t *find_option(const uint8_t *tcp, int length, uint8_t kind)
{
    enum { END = 0, NOTHING = 1 };
    const uint8_t *end = tcp + (header_length(tcp) < length ? header_length(tcp) : length);

    for (const uint8_t *option = tcp + FIXED; option < end && *option != END;) {
        const int size = *option == NOTHING ? 1 : option + 1 < end ? option[1] : 0;
        if (size < 1 || size > end - option)
            return NULL;
        if (*option == kind)
            return option;
        option += size;
    }
    return NULL;
}

/* The right edge of the highest SACK block (RFC 2018). */
static void read_sack(const uint8_t *tcp, int length, tl_segment *s)
{
    enum { SACK = 5, BLOCK = 8 };
    const uint8_t *option = header_length(tcp) <= length ? find_option(tcp, length, SACK) : NULL;

    for (int at = 2; option && at + BLOCK <= option[1]; at += BLOCK) {
        const uint32_t right = get32(option + at + 4);
        s->sack = s->has_sack ? seq_max(s->sack, right) : right;
        s->has_sack = true;
    }
}

bool headers_have_scale(const uint8_t *tcp, int length)
{
    enum { SCALE = 3 };

    return find_option(tcp, length, SCALE) != NULL;
}

int headers_read(const uint8_t *tcp, int length, const ip_header *ip, tl_segment *s)
{
    enum { FLAGS = 0x0fff };

    s->seq = headers_get_seq(tcp);
    s->ack = get32(tcp + 8);
    s->flags = (uint16_t)(get16(tcp + 12) & FLAGS);
    s->window = headers_get_window(tcp);
    read_sack(tcp, length, s);
    headers_read_checksum(tcp, length, ip, s);
    return header_length(tcp);
}
