/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which goroutines are the runtime's own: those that begin in functions of its package. These lie together, so that a few edges between
 * them and the others say it of each address.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "go_private.h"

/* Of an honest program there are some tens. */
#define EDGES_MAX 4096

/* isSystemGoroutine() of runtime/traceback.go, of one whose function runs nothing of the program's. */
static bool is_system(const char *name)
{
	static const char *const users[] = {"runtime.main", "runtime.handleAsyncEvent",
					    "runtime.corostart"};
	size_t i;

	if (!name || strncmp(name, "runtime.", 8) != 0)
		return false;
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		if (!strcmp(name, users[i]))
			return false;
	}
	return true;
}

bool go_system_load(struct go_system *s, struct elf_file *elf, const struct go_place *place)
{
	struct go_functions f;
	uint64_t i;

	*s = (struct go_system){0};
	if (go_functions_load(&f, elf, place)) {
		s->edges = xcalloc(EDGES_MAX, sizeof(*s->edges));
		for (i = 0; i < f.count && s->count < EDGES_MAX; i++) {
			/* an odd number of edges before it: it is one of the runtime's */
			if (is_system(go_functions_name(&f, i)) != (s->count & 1))
				s->edges[s->count++] = go_functions_start(&f, i);
		}
	}
	go_functions_done(&f);
	return s->count > 0;
}

bool go_system_has(const struct go_system *s, uint64_t address)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->edges[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low & 1;
}

void go_system_done(struct go_system *s)
{
	free(s->edges);
	*s = (struct go_system){0};
}
