#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Versions, their negotiation, and the paths and methods of API v1
# (specs/v1.md 2.1 and 2.13).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


with_env('sqlite', sub {
    my ($env) = @_;

    my $base = "http://127.0.0.1:$env->{nginx}{port}";
    my $vendor = 'application/vnd.openstack.images';
    my $id = $env->create({ name => 'n', is_public => 1 }, body => 'data');

    check('version documents' => sub {
        my $expected = [
            map +{ id => "v1.$_", status => 'SUPPORTED',
                   links => [{ rel => 'self', href => "$base/v1/" }] }, 1, 0
        ];

        for my $case ([ GET => '/', 300 ], [ POST => '/', 300 ],
                      [ GET => '/versions', 200 ], [ GET => '/v9/images', 300 ],
                      [ GET => '/v1.2/', 300 ], [ GET => '/v10', 300 ])
        {
            my ($method, $path, $status) = @$case;
            my $r = $env->request($method, $path);

            status_is($r, $status, "$method $path");
            is_deeply([ grep { $_->{id} =~ /^v1/ } @{$r->json()->{versions}} ],
                      $expected, 'lists the versions');
            has_header($r, 'Content-Type', 'application/json');
            request_id_ok($r);
        }
    });

    check('the version by the path' => sub {
        for my $v (qw/ v1 v1.0 v1.1 /) {
            my $r = $env->request('GET', "/$v/images/$id");

            status_is($r, 200, $v);
            is($r->{body}, 'data', 'the image');

            $r = $env->request('GET', "/$v/");
            status_is($r, 200, "/$v/");
            is($r->json()->{images}[0]{id}, $id, 'is the list');

            $r = $env->request('GET', "/$v");
            status_is($r, 302, "/$v");
            has_header($r, 'Location', "$base/v1/");
        }
    });

    check('the version by the media type' => sub {
        for my $v (qw/ v1 v1.0 v1.1 /) {
            my $r = $env->request('GET', "/images/$id",
                                  headers => [ Accept => "$vendor-$v" ]);

            status_is($r, 200, $v);
            is($r->meta()->{protected}, 'False', 'v1 headers');
            ok(!exists $r->meta()->{type}, 'and not the seed\'s');
        }

        my $r = $env->request('GET', "/v1/images/$id",
                              headers => [ Accept => "$vendor-v1" ]);
        status_is($r, 404, 'then the path has no version');

        $r = $env->request('GET', "/images/$id",
                           headers => [ Accept => "$vendor-v3" ]);
        status_is($r, 300, 'unknown version');

        $r = $env->request('GET', "/images/$id",
                           headers => [ Accept => 'image/png' ]);
        status_is($r, 200, 'any other type: the seed');
        is($r->meta()->{type}, 'raw', 'with its headers');
    });

    check('405 with Allow' => sub {
        my %allow = (
            '/v1/images' => 'GET, POST',
            '/v1/images/detail' => 'GET',
            "/v1/images/$id" => 'GET, HEAD, PUT, DELETE',
            "/v1/images/$id/file" => 'GET',
            "/v1/images/$id/members" => 'GET, PUT',
            "/v1/images/$id/members/m" => 'PUT, DELETE',
            '/v1/shared-images/m' => 'GET',
        );

        for my $path (sort keys %allow) {
            for my $method (qw/ GET HEAD POST PUT DELETE PATCH /) {
                next if $allow{$path} =~ /\b$method\b/;

                my $r = $env->request($method, $path);

                status_is($r, 405, "$method $path");
                has_header($r, 'Allow', $allow{$path});
                request_id_ok($r);
            }
        }
    });

    check('501 for what nobody has' => sub {
        for my $method (qw/ OPTIONS TRACE PROPFIND BREW /) {
            my $r = $env->request($method, '/v1/images');
            cmp_ok($r->{status}, '>=', 405, "$method: $r->{status}");
            status_is($r, 501, $method) if $method ne 'TRACE';
        }
    });

    check('404 for unknown paths' => sub {
        for my $path (qw! /v1/images/ /v1/image /v1/images/detail/x
                          /v1/cached_images /v1/shared-images !,
                      "/v1/images/$id/", "/v1/images/$id/member",
                      "/v1/images/$id/members/", "/v1/images/$id/members/m/x")
        {
            status_is($env->request('GET', $path), 404, $path);
        }
    });

    check('error bodies by Accept' => sub {
        my $gone = '00000000-0000-4000-8000-000000000000';
        my $text = "Image with identifier $gone not found";

        my %forms = ('*/*' => 'text/html', 'text/html' => 'text/html',
                     'application/json' => 'application/json',
                     'image/png' => 'text/plain');

        for my $accept (sort keys %forms) {
            my $r = $env->request('GET', "/v1/images/$gone",
                                  headers => [ Accept => $accept ]);

            status_is($r, 404, $accept);
            has_header($r, 'Content-Type', qr/^\Q$forms{$accept}\E/);
            like($r->{body}, qr/\Q$text\E/, 'says what');
        }

        my $r = $env->request('HEAD', "/v1/images/$gone");
        status_is($r, 404);
        is($r->{body}, '', 'HEAD: no body');
    });
});


# versions that are not served

with_env('sqlite', sub {
    my ($env) = @_;

    my $vendor = 'application/vnd.openstack.images';

    check('an API that is off' => sub {
        for my $case ([ '/v1/images' ], [ '/v1' ], [ '/v1.1/' ],
                      [ '/images', Accept => "$vendor-v1" ])
        {
            my ($path, @headers) = @$case;
            my $r = $env->request('GET', $path, headers => \@headers);

            status_is($r, 300, join(' ', @$case));
            is_deeply([ grep { $_->{id} !~ /^v2/ } @{$r->json()->{versions}} ],
                      [], 'the list has only the other');
            is($r->json()->{versions}[0]{status}, 'CURRENT', 'and has it');
        }

        status_is($env->request('GET', '/v2/images'), 200, 'the other');
        status_is($env->request('GET', '/images'), 200, 'that of 2011');
    });
}, nginx => { directives => 'glance_versions v2;' });


done_testing();
