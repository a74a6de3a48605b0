/* headers.h
 * IP and TCP headers in the bytes of a frame: for what Wireshark's dissectors do
 * not hand out, and for the passes in which they hand out nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_HEADERS_H
#define TCPLIFE_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include <epan/address.h>

#include "lifecycle.h"

enum { TCP_HEADER_MIN = 16 /**< bytes of a TCP header that have to be there: all up to its checksum */ };

/** Bytes of a frame, as far as they were captured. */
typedef struct {
    const uint8_t *at;
    int length;
} bytes;

/** What looks like an IP header with its extensions, if it has any. */
typedef struct {
    address from, to; /**< they point into the bytes */
    int next;         /**< where in the bytes what it carries begins */
    int length;       /**< of what it carries; negative: it does not tell */
    uint16_t id;      /**< 0: there is none */
    uint8_t ttl;
    bool is_fragment;
} ip_header;

/** Find the next IP header that carries TCP, if it may have TCP_HEADER_MIN bytes of it or is a fragment.
 *  @param[in,out] at  where to begin; where it is */
bool headers_find(const bytes *b, int *at, ip_header *ip);

/** Read the IP header that carries TCP and has its sender's address at the very place where this one is.
 *  @return false if it is in no such header of the frame */
bool headers_read_around(const bytes *b, const address *from, ip_header *ip);

/** The ports of a TCP header, the sender's first. */
void headers_get_ports(const uint8_t *tcp, uint16_t *from, uint16_t *to);

uint32_t headers_get_seq(const uint8_t *tcp);

/** Not scaled. */
uint16_t headers_get_window(const uint8_t *tcp);

/** Take all that a TCP header tells, from `seq` to `checksum`; `window` is not yet scaled.
 *  @param ip      what it is carried by; addresses as the sender's TCP sees them
 *  @param length  of the bytes, TCP_HEADER_MIN or more
 *  @return length of the header, as it says */
int headers_read(const uint8_t *tcp, int length, const ip_header *ip, tl_segment *s);

/** Whether it offers to scale windows, as only a SYN may (RFC 7323, 2.2). */
bool headers_have_scale(const uint8_t *tcp, int length);

/** Take what the dissector does not hand out: the checksum, of a header of TCP_HEADER_MIN bytes or more. */
void headers_read_checksum(const uint8_t *tcp, int length, const ip_header *ip, tl_segment *s);

#endif
