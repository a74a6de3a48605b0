/* facts-table.h
 * The one list of connection facts: the packet tree shows each as a field, and the
 * statistics write each into a column. A new fact is a member of stream_facts
 * and a line in the list.
 *
 *   X(kind, member, name, title, about)
 *
 * kind    how it is kept and when it is absent: see fact_kind
 * member  of stream_facts
 * name    the field's name is "tcplife." + name, and so is the column's
 * title   the field's label in the packet tree
 * about   one sentence, the field's description
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_FACTS_TABLE_H
#define TCPLIFE_FACTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <epan/address.h>
#include <epan/wmem_scopes.h>

#include "lifecycle.h"
#include "streams.h"

/** All that is known of one connection. */
typedef struct {
    uint32_t stream;      /**< tcp.stream of the first frame */
    uint32_t connection;  /**< number of the connection */
    const char *phase;    /**< static storage, as are the states */
    const char *state[2]; /**< by tl_role, as all that is here twice; NULL: there are none */
    address address[2];   /**< points into the table */
    uint32_t port[2];
    tl_facts told;
    uint32_t first_frame, last_frame;
    uint32_t reuse_frame;           /**< first frame of the earlier connection; 0: none */
    const char *verdict;            /**< NULL, or told.verdict, so these are not to be copied */
    const char *conn_state;         /**< Zeek's words: static storage */
    const char *history;            /**< NULL, or the letters in `letters` */
    char letters[ZEEK_HISTORY_MAX]; /**< what `history` points to, so these are not to be copied */
} stream_facts;

/** What is known of a connection. */
void stream_facts_get(const stream *s, const tl_view *view, stream_facts *facts);

/** What a fact is, in C. */
typedef enum {
    FACT_TEXT,       /**< const char *; NULL: absent */
    FACT_ADDRESS,    /**< address */
    FACT_FLAG,       /**< bool; false: absent */
    FACT_MOMENT,     /**< int64_t, ns since the epoch; never absent */
    FACT_SPAN,       /**< int64_t, ns; TL_NO_TIME: absent */
    FACT_NUMBER,     /**< uint32_t; never absent */
    FACT_COUNT,      /**< uint32_t; 0: absent */
    FACT_FRAME,      /**< uint32_t, a frame's number; 0: absent */
    FACT_CONNECTION, /**< uint32_t; TL_NO_CONNECTION: absent */
    FACT_BYTES,      /**< uint64_t; 0: absent */
    FACT_KIND_COUNT
} fact_kind;

/** A fact: where it is in a stream_facts and what it is called. Static storage. */
typedef struct {
    const char *name, *title, *about;
    fact_kind kind;
    size_t at; /**< offset in stream_facts */
} fact;

/* clang-format off */
#define FACTS(X) \
    /* The answer. */ \
    X(TEXT, verdict, "verdict", "Verdict", \
      "The one thing to know: how the connection ended, why and by whom, or why it did not open.") \
    /* The ends. */ \
    X(ADDRESS, address[TL_CLIENT], "client.addr", "Client address", \
      "The network address of the client.") \
    X(NUMBER, port[TL_CLIENT], "client.port", "Client port", \
      "The TCP port of the client.") \
    X(ADDRESS, address[TL_SERVER], "server.addr", "Server address", \
      "The network address of the server.") \
    X(NUMBER, port[TL_SERVER], "server.port", "Server port", \
      "The TCP port of the server.") \
    X(BYTES, told.bytes[TL_CLIENT], "client.bytes", "Client bytes", \
      "How many bytes of data the client sent, not counting repetitions.") \
    X(BYTES, told.bytes[TL_SERVER], "server.bytes", "Server bytes", \
      "How many bytes of data the server sent, not counting repetitions.") \
    X(BYTES, told.retransmitted[TL_CLIENT], "client.retransmitted", "Client bytes sent again", \
      "How many bytes of data the client sent that had passed before.") \
    X(BYTES, told.retransmitted[TL_SERVER], "server.retransmitted", "Server bytes sent again", \
      "How many bytes of data the server sent that had passed before.") \
    X(BYTES, told.unacked[TL_CLIENT], "client.unacked", "Client bytes not acknowledged", \
      "How many of the client's bytes were not acknowledged, so far or when the connection ended: they may be lost.") \
    X(BYTES, told.unacked[TL_SERVER], "server.unacked", "Server bytes not acknowledged", \
      "How many of the server's bytes were not acknowledged, so far or when the connection ended: they may be lost.") \
    X(BYTES, told.missing[TL_CLIENT], "client.missing", "Client bytes missing", \
      "How many bytes of the client were acknowledged and never passed: holes of the capture.") \
    X(BYTES, told.missing[TL_SERVER], "server.missing", "Server bytes missing", \
      "How many bytes of the server were acknowledged and never passed: holes of the capture.") \
    X(SPAN, told.held[TL_CLIENT], "client.held", "Client state held", \
      "How long the client had been in its last state when the capture ended; TIME_WAIT lasts 2 MSL.") \
    X(SPAN, told.held[TL_SERVER], "server.held", "Server state held", \
      "How long the server had been in its last state when the capture ended; TIME_WAIT lasts 2 MSL.") \
    X(MOMENT, told.start, "start", "Start", \
      "The time of the first frame.") \
    X(SPAN, told.duration, "duration", "Duration", \
      "The time between the first and the last frame of the stream.") \
    X(COUNT, told.copies, "copies", "Copies", \
      "How many frames of the connection are copies of others, as where a capture was taken on several interfaces.") \
    X(SPAN, told.lifetime, "lifetime", "Lifetime", \
      "The time from the first frame to the one that ended the connection: the ACK of the second FIN, " \
      "the accepted RST or the refusal.") \
    X(FLAG, told.one_sided, "one_sided", "One-sided", \
      "One end is missing from the capture: the other one acknowledged what never passed.") \
    /* Opening. */ \
    X(TEXT, told.open, "open", "Open", \
      "How the connection opened, or why it did not.") \
    X(FLAG, told.open_failed, "open.failed", "Open failed", \
      "The connection did not come about.") \
    X(SPAN, told.open_time, "open.time", "Open time", \
      "The time from the first SYN to the ACK that completed the handshake.") \
    X(SPAN, told.open_server_time, "open.server_time", "Open time of the server", \
      "The time from the first SYN to the first SYN/ACK.") \
    X(SPAN, told.open_client_time, "open.client_time", "Open time of the client", \
      "The time from the first SYN/ACK to the ACK that completed the handshake.") \
    X(COUNT, told.open_syns, "open.syns", "SYNs", \
      "How many SYNs the client sent, retransmissions included.") \
    /* Closing. */ \
    X(TEXT, told.close, "close", "Close", \
      "How the connection ended.") \
    X(TEXT, told.closed_by, "closed_by", "Closed by", \
      "The end that sent the first FIN, or the RST where there was no FIN; both if the FINs crossed.") \
    X(SPAN, told.close_time, "close.time", "Close time", \
      "The time from the first FIN to the frame that ended the connection.") \
    X(FLAG, told.close_no_data, "close.no_data", "No data", \
      "The connection was opened and closed without one byte of data.") \
    X(COUNT, told.close_race, "close.race", "Race with FIN", \
      "How many bytes of new data an end sent after the other's FIN had passed, before it acknowledged " \
      "that FIN, which were never acknowledged.") \
    X(SPAN, told.half_close_time, "half_close.time", "Half-close time", \
      "How long the connection was half-closed: from the ACK of the first FIN to the second FIN, or to " \
      "the last frame.") \
    X(BYTES, told.half_close_bytes, "half_close.bytes", "Half-close bytes", \
      "How many bytes of new data passed while the connection was half-closed.") \
    /* Reset, keep-alive, reuse. */ \
    X(TEXT, told.reset_cause, "reset.cause", "RST cause", \
      "Why the RST came that ended the connection.") \
    X(TEXT, told.reset_sender, "reset.sender", "RST sender", \
      "The end that sent the RST which ended the connection.") \
    X(TEXT, told.silence_side, "silence.side", "Silent side", \
      "The end that did not answer, of a connection that ended in silence.") \
    X(SPAN, told.silence_time, "silence.time", "Silent for", \
      "The time from the first segment that was not answered to the RST, or to the end of the capture.") \
    X(COUNT, told.silence_repeats, "silence.repeats", "Asked again", \
      "How often that segment was sent again.") \
    X(COUNT, told.keepalives, "keepalive.count", "Keep-alives", \
      "How many keep-alives were sent.") \
    X(COUNT, told.keepalives_unanswered, "keepalive.unanswered", "Keep-alives unanswered", \
      "How many keep-alives were not answered.") \
    X(CONNECTION, told.reuse, "reuse.connection", "Reused from connection", \
      "The earlier connection that used the same addresses and ports, by its number.") \
    X(FRAME, reuse_frame, "reuse.frame", "Reused from frame", \
      "The first frame of the earlier connection between the same addresses and ports.") \
    X(SPAN, told.reuse_gap, "reuse.gap", "Reused after", \
      "The time since the last frame of the earlier connection between the same addresses and ports.") \
    X(TEXT, told.reuse_phase, "reuse.phase", "Reused in phase", \
      "The phase in which the earlier connection between the same addresses and ports was left.") \
    /* Zeek's words. */ \
    X(TEXT, conn_state, "conn_state", "Zeek's conn_state", \
      "The short state of the connection that Zeek would write, such as SF or RSTO.") \
    X(TEXT, history, "history", "Zeek's history", \
      "The letters that Zeek would write for what passed, upper case from the originator.") \
    /* The deciding frames. */ \
    X(FRAME, first_frame, "frame.first", "Begins in frame", \
      "The first frame of the connection.") \
    X(FRAME, told.frame[TL_STEP_SYN], "frame.syn", "SYN in frame", \
      "The frame with the client's SYN.") \
    X(FRAME, told.frame[TL_STEP_SYN_ACK], "frame.syn_ack", "SYN/ACK in frame", \
      "The frame with the SYN/ACK.") \
    X(FRAME, told.frame[TL_STEP_OPEN_ACK], "frame.open_ack", "ACK of SYN/ACK in frame", \
      "The frame with the ACK that completed the handshake.") \
    X(FRAME, told.frame[TL_STEP_FIN_1], "frame.fin_1", "1st FIN in frame", \
      "The frame with the first FIN.") \
    X(FRAME, told.frame[TL_STEP_FIN_1_ACK], "frame.fin_1_ack", "ACK of 1st FIN in frame", \
      "The frame that acknowledged the first FIN.") \
    X(FRAME, told.frame[TL_STEP_FIN_2], "frame.fin_2", "2nd FIN in frame", \
      "The frame with the second FIN.") \
    X(FRAME, told.frame[TL_STEP_FIN_2_ACK], "frame.fin_2_ack", "ACK of 2nd FIN in frame", \
      "The frame that acknowledged the second FIN.") \
    X(FRAME, told.frame[TL_STEP_RST], "frame.rst", "RST in frame", \
      "The frame with the RST that was accepted.") \
    X(FRAME, last_frame, "frame.last", "Ends in frame", \
      "The last frame of the connection.")

enum {
#define X(...) + 1
    FACTS_COUNT = 0 FACTS(X) /**< length of facts_table */
#undef X
};
/* clang-format on */

/** All facts, in display order. */
extern const fact facts_table[FACTS_COUNT];

/** Whether the connection has a value for a fact. */
bool fact_is_known(const fact *f, const stream_facts *facts);

/** Append the value as fact_text() has it.
 *  @return false, and nothing is appended, if it is absent */
bool fact_append(GString *to, const fact *f, const stream_facts *facts);

/** The value as text: a number in decimal, a time in seconds, a flag "true".
 *  @return allocated in @p scope; NULL if it is absent */
char *fact_text(wmem_allocator_t *scope, const fact *f, const stream_facts *facts);

#endif
