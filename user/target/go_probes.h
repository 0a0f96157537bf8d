/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places in the runtime of a Go program at which its heap is sampled (bpf/go.bpf.h says what is done there). Each is an instruction
 * that the kernel emulates, none a first one, and none needs a return probe. One thread at a time.
 */
#ifndef TARGET_GO_PROBES_H
#define TARGET_GO_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/calls.h"
#include "../../include/go_shape.h"
#include "go.h"

struct elf_file;

#define GO_PROBES	3
#define GO_PROBE_NAME	64
#define GO_PROBE_LENGTH 6 /* the longest instruction */

struct go_probe {
	enum call_id call;
	uint64_t address;	       /* ELF virtual address */
	uint8_t length;		       /* of the instruction */
	uint8_t code[GO_PROBE_LENGTH]; /* as the file has it */
	char name[GO_PROBE_NAME];      /* "runtime.(*mcache).nextFree+173" */
};

struct go_probes {
	struct go_probe v[GO_PROBES];
	struct go_shape shape;
};

/*
 * `memory` is /proc/PID/mem. False: not a Go program (*why is ""), or one in whose runtime they are not what is known: then *why says
 * which, and nothing is to be probed.
 */
bool go_probes_find(struct elf_file *elf, int memory, uint64_t bias, struct go_probes *probes,
		    char why[GO_WHY_MAX]);

/* The bytes of a function from its start on: true when the place is in it. For go_probes_find(), and tests. */
struct go_code {
	const uint8_t *bytes;
	size_t size;
	uint64_t start;
};

bool go_probes_refill(const struct go_code *code, uint64_t refill, struct go_probe *probe,
		      struct go_shape *shape);
bool go_probes_large(const struct go_code *code, uint64_t alloc, struct go_probe *probe);
bool go_probes_flush(const struct go_code *code, struct go_probe *probe);

#endif /* TARGET_GO_PROBES_H */
