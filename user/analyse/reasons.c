/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences about growth and survival. Input is a site of a snapshot; nothing here decides anything. */
#include "reasons.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "../base/units.h"

/* "4,012" */
static void add_count(struct buffer *out, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer_add_char(out, ',');
		buffer_add_char(out, digits[i]);
	}
}

static void add_seconds(struct buffer *out, double seconds)
{
	char text[16];

	buffer_add_string(out, units_duration(seconds, text, sizeof(text)));
}

static void add_chance(struct buffer *out, double p)
{
	if (p < 0.001)
		buffer_add_string(out, " (p < 0.001)");
	else
		buffer_printf(out, " (p = %.*f)", p < 0.01 ? 3 : 2, p);
}

static void add_rate(struct buffer *out, const struct snapshot_site *site)
{
	double bytes = fabs(site->bytes_trend.slope), blocks = fabs(site->blocks_trend.slope);
	char text[16];

	/* a rate below one byte a second is one of blocks */
	if (bytes >= 1 || blocks <= 0)
		buffer_printf(out, "%s/s", units_bytes((uint64_t)bytes, text, sizeof(text)));
	else
		buffer_printf(out, "%.2g blocks/s", blocks);
}

static bool grows(const struct snapshot_site *site)
{
	return site->verdict == VERDICT_LEAK || site->verdict == VERDICT_GROWING;
}

static void add_growth(struct buffer *out, const struct snapshot_site *site)
{
	const struct trend *t = &site->bytes_trend;

	if (t->slope > 0 || grows(site)) {
		buffer_add_string(out, "grew ");
		add_rate(out, site);
	} else if (t->slope < 0) {
		buffer_add_string(out, "shrank ");
		add_rate(out, site);
	} else {
		buffer_add_string(out, "did not grow");
	}
	buffer_add_string(out, " for ");
	add_seconds(out, site->watched_s);
	if (t->slope != 0)
		add_chance(out, t->p);
}

/* estimated: it is not known which of the blocks are old (bulk). */
static void add_survival_of(struct buffer *out, const struct survival *s, const char *noun,
			    bool estimated)
{
	if (s->age_s <= 0)
		return;
	if (estimated)
		buffer_add_string(out, "; if the young are freed first");
	if (!s->elders) {
		buffer_printf(out, "%s no %s got older than ", estimated ? "," : ";", noun);
		add_seconds(out, s->age_s);
		return;
	}
	buffer_add_string(out, estimated ? ", of " : "; of ");
	add_count(out, s->elders);
	buffer_printf(out, " %s%s older than ", noun, s->elders == 1 ? "" : "s");
	add_seconds(out, s->age_s);
	if (s->elders == s->alive && s->elders == 1) {
		buffer_add_string(out, ", it is still there");
		return;
	}
	buffer_add_string(out, ", ");
	if (s->alive)
		add_count(out, s->alive);
	else
		buffer_add_string(out, "none");
	buffer_printf(out, " %s still there", s->alive == 1 || !s->alive ? "is" : "are");
}

void reasons_add_survival(struct buffer *out, const struct survival *s, const char *noun)
{
	add_survival_of(out, s, noun, false);
}

/* False: there is nothing to say of it yet, which is said. */
static bool is_told(struct buffer *out, enum verdict verdict, double watched_s)
{
	if (watched_s <= 0) {
		buffer_add_string(out, "too young to tell");
		return false;
	}
	if (verdict == VERDICT_NEW) {
		buffer_add_string(out, "too young to tell: watched for ");
		add_seconds(out, watched_s);
		return false;
	}
	return true;
}

void reasons_add_growth_of(struct buffer *out, enum verdict verdict, const struct trend *t,
			   double watched_s)
{
	if (!is_told(out, verdict, watched_s))
		return;
	if (t->slope != 0)
		buffer_printf(out, "%s %.3g/s", t->slope > 0 ? "grew" : "shrank", fabs(t->slope));
	else
		buffer_add_string(out, "did not grow");
	buffer_add_string(out, " for ");
	add_seconds(out, watched_s);
	if (t->slope != 0)
		add_chance(out, t->p);
}

/* Nearly all: then they are not what speaks against a leak. */
static bool old_blocks_stay(const struct survival *s)
{
	return s->elders > 0 && s->alive >= s->elders - s->elders / 10;
}

/* What decided, where that is not what was just said. */
static void add_rule(struct buffer *out, const struct snapshot_site *site)
{
	static const char *const words[] = {
		[LEAK_NONE] = "",
		[LEAK_STEADY] = "",
		[LEAK_SURVIVORS] =
			"; those that are older than any that was freed were born all of "
			"the time",
		[LEAK_BURSTS] = "; they came in bursts of like size",
		[LEAK_ENLARGED] = "; realloc only makes its blocks larger, and none is freed",
	};

	if (site->verdict == VERDICT_LEAK)
		buffer_add_string(out, words[site->rule]);
	else if (site->verdict == VERDICT_GROWING && !site->rule &&
		 old_blocks_stay(&site->survival))
		buffer_add_string(out, "; but they do not come as those of a leak do: it may be "
				       "filling");
}

void reasons_add(struct buffer *out, const struct snapshot_site *site)
{
	if (!is_told(out, site->verdict, site->watched_s))
		return;
	add_growth(out, site);
	add_survival_of(out, &site->survival, "block", site->bulk);
	add_rule(out, site);
}
