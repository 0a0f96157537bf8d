/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of generated code that a process writes -> names of addresses in it. Input: the file. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include "../../user/base/log.h"
#include "../../user/symbol/perf_map.h"

#define PID 4711

static int root = -1, map = -1;

static char path[] = "/tmp/fuzz_perf_map.XXXXXX";

static void remove_root(void)
{
	unlinkat(root, "tmp/perf-4711.map", 0);
	unlinkat(root, "tmp", AT_REMOVEDIR);
	rmdir(path);
}

/* A root directory of a process, with nothing in it but the map. */
static void make_root(void)
{

	must(mkdtemp(path));
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	must(root >= 0 && mkdirat(root, "tmp", 0700) == 0);
	map = openat(root, "tmp/perf-4711.map", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(map >= 0);
	atexit(remove_root);
	log_set_level(LOG_QUIET);
}

static void write_map(const uint8_t *data, size_t size)
{
	must(ftruncate(map, 0) == 0 && pwrite(map, data, size, 0) == (ssize_t)size);
}

/* Addresses that the text speaks of, and some that it does not. */
static void find_all(struct perf_maps *maps, const struct jit *jit, const uint8_t *data,
		     size_t size)
{
	char line[32] = {0};
	uint64_t start;

	for (size_t i = 0, found = 0; i < size && found < 64; i++) {
		const char *name;
		uint64_t address;

		if (i > 0 && data[i - 1] != '\n')
			continue;
		memcpy(line, data + i, size - i < 31 ? size - i : 31);
		address = strtoull(line, NULL, 16) + found++ % 3;
		name = perf_maps_find(maps, jit, address, &start);
		if (name)
			must(start <= address && strlen(name) < PERF_MAP_MAX_NAME);
	}
	perf_maps_find(maps, jit, UINT64_MAX, &start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jit jit = {.pid = PID, .uid = getuid()};
	struct perf_maps *maps = perf_maps_new();

	if (root < 0)
		make_root();
	jit.root = root;
	write_map(data, size);
	find_all(maps, &jit, data, size);
	perf_maps_free(maps);
	return 0;
}
