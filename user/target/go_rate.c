/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only thing that is ever written in a traced process: 8 bytes, runtime.MemProfileRate, when the user asks for it. The runtime looks at
 * it at each allocation. It is written only when it lies in private data of the process that can be written, and has the value that is
 * expected there; it is read again afterwards.
 *
 * Of the two values, 0 and GO_PROFILE_RATE, only one byte differs: whoever reads it meanwhile sees one or the other, however the
 * kernel copies it.
 *
 * The descriptor is that of the memory that was there when it was opened: while the older one of the reader can be read, that is the
 * program which was looked at. After an exec both give nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "go_private.h"
#include "go_profile.h"
#include "link_map.h"
#include "maps.h"

_Static_assert(GO_PROFILE_RATE == 1u << 19, "one byte is not 0");

static bool is_private_data(pid_t pid, uint64_t address)
{
	struct maps maps;
	struct maps_entry e;
	bool good = false;

	if (!maps_open(&maps, pid)) {
		while (maps_next(&maps, &e)) {
			if (address >= e.start && address < e.end)
				good = e.read && e.write && !e.execute && !e.shared;
		}
	}
	maps_close(&maps);
	return good;
}

int go_rate_open(const struct go_runtime *r)
{
	uint64_t address = r->at[GO_SYMBOL_MEM_PROFILE_RATE], rate;
	char path[32];
	int fd, err;

	if (!go_runtime_has_profile(r))
		return -ENOENT;
	if (address % sizeof(rate) || !is_private_data(r->pid, address))
		return -EFAULT;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)r->pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		return err;
	}
	if (link_map_read_memory(r->memory, address, &rate, sizeof(rate)))
		return fd;
	close(fd);
	return -ESRCH;
}

int go_rate_exchange(const struct go_runtime *r, int fd, uint64_t from, uint64_t to)
{
	uint64_t address = r->at[GO_SYMBOL_MEM_PROFILE_RATE], now;
	ssize_t n;

	if (!link_map_read_memory(fd, address, &now, sizeof(now)))
		return -ESRCH;
	if (now != from)
		return -EBUSY;
	n = pwrite(fd, &to, sizeof(to), (off_t)address);
	if (n != sizeof(to))
		return n < 0 ? -errno : -ESRCH;
	return link_map_read_memory(fd, address, &now, sizeof(now)) && now == to ? 0 : -EIO;
}
