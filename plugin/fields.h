/* fields.h
 * The fields and expert infos of tcplife, and the tree that they make.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_FIELDS_H
#define TCPLIFE_FIELDS_H

#include <stdbool.h>

#include <epan/packet.h>

#include "shown.h"

/** Register fields and expert infos. To be called once.
 *  @param proto  the protocol "tcplife" */
void fields_register(int proto);

/** Whether anybody looks at any field. */
bool fields_are_wanted(proto_tree *tree);

/** Show it: add one tcplife tree, if anybody looks at the tree, and raise the
 *  expert infos in any case.
 *  @param tvb  the frame; no item covers bytes of it */
void fields_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const shown *what);

#endif
