/* chunks.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chunks.h"

#include <string.h>

#include <epan/wmem_scopes.h>

/* Only this table of pointers doubles: 8 bytes for a whole chunk of items. */
static void grow(chunks *c, uint32_t which)
{
    uint32_t count = c->chunk_count ? c->chunk_count : 16;
    while (count <= which)
        count *= 2;
    c->chunk = wmem_realloc(wmem_file_scope(), c->chunk, count * sizeof *c->chunk);
    memset(c->chunk + c->chunk_count, 0, (count - c->chunk_count) * sizeof *c->chunk);
    c->chunk_count = count;
}

void *chunks_begin(chunks *c, uint32_t index)
{
    uint32_t which = index >> c->bits;
    if (which >= c->chunk_count)
        grow(c, which);
    c->chunk[which] = wmem_alloc0(wmem_file_scope(), c->item_size << c->bits);
    return chunks_item(c, index);
}

uint32_t chunks_reserve(chunks *c, uint32_t *end, size_t length)
{
    uint64_t place = *end;

    if (place >> c->bits != (place + length - 1) >> c->bits)
        place = ((place >> c->bits) + 1) << c->bits;
    if (place + length >= UINT32_MAX)
        return UINT32_MAX;
    *end = (uint32_t)(place + length);
    chunks_make(c, (uint32_t)place);
    return (uint32_t)place;
}

void chunks_free(chunks *c)
{
    for (uint32_t i = 0; i < c->chunk_count; i++)
        wmem_free(wmem_file_scope(), c->chunk[i]);
    wmem_free(wmem_file_scope(), c->chunk);
    c->chunk = NULL;
    c->chunk_count = 0;
}
