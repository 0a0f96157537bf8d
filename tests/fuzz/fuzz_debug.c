/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mapped file -> names, source lines and inlined functions of addresses in it: libdwfl, symbol
 * tables, debug information, compressed sections, minidebuginfo.
 */
#include "fuzz.h"

#include "../../user/symbol/debug.h"
#include "../../user/symbol/image.h"

#define ADDRESSES_MAX 12

static size_t strings_length;

/* Reads every byte: what is no string is found by the sanitizer. */
static void use(const char *text)
{
	if (text)
		strings_length += strlen(text);
}

static void resolve(struct debug *debug, const struct image *image, uint64_t address)
{
	struct debug_frame frames[DEBUG_MAX_FRAMES];
	size_t count = debug_resolve(debug, image, address, frames);

	must(count >= 1 && count <= DEBUG_MAX_FRAMES);
	for (size_t i = 0; i < count; i++) {
		use(frames[i].function);
		use(frames[i].file);
		must(frames[i].line >= 0);
	}
	use(frames[0].type);
	must(!frames[count - 1].inlined);
}

/* Spread over the segments, denser at the start, where small files have their code. */
static void resolve_all(struct debug *debug, const struct image *image)
{
	int left = ADDRESSES_MAX;

	for (size_t i = 0; i < image->segment_count && left > 0; i++) {
		const struct image_segment *s = &image->segments[i];

		for (uint64_t at = 1; at < s->memory_bytes && left > 0; at += 1 + at / 3, left--)
			resolve(debug, image, s->address + at);
	}
	resolve(debug, image, 0);
	resolve(debug, image, UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image *image = image_new(fuzz_file(data, size), "/nowhere/fuzz");
	struct debug *debug;

	/* no network, whatever the environment says */
	unsetenv("DEBUGINFOD_URLS");
	debug = debug_new();
	image_address(image, size / 2);
	must(image_memory(image) > 0 && image->build_id_size <= IMAGE_BUILD_ID_MAX);
	resolve_all(debug, image);
	debug_free(debug);
	image_free(image);
	return 0;
}
