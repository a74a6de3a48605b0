/* verdict.c
 * The one thing to know of a connection, as short as a column: how it ended, in brackets why and by whom.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <string.h>

#include "pass.h"

static void append(char *text, const char *words)
{
    size_t end = strlen(text);

    while (*words && end < TL_VERDICT_SIZE - 1)
        text[end++] = *words++;
    text[end] = '\0';
}

/* Who or why, in brackets; nothing of what is not known. */
static void append_reason(char *text, const char *first, const char *second)
{
    if (!first && !second)
        return;
    append(text, " (");
    append(text, first ? first : second);
    if (first && second) {
        append(text, ", ");
        append(text, second);
    }
    append(text, ")");
}

/* An abort that has no other cause is called so already. */
static const char *cause_beside(tl_cause cause)
{
    return cause == TL_CAUSE_ABORT ? NULL : tl_cause_name(cause);
}

void facts_tell_close_verdict(tl_facts *f, tl_closing close, tl_cause cause, const char *silent)
{
    if (close == TL_CLOSE_NONE)
        return;
    append(f->verdict, tl_closing_name(close));
    switch (close) {
    case TL_CLOSE_RST_AFTER_FIN:
    case TL_CLOSE_ABORT:
        append_reason(f->verdict, cause_beside(cause), f->reset_sender);
        return;
    case TL_CLOSE_FOUR_WAY:
    case TL_CLOSE_THREE_WAY:
    case TL_CLOSE_SIMULTANEOUS:
    case TL_CLOSE_HALF_CLOSED:
        append_reason(f->verdict, f->closed_by, NULL);
        return;
    case TL_CLOSE_FIN_UNACKNOWLEDGED:
    case TL_CLOSE_SILENT:
        append_reason(f->verdict, silent, NULL);
        return;
    case TL_CLOSE_REPLACED:
    case TL_CLOSE_STILL_OPEN:
    case TL_CLOSE_NONE:
    case TL_CLOSE_COUNT:
        return;
    }
}

void facts_tell_open_verdict(tl_facts *f, tl_opening open)
{
    append(f->verdict, "open: ");
    append(f->verdict, tl_opening_name(open));
}
