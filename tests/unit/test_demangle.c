/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols -> bare names, and the bounds that hostile symbols meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/symbol/demangle.h"

struct demangle_case {
	const char *symbol, *name;
};

static void check_cases(const struct demangle_case *cases, size_t count)
{
	char out[DEMANGLE_MAX];

	for (size_t i = 0; i < count; i++) {
		size_t length = demangle(cases[i].symbol, out, sizeof(out));

		assert_string_equal(out, cases[i].name);
		assert_int_equal(length, strlen(out));
	}
}

#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof(cases[0]))

static void demangle__cplus__name_without_parameters(void **state)
{
	static const struct demangle_case cases[] = {
		{"_ZN2ns5klassIiE6methodEv", "ns::klass<int>::method"},
		{"_Z3fooIiEvT_", "foo<int>"},
		{"_Znwm", "operator new"},
		{"_ZnamRKSt9nothrow_t", "operator new[]"},
		{"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()"},
		{"_Z3barIPFviEEvT_", "bar<void (*)(int)>"},
		{"_ZN3FooC2Ev", "Foo::Foo"},
		{"_ZN3FooD0Ev", "Foo::~Foo"},
		{"_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size"},
		{"_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo"},
		{"_Z3fooi.constprop.0", "foo"},
		{"_Z3foov.cold", "foo"},
		{"_ZNSt15__new_allocatorIiE8allocateEmPKv@@GLIBCXX_3.4",
		 "std::__new_allocator<int>::allocate"},
	};

	(void)state;
	CHECK(cases);
}

static void demangle__rust__without_hash(void **state)
{
	static const struct demangle_case cases[] = {
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
		{"_ZN5alloc5alloc15exchange_malloc17hb5b0c4a1a6b1c5d1E.llvm.123",
		 "alloc::alloc::exchange_malloc"},
		{"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
		{"_RNvCs1234_7___rustc12___rust_alloc", "__rustc::__rust_alloc"},
	};

	(void)state;
	CHECK(cases);
}

static void demangle__d__name_without_parameters(void **state)
{
	static const struct demangle_case cases[] = {
		{"_D3foo3barFiZv", "foo.bar"},
		{"_D4test__T3fooTiZ3barFNaNbiZi", "test.foo!(int).bar"},
		{"_Dmain", "D main"},
	};

	(void)state;
	CHECK(cases);
}

static void demangle__not_mangled__stays(void **state)
{
	static const struct demangle_case cases[] = {
		{"main", "main"},
		{"foo.part.0", "foo.part.0"},
		{"", ""},
		{"_", "_"},
		{"_Z", "_Z"},
		{"_R", "_R"},
		{"_D", "_D"},
		{"_Direct", "_Direct"},
		{"@x", "@x"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"_ZN", "_ZN"},
		{"_ZNE", "_ZNE"},
		{"_ZN99999999999999999999aE", "_ZN99999999999999999999aE"},
		{"\x01\xff\n", "\x01\xff\n"},
	};

	(void)state;
	CHECK(cases);
}

static char *repeat(const char *before, const char *middle, size_t count, const char *after)
{
	size_t length = strlen(before) + count * strlen(middle) + strlen(after);
	char *s = malloc(length + 1), *p = s;

	assert_non_null(s);
	p = stpcpy(p, before);
	for (size_t i = 0; i < count; i++)
		p = stpcpy(p, middle);
	strcpy(p, after);
	return s;
}

static void demangle__very_long__is_cut(void **state)
{
	char *symbol = repeat("", "x", 10240, ""), out[DEMANGLE_MAX];

	(void)state;
	assert_int_equal(demangle(symbol, out, sizeof(out)), sizeof(out) - 1);
	assert_string_equal(out + sizeof(out) - 4, "...");
	free(symbol);
}

static void demangle__small_buffer__is_cut(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(demangle("_ZN2ns5klassIiE6methodEv", out, sizeof(out)), 7);
	assert_string_equal(out, "ns::...");
	demangle("abcdefghijkl", out, sizeof(out));
	assert_string_equal(out, "abcd...");
	demangle("abcdefg", out, sizeof(out));
	assert_string_equal(out, "abcdefg");
}

/* libiberty's limit of recursion stays on: it refuses such names whole. */
static void demangle__longer_than_1024__its_beginning(void **state)
{
	static const char *const parts[][2] = {
		{"_ZN3foo3BarI", "foo::Bar<...>"},
		{"_ZNKSt6vectorI", "std::vector<...>"},
		{"_Z3fooI", "foo<...>"},
		{"_ZN99fooI", NULL},
		{"_ZN3fooN", NULL},
		{"_ZN99999999999999999999999fooI", NULL},
	};
	char out[DEMANGLE_MAX], small[8];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *symbol = repeat(parts[i][0], "i", 1500, "E3barEv");

		demangle(symbol, out, sizeof(out));
		if (parts[i][1])
			assert_string_equal(out, parts[i][1]);
		else
			assert_string_equal(out, symbol);
		assert_in_range(demangle(symbol, small, sizeof(small)), 1, 7);
		free(symbol);
	}
}

static void demangle__deep__survives(void **state)
{
	static const char *const parts[][3] = {
		{"_Z1f", "P", "i"},	{"_Z1fI", "P", "iEvv"},	 {"_Z1f", "F", "v"},
		{"_Z", "N1aE", ""},	{"_Z1fI", "1aI", ""},	 {"_R", "B_", ""},
		{"_RI", "NvC1a", "E"},	{"_D1a", "H", "i"},	 {"_D1a", "P", "i"},
		{"_ZN1A", "cvT_I", ""}, {"_Z1fI", "XcvT_I", ""}, {"_Z1fI", "J", "E"},
		{"_ZZ", "Z", "1fvE"},	{"_Z1fIX", "pp", "1aE"}, {"_RMC1a", "R", "i"},
		{"_D", "1a", "FZv"},
	};
	static const size_t counts[] = {3, 100, 500, 1000, 4000};
	char out[DEMANGLE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++) {
			char *symbol = repeat(parts[i][0], parts[i][1], counts[j], parts[i][2]);

			assert_in_range(demangle(symbol, out, sizeof(out)), 1, sizeof(out) - 1);
			free(symbol);
		}
	}
}

/* libiberty's parser reads a nested conversion operator twice: not even 30 of them would ever end.
 */
static void demangle__nested_conversions__stay_mangled(void **state)
{
	static const char *const parts[] = {"cvT_I", "cvPT_I", "N1AcvT_I", "NZ1fvE_2cvT_I"};
	char out[DEMANGLE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *symbol = repeat("_ZN1A", parts[i], 60, "");

		demangle(symbol, out, sizeof(out));
		assert_string_equal(out, symbol);
		free(symbol);
	}
}

static void demangle__namespace_cv__is_no_conversion(void **state)
{
	char *symbol = repeat("_ZN2cv1fI", "N2cv3MatE", 30, "EEvv"), out[DEMANGLE_MAX];

	(void)state;
	demangle(symbol, out, sizeof(out));
	assert_memory_equal(out, "cv::f<cv::Mat, ", 15);
	free(symbol);
}

/* Each argument names the one before twice: 2^34 names when written out. */
static void demangle__substitutions_that_explode__end_at_the_limit(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char symbol[1024] = "_Z1fI1AIiiE", out[DEMANGLE_MAX];
	size_t length;

	(void)state;
	for (int i = 0; i < 34; i++) {
		length = strlen(symbol);
		snprintf(symbol + length, sizeof(symbol) - length, "S_IS%c_S%c_E", digits[i],
			 digits[i]);
	}
	strcat(symbol, "Evv");
	assert_int_equal(demangle(symbol, out, sizeof(out)), sizeof(out) - 1);
	assert_string_equal(out + sizeof(out) - 4, "...");
}

static void demangle__random__survives(void **state)
{
	static const char alphabet[] = "_ZNKSTIELRCDFPQABXvifxcsthp0123456789$.@\x80";
	static const char *const starts[] = {"_Z", "_ZN", "_R", "_D", "_RNvC"};
	char symbol[128], out[DEMANGLE_MAX];
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t at = (size_t)(stpcpy(symbol, starts[round % 5]) - symbol);

		for (; at < 20 + (size_t)round % 60; at++) {
			seed = seed * 1664525 + 1013904223;
			symbol[at] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		symbol[at] = '\0';
		assert_true(demangle(symbol, out, sizeof(out)) < sizeof(out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demangle__cplus__name_without_parameters),
		cmocka_unit_test(demangle__rust__without_hash),
		cmocka_unit_test(demangle__d__name_without_parameters),
		cmocka_unit_test(demangle__not_mangled__stays),
		cmocka_unit_test(demangle__very_long__is_cut),
		cmocka_unit_test(demangle__small_buffer__is_cut),
		cmocka_unit_test(demangle__longer_than_1024__its_beginning),
		cmocka_unit_test(demangle__deep__survives),
		cmocka_unit_test(demangle__nested_conversions__stay_mangled),
		cmocka_unit_test(demangle__namespace_cv__is_no_conversion),
		cmocka_unit_test(demangle__substitutions_that_explode__end_at_the_limit),
		cmocka_unit_test(demangle__random__survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
