/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile for pprof and its relatives: gzip of profile.proto, with the sample types of Go's heap profiles. */
#ifndef EXPORT_PPROF_H
#define EXPORT_PPROF_H

#include "sink.h"

/* Of in->difference, too: a profile as `pprof -diff_base` makes it of two. */
void pprof_write(struct sink *out, const struct export_input *in);

#endif /* EXPORT_PPROF_H */
