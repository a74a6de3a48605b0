/* events.h
 * Everything that tcplife calls out: the one list of events. An event is the
 * value of `tcplife.event` on its frame, and an expert info.
 *
 *   X(identifier, name, severity, text, why)
 *
 * name      the value of tcplife.event; the expert info's filter is "tcplife." + name
 * severity  CHAT, NOTE, WARN or ERROR, as Wireshark's expert infos have them
 * text      the expert info's text; a number may follow it
 * why       one sentence for the packet tree, with the section of the RFC
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_EVENTS_H
#define TCPLIFE_EVENTS_H

/* clang-format off */
#define TL_EVENTS(X) \
    /* Opening. */ \
    X(OPEN_THREE_WAY, "open.three_way", CHAT, "connection opened (3-way handshake)", \
      "This ACK acknowledges the SYN/ACK, so both initial sequence numbers are acknowledged (RFC 9293, 3.5).") \
    X(OPEN_SIMULTANEOUS, "open.simultaneous_open", NOTE, "simultaneous open", \
      "Both ends sent a SYN before they saw the other's, and each answered with a SYN/ACK (RFC 9293, 3.5, figure 7).") \
    X(OPEN_FAST_OPEN, "open.fast_open", CHAT, "TCP Fast Open", \
      "The SYN carried data and the SYN/ACK acknowledged it (RFC 7413, 3).") \
    X(OPEN_SPLIT, "open.split_handshake", WARN, "split handshake", \
      "The server never sent a SYN/ACK: its SYN came apart from its ACK, which some middleboxes misjudge (RFC 9293, 3.5).") \
    X(OPEN_DATA_IN_ACK, "open.data_in_ack", CHAT, "the completing ACK carries data", \
      "The third segment of a handshake may carry data, which is delivered once the connection is open (RFC 9293, 3.5).") \
    X(OPEN_BAD_ACK, "open.bad_ack", WARN, "an ACK in the handshake does not acknowledge the ISN", \
      "An ACK number that covers no SYN of this connection completes nothing and deserves a RST (RFC 9293, 3.5.2).") \
    X(OPEN_SYN_RETRANSMITTED, "open.syn_retransmitted", NOTE, "SYN retransmitted", \
      "Nothing that its sender accepts had answered the SYN, so it was sent again (RFC 9293, 3.8.1).") \
    X(OPEN_SYN_ACK_RETRANSMITTED, "open.syn_ack_retransmitted", NOTE, "SYN/ACK retransmitted", \
      "No ACK of the SYN/ACK had reached its sender, or it ignored one, so it was sent again (RFC 9293, 3.8.1).") \
    X(OPEN_SYN_ACK_DIFFERS, "open.syn_ack_differs", WARN, "SYN/ACK with another number", \
      "An earlier SYN/ACK of the same try had another initial sequence number: two servers, or one without memory, stand behind the address (RFC 9293, 3.4.1).") \
    X(OPEN_GIVEN_UP, "open.given_up", NOTE, "opening given up by RST", \
      "Nobody had answered what its sender sent to open the connection (RFC 9293, 3.8.3).") \
    X(OPEN_REFUSED, "open.connection_refused", WARN, "connection refused", \
      "A RST came before the handshake was complete (RFC 9293, 3.5.2, group 1).") \
    X(OPEN_ICMP_REJECTED, "open.icmp_rejected", WARN, "connection rejected by ICMP", \
      "An ICMP error quotes the SYN that nothing had answered yet, so its sender gives up (RFC 9293, 3.9.2.2; RFC 5461, 4.1).") \
    X(OPEN_OPENER_RESET, "open.opener_reset", NOTE, "RST instead of the final ACK", \
      "The end that sent the SYN did not want the connection that was offered to it: a probe, an old SYN, or a program that is gone (RFC 9293, 3.5.2).") \
    X(OPEN_ACK_INSTEAD, "open.ack_instead_of_syn_ack", WARN, "SYN answered by a bare ACK", \
      "The ACK does not acknowledge this SYN: an older connection still holds the ports (RFC 9293, 3.5.1 and 3.10.7.4; RFC 5961, 4).") \
    X(OPEN_QUEUE_OVERFLOW, "open.queue_overflow", WARN, "SYN/ACK repeated after it was acknowledged", \
      "The server goes on as if the ACK had not come, twice: one may be lost, two point to a full accept queue (RFC 9293, 3.8.1).") \
    X(OPEN_PORT_REUSE, "open.port_reuse", NOTE, "4-tuple reused", \
      "The same addresses and ports carried an earlier connection in this capture (RFC 9293, 3.4.1 and 3.6.1).") \
    X(OPEN_SYN_FLOOD, "open.syn_flood", WARN, "possible SYN flood", \
      "So many handshakes towards this address and port are under way at once and not completed (RFC 4987, 2).") \
    /* Closing. */ \
    X(CLOSE_FOUR_WAY, "close.four_way", CHAT, "4-way close", \
      "The first FIN had been acknowledged in a segment of its own before this second FIN (RFC 9293, 3.6, case 1).") \
    X(CLOSE_MERGED, "close.merged", CHAT, "merged FIN/ACK (3-way close)", \
      "This second FIN is also the ACK of the first one, because its sender had nothing left to send: a normal close in three segments (RFC 9293, 3.6).") \
    X(CLOSE_SIMULTANEOUS, "close.simultaneous_close", NOTE, "simultaneous close", \
      "The FINs crossed: neither end had acknowledged the other's when it sent its own (RFC 9293, 3.6, case 3).") \
    X(CLOSE_HALF_CLOSED_DATA, "close.data_while_half_closed", CHAT, "half-closed", \
      "The end that sent no FIN goes on sending data, which the other may still receive (RFC 9293, 3.6).") \
    X(CLOSE_FIN_RETRANSMITTED, "close.fin_retransmitted", NOTE, "FIN retransmitted", \
      "No ACK of its FIN had reached its sender, so the FIN was sent again (RFC 9293, 3.8.1).") \
    X(CLOSE_TIME_WAIT_RESTARTED, "close.time_wait_restarted", NOTE, "TIME_WAIT restarted", \
      "The peer repeated its FIN, so the ACK of it is sent once more and 2 MSL begin anew (RFC 9293, 3.10.7.4).") \
    X(CLOSE_FIN_MISPLACED, "close.fin_misplaced", NOTE, "FIN that does not fit", \
      "Its number is that of data which was sent already, or fits no connection, so it closes nothing (RFC 9293, 3.4).") \
    X(CLOSE_DATA_AFTER_OWN_FIN, "close.data_after_own_fin", ERROR, "new data beyond the sender's own FIN", \
      "A FIN says that its sender has no more data to send (RFC 9293, 3.6).") \
    X(CLOSE_DATA_AFTER_PEER_FIN, "close.data_after_peer_fin", NOTE, "new data after the peer's FIN had passed, not acknowledging it", \
      "The sender did not know yet that the peer had closed; the peer may answer with a RST (RFC 9293, 3.6; RFC 1122, 4.2.2.13).") \
    /* Reset. */ \
    X(RESET_ABORT, "reset.abort", WARN, "connection aborted by RST", \
      "A RST ended an open connection at once, and what was not delivered is lost (RFC 9293, 3.5.2).") \
    X(RESET_AFTER_FIN, "reset.after_fin", NOTE, "RST after FIN", \
      "A FIN had already passed when a RST ended the connection; whether data was lost depends on what was not acknowledged (RFC 9293, 3.6; RFC 1122, 4.2.2.13).") \
    X(RESET_AFTER_KEEP_ALIVE, "reset.after_keep_alive", WARN, "RST after keep-alive", \
      "The RST answers a keep-alive: its sender has no such connection any more (RFC 9293, 3.5.2, group 1, and 3.8.4).") \
    X(RESET_KEEP_ALIVE_TIMEOUT, "reset.keep_alive_timeout", WARN, "RST after unanswered keep-alives", \
      "The sender's keep-alives went unanswered, so it gave the connection up (RFC 9293, 3.8.4).") \
    X(RESET_RETRANSMISSION_TIMEOUT, "reset.retransmission_timeout", WARN, "RST after unanswered retransmissions", \
      "The sender's retransmissions went unanswered, so it gave the connection up (RFC 9293, 3.8.3).") \
    X(RESET_ZERO_WINDOW, "reset.zero_window", WARN, "RST after unanswered probes of a closed window", \
      "The peer had advertised a window of 0 and never opened it again, so the sender gave the connection up (RFC 9293, 3.8.6.1).") \
    X(RESET_NO_CONNECTION, "reset.no_connection", WARN, "RST as of no such connection", \
      "It is made of the segment that it answers: its sender knows of no such connection, or something in between answers in its place (RFC 9293, 3.5.2, group 1).") \
    X(RESET_DATA_AFTER_CLOSE, "reset.data_after_close", WARN, "RST answers data sent after close", \
      "The sender had closed and has nobody to give the data to, so it resets the connection (RFC 9293, 3.6.1; RFC 1122, 4.2.2.13).") \
    X(RESET_TIME_WAIT, "reset.time_wait_assassination", WARN, "RST in TIME_WAIT (RFC 1337)", \
      "The RST can end TIME_WAIT early, and an old duplicate may then disturb the next connection (RFC 1337).") \
    X(RESET_FORGOTTEN, "reset.forgotten", WARN, "RST: its sender has begun anew", \
      "Its sender has begun a new connection on the same ports, so it knows this one no longer and resets it (RFC 9293, 3.5.1).") \
    X(RESET_NOT_ACCEPTED, "reset.not_accepted", NOTE, "RST that its receiver does not accept", \
      "Its number is not the one that the receiver expects next (RFC 9293, 3.10.7.4; RFC 5961, 3).") \
    X(RESET_TTL_DIFFERS, "reset.ttl_differs", NOTE, "TTL differs from the sender's earlier frames", \
      "It came another way than the rest, perhaps from something in between: evidence, not proof (RFC 791, 3.2).") \
    X(RESET_TOO_EARLY, "reset.too_early", NOTE, "RST sooner than its sender could have answered", \
      "The segment that it answers had passed less than half the shortest round trip to its apparent sender before: evidence, not proof (RFC 9293, 3.5.2).") \
    X(RESET_SENDER_WENT_ON, "reset.sender_went_on", WARN, "its apparent sender goes on after the RST", \
      "Who resets a connection has none any more, so the RST was somebody else's (RFC 9293, 3.5.2).") \
    X(RESET_LOOP, "reset.loop", NOTE, "RSTs go on and on", \
      "Each end answers the other's answer to a RST; a RST is never to be answered by one, and a challenge ACK is to be followed by a RST that fits (RFC 9293, 3.5.2; RFC 5961, 3).") \
    /* Keep-alive, and the rest. */ \
    X(KEEPALIVE_PROBE, "keepalive.probe", CHAT, "keep-alive", \
      "It repeats the last acknowledged number so that the peer has to answer (RFC 9293, 3.8.4).") \
    X(KEEPALIVE_ANSWER, "keepalive.answer", CHAT, "answer to a keep-alive", \
      "The peer still has the connection (RFC 9293, 3.8.4).") \
    X(MIDSTREAM, "midstream", CHAT, "capture begins midstream", \
      "The first segment of the connection is not the SYN that opened it, so what went before is unknown (RFC 9293, 3.5).")
/* clang-format on */

typedef enum {
#define X(id, name, severity, text, why) TL_EVENT_##id,
    TL_EVENTS(X)
#undef X
        TL_EVENT_COUNT
} tl_event;

/** Those that a connection remembers of each end that raised them: its story tells of them.
 *
 *   X(identifier, name) */
#define TL_MARKS(X)                                         \
    X(OPEN_SYN_ACK_DIFFERS, "open.syn_ack_differs")         \
    X(CLOSE_FIN_RETRANSMITTED, "close.fin_retransmitted")   \
    X(CLOSE_FIN_MISPLACED, "close.fin_misplaced")           \
    X(CLOSE_DATA_AFTER_OWN_FIN, "close.data_after_own_fin") \
    X(RESET_SENDER_WENT_ON, "reset.sender_went_on")         \
    X(RESET_LOOP, "reset.loop")

typedef enum {
#define X(id, name) TL_MARK_##id,
    TL_MARKS(X)
#undef X
        TL_MARK_COUNT /**< at most 8: they are the bits of tl_end.marks */
} tl_mark;

#endif
