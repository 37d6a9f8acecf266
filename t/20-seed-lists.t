#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# GET /images/ and GET /images/detail.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::Test;


sub names {
    my ($r) = @_;

    return [ map { $_->{name} } @{$r->json()->{images}} ];
}


for_each_database(sub {
    my ($env, $db) = @_;

    my @paths = qw! /images /images/ /images/detail !;
    my $base = "http://127.0.0.1:$env->{nginx}{port}/images";

    check('S-40 without images the lists are empty' => sub {
        for my $path (@paths) {
            my $c = $env->connect();

            for (1, 2) {
                my $r = $c->request('GET', $path);

                status_is($r, 200, $path);
                request_id_ok($r);
                has_header($r, 'Content-Type', qr!^application/json!);
                is_deeply($r->json(), { images => [] }, "$path is empty");
            }
        }
    });

    check('S-40 GET /images/ lists uri, name, type and size' => sub {
        my %id = (
            kernel => $env->create({ name => 'k', type => 'kernel',
                                     is_public => 'on' }, body => 'x' x 17),
            queued => $env->create({ name => 'q', type => 'machine',
                                     is_public => 'True' }),
        );

        for my $path ('/images', '/images/') {
            my $r = $env->request('GET', $path);
            my %image = map { $_->{id} => $_ } @{$r->json()->{images}};

            is_deeply($image{$id{kernel}},
                      { id => $id{kernel}, uri => "$base/$id{kernel}",
                        name => 'k', type => 'kernel', size => '17' },
                      "$path: exactly these keys");
            is($image{$id{queued}}{size}, '0', "$path: queued");
            like($r->{body}, qr/"size": ?"17"/, "$path: size is a string");
        }
        $env->wipe();
    });

    check('S-40 uri follows the Host of the request' => sub {
        $env->create({ is_public => 1 });

        for my $host ('glance.example.com', 'glance.example.com:8080') {
            my $r = $env->request('GET', '/images',
                                  headers => [ Host => $host ]);
            like($r->json()->{images}[0]{uri}, qr!^http://\Q$host\E/images/!,
                 $host);
        }
        $env->wipe();
    });

    check('S-41 GET /images/detail' => sub {
        my $data = 'x' x 21;
        my $id = $env->create({ name => 'detailed', type => 'ramdisk',
            is_public => 1, 'property-distro' => 'Ubuntu 10.04 LTS',
            'property-a.b' => 'dotted' }, body => $data);

        my $r = $env->request('GET', '/images/detail');
        my ($image) = @{$r->json()->{images}};

        my %expected = (
            id => $id, uri => "$base/$id", name => 'detailed',
            type => 'ramdisk', size => '21',
            store => $env->default_store(),
            status => 'active', deleted_at => '',
        );

        is($image->{$_}, $expected{$_}, $_) for sort keys %expected;

        is($image->{is_public}, JSON::PP::true(), 'is_public is a boolean');
        is($image->{deleted}, JSON::PP::false(), 'deleted is a boolean');
        is_deeply($image->{properties}, { distro => 'Ubuntu 10.04 LTS',
                                          'a.b' => 'dotted' },
                  'properties without "type"');
        ok(!exists $image->{$_}, "no $_") for qw/ location location_data /;
        unlike($r->{body}, $env->places(), 'no location');
        $env->wipe();
    });

    check('S-41 timestamps are UTC' => sub {
        my $id = $env->create({ is_public => 1 }, body => 'data');
        my ($image) =
            @{$env->request('GET', '/images/detail')->json()->{images}};

        for my $key (qw/ created_at updated_at /) {
            like($image->{$key}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, $key);

            my ($y, $m, $d, $h, $min, $s) = split(/\D/, $image->{$key});
            require Time::Local;
            my $at = Time::Local::timegm($s, $min, $h, $d, $m - 1, $y);

            cmp_ok(abs(time() - $at), '<', 1800, "$key is about now");
        }

        $env->{database}->query("UPDATE images SET"
            . " created_at = '2010-02-03 09:34:01',"
            . " updated_at = '2010-02-03 09:35:59'");

        ($image) =
            @{$env->request('GET', '/images/detail')->json()->{images}};
        is($image->{created_at}, '2010-02-03 09:34:01', 'created_at');
        is($image->{updated_at}, '2010-02-03 09:35:59', 'updated_at');
        $env->wipe();
    });

    check('S-40 S-41 public images only' => sub {
        $env->create({ name => 'public', is_public => 1 }, body => 'data');
        $env->create({ name => 'private' }, body => 'data');

        my $deleted = $env->create({ name => 'deleted', is_public => 1 },
                                   body => 'data');
        my $killed = $env->create({ name => 'killed', is_public => 1 });
        my $hidden = $env->create({ name => 'later private',
                                    is_public => 1 });

        $env->request('DELETE', "/images/$deleted");
        $env->put($hidden, { is_public => 'false' });
        $env->{database}->query("UPDATE images SET status = 'killed'"
                                . " WHERE id = '$killed'");

        # and those of one's own, if one has a project
        my @own = $env->owner() ? ('later private', 'private') : ();

        is_deeply([ sort @{names($env->request('GET', $_))} ],
                  [ @own, 'public' ], $_) for @paths;
        $env->wipe();
    });

    check('S-40 the newest comes first' => sub {
        for my $n (1 .. 5) {
            my $id = $env->create({ name => "image $n", is_public => 1 });

            $env->{database}->query('UPDATE images SET created_at ='
                . " '2011-01-0$n 00:00:00' WHERE id = '$id'");
        }

        is_deeply(names($env->request('GET', $_)),
                  [ map { "image $_" } 5, 4, 3, 2, 1 ], $_) for @paths;
        $env->wipe();
    });

    check('S-40 there is no paging and no filter' => sub {
        my @rows = map {
            sprintf("('00000000-0000-4000-8000-%012d', 'image %d', %d,"
                    . " 'active', '2011-01-01 00:00:00', 0, 'raw', 'bare',"
                    . " 0, 0, 0, 'public', 0)", $_, $_, $_)
        } 1 .. 1203;

        # in pieces: an argument of a command has a maximal length

        while (my @some = splice(@rows, 0, 200)) {
            my $rows = join(', ', @some);
            $env->{database}->query(
                'INSERT INTO images (id, name, size, status,'
            . ' created_at, deleted, disk_format, container_format,'
            . ' min_disk, min_ram, protected, visibility, os_hidden)'
            . " VALUES $rows");
        }

        for my $path (@paths) {
            my $names = names($env->request('GET', $path));

            is(scalar @$names, 1203, "$path: all are listed");

            my %once = map { $_ => 1 } @$names;
            is(scalar keys %once, 1203, "$path: each of them once");
        }

        for my $query ('limit=5', 'name=nothing', 'marker=nope',
                       'sort_key=nope', 'limit=abc', 'deleted=True',
                       'is_public=None', '%00', '%', 'a=b&' x 100)
        {
            my $r = $env->request('GET', "/images?$query");

            status_is($r, 200, 'query ' . substr($query, 0, 20));
            is(scalar @{$r->json()->{images}}, 1203, 'ignored');
        }
        $env->wipe();
    });

    check('S-04 names that JSON and HTTP have to escape' => sub {
        my @names = ('quote " and \\ backslash', "\xc3\xa4\xc3\xb6",
                     '<script>&amp;</script>', "\xe5\xb2\xa1\xe5\xb1\xb1",
                     "it's; DROP TABLE images; --", '%s%n%d', '${jndi:x}',
                     '{"images": []}');

        for my $name (@names) {
            my $id = $env->create({ name => $name, is_public => 1,
                                    'property-x' => $name });
            my $r = $env->request('GET', '/images/detail');
            my ($image) = grep { $_->{id} eq $id } @{$r->json()->{images}};
            my $title = $name;

            utf8::decode($title);
            is($image->{name}, $title, "name: $title");
            is($image->{properties}{x}, $title, "property: $title");
            has_header($env->request('HEAD', "/images/$id"),
                       'x-image-meta-name', $name, 'header: bytes as sent');
        }
        $env->wipe();
    });

    check('S-40 a body that nobody asked for' => sub {
        for my $path (@paths) {
            my $c = $env->connect();
            my $r = $c->request('GET', $path, body => 'unexpected');

            status_is($r, 200, "$path with a body");
            status_is($c->request('GET', $path), 200, 'second request');
        }
    });
});


done_testing();
