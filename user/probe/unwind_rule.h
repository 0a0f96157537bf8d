/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a frame is left, as elfutils says it, in the words of include/unwind_row.h. Any thread. */
#ifndef PROBE_UNWIND_RULE_H
#define PROBE_UNWIND_RULE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/* `signal`: it is the kernel's frame of a signal handler. */
uint32_t unwind_frame_rule(Dwarf_Frame *frame, bool signal);

#endif /* PROBE_UNWIND_RULE_H */
