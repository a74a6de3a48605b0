/* lifecycle.h
 * The life of one TCP connection as a capture proves it: how it opened, what
 * state each end is in, how it closed, why it was reset.
 *
 * Pure: plain structs in, plain structs out; no allocation, no clock, no
 * Wireshark. Work per segment is constant, and all that is remembered of a
 * stream is one tl_connection.
 *
 * All times are nanoseconds: of a frame, since any epoch; a span, as it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_LIFECYCLE_H
#define TCPLIFE_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "tcp-state.h"

/** No such time, span or number. */
#define TL_NO_TIME INT64_MIN
#define TL_NO_STREAM UINT32_MAX

/** Flags of a segment, the bits of the TCP header (RFC 9293, 3.1). */
enum { TL_FIN = 0x01, TL_SYN = 0x02, TL_RST = 0x04, TL_ACK = 0x10 };

/** One TCP segment, as it passed the capture point. */
typedef struct {
    int64_t time;     /**< ns; may run backwards between frames of a bad capture */
    uint32_t frame;   /**< frame number, from 1 */
    uint32_t seq;     /**< raw sequence number */
    uint32_t ack;     /**< raw acknowledgment number; meaningful with TL_ACK */
    uint32_t length;  /**< bytes of data, as the IP header tells, captured or not */
    uint32_t window;  /**< advertised window in bytes, scaled where the scale is known */
    uint16_t flags;   /**< TL_FIN ..., other bits are ignored */
    uint8_t ttl;      /**< of the IPv4 header, or the hop limit of the IPv6 header */
    bool has_ttl;     /**< `ttl` is known */
    uint8_t side;     /**< 0 or 1: which of the stream's two ends sent it; the caller
                           numbers them as it likes and sticks to it */
    bool lower_port;  /**< the sender's port is lower than the receiver's: the server's
                           mark where neither SYN nor SYN/ACK was seen */
} tl_segment;

/** What the user may set. */
typedef struct {
    int64_t msl; /**< ns; TIME_WAIT lasts twice this (RFC 9293, 3.4.2) */
} tl_settings;

/** A part that a frame plays in opening or closing; the names of `tcplife.step`. */
#define TL_STEPS(X)                      \
    X(SYN, "SYN")                        \
    X(SYN_ACK, "SYN/ACK")                \
    X(OPEN_ACK, "ACK of SYN/ACK")        \
    X(FIN_1, "1st FIN")                  \
    X(FIN_2, "2nd FIN")                  \
    X(FIN_1_ACK, "ACK of 1st FIN")       \
    X(FIN_2_ACK, "ACK of 2nd FIN")       \
    X(RST, "RST")

typedef enum {
#define X(id, name) TL_STEP_##id,
    TL_STEPS(X)
#undef X
    TL_STEP_COUNT
} tl_step;

/** The name of a step, e.g. "1st FIN". Static storage. */
const char *tl_step_name(tl_step step);

/** What the receiver makes of a RST (RFC 9293, 3.10.7; RFC 5961, 3). */
typedef enum {
    TL_VERDICT_NONE, /**< no RST */
    TL_VERDICT_ACCEPTED,
    TL_VERDICT_CHALLENGED,
    TL_VERDICT_IGNORED,
    TL_VERDICT_UNKNOWN,
} tl_verdict;

/** "accepted" and so on; NULL for TL_VERDICT_NONE. Static storage. */
const char *tl_verdict_name(tl_verdict verdict);

/** One of the two roles. As an index: ends of a report and of the facts. */
typedef enum { TL_CLIENT, TL_SERVER } tl_role;

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
    /* A frame can lapse TIME_WAIT (2), begin a new life (3), and pass each end
     * through three states; undoings take the place of these. */
    TL_MAX_TRANSITIONS = 12,
    TL_MAX_RAISED = 8,
};

/** What one frame decides, and what holds after it. */
typedef struct {
    /* Now */
    tcp_state phase;
    tcp_state state[2];  /**< by tl_role */
    tl_role sender;
    bool guessed;        /**< another pair of states would fit as well */
    bool role_guessed;
    /* Events */
    bool late;
    tl_verdict verdict;
    int64_t idle;        /**< ns, on a RST: since data, SYN or FIN; else TL_NO_TIME */
    bool has_ttl_delta;  /**< `ttl_delta` is known */
    int16_t ttl_delta;   /**< on a RST: its TTL minus its sender's last one */
    uint16_t steps;      /**< bit (1 << tl_step) */
    uint8_t transitions; /**< how many of `transition` */
    uint8_t raised;      /**< how many of `event` */
    /* Of all connections of the capture: not set by this module, but by who knows them. */
    bool is_rejection;   /**< the frame is an ICMP error, with events and transitions alone */
    bool has_half_open;  /**< `half_open` is known */
    uint32_t half_open;  /**< handshakes under way towards this server */
    uint32_t concurrent; /**< connections open */

    tl_transition transition[TL_MAX_TRANSITIONS];
    tl_raised event[TL_MAX_RAISED];
} tl_report;

/** One end of the connection. Private to lifecycle.c and facts.c. */
typedef struct {
    int64_t since;      /**< when it entered `state`; TL_NO_TIME: before the capture began */
    int64_t asked_at;   /**< when it last sent something that needs an answer */
    int64_t last;       /**< time of its last segment; TL_NO_TIME before */
    uint64_t bytes;     /**< new bytes of data it sent */
    uint32_t rtt;       /**< shortest round trip from us to this end, microseconds; UINT32_MAX: none seen */
    uint32_t isn;       /**< its initial sequence number */
    uint32_t nxt;       /**< end of what it sent (SND.NXT), the highest that passed; with a FIN, just after it */
    uint32_t in_order;  /**< end of what it sent without a hole */
    uint32_t told;      /**< highest ACK it sent: what its RCV.NXT is at least, and the peer's SND.UNA */
    uint32_t window;    /**< last window it advertised */
    uint32_t widest;    /**< widest window it advertised */
    uint32_t beyond;    /**< with offers_other: ISN of its other SYN/ACK; with hid_fin: number after
                             the FIN that it seems to have sent; with has_fin: end of the data it
                             sent beyond its own FIN */
    uint32_t stray;     /**< end of its last segment that fitted nothing */
    uint16_t repeats;   /**< retransmissions since the peer was last heard */
    uint16_t probes;    /**< keep-alives since the peer was last heard */
    uint8_t state;      /**< tcp_state */
    uint8_t undo_state; /**< state before the last silent move by an ACK */
    uint8_t rst_state;  /**< state before the RST */
    uint8_t ttl;        /**< of its last segment other than a RST */
    bool has_isn : 1;       /**< `isn` is known: seen, or told by an ACK of it */
    bool has_nxt : 1;       /**< it has sent something: nxt and in_order are known */
    bool has_told : 1;      /**< it has sent an ACK */
    bool sent_syn : 1;      /**< its SYN, or SYN/ACK, passed */
    bool sent_syn_ack : 1;
    bool active : 1;        /**< thought to be listening, it sent a SYN without ACK */
    bool offers_other : 1;  /**< sent SYN/ACKs with two ISNs */
    bool acked_syn : 1;     /**< acknowledged the peer's SYN by an ACK apart from its own SYN */
    bool isn_acked : 1;     /**< the peer acknowledged its ISN */
    bool confirmed : 1;     /**< sent what only a synchronized state can send */
    bool has_fin : 1;       /**< its FIN passed */
    bool plain_fin : 1;     /**< its FIN passed without an ACK of the peer's FIN, and may have come */
    bool acking_fin : 1;    /**< its FIN passed with an ACK of the peer's FIN */
    bool hid_fin : 1;       /**< acknowledged the peer's FIN with a number beyond what passed of it */
    bool fin_acked : 1;     /**< the peer acknowledged its FIN */
    bool fin_repeated : 1;  /**< its FIN was repeated and not acknowledged since */
    bool ack_sure : 1;      /**< the ACK of its FIN is known to have arrived */
    bool spoke : 1;         /**< sent new data or a FIN in this capture */
    bool window_probe : 1;  /**< asked for a window since the peer was last heard */
    bool late_data : 1;     /**< sent new data after the peer's FIN had passed */
    bool has_stray : 1;     /**< `stray` is valid */
    bool tfo : 1;           /**< its SYN carried data */
    bool has_ttl : 1;       /**< `ttl` is known */
    bool by_rst : 1;        /**< CLOSED by a RST: rst_state is valid */
    bool unseen : 1;        /**< midstream: new bytes of it are acknowledged, none ever passed */
} tl_end;

/** When the deciding frames passed, by tl_step; frame 0: has not, or was undone. */
typedef struct {
    int64_t time[TL_STEP_COUNT];
    uint32_t frame[TL_STEP_COUNT];
} tl_deciding;

/** One connection, or the last of several lives of one stream. The caller owns
 *  it and looks at nothing in it but the fields before `end`. */
typedef struct {
    uint32_t last_frame;    /**< number of the stream's last frame so far */
    uint8_t phase;          /**< tcp_state: phase after that frame */
    uint8_t client;         /**< side that is the client */
    bool role_guessed;      /**< neither SYN nor SYN/ACK told the roles */
    uint8_t reuse_phase;    /**< see reuse_stream: the phase it was left in */
    uint32_t stream;        /**< the caller's number for the stream (tcp.stream) */
    uint32_t reuse_stream;  /**< stream that used the 4-tuple before; TL_NO_STREAM: none */
    int64_t reuse_gap;      /**< ns since that stream's last frame */

    tl_end end[2];          /**< by side */
    tl_deciding deciding;
    int64_t stream_start;   /**< time of the stream's first frame */
    int64_t last;           /**< time of the last frame so far; never runs backwards */
    int64_t content;        /**< time of the last data, SYN or FIN; TL_NO_TIME: none */
    int64_t time_wait;      /**< when 2 MSL began, or began anew */
    int64_t timed_at;       /**< when a segment that is being timed passed */
    uint64_t half_close_bytes;
    uint32_t timed;         /**< an ACK of this number ends the timing */
    uint32_t keepalives;    /**< probes seen */
    uint32_t unanswered;    /**< of these, known not to have been answered */
    union {
        uint32_t older_nxt; /**< while it opens: the number that an end expects of an older connection */
        uint32_t race_from; /**< once it closes: begin of the data that was sent after the first FIN
                                 passed, before acknowledging it */
    };
    uint32_t race_to;       /**< end of that data */
    uint16_t syns;          /**< SYNs sent by the client */
    uint16_t syn_acks;      /**< SYN/ACKs sent */
    uint16_t overflows;     /**< SYN/ACKs repeated although acknowledged */
    uint16_t stepped;       /**< bit (1 << tl_step): has been given once */
    uint8_t cause;          /**< tl_cause */
    uint8_t fin_first : 1;  /**< side that sent the first FIN */
    uint8_t rst_from : 1;   /**< side that sent the accepted RST */
    bool alive : 1;         /**< a first segment was seen */
    bool lived_before : 1;  /**< this is not the stream's first life, and began with a SYN */
    bool timing : 1;        /**< timed, timed_at, timed_side are valid */
    uint8_t timed_side : 1; /**< the end that the timed segment passed towards */
    bool saw_syn : 1;       /**< the client's SYN passed */
    bool opened : 1;        /**< the handshake is complete (or midstream), and not undone */
    bool opening_told : 1;  /**< the kind of opening was raised */
    bool tfo_accepted : 1;
    bool answered_by_ack : 1;
    bool has_older : 1;     /**< older_nxt and older_side are valid: an ACK told them */
    uint8_t older_side : 1;
    bool rejected : 1;      /**< an ICMP error rejected the SYN */
    bool reset : 1;         /**< a RST was accepted and not disproved */
    bool reset_sure : 1;    /**< and its number was one that the receiver accepts */
    bool merged : 1;        /**< 2nd FIN and ACK of the 1st are one segment */
    bool crossed : 1;       /**< the FINs crossed */
    bool lapsed : 1;        /**< TIME_WAIT is over */
    bool half_close_data : 1;  /**< data_while_half_closed was raised */
    bool raced : 1;         /**< race_from, race_to are valid, and were told */
    bool late_rst : 1;      /**< a RST came after the end */
} tl_connection;

/** Begin a stream.
 *  @param stream  the caller's number for it
 *  @param before  the connection that used the 4-tuple before, or NULL; only read now */
void tl_begin(tl_connection *c, uint32_t stream, const tl_connection *before, const tl_segment *first);

/** Whether a stream's first segment really continues @p before: a SYN/ACK that
 *  acknowledges the ISN of a connection that is still opening. */
bool tl_continues(const tl_connection *before, const tl_segment *first, uint8_t side);

/** Whether the SYN that began @p c was not its sender's own: the end goes on with
 *  the connection that used the 4-tuple before and is not over.
 *  @param side         which end of @p c sends the segment
 *  @param side_before  which end of @p before that is */
bool tl_resumes(const tl_connection *c, uint8_t side, const tl_connection *before, uint8_t side_before,
                const tl_segment *segment);

/** What the end of a stream that is joined to the one before means for its ends:
 *  they never were where the forged SYN seemed to lead them.
 *  @param same_sides  both connections number the ends alike
 *  @param[out] joint  two transitions, by tl_role of @p before, that come before
 *                     those of the segment */
void tl_join(const tl_connection *c, const tl_connection *before, bool same_sides, tl_transition joint[2]);

/** Follow the connection over one more segment.
 *  @param[out] report  all of it is set */
void tl_follow(tl_connection *c, const tl_segment *segment, const tl_settings *settings, tl_report *report);

/** An ICMP or ICMPv6 error that quotes a segment of the stream. It is no segment
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
bool tl_reject(tl_connection *c, const tl_rejection *rejection, tl_report *report);

/** When the connection's last life began, ns. */
int64_t tl_start(const tl_connection *c);

/** Why a RST came; the names of `tcplife.reset.cause`. */
#define TL_CAUSES(X)                                       \
    X(NONE, NULL)                                          \
    X(REFUSED, "refused")                                  \
    X(ANSWERED_BY_ACK, "answered by ACK")                  \
    X(RESET_BY_OPENER, "reset by opener")                  \
    X(TIME_WAIT, "TIME_WAIT")                              \
    X(KEEP_ALIVE_TIMEOUT, "keep-alive timeout")            \
    X(KEEP_ALIVE, "keep-alive")                            \
    X(RETRANSMISSION_TIMEOUT, "retransmission timeout")    \
    X(DATA_AFTER_CLOSE, "data after close")                \
    X(AFTER_OWN_FIN, "after own FIN")                      \
    X(ABORT, "abort")                                      \
    X(LATE, "late")

typedef enum {
#define X(id, name) TL_CAUSE_##id,
    TL_CAUSES(X)
#undef X
} tl_cause;

/** How much of the capture has been read when facts are asked for. */
typedef struct {
    bool whole;  /**< all of it: silence proves something, and states were held until `end` */
    int64_t end; /**< time of the capture's last frame so far */
} tl_view;

/** The stream facts. A NULL, TL_NO_TIME, false or 0 count: absent. Strings are static. */
typedef struct {
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
    uint32_t keepalives, keepalives_unanswered;
    uint32_t reuse_stream; /**< TL_NO_STREAM: absent */
    int64_t reuse_gap;
    const char *reuse_phase;
    int64_t duration, lifetime;
    bool one_sided;
    tcp_state state[2];              /**< by tl_role */
    uint64_t bytes[2];               /**< by tl_role; 0: absent */
    int64_t held[2];                 /**< by tl_role */
    uint32_t frame[TL_STEP_COUNT];   /**< deciding frames; 0: absent */
} tl_facts;

/** What is proven of a connection so far, or in all. */
void tl_get_facts(const tl_connection *c, const tl_view *view, tl_facts *facts);

#endif
