# SPDX-License-Identifier: BSD-2-Clause
# bench/preload.pl ALLOCATOR-LIBRARY PRELOADED WORK - real programs that allocate much, unchanged, with the bare
# allocator preloaded and with this library on it: `make bench-preload` runs it, after the workloads.
#
# ALLOCATOR-LIBRARY and PRELOADED are values of LD_PRELOAD; the former is empty for the C library's malloc().
# WORK is a folder with the C++ program. Processor time of user and kernel; the two take turns, and a ratio is of
# one round. ROUNDS=25 takes more of them.
use strict;
use warnings;

my ($bare, $preloaded, $work) = @ARGV;
my $rounds = $ENV{ROUNDS} || 9;
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : undef;

# Name, what it needs, command.
my @programs = (
	['c++ map', "$work/words", "$work/words"],
	['perl', $^X, $^X, '-e', 'for my $r (1 .. 2) { my %h; $h{"key$_"} = [$_, "v" x ($_ % 40)] for 1 .. 60000; my @l = map { join ",", @{$h{$_}} } sort keys %h; }'],
	['python, malloc', $python, 'env', 'PYTHONMALLOC=malloc', $python // '', '-S', '-c',
		"import json\nfor r in range(2):\n x = [{'a': i, 'b': str(i), 'c': [i] * 5} for i in range(40000)]\n y = json.loads(json.dumps(x))"],
	['sqlite', '/usr/bin/sqlite3', '/usr/bin/sqlite3', ':memory:',
		"CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO t SELECT i, 'row ' || i * 7919 % 1000003 FROM n; CREATE INDEX x ON t(b); SELECT count(*) FROM t WHERE b LIKE 'row 1%';"],
	['gcc', '/usr/bin/gcc', '/usr/bin/gcc', '-O2', '-c', '-o', "$work/program.o", "$work/program.c"],
);

# Milliseconds of processor time, as bash tells them.
sub measure {
	my ($preload, @command) = @_;
	my $script = 'test -z "$1" || export LD_PRELOAD=$1; shift; TIMEFORMAT="%3U %3S"; { time "$@" >/dev/null 2>&3; } 3>/dev/null';
	open(my $time, '-|', 'bash', '-c', "{ $script; } 2>&1", '-', $preload, @command) or die "bash: $!";
	my $said = do { local $/; <$time> };
	close($time) or die "@command ended with $?\n";
	$said =~ /^(\d+)\.(\d+) (\d+)\.(\d+)$/m or die "bash said: $said";
	return 1000 * ($1 + $3) + $2 + $4;
}

sub median {
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[$#sorted / 2] + $sorted[(@sorted) / 2]) / 2;
}

printf("%-16s %12s %12s %8s %10s\n", 'program', 'bare, ms', 'zmalloc, ms', 'speed', 'bare again');
for my $program (@programs) {
	my ($name, $needs, @command) = @$program;
	if (!defined $needs || !-x $needs) {
		printf("%-16s not here\n", $name);
		next;
	}
	my (@bare, @ours, @speeds, @same);
	measure($bare, @command);
	for (1 .. $rounds) {
		my ($one, $ours, $other) = (measure($bare, @command), measure($preloaded, @command), measure($bare, @command));
		my $mean = ($one + $other) / 2;
		push(@bare, $mean);
		push(@ours, $ours);
		push(@speeds, $mean / $ours);
		push(@same, $one / $other);
	}
	printf("%-16s %12.0f %12.0f %8.3f %10.3f\n", $name, median(@bare), median(@ours), median(@speeds), median(@same));
}
