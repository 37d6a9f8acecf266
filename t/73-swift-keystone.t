#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A Swift whose tokens are those of a real Keystone: our own account, and
# those that clients name.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Keystone;
use Glance::S3;
use Glance::Source qw/ worker_server /;
use Glance::Swift;
use Glance::Test;

my $missing = Glance::Swift::missing() || Glance::Keystone::missing()
    || Glance::Swift::no_middleware();
plan(skip_all => $missing) if $missing;

my $MiB = 1024 * 1024;
my $keystone = Glance::Keystone->new()->start();
my $swift = Glance::Swift->new(keystone => $keystone)->start();
my @formats = (disk_format => 'raw', container_format => 'bare');

$keystone->publish("http://127.0.0.1:$keystone->{port}/v3", 'identity');
$keystone->publish("http://127.0.0.1:$swift->{port}/v1/KEY_\$(project_id)s",
                   'object-store');


# what Swift has, as a user of Keystone

sub of_user {
    my ($user, $project, $method, $path, %o) = @_;

    return Glance::HTTP->new(port => $swift->{port})->request(
        $method, '/v1/KEY_' . $keystone->project($project) . "/$path",
        close => 1, %o, headers => [
            'X-Auth-Token' => $keystone->token($user, $project) ]);
}


sub objects {
    my $r = of_user('glance', 'service', 'GET', 'glance');

    return $r->{status} == 200 ? split(/\n/, $r->{body}) : ();
}


sub directives {
    my (%o) = @_;

    my $accounts = $swift->accounts(
        auth_address => "http://127.0.0.1:$keystone->{port}/v3",
        user => 'service:glance',
        key => Glance::Keystone::password('glance'), %o);

    return $swift->directives(
        glance_swift_accounts => $accounts,
        glance_swift_large_object_size => '2m',
        glance_swift_large_object_chunk_size => '1m',
        glance_http_allow => '127.0.0.0/8');
}


sub location {
    my ($user, $password, %o) = @_;

    return 'swift+http://' . Glance::S3::escape($user) . ':'
           . Glance::S3::escape($password) . '@' . ($o{host} || '127.0.0.1')
           . ":$keystone->{port}/v3/mine/object";
}


my $run = temp_dir();
my $directives = directives();
my $data = noise(3 * $MiB + 5);
mkdir("$run/worker");


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-05 an account of Keystone' => sub {
        for my $body (substr($data, 0, 100_000), $data) {
            my $id = $env->create({}, body => $body);

            ok(scalar(objects()), 'it is there');
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($body), 'the data');
            status_is($env->request('DELETE', "/images/$id"), 200, 'DELETE');
            is_deeply([ objects() ], [], 'nothing is left');
        }
    });

    check('S-05 a token that Keystone does not know any more' => sub {
        my $id = $env->create({}, body => $data);

        for my $what ('a download', 'an upload') {
            $keystone->stop();
            $keystone->new_keys();
            $keystone->start();

            # the service's own token in Swift is renewed by its next question
            ok(wait_until(sub { objects() > 0 }), 'Keystone is there again');

            $id = $env->create({}, body => $data) if $what eq 'an upload';
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), $what);
        }

        $env->request('DELETE', "/images/$_->[0]") for $env->rows();
        is_deeply([ objects() ], [], 'nothing is left');
    });

    of_user('alice', 'alpha', 'PUT', 'mine');
    of_user('alice', 'alpha', 'PUT', 'mine/object', body => $data);

    check('S-08 accounts that clients name' => sub {
        my @id;

        for my $host ('127.0.0.1', 'localhost') {
            my $url = location('alpha:alice', 'alice', host => $host);
            my $r = $env->v1('POST', '', { name => 'l', @formats,
                                           location => $url });

            status_is($r, 201, "location, $host");
            is($r->json()->{image}{size}, length $data, 'its size');
            is(md5_of($env->v1('GET', '/' . $r->json()->{image}{id})->{body}),
               md5_of($data), 'the data');

            $r = $env->v1('POST', '', { name => 'c', @formats }, headers =>
                          [ 'x-glance-api-copy-from' => $url ]);
            status_is($r, 201, "copy, $host");
            push @id, $r->json()->{image}{id};
        }

        for my $id (@id) {
            ok(wait_until(sub { $env->status_of($id) eq 'active' }, 40),
               'the copy is there');
            is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($data),
               'the data');
        }
    });

    check('S-08 what Keystone refuses' => sub {
        my @before = $env->rows();
        my %why = (
            location('alpha:alice', 'hushhush') => 'refused',
            location('beta:alice', 'alice') => 'refused',
            location('beta:bob', 'bob') => 'nothing',
            location('service:glance', 'hushhush') => 'refused',
            location('alice', 'alice') => 'PROJECT',
        );

        for my $url (sort keys %why) {
            error_ok($env->v1('POST', '', { name => 'l', @formats,
                                            location => $url }),
                     $why{$url} eq 'nothing' ? 404 : 400, $url,
                     qr/x-image-meta-location .*$why{$url}/);
        }

        is_deeply([ $env->rows() ], \@before, 'nothing is recorded');
        unlike(read_file($env->{nginx}{log}), qr/\Q$_\E/, 'no key in the log')
            for 'hushhush', Glance::Keystone::password('glance');
    });

    $env->{nginx}->allow(qr/\b(?:store|swift): /);
}, worker => 1,
   worker_options => { run_dir => $run, upload_lease => 2,
                       sweep_interval => 1 },
   registry => { upload_lease => 3, sweep_interval => 1 },
   nginx => { directives => $directives,
              http => worker_server($run, $directives) });


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-05 what the catalogue does not have' => sub {
        error_ok($env->post({}, body => 'data'), 503, 'an upload',
                 qr/not available/);
        like(read_file($env->{nginx}{log}), qr/gave no token or named no/,
             'the log says why');
        $env->nothing_left();
    });

    $env->{nginx}->allow(qr/\b(?:store|swift): /);
}, nginx => { directives => directives(region => 'Elsewhere') });


done_testing();
