/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of callers. Input is paths (places from the site's function outwards) and the figures of
 * their sites. A node is found by (parent, place) in a hash table, each site's last node is
 * remembered with the version of its path. Nodes that no site leads to any more have no sums and are
 * not shown.
 *
 * Invariant: a node that is shown has the sums of the sites whose path goes through it; node 0 has all.
 */
#include "call_tree.h"

#include <stdlib.h>
#include <string.h>
#include "../base/array.h"
#include "../base/xalloc.h"

#define NODES_MAX	(1u << 20) /* deeper callers are left out then */
#define BUCKETS_FIRST	1024u
#define OPEN_FROM_SHARE 10 /* a tenth of all: shown open at first */

void call_tree_init(struct call_tree *t, bool from_root)
{
	memset(t, 0, sizeof(*t));
	t->from_root = from_root;
	t->nodes = xcalloc(64, sizeof(*t->nodes));
	t->capacity = 64;
	t->count = 1;
	t->nodes[0].open = CALL_OPEN;
}

void call_tree_done(struct call_tree *t)
{
	free(t->nodes);
	free(t->buckets);
	free(t->leaves);
	free(t->rows);
	memset(t, 0, sizeof(*t));
}

void call_tree_clear(struct call_tree *t)
{
	uint32_t i;

	for (i = 0; i < t->count; i++) {
		t->nodes[i].sums = (struct site_sums){0};
		t->nodes[i].deeper = false;
	}
}

static uint32_t hash_of(uint32_t parent, uint32_t place)
{
	uint64_t x = ((uint64_t)parent << 32 | place) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32);
}

static void rehash(struct call_tree *t)
{
	uint32_t i, count = t->bucket_count ? t->bucket_count * 4 : BUCKETS_FIRST;

	free(t->buckets);
	t->buckets = xcalloc(count, sizeof(*t->buckets));
	t->bucket_count = count;
	for (i = 1; i < t->count; i++) {
		struct call_node *node = &t->nodes[i];
		uint32_t *bucket = &t->buckets[hash_of(node->parent, node->place) % count];

		node->next = *bucket;
		*bucket = i;
	}
}

/* 0: there are too many. */
static uint32_t add_node(struct call_tree *t, uint32_t parent, uint32_t place)
{
	uint32_t *bucket = &t->buckets[hash_of(parent, place) % t->bucket_count];
	struct call_node *node;

	if (t->count == NODES_MAX)
		return 0;
	if (t->count == t->capacity) {
		t->capacity *= 2;
		t->nodes = xrealloc(t->nodes, t->capacity * sizeof(*t->nodes));
	}
	node = &t->nodes[t->count];
	*node = (struct call_node){.place = place, .parent = parent, .next = *bucket};
	node->next_child = t->nodes[parent].first_child;
	t->nodes[parent].first_child = t->count;
	*bucket = t->count;
	return t->count++;
}

static uint32_t find_node(struct call_tree *t, uint32_t parent, uint32_t place)
{
	uint32_t i;

	if (t->count >= t->bucket_count)
		rehash(t);
	for (i = t->buckets[hash_of(parent, place) % t->bucket_count]; i; i = t->nodes[i].next) {
		if (t->nodes[i].parent == parent && t->nodes[i].place == place)
			return i;
	}
	return add_node(t, parent, place);
}

/* From the allocator up there are as many at the top as there are functions: mostly closed. */
static bool goes_on(const struct call_tree *t, uint32_t node)
{
	const struct call_node *n = &t->nodes[node];

	if (!node || n->open == CALL_OPEN)
		return true;
	return n->open == CALL_UNDECIDED && (t->open_all || t->from_root || n->parent);
}

static uint32_t depth_of(const struct call_tree *t, uint32_t node)
{
	uint32_t depth = 0;

	for (; node; node = t->nodes[node].parent)
		depth++;
	return depth;
}

static uint32_t find_leaf(struct call_tree *t, const struct path *path)
{
	uint32_t i, node = 0;

	for (i = 0; i < path->count && goes_on(t, node); i++) {
		uint32_t place = path->places[t->from_root ? path->count - 1 - i : i];
		uint32_t next = find_node(t, node, place);

		if (!next)
			break;
		node = next;
	}
	return node;
}

static struct call_leaf *leaf_of(struct call_tree *t, const struct path *path, uint32_t site)
{
	struct call_leaf *leaf;

	leaf = array_reserve(t->leaves, &t->leaf_capacity, site + 1, sizeof(*leaf));
	if (!leaf)
		return NULL;
	t->leaves = leaf;
	leaf += site;
	if (leaf->version != path->version || leaf->turn != t->turn)
		*leaf = (struct call_leaf){
			.node = find_leaf(t, path), .version = path->version, .turn = t->turn};
	return leaf;
}

void call_tree_add(struct call_tree *t, const struct path *path, const struct snapshot_site *site)
{
	const struct call_leaf *leaf = leaf_of(t, path, site->site);
	uint32_t node = leaf ? leaf->node : 0;

	if (!goes_on(t, node))
		t->nodes[node].deeper |= depth_of(t, node) < path->count;
	site_sums_add(&t->nodes[node].sums, site);
}

/* A node is added after its parent, so it stands behind it. */
void call_tree_sum(struct call_tree *t)
{
	for (uint32_t i = t->count; i-- > 1;)
		site_sums_merge(&t->nodes[t->nodes[i].parent].sums, &t->nodes[i].sums);
}

/* ---- what is shown ---- */

struct child {
	double value;
	uint32_t node;
};

struct showing {
	struct call_tree *tree;
	int sort;
	bool inverted;
};

static int compare_down(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static int compare_up(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* Those with sites, sorted; *children from malloc. */
static size_t take_children(const struct showing *s, uint32_t parent, struct child **children)
{
	const struct call_tree *t = s->tree;
	size_t count = 0, capacity = 0;
	uint32_t i;

	*children = NULL;
	for (i = t->nodes[parent].first_child; i; i = t->nodes[i].next_child) {
		if (!t->nodes[i].sums.sites)
			continue;
		if (count == capacity) {
			capacity = capacity ? capacity * 2 : 8;
			*children = xrealloc(*children, capacity * sizeof(**children));
		}
		(*children)[count++] = (struct child){
			.value = site_sums_value(&t->nodes[i].sums, s->sort), .node = i};
	}
	if (count)
		qsort(*children, count, sizeof(**children),
		      s->inverted ? compare_up : compare_down);
	return count;
}

/* The first time that it is seen: what matters, and what leads on without a choice. */
static bool is_open(struct call_tree *t, uint32_t node, bool only_child)
{
	struct call_node *n = &t->nodes[node];
	int64_t bytes = n->sums.amounts.bytes;
	bool large = t->from_root && bytes > 0 &&
		     bytes >= t->nodes[0].sums.amounts.bytes / OPEN_FROM_SHARE;

	if (n->open == CALL_UNDECIDED) {
		bool open = large || only_child || t->open_all;

		/* not summed below until now */
		t->turn += open && !goes_on(t, node);
		n->open = open ? CALL_OPEN : CALL_CLOSED;
	}
	return n->open == CALL_OPEN;
}

static bool has_children(const struct call_tree *t, uint32_t node)
{
	uint32_t i;

	for (i = t->nodes[node].first_child; i; i = t->nodes[i].next_child) {
		if (t->nodes[i].sums.sites)
			return true;
	}
	return t->nodes[node].deeper;
}

static struct call_row *add_row(struct call_tree *t)
{
	if (t->row_count == t->row_capacity) {
		t->row_capacity = t->row_capacity ? t->row_capacity * 2 : 64;
		t->rows = xrealloc(t->rows, t->row_capacity * sizeof(*t->rows));
	}
	return &t->rows[t->row_count++];
}

/* As deep as stacks are: 256 frames and what was inlined into them. */
static void show_below(const struct showing *s, uint32_t parent, const struct call_row *above)
{
	struct call_tree *t = s->tree;
	struct child *children;
	size_t i, count = take_children(s, parent, &children);

	for (i = 0; i < count; i++) {
		struct call_row row = {.node = children[i].node, .last = i + 1 == count};

		row.has_children = has_children(t, row.node);
		row.lines = above ? above->lines : 0;
		row.level = above ? above->level : 0;
		row.branch = count > 1 && row.level < CALL_LEVELS;
		if (row.branch)
			row.level++;
		if (row.branch && row.last)
			row.lines &= ~(1u << row.level);
		else if (row.branch)
			row.lines |= 1u << row.level;
		*add_row(t) = row;
		if (row.has_children && is_open(t, row.node, count == 1))
			show_below(s, row.node, &row);
	}
	free(children);
}

bool call_tree_show(struct call_tree *t, int sort, bool inverted)
{
	const struct showing s = {.tree = t, .sort = sort, .inverted = inverted};
	uint32_t turn = t->turn;

	t->row_count = 0;
	show_below(&s, 0, NULL);
	return turn == t->turn;
}

void call_tree_set(struct call_tree *t, uint32_t node, bool open)
{
	t->nodes[node].open = open ? CALL_OPEN : CALL_CLOSED;
	t->turn += open;
}

void call_tree_set_all(struct call_tree *t, bool open)
{
	uint32_t i;

	t->open_all = open;
	for (i = 1; i < t->count; i++)
		call_tree_set(t, i, open);
}

void call_row_add_lines(const struct call_row *row, bool open, bool utf8, struct buffer *out)
{
	static const char *const drawn[2][3] = {{"| ", "|-", "`-"}, {"│ ", "├─", "└─"}};
	uint16_t i;

	for (i = 1; i <= row->level; i++) {
		if (i == row->level && row->branch)
			buffer_add_string(out, drawn[utf8][row->last ? 2 : 1]);
		else
			buffer_add_string(out, row->lines >> i & 1 ? drawn[utf8][0] : "  ");
	}
	buffer_add_string(out, !row->has_children ? "  " : open ? "- " : "+ ");
}
