/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwinder of the BPF side, compiled as plain C: against memory and tables made here for each
 * form of a frame, and against this program's own stack and files, where glibc's backtrace() says
 * the truth.
 */
#include <alloca.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "unwind_world.h"

static unsigned int reads;

static void count_read(void)
{
	reads++;
}

/* ---- tables made by hand ---- */

#define CODE	   0x400000ull
#define CODE_PAGES 4
#define GENERATED  0x900000ull
#define TRAMPOLINE 0x7fffffffe000ull

/* A code of some pages; each test writes the rule of the whole of it, or rows. */
static uint64_t one_code(const uint64_t *rows, uint32_t count)
{
	uint32_t *index = (uint32_t *)&words[TABLE_AT], i, row = 0;
	struct unwind_mapping list[] = {
		{CODE, CODE + CODE_PAGES * 4096, CODE, TABLE_AT, CODE_PAGES},
		{GENERATED, GENERATED + 4096, 0, UNWIND_POINTER, 0},
	};

	for (i = 0; i <= CODE_PAGES; i++) {
		while (row + 1 < count && UNWIND_ROW_ADDRESS(rows[row + 1]) <= i * 4096)
			row++;
		index[i] = row;
	}
	memcpy(&words[TABLE_AT + UNWIND_INDEX_WORDS(CODE_PAGES)], rows, count * sizeof(*rows));
	return publish(list, 2);
}

static int setup(void **state)
{
	static struct unwind_state s;

	memset(&s, 0, sizeof(s));
	memset(memory, 0, sizeof(memory));
	memory_bytes = sizeof(memory);
	trampoline_slot = trampoline_return = 0;
	on_read = count_read;
	reads = 0;
	s.sp = MEMORY;
	s.pc = CODE + 101;
	*state = &s;
	return 0;
}

static int step_by(struct unwind_state *s, uint32_t rule)
{
	uint64_t row = UNWIND_ROW(0, rule);

	s->list = one_code(&row, 1);
	return unwind_step(s);
}

static void expect_frame(const struct unwind_state *s, uint64_t pc, uint64_t sp, uint64_t bp)
{
	assert_int_equal(s->pc, pc);
	assert_int_equal(s->sp, sp);
	assert_int_equal(s->bp, bp);
}

static void unwind_step__rsp__return_address_below_cfa(void **state)
{
	struct unwind_state *s = *state;

	s->bp = 77;
	memory[5] = CODE + 500;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 6, UNWIND_RBP_SAME, 0)),
			 UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 48, 77);
}

static void unwind_step__rbp__restored(void **state)
{
	struct unwind_state *s = *state;

	s->bp = MEMORY + 80;
	memory[11] = CODE + 500;
	memory[10] = 4711;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RBP, 2, UNWIND_RBP_AT_CFA, 2)),
			 UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 96, 4711);
}

static void unwind_step__realigned_frame__cfa_read_from_the_stack(void **state)
{
	struct unwind_state *s = *state;

	s->bp = MEMORY + 160;
	memory[19] = MEMORY + 240;
	memory[20] = 4711;
	memory[29] = CODE + 500;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(true, -1, 0),
						UNWIND_RBP_AT_RBP, 0)),
			 UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 240, 4711);
}

static void unwind_step__lazy_binding_stub__by_the_place_in_it(void **state)
{
	struct unwind_state *s = *state;

	s->exact = 1;
	s->pc = CODE + 16 + 6;
	memory[0] = CODE + 500;
	memory[2] = CODE + 600;
	assert_int_equal(step_by(s, UNWIND_RULE_PLT(11)), UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 8, 0);
	s->exact = 1;
	s->pc = CODE + 16 + 11;
	assert_int_equal(step_by(s, UNWIND_RULE_PLT(11)), UNWIND_WENT_ON);
	expect_frame(s, CODE + 600, MEMORY + 24, 0);
}

static void unwind_step__signal__registers_of_the_interrupted(void **state)
{
	struct unwind_state *s = *state;

	memory[SIGNAL_RBP / 8] = 4711;
	memory[SIGNAL_RSP / 8] = MEMORY + 8192;
	memory[SIGNAL_RIP / 8] = CODE + 0x1000;
	assert_int_equal(step_by(s, UNWIND_RULE_SPECIAL(UNWIND_SIGNAL)), UNWIND_WENT_ON);
	expect_frame(s, CODE + 0x1000, MEMORY + 8192, 4711);
	assert_int_equal(s->exact, 1);
}

/* After a call pc - 1 counts: the call may be a function's last instruction. */
static void unwind_step__row_borders__call_and_interruption(void **state)
{
	const uint64_t rows[] = {
		UNWIND_ROW(0, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0)),
		UNWIND_ROW(0x1000, UNWIND_RULE(UNWIND_RSP, 2, UNWIND_RBP_SAME, 0)),
		UNWIND_ROW(0x1001, UNWIND_RULE_SPECIAL(UNWIND_STOP)),
	};
	struct unwind_state *s = *state;

	memory[0] = CODE + 0x1000;
	memory[2] = CODE + 0x1001;
	s->list = one_code(rows, 3);
	s->pc = CODE + 0x1000;
	assert_int_equal(unwind_step(s), UNWIND_WENT_ON);
	assert_int_equal(s->sp, MEMORY + 8);
	s->exact = 1;
	assert_int_equal(unwind_step(s), UNWIND_WENT_ON);
	expect_frame(s, CODE + 0x1001, MEMORY + 24, 0);
	s->exact = 1;
	assert_int_equal(unwind_step(s), UNWIND_AT_END);
}

static void unwind_step__frame_beyond_the_window__read_anew(void **state)
{
	struct unwind_state *s = *state;

	memory[0] = 5;
	memory[1023] = CODE + 500;
	memory[1022] = 4711;
	s->want = 4096;
	assert_int_equal(unwind_fill(s, MEMORY), 0);
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1024, UNWIND_RBP_AT_CFA, 2)),
			 UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 8192, 4711);
	assert_int_equal(reads, 2);
}

/* One read too far, a look at the next page, one read as far as there is memory. */
static void unwind_step__end_of_the_mapping__found_once(void **state)
{
	struct unwind_state *s = *state;
	const uint32_t rule = UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0);

	s->want = 4096;
	s->sp = MEMORY + sizeof(memory) - 64;
	memory[MEMORY_WORDS - 8] = CODE + 500;
	assert_int_equal(step_by(s, rule), UNWIND_WENT_ON);
	assert_int_equal(reads, 3);
	assert_int_equal(s->readable_end, MEMORY + sizeof(memory));
	s->sp = MEMORY + sizeof(memory) - 128;
	memory[MEMORY_WORDS - 16] = CODE + 500;
	assert_int_equal(step_by(s, rule), UNWIND_WENT_ON);
	assert_int_equal(reads, 4);
}

static void unwind_fill__two_pages_and_no_more__both_copied(void **state)
{
	struct unwind_state *s = *state;

	s->sp = MEMORY + sizeof(memory) - 2 * 4096 + 8;
	s->want = UNWIND_WINDOW_BYTES;
	assert_int_equal(unwind_fill(s, s->sp), 0);
	assert_int_equal(s->bytes, 2 * 4096 - 8);
	assert_int_equal(s->readable_end, MEMORY + sizeof(memory));
}

/* Pages of a stack are there from when they were first used: one was missing between others. */
static void unwind_fill__page_that_was_missing__read_when_it_is_there(void **state)
{
	struct unwind_state *s = *state;

	s->readable_end = MEMORY + 4096;
	memory[512] = CODE + 500;
	s->sp = MEMORY + 4096;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0)),
			 UNWIND_WENT_ON);
	assert_int_equal(s->pc, CODE + 500);
}

static void unwind_step__unreadable__fault(void **state)
{
	struct unwind_state *s = *state;

	s->sp = MEMORY + sizeof(memory);
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0)),
			 UNWIND_CUT_FAULT);
	s->bp = 8;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(true, 0, 0),
						UNWIND_RBP_SAME, 0)),
			 UNWIND_CUT_FAULT);
}

static void unwind_step__stack_that_does_not_grow__broken(void **state)
{
	struct unwind_state *s = *state;

	s->sp = MEMORY + 64;
	s->bp = MEMORY;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RBP, 2, UNWIND_RBP_AT_CFA, 2)),
			 UNWIND_CUT_BROKEN);
}

static void unwind_step__rbp_that_was_lost__not_used(void **state)
{
	struct unwind_state *s = *state;

	memory[0] = CODE + 500;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_UNKNOWN, 0)),
			 UNWIND_WENT_ON);
	s->bp = MEMORY + 80;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RBP, 2, UNWIND_RBP_AT_CFA, 2)),
			 UNWIND_CUT_NO_INFO);
}

static void unwind_step__ends__told_apart(void **state)
{
	struct unwind_state *s = *state;

	assert_int_equal(step_by(s, UNWIND_RULE_SPECIAL(UNWIND_STOP)), UNWIND_AT_END);
	assert_int_equal(step_by(s, UNWIND_RULE_SPECIAL(UNWIND_NO_INFO)), UNWIND_CUT_NO_INFO);
	memory[0] = 0;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_SAME, 0)), UNWIND_AT_END);
	s->pc = CODE;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_MAPPING);
	s->pc = CODE + CODE_PAGES * 4096 + 1;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_MAPPING);
	s->pc = 5;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_MAPPING);
	s->pc = UINT64_MAX;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_MAPPING);
}

static void unwind_step__pending_return_probe__seen_through(void **state)
{
	struct unwind_state *s = *state;

	s->trampoline = TRAMPOLINE;
	memory[1] = TRAMPOLINE;
	trampoline_slot = MEMORY + 8;
	trampoline_return = CODE + 500;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 2, UNWIND_RBP_SAME, 0)),
			 UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 16, 0);
}

static void unwind_step__generated_code__frame_pointers_believed_when_sane(void **state)
{
	struct unwind_state *s = *state;

	s->pc = GENERATED + 10;
	s->bp = MEMORY + 32;
	memory[4] = MEMORY + 64;
	memory[5] = CODE + 500;
	assert_int_equal(step_by(s, 0), UNWIND_WENT_ON);
	expect_frame(s, CODE + 500, MEMORY + 48, MEMORY + 64);
	assert_int_equal(s->guessed, 1);

	s->pc = GENERATED + 10;
	memory[9] = 5;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_INFO);
	s->bp = MEMORY;
	assert_int_equal(step_by(s, 0), UNWIND_CUT_NO_INFO);
}

static void unwind_rule__new_list__old_rules_not_found(void **state)
{
	struct unwind_state *s = *state;

	memory[0] = memory[1] = CODE + 101;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 1, 0, 0)), UNWIND_WENT_ON);
	assert_int_equal(s->sp, MEMORY + 8);
	s->sp = MEMORY;
	assert_int_equal(step_by(s, UNWIND_RULE(UNWIND_RSP, 2, 0, 0)), UNWIND_WENT_ON);
	assert_int_equal(s->sp, MEMORY + 16);
}

/* ---- this program's own stack ---- */

#define STACKS 10000
#define FRAMES 200

static uint64_t own_list;
static unsigned int compared, mismatches, whole;
static struct unwind_walk recorded, alone, known;
static unsigned int met, met_frames; /* walks that used the one before, frames that they took */
static unsigned int known_count;     /* walks that ended at what the memo knows */

static int setup_own(void **state)
{
	(void)state;
	own_list = publish_own();
	compared = mismatches = whole = 0;
	met = met_frames = known_count = recorded.record.count = known.record.count = 0;
	memset(memos, 0, sizeof(memos));
	return 0;
}

/* The first address of the truth is in the function that asked for it; a sanitizer adds its own. */
static bool walk_compare(struct unwind_state *s, void **truth, int frames)
{
	int result = unwind_step(s), i = 1;

	while (i < frames && i < 4 && s->pc != (uintptr_t)truth[i])
		i++;
	for (; i < frames; i++) {
		if (result != UNWIND_WENT_ON || s->pc != (uintptr_t)truth[i])
			return false;
		result = unwind_step(s);
	}
	whole += result == UNWIND_AT_END;
	return true;
}

/* Frames of the stack; UINT32_MAX: the memo knows it, and only what it is called is there. */
static uint32_t walk(struct unwind_walk *w, const struct unwind_state *from, struct walk_pcs *out)
{
	const uint32_t want = record_bytes(w, from->sp);
	int result;

	memcpy(&w->state, from, offsetof(struct unwind_state, window));
	w->state.want = want;
	if (unwind_fill(&w->state, from->sp))
		return 0;
	result = walk_run(w, STACK_MAX_FRAMES, 4711);
	if (result != WALK_KNOWN)
		w->flags = result == WALK_MET	     ? w->record.flags
			   : result == UNWIND_AT_END ? 0
						     : STACK_F_CUT;
	walk_finish(w, result, 4711);
	return result == WALK_KNOWN ? UINT32_MAX : walk_pcs(w, out);
}

static bool same_stack(const struct unwind_walk *a, const struct unwind_walk *b)
{
	return a->id == b->id && a->check == b->check && a->flags == b->flags;
}

/*
 * The same stack by a walk that may use the record of the one before, by one that may not, and by one that may
 * look into the memo: the same frames, the same id.
 */
static bool walks_agree(const struct unwind_state *from)
{
	static struct walk_pcs a, b, c;
	uint32_t n, m;

	recorded.no_memo = alone.no_memo = 1;
	alone.record.count = 0;
	n = walk(&recorded, from, &a);
	met += recorded.met != 0;
	met_frames += recorded.met;
	if (!n || n != walk(&alone, from, &b) || memcmp(a.pcs, b.pcs, n * sizeof(a.pcs[0])) ||
	    !same_stack(&recorded, &alone))
		return false;
	m = walk(&known, from, &c);
	known_count += m == UINT32_MAX;
	return (m == UINT32_MAX || m == n) && same_stack(&known, &alone);
}

static __attribute__((noinline)) void leaf(void)
{
	static struct unwind_state s;
	void *truth[FRAMES];
	int n = backtrace(truth, FRAMES);

	memset(&s, 0, offsetof(struct unwind_state, window));
	__asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
			 : "=r"(s.pc), "=r"(s.sp), "=r"(s.bp));
	s.list = own_list;
	s.exact = 1;
	compared++;
	mismatches += !walks_agree(&s);
	mismatches += !walk_compare(&s, truth, n);
}

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % below;
}

static void deeper(int depth);

static int by_qsort(const void *a, const void *b)
{
	static bool inside;

	if (!inside) {
		inside = true;
		deeper((int)draw(5));
		inside = false;
	}
	return *(const char *)a - *(const char *)b;
}

static __attribute__((noinline)) void with_alloca(int depth)
{
	char *p = alloca(16 + draw(3000));

	memset(p, depth, 16);
	deeper(depth - 1);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static __attribute__((noinline)) void with_array(int depth)
{
	volatile char big[9000];

	big[depth] = 1;
	deeper(depth - 1);
	big[depth + 1] = big[depth];
}

static __attribute__((noinline)) void with_alignment(int depth)
{
	volatile char __attribute__((aligned(64))) line[64];

	line[1] = (char)depth;
	deeper(depth - 1);
	line[2] = line[1];
}

static __attribute__((noinline)) void with_qsort(int depth)
{
	char letters[] = "cab";

	if (depth)
		qsort(letters, 3, 1, by_qsort);
	deeper(depth - 1);
	__asm__ volatile("" : : "r"(letters) : "memory");
}

static __attribute__((noinline)) void deeper(int depth)
{
	if (depth <= 0) {
		leaf();
	} else {
		switch (draw(4)) {
		case 0: with_alloca(depth); break;
		case 1: with_array(depth); break;
		case 2: with_alignment(depth); break;
		default: with_qsort(depth);
		}
	}
	__asm__ volatile("" : : : "memory");
}

static void unwind_step__own_random_stacks__as_backtrace_says(void **state)
{
	(void)state;
	rules_off = false;
	seed = 4711;
	while (compared < STACKS)
		deeper((int)draw(24));
	assert_int_equal(mismatches, 0);
	assert_int_equal(whole, compared);
	/* most walks have come to a frame of the one before */
	assert_true(met > compared / 2 && met_frames > met);
}

static void unwind_step__own_stacks_again_and_again__known(void **state)
{
	(void)state;
	rules_off = false;
	for (int i = 0; i < 20; i++) {
		seed = 42;
		for (int j = 0; j < 100; j++)
			deeper((int)draw(5));
	}
	assert_int_equal(mismatches, 0);
	/* not all: some are too deep or too large for an entry, and often the record is met at once */
	assert_true(known_count > compared / 20);
}

static void unwind_step__own_stacks_without_cache__the_same(void **state)
{
	(void)state;
	rules_off = true;
	seed = 815;
	while (compared < STACKS / 100)
		deeper((int)draw(24));
	rules_off = false;
	assert_int_equal(mismatches, 0);
	assert_int_equal(whole, compared);
}

static void on_signal(int number)
{
	(void)number;
	deeper(3);
}

static void unwind_step__own_signal_handler__through_it(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	assert_true(compared > 0);
	assert_int_equal(mismatches, 0);
	assert_int_equal(whole, compared);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)
#define OWN(f)	cmocka_unit_test_setup(f, setup_own)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unwind_step__rsp__return_address_below_cfa),
		TEST(unwind_step__rbp__restored),
		TEST(unwind_step__realigned_frame__cfa_read_from_the_stack),
		TEST(unwind_step__lazy_binding_stub__by_the_place_in_it),
		TEST(unwind_step__signal__registers_of_the_interrupted),
		TEST(unwind_step__row_borders__call_and_interruption),
		TEST(unwind_step__frame_beyond_the_window__read_anew),
		TEST(unwind_step__end_of_the_mapping__found_once),
		TEST(unwind_fill__two_pages_and_no_more__both_copied),
		TEST(unwind_fill__page_that_was_missing__read_when_it_is_there),
		TEST(unwind_step__unreadable__fault),
		TEST(unwind_step__stack_that_does_not_grow__broken),
		TEST(unwind_step__rbp_that_was_lost__not_used),
		TEST(unwind_step__ends__told_apart),
		TEST(unwind_step__pending_return_probe__seen_through),
		TEST(unwind_step__generated_code__frame_pointers_believed_when_sane),
		TEST(unwind_rule__new_list__old_rules_not_found),
		OWN(unwind_step__own_random_stacks__as_backtrace_says),
		OWN(unwind_step__own_stacks_again_and_again__known),
		OWN(unwind_step__own_stacks_without_cache__the_same),
		OWN(unwind_step__own_signal_handler__through_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
