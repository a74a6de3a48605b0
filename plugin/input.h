/* input.h
 * What Wireshark's TCP dissector knows about the TCP headers of a frame. It is
 * had through its tap or, in the passes in which no tap runs, from the bytes of the
 * frame and what the dissector keeps of each stream; either way gives the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_INPUT_H
#define TCPLIFE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <epan/packet.h>

#include "lifecycle.h"

enum { INPUT_MAX = 16 /**< TCP headers of one frame that are looked at */ };

/** One TCP header that is a segment of its stream: neither quoted in an ICMP
 *  error nor in a fragment, and with a length that can be. */
typedef struct {
    uint32_t stream;  /**< tcp.stream */
    address from, to; /**< of the IP header before it; valid while the frame is dissected */
    uint16_t from_port, to_port;
    bool bad_checksum;  /**< Wireshark has validated the TCP checksum, and it is wrong */
    bool cut;           /**< some of the frame was not captured */
    bool untimed;       /**< the frame has no time stamp */
    bool broadcast;     /**< it is sent to everybody */
    tl_segment segment; /**< all but `side` and `is_own_peer` */
} input_segment;

/** Begin to listen to the TCP dissector. To be called once, at handoff. */
void input_listen(void);

/** To be called before each capture: what is listened to depends on the preferences
 *  of the TCP dissector. */
void input_open(void);

/** The fields (as hfids) to ask for in passes without a tap, which makes Wireshark build a tree: bytes do
 *  not tell what the dissector makes of a checksum. NULL, if nobody has checksums validated; else the
 *  caller owns the array. */
GArray *input_wanted_fields(void);

/** The frame's time in ns since the epoch; 0 if it has none. Absurd times are
 *  cut off so far from the limits that the difference of any two is a number. */
int64_t input_time(const packet_info *pinfo);

/** Whether Wireshark has met an ICMP or ICMPv6 message in the frame, which takes a walk through its layers. */
bool input_has_icmp(const packet_info *pinfo);

/** The segments of a frame that a tap tells of, in the order of their headers.
 *  @param tvb  the frame
 *  @return how many of @p segments are set */
unsigned input_tapped(tvbuff_t *tvb, packet_info *pinfo, input_segment segments[INPUT_MAX]);

/** The segments of a frame of which no tap told any: none runs, or the TCP dissector gave up before.
 *  @param tvb  the frame
 *  @param tree        has the wanted fields where no tap runs
 *  @param look_ahead  whether the bytes are to be read there
 *  @return how many of @p segments are set, in the order of their headers */
unsigned input_read(tvbuff_t *tvb, const packet_info *pinfo, proto_tree *tree, bool look_ahead,
                    input_segment segments[INPUT_MAX]);

#endif
