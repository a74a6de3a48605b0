/* statistics-formats.h
 * Between the statistics: the ways to write connections. All of them are made of
 * stream_facts and of nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STATISTICS_FORMATS_H
#define TCPLIFE_STATISTICS_FORMATS_H

#include <stdbool.h>

#include <glib.h>

#include "facts-table.h"
#include "shown.h"
#include "streams.h"

#define STATISTICS_TAP "tcplife" /**< the tap's name */

/** A way to write connections to stdout. */
typedef struct {
    const char *option;                                /**< what stands after "-z tcplife," */
    void *(*begin)(void);                              /**< the writer's own data, for the others */
    void (*write)(void *own, const stream_facts *row); /**< one connection; in the order of their numbers */
    void (*end)(void *own);                            /**< all are written: free the data */
    bool has_events;                                   /**< it writes the events' counts */
    void (*chosen)(void);                              /**< somebody has asked for it; or NULL */
} statistics_format;

extern const statistics_format statistics_csv, statistics_json, statistics_lines, statistics_story,
    statistics_tree;

/** What stands in one column of the table of connections. */
typedef struct {
    const char *title;
    const fact *value; /**< NULL: there is no such fact, and so no such column */
    const fact *port;  /**< goes with an address; or NULL */
    bool zero;         /**< a count of which nothing is worth saying so */
} statistics_column;

/** The columns of `-z tcplife,streams` and of the window.
 *  @param[out] count  how many
 *  @return static storage */
const statistics_column *statistics_columns(unsigned *count);

/** A cell as text, allocated in @p scope; "" if there is no value. */
char *statistics_cell(wmem_allocator_t *scope, const statistics_column *column, const stream_facts *row);

/** The facts that tell which connection it is and what state it is in: they are no fields of
 *  their own, or are Now fields. Ends with one that has no name. */
extern const fact statistics_head[];

/** What a row has beside the connection facts: of the RST that ended the connection, and what happened in
 *  it. Ends with one that has no name. */
extern const fact statistics_tail[];

/** A fact by its full name, those of statistics_head and _tail included; NULL if there is none. */
const fact *statistics_fact(const char *name);

/** The display filter of a connection, to be freed with g_free(): what a row of the window begins with.
 *  @param width  digits that the number takes at least, so that such texts sort; 0: as few as there are */
char *statistics_filter(uint32_t connection, int width);

/** Note a TCP header that passes, for the ladders of the stories.
 *  @param time  since the first frame of the capture */
void statistics_story_see(const tapped *header, const nstime_t *time);

/** The session is over: its frames are forgotten. */
void statistics_story_forget(void);

/** Register what is in the menus. */
void statistics_tree_register(void);
void statistics_table_register(void);
void flow_register(int proto);
void conversation_filter_register(void);

#endif
