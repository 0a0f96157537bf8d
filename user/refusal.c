/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "target/process.h"

bool refusal_say(pid_t pid, const char *comm, const char *why)
{
	if (comm[0])
		log_error("cannot attach to process %d (%s): %s", (int)pid, comm, why);
	else
		log_error("cannot attach to process %d: %s", (int)pid, why);
	return false;
}

bool refusal_say_errno(pid_t pid, const char *comm, int err)
{
	switch (err) {
	case -ESRCH:
		return refusal_say(pid, comm, "no such process (it may have ended): see ps -e");
	case -EACCES:
	case -EPERM:
		return refusal_say(pid, comm, "permission denied: run as root (sudo tracer ...)");
	case -ENOEXEC:
		return refusal_say(
			pid, comm,
			"a 32-bit or foreign program: only 64-bit x86 programs can be traced");
	case -EINVAL:
		return refusal_say(pid, comm,
				   "it is a kernel thread and has no heap: choose a user process");
	default: return refusal_say(pid, comm, strerror(-err));
	}
}

void refusal_of(pid_t pid, int err)
{
	struct process_info info = {0};

	process_read(pid, &info);
	refusal_say_errno(pid, info.comm, err);
}

bool refusal_check(pid_t pid)
{
	struct process_info info = {0};
	char why[96];
	int err = process_read(pid, &info);

	if (err)
		return refusal_say_errno(pid, "", err);
	if (info.kernel_thread)
		return refusal_say_errno(pid, info.comm, -EINVAL);
	if (info.zombie)
		return refusal_say(
			pid, info.comm,
			"it has ended and waits for its parent: nothing is left to trace");
	if (info.tgid && info.tgid != pid) {
		snprintf(why, sizeof(why), "it is a thread: use the process, -p %d",
			 (int)info.tgid);
		return refusal_say(pid, info.comm, why);
	}
	if (pid == getpid())
		return refusal_say(pid, info.comm, "it is this tracer itself");
	return true;
}
