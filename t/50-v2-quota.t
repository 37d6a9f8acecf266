#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: how many properties, tags, members and locations an image may have
# (specs: v2/08 8.1), also when many callers add them at once.

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
