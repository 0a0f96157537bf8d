/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapped file -> allocator functions and where probes go in it: symbols, relocations, bounds of
 * functions, stubs, candidates, and the plan for each.
 */
#include "fuzz.h"

#include "../../user/probe/plan.h"
#include "../../user/target/candidates.h"
#include "../../user/target/discover.h"
#include "../../user/target/elf.h"

#define SYMBOLS_MAX 64
#define PLANS_MAX   16

struct seen {
	struct elf_file *elf;
	uint64_t addresses[SYMBOLS_MAX];
	size_t count, bytes;
};

static bool see_symbol(void *context, const struct elf_symbol *symbol)
{
	struct seen *seen = context;

	seen->bytes += strlen(symbol->name);
	if (seen->count < SYMBOLS_MAX)
		seen->addresses[seen->count++] = symbol->address;
	return true;
}

static bool see_relocation(void *context, const struct elf_relocation *relocation)
{
	struct seen *seen = context;

	seen->bytes += relocation->name ? strlen(relocation->name) : 0;
	if (seen->count < SYMBOLS_MAX)
		seen->addresses[seen->count++] = relocation->addend;
	return true;
}

static void look_at(struct seen *seen, uint64_t address)
{
	uint64_t start, end, target, offset;
	const char *name;
	uint8_t code[32];

	if (elf_file_function(seen->elf, address, &start, &end))
		must(start < end && address >= start && address < end);
	if (elf_file_frame(seen->elf, address, &start, &end))
		must(start < end && address >= start && address < end);
	name = elf_file_stub(seen->elf, address);
	seen->bytes += name ? strlen(name) : 0;
	name = elf_file_slot(seen->elf, address);
	seen->bytes += name ? strlen(name) : 0;
	elf_file_jump(seen->elf, address, &target);
	elf_file_to_offset(seen->elf, address, &offset);
	must(elf_file_read(seen->elf, address, code, sizeof(code)) <= (ssize_t)sizeof(code));
}

static void look_at_file(struct elf_file *elf)
{
	struct seen seen = {.elf = elf};
	const struct elf_segment *segments;
	uint64_t bias, size;
	uint8_t id[64];
	size_t count = elf_file_segments(elf, &segments);

	elf_file_symbols(elf, see_symbol, &seen);
	elf_file_relocations(elf, see_relocation, &seen);
	for (size_t i = 0; i < seen.count; i++)
		look_at(&seen, seen.addresses[i]);
	for (size_t i = 0; i < count && i < 8; i++) {
		look_at(&seen, segments[i].address);
		look_at(&seen, segments[i].address + segments[i].file_size - 1);
		elf_file_bias(elf, 0x7f0000000000, segments[i].offset, &bias);
	}
	elf_file_dynamic(elf, &size);
	elf_file_has_interpreter(elf);
	must(elf_file_build_id(elf, id, sizeof(id)) <= sizeof(id));
}

/* All allocator functions that the file claims to have, as if it were a forced library (-O). */
static void choose(struct elf_file *elf, struct candidates *c)
{
	candidates_collect(c, elf, true);
	for (size_t i = 0; i < c->count; i++)
		c->data[i].chosen = candidates_eligible(c, &c->data[i]);
	candidates_follow_jumps(c, elf);
	candidates_drop_wrappers(c, elf);
}

static void plan_all(const struct candidates *c, int fd)
{
	struct target_function functions[PLANS_MAX];
	struct target_module module = {.fd = fd, .functions = functions};
	struct targets targets = {.modules = &module, .module_count = 1};
	struct discover_code *code;
	struct plan plan;

	for (size_t i = 0; i < c->count && module.function_count < PLANS_MAX; i++) {
		const struct candidate *one = &c->data[i];

		if (one->chosen)
			functions[module.function_count++] = (struct target_function){
				.call = one->meaning.call,
				.symbol = one->symbol,
				.address = one->address,
				.size = one->size,
				.calls = 1ull << one->meaning.call,
			};
	}
	code = discover_code_open(&targets, &module);
	must(code);
	for (size_t i = 0; i < module.function_count; i++) {
		struct plan_request request = {
			.address = functions[i].address,
			.size = functions[i].size,
			.call = functions[i].call,
			.code = discover_code_get,
			.covers = discover_code_covers,
			.no_return_probe = i & 1,
			.context = code,
		};

		plan_function(&request, &plan);
		must(plan.refused || plan.covered || plan.entry.length > 0);
	}
	discover_code_close(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = fuzz_file(data, size);
	struct elf_file *elf = elf_file_open(fd);
	struct candidates c = {.forced = true};

	if (elf) {
		look_at_file(elf);
		choose(elf, &c);
		plan_all(&c, fd);
		candidates_done(&c);
		elf_file_close(elf);
	}
	close(fd);
	return 0;
}
