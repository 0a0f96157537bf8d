/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process can have one ptrace parent only. Programs that want to be it (gdb, strace, ltrace) are
 * known by the function that they import, not by name; a static one by defining it.
 */
#include "debugger.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"

static bool no_import(void *context, const struct elf_relocation *relocation)
{
	bool *found = context;

	*found = relocation->name && !strcmp(relocation->name, "ptrace");
	return !*found;
}

static bool no_definition(void *context, const struct elf_symbol *symbol)
{
	bool *found = context;

	*found = !strcmp(symbol->name, "ptrace");
	return !*found;
}

bool debugger_is(pid_t pid)
{
	struct elf_file *elf;
	bool found = false;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	elf = elf_file_open(fd);
	if (elf) {
		elf_file_relocations(elf, no_import, &found);
		if (!found && !elf_file_has_interpreter(elf))
			elf_file_symbols(elf, no_definition, &found);
		elf_file_close(elf);
	}
	close(fd);
	return found;
}
