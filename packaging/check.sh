#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check.sh deb TARBALL   - the packages in deb/, as their users meet them: installed by apt from a local
#                          repository into a Debian 12 made from nothing; upgraded, built against, all
#                          allocators side by side and each of them the machine's and a service's;
#                          removed without a trace
# check.sh rpm TARBALL   - the same of the RPM packages in room/rpms, installed by rpm into such a Debian, whose own
#                          packages it does not know
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
old=1.0.0-1
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

# persist LOG COMMAND...: a network that is away is waited for, up to five minutes; any other failure is one at once.
# "download failed" is what mmdebstrap says of any failure of apt's.
persist() {
	log=$1
	shift
	for pause in 10 20 40 80 160 no; do
		! "$@" >"$log" 2>&1 || return 0
		grep -q 'Failed to fetch\|failed to download\|Temporary failure\|Could not connect\|Could not resolve' \
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

# The descriptors that make, the lock and whoever called left open are closed for it: apt has the shell write into a pipe
# of its, by number, and to dash a number of two digits is a syntax error.
debstrap() {
	rm -f "$base.new.tar"
	# shellcheck disable=SC2046 # a list of files
	mmdebstrap --verbose --variant=minbase --aptopt='Acquire::Retries "5"' bookworm "$base.new.tar" $(apt_sources) \
		3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
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

# ---- One library on several allocators, side by side ----

# Whoever calls these says how in base_name, the first package's name; lib, the loader's folder; alternative, its
# name; add, renew and take, the commands that install packages, install them again, and remove them.

# Of each allocator, as flavours.awk has it, its 1st, 2nd or 3rd: its name, its package, what it says.
split_all() {
	awk -v base="$base_name" -f "$here/flavours.awk" "$here/allocators" | cut -d : -f "$1"
}

# One of them, as name, package and says.
split() {
	name=${1%%:*} says=${1##*:} package=${1#*:}
	package=${package%:*}
}

# What the binary of README says, which is the same all the time, and who gave it the library.
#
# ask_binary SAYS WHO [COMMAND...]: the command is the binary's, in its folder, or runs it there.
ask_binary() {
	says=$1 who=$2
	shift 2
	test $# != 0 || set -- ./hello-pkg-config
	said=$(inside env -C /srv/consumer "$@" 2>&1) || wrong "$who: $said"
	sum=$(sha256sum "$root/srv/consumer/hello-pkg-config" | cut -c 1-16)
	printf '%-50s %s  hello %s\n' "$who" "$said" "$sum"
	case $said in
	*" on $says"*) ;;
	*) wrong "$who: that is not the allocator" ;;
	esac
}

# The machine's library is that of an allocator.
is_machines() {
	is=$(inside readlink -f "$lib/libzmalloc.so.1")
	test "$is" = "$lib/zmalloc/$1/libzmalloc.so.1.0.0" || wrong "$2: $lib/libzmalloc.so.1 is $is, not that of $1"
}

make_consumer() {
	mkdir -p "$root/srv/consumer" "$root/srv/source/tests"
	cp -r "$here/../README.md" "$root/srv/source"
	cp -r "$here/../tests/consumer" "$root/srv/source/tests"
}

has_news() {
	find "$root/usr/share/doc/$1" "$root/usr/share/doc/$1-${new%-*}" -name 'NEWS*' 2>/dev/null | grep -q . ||
		wrong "$1 has no NEWS"
}

choose() {
	inside update-alternatives --quiet --set "$alternative" "$lib/zmalloc/$1/libzmalloc.so.1"
	is_machines "$1" 'update-alternatives --set'
}

# One alone is the machine's. The others come beside it, each a service's for the asking; which is the machine's
# follows from the list until one is chosen.
check_beside() {
	flavours=$(split_all 1-3) first=$(split_all 1 | head -n 1) last=$(split_all 1 | tail -n 1)
	for flavour in $flavours; do
		split "$flavour"
		test "$name" = "$first" || $add "$package"
		is_machines "$first" "with $package"
		has_news "$package"
	done
	said=$(inside zmalloc run --malloc=other true 2>&1) && wrong "zmalloc run --malloc=other: $said"
	echo "$said"
	case $said in
	*"; installed: $(split_all 1 | paste -s -d, - | sed 's/,/, /g')") ;;
	*) wrong 'these are not the allocators that are installed' ;;
	esac
	inside update-alternatives --query "$alternative" | awk '
		/^Alternative:/ { path = $2 }
		/^Priority:/ { print "priority " $2 ": " path }' | sort -r
	for flavour in $flavours; do
		split "$flavour"
		# There what printf() holds at its end is in the account, so that it ends with 1.
		ask_binary "$says" "zmalloc run --malloc=$name" \
			zmalloc run --malloc="$name" sh -c './hello-pkg-config || test $? = 1'
		ask_binary "$says" "LD_LIBRARY_PATH=.../zmalloc/$name" \
			LD_LIBRARY_PATH="$lib/zmalloc/$name" ./hello-pkg-config
	done
	for flavour in $flavours; do
		split "$flavour"
		choose "$name"
		ask_binary "$says" "update-alternatives --set $name"
	done
	# That stays, whatever comes anew.
	# shellcheck disable=SC2046 # a list of packages
	$renew $(split_all 2)
	is_machines "$last" 'what was chosen, after all were installed again'
}

# The machine's, once removed, is followed by the best of those left, also where it was chosen; not the last, under
# a program that needs it, as is said then. Each alone is enough for these.
check_removal() {
	choose mimalloc
	$take $base_name-mimalloc
	is_machines "$first" 'without the one that was chosen'
	$add $base_name-mimalloc
	for flavour in $flavours; do
		split "$flavour"
		is_machines "$name" 'the best of those left'
		ask_binary "$says" "the best of those left: $name"
		if $take "$package" >"$room/remove.log" 2>&1; then
			test "$name" != "$last" || wrong "$package could be removed from under zmalloc-tools"
		else
			test "$name" = "$last" || wrong "$(cat "$room/remove.log")"
		fi
	done
	grep "$1" "$room/remove.log" || wrong "$(cat "$room/remove.log")"
	is_machines "$last" 'the last'
}

# ---- Debian's packages ----

# The packages of before: the allocators' conflicted with one another, and each had the library in the loader's own
# folder. One file more, which the upgrade must take away.
make_old() {
	name=$(dpkg-deb -f "$1" Package)
	rm -rf "$room/old"
	dpkg-deb -R "$1" "$room/old"
	sed -i "s/$new/$old/g" "$room/old/DEBIAN/control"
	rm -f "$room/old/DEBIAN/md5sums"
	case $name in
	libzmalloc-dev) ln -sf libzmalloc.so.1.0.0 "$room/old/usr/lib/$triplet/libzmalloc.so" ;;
	libzmalloc1*)
		others=$(split_all 2 | grep -vx "$name" | paste -s -d, -)
		printf 'Conflicts: %s\nReplaces: %s\n' "$others" "$others" >>"$room/old/DEBIAN/control"
		rm "$room/old/DEBIAN/postinst" "$room/old/DEBIAN/prerm"
		mv "$room/old/usr/lib/$triplet"/zmalloc/*/* "$room/old/usr/lib/$triplet"
		rm -r "$room/old/usr/lib/$triplet/zmalloc"
		;;
	esac
	echo old >"$room/old/usr/share/doc/$name/of-before"
	dpkg-deb --root-owner-group -b "$room/old" "$root/srv/repo" >/dev/null
}

make_repository() {
	mkdir -p "$root/srv/repo"
	for file in deb/*.deb; do
		case $file in
		*-dbgsym_*) continue ;;
		esac
		cp "$file" "$root/srv/repo"
		make_old "$file"
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

is_installed() {
	for one in "$@"; do
		status=$(inside dpkg-query -W -f '${db:Status-Abbrev}${Version}' "$one")
		test "$status" = "ii $new" || wrong "$one is '$status', not $new"
	done
}

# Whoever has chosen an allocator has it after an upgrade too, and can have another beside it at once.
check_upgrade() {
	for flavour in mimalloc:libzmalloc1-mimalloc libc:libzmalloc1-libc jemalloc:libzmalloc1; do
		name=${flavour%:*} package=${flavour#*:} beside=
		test "$name" != libc || beside=libzmalloc1-tcmalloc-minimal
		apt install "$package=$old" "libzmalloc-dev=$old" "zmalloc-tools=$old"
		test -e "$root$lib/libzmalloc.so.1.0.0" ||
			wrong "$package $old has no library where it was"
		if test -z "$beside"; then
			apt upgrade
			is_machines "$name" "$package $old to $new"
		else
			apt install "$beside" "$package" libzmalloc-dev zmalloc-tools
			is_machines tcmalloc_minimal "$package $old to $new, with $beside"
		fi
		is_installed "$package" libzmalloc-dev zmalloc-tools $beside
		find "$root/usr/share/doc" -name of-before | grep . && wrong 'a file of the old version is left'
		say zmalloc --version
		test "$name" = jemalloc || apt purge "$package" libzmalloc-dev zmalloc-tools $beside
	done
}

check_dependencies() {
	printf 'Source: hello\n\nPackage: hello\nArchitecture: any\n' >"$root/srv/consumer/debian/control"
	for flavour in $flavours; do
		split "$flavour"
		choose "$name"
		depends=$(inside env -C /srv/consumer dpkg-shlibdeps -O -e./hello-pkg-config 2>"$room/shlibdeps.log")
		case $depends in
		*libzmalloc1-*) wrong "a package built on $package: $depends" ;;
		*'libzmalloc1 (>= 1.0~)'*) ;;
		*) wrong "a package built on $package: $depends" ;;
		esac
	done
	echo "a package built on any of them: $depends"
}

check_deb() {
	make_root
	triplet=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
	base_name=libzmalloc1 lib=/usr/lib/$triplet alternative=libzmalloc.so.1-$triplet
	add='apt install' renew='apt install --reinstall' take='inside dpkg --remove'
	make_repository
	make_consumer
	mkdir "$root/srv/consumer/debian"
	cp "$here/services.sh" "$root/srv"
	# A server is started by who asks for it, and on its own.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"

	apt update
	apt install gcc g++ libc6-dev make pkg-config cmake autoconf automake dpkg-dev redis-server python3-minimal
	snapshot before

	check_upgrade
	apt install libjemalloc-dev
	say sh -c 'cd /srv/consumer && sh /srv/source/tests/consumer/build.sh pkg-config c++ static cmake autoconf'
	say zmalloc info
	has_news libzmalloc-dev
	has_news zmalloc-tools
	check_beside
	check_dependencies
	say sh /srv/services.sh
	check_removal 'zmalloc-tools depends on libzmalloc1'
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

# ---- The RPMs ----

# rpm knows of nothing of this Debian, so what the packages need of it is not asked for.
add_rpms() {
	echo "+ rpm -U $*"
	inside rpm --nodeps -U "$@" >"$room/rpm.log" 2>&1 || wrong "$(cat "$room/rpm.log")"
	# Of a scriptlet that fails it only warns. The link is mended where an old library was given it.
	! grep -i 'warning\|error' "$room/rpm.log" | grep -v 'forcing reinstallation' || wrong 'rpm is not content'
}

add_rpm() {
	for one in "$@"; do
		add_rpms "/srv/rpms/$one.rpm"
	done
}

renew_rpm() {
	for one in "$@"; do
		add_rpms --replacepkgs "/srv/rpms/$one.rpm"
	done
}

take_rpms() {
	inside rpm -e "$@" >"$room/erase.log" 2>&1 || {
		cat "$room/erase.log"
		return 1
	}
	! grep -i 'warning\|error' "$room/erase.log" || wrong "rpm -e $* is not content"
}

# Those of before: the library in the loader's own folder under a name of its own, ldconfig making the link; and the
# tool by another name.
make_old_rpms() {
	mkdir -p "$room/old"
	rpm --root "$room/old" --dbpath /var/lib/rpm --nodeps --noscripts -i room/rpms/*.rpm >"$room/old.log" 2>&1 ||
		wrong "$(cat "$room/old.log")"
	cat >"$room/old.spec" <<-END
		Name: libzmalloc
		Version: ${new%-*}
		Release: 1
		Summary: Before
		License: BSD-2-Clause
		Conflicts: libzmalloc-mimalloc
		%description
		Before.
		%package mimalloc
		Summary: Before
		Provides: libzmalloc = %{version}-%{release}
		Provides: libzmalloc%{?_isa} = %{version}-%{release}
		Conflicts: libzmalloc
		%description mimalloc
		Before.
		%package tools
		Summary: Before
		Requires: libzmalloc%{?_isa} >= %{version}
		%description tools
		Before.
		%package other
		Summary: Calls ldconfig
		Requires: libzmalloc
		%description other
		Calls ldconfig.
		%install
		mkdir -p %{buildroot}%{_libdir}/zmalloc %{buildroot}%{_bindir}
		for name in jemalloc mimalloc; do
		    cp $room/old%{_libdir}/zmalloc/\$name/libzmalloc.so.1.0.0 %{buildroot}%{_libdir}/libzmalloc-\$name.so.1.0.0
		done
		ln -s libzmalloc-jemalloc.so.1.0.0 %{buildroot}%{_libdir}/libzmalloc.so.1
		cp $room/old%{_libdir}/zmalloc/libzmalloc_preload.so %{buildroot}%{_libdir}/zmalloc
		cp $room/old%{_bindir}/zmalloc %{buildroot}%{_bindir}
		%post -p /sbin/ldconfig
		%postun -p /sbin/ldconfig
		%post mimalloc -p /sbin/ldconfig
		%postun mimalloc -p /sbin/ldconfig
		%post other -p /sbin/ldconfig
		%files other
		%files
		%{_libdir}/libzmalloc-jemalloc.so.1.0.0
		%ghost %{_libdir}/libzmalloc.so.1
		%files mimalloc
		%{_libdir}/libzmalloc-mimalloc.so.1.0.0
		%ghost %{_libdir}/libzmalloc.so.1
		%files tools
		%{_bindir}/zmalloc
		%dir %{_libdir}/zmalloc
		%{_libdir}/zmalloc/libzmalloc_preload.so
	END
	rpmbuild -bb --define "_topdir $room/rpmbuild" --define "_rpmdir $root/srv/old" \
		--define '_rpmfilename %%{NAME}.rpm' "$room/old.spec" >"$room/old.log" 2>&1 || wrong "$(cat "$room/old.log")"
}

check_rpm() {
	make_root
	base_name=libzmalloc lib=$(rpm --eval '%{_libdir}') alternative=libzmalloc.so.1-$(rpm --eval '%{_arch}')
	add=add_rpm renew=renew_rpm take=take_rpms
	make_consumer
	rm -rf "$room/old" "$room/rpmbuild"
	mkdir -p "$root/srv/rpms"
	for file in room/rpms/*.rpm; do
		cp "$file" "$root/srv/rpms/$(rpm -q --qf '%{NAME}' -p "$file" 2>/dev/null).rpm"
	done
	make_old_rpms
	# What is there before any package where there are RPMs: this folder is the loader's.
	echo "$lib" >"$root/etc/ld.so.conf.d/rpm.conf"
	mkdir -p "$root$lib/cmake" "$root$lib/pkgconfig" "$root/usr/share/licenses"
	apt update
	# shellcheck disable=SC2046 # a list of packages
	apt install rpm gcc libc6-dev pkg-config libdw1 libncursesw6 \
		$(awk '!/^#/ && $3 != "-" && !seen[$3]++ { print $3 }' "$here/allocators")
	inside rpm --initdb
	snapshot before

	# The second time a package that comes along calls ldconfig while the old library is still there.
	for flavour in mimalloc:libzmalloc-mimalloc: jemalloc:libzmalloc:/srv/old/libzmalloc-other.rpm; do
		split "$flavour"
		add_rpms "/srv/old/$package.rpm" /srv/old/libzmalloc-tools.rpm
		say zmalloc --version
		# shellcheck disable=SC2086 # one more, or none
		add_rpms "/srv/rpms/$package.rpm" /srv/rpms/zmalloc-tools.rpm $says
		inside ldconfig
		is_machines "$name" "$package $old to $new"
		say zmalloc --version
		inside rpm -q libzmalloc-tools >"$room/rpm.log" && wrong 'libzmalloc-tools is still there'
		find "$root$lib" -name 'libzmalloc-*' | grep . && wrong 'a file of the old version is left'
		test -n "$says" || take_rpms zmalloc-tools "$package"
	done

	add_rpm libzmalloc-devel
	say sh -c "cd /srv/consumer && PKG_CONFIG_PATH=$lib/pkgconfig sh /srv/source/tests/consumer/build.sh pkg-config"
	has_news libzmalloc-devel
	has_news zmalloc-tools
	check_beside
	check_removal 'is needed by (installed) zmalloc-tools'

	# shellcheck disable=SC2046 # a list of packages
	take_rpms $(inside rpm -qa)
	inside ldconfig
	snapshot after
	diff "$room/before.files" "$room/after.files" || wrong 'files are left behind'
	echo 'removed: not a file is left'
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
rpm) check_rpm ;;
dep8) check_dep8 ;;
missing) check_missing ;;
readme) check_readme ;;
*) echo "check.sh: unknown mode $mode" >&2; exit 2 ;;
esac
