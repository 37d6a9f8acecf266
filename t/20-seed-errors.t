#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Routes, methods, version documents, and the look of errors.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $id = $env->create({ name => 'an image' }, body => 'data');

    check('S-04 GET / and GET /versions' => sub {
        for my $case ([ '/', 300 ], [ '/versions', 200 ]) {
            my ($path, $status) = @$case;
            my $c = $env->connect();
            my $r = $c->request('GET', $path);

            status_is($r, $status, "GET $path");
            request_id_ok($r);
            has_header($r, 'Content-Type', qr!^application/json!);

            my $versions = $r->json();
            is(ref $versions->{versions}, 'ARRAY', 'a list of versions');

            for my $v (@{$versions->{versions}}) {
                like($v->{id}, qr/^v\d/, "id $v->{id}");
                like($v->{status}, qr/^[A-Z]+$/, 'status');
                is($v->{links}[0]{rel}, 'self', 'link');
                like($v->{links}[0]{href},
                     qr!^http://127\.0\.0\.1:$env->{nginx}{port}/!, 'href');
            }

            my $head = $c->request('HEAD', $path);
            like($head->{status}, qr/^(?:$status|405)$/, "HEAD $path");
            status_is($c->request('GET', $path), $status, 'second request');
        }
    });

    check('S-04 every answer has an id of its own' => sub {
        my %seen;
        my $c = $env->connect();
        my @requests = ([ 'GET', '/' ], [ 'GET', '/images' ],
                        [ 'GET', '/images/detail' ],
                        [ 'GET', "/images/$id" ], [ 'HEAD', "/images/$id" ],
                        [ 'GET', '/nowhere' ], [ 'PATCH', '/images' ],
                        [ 'GET', '/images/none' ]);

        for my $request (@requests) {
            my $r = $c->request(@$request);
            my @ids = $r->all('x-openstack-request-id');

            is(scalar @ids, 1, "@$request: one id");
            request_id_ok($r);
            ok(!$seen{$ids[0]}++, 'a new one');
        }

        my $r = $c->request('GET', '/images', headers => [
            'x-openstack-request-id' =>
                'req-00000000-0000-4000-8000-000000000000' ]);
        request_id_ok($r);
    });

    check('S-04 the request id is in the logs of both' => sub {
        my $r = $env->request('GET', '/images');
        my $name = $r->header('x-openstack-request-id');

        ok(wait_until(sub { $env->{nginx}->access_lines(qr/\Q$name\E/) }),
           'in the access log');
        ok(wait_until(sub {
            read_file($env->{registry}{log}) =~ /\Q$name\E/
        }, 20), 'in the log of the registry');
    });

    check('S-04 405 with Allow' => sub {
        my @cases = (
            [ '/images', 'GET, POST',
              qw/ PUT DELETE PATCH OPTIONS / ],
            [ '/images/', 'GET, POST', qw/ PUT DELETE PATCH / ],
            [ '/images/detail', 'GET', qw/ POST PUT DELETE PATCH / ],
            [ "/images/$id", 'DELETE, GET, HEAD, PUT', qw/ POST PATCH / ],
        );

        for my $case (@cases) {
            my ($path, $allow, @methods) = @$case;

            for my $method (@methods) {
                for my $body (undef, 'some bytes') {
                    my $r = refused($env, 405, "$method $path", $method,
                        $path, body => $body, headers => [
                            'Content-Type' => 'application/octet-stream' ]);

                    is(join(', ', sort map { split(/, */, $_) }
                            $r->all('Allow')), $allow, 'Allow');
                }
            }
        }

        is($env->request('GET', "/images/$id")->{body}, 'data',
           'nothing happened');
    });

    check('S-04 methods that nobody knows' => sub {
        for my $method (qw/ FOO TRACE CONNECT PROPFIND /) {
            my $r = $env->request($method, "/images/$id");
            like($r->{status}, qr/^(?:400|405|501)$/, $method)
                or diag($r->summary());
        }
    });

    check('S-04 404 for unknown paths' => sub {
        for my $path ('/nowhere', '/image', '/imagesx', '/images/1/2',
                      "/images/$id/x", "/images/$id/", '/images/detail/',
                      '/favicon.ico', '/v9/images',
                      '/_glance_registry/images', '/_glance_registry/claims',
                      '/claims', '/healthcheck2', '/images%2Fdetail2')
        {
            for my $method (qw/ GET POST DELETE /) {
                my $r = $env->request($method, $path);

                # unknown versions are answered with the list of versions
                my $expected = $path =~ m!^/v\d! ? qr/^(?:300|404)$/
                                                 : qr/^40[45]$/;

                like($r->{status}, $expected, "$method $path")
                    or diag($r->summary());

                # what is internal does not even exist
                request_id_ok($r) if $path !~ /_glance_registry/;
            }
        }

        refused($env, 404, 'GET', 'GET', '/nowhere');
        refused($env, 404, 'POST', 'POST', '/nowhere', body => 'x' x 1000);
        refused($env, 404, 'chunked', 'PUT', '/nowhere',
                body => 'x' x 1000, chunked => 1);

        my $c = $env->connect();
        my $r = $c->request('HEAD', '/nowhere');
        error_ok($r, 404, 'HEAD');
        ok(!$c->readable(), 'no body');
    });

    check('S-04 the form of an error is chosen by Accept' => sub {
        my $text = 'Image with identifier nope&lt; not found';
        my @forms = (
            [ undef, 'text/plain' ],
            [ 'text/plain', 'text/plain' ],
            [ 'image/png', 'text/plain' ],
            [ 'text/html', 'text/html' ],
            [ '*/*', 'text/html' ],
            [ 'text/html,application/xhtml+xml,*/*;q=0.8', 'text/html' ],
            [ 'application/json', 'application/json' ],
        );

        for my $form (@forms) {
            my ($accept, $type) = @$form;
            my $r = $env->request('GET', '/images/nope%3C', headers => [
                defined $accept ? (Accept => $accept) : () ]);
            my $title = defined $accept ? $accept : 'no Accept';

            status_is($r, 404, $title);
            has_header($r, 'Content-Type', qr/^\Q$type\E/i);

            if ($type eq 'application/json') {
                my $error = $r->json();

                like($error->{message}, qr/nope< not found/, 'message');
                is($error->{code}, '404 Not Found', 'code');
                is($error->{title}, 'Not Found', 'title');

            } elsif ($type eq 'text/html') {
                like($r->{body}, qr!<title>404 Not Found</title>!, 'title');
                like($r->{body}, qr!<h1>404 Not Found</h1>!, 'h1');
                like($r->{body}, qr/nope&lt; not found/, 'escaped');
                unlike($r->{body}, qr/nope</, 'not unescaped');

            } else {
                like($r->{body}, qr/\A404 Not Found\r?\n/, 'first line');
                like($r->{body}, qr/nope< not found/, 'detail');
            }
        }
    });

    check('S-04 the same for what the body has to wait for' => sub {
        for my $accept ('text/html', 'application/json', 'text/plain') {
            my $r = $env->post({ type => 'nope' }, body => 'data',
                               headers => [ Accept => $accept ]);

            status_is($r, 400, $accept);
            has_header($r, 'Content-Type', qr/^\Q$accept\E/);
            like($r->{body}, qr/type/, 'says what');
        }
    });

    check('S-03 without a registry the answer is 503' => sub {
        $env->{registry}->stop();

        for my $request ([ 'GET', '/images' ], [ 'GET', '/images/detail' ],
                         [ 'GET', "/images/$id" ], [ 'HEAD', "/images/$id" ],
                         [ 'DELETE', "/images/$id" ])
        {
            my $c = $env->connect();
            my $r = $c->request(@$request);

            error_ok($r, 503, "@$request");
            status_is($c->request('GET', '/versions'), 200, 'connection');
        }

        my $r = $env->post({}, body => noise(1_000_000));
        error_ok($r, 503, 'POST');
        status_is($env->request('GET', '/'), 300, 'GET / needs none');

        $env->{registry}->start();

        ok(wait_until(sub {
            $env->request('GET', "/images/$id")->{status} == 200
        }), 'it recovers by itself');
        is_deeply([ $env->files() ], [ $id ], 'nothing was left');
        is(scalar $env->rows(), 1, 'nothing was recorded');
    });
});


done_testing();
