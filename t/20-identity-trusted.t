#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Identity by the headers of an authenticating proxy, from nginx to the rows
# of the database: whose headers count, and who sees and changes what (specs:
# v1 section 2.11).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::RegistryTest qw/ tenant /;
use Glance::Test;

my $proxy = '127.0.0.2';
my $data = 'the data of an image';


# headers as the proxy would set them: who('alice'), who('root', 'admin')

sub who {
    my ($tenant, $roles, %o) = @_;

    my %headers = ('X-Identity-Status' => 'Confirmed',
                   'X-User-Id' => "user-$tenant", 'X-Project-Id' => $tenant,
                   'X-Roles' => $roles || 'member', %o);

    return map { ($_ => $headers{$_}) } grep { defined $headers{$_} }
           sort keys %headers;
}


# a request from the address of the proxy, unless another is given

sub ask {
    my ($env, $who, $method, $path, %o) = @_;

    my $c = $env->connect(from => $o{from} || $proxy);

    return $c->request($method, $path, close => 1, %o,
                       headers => [ @$who, @{$o{headers} || []} ]);
}


sub send_image {
    my ($env, $who, $method, $path, $meta, %o) = @_;

    return ask($env, $who, $method, $path, $env->with_meta(
        $method eq 'PUT' ? { name => undef, type => undef, %$meta } : $meta,
        %o));
}


sub add {
    my ($env, $who, $meta, @o) = @_;

    my $r = send_image($env, $who, 'POST', '/images', $meta, @o);

    status_is($r, 201, "$meta->{name}: added");

    return $r->{status} == 201 ? $r->json()->{image}{id} : '';
}


sub names {
    my ($env, $who, $path) = @_;

    my $r = ask($env, $who, 'GET', $path || '/images');

    return $r->{status} if $r->{status} != 200;

    return join(' ', sort map { $_->{name} } @{$r->json()->{images}});
}


my %options = (
    nginx => { identity => 'trusted', proxies => [ $proxy, '127.0.0.16/28' ],
               secret => 's3cret' },
    registry => { 'paste_deploy/flavor' => 'trusted',
                  registry_secret => 's3cret' },
);


for_each_database(sub {
    my ($env) = @_;

    my $db = $env->{database};
    my @alice = who('alice');
    my @bob = who('bob');
    my @carol = who('carol');
    my @admin = who('root', 'Member, Admin');
    my %id;

    $id{public} = add($env, \@alice, { name => 'public',
                                       is_public => 'true' },
                      body => $data);
    $id{private} = add($env, \@alice, { name => 'private' }, body => $data);
    $id{shared} = add($env, \@alice, { name => 'shared' }, body => $data);
    $id{bobs} = add($env, \@bob, { name => 'bobs' }, body => $data);
    $id{nobodys} = add($env, \@admin, { name => 'nobodys' }, body => $data);

    $db->query("UPDATE images SET visibility = 'private'
                WHERE id = '$id{private}'");
    $db->query("UPDATE images SET owner = NULL WHERE id = '$id{nobodys}'");
    status_is($env->{registry}->request('PUT', "/images/$id{shared}/members"
                                        . '/bob', tenant('root', 'admin')),
              204, 'bob is a member of shared');

    check('the owner is who adds it' => sub {
        my %owner = map { $_->[0] => $_->[1] }
                    $db->query('SELECT name, owner FROM images');

        is($owner{$_}, 'alice', $_) for qw/ public private shared /;
        is($owner{bobs}, 'bob', 'bobs');

        my $r = send_image($env, \@bob, 'POST', '/images', {
            name => 'false flag', owner => 'alice' });
        my $id = $r->json() ? $r->json()->{image}{id} : '';

        is(($db->query("SELECT COUNT(*) FROM images WHERE owner = 'alice'
                        AND name = 'false flag'"))[0][0], 0,
           'nobody gives images to others');
        ask($env, \@bob, 'DELETE', "/images/$id") if $id;

        $id = add($env, \@admin, { name => 'given', owner => 'carol' });
        is(($db->query("SELECT owner FROM images WHERE id = '$id'"))[0][0],
           'carol', 'but administrators');
        status_is(ask($env, \@carol, 'HEAD', "/images/$id"), 200,
                  'she has it');
        status_is(ask($env, \@carol, 'DELETE', "/images/$id"), 200,
                  'and may remove it');
    });

    check('whose headers count' => sub {
        my %from = ($proxy => 200, '127.0.0.17' => 200, '127.0.0.31' => 200,
                    '127.0.0.1' => 401, '127.0.0.3' => 401,
                    '127.0.0.32' => 401, '127.0.0.15' => 401);

        for my $from (sort keys %from) {
            for my $who ([ 'alice', \@alice ], [ 'admin', \@admin ]) {
                my $r = ask($env, $who->[1], 'GET', '/images/detail',
                            from => $from);

                status_is($r, $from{$from}, "$who->[0] from $from");
            }
        }

        for my $case ([ GET => '/images' ], [ GET => "/images/$id{public}" ],
                      [ HEAD => "/images/$id{public}" ],
                      [ PUT => "/images/$id{public}" ],
                      [ DELETE => "/images/$id{public}" ],
                      [ POST => '/images' ])
        {
            my $r = ask($env, \@admin, @$case, from => '127.0.0.1',
                $case->[0] =~ /^P/ ? $env->with_meta({}, body => 'x') : ());

            # the headers of the image come with those of the caller
            error_ok($r, 401, "@$case from elsewhere");
        }

        is(($db->query("SELECT deleted FROM images
                        WHERE id = '$id{public}'"))[0][0], 0, 'untouched');
    });

    check('without a confirmed identity' => sub {
        my @none = (
            [ 'no headers' ],
            [ 'no status', who('alice', undef,
                               'X-Identity-Status' => undef) ],
            [ 'Invalid', who('alice', undef,
                             'X-Identity-Status' => 'Invalid') ],
            [ 'empty', who('alice', undef, 'X-Identity-Status' => '') ],
            [ 'more than it', who('alice', undef,
                'X-Identity-Status' => 'Confirmed, Invalid') ],
            [ 'another header', 'X-Identity_Status' => 'Confirmed',
              'X-Project-Id' => 'alice' ],
        );

        for my $case (@none) {
            my ($title, @headers) = @$case;

            for my $path ('/images', '/images/detail',
                          "/images/$id{public}")
            {
                my $r = ask($env, \@headers, 'GET', $path);

                error_ok($r, 401, "$title: $path");
                unlike($r->{body}, qr/public|\Q$data\E/, 'it shows nothing');
            }
        }

        status_is(ask($env, [ who('alice', undef, 'X-Identity-Status'
                                  => 'CONFIRMED') ], 'GET', '/images'), 200,
                  'in any case');
        status_is(ask($env, [], 'GET', '/versions'), 200,
                  'the versions are for everybody');
    });

    check('a refused upload leaves nothing, and the connection goes on'
          => sub {
        my @files = $env->files();
        my @rows = $env->rows();

        refused_upload($env, $_) for 10, 3_000_000;
        is_deeply([ $env->files() ], \@files, 'no file');
        is_deeply([ $env->rows() ], \@rows, 'no row');
        is_deeply([ $env->claims() ], [], 'no claim');
    });

    check('the tenant by either name' => sub {
        my @old = who('alice', undef, 'X-Project-Id' => undef,
                      'X-Tenant-Id' => 'alice');

        is(names($env, \@old), names($env, \@alice), 'X-Tenant-Id');
        status_is(ask($env, \@old, 'GET', "/images/$id{private}"), 200,
                  'sees hers');

        my @both = who('bob', undef, 'X-Tenant-Id' => 'alice');
        status_is(ask($env, \@both, 'GET', "/images/$id{private}"), 404,
                  'X-Project-Id counts');

        my @nobody = who('', undef, 'X-Project-Id' => undef);
        is(names($env, \@nobody), 'public', 'without a tenant: the public');
        status_is(ask($env, \@nobody, 'GET', "/images/$id{private}"), 404,
                  'and nothing else');
        status_is(ask($env, \@nobody, 'DELETE', "/images/$id{public}"), 403,
                  'to look at');
    });

    check('who sees which image' => sub {
        my %sees = (
            alice => 'nobodys private public shared',
            bob => 'bobs nobodys public shared',
            carol => 'nobodys public',
            admin => 'bobs nobodys private public shared',
        );
        my %who = (alice => \@alice, bob => \@bob, carol => \@carol,
                   admin => \@admin);

        for my $who (sort keys %who) {
            my %seen = map { $_ => 1 } split(' ', $sees{$who});

            for my $name (sort keys %id) {
                my $want = $seen{$name} ? 200 : 404;
                my $path = "/images/$id{$name}";
                my $r = ask($env, $who{$who}, 'GET', $path);

                status_is($r, $want, "$who: GET $name");
                is($r->{body} eq $data ? 1 : 0, $seen{$name} ? 1 : 0,
                   'the data, or nothing of them');
                status_is(ask($env, $who{$who}, 'HEAD', $path), $want,
                          "$who: HEAD $name");
            }
        }
    });

    check('what is hidden looks like what is not there' => sub {
        my $unknown = '71c675ab-d94f-49cd-a114-e12490b328d9';

        for my $method (qw/ GET HEAD PUT DELETE /) {
            my @o = $method eq 'PUT'
                ? $env->with_meta({ name => 'x', type => undef }) : ();
            my $hidden = ask($env, \@carol, $method, "/images/$id{private}",
                             @o);
            my $none = ask($env, \@carol, $method, "/images/$unknown", @o);

            status_is($hidden, 404, "$method");
            is($hidden->{body} =~ s/\Q$id{private}\E/ID/gr,
               $none->{body} =~ s/\Q$unknown\E/ID/gr, 'the same words');
            is(join(' ', sort map { lc $_->[0] } @{$hidden->{headers}}),
               join(' ', sort map { lc $_->[0] } @{$none->{headers}}),
               'the same headers');
        }
    });

    check('lists' => sub {
        my %list = (alice => 'private public shared', bob => 'bobs public '
                    . 'shared', carol => 'public', admin => 'public');
        my %who = (alice => \@alice, bob => \@bob, carol => \@carol,
                   admin => \@admin);

        for my $who (sort keys %list) {
            for my $path ('/images', '/images/', '/images/detail') {
                is(names($env, $who{$who}, $path), $list{$who},
                   "$who: $path");
            }
        }
    });

    check('who changes which image' => sub {
        my $before = join("\n", map { "@$_" } $env->rows());
        my %status = (
            bob => { public => 403, shared => 404, private => 404,
                     nobodys => 404 },
            carol => { public => 403, shared => 404, private => 404,
                       bobs => 404, nobodys => 404 },
        );

        for my $who (sort keys %status) {
            my @who = who($who);

            for my $name (sort keys %{$status{$who}}) {
                my $want = $status{$who}{$name};
                my $path = "/images/$id{$name}";

                status_is(send_image($env, \@who, 'PUT', $path, {
                    name => 'stolen' }), $want, "$who: PUT $name");
                status_is(send_image($env, \@who, 'PUT', $path, {
                    is_public => 'true', owner => $who }), $want,
                    "$who: PUT $name, its owner");
                status_is(ask($env, \@who, 'DELETE', $path), $want,
                          "$who: DELETE $name");
            }
        }

        is(join("\n", map { "@$_" } $env->rows()), $before,
           'nothing changed');
        is(scalar($env->files()), 5, 'no data are gone');

        status_is(send_image($env, \@alice, 'PUT', "/images/$id{private}",
                             { name => 'private', 'property-a' => 'b' }),
                  200, 'the owner may');

        my $r = send_image($env, \@alice, 'PUT', "/images/$id{private}",
                           { owner => 'bob' });
        is(($db->query("SELECT owner FROM images
                        WHERE id = '$id{private}'"))[0][0], 'alice',
           'but not give it away');
        status_is(send_image($env, \@admin, 'PUT', "/images/$id{bobs}",
                             { 'property-by' => 'admin' }), 200,
                  'an administrator may');
        is(($db->query("SELECT visibility FROM images
                        WHERE id = '$id{private}'"))[0][0], 'private',
           'private stays private');
    });

    check('data for an image of others' => sub {
        my $id = add($env, \@alice, { name => 'queued',
                                      is_public => 'true' });
        my $hidden = add($env, \@alice, { name => 'hidden' });

        status_is(send_image($env, \@bob, 'PUT', "/images/$id", {},
                             body => 'evil'), 403, 'a public one');
        status_is(send_image($env, \@bob, 'PUT', "/images/$hidden", {},
                             body => 'evil'), 404, 'a hidden one');
        is($env->status_of($_), 'queued', 'still without data')
            for $id, $hidden;
        status_is(send_image($env, \@alice, 'PUT', "/images/$id", {},
                             body => $data), 200, 'its owner may');
        is(ask($env, \@bob, 'GET', "/images/$id")->{body}, $data,
           'and others read it');
        ask($env, \@alice, 'DELETE', "/images/$_") for $id, $hidden;
    });

    check('an id that others use' => sub {
        for my $name (qw/ private public /) {
            my $r = send_image($env, \@carol, 'POST', '/images', {
                name => 'mine', id => $id{$name} }, body => 'x');

            status_is($r, 409, "$name: taken");
            unlike($r->{body}, qr/alice/, 'it does not say by whom');
        }

        is(ask($env, \@alice, 'GET', "/images/$id{private}")->{body}, $data,
           'the data are the same');
    });

    check('roles' => sub {
        my %admin = (admin => 1, Admin => 1, 'member,admin' => 1,
                     'a , ADMIN ,b' => 1, administrator => 0, 'my admin' => 0,
                     'admin;' => 0, '' => 0, 'nadmin,admins' => 0);

        for my $roles (sort keys %admin) {
            my @who = who('carol', undef, 'X-Roles' => $roles);

            status_is(ask($env, \@who, 'GET', "/images/$id{private}"),
                      $admin{$roles} ? 200 : 404, "\"$roles\"");
        }

        status_is(ask($env, [ who('carol', undef, 'X-Service-Roles'
                                  => 'admin') ], 'GET',
                      "/images/$id{private}"), 404,
                  'roles of a service are not those of the caller');
    });

    check('headers for the registry come from nobody else' => sub {
        for my $name ('X-Glance-Secret', 'X-Glance-Claim',
                      'X-Glance-Registry-Purge-Props', 'X-Auth-Token')
        {
            status_is(ask($env, [ @carol, $name => 's3cret' ], 'GET',
                          "/images/$id{private}"), 404, $name);
        }

        for my $value ("alice\x{0}", "alice ", ' alice', 'ALICE', 'alice,bob',
                       'alice%00', "\xe9", 'a' x 256)
        {
            my $r = ask($env, [ who($value) ], 'GET',
                        "/images/$id{private}");

            ok($r->{status} == 404 || $r->{status} == 401
               || $r->{status} == 400
               || ($r->{status} == 200 && $value =~ /^ ?alice ?$/),
               'tenant "' . (substr($value, 0, 20) =~ s/[^ -~]/?/gr)
               . "\": $r->{status}");
        }
    });

    check('a deleted image' => sub {
        my $id = add($env, \@alice, { name => 'gone', is_public => 'true' },
                     body => $data);

        status_is(ask($env, \@alice, 'DELETE', "/images/$id"), 200,
                  'its owner removes it');

        for my $who (\@alice, \@bob) {
            status_is(ask($env, $who, 'GET', "/images/$id"), 404, 'gone');
        }

        ok(!-e "$env->{store}/$id", 'its data too');
    });

    check('the secret is in no log and no answer' => sub {
        for my $file ($env->{nginx}{log}, $env->{nginx}{access_log},
                      $env->{registry}{log})
        {
            unlike(read_file($file), qr/s3cret(?!")/, $file =~ s!.*/!!r)
                if $file;
        }
    });

    $env->consistent();
}, %options);


# the registry believes only who knows the secret

check('an nginx without the secret' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        for my $case ([ GET => '/images' ], [ GET => '/images/1' ],
                      [ POST => '/images' ])
        {
            my $r = ask($env, [ who('root', 'admin') ], @$case,
                $case->[0] eq 'POST' ? $env->with_meta({}, body => 'x') : ());

            ok($r->{status} >= 400, "@$case: $r->{status}");
            unlike($r->{body}, qr/images"/, 'it shows nothing');
        }

        is_deeply([ $env->files() ], [], 'nothing is stored');
    }, nginx => { %{$options{nginx}}, secret => 'wr0ng' },
       registry => $options{registry});
});


# with identity none the headers mean nothing

check('without identities' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $id = add($env, [ who('alice') ], { name => 'n' }, body => $data);

        is(($env->{database}->query("SELECT COUNT(*) FROM images
            WHERE owner IS NULL"))[0][0], 1, 'no owner');
        is(ask($env, [ who('bob', undef, 'X-Identity-Status' => 'Invalid') ],
               'GET', "/images/$id")->{body}, $data, 'everybody reads it');
        status_is(ask($env, [ who('bob') ], 'DELETE', "/images/$id"), 200,
                  'everybody may remove it');
    });
});


# a body that is not wanted, and a second request behind it

sub refused_upload {
    my ($env, $size) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $c = $env->connect(from => '127.0.0.1');
    my $r = $c->request('POST', '/images', $env->with_meta({},
        body => 'x' x $size, headers => [ who('root', 'admin') ]));

    error_ok($r, 401, "$size bytes");

    if (lc($r->header('Connection') || '') ne 'close') {
        status_is($c->request('GET', '/versions'), 200, 'second request');

    } else {
        ok($c->closed_by_peer(), 'closed as announced');
    }
}


done_testing();
