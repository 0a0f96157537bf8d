/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/apply.c and what it calls: written event lists, and random ones against a
 * plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"

#define MS	1000000ull
#define PAGE	4096ull
#define PARENT	1u
#define CHILD	2u
#define A	0x1000ull
#define B	0x2000ull
#define STACK_1 11ull
#define STACK_2 22ull

static struct event_header header(uint8_t type, uint8_t call, size_t size, uint64_t time_ns)
{
	return (struct event_header){
		.time_ns = time_ns,
		.process = PARENT,
		.tid = 100,
		.size = (uint16_t)size,
		.type = type,
		.call = call,
	};
}

static struct event_alloc alloc_event(uint64_t time_ns, uint64_t address, uint64_t bytes,
				      uint64_t stack)
{
	return (struct event_alloc){
		.h = header(EVENT_ALLOC, CALL_ID_MALLOC, sizeof(struct event_alloc), time_ns),
		.address = address,
		.bytes = bytes,
		.stack = stack,
	};
}

static void alloc_by(struct heap *h, uint32_t process, uint32_t tid, uint64_t time_ns,
		     uint64_t address, uint64_t bytes)
{
	struct event_alloc e = alloc_event(time_ns, address, bytes, STACK_1);

	e.h.process = process;
	e.h.tid = tid;
	heap_apply(h, &e.h);
}

static void alloc(struct heap *h, uint64_t time_ns, uint64_t address, uint64_t bytes,
		  uint64_t stack)
{
	struct event_alloc e = alloc_event(time_ns, address, bytes, stack);

	heap_apply(h, &e.h);
}

static void release_by(struct heap *h, uint32_t process, uint64_t time_ns, uint64_t address)
{
	struct event_free e = {
		.h = header(EVENT_FREE, CALL_ID_FREE, sizeof(e), time_ns),
		.address = address,
	};

	e.h.process = process;
	heap_apply(h, &e.h);
}

static void release(struct heap *h, uint64_t time_ns, uint64_t address)
{
	release_by(h, PARENT, time_ns, address);
}

static void resize(struct heap *h, uint64_t time_ns, uint64_t address, uint64_t bytes)
{
	struct event_alloc e = alloc_event(time_ns, address, bytes, 0);

	e.h.type = EVENT_RESIZE;
	e.h.call = CALL_ID_XALLOCX;
	heap_apply(h, &e.h);
}

/* realloc(old) that was entered at entry_ns and returned at time_ns, from STACK_2. */
static void reallocate(struct heap *h, uint64_t entry_ns, uint64_t time_ns, uint64_t old,
		       uint64_t address, uint64_t bytes)
{
	struct event_realloc e = {
		.h = header(EVENT_REALLOC, CALL_ID_REALLOC, sizeof(e), time_ns),
		.address = address,
		.bytes = bytes,
		.stack = STACK_2,
		.old_address = old,
		.entry_ns = entry_ns,
	};

	heap_apply(h, &e.h);
}

static void map(struct heap *h, uint64_t time_ns, uint64_t page, uint64_t bytes, uint32_t flags)
{
	struct event_alloc e = alloc_event(time_ns, page * PAGE, bytes, STACK_1);

	e.h.type = EVENT_MMAP;
	e.h.call = CALL_ID_MMAP;
	e.h.flags = flags;
	heap_apply(h, &e.h);
}

static void unmap(struct heap *h, uint64_t entry_ns, uint64_t time_ns, uint64_t page,
		  uint64_t bytes)
{
	struct event_range e = {
		.h = header(EVENT_MUNMAP, CALL_ID_MUNMAP, sizeof(e), time_ns),
		.old_address = page * PAGE,
		.old_bytes = bytes,
		.entry_ns = entry_ns,
	};

	heap_apply(h, &e.h);
}

static void remap(struct heap *h, uint64_t entry_ns, uint64_t time_ns, uint64_t old_page,
		  uint64_t old_bytes, uint64_t page, uint64_t bytes)
{
	struct event_range e = {
		.h = header(EVENT_MREMAP, CALL_ID_MREMAP, sizeof(e), time_ns),
		.address = page * PAGE,
		.bytes = bytes,
		.stack = STACK_2,
		.old_address = old_page * PAGE,
		.old_bytes = old_bytes,
		.entry_ns = entry_ns,
	};

	heap_apply(h, &e.h);
}

static void send_stack(struct heap *h, uint32_t process, uint64_t id, uint64_t first_pc,
		       uint32_t count)
{
	union {
		struct event_stack e;
		uint64_t room[(sizeof(struct event_stack) / 8) + STACK_MAX_FRAMES];
	} u;

	memset(&u, 0, sizeof(u));
	u.e.h = header(EVENT_STACK, 0, sizeof(u.e) + count * 8, 1);
	u.e.h.process = process;
	u.e.id = id;
	u.e.frame_count = count;
	for (uint32_t i = 0; i < count; i++)
		u.e.pcs[i] = first_pc + i;
	heap_apply(h, &u.e.h);
}

static void fork_child(struct heap *h, uint64_t time_ns)
{
	struct event_fork e = {
		.h = header(EVENT_FORK, 0, sizeof(e), time_ns),
		.child = CHILD,
		.child_pid = 5000,
	};

	heap_apply(h, &e.h);
}

static void process_event(struct heap *h, uint8_t type, uint32_t process, uint64_t time_ns)
{
	struct event_process e = {
		.h = header(type, 0, sizeof(e), time_ns),
		.pid = 4000,
		.exit_code = 256,
		.comm = "new name",
	};

	e.h.process = process;
	heap_apply(h, &e.h);
}

static struct heap *open_heap(void)
{
	struct heap_options options = {.generation_ns = 1000 * MS};
	struct heap *h = heap_new(&options);

	assert_non_null(h);
	assert_int_equal(heap_add_process(h, PARENT, 4000, "program", 0), 1);
	return h;
}

static void assert_sane(struct heap *h)
{
	const char *wrong = heap_check(h);

	if (wrong)
		fail_msg("%s", wrong);
}

static void close_heap(struct heap *h)
{
	assert_sane(h);
	heap_free(h);
}

static struct heap_process *parent_of(struct heap *h)
{
	return heap_process(h, heap_find_process(h, PARENT));
}

/* The only site of that process, stack and call; fails when there is none. */
static struct site *site_of(struct heap *h, uint32_t number, uint64_t stack, uint8_t call)
{
	for (uint32_t i = 1; i <= heap_site_count(h); i++) {
		struct site *s = heap_site(h, i);

		if (heap_process(h, s->process)->number == number && s->stack_id == stack &&
		    s->call == call)
			return s;
	}
	fail_msg("no such site");
	return NULL;
}

static struct totals malloc_totals(struct heap *h)
{
	return site_of(h, PARENT, STACK_1, CALL_ID_MALLOC)->totals;
}

#define assert_counter(h, id, n) assert_int_equal(heap_counter(h, COUNTER_##id), n)

static void apply__alloc_and_free__totals(void **state)
{
	struct heap *h = open_heap();
	struct totals t;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 2, B, 50, STACK_1);
	release(h, 3, A);
	t = malloc_totals(h);
	assert_int_equal(t.outstanding_bytes, 50);
	assert_int_equal(t.outstanding_count, 1);
	assert_int_equal(t.alloc_bytes, 150);
	assert_int_equal(t.free_bytes, 100);
	assert_int_equal(t.peak_bytes, 150);
	assert_int_equal(t.temporary_count, 0);
	assert_int_equal(parent_of(h)->event_count, 3);
	assert_int_equal(parent_of(h)->site_count, 1);
	assert_int_equal(heap_now(h), 3);
	close_heap(h);
}

static void apply__zero_bytes__counted_as_block(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 0, STACK_1);
	assert_int_equal(malloc_totals(h).outstanding_count, 1);
	release(h, 2, A);
	assert_int_equal(malloc_totals(h).outstanding_count, 0);
	close_heap(h);
}

static void apply__unknown_free__counted_not_an_event(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	release(h, 1, A);
	assert_counter(h, UNKNOWN_FREE, 1);
	assert_int_equal(parent_of(h)->event_count, 0);
	close_heap(h);
}

/* Blocks from before the attach are freed once each; what is freed again was allocated unseen. */
static void apply__unknown_free_again__missed_allocation(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	release(h, 1, A);
	release(h, 2, B);
	assert_counter(h, MISSED_ALLOC, 0);
	release(h, 3, A);
	assert_counter(h, MISSED_ALLOC, 1);
	alloc(h, 4, B, 100, STACK_1);
	release(h, 5, B);
	assert_counter(h, MISSED_ALLOC, 1);
	release(h, 6, B);
	assert_counter(h, MISSED_ALLOC, 2);
	close_heap(h);
}

static void apply__unknown_free_again__exec_between_or_filtered__nothing_missed(void **state)
{
	struct heap_options options = {.filtered = true};
	struct heap *h = open_heap();

	(void)state;
	release(h, 1, A);
	process_event(h, EVENT_EXEC, PARENT, 2);
	release(h, 3, A);
	assert_counter(h, MISSED_ALLOC, 0);
	close_heap(h);
	h = heap_new(&options);
	heap_add_process(h, PARENT, 1, "filtered", 0);
	release(h, 1, A);
	release(h, 2, A);
	assert_counter(h, UNKNOWN_FREE, 2);
	assert_counter(h, MISSED_ALLOC, 0);
	close_heap(h);
}

static void apply__alloc_at_live_address__old_one_closed(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 2, A, 30, STACK_2);
	assert_counter(h, REUSED_ADDRESS, 1);
	assert_int_equal(malloc_totals(h).outstanding_count, 0);
	assert_int_equal(malloc_totals(h).free_bytes, 100);
	assert_int_equal(site_of(h, PARENT, STACK_2, CALL_ID_MALLOC)->totals.outstanding_bytes, 30);
	assert_int_equal(parent_of(h)->event_count, 2);
	close_heap(h);
}

static void apply__late_free_of_reused_block__explains_reuse(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 5, A, 30, STACK_1);
	release(h, 4, A);
	assert_counter(h, REUSED_ADDRESS, 0);
	assert_counter(h, UNKNOWN_FREE, 0);
	assert_int_equal(malloc_totals(h).outstanding_bytes, 30);
	close_heap(h);
}

static void apply__realloc_moves__free_at_old_site_alloc_at_own(void **state)
{
	struct heap *h = open_heap();
	struct totals t;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	reallocate(h, 2, 3, A, B, 200);
	assert_int_equal(malloc_totals(h).free_bytes, 100);
	t = site_of(h, PARENT, STACK_2, CALL_ID_REALLOC)->totals;
	assert_int_equal(t.outstanding_bytes, 200);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 200);
	assert_int_equal(parent_of(h)->event_count, 3);
	close_heap(h);
}

/* The block goes on: that is no end of what is in it. */
static void apply__realloc_again_at_the_same_site__a_resize(void **state)
{
	struct heap *h = open_heap();
	const struct site *s;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	reallocate(h, 2, 3, A, B, 200);
	s = site_of(h, PARENT, STACK_2, CALL_ID_REALLOC);
	assert_int_equal(s->resizes, 0);
	reallocate(h, 4, 5, B, A, 300);
	reallocate(h, 6, 7, A, A, 400);
	assert_int_equal(s->resizes, 2);
	reallocate(h, 8, 9, A, 0, 0);
	assert_int_equal(s->resizes, 2);
	assert_int_equal(s->totals.free_count, 3);
	close_heap(h);
}

static void apply__realloc_in_place__no_reuse_counted(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	reallocate(h, 2, 3, A, A, 200);
	assert_counter(h, REUSED_ADDRESS, 0);
	assert_counter(h, UNKNOWN_FREE, 0);
	assert_int_equal(malloc_totals(h).outstanding_count, 0);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 200);
	close_heap(h);
}

static void apply__realloc_of_unknown_block__counted_and_allocated(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	reallocate(h, 2, 3, A, B, 200);
	assert_counter(h, UNKNOWN_FREE, 1);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 200);
	assert_int_equal(parent_of(h)->event_count, 1);
	close_heap(h);
}

static void apply__realloc_to_nothing__released_only(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	reallocate(h, 1, 3, A, 0, 0);
	assert_int_equal(parent_of(h)->totals.outstanding_count, 0);
	assert_int_equal(parent_of(h)->event_count, 2);
	reallocate(h, 4, 5, 0, B, 10);
	assert_int_equal(parent_of(h)->totals.outstanding_count, 1);
	assert_counter(h, UNKNOWN_FREE, 0);
	close_heap(h);
}

/* realloc(A) begins at 10 and frees A inside; another thread gets A at 20; realloc returns B at 30.
 */
static void apply__realloc_race__newer_block_survives(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 20, A, 7, STACK_1);
	assert_counter(h, REUSED_ADDRESS, 1);
	reallocate(h, 10, 30, A, B, 200);
	assert_counter(h, REUSED_ADDRESS, 0);
	assert_counter(h, UNKNOWN_FREE, 0);
	assert_int_equal(malloc_totals(h).outstanding_bytes, 7);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 207);
	close_heap(h);
}

/* The same, and the newer block is freed before the realloc returns. */
static void apply__realloc_race_newer_freed__explained(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 20, A, 7, STACK_1);
	release(h, 25, A);
	reallocate(h, 10, 30, A, B, 200);
	assert_counter(h, REUSED_ADDRESS, 0);
	assert_counter(h, UNKNOWN_FREE, 0);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 200);
	close_heap(h);
}

/* A reuse before the realloc began is a miss of its own; this realloc releases the newer block. */
static void apply__reuse_before_realloc__stays_counted(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 5, A, 7, STACK_1);
	reallocate(h, 10, 30, A, B, 200);
	assert_counter(h, REUSED_ADDRESS, 1);
	assert_int_equal(malloc_totals(h).outstanding_count, 0);
	close_heap(h);
}

static void apply__resize__at_own_site_no_event(void **state)
{
	struct heap *h = open_heap();
	struct totals t;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	resize(h, 2, A, 300);
	resize(h, 2, B, 300);
	t = malloc_totals(h);
	assert_int_equal(t.outstanding_bytes, 300);
	assert_int_equal(t.outstanding_count, 1);
	assert_int_equal(t.alloc_bytes - t.free_bytes, 300);
	assert_int_equal(parent_of(h)->event_count, 1);
	release(h, 3, A);
	assert_int_equal(malloc_totals(h).outstanding_bytes, 0);
	close_heap(h);
}

static void apply__temporary__only_when_freed_before_next_of_thread(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc_by(h, PARENT, 1, 1, A, 8);
	alloc_by(h, PARENT, 2, 2, B, 8);
	release(h, 3, A);
	alloc_by(h, PARENT, 1, 4, A, 8);
	alloc_by(h, PARENT, 1, 5, A + 64, 8);
	release(h, 6, A);
	assert_int_equal(malloc_totals(h).temporary_count, 1);
	assert_int_equal(parent_of(h)->totals.temporary_count, 1);
	close_heap(h);
}

static void apply__stack_before_and_after_use__same_entry(void **state)
{
	struct heap *h = open_heap();
	const struct heap_stack *s;

	(void)state;
	alloc(h, 1, A, 8, STACK_1);
	s = heap_stack(h, site_of(h, PARENT, STACK_1, CALL_ID_MALLOC)->stack);
	assert_int_equal(s->frame_count, 0);
	assert_counter(h, STACK_UNKNOWN, 1);
	send_stack(h, PARENT, STACK_1, 0x400, 3);
	send_stack(h, PARENT, STACK_1, 0x400, 3);
	assert_int_equal(s->frame_count, 3);
	assert_int_equal(s->pcs[2], 0x402);
	assert_counter(h, STACK_UNKNOWN, 0);
	assert_counter(h, STACK_COLLISION, 0);
	send_stack(h, PARENT, STACK_1, 0x401, 3);
	send_stack(h, PARENT, STACK_1, 0x400, 2);
	assert_counter(h, STACK_COLLISION, 2);
	assert_int_equal(s->pcs[2], 0x402);
	assert_int_equal(heap_stack_count(h), 1);
	close_heap(h);
}

static void apply__no_stack__site_without_one(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 8, 0);
	assert_int_equal(site_of(h, PARENT, 0, CALL_ID_MALLOC)->stack, 0);
	assert_int_equal(heap_stack_count(h), 0);
	close_heap(h);
}

static void apply__fork__blocks_inherited_with_sites_and_stacks(void **state)
{
	struct heap *h = open_heap();
	struct heap_process *child;
	struct site *s;

	(void)state;
	send_stack(h, PARENT, STACK_1, 0x400, 3);
	send_stack(h, PARENT, STACK_2, 0x500, 2);
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 1, B, 100, STACK_1);
	map(h, 2, 100, 5000, 0);
	release(h, 2, B);
	fork_child(h, 3);
	child = heap_process(h, heap_find_process(h, CHILD));
	assert_string_equal(child->comm, "program");
	assert_int_equal(child->pid, 5000);
	assert_int_equal(child->event_count, 0);
	s = site_of(h, CHILD, STACK_1, CALL_ID_MALLOC);
	assert_int_equal(s->totals.alloc_bytes, 100);
	assert_int_equal(s->totals.free_bytes, 0);
	assert_int_equal(heap_stack(h, s->stack)->pcs[1], 0x401);
	assert_int_equal(child->ranges_totals.outstanding_bytes, 5000);
	release_by(h, CHILD, 4, A);
	assert_int_equal(s->totals.outstanding_count, 0);
	assert_int_equal(malloc_totals(h).outstanding_count, 1);
	assert_counter(h, UNKNOWN_FREE, 0);
	alloc_by(h, CHILD, 1, 5, A, 1);
	assert_counter(h, LATE_CHILD, 0);
	close_heap(h);
}

/* A stack that the parent used before the fork, but without anything outstanding. */
static void apply__fork_then_old_stack__frames_of_the_parent(void **state)
{
	struct heap *h = open_heap();
	struct event_alloc e = alloc_event(5, A, 8, STACK_2);

	(void)state;
	send_stack(h, PARENT, STACK_2, 0x500, 2);
	fork_child(h, 3);
	e.h.process = CHILD;
	heap_apply(h, &e.h);
	assert_int_equal(
		heap_stack(h, site_of(h, CHILD, STACK_2, CALL_ID_MALLOC)->stack)->frame_count, 2);
	close_heap(h);
}

static void apply__fork_child_known__merged(void **state)
{
	struct heap *h = open_heap();
	struct heap_process *child;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 1, B, 50, STACK_1);
	heap_add_process(h, CHILD, 5000, "child", 2);
	alloc_by(h, CHILD, 9, 5, B, 7);
	fork_child(h, 4);
	child = heap_process(h, heap_find_process(h, CHILD));
	assert_counter(h, LATE_CHILD, 1);
	assert_string_equal(child->comm, "child");
	assert_int_equal(child->totals.outstanding_bytes, 107);
	fork_child(h, 6);
	assert_int_equal(child->totals.outstanding_bytes, 107);
	close_heap(h);
}

static void apply__exec_after_fork__nothing_of_the_parent_is_counted(void **state)
{
	struct heap *h = open_heap();
	struct heap_process *child;

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	alloc(h, 2, B, 10, STACK_2);
	fork_child(h, 3);
	release_by(h, CHILD, 4, B);
	process_event(h, EVENT_EXEC, CHILD, 5);
	child = heap_process(h, heap_find_process(h, CHILD));
	assert_int_equal(site_of(h, CHILD, STACK_1, CALL_ID_MALLOC)->totals.alloc_count, 0);
	assert_int_equal(child->totals.alloc_bytes, 10);
	assert_int_equal(child->totals.free_bytes, 10);
	assert_int_equal(child->totals.outstanding_count, 0);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 110);
	close_heap(h);
}

static void apply__exec__all_gone_peak_stays(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	map(h, 2, 100, 5000, 0);
	process_event(h, EVENT_EXEC, PARENT, 3);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 0);
	assert_int_equal(parent_of(h)->ranges_totals.outstanding_count, 0);
	assert_int_equal(parent_of(h)->totals.free_bytes, 100);
	assert_int_equal(malloc_totals(h).peak_bytes, 100);
	assert_int_equal(parent_of(h)->event_count, 2);
	assert_int_equal(parent_of(h)->exec_count, 1);
	assert_string_equal(parent_of(h)->comm, "new name");
	alloc(h, 4, A, 1, STACK_1);
	assert_counter(h, REUSED_ADDRESS, 0);
	close_heap(h);
}

static void apply__exit__blocks_stay(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1, A, 100, STACK_1);
	process_event(h, EVENT_EXIT, PARENT, 3);
	assert_true(parent_of(h)->exited);
	assert_int_equal(parent_of(h)->exit_code, 256);
	assert_int_equal(parent_of(h)->ended_ns, 3);
	assert_int_equal(parent_of(h)->totals.outstanding_bytes, 100);
	close_heap(h);
}

static void apply__mmap_partial_unmap__pieces(void **state)
{
	struct heap *h = open_heap();
	struct totals *t;

	(void)state;
	map(h, 1, 100, 10 * PAGE, 0);
	t = &site_of(h, PARENT, STACK_1, CALL_ID_MMAP)->totals;
	unmap(h, 2, 3, 104, PAGE);
	assert_int_equal(t->outstanding_bytes, 9 * PAGE);
	assert_int_equal(t->outstanding_count, 2);
	unmap(h, 4, 5, 100, PAGE);
	assert_int_equal(t->outstanding_count, 2);
	unmap(h, 6, 7, 90, 40 * PAGE);
	assert_int_equal(t->outstanding_bytes, 0);
	assert_int_equal(t->outstanding_count, 0);
	assert_int_equal(t->alloc_bytes, 10 * PAGE);
	assert_int_equal(parent_of(h)->event_count, 4);
	assert_int_equal(parent_of(h)->totals.alloc_count, 0);
	unmap(h, 8, 9, 90, 40 * PAGE);
	assert_counter(h, UNKNOWN_UNMAP, 1);
	close_heap(h);
}

static void apply__mmap_fixed__replaces(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	map(h, 1, 100, 3 * PAGE, 0);
	map(h, 2, 101, PAGE, EVENT_F_FIXED);
	assert_int_equal(parent_of(h)->ranges_totals.outstanding_bytes, 3 * PAGE);
	assert_int_equal(parent_of(h)->ranges_totals.outstanding_count, 3);
	assert_counter(h, REUSED_ADDRESS, 0);
	close_heap(h);
}

/* munmap begins at 10, another thread gets the pages at 20, munmap returns at 30. */
static void apply__munmap_race__newer_range_survives(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	map(h, 1, 100, PAGE, 0);
	map(h, 20, 100, PAGE, 0);
	assert_counter(h, REUSED_ADDRESS, 1);
	unmap(h, 10, 30, 100, PAGE);
	assert_counter(h, REUSED_ADDRESS, 0);
	assert_counter(h, UNKNOWN_UNMAP, 0);
	assert_int_equal(parent_of(h)->ranges_totals.outstanding_bytes, PAGE);
	close_heap(h);
}

static void apply__mremap__free_at_old_site_alloc_at_own(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	map(h, 1, 100, PAGE, 0);
	remap(h, 2, 3, 100, PAGE, 100, 3 * PAGE);
	assert_int_equal(site_of(h, PARENT, STACK_1, CALL_ID_MMAP)->totals.outstanding_count, 0);
	assert_int_equal(site_of(h, PARENT, STACK_2, CALL_ID_MREMAP)->totals.outstanding_bytes,
			 3 * PAGE);
	remap(h, 4, 5, 100, 3 * PAGE, 200, PAGE);
	assert_int_equal(parent_of(h)->ranges_totals.outstanding_bytes, PAGE);
	remap(h, 6, 7, 300, PAGE, 400, PAGE);
	assert_counter(h, UNKNOWN_UNMAP, 1);
	assert_counter(h, REUSED_ADDRESS, 0);
	close_heap(h);
}

static void apply__bad_records__counted_only(void **state)
{
	struct heap *h = open_heap();
	struct event_alloc e = alloc_event(1, A, 8, STACK_1);

	(void)state;
	e.h.size = sizeof(e) - 1;
	heap_apply(h, &e.h);
	e = alloc_event(1, A, 8, STACK_1);
	e.h.type = 200;
	heap_apply(h, &e.h);
	e = alloc_event(1, A, 8, STACK_1);
	e.h.call = CALL_ID_COUNT;
	heap_apply(h, &e.h);
	e = alloc_event(1, A, 8, STACK_1);
	e.h.call = CALL_ID_MMAP;
	heap_apply(h, &e.h);
	alloc(h, 1, 0, 8, STACK_1);
	alloc(h, 1, A, UINT64_MAX, STACK_1);
	map(h, 1, 0, 8, 0);
	unmap(h, 1, 1, 1, UINT64_MAX);
	send_stack(h, PARENT, 0, 1, 1);
	assert_counter(h, BAD_RECORD, 9);
	alloc_by(h, 77, 1, 1, A, 8);
	assert_counter(h, NO_PROCESS, 1);
	assert_int_equal(heap_site_count(h), 0);
	close_heap(h);
}

static void apply__time_far_off__survives(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	alloc(h, 1000 * MS, A, 8, STACK_1);
	alloc(h, UINT64_MAX, B, 8, STACK_1);
	release(h, UINT64_MAX, A);
	alloc(h, 1, A, 8, STACK_1);
	assert_int_equal(parent_of(h)->totals.outstanding_count, 2);
	close_heap(h);
}

/* Random events against plain arrays; each process has a slot per address. */
#define ADDRESSES 3000u

struct model {
	uint64_t bytes[3][ADDRESSES]; /* bytes + 1 of live blocks, 0: none */
	uint64_t events[3];
};

static void random_event(struct heap *h, struct model *m, uint64_t now)
{
	uint32_t process = heap_process_count(h) == 2 ? 1 + (uint32_t)rand() % 2 : 1;
	uint32_t i = (uint32_t)rand() % ADDRESSES, k = (uint32_t)rand() % ADDRESSES;
	uint64_t bytes = (uint64_t)rand() % 1000, address = (i + 1) * 16, target = (k + 1) * 16;
	uint64_t *old = &m->bytes[process][i], *new = &m->bytes[process][k];
	struct event_alloc e = alloc_event(now, address, bytes, 1 + (uint64_t)rand() % 300);
	struct event_realloc r = {
		.h = header(EVENT_REALLOC, CALL_ID_REALLOC, sizeof(r), now),
		.address = target,
		.bytes = bytes,
		.stack = 1 + (uint64_t)rand() % 300,
		.old_address = address,
		.entry_ns = now,
	};

	e.h.process = r.h.process = process;
	if (rand() % 8 == 0 && (i == k || !*new)) {
		heap_apply(h, &r.h);
		m->events[process] += (*old != 0) + 1;
		*old = 0;
		*new = bytes + 1;
	} else if (rand() % 2 || *old) {
		release_by(h, process, now, address);
		m->events[process] += *old != 0;
		*old = 0;
	} else {
		heap_apply(h, &e.h);
		m->events[process]++;
		*old = bytes + 1;
	}
}

static void apply_random__against_arrays__same(void **state)
{
	struct heap *h = open_heap();
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	srand(3);
	for (uint64_t i = 1; i <= 100000; i++) {
		if (i == 40000) {
			fork_child(h, i * MS);
			memcpy(m->bytes[CHILD], m->bytes[PARENT], sizeof(m->bytes[CHILD]));
		}
		if (i == 70000) {
			process_event(h, EVENT_EXEC, PARENT, i * MS);
			memset(m->bytes[PARENT], 0, sizeof(m->bytes[PARENT]));
		}
		random_event(h, m, i * MS);
		if (i % 10000 == 0)
			assert_sane(h);
	}
	for (uint32_t process = 1; process <= 2; process++) {
		uint64_t bytes = 0, count = 0;

		for (uint32_t i = 0; i < ADDRESSES; i++) {
			count += m->bytes[process][i] != 0;
			bytes += m->bytes[process][i] ? m->bytes[process][i] - 1 : 0;
		}
		assert_int_equal(heap_process(h, process)->totals.outstanding_count, count);
		assert_int_equal(heap_process(h, process)->totals.outstanding_bytes, bytes);
		assert_int_equal(heap_process(h, process)->event_count, m->events[process]);
	}
	assert_counter(h, REUSED_ADDRESS, 0);
	free(m);
	close_heap(h);
}

/* Whatever the bytes are: nothing breaks, invariants hold. */
static void apply_random__noise__sane(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	srand(9);
	for (int i = 0; i < 100000; i++) {
		uint64_t record[9];
		struct event_header head;

		for (int k = 0; k < 9; k++)
			record[k] = (uint64_t)(rand() % 40) * (rand() % 3 ? PAGE : 1);
		head = header((uint8_t)(1 + rand() % 12), (uint8_t)(rand() % CALL_ID_COUNT),
			      sizeof(record), (uint64_t)(rand() % 1000) * MS);
		head.process = 1 + (uint32_t)rand() % 3;
		head.flags = (uint32_t)rand() % 2;
		memcpy(record, &head, sizeof(head));
		heap_apply(h, (const struct event_header *)(const void *)record);
	}
	close_heap(h);
}

static void heap_apply_batch__many__as_one_by_one(void **state)
{
	struct heap *one = open_heap(), *many = open_heap();
	struct event_alloc *events = calloc(1000, sizeof(*events));
	const struct event_header **batch = calloc(1000, sizeof(*batch));

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		events[i] = alloc_event(i, (i % 300 + 1) * 16, i, i % 7);
		if (i % 3 == 1)
			events[i].h.type = EVENT_FREE;
		if (i % 50 == 49)
			events[i].h.size = 3;
		batch[i] = &events[i].h;
		heap_apply(one, &events[i].h);
	}
	heap_apply_batch(many, batch, 1000);
	assert_memory_equal(&parent_of(one)->totals, &parent_of(many)->totals,
			    sizeof(struct totals));
	assert_int_equal(heap_version(one), heap_version(many));
	free(batch);
	free(events);
	close_heap(one);
	close_heap(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply__alloc_and_free__totals),
		cmocka_unit_test(apply__zero_bytes__counted_as_block),
		cmocka_unit_test(apply__unknown_free__counted_not_an_event),
		cmocka_unit_test(apply__unknown_free_again__missed_allocation),
		cmocka_unit_test(
			apply__unknown_free_again__exec_between_or_filtered__nothing_missed),
		cmocka_unit_test(apply__alloc_at_live_address__old_one_closed),
		cmocka_unit_test(apply__late_free_of_reused_block__explains_reuse),
		cmocka_unit_test(apply__realloc_moves__free_at_old_site_alloc_at_own),
		cmocka_unit_test(apply__realloc_again_at_the_same_site__a_resize),
		cmocka_unit_test(apply__realloc_in_place__no_reuse_counted),
		cmocka_unit_test(apply__realloc_of_unknown_block__counted_and_allocated),
		cmocka_unit_test(apply__realloc_to_nothing__released_only),
		cmocka_unit_test(apply__realloc_race__newer_block_survives),
		cmocka_unit_test(apply__realloc_race_newer_freed__explained),
		cmocka_unit_test(apply__reuse_before_realloc__stays_counted),
		cmocka_unit_test(apply__resize__at_own_site_no_event),
		cmocka_unit_test(apply__temporary__only_when_freed_before_next_of_thread),
		cmocka_unit_test(apply__stack_before_and_after_use__same_entry),
		cmocka_unit_test(apply__no_stack__site_without_one),
		cmocka_unit_test(apply__fork__blocks_inherited_with_sites_and_stacks),
		cmocka_unit_test(apply__fork_then_old_stack__frames_of_the_parent),
		cmocka_unit_test(apply__fork_child_known__merged),
		cmocka_unit_test(apply__exec__all_gone_peak_stays),
		cmocka_unit_test(apply__exec_after_fork__nothing_of_the_parent_is_counted),
		cmocka_unit_test(apply__exit__blocks_stay),
		cmocka_unit_test(apply__mmap_partial_unmap__pieces),
		cmocka_unit_test(apply__mmap_fixed__replaces),
		cmocka_unit_test(apply__munmap_race__newer_range_survives),
		cmocka_unit_test(apply__mremap__free_at_old_site_alloc_at_own),
		cmocka_unit_test(apply__bad_records__counted_only),
		cmocka_unit_test(apply__time_far_off__survives),
		cmocka_unit_test(apply_random__against_arrays__same),
		cmocka_unit_test(apply_random__noise__sane),
		cmocka_unit_test(heap_apply_batch__many__as_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
