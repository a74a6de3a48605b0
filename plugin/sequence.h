/* sequence.h
 * TCP sequence space: numbers modulo 2^32 (RFC 9293, 3.4).
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

#endif
