/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/status and /proc/PID/smaps_rollup: lines "NAME: NUMBER kB". The name of the process stands in the first line of
 * status, with newlines escaped, so that no line can be forged by it.
 */
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "process.h"

#define TEXT_MAX 8192

/* Of the first line that begins with `name`, a colon included. */
static uint64_t find_bytes(const char *text, const char *name)
{
	size_t length = strlen(name);
	uint64_t kilobytes;

	for (; text && *text; text = strchr(text, '\n'), text += text != NULL) {
		if (strncmp(text, name, length) != 0)
			continue;
		if (sscanf(text + length, "%" SCNu64 " kB", &kilobytes) != 1 ||
		    kilobytes > UINT64_MAX >> 10)
			return MEMORY_UNKNOWN;
		return kilobytes << 10;
	}
	return MEMORY_UNKNOWN;
}

void memory_parse_status(const char *text, struct memory_use *use)
{
	*use = (struct memory_use){
		.size = find_bytes(text, "VmSize:"),
		.rss = find_bytes(text, "VmRSS:"),
		.anonymous = find_bytes(text, "RssAnon:"),
		.file = find_bytes(text, "RssFile:"),
		.shared = find_bytes(text, "RssShmem:"),
		.swap = find_bytes(text, "VmSwap:"),
		.pss = MEMORY_UNKNOWN,
	};
}

uint64_t memory_parse_pss(const char *text)
{
	return find_bytes(text, "Pss:");
}

int memory_read(pid_t pid, struct memory_use *use)
{
	char text[TEXT_MAX];
	ssize_t n = process_read_text(pid, "status", text, sizeof(text));

	memory_parse_status(n < 0 ? "" : text, use);
	if (n < 0)
		return (int)n;
	/* a process that is about to end has no memory any more */
	return use->rss == MEMORY_UNKNOWN ? -ESRCH : 0;
}

int memory_read_pss(pid_t pid, uint64_t *pss)
{
	char text[TEXT_MAX];
	ssize_t n = process_read_text(pid, "smaps_rollup", text, sizeof(text));

	*pss = n < 0 ? MEMORY_UNKNOWN : memory_parse_pss(text);
	if (n < 0)
		return (int)n;
	return *pss == MEMORY_UNKNOWN ? -ENODATA : 0;
}
