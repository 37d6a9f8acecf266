#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Members, owners and visibility in API v1 (specs/v1.md 2.11 and 2.12), with
# identities of an authenticating proxy and without any.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $unknown = '00000000-0000-4000-8000-000000000000';
my %raw = (disk_format => 'raw', container_format => 'bare');


# headers of an identity: as('project') or as('project', 'admin')

sub as {
    my ($project, @roles) = @_;

    return (headers => [
        'X-Identity-Status' => 'Confirmed', 'X-User-Id' => "u-$project",
        'X-Project-Id' => $project, 'X-Roles' => join(',', 'member', @roles),
    ]);
}


sub body {
    my ($json, %o) = @_;

    $json = JSON::PP->new->utf8->canonical->encode($json) if ref $json;

    return (%o, body => $json, headers => [
        'Content-Type' => 'application/json', @{$o{headers} || []} ]);
}


sub members {
    my ($r) = @_;

    return $r->summary() if $r->{status} != 200;
    return join(' ', map { "$_->{member_id}:" . ($_->{can_share} ? 1 : 0) }
                     sort { $a->{member_id} cmp $b->{member_id} }
                     @{$r->json()->{members}});
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

    my $create = sub {
        my ($who, $meta, %o) = @_;

        my $r = $env->v1('POST', '', { %raw, %$meta }, body => 'data', @$who,
                         %o);
        die $r->summary() if $r->{status} != 201;
        return $r->json()->{image};
    };

    my @owner = as('owner');
    my @friend = as('friend');
    my @stranger = as('stranger');
    my @admin = as('cloud', 'Admin');

    check('owner and visibility' => sub {
        my $image = $create->(\@owner, { name => 'n', owner => 'stranger' });
        my $id = $image->{id};

        is($image->{owner}, 'owner', 'the owner is who asks');
        is($create->(\@admin, { name => 'x', owner => 'owner' })->{owner},
           'owner', 'administrators may name another');

        status_is($env->v1('GET', "/$id", {}, @owner), 200, 'owner reads');
        status_is($env->v1('GET', "/$id", {}, @admin), 200, 'admin reads');

        for my $method (qw/ GET HEAD PUT DELETE /) {
            status_is($env->v1($method, "/$id", {}, @stranger), 404,
                      "stranger: $method");
        }

        status_is($env->v1('PUT', "/$id", { is_public => 1 }, @owner), 200,
                  'made public');
        status_is($env->v1('GET', "/$id", {}, @stranger), 200,
                  'a stranger reads it');
        status_is($env->v1('PUT', "/$id", { name => 'm' }, @stranger), 403,
                  'but does not change it');
        status_is($env->v1('DELETE', "/$id", {}, @stranger), 403,
                  'nor delete it');
        is($env->v1('HEAD', "/$id", {}, @owner)->meta()->{name}, 'n',
           'it is as it was');

        status_is($env->v1('PUT', "/$id", { owner => 'stranger' }, @owner),
                  200, 'owner in a PUT');
        is($env->v1('HEAD', "/$id", {}, @owner)->meta()->{owner}, 'owner',
           'is ignored');
        status_is($env->v1('DELETE', "/$id", {}, @owner), 200,
                  'the owner deletes it');
        status_is($env->v1('HEAD', "/$id", {}, @owner), 404, 'gone');
        status_is($env->v1('HEAD', "/$id", {}, @admin), 200,
                  'administrators see it still');
        status_is($env->v1('GET', "/$id", {}, @admin), 404, 'not its data');
        $env->wipe();
    });

    check('no identity' => sub {
        my $id = $create->(\@owner, { name => 'n', is_public => 1 })->{id};

        for my $path ('/v1/images', '/v1/images/detail', "/v1/images/$id",
                      "/v1/images/$id/members", '/v1/shared-images/owner',
                      '/images', "/images/$id")
        {
            error_ok($env->request('GET', $path), 401, $path);
        }

        status_is($env->request('GET', $_), $_ eq '/' ? 300 : 200, "open: $_")
            for '/', '/versions';
        $env->wipe();
    });

    check('sharing' => sub {
        my $id = $create->(\@owner, { name => 'n' })->{id};
        my $path = "/v1/images/$id/members";

        status_is($env->request('PUT', "$path/friend", @stranger), 404,
                  'a stranger cannot share');
        status_is($env->request('PUT', "$path/friend", @owner), 204,
                  'the owner can');
        status_is($env->v1('GET', "/$id", {}, @friend), 200,
                  'the member reads');
        status_is($env->v1('PUT', "/$id", { name => 'm' }, @friend), 404,
                  'but does not change it');
        status_is($env->v1('DELETE', "/$id", {}, @friend), 404,
                  'nor delete it');
        status_is($env->request('PUT', "$path/stranger", @friend), 404,
                  'nor share it');
        is(members($env->request('GET', $path, @friend)), 'friend:0',
           'he sees his membership');
        is(members($env->request('GET', $path, @owner)), 'friend:0',
           'so does the owner');
        status_is($env->request('GET', $path, @stranger), 404,
                  'a stranger does not');

        status_is($env->request('PUT', "$path/friend",
                      body({ member => { can_share => \1 } }, @owner)), 204,
                  'the member may share now');
        status_is($env->request('PUT', "$path/third", @friend), 204,
                  'and does');
        status_is($env->v1('GET', "/$id", {}, as('third')), 200,
                  'the third reads');

        my $shared = sub {
            my $r = $env->request('GET', "/v1/shared-images/$_[0]", @{$_[1]});
            return join(' ', map { $_->{image_id} }
                             @{$r->json()->{shared_images} || []});
        };

        is($shared->('friend', \@friend), $id, 'shared with me');
        is($shared->('friend', \@owner), $id, 'shared by me');
        is($shared->('friend', \@admin), $id, 'seen by administrators');
        is($shared->('friend', \@stranger), '', 'not by strangers');

        status_is($env->request('DELETE', "$path/friend", @owner), 204,
                  'no member any more');
        status_is($env->v1('GET', "/$id", {}, @friend), 404, 'reads no more');
        $env->wipe();
    });

    check('lists' => sub {
        $create->(\@owner, { name => 'mine' });
        $create->(\@stranger, { name => 'public', is_public => 1 });
        $create->(\@stranger, { name => 'theirs' });

        my $id = $create->(\@stranger, { name => 'shared' })->{id};
        status_is($env->request('PUT', "/v1/images/$id/members/owner",
                                @stranger), 204);

        my $names = sub {
            my ($query, @who) = @_;

            my $r = $env->request('GET', "/v1/images/detail$query", @who);
            return $r->summary() if $r->{status} != 200;
            return join(' ', sort map { $_->{name} } @{$r->json()->{images}});
        };

        is($names->('', @owner), 'mine public shared', 'user');
        is($names->('?is_public=none', @owner), 'mine public shared',
           'is_public is not for users');
        is($names->('', @admin), 'public', 'administrator');
        is($names->('?is_public=none', @admin), 'mine public shared theirs',
           'administrator: all');
        is($names->('?is_public=false', @admin), 'mine shared theirs',
           'administrator: not public');
        error_ok($env->request('GET', "/v1/images?marker=$id", as('third')),
                 400, 'a marker that one cannot see', qr/marker/);
        $env->wipe();
    });
}, nginx => { identity => 'trusted', proxies => [ '127.0.0.1' ] },
   registry => { 'paste_deploy/flavor' => 'trusted',
                 registry_secret => 'open sesame' });


done_testing();
