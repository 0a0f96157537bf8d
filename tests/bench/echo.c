/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a full-screen program can do for a key: reads one byte at a time from a terminal in raw mode and answers each
 * with COLUMNS x LINES cells that end in a word. What a key waits for here is the terminal, the scheduler and who measures.
 *
 *     echo COLUMNS LINES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define WORD "answered"

static int number(const char *text)
{
	int n = atoi(text);

	return n > 0 && n <= 1000 ? n : 1;
}

static void write_all(const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, data, size);

		if (n <= 0)
			return;
		data += n;
		size -= (size_t)n;
	}
}

int main(int argc, char **argv)
{
	size_t size;
	struct termios mode;
	char *screen, key;

	if (argc != 3 || tcgetattr(STDIN_FILENO, &mode)) {
		fputs("usage: echo COLUMNS LINES, on a terminal\n", stderr);
		return 2;
	}
	cfmakeraw(&mode);
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	size = (size_t)(number(argv[1]) * number(argv[2])) + sizeof(WORD) - 1;
	screen = malloc(size);
	if (!screen)
		return 1;
	memset(screen, '.', size);
	memcpy(screen + size - (sizeof(WORD) - 1), WORD, sizeof(WORD) - 1);
	write_all("ready", 5);
	while (read(STDIN_FILENO, &key, 1) == 1)
		write_all(screen, size);
	return 0;
}
