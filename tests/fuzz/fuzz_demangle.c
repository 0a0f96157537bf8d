/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A symbol -> a name. The first byte chooses how much room there is for it. */
#include "fuzz.h"

#include "../../user/symbol/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	size_t choice = fuzz_number(&in, 1), room = choice < 128 ? 8 + choice : 1 + DEMANGLE_MAX;
	char *symbol = fuzz_string(&in), *out = malloc(room);
	size_t length;

	must(out);
	length = demangle(symbol, out, room);
	must(length < room && out[length] == '\0' && strlen(out) == length);
	must(length > 0 || symbol[0] == '\0');
	free(out);
	free(symbol);
	return 0;
}
