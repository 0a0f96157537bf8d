/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that are built and run by tests of names, in a directory of their own. */
#ifndef TESTS_UNIT_HELPER_H
#define TESTS_UNIT_HELPER_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program that writes a return address of its own and waits; line 9 is the call. */
static const char *const helper_source =
	"#include <stdio.h>\n"
	"static __attribute__((noinline)) void *here(void)\n"
	"{\n"
	"	return __builtin_return_address(0);\n"
	"}\n"
	"static volatile int after;\n"
	"static __attribute__((noinline)) void *helper_function(void)\n"
	"{\n"
	"	void *pc = here();\n"
	"	after++;\n"
	"	return pc;\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	printf(\"%p\\n\", helper_function());\n"
	"	fflush(stdout);\n"
	"	return getchar();\n"
	"}\n";

struct helper {
	char directory[32], source[64], program[64];
	pid_t pid;
	int keep_open; /* its stdin */
	bool in_root;  /* the directory is its root */
	uint64_t pc;
};

static inline bool helper_build(struct helper *h, const char *flags, const char *source)
{
	char command[512];
	FILE *file;

	h->in_root = false;
	strcpy(h->directory, "/tmp/test_names.XXXXXX");
	assert_non_null(mkdtemp(h->directory));
	snprintf(h->source, sizeof(h->source), "%s/helper.c", h->directory);
	snprintf(h->program, sizeof(h->program), "%s/helper", h->directory);
	file = fopen(h->source, "we");
	assert_non_null(file);
	fputs(source, file);
	fclose(file);
	snprintf(command, sizeof(command), "%s -o %s %s 2>/dev/null", flags, h->program, h->source);
	return system(command) == 0;
}

static inline void helper_start(struct helper *h)
{
	int in[2], out[2];
	char line[32] = "";
	ssize_t n;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	h->pid = fork();
	if (h->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (h->in_root && chroot(h->directory) == 0)
			execl("/helper", "helper", NULL);
		execl(h->program, "helper", NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	h->keep_open = in[1];
	n = read(out[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	close(out[0]);
	h->pc = strtoull(line, NULL, 16);
}

/* A command in the program's directory. */
static inline bool helper_shell(const struct helper *h, const char *command)
{
	char line[1536];

	snprintf(line, sizeof(line), "cd %s && { %s; } >/dev/null 2>&1", h->directory, command);
	return system(line) == 0;
}

static inline void helper_remove(struct helper *h)
{
	char line[64];

	snprintf(line, sizeof(line), "rm -rf %s", h->directory);
	assert_int_equal(system(line), 0);
}

static inline void helper_stop(struct helper *h)
{
	close(h->keep_open);
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
}

#endif /* TESTS_UNIT_HELPER_H */
