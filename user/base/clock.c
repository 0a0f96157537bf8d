/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks. Input is the kernel's CLOCK_MONOTONIC (the clock of the events) and CLOCK_REALTIME
 * (what users read). Invariant: the format functions always write a whole NUL-terminated text of
 * the promised length, whatever the number, because columns and CSV files depend on it.
 */
#include "clock.h"

#include <string.h>
#include <time.h>

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec t = {0};

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

void clock_format_utc(uint64_t realtime_ns, char out[25])
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_S);
	unsigned int ms = (unsigned int)(realtime_ns % NS_PER_S / NS_PER_MS);
	struct tm tm;

	memcpy(out, "1970-01-01T00:00:00.000Z", 25);
	if (!gmtime_r(&seconds, &tm) || strftime(out, 25, "%Y-%m-%dT%H:%M:%S", &tm) != 19)
		return;
	out[19] = '.';
	out[20] = (char)('0' + ms / 100);
	out[21] = (char)('0' + ms / 10 % 10);
	out[22] = (char)('0' + ms % 10);
	memcpy(out + 23, "Z", 2);
}

void clock_format_local(uint64_t realtime_ns, char out[9])
{
	time_t seconds = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm;

	memcpy(out, "00:00:00", 9);
	if (localtime_r(&seconds, &tm))
		strftime(out, 9, "%H:%M:%S", &tm);
}
