// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names would hide a wrong address inside the right function, and no output for users has
 * addresses: tests that compare stacks with another unwinder's read them here.
 */
#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static FILE *open_new(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

static void write_site(FILE *to, struct heap *heap, const struct site *site)
{
	const struct heap_stack *stack = site->stack ? heap_stack(heap, site->stack) : NULL;
	uint32_t i;

	if (!stack)
		return;
	fprintf(to, "site %" PRIu32 " %" PRIu32 " %" PRIx32 " %" PRIu64,
		heap_process(heap, site->process)->pid, site->stack, stack->flags,
		site->totals.alloc_count);
	for (i = 0; i < stack->frame_count; i++)
		fprintf(to, " %" PRIx64, stack->pcs[i]);
	fputc('\n', to);
}

static void write_blocks(FILE *to, struct heap *heap, const struct heap_process *p)
{
	const struct block *b;
	size_t it = 0;

	while ((b = blocks_next(&p->blocks, &it)))
		fprintf(to, "block %" PRIu32 " %" PRIu32 " %" PRIx64 "\n", p->pid,
			heap_site(heap, b->site)->stack, b->address);
}

bool dump_stacks(struct heap *heap)
{
	const char *path = getenv("TRACER_DUMP_STACKS");
	FILE *to = path ? open_new(path) : NULL;
	bool failed;
	uint32_t i;

	if (!path)
		return true;
	for (i = 1; to && i <= heap_site_count(heap); i++)
		write_site(to, heap, heap_site(heap, i));
	for (i = 1; to && i <= heap_process_count(heap); i++)
		write_blocks(to, heap, heap_process(heap, i));
	failed = !to || ferror(to);
	if (to)
		failed |= fclose(to) != 0;
	if (failed)
		log_error("cannot write '%s': %s: name another file in TRACER_DUMP_STACKS", path,
			  strerror(errno));
	return !failed;
}
