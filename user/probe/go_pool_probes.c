/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up to three places for a process (go_places.h). They are compared with its memory first, because the kernel runs the file's instruction.
 * Attached by one link of uprobe_multi, or by a perf event each. The file is kept open, so that it is found again whatever becomes of
 * the process.
 */
#include "go_pool_probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/urgent.h"
#include "../base/xalloc.h"
#include "go_places.h"
#include "link.h"
#include "quiet.h"

#define BREAKPOINT 0xcc
/* A link and a quiet one, or three links with an event each. */
#define FDS_MAX 4

struct go_pool_probes {
	const struct loader *loader;
	pid_t pid;
	uint32_t number;
	int file;
	uint64_t offsets[GO_POOL_PLACES], cookies[GO_POOL_PLACES];
	size_t count;
	bool misses;
	int links[FDS_MAX], events[FDS_MAX];
	size_t link_count, event_count;
};

static bool is_unchanged(const struct go_pools *pools, const struct go_point *point)
{
	uint8_t now[sizeof(point->bytes)];

	if (!go_pools_read_code(pools, point->address, now, point->length))
		return false;
	if (now[0] == BREAKPOINT)
		now[0] = point->bytes[0];
	return !memcmp(now, point->bytes, point->length);
}

static bool add_place(struct go_pool_probes *p, const struct go_pools *pools,
		      const struct go_function *f, const struct go_point *point,
		      enum go_pool_place place)
{
	if (!is_unchanged(pools, point))
		return false;
	p->offsets[p->count] = f->offset + (point->address - f->start);
	p->cookies[p->count++] =
		GO_POOL_COOKIE(p->number, place) | (point->branch ? GO_POOL_COOKIE_BRANCH : 0);
	return true;
}

static bool add_entry(struct go_pool_probes *p, const struct go_pools *pools,
		      const struct go_function *f, enum go_pool_place place)
{
	struct go_code code = {f->bytes, f->size, f->start};
	struct go_point point;

	return go_place_entry(&code, &point) && add_place(p, pools, f, &point, place);
}

static bool add_miss(struct go_pool_probes *p, const struct go_pools *pools,
		     const struct go_function *f)
{
	struct go_code code = {f->bytes, f->size, f->start};
	struct go_point point;

	return go_place_pool_miss(&code, &point) && add_place(p, pools, f, &point, GO_POOL_MISS);
}

struct go_pool_probes *go_pool_probes_new(const struct loader *loader, pid_t pid, uint32_t number,
					  const struct go_pools *pools, char why[GO_POOL_WHY_MAX])
{
	struct go_pool_probes *p = xcalloc(1, sizeof(*p));
	const struct go_function *get = go_pools_get_code(pools);
	char path[32];

	*p = (struct go_pool_probes){.loader = loader, .pid = pid, .number = number};
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	p->file = open(path, O_PATH | O_CLOEXEC);
	if (p->file < 0)
		snprintf(why, GO_POOL_WHY_MAX, "its file cannot be opened: %s", strerror(errno));
	else if (!add_entry(p, pools, get, GO_POOL_GET) ||
		 !add_entry(p, pools, go_pools_put_code(pools), GO_POOL_PUT))
		snprintf(why, GO_POOL_WHY_MAX,
			 "sync.(*Pool).Get and Put have no place for a probe, or were changed in "
			 "memory");
	else
		p->misses = add_miss(p, pools, get);
	if (p->count >= 2)
		return p;
	go_pool_probes_free(p);
	return NULL;
}

static void close_all(struct go_pool_probes *p)
{
	while (p->link_count)
		close(p->links[--p->link_count]);
	while (p->event_count)
		close(p->events[--p->event_count]);
}

void go_pool_probes_free(struct go_pool_probes *p)
{
	if (!p)
		return;
	close_all(p);
	if (p->file >= 0)
		close(p->file);
	free(p);
}

bool go_pool_probes_sees_misses(const struct go_pool_probes *p)
{
	return p->misses;
}

static int attach_each(struct go_pool_probes *p, const char *path)
{
	int program = loader_go_pool_program(p->loader), fds[2], err;
	size_t i;

	for (i = 0; i < p->count; i++) {
		err = link_uprobe_perf(program, path, p->offsets[i], p->cookies[i], false, p->pid,
				       fds);
		if (err)
			return err;
		p->links[p->link_count++] = fds[0];
		p->events[p->event_count++] = fds[1];
	}
	return 0;
}

static int attach_together(struct go_pool_probes *p, const char *path)
{
	int fd = link_uprobe_multi(loader_go_pool_program(p->loader), ATTACH_UPROBE_MULTI, path,
				   p->offsets, p->cookies, p->count, 0, p->pid);

	if (fd < 0)
		return fd;
	p->links[p->link_count++] = fd;
	return 0;
}

int go_pool_probes_attach(struct go_pool_probes *p)
{
	struct urgent urgent;
	char path[40];
	int quiet, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->file);
	urgent_begin(&urgent);
	quiet = quiet_begin(loader_idle_program(p->loader));
	err = loader_method(p->loader) == PROBE_PERF ? attach_each(p, path)
						     : attach_together(p, path);
	urgent_end(&urgent);
	if (quiet >= 0)
		p->links[p->link_count++] = quiet;
	if (err)
		close_all(p);
	return err;
}

static void move(int **to, size_t *to_count, const int *from, size_t *count)
{
	*to = xrealloc(*to, (*to_count + *count + 1) * sizeof(**to));
	memcpy(*to + *to_count, from, *count * sizeof(*from));
	*to_count += *count;
	*count = 0;
}

void go_pool_probes_take(struct go_pool_probes *p, struct detach *d)
{
	move(&d->links, &d->link_count, p->links, &p->link_count);
	move(&d->events, &d->event_count, p->events, &p->event_count);
}

/* ---- what they count ---- */

/* On all processors. */
static struct go_pool_counts sum(const struct go_pool_counts *v, size_t count)
{
	struct go_pool_counts sum = {0};
	size_t i;

	for (i = 0; i < count; i++) {
		sum.gets += v[i].gets;
		sum.puts += v[i].puts;
		sum.misses += v[i].misses;
		sum.made += v[i].made;
	}
	return sum;
}

void go_pool_counts_each(const struct loader *loader, bool take, go_pool_counts_fn *each,
			 void *context)
{
	int map = loader_go_pools_map(loader), cpus = libbpf_num_possible_cpus();
	struct go_pool_counts *values, counts;
	struct go_pool_key keys[GO_POOLS_MAX], *before = NULL;
	size_t count = 0, i;

	if (cpus <= 0)
		return;
	while (count < GO_POOLS_MAX && !bpf_map_get_next_key(map, before, &keys[count]))
		before = &keys[count++];
	values = xcalloc((size_t)cpus, sizeof(*values));
	for (i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(map, &keys[i], values))
			continue;
		counts = sum(values, (size_t)cpus);
		each(context, keys[i].number, keys[i].pool, &counts);
		if (take)
			bpf_map_delete_elem(map, &keys[i]);
	}
	free(values);
}
