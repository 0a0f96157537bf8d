/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug information that lies elsewhere than in the program, and files that change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "../../user/base/clock.h"
#include "../../user/base/guard.h"
#include "../../user/symbol/names.h"
#include "helper.h"

#define NUMBER	 1
#define WAIT_MS	 60000
#define FUNCTION "helper_function"

/* What is stripped from the program is in helper.debug afterwards. */
#define SPLIT	 "objcopy --only-keep-debug helper helper.debug && strip -s helper && "
#define LINK	 "objcopy --add-gnu-debuglink=helper.debug helper"
#define BUILD_ID "id=$(readelf -n helper | sed -n 's/.*Build ID: //p') && "
#define IN_ROOT	 "d=usr/lib/debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $d && "

static struct names *names;
static struct helper helper;

static void build(const char *flags, const char *command)
{
	names = names_new();
	assert_true(helper_build(&helper, flags, helper_source));
	assert_true(helper_shell(&helper, command));
}

static const struct frame_name *name_of(uint64_t id, uint64_t pc)
{
	names_stack(names, NUMBER, id, 1, &pc, 1);
	assert_int_equal(names_wait(names, WAIT_MS), 0);
	return &names_stack(names, NUMBER, id, 1, &pc, 1)->frames[0];
}

static void run(void)
{
	helper_start(&helper);
	assert_int_equal(names_read_process(names, NUMBER, helper.pid), 0);
	helper_stop(&helper);
}

static void done(void)
{
	helper_remove(&helper);
	names_free(names);
}

/* function NULL: it must have no name; line 0: no line. */
static void check_name(const char *function, int line)
{
	const struct frame_name *frame = name_of(1, helper.pc);

	assert_string_equal(frame->module, "helper");
	if (function) {
		assert_non_null(frame->function);
		assert_string_equal(frame->function, function);
	} else {
		assert_null(frame->function);
	}
	assert_int_equal(frame->line, line);
}

static void check(const char *flags, const char *command, const char *function, int line)
{
	build(flags, command);
	run();
	check_name(function, line);
	done();
}

static void separate__beside_the_program__by_its_link(void **state)
{
	(void)state;
	check("gcc -O2 -g", SPLIT LINK, FUNCTION, 9);
	check("gcc -O2 -g", SPLIT LINK " && mkdir .debug && mv helper.debug .debug", FUNCTION, 9);
	check("gcc -O2 -g -Wl,--build-id=none", SPLIT LINK, FUNCTION, 9);
	check("gcc -O2 -g -gz", SPLIT LINK, FUNCTION, 9);
}

static void separate__other_checksum__not_used(void **state)
{
	(void)state;
	check("gcc -O2 -g -Wl,--build-id=none", SPLIT LINK " && echo >>helper.debug", NULL, 0);
}

static void separate__other_build__not_used(void **state)
{
	(void)state;
	check("gcc -O2 -g",
	      SPLIT LINK " && gcc -O1 -g -o other helper.c && "
			 "objcopy --only-keep-debug other helper.debug",
	      NULL, 0);
}

static void separate__same_build_id_in_the_targets_root__found(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	build("gcc -O2 -g -static",
	      SPLIT BUILD_ID IN_ROOT "mv helper.debug $d/$(echo $id | cut -c3-).debug");
	helper.in_root = true;
	run();
	check_name(FUNCTION, 9);
	done();
}

static void separate__link_out_of_the_targets_root__not_followed(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	build("gcc -O2 -g -static",
	      SPLIT BUILD_ID IN_ROOT "ln -s $PWD/helper.debug $d/$(echo $id | cut -c3-).debug");
	helper.in_root = true;
	run();
	check_name(NULL, 0);
	done();
}

static void separate__fifo_in_its_place__does_not_block(void **state)
{
	(void)state;
	check("gcc -O2 -g", SPLIT LINK " && rm helper.debug && mkfifo helper.debug", NULL, 0);
}

static void separate__only_minidebuginfo__names_without_lines(void **state)
{
	(void)state;
	if (system("command -v xz >/dev/null") != 0)
		skip();
	check("gcc -O2",
	      SPLIT
	      "xz helper.debug && objcopy --add-section .gnu_debugdata=helper.debug.xz helper",
	      FUNCTION, 0);
}

/* Servers: one that never answers, and a directory, which the library takes as well. */
static void need_library(void)
{
	void *library = dlopen("libdebuginfod.so.1", RTLD_LAZY);

	if (!library)
		skip();
	dlclose(library);
}

static void debuginfod__silent_server__names_meanwhile_and_a_prompt_end(void **state)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	char url[64];
	uint64_t until = clock_monotonic_ns() + (uint64_t)WAIT_MS * NS_PER_MS;
	const char *function = NULL;

	(void)state;
	need_library();
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(address.sin_port));
	setenv("DEBUGINFOD_URLS", url, 1);
	build("gcc -O2", "true");
	setenv("DEBUGINFOD_CACHE_PATH", helper.directory, 1);
	run();
	while (!function && clock_monotonic_ns() < until) {
		names_wait(names, 10);
		function = names_stack(names, NUMBER, 1, 1, &helper.pc, 1)->frames[0].function;
	}
	assert_non_null(function);
	assert_string_equal(function, FUNCTION);
	/* its last answer is still to come, and the end does not wait for it */
	assert_int_equal(names_pending(names), 1);
	done();
	unsetenv("DEBUGINFOD_URLS");
	unsetenv("DEBUGINFOD_CACHE_PATH");
	close(listener);
}

static void debuginfod__has_the_file__lines(void **state)
{
	char url[64], cache[64];

	(void)state;
	need_library();
	build("gcc -O2 -g", SPLIT BUILD_ID "mkdir -p buildid/$id cache && "
					   "mv helper.debug buildid/$id/debuginfo");
	snprintf(url, sizeof(url), "file://%s", helper.directory);
	snprintf(cache, sizeof(cache), "%s/cache", helper.directory);
	setenv("DEBUGINFOD_URLS", url, 1);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
	run();
	check_name(FUNCTION, 9);
	done();
	unsetenv("DEBUGINFOD_URLS");
	unsetenv("DEBUGINFOD_CACHE_PATH");
}

static void debuginfod__urls_not_set__never_asked(void **state)
{
	char cache[64];

	(void)state;
	unsetenv("DEBUGINFOD_URLS");
	build("gcc -O2 -g", SPLIT BUILD_ID "mkdir -p buildid/$id cache && "
					   "mv helper.debug buildid/$id/debuginfo");
	snprintf(cache, sizeof(cache), "%s/cache", helper.directory);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
	run();
	check_name(NULL, 0);
	/* the library would have left something there */
	assert_true(helper_shell(&helper, "rmdir cache"));
	done();
	unsetenv("DEBUGINFOD_CACHE_PATH");
}

/* The process goes on with the file that it has mapped, under a name that is another file's now. */
static void module__replaced_by_another_build__names_of_the_mapped_one(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	build("gcc -O2 -g",
	      "sed 's/helper_function/wrong_function_/; 1i/* */' helper.c >other.c && "
	      "gcc -O2 -g -o other other.c");
	helper_start(&helper);
	assert_true(helper_shell(&helper, "mv other helper"));
	assert_int_equal(names_read_process(names, NUMBER, helper.pid), 0);
	helper_stop(&helper);
	check_name(FUNCTION, 9);
	done();
}

static void module__overwritten_by_another_build__no_names(void **state)
{
	(void)state;
	build("gcc -O2 -g", "sed 's/helper_function/wrong_function_/' helper.c >other.c && "
			    "gcc -O1 -g -o other other.c");
	run();
	assert_true(helper_shell(&helper, "cat other >helper"));
	check_name(NULL, 0);
	done();
}

static void module__written_anew_with_the_same_build_id__names(void **state)
{
	(void)state;
	build("gcc -O2 -g", "cp helper copy");
	run();
	assert_true(helper_shell(&helper, "cat copy >helper && touch -d 2001-01-01 helper"));
	check_name(FUNCTION, 9);
	done();
}

static void module__overwritten_between_two_questions__no_more_names(void **state)
{
	(void)state;
	build("gcc -O2 -g", "gcc -O1 -g -o other helper.c");
	run();
	check_name(FUNCTION, 9);
	assert_true(helper_shell(&helper, "cat other >helper"));
	assert_null(name_of(2, helper.pc + 1)->function);
	done();
}

/* Files above 16 MB are mapped. */
static void module__large_and_truncated__survives(void **state)
{
	(void)state;
	build("gcc -O2 -g", "echo 'char large[20 << 20] = {1};' >>helper.c && "
			    "gcc -O2 -g -o helper helper.c");
	run();
	check_name(FUNCTION, 9);
	assert_true(helper_shell(&helper, "truncate -s 8192 helper"));
	assert_null(name_of(2, helper.pc + 1)->function);
	done();
}

static void guard__page_that_is_gone__zeros_and_told(void **state)
{
	int fd = memfd_create("guard", MFD_CLOEXEC);
	const volatile char *bytes;

	(void)state;
	guard_install();
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(pwrite(fd, "x", 1, 4096), 1);
	bytes = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(bytes != MAP_FAILED);
	guard_begin();
	assert_int_equal(bytes[4096], 'x');
	assert_false(guard_failed());
	assert_false(guard_end());
	assert_int_equal(ftruncate(fd, 4096), 0);
	guard_begin();
	assert_int_equal(bytes[4096], 0);
	assert_true(guard_failed());
	assert_true(guard_end());
	guard_begin();
	assert_false(guard_end());
	munmap((void *)(uintptr_t)bytes, 8192);
	close(fd);
}

/* In a process of its own, where no test runner has handlers. Returns 0 only when nothing kills it. */
static int read_what_is_gone(void)
{
	int fd = memfd_create("guard", MFD_CLOEXEC);
	const volatile char *bytes;

	guard_install();
	if (ftruncate(fd, 4096) != 0)
		return 0;
	bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	return bytes != MAP_FAILED && ftruncate(fd, 0) == 0 ? bytes[0] : 0;
}

static void guard__not_begun__signal_kills(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		execl("/proc/self/exe", "test_separate", "--read-what-is-gone", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* sanitizers report it and exit */
	assert_int_not_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guard__page_that_is_gone__zeros_and_told),
		cmocka_unit_test(guard__not_begun__signal_kills),
		cmocka_unit_test(separate__beside_the_program__by_its_link),
		cmocka_unit_test(separate__other_checksum__not_used),
		cmocka_unit_test(separate__other_build__not_used),
		cmocka_unit_test(separate__same_build_id_in_the_targets_root__found),
		cmocka_unit_test(separate__link_out_of_the_targets_root__not_followed),
		cmocka_unit_test(separate__fifo_in_its_place__does_not_block),
		cmocka_unit_test(separate__only_minidebuginfo__names_without_lines),
		cmocka_unit_test(debuginfod__silent_server__names_meanwhile_and_a_prompt_end),
		cmocka_unit_test(debuginfod__has_the_file__lines),
		cmocka_unit_test(debuginfod__urls_not_set__never_asked),
		cmocka_unit_test(module__replaced_by_another_build__names_of_the_mapped_one),
		cmocka_unit_test(module__overwritten_by_another_build__no_names),
		cmocka_unit_test(module__written_anew_with_the_same_build_id__names),
		cmocka_unit_test(module__overwritten_between_two_questions__no_more_names),
		cmocka_unit_test(module__large_and_truncated__survives),
	};

	if (argc == 2 && strcmp(argv[1], "--read-what-is-gone") == 0)
		return read_what_is_gone();
	if (system("command -v gcc objcopy strip readelf >/dev/null") != 0) {
		puts("skipped: no gcc or binutils");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
