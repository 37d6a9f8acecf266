#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A store that is full, or a disk that reports errors.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


check('S-06 a full store' => sub {
    my $mount = full_disk('8m');

    plan(skip_all => 'mounting a tmpfs is not permitted') if !$mount;

    for_each_database(sub {
        my ($env, $db) = @_;

        my $small = noise(1_000_000);
        my $id = $env->create({ name => 'small' }, body => $small);
        my $reserved = $env->create({ name => 'reserved' });

        for my $o ({}, { chunked => 1 }, { expect => 1 }) {
            my $title = join(' ', 'POST', keys %$o);
            my $r = $env->post({}, body => noise(20_000_000), %$o);
            like($r->{status}, qr/^(?:4\d\d|507)$/, "$title is refused")
                or diag($r->summary());
            $env->nothing_left("$title: nothing is left", $id, $reserved);

            $r = $env->request('GET', "/images/$id");
            is(md5_of($r->{body}), md5_of($small), 'reads go on');
        }

        my $r = $env->put($reserved, {}, body => noise(20_000_000));
        like($r->{status}, qr/^(?:4\d\d|507)$/, 'PUT is refused')
            or diag($r->summary());
        is_deeply([ $env->files() ], [ $id ], 'nothing is left');

        my @results = map { $_->() } map {
            my $n = $_;
            in_background(sub {
                $env->post({ name => "n$n" },
                           body => noise(3_000_000, $n))->{status}
            })
        } 1 .. 6;

        is_deeply([ grep { !/^(?:201|4\d\d|507)$/ } @results ], [],
                  "several at once: @results");
        $env->consistent();

        for my $row ($env->rows("status = 'active'")) {
            next if $row->[0] eq $id;
            status_is($env->request('DELETE', "/images/$row->[0]"), 200);
        }

        status_is($env->post({}, body => noise(1_000_000)), 201,
                  'with room again it works');
        $env->consistent();
        $env->wipe();
    }, store => $mount);
});


check('S-06 a disk that reports errors' => sub {
    for_each_database(sub {
        my ($env, $db) = @_;

        my $nginx = $env->{nginx};
        my $disk = slow_disk($env->{store});

        plan(skip_all => 'no C compiler') if !$disk;

        $nginx->stop();
        $nginx->start(env => $disk->env());

        my $data = noise(600_000);
        my $id = $env->create({ name => 'before' }, body => $data);

        # EIO 5, EACCES 13, ENOSPC 28, EROFS 30, EMFILE 24, EDQUOT 122
        for my $case ([ 'create', 13 ], [ 'create', 28 ], [ 'create', 30 ],
                      [ 'create', 24 ], [ 'write', 5 ], [ 'write', 28 ],
                      [ 'write', 122 ], [ 'fdatasync', 5 ],
                      [ 'fdatasync', 28 ], [ 'link', 28 ], [ 'link', 5 ],
                      [ 'fsync', 5 ])
        {
            my ($call, $error) = @$case;
            my $title = "$call fails with $error";

            $disk->rule($call => $error);

            my $r = $env->post({}, body => $data);
            my $applied = $disk->applied($call);

            $disk->rule();
            ok($applied, "$title: tried");
            like($r->{status}, qr/^[45]\d\d$/, $title)
                or diag($r->summary());
            unlike($r->{body}, qr/\Q$env->{store}\E/, 'no path in it');
            $env->nothing_left("$title: nothing is left", $id);
            status_is($env->request('GET', "/images/$id"), 200,
                      "$title: reads go on");
        }

        $disk->rule(unlink => 5);
        my $victim = $env->create({ name => 'victim' }, body => $data);
        my $r = $env->request('DELETE', "/images/$victim");
        status_is($r, 200, 'DELETE whose data cannot be removed');
        status_is($env->request('GET', "/images/$victim"), 404, 'gone');
        $disk->rule();

        ok(wait_until(sub {
            $env->worker()->once();
            return !grep { $_ ne $id } $env->files();
        }), 'the data are removed later');
        $env->wipe();

    }, registry => { upload_lease => 2, sweep_interval => 1 },
       nginx => { lease => '3s' });
});


done_testing();
