/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file is known by its inode, size and times of change: one that was written to since is another. Entries stay until others need their
 * places. The debug information is read without the lock, since that takes long: at worst twice.
 */
#include "go_builds.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/xalloc.h"
#include "elf_private.h"
#include "go_private.h"

#define BUILDS_MAX 64

struct key {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct build {
	struct key key;
	bool sound;
	bool read, has_layout; /* its debug information was read, and says this: */
	struct go_layout layout;
};

struct go_builds {
	pthread_mutex_t lock;
	struct build v[BUILDS_MAX];
	size_t count, next; /* next: whose place is taken when there is no other */
};

struct go_builds *go_builds_new(void)
{
	struct go_builds *b = xcalloc(1, sizeof(*b));

	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void go_builds_free(struct go_builds *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static bool key_of(const struct elf_file *elf, struct key *key)
{
	struct stat s;

	memset(key, 0, sizeof(*key));
	if (fstat(elf->fd, &s))
		return false;
	key->device = s.st_dev;
	key->inode = s.st_ino;
	key->size = s.st_size;
	key->modified = s.st_mtim;
	key->changed = s.st_ctim;
	return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct key *a, const struct key *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* Under the lock. NULL: it is not known. */
static struct build *find(struct go_builds *b, const struct key *key)
{
	size_t i;

	for (i = 0; i < b->count; i++) {
		if (same(&b->v[i].key, key))
			return &b->v[i];
	}
	return NULL;
}

/* Under the lock. */
static struct build *get(struct go_builds *b, const struct key *key)
{
	struct build *build = find(b, key);

	if (build)
		return build;
	build = &b->v[b->next];
	b->next = (b->next + 1) % BUILDS_MAX;
	b->count += b->count < BUILDS_MAX;
	*build = (struct build){.key = *key};
	return build;
}

static bool find_layout(struct go_builds *b, const struct key *key, struct go_layout *layout,
			bool *found)
{
	const struct build *build;
	bool known;

	pthread_mutex_lock(&b->lock);
	build = find(b, key);
	known = build && build->read;
	if (known) {
		*found = build->has_layout;
		memcpy(layout->at, build->layout.at, sizeof(layout->at));
	}
	pthread_mutex_unlock(&b->lock);
	return known;
}

static void keep_layout(struct go_builds *b, const struct key *key, const struct go_layout *layout,
			bool found)
{
	struct build *build;

	pthread_mutex_lock(&b->lock);
	build = get(b, key);
	build->read = true;
	build->has_layout = found;
	build->layout = *layout;
	pthread_mutex_unlock(&b->lock);
}

bool go_builds_layout(struct go_builds *b, const struct elf_file *elf, struct go_layout *layout)
{
	bool has_key, found = false;
	struct key key;

	has_key = b && key_of(elf, &key);
	if (has_key && find_layout(b, &key, layout, &found))
		return found;
	found = go_dwarf_layout(elf, layout);
	if (has_key)
		keep_layout(b, &key, layout, found);
	return found;
}

void go_builds_note_sound(struct go_builds *b, const struct elf_file *elf)
{
	struct key key;

	if (!b || !key_of(elf, &key))
		return;
	pthread_mutex_lock(&b->lock);
	get(b, &key)->sound = true;
	pthread_mutex_unlock(&b->lock);
}

bool go_builds_is_sound(struct go_builds *b, const struct elf_file *elf)
{
	const struct build *build;
	struct key key;
	bool sound;

	if (!b || !key_of(elf, &key))
		return false;
	pthread_mutex_lock(&b->lock);
	build = find(b, &key);
	sound = build && build->sound;
	pthread_mutex_unlock(&b->lock);
	return sound;
}
