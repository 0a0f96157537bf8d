/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counters of include/counters.h with their words, in the order of that list. */
#ifndef ANALYSE_COUNTER_TEXT_H
#define ANALYSE_COUNTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "../../include/counters.h"

struct counter_text {
	const char *name, *help;
	bool lost; /* one count is one event that is missing from the figures */
	enum counter_id id;
};

extern const struct counter_text counter_texts[];
extern const size_t counter_text_count;

#endif /* ANALYSE_COUNTER_TEXT_H */
