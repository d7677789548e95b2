// SPDX-License-Identifier: BSD-2-Clause
// tests/cxx/new.cc - <zmalloc/new.hpp>: each form of operator new and delete takes from the library, fails as the
// standard says, and what C++ allocates in this program, in the C++ library too, ends at nothing.
// tests/check_cxx_headers.sh compiles it in many ways.
#include <zmalloc/new.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

#include "checks.h"

std::jmp_buf zm_back;
const void *volatile zm_taken;
int lifting_handler::calls, lifting_handler::lifts_at, ending_handler::calls;

#define MIB (std::size_t{1} << 20)

// Used before the test that runs.
static std::size_t before;

// One block, and no other: as large as it should be, and aligned for whatever fits in.
static void *one(void *ptr, std::size_t size)
{
	std::size_t alignment = alignof(std::max_align_t);

	while (alignment > size && alignment > 1)
		alignment /= 2;
	CHECK(ptr != nullptr);
	CHECK(zmalloc_used_memory() == before + zmalloc_size(ptr));
	CHECK(zmalloc_usable_size(ptr) >= size);
	CHECK(is_aligned(ptr, alignment));
	for (std::size_t i = 0; i < size; i++)
		static_cast<volatile char *>(ptr)[i] = 1;
	return ptr;
}

static void none()
{
	CHECK(zmalloc_used_memory() == before);
}

static void test_plain_forms()
{
	for (std::size_t size = 0; size < 3000; size += size < 200 ? 1 : 97) {
		::operator delete(one(::operator new(size), size));
		none();
		::operator delete[](one(::operator new[](size), size));
		none();
		::operator delete(one(::operator new(size, std::nothrow), size), std::nothrow);
		none();
		::operator delete[](one(::operator new[](size, std::nothrow), size), std::nothrow);
		none();
#if __cplusplus >= 201402L
		::operator delete(one(::operator new(size), size), size);
		none();
		::operator delete[](one(::operator new[](size), size), size);
		none();
#endif
	}
	::operator delete(nullptr);
	::operator delete[](nullptr, std::nothrow);
#if __cplusplus >= 201402L
	::operator delete(static_cast<void *>(nullptr), 24);
#endif
}

#if defined(__cpp_aligned_new)
struct alignas(256) wide {
	char bytes[256];
	~wide()
	{
	}
};

static void *one(void *ptr, std::size_t size, std::align_val_t alignment)
{
	CHECK(is_aligned(ptr, static_cast<std::size_t>(alignment)));
	return one(ptr, size);
}

static void test_aligned_forms()
{
	for (std::size_t bytes = 1; bytes <= 65536; bytes *= 2)
		for (std::size_t size = 0; size < 300; size += 19) {
			std::align_val_t alignment{bytes};

			::operator delete(one(::operator new(size, alignment), size, alignment),
					  alignment);
			::operator delete[](one(::operator new[](size, alignment), size, alignment),
					    alignment);
			::operator delete(
				one(::operator new(size, alignment, std::nothrow), size, alignment),
				alignment, std::nothrow);
			::operator delete[](one(::operator new[](size, alignment, std::nothrow),
						size, alignment),
					    alignment, std::nothrow);
			::operator delete(one(::operator new(size, alignment), size, alignment),
					  size, alignment);
			::operator delete[](one(::operator new[](size, alignment), size, alignment),
					    size, alignment);
			none();
		}
	std::unique_ptr<wide> object(new wide);
	std::unique_ptr<wide[]> some(new wide[3]);
	take(object.get());
	take(some.get());
	CHECK(is_aligned(object.get(), 256) && is_aligned(some.get(), 256));
	CHECK(zmalloc_used_memory() >= before + 4 * sizeof(wide));
}
#endif

// ---- Without memory ----

static void test_the_new_handler_is_called_until_there_is_memory()
{
	limited limit(MIB);
	lifting_handler handler(3);

	::operator delete(one(::operator new(2 * MIB), 1));
	CHECK(handler.calls == 3);
}

static void test_nothrow_calls_the_new_handler_too()
{
	limited limit(MIB);
	lifting_handler handler(3);

	::operator delete[](one(::operator new[](2 * MIB, std::nothrow), 1));
	CHECK(handler.calls == 3);
}

static void test_without_a_handler_the_end_is_bad_alloc()
{
	volatile std::size_t most = PTRDIFF_MAX;
	limited limit(MIB);

	{
		ending_handler handler;
		CHECK_THROWS(std::bad_alloc, take(::operator new(2 * MIB)));
		CHECK(handler.calls == 3);
	}
	{
		ending_handler handler;
		CHECK(::operator new(2 * MIB, std::nothrow) == nullptr);
		CHECK(handler.calls == 3);
	}
	CHECK_THROWS(std::bad_alloc, take(::operator new[](2 * MIB)));
	CHECK_THROWS(std::bad_alloc, take(::operator new(most + 1)));
	CHECK(::operator new[](most, std::nothrow) == nullptr);
#if defined(__cpp_aligned_new)
	CHECK_THROWS(std::bad_alloc, take(::operator new (2 * MIB, std::align_val_t{64})));
	CHECK_THROWS(std::bad_alloc, take(::operator new[](most, std::align_val_t{64})));
	CHECK(::operator new (2 * MIB, std::align_val_t{64}, std::nothrow) == nullptr);
	CHECK(::operator new[](2 * MIB, std::align_val_t{64}, std::nothrow) == nullptr);
#endif
}

#if ZMALLOC_CXX_EXCEPTIONS
static void throw_three()
{
	throw 3;
}

static void test_what_the_new_handler_throws()
{
	limited limit(MIB);

	std::set_new_handler(throw_three);
	CHECK_THROWS(int, take(::operator new(2 * MIB)));
	CHECK(::operator new(2 * MIB, std::nothrow) == nullptr);
	std::set_new_handler(nullptr);
}

struct never_made {
	char bytes[1000];
	never_made()
	{
		throw 3;
	}
};

static void test_new_expressions_that_throw_leave_nothing()
{
	volatile std::size_t many = SIZE_MAX / sizeof(long);

	CHECK_THROWS(int, take(new never_made));
	none();
	CHECK_THROWS(int, take(new (std::nothrow) never_made[3]));
	none();
	CHECK_THROWS(std::bad_alloc, take(new long[many]));
	CHECK_THROWS(std::bad_alloc, take(new long[many * 2])); // or what is derived from it
}
#endif

// ---- What the C++ library allocates ----

static std::mutex shelf_lock;
static std::map<int, std::shared_ptr<std::string>> shelf;

static void fill_and_drop(int seed)
{
	std::vector<std::unique_ptr<std::string>> mine;

	for (int i = 0; i < 1000; i++) {
		std::ostringstream text;
		std::function<std::string()> later = [seed, i, &mine] {
			return std::to_string(seed) + ": " + std::to_string(mine.size() + i);
		};

		text << later() << " in a text that is longer than what a string has room for";
		mine.emplace_back(new std::string(text.str()));
		std::lock_guard<std::mutex> guard(shelf_lock);
		shelf[(seed * 31 + i) % 300] = std::make_shared<std::string>(text.str());
	}
}

static void test_the_library_s_containers_of_many_threads_end_at_nothing()
{
	{
		std::vector<std::thread> threads;

		for (int i = 0; i < 16; i++)
			threads.emplace_back(fill_and_drop, i);
		for (std::thread &thread : threads)
			thread.join();
	}
	CHECK(zmalloc_used_memory() >= before + 300 * 50);
	shelf.clear();
}

static void run(void (*test)())
{
	before = zmalloc_used_memory();
	test();
	none();
}

int main()
{
	std::ostringstream() << 1.5; // what the C++ library keeps for ever
	run(test_plain_forms);
#if defined(__cpp_aligned_new)
	run(test_aligned_forms);
#endif
	run(test_the_new_handler_is_called_until_there_is_memory);
	run(test_nothrow_calls_the_new_handler_too);
	run(test_without_a_handler_the_end_is_bad_alloc);
#if ZMALLOC_CXX_EXCEPTIONS
	run(test_what_the_new_handler_throws);
	run(test_new_expressions_that_throw_leave_nothing);
#endif
	run(test_the_library_s_containers_of_many_threads_end_at_nothing);
	return 0;
}
