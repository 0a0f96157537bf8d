/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that comes and goes: two libraries that differ in their frames only, one after the other at the same place. */
#include "truth.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

const char *plugin_directory;

#ifdef TRUTH_PLUGINS
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void use(int number)
{
	int i, n = 1 + (int)draw(30);
	void *library;
	char path[300];
	shape_fn *f;

	snprintf(path, sizeof(path), "%s/plugin%d.so", plugin_directory, number);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	f = (shape_fn *)(intptr_t)dlsym(library, "plugin_shape");
	for (i = 0; f && i < n; i++)
		f((int)draw(6));
	dlclose(library);
}

/* One thread at a time: else both stay loaded. One after the other, so that who reads the mappings is late. */
SHAPE void shape_plugin(int depth)
{
	int i;

	if (plugin_directory && !lane.nested && !lane.coroutine && draw(30) == 0 &&
	    pthread_mutex_trylock(&lock) == 0) {
		struct lane before = lane;

		lane.nested = 5;
		lane.jumps = 0;
		for (i = 0; i < 4; i++)
			use(i & 1);
		before.seed = lane.seed;
		lane = before;
		pthread_mutex_unlock(&lock);
	}
	next(depth);
	KEEP(&depth);
}
#else
SHAPE void shape_plugin(int depth)
{
	next(depth);
	KEEP(&depth);
}
#endif
