/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Empty programs where the tracer's would be, attached in its way (a session where the return is
 * probed, too): what the kernel takes for the traps alone. stdin has a line for each place, up to
 * the line "go":
 *   PID entry|both OFFSET FILE     OFFSET in the file, hexadecimal; both: the return is probed, too
 * All places of one process, file and kind share a link, as those of the tracer do. Says "ready" and waits for the end
 * of stdin.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/probe/link.h"

#define GROUPS	64
#define OFFSETS 128

struct group {
	pid_t pid;
	int entry_only;
	char file[256];
	uint64_t offsets[OFFSETS], cookies[OFFSETS];
	size_t count;
};

static struct group groups[GROUPS];

static int load(uint32_t type)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = (enum bpf_attach_type)type);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "GPL", code, 2, &options);
}

static struct group *group_get(pid_t pid, int entry_only, const char *file)
{
	for (int i = 0; i < GROUPS; i++) {
		struct group *g = &groups[i];

		if (!g->pid) {
			g->pid = pid;
			g->entry_only = entry_only;
			snprintf(g->file, sizeof(g->file), "%s", file);
		}
		if (g->pid == pid && g->entry_only == entry_only && strcmp(g->file, file) == 0)
			return g;
	}
	return NULL;
}

static int add(const char *line)
{
	char kind[8], file[256];
	struct group *g;
	uint64_t offset;
	int pid;

	if (sscanf(line, "%d %7s %lx %255s", &pid, kind, &offset, file) != 4)
		return -EINVAL;
	g = group_get(pid, strcmp(kind, "entry") == 0, file);
	if (!g || g->count == OFFSETS)
		return -E2BIG;
	g->offsets[g->count++] = offset;
	return 0;
}

static int attach(struct group *g)
{
	uint32_t type = g->entry_only ? ATTACH_UPROBE_MULTI : ATTACH_UPROBE_SESSION;
	int program = load(type), err;

	err = program < 0 ? program
			  : link_uprobe_multi(program, type, g->file, g->offsets, g->cookies,
					      g->count, 0, g->pid);
	if (err < 0)
		fprintf(stderr, "cannot attach to '%s' in process %d: %s\n", g->file, g->pid,
			strerror(-err));
	return err;
}

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin) && strcmp(line, "go\n") != 0) {
		if (add(line) < 0) {
			fprintf(stderr, "not a place, or too many: %s", line);
			return 2;
		}
	}
	for (int i = 0; i < GROUPS && groups[i].pid; i++)
		if (attach(&groups[i]) < 0)
			return 1;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
