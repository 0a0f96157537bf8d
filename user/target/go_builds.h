/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was found out of Go programs, by their files: reading the debug information of a large one takes tenths of a second, and it is asked
 * for again by whoever opens the program, for each of its processes. Any thread.
 */
#ifndef TARGET_GO_BUILDS_H
#define TARGET_GO_BUILDS_H

#include <stdbool.h>

struct elf_file;
struct go_builds;
struct go_layout;

struct go_builds *go_builds_new(void);
/* NULL is fine here and below: then nothing is kept. */
void go_builds_free(struct go_builds *b);
/* As go_dwarf_layout(). The version of *layout is left as it is. */
bool go_builds_layout(struct go_builds *b, const struct elf_file *elf, struct go_layout *layout);
/* The figures of a process that runs this file have passed the checks that the runtime makes of itself. */
void go_builds_note_sound(struct go_builds *b, const struct elf_file *elf);
bool go_builds_is_sound(struct go_builds *b, const struct elf_file *elf);

#endif /* TARGET_GO_BUILDS_H */
