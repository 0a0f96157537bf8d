/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An auditor of the dynamic linker: a second C library in a name space of its own. */
#include <link.h>
#include <stdlib.h>

unsigned int la_version(unsigned int version)
{
	free(malloc(100));
	return version;
}

unsigned int la_objopen(struct link_map *map, Lmid_t id, uintptr_t *cookie)
{
	(void)map;
	(void)id;
	(void)cookie;
	free(malloc(100));
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
