#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# rpm.sh TARBALL VERSION SPEC - RPM packages from the tarball of `make dist`, into rpms/RPMS and
# rpms/SRPMS, installed into a root of their own and compiled against there.
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

rm -rf rpms
mkdir -p rpms/SOURCES rpms/consumer
cp "$tarball" rpms/SOURCES

# Where packages come from dpkg, rpm knows of none and cannot tell what is installed: configure does,
# and names what is missing.
nodeps=
command -v dpkg-query >/dev/null 2>&1 && nodeps=--nodeps

# The time of the changelog, and no machine's name: the same bytes wherever it is built.
unset SOURCE_DATE_EPOCH MAKEFLAGS MFLAGS MAKELEVEL TAR_OPTIONS
rpmbuild -ba $nodeps ${NOCHECK:+--nocheck} --define "_topdir $(pwd)/rpms" \
	--define '_buildhost localhost' --define 'source_date_epoch_from_changelog 1' \
	--define 'use_source_date_epoch_as_buildtime 1' \
	--define 'clamp_mtime_to_source_date_epoch 1' "$spec" >rpms/build.log 2>&1 || {
	tail -n 40 rpms/build.log >&2
	echo 'make rpm: failed; the whole log is rpms/build.log' >&2
	exit 1
}

if command -v rpmlint >/dev/null 2>&1; then
	rpmlint -c "$source/rpm/rpmlint.toml" "$spec" rpms/RPMS/*/*.rpm || exit 1
else
	echo 'rpmlint is not there: left out'
fi

# One flavour and -devel, as their users have them, and README's program against that.
root=$(pwd)/rpms/root
packages=$(ls rpms/RPMS/*/libzmalloc-"$version"-*.rpm rpms/RPMS/*/libzmalloc-devel-*.rpm)
mkdir -p "$root"
rpm --root "$root" --dbpath /var/lib/rpm --initdb
# shellcheck disable=SC2086 # a list of packages
rpm --root "$root" --dbpath /var/lib/rpm --nodeps --noscripts -i $packages
pc=$(find "$root" -name zmalloc.pc)
lib=$(dirname "$(dirname "$pc")")
PATH=$PATH:/sbin ldconfig -n "$lib"
cd rpms/consumer
PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$(dirname "$pc") LD_LIBRARY_PATH=$lib \
	sh "$source/tests/consumer/build.sh" pkg-config
cd ../..
sha256sum rpms/RPMS/*/*.rpm
