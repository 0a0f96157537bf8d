/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program whose allocator keeps a heap profile (jemalloc's `prof`, gperftools' heap profiler),
 * started by the environment, which `title` writes over, as servers do that set their title. What the profile says of a block that was asked for deep inside must be
 * the same while the allocator is traced. Arguments: a file that may be written, [title].
 */
#include "harm.h"

#include <dlfcn.h>

#define DEPTH  12
#define BLOCKS 50
#define BYTES  70001

static void *kept[BLOCKS];

SITE static void go_deep(int depth, int block)
{
	if (depth)
		go_deep(depth - 1, block);
	else
		kept[block] = malloc(BYTES);
	KEEP(kept[block]);
}

/* The longest call path of a profile: addresses behind an `@` in one line. */
static long deepest(const char *text)
{
	long most = 0;

	while ((text = strchr(text, '@'))) {
		const char *end = text + strcspn(text, "\n");
		long n = 0;

		for (; text < end; text++)
			n += text[0] == ' ' && text[1] == '0' && text[2] == 'x';
		most = n > most ? n : most;
	}
	return most;
}

static char *read_all(const char *path)
{
	size_t size = (size_t)4 << 20;
	char *text = calloc(1, size);
	FILE *f = fopen(path, "re");

	if (f && text && !fread(text, 1, size - 1, f))
		text[0] = 0;
	if (f)
		fclose(f);
	return text;
}

/* NULL: there is no profiler. */
static char *profile(const char *path)
{
	int (*mallctl)(const char *, void *, size_t *, void *, size_t);
	char *(*get)(void);

	*(void **)&mallctl = dlsym(RTLD_DEFAULT, "mallctl");
	*(void **)&get = dlsym(RTLD_DEFAULT, "GetHeapProfile");
	if (get)
		return get();
	if (!mallctl || mallctl("prof.dump", NULL, NULL, &path, sizeof(path)))
		return NULL;
	return read_all(path);
}

/* The variables move, their old place is cleared. */
static void set_title(void)
{
	char **moved, *end = environ[0];
	size_t count = 0;

	while (environ[count])
		count++;
	moved = calloc(count + 1, sizeof(*moved));
	for (size_t i = 0; moved && i < count; i++) {
		moved[i] = strdup(environ[i]);
		end = environ[i] + strlen(environ[i]);
	}
	memset(environ[0], 0, (size_t)(end - environ[0]));
	environ = moved;
}

int main(int argc, char **argv)
{
	char *text;

	if (argc > 2 && !strcmp(argv[2], "title"))
		set_title();
	harm_ready(argc, argv);
	for (int i = 0; i < BLOCKS; i++)
		go_deep(DEPTH, i);
	text = profile(argc > 1 ? argv[1] : "/dev/null");
	harm_say("profiled", text != NULL);
	if (text)
		harm_say("deepest", deepest(text));
	for (int i = 0; i < BLOCKS; i++)
		free(kept[i]);
	free(harm_pairs(100));
	unlink(argc > 1 ? argv[1] : "");
	return 16;
}
