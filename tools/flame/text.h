/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/text.h - names and figures, in XML and for people.
 */
#ifndef ZM_FLAME_TEXT_H
#define ZM_FLAME_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"

/*
 * A text of any bytes as XML's character data, also between quotes. What is no character, has no
 * place in XML, or moves others about becomes '?'. One is cut, with an ellipsis at its end, that takes more
 * room, in letters; those of the East take that of two.
 */
void flame_build_text(struct zm_builder *out, const char *text, size_t room);

/* A number from 0 to 1e9 with so many decimals, without the noughts at its end. */
void flame_build_number(struct zm_builder *out, double number, unsigned decimals);

/* "1,234,567" */
void flame_build_count(struct zm_builder *out, uint64_t count);

/* "12.3 MiB" */
void flame_build_bytes(struct zm_builder *out, uint64_t bytes);

/* "12.3 %"; of nothing everything is 0. */
void flame_build_share(struct zm_builder *out, double part, double whole);

#endif
