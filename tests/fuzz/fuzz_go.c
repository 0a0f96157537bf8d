/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that says that Go built it -> its version, where its runtime has its variables and members (symbol table, function table and
 * instructions, debug information), and what is read by that from a memory that is anything: the bytes of the file.
 */
#include "fuzz.h"

#include <errno.h>

#include "../../user/target/go_watch.h"

static void check_version(const char *version)
{
	size_t length = strnlen(version, GO_VERSION_MAX);

	must(length < GO_VERSION_MAX);
	for (size_t i = 0; i < length; i++)
		must(version[i] >= ' ' && version[i] <= '~');
}

static void read_goroutines(const struct go_runtime *r)
{
	struct go_watch *watch = go_watch_new();
	struct go_goroutines found;
	uint64_t count = 0;
	int i;

	go_goroutines_count(r, &count);
	for (i = 1; i < 3; i++) {
		if (!go_watch_read(watch, r, (uint64_t)i << 30, 1, &found))
			must(found.origin_count <= GO_ORIGINS_MAX &&
			     found.group_count <= GO_GROUPS_MAX);
		go_goroutines_done(&found);
	}
	go_watch_free(watch);
}

static void read_all(struct go_runtime *r)
{
	struct go_figures *figures = malloc(sizeof(*figures));
	struct go_cycles *cycles = malloc(sizeof(*cycles));
	int result;

	must(figures && cycles);
	result = go_stats_read(r, figures);
	must(result <= 2);
	read_goroutines(r);
	result = go_cycles_read(r, cycles);
	must(result == 0 || result == -ESRCH);
	must(cycles->processors <= 1024);
	free(cycles);
	free(figures);
}

static void find(struct elf_file *elf, int fd, unsigned int minor)
{
	struct go_place place = {.memory = fd, .minor = minor};
	/* no process: only what a descriptor gives */
	struct go_runtime r = {.pid = 0, .memory = fd};
	struct go_layout own = {.minor = minor};
	const char *missing = NULL;
	enum go_member wrong = GO_MEMBERS;

	if (!go_symbols_find(elf, &place, r.at, &missing))
		must(missing);
	go_system_load(&r.system, elf, &place);
	r.layout = go_layout_find(minor);
	if (r.layout)
		read_all(&r);
	if (go_dwarf_layout(elf, &own)) {
		r.layout = &own;
		if (go_layout_check(&own, &wrong))
			read_all(&r);
		else
			must(wrong < GO_MEMBERS);
	}
	go_system_done(&r.system);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char version[GO_VERSION_MAX];
	int fd = fuzz_file(data, size);
	struct elf_file *elf = elf_file_open(fd);
	unsigned int minor;

	go_build_parse(data, size, version);
	check_version(version);
	if (elf) {
		go_build_version(elf, version);
		check_version(version);
		minor = go_build_minor(version);
		find(elf, fd, minor ? minor : 19);
	}
	elf_file_close(elf);
	close(fd);
	return 0;
}
