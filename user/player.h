/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -r: a recording takes the place of the traced processes. player.c applies it to the heap, and takes samples and snapshots at
 * the moments that the live run took them at, or at those of another -i. Nothing here knows of a clock but that of the
 * events: who shows it (replay_session.c) says up to which moment to go. The main thread only.
 */
#ifndef USER_PLAYER_H
#define USER_PLAYER_H

#include <stdbool.h>
#include <stdint.h>
#include "analyse/snapshot.h"
#include "exports.h"
#include "options.h"

struct player;
struct outputs;
struct stages;
struct names;

/* NULL after a message. o is borrowed. */
struct player *player_open(const struct options *o);
/* False: an output is not whole (said). */
bool player_close(struct player *p);

/*
 * Goes on until what comes is later than until_ns (UINT64_MAX: to the end), but takes at most that many records. `report`: intervals
 * are reports on stdout, too. False: it is over, or a report was the last that was wanted.
 */
bool player_run(struct player *p, uint64_t until_ns, uint64_t records, bool report);
/* From the beginning again, when it is past that moment: the outputs are not written a second time. False: no memory. */
bool player_go_back(struct player *p, uint64_t time_ns);
/* The last snapshot goes to the outputs, as after a live run; then the summary. */
void player_finish(struct player *p, bool report);
/* The same without a report and a summary. */
void player_write_last(struct player *p);

/* Of this moment, to be looked at. */
void player_look(struct player *p, struct snapshot *s);
/* From now on snapshots have the change since this moment. */
void player_set_baseline(struct player *p);
/* The moment up to which all is applied; where the recording begins and, as far as it is known, ends. */
uint64_t player_now(const struct player *p);
uint64_t player_begun(const struct player *p);
uint64_t player_ends(const struct player *p);
struct outputs *player_outputs(struct player *p);
struct stages *player_stages(struct player *p);
struct names *player_names(struct player *p);
/* What the outputs get at an interval or, `when` says it, by a key. */
void player_write(struct player *p, enum output_when when);
/* Something failed (said). */
bool player_failed(const struct player *p);

#endif /* USER_PLAYER_H */
