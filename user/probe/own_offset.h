/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of this program that are probed to find something out. */
#ifndef PROBE_OWN_OFFSET_H
#define PROBE_OWN_OFFSET_H

#include <stdint.h>

/* File offset of an address of this program, from its own list of mappings. 0 or -errno. */
int own_offset(uintptr_t address, uint64_t *offset);

#endif /* PROBE_OWN_OFFSET_H */
