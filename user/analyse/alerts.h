/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of --alert: a figure of a process and a limit. A rule fires once when the figure crosses its limit, and can fire
 * again only after the figure has come back from it by a tenth; from a limit of 0, of which there is no tenth, when it
 * was back at several looks in a row. Pure: figures in, firings out.
 */
#ifndef ANALYSE_ALERTS_H
#define ANALYSE_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum alert_metric {
	ALERT_OUTSTANDING, /* bytes */
	ALERT_GROWTH,	   /* bytes a second */
	ALERT_RSS,	   /* bytes */
	ALERT_RATE,	   /* allocations a second */
	ALERT_LEAKS,	   /* sites, and groups of goroutines, with the verdict `leak` */
	ALERT_LOST,	   /* events */
	ALERT_METRICS
};

enum alert_operator { ALERT_ABOVE, ALERT_AT_LEAST, ALERT_BELOW, ALERT_AT_MOST };

struct alert_rule {
	const char *text; /* as written; borrowed */
	enum alert_metric metric;
	enum alert_operator op;
	double limit;
};

/* Sets of rules have one bit each. */
#define ALERT_RULES_MAX 64
/* Looks in a row at which a figure is back from a limit of 0. */
#define ALERT_BACK_LOOKS 5

/* What the rules have seen of a process. Zero-initialised: nothing yet. */
struct alert_state {
	uint64_t over;		       /* the rules that it is over */
	uint8_t back[ALERT_RULES_MAX]; /* looks at which it was back since it was over */
};

/* Not a number: not known. */
struct alert_figures {
	double v[ALERT_METRICS];
};

/* False: *advice (static) says what may be written. */
bool alert_rule_parse(const char *text, struct alert_rule *rule, const char **advice);
const char *alert_metric_name(enum alert_metric metric);
/* "12.3M", "1.2M/s", "17"; returns out. */
const char *alert_value_text(enum alert_metric metric, double value, char *out, size_t size);

/*
 * A look at a process. Returns the rules that fire now. A figure that is not known changes nothing.
 */
uint64_t alerts_step(const struct alert_rule *rules, size_t count, struct alert_state *state,
		     const struct alert_figures *figures);

#endif /* ANALYSE_ALERTS_H */
