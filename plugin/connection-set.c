/* connection-set.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "connection-set.h"

#include <string.h>

bool connection_set_add(connection_set *set, const stream *s)
{
    const uint32_t number = s->connection.number - streams_begin();
    const guint byte = number / 8, length = set->len;
    const guint8 bit = (guint8)(1U << number % 8);

    if (byte >= length) {
        g_byte_array_set_size(set, byte + 1 + byte / 2);
        memset(set->data + length, 0, set->len - length);
    }
    if (set->data[byte] & bit)
        return false;
    set->data[byte] |= bit;
    return true;
}

bool connection_set_has(const connection_set *set, guint number)
{
    return number / 8 < set->len && set->data[number / 8] >> number % 8 & 1;
}
