/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor PID LIBRARY MALLOC FREE [entries]: empty programs where the tracer's would be (uprobe sessions), at these file
 * offsets: what the kernel takes for the traps alone. Says "ready" and waits for the end of stdin. With "entries" malloc's
 * return is not probed.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/probe/link.h"

#define ATTACH_UPROBE_SESSION 57

/* result 1: the return is not probed. */
static int load(int result)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = ATTACH_UPROBE_SESSION);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "floor", "GPL", code, 2, &options);
}

static int attach(const char *library, const char *offset, int result, pid_t pid)
{
	uint64_t at = strtoull(offset, NULL, 0), cookie = 0;
	int program = load(result);

	return program < 0 ? program
			   : link_uprobe_multi(program, ATTACH_UPROBE_SESSION, library, &at,
					       &cookie, 1, 0, pid);
}

int main(int argc, char **argv)
{
	pid_t pid;
	char c;

	if (argc < 5)
		return 2;
	pid = atoi(argv[1]);
	if (attach(argv[2], argv[3], argc > 5, pid) < 0 || attach(argv[2], argv[4], 1, pid) < 0) {
		fprintf(stderr, "cannot attach: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
