// SPDX-License-Identifier: BSD-2-Clause
// tests/cxx/headers.cc - <zmalloc.hpp>: what each part of it holds is charged to the byte, and in the end nothing
// is. The program's own operator new is the C++ library's. tests/check_cxx_headers.sh compiles it in many
// ways; without exceptions and RTTI too.
#include <zmalloc.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "checks.h"

std::jmp_buf zm_back;
const void *volatile zm_taken;
int lifting_handler::calls, lifting_handler::lifts_at, ending_handler::calls;

template <class T> using vector = std::vector<T, zmalloc::allocator<T>>;
typedef std::basic_string<char, std::char_traits<char>, zmalloc::allocator<char>> string;

#define MIB (std::size_t{1} << 20)

struct alignas(64) line {
	char bytes[64];
};
struct alignas(4096) page {
	char bytes[4096];
};
#if __cplusplus >= 201703L
typedef page largest; // a std::vector of C++11 has no room for what operator new does not align
#else
typedef line largest;
#endif

// ---- The allocator ----

typedef zmalloc::allocator<int> ints;
typedef std::allocator_traits<ints> traits;
static_assert(std::is_same<traits::value_type, int>::value, "");
static_assert(std::is_same<traits::pointer, int *>::value, "");
static_assert(std::is_same<traits::rebind_alloc<page>, zmalloc::allocator<page>>::value, "");
static_assert(std::is_same<ints::rebind<char>::other, zmalloc::allocator<char>>::value, "");
static_assert(std::is_empty<ints>::value, "");
static_assert(ints::is_always_equal::value, "");
static_assert(traits::propagate_on_container_move_assignment::value, "");
static_assert(!traits::propagate_on_container_copy_assignment::value, "");
static_assert(!traits::propagate_on_container_swap::value, "");
static_assert(std::is_nothrow_default_constructible<ints>::value, "");
static_assert(std::is_nothrow_copy_constructible<ints>::value, "");
static_assert(std::is_convertible<zmalloc::allocator<void>, ints>::value, "");
static_assert(noexcept(ints().deallocate(nullptr, 0)), "");
#if __cplusplus >= 201703L
static_assert(traits::is_always_equal::value);
#endif

static void test_allocators_are_equal()
{
	zmalloc::allocator<char> chars((ints()));
	int *block = ints(chars).allocate(10);

	CHECK(ints() == ints());
	CHECK(!(ints() != ints()));
	CHECK(ints() == chars);
	CHECK(!(chars != ints()));
	CHECK(traits::max_size(ints()) == PTRDIFF_MAX / sizeof(int));
	ints().deallocate(block, 10);
	ints().deallocate(ints().allocate(0), 0);
}

static void test_charged_to_the_byte()
{
	vector<int> numbers(1000);

	CHECK(zmalloc_used_memory() == zmalloc_size(numbers.data()));
	numbers.push_back(1);
	CHECK(zmalloc_used_memory() == zmalloc_size(numbers.data()));
	vector<int> moved(std::move(numbers));
	CHECK(zmalloc_used_memory() == zmalloc_size(moved.data()));
	numbers = std::move(moved);
	CHECK(zmalloc_used_memory() == zmalloc_size(numbers.data()));
}

static void test_over_aligned()
{
	vector<largest> some(3);
	std::map<int, line, std::less<int>, zmalloc::allocator<std::pair<const int, line>>> lines;

	for (int i = 0; i < 50; i++) {
		some.push_back(largest());
		CHECK(is_aligned(some.data(), alignof(largest)));
		CHECK(is_aligned(&lines[i], alignof(line)));
		zmalloc::allocator<page>().deallocate(zmalloc::allocator<page>().allocate(1), 1);
	}
}

// Every size, and every alignment: also where the size is no multiple of it.
static void test_bytes_of_any_alignment()
{
	for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
		for (std::size_t size = 0; size < 300; size += alignment < 64 ? 1 : 23) {
			// The first of a page is aligned in any case.
			void *first = zmalloc::allocate_bytes(size, alignment);
			void *ptr = zmalloc::allocate_bytes(size, alignment);

			CHECK(is_aligned(first, alignment) && is_aligned(ptr, alignment));
			CHECK(zmalloc_usable_size(ptr) >= size);
			CHECK(zmalloc_used_memory() == zmalloc_size(ptr) + zmalloc_size(first));
			zmalloc::deallocate_bytes(ptr, size, alignment);
			zmalloc::deallocate_bytes(first, size, alignment);
			CHECK(zmalloc_used_memory() == 0);
		}
	zmalloc::deallocate_bytes(nullptr, 16, 16);
	zmalloc::deallocate_bytes(nullptr, 16, 64);
}

static void test_overflow()
{
	const std::size_t most = SIZE_MAX / sizeof(page);
	volatile std::size_t many = most;

	CHECK_THROWS(std::bad_array_new_length,
		     take(zmalloc::allocator<page>().allocate(many + 1)));
	CHECK_THROWS(std::bad_array_new_length,
		     take(ints().allocate(many * (sizeof(page) / 4) * 2)));
	CHECK_THROWS(std::bad_alloc, take(zmalloc::allocator<page>().allocate(many)));
	many = PTRDIFF_MAX;
	CHECK_THROWS(std::bad_alloc, take(zmalloc::allocator<char>().allocate(many + 1)));
	CHECK(zmalloc::try_allocate_bytes(many + 1, 1) == nullptr);
	CHECK(zmalloc::try_allocate_bytes(many, 64) == nullptr);
}

// ---- Without memory ----

static void test_the_new_handler_is_called_until_there_is_memory()
{
	limited limit(MIB);
	lifting_handler handler(3);
	vector<char> bytes(2 * MIB);

	CHECK(handler.calls == 3);
}

static void test_without_a_handler_the_end_is_bad_alloc()
{
	limited limit(MIB);
	ending_handler handler;

	CHECK_THROWS(std::bad_alloc, take(zmalloc::allocate_bytes(2 * MIB, 16)));
	CHECK(handler.calls == 3);
	CHECK_THROWS(std::bad_alloc, take(zmalloc::allocate_bytes(2 * MIB, 64)));
	CHECK(zmalloc::try_allocate_bytes(2 * MIB, 64) == nullptr);
	CHECK_THROWS(std::bad_alloc, zmalloc::make_unique<char[]>(2 * MIB));
}

// An alignment that is none fails for ever, so the handler has no part in it.
static void test_no_handler_where_memory_is_not_what_is_missing()
{
	lifting_handler handler(1);

	CHECK(zmalloc::try_allocate_bytes(100, 48) == nullptr);
	CHECK(handler.calls == 0);
}

// ---- Objects ----

static int alive;

struct counted {
	counted()
	{
		alive++;
	}
	explicit counted(int a, const char *b) : sum(a + b[0])
	{
		alive++;
	}
	counted(const counted &) = delete;
	virtual ~counted()
	{
		alive--;
	}
	int sum = 0;
};
struct before {
	virtual ~before()
	{
	}
	int filler = 0;
};
struct both : before, counted {
	line aligned;
};

static void test_unique_ptr()
{
	zmalloc::unique_ptr<counted> one = zmalloc::make_unique<counted>(1, "a");

	CHECK(one->sum == 1 + 'a' && alive == 1);
	CHECK(zmalloc_used_memory() == zmalloc_size(one.get()));
	static_assert(sizeof(one) == sizeof(void *), "");
	one.reset();
	CHECK(alive == 0 && zmalloc_used_memory() == 0);

	// A base that is not at the beginning of the block.
	zmalloc::unique_ptr<both> derived = zmalloc::make_unique<both>();
	CHECK(is_aligned(&derived->aligned, 64));
	zmalloc::unique_ptr<counted> base(std::move(derived));
	zmalloc::unique_ptr<const counted> constant = std::move(base);
	CHECK(alive == 1 && zmalloc_used_memory() != 0);
	constant = nullptr;
	CHECK(alive == 0 && zmalloc_used_memory() == 0);

	zmalloc::unique_ptr<char[]> text(zstrdup("of C"));
	zmalloc::unique_ptr<void> bytes(::zmalloc(100));
	CHECK(text[1] == 'f');
	text = nullptr;
	CHECK(zmalloc_used_memory() == zmalloc_size(bytes.get()));
}

static void test_unique_ptr_of_an_array()
{
	zmalloc::unique_ptr<int[]> zeros = zmalloc::make_unique<int[]>(1000);
	zmalloc::unique_ptr<counted[]> many = zmalloc::make_unique<counted[]>(7);
	volatile std::size_t more = SIZE_MAX / 4;

	for (int i = 0; i < 1000; i++)
		CHECK(zeros[i] == 0);
	CHECK(alive == 7);
	zmalloc::unique_ptr<counted[]> moved(std::move(many));
	many = zmalloc::make_unique<counted[]>(2);
	CHECK(alive == 9);
	many = std::move(moved);
	CHECK(alive == 7);
	many.reset();
	CHECK(alive == 0);
	many = zmalloc::make_unique<counted[]>(0);
	CHECK_THROWS(std::bad_array_new_length, zmalloc::make_unique<int[]>(more * 2));
}

static void test_shared_ptr()
{
	std::shared_ptr<counted> one =
		std::allocate_shared<counted>(zmalloc::allocator<counted>(), 2, "b");
	std::shared_ptr<counted> other(zmalloc::make_unique<counted>());

	CHECK(alive == 2 && zmalloc_used_memory() > sizeof(counted));
}

#if ZMALLOC_CXX_EXCEPTIONS
struct third_throws {
	third_throws()
	{
		if (alive == 2)
			throw 3;
		alive++;
	}
	~third_throws()
	{
		alive--;
	}
};

static void test_a_constructor_that_throws_leaves_nothing()
{
	CHECK_THROWS(int, zmalloc::make_unique<third_throws[]>(5));
	CHECK(alive == 0 && zmalloc_used_memory() == 0);
	alive = 2;
	CHECK_THROWS(int, zmalloc::make_unique<third_throws>());
	CHECK(alive == 2 && zmalloc_used_memory() == 0);
	alive = 0;
}
#endif

// ---- Scopes ----

static std::int64_t used_in(zmalloc_scope *scope)
{
	zmalloc_scope_stats stats;

	stats.size = sizeof(stats);
	CHECK(zmalloc_scope_get_stats(scope, &stats) == 0);
	return stats.used_bytes;
}

static void test_scope_guard()
{
	zmalloc_scope *outer = zmalloc_scope_new("outer"), *inner = zmalloc_scope_new("inner");
	vector<int> of_outer, of_inner, of_none;

	{
		zmalloc::scope_guard in_outer(outer);

		of_outer.resize(1000);
		{
			zmalloc::scope_guard in_inner(inner);
			zmalloc::scope_guard out_of_all(nullptr);

			of_none.resize(100);
		}
		CHECK(used_in(inner) == 0);
#if ZMALLOC_CXX_EXCEPTIONS
		try {
			zmalloc::scope_guard in_inner(inner);

			of_inner.resize(3000);
			throw 1;
		} catch (int) {
		}
#else
		zmalloc::scope_guard in_inner(inner);

		of_inner.resize(3000);
#endif
	}
	CHECK(zmalloc_scope_leave(outer) == -1 && zmalloc_scope_leave(inner) == -1);
	CHECK(used_in(outer) == static_cast<std::int64_t>(zmalloc_size(of_outer.data())));
	CHECK(used_in(inner) == static_cast<std::int64_t>(zmalloc_size(of_inner.data())));
}

// ---- std::pmr ----

#if ZMALLOC_CXX_PMR
static std::pmr::vector<int> lives_to_the_end(zmalloc::resource());

static void test_resource()
{
	volatile std::size_t most = PTRDIFF_MAX;
	std::pmr::memory_resource *resource = zmalloc::resource();
	std::pmr::vector<int> numbers(1000, resource);
	std::pmr::map<int, std::pmr::string> texts(resource);

	CHECK(resource == zmalloc::resource() && *resource == *zmalloc::resource());
	CHECK(*resource != *std::pmr::new_delete_resource());
	CHECK(zmalloc_used_memory() == zmalloc_size(numbers.data()));
	texts[1] = "a text that is too long to lie in the string itself";
	for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2)
		for (std::size_t size = 1; size < 100; size += 7) {
			void *ptr = resource->allocate(size, alignment);

			CHECK(is_aligned(ptr, alignment));
			resource->deallocate(ptr, size, alignment);
		}
	CHECK_THROWS(std::bad_alloc, take(resource->allocate(most + 1)));
}

static void test_resource_without_memory()
{
	limited limit(MIB);
	lifting_handler handler(2);
	std::pmr::vector<char> bytes(2 * MIB, zmalloc::resource());

	CHECK(handler.calls == 2);
}

static std::uint64_t used_in(const zmalloc::arena_resource &arena)
{
	zarena_stats stats;

	stats.size = sizeof(stats);
	CHECK(zarena_get_stats(arena.arena(), 1, &stats) == 0);
	return stats.used_bytes;
}

static void test_arena_resource()
{
	zmalloc::arena_resource arena;
	zmalloc::arena_resource same(arena.arena()), other;
	volatile std::size_t most = PTRDIFF_MAX;

	CHECK(arena == arena && arena != other);
	{
		std::pmr::vector<int> numbers(1000, &arena);

		CHECK(used_in(arena) == zmalloc_size(numbers.data()));
		CHECK(used_in(other) == 0);
	}
	CHECK(used_in(arena) == 0);
	for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
		for (std::size_t size = 0; size < 300; size += 13) {
			char *ptr = static_cast<char *>(arena.allocate(size, alignment));

			CHECK(is_aligned(ptr, alignment));
			for (std::size_t i = 0; i < size; i++)
				ptr[i] = 1;
			arena.deallocate(ptr, size, alignment);
			CHECK(used_in(arena) == 0);
		}
	// What is never destroyed ends with the arena's blocks.
	typedef std::pmr::map<int, std::pmr::string> map;
	map &left = *::new (arena.allocate(sizeof(map), alignof(map))) map(&arena);
	for (int i = 0; i < 1000; i++)
		left[i] = "a text that is too long to lie in the string itself";
	CHECK(used_in(arena) > 1000 * 50);
	CHECK(arena.release() && used_in(arena) == 0);
	CHECK(is_aligned(same.allocate(1000, 4096), 4096));
	CHECK_THROWS(std::bad_alloc, take(arena.allocate(most + 1)));
	CHECK_THROWS(std::bad_alloc, take(arena.allocate(most, 4096)));
}

static void test_arena_resource_without_memory()
{
	zmalloc::arena_resource arena;
	limited limit(MIB);
	lifting_handler handler(2);

	CHECK(is_aligned(arena.allocate(2 * MIB, 64), 64));
	CHECK(handler.calls == 2);
}

// Below the standard's own resources.
static void test_under_other_resources()
{
	zmalloc::arena_resource arena;
	std::pmr::monotonic_buffer_resource buffer(&arena);
	std::pmr::unsynchronized_pool_resource pool(zmalloc::resource());
	std::pmr::list<int> a(&buffer), b(&pool);

	for (int i = 0; i < 1000; i++) {
		a.push_back(i);
		b.push_back(i);
	}
	CHECK(zmalloc_used_memory() > 2 * 1000 * sizeof(int));
}
#endif

// ---- Threads ----

// Each thread makes containers and leaves them to whoever takes them: most blocks are freed by another thread
// than allocated them.
typedef std::list<string, zmalloc::allocator<string>> strings;
static std::mutex shelf_lock;
static strings shelf;

static void swap_with_the_shelf(strings &mine)
{
	std::lock_guard<std::mutex> guard(shelf_lock);

	shelf.splice(shelf.end(), mine);
	if (shelf.size() > 500)
		mine.splice(mine.end(), shelf, shelf.begin(), std::next(shelf.begin(), 250));
}

static void fill_and_drop(int seed)
{
	typedef std::pair<const int, vector<int>> pair;
	std::unordered_map<int, vector<int>, std::hash<int>, std::equal_to<int>,
			   zmalloc::allocator<pair>>
		map;
	std::deque<int, zmalloc::allocator<int>> deque;
	strings mine;

	for (int i = 0; i < 2000; i++) {
		map[(seed + i * 7) % 97].push_back(i);
		deque.push_back(i);
		mine.emplace_back(static_cast<std::size_t>(i % 200), 'x');
		if (i % 50 == 0)
			swap_with_the_shelf(mine);
		if (i % 300 == 0)
			map.clear();
	}
}

static void test_containers_of_many_threads_end_at_nothing()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 16; i++)
		threads.emplace_back(fill_and_drop, i);
	for (std::thread &thread : threads)
		thread.join();
	CHECK(zmalloc_used_memory() > 0);
	shelf.clear();
}

static void run(void (*test)())
{
	test();
	CHECK(alive == 0);
	CHECK(zmalloc_used_memory() == 0);
}

int main()
{
	run(test_allocators_are_equal);
	run(test_charged_to_the_byte);
	run(test_over_aligned);
	run(test_bytes_of_any_alignment);
	run(test_overflow);
	run(test_the_new_handler_is_called_until_there_is_memory);
	run(test_without_a_handler_the_end_is_bad_alloc);
	run(test_no_handler_where_memory_is_not_what_is_missing);
	run(test_unique_ptr);
	run(test_unique_ptr_of_an_array);
	run(test_shared_ptr);
#if ZMALLOC_CXX_EXCEPTIONS
	run(test_a_constructor_that_throws_leaves_nothing);
#endif
	run(test_scope_guard);
#if ZMALLOC_CXX_PMR
	run(test_resource);
	run(test_resource_without_memory);
	run(test_arena_resource);
	run(test_arena_resource_without_memory);
	run(test_under_other_resources);
	lives_to_the_end.resize(100);
	lives_to_the_end = std::pmr::vector<int>(zmalloc::resource());
	lives_to_the_end.shrink_to_fit();
#endif
	run(test_containers_of_many_threads_end_at_nothing);
#if ZMALLOC_CXX_PMR
	lives_to_the_end.resize(100);
#endif
	return 0;
}
