/* plugin.c
 * What Wireshark looks up in the plugin, and all that it exports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat.h"
#include "packet-tcplife.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED extern const char plugin_version[];
EXPORTED extern const int plugin_want_major;
EXPORTED extern const int plugin_want_minor;
EXPORTED void plugin_register(void);

const char plugin_version[] = TCPLIFE_VERSION;
const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

void plugin_register(void)
{
    static const proto_plugin tcplife = {
        .register_protoinfo = tcplife_register,
        .register_handoff = tcplife_handoff,
    };
    proto_register_plugin(&tcplife);
}

#ifdef PLUGIN_DESCRIPTION
EXPORTED uint32_t plugin_describe(void);

uint32_t plugin_describe(void)
{
    return PLUGIN_DESCRIPTION;
}
#endif
