#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Reload and exit during transfers.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $data = noise(4_000_000);


sub begin_upload {
    my ($env, $n) = @_;

    my $c = $env->connect();
    my %o = $env->with_meta({ name => 'slow' }, length => length $data);

    $c->send($c->head('POST', '/images', %o) . substr($data, 0, $n))
        or die "nobody takes the first $n bytes of an upload\n";
    $c->{sent} = $n;

    return $c;
}


sub end_upload_ok {
    my ($env, $c, $title) = @_;

    $c->send(substr($data, $c->{sent}));

    my $r = $c->read_response('POST');
    status_is($r, 201, "$title: 201");

    my $id = ($r->json() || {})->{image}{id};
    is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
       "$title: the data");
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $id = $env->create({ name => 'there' }, body => $data);

    check('S-44 S-43 a reload during uploads and downloads' => sub {
        my @up = map { begin_upload($env, $_) } 0, 1, 1_000_000, 3_999_999;
        my @down = map { $env->connect(rcvbuf => 4096) } 1 .. 4;

        $_->send($_->head('GET', "/images/$id")) for @down;
        $_->readable(30) for @down;

        my @old = $nginx->workers();

        $nginx->reload();
        $nginx->reload();
        status_is($env->request('GET', '/images'), 200, 'new workers serve');
        is(scalar grep({ alive($_) } @old), scalar @old,
           'the old ones still have work');

        end_upload_ok($env, $up[$_], "upload $_") for 0 .. $#up;

        for my $c (@down) {
            my $r = $c->read_response('GET');
            is(md5_of($r->{body}), md5_of($data), 'download');
            $c->close();
        }

        ok(wait_until(sub { !grep { alive($_) } @old }), 'the old ones end');
        $env->consistent();
    });

    check('S-44 a reload during the last steps of an upload' => sub {
        my $disk = slow_disk($env->{store});
        plan(skip_all => 'no C compiler') if !$disk;

        $nginx->stop();
        $nginx->start(env => $disk->env());

        for my $call (qw/ create write fdatasync link fsync unlink /) {
            $disk->rule($call => 'block');

            # nothing is read before the file is there: only the head then;
            # and no more than the ring holds while nothing is written

            my %taken = (create => 0, write => 1_000_000);
            my $c = begin_upload($env, defined $taken{$call} ? $taken{$call}
                                                             : length $data);

            ok($disk->applied($call), "$call stands still");
            $nginx->reload();
            status_is($env->request('GET', '/images'), 200, 'others go on');
            $disk->rule();
            end_upload_ok($env, $c, $call);
        }
        $env->consistent();
    });

    check('S-44 a reload while the registry stands still' => sub {
        my $c = begin_upload($env, 1_000_000);

        wait_until(sub { $env->temp_files() });
        $env->{registry}->pause();
        $c->send(substr($data, 1_000_000));
        $c->{sent} = length $data;

        $nginx->reload();
        $env->{registry}->resume();
        end_upload_ok($env, $c, 'paused registry');
        $env->consistent();
    });

    check('S-44 graceful exit waits for transfers' => sub {
        my $c = begin_upload($env, 1_000_000);
        my $pid = $nginx->{pid};

        wait_until(sub { $env->temp_files() });
        send_signal('QUIT', $pid);

        # a new nginx at once: the old one has closed its listening sockets
        wait_until(sub { !eval { $env->connect() } });
        $c->send(substr($data, 1_000_000));

        my $r = $c->read_response('POST');
        status_is($r, 201, 'the upload ends well');
        $c->close();
        ok(wait_until(sub { !alive($pid) }), 'then nginx ends');

        $nginx->start();
        $env->consistent();
    });

    check('S-44 fast exit cuts transfers and leaves nothing' => sub {
        my $c = begin_upload($env, 1_000_000);

        wait_until(sub { $env->temp_files() });
        $nginx->stop(signal => 'TERM');
        ok($c->closed_by_peer(), 'cut');
        $nginx->start();

        ok(wait_until(sub {
            $env->worker()->once();
            return !$env->contradictions();
        }), 'nothing is left') or diag(join("\n", $env->contradictions()));
    });

}, nginx => { lease => '5s' }, registry => { upload_lease => 5,
                                             sweep_interval => 1 });


done_testing();
