#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2, lists: filters, order, pages, links, and which images are whose
# (specs/v2/03 3.3), from the registry that makes them.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


my %who = (
    p1 => [ tenant('p1', 'member,reader') ],
    p2 => [ tenant('p2', 'member,reader') ],
    reader => [ tenant('p1', 'reader') ],
    admin => [ tenant('p0', 'admin,member,reader') ],
    nobody => [ tenant('p1', 'service') ],
);


sub create {
    my ($r, $who, %fields) = @_;

    my $a = $r->request('POST', '/v2/images', @{$who{$who}},
                        json => \%fields);

    die "not created: $a->{body}\n" if $a->{status} != 201;

    return $a->json()->{id};
}


sub list {
    my ($r, $who, $query) = @_;

    return $r->request('GET', '/v2/images' . ($query ? "?$query" : ''),
                       @{$who{$who}});
}


# names of a page, in its order

sub names {
    my ($r, $who, $query) = @_;

    my $a = list($r, $who, $query);

    return "$a->{status}: $a->{body}" if $a->{status} != 200;
    return join(' ', map { defined $_->{name} ? $_->{name} : '-' }
                     @{$a->json()->{images}});
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};
    my %id;

    my $time = sub {
        my ($name, $created, $updated) = @_;

        $db->query(sprintf("UPDATE images SET created_at = '%s',"
            . " updated_at = '%s' WHERE id = '%s'",
            "$created.000000", ($updated || $created) . '.000000',
            $id{$name}));
    };

    check('nothing' => sub {
        my $a = list($r, 'p1');

        status_is($a, 200);
        is($a->{body}, '{"images": [], "first": "/v2/images",'
           . ' "schema": "/v2/schemas/images"}', 'the whole of it');
        has_header($a, 'Content-Type', 'application/json');
    });

    my @made = (
        [ a => p1 => disk_format => 'raw', container_format => 'bare',
          min_ram => 1, tags => [ 'x', 'y' ], os_distro => 'debian' ],
        [ b => p1 => disk_format => 'qcow2', container_format => 'bare',
          min_ram => 2, tags => [ 'y' ], os_distro => 'ubuntu' ],
        [ c => p1 => disk_format => 'raw', min_disk => 5,
          visibility => 'private', protected => JSON::PP::true ],
        [ d => admin => visibility => 'public' ],
        [ e => p2 => visibility => 'community' ],
        [ f => p2 => visibility => 'shared' ],
        [ g => p2 => visibility => 'private' ],
        [ h => p1 => visibility => 'community', os_hidden => JSON::PP::true ],
        [ i => p1 => visibility => 'community' ],
    );

    my $n = 0;

    for my $image (@made) {
        my ($name, $who, %fields) = @$image;

        $id{$name} = create($r, $who, name => $name, %fields);
        $time->($name, sprintf('2024-01-01 00:00:%02d', $n++));
    }

    $r->request('PUT', "/images/$id{f}/members/p1", @{$who{p2}});

    check('whose images are in a list' => sub {
        my %in = (
            p1 => {
                '' => 'i d c b a',
                'visibility=public' => 'd',
                'visibility=private' => 'c',
                'visibility=shared' => 'b a',
                'visibility=community' => 'i e',
                'visibility=all' => 'i e d c b a',
                'visibility=' => '',
                'member_status=pending' => 'i f d c b a',
                'visibility=shared&member_status=pending' => 'f b a',
                'visibility=shared&member_status=all' => 'f b a',
                'visibility=all&member_status=rejected' => 'i e d c b a',
                'visibility=all&member_status=all' => 'i f e d c b a',
                'os_hidden=TRUE' => 'h',
                'os_hidden=true&visibility=community' => 'h',
                'os_hidden=false' => 'i d c b a',
            },
            p2 => {
                '' => 'g f e d',
                'visibility=shared' => 'f',
                'visibility=community' => 'i e',
                'owner=p1' => '',
                'owner=p1&visibility=community' => 'i',
            },
            admin => {
                '' => 'g f d c b a',
                'visibility=public' => 'd',
                'visibility=private' => 'g c',
                'visibility=shared' => 'f b a',
                'visibility=community' => 'i e',
                'visibility=all' => 'i g f e d c b a',
                'owner=p1' => 'c b a',
                'owner=p1&visibility=all' => 'i c b a',
            },
            reader => { '' => 'i d c b a' },
        );

        for my $who (sort keys %in) {
            for my $query (sort keys %{$in{$who}}) {
                is(names($r, $who, $query), $in{$who}{$query},
                   "$who: '$query'");
            }
        }

        status_is(list($r, 'nobody'), 403, 'no role that may look');

        $db->query("UPDATE image_members SET status = 'accepted'");
        is(names($r, 'p1'), 'i f d c b a', 'an accepted offer');
        is(names($r, 'p1', 'member_status=pending'), 'i d c b a',
           'is no pending one');
        $db->query("UPDATE image_members SET status = 'rejected'");
    });

    $time->('b', '2024-01-01 00:00:01', '2024-03-01 12:00:00');
    $db->query("UPDATE images SET size = 10 WHERE id = '$id{a}'");
    $db->query("UPDATE images SET size = 20, checksum = 'cafe'
                WHERE id = '$id{b}'");

    check('filters' => sub {
        my %found = (
            'name=a' => 'a',
            'name=eq:a' => 'a',
            'name=in:a,c,zz' => 'c a',
            'name=in:%22a%22,c' => 'c a',
            'name=in:%22a,c%22' => '',
            'name=nope' => '',
            'name=eq:a:b' => '',
            'name=2024-01-01T00:00:00Z' => '',
            'name=a&name=b' => 'b',
            "id=$id{c}" => 'c',
            "id=in:$id{a},$id{b}" => 'b a',
            'status=queued&name=a' => 'a',
            'status=in:active,saving' => '',
            'disk_format=raw' => 'c a',
            'disk_format=in:raw,qcow2' => 'c b a',
            'container_format=bare' => 'b a',
            'size=10' => 'a',
            'size_min=10' => 'b a',
            'size_min=11' => 'b',
            'size_max=10' => 'a',
            'size_min=1&size_max=15' => 'a',
            'size_min=-5' => 'b a',
            'size_max=99999999999999999999999' => 'b a',
            'min_ram=2' => 'b',
            'min_ram_min=1' => 'b a',
            'min_disk_max=0&visibility=shared' => 'b a',
            'virtual_size_min=0' => '',
            'checksum=cafe' => 'b',
            'os_hash_value=cafe' => '',
            'os_hash_algo=sha512' => '',
            'protected=true' => 'c',
            'protected=false' => 'i d b a',
            'tag=y' => 'b a',
            'tag=y&tag=x' => 'a',
            'tag=Y' => '',
            'tag=z' => '',
            'os_distro=debian' => 'a',
            'os_distro=debian&tag=y' => 'a',
            'os_distro=' => '',
            'no_such=1' => '',
            'foo_min=1' => '',
            'deleted=true' => 'i d c b a',
            'created_at=2024-01-01T00:00:02Z' => 'c',
            'created_at=eq:2024-01-01T00:00:02Z' => 'c',
            'created_at=gt:2024-01-01T00:00:02Z' => 'i d',
            'created_at=gte:2024-01-01T00:00:02' => 'i d c',
            'created_at=lt:2024-01-01T00:00:01Z' => 'a',
            'created_at=lte:2024-01-01T00:00:01Z' => 'b a',
            'created_at=neq:2024-01-01T00:00:01Z' => 'i d c a',
            'created_at=lt:2024-01-01' => '',
            'created_at=gt:2024-01-01' => 'i d c b',
            'created_at=2024-01-01T02:00:00%2B02:00' => 'a',
            'created_at=2024-01-01T02:00:00+02:00' => 'a',
            'updated_at=gt:2024-02-01T00:00:00Z' => 'b',
        );

        is(names($r, 'p1', $_), $found{$_}, $_) for sort keys %found;
    });

    check('what is wrong with a query' => sub {
        my %wrong = (
            'limit=x' => qr/limit param must be an integer/,
            'limit=' => qr/limit param must be an integer/,
            'limit=-1' => qr/limit param must be positive/,
            'limit=--1' => qr/limit param must be an integer/,
            'marker=nope' => qr/No image found with ID nope/,
            "marker=$id{g}" => qr/No image found with ID $id{g}/,
            'sort_key=foo' => qr/Invalid sort key: foo/,
            'sort_dir=up' => qr/Invalid sort direction: up/,
            'sort=name:up' => qr/Invalid sort direction: up/,
            'sort=' => qr/Invalid sort key: \./,
            'sort=name,,id' => qr/Invalid sort key/,
            'sort=name&sort_key=id' => qr/cannot be combined/,
            'sort=name&sort_dir=asc' => qr/cannot be combined/,
            'sort_key=name&sort_key=id&sort_key=size&sort_dir=asc'
                . '&sort_dir=desc' => qr/Number of sort dirs/,
            'sort_dir=asc&sort_dir=desc' => qr/Number of sort dirs/,
            'name=a:b' => qr/unknown operator 'a'/,
            'status=neq:active' => qr/unknown operator 'neq'/,
            'name=in:%22a' => qr/quotes/,
            'name=in:%22a%22b,c' => qr/quotes/,
            'name=in:a%22' => qr/quotes/,
            'size=big' => qr/non-numeric/,
            'size_min=1.5' => qr/non-numeric/,
            'min_ram_max=' => qr/non-numeric/,
            'protected=True' => qr/protected/,
            'os_hidden=' => qr/os_hidden/,
            'os_hidden=1' => qr/os_hidden/,
            'visibility=mine' => qr/Invalid visibility value: mine/,
            'member_status=foo' => qr/Invalid status: foo/,
            'changes-since=2024-01-01T00:00:00Z' => qr/no longer/,
            'created_at=yesterday' => qr/Bad "created_at" query/,
            'created_at=gt:' => qr/Bad "created_at" query/,
            'updated_at=gt:2024-13-01' => qr/Bad "updated_at" query/,
            'created_at=in:2024-01-01' => qr/unknown operator/,
            'name=%ff' => qr/decoded/,
            'name=%f0%9f%98%80' => qr/decoded/,
            '%f0%9f%98%80=1' => qr/decoded/,
            'name=%zz' => qr/percent-encoding/,
            'name=%00' => qr/percent-encoding/,
            join('&', map { "tag=t$_" } 1 .. 33) => qr/Too many/,
            join('&', map { "p$_=t" } 1 .. 129) => qr/Too many/,
            'id=in:' . ',' x 1024 => qr/Too many values of id/,
        );

        for my $query (sort keys %wrong) {
            my $a = list($r, 'p1', $query);
            my $title = substr($query, 0, 60);

            status_is($a, 400, $title);
            like($a->{body}, $wrong{$query}, "$title: why");
        }

        is(names($r, 'p1', 'name=' . 'x' x 2000), '', 'a long value');
        is(names($r, 'p1', 'id=' . "'%20OR%201=1--"), '', 'is not SQL');
        is(names($r, 'p1', "'%20OR%201=1=1"), '', 'nor is a name');
    });

    check('order' => sub {
        my %order = (
            'sort_key=name' => 'i d c b a',
            'sort_key=name&sort_dir=asc' => 'a b c d i',
            'sort=name:asc' => 'a b c d i',
            'sort=name' => 'i d c b a',
            'sort_dir=asc' => 'a b c d i',
            'sort_key=size' => 'b a i d c',
            'sort_key=size&sort_dir=asc' => 'c d i a b',
            'sort_key=size&sort_key=name&sort_dir=asc&sort_dir=desc'
                => 'i d c a b',
            'sort=size:asc,name:desc' => 'i d c a b',
            'sort=disk_format:asc,name:asc' => 'd i b a c',
            'sort=disk_format,created_at:asc' => 'a c b d i',
            'sort=name:asc,name:desc' => 'a b c d i',
            'sort_key=updated_at' => 'b i d c a',
            'sort_key=container_format&sort_key=size' => 'b a i d c',
            'sort_key=status&sort_dir=asc' => 'a b c d i',
        );

        is(names($r, 'p1', $_), $order{$_}, $_) for sort keys %order;

        is(join(' ', map { $_->{id} }
                @{list($r, 'p1', 'sort=id:asc')->json()->{images}}),
           join(' ', sort @id{qw/ a b c d i /}), 'sort=id:asc');
    });

    check('pages' => sub {
        for my $sort ('', 'sort_dir=asc', 'sort=name:asc', 'sort=size',
                      'sort=disk_format:asc,size:desc', 'sort=id',
                      'sort_key=status&sort_key=updated_at&sort_dir=asc'
                      . '&sort_dir=desc')
        {
            my $whole = names($r, 'p1', "visibility=all&$sort");
            my $query = "limit=2&visibility=all&$sort";
            my @pages;

            while (@pages < 9) {
                my $page = list($r, 'p1', $query)->json();

                push @pages, map { $_->{name} } @{$page->{images}};
                last if !$page->{next};

                $query = $page->{next} =~ s!^/v2/images\?!!r;
            }

            is("@pages", $whole, "'$sort', two by two");
        }

        my $page = list($r, 'p1', 'limit=5&sort_dir=asc')->json();

        like($page->{next}, qr/&marker=$id{i}$/,
             'a full page has a next one');
        $page = list($r, 'p1', $page->{next} =~ s!.*\?!!r)->json();
        is_deeply($page->{images}, [], 'which may be empty');
        ok(!exists $page->{next}, 'and is the last one');

        $page = list($r, 'p1', 'limit=0')->json();
        is_deeply([ @$page{qw/ images next /} ], [ [], undef ], 'limit=0');
        is(names($r, 'p1', 'limit=99999999999999999999&limit=1'), 'i',
           'the last limit counts');
        is(names($r, 'p1', 'marker='), 'i d c b a', 'an empty marker');
        is(names($r, 'p1', '&&limit=1&=x&'), 'i', 'no names');
    });

    check('names that are none, and many of one' => sub {
        my @made = map { create($r, 'p1', @$_, visibility => 'private') }
                   [], [], [ name => '' ], [ name => 'same' ],
                   [ name => 'same' ], [ name => 'same' ];
        my $n = 0;

        $db->query("UPDATE images SET created_at = '2025-01-01 00:00:0"
                   . $n++ . ".000000' WHERE id = '$_'") for @made;

        for my $who ('p1', 'admin') {
            for my $dir ('asc', 'desc') {
                my $query = "sort=name:$dir,created_at:$dir,id:$dir"
                            . '&visibility=private&owner=p1';
                my @whole = map { $_->{id} }
                            @{list($r, $who, $query)->json()->{images}};
                my @pages;

                while (@pages < 9) {
                    my $page = list($r, $who, "limit=1&$query"
                        . (@pages ? "&marker=$pages[-1]" : ''))->json();

                    last if !@{$page->{images}};
                    push @pages, $page->{images}[0]{id};
                }

                is("@pages", "@whole", "$who, $dir: one by one");

                my @order = $dir eq 'asc' ? @made : reverse @made;

                is(join(' ', grep { $_ ne $id{c} } @whole), "@order",
                   "$who, $dir: those without a name are the lowest");
            }
        }

        is(names($r, 'p1', 'name=same&limit=2'), 'same same', 'by name');
        is(names($r, 'p1', "name=same&limit=2&marker=$made[4]"), 'same',
           'the rest');
        is(names($r, 'admin', 'name=same&sort=size'), 'same same same',
           'in any order');
        is(names($r, 'admin', 'name=in:same,c&visibility=all&owner=p1'),
           'same same same c', 'several names');

        $r->request('DELETE', "/v2/images/$_", @{$who{p1}}) for @made;
    });

    check('a marker that was deleted marks nothing' => sub {
        my $gone = create($r, 'p1', name => 'gone');

        status_is($r->request('DELETE', "/v2/images/$gone", @{$who{p1}}),
                  204);
        status_is(list($r, 'p1', "marker=$gone"), 400);
        is(names($r, 'admin', 'name=gone'), '', 'nor is it in a list');
    });

    check('links keep every parameter' => sub {
        my $query = 'tag=y&limit=1&tag=x&name=in:a,b&p%20q=%26%25+%C3%A4'
                    . '&visibility=all&marker=&x';
        my $page = list($r, 'p1', $query)->json();

        is($page->{first}, '/v2/images?tag=y&limit=1&tag=x&name=in%3Aa%2Cb'
           . '&p+q=%26%25+%C3%A4&visibility=all&x=', 'first');

        $page = list($r, 'p1', "sort=name%3Aasc&limit=1&tag=y&marker=$id{a}")
                ->json();
        is($page->{next}, '/v2/images?sort=name%3Aasc&limit=1&tag=y'
           . "&marker=$id{b}", 'next');
    });

    check('items are what GET of one says' => sub {
        my ($item) = @{list($r, 'p1', 'name=a')->json()->{images}};

        is_deeply($item, $r->request('GET', "/v2/images/$id{a}",
                                     @{$who{p1}})->json(), 'the same');
        is_deeply([ sort @{$item->{tags}} ], [ 'x', 'y' ], 'with tags');
        is($item->{os_distro}, 'debian', 'with properties');
    });

    check('a body is ignored' => sub {
        status_is($r->request('GET', '/v2/images', @{$who{p1}},
                              body => 'x'), 200);
    });
});


# limits of the configuration, and pages that are cut before they are long

for_each_registry(sub {
    my ($r, $kind) = @_;

    create($r, 'p1', name => "n$_", long => 'x' x 60000) for 1 .. 7;

    is(scalar @{list($r, 'p1')->json()->{images}}, 3, 'limit_param_default');
    unlike(list($r, 'p1')->json()->{next}, qr/limit/,
           'next has no limit when none was given');
    is(scalar @{list($r, 'p1', 'limit=100')->json()->{images}}, 5,
       'api_limit_max');

    my $db = $r->{database};

    $db->query("INSERT INTO image_properties (image_id, name, value,
                created_at, deleted) SELECT images.id, 'p' || n, value,
                '2024-01-01 00:00:00', 0 FROM images, image_properties,
                (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1
                FROM c WHERE n < 30) SELECT n FROM c) numbers
                WHERE image_properties.image_id = images.id")
        if $kind eq 'sqlite';
    $db->query("INSERT INTO image_properties (image_id, name, value,
                created_at, deleted) SELECT images.id, CONCAT('p', n), value,
                '2024-01-01 00:00:00', 0 FROM images JOIN image_properties
                ON image_properties.image_id = images.id,
                (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1
                FROM c WHERE n < 30) SELECT n FROM c) numbers")
        if $kind eq 'mysql';

    check('tags that few images have, and many' => sub {
        my $seq = '(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1'
                  . ' FROM c WHERE n < 998) SELECT n FROM c) numbers';
        my $other = create($r, 'p2', name => 'other');
        my %tagged = map { ($_ => create($r, 'p1', name => $_)) }
                     qw/ t1 t2 t3 /;

        $db->query("INSERT INTO image_tags (image_id, value, created_at,
                    deleted) SELECT '$other', 'many', '2024-01-01 00:00:00',
                    0 FROM $seq");
        $db->query("INSERT INTO image_tags (image_id, value, created_at,
                    deleted) VALUES ('$_', 'few', '2024-01-01 00:00:00', 0),
                    ('$_', 'dead', '2024-01-01 00:00:00', 1)")
            for @tagged{qw/ t1 t2 /};

        for my $name (qw/ t1 t2 /) {
            $db->query("INSERT INTO image_tags (image_id, value, created_at,
                        deleted) VALUES ('$tagged{$name}', 'many',
                        '2024-01-01 00:00:00', 0)");
            is(names($r, 'p1', 'tag=many&sort=name:asc'),
               $name eq 't1' ? 't1' : 't1 t2', "many, with $name");
        }

        is(names($r, 'p1', 'tag=few&sort=name:asc'), 't1 t2', 'few');
        is(names($r, 'admin', 'tag=many&tag=few&name=t2'), 't2',
           'both, and a name');
        is(names($r, 'p1', "tag=few&limit=1&sort=name:asc"
                           . "&marker=$tagged{t1}"), 't2', 'pages');
        is(names($r, 'p1', 'tag=dead'), '', 'removed ones');
        is(names($r, 'p2', 'tag=few'), '', 'of somebody else');

        $r->request('DELETE', "/v2/images/$_", @{$who{p1}})
            for values %tagged;
    });

    my @pages;
    my $query = 'limit=5&sort=name:asc';

    while (@pages < 9) {
        my $a = list($r, 'p1', $query);

        cmp_ok(length $a->{body}, '<', 9 * 1024 * 1024, 'a bounded answer');
        push @pages, [ $a->{body} =~ /"name": "([^"]*)"/g ];

        # megabytes are not for JSON::PP

        last if $a->{body} !~ m!"next": "/v2/images\?([^"]*)"\}$!;
        $query = $1;
    }

    cmp_ok(scalar @{$pages[0]}, '<', 5, 'a page is cut when it is large');
    is(join(' ', map { @$_ } @pages), 'n1 n2 n3 n4 n5 n6 n7',
       'and goes on behind the cut');
}, limit_param_default => 3, api_limit_max => 5);


# a database of an older version gets the indexes that lists are read by

for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};
    my %indexes = (image_properties => [ 'property' ],
                   images => [ qw/ status hidden disk_format updated / ]);

    create($r, 'p1', name => 'old', os_hidden => JSON::PP::true,
           kind => 'rare', disk_format => 'iso');
    $r->stop();

    for my $table (sort keys %indexes) {
        $db->query("DROP INDEX ngx_glance_$_"
                   . ($kind eq 'mysql' ? " ON $table" : ''))
            for @{$indexes{$table}};
    }

    $db->query("UPDATE ngx_glance_schema SET value = '005_ngx_glance_tags'
                WHERE name = 'created'");
    $r->start();

    is(names($r, 'p1', "os_hidden=true&$_"), 'old', "by $_ after an upgrade")
        for 'kind=rare', 'name=old', 'disk_format=iso', 'status=queued',
            'updated_at=gte:2020-01-01';
});


# what a page costs: the rows that the database reads for it, not its time

for_each_registry(sub {
    my ($r, $kind) = @_;

    plan(skip_all => 'SQLite does not count the rows that it reads')
        if $kind eq 'sqlite';

    my $db = $r->{database};
    my $rows = 20000;

    $db->query("SET max_recursive_iterations = 1000000;
        INSERT INTO images (id, name, size, status, created_at, updated_at,
        deleted, min_disk, min_ram, visibility, owner, protected, os_hidden)
        SELECT UUID(), CONCAT('image ', n % 5000), n, 'active',
        FROM_UNIXTIME(1700000000 + n), FROM_UNIXTIME(1700000000 + n), 0, 0, 0,
        ELT(n % 4 + 1, 'public', 'private', 'shared', 'community'),
        CONCAT('p', n % 100), 0, 0
        FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c
        WHERE n < $rows) SELECT n FROM c) numbers;
        INSERT INTO image_tags (image_id, value, created_at, deleted)
        SELECT id, IF(size % 2000 = 0, 'rare', 'common'), created_at, 0
        FROM images;
        INSERT INTO image_properties (image_id, name, value, created_at,
        deleted) SELECT id, 'kind', IF(size % 2000 = 0, 'rare', 'common'),
        created_at, 0 FROM images;
        UPDATE images SET os_hidden = 1 WHERE size % 2001 = 0;
        UPDATE images SET status = 'queued' WHERE size % 2003 = 0;
        UPDATE images SET disk_format = IF(size % 2011 = 0, 'iso', 'raw');
        UPDATE images SET updated_at = '2025-01-01' WHERE size % 2017 = 0;
        ANALYZE TABLE images, image_tags, image_properties");

    my $read = sub {
        my $sum = 0;

        $sum += $_->[1] for $db->query("SHOW GLOBAL STATUS WHERE Variable_name
            IN ('Handler_read_key', 'Handler_read_next', 'Handler_read_prev',
            'Handler_read_rnd_next')");

        return $sum;
    };

    my $before = $read->();

    for my $who ('p1', 'admin') {
        for my $query ('', 'sort_dir=asc', 'visibility=public',
                       'visibility=community', 'visibility=all',
                       'visibility=private', 'visibility=shared',
                       'sort=name:asc', 'sort=name:desc',
                       'visibility=all&sort_key=name&sort_dir=asc',
                       'name=image+4', 'owner=p1', 'tag=rare', 'tag=common',
                       'status=active', 'checksum=x',
                       'created_at=gt:2023-11-01', 'kind=rare',
                       'kind=common', 'kind=common&tag=rare', 'os_hidden=true',
                       'os_hidden=true&name=image+4', 'status=queued',
                       'status=queued&sort=size', 'disk_format=iso',
                       'disk_format=raw', 'updated_at=gte:2024-06-01',
                       'updated_at=gt:2024-06-01&sort=name:asc')
        {
            my $page = $query;
            my $n = 0;

            while ($n++ < 2) {
                my $a = list($r, $who, "limit=10&$page");
                my $now = $read->();

                status_is($a, 200, "$who, '$query', page $n");
                cmp_ok($now - $before, '<', $rows / 5,
                       "$who, '$query', page $n: rows read");
                $before = $now;

                last if $a->{body} !~ /"next": "[^"]*(marker=[^"]*)"/;
                $page = "$query&$1";
            }
        }
    }

    list($r, 'admin', 'sort=updated_at');
    cmp_ok($read->() - $before, '>', $rows, 'they are counted');
});


done_testing();
