#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# decode_pprof.pl [--collapsed] FILE - a profile of pprof's as lines, and whether it is one.
#
#   type NAME UNIT              of each value of a sample
#   default NAME
#   period_type NAME UNIT
#   period NUMBER, time NUMBER, duration NUMBER
#   comment TEXT
#   mapping NUMBER START LIMIT OFFSET PATH BUILD-ID     addresses in hexadecimal; "-": none
#   locations NUMBER            how many there are
#   sample VALUE... : ADDRESS@MAPPING...                innermost first; 0: no mapping
#
# --collapsed: instead, lines of collapsed stacks as the library writes them, of samples that have something in use.
#
# Ends with 1 at whatever a reader would refuse: bytes that are no message, a string, location or mapping
# that is not there or there twice, a location outside of its mapping.
use strict;
use warnings;

my $collapsed = @ARGV && $ARGV[0] eq '--collapsed' && shift;
my ($path) = @ARGV;
die "usage: decode_pprof.pl [--collapsed] FILE\n" unless defined $path;

sub slurp {
	open(my $in, '<:raw', $path) or die "$path: $!\n";
	local $/;
	my $bytes = <$in>;
	return $bytes unless $bytes =~ /^\x1f\x8b/;
	open($in, '-|:raw', 'gzip', '-dc', $path) or die "gzip: $!\n";
	$bytes = <$in>;
	close($in) or die "$path: no gzip\n";
	return $bytes;
}

sub number {
	my ($bytes, $at) = @_;
	my ($value, $shift) = (0, 0);
	while (1) {
		die "a number without end\n" if $$at >= length $bytes || $shift > 63;
		my $byte = ord substr($bytes, $$at++, 1);
		$value |= ($byte & 0x7f) << $shift;
		return $value if $byte < 0x80;
		$shift += 7;
	}
}

# [field, value]...: a number, or a reference to bytes.
sub fields {
	my ($bytes) = @_;
	my ($at, @fields) = (0);
	while ($at < length $bytes) {
		my $key = number($bytes, \$at);
		my ($field, $kind) = ($key >> 3, $key & 7);
		my $value = number($bytes, \$at);
		if ($kind == 2) {
			die "bytes that are not there\n" if $value > length($bytes) - $at;
			push @fields, [$field, \substr($bytes, $at, $value)];
			$at += $value;
		} elsif ($kind == 0) {
			push @fields, [$field, $value];
		} else {
			die "a field of kind $kind\n";
		}
	}
	return @fields;
}

sub numbers {
	my ($bytes) = @_;
	my ($at, @numbers) = (0);
	push @numbers, number($bytes, \$at) while $at < length $bytes;
	return @numbers;
}

# One value for each field, the last one.
sub message {
	my ($bytes) = @_;
	my %message = map { $_->[0] => $_->[1] } fields($bytes);
	return \%message;
}

my (@strings, @types, @samples, @mappings, @comments, %mapping, %location, %of);
for my $one (fields(slurp())) {
	my ($field, $value) = @$one;
	if ($field == 1) { push @types, message($$value) }
	elsif ($field == 2) { push @samples, [fields($$value)] }
	elsif ($field == 3) { push @mappings, message($$value) }
	elsif ($field == 4) {
		my $location = message($$value);
		my $number = $location->{1} || 0;
		die "a location without a number\n" if $number == 0;
		die "location $number twice\n" if $location{$number};
		$location{$number} = $location;
	}
	elsif ($field == 6) { push @strings, $$value }
	elsif ($field == 11) { $of{11} = message($$value) }
	elsif ($field == 13) { push @comments, $value }
	elsif ($field == 9 || $field == 10 || $field == 12 || $field == 14) { $of{$field} = $value }
	else { die "field $field\n" }
}
die "the first string is not empty\n" unless @strings && $strings[0] eq '';

sub text {
	my ($number) = @_;
	$number = 0 unless defined $number;
	die "string $number of " . @strings . "\n" if $number >= @strings;
	return $strings[$number];
}

sub named { my ($type) = @_; return text($type->{1}) . ' ' . text($type->{2}) }

if (!$collapsed) {
	print 'type ', named($_), "\n" for @types;
	print 'default ', text($of{14}), "\n" if exists $of{14};
	print 'period_type ', named($of{11}), "\n" if exists $of{11};
	print "period $of{12}\n" if exists $of{12};
	print "time $of{9}\n" if exists $of{9};
	print "duration $of{10}\n" if exists $of{10};
	print 'comment ', text($_), "\n" for @comments;
	print 'locations ', scalar(keys %location), "\n";
}
for my $one (@mappings) {
	my $number = $one->{1} || 0;
	die "mapping $number twice, or without a number\n" if $number == 0 || $mapping{$number};
	$mapping{$number} = $one;
	my ($name, $id) = (text($one->{5}), text($one->{6}));
	$id = '-' if $id eq '';
	next if $collapsed;
	printf "mapping %d %x %x %x %s %s\n", $number, $one->{2}, $one->{3}, $one->{4} || 0, $name, $id;
}
for my $one (values %location) {
	my ($number, $address) = ($one->{2} || 0, $one->{3} || 0);
	next if $number == 0;
	my $its = $mapping{$number} or die "mapping $number is not there\n";
	die sprintf("%x is not in mapping %d\n", $address, $number)
		if $address < $its->{2} || $address >= $its->{3};
}
# As in lib/profile/write_collapsed.c.
sub frame {
	my ($location) = @_;
	my $its = $mapping{$location->{2} || 0};
	return sprintf('0x%x', $location->{3}) unless $its;
	my $name = text($its->{5});
	$name =~ s{.*/}{};
	$name =~ s{[; ]}{_}g;
	return sprintf('%s+0x%x', $name, $location->{3} - $its->{2} + ($its->{4} || 0));
}

for my $one (@samples) {
	my (@numbers, @values);
	for my $field (@$one) {
		my @these = ref $field->[1] ? numbers(${$field->[1]}) : ($field->[1]);
		push @numbers, @these if $field->[0] == 1;
		push @values, @these if $field->[0] == 2;
	}
	die @values . " values of " . @types . " types\n" if @values != @types;
	if ($collapsed) {
		print join(';', map { frame($location{$_}) } reverse @numbers), " $values[3]\n" if $values[3];
		next;
	}
	my @frames = map {
		my $its = $location{$_} or die "location $_ is not there\n";
		sprintf('%x@%d', $its->{3} || 0, $its->{2} || 0);
	} @numbers;
	print "sample @values : @frames\n";
}
