#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Runs the unit tests of the C code, and its fuzz targets over their corpus,
# and passes on what fails.  They are built by make, here they are only run.

use warnings;
use strict;

use FindBin;
use File::Glob qw(bsd_glob);
use File::Spec;
use Test::More;


my $top = File::Spec->catdir($FindBin::Bin, File::Spec->updir());
my $build = $ENV{BUILD_DIR} || File::Spec->catdir($top, 'build');


# the lines of the program and its end: a failure of either is one of the test

sub run_program {
    my ($program, @args) = @_;

    my $pid = open(my $out, '-|');

    return ([], "cannot fork: $!") if !defined $pid;

    if ($pid == 0) {
        open(STDERR, '>&', \*STDOUT);
        exec { $program } $program, @args or exit 127;
    }

    my @lines = <$out>;
    my $end = '';

    close($out);

    if ($? & 127) {
        $end = 'killed by signal ' . ($? & 127);

    } elsif ($? != 0) {
        $end = 'exited with ' . ($? >> 8);
    }

    return (\@lines, $end);
}


sub relay {
    my ($name, $program, @args) = @_;

    my ($lines, $end) = run_program($program, @args);
    my ($passed, $plan) = (0, undef);
    my (@bad, @other);

    for my $line (@$lines) {
        chomp $line;

        if ($line =~ /^ok \d+/) {
            $passed++;

        } elsif ($line =~ /^1\.\.(\d+)/) {
            $plan = $1;

        } elsif ($line =~ /^not ok/) {
            push @bad, $line;

        } else {
            push @other, $line;
        }
    }

    my $count = $passed + @bad;

    push @bad, $end if $end ne '';
    push @bad, 'no plan' if !defined $plan;
    push @bad, "planned $plan, ran $count"
        if defined $plan && ($plan != $count || $plan == 0);

    ok(!@bad, "$name: $count tests") or diag(join("\n", @bad, @other));
}


my @units = sort grep { -x && -f } bsd_glob("$build/unit/test_*");
my @fuzz = sort grep { -x && -f } bsd_glob("$build/fuzz/standalone_*");

if (!@units || !@fuzz) {
    ok(0, 'unit tests and fuzz targets are built');
    diag("nothing to run in $build/unit and $build/fuzz");
}

for my $program (@units) {
    my ($name) = $program =~ m{([^/]+)$};

    relay($name, $program);
}

for my $program (@fuzz) {
    my ($name) = $program =~ m{standalone_([^/]+)$};
    my @files = sort grep { -f } bsd_glob("$FindBin::Bin/fuzz/corpus/$name/*");

    relay("fuzz_$name", $program, @files);
}

done_testing();
