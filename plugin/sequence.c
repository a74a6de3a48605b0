/* sequence.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sequence.h"

static uint32_t size_of(seq_range r)
{
    return r.to - r.from;
}

uint32_t seq_holes_open(seq_holes *h, seq_range hole)
{
    uint32_t forgotten = 0;

    if (size_of(hole) == 0)
        return 0;
    if (h->count == SEQ_HOLES_MAX) {
        forgotten = size_of(h->hole[0]);
        h->count--;
        for (unsigned i = 0; i < h->count; i++)
            h->hole[i] = h->hole[i + 1];
    }
    h->hole[h->count++] = hole;
    return forgotten;
}

uint32_t seq_holes_fill(seq_holes *h, seq_range passed, uint32_t *forgotten)
{
    const seq_holes old = *h;
    uint32_t filled = 0;

    *forgotten = 0;
    h->count = 0;
    for (unsigned i = 0; i < old.count; i++) {
        const seq_range hole = old.hole[i];
        const seq_range part = {seq_max(hole.from, passed.from), seq_min(hole.to, passed.to)};
        if (seq_before(part.from, part.to)) {
            filled += size_of(part);
            seq_holes_open(h, (seq_range){hole.from, part.from}); /* there is room: none has become two yet */
            *forgotten += seq_holes_open(h, (seq_range){part.to, hole.to});
        } else {
            *forgotten += seq_holes_open(h, hole);
        }
    }
    return filled;
}

uint32_t seq_holes_below(const seq_holes *h, uint32_t end)
{
    uint32_t below = 0;

    for (unsigned i = 0; i < h->count && seq_before(h->hole[i].from, end); i++)
        below += seq_min(h->hole[i].to, end) - h->hole[i].from;
    return below;
}
