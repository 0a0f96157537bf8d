/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "difference_formats.h"

#include "folded.h"
#include "pprof.h"

const struct export_format difference_formats[FORMATS] = {
	[FORMAT_CSV] = {.name = "csv", .write = difference_write_csv},
	[FORMAT_JSON] = {.name = "json", .write = difference_write_json},
	[FORMAT_FOLDED] = {.name = "folded", .write = folded_write_difference},
	[FORMAT_PPROF] = {.name = "pprof", .write = pprof_write},
	[FORMAT_HTML] = {.name = "html", .write = difference_write_html},
};
