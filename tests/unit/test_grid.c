/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of rows and the tree of callers, drawn into cells: no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include "../../user/view/call_tree.h"
#include "../../user/view/callers_view.h"
#include "../../user/view/kinds.h"
#include "view_world.h"

static const struct world world = {
	.stacks =
		{
			{"app.parse", "app.serve", "app.main", NULL},
			{"app.read", "app.serve", "app.main", NULL},
			{"lib.grow", "app.read", "app.serve", "app.main", NULL},
			{"lib.init", "app.main", NULL},
			{"ev\x1b[2Jil.na\nme", "app.main", NULL},
			{NULL},
		},
};

static void expect_line(const struct canvas *c, int y, const char *expected)
{
	struct buffer line = {0};

	canvas_line(c, y, &line);
	assert_string_equal(line.data, expected);
	buffer_done(&line);
}

static void expect_has(const struct canvas *c, int y, const char *part)
{
	struct buffer line = {0};

	canvas_line(c, y, &line);
	if (!strstr(line.data, part))
		fail_msg("line %d is '%s', without '%s'", y, line.data, part);
	buffer_done(&line);
}

static uint64_t selected_key(const struct grid *t)
{
	size_t row;

	assert_true(grid_selected(t, &row));
	return t->kind->key(t, row);
}

static void grid_update__order_changes__cursor_stays_on_its_row(void **state)
{
	struct world w = world;
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){30, 20, 10}, 3);
	grid_init(&t, &sites_kind, &w.data, SORT_OUTSTANDING);
	list_set_height(&t.list, 10);
	grid_update(&t);
	assert_int_equal(selected_key(&t), 1);
	world_fill(&w, (const uint64_t[]){30, 20, 40}, 3);
	grid_update(&t);
	/* Not moved yet: the first row, whatever it is. */
	assert_int_equal(selected_key(&t), 3);
	list_move(&t.list, 2);
	grid_moved(&t);
	assert_int_equal(selected_key(&t), 2);
	world_fill(&w, (const uint64_t[]){30, 90, 40}, 3);
	grid_update(&t);
	assert_int_equal(selected_key(&t), 2);
	assert_int_equal(t.list.selected, 0);
	grid_done(&t);
	view_data_done(&w.data);
}

static void grid_sort__by_column__first_row_and_unknown_column(void **state)
{
	struct world w = world;
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){30, 20, 10}, 3);
	w.sites[1].totals.outstanding_count = 9;
	grid_init(&t, &sites_kind, &w.data, SORT_OUTSTANDING);
	list_set_height(&t.list, 10);
	assert_true(grid_sort(&t, SORT_COUNT, false));
	assert_int_equal(selected_key(&t), 2);
	assert_true(grid_sort(&t, SORT_OUTSTANDING, true));
	assert_int_equal(selected_key(&t), 3);
	assert_false(grid_sort(&t, GRID_SORT_RSS, false));
	assert_int_equal(t.sort, SORT_OUTSTANDING);
	grid_done(&t);
	view_data_done(&w.data);
}

static void grid_filter__part_of_any_frame__rows(void **state)
{
	struct world w = world;
	struct grid t;

	(void)state;
	grid_init(&t, &sites_kind, &w.data, SORT_OUTSTANDING);
	list_set_height(&t.list, 10);
	grid_update(&t);
	assert_int_equal(t.list.count, 0);
	world_fill(&w, (const uint64_t[]){30, 20, 10, 5}, 4);
	grid_filter(&t, "SERVE");
	assert_int_equal(t.list.count, 3);
	grid_filter(&t, "lib");
	assert_int_equal(t.list.count, 2);
	assert_int_equal(selected_key(&t), 3);
	grid_filter(&t, "none");
	assert_int_equal(t.list.count, 0);
	grid_filter(&t, "");
	assert_int_equal(t.list.count, 4);
	assert_true(grid_search(&t, "init", true));
	assert_int_equal(selected_key(&t), 4);
	assert_false(grid_search(&t, "nowhere", true));
	grid_done(&t);
	view_data_done(&w.data);
}

static void grid_draw__hostile_names_any_size__cells_stay_clean(void **state)
{
	struct world w = world;
	struct canvas c = {.utf8 = true};
	struct grid t;
	int width, height, y, x;

	(void)state;
	world_fill(&w, (const uint64_t[]){30, 20, 10, 5, 50, 1}, 6);
	grid_init(&t, &sites_kind, &w.data, SORT_OUTSTANDING);
	grid_update(&t);
	for (width = 0; width < 90; width += 7) {
		for (height = 0; height < 12; height++) {
			canvas_resize(&c, width, height);
			grid_draw(&t, &c, 0, height);
			for (y = 0; y < height; y++) {
				for (x = 0; x < width; x++)
					assert_true((unsigned char)canvas_at(&c, y, x)->bytes[0] >=
						    ' ');
			}
		}
	}
	canvas_resize(&c, 80, 10);
	grid_draw(&t, &c, 0, 10);
	expect_has(&c, 0, "OUTSTAND▽");
	expect_has(&c, 1, "na?me");
	canvas_done(&c);
	grid_done(&t);
	view_data_done(&w.data);
}

/* Only the last column, whatever stands before it. */
static void expect_function(const struct canvas *c, int y, const char *bytes, const char *function)
{
	struct buffer line = {0};
	const char *at;

	canvas_line(c, y, &line);
	at = strstr(line.data, bytes);
	if (!at || !strstr(at, function))
		fail_msg("line %d is '%s', not %s with '%s'", y, line.data, bytes, function);
	buffer_done(&line);
}

static void callers_draw__from_root_and_from_allocator__sums(void **state)
{
	struct world w = world;
	struct canvas c = {0};
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){600, 200, 100, 100}, 4);
	grid_init(&t, &callers_kind, &w.data, SORT_OUTSTANDING);
	grid_update(&t);
	canvas_resize(&c, 60, 12);
	grid_draw(&t, &c, 0, 12);
	/* lib.grow below read has a tenth of all: open; all other nodes are larger */
	expect_function(&c, 1, "1000B", "- main");
	expect_function(&c, 2, "900B", "|-- serve");
	expect_function(&c, 3, "600B", "| |-  parse");
	expect_function(&c, 4, "300B", "| `-- read");
	expect_function(&c, 5, "100B", "|     grow");
	expect_function(&c, 6, "100B", "`-  init");
	expect_line(&c, 7, "");
	callers_step(&t, CALLERS_TURN);
	grid_draw(&t, &c, 0, 12);
	expect_function(&c, 1, "600B", "|-+ parse");
	expect_function(&c, 2, "200B", "|-+ read");
	callers_step(&t, CALLERS_TOGGLE);
	canvas_resize(&c, 60, 12);
	grid_draw(&t, &c, 0, 12);
	/* what leads on without a choice stands below each other */
	expect_function(&c, 1, "600B", "|-- parse");
	expect_function(&c, 2, "600B", "| - serve");
	expect_function(&c, 3, "600B", "|   main");
	canvas_done(&c);
	grid_done(&t);
	view_data_done(&w.data);
}

static void callers_step__open_close_all__rows(void **state)
{
	struct world w = world;
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){600, 200, 100, 100}, 4);
	grid_init(&t, &callers_kind, &w.data, SORT_OUTSTANDING);
	list_set_height(&t.list, 20);
	grid_update(&t);
	assert_int_equal(t.list.count, 6);
	callers_step(&t, CALLERS_CLOSE);
	assert_int_equal(t.list.count, 1);
	callers_step(&t, CALLERS_OPEN);
	assert_int_equal(t.list.count, 6);
	callers_step(&t, CALLERS_OPEN); /* open already: goes into it */
	assert_int_equal(t.list.selected, 1);
	callers_step(&t, CALLERS_CLOSE);
	assert_int_equal(t.list.count, 3);
	callers_step(&t, CALLERS_CLOSE); /* closed already: to its caller */
	assert_int_equal(t.list.selected, 0);
	callers_step(&t, CALLERS_ALL);
	assert_int_equal(t.list.count, 6);
	callers_step(&t, CALLERS_ALL);
	assert_int_equal(t.list.count, 1);
	callers_step(&t, CALLERS_TURN);
	assert_int_equal(t.list.count, 4);
	callers_step(&t, CALLERS_ALL);
	assert_int_equal(t.list.count, 3 + 3 + 4 + 2);
	grid_done(&t);
	view_data_done(&w.data);
}

static void callers_filter__sums_of_matching_stacks_alone(void **state)
{
	struct world w = world;
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){600, 200, 100, 100}, 4);
	grid_init(&t, &callers_kind, &w.data, SORT_OUTSTANDING);
	list_set_height(&t.list, 20);
	grid_filter(&t, "lib");
	assert_true(t.list.count > 0);
	assert_int_equal((int)t.kind->value(&t, 0, SORT_OUTSTANDING), 200);
	grid_filter(&t, "no such thing");
	assert_int_equal(t.list.count, 0);
	callers_step(&t, CALLERS_OPEN);
	callers_step(&t, CALLERS_CLOSE);
	grid_done(&t);
	view_data_done(&w.data);
}

static void modules_update__sums_by_module_of_the_function(void **state)
{
	struct world w = world;
	struct canvas c = {0};
	struct grid t;

	(void)state;
	world_fill(&w, (const uint64_t[]){600, 200, 100, 150, 0, 7}, 6);
	grid_init(&t, &modules_kind, &w.data, SORT_OUTSTANDING);
	grid_update(&t);
	canvas_resize(&c, 60, 12);
	grid_draw(&t, &c, 0, 12);
	assert_int_equal(t.list.count, 4);
	expect_function(&c, 1, "800B", "app");
	expect_function(&c, 2, "250B", "lib");
	expect_function(&c, 3, "7B", "[unknown]");
	canvas_done(&c);
	grid_done(&t);
	view_data_done(&w.data);
}

static void sites_update__with_a_baseline__changes_are_shown_and_sorted_by(void **state)
{
	struct change changes[] = {{.outstanding_bytes = -5, .outstanding_count = -1},
				   {.outstanding_bytes = 7, .outstanding_count = 2},
				   {.outstanding_bytes = 0}};
	struct world w = world;
	struct canvas c = {0};
	struct grid t;
	size_t i;

	(void)state;
	world_fill(&w, (const uint64_t[]){600, 20, 100}, 3);
	for (i = 0; i < 3; i++)
		w.sites[i].change = &changes[i];
	grid_init(&t, &sites_kind, &w.data, SORT_OUTSTANDING);
	grid_update(&t);
	canvas_resize(&c, 80, 5);
	grid_draw(&t, &c, 0, 5);
	assert_int_equal(selected_key(&t), 2);
	expect_has(&c, 1, "      +7B     +2");
	expect_has(&c, 2, "       0B      0");
	expect_has(&c, 3, "      -5B     -1");
	grid_done(&t);
	grid_init(&t, &callers_kind, &w.data, SORT_OUTSTANDING);
	grid_update(&t);
	grid_draw(&t, &c, 0, 5);
	expect_function(&c, 1, "+2B", "main");
	canvas_done(&c);
	grid_done(&t);
	view_data_done(&w.data);
}

static void call_tree_add__path_changes__old_nodes_vanish(void **state)
{
	uint32_t before[] = {1, 2}, after[] = {3, 2};
	struct path path = {.places = before, .count = 2, .version = 1};
	struct snapshot_site site = {.site = 1};
	struct call_tree t;

	(void)state;
	site.totals.outstanding_bytes = 5;
	call_tree_init(&t, true);
	call_tree_add(&t, &path, &site);
	call_tree_sum(&t);
	call_tree_set_all(&t, true);
	assert_true(call_tree_show(&t, SORT_OUTSTANDING, false));
	assert_int_equal(t.row_count, 2);
	assert_int_equal(t.nodes[t.rows[1].node].place, 1);
	path.places = after;
	path.version++;
	call_tree_clear(&t);
	call_tree_add(&t, &path, &site);
	call_tree_sum(&t);
	call_tree_show(&t, SORT_OUTSTANDING, false);
	assert_int_equal(t.row_count, 2);
	assert_int_equal(t.nodes[t.rows[1].node].place, 3);
	assert_int_equal(t.nodes[0].sums.amounts.bytes, 5);
	call_tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grid_update__order_changes__cursor_stays_on_its_row),
		cmocka_unit_test(grid_sort__by_column__first_row_and_unknown_column),
		cmocka_unit_test(grid_filter__part_of_any_frame__rows),
		cmocka_unit_test(grid_draw__hostile_names_any_size__cells_stay_clean),
		cmocka_unit_test(callers_draw__from_root_and_from_allocator__sums),
		cmocka_unit_test(callers_step__open_close_all__rows),
		cmocka_unit_test(callers_filter__sums_of_matching_stacks_alone),
		cmocka_unit_test(modules_update__sums_by_module_of_the_function),
		cmocka_unit_test(sites_update__with_a_baseline__changes_are_shown_and_sorted_by),
		cmocka_unit_test(call_tree_add__path_changes__old_nodes_vanish),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
