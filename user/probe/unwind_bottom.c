// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A return address that was put on the stack by hand is the first byte of a function, and the byte
 * before it, where rows are looked up, belongs to the function before: its row leads astray. What
 * the function does first tells that nobody called it: it takes its stack pointer from a register
 * that calls preserve.
 */
#include "unwind_bottom.h"

#include <gelf.h>
#include <string.h>

/* Reading the code of all functions would cost more than their rows. */
#define BYTES_MIN 16
#define BYTES_MAX 64
#define ALIGNMENT 16

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
static const uint8_t rsp_from_rbx[] = {0x48, 0x89, 0xdc};

/* NULL: not in the file. */
static const uint8_t *code_at(Elf *elf, uint64_t address, size_t bytes)
{
	size_t count, i;
	Elf_Data *data;
	GElf_Phdr p;

	if (elf_getphdrnum(elf, &count))
		return NULL;
	for (i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_X) ||
		    address < p.p_vaddr || address - p.p_vaddr >= p.p_filesz ||
		    p.p_filesz - (address - p.p_vaddr) < bytes)
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)(p.p_offset + (address - p.p_vaddr)),
					    bytes, ELF_T_BYTE);
		return data ? data->d_buf : NULL;
	}
	return NULL;
}

bool unwind_is_bottom(Elf *elf, uint64_t start, uint64_t end)
{
	uint64_t bytes = end - start;
	const uint8_t *code;

	if (start % ALIGNMENT || bytes < BYTES_MIN || bytes > BYTES_MAX)
		return false;
	code = code_at(elf, start, BYTES_MIN);
	if (code && !memcmp(code, endbr64, sizeof(endbr64)))
		code += sizeof(endbr64);
	return code && !memcmp(code, rsp_from_rbx, sizeof(rsp_from_rbx));
}
