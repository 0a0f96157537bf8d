/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole walks of the BPF side's unwinder as plain C: why each one ends and what is said then, stacks
 * that want to do harm, and the stack of this program between any two instructions.
 */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>
#include <cmocka.h>
#include "unwind_world.h"

#define CODE	   0x400000ull
#define CODE_PAGES 4
#define GENERATED  0x900000ull
#define TRAMPOLINE 0x7fffffffe000ull
#define IMAGE	   4711ull

#define RSP(words_) UNWIND_RULE(UNWIND_RSP, words_, UNWIND_RBP_SAME, 0)
#define AT(page)    (CODE + (page)*4096 + 101)

/* Each page of the code has a rule of its own; then comes generated code. */
static uint64_t one_rule_a_page(const uint32_t rule[CODE_PAGES])
{
	uint32_t *index = (uint32_t *)&words[TABLE_AT], i;
	struct unwind_mapping list[] = {
		{CODE, CODE + CODE_PAGES * 4096, CODE, TABLE_AT, CODE_PAGES},
		{GENERATED, GENERATED + 4096, 0, UNWIND_POINTER, 0},
	};

	for (i = 0; i < CODE_PAGES; i++) {
		index[i] = i;
		words[TABLE_AT + UNWIND_INDEX_WORDS(CODE_PAGES) + i] =
			UNWIND_ROW(i * 4096, rule[i]);
	}
	index[CODE_PAGES] = CODE_PAGES - 1;
	return publish(list, 2);
}

static struct thread thread;
static struct unwind_walk walk;
static struct walk_pcs stack;

/* As stack_of() does it. The record of the walk before stays: it must not make a difference. */
static int walk_stack(uint64_t pc, uint64_t sp, uint64_t bp)
{
	stack_walk(&thread, &walk, pc, sp, bp);
	count_flags(walk.flags);
	return (int)walk_pcs(&walk, &stack);
}

/* Page 0: a frame of one word; page 1: the outermost; page 2: nothing known; page 3: by `rule`. */
static void set_rules(uint32_t rule)
{
	const uint32_t page[CODE_PAGES] = {RSP(1), UNWIND_RULE_SPECIAL(UNWIND_STOP),
					   UNWIND_RULE_SPECIAL(UNWIND_NO_INFO), rule};

	spaces[1].list = one_rule_a_page(page);
}

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(&thread, 0, sizeof(thread));
	memset(&walk, 0, sizeof(walk));
	memset(gone, 0, sizeof(gone));
	memset(spaces, 0, sizeof(spaces));
	memset(owners, 0, sizeof(owners));
	memset(counters, 0, sizeof(counters));
	memory_bytes = sizeof(memory);
	on_read = NULL;
	trampoline_address = trampoline_slot = trampoline_return = 0;
	now_ns = 1000000000000;
	asked = 0;
	thread.number = 1;
	thread.image = IMAGE;
	owners[1] = spaces[1].owner = IMAGE;
	set_max_frames(STACK_MAX_FRAMES);
	set_rules(RSP(1));
	return 0;
}

/* Walks from a return address on top of the stack; checks how many frames and what is said. */
static void expect_walk(int frames, uint32_t flags, uint32_t counter)
{
	uint64_t before = counters[counter];

	assert_int_equal(walk_stack(0, MEMORY, 0), frames);
	assert_int_equal(walk.flags, flags);
	if (flags)
		assert_int_equal(counters[counter], before + 1);
}

static void stack_walk__at_the_entry__whole(void **state)
{
	(void)state;
	memory[0] = AT(0);
	memory[1] = AT(0) + 50;
	memory[2] = AT(1);
	expect_walk(3, 0, 0);
	assert_int_equal(stack.pcs[0], AT(0));
	assert_int_equal(stack.pcs[1], AT(0) + 50);
	assert_int_equal(stack.pcs[2], AT(1));
}

static void stack_walk__at_the_return__begins_with_the_given_address(void **state)
{
	(void)state;
	memory[0] = AT(1);
	assert_int_equal(walk_stack(AT(0), MEMORY, 0), 2);
	assert_int_equal(walk.flags, 0);
	assert_int_equal(stack.pcs[0], AT(0));
	assert_int_equal(stack.pcs[1], AT(1));
}

static void stack_walk__no_return_address__outermost(void **state)
{
	(void)state;
	memory[0] = AT(0);
	memory[1] = 0;
	expect_walk(1, 0, 0);
}

static void stack_walk__too_deep__cut_at_the_limit(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MEMORY_WORDS; i++)
		memory[i] = AT(0);
	expect_walk(STACK_MAX_FRAMES, STACK_F_CUT, COUNTER_STACK_CUT);
	set_max_frames(5);
	expect_walk(5, STACK_F_CUT, COUNTER_STACK_CUT);
}

static void stack_walk__as_deep_as_the_limit__whole(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < STACK_MAX_FRAMES - 1; i++)
		memory[i] = AT(0);
	memory[i] = AT(1);
	expect_walk(STACK_MAX_FRAMES, 0, 0);
}

static void stack_walk__code_without_information__said(void **state)
{
	(void)state;
	memory[0] = AT(0);
	memory[1] = AT(2);
	expect_walk(2, STACK_F_NO_INFO, COUNTER_STACK_NO_INFO);
}

static void stack_walk__unknown_code__asks_once_a_second(void **state)
{
	(void)state;
	memory[0] = AT(0);
	memory[1] = 0x500000;
	expect_walk(2, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
	expect_walk(2, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
	assert_int_equal(asked, 1);
	now_ns += ASK_AGAIN_NS;
	expect_walk(2, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
	assert_int_equal(asked, 2);
}

static void stack_walk__process_without_mappings__first_frame(void **state)
{
	(void)state;
	owners[1] = 0;
	memory[0] = AT(0);
	expect_walk(1, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
	assert_int_equal(asked, 0);
}

static void stack_walk__process_that_has_diverged__its_own_mappings(void **state)
{
	(void)state;
	owners[2] = spaces[2].owner = UNWIND_OWNER_PROCESS(1);
	spaces[2].list = spaces[1].list;
	spaces[1].list = 0;
	memory[0] = AT(1);
	expect_walk(1, 0, 0);
	assert_int_equal(thread.space, 2);
}

static void stack_walk__space_given_to_another__looked_up_anew(void **state)
{
	(void)state;
	memory[0] = AT(1);
	expect_walk(1, 0, 0);
	spaces[3] = spaces[1];
	owners[3] = IMAGE;
	owners[1] = spaces[1].owner = 99;
	expect_walk(1, 0, 0);
	assert_int_equal(thread.space, 3);
}

static void stack_walk__end_of_the_memory__fault(void **state)
{
	uint64_t sp = MEMORY + sizeof(memory) - 16;

	(void)state;
	memory[MEMORY_WORDS - 2] = memory[MEMORY_WORDS - 1] = AT(0);
	assert_int_equal(walk_stack(0, sp, 0), 2);
	assert_int_equal(walk.flags, STACK_F_FAULT);
	assert_int_equal(counters[COUNTER_STACK_FAULT], 1);
}

/* The last words of a page are readable wherever the walk begins in it, and nothing beyond is. */
static void stack_walk__any_distance_to_the_end_of_the_memory__all_words_read(void **state)
{
	uint32_t left, i;

	(void)state;
	for (left = 1; left < 600; left++) {
		uint32_t frames = left < STACK_MAX_FRAMES ? left : STACK_MAX_FRAMES;

		for (i = MEMORY_WORDS - left; i < MEMORY_WORDS - 1; i++)
			memory[i] = AT(0);
		memory[MEMORY_WORDS - 1] = AT(1);
		thread.readable_end = 0;
		assert_int_equal(walk_stack(0, MEMORY + sizeof(memory) - left * 8, 0), frames);
		assert_int_equal(walk.flags, left > STACK_MAX_FRAMES ? STACK_F_CUT : 0);
	}
}

static void stack_walk__no_stack_at_all__failed(void **state)
{
	(void)state;
	assert_int_equal(walk_stack(0, 8, 0), 0);
	assert_int_equal(walk.flags, STACK_F_FAILED);
}

static void stack_walk__generated_code__guessed_and_said(void **state)
{
	(void)state;
	memory[0] = GENERATED + 10;
	memory[4] = 0;
	memory[5] = AT(1);
	assert_int_equal(walk_stack(0, MEMORY, MEMORY + 32), 2);
	assert_int_equal(walk.flags, STACK_F_POINTERS);
	assert_int_equal(counters[COUNTER_STACK_GUESSED], 1);
}

static void stack_walk__frames_beyond_the_window__followed(void **state)
{
	(void)state;
	set_rules(RSP(900));
	memory[0] = AT(3);
	memory[900] = AT(3);
	memory[1800] = AT(0);
	memory[1801] = AT(1);
	expect_walk(4, 0, 0);
}

static void stack_walk__frame_larger_than_the_stack__fault(void **state)
{
	(void)state;
	set_rules(RSP(0xffff));
	memory[0] = AT(3);
	expect_walk(1, STACK_F_FAULT, COUNTER_STACK_FAULT);
}

static void stack_walk__alternate_stack__left_for_the_other(void **state)
{
	const uint32_t on_top = 16, below = 1024;

	(void)state;
	/* the handler's frame returns to the signal's, which lies above the code that it interrupts */
	set_rules(UNWIND_RULE_SPECIAL(UNWIND_SIGNAL));
	memory[below] = AT(3);
	memory[below + 1 + SIGNAL_RIP / 8] = AT(0);
	memory[below + 1 + SIGNAL_RSP / 8] = MEMORY + on_top * 8;
	memory[on_top] = AT(1);
	assert_int_equal(walk_stack(0, MEMORY + below * 8, 0), 3);
	assert_int_equal(walk.flags, 0);
	/* an interrupted instruction, and one, is a return address like any other */
	assert_int_equal(stack.pcs[1], AT(0) + 1);
	assert_int_equal(stack.pcs[2], AT(1));
}

static void stack_walk__return_probes_on_all_frames__seen_through(void **state)
{
	(void)state;
	trampoline_address = TRAMPOLINE;
	memory[0] = TRAMPOLINE;
	trampoline_slot = MEMORY;
	trampoline_return = AT(1);
	expect_walk(1, 0, 0);
	assert_int_equal(stack.pcs[0], AT(1));
	trampoline_slot = MEMORY + 8;
	memory[0] = AT(0);
	memory[1] = TRAMPOLINE;
	expect_walk(2, 0, 0);
	assert_int_equal(stack.pcs[1], AT(1));
	/* not ours to know: nobody returns to the trampoline of another slot */
	trampoline_slot = 0;
	memory[0] = TRAMPOLINE;
	expect_walk(0, STACK_F_FAILED, COUNTER_STACK_FAILED);
}

static void stack_walk__ring_of_frames__broken(void **state)
{
	(void)state;
	set_rules(UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(false, 0, 0), UNWIND_RBP_SAME, 0));
	memory[0] = AT(3);
	memory[1] = MEMORY + 8;
	expect_walk(1, STACK_F_BROKEN, COUNTER_STACK_BROKEN);
	/* downwards */
	memory[1] = MEMORY;
	expect_walk(1, STACK_F_BROKEN, COUNTER_STACK_BROKEN);
}

static void replace_list(void)
{
	spaces[1].list ^= 1ull << 47;
	on_read = NULL;
}

static void stack_walk__mappings_replaced_meanwhile__first_frame_kept(void **state)
{
	(void)state;
	on_read = replace_list;
	set_rules(RSP(1000));
	memory[0] = AT(3);
	memory[1000] = AT(0);
	memory[1001] = AT(1);
	expect_walk(1, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
}

static void stack_walk__code_has_gone__first_frame_kept_until_read_again(void **state)
{
	uint64_t id;

	(void)state;
	memory[0] = AT(0);
	memory[1] = AT(1);
	mm.exec_vm = 100;
	unwind_notice(&thread);
	expect_walk(2, 0, 0);
	id = walk.id;
	mm.exec_vm = 120;
	unwind_notice(&thread);
	expect_walk(2, 0, 0);
	mm.exec_vm = 119;
	unwind_notice(&thread);
	expect_walk(1, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
	/* it was read before the next one went */
	gone[1].seen = gone[1].times;
	mm.exec_vm = 110;
	unwind_notice(&thread);
	expect_walk(1, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
	gone[1].seen = gone[1].times;
	/* by now it is known, and not walked */
	expect_walk(0, 0, 0);
	assert_int_equal(walk.id, id);
	assert_int_equal(walk.sent, 1);
	/* changed while it is known: another stack, which nobody was sent */
	gone[1].times++;
	expect_walk(1, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
	assert_int_equal(walk.sent, 0);
}

/* Its first frame is an outer one of the walk before, of which the fresh frames are still there. */
static void stack_walk__code_has_gone_where_the_record_is_met__its_own_first_frame(void **state)
{
	(void)state;
	memory[0] = AT(0) + 7;
	memory[1] = AT(0) + 50;
	memory[2] = AT(1);
	walk.no_memo = 1;
	expect_walk(3, 0, 0);
	assert_int_equal(walk_stack(0, MEMORY + 8, 0), 2);
	assert_int_equal(walk.fresh_count, 0);
	gone[1].times++;
	assert_int_equal(walk_stack(0, MEMORY + 8, 0), 1);
	assert_int_equal(walk.flags, STACK_F_CHANGED);
	assert_int_equal(stack.pcs[0], AT(0) + 50);
}

/* ---- anything at all ---- */

static uint64_t seed = 4711;

static uint64_t draw(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return seed >> 16 ^ seed << 40;
}

/* Words that look like what is on stacks: code, addresses of the stack, aligned or not, and others. */
static uint64_t draw_word(void)
{
	switch (draw() % 8) {
	case 0:
	case 1: return AT(3);
	case 2: return AT(draw() % CODE_PAGES);
	case 3: return GENERATED + draw() % 4096;
	case 4: return MEMORY + draw() % sizeof(memory);
	case 5: return MEMORY + (draw() % MEMORY_WORDS) * 8;
	case 6: return draw();
	default: return 0;
	}
}

/* ---- what is used again: a walk that may use all of it, and one that knows nothing ---- */

#define DEPTH 12

static uint32_t again_seed;

static uint32_t again_draw(uint32_t below)
{
	again_seed = again_seed * 1664525u + 1013904223u;
	return (again_seed >> 8) % below;
}

/*
 * Frames of one word (kind 0), of two with bp saved in the lower one (1), and such that go by bp (2), up to the outermost. A saved bp
 * that no frame uses is whatever was in the register. Returns bp.
 */
static uint64_t build_stack(const uint8_t kinds[DEPTH])
{
	static const unsigned int page[] = {0, 2, 3};
	size_t word = 0, i;
	uint64_t bp = again_draw(3);

	for (i = 0; i < DEPTH; i++)
		word += kinds[i] ? 2 : 1;
	for (i = DEPTH; i-- > 0;) {
		memory[--word] = i + 1 < DEPTH ? AT(page[kinds[i + 1]]) : AT(1);
		if (!kinds[i])
			continue;
		memory[--word] = bp;
		bp = kinds[i] == 2 ? MEMORY + 8 * word : again_draw(3);
	}
	return bp;
}

static unsigned int known_at_once; /* without a walk */

static void expect_same_walk(struct unwind_walk *fresh, uint64_t bp)
{
	uint64_t known = stack_known(&thread, AT(0), MEMORY, bp);

	fresh->no_memo = 1;
	fresh->record.count = 0;
	stack_walk(&thread, &walk, AT(0), MEMORY, bp);
	stack_walk(&thread, fresh, AT(0), MEMORY, bp);
	assert_int_equal(walk.id, fresh->id);
	assert_int_equal(walk.check, fresh->check);
	assert_int_equal(walk.flags, fresh->flags);
	if (known)
		assert_int_equal(known, fresh->id);
	known_at_once += known != 0;
}

static void set_rules_for_again(void)
{
	const uint32_t page[CODE_PAGES] = {RSP(1), UNWIND_RULE_SPECIAL(UNWIND_STOP),
					   UNWIND_RULE(UNWIND_RSP, 2, UNWIND_RBP_AT_CFA, 2),
					   UNWIND_RULE(UNWIND_RBP, 2, UNWIND_RBP_AT_CFA, 2)};

	spaces[1].list = one_rule_a_page(page);
}

static void stack_walk__stacks_in_turn__as_by_a_walk_that_knows_nothing(void **state)
{
	static struct unwind_walk fresh;
	static uint8_t kinds[8][DEPTH];
	unsigned int known = 0, same = 0, which = 0, i, j, word;
	uint64_t bp;

	(void)state;
	memset(memos, 0, sizeof(memos));
	memset(memo_doubts, 0, sizeof(memo_doubts));
	memset(&fresh, 0, sizeof(fresh));
	set_rules_for_again();
	again_seed = 4711;
	for (i = 0; i < 8; i++) {
		for (j = 1; j < DEPTH; j++)
			kinds[i][j] = (uint8_t)again_draw(3);
	}
	for (i = 0; i < 20000; i++) {
		/* in turn, and for a while the same one */
		if (i % 500 < 250 || !again_draw(40))
			which = again_draw(8);
		bp = build_stack(kinds[which]);
		/* now and then one word is another one, anywhere */
		word = again_draw(4) ? MEMORY_WORDS - 1 : again_draw(2 * DEPTH);
		memory[word] = again_draw(2) ? again_draw(1000) : AT(again_draw(4));
		expect_same_walk(&fresh, again_draw(8) ? bp : again_draw(1000));
		known += walk.rest.key && walk.fresh_count == MEMO_AFTER && !walk.met;
		same += !walk.fresh_count && !walk.met;
	}
	assert_true(known > 1000 && same > 100);
	assert_true(known_at_once > 1000);
}

/* A stack that is known, with its bp. */
static uint64_t make_known(void)
{
	static const uint8_t kinds[DEPTH] = {0, 1, 2, 0, 0, 2, 1, 1, 0, 0, 2, 0};
	uint64_t bp;

	memset(memos, 0, sizeof(memos));
	memset(memo_doubts, 0, sizeof(memo_doubts));
	no_pages = false;
	set_rules_for_again();
	again_seed = 1;
	bp = build_stack(kinds);
	for (int i = 0; i < 3; i++)
		stack_walk(&thread, &walk, AT(0), MEMORY, bp);
	return bp;
}

static void stack_known__every_word_of_it_changed__not_known(void **state)
{
	uint64_t bp = make_known(), kept;
	unsigned int needed = 0;

	(void)state;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
	for (int i = 0; i < 3 * DEPTH; i++) {
		kept = memory[i];
		memory[i] ^= 1ull << (i * 5 % 64);
		needed += !stack_known(&thread, AT(0), MEMORY, bp);
		memory[i] = kept;
	}
	/* each return address but the first, which is given, and saved bps where a frame goes by them */
	assert_true(needed >= DEPTH - 1);
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
}

static void stack_known__other_registers__not_known(void **state)
{
	uint64_t bp = make_known();

	(void)state;
	assert_int_equal(stack_known(&thread, AT(2), MEMORY, bp), 0);
	assert_int_equal(stack_known(&thread, AT(0), MEMORY + 8, bp), 0);
	assert_int_equal(stack_known(&thread, AT(0), MEMORY + 1, bp), 0);
}

static void stack_known__no_page_there__walked(void **state)
{
	uint64_t bp = make_known();

	(void)state;
	no_pages = true;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	/* it may be found another time */
	assert_int_equal(thread.stack_table, 0);
	no_pages = false;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
}

static void stack_known__mappings_changed__walked(void **state)
{
	uint64_t bp = make_known();

	(void)state;
	gone[1].times++;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	gone[1].seen = gone[1].times;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
	spaces[1].list++;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
}

static void stack_known__torn_entry__not_believed(void **state)
{
	uint64_t bp = make_known();
	struct memo_entry *e = memos, whole;

	(void)state;
	while (!e->key)
		e++;
	whole = *e;
	e->chain ^= 1;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	*e = whole;
	e->offsets[3]++;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	*e = whole;
	e->count--;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	*e = whole;
	/* its frames were never sent */
	e->sent = 0;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	*e = whole;
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
}

static void stack_known__many_begin_like_it__not_looked_for(void **state)
{
	uint64_t bp = make_known();

	(void)state;
	memset(memo_doubts, MEMO_PATIENCE, sizeof(memo_doubts));
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), 0);
	/* the walk looks now and then, and with what it finds there is less doubt */
	for (int i = 0; i < MEMO_RARELY; i++)
		stack_walk(&thread, &walk, AT(0), MEMORY, bp);
	assert_int_equal(stack_known(&thread, AT(0), MEMORY, bp), walk.id);
}

static void stack_walk__random_stacks_and_rules__bounded(void **state)
{
	int i, k, n;

	(void)state;
	for (i = 0; i < 20000; i++) {
		if (i % 50 == 0) {
			set_rules((uint32_t)draw());
			for (k = 0; k < MEMORY_WORDS; k++)
				memory[k] = draw_word();
		}
		trampoline_address = i % 3 ? 0 : AT(3);
		n = walk_stack(i & 1 ? AT(3) : 0, draw_word() & ~(i % 5 ? 7ull : 0), draw_word());
		assert_in_range(n, 0, STACK_MAX_FRAMES);
		assert_true(n > 0 || walk.flags & STACK_F_FAILED);
	}
}

/* ---- between any two instructions ---- */

#define TF     0x100
#define FRAMES 200

struct truth {
	uint64_t pcs[FRAMES];
	int count;
};

static uint64_t own_list;
static unsigned int compared, wrong, not_whole;
static volatile sig_atomic_t stepping;

static _Unwind_Reason_Code add_truth(struct _Unwind_Context *context, void *data)
{
	struct truth *t = data;
	int before = 0;
	uint64_t pc = _Unwind_GetIPInfo(context, &before);

	if (!pc || t->count == FRAMES)
		return _URC_END_OF_STACK;
	t->pcs[t->count++] = pc + (before ? 1 : 0);
	return _URC_NO_REASON;
}

static void compare(const ucontext_t *c)
{
	const greg_t *r = c->uc_mcontext.gregs;
	struct truth truth = {.count = 0};
	struct unwind_state *s = &walk.state;
	int result = UNWIND_WENT_ON, i = 0;

	_Unwind_Backtrace(add_truth, &truth);
	while (i < truth.count && truth.pcs[i] != (uint64_t)r[REG_RIP] + 1)
		i++;
	memset(s, 0, offsetof(struct unwind_state, window));
	s->pc = (uint64_t)r[REG_RIP];
	s->sp = (uint64_t)r[REG_RSP];
	s->bp = (uint64_t)r[REG_RBP];
	s->list = own_list;
	s->exact = 1;
	for (; i < truth.count && result == UNWIND_WENT_ON; i++) {
		if (s->pc + s->exact != truth.pcs[i])
			break;
		result = unwind_step(s);
	}
	compared++;
	/* in the prologue of a realigned frame the CFA is in a register that no rule has */
	not_whole += result == UNWIND_CUT_NO_INFO;
	wrong += result != UNWIND_CUT_NO_INFO && (i != truth.count || result != UNWIND_AT_END);
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number;
	(void)info;
	if (stepping)
		compare(c);
	else
		c->uc_mcontext.gregs[REG_EFL] &= ~TF;
}

static __attribute__((noinline)) int stepped_leaf(const int *v)
{
	int i, sum = 0;

	for (i = 0; i < 4; i++)
		sum += v[i] * v[3 - i];
	return sum;
}

static __attribute__((noinline)) int stepped_realigned(int n)
{
	volatile int __attribute__((aligned(64))) v[16];
	char *p = alloca((size_t)n + 1);

	memset(p, n, (size_t)n + 1);
	v[0] = v[1] = v[2] = v[3] = n;
	return stepped_leaf((const int *)v) + p[n];
}

static __attribute__((noinline)) int stepped_recursion(int n)
{
	volatile char big[5000];

	big[n] = (char)n;
	return n ? stepped_recursion(n - 1) + big[n] : stepped_realigned(20);
}

static void single_step(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq %0, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "i"(TF)
			 : "memory", "cc");
}

static void unwind_step__after_each_instruction__as_another_unwinder_says(void **state)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, before;
	volatile int sum = 0;

	(void)state;
	own_list = publish_own();
	compared = wrong = not_whole = 0;
	/* functions are bound at their first call, by code whose frames no table describes */
	sum += stepped_recursion(1);
	sigaction(SIGTRAP, &action, &before);
	stepping = 1;
	single_step();
	sum += stepped_recursion(20);
	stepping = 0;
	sum++;
	sigaction(SIGTRAP, &before, NULL);
	assert_true(compared > 100);
	assert_int_equal(wrong, 0);
	assert_in_range(not_whole, 0, compared / 4);
}

static ucontext_t coroutine, caller;

static void coroutine_main(void)
{
	raise(SIGTRAP);
	swapcontext(&coroutine, &caller);
}

static void unwind_step__coroutine__ends_at_its_start(void **state)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, before;
	static char memory_of_it[1 << 16];

	(void)state;
	own_list = publish_own();
	compared = wrong = not_whole = 0;
	sigaction(SIGTRAP, &action, &before);
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = memory_of_it;
	coroutine.uc_stack.ss_size = sizeof(memory_of_it);
	/* what lies above the first frame is no return address then */
	coroutine.uc_link = &caller;
	makecontext(&coroutine, coroutine_main, 0);
	stepping = 1;
	swapcontext(&caller, &coroutine);
	stepping = 0;
	sigaction(SIGTRAP, &before, NULL);
	assert_int_equal(compared, 1);
	assert_int_equal(wrong + not_whole, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stack_walk__at_the_entry__whole),
		TEST(stack_walk__at_the_return__begins_with_the_given_address),
		TEST(stack_walk__no_return_address__outermost),
		TEST(stack_walk__too_deep__cut_at_the_limit),
		TEST(stack_walk__as_deep_as_the_limit__whole),
		TEST(stack_walk__code_without_information__said),
		TEST(stack_walk__unknown_code__asks_once_a_second),
		TEST(stack_walk__process_without_mappings__first_frame),
		TEST(stack_walk__process_that_has_diverged__its_own_mappings),
		TEST(stack_walk__space_given_to_another__looked_up_anew),
		TEST(stack_walk__end_of_the_memory__fault),
		TEST(stack_walk__any_distance_to_the_end_of_the_memory__all_words_read),
		TEST(stack_walk__no_stack_at_all__failed),
		TEST(stack_walk__generated_code__guessed_and_said),
		TEST(stack_walk__frames_beyond_the_window__followed),
		TEST(stack_walk__frame_larger_than_the_stack__fault),
		TEST(stack_walk__alternate_stack__left_for_the_other),
		TEST(stack_walk__return_probes_on_all_frames__seen_through),
		TEST(stack_walk__ring_of_frames__broken),
		TEST(stack_walk__mappings_replaced_meanwhile__first_frame_kept),
		TEST(stack_walk__code_has_gone__first_frame_kept_until_read_again),
		TEST(stack_walk__code_has_gone_where_the_record_is_met__its_own_first_frame),
		TEST(stack_walk__stacks_in_turn__as_by_a_walk_that_knows_nothing),
		TEST(stack_known__every_word_of_it_changed__not_known),
		TEST(stack_known__other_registers__not_known),
		TEST(stack_known__no_page_there__walked),
		TEST(stack_known__mappings_changed__walked),
		TEST(stack_known__torn_entry__not_believed),
		TEST(stack_known__many_begin_like_it__not_looked_for),
		TEST(stack_walk__random_stacks_and_rules__bounded),
		TEST(unwind_step__after_each_instruction__as_another_unwinder_says),
		TEST(unwind_step__coroutine__ends_at_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
