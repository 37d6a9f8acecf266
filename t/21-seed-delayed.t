#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Delayed delete: the record goes at once, the data when glance-scrubber says
# so, and nothing is lost or left when one of them dies in between.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::Foreign qw/ glance_image /;


my $Scrubber = Glance::Program::built('glance-scrubber');


sub conf {
    my ($env, %options) = @_;

    my $dir = temp_dir();

    Glance::Registry::write_config("$dir/glance-scrubber.conf",
        filesystem_store_datadir => $env->{store},
        run_dir => $env->{nginx}{dir},
        registry_host => '127.0.0.1',
        registry_port => $env->{registry}{port},
        $env->{registry}->secret(),
        %options);

    return "$dir/glance-scrubber.conf";
}


# one pass; its exit status

sub scrub {
    my ($env, %options) = @_;

    my ($status, $text) = run_command([ $Scrubber, conf($env, %options) ],
        env => { Glance::Program::sanitizer_env($env->{store}) });

    diag($text) if $status != 0;

    return $status;
}


sub row {
    my ($env, $id) = @_;

    my ($row) = $env->{database}->query("SELECT status, deleted, deleted_at"
                                        . " FROM images WHERE id = '$id'");

    return $row;
}


sub location_of {
    my ($env, $id) = @_;

    return join(' ', map { "@$_" } $env->{database}->query(
        "SELECT status, deleted FROM image_locations"
        . " WHERE image_id = '$id'"));
}


# as if it had been deleted so many seconds ago

sub age {
    my ($env, $id, $seconds) = @_;

    my $time = $env->{kind} eq 'mysql'
               ? "UTC_TIMESTAMP() - INTERVAL $seconds SECOND"
               : "datetime('now', '-$seconds seconds') || '.000000'";

    $env->{database}->query("UPDATE images SET deleted_at = $time"
                            . " WHERE id = '$id'");
}


for_each_database(sub {
    my ($env) = @_;

    check('the data stay, the image does not' => sub {
        my $id = $env->create({}, body => 'some data');
        my $c = $env->connect();

        status_is($c->request('DELETE', "/images/$id"), 200, 'DELETE');
        is_deeply([ @{row($env, $id)}[0, 1] ], [ 'pending_delete', 1 ],
                  'the record waits');
        is(location_of($env, $id), 'pending_delete 1', 'the location, too');
        is(join(' ', $env->files()), $id, 'the data are there');
        is(scalar($env->claims()), 0, 'no claim is left');

        status_is($c->request('GET', "/images/$id"), 404, 'GET');
        status_is($c->request('HEAD', "/images/$id"), 404, 'HEAD');

        my $r = $c->request('GET', '/images');
        unlike($r->{body}, qr/$id/, 'not listed');

        refused($env, 403, 'DELETE again', 'DELETE', "/images/$id",
                words => qr/deleted/);
        refused($env, 403, 'DELETE by API v1', 'DELETE',
                "/v1/images/$id", words => qr/deleted/);
        refused($env, 409, 'its id is taken', 'POST', '/images',
                meta => { id => $id });

        is(scrub($env, scrub_time => 3600), 0, 'scrubber, not due');
        is(row($env, $id)->[0], 'pending_delete', 'nothing happens');
        is(join(' ', $env->files()), $id, 'to the data, too');

        age($env, $id, 3601);
        is(scrub($env, scrub_time => 3600), 0, 'scrubber, due');
        is_deeply([ @{row($env, $id)}[0, 1] ], [ 'deleted', 1 ],
                  'the image is deleted');
        is(location_of($env, $id), 'deleted 1', 'its location');
        is(join(' ', $env->files()), '', 'its data');
        is(scalar($env->{database}->query('SELECT id FROM'
                                          . ' ngx_glance_removals')), 0,
           'nothing is left to remove');

        error_ok($env->request('DELETE', "/images/$id"), 404,
                 'DELETE after it');
        is(scrub($env), 0, 'again');
    });

    check('without data there is nothing to delay' => sub {
        my $id = $env->create({});

        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');
        is_deeply([ @{row($env, $id)}[0, 1] ], [ 'deleted', 1 ], 'deleted');
    });

    check('protected' => sub {
        my $id = $env->create({ protected => 'True' }, body => 'x');

        error_ok($env->request('DELETE', "/images/$id"), 403, 'DELETE');
        is_deeply([ @{row($env, $id)}[0, 1] ], [ 'active', 0 ], 'it lives');
        status_is($env->put($id, { protected => 'False' }), 200, 'PUT');
        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');
        is(scrub($env), 0, 'scrubber');
        is(join(' ', $env->files()), '', 'no data');
    });

    check('restored in time' => sub {
        my $id = $env->create({}, body => 'precious');

        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');

        # as an administrator of Glance does
        $env->{database}->query("UPDATE images SET status = 'active',"
            . " deleted = 0, deleted_at = NULL WHERE id = '$id';"
            . "UPDATE image_locations SET status = 'active', deleted = 0"
            . " WHERE image_id = '$id'");

        is(scrub($env), 0, 'scrubber');

        my $r = $env->request('GET', "/images/$id");
        status_is($r, 200, 'GET');
        is($r->{body}, 'precious', 'the data are there');
        $env->wipe();
    });

    check('many, and what is not of this node' => sub {
        my @ids = map { $env->create({}, body => "data $_") } 1 .. 3;

        for my $n (1 .. 210) {
            my $id = sprintf('%08d-0000-4000-8000-000000000000', $n);

            glance_image($env->{database}, id => $id,
                         set => { status => "'pending_delete'",
                                  deleted => 1,
                                  deleted_at => "'2020-01-01 00:00:00'" });
        }

        my $other = 'aaaaaaaa-0000-4000-8000-000000000000';
        my $http = 'bbbbbbbb-0000-4000-8000-000000000000';

        glance_image($env->{database}, id => $other,
                     locations => ["file:///another/dir/$other"]);
        glance_image($env->{database}, id => $http,
                     locations => ['http://127.0.0.1/image']);
        status_is($env->request('DELETE', "/images/$_"), 200, "DELETE $_")
            for @ids, $other, $http;

        is(scrub($env), 0, 'scrubber');

        my ($left) = $env->{database}->query("SELECT COUNT(*) FROM images"
            . " WHERE status <> 'deleted'");
        is($left->[0], 0, 'all are deleted');
        is(join(' ', $env->files()), '', 'no data');

        my @removals = $env->{database}->query('SELECT image_id, url FROM'
                                               . ' ngx_glance_removals');
        is_deeply(\@removals,
                  [ [$other, "file:///another/dir/$other"] ],
                  'another node finds what it has to remove');
        $env->wipe();
    });

    check('a scrubber that dies is succeeded by a worker' => sub {
        my $id = $env->create({}, body => 'x');

        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');

        # what it does first
        my $r = $env->{registry}->request('PUT', "/images/$id",
            json => { image => { status => 'deleted' } });
        status_is($r, 200, 'given up');
        is(join(' ', $env->files()), $id, 'the data are there');

        my ($status, $text) = $env->worker()->once();
        is($status, 0, 'glance-worker') or diag($text);
        is(join(' ', $env->files()), '', 'and are removed');

        $r = $env->{registry}->request('PUT', "/images/$id",
            json => { image => { status => 'deleted' } });
        isnt($r->{status}, 200, 'a second one is told so');
    });

    check('data that cannot be removed' => sub {
        plan(skip_all => 'a directory takes the place of a file')
            if $env->default_store() ne 'file';

        my $id = $env->create({}, body => 'x');

        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');

        unlink("$env->{store}/$id");
        mkdir("$env->{store}/$id");
        is(scrub($env), 0, 'scrubber');
        is(row($env, $id)->[0], 'deleted', 'the image is deleted');

        my ($removal) = $env->{database}->query('SELECT image_id, tries,'
            . ' last_error FROM ngx_glance_removals');
        is($removal->[0], $id, 'the removal is tried again later');
        is($removal->[1], 1, 'after one try');
        like($removal->[2], qr/unlink: /, 'and the reason is told');

        rmdir("$env->{store}/$id");
        $env->wipe();
    });

    check('as a daemon' => sub {
        my $id = $env->create({}, body => 'x');
        my $file = conf($env, wakeup_time => 1);
        my $log = temp_dir() . '/log';

        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');

        my $pid = spawn(name => 'glance-scrubber', log => $log,
                        argv => [ $Scrubber, '-D', '--config-file', $file ]);

        ok(wait_until(sub { !$env->files() }), 'it removes the data');

        $id = $env->create({}, body => 'y');
        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');
        ok(wait_until(sub { !$env->files() }), 'and others later');

        $env->{registry}->stop();
        ok(wait_until(sub { read_file($log) =~ /ERROR/ }),
           'without a registry it complains');
        ok(alive($pid), 'and goes on');

        $env->{registry}->start();
        $id = $env->create({}, body => 'z');
        status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');
        ok(wait_until(sub { !$env->files() }), 'when it is back');

        is(stop_process($pid), 0, 'it ends with status 0');
    });

    check('no registry' => sub {
        my ($status) = run_command([ $Scrubber,
            conf($env, registry_port => free_port()) ]);

        is($status, 1, 'exit status 1');
    });
}, nginx => { directives => 'glance_delayed_delete on;' });


check('mistakes' => sub {
    my $dir = temp_dir();

    my ($status, $text) = run_command([ $Scrubber, "$dir/none.conf" ]);
    is($status, 1, 'no such file: 1');
    like($text, qr/^ERROR: /m, 'tells so');

    write_file("$dir/bad.conf", "scrub_time = soon\n");
    ($status, $text) = run_command([ $Scrubber, "$dir/bad.conf" ]);
    is($status, 1, 'a bad value: 1');
    like($text, qr/bad\.conf:1: scrub_time/, 'file, line and option');

    ($status, $text) = run_command([ $Scrubber, '--restart' ]);
    is($status, 2, 'a bad option: 2');
});


done_testing();
