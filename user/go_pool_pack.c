/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As in facts.c: twice the number and the value, or twice the number plus 1 and a text; 0 ends a list. What is 0 is left out. */
#include "go_pool_pack.h"

#include <string.h>

#include "base/xalloc.h"

static void put_number(struct buffer *b, unsigned int number, uint64_t v)
{
	if (!v)
		return;
	pack_u64(b, 2 * number);
	pack_u64(b, v);
}

static void put_text(struct buffer *b, unsigned int number, const char *text)
{
	if (!text[0])
		return;
	pack_u64(b, 2 * number + 1);
	pack_bytes(b, text, strlen(text));
}

static void pack_pool(const struct go_pool *p, struct buffer *out)
{
#define X(number, member) put_number(out, number, p->member);
	GO_POOL_ROWS(X)
#undef X
#define X(number, member) put_text(out, number, p->member);
	GO_POOL_TEXTS(X)
#undef X
	pack_u64(out, 0);
}

void go_pool_pack(const struct go_pools_figures *f, struct buffer *out)
{
	size_t i;

#define X(number, member) put_number(out, number, f->member);
	GO_POOLS_ROWS(X)
#undef X
	pack_u64(out, 0);
	for (i = 0; i < f->count; i++)
		pack_pool(&f->v[i], out);
}

static void get_text(char *to, struct unpack *u)
{
	size_t count;
	const uint8_t *bytes = unpack_bytes(u, &count);

	count = count < GO_POOL_TEXT ? count : GO_POOL_TEXT - 1;
	if (count)
		memcpy(to, bytes, count);
	to[count] = '\0';
}

static void get_number(struct go_pool *p, uint64_t number, uint64_t v)
{
	switch (number) {
#define X(n, member)                                                                               \
	case n: p->member = v; break;
		GO_POOL_ROWS(X)
#undef X
	default: break;
	}
}

static void get_pool(struct go_pool *p, struct unpack *u)
{
	char none[GO_POOL_TEXT];
	uint64_t tag;

	while ((tag = unpack_u64(u)) && !u->bad) {
		if (!(tag & 1)) {
			get_number(p, tag / 2, unpack_u64(u));
			continue;
		}
		switch (tag / 2) {
#define X(n, member)                                                                               \
	case n: get_text(p->member, u); break;
			GO_POOL_TEXTS(X)
#undef X
		default: get_text(none, u); break;
		}
	}
}

static void get_process(struct go_pools_figures *f, struct unpack *u)
{
	uint64_t tag;

	while ((tag = unpack_u64(u)) && !u->bad) {
		uint64_t v = unpack_u64(u);

		switch (tag / 2) {
#define X(n, member)                                                                               \
	case n: f->member = v; break;
			GO_POOLS_ROWS(X)
#undef X
		default: break;
		}
	}
}

void go_pool_unpack(struct go_pools_figures *f, struct unpack list)
{
	go_pools_figures_done(f);
	get_process(f, &list);
	if (!list.bad && unpack_left(&list))
		f->v = xcalloc(GO_POOLS_KEPT, sizeof(*f->v));
	while (!list.bad && unpack_left(&list) && f->count < GO_POOLS_KEPT)
		get_pool(&f->v[f->count++], &list);
	if (list.bad)
		go_pools_figures_done(f);
}
