#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The Registry API: one image (specs: sections 3 and 5 to 8).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-
              [0-9a-f]{12}$/x;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/;


sub put {
    my ($r, $id, $image, %o) = @_;

    my $from = delete $o{from_state};

    return $r->request('PUT', "/images/$id", %o,
        json => { image => $image, $from ? (from_state => $from) : () });
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};

    check('a record has every field' => sub {
        my $image = new_image($r, {
            name => 'r1', size => 0, is_public => JSON::PP::true,
            properties => { a => 'b', empty => undef },
        });

        like($image->{id}, $uuid, 'an id is made');
        like($image->{created_at}, $time, 'created_at');
        is($image->{updated_at}, $image->{created_at}, 'updated_at');

        my %rest = %$image;
        delete @rest{qw/ id created_at updated_at /};

        is_deeply(\%rest, {
            name => 'r1', status => 'queued', size => 0, virtual_size => undef,
            disk_format => undef, container_format => undef,
            checksum => undef, os_hash_algo => undef, os_hash_value => undef,
            is_public => JSON::PP::true, visibility => 'public',
            protected => JSON::PP::false, os_hidden => JSON::PP::false,
            min_disk => 0, min_ram => 0, owner => undef, deleted_at => undef,
            deleted => JSON::PP::false,
            properties => { a => 'b', empty => undef },
            location => undef, location_data => [],
        }, 'the rest');

        is_deeply(image_of($r, $image->{id}), $image, 'GET says the same');
        is_deeply($r->request('GET', "/v1/images/$image->{id}")->json(),
                  { image => $image }, 'so does /v1');
    });

    check('all of them can be set' => sub {
        my %given = (
            id => '12345', name => "\x{e9}t\x{e9} \x{4e16}\x{754c}",
            status => 'active', size => 9007199254740993,
            virtual_size => 5, disk_format => 'qcow2',
            container_format => 'bare', checksum => 'f' x 32,
            os_hash_algo => 'sha512', os_hash_value => 'e' x 128,
            owner => 'somebody', min_disk => 2147483647, min_ram => 7,
            created_at => '2011-03-01T12:00:00.000000',
            location => 'file:///a/b',
        );
        my $image = new_image($r, {
            %given, protected => JSON::PP::true,
            location_data => [
                { url => 'file:///a/b', metadata => { store => 'fast' } },
                { url => 'http://host/c', metadata => {},
                  status => 'active' },
            ],
        });

        is($image->{$_}, $given{$_}, $_) for sort keys %given;
        ok($image->{protected}, 'protected');
        is_deeply([ map { [ $_->{url}, $_->{metadata}, $_->{status} ] }
                    @{$image->{location_data}} ],
                  [ [ 'file:///a/b', { store => 'fast' }, 'active' ],
                    [ 'http://host/c', {}, 'active' ] ],
                  'a URL in both is stored once');
        is_deeply(image_of($r, '12345'), $image, 'an integer is an id');

        my @row = $db->query("SELECT meta_data FROM image_locations
                              WHERE image_id = '12345' ORDER BY id");
        is_deeply(\@row, [ [ '{"store": "fast"}' ], [ '{}' ] ],
                  'metadata is never NULL');
    });

    check('numbers and booleans as text are understood' => sub {
        my $image = new_image($r, { size => '17', min_ram => '3',
                                    is_public => 'True', protected => 1,
                                    properties => { n => 5 } });

        is_deeply([ @$image{qw/ size min_ram /} ], [ 17, 3 ], 'numbers');
        ok($image->{is_public} && $image->{protected}, 'booleans');
        is_deeply($image->{properties}, { n => '5' }, 'property');
    });

    check('what the database cannot hold is refused, and why' => sub {
        my @bad = (
            [ { name => 'x' x 256 }, 400, qr/name/ ],
            [ { name => "a\x{1f600}b" }, 400, qr/name/ ],
            [ { name => "a\x{7}b" }, 400, qr/name/ ],
            [ { name => 5 }, 400, qr/name/ ],
            [ { owner => 'x' x 256 }, 400, qr/owner/ ],
            [ { checksum => 'x' x 33 }, 400, qr/checksum/ ],
            [ { disk_format => 'x' x 21 }, 400, qr/disk_format/ ],
            [ { status => 'available' }, 400, qr/status/ ],
            [ { status => undef }, 400, qr/status/ ],
            [ { visibility => 'none' }, 400, qr/visibility/ ],
            [ { size => -1 }, 400, qr/size/ ],
            [ { size => '1.5' }, 400, qr/size/ ],
            [ { min_ram => 2147483648 }, 400, qr/min_ram/ ],
            [ { min_disk => 'much' }, 400, qr/min_disk/ ],
            [ { id => '../etc' }, 400, qr/Invalid image id format/ ],
            [ { id => '007' }, 400, qr/Invalid image id format/ ],
            [ { created_at => 'yesterday' }, 400, qr/created_at/ ],
            [ { properties => [] }, 400, qr/properties/ ],
            [ { properties => { '' => 'x' } }, 400, qr/properties/ ],
            [ { properties => { 'k' x 256 => 'x' } }, 400, qr/property/ ],
            [ { properties => { k => {} } }, 400, qr/property k/ ],
            [ { properties => { k => 'v' x 65536 } }, 400, qr/property k/ ],
            [ { properties => { k => "\x{1f600}" } }, 400, qr/property k/ ],
            [ { location => '' }, 400, qr/location/ ],
            [ { location_data => [ { } ] }, 400, qr/location_data/ ],
            [ { location_data => [ { url => 'file:///x', metadata => 1 } ] },
              400, qr/metadata/ ],
            [ { properties => { map { ("k$_", $_) } 1 .. 129 } }, 413,
              qr/properties/ ],
        );

        my $before = ($db->query('SELECT COUNT(*) FROM images'))[0][0];
        my $image = new_image($r, {});

        for my $case (@bad) {
            my ($fields, $status, $words) = @$case;
            my $title = substr(JSON::PP->new->ascii->canonical
                                        ->encode($fields), 0, 50);
            my $a = $r->request('POST', '/images',
                                json => { image => $fields });

            status_is($a, $status, "POST $title");
            like($a->{body}, $words, 'it names the field');

            next if $fields->{id};

            status_is(put($r, $image->{id}, $fields), $status, "PUT $title");
        }

        is(($db->query('SELECT COUNT(*) FROM images'))[0][0], $before + 1,
           'nothing was stored');
        is_deeply(image_of($r, $image->{id}), $image, 'nothing was changed');
    });

    check('bodies that are no image' => sub {
        for my $body ('', '{', '[]', '5', '{}', '{"image": []}',
                      '{"image": {"name": "a", "name": "b"}}',
                      "{\"image\": {\"name\": \"\xff\"}}",
                      '{"image": {"name": "a\u0000b"}}')
        {
            status_is($r->request('POST', '/images', body => $body), 400,
                      "POST $body");
        }

        my $large = $r->request('POST', '/images',
                                body => '{"a": "' . 'x' x 1048577 . '"}');
        status_is($large, 413, 'a large body');
        status_is($r->request('POST', '/images', chunked => 1, close => 0,
                              body => '{"a": "' . 'x' x 1048577 . '"}'),
                  413, 'a large chunked body');
        status_is($r->request('POST', '/images', chunked => 1,
                              body => '{"image": {"name": "chunked"}}'), 200,
                  'a chunked body');
        ok($r->ready(), 'it is well');
    });

    check('unknown keys and read-only ones are ignored' => sub {
        my $image = new_image($r, { colour => 'red', deleted => 'true',
                                    deleted_at => '2011-01-01T00:00:00' });

        ok(!$image->{deleted}, 'not deleted');
        is($image->{deleted_at}, undef, 'no deleted_at');
    });

    check('status is active when nothing is said' => sub {
        my $a = $r->request('POST', '/images',
                            json => { image => { name => 'x' } });

        is($a->json()->{image}{status}, 'active', 'active');
    });

    check('an id is used once, also after its image is gone' => sub {
        my $image = new_image($r, {});
        my $again = sub {
            return $r->request('POST', '/images',
                json => { image => { id => $image->{id}, name => 'x' } });
        };

        status_is($again->(), 409, 'taken');
        status_is($r->request('DELETE', "/images/$image->{id}"), 200,
                  'deleted');
        status_is($again->(), 409, 'still taken');
        like($again->()->{body}, qr/already exists/, 'said so');
    });

    check('PUT changes what is given' => sub {
        my $image = new_image($r, { name => 'before', size => 1,
                                    properties => { a => '1' } });

        $db->query("UPDATE images SET created_at = '2011-01-01 00:00:00',
                    updated_at = '2011-01-01 00:00:00'
                    WHERE id = '$image->{id}'");

        my $after = put($r, $image->{id}, {
            name => 'after', created_at => '1999-01-01T00:00:00',
            updated_at => '1999-01-01T00:00:00', deleted => JSON::PP::true,
        })->json()->{image};

        is($after->{name}, 'after', 'name');
        is($after->{created_at}, '2011-01-01T00:00:00.000000',
           'created_at stays');
        unlike($after->{updated_at}, qr/^(?:2011|1999)/,
               'updated_at is now');
        ok(!$after->{deleted}, 'deleted is not for PUT');
        is($after->{size}, 1, 'size stays');
        is_deeply($after->{properties}, { a => '1' }, 'properties stay');
        is(put($r, $image->{id}, { name => undef })->json()->{image}{name},
           undef, 'a name can be taken away');

        status_is(put($r, '71c675ab-d94f-49cd-a114-e12490b328d9',
                      { name => 'x' }), 404, 'an unknown image');
    });

    check('updated_at moves when only properties change' => sub {
        my $image = new_image($r, {});

        $db->query("UPDATE images SET updated_at = '2011-01-01 00:00:00'
                    WHERE id = '$image->{id}'");
        unlike(put($r, $image->{id}, { properties => { a => 1 } })
               ->json()->{image}{updated_at}, qr/^2011/, 'moved');
    });

    check('from_state compares and sets' => sub {
        my $image = new_image($r, {});
        my $a = put($r, $image->{id}, { status => 'saving' },
                    from_state => 'active');

        status_is($a, 409, 'another state');
        is($a->{body}, 'Image operation conflicts', 'body');
        is(image_of($r, $image->{id})->{status}, 'queued', 'unchanged');

        status_is(put($r, $image->{id}, { status => 'saving', size => 5 },
                      from_state => 'queued'), 200, 'the right state');
        status_is(put($r, $image->{id}, { status => 'saving' },
                      from_state => 'queued'), 409, 'only once');
        status_is(put($r, $image->{id}, { status => 'saving' },
                      from_state => 'saving'), 200,
                  'a change to the same value is one');
        status_is(put($r, $image->{id}, { status => 'x' }), 400, 'no status');
        status_is(put($r, $image->{id}, { status => 'active' },
                      from_state => 'x'), 400, 'no state');
    });

    check('one of many wins' => sub {
        my $image = new_image($r, {});
        my @jobs = map { in_background(sub {
            return put($r, $image->{id}, { status => 'saving',
                                           name => "winner $$" },
                       from_state => 'queued')->{status};
        }) } 1 .. 8;
        my @status = sort map { $_->() } @jobs;

        is("@status", '200 409 409 409 409 409 409 409', 'one');
    });

    check('properties: added, replaced, purged, revived' => sub {
        my $id = new_image($r, { properties => { a => '1', b => '2' } })
                 ->{id};
        my $rows = sub {
            return join(' ', map { join(':', @$_) } $db->query(
                "SELECT name, value, deleted FROM image_properties
                 WHERE image_id = '$id' ORDER BY name"));
        };
        my $purge = sub {
            my ($value, $properties) = @_;

            return put($r, $id, { properties => $properties },
                headers => [ 'X-Glance-Registry-Purge-Props' => $value ])
                ->json()->{image}{properties};
        };

        is_deeply(put($r, $id, { properties => { b => '3', c => '4' } })
                  ->json()->{image}{properties},
                  { a => '1', b => '3', c => '4' }, 'without the header');
        is_deeply($purge->('True', { d => '5' }),
                  { a => '1', b => '3', c => '4', d => '5' },
                  'only the lower case word purges');
        is_deeply($purge->('true', { c => '6' }), { c => '6' }, 'purged');
        is($rows->(), 'a:1:1 b:3:1 c:6:0 d:5:1', 'rows stay');

        is_deeply($purge->('true', { a => '7' }), { a => '7' }, 'revived');
        is($rows->(), 'a:7:0 b:3:1 c:6:1 d:5:1', 'the same row');
        is(scalar $db->query("SELECT id FROM image_properties
                              WHERE image_id = '$id' AND name = 'a'
                              AND deleted_at IS NULL"), 1,
           'without its old time of deletion');

        is_deeply($purge->('true', {}), {}, 'all purged');
        is_deeply(put($r, $id, { name => 'x' },
                      headers => [ 'X-Glance-Registry-Purge-Props'
                                   => 'true' ])->json()->{image}{properties},
                  {}, 'nothing given, nothing purged');
    });

    check('os_glance properties belong to Python Glance' => sub {
        my $id = new_image($r, { properties => { a => '1' } })->{id};

        $db->query("INSERT INTO image_properties (image_id, name, value,
                    created_at, deleted) VALUES ('$id',
                    'os_glance_import_task', 'x', '2011-01-01 00:00:00', 0)");

        my $image = put($r, $id, { properties => {
            os_glance_import_task => 'stolen', os_glance_new => 'x' } },
            headers => [ 'X-Glance-Registry-Purge-Props' => 'true' ])
            ->json()->{image};

        is_deeply($image->{properties}, { os_glance_import_task => 'x' },
                  'neither changed nor purged nor added');
    });

    check('the quota counts what is there in the end' => sub {
        my $id = new_image($r, { properties => { map { ("k$_", 1) }
                                                 1 .. 127 } })->{id};

        status_is(put($r, $id, { properties => { k1 => 2, last => 1 } }),
                  200, '128 are allowed');
        status_is(put($r, $id, { properties => { more => 1 } }), 413,
                  '129 are not');
        is(scalar keys %{image_of($r, $id)->{properties}}, 128, 'rolled back');
    });

    check('locations become those that are given' => sub {
        my $id = new_image($r, { location => 'file:///1' })->{id};
        my $first = image_of($r, $id)->{location_data}[0]{id};
        my $image = put($r, $id, { location_data => [
            { id => $first, url => 'file:///1b', metadata => { a => [ 1 ] },
              status => 'active' },
            { url => 'file:///2', metadata => {}, status => 'active' },
        ] })->json()->{image};

        is($image->{location}, 'file:///1b', 'the first active one');
        is($image->{location_data}[0]{id}, $first, 'a row keeps its id');
        is_deeply($image->{location_data}[0]{metadata}, { a => [ 1 ] },
                  'metadata');

        $image = put($r, $id, { location => 'file:///3' })->json()->{image};

        is(scalar @{$image->{location_data}}, 1, 'location replaces all');
        is($image->{location}, 'file:///3', 'location');
        is_deeply([ $db->query("SELECT value, status, deleted
                                FROM image_locations WHERE image_id = '$id'
                                ORDER BY id") ],
                  [ [ 'file:///1b', 'deleted', 1 ],
                    [ 'file:///2', 'deleted', 1 ],
                    [ 'file:///3', 'active', 0 ] ], 'rows');

        my $old = $first;
        status_is(put($r, $id, { location_data => [
            { id => $old, url => 'file:///x' } ] }), 400,
            'a row that is gone');
        is(image_of($r, $id)->{location}, 'file:///3', 'rolled back');

        $image = put($r, $id, { location => undef, location_data => [] })
                 ->json()->{image};
        is_deeply($image->{location_data}, [], 'none');
        is($image->{location}, undef, 'none');
    });

    check('DELETE takes the children along and keeps the status' => sub {
        my $image = new_image($r, { status => 'active', size => 3,
                                    location => 'file:///d/x',
                                    properties => { a => '1' } });
        my $id = $image->{id};

        status_is($r->request('PUT', "/images/$id/members/m1"), 204,
                  'member');
        $db->query("INSERT INTO image_tags (image_id, value, created_at,
                    deleted) VALUES ('$id', 't', '2011-01-01 00:00:00', 0)");

        my $a = $r->request('DELETE', "/images/$id");
        my $gone = $a->json()->{image};

        status_is($a, 200);
        ok($gone->{deleted}, 'deleted');
        like($gone->{deleted_at}, $time, 'deleted_at');
        is($gone->{status}, 'active', 'status');
        is($gone->{size}, 3, 'size');
        is_deeply($gone->{properties}, {}, 'no properties');
        is_deeply($gone->{location_data}, [], 'no locations');

        for my $table (qw/ properties members tags locations /) {
            my @rows = $db->query("SELECT c.deleted,
                c.deleted_at = i.deleted_at FROM image_$table c
                JOIN images i ON i.id = c.image_id WHERE i.id = '$id'");

            is_deeply(\@rows, [ [ 1, 1 ] ], $table);
        }

        ok(image_of($r, $id)->{deleted}, 'administrators see it');
        status_is($r->request('DELETE', "/images/$id"), 404, 'only once');
        status_is(put($r, $id, { name => 'x' }), 404, 'no change');
    });

    check('a scrubber marks pending images' => sub {
        my $id = new_image($r, { status => 'active',
                                 location => 'file:///p' })->{id};

        put($r, $id, { status => 'pending_delete' });
        status_is($r->request('DELETE', "/images/$id"), 200, 'deleted');
        is(($db->query("SELECT status FROM image_locations
                        WHERE image_id = '$id'"))[0][0], 'pending_delete',
           'the location waits');
        is(($db->query("SELECT COUNT(*) FROM ngx_glance_removals
                        WHERE image_id = '$id'"))[0][0], 0,
           'nobody else removes it');
        status_is(put($r, $id, { status => 'active' }), 404, 'no way back');
        is(put($r, $id, { status => 'deleted' })->json()->{image}{status},
           'deleted', 'scrubbed');
    });

    check('paths and methods' => sub {
        my %allow = (
            '/images' => 'GET, POST', '/images/detail' => 'GET',
            '/images/1' => 'GET, PUT, DELETE', '/v1/images/' => 'GET, POST',
            '/images/1/members' => 'GET, PUT',
            '/images/1/members/a' => 'PUT, DELETE',
            '/shared-images/a' => 'GET', '/healthcheck' => 'GET',
        );

        for my $path (sort keys %allow) {
            for my $method (qw/ PATCH HEAD /) {
                my $a = $r->request($method, $path);

                status_is($a, 405, "$method $path");
                has_header($a, 'Allow', $allow{$path});
            }
        }

        for my $path ('/image', '/images/1/x', '/v2/pictures',
                      '/images/1/members/a/b', '/shared-images',
                      '/images/detail/x', '/a/b/c/d/e/f/g/h')
        {
            status_is($r->request('GET', $path), 404, $path);
        }

        status_is($r->request('GET', '/images/%zz'), 400, 'escape');
        status_is($r->request('GET', '/images/%00'), 400, 'NUL');
        status_is($r->request('GET', '/images/%ff'), 404, 'no UTF-8');
        status_is($r->request('GET', '/images/' . 'x' x 37), 404, 'long id');
        status_is($r->request('GET', '/images/a%2fb'), 404, 'a slash in it');
        status_is($r->request('GET', "/images/%27%20OR%201%3D1--"), 404,
                  'not SQL');
    });

    check('a request id comes back, a connection stays' => sub {
        my $http = Glance::HTTP->new(port => $r->{port});

        for my $n (1 .. 3) {
            my $a = $http->request('GET', '/images/nope', headers => [
                'X-Openstack-Request-ID' => "req-$n" ]);

            status_is($a, 404, "request $n");
            has_header($a, 'x-openstack-request-id', "req-$n");
            has_header($a, 'Content-Type', 'text/plain; charset=UTF-8');
        }
    });

    check('four hundred requests at once' => sub {
        my $id = new_image($r, { properties => { a => 'b' } })->{id};
        my @jobs = map { in_background(sub {
            my $http = Glance::HTTP->new(port => $r->{port});

            return scalar grep {
                my $n = $_;
                my $a = $n % 4
                    ? $http->request('GET', "/images/$id")
                    : $http->request('PUT', "/images/$id",
                          body => "{\"image\": {\"name\": \"n$n\"}}");
                $a->{status} == 200
            } 1 .. 50;
        }) } 1 .. 8;

        is_deeply([ map { $_->() } @jobs ], [ (50) x 8 ], 'all answered');
    });
});


done_testing();
