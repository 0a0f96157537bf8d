/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What unwind tables cost, for each ELF file named: built from call frame information, digested, and
 * read back from a cache. CPU time, best of five each. In a fresh directory, which is removed again.
 *
 *   unwind_tables FILE...
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../../include/unwind_row.h"
#include "../../user/base/clock.h"
#include "../../user/probe/unwind_cache.h"

#define ROUNDS 5

struct figures {
	double open_ms, build_ms, digest_ms, read_ms;
	struct unwind_table table;
	uint64_t bytes; /* of call frame information */
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void keep_best(double *best, uint64_t begun, int round)
{
	double ms = (double)(cpu_ns() - begun) / NS_PER_MS;

	if (!round || ms < *best)
		*best = ms;
}

static int measure_once(const char *path, struct unwind_cache *cache, int round, struct figures *f)
{
	struct unwind_cache_key key;
	struct unwind_table kept;
	uint64_t begun = cpu_ns();
	struct unwind_input *in = unwind_input_open(open(path, O_RDONLY | O_CLOEXEC), -1);
	int err;

	if (!in)
		return -1;
	keep_best(&f->open_ms, begun, round);
	begun = cpu_ns();
	unwind_cache_key(cache, in, &key);
	keep_best(&f->digest_ms, begun, round);
	f->bytes = unwind_input_bytes(in);
	unwind_input_close(in);
	/* with nothing read before, as without a cache */
	unwind_table_done(&f->table);
	in = unwind_input_open(open(path, O_RDONLY | O_CLOEXEC), -1);
	begun = cpu_ns();
	err = unwind_build_from(in, NULL, &f->table);
	keep_best(&f->build_ms, begun, round);
	unwind_input_close(in);
	if (err)
		return err;
	unwind_cache_put(cache, &key, &f->table);
	begun = cpu_ns();
	err = unwind_cache_get(cache, &key, &kept);
	keep_best(&f->read_ms, begun, round);
	unwind_table_done(&kept);
	return err;
}

static void measure(const char *path, struct unwind_cache *cache)
{
	struct figures f = {0};
	const char *name = strrchr(path, '/');
	struct rusage use;
	int i, err = 0;

	for (i = 0; i < ROUNDS && !err; i++)
		err = measure_once(path, cache, i, &f);
	if (err) {
		fprintf(stderr, "unwind_tables: cannot measure '%s': %d\n", path, err);
		return;
	}
	getrusage(RUSAGE_SELF, &use);
	printf("%-26s %8.0f %8u %8.0f %9.1f %9.1f %9.1f %9.1f %8ld\n", name ? name + 1 : path,
	       (double)f.bytes / 1024, f.table.row_count,
	       (double)(f.table.row_count + UNWIND_INDEX_WORDS(f.table.pages)) / 128, f.build_ms,
	       f.digest_ms, f.read_ms, f.open_ms + f.digest_ms + f.read_ms, use.ru_maxrss / 1024);
	unwind_table_done(&f.table);
}

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/tracer-bench-XXXXXX";
	struct unwind_cache *cache;
	int i;

	if (!mkdtemp(path) || setenv("TRACER_CACHE_DIR", path, 1))
		return 1;
	cache = unwind_cache_open();
	printf("%-26s %8s %8s %8s %9s %9s %9s %9s %8s\n", "file", "CFI KB", "rows", "table KB",
	       "build ms", "digest ms", "read ms", "cached ms", "peak MB");
	for (i = 1; i < argc; i++)
		measure(argv[i], cache);
	unwind_cache_close(cache);
	remove_all(path);
	return 0;
}
