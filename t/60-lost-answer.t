#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A registry does what it was asked for, and dies before it says so.  nginx
# asks another one: what was done once counts once, and clients see success.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $data = noise(300_000);
    my $mock = Glance::Lossy->new($env->{registry}{port});

    $mock->start();

    # the first one asked, each time
    $env->{nginx}->reload(upstream_options => 'backup',
        upstream_first => "server 127.0.0.1:$mock->{port} max_fails=0;");

    check('API v2' => sub {
        my $id = $env->v2_create({ name => 'once', tags => ['a', 'b'] });

        is(scalar($env->rows("name = 'once'")), 1, 'one image is created');

        my $r = $env->v2('GET', "/$id");
        status_is($r, 200, 'shown');
        is_deeply($r->json()->{tags}, ['a', 'b'], 'with its tags');

        status_is($env->v2_upload($id, body => $data), 204, 'uploaded');
        is($env->status_of($id), 'active', 'active');
        ok($env->v2('GET', "/$id/file")->{body} eq $data, 'the data');

        error_ok($env->v2_upload($id, body => $data), 409, 'not twice');

        my $member = "/$id/members/friend";

        status_is($env->v2('POST', "/$id/members",
                           json => { member => 'friend' }), 200, 'shared');
        error_ok($env->v2('POST', "/$id/members",
                          json => { member => 'friend' }), 409, 'not twice');
        status_is($env->v2('PUT', $member, json => { status => 'accepted' }),
                  200, 'accepted');
        status_is($env->v2('DELETE', $member), 204, 'no more');
        error_ok($env->v2('DELETE', $member), 404, 'not twice');

        status_is($env->v2('PUT', "/$id/tags/c"), 204, 'a tag');
        status_is($env->v2('DELETE', "/$id/tags/c"), 204, 'no more');
        error_ok($env->v2('DELETE', "/$id/tags/c"), 404, 'not twice');

        my $patch = sub {
            my ($version, $ops) = @_;

            return $env->v2('PATCH', "/$id", json => $ops, headers => [
                'Content-Type' => "application/openstack-images-v2.$version"
                                  . '-json-patch' ]);
        };
        my @add = (0, [ { add => '/p', value => 'v' } ]);
        my @remove = (1, [ { op => 'remove', path => '/p' } ]);

        is($patch->(@add)->json()->{p}, 'v', 'a property');
        error_ok($patch->(@add), 409, 'not twice');
        ok(!exists $patch->(@remove)->json()->{p}, 'no more');
        error_ok($patch->(@remove), 409, 'not twice');

        # a position is another one's when the first one is gone
        $env->{database}->query("INSERT INTO image_locations (image_id,
            value, created_at, deleted, meta_data, status) VALUES
            ('$id', 'http://127.0.0.1/$_', '2026-01-01 00:00:00', 0, '{}',
            'active')") for 1 .. 3;
        is(scalar @{$patch->(1, [ { op => 'remove', path => '/locations/1' } ])
                    ->json()->{locations}}, 3, 'one of four places');

        status_is($env->v2('DELETE', "/$id"), 204, 'deleted');
        $env->consistent();
    });

    check('S-44 S-45 the other APIs' => sub {
        my $id = $env->create({ name => 'first' }, body => $data);

        is(scalar($env->rows("name = 'first'")), 1, 'one image is created');
        ok($env->request('GET', "/images/$id")->{body} eq $data, 'the data');

        $id = $env->create({ name => 'second' });

        my $r = $env->put($id, {}, body => $data);
        status_is($r, 200, 'data of a reserved image');
        is($env->status_of($id), 'active', 'active');
        ok($env->request('GET', "/images/$id")->{body} eq $data, 'the data');
        error_ok($env->put($id, {}, body => $data), 409, 'not twice');
        status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');
        $env->consistent();
    });

    cmp_ok(scalar($env->{nginx}->log_lines('upstream prematurely closed')),
           '>', 20, 'so many answers were lost');

    $mock->stop();
}, registry => { show_multiple_locations => 'True' });


# the answer is still waited for when the worker has to go

for_each_database(sub {
    my ($env, $db) = @_;

    my $data = noise(300_000);
    my $mock = Glance::Lossy->new($env->{registry}{port},
                                   'PUT /images/.*"active"');

    $mock->start();
    $env->{nginx}->reload(upstream_options => 'backup',
        upstream_first => "server 127.0.0.1:$mock->{port} max_fails=0;");

    check('S-44 a recorded image whose uploader is cut off' => sub {
        my $id = $env->v2_create({ name => 'cut' });
        my $c = $env->connect();
        my @old = $env->{nginx}->workers();

        $c->send($c->head('PUT', "/v2/images/$id/file",
                          length => length $data, headers => [
                          'Content-Type' => 'application/octet-stream' ])
                 . $data);

        ok(wait_until(sub {
            return ($env->{database}->query("SELECT status FROM images
                WHERE id = '$id'"))[0][0] eq 'active';
        }), 'recorded') or return;

        $env->{nginx}->reload(upstream_options => '', upstream_first => '');
        ok($c->closed_by_peer(), 'cut off');
        ok(wait_until(sub { !grep { alive($_) } @old }), 'the worker ends');

        my $r = $env->v2('GET', "/$id/file");
        status_is($r, 200, 'the data are there');
        ok($r->{body} eq $data, 'and whole');

        $env->worker()->once();
        $env->consistent();
    });

    check('S-44 an upload that is cut off in the middle' => sub {
        my $id = $env->v2_create({ name => 'half' });
        my %there = map { $_ => 1 } $env->files();
        my $c = $env->connect();
        my @old = $env->{nginx}->workers();

        $c->send($c->head('PUT', "/v2/images/$id/file",
                          length => length $data, headers => [
                          'Content-Type' => 'application/octet-stream' ])
                 . substr($data, 0, 200_000));

        ok(wait_until(sub { grep { !$there{$_} } $env->files() }), 'begun')
            or return;

        $env->{nginx}->reload();
        ok($c->closed_by_peer(), 'cut off');
        ok(wait_until(sub { !grep { alive($_) } @old }), 'the worker ends');
        ok(wait_until(sub { !grep { !$there{$_} } $env->files() }, 5),
           'and leaves no file');
        is($env->v2_upload($id, body => $data)->{status}, 204, 'once more')
            if ok(wait_until(sub { $env->status_of($id) eq 'queued' }),
                  'the image waits');
        $env->consistent();
    });

    $mock->stop();
}, nginx => { main => "worker_shutdown_timeout 1s;\n" });


# the data are there, and nobody can be told

for_each_database(sub {
    my ($env, $db) = @_;

    my $data = noise(300_000);
    my $registry = $env->{registry};

    my $half = sub {
        my ($name) = @_;

        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta(
            { name => $name }, body => $data)) . substr($data, 0, 200_000));

        ok(wait_until(sub { $env->files() }), 'half of the data are there');
        $registry->stop();
        $c->send(substr($data, 200_000));

        return $c;
    };

    check('S-44 S-03 a registry that is away for a moment' => sub {
        my $c = $half->('away');

        ok(wait_until(sub {
            $env->{nginx}->log_lines('connect\(\) failed.*claims')
        }), 'it is asked in vain');
        $registry->start();

        my $r = $c->read_response('POST');

        status_is($r, 201, 'then it hears');

        my $id = $r->json()->{image}{id};

        ok($env->request('GET', "/images/$id")->{body} eq $data, 'the data');
        status_is($env->request('DELETE', "/images/$id"), 200);
        $env->consistent();
    });

    check('S-44 S-54 a registry that is away for too long' => sub {
        my $c = $half->('lost');

        error_ok($c->read_response('POST'), 503, 'the client is told',
                 qr/registry/);
        $registry->start();
        $env->worker()->once();
        ok(wait_until(sub {
            $env->worker()->once();
            return !$env->files();
        }, 20), 'a sweep leaves no file');
        $env->consistent();
    });
}, nginx => { directives => "glance_commit_timeout 4s;\n"
                            . "glance_lease 3s;\n" },
   registry => { upload_lease => 3 });


# what nobody repeats any more is forgotten

for_each_database(sub {
    my ($env, $db) = @_;

    my $now = time();
    my $ids = sub {
        return join(' ', map { $_->[0] } $env->{database}->query(
            'SELECT id FROM ngx_glance_once ORDER BY id'));
    };

    $env->{database}->query("INSERT INTO ngx_glance_once (id, created_at)
        VALUES ('new', $now), ('old', $now - 3700)");
    ok(wait_until(sub { $ids->() eq 'new' }), 'after an hour')
        or diag($ids->());
}, registry => { upload_lease => 1, sweep_interval => 1 });


done_testing();


package Glance::Lossy;

use parent -norequire, 'Glance::Program';


sub new {
    my ($class, $registry, @pattern) = @_;

    my $dir = Glance::Process::temp_dir();

    return bless { name => 'lossy', dir => $dir, output => "$dir/output.log",
                   port => Glance::Process::free_port(),
                   registry => $registry, pattern => \@pattern,
                   forbidden => qr/ at \S+ line/ },
                 $class;
}


sub start {
    my ($p) = @_;

    return $p->launch([ $^X, "$FindBin::Bin/mock/lossy.pl", $p->{port},
                        $p->{registry}, @{$p->{pattern}} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port})->close(); 1 };
}
