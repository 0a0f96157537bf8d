/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the programs run as that the tracer starts. */
#ifndef USER_BECOME_H
#define USER_BECOME_H

/* For good, in a child: becomes `user`, or under sudo (NULL) the user who called it. NULL, or the name of what failed, with errno. */
const char *become(const char *user);

#endif /* USER_BECOME_H */
