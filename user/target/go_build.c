/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build information that Go's linker puts into every program, stripped ones too (Go's debug/buildinfo): a magic, the size of a
 * pointer, flags, and from Go 1.18 on, at offset 32, a length and the version as text. The bytes may be anything.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "go_private.h"

#define MAGIC	    "\xff Go buildinf:"
#define MAGIC_SIZE  14
#define TEXT_AT	    32
#define FLAG_INLINE 2
#define SCAN_BYTES  65536
#define SCAN_STEP   16
/* Settings, the list of modules and their checksums. */
#define SETTINGS_MAX 65536

unsigned int go_build_minor(const char *version)
{
	static const char start[] = "go1.";
	unsigned int minor = 0;
	const char *p = version + sizeof(start) - 1;

	if (strncmp(version, start, sizeof(start) - 1) != 0)
		return 0;
	for (; *p >= '0' && *p <= '9' && minor < 10000; p++)
		minor = minor * 10 + (unsigned int)(*p - '0');
	return minor;
}

/* A version is printed, compared and nothing else: "go1.19.8", "go1.26.1-X:name", "devel go1.28-abc Mon ...". */
static bool is_version(const uint8_t *text, size_t length)
{
	size_t i;

	if (!length || length >= GO_VERSION_MAX)
		return false;
	for (i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return true;
}

bool go_build_parse(const uint8_t *bytes, size_t size, char version[GO_VERSION_MAX])
{
	size_t length;

	version[0] = '\0';
	if (size <= TEXT_AT || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0 || !(bytes[15] & FLAG_INLINE))
		return false;
	/* a length below 128 is one byte of a varint, and longer ones are no version */
	length = bytes[TEXT_AT];
	if (length > size - TEXT_AT - 1 || !is_version(bytes + TEXT_AT + 1, length))
		return false;
	memcpy(version, bytes + TEXT_AT + 1, length);
	version[length] = '\0';
	return true;
}

static bool version_at(const struct elf_file *elf, uint64_t address, char version[GO_VERSION_MAX])
{
	uint8_t bytes[TEXT_AT + 1 + GO_VERSION_MAX];
	ssize_t n = elf_file_read(elf, address, bytes, sizeof(bytes));

	return n > 0 && go_build_parse(bytes, (size_t)n, version);
}

/* Without section headers it stands at the beginning of the data. */
static bool scan(const struct elf_file *elf, uint64_t address, char version[GO_VERSION_MAX])
{
	uint8_t bytes[4096];
	uint64_t done;

	for (done = 0; done < SCAN_BYTES; done += sizeof(bytes)) {
		ssize_t n = elf_file_read(elf, address + done, bytes, sizeof(bytes)), i;

		for (i = 0; i + MAGIC_SIZE <= n; i += SCAN_STEP) {
			if (!memcmp(bytes + i, MAGIC, MAGIC_SIZE) &&
			    version_at(elf, address + done + (uint64_t)i, version))
				return true;
		}
		if (n < (ssize_t)sizeof(bytes))
			break;
	}
	return false;
}

bool go_build_version(struct elf_file *elf, char version[GO_VERSION_MAX])
{
	const struct elf_segment *segments;
	size_t count = elf_file_segments(elf, &segments), i;
	uint64_t address, size;

	version[0] = '\0';
	if (elf_file_section(elf, ".go.buildinfo", &address, &size))
		return version_at(elf, address, version);
	for (i = 0; i < count; i++) {
		if (!segments[i].execute && scan(elf, segments[i].address, version))
			return true;
	}
	return false;
}

/* Lines "build\tNAME=VALUE" of the text behind the version. */
bool go_build_has(struct elf_file *elf, const char *setting)
{
	char *text, *line, *rest;
	uint64_t address, size;
	bool found = false;
	ssize_t n;

	if (!elf_file_section(elf, ".go.buildinfo", &address, &size) || size <= TEXT_AT)
		return false;
	size = size < SETTINGS_MAX ? size : SETTINGS_MAX;
	rest = text = xcalloc(1, size + 1);
	n = elf_file_read(elf, address, text, size);
	if (n > TEXT_AT)
		rest = text + TEXT_AT;
	while (!found && (line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "build\t", 6))
			found = !strcmp(line + 6, setting);
	}
	free(text);
	return found;
}
