/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the open libdwfl sessions, one for each file, the least recently used closed first. Debug
 * information is looked for in the file and below /usr/lib/debug by build id and debug link; the
 * network is asked only when the user has set DEBUGINFOD_URLS, which is libdwfl's own rule.
 *
 * The files are the target's. Those of usual size are read and not mapped: a mapped file that the
 * target truncates would end the tracer by SIGBUS. Files that unpack to absurd sizes are refused,
 * and no path that such a file names is opened outside of /usr/lib/debug, because it may be a pipe
 * that blocks for ever.
 *
 * Invariant: the module lies at the addresses that its program headers say, so libdwfl's addresses
 * are ELF addresses.
 */
#include "debug.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <elfutils/libdwfl.h>
#include "../base/log.h"
#include "../base/xalloc.h"
#include "image.h"
#include "scopes.h"
#include "symbols.h"
#include "xz.h"

#define DEBUG_DIRECTORY		 "/usr/lib/debug"
#define DEBUG_MAX_SESSIONS	 32
#define DEBUG_MAX_BYTES		 (512ul << 20)
#define DEBUG_MAX_READ_BYTES	 (64ul << 20)
#define DEBUG_MAX_UNPACKED_BYTES (2ul << 30)
/* A symbol table; libdwfl takes up to twice as much while it unpacks it. */
#define DEBUG_MAX_XZ_BYTES (64ul << 20)

struct debug_session {
	const struct image *image; /* NULL: free place */
	Dwfl *dwfl;		   /* NULL: this file has nothing for us */
	struct symbols *symbols;
	struct scopes *scopes;
	size_t library_bytes; /* what libelf and libdw hold */
	uint64_t used;
};

struct debug {
	Dwfl_Callbacks callbacks;
	char *path; /* the callbacks want it to be changeable */
	struct debug_session sessions[DEBUG_MAX_SESSIONS];
	uint64_t clock;
};

static int debug_find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  char **file_name, Elf **elf)
{
	const struct image *image = *userdata;
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

static bool debug_is_below_directory(const char *path)
{
	return path && strncmp(path, DEBUG_DIRECTORY "/", sizeof(DEBUG_DIRECTORY)) == 0 &&
	       !strstr(path, "/../");
}

/* A link names a file, not a path, unless the file that has it is no file of the target. */
static int debug_find_debuginfo(Dwfl_Module *module, void **userdata, const char *name,
				Dwarf_Addr base, const char *file_name, const char *link,
				GElf_Word crc, char **debug_name)
{
	if (link && strchr(link, '/') && !debug_is_below_directory(file_name))
		return -1;
	return dwfl_standard_find_debuginfo(module, userdata, name, base, file_name, link, crc,
					    debug_name);
}

struct debug *debug_new(void)
{
	struct debug *d = xcalloc(1, sizeof(*d));

	elf_version(EV_CURRENT);
	d->path = xstrdup(DEBUG_DIRECTORY);
	d->callbacks = (Dwfl_Callbacks){
		.find_elf = debug_find_elf,
		.find_debuginfo = debug_find_debuginfo,
		.debuginfo_path = &d->path,
	};
	return d;
}

static void debug_close(struct debug_session *session)
{
	symbols_free(session->symbols);
	scopes_free(session->scopes);
	if (session->dwfl)
		dwfl_end(session->dwfl);
	*session = (struct debug_session){0};
}

void debug_free(struct debug *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++)
		debug_close(&d->sessions[i]);
	free(d->path);
	free(d);
}

static size_t debug_session_bytes(const struct debug_session *session)
{
	size_t bytes = session->library_bytes;

	if (session->symbols)
		bytes += symbols_memory(session->symbols);
	if (session->scopes)
		bytes += scopes_memory(session->scopes);
	return bytes;
}

size_t debug_memory(const struct debug *d)
{
	size_t bytes = sizeof(*d);

	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++)
		bytes += debug_session_bytes(&d->sessions[i]);
	return bytes;
}

static uint64_t debug_xz_bytes(Elf_Scn *section)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	uint64_t bytes = data && data->d_buf ? xz_unpacked_bytes(data->d_buf, data->d_size) : 0;

	return bytes > DEBUG_MAX_XZ_BYTES ? UINT64_MAX : bytes;
}

/* What a section will take when it is used, unpacked. */
static uint64_t debug_section_bytes(Elf_Scn *section, const GElf_Shdr *header, const char *name)
{
	GElf_Chdr packed;

	if (header->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(section, &packed) ? packed.ch_size : UINT64_MAX;
	if (strncmp(name, ".zdebug", 7) == 0) {
		/* "ZLIB" and the size, eight bytes, the highest first */
		Elf_Data *data = elf_rawdata(section, NULL);
		uint64_t bytes = 0;

		if (!data || !data->d_buf || data->d_size < 12)
			return UINT64_MAX;
		for (int i = 4; i < 12; i++)
			bytes = bytes << 8 | ((const uint8_t *)data->d_buf)[i];
		return bytes;
	}
	if (strcmp(name, ".gnu_debugdata") == 0)
		return debug_xz_bytes(section);
	return strncmp(name, ".debug_", 7) == 0 ? header->sh_size : 0;
}

struct debug_survey {
	uint64_t bytes;	    /* of debug sections, unpacked */
	bool has_alternate; /* names another file by path (.gnu_debugaltlink) */
};

/* False: this file is not to be used. */
static bool debug_survey_elf(Elf *elf, struct debug_survey *survey)
{
	Elf_Scn *section = NULL;
	size_t names;

	*survey = (struct debug_survey){0};
	if (!elf)
		return false;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return true;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;
		uint64_t bytes;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		bytes = debug_section_bytes(section, &header, name ? name : "");
		if (bytes > DEBUG_MAX_UNPACKED_BYTES - survey->bytes)
			return false;
		survey->bytes += bytes;
		if (name && strcmp(name, ".gnu_debugaltlink") == 0)
			survey->has_alternate = true;
	}
	return true;
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

static Dwfl_Module *debug_report(Dwfl *dwfl, const struct image *image)
{
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
		*userdata = (void *)(uintptr_t)image;
	}
	return dwfl_report_end(dwfl, NULL, NULL) == 0 ? module : NULL;
}

/* A path in an alternate link is opened by libdw itself: that must be a link in a file of the
 * system. */
static bool debug_may_use_dwarf(Dwfl_Module *module, const struct debug_survey *survey)
{
	const char *debug_file = NULL;
	Dwarf_Addr bias;

	if (!survey->has_alternate)
		return true;
	if (!dwfl_module_getdwarf(module, &bias))
		return false;
	dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, &debug_file);
	return debug_is_below_directory(debug_file);
}

/* A separate debug file is the system's: it is counted, not judged. */
static uint64_t debug_separate_bytes(Dwfl_Module *module)
{
	struct debug_survey survey;
	Dwarf_Addr bias;
	Dwarf *dwarf = dwfl_module_getdwarf(module, &bias);
	Elf *elf = dwarf ? dwarf_getelf(dwarf) : NULL;

	if (!elf || elf == dwfl_module_getelf(module, &bias) || !debug_survey_elf(elf, &survey))
		return 0;
	return survey.bytes;
}

static void debug_open(struct debug *d, struct debug_session *session, const struct image *image)
{
	struct debug_survey survey;
	Dwfl_Module *module;
	Dwarf_Addr bias;

	*session = (struct debug_session){.image = image};
	if (image->fd < 0 || image->segment_count == 0)
		return;
	session->dwfl = dwfl_begin(&d->callbacks);
	module = session->dwfl ? debug_report(session->dwfl, image) : NULL;
	if (!module || !debug_survey_elf(dwfl_module_getelf(module, &bias), &survey) || bias != 0) {
		log_verbose("no names from '%s': not a usable ELF file", image->path);
		if (session->dwfl)
			dwfl_end(session->dwfl);
		session->dwfl = NULL;
		return;
	}
	session->symbols = symbols_new(module);
	if (debug_may_use_dwarf(module, &survey))
		session->scopes = scopes_new(module);
	session->library_bytes = survey.bytes + debug_separate_bytes(module);
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

/* The one in use stays, whatever it takes. */
static void debug_trim(struct debug *d, const struct debug_session *keep)
{
	while (debug_memory(d) > DEBUG_MAX_BYTES) {
		struct debug_session *oldest = NULL;

		for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++) {
			struct debug_session *session = &d->sessions[i];

			if (session->image && session != keep &&
			    (!oldest || session->used < oldest->used))
				oldest = session;
		}
		if (!oldest)
			return;
		debug_close(oldest);
	}
}

static struct debug_session *debug_get_session(struct debug *d, const struct image *image)
{
	struct debug_session *session;

	for (size_t i = 0; i < DEBUG_MAX_SESSIONS; i++) {
		if (d->sessions[i].image == image) {
			d->sessions[i].used = ++d->clock;
			return &d->sessions[i];
		}
	}
	session = debug_oldest(d);
	debug_close(session);
	debug_open(d, session, image);
	session->used = ++d->clock;
	debug_trim(d, session);
	return session;
}

size_t debug_resolve(struct debug *d, const struct image *image, uint64_t address,
		     struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	struct debug_session *session = debug_get_session(d, image);
	/* a call may be the last instruction of its function: the return address is then another's
	 */
	uint64_t call = address ? address - 1 : 0, start;
	const char *symbol;
	size_t count;

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
