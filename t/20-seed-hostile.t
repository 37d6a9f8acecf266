#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Input that no honest client sends: each leaves no row and no file, and the
# service serves on.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my @octets = ('Content-Type' => 'application/octet-stream');


for_each_database(sub {
    my ($env, $db) = @_;

    my @workers = $env->{nginx}->workers();

    # bytes of a whole request; the answer, if there is one, is an error
    my $raw = sub {
        my ($title, $bytes, $status) = @_;

        my $c = $env->connect();

        $c->send($bytes);
        $c->half_close();

        my $r = $c->read_response('GET');

        like($r->{status}, $status || qr/^(?:4\d\d|0)$/, $title)
            or diag($r->summary());
    };

    my $bad_post = sub {
        my ($title, @headers) = @_;

        my $r = $env->request('POST', '/images', body => 'data',
                              headers => [ @octets, @headers ]);

        like($r->{status}, qr/^(?:400|413|414|431|0)$/, $title)
            or diag($r->summary());
    };

    my @required = ('x-image-meta-name' => 'n', 'x-image-meta-type' => 'raw');

    check('S-50 control bytes in values' => sub {
        for my $code (0 .. 8, 11, 12, 14 .. 31, 127) {
            my $byte = chr $code;
            my $title = sprintf('byte %02x', $code);

            $bad_post->("$title in the name",
                        'x-image-meta-name' => "a${byte}b",
                        'x-image-meta-type' => 'raw');

            next if $code % 4;

            $bad_post->("$title in a property", @required,
                        'x-image-meta-property-p' => "a${byte}b");
            $bad_post->("$title in the id", @required,
                        'x-image-meta-id' => "1${byte}");
            $bad_post->("$title in the type", 'x-image-meta-name' => 'n',
                        'x-image-meta-type' => "raw$byte");
        }
        $env->is_empty();
    });

    check('S-50 header lines that are folded, split or without end' => sub {
        my $head = "POST /images HTTP/1.1\r\nHost: x\r\n"
                   . "Content-Type: application/octet-stream\r\n"
                   . "Content-Length: 4\r\nx-image-meta-type: raw\r\n";

        $raw->('folded', $head . "x-image-meta-name: a\r\n b\r\n\r\ndata");
        $raw->('bare CR', $head . "x-image-meta-name: a\rb: c\r\n\r\ndata");
        $raw->('no colon', $head . "x-image-meta-name a\r\n\r\ndata");
        $raw->('no end', $head . 'x-image-meta-name: a');
        $raw->('blank in the name',
               $head . "x-image-meta-name : a\r\n\r\ndata");
        $raw->('two lengths', $head . "x-image-meta-name: a\r\n"
               . "Content-Length: 5\r\n\r\ndata!");
        $raw->('length and chunked', $head . "x-image-meta-name: a\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\n\r\n");
        $raw->('chunked twice', "POST /images HTTP/1.1\r\nHost: x\r\n"
               . "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
               qr/^(?:[45]\d\d|0)$/);
        $raw->('no Host', "GET /images HTTP/1.1\r\n\r\n");
        $raw->('HTTP/9', "GET /images HTTP/9.9\r\nHost: x\r\n\r\n",
               qr/^(?:4\d\d|505|0)$/);
        $raw->('not HTTP', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
        $raw->('nothing', '');
        $env->is_empty();
    });

    check('S-54 absurd sizes' => sub {
        for my $size ('18446744073709551615', '9223372036854775808',
                      '-1', '99999999999999999999999999', '1' x 3000,
                      '1099511627777', '9223372036854775807')
        {
            my $title = 'x-image-meta-size ' . substr($size, 0, 30);

            $bad_post->($title, @required, 'x-image-meta-size' => $size);

            my $r = $env->request('POST', '/images', headers => [
                @required, 'x-image-meta-size' => $size ]);
            like($r->{status}, qr/^(?:400|413)$/, "$title, no data")
                or diag($r->summary());
        }

        for my $length ('18446744073709551616', '99999999999999999999', '-5',
                        'abc', '1099511627777', '9223372036854775807', '4 4')
        {
            my $c = $env->connect();
            my $r = $c->request('POST', '/images', length => $length,
                                headers => [ @octets, @required ]);

            like($r->{status}, qr/^(?:400|413)$/, "Content-Length $length")
                or diag($r->summary());
        }
        $env->is_empty();
    });

    check('S-51 identifiers that look like paths' => sub {
        my @ids = ('../../etc/passwd', '..%2f..%2fetc%2fpasswd', '.',
                   '/etc/passwd', "1\\..\\2", '.upload/x', '%2e%2e%2f1',
                   "71c675ab-d94f-49cd-a114-e12490b328d9/../1",
                   '71c675ab-d94f-49cd-a114-e12490b328d9%00', '1 OR 1=1',
                   "1'; DROP TABLE images; --", '${HOME}', '`id`', '1;id');

        for my $id (@ids) {
            $bad_post->("id $id", @required, 'x-image-meta-id' => $id);
        }

        for my $path (@ids, '..%2f', '%2e%2e/', '%2e%2e%2f%2e%2e%2fetc',
                      '%252e%252e%252f', '..%5c..%5c', '%c0%ae%c0%ae/x',
                      '.upload', '.upload%2fx', '%00', '1%00', '%0d%0aX:%20y',
                      '%ff%fe', '%f0%9f%98%80', "%27%20OR%201=1", 'x' x 8000)
        {
            (my $quoted = $path) =~ s/([^!-~])/sprintf('%%%02x', ord $1)/ge;

            for my $method (qw/ GET HEAD PUT DELETE /) {
                my $r = $env->request($method, "/images/$quoted",
                    $method eq 'PUT' ? (headers => [ @required ]) : ());

                # "." and ".." can also name the list and the versions
                like($r->{status}, $quoted =~ /^(?:\.|%2e)/i
                     ? qr/^(?:200|300|400|404|405)$/
                     : qr/^(?:400|404|405|414)$/,
                     "$method " . substr($quoted, 0, 40))
                    or diag($r->summary());
                unlike($r->{body}, qr/root:/, 'no file of the machine');
                is_deeply([ $r->all('X') ], [], 'no header of the client');
            }
        }
        $env->is_empty();
    });

    check('S-50 names of 64 KiB and more' => sub {
        for my $size (20_000, 65_536, 1_000_000) {
            $bad_post->("name of $size bytes", 'x-image-meta-type' => 'raw',
                        'x-image-meta-name' => 'n' x $size);
            $bad_post->("property of $size bytes", @required,
                        'x-image-meta-property-p' => 'v' x $size);
            $bad_post->("key of $size bytes", @required,
                        'x-image-meta-property-' . 'k' x $size => 'v');
            $bad_post->("id of $size bytes", @required,
                        'x-image-meta-id' => '1' x $size);
        }

        $bad_post->('name of 15000 bytes', 'x-image-meta-type' => 'raw',
                    'x-image-meta-name' => 'n' x 15_000);
        $bad_post->('key of 15000 bytes', @required,
                    'x-image-meta-property-' . 'k' x 15_000 => 'v');
        $bad_post->('10000 headers', @required,
                    map { ("x-image-meta-property-$_" => 'v') } 1 .. 10_000);
        $env->is_empty();
    });

    check('S-50 bytes that are no UTF-8, or too long a kind of it' => sub {
        my %bytes = (
            'invalid byte' => "\xff", 'lone continuation' => "\x80",
            'cut sequence' => "\xe5\xb2", 'overlong' => "\xc0\xaf",
            'overlong of three' => "\xe0\x80\xaf",
            'surrogate' => "\xed\xa0\x80", 'latin1' => "\xe4\xf6",
            'four bytes' => "\xf0\x9f\x98\x80",
            'beyond Unicode' => "\xf4\x90\x80\x80",
        );

        for my $title (sort keys %bytes) {
            my $text = "a$bytes{$title}b";

            $bad_post->("$title in the name", 'x-image-meta-type' => 'raw',
                        'x-image-meta-name' => $text);
            $bad_post->("$title in a property", @required,
                        'x-image-meta-property-p' => $text);
            $bad_post->("$title in a key", @required,
                        "x-image-meta-property-$text" => 'v');
            $bad_post->("$title in the store", @required,
                        'x-image-meta-store' => $text);
        }
        $env->is_empty();
    });

    check('S-56 keys that are no header names' => sub {
        $bad_post->("key $_", @required, "x-image-meta-property-$_" => 'v')
            for 'a b', "a\tb", "a\x01b", "a\x7fb";
        $env->is_empty();

        for my $key ('a(b', 'a/b', 'a"b', 'a@b', 'a<b', 'a;b', 'a{b', 'a[b',
                     'a=b', 'a,b', 'a\\b')
        {
            my $r = $env->request('POST', '/images', body => 'data',
                headers => [ @octets, @required,
                             "x-image-meta-property-$key" => 'v' ]);

            like($r->{status}, qr/^(?:201|400)$/, "key $key");
            next if $r->{status} != 201;

            my $c = $env->connect();
            my $id = $r->json()->{image}{id};

            for my $turn (1, 2) {
                my $head = $c->request('HEAD', "/images/$id");
                status_is($head, 200, 'a sound answer');
                is_deeply([ grep { $_->[0] !~ /^[A-Za-z0-9_.-]+$/ }
                            @{$head->{headers}} ], [], 'sound names');
            }
        }
        $env->wipe();
    });

    check('S-45 the same on PUT changes nothing' => sub {
        my $id = $env->create({ name => 'stays', is_public => 1 },
                              body => 'data');
        my $before = $env->request('HEAD', "/images/$id")->meta();

        for my $case ([ 'x-image-meta-name', "a\x01b" ],
                      [ 'x-image-meta-name', "\xff" ],
                      [ 'x-image-meta-name', "\xf0\x9f\x98\x80" ],
                      [ 'x-image-meta-name', 'n' x 64_000 ],
                      [ 'x-image-meta-name', 'n' x 300 ],
                      [ 'x-image-meta-size', '18446744073709551615' ],
                      [ 'x-image-meta-property-p', "a\x1fb" ],
                      [ 'x-image-meta-property-' . 'k' x 300, 'v' ])
        {
            my $r = $env->request('PUT', "/images/$id", headers => $case);
            like($r->{status}, qr/^(?:400|413|431|403)$/,
                 substr($case->[0], 0, 30)) or diag($r->summary());
        }

        is_deeply($env->request('HEAD', "/images/$id")->meta(), $before,
                  'unchanged');
        is($env->request('GET', "/images/$id")->{body}, 'data', 'the data');
        $env->wipe();
    });

    check('S-04 what comes in is not echoed unescaped' => sub {
        my $r = $env->request('GET', '/images/%3Cscript%3Ealert(1)',
                              headers => [ Accept => 'text/html' ]);
        unlike($r->{body}, qr/<script/, 'HTML');

        $r = $env->request('GET', '/images/%22%7D%5C',
                           headers => [ Accept => 'application/json' ]);
        ok($r->json(), 'JSON') or diag($r->summary());

        for my $host ('a"b', '<b>', 'evil.example/x', 'a b', '..', '',
                      'x' x 3000)
        {
            $r = $env->request('GET', '/', headers => [ Host => $host ]);

            next if $r->{status} == 400;
            ok($r->json(), 'Host ' . substr($host, 0, 20))
                or diag($r->summary());
        }
    });

    check('S-04 identity headers of strangers, without identity' => sub {
        my $r = $env->request('GET', '/images', headers => [
            'X-Identity-Status' => 'Invalid', 'X-Roles' => 'admin',
            'X-Glance-Secret' => 'guess', 'X-Glance-Claim' => 'x' ]);

        status_is($r, 200);
    });

    check('S-52 content encodings are not interpreted' => sub {
        my $r = $env->post({}, body => "\x1f\x8b\x08 not gzip", headers => [
            'Content-Encoding' => 'gzip', @octets ]);

        if ($r->{status} == 201) {
            my $id = $r->json()->{image}{id};
            is($env->request('GET', "/images/$id")->{body},
               "\x1f\x8b\x08 not gzip", 'bytes as sent');
        } else {
            like($r->{status}, qr/^4/, 'or refused');
        }
        $env->wipe();
    });

    is_deeply([ $env->{nginx}->workers() ], \@workers,
              'no worker has died');
    $env->is_empty('in the end there is nothing');
});


done_testing();
