/* icmp.h
 * The ICMP and ICMPv6 errors that make the sender of a SYN give up, and the
 * quoted header that tells which SYN.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_ICMP_H
#define TCPLIFE_ICMP_H

#include <stdbool.h>

#include <epan/packet.h>

#include "lifecycle.h"

/** An error, and the TCP header that it quotes. */
typedef struct {
    address from, to; /**< of the quoted IP header; valid while the frame is dissected */
    uint16_t from_port, to_port;
    tl_rejection rejection; /**< all but `side` */
} icmp_error;

/** Look the protocols up. To be called once, at handoff. */
void icmp_listen(void);

/** Whether the frame is such an error.
 *  @param tvb  the frame
 *  @param has_segment  whether it has a TCP segment too, as only tunnels have
 *  @param look_ahead  whether the bytes are to be read where no tap runs
 *  @param[out] error  set if so */
bool icmp_read(tvbuff_t *tvb, const packet_info *pinfo, bool has_segment, bool look_ahead, icmp_error *error);

#endif
