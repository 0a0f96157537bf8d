/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracer --diff A B: what call sites hold at the end of one run and of another. */
#ifndef USER_DIFF_H
#define USER_DIFF_H

#include "options.h"

/* Exit status. */
int diff_run(const struct options *options);

#endif /* USER_DIFF_H */
