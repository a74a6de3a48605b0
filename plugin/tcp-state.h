/* tcp-state.h
 * The states of one TCP endpoint and the moves between them that a capture
 * can prove (RFC 9293, 3.3.2 and figure 5).
 *
 * Point of view: somebody on the path, who sees a segment pass between its
 * sender and its receiver. What an endpoint SENT is certain. What passes
 * towards it, it will have RECEIVED unless it is lost behind us; such a move
 * is made only where RFC 9293 has the receiver send nothing back, so that
 * nothing better than the segment itself will ever prove it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_TCP_STATE_H
#define TCPLIFE_TCP_STATE_H

#include <stdbool.h>

/* The one list of states: name, and what it means to the endpoint. The order
 * is RFC 9293's; `phase` uses the same names for the connection as a whole. */
#define TCP_STATES(X)                                                               \
    X(CLOSED, "no connection at all")                                               \
    X(LISTEN, "waiting for a connection request (assumed: the end has not spoken)") \
    X(SYN_SENT, "sent a SYN, waiting for the peer's")                               \
    X(SYN_RECEIVED, "has the peer's SYN and sent its own, waiting for its ACK")     \
    X(ESTABLISHED, "open, data flows both ways")                                    \
    X(FIN_WAIT_1, "sent a FIN, waiting for its ACK or for the peer's FIN")          \
    X(FIN_WAIT_2, "own FIN acknowledged, waiting for the peer's FIN")               \
    X(CLOSE_WAIT, "has the peer's FIN, the local program has not closed yet")       \
    X(CLOSING, "FINs crossed, waiting for the ACK of its own")                      \
    X(LAST_ACK, "has the peer's FIN and sent its own, waiting for the ACK")         \
    X(TIME_WAIT, "both FINs acknowledged, waiting 2 MSL for stray segments")

typedef enum {
#define X(name, meaning) TCP_##name,
    TCP_STATES(X)
#undef X
} tcp_state;

enum {
#define X(name, meaning) +1
    TCP_STATE_COUNT = 0 TCP_STATES(X)
#undef X
};

/** Who an endpoint is to a segment. */
typedef enum { TCP_SENT, TCP_RECEIVED } tcp_direction;

enum { TCP_DIRECTION_COUNT = 2 };

/** What a segment, or one part of it, is to the state machine. A segment that
 *  is several things (a FIN that acknowledges a FIN) is stepped part by part,
 *  in this order. The numbers have been checked before: an ACK is only called
 *  one if it covers the number it must. */
typedef enum {
    TCP_KIND_SYN,        /**< SYN without ACK */
    TCP_KIND_SYN_ACK,    /**< SYN that acknowledges the peer's ISN */
    TCP_KIND_ACK_OF_SYN, /**< no SYN; acknowledges the peer's ISN, sent by an end
                               that has the peer's SYN: completes the handshake */
    TCP_KIND_ACK_OF_FIN, /**< acknowledges the peer's FIN */
    TCP_KIND_FIN,        /**< the sender's FIN */
    TCP_KIND_RST,        /**< a RST that its receiver accepts */
} tcp_kind;

enum { TCP_KIND_COUNT = TCP_KIND_RST + 1 };

/** The state's name, as in RFC 9293 but with underscores. Static storage. */
const char *tcp_state_name(tcp_state state);

/** What the state means, as half a sentence. Static storage. */
const char *tcp_state_meaning(tcp_state state);

/** The state that @p state moves to when an endpoint has sent or received a
 *  segment of this kind; @p state itself when the segment proves no move. */
tcp_state tcp_next_state(tcp_direction direction, tcp_kind kind, tcp_state state);

/** Whether an endpoint can go from one state to the other: by a segment, by the lapse of 2 MSL
 *  (TIME_WAIT to CLOSED), or by a passive OPEN call (CLOSED to LISTEN). */
bool tcp_is_edge(tcp_state from, tcp_state to);

/** The first state on the shortest way from one state to another that no RST takes;
 *  @p to itself if there is none. */
tcp_state tcp_toward(tcp_state from, tcp_state to);

#endif
