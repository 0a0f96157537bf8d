/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind tables that are kept: what comes back, and above all what is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../include/unwind_row.h"
#include "../../user/base/cache_dir.h"
#include "../../user/probe/unwind_cache.h"

struct fixture {
	char folder[64], path[96];
	struct unwind_cache *cache;
	struct unwind_input *in;
	struct unwind_cache_key key;
	struct unwind_table table;
};

static struct unwind_input *open_self(void)
{
	struct unwind_input *in =
		unwind_input_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), -1);

	assert_non_null(in);
	return in;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	umask(022);
	snprintf(f->folder, sizeof(f->folder), "/tmp/tracer-tables-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/cache", f->folder);
	setenv("TRACER_CACHE_DIR", f->path, 1);
	f->cache = unwind_cache_open();
	assert_non_null(f->cache);
	f->in = open_self();
	unwind_cache_key(f->cache, f->in, &f->key);
	assert_true(f->key.name[0]);
	assert_int_equal(unwind_build_from(f->in, NULL, &f->table), 0);
	*state = f;
	return 0;
}

static size_t remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	size_t count = 0;

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
			unlinkat(dirfd(d), e->d_name, 0);
			count++;
		}
	}
	if (d)
		closedir(d);
	return count;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unwind_table_done(&f->table);
	unwind_input_close(f->in);
	unwind_cache_close(f->cache);
	remove_all(f->path);
	rmdir(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void assert_same(const struct unwind_table *a, const struct unwind_table *b)
{
	assert_int_equal(a->base, b->base);
	assert_int_equal(a->row_count, b->row_count);
	assert_int_equal(a->pages, b->pages);
	assert_memory_equal(a->rows, b->rows, a->row_count * sizeof(*a->rows));
	assert_memory_equal(a->page_rows, b->page_rows, (a->pages + 1) * sizeof(*a->page_rows));
}

static int get(const struct fixture *f)
{
	struct unwind_table t;
	int err = unwind_cache_get(f->cache, &f->key, &t);

	if (err)
		assert_true(!t.rows && !t.block && !t.row_count);
	else
		assert_same(&t, &f->table);
	unwind_table_done(&t);
	return err;
}

static const char *file_path(const struct fixture *f)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->path, f->key.name);
	return path;
}

static void unwind_cache__put__comes_back_in_the_next_run(void **state)
{
	struct fixture *f = *state;
	struct unwind_cache_key key;

	assert_int_equal(get(f), -ENOENT);
	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(get(f), 0);
	unwind_cache_close(f->cache);
	f->cache = unwind_cache_open();
	unwind_cache_key(f->cache, f->in, &key);
	assert_string_equal(key.name, f->key.name);
	assert_string_equal(key.text, f->key.text);
	assert_int_equal(get(f), 0);
}

static void unwind_cache__cut_file__not_believed(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	off_t size;

	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(stat(file_path(f), &st), 0);
	for (size = st.st_size - 1; size > 0; size -= 1 + size / 9) {
		assert_int_equal(truncate(file_path(f), size), 0);
		assert_int_equal(get(f), -EBADMSG);
	}
	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(get(f), 0);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1u << at % 8;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void unwind_cache__one_bit_flipped__not_believed(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 88172645463325252ull;
	struct stat st;
	int i;

	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(stat(file_path(f), &st), 0);
	for (i = 0; i < 500; i++) {
		off_t at;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = i < 200 ? i : (off_t)(random % (uint64_t)st.st_size);
		flip(file_path(f), at);
		assert_int_not_equal(get(f), 0);
		flip(file_path(f), at);
	}
	assert_int_equal(get(f), 0);
}

/* ---- files with a right sum and wrong rows ---- */

struct forged {
	uint64_t base;
	uint32_t row_count, pages;
	uint32_t page_rows[4];
	uint64_t rows[3];
};

#define RULE UNWIND_RULE(UNWIND_RSP, 2, UNWIND_RBP_SAME, 0)

static const struct forged good = {
	.base = 0x1000,
	.row_count = 3,
	.pages = 3,
	.page_rows = {0, 1, 1, 2},
	.rows = {UNWIND_ROW(0, RULE), UNWIND_ROW(0x800, RULE + 16), UNWIND_ROW(0x2800, RULE)},
};

static int put_forged(const struct fixture *f, const struct forged *forged)
{
	int dir = cache_dir_open(f->path), err;
	struct unwind_table t;

	assert_int_equal(cache_dir_write(dir, f->key.name, f->key.text, forged, sizeof(*forged)),
			 0);
	close(dir);
	err = unwind_cache_get(f->cache, &f->key, &t);
	unwind_table_done(&t);
	return err;
}

static void unwind_cache__forged_tables__not_believed(void **state)
{
	const struct fixture *f = *state;
	struct forged x;
	int i;

	assert_int_equal(put_forged(f, &good), 0);
	for (i = 0; i < 9; i++) {
		x = good;
		switch (i) {
		case 0: x.base++; break;
		case 1: x.row_count = 0; break;
		case 2: x.row_count = UINT32_MAX; break;
		case 3: x.pages = 0; break;
		case 4: x.pages = UINT32_MAX; break;
		case 5: x.page_rows[2] = 2; break;
		case 6: x.rows[1] = UNWIND_ROW(0x2800, RULE); break;
		case 7: x.rows[0] = UNWIND_ROW(1, RULE); break;
		case 8:
			x.rows[1] = UNWIND_ROW(0x800, UNWIND_RULE_SPECIAL(UNWIND_NO_MAPPING));
			break;
		default: break;
		}
		assert_int_equal(put_forged(f, &x), -EBADMSG);
	}
}

/* ---- whose files ---- */

static void unwind_cache__file_that_others_can_write__not_believed(void **state)
{
	struct fixture *f = *state;

	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(chmod(file_path(f), 0622), 0);
	assert_int_equal(get(f), -EPERM);
	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(get(f), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file_path(f), 65534, 65534), 0);
		assert_int_equal(get(f), -EPERM);
	}
}

static void unwind_cache__link_or_pipe__not_believed(void **state)
{
	struct fixture *f = *state;
	char other[512];

	unwind_cache_put(f->cache, &f->key, &f->table);
	snprintf(other, sizeof(other), "%s/other", f->path);
	assert_int_equal(rename(file_path(f), other), 0);
	assert_int_equal(symlink(other, file_path(f)), 0);
	assert_int_equal(get(f), -ELOOP);
	assert_int_equal(unlink(file_path(f)), 0);
	assert_int_equal(mkfifo(file_path(f), 0600), 0);
	assert_int_equal(get(f), -EPERM);
}

static void unwind_cache__directory_that_others_can_write__no_cache(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->path, 0777), 0);
	assert_null(unwind_cache_open());
	assert_int_equal(chmod(f->path, 0700), 0);
	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_null(unwind_cache_open());
	assert_int_equal(chmod(f->folder, 0700), 0);
}

static void unwind_cache__switched_off__no_cache(void **state)
{
	(void)state;
	setenv("TRACER_CACHE_DIR", "", 1);
	assert_null(unwind_cache_open());
	setenv("TRACER_CACHE_DIR", "none", 1);
	assert_null(unwind_cache_open());
	setenv("TRACER_CACHE_DIR", "relative", 1);
	assert_null(unwind_cache_open());
}

static void unwind_cache__none__nothing_happens(void **state)
{
	struct fixture *f = *state;
	struct unwind_cache_key key;
	struct unwind_table t;

	unwind_cache_key(NULL, f->in, &key);
	assert_string_equal(key.name, "");
	unwind_cache_put(NULL, &key, &f->table);
	unwind_cache_put(f->cache, &key, &f->table);
	assert_int_equal(unwind_cache_get(NULL, &key, &t), -ENOENT);
	assert_int_equal(unwind_cache_get(f->cache, &key, &t), -ENOENT);
	unwind_cache_close(NULL);
}

static void unwind_cache__other_version__made_anew(void **state)
{
	struct fixture *f = *state;

	unwind_cache_put(f->cache, &f->key, &f->table);
	f->key.text[strlen("format ")]++;
	assert_int_equal(get(f), -ESTALE);
}

static void unwind_cache__damaged_secret__another_one(void **state)
{
	struct fixture *f = *state;
	struct unwind_cache_key key;
	char path[256];

	snprintf(path, sizeof(path), "%s/secret", f->path);
	assert_int_equal(truncate(path, 3), 0);
	unwind_cache_close(f->cache);
	f->cache = unwind_cache_open();
	assert_non_null(f->cache);
	unwind_cache_key(f->cache, f->in, &key);
	assert_string_not_equal(key.name, f->key.name);
}

/* ---- no room ---- */

static void unwind_cache__disk_full__nothing_kept_and_nothing_left(void **state)
{
	struct rlimit before, little = {4096, 4096};
	struct fixture *f = *state;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	little.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	unwind_cache_put(f->cache, &f->key, &f->table);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(get(f), -ENOENT);
	assert_int_equal(remove_all(f->path), 1); /* the secret */
}

/* ---- several at once ---- */

static void *writer(void *arg)
{
	struct fixture *f = arg;
	int i;

	for (i = 0; i < 50; i++)
		unwind_cache_put(f->cache, &f->key, &f->table);
	return NULL;
}

static void unwind_cache__two_writers__readers_see_whole_tables(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[2];
	int i;

	unwind_cache_put(f->cache, &f->key, &f->table);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, f), 0);
	for (i = 0; i < 50; i++)
		assert_int_equal(get(f), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(get(f), 0);
	assert_int_equal(remove_all(f->path), 2);
}

/* ---- the key ---- */

struct copy {
	int fd;
	uint8_t *data;
	size_t bytes;
};

static struct copy copy_self(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct copy c = {.fd = memfd_create("copy", MFD_CLOEXEC)};
	struct stat st;

	assert_int_equal(fstat(from, &st), 0);
	c.bytes = (size_t)st.st_size;
	assert_int_equal(ftruncate(c.fd, st.st_size), 0);
	c.data = mmap(NULL, c.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	assert_ptr_not_equal(c.data, MAP_FAILED);
	assert_int_equal(pread(from, c.data, c.bytes, 0), c.bytes);
	close(from);
	return c;
}

static void copy_done(struct copy *c)
{
	munmap(c->data, c->bytes);
	close(c->fd);
}

static Elf64_Shdr *section(const struct copy *c, const char *name)
{
	Elf64_Ehdr *e = (void *)c->data;
	Elf64_Shdr *s = (void *)(c->data + e->e_shoff);
	const char *names = (const char *)c->data + s[e->e_shstrndx].sh_offset;
	int i;

	for (i = 0; i < e->e_shnum; i++) {
		if (!strcmp(names + s[i].sh_name, name))
			return &s[i];
	}
	fail_msg("no section %s", name);
	return NULL;
}

static struct unwind_input *open_copy(const struct copy *c)
{
	struct unwind_input *in = unwind_input_open(fcntl(c->fd, F_DUPFD_CLOEXEC, 0), -1);

	assert_non_null(in);
	return in;
}

static bool has_key_of(const struct fixture *f, const struct copy *c)
{
	struct unwind_input *in = open_copy(c);
	struct unwind_cache_key key;

	unwind_cache_key(f->cache, in, &key);
	unwind_input_close(in);
	return !strcmp(key.name, f->key.name) && !strcmp(key.text, f->key.text);
}

static void unwind_cache_key__other_data__the_same(void **state)
{
	struct copy c = copy_self();

	assert_true(has_key_of(*state, &c));
	c.data[section(&c, ".data")->sh_offset] ^= 1;
	assert_true(has_key_of(*state, &c));
	/* code can tell where stacks end */
	c.data[section(&c, ".text")->sh_offset + 100] ^= 1;
	assert_false(has_key_of(*state, &c));
	copy_done(&c);
}

static void unwind_cache_key__same_build_id_with_other_frames__another(void **state)
{
	static const char *const names[] = {".eh_frame", ".eh_frame_hdr"};
	struct copy c = copy_self();
	Elf64_Ehdr *e = (void *)c.data;
	Elf64_Phdr *p = (void *)(c.data + e->e_phoff);
	int i;

	for (i = 0; i < 2; i++) {
		uint8_t *at = c.data + section(&c, names[i])->sh_offset;

		at[section(&c, names[i])->sh_size - 5] ^= 1;
		assert_false(has_key_of(*state, &c));
		at[section(&c, names[i])->sh_size - 5] ^= 1;
	}
	p[1].p_vaddr ^= 0x1000;
	assert_false(has_key_of(*state, &c));
	p[1].p_vaddr ^= 0x1000;
	e->e_entry++;
	assert_false(has_key_of(*state, &c));
	e->e_entry--;
	section(&c, ".eh_frame")->sh_addr += 16;
	assert_false(has_key_of(*state, &c));
	copy_done(&c);
}

static void unwind_cache_key__no_build_id__not_kept(void **state)
{
	struct copy c = copy_self();
	Elf64_Nhdr *note = (void *)(c.data + section(&c, ".note.gnu.build-id")->sh_offset);
	struct fixture *f = *state;
	struct unwind_cache_key key;
	struct unwind_input *in;

	note->n_type++;
	in = open_copy(&c);
	unwind_cache_key(f->cache, in, &key);
	assert_string_equal(key.name, "");
	unwind_input_close(in);
	copy_done(&c);
}

/* Else a table would be kept under the digest of other contents. */
static void unwind_input__changed_after_the_digest__built_from_what_was_digested(void **state)
{
	struct copy c = copy_self();
	struct unwind_input *in = open_copy(&c);
	struct fixture *f = *state;
	struct unwind_cache_key key;
	struct unwind_table t;

	unwind_cache_key(f->cache, in, &key);
	assert_string_equal(key.name, f->key.name);
	memset(c.data, 0xff, c.bytes);
	assert_int_equal(unwind_build_from(in, NULL, &t), 0);
	assert_same(&t, &f->table);
	unwind_table_done(&t);
	unwind_input_close(in);
	copy_done(&c);
}

/* libelf would read all of it: sparse files cost nothing to make. */
static void unwind_input__names_without_end__refused(void **state)
{
	struct copy c = copy_self();

	(void)state;
	section(&c, ".shstrtab")->sh_size = 1u << 30;
	assert_int_equal(ftruncate(c.fd, 2u << 30), 0);
	assert_null(unwind_input_open(fcntl(c.fd, F_DUPFD_CLOEXEC, 0), -1));
	assert_int_equal(errno, ENOEXEC);
	copy_done(&c);
}

static bool is_debug_file(const struct copy *c)
{
	struct unwind_input *in = unwind_input_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
						    fcntl(c->fd, F_DUPFD_CLOEXEC, 0));
	bool used = unwind_input_debug(in) != NULL;

	unwind_input_close(in);
	return used;
}

static void unwind_input__debug_file_of_another_program__left_out(void **state)
{
	struct copy c = copy_self();
	Elf64_Ehdr *e = (void *)c.data;
	Elf64_Shdr *all = (void *)(c.data + e->e_shoff), *note = section(&c, ".note.gnu.build-id");
	char *names = (char *)c.data + all[e->e_shstrndx].sh_offset;

	(void)state;
	assert_false(is_debug_file(&c));
	/* any section will do under this name: only that it is there is looked at */
	memcpy(names + note->sh_name, ".debug_frame", sizeof(".debug_frame"));
	assert_true(is_debug_file(&c));
	c.data[note->sh_offset + sizeof(Elf64_Nhdr) + sizeof("GNU")] ^= 1;
	assert_false(is_debug_file(&c));
	copy_done(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unwind_cache__put__comes_back_in_the_next_run),
		TEST(unwind_cache__cut_file__not_believed),
		TEST(unwind_cache__one_bit_flipped__not_believed),
		TEST(unwind_cache__forged_tables__not_believed),
		TEST(unwind_cache__file_that_others_can_write__not_believed),
		TEST(unwind_cache__link_or_pipe__not_believed),
		TEST(unwind_cache__directory_that_others_can_write__no_cache),
		TEST(unwind_cache__switched_off__no_cache),
		TEST(unwind_cache__none__nothing_happens),
		TEST(unwind_cache__other_version__made_anew),
		TEST(unwind_cache__damaged_secret__another_one),
		TEST(unwind_cache__disk_full__nothing_kept_and_nothing_left),
		TEST(unwind_cache__two_writers__readers_see_whole_tables),
		TEST(unwind_cache_key__other_data__the_same),
		TEST(unwind_cache_key__same_build_id_with_other_frames__another),
		TEST(unwind_cache_key__no_build_id__not_kept),
		TEST(unwind_input__names_without_end__refused),
		TEST(unwind_input__debug_file_of_another_program__left_out),
		TEST(unwind_input__changed_after_the_digest__built_from_what_was_digested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
