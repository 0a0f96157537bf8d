/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the call sites of a file of --csv: the last row of each site, those of several processes as one. The file may be anything.
 */
#ifndef EXPORT_CSV_READ_H
#define EXPORT_CSV_READ_H

#include <stddef.h>
#include <stdint.h>

struct csv_site {
	uint64_t site;
	uint64_t outstanding_bytes, outstanding_count;
	uint64_t alloc_bytes, alloc_count, free_bytes, free_count, temporary_count;
	const char *api, *function, *source, *module,
		*stack; /* in `text`, as they are in the file */
};

struct csv_sites {
	struct csv_site *v; /* by site id */
	size_t count;
	char *text;
};

/* 0; -EBADMSG: it is no such file, *line says where it ceases to be one; or -errno. */
int csv_read_sites(struct csv_sites *sites, int fd, size_t *line);
void csv_sites_free(struct csv_sites *sites);

#endif /* EXPORT_CSV_READ_H */
