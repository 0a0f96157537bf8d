/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of this program's own files in an arena that no BPF program sees: made at once, by the worker
 * or from the cache, held, and freed when their room is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../include/unwind_row.h"
#include "../../user/probe/unwind_files.h"
#include "../../user/probe/unwind_list.h"

#define EVERYTHING (1ull << 40)

struct fixture {
	struct unwind_arena arena;
	struct unwind_files files;
	struct unwind_list list;
	char path[64];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/tracer-files-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	setenv("TRACER_CACHE_DIR", f->path, 1);
	assert_int_equal(unwind_arena_init(&f->arena, -1), 0);
	f->files.arena = &f->arena;
	f->files.worker = unwind_worker_new(NULL);
	assert_non_null(f->files.worker);
	*state = f;
	return 0;
}

static void stop(struct fixture *f)
{
	unwind_list_done(&f->list, &f->files);
	unwind_worker_free(f->files.worker);
	unwind_files_done(&f->files);
	unwind_cache_close(f->files.cache);
	unwind_arena_done(&f->arena);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	DIR *d = opendir(f->path);
	struct dirent *e;

	stop(f);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(f->path);
	free(f);
	return 0;
}

static void read_self(struct fixture *f, uint64_t bytes)
{
	struct unwind_effort effort = {.bytes = bytes};

	unwind_list_done(&f->list, &f->files);
	assert_int_equal(unwind_list_read(&f->list, &f->files, getpid(), &effort), 0);
}

/* Until the worker has handed something over. */
static void collect(struct fixture *f)
{
	struct pollfd p = {.fd = unwind_worker_fd(f->files.worker), .events = POLLIN};

	while (!unwind_files_collect(&f->files))
		assert_true(poll(&p, 1, -1) > 0 || errno == EINTR);
}

static struct unwind_file *file_of(const struct fixture *f, const void *address)
{
	size_t i;

	for (i = 0; i < f->list.count; i++) {
		if (f->list.mappings[i].start <= (uintptr_t)address &&
		    (uintptr_t)address < f->list.mappings[i].end)
			return f->list.files[i];
	}
	return NULL;
}

/* The rule for an address as the BPF side finds it, by the list. */
static uint32_t rule_of(const struct fixture *f, const void *address)
{
	const struct unwind_file *file = file_of(f, address);
	const uint64_t *words = &f->arena.words[file->table];
	size_t i = 0;
	struct unwind_table t = {.base = 0,
				 .rows = (uint64_t *)&words[UNWIND_INDEX_WORDS(file->pages)],
				 .pages = file->pages,
				 .page_rows = (uint32_t *)words};

	while (f->list.files[i] != file)
		i++;
	return unwind_table_rule(&t, (uintptr_t)address - f->list.mappings[i].base);
}

static const void *own_code(void)
{
	return (const void *)(uintptr_t)read_self;
}

static const void *libc_code(void)
{
	return (const void *)(uintptr_t)gnu_get_libc_version;
}

static void unwind_files__effort__made_at_once(void **state)
{
	struct fixture *f = *state;

	read_self(f, EVERYTHING);
	assert_false(f->list.incomplete);
	assert_int_equal(f->list.wait_count, 0);
	/* at a function's first instruction the return address is on top */
	assert_int_equal(rule_of(f, own_code()), UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0));
	assert_int_equal(rule_of(f, libc_code()), UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0));
}

static void unwind_files__no_effort__made_by_the_worker(void **state)
{
	struct fixture *f = *state;

	read_self(f, 0);
	assert_true(f->list.incomplete);
	assert_null(file_of(f, libc_code()));
	while (f->list.wait_count) {
		collect(f);
		read_self(f, 0);
	}
	assert_false(f->list.incomplete);
	assert_int_equal(rule_of(f, own_code()), UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0));
	assert_int_equal(rule_of(f, libc_code()), UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0));
}

static void unwind_list__tables_that_come_later__it_is_extended(void **state)
{
	struct unwind_effort little = {.bytes = 0}, all = {.bytes = EVERYTHING};
	struct unwind_list before;
	struct fixture *f = *state;
	size_t i;

	/* the vdso and what is anonymous are there at once */
	assert_int_equal(unwind_list_read(&before, &f->files, getpid(), &little), 0);
	assert_true(before.incomplete && unwind_list_waits(&before, before.waits[0]));
	unwind_list_done(&before, &f->files);
	assert_int_equal(unwind_list_read(&before, &f->files, getpid(), &little), 0);
	unwind_list_take_waits(&f->list, &before, &f->files);
	assert_false(unwind_list_waits(&before, f->list.waits[0]));
	unwind_list_done(&f->list, &f->files);
	assert_int_equal(unwind_list_read(&f->list, &f->files, getpid(), &all), 0);
	assert_true(unwind_list_extends(&f->list, &before));
	assert_false(unwind_list_extends(&before, &f->list));
	for (i = 0; i < before.count; i++) {
		assert_true(unwind_list_has(&f->list, &before.mappings[i]));
		before.mappings[i].start += 16;
		assert_true(unwind_list_has(&f->list, &before.mappings[i]));
		before.mappings[i].start -= 32;
		assert_false(unwind_list_has(&f->list, &before.mappings[i]));
		before.mappings[i].start += 16;
		before.mappings[i].table++;
		assert_false(unwind_list_has(&f->list, &before.mappings[i]));
	}
	unwind_list_done(&before, &f->files);
}

static void unwind_files__urgent_only__others_left_unknown(void **state)
{
	struct unwind_effort effort = {.bytes = EVERYTHING, .urgent_only = true};
	struct fixture *f = *state;

	assert_int_equal(unwind_list_read(&f->list, &f->files, getpid(), &effort), 0);
	assert_true(f->list.incomplete);
	assert_int_equal(f->list.wait_count, 0);
	assert_non_null(file_of(f, own_code()));
	assert_non_null(file_of(f, libc_code()));
}

static void unwind_files__nobody_waits__dropped(void **state)
{
	struct fixture *f = *state;
	struct unwind_file *file;

	read_self(f, 0);
	assert_true(f->list.wait_count > 0);
	unwind_list_done(&f->list, &f->files);
	for (file = f->files.first; file; file = file->next)
		assert_int_not_equal(file->state, UNWIND_FILE_MAKING);
	assert_false(unwind_files_collect(&f->files));
}

static void unwind_files__end_while_tables_are_made__no_harm(void **state)
{
	struct fixture *f = *state;

	read_self(f, 0);
	assert_true(f->list.wait_count > 0);
	/* the rest is tear_down() */
}

static void unwind_files__next_run__from_the_cache(void **state)
{
	struct fixture *f = *state;
	size_t count;
	int run;

	for (run = 0; run < 2; run++) {
		/* 2 MB of effort are enough for what is kept, not for building */
		f->files.cache = unwind_cache_open();
		assert_non_null(f->files.cache);
		unwind_worker_free(f->files.worker);
		f->files.worker = unwind_worker_new(f->files.cache);
		read_self(f, run ? 2u << 20 : EVERYTHING);
		assert_non_null(file_of(f, libc_code()));
		assert_non_null(file_of(f, own_code()));
		count = f->list.count;
		stop(f);
		f->list = (struct unwind_list){0};
		f->files = (struct unwind_files){.arena = &f->arena};
		assert_int_equal(unwind_arena_init(&f->arena, -1), 0);
		f->files.worker = unwind_worker_new(NULL);
	}
	assert_true(count > 1);
}

static bool is_known(const struct fixture *f, const struct unwind_file *file)
{
	const struct unwind_file *k;

	for (k = f->files.first; k; k = k->next) {
		if (k == file)
			return true;
	}
	return false;
}

#define CHUNK_ROOM (UNWIND_CHUNK_WORDS - 1u)

static void unwind_files__full__unused_tables_go_and_used_ones_stay(void **state)
{
	struct fixture *f = *state;
	struct unwind_file *used, *unused;
	uint32_t at;

	f->arena.chunk_limit = 1;
	read_self(f, EVERYTHING);
	used = file_of(f, libc_code());
	unused = file_of(f, own_code());
	unwind_file_hold(used);
	unwind_list_done(&f->list, &f->files);
	assert_true(is_known(f, unused));
	/* more than what is left, less than what is there without the tables */
	at = unwind_files_room(&f->files, CHUNK_ROOM - used->words - used->table, 1);
	assert_int_not_equal(at, 0);
	assert_false(is_known(f, unused));
	assert_true(is_known(f, used));
	assert_int_equal(unwind_files_room(&f->files, CHUNK_ROOM, 1), 0);
	assert_int_equal(errno, ENOSPC);
	assert_true(is_known(f, used));
	unwind_arena_give(&f->arena, at, CHUNK_ROOM - used->words - used->table);
	unwind_file_release(&f->files, used);
	assert_int_not_equal(unwind_files_room(&f->files, CHUNK_ROOM, 1), 0);
	assert_false(is_known(f, used));
}

static void unwind_files__no_room__tried_again_when_there_is_some(void **state)
{
	struct fixture *f = *state;
	uint32_t at;

	f->arena.chunk_limit = 1;
	at = unwind_files_room(&f->files, CHUNK_ROOM, 1);
	assert_int_not_equal(at, 0);
	read_self(f, EVERYTHING);
	assert_null(file_of(f, libc_code()));
	unwind_arena_give(&f->arena, at, CHUNK_ROOM);
	f->files.freed++;
	read_self(f, EVERYTHING);
	assert_non_null(file_of(f, libc_code()));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unwind_files__effort__made_at_once),
		TEST(unwind_files__no_effort__made_by_the_worker),
		TEST(unwind_list__tables_that_come_later__it_is_extended),
		TEST(unwind_files__urgent_only__others_left_unknown),
		TEST(unwind_files__nobody_waits__dropped),
		TEST(unwind_files__end_while_tables_are_made__no_harm),
		TEST(unwind_files__next_run__from_the_cache),
		TEST(unwind_files__full__unused_tables_go_and_used_ones_stay),
		TEST(unwind_files__no_room__tried_again_when_there_is_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
