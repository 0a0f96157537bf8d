// SPDX-License-Identifier: GPL-2.0-or-later
#include "own_offset.h"

#include <errno.h>
#include <stdio.h>

int own_offset(uintptr_t address, uint64_t *offset)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, file_offset;
	char line[512];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &file_offset) != 3)
			continue;
		if (address < start || address >= end)
			continue;
		*offset = address - start + file_offset;
		err = 0;
	}
	fclose(f);
	return err;
}
