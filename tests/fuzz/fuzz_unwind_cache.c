/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of the cache of unwind tables -> a table. The first byte says whether the input is the whole
 * file or what it holds for its key.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include "../../include/unwind_row.h"
#include "../../user/base/cache_dir.h"
#include "../../user/base/log.h"
#include "../../user/probe/unwind_cache.h"

static struct unwind_cache *cache;
static int directory = -1;

static char path[] = "/tmp/fuzz_unwind_cache.XXXXXX";

static void remove_cache(void)
{
	unlinkat(directory, "secret", 0);
	unlinkat(directory, "table.unwind", 0);
	rmdir(path);
}

static void make_cache(void)
{
	must(mkdtemp(path));
	setenv("TRACER_CACHE_DIR", path, 1);
	log_set_level(LOG_QUIET);
	cache = unwind_cache_open();
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(cache && directory >= 0);
	atexit(remove_cache);
}

static void write_whole(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void check_table(const struct unwind_table *t)
{
	must(unwind_table_is_sane(t));
	for (uint64_t at = 0; at < 64; at++)
		unwind_table_rule(t, t->base + at * 4099);
	unwind_table_rule(t, UINT64_MAX);
	unwind_table_rule(t, t->base + ((uint64_t)t->pages << UNWIND_PAGE_BITS) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unwind_cache_key key = {.name = "table.unwind", .text = "key"};
	struct fuzz_input in = {data, size};
	struct unwind_table table;

	if (!cache)
		make_cache();
	if (fuzz_number(&in, 1) & 1)
		write_whole(key.name, in.at, in.left);
	else
		must(!cache_dir_write(directory, key.name, key.text, in.at, in.left));
	if (!unwind_cache_get(cache, &key, &table))
		check_table(&table);
	else
		must(!table.rows && !table.page_rows && !table.block);
	unwind_table_done(&table);
	return 0;
}
