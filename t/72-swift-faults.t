#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Swift fails in every way it can: the client gets a clear status or a cut
# connection, never wrong bytes; nothing is left over, and the next request
# works.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw/ SOL_SOCKET SO_LINGER /;

use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();
my $rules = temp_dir() . '/rules';
my ($auths, $holding, $refused) = map { "$rules.$_" }
                                  qw/ auths holding refused /;
my $proxy = free_port();


# What a real Swift does not do is done by a relay before it: it cuts an
# answer ("down N") or a request ("up N") after so many bytes, once, or
# changes the ETag of answers ("etag"), also after another has taken the place
# of the object that was PUT ("stolen"), sends data without their length, sound
# ("chunked"), with more behind ("longer") or without an end ("open"), or holds
# the answers to requests for an object back while the rule is there ("hold
# NAME"), or refuses twice what is PUT before it comes ("refuse NAME"); "auths"
# gets a line for each request for a token.

sub append {
    my ($file, $text) = @_;

    open(my $f, '>>', $file) or die "$file: $!\n";
    print {$f} $text;
    close($f);
}


sub lines {
    my ($file) = @_;

    return -e $file ? scalar(() = read_file($file) =~ /\n/g) : 0;
}


sub relay {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50,
                                       LocalPort => $proxy, ReuseAddr => 1)
        or die "listen: $!\n";

    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $listen->accept()) {
        next if fork();

        my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                           PeerPort => $swift->{port})
            or exit;
        my $select = IO::Select->new($client, $server);
        my %seen = (up => 0, down => 0);
        my ($rule, $asked, $held, $put) = ('', '', '', '');

        for ( ;; ) {
            for my $from ($select->can_read()) {
                my $way = $from == $client ? 'up' : 'down';
                my ($word, $n) = split(' ', eval { read_file($rules) } // '');

                # what a kept connection has carried before does not count
                if (($word // '') ne $rule) {
                    $rule = $word // '';
                    %seen = (up => 0, down => 0);
                }

                sysread($from, my $data, 65536) or exit;

                if ($way eq 'up' && $data =~ m!^(GET \S+) HTTP!) {
                    $asked = $1;
                    append($auths, "x\n") if $asked =~ m!/auth/!;
                }

                $put = $1 if $way eq 'up'
                             && $data =~ m!^PUT /v1/AUTH_test/(\S+) HTTP!;

                if (($word // '') eq 'stolen' && $way eq 'down' && $put ne ''
                    && $data =~ m!^HTTP/1.1 201!)
                {
                    $swift->request('POST', $put, headers =>
                        [ 'X-Object-Meta-Glance-Claim' => 'another' ]);
                    $word = 'etag';
                    $put = '';
                }

                if (($word // '') eq 'refuse' && $way eq 'up'
                    && $data =~ m!^PUT \S+\Q$n\E HTTP!)
                {
                    append($refused, $data =~ /^Expect: 100-c/mi ? "x\n" : '');
                    syswrite($client, "HTTP/1.1 503 X\r\nContent-Length: 0"
                                      . "\r\nConnection: close\r\n\r\n");
                    unlink $rules if lines($refused) == 2;
                    exit;
                }

                if (($word // '') eq 'hold' && $way eq 'down'
                    && $asked =~ /\Q$n\E$/)
                {
                    append($holding, "x\n");
                    select(undef, undef, undef, 0.05) while -e $rules;
                }

                if (($word // '') =~ /^(?:chunked|longer|open)$/
                    && $way eq 'down')
                {
                    $data = $held . $data;
                    $held = '';

                    my ($size) = $data =~ /^Content-Length: (\d+)\r$/mi;
                    my $at = index($data, "\r\n\r\n");

                    if ($at >= 0 && $size && $size > 1000) {
                        if (length($data) < $at + 4 + $size) {
                            $held = $data;
                            next;
                        }

                        my $coding = 'Transfer-Encoding: chunked';
                        my $head = sprintf("\r\n\r\n%x\r\n", $size);

                        $data =~ s/^Content-Length: \d+/$coding/mi;
                        $data =~ s/\r\n\r\n/$head/;
                        $data .= "\r\n"
                                 . ($word eq 'longer' ? "4\r\nmore\r\n" : '')
                                 . ($word eq 'open' ? '' : "0\r\n\r\n");
                    }
                }

                $seen{$way} += length $data;
                $data =~ s/^(Etag: )[0-9a-f]+/${1}00000000/mi
                    if ($word // '') eq 'etag';

                if (($word // '') eq $way && $seen{$way} > $n) {
                    unlink $rules;

                    # a reset takes along what was sent before: an answer
                    # just ends, so that a part of it arrives

                    setsockopt($_, SOL_SOCKET, SO_LINGER, pack('II', 1, 0))
                        for $way eq 'up' ? ($client, $server) : ();
                    exit;
                }

                my $to = $way eq 'up' ? $server : $client;

                while (length $data) {
                    my $done = syswrite($to, $data) or exit;
                    substr($data, 0, $done, '');
                }

                exit if ($word // '') eq 'open' && $way eq 'down' && !$held;
            }
        }
    }
}


my $pid = fork();

if ($pid == 0) {
    relay();
    POSIX::_exit(0);
}

my %small = (
    glance_swift_accounts => $swift->accounts(
        auth_address => "http://127.0.0.1:$proxy/auth/v1.0"),
    glance_swift_large_object_size => '4m',
    glance_swift_large_object_chunk_size => '3m',
    glance_store_timeout => '8s',
    glance_store_connect_timeout => '2s',
);


sub rule {
    my ($text) = @_;

    return $text ? write_file($rules, $text) : unlink($rules);
}


with_env('sqlite', sub {
    my ($env) = @_;

    my $nginx = $env->{nginx};
    my $data = noise(2 * $MiB);
    my $large = noise(7 * $MiB);
    my $id = $env->create({}, body => $data);
    my $large_id = $env->create({}, body => $large);
    my @before = $swift->objects();

    my $works = sub {
        my ($title) = @_;

        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data), "$title: then it works again");
        is_deeply([ $swift->objects() ], \@before, "$title: nothing is left");
        $env->nothing_left("$title: no record", $id, $large_id);
    };

    check('S-05 an answer is cut before and after its first byte' => sub {
        # auth and headers take less; a try with nothing sent is repeated
        rule('down 10');
        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data), 'cut before the first byte: tried again');

        rule('down 1000000');
        my $r = $env->request('GET', "/images/$id");

        is($r->{status}, 200, 'cut in the middle');
        ok(!$r->complete(), 'the client is not told that it is all');
        cmp_ok(length $r->{body}, '<', length $data, 'less than all');
        $works->('cut');
    });

    check('S-05 a request is cut' => sub {
        for my $body ($data, $large) {
            rule('up 1000000');
            error_ok($env->post({}, body => $body), 503, 'an upload',
                     qr/not available/);
            $works->('upload');
        }
    });

    check('S-05 what is refused before it is sent is sent again' => sub {
        for my $end ('-00001', '-00003', '') {
            unlink($refused);
            rule("refuse $end");

            my $body = $end ? $large : $data;
            my $r = $env->post({}, body => $body);

            status_is($r, 201, "upload $end");
            is(lines($refused), 2, 'it was refused');

            my $new = $r->json()->{image}{id};

            is(md5_of($env->request('GET', "/images/$new")->{body}),
               md5_of($body), 'the data');
            status_is($env->request('DELETE', "/images/$new"), 200);
            $works->('refused');
        }
    });

    check('S-05 data that do not say how long they are' => sub {
        for my $range ([], [ Range => 'bytes=100-1999999' ]) {
            my $want = @$range ? substr($data, 100, 1999900) : $data;

            rule('chunked');
            my $r = $env->request('GET', "/images/$id", headers => $range);
            ok($r->complete(), "sound: @$range");
            is(md5_of($r->{body}), md5_of($want), 'the data');

            for my $fault ('longer', 'open') {
                rule($fault);
                $r = $env->request('GET', "/images/$id", headers => $range);
                ok($r->{status} == 503 || !$r->complete(),
                   "$fault: not told to be whole: $r->{status} @$range");
            }

            rule();
            $works->('without length');
        }
    });

    check('S-05 another ETag than that of the data' => sub {
        rule('etag');
        error_ok($env->post({}, body => $data), 502, 'an upload',
                 qr/other image data/);
        rule();
        $nginx->allow(qr/is not what was sent/);
        $works->('ETag');
    });

    check('S-05 another upload has put its object there' => sub {
        rule('stolen');
        error_ok($env->post({}, body => $data), 502, 'an upload',
                 qr/other image data/);
        rule();

        my %before = map { $_ => 1 } @before;
        my ($object) = grep { !$before{$_} } $swift->objects();

        ok($object, 'what is not its own stays') or return;
        $swift->request('DELETE', "glance/$object");
        $works->('stolen');
    });

    check('S-05 the object is not the one on record' => sub {
        my $other = $env->create({}, body => $data);

        $swift->request('PUT', "glance/$other", body => 'short');
        $nginx->allow(qr/has 5 bytes in its store/);
        error_ok($env->request('GET', "/images/$other"), 500, 'too short',
                 qr/damaged/);
        error_ok($env->request('GET', "/images/$other",
                               headers => [ Range => 'bytes=100-200' ]), 500,
                 'a part that is not there', qr/damaged/);

        $swift->request('DELETE', "glance/$other");
        error_ok($env->request('GET', "/images/$other"), 404, 'no object',
                 qr/missing/);
        status_is($env->request('DELETE', "/images/$other"), 200,
                  'what is gone can be deleted');

        # a segment is missing: the sum shows it
        my ($segment) = grep { /-00002$/ } @before;
        my $copy = $swift->request('GET', "glance/$segment")->{body};

        $swift->request('DELETE', "glance/$segment");
        $nginx->allow(qr/bytes in its store, but/);
        error_ok($env->request('GET', "/images/$large_id"), 500,
                 'a segment is missing', qr/damaged/);
        $swift->request('PUT', "glance/$segment", body => $copy);
        is(md5_of($env->request('GET', "/images/$large_id")->{body}),
           md5_of($large), 'it is back');
    });

    # memcached has the tokens: all are gone

    my $forget = sub {
        my $old = $swift->{memcached_pid};
        Glance::Process::stop_process($old);
        $swift->{memcached_pid} = spawn(name => 'memcached', argv => [
            find_program('memcached'), '-l', '127.0.0.1', '-p',
            $swift->{memcached}, '-U', 0, '-m', 16, '-t', 1, '-u',
            scalar getpwuid($>) ]);

        # a token from before it serves is kept nowhere
        ok(wait_until(sub {
            delete $swift->{token};
            eval { $swift->request('HEAD', 'glance')->{status} == 204 };
        }), 'memcached is there again');
    };

    check('S-05 a token that is not valid any more' => sub {
        $forget->();
        is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
           'a download gets a new one');
        my $new = $env->create({}, body => $large);
        is(md5_of($env->request('GET', "/images/$new")->{body}),
           md5_of($large), 'an upload, too');
        status_is($env->request('DELETE', "/images/$new"), 200);
        $works->('token');
    });

    check('S-05 a refused token does not take a newer one along' => sub {
        $forget->();
        unlink($holding);
        rule("hold $large_id");

        my $late = in_background(sub {
            return md5_of($env->request('GET', "/images/$large_id")->{body});
        });

        ok(wait_until(sub { -e $holding }), 'a refusal is on its way');

        # meanwhile another one, by another connection
        my $before = lines($auths);
        is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
           'a new token is got');
        is(lines($auths), $before + 1, 'by one request');

        rule();
        is($late->(), md5_of($large), 'the refused one goes on');
        is(lines($auths), $before + 1, 'with this token');
        $works->('two refusals');
    });

    check('S-05 the object server stands still, then dies' => sub {
        my $server = $swift->pid_of('object');

        send_signal('STOP', $server);
        error_ok($env->request('GET', "/images/$id"), 503, 'download');
        error_ok($env->post({}, body => $data), 503, 'upload');
        send_signal('CONT', $server);
        $works->('object server');
    });

    check('S-05 Swift is down' => sub {
        $swift->stop();
        error_ok($env->request('GET', "/images/$id"), 503, 'download',
                 qr/not available/);
        error_ok($env->post({}, body => $data), 503, 'upload',
                 qr/not available/);
        $swift->start();
        $works->('Swift');
    });
}, nginx => { directives => $swift->directives(%small) });


check('S-05 S-44 the memory of a worker' => sub {
    plan(skip_all => 'GLANCE_TEST_QUICK is set') if $ENV{GLANCE_TEST_QUICK};
    plan(skip_all => 'sanitizers need memory of their own')
        if $ENV{ASAN_OPTIONS};

    with_env('sqlite', sub {
        my ($env) = @_;

        my ($worker) = $env->{nginx}->workers();
        my $transfer = sub {
            my ($size) = @_;

            my $id = $env->create({ size => $size }, length => $size,
                                  chunks => pattern_chunks($size, 'mem'));
            my ($sink, $sum) = digest_sink();
            my $r = $env->request('GET', "/images/$id", sink => $sink);

            is($r->{length}, $size, "$size bytes in and out");
            has_header($r, 'ETag', qr/\Q@{[ $sum->() ]}\E/);
            status_is($env->request('DELETE', "/images/$id"), 200);
        };

        $transfer->(20 * $MiB);

        my $before = rss_kb($worker);

        $transfer->(400 * $MiB);

        cmp_ok(rss_kb($worker) - $before, '<=', 4096, 'growth in kB')
            or diag("$before kB before");
    }, nginx => { directives => $swift->directives(
        glance_swift_large_object_size => '50m',
        glance_swift_large_object_chunk_size => '8m') });
});


$swift->stop();
Glance::Process::send_signal('KILL', $pid, children($pid));
waitpid($pid, 0);
done_testing();
