/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files and the table of allocators: this program, libc, installed allocators; files cut and
 * damaged at random. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../user/target/allocators.h"
#include "../../user/target/elf.h"

static struct elf_file *open_path(const char *path, int *fd)
{
	struct elf_file *file;

	*fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(*fd >= 0);
	file = elf_file_open(*fd);
	assert_non_null(file);
	return file;
}

/* The file of a function of this process and its ELF address there. */
static struct elf_file *open_object_of(const void *function, int *fd, uint64_t *address)
{
	struct link_map *map;
	Dl_info info;

	assert_int_not_equal(dladdr1(function, &info, (void **)&map, RTLD_DL_LINKMAP), 0);
	*address = (uint64_t)(uintptr_t)function - map->l_addr;
	return open_path(*map->l_name ? map->l_name : "/proc/self/exe", fd);
}

static void close_object(struct elf_file *file, int fd)
{
	elf_file_close(file);
	close(fd);
}

/* Inner code that must stay a function of its own. */
static __attribute__((noinline)) int marked_function(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x * 3 + 1;
}

struct wanted {
	const char *name;
	struct elf_symbol found;
	size_t count;
};

static bool find_wanted(void *context, const struct elf_symbol *symbol)
{
	struct wanted *wanted = context;

	if (strcmp(symbol->name, wanted->name) != 0)
		return true;
	if (wanted->count++ == 0)
		wanted->found = *symbol;
	return true;
}

static void elf_file_symbols__own_static_function__found_with_size(void **state)
{
	struct wanted wanted = {.name = "marked_function"};
	uint64_t address, start, end, bias;
	struct elf_file *file;
	int fd;

	(void)state;
	assert_int_equal(marked_function(2), 7);
	file = open_path("/proc/self/exe", &fd);
	elf_file_symbols(file, find_wanted, &wanted);
	assert_int_equal(wanted.count, 1);
	assert_int_equal(wanted.found.type, STT_FUNC);
	assert_true(wanted.found.is_local);
	assert_false(wanted.found.is_dynamic);
	address = wanted.found.address;
	assert_true(elf_file_is_code(file, address));
	assert_true(elf_file_function(file, address + 1, &start, &end));
	assert_true(start == address && end == address + wanted.found.size);
	/* The unwind information knows the same bounds without the symbol. */
	assert_true(elf_file_frame(file, address + 1, &start, &end));
	assert_true(start == address && end == address + wanted.found.size);
	bias = (uint64_t)(uintptr_t)&marked_function - address;
	assert_int_equal(bias % 4096, 0);
	close_object(file, fd);
}

static void elf_file_symbols__malloc_in_libc__where_the_linker_says(void **state)
{
	struct wanted wanted = {.name = "malloc"};
	void *malloc_now = dlsym(dlopen("libc.so.6", RTLD_LAZY), "malloc");
	uint64_t address, start, end, offset;
	uint8_t code[16], memory[16];
	struct elf_file *file;
	int fd;

	(void)state;
	if (!malloc_now)
		skip();
	file = open_object_of(malloc_now, &fd, &address);
	elf_file_symbols(file, find_wanted, &wanted);
	assert_true(wanted.count >= 1);
	assert_true(wanted.found.address == address);
	assert_true(wanted.found.is_dynamic);
	assert_true(elf_file_function(file, address, &start, &end));
	assert_true(start == address);
	assert_true(elf_file_frame(file, address + 5, &start, &end));
	assert_true(start == address);
	assert_true(elf_file_to_offset(file, address, &offset));
	assert_int_equal(elf_file_read(file, address, code, sizeof(code)), sizeof(code));
	assert_int_equal(pread(fd, memory, sizeof(memory), (off_t)offset), sizeof(memory));
	assert_memory_equal(code, memory, sizeof(code));
	close_object(file, fd);
}

static bool has_note(struct dl_phdr_info *info, const uint8_t *id, size_t length)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const uint8_t *note = (const uint8_t *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type == PT_NOTE &&
		    memmem(note, info->dlpi_phdr[i].p_memsz, id, length))
			return true;
	}
	return false;
}

static int check_build_id(struct dl_phdr_info *info, size_t size, void *checked)
{
	uint8_t id[64];
	struct elf_file *file;
	size_t length;
	int fd;

	(void)size;
	if (info->dlpi_name[0] != '/')
		return 0;
	file = open_path(info->dlpi_name, &fd);
	length = elf_file_build_id(file, id, sizeof(id));
	if (length) {
		assert_true(has_note(info, id, length));
		(*(size_t *)checked)++;
		assert_int_equal(elf_file_build_id(file, id, length - 1), 0);
	}
	close_object(file, fd);
	return 0;
}

static void elf_file_build_id__loaded_objects__as_in_memory(void **state)
{
	size_t checked = 0;

	(void)state;
	dl_iterate_phdr(check_build_id, &checked);
	if (!checked)
		skip();
}

struct stubs {
	struct elf_file *file;
	size_t free_count;
};

static bool count_free_slot(void *context, const struct elf_relocation *relocation)
{
	struct stubs *stubs = context;

	if (!relocation->name || strcmp(relocation->name, "free") != 0 ||
	    relocation->type == R_X86_64_64)
		return true;
	stubs->free_count++;
	assert_string_equal(elf_file_slot(stubs->file, relocation->slot), "free");
	assert_null(elf_file_slot(stubs->file, relocation->slot + 1));
	return true;
}

static void elf_file_stub__every_stub_of_libc__has_its_name(void **state)
{
	const struct elf_segment *segments;
	struct stubs stubs = {0};
	uint64_t address;
	size_t found = 0;
	int fd;

	(void)state;
	stubs.file = open_object_of((const void *)(uintptr_t)&gnu_get_libc_version, &fd, &address);
	elf_file_relocations(stubs.file, count_free_slot, &stubs);
	for (size_t i = 0; i < elf_file_segments(stubs.file, &segments); i++) {
		uint64_t end = segments[i].address + 4096;

		/* .plt and its kin are at the beginning of the code. */
		for (uint64_t at = segments[i].address; segments[i].execute && at < end; at += 8) {
			const char *name = elf_file_stub(stubs.file, at);

			found += name && strcmp(name, "free") == 0;
		}
	}
	assert_null(elf_file_stub(stubs.file, address));
	assert_true(!stubs.free_count || found);
	close_object(stubs.file, fd);
}

static void elf_file_bias__each_mapping_of_this_program__agrees(void **state)
{
	uint64_t address, bias, offset;
	struct elf_file *file;
	int fd;

	(void)state;
	file = open_object_of((const void *)(uintptr_t)&gnu_get_libc_version, &fd, &address);
	assert_true(elf_file_to_offset(file, address, &offset));
	offset &= ~4095ull;
	assert_true(elf_file_bias(file, ((uint64_t)(uintptr_t)&gnu_get_libc_version) & ~4095ull,
				  offset, &bias));
	assert_true(bias + address == (uint64_t)(uintptr_t)&gnu_get_libc_version);
	assert_false(elf_file_bias(file, 0x1000, 1ull << 60, &bias));
	assert_false(elf_file_to_offset(file, UINT64_MAX, &offset));
	close_object(file, fd);
}

static void elf_file_open__not_elf__refused(void **state)
{
	static const char text[] = "#!/bin/sh\n";
	int fd = memfd_create("text", MFD_CLOEXEC);

	(void)state;
	assert_null(elf_file_open(fd));
	assert_int_equal(errno, ENOEXEC);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_null(elf_file_open(fd));
	assert_int_equal(errno, ENOEXEC);
	close(fd);
}

static bool count_names(void *context, const struct elf_symbol *symbol)
{
	struct allocator_name name;

	*(size_t *)context += strlen(symbol->name) + allocators_find(symbol->name, &name);
	return true;
}

static bool count_relocation(void *context, const struct elf_relocation *relocation)
{
	*(size_t *)context += relocation->name ? strlen(relocation->name) : 1;
	return true;
}

/* Everything that is ever done with a file. */
static void use_file(int fd)
{
	struct elf_file *file = elf_file_open(fd);
	const struct elf_segment *segments;
	uint64_t start, end, at;
	uint8_t bytes[64];
	size_t work = 0;

	if (!file)
		return;
	elf_file_symbols(file, count_names, &work);
	elf_file_relocations(file, count_relocation, &work);
	elf_file_build_id(file, bytes, sizeof(bytes));
	for (size_t i = 0; i < elf_file_segments(file, &segments); i++) {
		at = segments[i].address;
		elf_file_read(file, at, bytes, sizeof(bytes));
		elf_file_function(file, at + 17, &start, &end);
		elf_file_frame(file, at + segments[i].file_size / 2, &start, &end);
		for (uint64_t k = 0; k < 64; k += 8) {
			elf_file_stub(file, at + k);
			elf_file_jump(file, at + k, &start);
		}
	}
	elf_file_close(file);
}

/* A small object to damage: one that every process has. */
static uint8_t *read_victim(size_t *size)
{
	uint8_t *bytes;
	off_t end;
	int fd;

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	end = lseek(fd, 0, SEEK_END);
	*size = end > 200000 ? 200000 : (size_t)end;
	bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, *size, 0), *size);
	close(fd);
	return bytes;
}

static void use_bytes(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("victim", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, size), size);
	use_file(fd);
	close(fd);
}

static void elf_file__cut_at_many_lengths__no_harm(void **state)
{
	size_t size;
	uint8_t *bytes = read_victim(&size);

	(void)state;
	for (size_t length = 0; length < 1024; length += 13)
		use_bytes(bytes, length);
	for (size_t i = 0; i < 100; i++)
		use_bytes(bytes, size * i / 100);
	free(bytes);
}

/* Half of the damage goes to the headers and the unwind header: elsewhere it is mostly code. */
static void damage(uint8_t *bytes, size_t size, unsigned int *seed)
{
	size_t count = 1 + (size_t)rand_r(seed) % 8;

	for (size_t i = 0; i < count; i++) {
		size_t room = rand_r(seed) & 1 ? 1024 : size;
		size_t at = ((size_t)rand_r(seed) << 8 ^ (size_t)rand_r(seed)) % room;

		bytes[at] = rand_r(seed) & 1 ? (uint8_t)rand_r(seed) : 0xff;
	}
}

static void elf_file__random_damage__no_harm(void **state)
{
	unsigned int seed = 20240607;
	size_t size;
	uint8_t *bytes = read_victim(&size), *copy = malloc(size);

	(void)state;
	assert_non_null(copy);
	for (int round = 0; round < 300; round++) {
		memcpy(copy, bytes, size);
		damage(copy, size, &seed);
		use_bytes(copy, size);
	}
	free(copy);
	free(bytes);
}

/* The tables that hold counts and offsets, each byte of their first entries. */
static void elf_file__damaged_section_headers__no_harm(void **state)
{
	unsigned int seed = 7;
	Elf64_Ehdr header;
	size_t size;
	uint8_t *bytes = read_victim(&size);

	(void)state;
	memcpy(&header, bytes, sizeof(header));
	for (int round = 0; round < 300 && header.e_shoff < size; round++) {
		size_t at = header.e_shoff + (size_t)rand_r(&seed) % (size - header.e_shoff);
		uint8_t saved = bytes[at];

		bytes[at] = rand_r(&seed) & 1 ? (uint8_t)rand_r(&seed) : 0xff;
		use_bytes(bytes, size);
		bytes[at] = saved;
	}
	free(bytes);
}

static void expect_call(const char *symbol, enum call_id call, enum allocator_class class)
{
	struct allocator_name name;

	if (!allocators_find(symbol, &name))
		fail_msg("%s is not found", symbol);
	assert_int_equal(name.call, call);
	assert_int_equal(name.class, class);
}

static void allocators_find__names_of_all_allocators__their_call(void **state)
{
	(void)state;
	expect_call("malloc", CALL_ID_MALLOC, ALLOCATOR_C);
	expect_call("cfree", CALL_ID_CFREE, ALLOCATOR_C);
	expect_call("reallocf", CALL_ID_REALLOCF, ALLOCATOR_C);
	expect_call("free_aligned_sized", CALL_ID_FREE_ALIGNED_SIZED, ALLOCATOR_C);
	expect_call("sdallocx", CALL_ID_SDALLOCX, ALLOCATOR_C);
	expect_call("mmap64", CALL_ID_MMAP, ALLOCATOR_RANGE);
	expect_call("_Znwm", CALL_ID_NEW, ALLOCATOR_CXX);
	expect_call("_ZnamSt11align_val_tRKSt9nothrow_t", CALL_ID_NEW_ARRAY_ALIGNED_NOTHROW,
		    ALLOCATOR_CXX);
	expect_call("_ZdlPvmSt11align_val_t", CALL_ID_DELETE, ALLOCATOR_CXX);
	expect_call("_ZdaPvRKSt9nothrow_t", CALL_ID_DELETE_ARRAY, ALLOCATOR_CXX);
	expect_call("je_mallocx", CALL_ID_MALLOCX, ALLOCATOR_PREFIXED);
	expect_call("_rjem_sdallocx", CALL_ID_SDALLOCX, ALLOCATOR_PREFIXED);
	expect_call("tc_posix_memalign", CALL_ID_POSIX_MEMALIGN, ALLOCATOR_PREFIXED);
	expect_call("tc_newarray_nothrow", CALL_ID_NEW_ARRAY_NOTHROW, ALLOCATOR_PREFIXED);
	expect_call("mi_zalloc", CALL_ID_MALLOC, ALLOCATOR_PREFIXED);
	expect_call("mi_recalloc", CALL_ID_REALLOCARRAY, ALLOCATOR_PREFIXED);
	expect_call("__libc_memalign", CALL_ID_MEMALIGN, ALLOCATOR_LIBC);
}

static void allocators_symbol__whole_table__sorted_and_found(void **state)
{
	struct allocator_name name;
	const char *symbol;

	(void)state;
	assert_non_null(allocators_symbol(0));
	for (size_t i = 0; (symbol = allocators_symbol(i)); i++) {
		assert_true(i == 0 || strcmp(allocators_symbol(i - 1), symbol) < 0);
		assert_true(allocators_find(symbol, &name));
		assert_int_not_equal(name.call, CALL_ID_NONE);
	}
}

static void allocators_find__other_names__none(void **state)
{
	static const char *const others[] = {
		"",
		"mallo",
		"malloc_",
		"malloc_usable_size",
		"mi_heap_malloc",
		"mi_new_n",
		"je_",
		"je_mmap",
		"__libc__Znwm",
		"tc__Znwm",
		"_ZdlPvx",
		"nallocx",
		"strdup",
		"\xff",
	};
	struct allocator_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(allocators_find(others[i], &name));
		assert_int_equal(name.call, CALL_ID_NONE);
	}
}

static void allocators_kind__every_call__as_in_the_table(void **state)
{
	(void)state;
	assert_int_equal(allocators_kind(CALL_ID_DELETE), CALL_FREE);
	assert_int_equal(allocators_kind(CALL_ID_MODULES), CALL_MODULES);
	assert_int_equal(allocators_kind(CALL_ID_COUNT), CALL_NONE);
	assert_true(allocators_allocates(CALL_ID_POSIX_MEMALIGN));
	assert_false(allocators_allocates(CALL_ID_REALLOC));
}

/* Every function of the table that an installed allocator exports has known bounds. */
static bool check_bounds(void *context, const struct elf_symbol *symbol)
{
	struct elf_file *file = context;
	struct allocator_name name;
	uint64_t start, end;

	if (symbol->type != STT_FUNC || !allocators_find(symbol->name, &name))
		return true;
	assert_true(elf_file_is_code(file, symbol->address));
	assert_true(elf_file_function(file, symbol->address, &start, &end));
	assert_true(start <= symbol->address && symbol->address < end);
	assert_true(elf_file_frame(file, symbol->address, &start, &end));
	assert_true(start == symbol->address);
	return true;
}

/* Beside libc; not loaded, because an allocator takes over at once. */
static void check_installed(const char *name)
{
	char path[4200], *slash;
	struct elf_file *file;
	Dl_info info;
	int fd;

	assert_int_not_equal(dladdr((const void *)(uintptr_t)&gnu_get_libc_version, &info), 0);
	snprintf(path, 4096, "%s", info.dli_fname);
	slash = strrchr(path, '/');
	if (!slash)
		skip();
	snprintf(slash + 1, 64, "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	file = elf_file_open(fd);
	assert_non_null(file);
	elf_file_symbols(file, check_bounds, file);
	close_object(file, fd);
}

static void elf_file_function__libc__all_allocators_bounded(void **state)
{
	(void)state;
	check_installed("libc.so.6");
}

static void elf_file_function__tcmalloc__all_allocators_bounded(void **state)
{
	(void)state;
	check_installed("libtcmalloc_minimal.so.4");
}

static void elf_file_function__jemalloc__all_allocators_bounded(void **state)
{
	(void)state;
	check_installed("libjemalloc.so.2");
}

static void elf_file_function__mimalloc__all_allocators_bounded(void **state)
{
	(void)state;
	check_installed("libmimalloc.so.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_file_symbols__own_static_function__found_with_size),
		cmocka_unit_test(elf_file_symbols__malloc_in_libc__where_the_linker_says),
		cmocka_unit_test(elf_file_build_id__loaded_objects__as_in_memory),
		cmocka_unit_test(elf_file_stub__every_stub_of_libc__has_its_name),
		cmocka_unit_test(elf_file_bias__each_mapping_of_this_program__agrees),
		cmocka_unit_test(elf_file_open__not_elf__refused),
		cmocka_unit_test(elf_file__cut_at_many_lengths__no_harm),
		cmocka_unit_test(elf_file__random_damage__no_harm),
		cmocka_unit_test(elf_file__damaged_section_headers__no_harm),
		cmocka_unit_test(allocators_find__names_of_all_allocators__their_call),
		cmocka_unit_test(allocators_symbol__whole_table__sorted_and_found),
		cmocka_unit_test(allocators_find__other_names__none),
		cmocka_unit_test(allocators_kind__every_call__as_in_the_table),
		cmocka_unit_test(elf_file_function__libc__all_allocators_bounded),
		cmocka_unit_test(elf_file_function__tcmalloc__all_allocators_bounded),
		cmocka_unit_test(elf_file_function__jemalloc__all_allocators_bounded),
		cmocka_unit_test(elf_file_function__mimalloc__all_allocators_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
