#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What is asked of one image costs the same however many there are: in a
# SQLite database that nobody has analyzed, as it is where "glance-manage db
# sync" was all that was done, no statement goes through all rows.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Database;
use Glance::Process qw/ read_file /;
use Glance::Registry;
use Glance::RegistryTest;
use Glance::Test;

my $Tables = qr/(?:images|image_\w+|tasks|ngx_glance_\w+)/;


# one of everything that is done to an image, by either API

sub use_all {
    my ($r) = @_;

    my @p1 = tenant('p1', 'member,reader');
    my $id = new_image($r, { status => 'active', owner => 'p1', size => 3,
                             location => 'file:///x/1',
                             properties => { a => 'b' } })->{id};

    my @calls = (
        [ PUT => "/images/$id", json => { image => {
            name => 'n', properties => { a => 'c' } } } ],
        [ GET => "/images/$id" ],
        [ GET => '/images' ],
        [ GET => '/images/detail?property-a=c' ],
        [ PUT => "/images/$id/members/p2", json => {
            member => { can_share => 1 } } ],
        [ PUT => "/images/$id/members", json => {
            memberships => [ { member_id => 'p3', can_share => 1 } ] } ],
        [ GET => "/images/$id/members" ],
        [ GET => '/shared-images/p3' ],
        [ DELETE => "/images/$id/members/p3" ],
        [ DELETE => "/images/$id" ],
    );

    for my $call (@calls) {
        my ($method, $path, @o) = @$call;
        my $a = $r->request($method, $path, @o);

        ok($a->{status} / 100 < 3, "$method $path") or diag($a->summary());
    }

    my $v2 = '/v2/images';

    $id = $r->request('POST', $v2, @p1, json => {
        name => 'x', a => 'b', tags => [ 't' ], visibility => 'shared',
    })->json()->{id};

    @calls = (
        [ GET => "$v2/$id" ],
        [ GET => "$v2?a=b&tag=t" ],
        [ GET => "$v2?marker=$id" ],
        [ PATCH => "$v2/$id", body =>
            '[{"op": "replace", "path": "/a", "value": "c"}]',
            type => 'application/openstack-images-v2.1-json-patch' ],
        [ PUT => "$v2/$id/tags/u" ],
        [ DELETE => "$v2/$id/tags/u" ],
        [ POST => "$v2/$id/members", json => { member => 'p2' } ],
        [ GET => "$v2/$id/members" ],
        [ GET => "$v2/$id/members/p2" ],
        [ GET => "$v2/$id/tasks" ],
        [ DELETE => "$v2/$id/members/p2" ],
        [ DELETE => "$v2/$id" ],
    );

    for my $call (@calls) {
        my ($method, $path, %o) = @$call;
        my $type = delete $o{type};
        my $a = $r->request($method, $path, %o, headers => [
            @{$p1[1]}, $type ? ('Content-Type' => $type) : () ]);

        ok($a->{status} / 100 < 3, "$method $path") or diag($a->summary());
    }
}


my $r = Glance::Registry->new(
    database => Glance::Database->new('sqlite'),
    options => { debug => 'True', user_storage_quota => '1TB',
                 image_member_quota => 5 })->start();

use_all($r);

my %sql = map { $_ => 1 }
          read_file($r->{log}) =~ /prepare sql="((?:SELECT|UPDATE) [^"]+)"/g;
my $explained = 0;

for my $sql (sort grep { /\b$Tables\b/ } keys %sql) {
    my @plan = map { join(' ', @$_) }
               $r->{database}->query("EXPLAIN QUERY PLAN $sql");
    my @all = grep { /SCAN $Tables\b/
                     || /SEARCH .*INDEX ix_\w+_deleted \(deleted=\?/ } @plan;

    is("@all", '', substr($sql, 0, 120)) or diag($sql, "\n@plan");
    $explained++;
}

cmp_ok($explained, '>=', 30, "$explained statements");

finish($r);

done_testing();
