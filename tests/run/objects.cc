// SPDX-License-Identifier: BSD-2-Clause
//
// tests/run/objects.cc - a C++ program that has never heard of this library: objects, exceptions and threads.
//
//   objects             all operators, and what is counted for them
//   objects limit BYTES a lack of memory is std::bad_alloc, after the new-handler

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

void require(bool condition, int line, const char *text)
{
	if (condition)
		return;
	std::fprintf(stderr, "objects.cc:%d: not true: %s\n", line, text);
	std::_Exit(1);
}
#define REQUIRE(condition) require((condition), __LINE__, #condition)

using used_function = std::size_t (*)();
using size_function = std::size_t (*)(const void *);
used_function used_memory;

template <class T> T *hide(T *pointer)
{
	__asm__ volatile("" : "+r"(pointer));
	return pointer;
}

struct alignas(128) wide {
	char bytes[256];
};

struct base {
	virtual ~base() = default;
};
struct derived : base {
	std::string text = std::string(100, 'x');
	std::vector<int> numbers = std::vector<int>(50);
};

void operators()
{
	std::size_t before = used_memory();
	auto *bytes = hide(new char[1000]);

	REQUIRE(used_memory() - before >= 1000);
	delete[] bytes;
	delete hide(new long(5));
	std::unique_ptr<wide> aligned(hide(new wide));
	REQUIRE(reinterpret_cast<std::uintptr_t>(aligned.get()) % 128 == 0);
	REQUIRE(used_memory() - before >= sizeof(wide));
	aligned.reset();
	delete[] hide(new wide[3]);
	delete hide(new (std::nothrow) wide);
	std::unique_ptr<base> one(new derived);
	one.reset();
	::operator delete(hide(::operator new(100)), std::size_t(100));
	/* As many programs have it. */
	std::free(hide(::operator new(100)));
	REQUIRE(used_memory() == before);
}

int depth(int levels)
{
	std::string text(static_cast<std::size_t>(levels) * 10, 'y');

	if (levels == 0)
		throw std::runtime_error(text + "thrown");
	return depth(levels - 1) + static_cast<int>(text.size());
}

void work()
{
	std::map<int, std::string> words;

	for (int i = 0; i < 3000; i++) {
		words[i % 500] = std::string(static_cast<std::size_t>(i % 90), 'z');
		if (i % 10 != 0)
			continue;
		try {
			depth(10);
		} catch (const std::runtime_error &error) {
			REQUIRE(std::strcmp(error.what(), "thrown") == 0);
		}
	}
}

void threads()
{
	std::size_t before = 0;

	/* The C++ library keeps what the first exceptions of threads needed. */
	for (int round = 0; round < 3; round++) {
		std::vector<std::thread> workers;

		before = used_memory();
		for (int i = 0; i < 4; i++)
			workers.emplace_back(work);
		for (auto &worker : workers)
			worker.join();
	}
	REQUIRE(used_memory() == before);
}

int handled;

void handler()
{
	if (++handled == 2)
		std::set_new_handler(nullptr);
}

void limit(std::size_t bytes)
{
	bool caught = false;

	std::set_new_handler(handler);
	try {
		hide(new char[bytes]);
	} catch (const std::bad_alloc &) {
		caught = true;
	}
	REQUIRE(caught && handled == 2);
	REQUIRE(hide(new (std::nothrow) char[bytes]) == nullptr);
	caught = false;
	try {
		hide(new wide[bytes / sizeof(wide)]);
	} catch (const std::bad_alloc &) {
		caught = true;
	}
	REQUIRE(caught);
}

} // namespace

int main(int argc, char **argv)
{
	used_memory = reinterpret_cast<used_function>(dlsym(RTLD_DEFAULT, "zmalloc_used_memory"));
	REQUIRE(used_memory != nullptr);
	if (argc > 2) {
		limit(std::strtoul(argv[2], nullptr, 10));
		return 0;
	}
	operators();
	threads();
	return 0;
}
