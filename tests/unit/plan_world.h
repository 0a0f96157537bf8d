/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the planner share: code at made-up addresses, and what holds for every plan.
 * check_sane is called with each: a point lies near the start of the function, and a moved one on
 * an emulated instruction.
 */
#ifndef TESTS_PLAN_WORLD_H
#define TESTS_PLAN_WORLD_H

#include "../../user/probe/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define AT 0x401000ull

struct piece {
	uint64_t start;
	const uint8_t *bytes;
	size_t size;
	uint64_t stub; /* also given for this address; 0: none */
};

struct world {
	struct piece pieces[24];
	size_t count;
	uint64_t covered;
	enum call_kind covered_kind;
};

static inline const uint8_t *world_code(void *context, uint64_t address, uint64_t *start,
					uint64_t *end)
{
	const struct world *w = context;

	for (size_t i = 0; i < w->count; i++) {
		const struct piece *p = &w->pieces[i];

		if ((address < p->start || address - p->start >= p->size) &&
		    !(p->stub && address == p->stub))
			continue;
		*start = p->start;
		*end = p->start + p->size;
		return p->bytes;
	}
	return NULL;
}

static inline bool world_covers(void *context, uint64_t address, enum call_kind kind)
{
	const struct world *w = context;

	return w->covered && w->covered == address && w->covered_kind == kind;
}

static inline bool starts_like(const struct plan_point *point, const char *text)
{
	return strncmp(point->instruction, text, strlen(text)) == 0;
}

static inline void check_sane(const struct plan_request *r, const struct plan *plan)
{
	if (plan->refused) {
		assert_true(plan->reason[0] != '\0');
		return;
	}
	if (plan->covered)
		return;
	assert_true(plan->entry_offset <= 64);
	assert_int_equal(plan->entry.address, r->address + plan->entry_offset);
	assert_in_range(plan->entry.length, 1, 15);
	assert_true(plan->entry.instruction[0] != '\0');
	if (plan->entry_offset)
		assert_int_equal(plan->entry.cost, COST_EMULATED);
	if (plan->entry.cost == COST_STEPPED)
		assert_true(plan->reason[0] != '\0');
	assert_true(plan->ret_count <= PLAN_MAX_RETS);
	assert_int_equal(plan->returns == RETURN_RETS, plan->ret_count > 0);
}

static inline void plan_world(struct world *w, enum call_id call, uint64_t size, struct plan *plan)
{
	struct plan_request r = {
		.address = AT,
		.size = size,
		.call = call,
		.code = world_code,
		.covers = world_covers,
		.context = w,
	};

	plan_function(&r, plan);
	check_sane(&r, plan);
}

static inline void plan_bytes(const uint8_t *bytes, size_t size, enum call_id call,
			      struct plan *plan)
{
	struct world w = {.pieces = {{AT, bytes, size, 0}}, .count = 1};

	plan_world(&w, call, size, plan);
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define PLAN(call, plan, ...)                                                                      \
	plan_bytes(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)), CALL_ID_##call, plan)

static inline void assert_moved(const struct plan *plan, uint64_t offset, const char *text)
{
	assert_false(plan->refused);
	assert_false(plan->covered);
	assert_string_equal(plan->reason, "");
	assert_int_equal(plan->entry_offset, offset);
	assert_int_equal(plan->entry.cost, COST_EMULATED);
	if (!starts_like(&plan->entry, text))
		assert_string_equal(plan->entry.instruction, text);
}

static inline void assert_stepped(const struct plan *plan, const char *why)
{
	assert_false(plan->refused);
	assert_false(plan->covered);
	assert_int_equal(plan->entry_offset, 0);
	assert_int_equal(plan->entry.cost, COST_STEPPED);
	if (!strstr(plan->reason, why))
		assert_string_equal(plan->reason, why);
}

static inline void assert_refused(const struct plan *plan, const char *why)
{
	assert_true(plan->refused);
	if (!strstr(plan->reason, why))
		assert_string_equal(plan->reason, why);
}

#endif /* TESTS_PLAN_WORLD_H */
