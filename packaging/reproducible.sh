#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# reproducible.sh SOURCE DISTDIR VERSION - the tarball DISTDIR.tar.*, deb/ and rpms/ of this folder have the
# same bytes when they are made anew from a clone of SOURCE elsewhere, by someone with another umask, time
# zone, language and home, some time later. Leaves the suites out: they write nothing into a package.
#
# The clone has what is committed: with changes in SOURCE that are not, the tarballs differ. RPMs are made
# in this folder again, whose name is in them.
set -eu

source=$(cd "$1" && pwd) distdir=$2 version=$3
here=$(pwd)
other=$here/room/reproducible/a-longer-name-than-the-first

git -C "$source" rev-parse --git-dir >/dev/null 2>&1 || {
	echo 'check-reproducible: not a git checkout, nothing to make a second tarball from' >&2
	exit 1
}
git -C "$source" diff --quiet HEAD || echo 'check-reproducible: there are changes that are not committed'

rm -rf "$here/room/reproducible"
mkdir -p "$other/home" "$other/build"
git clone -q "$source" "$other/source"

run() {
	log=$here/room/reproducible/$1.log
	shift
	"$@" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		echo "check-reproducible: failed in $log" >&2
		exit 1
	}
}

same=yes
# compare FOLDER FILE...: each here and in the other folder.
compare() {
	there=$1
	shift
	for file in "$@"; do
		first=$(cd "$here" && sha256sum "$file") second=$(cd "$there" && sha256sum "$file")
		if test "$first" = "$second"; then
			echo "same  $first"
		else
			echo "other $first"
			echo "   to $second"
			same=no
		fi
	done
}

cd "$other/build"
umask 0077
unset MAKEFLAGS MFLAGS MAKELEVEL SOURCE_DATE_EPOCH
TZ=Pacific/Kiritimati LANG=C.UTF-8 LC_ALL=C.UTF-8 HOME=$other/home
export TZ LANG LC_ALL HOME
run bootstrap sh "$other/source/bootstrap" --no-install
run configure sh "$other/source/configure" -q
run dist make dist
mkdir "$other/first"
mv "$here/rpms" "$other/first"
# Side by side: much of each is one command at a time.
run deb make deb NOCHECK=1 &
deb=$!
cd "$here"
run rpm env NOCHECK=1 sh "$other/source/packaging/rpm.sh" "$other/build/$distdir.tar.xz" "$version" \
	"$other/source/rpm/libzmalloc.spec"
wait $deb

compare "$other/build" "$distdir.tar.gz" "$distdir.tar.xz" deb/*.deb deb/*.dsc deb/*.debian.tar.xz
compare "$other/first" rpms/RPMS/*/*.rpm rpms/SRPMS/*.rpm
test $same = yes || {
	echo 'check-reproducible: the builds differ' >&2
	exit 1
}
echo 'two builds, the same bytes'
