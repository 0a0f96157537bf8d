/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of a hostile function -> where probes go. Input: call, flags, then the bytes of up to eight
 * functions that stand side by side, each behind its length.
 */
#include "fuzz.h"

#include "../../include/calls.h"
#include "../../user/probe/go_places.h"
#include "../../user/probe/plan.h"

#define AT	      0x401000ull
#define FUNCTIONS_MAX 8

struct world {
	struct {
		uint64_t start, end;
		const uint8_t *bytes;
	} functions[FUNCTIONS_MAX];
	size_t count;
	uint64_t covered;
};

static const uint8_t *world_code(void *context, uint64_t address, uint64_t *start, uint64_t *end)
{
	const struct world *w = context;

	for (size_t i = 0; i < w->count; i++) {
		if (address < w->functions[i].start || address >= w->functions[i].end)
			continue;
		*start = w->functions[i].start;
		*end = w->functions[i].end;
		return w->functions[i].bytes;
	}
	return NULL;
}

static bool world_covers(void *context, uint64_t address, enum call_kind kind)
{
	const struct world *w = context;

	(void)kind;
	return w->covered && address == w->covered;
}

static void world_fill(struct world *w, struct fuzz_input *in)
{
	uint64_t at = AT;

	while (in->left > 2 && w->count < FUNCTIONS_MAX) {
		size_t size = fuzz_number(in, 2);

		if (size == 0 || size > in->left)
			size = in->left;
		w->functions[w->count].start = at;
		w->functions[w->count].end = at + size;
		w->functions[w->count++].bytes = in->at;
		in->at += size;
		in->left -= size;
		at += size;
	}
}

/* A point is a whole instruction of one of the functions, as the file has it. */
static void check_point(struct world *w, const struct plan_point *point)
{
	uint64_t start, end;
	const uint8_t *bytes = world_code(w, point->address, &start, &end);

	must(bytes && point->length > 0 && point->length <= 15);
	must(point->address + point->length <= end);
	must(memcmp(bytes + (point->address - start), point->bytes, point->length) == 0);
	must(memchr(point->instruction, '\0', sizeof(point->instruction)));
}

static void check_plan(struct world *w, const struct plan *plan)
{
	must(memchr(plan->reason, '\0', sizeof(plan->reason)));
	if (plan->refused)
		must(plan->reason[0]);
	if (plan->refused || plan->covered)
		return;
	must(plan->entry.address == w->functions[0].start + plan->entry_offset);
	must(plan->entry_offset <= 64);
	must(plan->entry_offset == 0 || plan->entry.cost == COST_EMULATED);
	check_point(w, &plan->entry);
	must(plan->ret_count <= PLAN_MAX_RETS);
	must((plan->returns == RETURN_RETS) == (plan->ret_count > 0));
	for (size_t i = 0; i < plan->ret_count; i++)
		check_point(w, &plan->rets[i]);
}

static void check_go_point(const struct go_code *code, const struct go_point *point)
{
	uint64_t at = point->address - code->start;

	must(point->length > 0 && at > 0 && at <= code->size && point->length <= code->size - at);
	must(memcmp(code->bytes + at, point->bytes, point->length) == 0);
}

/* The same code as if it were Go's. */
static void check_go(const struct world *w)
{
	struct go_code code = {w->functions[0].bytes,
			       (size_t)(w->functions[0].end - w->functions[0].start), AT};
	struct go_point point;

	if (go_place_entry(&code, &point))
		check_go_point(&code, &point);
	if (go_place_pool_miss(&code, &point))
		check_go_point(&code, &point);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t call = (uint8_t)fuzz_number(&in, 1), flags = (uint8_t)fuzz_number(&in, 1);
	struct world w = {.covered = flags & 1 ? AT + (flags >> 4) * 16 : 0};
	struct plan_request request = {
		.address = AT,
		.call = (enum call_id)(call % CALL_ID_COUNT),
		.code = world_code,
		.covers = flags & 2 ? world_covers : NULL,
		.no_return_probe = flags & 4,
		.context = &w,
	};
	struct plan plan;

	world_fill(&w, &in);
	if (w.count && flags & 8)
		request.size = w.functions[0].end - AT;
	plan_function(&request, &plan);
	check_plan(&w, &plan);
	if (w.count)
		check_go(&w);
	return 0;
}
