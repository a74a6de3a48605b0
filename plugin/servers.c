/* servers.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "servers.h"

#include <string.h>

#include <epan/wmem_scopes.h>

#include "chunks.h"
#include "hash.h"

#define NS_PER_MS INT64_C(1000000)

/* An address and port with handshakes under way; or a free one, and `head` is the
 * next free one. Places hold a number + 1, or 0 for none. */
typedef struct {
    uint8_t address[16];
    uint16_t port;
    uint8_t type, length;
    uint32_t head, tail;
    uint32_t count;
    uint32_t alarm; /* the count that is a flood next; 0: not yet asked */
} server;

/* A handshake under way; or a free one, and `after` is the next free one. */
typedef struct {
    uint32_t stream;
    uint32_t server;
    uint32_t before, after; /* in the queue */
    uint32_t since;         /* ms, modulo 2^32 */
} handshake;

static chunks handshakes;
static uint32_t handshake_count, free_handshake;
static chunks servers;
static uint32_t server_count, free_server;
static wmem_map_t *places; /* of servers, by address and port */

enum { WORDS = 1 + sizeof((server *)0)->address / 4 };
static uint64_t factor[WORDS]; /* for the port and the words of the address */

static unsigned hash_server(const void *key)
{
    const server *s = key;

    return (unsigned)((factor[0] * s->port + hash_bytes(s->address, s->length, factor + 1)) >> 32);
}

static gboolean is_same_server(const void *a, const void *b)
{
    const server *one = a, *other = b;

    return one->port == other->port && one->type == other->type &&
           memcmp(one->address, other->address, sizeof one->address) == 0;
}

void servers_open(void)
{
    handshakes = (chunks){.item_size = sizeof(handshake), .bits = 8};
    handshake_count = free_handshake = 0;
    servers = (chunks){.item_size = sizeof(server), .bits = 6};
    server_count = free_server = 0;
    hash_choose(factor, WORDS);
    places = wmem_map_new(wmem_file_scope(), hash_server, is_same_server);
}

/* All but the map, which Wireshark frees with the capture and not before. */
void servers_close(void)
{
    chunks_free(&handshakes);
    chunks_free(&servers);
}

static server named(const address *host, uint16_t port)
{
    server s = {.port = port, .type = (uint8_t)host->type};

    if (host->len > 0 && host->len <= (int)sizeof s.address) {
        s.length = (uint8_t)host->len;
        memcpy(s.address, host->data, s.length);
    }
    return s;
}

static server *server_at(uint32_t place)
{
    return place ? chunks_get(&servers, place - 1) : NULL;
}

/* The place of a server with handshakes under way, or 0. */
static uint32_t find(const address *host, uint16_t port)
{
    const server key = named(host, port);

    return GPOINTER_TO_UINT(wmem_map_lookup(places, &key));
}

static uint32_t find_or_make(const address *host, uint16_t port)
{
    uint32_t place = find(host, port);
    if (place)
        return place;

    place = free_server ? free_server : ++server_count;
    server *s = chunks_make(&servers, place - 1);
    if (free_server)
        free_server = s->head;
    *s = named(host, port);
    wmem_map_insert(places, s, GUINT_TO_POINTER(place));
    return place;
}

static void forget_idle(uint32_t place)
{
    server *s = server_at(place);

    if (s->count > 0)
        return;
    wmem_map_remove(places, s);
    s->head = free_server;
    free_server = place;
}

static handshake *at(uint32_t place)
{
    return place ? chunks_get(&handshakes, place - 1) : NULL;
}

/* The handshake at a place that a stream remembers, if it is still that stream's. */
static handshake *own(uint32_t stream, uint32_t place)
{
    handshake *h = at(place);

    return h && h->server && h->stream == stream ? h : NULL;
}

static uint32_t make_handshake(void)
{
    const uint32_t place = free_handshake ? free_handshake : ++handshake_count;
    const handshake *h = chunks_make(&handshakes, place - 1);

    if (free_handshake)
        free_handshake = h->after;
    return place;
}

void servers_enter(uint32_t stream, uint32_t *waits, const address *host, uint16_t port, int64_t now)
{
    if (own(stream, *waits))
        return;
    const uint32_t place = find_or_make(host, port);
    server *s = server_at(place);
    handshake *last = at(s->tail);

    *waits = make_handshake();
    *at(*waits) = (handshake){
        .stream = stream, .server = place, .before = s->tail, .since = (uint32_t)(now / NS_PER_MS)};
    *(last ? &last->after : &s->head) = *waits;
    s->tail = *waits;
    s->count++;
}

static void leave(uint32_t place)
{
    handshake *h = at(place);
    server *s = server_at(h->server);
    handshake *before = at(h->before), *after = at(h->after);

    *(before ? &before->after : &s->head) = h->after;
    *(after ? &after->before : &s->tail) = h->before;
    s->count--;
    *h = (handshake){.after = free_handshake};
    free_handshake = place;
}

void servers_leave(uint32_t stream, uint32_t *waits)
{
    const handshake *h = *waits ? own(stream, *waits) : NULL;

    if (h) {
        const uint32_t place = h->server;
        leave(*waits);
        forget_idle(place);
    }
    *waits = 0;
}

static bool is_old(const handshake *h, int64_t now, int64_t timeout)
{
    const uint32_t age = (uint32_t)(now / NS_PER_MS) - h->since;

    /* A clock that ran backwards makes nobody old. */
    return age < UINT32_MAX / 2 && age >= timeout / NS_PER_MS;
}

static void expire(server *s, int64_t now, int64_t timeout)
{
    while (s->head && is_old(at(s->head), now, timeout))
        leave(s->head);
}

/* Each alarm is at twice the count of the last one. */
static bool is_flood(server *s, uint32_t threshold)
{
    if (!threshold)
        return false;
    if (!s->alarm)
        s->alarm = threshold;
    if (s->count < s->alarm)
        return false;
    s->alarm = s->alarm > UINT32_MAX / 2 ? UINT32_MAX : s->alarm * 2;
    return true;
}

uint32_t servers_count(uint32_t stream, uint32_t waits, const address *host, uint16_t port, int64_t now,
                       const servers_settings *settings, bool *flood)
{
    const handshake *h = own(stream, waits);
    const uint32_t place = h ? h->server : find(host, port);
    server *s = server_at(place);

    *flood = false;
    if (!s)
        return 0;
    expire(s, now, settings->timeout);
    *flood = is_flood(s, settings->threshold);
    const uint32_t count = s->count;
    forget_idle(place);
    return count;
}
