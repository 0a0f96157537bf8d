/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of go.h share: where things are in a runtime. */
#ifndef TARGET_GO_PRIVATE_H
#define TARGET_GO_PRIVATE_H

#include "elf.h"
#include "go.h"
#include "go_cycles.h"

struct files;
struct mapped_file;

#define GO_SIZE_CLASSES 68
#define GO_SPAN_CLASSES (2 * GO_SIZE_CLASSES)

/* clang-format off */
/* Offsets of members, by the structure that they are in; DELTA_SIZE is a size. -1: this version has none. */
enum go_member {
	/* runtime.mstats */
	GO_STACKS_SYS, GO_MSPAN_SYS, GO_MCACHE_SYS, GO_BUCKHASH_SYS, GO_GC_MISC_SYS, GO_OTHER_SYS,
	GO_LAST_GC_UNIX, GO_PAUSE_TOTAL_NS, GO_PAUSE_NS, GO_PAUSE_END, GO_NUM_GC, GO_NUM_FORCED_GC,
	GO_GC_CPU_FRACTION, GO_HEAP_STATS,
	/* runtime.heapStatsDelta */
	GO_DELTA_SIZE, GO_COMMITTED, GO_RELEASED, GO_IN_HEAP, GO_IN_STACKS, GO_IN_WORK_BUFS,
	GO_IN_PTR_SCALAR_BITS, GO_TINY_ALLOC_COUNT, GO_LARGE_ALLOC, GO_LARGE_ALLOC_COUNT,
	GO_SMALL_ALLOC_COUNT, GO_LARGE_FREE, GO_LARGE_FREE_COUNT, GO_SMALL_FREE_COUNT,
	/* runtime.gcControllerState */
	GO_GC_PERCENT, GO_MEMORY_LIMIT, GO_GC_PERCENT_HEAP_GOAL, GO_SWEEP_DIST_MIN_TRIGGER,
	GO_TRIGGERED, GO_HEAP_MARKED, GO_RUNWAY, GO_HEAP_IN_USE, GO_HEAP_RELEASED, GO_HEAP_FREE,
	GO_TOTAL_ALLOC, GO_TOTAL_FREE, GO_MAPPED_READY,
	/* runtime.workType: of the last collections, CPU time in ns; all but the first from Go 1.20 on */
	GO_CPU_GC_1_19, GO_CPU_ASSIST, GO_CPU_DEDICATED, GO_CPU_GC_IDLE, GO_CPU_GC_PAUSE, GO_CPU_GC,
	GO_CPU_SCAVENGE_ASSIST, GO_CPU_SCAVENGE_BACKGROUND, GO_CPU_SCAVENGE, GO_CPU_IDLE, GO_CPU_USER,
	GO_CPU_TOTAL,
	/* runtime.mheap, p, mcache, mspan, g */
	GO_SPAN_IN_USE, GO_CACHE_IN_USE, GO_HEAP_SWEEPGEN, GO_P_MCACHE, GO_TINY_ALLOCS, GO_CACHE_ALLOC,
	GO_SPAN_SWEEPGEN, GO_SPAN_ALLOC_COUNT, GO_SPAN_COUNT_BEFORE, GO_SPAN_START, GO_SPAN_NELEMS,
	GO_SPAN_ALLOC_BITS, GO_SPAN_STATE, GO_SPAN_ELEMSIZE,
	GO_NGSYS, GO_G_STATUS, GO_G_WAIT_REASON, GO_G_GOPC, GO_G_STARTPC,
	/* runtime.bucket (GO_BUCKET_STACK is its size: the stack follows), memRecord, memRecordCycle */
	GO_BUCKET_ALLNEXT, GO_BUCKET_OBJECT_BYTES, GO_BUCKET_DEPTH, GO_BUCKET_STACK,
	GO_RECORD_FUTURE, GO_RECORD_SIZE, GO_CYCLE_FREES, GO_CYCLE_SIZE,
	/* runtime.moduledata */
	GO_MODULE_TYPES, GO_MODULE_TYPES_END,
	/* more of g */
	GO_G_GOID, GO_G_WAIT_SINCE,
	/* lists of free goroutines: of runtime.schedt, of p, and how long one is (Go 1.25) */
	GO_SCHED_FREE, GO_P_FREE, GO_LIST_SIZE,
	GO_MEMBERS
};

enum go_symbol {
	GO_SYMBOL_MEMSTATS, GO_SYMBOL_GC_CONTROLLER, GO_SYMBOL_MHEAP, GO_SYMBOL_ALLP, GO_SYMBOL_EMPTY_SPAN,
	GO_SYMBOL_ALLGS, GO_SYMBOL_SCHED,
	/* from here on what does without: 0 where it is not found */
	GO_SYMBOLS_NEEDED, GO_SYMBOL_MBUCKETS = GO_SYMBOLS_NEEDED, GO_SYMBOL_MPROF_CYCLE,
	GO_SYMBOL_MEM_PROFILE_RATE, GO_SYMBOL_WORK, GO_SYMBOL_ALL_POOLS, GO_SYMBOL_OLD_POOLS,
	GO_SYMBOL_MODULE, GO_SYMBOL_WAIT_REASON_STRINGS, GO_SYMBOLS
};
/* clang-format on */

/* The names of a member, and of a member of it, in debug information, in any case. No member: the size of the type. */
struct go_member_name {
	const char *type, *member, *inner_type, *inner;
};

struct go_layout {
	unsigned int minor; /* of Go 1.x */
	int32_t at[GO_MEMBERS];
};

/* At this offset of the function there is an instruction: these bytes, then the distance from its end to the variable plus `addend`. */
struct go_anchor {
	unsigned int minor;
	enum go_symbol symbol;
	uint32_t offset, addend;
	size_t prefix_length;
	const char *prefix;
	const char *function;
};

/* 0: not by a version that is known */
unsigned int go_build_minor(const char *version);
/* From the bytes that begin with the magic, which are anything. False: no version in it, or none that is in place. */
bool go_build_parse(const uint8_t *bytes, size_t size, char version[GO_VERSION_MAX]);
bool go_build_version(struct elf_file *elf, char version[GO_VERSION_MAX]);
/* Is this among the settings of the build, such as "-race=true"? False also when they are not to be found. */
bool go_build_has(struct elf_file *elf, const char *setting);

/* Bytes of runtime.mstats and of runtime.gcControllerState that are read, and where mcache.alloc must begin at the latest. */
#define GO_MSTATS_MAX	   8192
#define GO_CONTROLLER_MAX  512
#define GO_CACHE_ALLOC_MAX 64

/* NULL: not known */
const struct go_layout *go_layout_find(unsigned int minor);
const struct go_member_name *go_member_name(enum go_member m);
/* By the program's debug information; what is not there is -1. False: it has none. */
bool go_dwarf_layout(const struct elf_file *elf, struct go_layout *layout);
/* False: *wrong is missing, though every version that is known has it, or it is where it cannot be. */
bool go_layout_check(const struct go_layout *layout, enum go_member *wrong);
/* Bytes of objects of a class of sizes. */
uint16_t go_size_class(size_t index);

struct go_place {
	int memory;
	uint64_t bias;
	unsigned int minor;
};

/* Functions by .gopclntab. */
struct go_functions {
	uint8_t *table;
	size_t size;
	uint64_t text; /* ELF address of the first function's section */
	uint64_t count, name_offset, function_offset;
};

/* False: there is no such table. go_functions_done() is due in any case. */
bool go_functions_load(struct go_functions *f, struct elf_file *elf, const struct go_place *place);
void go_functions_done(struct go_functions *f);
/* Borrowed; NULL: it makes no sense. */
const char *go_functions_name(const struct go_functions *f, uint64_t index);
/* ELF addresses. */
uint64_t go_functions_start(const struct go_functions *f, uint64_t index);
uint64_t go_functions_end(const struct go_functions *f, uint64_t index);
bool go_functions_find(const struct go_functions *f, const char *name, uint64_t *start,
		       uint64_t *end);
/* The name of the function that has this ELF address in it; NULL: none. */
const char *go_functions_around(const struct go_functions *f, uint64_t address);

/* Where functions are in which the runtime's own goroutines begin: ELF addresses, of the first such function, the first other, ... */
struct go_system {
	uint64_t *edges;
	size_t count;
};

/* False: nothing is known of them. go_system_done() is due in any case. */
bool go_system_load(struct go_system *s, struct elf_file *elf, const struct go_place *place);
bool go_system_has(const struct go_system *s, uint64_t address);
void go_system_done(struct go_system *s);

/* ELF addresses of all variables, 0 of one that is not found. False: it is a needed one, *missing is its name. */
bool go_symbols_find(struct elf_file *elf, const struct go_place *place, uint64_t at[GO_SYMBOLS],
		     const char **missing);
/* The value that most of the candidates have: more than half of them, and two at least unless there is one only. 0: none. */
uint64_t go_symbols_vote(const uint64_t *candidates, size_t count);

/* Where a runtime's variables are in memory. */
struct go_runtime {
	pid_t pid;
	int memory;
	const struct go_layout *layout;
	uint64_t bias;
	uint64_t at[GO_SYMBOLS];
	struct go_system system;
};

/* The program itself, opened. NULL: it cannot be. */
struct mapped_file *go_program_find(struct files *files);
const struct go_runtime *go_runtime_of(const struct go_process *go);
/* It is known where its heap profile is. */
static inline bool go_runtime_has_profile(const struct go_runtime *r)
{
	return r->at[GO_SYMBOL_MBUCKETS] && r->at[GO_SYMBOL_MPROF_CYCLE] &&
	       r->at[GO_SYMBOL_MEM_PROFILE_RATE];
}

/* A descriptor to write runtime.MemProfileRate; -EFAULT: it is not where a variable can be; -errno. */
int go_rate_open(const struct go_runtime *r);
/* 0; -EBUSY: it is not `from`; -ESRCH: the process has ended or runs another program; -EIO: it did not take it; -errno. */
int go_rate_exchange(const struct go_runtime *r, int fd, uint64_t from, uint64_t to);

/* As go_profile_open(). */
struct go_profile;
struct go_profile *go_profile_of(const struct go_runtime *r);

/* One reading. How far it can be believed: 0 not at all, 1 by the runtime's checks, 2 nothing changed meanwhile either. -errno. */
int go_stats_read(const struct go_runtime *r, struct go_figures *f);
/* runtime.NumGoroutine(). -errno */
int go_goroutines_count(const struct go_runtime *r, uint64_t *count);
/* A slice of the runtime's: its first element and its length. False also when that is more than `max`. */
bool go_slice_read(const struct go_runtime *r, enum go_symbol symbol, uint64_t max,
		   uint64_t slice[2]);

/* go_read_cycles() and go_read_cycle_count(). */
int go_cycles_read(const struct go_runtime *r, struct go_cycles *c);
int go_cycles_count(const struct go_runtime *r, uint32_t *count);

#endif /* TARGET_GO_PRIVATE_H */
