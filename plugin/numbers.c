/* numbers.c
 * Which numbers fit a connection (RFC 9293, 3.4): all modulo 2^32.
 *
 *   SEQ, END   of the segment: its first number, and the one after its data and FIN
 *   ACK        its acknowledgment number
 *   S.NXT      the end of what its sender is known to have sent: the highest that
 *              passed, or that the receiver has acknowledged
 *   R.NXT      the same of its receiver
 *   W(R)       how far beyond S.NXT the receiver's window lets the sender go: the
 *              widest that it ever advertised, as windows are not taken back
 *   old        what the sender can have sent: from its ISN on, where that is known and
 *              less than the widest window ago, else within the widest window
 *   ahead      less than 2^31 beyond; no window tells how much a capture can miss
 *
 * The sequence number is exact if SEQ = S.NXT; it is near if
 *   (1) S.NXT is not known, or
 *   (2) S.NXT < END <= S.NXT + W(R), or
 *   (3) END <= S.NXT and SEQ is old.
 * The acknowledgment number is exact if ACK = R.NXT; it is near if
 *   (4) R.NXT is not known, or there is no ACK, or
 *   (5) ACK <= R.NXT and ACK is old, or
 *   (6) R.NXT < ACK <= R.NXT + W(S), and the receiver has sent no FIN: bytes that never passed us, or
 *   (7) R.NXT < ACK, and just so far the receiver's last segment went that did not fit.
 * A segment fits if
 *   (8) both are exact or near, or
 *   (9) one is exact and vouches for the other, which is ahead, or
 *  (10) both are ahead, it has a FIN, and neither end has sent data: a capture without data.
 * What is ahead is believed until it is disproved: see gaps.c. Until it is confirmed, its sender's numbers
 * fit too where they fitted before it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

bool end_known_next(const tl_end *e, const tl_end *peer, uint32_t *next)
{
    if (e->has_nxt)
        *next = e->gaps && e->gaps->has_claim ? e->gaps->claimed : e->nxt;
    else if (peer->has_told)
        *next = peer->told;
    else
        return false;
    return true;
}

/* A scale is known only to who saw both SYNs. */
int32_t end_reach(const tl_connection *c, const tl_end *e)
{
    const bool scaled = c->end[0].sent_syn && c->end[1].sent_syn;

    if (!scaled || e->widest > WIDEST_WINDOW)
        return WIDEST_WINDOW;
    return e->widest > 0 ? (int32_t)e->widest : 1; /* a closed window may be probed (3.8.6.1) */
}

static bool is_old(const tl_end *e, uint32_t number, uint32_t next)
{
    if (e->has_isn && e->bytes < WIDEST_WINDOW)
        return seq_within(number, e->isn, next);
    return seq_distance(number, next) <= WIDEST_WINDOW;
}

/* What one of a segment's numbers is. */
typedef enum { MISFIT, AHEAD, NEAR, EXACT } fit;

/* Just behind what passed, or behind what the peer claims to have beyond that. */
static bool is_next(const tl_end *e, uint32_t number, uint32_t next)
{
    return number == next || (e->has_nxt && number == e->nxt);
}

/* What a SEQ and END are, if the sender has got as far as `next`. */
static fit seq_fit_at(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s,
                      uint32_t next)
{
    const uint32_t end = segment_end(s);

    if (is_next(x, s->seq, next))
        return seq_distance(next, end) <= end_reach(c, y) ? EXACT : AHEAD;
    if (!seq_before(next, end))
        return is_old(x, s->seq, next) ? NEAR : MISFIT;
    if (seq_distance(next, end) <= end_reach(c, y))
        return NEAR;
    return x->has_fin || seq_before(s->seq, next) ? MISFIT : AHEAD;
}

/* Behind a jump that nobody has confirmed, the sender may still be where it was. */
static fit seq_fit(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s)
{
    const tl_gaps *gaps = x->gaps;
    uint32_t next;

    if (!end_known_next(x, y, &next))
        return NEAR;
    const fit here = seq_fit_at(c, x, y, s, next);
    if (here != MISFIT || !gaps || !gaps->has_jump)
        return here;
    return seq_fit_at(c, x, y, s, gaps->jump_from);
}

/* It acknowledges the peer's stray. */
static bool acks_stray(const tl_end *y, const tl_segment *s)
{
    return y->gaps && y->gaps->has_stray && s->ack == y->gaps->stray.to;
}

/* And it begins where the stray had acknowledged everything. */
static bool meets_stray(const tl_end *y, const tl_segment *s)
{
    return acks_stray(y, s) && y->gaps->stray.from != y->gaps->stray.to && s->seq == y->gaps->stray_ack;
}

static fit ack_fit(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s)
{
    uint32_t next;

    if (!(s->flags & TL_ACK) || !end_known_next(y, x, &next))
        return NEAR;
    if (is_next(y, s->ack, next))
        return EXACT;
    if (!seq_before(next, s->ack))
        return is_old(y, s->ack, next) ? NEAR : MISFIT;
    if (y->has_fin)
        return MISFIT;
    if (meets_stray(y, s))
        return EXACT;
    if (seq_distance(next, s->ack) <= end_reach(c, x))
        return NEAR;
    return acks_stray(y, s) ? NEAR : AHEAD;
}

/* How many of the numbers are exact; negative: the segment does not fit.
 * @param[out] vouched  its SEQ is ahead */
static int fit_of(const tl_connection *c, const tl_segment *s, bool *vouched)
{
    const tl_end *x = &c->end[s->side], *y = &c->end[!s->side];
    const fit seq = seq_fit(c, x, y, s), ack = ack_fit(c, x, y, s);
    const bool is_ahead = seq == AHEAD || ack == AHEAD, is_exact = seq == EXACT || ack == EXACT;
    const bool is_without_data = s->flags & TL_FIN && x->bytes == 0 && y->bytes == 0;

    *vouched = seq == AHEAD;
    if (seq == MISFIT || ack == MISFIT || (is_ahead && !is_exact && !is_without_data))
        return -1;
    return (seq == EXACT) + (ack == EXACT);
}

int connection_fit(const tl_connection *c, const tl_segment *s)
{
    const tl_end *x = &c->end[s->side], *y = &c->end[!s->side];
    uint32_t next;
    const bool judged = end_known_next(x, y, &next) || (s->flags & TL_ACK && end_known_next(y, x, &next));
    bool vouched;

    return judged ? fit_of(c, s, &vouched) : -1;
}

bool pass_meets_stray(const pass *t)
{
    return meets_stray(t->y, t->s);
}

bool pass_has_numbers_of(const pass *t)
{
    bool vouched;

    return fit_of(t->c, t->s, &vouched) >= 0;
}

bool pass_is_expected(const pass *t)
{
    const tl_end *x = t->x, *y = t->y;

    return t->s->seq == x->nxt && seq_distance(x->nxt, t->next) <= end_reach(t->c, y) &&
           (t->s->ack == y->nxt || (seq_before(t->s->ack, y->nxt) && is_old(y, t->s->ack, y->nxt)));
}

bool pass_fits(pass *t)
{
    if (fit_of(t->c, t->s, &t->vouched) < 0) {
        pass_note_stray(t);
        return false;
    }
    return true;
}
