/* tcp-state.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tcp-state.h"

const char *tcp_state_name(tcp_state state)
{
    static const char *const names[TCP_STATE_COUNT] = {
#define X(name, meaning) [TCP_##name] = #name,
        TCP_STATES(X)
#undef X
    };
    return names[state];
}

const char *tcp_state_meaning(tcp_state state)
{
    static const char *const meanings[TCP_STATE_COUNT] = {
#define X(name, meaning) [TCP_##name] = meaning,
        TCP_STATES(X)
#undef X
    };
    return meanings[state];
}

/* The table. Columns are the states, in RFC 9293's order:
 *
 *   CL closed        SR SYN received   F2 FIN wait 2   LA last ACK
 *   LI listen        ES established    CW close wait   TW time wait
 *   SS SYN sent      F1 FIN wait 1     CG closing
 *
 * A cell holds the state that follows; -- is "proves no move". Under each row
 * stand the reasons for the cells that may surprise. */

enum {
    CL = TCP_CLOSED,
    LI = TCP_LISTEN,
    SS = TCP_SYN_SENT,
    SR = TCP_SYN_RECEIVED,
    ES = TCP_ESTABLISHED,
    F1 = TCP_FIN_WAIT_1,
    F2 = TCP_FIN_WAIT_2,
    CW = TCP_CLOSE_WAIT,
    CG = TCP_CLOSING,
    LA = TCP_LAST_ACK,
    TW = TCP_TIME_WAIT,
    __ = TCP_STATE_COUNT,
};

/* clang-format off */
static const unsigned char moves[TCP_DIRECTION_COUNT][TCP_KIND_COUNT][TCP_STATE_COUNT] = {
    [TCP_SENT] = {
        /*                          CL  LI  SS  SR  ES  F1  F2  CW  CG  LA  TW */
        [TCP_KIND_SYN]         = {  SS, SS, __, __, __, __, __, __, __, __, __ },
        /* LI: only assumed; an end that opens actively was never listening (RFC 9293, 3.5, figure 7).
         * TW: the program that reuses the ports passes through CLOSED first. */

        [TCP_KIND_SYN_ACK]     = {  __, SR, SR, __, __, __, __, __, __, __, __ },
        /* SS: simultaneous open (figure 7). SR and later: a repeated SYN/ACK. */

        [TCP_KIND_ACK_OF_SYN]  = {  __, __, ES, ES, __, __, __, __, __, __, __ },
        /* SR: of a simultaneous open, or whatever only a synchronized end can send. */

        [TCP_KIND_ACK_OF_FIN]  = {  __, __, __, CW, CW, CG, TW, __, __, __, __ },
        /* SR: the FIN's segment completed the handshake too (3.10.7.4, eighth).
         * F1: own FIN not acknowledged, so the FINs crossed. CW, CG, LA, TW: acknowledged again. */

        [TCP_KIND_FIN]         = {  __, __, __, F1, F1, __, __, LA, __, __, __ },
        /* SR: CLOSE call before the handshake is complete (3.10.4). F1, CG, LA: repeated. */

        [TCP_KIND_RST]         = {  __, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL },
        /* LI: a refusal; nobody was listening. Elsewhere: aborted, or there was no connection left. */
    },
    [TCP_RECEIVED] = {
        /*                          CL  LI  SS  SR  ES  F1  F2  CW  CG  LA  TW */
        [TCP_KIND_SYN]         = {  __, __, __, __, __, __, __, __, __, __, __ },
        /* Has to be answered: the answer will prove it. */

        [TCP_KIND_SYN_ACK]     = {  __, __, __, ES, __, __, __, __, __, __, __ },
        /* SS: has to be answered. SR: not answered there (figure 7, line 7). */

        [TCP_KIND_ACK_OF_SYN]  = {  __, __, __, ES, __, __, __, __, __, __, __ },

        [TCP_KIND_ACK_OF_FIN]  = {  __, __, __, __, __, F2, __, __, TW, CL, __ },

        [TCP_KIND_FIN]         = {  __, __, __, __, __, __, __, __, __, __, __ },
        /* Has to be answered: the answer will prove it. */

        [TCP_KIND_RST]         = {  __, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL },
        /* LI, SR: RFC 9293 returns a passive opener to LISTEN; of this connection nothing is left. */
    },
};
/* clang-format on */

tcp_state tcp_next_state(tcp_direction direction, tcp_kind kind, tcp_state state)
{
    const unsigned char next = moves[direction][kind][state];

    return next == __ ? state : (tcp_state)next;
}

/* A move that a segment of one of the kinds below `kinds` makes, or that none makes. */
static bool leads(tcp_state from, tcp_state to, int kinds)
{
    if ((from == TCP_TIME_WAIT && to == TCP_CLOSED) || (from == TCP_CLOSED && to == TCP_LISTEN))
        return true;
    for (int kind = 0; kind < kinds; kind++) {
        if (moves[TCP_SENT][kind][from] == to || moves[TCP_RECEIVED][kind][from] == to)
            return true;
    }
    return false;
}

bool tcp_is_edge(tcp_state from, tcp_state to)
{
    return leads(from, to, TCP_KIND_COUNT);
}

/* From the goal backwards, a ring of states at a time. */
tcp_state tcp_toward(tcp_state from, tcp_state to)
{
    unsigned reached = 1u << to, before = 0;

    while (reached != before) {
        before = reached;
        for (int state = 0; state < TCP_STATE_COUNT; state++) {
            if (before & 1u << state && leads(from, (tcp_state)state, TCP_KIND_RST))
                return (tcp_state)state;
        }
        for (int state = 0; state < TCP_STATE_COUNT; state++) {
            for (int next = 0; next < TCP_STATE_COUNT; next++) {
                if (before & 1u << next && leads((tcp_state)state, (tcp_state)next, TCP_KIND_RST))
                    reached |= 1u << state;
            }
        }
    }
    return to;
}
