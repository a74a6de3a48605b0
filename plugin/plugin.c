/* plugin.c
 * What Wireshark looks up in the plugin, and all that it exports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define WS_BUILD_DLL /* to Windows what is public here is exported */

#include "compat.h"
#include "packet-tcplife.h"

WS_DLL_PUBLIC_DEF const char plugin_version[] = PLUGIN_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);

void plugin_register(void)
{
    static const proto_plugin tcplife = {
        .register_protoinfo = tcplife_register,
        .register_handoff = tcplife_handoff,
    };
    proto_register_plugin(&tcplife);
}

#ifdef PLUGIN_DESCRIPTION
WS_DLL_PUBLIC uint32_t plugin_describe(void);

uint32_t plugin_describe(void)
{
    return PLUGIN_DESCRIPTION;
}
#endif
