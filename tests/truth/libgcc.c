/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The truth by GCC's own unwinder, which throws C++ exceptions and is behind glibc's backtrace(). */
#include "truth.h"

#include <unwind.h>

struct walk {
	uint64_t *pcs;
	int count, room;
};

static _Unwind_Reason_Code add(struct _Unwind_Context *context, void *data)
{
	struct walk *w = data;
	int before = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &before);

	/* the first is truth_unwind(), the second truth_note() */
	if (w->count >= w->room)
		return _URC_END_OF_STACK;
	w->pcs[w->count++] = pc + (before ? 1 : 0);
	return _URC_NO_REASON;
}

__attribute__((noinline)) int truth_unwind(uint64_t *pcs, int room_for)
{
	struct walk w = {pcs, 0, room_for};
	int i;

	_Unwind_Backtrace(add, &w);
	/* the end of a chain may be told by a frame at address 0 */
	while (w.count && !pcs[w.count - 1])
		w.count--;
	for (i = 2; i < w.count; i++)
		pcs[i - 2] = pcs[i];
	return w.count > 2 ? w.count - 2 : 0;
}
