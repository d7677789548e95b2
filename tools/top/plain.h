/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/plain.h - `zmalloc top` where there is no screen: lines, JSON, OpenMetrics.
 */
#ifndef ZM_TOP_PLAIN_H
#define ZM_TOP_PLAIN_H

#include "tools/command.h"

int top_plain(const struct options *options);

#endif
