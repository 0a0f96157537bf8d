/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing special, for the rows in which what is around the program is special (LD_AUDIT, a
 * debugger, a static PIE). `wait`: works after each of two lines. `pairs`: in a loop until a line.
 * `grow`: takes 48 MB without any allocator, and ends after another line.
 */
#include "harm.h"

#include <poll.h>
#include <sys/mman.h>

#define GROWTH ((size_t)48 << 20)

static int grow(void)
{
	char *p = mmap(NULL, GROWTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	memset(p, 1, GROWTH);
	harm_say("grown", 1);
	harm_line();
	return 14;
}

int main(int argc, char **argv)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	long kept = 0;

	harm_ready(argc, argv);
	if (harm_has(argc, argv, "grow"))
		return grow();
	for (int i = 0; i < 3; i++)
		kept += harm_pairs(500) != NULL;
	while (harm_has(argc, argv, "pairs") && !poll(&input, 1, 0))
		free(harm_pairs(50));
	if (harm_has(argc, argv, "wait")) {
		harm_say("waiting", kept);
		harm_line();
		kept += harm_pairs(500) != NULL;
	}
	harm_say("kept", kept);
	return 14;
}
