/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the verdict from sites that --suppress names. The main thread only. */
#ifndef USER_SUPPRESSED_H
#define USER_SUPPRESSED_H

#include <stdint.h>
#include "analyse/snapshot.h"
#include "analyse/suppress.h"
#include "view/report.h"

struct suppressed_site {
	uint8_t known;
	uint8_t verdict; /* held back from the newest snapshot, with its score; VERDICT_NONE: nothing is */
	float score;
};

/* All zeros but `patterns` at the start. */
struct suppressed {
	const struct suppressions *patterns; /* NULL: none, then nothing is done */
	struct suppressed_site *sites;	     /* by heap site */
	uint32_t count;
};

void suppressed_done(struct suppressed *s);
/*
 * To be called for each snapshot, and again before it is written, when names may have come since. A site that would be said
 * to leak or grow has no verdict until its names are there: no alert is fired that takes itself back.
 */
void suppressed_apply(struct suppressed *s, struct snapshot *snapshot, report_names_fn *names,
		      void *context);

#endif /* USER_SUPPRESSED_H */
