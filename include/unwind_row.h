/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind tables as user code writes them and the BPF programs read them.
 *
 * All of it is 64-bit words in one index space, cut into chunks (the inner maps of unwind_chunks)
 * that are made when they are needed. In it lie the tables, one for each ELF file however many
 * processes map it, and lists of mappings, one for each address space:
 *
 *   table   page index: two 32-bit numbers a word, for each page of the file's code the last row
 *           that starts at or before the page, and one number more; then the rows by address
 *   list    struct unwind_mapping, by address
 *
 * The address in a row counts from the first page of code of its file.
 */
#ifndef INCLUDE_UNWIND_ROW_H
#define INCLUDE_UNWIND_ROW_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define UNWIND_CHUNK_BITS  19 /* words of a chunk; 4 MB */
#define UNWIND_CHUNK_WORDS (1u << UNWIND_CHUNK_BITS)
#define UNWIND_CHUNKS	   64
#define UNWIND_SPACES	   16384
#define UNWIND_PAGE_BITS   12

/* ---- rows ---- */

#define UNWIND_ROW(address, rule) ((__u64)(address) << 32 | (__u32)(rule))
#define UNWIND_ROW_ADDRESS(row)	  ((__u32)((row) >> 32))
#define UNWIND_ROW_RULE(row)	  ((__u32)(row))

/* Words of the page index before the rows. */
#define UNWIND_INDEX_WORDS(pages) (((pages) + 2) / 2)

/*
 * A rule, from the lowest bit: base 2, rbp 2, cfa 16, rbp offset 12 (signed, of 8 bytes). The return
 * address is always at CFA - 8. What the cfa field holds depends on the base:
 *
 *   RSP, RBP  offset / 8
 *   DEREF     CFA = *(register + a) + b: register 1 bit (1: rbp), a / 8 signed 11 bits, b / 8 4 bits
 *   SPECIAL   enum unwind_special in 8 bits, its argument in 8 bits
 */
enum unwind_base { UNWIND_SPECIAL = 0, UNWIND_RSP = 1, UNWIND_RBP = 2, UNWIND_DEREF = 3 };

enum unwind_special {
	UNWIND_NO_INFO = 0,    /* nobody knows */
	UNWIND_STOP = 1,       /* the outermost frame */
	UNWIND_SIGNAL = 2,     /* the kernel's frame of a signal handler is on top */
	UNWIND_PLT = 3,	       /* CFA = rsp + 8, and 8 more from byte ARGUMENT of 16 on */
	UNWIND_POINTER = 4,    /* code of no file: guess by the frame pointer */
	UNWIND_NO_MAPPING = 5, /* BPF only: the address is in no known mapping */
};

/* Where the caller's rbp is. */
enum unwind_rbp {
	UNWIND_RBP_SAME = 0,	/* untouched */
	UNWIND_RBP_AT_CFA = 1,	/* saved at CFA - 8 * offset */
	UNWIND_RBP_AT_RBP = 2,	/* saved at rbp - 8 * offset */
	UNWIND_RBP_UNKNOWN = 3, /* cannot be had */
};

#define UNWIND_RULE(base, cfa, rbp, rbp_offset)                                                    \
	((__u32)(base) | (__u32)(rbp) << 2 | ((__u32)(cfa)&0xffff) << 4 |                          \
	 ((__u32)(rbp_offset)&0xfff) << 20)
#define UNWIND_RULE_SPECIAL(kind)     UNWIND_RULE(UNWIND_SPECIAL, kind, 0, 0)
#define UNWIND_RULE_PLT(from)	      UNWIND_RULE(UNWIND_SPECIAL, UNWIND_PLT | (from) << 8, 0, 0)
#define UNWIND_SPECIAL_KIND(rule)     (UNWIND_RULE_CFA(rule) & 0xff)
#define UNWIND_SPECIAL_ARGUMENT(rule) (UNWIND_RULE_CFA(rule) >> 8)
#define UNWIND_RULE_BASE(rule)	      ((rule)&3)
#define UNWIND_RULE_RBP(rule)	      ((rule) >> 2 & 3)
#define UNWIND_RULE_CFA(rule)	      ((rule) >> 4 & 0xffff)
#define UNWIND_RULE_RBP_OFFSET(rule)  ((__s64)((__s32)(rule) >> 20) * 8)
#define UNWIND_DEREF_CFA(rbp, a, b)   (((rbp) ? 1u : 0u) | ((__u32)(a)&0x7ff) << 1 | (__u32)(b) << 12)
#define UNWIND_DEREF_ON_RBP(rule)     (UNWIND_RULE_CFA(rule) & 1)
#define UNWIND_DEREF_INNER(rule)      ((__s64)((__s32)((rule) << 16) >> 21) * 8)
#define UNWIND_DEREF_OUTER(rule)      ((__s64)(UNWIND_RULE_CFA(rule) >> 12) * 8)
#define UNWIND_CFA_MAX		      (0xffff * 8)
#define UNWIND_RBP_OFFSET_MIN	      (-2048 * 8)
#define UNWIND_RBP_OFFSET_MAX	      (2047 * 8)
#define UNWIND_DEREF_INNER_MIN	      (-1024 * 8)
#define UNWIND_DEREF_INNER_MAX	      (1023 * 8)
#define UNWIND_DEREF_OUTER_MAX	      (15 * 8)

/* ---- mappings ---- */

#define UNWIND_MAPPING_WORDS 4
#define UNWIND_MAPPINGS_MAX  1024

struct unwind_mapping {
	__u64 start, end; /* [start, end) in memory */
	__u64 base;	  /* where the first page of the file's code is in memory */
	__u32 table;	  /* index of the table's first word; without pages: enum unwind_special */
	__u32 pages;
};

/*
 * What is published of an address space, in one word so that it changes at once: number of the list
 * (new with each change; it also keys the rule cache), its first word / UNWIND_MAPPING_WORDS, count.
 */
#define UNWIND_LIST_NUMBERS (1u << 17)
#define UNWIND_LIST(number, first, count)                                                          \
	((__u64)(number) << 47 | (__u64)(first) << 16 | (__u64)(count))
#define UNWIND_LIST_NUMBER(list) ((__u32)((list) >> 47))
#define UNWIND_LIST_FIRST(list)	 ((__u32)((list) >> 16) & 0x7fffffff)
#define UNWIND_LIST_COUNT(list)	 ((__u32)(list)&0xffff)

struct unwind_space {
	__u64 owner; /* UNWIND_OWNER_*; 0: free */
	__u64 list;
	__u64 asked_list, asked_ns; /* BPF: when it last said that a mapping is missing */
};

/* Owner of a space: an image (shared by fork's children), or one process that has diverged. */
#define UNWIND_OWNER_PROCESS(number) (1ull << 63 | (number))

/*
 * Has code gone since the mappings of a process were read? Other code may be in its place by now.
 * The BPF side counts the times, and who reads mappings stores what the count was before: while the
 * two differ, of a stack only the first address is kept. A slot belongs to the processes of one
 * number, modulo UNWIND_GONE_SLOTS.
 */
#define UNWIND_GONE_SLOTS 16384

struct unwind_gone {
	__u64 pages; /* BPF: of code, when the dynamic linker last said something */
	__u32 times, seen;
};

_Static_assert(sizeof(struct unwind_mapping) == UNWIND_MAPPING_WORDS * 8, "unwind_mapping");
_Static_assert(sizeof(struct unwind_space) == 32, "unwind_space");
_Static_assert(sizeof(struct unwind_gone) == 16, "unwind_gone");

#endif /* INCLUDE_UNWIND_ROW_H */
