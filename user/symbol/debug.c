/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the open libdwfl sessions, one for each file, the least recently used closed first, and sees to
 * it that they stay small together: pages of mapped files are given back (pages.c), and when libdw's
 * tables have grown too much, sessions are closed and opened again when they are needed.
 *
 * The files are the target's. Those of usual size are read, so that they cannot change while they are
 * parsed; larger ones are mapped, which is why the caller guards (base/guard.h) until it has copied
 * what it got. A file that was written since it was mapped by the process is used only when it still
 * has the same build id. No path that a file of the target names is opened but by separate.c.
 *
 * Invariant: the module lies at the addresses that its program headers say, so libdwfl's addresses
 * are ELF addresses.
 */
#include "debug.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <elfutils/libdwfl.h>
#include "../base/guard.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "download.h"
#include "go_alloc.h"
#include "go_names.h"
#include "image.h"
#include "pages.h"
#include "scopes.h"
#include "separate.h"
#include "survey.h"
#include "symbols.h"

#define DEBUG_MAX_SESSIONS   32
#define DEBUG_MAX_READ_BYTES (16ul << 20)
/* What libelf and libdw may allocate beside what is packed in the file in use. */
#define DEBUG_MAX_HEAP_BYTES (48ul << 20)
/* What must be to be had before the libraries are asked. */
#define DEBUG_ROOM_BYTES (32ul << 20)
/* Asking malloc takes longer than most look-ups. */
#define DEBUG_LOOKUPS_BETWEEN_CHECKS 64

struct debug_session {
	struct debug *debug;
	const struct image *image; /* NULL: free place */
	struct stat st;		   /* of the file, when it was opened */
	Dwfl *dwfl;		   /* NULL: this file has nothing for us */
	Elf *elf, *separate_elf;
	struct symbols *symbols;
	struct scopes *scopes;
	struct go_names *go;	 /* NULL: not a Go program */
	struct go_alloc *alloc;	 /* NULL: where it has its types is not known */
	bool lost_scopes;	 /* its separate file has gone meanwhile */
	bool suspended;		 /* to be opened again, with the indexes that are there */
	bool trusted;		 /* the debug information is the system's */
	uint64_t unpacked_bytes; /* of what libelf had to unpack */
	uint64_t used;
};

struct debug_asked {
	struct debug_asked *next;
	const struct image *image;
	char *path; /* NULL: the servers have none */
};

struct debug {
	Dwfl_Callbacks callbacks;
	char *path; /* the callbacks want it to be changeable */
	struct debug_session sessions[DEBUG_MAX_SESSIONS];
	struct pages *pages;
	struct download *download;
	struct debug_asked *asked;
	const struct image *asking;
	uint64_t clock;
	uint64_t heap_floor; /* bytes of malloc that are not ours to free */
	unsigned int lookups;
	bool said_changed, said_room;
};

static int debug_find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  char **file_name, Elf **elf)
{
	const struct debug_session *session = *userdata;
	const struct image *image = session->image;
	int fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 3);

	(void)module;
	(void)name;
	(void)base;
	if (fd < 0)
		return -1;
	*elf = elf_begin(fd, image->bytes <= DEBUG_MAX_READ_BYTES ? ELF_C_READ : ELF_C_READ_MMAP,
			 NULL);
	if (!*elf) {
		close(fd);
		return -1;
	}
	*file_name = strdup(image->path);
	return fd;
}

/* libdwfl maps what it gets. A copy cannot change while it is parsed; a large file is mapped itself.
 * Takes fd over. */
static int debug_copy(int fd)
{
	struct stat st;
	int copy;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > DEBUG_MAX_READ_BYTES)
		return fd;
	copy = memfd_create("debug", MFD_CLOEXEC);
	if (copy < 0)
		return fd;
	while (sendfile(copy, fd, NULL, DEBUG_MAX_READ_BYTES) > 0)
		;
	close(fd);
	return copy;
}

static const struct debug_asked *debug_find_asked(const struct debug *d, const struct image *image)
{
	const struct debug_asked *asked;

	for (asked = d->asked; asked && asked->image != image;)
		asked = asked->next;
	return asked;
}

static int debug_find_separate(struct debug_session *session, const char *link, GElf_Word crc,
			       char **debug_name)
{
	const struct debug_asked *asked = debug_find_asked(session->debug, session->image);
	struct separate found;
	int fd;

	if (separate_find(session->image, link, crc, &found)) {
		session->trusted = found.trusted;
		*debug_name = found.name;
		return found.trusted ? found.fd : debug_copy(found.fd);
	}
	if (!asked || !asked->path)
		return -1;
	fd = open(asked->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		*debug_name = strdup(asked->path);
	return fd;
}

/*
 * A link with a path in it is the alternate one (.gnu_debugaltlink), which is followed only from a file
 * of the system: elsewhere it may name a pipe that blocks for ever.
 */
static int debug_find_debuginfo(Dwfl_Module *module, void **userdata, const char *name,
				Dwarf_Addr base, const char *file_name, const char *link,
				GElf_Word crc, char **debug_name)
{
	struct debug_session *session = *userdata;

	if (!link || !strchr(link, '/'))
		return debug_find_separate(session, link, crc, debug_name);
	if (!session->trusted)
		return -1;
	return dwfl_standard_find_debuginfo(module, userdata, name, base, file_name, link, crc,
					    debug_name);
}

static uint64_t debug_heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

struct debug *debug_new(void)
{
	struct debug *d = xcalloc(1, sizeof(*d));

	elf_version(EV_CURRENT);
	d->path = xstrdup(SEPARATE_DIRECTORY);
	d->callbacks = (Dwfl_Callbacks){
		.find_elf = debug_find_elf,
		.find_debuginfo = debug_find_debuginfo,
		.debuginfo_path = &d->path,
	};
	d->pages = pages_new();
	d->download = download_new();
	d->heap_floor = debug_heap_bytes();
	return d;
}

/* Gives everything back that is the libraries'; our own indexes stay. */
static void debug_suspend(struct debug_session *session)
{
	if (!session->dwfl)
		return;
	go_alloc_free(session->alloc);
	go_names_free(session->go);
	session->alloc = NULL;
	session->go = NULL;
	pages_remove(session->debug->pages, session->elf);
	pages_remove(session->debug->pages, session->separate_elf);
	dwfl_end(session->dwfl);
	session->dwfl = NULL;
	session->elf = session->separate_elf = NULL;
	session->unpacked_bytes = 0;
	session->suspended = true;
}

static void debug_close(struct debug_session *session)
{
	debug_suspend(session);
	symbols_free(session->symbols);
	scopes_free(session->scopes);
	*session = (struct debug_session){0};
}

void debug_free(struct debug *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++)
		debug_close(&d->sessions[i]);
	while (d->asked) {
		struct debug_asked *next = d->asked->next;

		free(d->asked->path);
		free(d->asked);
		d->asked = next;
	}
	download_free(d->download);
	pages_free(d->pages);
	free(d->path);
	free(d);
}

static void debug_image_range(const struct image *image, uint64_t *start, uint64_t *end)
{
	*start = UINT64_MAX;
	*end = 0;
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];
		uint64_t last;

		if (__builtin_add_overflow(s->address, s->memory_bytes, &last))
			continue;
		/* the place of the first one makes libdwfl's bias 0 */
		if (*start == UINT64_MAX)
			*start = s->address & -s->align;
		*end = last > *end ? last : *end;
	}
}

static Dwfl_Module *debug_report(struct debug_session *session)
{
	const struct image *image = session->image;
	Dwfl *dwfl = session->dwfl;
	Dwfl_Module *module;
	uint64_t start, end;
	void **userdata;

	debug_image_range(image, &start, &end);
	if (start >= end)
		return NULL;
	dwfl_report_begin(dwfl);
	module = dwfl_report_module(dwfl, image->name, start, end);
	if (module) {
		dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = session;
	}
	return dwfl_report_end(dwfl, NULL, NULL) == 0 ? module : NULL;
}

/* The debug information may lie in a separate file; either may be one that is not to be used. */
static bool debug_may_use_dwarf(struct debug_session *session, Dwfl_Module *module,
				const struct survey *survey)
{
	struct survey separate;
	Dwarf_Addr bias;
	Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : NULL;

	if (!elf || guard_failed())
		return false;
	if (elf == session->elf)
		return !survey->has_alternate;
	if (!survey_elf(elf, &separate))
		return false;
	session->separate_elf = elf;
	session->unpacked_bytes += separate.unpacked_bytes;
	return session->trusted || !separate.has_alternate;
}

static void debug_index_scopes(struct debug_session *session, Dwfl_Module *module)
{
	struct pages *pages = session->debug->pages;

	if (session->separate_elf)
		pages_add(pages, session->separate_elf);
	if (!session->scopes)
		session->scopes = scopes_new(module, pages);
	else
		session->lost_scopes = !scopes_attach(session->scopes, module);
}

static void debug_index_symbols(struct debug_session *session, Dwfl_Module *module)
{
	if (session->symbols)
		symbols_attach(session->symbols, module);
	else
		session->symbols = symbols_new(module, session->debug->pages);
}

static bool debug_open_module(struct debug *d, struct debug_session *session)
{
	struct survey survey;
	Dwfl_Module *module;
	Dwarf_Addr bias;

	session->dwfl = dwfl_begin(&d->callbacks);
	module = session->dwfl ? debug_report(session) : NULL;
	session->elf = module ? dwfl_module_getelf(module, &bias) : NULL;
	if (!session->elf || !survey_elf(session->elf, &survey) || bias != 0)
		return false;
	session->unpacked_bytes = survey.unpacked_bytes;
	session->suspended = false;
	if (session->image->bytes > DEBUG_MAX_READ_BYTES)
		pages_add(d->pages, session->elf);
	if (debug_may_use_dwarf(session, module, &survey))
		debug_index_scopes(session, module);
	else if (session->scopes)
		return false;
	debug_index_symbols(session, module);
	session->go = go_names_new(session->elf);
	session->alloc = session->go ? go_alloc_new(session->go) : NULL;
	return !session->lost_scopes && !guard_failed();
}

static void debug_say_changed(struct debug *d, const struct image *image)
{
	if (d->said_changed)
		log_verbose("no names from '%s': it was overwritten", image->path);
	else
		log_warn("no names from '%s': it was overwritten by another build since it was "
			 "loaded: restart what uses it",
			 image->path);
	d->said_changed = true;
}

/* What is in the file now is what the process had mapped. */
static bool debug_is_the_same(struct debug *d, const struct image *image)
{
	struct image *now;
	bool same;

	if (image_is_unchanged(image))
		return true;
	now = image_new(fcntl(image->fd, F_DUPFD_CLOEXEC, 3), image->path);
	same = image->build_id_size && now->build_id_size == image->build_id_size &&
	       memcmp(now->build_id, image->build_id, image->build_id_size) == 0;
	image_free(now);
	if (!same)
		debug_say_changed(d, image);
	return same;
}

static void debug_open(struct debug *d, struct debug_session *session, const struct image *image)
{
	*session = (struct debug_session){.debug = d, .image = image};
	if (image->fd < 0 || image->segment_count == 0 || fstat(image->fd, &session->st) != 0 ||
	    !debug_is_the_same(d, image))
		return;
	if (debug_open_module(d, session))
		return;
	log_verbose("no names from '%s': not a usable ELF file", image->path);
	debug_close(session);
	*session = (struct debug_session){.debug = d, .image = image};
	fstat(image->fd, &session->st);
}

static bool debug_is_as_opened(const struct debug_session *session)
{
	struct stat st;

	if (session->image->fd < 0)
		return true;
	return fstat(session->image->fd, &st) == 0 && st.st_size == session->st.st_size &&
	       st.st_mtim.tv_sec == session->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == session->st.st_mtim.tv_nsec;
}

static struct debug_session *debug_oldest(struct debug *d)
{
	struct debug_session *oldest = &d->sessions[0];

	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++) {
		struct debug_session *session = &d->sessions[i];

		if (!session->image)
			return session;
		if (session->used < oldest->used)
			oldest = session;
	}
	return oldest;
}

/* All are closed: which of them holds the memory is known to the libraries alone. */
static void debug_trim(struct debug *d)
{
	uint64_t unpacked = 0, heap = debug_heap_bytes();

	d->lookups = 0;
	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++) {
		if (d->sessions[i].unpacked_bytes > unpacked)
			unpacked = d->sessions[i].unpacked_bytes;
	}
	if (heap < d->heap_floor + DEBUG_MAX_HEAP_BYTES + unpacked)
		return;
	log_verbose("debug information takes %llu MB: closed, to be opened again when needed",
		    (unsigned long long)(heap - d->heap_floor) >> 20);
	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++)
		debug_suspend(&d->sessions[i]);
	malloc_trim(0);
	d->heap_floor = debug_heap_bytes();
}

static struct debug_session *debug_find_session(struct debug *d, const struct image *image)
{
	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++) {
		if (d->sessions[i].image == image)
			return &d->sessions[i];
	}
	return NULL;
}

static struct debug_session *debug_get_session(struct debug *d, const struct image *image)
{
	struct debug_session *session = debug_find_session(d, image);

	if (session && (!debug_is_as_opened(session) ||
			(session->suspended && !debug_open_module(d, session)))) {
		debug_close(session);
		session = NULL;
	}
	if (!session) {
		session = debug_oldest(d);
		debug_close(session);
		debug_open(d, session, image);
		d->lookups = DEBUG_LOOKUPS_BETWEEN_CHECKS;
	}
	session->used = ++d->clock;
	return session;
}

static size_t debug_resolve_in(struct debug_session *session, uint64_t address,
			       struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	/* a call may be the last instruction of its function: the return address is then another's
	 */
	uint64_t call = address ? address - 1 : 0, start;
	const char *symbol;
	size_t count;

	/* debug information knows more */
	count = session->go && !session->scopes ? go_names_find(session->go, call, frames) : 0;
	if (count)
		return count;
	count = session->scopes ? scopes_find(session->scopes, call, frames) : 0;
	if (count == 0) {
		frames[0] = (struct debug_frame){0};
		count = 1;
	}
	symbol = session->symbols ? symbols_find(session->symbols, call, &start) : NULL;
	if (symbol) {
		frames[count - 1].function = symbol;
		frames[count - 1].start = start;
	}
	return count;
}

/* elfutils crashes where it gets no memory (dwarf_getsrclines() does), so it is not asked then. */
static bool debug_has_room(struct debug *d)
{
	void *room = mmap(NULL, DEBUG_ROOM_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room != MAP_FAILED) {
		munmap(room, DEBUG_ROOM_BYTES);
		return true;
	}
	if (!d->said_room)
		log_warn("cannot look up names: out of memory: give the tracer more (ulimit -v)");
	d->said_room = true;
	return false;
}

size_t debug_resolve(struct debug *d, const struct image *image, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	struct debug_session *session;
	size_t count;

	frames[0] = (struct debug_frame){0};
	if (!debug_has_room(d))
		return 1;
	if (d->lookups++ >= DEBUG_LOOKUPS_BETWEEN_CHECKS)
		debug_trim(d);
	session = debug_get_session(d, image);
	count = debug_resolve_in(session, address, frames);
	frames[0].type = session->alloc ? go_alloc_type(session->alloc, address) : NULL;
	pages_relax(d->pages);
	if (!guard_failed() && debug_is_as_opened(session))
		return count;
	debug_close(session);
	frames[0] = (struct debug_frame){0};
	return 1;
}

bool debug_may_ask(const struct debug *d, const struct image *image)
{
	struct debug_session *session;

	if (!download_is_useful(d->download) || image->build_id_size == 0 ||
	    debug_find_asked(d, image))
		return false;
	session = debug_find_session((struct debug *)(uintptr_t)d, image);
	return session && (session->dwfl || session->suspended) && !session->scopes;
}

bool debug_ask(struct debug *d, const struct image *image, void (*done)(void *), void *context)
{
	d->asking = image;
	return download_begin(d->download, image->build_id, image->build_id_size, done, context);
}

void debug_take_answer(struct debug *d)
{
	struct debug_asked *asked;
	struct debug_session *session;
	char *path;

	if (!d->download || !download_finish(d->download, &path))
		return;
	asked = xcalloc(1, sizeof(*asked));
	*asked = (struct debug_asked){d->asked, d->asking, path};
	d->asked = asked;
	session = path ? debug_find_session(d, d->asking) : NULL;
	if (session)
		debug_close(session);
}

void debug_cancel(struct debug *d)
{
	download_cancel(d->download);
}
