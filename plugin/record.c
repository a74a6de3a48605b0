/* record.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "record.h"

#include <assert.h>
#include <string.h>

#include "chunks.h"

/* What holds after a header, and where to find what it decided. */
typedef struct {
    uint32_t connection;
    unsigned phase : 4; /* tcp_state, as the next two */
    unsigned client : 4;
    unsigned server : 4;
    unsigned sender : 1; /* tl_role */
    unsigned guessed : 1;
    unsigned role_guessed : 1;
    unsigned late : 1;
    unsigned known : 1;   /* there is a record */
    unsigned several : 1; /* the frame's next TCP headers are in `others` */
    unsigned is_rejection : 1;
    unsigned has_states : 1;
    uint32_t detail; /* place in `details`; 0: decided nothing */
} entry;

/* A second or later TCP header of a frame. */
typedef struct {
    uint32_t frame;
    uint32_t concurrent;
    entry entry;
} other;

/* From this frame on another number of connections is open. */
typedef struct {
    uint32_t frame;
    uint32_t concurrent;
} change;

static_assert(sizeof(entry) <= 12, "the budget is 24 bytes for each frame, with what it decides");
static_assert(TCP_STATE_COUNT <= 16, "a state has to fit into 4 bits");

/* A detail is a byte of these, and then for each of them, in this order, its
 * numbers as varints. */
enum {
    HAS_RST = 0x01,         /* verdict, idle */
    HAS_STEPS = 0x02,       /* steps */
    HAS_TRANSITIONS = 0x04, /* count; each: kind, states, and held if it is told */
    HAS_RAISED = 0x08,      /* count; each: event and flags, and number if there is one */
    HAS_TTL_DELTA = 0x10,   /* ttl_delta */
    HAS_HALF_OPEN = 0x20,   /* half_open */
    HAS_COPY_OF = 0x40,     /* copy_of */
    HAS_EVIDENCE = 0x80,    /* form, evidence and whether the rest is there: answers, answered, idle_before */
};

enum {
    VARINT_MAX = 10, /* bytes of a 64-bit number, 7 bits in each */
    DETAIL_MAX = 1 + 2 * VARINT_MAX + 3 + 1 + TL_MAX_TRANSITIONS * (2 + VARINT_MAX) + 1 +
                 TL_MAX_RAISED * (2 + 5) + 3 + 5 + 5 + (1 + 5 + 1 + VARINT_MAX),
    DETAIL_BITS = 16,
};

static_assert(DETAIL_MAX < 1 << DETAIL_BITS, "a detail has to fit into a chunk");

static chunks frames;  /* of entry, by frame number */
static chunks others;  /* of other, in order */
static chunks details; /* of bytes */
static chunks changes; /* of change, in order */
static uint32_t other_count, change_count;
static const change *latest; /* of `changes`; NULL: there is none */
static uint32_t frame_end;   /* number of the last frame with a record, and 1 */
static uint32_t detail_end;  /* first free byte; 0 is never used */

void record_open(void)
{
    frames = (chunks){.item_size = sizeof(entry), .bits = 12};
    others = (chunks){.item_size = sizeof(other), .bits = 8};
    details = (chunks){.item_size = 1, .bits = DETAIL_BITS};
    changes = (chunks){.item_size = sizeof(change), .bits = 8};
    other_count = change_count = frame_end = 0;
    latest = NULL;
    detail_end = 1;
}

void record_begin_anew(void)
{
    chunks_free(&frames);
    chunks_free(&others);
    chunks_free(&details);
    chunks_free(&changes);
    record_open();
}

/* Numbers as varints: 7 bits a byte, the lowest first, and the top bit says that more follow. */

static uint8_t *put(uint8_t *to, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        *to++ = (uint8_t)(number | 0x80);
    *to++ = (uint8_t)number;
    return to;
}

static uint64_t take(const uint8_t **from)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = *(*from)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte <= 0x7f)
            break;
    }
    return number;
}

/* Signed numbers alternate, 0 -1 1 -2 2, so that small ones stay short. */

static uint8_t *put_signed(uint8_t *to, int64_t number)
{
    return put(to, (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0));
}

static int64_t take_signed(const uint8_t **from)
{
    uint64_t number = take(from);
    return (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

/* Most captures count in microseconds: then so do we, which is shorter. */
static uint8_t *put_transition(uint8_t *to, const tl_transition *t)
{
    bool told = t->held != TL_NO_TIME, micro = told && t->held % 1000 == 0;
    *to++ = (uint8_t)(t->role | t->undone << 1 | told << 2 | micro << 3);
    *to++ = (uint8_t)(t->from << 4 | t->to);
    return told ? put_signed(to, micro ? t->held / 1000 : t->held) : to;
}

static void take_transition(const uint8_t **from, tl_transition *t)
{
    unsigned kind = *(*from)++;
    unsigned states = *(*from)++;
    t->role = kind & 1;
    t->undone = kind >> 1 & 1;
    t->from = states >> 4;
    t->to = states & 0x0f;
    t->held = kind >> 2 & 1 ? take_signed(from) * (kind >> 3 & 1 ? 1000 : 1) : TL_NO_TIME;
}

static uint8_t *put_raised(uint8_t *to, const tl_raised *r)
{
    bool told = r->number != 0;
    to = put(to, (uint64_t)r->event << 2 | (uint64_t)r->warn << 1 | told);
    return told ? put(to, r->number) : to;
}

static void take_raised(const uint8_t **from, tl_raised *r)
{
    uint64_t kind = take(from);
    r->event = (tl_event)(kind >> 2);
    r->warn = kind >> 1 & 1;
    r->number = kind & 1 ? (uint32_t)take(from) : 0;
}

/* Form and evidence in one byte, and the top bit of 7 says that the rest follows. */
enum { FORM = 0x03, EVIDENCE_SHIFT = 2, ANSWERS = 0x40 };

static_assert(TL_FORM_COUNT <= FORM + 1, "a form has to fit into 2 bits");
static_assert(1 << (TL_EVIDENCE_COUNT + EVIDENCE_SHIFT) <= ANSWERS, "evidence has to fit into 4 bits");

static uint8_t *put_evidence(uint8_t *to, const tl_report *r)
{
    *to++ = (uint8_t)(r->form | r->evidence << EVIDENCE_SHIFT | (r->answers ? ANSWERS : 0));
    if (!r->answers)
        return to;
    to = put(to, r->answers);
    *to++ = (uint8_t)r->answered;
    return put_signed(to, r->idle_before);
}

static void take_evidence(const uint8_t **from, tl_report *r)
{
    const uint8_t has = *(*from)++;
    r->form = (tl_form)(has & FORM);
    r->evidence = (uint8_t)((has & ~ANSWERS) >> EVIDENCE_SHIFT);
    if (!(has & ANSWERS))
        return;
    r->answers = (uint32_t)take(from);
    r->answered = (tl_answered) * (*from)++;
    r->idle_before = take_signed(from);
}

/* What the frame decided: mostly nothing. */
static uint8_t parts_of(const tl_report *r)
{
    return (uint8_t)((r->verdict != TL_VERDICT_NONE || r->idle != TL_NO_TIME ? HAS_RST : 0) |
                     (r->steps ? HAS_STEPS : 0) | (r->transitions ? HAS_TRANSITIONS : 0) |
                     (r->raised ? HAS_RAISED : 0) | (r->has_ttl_delta ? HAS_TTL_DELTA : 0) |
                     (r->has_half_open ? HAS_HALF_OPEN : 0) | (r->copy_of ? HAS_COPY_OF : 0) |
                     (r->form || r->evidence || r->answers ? HAS_EVIDENCE : 0));
}

/* @return the number of bytes */
static size_t pack(uint8_t detail[DETAIL_MAX], uint8_t has, const tl_report *r)
{
    uint8_t *to = detail;
    *to++ = has;
    if (has & HAS_RST) {
        to = put(to, r->verdict);
        to = put_signed(to, r->idle);
    }
    if (has & HAS_STEPS)
        to = put(to, r->steps);
    if (has & HAS_TRANSITIONS) {
        *to++ = r->transitions;
        for (unsigned i = 0; i < r->transitions; i++)
            to = put_transition(to, &r->transition[i]);
    }
    if (has & HAS_RAISED) {
        *to++ = r->raised;
        for (unsigned i = 0; i < r->raised; i++)
            to = put_raised(to, &r->event[i]);
    }
    if (has & HAS_TTL_DELTA)
        to = put_signed(to, r->ttl_delta);
    if (has & HAS_HALF_OPEN)
        to = put(to, r->half_open);
    if (has & HAS_COPY_OF)
        to = put(to, r->copy_of);
    if (has & HAS_EVIDENCE)
        to = put_evidence(to, r);
    return (size_t)(to - detail);
}

static void unpack(const uint8_t *from, tl_report *r)
{
    uint8_t has = *from++;
    if (has & HAS_RST) {
        r->verdict = (tl_verdict)take(&from);
        r->idle = take_signed(&from);
    }
    if (has & HAS_STEPS)
        r->steps = (uint16_t)take(&from);
    if (has & HAS_TRANSITIONS) {
        r->transitions = *from++;
        for (unsigned i = 0; i < r->transitions; i++)
            take_transition(&from, &r->transition[i]);
    }
    if (has & HAS_RAISED) {
        r->raised = *from++;
        for (unsigned i = 0; i < r->raised; i++)
            take_raised(&from, &r->event[i]);
    }
    r->has_ttl_delta = has & HAS_TTL_DELTA;
    if (r->has_ttl_delta)
        r->ttl_delta = (int16_t)take_signed(&from);
    r->has_half_open = has & HAS_HALF_OPEN;
    if (r->has_half_open)
        r->half_open = (uint32_t)take(&from);
    r->copy_of = has & HAS_COPY_OF ? (uint32_t)take(&from) : 0;
    if (has & HAS_EVIDENCE)
        take_evidence(&from, r);
}

/* Keep what the frame decided. Its place; 0 if there is no room any more. */
static uint32_t keep(uint8_t has, const tl_report *report)
{
    uint8_t detail[DETAIL_MAX];
    const size_t length = pack(detail, has, report);
    const uint32_t place = chunks_reserve(&details, &detail_end, length);

    if (place == UINT32_MAX)
        return 0;
    memcpy(chunks_get(&details, place), detail, length);
    return place;
}

static void fill(entry *e, uint32_t connection, const tl_report *r)
{
    *e = (entry){
        .connection = connection,
        .phase = r->phase & 0x0f,
        .client = r->state[TL_CLIENT] & 0x0f,
        .server = r->state[TL_SERVER] & 0x0f,
        .sender = r->sender == TL_SERVER,
        .guessed = r->guessed,
        .role_guessed = r->role_guessed,
        .late = r->late,
        .is_rejection = r->is_rejection,
        .has_states = r->has_states,
        .known = true,
    };
    const uint8_t has = parts_of(r);
    if (has)
        e->detail = keep(has, r);
}

/* ---- How many connections are open ---- */

static const change *change_at(uint32_t index)
{
    return chunks_get(&changes, index);
}

static void keep_concurrent(uint32_t frame, uint32_t concurrent)
{
    if (latest && latest->concurrent == concurrent)
        return;
    change *next = chunks_make(&changes, change_count++);
    *next = (change){.frame = frame, .concurrent = concurrent};
    latest = next;
}

/* The last change up to a frame. At a frame's first sight that is the last of all. */
static uint32_t find_concurrent(uint32_t frame)
{
    uint32_t low = 0, high = change_count;

    if (latest && latest->frame <= frame)
        return latest->concurrent;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (change_at(middle)->frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? change_at(low - 1)->concurrent : 0;
}

/* ---- Records ---- */

uint32_t record_end(void)
{
    return frame_end;
}

bool record_is_quiet(uint32_t frame)
{
    const entry *e = chunks_get(&frames, frame);
    const uint8_t *detail = e && e->detail ? chunks_get(&details, e->detail) : NULL;

    return !e || (!e->several && !(detail && *detail & HAS_RAISED));
}

void record_drop(uint32_t frame)
{
    entry *e = chunks_get(&frames, frame);
    if (e)
        *e = (entry){0};
    while (other_count && ((const other *)chunks_get(&others, other_count - 1))->frame == frame)
        other_count--;
    while (change_count && change_at(change_count - 1)->frame == frame)
        change_count--;
    latest = change_count ? change_at(change_count - 1) : NULL;
}

void record_add(uint32_t frame, uint32_t connection, const tl_report *report)
{
    entry *first = chunks_make(&frames, frame);
    if (frame >= frame_end)
        frame_end = frame + 1;
    if (!first->known) {
        fill(first, connection, report);
        keep_concurrent(frame, report->concurrent);
        return;
    }
    first->several = true;
    other *o = chunks_make(&others, other_count++);
    *o = (other){.frame = frame, .concurrent = report->concurrent};
    fill(&o->entry, connection, report);
}

/* The frame's header number `nth` in `others`, where 1 is the first one. */
static const other *find_other(uint32_t frame, unsigned nth)
{
    uint32_t low = 0, high = other_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (((const other *)chunks_get(&others, middle))->frame < frame)
            low = middle + 1;
        else
            high = middle;
    }
    low += nth - 1;
    if (low >= other_count)
        return NULL;
    const other *o = chunks_get(&others, low);
    return o->frame == frame ? o : NULL;
}

/* @param[out] o  what else is known of a second or later header; NULL: it is the first
 * @return NULL: there is no such header */
static const entry *find_entry(uint32_t frame, unsigned nth, const other **o)
{
    const entry *e = chunks_get(&frames, frame);

    *o = e && e->several && nth > 0 ? find_other(frame, nth) : NULL;
    if (nth > 0)
        e = *o ? &(*o)->entry : NULL;
    return e && e->known ? e : NULL;
}

bool record_connection(uint32_t frame, unsigned nth, uint32_t *connection)
{
    const other *o;
    const entry *e = find_entry(frame, nth, &o);

    if (e)
        *connection = e->connection;
    return e != NULL;
}

bool record_get(uint32_t frame, unsigned nth, uint32_t *connection, tl_report *report)
{
    const other *o;
    const entry *e = find_entry(frame, nth, &o);
    if (!e)
        return false;
    *connection = e->connection;
    report->phase = e->phase;
    report->state[TL_CLIENT] = e->client;
    report->state[TL_SERVER] = e->server;
    report->sender = e->sender;
    report->guessed = e->guessed;
    report->role_guessed = e->role_guessed;
    report->late = e->late;
    report->is_rejection = e->is_rejection;
    report->has_states = e->has_states;
    report->concurrent = o ? o->concurrent : find_concurrent(frame);
    report->has_ttl_delta = report->has_half_open = false;
    report->verdict = TL_VERDICT_NONE;
    report->idle = report->idle_before = TL_NO_TIME;
    report->answers = 0;
    report->answered = TL_ANSWERED_NONE;
    report->form = TL_FORM_NONE;
    report->evidence = 0;
    report->steps = 0;
    report->transitions = 0;
    report->raised = 0;
    report->copy_of = 0;
    if (e->detail)
        unpack(chunks_get(&details, e->detail), report);
    return true;
}
