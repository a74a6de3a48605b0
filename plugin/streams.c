/* streams.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "streams.h"

#include <assert.h>
#include <string.h>

#include <epan/wmem_scopes.h>

#include "chunks.h"

/* tcp.stream counts up from 0; a number beyond this is damage. */
enum { STREAM_LIMIT = 1 << 28 };

/* Beside it a stream costs its addresses (8 or 32 bytes) and 8 bytes at most for the buckets. */
static_assert(sizeof(stream) <= 480, "a stream has grown");

/* What `kind` says of a stream, and what `link` is then. */
enum {
    UNKNOWN,   /* never seen */
    BEGUN,     /* has a connection of its own; the next one in its bucket, + 1 */
    CONTINUES, /* shares the connection of the stream with this number */
};

enum { ADDRESS_MAX = 16 };

static chunks streams;   /* of stream, by number */
static chunks addresses; /* of bytes: those of side 0, then of side 1 */
static uint32_t addresses_end;

/* A hash table of 4-tuples to the last stream of each, chained through the
 * streams themselves. A bucket or link holds a stream's number + 1, or 0. */
static uint32_t *bucket;
static uint32_t bucket_count; /* a power of 2 */
static uint32_t linked;       /* streams in the buckets */

static uint32_t concurrent; /* connections open */

void streams_open(void)
{
    streams = (chunks){.item_size = sizeof(stream), .bits = 6};
    addresses = (chunks){.item_size = 1, .bits = 14};
    addresses_end = 0;
    bucket_count = 256;
    bucket = wmem_alloc0(wmem_file_scope(), bucket_count * sizeof *bucket);
    linked = 0;
    concurrent = 0;
    servers_open();
}

static stream *resolve(uint32_t number)
{
    stream *s = chunks_get(&streams, number);
    /* A stream is linked to one that began before it, and then perhaps that one too. */
    while (s && s->kind == CONTINUES)
        s = chunks_get(&streams, s->link);
    return s && s->kind == BEGUN ? s : NULL;
}

const stream *streams_get(uint32_t number)
{
    return resolve(number);
}

uint32_t streams_end(void)
{
    return streams.chunk_count << streams.bits;
}

address streams_address(const stream *s, unsigned side)
{
    address a = ADDRESS_INIT_NONE;
    if (s->address_length)
        set_address(&a, s->address_type, s->address_length,
                    (const uint8_t *)chunks_get(&addresses, s->addresses) + side * s->address_length);
    return a;
}

/* Whether this is the address and port of that end. */
static bool is_end(const stream *s, unsigned side, const address *a, uint16_t port)
{
    address end = streams_address(s, side);
    return s->port[side] == port && addresses_equal(&end, a);
}

static bool is_between(const stream *s, const address *from, uint16_t from_port, const address *to,
                       uint16_t to_port)
{
    return (is_end(s, 0, from, from_port) && is_end(s, 1, to, to_port)) ||
           (is_end(s, 1, from, from_port) && is_end(s, 0, to, to_port));
}

/* Wireshark's seeded hash: a capture is not to choose who shares a bucket. */
static uint32_t hash_end(const address *a, uint16_t port)
{
    uint8_t end[2 + ADDRESS_MAX] = {(uint8_t)(port >> 8), (uint8_t)port};
    if (a->len > 0)
        memcpy(end + 2, a->data, (size_t)a->len);
    return wmem_strong_hash(end, sizeof end);
}

/* The sum, so that both directions come out alike. */
static uint32_t *bucket_of(const address *a, uint16_t a_port, const address *b, uint16_t b_port)
{
    return &bucket[(hash_end(a, a_port) + hash_end(b, b_port)) & (bucket_count - 1)];
}

static void put_in_bucket(stream *s, uint32_t number)
{
    address a = streams_address(s, 0), b = streams_address(s, 1);
    uint32_t *head = bucket_of(&a, s->port[0], &b, s->port[1]);
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
            stream *s = chunks_get(&streams, n - 1);
            uint32_t next = s->link;
            put_in_bucket(s, n - 1);
            n = next;
        }
    }
    wmem_free(wmem_file_scope(), old);
}

/* The link that holds the last stream between two ends; it holds 0 if there is none. */
static uint32_t *find_link(const address *from, uint16_t from_port, const address *to, uint16_t to_port)
{
    uint32_t *link = bucket_of(from, from_port, to, to_port);
    while (*link) {
        stream *s = chunks_get(&streams, *link - 1);
        if (is_between(s, from, from_port, to, to_port))
            break;
        link = &s->link;
    }
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

/* Whose segment it is; side 0 where nothing tells the ends apart. */
static uint8_t side_of(const stream *s, const address *from, uint16_t from_port)
{
    return !is_end(s, 0, from, from_port);
}

/* ---- What is known of all connections together ---- */

static void set_counted(stream *s, bool counted)
{
    concurrent += (uint32_t)counted - (uint32_t)s->counted;
    s->counted = counted;
}

/* From ESTABLISHED until TIME_WAIT or CLOSED, and as long as nobody else has its ports. */
static void count_connection(stream *s)
{
    const tcp_state phase = s->connection.phase;

    set_counted(s, phase >= TCP_ESTABLISHED && phase != TCP_TIME_WAIT && !s->displaced);
}

static bool is_under_way(const tl_connection *c, int64_t now, const servers_settings *settings)
{
    return (c->phase == TCP_SYN_SENT || c->phase == TCP_SYN_RECEIVED) && c->saw_syn &&
           now - tl_start(c) < settings->timeout;
}

/* The server's queue, before and after a segment. */
static void count_handshakes(stream *s, const input_segment *i, const servers_settings *settings,
                             tl_report *r)
{
    const tl_connection *c = &s->connection;
    const address server = streams_address(s, !c->client);
    const uint16_t port = s->port[!c->client];
    const int64_t now = c->last;
    bool flood;

    if (is_under_way(c, now, settings) && !s->displaced)
        servers_enter(c->stream, &s->waits, &server, port, now);
    else
        servers_leave(c->stream, &s->waits);
    if (!(i->segment.flags & TL_SYN) || i->segment.flags & TL_RST)
        return;
    r->has_half_open = true;
    r->half_open = servers_count(&server, port, now, settings, &flood);
    if (flood && r->raised < TL_MAX_RAISED)
        r->event[r->raised++] = (tl_raised){.event = TL_EVENT_OPEN_SYN_FLOOD, .number = r->half_open};
}

/* ---- Following ---- */

/* Wireshark begins a stream at a SYN that was forged, and the connection goes on
 * in it: join it to the stream before. */
static stream *join_if_resumed(stream *s, const input_segment *i, tl_transition joint[2])
{
    const uint32_t number = s->connection.reuse_stream;
    if (s->connection.opened || number == TL_NO_STREAM || number == s->connection.stream)
        return s;
    stream *before = resolve(number);
    if (!before || !tl_resumes(&s->connection, side_of(s, &i->from, i->from_port), &before->connection,
                               side_of(before, &i->from, i->from_port), &i->segment))
        return s;

    tl_join(&s->connection, &before->connection, s->port[0] == before->port[0], joint);
    uint32_t *link = find_link(&i->from, i->from_port, &i->to, i->to_port);
    *link = s->link;
    servers_leave(s->connection.stream, &s->waits);
    s->kind = CONTINUES;
    s->link = number;
    before->displaced = false;
    put_in_bucket(before, number);
    return before;
}

static void begin_zeek(stream *s, const input_segment *i, const streams_settings *settings)
{
    zeek_begin(&s->zeek, !i->broadcast && settings->is_likely_server(s->port[0]),
               !i->broadcast && settings->is_likely_server(s->port[1]));
}

/* Begin a stream with its first segment, or find what that continues. */
static stream *begin(stream *s, const input_segment *i, const streams_settings *settings)
{
    uint32_t *link = find_link(&i->from, i->from_port, &i->to, i->to_port);
    stream *before = *link ? chunks_get(&streams, *link - 1) : NULL;
    if (before && tl_continues(&before->connection, &i->segment, side_of(before, &i->from, i->from_port))) {
        s->kind = CONTINUES;
        s->link = *link - 1;
        return before;
    }
    if (before) {
        servers_leave(*link - 1, &before->waits);
        set_counted(before, false);
        before->displaced = true;
        *link = before->link;
        linked--;
    }
    s->kind = BEGUN;
    name_ends(s, i);
    begin_zeek(s, i, settings);
    tl_segment first = i->segment;
    first.side = 0;
    tl_begin(&s->connection, i->stream, before ? &before->connection : NULL, &first);
    if (linked++ >= bucket_count && bucket_count < STREAM_LIMIT)
        double_buckets();
    put_in_bucket(s, i->stream);
    return s;
}

/* Both addresses are of one kind, and fit. */
static bool is_fit(const input_segment *i)
{
    return i->stream < STREAM_LIMIT && i->from.type == i->to.type && i->from.len == i->to.len &&
           i->from.len >= 0 && i->from.len <= ADDRESS_MAX;
}

/* The transitions of a joint come before the segment's own. */
static void prepend(tl_report *report, const tl_transition joint[2])
{
    if (report->transitions > TL_MAX_TRANSITIONS - 2)
        report->transitions = TL_MAX_TRANSITIONS - 2;
    memmove(report->transition + 2, report->transition, report->transitions * sizeof *report->transition);
    memcpy(report->transition, joint, 2 * sizeof *joint);
    report->transitions += 2;
}

bool streams_follow(const input_segment *input, const streams_settings *settings, tl_report *report)
{
    if (!is_fit(input))
        return false;
    stream *s = resolve(input->stream);
    const stream *was = s;
    tl_transition joint[2];
    if (!s)
        was = s = begin(chunks_make(&streams, input->stream), input, settings);
    else
        s = join_if_resumed(s, input, joint);
    tl_segment segment = input->segment;
    segment.side = side_of(s, &input->from, input->from_port);
    tl_follow(&s->connection, &segment, &settings->connection, report);
    if (s != was)
        prepend(report, joint);
    zeek_follow(&s->zeek, &segment, input->bad_checksum, !input->cut);
    count_connection(s);
    count_handshakes(s, input, &settings->servers, report);
    report->concurrent = concurrent;
    return true;
}

bool streams_reject(const icmp_error *error, uint32_t *number, tl_report *report)
{
    const uint32_t link = *find_link(&error->from, error->from_port, &error->to, error->to_port);
    if (!link)
        return false;
    stream *s = chunks_get(&streams, link - 1);
    tl_rejection rejection = error->rejection;
    rejection.side = side_of(s, &error->from, error->from_port);
    if (!tl_reject(&s->connection, &rejection, report))
        return false;
    servers_leave(s->connection.stream, &s->waits);
    report->is_rejection = true;
    report->concurrent = concurrent;
    *number = link - 1;
    return true;
}
