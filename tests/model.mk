# SPDX-License-Identifier: BSD-2-Clause
# The orders between threads: every interleaving of the protocols that go without a lock, with each
# order taken away in turn, and the instructions that a compiler makes of them.

check_PROGRAMS += tests/model/models
# Without coroutines main.c says so, and there is nothing that the models could be linked with.
tests_model_models_SOURCES = tests/model/main.c
if ZM_HAVE_MAKECONTEXT
tests_model_models_SOURCES += \
	tests/model/arenas.c \
	tests/model/borrowed.c \
	tests/model/chunks.c \
	tests/model/counters.c \
	tests/model/gate.c \
	tests/model/granules.c \
	tests/model/litmus.c \
	tests/model/model.c \
	tests/model/model.h \
	tests/model/models.h \
	tests/model/page.c \
	tests/model/question.c \
	tests/model/route.c \
	tests/model/size_map.c \
	tests/model/table.c
endif
tests_model_models_LDADD =

# What the models say does not depend on how the library is built.
zm_once_tests += tests/model/check_models.sh
zm_script_tests += tests/model/check_orders.sh
EXTRA_DIST += tests/model/orders.c

# Everything at once: a second in make check, as long as one likes by hand. The row tsan of make matrix
# is where it shows most.
zm_check_tests += tests/test_stress
STRESS_SECONDS = 60
check-stress: tests/test_stress$(EXEEXT)
	./tests/test_stress$(EXEEXT) $(STRESS_SECONDS)

check-models: tests/model/models$(EXEEXT)
	./tests/model/models$(EXEEXT)
	srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/model/check_orders.sh
.PHONY: check-models check-stress
