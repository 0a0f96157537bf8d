/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The samples of one Go process that live, as far as is known. One thread at a time. */
#ifndef USER_GO_LIVE_H
#define USER_GO_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "go_sampler.h"
#include "target/go_spans.h"

struct live_object {
	struct go_object o;
	uint64_t born_ns;
	uint32_t cycle; /* the runtime's sweepgen when it lived for certain */
	bool uncertain;
};

struct dead_object {
	uint32_t number;
	uint64_t address, born_ns;
};

struct go_dead {
	struct dead_object *v;
	size_t count, capacity;
};

void go_dead_move(struct go_dead *to, struct go_dead *from);
void go_dead_done(struct go_dead *d);

struct go_live {
	struct loader *loader;
	struct go_builds *builds;
	uint32_t number;
	pid_t pid; /* 0: not said yet */
	struct go_spans *spans;
	uint64_t opened_ns; /* the last try */
	uint32_t cycle;
	bool unsettled; /* not all are asked for in this cycle */
	struct live_object *v;
	size_t count, capacity;
	uint64_t rate_ns, rate_count; /* since then so many have come */
	uint32_t rate_bits, bits;     /* of the thinning */
	struct go_sampler_figures figures;
};

struct go_live *go_live_new(struct loader *loader, struct go_builds *builds, uint32_t number);
void go_live_free(struct go_live *l);
void go_live_add(struct go_live *l, const struct live_object *object);
/* It has become another program. */
void go_live_forget(struct go_live *l);
/* Asks which are left, if a collection has ended; the others go to *dead. True: some have to be asked for again soon. */
bool go_live_step(struct go_live *l, struct go_dead *dead);

#endif /* USER_GO_LIVE_H */
