#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Clients that leave, stall or crawl, at every stage.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my @octets = ('Content-Type' => 'application/octet-stream');


for_each_database(sub {
    my ($env, $db) = @_;

    my @workers = $env->{nginx}->workers();
    my $data = noise(2_000_000);
    my $id = $env->create({ name => 'a' }, body => $data);

    my $leave = sub {
        my ($c, $how) = @_;

        $how eq 'rst' ? $c->reset() : $c->close();
    };

    my $head = sub {
        my ($c, $method, $path, %o) = @_;

        return $c->head($method, $path, $env->with_meta(
            $method eq 'PUT' ? { name => undef, type => undef } : {},
            length => length $data, %o));
    };

    my $serves = sub {
        my ($title) = @_;

        status_is($env->request('GET', '/images'), 200,
                  "$title: the service goes on");
    };

    for my $how (qw/ fin rst /) {

        check("S-44 $how before and within the header" => sub {
            my $text = $head->($env->connect(), 'POST', '/images');

            for my $n (0, 1, 20, length($text) - 1) {
                my $c = $env->connect();
                $c->send(substr($text, 0, $n)) if $n;
                $leave->($c, $how);
            }
            $serves->('header');
            $env->consistent();
        });

        check("S-44 $how within the body of POST" => sub {
            for my $o ({}, { chunked => 1 }) {
                for my $n (0, 1, 100_000, 1_500_000) {
                    my $c = $env->connect();
                    my $part = substr($data, 0, $n);

                    $part = $n ? sprintf("%x\r\n%s\r\n", $n, $part) : ''
                        if $o->{chunked};
                    $c->send($head->($c, 'POST', '/images', %$o) . $part);
                    $leave->($c, $how);
                }
            }
            $serves->('body');
            $env->consistent();
        });

        check("S-45 $how within the body of PUT" => sub {
            for my $n (0, 1, 100_000, 1_500_000) {
                my $name = $env->create({});
                my $c = $env->connect();

                $c->send($head->($c, 'PUT', "/images/$name")
                         . substr($data, 0, $n));
                wait_until(sub { $env->status_of($name) ne 'queued' }, 30)
                    if $n;
                $leave->($c, $how);

                ok(wait_until(sub {
                    $env->status_of($name) =~ /^(?:queued|killed)$/
                }), "$n bytes: " . $env->status_of($name));
            }
            $env->consistent();
        });

        check("S-44 $how when all is sent and nothing answered" => sub {
            for my $o ({}, { chunked => 1 }) {
                for (1 .. 10) {
                    my $c = $env->connect();
                    my $part = $o->{chunked}
                        ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $data,
                                  $data)
                        : $data;

                    $c->send($head->($c, 'POST', '/images', %$o) . $part);
                    $leave->($c, $how);
                }
            }

            # stored or given up, but wholly
            $env->consistent();
            $serves->('answer');
        });

        check("S-43 $how within a download" => sub {
            for my $n (0, 1, 500, 100_000) {
                for my $path ("/images/$id", '/images/detail') {
                    my $c = $env->connect(rcvbuf => 4096);

                    $c->send($c->head('GET', $path) x 3);

                    while ($n > length $c->{in} && $c->readable(30)) {
                        last if !$c->receive();
                        last if $path =~ /detail/;
                    }
                    $leave->($c, $how);
                }
            }
            $serves->('download');
        });

        check("S-44 $how behind an error and a half-sent body" => sub {
            for my $n (0, 1000, 1_000_000) {
                my $c = $env->connect();

                $c->send($c->head('POST', '/images', $env->with_meta(
                    { type => 'nope' }, length => length $data))
                    . substr($data, 0, $n));
                status_is($c->read_response('POST'), 400, 'refused');
                $leave->($c, $how);
            }
            $env->consistent();
        });
    }

    check('S-44 many at once that leave' => sub {
        for my $round (1 .. 4) {
            my @c = map { $env->connect() } 1 .. 50;

            $_->send($head->($_, 'POST', '/images')
                     . substr($data, 0, 70_000)) for @c;
            $leave->($_, $round % 2 ? 'rst' : 'fin') for @c;
        }
        $env->consistent();
        $serves->('many');
    });

    check('S-44 HTTP/2 streams that are reset' => sub {
        my $curl = find_program('curl');
        plan(skip_all => 'no curl') if !$curl;

        my $dir = temp_dir();
        write_file("$dir/data", $data);

        for my $rate ('100k', '400k') {
            my @pids = map { spawn(name => 'curl', argv => [
                $curl, '-s', '--http2-prior-knowledge', '--limit-rate',
                $rate, '--data-binary', "\@$dir/data",
                '-H', 'x-image-meta-name: h2', '-H', 'x-image-meta-type: raw',
                '-H', 'Content-Type: application/octet-stream',
                "http://127.0.0.1:$env->{nginx}{port_h2}/images",
            ]) } 1 .. 5;

            ok(wait_until(sub { $env->temp_files() >= 5 }), 'under way');
            kill_process(@pids);
        }
        $env->consistent();
        $serves->('HTTP/2');
    });

    check('S-44 a crawling client is served, others are not delayed' => sub {
        my @c = map { $env->connect() } 1 .. 20;

        $_->send($head->($_, 'POST', '/images', length => 60)) for @c;

        for my $i (0 .. 59) {
            $_->send(substr($data, $i, 1)) for @c;
            $serves->("byte $i") if $i % 20 == 0;
        }

        status_is($_->read_response('POST'), 201, 'served') for @c;
        $env->consistent();
    });

    check('S-44 a stalled upload is given up' => sub {
        $env->{nginx}->reload(server => 'client_body_timeout 1s;'
                              . ' send_timeout 1s;');

        my @c = map { $env->connect() } 1 .. 30;
        my $name = $env->create({ name => 'stalls' });

        $_->send($head->($_, 'POST', '/images')
                 . substr($data, 0, 300_000)) for @c;

        my $put = $env->connect();
        $put->send($head->($put, 'PUT', "/images/$name") . 'x');

        $serves->('meanwhile');

        for my $c (@c, $put) {
            my $r = $c->read_response('POST');
            like($r->{status}, qr/^(?:408|400|0)$/, 'told or cut')
                or diag($r->summary());
        }

        $env->consistent();
        like($env->status_of($name), qr/^(?:killed|queued)$/, 'the image');
        $serves->('afterwards');
    });

    check('S-43 a stalled download is given up' => sub {
        my @c = map { $env->connect(rcvbuf => 2048) } 1 .. 30;
        my $big = $env->create({ name => 'big' },
                               chunks => pattern_chunks(30_000_000, 'big'),
                               chunked => 1);

        $_->send($_->head('GET', "/images/$big")) for @c;
        $serves->('meanwhile');

        # what is buffered on the way can be read, all of it cannot
        ok(wait_until(sub {
            30 <= $env->{nginx}->access_lines(qr!"GET /images/$big !)
        }), 'all are logged as ended');

        my $r = $c[0]->read_response('GET');
        ok($r->{truncated}, 'cut, not completed');
    });

    is_deeply([ $env->request('GET', "/images/$id")->{length} ],
              [ length $data ], 'the first image is still served');

    my @now = $env->{nginx}->workers();
    is(scalar @now, scalar @workers, 'the workers are alive');
}, nginx => { lease => '5s' }, registry => { upload_lease => 5,
                                             sweep_interval => 1 });


done_testing();
