#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Data in a Swift or S3 that clients name with their own keys: as the data of
# an image, and to be copied.

use warnings;
use strict;

use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";

use Glance::S3;
use Glance::Source qw/ worker_server /;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $swift = Glance::Swift->new()->start();
my $source = Glance::Source->new()->start();
my $s3 = Glance::S3->of_swift($swift);
my $port = $swift->{port};
my @formats = (disk_format => 'raw', container_format => 'bare');
my @secrets = ('testing', 'reading', 'hushhush', $s3->{secret},
               Glance::S3::escape($s3->{secret}));


# credentials of a user, and where its store is

sub swift_url {
    my ($path, %o) = @_;

    my $user = $o{user} || 'test:tester';
    my $key = defined $o{key} ? $o{key} : Glance::Swift::key($user);

    return 'swift+http://' . Glance::S3::escape($user) . ':'
           . Glance::S3::escape($key) . '@' . ($o{host} || '127.0.0.1')
           . ":$port/auth/v1.0/$path";
}


sub s3_url {
    my ($path, %o) = @_;

    my $user = $o{user} || 'test:tester';
    my $key = defined $o{key} ? $o{key} : Glance::Swift::key($user);

    return 's3://' . Glance::S3::escape($user) . ':' . Glance::S3::escape($key)
           . '@' . ($o{host} || '127.0.0.1') . ":$port/$path";
}


sub given {
    my ($env, $url, %meta) = @_;

    return $env->v1('POST', '', { name => 'g', @formats, location => $url,
                                  %meta });
}


sub copy {
    my ($env, $url, %meta) = @_;

    return $env->v1('POST', '', { name => 'c', @formats, %meta },
                    headers => [ 'x-glance-api-copy-from' => $url ]);
}


sub id_of {
    my ($r) = @_;

    return (($r->json() || {})->{image} || {})->{id};
}


sub jobs {
    my ($env) = @_;

    return $env->{database}->query('SELECT image_id, ended_at, last_error'
                                   . ' FROM ngx_glance_jobs');
}


# the clients' data, and a large object of them, as tools upload it

my $data = noise(700_000);

sub fill {
    $swift->wipe();
    $swift->request('PUT', $_) for 'mine', 'mine_segments';
    $swift->request('PUT', 'mine/small', body => $data);
    $swift->request('PUT', "mine_segments/large/$_",
                    body => substr($data, 300_000 * $_, 300_000))
        for 0 .. 2;
    $swift->request('PUT', 'mine/large', body => '', headers =>
                    [ 'X-Object-Manifest' => 'mine_segments/large/' ]);
}


my $run = temp_dir();
my $store = store_dir();
mkdir("$run/worker");

my $stores = "glance_file_root $store; "
    . 'glance_swift_accounts ' . $swift->accounts() . '; '
    . 'glance_s3_credentials ' . $s3->credentials() . '; '
    . "glance_s3_host http://127.0.0.1:$port; ";
my $allowed = "$stores glance_http_allow 127.0.0.0/8;";


for_each_database(sub {
    my ($env) = @_;

    fill();

    check('S-08 S-54 an image in a Swift or S3 of its client' => sub {
        my %url = (
            'our account' => swift_url('mine/small'),
            'a large object' => swift_url('mine/large'),
            'another user' => swift_url('mine/small',
                                        user => 'test:glance'),
            'another server' => swift_url('mine/large', host => 'localhost',
                                          user => 'test:glance'),
            'S3' => s3_url('mine/small'),
            'S3, another user' => s3_url('mine/small',
                                         user => 'test:glance'),
            'S3, another server' => s3_url('mine/small',
                                           host => 'localhost'),
        );

        for my $title (sort keys %url) {
            my $r = given($env, $url{$title});
            status_is($r, 201, $title);

            my $image = ($r->json() || {})->{image} || {};
            is($image->{status}, 'active', "$title: active");
            is($image->{size}, length $data, "$title: its size");
            is($image->{location}, undef, "$title: nothing of the location");

            $r = $env->v1('GET', "/$image->{id}");
            is(md5_of($r->{body}), md5_of($data), "$title: the data");
            $r = $env->request('GET', "/images/$image->{id}",
                               headers => [ Range => 'bytes=299990-300009' ]);
            status_is($r, 206, $title);
            is($r->{body}, substr($data, 299_990, 20), "$title: a range");
        }

        my $r = $env->post({ name => 's', type => 'raw',
                             location => $url{S3} });
        status_is($r, 201, 'the API of 2011');
        is(md5_of($env->request('GET', '/images/' . id_of($r))->{body}),
           md5_of($data), 'has it, too');

        denied(given($env, $url{S3}, size => 5), 409, 'x-image-meta-size',
               'another size');
        is_deeply([ $env->files() ], [], 'nothing is stored');

        # without their data, which others need
        $env->{database}->query("UPDATE images SET status = 'deleted',"
                                . ' deleted = 1');
    });

    check('locations of API v2' => sub {
        my $patch = sub {
            my ($id, $url) = @_;

            return $env->v2('PATCH', "/$id", json => [ {
                op => 'add', path => '/locations/-',
                value => { url => $url, metadata => {} } } ],
                headers => [ 'Content-Type' =>
                    'application/openstack-images-v2.1-json-patch' ]);
        };

        for my $url (swift_url('mine/small', user => 'test:glance'),
                     s3_url('mine/large'))
        {
            my $id = $env->v2_create();
            my $r = $patch->($id, $url);

            status_is($r, 200, $url);
            is($r->json()->{size}, length $data, 'its size');
            is(md5_of($env->v2('GET', "/$id/file")->{body}), md5_of($data),
               'the data');
        }

        my $id = $env->v2_create();

        for my $url (swift_url('mine/small', key => 'hushhush'),
                     s3_url('mine/small', key => 'hushhush'),
                     s3_url('mine/none'),
                     "swift+http://127.0.0.1:$port/auth/v1.0/mine/small",
                     "s3://test%3Atester\@127.0.0.1:$port/mine/small",
                     'swift+config://ref1/mine/small')
        {
            my $r = $patch->($id, $url);

            status_is($r, 400, $url);
            unlike($r->{body}, qr/hushhush/, 'no key in the answer');
        }

        is($env->status_of($id), 'queued', 'nothing is recorded');

        # without an identity nobody is a service
        my $r = Glance::HTTP->new(
            port => $env->{registry}{port})->request('POST',
            "/v2/images/$id/locations", headers => [
                'Content-Type' => 'application/json',
                'X-Identity-Status' => 'Confirmed',
                'X-Roles' => 'admin,service',
                'X-Glance-Sources' => 'http,swift,s3' ],
            body => JSON::PP->new->encode({ url => swift_url('mine/large'),
                validation_data => { os_hash_algo => 'md5',
                                     os_hash_value => md5_of($data) } }));

        status_is($r, 202, 'POST of a service');
        ok(wait_until(sub { $env->status_of($id) eq 'active' }, 40),
           'it is active');
        is($env->v2('GET', "/$id")->json()->{checksum}, md5_of($data),
           'verified');
        is(md5_of($env->v2('GET', "/$id/file")->{body}), md5_of($data),
           'the data');

        my $tasks = $env->v2('GET', "/$id/tasks");

        is($tasks->json()->{tasks}[0]{status}, 'success', 'its task');
        unlike($tasks->{body}, qr/testing/, 'without the key');

        $env->{database}->query("UPDATE images SET status = 'deleted',"
                                . ' deleted = 1');
    });

    check('S-08 an image takes its data with it' => sub {
        $swift->request('PUT', 'mine/gone', body => $data);

        my $id = id_of(given($env, swift_url('mine/gone',
                                             user => 'test:glance')));

        status_is($env->v1('DELETE', "/$id"), 200, 'DELETE');
        ok(wait_until(sub { !grep { $_ eq 'gone' } $swift->objects('mine') }),
           'as Glance does');
    });

    check('S-08 copies of them' => sub {
        my %url = (
            'our account' => swift_url('mine/small'),
            'a large object' => swift_url('mine/large'),
            'another server' => swift_url('mine/small', host => 'localhost',
                                          user => 'test:glance'),
            'S3' => s3_url('mine/large'),
            'S3, another server' => s3_url('mine/small', host => 'localhost',
                                           user => 'test:glance'),
        );
        my %id;

        for my $title (sort keys %url) {
            my $r = copy($env, $url{$title});
            status_is($r, 201, $title);
            is($r->json()->{image}{status}, 'queued', "$title: queued");
            is($r->json()->{image}{size}, length $data, "$title: its size");
            $id{$title} = id_of($r);
        }

        for my $title (sort keys %id) {
            my $id = $id{$title};
            ok(wait_until(sub { $env->status_of($id) eq 'active' }, 40),
               "$title: active");
            is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($data),
               "$title: the data");
        }

        ok(wait_until(sub { !jobs($env) }), 'no job is left');
        $env->consistent();
    });

    check('S-08 what is refused' => sub {
        my @before = $env->rows();
        my %why = (
            swift_url('mine/small', key => 'hushhush') => 'refused',
            swift_url('mine/small', user => 'test:reader') => 'refused',
            swift_url('mine/small', user => 'no:body', key => 'hushhush') =>
                'refused',
            s3_url('mine/small', key => 'hushhush') => 'refused',
            s3_url('mine/small', user => 'nobody', key => 'hushhush') =>
                'refused',
            swift_url('mine/none') => 'nothing',
            s3_url('mine/none') => 'nothing',
            swift_url('mine/small') . '#' . ('0' x 8) => '#',
            s3_url('mine/small') . '?a=b' => '?',
            "swift+http://127.0.0.1:$port/auth/v1.0/mine/small" => 'key',
            "s3://127.0.0.1:$port/mine/small" => 'key',
            "s3://test%3Atester\@127.0.0.1:$port/mine/small" => 'key',
            'swift+config://ref1/mine/small' => 'account',
            "swift+http://u:hushhush\@127.0.0.1:$port/x" => 'CONTAINER',
            "s3://u:hushhush\@127.0.0.1:$port/x" => 'BUCKET',
            "s3://u:hushhush\@127.0.0.1:$port/a/b/c" => 'BUCKET',
            "swift+http://u:hushhush\@127.0.0.1:$port/v3/a/b" => 'PROJECT',
            "swift://u:hushhush\@127.0.0.1:$port/auth/v1.0/a/b" => 'read',
            'swift+http://u:hushhush@127.0.0.1:1/auth/v1.0/a/b' => 'read',
            'swift+http://u:hushhush@10.0.0.1/auth/v1.0/a/b' => 'address',
            's3://u:hushhush@169.254.169.254/a/b' => 'address',
        );

        for my $url (sort keys %why) {
            my $status = $why{$url} eq 'nothing' ? 404 : 400;

            error_ok(given($env, $url), $status, $url,
                     qr/x-image-meta-location .*\Q$why{$url}\E/);
            error_ok(copy($env, $url), $status, $url,
                     qr/x-glance-api-copy-from .*\Q$why{$url}\E/);
        }

        is_deeply([ $env->rows() ], \@before, 'nothing is recorded');
        is(scalar(jobs($env)) || 0, 0, 'no job');
    });

    check('S-08 a Swift that leads elsewhere' => sub {
        my %to = (
            'v1' => 'http://169.254.169.254/latest',
            'v1.0' => 'http://[::ffff:10.0.0.1]/v1/AUTH_a',
            'y/v1' => 'file:///etc',
            'x/v1' => 'ftp://127.0.0.1/',
            'x/v1.0' => 'http://u:hushhush@127.0.0.1/v1',
            'v3' => 'a:b',
        );

        for my $path (sort keys %to) {
            my $url = 'swift+http://' . Glance::S3::escape($to{$path})
                      . ":hushhush\@127.0.0.1:$source->{port}/"
                      . "$path/passwd/x";

            denied(given($env, $url), 400, 'x-image-meta-location',
                   $to{$path});
        }

        unlike(read_file($env->{nginx}{log}), qr/^forged/m,
               'no line of the log is made up');
    });

    check('S-08 a copy that fails later' => sub {
        my %id = map { $_ => id_of(copy($env, $_, size => 7)) }
                 swift_url('mine/none'), s3_url('mine/small'),
                 swift_url('mine/small', key => 'hushhush'),
                 's3://u:hushhush@10.0.0.1/a/b';
        my %why = (none => '404: the source leads to nothing',
                   's3:.*small' => 'has 700000 bytes',
                   'hushhush.*small' => '400: the source is refused',
                   '10.0.0.1' => '400: .*address');

        for my $url (sort keys %id) {
            ok(wait_until(sub { $env->status_of($id{$url}) eq 'killed' }, 40),
               "$url: killed");
        }

        my %row = map { $_->[0] => $_->[2] } jobs($env);

        for my $pattern (sort keys %why) {
            my ($url) = grep { /$pattern/ } sort keys %id;
            like($row{$id{$url}}, qr/$why{$pattern}/, "$pattern: the reason");
        }

        my ($status, $text) = run_command([
            Glance::Program::built('glance-manage'), '--sql-connection',
            $env->{database}{connection}, 'db', 'jobs' ]);

        is($status, 0, 'db jobs');
        like($text, qr/\*\*\*/, 'shows them');
        unlike($text, qr/\Q$_\E/, 'but no key') for @secrets;
        $env->consistent();
    });

    check('S-08 no key in a log' => sub {
        my @logs = ($env->{nginx}{log}, "$env->{nginx}{dir}/access.log",
                    $env->{registry}{log}, $env->{worker_program}{log});

        for my $log (grep { defined && -e } @logs) {
            unlike(read_file($log), qr/\Q$_\E/, $log) for @secrets;
        }
    });

    $env->{nginx}->allow(qr/\b(?:store|s3|swift): /);
    $env->wipe();
}, store => $store, worker => 1,
   worker_options => { run_dir => $run, upload_lease => 2,
                       sweep_interval => 1 },
   registry => { upload_lease => 3, sweep_interval => 1,
                 show_multiple_locations => 'True' },
   nginx => { http => worker_server($run, $allowed),
              directives => $allowed });


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 servers of others have to be where everybody can go' => sub {
        fill();

        for my $url (swift_url('mine/small', host => 'localhost'),
                     s3_url('mine/small', host => 'localhost'))
        {
            denied(given($env, $url), 400, 'address', $url);
            denied(copy($env, $url), 400, 'address', $url);
        }

        status_is(given($env, swift_url('mine/small')), 201, 'ours is known');
        status_is(given($env, s3_url('mine/small')), 201, 'as for S3');
    });

    $env->{nginx}->allow(qr/\bstore: /);
}, nginx => { directives => $stores });


# Connections of nginx are taken from those that wait for the client to close,
# while libcurl asks for one: their requests, with transfers, end within it.
with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 connections are few' => sub {
        my @waiting;

        for my $n (1 .. 40) {
            my $c = $env->connect();
            my %o = $env->with_meta({
                name => 'g', type => 'raw',
                location => $n % 2 ? swift_url('mine/small')
                                   : s3_url('mine/small') });

            status_is($c->request('POST', '/images', %o), 201, "client $n");
            push @waiting, $c;
        }

        is(md5_of($env->request('GET', '/images/'
                                . ($env->rows())[0][0])->{body}),
           md5_of($data), 'and one more');
    });
}, nginx => { connections => 32, directives => $stores,
              server => 'lingering_close always; keepalive_timeout 0;'
                        . ' lingering_timeout 60s; lingering_time 60s;' });


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 a server without such stores' => sub {
        for my $url (swift_url('mine/small'), s3_url('mine/small')) {
            denied(given($env, $url), 400, 'must have such a store', $url);
            denied(copy($env, $url), 400, 'must have such a store', $url);
        }
    });
});


done_testing();
