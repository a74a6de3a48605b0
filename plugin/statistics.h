/* statistics.h
 * The tap "tcplife", and what listens to it: `-z tcplife,...`, the windows of
 * the menu Statistics, and the flow graph.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STATISTICS_H
#define TCPLIFE_STATISTICS_H

#include <stdbool.h>

#include <epan/packet.h>

#include "shown.h"

/** Register the tap and its listeners. To be called once.
 *  @param proto       the protocol "tcplife"
 *  @param of_capture  what is known of the capture at any moment; static storage */
void statistics_register(int proto, const tl_view *of_capture);

/** Whether anybody listens to the tap. */
bool statistics_listen(void);

/** Tell the listeners of the frame's TCP header number `nth`, from 0. */
void statistics_tap(packet_info *pinfo, const stream *s, unsigned nth);

#endif
