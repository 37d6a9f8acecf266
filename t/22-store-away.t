#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A store whose file system is not mounted: nothing is taken for removed
# because it is not there.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $store = $env->{store};
    my $data = noise(100_000);

    my $removals = sub {
        return map { $_->[0] } $env->{database}->query(
            'SELECT image_id FROM ngx_glance_removals ORDER BY id');
    };
    my $error = sub {
        return ($env->{database}->query(
            'SELECT last_error FROM ngx_glance_removals'))[0][0];
    };
    my $pass = sub {
        $env->{database}->query('UPDATE ngx_glance_removals SET next_try = 1');
        return ($env->worker()->once())[0];
    };
    my $create = sub { return $env->create({}, body => $data) };
    my $delete = sub {
        my ($id) = @_;
        return $env->request('DELETE', "/images/$id");
    };

    my ($away, $empty, $kept) = map { $create->() } 1 .. 3;

    # the directory is not there
    rename($store, "$store.away") or die "rename: $!\n";

    check('no directory' => sub {
        status_is($delete->($away), 200, 'the image is deleted');
        is(join(' ', $removals->()), $away, 'its data are not');
        isnt($pass->(), 0, 'the worker does not do it');
        is(join(' ', $removals->()), $away, 'nor forget it');
        ok(!-e $store, 'nor make the directory');
        like(read_file($env->worker()->{log}), qr/ERROR.*no directory=/,
             'and says so');
        error_ok($env->request('GET', "/images/$kept"), 404, 'not readable');
    });

    # the place where it is mounted is
    mkdir($store) or die "mkdir: $!\n";

    check('an empty directory' => sub {
        status_is($delete->($empty), 200, 'the image is deleted');
        is(join(' ', $removals->()), "$away $empty", 'its data are not');
        $pass->();
        is(join(' ', $removals->()), "$away $empty", 'nor forgotten');
        like($error->(), qr/never|no upload has ever/, 'with the reason');
    });

    rmdir($store) or die "rmdir: $!\n";
    rename("$store.away", $store) or die "rename: $!\n";

    check('it is back' => sub {
        is($pass->(), 0, 'the worker does its work');
        is(join(' ', $removals->()), '', 'nothing waits');
        is(join(' ', $env->files()), $kept, 'only what is wanted is left');
        is($env->request('GET', "/images/$kept")->{body}, $data, 'readable');
    });

    check('a file that is gone from a store that is there' => sub {
        my $id = $create->();

        unlink("$store/$id") or die "unlink: $!\n";
        status_is($delete->($id), 200, 'the image is deleted');
        is(join(' ', $removals->()), '', 'and nothing waits for it');
    });

    check('a removal that is not durable is not one' => sub {
        my $disk = slow_disk($store);
        plan(skip_all => 'no C compiler') if !$disk;

        $env->{nginx}->stop();
        $env->{nginx}->start(env => $disk->env());

        my $id = $create->();

        $disk->rule(fsync => 5);           # EIO
        status_is($delete->($id), 200, 'the image is deleted');
        ok($disk->applied('fsync'), 'the disk does not take it');
        is(join(' ', $removals->()), $id, 'it is to be done again');
        $disk->rule();
        is($pass->(), 0, 'the worker does');
        is(join(' ', $removals->()), '', 'and it is done');
    });

    # "gone" and "not there" are errors of this test's making
    $env->consistent();
});


done_testing();
