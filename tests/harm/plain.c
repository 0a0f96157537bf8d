/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing special, for the rows in which what is around the program is special (LD_AUDIT, a
 * debugger, a static PIE). `wait`: works after each of two lines. `pairs`: in a loop until a line.
 */
#include "harm.h"

#include <poll.h>

int main(int argc, char **argv)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	long kept = 0;

	harm_ready(argc, argv);
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
