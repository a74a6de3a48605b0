/* reset.c
 * RSTs and ICMP errors: what their receiver makes of them, why they came, and what
 * disproves them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

/* A repetition or an older segment of a RST's apparent sender may have been on its way for this long at least. */
#define APPARENT_MARGIN INT64_C(50000000)

/* ---- Verdict ---- */

/* Acknowledges a SYN of y, the only thing that closes SYN_SENT (RFC 9293, 3.10.7.3). */
static bool acknowledges_syn(const pass *t)
{
    const tl_end *y = t->y;

    return (t->s->flags & TL_ACK) && y->state == TCP_SYN_SENT && y->has_isn &&
           seq_within(t->s->ack, y->isn + 1, end_edge(y));
}

/* A number beyond what passed, for which the ACK vouches. One that answers a segment without ACK has 0, whatever
 * its sender's numbers are (RFC 9293, 3.5.2). */
static bool is_vouched(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;
    uint32_t next;

    if (!(t->s->flags & TL_ACK) || t->s->seq == 0 || x->has_fin || !(x->has_nxt || y->has_told))
        return false;
    return seq_before(x->has_nxt ? x->nxt : y->told, t->s->seq) && end_known_next(y, x, &next) &&
           t->s->ack == next;
}

/* The RST has a number of its sender's own: from its SND.UNA to its SND.NXT. */
static bool is_own_number(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    if (!x->has_nxt)
        return false;
    return is_vouched(t) || seq_within(t->s->seq,
                                       y->has_told  ? y->told
                                       : x->has_isn ? x->isn
                                                    : x->nxt,
                                       x->nxt);
}

/* Its sender takes back its SYN or SYN/ACK, which nothing has taken. */
static bool takes_back(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    if (x->borrowed || !is_own_number(t))
        return false;
    return (x->state == TCP_SYN_SENT && (y->borrowed || y->state == TCP_LISTEN)) ||
           (x->state == TCP_SYN_RECEIVED && (y->state == TCP_SYN_SENT || y->state == TCP_ESTABLISHED));
}

/* Or answers its repeated SYN as if it had never sent a SYN/ACK. */
static bool forgets_offer(const pass *t)
{
    return t->x->state == TCP_SYN_RECEIVED && !t->x->borrowed && acknowledges_syn(t);
}

/* And nothing has answered it either. */
static bool gives_up(const pass *t)
{
    return (takes_back(t) || forgets_offer(t)) && !t->c->attempt.bad_ack;
}

/* It answers an ACK of the handshake that acknowledged something else. */
static bool answers_bad_ack(const pass *t)
{
    const tl_attempt *a = &t->c->attempt;

    return a->has_older && a->older_side != t->s->side && a->older_nxt == t->s->seq && !t->c->opened;
}

/* And so ends a connection that the capture does not hold, unless that ACK was the answer to a SYN/ACK. */
static bool resets_older(const pass *t)
{
    return answers_bad_ack(t) && !t->c->attempt.bad_ack;
}

/* The numbers that the receiver's RCV.NXT can have; false if none is known. */
static bool expected(const pass *t, uint32_t *low, uint32_t *high)
{
    const tl_end *x = t->x, *y = t->y;

    if (!y->has_told && !x->has_nxt)
        return false;
    *low = y->has_told ? y->told : end_in_order(x, y);
    *high = x->has_nxt ? seq_max(end_in_order(x, y), *low) : *low;
    return true;
}

/* The number that its receiver claims to expect, or the right edge of its highest SACK block, as Linux
 * has it. */
static bool is_expected_beyond(const pass *t)
{
    const tl_gaps *gaps = t->x->gaps;

    if (!gaps)
        return false;
    return (gaps->has_claim && t->s->seq == gaps->claimed) ||
           (gaps->has_sack && t->s->seq == gaps->sacked && seq_before(t->y->told, gaps->sacked));
}

static tl_verdict judge_number(const pass *t)
{
    const tl_end *y = t->y;
    const uint32_t seq = t->s->seq;
    uint32_t low, high;

    if (!expected(t, &low, &high))
        return TL_VERDICT_UNKNOWN;
    if (seq_within(seq, low, high) || is_expected_beyond(t))
        return TL_VERDICT_ACCEPTED;
    if (seq == low - 1 && (y->state == TCP_CLOSE_WAIT || y->state == TCP_LAST_ACK || y->state == TCP_CLOSING))
        return TL_VERDICT_ACCEPTED;
    if (!y->has_told)
        return TL_VERDICT_UNKNOWN;
    return seq - low < (high - low) + y->window ? TL_VERDICT_CHALLENGED : TL_VERDICT_IGNORED;
}

static tl_verdict judge(const pass *t)
{
    const tl_connection *c = t->c;
    const tl_end *y = t->y;

    if (!c->alive)
        return TL_VERDICT_UNKNOWN;
    if (c->phase == TCP_CLOSED || (c->phase == TCP_TIME_WAIT && end_shown(c, y) == TCP_CLOSED))
        return TL_VERDICT_IGNORED;
    if (acknowledges_syn(t) || answers_bad_ack(t) || takes_back(t))
        return TL_VERDICT_ACCEPTED;
    if (y->borrowed || y->state == TCP_LISTEN || y->state == TCP_SYN_SENT)
        return TL_VERDICT_IGNORED;
    return judge_number(t);
}

/* ---- Cause ---- */

/* Data that its sender, which had closed, did not take: they passed after its FIN, or the RST answers them. */
static bool meets_data(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    return (y->late_data || t->r->answered == TL_ANSWERED_DATA) && end_unacked(y, x) > 0;
}

/* The FIN passed after the data, but met them: they had gone before it arrived. */
static void note_met_data(pass *t)
{
    const tl_end *x = t->x;
    const uint32_t fin = t->c->exchange->fin[t->s->side].frame;
    tl_gaps *gaps = pass_gaps(t, t->y);

    if (!x->has_told || t->r->answered != TL_ANSWERED_DATA || t->r->answers > fin)
        return;
    gaps->raced = true;
    gaps->race = (seq_range){x->told, t->y->nxt - (t->y->has_fin ? 1 : 0)};
}

/* Why x gave an open connection up: the first that fits. */
static tl_cause cause_of_close(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    if (t->before == TCP_TIME_WAIT)
        return TL_CAUSE_TIME_WAIT;
    const bool is_silence = !connection_is_one_sided(t->c); /* else the capture is silent */
    if (is_silence && x->probes > 0 && x->asked_at != TL_NO_TIME && pass_had_time(t, y, x->asked_at))
        return TL_CAUSE_KEEP_ALIVE_TIMEOUT;
    if (y->probes > 0)
        return TL_CAUSE_KEEP_ALIVE;
    if (pass_was_kept_waiting(t))
        return TL_CAUSE_ZERO_WINDOW;
    if (is_silence && x->repeats >= 2)
        return TL_CAUSE_RETRANSMISSION_TIMEOUT;
    if (x->has_fin)
        return meets_data(t) ? TL_CAUSE_DATA_AFTER_CLOSE : TL_CAUSE_AFTER_OWN_FIN;
    return t->r->form == TL_FORM_ANSWER ? TL_CAUSE_NO_CONNECTION : TL_CAUSE_ABORT;
}

/* Its sender has begun a new connection on the same ports. */
static bool has_begun_anew(const pass *t)
{
    const tl_connection *newer = t->newer;

    return newer && newer->saw_syn && newer->client == t->s->side;
}

static tl_cause cause_of(const pass *t)
{
    const tl_connection *c = t->c;

    if (has_begun_anew(t))
        return TL_CAUSE_FORGOTTEN;
    if (c->opened)
        return cause_of_close(t);
    if (!c->saw_syn && !c->end[c->client].heard && !c->attempt.bad_ack)
        return TL_CAUSE_NONE; /* a SYN/ACK came first: nobody may have opened anything */
    if (gives_up(t))
        return t->x->repeats >= 2             ? TL_CAUSE_RETRANSMISSION_TIMEOUT
               : t->r->form == TL_FORM_ANSWER ? TL_CAUSE_NO_CONNECTION
                                              : TL_CAUSE_ABORT;
    return end_role(c, t->x) == TL_CLIENT ? TL_CAUSE_RESET_BY_OPENER : TL_CAUSE_REFUSED;
}

static void raise_cause(pass *t, tl_cause cause)
{
    const tl_connection *c = t->c;
    const tl_event event = tl_cause_event(cause);

    if (cause == TL_CAUSE_NONE)
        return;
    if (!c->opened && cause != TL_CAUSE_FORGOTTEN && gives_up(t))
        pass_raise(t, TL_EVENT_OPEN_GIVEN_UP, 0);
    else if (event != TL_EVENT_COUNT)
        pass_raise(t, event, 0);
    else
        pass_raise(
            t, c->end[0].has_fin || c->end[1].has_fin ? TL_EVENT_RESET_AFTER_FIN : TL_EVENT_RESET_ABORT, 0);
}

/* ---- Claims ---- */

/* The claim lies over the end from now on. */
static void lay_over(const pass *t, tl_claim *claim, const tl_end *e)
{
    const uint8_t side = end_side(t->c, e);

    claim->covers[side] = true;
    claim->was[side] = e->state;
    claim->held[side] = e->since;
    claim->since[side] = t->now;
}

/* The end has sent a SYN/ACK with this ISN. */
static bool has_offered(const tl_connection *c, const tl_end *e, uint32_t isn)
{
    const tl_attempt *a = &c->attempt;

    return a->sent_syn_ack[end_side(c, e)] && (isn == e->isn || attempt_find_other(a, isn));
}

/* The ACK is that of a SYN/ACK which the end has offered. */
static bool takes_offer(const tl_connection *c, const tl_end *e, uint32_t ack)
{
    return e->state == TCP_SYN_RECEIVED && has_offered(c, e, ack - 1);
}

/* The RST may show that the end had moved before: it could not send it, or take it, otherwise. */
static tcp_state say_move_by_rst(pass *t, const tl_end *e)
{
    const tl_end *peer = end_peer(t->c, e);
    const bool sends = e == t->x;
    const bool acks_fin = sends ? t->s->flags & TL_ACK && peer->has_fin && t->s->ack == peer->nxt
                                : peer->has_fin && t->s->seq == peer->nxt;
    const bool acks_syn = sends && t->s->flags & TL_ACK && takes_offer(t->c, peer, t->s->ack);
    const tcp_state from = (tcp_state)e->state;
    const tcp_state through = acks_fin   ? tcp_next_state(TCP_SENT, TCP_KIND_ACK_OF_FIN, from)
                              : acks_syn ? tcp_next_state(TCP_SENT, TCP_KIND_ACK_OF_SYN, from)
                                         : from;

    if (through == from || through == TCP_TIME_WAIT)
        return from;
    pass_say_move(t, e, from, through, false, e->since);
    return through;
}

static void cover(pass *t, tl_end *e, tcp_direction direction)
{
    tl_claim *claim = connection_claim(t->c, t->world);
    const tcp_state to = tcp_next_state(direction, TCP_KIND_RST, (tcp_state)e->state);

    if (end_is_covered(t->c, e) || to == e->state)
        return;
    const tcp_state from = say_move_by_rst(t, e);
    pass_say_move(t, e, from, TCP_CLOSED, false, from == e->state ? e->since : t->now);
    lay_over(t, claim, e);
}

static void note_rst(const pass *t, tl_claim *claim)
{
    const tl_end *x = t->x;

    claim->passed = pass_moment(t);
    claim->from = t->s->side;
    claim->has_ack = t->s->flags & TL_ACK || x->has_told;
    claim->ack = t->s->flags & TL_ACK ? t->s->ack : x->told;
    claim->has_edge = end_known_next(x, t->y, &claim->edge);
    if (claim->has_edge && is_vouched(t))
        claim->edge = t->s->seq;
    claim->is_icmp = false;
    claim->had_opened = t->c->opened || !t->c->alive;
    claim->asked_at = x->asked_at;
    claim->repeats = (uint16_t)end_repeats(x);
    for (int i = 0; i < 2; i++)
        claim->unacked[i] = end_unacked(&t->c->end[i], &t->c->end[!i]);
}

/* Nothing is known of the connection that this first segment ends: no history is invented. */
static void begin_reset(pass *t)
{
    tl_claim *claim = connection_claim(t->c, t->world);

    pass_guess_roles(t);
    for (int i = 0; i < 2; i++) {
        end_begin(&t->c->end[i], TCP_ESTABLISHED, TL_NO_TIME);
        lay_over(t, claim, &t->c->end[i]);
    }
}

static void accept_rst(pass *t, tl_verdict verdict)
{
    const tl_cause cause = cause_of(t);
    const bool is_given_up = !t->c->opened && gives_up(t);

    if (!pass_is_in_loop(t)) /* which was said */
        raise_cause(t, cause);
    note_rst(t, connection_claim(t->c, t->world));
    cover(t, t->x, TCP_SENT);
    if (!is_given_up || t->x->state != TCP_SYN_SENT) /* else the other end never said a word */
        cover(t, t->y, TCP_RECEIVED);
    t->c->claim->stands = true;
    t->c->claim->challenged = false;
    t->c->claim->sure = verdict == TL_VERDICT_ACCEPTED;
    t->c->claim->is_early = is_given_up && !t->c->claim->covers[!t->s->side] && t->s->seq == t->x->nxt;
    t->c->claim->cause = (uint8_t)cause;
    if (cause == TL_CAUSE_DATA_AFTER_CLOSE)
        note_met_data(t);
    if (verdict == TL_VERDICT_ACCEPTED)
        pass_step(t, TL_STEP_RST);
}

/* Whether its receiver minds or not: who sends a RST with its own numbers has no connection any more. */
static void close_sender(pass *t)
{
    if (!is_own_number(t) || t->x->state == TCP_CLOSED || end_is_covered(t->c, t->x))
        return;
    if (!claim_stands(t->c))
        note_rst(t, connection_claim(t->c, t->world));
    cover(t, t->x, TCP_SENT);
}

/* It may have closed the connection all the same, if nothing follows. The claim itself is needed to undo what
 * it covers. */
static void note_challenged(pass *t)
{
    tl_claim *claim = connection_claim(t->c, t->world);

    if (!claim->beside)
        claim->beside = t->world->allocate(sizeof *claim);
    note_rst(t, claim->beside);
    claim->beside->cause = (uint8_t)cause_of(t);
    claim->challenged = true;
}

/* In a capture of SYN, FIN and RST only it may end what came after the handshake: its ACK tells (facts.c). */
static bool may_end_unseen_talk(const pass *t)
{
    return !t->c->opened && t->x->has_isn && seq_before(t->x->isn, t->s->seq);
}

/* A loop of RSTs and ACKs is said once: each of its RSTs has the same number. */
static void say_not_accepted(pass *t)
{
    tl_claim *claim = connection_claim(t->c, t->world);

    if (!claim->refused || claim->refused_seq != t->s->seq || claim->refused_side != t->s->side)
        pass_raise(t, TL_EVENT_RESET_NOT_ACCEPTED, 0);
    claim->refused = true;
    claim->refused_seq = t->s->seq;
    claim->refused_side = t->s->side;
}

/* ---- RST ---- */

/* A few hops more or less are a change of route. */
static void compare_ttl(pass *t)
{
    const int delta = t->s->ttl - t->x->ttl;

    if (!t->s->has_ttl || !t->x->has_ttl)
        return;
    t->r->has_ttl_delta = true;
    t->r->ttl_delta = (int16_t)delta;
    if (delta < -2 || delta > 2)
        pass_testify(t, TL_EVIDENCE_TTL, 0);
}

void pass_on_rst(pass *t)
{
    tl_connection *c = t->c;
    const bool over = c->alive && phase_is_over(t->before);
    const tl_verdict verdict = judge(t);

    t->hidden = c->replaced; /* a RST is itself said, whatever claim lies over the connection */
    t->r->verdict = verdict;
    compare_ttl(t);
    pass_trace_rst(t);
    if (c->content != TL_NO_TIME)
        t->r->idle = t->now - c->content;
    if (!c->alive)
        begin_reset(t);

    if (verdict == TL_VERDICT_CHALLENGED || verdict == TL_VERDICT_IGNORED) {
        if (over)
            c->late_rst = true;
        else
            say_not_accepted(t);
        close_sender(t);
        if (verdict == TL_VERDICT_CHALLENGED || may_end_unseen_talk(t))
            note_challenged(t);
    } else if (!c->alive || !resets_older(t)) {
        accept_rst(t, verdict);
    } else {
        c->attempt.older_reset = true;
        pass_step(t, TL_STEP_RST);
    }
    pass_keep_rst(t);
}

/* The SYN/ACK was on its way when the RST passed that takes the SYN back, and will close its sender. */
void pass_meet_early_rst(pass *t)
{
    if (!claim_stands(t->c) || !t->c->claim->is_early || t->c->claim->from == t->s->side ||
        t->x->state != TCP_SYN_RECEIVED)
        return;
    pass_say_move(t, t->x, TCP_SYN_RECEIVED, TCP_CLOSED, false, t->now);
    lay_over(t, t->c->claim, t->x);
}

/* ---- ICMP ---- */

void pass_reject(pass *t, uint16_t error)
{
    tl_claim *claim = connection_claim(t->c, t->world);

    *claim = (tl_claim){.passed = pass_moment(t), .is_icmp = true, .stands = true, .beside = claim->beside};
    lay_over(t, claim, t->x);
    pass_raise(t, TL_EVENT_OPEN_ICMP_REJECTED, error);
    /* The error's frame is none of the connection's: it tells no time in a state. */
    pass_say_move(t, t->x, (tcp_state)t->x->state, TCP_CLOSED, false, TL_NO_TIME);
}

/* ---- What disproves a claim ---- */

/* The end is back where it was, and where what passed meanwhile has led it. */
static void lift(pass *t, tl_end *e)
{
    tl_claim *claim = t->c->claim;
    const uint8_t side = end_side(t->c, e);
    const tcp_state was = (tcp_state)(e->borrowed ? e->state : claim->was[side]);

    if (!claim->covers[side])
        return;
    claim->covers[side] = false;
    if (e->state == TCP_CLOSED)
        return;
    pass_say_move(t, e, TCP_CLOSED, was, true, TL_NO_TIME);
    pass_say_way(t, e, was, (tcp_state)e->state, claim->held[side]);
    if (e->state != claim->was[side] && !e->borrowed)
        e->since = t->now;
}

/* Whatever the claim said of the connection is withdrawn. */
static void withdraw(pass *t)
{
    t->belongs = true;
    t->c->claim->stands = false;
    t->c->claim->cause = TL_CAUSE_NONE;
}

void pass_lift_rejection(pass *t)
{
    if (!t->c->claim || !t->c->claim->is_icmp)
        return;
    withdraw(t);
    t->hidden = t->c->replaced;
    lift(t, t->x);
}

/* Whether its sender goes on with the connection: by an ACK that fits, or a SYN/ACK that it had sent before.
 * A SYN is a fresh try. */
static bool is_sending_on(const pass *t)
{
    switch (t->s->flags & (TL_SYN | TL_ACK)) {
    case TL_SYN | TL_ACK:
        return has_offered(t->c, t->x, t->s->seq);
    case TL_ACK:
        return pass_has_numbers_of(t);
    default:
        return false;
    }
}

/* What sends on acknowledges what the RST's apparent sender sent after the RST, as far as it passed. */
static bool acknowledges_later(const pass *t)
{
    const tl_claim *claim = t->c->claim;
    uint32_t next;

    if (!t->y->has_nxt || !end_known_next(t->y, t->x, &next) || !seq_upto(t->s->ack, next))
        return false;
    return !claim->has_edge || seq_before(claim->edge, t->s->ack);
}

/* It carries new data, or a new ACK number, beyond the RST's own. */
static bool goes_beyond(const pass *t)
{
    const tl_claim *claim = t->c->claim;

    return (claim->has_edge && seq_before(claim->edge, t->next)) ||
           (claim->has_ack && seq_before(claim->ack, t->s->ack));
}

static bool apparent_sender_knew(const pass *t)
{
    const int64_t flight = pass_flight(t, t->x);

    return t->now - tl_ns(t->c->claim->passed.time) > (flight > APPARENT_MARGIN ? flight : APPARENT_MARGIN);
}

void pass_check_claim(pass *t)
{
    const tl_claim *claim = t->c->claim;
    bool own, other = false;

    if (!claim || !(claim->covers[0] || claim->covers[1]) || !is_sending_on(t))
        return;
    if (claim->is_icmp) {
        own = true;
    } else if (t->s->side == claim->from) {
        own = other = goes_beyond(t) || apparent_sender_knew(t);
    } else {
        other = acknowledges_later(t);
        own = other || pass_knew(t, tl_ns(claim->passed.time));
    }
    if (!claim->is_icmp && (t->s->side == claim->from ? own : other) && claim->covers[claim->from])
        pass_testify(t, TL_EVIDENCE_SENDER_WENT_ON, claim->passed.frame);
    if ((own && end_is_covered(t->c, t->x)) || (other && end_is_covered(t->c, t->y)))
        withdraw(t);
    if (other)
        lift(t, t->y);
    if (own)
        lift(t, t->x);
    if (!claim_stands(t->c) && !t->c->replaced)
        pass_say_opening(t);
}
