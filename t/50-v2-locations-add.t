#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: PATCH adds locations, of data that another server has (specs: v2/03
# 3.5), and images are read from the location that answers.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Source qw/ data /;
use Glance::Test;
use Glance::V2;

my $server = Glance::Source->new()->start();
my $source = $server->{url};
my $ok = "$source/ok/1000";
my @formats = (disk_format => 'raw', container_format => 'bare');
my %hash = (os_hash_algo => 'sha512', os_hash_value => 'c' x 128);
my $md5 = 'a' x 32;


sub place {
    my ($url, $metadata, %more) = @_;

    return { url => $url, metadata => $metadata || {}, %more };
}


sub at {
    my ($op, $position, $value) = @_;

    return { op => $op, path => "/locations/$position",
             $value ? (value => $value) : () };
}


# one that is added at the end

sub more {
    my ($url, $metadata, %more) = @_;

    return at(add => '-', place($url, $metadata, %more));
}


sub checked {
    my ($url, %data) = @_;

    return more($url, {}, validation_data => { %data });
}


sub urls {
    my ($image) = @_;

    return ref $image ? join(' ', map { $_->{url} } @{$image->{locations}})
                      : $image;
}


sub refuses {
    my ($v2, $status, $words, $id, @ops) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $v2->rows($id);

    fault_is($v2->patch('p1', $id, @ops), $status, $words);
    is($v2->rows($id), $before, 'nothing is changed');
}


sub queued {
    my ($v2, %more) = @_;

    return $v2->create('p1', { @formats, %more })->{id};
}


# an image whose data are at the URLs, or the answer

sub located {
    my ($v2, @urls) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $id = queued($v2);
    my $r = $v2->patch('p1', $id, replace(locations =>
                                          [ map { place($_) } @urls ]));

    status_is($r, 200, 'located');

    return $id;
}


sub file_of {
    my ($v2, $id, %o) = @_;

    return $v2->ask('p1', 'GET', "/images/$id/file", %o);
}


my %open = (show_multiple_locations => 'True', image_location_quota => 3,
            nginx => { directives => 'glance_http_store on; '
                                     . 'glance_http_allow 127.0.0.1;' });

for_each_v2(sub {
    my ($v2) = @_;

    check('a queued image gets its data' => sub {
        my $id = queued($v2);
        my $r = $v2->patch('p1', $id, more($ok, { a => [ 1, undef ] }));

        status_is($r, 200);

        my $image = $r->json();

        is($image->{status}, 'active', 'active at once');
        is($image->{size}, 1000, 'its size');
        is_deeply([ @$image{qw/ checksum os_hash_algo os_hash_value /} ],
                  [ undef, undef, undef ], 'nobody has read it');
        is_deeply($image->{locations}, [ place($ok, { a => [ 1, undef ] }) ],
                  'its location');
        is(file_of($v2, $id)->{body}, data(1000), 'the data');
        is(file_of($v2, $id, headers => [ Range => 'bytes=10-19' ])->{body},
           substr(data(1000), 10, 10), 'a part of them');
        is_deeply([ $v2->{env}->files() ], [], 'nothing is stored');

        status_is($v2->ask('p1', 'DELETE', "/images/$id"), 204, 'deleted');
        is(scalar(my @none = $v2->{db}->query(
            'SELECT url FROM ngx_glance_removals')), 0, 'data stay there');
    });

    check('in the form of 2.0, and with the formats in one document' => sub {
        my $id = $v2->create('p1')->{id};

        refuses($v2, 400, 'Properties disk_format, container_format must be '
                . 'set prior to saving data.', $id, more($ok));

        my $r = $v2->patch_20('p1', $id, replace(@formats),
                              at(add => '0', place($ok)));

        status_is($r, 200);
        is(urls($r->json()), $ok, 'located');
    });

    check('in their order' => sub {
        my $id = located($v2, $ok, "$ok#1");

        is(urls($v2->show('p1', $id)), "$ok $ok#1", 'two');

        my $r = $v2->patch('p1', $id, at(add => '1', place("$ok#new")));

        status_is($r, 200, 'another between them');
        is(urls($r->json()), "$ok $ok#new $ok#1", 'the order');
        is(urls($v2->show('p1', $id)), "$ok $ok#new $ok#1", 'and later');

        refuses($v2, 413, 'image locations. Attempted: 4, Maximum: 3', $id,
                more("$ok#4"));

        $r = $v2->patch('root/admin', $id, at(remove => '1'),
                        at(add => '0', place("$ok#0")));
        is(urls($r->json()), "$ok#0 $ok $ok#1", 'one goes, another comes');

        $r = $v2->patch('root/admin', $id, at(remove => '0'),
                        at(remove => '-'), at(add => '7', place($ok,
                                                                { n => 1 })));
        is(urls($r->json()), "$ok $ok", 'the same with other metadata');
        refuses($v2, 400, 'already exists', $id, more($ok, { n => 1 }));
        refuses($v2, 400, 'Invalid position for adding', $id,
                at(add => 'x', place("$ok#3")));
    });

    check('replaced and removed at once, no other data are lost' => sub {
        my $id = queued($v2);
        my @swift = map { "swift://h/c/$_" } 1, 2;

        $v2->status($id, 'active');
        $v2->location($id, $_) for @swift;

        my $r = $v2->patch('root/admin', $id, replace(locations =>
            [ map { place($_) } reverse @swift ]), at(remove => '0'));

        status_is($r, 200);
        is(urls($r->json()), $swift[0], 'the first is now the last');
        is(join(' ', map { @$_ } $v2->{db}->query("SELECT url
                FROM ngx_glance_removals WHERE image_id = '$id'")),
           $swift[1], 'these data go');
    });

    check('URLs that are refused' => sub {
        my $id = queued($v2);
        my $more = located($v2, $ok);

        for my $bad (
            'file:///etc/passwd', 'filesystem:///etc/passwd', 'gopher://h/x',
            'swift+config://ref/c/o', 'swift://a:b@127.0.0.1/c/o',
            's3://a:b@127.0.0.1/b/o', 'rbd://f/p/i/s', 'x', '', 'http://',
            'http://u:p@127.0.0.1/x', 'http://127.0.0.1:1/closed',
            'http://10.0.0.1/x', 'http://[::1]/', 'http://169.254.169.254/',
            'http://h.invalid/x', "$source/missing", "$source/ok/0",
            "$source/chunked/10", "$source/loop",
            "$source/to?http://169.254.169.254/latest", "$ok\x{7f}")
        {
            my $r = $v2->patch('p1', $id, more($bad));

            ok($r->{status} == 400, "$bad: 400") or diag($r->summary());
            unlike($r->{body}, qr/a:b|u:p|latest/, 'it is not repeated');
        }

        refuses($v2, 400, 'Invalid location', $id, more('ftp://h/x'));
        refuses($v2, 400, 'Invalid location', $more, more("$source/missing"));
        refuses($v2, 400, 'Invalid location', $more, more($ok . '#1'),
                more("$source/missing"));
        refuses($v2, 400, 'it has 10 bytes, and the image 1000', $more,
                more("$source/ok/10"));
        refuses($v2, 400, 'at most 255 characters', $id,
                more('http://h/' . 'x' x 250));
        is($v2->show('p1', $id)->{status}, 'queued', 'it is queued still');
    });

    check('digests' => sub {
        my $id = queued($v2);

        for my $case (
            [ 'os_hash_algo must be sha512, not sha256',
              os_hash_algo => 'sha256', os_hash_value => 'c' x 64 ],
            [ 'os_hash_value is not the correct size',
              %hash, os_hash_value => 'c' x 64 ],
            [ 'os_hash_value must have hexadecimal', %hash,
              os_hash_value => 'g' x 128 ],
            [ 'checksum must have hexadecimal', %hash,
              checksum => 'g' x 32 ])
        {
            my ($words, %data) = @$case;

            refuses($v2, 409, $words, $id, checked($ok, %data));
        }

        refuses($v2, 409, 'Conflicting values for os_hash_value', $id,
                replace(locations => [
                    place($ok, {}, validation_data => { %hash }),
                    place("$ok#1", {}, validation_data => {
                        %hash, os_hash_value => 'd' x 128 }) ]));
        refuses($v2, 409, 'os_hash_value is already set with a different',
                $id, checked($ok, %hash),
                checked("$ok#1", %hash, os_hash_value => 'd' x 128));

        my $r = $v2->patch('p1', $id, checked($ok, %hash, checksum => $md5));

        status_is($r, 200);

        my $image = $r->json();

        is($image->{checksum}, $md5, 'checksum as it was given');
        is($image->{os_hash_algo}, 'sha512', 'os_hash_algo');
        is($image->{os_hash_value}, $hash{os_hash_value}, 'os_hash_value');
        is_deeply($image->{locations}, [ place($ok) ], 'not in locations');

        status_is($v2->patch('p1', $id, checked("$ok#1", %hash)), 200,
                  'the same once more');
        refuses($v2, 409, 'os_hash_value is already set with a different',
                $id, checked("$ok#2", %hash, os_hash_value => 'd' x 128));
        refuses($v2, 409, 'checksum is already set with a different', $id,
                checked("$ok#2", %hash, checksum => 'b' x 32));

        refuses($v2, 409, 'New value(s) for os_hash_algo may only be '
                . 'provided when', located($v2, $ok),
                checked("$ok#2", %hash));
    });

    check('who may, and when' => sub {
        my $id = $v2->create('root/admin', { @formats, owner => 'p1',
                                             visibility => 'public' })->{id};

        fault_is($v2->patch('p2', $id, more($ok)), 403, 'modify_image');
        fault_is($v2->patch('p1/reader', $id, more($ok)), 403,
                 'modify_image');
        fault_is($v2->patch('p1/service', $id, more($ok)), 404,
                 'The resource could not be found.');
        fault_is($v2->patch('p2', queued($v2), more($ok)), 404,
                 'No image found with ID');
        fault_is($v2->patch('p1', 'nope', more($ok)), 404,
                 'No image found with ID nope');
        status_is($v2->patch('root/admin', $id, more($ok)), 200,
                  'administrators');

        for my $status (qw/ saving deactivated importing killed /) {
            $v2->status($id, $status);
            refuses($v2, 409, "add locations if image status is $status.",
                    $id, more("$ok#1"));
        }
    });

    check('documents that hide it, and other ones' => sub {
        my $id = queued($v2);
        my $send = sub {
            return $v2->ask('p1', 'PATCH', "/images/$id", body => shift,
                            headers => [ 'Content-Type' => shift // $v21 ]);
        };

        status_is($send->('[{"op": "add", "path": "\u002floc\u0061tions/-",'
            . " \"value\": {\"url\": \"$ok\", \"metadata\": {}}}]"), 200,
            'escapes');
        is($v2->show('p1', $id)->{status}, 'active', 'are none to us');
        status_is($send->('[{"op": "add", "path": "/locations/-"'), 400,
                  'no JSON');
        status_is($send->('[]', 'text/plain'), 415, 'another type');
        status_is($send->('{"locations": 1}'), 400, 'no list');
        status_is($send->('[{"op": "add", "path": "/a", "value":'
                          . ' "locations \\\\ x"}]'), 200, 'a property');
        is($v2->show('p1', $id)->{a}, 'locations \\ x', 'is set');
    });

    check('the next location is read when one fails' => sub {
        my $id = located($v2, $ok, "$ok#1");
        my $set = sub {
            my (@urls) = @_;

            $v2->{db}->query("DELETE FROM image_locations
                              WHERE image_id = '$id'");
            $v2->location($id, $_) for @urls;
        };
        my $whole = data(1000);
        my $closed = 'http://127.0.0.1:1/x';

        for my $bad ("$source/missing", "$source/ok/10", $closed,
                     "file://$v2->{env}{store}/none", 'file:///etc/passwd',
                     'rbd://f/p/i/s', 'http://10.0.0.1/x', "$source/loop",
                     "$source/ok/5000")
        {
            $set->($bad, $ok);

            for my $path ("/v2/images/$id/file", "/v1/images/$id",
                          "/images/$id")
            {
                my $r = $v2->ask('root/admin', 'GET', $path =~ m!^/v2!
                                 ? "/images/$id/file" : "/..$path");

                status_is($r, 200, "$bad: $path");
                is($r->{body}, $whole, 'the data');
                last if $bad ne "$source/missing";
            }

            my $r = file_of($v2, $id, headers => [ Range => 'bytes=990-' ]);
            is("$r->{status} $r->{body}", '206 ' . substr($whole, 990),
               'a part');
        }

        $set->("$source/missing", $closed, "$source/ok/10", $ok);
        is(file_of($v2, $id)->{body}, $whole, 'the fourth');

        $set->("$source/missing", "$source/missing?2");
        is(file_of($v2, $id)->{status}, 204, 'none has them');
        $set->($closed, "$source/missing");
        like(file_of($v2, $id)->{status}, qr/^50[0-9]$/,
             'none has them now');
        $set->('rbd://f/p/i/s');
        is(file_of($v2, $id)->{status}, 404, 'no such store');

        # what was begun is not gone on with from another one
        $set->("$source/short/1000", $ok);
        ok(file_of($v2, $id)->{truncated}, 'cut');
    });

    check('keys stay out of answers and logs' => sub {
        my $id = queued($v2);

        for my $bad ('swift+https://hush:hushkey@127.0.0.1/v1/c/o',
                     "$source/missing?signature=hushhush",
                     'http://hush:hushkey@127.0.0.1/x')
        {
            unlike($v2->patch('p1', $id, more($bad))->{body}, qr/hush/,
                   'the answer');
        }

        unlike(read_file("$v2->{env}{$_}{output}"), qr/hush/, "$_")
            for qw/ registry nginx /;
        unlike(read_file("$v2->{env}{nginx}{dir}/error.log"), qr/hush/,
               'log');
    });

    $v2->{env}{nginx}->allow(qr/\bstore: |bytes in its store|are lost/);
    $v2->{env}->wipe();
}, %open);


for_each_v2(sub {
    my ($v2) = @_;

    check('the storage of a project' => sub {
        my $id = located($v2, $ok);

        refuses($v2, 413, 'storage quota', $id, more("$ok#1"),
                more("$ok#2"));
        status_is($v2->patch('p1', $id, more("$ok#1")), 200, 'each counts');
        refuses($v2, 413, 'storage quota', queued($v2), more($ok));
        $v2->{env}->wipe();
    });
}, %open, user_storage_quota => '2500');


for_each_v2(sub {
    my ($v2) = @_;

    check('inner addresses' => sub {
        my $id = queued($v2);

        refuses($v2, 400, 'Invalid location', $id, more($ok));
        refuses($v2, 400, 'Invalid location', $id,
                more("http://localhost:$server->{port}/ok/1"));
    });

    $v2->{env}{nginx}->allow(qr/\bstore: /);
}, %open, nginx => { directives => 'glance_http_store on;' });


for_each_v2(sub {
    my ($v2) = @_;

    check('while the registry is away' => sub {
        my $id = queued($v2);

        $v2->{env}{registry}->stop();

        for my $r ($v2->patch('p1', $id, more($ok)),
                   $v2->ask('p1', 'POST', "/images/$id/locations",
                            json => { url => $ok }))
        {
            fault_is($r, 503, 'The registry is not available');
            has_header($r, 'Retry-After', qr/^[0-9]+$/);
        }

        $v2->{env}{registry}->start();
        is($v2->show('p1', $id)->{status}, 'queued', 'nothing is changed');
    });

    check('not unless locations are shown' => sub {
        refuses($v2, 403, "It's not allowed to add locations if locations "
                . 'are invisible.', queued($v2), more($ok));
    });
}, nginx => $open{nginx});

$server->stop();

done_testing();
