/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: what the heap knows of stacks, as addresses. TRACER_DUMP_STACKS names the file. */
#ifndef USER_DUMP_H
#define USER_DUMP_H

#include "heap/heap.h"

/*
 * Writes, if the environment asks for it, for each site and each outstanding block a line (addresses
 * and flags in hexadecimal, the rest decimal):
 *   site PID STACK FLAGS ALLOCATIONS PC...
 *   block PID STACK ADDRESS
 * STACK ties both together; FLAGS are STACK_F_*, PC... as in struct event_stack. False: not all
 * could be written (said).
 */
bool dump_stacks(struct heap *heap);

#endif /* USER_DUMP_H */
