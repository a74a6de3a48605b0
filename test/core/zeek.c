/* zeek.c
 * Plays segments to plugin/zeek.c and prints what it makes of them, for
 * test_zeek.py. It judges nothing but what must hold after any segment at all.
 *
 * Commands, one per line on stdin; an answer is one line on stdout:
 *
 *   begin <likely 0> <likely 1>
 *                             begin a stream; the answer is its state and history
 *   segment <side> <flags> <seq> <ack> <length> <window> <lower port> <bad checksum> <captured>
 *                             follow it; the answer is the state and the history
 *   random <seed> <streams> <segments>
 *                             streams of so many random segments; the answer is how many
 *                             segments, and the length of the longest history
 *   size                      bytes of a zeek_connection
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "zeek.h"

static zeek_connection connection;

static void print_answer(void)
{
    char history[ZEEK_HISTORY_MAX];

    memset(history, 'x', sizeof history);
    printf("%s %s\n", zeek_conn_state(&connection), zeek_history(&connection, history) ? history : "-");
}

static void begin(const char *line)
{
    unsigned likely[2];

    if (sscanf(line, "%u %u", &likely[0], &likely[1]) != 2)
        exit(EXIT_FAILURE);
    memset(&connection, 0xff, sizeof connection); /* zeek_begin() promises to set all of it */
    zeek_begin(&connection, likely[0], likely[1]);
    print_answer();
}

static void follow(const char *line)
{
    tl_segment s = {.frame = 1};
    unsigned lower_port, bad, captured;

    if (sscanf(line, "%" SCNu8 " %" SCNu16 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %u %u %u",
               &s.side, &s.flags, &s.seq, &s.ack, &s.length, &s.window, &lower_port, &bad, &captured) != 9)
        exit(EXIT_FAILURE);
    s.lower_port = lower_port;
    zeek_follow(&connection, &s, bad, captured);
    print_answer();
}

/* xorshift: the same numbers everywhere. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)((*seed >> 16) % below);
}

/* Mostly near one another, now and then anywhere. */
static uint32_t draw_number(uint64_t *seed, uint32_t near)
{
    static const uint32_t spans[] = {1, 3, 3000, 40000, 1U << 21, UINT32_MAX};
    const uint32_t span = spans[draw(seed, 5) ? draw(seed, 4) : 4 + draw(seed, 2)];

    return near - span / 2 + draw(seed, span);
}

static tl_segment draw_segment(uint64_t *seed, const uint32_t near[2])
{
    static const uint16_t flags[] = {TL_ACK,          TL_ACK,          TL_ACK, TL_SYN,
                                     TL_SYN | TL_ACK, TL_FIN | TL_ACK, TL_RST, 0};
    const uint8_t side = (uint8_t)draw(seed, 2);

    return (tl_segment){
        .side = side,
        .seq = draw_number(seed, near[side]),
        .ack = draw_number(seed, near[!side]),
        .length = draw(seed, 2) ? draw(seed, draw(seed, 9) ? 3000 : 20 << 20) : 0,
        .window = draw(seed, 4),
        .flags = draw(seed, 9) ? flags[draw(seed, 8)] : (uint16_t)draw(seed, 32),
        .lower_port = draw(seed, 2),
    };
}

static bool is_sound(const char *history, size_t length)
{
    return length < ZEEK_HISTORY_MAX && history[length] == '\0' && strlen(history) == length &&
           strspn(history, "SHDAFRCTWGIQshdafrctwgiq^") == length;
}

static void play_random(const char *line)
{
    uint64_t seed;
    uint32_t streams, segments;
    size_t longest = 0;
    char history[ZEEK_HISTORY_MAX], before[ZEEK_HISTORY_MAX];

    if (sscanf(line, "%" SCNu64 " %" SCNu32 " %" SCNu32, &seed, &streams, &segments) != 3 || !seed)
        exit(EXIT_FAILURE);
    for (uint32_t n = 0; n < streams; n++) {
        const uint32_t near[2] = {draw(&seed, UINT32_MAX), draw(&seed, 2) ? UINT32_MAX : 5000};

        zeek_begin(&connection, draw(&seed, 4) == 0, draw(&seed, 4) == 0);
        before[0] = '\0';
        for (uint32_t i = 0; i < segments; i++) {
            const tl_segment s = draw_segment(&seed, near);

            zeek_follow(&connection, &s, draw(&seed, 20) == 0, draw(&seed, 4) != 0);
            memset(history, 'x', sizeof history);
            const size_t length = zeek_history(&connection, history);
            longest = length > longest ? length : longest;
            /* Only a SYN and the lone SYN/ACK's flip may take a letter back (3, 6 b, 7). */
            if (!is_sound(history, length) || !*zeek_conn_state(&connection) ||
                (!(s.flags & TL_SYN) && strcmp(before, "H") != 0 &&
                 strncmp(before, history, strlen(before)) != 0))
                exit(EXIT_FAILURE);
            memcpy(before, history, sizeof before);
        }
    }
    printf("%" PRIu64 " %zu\n", (uint64_t)streams * segments, longest);
}

static void print_size(const char *rest)
{
    (void)rest;
    printf("%zu\n", sizeof connection);
}

int main(void)
{
    return obey_all((const command[]){
        {"segment ", follow},
        {"begin ", begin},
        {"random ", play_random},
        {"size", print_size},
        {NULL, NULL},
    });
}
