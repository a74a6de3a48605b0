/* text.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "text.h"

#include <stddef.h>
#include <stdlib.h>

/* Two digits at a time, which is half the work: a row has some 300. */
void text_append_number(GString *to, uint64_t number, unsigned at_least)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char digits[20], *const end = digits + sizeof digits, *first = end;

    for (; number >= 10; number /= 100)
        memcpy(first -= 2, pairs + 2 * (number % 100), 2);
    if (number)
        *--first = (char)('0' + number);
    while (end - first < (ptrdiff_t)at_least)
        *--first = '0';
    text_append_len(to, first, (gsize)(end - first));
}

void text_append_thousandths(GString *to, int64_t number)
{
    if (number < 0)
        g_string_append_c(to, '-');
    text_append_number(to, (uint64_t)llabs(number / 1000), 1);
    g_string_append_c(to, '.');
    text_append_number(to, (uint64_t)llabs(number % 1000), 3);
}
