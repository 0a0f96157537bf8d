/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 4180, in place: cells are unquoted where they lie. Columns are found by their names in the first row, so files with more
 * of them can be read.
 *
 * Invariant: a cell ends before the next one begins, so that its end can be overwritten.
 */
#include "csv_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "../base/buffer.h"
#include "../base/io.h"
#include "../base/units.h"
#include "../base/xalloc.h"

#define CELLS_MOST 256u
#define FILE_MOST  ((size_t)4 << 30)

enum {
	COLUMN_PID,
	COLUMN_SITE,
	NUMBER_FIRST,
	NUMBER_LAST = 8,
	COLUMN_API,
	COLUMN_FUNCTION,
	COLUMN_SOURCE,
	COLUMN_MODULE,
	COLUMN_STACK,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	"pid",
	"site",
	"outstanding_bytes",
	"outstanding_count",
	"alloc_bytes",
	"alloc_count",
	"free_bytes",
	"free_count",
	"temporary_count",
	"api",
	"function",
	"source",
	"module",
	"stack",
};

struct row {
	uint64_t pid;
	size_t order; /* in the file */
	struct csv_site site;
};

struct reader {
	char *at, *end;
	size_t line;
	char *cells[CELLS_MOST];
	size_t cell_count;
	size_t places[COLUMNS]; /* index of each column's cell */
	struct row *rows;
	size_t row_count, row_capacity;
};

static int read_text(int fd, struct buffer *text)
{
	int err = io_read_rest(fd, FILE_MOST, text);

	buffer_add(text, "", 0);
	if (err)
		return err;
	return memchr(text->data, '\0', text->length) ? -EBADMSG : 0;
}

/* The cell at r->at, unquoted; r->at is then at what ends it. False: a quote that does not end. */
static bool read_cell(struct reader *r, char **cell)
{
	char *to = r->at;

	*cell = r->at;
	if (r->at == r->end || *r->at != '"') {
		while (r->at < r->end && *r->at != ',' && *r->at != '\n')
			r->at++;
		return true;
	}
	for (r->at++; r->at < r->end; r->at++) {
		if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"'))
			break;
		if (*r->at == '"')
			r->at++;
		r->line += *r->at == '\n';
		*to++ = *r->at;
	}
	if (r->at == r->end)
		return false;
	r->at++;
	*to = '\0';
	return r->at == r->end || *r->at == ',' || *r->at == '\n';
}

static bool read_row(struct reader *r)
{
	bool more = true;

	r->cell_count = 0;
	r->line++;
	while (more) {
		if (r->cell_count == CELLS_MOST || !read_cell(r, &r->cells[r->cell_count]))
			return false;
		r->cell_count++;
		more = r->at < r->end && *r->at == ',';
		if (r->at < r->end)
			*r->at++ = '\0';
	}
	return true;
}

static bool read_header(struct reader *r)
{
	size_t c, i;

	if (!read_row(r))
		return false;
	for (c = 0; c < COLUMNS; c++) {
		for (i = 0; i < r->cell_count && strcmp(r->cells[i], column_names[c]) != 0; i++)
			;
		if (i == r->cell_count)
			return false;
		r->places[c] = i;
	}
	return true;
}

static bool parse_site(const char *text, uint64_t *site)
{
	char *end;

	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*site = strtoull(text, &end, 16);
	return true;
}

static const char *cell_of(const struct reader *r, int column)
{
	return r->cells[r->places[column]];
}

static bool take_row(struct reader *r, size_t columns)
{
	struct row row = {.order = r->row_count};
	uint64_t *numbers[] = {&row.site.outstanding_bytes, &row.site.outstanding_count,
			       &row.site.alloc_bytes,	    &row.site.alloc_count,
			       &row.site.free_bytes,	    &row.site.free_count,
			       &row.site.temporary_count};
	int c;

	if (r->cell_count != columns || !parse_site(cell_of(r, COLUMN_SITE), &row.site.site) ||
	    !units_parse_u64(cell_of(r, COLUMN_PID), &row.pid))
		return false;
	for (c = NUMBER_FIRST; c <= NUMBER_LAST; c++) {
		if (!units_parse_u64(cell_of(r, c), numbers[c - NUMBER_FIRST]))
			return false;
	}
	row.site.api = cell_of(r, COLUMN_API);
	row.site.function = cell_of(r, COLUMN_FUNCTION);
	row.site.source = cell_of(r, COLUMN_SOURCE);
	row.site.module = cell_of(r, COLUMN_MODULE);
	row.site.stack = cell_of(r, COLUMN_STACK);
	if (r->row_count == r->row_capacity) {
		r->row_capacity = r->row_capacity ? 2 * r->row_capacity : 1024;
		r->rows = xrealloc(r->rows, r->row_capacity * sizeof(*r->rows));
	}
	r->rows[r->row_count++] = row;
	return true;
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->site.site != b->site.site)
		return a->site.site < b->site.site ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void add_site(struct csv_sites *sites, const struct csv_site *site)
{
	struct csv_site *last = sites->count ? &sites->v[sites->count - 1] : NULL;

	if (!last || last->site != site->site) {
		sites->v[sites->count++] = *site;
		return;
	}
	last->outstanding_bytes += site->outstanding_bytes;
	last->outstanding_count += site->outstanding_count;
	last->alloc_bytes += site->alloc_bytes;
	last->alloc_count += site->alloc_count;
	last->free_bytes += site->free_bytes;
	last->free_count += site->free_count;
	last->temporary_count += site->temporary_count;
}

/* Of each process and site the last row counts. */
static void collect(struct csv_sites *sites, const struct reader *r)
{
	size_t i;

	if (r->row_count)
		qsort(r->rows, r->row_count, sizeof(*r->rows), compare_rows);
	sites->v = xcalloc(r->row_count + 1, sizeof(*sites->v));
	for (i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i], *next = row + 1;

		if (i + 1 == r->row_count || next->site.site != row->site.site ||
		    next->pid != row->pid)
			add_site(sites, &row->site);
	}
}

int csv_read_sites(struct csv_sites *sites, int fd, size_t *line)
{
	struct buffer text = {0};
	struct reader r = {0};
	int err = read_text(fd, &text);
	size_t columns;

	*sites = (struct csv_sites){.text = text.data};
	*line = 1;
	r.at = text.data;
	r.end = text.data + text.length;
	if (!err && !read_header(&r))
		err = -EBADMSG;
	columns = r.cell_count;
	while (!err && r.at < r.end) {
		if (!read_row(&r) || !take_row(&r, columns))
			err = -EBADMSG;
	}
	if (!err)
		collect(sites, &r);
	else
		csv_sites_free(sites);
	*line = r.line;
	free(r.rows);
	return err;
}

void csv_sites_free(struct csv_sites *sites)
{
	free(sites->v);
	free(sites->text);
	*sites = (struct csv_sites){0};
}
