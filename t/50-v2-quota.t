#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: how many properties, tags, members and locations an image may have,
# and how many bytes the images of a project (specs: v2/08 8.1), also when
# many callers add them at once.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V2;

my %quota = map { ("image_${_}_quota" => 3) }
            qw/ property tag member location /;


sub limit {
    my ($what, $n) = @_;

    return "allowed image $what. Attempted: $n, Maximum: 3";
}


sub share {
    my ($v2, $id, $member) = @_;

    return $v2->ask('p1', 'POST', "/images/$id/members",
                    json => { member => $member });
}


# of requests at once exactly this many are done, the others too many

sub done_is {
    my ($done, $status, @r) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @want = (($status) x $done, (413) x (@r - $done));

    is(join(' ', sort map { $_->{status} } @r), join(' ', @want),
       "$done of " . @r . ' at once');
}


for_each_v2(sub {
    my ($v2) = @_;

    my $db = $v2->{db};

    check('properties' => sub {
        my %three = (a => '', b => '', c => '');

        fault_is($v2->ask('p1', 'POST', '/images',
                          json => { %three, d => '' }), 413,
                 limit(properties => 4));

        my $id = $v2->create('p1', \%three)->{id};
        my $before = $v2->rows($id);

        fault_is($v2->patch('p1', $id, replace(name => 'x'), add(d => '')),
                 413, limit(properties => 4));
        is($v2->rows($id), $before, 'nothing is changed');
        status_is($v2->patch('p1', $id, add(d => ''), remove('a')), 200,
                  'one for another');

        # more than that were there when the limit was another
        $db->query("INSERT INTO image_properties (image_id, name, value,
            created_at, deleted) VALUES
            ('$id', 'x1', '', '2026-01-01 00:00:00', 0),
            ('$id', 'x2', '', '2026-01-01 00:00:00', 0),
            ('$id', 'os_glance_x', '', '2026-01-01 00:00:00', 0)");

        status_is($v2->patch('p1', $id, replace(b => 'new')), 200,
                  'too many: one is changed');
        status_is($v2->patch('p1', $id, add(y => ''), remove('x1')), 200,
                  'one for another');
        status_is($v2->patch('p1', $id, remove('x2')), 200, 'one less');
        fault_is($v2->patch('p1', $id, add(z => '')), 413,
                 limit(properties => 5));

        $id = $v2->create('p1')->{id};
        done_is(3, 200, $v2->at_once(map {
            [ 'p1', 'PATCH', "/images/$id", json => [ add("p$_" => '') ],
              headers => [ 'Content-Type' => $v21 ] ]
        } 1 .. 8));
    });

    check('tags' => sub {
        fault_is($v2->ask('p1', 'POST', '/images',
                          json => { tags => [ 1 .. 4 ] }), 400,
                 'must be a string');
        fault_is($v2->ask('p1', 'POST', '/images',
                          json => { tags => [ 'a' .. 'd' ] }), 413,
                 limit(tags => 4));

        my $id = $v2->create('p1', { tags => [ 'a' .. 'c', 'a' ] })->{id};

        is(scalar @{$v2->show('p1', $id)->{tags}}, 3, 'each counts once');
        fault_is($v2->patch('p1', $id, replace(name => 'x',
                                               tags => [ 'a' .. 'e' ])),
                 413, limit(tags => 5));
        is($v2->show('p1', $id)->{name}, undef, 'nothing is changed');
        fault_is($v2->ask('p1', 'PUT', "/images/$id/tags/d"), 413,
                 "Image tag limit exceeded for image $id:");
        status_is($v2->ask('p1', 'PUT', "/images/$id/tags/a"), 204,
                  'one that is there');
        status_is($v2->ask('p1', 'DELETE', "/images/$id/tags/a"), 204);
        status_is($v2->ask('p1', 'PUT', "/images/$id/tags/d"), 204,
                  'room for one');

        $id = $v2->create('p1')->{id};
        done_is(3, 204, $v2->at_once(map {
            [ 'p1', 'PUT', "/images/$id/tags/t$_" ]
        } 1 .. 8));
        is(scalar @{$v2->show('p1', $id)->{tags}}, 3, 'so many there are');
    });

    check('members' => sub {
        my $id = $v2->create('p1')->{id};

        status_is(share($v2, $id, "m$_"), 200) for 1 .. 3;
        fault_is(share($v2, $id, 'm4'), 413, 'allowed image members for this '
                 . 'image. Attempted: 4, Maximum: 3');
        fault_is(share($v2, $id, 'm3'), 409, 'is duplicated');
        status_is($v2->ask('p1', 'DELETE', "/images/$id/members/m1"), 204);
        status_is(share($v2, $id, 'm4'), 200, 'room for one');

        my @shown = map { $_->{member_id} }
            @{$v2->ask('p1', 'GET', "/images/$id/members")->json()
              ->{members}};

        is("@shown", 'm2 m3 m4', 'so many there are');

        $id = $v2->create('p1')->{id};
        done_is(3, 200, $v2->at_once(map {
            [ 'p1', 'POST', "/images/$id/members",
              json => { member => "m$_" } ]
        } 1 .. 8));
    });

    check('locations' => sub {
        my $id = $v2->active('p1')->{id};
        my $add = { op => 'add', path => '/locations/-',
                    value => { url => 'http://127.0.0.1/x',
                               metadata => {} } };

        $v2->location($id, "file:///$_") for 1 .. 2;
        fault_is($v2->patch('p1', $id, $add), 400, 'Invalid location');
        $v2->location($id, 'file:///3');
        fault_is($v2->patch('p1', $id, $add), 413, limit(locations => 4));
    });
}, %quota, show_multiple_locations => 'True');

# bytes of a project: the images of others do not count, nor those without
# data

sub upload {
    my ($v2, $who, $id, $n, %o) = @_;

    return $v2->ask($who, 'PUT', "/images/$id/file", body => 'x' x $n, %o,
        headers => [ 'Content-Type' => 'application/octet-stream' ]);
}


for_each_v2(sub {
    my ($v2) = @_;

    my $env = $v2->{env};
    my $full = 'storage quota of the project';
    my $new = sub {
        return $v2->create($_[0], { disk_format => 'raw',
                                    container_format => 'bare' })->{id};
    };

    my $first = $new->('p1');
    my $second = $new->('p1');

    status_is(upload($v2, 'p1', $first, 6 * 1024), 204, 'the first image');

    for my $o ({}, { chunked => 1 }, { expect => 1 }) {
        for my $n (4097, 1024 * 1024) {
            fault_is(upload($v2, 'p1', $second, $n, %$o, stop_early => 1),
                     413, $full, "$n bytes, " . join('', keys %$o));
            ok(wait_until(sub {
                $v2->show('p1', $second)->{status} eq 'queued'
            }), 'queued again');
        }
    }

    is($v2->show('p1', $second)->{size}, undef, 'without data');
    is_deeply([ $env->files() ], [ $first ], 'also in the store');
    status_is(upload($v2, 'p2', $new->('p2'), 10 * 1024), 204,
              'another project has its own');
    fault_is(upload($v2, 'p2', $new->('p2'), 1), 413, $full);
    status_is(upload($v2, 'p1', $second, 4096, chunked => 1), 204,
              'all that is left');

    my $third = $new->('p1');

    status_is(upload($v2, 'p1', $new->('p1'), 0), 204, 'nothing is not much');
    fault_is(upload($v2, 'p1', $third, 1), 413, $full);
    fault_is(upload($v2, 'root/admin', $third, 1), 413, $full,
             'whoever brings it');

    # what others put there before there was a limit
    $v2->location($second, 'http://127.0.0.1/x');
    fault_is(upload($v2, 'p1', $third, 0), 413, $full, 'twice as many');

    my $r = $env->connect(from => '127.0.0.2')->request('POST', '/v1/images',
        body => 'x', headers => [ Glance::V2::caller_headers('p1'),
            'x-image-meta-name' => 'x', 'x-image-meta-disk_format' => 'raw',
            'x-image-meta-container_format' => 'bare',
            'Content-Type' => 'application/octet-stream' ]);

    status_is($r, 413, 'by API v1, too');

    my $none = $v2->create('root/admin', { owner => undef,
        disk_format => 'raw', container_format => 'bare' })->{id};

    status_is(upload($v2, 'root/admin', $none, 11 * 1024), 204,
              "nobody's image");

    status_is($v2->ask('p1', 'DELETE', "/images/$_"), 204)
        for $first, $second;
    status_is(upload($v2, 'p1', $third, 10 * 1024), 204, 'room again');

    # two that came at once: the second one finds that out at its end
    my $late = $new->('p2');

    $v2->{db}->query("UPDATE images SET size = 0 WHERE owner = 'p2'");

    my $c = $env->connect(from => '127.0.0.2');

    $c->send($c->head('PUT', "/v2/images/$late/file", length => 8000,
        headers => [ Glance::V2::caller_headers('p2'), 'Content-Type' =>
                     'application/octet-stream' ]) . 'x' x 4000);
    ok(wait_until(sub { $v2->show('p2', $late)->{status} eq 'saving' }),
       'under way');
    status_is(upload($v2, 'p2', $new->('p2'), 8000), 204, 'another one');
    $c->send('x' x 4000);
    status_is($c->read_response('PUT'), 413, 'too late');
    ok(wait_until(sub { $v2->show('p2', $late)->{status} eq 'queued' }),
       'queued again');
    ok(!-e "$env->{store}/$late", 'without data');
}, user_storage_quota => '10 KB');

for_each_v2(sub {
    my ($v2) = @_;

    my $id = $v2->create('p1', { tags => [ 'a' ],
                                 map { ("p$_" => '') } 1 .. 130 })->{id};

    status_is($v2->patch('p1', $id, add(map { ("q$_" => '') } 1 .. 10),
                         replace(tags => [ map { "t$_" } 1 .. 130 ])), 200,
              'without limits');
    status_is($v2->ask('p1', 'PUT', "/images/$id/tags/more"), 204);

    my $now = $v2->show('p1', $id);

    is(scalar @{$now->{tags}}, 131, 'tags');
    is(scalar(grep { /^[pq]\d+$/ } keys %$now), 140, 'properties');
}, map { ("image_${_}_quota" => -1) } qw/ property tag member location /);

done_testing();
