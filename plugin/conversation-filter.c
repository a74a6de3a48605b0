/* conversation-filter.c
 * "TCP Lifecycle" among the conversation filters of a packet: its whole connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat-statistics.h"
#include "record.h"
#include "statistics-formats.h"

/* Up to 4.2 it does not include what it needs. */
#include <epan/conversation_filter.h>

/* The connection of the packet's innermost TCP header, or the one that its ICMP error rejects.
 * @return false if there is none */
static bool get_connection(const packet_info *pinfo, uint32_t *connection)
{
    tl_report report;
    unsigned nth = 0;

    while (record_get(pinfo->num, nth, connection, &report))
        nth++;
    return nth > 0;
}

static wireshark_bool has_connection(packet_info *pinfo FILTER_DATA_PARAMETER)
{
    uint32_t connection;

    FILTER_DATA_UNUSED;
    return get_connection(pinfo, &connection);
}

static char *make_filter(packet_info *pinfo FILTER_DATA_PARAMETER)
{
    uint32_t connection;

    FILTER_DATA_UNUSED;
    return get_connection(pinfo, &connection) ? statistics_filter(connection, 0) : NULL;
}

void conversation_filter_register(void)
{
    register_conversation_filter("tcplife", "TCP Lifecycle", has_connection, make_filter FILTER_DATA_NONE);
}
