/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mappings of code of one process, as they are published for the BPF unwinder. */
#ifndef PROBE_UNWIND_LIST_H
#define PROBE_UNWIND_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "../../include/unwind_row.h"
#include "unwind_files.h"

/* Zeroed: empty. Holds its files. */
struct unwind_list {
	struct unwind_mapping *mappings;
	struct unwind_file **files; /* one for each mapping, NULL: no table */
	size_t count, capacity;
	/* files whose tables are being made; their mappings are left out */
	struct unwind_file **waits;
	size_t wait_count;
	bool incomplete; /* mappings were left out */
};

/*
 * Reads /proc/PID/maps, and gets the table of each file as far as the effort allows. 0 or -errno;
 * unwind_list_done() in any case.
 */
int unwind_list_read(struct unwind_list *l, struct unwind_files *files, pid_t pid,
		     struct unwind_effort *effort);
void unwind_list_done(struct unwind_list *l, struct unwind_files *files);
bool unwind_list_equal(const struct unwind_list *a, const struct unwind_list *b);
/* Is a mapping of the list around this one, alike but for its bounds? */
bool unwind_list_has(const struct unwind_list *l, const struct unwind_mapping *m);
bool unwind_list_waits(const struct unwind_list *l, const struct unwind_file *file);
/* Does `l` have all that is in `old`? */
bool unwind_list_extends(const struct unwind_list *l, const struct unwind_list *old);
/* Makes `to` wait for what `from` waits for, and for nothing else. Taken: `from` does not any more. */
void unwind_list_take_waits(struct unwind_list *to, struct unwind_list *from,
			    struct unwind_files *files);
void unwind_list_copy_waits(struct unwind_list *to, const struct unwind_list *from,
			    struct unwind_files *files);

#endif /* PROBE_UNWIND_LIST_H */
