#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A large upload becomes durable while it comes in: what a thread that does
# that beside the others finds, and who leaves meanwhile.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $MiB = 1024 * 1024;
my $data = noise(4 * $MiB) x 24;
my $half = 48 * $MiB;


with_env('sqlite', sub {
    my ($env) = @_;

    my $nginx = $env->{nginx};
    my $disk = slow_disk($env->{store});

    plan(skip_all => 'no C compiler') if !$disk;

    $nginx->stop();
    $nginx->start(env => $disk->env());

    my $begin = sub {
        my ($length) = @_;
        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta({},
                 length => $length)) . substr($data, 0, $half), 60);
        return $c;
    };

    check('S-44 a disk that takes long to empty its cache' => sub {
        $disk->rule(fdatasync => 'block');

        my $c = $begin->(length $data);

        ok($disk->applied('fdatasync'), 'durable before the end');
        ok($c->send(substr($data, $half), 60), 'data are taken all the same');
        ok(!$c->readable(1), 'no answer');
        is(scalar $env->temp_files(), 1, 'not an image yet');

        $disk->rule();

        my $r = $c->read_response('POST');

        status_is($r, 201, 'it ends well');
        is($env->digest($r->json()->{image}{id}), md5_of($data), 'bytes');
        $env->consistent();
        $env->wipe();
    });

    # the kernel reports such an error once; the last fdatasync() succeeds

    for my $when ('before the end', 'with the last bytes') {
        check("S-06 an error that only the first one sees, $when" => sub {
            my $length = $when =~ /end/ ? length $data : $half;

            $disk->rule(fdatasync => 5);

            my $c = $begin->($length);

            ok($disk->applied('fdatasync'), 'tried');
            $disk->rule();
            $c->send(substr($data, $half, $length - $half), 60)
                if $length > $half;

            my $r = $c->read_response('POST');

            like($r->{status}, qr/^5\d\d$/, 'not acknowledged')
                or diag($r->summary());
            $env->nothing_left('nothing is left');
        });
    }

    for my $how (qw/ close reset /) {
        check("S-44 a client that leaves meanwhile: $how" => sub {
            $disk->rule(fdatasync => 'block');

            my $c = $begin->(length $data);

            ok($disk->applied('fdatasync'), 'it takes long');
            $c->$how();
            status_is($env->request('GET', '/versions'), 200, 'others');
            $disk->rule();
            $env->nothing_left('nothing is left');
        });
    }

    check('S-44 the length turns out to be wrong meanwhile' => sub {
        $disk->rule(fdatasync => 'block');

        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta(
            { size => $half + 1 }, chunked => 1))
            . sprintf("%x\r\n", $half) . substr($data, 0, $half)
            . "\r\n0\r\n\r\n", 60);

        ok($disk->applied('fdatasync'), 'it takes long');
        $disk->rule();
        status_is($c->read_response('POST'), 400);
        $env->nothing_left('nothing is left');
    });

}, registry => { upload_lease => 2, sweep_interval => 1 },
   nginx => { lease => '3s' });


done_testing();
