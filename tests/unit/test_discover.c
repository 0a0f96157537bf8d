/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is found in this process and in children with other allocators. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../user/target/discover.h"
#include "../../user/target/link_map.h"

static const struct discover_options DEFAULTS;

static void assert_sane(const struct targets *targets)
{
	struct stat named, opened;

	assert_non_null(targets->looked_at);
	assert_true(strlen(targets->looked_at) < 1100);
	for (size_t i = 0; i < targets->module_count; i++) {
		const struct target_module *m = &targets->modules[i];

		assert_true(m->function_count > 0);
		assert_int_equal(stat(m->open_path, &named), 0);
		assert_int_equal(fstat(m->fd, &opened), 0);
		assert_int_equal(named.st_ino, opened.st_ino);
		for (size_t k = 0; k < m->function_count; k++) {
			const struct target_function *f = &m->functions[k];

			assert_int_not_equal(f->call, CALL_ID_NONE);
			assert_true(f->calls & 1ull << f->call);
			assert_non_null(f->symbol);
			for (size_t n = 0; n < k; n++)
				assert_true(m->functions[n].address != f->address);
		}
	}
}

static const struct target_function *find_call(const struct targets *targets, enum call_id call,
					       const struct target_module **module)
{
	for (size_t i = 0; i < targets->module_count; i++) {
		for (size_t k = 0; k < targets->modules[i].function_count; k++) {
			*module = &targets->modules[i];
			if (targets->modules[i].functions[k].calls & 1ull << call)
				return &targets->modules[i].functions[k];
		}
	}
	*module = NULL;
	return NULL;
}

static void expect_bound(const struct targets *targets, enum call_id call, const char *symbol)
{
	void *now = dlsym(RTLD_DEFAULT, symbol);
	const struct target_module *module;
	const struct target_function *function = find_call(targets, call, &module);

	assert_non_null(now);
	assert_non_null(function);
	assert_true(function->address + module->bias == (uint64_t)(uintptr_t)now);
	assert_true(function->size > 0);
}

/* Sanitizers bring an allocator of their own, whose names are wrapped. */
static bool is_plain_libc(void)
{
	Dl_info a, b;

	return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &a) &&
	       dladdr((void *)(uintptr_t)&gnu_get_libc_version, &b) && a.dli_fbase == b.dli_fbase;
}

static void discover_process__self__functions_where_the_linker_bound_them(void **state)
{
	struct targets targets;

	(void)state;
	assert_int_equal(discover_process(getpid(), &DEFAULTS, &targets), 0);
	assert_sane(&targets);
	if (is_plain_libc()) {
		expect_bound(&targets, CALL_ID_MALLOC, "malloc");
		expect_bound(&targets, CALL_ID_CALLOC, "calloc");
		expect_bound(&targets, CALL_ID_REALLOC, "realloc");
		expect_bound(&targets, CALL_ID_FREE, "free");
		expect_bound(&targets, CALL_ID_POSIX_MEMALIGN, "posix_memalign");
		expect_bound(&targets, CALL_ID_ALIGNED_ALLOC, "aligned_alloc");
		expect_bound(&targets, CALL_ID_MEMALIGN, "memalign");
	}
	targets_done(&targets);
}

static void discover_process__no_ranges_wanted__none(void **state)
{
	struct discover_options options = {.ranges = true};
	const struct target_module *module;
	struct targets targets;

	(void)state;
	assert_int_equal(discover_process(getpid(), &DEFAULTS, &targets), 0);
	assert_null(find_call(&targets, CALL_ID_MMAP, &module));
	targets_done(&targets);
	assert_int_equal(discover_process(getpid(), &options, &targets), 0);
	assert_sane(&targets);
	if (is_plain_libc()) {
		expect_bound(&targets, CALL_ID_MMAP, "mmap");
		expect_bound(&targets, CALL_ID_MUNMAP, "munmap");
		expect_bound(&targets, CALL_ID_MREMAP, "mremap");
	}
	targets_done(&targets);
}

static void discover_process__dynamic_program__linker_gives_notice(void **state)
{
	const struct target_function *function;
	const struct target_module *module;
	struct targets targets;

	(void)state;
	assert_int_equal(discover_process(getpid(), &DEFAULTS, &targets), 0);
	function = find_call(&targets, CALL_ID_MODULES, &module);
	assert_non_null(function);
	assert_true(module->is_linker);
	assert_true(function->address + module->bias == (uint64_t)_r_debug.r_brk);
	targets_done(&targets);
}

static void discover_process__object_by_option__its_names_count(void **state)
{
	const char *objects[2] = {NULL, "/no/such/object.so"};
	struct discover_options options = {.objects = objects, .object_count = 2};
	void *cxx = dlopen("libstdc++.so.6", RTLD_LAZY);
	const struct target_module *module;
	struct targets targets;
	Dl_info info;

	(void)state;
	if (!cxx || !dladdr(dlsym(cxx, "_Znwm"), &info))
		skip();
	objects[0] = info.dli_fname;
	assert_int_equal(discover_process(getpid(), &DEFAULTS, &targets), 0);
	if (is_plain_libc())
		assert_null(find_call(&targets, CALL_ID_NEW, &module));
	targets_done(&targets);
	assert_int_equal(discover_process(getpid(), &options, &targets), 0);
	assert_sane(&targets);
	assert_non_null(find_call(&targets, CALL_ID_NEW, &module));
	targets_done(&targets);
}

static void discover_process__no_such_process__said(void **state)
{
	struct targets targets;
	siginfo_t end;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT);
	assert_int_equal(discover_process(pid, &DEFAULTS, &targets), -ESRCH);
	waitpid(pid, NULL, 0);
	assert_int_equal(discover_process(pid, &DEFAULTS, &targets), -ESRCH);
	assert_int_equal(targets.module_count, 0);
	targets_done(&targets);
}

static void discover_process__kernel_thread__refused(void **state)
{
	struct targets targets;
	char name[16] = "";
	FILE *comm = fopen("/proc/2/comm", "re");

	(void)state;
	if (comm) {
		if (!fgets(name, sizeof(name), comm))
			name[0] = '\0';
		fclose(comm);
	}
	if (strcmp(name, "kthreadd\n") != 0)
		skip();
	assert_int_equal(discover_process(2, &DEFAULTS, &targets), -EINVAL);
	targets_done(&targets);
}

static void discover_code__libc__bounds_and_stubs(void **state)
{
	const struct target_function *function;
	const struct target_module *module;
	struct discover_code *code;
	struct targets targets;
	uint64_t start, end;
	const uint8_t *bytes;

	(void)state;
	if (!is_plain_libc())
		skip();
	assert_int_equal(discover_process(getpid(), &DEFAULTS, &targets), 0);
	function = find_call(&targets, CALL_ID_FREE, &module);
	code = discover_code_open(&targets, module);
	assert_non_null(code);
	bytes = discover_code_get(code, function->address, &start, &end);
	assert_non_null(bytes);
	assert_true(start == function->address && end == start + function->size);
	assert_memory_equal(bytes, (const void *)(uintptr_t)(start + module->bias), end - start);
	assert_true(discover_code_covers(code, function->address, CALL_FREE));
	assert_false(discover_code_covers(code, function->address, CALL_ALLOC_SIZE0));
	assert_false(discover_code_covers(code, function->address + 1, CALL_FREE));
	assert_null(discover_code_get(code, UINT64_MAX - 3, &start, &end));
	assert_false(discover_code_covers(code, 0, CALL_FREE));
	discover_code_close(code);
	targets_done(&targets);
}

/* At its first instruction: only the program and the linker are there. */
static void discover_process__stopped_at_exec__notice_by_symbol(void **state)
{
	const struct target_module *module;
	struct targets targets;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		unsetenv("LD_PRELOAD");
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			execlp("sleep", "sleep", "0", (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		skip();
	assert_int_equal(discover_process(pid, &DEFAULTS, &targets), 0);
	assert_sane(&targets);
	assert_non_null(find_call(&targets, CALL_ID_MODULES, &module));
	assert_true(module->is_linker);
	assert_null(strstr(targets.looked_at, "libc.so"));
	targets_done(&targets);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct fake_node {
	uint64_t bias, name, dynamic, next, previous;
};

static void link_map_read__ring_and_wild_pointers__ends(void **state)
{
	struct fake_node nodes[3] = {{.dynamic = 1}, {.dynamic = 2}, {.dynamic = 3}};
	uint64_t head[3] = {1, (uint64_t)(uintptr_t)&nodes[0], 77};
	uint64_t debug = (uint64_t)(uintptr_t)head;
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	struct link_map_list list;

	(void)state;
	nodes[0].next = (uint64_t)(uintptr_t)&nodes[1];
	nodes[1].next = (uint64_t)(uintptr_t)&nodes[2];
	assert_true(link_map_read(memory, debug, &list));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.notice, 77);
	assert_int_equal(list.dynamics[2], 3);
	link_map_done(&list);
	nodes[2].next = (uint64_t)(uintptr_t)&nodes[1];
	assert_true(link_map_read(memory, debug, &list));
	assert_true(list.count <= 4096);
	link_map_done(&list);
	nodes[0].next = 8;
	assert_true(link_map_read(memory, debug, &list));
	assert_int_equal(list.count, 1);
	link_map_done(&list);
	assert_false(link_map_read(memory, UINT64_MAX - 4, &list));
	link_map_done(&list);
	assert_false(link_map_read(-1, debug, &list));
	link_map_done(&list);
	close(memory);
}

/* Runs `sleep` with a library preloaded; that of this machine, looked for beside libc. */
static pid_t start_preloaded(const char *name)
{
	char path[4200], *slash;
	Dl_info info;
	pid_t pid;

	assert_int_not_equal(dladdr((const void *)(uintptr_t)&gnu_get_libc_version, &info), 0);
	snprintf(path, 4096, "%s", info.dli_fname);
	slash = strrchr(path, '/');
	if (!slash)
		return 0;
	snprintf(slash + 1, 64, "%s", name);
	if (access(path, R_OK))
		return 0;
	pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", path, 1);
		execlp("sleep", "sleep", "30", (char *)NULL);
		_exit(1);
	}
	return pid;
}

static void expect_preloaded(const char *name, enum call_id own_call)
{
	const struct target_module *module = NULL;
	const struct target_function *function = NULL;
	struct targets targets;
	pid_t pid = start_preloaded(name);
	bool found = false;

	if (!pid)
		skip();
	/* Until the linker has loaded it. */
	for (int i = 0; i < 200 && !found; i++) {
		usleep(10000);
		if (discover_process(pid, &DEFAULTS, &targets))
			continue;
		function = find_call(&targets, CALL_ID_MALLOC, &module);
		found = function && strstr(module->path, name) &&
			find_call(&targets, own_call, &module);
		if (!found)
			targets_done(&targets);
	}
	kill(pid, SIGKILL);
	assert_true(found);
	for (size_t i = 0; i < targets.module_count; i++) {
		for (size_t k = 0; k < targets.modules[i].function_count; k++) {
			if (strstr(targets.modules[i].path, "libc.so"))
				assert_true(targets.modules[i].functions[k].call != CALL_ID_MALLOC);
		}
	}
	targets_done(&targets);
	waitpid(pid, NULL, 0);
}

static void discover_process__jemalloc_preloaded__its_own_not_libcs(void **state)
{
	(void)state;
	expect_preloaded("libjemalloc.so.2", CALL_ID_SDALLOCX);
}

static void discover_process__tcmalloc_preloaded__its_own_not_libcs(void **state)
{
	(void)state;
	expect_preloaded("libtcmalloc_minimal.so.4", CALL_ID_NEW);
}

static void discover_process__mimalloc_preloaded__its_own_not_libcs(void **state)
{
	(void)state;
	expect_preloaded("libmimalloc.so.2", CALL_ID_NEW_ALIGNED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discover_process__self__functions_where_the_linker_bound_them),
		cmocka_unit_test(discover_process__no_ranges_wanted__none),
		cmocka_unit_test(discover_process__dynamic_program__linker_gives_notice),
		cmocka_unit_test(discover_process__object_by_option__its_names_count),
		cmocka_unit_test(discover_process__no_such_process__said),
		cmocka_unit_test(discover_process__kernel_thread__refused),
		cmocka_unit_test(discover_code__libc__bounds_and_stubs),
		cmocka_unit_test(discover_process__stopped_at_exec__notice_by_symbol),
		cmocka_unit_test(link_map_read__ring_and_wild_pointers__ends),
		cmocka_unit_test(discover_process__jemalloc_preloaded__its_own_not_libcs),
		cmocka_unit_test(discover_process__tcmalloc_preloaded__its_own_not_libcs),
		cmocka_unit_test(discover_process__mimalloc_preloaded__its_own_not_libcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
