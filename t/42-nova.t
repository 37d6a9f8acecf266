#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S-27: what Nova's image service of 2011 sends, through the client library
# that Glance shipped (specs/operations.md 11): headers in lower case with
# underscores, a stray header "properties", chunked data, HTTP/1.1 without
# reuse of connections, and no Accept.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env) = @_;

    check('S-27 Nova of 2011 stores, finds and starts an image' => sub {
        my @kernel = (
            'x-image-meta-name' => 'vmlinuz', 'x-image-meta-type' => 'kernel',
            'x-image-meta-is_public' => 'True',
            'x-image-meta-properties' => "{'project_id': 'admin'}",
            'x-image-meta-property-project_id' => 'admin',
            'x-image-meta-property-image_state' => 'available',
        );
        my $data = noise(400_000);

        my $r = $env->request('POST', '/images', close => 1, chunked => 1,
            body => $data, headers => [ @kernel,
                'content-type' => 'application/octet-stream' ]);

        status_is($r, 201, 'create');

        my $kernel = $r->json()->{image};

        is($kernel->{status}, 'active', 'active');
        is_deeply($kernel->{properties}, { project_id => 'admin',
                                           image_state => 'available' },
                  'the stray header is no property');

        $r = $env->request('POST', '/images', close => 1, headers => [
            'x-image-meta-name' => 'root', 'x-image-meta-type' => 'machine',
            'x-image-meta-is_public' => 'True',
            'x-image-meta-property-kernel_id' => $kernel->{id} ]);
        status_is($r, 201, 'create without data');

        my $id = $r->json()->{image}{id};

        is($r->json()->{image}{status}, 'queued', 'queued');

        # the Xen plugin's upload says what it knows of the status

        $r = $env->request('PUT', "/images/$id", close => 1, chunked => 1,
            body => $data, headers => [ 'x-image-meta-status' => 'queued',
                'x-image-meta-disk-format' => 'vhd',
                'x-image-meta-container-format' => 'ovf',
                'x-image-meta-is-public' => 'True',
                'content-type' => 'application/octet-stream' ]);
        status_is($r, 200, 'upload');

        my $list = $env->request('GET', '/images', close => 1)->json();
        is(join(' ', sort map { $_->{name} } @{$list->{images}}),
           'root vmlinuz', 'index');
        ok($_->{id}, 'with an id') for @{$list->{images}};

        my ($found) = grep { $_->{name} eq 'root' } @{$env->request('GET',
            '/images/detail', close => 1)->json()->{images}};
        is($found->{properties}{kernel_id}, $kernel->{id}, 'detail: kernel');

        my $meta = $env->request('HEAD', "/images/$id", close => 1)->meta();
        is($meta->{'property-kernel_id'}, $kernel->{id}, 'show: kernel');
        is($meta->{status}, 'active', 'show: a status that Nova maps');

        $r = $env->request('GET', "/images/$kernel->{id}", close => 1);
        is(md5_of($r->{body}), md5_of($data), 'get');

        $r = $env->request('PUT', "/images/$id", close => 1, headers => [
            'x-image-meta-name' => 'root 2',
            'x-image-meta-property-kernel_id' => $kernel->{id} ]);
        status_is($r, 200, 'update');

        for my $gone ($id, $kernel->{id}) {
            status_is($env->request('DELETE', "/images/$gone", close => 1),
                      200, 'delete');
            status_is($env->request('HEAD', "/images/$gone", close => 1), 404,
                      'gone');
        }
    });

    check('S-27 the servers of Glance Bexar answered 200' => sub {
        $env->{nginx}->reload(post_status => 200);
        status_is($env->request('POST', '/images', headers => [
            'x-image-meta-name' => 'n', 'x-image-meta-type' => 'raw' ]), 200);
    });
});


done_testing();
