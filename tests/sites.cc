// SPDX-License-Identifier: BSD-2-Clause
//
// tests/sites.cc - holders with the names that C++ gives: a member of a class in a namespace, and a vector, whose own
// functions are in the program. Says "ready" and stays until its input ends.

#include <cstdio>
#include <vector>

#include <zmalloc.hpp>

namespace shop
{

struct basket {
	std::vector<int, zmalloc::allocator<int>> prices;
	void *label = nullptr;

	__attribute__((noinline)) void write_label(std::size_t bytes)
	{
		label = zmalloc(bytes);
	}
	__attribute__((noinline)) void fill(int count)
	{
		for (int i = 0; i < count; i++)
			prices.push_back(i);
	}
};

} // namespace shop

int main()
{
	shop::basket basket;

	basket.write_label(8u << 20);
	basket.fill(1 << 20);
	std::puts("ready");
	std::fflush(stdout);
	while (std::getchar() != EOF)
		;
	zfree(basket.label);
	return 0;
}
