/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "difference_formats.h"

#include <inttypes.h>
#include "csv.h"
#include "difference.h"

static const char header[] =
	"site,change,bytes_a,bytes_b,bytes_change,count_a,count_b,count_change,alloc_bytes_a,"
	"alloc_bytes_b,alloc_count_a,alloc_count_b,api,function,source,module,stack\n";

static void add_row(struct buffer *out, const struct difference_site *s)
{
	const struct csv_site *a = s->a, *b = s->b;

	buffer_printf(out, "%016" PRIx64 ",%s,%" PRIu64 ",%" PRIu64 ",%" PRId64, s->site->site,
		      difference_kind_name(s->kind), a->outstanding_bytes, b->outstanding_bytes,
		      s->bytes);
	buffer_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRId64, a->outstanding_count,
		      b->outstanding_count, s->count);
	buffer_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, a->alloc_bytes,
		      b->alloc_bytes, a->alloc_count, b->alloc_count);
	csv_add_text(out, s->site->api);
	csv_add_text(out, s->site->function);
	csv_add_text(out, s->site->source);
	csv_add_text(out, s->site->module);
	csv_add_text(out, s->site->stack);
	buffer_add_char(out, '\n');
}

void difference_write_csv(struct sink *out, const struct export_input *in)
{
	const struct difference *d = in->difference;
	size_t i;

	buffer_add_string(&out->text, header);
	for (i = 0; i < d->site_count && !sink_spill(out); i++)
		add_row(&out->text, &d->sites[i]);
}
