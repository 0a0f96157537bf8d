/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three CSV files of the interface: rows of one snapshot. */
#ifndef EXPORT_CSV_H
#define EXPORT_CSV_H

#include "sink.h"

/* clang-format off */
#define CSV_SITES_HEADER \
	"time,elapsed_s,pid,comm,site,rank,outstanding_bytes,outstanding_count,alloc_bytes,alloc_count," \
	"free_bytes,free_count,peak_bytes,temporary_count,growth_bytes_per_s,leak_score,verdict,oldest_s," \
	"sampled,api,function,source,module,stack\n"
#define CSV_BLOCKS_HEADER "time,pid,address,bytes,age_s,tid,site\n"
#define CSV_TIMELINE_HEADER \
	"time,elapsed_s,pid,comm,outstanding_bytes,outstanding_count,alloc_bytes_per_s,allocs_per_s," \
	"frees_per_s,growth_bytes_per_s,rss_bytes,sites,leak_sites,lost_events,tracer_cpu_percent," \
	"tracer_rss_bytes\n"
/* clang-format on */

/* A cell behind others: the comma, then the text, cleaned and quoted where that is needed. */
void csv_add_text(struct buffer *out, const char *text);
void csv_write_sites(struct sink *out, const struct export_input *in);
void csv_write_blocks(struct sink *out, const struct export_input *in);
void csv_write_timeline(struct sink *out, const struct export_input *in);

#endif /* EXPORT_CSV_H */
