/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks. Events carry CLOCK_MONOTONIC nanoseconds; users read UTC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

uint64_t clock_monotonic_ns(void);
/* UTC nanoseconds since the epoch. */
uint64_t clock_realtime_ns(void);
/* "YYYY-MM-DDTHH:MM:SS.mmmZ"; out must hold 25 bytes. */
void clock_format_utc(uint64_t realtime_ns, char out[25]);
/* Local "HH:MM:SS"; out must hold 9 bytes. */
void clock_format_local(uint64_t realtime_ns, char out[9]);

#endif /* BASE_CLOCK_H */
