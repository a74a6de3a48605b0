/* compat.h
 * Every difference between Wireshark 4.0, 4.2, 4.4 and 4.6 that this plugin meets,
 * so that the other files know only one Wireshark.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_COMPAT_H
#define TCPLIFE_COMPAT_H

#include <epan/packet.h>
#include <epan/prefs.h>
#include <ws_version.h>

/** Whether we are compiled for this version of Wireshark or a later one. */
#define WIRESHARK_AT_LEAST(major, minor)  \
    (WIRESHARK_VERSION_MAJOR > (major) || \
     (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* What is true or false is a gboolean, an int, up to 4.2. */
#if WIRESHARK_AT_LEAST(4, 3)
typedef bool wireshark_bool;
#else
typedef gboolean wireshark_bool;
#endif

/* A field's value is a part of its field_info in 4.0, and behind a pointer from 4.2 on. */
#if WIRESHARK_AT_LEAST(4, 2)
#define FIELD_VALUE(info) ((info)->value)
#else
#define FIELD_VALUE(info) (&(info)->value)
#endif

/* A byte was asked for under GLib's name for its type up to 4.2. */
#if !WIRESHARK_AT_LEAST(4, 3)
#define tvb_get_uint8 tvb_get_guint8
#endif

/* From 4.2 on a plugin says what it is; 4.0 does not ask, and Debian 12 lacks the header. */
#if WIRESHARK_AT_LEAST(4, 2)
#include <wsutil/plugins.h>
#define PLUGIN_DESCRIPTION WS_PLUGIN_DESC_DISSECTOR
#endif

/* expert_add_info() returns nothing in 4.0 and an item later: nobody may use its value.
 * Subtree indices (ett) start at -1: 4.0 asks for it, and later versions do not mind.
 * Whether the TCP dissector queues its tap before or after it dissects the payload differs
 * between 4.0 and 4.4: input.c puts the headers of a frame in order whichever it is. */

#endif
