/* text.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "text.h"

#include <stdlib.h>

void text_append_number(GString *to, uint64_t number, unsigned at_least)
{
    char digits[20], *first = digits + sizeof digits;

    for (; number || at_least; number /= 10, at_least -= at_least > 0)
        *--first = (char)('0' + number % 10);
    text_append_len(to, first, (gsize)(digits + sizeof digits - first));
}

void text_append_thousandths(GString *to, int64_t number)
{
    if (number < 0)
        g_string_append_c(to, '-');
    text_append_number(to, (uint64_t)llabs(number / 1000), 1);
    g_string_append_c(to, '.');
    text_append_number(to, (uint64_t)llabs(number % 1000), 3);
}
