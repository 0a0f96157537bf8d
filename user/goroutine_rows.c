/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "goroutine_rows.h"

#include "base/log.h"
#include "base/mix.h"

/* Of the names of stacks: no call of an allocator. */
#define CALL_NONE_OF_HEAP UINT8_MAX

void goroutine_rows_init(struct goroutine_rows *r, struct tracker *tracker)
{
	*r = (struct goroutine_rows){.histories = goroutines_new(), .tracker = tracker};
}

void goroutine_rows_done(struct goroutine_rows *r)
{
	goroutines_free(r->histories);
	r->histories = NULL;
}

void goroutine_rows_sample(struct goroutine_rows *r, const struct growth *growth,
			   const struct facts *f)
{
	struct judging by;
	size_t i;

	growth_judging(growth, &by);
	for (i = 0; i < f->process_count; i++) {
		if (goroutines_sample(r->histories, f->processes[i].number,
				      &f->processes[i].goroutines, &by))
			log_error("cannot judge goroutines: out of memory");
	}
}

void goroutine_rows_fill(struct goroutine_rows *r, struct snapshot *s, const struct facts *f)
{
	size_t i;

	for (i = 0; i < s->process_count; i++) {
		const struct process_facts *known = facts_process(f, s->processes[i].number);

		if (known && !s->processes[i].exited)
			goroutines_fill(r->histories, s, (uint32_t)i, &known->goroutines);
	}
}

const struct stack_names *goroutine_rows_names(struct goroutine_rows *r, const struct snapshot *s,
					       const struct snapshot_goroutines *row)
{
	struct tracker *t = r->tracker;
	const struct tracked *p = tracker_find_number(t, s->processes[row->process].number);
	uint64_t id = mix_u64(mix_u64(0, row->start), row->creator), pcs[2];
	size_t count = 0;

	/* all are return addresses: the first instruction of a function is none */
	if (row->start)
		pcs[count++] = row->start + 1;
	if (row->creator)
		pcs[count++] = row->creator;
	return names_stack(t->names, p ? tracker_space(p, UINT32_MAX) : 0, id, CALL_NONE_OF_HEAP,
			   pcs, count);
}
