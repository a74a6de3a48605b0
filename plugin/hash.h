/* hash.h
 * A hash of bytes: their 32-bit words, each times a random number of its own, added up (multiply-add-shift).
 * A capture is not to choose who shares a bucket, and cannot without knowing the numbers. It is a third of
 * the work of wmem_strong_hash().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_HASH_H
#define TCPLIFE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

/** Choose the random numbers, one for each word. */
static inline void hash_choose(uint64_t factor[], unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        factor[i] = (uint64_t)g_random_int() << 32 | g_random_int();
}

/** The sum for some bytes, of which the upper half is a hash. Sums may be added up.
 *  @param factor  one for each word that is begun */
static inline uint64_t hash_bytes(const uint8_t *bytes, size_t length, const uint64_t *factor)
{
    uint64_t sum = 0;
    uint32_t word;

    if (length == sizeof word) { /* IPv4, where a loop is most of the work */
        memcpy(&word, bytes, sizeof word);
        return *factor * word;
    }
    for (; length >= sizeof word; length -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum += *factor++ * word;
    }
    for (word = 0; length > 0; length--)
        word = word << 8 | *bytes++;
    return word ? sum + *factor * word : sum;
}

#endif
