/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets every library that it is given allocate: library number N (from 0) 2 N + 3 blocks of 809
 * bytes. They are loaded before "ready", with --late after it; then the dynamic linker allocates,
 * too, and only the figures by library are exact. These stand under the libraries' base names.
 */
#include "target.h"

#include <dlfcn.h>

typedef void *allocate_fn(size_t bytes);

static allocate_fn *functions[TRUTH_ROWS];
static const char *names[TRUTH_ROWS];
static int count;

static int load(const char *path)
{
	const char *slash = strrchr(path, '/');
	void *library = dlopen(path, RTLD_NOW);
	void *symbol = library ? dlsym(library, "plugin_allocate") : NULL;

	if (!symbol || count == TRUTH_ROWS)
		return 0;
	memcpy(&functions[count], &symbol, sizeof(symbol));
	names[count++] = slash ? slash + 1 : path;
	return 1;
}

static int load_all(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-' && !load(argv[i]))
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	int late = target_has(argc, argv, "--late");

	if (!late && !load_all(argc, argv))
		return 1;
	target_ready(argc, argv);
	if (late && !load_all(argc, argv))
		return 1;
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < 2 * i + 3; k++) {
			KEEP(functions[i](809));
			gave("malloc", names[i], 809);
		}
	}
	target_done();
	return 0;
}
