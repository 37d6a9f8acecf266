#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What stands still stops only those who need it: one worker serves the
# others meanwhile.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $data = noise(2_000_000);


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $disk = slow_disk($env->{store});

    plan(skip_all => 'no C compiler') if !$disk;

    $nginx->stop();
    $nginx->start(env => $disk->env());
    is(scalar $nginx->workers(), 1, 'one worker');

    my $id = $env->create({ name => 'there', is_public => 1 },
                          body => $data);

    my $others = sub {
        my ($title) = @_;

        my $c = $env->connect();

        status_is($c->request('GET', '/versions'), 200, "$title: versions");
        status_is($c->request('GET', '/images'), 200, "$title: list");
        status_is($c->request('HEAD', "/images/$id"), 200, "$title: HEAD");
        status_is($c->request('GET', '/images/12345'), 404, "$title: 404");
        status_is($c->request('POST', '/images', $env->with_meta(
            { name => 'reserved' })), 201, "$title: reservation");
    };

    my $upload = sub {
        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta(
            { name => 'stuck' }, body => $data)) . $data, 5);
        return $c;
    };

    for my $call (qw/ create write fdatasync link fsync unlink /) {
        check("S-06 a disk that does not end \"$call\"" => sub {
            $disk->rule($call => 'block');

            my @c = map { $upload->() } 1 .. 3;

            ok($disk->applied($call), 'uploads stand still');
            $others->($call);

            if ($call ne 'create') {
                my $r = $env->request('GET', "/images/$id");
                is(md5_of($r->{body}), md5_of($data), 'a download');
            }

            $disk->rule();
            status_is($_->read_response('POST'), 201, 'they end well') for @c;
            $env->consistent();
        });

        check("S-06 clients that leave meanwhile: \"$call\"" => sub {
            $disk->rule($call => 'block');

            my @c = map { $upload->() } 1 .. 3;

            ok($disk->applied($call), 'uploads stand still');
            $c[0]->close();
            $c[1]->reset();
            $others->("left at $call");
            $disk->rule();
            status_is($c[2]->read_response('POST'), 201, 'the third stays');
            $env->consistent();
        });
    }

    # data go by sendfile(), whatever the registry's location has set

    check('S-43 a disk that does not read' => sub {
        $disk->rule(sendfile => 'block');

        my $c = $env->connect();
        $c->send($c->head('GET', "/images/$id"));

        ok($disk->applied('sendfile'), 'the download stands still');
        $others->('read');

        my $gone = $env->connect();
        $gone->send($gone->head('GET', "/images/$id"));
        $gone->reset();

        $disk->rule();
        is(md5_of($c->read_response('GET')->{body}), md5_of($data),
           'it ends well');
        $others->('after read');
    });

    check('DELETE with a disk that does not remove' => sub {
        my $victim = $env->create({ name => 'victim' }, body => $data);

        $disk->rule(unlink => 'block');

        my $c = $env->connect();
        $c->send($c->head('DELETE', "/images/$victim"));

        ok($disk->applied('unlink'), 'it stands still');
        $others->('unlink');
        $disk->rule();
        status_is($c->read_response('DELETE'), 200);
        $env->consistent();
    });

    check('S-03 a registry that stands still' => sub {
        my $down = $env->connect(rcvbuf => 4096);
        my $up = $env->connect();

        $down->send($down->head('GET', "/images/$id"));
        ok($down->readable(30), 'a download has begun');

        $up->send($up->head('POST', '/images', $env->with_meta(
            { name => 'begun' }, length => length $data))
            . substr($data, 0, 1_000_000));
        ok(wait_until(sub { $env->temp_files() }), 'an upload has begun');

        $env->{registry}->pause();

        # ten requests that wait
        my @waiting = map { $env->connect() } 1 .. 10;
        $_->send($_->head('GET', "/images/$id")) for @waiting[0 .. 7];
        $_->send($_->head('GET', '/images')) for @waiting[8, 9];

        status_is($env->request('GET', '/versions'), 200, 'versions');
        status_is($env->request('GET', '/'), 300, 'GET /');
        status_is($env->request('GET', '/nowhere'), 404, 'no such path');
        is(md5_of($down->read_response('GET')->{body}), md5_of($data),
           'the download goes on');

        # clients that leave while the registry is asked
        $waiting[$_]->reset() for 0, 1;
        $waiting[$_]->close() for 2, 3;
        status_is($env->request('GET', '/versions'), 200, 'versions again');

        $up->send(substr($data, 1_000_000));
        ok(!$up->readable(0.5), 'the upload waits');

        $env->{registry}->resume();
        status_is($up->read_response('POST'), 201, 'the upload ends well');
        status_is($waiting[$_]->read_response('GET'), 200, "waiting $_")
            for 4 .. 9;
        $env->consistent();
    });

    check('S-44 uploads whose client leaves while the registry sleeps' => sub {
        my @c = map { $env->connect() } 1 .. 4;

        $env->{registry}->pause();
        $_->send($_->head('POST', '/images', $env->with_meta({},
                 body => $data)) . substr($data, 0, 50_000)) for @c;
        status_is($env->request('GET', '/versions'), 200, 'versions');
        $c[$_]->reset() for 0, 1;
        $c[$_]->close() for 2, 3;
        status_is($env->request('GET', '/versions'), 200, 'versions');
        $env->{registry}->resume();
        $env->consistent();
    });

    check('S-03 a database that stands still' => sub {
        plan(skip_all => 'SQLite is in the process') if $db eq 'sqlite';

        my $server = Glance::Database::server();
        my $down = $env->connect(rcvbuf => 4096);

        $down->send($down->head('GET', "/images/$id"));
        ok($down->readable(30), 'a download has begun');

        $server->pause();

        my $c = $env->connect();
        $c->send($c->head('GET', '/images'));
        status_is($env->request('GET', '/versions'), 200, 'versions');
        is(md5_of($down->read_response('GET')->{body}), md5_of($data),
           'the download goes on');
        $server->resume();
        like($c->read_response('GET')->{status}, qr/^(?:200|503)$/,
             'answered');
        status_is($env->request('GET', '/images'), 200, 'as before');
    });

}, nginx => { lease => '30s' }, registry => { upload_lease => 5,
                                              sweep_interval => 1 });


done_testing();
