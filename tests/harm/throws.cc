/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions through allocator functions: operator new that throws, in a new handler, and an
 * exception that passes through a malloc of the program's own.
 */
#include "harm.h"

#include <new>
#include <string>
#include <vector>

static long handler_calls;

static void on_new()
{
	if (++handler_calls % 3 == 0)
		std::set_new_handler(nullptr);
}

/* Its size is not known to the compiler, which would refuse it. */
static volatile size_t too_much = static_cast<size_t>(-1) / 4;

SITE static long catch_some()
{
	long caught = 0;

	for (int i = 0; i < 50; i++) {
		std::set_new_handler(i % 2 ? on_new : nullptr);
		try {
			char *p = new char[too_much];

			KEEP(p);
			delete[] p;
		} catch (const std::bad_alloc &) {
			caught++;
		}
		try {
			void *p = ::operator new(too_much);

			KEEP(p);
			::operator delete(p);
		} catch (const std::bad_alloc &) {
			caught++;
		}
		try {
			void *p = ::operator new(too_much, std::align_val_t(256));

			KEEP(p);
			::operator delete(p, std::align_val_t(256));
		} catch (const std::bad_alloc &) {
			caught++;
		}
	}
	return caught;
}

SITE static long fill()
{
	std::vector<std::string> v;

	for (int i = 0; i < 1000; i++)
		v.push_back(std::string(static_cast<size_t>(i % 100) + 20, 'x'));
	return static_cast<long>(v.size());
}

int main(int argc, char **argv)
{
	harm_ready(argc, argv);
	harm_say("caught", catch_some());
	harm_say("filled", fill());
	harm_say("handler", handler_calls);
	return 7;
}
