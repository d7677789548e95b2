/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/stay.c - a shared object that stays in memory.
 *
 * By dlopen() of what is loaded already, with a handle that is never closed. The linker's
 * `-z nodelete` does the same for the shared library; but whoever links the static library into a
 * plugin does not know that the flag is due.
 */
#include "config.h"

#include "os/os.h"

#include <errno.h>

#include "base/program.h"

#if defined(PIC) && defined(HAVE_LINKER_NODELETE)

int zm_os_stay_loaded(const void *inside)
{
	(void)inside;
	return 0;
}

#elif defined(HAVE_DLADDR) && defined(HAVE_DL_ITERATE_PHDR) && defined(__GNUC__)

#include <dlfcn.h>

#if !defined(RTLD_NODELETE)
#define RTLD_NODELETE 0
#endif

/*
 * Weak, for the linker warns of dlopen() in a program that is static as a whole: there it is 0, and
 * nothing can be unloaded.
 */
#pragma weak dlopen

int zm_os_stay_loaded(const void *inside)
{
	Dl_info object;

	if (zm_is_in_program(inside) || dlopen == NULL)
		return 0;
	if (dladdr(inside, &object) == 0 || object.dli_fname == NULL)
		return ENOTSUP;
	return dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != NULL ? 0
											 : ENOTSUP;
}

#else

int zm_os_stay_loaded(const void *inside)
{
	(void)inside;
	return ENOTSUP;
}

#endif
