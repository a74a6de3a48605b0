/* chunks.h
 * An array that grows in chunks of a fixed size: nothing is moved when it
 * grows, so pointers to items stay valid, and little is held in reserve.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_CHUNKS_H
#define TCPLIFE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

/** The array; its memory is Wireshark's file scope, gone when the capture is
 *  closed. Set `item_size` (bytes) and `bits` (a chunk holds 1 << bits items),
 *  and the rest to 0, before use and again for the next capture. */
typedef struct {
    size_t item_size;
    unsigned bits;
    uint32_t chunk_count; /**< length of `chunk` */
    void **chunk;         /**< NULL: a chunk in which no item was ever made */
} chunks;

/** The item, or NULL if its chunk was never made. */
void *chunks_get(const chunks *c, uint32_t index);

/** The item; its chunk is made, all zero, if it is the first one in it. */
void *chunks_make(chunks *c, uint32_t index);

#endif
