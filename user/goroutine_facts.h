/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The goroutines of a process as bytes, for recordings. Pure. */
#ifndef USER_GOROUTINE_FACTS_H
#define USER_GOROUTINE_FACTS_H

#include "base/buffer.h"
#include "capture/pack.h"
#include "target/go_goroutines.h"

void goroutine_facts_pack(const struct go_goroutines *g, struct buffer *out);
/* Overwrites *g, which must be empty. False: it makes no sense (then *g is empty). */
bool goroutine_facts_unpack(struct go_goroutines *g, struct unpack *u);

#endif /* USER_GOROUTINE_FACTS_H */
