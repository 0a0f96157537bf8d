/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that is not what its file says: a function patched in memory by an in-line hook (a jump over
 * its first bytes), and the whole text of the C library remapped to anonymous memory, as programs
 * do that want huge pages.
 */
#include "harm.h"

#include <dlfcn.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096ul

static long hooked;

static void *hook(size_t size)
{
	hooked++;
	return calloc(1, size);
}

static int patch(const char *symbol, void *(*to)(size_t))
{
	unsigned char *at = dlsym(RTLD_DEFAULT, symbol), jump[12] = {0x48, 0xb8};
	uintptr_t page = (uintptr_t)at & ~(PAGE - 1);

	if (!at || mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 0;
	memcpy(jump + 2, &to, sizeof(to));
	jump[10] = 0xff;
	jump[11] = 0xe0;
	memcpy(at, jump, sizeof(jump));
	mprotect((void *)page, 2 * PAGE, PROT_READ | PROT_EXEC);
	return 1;
}

struct text {
	char *start;
	size_t bytes;
};

static int find_text(struct text *text, const char *of)
{
	unsigned long start, end, inside = (unsigned long)(uintptr_t)dlsym(RTLD_DEFAULT, of);
	char line[512], mode[8];
	FILE *maps = fopen("/proc/self/maps", "re");
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 && inside >= start &&
		    inside < end) {
			text->start = (char *)start;
			text->bytes = end - start;
			found = 1;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}

/* The copy is made beside and moved over the old place by one call: this runs there, too. */
static int remap(const struct text *text)
{
	char *copy =
		mmap(NULL, text->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return 0;
	memcpy(copy, text->start, text->bytes);
	if (mprotect(copy, text->bytes, PROT_READ | PROT_EXEC))
		return 0;
	return mremap(copy, text->bytes, text->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, text->start) ==
	       text->start;
}

/* Only the pages around malloc, or all those that hold the C library's allocator. */
static void narrow(struct text *text, unsigned long before, unsigned long behind)
{
	char *at = (char *)((uintptr_t)dlsym(RTLD_DEFAULT, "malloc") & ~(PAGE - 1));

	text->start = at - before * PAGE;
	text->bytes = (before + behind + 1) * PAGE;
}

int main(int argc, char **argv)
{
	void *(*volatile ask)(size_t) = malloc;
	struct text text;

	if (harm_has(argc, argv, "hook"))
		harm_say("patched", patch("malloc", hook));
	if (harm_has(argc, argv, "huge") && find_text(&text, "malloc")) {
		if (harm_has(argc, argv, "allocator"))
			narrow(&text, 16, 16);
		else if (harm_has(argc, argv, "part"))
			narrow(&text, 0, 0);
		harm_say("remapped", remap(&text));
	}
	harm_ready(argc, argv);
	for (int i = 0; i < 1000; i++)
		free(ask(100));
	harm_say("hooked", hooked);
	return 11;
}
