// SPDX-License-Identifier: GPL-2.0-or-later
#include "quiet.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link.h"

#define FILE_BYTES 4096

static int make(int idle_program, bool by_event)
{
	static const uint64_t offset = 0;
	int file = (int)syscall(SYS_memfd_create, "tracer-quiet", 1u /* MFD_CLOEXEC */), fd;
	char path[40];

	if (file < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (ftruncate(file, FILE_BYTES)) {
		fd = -errno;
	} else {
		fd = link_uprobe_multi(idle_program, ATTACH_UPROBE_MULTI, path, &offset, NULL, 1, 0,
				       getpid());
		if (fd < 0 && by_event)
			fd = link_uprobe_event(path, offset, false, getpid());
	}
	close(file);
	return fd;
}

int quiet_begin(int idle_program)
{
	return make(idle_program, true);
}

int quiet_again(int idle_program)
{
	return make(idle_program, false);
}
