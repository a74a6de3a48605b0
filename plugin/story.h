/* story.h
 * The life of a connection in a few plain sentences: what a good engineer would write
 * under the capture. They come from story-table.h, and say nothing that the facts do not
 * prove.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STORY_H
#define TCPLIFE_STORY_H

#include <epan/wmem_scopes.h>

#include "facts-table.h"

enum {
    STORY_MAX = 5,            /**< sentences: one of each part, and what to look at next */
    STORY_SENTENCE_MAX = 200, /**< bytes of each */
};

typedef struct {
    char *sentence[STORY_MAX];
    unsigned count;
} story;

/** Tell what is known of a connection, final or so far. The sentences are allocated in @p scope. */
story story_tell(wmem_allocator_t *scope, const stream_facts *facts);

/** All of it, joined by spaces. */
char *story_text(wmem_allocator_t *scope, const stream_facts *facts);

#endif
