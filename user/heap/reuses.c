/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes of the last addresses of a process that were handed out while they were live. Most often
 * nothing was missed: a release inside realloc or munmap is reported when that call returns, and
 * another thread got the memory before. The release then arrives with the time at which its call
 * began, and takes note and count back.
 *
 * Invariant: notes with bytes > 0 are counted in COUNTER_REUSED_ADDRESS; those that were
 * overwritten stay counted.
 */
#include "tables.h"
#include <stdlib.h>

#define NOTES	     1024u
#define NOTE_SLOP_NS 1000000ull /* events come nearly in the order of time */

struct reuses {
	uint32_t next;
	struct {
		uint64_t start;
		uint64_t bytes; /* 0: no note */
		uint64_t time_ns;
		bool range;
	} notes[NOTES];
};

void reuses_note(struct heap_process *p, uint64_t start, uint64_t bytes, bool range,
		 uint64_t time_ns)
{
	uint32_t i;

	p->counts[COUNTER_REUSED_ADDRESS]++;
	if (!p->reuses)
		p->reuses = calloc(1, sizeof(*p->reuses));
	if (!p->reuses)
		return; /* it cannot be taken back, that is all */
	i = p->reuses->next++ % NOTES;
	p->reuses->notes[i].start = start;
	p->reuses->notes[i].bytes = bytes;
	p->reuses->notes[i].time_ns = time_ns;
	p->reuses->notes[i].range = range;
}

bool reuses_explain(struct heap_process *p, uint64_t start, uint64_t bytes, bool range,
		    uint64_t entry_ns)
{
	struct reuses *r = p->reuses;
	bool any = false;

	if (!r)
		return false;
	for (uint32_t n = 1; n <= NOTES; n++) {
		uint32_t i = (r->next - n) % NOTES;

		if (r->notes[i].time_ns + NOTE_SLOP_NS < entry_ns)
			break;
		if (!r->notes[i].bytes || r->notes[i].range != range ||
		    r->notes[i].time_ns <= entry_ns)
			continue;
		if (r->notes[i].start < start + bytes &&
		    start < r->notes[i].start + r->notes[i].bytes) {
			r->notes[i].bytes = 0;
			p->counts[COUNTER_REUSED_ADDRESS]--;
			any = true;
			if (!range)
				break; /* one release explains one reuse */
		}
	}
	return any;
}
