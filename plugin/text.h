/* text.h
 * Appending to a GString. The rows of a capture are some thousand such calls for each
 * connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_TEXT_H
#define TCPLIFE_TEXT_H

#include <stdint.h>
#include <string.h>

#include <glib.h>

/** Append bytes. Before GLib 2.76 its own function takes three times as many instructions. */
static inline void text_append_len(GString *to, const char *text, gsize length)
{
    if (to->len + length >= to->allocated_len) {
        g_string_append_len(to, text, (gssize)length);
        return;
    }
    memcpy(to->str + to->len, text, length);
    to->len += length;
    to->str[to->len] = '\0';
}

static inline void text_append(GString *to, const char *text)
{
    text_append_len(to, text, strlen(text));
}

/** Append a number in decimal.
 *  @param at_least  digits that it has, 20 at most */
void text_append_number(GString *to, uint64_t number, unsigned at_least);

/** Append a number of thousandths with the point where it belongs. */
void text_append_thousandths(GString *to, int64_t number);

#endif
