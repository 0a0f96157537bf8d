/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The meaning of every traced function: one table for the BPF programs, the probe planner and the
 * reports.
 *
 * CALLS(X) rows are X(ID, "name shown to users", kind, flags). Ids travel in probe cookies, event
 * records and recordings: append only, never renumber. Which symbols stand for a row is
 * user/target/allocators.c.
 */
#ifndef INCLUDE_CALLS_H
#define INCLUDE_CALLS_H

/* What the arguments and the result of a call mean. arg0.. are the System V argument registers. */
enum call_kind {
	CALL_NONE = 0,
	CALL_ALLOC_SIZE0 = 1,	 /* size in arg0, result is the block or NULL */
	CALL_ALLOC_SIZE1 = 2,	 /* size in arg1, result is the block or NULL */
	CALL_ALLOC_PRODUCT = 3,	 /* arg0 * arg1 bytes */
	CALL_POSIX_MEMALIGN = 4, /* block in *arg0, size in arg2, only when the result (int) is 0 */
	CALL_REALLOC = 5,	 /* old block arg0, size arg1 */
	CALL_REALLOC_PRODUCT = 6, /* old block arg0, size arg1 * arg2 */
	CALL_RESIZE = 7,   /* in place: block arg0, size arg1, result is the new usable size */
	CALL_FREE = 8,	   /* block in arg0; never fails, no return side */
	CALL_MMAP = 9,	   /* length arg1, flags arg3, result is the range or -1 */
	CALL_MUNMAP = 10,  /* arg0, length arg1; result (int) 0 is success */
	CALL_MREMAP = 11,  /* old arg0, old length arg1, new length arg2; result or -1 */
	CALL_STRING = 13,  /* result is a block with a string in it: strlen() + 1 bytes */
	CALL_MODULES = 12, /* the dynamic linker says that its list of modules changes */
	/* Places in the Go runtime, each one instruction (bpf/go.bpf.h) */
	CALL_GO_REFILL = 14, /* a processor has taken a span to allocate from */
	CALL_GO_LARGE = 15,  /* a span for one large object was made */
	CALL_GO_FLUSH = 16,  /* a processor gives its spans back: at the end of each collection */
};

#define CALL_MAY_THROW	  1u /* a C++ exception may pass through: never a return probe */
#define CALL_FREE_ON_FAIL 2u /* the old block is released also when the call fails (reallocf) */
#define CALL_RANGE	  4u /* belongs to the mmap class, only with --mmap */
#define CALL_PASSES                                                                                \
	8u /* no row has it: the planner has seen that this one calls a plain allocation */
#define CALL_DRAWN 16u /* its blocks come as EVENT_SAMPLE only */

/* clang-format off */
#define CALLS(X) \
	X(NONE,                      "",                    CALL_NONE,            0) \
	X(MALLOC,                    "malloc",              CALL_ALLOC_SIZE0,     0) \
	X(CALLOC,                    "calloc",              CALL_ALLOC_PRODUCT,   0) \
	X(REALLOC,                   "realloc",             CALL_REALLOC,         0) \
	X(REALLOCARRAY,              "reallocarray",        CALL_REALLOC_PRODUCT, 0) \
	X(REALLOCF,                  "reallocf",            CALL_REALLOC,         CALL_FREE_ON_FAIL) \
	X(MEMALIGN,                  "memalign",            CALL_ALLOC_SIZE1,     0) \
	X(POSIX_MEMALIGN,            "posix_memalign",      CALL_POSIX_MEMALIGN,  0) \
	X(ALIGNED_ALLOC,             "aligned_alloc",       CALL_ALLOC_SIZE1,     0) \
	X(VALLOC,                    "valloc",              CALL_ALLOC_SIZE0,     0) \
	X(PVALLOC,                   "pvalloc",             CALL_ALLOC_SIZE0,     0) \
	X(FREE,                      "free",                CALL_FREE,            0) \
	X(CFREE,                     "cfree",               CALL_FREE,            0) \
	X(FREE_SIZED,                "free_sized",          CALL_FREE,            0) \
	X(FREE_ALIGNED_SIZED,        "free_aligned_sized",  CALL_FREE,            0) \
	X(NEW,                       "operator new(unsigned long)", CALL_ALLOC_SIZE0, CALL_MAY_THROW) \
	X(NEW_ARRAY,                 "operator new[](unsigned long)", CALL_ALLOC_SIZE0, CALL_MAY_THROW) \
	X(NEW_NOTHROW,               "operator new(unsigned long, std::nothrow_t const&)", CALL_ALLOC_SIZE0, 0) \
	X(NEW_ARRAY_NOTHROW,         "operator new[](unsigned long, std::nothrow_t const&)", CALL_ALLOC_SIZE0, 0) \
	X(NEW_ALIGNED,               "operator new(unsigned long, std::align_val_t)", CALL_ALLOC_SIZE0, CALL_MAY_THROW) \
	X(NEW_ARRAY_ALIGNED,         "operator new[](unsigned long, std::align_val_t)", CALL_ALLOC_SIZE0, CALL_MAY_THROW) \
	X(NEW_ALIGNED_NOTHROW,       "operator new(unsigned long, std::align_val_t, std::nothrow_t const&)", CALL_ALLOC_SIZE0, 0) \
	X(NEW_ARRAY_ALIGNED_NOTHROW, "operator new[](unsigned long, std::align_val_t, std::nothrow_t const&)", CALL_ALLOC_SIZE0, 0) \
	X(DELETE,                    "operator delete",     CALL_FREE,            0) \
	X(DELETE_ARRAY,              "operator delete[]",   CALL_FREE,            0) \
	X(MALLOCX,                   "mallocx",             CALL_ALLOC_SIZE0,     0) \
	X(RALLOCX,                   "rallocx",             CALL_REALLOC,         0) \
	X(XALLOCX,                   "xallocx",             CALL_RESIZE,          0) \
	X(DALLOCX,                   "dallocx",             CALL_FREE,            0) \
	X(SDALLOCX,                  "sdallocx",            CALL_FREE,            0) \
	X(MMAP,                      "mmap",                CALL_MMAP,            CALL_RANGE) \
	X(MUNMAP,                    "munmap",              CALL_MUNMAP,          CALL_RANGE) \
	X(MREMAP,                    "mremap",              CALL_MREMAP,          CALL_RANGE) \
	X(MODULES,                   "dynamic linker",      CALL_MODULES,         0) \
	X(STRDUP,                    "strdup",              CALL_STRING,          0) \
	X(STRNDUP,                   "strndup",             CALL_STRING,          0) \
	X(GO,                        "go",                  CALL_GO_REFILL,       CALL_DRAWN) \
	X(GO_LARGE,                  "go",                  CALL_GO_LARGE,        CALL_DRAWN) \
	X(GO_FLUSH,                  "Go collector",        CALL_GO_FLUSH,        CALL_DRAWN)
/* clang-format on */

enum call_id {
#define X(id, name, kind, flags) CALL_ID_##id,
	CALLS(X)
#undef X
		CALL_ID_COUNT
};

/*
 * A probe's cookie: which row, and at which side of the call the probe stands. CALL_SIDE_RET is a
 * plain probe on a `ret` instruction: the return side of a function that may throw.
 */
enum call_side { CALL_SIDE_ENTRY = 0, CALL_SIDE_RETURN = 1, CALL_SIDE_RET = 2, CALL_SIDE_BOTH = 3 };

#define COOKIE_MAKE(id, kind, flags, side)                                                         \
	((__u64)(id) | (__u64)(kind) << 8 | (__u64)(flags) << 16 | (__u64)(side) << 24)
/* Beside them: the instruction is single-stepped. */
#define COOKIE_STEPPED (1ull << 32)
/* Those of programs that need not ask for theirs. */
#define COOKIE_MALLOC COOKIE_MAKE(CALL_ID_MALLOC, CALL_ALLOC_SIZE0, 0, CALL_SIDE_BOTH)
#define COOKIE_FREE   COOKIE_MAKE(CALL_ID_FREE, CALL_FREE, 0, CALL_SIDE_ENTRY)
/* And which entry of go_shapes says where things are. */
#define COOKIE_SHAPE_SHIFT 40
#define COOKIE_SHAPE(c)	   ((__u32)((c) >> COOKIE_SHAPE_SHIFT) & 0xfff)
#define COOKIE_ID(c)	   ((__u32)(c)&0xff)
#define COOKIE_KIND(c)	   ((__u32)((c) >> 8) & 0xff)
#define COOKIE_FLAGS(c)	   ((__u32)((c) >> 16) & 0xff)
#define COOKIE_SIDE(c)	   ((__u32)((c) >> 24) & 0xff)

#endif /* INCLUDE_CALLS_H */
