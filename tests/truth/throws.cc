/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C++: allocations while exceptions are in flight, and from inside the C++ library. */
#include "truth.h"

#include <algorithm>
#include <cxxabi.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

/* Between an exception object and its block lies what the C++ library keeps of it. */
constexpr size_t exception_header = 128;

struct trouble {
	int depth;

	explicit trouble(int d) : depth(d) {}
	/* caught by value */
	trouble(const trouble &other) : depth(other.depth) { truth_next(0); }
	virtual ~trouble() = default;
};

/* Its end, when an exception passes, allocates. */
struct guard {
	int depth;

	explicit guard(int d) : depth(d) {}
	~guard() { truth_next(depth); }
};

struct node {
	virtual ~node() = default;
	virtual void go(int depth) = 0;
};

struct left : node {
	void go(int depth) override
	{
		truth_next(depth);
		KEEP(this);
	}
};

struct right : node {
	std::string text = "text that is too long to be kept in place";

	void go(int depth) override
	{
		std::function<void(int)> f = [this](int d) {
			truth_next(d);
			KEEP(this);
		};

		f(depth);
		KEEP(this);
	}
};

__attribute__((noinline)) void throws(int levels, int depth)
{
	guard g(levels & 1);

	if (levels > 0)
		throws(levels - 1, depth);
	else
		throw trouble(depth);
	KEEP(&g);
}

} // namespace

extern "C" {

SHAPE void take_new(int depth)
{
	truth_note(new char[24], 1 + 1, 0);
	KEEP(&depth);
}

SHAPE void take_string(int depth)
{
	auto *text = new std::string(24 + draw(20), 'a');

	truth_note(&(*text)[0], 8, 0);
	KEEP(&depth);
}

SHAPE void take_exception(int depth)
{
	auto *p = static_cast<char *>(abi::__cxa_allocate_exception(24));

	truth_note(p - exception_header, 1, 0);
	KEEP(&depth);
}

SHAPE void shape_catch(int depth)
{
	try {
		throws(static_cast<int>(draw(4)), depth);
	} catch (const trouble &t) {
		truth_next(t.depth);
	}
	KEEP(&depth);
}

SHAPE void shape_destroy(int depth)
{
	try {
		guard g(depth);

		throws(0, depth);
	} catch (trouble t) {
		truth_next(0);
		KEEP(&t);
	}
	KEEP(&depth);
}

SHAPE void shape_rethrow(int depth)
{
	try {
		try {
			throws(1, depth);
		} catch (const trouble &) {
			truth_next(0);
			throw;
		}
	} catch (...) {
		auto p = std::current_exception();

		truth_next(depth);
		KEEP(&p);
	}
	KEEP(&depth);
}

SHAPE void shape_library(int depth)
{
	std::vector<int> v = {5, 3, 8, 1, 9, 2};
	bool gone_on = false;

	std::sort(v.begin(), v.end(), [&](int a, int b) {
		if (!gone_on) {
			gone_on = true;
			truth_next(depth);
		}
		return a < b;
	});
	KEEP(v.data());
}

SHAPE void shape_virtual(int depth)
{
	std::unique_ptr<node> n;

	if (draw(2))
		n = std::make_unique<left>();
	else
		n = std::make_unique<right>();
	n->go(depth);
	KEEP(&n);
}
}
