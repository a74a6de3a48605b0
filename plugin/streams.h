/* streams.h
 * The table of the capture's TCP streams: each with its connection and whose
 * it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STREAMS_H
#define TCPLIFE_STREAMS_H

#include <stdint.h>

#include <epan/address.h>

#include "icmp.h"
#include "input.h"
#include "lifecycle.h"
#include "servers.h"
#include "zeek.h"

/** A stream. It stays where it is until the capture is closed. */
typedef struct stream {
    tl_connection connection;
    zeek_connection zeek;
    uint16_t port[2];       /**< by side, as in a tl_segment: side 0 sent the first frame */
    uint8_t address_type;   /**< AT_IPv4 and so on */
    uint8_t address_length; /**< bytes of each address */
    uint8_t kind : 2;       /**< private */
    bool counted : 1;       /**< private: it is one of the connections that are open */
    bool displaced : 1;     /**< private: a later stream uses its 4-tuple */
    uint32_t link;          /**< private */
    uint32_t addresses;     /**< private */
    uint32_t waits;         /**< private: its handshake, if it is under way */
} stream;

/** Begin with no streams. They live in Wireshark's file scope: to be called
 *  again for each capture, after the last one's scope was freed. */
void streams_open(void);

/** A stream that streams_follow() has seen, or NULL.
 *  @param number  tcp.stream */
const stream *streams_get(uint32_t number);

/** A number that is beyond those of all streams. */
uint32_t streams_end(void);

/** What the user may set. */
typedef struct {
    tl_settings connection;
    servers_settings servers;
    /** Whether a port is a likely server's, to Zeek. */
    bool (*is_likely_server)(uint16_t port);
} streams_settings;

/** Follow a segment's stream, which begins with it if it is the first one.
 *  @param[out] report  what the segment decides
 *  @return false if there is no room for a stream of this number */
bool streams_follow(const input_segment *input, const streams_settings *settings, tl_report *report);

/** Tell the stream of a quoted segment of an ICMP error.
 *  @param[out] number  the stream's
 *  @param[out] report  what the error decides
 *  @return false if it decides nothing */
bool streams_reject(const icmp_error *error, uint32_t *number, tl_report *report);

/** The address of one end. It points into the stream. */
address streams_address(const stream *s, unsigned side);

#endif
