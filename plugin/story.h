/* story.h
 * The life of a connection in a few plain sentences: what a good engineer would write
 * under the capture. They come from story-table.h, and say nothing that the facts do not
 * prove.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STORY_H
#define TCPLIFE_STORY_H

#include <glib.h>

#include "facts-table.h"

/** Tell what is known of a connection, final or so far: a sentence of each part, and what to look at next.
 *  @param between  stands between two sentences */
void story_append(GString *to, const stream_facts *facts, const char *between);

#endif
