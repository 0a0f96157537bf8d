/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the screen asks of its owner beside snapshots: one struct of functions, so that the view
 * knows no lock, no ring and no process. Each may be NULL but `names`: then what it would show is
 * left out. All are called in the main thread and must not wait.
 */
#ifndef VIEW_SOURCES_H
#define VIEW_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../heap/lifetimes.h"
#include "report.h"

/* Outstanding blocks of one thread of one process. */
struct view_thread {
	uint32_t process; /* heap index */
	uint32_t tid;
	uint64_t bytes, count;
	double oldest_s;
	char comm[16]; /* "" once it has ended */
	bool named;    /* comm was looked up */
};

#define VIEW_OLDEST 10

/* What a walk over all outstanding blocks has found. */
struct view_walk {
	bool known;		     /* a walk has been completed */
	double age_s;		     /* of its end */
	double done;		     /* share of the present one, 0..1; 1: none is under way */
	uint64_t ended;		     /* how many were completed */
	struct view_thread *threads; /* most bytes first */
	size_t thread_count;
	uint32_t site;				 /* of the next two: heap index, 0: none */
	struct report_block oldest[VIEW_OLDEST]; /* oldest first */
	size_t oldest_count;
	bool resident_known; /* of the next one */
	struct resident
		resident; /* of some of the site's blocks, drawn at random when there are many */
};

/* What a site had outstanding, so many seconds ago. */
struct view_point {
	double ago_s, bytes;
};

/* Where a replay is. */
struct view_playback {
	bool paused, ended;
	double speed;	       /* of the clock of events */
	double at_s, length_s; /* since its beginning; 0: not known */
};

enum view_step { STEP_TOGGLE, STEP_FASTER, STEP_SLOWER, STEP_BACK, STEP_FORWARD };

/* A rule that has fired. */
struct view_alert {
	uint64_t realtime_ns;
	const char *rule; /* as written */
	uint32_t pid;	  /* 0: of no process in particular */
	char comm[16];
	char value[24]; /* that it fired at */
};

struct view_format {
	const char *name, *suffix, *what;
};

struct screen_sources {
	void *context;
	report_names_fn *names;
	goroutine_names_fn *goroutine_names;
	/* The newest samples of a site, oldest first. Returns how many. */
	size_t (*history)(void *context, uint32_t site, struct view_point *points, size_t capacity);
	/*
	 * Keeps walking over the blocks while it is asked again and again; site: the one whose oldest
	 * blocks are wanted, 0: none. What is known now, borrowed until the next call.
	 */
	struct view_walk *(*walk)(void *context, uint32_t site);
	void (*thread_name)(void *context, uint32_t process, uint32_t tid, char *out, size_t size);
	/* What is still on its way ("names: 120 waiting"); nothing added: nothing is. */
	void (*progress)(void *context, struct buffer *out);
	/* How large its blocks were and how long those lived that were freed. False: not known. */
	bool (*lifetimes)(void *context, uint32_t site, struct lifetimes *out);
	/* Later snapshots have the change since now; since nothing any more. */
	void (*set_baseline)(void *context, bool on);
	/* The newest firings, oldest first: how many. */
	size_t (*alerts)(void *context, struct view_alert *out, size_t capacity);
	/* Of a replay alone. */
	void (*playback)(void *context, struct view_playback *out);
	void (*step)(void *context, enum view_step step);
	/* Formats of exports; false after the last. */
	bool (*export_format)(void *context, size_t index, struct view_format *out);
	/* Opens the file: SCREEN_EXPORT is then asked for. False: it was said why not. */
	bool (*export_begin)(void *context, size_t format, const char *path);
};

#endif /* VIEW_SOURCES_H */
