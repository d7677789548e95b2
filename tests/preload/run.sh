#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/preload/run.sh - real programs under `zmalloc run`, on each allocator: `make check-preload`, from a build
# folder whose tool and preloaded library it takes. The libraries are built below ./check-preload, and lie
# as they do where they are installed, each in a folder of its allocator's name.
#
#   ALLOCATORS='libc mimalloc'   only these, of packaging/allocators
#   TRY='python redis'      only these
#
# A program works if it does what it does without the library, and either its report or `zmalloc stat`
# shows that it had it. Ends with a table; "-" is a program that is not installed (./bootstrap --for programs).
set -u
: "${srcdir:=.}" "${MAKE:=make}"
source=$(cd "$srcdir" && pwd)
. ./tests/build.env
test "$zm_preload" = yes || { echo 'SKIP: this build has no libzmalloc_preload.so'; exit 77; }
LC_ALL=C
export LC_ALL
allocators=${ALLOCATORS:-$(sed -n 's/^\([a-z][a-z_]*\) .*/\1/p' "$source/packaging/allocators")}
programs=${TRY:-python perl git gcc sqlite redis memcached nginx node c++}
port=$((20000 + $$ % 20000))
top=$(pwd)
work=$top/check-preload
home=$work/lib
servers=
end_servers() {
	for server in $servers; do
		kill "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	done
	servers=
}
trap end_servers EXIT
trap 'exit 1' HUP INT TERM
unset LD_PRELOAD ZMALLOC_LIMIT ZMALLOC_PROFILE ZMALLOC_REPORT

# ---- The libraries

mkdir -p "$home/zmalloc"
cp .libs/libzmalloc.so.1 "$home/" && cp .libs/libzmalloc_preload.so "$home/zmalloc/" || exit 1
for allocator in $allocators; do
	build=$work/$allocator
	mkdir -p "$build" "$home/zmalloc/$allocator"
	(cd "$build" && { test -e Makefile || "$source/configure" -q --disable-static --with-malloc="$allocator" CC="$CC"; } &&
		$MAKE -s libzmalloc.la) >"$build.log" 2>&1 && cp "$build/.libs/libzmalloc.so.1" "$home/zmalloc/$allocator/" || {
		tail -5 "$build.log"
		echo "FAIL: the library on $allocator cannot be built"
		exit 1
	}
done
tool=$top/tools/.libs/zmalloc
test -x "$tool" || tool=$top/tools/zmalloc
zmalloc="env LD_LIBRARY_PATH=$home $tool"

# ---- What the programs do. Each is called in a folder of its own, with $run before what is to be tried

# Was the program whose standard error this is on the library?
reported() {
	grep -q "^zmalloc: $1 ([0-9]*): peak [0-9]* bytes; never freed: " "$2" || { echo "no report of $1: $(tail -3 "$2")"; return 1; }
}

# Does the server show itself, on this allocator?
shown() {
	$zmalloc stat "$1" >shown 2>&1
	says=$(sed -n "s/^$allocator  *\([a-z_]*\) .*/\1/p" "$source/packaging/allocators")
	grep -q "($1), $says-" shown || { cat shown; return 1; }
}

# serve COMMAND...: start a server; its number is in $server.
serve() {
	$zmalloc run -m "$allocator" --publish "$@" >server.log 2>&1 &
	server=$!
	servers="$servers $server"
}
# until COMMAND...: half a minute at most.
until_true() {
	tries=120
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		test $tries -gt 0 && kill -0 "$server" 2>/dev/null || return 1
		sleep 0.25
	done
}
ended() {
	wait "$server"
	status=$?
	servers=
	test $status = "$1" || { echo "the server ended with $status"; cat server.log; return 1; }
}

needs_python='/usr/bin/python3 /usr/lib/python3*/test/test_threading.py'
try_python() {
	# Its tests interrupt themselves, which whoever runs this in the background has ignored.
	env --default-signal=INT $run /usr/bin/python3 -m test test_threading test_json >out 2>err || return 1
	grep -q 'All 2 tests OK\|Tests result: SUCCESS' out && reported python3 err
}

needs_perl=perl
try_perl() {
	cat >program.pl <<-'END'
	my (%words, @lists);
	for my $i (1 .. 300000) { $words{"word" . $i % 20000} .= chr(97 + $i % 26); }
	push @lists, [map { $_ x 3 } sort { $words{$a} cmp $words{$b} || $a cmp $b } keys %words] for 1 .. 5;
	my $text = join(',', map { $words{$_} } sort keys %words);
	my $count = () = $text =~ /(ab|yz)+/g;
	if (my $child = fork()) { waitpid($child, 0); exit 1 if $?; } else { my @more = map { "$_$_" } @{$lists[0]}; exit(@more != 20000); }
	undef @lists;
	print length($text), " $count\n";
	END
	perl program.pl >expected && $run perl program.pl >out 2>err && cmp expected out && reported perl err
}

needs_git=git
try_git() {
	git init -q -b main made 2>/dev/null || return 1
	awk 'BEGIN { for (i = 1; i <= 400; i++) {
		print "commit refs/heads/main\ncommitter A <a@example.org> " 1700000000 + i " +0000\ndata <<E\ncommit " i "\nE"
		for (j = 0; j < 5; j++) { print "M 644 inline file" (i * 7 + j) % 50 "\ndata <<E"; for (k = 0; k < 200; k++) print i, j, k; print "E" } }
		print "done" }' >history
	git -C made fast-import --quiet --done <history || return 1
	$run git clone -q --no-local made cloned 2>err && reported git err &&
		git -C made log --stat main >expected && $run git -C cloned log --stat >out 2>err && cmp expected out &&
		$run git -C cloned gc -q --aggressive 2>err && $run git -C cloned fsck --strict 2>err >out
}

needs_gcc=gcc
try_gcc() {
	mkdir build && cd build && "$source/configure" -q --disable-static CC=gcc >log 2>&1 &&
		$run $MAKE -s libzmalloc.la >>log 2>err && reported "$MAKE" err || { tail -3 log err; return 1; }
	test -s .libs/libzmalloc.so.1
}

needs_sqlite=sqlite3
try_sqlite() {
	cat >script <<-'END'
	CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) INSERT INTO t SELECT i, 'row ' || i * 7919 % 1000003, i / 3.0 FROM n;
	CREATE INDEX x ON t(b);
	SELECT count(*), sum(a), max(b), sum(length(b)) FROM t;
	SELECT b FROM t ORDER BY c * 7919 % 1000 DESC, a LIMIT 5;
	DELETE FROM t WHERE a % 3 = 0;
	SELECT count(*) FROM t WHERE b LIKE 'row 1%';
	END
	test -e ../sqlite.expected || sqlite3 :memory: <script >../sqlite.expected || return 1
	$run sqlite3 :memory: <script >out 2>err && cmp ../sqlite.expected out && reported sqlite3 err
}

needs_redis='redis-server redis-benchmark redis-cli'
try_redis() {
	serve redis-server --port "$port" --enable-debug-command yes --save '' --appendonly no --dir .
	until_true redis-cli -p "$port" ping || { cat server.log; return 1; }
	redis-benchmark -p "$port" -q -n 30000 -c 20 -t set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100,mset >out || return 1
	redis-cli -p "$port" debug populate 100000 key 200 >>out
	redis-cli -p "$port" bgsave >>out && shown $server && test "$(redis-cli -p "$port" dbsize)" -ge 100000 &&
		redis-cli -p "$port" flushall >>out && redis-cli -p "$port" shutdown nosave 2>>out || return 1
	ended 0
}

needs_memcached='memcached memcslap memcping'
try_memcached() {
	serve memcached -u "$(id -un)" -l 127.0.0.1 -p "$port" -m 64 -t 4
	until_true memcping --servers="127.0.0.1:$port" || { cat server.log; return 1; }
	for test in set get mget; do
		memcslap --servers="127.0.0.1:$port" --execute-number=3000 --concurrency=8 --test=$test --flush >out 2>&1 || { cat out; return 1; }
	done
	shown $server && kill -TERM $server || return 1
	ended 0
}

needs_nginx='nginx wrk'
try_nginx() {
	mkdir html logs && seq 1 5000 >html/file && cat >conf <<-END
	user $(id -un) $(id -gn); daemon off; worker_processes 2; error_log logs/error; pid logs/pid;
	events { worker_connections 256; }
	http { access_log off; client_body_temp_path logs/a; proxy_temp_path logs/b; fastcgi_temp_path logs/c; uwsgi_temp_path logs/d; scgi_temp_path logs/e;
	gzip on; gzip_types *; gzip_min_length 1;
	server { listen 127.0.0.1:$port; location / { root html; } location /again/ { proxy_pass http://127.0.0.1:$port/; } } }
	END
	serve nginx -p "$PWD" -c "$PWD/conf" -e logs/error
	until_true grep -q . logs/pid || { cat server.log logs/error; return 1; }
	sleep 0.5
	for path in file again/file none; do
		wrk -t2 -c20 -d2s -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/$path" >out || return 1
		! grep 'Socket errors' out && grep -q 'Requests/sec: *[1-9]' out || { cat out; return 1; }
	done
	shown $server && kill -QUIT $server || return 1
	ended 0
}

needs_node=node
try_node() {
	cat >program.js <<-'END'
	const { Worker, isMainThread, parentPort } = require('worker_threads'), zlib = require('zlib'), crypto = require('crypto');
	function work(seed) {
		let total = 0, lists = [];
		for (let i = 0; i < 200; i++) {
			const bytes = Buffer.alloc(20000 + i * 50, (seed + i) % 256), packed = zlib.gzipSync(bytes);
			lists.push(JSON.parse(JSON.stringify({ i, text: 'x'.repeat(i * 10), list: Array.from({ length: 500 }, (_, j) => j * i) })));
			total += zlib.gunzipSync(packed).length + crypto.createHash('sha256').update(bytes).digest()[0];
		}
		return total + lists.length;
	}
	if (!isMainThread) { parentPort.postMessage(work(7)); } else {
		let sum = work(3), left = 3;
		for (let i = 0; i < 3; i++) new Worker(__filename).on('message', (n) => { sum += n; if (--left === 0) console.log(sum); });
	}
	END
	node program.js >expected && $run node program.js >out 2>err && cmp expected out && reported node err
}

try_cxx() {
	$cxx -std=c++17 -fsized-deallocation -O2 -o objects "$source/tests/run/objects.cc" -ldl -lpthread || return 1
	for round in 1 2 3 4 5 6 7 8 9 10; do
		$run ./objects 2>err && reported objects err || { cat err; return 1; }
	done
	$zmalloc run -m "$allocator" --limit=32M ./objects limit 40000000
}
cxx=$(echo "$CC" | sed -e 's/gcc/g++/' -e 's/clang/clang++/')
test "$cxx" != "$CC" || cxx=c++
needs_cxx=$(echo "$cxx" | sed 's/ .*//')

# ---- All of them

passed=0 failed=0
table=$(printf '%-10s' program)
for allocator in $allocators; do
	table="$table $(printf '%16s' "$allocator")"
done
for program in $programs; do
	name=$(echo "$program" | sed 's/c++/cxx/')
	line=$(printf '%-10s' "$program")
	eval "needs=\$needs_$name"
	missing=
	for need in $needs; do
		command -v "$need" >/dev/null 2>&1 || test -e "$need" || missing="$missing $need"
	done
	for allocator in $allocators; do
		if test -n "$missing"; then
			line="$line $(printf '%16s' -)"
			continue
		fi
		folder=$work/runs/$program-$allocator
		rm -rf "$folder"
		mkdir -p "$folder"
		run="$zmalloc run -m $allocator --report"
		begun=$(date +%s)
		if (cd "$folder" && trap end_servers EXIT && "try_$name") >"$folder.log" 2>&1; then
			passed=$((passed + 1)) result="ok, $(($(date +%s) - begun)) s"
			rm -rf "$folder" "$folder.log"
		else
			failed=$((failed + 1)) result=FAIL
			echo "FAIL: $program on $allocator:"
			tail -20 "$folder.log"
		fi
		echo "$program on $allocator: $result"
		line="$line $(printf '%16s' "$result")"
	done
	test -z "$missing" || echo "left out: $program: no$missing (./bootstrap --for programs)"
	table="$table
$line"
done
printf '%s\n' "$table"
echo "$passed passed, $failed failed"
test $failed = 0 && test $passed -gt 0
