/* sequence.h
 * TCP sequence space: numbers modulo 2^32 (RFC 9293, 3.4), and what has passed of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_SEQUENCE_H
#define TCPLIFE_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/** Signed distance from @p a to @p b; meaningful while they are less than 2^31 apart. */
static inline int32_t seq_distance(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

/** a < b, modulo 2^32. */
static inline bool seq_before(uint32_t a, uint32_t b)
{
    return seq_distance(a, b) > 0;
}

/** a <= b, modulo 2^32. */
static inline bool seq_upto(uint32_t a, uint32_t b)
{
    return seq_distance(a, b) >= 0;
}

/** low <= n <= high, modulo 2^32. */
static inline bool seq_within(uint32_t n, uint32_t low, uint32_t high)
{
    return n - low <= high - low;
}

/** The later of two numbers. */
static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_before(a, b) ? b : a;
}

/** The earlier of two numbers. */
static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
    return seq_before(a, b) ? a : b;
}

/** The numbers from `from` on, up to the one before `to`; less than 2^31 of them. */
typedef struct {
    uint32_t from, to;
} seq_range;

enum { SEQ_HOLES_MAX = 4 };

/** What has not passed of a stream of numbers, below the highest that has: in their order, none empty. It
 *  begins as zero. */
typedef struct {
    seq_range hole[SEQ_HOLES_MAX];
    unsigned count;
} seq_holes;

/** A hole opens, behind all others.
 *  @return how many numbers had to be forgotten: those of the oldest hole, if there are too many */
uint32_t seq_holes_open(seq_holes *h, seq_range hole);

/** Numbers pass that may lie in holes.
 *  @param[out] forgotten  as seq_holes_open() returns, since a hole may become two
 *  @return how many did */
uint32_t seq_holes_fill(seq_holes *h, seq_range passed, uint32_t *forgotten);

/** How many numbers below @p end lie in holes. */
uint32_t seq_holes_below(const seq_holes *h, uint32_t end);

#endif
