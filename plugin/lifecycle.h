/* lifecycle.h
 * The life of one TCP connection as a capture proves it: how it opened, what
 * state each end is in, how it closed, why it was reset. Which connection a
 * segment belongs to is decided before, in connections.h.
 *
 * Pure: plain structs in, plain structs out; no clock, no Wireshark. Work per
 * segment is constant. What is remembered has a struct for each lifetime:
 *
 *   tl_connection    one opening and all that follows from it
 *   tl_attempt       in it: one try to open; the same SYN after a failure begins another
 *   tl_end           in it, twice: what is known of an end
 *   tl_claim         what says that an end has no connection any more; allocated when it comes
 *   tl_gaps          in an end: what did not pass byte after byte; allocated when that comes
 *   tl_exchange      what only a connection has in which more than SYNs and RSTs have passed;
 *                    allocated then
 *   tl_memory        the last segments of each end, which a RST may answer; allocated at the
 *                    second segment
 *   tl_extras        what few connections have; allocated when the first of it comes
 *   tl_resets        the RSTs themselves; allocated when one comes
 *
 * Each begins as zero, and none is ever emptied member by member.
 *
 * All times are nanoseconds: of a frame, since any epoch; a span, as it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_LIFECYCLE_H
#define TCPLIFE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "sequence.h"
#include "tcp-state.h"
#include "values.h"

/** No such time, span or number. */
#define TL_NO_TIME INT64_MIN
#define TL_NO_CONNECTION UINT32_MAX
#define TL_NO_DIFFERENCE INT32_MIN

/** Flags of a segment, the bits of the TCP header (RFC 9293, 3.1). */
enum { TL_FIN = 0x01, TL_SYN = 0x02, TL_RST = 0x04, TL_ACK = 0x10 };

/** One TCP segment, as it passed the capture point. */
typedef struct {
    int64_t time;      /**< ns; may run backwards between frames of a bad capture */
    uint32_t frame;    /**< frame number, from 1 */
    uint32_t seq;      /**< raw sequence number */
    uint32_t ack;      /**< raw acknowledgment number; meaningful with TL_ACK */
    uint32_t length;   /**< bytes of data, as the IP header tells, captured or not */
    uint32_t window;   /**< advertised window in bytes, scaled where the scale is known */
    uint32_t sack;     /**< with has_sack: right edge of its highest SACK block (RFC 2018), raw */
    uint16_t flags;    /**< TL_FIN ..., other bits are ignored */
    uint16_t checksum; /**< with has_checksum: of the TCP header, as it was captured */
    uint16_t id;       /**< with has_id: identification of the IPv4 header, not 0 */
    uint8_t ttl;       /**< of the IPv4 header, or the hop limit of the IPv6 header */
    bool has_ttl;      /**< `ttl` is known */
    bool has_sack;     /**< it has a SACK block */
    bool has_checksum; /**< `checksum` is known */
    bool
        is_offloaded; /**< with has_checksum: the interface has still to compute it: `checksum` tells nothing */
    bool has_id;      /**< `id` is known */
    uint8_t side;     /**< 0 or 1: which of the 4-tuple's two ends sent it; the caller
                           numbers them as it likes and sticks to it */
    bool lower_port;  /**< the sender's port is lower than the receiver's: the server's
                           mark where neither SYN nor SYN/ACK was seen */
    bool is_own_peer; /**< both ends are one address and port */
} tl_segment;

/** What the user may set. */
typedef struct {
    int64_t msl; /**< ns; TIME_WAIT lasts twice this (RFC 9293, 3.4.2) */
} tl_settings;

/** A state left at a frame. */
typedef struct {
    tl_role role;
    tcp_state from, to;
    bool undone;  /**< a silent move taken back; has no time in state */
    int64_t held; /**< ns the end had been in `from`; TL_NO_TIME if that is not told */
} tl_transition;

/** What may follow an event's text. */
typedef struct {
    tl_event event;
    bool warn;       /**< OPEN_PORT_REUSE: raise it as a warning */
    uint32_t number; /**< attempt, for the retransmitted openings; type << 8 | code of an
                          ICMP error; handshakes under way, of a flood; else 0 */
} tl_raised;

enum {
    /* A frame can undo a RST (2), lapse TIME_WAIT (3), take over from an older connection (1), and pass
     * each end through four states. */
    TL_MAX_TRANSITIONS = 14,
    TL_MAX_RAISED = 8,
};

/** What one frame decides, and what holds after it. */
typedef struct {
    /* Now */
    tcp_state phase;
    tcp_state state[2]; /**< by tl_role; with `has_states` */
    tl_role sender;
    bool has_states; /**< nothing has opened: the ends have no states */
    bool guessed;    /**< another pair of states would fit as well */
    bool role_guessed;
    uint32_t copy_of; /**< number of the frame that this one is a copy of; 0: it is none */
    /* Events */
    bool late;
    tl_verdict verdict;
    int64_t idle; /**< ns, on a RST: since data, SYN or FIN; else TL_NO_TIME */
    int64_t
        idle_before;  /**< ns, on a RST: how long nothing of that kind had passed before the segment that it
                              answers; else TL_NO_TIME */
    uint32_t answers; /**< on a RST: frame of the segment that it answers; 0: none */
    tl_answered answered; /**< and what that is */
    tl_form form;
    uint8_t evidence;    /**< bit (1 << tl_evidence) */
    bool has_ttl_delta;  /**< `ttl_delta` is known */
    int16_t ttl_delta;   /**< on a RST: its TTL minus its sender's last one */
    uint16_t steps;      /**< bit (1 << tl_step) */
    uint8_t transitions; /**< how many of `transition` */
    uint8_t raised;      /**< how many of `event` */
    /* Of all connections of the capture: not set by the core, but by who knows them. */
    bool is_rejection;   /**< the frame is an ICMP error, with events and transitions alone */
    bool has_half_open;  /**< `half_open` is known */
    uint32_t half_open;  /**< handshakes under way towards this server */
    uint32_t concurrent; /**< connections open */

    tl_transition transition[TL_MAX_TRANSITIONS];
    tl_raised event[TL_MAX_RAISED];
} tl_report;

/* ---- What is remembered. Private to the core, but for what tl_connection shows. ---- */

/** A time or a span in two halves: whole it has to stand at a multiple of 8 bytes, and what remembers many
 *  of them would be a tenth larger. */
typedef struct {
    uint32_t low;
    int32_t high;
} tl_time;

static inline tl_time tl_time_of(int64_t ns)
{
    return (tl_time){.low = (uint32_t)ns, .high = (int32_t)(ns >> 32)};
}

static inline int64_t tl_ns(tl_time t)
{
    return (int64_t)((uint64_t)(uint32_t)t.high << 32 | t.low);
}

/** When a deciding frame passed; frame 0: none has, or what it did was undone. */
typedef struct {
    uint32_t frame;
    tl_time time;
} tl_moment;

/** What an end has sent that did not pass byte after byte: see gaps.c. Allocated when that comes. */
typedef struct {
    seq_holes holes;     /**< below nxt */
    uint64_t missing;    /**< bytes of holes for which there was no room */
    uint64_t jump_bytes; /**< with has_jump: bytes it had sent before */
    int64_t jumped;      /**< with has_jump: when */
    tl_moment strayed;   /**< with has_stray: when that passed */
    tl_moment syn_fin;   /**< with tl_end.syn_fin: when that SYN passed */
    seq_range stray;     /**< with has_stray: its last segment that fitted nothing, its FIN included */
    uint32_t stray_ack;  /**< with has_stray: what that acknowledged */
    uint32_t claimed;    /**< with has_claim: the peer's highest ACK, beyond nxt */
    uint32_t sacked;     /**< with has_sack: right edge of the peer's highest SACK block */
    uint32_t jump_from, jump_to; /**< with has_jump: nxt before it, and the segment's first number */
    seq_range race;              /**< with raced: the data that it sent after the first FIN had passed, before
                               acknowledging it */
    uint32_t beyond;             /**< with has_beyond: end of the data it sent beyond its own FIN */
    uint32_t hidden_fin;         /**< with hid_fin: number after the FIN that it seems to have sent */
    uint32_t fin_ack;            /**< with has_fin_ack: what the peer's FIN acknowledged */
    int64_t fin_ack_since;       /**< and when the peer had entered the state before that FIN */
    int64_t fin_since;           /**< with a FIN: when it had entered the state before it */
    uint8_t fin_ack_before;      /**< with has_fin_ack: that state of the peer */
    uint8_t fin_before;          /**< with a FIN: the state before it */
    uint8_t claims;              /**< how many numbers the peer claimed since it last sent anything */
    bool has_claim : 1;
    bool has_jump : 1;
    bool has_stray : 1;
    bool has_sack : 1;
    bool raced : 1;
    bool has_beyond : 1;
    bool stray_fin : 1; /**< `stray` ends with a FIN */
    bool has_fin_ack : 1;
    bool hid_fin : 1; /**< while its peer's FIN was not acknowledged, it sent a bare ACK with a number
                               beyond what passed of it */
} tl_gaps;

/** One end of the connection. */
typedef struct {
    tl_gaps *gaps;         /**< NULL: all that it sent passed byte after byte */
    int64_t since;         /**< when it entered `state`; TL_NO_TIME: before the capture began */
    int64_t asked_at;      /**< when the first of what is unanswered passed; TL_NO_TIME: all is answered */
    uint64_t bytes;        /**< new bytes of data it sent */
    uint32_t rtt;          /**< shortest round trip from us to this end, microseconds; NO_RTT: none seen */
    uint32_t isn;          /**< its initial sequence number, with has_isn */
    uint32_t nxt;          /**< with has_nxt: end of what it sent (SND.NXT), the highest that passed;
                             with a FIN, just after it */
    uint32_t asked;        /**< with asked_at: the number with which that begins */
    uint32_t told;         /**< with has_told: highest ACK it sent: what its RCV.NXT is at least, and
                             the peer's SND.UNA */
    uint32_t window;       /**< last window it advertised */
    uint32_t widest;       /**< widest window it advertised */
    uint16_t repeats;      /**< how often the first of what is unanswered was sent again; 1 at least if
                             anything of it was */
    uint16_t probes;       /**< keep-alives since the peer was last heard */
    uint8_t state;         /**< tcp_state; written by end_set_state() alone */
    uint8_t ttl;           /**< with has_ttl: of its last segment other than a RST */
    uint8_t marks;         /**< bit (1 << tl_mark): its segments have raised that event */
    uint8_t fins;          /**< how often it sent its FIN again */
    bool heard : 1;        /**< a segment of it passed that is no RST */
    bool rtt_is_bound : 1; /**< what was answered then had passed twice: `rtt` is too long, if not right */
    bool has_isn : 1;      /**< seen, or told by an ACK of it */
    bool has_nxt : 1;      /**< it has sent something */
    bool has_told : 1;     /**< it has sent an ACK */
    bool has_ttl : 1;
    bool sent_syn : 1;   /**< its SYN, or SYN/ACK, passed */
    bool active : 1;     /**< thought to be listening, it sent a SYN without ACK */
    bool tfo : 1;        /**< its SYN carried data */
    bool syn_fin : 1;    /**< its SYN carried a FIN */
    bool isn_acked : 1;  /**< the peer acknowledged its ISN */
    bool confirmed : 1;  /**< sent what only a synchronized state can send */
    bool has_fin : 1;    /**< its FIN passed */
    bool plain_fin : 1;  /**< its FIN passed without an ACK of the peer's FIN, in order, and may have come */
    bool acking_fin : 1; /**< its FIN passed with an ACK of the peer's FIN */
    bool fin_acked : 1;  /**< the peer acknowledged its FIN */
    bool fin_repeated : 1; /**< its FIN was repeated and not acknowledged since */
    bool data_again : 1;   /**< after its FIN had passed, data before it came again */
    bool ack_sure : 1;     /**< the ACK of its FIN is known to have arrived */
    bool spoke : 1;        /**< sent new data or a FIN in this capture */
    bool window_probe : 1; /**< asked for a window since the peer was last heard */
    bool late_data : 1;    /**< sent new data after the peer's FIN had passed */
    bool unseen : 1;       /**< midstream: new bytes of it are acknowledged, none ever passed */
    bool borrowed : 1;     /**< it has not spoken here: `state` is the one that it has in the older
                                 connection, or LISTEN */
} tl_end;

/** A SYN/ACK beside the one that counts so far: the opener's ACK chooses. */
typedef struct {
    tl_moment passed;
    uint32_t isn;
} tl_offer;

/** The last of these, the newest at the end. */
enum { TL_MAX_OFFERS = 4 };
typedef struct {
    tl_offer offer[TL_MAX_OFFERS];
    uint8_t count;
} tl_offers;

/** One try to open. A retry of the same SYN after a failure begins the next. */
typedef struct {
    tl_moment syn_ack;  /**< the SYN/ACK that counts */
    uint32_t older_nxt; /**< with has_older: the number that an end expects of a connection that
                                  the capture does not hold, as an ACK told */
    tl_offers *others;  /**< SYN/ACKs with another ISN than that; NULL: none came */
    uint16_t syn_acks;  /**< SYN/ACKs sent */
    uint16_t overflows; /**< SYN/ACKs repeated although acknowledged */
    bool has_older : 1;
    uint8_t older_side : 1; /**< the end that expects older_nxt */
    bool answered_by_ack : 1;
    bool older_reset : 1; /**< a RST with older_nxt came */
    bool acked_syn : 1;   /**< the server acknowledged the SYN by an ACK apart from its own SYN */
    bool bad_ack : 1;     /**< an ACK that does not complete answered the SYN/ACK */
    bool tfo_accepted : 1;
    bool sent_syn_ack[2]; /**< by side */
} tl_attempt;

/** What says that an end has no connection any more: a RST, or an ICMP error. It lies over the
 *  connection: what it covers is shown CLOSED, and all that passes is followed beneath it, as if it had
 *  not passed. So who disproves it only has to lift it. */
typedef struct tl_claim {
    tl_moment passed;
    int64_t since[2];        /**< by side: since when it is covered, and so CLOSED */
    int64_t held[2];         /**< by side: when it had entered the state `was` */
    int64_t asked_at;        /**< tl_end.asked_at of its apparent sender then */
    uint64_t unacked[2];     /**< by side: bytes of data that were not acknowledged then */
    uint16_t repeats;        /**< how often its apparent sender had repeated what it asked first */
    uint32_t ack;            /**< with has_ack: of the RST, or else the highest of its apparent sender */
    uint32_t edge;           /**< with has_edge: end of what its apparent sender had sent */
    uint32_t refused_seq;    /**< with refused: its number, the last that was not accepted */
    uint8_t from;            /**< the side that it is from */
    uint8_t cause;           /**< tl_cause */
    uint32_t replaced_at;    /**< while the connection is replaced: the frame from which on it is */
    int64_t frozen_since[2]; /**< and by side: when the end had entered the state `frozen` */
    uint8_t frozen[2];       /**< and by side: tcp_state that it is shown in */
    uint8_t frozen_phase;    /**< and tcp_state: the phase */
    uint8_t was[2];          /**< by side: tcp_state that the end was in before */
    bool covers[2];          /**< by side: this end is CLOSED */
    bool stands : 1;         /**< it ended the connection, and nothing has disproved that */
    bool challenged : 1; /**< a RST that should draw a challenge ACK, and may have closed all the same: it is
                             the last segment */
    bool refused : 1;    /**< a RST was not accepted, and that was said */
    uint8_t refused_side : 1;
    bool is_icmp : 1;    /**< an ICMP error, which covers the client alone */
    bool had_opened : 1; /**< the connection was open when it came, as far as the capture tells */
    bool sure : 1;       /**< the RST's number is one that the receiver accepts */
    bool has_edge : 1;
    bool has_ack : 1;
    bool is_early : 1; /**< it takes its sender's SYN back, and closes whoever has answered that meanwhile */
    struct tl_claim *beside; /**< with challenged: that RST, which covers nothing; kept for the next */
} tl_claim;

/** The kinds of silent moves: see the table in moves.c. Those by a RST or an ICMP error are a tl_claim. */
typedef enum { TL_BY_ACK_OF_SYN, TL_BY_ACK_OF_FIN } tl_silent;

enum { TL_TRIPS = 8 };

/** What a connection needs once more than SYNs and RSTs have passed in it. */
typedef struct {
    tl_moment fin[2], fin_ack[2]; /**< by side: the end's FIN, and the ACK of it */
    /* By side: the end's last silent move. One is enough: whose FIN is acknowledged has proven with it
     * that it had its SYN's acknowledgment. */
    tl_time before_since[2]; /**< when the end had entered the state that it led away from */
    uint16_t trips[2]
                  [TL_TRIPS]; /**< by side: the last round trips between us and the end; microseconds, in 12
                                      bits, times a power of two in 4, so up to 134 s; rounded up. 0: none */
    uint8_t before_state[2];  /**< by side, and that state; TCP_CLOSED: no such move was made */
    uint8_t before_kind[2];   /**< by side: tl_silent */
    uint8_t next_trip[2];     /**< by side: which of `trips` the next one replaces */
    uint8_t fin_first : 1;    /**< side that sent the first FIN */
    bool merged : 1;          /**< 2nd FIN and ACK of the 1st are one segment */
    bool crossed : 1;         /**< the FINs crossed */
    bool half_close_data : 1; /**< data_while_half_closed was raised */
} tl_exchange;

/** A segment that a RST may answer. When it passed is known well enough to tell what could not answer it yet,
 *  in the first 38 hours of a connection. */
typedef struct {
    uint32_t frame; /**< 0: there is none */
    uint32_t next;  /**< SEG.SEQ + SEG.LEN, SYN and FIN counted */
    uint32_t ack;   /**< with has_ack */
    tl_time idle;   /**< ns that nothing with data, SYN or FIN had passed before it; TL_NO_TIME: nothing
                                  ever had */
    uint32_t since; /**< us from the connection's first frame until it passed, modulo 2^32 */
    uint32_t since_high : 5; /**< and what is above that; all bits of both are set: longer than they tell */
    uint32_t lead : 20;      /**< us since the first segment that a RST for this one could answer as well; all
                                  bits are set: as much, or more */
    uint32_t answered : 4;   /**< tl_answered: what a RST has answered that answers it */
    bool has_ack : 1;
    bool has_rst : 1;  /**< a RST has answered it */
    bool is_reply : 1; /**< it answers a RST itself */
} tl_passed;

/** For how long windows were closed, by side. */
typedef struct {
    int64_t total[2];  /**< ns, without the time since `since` */
    int64_t since[2];  /**< TL_NO_TIME: it is open */
    uint8_t probes[2]; /**< how often that end has asked for the other's, since that was closed */
} tl_windows;

/** What is known of one RST. */
typedef struct {
    int64_t idle, idle_before;
    uint32_t frame, answers; /**< 0: none */
    int16_t ttl_delta;
    bool has_ttl_delta;
    uint8_t verdict, form, answered, evidence;
} tl_rst;

/** The RSTs of a connection. */
typedef struct {
    tl_rst first, last; /**< `last`: up to the one that ended the connection */
    uint32_t count;
    uint32_t
        ttl_of[2];  /**< by side: frame of its RST whose TTL nothing has passed to hold against; 0: none */
    uint8_t ttl[2]; /**< by side: and that TTL */
    bool unanswered[2]; /**< by side: its last segment is a RST, and the other end is silent since */
    uint8_t loops;      /**< RSTs that answered an answer to a RST */
} tl_resets;

/** By side: the last segment with the end's last ACK number, and the last with the number before. */
typedef struct {
    tl_passed passed[2][2];
} tl_memory;

/** What few connections have. */
typedef struct {
    struct tl_connection *older; /**< the other connection of the 4-tuple that takes segments, begun
                                      before this one; NULL: none */
    tl_resets *resets;           /**< NULL: no RST has passed */
    tl_windows windows;
    int64_t reuse_gap;   /**< with `reuse`: ns since that one's last frame */
    uint32_t reuse;      /**< number of the connection that used the 4-tuple before; TL_NO_CONNECTION: none */
    uint8_t reuse_phase; /**< with `reuse`: the phase in which that one was left */
    uint64_t half_close_bytes;
    uint64_t retransmitted[2]; /**< by side: bytes of data that it sent again */
    uint32_t keepalives;       /**< probes seen */
    uint32_t unanswered;       /**< of these, known not to have been answered */
    uint32_t copies;           /**< frames of it that are copies */
    tl_moment duplicate;       /**< the SYN, come again after the connection had opened, and not answered */
} tl_extras;

/** One connection. It begins with tl_begin(); the caller reads the members before `end`. */
typedef struct tl_connection {
    uint32_t number;       /**< in the order of first frames, from 0 */
    uint32_t last_frame;   /**< number of its last frame so far */
    uint32_t first_frame;  /**< number of its first frame */
    uint8_t phase;         /**< tcp_state: phase after its last frame */
    uint8_t client;        /**< side that is the client */
    bool role_guessed : 1; /**< neither SYN nor SYN/ACK told the roles */
    bool replaced : 1;     /**< a newer connection has taken its place */
    uint8_t goes_on : 2;  /**< while replaced: bit (1 << side): that end has sent or acknowledged new bytes */
    bool saw_syn : 1;     /**< the client's SYN passed */
    bool talked : 1;      /**< a segment passed that is no SYN, FIN or RST */
    bool timed_twice : 1; /**< with timing: what is timed was sent again meanwhile */
    bool timed_probe : 1; /**< with timing: what is timed had been acknowledged before it passed */
    int64_t start;        /**< time of its first frame */
    int64_t last;         /**< time of its last frame so far; never runs backwards */

    tl_end end[2]; /**< by side */
    tl_attempt attempt;
    tl_claim *claim;       /**< NULL: nothing has ever claimed that an end has no connection */
    tl_exchange *exchange; /**< NULL: nothing but SYNs and RSTs has passed */
    tl_memory *memory;     /**< NULL: at most one segment has passed */
    tl_extras *extras;     /**< NULL: it has nothing of that */
    uint32_t packets[2];   /**< by side: segments that it sent */
    tl_moment syn, open_ack;
    int64_t content;   /**< time of the last data, SYN or FIN; TL_NO_TIME: none */
    int64_t time_wait; /**< when 2 MSL began, or began anew */
    int64_t timed_at;  /**< with timing: when the segment that is being timed passed */
    uint32_t timed;    /**< with timing: an ACK of this number ends it */
    uint32_t recent;   /**< of the newest of a 4-tuple: the last segment, to copies.c */
    uint16_t syns;     /**< SYNs sent by the client */
    uint8_t stepped;   /**< bit (1 << tl_step): has been given once */
    bool timing : 1;
    uint8_t timed_side : 1; /**< the end that the timed segment passed towards */
    bool alive : 1;         /**< a first segment was seen */
    bool orphan : 1;        /**< nothing but segments without ACK, SYN and RST has passed */
    bool opened : 1;        /**< the handshake is complete (or midstream), and not undone */
    bool opening_told : 1;  /**< the kind of opening was raised */
    bool lapsed : 1;        /**< TIME_WAIT is over */
    bool late_rst : 1;      /**< a RST came after the end */
} tl_connection;

/** What the core needs of its surroundings. */
typedef struct {
    tl_settings settings;
    /** Memory, all zero, for as long as the capture; never NULL. */
    void *(*allocate)(size_t size);
    bool thorough; /**< no segment goes the short way: for the test that it is the same */
} tl_world;

/** Begin a connection: @p c is all zero.
 *  @param before  the newest connection of the 4-tuple before it, or NULL
 *  @param older   the one of its connections that goes on taking segments, or NULL */
void tl_begin(tl_connection *c, uint32_t number, const tl_connection *before, tl_connection *older,
              const tl_segment *first, const tl_world *world);

/** Follow the connection over one more segment, which belongs to it.
 *  @param newer  the connection that has begun on the same 4-tuple after @p c, or NULL
 *  @param[out] report  all of it is set, but for entries beyond the counts */
void tl_follow(tl_connection *c, tl_connection *newer, const tl_segment *segment, const tl_world *world,
               tl_report *report);

/** A newer connection takes its place: what it shows stays as it is, and what comes of it is followed
 *  beneath that.
 *  @param frame  number of the frame that shows it */
void tl_replace(tl_connection *c, uint32_t frame, const tl_world *world);

/** It was not replaced, as the segment shows that it was just followed over.
 *  @param[in,out] report  of that segment */
void tl_restore(tl_connection *c, const tl_segment *segment, tl_report *report);

/** A copy of a segment of the connection passes: it moves nothing.
 *  @param original  number of the frame that it is a copy of */
void tl_follow_copy(tl_connection *c, const tl_segment *segment, uint32_t original, const tl_world *world,
                    tl_report *report);

/** An ICMP or ICMPv6 error that quotes a segment of the connection. It is no segment
 *  itself: it can reject the SYN of a connection that nothing has answered yet
 *  (RFC 5461, 4.1; RFC 9293, 3.9.2.2), and nothing else. */
typedef struct {
    int64_t time;   /**< ns */
    uint32_t frame; /**< number of the frame that carries the error */
    uint32_t seq;   /**< sequence number of the quoted segment */
    uint8_t side;   /**< which end sent the quoted segment */
    uint16_t error; /**< type << 8 | code */
} tl_rejection;

/** Tell a connection of an ICMP error.
 *  @param[out] report  what the error decides; only its events and transitions are set
 *  @return false if it decides nothing, and the frame is none of the connection's */
bool tl_reject(tl_connection *c, const tl_rejection *rejection, const tl_world *world, tl_report *report);

/** The other connection of the 4-tuple that takes segments, begun before this one; NULL: none. */
tl_connection *tl_older(const tl_connection *c);

/** The connection is open: from ESTABLISHED until TIME_WAIT, CLOSED or replacement. */
bool tl_is_open(const tl_connection *c);

/** Its handshake is under way: the SYN seen, not completed, not refused, not replaced. */
bool tl_is_opening(const tl_connection *c);

/** How much of the capture has been read when facts are asked for. */
typedef struct {
    bool whole;  /**< all of it: silence proves something, and states were held until `end` */
    int64_t end; /**< time of the capture's last frame so far */
    int64_t msl; /**< ns, as in tl_settings: TIME_WAIT ends by itself */
} tl_view;

enum { TL_VERDICT_SIZE = 64 }; /* bytes, the 0 at the end included: the longest has 46 letters */

/** The connection facts. A NULL, TL_NO_TIME, false, 0 count or empty text: absent. Pointers are to static
 *  strings. */
typedef struct {
    char verdict[TL_VERDICT_SIZE]; /**< how it ended, or did not open, and by whom */
    const char *open;
    bool open_failed;
    int64_t open_time, open_server_time, open_client_time;
    uint32_t open_syns;
    const char *close;
    const char *closed_by;
    int64_t close_time;
    bool close_no_data;
    uint32_t close_race;
    int64_t half_close_time;
    uint64_t half_close_bytes;
    const char *reset_cause;
    const char *reset_sender;
    uint32_t reset_count;
    const char *rst_verdict, *rst_form, *rst_answered; /**< of the RST that ended it, else of the first */
    uint32_t rst_answers;
    int64_t rst_idle, rst_idle_before;
    int32_t rst_ttl_delta; /**< TL_NO_DIFFERENCE: absent */
    uint8_t rst_evidence;  /**< bit (1 << tl_evidence) */
    const char *silence_side;
    int64_t silence_time;
    uint32_t silence_repeats;
    uint32_t keepalives, keepalives_unanswered;
    uint32_t reuse; /**< TL_NO_CONNECTION: absent */
    int64_t reuse_gap;
    const char *reuse_phase;
    int64_t start, duration, lifetime;
    uint32_t copies;
    bool one_sided;
    bool role_guessed;
    bool has_states;
    tcp_state phase;
    tcp_state state[2]; /**< by tl_role; with has_states */
    uint64_t bytes[2];  /**< by tl_role; 0: absent, here and in what follows */
    uint64_t retransmitted[2], unacked[2], missing[2];
    int64_t held[2]; /**< by tl_role, as those that follow */
    uint32_t packets[2];
    int64_t rtt[2], zero_window[2];
    const char *marks[TL_MARK_COUNT]; /**< whose segments raised that event: "client", "server", "both" */
    uint32_t frame[TL_STEP_COUNT];    /**< deciding frames; 0: absent */
} tl_facts;

/** What is proven of a connection so far, or in all. */
void tl_get_facts(const tl_connection *c, const tl_view *view, tl_facts *facts);

#endif
