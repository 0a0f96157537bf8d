/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An x86-64 ELF file, read through a file descriptor with bounded work: nothing in it is trusted,
 * and it may change or shrink meanwhile. "Address" is always an ELF virtual address. One thread at
 * a time.
 */
#ifndef TARGET_ELF_H
#define TARGET_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_file;

struct elf_segment {
	uint64_t address, memory_size;
	uint64_t offset, file_size;
	bool execute;
};

struct elf_symbol {
	const char *name; /* without a version; borrowed until the file is closed */
	uint64_t address;
	uint64_t size;
	uint8_t type;	 /* STT_FUNC, STT_GNU_IFUNC, STT_OBJECT */
	bool is_local;	 /* STB_LOCAL */
	bool is_dynamic; /* from .dynsym: other modules can bind to it */
};

struct elf_relocation {
	const char *name; /* of the symbol; NULL: none */
	uint64_t slot;	  /* address of the word that the dynamic linker writes */
	uint64_t addend;
	uint32_t type; /* R_X86_64_JUMP_SLOT, _GLOB_DAT, _IRELATIVE, _RELATIVE or _64 */
};

/* Borrows fd. NULL with errno: ENOEXEC not an ELF file for x86-64 (64 bit), else what reading gave.
 */
struct elf_file *elf_file_open(int fd);
void elf_file_close(struct elf_file *file);

size_t elf_file_segments(const struct elf_file *file, const struct elf_segment **segments);
bool elf_file_to_offset(const struct elf_file *file, uint64_t address, uint64_t *offset);
/* A mapping of file offset `offset` at `start`: *bias = address in memory - ELF address. Executable
 * segments first. */
bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias);
bool elf_file_is_code(const struct elf_file *file, uint64_t address);
/* Bytes read at `address`, as they are in the file; fewer at the end of a segment. -errno on
 * failure. */
ssize_t elf_file_read(const struct elf_file *file, uint64_t address, void *out, size_t size);
/* A section that is in memory, by its name; false when there is none. */
bool elf_file_section(const struct elf_file *file, const char *name, uint64_t *address,
		      uint64_t *size);
bool elf_file_has_interpreter(const struct elf_file *file);
/* Address of PT_DYNAMIC, 0 when there is none. */
uint64_t elf_file_dynamic(const struct elf_file *file, uint64_t *size);
/* Length of the build id, 0 when there is none or when it is longer than `size`. */
size_t elf_file_build_id(const struct elf_file *file, uint8_t *out, size_t size);

/* Defined functions and objects of .dynsym, then of .symtab, all versions. Stops when `each`
 * returns false. */
typedef bool elf_symbol_fn(void *context, const struct elf_symbol *symbol);
void elf_file_symbols(struct elf_file *file, elf_symbol_fn *each, void *context);
typedef bool elf_relocation_fn(void *context, const struct elf_relocation *relocation);
void elf_file_relocations(struct elf_file *file, elf_relocation_fn *each, void *context);

/* Bounds of the function around `address`: from a symbol with a size, else from the unwind
 * information. */
bool elf_file_function(struct elf_file *file, uint64_t address, uint64_t *start, uint64_t *end);
/* The same, from the unwind information only. */
bool elf_file_frame(struct elf_file *file, uint64_t address, uint64_t *start, uint64_t *end);
/* The symbol to which the PLT stub at `address` jumps; NULL when there is no stub. */
const char *elf_file_stub(struct elf_file *file, uint64_t address);
/* The target when the code at `address` begins with an unconditional direct jump (after endbr64).
 */
bool elf_file_jump(const struct elf_file *file, uint64_t address, uint64_t *target);
/* The symbol whose address the dynamic linker writes to the word at `slot`; NULL when there is
 * none. */
const char *elf_file_slot(struct elf_file *file, uint64_t slot);

#endif /* TARGET_ELF_H */
