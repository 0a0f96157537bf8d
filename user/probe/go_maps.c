/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shape belongs to a build, not to a process: one that is there already is used again. The first with zeros only is free. */
#include "go_maps.h"

#include <bpf/bpf.h>
#include <string.h>

#include "../../include/calls.h"

/* Must match struct go_thinning of bpf/go.bpf.h. */
struct thinning {
	uint64_t mean_bytes, told_ns;
};

bool go_maps_shape(struct loader *l, const struct go_shape *shape, uint64_t *cookie)
{
	static const struct go_shape none;
	int map = loader_go_maps(l).shapes;
	struct go_shape there;
	uint32_t i;

	for (i = 0; i < GO_SHAPES; i++) {
		if (bpf_map_lookup_elem(map, &i, &there))
			return false;
		if (!memcmp(&there, &none, sizeof(there)) &&
		    bpf_map_update_elem(map, &i, shape, BPF_ANY))
			return false;
		else if (memcmp(&there, &none, sizeof(there)) &&
			 memcmp(&there, shape, sizeof(there)) != 0)
			continue;
		*cookie = (uint64_t)i << COOKIE_SHAPE_SHIFT;
		return true;
	}
	return false;
}

void go_maps_thin(struct loader *l, uint32_t number, uint64_t mean_bytes)
{
	struct thinning thinning = {0};
	int map = loader_go_maps(l).thinnings;

	bpf_map_lookup_elem(map, &number, &thinning);
	thinning.mean_bytes = mean_bytes;
	bpf_map_update_elem(map, &number, &thinning, BPF_ANY);
}

void go_maps_forget(struct loader *l, uint32_t number)
{
	bpf_map_delete_elem(loader_go_maps(l).thinnings, &number);
}
