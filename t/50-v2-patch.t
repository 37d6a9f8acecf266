#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: PATCH of images (specs: v2/03 3.4, v2/02).  What can be decided
# without an image has its cases in the unit tests.

use warnings;
use strict;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::Test;
use Glance::V2;

my ($true, $false, $null) = (JSON::PP::true, JSON::PP::false, undef);
my $smile = "\x{1f600}";


# a patch that must not change anything

sub refuses {
    my ($v2, $status, $words, $who, $id, @ops) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $v2->rows($id);

    fault_is($v2->patch($who, $id, @ops), $status, $words);
    is($v2->rows($id), $before, 'nothing is changed');
}


sub old {
    my ($v2, $id) = @_;

    $v2->{db}->query("UPDATE images SET updated_at = '2020-01-01 00:00:00'
                      WHERE id = '$id'");
}


for_each_v2(sub {
    my ($v2, $kind) = @_;

    check('attributes, properties and tags in one document' => sub {
        my $image = $v2->create('p1', { name => 'first', gone => 'x',
                                        stays => 'y', tags => [ 'a' ] });
        my $id = $image->{id};

        old($v2, $id);

        my $r = $v2->patch('p1', $id,
            replace(name => 'zweites Ö', min_disk => 3, os_hidden => $true),
            add(min_ram => 512, protected => $true, new => '',
                'a~1b~0c' => 'ä', stays => 'z', description => "two\nlines"),
            remove('gone'),
            replace(tags => [ 'b', 'c', 'b' ], disk_format => 'qcow2',
                    container_format => 'bare', visibility => 'private'));

        status_is($r, 200);
        has_header($r, 'Content-Type', 'application/json');

        my $now = $r->json();

        is_deeply($v2->show('p1', $id), $now, 'the answer is the image');

        my %want = (%$image, name => 'zweites Ö', min_disk => 3,
            os_hidden => $true, min_ram => 512, protected => $true,
            new => '', 'a/b~c' => 'ä', stays => 'z', tags => [ 'b', 'c' ],
            disk_format => 'qcow2', container_format => 'bare',
            visibility => 'private', description => "two\nlines");

        delete $want{gone};
        isnt(delete $now->{updated_at}, '2020-01-01T00:00:00Z',
             'updated_at advances');
        delete $want{updated_at};
        is_deeply($now, \%want, 'as wanted');

        fault_is($v2->ask('p1', 'DELETE', "/images/$id"), 403, 'protected');
        status_is($v2->patch('p1', $id, replace(protected => $false)), 200);

        # a property that died lives again
        status_is($v2->patch('p1', $id, add(gone => 'again')), 200);
        is($v2->show('p1', $id)->{gone}, 'again', 'revived');

        status_is($v2->patch('p1', $id, replace(name => $null, tags => [],
                                                disk_format => $null,
                                                kernel_id => $null)), 409,
                  'no such property');
        status_is($v2->patch('p1', $id, replace(name => $null, tags => [],
                                                disk_format => $null),
                             add(kernel_id => $null)), 200);

        $now = $v2->show('p1', $id);
        is($now->{name}, $null, 'no name');
        is($now->{disk_format}, $null, 'no format');
        is($now->{kernel_id}, '', 'null is shown as an empty text');
        is_deeply($now->{tags}, [], 'no tags');
    });

    check('tags that stay keep their rows' => sub {
        my $id = $v2->create('p1', { tags => [ 'a', 'b', 'B' ] })->{id};

        # as glanceclient ends every document
        status_is($v2->patch('p1', $id, replace(name => "n$_"),
                             replace(tags => [ 'B', 'c', 'a' ])), 200)
            for 1 .. 3;
        is(join(' ', @{$v2->show('p1', $id)->{tags}}), 'a B c', 'the tags');
        is(join(' ', map { "@$_" } $v2->{db}->query(
               "SELECT value, deleted FROM image_tags WHERE image_id = '$id'
                ORDER BY id")), 'a 0 b 1 B 0 c 0', 'and their rows');
    });

    check('an empty document' => sub {
        my $id = $v2->create('p1')->{id};

        old($v2, $id);

        for my $who ('p1', 'p1/reader', 'root/admin') {
            my $r = $v2->patch($who, $id);

            status_is($r, 200, "$who: allowed to who sees the image");
            is($r->json()->{updated_at}, '2020-01-01T00:00:00Z',
               'nothing is changed');
        }

        status_is($v2->patch('p2', $id), 404, 'others do not see it');
    });

    check('version 2.0 of the document' => sub {
        my $id = $v2->create('p1', { a => '1', b => '2' })->{id};

        my $r = $v2->patch_20('p1', $id, replace(name => 'x', a => '3'),
                              add(c => '4'), remove('b'));

        status_is($r, 200);
        is_deeply([ @{$r->json()}{qw/ name a b c /} ], [ 'x', '3', undef, 4 ],
                  'as wanted');

        my $before = $v2->rows($id);

        fault_is($v2->patch_20('p1', $id, add(a => '5')), 409,
                 'Property a already present.');
        fault_is($v2->patch_20('p1', $id, add(name => 'y')), 409,
                 'Property name already present.');
        fault_is($v2->patch_20('p1', $id, remove('name')), 403,
                 'Property name may not be removed.');
        fault_is($v2->ask('p1', 'PATCH', "/images/$id",
                          headers => [ 'Content-Type' => $v20 ],
                          json => [ { op => 'add', path => '/x',
                                      value => 'y' } ]), 400,
                 'must contain exactly one member');
        is($v2->rows($id), $before, 'nothing is changed');
    });

    check('media types' => sub {
        my $id = $v2->create('p1')->{id};

        for my $type (undef, 'application/json', 'text/plain',
                      'application/json-patch+json',
                      'application/openstack-images-v2.2-json-patch')
        {
            my $r = $v2->ask('p1', 'PATCH', "/images/$id",
                json => [ replace(name => 'x') ],
                headers => [ defined $type ? ('Content-Type' => $type)
                                           : () ]);

            fault_is($r, 415, 'media type ' . ($type // ''));
            has_header($r, 'Accept-Patch', "$v20, $v21");
        }

        my $r = $v2->ask('p1', 'PATCH', "/images/$id",
            json => [ replace(name => 'y') ],
            headers => [ 'Content-Type' => "$v21; charset=utf-8" ]);

        status_is($r, 200, 'parameters do not matter');
        is($v2->show('p1', $id)->{name}, 'y', 'one of them counted');
    });

    check('bodies' => sub {
        my $id = $v2->create('p1', { name => 'n' })->{id};
        my $before = $v2->rows($id);

        for my $case (
            [ '', 'Body expected in request.' ],
            [ 'null', 'Body expected in request.' ],
            [ '[{"op": ', 'Malformed JSON in request body.' ],
            [ '"x"', 'Unexpected body type. Expected list/dict.' ],
            [ '{}', 'Request body must be a JSON array' ],
            [ '[7]', 'Operations must be JSON objects.' ],
            [ "[\"\xff\"]", 'decoded' ])
        {
            fault_is($v2->ask('p1', 'PATCH', "/images/$id",
                              body => $case->[0],
                              headers => [ 'Content-Type' => $v21 ]),
                     400, $case->[1]);
        }

        # of two members with one name the last one counts
        status_is($v2->ask('p1', 'PATCH', "/images/$id",
            headers => [ 'Content-Type' => $v21 ],
            body => '[{"op": "remove", "path": "/name", "op": "replace",'
                    . ' "value": "o"}]'), 200);
        is($v2->show('p1', $id)->{name}, 'o', 'the last member counts');
        isnt($v2->rows($id), $before, 'that one changed the image');
    });

    check('what is refused leaves nothing behind' => sub {
        my $id = $v2->create('p1', { name => 'n', a => '1',
                                     tags => [ 't' ] })->{id};

        # the last operation decides over those before
        my @good = (replace(name => 'x', tags => [ 'u' ]), add(b => '2'),
                    remove('a'));

        refuses($v2, @$_) for (
            [ 403, "Attribute 'status' is read-only.", 'p1', $id, @good,
              replace(status => 'active') ],
            [ 403, "Attribute 'id' is read-only.", 'p1', $id, @good,
              replace(id => $id) ],
            [ 403, "Attribute 'size' is read-only.", 'root/admin', $id,
              @good, add(size => 1) ],
            [ 403, "Attribute 'checksum' is read-only.", 'p1', $id, @good,
              remove('checksum') ],
            [ 403, "Attribute 'deleted' is reserved.", 'p1', $id, @good,
              add(deleted => 'x') ],
            [ 403, 'is reserved.', 'root/admin', $id, @good,
              add(os_glance_import_task => 'x') ],
            [ 403, 'Property name may not be removed.', 'p1', $id, @good,
              remove('name') ],
            [ 409, 'Property nope does not exist.', 'p1', $id, @good,
              replace(nope => 'x') ],
            [ 409, 'Property nope does not exist.', 'p1', $id, @good,
              remove('nope') ],
            [ 409, 'Property stores does not exist.', 'p1', $id, @good,
              remove('stores') ],
            [ 400, 'c must be a string', 'p1', $id, @good, add(c => 1) ],
            [ 400, 'protected must be true or false', 'p1', $id, @good,
              replace(protected => 'true') ],
            [ 400, "Cannot be a negative value", 'p1', $id, @good,
              replace(min_ram => -1) ],
            [ 400, 'must not exceed 2147483647', 'p1', $id, @good,
              replace(min_disk => 2147483648) ],
            [ 400, "can't contain 4 byte unicode", 'p1', $id, @good,
              replace(name => $smile) ],
            [ 400, "can't contain 4 byte unicode", 'p1', $id, @good,
              add("x$smile" => '') ],
            [ 400, "can't contain 4 byte unicode", 'p1', $id, @good,
              add(x => "\n$smile") ],
            [ 400, '255 characters', 'p1', $id, @good,
              add('ö' x 256 => '') ],
            [ 400, 'longer than 65535 bytes', 'p1', $id, @good,
              add(x => 'v' x 65536) ],
            [ 400, 'longer than 255 characters', 'p1', $id, @good,
              replace(name => 'n' x 256) ],
            [ 400, 'for disk_format', 'p1', $id, @good,
              replace(disk_format => 'RAW') ],
            [ 400, 'for visibility', 'p1', $id, @good,
              replace(visibility => 'secret') ],
            [ 400, 'kernel_id must be a UUID', 'p1', $id, @good,
              add(kernel_id => 'x') ],
            [ 400, 'Invalid JSON pointer', 'p1', $id, @good,
              add('/tags/-' => 'x') ],
            [ 400, 'does not start with "/"', 'p1', $id, @good,
              { op => 'add', path => 'x', value => 'y' } ],
        );

        status_is($v2->patch('p1', $id, @good,
                             add('ö' x 255 => 'v' x 65535),
                             replace(name => 'ö' x 255)), 200,
                  'the longest ones');

        my $now = $v2->show('p1', $id);

        is(length $now->{'ö' x 255}, 65535, 'its value');
        is($now->{name}, 'ö' x 255, 'and the name');
    });

    check('names that differ in upper and lower case' => sub {
        my $id = $v2->create('p1', { foo => '1' })->{id};

        if ($kind eq 'mysql') {
            refuses($v2, 400, 'the same to the database', 'p1', $id,
                    add(Foo => '2'));
            refuses($v2, 400, 'the same to the database', 'p1', $id,
                    add(Bar => '2', bar => '3'));

        } else {
            status_is($v2->patch('p1', $id, add(Foo => '2')), 200);
            is_deeply([ @{$v2->show('p1', $id)}{qw/ foo Foo /} ], [ 1, 2 ],
                      'both');
            status_is($v2->patch('p1', $id, remove('Foo')), 200);
        }

        status_is($v2->patch('p1', $id, remove('foo'), add(Foo => '3')), 200,
                  'one comes for the other');

        my $now = $v2->show('p1', $id);

        is($now->{Foo}, '3', 'in its own spelling');
        ok(!exists $now->{foo}, 'the old one is gone');
        fault_is($v2->patch('p1', $id, replace(foo => '4')), 409,
                 'Property foo does not exist.');
    });

    check('who may change an image' => sub {
        my @ops = replace(name => 'x');

        for my $visibility (qw/ private shared community public /) {
            my $id = $v2->create('root/admin', {
                owner => 'p1', visibility => $visibility })->{id};
            my $open = $visibility =~ /^[cp]/ && $visibility ne 'private';

            my %status = (
                'p1' => 200, 'p1/member,reader,manager' => 200,
                'root/admin' => 200, 'p1/reader' => 403,
                'p1/service' => 404, 'p1/other' => 404,
                'p2' => $open ? 403 : 404,
                'p2/reader' => $open ? 403 : 404,
                'p2/service' => 404,
                'p2/service,member,reader' => $open ? 403 : 404,
            );

            is($v2->patch($_, $id, @ops)->{status}, $status{$_},
               "$visibility: $_") for sort keys %status;
        }

        for my $path ('71c675ab-d94f-49cd-a114-e12490b328d9', 'nope', '1') {
            fault_is($v2->patch('root/admin', $path, @ops), 404,
                     "No image found with ID $path");
        }

        # what no id can be
        for my $id ('%F0%9F%98%80', 'a%01', 'i' x 300) {
            for my $case ([ 'PATCH', '', json => [ @ops ], headers => [
                                'Content-Type' => $v21 ] ],
                          [ 'GET', '' ], [ 'GET', '/members' ],
                          [ 'POST', '/members', json => { member => 'm' } ],
                          [ 'PUT', '/members/m',
                            json => { status => 'accepted' } ],
                          [ 'DELETE', '/members/m' ], [ 'PUT', '/tags/t' ],
                          [ 'DELETE', '/tags/t' ], [ 'GET', '/tasks' ],
                          [ 'GET', '/locations' ],
                          [ 'POST', '/locations', json => { url => 'x' } ],
                          [ 'POST', '/actions/deactivate' ])
            {
                my ($method, $path, @o) = @$case;
                my $r = $v2->ask('root/admin', $method, "/images/$id$path",
                                 @o);

                status_is($r, 404, "$method $path of "
                                   . substr($id, 0, 14));
            }
        }

        my $id = $v2->create('p1')->{id};

        status_is($v2->ask('p1', 'DELETE', "/images/$id"), 204);
        fault_is($v2->patch('p1', $id, @ops), 404, 'No image found');

        # an image without an owner is nobody's
        $id = $v2->create('root/admin', { owner => $null })->{id};
        status_is($v2->patch('p1', $id, @ops), 404, "nobody's image");
    });

    check('visibility' => sub {
        my $id = $v2->create('p1')->{id};

        refuses($v2, 403, 'publicize_image', 'p1', $id,
                replace(visibility => 'public'));
        refuses($v2, 403, 'publicize_image', 'p1', $id,
                add(visibility => 'public'));
        status_is($v2->patch('p1', $id, replace(visibility => $_)), 200,
                  "to $_") for qw/ community private shared /;
        status_is($v2->patch('root/admin', $id,
                             replace(visibility => 'public')), 200,
                  'public by an administrator');
        refuses($v2, 403, 'publicize_image', 'p1', $id,
                replace(visibility => 'public'));
        status_is($v2->patch('p1', $id, replace(name => 'x')), 200,
                  'his it still is');
        status_is($v2->patch('p1', $id, replace(visibility => 'private')),
                  200, 'and he may take it back');
        status_is($v2->patch('p1', $id, add(is_public => 'True')), 200,
                  'is_public is a word like others');
        is($v2->show('p1', $id)->{visibility}, 'private', 'and no more');
    });

    check('owner' => sub {
        my $id = $v2->create('p1')->{id};

        refuses($v2, 403, "Owner can't be updated by non admin.", 'p1', $id,
                @$_)
            for [ replace(owner => 'p2') ], [ add(owner => 'p2') ],
                [ replace(owner => 'p1') ], [ remove('owner') ],
                [ replace(name => 'x'), add(owner => 'p2') ];

        my $before = $v2->rows($id);

        fault_is($v2->patch_20('p1', $id, add(owner => 'p2')), 403,
                 "Owner can't be updated by non admin.");
        is($v2->rows($id), $before, 'nothing is changed');

        status_is($v2->patch('root/admin', $id, add(owner => 'p2')), 200);
        is($v2->show('p2', $id)->{owner}, 'p2', 'given away');
        is($v2->show('p1', $id), 404, 'and gone');
        is($v2->patch('root/admin', $id, replace(owner => ''))
           ->json()->{owner}, $null, 'empty is none');
        is($v2->show('p2', $id), 404, "nobody's");
    });

    check('formats change before there are data only' => sub {
        my $id = $v2->create('p1')->{id};

        for my $status (qw/ queued importing /) {
            $v2->status($id, $status);
            status_is($v2->patch('p1', $id, replace(disk_format => 'raw'),
                                 add(container_format => 'bare')), 200,
                      $status);
        }

        for my $status (qw/ saving active deactivated killed uploading /) {
            $v2->status($id, $status);
            refuses($v2, 403, "Attribute $_ can be only replaced for a "
                    . 'queued image.', 'p1', $id, replace($_ => 'iso'))
                for 'disk_format';
            refuses($v2, 403, 'Attribute container_format can be only',
                    'p1', $id, add(container_format => 'bare'));
            status_is($v2->patch('p1', $id, replace(name => $status)), 200,
                      'the name may change');
        }
    });

    check('properties of a Python Glance are left alone' => sub {
        my $id = $v2->create('p1', { a => '1' })->{id};

        $v2->{db}->query("INSERT INTO image_properties (image_id, name, value,
            created_at, deleted) VALUES ('$id', 'os_glance_failed_import',
            'fast', '2026-01-01 00:00:00', 0)");

        my $r = $v2->patch('p1', $id, remove('a'), add(b => '2'));

        status_is($r, 200);
        is($r->json()->{os_glance_failed_import}, 'fast', 'it stays');
        refuses($v2, 403, 'is reserved.', 'p1', $id,
                remove('os_glance_failed_import'));
    });

    check('many at once' => sub {
        my $id = $v2->create('p1')->{id};

        my @r = $v2->at_once(map {
            [ 'p1', 'PATCH', "/images/$id", json => [ add("p$_" => "$_") ],
              headers => [ 'Content-Type' => $v21 ] ]
        } 1 .. 8);

        is(join(' ', map { $_->{status} } @r), join(' ', (200) x 8),
           'all are done');
        is(join(' ', map { $v2->show('p1', $id)->{"p$_"} // '-' } 1 .. 8),
           '1 2 3 4 5 6 7 8', 'and none is lost');
    });
});


# the rights of 2022: any role of the owning project does all

for_each_v2(sub {
    my ($v2) = @_;

    my $id = $v2->create('p1/reader', { visibility => 'shared' })->{id};
    my $active = $v2->active('p1/other')->{id};

    for my $who ('p1', 'p1/reader', 'p1/other', 'root/admin') {
        my $member = $who =~ tr{/}{-}r;

        status_is($v2->patch($who, $id, replace(name => $who)), 200,
                  "$who: changes");
        status_is($v2->ask($who, 'PUT', "/images/$id/tags/t"), 204,
                  "$who: tags");
        status_is($v2->ask($who, 'POST', "/images/$active/actions/$_"), 204,
                  "$who: ${_}s") for qw/ deactivate reactivate /;
        status_is($v2->ask($who, 'POST', "/images/$id/members",
                           json => { member => $member }), 200,
                  "$who: shares");
        status_is($v2->ask($who, 'PUT', "/images/$id/members/$member",
                           json => { status => 'accepted' }),
                  $who =~ /admin/ ? 200 : 403, "$who: answers for others");
        status_is($v2->ask($who, 'DELETE', "/images/$id/members/$member"),
                  204, "$who: and no more");
    }

    $v2->ask('p1', 'POST', "/images/$id/members", json => { member => 'p2' });
    status_is($v2->ask('p2/other', 'PUT', "/images/$id/members/p2",
                       json => { status => 'accepted' }), 200,
              'a member answers');
    fault_is($v2->patch('p2', $id, replace(name => 'x')), 403,
             'You do not own this image');
    fault_is($v2->patch('p3', $id, replace(name => 'x')), 404,
             'No image found');
    fault_is($v2->patch('p1', $id, replace(visibility => 'public')), 403,
             'publicize_image');
    fault_is($v2->patch('p1', $id, replace(owner => 'p2')), 403,
             "Owner can't be updated by non admin.");
    fault_is($v2->ask('p1', 'GET', "/images/$id/locations"), 403,
             'fetch_image_location');
    fault_is($v2->ask('p1', 'GET', '/info/stores/detail'), 403,
             'stores_info_detail');
}, 'oslo_policy/enforce_new_defaults' => 'False');


# without identities everybody is an administrator

with_env('sqlite', sub {
    my ($env) = @_;

    my $r = $env->request('POST', '/v2/images', body => '{"name": "n"}');
    my $image = $r->json();
    my $path = "/v2/images/$image->{id}";

    is($image->{owner}, undef, "nobody's image");
    status_is($env->request('PATCH', $path,
        headers => [ 'Content-Type' => $v21 ],
        body => encode_json([ replace(name => 'm', visibility => 'public',
                                      owner => 'p1') ])), 200, 'changed');
    status_is($env->request('PUT', "$path/tags/t"), 204, 'tagged');
    status_is($env->request('PATCH', $path,
        headers => [ 'Content-Type' => $v21 ],
        body => encode_json([ replace(visibility => 'shared') ])), 200,
        'shared');
    status_is($env->request('POST', "$path/members",
                            body => '{"member": "p2"}'), 200, 'with p2');
    is($env->request('GET', "$path/locations")->{body}, '[]', 'no data');

    $image = $env->request('GET', $path)->json();
    is_deeply([ @{$image}{qw/ name visibility owner tags /} ],
              [ 'm', 'shared', 'p1', [ 't' ] ], 'all of it');
});

done_testing();
