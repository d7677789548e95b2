#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# rpm.sh TARBALL VERSION SPEC - RPM packages from the tarball of `make dist`, into rpms/RPMS and
# rpms/SRPMS; installed side by side into a root of their own, compiled against there, and each run under one program.
# Their scripts need root, and are check.sh's.
set -eu

tarball=$1 version=$2 spec=$3 source=$(cd "$(dirname "$3")/.." && pwd)

command -v rpmbuild >/dev/null 2>&1 || {
	echo 'make rpm: rpmbuild is missing: install rpm-build (Debian: apt-get install rpm)' >&2
	exit 1
}
packaged=$(sed -n 's/^Version: *//p' "$spec")
test "$packaged" = "$version" || {
	echo "make rpm: the spec file is of $packaged, the tarball of $version" >&2
	exit 1
}

# The time of the changelog, no machine's name and nobody's umask: the same bytes whoever builds it. In
# another folder they differ: rpm keeps its name in the source package, and a sum of that in the others.
unset SOURCE_DATE_EPOCH MAKEFLAGS MFLAGS MAKELEVEL TAR_OPTIONS
umask 0022
rm -rf rpms
mkdir -p rpms/SOURCES rpms/SPECS rpms/consumer
day=$(sed -n '/^%changelog/{n;s/^\* [A-Z][a-z]* \([A-Z][a-z]* [0-9]* [0-9]*\) .*/\1/p;}' "$spec")
archive=rpms/SOURCES/$(basename "$tarball")
cat "$tarball" >"$archive"
cat "$spec" >rpms/SPECS/libzmalloc.spec
spec=rpms/SPECS/libzmalloc.spec
touch -d "$day UTC" "$archive" "$spec"

# Where packages come from dpkg, rpm knows of none and cannot tell what is installed: configure does,
# and names what is missing.
nodeps=
command -v dpkg-query >/dev/null 2>&1 && nodeps=--nodeps

rpmbuild -ba $nodeps ${NOCHECK:+--nocheck} --define "_topdir $(pwd)/rpms" \
	--define '_buildhost localhost' --define 'source_date_epoch_from_changelog 1' \
	--define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1' "$spec" >rpms/build.log 2>&1 || {
	tail -n 40 rpms/build.log >&2
	echo 'make rpm: failed; the whole log is rpms/build.log' >&2
	exit 1
}

# One line for each allocator's suite.
grep -E '^# (TOTAL|PASS|SKIP|FAIL|ERROR):' rpms/build.log | tr -s ' ' | paste -d ' ' - - - - - || :

if command -v rpmlint >/dev/null 2>&1; then
	rpmlint -c "$source/rpm/rpmlint.toml" "$spec" rpms/RPMS/*/*.rpm || exit 1
else
	echo 'rpmlint is not there: left out'
fi

# All of them, as their users have them, and one binary of README's program on each. What the packages need of the
# system is not in that root, so rpm is asked for what it says of them alone.
root=$(pwd)/rpms/root
mkdir -p "$root"
in_root() {
	status=0
	rpm --root "$root" --dbpath /var/lib/rpm "$@" >rpms/rpm.log 2>&1 || status=$?
	# What Debian's rpm says of itself each time.
	grep -v '^rpm: .*Alien\|^rpm: However' rpms/rpm.log || :
	return $status
}
wrong() {
	echo "make rpm: $*" >&2
	exit 1
}
flavours=$(awk -v base=libzmalloc -f "$source/packaging/flavours.awk" "$source/packaging/allocators")
package_of() {
	ls rpms/RPMS/*/"$1-$version"-*.rpm
}
in_root --initdb
in_root --nodeps --noscripts -i "$(package_of libzmalloc-devel)" "$(package_of zmalloc-tools)"
pc=$(find "$root" -name zmalloc.pc)
lib=$(dirname "$(dirname "$pc")")
for flavour in $flavours; do
	package=${flavour#*:}
	in_root --nodeps --noscripts -i "$(package_of "${package%:*}")"
	in_root --test -i "$(package_of "${package%:*}")" >rpms/conflicts || :
	! grep conflicts rpms/conflicts || wrong "${package%:*} cannot be there beside the others"
	name=${flavour%%:*}
	test -e "$lib/libzmalloc.so.1" || ln -s "zmalloc/$name/libzmalloc.so.1" "$lib/libzmalloc.so.1"
done
(cd rpms/consumer && PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$(dirname "$pc") LD_LIBRARY_PATH=$lib \
	sh "$source/tests/consumer/build.sh" pkg-config)

abidiff=
if command -v abidiff >/dev/null 2>&1; then
	abidiff="abidiff --headers-dir1 $source/include --headers-dir2 $source/include"
else
	echo 'abidiff is not there: left out'
fi

there=$(echo "$flavours" | wc -l)
for flavour in $flavours; do
	name=${flavour%%:*} says=${flavour##*:} package=${flavour#*:}
	package=${package%:*}
	said=$(LD_LIBRARY_PATH=$lib/zmalloc/$name rpms/consumer/hello-pkg-config)
	printf '%-28s %s\n' "$package" "$said"
	case $said in
	*" on $says"*) ;;
	*) wrong "that is not the allocator of $package" ;;
	esac
	test -z "$abidiff" || $abidiff "$lib/libzmalloc.so.1" "$lib/zmalloc/$name/libzmalloc.so.1" ||
		wrong "$package has another ABI than libzmalloc"
done
# One after the other goes, but not the last from under what needs it.
for flavour in $flavours; do
	package=${flavour#*:}
	package=${package%:*}
	in_root --test -e "$package" >rpms/needed || :
	if test "$there" -gt 1; then
		test ! -s rpms/needed || wrong "$package cannot be removed: $(cat rpms/needed)"
		in_root --nodeps --noscripts -e "$package"
	else
		for needs in libzmalloc-devel zmalloc-tools; do
			grep -q "is needed by .*$needs" rpms/needed || wrong "$package could be removed from under $needs"
		done
	fi
	there=$((there - 1))
done
test -z "$abidiff" || echo 'abidiff: all have one ABI'
sha256sum rpms/RPMS/*/*.rpm
