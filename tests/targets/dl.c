/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads plugin.so from its own directory, lets it allocate 5 blocks, unloads it, loads it again and
 * lets it allocate 3 more. The dynamic linker allocates, too: only the site_* lines are exact.
 */
#include "target.h"

#include <dlfcn.h>
#include <limits.h>

static char path[PATH_MAX];

static int find_plugin(void)
{
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("plugin.so"));
	char *slash;

	if (n <= 0)
		return 0;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	memcpy(slash + 1, "plugin.so", sizeof("plugin.so"));
	return 1;
}

static int use_plugin(int blocks, int unload)
{
	void *library = dlopen(path, RTLD_NOW);
	void *(*allocate)(size_t);
	void *symbol;

	if (!library)
		return 0;
	symbol = dlsym(library, "plugin_allocate");
	memcpy(&allocate, &symbol, sizeof(allocate));
	for (int i = 0; i < blocks; i++) {
		KEEP(allocate(809));
		gave("malloc", "site_plugin", 809);
	}
	if (unload)
		dlclose(library);
	return 1;
}

SITE static void site_program(void)
{
	void *p = malloc(811);

	KEEP(p);
	gave("malloc", "site_program", 811);
}

int main(int argc, char **argv)
{
	if (!find_plugin())
		return 1;
	target_ready(argc, argv);
	for (int i = 0; i < 2; i++)
		site_program();
	if (!use_plugin(5, 1) || !use_plugin(3, 0))
		return 1;
	target_done();
	return 0;
}
