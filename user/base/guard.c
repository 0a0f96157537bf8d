/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapped file saves memory: of a debug binary of a gigabyte only the pages in use are resident, and
 * the kernel can take them back. But an access behind the new end of a file that was truncated is
 * SIGBUS. Here it gets a page of zeros instead, for good: the parser sees damaged data, which it must
 * stand anyway, and its owner throws the results away.
 *
 * Invariant: only a thread that is between guard_begin() and guard_end() is helped; for all others
 * the handler of before is put back, and the fault happens again.
 */
#include "guard.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static __thread volatile sig_atomic_t guarded, failed;

/* Written once, before there are threads. */
static struct {
	struct sigaction before;
	uintptr_t page_bytes;
	bool installed;
} guard;

bool guard_recover(const siginfo_t *info)
{
	int saved_errno = errno;
	uintptr_t page = (uintptr_t)info->si_addr & ~(guard.page_bytes - 1);
	void *zeros;

	/* a hardware error (BUS_MCEERR_*) is nothing to go on after */
	if (!guarded || info->si_code != BUS_ADRERR)
		return false;
	failed = 1;
	zeros = mmap((void *)page, guard.page_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	errno = saved_errno;
	return zeros != MAP_FAILED;
}

static void guard_on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (guard_recover(info))
		return;
	sigaction(signal, &guard.before, NULL);
	if (info->si_code <= 0)
		raise(signal);
}

void guard_install(void)
{
	struct sigaction action = {.sa_sigaction = guard_on_signal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	if (guard.installed)
		return;
	guard.installed = true;
	guard.page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &guard.before);
}

void guard_begin(void)
{
	failed = 0;
	guarded = 1;
}

bool guard_end(void)
{
	guarded = 0;
	return failed;
}

bool guard_failed(void)
{
	return failed;
}
