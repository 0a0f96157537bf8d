/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug files from debuginfod servers, when the user has set DEBUGINFOD_URLS: nothing is ever asked
 * else. A download may take as long as DEBUGINFOD_TIMEOUT says, and has a thread of its own. The
 * functions are for one thread at a time, but for download_cancel().
 */
#ifndef SYMBOL_DOWNLOAD_H
#define SYMBOL_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct download;

/* NULL: the user wants none, or the library is not installed (said). */
struct download *download_new(void);
/* Waits a few seconds for a download to be cancelled. */
void download_free(struct download *d);
/* False once a server could not be reached: no further file is worth the wait. */
bool download_is_useful(const struct download *d);
/* Begins to look for the debug file with this build id. False: not while another one runs, or no
 * thread. done is called, in the other thread, when download_finish() has something to say. */
typedef void download_done_fn(void *context);
bool download_begin(struct download *d, const uint8_t *build_id, size_t size,
		    download_done_fn *done, void *context);
/* False: still busy. *path from malloc, NULL: there is none. */
bool download_finish(struct download *d, char **path);
/* Any thread: ends the present download soon, and all later ones at once. */
void download_cancel(struct download *d);

#endif /* SYMBOL_DOWNLOAD_H */
