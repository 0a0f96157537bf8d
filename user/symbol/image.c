/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what must be known of a mapped file at once: build id and load segments. Everything else
 * (symbols, debug information) is read when a name is asked for, from the descriptor that is kept
 * here.
 *
 * The file is the target's and may be anything: only the ELF header, the program headers and the
 * notes are read, by pread into buffers of fixed size, and every size in them is checked against
 * those buffers.
 *
 * Invariant: identity depends on the file's contents only, never on where or when it was mapped.
 */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/io.h"
#include "../base/mix.h"
#include "../base/xalloc.h"

#define IMAGE_MAX_HEADERS    128
#define IMAGE_MAX_NOTE_BYTES 16384

static bool image_read(int fd, void *out, size_t bytes, uint64_t offset)
{
	return io_read_at(fd, out, bytes, offset) == (ssize_t)bytes;
}

static size_t image_align_note(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

/* True when the notes have a build id. All sizes are 32 bits wide in 64-bit arithmetic: nothing
 * wraps. */
static bool image_find_build_id(struct image *image, const uint8_t *notes, size_t bytes)
{
	size_t at = 0;

	while (at + sizeof(Elf64_Nhdr) <= bytes) {
		Elf64_Nhdr note;
		size_t name, id;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		id = name + image_align_note(note.n_namesz);
		at = id + image_align_note(note.n_descsz);
		if (id + note.n_descsz > bytes)
			return false;
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(notes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) != 0)
			continue;
		if (note.n_descsz == 0 || note.n_descsz > IMAGE_BUILD_ID_MAX)
			continue;
		memcpy(image->build_id, notes + id, note.n_descsz);
		image->build_id_size = note.n_descsz;
		return true;
	}
	return false;
}

static void image_read_notes(struct image *image, const Elf64_Phdr *header)
{
	uint8_t notes[IMAGE_MAX_NOTE_BYTES];
	size_t bytes = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes);

	if (image->build_id_size == 0 && image_read(image->fd, notes, bytes, header->p_offset))
		image_find_build_id(image, notes, bytes);
}

static void image_add_segment(struct image *image, const Elf64_Phdr *header)
{
	uint64_t align = header->p_align;

	if (align == 0 || (align & (align - 1)) != 0)
		align = 1;
	image->segments[image->segment_count++] = (struct image_segment){
		.offset = header->p_offset,
		.file_bytes = header->p_filesz,
		.address = header->p_vaddr,
		.memory_bytes = header->p_memsz,
		.align = align,
		.executable = header->p_flags & PF_X,
	};
}

/* Of other kinds and machines libdwfl would want more from us than there is to give. */
static bool image_is_ours(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_ident[EI_DATA] ==
		       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB) &&
	       header->e_machine == EM_X86_64 &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_phentsize == sizeof(Elf64_Phdr);
}

static void image_read_headers(struct image *image)
{
	Elf64_Ehdr elf;
	Elf64_Phdr headers[IMAGE_MAX_HEADERS];
	size_t count;

	if (!image_read(image->fd, &elf, sizeof(elf), 0) || !image_is_ours(&elf))
		return;
	count = elf.e_phnum < IMAGE_MAX_HEADERS ? elf.e_phnum : IMAGE_MAX_HEADERS;
	if (count == 0 || !image_read(image->fd, headers, count * sizeof(headers[0]), elf.e_phoff))
		return;
	image->segments = xcalloc(count, sizeof(*image->segments));
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_LOAD)
			image_add_segment(image, &headers[i]);
		else if (headers[i].p_type == PT_NOTE)
			image_read_notes(image, &headers[i]);
	}
}

static uint64_t image_identity(const struct image *image)
{
	if (image->build_id_size)
		return mix_bytes(1, image->build_id, image->build_id_size);
	return mix_u64(mix_bytes(2, image->name, strlen(image->name)), image->bytes);
}

struct image *image_new(int fd, const char *path)
{
	struct image *image = xcalloc(1, sizeof(*image));
	const char *slash;
	struct stat st;

	image->fd = fd;
	image->root = -1;
	image->path = xstrdup(path);
	slash = strrchr(image->path, '/');
	image->name = slash && slash[1] ? slash + 1 : image->path;
	if (fd >= 0) {
		if (fstat(fd, &st) == 0) {
			image->bytes = (uint64_t)st.st_size;
			image->changed_s = st.st_mtim.tv_sec;
			image->changed_ns = st.st_mtim.tv_nsec;
		}
		image_read_headers(image);
	}
	image->identity = image_identity(image);
	return image;
}

struct image *image_recorded(const struct image *like)
{
	struct image *image = image_new(-1, like->path);

	image->bytes = like->bytes;
	image->identity = like->identity;
	image->recorded = like->recorded;
	image->no_code = like->no_code;
	image->build_id_size = like->build_id_size;
	memcpy(image->build_id, like->build_id, sizeof(image->build_id));
	if (like->segment_count) {
		image->segments = xcalloc(like->segment_count, sizeof(*image->segments));
		memcpy(image->segments, like->segments,
		       like->segment_count * sizeof(*image->segments));
		image->segment_count = like->segment_count;
	}
	return image;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	if (image->fd >= 0)
		close(image->fd);
	free(image->segments);
	free(image->path);
	free(image);
}

bool image_is_unchanged(const struct image *image)
{
	struct stat st;

	return fstat(image->fd, &st) == 0 && (uint64_t)st.st_size == image->bytes &&
	       st.st_mtim.tv_sec == image->changed_s && st.st_mtim.tv_nsec == image->changed_ns;
}

/* Code lies in executable segments; the second turn is for files whose flags say otherwise. */
uint64_t image_address(const struct image *image, uint64_t offset)
{
	for (int any = 0; any < 2; any++) {
		for (size_t i = 0; i < image->segment_count; i++) {
			const struct image_segment *s = &image->segments[i];

			if ((s->executable || any) && offset >= s->offset &&
			    offset - s->offset < s->file_bytes)
				return s->address + (offset - s->offset);
		}
	}
	return offset;
}

const char *image_build_id(const struct image *image, char out[2 * IMAGE_BUILD_ID_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < image->build_id_size; i++) {
		out[2 * i] = digits[image->build_id[i] >> 4];
		out[2 * i + 1] = digits[image->build_id[i] & 15];
	}
	out[2 * image->build_id_size] = '\0';
	return image->build_id_size ? out : NULL;
}

size_t image_memory(const struct image *image)
{
	return sizeof(*image) + strlen(image->path) + 1 +
	       image->segment_count * sizeof(*image->segments);
}
