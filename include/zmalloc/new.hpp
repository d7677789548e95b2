/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/new.hpp - operators new and delete on the library: include it in one file of a program,
 * and all C++ in the process, that of shared libraries too, is charged to the account.
 *
 * There are the plain, the array and the nothrow forms; the sized ones where that file is compiled as
 * C++14 or newer, and those with an alignment as C++17 or newer. The C++ library has what is not
 * defined here: its sized operator delete calls the plain one, which is right; but what it gives
 * with an alignment is not charged. So compile that file as C++17 or newer.
 *
 * Without memory the new-handler is called as long as there is one; then std::bad_alloc is thrown,
 * and the nothrow forms return nullptr. Without exceptions it is as <zmalloc.hpp> says.
 *
 * Included in two files of a program it makes the linker say "multiple definition". A shared library
 * should leave these operators to the program.
 */
#ifndef ZMALLOC_NEW_HPP
#define ZMALLOC_NEW_HPP

#include <cstddef>
#include <new>

#include "../zmalloc.hpp"

/* Inlined into a caller, one of the two without the other, gcc would take it for a mismatch. */
#if defined(__GNUC__)
#define ZMALLOC_NEW_OPERATOR __attribute__((__noinline__, __visibility__("default")))
#else
#define ZMALLOC_NEW_OPERATOR
#endif

/*
 * What is asked for without an alignment is aligned for every object that fits in, up to
 * max_align_t: new char[24] may be where the program puts a long double.
 */
static inline std::size_t zmalloc_new_alignment(std::size_t size)
{
	std::size_t alignment = alignof(std::max_align_t);

	while (alignment > size && alignment > 1)
		alignment /= 2;
	return alignment;
}

/* What the new-handler throws is for nobody: the forms that call this promise nullptr. */
static inline void *zmalloc_new_nothrow(std::size_t size, std::size_t alignment) noexcept
{
#if ZMALLOC_CXX_EXCEPTIONS
	try {
		return zmalloc::try_allocate_bytes(size, alignment);
	} catch (...) {
		return nullptr;
	}
#else
	return zmalloc::try_allocate_bytes(size, alignment);
#endif
}

/* ---- Plain ---------------------------------------------------------------------------------- */

ZMALLOC_NEW_OPERATOR void *operator new(std::size_t size)
{
	return zmalloc::allocate_bytes(size, zmalloc_new_alignment(size));
}

ZMALLOC_NEW_OPERATOR void *operator new[](std::size_t size)
{
	return zmalloc::allocate_bytes(size, zmalloc_new_alignment(size));
}

ZMALLOC_NEW_OPERATOR void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
	return zmalloc_new_nothrow(size, zmalloc_new_alignment(size));
}

ZMALLOC_NEW_OPERATOR void *operator new[](std::size_t size, const std::nothrow_t &) noexcept
{
	return zmalloc_new_nothrow(size, zmalloc_new_alignment(size));
}

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr, const std::nothrow_t &) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr, const std::nothrow_t &) noexcept
{
	zfree(ptr);
}

/* ---- Sized ---------------------------------------------------------------------------------- */

#if __cplusplus >= 201402L

/* <new> declares them where the compiler calls them; a library made by another compiler may call. */
void operator delete(void *ptr, std::size_t size) noexcept;
void operator delete[](void *ptr, std::size_t size) noexcept;

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr, std::size_t size) noexcept
{
	zmalloc::deallocate_bytes(ptr, size, zmalloc_new_alignment(size));
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr, std::size_t size) noexcept
{
	zmalloc::deallocate_bytes(ptr, size, zmalloc_new_alignment(size));
}

#endif

/* ---- Aligned -------------------------------------------------------------------------------- */

#if defined(__cpp_aligned_new)

ZMALLOC_NEW_OPERATOR void *operator new(std::size_t size, std::align_val_t alignment)
{
	return zmalloc::allocate_bytes(size, static_cast<std::size_t>(alignment));
}

ZMALLOC_NEW_OPERATOR void *operator new[](std::size_t size, std::align_val_t alignment)
{
	return zmalloc::allocate_bytes(size, static_cast<std::size_t>(alignment));
}

ZMALLOC_NEW_OPERATOR void *operator new(std::size_t size, std::align_val_t alignment,
					const std::nothrow_t &) noexcept
{
	return zmalloc_new_nothrow(size, static_cast<std::size_t>(alignment));
}

ZMALLOC_NEW_OPERATOR void *operator new[](std::size_t size, std::align_val_t alignment,
					  const std::nothrow_t &) noexcept
{
	return zmalloc_new_nothrow(size, static_cast<std::size_t>(alignment));
}

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr, std::align_val_t) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr, std::align_val_t) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr, std::align_val_t,
					  const std::nothrow_t &) noexcept
{
	zfree(ptr);
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr, std::align_val_t,
					    const std::nothrow_t &) noexcept
{
	zfree(ptr);
}

void operator delete(void *ptr, std::size_t size, std::align_val_t alignment) noexcept;
void operator delete[](void *ptr, std::size_t size, std::align_val_t alignment) noexcept;

ZMALLOC_NEW_OPERATOR void operator delete(void *ptr, std::size_t size,
					  std::align_val_t alignment) noexcept
{
	zmalloc::deallocate_bytes(ptr, size, static_cast<std::size_t>(alignment));
}

ZMALLOC_NEW_OPERATOR void operator delete[](void *ptr, std::size_t size,
					    std::align_val_t alignment) noexcept
{
	zmalloc::deallocate_bytes(ptr, size, static_cast<std::size_t>(alignment));
}

#endif

#endif
