// SPDX-License-Identifier: GPL-2.0-or-later
// Names that stand in scopes: namespaces without a name, classes, lambdas, templates, local functions.
extern "C" void outside(void *);
extern "C" void _start();

namespace
{
int hidden(int n)
{
	outside(&n);
	return n;
}
} // namespace

namespace one
{
namespace two
{
struct pair {
	int a, b;

	template <typename T> int add(T more) const
	{
		auto twice = [=](int n) { return n * 2 + a; };
		struct local {
			static int run(int n) { return hidden(n) + 1; }
		};

		return twice(static_cast<int>(more)) + local::run(b);
	}
};
enum class kind : unsigned char { first, second };
} // namespace two
} // namespace one

__attribute__((noinline)) static int sum(const one::two::pair *p, one::two::kind k)
{
	return p->add(3.5) + p->add('x') + static_cast<int>(k);
}

extern "C" void _start()
{
	one::two::pair p = {1, 2};

	outside(&p);
	for (;;)
		p.a += sum(&p, one::two::kind::second);
}
