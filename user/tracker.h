/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traced processes: found, attached, followed through fork, exec and exit. The main thread
 * only.
 */
#ifndef USER_TRACKER_H
#define USER_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "consumer.h"
#include "heap/heap.h"
#include "probe/attach.h"
#include "probe/loader.h"
#include "probe/stall.h"
#include "probe/unwind_tables.h"
#include "go_facts.h"
#include "go_sampler.h"
#include "memory_facts.h"
#include "strangers.h"
#include "symbol/names.h"
#include "target/discover.h"

struct tracked {
	struct tracked *next;
	uint32_t number;
	pid_t pid;
	char comm[16];
	struct attachment *attachment;
	int pidfd;	     /* readable at its end; -1: none */
	bool attached;	     /* was running before: its heap from before is not seen */
	bool refused;	     /* cannot be traced (said) */
	bool announced;	     /* the "attached to" line is written */
	bool productive;     /* one of its modules has an allocator */
	unsigned layers;     /* so many of its modules free blocks, at most */
	uint64_t started_ns; /* noticed at its start, at this time; 0: not so */
	bool held;	     /* ptrace holds it at fork and exec: nothing is noticed late */
	bool borrowed;	     /* vfork child, until it execs */
	bool ended;
	bool sweep;	   /* a child of it carries its breakpoints */
	bool grew_unseen;  /* at the last snapshot: it had grown, and no allocation was seen */
	bool blind_said;   /* that its probes see nothing */
	bool notable_said; /* the sentence about the heap from before is written */
	bool has_code;	   /* exit_code is known */
	int exit_code;	   /* wait status, when ended */
	/* where its modules are known to the names, one entry for each program that it has run */
	uint32_t *spaces;
	size_t space_count;
	uint64_t rss_first, rss_most; /* bytes; UINT64_MAX: not known yet */
	int start_call; /* while it starts: descriptor of the code that is being mapped, -1 none */
	uint64_t maps_read_ns;
	uint64_t counts[COUNTER_BPF_COUNT]; /* kernel side, kept when it ends */
	uint64_t cpu_ns, cpu_before_ns;	    /* used so far, and before tracing began */
	struct memory_facts memory;
	struct go_facts go;
	struct go_builds *go_builds; /* the tracker's */
};

struct tracker {
	struct loader *loader;
	struct consumer *consumer;
	struct go_sampler *go_sampler; /* NULL: none */
	struct heap *heap;
	struct names *names;
	struct unwind_tables *unwind; /* NULL: the kernel walks stacks */
	struct stall *stall;	      /* NULL: not measured */
	struct discover_options discover;
	struct go_builds *go_builds; /* what is known of Go programs; from the stages */
	bool follow;
	bool go_enable_profile; /* may be written in Go programs */
	bool paused;		/* all attachments are, and new ones begin so */
	struct tracked *first, **tail;
	uint32_t last_space;
	size_t live_count; /* not ended, borrowed ones not counted */
	/* known not to define allocator functions: not looked at again while a program starts */
	struct barren {
		dev_t device;
		ino_t inode;
	} * barren;
	size_t barren_count;
	struct strangers strangers;
};

void tracker_init(struct tracker *t);
/* Detaches from all, and says what it takes long for. The entries stay. */
void tracker_detach(struct tracker *t);
/* Detaches what is left. */
void tracker_done(struct tracker *t);

/* Attaches to a running process. NULL after a message. */
struct tracked *tracker_attach(struct tracker *t, pid_t pid);
/* A process that is held at its exec: registers it, before its first instruction. */
struct tracked *tracker_add_held(struct tracker *t, pid_t pid);
/* A held child of fork or vfork: same places as its parent's. */
struct tracked *tracker_add_child(struct tracker *t, pid_t pid, pid_t parent);
/* A held process after exec: old modules are forgotten. */
void tracker_exec(struct tracker *t, struct tracked *p, bool by_other_thread);
/* Looks for allocators in what is mapped now and attaches those that are new. 0 or -errno. */
int tracker_update(struct tracker *t, struct tracked *p);
/* The name space of the frames of a stack with this heap_stack.image. */
uint32_t tracker_space(const struct tracked *p, uint32_t image);
/* Reads the modules for unwinding and for symbols. */
void tracker_read_modules(struct tracker *t, struct tracked *p);
/* Writes "tracer: attached to ..." once. */
void tracker_announce(struct tracker *t, struct tracked *p);
/* "cannot find an allocator ...", with what was looked at; of a Go program, that only its runtime's figures are shown. */
void tracker_say_nothing_found(struct tracker *t, struct tracked *p);

struct tracked *tracker_find_pid(struct tracker *t, pid_t pid); /* not ended */
struct tracked *tracker_find_number(struct tracker *t, uint32_t number);

/* A starting process has mapped the code of this file: tracker_update() unless it is known to
 * define no allocator. */
int tracker_mapped(struct tracker *t, struct tracked *p, dev_t device, ino_t inode);

/* Processes whose fork was lost in a full ring: from here on they are in the heap. After a consumer_sync(). */
void tracker_adopt(struct tracker *t);
/* Works off what the consumer saw. */
void tracker_notices(struct tracker *t);
/* Its pidfd became readable, or wait() returned it: takes effect once its last events are applied.
 */
void tracker_end(struct tracker *t, struct tracked *p, bool has_code, int exit_code);

#endif /* USER_TRACKER_H */
