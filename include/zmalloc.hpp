/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc.hpp - the library for C++, from C++11 on: header only, on the functions of <zmalloc.h>.
 *
 *   zmalloc::allocator<T>      for the standard's containers and std::allocate_shared()
 *   zmalloc::unique_ptr<T>     owns an object; zmalloc::make_unique<T>() makes it
 *   zmalloc::scope_guard       a scope (<zmalloc/scope.h>) for a block of code
 *   zmalloc::resource()        the same memory as a std::pmr::memory_resource (C++17)
 *   zmalloc::arena_resource    an arena (<zmalloc/arena.h>) as one, freed as a whole (C++17)
 *
 * <zmalloc/new.hpp> has operators new and delete.
 *
 * zmalloc is a class here and no namespace, for ::zmalloc() is a function: C++ lets a class and a
 * function have one name, a namespace and a function not. So there is no `using namespace zmalloc`;
 * `using z = struct zmalloc` gives it another name.
 *
 * When there is no memory, the new-handler (std::set_new_handler) is called as long as there is
 * one, and then std::bad_alloc is thrown; a number of objects whose size overflows throws
 * std::bad_array_new_length at once. A program without exceptions gets the library's out-of-memory
 * handler instead of either, which by default reports and aborts; if it returns, the program is
 * aborted here. Compile all files of a program alike in this respect.
 *
 * What is said of threads in <zmalloc.h> holds here. The header needs no RTTI.
 */
#ifndef ZMALLOC_HPP
#define ZMALLOC_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#if __cplusplus >= 201703L && defined(__has_include)
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif
#endif

#include "zmalloc.h"
#include "zmalloc/arena.h"
#include "zmalloc/scope.h"

/* 1 where std::pmr is there: C++17, libstdc++ 9 or libc++ 16. */
#if defined(__cpp_lib_memory_resource)
#define ZMALLOC_CXX_PMR 1
#else
#define ZMALLOC_CXX_PMR 0
#endif

/* What is of one library is the same to another, in a program that hides its symbols too. */
#define ZMALLOC_CXX_VISIBLE ZMALLOC_API

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define ZMALLOC_CXX_EXCEPTIONS 1
#else
#define ZMALLOC_CXX_EXCEPTIONS 0
#endif

struct ZMALLOC_CXX_VISIBLE zmalloc {
	zmalloc() = delete;

	/* ---- Bytes -------------------------------------------------------------------------- */

	/*
	 * A block as ::operator new() gives it, what happens without memory included.
	 * alignment  a power of two. 1 GiB is had wherever memory allows.
	 */
	ZMALLOC_ATTR_RESULT static void *allocate_bytes(std::size_t size, std::size_t alignment)
	{
		return is_plain(size, alignment) ? get(size, plain_source())
						 : get(size, aligned_source{alignment});
	}
	/* The same as new(std::nothrow) does it: nullptr, and what the new-handler throws. */
	ZMALLOC_ATTR_RESULT static void *try_allocate_bytes(std::size_t size, std::size_t alignment)
	{
		return is_plain(size, alignment) ? try_get(size, plain_source())
						 : try_get(size, aligned_source{alignment});
	}

	/* Free one; both figures are those that it was allocated with. Any thread may. */
	static void deallocate_bytes(void *ptr, std::size_t size, std::size_t alignment) noexcept
	{
		/* What was allocated with an alignment takes no size but its usable one. */
		if (is_plain(size, alignment))
			zfree_with_size(ptr, size);
		else
			zfree(ptr);
	}

	/* ---- Containers --------------------------------------------------------------------- */

	/*
	 * An allocator without a state: all are equal, of whichever type, so containers move
	 * and swap by their pointers, and any may free what another allocated.
	 */
	template <class T> class allocator
	{
	      public:
		typedef T value_type;
		typedef std::size_t size_type;
		typedef std::ptrdiff_t difference_type;
		typedef std::true_type propagate_on_container_move_assignment;
		typedef std::true_type is_always_equal;
		template <class U> struct rebind {
			typedef allocator<U> other;
		};

		constexpr allocator() noexcept = default;
		template <class U> constexpr allocator(const allocator<U> &) noexcept
		{
		}

		/* Room for so many objects, aligned for them. Throws as said above. */
		ZMALLOC_ATTR_RESULT T *allocate(std::size_t count)
		{
			check_product(count, sizeof(T));
			return static_cast<T *>(allocate_bytes(count * sizeof(T), alignof(T)));
		}

		/* count    as it was allocated with */
		void deallocate(T *ptr, std::size_t count) noexcept
		{
			deallocate_bytes(ptr, count * sizeof(T), alignof(T));
		}

		std::size_t max_size() const noexcept
		{
			return PTRDIFF_MAX / sizeof(T);
		}
	};

	/* ---- Single objects ----------------------------------------------------------------- */

	/*
	 * Ends an object that lies at the beginning of a block of ours, and frees the block. One of
	 * a class with a virtual destructor may be known by its base, wherever in it that is.
	 */
	template <class T> struct deleter {
		constexpr deleter() noexcept = default;
		template <class U, class = typename std::enable_if<
					   std::is_convertible<U *, T *>::value>::type>
		constexpr deleter(const deleter<U> &) noexcept
		{
			static_assert(std::is_same<typename std::remove_cv<U>::type,
						   typename std::remove_cv<T>::type>::value ||
					      std::has_virtual_destructor<T>::value,
				      "the base of what is to be ended has no virtual destructor");
		}
		void operator()(T *object) const noexcept
		{
			void *block = start_of(object, std::is_polymorphic<T>());

			object->~T();
			zfree(block);
		}
	};

	/*
	 * Of arrays. count is of objects that have a destructor to be called, which
	 * make_unique<T[]>() knows: give such a pointer's reset() nothing but nullptr. Where there
	 * is none to call, a block from zmalloc() or zstrdup() may be owned, too.
	 */
	template <class T> struct deleter<T[]> {
		std::size_t count;

		explicit constexpr deleter(std::size_t objects = 0) noexcept : count(objects)
		{
		}
		void operator()(T *objects) const noexcept
		{
			for (std::size_t i = std::is_trivially_destructible<T>::value ? 0 : count;
			     i > 0; i--)
				objects[i - 1].~T();
			zfree(const_cast<typename std::remove_cv<T>::type *>(objects));
		}
	};

	template <class T> using unique_ptr = std::unique_ptr<T, deleter<T>>;

	/* One object, of these arguments. Throws as said above, and what its constructor does. */
	template <class T, class... Arguments>
	static typename std::enable_if<!std::is_array<T>::value, unique_ptr<T>>::type
	make_unique(Arguments &&...arguments)
	{
		half_made<T> object(1);

		::new (object.place()) T(std::forward<Arguments>(arguments)...);
		return unique_ptr<T>(object.done());
	}

	/* An array of so many, each initialised by (): make_unique<int[]>(100) are zeros. */
	template <class T>
	static typename std::enable_if<std::is_array<T>::value && std::extent<T>::value == 0,
				       unique_ptr<T>>::type
	make_unique(std::size_t count)
	{
		typedef typename std::remove_extent<T>::type object;
		half_made<object> objects(count);

		for (; objects.made < count; objects.made++)
			::new (objects.place()) object();
		return unique_ptr<T>(objects.done(), deleter<T>(count));
	}

	/* ---- Scopes ------------------------------------------------------------------------- */

	/*
	 * The thread is in the scope from here to the end of the block, also where an exception
	 * leaves it. Where the thread cannot enter (zmalloc_scope_enter()), nothing happens.
	 * scope    as zmalloc_scope_new() gave it; NULL is everything else
	 */
	class scope_guard
	{
	      public:
		explicit scope_guard(zmalloc_scope *scope) noexcept
		    : scope_(scope), has_entered_(zmalloc_scope_enter(scope) == 0)
		{
		}
		~scope_guard()
		{
			if (has_entered_)
				zmalloc_scope_leave(scope_);
		}
		scope_guard(const scope_guard &) = delete;
		scope_guard &operator=(const scope_guard &) = delete;

	      private:
		zmalloc_scope *scope_;
		bool has_entered_;
	};

	/* ---- std::pmr ----------------------------------------------------------------------- */

#if ZMALLOC_CXX_PMR
	/*
	 * The memory of zmalloc::allocator as a resource. There is one, and it is never destroyed:
	 * what has static storage may use it to the end, and std::pmr::set_default_resource() too.
	 */
	static std::pmr::memory_resource *resource() noexcept
	{
		alignas(plain_resource) static unsigned char place[sizeof(plain_resource)];
		static std::pmr::memory_resource *const only = ::new (place) plain_resource;

		return only;
	}

	/*
	 * A resource whose blocks are those of an arena. They may be freed one by one; release()
	 * and the end of the resource, free all that are left, so containers on it need not be
	 * destroyed, nor may they be used any more. Any thread may use it.
	 */
	class ZMALLOC_CXX_VISIBLE arena_resource final : public std::pmr::memory_resource
	{
	      public:
		/* An arena of its own. Throws std::bad_alloc if there is none to be had. */
		arena_resource() : arena_(zarena_create()), is_own_(true)
		{
			if (arena_ == nullptr)
				fail();
		}
		/* Another's arena, which stays when the resource ends. */
		explicit arena_resource(zarena *arena) noexcept : arena_(arena), is_own_(false)
		{
		}
		~arena_resource() override
		{
			if (is_own_)
				zarena_destroy(arena_);
		}
		arena_resource(const arena_resource &) = delete;
		arena_resource &operator=(const arena_resource &) = delete;

		/* Ends every block of the arena. False, and nothing has changed: zarena_reset(). */
		bool release() noexcept
		{
			return zarena_reset(arena_) == 0;
		}
		/* For its figures, and for C. */
		zarena *arena() const noexcept
		{
			return arena_;
		}

	      private:
		void *do_allocate(std::size_t size, std::size_t alignment) override
		{
			return is_plain_there(size, alignment)
				       ? get(size, arena_source{arena_})
				       : get(size, arena_aligned_source{arena_, alignment});
		}
		void do_deallocate(void *ptr, std::size_t size, std::size_t alignment) override
		{
			if (is_plain_there(size, alignment))
				zfree_with_size(ptr, size);
			else
				zfree(arena_aligned_source::start_of(ptr));
		}
		bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
		{
			return this == &other;
		}

		zarena *arena_;
		bool is_own_;
	};
#endif

      private:
	/* ---- Without memory ----------------------------------------------------------------- */

	[[noreturn]] static void fail()
	{
#if ZMALLOC_CXX_EXCEPTIONS
		throw std::bad_alloc();
#else
		std::abort();
#endif
	}

	static void check_product(std::size_t count, std::size_t size)
	{
		if (count <= std::numeric_limits<std::size_t>::max() / size)
			return;
#if ZMALLOC_CXX_EXCEPTIONS
		throw std::bad_array_new_length();
#else
		/* The handler's report has what is wanted; as a rule its call does not return. */
		zfree(zcalloc_num(count, size));
		std::abort();
#endif
	}

	/*
	 * The loop that [new.delete.single] asks for; nullptr where it would end with an exception.
	 * Whatever fails for another reason than memory (an alignment that is none, another
	 * thread's arena) would fail for ever.
	 */
	template <class Source> static void *try_get(std::size_t size, const Source &source)
	{
		for (;;) {
			void *ptr = source(size, false);
			std::new_handler handler;

			if (ptr != nullptr)
				return ptr;
			handler = errno == ENOMEM ? std::get_new_handler() : nullptr;
			if (handler == nullptr)
				return nullptr;
			handler();
		}
	}

	template <class Source> static void *get(std::size_t size, const Source &source)
	{
		void *ptr = try_get(size, source);

		if (!ZMALLOC_CXX_EXCEPTIONS && ptr == nullptr)
			ptr = source(size, true);
		if (ptr == nullptr)
			fail();
		return ptr;
	}

	/* ---- Where blocks come from --------------------------------------------------------- */

	/* True if every block of this size is aligned so without being asked to. */
	static bool is_plain(std::size_t size, std::size_t alignment) noexcept
	{
		return alignment <= alignof(std::max_align_t) && size % alignment == 0 && size != 0;
	}

	/* Of each source: insists says that the out-of-memory handler is to be called. */
	struct plain_source {
		void *operator()(std::size_t size, bool insists) const
		{
			return insists ? ::zmalloc(size) : ztrymalloc(size);
		}
	};

	/*
	 * Most allocators align all small blocks for any object, so to look at the address takes
	 * less time than to ask zmalloc_alignment() first.
	 */
	struct aligned_source {
		std::size_t alignment;

		void *operator()(std::size_t size, bool insists) const
		{
			if (alignment <= alignof(std::max_align_t)) {
				void *ptr = plain_source()(size, insists);

				if (reinterpret_cast<std::uintptr_t>(ptr) % alignment == 0)
					return ptr;
				zfree(ptr);
			}
			return insists ? zmalloc_aligned(alignment, size)
				       : ztrymalloc_aligned(alignment, size);
		}
	};

#if ZMALLOC_CXX_PMR
	static bool is_plain_there(std::size_t size, std::size_t alignment) noexcept
	{
		return is_plain(size, alignment) || alignment <= zmalloc_alignment(size);
	}

	struct arena_source {
		zarena *arena;

		void *operator()(std::size_t size, bool insists) const
		{
			return insists ? zarena_malloc(arena, size) : zarena_trymalloc(arena, size);
		}
	};

	/*
	 * Arenas have no alignment to ask for: the block is larger, and the pointer that lies
	 * before what the caller gets says where it starts.
	 */
	struct arena_aligned_source {
		zarena *arena;
		std::size_t alignment;

		void *operator()(std::size_t size, bool insists) const
		{
			std::size_t before = sizeof(void *) + alignment - 1;
			std::size_t whole = size <= SIZE_MAX - before ? before + size : SIZE_MAX;
			void *start = arena_source{arena}(whole, insists);

			return start != nullptr ? aligned_in(start, before + size) : nullptr;
		}
		void *aligned_in(void *start, std::size_t room) const noexcept
		{
			void *ptr = static_cast<char *>(start) + sizeof(void *);

			room -= sizeof(void *);
			ptr = std::align(alignment, 1, ptr, room);
			std::memcpy(static_cast<char *>(ptr) - sizeof(void *), &start,
				    sizeof(start));
			return ptr;
		}
		static void *start_of(void *ptr) noexcept
		{
			void *start;

			std::memcpy(&start, static_cast<char *>(ptr) - sizeof(void *),
				    sizeof(start));
			return start;
		}
	};

	class ZMALLOC_CXX_VISIBLE plain_resource final : public std::pmr::memory_resource
	{
		void *do_allocate(std::size_t size, std::size_t alignment) override
		{
			return allocate_bytes(size, alignment);
		}
		void do_deallocate(void *ptr, std::size_t size, std::size_t alignment) override
		{
			deallocate_bytes(ptr, size, alignment);
		}
		bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
		{
			return this == &other;
		}
	};
#endif

	/* ---- Objects ------------------------------------------------------------------------ */

	/* The whole object that a base is part of: a cast that needs no RTTI. */
	template <class T> static void *start_of(T *object, std::true_type) noexcept
	{
		return const_cast<void *>(dynamic_cast<const volatile void *>(object));
	}
	template <class T> static void *start_of(T *object, std::false_type) noexcept
	{
		return const_cast<typename std::remove_cv<T>::type *>(object);
	}

	/* A block whose objects are being made: if a constructor throws, it ends those before. */
	template <class T> class half_made
	{
	      public:
		std::size_t made;

		explicit half_made(std::size_t count) : made(0), objects_(nullptr)
		{
			check_product(count, sizeof(T));
			objects_ = static_cast<T *>(allocate_bytes(count * sizeof(T), alignof(T)));
		}
		~half_made()
		{
			if (objects_ != nullptr)
				deleter<T[]>{made}(objects_);
		}
		half_made(const half_made &) = delete;
		half_made &operator=(const half_made &) = delete;
		void *place() const noexcept
		{
			return const_cast<typename std::remove_cv<T>::type *>(objects_ + made);
		}
		T *done() noexcept
		{
			T *objects = objects_;

			objects_ = nullptr;
			return objects;
		}

	      private:
		T *objects_;
	};
};

/* Of a plain block: zmalloc::unique_ptr<void>. */
template <> struct zmalloc::deleter<void> {
	void operator()(void *block) const noexcept
	{
		zfree(block);
	}
};

template <class T, class U>
constexpr bool operator==(const zmalloc::allocator<T> &, const zmalloc::allocator<U> &) noexcept
{
	return true;
}

#if __cplusplus < 202002L
template <class T, class U>
constexpr bool operator!=(const zmalloc::allocator<T> &, const zmalloc::allocator<U> &) noexcept
{
	return false;
}
#endif

#endif
