/* connection-set.h
 * A set of connections of one session, a bit for each: those that a statistic is about.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_CONNECTION_SET_H
#define TCPLIFE_CONNECTION_SET_H

#include <stdbool.h>

#include <glib.h>

#include "streams.h"

/** The set. Make it with g_byte_array_new(), and free it as one. */
typedef GByteArray connection_set;

/** Add a connection; false if it was there. */
bool connection_set_add(connection_set *set, const stream *s);

/** Whether the connection was added that is the nth of the session, from 0. */
bool connection_set_has(const connection_set *set, guint number);

#endif
