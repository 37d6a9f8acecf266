package Glance::V2;

# Copyright (C) ngx_glance authors

# API v2 through nginx, for callers of all kinds, whose headers an
# authenticating proxy sets.

use warnings;
use strict;

use Exporter ();
use JSON::PP ();
use Glance::Test;

our @ISA = qw/ Exporter /;

our @EXPORT = qw/ $v20 $v21 add fault_is for_each_v2 remove replace /;

our $v20 = 'application/openstack-images-v2.0-json-patch';
our $v21 = 'application/openstack-images-v2.1-json-patch';

my $secret = 's3cret';
my $proxy = '127.0.0.2';


# a subtest for every database: code gets (Glance::V2, kind); options are
# those of glance-registry.conf, nginx => { } is of the server, env => { }
# of all of it

sub for_each_v2 {
    my ($code, %options) = @_;

    my %nginx = %{delete $options{nginx} || {}};
    my %more = %{delete $options{env} || {}};

    for_each_database(sub {
        my ($env, $kind) = @_;

        $code->((bless { env => $env, db => $env->{database} }, __PACKAGE__),
                $kind);
    }, %more,
       nginx => { identity => 'trusted', proxies => [ $proxy ],
                  secret => $secret, %nginx },
       registry => { 'paste_deploy/flavor' => 'trusted',
                     registry_secret => $secret, %options });
}


# a caller: "project" with the roles of most people, "project/role,role",
# "project/role+service" with a service's token beside it

sub caller_headers {
    my ($who) = @_;

    my ($project, $roles) = split m{/}, $who;
    my ($own, $service) = split(/\+/, $roles // 'member,reader');

    return ('X-Identity-Status' => 'Confirmed', 'X-User-Id' => "u-$project",
            'X-Project-Id' => $project, 'X-Roles' => $own,
            $service ? ('X-Service-Roles' => $service) : ());
}


# options as of Glance::HTTP; json => a structure for the body

sub ask {
    my ($v2, $who, $method, $path, %o) = @_;

    my $json = delete $o{json};

    $o{body} = JSON::PP->new->utf8->canonical->encode($json)
        if defined $json;

    return $v2->{env}->connect(from => $proxy)->request($method, "/v2$path",
        close => 1, %o,
        headers => [ caller_headers($who), 'Accept' => 'application/json',
                     @{$o{headers} || []} ]);
}


# POST /v2/images; the image, or the end of the test

sub create {
    my ($v2, $who, $image) = @_;

    my $r = $v2->ask($who, 'POST', '/images', json => $image || {});

    die 'cannot create an image: ' . $r->summary() . "\n"
        if $r->{status} != 201;

    return $r->json();
}


# an image with data: what an upload leaves in the database

sub active {
    my ($v2, $who, $image) = @_;

    my $new = $v2->create($who, { disk_format => 'raw',
                                  container_format => 'bare',
                                  %{$image || {}} });

    $v2->status($new->{id}, 'active');

    return $new;
}


sub status {
    my ($v2, $id, $status) = @_;

    $v2->{db}->query("UPDATE images SET status = '$status' WHERE id = '$id'");
}


sub location {
    my ($v2, $id, $url, $metadata) = @_;

    $metadata ||= '{}';

    $v2->{db}->query("INSERT INTO image_locations (image_id, value,
        created_at, deleted, meta_data, status) VALUES ('$id', '$url',
        '2026-01-01 00:00:00', 0, '$metadata', 'active')");
}


sub show {
    my ($v2, $who, $id) = @_;

    my $r = $v2->ask($who, 'GET', "/images/$id");

    return $r->{status} == 200 ? $r->json() : $r->{status};
}


# operations: replace(name => 'x'), add('/a' => 1), remove('a'); or text

sub add {
    return map_ops('add', @_);
}


sub replace {
    return map_ops('replace', @_);
}


sub remove {
    return map { { op => 'remove', path => path($_) } } @_;
}


sub map_ops {
    my ($op, @pairs) = @_;
    my @ops;

    while (@pairs) {
        my ($path, $value) = splice(@pairs, 0, 2);

        push @ops, { op => $op, path => path($path), value => $value };
    }

    return @ops;
}


sub path {
    my ($name) = @_;

    return $name =~ m{^/} ? $name : "/$name";
}


sub patch {
    my ($v2, $who, $id, @ops) = @_;

    return $v2->ask($who, 'PATCH', "/images/$id", json => \@ops,
                    headers => [ 'Content-Type' => $v21 ]);
}


# the same in the older form, which Tempest speaks

sub patch_20 {
    my ($v2, $who, $id, @ops) = @_;

    my @old = map {
        my %op = %$_;

        +{ delete($op{op}) => delete($op{path}), %op };
    } @ops;

    return $v2->ask($who, 'PATCH', "/images/$id", json => \@old,
                    headers => [ 'Content-Type' => $v20 ]);
}


# status and, in the JSON form of a fault, the words

sub fault_is {
    my ($r, $status, $words, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $r->json() || {};
    my $message = ref $json eq 'HASH' ? $json->{message} // '' : '';

    $title ||= "$status $words";

    my $code = $r->{status} == $status
               && ($json->{code} // '') =~ /^$status /;

    # quotes are HTML in there
    $message =~ s/&quot;/"/g;
    $message =~ s/&(?:#39|#x27|apos);/'/g;
    $message =~ s/&lt;/</g;
    $message =~ s/&gt;/>/g;
    $message =~ s/&amp;/&/g;

    ok($code && index($message, $words) >= 0, $title)
        or diag($r->summary() . "\n$r->{body}\nwanted: $words");

    return $r;
}


# what the database has of an image, to see that nothing changed

sub rows {
    my ($v2, $id) = @_;

    my $own = "image_id = '$id' AND deleted = 0";
    my $pad = ', NULL' x 8;

    return join("\n", sort map { join('|', @$_) } $v2->{db}->query("
        SELECT name, status, visibility, owner, min_ram, min_disk, protected,
            os_hidden, disk_format, updated_at FROM images WHERE id = '$id'
        UNION ALL SELECT name, value$pad FROM image_properties WHERE $own
        UNION ALL SELECT 'tag', value$pad FROM image_tags WHERE $own
        UNION ALL SELECT value, meta_data$pad FROM image_locations
            WHERE $own"));
}


# requests at once: all are sent before the first answer is read

sub at_once {
    my ($v2, @requests) = @_;

    my @sent;

    for my $request (@requests) {
        my ($who, $method, $path, %o) = @$request;
        my $http = $v2->{env}->connect(from => $proxy);
        my $body = defined $o{json}
                   ? JSON::PP->new->utf8->encode($o{json}) : undef;
        my %all = (close => 1, defined $body ? (body => $body) : (),
                   headers => [ caller_headers($who),
                                @{$o{headers} || []} ]);

        $http->send($http->head($method, "/v2$path", %all) . ($body // ''));
        push @sent, [ $http, $method ];
    }

    return map { $_->[0]->read_response($_->[1]) } @sent;
}


1;
