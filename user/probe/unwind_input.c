// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The digest is over all headers (they decide which sections elfutils takes), over the code that is
 * looked at (unwind_bottom.h) and over the contents of each section that holds call frame information
 * or the table by which it is searched. libelf reads with pread, each part once, and keeps it: so whoever changes the file between digest and
 * building changes nothing, and no table gets into the cache under a digest that is not its own.
 */
#include "unwind_input.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/xalloc.h"
#include "../target/elf.h"
#include "unwind_bottom.h"

/* Names of sections: libelf reads them whole. */
#define NAMES_MAX (16ull << 20)

struct file {
	int fd;
	Elf *elf;
	uint8_t id[UNWIND_ID_BYTES];
	size_t id_bytes;
};

struct unwind_input {
	struct file file, debug;
	uint64_t bytes;
};

static void file_close(struct file *f)
{
	elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct file){.fd = -1};
}

static bool names_fit(Elf *elf)
{
	size_t names;
	GElf_Shdr h;

	return !elf_getshdrstrndx(elf, &names) &&
	       (!names || (gelf_getshdr(elf_getscn(elf, names), &h) && h.sh_size <= NAMES_MAX));
}

static void read_id(struct file *f)
{
	struct elf_file *elf = elf_file_open(f->fd);

	if (elf)
		f->id_bytes = elf_file_build_id(elf, f->id, sizeof(f->id));
	elf_file_close(elf);
}

/* Takes fd over. */
static int file_open(struct file *f, int fd)
{
	*f = (struct file){.fd = fd};
	if (fd >= 0 && elf_version(EV_CURRENT) != EV_NONE)
		f->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (f->elf && elf_kind(f->elf) == ELF_K_ELF && names_fit(f->elf)) {
		read_id(f);
		return 0;
	}
	file_close(f);
	return -ENOEXEC;
}

static bool is_frames(const char *name)
{
	return name && (strstr(name, "eh_frame") || strstr(name, "debug_frame"));
}

/* Bytes of the sections that rows are made from. */
static uint64_t frame_bytes(Elf *elf, const char *name)
{
	Elf_Scn *section = NULL;
	uint64_t bytes = 0;
	size_t names;
	GElf_Shdr h;
	const char *is;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &h) || h.sh_type == SHT_NOBITS ||
		    h.sh_size > UNWIND_SECTION_MAX)
			continue;
		is = elf_strptr(elf, names, h.sh_name);
		if (is && !strcmp(is, name))
			bytes += h.sh_size;
	}
	return bytes;
}

static bool same_id(const struct file *a, const struct file *b)
{
	return a->id_bytes && a->id_bytes == b->id_bytes && !memcmp(a->id, b->id, a->id_bytes);
}

struct unwind_input *unwind_input_open(int fd, int debug)
{
	struct unwind_input *in = xcalloc(1, sizeof(*in));
	int err = file_open(&in->file, fd);
	uint64_t bytes;

	file_open(&in->debug, debug);
	if (err) {
		unwind_input_close(in);
		errno = -err;
		return NULL;
	}
	in->bytes =
		frame_bytes(in->file.elf, ".eh_frame") + frame_bytes(in->file.elf, ".debug_frame");
	if (!in->debug.elf)
		return in;
	bytes = frame_bytes(in->debug.elf, ".debug_frame");
	if (bytes && same_id(&in->file, &in->debug))
		in->bytes += bytes;
	else
		file_close(&in->debug);
	return in;
}

void unwind_input_close(struct unwind_input *in)
{
	if (!in)
		return;
	file_close(&in->file);
	file_close(&in->debug);
	free(in);
}

Elf *unwind_input_elf(struct unwind_input *in)
{
	return in->file.elf;
}

Elf *unwind_input_debug(struct unwind_input *in)
{
	return in->debug.elf;
}

uint64_t unwind_input_bytes(const struct unwind_input *in)
{
	return in->bytes;
}

size_t unwind_input_id(const struct unwind_input *in, uint8_t id[UNWIND_ID_BYTES])
{
	memcpy(id, in->file.id, in->file.id_bytes);
	return in->file.id_bytes;
}

/* ---- digest ---- */

static void add_contents(struct siphash *s, const Elf_Data *data)
{
	uint64_t bytes = data && data->d_buf ? data->d_size : 0;

	siphash_add(s, &bytes, sizeof(bytes));
	if (bytes)
		siphash_add(s, data->d_buf, bytes);
}

static void add_sections(struct siphash *s, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names = 0;
	GElf_Shdr h;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &h))
			continue;
		siphash_add(s, &h, sizeof(h));
		if (h.sh_type != SHT_NOBITS && h.sh_size <= UNWIND_SECTION_MAX &&
		    (elf_ndxscn(section) == names || is_frames(elf_strptr(elf, names, h.sh_name))))
			add_contents(s, elf_rawdata(section, NULL));
	}
}

static void add_file(struct siphash *s, Elf *elf)
{
	size_t count, i;
	GElf_Ehdr header;
	GElf_Phdr p;

	if (gelf_getehdr(elf, &header))
		siphash_add(s, &header, sizeof(header));
	if (elf_getphdrnum(elf, &count))
		count = 0;
	for (i = 0; i < count && gelf_getphdr(elf, (int)i, &p); i++) {
		siphash_add(s, &p, sizeof(p));
		add_contents(s, unwind_code(elf, &p));
	}
	add_sections(s, elf);
}

void unwind_input_digest(struct unwind_input *in, const struct siphash_key *key, uint64_t digest[2])
{
	static const char border[] = "debug file";
	struct siphash s;

	siphash_begin(&s, key);
	add_file(&s, in->file.elf);
	if (in->debug.elf) {
		siphash_add(&s, border, sizeof(border));
		add_file(&s, in->debug.elf);
	}
	siphash_end(&s, digest);
}
