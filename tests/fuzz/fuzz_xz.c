/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed minimal debug information -> what it unpacks to. */
#include "fuzz.h"

#include "../../user/symbol/xz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bytes = xz_unpacked_bytes(data, size);

	/* a chunk is at least four bytes, and at most 2 MB */
	must(bytes == UINT64_MAX || bytes <= ((uint64_t)size / 4) << 21);
	return 0;
}
