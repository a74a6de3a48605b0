/* packet-tcplife.h
 * The post-dissector "TCP Lifecycle".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_PACKET_TCPLIFE_H
#define TCPLIFE_PACKET_TCPLIFE_H

/** Register the protocol with its fields, expert infos and preferences. */
void tcplife_register(void);

/** Connect it with the TCP dissector, which is registered by now. */
void tcplife_handoff(void);

#endif
