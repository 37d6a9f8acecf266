#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2 from outside: versions, paths and methods, error bodies, request ids,
# pages of other origins, and what of a request reaches the registry (specs:
# v2 part 1).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $gone = '00000000-0000-4000-8000-000000000000';
my $proxy = '127.0.0.2';


# [GET => '/path'] and so on are answered so

sub answers {
    my ($env, $status, @cases) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $case (@cases) {
        my ($method, $path, @o) = @$case;
        my $r = $env->request($method, $path, @o);

        status_is($r, $status, "$method $path: $status");
        request_id_ok($r);
    }
}


with_env('sqlite', sub {
    my ($env) = @_;

    my $base = "http://127.0.0.1:$env->{nginx}{port}";

    check('version documents' => sub {
        my @expected = ('v2.17 CURRENT', map { "v$_ SUPPORTED" }
            qw/ 2.15 2.9 2.7 2.6 2.5 2.4 2.3 2.2 2.1 2.0 1.1 1.0 /);

        for my $case ([ GET => '/', 300 ], [ GET => '/versions', 200 ],
                      [ POST => '/versions/', 200 ], [ GET => '/v3', 300 ],
                      [ GET => '/v2.99/images', 300 ],
                      [ GET => '/v2.8/images', 300 ], [ PUT => '/', 300 ])
        {
            my ($method, $path, $status) = @$case;
            my $r = $env->request($method, $path);
            my $list = $r->json()->{versions};

            status_is($r, $status, "$method $path");
            has_header($r, 'Content-Type', 'application/json');
            is_deeply([ map { "$_->{id} $_->{status}" } @$list ], \@expected,
                      'ids and statuses');
            is_deeply($list->[0], { id => 'v2.17', status => 'CURRENT',
                links => [{ rel => 'self', href => "$base/v2/" }] },
                'an entry');
        }

        my $r = $env->request('GET', '/v2');
        status_is($r, 302, '/v2');
        has_header($r, 'Location', "$base/v2/");
        is($r->{body}, '', 'without a body');
    });

    check('health' => sub {
        my $r = $env->request('GET', '/healthcheck');

        status_is($r, 200);
        is($r->{body}, 'OK', 'OK');
        has_header($r, 'Content-Type', qr!^text/plain!);
        answers($env, 405, [ POST => '/healthcheck' ]);
    });

    check('405 with Allow' => sub {
        my %allow = (
            '/v2/images' => 'GET, POST',
            "/v2/images/$gone" => 'GET, PATCH, DELETE',
            "/v2/images/$gone/file" => 'GET, PUT',
            "/v2/images/$gone/actions/deactivate" => 'POST',
            "/v2/images/$gone/actions/reactivate" => 'POST',
            "/v2/images/$gone/tags/t" => 'PUT, DELETE',
            "/v2/images/$gone/members" => 'GET, POST',
            "/v2/images/$gone/members/m" => 'GET, PUT, DELETE',
            '/v2/schemas/image' => 'GET',
            '/v2/schemas/metadefs/tag' => 'GET',
            '/v2/info/import' => 'GET',
            '/v2/info/stores/detail' => 'GET',
        );

        for my $path (sort keys %allow) {
            for my $method (qw/ GET HEAD POST PUT PATCH DELETE BREW /) {
                next if $allow{$path} =~ /\b$method\b/;

                my $r = $env->request($method, $path);

                status_is($r, 405, "$method $path");
                has_header($r, 'Allow', $allow{$path});
                request_id_ok($r);
                like($r->{body}, qr/The method $method is not allowed for this/,
                     'says so') if $method ne 'HEAD';
            }
        }
    });

    check('404 for unknown paths' => sub {
        answers($env, 404, map { [ GET => $_ ] } '/v2/', '/v2/images/',
                '/v2/image', '/v2/schemas', '/v2/metadefs',
                "/v2/images/$gone/", "/v2/images/$gone/files",
                "/v2/images/$gone/tags/", "/v2/images/$gone/tags/a/b",
                "/v2/images/$gone/tags/a%2Fb", "/v2/images/$gone/file/",
                '/v2/v2/images');
    });

    check('the version by the path or the media type' => sub {
        my @same = map { "/v2.$_/images/$gone/file" } 0 .. 7, 9, 15, 17;

        answers($env, 404, map { [ GET => $_ ] } @same);
        answers($env, 404, [ GET => "/images/$gone/file", headers => [
            Accept => 'application/vnd.openstack.images-v2.7' ] ]);

        for my $path (@same) {
            like($env->request('GET', $path)->{body},
                 qr/No image found with ID $gone/, "$path is of API v2");
        }
    });

    check('error bodies by Accept' => sub {
        my $text = 'The resource could not be found.';

        my $r = $env->request('GET', '/v2/no', headers => [ Accept => '*/*' ]);
        has_header($r, 'Content-Type', 'text/html; charset=UTF-8');
        is($r->{body}, "<html>\n <head>\n  <title>404 Not Found</title>\n"
           . " </head>\n <body>\n  <h1>404 Not Found</h1>\n  $text<br />"
           . "<br />\n\n\n\n </body>\n</html>", 'HTML');
        is(length $r->{body}, 154, '154 bytes');

        $r = $env->request('GET', '/v2/no', headers => [
            Accept => 'application/json' ]);
        has_header($r, 'Content-Type', 'application/json');
        is_deeply($r->json(), { code => '404 Not Found', title => 'Not Found',
            message => "$text<br /><br />\n\n\n" }, 'JSON');

        for my $accept ('', 'text/plain', 'image/png') {
            $r = $env->request('GET', '/v2/no', headers => [
                $accept ? (Accept => $accept) : () ]);
            has_header($r, 'Content-Type', 'text/plain; charset=UTF-8');
            is($r->{body}, "404 Not Found\n\n$text\n\n   ", 'text');
        }
    });

    check('bodies where none belongs' => sub {
        for my $case ([ PUT => "/v2/images/$gone/tags/t" ],
                      [ DELETE => "/v2/images/$gone" ],
                      [ GET => "/v2/images/$gone/file" ],
                      [ GET => '/v2/schemas/image' ],
                      [ POST => "/v2/images/$gone/actions/deactivate" ],
                      [ DELETE => "/v2/images/$gone/members/m" ])
        {
            refused($env, 400, "@$case", @$case, body => '{}',
                    words => qr/A body is not expected with this request/);
            refused($env, 400, "@$case, chunked", @$case, chunked => 1,
                    body => '{}');
        }

        my $c = $env->connect();
        my $r = $c->request('GET', '/v2/images', body => 'x' x 100_000);
        isnt($r->{status}, 400, 'a list does not mind one');
        status_is($c->request('GET', '/versions'), 200, 'nor the connection');
    });

    check('bodies that are too long' => sub {
        my $long = 'x' x (1024 * 1024 + 1);

        refused($env, 413, 'by their length', 'POST', '/v2/images',
                body => $long);
        refused($env, 413, 'as they come', 'POST', '/v2/images',
                chunked => 1, stop_early => 1, body => $long);
    });

    check('bodies that are broken' => sub {
        for my $body ("zz\r\n{}\r\n0\r\n\r\n", "fffffffffffffffffff\r\n") {
            my $c = $env->connect();

            $c->send($c->head('POST', '/v2/images', chunked => 1) . $body);
            error_ok($c->read_response('POST'), 400, 'chunks that are none',
                     qr/The body is malformed/);
        }

        my $c = $env->connect();
        $c->send($c->head('POST', '/v2/images', length => 10) . '{');
        $c->close();
        status_is($env->request('GET', '/versions'), 200, 'one that ends');
    });

    check('request ids' => sub {
        my $id = sub {
            my ($id, $path) = @_;

            return $env->request('GET', $path || '/v2/images', headers => [
                'X-Openstack-Request-ID' => $id ]);
        };

        for my $path ('/v2/images', '/v2/no', "/v2/images/$gone/file") {
            has_header($id->('req-abc', $path), 'x-openstack-request-id',
                       'req-abc', "$path: taken over");
            has_header($id->('abc', $path), 'x-openstack-request-id',
                       'req-abc', "$path: with a prefix");
        }

        status_is($id->('x' x 65), 400, 'too long');
        status_is($id->("a\tb"), 400, 'not printable');
        isnt($id->('x' x 64)->{status}, 400, 'as long as can be');
        like(read_file($env->{nginx}{access_log}), qr/ req-abc$/m,
             'and in the log');
    });

    check('OPTIONS' => sub {
        for my $path ('/v2/images', '/v2/no', "/v2/images/$gone/file") {
            my $r = $env->request('OPTIONS', $path, headers => [
                Origin => 'http://page.test',
                'Access-Control-Request-Method' => 'GET' ]);

            status_is($r, 200, $path);
            is($r->header('Content-Length'), 0, 'nothing in it');
            ok(!grep({ $_->[0] =~ /^(?:Access|Vary)/ } @{$r->{headers}}),
               'nobody is allowed');
        }
    });

    check('a creation that nginx sends twice' => sub {
        my %o = (body => '{"name": "once", "tags": ["a"]}', headers => [
            'X-Glance-New-Id' => '00000000-0000-4000-8000-000000000001' ]);
        my @r = map { $env->{registry}->request('POST', '/v2/images', %o) }
                1, 2;

        status_is($_, 201) for @r;
        is_deeply($r[0]->json(), $r[1]->json(), 'is one image');
        is(scalar($env->rows("name = 'once'")), 1, 'one row');

        my %given = (%o, body => '{"id": "00000000-0000-4000-8000-'
                                 . '000000000001"}');
        status_is($env->{registry}->request('POST', '/v2/images', %given),
                  409, 'unless the caller gives the id');
        $env->wipe();
    });

    check('no registry' => sub {
        $env->{registry}->stop();

        for my $accept ('*/*', 'application/json', 'text/plain') {
            for my $case ([ GET => '/v2/images' ],
                          [ POST => '/v2/images', body => '{}' ],
                          [ PATCH => "/v2/images/$gone", body => '[]' ],
                          [ GET => "/v2/images/$gone/file" ])
            {
                my ($method, $path, @o) = @$case;
                my $c = $env->connect();
                my $r = $c->request($method, $path, @o, headers => [
                    Accept => $accept ]);

                error_ok($r, 503, "$method $path, $accept",
                         qr/The registry is not available/);
                has_header($r, 'Retry-After', qr/^\d+$/);
                status_is($c->request('GET', '/versions'), 200, 'connection');
            }
        }

        status_is($env->request('GET', '/healthcheck'), 503, 'health');

        $env->{registry}->start();
        ok(wait_until(sub {
            $env->request('GET', '/healthcheck')->{status} == 200
        }), 'and it recovers');
    });
});


# what reaches a registry: a mock that repeats it

my $mock = Glance::Echo->new();

$mock->start();

my %mocked = (nginx => { registries => [ "127.0.0.1:$mock->{port}" ],
                         secret => 's3cret' });

with_env('sqlite', sub {
    my ($env) = @_;

    my $base = "http://127.0.0.1:$env->{nginx}{port}";

    my @forged = (
        'X-Identity-Status' => 'Confirmed', 'X-User-Id' => 'mallory',
        'X-Tenant-Id' => 'victim', 'X-Project-Id' => 'victim',
        'X-Roles' => 'admin', 'X-Service-Roles' => 'service',
        'X-System-Scope' => 'all', 'X-Glance-Secret' => 's3cret',
        'X-Glance-Policy' => 'get_image', 'X-Glance-Claim' => $gone,
        'X-Glance-Claim-Lease' => 3600, 'X-Glance-Claim-Abort' => 'delete',
        'X-Glance-Node' => 'n', 'X-Glance-Endpoint' => 'http://evil.test',
        'X-Glance-New-Id' => $gone, 'X-Glance-Hash' => 'md5',
        'X-Glance-Sources' => 'file', 'X-Glance-Sizes' => '1',
        'X-Glance-Registry-Purge-Props' => 'true', 'X_Roles' => 'admin',
        'X-Auth-Token' => 'token', 'Cookie' => 'a=b',
        'Authorization' => 'Basic eDp5', 'Forwarded' => 'for=1.2.3.4',
    );

    check('headers of clients' => sub {
        for my $case ([ GET => '/v2/images?limit=1&name=a%20b' ],
                      [ POST => '/v2/images', body => '{"name": "x"}' ],
                      [ PATCH => "/v2/images/$gone", body => '[]',
                        chunked => 1 ])
        {
            my ($method, $path, %o) = @$case;
            my $got = $env->request($method, $path, %o, headers => [
                @forged, Accept => 'application/json',
                'Content-Type' => 'application/x-test' ])->json();
            my %names = map { $_ => 1 } keys %{$got->{headers}};

            is($got->{line}, "$method $path HTTP/1.1", "$method $path");
            is($got->{body}, defined $o{body} ? $o{body} : '', 'the body');
            is_deeply([ sort keys %names ],
                [ sort qw/ accept content-type host x-glance-endpoint
                           x-glance-secret x-openstack-request-id x-roles /,
                  defined $o{body} ? 'content-length' : (),
                  $method ne 'GET' ? 'x-glance-new-id' : (),
                  $method eq 'PATCH' ? 'x-glance-hash' : () ],
                'those that there are');
            isnt($got->{headers}{'x-glance-new-id'} || '', $gone, 'our id');
            is($got->{headers}{'x-roles'}, 'admin', 'our roles');
            is($got->{headers}{'x-glance-hash'} || 'sha512', 'sha512',
               'our digest');
            is($got->{headers}{'x-glance-endpoint'}, $base, 'our base');
            is($got->{headers}{'content-type'}, 'application/x-test',
               'the type of the body');
        }
    });

    check('answers of the registry' => sub {
        my $r = $env->request('GET', '/v2/images?status=418');

        status_is($r, 418, 'its status');
        has_header($r, 'x-openstack-request-id', 'req-mock', 'its id, once');
        has_header($r, 'Location', 'http://glance_registry/x', 'its headers');
        has_header($r, 'OpenStack-image-import-methods', 'a,b');
    });

    check('bad answers of the registry' => sub {
        for my $kind (qw/ garbage close headers /) {
            my $r = $env->request('GET', "/v2/images?bad=$kind");

            error_ok($r, 503, $kind);
            has_header($r, 'Retry-After', qr/^\d+$/);
        }
    });
}, %mocked);


# identity

with_env('sqlite', sub {
    my ($env) = @_;

    my $ask = sub {
        my ($from, @headers) = @_;

        return $env->connect(from => $from)
               ->request('GET', '/v2/images', headers => [ @headers ]);
    };

    my @alice = ('X-Identity-Status' => 'Confirmed', 'X-User-Id' => 'u',
                 'X-Project-Id' => 'p', 'X-Roles' => 'Member, READER ,b c',
                 'X-Service-Roles' => 'Service', 'X-System-Scope' => 'all');

    check('trusted' => sub {
        my $got = $ask->($proxy, @alice)->json()->{headers};

        is($got->{$_->[0]}, $_->[1], $_->[0])
            for [ 'x-identity-status', 'Confirmed' ], [ 'x-user-id', 'u' ],
                [ 'x-project-id', 'p' ], [ 'x-tenant-id', 'p' ],
                [ 'x-roles', 'member,reader,b c' ],
                [ 'x-service-roles', 'service' ], [ 'x-system-scope', 'all' ];

        for my $r ($ask->('127.0.0.1', @alice), $ask->($proxy)) {
            error_ok($r, 401, 'others',
                     qr/The request you have made requires authentication/);
        }

        for my $path ('/v2', '/v2/', '/v2/no') {
            status_is($env->request('GET', $path), 401, $path);
        }

        status_is($env->request('GET', $_->[0]), $_->[1], "$_->[0]: open")
            for [ '/', 300 ], [ '/versions', 200 ], [ '/healthcheck', 200 ],
                [ '/v2.99/', 300 ];
        status_is($env->request('OPTIONS', '/v2/images'), 200, 'OPTIONS');
    });
}, nginx => { %{$mocked{nginx}}, identity => 'trusted',
              proxies => [ $proxy ] });

$mock->stop();


# pages of other origins

my $page = 'https://horizon.test:8443';

with_env('sqlite', sub {
    my ($env) = @_;

    my $cors = sub {
        my ($r) = @_;

        return { map { /^(?:Access-Control-(.*)|(Vary))$/
                       ? ("$+" => $r->header($_)) : () }
                 map { $_->[0] } @{$r->{headers}} };
    };

    check('preflight requests' => sub {
        my @cases = (
            [ $page, 'PUT', 'x-auth-token, Content-Type,pragma', 1 ],
            [ $page, 'GET', undef, 1 ],
            [ $page, 'HEAD', undef, 0 ],
            [ $page, 'PUT', 'x-auth-token,x-evil', 0 ],
            [ $page, undef, undef, 0 ],
            [ 'http://evil.test', 'GET', undef, 0 ],
            [ "$page.evil.test", 'GET', undef, 0 ],
            [ undef, 'GET', undef, 0 ],
        );

        for my $path ('/v2/images', "/v2/images/$gone/file", '/v1/images',
                      '/', '/no')
        {
            for my $case (@cases) {
                my ($origin, $method, $headers, $allowed) = @$case;

                my $r = $env->request('OPTIONS', $path, headers => [
                    defined $origin ? (Origin => $origin) : (),
                    defined $method
                        ? ('Access-Control-Request-Method' => $method) : (),
                    defined $headers
                        ? ('Access-Control-Request-Headers' => $headers)
                        : () ]);

                my $title = join(' ', $path, map { defined $_ ? $_ : '-' }
                                       @$case);

                status_is($r, 200, $title);
                is_deeply($cors->($r), $allowed ? {
                    'Allow-Origin' => $page, 'Allow-Credentials' => 'true',
                    'Max-Age' => 3600, 'Allow-Methods' => $method,
                    Vary => 'Origin',
                    defined $headers ? ('Allow-Headers' => $headers) : (),
                } : {}, 'allows that, or nothing');
            }
        }
    });

    check('other answers' => sub {
        my $expected = {
            'Allow-Origin' => $page, 'Allow-Credentials' => 'true',
            Vary => 'Origin', 'Expose-Headers' => 'X-Image-Meta-Checksum,'
            . 'X-Auth-Token,X-Subject-Token,X-Service-Token,'
            . 'X-OpenStack-Request-ID' };

        for my $path ('/versions', '/v2/images', '/v2/no', '/images',
                      "/v2/images/$gone/file", '/healthcheck')
        {
            for my $origin ($page, 'http://evil.test') {
                my $r = $env->request('GET', $path, headers => [
                    Origin => $origin ]);

                is_deeply($cors->($r), $origin eq $page ? $expected : {},
                          "$path for $origin: $r->{status}");
            }
        }

        $env->{registry}->stop();

        my $r = $env->request('GET', '/v2/images', headers => [
            Origin => $page ]);
        status_is($r, 503, 'no registry');
        is_deeply($cors->($r), $expected, 'the same');
    });
}, nginx => { directives => "glance_cors_origin http://other.test $page;" });


with_env('sqlite', sub {
    my ($env) = @_;

    my $r = $env->request('GET', '/v2/images', headers => [
        Origin => 'http://any.test' ]);

    has_header($r, 'Access-Control-Allow-Origin', '*', 'all origins');
    has_header($r, 'Access-Control-Allow-Credentials', '', 'no credentials');
    has_header($r, 'Access-Control-Expose-Headers', 'X-One,X-Two');

    $r = $env->request('OPTIONS', '/v2/images', headers => [
        Origin => 'http://any.test', 'Access-Control-Request-Method' => 'GET',
        'Access-Control-Request-Headers' => 'x-three' ]);
    has_header($r, 'Access-Control-Allow-Headers', 'x-three');
    has_header($r, 'Access-Control-Max-Age', '60');
}, nginx => { directives => join("\n            ",
    'glance_cors_origin *;', 'glance_cors_credentials off;',
    'glance_cors_expose X-One X-Two;', 'glance_cors_headers X-Three;',
    'glance_cors_methods GET;', 'glance_cors_max_age 1m;') });


done_testing();


# a server that answers with what it was asked, as JSON

package Glance::Echo;

use parent -norequire, 'Glance::Program';


sub new {
    my ($class) = @_;

    my $dir = Glance::Process::temp_dir();

    return bless { name => 'echo', dir => $dir, output => "$dir/output.log",
                   port => Glance::Process::free_port(),
                   forbidden => qr/ at \S+ line/ }, $class;
}


sub start {
    my ($p) = @_;

    return $p->launch([ $^X, "$FindBin::Bin/mock/echo.pl", $p->{port} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port}) } ? 1 : 0;
}
