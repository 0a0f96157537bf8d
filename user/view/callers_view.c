/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of callers as a page. The tree decides which nodes are shown and in which order; the
 * filter decides which sites are summed. Both directions are kept while the page lives, so that
 * turning it round keeps what was opened.
 */
#include "callers_view.h"

#include <stdlib.h>
#include "../base/xalloc.h"
#include "call_tree.h"
#include "figures.h"
#include "kinds.h"

enum caller_column {
	COLUMN_OUTSTANDING,
	COLUMN_SHARE,
	COLUMN_COUNT,
	COLUMN_GROWTH,
	COLUMN_RATE,
	COLUMN_TEMPORARY,
	COLUMN_SITES,
	COLUMN_LEAKS,
	COLUMN_FUNCTION,
	COLUMN_MODULE,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_SHARE] = {"%", 5, 0, 2, true, -1},
	[COLUMN_COUNT] = {"COUNT", 6, 0, 3, true, SORT_COUNT},
	[COLUMN_GROWTH] = {"GROWTH", 7, 0, 1, true, SORT_GROWTH},
	[COLUMN_RATE] = {"ALLOC/S", 8, 0, 5, true, SORT_RATE},
	[COLUMN_TEMPORARY] = {"TEMP%", 6, 0, 8, true, GRID_SORT_TEMPORARY},
	[COLUMN_SITES] = {"SITES", 6, 0, 6, true, GRID_SORT_SITES},
	[COLUMN_LEAKS] = {"LEAKS", 6, 0, 4, true, GRID_SORT_LEAKS},
	[COLUMN_FUNCTION] = {"FUNCTION", 36, 4, 0, false, -1},
	[COLUMN_MODULE] = {"MODULE", 14, 1, 7, false, -1},
};

struct callers {
	struct call_tree trees[2]; /* from the allocator up, from the root down */
	bool from_root;
	bool all_open;
	size_t missing; /* sites that were not looked at yet */
};

static struct callers *callers_of(const struct grid *t)
{
	return t->own;
}

static struct call_tree *tree_of(const struct grid *t)
{
	return &callers_of(t)->trees[callers_of(t)->from_root];
}

static const struct call_node *node_of(const struct grid *t, size_t row)
{
	const struct call_tree *tree = tree_of(t);

	return &tree->nodes[tree->rows[row].node];
}

static struct callers *callers_new(void)
{
	struct callers *c = xcalloc(1, sizeof(*c));

	call_tree_init(&c->trees[0], false);
	call_tree_init(&c->trees[1], true);
	c->from_root = true;
	return c;
}

static bool passes(struct grid *t, const struct snapshot_site *site)
{
	return !t->filter[0] || view_data_match(t->data, site, t->filter) > 0;
}

static void sum_up(struct grid *t)
{
	const struct snapshot *s = t->data->snapshot;
	struct call_tree *tree = tree_of(t);
	size_t i;

	call_tree_clear(tree);
	for (i = 0; i < s->site_count; i++) {
		const struct path *path = paths_get(&t->data->paths, s->sites[i].site);

		if (path && passes(t, &s->sites[i]))
			call_tree_add(tree, path, &s->sites[i]);
	}
	call_tree_sum(tree);
}

static size_t take_rows(struct grid *t)
{
	struct call_tree *tree;

	if (!t->own)
		t->own = callers_new();
	tree = tree_of(t);
	callers_of(t)->missing = view_data_paths(t->data);
	sum_up(t);
	if (!call_tree_show(tree, t->sort, t->inverted)) {
		sum_up(t);
		call_tree_show(tree, t->sort, t->inverted);
	}
	return tree->row_count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return tree_of(t)->rows[row].node;
}

/* What has something below it opens in place. */
static uint32_t open_site(const struct grid *t, size_t row)
{
	return tree_of(t)->rows[row].has_children ? 0 : node_of(t, row)->sums.largest;
}

static double value(const struct grid *t, size_t row, int sort)
{
	return site_sums_value(&node_of(t, row)->sums, sort);
}

static void add_function(const struct grid *t, size_t row, struct buffer *out)
{
	const struct call_node *node = node_of(t, row);

	call_row_add_lines(&tree_of(t)->rows[row], node->open == CALL_OPEN, t->data->utf8, out);
	buffer_add_string(out, t->data->paths.places[node->place].text);
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	const struct site_sums *sums = &node_of(t, row)->sums;

	switch ((enum caller_column)column) {
	case COLUMN_SHARE:
		figure_share(out, (double)sums->amounts.bytes,
			     (double)tree_of(t)->nodes[0].sums.amounts.bytes);
		break;
	case COLUMN_FUNCTION: add_function(t, row, out); break;
	case COLUMN_MODULE:
		buffer_add_string(out, t->data->paths.places[node_of(t, row)->place].module);
		break;
	default: site_sums_cell(out, sums, columns[column].sort, style); break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	return paths_matches(&t->data->paths, node_of(t, row)->place, text);
}

static void note(const struct grid *t, struct buffer *out)
{
	const struct callers *c = t->own;

	if (!c)
		return;
	if (c->missing)
		buffer_printf(out, "%zu sites to look at, ", c->missing);
	buffer_add_string(out, c->from_root ? "root down" : "allocator up");
}

static void done(void *own)
{
	struct callers *c = own;

	call_tree_done(&c->trees[0]);
	call_tree_done(&c->trees[1]);
}

static void open_node(struct grid *t, size_t row)
{
	uint32_t node = tree_of(t)->rows[row].node;

	if (!tree_of(t)->rows[row].has_children)
		return;
	if (node_of(t, row)->open == CALL_OPEN)
		list_move(&t->list, 1);
	else
		call_tree_set(tree_of(t), node, true);
}

static void close_node(struct grid *t, size_t row)
{
	const struct call_node *node = node_of(t, row);

	if (tree_of(t)->rows[row].has_children && node->open == CALL_OPEN)
		call_tree_set(tree_of(t), tree_of(t)->rows[row].node, false);
	else if (node->parent)
		grid_select_key(t, node->parent);
}

static void set_all(struct grid *t)
{
	struct callers *c = callers_of(t);

	c->all_open = !c->all_open;
	call_tree_set_all(tree_of(t), c->all_open);
}

void callers_step(struct grid *t, enum callers_step step)
{
	bool any;
	size_t row;

	if (!t->own)
		return;
	any = grid_selected(t, &row);
	if (step == CALLERS_TURN) {
		callers_of(t)->from_root = !callers_of(t)->from_root;
		list_home(&t->list);
		t->follows = false;
	} else if (step == CALLERS_ALL) {
		set_all(t);
	} else if (any && step == CALLERS_OPEN) {
		open_node(t, row);
	} else if (any && step == CALLERS_CLOSE) {
		close_node(t, row);
	} else if (any) {
		call_tree_set(tree_of(t), tree_of(t)->rows[row].node,
			      node_of(t, row)->open != CALL_OPEN);
	}
	if (step != CALLERS_TURN)
		grid_moved(t);
	grid_update(t);
}

const struct grid_kind callers_kind = {
	.name = "Callers",
	.noun = "stack",
	.empty = "no allocation seen yet",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_OUTSTANDING,
	.keeps_order = true,
	.late = true,
	.rows = take_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
	.site = open_site,
	.note = note,
	.done = done,
};
