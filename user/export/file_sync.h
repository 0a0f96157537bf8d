/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORT_FILE_SYNC_H
#define EXPORT_FILE_SYNC_H

#include "../base/breath.h"

/* fsync(): 0 or -errno. With a breath a thread does it, and it is breathed until the disk has all. */
int file_sync(int fd, struct breath *breath);

#endif /* EXPORT_FILE_SYNC_H */
