/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the list of files that a process has mapped executable. Input: /proc/PID/maps, auxv and the
 * linker's list in the process's memory. A file is opened through the mapping itself (map_files),
 * so that deleted files, replaced files and other mount namespaces make no difference; without the
 * rights for that by its path below the process's root, and then only when the inode is the mapped
 * one. Invariant: (device, inode) occurs once; `order` holds each index once.
 */
#include "files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/log.h"
#include "../base/xalloc.h"
#include "elf.h"
#include "link_map.h"
#include "maps.h"

#define FILES_MAX    2048
#define MAPPINGS_MAX (1u << 20)
#define NOT_FOUND    SIZE_MAX

static size_t find_file(const struct files *files, const struct maps_entry *entry, size_t hint)
{
	if (hint < files->count && files->data[hint].inode == entry->inode &&
	    files->data[hint].device == entry->device)
		return hint;
	for (size_t i = 0; i < files->count; i++) {
		if (files->data[i].inode == entry->inode && files->data[i].device == entry->device)
			return i;
	}
	return NOT_FOUND;
}

static size_t add_file(struct files *files, const struct maps_entry *entry)
{
	struct mapped_file *file;

	if (files->count == FILES_MAX)
		return NOT_FOUND;
	if ((files->count & (files->count - 1)) == 0)
		files->data = xrealloc(files->data, (files->count ? files->count * 2 : 1) *
							    sizeof(*files->data));
	file = &files->data[files->count];
	memset(file, 0, sizeof(*file));
	file->path = xstrdup(entry->path);
	file->device = entry->device;
	file->inode = entry->inode;
	file->deleted = entry->deleted;
	file->start = entry->start;
	file->end = entry->end;
	file->offset = entry->offset;
	file->fd = -1;
	return files->count++;
}

static void add_mapping(struct files *files, const struct maps_entry *entry, size_t file)
{
	size_t n = files->mapping_count;

	if (n == MAPPINGS_MAX)
		return;
	if ((n & (n - 1)) == 0)
		files->mappings =
			xrealloc(files->mappings, (n ? n * 2 : 1) * sizeof(*files->mappings));
	files->mappings[files->mapping_count++] =
		(struct file_mapping){entry->start, entry->end, file, entry->execute};
}

static int load_maps(struct files *files)
{
	struct maps_entry entry;
	struct maps maps;
	size_t file = NOT_FOUND;
	int err = maps_open(&maps, files->pid);

	if (err)
		goto out;
	while (maps_next(&maps, &entry)) {
		if (entry.execute && maps_is_file(&entry) &&
		    find_file(files, &entry, file) == NOT_FOUND)
			file = add_file(files, &entry);
	}
	/* Data comes before code in memory: what belongs to a known file is known only now. */
	maps.at = 0;
	file = NOT_FOUND;
	while (maps_next(&maps, &entry)) {
		if (!maps_is_file(&entry))
			continue;
		file = find_file(files, &entry, file);
		if (file != NOT_FOUND)
			add_mapping(files, &entry, file);
	}
out:
	maps_close(&maps);
	return err;
}

const struct file_mapping *files_find(const struct files *files, uint64_t address)
{
	size_t low = 0, high = files->mapping_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct file_mapping *mapping = &files->mappings[middle];

		if (address < mapping->start)
			high = middle;
		else if (address >= mapping->end)
			low = middle + 1;
		else
			return mapping;
	}
	return NULL;
}

/* Marks the program and its interpreter by what the kernel told the process at its start. */
static void read_auxv(struct files *files)
{
	Elf64_auxv_t vector[64];
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", files->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, vector, sizeof(vector));
	close(fd);
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(vector[0]); i++) {
		const struct file_mapping *mapping = files_find(files, vector[i].a_un.a_val);

		if (!mapping)
			continue;
		if (vector[i].a_type == AT_ENTRY)
			files->data[mapping->file].is_executable = true;
		else if (vector[i].a_type == AT_BASE)
			files->data[mapping->file].is_linker = true;
	}
}

/* Opening anything but a regular file may block or have effects: look first. */
static int open_regular(const char *path, ino_t inode)
{
	struct stat status;
	int fd;

	if (stat(path, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || (inode && status.st_ino != inode))
		return -ESTALE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || (inode && status.st_ino != inode)) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

static int open_by_path(struct files *files, struct mapped_file *file)
{
	char path[PATH_MAX + 64];
	int fd, length;

	length = snprintf(path, sizeof(path), "/proc/%d/root%s", files->pid, file->path);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open_regular(path, file->inode);
	if (fd < 0)
		return fd;
	if ((size_t)length < sizeof(file->open_path))
		memcpy(file->open_path, path, (size_t)length + 1);
	else
		snprintf(file->open_path, sizeof(file->open_path), "/proc/self/fd/%d", fd);
	return fd;
}

static int open_file(struct files *files, struct mapped_file *file)
{
	int fd, err;

	snprintf(file->open_path, sizeof(file->open_path), "/proc/%d/map_files/%llx-%llx",
		 files->pid, (unsigned long long)file->start, (unsigned long long)file->end);
	err = open_regular(file->open_path, 0);
	if (err >= 0)
		return err;
	if (file->is_executable) {
		snprintf(file->open_path, sizeof(file->open_path), "/proc/%d/exe", files->pid);
		fd = open_regular(file->open_path, 0);
		if (fd >= 0)
			return fd;
	}
	fd = open_by_path(files, file);
	return fd == -ENOENT || fd == -ESTALE ? err : fd;
}

int files_open(struct files *files, struct mapped_file *file)
{
	int fd;

	if (file->elf)
		return 0;
	files_close(file);
	fd = open_file(files, file);
	if (fd < 0)
		return fd;
	file->fd = fd;
	file->elf = elf_file_open(fd);
	if (!file->elf || !elf_file_bias(file->elf, file->start, file->offset, &file->bias)) {
		files_close(file);
		return -ENOEXEC;
	}
	return 0;
}

void files_close(struct mapped_file *file)
{
	elf_file_close(file->elf);
	file->elf = NULL;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static struct mapped_file *find_role(struct files *files, bool linker)
{
	for (size_t i = 0; i < files->count; i++) {
		if (linker ? files->data[i].is_linker : files->data[i].is_executable)
			return &files->data[i];
	}
	return NULL;
}

static bool is_debug_symbol(void *context, const struct elf_symbol *symbol)
{
	if (strcmp(symbol->name, "_r_debug") != 0)
		return true;
	*(uint64_t *)context = symbol->address;
	return false;
}

/*
 * r_debug by the program's DT_DEBUG; by the linker's own symbol when the program was started as an
 * argument of the linker (then the kernel knows only the linker).
 */
static uint64_t find_debug(struct files *files)
{
	struct mapped_file *program = find_role(files, false), *linker = find_role(files, true);
	uint64_t dynamic, size, symbol = 0, found = 0;

	if (program && files_open(files, program) == 0) {
		dynamic = elf_file_dynamic(program->elf, &size);
		if (dynamic)
			found = link_map_find(files->memory, dynamic + program->bias, size);
		if (!linker && elf_file_has_interpreter(program->elf))
			return found;
	}
	if (!found && !linker)
		linker = program;
	if (!found && linker && files_open(files, linker) == 0) {
		elf_file_symbols(linker->elf, is_debug_symbol, &symbol);
		if (symbol)
			found = symbol + linker->bias;
	}
	return found;
}

struct ordering {
	struct files *files;
	bool *placed;
	size_t count;
};

static void place(struct ordering *ordering, size_t file)
{
	if (ordering->placed[file])
		return;
	ordering->placed[file] = true;
	ordering->files->order[ordering->count++] = file;
}

/*
 * When the linker was started as a program, the kernel names it as the program: the list knows
 * better. In a static program both are one file, and the first of the list too.
 */
static void set_roles(struct files *files, const struct ordering *ordering)
{
	const struct file_mapping *notice = files_find(files, files->notice);

	if (!notice)
		return;
	files->data[notice->file].is_linker = true;
	if (!files->data[notice->file].is_executable || ordering->count == 0)
		return;
	files->data[notice->file].is_executable = false;
	files->data[files->order[0]].is_executable = true;
}

static void place_linked(struct ordering *ordering)
{
	struct files *files = ordering->files;
	struct link_map_list list = {0};
	uint64_t debug = find_debug(files);

	if (debug && link_map_read(files->memory, debug, &list)) {
		files->notice = list.notice;
		for (size_t i = 0; i < list.count; i++) {
			const struct file_mapping *mapping = files_find(files, list.dynamics[i]);

			if (mapping)
				place(ordering, mapping->file);
		}
		set_roles(files, ordering);
	} else {
		log_verbose("no list of modules in process %d: order of mapping is used",
			    files->pid);
	}
	link_map_done(&list);
}

static void find_order(struct files *files)
{
	struct ordering ordering = {.files = files};

	files->order = xcalloc(files->count + 1, sizeof(*files->order));
	ordering.placed = xcalloc(files->count + 1, sizeof(*ordering.placed));
	place_linked(&ordering);
	if (ordering.count == 0) {
		for (size_t i = 0; i < files->count; i++) {
			if (files->data[i].is_executable)
				place(&ordering, i);
		}
	}
	for (size_t i = 0; i < files->count; i++) {
		if (!files->data[i].is_linker)
			place(&ordering, i);
	}
	for (size_t i = 0; i < files->count; i++)
		place(&ordering, i);
	free(ordering.placed);
}

int files_load(struct files *files, pid_t pid)
{
	char path[32];
	int err;

	memset(files, 0, sizeof(*files));
	files->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	files->memory = open(path, O_RDONLY | O_CLOEXEC);
	err = load_maps(files);
	if (err)
		return err;
	read_auxv(files);
	find_order(files);
	return 0;
}

void files_done(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		files_close(&files->data[i]);
		free(files->data[i].path);
	}
	free(files->data);
	free(files->mappings);
	free(files->order);
	if (files->memory >= 0)
		close(files->memory);
	memset(files, 0, sizeof(*files));
	files->memory = -1;
}
