/* connections.h
 * Which connection a segment belongs to, by addresses, ports and sequence numbers
 * alone: where a connection begins, which of two on one 4-tuple takes a segment,
 * and when one has taken the other's place.
 *
 * It is decided once, at the segment's first sight; nothing is ever moved from one
 * connection to another. No Wireshark, and no table of 4-tuples: the caller finds
 * the newest connection of the segment's 4-tuple, whose ends it numbers alike for
 * all its connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_CONNECTIONS_H
#define TCPLIFE_CONNECTIONS_H

#include "copies.h"
#include "lifecycle.h"

/** All connections of a capture. */
typedef struct {
    tl_world world;
    /** Room for the connection of this number, all zero, for as long as the capture. Numbers count up. */
    tl_connection *(*make)(uint32_t number);
    uint32_t count;    /**< connections begun so far: the next one's number */
    tl_copies *copies; /**< NULL: nothing has passed yet */
} tl_connections;

/** Follow a segment.
 *  @param[in,out] newest  the newest connection of its 4-tuple, NULL before the first; set to the one that
 *                         the segment begins, if it begins one
 *  @param[out] report     what the segment decides
 *  @return the connection that it belongs to: *newest, or the one older than that. Whether these two are
 *          open or opening may both have changed */
tl_connection *tl_connections_follow(tl_connections *all, tl_connection **newest, const tl_segment *segment,
                                     tl_report *report);

/** Tell the 4-tuple's connections of an ICMP error.
 *  @return the connection whose SYN it rejects; NULL if it decides nothing */
tl_connection *tl_connections_reject(const tl_connections *all, tl_connection *newest,
                                     const tl_rejection *rejection, tl_report *report);

#endif
