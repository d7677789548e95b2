# SPDX-License-Identifier: BSD-2-Clause
# tests/mutants/run.pl - puts the faults of tests/mutants/list into the library, one at a time, and says
# which test noticed. `make mutants` runs it in a build folder.
#
# NAMES='a, b'   only the faults with these names (a part of a name will do)
# JOBS=2         so many at the same time, each in a build of its own
# KEEP=yes       the builds stay
#
# run.pl --fits SOURCE  only asks whether the list fits the sources in that folder, whatever was configured
#
# Each worker has a copy of the sources and a build of its own below mutants/. All named tests run once
# on what is unchanged and have to pass. Then, for each fault, the library, the tool and the named tests
# are built with it, and the tests run until one fails or does not come to an end. With
# ZMALLOC_TEST_SLOW tests do a part of their steps; what no test notices so, the whole programs try once
# more in full.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Basename qw(basename dirname);
use File::Find qw(find);

my $PATIENCE_S = 120; # for one test, or the first try of a program
my $make = $ENV{MAKE} || 'make';
my $jobs = $ENV{JOBS} || 1;
my $top = getcwd();
my $list = dirname($0) . '/list';
my %of_build; # tests/build.env: what configure found for the build folder we are called in

sub fail {
	print STDERR "mutants: @_\n";
	exit 2;
}

# ---- The list -------------------------------------------------------------------------------------

# Records are apart by an empty line, and are made of lines `key: value`.
sub read_list {
	my (@records, $record);
	open(my $in, '<', $list) or fail("cannot read $list: $!");
	while (my $line = <$in>) {
		chomp $line;
		next if $line =~ /^#/;
		if ($line eq '') {
			undef $record;
			next;
		}
		my ($key, $value) = $line =~ /^(name|file|after|from|to|tests|on|survives):(?: (.*))?$/
			or fail("$list:$.: no known key in: $line");
		if (!$record) {
			$record = {line => $.};
			push @records, $record;
		}
		fail("$list:$.: a second '$key'") if exists $record->{$key};
		$record->{$key} = defined $value ? $value : '';
	}
	my %seen;
	for my $one (@records) {
		for my $key (qw(name file from to tests)) {
			fail("$list:$one->{line}: no '$key'") unless exists $one->{$key};
		}
		fail("$list:$one->{line}: a second '$one->{name}'") if $seen{$one->{name}}++;
	}
	return @records;
}

# The one file of that name: files move from room to room, and keep their names.
sub find_file {
	my ($source, $name) = @_;
	my @found;
	return -e "$source/$name" ? "$source/$name" : undef if $name =~ m{/};
	find({wanted => sub { push @found, $File::Find::name if $_ eq $name }}, "$source/lib");
	return @found == 1 ? $found[0] : undef;
}

sub slurp {
	my ($path) = @_;
	open(my $in, '<', $path) or fail("cannot read $path: $!");
	local $/;
	return scalar <$in>;
}

sub spew {
	my ($path, $text) = @_;
	open(my $out, '>', $path) or fail("cannot write $path: $!");
	print $out $text;
	close($out) or fail("cannot write $path: $!");
}

# The file's text with the fault; undef and why, if the list does not fit the sources.
sub mutated {
	my ($text, $one) = @_;
	my $from = 0;
	if (exists $one->{after}) {
		$from = index($text, $one->{after});
		return (undef, "'after' is not in it") if $from < 0;
		return (undef, "'after' is in it twice") if index($text, $one->{after}, $from + 1) >= 0;
		$from += length $one->{after};
	}
	my $at = index($text, $one->{from}, $from);
	return (undef, "'from' is not in it") if $at < 0;
	return (undef, "'from' is in it twice: give it an 'after'")
		if !exists $one->{after} && index($text, $one->{from}, $at + 1) >= 0;
	substr($text, $at, length $one->{from}) = $one->{to};
	return ($text, '');
}

# What the list says that is not so in the folder `source`, a line each. Programs with the static library are made
# of the same source.
sub misfits {
	my ($source, @records) = @_;
	my @said;
	for my $one (@records) {
		my $path = find_file($source, $one->{file});
		my (undef, $why) = $path ? mutated(slurp($path), $one) : (undef, 'there is no one file of that name');
		push @said, "$list:$one->{line}: $one->{file}: $why\n" if $why;
		for my $test (split(' ', $one->{tests})) {
			my ($program, $case) = split(m{/}, $test);
			# Where the sources are the build folder, too, a program is there beside its source.
			my ($file) = grep { -e } map { "$source/tests/$_" } $program =~ /\.sh$/ ? $program
				: ("$program.c", ($program =~ s/^static_/test_/r) . '.c');
			push @said, "$list:$one->{line}: there is no $test\n"
				if !$file || (defined $case && index(slurp($file), $case) < 0);
		}
	}
	return @said;
}

# ---- Running --------------------------------------------------------------------------------------

# The exit status, or 'timeout'. What the command says goes to the end of `log`.
sub run {
	my ($log, $patience_s, @command) = @_;
	my $child = fork();
	fail("cannot fork: $!") unless defined $child;
	if ($child == 0) {
		setpgrp(0, 0);
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $log);
		open(STDERR, '>&', \*STDOUT);
		exec(@command) or exit 127;
	}
	my $over = 0;
	local $SIG{ALRM} = sub {
		# Check ends its own children when it is told to end.
		kill($over++ ? 'KILL' : 'TERM', -$child);
		alarm(10);
	};
	alarm($patience_s);
	1 while waitpid($child, 0) != $child;
	my $status = $?;
	alarm(0);
	return $over ? 'timeout' : $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# "test_peak/test_peak_under_looks": of the program, that test alone.
sub program_of {
	my ($test) = @_;
	return $test =~ m{^(\w+)/} ? $1 : $test;
}

# Programs that a script starts are tests/NAME or examples/NAME, and made from NAME.c there or what the makefile says.
sub programs_of {
	my ($source, @tests) = @_;
	my $makefile = slurp("$source/Makefile.in");
	my %needed;
	for my $test (map { program_of($_) } @tests) {
		if ($test !~ /\.sh$/) {
			$needed{"tests/$test"} = 1;
			next;
		}
		my $text = slurp("$source/tests/$test");
		while ($text =~ m{(tests|examples)/(\w+)}g) {
			my ($folder, $name) = ($1, $2);
			$needed{"$folder/$name"} = 1
				if -e "$source/$folder/$name.c" || $makefile =~ /^${folder}_${name}_SOURCES/m;
		}
	}
	return sort keys %needed;
}

sub build {
	my ($source, @tests) = @_;
	my @tool = (grep { /\.sh$/ } @tests) ? ('tools/zmalloc') : ();
	push(@tool, 'libzmalloc_preload.la') if @tool && ($of_build{zm_preload} // '') eq 'yes';
	return run('build.log', 1800, $make, '-s', 'libzmalloc.la', @tool, programs_of($source, @tests)) == 0;
}

sub run_test {
	my ($source, $test, $full) = @_;
	my $program = program_of($test);
	my @command = $test =~ /\.sh$/ ? ('sh', "$source/tests/$test") : ("./tests/$program");
	local $ENV{ZMALLOC_TEST_ONLY} = substr($test, length($program) + 1) if $program ne $test && !$full;
	local $ENV{srcdir} = $source;
	local $ENV{CK_TIMEOUT_MULTIPLIER} = '0.4';
	local $ENV{ZMALLOC_TEST_SLOW} = '1';
	delete $ENV{ZMALLOC_TEST_SLOW} if $full;
	unlink 'test.log';
	return run('test.log', $full ? 5 * $PATIENCE_S : $PATIENCE_S, @command);
}

# ---- A worker: a part of the list, in a build of its own ---------------------------------------------

sub begin_build {
	my ($number) = @_;
	my $source = "$top/mutants/$number/source";
	system('rm', '-rf', "mutants/$number");
	system('mkdir', '-p', "mutants/$number/build");
	system('cp', '-a', 'mutants/source', $source) == 0 or fail('cannot copy the sources');
	chdir("mutants/$number/build");
	run('build.log', 600, "$source/configure", '-q', "--with-malloc=$of_build{zm_malloc}",
		"CC=$of_build{CC}") == 0
		or fail("configure failed: mutants/$number/build/build.log");
	return $source;
}

# Returns what is said of it: a state and words.
sub try_one {
	my ($source, $one, $good) = @_;
	my @tests = grep { $good->{$_} } split(' ', $one->{tests});
	return ('not tried', 'its tests are skipped here') unless @tests;
	my $path = find_file($source, $one->{file});
	my $before = slurp($path);
	my ($after) = mutated($before, $one);
	my ($state, $words) = ('SURVIVED', "@tests");
	spew($path, $after);
	if (!build($source, @tests)) {
		($state, $words) = ('ERROR', 'does not compile');
	} else {
		TRY: for my $full (0, 1) {
			for my $test (@tests) {
				my $status = run_test($source, $test, $full);
				next if $status eq '0' || $status eq '77';
				($state, $words) = ('noticed', "by $test" . ($status eq 'timeout' ? ', which does not end' : ''));
				last TRY;
			}
		}
	}
	spew($path, $before);
	($state, $words) = ('argued', $one->{survives}) if $state eq 'SURVIVED' && exists $one->{survives};
	return ($state, $words);
}

sub work {
	my ($number, @records) = @_;
	my $source = begin_build($number);
	my (%good, %named);
	$named{$_} = 1 for map { split(' ', $_->{tests}) } @records;
	open(my $out, '>', "$top/mutants/$number/result") or fail("cannot write: $!");
	$out->autoflush(1);
	for my $test (sort keys %named) {
		if ($test =~ /\.sh$/ ? !-e "$source/tests/$test" : 0) {
			fail("there is no test $test");
		}
		build($source, $test) or fail("cannot build $test: mutants/$number/build/build.log");
		my $status = run_test($source, $test, 0);
		fail("$test fails without any fault: mutants/$number/build/test.log") unless $status eq '0' || $status eq '77';
		print "skipped here: $test\n" if $status eq '77';
		$good{$test} = 1 if $status eq '0';
	}
	for my $one (@records) {
		my ($state, $words) = try_one($source, $one, \%good);
		print "$one->{name}: $state" . ($state eq 'argued' ? ': ' : ' ') . "$words\n";
		print $out "$state\n";
	}
	exit 0;
}

# ---- All --------------------------------------------------------------------------------------------

if (@ARGV == 2 && $ARGV[0] eq '--fits') {
	my @records = read_list();
	my @said = misfits($ARGV[1], @records);
	print @said;
	print scalar(@records), " faults\n" unless @said;
	exit(@said ? 1 : 0);
}

$| = 1;
%of_build = map { /^(\w+)='(.*)'$/ ? ($1 => $2) : () } split(/\n/, slurp('tests/build.env'));
my $malloc = $of_build{zm_malloc};
my @names = split(/\s*,\s*/, defined $ENV{NAMES} ? $ENV{NAMES} : '');
my @records = grep { !exists $_->{on} || $_->{on} eq $malloc } read_list();
if (@names) {
	@records = grep { my $one = $_; grep { index($one->{name}, $_) >= 0 } @names } @records;
	@records or fail("no fault is called so");
}
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MALLOC MALLOC_CFLAGS MALLOC_LIBS NAMES)};

system('rm', '-rf', 'mutants/source');
system('mkdir', '-p', 'mutants');
system($make, '-s', 'distdir', 'distdir=mutants/source') == 0 or fail('cannot copy the sources');
my @said = misfits('mutants/source', @records);
print STDERR @said;
exit 2 if @said;

$jobs = @records if $jobs > @records;
my @workers;
for my $number (1 .. $jobs) {
	# What stands together in the list names the same tests, and each worker runs its own first.
	my @mine = @records[grep { int($_ * $jobs / @records) == $number - 1 } 0 .. $#records];
	my $child = fork();
	fail("cannot fork: $!") unless defined $child;
	work($number, @mine) if $child == 0;
	push @workers, $child;
}
my $broken = 0;
for my $child (@workers) {
	waitpid($child, 0);
	$broken = 1 if $? != 0;
}
my %sum = ('noticed' => 0, 'SURVIVED' => 0, 'argued' => 0, 'ERROR' => 0, 'not tried' => 0);
for my $number (1 .. $jobs) {
	$sum{$_}++ for split(/\n/, slurp("mutants/$number/result"));
	system('rm', '-rf', "mutants/$number") unless ($ENV{KEEP} || 'no') ne 'no';
}
my $survived = $sum{SURVIVED} + $sum{argued};
print "$malloc: $sum{noticed} noticed, $survived survived ($sum{argued} argued), $sum{'not tried'} not tried, $sum{ERROR} do not compile\n";
exit($broken || $sum{SURVIVED} || $sum{ERROR} ? 1 : 0);
