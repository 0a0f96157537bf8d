// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system calls behind attaching. Older libbpf has no API for uprobe_multi and sessions, and the
 * headers of older distributions do not name their fields, so the argument block is written out
 * here: it is the kernel's union bpf_attr, member link_create.uprobe_multi, whose layout is fixed.
 */
#include "link.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_BPF_LINK_CREATE 28
#define ATTACH_PERF_EVENT   41

struct link_create {
	uint32_t prog_fd, target_fd, attach_type, flags;
	union {
		struct {
			uint64_t path, offsets, ref_ctr_offsets, cookies;
			uint32_t count, flags, pid, pad;
		} multi;
		struct {
			uint64_t cookie;
		} perf;
	};
};

static int link_create(struct link_create *attr)
{
	int fd = (int)syscall(SYS_bpf, SYS_BPF_LINK_CREATE, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

int link_uprobe_multi(int prog_fd, uint32_t attach_type, const char *path, const uint64_t *offsets,
		      const uint64_t *cookies, size_t count, uint32_t flags, pid_t pid)
{
	struct link_create attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_fd = (uint32_t)prog_fd;
	attr.attach_type = attach_type;
	attr.multi.path = (uint64_t)(uintptr_t)path;
	attr.multi.offsets = (uint64_t)(uintptr_t)offsets;
	attr.multi.cookies = (uint64_t)(uintptr_t)cookies;
	attr.multi.count = (uint32_t)count;
	attr.multi.flags = flags;
	attr.multi.pid = (uint32_t)pid;
	return link_create(&attr);
}

/* The number behind `prefix` in a one-line file of sysfs. */
static int read_number(const char *path, const char *prefix)
{
	char line[64] = "";
	FILE *f = fopen(path, "re");
	bool read;

	if (!f)
		return -errno;
	read = fgets(line, sizeof(line), f) && !strncmp(line, prefix, strlen(prefix));
	fclose(f);
	return read ? (int)strtol(line + strlen(prefix), NULL, 10) : -EINVAL;
}

int link_uprobe_event(const char *path, uint64_t offset, bool at_return, pid_t pid)
{
	int type = read_number("/sys/bus/event_source/devices/uprobe/type", "");
	int bit = read_number("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:");
	struct perf_event_attr attr;
	int fd;

	if (type < 0 || bit < 0)
		return type < 0 ? type : bit;
	memset(&attr, 0, sizeof(attr));
	attr.size = sizeof(attr);
	attr.type = (uint32_t)type;
	attr.config = at_return ? 1ull << bit : 0;
	attr.uprobe_path = (uint64_t)(uintptr_t)path;
	attr.probe_offset = offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, pid, pid < 0 ? 0 : -1, -1,
			  PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int link_uprobe_perf(int prog_fd, const char *path, uint64_t offset, uint64_t cookie,
		     bool at_return, pid_t pid, int fds[2])
{
	struct link_create link;

	fds[1] = link_uprobe_event(path, offset, at_return, pid);
	if (fds[1] < 0)
		return fds[1];
	memset(&link, 0, sizeof(link));
	link.prog_fd = (uint32_t)prog_fd;
	link.target_fd = (uint32_t)fds[1];
	link.attach_type = ATTACH_PERF_EVENT;
	link.perf.cookie = cookie;
	fds[0] = link_create(&link);
	if (fds[0] < 0) {
		close(fds[1]);
		return fds[0];
	}
	if (ioctl(fds[1], PERF_EVENT_IOC_ENABLE, 0)) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	return 0;
}
