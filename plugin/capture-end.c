/* capture-end.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "capture-end.h"

#include <epan/packet.h>
#include <epan/plugin_if.h>

static bool read_to_end;    /* Wireshark has said so */
static uint32_t newest;     /* number of the last frame that was seen */
static uint32_t seen;       /* how many were: the user may have told Wireshark to ignore some */
static uint32_t to_be_seen; /* of a capture that is dissected again; 0: nobody knows */

static void *count_frames(capture_file *file, void *count)
{
    if (file->state == FILE_READ_DONE)
        *(uint32_t *)count = file->count - file->ignored_count;
    return NULL;
}

/* Asking costs: so it is done once, not at each frame. Without a window nobody answers. */
bool capture_end_open(void)
{
    read_to_end = false;
    newest = seen = to_be_seen = 0;
    plugin_if_get_capture_file(count_frames, &to_be_seen);
    /* tshark reads one capture and ends, the others read one after the other. */
    return g_strcmp0(g_get_prgname(), "tshark") == 0;
}

void capture_end_see(uint32_t frame)
{
    if (frame <= newest)
        return;
    newest = frame;
    seen++;
    read_to_end = false;
}

void capture_end_forget(void)
{
    read_to_end = false;
}

bool capture_end_known(void)
{
    return read_to_end || (to_be_seen && seen == to_be_seen);
}

static void end(void)
{
    read_to_end = true;
}

void capture_end_register(void)
{
    register_postseq_cleanup_routine(end);
}
