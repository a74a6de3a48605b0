/* shown.h
 * What is to be shown of one TCP header in the packet tree, and what the tap "tcplife" hands to the
 * statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_SHOWN_H
#define TCPLIFE_SHOWN_H

#include "lifecycle.h"
#include "streams.h"

/** One TCP header, and all that is known of its stream. */
typedef struct {
    const stream *stream;    /**< facts are what is known of it now; lives as long as the capture */
    const tl_report *report; /**< now fields and events are what was known at first sight */
    const tl_view *view;     /**< of the capture at any moment, not just at this frame's; static storage */
} shown;

/** The same without the report, which few statistics ask record_get() for. */
typedef struct {
    const stream *stream;
    const tl_view *view;
    uint32_t frame;
    unsigned nth; /**< which TCP header of the frame, from 0 */
} tapped;

#endif
