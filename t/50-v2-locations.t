#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: where the data of an image are: in the image, by PATCH, and by the
# Locations API (specs: v2/02 2.2, v2/03 3.5, v2/05 5.8).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V2;

my @urls = ('file:///srv/1', 'file:///srv/2');
my $hash = 'c' x 128;


# an active image with two locations

sub twice {
    my ($v2, $who, $image) = @_;

    my $id = $v2->active($who, $image)->{id};

    $v2->location($id, $urls[0], '{"store": "a"}');
    $v2->location($id, $urls[1]);

    return $id;
}


sub place {
    my ($url, $metadata, %more) = @_;

    return { url => $url, metadata => $metadata || {}, %more };
}


sub at {
    my ($op, $position, $value) = @_;

    return { op => $op, path => "/locations/$position",
             $value ? (value => $value) : () };
}


sub urls {
    my ($image) = @_;

    return join(' ', map { $_->{url} } @{$image->{locations}});
}


sub refuses {
    my ($v2, $status, $words, $who, $id, @ops) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $v2->rows($id);

    fault_is($v2->patch($who, $id, @ops), $status, $words);
    is($v2->rows($id), $before, 'nothing is changed');
}


# what the worker is to remove

sub removals {
    my ($v2, $id) = @_;

    return join(' ', map { $_->[0] } $v2->{db}->query(
        "SELECT url FROM ngx_glance_removals WHERE image_id = '$id'
         ORDER BY id"));
}


for_each_v2(sub {
    my ($v2) = @_;

    check('nothing is shown, nor changed, unless it is configured' => sub {
        my $id = twice($v2, 'p1');

        for my $who ('p1', 'root/admin') {
            my $image = $v2->show($who, $id);

            ok(!exists $image->{$_}, "$who: no $_")
                for qw/ locations direct_url stores /;
        }

        refuses($v2, 403, "It's not allowed to add locations if locations "
                . 'are invisible.', 'p1', $id,
                at(add => '-', place('http://x/')));
        refuses($v2, 403, "It's not allowed to update locations if",
                'p1', $id, replace(locations => [ place($urls[0]) ]));
        refuses($v2, 403, "It's not allowed to remove locations if",
                'root/admin', $id, at(remove => 0));
        refuses($v2, 403, 'delete_image_location', 'p1', $id,
                at(remove => 0));
        refuses($v2, 403, 'modify_image', 'p1/reader', $id,
                at(add => '-', place('http://x/')));
    });

    check('the Locations API tells services' => sub {
        my $private = twice($v2, 'p1');
        my $public = twice($v2, 'root/admin', { owner => 'p1',
                                                visibility => 'public' });
        my $community = twice($v2, 'p1', { visibility => 'community' });
        my $none = $v2->create('p1')->{id};

        my $r = $v2->ask('root/admin', 'GET', "/images/$private/locations");

        status_is($r, 200);
        is_deeply($r->json(), [ place($urls[0], { store => 'a' }),
                                place($urls[1]) ], 'a bare list');
        is($v2->ask('p1/service', 'GET', "/images/$none/locations")->{body},
           '[]', 'an empty one');

        my %status = (
            'p1' => [ 403, 403, 403 ], 'p1/reader' => [ 403, 403, 403 ],
            'p1/service' => [ 200, 200, 200 ],
            'p1/member,reader+service' => [ 403, 403, 403 ],
            'p2/service' => [ 404, 200, 200 ],
            'p2/service,member,reader' => [ 404, 200, 200 ],
            'p2/service,admin' => [ 200, 200, 200 ],
            'p2' => [ 404, 403, 403 ], 'p1/other' => [ 404, 404, 404 ],
        );

        for my $who (sort keys %status) {
            is_deeply([ map {
                $v2->ask($who, 'GET', "/images/$_/locations")->{status}
            } $private, $public, $community ], $status{$who}, $who);
        }

        fault_is($v2->ask('p1', 'GET', "/images/$private/locations"), 403,
                 'fetch_image_location');
        fault_is($v2->ask('p1/service', 'GET', '/images/nope/locations'),
                 404, 'No image found with ID nope');
        fault_is($v2->ask('p1/service', 'GET', "/images/$none/locations",
                          body => 'x'), 400,
                 'A body is not expected with this request.');
    });

    check('the Locations API takes none' => sub {
        my $id = $v2->create('p1', { disk_format => 'raw',
                                     container_format => 'bare' })->{id};
        my $path = "/images/$id/locations";
        my %good = (os_hash_algo => 'sha512', os_hash_value => $hash);

        for my $case (
            [ [], 'must be an object' ], [ {}, 'url must be a string' ],
            [ { url => 5 }, 'url must be a string' ],
            [ { url => '' }, 'url must be a string' ],
            [ { url => 'x', validation_data => 1 }, 'validation_data must' ],
            [ { url => 'x', validation_data => { os_hash_algo => 'md5' } },
              'os_hash_value' ],
            [ { url => 'x', validation_data => { %good, more => 'x' } },
              'nothing else' ],
            [ { url => 'x', validation_data => { %good,
                                                 os_hash_value => 1 } },
              'strings' ],
            [ { url => 'x', validation_data => {
                  os_hash_algo => 'sha3', os_hash_value => $hash } },
              'os_hash_algo must be' ],
            [ { url => 'x', validation_data => {
                  os_hash_algo => 'sha256', os_hash_value => '00' } },
              'not the correct size' ],
            [ { url => 'x', validation_data => {
                  os_hash_algo => 'md5', os_hash_value => 'g' x 32 } },
              'hexadecimal' ])
        {
            fault_is($v2->ask('p1', 'POST', $path, json => $case->[0]), 400,
                     $case->[1]);
        }

        fault_is($v2->ask('p1', 'POST', $path, body => ''), 400,
                 'Body expected in request.');

        my @body = (json => { url => 'http://127.0.0.1/x', more => 1,
                              validation_data => \%good });

        fault_is($v2->ask('p1', 'POST', $path, @body), 403,
                 'http store must be enabled to use location API by normal '
                 . 'user.');
        fault_is($v2->ask('p1', 'POST', $path, json => {
            url => 'x', validation_data => {} }), 403, 'http store must be',
            'a digest may be missing');
        fault_is($v2->ask('p1/member,reader+service', 'POST', $path, @body),
                 400, 'Invalid location');
        fault_is($v2->ask('p1/service', 'POST', $path, @body), 400,
                 'Invalid location');
        fault_is($v2->ask('root/admin', 'POST', $path, @body), 403,
                 'http store must be enabled');
        fault_is($v2->ask('p1/reader', 'POST', $path, @body), 403,
                 'add_image_location');
        fault_is($v2->ask('p2', 'POST', $path, @body), 404,
                 'No image found with ID');

        $v2->status($id, 'active');
        fault_is($v2->ask('p1', 'POST', $path, @body), 409,
                 "It's not allowed to add locations if image status is "
                 . 'active.');
        has_header(fault_is($v2->ask('p1', 'PUT', $path), 405,
                            'not allowed'), 'Allow', qr/POST/);
    });
});

for_each_v2(sub {
    my ($v2) = @_;

    check('shown to whom it is told' => sub {
        my $id = twice($v2, 'root/admin', { owner => 'p1',
                                            visibility => 'public' });
        my $none = $v2->create('p1')->{id};

        for my $who ('p1', 'p1/reader', 'root/admin') {
            my $image = $v2->show($who, $id);

            is_deeply($image->{locations},
                      [ place($urls[0], { store => 'a' }), place($urls[1]) ],
                      "$who: locations");
            is($image->{direct_url}, $urls[0], 'the first one is the data');
        }

        my $image = $v2->show('p2', $id);

        is_deeply($image->{locations}, [], 'others: no locations');
        ok(!exists $image->{direct_url}, 'nor a direct_url');

        $image = $v2->show('p1', $none);
        is_deeply($image->{locations}, [], 'an image without data');
        ok(!exists $image->{direct_url}, 'has no direct_url');

        $v2->status($id, 'deactivated');
        $image = $v2->show('p1', $id);
        ok(!exists $image->{$_}, "deactivated: no $_")
            for qw/ locations direct_url /;
        is(urls($v2->show('root/admin', $id)), "@urls",
           'but for administrators');

        fault_is($v2->ask('p1', 'POST', '/images',
                          json => { locations => [] }), 403,
                 "Attribute 'locations' is reserved.");
        fault_is($v2->patch('p1', $none, replace(direct_url => 'x')), 403,
                 "Attribute 'direct_url' is read-only.");
    });

    check('replace' => sub {
        my $id = twice($v2, 'p1');

        my $r = $v2->patch('p1', $id, replace(locations => [
            place($urls[1], { n => 1, more => { x => [ undef ] } }),
            place($urls[0]) ]));

        status_is($r, 200);
        is_deeply($r->json()->{locations}, [
            place($urls[1], { n => 1, more => { x => [ undef ] } }),
            place($urls[0]) ], 'in the new order, with new metadata');
        is(removals($v2, $id), '', 'no data are removed');

        refuses($v2, 403, 'Cannot set locations to empty list.', 'p1', $id,
                replace(locations => []));
        refuses($v2, 400, 'Original locations is not empty', 'p1', $id,
                replace(locations => $_))
            for [ place($urls[0]) ], [ place($urls[0]), place('file:///x') ],
                [ place($urls[0]), place($urls[0]) ];
        refuses($v2, 400, 'each of locations', 'p1', $id,
                replace(locations => [ place($urls[0]), { url => 'x' } ]));
        fault_is($v2->patch('p1', $id, { op => 'remove',
                                         path => '/locations' }), 400,
                 'Invalid JSON pointer');

        $v2->status($id, 'saving');
        refuses($v2, 409, 'replace locations if image status is saving.',
                'p1', $id, replace(locations => [ map { place($_) } @urls ]));
    });

    check('remove' => sub {
        my $id = twice($v2, 'p1');

        refuses($v2, 403, 'delete_image_location', 'p1', $id,
                at(remove => 0));
        refuses($v2, 400, 'Invalid position for removing a location.',
                'root/admin', $id, at(remove => $_))
            for qw/ 2 x 99999999999999999999 1.0 /;

        my $r = $v2->patch('root/admin', $id, at(remove => 0));

        status_is($r, 200);
        is(urls($r->json()), $urls[1], 'the first one is gone');
        is(removals($v2, $id), $urls[0], 'and its data will be');
        refuses($v2, 403, 'Cannot remove last location in the image.',
                'root/admin', $id, at(remove => 0));

        # the same data in two rows
        $v2->location($id, $urls[1]);
        status_is($v2->patch('root/admin', $id, at(remove => '-')), 200);
        is(removals($v2, $id), $urls[0], 'data that are needed stay');

        # and what is somebody else's
        $v2->location($id, 'http://127.0.0.1/x');
        status_is($v2->patch('root/admin', $id, at(remove => '1')), 200);
        is(removals($v2, $id), $urls[0], 'foreign data, too');

        $v2->location($id, $urls[0]);
        $v2->status($id, 'deactivated');
        refuses($v2, 409, 'remove locations if image status is deactivated.',
                'root/admin', $id, at(remove => 0));
    });

    check('data of images that have more' => sub {
        my $env = $v2->{env};
        my $more = 'swift://elsewhere/y';
        my $new = sub {
            my $id = $v2->create('p1', { disk_format => 'raw',
                                         container_format => 'bare' })->{id};

            status_is($v2->ask('p1', 'PUT', "/images/$id/file",
                body => 'data', headers => [
                    'Content-Type' => 'application/octet-stream' ]), 204);
            $v2->location($id, $more);
            ok(-f "$env->{store}/$id", 'the file');

            return $id;
        };

        my $id = $new->();

        status_is($v2->patch('root/admin', $id, at(remove => 0)), 200,
                  'one is removed');
        is(($env->worker()->once())[0], 0, 'the worker comes');
        ok(!-f "$env->{store}/$id", 'and takes the file');
        is(removals($v2, $id), '', 'which is forgotten');
        is(urls($v2->show('root/admin', $id)), $more, 'the other one stays');

        $id = $new->();

        status_is($v2->ask('p1', 'DELETE', "/images/$id"), 204, 'deleted');
        ok(!-f "$env->{store}/$id", 'the file is gone');
        is(removals($v2, $id), $more, 'the other data are not forgotten');
    });

    check('add' => sub {
        my $id = twice($v2, 'p1');

        $v2->{db}->query("UPDATE images SET os_hash_algo = 'sha512',
            os_hash_value = '$hash' WHERE id = '$id'");

        my %data = (os_hash_algo => 'sha512', os_hash_value => $hash);

        refuses($v2, 400, 'Invalid location', 'p1', $id,
                at(add => '-', place($_)))
            for 'http://127.0.0.1/x', 'file:///etc/passwd', 'gopher://x/',
                'swift+config://x/y', 'filesystem:///x', '', 'x';

        refuses($v2, 400, 'Invalid location', 'p1', $id,
                at(add => '0', place('http://x/', {},
                                     validation_data => \%data)));
        refuses($v2, 409, 'os_hash_value is already set with a different',
                'p1', $id, at(add => '-', place('http://x/', {},
                    validation_data => { %data, os_hash_value => 'd' })));
        refuses($v2, 409, 'New value(s) for checksum may only be provided',
                'p1', $id, at(add => '-', place('http://x/', {},
                    validation_data => { %data, checksum => 'a' x 32 })));
        refuses($v2, 400, 'Invalid position for adding a location.', 'p1',
                $id, at(add => 'first', place('http://x/')));
        refuses($v2, 400, 'already exists', 'p1', $id,
                at(add => '-', place($urls[0], { store => 'a' })));
        refuses($v2, 400, 'metadata', 'p1', $id,
                at(add => '-', { url => 'http://x/' }));
        refuses($v2, 400, 'at most 255 characters', 'p1', $id,
                at(add => '-', place('http://x/' . 'x' x 250)));
        refuses($v2, 403, 'modify_image', 'p1/reader', $id,
                at(add => '-', place('http://x/')));

        $v2->status($id, 'deactivated');
        refuses($v2, 409, 'add locations if image status is deactivated.',
                'p1', $id, at(add => '-', place('http://x/')));

        my $queued = $v2->create('p1')->{id};

        refuses($v2, 400, 'Invalid location', 'p1', $queued,
                replace(locations => [ place('http://x/') ]));
    });
}, show_multiple_locations => 'True', show_image_direct_url => 'True');

done_testing();
