/* commands.h
 * A program that is told what to do, one line of stdin at a time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_TEST_COMMANDS_H
#define TCPLIFE_TEST_COMMANDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A command: its word, with the blank that follows it if something does, and what it does with the rest of
 *  its line. A list of them ends with one that has no word. */
typedef struct {
    const char *word;
    void (*obey)(const char *rest);
} command;

/** Obey all of stdin.
 *  @return the status to exit with: a failure at the first line that is no command */
static inline int obey_all(const command *commands)
{
    char line[256];

    while (fgets(line, sizeof line, stdin)) {
        const command *c = commands;
        while (c->word && strncmp(line, c->word, strlen(c->word)) != 0)
            c++;
        if (!c->word)
            return EXIT_FAILURE;
        c->obey(line + strlen(c->word));
    }
    return EXIT_SUCCESS;
}

#endif
