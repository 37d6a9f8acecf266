#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Another nginx binary takes over during transfers, and gives back.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $data = noise(4_000_000);
my $dir = temp_dir();


sub begin_upload {
    my ($env, $n) = @_;

    my $c = $env->connect();
    my %o = $env->with_meta({ name => 'slow' }, length => length $data);

    $c->send($c->head('POST', '/images', %o) . substr($data, 0, $n))
        or die "nobody takes the first $n bytes of an upload\n";
    $c->{sent} = $n;

    return $c;
}


sub begin_download {
    my ($env, $id) = @_;

    my $c = $env->connect(rcvbuf => 4096);

    $c->send($c->head('GET', "/images/$id"));
    $c->readable(30) or die "no answer to a download\n";

    return $c;
}


# who makes requests all the time: on new connections, and on one as long as
# it lasts

sub start_clients {
    my ($env, $stop) = @_;

    return map {
        my $keep = $_;

        in_background(sub {
            my ($done, $used, $c, @failed) = (0, 0);

            my $try = sub {
                my ($status, $method, $path, %o) = @_;

                if (!$c || !$keep
                    || ($c->readable() && $c->closed_by_peer(1)))
                {
                    $c = $env->connect();
                    $used = 0;
                }

                my $r = $c->request($method, $path, %o);

                undef $c if lc($r->header('Connection') || '') eq 'close';

                # a server may close what is idle just when we send
                return if $used++ && !$r->{status};

                $done++;
                push @failed, "$method $path: " . $r->summary()
                    if $r->{status} != $status;
                return $r;
            };

            while (!-e $stop) {
                my $body = noise(20_000, "$keep.$done");
                my $r = $try->(201, 'POST', '/images',
                               $env->with_meta({}, body => $body)) or next;

                next if $r->{status} != 201;

                my $id = $r->json()->{image}{id};

                $r = $try->(200, 'GET', "/images/$id");
                push @failed, "GET $id: wrong data"
                    if $r && $r->{body} ne $body;
                $try->(200, 'GET', '/images/detail');
                $try->(200, 'DELETE', "/images/$id");
            }

            return { done => $done, failed => \@failed };
        });
    } 0, 0, 1;
}


sub clients_ok {
    my ($stop, @clients) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    write_file($stop, '');

    my @results = map { $_->() } @clients;
    my $done = 0;

    unlink($stop);
    $done += $_->{done} for @results;

    cmp_ok($done, '>=', 20, "$done requests were made meanwhile");
    is(join("\n", map { @{$_->{failed}} } @results), '', 'none has failed');
}


# the pid of a new master, whose workers serve; the old one is its parent

sub new_binary {
    my ($nginx) = @_;

    send_signal('USR2', $nginx->{pid});

    my $new;

    wait_until(sub {
        $new = $nginx->pid_of();
        return $new && $new != $nginx->{pid} && $nginx->workers($new);
    }) or die "no new binary:\n" . $nginx->tail() . "\n";

    return $new;
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $stop = "$dir/stop";
    my $id = $env->create({ name => 'there' }, body => $data);

    check('S-44 S-43 a binary upgrade' => sub {
        my @clients = start_clients($env, $stop);
        my @up = map { begin_upload($env, $_) } 0, 1, 1_000_000, 3_999_999;
        my @down = map { begin_download($env, $id) } 1 .. 4;

        my $old = $nginx->{pid};
        my @old = $nginx->workers();
        my $new = new_binary($nginx);

        is($nginx->pid_of('.oldbin'), $old, 'the old one stands by');

        # both take connections
        status_is($env->request('GET', '/images'), 200, 'served');

        send_signal('WINCH', $old);
        ok(wait_until(sub { !$nginx->workers($old) }),
           'the old one serves no more');
        status_is($env->request('GET', '/images'), 200, 'the new one does');
        ok(scalar grep({ alive($_) } @old), 'the old workers have work');

        # with half of it done, the old master goes, too
        for my $c (@up[0, 1]) {
            $c->send(substr($data, $c->{sent}));

            my $r = $c->read_response('POST');
            status_is($r, 201, 'an upload of before');
            is(md5_of($env->request('GET', '/images/'
                                    . $r->json()->{image}{id})->{body}),
               md5_of($data), 'its data');
        }

        send_signal('QUIT', $old);

        for my $c (@up[2, 3]) {
            $c->send(substr($data, $c->{sent}));
            status_is($c->read_response('POST'), 201, 'an upload of before');
        }

        for my $c (@down) {
            is(md5_of($c->read_response('GET')->{body}), md5_of($data),
               'a download of before');
            $c->close();
        }

        $_->close() for @up;
        ok(wait_until(sub { !alive($old) }), 'the old one ends');
        $nginx->{pid} = $new;

        clients_ok($stop, @clients);
        $env->consistent();
    });

    check('S-44 S-43 and back again' => sub {
        my @clients = start_clients($env, $stop);
        my $old = $nginx->{pid};
        my $new = new_binary($nginx);

        send_signal('WINCH', $old);
        ok(wait_until(sub { !$nginx->workers($old) }),
           'the old one serves no more');

        # these are the new one's, which is not wanted any more
        my $up = begin_upload($env, 1_000_000);
        my $down = begin_download($env, $id);

        send_signal('HUP', $old);
        ok(wait_until(sub { scalar $nginx->workers($old) }),
           'the old one serves again');
        send_signal('QUIT', $new);
        ok(wait_until(sub { !$nginx->workers($new) }),
           'the new one serves no more');
        status_is($env->request('GET', '/images'), 200, 'served');

        $up->send(substr($data, $up->{sent}));
        status_is($up->read_response('POST'), 201, 'the upload ends well');
        is(md5_of($down->read_response('GET')->{body}), md5_of($data),
           'so does the download');
        $_->close() for $up, $down;

        ok(wait_until(sub { !alive($new) }), 'the new one ends');
        ok(wait_until(sub { ($nginx->pid_of() || 0) == $old }),
           'the pid file is the old one\'s');

        clients_ok($stop, @clients);
        $env->consistent();
    });

}, nginx => { daemon => 1, workers => 2, lease => '5s' });


done_testing();
