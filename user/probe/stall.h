/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures how long the kernel keeps threads of traced processes waiting: bpf/stall.bpf.c. Only for
 * who asks for it (-v), since each change of a thread on each processor is looked at. The main
 * thread only. Everything accepts NULL: not measured.
 */
#ifndef PROBE_STALL_H
#define PROBE_STALL_H

#include "../../include/stall.h"
#include "loader.h"

struct stall;

/* NULL after a verbose message that says why it cannot be measured. */
struct stall *stall_open(const struct loader *loader);
void stall_close(struct stall *s);
/* From now on waits are those of this phase. */
void stall_phase(struct stall *s, enum stall_phase phase);
/* Around each change of probes while tracing. Nothing while attaching and detaching. */
void stall_update_begin(struct stall *s);
void stall_update_end(struct stall *s);
/* Verbose messages: the longest wait in the phase, or nothing when there was no such phase. */
void stall_say(const struct stall *s, enum stall_phase phase);

#endif /* PROBE_STALL_H */
