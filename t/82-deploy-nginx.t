#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# One location of an nginx that has other sites, as README shows it: all
# dialects under the prefix, and nothing else becomes different.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $base = 'http://cloud.example.com/image';
my $data = noise(300_000);
my $www = temp_dir();

mkdir("$www/$_") for qw/ html cloud /;
write_file("$www/html/index.html", 'the other site');
write_file("$www/html/404.html", 'the other page');
write_file("$www/html/text.html", 'x' x 2000);
write_file("$www/cloud/index.html", 'the same site');
write_file("$www/cloud/image", 'a file');
write_file("$www/cloud/images", 'another file');


# a path of the site; headers as a list

sub site {
    my ($env, $method, $path, %o) = @_;

    return $env->connect()->request($method, $path, %o, headers => [
        Host => 'cloud.example.com', @{$o{headers} || []} ]);
}


sub image {
    my ($env, $method, $path, %o) = @_;

    return site($env, $method, "/image$path", %o);
}


# the headers of an image, with data

sub of_image {
    my ($env, %meta) = @_;

    return $env->with_meta({ is_public => 'true', %meta }, body => $data);
}


sub of_v1 {
    my ($env) = @_;

    return of_image($env, type => undef, disk_format => 'raw',
                    container_format => 'bare');
}


for_each_database(sub {
    my ($env, $db) = @_;

    # the store is not there at first
    $env->{nginx}{names}{'127.0.0.1:5000'} = $env->{registry}->address();
    $env->{nginx}->reload();

    check('the other site' => sub {
        my @www = (headers => [ Host => 'www.example.com' ]);

        my $r = $env->request('GET', '/', @www);
        is($r->{body}, 'the other site', 'its pages');

        for my $path ('/images', '/image/images', '/_glance_registry/images')
        {
            $r = $env->request('GET', $path, @www);
            status_is($r, 404, "$path of another site");
            is($r->{body}, 'the other page', 'its own page');
            has_header($r, 'x-openstack-request-id', '', 'no header of ours');
        }

        $r = $env->request('GET', '/text.html', headers => [
            Host => 'www.example.com', 'Accept-Encoding' => 'gzip' ]);
        has_header($r, 'Content-Encoding', 'gzip', 'compressed as before');
    });

    check('other locations of the site' => sub {
        is(site($env, 'GET', '/')->{body}, 'the same site', '/');
        is(site($env, 'GET', '/image')->{body}, 'a file', '/image');
        is(site($env, 'GET', '/images')->{body}, 'another file', '/images');
        status_is(site($env, 'GET', '/v1/images'), 404, '/v1 is not there');
        status_is(site($env, 'GET', '/_glance_registry/images'), 404,
                  'the registry is nobody\'s');
        is(site($env, 'GET', '/identity/healthcheck')->{body}, 'OK',
           'a proxied one');
        status_is(site($env, 'POST', '/identity/x',
                       body => 'x' x 1_100_000), 413,
                  'limits of others are as before');
    });

    check('S-40 version documents' => sub {
        my $r = image($env, 'GET', '/');

        status_is($r, 300);
        my %links = map { $_->{links}[0]{href} => 1 }
                    @{$r->json()->{versions}};
        is(join(' ', sort keys %links), "$base/v1/ $base/v2/", 'links');
        is($r->{body}, image($env, 'GET', '/versions')->{body}, '/versions');

        $r = image($env, 'GET', '/v1');
        status_is($r, 302, '/v1');
        has_header($r, 'Location', "$base/v1/");
        status_is(image($env, 'GET', '/v9/images'), 300, 'unknown version');
    });

    check('S-40 S-44 the API of 2011' => sub {
        my $r = image($env, 'POST', '/images', of_image($env));

        status_is($r, 201, 'POST');

        my $id = $r->json()->{image}{id};
        my $uri = "$base/images/$id";

        has_header($r, 'Location', $uri);

        $r = image($env, 'GET', '/images/');
        is($r->json()->{images}[0]{uri}, $uri, 'uri of the list');
        $r = image($env, 'GET', '/images/detail');
        is($r->json()->{images}[0]{uri}, $uri, 'uri of the details');

        $r = image($env, 'HEAD', "/images/$id");
        status_is($r, 200, 'HEAD');
        has_header($r, 'x-image-meta-uri', $uri);
        has_header($r, 'x-image-meta-is_public', qr/^true$/i);

        $r = image($env, 'GET', "/images/$id", headers => [
            'Accept-Encoding' => 'gzip' ]);
        status_is($r, 200, 'GET');
        is($r->{body}, $data, 'the data');
        has_header($r, 'Content-Length', length $data);
        has_header($r, 'Content-Encoding', '', 'not compressed');

        $r = image($env, 'GET', "/images/$id", headers => [
            'Range' => 'bytes=100-199' ]);
        status_is($r, 206, 'a range');
        is($r->{body}, substr($data, 100, 100), 'of the data');

        $r = image($env, 'PUT', "/images/$id", headers => [
            'x-image-meta-name' => 'new', map { (
            "x-image-meta-property-large.$_" => 'y' x 1000) } 1 .. 7 ]);
        status_is($r, 200, 'PUT, eight kilobytes');
        has_header($r, 'x-image-meta-uri', $uri);
        has_header($r, 'x-image-meta-property-large.7', 'y' x 1000);

        error_ok(image($env, 'GET', '/images/nobody'), 404, 'no image');
        error_ok(image($env, 'GET', '/nowhere'), 404, 'no path');
        status_is(image($env, 'DELETE', "/images/$id"), 200, 'DELETE');
        error_ok(image($env, 'GET', "/images/$id"), 404, 'deleted');
    });

    check('API v1' => sub {
        for my $version (qw/ v1 v1.0 v1.1 /) {
            my $r = image($env, 'POST', "/$version/images", of_v1($env));

            status_is($r, 201, "POST $version");

            my $id = $r->json()->{image}{id};

            has_header($r, 'Location', "$base/v1/images/$id");

            $r = image($env, 'HEAD', "/$version/images/$id");
            status_is($r, 200, 'HEAD');
            has_header($r, 'x-image-meta-checksum', md5_of($data));

            $r = image($env, 'GET', "/$version/images/$id");
            is($r->{body}, $data, 'GET');

            $r = image($env, 'GET', "/$version/images/detail?limit=1");
            is($r->json()->{images}[0]{id}, $id, 'the list');

            $r = image($env, 'PUT', "/$version/images/$id/members/friend");
            status_is($r, 204, 'a member');
            $r = image($env, 'GET', "/$version/shared-images/friend");
            is($r->json()->{shared_images}[0]{image_id}, $id, 'shared');

            $r = image($env, 'GET', "/images/$id", headers => [
                Accept => "application/vnd.openstack.images-$version" ]);
            has_header($r, 'ETag', md5_of($data), 'version by media type');

            status_is(image($env, 'DELETE', "/$version/images/$id"), 200,
                      'DELETE');
        }
    });

    # links in documents of v2 are behind the endpoint, as clients expect them

    check('API v2' => sub {
        my @json = ('Content-Type' => 'application/json');

        my $r = image($env, 'POST', '/v2/images', headers => [ @json ],
            body => '{"name": "v2", "disk_format": "raw",'
                    . ' "container_format": "bare", "visibility": "public"}');
        status_is($r, 201, 'POST');

        my $image = $r->json();
        my $path = "/v2/images/$image->{id}";

        has_header($r, 'Location', "$base$path");
        is($image->{self}, $path, 'self');
        is($image->{file}, "$path/file", 'file');

        status_is(image($env, 'PUT', $image->{file}, body => $data,
            headers => [ 'Content-Type' => 'application/octet-stream' ]),
            204, 'the data');

        $r = image($env, 'GET', $image->{file}, headers => [
            'Accept-Encoding' => 'gzip' ]);
        status_is($r, 200, 'back again');
        is($r->{body}, $data, 'as they were');
        has_header($r, 'Content-Encoding', '', 'not compressed');

        $r = image($env, 'PATCH', $path, headers => [ 'Content-Type' =>
            'application/openstack-images-v2.1-json-patch' ],
            body => '[{"op": "replace", "path": "/name", "value": "new"}]');
        is($r->json()->{name}, 'new', 'PATCH');

        $r = image($env, 'GET', '/v2/images?limit=1');
        status_is($r, 200, 'the list');
        is($r->json()->{images}[0]{id}, $image->{id}, 'has it');
        status_is(image($env, 'GET', $r->json()->{next}), 200, 'and a next')
            if $r->json()->{next};

        status_is(image($env, 'GET', '/v2/schemas/image'), 200, 'a schema');
        status_is(image($env, 'DELETE', $path), 204, 'DELETE');
        error_ok(image($env, 'GET', $path), 404, 'deleted');
    });

    check('S-02 for load balancers' => sub {
        my $r = image($env, 'GET', '/healthcheck');

        status_is($r, 200, 'well');
        is($r->{body}, 'OK', 'and says so');
        status_is(image($env, 'HEAD', '/healthcheck'), 200, 'HEAD');
        status_is(image($env, 'POST', '/healthcheck', body => ''), 405,
                  'POST');

        $env->{registry}->stop();
        error_ok(image($env, 'GET', '/healthcheck'), 503, 'no registry');
        is($env->request('GET', '/', headers => [
            Host => 'www.example.com' ])->{body}, 'the other site',
           'others go on');

        $env->{registry}->start();
        ok(wait_until(sub {
            image($env, 'GET', '/healthcheck')->{status} == 200;
        }), 'well again');
    });

    check('absolute URIs, as of a client behind a proxy' => sub {
        my $r = site($env, 'POST', "$base/images", of_image($env));

        status_is($r, 201, 'POST');
        has_header($r, 'Location', qr!^\Q$base\E/images/!);
        is(site($env, 'GET', $r->header('Location'))->{body}, $data, 'GET');
    });

    $env->consistent();

}, registry => { registry_secret => 'SECRET' }, nginx => {
    text => readme_block('In an nginx that serves other sites', 'nginx')
            =~ s/gzip on;/gzip on; gzip_types *;/r,
    names => { '/var/www/html' => "$www/html",
               '/var/www/cloud' => "$www/cloud" },
});


done_testing();
