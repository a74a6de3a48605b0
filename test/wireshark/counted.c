/* counted.c
 * Preloaded into a program that callgrind runs, so that two runs of the same count
 * the same, and nothing before the capture: hashes have one seed, and counting
 * begins when the capture is opened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#include <valgrind/callgrind.h>

uint32_t g_random_int(void);
void *wtap_open_offline(const char *path, unsigned type, int *error, char **why, int any_order);

/** GLib's, of which Wireshark makes the seed and the odd multiplier of its hashes, which has to be large. */
uint32_t g_random_int(void)
{
    return 0x9e3779b1;
}

/** Wireshark's. */
void *wtap_open_offline(const char *path, unsigned type, int *error, char **why, int any_order)
{
    void *(*open)(const char *, unsigned, int *, char **, int);

    *(void **)&open = dlsym(RTLD_NEXT, "wtap_open_offline");
    CALLGRIND_START_INSTRUMENTATION;
    return open(path, type, error, why, any_order);
}
