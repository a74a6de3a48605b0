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

/** Private: the item in its chunk. */
static inline void *chunks_item(const chunks *c, uint32_t index)
{
    const uint32_t place = index & ((UINT32_C(1) << c->bits) - 1);

    return (char *)c->chunk[index >> c->bits] + place * c->item_size;
}

/** The item, or NULL if its chunk was never made. Here, since each packet asks several times. */
static inline void *chunks_get(const chunks *c, uint32_t index)
{
    const uint32_t which = index >> c->bits;

    return which < c->chunk_count && c->chunk[which] ? chunks_item(c, index) : NULL;
}

/** Room for several bytes in one piece, in an array of bytes that fills up in order.
 *  @param[in,out] end  the first free byte
 *  @param length       at most as long as a chunk
 *  @return their place; UINT32_MAX if no number is left for one (4 GiB) */
uint32_t chunks_reserve(chunks *c, uint32_t *end, size_t length);

/** Private: the first item of a chunk. */
void *chunks_begin(chunks *c, uint32_t index);

/** The item; its chunk is made, all zero, if it is the first one in it. */
static inline void *chunks_make(chunks *c, uint32_t index)
{
    void *item = chunks_get(c, index);

    return item ? item : chunks_begin(c, index);
}

/** Give the memory of all items back, before the capture is closed. */
void chunks_free(chunks *c);

#endif
