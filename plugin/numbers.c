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
 *
 * A segment fits by its sequence number if
 *   (1) S.NXT is not known, or
 *   (2) S.NXT < END <= S.NXT + W(R), or
 *   (3) END <= S.NXT and SEQ is old;
 * and by its acknowledgment number if
 *   (4) R.NXT is not known, or
 *   (5) ACK <= R.NXT and ACK is old, or
 *   (6) R.NXT < ACK <= R.NXT + W(S), and the receiver has sent no FIN: bytes that never passed us, or
 *   (7) R.NXT < ACK, and just so far the receiver's last segment went that did not fit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pass.h"
#include "sequence.h"

bool end_known_next(const tl_end *e, const tl_end *peer, uint32_t *next)
{
    if (e->has_nxt && peer->has_told)
        *next = seq_max(e->nxt, peer->told);
    else if (e->has_nxt || peer->has_told)
        *next = e->has_nxt ? e->nxt : peer->told;
    else
        return false;
    return true;
}

/* W(e). A scale is known only to who saw both SYNs. */
static int32_t reach(const tl_connection *c, const tl_end *e)
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

/* What is known of a segment's numbers. */
typedef struct {
    bool fits;     /* (1) to (3), (4) to (7) */
    bool is_exact; /* what is expected */
} fit;

static fit seq_fit(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s)
{
    const uint32_t end = s->seq + s->length + (s->flags & TL_FIN ? 1 : 0);
    uint32_t next;

    if (!end_known_next(x, y, &next))
        return (fit){.fits = true};
    const bool beyond = seq_before(next, end);
    return (fit){
        .fits = beyond ? seq_distance(next, end) <= reach(c, y) : is_old(x, s->seq, next),
        .is_exact = s->seq == next,
    };
}

static fit ack_fit(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s)
{
    uint32_t next;

    if (!(s->flags & TL_ACK) || !end_known_next(y, x, &next))
        return (fit){.fits = true};
    const bool beyond = seq_before(next, s->ack);
    const bool vouched = y->has_stray && seq_within(y->stray - s->ack, 0, (uint32_t)reach(c, x));
    return (fit){
        .fits = beyond ? !y->has_fin && (seq_distance(next, s->ack) <= reach(c, x) || vouched)
                       : is_old(y, s->ack, next),
        .is_exact = s->ack == next,
    };
}

/* The segment's numbers together; negative: one does not fit. */
static int fit_of(const tl_connection *c, const tl_end *x, const tl_end *y, const tl_segment *s)
{
    const fit seq = seq_fit(c, x, y, s), ack = ack_fit(c, x, y, s);

    return seq.fits && ack.fits ? seq.is_exact + ack.is_exact : -1;
}

int connection_fit(const tl_connection *c, const tl_segment *s)
{
    const tl_end *x = &c->end[s->side], *y = &c->end[!s->side];
    uint32_t next;
    const bool judged = end_known_next(x, y, &next) || (s->flags & TL_ACK && end_known_next(y, x, &next));

    return judged ? fit_of(c, x, y, s) : -1;
}

bool pass_has_numbers_of(const pass *t)
{
    return fit_of(t->c, t->x, t->y, t->s) >= 0;
}

bool pass_fits(pass *t)
{
    if (pass_has_numbers_of(t)) {
        t->x->has_stray = false;
        return true;
    }
    t->x->stray = t->next;
    t->x->has_stray = true;
    return false;
}
