/* copies.c
 * A segment is a copy of one that passed before, of the same 4-tuple and from the same end, if
 *
 *   same    all its numbers, flags, window, checksum and identification are the same (where an interface has
 *           still to compute the checksum, as between a host and its containers, that one tells nothing),
 *           and it passes within 10 ms; without an identification within 1 ms, with no segment of the other
 *           end between them, and it is no bare ACK
 *   part    its bytes lie within the other's, which is longer, and it passes in less than 1 ms, with no
 *           segment of the other end between them; identifications are at most 64 apart (segmentation offload)
 *
 * The identification tells the sender's own repetition from a copy; the checksum too, as a rule, since it
 * covers the time stamp.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "copies.h"

#include "pass.h"
#include "sequence.h"

#define SAME_WITHIN INT64_C(10000000)
#define NEAR_WITHIN INT64_C(1000000)

enum {
    KEPT_BITS = 14,
    KEPT = 1 << KEPT_BITS, /* segments, and buckets */
    LOOKED_AT = 64,        /* of a bucket, or of a 4-tuple's last segments */
    PARTS_APART = 64,      /* identifications */
};

/* A segment, by its serial number: the first is 1. */
typedef struct {
    int64_t time;
    uint32_t frame, connection, seq, end, ack, length, window;
    uint32_t before;  /* the 4-tuple's segment before it, or 0 */
    uint32_t chained; /* the one before it in its bucket, or 0 */
    uint32_t turn;    /* how often the sender has changed within the 4-tuple, about */
    uint16_t flags, checksum, id;
    uint8_t side;
    bool has_id, is_offloaded;
} kept;

struct tl_copies {
    uint32_t last; /* serial number of the last one */
    uint32_t bucket[KEPT];
    kept ring[KEPT];
};

/* NULL: too many have passed since. */
static const kept *at(const tl_copies *copies, uint32_t serial)
{
    return serial == 0 || copies->last - serial >= KEPT ? NULL : &copies->ring[serial % KEPT];
}

/* Multiplied by odd numbers and added up: the upper bits of the sum depend on all of it. */
uint32_t tl_copies_hash(const tl_segment *s)
{
    const uint64_t rest = (uint64_t)s->length << 32 | (s->has_id ? (uint32_t)s->id << 16 : 0) | s->flags;

    return (uint32_t)((s->seq * UINT64_C(0x9e3779b97f4a7c15) + s->ack * UINT64_C(0xc2b2ae3d27d4eb4f) +
                       rest * UINT64_C(0x165667b19e3779f9)) >>
                      (64 - KEPT_BITS));
}

static bool is_within(const kept *k, const tl_segment *s, int64_t span)
{
    return s->time - k->time <= span && k->time - s->time <= span;
}

/* The connection of a kept segment, if it is one of this 4-tuple's. */
static tl_connection *connection_of(tl_connection *newest, const kept *k)
{
    if (newest->number == k->connection)
        return newest;
    tl_connection *older = tl_older(newest);
    return older && older->number == k->connection ? older : NULL;
}

static bool is_same(const kept *k, const tl_segment *s)
{
    const bool is_checksum = k->is_offloaded || s->is_offloaded || k->checksum == s->checksum;

    return is_checksum && k->seq == s->seq && k->ack == s->ack && k->length == s->length &&
           k->window == s->window && k->flags == s->flags && k->side == s->side && k->has_id == s->has_id &&
           (!k->has_id || k->id == s->id);
}

/* No segment of the other end has passed since. */
static bool is_undivided(const tl_copies *copies, const tl_connection *newest, const kept *since)
{
    const kept *last = at(copies, newest->recent);

    return last && last->turn == since->turn;
}

/* Which turn of its 4-tuple a segment belongs to: that of the last one, or the next. */
static uint32_t turn_of(const tl_copies *copies, const tl_connection *newest, const tl_segment *s)
{
    const kept *last = at(copies, newest->recent);

    return !last ? 0 : last->turn + (last->side != s->side);
}

/* The last segment that looks just so. */
static const kept *find_alike(const tl_copies *copies, uint32_t hash, tl_connection *newest,
                              const tl_segment *s)
{
    const kept *k = at(copies, copies->bucket[hash]);

    for (unsigned i = 0; i < LOOKED_AT && k && is_within(k, s, SAME_WITHIN); i++) {
        if (is_same(k, s) && connection_of(newest, k))
            return k;
        k = at(copies, k->chained);
    }
    return NULL;
}

static const kept *find_same(const tl_copies *copies, uint32_t hash, tl_connection *newest,
                             const tl_segment *s)
{
    const kept *k = find_alike(copies, hash, newest, s);
    const bool is_bare = s->length == 0 && !(s->flags & (TL_SYN | TL_FIN | TL_RST));

    if (!k || k->has_id)
        return k;
    return !is_bare && is_within(k, s, NEAR_WITHIN) && is_undivided(copies, newest, k) ? k : NULL;
}

static bool is_part(const kept *whole, const tl_segment *s)
{
    if (whole->length <= s->length || whole->has_id != s->has_id ||
        (s->has_id && (uint16_t)(s->id - whole->id) > PARTS_APART))
        return false;
    return seq_upto(whole->seq, s->seq) && seq_upto(segment_end(s), whole->end);
}

static const kept *find_whole(const tl_copies *copies, tl_connection *newest, const tl_segment *s)
{
    const kept *k = at(copies, newest->recent);

    if (s->length == 0 || s->flags & (TL_SYN | TL_RST))
        return NULL;
    for (unsigned i = 0; i < LOOKED_AT && k && k->side == s->side && is_within(k, s, NEAR_WITHIN - 1); i++) {
        if (is_part(k, s) && connection_of(newest, k))
            return k;
        k = at(copies, k->before);
    }
    return NULL;
}

tl_connection *tl_copies_find(const tl_copies *copies, uint32_t hash, tl_connection *newest,
                              const tl_segment *s, uint32_t *original)
{
    if (!copies || !newest || !s->has_checksum)
        return NULL;
    const kept *k = find_same(copies, hash, newest, s);
    if (!k)
        k = find_whole(copies, newest, s);
    if (!k)
        return NULL;
    *original = k->frame;
    return connection_of(newest, k);
}

void tl_copies_note(tl_copies **copies, uint32_t hash, const tl_world *world, tl_connection *newest,
                    const tl_connection *of, const tl_segment *s)
{
    if (!s->has_checksum)
        return;
    if (!*copies)
        *copies = world->allocate(sizeof **copies);
    tl_copies *all = *copies;
    uint32_t *bucket = &all->bucket[hash];
    const uint32_t turn = turn_of(all, newest, s), serial = ++all->last;

    all->ring[serial % KEPT] = (kept){
        .time = s->time,
        .frame = s->frame,
        .connection = of->number,
        .seq = s->seq,
        .end = segment_end(s),
        .ack = s->ack,
        .length = s->length,
        .window = s->window,
        .before = newest->recent,
        .chained = *bucket,
        .turn = turn,
        .flags = s->flags,
        .checksum = s->checksum,
        .id = s->id,
        .side = s->side,
        .has_id = s->has_id,
        .is_offloaded = s->is_offloaded,
    };
    *bucket = newest->recent = serial;
}
