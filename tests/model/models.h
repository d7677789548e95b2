/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/models.h - the models there are.
 */
#ifndef ZM_TESTS_MODELS_H
#define ZM_TESTS_MODELS_H

#include "tests/model/model.h"

extern const struct model model_of_coherence, model_of_message, model_of_store_buffers;
extern const struct model model_of_arenas, model_of_borrowed, model_of_chunks, model_of_counters,
	model_of_gate, model_of_granules, model_of_page, model_of_peak, model_of_question,
	model_of_route, model_of_size_map, model_of_table, model_of_watch;

#endif
