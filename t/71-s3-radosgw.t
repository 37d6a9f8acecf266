#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The same S3 store against the gateway of Ceph, which takes no body of
# unknown length and is no relative of Swift.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Radosgw;
use Glance::S3;
use Glance::Test;


plan(skip_all => Glance::Radosgw::missing()) if Glance::Radosgw::missing();

my $MiB = 1024 * 1024;
my $ceph = Glance::Radosgw->new()->start();
my $s3 = Glance::S3->new(port => $ceph->{port}, access => 'TESTACCESS',
                         secret => 'test/secret+key');


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-07 images of all sizes' => sub {
        for my $size (0, 1, 6 * $MiB, 6 * $MiB + 1, 17 * $MiB) {
            for my $how ([], [ chunked => 1 ]) {
                my $data = noise($size);
                my $title = "$size bytes @$how";

                next if !$size && !@$how;

                my $id = $env->create({}, body => $data, @$how);
                my $r = $env->request('GET', "/images/$id");

                status_is($r, 200, "$title: whole");
                is(md5_of($r->{body}), md5_of($data), "$title: its bytes");
                is(scalar($s3->left()), 1, "$title: one object");

                my ($first, $last) = (5 * $MiB - 5, 5 * $MiB + 4);

                if ($size > $last) {
                    $r = $env->request('GET', "/images/$id", headers => [
                        Range => "bytes=$first-$last" ]);
                    status_is($r, 206, "$title: a range");
                    is($r->{body}, substr($data, $first, 10),
                       "$title: across parts");
                }

                status_is($env->request('DELETE', "/images/$id"), 200);
                is_deeply([ $s3->left() ], [], "$title: nothing left");
            }
        }
    });

    check('S-07 the location, as Glance writes it' => sub {
        my $id = $env->create({}, body => 'data');
        my ($row) = $env->{database}->query(
            'SELECT value FROM image_locations WHERE deleted = 0');

        is($row->[0], "s3://TESTACCESS:test/secret+key\@127.0.0.1:"
                      . "$ceph->{port}/glance/$id", 'location');
        is($env->request('GET', "/images/$id")->{body}, 'data', 'read');
        status_is($env->request('DELETE', "/images/$id"), 200);
        unlike(join("\n", $env->{nginx}->log_lines('.')),
               qr/secret\+key/, 'no key in the log');
    });

    check('S-07 S-54 refused data and clients that leave' => sub {
        my $data = noise(7 * $MiB);

        error_ok($env->post({ checksum => md5_of('other') }, body => $data),
                 400, 'a wrong checksum');
        is_deeply([ $s3->left() ], [], 'nothing left');

        my $c = $env->connect();
        my %o = $env->with_meta({ name => 'gone', type => 'raw' },
                                length => 20 * $MiB);

        $c->send($c->head('POST', '/images', %o) . noise(13 * $MiB));
        ok(wait_until(sub { $s3->uploads() }), 'an upload is there');
        undef $c;
        ok(wait_until(sub { !$s3->left() }), 'and is given up');
        $env->nothing_left();
    });
}, nginx => { directives => $s3->directives() });


$ceph->stop();
is(join("\n", $ceph->complaints()), '', 'Ceph has no complaint');

done_testing();
