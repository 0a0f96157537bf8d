// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One file for each table, named by the build id of the ELF file and a digest of everything that
 * decides the table (unwind_input.h); with it goes the version of all that makes tables. Only we can
 * write the directory (cache_dir.h), and each row is checked nevertheless: a damaged file must not
 * lead the BPF side astray.
 *
 * What somebody reaches who writes the ELF files, a user whose programs are traced: a build id is
 * his to choose, so it only names the file. The digest is under a secret that is in the directory and
 * was drawn at random, so he cannot make a file that has the digest of another's with other contents,
 * nor try it out. An equal digest means equal unwind information, and then the other's table is right
 * for his file too. He can fill the cache up to its bound and so push tables of others out, which are
 * then built again.
 */
#include "unwind_cache.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../../include/unwind_row.h"
#include "../base/cache_dir.h"
#include "../base/cache_trim.h"
#include "../base/log.h"
#include "../base/siphash.h"
#include "../base/xalloc.h"

#define DIRECTORY   "/var/cache/tracer"
#define VARIABLE    "TRACER_CACHE_DIR"
#define SUFFIX	    ".unwind"
#define SECRET	    "secret"
#define MAX_BYTES   (512ull << 20) /* of all tables */
#define TRIM_BYTES  (32ull << 20)  /* are written before the bound is looked at again */
#define TABLE_BYTES (256ull << 20)

/* To be raised with each change of what rows mean or of how they are made. */
#define FORMAT 2

struct unwind_cache {
	int dir;
	struct siphash_key secret;
	_Atomic uint64_t untrimmed;
	atomic_bool failed_said;
};

struct header {
	uint64_t base;
	uint32_t row_count, pages;
};

/* ---- the directory ---- */

/* Two tracers that draw one at once: the later stays, and finds tables of the other stale. */
static int read_secret(struct unwind_cache *c)
{
	size_t bytes;
	void *data;
	int err = cache_dir_read(c->dir, SECRET, SECRET, sizeof(c->secret), &data, &bytes);

	if (!err && bytes == sizeof(c->secret)) {
		memcpy(&c->secret, data, bytes);
		free(data);
		return 0;
	}
	free(data);
	if (getrandom(&c->secret, sizeof(c->secret), 0) != sizeof(c->secret))
		return -EIO;
	return cache_dir_write(c->dir, SECRET, SECRET, &c->secret, sizeof(c->secret));
}

static const char *directory(void)
{
	const char *chosen = getenv(VARIABLE);

	if (!chosen)
		return DIRECTORY;
	return *chosen && strcmp(chosen, "none") ? chosen : NULL;
}

static void say_unused(const char *path, int err)
{
	log_verbose("unwind tables are not kept in '%s': %s", path,
		    err == -EPERM ? "it, or a directory above it, belongs to somebody else or can "
				    "be written by others"
		    : err == -EINVAL ? "not an absolute path"
		    : err == -ELOOP || err == -ENOTDIR
			    ? "a part of the path is a link or no directory"
			    : strerror(-err));
}

struct unwind_cache *unwind_cache_open(void)
{
	const char *path = directory();
	struct unwind_cache *c;
	int err;

	if (!path)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->dir = cache_dir_open(path);
	err = c->dir < 0 ? c->dir : read_secret(c);
	if (!err) {
		c->untrimmed = TRIM_BYTES;
		return c;
	}
	say_unused(path, err);
	unwind_cache_close(c);
	return NULL;
}

void unwind_cache_close(struct unwind_cache *c)
{
	if (!c)
		return;
	if (c->dir >= 0)
		close(c->dir);
	free(c);
}

/* ---- tables ---- */

void unwind_cache_key(const struct unwind_cache *c, struct unwind_input *in,
		      struct unwind_cache_key *key)
{
	uint8_t id[UNWIND_ID_BYTES];
	size_t n = c ? unwind_input_id(in, id) : 0, at = 0, i;
	uint64_t digest[2];

	key->name[0] = key->text[0] = 0;
	if (!n)
		return;
	unwind_input_digest(in, &c->secret, digest);
	for (i = 0; i < n; i++)
		at += (size_t)snprintf(key->name + at, sizeof(key->name) - at, "%02x", id[i]);
	snprintf(key->name + at, sizeof(key->name) - at, "-%016" PRIx64 SUFFIX, digest[0]);
	snprintf(key->text, sizeof(key->text),
		 "format %d tracer %s elfutils %s digest %016" PRIx64 "%016" PRIx64, FORMAT,
		 TRACER_VERSION, dwfl_version(NULL), digest[0], digest[1]);
}

static size_t payload_bytes(uint64_t rows, uint64_t pages)
{
	return sizeof(struct header) + (UNWIND_INDEX_WORDS(pages) + rows) * sizeof(uint64_t);
}

/* Takes data over when it is a table. */
static int take_payload(void *data, size_t bytes, struct unwind_table *t)
{
	struct header h;
	uint64_t *words;

	if (bytes < sizeof(h))
		return -EBADMSG;
	memcpy(&h, data, sizeof(h));
	if (!h.pages || !h.row_count || payload_bytes(h.row_count, h.pages) != bytes)
		return -EBADMSG;
	words = (uint64_t *)data + sizeof(h) / sizeof(*words);
	*t = (struct unwind_table){.base = h.base,
				   .rows = words + UNWIND_INDEX_WORDS((uint64_t)h.pages),
				   .row_count = h.row_count,
				   .pages = h.pages,
				   .page_rows = (uint32_t *)words,
				   .block = data};
	return unwind_table_is_sane(t) ? 0 : -EBADMSG;
}

int unwind_cache_get(const struct unwind_cache *c, const struct unwind_cache_key *key,
		     struct unwind_table *table)
{
	size_t bytes;
	void *data;
	int err;

	memset(table, 0, sizeof(*table));
	if (!c || !key->name[0])
		return -ENOENT;
	err = cache_dir_read(c->dir, key->name, key->text, TABLE_BYTES, &data, &bytes);
	if (!err)
		err = take_payload(data, bytes, table);
	if (!err) {
		cache_touch(c->dir, key->name);
		return 0;
	}
	if (err != -ENOENT)
		log_verbose("the kept unwind table '%s' is not used: %s", key->name,
			    err == -ESTALE    ? "made by another version"
			    : err == -EBADMSG ? "damaged"
			    : err == -EPERM   ? "not ours alone"
					      : strerror(-err));
	free(data);
	memset(table, 0, sizeof(*table));
	return err;
}

static char *payload_of(const struct unwind_table *t, size_t bytes)
{
	struct header h = {t->base, t->row_count, t->pages};
	size_t index = UNWIND_INDEX_WORDS((uint64_t)t->pages) * sizeof(uint64_t);
	char *data = calloc(1, bytes);

	if (!data)
		return NULL;
	memcpy(data, &h, sizeof(h));
	memcpy(data + sizeof(h), t->page_rows, (t->pages + 1) * sizeof(*t->page_rows));
	memcpy(data + sizeof(h) + index, t->rows, t->row_count * sizeof(*t->rows));
	return data;
}

void unwind_cache_put(struct unwind_cache *c, const struct unwind_cache_key *key,
		      const struct unwind_table *table)
{
	size_t bytes = payload_bytes(table->row_count, table->pages);
	char *data = c && key->name[0] ? payload_of(table, bytes) : NULL;
	int err;

	if (!data)
		return;
	err = cache_dir_write(c->dir, key->name, key->text, data, bytes);
	free(data);
	if (err && !atomic_exchange(&c->failed_said, true))
		log_verbose("cannot keep the unwind table '%s': %s", key->name, strerror(-err));
	if (!err && atomic_fetch_add(&c->untrimmed, bytes) + bytes >= TRIM_BYTES) {
		c->untrimmed = 0;
		cache_trim(c->dir, SUFFIX, MAX_BYTES);
	}
}
