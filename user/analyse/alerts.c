/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and their states. Invariant: a rule is over from the moment in which its figure crosses the limit until the figure
 * has come back by BACK of the limit, or from a limit of 0 for so many looks; it fires at the beginning of that time and at no other
 * moment. So a figure that trembles around its limit fires once.
 */
#include "alerts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../base/units.h"

/* How far from the limit a figure must come back, as a part of the limit. */
#define BACK 0.1

/* Longer ones cannot be meant. */
#define NUMBER_MAX 40

static const struct {
	const char *name;
	bool bytes;	 /* k is 1024, else 1000 */
	bool per_second; /* "/s" may follow */
	bool negative;	 /* may be below 0 */
} metrics[ALERT_METRICS] = {
	[ALERT_OUTSTANDING] = {"outstanding", true, false, false},
	[ALERT_GROWTH] = {"growth", true, true, true},
	[ALERT_RSS] = {"rss", true, false, false},
	[ALERT_RATE] = {"rate", false, true, false},
	[ALERT_LEAKS] = {"leaks", false, false, false},
	[ALERT_LOST] = {"lost", false, false, false},
};

const char *alert_metric_name(enum alert_metric metric)
{
	return metrics[metric].name;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static bool parse_metric(const char **s, enum alert_metric *metric)
{
	for (int i = 0; i < ALERT_METRICS; i++) {
		size_t length = strlen(metrics[i].name);

		if (strncmp(*s, metrics[i].name, length) != 0)
			continue;
		*s = skip_blanks(*s + length);
		*metric = (enum alert_metric)i;
		/* not the beginning of a longer word */
		return **s == '<' || **s == '>';
	}
	return false;
}

/* The first character was looked at. */
static enum alert_operator parse_operator(const char **s)
{
	bool above = **s == '>', equal = (*s)[1] == '=';

	*s = skip_blanks(*s + 1 + equal);
	if (above)
		return equal ? ALERT_AT_LEAST : ALERT_ABOVE;
	return equal ? ALERT_AT_MOST : ALERT_BELOW;
}

static double parse_unit(const char **s, bool bytes)
{
	static const char letters[] = "kmgt";
	double step = bytes ? 1024 : 1000, unit = 1;
	const char *found = **s ? strchr(letters, **s | 0x20) : NULL;

	if (!found)
		return 1;
	(*s)++;
	for (const char *p = letters; p <= found; p++)
		unit *= step;
	return unit;
}

static bool parse_limit(const char *s, enum alert_metric metric, double *limit)
{
	bool negative = metrics[metric].negative && *s == '-';
	char number[NUMBER_MAX + 1];
	size_t length;
	double value;

	s += negative;
	length = strspn(s, "0123456789.");
	if (length > NUMBER_MAX)
		return false;
	memcpy(number, s, length);
	number[length] = '\0';
	if (!units_parse_double(number, &value))
		return false;
	s += length;
	value *= parse_unit(&s, metrics[metric].bytes);
	if (metrics[metric].per_second && s[0] == '/' && s[1] == 's')
		s += 2;
	*limit = negative ? -value : value;
	return *skip_blanks(s) == '\0';
}

bool alert_rule_parse(const char *text, struct alert_rule *rule, const char **advice)
{
	const char *s = skip_blanks(text);

	*rule = (struct alert_rule){.text = text};
	*advice =
		"write outstanding, growth, rss, rate, leaks or lost, then >, >=, < or <=, then a "
		"number, such as 'outstanding>500M'";
	if (!parse_metric(&s, &rule->metric))
		return false;
	rule->op = parse_operator(&s);
	if (parse_limit(s, rule->metric, &rule->limit))
		return true;
	if (metrics[rule->metric].per_second)
		*advice = "the limit is a number with k, M or G, and /s may follow, such as 1.5M/s";
	else
		*advice = "the limit is a number with k, M or G, such as 1.5G, and nothing follows";
	return false;
}

const char *alert_value_text(enum alert_metric metric, double value, char *out, size_t size)
{
	char number[16];

	if (!metrics[metric].bytes)
		units_count(value > 0 ? (uint64_t)llround(value) : 0, number, sizeof(number));
	else if (metrics[metric].negative)
		units_signed_bytes(value, number, sizeof(number));
	else
		units_bytes(value > 0 ? (uint64_t)value : 0, number, sizeof(number));
	snprintf(out, size, "%s%s", number, metrics[metric].per_second ? "/s" : "");
	return out;
}

static bool crosses(const struct alert_rule *rule, double value)
{
	switch (rule->op) {
	case ALERT_ABOVE: return value > rule->limit;
	case ALERT_AT_LEAST: return value >= rule->limit;
	case ALERT_BELOW: return value < rule->limit;
	case ALERT_AT_MOST: return value <= rule->limit;
	}
	return false;
}

static bool is_back(const struct alert_rule *rule, double value)
{
	double margin = BACK * fabs(rule->limit);

	if (crosses(rule, value))
		return false;
	if (rule->op == ALERT_ABOVE || rule->op == ALERT_AT_LEAST)
		return value <= rule->limit - margin;
	return value >= rule->limit + margin;
}

/* Is the rule over no more? */
static bool has_ended(const struct alert_rule *rule, double value, uint8_t *looks)
{
	*looks = (uint8_t)(is_back(rule, value) ? *looks + 1 : 0);
	return *looks >= (rule->limit != 0 ? 1 : ALERT_BACK_LOOKS);
}

uint64_t alerts_step(const struct alert_rule *rules, size_t count, struct alert_state *state,
		     const struct alert_figures *figures)
{
	uint64_t fired = 0;

	for (size_t i = 0; i < count; i++) {
		double value = figures->v[rules[i].metric];
		uint64_t bit = 1ull << i;

		if (isnan(value))
			continue;
		if (state->over & bit) {
			if (has_ended(&rules[i], value, &state->back[i]))
				state->over &= ~bit;
		} else if (crosses(&rules[i], value)) {
			state->over |= bit;
			state->back[i] = 0;
			fired |= bit;
		}
	}
	return fired;
}
