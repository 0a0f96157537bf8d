// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The directory is in /run, which a boot empties, and only root can write it. Nothing here is an
 * error: without a cache the tests are run.
 */
#include "features_cache.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../base/buffer.h"
#include "../base/cache_dir.h"
#include "../../include/direct_map.h"
#include "../base/log.h"

#define DIRECTORY "/run/tracer"
#define ANOTHER	  "TRACER_RUN_DIR" /* believed under the same conditions */

/* Whatever claims to be slower is no hit of a probe. */
#define COST_MOST_NS 1e7

struct kept {
	int32_t err;
	uint8_t privileged, sees_fork, sees_vfork, pad;
};

bool features_lasts(int32_t err)
{
	switch (err) {
	case 0:
	case -EINVAL: /* unknown to this kernel */
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -ENODATA:		   /* accepted, but blind */
	case -EBADMSG:		   /* no cookies */
	case -EACCES: return true; /* killed under seccomp */
	default: return false;
	}
}

static void add_build(struct buffer *key)
{
	struct stat st = {0};

	if (stat("/proc/self/exe", &st))
		memset(&st, 0, sizeof(st));
	buffer_printf(key, "tracer %s %llx:%llx %lld %lld.%09ld\n", TRACER_VERSION,
		      (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		      (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void add_kernel(struct buffer *key)
{
	struct utsname name = {0};
	char boot[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		if (!fgets(boot, sizeof(boot), f))
			boot[0] = 0;
		fclose(f);
	}
	uname(&name);
	buffer_printf(key, "%s %s %s boot %s", name.release, name.version, name.machine, boot);
}

static void add_privileges(struct buffer *key)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}};
	struct stat st = {0};

	syscall(SYS_capget, &header, caps);
	if (stat("/proc/self/ns/user", &st))
		memset(&st, 0, sizeof(st));
	buffer_printf(key, "caps %x%08x user namespace %llu\n", caps[1].effective,
		      caps[0].effective, (unsigned long long)st.st_ino);
}

static char *make_key(enum probe_method method, const char *test)
{
	struct buffer key = {0};

	add_build(&key);
	add_kernel(&key);
	add_privileges(&key);
	buffer_printf(&key, "%s %s\n", test, probe_method_name(method));
	return key.data;
}

static const char *directory(void)
{
	const char *other = getenv(ANOTHER);

	return other ? other : DIRECTORY;
}

/* Exactly `size` bytes. */
static bool recall_bytes(enum probe_method method, const char *test, void *to, size_t size)
{
	char *key = make_key(method, test), name[48];
	int dir = cache_dir_open(directory()), err = dir;
	size_t bytes;
	void *data;

	snprintf(name, sizeof(name), "%s-%s", test, probe_method_name(method));
	if (dir >= 0) {
		err = cache_dir_read(dir, name, key, size, &data, &bytes);
		close(dir);
	}
	free(key);
	if (err) {
		if (err != -ENOENT && err != -ESTALE)
			log_verbose("%s/%s is not used: %s", directory(), name, strerror(-err));
		return false;
	}
	if (bytes == size)
		memcpy(to, data, size);
	free(data);
	return bytes == size;
}

static bool recall(enum probe_method method, const char *test, struct kept *kept)
{
	if (!recall_bytes(method, test, kept, sizeof(*kept)) || !features_lasts(kept->err))
		return false;
	log_verbose("test '%s-%s': result of an earlier run in this boot", test,
		    probe_method_name(method));
	return true;
}

static void remember_bytes(enum probe_method method, const char *test, const void *from,
			   size_t size)
{
	int dir = cache_dir_open(directory());
	char *key, name[48];

	if (dir < 0)
		return;
	key = make_key(method, test);
	snprintf(name, sizeof(name), "%s-%s", test, probe_method_name(method));
	if (cache_dir_write(dir, name, key, from, size))
		log_verbose("cannot keep the result of test '%s'", name);
	free(key);
	close(dir);
}

static void remember(enum probe_method method, const char *test, const struct kept *kept)
{
	if (features_lasts(kept->err))
		remember_bytes(method, test, kept, sizeof(*kept));
}

bool features_recall(enum probe_method method, struct selftest *result)
{
	struct kept kept;

	if (!recall(method, "attach", &kept))
		return false;
	*result = (struct selftest){.err = kept.err,
				    .privileged = kept.privileged,
				    .sees_fork = kept.sees_fork,
				    .sees_vfork = kept.sees_vfork};
	return true;
}

void features_remember(enum probe_method method, const struct selftest *result)
{
	remember(method, "attach",
		 &(struct kept){.err = result->err,
				.privileged = result->privileged,
				.sees_fork = result->sees_fork,
				.sees_vfork = result->sees_vfork});
}

bool features_recall_seccomp(enum probe_method method, int32_t *err)
{
	struct kept kept;

	if (!recall(method, "seccomp", &kept))
		return false;
	*err = kept.err;
	return true;
}

void features_remember_seccomp(enum probe_method method, int32_t err)
{
	remember(method, "seccomp", &(struct kept){.err = err});
}

static bool is_cost(double ns)
{
	return ns >= 0 && ns < COST_MOST_NS;
}

bool features_recall_costs(enum probe_method method, struct trap_costs *costs)
{
	struct trap_costs kept;
	size_t i;

	if (!recall_bytes(method, "cost", &kept, sizeof(kept)))
		return false;
	for (i = 0; i < HIT_KINDS; i++) {
		if (!is_cost(kept.ns[i]))
			return false;
	}
	*costs = kept;
	return true;
}

void features_remember_costs(enum probe_method method, const struct trap_costs *costs)
{
	remember_bytes(method, "cost", costs, sizeof(*costs));
}

/* The same for all ways of attaching. */
bool features_recall_direct(struct direct_map *map)
{
	struct direct_map kept;

	if (!recall_bytes(PROBE_SESSION, "direct", &kept, sizeof(kept)))
		return false;
	if (kept.base &&
	    (kept.base & (DIRECT_ALIGNMENT - 1) || kept.levels < 4 || kept.levels > 5 || !kept.end))
		return false;
	*map = kept;
	return true;
}

void features_remember_direct(const struct direct_map *map)
{
	remember_bytes(PROBE_SESSION, "direct", map, sizeof(*map));
}
