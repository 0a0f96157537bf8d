/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call sites as a tree of functions with the sums of what is below each: from the root of the stacks
 * down, or from the allocator up. Nodes stay from one snapshot to the next; only sums are made anew,
 * which for ten thousand sites takes less than a millisecond. The main thread only.
 */
#ifndef VIEW_CALL_TREE_H
#define VIEW_CALL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "figures.h"
#include "paths.h"

enum call_open { CALL_UNDECIDED, CALL_OPEN, CALL_CLOSED };

struct call_node {
	uint32_t place, parent, first_child, next_child;
	uint32_t next;	    /* in its hash bucket */
	unsigned char open; /* enum call_open */
	bool deeper;	    /* a path goes on below it */
	struct site_sums sums;
};

/* Where a site's path ends, or the first closed node on it: what is not shown is not summed. */
struct call_leaf {
	uint32_t node, version, turn;
};

/* A node as it is shown. */
struct call_row {
	uint32_t node;
	uint16_t level; /* how far it is indented: only where a caller has several */
	bool branch;	/* the first of its level: a line leads to it */
	bool last;	/* of its parent's */
	bool has_children;
	uint32_t lines; /* bit i: a line of level i goes on below */
};

struct call_tree {
	bool from_root;
	bool open_all;		 /* nodes that were not seen before are open */
	struct call_node *nodes; /* [0] is above all */
	uint32_t count, capacity;
	uint32_t *buckets;
	uint32_t bucket_count;
	struct call_leaf *leaves; /* by heap index of the site */
	uint32_t leaf_capacity;
	uint32_t turn; /* counts up when leaves may lie deeper than before */
	struct call_row *rows;
	size_t row_count, row_capacity;
};

#define CALL_LEVELS 24 /* shown as such; deeper ones stand below each other */

void call_tree_init(struct call_tree *t, bool from_root);
void call_tree_done(struct call_tree *t);
/* Sums begin at nothing. */
void call_tree_clear(struct call_tree *t);
/* Adds a site where its path ends. */
void call_tree_add(struct call_tree *t, const struct path *path, const struct snapshot_site *site);
/* When all are added: from there to the top. Once. */
void call_tree_sum(struct call_tree *t);
/*
 * Which nodes are shown, siblings sorted by a key of grid.h. False: more is open than was summed; to be cleared, added and
 * shown again.
 */
bool call_tree_show(struct call_tree *t, int sort, bool inverted);
/* Opens or closes a node, or all. */
void call_tree_set(struct call_tree *t, uint32_t node, bool open);
void call_tree_set_all(struct call_tree *t, bool open);
/* The lines that lead to a row's name. */
void call_row_add_lines(const struct call_row *row, bool open, bool utf8, struct buffer *out);

#endif /* VIEW_CALL_TREE_H */
