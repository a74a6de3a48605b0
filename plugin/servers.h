/* servers.h
 * The handshakes under way towards each server address and port: how many there
 * are at a moment, and when there are so many that it may be a SYN flood.
 *
 * A handshake waits in its server's queue from its SYN until it is completed,
 * refused or too old. A queue is in the order of the SYNs, so the old ones leave
 * at its head, and nothing is ever searched. Handshakes that are over and servers
 * without any are forgotten: only those under way take room.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_SERVERS_H
#define TCPLIFE_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include <epan/address.h>

/** What the user may set. */
typedef struct {
    int64_t timeout;    /**< ns; a handshake older than this is not under way any more */
    uint32_t threshold; /**< handshakes that make a possible flood; 0: none do */
} servers_settings;

/** Begin with no servers. They live in Wireshark's file scope: to be called
 *  again for each capture, after the last one's scope was freed. */
void servers_open(void);

/** Forget all servers before the capture is closed. To be opened again. */
void servers_close(void);

/** Let the handshake of a stream wait, unless it does already.
 *  @param[in,out] waits  where it waits; kept by the stream, 0 at first
 *  @param host           the server's; copied
 *  @param now            ns */
void servers_enter(uint32_t stream, uint32_t *waits, const address *host, uint16_t port, int64_t now);

/** It waits no longer, if it did. */
void servers_leave(uint32_t stream, uint32_t *waits);

/** How many handshakes are under way at `now` (ns) towards the server of a stream.
 *  @param waits       where its handshake waits, if it does: the server need not be looked for then
 *  @param[out] flood  they have just reached the threshold, or the next doubling of it */
uint32_t servers_count(uint32_t stream, uint32_t waits, const address *host, uint16_t port, int64_t now,
                       const servers_settings *settings, bool *flood);

#endif
