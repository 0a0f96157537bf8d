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

#define BYTES_MIN 16
#define BYTES_MAX 64
#define ALIGNMENT 16

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
static const uint8_t rsp_from_rbx[] = {0x48, 0x89, 0xdc};

/* libelf keeps what it has read: who asks again gets the same bytes. */
Elf_Data *unwind_code(Elf *elf, const GElf_Phdr *p)
{
	if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || p->p_filesz > UNWIND_CODE_MAX)
		return NULL;
	return elf_getdata_rawchunk(elf, (int64_t)p->p_offset, p->p_filesz, ELF_T_BYTE);
}

/* NULL: not in the file, or in code that is too large to be read. */
static const uint8_t *code_at(Elf *elf, uint64_t address, size_t bytes)
{
	size_t count, i;
	Elf_Data *data;
	GElf_Phdr p;

	if (elf_getphdrnum(elf, &count))
		return NULL;
	for (i = 0; i < count && gelf_getphdr(elf, (int)i, &p); i++) {
		uint64_t at = address - p.p_vaddr;

		if (at >= p.p_filesz || p.p_filesz - at < bytes)
			continue;
		data = unwind_code(elf, &p);
		if (data && data->d_buf && data->d_size >= p.p_filesz)
			return (const uint8_t *)data->d_buf + at;
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
