# SPDX-License-Identifier: BSD-2-Clause
# Who holds how much.

zm_account_sources = \
	lib/account/account.c \
	lib/account/account.h \
	lib/account/ceiling.c \
	lib/account/ceiling.h \
	lib/account/check.c \
	lib/account/client.c \
	lib/account/client.h \
	lib/account/free.c \
	lib/account/growth.c \
	lib/account/growth.h \
	lib/account/limit_wish.c \
	lib/account/limits.c \
	lib/account/limits.h \
	lib/account/roof.c \
	lib/account/scope.c \
	lib/account/scope.h \
	lib/account/scope_figures.c \
	lib/account/scope_limits.c \
	lib/account/scope_name.c \
	lib/account/scope_state.h \
	lib/account/settle.c \
	lib/account/soft_limits.c \
	lib/account/state.h \
	lib/account/sum.c \
	lib/account/threshold.c
