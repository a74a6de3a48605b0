/* event-counts.h
 * How often each event came in each connection, counted from the records when rows are
 * written: nothing has to be kept for it while the capture is read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_EVENT_COUNTS_H
#define TCPLIFE_EVENT_COUNTS_H

#include <stdint.h>

typedef struct event_counts event_counts;

/** Count the events of this session. To be freed with event_counts_free(). */
event_counts *event_counts_new(void);
void event_counts_free(event_counts *counts);

/** The events of a connection and how often each came: "open.three_way 1, close.merged 1". Connections are
 *  to be asked for in the order of their numbers.
 *  @return valid until the next call; NULL if there was none */
const char *event_counts_text(event_counts *counts, uint32_t connection);

#endif
