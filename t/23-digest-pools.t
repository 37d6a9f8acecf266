#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Pools of threads that compute digests: an upload has one of its own as long
# as there are some that nobody uses.  A thread of them is known by its
# priority, which it takes with its first work.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $size = 4 * 1024 * 1024;
my $half = $size / 2;
my $data = noise($size);


with_env('sqlite', sub {
    my ($env) = @_;

    my ($worker) = $env->{nginx}->workers();

    my $begin = sub {
        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta({},
                 length => $size)) . substr($data, 0, $half), 60);
        return $c;
    };

    my $end = sub {
        my ($c) = @_;

        $c->send(substr($data, $half), 60);

        my $r = $c->read_response('POST');

        status_is($r, 201);
        is($env->digest($r->json()->{image}{id}), md5_of($data), 'bytes');
    };

    is(niced($worker), 0, 'no thread has computed anything');

    check('one after the other: one pool does' => sub {
        for (1 .. 3) {
            $end->($begin->());
            is(niced($worker), 1);
        }
    });

    check('a client that leaves does not keep its pool' => sub {
        my $c = $begin->();

        ok(wait_until(sub { scalar $env->temp_files() }),
           'begun');
        $c->close();
        ok(wait_until(sub { !scalar $env->temp_files() }), 'undone');

        $end->($begin->());
        is(niced($worker), 1);
    });

    check('two at a time have two, three share' => sub {
        my @c = map { $begin->() } 1 .. 3;

        ok(wait_until(sub { niced($worker) == 2 }), 'both pools work')
            or diag(niced($worker));

        $end->($_) for @c;
        is(niced($worker), 2);
    });

    $env->consistent();

}, nginx => { threads => 1 }, registry => { upload_lease => 2,
                                            sweep_interval => 1 });


done_testing();


# threads with the priority of digests; after ")" come the fields from the
# third one on, and the 19th is what nice(1) shows

sub niced {
    my ($pid) = @_;

    my $n = 0;

    for my $file (glob "/proc/$pid/task/*/stat") {
        open my $fh, '<', $file or next;
        my $line = <$fh>;
        my @fields = split ' ', ($line =~ /.*\) (.*)/s)[0];

        $n++ if $fields[16] == 10;
    }

    return $n;
}
