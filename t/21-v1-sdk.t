#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What openstacksdk takes for API v1: metadata as JSON, data without a type,
# and JSON of one image.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my @agent = ('User-Agent' => 'openstacksdk/0.101.0 keystoneauth1/5.0.0');
my @json = ('Content-Type' => 'application/json');


for_each_database(sub {
    my ($env) = @_;

    my $sdk = sub {
        my ($method, $path, $json, @headers) = @_;

        return $env->request($method, "/v1/images$path", headers => [
            @agent, (defined $json ? @json : ()), @headers ],
            defined $json ? (body => ref $json ? JSON::PP::encode_json($json)
                                               : $json) : ());
    };

    check('an image and its data' => sub {
        my $data = noise(300_000);
        my $r = $sdk->('POST', '', {
            name => 'n', disk_format => 'qcow2', container_format => 'bare',
            validate_checksum => JSON::PP::false,
            properties => {
                is_public => JSON::PP::true, min_disk => 2, min_ram => undef,
                is_protected => JSON::PP::false, owner_id => 'somebody',
                'owner_specified.openstack.md5' => '', number => 7,
                fraction => 1.5, flag => JSON::PP::true, none => undef,
                text => "gr\x{fc}n",
            } });

        status_is($r, 201);

        my $image = $r->json()->{image};
        my $id = $image->{id};
        my %expected = (name => 'n', disk_format => 'qcow2',
                        container_format => 'bare', min_disk => 2,
                        min_ram => 0, owner => 'somebody', size => 0,
                        status => 'queued');

        is($image->{$_}, $expected{$_}, $_) for sort keys %expected;
        ok($image->{is_public}, 'public');
        ok(!$image->{protected}, 'not protected');
        is_deeply($image->{properties}, {
            'owner_specified.openstack.md5' => undef, number => '7',
            fraction => '1.5', flag => 'true', none => undef,
            text => "gr\x{fc}n" }, 'the others are properties');

        $r = $env->request('PUT', "/v1/images/$id", body => $data,
            headers => [ @agent, 'x-glance-registry-purge-props' => 'false' ]);
        status_is($r, 200, 'data without a type');
        is($r->json()->{image}{status}, 'active', 'active');
        is($r->json()->{image}{checksum}, md5_of($data), 'their checksum');

        $r = $sdk->('GET', "/$id");
        status_is($r, 200);
        has_header($r, 'Content-Type', 'application/json');
        is($r->json()->{image}{size}, 300_000, 'JSON of an image');
        is($r->json()->{image}{properties}{number}, '7', 'its properties');

        $r = $sdk->('GET', "/$id/file");
        status_is($r, 200);
        is(md5_of($r->{body}), md5_of($data), 'the data by another path');

        is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($data),
           'other clients get them as ever');

        $r = $sdk->('PUT', "/$id", { image => { name => 'm', number => 8 } });
        status_is($r, 200, 'a change');
        is($r->json()->{image}{name}, 'm', 'another name');
        is($r->json()->{image}{properties}{number}, '8', 'a property');
        is($r->json()->{image}{properties}{fraction}, '1.5',
           'another one stays');
        is($r->json()->{image}{min_disk}, 2, 'and other fields');

        status_is($env->v1('DELETE', "/$id"), 200);
        is($sdk->('GET', "/$id")->json()->{image}{status}, 'deleted',
           'deleted, to administrators');
        error_ok($sdk->('PUT', "/$id", { name => 'x' }), 403, 'no change');
        error_ok($sdk->('GET', '/nobody'), 404, 'unknown');
        $env->wipe();
    });

    check('an image whose data are elsewhere' => sub {
        my $id = '5eed0000-0000-4000-8000-000000000001';

        my $r = $sdk->('POST', '', { image => { id => $id, name => 'c',
            disk_format => 'raw', container_format => 'bare', size => '5',
            copy_from => 'http://127.0.0.1:1/x', checksum => undef } });

        status_is($r, 201);
        is($r->json()->{image}{id}, $id, 'its id');
        is($r->json()->{image}{size}, 5, 'its size');
        is_deeply($r->json()->{image}{properties}, {}, 'no properties');
        status_is($env->v1('DELETE', "/$id"), 200);
        $env->wipe();
    });

    check('what it cannot say' => sub {
        my $id = $env->v1_create({ name => 'n' });

        for my $case (
            [ '{', qr/JSON/ ], [ '[]', qr/object/ ], [ '"x"', qr/JSON|object/ ],
            [ '{"a": 1, "a": 2}', qr/JSON/ ],
            [ { name => [ 1 ] }, qr/name/ ],
            [ { properties => { p => { q => 1 } } }, qr/"p"|&quot;p&quot;/ ],
            [ { properties => { properties => {} } }, qr/properties/ ],
            [ { properties => 7, '' => 'x' }, qr/x-image-meta-property-/ ],
            [ { name => "a\nb" }, qr/x-image-meta-name/ ],
            [ { min_disk => 2.5 }, qr/x-image-meta-min_disk/ ],
            [ { size => -1 }, qr/x-image-meta-size/ ],
            [ { id => '../x' }, qr/x-image-meta-id/ ],
            [ { id => 7, copy_from => 'ftp://x' }, qr/copy-from/ ],
            [ { disk_format => 'x' }, qr/[Dd]isk format/ ],
            [ { store => 'x' }, qr/x-image-meta-store/ ],
            [ { p => 'x' x 70_000 }, qr/x-image-meta-property-p/ ],
            [ { 'x' x 300 => 1 }, qr/longer/ ])
        {
            my ($json, $words) = @$case;
            my $title = ref $json ? JSON::PP::encode_json($json) : $json;

            error_ok($sdk->('POST', '', $json), 400, substr($title, 0, 60),
                     $words);
            error_ok($sdk->('PUT', "/$id", $json), 400, 'as a change', $words)
                if $title !~ /"id"|ftp/;
        }

        error_ok($sdk->('POST', '', { p => 'x' x 300_000 }), 413, 'too long');

        my %many = map { $_ => 1 } 1 .. 20_000;

        error_ok($sdk->('POST', '', $_), 413, 'too many', qr/properties/)
            for \%many, { image => { name => 'n', properties => \%many } };
        error_ok($sdk->('PUT', "/$id", {
            id => '5eed0000-0000-4000-8000-000000000002' }), 403, 'its id');
        my @formats = ('x-image-meta-disk_format' => 'raw',
                       'x-image-meta-container_format' => 'bare');

        error_ok($env->request('POST', '/v1/images', body => 'x',
                               headers => [ @agent, @formats ]), 400,
                 'data without a type are for a PUT', qr/Content-Type/);

        # to nobody else

        error_ok($env->request('POST', '/v1/images', body => '{"name": "x"}',
                               headers => [ @json, @formats ]), 400,
                 'from others', qr/Content-Type/);
        error_ok($env->request('PUT', "/v1/images/$id", body => 'x',
                               headers => [ @formats ]), 400,
                 'no type from others', qr/Content-Type/);

        $env->v1('DELETE', "/$id");
        $env->wipe();
    });
});


done_testing();
