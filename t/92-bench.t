#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# "make bench" runs to its end and has a number for every row.  Which numbers
# is not a matter of tests: other tests run at the same time.

use warnings;
use strict;

use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::BenchTable;

my $top = "$FindBin::Bin/..";


sub numbers {
    my ($row) = @_;

    my @fields = ('ours', $row->{beside} ? qw/ other ratio / : (),
                  $row->{goal} ? 'remains' : ());

    return grep { !defined $row->{$_} || $row->{$_} !~ /^-?\d[\d.e+-]*$/ }
           @fields;
}


check('goals' => sub {
    my $t = Glance::BenchTable->new();

    # a ratio of each pair: the slow run of both does not count
    $t->add('upload_rate', @$_) for [ 45, 100 ], [ 8, 10 ], [ 60, 100 ];
    $t->add('download_1_cpu', 1.2, 1.0);
    $t->add('memory_upload', 1.4);

    my %row = map { $_->{name} => $_ } $t->results();

    is($row{upload_rate}{ratio}, 0.6, 'the median of ratios');
    is(sprintf('%.2f', $row{upload_rate}{remains}), '0.50',
       'half as much again remains to 0.9');
    ok($row{upload_rate}{first_reached}, 'above 0.55');
    is(sprintf('%.2f', $row{download_1_cpu}{remains}), '0.14',
       'too much processor time');
    ok(!$row{download_1_cpu}{first_reached}, 'above 1.1');
    is($row{memory_upload}{remains}, 0, 'reached');
    is($row{show_rate}{ours}, undef, 'not measured');

    like($t->text(), qr/^upload +MB\/s .*0\.60 +>= 0\.9 +51 % more/m,
         'in words');
    unlike($t->text(), qr/^show/m, 'what was not measured is not there');
});


check('a small run' => sub {
    plan(skip_all => 'sanitizers are not to be measured')
        if $ENV{ASAN_OPTIONS};

    my $build = Glance::Program::build_dir();

    plan(skip_all => 'its programs are not built: make check does it')
        if !-x "$build/bench/load";

    my $dir = temp_dir();

    my ($status, $text) = run_command(
        [ $^X, "$top/bin/glance-bench", $build, "$dir/bench.json" ],
        env => { BENCH_SIZE => '4m', BENCH_RUNS => 1, BENCH_SECONDS => 0.1,
                 BENCH_IMAGES => 2000, BENCH_DATABASE => undef,
                 BENCH_ONLY => undef, BENCH_DIR => "$dir/data" },
        timeout => 300);

    is($status, 0, 'it ends well') or diag($text);

    my $json = JSON::PP::decode_json(read_file("$dir/bench.json"));
    my @expected = Glance::BenchTable->new()->results();

    # without a Swift there are no rows of it
    @expected = grep { $_->{name} !~ /^swift_/ } @expected
        if Glance::Swift::missing();

    is($json->{size}, 4 * 1024 * 1024, 'size');
    my %row = map { $_->{name} => $_ } @{$json->{rows}};
    my @bad = map { my $row = $row{$_->{name}};
                    map { "$row->{name} $_" } numbers($row) } @expected;

    is(join(', ', @bad), '', 'with numbers');

    for my $row (@expected) {
        my $line = $text =~ /^\Q$row->{title}\E +\Q$row->{unit}\E +\S/m;
        ok($line, "the table has \"$row->{title}\"");
    }

    is(join(' ', glob "$dir/data/*"), '', 'nothing is left');
});


done_testing();
