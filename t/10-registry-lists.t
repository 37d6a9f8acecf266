#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The Registry API: lists, their filters, order, pages and who sees what
# (specs: registry section 4, v1 sections 2.5 and 2.11).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


my @brief = qw/ checksum container_format disk_format id name size /;


sub names {
    my ($r, $query, %o) = @_;

    my $a = $r->request('GET', "/images/detail$query", %o);

    if ($a->{status} != 200) {
        diag("$query: $a->{status} $a->{body}");
        return '';
    }

    return join(' ', map { defined $_->{name} ? $_->{name} : '-' }
                     @{$a->json()->{images}});
}


# all pages, each starting behind the last image of the one before

sub pages {
    my ($r, $query, $limit, %o) = @_;

    my ($marker, @names) = '';

    for (1 .. 100) {
        my $a = $r->request('GET', "/images/detail?limit=$limit"
                                   . "&marker=$marker&$query", %o);
        my @images = @{$a->json()->{images} || []};

        push @names, map { $_->{name} // '-' } @images;
        last if @images < $limit;

        $marker = $images[-1]{id};
    }

    return join(' ', @names);
}


# rows as other programs may write them: one second for all, times and names
# that are missing, each with an id of its own order

sub fill {
    my ($db, @rows) = @_;

    my %base = (status => "'active'", visibility => "'public'", deleted => 0,
                os_hidden => 0, protected => 0, min_ram => 0, min_disk => 0,
                created_at => "'2015-01-01 00:00:00'",
                updated_at => "'2015-01-01 00:00:00'");

    for my $row (@rows) {
        my %row = (%base, %$row);
        my @columns = sort keys %row;

        $db->query(sprintf('INSERT INTO images (%s) VALUES (%s)',
                           join(', ', @columns),
                           join(', ', @row{@columns})));
    }
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};

    check('empty lists' => sub {
        for my $path (qw! / /images /images/detail /v1/images/detail !) {
            my $a = $r->request('GET', $path);

            status_is($a, 200, $path);
            has_header($a, 'Content-Type', 'application/json');
            is_deeply($a->json()->{images}, [], $path);
        }
    });

    my %id = map { $_->{name} => $_->{id} } map { new_image($r, {
        name => $_->[0], is_public => $_->[1] ? JSON::PP::true
                                              : JSON::PP::false,
        created_at => "2012-01-01T00:00:$_->[2]", %{$_->[3]},
    }) } (
        [ 'one', 1, '01', { status => 'active', size => 10,
                            disk_format => 'raw', container_format => 'bare',
                            min_ram => 1, properties => { os => 'linux' } } ],
        [ 'two', 1, '02', { size => 20, disk_format => 'qcow2',
                            container_format => 'bare', min_disk => 2,
                            properties => { os => 'linux', arch => 'arm' } } ],
        [ 'three', 0, '03', { size => 30 } ],
        [ 'four', 1, '04', { status => 'killed' } ],
        [ 'five', 1, '05', { size => 50, protected => JSON::PP::true,
                             properties => { os => 'bsd' } } ],
        [ 'six', 1, '06', { size => 60 } ],
    );

    $r->request('DELETE', "/images/$id{six}");

    check('brief and full' => sub {
        my $a = $r->request('GET', '/images');

        is_deeply([ sort keys %{$a->json()->{images}[0]} ], \@brief, 'brief');
        is(names($r, ''), 'five two one', 'newest first, public, live');

        my ($full) = grep { $_->{name} eq 'one' }
            @{$r->request('GET', '/images/detail')->json()->{images}};

        is_deeply($full, image_of($r, $id{one}), 'full');
    });

    check('is_public for administrators' => sub {
        is(names($r, '?is_public=True'), 'five two one', 'True');
        is(names($r, '?is_public=False'), 'three', 'False');
        is(names($r, '?is_public=0'), 'three', '0');
        is(names($r, '?is_public=None'), 'five three two one', 'None');
    });

    check('deleted' => sub {
        is(names($r, '?deleted=True&is_public=none'), 'six', 'dead');
        is(names($r, '?deleted=1'), 'six', 'dead, by a number');
        is(names($r, '?deleted=False'), 'five two one', 'live');
        is(names($r, '?deleted=perhaps'), 'five two one', 'neither');
    });

    check('filters' => sub {
        my %expect = (
            'name=two' => 'two', 'name=' => '', 'name=TWOS' => '',
            'status=active' => 'one', 'status=queued' => 'five two',
            'status=killed' => '', 'disk_format=raw' => 'one',
            'container_format=bare' => 'two one', 'min_ram=1' => 'one',
            'min_disk=2' => 'two', 'size_min=20' => 'five two',
            'size_max=20' => 'two one', 'size_min=11&size_max=49' => 'two',
            'size_min=99999999999999999999' => '',
            'protected=true' => 'five', 'protected=0' => 'two one',
            'property-os=linux' => 'two one', 'property-os=bsd' => 'five',
            'property-os=linux&property-arch=arm' => 'two',
            'property-nope=x' => '', 'colour=red' => 'five two one',
            'member_status=all' => 'five two one',
            'name=%27%20OR%20%271%27%3D%271' => '',
        );

        is(names($r, "?$_"), $expect{$_}, $_) for sort keys %expect;

        is(names($r, '?name=TWO'), $kind eq 'mysql' ? 'two' : '',
           'letters as the collation has them');
    });

    check('changes-since' => sub {
        $db->query("UPDATE images SET updated_at = '2012-01-01 00:00:00'
                    WHERE name <> 'four'");
        $db->query("UPDATE images SET updated_at = '2013-01-01 00:00:00'
                    WHERE name IN ('one', 'six', 'four')");

        is(names($r, '?changes-since=2012-06-01T00:00:00'), 'six four one',
           'also killed and deleted ones');
        is(names($r, '?changes-since=2013-01-01T00:00:00'), '', 'later than');
        is(names($r, '?changes-since=2013-01-01'), '', 'later than midnight');
        is(names($r, '?changes-since=2012-12-31T23:59+00'), 'six four one',
           'no seconds');
        is(names($r, '?changes-since=2012-12-31T23:59:59Z'), 'six four one',
           'Z');
        is(names($r, '?changes-since=2013-01-01T01:59:59%2B02:00'),
           'six four one', 'an offset');
        is(names($r, '?changes-since=2013-01-01T01:59:59+02:00'),
           'six four one', 'a bare plus sign');
        is(names($r, '?changes-since=2012-06-01T00:00:00&deleted=false'),
           'one', 'with deleted');
        is(names($r, '?deleted=false&changes-since=2012-06-01T00:00:00'),
           'one', 'in either order');
    });

    check('mistakes are named' => sub {
        for my $query ('limit=x', 'limit=-1', 'limit=', 'limit=1.5',
                       'marker=nope', "marker=$id{one}x", 'sort_key=owner',
                       'sort_key=', 'sort_dir=up', 'changes-since=today',
                       'protected=none', 'protected=maybe', 'is_public=maybe',
                       'is_public=', 'size_min=big', 'size_max=-5',
                       'min_ram=x', 'min_disk=much', 'name=%ff',
                       'name=%f0%9f%98%80', 'property-a=%ff')
        {
            my ($name) = split(/=/, $query);
            my $a = $r->request('GET', "/images?$query");

            status_is($a, 400, $query);
            like($a->{body}, qr/\Q$name\E|property/, "$query: named");
        }

        status_is($r->request('GET', '/images?name=%zz'), 400, 'an escape');
        status_is($r->request('GET', '/images?'
            . join('&', map { "property-p$_=x" } 1 .. 33)), 400,
            'many filters');
    });

    check('limit' => sub {
        is(names($r, '?limit=2'), 'five two', 'of two');
        is(names($r, '?limit=0'), '', 'of none');
        is(names($r, '?limit=99999999999999999999999'), 'five two one',
           'huge');
    });

    check('a marker that was deleted meanwhile keeps its place' => sub {
        is(names($r, "?marker=$id{six}"), 'five two one', 'deleted');
        is(names($r, "?marker=$id{five}"), 'two one', 'live');
        is(names($r, '?marker='), 'five two one', 'none');
    });

    check('order and pages under every key' => sub {
        $db->query("UPDATE images SET os_hidden = 1");

        fill($db,
            { id => "'b'", name => "'B'", size => 2, disk_format => "'raw'" },
            { id => "'a'", name => "'A'", size => 2, disk_format => "'vdi'",
              updated_at => 'NULL' },
            { id => "'c'", name => 'NULL', size => 'NULL',
              status => "'queued'" },
            { id => "'d'", name => "'D'", size => 0,
              container_format => "'bare'" },
            { id => "'e'", name => "''", size => 7,
              created_at => "'2016-01-01 00:00:00'" },
            { id => "'f'", name => 'NULL', size => 1,
              updated_at => "'2017-01-01 00:00:00'" },
            map { { id => "'x$_'", name => "'X$_'", size => 100 + $_ } }
                1 .. 9);

        for my $key (qw/ name status container_format disk_format size id
                         created_at updated_at /)
        {
            for my $dir (qw/ asc desc /) {
                my $query = "sort_key=$key&sort_dir=$dir";
                my $all = names($r, "?$query");

                is(scalar(my @all = split(/ /, $all, -1)), 15, "$key $dir: all")
                    or diag($all);

                is(pages($r, $query, $_), $all, "$key $dir: pages of $_")
                    for 1, 2, 4;
            }

            is(names($r, "?sort_key=$key&sort_dir=desc"),
               join(' ', reverse split(/ /,
                    names($r, "?sort_key=$key&sort_dir=asc"), -1)),
               "$key: one order is the other reversed");
        }

        like(names($r, '?sort_key=size&sort_dir=asc'),
             qr/^- D - A B  X1 X2/, 'NULL is zero, ties by id');
        like(names($r, '?sort_key=name&sort_dir=asc'),
             qr/^- -  A B D X1/, 'NULL is empty, ties by created_at');
        is(names($r, '?limit=3'), ' X9 X8', 'created_at, then id, falling');
    });

    check('hidden images are not listed' => sub {
        unlike(names($r, '?is_public=none&limit=100'), qr/one|five/,
               'hidden');
        is(image_of($r, $id{one})->{name}, 'one', 'but they can be read');
    });

    check('a page never costs more than it holds' => sub {
        my $new = new_image($r, { is_public => JSON::PP::true,
                                  properties => { a => 'b' },
                                  location => 'file:///x' });
        my $a = $r->request('GET', '/images/detail?limit=1000');
        my %images = map { $_->{id} => $_ } @{$a->json()->{images}};

        is_deeply($images{$new->{id}}, $new, 'with its children');
    });

    check('some fields only' => sub {
        my $id = new_image($r, { name => 'fields', status => 'queued',
                                 is_public => JSON::PP::true, min_ram => 7,
                                 properties => { p => 'v' } })->{id};
        my $list = sub {
            my ($path, $fields) = @_;
            my $a = $r->request('GET', "$path?name=fields",
                                headers => [ 'X-Glance-Fields' => $fields ]);

            is($a->{status}, 200, "$path $fields");
            return ($a->json(), scalar $a->header('X-Glance-Fields'),
                    $a->{body});
        };

        my ($json, $told, $text) = $list->('/images/detail',
                                           'min_ram,id,size:0,properties');
        is_deeply($json, { images => [ { id => $id, size => 0, min_ram => 7,
                                         properties => { p => 'v' } } ] },
                  'those, and 0 for null');
        is($told, 'min_ram,id,size:0,properties', 'it says so');
        like($text, qr/\[\{"id": .*, "size": .*, "min_ram": /,
             'in their usual order');

        ($json) = $list->('/images', 'status,size,truncated');
        is_deeply($json, { images => [ { status => 'queued', size => undef } ],
                           truncated => JSON::PP::false },
                  'of the short list, too');

        ($json) = $list->('/images/detail', 'truncated');
        is_deeply($json->{images}, [ {} ], 'none');

        for my $fields ('id,colour', '', ',', 'id:1', 'id,', ':0') {
            my ($json, $told) = $list->('/images', $fields);

            is(join(' ', sort keys %{$json->{images}[0]}), "@brief",
               'unknown: as if it were not asked for');
            is($told, undef, 'and it is not told');
        }
    });
}, flavor => '');


# who sees what

for_each_registry(sub {
    my ($r) = @_;

    my %o = (registry_secret => 's3cret');

    for my $image (
        [ 'public', 'alice', { visibility => 'public' } ],
        [ 'private', 'alice', { visibility => 'private' } ],
        [ 'shared', 'alice', { visibility => 'shared' } ],
        [ 'community', 'alice', { visibility => 'community' } ],
        [ 'bobs', 'bob', { visibility => 'private' } ],
        [ 'shared2', 'alice', { visibility => 'shared' } ],
        [ 'nobodys', '', { visibility => 'shared' } ],
    ) {
        new_image($r, { name => $image->[0], owner => $image->[1],
                        %{$image->[2]} }, tenant('root', 'Admin'));
    }

    my %id = map { $_->{name} => $_->{id} }
        @{$r->request('GET', '/images/detail?is_public=none',
                      tenant('root', 'admin'))->json()->{images}};

    for my $name (qw/ shared private /) {
        status_is($r->request('PUT', "/images/$id{$name}/members/bob",
                              tenant('alice')), 204, "bob joins $name");
    }

    my $seen = sub {
        my ($query, @who) = @_;

        return join(' ', sort split(' ', names($r, $query, tenant(@who))));
    };

    check('lists' => sub {
        is($seen->('', 'alice'),
           'community private public shared shared2', 'an owner');
        is($seen->('', 'bob'), 'bobs public shared', 'a member');
        is($seen->('', 'carol'), 'public', 'anybody');
        is($seen->('', 'root', 'admin'), 'public',
           'an administrator, as a user');
        is($seen->('?is_public=none', 'root', 'admin'), join(' ', sort keys
           %id), 'an administrator, everything');
        is($seen->('?is_public=none', 'bob'), 'bobs public shared',
           'is_public is not for users');
        is($seen->('?is_public=false', 'bob'), 'bobs public shared',
           'nor false');
        is($seen->('?deleted=true', 'bob'), 'bobs public shared',
           'deleted is not for users');
        is($seen->('', 'BOB'), 'public', 'names of tenants are exact');
        is($seen->('', 'Alice'), 'public', 'names of owners are exact');
    });

    check('pages' => sub {
        for my $who (qw/ alice bob carol /) {
            for my $key (qw/ created_at name size /) {
                my $query = "sort_key=$key&sort_dir=asc";

                is(pages($r, $query, 1, tenant($who)),
                   names($r, "?$query", tenant($who)), "$who by $key");
            }
        }
    });

    check('single images' => sub {
        my %status = (
            alice => { map { $_ => 200 } keys %id },
            bob => { public => 200, shared => 200, community => 200,
                     bobs => 200, nobodys => 200 },
            carol => { public => 200, community => 200, nobodys => 200 },
        );

        $status{alice}{bobs} = 404;

        for my $who (sort keys %status) {
            for my $name (sort keys %id) {
                status_is($r->request('GET', "/images/$id{$name}",
                                      tenant($who)),
                          $status{$who}{$name} || 404, "$who reads $name");
            }
        }
    });

    check('a marker tells nothing about images of others' => sub {
        my $hidden = $r->request('GET', "/images?marker=$id{private}",
                                 tenant('carol'));
        my $nothing = $r->request('GET', '/images?marker='
                                  . '71c675ab-d94f-49cd-a114-e12490b328d9',
                                  tenant('carol'));

        is($hidden->{status}, 400, 'refused');
        is($hidden->{body}, $nothing->{body}, 'as if it were not there');
    });

    check('changes' => sub {
        my $try = sub {
            my ($name, $who) = @_;

            return $r->request('PUT', "/images/$id{$name}", tenant($who),
                               json => { image => { min_ram => 1 } });
        };

        status_is($try->('public', 'bob'), 403, 'public');
        status_is($try->('community', 'bob'), 403, 'community');
        status_is($try->('shared', 'bob'), 404, 'a member');
        is($try->('shared', 'bob')->{body}, 'Image not found', 'its words');
        status_is($try->('private', 'bob'), 404, 'private');
        status_is($try->('nobodys', 'bob'), 404, 'without owner');
        status_is($try->('private', 'alice'), 200, 'the owner');
        status_is($r->request('DELETE', "/images/$id{public}",
                              tenant('bob')), 403, 'DELETE public');
        status_is($r->request('DELETE', "/images/$id{private}",
                              tenant('bob')), 404, 'DELETE private');

        my $own = $r->request('PUT', "/images/$id{bobs}", tenant('bob'),
            json => { image => { owner => 'eve', name => 'x' } });
        is($own->json()->{image}{owner}, 'bob', 'owner is not for users');

        $own = new_image($r, { owner => 'eve' }, tenant('bob'));
        is($own->{owner}, 'bob', 'not even at first');
        $own = new_image($r, { owner => 'eve' }, tenant('root', 'admin'));
        is($own->{owner}, 'eve', 'but for administrators');
    });

    check('is_public changes visibility only if it changes' => sub {
        my $set = sub {
            my ($name, $value) = @_;

            return $r->request('PUT', "/images/$id{$name}", tenant('alice'),
                json => { image => { is_public => $value } })
                ->json()->{image}{visibility};
        };

        is($set->('private', JSON::PP::false), 'private', 'private stays');
        is($set->('community', JSON::PP::false), 'community',
           'community stays');
        is($set->('community', JSON::PP::true), 'public', 'made public');
        is($set->('community', JSON::PP::false), 'shared', 'and not any more');
    });

    check('a deleted image is gone for its owner' => sub {
        my $image = new_image($r, {}, tenant('alice'));

        $r->request('DELETE', "/images/$image->{id}", tenant('alice'));
        status_is($r->request('GET', "/images/$image->{id}",
                              tenant('alice')), 404, 'owner');
        status_is($r->request('GET', "/images/$image->{id}",
                              tenant('root', 'admin')), 200, 'admin');
    });

    check('who is not known is refused' => sub {
        my $no = sub {
            my ($title, @headers) = @_;

            status_is($r->request('GET', '/images', headers => \@headers),
                      401, $title);
        };

        $no->('no identity');
        $no->('not confirmed', 'X-Identity-Status' => 'Invalid',
              'X-Tenant-Id' => 'alice');

        my $http = Glance::HTTP->new(port => $r->{port});
        status_is($http->request('GET', '/images', headers => [
            'X-Identity-Status' => 'Confirmed', 'X-Tenant-Id' => 'alice' ]),
            401, 'no secret');
        status_is($http->request('GET', '/images', headers => [
            'X-Identity-Status' => 'Confirmed', 'X-Tenant-Id' => 'alice',
            'X-Glance-Secret' => 's3cre' ]), 401, 'a wrong secret');
        status_is($http->request('GET', '/claims'), 401, 'claims');
        status_is($http->request('GET', '/healthcheck'), 200, 'health');
    });
}, 'paste_deploy/flavor' => 'trusted', registry_secret => 's3cret');


done_testing();
