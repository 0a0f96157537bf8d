/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes come from the target, which must not be able to make all of them collide: the hash has a secret key. */
#include "intern.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "../base/xalloc.h"

struct intern_item {
	size_t number, length;
	char bytes[];
};

void intern_done(struct intern *n)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		free(n->items[i]);
	free(n->items);
	table_done(&n->table);
	*n = (struct intern){0};
}

static uint64_t hash_of(struct intern *n, const void *bytes, size_t length)
{
	struct siphash s;
	uint64_t digest[2];

	siphash_begin(&s, &n->key);
	siphash_add(&s, bytes, length);
	siphash_end(&s, digest);
	return digest[0];
}

static struct intern_item *add(struct intern *n, uint64_t hash, const void *bytes, size_t length)
{
	struct intern_item *item = xcalloc(1, sizeof(*item) + length + 1);

	if (n->count == n->capacity) {
		n->capacity = n->capacity ? 2 * n->capacity : 64;
		n->items = xrealloc(n->items, n->capacity * sizeof(*n->items));
	}
	item->number = n->count;
	item->length = length;
	if (length)
		memcpy(item->bytes, bytes, length);
	n->items[n->count++] = item;
	table_insert(&n->table, hash, item);
	return item;
}

size_t intern_put(struct intern *n, const void *bytes, size_t length, bool *added)
{
	struct intern_item *item;
	uint64_t hash;

	/* without random bytes it works as well, only not against somebody */
	if (n->count == 0 && getrandom(&n->key, sizeof(n->key), GRND_NONBLOCK) < 0)
		n->key = (struct siphash_key){{0, 0}};
	hash = hash_of(n, bytes, length);
	if (added)
		*added = false;
	for (size_t at = 0; (item = table_find(&n->table, hash, &at));) {
		if (item->length == length && memcmp(item->bytes, bytes, length) == 0)
			return item->number;
	}
	if (added)
		*added = true;
	return add(n, hash, bytes, length)->number;
}

const char *intern_text(const struct intern *n, size_t number, size_t *length)
{
	if (length)
		*length = n->items[number]->length;
	return n->items[number]->bytes;
}
