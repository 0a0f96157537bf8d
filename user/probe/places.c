// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions of a module in a process -> places for probes: the plan, compared with the process's memory. A function that was
 * patched in memory (an in-line hook) would be broken by a probe, because the kernel executes the file's instruction. A
 * breakpoint byte is accepted: it is another tracer's uprobe. After attaching the memory is looked at again: where no
 * breakpoint stands (text that was moved to anonymous memory) the kernel has accepted a probe that will never see anything.
 */
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/xalloc.h"
#include "go_maps.h"
#include "plan.h"
#include "returns.h"

#define BREAKPOINT  0xcc
#define CALL_OPCODE 0xe8 /* what newer kernels write over a nop of five bytes */
#define NOP5_LENGTH 5

void places_done(struct places *places)
{
	free(places->v);
	*places = (struct places){0};
}

static bool is_nop5(const struct plan_point *point)
{
	static const uint8_t nop5[NOP5_LENGTH] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

	return point->length == NOP5_LENGTH && !memcmp(point->bytes, nop5, NOP5_LENGTH);
}

/* 0: as in the file (or a breakpoint); -EBUSY: changed; other -errno: could not be read. */
static int compare_memory(int memory, const struct target_module *m, const struct plan_point *point)
{
	uint8_t bytes[sizeof(point->bytes)];
	ssize_t n = pread(memory, bytes, point->length, (off_t)(m->bias + point->address));

	if (n != point->length)
		return n < 0 ? -errno : -EIO;
	if (bytes[0] == CALL_OPCODE && is_nop5(point))
		return 0;
	if (bytes[0] == BREAKPOINT && point->bytes[0] != BREAKPOINT)
		bytes[0] = point->bytes[0];
	return memcmp(bytes, point->bytes, point->length) ? -EBUSY : 0;
}

static int check_memory(int memory, const struct target_module *m, const struct plan *plan)
{
	int err = compare_memory(memory, m, &plan->entry);
	size_t i;

	for (i = 0; !err && i < plan->ret_count; i++)
		err = compare_memory(memory, m, &plan->rets[i]);
	return err;
}

static struct place *add_place(struct places *places, uint64_t bias,
			       const struct target_function *f, uint32_t flags,
			       const struct plan_point *point, enum call_side side, bool returns)
{
	struct place *place;

	places->v = xrealloc(places->v, (places->count + 1) * sizeof(*places->v));
	place = &places->v[places->count++];
	place->offset = f->file_offset + (point->address - f->address);
	place->address = bias + point->address;
	place->was = point->bytes[0];
	place->blind = false;
	place->cookie = COOKIE_MAKE(f->call, call_kind(f->call), flags, side) |
			(point->cost == COST_STEPPED ? COOKIE_STEPPED : 0);
	place->returns = returns;
	return place;
}

static void tell(bool known, const char *path, const char *symbol, const char *what)
{
	if (known)
		log_verbose("%s in '%s': %s", symbol, path, what);
	else
		log_warn("%s in '%s': %s", symbol, path, what);
}

static void plan_one(struct discover_code *code, const struct target_function *f,
		     enum return_rule rule, struct plan *plan)
{
	struct plan_request request = {
		.address = f->address,
		.size = f->size,
		.call = f->call,
		.code = discover_code_get,
		.covers = discover_code_covers,
		.context = code,
		.no_return_probe = rule != RETURNS_FREE,
	};

	if (f->code_length) {
		plan_exactly(f->address, f->code, f->code_length, plan);
		return;
	}
	plan_function(&request, plan);
	if (!plan->refused || rule != RETURNS_AVOID)
		return;
	request.no_return_probe = false;
	plan_function(&request, plan);
}

/* Adds the places of one function. Returns -ESRCH when the process is gone. */
static int add_function(struct places *places, struct loader *loader, int memory,
			const struct target_module *m, struct discover_code *code,
			const struct target_function *f, enum return_rule rule, bool known)
{
	uint32_t flags = call_flags(f->call);
	uint64_t cookie = 0;
	struct place *place;
	struct plan plan;
	size_t i;
	int err;

	plan_one(code, f, rule, &plan);
	if (plan.covered)
		return 0;
	if (plan.refused) {
		tell(known, m->path, f->symbol, plan.reason);
		return 0;
	}
	if (rule == RETURNS_FORBID && plan.entry.bytes[0] == CALL_OPCODE) {
		/* the kernel emulates a call without its entry on the shadow stack */
		tell(known, m->path, f->symbol, "not probed: it begins with a call");
		return 0;
	}
	if (f->code_length && !go_maps_shape(loader, &m->go, &cookie)) {
		tell(known, m->path, f->symbol, "not probed: too many builds of Go at once");
		return 0;
	}
	err = check_memory(memory, m, &plan);
	if (err == -EBUSY) {
		tell(known, m->path, f->symbol,
		     "not probed: its code in memory differs from the file (patched by a hook?)");
		return 0;
	}
	if (err) {
		/* reading 0 bytes is how a process that is gone looks */
		return err == -EIO ? -ESRCH : err;
	}
	if (plan.entry.cost == COST_STEPPED && f->call != CALL_ID_MODULES)
		log_verbose("%s in '%s': slow probe (single-stepped): %s", f->symbol, m->path,
			    plan.reason);
	flags |= plan.passes ? CALL_PASSES : 0;
	place = add_place(places, m->bias, f, flags, &plan.entry,
			  plan.returns == RETURN_PROBE ? CALL_SIDE_BOTH : CALL_SIDE_ENTRY,
			  plan.returns == RETURN_PROBE);
	place->cookie |= cookie;
	for (i = 0; i < plan.ret_count; i++)
		add_place(places, m->bias, f, flags, &plan.rets[i], CALL_SIDE_RET, false);
	return 0;
}

static int open_memory(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int release_rank(const struct place *place)
{
	switch (COOKIE_KIND(place->cookie)) {
	case CALL_FREE: return 0;
	case CALL_REALLOC:
	case CALL_REALLOC_PRODUCT:
	case CALL_MUNMAP:
	case CALL_MREMAP: return 1;
	default: return 2;
	}
}

/*
 * In a program that runs already, a module's probes come to stand one after the other. What gives
 * blocks back goes first: a block that is seen being born is never missed when it dies.
 */
static void order_places(struct places *places)
{
	size_t i, j;

	for (i = 1; i < places->count; i++) {
		struct place place = places->v[i];

		for (j = i; j && release_rank(&place) < release_rank(&places->v[j - 1]); j--)
			places->v[j] = places->v[j - 1];
		places->v[j] = place;
	}
}

int places_plan(struct places *places, struct loader *loader, pid_t pid,
		const struct targets *targets, const struct target_module *m, bool known)
{
	struct discover_code *code = discover_code_open(targets, m);
	enum return_rule rule = returns_rule(loader, pid, m, known);
	size_t i;
	int memory, err = 0;

	if (!code)
		return errno ? -errno : -ENOMEM;
	memory = open_memory(pid);
	if (memory < 0) {
		discover_code_close(code);
		return memory == -ENOENT ? -ESRCH : memory;
	}
	for (i = 0; !err && i < m->function_count; i++)
		err = add_function(places, loader, memory, m, code, &m->functions[i], rule, known);
	close(memory);
	discover_code_close(code);
	order_places(places);
	return err;
}

void places_find_blind(struct places *places, pid_t pid, const char *name, bool known)
{
	int memory = open_memory(pid);
	size_t i;

	for (i = 0; memory >= 0 && i < places->count; i++) {
		struct place *place = &places->v[i];
		uint8_t byte;

		if (pread(memory, &byte, 1, (off_t)place->address) != 1 || byte != place->was ||
		    place->was == BREAKPOINT)
			continue;
		place->blind = true;
		tell(known, name, call_name((enum call_id)COOKIE_ID(place->cookie)),
		     "blind: no breakpoint came to stand in the process's memory (text moved to "
		     "anonymous memory?)");
	}
	if (memory >= 0)
		close(memory);
}

bool places_stand(const struct places *places, pid_t pid)
{
	int memory = open_memory(pid);
	bool found = false;
	uint8_t byte;
	size_t i;

	for (i = 0; memory >= 0 && !found && i < places->count; i++)
		found = places->v[i].was != BREAKPOINT &&
			pread(memory, &byte, 1, (off_t)places->v[i].address) == 1 &&
			byte == BREAKPOINT;
	if (memory >= 0)
		close(memory);
	return found;
}

static void print_point(const struct plan_point *point, const char *note)
{
	printf("    +0x%-6lx %-34s %-14s %s\n", (unsigned long)point->address, point->instruction,
	       point->cost == COST_EMULATED ? "emulated" : "single-stepped", note);
}

static void print_function(const struct target_module *m, const struct target_function *f,
			   const struct plan *plan)
{
	static const char *const returns[] = {"entry only", "with its return",
					      "with its ret instructions"};
	size_t i;

	printf("%-24s %-24s 0x%-8lx ", f->symbol, m->path, (unsigned long)f->address);
	if (plan->refused) {
		printf("refused: %s\n", plan->reason);
		return;
	}
	if (plan->covered) {
		printf("covered: another probed function gets the same block\n");
		return;
	}
	printf("+%lu %s, %s (%s)%s%s\n", (unsigned long)plan->entry_offset, plan->entry.instruction,
	       plan->entry.cost == COST_EMULATED ? "emulated" : "single-stepped: slow",
	       returns[plan->returns], plan->reason[0] ? ": " : "", plan->reason);
	for (i = 0; i < plan->ret_count; i++)
		print_point(&plan->rets[i], "return side");
}

bool places_have_allocator(const struct targets *targets, uint32_t without)
{
	size_t m, i;

	for (m = 0; m < targets->module_count; m++) {
		const struct target_module *module = &targets->modules[m];

		for (i = 0; i < module->function_count; i++) {
			uint8_t call = module->functions[i].call;

			if (call != CALL_ID_MODULES && !(call_flags(call) & without))
				return true;
		}
	}
	return false;
}

void places_print_plan(const struct targets *targets)
{
	size_t m, i;

	printf("%-24s %-24s %-10s %s\n", "FUNCTION", "MODULE", "OFFSET",
	       "PROBE (offset, instruction, cost)");
	for (m = 0; m < targets->module_count; m++) {
		const struct target_module *module = &targets->modules[m];
		struct discover_code *code = discover_code_open(targets, module);

		for (i = 0; code && i < module->function_count; i++) {
			struct plan plan;

			plan_one(code, &module->functions[i], RETURNS_FREE, &plan);
			print_function(module, &module->functions[i], &plan);
		}
		discover_code_close(code);
	}
}
