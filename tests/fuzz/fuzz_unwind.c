/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapped file -> unwind table. The same bytes are also taken for the separate debug file. */
#include "fuzz.h"

#include <errno.h>
#include "../../include/unwind_row.h"
#include "../../user/probe/unwind_build.h"

static void check_table(const struct unwind_table *t)
{
	must(t->row_count > 0 && t->pages > 0 && t->rows && t->page_rows);
	must(UNWIND_ROW_ADDRESS(t->rows[0]) == 0);
	for (uint32_t i = 1; i < t->row_count; i++) {
		must(UNWIND_ROW_ADDRESS(t->rows[i]) > UNWIND_ROW_ADDRESS(t->rows[i - 1]));
		must(UNWIND_ROW_RULE(t->rows[i]) != UNWIND_ROW_RULE(t->rows[i - 1]));
	}
	for (uint32_t i = 0; i <= t->pages; i++) {
		uint64_t page = (uint64_t)i << UNWIND_PAGE_BITS;
		uint32_t row = t->page_rows[i];

		must(row < t->row_count && UNWIND_ROW_ADDRESS(t->rows[row]) <= page);
		must(row + 1 == t->row_count || UNWIND_ROW_ADDRESS(t->rows[row + 1]) > page);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = fuzz_file(data, size), err;
	struct unwind_table t;

	err = unwind_build(fd, size & 1 ? fd : -1, &t);
	must(err <= 0);
	if (err)
		must(!t.rows && !t.page_rows && t.row_count == 0);
	else
		check_table(&t);
	for (uint64_t at = 0; !err && at < 64; at++)
		unwind_table_rule(&t, t.base + at * 4099);
	unwind_table_done(&t);
	close(fd);
	return 0;
}
