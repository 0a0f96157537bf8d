/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All forms of new and delete, containers, and a bad_alloc that must still be caught while the
 * program is traced. The exception object is memory of the C++ library, not booked here
 * ("exception_objects"). Where an operator is only a jump to another one, a tracer may name the
 * other.
 */
#include "target.h"

#include <list>
#include <new>
#include <string>
#include <vector>

#define NEW		    "operator new(unsigned long)"
#define NEW_ARRAY	    "operator new[](unsigned long)"
#define NEW_NOTHROW	    "operator new(unsigned long, std::nothrow_t const&)"
#define NEW_ARRAY_NOTHROW   "operator new[](unsigned long, std::nothrow_t const&)"
#define NEW_ALIGNED	    "operator new(unsigned long, std::align_val_t)"
#define NEW_ARRAY_ALIGNED   "operator new[](unsigned long, std::align_val_t)"
#define NEW_ALIGNED_NOTHROW "operator new(unsigned long, std::align_val_t, std::nothrow_t const&)"
#define NEW_ARRAY_ALIGNED_NOTHROW                                                                  \
	"operator new[](unsigned long, std::align_val_t, std::nothrow_t const&)"

static const std::align_val_t alignment{128};

#define SITE_OF(name, api, expression)                                                             \
	SITE static void *site_##name(size_t bytes)                                                \
	{                                                                                          \
		void *p = expression;                                                              \
                                                                                                   \
		KEEP(p);                                                                           \
		if (p)                                                                             \
			gave(api, "site_" #name, bytes);                                           \
		return p;                                                                          \
	}

SITE_OF(new, NEW, ::operator new(bytes))
SITE_OF(new_array, NEW_ARRAY, ::operator new[](bytes))
SITE_OF(new_nothrow, NEW_NOTHROW, ::operator new(bytes, std::nothrow))
SITE_OF(new_array_nothrow, NEW_ARRAY_NOTHROW, ::operator new[](bytes, std::nothrow))
SITE_OF(new_aligned, NEW_ALIGNED, ::operator new(bytes, alignment))
SITE_OF(new_array_aligned, NEW_ARRAY_ALIGNED, ::operator new[](bytes, alignment))
SITE_OF(new_aligned_nothrow, NEW_ALIGNED_NOTHROW, ::operator new(bytes, alignment, std::nothrow))
SITE_OF(new_array_aligned_nothrow, NEW_ARRAY_ALIGNED_NOTHROW,
	::operator new[](bytes, alignment, std::nothrow))

static void work_forms(void)
{
	for (int i = 0; i < 7; i++)
		site_new(103);
	for (int i = 0; i < 5; i++)
		site_new_array(107);
	for (int i = 0; i < 3; i++)
		site_new_nothrow(109);
	for (int i = 0; i < 2; i++)
		site_new_array_nothrow(113);
	site_new_aligned(256);
	for (int i = 0; i < 3; i++)
		site_new_array_aligned(384);
	for (int i = 0; i < 2; i++)
		site_new_aligned_nothrow(512);
	for (int i = 0; i < 5; i++)
		site_new_array_aligned_nothrow(640);
}

static void work_deletes(void)
{
	::operator delete(site_new(127));
	took(NEW, "site_new", 127);
	::operator delete(site_new(131), (size_t)131);
	took(NEW, "site_new", 131);
	::operator delete[](site_new_array(137));
	took(NEW_ARRAY, "site_new_array", 137);
	::operator delete[](site_new_array(139), (size_t)139);
	took(NEW_ARRAY, "site_new_array", 139);
	::operator delete(site_new_nothrow(149), std::nothrow);
	took(NEW_NOTHROW, "site_new_nothrow", 149);
	::operator delete(site_new_aligned(768), alignment);
	took(NEW_ALIGNED, "site_new_aligned", 768);
	::operator delete[](site_new_array_aligned(896), (size_t)896, alignment);
	took(NEW_ARRAY_ALIGNED, "site_new_array_aligned", 896);
	::operator delete(nullptr);
}

/* Raw storage: the objects are never destroyed. */
alignas(16) static char vector_room[sizeof(std::vector<int>)];
alignas(16) static char string_room[sizeof(std::string)];
alignas(16) static char list_room[sizeof(std::list<long>)];

SITE static void site_containers(void)
{
	std::vector<int> *v = new (vector_room) std::vector<int>;
	std::list<long> *l = new (list_room) std::list<long>;

	v->reserve(1009);
	gave(NEW, "site_containers", 1009 * sizeof(int));
	new (string_room) std::string(211, 'x');
	gave(NEW, "site_containers", 212);
	for (long i = 0; i < 13; i++) {
		l->push_back(i);
		gave(NEW, "site_containers", 3 * sizeof(void *));
	}
	l->pop_front();
	took(NEW, "site_containers", 3 * sizeof(void *));
}

static volatile size_t huge_size = (size_t)1 << 62;

SITE static int catch_bad_alloc(void)
{
	try {
		KEEP(::operator new(huge_size));
	} catch (const std::bad_alloc &) {
		return 1;
	}
	return 0;
}

SITE static int catch_bad_array_alloc(void)
{
	try {
		KEEP(::operator new[](huge_size, alignment));
	} catch (const std::bad_alloc &) {
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int caught = 0;

	/* once before: the unwinder of the C++ library prepares itself */
	catch_bad_alloc();
	target_ready(argc, argv);
	work_forms();
	work_deletes();
	site_containers();
	caught += catch_bad_alloc();
	caught += catch_bad_array_alloc();
	target_truth("caught", caught);
	target_truth("exception_objects", caught);
	target_done();
	return caught == 2 ? 0 : 1;
}
