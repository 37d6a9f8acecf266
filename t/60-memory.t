#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A body of any length costs the same memory.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $MiB = 1024 * 1024;


sub peak_kb {
    my ($pid) = @_;

    return read_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : 0;
}


sub reset_peak {
    my ($pid) = @_;

    open(my $fh, '>', "/proc/$pid/clear_refs") or return 0;
    print $fh "5\n";

    return close($fh);
}


sub free_mb {
    my ($path) = @_;

    my ($status, $text) = run_command([ 'df', '-Pm', $path ]);

    return $text =~ /\n\S+\s+\d+\s+\d+\s+(\d+)/ ? $1 : 0;
}


plan(skip_all => 'GLANCE_TEST_QUICK is set') if $ENV{GLANCE_TEST_QUICK};
plan(skip_all => 'sanitizers need memory of their own')
    if $ENV{ASAN_OPTIONS};
plan(skip_all => 'less than 8 GB free') if free_mb(store_dir()) < 8000;


check('S-44 S-43 an image of 5 GiB' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $size = 5 * 1024 * $MiB;
        my ($worker) = $env->{nginx}->workers();

        my $transfer = sub {
            my ($bytes) = @_;

            my $r = $env->post({ size => $bytes }, length => $bytes,
                               chunks => pattern_chunks($bytes, 'mem'),
                               timeout => 600);
            status_is($r, 201, "$bytes bytes in");

            my $id = $r->json()->{image}{id};
            my ($sink, $sum) = digest_sink();

            $r = $env->request('GET', "/images/$id", sink => $sink,
                               timeout => 600);
            is($r->{length}, $bytes, 'and out');
            has_header($r, 'ETag', qr/\Q@{[ $sum->() ]}\E/);
            status_is($env->request('DELETE', "/images/$id"), 200);
        };

        $transfer->(20 * $MiB) for 1, 2;

        my $before = rss_kb($worker);

        $transfer->($size);

        my $after = rss_kb($worker);

        cmp_ok($after - $before, '<=', 8 * 1024,
               "the worker had $before kB and has $after kB");
        is(($env->{nginx}->workers())[0], $worker, 'the same worker');
    });
});


check('S-44 100 uploads at once' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $size = 64 * $MiB;
        my ($worker) = $env->{nginx}->workers();

        $env->create({}, chunks => pattern_chunks(8 * $MiB, 'warm'),
                     chunked => 1);

        my $before = rss_kb($worker);

        plan(skip_all => 'the peak of a process cannot be reset')
            if !reset_peak($worker);

        my @clients = map {
            my $n = $_;
            in_background(sub {
                my $r = $env->post({ name => "n$n" }, length => $size,
                                   chunks => pattern_chunks($size, $n),
                                   timeout => 600);
                return [ $r->{status}, $r->header('ETag') || '' ];
            });
        } 1 .. 100;

        my @results = map { $_->(1200) } @clients;

        is(scalar grep({ $_->[0] == 201 } @results), 100, 'all were stored')
            or diag(join(' ', map { $_->[0] } @results));
        like($results[41][1], qr/\Q@{[ pattern_md5($size, 42) ]}\E/,
             'with their own bytes');

        my $peak = peak_kb($worker);

        cmp_ok($peak - $before, '<', 160 * 1024,
               "the worker grew from $before kB to $peak kB");
        is(($env->{nginx}->workers())[0], $worker, 'the same worker');
    });
});


done_testing();
