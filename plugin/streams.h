/* streams.h
 * The table of the capture's connections, and whose they are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STREAMS_H
#define TCPLIFE_STREAMS_H

#include <stdint.h>

#include <epan/address.h>

#include "connections.h"
#include "icmp.h"
#include "input.h"
#include "servers.h"
#include "zeek.h"

/** A connection and whose it is. It stays where it is until the capture is closed. */
typedef struct stream {
    tl_connection connection;
    zeek_connection zeek;
    uint16_t port[2];       /**< by side, as in a tl_segment: side 0 sent the 4-tuple's first frame */
    uint8_t address_type;   /**< AT_IPv4 and so on */
    uint8_t address_length; /**< bytes of each address */
    bool counted;           /**< private: it is one of the connections that are open */
    bool untimed;           /**< one of its frames has no time stamp, so that no time is known */
    uint32_t stream;        /**< tcp.stream of its first frame */
    uint32_t link;          /**< private */
    uint32_t addresses;     /**< private */
    uint32_t waits;         /**< private: its handshake, if it is under way */
} stream;

/** Begin with no connections. They live in Wireshark's file scope: to be called
 *  again for each capture, after the last one's scope was freed.
 *  @param goes_on  with the capture before: connections are numbered on */
void streams_open(bool goes_on);

/** Forget all connections of the capture, to begin it anew. */
void streams_begin_anew(void);

/** A connection that streams_follow() has seen, by its number, or NULL. */
const stream *streams_get(uint32_t number);

/** The numbers of this session's connections: the first, and the one after the last. */
uint32_t streams_begin(void);
uint32_t streams_end(void);

/** What the user may set. */
typedef struct {
    tl_settings connection;
    servers_settings servers;
    /** Whether a port is a likely server's, to Zeek. */
    bool (*is_likely_server)(uint16_t port);
} streams_settings;

/** Follow a segment.
 *  @param[in,out] input  which end it is from is set
 *  @param[out] report  what the segment decides
 *  @return the connection that it belongs to; NULL if its addresses are none */
const stream *streams_follow(input_segment *input, const streams_settings *settings, tl_report *report);

/** Tell the connection of a quoted segment of an ICMP error.
 *  @param[out] report  what the error decides
 *  @return the connection; NULL if it decides nothing */
const stream *streams_reject(const icmp_error *error, tl_report *report);

/** The address of one end. It points into the stream. */
address streams_address(const stream *s, unsigned side);

#endif
