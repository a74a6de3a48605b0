/* zeek.h
 * What Zeek would write of a stream into its conn.log: conn_state and history.
 *
 * Reimplemented from a description of what Zeek does; "3" in a comment is that
 * description's section 3, and so are the groups of test/core/zeek/. Zeek
 * believes flags and checks no number, so all of this knows nothing of the
 * lifecycle, nor the lifecycle of it: both are fed with the same segments.
 *
 * Pure, like lifecycle.h. Work per segment is constant, and all that is
 * remembered of a stream is one zeek_connection.
 *
 * One stream, one answer. Zeek often makes several connections of a 4-tuple
 * (7, 8). Where Wireshark keeps them in one stream,
 *
 * - the answer is that of the last one, if a SYN with another number than the
 *   originator's begins it; also the second SYN of a simultaneous open, with
 *   which Zeek begins the connection that has the data;
 * - a SYN with the same number after a FIN or RST (a refusal and then the same
 *   SYN again, an old duplicate that is answered) goes with the connection that
 *   is there: of retries that fail alike the answer is that of each;
 * - so too if a SYN/ACK begins it after nothing good of its peer, as when the
 *   SYN had a bad checksum;
 * - but a SYN/ACK after a FIN or RST, which is mostly a duplicate of what came
 *   before, goes with the connection that it is a duplicate of;
 * - and timers begin nothing (a SYN unanswered for 5 s, a connection closed for
 *   5 s or idle for minutes): late segments add their letters to the connection.
 *
 * Not ours to give: X. Bounds, and what they change:
 *
 * - Gaps: of the bytes that wait behind a hole one range is remembered. What
 *   comes beyond it is joined to it and the hole between is forgotten. The
 *   first hole, and so the first G, is exact unless that hole is filled and a
 *   forgotten one is not; fewer may be counted for G at 10, 100 and so on.
 *   Once an end has sent a FIN, what waits is taken to reach up to it; once it
 *   has sent a RST, holes in its data are no longer counted.
 * - Counts stop at 65,535: C, T, W and G lack the letter of the 100,000th.
 * - History: 30 letters, or more where one is repeated in a row (up to eight in
 *   the room of two); what does not fit is left out.
 * - Numbers are remembered modulo 2^32, so that a letter that is repeated "at
 *   another number" is not at one that is 4 GiB away.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_ZEEK_H
#define TCPLIFE_ZEEK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lifecycle.h"

enum {
    ZEEK_HISTORY_MAX = 121, /**< room for any history, and the 0 behind it */
    ZEEK_COUNTED = 4,       /**< kinds of counted letters: C, T, W, G */
    ZEEK_CODES = 30,        /**< codes in a zeek_connection's history */
    ZEEK_CODES_IN_WORD = 6, /**< 5 bits each */
};

/** One end (2). Private to zeek.c. "Relative" is a raw number minus `start`. */
typedef struct {
    uint32_t start; /**< raw: one less than the first byte's */
    uint32_t last;  /**< raw: end of what it sent */
    uint32_t ack;   /**< raw: end of what the other end has acknowledged */
    uint32_t next;  /**< relative: where the first hole in its data begins, or its data ends */
    union {
        uint32_t held; /**< relative, with has_held: where that hole ends */
        uint32_t rst;  /**< relative: number of its last RST, once one has passed */
    };
    union {
        uint32_t held_end; /**< relative, with has_held: end of what waits behind the hole */
        uint32_t fin;      /**< relative, with has_fin: number of its last FIN */
    };
    uint16_t count[ZEEK_COUNTED]; /**< occurrences, up to UINT16_MAX */
    uint8_t state;                /**< 9 */
    uint8_t previous;             /**< the state before that */
    uint8_t wraps : 2;            /**< how often `last` has passed 2^32: 0, 1, or 3 for more */
    uint8_t ack_wraps : 2;        /**< how often `ack` has */
    bool has_held : 1;
    bool has_fin : 1;   /**< a FIN of it has passed; no held_end any more */
    bool untracked : 1; /**< holes in its data are not looked for any more, as after a RST: no `held` then */
    bool emptied : 1;   /**< its size is said to be 0 (end of 9) */
} zeek_end;

/** A stream as Zeek sees it. The caller owns it and looks at nothing in it. */
typedef struct {
    zeek_end end[2];                                   /**< by side */
    uint32_t history[ZEEK_CODES / ZEEK_CODES_IN_WORD]; /**< letters and repetitions, zeek.c says how */
    uint8_t seen[2];     /**< by role, originator first: letters that are added but once (3) */
    uint8_t codes;       /**< how many there are in `history` */
    bool full : 1;       /**< a letter did not fit, nor may any after it */
    bool begun : 1;      /**< a segment was seen, the direction is decided */
    bool originator : 1; /**< the side that is the originator */
    bool partial : 1;    /**< its beginning was not seen (5) */
    bool heard_originator : 1, heard_responder : 1; /**< a segment from that role was seen */
    bool likely_0 : 1, likely_1 : 1;                /**< see zeek_begin() */
} zeek_connection;

static_assert(sizeof(zeek_connection) <= 96, "a stream has room for no more");

/** Begin a stream.
 *  @param likely_0,likely_1  whether the port of side 0, of side 1 is a likely server's (6 a). Both
 *                            false: the end that is seen first is the originator, unless a SYN/ACK
 *                            says otherwise; as they must be where the first segment is a broadcast */
void zeek_begin(zeek_connection *c, bool likely_0, bool likely_1);

/** Follow the stream over one more segment.
 *  @param bad_checksum  the TCP checksum was validated and is wrong
 *  @param captured      all of the segment's data was captured; with false they leave a gap */
void zeek_follow(zeek_connection *c, const tl_segment *s, bool bad_checksum, bool captured);

/** The state so far: S0 S1 S2 S3 SF REJ RSTO RSTR RSTOS0 RSTRH SH SHR OTH. Static storage. */
const char *zeek_conn_state(const zeek_connection *c);

/** The history so far.
 *  @param[out] out  the letters, with a 0 behind them
 *  @return how many letters; 0 where Zeek writes "-" */
size_t zeek_history(const zeek_connection *c, char out[ZEEK_HISTORY_MAX]);

#endif
