/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: what is written is what is read, and what is no recording is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../user/base/buffer.h"
#include "../../user/capture/block_coder.h"
#include "../../user/capture/file_block.h"
#include "../../user/capture/pack.h"
#include "../../user/capture/record.h"
#include "../../user/capture/replay.h"

/* xorshift: the same in every run */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct maker {
	uint64_t state, now;
	uint64_t live[256];
	struct buffer records;
	const struct event_header *list[20000];
	size_t starts[20000], count;
};

static void add(struct maker *m, const void *record, size_t bytes)
{
	assert_true(m->count < 20000);
	m->starts[m->count++] = m->records.length;
	buffer_add(&m->records, record, bytes);
	while (m->records.length % 8)
		buffer_add_char(&m->records, '\0');
}

static struct event_header head(struct maker *m, uint8_t type, size_t size)
{
	uint64_t v = draw(&m->state);
	struct event_header h = {.process = 1 + v % 3,
				 .tid = 100 + v / 7 % 5,
				 .size = (uint16_t)size,
				 .type = type,
				 .call = v / 100 % 30};

	/* mostly a little later, sometimes much later, sometimes before */
	m->now += v % 50 == 0 ? 1000000000 : v % 2000;
	h.time_ns = v % 97 == 0 ? m->now - 500 : m->now;
	return h;
}

static uint64_t make_address(struct maker *m)
{
	uint64_t v = draw(&m->state);

	if (v % 4)
		return m->live[v / 4 % 256];
	m->live[v / 4 % 256] = 0x7f0000000000 + (v >> 20 & 0xffffff) * (v % 3 ? 16 : 1);
	return m->live[v / 4 % 256];
}

static void add_random(struct maker *m)
{
	uint64_t v = draw(&m->state);
	struct event_alloc a = {.address = make_address(m), .bytes = v >> 40, .stack = v % 37};
	struct event_free f = {.address = make_address(m)};
	struct event_realloc r = {.address = v % 3 ? make_address(m) : 0,
				  .old_address = v % 5 ? make_address(m) : 0,
				  .bytes = v % 1000,
				  .stack = draw(&m->state)};
	struct event_range g = {.address = v & ~0xfffull, .old_bytes = 4096};
	struct {
		struct event_stack s;
		uint64_t pcs[3];
	} s = {.s = {.id = v, .frame_count = 3}, .pcs = {v, v + 1, v + 2}};

	switch (v % 16) {
	case 0:
		r.h = head(m, EVENT_REALLOC, sizeof(r));
		r.entry_ns = r.h.time_ns - v % 5000;
		add(m, &r, sizeof(r));
		break;
	case 1:
		g.h = head(m, EVENT_MUNMAP, sizeof(g));
		add(m, &g, sizeof(g));
		break;
	case 2:
		s.s.h = head(m, EVENT_STACK, sizeof(s));
		add(m, &s, sizeof(s));
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
		f.h = head(m, EVENT_FREE, sizeof(f));
		add(m, &f, sizeof(f));
		break;
	default:
		a.h = head(m, v % 16 == 8 ? EVENT_RESIZE : EVENT_ALLOC, sizeof(a));
		a.h.flags = v % 11 == 0 ? EVENT_F_FIXED : 0;
		add(m, &a, sizeof(a));
		break;
	}
}

static void make(struct maker *m, uint64_t seed, size_t count)
{
	*m = (struct maker){.state = seed, .now = 1000000000000};
	while (m->count < count)
		add_random(m);
	for (size_t i = 0; i < m->count; i++)
		m->list[i] = (const void *)(m->records.data + m->starts[i]);
}

static void code_and_compare(struct block_encoder *e, struct block_decoder *d,
			     const struct buffer *records)
{
	struct buffer payload = {0}, out = {0}, all = {0};
	struct block_facts facts;
	size_t at = 0;

	while (at < records->length) {
		size_t n = block_encoder_run(e, (const uint8_t *)records->data + at,
					     records->length - at, &payload, &facts);

		assert_true(n > 0);
		assert_int_equal(block_decoder_run(d, (const uint8_t *)payload.data, payload.length,
						   &facts, &out),
				 0);
		buffer_add(&all, out.data, out.length);
		at += n;
	}
	assert_int_equal(all.length, records->length);
	assert_memory_equal(all.data, records->data, all.length);
	buffer_done(&payload);
	buffer_done(&out);
	buffer_done(&all);
}

static void coder__random_records__the_same_again(void **state)
{
	static struct maker m;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct block_encoder *e = block_encoder_new();
		struct block_decoder *d = block_decoder_new();

		/* several blocks: what was learned goes on */
		for (uint64_t block = 0; block < 4; block++) {
			make(&m, seed * 1000 + block, 3000);
			code_and_compare(e, d, &m.records);
			buffer_done(&m.records);
		}
		block_encoder_free(e);
		block_decoder_free(d);
	}
}

/* More stacks and threads than the dictionaries hold. */
static void coder__dictionaries_full__the_same_again(void **state)
{
	struct block_encoder *e = block_encoder_new();
	struct block_decoder *d = block_decoder_new();
	struct buffer records = {0};
	uint64_t stack = 0;

	(void)state;
	for (int block = 0; block < 9; block++) {
		buffer_reset(&records);
		for (int i = 0; i < 20000; i++) {
			struct event_alloc a = {.h = {.time_ns = 5000 + stack,
						      .process = 1,
						      .tid = (uint32_t)stack * 3,
						      .size = sizeof(a),
						      .type = EVENT_ALLOC},
						.address = 16 * ++stack,
						.stack = stack * 0x9e3779b97f4a7c15ull,
						.bytes = 1};

			buffer_add(&records, &a, sizeof(a));
		}
		code_and_compare(e, d, &records);
	}
	buffer_done(&records);
	block_encoder_free(e);
	block_decoder_free(d);
}

/* What programs do all the time must take few bytes. */
static void coder__pairs_of_malloc_and_free__two_bytes_each(void **state)
{
	struct block_encoder *e = block_encoder_new();
	struct buffer records = {0}, payload = {0};
	struct block_facts facts;
	uint64_t random = 7, now = 1000;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct event_alloc a = {.h = {.process = 1,
					      .tid = 1,
					      .size = sizeof(a),
					      .type = EVENT_ALLOC,
					      .call = 1},
					.address = 0x5000 + 64 * (unsigned)(i % 8),
					.stack = 77,
					.bytes = 48};
		struct event_free f = {.h = {.process = 1,
					     .tid = 1,
					     .size = sizeof(f),
					     .type = EVENT_FREE,
					     .call = 11},
				       .address = a.address};

		a.h.time_ns = now += draw(&random) % 1024;
		f.h.time_ns = now += draw(&random) % 1024;
		buffer_add(&records, &a, sizeof(a));
		buffer_add(&records, &f, sizeof(f));
	}
	assert_int_equal(block_encoder_run(e, (const uint8_t *)records.data, records.length,
					   &payload, &facts),
			 records.length);
	assert_true(payload.length < 20000 * 2);
	buffer_done(&records);
	buffer_done(&payload);
	block_encoder_free(e);
}

/* Any byte may be wrong: an error or other records, but never one outside of the buffer. */
static void coder__hostile_payload__records_within_bounds(void **state)
{
	static struct maker m;
	struct block_encoder *e = block_encoder_new();
	struct buffer payload = {0}, out = {0};
	struct block_facts facts;
	uint64_t random = 99;

	(void)state;
	make(&m, 5, 500);
	block_encoder_run(e, (const uint8_t *)m.records.data, m.records.length, &payload, &facts);
	for (int i = 0; i < 3000; i++) {
		struct block_decoder *d = block_decoder_new();
		size_t place = draw(&random) % payload.length, cut = payload.length;
		char before = payload.data[place];

		payload.data[place] = (char)draw(&random);
		if (i % 3 == 0)
			cut = draw(&random) % payload.length;
		if (!block_decoder_run(d, (const uint8_t *)payload.data, cut, &facts, &out)) {
			for (size_t at = 0; at < out.length;) {
				const struct event_header *h = (const void *)(out.data + at);

				assert_true(out.length - at >= sizeof(*h));
				assert_true(out.length - at >= record_span(h));
				at += record_span(h);
			}
		}
		payload.data[place] = before;
		block_decoder_free(d);
	}
	buffer_done(&m.records);
	buffer_done(&payload);
	buffer_done(&out);
	block_encoder_free(e);
}

/* ---- files ---- */

static int memory_file(void)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void write_recording(int fd, struct maker *m, size_t notes)
{
	struct record *r = record_open(dup(fd), "about", 5, 0, 0);

	assert_non_null(r);
	for (size_t i = 0; i < m->count; i += 100) {
		size_t n = m->count - i < 100 ? m->count - i : 100;

		record_events(r, &m->list[i], n);
		if (i / 100 < notes)
			record_note(r, NOTE_CUT, "note", 4);
	}
	record_drain(r);
	record_block(r, RECORDING_NAMES, "names", 5);
	assert_int_equal(record_figures(r).lost_events, 0);
	assert_int_equal(record_close(r), 0);
}

struct seen {
	size_t events, notes, good;
	enum replay_end end;
};

/* Events in order, compared with those that were made. */
static struct seen read_all(struct replay *r, const struct maker *m)
{
	const struct event_header *records[64];
	struct seen seen = {0};
	size_t n;

	while ((n = replay_next(r, records, 64))) {
		for (size_t i = 0; i < n; i++) {
			if (replay_is_note(records[i])) {
				seen.notes++;
				continue;
			}
			if (seen.events < m->count &&
			    !memcmp(records[i], m->list[seen.events], records[i]->size))
				seen.good++;
			seen.events++;
		}
	}
	seen.end = replay_end(r);
	return seen;
}

static void replay__whole_file__all_records_and_names(void **state)
{
	static struct maker m;
	struct replay *r;
	struct unpack u;
	int fd = memory_file();
	struct seen seen;

	(void)state;
	make(&m, 11, 20000);
	write_recording(fd, &m, 7);
	assert_int_equal(replay_open(&r, fd), 0);
	u = replay_about(r);
	assert_int_equal(unpack_left(&u), 5);
	assert_memory_equal(u.at, "about", 5);
	assert_true(replay_has_names(r));
	assert_true(replay_names(r, true, &u));
	assert_memory_equal(u.at, "names", 5);
	assert_false(replay_names(r, false, &u));
	for (int turn = 0; turn < 2; turn++) {
		seen = read_all(r, &m);
		assert_int_equal(seen.events, m.count);
		assert_int_equal(seen.good, m.count);
		assert_int_equal(seen.notes, 7);
		assert_int_equal(seen.end, REPLAY_WHOLE);
		assert_int_equal(replay_rewind(r), 0);
	}
	replay_close(r);
	buffer_done(&m.records);
}

static void replay__cut_anywhere__good_up_to_there(void **state)
{
	static struct maker m;
	int fd = memory_file();
	off_t whole;

	(void)state;
	make(&m, 12, 2000);
	write_recording(fd, &m, 3);
	whole = lseek(fd, 0, SEEK_END);
	for (off_t size = whole - 1; size > 0; size -= size > 200 ? 97 : 1) {
		struct replay *r;
		int err;

		assert_int_equal(ftruncate(fd, size), 0);
		err = replay_open(&r, dup(fd));
		if (!err) {
			struct seen seen = read_all(r, &m);

			assert_int_equal(seen.end, REPLAY_TRUNCATED);
			assert_int_equal(seen.good, seen.events);
			replay_close(r);
		} else {
			assert_true(err == -ENODATA || err == -EBADMSG);
			assert_null(r);
		}
	}
	close(fd);
	buffer_done(&m.records);
}

static void replay__changed_byte__noticed(void **state)
{
	static struct maker m;
	int fd = memory_file();
	off_t whole;

	(void)state;
	make(&m, 13, 2000);
	write_recording(fd, &m, 3);
	whole = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < whole; at += 53) {
		struct replay *r;
		uint8_t byte, other;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		other = byte ^ 0x10;
		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		if (!replay_open(&r, dup(fd))) {
			struct seen seen = read_all(r, &m);

			assert_true(at >= 12 && at < 16 ? seen.end == REPLAY_WHOLE
							: seen.end != REPLAY_WHOLE);
			assert_int_equal(seen.good, seen.events);
			replay_close(r);
		}
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	buffer_done(&m.records);
}

static void replay__other_files__refused(void **state)
{
	struct recording_start newer = {.version = RECORDING_VERSION + 1};
	struct replay *r;
	int fd = memory_file();

	(void)state;
	assert_int_equal(replay_open(&r, dup(fd)), -ENODATA);
	assert_int_equal(write(fd, "time,elapsed_s,pid,comm\n", 24), 24);
	assert_int_equal(replay_open(&r, dup(fd)), -EBADMSG);
	memcpy(newer.magic, RECORDING_MAGIC, RECORDING_MAGIC_BYTES);
	assert_int_equal(pwrite(fd, &newer, sizeof(newer), 0), sizeof(newer));
	assert_int_equal(replay_open(&r, dup(fd)), -EPROTO);
	close(fd);
	assert_int_equal(replay_open(&r, open("/", O_RDONLY | O_CLOEXEC)), -ESPIPE);
}

/* ---- a writer that cannot write ---- */

static void record__full_disk__error_and_no_more(void **state)
{
	struct record *r = record_open(open("/dev/full", O_WRONLY | O_CLOEXEC), "about", 5, 0, 0);

	(void)state;
	assert_null(r);
	assert_int_equal(errno, ENOSPC);
}

/* A pipe that nobody reads stands for a disk that is too slow. */
static void record__disk_too_slow__events_counted_and_stacks_kept(void **state)
{
	static struct maker m;
	const struct event_header *records[64];
	struct record_figures f;
	struct buffer text = {0};
	struct replay *back;
	struct seen seen;
	size_t n, stacks = 0, stacks_back = 0;
	int ends[2], fd = memory_file();
	struct record *r;
	char piece[4096];
	ssize_t got;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	r = record_open(ends[1], "about", 5, 2, 0);
	assert_non_null(r);
	make(&m, 3, 20000);
	for (int turn = 0; turn < 8; turn++)
		for (size_t i = 0; i < m.count; i += 100)
			record_events(r, &m.list[i], 100);
	for (size_t i = 0; i < m.count; i++)
		stacks += m.list[i]->type == EVENT_STACK;
	f = record_figures(r);
	assert_int_equal(f.events, 8 * m.count);
	assert_true(f.lost_events > 0);
	record_flush(r);
	/* the reader wakes up; closing needs it, so that goes on in a child */
	if (fork() == 0) {
		close(ends[1]);
		while ((got = read(ends[0], piece, sizeof(piece))) > 0)
			buffer_add(&text, piece, (size_t)got);
		_exit(pwrite(fd, text.data, text.length, 0) == (ssize_t)text.length ? 0 : 1);
	}
	close(ends[0]);
	assert_int_equal(record_close(r), 0);
	assert_true(waitpid(-1, NULL, 0) > 0);
	assert_int_equal(replay_open(&back, fd), 0);
	seen = (struct seen){0};
	while ((n = replay_next(back, records, 64))) {
		for (size_t i = 0; i < n; i++) {
			stacks_back += records[i]->type == EVENT_STACK;
			seen.notes += replay_is_note(records[i]);
			seen.events += !replay_is_note(records[i]);
		}
	}
	assert_int_equal(replay_end(back), REPLAY_WHOLE);
	assert_int_equal(seen.events, f.events - f.lost_events);
	assert_int_equal(stacks_back, 8 * stacks);
	assert_true(seen.notes >= 1);
	replay_close(back);
	buffer_done(&m.records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coder__random_records__the_same_again),
		cmocka_unit_test(coder__dictionaries_full__the_same_again),
		cmocka_unit_test(coder__pairs_of_malloc_and_free__two_bytes_each),
		cmocka_unit_test(coder__hostile_payload__records_within_bounds),
		cmocka_unit_test(replay__whole_file__all_records_and_names),
		cmocka_unit_test(replay__cut_anywhere__good_up_to_there),
		cmocka_unit_test(replay__changed_byte__noticed),
		cmocka_unit_test(replay__other_files__refused),
		cmocka_unit_test(record__full_disk__error_and_no_more),
		cmocka_unit_test(record__disk_too_slow__events_counted_and_stacks_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
