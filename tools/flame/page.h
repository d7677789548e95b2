/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/page.h - the style and the script of a flame graph, line by line, NULL at the end.
 *
 * tools/flame/page.c is made of page.css and page.js by make.
 */
#ifndef ZM_FLAME_PAGE_H
#define ZM_FLAME_PAGE_H

extern const char *const flame_page_style[];
extern const char *const flame_page_script[];

#endif
