/* hosts.c: two hosts on one lwIP, for play.py to drive: it owns the clock and the wire, and judges nothing either.
 *
 * An address says whose a connection is. Each host has an interface for what arrives, whose link is down,
 * so that no route leads to it: all that anybody sends leaves by a third, and goes to the wire.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define _DEFAULT_SOURCE /* lwIP's headers want POSIX's types */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

enum { CLIENT, SERVER, HOSTS };

enum { MTU = 1500, KEEP_ALIVE = 1000 /* ms */, PROBES = 3 };

/* A host with one program. Its sockets are lwIP's: an accepted or connecting one, and one that listens. */
struct host {
    struct netif netif;
    struct tcp_pcb *socket; /* NULL once lwIP has freed it, or the program has closed it */
    struct tcp_pcb *listener;
    bool accepts;
    bool reads;
    bool eof;
    uint32_t taken; /* bytes */
    uint32_t read;  /* bytes, at most `taken` */
};

/* What lwIP says of an endpoint. */
struct endpoint {
    uint64_t id; /* of no other endpoint that there is now */
    int32_t state;
};

typedef void (*wire_fn)(int host, const uint8_t *packet, int length);

static struct host hosts[HOSTS];
static struct netif outside;
static wire_fn to_wire;

static ip4_addr_t address_of(int host)
{
    ip4_addr_t address;
    IP4_ADDR(&address, 192, 0, 2, host + 1);
    return address;
}

static bool is_of(const struct tcp_pcb *pcb, int host)
{
    ip4_addr_t address = address_of(host);
    return ip4_addr_cmp(ip_2_ip4(&pcb->local_ip), &address);
}

/* lwIP counts up from 6510. Numbers have to wrap, too: this one is found first. */
uint32_t tcp_next_iss(struct tcp_pcb *pcb);
uint32_t tcp_next_iss(struct tcp_pcb *pcb)
{
    (void)pcb;
    return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

static err_t send_out(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
    (void)netif;
    (void)to;
    uint8_t bytes[MTU];
    uint16_t length = pbuf_copy_partial(packet, bytes, sizeof bytes, 0);
    ip4_addr_t client = address_of(CLIENT);
    ip4_addr_t sender;
    ip4_addr_copy(sender, ((const struct ip_hdr *)bytes)->src);
    to_wire(ip4_addr_cmp(&sender, &client) ? CLIENT : SERVER, bytes, length);
    return ERR_OK;
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 'w';
    netif->mtu = MTU;
    netif->output = send_out;
    return ERR_OK;
}

static void add_netif(struct netif *netif, ip4_addr_t address)
{
    ip4_addr_t netmask, none;
    IP4_ADDR(&netmask, 255, 255, 255, 255);
    IP4_ADDR(&none, 0, 0, 0, 0);
    netif_add(netif, &address, &netmask, &none, NULL, set_up, ip_input);
    netif_set_up(netif);
}

void start(wire_fn wire)
{
    ip4_addr_t elsewhere;
    IP4_ADDR(&elsewhere, 198, 51, 100, 1);
    to_wire = wire;
    lwip_init();
    for (int host = 0; host < HOSTS; host++) {
        add_netif(&hosts[host].netif, address_of(host));
        netif_set_link_down(&hosts[host].netif);
    }
    add_netif(&outside, elsewhere);
    netif_set_link_up(&outside);
    netif_set_default(&outside);
}

/* Time and the wire */

void tick(void) /* each 250 ms */
{
    tcp_tmr();
}

void deliver(int host, const uint8_t *packet, int length)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);
    pbuf_take(p, packet, (uint16_t)length);
    ip_input(p, &hosts[host].netif);
}

/* What lwIP says */

static int add_endpoints(const struct tcp_pcb *first, int host, struct endpoint *found, int count, int most)
{
    for (const struct tcp_pcb *pcb = first; pcb && count < most; pcb = pcb->next) {
        if (is_of(pcb, host)) {
            found[count++] = (struct endpoint){(uintptr_t)pcb, pcb->state};
        }
    }
    return count;
}

/* The endpoints of a host, but for those that listen. Returns how many. */
int endpoints(int host, struct endpoint *found, int most)
{
    int count = add_endpoints(tcp_active_pcbs, host, found, 0, most);
    return add_endpoints(tcp_tw_pcbs, host, found, count, most);
}

/* What a program sees */

static void read_all(struct host *host)
{
    while (host->read < host->taken) {
        uint16_t some = (uint16_t)LWIP_MIN(host->taken - host->read, UINT16_MAX);
        host->read += some;
        tcp_recved(host->socket, some);
    }
}

static err_t on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)pcb;
    (void)error;
    struct host *host = arg;
    if (!data) {
        host->eof = true;
        return ERR_OK;
    }
    host->taken += data->tot_len;
    pbuf_free(data);
    if (host->reads) {
        read_all(host);
    }
    return ERR_OK;
}

static void on_end(void *arg, err_t error)
{
    (void)error;
    ((struct host *)arg)->socket = NULL;
}

static void use(struct host *host, struct tcp_pcb *pcb)
{
    host->socket = pcb;
    host->eof = false;
    host->taken = host->read = 0;
    tcp_arg(pcb, host);
    tcp_recv(pcb, on_data);
    tcp_err(pcb, on_end);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct host *host = arg;
    if (error != ERR_OK || !host->accepts) {
        return ERR_VAL; /* lwIP aborts it */
    }
    use(host, pcb);
    return ERR_OK;
}

bool has_socket(int host)
{
    return hosts[host].socket;
}

bool saw_eof(int host)
{
    return hosts[host].eof;
}

uint32_t has_read(int host)
{
    return hosts[host].read;
}

/* What a program does. What is gone it leaves alone: lwIP does not tell when it frees one in TIME_WAIT. */

static bool is_in(const struct tcp_pcb *pcb, const struct tcp_pcb *first)
{
    while (first && first != pcb) {
        first = first->next;
    }
    return first;
}

static struct tcp_pcb *socket_of(int host)
{
    struct tcp_pcb *pcb = hosts[host].socket;
    return pcb && (is_in(pcb, tcp_active_pcbs) || is_in(pcb, tcp_tw_pcbs)) ? pcb : NULL;
}

static struct tcp_pcb *bound(int host, uint16_t port)
{
    ip_addr_t address;
    ip_addr_copy_from_ip4(address, address_of(host));
    struct tcp_pcb *pcb = tcp_new();
    ip_set_option(pcb, SOF_REUSEADDR);
    return tcp_bind(pcb, &address, port) == ERR_OK ? pcb : NULL;
}

/* Functions that can fail return whether lwIP did it. */

bool listen_at(int host, uint16_t port)
{
    struct tcp_pcb *pcb = bound(host, port);
    hosts[host].listener = pcb ? tcp_listen(pcb) : NULL;
    if (hosts[host].listener) {
        tcp_arg(hosts[host].listener, &hosts[host]);
        tcp_accept(hosts[host].listener, on_accept);
    }
    return hosts[host].listener;
}

void stop_listening(int host)
{
    if (hosts[host].listener) {
        tcp_close(hosts[host].listener);
        hosts[host].listener = NULL;
    }
}

void set_accepts(int host, bool accepts)
{
    hosts[host].accepts = accepts;
}

bool connect_to(int host, uint16_t from, uint16_t port)
{
    ip_addr_t address;
    ip_addr_copy_from_ip4(address, address_of(HOSTS - 1 - host));
    struct tcp_pcb *pcb = bound(host, from);
    if (!pcb) {
        return false;
    }
    use(&hosts[host], pcb);
    return tcp_connect(pcb, &address, port, NULL) == ERR_OK;
}

void set_reads(int host, bool reads)
{
    hosts[host].reads = reads;
    if (reads && socket_of(host)) {
        read_all(&hosts[host]);
    }
}

void write_some(int host, int count)
{
    static const uint8_t zeros[UINT16_MAX];
    struct tcp_pcb *pcb = socket_of(host);
    if (pcb && tcp_write(pcb, zeros, (uint16_t)count, 0) == ERR_OK) {
        tcp_output(pcb);
    }
}

void half_close(int host)
{
    struct tcp_pcb *pcb = socket_of(host);
    if (pcb) {
        tcp_shutdown(pcb, 0, 1);
    }
}

static struct tcp_pcb *given_up(int host)
{
    struct tcp_pcb *pcb = socket_of(host);
    hosts[host].socket = NULL;
    if (pcb) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
    }
    return pcb;
}

void close_socket(int host)
{
    struct tcp_pcb *pcb = given_up(host);
    if (pcb) {
        tcp_close(pcb);
    }
}

void abort_socket(int host)
{
    struct tcp_pcb *pcb = given_up(host);
    if (pcb) {
        tcp_abort(pcb);
    }
}

void keep_alive(int host)
{
    struct tcp_pcb *pcb = socket_of(host);
    if (pcb) {
        pcb->keep_idle = pcb->keep_intvl = KEEP_ALIVE;
        pcb->keep_cnt = PROBES;
        ip_set_option(pcb, SOF_KEEPALIVE);
    }
}

static bool forget_one(int host)
{
    struct endpoint one;
    bool is_left = endpoints(host, &one, 1);
    if (is_left) {
        tcp_abandon((struct tcp_pcb *)(uintptr_t)one.id, 0);
    }
    return is_left;
}

/* The host forgets everything, and says nothing. */
void forget(int host)
{
    given_up(host);
    while (forget_one(host)) {
    }
    stop_listening(host);
    hosts[host].eof = false;
    hosts[host].taken = hosts[host].read = 0;
    hosts[host].reads = hosts[host].accepts = true;
}

/* All chance of lwIP's comes from there. */
void set_seed(uint32_t seed)
{
    srand(seed);
}
