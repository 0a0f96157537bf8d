/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done before, or instead of, touching a target: checks, the choice of the attach method, --check, --dry-run. */
#ifndef USER_PREFLIGHT_H
#define USER_PREFLIGHT_H

#include <stdbool.h>
#include "options.h"
#include "probe/features.h"

/* Can all processes of -p be traced? False after a message. */
bool preflight_targets(const struct options *o);
/* The way of attaching that works and is wanted, and what was found out; 0 after a message. */
enum probe_method preflight_method(const struct options *o, struct features *f);
/* Raises the limit of open files. */
void preflight_limits(void);
/* --check and --dry-run: exit status. */
int preflight_check(void);
int preflight_plan(const struct options *o);

#endif /* USER_PREFLIGHT_H */
