/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/os_fixture.h - texts and folder trees below tests/fixtures/os for the tests of lib/os.
 *
 * A failure to read or build one ends the test: these return only on success.
 */
#ifndef TESTS_OS_FIXTURE_H
#define TESTS_OS_FIXTURE_H

#include "base/text.h"

/* The whole of a text file, such as "stat/plain"; valid until the next call. */
struct zm_span fixture_text(const char *name);

/*
 * A folder below $TMPDIR built from a description:
 *
 *     # what it shows
 *     == proc/self/cgroup
 *     0::/the/text/of/that/file
 *
 * Returns its path, to be given to tree_remove(). tree_begin() makes an empty one to be filled by
 * tree_file().
 */
char *tree_build(const char *name);
char *tree_begin(void);
void tree_file(const char *tree, const char *path, struct zm_span text);
void tree_remove(char *tree);

#endif
