/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments: PAIRS (100003) LIVE (0). So many malloc and free pairs, LIVE blocks apart; 17 blocks
 * stay. */
#include "target.h"

#include <time.h>

#define LIVE_MAX 2097152
#define KEPT	 17
#define BYTES	 64

static void *live[LIVE_MAX];

SITE static void *site_churn(void)
{
	void *p = malloc(BYTES);

	KEEP(p);
	return p;
}

SITE static void site_churn_free(void *p)
{
	free(p);
}

SITE static void site_keep(void)
{
	void *p = malloc(227);

	KEEP(p);
	gave("malloc", "site_keep", 227);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	long pairs = target_number(argc, argv, 0, 100003), size = target_number(argc, argv, 1, 0);
	uint64_t start;

	if (pairs < 0 || size < 0 || size > LIVE_MAX)
		return 2;
	target_ready(argc, argv);
	for (int i = 0; i < KEPT; i++)
		site_keep();
	start = now_ns();
	for (long i = 0; i < pairs; i++) {
		void *p = site_churn();

		if (size > 0) {
			void *old = live[i % size];

			live[i % size] = p;
			p = old;
		}
		if (p)
			site_churn_free(p);
	}
	for (long i = 0; i < size; i++)
		if (live[i])
			site_churn_free(live[i]);
	target_say("", "elapsed_ns", (long)(now_ns() - start));
	/* not booked one by one: that would be most of the time */
	truth.alloc_count += pairs;
	truth.alloc_bytes += pairs * BYTES;
	truth.free_count += pairs;
	target_done();
	return 0;
}
