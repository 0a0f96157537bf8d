/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an unwind table is made from: an ELF file and, when it has call frame information of its own,
 * its separate debug file. Any thread; one input belongs to one at a time.
 */
#ifndef PROBE_UNWIND_INPUT_H
#define PROBE_UNWIND_INPUT_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/siphash.h"

#define UNWIND_ID_BYTES 64
/* A larger section is not read. */
#define UNWIND_SECTION_MAX (128ull << 20)

struct unwind_input;

/* Takes both descriptors over; debug -1: there is no debug file. NULL with errno. */
struct unwind_input *unwind_input_open(int fd, int debug);
void unwind_input_close(struct unwind_input *in);

Elf *unwind_input_elf(struct unwind_input *in);
/* NULL: none, or there is nothing for us in it. */
Elf *unwind_input_debug(struct unwind_input *in);
/* Of call frame information: building takes as long as this is large. */
uint64_t unwind_input_bytes(const struct unwind_input *in);
/* The length of the build id, 0: none. */
size_t unwind_input_id(const struct unwind_input *in, uint8_t id[UNWIND_ID_BYTES]);
/*
 * Of everything that decides the table. What was digested is what is built from later, whatever
 * happens to the file meanwhile.
 */
void unwind_input_digest(struct unwind_input *in, const struct siphash_key *key,
			 uint64_t digest[2]);

#endif /* PROBE_UNWIND_INPUT_H */
