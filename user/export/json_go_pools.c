/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include "json_facts.h"
#include "json_text.h"

static const char *known(const char *text)
{
	return text[0] ? text : NULL;
}

static void add_hits(struct buffer *out, const struct go_pools_figures *f,
		     const struct go_pool *pool)
{
	double rate = (double)NAN;
	struct interval range = {rate, rate};

	go_pool_hit_rate(f, pool, &rate, &range);
	json_number(out, "hit_rate", rate);
	json_open(out, "hit_rate_interval", '[');
	json_number(out, NULL, range.low);
	json_number(out, NULL, range.high);
	json_close(out, ']');
}

static void add_counts(struct buffer *out, const struct go_pools_figures *f,
		       const struct go_pool *pool)
{
	double covered_s = (double)f->covered_ns / 1e9;

	json_u64(out, "gets", pool->gets);
	json_u64(out, "puts", pool->puts);
	json_known_u64(out, "misses", f->sees_misses ? pool->misses : UINT64_MAX);
	json_known_u64(out, "new_calls", f->sees_misses ? pool->made : UINT64_MAX);
	json_number(out, "gets_per_s", (double)pool->gets / covered_s);
	json_number(out, "puts_per_s", (double)pool->puts / covered_s);
	add_hits(out, f, pool);
}

static void add_pool(struct buffer *out, const struct go_pools_figures *f,
		     const struct go_pool *pool)
{
	const struct go_pool_facts *facts = &pool->facts;
	struct buffer advice = {0};

	json_open(out, NULL, '{');
	json_address(out, "address", facts->address);
	json_string(out, "variable", known(facts->name));
	json_string(out, "new", known(facts->made_by));
	json_bool(out, "has_new", facts->has_new);
	json_string(out, "type", known(facts->type));
	json_known_u64(out, "value_bytes", facts->bytes ? facts->bytes : UINT64_MAX);
	json_bool(out, "listed", facts->listed);
	add_counts(out, f, pool);
	go_pool_add_advice(f, pool, &advice);
	json_string(out, "advice", advice.length ? advice.data : NULL);
	json_close(out, '}');
	buffer_done(&advice);
}

void json_add_go_pools(struct buffer *out, const struct go_pools_figures *f)
{
	size_t i;

	if (!f->known) {
		json_null(out, "go_pools");
		return;
	}
	json_open(out, "go_pools", '{');
	json_bool(out, "all_listed", f->lists);
	json_bool(out, "race", f->race);
	json_u64(out, "slices", f->slices);
	json_small_number(out, "covered_s", (double)f->covered_ns / 1e9);
	json_u64(out, "lost_calls", f->lost);
	json_u64(out, "left_out", f->left_out);
	json_open(out, "pools", '[');
	for (i = 0; i < f->count; i++)
		add_pool(out, f, &f->v[i]);
	json_close(out, ']');
	json_close(out, '}');
}
