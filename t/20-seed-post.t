#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# POST /images/: an image by one call, a reservation, and what is refused.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
    my $time = qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

    check('S-44 POST stores data and metadata by one call' => sub {
        my $data = noise(300_000);
        my $r = $env->post({ name => 'one call', type => 'kernel',
                             'property-distro' => 'Ubuntu 10.04 LTS',
                             is_public => 'True' }, body => $data);

        status_is($r, 201);
        request_id_ok($r);
        has_header($r, 'Content-Type', qr!^application/json!);

        my $image = $r->json()->{image};
        my $id = $image->{id};
        my $host = "127.0.0.1:$env->{nginx}{port}";

        like($id, qr/^$uuid$/, 'a UUID is assigned');
        has_header($r, 'Location', "http://$host/images/$id");
        has_header($r, 'ETag', qr/^"?\Q@{[ md5_of($data) ]}\E"?$/);

        my %expected = (
            uri => "http://$host/images/$id", name => 'one call',
            type => 'kernel', size => '300000',
            store => $env->default_store(),
            status => 'active', deleted_at => '',
        );

        is($image->{$_}, $expected{$_}, $_) for sort keys %expected;

        ok($image->{is_public}, 'is_public');
        ok(!$image->{deleted}, 'deleted');
        is_deeply($image->{properties}, { distro => 'Ubuntu 10.04 LTS' },
                  'properties without "type"');
        like($image->{$_}, $time, $_) for qw/ created_at updated_at /;
        ok(!exists $image->{$_}, "no $_")
            for qw/ location location_data /;
        like($r->{body}, qr/"size": ?"300000"/, 'size is a string');

        $r = $env->request('GET', "/images/$id");

        status_is($r, 200);
        is(md5_of($r->{body}), md5_of($data), 'the same bytes come back');

        is_deeply([ $env->files() ], [ $id ],
                  'S-06 the file is in the data directory, nothing else is');
        is_deeply([ $env->rows() ],
                  [ [ $id, 'active', 0, 300000, md5_of($data) ] ],
                  'S-09 the row is in the database');
        is_deeply([ $env->claims() ], [], 'no claim is left');
        $env->wipe();
    });

    check('S-44 both spellings of the collection' => sub {
        for my $path ('/images', '/images/') {
            my $r = $env->request('POST', $path,
                                  $env->with_meta({}, body => 'data'));
            status_is($r, 201, "POST $path");
        }
        $env->wipe();
    });

    check('S-44 without data an identifier is reserved' => sub {
        for my $case ([ 'no length', {} ], [ 'length 0', { length => 0 } ]) {
            my ($title, $options) = @$case;
            my $r = $env->post({ name => $title }, %$options);

            status_is($r, 201, $title);

            my $image = $r->json()->{image};
            is($image->{status}, 'queued', "$title: queued");
            is($image->{size}, '0', "$title: size");
            is($image->{store}, $env->default_store(),
               "$title: the store that it would be");
            is_deeply([ $r->all('ETag') ], [], "$title: no ETag");
            is_deeply([ $env->files() ], [], "$title: no file");
        }
        $env->wipe();
    });

    check('S-44 an empty chunked body is data of length zero' => sub {
        my $r = $env->post({}, chunked => 1);

        status_is($r, 201);

        my $image = $r->json()->{image};
        is($image->{status}, 'active', 'active');
        is($image->{size}, '0', 'size');

        $r = $env->request('GET', "/images/$image->{id}");
        status_is($r, 200);
        is($r->{body}, '', 'empty');
        has_header($r, 'x-image-meta-checksum', md5_of(''));
        $env->wipe();
    });

    check('S-44 sizes round the buffers' => sub {
        for my $size (1, 4095, 4096, 4097, 131072, 262143, 262144, 262145,
                      1048576, 1048577, 5_000_001)
        {
            my $data = noise($size, $size);
            my $r = $env->post({ size => $size }, body => $data);

            status_is($r, 201, "$size bytes");
            my $got = $env->request('GET',
                                    "/images/" . $r->json()->{image}{id});
            is(md5_of($got->{body}), md5_of($data), "$size bytes equal");

            $r = $env->post({}, body => $data, chunked => 1, piece => 99999);
            status_is($r, 201, "$size bytes chunked");
            is($r->json()->{image}{size}, $size, "$size bytes counted");
            has_header($r, 'ETag', qr/\Q@{[ md5_of($data) ]}\E/);
        }
        $env->wipe();
    });

    check('S-50 a name is required and need not be unique' => sub {
        refused($env, 400, 'no name', 'POST', '/images',
                meta => { name => undef }, body => 'data', words => qr/name/);
        refused($env, 400, 'no name, no data', 'POST', '/images',
                meta => { name => undef });
        refused($env, 400, 'empty name', 'POST', '/images',
                meta => { name => '' }, body => 'data');
        $env->is_empty();

        my @ids = map { $env->create({ name => 'twice' }, body => $_) }
                  qw/ one two /;
        isnt($ids[0], $ids[1], 'two images of one name');
        is($env->request('GET', "/images/$ids[1]")->{body}, 'two', 'second');
        $env->wipe();
    });

    check('S-50 a name may have 255 characters' => sub {
        my $long = "\xe5\xb2\xa1" x 255;        # three bytes each
        my $r = $env->post({ name => $long }, body => 'data');

        status_is($r, 201, '255 characters');
        has_header($env->request('HEAD',
            '/images/' . $r->json()->{image}{id}), 'x-image-meta-name', $long);
        $env->wipe();

        refused($env, 400, '256 characters', 'POST', '/images',
                meta => { name => $long . 'x' }, body => 'data',
                words => qr/name/);
        refused($env, 400, '256 bytes', 'POST', '/images',
                meta => { name => 'x' x 256 });
        $env->is_empty();
    });

    check('S-51 an identifier may be chosen, once' => sub {
        for my $id ('1', '4711', '9007199254740993',
                    '71c675ab-d94f-49cd-a114-e12490b328d9')
        {
            my $r = $env->post({ id => $id }, body => "data of $id");

            status_is($r, 201, "id $id");
            is($r->json()->{image}{id}, $id, "id $id is honoured");

            my @files = $env->files();

            refused($env, 409, "id $id again", 'POST', '/images',
                    meta => { id => $id }, body => 'other data',
                    words => qr/identifier \Q$id\E already exists/);
            refused($env, 409, "id $id again, no data", 'POST', '/images',
                    meta => { id => $id });

            $r = $env->request('GET', "/images/$id");
            is($r->{body}, "data of $id", 'the first is unharmed');
            is_deeply([ $env->files() ], \@files, 'nothing is left over');
        }

        status_is($env->request('DELETE', '/images/4711'), 200);
        refused($env, 409, 'the id of a deleted image', 'POST', '/images',
                meta => { id => '4711' }, body => 'data');
        is(scalar $env->files(), 3, 'three files');
        $env->wipe();
    });

    check('S-51 malformed identifiers' => sub {
        for my $id ('abc', '-1', '01', '1.5', '1 2', '..', '../x', '/etc',
                    '%2e%2e%2f', '99999999999999999999',
                    '71c675ab-d94f-49cd-a114-e12490b328d', '1/2', "1\t2",
                    '71c675abd94f49cda114e12490b328d9x', 'x' x 300, '*',
                    '.upload')
        {
            my $title = 'id ' . substr($id, 0, 40);

            refused($env, 400, $title, 'POST', '/images',
                    meta => { id => $id }, body => 'data');
        }
        $env->is_empty();
    });

    check('S-52 a store may be named' => sub {
        my %is = map { $_ => 1 } 'file', $env->default_store();

        for my $store (sort keys %is) {
            my $r = $env->post({ store => $store }, body => 'data');

            status_is($r, 201, $store);
            is($r->json()->{image}{store}, $store, 'store');
            $env->wipe();
        }

        for my $store (grep { !$is{$_} } 'swift', 's3', 'http', 'nonsense',
                                         'File', '../x', 'filesystem2')
        {
            refused($env, 400, "store $store", 'POST', '/images',
                    meta => { store => $store }, body => 'data',
                    words => qr/store/i);
        }
        $env->is_empty();
    });

    check('S-53 the type is required' => sub {
        for my $type (qw/ kernel machine raw ramdisk vhd /) {
            my $r = $env->post({ type => $type }, body => "a $type");

            status_is($r, 201, $type);
            is($r->json()->{image}{type}, $type, "answer says $type");

            my $id = $r->json()->{image}{id};
            has_header($env->request('HEAD', "/images/$id"),
                       'x-image-meta-type', $type);
        }

        my %formats = map { $_->[2] => "$_->[0]/$_->[1]" }
            $env->{database}->query('SELECT disk_format, container_format,'
                . ' value FROM images, image_properties'
                . ' WHERE images.id = image_id'
                . " AND image_properties.name = 'type'");

        is_deeply(\%formats, { kernel => 'aki/aki', ramdisk => 'ari/ari',
                               machine => 'ami/ami', raw => 'raw/bare',
                               vhd => 'vhd/ovf' },
                  'formats and property for the later dialects');
        $env->wipe();

        refused($env, 400, 'no type', 'POST', '/images',
                meta => { type => undef }, body => 'data', words => qr/type/);
        refused($env, 400, 'no type, no data', 'POST', '/images',
                meta => { type => undef });

        for my $type ('', 'Kernel', 'kernels', 'iso', 'qcow2') {
            refused($env, 400, "type \"$type\"", 'POST', '/images',
                    meta => { type => $type }, body => 'data');
        }
        $env->is_empty();
    });

    check('S-54 the size is compared with the data' => sub {
        status_is($env->post({ size => 4 }, body => 'data'), 201, 'right');
        status_is($env->post({ size => 4 }, body => 'data', chunked => 1),
                  201, 'right, chunked');
        $env->wipe();

        for my $size (0, 3, 5, 4000) {
            refused($env, 400, "size $size for 4 bytes", 'POST', '/images',
                    meta => { size => $size }, body => 'data',
                    words => qr/size/i);
            refused($env, 400, "size $size for 4 bytes, chunked", 'POST',
                    '/images', meta => { size => $size }, body => 'data',
                    chunked => 1);
        }

        refused($env, 400, 'size one less than a megabyte', 'POST',
                '/images', meta => { size => 1048575 },
                body => noise(1048576), chunked => 1);
        $env->nothing_left();
        $env->wipe();

        for my $size ('abc', '-1', '1.5', '1e3', '0x10', '4 4', ' 4x',
                      '9223372036854775808', '99999999999999999999999')
        {
            refused($env, 400, "size $size", 'POST', '/images',
                    meta => { size => $size }, body => 'data');
            refused($env, 400, "size $size, no data", 'POST', '/images',
                    meta => { size => $size });
        }
        $env->is_empty();
    });

    check('S-55 on, 1 and true mean public' => sub {
        for my $word (qw/ on 1 true On TRUE True yes y t /) {
            my $r = $env->post({ is_public => $word });
            ok($r->json()->{image}{is_public}, "$word is public");
        }
        for my $word (qw/ off 0 false False no 2 public /, '', undef) {
            my $r = $env->post({ is_public => $word });
            my $title = defined $word ? "\"$word\"" : 'nothing';
            ok(!$r->json()->{image}{is_public}, "$title is private");
        }
        $env->wipe();
    });

    check('S-44 other content types' => sub {
        for my $type ('text/plain', 'application/x-tar', 'image/png', '') {
            refused($env, 400, "Content-Type \"$type\"", 'POST', '/images',
                    meta => {}, body => 'data',
                    headers => [ 'Content-Type' => $type ],
                    words => qr!Content-Type must be application/octet-stream!
                   );
        }

        my $r = $env->connect()->request('POST', '/images', body => 'data',
            headers => [ 'x-image-meta-name' => 'n',
                         'x-image-meta-type' => 'raw' ]);
        error_ok($r, 400, 'no Content-Type');
        $env->nothing_left();
        $env->wipe();

        status_is($env->post({}, headers => [ 'Content-Type' => 'x/y' ]),
                  201, 'without data the type does not matter');
        $env->wipe();
    });

    $env->is_empty('nothing is left in the end');
});


done_testing();
