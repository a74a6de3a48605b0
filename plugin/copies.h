/* copies.h
 * Packets that a capture holds twice: where it was taken on several interfaces, or from a mirror of
 * several ports. What has passed in the last 10 ms is kept, of all connections together.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_COPIES_H
#define TCPLIFE_COPIES_H

#include "lifecycle.h"

/** What has passed lately. */
typedef struct tl_copies tl_copies;

/** What copies have in common, to find them by. */
uint32_t tl_copies_hash(const tl_segment *segment);

/** Look a segment up: work is constant.
 *  @param copies  NULL: nothing has passed yet
 *  @param hash    the segment's
 *  @param newest  the newest connection of its 4-tuple
 *  @param[out] original  the number of the frame that it is a copy of
 *  @return the connection of that frame; NULL: the segment is no copy */
tl_connection *tl_copies_find(const tl_copies *copies, uint32_t hash, tl_connection *newest,
                              const tl_segment *segment, uint32_t *original);

/** A segment that is no copy has passed, and belongs to a connection.
 *  @param[in,out] copies  made at the first segment, about 1 MB
 *  @param newest  the newest connection of its 4-tuple now */
void tl_copies_note(tl_copies **copies, uint32_t hash, const tl_world *world, tl_connection *newest,
                    const tl_connection *of, const tl_segment *segment);

#endif
