#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Prints the version, as "1.2.3", from include/zmalloc/version.h, the one place where it is written.
# configure.ac calls it while configure is generated.

exec sed -n '
	/^#define ZMALLOC_VERSION_MAJOR / { s/.* //; h; }
	/^#define ZMALLOC_VERSION_MINOR / { s/.* //; H; }
	/^#define ZMALLOC_VERSION_PATCH / { s/.* //; H; x; s/\n/./g; p; q; }
' "${1:-include/zmalloc/version.h}"
