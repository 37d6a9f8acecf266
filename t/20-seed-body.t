#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The ways in which a body may travel.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my @octets = ('Content-Type' => 'application/octet-stream');


sub multipart {
    my ($boundary, @parts) = @_;

    return join('', map {
        my ($disposition, $content) = @$_;
        "--$boundary\r\nContent-Disposition: form-data; $disposition\r\n"
        . "Content-Type: application/octet-stream\r\n\r\n$content\r\n"
    } @parts) . "--$boundary--\r\n";
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $fetch = sub {
        my ($r) = @_;

        status_is($r, 201);
        my $image = ($r->json() || {})->{image};
        return $env->request('GET', '/images/' . $image->{id})->{body};
    };

    check('S-44 a chunked upload' => sub {
        my $data = noise(1_000_000);

        for my $piece (1, 1000, 65536, 1_000_000) {
            my $part = $piece == 1 ? substr($data, 0, 3000) : $data;
            my $r = $env->post({}, body => $part, chunked => 1,
                               piece => $piece);

            is(md5_of($fetch->($r)), md5_of($part), "chunks of $piece");
        }
        $env->wipe();
    });

    check('S-44 chunks with extensions and trailers' => sub {
        my $c = $env->connect();

        $c->send($c->head('POST', '/images', chunked => 1, headers => [
            @octets, 'x-image-meta-name' => 'n',
            'x-image-meta-type' => 'raw' ])
            . "4;ext=1\r\ndata\r\n0003\r\nabc\r\n0\r\nX-Trailer: x\r\n\r\n");

        is($fetch->($c->read_response('POST')), 'dataabc', 'the data');
        status_is($c->request('GET', '/images'), 200, 'second request');
        $env->wipe();
    });

    check('S-44 malformed chunks' => sub {
        for my $bad ("zz\r\ndata\r\n0\r\n\r\n", "-4\r\ndata\r\n0\r\n\r\n",
                     "4\r\ndataXX0\r\n\r\n",
                     "fffffffffffffffff\r\ndata\r\n0\r\n\r\n")
        {
            my $c = $env->connect();

            $c->send($c->head('POST', '/images', chunked => 1, headers => [
                @octets, 'x-image-meta-name' => 'n',
                'x-image-meta-type' => 'raw' ]) . $bad);
            $c->half_close();

            my $r = $c->read_response('POST');
            like($r->{status}, qr/^(?:400|0)$/, 'refused')
                or diag($r->summary());
        }
        $env->nothing_left();
        $env->wipe();
    });

    check('S-44 the body arrives byte by byte' => sub {
        my $data = noise(200);
        my $r = $env->post({}, body => $data, piece => 1, delay => 0.002);

        is(md5_of($fetch->($r)), md5_of($data), 'the data');
        $env->wipe();
    });

    check('S-44 Expect: 100-continue' => sub {
        my $data = noise(500_000);
        my $r = $env->post({}, body => $data, expect => 1);

        is(md5_of($fetch->($r)), md5_of($data), 'the data');
        is(scalar @{$r->{interim}}, 1, '100 was sent');

        $r = $env->post({}, body => $data, expect => 1, chunked => 1);
        is(md5_of($fetch->($r)), md5_of($data), 'chunked');
        $env->wipe();
    });

    check('S-44 a refused upload costs no body' => sub {
        my $id = $env->create({}, body => 'data');
        my @cases = (
            [ 400, 'POST', '/images', { name => undef } ],
            [ 400, 'POST', '/images', { type => 'nope' } ],
            [ 400, 'POST', '/images', { size => 'x' } ],
            [ 400, 'POST', '/images', { size => '17' } ],
            [ 400, 'POST', '/images',
              { store => $env->absent_store() } ],
            [ 400, 'POST', '/images', { id => '../x' } ],
            [ 409, 'POST', '/images', { id => $id } ],
            [ 400, 'POST', '/images', { name => 'n' x 300 } ],
            [ 409, 'PUT', "/images/$id", {} ],
            [ 404, 'PUT', '/images/12345', {} ],
            [ 405, 'PUT', '/images', {} ],
            [ 404, 'POST', '/nowhere', {} ],
        );

        for my $case (@cases) {
            my ($status, $method, $path, $meta) = @$case;
            my $title = "$method $path " . join(' ', %{{
                map { ($_, substr($meta->{$_} || 'none', 0, 20)) }
                keys %$meta }});

            my $r = $env->request($method, $path,
                $env->with_meta($meta, length => 100_000_000, expect => 1));

            error_ok($r, $status, $title);
            is(scalar @{$r->{interim}}, 0, 'before any byte of the body');
        }
        is_deeply([ $env->files() ], [ $id ], 'nothing is left');
        $env->wipe();
    });

    check('S-44 a refused upload without Expect' => sub {
        for my $chunked (0, 1) {
            my $r = refused($env, 400, "2 MB, chunked $chunked", 'POST',
                '/images', meta => { type => 'nope' },
                body => noise(2_000_000), chunked => $chunked);
        }
        $env->is_empty();
    });

    check('S-44 pipelined uploads' => sub {
        my $c = $env->connect();
        my @data = map { noise(1000 * $_, $_) } 1 .. 5;
        my $all = '';

        for my $data (@data) {
            my %o = $env->with_meta({ is_public => 1 }, body => $data);
            $all .= $c->head('POST', '/images', %o) . $data;
        }

        $all .= $c->head('GET', '/images');
        $c->send($all);

        my @r = map { $c->read_response('POST') } @data;
        my $list = $c->read_response('GET');

        is(md5_of($fetch->($r[$_])), md5_of($data[$_]), "upload $_")
            for 0 .. $#data;
        is(scalar @{$list->json()->{images}}, 5, 'the list behind them');
        $env->wipe();
    });

    check('S-44 an error, pipelined with its body' => sub {
        my $c = $env->connect();
        my %bad = $env->with_meta({ type => 'nope' }, body => 'x' x 5000);
        my %good = $env->with_meta({}, body => 'data');

        $c->send($c->head('POST', '/images', %bad) . 'x' x 5000
                 . $c->head('POST', '/images', %good) . 'data');

        status_is($c->read_response('POST'), 400, 'the first');
        is($fetch->($c->read_response('POST')), 'data', 'the second');
        $env->wipe();
    });

    check('S-44 multipart/form-data' => sub {
        my $data = noise(400_000) . "\r\n--not the boundary\r\n--B\r\n";
        my $file = [ 'name="file"; filename="disk.img"', $data ];
        my $field = [ 'name="comment"', 'a field' ];
        my $boundary = 'Boundary-7x';

        for my $case ([ 'the only part', $file ],
                      [ 'a field before', $field, $file ],
                      [ 'a field behind', $file, $field ],
                      [ 'no filename', [ 'name="data"', $data ] ])
        {
            my ($title, @parts) = @$case;

            for my $o ({}, { chunked => 1, piece => 777 }) {
                my $r = $env->post({}, %$o, headers => [
                    'Content-Type' =>
                        "multipart/form-data; boundary=$boundary" ],
                    body => multipart($boundary, @parts));

                is(md5_of($fetch->($r)), md5_of($data), $title);
                has_header($r, 'ETag', qr/\Q@{[ md5_of($data) ]}\E/);
            }
        }

        my $r = $env->post({ size => length $data },
            body => multipart($boundary, $file), headers => [
                'Content-Type' =>
                    "multipart/form-data; boundary=\"$boundary\"" ]);
        status_is($r, 201, 'the size is that of the file');
        $env->wipe();

        my $whole = multipart($boundary, $file);
        my @bad = (
            [ 'no boundary', 'multipart/form-data', $whole ],
            [ 'other boundary', 'multipart/form-data; boundary=other',
              $whole ],
            [ 'cut', "multipart/form-data; boundary=$boundary",
              substr($whole, 0, 300_000) ],
            [ 'no closing boundary',
              "multipart/form-data; boundary=$boundary",
              substr($whole, 0, length($whole) - 6) ],
            [ 'two files', "multipart/form-data; boundary=$boundary",
              multipart($boundary, $file, $file) ],
            [ 'no part', "multipart/form-data; boundary=$boundary",
              "--$boundary--\r\n" ],
            [ 'long part header', "multipart/form-data; boundary=$boundary",
              "--$boundary\r\nX: " . 'x' x 20000 . "\r\n\r\nx\r\n"
              . "--$boundary--\r\n" ],
            [ 'mixed', "multipart/mixed; boundary=$boundary", $whole ],
        );

        for my $case (@bad) {
            my ($title, $type, $body) = @$case;

            refused($env, 400, $title, 'POST', '/images', meta => {},
                    headers => [ 'Content-Type' => $type ], body => $body);
        }
        $env->nothing_left();
        $env->wipe();
    });

    check('S-44 HTTP/2' => sub {
        plan(skip_all => 'no curl') if !find_program('curl');

        my $dir = temp_dir();
        my $data = noise(3_000_000);
        my $file = write_file("$dir/data", $data);
        my $base = "http://127.0.0.1:$env->{nginx}{port_h2}/images";

        my $upload = sub {
            my (@arguments) = @_;

            return run_command([ $env->{nginx}->curl(), '-o',
                "$dir/answer", '-w', '%{http_version} %{http_code}',
                '-H', 'x-image-meta-name: h2',
                '-H', 'Content-Type: application/octet-stream',
                @arguments ]);
        };

        my @type = ('-H', 'x-image-meta-type: raw');
        my ($status, $text) = $upload->('--data-binary', "\@$file", @type,
                                        $base);
        is($text, '2 201', 'with Content-Length');

        my ($row) = $env->rows();
        is_deeply([ @$row[1, 3, 4] ], [ 'active', 3_000_000, md5_of($data) ],
                  'stored');

        ($status, $text) = $upload->('-T', '-', '-X', 'POST', @type, $base);
        is($text, '2 201', 'of unknown length, empty');

        # curl 7.88 calls an answer before the end of the upload an error
        ($status, $text) = $upload->('--data-binary', "\@$file",
                                     '-H', 'x-image-meta-type: nope', $base);
        like($text, qr/^2 400|\(92\)/m, 'refused');

        ($status, $text) = $upload->('--data-binary', 'data', '-H',
                                     'x-image-meta-size: 7', @type, $base);
        like($text, qr/^2 400|\(92\)/m, 'wrong size');
        $env->nothing_left('no data of refused ones',
                           map { $_->[0] } $env->rows("status = 'active'"));
        $env->wipe();
    });

    check('S-44 a body shorter than declared' => sub {
        my %meta = $env->with_meta({});

        for my $size (1, 1000, 300_000, 999_999) {
            for my $how (qw/ close rst half /) {
                my $c = $env->connect();

                $c->send($c->head('POST', '/images', length => 1_000_000,
                    headers => [ @octets, @{$meta{headers}} ])
                    . noise($size));

                if ($how eq 'half') {
                    $c->half_close();
                    my $r = $c->read_response('POST');
                    like($r->{status}, qr/^(?:400|408|0)$/,
                         "$size bytes, half closed");
                }

                $how eq 'rst' ? $c->reset() : $c->close();
            }
        }

        $env->nothing_left('no data, images are killed');
        $env->wipe();
    });

    check('S-44 a chunked body that ends early' => sub {
        for my $size (0, 1000, 300_000) {
            $env->request('POST', '/images', $env->with_meta({},
                body => noise(1_000_000), chunked => 1,
                abort_after => $size));
        }

        $env->nothing_left();
        $env->wipe();
    });

    check('S-44 a body longer than declared' => sub {
        my $c = $env->connect();

        $c->send($c->head('POST', '/images', $env->with_meta({},
            length => 4)) . 'datamore bytes than that');

        is($fetch->($c->read_response('POST')), 'data',
           'the image has what was declared');

        my $r = $c->read_response('GET');
        is($r->{status}, 400, 'the rest is no request')
            or diag($r->summary());
        $env->wipe();
    });
});


done_testing();
