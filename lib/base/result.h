/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/result.h - how a public function answers what the functions behind it say.
 */
#ifndef ZM_RESULT_H
#define ZM_RESULT_H

#include <errno.h>

#include "base/compiler.h"

/* Inside, functions return 0 or an errno value; callers of the library get 0, or -1 with errno. */
ZM_INLINE int zm_result(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

#endif
