/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between bpf/direct_map.bpf.c and user/probe/direct_map.c. */
#ifndef INCLUDE_DIRECT_MAP_H
#define INCLUDE_DIRECT_MAP_H

#define DIRECT_TOKEN_WORDS 4
/* The map begins at a multiple of this. */
#define DIRECT_ALIGNMENT (1ull << 30)
/* Places that one run of the program looks at. */
#define DIRECT_TRIES 64

#endif /* INCLUDE_DIRECT_MAP_H */
