/* record.h
 * What is kept of every frame at its first sight, so that each later one shows
 * the same, in whatever order frames are asked for: a few bytes for each frame
 * number, and more only for a frame that decides something.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_RECORD_H
#define TCPLIFE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lifecycle.h"

/** Begin with no records. They live in Wireshark's file scope: to be called
 *  again for each capture, after the last one's scope was freed. */
void record_open(void);

/** Forget all records of the capture, to begin it anew. */
void record_begin_anew(void);

/** The number after that of the last frame with a record; 0: there is none. */
uint32_t record_end(void);

/** Whether the frame has no record of events: who only listens for these need not look at it. */
bool record_is_quiet(uint32_t frame);

/** Forget the record of the latest frame, of whose number Wireshark has shown another packet. */
void record_drop(uint32_t frame);

/** Keep what one TCP header of a frame decides. Frames come in increasing order,
 *  and the headers of one frame in theirs.
 *  @param connection  the number of the connection that the header belongs to */
void record_add(uint32_t frame, uint32_t connection, const tl_report *report);

/** Which connection a header belongs to.
 *  @return false as record_get() does */
bool record_connection(uint32_t frame, unsigned nth, uint32_t *connection);

/** Get back what was kept.
 *  @param nth  which TCP header of the frame, from 0
 *  @param[out] report  as it was added; entries beyond the counts are not set
 *  @return false if the frame has no such header; nothing is set then */
bool record_get(uint32_t frame, unsigned nth, uint32_t *connection, tl_report *report);

#endif
