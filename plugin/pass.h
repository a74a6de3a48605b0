/* pass.h
 * One segment on its way through a connection: what the parts of the core that
 * follow it (opening.c, exchange.c, reset.c) share. Private to the core.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_PASS_H
#define TCPLIFE_PASS_H

#include "lifecycle.h"

/** The widest window that TCP can advertise, bytes (RFC 7323, 2.3). */
#define WIDEST_WINDOW (1 << 30)
/** tl_end.rtt before a round trip was seen. */
#define NO_RTT UINT32_MAX

/* One segment on its way through the connection. */
typedef struct {
    tl_connection *c;
    const tl_segment *s;
    const tl_settings *settings;
    tl_report *r;
    tl_end *x, *y; /* its sender and its receiver */
    int64_t now;
    uint32_t next;    /* number after the segment: its data and its FIN */
    tcp_state before; /* the phase before it */
    bool acked_fin;   /* it was the first ACK of the peer's FIN */
    bool acked_isn;   /* it acknowledged the peer's ISN, which was open before */
    bool belongs;     /* it comes late and belongs to the close all the same: a repeated FIN, the ACK
                          that answers one, what shows that a RST closed nothing */
} pass;

static inline uint8_t end_side(const tl_connection *c, const tl_end *e)
{
    return e == &c->end[1];
}

static inline tl_role end_role(const tl_connection *c, const tl_end *e)
{
    return end_side(c, e) == c->client ? TL_CLIENT : TL_SERVER;
}

/* The steps that e's FIN and the ACK of it are. */
static inline tl_step end_fin_step(const tl_connection *c, const tl_end *e)
{
    return end_side(c, e) == c->fin_first ? TL_STEP_FIN_1 : TL_STEP_FIN_2;
}

static inline tl_step end_fin_ack_step(const tl_connection *c, const tl_end *e)
{
    return end_side(c, e) == c->fin_first ? TL_STEP_FIN_1_ACK : TL_STEP_FIN_2_ACK;
}

/* SND.UNA is SND.NXT. */
static inline bool end_is_all_acked(const tl_end *e, const tl_end *peer)
{
    return peer->has_told && peer->told == e->nxt && (!e->has_fin || e->fin_acked);
}

static inline bool end_is_synchronized(const tl_end *e)
{
    return e->state >= TCP_ESTABLISHED;
}

static inline bool phase_is_over(tcp_state phase)
{
    return phase == TCP_TIME_WAIT || phase == TCP_CLOSED;
}

/* Saying what happens. */

/** Raise an event at this frame. The result is valid until the next call. */
tl_raised *pass_raise(pass *t, tl_event event, uint32_t number);

/** This frame plays the part: remember it; name the part unless it is a repetition. */
void pass_decide(pass *t, tl_step step, bool repeated);

/** The same, where the first of several frames decides. */
void pass_decide_first(pass *t, tl_step step);

/** The same, where the last of several decides, but the part is named only once. */
void pass_decide_once(pass *t, tl_step step);

/* Moving the ends. */

/** Move an end to another state, if it is another. */
void pass_enter(pass *t, tl_end *e, tcp_state to);

/** Move an end that sent a segment of this kind. */
void pass_sent(pass *t, tl_end *e, tcp_kind kind);

/** Move an end that receives a segment of this kind without a word; what follows may disprove it. */
void pass_received(pass *t, tl_end *e, tcp_kind kind);

/** Take a silent move back: the clock of the old state runs on from when the end entered it. */
void pass_undo(pass *t, tl_end *e, tcp_state to);

/** Whether the sender knew what had passed at `then` (ns) when it sent this
 *  segment: what was in flight proves nothing. */
bool pass_knew(const pass *t, int64_t then);

/** Tell client from server by the ports, for want of anything better. */
void pass_guess_roles(pass *t);

/* Numbers and round trips. */

/** The sender is alive, and tells its window. */
void pass_hear(pass *t);

/** The sender sent something new that the receiver has to acknowledge. */
void pass_asked(pass *t);

/** The sender repeats itself. */
void pass_sent_again(pass *t);

/** The segment's ACK may end a round trip between us and its sender. */
void pass_measure_round_trip(pass *t);

/** Whether the segment's numbers fit the connection (RFC 9293, 3.4). */
bool pass_has_numbers_of(const pass *t);

/** The same; one that does not fit is remembered, in case that its peer acknowledges it. */
bool pass_fits(pass *t);

/** The end of what e is known to have sent; false if nothing is known. */
bool end_known_next(const tl_end *e, const tl_end *peer, uint32_t *next);

/* opening.c */

/** A SYN, a SYN/ACK. */
void pass_on_syn(pass *t);
void pass_on_syn_ack(pass *t);

/** The first segment of a stream or life: its addresses and ports may have been used before. */
void pass_raise_reuse(pass *t);

/** An ACK while the handshake is under way; false if it is none of this connection's. */
bool pass_opening_ack(pass *t);

/** Whether the segment is one that only a synchronized end sends: it has data, or
 *  acknowledges some. */
bool pass_is_synchronized_talk(const pass *t);

/** The handshake may be complete with this segment. */
void pass_complete_opening(pass *t);

/** The kind of an opening that is complete and whose SYN was seen: the event that says it. */
tl_event connection_opening(const tl_connection *c);

/** The sender's SYN, which nothing has answered, is rejected by an ICMP error. */
void pass_reject(pass *t, uint16_t error);

/* exchange.c */

/** A segment with ACK, without SYN and RST: acknowledges, carries data, closes. */
void pass_on_ack(pass *t);

/** A first segment of which nothing is known but that the connection is open. */
void pass_begin_midstream(pass *t);

/* reset.c */

/** A RST. */
void pass_on_rst(pass *t);

/** A segment that fits, other than a RST, of an end that a RST may have closed. */
void pass_disprove_reset(pass *t);

#endif
