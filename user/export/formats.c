/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "formats.h"

#include <string.h>
#include "csv.h"
#include "csv_go.h"
#include "folded.h"
#include "html.h"
#include "json.h"
#include "pprof.h"

const struct export_format export_formats[FORMATS] = {
	[FORMAT_CSV] = {.name = "csv",
			.suffix = ".csv",
			.what = "call sites",
			.header = CSV_SITES_HEADER,
			.streamed = true,
			.names_sites = true,
			.write = csv_write_sites},
	[FORMAT_CSV_BLOCKS] = {.name = "csv-blocks",
			       .suffix = ".csv",
			       .what = "outstanding blocks",
			       .header = CSV_BLOCKS_HEADER,
			       .streamed = true,
			       .lists_blocks = true,
			       .write = csv_write_blocks},
	[FORMAT_CSV_TIMELINE] = {.name = "csv-timeline",
				 .suffix = ".csv",
				 .what = "totals of each process",
				 .header = CSV_TIMELINE_HEADER,
				 .streamed = true,
				 .write = csv_write_timeline},
	[FORMAT_CSV_GO] = {.name = "csv-go",
			   .suffix = ".csv",
			   .what = "figures of the Go runtime",
			   .header = CSV_GO_HEADER,
			   .streamed = true,
			   .write = csv_write_go},
	[FORMAT_JSON] = {.name = "json",
			 .suffix = ".json",
			 .what = "all facts, one JSON object a line",
			 .streamed = true,
			 .names_sites = true,
			 .names_goroutines = true,
			 .has_lifetimes = true,
			 .write = json_write},
	[FORMAT_FOLDED] = {.name = "folded",
			   .suffix = ".folded",
			   .what = "folded stacks for flame graphs",
			   .names_sites = true,
			   .write = folded_write},
	[FORMAT_PPROF] = {.name = "pprof",
			  .suffix = ".pb.gz",
			  .what = "heap profile for pprof",
			  .names_sites = true,
			  .write = pprof_write},
	[FORMAT_HTML] = {.name = "html",
			 .suffix = ".html",
			 .what = "a page for a browser",
			 .names_sites = true,
			 .tells_run = true,
			 .write = html_write},
};

const struct export_format *export_format_find(const char *name)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (strcmp(export_formats[i].name, name) == 0)
			return &export_formats[i];
	}
	return NULL;
}
