/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets share. Each gets bytes that stand for what a traced process could give, and
 * holds what comes of them against the invariants of the module: a broken one ends the program, as
 * a crash does.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A file with these contents; the caller closes it. */
static inline int fuzz_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0);
	must(size == 0 || write(fd, data, size) == (ssize_t)size);
	return fd;
}

/* The rest of an input, read from its start; zeros when nothing is left. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint64_t fuzz_number(struct fuzz_input *in, size_t bytes)
{
	uint64_t value = 0;
	size_t n = in->left < bytes ? in->left : bytes;

	memcpy(&value, in->at, n);
	in->at += n;
	in->left -= n;
	return value;
}

/* Up to the next NUL; from malloc. */
static inline char *fuzz_string(struct fuzz_input *in)
{
	size_t length = strnlen((const char *)in->at, in->left), taken;
	char *text = malloc(length + 1);

	must(text);
	memcpy(text, in->at, length);
	text[length] = '\0';
	taken = length < in->left ? length + 1 : length;
	in->at += taken;
	in->left -= taken;
	return text;
}

#endif /* TESTS_FUZZ_H */
