// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/facts.h"
#include "../../user/view/report_go_pools.h"

static struct go_pools_figures figures_of(const struct go_pool *pools, size_t count)
{
	struct go_pools_figures f = {.known = true,
				     .lists = true,
				     .sees_calls = true,
				     .sees_misses = true,
				     .slices = 2,
				     .covered_ns = 2000000000,
				     .count = count};

	f.v = calloc(count + 1, sizeof(*f.v));
	assert_non_null(f.v);
	memcpy(f.v, pools, count * sizeof(*f.v));
	return f;
}

static struct go_pool busy_pool(void)
{
	struct go_pool pool = {.gets = 1000, .puts = 1000, .misses = 20, .made = 20};

	pool.facts = (struct go_pool_facts){.address = 0x1000, .listed = true, .has_new = true};
	strcpy(pool.facts.name, "main.pool");
	return pool;
}

static const char *advice(const struct go_pool *pool, struct buffer *out)
{
	struct go_pools_figures f = figures_of(pool, 1);

	buffer_reset(out);
	buffer_add(out, "", 0);
	go_pool_add_advice(&f, &f.v[0], out);
	go_pools_figures_done(&f);
	return out->data;
}

static void go_pool_hit_rate__counts__score_interval(void **state)
{
	struct go_pool pool = busy_pool();
	struct go_pools_figures f = figures_of(&pool, 1);
	struct interval range;
	double rate;

	(void)state;
	assert_true(go_pool_hit_rate(&f, &f.v[0], &rate, &range));
	/* the solutions x of (0.98 - x)^2 = 1.96^2 x (1 - x) / 1000 */
	assert_true(rate > 0.97999 && rate < 0.98001);
	assert_true(range.low > 0.96930 && range.low < 0.96932);
	assert_true(range.high > 0.98701 && range.high < 0.98703);
	f.v[0].misses = 1001; /* its get was before the slice */
	assert_true(go_pool_hit_rate(&f, &f.v[0], &rate, &range));
	assert_true(rate >= 0 && range.low >= 0);
	f.v[0].gets = 0;
	assert_false(go_pool_hit_rate(&f, &f.v[0], &rate, &range));
	f.v[0].gets = 5;
	f.sees_misses = false;
	assert_false(go_pool_hit_rate(&f, &f.v[0], &rate, &range));
	go_pools_figures_done(&f);
}

static void go_pool_add_advice__each_fault__is_named(void **state)
{
	struct go_pool pool = busy_pool();
	struct buffer out = {0};

	(void)state;
	assert_string_equal(advice(&pool, &out), "");
	pool.misses = 900;
	assert_non_null(strstr(advice(&pool, &out), "collections empty it"));
	pool.puts = 100;
	assert_non_null(strstr(advice(&pool, &out), "not put back"));
	pool.misses = 490; /* is it less than half? */
	assert_string_equal(advice(&pool, &out), "");
	pool.puts = 1200;
	assert_non_null(strstr(advice(&pool, &out), "more is put than taken"));
	pool = busy_pool();
	pool.gets = pool.puts = pool.misses = 3;
	assert_string_equal(advice(&pool, &out), "");
	pool.facts.plain = true;
	pool.facts.bytes = 16;
	assert_non_null(strstr(advice(&pool, &out), "so small"));
	pool.facts.plain = false;
	assert_string_equal(advice(&pool, &out), "");
	pool.facts.by_value = true;
	strcpy(pool.facts.type, "[]uint8");
	assert_non_null(strstr(advice(&pool, &out), "no pointer"));
	buffer_done(&out);
}

static void go_pool_add_name__what_is_known__in_turn(void **state)
{
	struct go_pool pool = busy_pool();
	struct buffer out = {0};

	(void)state;
	strcpy(pool.facts.made_by, "main.newBuffer");
	strcpy(pool.facts.type, "*main.buffer");
	go_pool_add_name(&pool, &out);
	assert_string_equal(out.data, "main.pool");
	pool.facts.name[0] = '\0';
	buffer_reset(&out);
	go_pool_add_name(&pool, &out);
	assert_string_equal(out.data, "of main.newBuffer");
	pool.facts.made_by[0] = '\0';
	buffer_reset(&out);
	go_pool_add_name(&pool, &out);
	assert_string_equal(out.data, "of *main.buffer");
	pool.facts.type[0] = '\0';
	buffer_reset(&out);
	go_pool_add_name(&pool, &out);
	assert_string_equal(out.data, "unknown at 0x1000");
	buffer_done(&out);
}

static void go_pools_figures_sort__too_many__the_rest_is_counted(void **state)
{
	struct go_pool pools[GO_POOLS_KEPT + 3] = {0};
	struct go_pools_figures f;
	size_t i;

	(void)state;
	for (i = 0; i < GO_POOLS_KEPT + 3; i++)
		pools[i] = (struct go_pool){.facts = {.address = i + 1}, .gets = i};
	f = figures_of(pools, GO_POOLS_KEPT + 3);
	go_pools_figures_sort(&f);
	assert_int_equal(f.count, GO_POOLS_KEPT);
	assert_int_equal(f.left_out, 3);
	assert_int_equal(f.v[0].gets, GO_POOLS_KEPT + 2);
	assert_int_equal(f.v[GO_POOLS_KEPT - 1].gets, 3);
	go_pools_figures_done(&f);
}

/* ---- recordings ---- */

static void facts_pack__pools__are_the_same_again(void **state)
{
	struct go_pool pools[2] = {busy_pool(), {.facts = {.address = 7, .bytes = 9}, .puts = 3}};
	struct facts f = {.time_ns = 5}, again;
	struct process_facts *p = facts_add_process(&f);
	struct buffer bytes = {0};
	struct unpack u;

	(void)state;
	p->number = 1;
	p->go_pools = figures_of(pools, 2);
	p->go_pools.lost = 4;
	facts_pack(&f, &bytes);
	u = (struct unpack){(const uint8_t *)bytes.data, (const uint8_t *)bytes.data + bytes.length,
			    false};
	assert_true(facts_unpack(&again, &u));
	assert_int_equal(again.process_count, 1);
	assert_int_equal(again.processes[0].go_pools.count, 2);
	assert_int_equal(again.processes[0].go_pools.covered_ns, 2000000000);
	assert_int_equal(again.processes[0].go_pools.lost, 4);
	assert_true(again.processes[0].go_pools.known);
	assert_memory_equal(again.processes[0].go_pools.v, p->go_pools.v, sizeof(pools));
	facts_done(&again);
	facts_done(&f);
	buffer_done(&bytes);
}

static void facts_unpack__hostile_pools__nothing_beyond(void **state)
{
	struct go_pool pool = busy_pool();
	struct facts f = {.time_ns = 5}, again;
	struct process_facts *p = facts_add_process(&f);
	struct buffer bytes = {0};
	size_t i;

	(void)state;
	p->number = 1;
	p->go_pools = figures_of(&pool, 1);
	facts_pack(&f, &bytes);
	for (i = 0; i < bytes.length * 8; i++) {
		struct unpack u = {(const uint8_t *)bytes.data,
				   (const uint8_t *)bytes.data + bytes.length, false};

		bytes.data[i / 8] ^= (char)(1 << i % 8);
		if (facts_unpack(&again, &u)) {
			for (size_t k = 0; k < again.process_count; k++)
				assert_true(again.processes[k].go_pools.count <= GO_POOLS_KEPT);
		}
		facts_done(&again);
		bytes.data[i / 8] ^= (char)(1 << i % 8);
	}
	facts_done(&f);
	buffer_done(&bytes);
}

/* ---- the report ---- */

static void report_add_go_pools__figures__in_words(void **state)
{
	struct go_pool pool = busy_pool();
	struct snapshot_process p = {.pid = 12, .comm = "server"};
	struct buffer out = {0};

	(void)state;
	report_add_go_pools(&out, &p, 10, false);
	assert_int_equal(out.length, 0);
	strcpy(pool.facts.name, "main.pool\x1b[2J");
	p.go_pools = figures_of(&pool, 1);
	p.go_pools.race = true;
	report_add_go_pools(&out, &p, 10, true);
	assert_string_equal(out.data,
			    "\t(12 server: 1 pools (sync.Pool); their calls were counted in 2 "
			    "slices of the time, 2.00 s; built with -race, which drops one Put in "
			    "four)\n"
			    "\t500 gets/s, 500 puts/s, 98.0% hits (96.9..98.7): pool "
			    "main.pool?[2J\n"
			    "\t\t[at 0x1000, New is not known; 1000 gets, 1000 puts, 20 misses, 20 "
			    "calls of New]\n");
	go_pools_figures_done(&p.go_pools);
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_pool_hit_rate__counts__score_interval),
		cmocka_unit_test(go_pool_add_advice__each_fault__is_named),
		cmocka_unit_test(go_pool_add_name__what_is_known__in_turn),
		cmocka_unit_test(go_pools_figures_sort__too_many__the_rest_is_counted),
		cmocka_unit_test(facts_pack__pools__are_the_same_again),
		cmocka_unit_test(facts_unpack__hostile_pools__nothing_beyond),
		cmocka_unit_test(report_add_go_pools__figures__in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
