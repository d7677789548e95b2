/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/rss_only.h - what a system file defines to have rss_only.c do the rest.
 */
#ifndef ZM_OS_RSS_ONLY_H
#define ZM_OS_RSS_ONLY_H

#include <stddef.h>

/* Bytes of a process in physical memory; 0 or an errno value. pid: -1 for this one. */
int zm_process_rss(long pid, size_t *bytes);

#endif
