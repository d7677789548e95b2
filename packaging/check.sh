#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check.sh deb TARBALL   - the packages in deb/, as their users meet them: installed by apt from a local
#                          repository into a Debian 12 made from nothing; upgraded, built against,
#                          swapped through every allocator, removed without a trace
# check.sh dep8 TARBALL  - debian/tests, run by autopkgtest on the packages in deb/, in such a Debian
# check.sh missing TARBALL - `make deb` and `make rpm` in such a Debian without one of the allocators must
#                          end with the name of what is missing, and before anything is compiled
# check.sh readme TARBALL - README's two commands on a Debian 12 made from nothing, as root and as a
#                          user with sudo
#
# Needs root and mmdebstrap. Works in room/MODE/, with this machine's own apt sources for the mirror, so that
# several can run side by side.
set -eu

mode=$1 tarball=$2
here=$(cd "$(dirname "$0")" && pwd)
base=$(pwd)/room/base.tar
room=$(pwd)/room/$mode
root=$room/root
old=1.0~test1-1
new=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$here/../debian/changelog")
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

for need in mmdebstrap:mmdebstrap dpkg-scanpackages:dpkg-dev unshare:util-linux; do
	command -v "${need%:*}" >/dev/null 2>&1 || {
		echo "check-packages: ${need%:*} is missing: apt-get install ${need#*:}" >&2
		exit 1
	}
done
test "$(id -u)" = 0 || { echo 'check-packages: needs root, to make a chroot' >&2; exit 1; }

# Debian's own entries among this machine's sources.
apt_sources() {
	grep -ls '^Signed-By: .*debian-archive-keyring\|^deb .*debian' /etc/apt/sources.list \
		/etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list || :
}

# persist LOG COMMAND...: a network that is away is waited for, up to ten minutes, which the steps beside this one
# take anyway; any other failure is one at once.
persist() {
	log=$1
	shift
	for pause in 10 20 40 80 160 320 no; do
		! "$@" >"$log" 2>&1 || return 0
		grep -q 'Failed to fetch\|failed to download\|download failed\|Temporary failure\|Could not connect\|Could not resolve' \
			"$log" || break
		test $pause != no || break
		echo "check-packages: tried again in $pause s:"
		grep '^E:\|^Err\|^  ' "$log" | head -n 20
		sleep $pause
	done
	echo "check-packages: given up: $*"
	tail -n 100 "$log"
	return 1
}

debstrap() {
	rm -f "$base.new.tar"
	# shellcheck disable=SC2046 # a list of files
	mmdebstrap --verbose --variant=minbase --aptopt='Acquire::Retries "5"' bookworm "$base.new.tar" $(apt_sources)
}

# A Debian 12 from nothing; kept as a tarball, since making one is the slowest part. Whoever comes while
# another makes it waits for that.
make_base() {
	flock 9
	test ! -e "$base" || return 0
	persist "$base.log" debstrap
	mv "$base.new.tar" "$base"
}

make_root() {
	mkdir -p "$room"
	make_base 9>"$base.lock"
	rm -rf "$root"
	mkdir "$root"
	tar xf "$base" -C "$root" --exclude='./dev/*'
	mkdir -p "$root/srv"
	for file in /etc/resolv.conf /etc/apt/apt.conf.d/*proxy*; do
		test ! -e "$file" || cp -L "$file" "$root$file"
	done
	# Nobody needs this root after a crash.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/check-packages"
	# A download that breaks off is tried again, and lists that come in part are an error.
	echo 'Acquire::Retries "5"; APT::Update::Error-Mode "any";' >"$root/etc/apt/apt.conf.d/80-check-packages"
}

# beside COMMAND...: with /proc and /dev in the chroot, which end with the command.
beside() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --pid --fork sh -c '
		mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec "$@"' "$root" "$@"
}

# inside COMMAND...: in the chroot.
inside() {
	beside chroot "$root" "$@"
}

say() {
	echo "+ $*"
	inside "$@"
}

apt() {
	echo "+ apt-get $*"
	persist "$room/apt.log" inside apt-get -qq -y --no-install-recommends "$@"
	grep -E '^(Removing|Setting up|Purging).*zmalloc' "$room/apt.log" || :
}

wrong() {
	echo "check-packages: $*" >&2
	exit 1
}

# ---- The packages ----

# The packages of before: the same, but for the version and a file that the upgrade must take away.
make_old() {
	rm -rf "$room/old"
	dpkg-deb -R "$1" "$room/old"
	sed -i "s/$new/$old/g" "$room/old/DEBIAN/control"
	mkdir -p "$room/old/usr/share/doc/$(dpkg-deb -f "$1" Package)"
	echo old >"$room/old/usr/share/doc/$(dpkg-deb -f "$1" Package)/of-test1"
	dpkg-deb --root-owner-group -b "$room/old" "$root/srv/repo" >/dev/null
}

make_repository() {
	mkdir -p "$root/srv/repo"
	for package in deb/*.deb; do
		case $package in
		*-dbgsym_*) continue ;;
		esac
		cp "$package" "$root/srv/repo"
		make_old "$package"
	done
	(cd "$root/srv/repo" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
	echo 'deb [trusted=yes] file:/srv/repo ./' >"$root/etc/apt/sources.list.d/local.list"
}

# Every path but what apt and dpkg keep for themselves, and every package.
snapshot() {
	# shellcheck disable=SC2016 # awk's fields
	(cd "$root" && find . \( -path ./proc -o -path ./dev -o -path ./srv -o -path ./tmp -o -path ./root \
		-o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/log -o -path './var/lib/dpkg/*-old' \
		\) -prune -o -print | sort) >"$room/$1.files"
	inside dpkg -l | awk '/^[a-z][a-z] / { print $1, $2, $3 }' >"$room/$1.packages"
}

# What the binary of README says, and which package gave it the library.
ask_binary() {
	said=$(inside sh -c 'cd /srv/consumer && ./hello-pkg-config')
	sum=$(sha256sum "$root/srv/consumer/hello-pkg-config" | cut -c 1-16)
	printf '%-30s %s  hello %s\n' "$1" "$said" "$sum"
	case $said in
	*" on $2"*) ;;
	*) wrong "that is not the allocator of $1" ;;
	esac
}

check_deb() {
	make_root
	make_repository
	mkdir -p "$root/srv/consumer" "$root/srv/source/tests"
	cp -r "$here/../README.md" "$root/srv/source"
	cp -r "$here/../tests/consumer" "$root/srv/source/tests"

	apt update
	apt install gcc g++ libc6-dev make pkg-config cmake autoconf automake
	snapshot before

	# Whoever has chosen an allocator has it after an upgrade too.
	for package in libzmalloc1-mimalloc libzmalloc1; do
		apt install "$package=$old" "libzmalloc-dev=$old" "zmalloc-tools=$old"
		apt upgrade
		for installed in "$package" libzmalloc-dev zmalloc-tools; do
			test "$(inside dpkg-query -W -f '${db:Status-Abbrev}${Version}' $installed)" = "ii $new" ||
				wrong "$installed was not upgraded to $new"
		done
		find "$root/usr/share/doc" -name of-test1 | grep . && wrong 'a file of the old version is left'
		test "$package" = libzmalloc1 || apt purge libzmalloc1-mimalloc libzmalloc-dev zmalloc-tools
	done

	apt install libjemalloc-dev
	say sh -c 'cd /srv/consumer && sh /srv/source/tests/consumer/build.sh pkg-config c++ static cmake autoconf'
	say zmalloc info

	for flavour in $(awk -f "$here/flavours.awk" "$here/allocators"); do
		package=libzmalloc1${flavour%:*}
		test "$package" = libzmalloc1 || package=libzmalloc1-${flavour%:*}
		apt install "$package"
		ask_binary "$package" "${flavour#*:}"
		inside dpkg-query -W -f '${db:Status-Abbrev}' zmalloc-tools libzmalloc-dev | grep -qv '^ii ii ' &&
			wrong 'the swap took away a program that needs the library'
		if inside dpkg --remove "$package" >"$room/remove.log" 2>&1; then
			wrong "$package could be removed from under zmalloc-tools"
		fi
		grep 'zmalloc-tools depends on libzmalloc1' "$room/remove.log" || wrong "$(cat "$room/remove.log")"
	done
	cmp_symbols

	apt purge 'libzmalloc*' zmalloc-tools libjemalloc-dev
	apt autoremove --purge
	snapshot after
	diff "$room/before.packages" "$room/after.packages" || wrong 'packages are left behind'
	diff "$room/before.files" "$room/after.files" || wrong 'files are left behind'
	echo 'removed and purged: not a file is left'
}

# The packages of all allocators say the same of their symbols.
cmp_symbols() {
	for package in deb/libzmalloc1_*.deb deb/libzmalloc1-*.deb; do
		case $package in
		*-dbgsym_*) ;;
		*) dpkg-deb -I "$package" symbols | sha256sum ;;
		esac
	done | sort | uniq -c | {
		read -r count sum rest
		test "$count" = 5 || wrong 'the packages differ in their symbols'
		echo "symbols of 5 packages: the same, $sum$rest"
	}
}

# ---- The packages' own tests ----

check_dep8() {
	command -v autopkgtest >/dev/null 2>&1 || {
		echo 'check-packages: autopkgtest is missing: apt-get install autopkgtest' >&2
		exit 1
	}
	make_root
	set --
	for package in deb/*.deb; do
		case $package in
		*-dbgsym_*) ;;
		*) set -- "$@" "$package" ;;
		esac
	done
	# It makes this folder itself, and takes none that is there.
	rm -rf "$room/dep8"
	beside autopkgtest --apt-upgrade --output-dir="$room/dep8" "$@" deb/*.dsc -- chroot "$root" \
		>"$room/dep8.log" 2>&1 || {
		tail -n 60 "$room/dep8.log"
		wrong "debian/tests: the whole is in $room/dep8"
	}
	for test in swap tool build-and-run; do
		sed "s/^/$test: /" "$room/dep8/$test-stdout"
		grep -q "^$test  *PASS" "$room/dep8/summary" || wrong "debian/tests: $test did not pass"
	done
	cat "$room/dep8/summary"
}

# ---- Without an allocator ----

# refuse TARGET NAME COMMAND...: the command must fail, name what is missing and have compiled nothing.
refuse() {
	target=$1 name=$2
	shift 2
	start=$(date +%s)
	if inside sh -c "cd /srv/build && $*" >"$room/refuse.log" 2>&1; then
		wrong "make $target did without $name"
	fi
	said=$(grep -m 1 -w -e "$name" "$room/refuse.log") || {
		cat "$room/refuse.log"
		wrong "make $target did not name $name"
	}
	find "$root/srv/build" -name '*.o' | grep . && wrong "make $target compiled before it missed $name"
	echo "make $target after $(($(date +%s) - start)) s: $said"
}

check_missing() {
	make_root
	mkdir -p "$root/srv/source" "$root/srv/build"
	tar xf "$tarball" -C "$root/srv/source" --strip-components=1
	cp "$tarball" "$root/srv/build"
	allocators=$(awk '!/^#/ && $3 != "-" && !seen[$3]++ { print $3 }' "$here/allocators" | tr '\n' ' ')
	version=${new%-*} archive=$(basename "$tarball")
	apt update
	# shellcheck disable=SC2086 # a list of packages
	apt install build-essential fakeroot debhelper pkg-config check libdw-dev libncurses-dev systemtap-sdt-dev zlib1g-dev xz-utils rpm $allocators
	for name in $allocators; do
		grep -q "^ *\(Build-Depends: \)\?$name,\?$" "$here/../debian/control" ||
			wrong "$name is no build dependency"
		inside dpkg --remove --force-depends "$name" >"$room/remove.log" 2>&1 ||
			wrong "$(cat "$room/remove.log")"
		refuse deb "$name" sh /srv/source/packaging/deb.sh "$archive" "$version"
		refuse rpm "$name" sh /srv/source/packaging/rpm.sh "$archive" "$version" \
			/srv/source/rpm/libzmalloc.spec
		apt install "$name"
	done
}

# ---- README ----

check_readme() {
	for user in root anna; do
		make_root
		apt update
		apt install sudo ca-certificates
		test $user = root || inside useradd -m -s /bin/sh $user
		echo "anna ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/anna"
		grep '^\./bootstrap' "$here/../README.md" | while read -r line; do
			rm -rf "$root/srv/source"
			mkdir "$root/srv/source"
			tar xf "$tarball" -C "$root/srv/source" --strip-components=1
			inside chown -R $user /srv/source
			echo "$user: $line"
			inside su $user -c "cd /srv/source && $line" >"$room/readme.log" 2>&1 || {
				tail -n 60 "$room/readme.log"
				wrong "README: $line"
			}
			tail -n 14 "$room/readme.log"
		done
	done
}

case $mode in
deb) check_deb ;;
dep8) check_dep8 ;;
missing) check_missing ;;
readme) check_readme ;;
*) echo "check.sh: unknown mode $mode" >&2; exit 2 ;;
esac
