/* compat-statistics.h
 * What statistics and graphs meet of the differences between Wireshark 4.0, 4.2,
 * 4.4 and 4.6, and one header that is not installed with any of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_COMPAT_STATISTICS_H
#define TCPLIFE_COMPAT_STATISTICS_H

#include <stdlib.h>

#include <epan/address.h>
#include <epan/tap.h>

#include "compat.h"

/* The function that begins a statistic of the command line says from 4.6 on
 * whether it could. Before, one that could not had to end the program. */
#if WIRESHARK_AT_LEAST(4, 5)
typedef bool statistic_begun;
#define STATISTIC_BEGUN return true
#define STATISTIC_FAILED return false
#else
typedef void statistic_begun;
#define STATISTIC_BEGUN return
#define STATISTIC_FAILED exit(1)
#endif

/* The functions of a conversation filter get data of their own from 4.2 on, of which we need none. */
#if WIRESHARK_AT_LEAST(4, 2)
#define FILTER_DATA_PARAMETER , void *filter_data
#define FILTER_DATA_UNUSED (void)filter_data
#define FILTER_DATA_NONE , NULL
#else
#define FILTER_DATA_PARAMETER
#define FILTER_DATA_UNUSED (void)0
#define FILTER_DATA_NONE
#endif

/* The interface of flow graphs is exported, but its header is not installed. What
 * follows names as much of it as we use; the order and the types are Wireshark's. */
#if defined __has_include && __has_include(<epan/sequence_analysis.h>)
#include <epan/sequence_analysis.h>
#else

/* An arrow. Its strings are g_malloc'd, and it is freed with the graph. */
typedef struct {
    uint32_t frame_number;
    address src_addr;
    uint16_t port_src;
    address dst_addr;
    uint16_t port_dst;
    char *frame_label; /* over the arrow */
    char *time_str;
    char *comment; /* right of the graph */
    uint16_t conv_num;
    unsigned fg_color;
    unsigned bg_color;
    wireshark_bool has_color_filter;
    wireshark_bool display;
    unsigned src_node;
    unsigned dst_node;
    uint16_t line_style; /* its width in pixels */
    /* More follows. */
} seq_analysis_item_t;

/* A graph. */
typedef struct {
    const char *name;
    wireshark_bool any_addr;
    int nconv;
    GQueue *items; /* of seq_analysis_item_t */
    /* More follows. */
} seq_analysis_info_t;

void register_seq_analysis(const char *name, const char *ui_name, const int proto_id,
                           const char *tap_listener, unsigned tap_flags, tap_packet_cb tap_func);
seq_analysis_item_t *sequence_analysis_create_sai_with_addresses(packet_info *pinfo,
                                                                 seq_analysis_info_t *graph);
#endif

#endif
