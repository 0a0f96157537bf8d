/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jemalloc takes its options from `malloc_conf` of the program, from the text of a link in /etc and
 * from the environment; gperftools from the environment. A program that sets its title writes over
 * the environment that it was started with, which is what /proc/PID/environ shows; its variables
 * are then where `environ` leads. Whether a source is used is not asked: one that says `on` is
 * enough, since being wrong costs time only.
 *
 * The memory belongs to a running, possibly hostile process. Invariant: of each variable at most
 * VARIABLES_MAX strings of STRING_MAX bytes are read, and of at most SYMBOLS_MAX variables.
 */
#include "profiler.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/xalloc.h"
#include "elf.h"
#include "files.h"
#include "link_map.h"
#include "mapped_file.h"

#define ENVIRONMENT_MAX (256u << 10)
#define VARIABLES_MAX	4096u
#define STRING_MAX	4096u
#define SYMBOLS_MAX	32u
#define PAGE		4096u

/* ---- texts ---- */

bool profiler_by_options(const char *text, size_t size)
{
	static const char *const words[] = {"prof:true", "prof_leak:true"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (memmem(text, size, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

static bool begins(const char *text, size_t size, const char *start)
{
	return size >= strlen(start) && !memcmp(text, start, strlen(start));
}

/* jemalloc's variable has as many names as there are prefixes of it. */
static enum profiler_told by_variable(const char *text, size_t size)
{
	const char *end = memchr(text, '=', size);

	if (!end || end == text)
		return PROFILER_NOT_TOLD;
	for (const char *c = text; c < end; c++) {
		if (*c <= ' ')
			return PROFILER_NOT_TOLD;
	}
	if (begins(text, size, "HEAPPROFILE=") || begins(text, size, "HEAPCHECK=") ||
	    begins(text, size, "TCMALLOC_SAMPLE_PARAMETER="))
		return PROFILER_ON;
	return profiler_by_options(end, (size_t)(text + size - end)) ? PROFILER_ON : PROFILER_OFF;
}

enum profiler_told profiler_by_environment(const char *text, size_t size)
{
	enum profiler_told all = PROFILER_OFF;

	for (size_t at = 0; at < size;) {
		size_t length = strnlen(text + at, size - at);
		enum profiler_told told = by_variable(text + at, length);

		if (told == PROFILER_ON)
			return PROFILER_ON;
		if (told == PROFILER_NOT_TOLD)
			all = PROFILER_NOT_TOLD;
		at += length + 1;
	}
	return all;
}

/* ---- where they are ---- */

static enum profiler_told by_start(pid_t pid)
{
	enum profiler_told told = PROFILER_NOT_TOLD;
	char *text = xcalloc(1, ENVIRONMENT_MAX);
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, ENVIRONMENT_MAX);
		close(fd);
		if (n >= 0)
			told = profiler_by_environment(text, (size_t)n);
		if (n == ENVIRONMENT_MAX && told == PROFILER_OFF)
			told = PROFILER_NOT_TOLD;
	}
	free(text);
	return told;
}

static bool by_link(pid_t pid)
{
	static const char *const links[] = {"etc/malloc.conf", "etc/je_malloc.conf",
					    "etc/_rjem_malloc.conf"};
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int root = mapped_file_open_root(pid);
	char text[STRING_MAX];
	bool on = false;

	for (size_t i = 0; root >= 0 && !on && i < sizeof(links) / sizeof(links[0]); i++) {
		long place = syscall(SYS_openat2, root, links[i], &how, sizeof(how));
		ssize_t n = place < 0 ? -1 : readlinkat((int)place, "", text, sizeof(text));

		on = n > 0 && profiler_by_options(text, (size_t)n);
		if (place >= 0)
			close((int)place);
	}
	if (root >= 0)
		close(root);
	return on;
}

struct search {
	int memory;
	struct elf_file *elf;
	uint64_t bias;
	unsigned int symbols;
	bool on;
	bool environment; /* a whole one was read */
};

/* What of the string can be read; its length. */
static size_t read_string(int memory, uint64_t address, char out[STRING_MAX])
{
	size_t n = 0;

	while (n < STRING_MAX) {
		size_t part = PAGE - (size_t)((address + n) % PAGE), length;

		if (part > STRING_MAX - n)
			part = STRING_MAX - n;
		if (!link_map_read_memory(memory, address + n, out + n, part))
			break;
		length = strnlen(out + n, part);
		n += length;
		if (length < part)
			break;
	}
	return n;
}

static void look_at_environment(struct search *search, uint64_t at)
{
	char text[STRING_MAX];
	uint64_t string;

	for (unsigned int i = 0; i < VARIABLES_MAX; i++, at += sizeof(string)) {
		if (!link_map_read_memory(search->memory, at, &string, sizeof(string)))
			return;
		if (!string) {
			search->environment |= i > 0;
			return;
		}
		if (by_variable(text, read_string(search->memory, string, text)) == PROFILER_ON) {
			search->on = true;
			return;
		}
	}
}

struct word {
	uint64_t slot, value;
};

static bool not_the_word(void *context, const struct elf_relocation *relocation)
{
	struct word *word = context;

	if (relocation->slot != word->slot || relocation->type != R_X86_64_RELATIVE)
		return true;
	word->value = relocation->addend;
	return false;
}

/* Before the dynamic linker has run, the pointer is an address in the file, or that is still to be written. */
static void look_at_options(struct search *search, uint64_t symbol, uint64_t at)
{
	struct word word = {symbol, at};
	char text[STRING_MAX];
	ssize_t n;

	search->on |= profiler_by_options(text, read_string(search->memory, at, text));
	if (!at)
		elf_file_relocations(search->elf, not_the_word, &word);
	n = word.value ? elf_file_read(search->elf, word.value, text, sizeof(text)) : 0;
	search->on |= n > 0 && profiler_by_options(text, strnlen(text, (size_t)n));
}

static bool ends(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length >= strlen(end) && !strcmp(name + length - strlen(end), end);
}

static bool look_at_symbol(void *context, const struct elf_symbol *symbol)
{
	struct search *search = context;
	uint64_t address = search->bias + symbol->address, value = 0;
	bool state = ends(symbol->name, "opt_prof"); /* jemalloc's own, where names are kept */
	bool options = strstr(symbol->name, "malloc_conf"), environment;

	environment = !strcmp(symbol->name, "environ") || !strcmp(symbol->name, "__environ");
	/* with a dot: the compiler's own, about a variable of that name */
	if (symbol->type != STT_OBJECT || !(state || options || environment) ||
	    strchr(symbol->name, '.'))
		return true;
	if (search->symbols++ == SYMBOLS_MAX)
		return false;
	if (!link_map_read_memory(search->memory, address, &value, state ? 1 : sizeof(value)))
		return true;
	if (state)
		search->on |= value != 0;
	else if (options)
		look_at_options(search, symbol->address, value);
	else if (environment && value)
		look_at_environment(search, value);
	return !search->on;
}

/* A variable may be the program's, a library's, or a library's that the program has a copy of. */
static bool by_memory(pid_t pid, bool *environment)
{
	struct search search = {0};
	struct files files;

	if (!files_load(&files, pid)) {
		search.memory = files.memory;
		for (size_t i = 0; !search.on && i < files.count; i++) {
			struct mapped_file *file = &files.data[files.order[i]];

			if (files_open(&files, file))
				continue;
			search.bias = file->bias;
			search.elf = file->elf;
			elf_file_symbols(file->elf, look_at_symbol, &search);
			files_close(file);
		}
	}
	files_done(&files);
	*environment = search.environment;
	return search.on;
}

bool profiler_may_run(pid_t pid)
{
	enum profiler_told start = by_start(pid);
	bool now;

	if (start == PROFILER_ON || by_link(pid) || by_memory(pid, &now))
		return true;
	if (start == PROFILER_OFF || now)
		return false;
	log_verbose("process %d: its environment is not to be found; its allocator may keep a "
		    "profile",
		    (int)pid);
	return true;
}
