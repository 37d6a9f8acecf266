package Glance::V1Rights;

# Copyright (C) ngx_glance authors

# Who may do what in API v1 (specs/v1.md 2.3, 2.5, 2.6 and 2.9 to 2.12),
# whichever way the server learns who asks.

use warnings;
use strict;

use Exporter qw/ import /;
use JSON::PP ();

use Glance::Test;

our @EXPORT_OK = qw/ body members v1_rights /;

my %raw = (disk_format => 'raw', container_format => 'bare');


# JSON as body of a request

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


# "as" gives the options of a request of owner, friend, stranger, third (each
# of a project of his own) and admin, "id" the project of one of them

sub v1_rights {
    my ($env, $as, $id) = @_;

    my %who = map { $_ => [ $as->($_) ] }
              qw/ owner friend stranger third admin /;
    my %project = map { $_ => $id->($_) } keys %who;

    my $rights = bless { env => $env, who => \%who, project => \%project };

    for my $part (qw/ visibility nobody deleted sharing lists /) {
        check("v1: $part" => sub { $rights->$part() });
        $env->wipe();
    }
}


sub v1 {
    my ($rights, $who, $method, $path, $meta, %o) = @_;

    return $rights->{env}->v1($method, $path, $meta, @{$rights->{who}{$who}},
                              %o);
}


sub request {
    my ($rights, $who, $method, $path, %o) = @_;

    my %given = @{$rights->{who}{$who}};

    return $rights->{env}->request($method, $path, %given, %o, headers => [
        @{$given{headers}}, @{$o{headers} || []} ]);
}


# the new image of somebody

sub create {
    my ($rights, $who, $meta) = @_;

    my $r = $rights->v1($who, 'POST', '', { %raw, %$meta }, body => 'data');

    die $r->summary() if $r->{status} != 201;

    return $r->json()->{image};
}


sub visibility {
    my ($rights) = @_;

    my %project = %{$rights->{project}};
    my $image = $rights->create('owner', { name => 'n',
                                           owner => $project{stranger} });
    my $id = $image->{id};

    is($image->{owner}, $project{owner}, 'the owner is who asks');
    is($rights->create('admin', { name => 'x', owner => $project{owner} })
           ->{owner}, $project{owner}, 'administrators may name another');

    status_is($rights->v1('owner', 'GET', "/$id", {}), 200, 'owner reads');
    status_is($rights->v1('admin', 'GET', "/$id", {}), 200, 'admin reads');

    for my $method (qw/ GET HEAD PUT DELETE /) {
        status_is($rights->v1('stranger', $method, "/$id", {}), 404,
                  "stranger: $method");
    }

    status_is($rights->v1('owner', 'PUT', "/$id", { is_public => 1 }), 200,
              'made public');
    status_is($rights->v1('stranger', 'GET', "/$id", {}), 200,
              'a stranger reads it');
    status_is($rights->v1('stranger', 'PUT', "/$id", { name => 'm' }), 403,
              'but does not change it');
    status_is($rights->v1('stranger', 'DELETE', "/$id", {}), 403,
              'nor delete it');
    is($rights->v1('owner', 'HEAD', "/$id", {})->meta()->{name}, 'n',
       'it is as it was');

    status_is($rights->v1('owner', 'PUT', "/$id",
                          { owner => $project{stranger} }), 200,
              'owner in a PUT');
    is($rights->v1('owner', 'HEAD', "/$id", {})->meta()->{owner},
       $project{owner}, 'is ignored');

    for my $meta ({ size => 5 }, { checksum => '0' x 32 }) {
        error_ok($rights->v1('owner', 'PUT', "/$id", $meta), 403,
                 'an owner does not change ' . join('', keys %$meta));
    }

    status_is($rights->v1('admin', 'PUT', "/$id",
                          { owner => $project{friend} }), 200,
              'an administrator gives it to another');
    status_is($rights->v1('owner', 'PUT', "/$id", { name => 'm' }), 403,
              'it is not the first one\'s any more');
    status_is($rights->v1('friend', 'PUT', "/$id", { is_public => 0 }), 200,
              'but the other\'s');
    status_is($rights->v1('owner', 'GET', "/$id", {}), 404, 'who hides it');

    # nobody's image is for everybody who knows its id
    $id = $rights->create('admin', { name => 'nobody', owner => '' })->{id};

    status_is($rights->v1('stranger', 'GET', "/$id", {}), 200,
              'an image without owner');
    like($rights->v1('stranger', 'PUT', "/$id", { name => 'm' })->{status},
         qr/^40[34]$/, 'is not for everybody to change');
    like($rights->v1('stranger', 'DELETE', "/$id", {})->{status},
         qr/^40[34]$/, 'nor to delete');
}


sub nobody {
    my ($rights) = @_;

    my $env = $rights->{env};
    my $id = $rights->create('owner', { name => 'n', is_public => 1 })->{id};

    for my $path ('/v1/images', '/v1/images/detail', "/v1/images/$id",
                  "/v1/images/$id/members", '/v1/shared-images/owner',
                  '/images', "/images/$id")
    {
        error_ok($env->request('GET', $path), 401, $path);
    }

    error_ok($env->v1('POST', '', { %raw, name => 'n' }, body => 'data'), 401,
             'POST');
    error_ok($env->v1('PUT', "/$id", { name => 'm' }), 401, 'PUT');
    error_ok($env->v1('DELETE', "/$id", {}), 401, 'DELETE');

    status_is($env->request('GET', $_), $_ eq '/' ? 300 : 200, "open: $_")
        for '/', '/versions', '/healthcheck';
}


sub deleted {
    my ($rights) = @_;

    my $id = $rights->create('owner', { name => 'n', protected => 1 })->{id};

    error_ok($rights->v1($_, 'DELETE', "/$id", {}), 403, "$_: protected")
        for qw/ owner admin /;
    status_is($rights->v1('owner', 'PUT', "/$id", { protected => 0 }), 200);
    status_is($rights->v1('owner', 'DELETE', "/$id", {}), 200,
              'the owner deletes it');
    error_ok($rights->v1('owner', 'GET', "/$id", {}), 404, 'gone');
    status_is($rights->v1('owner', 'HEAD', "/$id", {}), 404, 'gone');
    error_ok($rights->v1('owner', 'DELETE', "/$id", {}), 404, 'once only');

    my $r = $rights->v1('admin', 'HEAD', "/$id", {});

    status_is($r, 200, 'administrators see it still');
    is($r->meta()->{status}, 'deleted', 'status');
    is($r->meta()->{deleted}, 'True', 'deleted');
    like($r->meta()->{deleted_at}, qr/^\d{4}-\d\d-\d\dT/, 'deleted_at');
    error_ok($rights->v1('admin', 'GET', "/$id", {}), 404, 'not its data');
    error_ok($rights->v1('admin', 'PUT', "/$id", { name => 'm' }), 403,
             'nor do they change it');
    error_ok($rights->v1('owner', 'POST', '', { %raw, name => 'n',
             id => $id }, body => 'data'), 409, 'its id stays taken');
}


sub sharing {
    my ($rights) = @_;

    my %project = %{$rights->{project}};
    my ($owner, $friend) = @project{qw/ owner friend /};
    my $id = $rights->create('owner', { name => 'n' })->{id};
    my $path = "/v1/images/$id/members";

    status_is($rights->request('stranger', 'PUT', "$path/$friend"), 404,
              'a stranger cannot share');
    status_is($rights->request('owner', 'PUT', "$path/$friend"), 204,
              'the owner can');
    status_is($rights->v1('friend', 'GET', "/$id", {}), 200,
              'the member reads');
    status_is($rights->v1('friend', 'PUT', "/$id", { name => 'm' }), 404,
              'but does not change it');
    status_is($rights->v1('friend', 'DELETE', "/$id", {}), 404,
              'nor delete it');
    status_is($rights->request('friend', 'PUT',
                               "$path/$project{stranger}"), 404,
              'nor share it');
    is(members($rights->request('friend', 'GET', $path)), "$friend:0",
       'he sees his membership');
    is(members($rights->request('owner', 'GET', $path)), "$friend:0",
       'so does the owner');
    status_is($rights->request('stranger', 'GET', $path), 404,
              'a stranger does not');

    status_is($rights->request('owner', 'PUT', "$path/$friend",
                  body({ member => { can_share => \1 } })), 204,
              'the member may share now');
    status_is($rights->request('friend', 'PUT', "$path/$project{third}"), 204,
              'and does');
    status_is($rights->v1('third', 'GET', "/$id", {}), 200,
              'the third reads');

    my $shared = sub {
        my ($who, $by) = @_;

        my $r = $rights->request($by, 'GET', "/v1/shared-images/$who");

        return join(' ', map { $_->{image_id} }
                         @{$r->json()->{shared_images} || []});
    };

    is($shared->($friend, 'friend'), $id, 'shared with me');
    is($shared->($friend, 'owner'), $id, 'shared by me');
    is($shared->($friend, 'admin'), $id, 'seen by administrators');
    is($shared->($friend, 'stranger'), '', 'not by strangers');

    status_is($rights->request('owner', 'DELETE', "$path/$friend"), 204,
              'no member any more');
    status_is($rights->v1('friend', 'GET', "/$id", {}), 404, 'reads no more');
    status_is($rights->request('owner', 'DELETE', "$path/$friend"), 404,
              'nor is he one');

    status_is($rights->request('owner', 'PUT', $path, body({ memberships => [
                  { member_id => $project{stranger} } ] })), 204,
              'all of them anew');
    is(members($rights->request('admin', 'GET', $path)),
       "$project{stranger}:0", 'replaced');
    status_is($rights->v1('third', 'GET', "/$id", {}), 404,
              'the third is none any more');
}


sub lists {
    my ($rights) = @_;

    $rights->create('owner', { name => 'mine' });
    $rights->create('stranger', { name => 'public', is_public => 1 });
    $rights->create('stranger', { name => 'theirs' });
    $rights->create('admin', { name => 'nobody', owner => '' });
    $rights->create('admin', { name => 'admin' });

    my $id = $rights->create('stranger', { name => 'shared' })->{id};
    status_is($rights->request('stranger', 'PUT',
              "/v1/images/$id/members/$rights->{project}{owner}"), 204);

    my $names = sub {
        my ($query, $who) = @_;

        my $r = $rights->request($who, 'GET', "/v1/images/detail$query");

        return $r->summary() if $r->{status} != 200;
        return join(' ', sort map { $_->{name} } @{$r->json()->{images}});
    };

    for my $query ('', '?is_public=none', '?is_public=false') {
        is($names->($query, 'owner'), 'mine public shared',
           "user: \"$query\"");
    }

    is($names->('', 'third'), 'public', 'one without images');
    is($names->('', 'admin'), 'admin public', 'administrator');
    is($names->('?is_public=none', 'admin'),
       'admin mine nobody public shared theirs', 'administrator: all');
    is($names->('?is_public=false', 'admin'),
       'admin mine nobody shared theirs', 'administrator: not public');
    error_ok($rights->request('third', 'GET', "/v1/images?marker=$id"), 400,
             'a marker that one cannot see', qr/marker/);
}


1;
