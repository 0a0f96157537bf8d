/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about a process, from /proc. Any thread. */
#ifndef TARGET_PROCESS_H
#define TARGET_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_info {
	pid_t pid, tgid, parent;
	pid_t inner_pid; /* as the process itself sees it, in its pid namespace */
	char comm[16];
	uint64_t start_ticks; /* with pid: identity over time */
	uid_t uid;
	bool kernel_thread, zombie;
	bool is_32bit;
	int thread_count;
	bool seccomp_filter; /* Seccomp: 2 (or 1) */
	bool shadow_stack;   /* x86_Thread_features: shstk */
	pid_t tracer;	     /* TracerPid */
};

/* Reads a small file of /proc/PID and puts a NUL behind it. Length or -errno, -ESRCH when the process is gone. */
ssize_t process_read_text(pid_t pid, const char *file, char *out, size_t size);
/* 0 or -errno (-ESRCH). */
int process_read(pid_t pid, struct process_info *info);
/* Parses the text of /proc/PID/status into the fields that it has; for tests. */
void process_parse_status(const char *text, struct process_info *info);
/* The executable's base name into out ("" when unknown). */
void process_exe_name(pid_t pid, char *out, size_t size);
/* All processes whose comm or executable's base name is exactly `name`; *pids from malloc. Count or
 * -errno. */
int process_find_by_name(const char *name, pid_t **pids);
/* Resident bytes from /proc/PID/statm, UINT64_MAX when unknown. */
uint64_t process_rss(pid_t pid);
/* Processor time of all threads of the process, as exact as the scheduler keeps it. 0: it is gone. */
uint64_t process_cpu_ns(pid_t pid);

#endif /* TARGET_PROCESS_H */
