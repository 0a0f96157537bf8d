/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of a process -> the dynamic linker's list of modules. The input is that memory from
 * address 0 on; its first two words are where the dynamic section is and how large. */
#include "fuzz.h"

#include "../../user/target/link_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint64_t dynamic = fuzz_number(&in, 8), bytes = fuzz_number(&in, 8), sum = 0;
	int memory = fuzz_file(data, size);
	struct link_map_list list;

	if (link_map_read(memory, link_map_find(memory, dynamic, bytes), &list))
		must(list.count > 0 && list.dynamics);
	for (size_t i = 0; i < list.count; i++)
		sum += list.dynamics[i];
	must(list.count > 0 || sum == 0);
	link_map_done(&list);
	close(memory);
	return 0;
}
