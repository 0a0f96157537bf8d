// SPDX-License-Identifier: GPL-2.0-or-later
#include "direct_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "../../include/direct_map.h"
#include "direct_map.skel.h"

uint64_t direct_map_end(FILE *iomem)
{
	unsigned long long first, last;
	char line[160], what[32];
	uint64_t end = 0;

	while (fgets(line, sizeof(line), iomem)) {
		if (sscanf(line, "%llx-%llx : %31[^\n]", &first, &last, what) == 3 &&
		    !strcmp(what, "System RAM") && last > first && last + 1 > end)
			end = last + 1;
	}
	return end;
}

static uint64_t memory_end(void)
{
	FILE *iomem = fopen("/proc/iomem", "re");
	uint64_t end = iomem ? direct_map_end(iomem) : 0;

	if (iomem)
		fclose(iomem);
	return end;
}

static int run(struct direct_map_bpf *skel, struct direct_map *map)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	/* the page tables lie in memory, so no further from the beginning of the map than its end */
	uint64_t first, most = map->end / DIRECT_ALIGNMENT + 1;
	int err;

	skel->bss->memory_end = map->end;
	for (first = 0; first < most; first += DIRECT_TRIES) {
		skel->bss->first = (uint32_t)first;
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.find), &options);
		if (err)
			return err;
		if (options.retval) {
			map->base = skel->bss->found_base;
			map->levels = skel->bss->found_levels;
			return 0;
		}
	}
	return -ENOENT;
}

/* The token lies in a page of its own that the program finds. */
static int look(struct direct_map_bpf *skel, struct direct_map *map)
{
	uint64_t *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int err = -errno, i;

	if (page == MAP_FAILED)
		return err;
	err = -EIO;
	if (getrandom(page, sizeof(skel->bss->token), 0) == sizeof(skel->bss->token)) {
		for (i = 0; i < DIRECT_TOKEN_WORDS; i++)
			skel->bss->token[i] = page[i];
		skel->bss->token_at = (uintptr_t)page;
		err = run(skel, map);
	}
	munmap(page, (size_t)sysconf(_SC_PAGESIZE));
	return err;
}

int direct_map_find(struct direct_map *map)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct direct_map_bpf *skel = direct_map_bpf__open_and_load();
	int err = skel ? 0 : -errno;

	libbpf_set_print(before);
	*map = (struct direct_map){.end = memory_end()};
	if (skel)
		err = look(skel, map);
	direct_map_bpf__destroy(skel);
	return err;
}
