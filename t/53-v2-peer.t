#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# One database and one file store, used by this server and by OpenStack's own
# Glance at the same time: a takeover runs both for a while.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();

use Glance::Peer;
use Glance::Test;

my $missing = Glance::Peer::missing() || Glance::Database::missing('mysql');
plan(skip_all => $missing) if $missing;

# GLANCE_TEST_IMAGES=200 takes minutes
my $images = $ENV{GLANCE_TEST_IMAGES} || 40;

my $json = JSON::PP->new->utf8->canonical;
my $store = store_dir();
my $database = Glance::Database->new('mysql');
my $peer = Glance::Peer->new(database => $database, store => $store);

my ($status, $text) = $peer->manage('db', 'sync');
is($status, 0, 'its own "db sync"') or BAIL_OUT($text);

($status, $text) = run_command([ Glance::Program::built('glance-manage'),
    '--sql-connection', $database->{connection}, 'db', 'sync' ]);
is($status, 0, 'our "db sync" on it') or BAIL_OUT($text);

my $env = Glance::Env->new('mysql', database => $database, store => $store,
                           worker => 1);

$peer->start();

my @side = ($env, $peer);


sub call {
    my ($side, $method, $path, $body, $type) = @_;

    return $side->request($method, "/v2/images$path", !defined $body ? () : (
        body => ref $body ? $json->encode($body) : $body,
        headers => [ 'Content-Type' => $type || 'application/json' ]));
}


sub patch {
    my ($side, $id, @operations) = @_;

    return call($side, 'PATCH', "/$id", [ @operations ],
                'application/openstack-images-v2.1-json-patch');
}


# what both say of an image, without what each has of its own

sub shown {
    my ($side, $id) = @_;

    my $r = call($side, 'GET', "/$id");

    return $r->summary() if $r->{status} != 200;

    my %image = %{$r->json()};
    delete @image{qw/ direct_url locations stores /};
    $image{tags} = [ sort @{$image{tags}} ];

    return \%image;
}


sub members {
    my ($side, $id) = @_;

    my $r = call($side, 'GET', "/$id/members");

    return $r->summary() if $r->{status} != 200;

    return [ map { delete $_->{schema}; $_ }
             sort { $a->{member_id} cmp $b->{member_id} }
             @{$r->json()->{members}} ];
}


# each step by either, in changing order

sub live {
    my ($n) = @_;

    my $by = sub { $side[(($n >> $_[0]) + $n) & 1] };
    my $data = noise(1000 + $n);
    my @failed;

    my $step = sub {
        my ($what, $expected, $r) = @_;

        push @failed, "$what by $_[3]: " . $r->summary()
            if $r->{status} != $expected;
        return $r;
    };

    my $r = $step->('create', 201, call($by->(0), 'POST', '', {
        name => "image $n \x{2603}", disk_format => 'raw',
        container_format => 'bare', visibility => 'shared',
        tags => [ "t$n", 'all' ], min_disk => $n, distro => "d$n",
        owner => 'alpha' }), ref $by->(0));
    my $id = ($r->json() || {})->{id} or return @failed;

    $step->('upload', 204, call($by->(1), 'PUT', "/$id/file", $data,
                                'application/octet-stream'), ref $by->(1));
    $step->('change', 200, patch($by->(2), $id,
        { op => 'replace', path => '/name', value => "changed $n" },
        { op => 'add', path => '/os_version', value => "v$n" },
        { op => 'remove', path => '/distro' }), ref $by->(2));
    $step->('share', 200, call($by->(3), 'POST', "/$id/members",
                               { member => "friend$n" }), ref $by->(3));
    $step->('tag', 204, call($by->(4), 'PUT', "/$id/tags/more"),
            ref $by->(4));

    my ($ours, $its) = map { shown($_, $id) } @side;

    if ($json->encode([ $ours ]) ne $json->encode([ $its ])) {
        push @failed, 'shown differently: ' . $json->encode([ $ours, $its ]);
    }

    push @failed, 'not active: ' . $json->encode([ $ours ])
        if ref $ours ne 'HASH' || $ours->{status} ne 'active'
           || $ours->{name} ne "changed $n" || $ours->{os_version} ne "v$n"
           || $ours->{checksum} ne md5_of($data);

    ($ours, $its) = map { $json->encode([ members($_, $id) ]) } @side;
    push @failed, "members: $ours, $its" if $ours ne $its;

    for my $side (@side) {
        $r = call($side, 'GET', "/$id/file");
        push @failed, 'data by ' . ref($side) . ': ' . $r->summary()
            if $r->{status} != 200 || $r->{body} ne $data;
    }

    return @failed if $n % 4 == 0;

    $step->('delete', 204, call($by->(5), 'DELETE', "/$id"), ref $by->(5));

    for my $side (@side) {
        $step->('show deleted', 404, call($side, 'GET', "/$id"), ref $side);
    }

    return @failed;
}


check("$images images, each by both" => sub {
    my @failed = map { my $n = $_; map { "image $n: $_" } live($n) }
                 1 .. $images;

    is(scalar @failed, 0, 'all as they should be')
        or diag(join("\n", @failed[0 .. ($#failed < 9 ? $#failed : 9)]));

    my %list = map {
        my $r = call($_, 'GET', '?limit=100&sort=name:asc&visibility=shared');
        ref $_ => join(' ', map { $_->{id} } @{($r->json() || {})->{images}
                                               || []});
    } @side;

    is(scalar split(' ', $list{'Glance::Env'}), $images / 4, 'what is left');
    is($list{'Glance::Env'}, $list{'Glance::Peer'}, 'listed alike');

    my ($count) = $database->query(
        'SELECT COUNT(*) FROM images WHERE deleted = 0');
    is($count->[0], $images / 4, 'rows');

    wait_until(sub { (grep { -f } glob "$store/*") == $images / 4 }, 30);
    is(scalar(grep { -f } glob "$store/*"), $images / 4, 'files');
});


check('its own check of the database' => sub {
    my ($status, $text) = $peer->manage('db', 'check');

    is($status, 0, 'content') or diag($text);
    like($text, qr/up to date/, 'says so');
});


$peer->stop();
$env->finish();

done_testing();
