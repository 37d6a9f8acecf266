#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2 while the database is away: every request gets a 503 in the form it
# asks for, nothing is done, and all goes on when it is there again.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Database;
use Glance::Test;
use Glance::V2;

my $missing = Glance::Database::missing('mysql');
plan(skip_all => $missing) if $missing;


with_env('mysql', sub {
    my ($env) = @_;

    my $server = Glance::Database::server();
    my $id = $env->v2_create({ name => 'kept' }, body => 'data');
    my $queued = $env->v2_create({});
    my @octets = (headers => [ 'Content-Type' =>
                               'application/octet-stream' ]);
    my @patch = (headers => [ 'Content-Type' => $v21 ]);

    my @cases = (
        [ GET => '/images' ], [ POST => '/images', body => '{}' ],
        [ GET => "/images/$id" ], [ DELETE => "/images/$id" ],
        [ PATCH => "/images/$id", @patch,
          body => '[{"op": "replace", "path": "/name", "value": "x"}]' ],
        [ GET => "/images/$id/file" ],
        [ PUT => "/images/$queued/file", @octets, body => 'x' ],
        [ POST => "/images/$id/actions/deactivate" ],
        [ POST => "/images/$id/actions/reactivate" ],
        [ PUT => "/images/$id/tags/t" ], [ DELETE => "/images/$id/tags/t" ],
        [ GET => "/images/$id/members" ],
        [ POST => "/images/$id/members", body => '{"member": "m"}' ],
        [ GET => "/images/$id/members/m" ],
        [ PUT => "/images/$id/members/m", body => '{"status": "accepted"}' ],
        [ DELETE => "/images/$id/members/m" ],
        [ GET => "/images/$id/locations" ], [ GET => "/images/$id/tasks" ],
    );

    $server->stop();

    for my $case (@cases) {
        my ($method, $path, %o) = @$case;

        for my $accept ('*/*', 'application/json') {
            my $r = $env->request($method, "/v2$path", %o, headers => [
                @{$o{headers} || []}, Accept => $accept ]);

            error_ok($r, 503, "$method $path, $accept");
            has_header($r, 'Retry-After', qr/^\d+$/);
            has_header($r, 'Content-Type', $accept eq '*/*'
                       ? 'text/html; charset=UTF-8' : 'application/json');
            unlike($r->{body}, qr/mysql|127\.0|glance\@/i,
                   'nothing about where it is');
        }
    }

    # what needs no database goes on
    status_is($env->request('GET', "/v2$_"), 200, $_)
        for '/schemas/image', '/schemas/metadefs/tag', '/info/import',
            '/info/usage';

    $server->start();
    ok(wait_until(sub {
        $env->request('GET', '/v2/images')->{status} == 200
    }), 'and it recovers');

    my $image = $env->v2('GET', "/$id")->json();

    is_deeply([ @$image{qw/ name status tags /} ], [ 'kept', 'active', [] ],
              'nothing was changed');
    is($env->v2('GET', "/$id/file")->{body}, 'data', 'nor the data');
    is($env->v2('GET', "/$id/members")->json()->{members}[0], undef,
       'nobody was added');
    is($env->status_of($queued), 'queued', 'an upload can be tried again');
    status_is($env->v2_upload($queued, body => 'data'), 204, 'and works');
}, registry => { sql_retry_interval => 0 });


done_testing();
