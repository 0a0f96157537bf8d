/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor PID: empty programs where the tracer's would be and attached in the same way, the best that the kernel has: what it
 * takes for the traps alone. Lines on stdin say where, "KIND OFFSET FILE" with KIND
 *   both     the function's entry and its return
 *   entry    its entry alone
 * and an empty line ends them. Says "ready METHOD" and waits for the end of stdin.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/probe/link.h"

#define MAX_PLACES 1024

struct place {
	char kind[8];
	uint64_t at;
	char file[PATH_MAX];
};

static struct place places[MAX_PLACES];
static size_t place_count;

/* In a session, result 1: the return is not probed. */
static int load(int result, uint32_t attach_type)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "GPL", code, 2, &options);
}

/* One link for a run of places of the same file and kind, as the tracer has. */
static int attach_run(uint32_t type, int program, size_t first, size_t count, uint32_t flags,
		      pid_t pid)
{
	static uint64_t at[MAX_PLACES], cookies[MAX_PLACES];
	size_t i;

	for (i = 0; i < count; i++)
		at[i] = places[first + i].at;
	return link_uprobe_multi(program, type, places[first].file, at, cookies, count, flags, pid);
}

static int attach_session(size_t first, size_t count, bool both, pid_t pid)
{
	int program = load(!both, ATTACH_UPROBE_SESSION);

	return program < 0 ? program
			   : attach_run(ATTACH_UPROBE_SESSION, program, first, count, 0, pid);
}

static int attach_multi(size_t first, size_t count, bool both, pid_t pid)
{
	int program = load(0, ATTACH_UPROBE_MULTI);
	int link = program < 0 ? program
			       : attach_run(ATTACH_UPROBE_MULTI, program, first, count, 0, pid);

	return link >= 0 && both
		       ? attach_run(ATTACH_UPROBE_MULTI, program, first, count, LINK_RETURN, pid)
		       : link;
}

static int attach_perf(size_t first, size_t count, bool both, pid_t pid)
{
	int program = load(0, 0), fds[2], result = program;
	size_t i;

	for (i = first; result >= 0 && i < first + count; i++) {
		result =
			link_uprobe_perf(program, places[i].file, places[i].at, 0, false, pid, fds);
		if (result >= 0 && both)
			result = link_uprobe_perf(program, places[i].file, places[i].at, 0, true,
						  pid, fds);
	}
	return result;
}

static const struct {
	const char *name;
	int (*attach)(size_t first, size_t count, bool both, pid_t pid);
} methods[] = {
	{"session", attach_session},
	{"multi", attach_multi},
	{"perf", attach_perf},
};

static bool alike(const struct place *a, const struct place *b)
{
	return !strcmp(a->kind, b->kind) && !strcmp(a->file, b->file);
}

static int attach_all(size_t method, pid_t pid)
{
	size_t first, next;
	int result = 0;

	for (first = 0; result >= 0 && first < place_count; first = next) {
		next = first + 1;
		while (next < place_count && alike(&places[first], &places[next]))
			next++;
		result = methods[method].attach(first, next - first,
						!strcmp(places[first].kind, "both"), pid);
	}
	return result;
}

static void read_places(void)
{
	static char line[PATH_MAX + 64];
	struct place *p;

	while (fgets(line, sizeof(line), stdin) && line[0] != '\n' && place_count < MAX_PLACES) {
		p = &places[place_count];
		if (sscanf(line, "%7s %lx %4095[^\n]", p->kind, &p->at, p->file) == 3)
			place_count++;
	}
}

int main(int argc, char **argv)
{
	size_t method;
	int result = -EINVAL;

	if (argc != 2)
		return 2;
	read_places();
	for (method = 0; method < sizeof(methods) / sizeof(methods[0]); method++) {
		result = attach_all(method, atoi(argv[1]));
		if (result >= 0)
			break;
	}
	if (result < 0 || !place_count) {
		fprintf(stderr, "cannot attach: %s\n", strerror(-result));
		return 1;
	}
	printf("ready %s\n", methods[method].name);
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
