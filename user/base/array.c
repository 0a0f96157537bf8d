// SPDX-License-Identifier: GPL-2.0-or-later
#include "array.h"

#include <stdlib.h>
#include <string.h>

void *array_reserve(void *v, uint32_t *capacity, uint32_t needed, size_t size)
{
	uint32_t half = *capacity + *capacity / 2, more = half > needed ? half : needed + 16;
	char *grown;

	if (needed <= *capacity)
		return v;
	grown = realloc(v, more * size);
	if (!grown)
		return NULL;
	memset(grown + *capacity * size, 0, (more - *capacity) * size);
	*capacity = more;
	return grown;
}
