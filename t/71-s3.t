#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Images in S3 as Swift speaks it: what is stored is what was sent, by one PUT
# or in parts, comes back whole and in part, and leaves nothing behind.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Process qw/ read_file /;
use Glance::Render qw/ rendered /;
use Glance::S3;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();
my $s3 = Glance::S3->of_swift($swift);


sub options {
    my (%o) = @_;

    return (nginx => { directives => $s3->directives(%o) });
}


# whole, and bytes at the borders of parts, at the end, beyond it

sub read_back {
    my ($env, $id, $data, $title) = @_;

    my $size = length $data;
    my $r = $env->request('GET', "/images/$id");

    status_is($r, 200, "$title: whole");
    is(md5_of($r->{body}), md5_of($data), "$title: its bytes");
    has_header($r, 'Content-Length', $size);

    for my $range ([ 0, 0 ], [ 5 * $MiB - 3, 5 * $MiB + 2 ],
                   [ $size - 1, $size + 99 ], [ int($size / 2), $size - 1 ])
    {
        my ($first, $last) = @$range;

        next if $first >= $size;

        $r = $env->request('GET', "/images/$id", headers => [
            Range => "bytes=$first-$last" ]);
        $last = $size - 1 if $last >= $size;

        status_is($r, 206, "$title: bytes $first-$last");
        has_header($r, 'Content-Range', "bytes $first-$last/$size");
        is(md5_of($r->{body}),
           md5_of(substr($data, $first, $last - $first + 1)),
           "$title: these bytes");
    }

    $r = $env->request('GET', "/images/$id", headers => [
        Range => "bytes=$size-" ]);
    status_is($r, 416, "$title: beyond the end");
}


sub location_of {
    my ($env) = @_;

    my ($row) = $env->{database}->query(
        'SELECT value FROM image_locations WHERE deleted = 0');

    return $row->[0];
}


for_each_database(sub {
    my ($env, $db) = @_;

    check('S-07 images of all sizes' => sub {
        for my $size (1, 300_000, 6 * $MiB, 6 * $MiB + 1, 15 * $MiB + 17) {
            my $data = noise($size);
            my $id = $env->create({ size => $size }, body => $data);
            my ($key, @more) = $s3->left();

            is_deeply(\@more, [], "$size bytes: one object, no upload");
            like($key, $size > 6 * $MiB ? qr/^$id-[0-9a-f-]{36}$/
                                        : qr/^$id$/, "$size bytes: its key");
            like($s3->request('HEAD', "glance/$key")->header('ETag'),
                 $size > 6 * $MiB ? qr/-\d+"?$/ : qr/^"?[0-9a-f]{32}"?$/,
                 "$size bytes: in parts or not");

            read_back($env, $id, $data, "$size bytes");
            status_is($env->request('DELETE', "/images/$id"), 200,
                      "$size bytes: deleted");
            is_deeply([ $s3->left() ], [], "$size bytes: nothing left");
            is_deeply([ $env->files() ], [], "$size bytes: no file");
        }
    });

    check('S-07 S-44 data of unknown length' => sub {
        for my $size (0, 10, 5 * $MiB, 5 * $MiB + 1, 12 * $MiB) {
            my $data = noise($size);
            my $id = $env->create({}, body => $data, chunked => 1);

            is(scalar(() = $s3->left()), 1, "$size bytes: one object");
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), "$size bytes: the same");
            status_is($env->request('DELETE', "/images/$id"), 200);
            is_deeply([ $s3->left() ], [], "$size bytes: nothing left");
        }
    });

    check('S-07 conditions' => sub {
        my $data = noise(7 * $MiB);
        my $id = $env->create({}, body => $data);
        my $etag = '"' . md5_of($data) . '"';
        my $get = sub {
            return $env->request('GET', "/images/$id", headers => [ @_ ]);
        };

        status_is($get->('If-None-Match' => $etag), 304);
        is($get->('If-Range' => $etag, Range => 'bytes=5242870-5242889')
           ->{body}, substr($data, 5242870, 20), 'If-Range holds');

        my $r = $get->('If-Range' => '"other"', Range => 'bytes=5-9');
        status_is($r, 200, 'If-Range does not hold');
        is(md5_of($r->{body}), md5_of($data), 'the whole');

        my $c = $env->connect();

        for my $n (1 .. 3) {
            $r = $c->request('GET', "/images/$id",
                             headers => [ Range => "bytes=$n-99" ]);
            is($r->{body}, substr($data, $n, 100 - $n),
               "request $n of a connection");
        }

        $env->request('DELETE', "/images/$id");
    });

    check('S-54 S-44 S-07 refused data leave nothing' => sub {
        for my $size (100, 7 * $MiB) {
            my $data = noise($size);

            for my $meta ({ size => $size + 1 }, { size => $size - 1 },
                          { checksum => md5_of('other') })
            {
                error_ok($env->post($meta, body => $data), 400,
                         join(' ', %$meta));
                is_deeply([ $s3->left() ], [], 'nothing in S3');
            }
        }

        $env->nothing_left();
    });

    check('S-52 S-07 the store of an image' => sub {
        my $file = $env->create({ store => 'file' }, body => 'in a file');
        my $id = $env->create({ store => 's3' }, body => 'in S3');

        is_deeply([ $s3->left() ], [ $id ], 'an object');
        is_deeply([ $env->files() ], [ $file ], 'a file');

        for ($file, $id) {
            has_header($env->request('HEAD', "/images/$_"),
                       'x-image-meta-store', $_ eq $id ? 's3' : 'file');
            status_is($env->request('DELETE', "/images/$_"), 200);
        }

        error_ok($env->post({ store => 'swift' }, body => 'x'), 400,
                 'a store that is not there', qr/store/);
    });

    check('S-07 a client that leaves' => sub {
        my $c = $env->connect();
        my %o = $env->with_meta({ name => 'gone', type => 'raw' },
                                length => 20 * $MiB);

        $c->send($c->head('POST', '/images', %o) . noise(13 * $MiB));
        ok(wait_until(sub { $s3->uploads() }), 'an upload is there');
        undef $c;

        ok(wait_until(sub { !$s3->left() }), 'and is given up');
        ok(wait_until(sub { !$swift->objects('glance+segments') }),
           'no part is left');
        $env->nothing_left();
    });

    check('S-07 clients that are slow, or leave, in the middle of data' => sub {
        my $data = noise(12 * $MiB);
        my $id = $env->create({}, body => $data);
        my $path = "/images/$id";
        my @c = map { $env->connect(rcvbuf => 2048) } 1 .. 3;

        for my $c (@c) {
            $c->send($c->head('GET', $path));
            ok($c->readable(60), 'data come');
        }

        # the first buffers were sent, and the socket takes no more
        is(md5_of($env->request('GET', $path)->{body}), md5_of($data),
           'another client is served');

        $c[0]->reset();
        $c[1]->close();

        is(md5_of($c[2]->read_response('GET')->{body}), md5_of($data),
           'the slow one gets all');
        is(md5_of($env->request('GET', $path)->{body}), md5_of($data),
           'and so does one behind them');
        status_is($env->request('DELETE', $path), 200);
    });
}, options());


check('S-07 a bucket that is missing' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        for my $how ([ body => 'data' ], [ body => 'data', chunked => 1 ]) {
            error_ok($env->post({}, @$how), 503, 'an upload',
                     qr/bucket of the store does not exist/);
        }

        $env->nothing_left();
    }, options(glance_s3_bucket => 'other',
               glance_s3_create_bucket => 'off'));
});


check('S-07 keys and locations' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $id = $env->create({}, body => 'with keys');
        my $secret = $s3->{secret};
        my $encoded = $secret =~ s/([^A-Za-z0-9._~\/+=-])/
                                   sprintf('%%%02x', ord $1)/gerx;
        my $place = "127.0.0.1:$s3->{port}/glance/$id";

        is(location_of($env), "s3://test%3atester:$encoded\@$place",
           'location');
        is($env->request('GET', "/images/$id")->{body}, 'with keys', 'read');

        my %as = (
            "s3://test%3Atester:outdated\@$place" => 200,
            "s3+http://test%3atester:$encoded\@$place" => 200,
            "s3://test%3areader:reading\@$place" => 503,
            "s3://nobody:wrong/key+\@$place" => 503,
            "s3+https://nobody:key\@$place" => 503,
            "s3://nobody:key\@$place.other" => 503,
            "s3://$place" => 404,
            "s3://nobody:key\@127.0.0.1:$s3->{port}/$id" => 404,
            "s3://nobody:key\@127.0.0.1:$s3->{port}/a/b/$id" => 404,
            "s3://test%3atester:k\@127.0.0.1:$s3->{port}/glance/other"
                => 404,
        );

        for my $location (sort keys %as) {
            $env->{database}->query(
                "UPDATE image_locations SET value = '$location'");
            status_is($env->request('GET', "/images/$id"), $as{$location},
                      $location);
        }

        my $log = read_file($env->{nginx}{log});
        unlike($log, qr/\Q$_\E/, 'no key in the log')
            for $secret, $encoded, 'reading', 'wrong/key', 'outdated';
    }, options());
});


check('S-07 what is refused at the start' => sub {
    my %wrong = (
        glance_s3_host => [ 'ftp://h', 'http://h/path', 'http://',
                            'http://u:p@h' ],
        glance_s3_bucket => [ 'a/b', '""' ],
        glance_s3_large_object_chunk_size => [ '4m', '6g' ],
        glance_s3_large_object_size => [ '6g' ],
        glance_s3_parallel_parts => [ '0', '65' ],
        glance_s3_url_format => [ 'other' ],
        glance_s3_credentials => [
            '/nowhere', $s3->credentials(secret_key => ''),
        ],
    );

    for my $name (sort keys %wrong) {
        for my $value (@{$wrong{$name}}) {
            my $nginx = Glance::Nginx->new(store => $s3->{dir},
                directives => $s3->directives($name => $value));
            my ($status, $said) = $nginx->test_config();

            isnt($status, 0, "$name $value");
            like($said, qr/$name|invalid value|value must/, 'says why');
        }
    }
});


check('S-07 options of glance-api.conf' => sub {
    my $secret = $s3->{secret};
    my %account = (
        default_store => 's3',
        s3_store_host => "http://127.0.0.1:$s3->{port}",
        s3_store_access_key => $s3->{access},
        s3_store_secret_key => $secret,
    );
    my ($status, $text, $run) = rendered(%account,
        s3_store_bucket => 'from-conf',
        s3_store_create_bucket_on_put => 'True',
        s3_store_bucket_url_format => 'path',
        s3_store_region_name => 'us-east-1',
        s3_store_large_object_size => 6,
        s3_store_large_object_chunk_size => 5,
        s3_store_thread_pools => 2);

    is($status, 0, 'rendered') or diag($text);
    unlike($text, qr/\Q$secret\E/, 'no key is printed');

    my $conf = read_file("$run/nginx.conf");
    my %seen;

    # once for images, and once for what the worker has removed
    my @lines = grep { !$seen{$_}++ }
                $conf =~ /^\s+(glance_(?:s3|default_store)\S* .*;)$/mg;

    is(scalar @lines, 10, 'directives');
    unlike($conf, qr/\Q$secret\E/, 'no key in nginx.conf');
    is((stat "$run/s3.json")[2] & 0777, 0600, 'a private file');

    with_env('sqlite', sub {
        my ($env) = @_;

        my $data = noise(7 * $MiB);
        my $id = $env->create({}, body => $data);

        is(scalar(my @all = $s3->left('from-conf')), 1, 'an object');
        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data), 'the data');
        status_is($env->request('DELETE', "/images/$id"), 200);
    }, nginx => { directives => join("\n", @lines) });

    my %wrong = (
        s3_store_access_key => [ '', qr/s3_store_access_key: needed/ ],
        s3_store_secret_key => [ '', qr/s3_store_secret_key: needed/ ],
        s3_store_host => [ 'h;', qr/s3_store_host: must/ ],
        s3_store_bucket => [ 'a/b', qr/s3_store_bucket: must/ ],
        s3_store_region_name => [ 'a"b', qr/s3_store_region_name: must/ ],
        s3_store_bucket_url_format => [ 'other', qr/bucket_url_format/ ],
        s3_store_large_object_size => [ 5121, qr/no more than 5120/ ],
        s3_store_large_object_chunk_size => [ 4, qr/chunk_size/ ],
        s3_store_cacert => [ 'a"b', qr/s3_store_cacert: must/ ],
    );

    for my $option (sort keys %wrong) {
        my ($value, $why) = @{$wrong{$option}};

        ($status, $text) = rendered(%account, $option => $value);
        isnt($status, 0, "$option = $value");
        like($text, $why, 'says why');
        unlike($text, qr/\Q$secret\E/, 'without the key');
    }
});


$swift->stop();
is(join("\n", $swift->complaints()), '', 'Swift has no complaint');

done_testing();
