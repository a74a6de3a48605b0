/* values.h
 * The words that a user types: every value of `open`, `close`, `closed_by`,
 * `reset.cause`, `reset.verdict`, `reset.form`, `reset.answers_kind`, `reset.evidence`,
 * `sender` and `step`, in one list each. From them
 * come the enums, the names, and the tables of plugin/REFERENCE.md.
 *
 *   X(identifier, name, ..., meaning)
 *
 * name     what the field holds and the user types; NULL: the field is absent
 * meaning  one sentence, for the reader of the reference
 *
 * Where a list says that it is in order, the first value that fits is taken.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_VALUES_H
#define TCPLIFE_VALUES_H

#include <stdbool.h>

#include "events.h"

/* clang-format off */

/** One of the two roles: `sender`, `reset.sender`, `silence.side`. As an index: ends of a report and of
 *  the facts. */
#define TL_ROLES(X) \
    X(CLIENT, "client", "The end that sent the SYN, or is taken for it.") \
    X(SERVER, "server", "The other end.")

/** A part that a frame plays in opening or closing, in the order in which a frame's parts are named. */
#define TL_STEPS(X) \
    X(SYN, "SYN", "The client's SYN; of a simultaneous or split open the server's too.") \
    X(SYN_ACK, "SYN/ACK", "The answer to a SYN.") \
    X(OPEN_ACK, "ACK of SYN/ACK", "The ACK that completes the handshake.") \
    X(FIN_1, "1st FIN", "The FIN of the end that closes first.") \
    X(FIN_2, "2nd FIN", "The FIN of the other end.") \
    X(FIN_1_ACK, "ACK of 1st FIN", "The first FIN is acknowledged.") \
    X(FIN_2_ACK, "ACK of 2nd FIN", "The second FIN is acknowledged.") \
    X(RST, "RST", "A RST that its receiver accepts.")

/** How a connection opened, or why not. X(identifier, name, failed, meaning) */
#define TL_OPENINGS(X) \
    X(NONE, NULL, false, "Not known.") \
    X(THREE_WAY, "3-way", false, "SYN, SYN/ACK and ACK.") \
    X(SIMULTANEOUS, "simultaneous", false, "Both ends sent a SYN, and each answered the other's with a SYN/ACK.") \
    X(FAST_OPEN, "fast open", false, "The SYN carried data, and the SYN/ACK acknowledged it (RFC 7413).") \
    X(SPLIT, "split", false, "The server sent no SYN/ACK: its SYN came apart from its ACK.") \
    X(MIDSTREAM, "midstream", false, "The capture began later than the connection.") \
    X(REFUSED, "refused", true, "A RST of an end that had offered no SYN/ACK answered the SYN.") \
    X(REJECTED_BY_ICMP, "rejected by ICMP", true, "An ICMP error answered the SYN.") \
    X(UNANSWERED, "unanswered", true, "Nothing answered the SYN.") \
    X(HALF_OPEN, "half-open", true, "Nothing acknowledged the SYN/ACK.") \
    X(OVERFLOW, "overflow", true, \
      "The server repeated its SYN/ACK at least twice although it was acknowledged, and nothing shows that it ever " \
      "took the connection: its accept queue was full.") \
    X(ANSWERED_BY_ACK, "answered by ACK", true, \
      "A bare ACK that does not acknowledge the SYN answered it: an older connection holds the ports.") \
    X(RESET_BY_OPENER, "reset by opener", true, "The end that had sent the SYN answered the SYN/ACK with a RST.") \
    X(ORPHAN, "orphan", true, \
      "Nothing but segments that open nothing: RSTs, SYN/ACKs and the RSTs that answer them, segments without ACK.")

/** How it ended, in order. X(identifier, name, meaning) */
#define TL_CLOSINGS(X) \
    X(NONE, NULL, "Not known, or not yet.") \
    X(FOUR_WAY, "4-way", "Each FIN had an ACK, the first of them in a segment of its own.") \
    X(THREE_WAY, "3-way", "The second FIN is also the ACK of the first one.") \
    X(SIMULTANEOUS, "simultaneous", "The FINs crossed, and both were acknowledged.") \
    X(RST_AFTER_FIN, "RST after FIN", "A FIN had passed when a RST ended the connection.") \
    X(ABORT, "abort", "A RST ended the connection, and no FIN had passed.") \
    X(REPLACED, "replaced", "Another connection between the same addresses and ports took its place.") \
    X(FIN_UNACKNOWLEDGED, "FIN unacknowledged", "A FIN was repeated, or waited 1 s, and nobody acknowledged it.") \
    X(SILENT, "silent", "Data or probes were repeated, and nobody answered.") \
    X(HALF_CLOSED, "half-closed", "One FIN was acknowledged, and the other never came.") \
    X(STILL_OPEN, "still open", "Nothing had ended it when the capture ended.")

/** Who closed. */
#define TL_CLOSERS(X) \
    X(NONE, NULL, "Not known, or not yet.") \
    X(CLIENT, "client", "The client sent the first FIN, or the RST where there was no FIN.") \
    X(SERVER, "server", "The server sent the first FIN, or the RST where there was no FIN.") \
    X(BOTH, "both", "The FINs crossed.")

/** Why a RST came, in order, and the event that says it. X(identifier, name, event, meaning); an event of
 *  TL_EVENT_COUNT: the one for a RST after a FIN, or without one. */
#define TL_CAUSES(X) \
    X(NONE, NULL, TL_EVENT_COUNT, "No RST was accepted.") \
    X(FORGOTTEN, "forgotten", TL_EVENT_RESET_FORGOTTEN, \
      "Its sender had begun a new connection on the same ports, and knew this one no longer.") \
    X(REFUSED, "refused", TL_EVENT_OPEN_REFUSED, "It refuses the SYN.") \
    X(ANSWERED_BY_ACK, "answered by ACK", TL_EVENT_COUNT, \
      "It answers a bare ACK that had answered the SYN: an older connection holds the ports.") \
    X(RESET_BY_OPENER, "reset by opener", TL_EVENT_OPEN_OPENER_RESET, \
      "The opener answers the SYN/ACK with it instead of an ACK.") \
    X(TIME_WAIT, "TIME_WAIT", TL_EVENT_RESET_TIME_WAIT, "It ended TIME_WAIT early (RFC 1337).") \
    X(KEEP_ALIVE_TIMEOUT, "keep-alive timeout", TL_EVENT_RESET_KEEP_ALIVE_TIMEOUT, \
      "Its sender's keep-alives went unanswered.") \
    X(KEEP_ALIVE, "keep-alive", TL_EVENT_RESET_AFTER_KEEP_ALIVE, "It answers a keep-alive.") \
    X(ZERO_WINDOW, "zero window", TL_EVENT_RESET_ZERO_WINDOW, \
      "Its sender had asked again and again for a window that stayed closed.") \
    X(RETRANSMISSION_TIMEOUT, "retransmission timeout", TL_EVENT_RESET_RETRANSMISSION_TIMEOUT, \
      "What its sender repeated went unanswered: data, a FIN, a SYN or a SYN/ACK.") \
    X(DATA_AFTER_CLOSE, "data after close", TL_EVENT_RESET_DATA_AFTER_CLOSE, \
      "It answers data sent to an end that had sent its FIN.") \
    X(AFTER_OWN_FIN, "after own FIN", TL_EVENT_COUNT, "Its sender had sent its FIN before.") \
    X(NO_CONNECTION, "no connection", TL_EVENT_RESET_NO_CONNECTION, \
      "Its form is that of an answer: its sender knows of no such connection, or something in between answers in its " \
      "place.") \
    X(ABORT, "abort", TL_EVENT_COUNT, "None of the other reasons fits: a program or its system gave the connection up.") \
    X(LATE, "late", TL_EVENT_COUNT, "No RST was accepted, and one came after the end.")

/** What a RST's receiver makes of it (RFC 9293, 3.10.7; RFC 5961, 3). */
#define TL_VERDICTS(X) \
    X(NONE, NULL, "The frame has no RST.") \
    X(ACCEPTED, "accepted", "Its number is one that the receiver can expect next, or it acknowledges a SYN.") \
    X(CHALLENGED, "challenged", "It is in the window, but not the number that is expected: a challenge ACK answers it.") \
    X(IGNORED, "ignored", "It is outside the window, or there is no connection any more.") \
    X(UNKNOWN, "unknown", "The capture holds no number to judge it by.")

/** What a RST was made of (RFC 9293, 3.5.2). */
#define TL_FORMS(X) \
    X(NONE, NULL, "Neither fits, or both do.") \
    X(ANSWER, "answer", \
      "Made of the numbers of the segment that it answers and of nothing else, as an end does that has no such " \
      "connection, or something in between that speaks for it.") \
    X(OWN, "own", "With its sender's own next number and an ACK, as a socket does that gives a connection up.")

/** What kind of segment a RST answers; the first that fits. */
#define TL_ANSWERED(X) \
    X(NONE, NULL, "It answers nothing that passed.") \
    X(SYN, "SYN", "A SYN.") \
    X(SYN_ACK, "SYN/ACK", "A SYN that acknowledges one.") \
    X(RST, "RST", "A RST, which nobody should answer.") \
    X(KEEP_ALIVE, "keep-alive", "A keep-alive.") \
    X(DATA, "data", "A segment with data, with a FIN or without.") \
    X(FIN, "FIN", "A FIN without data.") \
    X(ACK, "ACK", "A bare ACK.")

/** Why a RST may not be its apparent sender's. X(identifier, name, event, meaning) */
#define TL_EVIDENCE(X) \
    X(TTL, "TTL", TL_EVENT_RESET_TTL_DIFFERS, \
      "Its TTL or hop limit is more than 2 away from that of its sender's other segments.") \
    X(TOO_EARLY, "too early", TL_EVENT_RESET_TOO_EARLY, \
      "It answers a segment sooner than half the shortest round trip ever seen to its apparent sender, and at least " \
      "1 ms sooner.") \
    X(SENDER_WENT_ON, "sender went on", TL_EVENT_RESET_SENDER_WENT_ON, \
      "Its apparent sender goes on with the connection, at the frame that shows it.")

/* clang-format on */

typedef enum {
#define X(id, ...) TL_##id,
    TL_ROLES(X)
#undef X
        TL_ROLE_COUNT
} tl_role;

typedef enum {
#define X(id, ...) TL_STEP_##id,
    TL_STEPS(X)
#undef X
        TL_STEP_COUNT
} tl_step;

typedef enum {
#define X(id, ...) TL_OPEN_##id,
    TL_OPENINGS(X)
#undef X
        TL_OPEN_COUNT
} tl_opening;

typedef enum {
#define X(id, ...) TL_CLOSE_##id,
    TL_CLOSINGS(X)
#undef X
        TL_CLOSE_COUNT
} tl_closing;

typedef enum {
#define X(id, ...) TL_BY_##id,
    TL_CLOSERS(X)
#undef X
        TL_BY_COUNT
} tl_closer;

typedef enum {
#define X(id, ...) TL_CAUSE_##id,
    TL_CAUSES(X)
#undef X
        TL_CAUSE_COUNT
} tl_cause;

typedef enum {
#define X(id, ...) TL_VERDICT_##id,
    TL_VERDICTS(X)
#undef X
        TL_VERDICT_COUNT
} tl_verdict;

typedef enum {
#define X(id, ...) TL_FORM_##id,
    TL_FORMS(X)
#undef X
        TL_FORM_COUNT
} tl_form;

typedef enum {
#define X(id, ...) TL_ANSWERED_##id,
    TL_ANSWERED(X)
#undef X
        TL_ANSWERED_COUNT
} tl_answered;

typedef enum {
#define X(id, ...) TL_EVIDENCE_##id,
    TL_EVIDENCE(X)
#undef X
        TL_EVIDENCE_COUNT
} tl_evidence;

/* The names. Static storage; NULL where the field is absent. */

const char *tl_role_name(tl_role role);
const char *tl_step_name(tl_step step);
const char *tl_opening_name(tl_opening opening);
const char *tl_closing_name(tl_closing closing);
const char *tl_closer_name(tl_closer closer);
const char *tl_cause_name(tl_cause cause);
const char *tl_verdict_name(tl_verdict verdict);
const char *tl_form_name(tl_form form);
const char *tl_answered_name(tl_answered answered);
const char *tl_evidence_name(tl_evidence evidence);

/** Whether the connection did not open. */
bool tl_opening_failed(tl_opening opening);

/** The event that says the cause; TL_EVENT_COUNT: the cause has none of its own. */
tl_event tl_cause_event(tl_cause cause);

/** The event that says a piece of evidence. */
tl_event tl_evidence_event(tl_evidence evidence);

#endif
