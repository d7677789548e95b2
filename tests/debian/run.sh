#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh SUITE... - builds and tests the tree on other releases of Debian, each in a chroot made from
# nothing: README's two commands on the bare system, then `make check` on every allocator, then `make
# deb`. What was committed is tested, as a clone has it. One line for each, with what was skipped and
# why, and a sum at the end; logs are in check-debian/SUITE below the current folder.
#
# Needs root, mmdebstrap and this machine's own apt sources, whose mirror must have the suites.
#
# Environment: JOBS (the processors there are).
# KEEP=yes        the chroots stay, and are taken as they are by the next run; README's commands need
#                 a new one and are left out there
# ONLY="NAME..."  these lines alone: readme, an allocator of packaging/allocators, lto, deb
# NOCHECK=1       `make deb` without the test suites
set -u

source=$(cd "$(dirname "$0")/../.." && pwd)
room=$PWD/check-debian
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
allocators=$(sed '/^#/d; s/ .*//' "$source/packaging/allocators" | tr '\n' ' ')
only=${ONLY:-readme $allocators lto deb}
cache=$room
passed=0 failed=0

. "$source/tests/portability/lib.sh"

stop() {
	echo "check-debian: $*" >&2
	exit 2
}

wanted() {
	case " $only " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# ---- The chroot ----

# A mirror may be kept back at some day, after which its lists have expired.
make_root() {
	rm -rf "$root" "$room/$suite/sources"
	mkdir -p "$room/$suite/sources"
	apt_sources deb "$room/$suite/sources" "$suite" &&
		mmdebstrap --quiet --variant=minbase --include=ca-certificates,git \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			"$suite" "$root" "$room/$suite"/sources/* || return
	for file in /etc/resolv.conf /etc/apt/apt.conf.d/*proxy*; do
		test ! -e "$file" || cp -L "$file" "$root$file"
	done
	# Nobody needs this root after a crash.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/check-debian"
}

# inside COMMAND: by the chroot's shell, in /srv, with the kernel's file systems, which end with it.
inside() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --pid --fork sh -c '
		for folder in /dev /sys; do
			mount --rbind $folder "$0$folder" || exit
		done
		mount -t proc proc "$0/proc" && mount -t tmpfs tmp "$0/tmp" && exec chroot "$0" \
			env -i PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/srv/ccache "$1" -c "cd /srv && $2"' \
		"$root" /bin/sh "$1" </dev/null
}

clone() {
	rm -rf "${root:?}/srv/$1"
	git clone --quiet --no-hardlinks "$source" "$root/srv/$1"
}

# ---- What came of it ----

# Each test that was skipped below a folder, with the reason that it gave.
skips() {
	for result in $(grep -l '^:test-result: SKIP' "$1"/tests/*.trs "$1"/tests/*/*.trs 2>/dev/null); do
		log=${result%.trs}.log
		why=$(grep -i -e skip -e 'not there' -e '^no ' "$log" | head -n 1)
		echo "    skipped: $(basename "${result%.trs}"): $(echo "${why:-no reason given}" |
			sed -e 's/^SKIP: *//' | cut -c 1-100)"
	done
}

# line NAME STATUS FOLDER: of the log $room/SUITE/NAME.log, and the tests in FOLDER, which may be none.
line() {
	log=$room/$suite/$1.log
	counts=$(sed -n 's/^# \(PASS\|SKIP\|FAIL\|ERROR\): *\([1-9][0-9]*\)$/\1 \2/p' "$log" | tr '\n' ' ')
	if test "$2" = 0; then
		passed=$((passed + 1))
		printf '%-9s %-17s passed  %s\n' "$suite" "$1" "$counts"
	else
		failed=$((failed + 1))
		printf '%-9s %-17s FAILED  %s\n' "$suite" "$1" "$counts"
		logs=$(grep -l '^:test-result: \(FAIL\|ERROR\)' "$3"/tests/*.trs "$3"/tests/*/*.trs \
			2>/dev/null | sed 's/trs$/log/')
		for log in ${logs:-"$log"}; do
			echo "    $log ends:"
			tail -n 12 "$log" | sed 's/^/    | /'
		done
	fi
	skips "$3"
}

# run NAME FOLDER COMMAND: inside; its line. FOLDER: below /srv, where tests leave their results.
run() {
	wanted "${1%%-*}" || return 0
	mkdir -p "$room/$suite"
	inside "$3" >"$room/$suite/$1.log" 2>&1
	line "$1" $? "$root/srv/$2"
}

# ---- One suite ----

# A command of README, as it stands there.
readme() {
	sed -n "s/^\(\.\/bootstrap .*make $1\)\$/\1/p" "$source/README.md"
}

# What the suites use on top of what README's commands installed, as `bootstrap` knows it; and a cache
# for the compilers, where this machine has one.
prepare() {
	clone source && mkdir -p "$root/srv/ccache" && inside '
		set -e
		apt-get -qq update
		cd source
		./bootstrap --for matrix --for packages
		apt-get -qq -y --no-install-recommends install ccache || true
	' >"$room/$suite/prepare.log" 2>&1
}

# Distributions' own flags, which `make deb` has too, with link-time optimization on top.
lto='export DEB_BUILD_MAINT_OPTIONS="hardening=+all optimize=+lto"
	set -- CFLAGS="$(dpkg-buildflags --get CFLAGS)" CPPFLAGS="$(dpkg-buildflags --get CPPFLAGS)" \
		LDFLAGS="$(dpkg-buildflags --get LDFLAGS)"'

run_suite() {
	root=$room/$suite/root
	if test -e "$root"; then
		echo "$suite: taken as it is: $root"
	else
		make_root >"$room/$suite.log" 2>&1 || {
			tail -n 5 "$room/$suite.log"
			failed=$((failed + 1))
			echo "$suite: no chroot"
			return
		}
		clone readme
		run readme-demo readme "cd readme && $(readme demo)"
		run readme-check readme "cd readme && $(readme check)"
	fi
	prepare || {
		tail -n 5 "$room/$suite/prepare.log"
		failed=$((failed + 1))
		echo "$suite: bootstrap --for matrix --for packages"
		return
	}
	build="set -e; rm -rf build/\$name; mkdir -p build/\$name; cd build/\$name; ../../source/configure -q --enable-werror"
	for name in $allocators; do
		run $name "build/$name" "name=$name; $build --with-malloc=$name
			make -s -j $jobs && make -j $jobs check zm_once_tests="
	done
	run lto build/lto "name=lto; $lto; $build \"\$@\"
		make -s -j $jobs && make -j $jobs check zm_once_tests="
	run deb build/deb "name=deb; $build && make ${NOCHECK:+NOCHECK=1} deb"
	test "${KEEP:-no}" != no || rm -rf "$root"
}

test $# -gt 0 || stop 'name the suites: run.sh trixie sid'
test "$(id -u)" = 0 || stop 'needs root, to make a chroot'
for command in mmdebstrap:mmdebstrap unshare:util-linux git:git; do
	command -v "${command%:*}" >/dev/null 2>&1 || stop "${command%:*} is missing: apt-get install ${command#*:}"
done
git -C "$source" rev-parse --git-dir >/dev/null 2>&1 || stop "$source is not a git checkout, of which to make a clone"
echo "commit $(git -C "$source" log -1 --format='%h %s')"
for suite in "$@"; do
	mkdir -p "$room/$suite"
	run_suite
done
echo "$passed passed, $failed failed"
test $failed = 0
