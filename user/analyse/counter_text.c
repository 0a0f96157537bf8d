/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counter_text.h"

const struct counter_text counter_texts[] = {
#define X(counter, text, is_lost, words) {text, words, is_lost, COUNTER_##counter},
	COUNTERS_BPF(X) COUNTERS_USER(X)
#undef X
};

const size_t counter_text_count = sizeof(counter_texts) / sizeof(counter_texts[0]);
