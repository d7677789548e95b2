# SPDX-License-Identifier: BSD-2-Clause
# Which code holds the memory: sampled stacks.

zm_profile_sources = \
	lib/profile/profile.c \
	lib/profile/profile.h \
	lib/profile/profile_wish.c \
	lib/profile/sampler.c \
	lib/profile/sampler.h \
	lib/profile/samples.c \
	lib/profile/samples.h
