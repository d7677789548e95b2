// SPDX-License-Identifier: BSD-2-Clause
// examples/requests.cc - a server in C++: what a request needs lies in an arena and goes with it, what is kept from
// request to request is in a scope of its own, and all else that the program allocates by new is charged too.
//
//     c++ -std=c++17 requests.cc $(pkg-config --cflags --libs zmalloc) -o requests && ./requests
#include <zmalloc.hpp>
#include <zmalloc/new.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Looked up in each request; blocks of the library by its allocator.
using text = std::basic_string<char, std::char_traits<char>, zmalloc::allocator<char>>;
using visits = std::map<text, int, std::less<>, zmalloc::allocator<std::pair<const text, int>>>;

static zmalloc_scope *kept;

// Whatever this makes it leaves to the arena: nothing is freed by itself.
static std::pmr::string answer(std::pmr::memory_resource *memory, std::string_view name, int times)
{
	std::pmr::vector<std::pmr::string> lines(memory);

	for (int i = 0; i < 100; i++)
		lines.emplace_back(name).append(": line ").append(std::to_string(i)).append("\n");
	lines.emplace_back("visit ").append(std::to_string(times));
	return std::pmr::string(lines.back(), memory);
}

static int count(visits &all, std::string_view name)
{
	zmalloc::scope_guard here(kept);

	return ++all[text(name)];
}

static int show(const zmalloc_scope_stats *scope, void *)
{
	std::printf("  %-18s %10" PRId64 " bytes\n",
		    scope->name[0] != '\0' ? scope->name : "everything else", scope->used_bytes);
	return 0;
}

int main(int argc, char **argv)
{
	int requests = argc > 1 ? std::atoi(argv[1]) : 10000;
	std::size_t before = zmalloc_used_memory();

	kept = zmalloc_scope_new("visits");
	{
		auto all = zmalloc::make_unique<visits>();
		zmalloc::arena_resource memory;
		auto last = std::make_unique<std::string>();

		for (int i = 0; i < requests; i++) {
			std::string name = "a visitor whose number is " + std::to_string(i % 1000);

			*last = answer(&memory, name, count(*all, name));
			memory.release();
		}
		std::printf("%d requests; the last: %s\n", requests, last->c_str());
		zmalloc_scope_visit(show, nullptr);
		zmalloc::scope_guard here(kept);
		all.reset();
	}
	std::printf("at the end %16zu bytes more than at first, peak %zu\n",
		    zmalloc_used_memory() - before, zmalloc_peak_memory());
	return 0;
}
