/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that come and go: a library with an allocator of its own name is opened, used and closed
 * in a loop. Argument: the library.
 */
#include "harm.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "";
	long sum = 0;

	harm_ready(argc, argv);
	for (int i = 0; i < 30; i++) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		long (*work)(void) = NULL;

		if (library)
			*(void **)&work = dlsym(library, "plugin_work");
		if (!work)
			return 1;
		sum += work();
		dlclose(library);
		free(harm_pairs(20));
	}
	harm_say("sum", sum);
	return 13;
}
