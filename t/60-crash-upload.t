#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What is left when a process dies in the middle of an upload: after a
# restart and one sweep, nothing; and the same upload works.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $data = noise(2_000_000);
my $half = 1_000_000;
my %lease = (upload_lease => 2, sweep_interval => 1);


# begins an upload; returns the client and the id

sub begin {
    my ($env, $method) = @_;

    my $id = $method eq 'PUT' ? $env->create({ name => 'victim' }) : undef;
    my $c = $env->connect();
    my %o = $env->with_meta({ name => 'victim', type => 'raw' },
                            length => length $data);
    my %known = map { $_->[0] => 1 } $env->rows();

    $c->send($c->head($method, '/images' . ($id ? "/$id" : ''), %o)
             . substr($data, 0, $half));

    wait_until(sub { $env->temp_files() })
        or die "the upload does not begin\n";

    ($id) = map { $_->[0] } grep { !$known{$_->[0]} } $env->rows()
        if !$id;

    is($env->status_of($id), 'saving', "$method: saving");

    return ($c, $id);
}


# one sweep of each kind, then the promises

sub swept {
    my ($env, $title, $id) = @_;

    # the registry sweeps by itself when the lease is over
    ok(wait_until(sub { $env->status_of($id) =~ /^(?:queued|killed)$/ }),
       "$title: the image is " . $env->status_of($id))
        or return;

    my ($status, $text) = $env->worker()->once();
    is($status, 0, "$title: glance-worker --once") or diag($text);

    is_deeply([ $env->files() ], [], "$title: no data are left");
    is_deeply([ $env->claims() ], [], "$title: no claim is left");
    $env->consistent();
}


sub works {
    my ($env, $title, $id) = @_;

    my $r;

    if ($env->status_of($id) eq 'queued') {
        $r = $env->put($id, {}, body => $data);
        status_is($r, 200, "$title: the same upload works");

    } else {
        status_is($env->request('DELETE', "/images/$id"), 200,
                  "$title: what was killed can be removed");
        $r = $env->post({ name => 'victim' }, body => $data);
        status_is($r, 201, "$title: the same upload works");
    }

    $id = $r->json()->{image}{id};
    is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
       "$title: the data");
    $env->consistent();
    $env->wipe();
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $registry = $env->{registry};

    $_->allow(qr/exited on signal 9/) for $nginx;

    for my $method (qw/ POST PUT /) {

        check("S-44 $method, an nginx worker is killed" => sub {
            my ($c, $id) = begin($env, $method);
            my @old = $nginx->workers();

            send_signal('KILL', @old);
            ok($c->closed_by_peer(), 'the client notices');
            ok(wait_until(sub {
                grep { my $pid = $_; !grep { $pid == $_ } @old }
                     $nginx->workers()
            }), 'a new worker');

            swept($env, 'worker', $id);
            works($env, 'worker', $id);
        });

        check("S-44 $method, nginx is killed as a whole" => sub {
            my ($c, $id) = begin($env, $method);

            $nginx->kill();
            $nginx->start();

            swept($env, 'nginx', $id);
            works($env, 'nginx', $id);
        });

        check("S-44 $method, the registry is killed and comes back" => sub {
            my ($c, $id) = begin($env, $method);

            $registry->kill();
            $registry->start();
            $c->send(substr($data, $half));

            my $r = $c->read_response($method);
            like($r->{status}, qr/^20[01]$/, 'the upload does not notice')
                or diag($r->summary());
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), 'the data');
            $env->consistent();
            $env->wipe();
        });

        check("S-44 $method, the registry is away at the end" => sub {
            my ($c, $id) = begin($env, $method);

            $registry->kill();
            $c->send(substr($data, $half));
            ok(!$c->readable(1.5), 'no answer yet');
            $registry->start();

            my $r = $c->read_response($method);
            my ($status, $text) = $env->worker()->once();

            if ($r->{status} == 200 || $r->{status} == 201) {
                is($env->status_of($id), 'active', 'committed late');
                is(md5_of($env->request('GET', "/images/$id")->{body}),
                   md5_of($data), 'the data');

            } else {
                like($r->{status}, qr/^50[03]$/, 'or given up')
                    or diag($r->summary());
                ok(wait_until(sub { $env->status_of($id) ne 'saving' }),
                   'the image is ' . $env->status_of($id));
            }
            $env->consistent();
            $env->wipe();
        });

        check("S-44 $method, all are killed" => sub {
            my ($c, $id) = begin($env, $method);

            $nginx->kill();
            $registry->kill();
            $registry->start();
            $nginx->start();

            swept($env, 'all', $id);
            works($env, 'all', $id);
        });
    }

    check('S-44 a slow upload outlives its first lease' => sub {
        my ($c, $id) = begin($env, 'POST');

        # longer than the lease: it has to be renewed meanwhile
        ok(!$c->readable(5), 'still waiting');
        is($env->status_of($id), 'saving', 'still saving');
        is(scalar $env->claims(), 1, 'one claim');
        my ($status) = $env->worker()->once();
        is(scalar $env->temp_files(), 1, 'the worker leaves it alone');

        $c->send(substr($data, $half));
        status_is($c->read_response('POST'), 201);
        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data), 'the data');
        $env->wipe();
    });

    check('S-44 the worker program alone does it, too' => sub {
        my ($c, $id) = begin($env, 'POST');

        $nginx->kill();
        $env->worker()->start();
        $env->consistent('without waiting for anybody');
        $env->worker()->stop();
        $nginx->start();
        works($env, 'worker program', $id);
    });

}, registry => { %lease }, nginx => { lease => '3s' });


# a machine that stops at each step of the way to the disk

check('S-44 a power cut at each call' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $nginx = $env->{nginx};
        my $disk = slow_disk($env->{store});

        plan(skip_all => 'no C compiler') if !$disk;

        $nginx->allow(qr/exited on signal 9/);
        $nginx->stop();
        $nginx->start(env => $disk->env());

        for my $call (qw/ create write fdatasync link fsync unlink /) {
            $disk->rule($call => 'kill');

            my $r = $env->post({ name => "cut at $call" }, body => $data);
            my $applied = $disk->applied($call);

            $disk->rule();
            ok($applied, "$call happens");
            is($r->{status}, 0, "$call: no answer");

            my ($row) = $env->rows();
            my $id = $row->[0];

            ok(wait_until(sub {
                $env->status_of($id) =~ /^(?:queued|killed|active)$/
            }), "$call: the image is " . $env->status_of($id));

            my ($status, $text) = $env->worker()->once();
            is($status, 0, "$call: glance-worker --once") or diag($text);

            my @bad = $env->contradictions();
            is_deeply(\@bad, [], "$call: data and records agree");

            if ($env->status_of($id) eq 'active') {
                is(md5_of($env->request('GET', "/images/$id")->{body}),
                   md5_of($data), "$call: the data");
            }
            status_is($env->post({}, body => $data), 201, 'goes on');
            $env->wipe();
        }
    }, registry => { %lease }, nginx => { lease => '3s' });
});


done_testing();
