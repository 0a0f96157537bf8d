/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short work of the kernel in which others wait for locks that we hold: the calling thread goes
 * before all that share the processors, so that it is not stopped with them. Not for work of our
 * own. Each thread for itself.
 */
#ifndef BASE_URGENT_H
#define BASE_URGENT_H

struct urgent {
	int policy, priority; /* as before; policy -1: the system has refused */
};

void urgent_begin(struct urgent *u);
void urgent_end(const struct urgent *u);

#endif /* BASE_URGENT_H */
