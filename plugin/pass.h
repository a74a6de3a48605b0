/* pass.h
 * One segment on its way through a connection: what the parts of the core that
 * follow it share. Private to the core. From the ground up:
 *
 *   pass.c      saying what happens; round trips
 *   moves.c     the states of the ends: who writes them, what is silent, what is undone
 *   numbers.c   which numbers fit
 *   gaps.c      what did not pass byte after byte
 *   opening.c   SYNs, and ACKs while the handshake is under way
 *   closing.c   FINs and the ACKs of them
 *   exchange.c  ACKs, data, keep-alives
 *   evidence.c  what a RST answers, and what says that it is not its apparent sender's
 *   reset.c     RSTs and ICMP errors, and what disproves them
 *   lifecycle.c a whole segment
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
    tl_connection *newer; /* has begun on the same 4-tuple after it; or NULL */
    const tl_segment *s;
    const tl_world *world;
    tl_report *r;
    tl_end *x, *y; /* its sender and its receiver */
    int64_t now;
    uint32_t next;    /* number after the segment: its data and its FIN */
    tcp_state before; /* the phase before it */
    bool vouched;     /* its SEQ is beyond every window: its ACK alone, which is just what is expected,
                         tells that it fits */
    bool hidden;      /* a claim stands: the segment is followed beneath it, and nothing is said of it */
    bool acked_isn;   /* it acknowledged the peer's ISN, which was open before */
    bool is_probe;    /* it is a keep-alive */
    bool opens;       /* it opens its sender's window, which was closed */
    int64_t content;  /* time of the last data, SYN or FIN before it; TL_NO_TIME: none */
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

static inline tl_end *end_peer(tl_connection *c, const tl_end *e)
{
    return &c->end[!end_side(c, e)];
}

/* SND.UNA is SND.NXT. */
static inline bool end_is_all_acked(const tl_end *e, const tl_end *peer)
{
    return peer->has_told && peer->told == e->nxt && (!e->has_fin || e->fin_acked);
}

/* The highest number of it that may be acknowledged: a FIN in its SYN counts when it is. */
static inline uint32_t end_edge(const tl_end *e)
{
    return e->nxt + (e->syn_fin && !e->has_fin && !e->spoke ? 1 : 0);
}

/* How often it has repeated what has no answer. */
static inline uint32_t end_repeats(const tl_end *e)
{
    const uint32_t probes = e->probes > 0 ? e->probes - 1u : 0;

    return probes > e->repeats ? probes : e->repeats;
}

static inline bool end_is_synchronized(const tl_end *e)
{
    return !e->borrowed && e->state >= TCP_ESTABLISHED;
}

static inline bool phase_is_over(tcp_state phase)
{
    return phase == TCP_TIME_WAIT || phase == TCP_CLOSED;
}

/** What says that an end has no connection; it is there from now on. */
static inline tl_claim *connection_claim(tl_connection *c, const tl_world *world)
{
    if (!c->claim)
        c->claim = world->allocate(sizeof *c->claim);
    return c->claim;
}

/* What each of its segments but a RST tells of an end. */
static inline void end_hear(tl_end *e, const tl_segment *s)
{
    e->heard = true;
    e->ttl = s->ttl;
    e->has_ttl = s->has_ttl;
    e->window = s->window;
    if (e->window > e->widest)
        e->widest = e->window;
}

/** The number after the segment: its data and its FIN. */
static inline uint32_t segment_end(const tl_segment *s)
{
    return s->seq + s->length + (s->flags & TL_FIN ? 1 : 0);
}

/* What few connections have, as far as this one has it. */
static inline const tl_extras *connection_extras(const tl_connection *c)
{
    static const tl_extras none = {
        .windows.since = {TL_NO_TIME, TL_NO_TIME},
        .reuse = TL_NO_CONNECTION,
        .reuse_gap = TL_NO_TIME,
    };

    return c->extras ? c->extras : &none;
}

/* NULL: no RST has passed. */
static inline tl_resets *connection_resets(const tl_connection *c)
{
    return connection_extras(c)->resets;
}

/* A RST or an ICMP error ended the connection, and nothing has disproved it. */
static inline bool claim_stands(const tl_connection *c)
{
    return c->claim && c->claim->stands;
}

/* This end has no connection any more, as a RST or an ICMP error says. */
static inline bool end_is_covered(const tl_connection *c, const tl_end *e)
{
    return c->claim && c->claim->covers[end_side(c, e)];
}

/* What its state is shown as. */
static inline tcp_state end_shown(const tl_connection *c, const tl_end *e)
{
    if (c->replaced)
        return (tcp_state)c->claim->frozen[end_side(c, e)];
    return end_is_covered(c, e) ? TCP_CLOSED : (tcp_state)e->state;
}

/* ---- pass.c ---- */

/** Raise an event at this frame. The result is valid until the next call. */
tl_raised *pass_raise(pass *t, tl_event event, uint32_t number);

/** The frame plays this part of opening or closing: name it. */
void pass_step(pass *t, tl_step step);

/** Name it, but once in the life of a connection. */
void pass_step_once(pass *t, tl_step step);

/** The moment of this frame. */
tl_moment pass_moment(const pass *t);

/** The sender is alive, and tells its window. */
void pass_hear(pass *t);

/** The sender sent something new that the receiver has to acknowledge. */
void pass_asked(pass *t);

/** The sender asks for a word of the receiver, with nothing new. */
void pass_probed(pass *t);

/** The sender repeats itself. */
void pass_sent_again(pass *t);

/** If the segment sends again what is being timed towards the receiver, or fills a hole before it, nobody knows which
 *  copy is answered, and since when that could be (RFC 6298, 3). */
void pass_doubt_timed(pass *t);

/** What had seemed to be answered was not: the sender repeats it.
 *  @param number   with which it begins
 *  @param since    when it passed first
 *  @param repeats  how often it was sent again since */
void pass_ask_again(pass *t, uint32_t number, int64_t since, int repeats);

/** The segment's ACK may answer what the receiver asked. */
void pass_answer(pass *t);

/** The segment's ACK may end a round trip between us and its sender. */
void pass_measure_round_trip(pass *t);

/** Whether an answer of the sender is being timed. */
static inline bool pass_is_awaited(const pass *t)
{
    return t->c->timing && t->c->timed_side == t->s->side;
}

/** The capture has missed something that an end sent: it may have answered what is being timed towards it. */
void pass_missed_answer(const pass *t, const tl_end *e);

/** 1.5 of the longest of the last round trips between us and an end, ns; TL_NO_TIME: none was seen. */
int64_t pass_flight(const pass *t, const tl_end *e);

/** Whether what passed at `then` (ns) had the time to reach an end, and its answer the time to pass. */
bool pass_had_time(const pass *t, const tl_end *e, int64_t then);

/** Whether the sender knew what had passed at `then` (ns) when it sent this
 *  segment: what was in flight proves nothing. */
bool pass_knew(const pass *t, int64_t then);

/** Tell client from server by the ports, for want of anything better. */
void pass_guess_roles(pass *t);

/** What a connection needs once more than SYNs and RSTs pass in it. */
tl_exchange *pass_exchange(pass *t);

/** What few connections have; this one has it from now on. */
tl_extras *connection_own_extras(tl_connection *c, const tl_world *world);
tl_extras *pass_extras(pass *t);

/* ---- moves.c ---- */

/** The state in which an end is when we begin to look at it: no move.
 *  @param since  when it entered it; TL_NO_TIME: before the capture */
void end_begin(tl_end *e, tcp_state state, int64_t since);

/** Move an end to another state, if it is another. */
void pass_enter(pass *t, tl_end *e, tcp_state to);

/** Move an end that sent a segment of this kind. */
void pass_sent(pass *t, tl_end *e, tcp_kind kind);

/** Move an end that receives a segment of this kind without a word: what follows may disprove it. */
void pass_received(pass *t, tl_end *e, tcp_kind kind);

/** Move an end that has sent something which is missing from the capture, as its peer's segment shows:
 *  what follows may disprove that as well. */
void pass_must_have_sent(pass *t, tl_end *e, tcp_kind kind);

/** An end has made a silent move, and the last one is of this kind. */
bool end_moved_silently(const tl_connection *c, const tl_end *e, tl_silent kind);

/** Take such a move back, if the sender's segment disproves it: it repeats what had seemed to be
 *  acknowledged, and could know better.
 *  @param then  when the move was made
 *  @return whether it does */
bool pass_disproves(const pass *t, tl_silent kind, int64_t then);
void pass_undo(pass *t, tl_end *e, tl_silent kind);

/** An end was never in the state in which it is: it is in another one.
 *  @param since  when it entered that; TL_NO_TIME: not known */
void pass_take_back(pass *t, tl_end *e, tcp_state to, int64_t since);

/** Say the moves on the shortest way from one state to another, though the end's state is there already.
 *  @param since  when it had entered `from` */
void pass_say_way(pass *t, const tl_end *e, tcp_state from, tcp_state to, int64_t since);

/** Say that an end moves, though its state lies beneath a claim and stays. */
void pass_say_move(pass *t, const tl_end *e, tcp_state from, tcp_state to, bool undone, int64_t since);

/* ---- numbers.c ---- */

/** Whether the segment's numbers fit the connection (RFC 9293, 3.4). */
bool pass_has_numbers_of(const pass *t);

/** Whether it acknowledges the other end's last segment that did not fit, and begins where that had acknowledged
 *  everything. */
bool pass_meets_stray(const pass *t);

/** Both ends have sent all byte after byte, and the segment comes next: it fits. It has an ACK. */
bool pass_is_expected(const pass *t);

/** As the one before; one that does not fit is remembered, in case that its peer acknowledges it. */
bool pass_fits(pass *t);

/** How far beyond what is known of its peer this end's window lets that go, in bytes. */
int32_t end_reach(const tl_connection *c, const tl_end *e);

/** The end of what e is known to have sent; false if nothing is known. */
bool end_known_next(const tl_end *e, const tl_end *peer, uint32_t *next);

/** How well a segment's numbers fit: how many of them are just what is expected, from 0; negative if one of
 *  them does not fit, or nothing is known to hold them against. */
int connection_fit(const tl_connection *c, const tl_segment *s);

/* ---- gaps.c ---- */

/** One of the ends is missing from the capture. */
bool connection_is_one_sided(const tl_connection *c);

/** The end of what this end sent without a hole; with has_nxt. */
uint32_t end_in_order(const tl_end *e, const tl_end *peer);

/** What is remembered of an end's gaps; it has some from now on. */
tl_gaps *pass_gaps(const pass *t, tl_end *e);

/** How many bytes of data of this end are not acknowledged. */
uint64_t end_unacked(const tl_end *e, const tl_end *peer);

/** How many bytes of this end were acknowledged and never passed. */
uint64_t end_missing(const tl_end *e, const tl_end *peer);

/** The sender has sent all below the segment's first number, whether that passed or not. */
void pass_reach_sequence_number(pass *t);

/** The sender's numbers from `from` on, up to `to`, pass as data.
 *  @param[out] again  how many of them had passed before
 *  @return how many had not */
uint32_t pass_take_numbers(pass *t, uint32_t from, uint32_t to, uint32_t *again);

/** The segment acknowledges what its receiver has sent. */
void pass_take_ack_number(pass *t);
void pass_take_sack(pass *t);

/** The segment fits nothing: its peer may acknowledge it. */
void pass_note_stray(pass *t);

/* ---- opening.c ---- */

/** A SYN, a SYN/ACK. */
void pass_on_syn(pass *t);
void pass_on_syn_ack(pass *t);

/** The first segment of a connection: its addresses and ports may have been used before. */
void pass_raise_reuse(pass *t);

/** An ACK while the handshake is under way, as far as it fits; false if it is none of this connection's. */
bool pass_opening_ack(pass *t);

/** Whether the segment is one that only a synchronized end sends: it has data, or
 *  acknowledges some. */
bool pass_is_synchronized_talk(const pass *t);

/** The handshake may be complete with this segment. */
void pass_complete_opening(pass *t);

/** Raise the kind of the opening, if that has not been done. */
void pass_say_opening(pass *t);

/** What is remembered of a SYN/ACK with this ISN beside the one that counts; NULL: nothing. */
tl_offer *attempt_find_other(const tl_attempt *a, uint32_t isn);

/** An end that is known from an older connection speaks in this one. */
void pass_take_over(pass *t, tl_end *e);

/** The kind of an opening that is complete and whose SYN was seen. */
tl_opening connection_opening(const tl_connection *c);

/* ---- closing.c ---- */

/** The segment has an ACK and fits: it may acknowledge the peer's FIN. */
void pass_acknowledge_fin(pass *t);

/** The segment has a FIN and fits. */
void pass_take_fin(pass *t);

/** An end's FIN has passed with an earlier segment, and counts now: what follows its data. */
void pass_take_fin_of(pass *t, tl_end *e, tl_moment passed);

/** A FIN in a SYN counts when it is acknowledged, and the connection has opened. */
void pass_take_fins_of_syns(pass *t);

/** A bare ACK may tell, by its number, of a FIN that was lost before us. */
void pass_note_hidden_fin(pass *t);

/** An end's FIN was none of its own. */
void pass_withdraw_fin(pass *t, tl_end *e);

/** The FIN fits nothing. */
void pass_say_misplaced_fin(pass *t);

/** New data after the peer's FIN had passed. */
void pass_take_data_after_fin(pass *t, uint32_t from, uint32_t bytes);

/** Data beyond the sender's own FIN. */
void pass_take_data_beyond_fin(pass *t, uint32_t end);

/** How the connection closed, when the second FIN has passed. */
tl_closing connection_closing(const tl_connection *c);

/* ---- exchange.c ---- */

/** A segment with ACK, without SYN and RST: acknowledges, carries data, closes. */
void pass_on_ack(pass *t);

/** A first segment of which nothing is known but that the connection is open. */
void pass_begin_midstream(pass *t);

/* ---- evidence.c ---- */

/** A RST: which segment it answers, and in which form it is. */
void pass_trace_rst(pass *t);

/** Something says that a RST was not its apparent sender's.
 *  @param rst  the RST's frame, or 0 if it is the last one */
void pass_testify(pass *t, tl_evidence evidence, uint32_t rst);

/** The receiver's last segment with an ACK, if the sender may not have had it yet when it sent this one; else
 *  frame 0. */
tl_moment pass_find_crossing(pass *t);

/** The RST has been judged: keep what is known of it. */
void pass_keep_rst(pass *t);

/** Any segment, once it was followed: a RST may answer it. */
void pass_remember(pass *t);

/** The sender has told its window. */
void pass_note_window(pass *t);

/** The sender asks for a window, or sends against a closed one. */
void pass_note_window_probe(pass *t);

/** The sender has asked, and the window was not opened. */
bool pass_was_kept_waiting(const pass *t);

/** RSTs go on and on in it, and that was said. */
bool pass_is_in_loop(const pass *t);

/* ---- reset.c ---- */

/** A RST. */
void pass_on_rst(pass *t);

/** The sender's SYN, which nothing has answered, is rejected by an ICMP error. */
void pass_reject(pass *t, uint16_t error);

/** Lift what the segment, not a RST, disproves of a claim. */
void pass_check_claim(pass *t);

/** The sender's SYN/ACK answers a SYN that a RST has taken back. */
void pass_meet_early_rst(pass *t);

/** The SYN comes again that an ICMP error had rejected. */
void pass_lift_rejection(pass *t);

/* ---- verdict.c ---- */

/** The verdict on a connection that did not open. */
void facts_tell_open_verdict(tl_facts *f, tl_opening open);

/** The verdict on any other, if there is one yet; closed_by and reset_sender are known.
 *  @param cause   of the RST that ended it
 *  @param silent  the end that did not answer, if one did not */
void facts_tell_close_verdict(tl_facts *f, tl_closing close, tl_cause cause, const char *silent);

#endif
