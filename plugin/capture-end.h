/* capture-end.h
 * Whether the whole capture has been read. Nothing that a frame shows tells it: a
 * live capture goes on while its frames are dissected again. Wireshark says it when
 * it has read a file to its end, in any pass that keeps frames; but not when it
 * dissects a capture once more (another preference, an ignored packet), where the
 * graphical user interface tells instead how many frames there are to come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TCPLIFE_CAPTURE_END_H
#define TCPLIFE_CAPTURE_END_H

#include <stdbool.h>
#include <stdint.h>

/** Listen to what Wireshark says. To be called once. */
void capture_end_register(void);

/** A capture begins, or begins anew.
 *  @return whether it is the one before, which goes on: what had been learned of it was to be forgotten
 *          in its midst (tshark's -M), or it goes on in the next file (-b) */
bool capture_end_open(void);

/** A frame is dissected, for the first time or again. */
void capture_end_see(uint32_t frame);

/** A frame is followed only now: what Wireshark read to its end, it did not show us. */
void capture_end_forget(void);

/** Whether all frames have been seen, and no other will come. */
bool capture_end_known(void);

#endif
