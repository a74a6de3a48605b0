/* zeek.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "zeek.h"

#include <string.h>

#include "sequence.h"

/* Of an end (9). */
typedef enum { INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET } end_state;

/* A letter, and its code in a history if the originator's. Up to Q these are
 * added once for each role, or again at another number; C to G are counted. */
typedef enum { S, D, A, F, R, I, Q, H, C, T, W, G, LETTER_COUNT } letter;

/* The other codes. A repetition stands for 1 (REPEAT) to 7 more of the letter before it. */
enum { RESPONDER = LETTER_COUNT, FLIP = 2 * LETTER_COUNT, REPEAT, CODE_COUNT = 32, CODE_BITS = 5 };

static const char code_names[REPEAT] = {'S', 'D', 'A', 'F', 'R', 'I', 'Q', 'H', 'C', 'T', 'W', 'G', /**/
                                        's', 'd', 'a', 'f', 'r', 'i', 'q', 'h', 'c', 't', 'w', 'g', '^'};

static_assert(W - C == 2 && G - C == ZEEK_COUNTED - 1, "counted letters are the last ones");
static_assert(sizeof((zeek_connection *)0)->history * 8 >= ZEEK_CODES * CODE_BITS, "codes fit");
static_assert(ZEEK_CODES / 2 * (2 + CODE_COUNT - 1 - REPEAT) < ZEEK_HISTORY_MAX, "any history fits");

enum {
    FAR = 1 << 20,                 /* further than a SYN, a RST, or an ACK of 0 may move a number (2) */
    UNACKED_HOLE_MAX = 16384,      /* bytes behind a hole while nothing was ever acknowledged (4) */
    UNACKED_MAX = 10 * 1024 * 1024 /* bytes that wait for an acknowledgment (4) */
};

/* A segment on its way through a connection. */
typedef struct {
    zeek_connection *c;
    const tl_segment *s;
    zeek_end *x, *y;      /* its sender, its receiver */
    end_state before;     /* the sender's state before it */
    bool from_originator; /* as the roles were before it; its own letter may flip them (1) */
    bool reverses;        /* it turns the roles and opens the connection (6 c) */
    bool underflow;       /* its number is before the sender's start */
    bool acks;            /* it has an acknowledgment number at or behind the receiver's start */
    uint32_t seq;         /* relative to the sender's start */
    uint32_t ack;         /* relative to the receiver's start, with `acks` */
} step;

static bool is_syn(const tl_segment *s)
{
    return s->flags & TL_SYN;
}

static bool is_pure_syn(const tl_segment *s)
{
    return (s->flags & (TL_SYN | TL_ACK)) == TL_SYN;
}

static zeek_end *originator(zeek_connection *c)
{
    return &c->end[c->originator];
}

static zeek_end *responder(zeek_connection *c)
{
    return &c->end[!c->originator];
}

/* ---- The history ---- */

static unsigned code_at(const zeek_connection *c, unsigned n)
{
    return c->history[n / ZEEK_CODES_IN_WORD] >> n % ZEEK_CODES_IN_WORD * CODE_BITS & (CODE_COUNT - 1);
}

static void set_code(zeek_connection *c, unsigned n, unsigned code)
{
    uint32_t *word = &c->history[n / ZEEK_CODES_IN_WORD];
    const unsigned shift = n % ZEEK_CODES_IN_WORD * CODE_BITS;

    *word = (*word & ~((uint32_t)(CODE_COUNT - 1) << shift)) | (uint32_t)code << shift;
}

/* Repeat the last letter in the room that its repetition already has. */
static bool repeats(zeek_connection *c, unsigned code)
{
    const unsigned n = c->codes;

    if (n < 2 || code_at(c, n - 1) < REPEAT || code_at(c, n - 1) == CODE_COUNT - 1 ||
        code_at(c, n - 2) != code)
        return false;
    set_code(c, n - 1, code_at(c, n - 1) + 1);
    return true;
}

static void append(zeek_connection *c, unsigned code)
{
    const unsigned n = c->codes;

    if (c->full || repeats(c, code))
        return;
    if (n == ZEEK_CODES) {
        c->full = true;
        return;
    }
    set_code(c, n, n && code_at(c, n - 1) == code ? REPEAT : code);
    c->codes++;
}

size_t zeek_history(const zeek_connection *c, char out[ZEEK_HISTORY_MAX])
{
    size_t length = 0;

    for (unsigned n = 0; n < c->codes; n++) {
        const unsigned code = code_at(c, n);

        if (code < REPEAT) {
            out[length++] = code_names[code];
            continue;
        }
        for (unsigned i = REPEAT; i <= code; i++, length++)
            out[length] = out[length - 1];
    }
    out[length] = '\0';
    return length;
}

static bool is_from_originator(const zeek_connection *c, const zeek_end *e)
{
    return e == &c->end[c->originator];
}

/* Upper case for the originator, by the roles as they are now (3). */
static void add(zeek_connection *c, const zeek_end *e, letter l)
{
    append(c, is_from_originator(c, e) ? (unsigned)l : (unsigned)l + RESPONDER);
}

/* Whether the letter is new to the role of this end. It no longer is then. The
 * roles keep what they have seen when they are flipped (3). */
static bool is_first(zeek_connection *c, const zeek_end *e, letter l)
{
    uint8_t *seen = &c->seen[!is_from_originator(c, e)];
    const unsigned bit = 1U << (l == H ? S : l);
    const bool first = !(*seen & bit);

    *seen = (uint8_t)(*seen | bit);
    return first;
}

static void add_once(zeek_connection *c, const zeek_end *e, letter l)
{
    if (is_first(c, e, l))
        add(c, e, l);
}

/* Add a counted letter at the 1st, 10th, 100th ... occurrence (4). */
static void count(zeek_connection *c, zeek_end *e, letter l)
{
    uint16_t *n = &e->count[l - C];
    unsigned scale = 1;

    if (*n == UINT16_MAX)
        return;
    ++*n;
    while (scale < *n)
        scale *= 10;
    if (scale == *n)
        add(c, e, l);
}

static void flip(zeek_connection *c)
{
    c->originator = !c->originator;
    c->partial = false;
}

/* ---- Beginning ---- */

void zeek_begin(zeek_connection *c, bool likely_0, bool likely_1)
{
    *c = (zeek_connection){.likely_0 = likely_0, .likely_1 = likely_1};
    c->end[0].next = c->end[1].next = 1;
}

/* Who is the originator, by the first segment (6 a). */
static void decide_direction(zeek_connection *c, const tl_segment *s)
{
    const bool from_likely = s->side ? c->likely_1 : c->likely_0;
    const bool to_likely = s->side ? c->likely_0 : c->likely_1;

    c->begun = true;
    c->originator = s->side;
    if (is_pure_syn(s) || !from_likely || (to_likely && (is_syn(s) || !s->lower_port)))
        return;
    flip(c);
    append(c, FLIP);
}

/* A SYN whose number the originator's SYN/ACK has told already (6 c). */
static bool is_reversal(const zeek_connection *c, const tl_segment *s)
{
    const zeek_end *x = &c->end[s->side], *y = &c->end[!s->side];

    return is_pure_syn(s) && s->side != c->originator && x->state == INACTIVE && y->state == SYN_ACK_SENT &&
           s->seq == x->start;
}

/* A SYN that begins another connection (7). Zeek lets a SYN/ACK after a close begin one too. */
static bool begins_another(zeek_connection *c, const tl_segment *s)
{
    const zeek_end *o = originator(c), *r = responder(c);

    if (!is_syn(s) || is_reversal(c, s))
        return false;
    if (!is_pure_syn(s))
        return o->state == INACTIVE && s->seq != r->start;
    return s->seq != o->start;
}

/* The connection's beginning was not seen (5). */
static void set_partial(step *t)
{
    zeek_connection *c = t->c;

    if (t->from_originator && !c->heard_originator)
        c->partial = !is_pure_syn(t->s);
    else if (!t->from_originator && !c->heard_responder && !c->partial)
        c->partial = !is_syn(t->s);
    if (t->from_originator)
        c->heard_originator = true;
    else
        c->heard_responder = true;
}

/* ---- Numbers (2) ---- */

/* What the segment takes of the sequence space. */
static uint32_t taken(const tl_segment *s)
{
    return (s->flags & TL_RST ? 0 : s->length) + (s->flags & TL_SYN ? 1 : 0) + (s->flags & TL_FIN ? 1 : 0);
}

/* Whether a SYN gives its sender new numbers. */
static bool renumbers(const step *t)
{
    switch (t->before) {
    case INACTIVE:
    case PARTIAL:
    case ESTABLISHED:
        return true;
    case SYN_SENT:
    case SYN_ACK_SENT:
        return t->s->seq != t->x->start;
    case RESET:
        return t->x->previous == INACTIVE;
    case CLOSED:
        break;
    }
    return false;
}

/* Whether an end's numbers have wrapped up to this one, if they have so often up to `from`, to which it is near. */
static bool has_wrapped(uint32_t number, uint32_t from, unsigned wraps)
{
    const bool wraps_on = seq_before(from, number) && number < from;
    const bool wraps_back = seq_before(number, from) && number > from;

    return wraps_on || wraps > wraps_back;
}

/* Once more, but they are not counted beyond two: as zeek_end.wraps has it. */
static uint8_t wrap_again(unsigned wraps)
{
    return (uint8_t)(wraps << 1 | 1) & 3;
}

static void number_sender(step *t)
{
    zeek_end *x = t->x;
    const tl_segment *s = t->s;

    if (is_syn(s) && renumbers(t)) {
        x->start = x->ack = s->seq;
        x->last = s->seq + taken(s);
    } else if (t->before == INACTIVE) {
        x->start = x->ack = s->seq - 1;
        x->last = s->seq;
    }
    t->seq = s->seq - x->start;
    t->underflow = !has_wrapped(s->seq, x->last, x->wraps) && seq_before(s->seq, x->start);
}

static void take_ack(step *t)
{
    zeek_end *y = t->y;
    const uint32_t ack = t->s->ack;

    if (!(t->s->flags & TL_ACK))
        return;
    if (y->state == INACTIVE)
        y->start = y->ack = y->last = ack - 1;
    t->ack = ack - y->start;
    t->acks = has_wrapped(ack, y->ack, y->ack_wraps) || seq_upto(y->start, ack);
    if (!t->acks || t->s->flags & TL_RST || !seq_before(y->ack, ack) ||
        (ack == 0 && seq_distance(y->ack, ack) > FAR))
        return;
    if (ack < y->ack)
        y->ack_wraps = wrap_again(y->ack_wraps);
    y->ack = ack;
}

static void take_last(step *t)
{
    zeek_end *x = t->x;
    const tl_segment *s = t->s;
    const uint32_t end = s->seq + taken(s);
    const int32_t advance = seq_distance(x->last, end);

    if (s->flags & (TL_SYN | TL_RST) && (advance > FAR || advance < -FAR))
        return;
    if (!(s->flags & TL_FIN && x->last == x->start + 1)) {
        if (t->before == RESET)
            return;
        if (advance <= 0) {
            if (s->length > 0)
                count(t->c, x, T);
            return;
        }
    }
    if (advance > 0 && end < x->last)
        x->wraps = wrap_again(x->wraps);
    x->last = end;
}

/* ---- Letters of flags and window (3, 4) ---- */

/* SYN/ACK first, and then no SYN from the other end: it was the responder (6 b). */
static void flip_lone_syn_ack(zeek_connection *c)
{
    if (c->codes != 1 || code_at(c, 0) != H)
        return;
    flip(c);
    c->codes = 0;
    append(c, FLIP);
    append(c, H + RESPONDER);
}

static void add_without_flags(step *t)
{
    if (t->s->length == 0 && !(t->s->flags & TL_ACK))
        return;
    flip_lone_syn_ack(t->c);
    add_once(t->c, t->x, t->s->length > 0 ? D : A);
}

/* The number of an end's last SYN is not remembered: a SYN that is let in
 * renumbers its sender, unless that has closed, and so it always is 0. */
static void add_syn(step *t)
{
    const letter l = is_pure_syn(t->s) ? S : H;

    if (is_first(t->c, t->x, l) || t->seq != 0)
        add(t->c, t->x, l);
}

/* Roles are flipped before the first FIN or RST or not at all: a letter that is not the first of its role is
 * not the first of its end. */
static void add_fin(step *t)
{
    const uint32_t number = t->seq + t->s->length;

    if (is_first(t->c, t->x, F) || number != t->x->fin)
        add(t->c, t->x, F);
}

static void add_rst(step *t)
{
    zeek_end *x = t->x;

    if (is_first(t->c, x, R) || t->seq != x->rst)
        add(t->c, x, R);
    x->untracked = true;
    x->has_held = false;
    x->rst = t->seq;
}

static void add_flags(step *t)
{
    switch (t->s->flags & (TL_SYN | TL_FIN | TL_RST)) {
    case 0:
        add_without_flags(t);
        break;
    case TL_SYN:
        add_syn(t);
        break;
    case TL_FIN:
        add_fin(t);
        break;
    case TL_RST:
        add_rst(t);
        break;
    case TL_SYN | TL_FIN:
    case TL_SYN | TL_RST:
        add_once(t->c, t->x, Q);
        break;
    default:
        add_once(t->c, t->x, I);
        break;
    }
}

static void add_zero_window(step *t)
{
    if (t->s->window == 0 && !(t->s->flags & TL_RST) && t->y->state != CLOSED && t->before != RESET)
        count(t->c, t->x, W);
}

static void note_fin(step *t)
{
    if (!(t->s->flags & TL_FIN))
        return;
    t->x->has_fin = true;
    t->x->fin = t->seq + taken(t->s) - 1;
}

/* ---- States (9) ---- */

static void enter(zeek_end *e, end_state state)
{
    if (e->state == state)
        return;
    e->previous = e->state;
    e->state = (uint8_t)state;
}

static void syn_from_inactive(step *t)
{
    if (t->from_originator) {
        enter(t->x, is_pure_syn(t->s) ? SYN_SENT : SYN_ACK_SENT);
        return;
    }
    if (t->reverses) {
        flip(t->c);
        append(t->c, FLIP);
        enter(t->y, ESTABLISHED);
    }
    if (t->y->state == SYN_SENT)
        enter(t->y, ESTABLISHED);
    enter(t->x, ESTABLISHED);
}

/* Neither SYN nor FIN nor RST. */
static void plain_from_inactive(step *t)
{
    if (!t->from_originator && t->s->length == 0 && t->y->state == SYN_SENT)
        return;
    if (t->s->flags & TL_ACK && t->y->state == ESTABLISHED) {
        enter(t->x, ESTABLISHED);
        t->c->partial = false;
    } else {
        enter(t->x, PARTIAL);
    }
}

static void from_inactive(step *t)
{
    if (is_syn(t->s))
        syn_from_inactive(t);
    if (t->s->flags & TL_FIN)
        enter(t->x, CLOSED);
    if (t->s->flags & TL_RST)
        enter(t->x, RESET);
    if (t->x->state == INACTIVE)
        plain_from_inactive(t);
}

static void from_syn_sent(step *t)
{
    zeek_end *x = t->x;

    if (t->s->flags & TL_FIN)
        enter(x, CLOSED);
    if (!(t->s->flags & TL_RST))
        return;
    x->emptied = t->before == SYN_SENT && t->y->state == INACTIVE && seq_before(x->start + 1, x->ack);
    enter(x, RESET);
}

static void from_open(step *t)
{
    zeek_end *x = t->x, *y = t->y;

    if (t->before == PARTIAL && is_pure_syn(t->s) && y->state == INACTIVE)
        enter(x, SYN_SENT);
    if (t->s->flags & TL_RST) {
        enter(x, RESET);
    } else if (t->s->flags & TL_FIN) {
        enter(x, CLOSED);
        if (y->state == RESET && y->previous == CLOSED)
            enter(y, CLOSED);
    }
}

static void move(step *t)
{
    switch (t->before) {
    case INACTIVE:
        from_inactive(t);
        break;
    case SYN_SENT:
    case SYN_ACK_SENT:
        from_syn_sent(t);
        break;
    case PARTIAL:
    case ESTABLISHED:
        from_open(t);
        break;
    case CLOSED:
        if (t->s->flags & TL_RST && t->y->state != CLOSED)
            enter(t->x, RESET);
        break;
    case RESET:
        break;
    }
}

/* ---- Gaps (4) ---- */

static bool is_clean(const zeek_end *e)
{
    return e->state == ESTABLISHED || (e->state == CLOSED && e->previous == ESTABLISHED);
}

/* What waits has no hole before it any more. */
static void deliver_held(zeek_end *e)
{
    e->next = seq_max(e->next, e->held_end);
    e->has_held = false;
}

/* The receiver's data are acknowledged up to a number, seen or not. */
static void acknowledge_data(step *t)
{
    zeek_end *y = t->y;
    uint32_t ack = t->ack;

    if (!t->acks || y->untracked)
        return;
    if (y->has_fin && seq_before(y->fin, ack))
        ack = y->fin;
    if (seq_upto(ack, y->next) || (t->c->partial && ack <= 2))
        return;
    const bool clean = is_clean(t->x) && is_clean(y);
    if (clean)
        count(t->c, y, G);
    y->next = ack;
    if (!y->has_held || seq_before(ack, y->held))
        return;
    if (seq_before(y->held_end, ack) && clean)
        count(t->c, y, G);
    deliver_held(y);
}

/* Bytes wait behind a hole. Only one range of such is remembered. */
static void hold(zeek_end *e, uint32_t from, uint32_t to)
{
    e->held = e->has_held && seq_before(e->held, from) ? e->held : from;
    if (!e->has_fin)
        e->held_end = e->has_held ? seq_max(e->held_end, to) : to;
    e->has_held = true;
}

/* More waits for an acknowledgment than Zeek has patience for. */
static bool holds_too_much(const zeek_end *e)
{
    const uint32_t acked = e->ack - e->start;

    if (acked <= 1)
        return e->has_held && seq_distance(e->next, e->held_end) > UNACKED_HOLE_MAX;
    return seq_distance(acked, e->next) + (e->has_held ? (int64_t)seq_distance(e->held, e->held_end) : 0) >
           UNACKED_MAX;
}

static void take_data(step *t, bool captured)
{
    zeek_end *x = t->x;
    const uint32_t from = t->seq + (is_syn(t->s) ? 1 : 0), to = from + t->s->length;

    if (t->s->length == 0 || t->s->flags & TL_RST || t->underflow || !captured || x->untracked ||
        seq_upto(to, x->next) || seq_upto(to, x->ack - x->start))
        return;
    if (seq_before(x->next, from))
        hold(x, from, to);
    else
        x->next = to;
    if (x->has_held && seq_upto(x->held, x->next))
        deliver_held(x);
    x->untracked = holds_too_much(x);
}

/* ---- A whole segment (1) ---- */

void zeek_follow(zeek_connection *c, const tl_segment *s, bool bad_checksum, bool captured)
{
    if (c->begun && begins_another(c, s))
        zeek_begin(c, c->likely_0, c->likely_1);
    if (!c->begun)
        decide_direction(c, s);
    if (bad_checksum && captured) {
        count(c, &c->end[s->side], C);
        return;
    }

    step t = {
        .c = c,
        .s = s,
        .x = &c->end[s->side],
        .y = &c->end[!s->side],
        .before = (end_state)c->end[s->side].state,
        .from_originator = s->side == c->originator,
        .reverses = is_reversal(c, s),
    };

    set_partial(&t);
    number_sender(&t);
    add_flags(&t);
    add_zero_window(&t);
    note_fin(&t);
    take_ack(&t);
    take_last(&t);
    move(&t);
    acknowledge_data(&t);
    take_data(&t, captured);
}

/* ---- conn_state (end of 9) ---- */

/* Neither its SYN nor anything that would have followed one was seen. */
static bool is_none(const zeek_end *e)
{
    return e->state == INACTIVE || e->state == PARTIAL;
}

static bool is_empty(const zeek_end *e)
{
    const uint32_t sent = e->last - e->start, acked = e->ack - e->start;

    return e->emptied || (sent > acked ? sent : acked) <= (e->has_fin ? 2 : 1);
}

/* The originator's SYN, then its RST, and in between only what does not count. */
static bool is_syn_then_rst(const zeek_connection *c)
{
    char history[ZEEK_HISTORY_MAX];
    const char *p = history;

    zeek_history(c, history);
    p += *p == '^';
    if (*p != 'S')
        return false;
    p += strcspn(p, "HAFGIQR");
    return *p == 'R';
}

static const char *reset_by_responder(const zeek_end *o, const zeek_end *r)
{
    if (o->state == SYN_SENT || o->state == SYN_ACK_SENT)
        return "REJ";
    if (o->state == RESET && is_empty(o) && is_empty(r))
        return "REJ";
    return is_none(o) ? "RSTRH" : "RSTR";
}

const char *zeek_conn_state(const zeek_connection *c)
{
    const zeek_end *o = &c->end[c->originator], *r = &c->end[!c->originator];

    if (r->state == RESET)
        return reset_by_responder(o, r);
    if (o->state == RESET)
        return !is_none(r) ? "RSTO" : is_syn_then_rst(c) ? "RSTOS0" : "OTH";
    if (o->state == CLOSED && r->state == CLOSED)
        return "SF";
    if (o->state == CLOSED)
        return is_none(r) ? "SH" : "S2";
    if (r->state == CLOSED)
        return is_none(o) ? "SHR" : "S3";
    if (o->state == SYN_SENT && r->state == INACTIVE)
        return "S0";
    if (o->state == ESTABLISHED && r->state == ESTABLISHED)
        return "S1";
    return "OTH";
}
