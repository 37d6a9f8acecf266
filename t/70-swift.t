#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Images in a real Swift: what is stored is what was sent, in one object or in
# segments, comes back whole and in part, and leaves nothing behind.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Render qw/ rendered /;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();

my %small = (
    glance_swift_large_object_size => '2m',
    glance_swift_large_object_chunk_size => '1m',
);


sub options {
    my (%o) = @_;

    return (nginx => { directives => $swift->directives(%small, %o) });
}


# whole, and parts of it: at the borders of segments, at the end, beyond it

sub read_back {
    my ($env, $id, $data, $title) = @_;

    my $size = length $data;
    my $r = $env->request('GET', "/images/$id");

    status_is($r, 200, "$title: whole");
    is(md5_of($r->{body}), md5_of($data), "$title: its bytes");
    has_header($r, 'Content-Length', $size);

    $r = $env->request('HEAD', "/images/$id");
    status_is($r, 200, "$title: HEAD");

    my @ranges = ([ 0, 0 ], [ 0, $size - 1 ], [ $MiB - 3, $MiB + 2 ],
                  [ 2 * $MiB - 1, 2 * $MiB ], [ int($size / 2), $size + 99 ],
                  [ int($size / 2), undef ], [ undef, 7 ]);

    for my $range (@ranges) {
        my ($first, $last) = @$range;
        my $text = join('-', map { defined ? $_ : '' } $first, $last);

        $r = $env->request('GET', "/images/$id",
                           headers => [ Range => "bytes=$text" ]);

        if (defined $first && $first >= $size) {
            status_is($r, 416, "$title: no bytes $text");
            next;
        }

        $first = $size > $last ? $size - $last : 0 if !defined $first;
        $last = $size - 1
            if !defined $last || $last >= $size || !defined $range->[0];

        status_is($r, 206, "$title: bytes $text");
        has_header($r, 'Content-Range', "bytes $first-$last/$size");
        is(md5_of($r->{body}),
           md5_of(substr($data, $first, $last - $first + 1)),
           "$title: these bytes");
    }
}


# what is asked of the registry is the same as with files

with_env('sqlite', sub {
    my ($env) = @_;

    check("S-05 S-24 images of all sizes" => sub {
        for my $size (1, 300_000, 2 * $MiB, 2 * $MiB + 1, 5 * $MiB)
        {
            my $data = noise($size);
            my $id = $env->create({ size => $size }, body => $data);
            my @objects = $swift->objects();
            my $segments = $size > 2 * $MiB ? int(($size + $MiB - 1) / $MiB)
                                            : 0;

            is(scalar @objects, 1 + $segments, "$size bytes: objects");
            is($objects[0], $id, "$size bytes: the first is the image");
            read_back($env, $id, $data, "$size bytes");

            status_is($env->request('DELETE', "/images/$id"), 200,
                      "$size bytes: deleted");
            is_deeply([ $swift->objects() ], [], "$size bytes: nothing left");
            is_deeply([ $env->files() ], [], "$size bytes: no file");
        }
    });

    check('S-05 S-44 data of unknown length' => sub {
        for my $size (0, 10, $MiB, 3 * $MiB + 1) {
            my $data = noise($size);
            my $id = $env->create({}, body => $data, chunked => 1);

            read_back($env, $id, $data, "$size bytes, chunked") if $size;
            is($env->request('GET', "/images/$id")->{body}, $data,
               "$size bytes, chunked: the same");
            status_is($env->request('DELETE', "/images/$id"), 200);
            is_deeply([ $swift->objects() ], [], 'nothing left');
        }
    });

    check('S-05 conditions' => sub {
        my $data = noise(3 * $MiB);
        my $id = $env->create({}, body => $data);
        my $etag = '"' . md5_of($data) . '"';
        my $get = sub {
            return $env->request('GET', "/images/$id", headers => [ @_ ]);
        };

        status_is($get->('If-None-Match' => $etag), 304);
        status_is($get->('If-Range' => $etag, Range => 'bytes=5-9'), 206);
        is($get->('If-Range' => $etag, Range => 'bytes=1048570-1048580')
           ->{body}, substr($data, 1048570, 11), 'If-Range holds');

        my $r = $get->('If-Range' => '"other"', Range => 'bytes=5-9');
        status_is($r, 200, 'If-Range does not hold');
        is(md5_of($r->{body}), md5_of($data), 'the whole');

        $r = $get->(Range => 'bytes=1-2,5-9');
        status_is($r, 200, 'two ranges are the whole');
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

    check('S-54 S-44 refused data leave nothing' => sub {
        for my $size (100, 3 * $MiB) {
            my $data = noise($size);

            for my $meta ({ size => $size + 1 }, { size => $size - 1 },
                          { checksum => md5_of('other') })
            {
                my $r = $env->post($meta, body => $data);

                error_ok($r, 400, join(' ', %$meta));
                ok(wait_until(sub { !$swift->objects() }),
                   'nothing in Swift');
            }
        }

        $env->nothing_left();
    });

    check('S-52 the store of an image' => sub {
        my $file = $env->create({ store => 'file' }, body => 'in a file');
        my $id = $env->create({ store => 'swift' }, body => 'in Swift');

        is_deeply([ $swift->objects() ], [ $id ], 'an object');
        is_deeply([ $env->files() ], [ $file ], 'a file');

        for ($file, $id) {
            has_header($env->request('HEAD', "/images/$_"),
                       'x-image-meta-store', $_ eq $id ? 'swift' : 'file');
            status_is($env->request('DELETE', "/images/$_"), 200);
        }

        error_ok($env->post({ store => 's3' }, body => 'x'), 400,
                 'a store that is not there', qr/store/);
    });

    check('S-05 a client that leaves' => sub {
        my $c = $env->connect();
        my %o = $env->with_meta({ name => 'gone', type => 'raw' },
                                length => 5 * $MiB);

        $c->send($c->head('POST', '/images', %o) . noise(3 * $MiB));
        ok(wait_until(sub { $swift->objects() >= 2 }), 'segments are there');
        undef $c;

        ok(wait_until(sub { !$swift->objects() }), 'and are removed');
        $env->nothing_left();
    });
}, options());


check('S-05 a static manifest' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $data = noise(3 * $MiB + 5);
        my $id = $env->create({}, body => $data);

        has_header($swift->request('HEAD', "glance/$id"),
                   'X-Static-Large-Object', 'True');
        read_back($env, $id, $data, 'static');
        status_is($env->request('DELETE', "/images/$id"), 200);
        is_deeply([ $swift->objects() ], [], 'nothing left');
    }, options(glance_swift_manifest => 'static'));
});


check('S-24 a container that is missing' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        for my $how ([ body => 'data' ], [ body => 'data', chunked => 1 ]) {
            error_ok($env->post({}, @$how), 503, 'an upload',
                     qr/container of the store does not exist/);
        }

        $env->nothing_left();
        is_deeply([ $swift->objects('other') ], [], 'no container was made');
    }, options(glance_swift_container => 'other',
               glance_swift_create_container => 'off'));
});


check('S-24 locations with credentials' => sub {
    my $directives = $swift->directives(%small,
        glance_swift_accounts => $swift->accounts(
            open_locations => JSON::PP::true()));

    with_env('sqlite', sub {
        my ($env) = @_;

        my $id = $env->create({}, body => 'with credentials');
        my ($row) = $env->{database}->query(
            "SELECT value FROM image_locations WHERE deleted = 0");
        my $key = Glance::Swift::key('test:tester')
                  =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02x', ord $1)/ger;

        is($row->[0], "swift+http://test%3atester:$key\@127.0.0.1:"
                      . "$swift->{port}/auth/v1.0/glance/$id", 'location');
        is($env->request('GET', "/images/$id")->{body}, 'with credentials',
           'read');

        # another account than any that is configured
        my $read = Glance::Swift::key('test:reader');
        $env->{database}->query("UPDATE image_locations SET value = "
            . "'swift+http://test%3Areader:$read\@127.0.0.1:$swift->{port}"
            . "/auth/v1.0/glance/$id'");
        error_ok($env->request('GET', "/images/$id"), 503,
                 'an account without rights', qr/refuses access/);

        $env->{database}->query("UPDATE image_locations SET value = "
                                . "'swift+config://nobody/glance/$id'");
        error_ok($env->request('GET', "/images/$id"), 404,
                 'a reference that is not known', qr/account/);

        my $log = read_file($env->{nginx}{log});
        unlike($log, qr/\Q$_\E/, 'no key in the log')
            for $read, $key, Glance::Swift::key('test:tester');
    }, nginx => { directives => $directives });
});


check('S-24 accounts that are refused at the start' => sub {
    my %wrong = (
        auth_address => [ '', 'ftp://h/v3', "http://h/\r\nX: y" ],
        user => [ '', "a:b\n" ],
        key => [ '', "k\tk", "k\x7f" ],
        region => [ "one\ntwo" ],
        auth_version => [ '2', "1\n" ],
    );

    for my $name (sort keys %wrong) {
        for my $value (@{$wrong{$name}}) {
            my $nginx = Glance::Nginx->new(store => $swift->{dir},
                directives => $swift->directives(glance_swift_accounts =>
                    $swift->accounts($name => $value)));
            my ($status, $said) = $nginx->test_config();

            isnt($status, 0, "$name is not good")
                or diag(JSON::PP->new->allow_nonref->encode($value));
            like($said, qr/account "ref1": "$name"/, 'says which');
        }
    }
});


check('S-24 options of glance-api.conf' => sub {
    my $key = Glance::Swift::key('test:tester');
    my $file = write_file(temp_dir() . '/glance-swift.conf', <<"CONF");
[other]
user = test:reader
key = reading
auth_address = @{[ $swift->auth_address() ]}
[ref2]
user = test:tester
key = $key
auth_address = @{[ $swift->auth_address() ]}
auth_version = 1
CONF
    my %account = (
        default_store => 'swift',
        swift_store_auth_address => $swift->auth_address(),
        swift_store_user => 'test:tester',
        swift_store_key => $key,
    );
    my %ways = (
        options => \%account,
        references => { default_store => 'swift',
                        swift_store_config_file => $file,
                        default_swift_reference => 'ref2' },
    );

    for my $way (sort keys %ways) {
        my ($status, $text, $run) = rendered(%{$ways{$way}},
            swift_store_container => 'from_conf',
            swift_store_create_container_on_put => 'True',
            swift_store_large_object_size => 2,
            swift_store_large_object_chunk_size => 1);

        is($status, 0, "$way: rendered") or diag($text);
        unlike($text, qr/\Q$key\E/, "$way: no key is printed");

        my $conf = read_file("$run/nginx.conf");
        my ($server) = split(/listen "unix:/, $conf);
        my @lines = $server =~ /^\s+(glance_(?:swift|default_store)\S* .*;)$/mg;

        unlike($conf, qr/\Q$key\E/, "$way: no key in nginx.conf");
        is((stat "$run/swift.json")[2] & 0777, 0600, "$way: a private file");

        with_env('sqlite', sub {
            my ($env) = @_;

            my $data = noise(3 * $MiB);
            my $id = $env->create({}, body => $data);

            is(scalar(my @all = $swift->objects('from_conf')), 4,
               "$way: in segments");
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), "$way: the data");
            my ($row) = $env->{database}->query(
                'SELECT value FROM image_locations');

            like($row->[0], $way eq 'options' ? qr!^swift\+http://test%3a!
                                          : qr!^swift\+config://ref2/!,
                 "$way: the location");
            status_is($env->request('DELETE', "/images/$id"), 200);
        }, nginx => { directives => join("\n", @lines) });
    }

    my %wrong = (
        swift_store_user => [ '', qr/swift_store_user: needed/ ],
        swift_store_key => [ '', qr/swift_store_key: needed/ ],
        swift_store_auth_version => [ 2, qr/auth_version: must be 1 or 3/ ],
        swift_store_container => [ 'a/b', qr/swift_store_container: must/ ],
        swift_store_config_file => [ '/nowhere', qr/config_file: .*nowhere/ ],
    );

    for my $option (sort keys %wrong) {
        my ($value, $why) = @{$wrong{$option}};
        my ($status, $text) = rendered(%account, $option => $value);

        isnt($status, 0, "$option = $value");
        like($text, $why, 'says why');
        unlike($text, qr/\Q$key\E/, 'without the key');
    }

    my ($status, $text) = rendered(default_store => 'swift',
                                   swift_store_config_file => $file);
    like($text, qr/default_swift_reference: there is no section \[ref1\]/,
         'a reference that is missing');
});


$swift->stop();
is(join("\n", $swift->complaints()), '', 'Swift has no complaint');

done_testing();
