/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap profile that a Go runtime keeps of itself, by reading memory alone: for each (stack, size of object) how many of the objects
 * that it drew were allocated and freed, as runtime.MemProfile has them. What is published is as of a past collection, because frees are
 * known only after one; what has been allocated since stands beside it. One thread at a time.
 */
#ifndef TARGET_GO_PROFILE_H
#define TARGET_GO_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_process;
struct go_profile;

/* One bucket of the runtime. Counts are of objects that were drawn, not scaled. */
struct go_record {
	uint64_t address;      /* of its counts */
	uint64_t object_bytes; /* the size class */
	uint64_t *pcs;	/* return addresses, innermost first; inlined functions have theirs */
	uint32_t depth; /* of them */
	bool cut;	/* there were more */
	bool bad;	/* its counts make no sense */
	uint64_t allocs, frees; /* published; frees are not more than allocs */
	uint64_t fresh;		/* allocated since */
};

struct go_profile_figures {
	uint64_t
		rate; /* bytes a sample, on average; 1: every object; 0: the runtime keeps no profile */
	uint32_t cycle;	   /* of the profile: one a collection */
	bool early;	   /* no collection yet: all that was allocated counts as published */
	bool steady;	   /* nothing was published meanwhile */
	uint64_t bad;	   /* records that make no sense */
	uint64_t left_out; /* records that are more than are kept */
};

/* Where the live heap by call site comes from. Values are in recordings: append only. */
enum go_heap_source {
	GO_HEAP_NONE = 0, /* not a Go program, or nothing is known of it */
	GO_HEAP_OFF = 1,  /* the runtime keeps no profile: MemProfileRate is 0 */
	GO_HEAP_UNKNOWN =
		2, /* this build does not say where its profile is, or it makes no sense */
	GO_HEAP_PROFILE = 3, /* the runtime's own profile */
	GO_HEAP_SAMPLES = 4, /* samples that the tracer draws */
};

/* What is said of it for a process. Scaled. */
struct go_heap_facts {
	uint32_t source;		 /* enum go_heap_source */
	uint64_t rate;			 /* bytes a sample */
	uint64_t live_bytes, live_count; /* as of the last collection that is published */
	uint64_t fresh_bytes;		 /* allocated since, freed or not */
	uint64_t bad, left_out;		 /* records that make no sense, or are too many */
	bool early;			 /* no collection yet */
	bool enabled;			 /* --go-enable-profile has switched it on */
	/* of GO_HEAP_SAMPLES: objects that were drawn and live; of them those that something else may have replaced, because collections
	 * were missed; thinned to one for so many bytes (0: not) */
	uint64_t samples, uncertain, missed_cycles, thinned_bytes;
};

/*
 * Rows are X(number, type, member): the number is that in recordings, append only.
 */
/* clang-format off */
#define GO_HEAP(X) \
	X(260, u32, source) \
	X(261, u64, rate) \
	X(262, u64, live_bytes) \
	X(263, u64, live_count) \
	X(264, u64, fresh_bytes) \
	X(265, u64, bad) \
	X(266, u64, left_out) \
	X(267, flag, early) \
	X(268, flag, enabled) \
	X(270, u64, samples) \
	X(271, u64, uncertain) \
	X(272, u64, missed_cycles) \
	X(273, u64, thinned_bytes)
/* clang-format on */

/* Always one. Borrows the process. */
struct go_profile *go_profile_open(const struct go_process *go);
void go_profile_close(struct go_profile *p);
/*
 * Reads what there is now. 0, also with rate 0; -ENOENT: this build does not say where its profile is; -ESRCH: the process has ended or
 * runs another program; -EBADMSG: what is there is no profile. Records of before stay as they were then.
 */
int go_profile_read(struct go_profile *p, struct go_profile_figures *f);
/* In the order in which they were met; more come, none goes, pcs stay. Borrowed until the next read. */
const struct go_record *go_profile_records(const struct go_profile *p, size_t *count);

/* The rate that a runtime has unless it is told otherwise: one sample per 512 KiB. */
#define GO_PROFILE_RATE (512u << 10)
/*
 * Writes runtime.MemProfileRate in the process: GO_PROFILE_RATE where it is 0, and back. 0; -EBUSY: it has another value than that, and keeps
 * it; -EFAULT: what is there cannot be that variable; -ESRCH: the process has ended or runs another program; -errno.
 */
int go_profile_switch_on(struct go_profile *p);
int go_profile_switch_off(struct go_profile *p);

/* For how many objects of that size each drawn one stands, as scaleHeapSample() of runtime/pprof has it. */
double go_profile_weight(uint64_t object_bytes, uint64_t rate);

#endif /* TARGET_GO_PROFILE_H */
