#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What is asked of one image costs the same however many there are: no statement
# goes through all rows, neither in a SQLite database that nobody has analyzed,
# as it is where "glance-manage db sync" was all that was done, nor in MariaDB.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::BenchPages;
use Glance::Process qw/ read_file /;
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


# what was prepared, the texts of SQL

sub prepared {
    my ($r) = @_;

    my %sql = map { $_ => 1 } read_file($r->{log}) =~ /prepare sql="([^"]+)"/g;

    return sort grep { /^(?:SELECT|UPDATE) / && /\b$Tables\b/ } keys %sql;
}


# the steps of a plan that read all rows of a table

sub through_sqlite {
    my ($database, $sql) = @_;

    return grep { /SCAN $Tables\b/
                  || /SEARCH .*INDEX ix_\w+_deleted \(deleted=\?/ }
           map { join(' ', @$_) }
           $database->query("EXPLAIN QUERY PLAN $sql");
}


# MariaDB has to know the values, and says how many rows it expects to read

sub through_mysql {
    my ($database, $sql) = @_;

    $sql =~ s/((?:size|LIMIT|OFFSET)(?: =)?) \?/$1 25/g;
    $sql =~ s/status = \?/status = 'active'/g;
    $sql =~ s/(_at (?:[<>]=?|=)) \?/$1 '2026-01-01 00:00:00'/g;
    $sql =~ s/\?/'00000010-0000-4000-8000-000000000000'/g;

    return grep { /rows: (\d+)/ && $1 > 500 }
           map { "$_->[2] $_->[3] rows: $_->[8]" }
           $database->query("EXPLAIN $sql");
}


# of each table as many rows as there are images, and statistics, which are what
# MariaDB decides by

sub fill {
    my ($r) = @_;

    Glance::BenchPages::fill({ registry => $r, images => 1000 });

    for my $insert (
        [ image_tags => 'value', "'x'" ],
        [ image_members => 'member, can_share', "'p9', 0" ],
        [ image_locations => 'value, status', "'file:///x', 'active'" ])
    {
        my ($table, $columns, $values) = @$insert;

        $r->{database}->query(
            "INSERT INTO $table (image_id, created_at, deleted, $columns)"
            . " SELECT id, created_at, 0, $values FROM images;"
            . " ANALYZE TABLE $table");
    }
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    fill($r) if $kind eq 'mysql';

    use_all($r);

    my @sql = prepared($r);

    for my $sql (@sql) {
        my @all = $kind eq 'sqlite' ? through_sqlite($r->{database}, $sql)
                                    : through_mysql($r->{database}, $sql);

        is("@all", '', substr($sql, 0, 120)) or diag($sql);
    }

    cmp_ok(scalar @sql, '>=', 30, @sql . ' statements');
}, debug => 'True', user_storage_quota => '1TB', image_member_quota => 5);


done_testing();
