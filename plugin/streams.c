/* streams.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "streams.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <epan/wmem_scopes.h>

#include "chunks.h"
#include "hash.h"

enum { BUCKETS_MAX = 1 << 28 };

/* Beside it a connection costs its addresses (8 or 32 bytes), 8 bytes at most for the buckets, from its
 * second segment on a tl_memory and, once more than SYNs and RSTs have passed, a tl_exchange. */
static_assert(sizeof(stream) <= 432, "a SYN of a flood is to cost no more than 540 bytes, frame included");
static_assert(sizeof(stream) + sizeof(tl_memory) + sizeof(tl_exchange) <= 648,
              "a whole connection is to cost no more than 640 bytes beside 24 for each packet");
static_assert(sizeof(tl_resets) <= 112, "a connection with a RST has grown");
static_assert(offsetof(stream, connection) == 0, "the core makes a stream of its connection");

enum { ADDRESS_MAX = 16 };

static chunks streams;   /* of stream, by the number of the connection in its session */
static chunks addresses; /* of bytes: those of side 0, then of side 1 */
static uint32_t addresses_end;
static chunks pieces; /* of bytes: what the core remembers of a connection beside its struct */
static uint32_t pieces_end;

/* A hash table of 4-tuples to the newest connection of each, chained through the
 * connections themselves. A bucket or link holds a connection's number + 1, or 0. */
static uint32_t *bucket;
static uint32_t bucket_count; /* a power of 2 */
static uint32_t linked;       /* 4-tuples in the buckets */

static uint32_t concurrent; /* connections open */

static uint32_t first; /* number of the first connection of this session */

/* Wireshark's own allocator would add 16 bytes to each piece. */
static void *allocate(size_t size)
{
    const size_t aligned = (size + 7) & ~(size_t)7;
    const bool is_small = aligned <= (size_t)1 << pieces.bits;
    const uint32_t place = is_small ? chunks_reserve(&pieces, &pieces_end, aligned) : UINT32_MAX;

    return place == UINT32_MAX ? wmem_alloc0(wmem_file_scope(), size) : chunks_get(&pieces, place);
}

static stream *stream_at(uint32_t number)
{
    return chunks_get(&streams, number - first);
}

static tl_connection *make(uint32_t number)
{
    return chunks_make(&streams, number - first);
}

static tl_connections all;

/* Random numbers for the ports and for each word of the addresses. */
enum { ADDRESS_WORDS = ADDRESS_MAX / 4, WORDS_MAX = 1 + 2 * ADDRESS_WORDS };
static uint64_t factor[WORDS_MAX];

void streams_open(bool goes_on)
{
    first = goes_on ? all.count : 0;
    all = (tl_connections){.world = {.allocate = allocate}, .make = make, .count = first};
    streams = (chunks){.item_size = sizeof(stream), .bits = 6};
    addresses = (chunks){.item_size = 1, .bits = 14};
    addresses_end = 0;
    pieces = (chunks){.item_size = 1, .bits = 14};
    pieces_end = 0;
    hash_choose(factor, WORDS_MAX);
    bucket_count = 256;
    bucket = wmem_alloc0(wmem_file_scope(), bucket_count * sizeof *bucket);
    linked = 0;
    concurrent = 0;
    servers_open();
}

void streams_begin_anew(void)
{
    chunks_free(&streams);
    chunks_free(&addresses);
    chunks_free(&pieces);
    wmem_free(wmem_file_scope(), bucket);
    servers_close();
    all.count = first;
    streams_open(true);
}

const stream *streams_get(uint32_t number)
{
    return number >= first && number < all.count ? stream_at(number) : NULL;
}

uint32_t streams_begin(void)
{
    return first;
}

uint32_t streams_end(void)
{
    return all.count;
}

/* Its two addresses, that of side 0 first. NULL, if none were kept. */
static const uint8_t *address_bytes(const stream *s)
{
    return s->address_length ? chunks_get(&addresses, s->addresses) : NULL;
}

address streams_address(const stream *s, unsigned side)
{
    address a = ADDRESS_INIT_NONE;
    if (s->address_length)
        set_address(&a, s->address_type, s->address_length, address_bytes(s) + side * s->address_length);
    return a;
}

/* Bytes of two addresses. Most are IPv4's, and to compare those takes an instruction instead of a call. */
static bool is_same(const uint8_t *a, const uint8_t *b, size_t length)
{
    return length == sizeof(uint32_t) ? !memcmp(a, b, sizeof(uint32_t)) : !length || !memcmp(a, b, length);
}

/* Whether these are its addresses, that of `side` first. */
static bool has_addresses(const stream *s, unsigned side, const address *a, const address *b)
{
    const uint8_t *bytes = address_bytes(s);
    const size_t length = s->address_length;

    return is_same(bytes + (side ? length : 0), a->data, length) &&
           is_same(bytes + (side ? 0 : length), b->data, length);
}

static bool is_between(const stream *s, const address *from, uint16_t from_port, const address *to,
                       uint16_t to_port)
{
    return s->address_type == from->type && s->address_length == from->len &&
           ((s->port[0] == from_port && s->port[1] == to_port && has_addresses(s, 0, from, to)) ||
            (s->port[1] == from_port && s->port[0] == to_port && has_addresses(s, 1, from, to)));
}

/* The bucket of two ends whose addresses have `length` bytes each. They are put in order, so that both
 * directions come out alike. */
static uint32_t *bucket_of(size_t length, const uint8_t *a, uint16_t a_port, const uint8_t *b,
                           uint16_t b_port)
{
    const bool swap = a_port > b_port || (a_port == b_port && length && memcmp(a, b, length) > 0);
    const uint32_t ports = swap ? (uint32_t)b_port << 16 | a_port : (uint32_t)a_port << 16 | b_port;
    const uint64_t sum = factor[0] * ports + hash_bytes(swap ? b : a, length, factor + 1) +
                         hash_bytes(swap ? a : b, length, factor + 1 + ADDRESS_WORDS);

    return &bucket[sum >> 32 & (bucket_count - 1)];
}

static void put_in_bucket(stream *s, uint32_t number)
{
    const size_t length = s->address_length;
    const uint8_t *bytes = length ? address_bytes(s) : (const uint8_t *)"";
    uint32_t *head = bucket_of(length, bytes, s->port[0], bytes + length, s->port[1]);

    s->link = *head;
    *head = number + 1;
}

static void double_buckets(void)
{
    uint32_t *old = bucket, old_count = bucket_count;
    bucket_count *= 2;
    bucket = wmem_alloc0(wmem_file_scope(), bucket_count * sizeof *bucket);
    for (uint32_t i = 0; i < old_count; i++) {
        for (uint32_t n = old[i]; n;) {
            stream *s = stream_at(n - 1);
            uint32_t next = s->link;
            put_in_bucket(s, n - 1);
            n = next;
        }
    }
    wmem_free(wmem_file_scope(), old);
}

/* The link that holds the newest connection between two ends; it holds 0 if there is none.
 * @param[out] newest  that connection, or NULL */
static uint32_t *find_link(const address *from, uint16_t from_port, const address *to, uint16_t to_port,
                           stream **newest)
{
    const size_t length = from->len > 0 ? (size_t)from->len : 0;
    uint32_t *link = bucket_of(length, from->data, from_port, to->data, to_port);
    stream *s;
    while ((s = *link ? stream_at(*link - 1) : NULL) && !is_between(s, from, from_port, to, to_port))
        link = &s->link;
    *newest = s;
    return link;
}

static void name_ends(stream *s, const input_segment *i)
{
    s->port[0] = i->from_port;
    s->port[1] = i->to_port;
    s->address_type = (uint8_t)i->from.type;
    if (i->from.len <= 0)
        return;
    const uint32_t place = chunks_reserve(&addresses, &addresses_end, 2 * (size_t)i->from.len);
    if (place == UINT32_MAX)
        return;
    s->address_length = (uint8_t)i->from.len;
    s->addresses = place;
    uint8_t *to = chunks_get(&addresses, place);
    memcpy(to, i->from.data, (size_t)i->from.len);
    memcpy(to + i->from.len, i->to.data, (size_t)i->to.len);
}

/* Whose segment it is; side 0 where nothing tells the ends apart. Mostly the ports do. */
static uint8_t side_of(const stream *s, const address *from, uint16_t from_port)
{
    return s->port[0] == s->port[1] ? !is_same(address_bytes(s), from->data, s->address_length)
                                    : from_port != s->port[0];
}

/* ---- What is known of all connections together ---- */

static void set_counted(stream *s, bool counted)
{
    concurrent += (uint32_t)counted - (uint32_t)s->counted;
    s->counted = counted;
}

static void count_connection(stream *s)
{
    set_counted(s, tl_is_open(&s->connection));
}

static bool is_under_way(const tl_connection *c, int64_t now, const servers_settings *settings)
{
    return tl_is_opening(c) && now - c->start < settings->timeout;
}

/* The server's queue, before and after a segment. */
static void count_handshakes(stream *s, const input_segment *i, const servers_settings *settings,
                             tl_report *r)
{
    const tl_connection *c = &s->connection;
    const uint16_t port = s->port[!c->client];
    const int64_t now = c->last;
    const bool waits = is_under_way(c, now, settings);
    const bool opens = (i->segment.flags & (TL_SYN | TL_RST)) == TL_SYN;
    bool flood;

    if (!waits)
        servers_leave(c->number, &s->waits);
    if (!waits && !opens)
        return;
    const address server = streams_address(s, !c->client);
    if (waits)
        servers_enter(c->number, &s->waits, &server, port, now);
    if (!opens)
        return;
    r->has_half_open = true;
    r->half_open = servers_count(c->number, s->waits, &server, port, now, settings, &flood);
    if (flood && r->raised < TL_MAX_RAISED)
        r->event[r->raised++] = (tl_raised){.event = TL_EVENT_OPEN_SYN_FLOOD, .number = r->half_open};
}

/* ---- Following ---- */

static void begin_zeek(stream *s, const input_segment *i, const streams_settings *settings)
{
    zeek_begin(&s->zeek, !i->broadcast && settings->is_likely_server(s->port[0]),
               !i->broadcast && settings->is_likely_server(s->port[1]));
}

/* The ends of a new connection on a 4-tuple are numbered as those of the one before. */
static void copy_ends(stream *s, const stream *before)
{
    memcpy(s->port, before->port, sizeof s->port);
    s->address_type = before->address_type;
    s->address_length = before->address_length;
    s->addresses = before->addresses;
}

/* A connection has begun: say whose it is, and let the table know it. */
static void enter(stream *s, stream *before, uint32_t *link, const input_segment *i,
                  const streams_settings *settings)
{
    const uint32_t number = s->connection.number;

    s->stream = i->stream;
    if (before) {
        copy_ends(s, before);
        s->link = before->link;
        *link = number + 1;
    } else {
        name_ends(s, i);
        if (linked++ >= bucket_count && bucket_count < BUCKETS_MAX)
            double_buckets();
        put_in_bucket(s, number);
    }
    begin_zeek(s, i, settings);
}

/* Both addresses are of one kind, and fit. */
static bool is_fit(const input_segment *i)
{
    return i->from.type == i->to.type && i->from.len == i->to.len && i->from.len >= 0 &&
           i->from.len <= ADDRESS_MAX;
}

static void name_side(input_segment *i, const stream *before)
{
    i->segment.side = before ? side_of(before, &i->from, i->from_port) : 0;
    i->segment.is_own_peer = i->from_port == i->to_port && addresses_equal(&i->from, &i->to);
}

static void forget_times(tl_report *report)
{
    report->idle = report->idle_before = TL_NO_TIME;
    for (unsigned i = 0; i < report->transitions; i++)
        report->transition[i].held = TL_NO_TIME;
}

const stream *streams_follow(input_segment *input, const streams_settings *settings, tl_report *report)
{
    if (!is_fit(input))
        return NULL;
    stream *before;
    uint32_t *link = find_link(&input->from, input->from_port, &input->to, input->to_port, &before);
    const tl_segment *segment = &input->segment;
    tl_connection *newest = before ? &before->connection : NULL;
    all.world.settings = settings->connection;
    name_side(input, before);
    stream *s = (stream *)tl_connections_follow(&all, &newest, segment, report);

    if (!before || newest != &before->connection)
        enter(s, before, link, input, settings);
    s->untimed |= input->untimed;
    if (s->untimed)
        forget_times(report);
    report->concurrent = concurrent;
    if (report->copy_of)
        return s;
    zeek_follow(&s->zeek, segment, input->bad_checksum, !input->cut);
    count_connection(s);
    if (tl_older(newest))
        count_connection((stream *)tl_older(newest));
    count_handshakes(s, input, &settings->servers, report);
    report->concurrent = concurrent;
    return s;
}

const stream *streams_reject(const icmp_error *error, tl_report *report)
{
    stream *newest;
    if (!*find_link(&error->from, error->from_port, &error->to, error->to_port, &newest))
        return NULL;
    tl_rejection rejection = error->rejection;
    rejection.side = side_of(newest, &error->from, error->from_port);
    stream *s = (stream *)tl_connections_reject(&all, &newest->connection, &rejection, report);
    if (!s)
        return NULL;
    servers_leave(s->connection.number, &s->waits);
    report->is_rejection = true;
    report->concurrent = concurrent;
    return s;
}
