/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stderr says of each process when all is over. The main thread only. */
#ifndef USER_SUMMARY_H
#define USER_SUMMARY_H

#include "analyse/snapshot.h"
#include "tracker.h"

void summary_say(struct tracker *tracker, const struct snapshot *s);

#endif /* USER_SUMMARY_H */
