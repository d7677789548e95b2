#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_adaptors.sh - each allocator of packaging/allocators has all that goes with one: configure takes it,
# an adaptor serves it, `make matrix` tests it, packages are made of it, and users are told of it. So does
# each operating system that configure knows. Says what is missing, and of which file.
set -u
: "${srcdir:=.}"
cd "$srcdir" || exit 99

failed=
# missing NAME WHAT...
missing() {
	name=$1
	shift
	echo "FAIL: $name: $*"
	failed=yes
}

# has NAME FILE PATTERN WHAT...: one line of the file is of that form.
has() {
	who=$1 file=$2 pattern=$3
	shift 3
	grep -q -e "$pattern" "$file" || missing "$who" "$file has no $*"
}

list=$(sed '/^#/d' packaging/allocators)
# "NAME ADAPTOR" of each, as configure has them.
served=$(sed -n 's/^\t\$1(\[\(.*\)\], \[\(.*\)\])$/\1 \2/p' m4/zm_allocator.m4)
test -n "$list" && test -n "$served" || {
	echo 'FAIL: no allocators in packaging/allocators, or none in ZM_ALLOCATORS of m4/zm_allocator.m4'
	exit 1
}

# ---- Configure's list and that of the packages are one ----

names=$(echo "$list" | sed 's/ .*//')
for name in $(echo "$served" | sed 's/ .*//'); do
	echo "$names" | grep -qx "$name" || missing "$name" "packaging/allocators has no line of it, m4/zm_allocator.m4 has"
done

# ---- The adaptors ----

while read -r name adaptor; do
	has "$adaptor" lib/allocator/sources.mk "^if ZM_ALLOCATOR_$(echo "$adaptor" | tr '[:lower:]' '[:upper:]')\$" \
		"condition with the sources of the adaptor"
	has "$adaptor" lib/allocator/sources.mk "lib/allocator/$adaptor\\.h\\>" "$adaptor.h in it"
	test -e "lib/allocator/$adaptor.h" || missing "$adaptor" "there is no lib/allocator/$adaptor.h"
done <<END
$served
END
for file in lib/allocator/*.[ch]; do
	has "${file##*/}" lib/allocator/sources.mk "$file\\>" 'place for it'
done

# ---- Each allocator ----

first=$(echo "$names" | head -n 1)
while read -r name says apt dnf others; do
	echo "$served" | grep -q "^$name " || missing "$name" 'm4/zm_allocator.m4: ZM_ALLOCATORS has no line of it'
	has "$name" rpm/libzmalloc.spec "^%global allocators .*\\<$name\\>" "$name in %global allocators"
	has "$name" tests/matrix.rows "^$name *|.* --with-malloc=$name *|" "row $name"
	has "$name" tests/instructions.expected "^$says-[0-9]" "figure of $says (tests/check_instructions.sh --print)"
	flavour=$(echo "$name" | tr _ -)
	if test "$name" = "$first"; then
		has "$name" debian/control '^Package: libzmalloc1$' 'package libzmalloc1'
	else
		has "$name" debian/control "^Package: libzmalloc1-$flavour\$" "package libzmalloc1-$flavour"
		has "$name" rpm/libzmalloc.spec "^%{library_of $name $flavour}\$" "%{library_of $name $flavour}"
		has "$name" rpm/libzmalloc.spec "^%description $flavour " "%description $flavour"
	fi
	if test "$apt" != -; then
		has "$name" debian/control "[ :]$apt,\$" "build dependency $apt"
		has "$name" rpm/libzmalloc.spec "^BuildRequires:  *$dnf\$" "BuildRequires: $dnf"
		has "$name" README.md "^| .*\`$name\`.* $apt |\$" "row with \`$name\` and $apt in its table of allocators"
	else
		has "$name" README.md "^| .*\`$name\`.*|\$" "row with \`$name\` in its table of allocators"
	fi
	has "$name" man/libzmalloc.7 "^\\.It $name\$" "item $name under CHOOSING AN ALLOCATOR"
done <<END
$list
END

for flavour in $(sed -n 's/^Package: libzmalloc1-//p' debian/control | tr - _); do
	echo "$names" | grep -qx "$flavour" || missing "$flavour" "debian/control has it, and packaging/allocators has no line of it"
done

# ---- Each operating system ----

systems=$(sed -n 's/^\t\$1(\[\(.*\)\], \[.*\])$/\1/p' m4/zm_platform.m4)
test -n "$systems" || missing lib/os 'm4/zm_platform.m4: ZM_SYSTEMS has no system'
for name in $systems none; do
	test -e "lib/os/$name.c" || missing "$name" "there is no lib/os/$name.c"
	has "$name" lib/os/sources.mk "^if ZM_OS_$(echo "$name" | tr '[:lower:]' '[:upper:]')\$" "condition with the system's sources"
	has "$name" lib/os/sources.mk "lib/os/$name\\.c\\>" "$name.c in it"
	case $name in
	linux | darwin | none) ;; # built for real: .ci/run, make portability, make check-probes
	*)
		has "$name" SUPPORTED_PLATFORMS.md "lib/os/$name\\.c" "row that says how far $name.c was tried"
		has "$name" tests/portability/stubs.sh "^for system in .*\\<$name\\>" "$name among its systems"
		;;
	esac
done
for file in lib/os/*.[ch]; do
	has "${file##*/}" lib/os/sources.mk "$file\\>" 'place for it'
done

test -z "$failed" || exit 1
echo "allocators: $(echo $names)"
echo "systems: $(echo $systems) none"
