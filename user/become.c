/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

const char *become(const char *user)
{
	const char *id = getenv("SUDO_UID");
	struct passwd *pw;

	if (user)
		pw = getpwnam(user);
	else if (!id || geteuid() != 0)
		return NULL;
	else
		pw = getpwuid((uid_t)strtoul(id, NULL, 10));
	if (!pw) {
		errno = ENOENT;
		return "become the user";
	}
	if (initgroups(pw->pw_name, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
		return "become the user";
	return NULL;
}
