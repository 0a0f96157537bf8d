/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An executable with more unwind information than is looked at before tracing begins: 200,000
 * functions that nobody calls, 32 bytes each. Argument: blocks to allocate (11) of 1009 bytes.
 */
#include "target.h"

__asm__(".text\n"
	".rept 200000\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset 3, -16\n"
	"	pop %rbx\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".endr\n");

SITE static void site_malloc(void)
{
	void *p = malloc(1009);

	KEEP(p);
	gave("malloc", "site_malloc", 1009);
}

SITE static void outer(long count)
{
	while (count-- > 0)
		site_malloc();
	KEEP(&truth);
}

int main(int argc, char **argv)
{
	target_ready(argc, argv);
	outer(target_number(argc, argv, 0, 11));
	target_done();
	return 0;
}
