/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording -> records -> heap. The first byte says what the rest is: a whole file, the payload of a block (behind its checksum),
 * or one of the notes that set figures.
 */
#include "fuzz.h"

#include "../../user/capture/block_coder.h"
#include "../../user/capture/file_block.h"
#include "../../user/capture/replay.h"
#include "../../user/facts.h"
#include "../../user/heap/heap.h"
#include "../../user/totals_note.h"

static struct heap *make_heap(void)
{
	struct heap *h = heap_new(NULL);

	must(h && heap_add_process(h, 1, 1, "fuzz", 1));
	return h;
}

static void run_file(const uint8_t *data, size_t size)
{
	const struct event_header *records[16];
	struct heap *h = make_heap();
	struct replay *r;
	size_t n;

	if (!replay_open(&r, fuzz_file(data, size))) {
		while ((n = replay_next(r, records, 16))) {
			if (!replay_is_note(records[0]))
				heap_apply_batch(h, records, n);
		}
		must(replay_end(r) != REPLAY_GOES_ON);
		replay_close(r);
	}
	heap_free(h);
}

static void run_payload(struct fuzz_input in)
{
	struct block_facts facts = {.events = (uint32_t)fuzz_number(&in, 2)};
	struct block_decoder *d = block_decoder_new();
	struct buffer records = {0};
	struct heap *h = make_heap();

	must(d);
	if (!block_decoder_run(d, in.at, in.left, &facts, &records)) {
		for (size_t at = 0; at < records.length;) {
			const struct event_header *e = (const void *)(records.data + at);

			must(records.length - at >= record_span(e));
			if (e->type != RECORDING_NOTE_TYPE)
				heap_apply(h, e);
			at += record_span(e);
		}
	}
	buffer_done(&records);
	block_decoder_free(d);
	heap_free(h);
}

/* The checksum is no obstacle for who makes a file. */
static void run_checked(struct fuzz_input in)
{
	struct recording_start start = {.version = RECORDING_VERSION};
	struct recording_block h = {.magic = RECORDING_BLOCK_MAGIC, .kind = RECORDING_ABOUT};
	struct buffer file = {0};

	memcpy(start.magic, RECORDING_MAGIC, RECORDING_MAGIC_BYTES);
	buffer_add(&file, &start, sizeof(start));
	do {
		h.checksum = file_block_checksum(&h, in.at);
		buffer_add(&file, &h, sizeof(h));
		buffer_add(&file, in.at, h.bytes);
		in.at += h.bytes;
		in.left -= h.bytes;
		h.kind = (uint16_t)(fuzz_number(&in, 1) % 6);
		h.events = (uint32_t)fuzz_number(&in, 1);
		h.bytes = (uint32_t)fuzz_number(&in, 2);
		h.bytes = h.bytes < in.left ? h.bytes : (uint32_t)in.left;
	} while (in.left);
	run_file((const uint8_t *)file.data, file.length);
	buffer_done(&file);
}

static void run_notes(struct fuzz_input in, bool totals)
{
	struct unpack u = {in.at, in.at + in.left, false};
	struct heap *h = make_heap();
	struct facts f;

	if (totals)
		totals_unpack(h, &u);
	else if (facts_unpack(&f, &u))
		facts_done(&f);
	heap_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	switch (fuzz_number(&in, 1) % 5) {
	case 0: run_file(in.at, in.left); break;
	case 1: run_payload(in); break;
	case 2: run_checked(in); break;
	case 3: run_notes(in, false); break;
	default: run_notes(in, true); break;
	}
	return 0;
}
