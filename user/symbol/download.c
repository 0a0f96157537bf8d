/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdebuginfod, loaded when it is wanted: the tracer does not need it to run. The library reads the
 * servers, the time limit and the place of its cache from the user's environment itself.
 *
 * A server that says "no such file" is asked for the next one. One that does not answer costs the whole
 * time limit for each file, so it is given up after the first.
 */
#include "download.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../base/log.h"
#include "../base/thread.h"
#include "../base/xalloc.h"

#define DOWNLOAD_LIBRARY "libdebuginfod.so.1"
#define DOWNLOAD_MAX_ID	 64
#define DOWNLOAD_STOP_S	 3

typedef void *download_client_fn(void);
typedef void download_end_fn(void *client);
typedef int download_find_fn(void *client, const unsigned char *build_id, int size, char **path);
typedef int download_progress_fn(void *client, long done, long total);
typedef void download_set_progress_fn(void *client, download_progress_fn *progress);
typedef void download_set_data_fn(void *client, void *data);
typedef void *download_get_data_fn(void *client);

struct download {
	void *library, *client;
	download_end_fn *end;
	download_find_fn *find;
	bool given_up;
	atomic_bool cancelled; /* orders nothing */
	/* one download: written before its thread starts, and by it until `done` */
	pthread_t thread;
	bool running;
	uint8_t build_id[DOWNLOAD_MAX_ID];
	size_t id_size;
	download_done_fn *done_fn;
	void *context;
	int result; /* descriptor or -errno */
	char *path;
	atomic_bool done; /* stored with release: what was written before it can be read */
};

static bool download_is_cancelled(const struct download *d)
{
	return atomic_load_explicit(&d->cancelled, memory_order_relaxed);
}

/* A pointer to a function, without a cast that C does not have. */
static bool download_load(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	memcpy(function, &found, sizeof(found));
	return found != NULL;
}

/* Of the library, the same for all clients: the progress function gets nothing but the client. */
static download_get_data_fn *download_get_data;

static int download_progress(void *client, long done, long total)
{
	const struct download *d = download_get_data(client);

	(void)done;
	(void)total;
	return d && download_is_cancelled(d);
}

static bool download_open(struct download *d)
{
	download_client_fn *begin;
	download_set_progress_fn *set_progress;
	download_set_data_fn *set_data;

	d->library = dlopen(DOWNLOAD_LIBRARY, RTLD_LAZY);
	if (!d->library || !download_load(d->library, "debuginfod_begin", &begin) ||
	    !download_load(d->library, "debuginfod_end", &d->end) ||
	    !download_load(d->library, "debuginfod_find_debuginfo", &d->find) ||
	    !download_load(d->library, "debuginfod_set_progressfn", &set_progress) ||
	    !download_load(d->library, "debuginfod_set_user_data", &set_data) ||
	    !download_load(d->library, "debuginfod_get_user_data", &download_get_data))
		return false;
	d->client = begin();
	if (!d->client)
		return false;
	set_data(d->client, d);
	set_progress(d->client, download_progress);
	return true;
}

struct download *download_new(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct download *d;

	if (!urls || !urls[strspn(urls, " ")])
		return NULL;
	d = xcalloc(1, sizeof(*d));
	if (download_open(d))
		return d;
	log_warn("cannot ask the servers of DEBUGINFOD_URLS: '%s' cannot be used: install "
		 "libdebuginfod1, or unset DEBUGINFOD_URLS",
		 DOWNLOAD_LIBRARY);
	download_free(d);
	return NULL;
}

/* The library stays loaded, since what it uses has threads of its own. A thread that does not end (in
 * a name server's library, say) keeps what it uses. */
void download_free(struct download *d)
{
	struct timespec until;

	if (!d)
		return;
	download_cancel(d);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DOWNLOAD_STOP_S;
	if (d->running && pthread_timedjoin_np(d->thread, NULL, &until) != 0)
		return;
	if (d->running && d->result >= 0)
		close(d->result);
	free(d->path);
	if (d->client)
		d->end(d->client);
	free(d);
}

bool download_is_useful(const struct download *d)
{
	return d && !d->given_up && !download_is_cancelled(d);
}

static void *download_run(void *argument)
{
	struct download *d = argument;

	d->result = d->find(d->client, d->build_id, (int)d->id_size, &d->path);
	atomic_store_explicit(&d->done, true, memory_order_release);
	d->done_fn(d->context);
	return NULL;
}

bool download_begin(struct download *d, const uint8_t *build_id, size_t size,
		    download_done_fn *done, void *context)
{
	if (d->running || size > sizeof(d->build_id))
		return false;
	memcpy(d->build_id, build_id, size);
	d->id_size = size;
	d->done_fn = done;
	d->context = context;
	atomic_store_explicit(&d->done, false, memory_order_relaxed);
	d->running = thread_start(&d->thread, download_run, d) == 0;
	return d->running;
}

static void download_judge(struct download *d)
{
	if (d->result >= 0 || d->result == -ENOENT || download_is_cancelled(d))
		return;
	d->given_up = true;
	log_warn("cannot ask the servers of DEBUGINFOD_URLS: %s: not asked again, names come from "
		 "the files that are here",
		 strerror(-d->result));
}

bool download_finish(struct download *d, char **path)
{
	*path = NULL;
	if (!d->running || !atomic_load_explicit(&d->done, memory_order_acquire))
		return false;
	pthread_join(d->thread, NULL);
	d->running = false;
	download_judge(d);
	if (d->result >= 0) {
		close(d->result);
		*path = d->path;
	} else {
		free(d->path);
	}
	d->path = NULL;
	return true;
}

void download_cancel(struct download *d)
{
	if (d)
		atomic_store_explicit(&d->cancelled, true, memory_order_relaxed);
}
