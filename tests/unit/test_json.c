/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/json.c and what it is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/baseline.h"
#include "../../user/export/intern.h"
#include "../../user/export/json.h"
#include "../../user/export/json_text.h"
#include "../../user/symbol/image.h"

static struct image image = {.path = (char *)(uintptr_t) "/usr/lib/libx.so",
			     .build_id = {0xab, 0x01},
			     .build_id_size = 2};
static struct frame_name frames[] = {
	{.pc = 0x1010,
	 .function = "small",
	 .offset = 1,
	 .module = "libx.so",
	 .image = &image,
	 .address = 0x10,
	 .file = "x.c",
	 .line = 3,
	 .inlined = true},
	{.pc = 0x1010,
	 .function = "ns::large",
	 .symbol = "_ZN2ns5largeEv",
	 .offset = 9,
	 .module = "libx.so",
	 .image = &image,
	 .address = 0x10},
	{.pc = 0xdead},
};
static struct frame_name hostile[] = {
	{.pc = 1, .function = "x\n\xff\",\\y\xe2\x80\xae", .module = "m\x1b"}};

static const struct stack_names stacks[] = {
	{.site_id = 0xabc, .frame_count = 3, .frames = frames, .type = "[]x\"y"},
	{.site_id = 1, .frame_count = 1, .frames = hostile},
	{.site_id = 2},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

struct fixture {
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site sites[3];
	struct sink sink;
	struct buffer written;
};

static int take(void *file, const char *data, size_t size)
{
	buffer_add(file, data, size);
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->s.elapsed_s = 1.5;
	f->s.processes = &f->process;
	f->s.time_ns = 9000000000ull;
	f->process.peak_ns = 8500000000ull;
	f->s.process_count = 1;
	f->s.tracer_rss_bytes = UINT64_MAX;
	f->process.pid = 4711;
	f->process.rss_bytes = UINT64_MAX;
	strcpy(f->process.comm, "a\"p");
	f->s.sites = f->sites;
	f->s.site_count = 1;
	f->sites[0] = (struct snapshot_site){
		.call = CALL_ID_MALLOC,
		.rank = 1,
		.totals = {10, 1, 30, 3, 20, 2, 25, 1},
		.frees_per_s = 2.5,
		.growth_bytes_per_s = -0.125,
		.score = (double)NAN,
		.verdict = VERDICT_LEAK,
		.oldest_s = -1,
		.version = 5,
	};
	f->sink = (struct sink){.write = take, .file = &f->written};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	buffer_done(&f->sink.text);
	buffer_done(&f->written);
	free(f);
	return 0;
}

static const char *line(struct fixture *f, uint64_t since)
{
	const struct export_input in = {.snapshot = &f->s,
					.realtime_ns = 1700000000123000000ull,
					.since_version = since,
					.names = names};

	json_write(&f->sink, &in);
	take(&f->written, f->sink.text.data, f->sink.text.length);
	return f->written.data;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
}

static void json_write__one_site__all_of_it(void **state)
{
	const char *text = line(*state, 0);

	assert_has(text, "{\"version\":1,\"time\":\"2023-11-14T22:13:20.123Z\",\"elapsed_s\":1.5,"
			 "\"complete\":true,\"tracer\":{");
	assert_has(text, "\"sample_bytes\":null,\"baseline_s\":null,\"coverage\":null,\"cost\":"
			 "null,\"lost_events\":0");
	assert_has(text, "\"processes\":[{\"pid\":4711,\"comm\":\"a\\\"p\",\"ended\":false,");
	assert_has(text, ",\"peak_s\":1,\"mapped_bytes\":");
	assert_has(
		text,
		"\"sites\":[{\"site\":\"0000000000000abc\",\"process\":0,\"pid\":4711,\"rank\":1,"
		"\"api\":\"malloc\",\"class\":\"heap\",\"outstanding_bytes\":10,"
		"\"outstanding_count\":1,\"alloc_bytes\":30,\"alloc_count\":3,\"free_bytes\":20,"
		"\"free_count\":2,\"peak_bytes\":25,\"temporary_count\":1,\"allocs_per_s\":0,"
		"\"frees_per_s\":2.5,"
		"\"growth_bytes_per_s\":-0.125,\"leak_score\":null,\"verdict\":\"leak\","
		"\"oldest_s\":null,\"intervals\":null,");
	assert_has(text, "\"change\":null,\"type\":\"[]x\\\"y\",\"function\":\"small\","
			 "\"module\":\"libx.so\",\"source\":\"x.c\",\"line\":3,\"stack\":[0,1,2],");
	assert_has(text, "\"frames\":[{\"function\":\"small\",\"offset\":1,\"module\":0,"
			 "\"address\":\"0x10\",\"source\":\"x.c\",\"line\":3,\"inlined\":true},"
			 "{\"function\":\"ns::large\",\"symbol\":\"_ZN2ns5largeEv\",\"offset\":9,"
			 "\"module\":0,\"address\":\"0x10\",\"source\":null,\"line\":null,"
			 "\"inlined\":false},{\"function\":null,\"offset\":0,\"module\":null,"
			 "\"address\":\"0xdead\",");
	assert_has(text, "\"modules\":[{\"name\":\"libx.so\",\"path\":\"/usr/lib/libx.so\","
			 "\"build_id\":\"ab01\"}]}\n");
}

static void json_write__same_frames_twice__written_once(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->sites[2] = f->sites[1] = f->sites[0];
	f->sites[2].stack = 1;
	f->s.site_count = 3;
	text = line(f, 0);
	assert_has(text, "\"stack\":[3]");
	text = strstr(text, "\"stack\":[0,1,2]");
	assert_non_null(text);
	assert_has(text + 1, "\"stack\":[0,1,2]");
	assert_null(strstr(strstr(text, "\"ns::large\"") + 1, "\"ns::large\""));
}

static void json_write__not_changed__left_out(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->sites[1] = f->sites[0];
	f->sites[1].stack = 2;
	f->sites[1].version = 6;
	f->s.site_count = 2;
	text = line(f, 5);
	assert_has(text, "\"complete\":false");
	assert_has(text, "\"sites\":[{\"site\":\"0000000000000002\"");
	assert_has(text,
		   "\"stack\":[],\"stack_remark\":\"[stack not known: lost]\"}],\"frames\":[],"
		   "\"modules\":[]}\n");
}

static void json_write__hostile_names__valid_text(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->sites[0].stack = 1;
	text = line(f, 0);
	assert_has(text, "\"function\":\"x??\\\",\\\\y?\",\"module\":\"m?\"");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

/* Larger than what is kept in memory: the pieces make the same line. */
static void json_write__very_many_sites__one_line(void **state)
{
	struct fixture *f = *state;
	const size_t count = 20000;
	size_t sites = 0;
	const char *text;

	f->s.sites = calloc(count, sizeof(*f->s.sites));
	assert_non_null(f->s.sites);
	f->s.site_count = count;
	for (size_t i = 0; i < count; i++)
		f->s.sites[i] = f->sites[0];
	text = line(f, 0);
	for (const char *at = text; (at = strstr(at, "{\"site\":")); at++, sites++)
		assert_true(at[-1] == (sites ? ',' : '['));
	assert_int_equal(sites, count);
	assert_true(f->written.length > 4u << 20);
	assert_ptr_equal(strchr(text, '\n'), text + f->written.length - 1);
	free(f->s.sites);
}

static bool lifetimes(void *context, uint32_t site, struct lifetimes *out)
{
	(void)context;
	*out = (struct lifetimes){.ages = {.v = {7}}, .sizes = {.v = {[4] = 2, [39] = 1}}};
	return site == 17;
}

static void json_write__more_facts__there(void **state)
{
	struct fixture *f = *state;
	struct change change = {.outstanding_bytes = -5, .alloc_count = 3};
	const struct export_input in = {.snapshot = &f->s, .names = names, .lifetimes = lifetimes};

	f->sites[0].site = 17;
	f->sites[0].verdict = VERDICT_NONE;
	f->sites[0].watched_s = 20;
	f->sites[0].bytes_trend = (struct trend){.slope = 2.5, .low = 1, .high = 4, .p = 0.0004};
	f->process.watched_s = 30;
	f->process.bytes_trend = (struct trend){.slope = 7, .low = 6, .high = 8, .p = 0.5};
	f->process.blocks_trend = (struct trend){.slope = 1, .low = 0, .high = 2, .p = 0.25};
	f->sites[0].survival = (struct survival){.age_s = 20, .elders = 9, .alive = 8};
	f->sites[0].lifetimes.median_s = 0.0000025;
	f->sites[0].change = &change;
	f->s.changes = &change;
	f->s.baseline_s = 2;
	f->process.exhaustion = (struct exhaustion){.known = true,
						    .kind = LIMIT_CGROUP,
						    .limit_bytes = 100,
						    .left_bytes = 50,
						    .seconds = 25};
	f->process.beside =
		(struct beside){.known = true,
				.now = {.rss = 4096, .shared = 1024, .pss = MEMORY_UNKNOWN},
				.parts = {[BESIDE_HEAP] = {.known = true, .now = 5000}}};
	json_write(&f->sink, &in);
	assert_has(f->sink.text.data, "\"baseline_s\":2,");
	assert_has(f->sink.text.data, "\"verdict\":null,");
	assert_has(f->sink.text.data, "\"reasons\":\"");
	assert_has(f->sink.text.data, "\"watched_s\":20,\"bytes_trend\":{\"slope\":2.5,\"low\":1,"
				      "\"high\":4,\"p\":0.0004},");
	assert_has(f->sink.text.data,
		   "\"watched_s\":30,\"bytes_trend\":{\"slope\":7,\"low\":6,\"high\":8,\"p\":0.5},"
		   "\"blocks_trend\":{\"slope\":1,\"low\":0,\"high\":2,\"p\":0.25}");
	assert_has(f->sink.text.data, "\"survival\":{\"age_s\":20,\"elders\":9,\"alive\":8},");
	assert_has(f->sink.text.data, "\"median_lifetime_s\":0.0000025,");
	assert_has(f->sink.text.data, "\"lifetimes\":[[0,7]],\"sizes\":[[16,2],[549755813888,1]],");
	assert_has(f->sink.text.data, "\"change\":{\"outstanding_bytes\":-5,");
	assert_has(f->sink.text.data, "\"exhaustion\":{\"limit\":\"cgroup\",\"limit_bytes\":100,"
				      "\"left_bytes\":50,\"seconds\":25}");
	assert_has(f->sink.text.data, "\"rss_bytes\":4096,\"anonymous_bytes\":0,");
	assert_has(f->sink.text.data, "\"pss_bytes\":null}");
	assert_has(f->sink.text.data,
		   "\"growth_by_heap_bytes\":3072,\"growth_by_go_bytes\":0,\"growth_by_files_"
		   "bytes\":0,"
		   "\"growth_by_shared_bytes\":1024,\"growth_unexplained_bytes\":0,"
		   "\"growth_not_resident_bytes\":1928,");
}

static void json_write__sampled__intervals(void **state)
{
	struct fixture *f = *state;
	struct uncertain u = {.sample_bytes = 100};
	const char *text;

	f->s.sampled = true;
	f->s.sample_bytes = 100;
	f->sites[0].uncertain = &u;
	text = line(f, 0);
	assert_has(text, "\"sample_bytes\":100");
	assert_has(text, "\"intervals\":{\"outstanding_bytes\":[");
}

static void intern_put__again__same_number(void **state)
{
	struct intern n = {0};
	size_t length;
	char text[16];
	bool added;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 1000; i++) {
			int size = snprintf(text, sizeof(text), "%u", i);

			assert_int_equal(intern_put(&n, text, (size_t)size, &added), i);
			assert_int_equal(added, round == 0);
		}
	}
	assert_int_equal(intern_put(&n, "", 0, NULL), 1000);
	assert_int_equal(intern_put(&n, "1\0", 2, NULL), 1001);
	assert_string_equal(intern_text(&n, 17, &length), "17");
	assert_int_equal(length, 2);
	intern_done(&n);
	assert_int_equal(n.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(json_write__one_site__all_of_it),
		TEST(json_write__same_frames_twice__written_once),
		TEST(json_write__not_changed__left_out),
		TEST(json_write__hostile_names__valid_text),
		TEST(json_write__very_many_sites__one_line),
		TEST(json_write__sampled__intervals),
		TEST(json_write__more_facts__there),
		cmocka_unit_test(intern_put__again__same_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
