/* row-filter.h
 * A display filter for the rows of the statistics. While a capture is read once, a
 * frame does not know yet what its connection will turn out to be; the row does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_ROW_FILTER_H
#define TCPLIFE_ROW_FILTER_H

#include <stdbool.h>

#include "facts-table.h"

typedef struct row_filter row_filter;

/** What a filter asks about. */
typedef enum {
    ASKS_FRAMES, /**< nothing that belongs to a whole connection */
    ASKS_ROWS,   /**< what belongs to a whole connection, and nothing that a row does not have */
    ASKS_BOTH,   /**< what belongs to a whole connection, and what only a frame has */
} row_filter_kind;

/** Compile a filter, which Wireshark has found to be one.
 *  @param[out] kind
 *  @return NULL if the filter is not to be applied to rows */
row_filter *row_filter_new(const char *text, row_filter_kind *kind);

/** Whether a row passes the filter. */
bool row_filter_passes(const row_filter *filter, const stream_facts *row);

/** NULL is no filter. */
void row_filter_free(row_filter *filter);

#endif
