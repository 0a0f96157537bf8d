/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A return probe works by another return address on the stack. That is not good for everybody: a
 * shadow stack would see it and the processor would end the process (kernels before 6.11); the way
 * back into the kernel may be a system call that a seccomp filter kills (6.11 to 6.13); a module
 * that walks its own stack while it allocates (heap profilers) would see it end there. Then results
 * are taken by plain probes at the ret instructions.
 */
#include "returns.h"

#include <string.h>

#include "../base/log.h"
#include "../target/elf.h"
#include "../target/profiler.h"

enum return_rule returns_by_status(const struct process_info *info, bool survives,
				   const char **words)
{
	*words = "";
	if (info->shadow_stack) {
		*words = "it has a shadow stack";
		return RETURNS_FORBID;
	}
	if (info->seccomp_filter && !survives) {
		*words = "its seccomp filter would kill it there on this kernel";
		return RETURNS_FORBID;
	}
	return RETURNS_FREE;
}

struct imports {
	bool walks, may_walk;
};

static bool look_at_import(void *context, const struct elf_relocation *relocation)
{
	static const char *const walkers[] = {"backtrace", "unw_backtrace", "_ULx86_64_step",
					      "unw_step"};
	struct imports *imports = context;
	size_t i;

	if (!relocation->name)
		return true;
	for (i = 0; i < sizeof(walkers) / sizeof(walkers[0]); i++)
		imports->walks |= !strcmp(relocation->name, walkers[i]);
	/* jemalloc's and gperftools', used only when their profilers are on */
	imports->may_walk |= !strcmp(relocation->name, "_Unwind_Backtrace");
	return !imports->walks;
}

static bool module_walks(pid_t pid, const struct target_module *m)
{
	struct elf_file *elf = elf_file_open(m->fd);
	struct imports imports = {0};

	if (!elf)
		return false;
	elf_file_relocations(elf, look_at_import, &imports);
	elf_file_close(elf);
	return imports.walks || (imports.may_walk && profiler_may_run(pid));
}

enum return_rule returns_rule(struct loader *loader, pid_t pid, const struct target_module *m,
			      bool known)
{
	struct process_info info = {0};
	enum return_rule rule;
	const char *words;

	if (process_read(pid, &info))
		return RETURNS_FREE;
	rule = returns_by_status(&info, !info.seccomp_filter || loader_survives_seccomp(loader),
				 &words);
	if (rule == RETURNS_FORBID) {
		if (known)
			log_verbose("process %d gets no return probes: %s", (int)pid, words);
		else
			log_warn("process %d gets no return probes, so that tracing costs more: %s",
				 (int)pid, words);
		return rule;
	}
	if (!module_walks(pid, m))
		return RETURNS_FREE;
	log_verbose("'%s' walks its own stack: its functions get no return probes", m->path);
	return RETURNS_AVOID;
}
