/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the runtimes of all versions, and whether a layout can be: one that comes of debug information may say anything, and is
 * read by as it stands.
 */
#include "go_private.h"
#include "go_tables.h"

#define NO_MAX (1 << 20)

const struct go_layout *go_layout_find(unsigned int minor)
{
	size_t i;

	for (i = 0; i < sizeof(go_layouts) / sizeof(go_layouts[0]); i++) {
		if (go_layouts[i].minor == minor)
			return &go_layouts[i];
	}
	return NULL;
}

uint16_t go_size_class(size_t index)
{
	return index < GO_SIZE_CLASSES ? go_size_classes[index] : 0;
}

const struct go_member_name *go_member_name(enum go_member m)
{
	return &go_member_names[m];
}

/* A version that is known does without it. */
static bool is_optional(enum go_member m)
{
	size_t i;

	for (i = 0; i < sizeof(go_layouts) / sizeof(go_layouts[0]); i++) {
		if (go_layouts[i].at[m] < 0)
			return true;
	}
	return false;
}

/* Where a word of it must begin at the latest, so that it is in what is read of the structure. */
static int32_t last_place(enum go_member m)
{
	if (m <= GO_DELTA_SIZE)
		return GO_MSTATS_MAX - 8;
	if (m < GO_GC_PERCENT)
		return GO_MSTATS_MAX / 3;
	if (m <= GO_MAPPED_READY)
		return GO_CONTROLLER_MAX - 8;
	return m == GO_CACHE_ALLOC ? GO_CACHE_ALLOC_MAX : NO_MAX;
}

bool go_layout_check(const struct go_layout *layout, enum go_member *wrong)
{
	int i;

	for (i = 0; i < GO_MEMBERS; i++) {
		enum go_member m = (enum go_member)i;
		int32_t at = layout->at[i];

		*wrong = m;
		if (at < -1 || (at < 0 && !is_optional(m)) || at > last_place(m))
			return false;
	}
	return true;
}
