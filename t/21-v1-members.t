#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Members, owners and visibility in API v1 (specs/v1.md 2.11 and 2.12), with
# identities of an authenticating proxy and without any.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V1Rights qw/ body members v1_rights /;


my $unknown = '00000000-0000-4000-8000-000000000000';


# headers of an identity: the project has the name of who asks

sub as {
    my ($who) = @_;

    return (headers => [
        'X-Identity-Status' => 'Confirmed', 'X-User-Id' => "u-$who",
        'X-Project-Id' => $who,
        'X-Roles' => $who eq 'admin' ? 'member,Admin' : 'member',
    ]);
}


for_each_database(sub {
    my ($env) = @_;

    check('members without identity' => sub {
        my $id = $env->v1_create({ name => 'n' });
        my $path = "/v1/images/$id/members";

        my $r = $env->request('GET', $path);
        status_is($r, 200);
        is_deeply($r->json(), { members => [] }, 'none');
        has_header($r, 'Content-Type', 'application/json');
        request_id_ok($r);

        $r = $env->request('PUT', "$path/froggy");
        status_is($r, 204, 'one more');
        is($r->{body}, '', 'no body');
        status_is($env->request('PUT', "$path/toad",
                                body({ member => { can_share => \1 } })), 204,
                  'one who may share');
        is(members($env->request('GET', $path)), 'froggy:0 toad:1', 'both');

        status_is($env->request('PUT', "$path/toad"), 204, 'again');
        is(members($env->request('GET', $path)), 'froggy:0 toad:1',
           'can_share stays as it was');

        status_is($env->request('PUT', $path, body({ memberships => [
            { member_id => 'newt', can_share => \1 },
            { member_id => 'toad' } ] })), 204, 'all of them anew');
        is(members($env->request('GET', $path)), 'newt:1 toad:1', 'replaced');

        status_is($env->request('DELETE', "$path/newt"), 204, 'one less');
        is(members($env->request('GET', $path)), 'toad:1', 'one left');
        status_is($env->request('PUT', "$path/newt"), 204, 'revived');

        $r = $env->request('GET', '/v1/shared-images/newt');
        status_is($r, 200);
        is_deeply($r->json(), { shared_images => [
            { image_id => $id, can_share => JSON::PP::false } ] },
            'shared with newt');

        for my $case (
            [ 'DELETE', "$path/nobody", 404, qr/nobody/ ],
            [ 'GET', "/v1/images/$unknown/members", 404, qr/$unknown/ ],
            [ 'PUT', "/v1/images/$unknown/members/m", 404, qr/$unknown/ ],
            [ 'DELETE', "/v1/images/$unknown/members/m", 404, qr/$unknown/ ])
        {
            my ($method, $uri, $status, $words) = @$case;
            error_ok($env->request($method, $uri), $status, "$method $uri",
                     $words);
        }

        for my $json ('{', '[]', '"x"', '{"members": []}',
                      '{"memberships": {}}', '{"memberships": [1]}',
                      '{"memberships": [{"can_share": true}]}',
                      '{"memberships": [{"member_id": 7}]}',
                      '{"memberships": [{"member_id": ""}]}')
        {
            error_ok($env->request('PUT', $path, body($json)), 400, $json);
        }

        error_ok($env->request('PUT', $path), 400, 'no body');
        error_ok($env->request('PUT', "$path/m", body('{"member": 1}')), 400,
                 'member is no object');
        error_ok($env->request('PUT', "$path/" . 'm' x 256), 400,
                 'a name too long', qr/member/);
        error_ok($env->request('PUT', $path, body({ memberships => [
            map +{ member_id => "m$_" }, 1 .. 129 ] })), 413,
            'more than the quota');
        error_ok($env->request('PUT', $path, body('x' x 300_000)), 413,
                 'a body too long');
        error_ok($env->request('PUT', $path, body('x' x 300_000,
                                                  chunked => 1)), 413,
                 'the same in chunks');

        is(members($env->request('GET', $path)), 'newt:0 toad:1',
           'refusals change nothing');

        my $gone = $env->v1_create({ name => 'gone' });
        my $its = "/v1/images/$gone/members";

        status_is($env->request('GET', $its), 200);
        status_is($env->v1('DELETE', "/$gone"), 200);
        error_ok($env->request('GET', $its), 404,
                 'of a deleted image, for administrators too', qr/$gone/);

        # 128 of the longest names do not fit into one buffer
        my @many = map { sprintf("%03d", $_) . "\x{e9}" x 252 } 1 .. 128;
        status_is($env->request('PUT', $path, body({ memberships =>
            [ map +{ member_id => $_ }, @many ] }, chunked => 1)), 204,
            'many long names');
        my @got = map { $_->{member_id} }
                  @{$env->request('GET', $path)->json()->{members}};
        is_deeply([ sort @got ], \@many, 'all are there');

        $env->wipe();
    });
});


for_each_database(sub {
    my ($env) = @_;

    v1_rights($env, \&as, sub { return $_[0] });
}, nginx => { identity => 'trusted', proxies => [ '127.0.0.1' ] },
   registry => { 'paste_deploy/flavor' => 'trusted',
                 registry_secret => 'open sesame' });


done_testing();
