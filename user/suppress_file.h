/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of --suppress. */
#ifndef USER_SUPPRESS_FILE_H
#define USER_SUPPRESS_FILE_H

#include "analyse/suppress.h"

/* NULL after a message that names the file, and the line if it is at fault. */
struct suppressions *suppress_file_read(const char *path);

#endif /* USER_SUPPRESS_FILE_H */
