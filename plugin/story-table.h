/* story-table.h
 * The one list of sentences of which a connection's story is made, and the one of what to
 * look at next. They are data: story.c composes, test_story.py holds each against the facts,
 * and plugin/REFERENCE.md shows them.
 *
 *   X(part, when, text)
 *   X(when, text, source)
 *
 * Of each part the first sentence is told whose conditions hold and whose facts are known.
 *
 * when    conditions on facts, joined by "; ": `open` (it is known), `!open` (it is not),
 *         `open=3-way|split` (it is one of these), `closed_by=@reset.sender` (it is the
 *         same as that), `open.syns>1`, `reset.idle<1`. An event of TL_MARKS is a fact too: whose segment
 *         raised it
 * text    {fact} stands for its value, {fact|0} for that or, if there is none, for 0,
 *         {!closed_by} for the other end, {client} and {server} for address and port.
 *         A frame that is named is a deciding one, or answered by a RST
 * source  where the claim comes from
 *
 * A sentence is at most 200 bytes with the longest values. What is only likely says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_STORY_TABLE_H
#define TCPLIFE_STORY_TABLE_H

/* clang-format off */

/** In the order in which they are told. */
#define STORY_PARTS(X) \
    X(OPENING) \
    X(DATA) \
    X(CLOSING) \
    X(REASON)

#define STORY_SENTENCES(X) \
    /* Who opened, how and how fast. */ \
    X(OPENING, "open=3-way|fast open|simultaneous|split; open.syns>1; open.time", \
      "{client} opened a connection to {server} with {open.syns} SYNs in {open.time} (frames {frame.syn} to {frame.open_ack}).") \
    X(OPENING, "open=3-way|fast open|simultaneous|split; open.time; frame.open_ack", \
      "{client} opened a connection to {server} ({open}) in {open.time} (frames {frame.syn} to {frame.open_ack}).") \
    X(OPENING, "open=3-way|fast open|simultaneous|split; frame.open_ack", \
      "{client} opened a connection to {server} ({open}; frames {frame.syn} to {frame.open_ack}).") \
    X(OPENING, "open=3-way|fast open|simultaneous|split", \
      "{client} opened a connection to {server} ({open}); its handshake is not all in the capture.") \
    X(OPENING, "open=midstream; role.guessed", \
      "The capture begins midstream: of {client} and {server} the lower port is taken for the server's.") \
    X(OPENING, "open=midstream", \
      "The capture begins midstream in a connection that {client} opened to {server}.") \
    X(OPENING, "open=refused", \
      "{client} asked {server} for a connection and was refused (SYN in frame {frame.syn}, RST in frame {frame.rst}).") \
    X(OPENING, "open=refused", \
      "{client} was refused a connection to {server} (RST in frame {frame.rst}); its SYN is not in the capture.") \
    X(OPENING, "open=rejected by ICMP", \
      "{client} asked {server} for a connection (frame {frame.syn}), and an ICMP error rejected it.") \
    X(OPENING, "open=unanswered; !reset.cause; reset.count", \
      "{client} asked {server} for a connection (frame {frame.syn}, SYNs: {open.syns}), and met only RSTs.") \
    X(OPENING, "open=unanswered", \
      "{client} asked {server} for a connection (frame {frame.syn}, SYNs: {open.syns}), and nothing answered.") \
    X(OPENING, "open=half-open; frame.syn; frame.syn_ack", \
      "{client} sent {server} a SYN (frame {frame.syn}) and did not acknowledge the SYN/ACK (frame {frame.syn_ack}).") \
    X(OPENING, "open=half-open", \
      "{client} and {server} did not complete a handshake.") \
    X(OPENING, "open=overflow", \
      "{client} acknowledged the SYN/ACK of {server} (frame {frame.syn_ack}), which repeated it all the same.") \
    X(OPENING, "open=answered by ACK", \
      "{client} asked {server} for a connection (frame {frame.syn}), and a bare ACK of an older connection answered.") \
    X(OPENING, "open=reset by opener; frame.syn", \
      "{client} asked {server} for a connection (frame {frame.syn}) and met the SYN/ACK with a RST (frame {frame.rst}).") \
    X(OPENING, "open=reset by opener", \
      "{client} answered a SYN/ACK of {server} by a RST (frame {frame.rst}).") \
    X(OPENING, "open=orphan", \
      "Between {client} and {server} passed nothing that opens a connection, so nothing more can be known.") \
    X(OPENING, "frame.syn", \
      "{client} asks {server} for a connection (frame {frame.syn}); whether it opens is not decided.") \
    X(OPENING, "", \
      "Of {client} and {server} it is not known how they opened a connection.") \
    /* What passed. */ \
    X(DATA, "open.failed", NULL) \
    X(DATA, "close.no_data", \
      "Not one byte of data passed.") \
    X(DATA, "one_sided", \
      "Of the client {client.bytes|0} bytes passed and of the server {server.bytes|0}; {client.missing|0} and {server.missing|0} more were acknowledged and are not in the capture.") \
    X(DATA, "client.missing", \
      "The client sent {client.bytes|0} bytes and the server {server.bytes|0}; {client.missing} and {server.missing|0} that were acknowledged are not in the capture.") \
    X(DATA, "server.missing", \
      "The client sent {client.bytes|0} bytes and the server {server.bytes|0}; {client.missing|0} and {server.missing} that were acknowledged are not in the capture.") \
    X(DATA, "client.unacked; server.unacked", \
      "The client sent {client.bytes|0} bytes and the server {server.bytes|0}; {client.unacked} and {server.unacked} of these were not acknowledged and may be lost.") \
    X(DATA, "client.unacked", \
      "The client sent {client.bytes|0} bytes, of which {client.unacked} were not acknowledged and may be lost, and the server {server.bytes|0}.") \
    X(DATA, "server.unacked", \
      "The client sent {client.bytes|0} bytes, and the server {server.bytes|0}, of which {server.unacked} were not acknowledged and may be lost.") \
    X(DATA, "client.bytes", \
      "The client sent {client.bytes} bytes and the server {server.bytes|0}.") \
    X(DATA, "server.bytes", \
      "The client sent no data and the server {server.bytes} bytes.") \
    X(DATA, "open=3-way|fast open|simultaneous|split", \
      "No data passed.") \
    /* Who closed and how. */ \
    X(CLOSING, "open.failed", NULL) \
    X(CLOSING, "close=4-way; half_close.bytes; half_close.time", \
      "The {closed_by} closed first (frame {frame.fin_1}), the other end {half_close.time} after the ACK of that, with {half_close.bytes} bytes in between (frame {frame.fin_2}), and each FIN was acknowledged.") \
    X(CLOSING, "close=4-way; half_close.time", \
      "The {closed_by} closed first (frame {frame.fin_1}), the other end {half_close.time} after the ACK of that (frame {frame.fin_2}), and each FIN was acknowledged: a 4-way close in {close.time}.") \
    X(CLOSING, "close=4-way", \
      "The {closed_by} closed first (frame {frame.fin_1}), the other end later (frame {frame.fin_2}), and each FIN was acknowledged: a 4-way close in {close.time}.") \
    X(CLOSING, "close=3-way", \
      "The {closed_by} closed first (frame {frame.fin_1}), and the other end with the ACK of that, in one segment (frame {frame.fin_2}): a 3-way close in {close.time}.") \
    X(CLOSING, "close=simultaneous", \
      "Both ends closed at once: their FINs crossed (frames {frame.fin_1} and {frame.fin_2}), and both were acknowledged in {close.time}.") \
    X(CLOSING, "close=4-way|3-way|simultaneous", \
      "Both ends closed, and both FINs were acknowledged (frames {frame.fin_1_ack} and {frame.fin_2_ack}).") \
    X(CLOSING, "close=RST after FIN; closed_by=client|server; frame.fin_2; reset.sender", \
      "The {closed_by} closed (frame {frame.fin_1}), then the other end (frame {frame.fin_2}), and before both FINs were acknowledged a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=RST after FIN; closed_by=client|server; half_close.time; reset.sender", \
      "The {closed_by} closed (frame {frame.fin_1}); {half_close.time} after the ACK of that a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=RST after FIN; closed_by=both", \
      "Both ends closed, and before all was acknowledged a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=RST after FIN; closed_by=client|server", \
      "The {closed_by} closed (frame {frame.fin_1}), and a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=RST after FIN", \
      "An end had closed when a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=abort; open=midstream", \
      "No FIN had passed when a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=abort", \
      "Neither end had closed when a RST of the {reset.sender} ended the connection (frame {frame.rst}).") \
    X(CLOSING, "close=replaced", \
      "Nothing had ended it when a new connection took its ports.") \
    X(CLOSING, "close=silent; silence.side; silence.time", \
      "The {silence.side} did not answer any more: what the other end sent, and sent again (times: {silence.repeats|0}), had no answer for {silence.time}, up to the capture's end.") \
    X(CLOSING, "close=silent", \
      "One end is not heard any more: what the other end sent, and sent again, had no answer up to the capture's end.") \
    X(CLOSING, "close=FIN unacknowledged; silence.side; silence.time; closed_by=client|server", \
      "The {closed_by} closed (frame {frame.fin_1}); the {silence.side} did not acknowledge the other end's FIN, nor anything that was sent to it in the last {silence.time} of the capture.") \
    X(CLOSING, "close=FIN unacknowledged; silence.side; silence.time; closed_by=both", \
      "Both ends closed (frames {frame.fin_1} and {frame.fin_2}); the {silence.side} did not acknowledge the other end's FIN, nor anything that was sent to it in the last {silence.time} of the capture.") \
    X(CLOSING, "close=FIN unacknowledged", \
      "A FIN was not acknowledged up to the capture's end.") \
    X(CLOSING, "close=half-closed; half_close.time; half_close.bytes", \
      "The {closed_by} closed (frame {frame.fin_1}); the other end sent {half_close.bytes} bytes more and did not close within {half_close.time}, up to the capture's end.") \
    X(CLOSING, "close=half-closed; half_close.time", \
      "The {closed_by} closed (frame {frame.fin_1}), and the other end did not within {half_close.time}, up to the capture's end.") \
    X(CLOSING, "close=still open; !open", \
      "The capture ended too soon to tell.") \
    X(CLOSING, "close=still open; frame.fin_1; frame.fin_2", \
      "Both ends had closed (frames {frame.fin_1} and {frame.fin_2}), and the capture ended before both FINs were acknowledged.") \
    X(CLOSING, "close=still open; frame.fin_1", \
      "One end had closed (frame {frame.fin_1}) when the capture ended, and nothing tells how it went on.") \
    X(CLOSING, "close=still open", \
      "Nothing had ended it when the capture ended.") \
    X(CLOSING, "!close; frame.fin_1", \
      "One end has closed (frame {frame.fin_1}), and the end of the connection is not in sight.") \
    X(CLOSING, "!close", \
      "How it ends is not decided.") \
    /* What was wrong, and on what evidence. */ \
    X(REASON, "reset.cause; reset.sender_went_on=client|server", \
      "Earlier a RST had passed in the name of the {reset.sender_went_on}, which went on all the same: that RST was somebody else's.") \
    X(REASON, "reset.evidence; reset.answers; reset.idle_before>1", \
      "The RST may not be the {reset.sender}'s own ({reset.evidence}); it answers frame {reset.answers}, before which nothing new had passed for {reset.idle_before}.") \
    X(REASON, "reset.evidence; reset.answers", \
      "The RST may not be the {reset.sender}'s own ({reset.evidence}); it answers frame {reset.answers} ({reset.answers_kind}).") \
    X(REASON, "reset.cause; reset.evidence", \
      "The RST may not be the {reset.sender}'s own; what speaks for that: {reset.evidence}.") \
    X(REASON, "reset.sender_went_on=client|server", \
      "A RST passed in the name of the {reset.sender_went_on}, which went on all the same: that RST was somebody else's.") \
    X(REASON, "!reset.cause; reset.evidence", \
      "Of the RSTs that passed (in all {reset.count}) none ended anything, and the first may not be its apparent sender's own: {reset.evidence}.") \
    X(REASON, "!reset.cause; reset.loop", \
      "Of the RSTs that passed (in all {reset.count}) none ended anything: each end answered the other's answers, again and again.") \
    X(REASON, "!open.failed; !reset.cause; reset.verdict=challenged|ignored", \
      "Of the RSTs that passed (in all {reset.count}) none is known to have ended anything; the first was {reset.verdict}: its number is not what was expected.") \
    X(REASON, "one_sided", \
      "One end is missing from the capture, so what that did can only be told from the other one's segments.") \
    X(REASON, "close.data_after_own_fin=client|server", \
      "The {close.data_after_own_fin} sent new data after its own FIN, which no end may do.") \
    X(REASON, "open.syn_ack_differs; open=3-way|fast open|half-open|overflow|reset by opener|refused", \
      "SYN/ACKs with different numbers answered the SYN: behind the server's address stand two servers, or one without memory.") \
    X(REASON, "reset.cause=forgotten; close=4-way|3-way|simultaneous", \
      "A new connection of the {reset.sender} on the same ports met what was left of this one, and sent it a RST (frame {frame.rst}).") \
    X(REASON, "reset.cause=forgotten; open.failed", \
      "Then the {reset.sender} began a new connection on the same ports, and sent this one a RST (frame {frame.rst}).") \
    X(REASON, "reset.cause=forgotten", \
      "Its sender had begun a new connection on the same ports, and knew the old one no longer.") \
    X(REASON, "reset.cause=keep-alive; keepalive.unanswered>1", \
      "That RST answers a keep-alive (frame {reset.answers}): the {reset.sender} has no such connection any more; of the keep-alives before, {keepalive.unanswered} had no answer.") \
    X(REASON, "reset.cause=keep-alive", \
      "That RST answers a keep-alive (frame {reset.answers}): the {reset.sender} has no such connection any more.") \
    X(REASON, "reset.cause=keep-alive timeout; silence.time", \
      "Its keep-alives had not been answered for {silence.time}.") \
    X(REASON, "reset.cause=keep-alive timeout", \
      "Its keep-alives had not been answered.") \
    X(REASON, "reset.cause=zero window; reset.sender=client; server.zero_window", \
      "The server had advertised a window of 0 for {server.zero_window}, and the client's probes of it brought no opening.") \
    X(REASON, "reset.cause=zero window; reset.sender=server; client.zero_window", \
      "The client had advertised a window of 0 for {client.zero_window}, and the server's probes of it brought no opening.") \
    X(REASON, "reset.cause=retransmission timeout; silence.time", \
      "What the {reset.sender} had sent was not answered for {silence.time}, although it was repeated.") \
    X(REASON, "reset.cause=retransmission timeout", \
      "What the {reset.sender} had sent was not answered, although it was repeated.") \
    X(REASON, "reset.cause=data after close; close.race", \
      "The {reset.sender} had closed, and {close.race} bytes that met its FIN on their way found nobody to take them.") \
    X(REASON, "reset.cause=data after close", \
      "The {reset.sender} had closed, and data came for it that nobody was there to take.") \
    X(REASON, "reset.cause=after own FIN; reset.form=answer", \
      "That RST is made of frame {reset.answers} ({reset.answers_kind}): the {reset.sender}, which had sent its FIN, has no such connection any more.") \
    X(REASON, "reset.cause=after own FIN", \
      "The {reset.sender} had sent its FIN before, and gave up what was left.") \
    X(REASON, "reset.cause=no connection; open.failed; reset.answers; frame.syn_ack", \
      "A RST is made of frame {reset.answers} ({reset.answers_kind}), although frame {frame.syn_ack} had offered a connection.") \
    X(REASON, "reset.cause=no connection; open.failed", \
      "A RST ended the opening (frame {frame.rst}) as of an end that knows of no such connection.") \
    X(REASON, "reset.cause=no connection; reset.answers_kind=ACK; reset.sender=client; server.zero_window>1", \
      "The server's window had been closed for {server.zero_window} in all; when its next ACK came (frame {reset.answers}), the client had no such connection any more.") \
    X(REASON, "reset.cause=no connection; reset.answers_kind=ACK; reset.sender=server; client.zero_window>1", \
      "The client's window had been closed for {client.zero_window} in all; when its next ACK came (frame {reset.answers}), the server had no such connection any more.") \
    X(REASON, "reset.cause=no connection; reset.answers=@frame.open_ack; reset.idle<1", \
      "It is made of frame {reset.answers}, the very ACK that completed the handshake, as by one that knows of no such connection.") \
    X(REASON, "reset.cause=no connection; reset.sender=client; client.unacked; reset.idle_before>1", \
      "It is made of frame {reset.answers} ({reset.answers_kind}) as by one that knows of no such connection; nothing new had passed for {reset.idle_before} before, and {client.unacked} bytes of it were never acknowledged.") \
    X(REASON, "reset.cause=no connection; reset.sender=server; server.unacked; reset.idle_before>1", \
      "It is made of frame {reset.answers} ({reset.answers_kind}) as by one that knows of no such connection; nothing new had passed for {reset.idle_before} before, and {server.unacked} bytes of it were never acknowledged.") \
    X(REASON, "reset.cause=no connection; reset.idle_before>1", \
      "It is made of frame {reset.answers} ({reset.answers_kind}) as by one that knows of no such connection; before that nothing new had passed for {reset.idle_before}.") \
    X(REASON, "reset.cause=no connection", \
      "It is made of frame {reset.answers} ({reset.answers_kind}) as by one that knows of no such connection.") \
    X(REASON, "reset.cause=abort; open.failed", \
      "The {reset.sender} gave the opening up by a RST (frame {frame.rst}).") \
    X(REASON, "reset.cause=abort; reset.form=own; client.zero_window>29", \
      "It has the {reset.sender}'s own next number, as a socket sends it whose program gives up; the client had advertised a window of 0 for {client.zero_window} in all.") \
    X(REASON, "reset.cause=abort; reset.form=own; server.zero_window>29", \
      "It has the {reset.sender}'s own next number, as a socket sends it whose program gives up; the server had advertised a window of 0 for {server.zero_window} in all.") \
    X(REASON, "reset.cause=abort; reset.form=own; reset.idle>29", \
      "It has the {reset.sender}'s own next number, as a socket sends it whose program gives up; nothing new had passed for {reset.idle}.") \
    X(REASON, "reset.cause=abort; reset.form=own", \
      "It has the {reset.sender}'s own next number, as a socket sends it whose program gives up: an abort.") \
    X(REASON, "reset.cause=abort; close", \
      "Its numbers do not tell whether a program gave up, or whether the {reset.sender} knew of no such connection.") \
    X(REASON, "reset.cause=TIME_WAIT", \
      "A RST met TIME_WAIT (frame {frame.rst}), and cut it short unless its receiver ignores such RSTs.") \
    X(REASON, "reset.cause=refused; reset.answers_kind=ACK|data|FIN", \
      "The RST is made of frame {reset.answers} ({reset.answers_kind}), which does not complete the handshake.") \
    X(REASON, "reset.cause=refused; reset.answers", \
      "The RST is made of frame {reset.answers} ({reset.answers_kind}), as by a host where nobody listens on that port.") \
    X(REASON, "open=refused", \
      "Nobody takes connections on that port, or something on the way says so.") \
    X(REASON, "open=overflow", \
      "Nothing shows that the server ever took the connection.") \
    X(REASON, "open=unanswered; !reset.cause; reset.verdict=ignored", \
      "Of the RSTs (in all {reset.count}) the first does not acknowledge the SYN, so it refuses nothing.") \
    X(REASON, "open=unanswered; !reset.cause; reset.verdict=accepted", \
      "The first of the RSTs (in all {reset.count}) ended an earlier try, and the last SYN had no answer.") \
    X(REASON, "open=unanswered", \
      "Whether the SYN was lost, filtered or ignored cannot be known from here.") \
    X(REASON, "open=half-open", \
      "Whether the SYN/ACK or the answer to it was lost, or the SYN/ACK was not wanted, cannot be known from here.") \
    X(REASON, "close.race", \
      "In all {close.race} bytes met the other end's FIN and were never acknowledged.") \
    X(REASON, "reset.cause=late", \
      "A RST that came after the end changed nothing.") \
    X(REASON, "close.fin_misplaced=client|server", \
      "The {close.fin_misplaced} also sent a FIN that does not fit: its number was that of data already sent, or of no connection.") \
    X(REASON, "close.fin_retransmitted=client|server; close=4-way|3-way|simultaneous", \
      "The {close.fin_retransmitted} sent its FIN more than once: the FIN or the ACK of it was lost or late.") \
    X(REASON, "client.zero_window>1", \
      "The client had advertised a window of 0 for {client.zero_window} in all.") \
    X(REASON, "server.zero_window>1", \
      "The server had advertised a window of 0 for {server.zero_window} in all.") \
    X(REASON, "open; !open.failed; reuse.phase; reuse.gap", \
      "The same ports had been used {reuse.gap} before, by connection {reuse.connection}, which was left in {reuse.phase}.")

/** What it usually means, and what to look at next. */
#define STORY_ADVICE(X) \
    X("reset.sender_went_on=client|server", \
      "Look for what sends RSTs in the {reset.sender_went_on}'s name: an intrusion filter or proxy on the way, or somebody who knows the numbers; capture at the {reset.sender_went_on} too.", \
      "RFC 3360, 2.1; RFC 5961, 1.1") \
    X("reset.evidence=TTL|too early|TTL, too early; reset.idle_before>29; reset.sender", \
      "Likely a firewall or NAT on the way to the {reset.sender} had forgotten the idle connection: compare its idle timer with that time, or let the ends send keep-alives.", \
      "RFC 5382, 5; RFC 3360, 2.1; Linux Documentation/networking/nf_conntrack-sysctl.rst: nf_conntrack_tcp_timeout_established") \
    X("reset.evidence=TTL|too early|TTL, too early; reset.sender", \
      "Look for a firewall, NAT, proxy or intrusion filter on the way to the {reset.sender} that sends RSTs in its name.", \
      "RFC 3360, 2.1; RFC 5382, 5; nftables: reject with tcp reset") \
    X("!reset.cause; reset.evidence=TTL|too early|TTL, too early", \
      "Look for what sends RSTs in that end's name: an intrusion filter or proxy on the way, or somebody who guesses the numbers.", \
      "RFC 3360, 2.1; RFC 5961, 1.1") \
    X("close.data_after_own_fin=client|server", \
      "Look whether two hosts share the {close.data_after_own_fin}'s address, or whether something on the way sends in its name.", \
      "RFC 9293, 3.6") \
    X("open.syn_ack_differs; open=3-way|fast open|half-open|overflow|reset by opener|refused", \
      "Look at the load balancer or the routes: they lead one client's segments to two servers, so that one of them knows nothing of what the other began.", \
      "RFC 9293, 3.4.1; RFC 2991, 2") \
    X("reset.cause=forgotten; close=4-way|3-way|simultaneous", \
      "The ports were used again within TIME_WAIT: let the {reset.sender} close first, use more ports, or time stamps, which let TIME_WAIT take a new SYN.", \
      "RFC 9293, 3.5.1 and 3.6.1; RFC 6191, 2") \
    X("reset.cause=forgotten", \
      "Look whether the {reset.sender} crashed or was restarted, and came back on the same port.", \
      "RFC 9293, 3.5.1") \
    X("open=overflow", \
      "Most likely the accept queue is full: the program accepts too slowly (ss -ltn; listen(), net.core.somaxconn); or the ACKs get lost, as in a filter that did not see the SYN/ACK.", \
      "Linux listen(2); Documentation/networking/ip-sysctl.rst: somaxconn, tcp_abort_on_overflow; RFC 2979, 3.1.1") \
    X("open=unanswered; !reset.cause; reset.verdict=ignored", \
      "Look at what sends that RST, the server's TCP or a filter: one that refuses a SYN acknowledges its number plus 1, else the client takes it for a stray and asks again.", \
      "RFC 9293, 3.5.2, group 1, and 3.10.7.3") \
    X("open=unanswered", \
      "Look for a filter that drops, the route there and back, and whether the server sees the SYN (capture there); the client's patience is net.ipv4.tcp_syn_retries.", \
      "RFC 9293, 3.8.3; RFC 2979, 3.1.1; Linux Documentation/networking/ip-sysctl.rst: tcp_syn_retries") \
    X("open=half-open; reset.cause=no connection", \
      "Likely two answer at the server's address, as a second server or a filter that rejects, or its listener was closed in between.", \
      "RFC 9293, 3.5.2, group 1; RFC 3360, 2.1; RFC 2991, 2") \
    X("open=half-open; reuse.phase", \
      "Likely an old SYN that came after its connection was over, or ports that are used again and a way back that is blocked: look at the filters between server and client.", \
      "RFC 9293, 3.5, figure 8") \
    X("open=half-open; reset.cause=abort; reset.sender=server", \
      "Likely the program on the server closed its listener, or one that had opened by Fast Open; if it only gave up, look at the way back to the client.", \
      "RFC 9293, 3.10.4; RFC 7413, 4.2.2") \
    X("open=half-open; open.syns>1", \
      "The client asked again, so likely the SYN/ACK does not reach it: look at the way back, and at a NAT or filter that sees one direction only.", \
      "RFC 9293, 3.8.1; RFC 5382, 4.2") \
    X("open=half-open", \
      "Likely a scan, a flood with forged addresses, or a way that is blocked, there or back: look at the routes, and at filters between client and server that see one direction only.", \
      "RFC 4987, 2") \
    X("reset.cause=keep-alive; closed_by=@reset.sender; frame.fin_1_ack; !frame.fin_2", \
      "The {!closed_by} never closed; most likely the {closed_by} had forgotten its half after its FIN_WAIT_2 time-out, set there on Linux by net.ipv4.tcp_fin_timeout.", \
      "RFC 9293, 3.6; Linux Documentation/networking/ip-sysctl.rst: tcp_fin_timeout") \
    X("reset.cause=after own FIN; reset.form=answer; closed_by=@reset.sender; frame.fin_1_ack", \
      "The {!closed_by} came too late; most likely the {closed_by} had forgotten its half after its FIN_WAIT_2 time-out, set there on Linux by net.ipv4.tcp_fin_timeout.", \
      "RFC 9293, 3.6; Linux Documentation/networking/ip-sysctl.rst: tcp_fin_timeout") \
    X("reset.cause=keep-alive; keepalive.unanswered>1", \
      "Likely the {reset.sender} gave the connection up, or restarted, while keep-alives had no answer: look what kept them or their answers away (a filter, the way, a host that was down).", \
      "RFC 9293, 3.8.4; RFC 5382, 5; Linux tcp(7): TCP_KEEPCNT") \
    X("reset.cause=keep-alive", \
      "Usually the {reset.sender} restarted, or an idle timer on the way is shorter than the keep-alive interval: compare it with net.ipv4.tcp_keepalive_time.", \
      "RFC 9293, 3.8.4; RFC 5382, 5; Linux Documentation/networking/ip-sysctl.rst: tcp_keepalive_time") \
    X("reset.cause=keep-alive timeout", \
      "Look whether the {!reset.sender} is up and the way to it works; the patience is that of tcp_keepalive_time, _intvl and _probes on the {reset.sender}.", \
      "RFC 9293, 3.8.4; Linux tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT") \
    X("reset.cause=zero window", \
      "Look why the program on the {!reset.sender} does not read; how long that is borne, the program or TCP_USER_TIMEOUT on the {reset.sender} says.", \
      "RFC 9293, 3.8.6.1; Linux tcp(7): TCP_USER_TIMEOUT") \
    X("reset.cause=retransmission timeout", \
      "Look whether the {!reset.sender} is up, and whether a firewall or NAT on the way had forgotten the connection and drops it; who gave up is the {reset.sender}'s program or system.", \
      "RFC 9293, 3.8.3; RFC 5382, 5") \
    X("reset.cause=data after close; close.race", \
      "Usual where one end closes an idle connection just as the other one uses it again: let the {!reset.sender} send it again anew, or give connections up sooner than the {reset.sender}.", \
      "RFC 9112, 9.5; RFC 9293, 3.6.1") \
    X("reset.cause=data after close", \
      "The {!reset.sender} wrote after the other end had closed: that program was gone, or its half forgotten after tcp_fin_timeout (Linux); let them agree who speaks last.", \
      "RFC 9293, 3.6.1; RFC 1122, 4.2.2.13; Linux Documentation/networking/ip-sysctl.rst: tcp_fin_timeout") \
    X("reset.cause=no connection; reset.answers_kind=ACK; reset.sender=client; server.zero_window>1", \
      "Look why the program on the server did not read; likely the client had given up meanwhile (TCP_USER_TIMEOUT or tcp_retries2, on Linux without a RST) or was restarted.", \
      "RFC 9293, 3.8.6.1; Linux tcp(7): TCP_USER_TIMEOUT; Documentation/networking/ip-sysctl.rst: tcp_retries2") \
    X("reset.cause=no connection; reset.answers_kind=ACK; reset.sender=server; client.zero_window>1", \
      "Look why the program on the client did not read; likely the server had given up meanwhile (TCP_USER_TIMEOUT or tcp_retries2, on Linux without a RST) or was restarted.", \
      "RFC 9293, 3.8.6.1; Linux tcp(7): TCP_USER_TIMEOUT; Documentation/networking/ip-sysctl.rst: tcp_retries2") \
    X("reset.cause=no connection; reset.answers=@frame.open_ack; reset.idle<1; reset.sender=server", \
      "The ACK of its SYN/ACK was refused: likely the accept queue was full (Linux: tcp_abort_on_overflow) or the listener just closed, or a SYN proxy or another host had sent that SYN/ACK.", \
      "Linux Documentation/networking/ip-sysctl.rst: tcp_abort_on_overflow; RFC 9293, 3.5.2, group 2; RFC 4987, 3.8") \
    X("reset.cause=no connection; reset.sender=client; client.unacked; reset.idle_before>29", \
      "Likely the client had given up what nobody acknowledged (Linux: tcp_retries2, tcp_orphan_retries, without a RST): look why that did not get through; else it restarted.", \
      "RFC 9293, 3.8.3; Linux Documentation/networking/ip-sysctl.rst: tcp_retries2, tcp_orphan_retries") \
    X("reset.cause=no connection; reset.sender=server; server.unacked; reset.idle_before>29", \
      "Likely the server had given up what nobody acknowledged (Linux: tcp_retries2, tcp_orphan_retries, without a RST): look why that did not get through; else it restarted.", \
      "RFC 9293, 3.8.3; Linux Documentation/networking/ip-sysctl.rst: tcp_retries2, tcp_orphan_retries") \
    X("reset.cause=no connection; reset.idle_before>29", \
      "Likely an idle timer ran out: of a NAT or firewall on the way (conntrack: nf_conntrack_tcp_timeout_established), or the {reset.sender} restarted.", \
      "RFC 5382, 5; Linux Documentation/networking/nf_conntrack-sysctl.rst: nf_conntrack_tcp_timeout_established") \
    X("reset.cause=no connection; reset.answers_kind=SYN/ACK", \
      "The {reset.sender} met a SYN/ACK that came again as if it knew of none: likely its program had given up and its socket was gone; or a NAT on the way had forgotten it.", \
      "RFC 9293, 3.5.2, group 2; RFC 5382, 5") \
    X("reset.cause=no connection", \
      "Look whether the {reset.sender} restarted or crashed, or whether a NAT, firewall or load balancer on the way lost or moved the connection.", \
      "RFC 9293, 3.5.1 and 3.5.2; RFC 5382, 5") \
    X("reset.cause=after own FIN; reset.form=answer", \
      "Most likely the {reset.sender}'s socket was gone by then: it had been closed for good, or its system was restarted or had forgotten it.", \
      "RFC 9293, 3.5.2") \
    X("reset.cause=after own FIN", \
      "Likely its program gave the rest up, by SO_LINGER with 0 or an end with unread data in the buffer, while the {!reset.sender} still had something to say.", \
      "RFC 1122, 4.2.2.13; RFC 2525, 2.17; Linux socket(7): SO_LINGER") \
    X("reset.cause=abort; reset.form=own; client.zero_window>29", \
      "Look why the program on the client did not read; likely the {reset.sender} gave the connection up for that, by a time-out of its program or with what was not read.", \
      "RFC 9293, 3.8.6; RFC 2525, 2.17") \
    X("reset.cause=abort; reset.form=own; server.zero_window>29", \
      "Look why the program on the server did not read; likely the {reset.sender} gave the connection up for that, by a time-out of its program or with what was not read.", \
      "RFC 9293, 3.8.6; RFC 2525, 2.17") \
    X("reset.cause=abort; reset.form=own; reset.idle>29", \
      "Likely an idle time-out of the program on the {reset.sender}; compare it with that time, or let the {!reset.sender} give idle connections up sooner.", \
      "RFC 9112, 9.5; RFC 1122, 4.2.2.13") \
    X("reset.cause=abort; reset.form=own; reset.sender=server", \
      "Look at the program on the server: SO_LINGER with 0, a close (or a kill) with unread data in the buffer, or a listener that was closed before it accepted.", \
      "RFC 1122, 4.2.2.13; RFC 2525, 2.17; Linux socket(7): SO_LINGER") \
    X("reset.cause=abort; reset.form=own", \
      "Look at the program on the {reset.sender}: SO_LINGER with 0, or a close (or a kill) with unread data in the buffer.", \
      "RFC 1122, 4.2.2.13; RFC 2525, 2.17; Linux socket(7): SO_LINGER") \
    X("reset.cause=abort; close", \
      "Look on the {reset.sender}: a program that gives up (SO_LINGER with 0, unread data), a restart; or on the way for what sends RSTs in its name.", \
      "RFC 1122, 4.2.2.13; RFC 9293, 3.5.2; RFC 3360, 2.1") \
    X("reset.cause=TIME_WAIT", \
      "Old duplicates may disturb the next connection on these ports; RFC 1337 has TIME_WAIT ignore RSTs, Linux with net.ipv4.tcp_rfc1337.", \
      "RFC 1337; Linux Documentation/networking/ip-sysctl.rst: tcp_rfc1337") \
    X("open=refused; reset.answers_kind=ACK|data|FIN", \
      "The server does listen, but its SYN/ACK was answered with other numbers: likely the SYN is an old one, or an older connection holds the ports on the client.", \
      "RFC 9293, 3.5.1 and 3.5.2, group 2") \
    X("open=refused", \
      "Look on the server whether the service runs and listens on this address and port (ss -ltn), and for filters that reject.", \
      "RFC 9293, 3.5.2, group 1; Linux ss(8)") \
    X("open=rejected by ICMP", \
      "Look at the host that sent the ICMP error: a filter that rejects, or a route that is missing.", \
      "RFC 1122, 3.2.2.1; RFC 5461, 4.1") \
    X("open=orphan; reuse.phase", \
      "Likely what was left of an older connection on these ports, or an answer that came too late for it.", \
      "RFC 9293, 3.4 and 3.5.1") \
    X("open=orphan", \
      "Likely a scan, the answers to a flood with forged addresses, or a capture that misses one direction.", \
      "RFC 4987, 2") \
    X("open=answered by ACK", \
      "An older connection holds the ports on the server: the client reused its port too soon or crashed (time stamps let TIME_WAIT be reused), or the SYN was forged.", \
      "RFC 9293, 3.5.1 and 3.6.1; RFC 6191, 2; RFC 5961, 4") \
    X("open=reset by opener; open.syns>1; reset.count>1", \
      "Likely what asks is not what meets the SYN/ACK: a NAT on the way back that does not know it, or a program with a TCP of its own, whose system sends the RST.", \
      "RFC 5382, 4.2; RFC 9293, 3.5.2") \
    X("open=reset by opener", \
      "Usual for a scan or a health check, an old SYN, or a program that had given up while the SYN/ACK was on its way; else a NAT on the way back may not know it.", \
      "RFC 9293, 3.5.2") \
    X("close=silent", \
      "Look whether the {silence.side} is up, and whether a filter or NAT on the way dropped the connection without a RST.", \
      "RFC 9293, 3.8.3; RFC 5382, 5") \
    X("close=FIN unacknowledged; close.fin_misplaced=@closed_by", \
      "Look at the TCP of the {closed_by}: its FINs have different numbers, and the other end takes none but the one that comes next.", \
      "RFC 9293, 3.4 and 3.10.7.4") \
    X("close=FIN unacknowledged; silence.side=client; client.zero_window>1", \
      "Look why the program on the client does not read: its window was closed, and a system without room may drop a FIN too; if nothing comes of it at all, look whether it is up.", \
      "RFC 9293, 3.8.6.1 and 3.10.7.4") \
    X("close=FIN unacknowledged; silence.side=server; server.zero_window>1", \
      "Look why the program on the server does not read: its window was closed, and a system without room may drop a FIN too; if nothing comes of it at all, look whether it is up.", \
      "RFC 9293, 3.8.6.1 and 3.10.7.4") \
    X("close=FIN unacknowledged; silence.side=client; server.unacked", \
      "Look whether the client is up and the way to it works; if it still answers, the {server.unacked} bytes before that FIN do not reach it (MTU, a filter), and it takes no FIN before them.", \
      "RFC 9293, 3.8.3 and 3.10.7.4; RFC 2923, 2.1") \
    X("close=FIN unacknowledged; silence.side=server; client.unacked", \
      "Look whether the server is up and the way to it works; if it still answers, the {client.unacked} bytes before that FIN do not reach it (MTU, a filter), and it takes no FIN before them.", \
      "RFC 9293, 3.8.3 and 3.10.7.4; RFC 2923, 2.1") \
    X("close=FIN unacknowledged", \
      "Look whether the {silence.side} is up, and whether something on the way had dropped the connection before.", \
      "RFC 9293, 3.8.3; RFC 5382, 5") \
    X("close=half-closed; closed_by=client|server", \
      "The program on the {!closed_by} has not called close (ss shows CLOSE-WAIT there); look for a leaked socket, or a response that is still to come.", \
      "RFC 9293, 3.6; Linux ss(8)") \
    X("close=4-way; closed_by=client|server; half_close.time>5; !half_close.bytes", \
      "The program on the {!closed_by} took its time to call close (CLOSE_WAIT): look what it waited for.", \
      "RFC 9293, 3.6; Linux ss(8)") \
    X("client.zero_window>1", \
      "Look why the program on the client reads so slowly, or not at all.", \
      "RFC 9293, 3.8.6") \
    X("server.zero_window>1", \
      "Look why the program on the server reads so slowly, or not at all.", \
      "RFC 9293, 3.8.6") \
    X("open=3-way|fast open; open.syns>1; open.time>1", \
      "Look why the first SYN had no answer in time: it or the SYN/ACK was lost, a filter dropped it, or the accept queue was full (Linux: TcpExtListenDrops of nstat).", \
      "RFC 9293, 3.8.1; Linux Documentation/networking/snmp_counter.rst: TcpExtListenDrops") \
    X("open=3-way|fast open; open.client_time>1", \
      "Likely the first ACK of the SYN/ACK did not count for the server: it was lost, the accept queue was full, or TCP_DEFER_ACCEPT had the server wait for data.", \
      "RFC 9293, 3.8.1; Linux tcp(7): TCP_DEFER_ACCEPT")

/* clang-format on */

#endif
