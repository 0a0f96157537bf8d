/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links from places in files to BPF programs, in the three ways that kernels offer. Closing the
 * descriptor detaches. Any thread.
 */
#ifndef PROBE_LINK_H
#define PROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* enum bpf_attach_type of newer kernels; the numbers are the system call's. */
#define ATTACH_UPROBE_MULTI   48 /* Linux 6.6 */
#define ATTACH_UPROBE_SESSION 57 /* Linux 6.13 */

#define LINK_RETURN 1u /* uprobe_multi: at the return of the function */

/*
 * Attaches program prog_fd to `count` places of the file at `path` for the process `pid` (0: every
 * process). A file descriptor or -errno.
 */
int link_uprobe_multi(int prog_fd, uint32_t attach_type, const char *path, const uint64_t *offsets,
		      const uint64_t *cookies, size_t count, uint32_t flags, pid_t pid);
/* A perf event at a place, without a program. A file descriptor or -errno. */
int link_uprobe_event(const char *path, uint64_t offset, bool at_return, pid_t pid);
/*
 * One place by perf event, Linux 5.15. fds[0] is the BPF link, fds[1] the event; 0 or -errno. pid <
 * 0 is every process.
 */
int link_uprobe_perf(int prog_fd, const char *path, uint64_t offset, uint64_t cookie,
		     bool at_return, pid_t pid, int fds[2]);

#endif /* PROBE_LINK_H */
