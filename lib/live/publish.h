/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/publish.h - publishing this process's figures.
 */
#ifndef ZM_PUBLISH_H
#define ZM_PUBLISH_H

/* Publish if the environment asks for it; when the library is loaded. */
void zm_publish_at_start(void);

#endif
