#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# GET and HEAD /images/{id}: headers, data, ranges, conditions.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $size = 1_234_567;
    my $data = noise($size);
    my $id = $env->create({ name => 'Ubuntu 10.04 Plain 5GB',
                            type => 'kernel', is_public => 'on',
                            'property-distro' => 'Ubuntu 10.04 LTS' },
                          body => $data);
    my $path = "/images/$id";
    my $time = qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

    check('S-42 HEAD gives the metadata as headers' => sub {
        my $c = $env->connect();

        for my $turn ('first', 'second') {
            my $r = $c->request('HEAD', $path);

            status_is($r, 200, "$turn request");
            request_id_ok($r);

            my $meta = $r->meta();
            my %expected = (
                id => $id, name => 'Ubuntu 10.04 Plain 5GB',
                uri => "http://127.0.0.1:$env->{nginx}{port}$path",
                type => 'kernel', size => $size,
                store => $env->default_store(),
                status => 'active', is_public => 'True', deleted_at => '',
                checksum => md5_of($data),
                'property-distro' => 'Ubuntu 10.04 LTS',
            );

            is($meta->{$_}, $expected{$_}, $_) for sort keys %expected;
            like($meta->{$_}, $time, $_) for qw/ created_at updated_at /;

            ok(!exists $meta->{$_}, "no $_")
                for qw/ location properties property-type /;
            is_deeply([ grep { defined && /^None$/ } values %$meta ], [],
                      'the word None does not occur');
            ok(!$c->readable(), 'no body');
        }
    });

    check('S-42 HEAD of an image without data' => sub {
        my $queued = $env->create({ name => 'queued', type => 'vhd' });
        my $r = $env->request('HEAD', "/images/$queued");
        my $meta = $r->meta();

        status_is($r, 200);
        is($meta->{status}, 'queued', 'status');
        is($meta->{size}, '0', 'size');
        is($meta->{is_public}, 'False', 'is_public');
        is($meta->{store}, $env->default_store(), 'the default store');
        is($meta->{deleted_at}, '', 'deleted_at is present and empty');
        ok(!exists $meta->{checksum}, 'no checksum');
        is_deeply([ $r->all('ETag') ], [], 'no ETag');
    });

    check('S-43 GET gives the same headers and the data' => sub {
        my $head = $env->request('HEAD', $path);
        my $c = $env->connect();

        for my $turn ('first', 'second') {
            my $r = $c->request('GET', $path);

            status_is($r, 200, "$turn request");
            request_id_ok($r);
            is_deeply($r->meta(), $head->meta(), 'headers as of HEAD');
            has_header($r, 'Content-Length', $size);
            is($r->meta()->{size}, $size, 'equals x-image-meta-size');
            has_header($r, 'Content-Type', 'application/octet-stream');
            has_header($r, 'ETag', qr/^"?\Q@{[ md5_of($data) ]}\E"?$/);
            is(md5_of($r->{body}), md5_of($data), 'the data');
        }

        has_header($head, 'ETag', qr/\Q@{[ md5_of($data) ]}\E/);
    });

    check('S-43 404 without data, or without the image' => sub {
        my %id = map { $_ => $env->create({ name => $_ }) }
                 qw/ queued saving killed /;

        $env->{database}->query("UPDATE images SET status = '$_'"
                                . " WHERE id = '$id{$_}'")
            for qw/ saving killed /;

        refused($env, 404, $_, 'GET', "/images/$id{$_}")
            for qw/ queued saving killed /;

        for my $name ('00000000-0000-4000-8000-000000000000', '5', 'nope',
                      'detail2', 'DETAIL', 'x' x 36)
        {
            refused($env, 404, "GET $name", 'GET', "/images/$name",
                    words => qr/Image with identifier \Q$name\E not found/);

            my $c = $env->connect();
            my $r = $c->request('HEAD', "/images/$name");
            error_ok($r, 404, "HEAD $name");
            ok(!$c->readable(), 'no body');
            status_is($c->request('HEAD', $path), 200, 'second request');
        }
    });

    check('S-43 ranges' => sub {
        my $last = $size - 1;
        my @cases = (
            [ 'bytes=0-0', 0, 1 ],
            [ 'bytes=0-99', 0, 100 ],
            [ 'bytes=1000-', 1000, $size - 1000 ],
            [ 'bytes=-500', $size - 500, 500 ],
            [ "bytes=$last-$last", $last, 1 ],
            [ 'bytes=500000-600000', 500000, 100001 ],
            [ 'bytes=1000000-99999999', 1000000, $size - 1000000 ],
            [ 'bytes=-99999999', 0, $size ],
        );
        my $c = $env->connect();

        for my $case (@cases) {
            my ($range, $from, $length) = @$case;
            my $r = $c->request('GET', $path, headers => [ Range => $range ]);

            status_is($r, 206, $range);
            has_header($r, 'Content-Range', sprintf('bytes %d-%d/%d', $from,
                       $from + $length - 1, $size));
            has_header($r, 'Content-Length', $length);
            is(md5_of($r->{body}), md5_of(substr($data, $from, $length)),
               "$range: the bytes");
        }

        for my $range ("bytes=$size-", 'bytes=99999999-', 'bytes=-0') {
            my $r = $c->request('GET', $path, headers => [ Range => $range ]);

            status_is($r, 416, $range);
            has_header($r, 'Content-Range', "bytes */$size");
            request_id_ok($r);
        }

        for my $range ('bytes', 'bytes=', 'lines=1-2', '') {
            my $r = $c->request('GET', $path, headers => [ Range => $range ]);

            like($r->{status}, qr/^(?:200|416)$/, "\"$range\" is no range");
        }

        my $r = $c->request('GET', $path,
                            headers => [ Range => 'bytes=0-9,100-109' ]);

        if ($env->default_store() ne 'file') {
            status_is($r, 200, 'two ranges are the whole');
            is(md5_of($r->{body}), md5_of($data), 'its bytes');
            return;
        }

        status_is($r, 206, 'two ranges');
        has_header($r, 'Content-Type', qr!^multipart/byteranges!);
        like($r->{body}, qr/\Q@{[ substr($data, 0, 10) ]}\E/, 'the first');
        like($r->{body}, qr/\Q@{[ substr($data, 100, 10) ]}\E/,
             'the second');
    });

    check('S-43 conditions' => sub {
        my $c = $env->connect();
        my $head = $c->request('HEAD', $path);
        my $etag = $head->header('ETag');

        # nginx itself closes behind a 412
        my $get = sub {
            return $env->request('GET', $path, headers => [ @_ ]);
        };

        my $r = $get->('If-None-Match' => $etag);
        status_is($r, 304, 'If-None-Match');
        is($r->{body}, '', 'no body');
        has_header($r, 'ETag', $etag);

        status_is($get->('If-None-Match' => '*'), 304, 'If-None-Match *');
        status_is($get->('If-None-Match' => "\"x\", $etag"), 304, 'list');
        status_is($get->('If-None-Match' => '"other"'), 200, 'other tag');
        status_is($get->('If-Match' => $etag), 200, 'If-Match');
        status_is($get->('If-Match' => '"other"'), 412, 'If-Match, other');

        $r = $get->(Range => 'bytes=0-9', 'If-Range' => $etag);
        status_is($r, 206, 'If-Range');
        is($r->{body}, substr($data, 0, 10), 'the part');

        $r = $get->(Range => 'bytes=0-9', 'If-Range' => '"other"');
        status_is($r, 200, 'If-Range, other tag');
        is($r->{length}, $size, 'all of it');

        $r = $c->request('HEAD', $path,
                         headers => [ 'If-None-Match' => $etag ]);
        status_is($r, 304, 'HEAD');
        ok(!$c->readable(), 'no body');
    });

    check('S-43 HTTP/1.0, and a client that closes its side' => sub {
        my $c = $env->connect();
        my $r = $c->request('GET', $path, version => '1.0');

        status_is($r, 200);
        is(md5_of($r->{body}), md5_of($data), 'HTTP/1.0');
        ok($c->closed_by_peer(), 'closed');

        $r = $env->connect()->request('GET', $path, close => 1);
        is(md5_of($r->{body}), md5_of($data), 'Connection: close');
    });

    check('S-43 a slow reader gets all' => sub {
        my $c = $env->connect(rcvbuf => 2048);

        $c->send($c->head('GET', $path));
        ok($c->readable(60), 'begins');

        # nothing is read while other clients are served
        for (1 .. 5) {
            is($env->request('GET', $path)->{length}, $size, 'another');
        }

        is(md5_of($c->read_response('GET')->{body}), md5_of($data),
           'the data');
    });

    check('S-43 pipelined requests are answered in order' => sub {
        my $c = $env->connect();
        my @paths = ($path, "/images/1", '/images', $path, '/nothing');

        $c->send(join('', map { $c->head('GET', $_) } @paths));

        my @r = map { $c->read_response('GET') } @paths;

        is_deeply([ map { $_->{status} } @r ], [ 200, 404, 200, 200, 404 ],
                  'statuses');
        is(md5_of($r[$_]{body}), md5_of($data), 'data') for 0, 3;

        $c->send(join('', map { $c->head('HEAD', $path) } 1 .. 3)
                 . $c->head('GET', $path, headers => [ Range => 'bytes=0-3' ])
                );
        status_is($c->read_response('HEAD'), 200, 'HEAD') for 1 .. 3;
        is($c->read_response('GET')->{body}, substr($data, 0, 4), 'range');
    });

    check('S-43 HTTP/2' => sub {
        my $file = temp_dir() . '/got';

        plan(skip_all => 'no curl') if !find_program('curl');

        my @curl = $env->{nginx}->curl();
        my $base = "http://127.0.0.1:$env->{nginx}{port_h2}";
        my ($status, $text) = run_command([ @curl, '-D', '-', '-o',
            $file, "$base$path" ]);

        is($status, 0, 'curl');
        like($text, qr!^HTTP/2 200!, 'its answer');
        like($text, qr!^x-image-meta-name: Ubuntu 10.04 Plain 5GB\r$!m,
             'metadata');
        is(digest_of_file($file), md5_of($data), 'the data');

        ($status, $text) = run_command([ @curl, '-I', "$base$path" ]);
        is($status, 0, 'curl -I');
        like($text, qr!^x-image-meta-size: $size\r$!m, 'HEAD');

        ($status, $text) = run_command([ @curl, '-r', '5-9',
            "$base$path" ]);
        is($text, substr($data, 5, 5), 'a range');
    });

    check('S-43 wrong data are never sent with 200' => sub {
        my $file = "$env->{store}/$id";

        $env->replace_data($id, substr($data, 0, 1000));
        my $r = $env->request('GET', $path);
        isnt($r->{status}, 200, 'a short file is not served')
            or diag($r->summary());

        $env->remove_data($id);
        refused($env, 404, 'the data are missing', 'GET', $path);
        status_is($env->request('HEAD', $path), 200, 'HEAD still answers');

        return if $env->default_store() ne 'file';

        mkdir($file);
        $r = $env->request('GET', $path);
        like($r->{status}, qr/^[45]/, 'a directory is not served');
        rmdir($file);

        symlink('/etc/passwd', $file);
        $r = $env->request('GET', $path);
        like($r->{status}, qr/^[45]/, 'a link to a file of another size');
        unlink($file);
    });

    $env->wipe();
});


done_testing();
