# SPDX-License-Identifier: BSD-2-Clause
# Who holds how much.

zm_account_sources = \
	lib/account/account.c \
	lib/account/account.h \
	lib/account/check.c \
	lib/account/client.c \
	lib/account/client.h \
	lib/account/free.c \
	lib/account/settle.c \
	lib/account/state.h \
	lib/account/sum.c \
	lib/account/threshold.c
