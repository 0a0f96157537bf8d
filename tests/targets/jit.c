/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates code that calls malloc, and writes its name to /tmp/perf-PID.map, as just-in-time
 * compilers do; then interrupts itself until the interrupted place is in the vdso, and allocates there.
 */
#include "target.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#define NAME "JS:*generated /tmp/a b.js:7"

typedef void *generated_fn(size_t);

/* push %rbp; mov %rsp,%rbp; mov $malloc,%rax; call *%rax; pop %rbp; ret */
static const unsigned char code_of_generated[] = {
	0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3};
#define ADDRESS_AT 6

static char map_path[64];

static unsigned char *generate(void)
{
	unsigned char *code =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *(*function)(size_t) = malloc;

	if (code == MAP_FAILED)
		_exit(1);
	memcpy(code, code_of_generated, sizeof(code_of_generated));
	memcpy(code + ADDRESS_AT, &function, sizeof(function));
	if (mprotect(code, 4096, PROT_READ | PROT_EXEC) != 0)
		_exit(1);
	return code;
}

/* Code that was there before had another name. */
static void write_map(const unsigned char *code)
{
	char text[256];
	int fd, length;

	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", (int)getpid());
	length = snprintf(text, sizeof(text), "%lx 1000 JS:^thrown away\n%lx 12 " NAME "\n",
			  (unsigned long)(uintptr_t)code, (unsigned long)(uintptr_t)code);
	fd = open(map_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		_exit(1);
	close(fd);
}

SITE static void site_generated(generated_fn *function)
{
	void *p = function(4099);

	KEEP(p);
	gave("malloc", "site_generated", 4099);
}

static uintptr_t vdso_start, vdso_end;
static volatile sig_atomic_t in_vdso;

/* Not what a program should do, but here nothing else allocates. */
SITE static void site_handler(int number, siginfo_t *info, void *context)
{
	const ucontext_t *state = context;
	uintptr_t pc = (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
	void *p;

	(void)number;
	(void)info;
	if (in_vdso || pc < vdso_start || pc >= vdso_end)
		return;
	p = malloc(5003);
	KEEP(p);
	gave("malloc", "site_handler", 5003);
	in_vdso = 1;
}

SITE static void site_interrupted(void)
{
	struct sigaction action = {.sa_sigaction = site_handler, .sa_flags = SA_SIGINFO};
	struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct timespec now;

	vdso_start = getauxval(AT_SYSINFO_EHDR);
	vdso_end = vdso_start + (vdso_start ? 8192 : 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (vdso_start && !in_vdso)
		clock_gettime(CLOCK_MONOTONIC, &now);
	setitimer(ITIMER_REAL, &never, NULL);
	KEEP(&now);
}

int main(int argc, char **argv)
{
	unsigned char *code = generate();
	generated_fn *function;

	memcpy(&function, &code, sizeof(function));
	write_map(code);
	target_ready(argc, argv);
	for (int i = 0; i < 7; i++)
		site_generated(function);
	site_interrupted();
	target_done();
	unlink(map_path);
	return 0;
}
