/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of which a process executes code: each once, in the order in which the dynamic linker
 * looks symbols up. One thread at a time.
 */
#ifndef TARGET_FILES_H
#define TARGET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_file;

struct mapped_file {
	char *path; /* as the process sees it; owned */
	dev_t device;
	ino_t inode;
	bool deleted;
	uint64_t start, end, offset; /* the first executable mapping */
	bool is_executable;	     /* the program itself */
	bool is_linker;		     /* the program's interpreter */

	/* While open: */
	char open_path[64];
	int fd;		      /* -1: closed */
	struct elf_file *elf; /* NULL: closed, or not an ELF file of ours */
	uint64_t bias;
};

struct file_mapping {
	uint64_t start, end;
	size_t file; /* index into files->data */
	bool execute;
};

struct files {
	pid_t pid;
	int memory; /* /proc/PID/mem, -1: no access */
	struct mapped_file *data;
	size_t count;
	struct file_mapping *mappings; /* of these files, by address */
	size_t mapping_count;
	size_t *order;	 /* indexes into data, order of lookup */
	uint64_t notice; /* the linker's r_brk in memory, 0: unknown */
};

/* 0 or -errno; call files_done in any case. */
int files_load(struct files *files, pid_t pid);
void files_done(struct files *files);
/* Opens the file and its ELF reader; a second call does nothing. -ENOEXEC when it is not an ELF
 * file for x86-64. */
int files_open(struct files *files, struct mapped_file *file);
void files_close(struct mapped_file *file);
/* The mapping around an address in memory, NULL when no file of ours is there. */
const struct file_mapping *files_find(const struct files *files, uint64_t address);

#endif /* TARGET_FILES_H */
