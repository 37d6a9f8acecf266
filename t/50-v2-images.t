#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: images are created, shown and deleted (specs/v2/02, 03), and what
# is refused; from the registry that makes these answers.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-
              [0-9a-f]{12}/x;
my $given = 'C5B91965-7a04-4987-b30d-68def2db12a2';

my @p1 = tenant('p1', 'member,reader');
my @p2 = tenant('p2', 'member,reader');
my @admin = tenant('p0', 'admin,member,reader');

my ($true, $false) = (JSON::PP::true, JSON::PP::false);


sub post {
    my ($r, $fields, @who) = @_;

    return $r->request('POST', '/v2/images', @who ? @who : @p1,
                       ref $fields ? (json => $fields) : (body => $fields));
}


sub create {
    my ($r, $fields, @who) = @_;

    my $a = post($r, $fields, @who);

    die "not created: $a->{body}\n" if $a->{status} != 201;

    return $a->json();
}


sub get {
    my ($r, $id, @who) = @_;

    return $r->request('GET', "/v2/images/$id", @who ? @who : @p1);
}


sub with {
    my ($headers, @more) = @_;

    return headers => [ @{$headers}, @more ];
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};
    my $count = sub {
        return ($db->query('SELECT COUNT(*) FROM images'))[0][0];
    };

    check('an image has every attribute' => sub {
        my $a = post($r, {});

        status_is($a, 201);
        has_header($a, 'Content-Type', 'application/json');
        has_header($a, 'Location',
                   qr!^http://127\.0\.0\.1:\d+/v2/images/$uuid$!);
        has_header($a, 'OpenStack-image-import-methods', '',
                   'no import, no methods');

        my $image = $a->json();
        my $id = $image->{id};

        like($id, qr/^$uuid$/, 'an id is made');
        like($image->{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
             'the time');
        is_deeply($image, {
            name => undef, disk_format => undef, container_format => undef,
            visibility => 'shared', size => undef, virtual_size => undef,
            status => 'queued', checksum => undef, protected => $false,
            min_ram => 0, min_disk => 0, owner => 'p1', os_hidden => $false,
            os_hash_algo => undef, os_hash_value => undef, id => $id,
            created_at => $image->{created_at},
            updated_at => $image->{created_at}, tags => [],
            self => "/v2/images/$id", file => "/v2/images/$id/file",
            schema => '/v2/schemas/image',
        }, 'all the others');

        like($a->{body}, qr/^\{"name": null, "disk_format": null, .+"\}$/,
             'as Python would write it');

        my $shown = get($r, $id);

        status_is($shown, 200);
        is($shown->{body}, $a->{body}, 'GET says the same');
    });

    check('all that can be given' => sub {
        my $image = create($r, {
            id => $given, name => "\x{e9}t\x{e9} \x{4e16}",
            visibility => 'private', protected => $true, os_hidden => $true,
            owner => 'p1', disk_format => 'qcow2', container_format => 'bare',
            min_disk => 2147483647, min_ram => 512,
            tags => [ 'b', 'a', 'b', 'B' ],
            os_hash_algo => 'sha512', os_hash_value => 'ff',
            hw_disk_bus => 'scsi', 'owner_specified.openstack.md5' => '',
            'a/b:c d' => "two\nlines", description => "\x{4e16}",
            kernel_id => undef, is_public => 'True',
        });

        is($image->{id}, $given, 'an id in upper case stays as it is');
        is($image->{name}, "\x{e9}t\x{e9} \x{4e16}", 'name');
        is_deeply([ @$image{qw/ visibility protected os_hidden owner
                                disk_format container_format min_disk
                                min_ram /} ],
                  [ 'private', $true, $true, 'p1', 'qcow2', 'bare',
                    2147483647, 512 ], 'attributes');
        is_deeply([ sort @{$image->{tags}} ], [ 'B', 'a', 'b' ],
                  'tags are a set');
        is_deeply([ @$image{qw/ os_hash_algo os_hash_value /} ],
                  [ undef, undef ], 'hashes are not taken');
        is_deeply([ @$image{'hw_disk_bus', 'owner_specified.openstack.md5',
                            'a/b:c d', 'description', 'kernel_id',
                            'is_public'} ],
                  [ 'scsi', '', "two\nlines", "\x{4e16}", '', 'True' ],
                  'properties');
        is_deeply(get($r, $given)->json(), $image, 'GET says the same');

        my $again = post($r, { id => $given });

        status_is($again, 409, 'the id is taken');
        like($again->{body}, qr/Image ID $given already exists!/, 'so it is');
    });

    check('values that are taken' => sub {
        my @good = (
            [ { min_disk => JSON::PP->new->allow_nonref->decode('1.0') },
              'min_disk', 1 ],
            [ { name => 'x' x 255 }, 'name', 'x' x 255 ],
            [ { name => "\x{4e16}" x 255 }, 'name', "\x{4e16}" x 255 ],
            [ { name => '' }, 'name', '' ],
            [ { k => 'v' x 65535 }, 'k', 'v' x 65535 ],
            [ { 'k' x 255 => 'v' }, 'k' x 255, 'v' ],
            [ { tags => [ 't' x 255 ] }, 'tags', [ 't' x 255 ] ],
            [ { ramdisk_id => $given }, 'ramdisk_id', $given ],
            [ { cinder_encryption_key_deletion_policy => 'do_not_delete' },
              'cinder_encryption_key_deletion_policy', 'do_not_delete' ],
        );

        for my $case (@good) {
            my ($fields, $name, $value) = @$case;

            is_deeply(create($r, $fields)->{$name}, $value,
                      substr($name, 0, 40));
        }

        is(create($r, '{"name": "a", "name": "b"}')->{name}, 'b',
           'the last of two members counts');
        is(create($r, '{"min_ram": 1.0}')->{min_ram}, 1, '1.0 is an integer');
        is_deeply(create($r, { tags => [ map { "t$_" } 1 .. 128, 1 .. 128 ] })
                  ->{tags}, [ map { "t$_" } 1 .. 128 ], '128 tags');
        status_is(post($r, { map { ("p$_" => '') } 1 .. 128 }), 201,
                  '128 properties');
        status_is($r->request('POST', '/v2/images',
            with($p1[1], 'Content-Type' => 'text/plain'), body => '{}'), 201,
            'the type of the body does not matter');
    });

    check('what does not match the schema' => sub {
        my %bad = (
            name => [ 5, [], 'x' x 256, "\x{1f600}", "a\x{1}" ],
            id => [ 'x', '', undef, '7', 5 ],
            visibility => [ 'mine', undef, 'PUBLIC', 1 ],
            protected => [ 'true', 1, undef ],
            os_hidden => [ 'false', 0 ],
            owner => [ 5, 'x' x 256, "\x{1f600}" ],
            disk_format => [ 'RAW', 'foo', '', 5 ],
            container_format => [ 'raw', 5 ],
            min_disk => [ '5', undef, 1.5, -1, 2147483648, 1e300 ],
            min_ram => [ '5', $true, -2, 2147483648 ],
            tags => [ 'x', undef, {}, [ 5 ], [ undef ], [ 'x' x 256 ],
                      [ "\x{1f600}" ] ],
            status => [ 'foo', 5 ],
            size => [ 'x', 1.5 ],
            checksum => [ 'x' x 33 ],
            os_hash_algo => [ 5, 'x' x 65 ],
            os_hash_value => [ 'x' x 129 ],
            created_at => [ 5 ],
            locations => [ 'x' ],
            location => [ 5 ],
            deleted => [ $true ],
            kernel_id => [ 'x' ],
            cinder_encryption_key_deletion_policy => [ 'never' ],
            colour => [ 5, $true, undef, [], {}, 'v' x 65536, "\x{1f600}",
                        "\n\x{1f600}" ],
        );

        my $before = $count->();

        for my $name (sort keys %bad) {
            for my $value (@{$bad{$name}}) {
                my $a = post($r, { $name => $value });
                my $title = substr(JSON::PP->new->ascii->allow_nonref
                                   ->encode($value), 0, 30);

                status_is($a, 400, "$name: $title");
                like(lc $a->{body}, qr/$name|property names/,
                     "$name: $title: named");
            }
        }

        for my $key ('k' x 256, "\x{1f600}", '', "a\nb") {
            my $a = post($r, { $key => 'x' });

            status_is($a, 400, 'a bad name of a property');
            like($a->{body}, qr/property|Property/, 'said so');
        }

        is($count->(), $before, 'nothing was stored');
    });

    check('the words that clients know' => sub {
        my %words = (
            'Invalid value \'-1\' for parameter \'min_ram\': Cannot be a '
            . 'negative value' => { min_ram => -1 },
            '\'min_disk\' value out of range, must not exceed 2147483647.'
                => { min_disk => 2147483648 },
            'Name can\'t contain 4 byte unicode characters.'
                => { name => "\x{1f600}" },
            'Property names can\'t contain 4 byte unicode.'
                => { "\x{1f600}" => '' },
            'Custom property should not be greater than 255 characters.'
                => { 'x' x 256 => '' },
            'Provided object does not match schema \'image\': '
                => { name => 5 },
        );

        like(post($r, $words{$_})->{body}, qr/\Q$_\E/, $_)
            for sort keys %words;
    });

    check('bodies that are no image' => sub {
        my %bad = (
            '' => qr/Body expected in request\./,
            "  \n" => qr/Body expected in request\./,
            'null' => qr/Body expected in request\./,
            '{' => qr/Malformed JSON in request body\./,
            '{"name": "x"} x' => qr/Malformed JSON/,
            "{'name': 'x'}" => qr/Malformed JSON/,
            '{"name": NaN}' => qr/Malformed JSON/,
            '{"min_ram": 99999999999999999999}' => qr/Malformed JSON/,
            '{"name": "\ud800"}' => qr/Malformed JSON/,
            '{"a\u0000b": ""}' => qr/Malformed JSON/,
            '[' x 5000 => qr/Malformed JSON/,
            '5' => qr/Unexpected body type\. Expected list/,
            '"x"' => qr/Unexpected body type/,
            'true' => qr/Unexpected body type/,
            '[]' => qr/Unexpected body type/,
            '[{"name": "x"}]' => qr/Unexpected body type/,
            "{\"name\": \"\xff\"}" => qr/decoded|Malformed/,
            "\xff" => qr/decoded|Malformed/,
        );

        for my $body (sort keys %bad) {
            my $a = post($r, $body);

            status_is($a, 400,
                      'body ' . substr($body, 0, 30) =~ s/[^ -~]/?/gr);
            like($a->{body}, $bad{$body}, 'why');
        }

        status_is(post($r, '{"x": "' . 'y' x 1048577 . '"}'), 413,
                  'a body that is too long');
        ok($r->ready(), 'it is well');
    });

    check('what is not a client\'s to set' => sub {
        my %no = (
            read_only => {
                status => 'queued', checksum => 'x', size => 5,
                virtual_size => undef, created_at => 'x', updated_at => 'x',
                direct_url => 'x', self => 'x', file => 'x', schema => 'x',
                stores => 'x',
            },
            reserved => {
                locations => [], location => 'x', deleted => 'x',
                deleted_at => 'x', os_glance_x => 'x', os_glancefoo => 'x',
                OS_GLANCE_x => 'x', os_glance_import_task => 'x',
            },
        );
        my %word = (read_only => 'read-only', reserved => 'reserved');

        for my $kind (sort keys %no) {
            for my $name (sort keys %{$no{$kind}}) {
                my $a = post($r, { $name => $no{$kind}{$name} });

                status_is($a, 403, $name);
                like($a->{body}, qr/Attribute '$name' is $word{$kind}\./,
                     "$name: $kind");
            }
        }

        status_is(post($r, { status => 'queued', name => 5 }), 400,
                  'what is malformed is told first');
        status_is(post($r, { owner => 'p2' }), 403, 'another owner');
        like(post($r, { owner => 'p2' })->{body},
             qr/not permitted to create images owned by 'p2'/, 'said so');
        status_is(post($r, { owner => undef }), 403, 'no owner');
        is(create($r, { owner => 'p2' }, @admin)->{owner}, 'p2',
           'an administrator may');
        is(create($r, { owner => undef }, @admin)->{owner}, undef,
           'also without one');
        is(create($r, { owner => '' }, @admin)->{owner}, undef,
           'an empty owner is none');
        status_is(post($r, { visibility => 'public' }), 403, 'public');
        like(post($r, { visibility => 'public' })->{body},
             qr/not authorized to complete publicize_image action/, 'rule');
        is(create($r, { visibility => 'community' })->{visibility},
           'community', 'community is for everybody');
    });

    check('quotas' => sub {
        my $before = $count->();

        my $a = post($r, { tags => [ map { "t$_" } 1 .. 129 ] });

        status_is($a, 413, 'tags');
        like($a->{body}, qr/allowed image tags\. Attempted: 129, Maximum: 128/,
             'tags: why');

        $a = post($r, { map { ("p$_" => '') } 1 .. 130 });
        status_is($a, 413, 'properties');
        like($a->{body}, qr/image properties\. Attempted: 130, Maximum: 128/,
             'properties: why');
        is($count->(), $before, 'nothing was stored');
    });

    check('names that differ only in their case' => sub {
        my $a = post($r, { Foo => '1', foo => '2' });

        if ($kind eq 'sqlite') {
            status_is($a, 201);
            is_deeply([ @{$a->json()}{qw/ Foo foo /} ], [ '1', '2' ],
                      'both are there');

        } else {
            status_is($a, 400);
            like($a->{body}, qr/case/, 'the database cannot hold both');
        }
    });

    check('images that are not there' => sub {
        for my $path ('/v2/images/nope', "/v2/images/$given" . 'x',
                      '/v2/images/' . 'x' x 300, '/v2/images/a%27b')
        {
            my $a = $r->request('GET', $path, @p1);

            status_is($a, 404, substr($path, 0, 40));
            like($a->{body}, qr/No image found with ID /, 'no image');
        }

        like($r->request('DELETE', '/v2/images/nope', @p1)->{body},
             qr/Failed to find image nope to delete/, 'DELETE says');

        for my $path ('/v2', '/v2/', '/v2/images/', "/v2/images/$given/",
                      '/v2//images', '/v2/images/a%2fb', '/v2/foo',
                      '/v2/images/x/y/z/a/b/c/d')
        {
            my $a = $r->request('GET', $path, @p1);

            status_is($a, 404, $path);
            like($a->{body}, qr/The resource could not be found\./, $path);
        }

        status_is($r->request('GET', '/v2/images/%ff', @p1), 400, 'no UTF-8');
        status_is($r->request('GET', '/v2/images/%zz', @p1), 400, 'escape');
    });

    check('methods' => sub {
        my $a = $r->request('PUT', '/v2/images', @p1, body => '{}');

        status_is($a, 405);
        has_header($a, 'Allow', 'GET, POST');
        like($a->{body}, qr/The method PUT is not allowed for this resource/,
             'text');

        $a = $r->request('HEAD', "/v2/images/$given", @p1);
        status_is($a, 405, 'HEAD');
        has_header($a, 'Allow', qr/^GET, (?:PATCH, )?DELETE$/);

        for my $method (qw/ GET DELETE /) {
            $a = $r->request($method, "/v2/images/$given", @p1,
                             body => '{}');
            status_is($a, 400, "$method with a body");
            like($a->{body}, qr/A body is not expected with this request/,
                 "$method: why");
        }
    });

    check('faults in the form that is asked for' => sub {
        my %accept = (
            '*/*' => 'text/html; charset=UTF-8',
            'text/html, application/json' => 'text/html; charset=UTF-8',
            'application/json' => 'application/json',
            'image/png' => 'text/plain; charset=UTF-8',
        );

        for my $accept (sort keys %accept) {
            my $a = $r->request('GET', '/v2/images/%3Cb%3E',
                                with($p1[1], Accept => $accept));

            status_is($a, 404);
            has_header($a, 'Content-Type', $accept{$accept}, $accept);
            unlike($a->{body}, qr/<b>/, 'escaped') if $accept ne 'image/png';
        }

        is_deeply($r->request('GET', '/v2/images/nope',
                  with($p1[1], Accept => 'application/json'))->json(),
                  { code => '404 Not Found', title => 'Not Found',
                    message => 'No image found with ID nope<br /><br />'
                               . "\n\n\n" }, 'JSON');

        my $long = $r->request('GET', '/v2/images/' . '%e4%b8%96' x 100,
                               with($p1[1], Accept => 'application/json'));

        like($long->json()->{message}, qr/ID \x{4e16}{10,22}<br/,
             'a long id is cut between two characters');
    });

    check('where an image is, for clients of an API server' => sub {
        my $a = $r->request('POST', '/v2/images', with($p1[1],
            'X-Glance-Endpoint' => 'https://glance:443/image'), json => {});

        has_header($a, 'Location',
                   qr!^https://glance:443/image/v2/images/$uuid$!);
    });

    check('deleted images' => sub {
        my $image = create($r, { tags => [ 'x' ], p => 'v' });
        my $id = $image->{id};

        $db->query("INSERT INTO image_locations (image_id, value, meta_data,
                    status, created_at, deleted) VALUES ('$id',
                    'file:///nowhere/$id', '{}', 'active',
                    '2024-01-01 00:00:00', 0)");

        my $a = $r->request('DELETE', "/v2/images/$id", @p1);

        status_is($a, 204);
        is($a->{body}, '', 'no body');
        status_is(get($r, $id), 404, 'it is gone');
        status_is(get($r, $id, @admin), 404, 'also for an administrator');
        status_is($r->request('DELETE', "/v2/images/$id", @p1), 404,
                  'it is deleted once');
        status_is(post($r, { id => $id }), 409, 'its id is used for ever');

        is_deeply([ $db->query("SELECT status, deleted FROM images
                                WHERE id = '$id'") ], [ [ 'deleted', 1 ] ],
                  'the row stays');

        for my $table (qw/ image_tags image_properties image_locations /) {
            is(($db->query("SELECT COUNT(*) FROM $table
                            WHERE image_id = '$id' AND deleted = 0"))[0][0],
               0, $table);
        }

        is_deeply([ $db->query("SELECT url FROM ngx_glance_removals
                                WHERE image_id = '$id'") ],
                  [ [ "file:///nowhere/$id" ] ], 'its data are queued');
        is_deeply([ map { $_->{url} } @{$r->request('GET', '/removals')
                    ->json()->{removals}} ], [ "file:///nowhere/$id" ],
                  'and due at once');
    });

    check('protected images' => sub {
        my $id = create($r, { protected => $true })->{id};
        my $a = $r->request('DELETE', "/v2/images/$id", @p1);

        status_is($a, 403);
        like($a->{body}, qr/Image $id is protected and cannot be deleted\./,
             'why');
        status_is($r->request('DELETE', "/v2/images/$id", @admin), 403,
                  'for everybody');
        status_is(get($r, $id), 200, 'it is there');
    });

    check('an image is deleted whatever its status' => sub {
        for my $status (qw/ saving uploading importing active deactivated
                            killed pending_delete /)
        {
            my $id = create($r, {})->{id};

            $db->query("UPDATE images SET status = '$status'
                        WHERE id = '$id'");
            status_is($r->request('DELETE', "/v2/images/$id", @p1), 204,
                      $status);
        }
    });

    check('one of many creates an id' => sub {
        my $id = '11111111-2222-4333-8444-555555555555';
        my @jobs = map { in_background(sub {
            return post($r, { id => $id, tags => [ "$$" ] })->{status};
        }) } 1 .. 6;

        is(join(' ', sort map { $_->() } @jobs), '201 409 409 409 409 409',
           'one');
        is(scalar @{get($r, $id)->json()->{tags}}, 1, 'with its tags');
    });

    check('what v1 and others left' => sub {
        my $id = new_image($r, { owner => 'p1', properties => {
            name => 'x', status => 'y', tags => 'z', empty => undef,
            ok => '1' } })->{id};

        for my $name (qw/ os_glance_stage_host os_glance_hash_op_host
                          os_glance_import_task /)
        {
            $db->query("INSERT INTO image_properties (image_id, name, value,
                        created_at, deleted) VALUES ('$id', '$name', 'h',
                        '2024-01-01 00:00:00', 0)");
        }

        my $a = get($r, $id, @admin);

        is(scalar(() = $a->{body} =~ /"(?:name|status|tags)":/g), 3,
           'attributes win over properties of their names');
        is_deeply([ @{$a->json()}{qw/ empty ok os_glance_import_task
                                      os_glance_stage_host
                                      os_glance_hash_op_host /} ],
                  [ '', '1', 'h', undef, undef ], 'properties');
        is(get($r, new_image($r, { id => '7', visibility => 'public' })->{id})
           ->json()->{self}, '/v2/images/7', 'ids of old');
    });
});


# places of the data: options, and who is told

for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};
    my $id = create($r, { visibility => 'community' })->{id};

    $db->query("INSERT INTO image_locations (image_id, value, meta_data,
                status, created_at, deleted) VALUES ('$id', 'rbd://a/$_',
                '{\"store\": \"s$_\"}', 'active', '2024-01-01 00:00:00', 0)")
        for 1 .. 2;

    check('direct_url and locations' => sub {
        my $image = get($r, $id)->json();

        is($image->{direct_url}, 'rbd://a/1', 'the first place');
        is_deeply($image->{locations}, [
            { url => 'rbd://a/1', metadata => { store => 's1' } },
            { url => 'rbd://a/2', metadata => { store => 's2' } },
        ], 'all places');

        $image = get($r, $id, @p2)->json();
        is_deeply([ @$image{qw/ direct_url locations /} ], [ undef, [] ],
                  'strangers are not told');

        $db->query("UPDATE images SET status = 'deactivated'");
        $image = get($r, $id)->json();
        ok(!exists $image->{locations} && !exists $image->{direct_url},
           'nor is the owner while the image is deactivated');
        is(get($r, $id, @admin)->json()->{direct_url}, 'rbd://a/1',
           'an administrator is');
        $db->query("UPDATE images SET status = 'active'");

        is_deeply(create($r, {})->{locations}, [], 'none are an empty list');
    });

    check('delayed deletion' => sub {
        status_is($r->request('DELETE', "/v2/images/$id", @p1), 204);
        is_deeply([ $db->query("SELECT status, deleted FROM images
                                WHERE id = '$id'") ],
                  [ [ 'pending_delete', 1 ] ], 'the data wait');
        is(($db->query('SELECT COUNT(*) FROM ngx_glance_removals'))[0][0], 0,
           'for a scrubber');
        status_is(get($r, $id), 404, 'the image is gone');

        my $empty = create($r, {})->{id};

        $r->request('DELETE', "/v2/images/$empty", @p1);
        is(($db->query("SELECT status FROM images
                        WHERE id = '$empty'"))[0][0], 'deleted',
           'without data there is nothing to wait for');
    });

    check('formats of the configuration' => sub {
        is(create($r, { disk_format => 'luks' })->{disk_format}, 'luks',
           'one of ours');
        status_is(post($r, { disk_format => 'qcow2' }), 400,
                  'one that is not');
        status_is(post($r, { disk_format => 'raw,luks' }), 400, 'no list');
    });
}, show_image_direct_url => 'True', show_multiple_locations => 'True',
   delayed_delete => 'True', 'image_format/disk_formats' => 'raw, luks');


done_testing();
