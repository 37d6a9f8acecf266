#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# One image by API v1 (specs/v1.md 2.2 to 2.4, 2.6 to 2.10).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $unknown = '00000000-0000-4000-8000-000000000000';
my $iso = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;


for_each_database(sub {
    my ($env) = @_;

    my $base = "http://127.0.0.1:$env->{nginx}{port}";

    check('POST reserves an image' => sub {
        my $r = $env->v1('POST', '', { name => 'reserved',
                                       'property-Distro' => 'none' });

        status_is($r, 201);
        request_id_ok($r);
        has_header($r, 'Content-Type', 'application/json');
        has_header($r, 'ETag', '', 'no ETag');

        my $image = $r->json()->{image};
        my $id = delete $image->{id};

        like($id, $uuid, 'a UUID');
        has_header($r, 'Location', "$base/v1/images/$id");
        like(delete $image->{$_}, $iso, $_) for qw/ created_at updated_at /;

        is_deeply($image, {
            name => 'reserved', status => 'queued', size => 0,
            virtual_size => undef, disk_format => undef,
            container_format => undef, checksum => undef,
            is_public => JSON::PP::false, protected => JSON::PP::false,
            min_ram => 0, min_disk => 0, owner => $env->owner(),
            deleted_at => undef, deleted => JSON::PP::false,
            properties => { distro => 'none' },
        }, 'the record');

        is($env->status_of($id), 'queued', 'queued');
        $env->wipe();
    });

    check('POST with data' => sub {
        my $data = noise(600_000);
        my $r = $env->v1('POST', '', {
            name => 'full', disk_format => 'qcow2',
            'Container-Format' => 'bare', is_public => 'Yes',
            protected => 't', min_ram => 512, min_disk => 3,
            owner => 'somebody', size => 600_000, virtual_size => 1048576,
            checksum => md5_of($data), created_at => '2012-03-01T12:00:00Z',
            'property-empty' => '', 'property-a.b' => 'c',
        }, body => $data);

        status_is($r, 201);
        has_header($r, 'ETag', md5_of($data), 'ETag without quotes');

        my $image = $r->json()->{image};
        my %expected = (
            status => 'active', size => 600_000, virtual_size => 1048576,
            checksum => md5_of($data), disk_format => 'qcow2',
            container_format => 'bare', min_ram => 512, min_disk => 3,
            owner => 'somebody', created_at => '2012-03-01T12:00:00.000000',
        );

        is($image->{$_}, $expected{$_}, $_) for sort keys %expected;
        ok($image->{is_public}, 'public');
        ok($image->{protected}, 'protected');
        is_deeply($image->{properties}, { empty => undef, 'a.b' => 'c' },
                  'properties, an empty one is null');

        my $get = $env->v1('GET', "/$image->{id}");

        status_is($get, 200);
        is(md5_of($get->{body}), md5_of($data), 'the data');
        has_header($get, 'Content-Length', 600_000);
        has_header($get, 'Content-Type', 'application/octet-stream');
        has_header($get, 'ETag', md5_of($data));

        my $head = $env->v1('HEAD', "/$image->{id}");

        status_is($head, 200);
        has_header($head, 'Content-Length', 0, 'HEAD has length 0');

        for my $meta ($get->meta(), $head->meta()) {
            is($meta->{$_}, $expected{$_}, "header $_")
                for sort keys %expected;
            is($meta->{is_public}, 'True', 'header is_public');
            is($meta->{protected}, 'True', 'header protected');
            is($meta->{deleted}, 'False', 'header deleted');
            is($meta->{'property-a.b'}, 'c', 'header of a property');
            ok(!exists $meta->{$_}, "no header $_")
                for qw/ deleted_at property-empty location type uri store /;
        }

        $get = $env->v1('GET', "/$image->{id}", {},
                        headers => [ 'If-None-Match' => md5_of($data),
                                     Range => 'bytes=0-9' ]);
        status_is($get, 200, 'no conditions, no ranges');
        is(length $get->{body}, 600_000, 'all of it');

        for my $condition ([ 'If-None-Match' => '*' ], [ 'If-Match' => '"x"' ])
        {
            my %given = (headers => $condition);

            status_is($env->v1('HEAD', "/$image->{id}", {}, %given), 200,
                      "HEAD with @$condition");
            status_is($env->v1('GET', '/detail', {}, %given), 200,
                      "list with @$condition");
        }

        $env->wipe();
    });

    check('an empty identifier is none' => sub {
        my $r = $env->v1('POST', '', { id => '', name => 'n' });

        status_is($r, 201);
        like($r->json()->{image}{id}, qr/^[0-9a-f-]{36}$/, 'a new one');
        status_is($env->v1('PUT', '/' . $r->json()->{image}{id},
                           { id => '', name => 'm' }), 200, 'nor in a change');
        $env->wipe();
    });

    check('size 0 needs no data' => sub {
        my $r = $env->v1('POST', '', { name => 'n', size => 0 });

        status_is($r, 201);
        is($r->json()->{image}{status}, 'active', 'active at once');

        my $id = $r->json()->{image}{id};
        $r = $env->v1('GET', "/$id");
        status_is($r, 200);
        is($r->{body}, '', 'nothing');
        has_header($r, 'Content-Length', 0);

        $r = $env->v1('POST', '', { disk_format => 'raw',
                                    container_format => 'bare' },
                      chunked => 1, body => '');
        status_is($r, 201, 'an empty chunked body is data');
        is($r->json()->{image}{status}, 'active', 'active');
        is($r->json()->{image}{checksum}, md5_of(''), 'its checksum');
        $env->wipe();
    });

    check('the formats' => sub {
        for my $case ([ { disk_format => 'ami' }, 'ami', 'ami' ],
                      [ { container_format => 'aki' }, 'aki', 'aki' ],
                      [ { disk_format => 'raw', container_format => 'ovf' },
                        'raw', 'ovf' ])
        {
            my ($meta, $disk, $container) = @$case;
            my $r = $env->v1('POST', '', $meta);

            status_is($r, 201, join(' ', %$meta));
            is($r->json()->{image}{disk_format}, $disk, 'disk');
            is($r->json()->{image}{container_format}, $container,
               'container');
        }

        $env->wipe();

        my %bad = (
            'Invalid disk format' => { disk_format => 'exe' },
            'Invalid container format' => { container_format => 'tin' },
            'Invalid mix' => { disk_format => 'ami',
                               container_format => 'bare' },
        );

        denied($env->v1('POST', '', $bad{$_}), 400, $_, $_)
            for sort keys %bad;

        denied($env->v1('POST', '', {}, body => 'x'), 400,
                'Disk format is not specified', 'data without formats');
        denied($env->v1('POST', '', { disk_format => 'raw' }, body => 'x'),
                400, 'Container format is not specified',
                'data without container format');

        $env->is_empty();
    });

    check('malformed headers' => sub {
        my @bad = (
            [ 400, { type => 'kernel' }, 'Bad header: x-image-meta-type' ],
            [ 400, { colour => 'red' }, 'Bad header: x-image-meta-colour' ],
            [ 400, { '' => 'red' }, 'Bad header: x-image-meta-' ],
            [ 400, { id => '../etc' }, 'x-image-meta-id' ],
            [ 400, { size => 'big' }, 'x-image-meta-size' ],
            [ 400, { size => '' }, 'x-image-meta-size' ],
            [ 400, { size => -1 }, 'x-image-meta-size' ],
            [ 400, { size => '2000000000000' }, 'x-image-meta-size' ],
            [ 400, { min_ram => 'x' }, 'x-image-meta-min_ram' ],
            [ 400, { min_disk => -1 }, 'x-image-meta-min_disk' ],
            [ 400, { min_disk => 2147483648 }, 'x-image-meta-min_disk' ],
            [ 400, { virtual_size => 'x' }, 'x-image-meta-virtual_size' ],
            [ 400, { created_at => 'yesterday' }, 'x-image-meta-created_at' ],
            [ 400, { updated_at => '1899-01-01T00:00:00' },
              'x-image-meta-updated_at' ],
            [ 400, { checksum => 'a' x 33 }, 'x-image-meta-checksum' ],
            [ 400, { store => 'attic' }, 'x-image-meta-store' ],
            [ 400, { name => 'n' x 256 }, 'x-image-meta-name' ],
            [ 400, { name => "\xf0\x9f\x98\x80" }, 'x-image-meta-name' ],
            [ 400, { name => "\xff" }, 'x-image-meta-name' ],
            [ 400, { location => 'http://127.0.0.1/x' },
              'x-image-meta-location' ],
            [ 400, { location => 'file:///etc/passwd' },
              'x-image-meta-location' ],
        );

        for my $case (@bad) {
            my ($status, $meta, $text) = @$case;

            denied($env->v1('POST', '', $meta), $status, $text,
                    join(' ', map { defined ? substr($_, 0, 40) : '' }
                              %$meta));
        }

        denied($env->v1('POST', '', {}, headers =>
                         [ 'x-glance-api-copy-from' => 'ftp://127.0.0.1/' ]),
                400, 'x-glance-api-copy-from', 'copy-from');

        my %formats = (disk_format => 'raw', container_format => 'bare');

        denied($env->v1('POST', '', { %formats }, body => 'data',
                         headers => [ 'Content-Type' => 'text/plain' ]),
                400, 'Content-Type must be application/octet-stream',
                'wrong type');
        denied($env->v1('POST', '', { %formats, size => 5 }, body => 'data'),
                400, 'x-image-meta-size', 'wrong size');
        $env->is_empty();

        denied($env->v1('POST', '', { %formats, checksum => 'f' x 32 },
                         body => 'data'),
                400, 'checksum', 'wrong checksum');
        denied($env->v1('POST', '', { %formats, size => 5 },
                         chunked => 1, body => 'data'),
                400, 'size', 'wrong size of a chunked body');
        $env->nothing_left();
        is_deeply([ map { $_->[1] } $env->rows() ], [ 'killed', 'killed' ],
                  'killed');
        $env->wipe();
    });

    check('what old clients echo does no harm' => sub {
        status_is($env->v1('POST', '', {
            name => 'n', status => 'killed', uri => 'http://x/', deleted => 1,
            updated_at => '', deleted_at => '2012-01-01T00:00:00',
            virtual_size => 'None', size => 'None', min_ram => 0,
        }), 201);

        my ($row) = $env->rows();
        is($row->[1], 'queued', 'the status is ours');
        is($row->[2], 0, 'it lives');
        $env->wipe();
    });

    check('what is true, and what is said twice' => sub {
        my %word = (map({ $_ => 'True' } qw/ true T 1 On YES y /),
                    map({ $_ => 'False' } qw/ false 0 off no n maybe 2 /));

        for my $word (sort keys %word) {
            my $id = $env->v1_create({ is_public => $word,
                                       protected => $word });
            my $meta = $env->v1('HEAD', "/$id")->meta();

            is("$meta->{is_public} $meta->{protected}",
               "$word{$word} $word{$word}", "\"$word\"");
        }

        my $r = $env->v1('POST', '', { name => 'a', 'property-p' => 1 },
            headers => [ 'X-Image-Meta-Name' => 'b',
                         'X-Image-Meta-Property-P' => 2 ]);

        status_is($r, 201, 'headers that are repeated');
        like($r->json()->{image}{name}, qr/^a, ?b$/, 'are joined');
        like($r->json()->{image}{properties}{p}, qr/^1, ?2$/,
             'properties, too');
        $env->wipe();
    });

    check('an id of the client' => sub {
        my $id = '71C675AB-d94f-49cd-a114-e12490b328d9';

        my $r = $env->v1('POST', '', { id => $id });
        status_is($r, 201);
        is($r->json()->{image}{id}, lc $id, 'in lower case');

        denied($env->v1('POST', '', { id => $id }), 409, 'already exists',
                'taken');

        status_is($env->v1('DELETE', "/$id"), 200);
        denied($env->v1('POST', '', { id => $id }), 409, 'already exists',
                'taken by a deleted image, too');
        $env->wipe();
    });

    check('PUT replaces the properties' => sub {
        my $id = $env->v1_create({ name => 'n', 'property-a' => 1,
                                   'property-b' => 2 });
        my $props = sub { $_[0]->json()->{image}{properties} };

        my $r = $env->v1('PUT', "/$id", { 'property-b' => 3 });
        status_is($r, 200);
        is_deeply($props->($r), { b => 3 }, 'what is not named goes');
        has_header($r, 'Location', '', 'no Location');
        is($r->json()->{image}{name}, 'n', 'fields stay');

        my $keep = sub {
            return $env->v1('PUT', "/$id", $_[0], headers =>
                       [ 'x-glance-registry-purge-props' => $_[1] ]);
        };

        $r = $keep->({ 'property-c' => 4 }, 'false');
        is_deeply($props->($r), { b => 3, c => 4 }, 'kept when asked');

        $r = $keep->({ 'property-a' => 5 }, 'True');
        is_deeply($props->($r), { a => 5 }, 'revived, the others purged');

        $r = $keep->({ 'property-d' => 6 }, 'whatever');
        is_deeply($props->($r), { a => 5, d => 6 }, 'not true: kept');

        $r = $env->v1('PUT', "/$id", { disk_format => 'raw',
                                       container_format => 'bare',
                                       'property-e' => 7 }, body => 'data');
        status_is($r, 200, 'with data');
        is_deeply($props->($r), { a => 5, d => 6, e => 7 }, 'never purged');
        has_header($r, 'ETag', md5_of('data'));

        $r = $env->v1('PUT', "/$id");
        is_deeply($props->($r), {}, 'none named: all go');
        $env->wipe();
    });

    check('PUT changes what it names' => sub {
        my $id = $env->v1_create({ name => 'n', owner => 'me',
                                   disk_format => 'raw' });

        my $r = $env->v1('PUT', "/$id", { name => '', disk_format => 'ami',
                                          is_public => 'true', min_ram => 1,
                                          status => 'queued', id => $id });
        status_is($r, 200);

        my $image = $r->json()->{image};
        is($image->{name}, undef, 'an empty value is null');
        is($image->{disk_format}, 'ami', 'disk format');
        is($image->{container_format}, 'ami', 'container format with it');
        is($image->{owner}, 'me', 'owner stays');
        is($image->{min_ram}, 1, 'min_ram');
        ok($image->{is_public}, 'public');

        denied($env->v1('PUT', "/$id", { status => 'active' }), 403,
                'x-image-meta-status', 'another status');
        denied($env->v1('PUT', "/$id", { id => $unknown }), 403,
                'x-image-meta-id', 'another id');
        denied($env->v1('PUT', "/$id", { colour => 'red' }), 400,
                'Bad header', 'unknown header');
        denied($env->v1('PUT', "/$unknown", { name => 'm' }), 404,
                "Image with identifier $unknown not found", 'unknown image');
        $env->wipe();
    });

    check('an image with data keeps them' => sub {
        my $id = $env->v1_create({ disk_format => 'raw',
                                   container_format => 'bare' },
                                 body => 'data');

        denied($env->v1('PUT', "/$id", {}, body => 'other'), 409,
                'Cannot upload to an unqueued image', 'data again');
        denied($env->v1('PUT', "/$id", { size => 5 }), 403, "'size'",
                'another size');
        denied($env->v1('PUT', "/$id", { checksum => 'f' x 32 }), 403,
                "'checksum'", 'another checksum');
        status_is($env->v1('PUT', "/$id", { size => 4,
                                            checksum => md5_of('data') }),
                  200, 'the same ones');
        is($env->v1('PUT', "/$id", { checksum => uc md5_of('data') })
               ->json()->{image}{checksum}, md5_of('data'),
           'clients compare with small letters');
        is($env->v1('GET', "/$id")->{body}, 'data', 'the data');

        my $queued = $env->v1_create({});
        denied($env->v1('PUT', "/$queued", {}, body => 'x'), 400,
                'Disk format is not specified', 'no formats');
        is($env->status_of($queued), 'queued', 'still queued');

        my $announced = $env->v1_create({ disk_format => 'raw', size => 3,
                                          container_format => 'bare' });
        denied($env->v1('PUT', "/$announced", {}, body => 'four'), 400,
                'size', 'not the announced size');
        status_is($env->v1('PUT', "/$announced", {}, body => 'abc'), 200,
                  'the announced size');
        $env->wipe();
    });

    check('not readable' => sub {
        for my $status (qw/ queued saving killed pending_delete /) {
            my $id = $env->v1_create({});

            $env->{database}->query("UPDATE images SET status = '$status'"
                                    . " WHERE id = '$id'");
            status_is($env->v1('GET', "/$id"), 404, $status);
            status_is($env->v1('HEAD', "/$id"), 200, "$status: HEAD");
        }

        my $id = $env->v1_create({ disk_format => 'raw',
                                   container_format => 'bare' },
                                 body => 'data');
        $env->{database}->query("UPDATE images SET status = 'deactivated'"
                                . " WHERE id = '$id'");
        status_is($env->v1('GET', "/$id"), 403, 'deactivated');
        $env->wipe();
    });

    check('DELETE' => sub {
        my $id = $env->v1_create({ disk_format => 'raw', protected => 1,
                                   container_format => 'bare' },
                                 body => 'data');

        denied($env->v1('DELETE', "/$id"), 403, 'Image is protected',
                'protected');
        status_is($env->v1('PUT', "/$id", { protected => 'False' }), 200);

        my $r = $env->v1('DELETE', "/$id");
        status_is($r, 200);
        is($r->{body}, '', 'empty');
        is_deeply([ $env->files() ], [], 'no file');

        status_is($env->v1('GET', "/$id"), 404, 'no data');
        status_is($env->v1('DELETE', "/$id"), 404, 'deleted already');
        status_is($env->v1('DELETE', "/$unknown"), 404, 'unknown');

        $r = $env->v1('HEAD', "/$id");
        status_is($r, 200, 'administrators see it still');
        is($r->meta()->{status}, 'deleted', 'status');
        is($r->meta()->{deleted}, 'True', 'deleted');
        like($r->meta()->{deleted_at}, $iso, 'deleted_at');

        denied($env->v1('PUT', "/$id", { name => 'm' }), 403,
                'Forbidden to update deleted image', 'no change');
        status_is($env->request('HEAD', "/images/$id"), 404,
                  'to the seed it is gone');
        $env->wipe();
    });

    check('one image by both dialects' => sub {
        my $id = $env->create({ name => 'k', type => 'kernel' },
                              body => 'data');
        my $meta = $env->v1('HEAD', "/$id")->meta();

        is($meta->{disk_format}, 'aki', 'disk format');
        is($meta->{container_format}, 'aki', 'container format');
        is($meta->{'property-type'}, 'kernel', 'the type is a property');

        $id = $env->v1_create({ name => 'm', disk_format => 'ami' },
                              body => 'data');
        is($env->request('HEAD', "/images/$id")->meta()->{type}, 'machine',
           'and a type by its formats');
        $env->wipe();
    });
});


done_testing();
