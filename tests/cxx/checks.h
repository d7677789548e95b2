// SPDX-License-Identifier: BSD-2-Clause
// tests/cxx/checks.h - what the tests of the C++ headers share.
#ifndef ZM_TESTS_CXX_CHECKS_H
#define ZM_TESTS_CXX_CHECKS_H

#include <zmalloc.h>
#include <zmalloc/limit.h>

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#define CHECK(condition) ((condition) ? (void)0 : zm_check_failed(__FILE__, __LINE__, #condition))

inline void zm_check_failed(const char *file, int line, const char *condition)
{
	std::fprintf(stderr, "%s:%d: not so: %s (%zu bytes used)\n", file, line, condition,
		     zmalloc_used_memory());
	std::_Exit(1);
}

// What must not come back: with exceptions one of type E is caught; without, the library's
// out-of-memory handler is called, and jumps back here.
extern std::jmp_buf zm_back;
inline void zm_jump_back(size_t)
{
	std::longjmp(zm_back, 1);
}

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define CHECK_THROWS(E, statement)                                                                 \
	do {                                                                                       \
		bool has_thrown = false;                                                           \
		try {                                                                              \
			statement;                                                                 \
		} catch (const E &) {                                                              \
			has_thrown = true;                                                         \
		}                                                                                  \
		CHECK(has_thrown);                                                                 \
	} while (0)
#else
#define CHECK_THROWS(E, statement)                                                                 \
	do {                                                                                       \
		zmalloc_set_oom_handler(zm_jump_back);                                             \
		if (setjmp(zm_back) == 0) {                                                        \
			statement;                                                                 \
			CHECK(!#statement);                                                        \
		}                                                                                  \
		zmalloc_set_oom_handler(nullptr);                                                  \
	} while (0)
#endif

// The compiler must not do without what goes in here.
extern const void *volatile zm_taken;
inline void take(const void *ptr)
{
	zm_taken = ptr;
}

inline bool is_aligned(const void *ptr, std::size_t alignment)
{
	return reinterpret_cast<std::uintptr_t>(ptr) % alignment == 0;
}

// As much as is used now, and `room` bytes more.
struct limited {
	explicit limited(std::size_t room)
	{
		zmalloc_limit_set(zmalloc_used_memory() + room);
	}
	~limited()
	{
		zmalloc_limit_set(0);
	}
};

// The new-handler of the tests: lifts the limit when it is called for the nth time.
struct lifting_handler {
	static int calls, lifts_at;

	explicit lifting_handler(int nth)
	{
		calls = 0;
		lifts_at = nth;
		std::set_new_handler(handle);
	}
	~lifting_handler()
	{
		std::set_new_handler(nullptr);
	}
	static void handle()
	{
		if (++calls == lifts_at)
			zmalloc_limit_set(0);
	}
};

// Gives up at its third call, as a handler may that has nothing to give.
struct ending_handler {
	static int calls;

	ending_handler()
	{
		calls = 0;
		std::set_new_handler(handle);
	}
	static void handle()
	{
		if (++calls == 3)
			std::set_new_handler(nullptr);
	}
};

#endif
