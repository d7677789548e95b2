/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/figures.h - the allocator's figures, with what the accounts know where it does not.
 */
#ifndef ZM_FIGURES_H
#define ZM_FIGURES_H

#include <stdbool.h>

#include "allocator/allocator.h"

/* As zm_allocator_info(), `allocated` being known always. */
bool zm_figures(bool refresh, struct zm_allocator_info *info);

#endif
