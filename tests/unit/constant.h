/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings are constants to the BPF side, which the loader writes; a compiler may put them where nobody writes (GCC 14 does). */
#ifndef TESTS_UNIT_CONSTANT_H
#define TESTS_UNIT_CONSTANT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void set_constant(const volatile void *constant, const void *value, size_t size)
{
	uintptr_t at = (uintptr_t)constant, page = at & ~4095ul;

	if (mprotect((void *)page, at + size - page, PROT_READ | PROT_WRITE))
		abort();
	memcpy((void *)at, value, size);
}

#endif /* TESTS_UNIT_CONSTANT_H */
