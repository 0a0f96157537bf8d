/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of /proc/PID/maps and /proc/PID/status -> mappings and facts, by each parser that there is. */
#include "fuzz.h"

#include "../../user/symbol/modules.h"
#include "../../user/target/maps.h"
#include "../../user/target/process.h"

#define MAPPINGS_MAX 256

static void read_maps(const char *text)
{
	struct maps_entry entry;
	struct maps maps;

	maps_open_text(&maps, text);
	while (maps_next(&maps, &entry)) {
		must(entry.start < entry.end);
		must(strlen(entry.path) <= strlen(text));
		maps_is_file(&entry);
	}
	maps_close(&maps);
}

static void check_merged(const struct mapping *v, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		must(v[i].start < v[i].end);
		must(i == 0 || v[i - 1].end <= v[i].start);
	}
}

/* Lines that go back are left out, as modules_read does. Odd lines are what there was before. */
static void read_modules(char *text)
{
	static struct mapping lists[2][MAPPINGS_MAX];
	size_t counts[2] = {0, 0}, count, number = 0;
	uint64_t ends[2] = {0, 0};
	struct modules_line line;
	struct mapping *merged;
	char *rest = text, *one;

	while ((one = strsep(&rest, "\n"))) {
		size_t which = number++ & 1;

		if (!modules_parse_line(one, &line))
			continue;
		must(line.start < line.end && strlen(line.path) < 1u << 20);
		if (line.start < ends[which] || counts[which] == MAPPINGS_MAX)
			continue;
		ends[which] = line.end;
		lists[which][counts[which]++] = (struct mapping){
			line.start, line.end, line.offset, line.device, line.inode, NULL};
	}
	merged = modules_merge(lists[0], counts[0], lists[1], counts[1], &count);
	check_merged(merged, count);
	free(merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct process_info info = {0};
	char *text = fuzz_string(&in);

	read_maps(text);
	process_parse_status(text, &info);
	must(memchr(info.comm, '\0', sizeof(info.comm)));
	read_modules(text);
	free(text);
	return 0;
}
