/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/suppress.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/suppress.h"

static bool match(const char *pattern, const char *name)
{
	char text[8192];
	const char *why;
	size_t line;
	struct suppressions *s;
	bool found;

	snprintf(text, sizeof(text), "leak:%s\n", pattern);
	s = suppressions_parse(text, strlen(text), &line, &why);
	if (!s)
		fail_msg("'%s' is refused: %s", pattern, why);
	found = suppressions_match(s, name);
	suppressions_free(s);
	return found;
}

static void suppressions_match__plain__anywhere_in_the_name(void **state)
{
	(void)state;
	assert_true(match("foo", "foo"));
	assert_true(match("foo", "my::foo(int)"));
	assert_false(match("foo", "fo"));
	assert_false(match("foo", "Foo"));
	assert_false(match("foo", ""));
	assert_false(match("foo", NULL));
	assert_true(match("libssl.so", "libssl.so.3"));
	/* no regular expression */
	assert_false(match("a.c", "abc"));
	assert_true(match("operator new[](unsigned long)", "operator new[](unsigned long)"));
}

static void suppressions_match__anchors__hold(void **state)
{
	(void)state;
	assert_true(match("^foo", "foobar"));
	assert_false(match("^foo", "a foo"));
	assert_true(match("bar$", "foobar"));
	assert_false(match("bar$", "foobars"));
	assert_true(match("^foo$", "foo"));
	assert_false(match("^foo$", "foofoo"));
	assert_true(match("foo$", "foofoo"));
	assert_true(match("aab$", "aaab"));
	/* elsewhere they are characters */
	assert_true(match("a^b", "a^b"));
	assert_true(match("a$b", "a$b"));
}

static void suppressions_match__asterisks__any_text(void **state)
{
	(void)state;
	assert_true(match("*", "x"));
	assert_false(match("*", ""));
	assert_true(match("a*b", "a then b"));
	assert_true(match("a*b", "ab"));
	assert_false(match("a*b", "b then a"));
	assert_true(match("^a*b$", "aXbXb"));
	assert_false(match("^a*b$", "aXbXbX"));
	assert_false(match("^ab*ab$", "ab"));
	assert_true(match("^ab*ab$", "abab"));
	assert_true(match("**foo**", "foo"));
	assert_true(match("^*foo", "a foo"));
	assert_true(match("foo*$", "foo and more"));
	assert_true(match("a*b*c*d", "1a2b3c4d5"));
	assert_false(match("a*b*c*d", "1a2b3d4c5"));
}

static void suppressions_match__hostile__in_linear_time(void **state)
{
	char pattern[2001], *name = malloc(100001);

	(void)state;
	assert_non_null(name);
	/* exponential for who tries all ways */
	for (int i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "a*", 3);
	pattern[1999] = 'b';
	memset(name, 'a', 100000);
	name[100000] = '\0';
	assert_false(match(pattern, name));
	name[99999] = 'b';
	assert_true(match(pattern, name));
	free(name);
}

static void suppressions_parse__file__lines_and_comments(void **state)
{
	static const char text[] = "# of our own\n"
				   "\n"
				   "  leak:one  \r\n"
				   "\t# indented\n"
				   "leak:with space\n"
				   "leak:#two";
	const char *why;
	size_t line;
	struct suppressions *s = suppressions_parse(text, sizeof(text) - 1, &line, &why);

	(void)state;
	assert_non_null(s);
	assert_true(suppressions_match(s, "one"));
	assert_true(suppressions_match(s, "a with space b"));
	assert_true(suppressions_match(s, "#two"));
	assert_false(suppressions_match(s, "of our own"));
	assert_false(suppressions_match(s, "two"));
	suppressions_free(s);
	s = suppressions_parse("", 0, &line, &why);
	assert_non_null(s);
	assert_false(suppressions_match(s, "x"));
	suppressions_free(s);
	suppressions_free(NULL);
}

static void assert_refused(const char *text, size_t length, size_t expected)
{
	const char *why = NULL;
	size_t line = 0;

	assert_null(suppressions_parse(text, length, &line, &why));
	assert_int_equal(line, expected);
	assert_non_null(why);
}

static void suppressions_parse__bad_line__named(void **state)
{
	char *long_line = malloc(6001);

	(void)state;
	assert_non_null(long_line);
	assert_refused("leak:a\nlaek:b\n", 14, 2);
	assert_refused("foo", 3, 1);
	assert_refused("leak:", 5, 1);
	assert_refused("\n\nleak:  \n", 10, 3);
	assert_refused("leak:^\n", 7, 1);
	assert_refused("leak:$\n", 7, 1);
	assert_refused("leak:^$\n", 8, 1);
	assert_refused("race:foo\n", 9, 1);
	assert_refused("LEAK:foo\n", 9, 1);
	assert_refused("leak:a\0b\n", 9, 1);
	memset(long_line, 'a', 6000);
	memcpy(long_line, "leak:", 5);
	assert_refused(long_line, 6000, 1);
	free(long_line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suppressions_match__plain__anywhere_in_the_name),
		cmocka_unit_test(suppressions_match__anchors__hold),
		cmocka_unit_test(suppressions_match__asterisks__any_text),
		cmocka_unit_test(suppressions_match__hostile__in_linear_time),
		cmocka_unit_test(suppressions_parse__file__lines_and_comments),
		cmocka_unit_test(suppressions_parse__bad_line__named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
