/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/buffer.c and base/log.c: growing text, cleaning hostile names, and what log_capture keeps.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../user/base/buffer.h"
#include "../../user/base/log.h"
#include "../../user/base/xalloc.h"

static void assert_sane(const struct buffer *b)
{
	if (!b->data) {
		assert_int_equal(b->length, 0);
		assert_int_equal(b->capacity, 0);
		return;
	}
	assert_true(b->length < b->capacity);
	assert_int_equal(b->data[b->length], '\0');
}

static void buffer_add__many_pieces__all_kept_in_order(void **state)
{
	struct buffer b = {0};
	size_t i;

	(void)state;
	assert_sane(&b);
	for (i = 0; i < 10000; i++) {
		buffer_add_char(&b, (char)('a' + i % 26));
		assert_sane(&b);
	}
	assert_int_equal(b.length, 10000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buffer_done(&b);
	assert_sane(&b);
	buffer_done(NULL);
}

static void buffer_add__nothing__empty_string(void **state)
{
	struct buffer b = {0};

	(void)state;
	buffer_reset(&b);
	assert_sane(&b);
	buffer_add(&b, "", 0);
	assert_string_equal(b.data, "");
	buffer_add_string(&b, "abc");
	buffer_reset(&b);
	assert_string_equal(b.data, "");
	assert_sane(&b);
	buffer_done(&b);
}

static void buffer_printf__around_the_capacity__whole_text(void **state)
{
	char text[300];
	size_t length;

	(void)state;
	for (length = 0; length < sizeof(text); length++) {
		struct buffer b = {0};

		memset(text, 'x', length);
		text[length] = '\0';
		buffer_printf(&b, "%s", text);
		buffer_printf(&b, "<%s|%d>", text, 42);
		assert_int_equal(b.length, 2 * length + 5);
		assert_string_equal(b.data + b.length - 4, "|42>");
		assert_sane(&b);
		buffer_done(&b);
	}
}

static void assert_cleaned(const char *in, const char *expected)
{
	struct buffer b = {0};

	buffer_add_clean(&b, in);
	assert_string_equal(b.data, expected);
	assert_sane(&b);
	buffer_done(&b);
}

static void buffer_add_clean__control_characters__question_marks(void **state)
{
	(void)state;
	assert_cleaned("", "");
	assert_cleaned("plain (text)", "plain (text)");
	assert_cleaned("a\x1b[31mb\n\t\r\x7f", "a?[31mb????");
	assert_cleaned("\xc2\x9b"
		       "31m",
		       "?31m"); /* CSI as one C1 character */
	assert_cleaned("x\xe2\x80\xae"
		       "y",
		       "x?y"); /* right-to-left override */
	assert_cleaned("x\xe2\x80\xa8"
		       "y",
		       "x?y"); /* line separator */
}

static void buffer_add_clean__utf8__valid_kept_invalid_replaced(void **state)
{
	(void)state;
	assert_cleaned("gr\xc3\xb6\xc3\x9f"
		       "e \xe2\x82\xac \xf0\x9f\x98\x80",
		       "gr\xc3\xb6\xc3\x9f"
		       "e \xe2\x82\xac \xf0\x9f\x98\x80");
	assert_cleaned("\xc0\xaf", "??");	    /* overlong */
	assert_cleaned("\xe0\x80\xaf", "???");	    /* overlong */
	assert_cleaned("\xed\xa0\x80", "???");	    /* surrogate */
	assert_cleaned("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
	assert_cleaned("\xff\xfe", "??");
	assert_cleaned("ab\xe2\x82", "ab??");	  /* cut at the end */
	assert_cleaned("ab\xe2\x1b[m", "ab??[m"); /* an escape inside a sequence is not swallowed */
}

static void xalloc__strings__copies(void **state)
{
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 2), *c = xasprintf("%d-%s", 7, a);
	char *d = xcalloc(0, 0);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "ab");
	assert_string_equal(c, "7-abc");
	assert_non_null(d);
	d = xrealloc(d, 0);
	assert_non_null(d);
	free(a);
	free(b);
	free(c);
	free(d);
}

/* Runs `body` with stderr in a file; returns what was written, to be freed. */
static char *stderr_of(void (*body)(void))
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	char *text = xcalloc(1, 65536);

	assert_non_null(f);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	body();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	text[fread(text, 1, 65535, f)] = '\0';
	fclose(f);
	return text;
}

static void write_hostile(void)
{
	errno = ENOENT;
	log_error("cannot open '%s': %s", "a\nb\x1b]0;x\x07", "why");
	assert_int_equal(errno, ENOENT);
	log_error("%s", "");
}

static void log_error__hostile_name__one_clean_line(void **state)
{
	char *text = stderr_of(write_hostile);

	(void)state;
	assert_string_equal(text, "tracer: cannot open 'a?b?]0;x?': why\ntracer: \n");
	free(text);
}

static void write_all_levels(void)
{
	enum log_level level;

	for (level = LOG_QUIET; level <= LOG_VERBOSE; level++) {
		log_set_level(level);
		log_error("e%d", (int)level);
		log_always("a%d", (int)level);
		log_warn("w%d", (int)level);
		log_info("i%d", (int)level);
		log_verbose("v%d", (int)level);
	}
	log_set_level(LOG_NORMAL);
}

static void log_level__each__keeps_its_lines(void **state)
{
	char *text = stderr_of(write_all_levels);

	(void)state;
	assert_string_equal(text, "tracer: e0\ntracer: a0\n"
				  "tracer: e1\ntracer: a1\ntracer: w1\ntracer: i1\n"
				  "tracer: e2\ntracer: a2\ntracer: w2\ntracer: i2\ntracer: v2\n");
	free(text);
}

static void write_captured(void)
{
	int i;

	log_capture(true);
	for (i = 0; i < 203; i++)
		log_info("line %d", i);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_END), 0);
	log_capture(false);
	log_info("after");
	log_capture(false);
}

static void log_capture__more_than_kept__newest_and_a_count(void **state)
{
	static const char start[] = "tracer: 3 older messages are not shown\ntracer: line 3\n";
	char *text = stderr_of(write_captured);
	const char *end = strstr(text, "tracer: line 202\n");

	(void)state;
	assert_memory_equal(text, start, sizeof(start) - 1);
	assert_non_null(end);
	assert_string_equal(end, "tracer: line 202\ntracer: after\n");
	free(text);
}

static void die_while_capturing(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		log_capture(true);
		log_info("kept");
		log_last_words("last\n");
		exit(7);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	log_last_words("at once\n");
}

static void log_last_words__while_capturing__written_at_exit(void **state)
{
	char *text = stderr_of(die_while_capturing);

	(void)state;
	assert_string_equal(text, "tracer: kept\nlast\nat once\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_add__many_pieces__all_kept_in_order),
		cmocka_unit_test(buffer_add__nothing__empty_string),
		cmocka_unit_test(buffer_printf__around_the_capacity__whole_text),
		cmocka_unit_test(buffer_add_clean__control_characters__question_marks),
		cmocka_unit_test(buffer_add_clean__utf8__valid_kept_invalid_replaced),
		cmocka_unit_test(xalloc__strings__copies),
		cmocka_unit_test(log_error__hostile_name__one_clean_line),
		cmocka_unit_test(log_level__each__keeps_its_lines),
		cmocka_unit_test(log_capture__more_than_kept__newest_and_a_count),
		cmocka_unit_test(log_last_words__while_capturing__written_at_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
