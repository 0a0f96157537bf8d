/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a recording (tracer -w, -r). docs/recording.md describes it for readers of other programs.
 *
 * A file begins with struct recording_start; then come blocks, each a struct recording_block with its payload behind it,
 * all little-endian. The first block is RECORDING_ABOUT: what was recorded, when, and with which options. RECORDING_EVENTS
 * blocks follow: everything that changed the heap, in exactly the order in which it was applied, and between the events
 * notes (enum recording_note) about what is no event: processes, cuts, modules. So a reader that applies them one after
 * the other has, at each cut, the heap that the writer had there. An orderly end adds names (RECORDING_NAMES), an index of
 * the blocks (RECORDING_INDEX), and as the last bytes a RECORDING_END block that says where these two are.
 *
 * A block is written whole and has a checksum, so a file whose writer died is good up to its last whole block. Blocks are
 * decoded in their order: the writer's dictionaries and its memory of addresses go on from one to the next.
 *
 * An event is not written as it is: its parts go into columns (enum recording_column), each of which is compressed by itself,
 * because a column is much more like itself than like the others:
 *   - what repeats (type, call, process, flags, stack) is one number in a dictionary; programs repeat sequences of them;
 *   - so is the thread;
 *   - the time is the difference to the event before, low and high byte apart;
 *   - an address that was named by one of the last 65,535 addresses is how many addresses ago that was: programs free
 *     what they have just allocated, allocators hand out what was just freed, and both in patterns;
 *   - another address is its difference to the last such one of the same dictionary entry;
 *   - a size is its difference to the last one of the same dictionary entry, mostly 0.
 * What is rare is written as it is, into a column of its own.
 *
 * Versions: a reader reads every older version. All numbers here are append-only and keep their meaning; notes, fields and
 * columns that a reader does not know are passed over, so that only a change that makes old readers wrong needs a new
 * `version`.
 */
#ifndef CAPTURE_FORMAT_H
#define CAPTURE_FORMAT_H

#include <stdint.h>

#define RECORDING_MAGIC	      "\x89tracer\n"
#define RECORDING_MAGIC_BYTES 8u
#define RECORDING_VERSION     1u

struct recording_start {
	char magic[RECORDING_MAGIC_BYTES];
	uint32_t version;
	uint32_t pad;
};

enum recording_kind {
	RECORDING_ABOUT = 1,  /* fields: enum recording_field */
	RECORDING_EVENTS = 2, /* columns */
	RECORDING_NAMES = 3,  /* of images and addresses in them: recorded_names.c */
	RECORDING_INDEX = 4,  /* of the blocks before: offset, first and last time, events */
	RECORDING_END = 5,    /* where the index and the first names are */
	RECORDING_TYPES = 6,  /* what is allocated at addresses; these follow the names */
};

#define RECORDING_BLOCK_MAGIC 0x4b4c4252u /* "RBLK" */
/* A dictionary begins anew with this block. */
#define RECORDING_F_NEW_CONTEXTS 1u
#define RECORDING_F_NEW_THREADS	 2u

struct recording_block {
	uint32_t magic;
	uint16_t kind;
	uint16_t flags;
	uint32_t bytes; /* of the payload */
	uint32_t events;
	uint64_t first_ns, last_ns; /* of its events; 0: none */
	uint64_t checksum;	    /* of this header with 0 here, and of the payload */
};

/* A reader refuses more. */
#define RECORDING_BLOCK_MOST  (64u << 20)
#define RECORDING_EVENTS_MOST (1u << 20)
#define RECORDING_COLUMN_MOST (64u << 20) /* unpacked, all of a block */

/* A column is: number, bytes unpacked, bytes packed (each packed as in pack.h), and the bytes: by zstd, or as they are when both counts
 * are the same. */
enum recording_column {
	COLUMN_CONTEXT_LOW = 0, /* one byte an event: its dictionary entry; 0: in COLUMN_REST */
	COLUMN_CONTEXT_HIGH = 1,
	COLUMN_CONTEXTS = 2, /* new entries: type, call, process, flags, stack */
	COLUMN_THREAD_LOW = 3,
	COLUMN_THREAD_HIGH = 4,
	COLUMN_THREADS = 5,  /* new entries: tid */
	COLUMN_TIME_LOW = 6, /* difference to the event before; 65535: in COLUMN_TIMES */
	COLUMN_TIME_HIGH = 7,
	COLUMN_TIMES = 8,     /* zigzag */
	COLUMN_PLACE_LOW = 9, /* how many addresses ago; 0: in COLUMN_ADDRESSES */
	COLUMN_PLACE_HIGH = 10,
	COLUMN_ADDRESSES = 11, /* difference by 8, or odd: zigzag, lowest bit 0, or 1 */
	COLUMN_SIZES = 12,     /* zigzag */
	COLUMN_ENTRIES = 13,   /* EVENT_REALLOC: how long ago the call was entered */
	COLUMN_REST = 14,      /* records as in include/event.h, and notes */
	RECORDING_COLUMNS
};

/* Of dictionary entries, beside EVENT_F_*. EVENT_REALLOC: which addresses there are. */
#define RECORDING_CONTEXT_NEW 0x40000000u
#define RECORDING_CONTEXT_OLD 0x80000000u

#define RECORDING_TIME_WIDE    0xffffu
#define RECORDING_DICTIONARY   65535u /* entries, 0 included */
#define RECORDING_HISTORY_BITS 16u

/* The type of a note among records: header.process says which, header.flags how many bytes follow. */
#define RECORDING_NOTE_TYPE 255u

enum recording_note {
	NOTE_PROCESS = 1, /* is traced from here on: number, pid, comm, time */
	NOTE_COUNT = 2,	  /* something was noticed about a process: number, counter */
	NOTE_WINDOW = 3,  /* a time window begins: time */
	NOTE_CUT = 4,	  /* figures were taken here: kind, then fields (enum recording_fact) */
	NOTE_IMAGE = 5,	  /* a mapped file: fields */
	NOTE_MODULES = 6, /* what is mapped in a name space, all of it */
	NOTE_SPACES = 7,  /* the name spaces of a process */
	NOTE_WRITTEN = 8, /* what was taken at the last cut is written, with what is known now */
	NOTE_GAP = 9,	  /* so many events are missing here: the disk was too slow */
	NOTE_FULL = 10,	  /* no more events from here on: --max-file-size */
	NOTE_TOTALS = 11, /* sites and processes as they are now, instead of events */
	NOTE_BEGIN = 12,  /* tracing begins: event clock, UTC (ns), seconds between reports */
};

enum recording_cut {
	CUT_SAMPLE = 1,	  /* of growth */
	CUT_INTERVAL = 2, /* a report and CSV rows */
	CUT_EXTRA = 3,	  /* the same on demand: not one of COUNT */
	CUT_FINAL = 4,
};

enum recording_field {
	FIELD_TRACER = 1, /* its version, text */
	FIELD_KERNEL = 2, /* release, text */
	FIELD_MACHINE = 3,
	FIELD_HOST = 4,
	FIELD_COMMAND = 5,	   /* what was asked for, text */
	FIELD_BEGUN_REALTIME = 6,  /* ns */
	FIELD_BEGUN_MONOTONIC = 7, /* ns: the clock of events */
	FIELD_INTERVAL = 8,	   /* seconds, double */
	FIELD_SAMPLE_BYTES = 9,
	FIELD_MIN_BYTES = 10,
	FIELD_MAX_BYTES = 11,
	FIELD_RANGES = 12,	/* --mmap */
	FIELD_LEAK_WINDOW = 13, /* seconds, double */
	FIELD_LEAK_INTERVAL = 14,
	FIELD_LEAK_THRESHOLD = 15,
	FIELD_FOLLOW = 16,
};

_Static_assert(sizeof(struct recording_start) == 16, "recording_start");
_Static_assert(sizeof(struct recording_block) == 40, "recording_block");

#endif /* CAPTURE_FORMAT_H */
