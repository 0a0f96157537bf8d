/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/pprof.c, pprof_tables.c, gzip.c and arena.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "../../user/export/gzip.h"
#include "../../user/export/pprof.h"
#include "../../user/export/pprof_tables.h"
#include "../../user/symbol/image.h"

static struct image_segment segments[] = {
	{.offset = 0, .address = 0, .file_bytes = 0x1000},
	{.offset = 0x1040, .address = 0x3040, .file_bytes = 0x5000, .executable = true},
};
static struct image library = {.path = (char *)(uintptr_t) "/usr/lib/libx.so",
			       .name = "libx.so",
			       .build_id = {0xab, 0x01},
			       .build_id_size = 2,
			       .segments = segments,
			       .segment_count = 2};
static struct image program = {.path = (char *)(uintptr_t) "/bin/app", .name = "app"};

static struct frame_name frames[] = {
	{.pc = 0x7f3110,
	 .function = "small",
	 .image = &library,
	 .address = 0x3110,
	 .file = "x.c",
	 .line = 3,
	 .inlined = true},
	{.pc = 0x7f3110,
	 .function = "ns::large",
	 .symbol = "_ZN2ns5largeEv",
	 .image = &library,
	 .address = 0x3110,
	 .file = "x.c",
	 .line = 7},
	{.pc = 0x55501000, .function = "main", .image = &program, .address = 0x1000},
};
static struct frame_name stripped[] = {{.pc = 0x7f4000, .image = &library, .address = 0x4000},
				       {.pc = 0xdead},
				       {.pc = 0x9000, .function = "x\n\xff"}};

/* As the Go runtime has them: two calls in one line, of which nothing but names is known, or which are at one address. */
static struct frame_name one_call[] = {
	{.function = "one", .file = "g.go", .line = 70, .inlined = true},
	{.function = "line", .file = "m.go", .line = 9}};
static struct frame_name other_call[] = {
	{.function = "other", .file = "g.go", .line = 70, .inlined = true},
	{.function = "line", .file = "m.go", .line = 9}};

static struct frame_name one_place[] = {
	{.function = "one",
	 .image = &program,
	 .address = 0x2000,
	 .file = "g.go",
	 .line = 70,
	 .inlined = true},
	{.function = "line", .image = &program, .address = 0x1080, .file = "m.go", .line = 9}};
static struct frame_name other_place[] = {
	{.function = "other",
	 .image = &program,
	 .address = 0x2040,
	 .file = "g.go",
	 .line = 70,
	 .inlined = true},
	{.function = "line", .image = &program, .address = 0x1080, .file = "m.go", .line = 9}};

static const struct stack_names stacks[] = {
	{.frame_count = 3, .frames = frames},
	{.frame_count = 3, .frames = stripped},
	{.frame_count = 0},
	{.frame_count = 2, .frames = one_call},
	{.frame_count = 2, .frames = other_call},
	{.frame_count = 2, .frames = one_place},
	{.frame_count = 2, .frames = other_place},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

static int take(void *file, const char *data, size_t size)
{
	buffer_add(file, data, size);
	return 0;
}

static void gunzip(const struct buffer *in, struct buffer *out)
{
	z_stream z = {.next_in = (unsigned char *)in->data, .avail_in = (unsigned int)in->length};
	unsigned char piece[4096];
	int result;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	do {
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		result = inflate(&z, Z_NO_FLUSH);
		assert_true(result == Z_OK || result == Z_STREAM_END);
		buffer_add(out, piece, sizeof(piece) - z.avail_out);
	} while (result != Z_STREAM_END);
	inflateEnd(&z);
}

static struct snapshot_process process = {.pid = 4711, .comm = "app"};

static Pprof__Profile *profile_of(struct snapshot *s)
{
	const struct export_input in = {
		.snapshot = s, .realtime_ns = 1700000000123000000ull, .names = names};
	struct buffer written = {0}, plain = {0};
	struct sink sink = {.write = take, .file = &written};
	Pprof__Profile *p;

	s->processes = &process;
	s->process_count = 1;
	pprof_write(&sink, &in);
	take(&written, sink.text.data, sink.text.length);
	gunzip(&written, &plain);
	p = pprof__profile__unpack(NULL, plain.length, (const uint8_t *)plain.data);
	assert_non_null(p);
	buffer_done(&sink.text);
	buffer_done(&written);
	buffer_done(&plain);
	return p;
}

static void pprof_write__inlined_function__two_lines_of_one_location(void **state)
{
	struct snapshot_site site = {.call = CALL_ID_MALLOC,
				     .totals = {10, 1, 30, 3, 20, 2, 25, 1}};
	struct snapshot s = {.sites = &site, .site_count = 1, .elapsed_s = 1.5};
	Pprof__Profile *p = profile_of(&s);
	const Pprof__Location *l;
	const Pprof__Mapping *m;
	const Pprof__Function *f;

	(void)state;
	assert_int_equal(p->n_sample, 1);
	assert_int_equal(p->sample[0]->n_value, 4);
	assert_int_equal(p->sample[0]->value[0], 3);
	assert_int_equal(p->sample[0]->value[1], 30);
	assert_int_equal(p->sample[0]->value[2], 1);
	assert_int_equal(p->sample[0]->value[3], 10);
	assert_int_equal(p->sample[0]->n_location_id, 2);
	assert_int_equal(p->n_location, 2);
	l = p->location[p->sample[0]->location_id[0] - 1];
	assert_int_equal(l->n_line, 2);
	assert_int_equal(l->line[0]->line, 3);
	f = p->function[l->line[1]->function_id - 1];
	assert_string_equal(p->string_table[f->name], "ns::large");
	assert_string_equal(p->string_table[f->system_name], "_ZN2ns5largeEv");
	assert_string_equal(p->string_table[f->filename], "x.c");
	/* the program is the first mapping, though a frame of the library came first */
	assert_string_equal(p->string_table[p->mapping[0]->filename], "/bin/app");
	assert_string_equal(p->string_table[p->mapping[0]->build_id], "");
	m = p->mapping[l->mapping_id - 1];
	assert_string_equal(p->string_table[m->build_id], "ab01");
	assert_int_equal(m->file_offset, 0x1000);
	/* the call is in the byte before the return address, 0x10f behind the page of 0x3000 */
	assert_int_equal(l->address - m->memory_start, 0x10f);
	assert_true(m->memory_limit > l->address);
	assert_true(m->has_functions && m->has_line_numbers && !p->mapping[0]->has_filenames);
	assert_int_equal(p->time_nanos, 1700000000123000000ll);
	assert_int_equal(p->duration_nanos, 1500000000);
	assert_int_equal(p->period, 1);
	pprof__profile__free_unpacked(p, NULL);
}

static void pprof_write__code_without_names__addresses(void **state)
{
	struct snapshot_site sites[2] = {{.stack = 1, .call = 255, .process = 7}, {.stack = 2}};
	struct snapshot s = {.sites = sites, .site_count = 2, .sampled = true, .sample_bytes = 512};
	Pprof__Profile *p = profile_of(&s);

	(void)state;
	assert_int_equal(p->n_location, 4);
	assert_int_equal(p->location[0]->n_line, 0);
	assert_false(p->mapping[0]->has_functions);
	assert_int_equal(p->location[1]->mapping_id, 0);
	assert_int_equal(p->location[1]->address, 0xdeac);
	assert_string_equal(p->string_table[p->function[0]->name], "x??");
	assert_string_equal(p->string_table[p->function[1]->name], "[unknown]");
	assert_int_equal(p->sample[0]->n_label, 0);
	assert_int_equal(p->sample[1]->label[0]->num, 4711);
	assert_int_equal(p->period, 512);
	pprof__profile__free_unpacked(p, NULL);
}

static void told_apart(uint32_t first, uint32_t second)
{
	struct snapshot_site sites[3] = {
		{.stack = first}, {.stack = second}, {.stack = first, .call = 1}};
	struct snapshot s = {.sites = sites, .site_count = 3};
	Pprof__Profile *p = profile_of(&s);
	const Pprof__Location *one = p->location[p->sample[0]->location_id[0] - 1],
			      *other = p->location[p->sample[1]->location_id[0] - 1];

	assert_int_equal(p->n_location, 2);
	assert_int_equal(p->sample[2]->location_id[0], p->sample[0]->location_id[0]);
	assert_string_equal(p->string_table[p->function[one->line[0]->function_id - 1]->name],
			    "one");
	assert_string_equal(p->string_table[p->function[other->line[0]->function_id - 1]->name],
			    "other");
	pprof__profile__free_unpacked(p, NULL);
}

static void pprof_write__two_inlined_calls_in_one_line__told_apart(void **state)
{
	(void)state;
	told_apart(3, 4);
}

static void pprof_write__two_inlined_calls_at_one_address__told_apart(void **state)
{
	(void)state;
	told_apart(5, 6);
}

static void pprof_write__many_sites__tables_hold_each_thing_once(void **state)
{
	const size_t count = 5000;
	struct snapshot s = {.sites = calloc(count, sizeof(*s.sites)), .site_count = count};
	Pprof__Profile *p;
	uint64_t sum = 0;
	size_t i;

	(void)state;
	assert_non_null(s.sites);
	for (i = 0; i < count; i++) {
		s.sites[i].stack = i % 3;
		s.sites[i].totals.outstanding_bytes = i;
	}
	s.sites[0].totals.alloc_bytes = UINT64_MAX;
	p = profile_of(&s);
	assert_int_equal(p->n_sample, count);
	assert_int_equal(p->n_location, 6);
	assert_int_equal(p->n_function, 5);
	assert_int_equal(p->n_mapping, 2);
	for (i = 0; i < count; i++)
		sum += (uint64_t)p->sample[i]->value[3];
	assert_int_equal(sum, count * (count - 1) / 2);
	assert_int_equal(p->sample[0]->value[1], INT64_MAX);
	pprof__profile__free_unpacked(p, NULL);
	free(s.sites);
}

/* More than zlib gives at once, and more than a sink keeps. */
static void gzip_add__large_and_random__comes_back(void **state)
{
	const size_t size = 3u << 20;
	struct buffer written = {0}, plain = {0};
	struct sink sink = {.write = take, .file = &written};
	unsigned char *data = malloc(size);
	uint32_t random = 1;
	struct gzip g;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (unsigned char)((random = random * 1664525 + 1013904223) >> 24);
	gzip_begin(&g, &sink);
	gzip_add(&g, data, size / 3);
	gzip_add(&g, data + size / 3, size - size / 3);
	gzip_end(&g);
	assert_true(written.length > 2u << 20);
	take(&written, sink.text.data, sink.text.length);
	gunzip(&written, &plain);
	assert_int_equal(plain.length, size);
	assert_memory_equal(plain.data, data, size);
	free(data);
	buffer_done(&sink.text);
	buffer_done(&written);
	buffer_done(&plain);
}

static void arena_get__small_and_large__zeros_that_do_not_overlap(void **state)
{
	struct arena a = {0};
	unsigned char *v[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		size_t size = i == 100 ? 1u << 20 : 1 + i * 7;

		v[i] = arena_get(&a, size, 1);
		assert_int_equal((uintptr_t)v[i] % 16, 0);
		for (size_t j = 0; j < size; j++)
			assert_int_equal(v[i][j], 0);
		memset(v[i], (int)i | 1, size);
	}
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(v[i][0], (unsigned char)(i | 1));
	arena_done(&a);
	assert_null(a.pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pprof_write__inlined_function__two_lines_of_one_location),
		cmocka_unit_test(pprof_write__two_inlined_calls_in_one_line__told_apart),
		cmocka_unit_test(pprof_write__two_inlined_calls_at_one_address__told_apart),
		cmocka_unit_test(pprof_write__code_without_names__addresses),
		cmocka_unit_test(pprof_write__many_sites__tables_hold_each_thing_once),
		cmocka_unit_test(gzip_add__large_and_random__comes_back),
		cmocka_unit_test(arena_get__small_and_large__zeros_that_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
