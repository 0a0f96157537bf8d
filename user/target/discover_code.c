/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of one module for the probe planner, which knows neither files nor processes. Input: the
 * module's file; bounds of functions come from symbols, else from unwind information. A jump to a
 * PLT stub counts as a jump to the function that the process has bound to that name. Invariant:
 * bytes handed out are those of [start, end), whole.
 */
#include "discover.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "allocators.h"
#include "elf.h"

/* Above this an allocator function is not one. */
#define CODE_MAX (1u << 20)
/* That are looked at for the definitions of names, in all. A hostile file has millions and asks for each. */
#define SYMBOLS_MAX (64u << 20)

struct discover_code {
	const struct targets *targets;
	const struct target_module *module;
	struct elf_file *elf;
	uint8_t *bytes;
	size_t capacity;
	uint32_t symbols_left;
};

struct discover_code *discover_code_open(const struct targets *targets,
					 const struct target_module *module)
{
	struct discover_code *code;
	struct elf_file *elf = elf_file_open(module->fd);

	if (!elf)
		return NULL;
	code = xcalloc(1, sizeof(*code));
	code->targets = targets;
	code->module = module;
	code->elf = elf;
	code->symbols_left = SYMBOLS_MAX;
	return code;
}

void discover_code_close(struct discover_code *code)
{
	if (!code)
		return;
	elf_file_close(code->elf);
	free(code->bytes);
	free(code);
}

struct definition {
	const char *name;
	uint64_t address;
	uint32_t *symbols_left;
};

static bool find_definition(void *context, const struct elf_symbol *symbol)
{
	struct definition *d = context;

	if (*d->symbols_left == 0)
		return false;
	--*d->symbols_left;
	if (!symbol->name || strcmp(symbol->name, d->name))
		return true;
	d->address = symbol->address;
	return false;
}

/*
 * A PLT stub of a function that the module itself defines leads there: libraries call their own
 * exported functions that way. Anything else is left as it is.
 */
static uint64_t behind_stub(struct discover_code *code, uint64_t address)
{
	struct definition d = {.name = elf_file_stub(code->elf, address),
			       .symbols_left = &code->symbols_left};

	if (d.name)
		elf_file_symbols(code->elf, find_definition, &d);
	return d.address ? d.address : address;
}

const uint8_t *discover_code_get(void *context, uint64_t address, uint64_t *start, uint64_t *end)
{
	struct discover_code *code = context;
	uint64_t size;

	*start = 0;
	*end = 0;
	address = behind_stub(code, address);
	if (!elf_file_is_code(code->elf, address) ||
	    !elf_file_function(code->elf, address, start, end))
		return NULL;
	size = *end - *start;
	if (size > CODE_MAX)
		return NULL;
	if (size > code->capacity) {
		code->bytes = xrealloc(code->bytes, (size_t)size);
		code->capacity = (size_t)size;
	}
	if (elf_file_read(code->elf, *start, code->bytes, (size_t)size) != (ssize_t)size)
		return NULL;
	return code->bytes;
}

/* A name whose function is probed in some module: there it is bound. */
static bool is_probed(const struct targets *targets, const char *symbol, enum call_kind kind)
{
	struct allocator_name meaning;

	if (!allocators_find(symbol, &meaning) || allocators_kind(meaning.call) != kind)
		return false;
	for (size_t i = 0; i < targets->module_count; i++) {
		const struct target_module *module = &targets->modules[i];

		for (size_t k = 0; k < module->function_count; k++) {
			if (module->functions[k].calls & 1ull << meaning.call)
				return true;
		}
	}
	return false;
}

static bool is_entry(const struct target_module *module, uint64_t address, enum call_kind kind)
{
	for (size_t i = 0; i < module->function_count; i++) {
		const struct target_function *function = &module->functions[i];

		if (function->address == address && allocators_kind(function->call) == kind)
			return true;
	}
	return false;
}

bool discover_code_covers(void *context, uint64_t address, enum call_kind kind)
{
	struct discover_code *code = context;
	const char *symbol;

	/* Functions that only jump to a probed one are not in the list themselves: follow. */
	for (int jumps = 0; jumps < 4; jumps++) {
		if (is_entry(code->module, address, kind))
			return true;
		symbol = elf_file_stub(code->elf, address);
		if (symbol)
			return is_probed(code->targets, symbol, kind);
		if (!elf_file_jump(code->elf, address, &address))
			return false;
	}
	return false;
}
