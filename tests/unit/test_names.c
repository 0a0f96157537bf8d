/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of stacks: of this program, of libc, and of helper programs that gcc builds here when it is
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../user/symbol/debug.h"
#include "../../user/symbol/image.h"
#include "../../user/symbol/names.h"
#include "../../user/symbol/skip.h"
#include "helper.h"

#define SELF 1 /* the number of this process */

/* Volatile, so that the calls are no tail calls and are not merged. */
static volatile int known_line, caller_line;

static __attribute__((noinline)) uint64_t return_address(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

static __attribute__((noinline, noclone)) uint64_t known_function(void)
{
	uint64_t pc;

	known_line = __LINE__ + 1;
	pc = return_address();
	known_line += 0;
	return pc;
}

static inline __attribute__((always_inline)) uint64_t inlined_function(void)
{
	uint64_t pc;

	known_line = __LINE__ + 1;
	pc = return_address();
	known_line += 0;
	return pc;
}

static __attribute__((noinline, noclone)) uint64_t outer_function(void)
{
	uint64_t pc;

	caller_line = __LINE__ + 1;
	pc = inlined_function();
	known_line += 0;
	return pc;
}

static uint64_t libc_pc;

static int compare_for_libc(const void *a, const void *b)
{
	(void)a;
	(void)b;
	libc_pc = (uintptr_t)__builtin_return_address(0);
	return 0;
}

/* Functions that sanitizers do not replace. */
static uint64_t pc_in_libc(void)
{
	int v[2] = {1, 2};
	size_t count = 2;

	lfind(v, v, &count, sizeof(v[0]), compare_for_libc);
	return libc_pc;
}

static struct names *names_of_self(void)
{
	struct names *n = names_new();

	assert_int_equal(names_read_process(n, SELF, getpid()), 0);
	return n;
}

/* As long as a name may take here: a condition ends the wait, never the time. */
#define WAIT_MS 60000

static const struct stack_names *names_of_process(struct names *n, uint32_t number, uint64_t id,
						  const uint64_t *pcs, size_t count)
{
	names_stack(n, number, id, 1, pcs, count);
	assert_int_equal(names_wait(n, WAIT_MS), 0);
	return names_stack(n, number, id, 1, pcs, count);
}

static const struct stack_names *names_of(struct names *n, uint64_t id, const uint64_t *pcs,
					  size_t count)
{
	return names_of_process(n, SELF, id, pcs, count);
}

static bool ends_with(const char *s, const char *end)
{
	return s && strlen(s) >= strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static void names_stack__static_function__name_and_exact_line(void **state)
{
	struct names *n = names_of_self();
	uint64_t pc = known_function();
	const struct stack_names *s = names_of(n, 1, &pc, 1);

	(void)state;
	assert_int_equal(s->frame_count, 1);
	assert_string_equal(s->frames[0].function, "known_function");
	assert_int_equal(s->frames[0].pc, pc);
	assert_int_equal(s->frames[0].offset, pc - (uintptr_t)known_function);
	assert_true(ends_with(s->frames[0].file, "test_names.c"));
	assert_int_equal(s->frames[0].line, known_line);
	assert_non_null(s->frames[0].module);
	assert_false(s->frames[0].inlined);
	names_free(n);
}

static void names_stack__inlined_function__is_a_frame(void **state)
{
	struct names *n = names_of_self();
	uint64_t pc = outer_function();
	const struct stack_names *s = names_of(n, 1, &pc, 1);

	(void)state;
	assert_int_equal(s->frame_count, 2);
	assert_string_equal(s->frames[0].function, "inlined_function");
	assert_int_equal(s->frames[0].line, known_line);
	assert_true(s->frames[0].inlined);
	assert_string_equal(s->frames[1].function, "outer_function");
	assert_int_equal(s->frames[1].line, caller_line);
	assert_int_equal(s->frames[1].offset, pc - (uintptr_t)outer_function);
	assert_false(s->frames[1].inlined);
	assert_int_equal(s->frames[1].pc, pc);
	names_free(n);
}

static void names_stack__libc__module_and_bounded_offset(void **state)
{
	struct names *n = names_of_self();
	uint64_t pcs[] = {(uintptr_t)lfind + 1, pc_in_libc()};
	const struct stack_names *s = names_of(n, 1, pcs, 2);

	(void)state;
	assert_memory_equal(s->frames[0].module, "libc", 4);
	assert_memory_equal(s->frames[s->frame_count - 1].module, "libc", 4);
	assert_string_equal(s->frames[0].function, "lfind");
	assert_int_equal(s->frames[0].offset, 1);
	names_free(n);
}

static void names_stack__not_there_yet__module_and_offset(void **state)
{
	struct names *n = names_of_self();
	uint64_t pc = known_function();
	const struct stack_names *s = names_stack(n, SELF, 1, 1, &pc, 1);
	uint64_t site = s->site_id;

	(void)state;
	assert_int_equal(s->frame_count, 1);
	assert_int_equal(s->frames[0].pc, pc);
	assert_null(s->frames[0].function);
	assert_non_null(s->frames[0].module);
	assert_true(s->frames[0].offset > 0);
	assert_int_equal(names_pending(n), 1);
	s = names_of(n, 1, &pc, 1);
	assert_string_equal(s->frames[0].function, "known_function");
	assert_true(s->site_id == site);
	names_free(n);
}

static void names_stack__asked_again__same_answer(void **state)
{
	struct names *n = names_of_self();
	uint64_t pcs[] = {known_function(), outer_function()};
	const struct stack_names *s = names_of(n, 1, pcs, 2);
	const char *function = s->frames[0].function;

	(void)state;
	assert_int_equal(s->frame_count, 3);
	s = names_stack(n, SELF, 1, 1, pcs, 2);
	assert_int_equal(names_pending(n), 0);
	assert_int_equal(s->frame_count, 3);
	assert_ptr_equal(s->frames[0].function, function);
	s = names_stack(n, SELF, 2, 1, pcs, 1);
	assert_int_equal(names_pending(n), 0);
	assert_ptr_equal(s->frames[0].function, function);
	assert_true(names_memory(n) > 1000);
	names_free(n);
}

static void names_stack__nowhere__no_module(void **state)
{
	struct names *n = names_of_self();
	uint64_t pcs[] = {0, 1, 0x1234, UINT64_MAX};
	const struct stack_names *s = names_of(n, 1, pcs, 4);

	(void)state;
	assert_int_equal(s->frame_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_null(s->frames[i].module);
		assert_null(s->frames[i].function);
		assert_int_equal(s->frames[i].pc, pcs[i]);
	}
	names_free(n);
}

static void names_stack__no_frames__site_of_the_call(void **state)
{
	struct names *n = names_new();
	uint64_t pc = known_function();
	const struct stack_names *s = names_stack(n, SELF, 5, 1, NULL, 0);
	uint64_t id = s->site_id;

	(void)state;
	assert_int_equal(s->frame_count, 0);
	assert_int_equal(s->function_frame, 0);
	assert_true(id == names_site_id(n, 9, 1, 1, NULL, 0, NULL));
	assert_true(id != names_site_id(n, 9, 1, 2, NULL, 0, NULL));
	/* the frames arrive later */
	assert_int_equal(names_of(n, 5, &pc, 1)->frame_count, 1);
	names_free(n);
}

static void names_stack__modules_read_later__known_then(void **state)
{
	struct names *n = names_new();
	uint64_t pc = known_function();

	(void)state;
	assert_null(names_of(n, 1, &pc, 1)->frames[0].module);
	assert_false(names_knows(n, SELF, pc));
	assert_int_equal(names_read_process(n, SELF, getpid()), 0);
	assert_true(names_knows(n, SELF, pc));
	assert_string_equal(names_of(n, 1, &pc, 1)->frames[0].function, "known_function");
	names_free(n);
}

static void names_exec__old_stacks__stay_as_they_were(void **state)
{
	struct names *n = names_of_self();
	uint64_t pc = known_function(), nowhere[] = {pc + 1, 16};

	(void)state;
	assert_string_equal(names_of(n, 1, &pc, 1)->frames[0].function, "known_function");
	names_of(n, 2, nowhere, 2);
	names_exec(n, SELF);
	assert_false(names_knows(n, SELF, pc));
	assert_string_equal(names_of(n, 1, &pc, 1)->frames[0].function, "known_function");
	assert_null(names_of(n, 3, &pc, 1)->frames[0].module);
	names_free(n);
}

static void names_fork__child__has_the_parents_names(void **state)
{
	struct names *n = names_of_self();
	uint64_t pc = known_function();

	(void)state;
	names_fork(n, SELF, 2);
	assert_string_equal(names_of_process(n, 2, 1, &pc, 1)->frames[0].function,
			    "known_function");
	assert_true(names_site_id(n, 2, 1, 1, &pc, 1, NULL) ==
		    names_site_id(n, SELF, 1, 1, &pc, 1, NULL));
	names_free(n);
}

static void names_read_process__dead_since__still_resolves(void **state)
{
	struct names *n = names_new();
	uint64_t pc = known_function();
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(names_read_process(n, 3, child), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_string_equal(names_of_process(n, 3, 1, &pc, 1)->frames[0].function,
			    "known_function");
	assert_true(names_read_process(n, 3, child) < 0);
	names_free(n);
}

static uint64_t site_of_this_program(void)
{
	struct names *n = names_new();
	uint64_t pcs[] = {known_function(), pc_in_libc(), 0x1234, outer_function()}, id;

	names_read_process(n, SELF, getpid());
	id = names_site_id(n, SELF, 1, 7, pcs, 4, NULL);
	names_free(n);
	return id;
}

static void names_site_id__another_process__same(void **state)
{
	char command[4200] = "", line[32] = "";
	ssize_t length = readlink("/proc/self/exe", command + 1, 4096);
	FILE *pipe;

	(void)state;
	assert_true(length > 0);
	command[0] = '\'';
	strcpy(command + 1 + length, "' --site-id");
	for (int i = 0; i < 3; i++) {
		pipe = popen(command, "re");
		assert_non_null(pipe);
		assert_non_null(fgets(line, sizeof(line), pipe));
		pclose(pipe);
		assert_true(strtoull(line, NULL, 16) == site_of_this_program());
	}
}

static void names_site_id__call_order_and_frames__count(void **state)
{
	struct names *n = names_of_self();
	uint64_t a = known_function(), b = outer_function(), ab[] = {a, b}, ba[] = {b, a};

	(void)state;
	assert_true(names_site_id(n, SELF, 11, 1, ab, 2, NULL) !=
		    names_site_id(n, SELF, 12, 1, ba, 2, NULL));
	assert_true(names_site_id(n, SELF, 11, 1, ab, 2, NULL) !=
		    names_site_id(n, SELF, 13, 2, ab, 2, NULL));
	assert_true(names_site_id(n, SELF, 11, 1, ab, 2, NULL) !=
		    names_site_id(n, SELF, 14, 1, ab, 1, NULL));
	assert_true(names_site_id(n, SELF, 11, 1, ab, 2, NULL) == names_of(n, 1, ab, 2)->site_id);
	names_free(n);
}

static void names_site_id__all_frames_known__settled(void **state)
{
	struct names *n = names_of_self();
	uint64_t pcs[] = {known_function(), 0x1234};
	bool settled = true;

	(void)state;
	names_site_id(n, SELF, 11, 1, pcs, 2, &settled);
	assert_false(settled);
	names_site_id(n, SELF, 12, 1, pcs, 0, &settled);
	assert_false(settled);
	names_site_id(n, SELF, 13, 1, pcs, 1, &settled);
	assert_true(settled);
	names_free(n);
}

static void skip_matches__allocators__only_they(void **state)
{
	static const char *const internal[] = {
		"runtime.mallocgc",
		"runtime.mallocgcSmallScanNoHeaderSC3",
		"runtime.growslice",
		"runtime.mapassign_faststr",
		"internal/runtime/maps.(*Map).growToTable",
		"malloc",
		"operator new",
		"operator new[]",
		"__libc_malloc",
		"__libc_calloc",
		"je_malloc",
		"tc_new",
		"mi_malloc_aligned",
		"tcmalloc::allocate_full_malloc_oom",
		"std::allocator<int>::allocate",
		"__gnu_cxx::new_allocator<std::pair<int, int> >::allocate",
		"std::__new_allocator<char>::allocate",
		"std::allocator_traits<std::allocator<int> >::allocate",
		"__rust_alloc",
		"__rdl_alloc",
		"alloc::alloc::exchange_malloc",
		"runtime.mallocgc",
		"runtime.mallocgcSmallScanNoHeaderSC4",
		"runtime.(*mcache).nextFree",
		"runtime.growslice",
		"runtime.mapassign_faststr",
		"internal/runtime/maps.newGroups",
		"__rustc::__rust_alloc",
		"<alloc::alloc::Global as core::alloc::Allocator>::allocate",
		"_int_malloc",
		"sysmalloc",
		"std::vector<int>::push_back",
		"std::__cxx11::basic_string<char>::_M_create",
		"std::__1::basic_string<char>::append",
		"std::operator+<char>",
		"std::operator<< <std::char_traits<char> >",
		"std::string::_M_create",
		"std::make_shared<int>",
		"std::__detail::_Hashtable_alloc<int>::_M_allocate_buckets",
		"__gnu_cxx::__to_xstring<std::string, char>",
		"ns::Class::operator new",
		"alloc::vec::Vec<u8>::push",
		"<alloc::string::String as core::clone::Clone>::clone",
		"hashbrown::raw::RawTable<T,A>::reserve_rehash",
		"<i32 as core::fmt::Display>::fmt",
		"<[u8]>::to_vec_in::<alloc::alloc::Global>",
		"<&mut alloc::string::String as core::fmt::Write>::write_fmt",
		"<u8 as <[_]>::to_vec_in::ConvertVec>::to_vec::<alloc::alloc::Global>",
		"<core::option::Option<&str>>::map_or_else::<alloc::string::String>",
		"PyMem_RawMalloc",
		"_PyObject_Malloc",
		"PyObject_Calloc",
		"strdup",
		"vasprintf",
	};
	static const char *const users[] = {
		"runtime.main",
		"runtime.malg",
		"main.mallocgc",
		"main",
		"my_malloc",
		"malloc_config",
		"xmalloc",
		"",
		"operator newer",
		"allocate::thing",
		"alloc::mine",
		"core::Engine::run",
		"core::ops::function::FnOnce::call_once",
		"<mine::Thing as core::fmt::Display>::fmt",
		"<T as mine::Trait>::make",
		"<mine::Thing>::make",
		"std::sort<int*>",
		"std::_Function_handler<void (), main::{lambda()#1}>::_M_invoke",
		"std::thread::_State_impl<std::thread::_Invoker<std::tuple<f> > >::_M_run",
		"std::__invoke_impl<void, f>",
		"std::vectors::f",
		"std::mapped",
		"std::operator==<int>",
		"vector<int>::push_back",
		"my::std::vector<int>::push_back",
		"PyDict_New",
		"strdupe",
		"runtime.main",
		"runtime.gcBgMarkWorker",
		"main.malloc",
		"internal/runtime/mapsmine.f",
	};
	struct skip none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(internal) / sizeof(internal[0]); i++)
		assert_true(skip_matches(&none, internal[i]));
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_false(skip_matches(&none, users[i]));
	assert_false(skip_matches(&none, NULL));
}

static void names_add_skip__bad_expression__says_why(void **state)
{
	struct names *n = names_new();
	const char *error = NULL;

	(void)state;
	assert_false(names_add_skip(n, "a(b", &error));
	assert_string_equal(error, "( without )");
	names_free(n);
}

static void names_add_skip__innermost__only_there(void **state)
{
	struct names *n = names_of_self();
	uint64_t a = known_function(), b = outer_function(), ab[] = {a, b}, ba[] = {b, a};
	const struct stack_names *s;
	const char *error;

	(void)state;
	assert_true(names_add_skip(n, "^known_", &error));
	s = names_of(n, 1, ab, 2);
	assert_int_equal(s->function_frame, 1);
	assert_true(s->frames[0].skipped);
	assert_false(s->frames[1].skipped);
	s = names_of(n, 2, ba, 2);
	assert_int_equal(s->function_frame, 0);
	assert_false(s->frames[s->frame_count - 1].skipped);
	s = names_of(n, 3, &a, 1);
	assert_int_equal(s->function_frame, 0);
	assert_true(s->frames[0].skipped);
	names_free(n);
}

/* The file is gone before and the process after its maps are read: names come from what is open. */
static void check_helper(const char *flags, const char *function, int line)
{
	struct names *n = names_new();
	const struct frame_name *frame;
	struct helper h;

	if (!helper_build(&h, flags, helper_source)) {
		helper_remove(&h);
		names_free(n);
		print_message("no '%s' here\n", flags);
		return;
	}
	helper_start(&h);
	if (geteuid() == 0)
		helper_remove(&h);
	assert_int_equal(names_read_process(n, SELF, h.pid), 0);
	helper_stop(&h);
	frame = &names_of(n, 1, &h.pc, 1)->frames[0];
	assert_string_equal(frame->module, "helper");
	assert_int_equal(frame->line, line);
	if (function) {
		assert_string_equal(frame->function, function);
		assert_in_range(frame->offset, 1, 100);
	} else {
		assert_null(frame->function);
		assert_in_range(frame->offset, 1, 0xffffffff);
	}
	if (line)
		assert_true(ends_with(frame->file, "helper.c"));
	names_free(n);
	if (geteuid() != 0)
		helper_remove(&h);
}

static void names_stack__kinds_of_programs__name_and_line(void **state)
{
	(void)state;
	check_helper("gcc -O2 -g -fPIE -pie", "helper_function", 9);
	check_helper("gcc -O2 -g -fno-pie -no-pie", "helper_function", 9);
	check_helper("gcc -O0 -gdwarf-4 -fno-pie -static", "helper_function", 9);
	check_helper("gcc -O2 -g -static-pie", "helper_function", 9);
	check_helper("gcc -O2 -g -gz -pie", "helper_function", 9);
	check_helper("gcc -O2 -g -Wl,-z,noseparate-code,--build-id=none", "helper_function", 9);
	check_helper("gcc -O2 -g1 -gdwarf-3", "helper_function", 9);
	check_helper("clang -O2 -g -fPIE -pie", "helper_function", 9);
}

static const char lambda_source[] = "#include <stdio.h>\n"
				    "static __attribute__((noinline)) void *here()\n"
				    "{ return __builtin_return_address(0); }\n"
				    "static volatile int after;\n"
				    "int main()\n"
				    "{\n"
				    "	auto l = [&](int x) __attribute__((always_inline)) {\n"
				    "		void *pc = here(); after += x; return pc; };\n"
				    "	printf(\"%p\\n\", l(1));\n"
				    "	fflush(stdout);\n"
				    "	return getchar();\n"
				    "}\n";

static void names_stack__inlined_lambda__has_its_scope(void **state)
{
	struct names *n = names_new();
	const struct stack_names *s;
	struct helper h;

	(void)state;
	if (!helper_build(&h, "g++ -x c++ -O2 -g", lambda_source)) {
		helper_remove(&h);
		names_free(n);
		skip();
	}
	helper_start(&h);
	assert_int_equal(names_read_process(n, SELF, h.pid), 0);
	helper_stop(&h);
	s = names_of(n, 1, &h.pc, 1);
	helper_remove(&h);
	assert_int_equal(s->frame_count, 2);
	assert_string_equal(s->frames[0].function, "main::{lambda}::operator()");
	assert_int_equal(s->frames[0].line, 8);
	assert_string_equal(s->frames[1].function, "main");
	assert_int_equal(s->frames[1].line, 9);
	names_free(n);
}

static void names_stack__no_debug_information__what_is_there(void **state)
{
	(void)state;
	check_helper("gcc -O2", "helper_function", 0);
	check_helper("gcc -O2 -s -no-pie", NULL, 0);
}

static char *read_all(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*size = (size_t)st.st_size;
	return bytes;
}

static void resolve_everything(const char *bytes, size_t size)
{
	struct debug_frame frames[DEBUG_MAX_FRAMES];
	struct debug *d = debug_new();
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	struct image *image;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	image = image_new(fd, "/tmp/damaged");
	for (uint64_t address = 0x1000; address < 0x1400; address += 32)
		assert_in_range(debug_resolve(d, image, address, frames), 1, DEBUG_MAX_FRAMES);
	debug_free(d);
	image_free(image);
}

static void debug_resolve__damaged_files__survives(void **state)
{
	struct helper h;
	uint32_t seed = 4711;
	size_t size;
	char *bytes;

	(void)state;
	if (!helper_build(&h, "gcc -O2 -g", helper_source)) {
		helper_remove(&h);
		skip();
	}
	bytes = read_all(h.program, &size);
	helper_remove(&h);
	for (int round = 0; round < 300; round++) {
		char *copy = malloc(size);

		assert_non_null(copy);
		memcpy(copy, bytes, size);
		for (int i = 0; i < 1 + round % 50; i++) {
			/* by turns anywhere, where the headers are, and near the end */
			size_t at, span = round % 3 == 1 ? 1024 : size;

			seed = seed * 1664525 + 1013904223;
			at = (seed >> 4) % span;
			if (round % 3 == 2)
				at = size - 1 - at % 8192;
			copy[at] = (char)(seed >> 24);
		}
		resolve_everything(copy, round % 7 == 0 ? size * (size_t)(round + 1) / 301 : size);
		free(copy);
	}
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stack__static_function__name_and_exact_line),
		cmocka_unit_test(names_stack__inlined_function__is_a_frame),
		cmocka_unit_test(names_stack__libc__module_and_bounded_offset),
		cmocka_unit_test(names_stack__not_there_yet__module_and_offset),
		cmocka_unit_test(names_stack__asked_again__same_answer),
		cmocka_unit_test(names_stack__nowhere__no_module),
		cmocka_unit_test(names_stack__no_frames__site_of_the_call),
		cmocka_unit_test(names_stack__modules_read_later__known_then),
		cmocka_unit_test(names_exec__old_stacks__stay_as_they_were),
		cmocka_unit_test(names_fork__child__has_the_parents_names),
		cmocka_unit_test(names_read_process__dead_since__still_resolves),
		cmocka_unit_test(names_site_id__another_process__same),
		cmocka_unit_test(names_site_id__call_order_and_frames__count),
		cmocka_unit_test(names_site_id__all_frames_known__settled),
		cmocka_unit_test(skip_matches__allocators__only_they),
		cmocka_unit_test(names_add_skip__bad_expression__says_why),
		cmocka_unit_test(names_add_skip__innermost__only_there),
		cmocka_unit_test(names_stack__kinds_of_programs__name_and_line),
		cmocka_unit_test(names_stack__inlined_lambda__has_its_scope),
		cmocka_unit_test(names_stack__no_debug_information__what_is_there),
		cmocka_unit_test(debug_resolve__damaged_files__survives),
	};

	if (argc == 2 && strcmp(argv[1], "--site-id") == 0) {
		printf("%llx\n", (unsigned long long)site_of_this_program());
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
