/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that only jemalloc has. */
#include "target.h"

#include <jemalloc/jemalloc.h>

SITE static void *site_mallocx(size_t bytes, int flags)
{
	void *p = mallocx(bytes, flags);

	KEEP(p);
	gave("mallocx", "site_mallocx", bytes);
	return p;
}

SITE static void *site_rallocx(void *old, size_t old_bytes, size_t bytes)
{
	void *p = rallocx(old, bytes, 0);

	KEEP(p);
	took("mallocx", "site_mallocx", old_bytes);
	gave("rallocx", "site_rallocx", bytes);
	return p;
}

/* In place or not at all. True when the block has the size asked for; it stays the block of its
 * first site. */
SITE static int site_xallocx(void *p, size_t bytes)
{
	return xallocx(p, bytes, 0, 0) >= bytes;
}

SITE static void site_dallocx(void *p, size_t bytes)
{
	dallocx(p, 0);
	took("mallocx", "site_mallocx", bytes);
}

SITE static void site_sdallocx(void *p, size_t bytes)
{
	sdallocx(p, bytes, 0);
	took("mallocx", "site_mallocx", bytes);
}

int main(int argc, char **argv)
{
	void *p;

	/* once before: the thread's cache is made */
	dallocx(mallocx(64, 0), 0);
	target_ready(argc, argv);
	for (int i = 0; i < 7; i++)
		site_mallocx(151, 0);
	for (int i = 0; i < 3; i++)
		site_mallocx(157, MALLOCX_ALIGN(64) | MALLOCX_ZERO);
	site_rallocx(site_mallocx(163, 0), 163, 5003);
	site_rallocx(site_mallocx(4096, 0), 4096, 167);
	/* 100 is rounded up to 112: 110 fits, 4000 does not */
	p = site_mallocx(100, 0);
	if (!site_xallocx(p, 110) || site_xallocx(site_mallocx(100, 0), 4000))
		return 1;
	target_truth("resized_from", 100);
	target_truth("resized_to", 110);
	truth_find("mallocx", "site_mallocx")->bytes += 10;
	site_dallocx(site_mallocx(173, 0), 173);
	site_sdallocx(site_mallocx(179, 0), 179);
	target_done();
	return 0;
}
