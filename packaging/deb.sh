#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deb.sh TARBALL VERSION - Debian packages from the tarball of `make dist`, into deb/; where lintian is
# there, it must find nothing in the source and binary packages that is not overridden with a reason.
set -eu

tarball=$1 version=$2

for need in dpkg-buildpackage:dpkg-dev dh:debhelper fakeroot:fakeroot; do
	command -v "${need%:*}" >/dev/null 2>&1 || {
		echo "make deb: ${need%:*} is missing: apt-get install ${need#*:}" >&2
		exit 1
	}
done

rm -rf deb
mkdir deb
tar xf "$tarball" -C deb
cp "$tarball" "deb/libzmalloc_$version.orig.tar.xz"
cd "deb/libzmalloc-$version"

packaged=$(dpkg-parsechangelog -S Version)
test "${packaged%-*}" = "$version" || {
	echo "make deb: debian/changelog is of $packaged, the tarball of $version" >&2
	exit 1
}

# An allocator that is missing is named before anything is built. The time of everything is that of
# the changelog, whatever the caller had set.
dpkg-checkbuilddeps || {
	echo "make deb: install these first: apt-get build-dep ./ does it" >&2
	exit 1
}
unset SOURCE_DATE_EPOCH MAKEFLAGS MFLAGS MAKELEVEL TAR_OPTIONS
DEB_BUILD_OPTIONS="parallel=$(nproc) ${NOCHECK:+nocheck} ${DEB_BUILD_OPTIONS-}"
export DEB_BUILD_OPTIONS
dpkg-buildpackage -us -uc >../build.log 2>&1 || {
	tail -n 40 ../build.log >&2
	echo "make deb: failed; the whole log is deb/build.log" >&2
	exit 1
}
cd ..
rm -rf "libzmalloc-$version"
# One line for each allocator's suite.
grep -E '^# (TOTAL|PASS|SKIP|FAIL|ERROR):' build.log | tr -s ' ' | paste -d ' ' - - - - - || :

if command -v lintian >/dev/null 2>&1; then
	# Debian 12's knows the fields of its time; dpkg knows this one.
	suppress=
	fields=/usr/share/lintian/data/fields/binary-fields
	test -e $fields && ! grep -q '^Static-Built-Using$' $fields && suppress='--suppress-tags unknown-field'
	# The packages are written for the policy and the tools of Debian 12: what other releases' lintian
	# finds in that alone is no matter.
	#
	# Its --fail-on experimental counts what is overridden too: a tag that it shows is what fails.
	old='out-of-date-standards-version|newer-standards-version|older-debian-watch-file-standard'
	old="$old|package-uses-old-debhelper-compat-version|redundant-priority-optional-field"
	old="$old|redundant-rules-requires-root-no-field"
	# An override of a tag that has been given up since.
	old="$old|alien-tag exit-in-shared-library"
	if ! lintian --allow-root $suppress --pedantic -EIi --fail-on none ./*.changes >lintian.log 2>&1 ||
		grep '^[A-MO-Z]: ' lintian.log | grep -Evw "$old"; then
		cat lintian.log >&2
		echo 'make deb: lintian has found something' >&2
		exit 1
	fi
	echo 'lintian --pedantic -EIi: no tag'
else
	echo 'lintian is not there: left out'
fi
sha256sum ./*.deb
