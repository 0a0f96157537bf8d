// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the way from call frame information to rows: elfutils runs the program of each function that
 * unwind_fdes.c lists and says, from row to row, how the frame is left.
 *
 * A peculiarity of elfutils: a row's start may be that of a remembered state, so a row starts where
 * we asked and only its end is believed.
 *
 * Files are hostile: rows, pages and time have limits. Invariant: rows ascend by address, neighbours
 * differ in rule.
 */
#include "unwind_build.h"

#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/unwind_row.h"
#include "../base/clock.h"
#include "unwind_fdes.h"
#include "unwind_input.h"
#include "unwind_rule.h"

#define ROWS_MAX      (1u << 24)
#define PAGES_MAX     (1u << 19) /* 2 GB of code */
#define TIME_MAX_NS   (20ull * NS_PER_S)
#define GENERATED_MIN (1ull << 20)
#define PADDING_MAX   15 /* between functions, never executed */
#define PAGE_SIZE_ELF (1ull << UNWIND_PAGE_BITS)

struct build {
	struct unwind_fdes f;
	struct unwind_table *table;
	size_t row_capacity;
	uint64_t end_ns;
	const atomic_bool *stop;
	unsigned int steps;
};

static uint32_t special(uint32_t kind)
{
	return UNWIND_RULE_SPECIAL(kind);
}

/* ---- rows ---- */

static int push_row(struct build *b, uint64_t address, uint32_t rule)
{
	struct unwind_table *t = b->table;
	uint64_t from = address - t->base, *rows;

	if (t->row_count && UNWIND_ROW_ADDRESS(t->rows[t->row_count - 1]) == from)
		t->row_count--;
	if (t->row_count && UNWIND_ROW_RULE(t->rows[t->row_count - 1]) == rule)
		return 0;
	if (t->row_count >= ROWS_MAX)
		return -E2BIG;
	if (t->row_count == b->row_capacity) {
		size_t more = b->row_capacity ? b->row_capacity * 2 : 4096;

		rows = realloc(t->rows, more * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		b->row_capacity = more;
	}
	t->rows[t->row_count++] = UNWIND_ROW(from, rule);
	return 0;
}

/* Reading the clock for each row would be a tenth of all. */
static int may_go_on(struct build *b)
{
	if (b->stop && atomic_load_explicit(b->stop, memory_order_relaxed))
		return -ECANCELED;
	return b->steps++ % 256 == 0 && clock_monotonic_ns() > b->end_ns ? -E2BIG : 0;
}

static int fde_rows(struct build *b, const struct unwind_fde *fde)
{
	uint64_t pc = fde->start, ignored, end;
	Dwarf_Frame *frame;
	bool signal;
	int err = 0;
	uint32_t rule;

	if (fde->source == UNWIND_ENTRY)
		return push_row(b, pc, special(UNWIND_STOP));
	while (!err && pc < fde->end) {
		err = may_go_on(b);
		if (err)
			return err;
		if (dwarf_cfi_addrframe(b->f.sources[fde->source].cfi, pc, &frame))
			return push_row(b, pc, special(UNWIND_NO_INFO));
		if (dwarf_frame_info(frame, &ignored, &end, &signal) < 0)
			end = 0;
		rule = end > pc ? unwind_frame_rule(frame, signal) : special(UNWIND_NO_INFO);
		free(frame);
		err = push_row(b, pc, rule);
		if (end <= pc)
			break;
		pc = end;
	}
	return err;
}

/*
 * Between `end` and the next FDE nothing is known. A gap as large as no library without tables
 * leaves is code that was generated when the program was built (JavaScript engines have it): it
 * keeps frame pointers, as generated code does.
 */
static uint32_t gap_rule(const struct build *b, uint64_t end, size_t next)
{
	uint64_t limit = next < b->f.count ? b->f.fdes[next].start : UINT64_MAX;
	size_t i;

	for (i = 0; i < b->f.code_count; i++) {
		if (end >= b->f.code[i].start && end < b->f.code[i].end && b->f.code[i].end < limit)
			limit = b->f.code[i].end;
	}
	return limit != UINT64_MAX && limit - end >= GENERATED_MIN ? special(UNWIND_POINTER)
								   : special(UNWIND_NO_INFO);
}

static int make_rows(struct build *b)
{
	int err = push_row(b, b->table->base, gap_rule(b, b->table->base, 0));
	size_t i;

	for (i = 0; !err && i < b->f.count; i++) {
		const struct unwind_fde *fde = &b->f.fdes[i];

		err = fde_rows(b, fde);
		if (!err && (i + 1 == b->f.count || fde[1].start - fde->end > PADDING_MAX))
			err = push_row(b, fde->end, gap_rule(b, fde->end, i + 1));
	}
	return err;
}

static int index_pages(struct unwind_table *t)
{
	uint32_t last = UNWIND_ROW_ADDRESS(t->rows[t->row_count - 1]), row = 0, page;

	t->pages = (last >> UNWIND_PAGE_BITS) + 1;
	t->page_rows = malloc((t->pages + 1) * sizeof(*t->page_rows));
	if (!t->page_rows)
		return -ENOMEM;
	for (page = 0; page <= t->pages; page++) {
		while (row + 1 < t->row_count &&
		       UNWIND_ROW_ADDRESS(t->rows[row + 1]) <= (uint64_t)page << UNWIND_PAGE_BITS)
			row++;
		t->page_rows[page] = row;
	}
	return 0;
}

/* ---- all ---- */

static int set_base(struct build *b)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t i;

	for (i = 0; i < b->f.code_count; i++) {
		if (b->f.code[i].start < low)
			low = b->f.code[i].start;
		if (b->f.code[i].end > high)
			high = b->f.code[i].end;
	}
	b->table->base = low & ~(PAGE_SIZE_ELF - 1);
	return (high - b->table->base) >> UNWIND_PAGE_BITS < PAGES_MAX ? 0 : -E2BIG;
}

int unwind_build_from(struct unwind_input *in, const atomic_bool *stop, struct unwind_table *table)
{
	struct build b = {
		.table = table, .end_ns = clock_monotonic_ns() + TIME_MAX_NS, .stop = stop};
	int err = unwind_fdes_read(&b.f, unwind_input_elf(in), unwind_input_debug(in));

	memset(table, 0, sizeof(*table));
	if (!err)
		err = set_base(&b);
	if (!err)
		err = make_rows(&b);
	if (!err)
		err = index_pages(table);
	unwind_fdes_done(&b.f);
	if (err)
		unwind_table_done(table);
	return err;
}

static int copy_of(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int unwind_build(int fd, int debug_fd, struct unwind_table *table)
{
	struct unwind_input *in = unwind_input_open(copy_of(fd), copy_of(debug_fd));
	int err = in ? unwind_build_from(in, NULL, table) : -errno;

	if (!in)
		memset(table, 0, sizeof(*table));
	unwind_input_close(in);
	return err;
}

void unwind_table_done(struct unwind_table *table)
{
	if (table->block) {
		free(table->block);
	} else {
		free(table->rows);
		free(table->page_rows);
	}
	memset(table, 0, sizeof(*table));
}

uint32_t unwind_table_rule(const struct unwind_table *t, uint64_t address)
{
	uint64_t from = address - t->base, page = from >> UNWIND_PAGE_BITS;
	uint32_t low, high;

	if (page >= t->pages)
		return special(UNWIND_NO_INFO);
	low = t->page_rows[page];
	high = t->page_rows[page + 1];
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (UNWIND_ROW_ADDRESS(t->rows[middle]) <= from)
			low = middle;
		else
			high = middle - 1;
	}
	return UNWIND_ROW_RULE(t->rows[low]);
}

/* The kinds that rows may have: not those that only the BPF side makes. */
static bool is_rule(uint32_t rule)
{
	return UNWIND_RULE_BASE(rule) != UNWIND_SPECIAL ||
	       UNWIND_SPECIAL_KIND(rule) <= UNWIND_POINTER;
}

bool unwind_table_is_sane(const struct unwind_table *t)
{
	uint32_t row, page = 0, address, before = 0;

	if (!t->row_count || !t->pages || t->row_count > ROWS_MAX || t->pages > PAGES_MAX ||
	    t->base % PAGE_SIZE_ELF || UNWIND_ROW_ADDRESS(t->rows[0]) != 0)
		return false;
	for (row = 0; row < t->row_count; row++) {
		address = UNWIND_ROW_ADDRESS(t->rows[row]);
		if ((row && address <= before) || !is_rule(UNWIND_ROW_RULE(t->rows[row])))
			return false;
		/* pages that begin before this row have the one before it as their first */
		for (; page <= t->pages && (uint64_t)page << UNWIND_PAGE_BITS < address; page++) {
			if (t->page_rows[page] != row - 1)
				return false;
		}
		before = address;
	}
	if (before >> UNWIND_PAGE_BITS != t->pages - 1)
		return false;
	for (; page <= t->pages; page++) {
		if (t->page_rows[page] != t->row_count - 1)
			return false;
	}
	return true;
}
