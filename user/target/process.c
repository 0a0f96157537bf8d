/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts about a process, all from /proc/PID: status, stat, exe, statm. Names come from the process
 * and may hold any byte. Nothing is kept between calls: what is returned was true when it was read,
 * and a pid together with its start time tells whether it is still the same process.
 */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../base/clock.h"
#include "../base/io.h"
#include "../base/xalloc.h"

#define PROCESS_TEXT_MAX   8192
#define PROCESS_PF_KTHREAD 0x00200000u

ssize_t process_read_text(pid_t pid, const char *file, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	n = io_read_text(path, out, size);
	return n == -ENOENT ? -ESRCH : n;
}

/* The kernel writes a newline in a name as "\n" and a backslash as "\\". */
static void parse_name(const char *value, char *out, size_t size)
{
	size_t length = 0;

	for (; *value && *value != '\n' && length < size - 1; value++) {
		char c = *value;

		if (c == '\\' && (value[1] == 'n' || value[1] == '\\')) {
			value++;
			c = *value == 'n' ? '\n' : '\\';
		}
		out[length++] = c;
	}
	out[length] = '\0';
}

static bool has_word(const char *value, const char *word)
{
	const char *end = strchrnul(value, '\n');
	const char *found = strstr(value, word);

	return found && found < end;
}

/* "outer inner innermost" */
static pid_t parse_last_number(const char *value)
{
	const char *end = strchrnul(value, '\n');

	while (end > value && !isspace((unsigned char)end[-1]))
		end--;
	return (pid_t)strtol(end, NULL, 10);
}

static void parse_status_line(const char *key, size_t key_length, const char *value,
			      struct process_info *info)
{
#define IS(name) (key_length == sizeof(name) - 1 && memcmp(key, name, key_length) == 0)
	if (IS("Name"))
		parse_name(value, info->comm, sizeof(info->comm));
	else if (IS("State"))
		info->zombie = *value == 'Z' || *value == 'X';
	else if (IS("Tgid"))
		info->tgid = (pid_t)strtol(value, NULL, 10);
	else if (IS("Pid"))
		info->pid = (pid_t)strtol(value, NULL, 10);
	else if (IS("NSpid"))
		info->inner_pid = parse_last_number(value);
	else if (IS("PPid"))
		info->parent = (pid_t)strtol(value, NULL, 10);
	else if (IS("TracerPid"))
		info->tracer = (pid_t)strtol(value, NULL, 10);
	else if (IS("Uid"))
		info->uid = (uid_t)strtoul(value, NULL, 10);
	else if (IS("Threads"))
		info->thread_count = (int)strtol(value, NULL, 10);
	else if (IS("Seccomp"))
		info->seccomp_filter = *value == '1' || *value == '2';
	else if (IS("Kthread"))
		info->kernel_thread = *value == '1';
	else if (IS("x86_Thread_features"))
		info->shadow_stack = has_word(value, "shstk");
#undef IS
}

void process_parse_status(const char *text, struct process_info *info)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		const char *colon = memchr(text, ':', (size_t)(end - text));

		if (colon) {
			const char *value = colon + 1;

			if (*value == '\t')
				value++;
			parse_status_line(text, (size_t)(colon - text), value, info);
		}
		text = *end ? end + 1 : end;
	}
	/* A group whose leader has exited shows Z and lives on in its other threads. */
	if (info->thread_count > 1)
		info->zombie = false;
}

/* Field `number` of /proc/PID/stat, counted from 1 as in proc(5); >= 3. The name may hold spaces
 * and ')'. */
static bool stat_field(const char *text, int number, uint64_t *value)
{
	const char *at = strrchr(text, ')');
	char *end;

	for (int field = 2; at && field < number; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	if (!at || !isdigit((unsigned char)*at))
		return false;
	errno = 0;
	*value = strtoull(at, &end, 10);
	return errno == 0 && end != at;
}

static bool exe_is_foreign(pid_t pid)
{
	unsigned char header[20];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = pread(fd, header, sizeof(header), 0);
	close(fd);
	if (n != (ssize_t)sizeof(header) || memcmp(header, ELFMAG, SELFMAG) != 0)
		return false;
	return header[EI_CLASS] != ELFCLASS64;
}

int process_read(pid_t pid, struct process_info *info)
{
	char text[PROCESS_TEXT_MAX];
	uint64_t flags = 0;
	ssize_t n;

	memset(info, 0, sizeof(*info));
	n = process_read_text(pid, "status", text, sizeof(text));
	if (n < 0)
		return (int)n;
	process_parse_status(text, info);
	n = process_read_text(pid, "stat", text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (stat_field(text, 9, &flags) && flags & PROCESS_PF_KTHREAD)
		info->kernel_thread = true;
	stat_field(text, 22, &info->start_ticks);
	if (!info->kernel_thread)
		info->is_32bit = exe_is_foreign(pid);
	return 0;
}

void process_exe_name(pid_t pid, char *out, size_t size)
{
	static const char deleted[] = " (deleted)";
	char path[64], target[PATH_MAX + 1];
	const char *base;
	ssize_t n;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	if ((size_t)n > sizeof(deleted) - 1 &&
	    strcmp(target + n - (sizeof(deleted) - 1), deleted) == 0)
		target[n - (ssize_t)(sizeof(deleted) - 1)] = '\0';
	base = strrchr(target, '/');
	snprintf(out, size, "%s", base ? base + 1 : target);
}

static bool has_name(pid_t pid, const char *name)
{
	char exe[PATH_MAX + 1];
	struct process_info info;

	if (pid == getpid() || process_read(pid, &info) || info.zombie)
		return false;
	if (strcmp(info.comm, name) == 0)
		return true;
	process_exe_name(pid, exe, sizeof(exe));
	return strcmp(exe, name) == 0;
}

int process_find_by_name(const char *name, pid_t **pids)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int count = 0;

	*pids = NULL;
	if (!dir)
		return -errno;
	while (*name && (entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end || pid <= 0 || pid > INT_MAX || !has_name((pid_t)pid, name))
			continue;
		*pids = xrealloc(*pids, ((size_t)count + 1) * sizeof(**pids));
		(*pids)[count++] = (pid_t)pid;
	}
	closedir(dir);
	return count;
}

uint64_t process_rss(pid_t pid)
{
	char text[256];
	unsigned long long pages;

	if (process_read_text(pid, "statm", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%*s %llu", &pages) != 1)
		return UINT64_MAX;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
