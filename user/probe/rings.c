/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rings.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../include/event.h"

#define TOTAL_DEFAULT ((size_t)64 << 20)
#define RING_MIN      ((size_t)64 << 10) /* with more than 1024 CPUs the total grows */
#define RING_MAX      ((size_t)16 << 20)
#define RING_SMALL    ((size_t)2 << 20)
/* For each so many bytes of a CPU's ring buffer there is a slot, so that slots take half as much again. */
#define SLOT_SHARE 64

/* The ring buffer of a CPU: a power of two. */
static size_t ring_size(size_t total, size_t cpus)
{
	size_t size = RING_MIN, want = (total ? total : TOTAL_DEFAULT * 2 / 3) / cpus;

	while (size * 2 <= want && size * 2 <= RING_MAX)
		size *= 2;
	/* an asked-for total may be below the default minimum (tests force losses with it) */
	while (total && size > want && size > 4096)
		size /= 2;
	return size;
}

static size_t memory_of(size_t cpus, size_t buffer, size_t slots)
{
	return cpus * (buffer + slots * sizeof(struct event_slot));
}

int rings_make(struct rings *r, size_t total)
{
	int cpus = libbpf_num_possible_cpus(), i;

	if (cpus <= 0)
		return -ENOENT;
	r->bytes = ring_size(total, (size_t)cpus);
	r->slot_count = r->bytes / SLOT_SHARE;
	r->fds = calloc((size_t)cpus, sizeof(int));
	if (!r->fds)
		return -ENOMEM;
	for (i = 0; i < cpus; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, (uint32_t)r->bytes,
					NULL);

		if (fd < 0)
			return -errno;
		r->fds[r->count++] = fd;
	}
	return 0;
}

void rings_done(struct rings *r)
{
	for (size_t i = 0; i < r->count; i++)
		close(r->fds[i]);
	free(r->fds);
	*r = (struct rings){0};
}

int rings_put(const struct rings *r, int map_fd)
{
	uint32_t i;

	for (i = 0; i < r->count; i++) {
		if (bpf_map_update_elem(map_fd, &i, &r->fds[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

bool rings_are_small(const struct rings *r)
{
	return r->bytes < RING_SMALL;
}

size_t rings_memory(const struct rings *r)
{
	return memory_of(r->count, r->bytes, r->slot_count);
}

size_t rings_planned(size_t cpus)
{
	size_t bytes = ring_size(0, cpus);

	return memory_of(cpus, bytes, bytes / SLOT_SHARE);
}
