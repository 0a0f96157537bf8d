/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The time of an event. What it has to tell is the order of what happens to one address: an allocation comes before the free of its
 * block, wherever that runs, and a free before the allocation that gets the address next. Rings keep the order of their own
 * processor; times keep it between processors (user/capture/order.h).
 *
 * Reading the clock is a call that waits for all loads before it, a sixth of what an event costs. While one thread has all events and has
 * run without a break since the last one, so that it is on the same processor, too, its ring keeps the order, and the time need not move:
 * up to MOMENT_RUN events in a row have one time. That they may is said by one word, `turn`:
 *
 *  - A thread that finds its own name there, and has read the clock a moment ago, takes that time.
 *  - Else it puts a claim there, reads the clock, and puts its name in place of the claim, if that is still there. If it is not, somebody
 *    else has come in between, whose clock may be read before or after: then nobody's name is there any more.
 *  - Whoever reads the clock without all that (for records, which are rare) takes down what is there afterwards.
 *
 * Why times cannot contradict what has happened: say e came before f, on another processor, and f took the time t of an earlier event of
 * its thread. f has found its thread's name, which was put in place of a claim that nobody had touched, and t was read in between. If e
 * read the clock, it took down or replaced what was there, after it had read: so the claim came later, and t is later. If e took a
 * time, too, its thread's name stood there, then the claim came, and t is later than any time that e can have.
 * In the other direction, f reads the clock: that is later than any time that e has.
 *
 * Where several processors have events, each would wait for the line of `turn` to come from the other. MOMENT_LOST claims that have
 * taken somebody's turn, without one that has kept its own, end all this: from then on every event reads the clock, until user
 * space sees (user/capture/turn_watch.c) that events come from one processor.
 *
 * Times are behind by no more than what passes between the MOMENT_RUN events, each of which followed within MOMENT_DENSE_NS on
 * another when last seen; by a tick of the timer at most, where one comes later; never across a break of the thread.
 */
#ifndef BPF_MOMENT_H
#define BPF_MOMENT_H

#define MOMENT_RUN	8
#define MOMENT_DENSE_NS 20000
#define MOMENT_LOST	8

/* In struct thread: time, and how many events may take it. */
#define MOMENT_NS(moment) ((moment) & ((1ull << SLOT_TIME_BITS) - 1))
#define MOMENT_ONE	  (1ull << SLOT_TIME_BITS)

struct turn turn SEC(".data.turn") = {};

static __always_inline __u64 turn_word(void)
{
	return *(volatile __u64 *)&turn.word;
}

static __always_inline void turn_set(__u64 word)
{
	*(volatile __u64 *)&turn.word = word;
}

static __always_inline __u64 turn_of(const struct thread *t)
{
	return (__u64)t->tid << TURN_SHIFT | TURN_OWNED;
}

/* Of the thread since it was last switched to, and of the tick: changes when either does. */
static __always_inline __u64 moment_run(const struct task_struct *task)
{
	return (task->nvcsw + task->nivcsw) << 32 | (__u32)bpf_jiffies64();
}

/* The clock. Nobody's time is as late. */
static __always_inline __u64 moment_now(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (turn_word() != TURN_OFF)
		turn_set(TURN_NOBODY);
	return now;
}

/* The clock, too, but a thread whose turn it is keeps it: for what it does often. */
static __always_inline __u64 moment_exact(struct thread *t)
{
	__u64 now;

	if (turn_word() != turn_of(t))
		return moment_now();
	now = bpf_ktime_get_ns();
	/* records come in a ring of their own: what follows is later */
	t->moment = (t->moment & ~(MOMENT_ONE - 1)) | (now + 1);
	return now;
}

/* The clock, and later events of this thread may take it. */
static __noinline __u64 moment_claim(struct thread *t, __u64 run)
{
	__u64 own = turn_of(t), claim = own ^ (TURN_OWNED | TURN_CLAIMED), before = turn_word(),
	      now;

	if (before == own) {
		now = bpf_ktime_get_ns();
		turn.lost = 0;
		t->moment = now | (now - MOMENT_NS(t->moment) < MOMENT_DENSE_NS
					   ? (MOMENT_RUN - 1) * MOMENT_ONE
					   : 0);
		t->run = run;
		return now;
	}
	before = __sync_lock_test_and_set(&turn.word, claim);
	now = bpf_ktime_get_ns();
	t->moment = now;
	t->run = run;
	if (__sync_val_compare_and_swap(&turn.word, claim, own) != claim)
		turn_set(TURN_NOBODY);
	if (before != TURN_NOBODY && ++turn.lost >= MOMENT_LOST) {
		turn.lost = 0;
		turn_set(TURN_OFF);
	}
	return now;
}

/* The time of an allocation or a free, which is now. */
static __always_inline __u64 moment_of(struct thread *t, const struct task_struct *task)
{
	__u64 word = turn_word(), run, moment;

	if (word == TURN_OFF)
		return moment_now();
	run = moment_run(task);
	moment = t->moment;
	if (word != turn_of(t) || t->run != run || moment < MOMENT_ONE)
		return moment_claim(t, run);
	t->moment = moment - MOMENT_ONE;
	return MOMENT_NS(moment);
}

#endif /* BPF_MOMENT_H */
