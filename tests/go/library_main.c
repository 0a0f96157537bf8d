/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A C program with tests/go/library.go in it. Each line of its input is a number of blocks of 1009 bytes that it keeps and of 1000
 * bytes that Go keeps; it is answered by `done`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void KeepInLibrary(int n);

static void *last;

__attribute__((noinline)) static void keep_in_c(int n)
{
	while (n-- > 0) {
		void **block = malloc(1009);

		if (!block)
			abort();
		*block = last;
		last = block;
	}
}

int main(void)
{
	char line[64];

	KeepInLibrary(1);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		keep_in_c(atoi(line));
		KeepInLibrary(atoi(line));
		puts("done");
		fflush(stdout);
	}
	return 0;
}
