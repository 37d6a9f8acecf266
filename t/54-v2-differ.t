#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Some hundred requests to this server and to OpenStack's own Glance, with the
# same Keystone: what differs is in t/differ/expected, with the reason.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Differ;
use Glance::Peer;
use Glance::Source;
use Glance::Test;

my $missing = Glance::Peer::missing() || Glance::Keystone::missing()
              || Glance::Database::missing('mysql');
plan(skip_all => $missing) if $missing;

my $keystone = Glance::Keystone->new()->start();

$keystone->publish("http://127.0.0.1:$keystone->{port}/v3", 'identity');

my $source = Glance::Source->new()->start();

my $peer = Glance::Peer->new(
    database => Glance::Database->new('mysql'), store => store_dir(),
    keystone => $keystone,
    options => { DEFAULT => { show_multiple_locations => 'True' },
                 glance_store => { stores => 'file,http' } });

my ($status, $text) = $peer->manage('db', 'sync');
is($status, 0, 'its "db sync"') or BAIL_OUT($text);
$peer->start();

my $env = Glance::Env->new('mysql',
    registry => { 'paste_deploy/flavor' => 'keystone',
                  registry_secret => 's3cret',
                  show_multiple_locations => 'True',
                  'oslo_policy/enforce_new_defaults' => 'false' },
    nginx => {
        secret => 's3cret',
        directives => 'glance_http_store on; glance_http_allow 127.0.0.1;',
        keystone => { port => $keystone->{port},
                      credentials => $keystone->credentials() },
    },
);

my %token = map { $_ => $keystone->token($_) } qw/ admin alice anton bob /;
my %project = map { $_ => $keystone->project($_) } qw/ alpha beta /;

my $differ = Glance::Differ->new(
    sides => { ours => $env->{nginx}, peer => $peer },
    file => "$FindBin::Bin/differ/expected",
    headers => sub {
        return $_[0] eq 'nobody' ? ()
             : ('X-Auth-Token' => $token{$_[0]} || $_[0]);
    },
);

my $v21 = 'application/openstack-images-v2.1-json-patch';
my $v20 = 'application/openstack-images-v2.0-json-patch';

sub images { $differ->run($_[0], $_[1], "/v2/images$_[2]", @_[3 .. $#_]) }

# Lists must not depend on chance: images of one name are sorted by time and
# id, and the ids ascend with the time, on both sides.

my $images = 0;

sub new_id { sprintf('c7a2b0f0-5a4b-4c3d-8e2f-1%011d', ++$images) }

sub create {
    my ($who, $save, %image) = @_;

    images($who, 'POST', '', body => { disk_format => 'raw',
        container_format => 'bare', name => $save, id => new_id(), %image },
        save => $save);
}

sub patch { images($_[0], 'PATCH', "/$_[1]", body => $_[2], type => $v21,
                   title => $_[3]) }

sub op {
    my ($op, $path, @value) = @_;

    return { op => $op, path => $path, @value ? (value => $value[0]) : () };
}


# what a part has found

sub part {
    my ($title, $code) = @_;

    check($title => sub {
        my $before = scalar $differ->found();

        $code->();

        my @found = $differ->found();
        is(scalar @found, $before, 'nothing that nobody expects')
            or diag(join("\n", @found[$before .. $#found]));
    });
}


part('versions, paths and methods' => sub {
    $differ->run('nobody', 'GET', $_)
        for '/', '/versions', '/v2', '/v2/', '/v2/images', '/v3/images',
            '/v2/nothing', '/v2/schemas/image';
    $differ->run('garbage', 'GET', '/v2/images');

    for my $path (qw{ /v2/images /v2/images/a /v2/images/a/file
                      /v2/images/a/members /v2/images/a/members/b
                      /v2/images/a/tags/t /v2/images/a/actions/deactivate
                      /v2/images/a/actions/nothing /v2/schemas/image
                      /v2/info/stores /v2/info/import /v2/images/a/locations
                      /v2/nothing /v2/images/a/nothing })
    {
        $differ->run('alice', $_, $path)
            for qw/ GET PUT POST DELETE PATCH /;
    }

    $differ->run('alice', 'GET', "/v2/schemas/$_")
        for qw{ image images member members task tasks nothing },
            map { "metadefs/$_" } qw/ namespace namespaces object objects
                property properties resource_type resource_types tag tags /;
});


part('create' => sub {
    create('alice', "a$_->[0]", %{$_->[1]}) for
        [ 1, {} ],
        [ 2, { visibility => 'shared', tags => [ 'x', 'y', 'x' ] } ],
        [ 3, { visibility => 'community', min_disk => 1, min_ram => 2 } ],
        [ 4, { protected => JSON::PP::true, hw_disk_bus => 'virtio' } ],
        [ 5, { os_hidden => JSON::PP::true } ],
        [ 6, { visibility => 'private', name => undef } ],
        [ 7, { id => 'c7a2b0f0-5a4b-4c3d-8e2f-000000000007' } ];

    for my $body (
        { visibility => 'public' }, { visibility => 'secret' },
        { disk_format => 'floppy' }, { container_format => 'box' },
        { min_disk => -1 }, { min_disk => 'much' }, { min_ram => 1.5 },
        { min_ram => 4294967296 }, { name => 7 }, { name => 'n' x 256 },
        { tags => 'x' }, { tags => [ 't' x 256 ] }, { tags => [ 1 ] },
        { protected => 'yes' }, { os_hidden => 1 }, { owner => 'other' },
        { id => 'no-uuid' }, { id => 'c7a2b0f0-5a4b-4c3d-8e2f-000000000007' },
        { status => 'active' }, { size => 1 }, { checksum => 'x' },
        { created_at => 'now' }, { file => 'x' }, { self => 'x' },
        { schema => 'x' }, { direct_url => 'x' }, { locations => [] },
        { os_hash_algo => 'x' }, { virtual_size => 1 }, { stores => 'x' },
        { os_glance_x => 'y' }, { deleted => 'x' }, { is_public => 'x' },
        { p => 1 }, { p => undef }, { p => {} }, { p => [] },
        { p => JSON::PP::true }, { 'p' x 256 => 'v' },
        { p => 'v' x 65536 }, { architecture => 'x86_64' },
        { kernel_id => 'no-uuid' },
        { kernel_id => 'c7a2b0f0-5a4b-4c3d-8e2f-000000000007' },
        { ramdisk_id => undef }, { disk_format => undef },
        { container_format => undef }, [], [ 1 ])
    {
        images('alice', 'POST', '',
               body => ref $body eq 'HASH' ? { id => new_id(), %$body }
                                           : $body,
               title => substr(JSON::PP->new->canonical->encode($body), 0,
                               60));
    }

    images('alice', 'POST', '', body => $_->[0], type => $_->[1], raw => 1,
           title => "$_->[0] as $_->[1]")
        for [ '', 'application/json' ], [ '{', 'application/json' ],
            [ 'null', 'application/json' ], [ '"x"', 'application/json' ],
            [ "{\"name\": \"\xff\"}", 'application/json' ],
            [ sprintf('{"id": "%s"}', new_id()), 'text/plain' ],
            [ '{"name": "a", "name": "b"}', 'application/json' ];

    images('alice', 'POST', '', body => '{}', type => 'application/json',
           raw => 1, save => 'e1');
    images('alice', 'DELETE', '/{e1}');

    create('admin', 'p1', visibility => 'public');
    create('admin', 'p2', owner => $project{beta});
    create('bob', 'b1', visibility => 'shared');
    create('bob', 'b2', visibility => 'private');
});


part('show and rights' => sub {
    for my $who (qw/ admin alice anton bob /) {
        images($who, 'GET', "/{$_}") for qw/ a1 a2 a3 a5 p1 p2 b1 b2 /;
    }

    images('alice', 'GET', "/$_")
        for 'c7a2b0f0-5a4b-4c3d-8e2f-00000000ffff', 'no-uuid', '',
            'C7A2B0F0-5A4B-4C3D-8E2F-000000000007', 'a' x 300;
});


part('data' => sub {
    my @data = (type => 'application/octet-stream', raw => 1);

    images('alice', 'GET', '/{a1}/file');
    images('alice', 'PUT', '/{a1}/file', body => 'abc', type => 'text/plain');
    images('alice', 'PUT', '/{a1}/file', body => 'abc',
           type => 'application/json');
    images('bob', 'PUT', '/{a1}/file', body => 'abc', @data);
    images('alice', 'PUT', '/{a1}/file', body => 'abcdefghij', @data);
    images('alice', 'PUT', '/{a1}/file', body => 'again', @data);
    images('alice', 'PUT', '/{a3}/file', body => '', @data);
    images('bob', 'PUT', '/{a3}/file', body => 'x', @data);
    images('admin', 'PUT', '/{p1}/file', body => 'public', @data);
    images('alice', 'PUT', '/c7a2b0f0-5a4b-4c3d-8e2f-00000000ffff/file',
           body => 'x', @data);
    images('bob', 'PUT', '/{b1}/file', body => 'of bob', @data);
    images('alice', 'GET', "/{$_}") for qw/ a1 a3 /;

    images($_, 'GET', '/{a1}/file') for qw/ admin alice anton bob /;
    images('bob', 'GET', '/{p1}/file');
    images('alice', 'GET', '/{a3}/file');

    images('alice', 'GET', '/{a1}/file', headers => [ Range => $_ ],
           title => $_)
        for 'bytes=0-0', 'bytes=2-5', 'bytes=5-', 'bytes=-3', 'bytes=0-99',
            'bytes=10-', 'bytes=99-', 'bytes=5-2', 'bytes=x-y', 'lines=1-2',
            'bytes=0-1,3-4';
});


part('lists' => sub {
    for my $who (qw/ admin alice bob /) {
        images($who, 'GET', "?sort=name:asc,id:asc$_") for
            '', '&visibility=public', '&visibility=private',
            '&visibility=shared', '&visibility=community', '&visibility=all',
            '&os_hidden=true', '&status=active', '&status=queued',
            '&owner=' . $project{alpha}, '&tag=x', '&tag=x&tag=y', '&tag=z',
            '&protected=true', '&name=a1', '&name=in:a1,a2', '&limit=2',
            '&member_status=all';
    }

    images('alice', 'GET', "?$_") for
        'limit=0', 'limit=-1', 'limit=x', 'limit=1001&sort=name',
        'marker=no', 'marker=c7a2b0f0-5a4b-4c3d-8e2f-00000000ffff',
        'sort=nothing', 'sort=name:up', 'sort_key=nothing', 'sort_dir=up',
        'sort=name&sort_key=name', 'sort_key=name&sort_dir=asc&limit=1',
        'sort=name:asc&limit=2&marker={a2}', 'visibility=secret',
        'status=nothing', 'size_min=1', 'size_min=x', 'size_max=-1',
        'size=10', 'size=x', 'created_at=gt:2020-01-01T00:00:00Z&sort=name',
        'created_at=gt:yesterday', 'created_at=xx:2020-01-01T00:00:00Z',
        'updated_at=lte:2020-01-01T00:00:00Z', 'hw_disk_bus=virtio',
        'hw_disk_bus=scsi', 'min_ram=2', 'min_ram=x', 'protected=maybe',
        'os_hidden=maybe', 'name=in:"a1",a2&sort=name', 'name=in:"a1',
        'id=in:{a1},{a2}&sort=name', 'status=in:active,queued&sort=name',
        'disk_format=raw&limit=1&sort=name', 'container_format=in:bare,ovf'
        . '&sort=name&limit=1', 'checksum=x', 'is_public=True',
        'changes-since=2020-01-01T00:00:00Z', 'member_status=nothing',
        'os_hash_value=x', 'name=', 'tag=';
});


part('change' => sub {
    patch('alice', '{a1}', @$_) for
        [ [ op(replace => '/name', 'A1') ], 'name' ],
        [ [ op(replace => '/name', undef) ], 'no name' ],
        [ [ op(add => '/p1', 'v1'), op(add => '/p2', 'v2') ], 'add' ],
        [ [ op(add => '/p1', 'v3') ], 'add again' ],
        [ [ op(replace => '/p1', 'v4') ], 'replace' ],
        [ [ op(replace => '/p9', 'v4') ], 'replace what is not there' ],
        [ [ op(remove => '/p2') ], 'remove' ],
        [ [ op(remove => '/p2') ], 'remove again' ],
        [ [ op(remove => '/name') ], 'remove an attribute' ],
        [ [ op(replace => '/tags', [ 'n', 'm' ]) ], 'tags' ],
        [ [ op(add => '/tags/-', 'o') ], 'a tag' ],
        [ [ op(remove => '/tags') ], 'no tags' ],
        [ [ op(replace => '/status', 'queued') ], 'status' ],
        [ [ op(replace => '/id', 'x') ], 'id' ],
        [ [ op(replace => '/size', 1) ], 'size' ],
        [ [ op(add => '/deleted', 'x') ], 'a reserved one' ],
        [ [ op(add => '/os_glance_x', 'x') ], 'os_glance_' ],
        [ [ op(replace => '/owner', 'x') ], 'owner' ],
        [ [ op(replace => '/visibility', 'public') ], 'public' ],
        [ [ op(replace => '/visibility', 'shared') ], 'shared' ],
        [ [ op(replace => '/visibility', 'secret') ], 'no visibility' ],
        [ [ op(replace => '/min_disk', 3) ], 'min_disk' ],
        [ [ op(replace => '/min_disk', -3) ], 'min_disk < 0' ],
        [ [ op(replace => '/min_disk', '3') ], 'min_disk as text' ],
        [ [ op(replace => '/disk_format', 'qcow2') ], 'format, active' ],
        [ [ op(replace => '/protected', JSON::PP::true) ], 'protected' ],
        [ [ op(replace => '/protected', JSON::PP::false) ], 'not so' ],
        [ [ op(replace => '/protected', 'no') ], 'protected as text' ],
        [ [ op(replace => '/os_hidden', JSON::PP::false) ], 'os_hidden' ],
        [ [ op(move => '/name', 'x') ], 'move' ],
        [ [ op(test => '/name', 'x') ], 'test' ],
        [ [ op(replace => 'name', 'x') ], 'no slash' ],
        [ [ op(replace => '/a/b/c', 'x') ], 'deep' ],
        [ [ op(replace => '/', 'x') ], 'empty' ],
        [ [ op(add => '/a~1b~0c', 'x') ], 'escapes' ],
        [ [ op(remove => '/a~1b~0c') ], 'escapes, removed' ],
        [ [ op(add => '/a~2', 'x') ], 'bad escape' ],
        [ [ op(add => '/p3') ], 'no value' ],
        [ [ { path => '/p3', value => 'x' } ], 'no op' ],
        [ [ { op => 'add', value => 'x' } ], 'no path' ],
        [ [ op(add => '/p3', 3) ], 'a number' ],
        [ [ op(add => '/p3', {}) ], 'an object' ],
        [ [ op(add => '/locations', []) ], 'locations' ],
        [ [ op(replace => '/locations', []) ], 'locations again' ],
        [ [ op(add => '/locations/-', { url => 'file:///etc/passwd',
                                        metadata => {} }) ], 'a location' ],
        [ [], 'nothing' ], [ {}, 'an object for a list' ],
        [ [ 1 ], 'numbers' ];

    images('alice', 'PATCH', '/{a1}', body => $_, type => $v20,
           title => 'v2.0 ' . JSON::PP->new->canonical->encode($_))
        for [ { replace => '/name', value => 'of 2.0' } ],
            [ { add => '/q1', value => 'v' } ],
            [ { remove => '/q1' } ], [ { name => 'x' } ],
            [ { replace => '/name', add => '/x', value => 'v' } ];

    images('alice', 'PATCH', '/{a1}', body => '[]', type => $_, raw => 1,
           title => $_)
        for 'application/json', 'text/plain',
            'application/openstack-images-v2.2-json-patch';

    patch($_, '{a1}', [ op(replace => '/name', "by $_") ], 'rights')
        for qw/ admin anton bob /;
    patch('bob', "{$_}", [ op(replace => '/name', 'by bob') ], 'rights')
        for qw/ a3 p1 /;
    patch('admin', '{a6}', [ op(replace => '/owner', $project{beta}) ],
          'owner by admin');
    patch('alice', 'c7a2b0f0-5a4b-4c3d-8e2f-00000000ffff',
          [ op(replace => '/name', 'x') ], 'no image');
    images('alice', 'GET', '/{a1}');
});


part('members' => sub {
    my $members = sub {
        my ($who, $method, $path, $body) = @_;
        images($who, $method, $path, !defined $body ? () : (body => $body,
            title => substr(JSON::PP->new->canonical->encode($body), 0, 60)));
    };

    $members->('alice', 'POST', '/{a2}/members', { member => $_ })
        for $project{beta}, $project{beta}, '', 'm' x 256;
    $members->('alice', 'POST', '/{a2}/members', $_)
        for {}, { other => 'x' }, [];
    $members->('bob', 'POST', '/{a2}/members', { member => 'x' });
    $members->('alice', 'POST', "/{$_}/members", { member => 'x' })
        for qw/ a3 a6 p1 b1 /;
    $members->($_, 'GET', '/{a2}/members') for qw/ admin alice anton bob /;
    $members->($_, 'GET', "/{a2}/members/$project{beta}")
        for qw/ admin alice bob /;
    $members->('alice', 'GET', '/{a2}/members/nobody');
    $members->($_, 'GET', '/{a3}/members') for qw/ alice bob /;
    $members->('bob', 'GET', '?member_status=pending&visibility=shared');

    for my $status ('accepted', 'rejected', 'pending', 'maybe', '', undef, 7) {
        $members->('bob', 'PUT', "/{a2}/members/$project{beta}",
                   { status => $status });
    }

    $members->('bob', 'PUT', "/{a2}/members/$project{beta}", $_)
        for {}, { status => 'accepted', x => 1 }, { status => 'accepted' };
    $members->($_, 'PUT', "/{a2}/members/$project{beta}",
               { status => 'accepted' }) for qw/ admin alice /;
    $members->('bob', 'PUT', '/{a2}/members/nobody',
               { status => 'accepted' });
    $members->('bob', 'GET', '?visibility=shared&sort=name');
    images('bob', 'GET', '/{a2}');
    images('bob', 'GET', '/{a2}/file');
    $members->('bob', 'DELETE', "/{a2}/members/$project{beta}");
    $members->('alice', 'DELETE', '/{a2}/members/nobody');
    $members->('alice', 'DELETE', "/{a2}/members/$project{beta}");
    images('bob', 'GET', '/{a2}');
});


part('tags and actions' => sub {
    for my $tag ('t', 't', 'a%20b', '%E2%98%83', 't' x 255, 't' x 256) {
        images('alice', 'PUT', "/{a2}/tags/$tag");
    }

    images('alice', 'DELETE', "/{a2}/tags/$_") for 't', 't', 'nothing';
    images('bob', $_, '/{a2}/tags/x') for qw/ PUT DELETE /;
    images('bob', $_, '/{p1}/tags/x') for qw/ PUT DELETE /;
    images('alice', 'GET', '/{a2}');

    images('alice', 'POST', "/{a2}/actions/$_")
        for qw/ deactivate reactivate /;
    images('admin', 'POST', "/{a1}/actions/$_")
        for qw/ reactivate deactivate deactivate /;
    images($_, 'GET', '/{a1}/file') for qw/ alice admin /;
    images('alice', 'GET', '/{a1}');
    images('admin', 'POST', '/{a1}/actions/reactivate');
    images('bob', 'POST', '/{p1}/actions/deactivate');
});


part('delete' => sub {
    images('alice', 'DELETE', '/{a4}');
    images('bob', 'DELETE', "/{$_}") for qw/ a1 a3 p1 /;
    images('alice', 'DELETE', "/{$_}") for qw/ a1 a1 a2 /;
    images('alice', 'GET', '/{a1}');
    images('admin', 'GET', '/{a1}');
    images('alice', 'GET', '/{a1}/file');
    images('alice', 'PUT', '/{a1}/file', body => 'x', raw => 1,
           type => 'application/octet-stream');
    patch('alice', '{a1}', [ op(replace => '/name', 'x') ], 'deleted');
    images('alice', 'POST', '/{a1}/members', body => { member => 'x' });
});


part('locations' => sub {
    my $url = "$source->{url}/ok/1000";
    my $place = sub { return { url => $_[0], metadata => $_[1] || {},
                               @_ > 2 ? (validation_data => $_[2]) : () } };
    my $more = sub { return op(add => '/locations/-', $place->(@_)) };
    my %hash = (os_hash_algo => 'sha512', os_hash_value => 'c' x 128);

    create('alice', 'l1');
    create('alice', 'l2', disk_format => undef);

    patch('alice', '{l1}', $_->[0], "location $_->[1]")
        for [ [ $more->("$source->{url}/missing") ], 'of nothing' ],
            [ [ $more->("$source->{url}/ok/0") ], 'of no bytes' ],
            [ [ $more->('gopher://h/x') ], 'of gopher' ],
            [ [ $more->('file:///etc/passwd') ], 'of a file' ],
            [ [ $more->('swift+config://a/b/c') ], 'of a reference' ],
            [ [ $more->('http://127.0.0.1:1/x') ], 'of nobody' ],
            [ [ $more->('x') ], 'of no URL' ],
            [ [ $more->($url, 1) ], 'with a number' ],
            [ [ $more->($url, {}, { %hash, checksum => 'x' }) ],
              'with a short checksum' ],
            [ [ $more->($url, {}, { %hash, more => 'x' }) ],
              'with more' ],
            [ [ $more->($url, {}, { os_hash_algo => 'sha512' }) ],
              'with a part' ],
            [ [ $more->($url, {}, { %hash, os_hash_algo => 'md5' }) ],
              'with another algorithm' ],
            [ [ $more->($url, {}, { %hash, os_hash_value => 'c' }) ],
              'with a short digest' ],
            [ [ op(add => '/locations/x', $place->($url)) ], 'at x' ],
            [ [ op(remove => '/locations/0') ], 'removed' ],
            [ [ op(replace => '/locations', []) ], 'emptied' ],
            [ [ op(replace => '/locations', [
                  $place->($url, {}, \%hash),
                  $place->("$url#1", {}, { %hash,
                      os_hash_value => 'd' x 128 }) ]) ], 'in conflict' ],
            [ [ op(add => '/locations/0', $place->('file:///x')) ], 'at 0' ],
            [ [ op(remove => '/locations/7') ], 'out of range' ],
            [ [ op(remove => '/locations/-') ], 'removed at the end' ];

    patch('alice', '{l2}', [ $more->($url) ], 'no format');
    patch($_, '{l1}', [ $more->('gopher://h/x') ], 'rights')
        for qw/ admin anton bob /;
    patch('alice', '{l1}', [ op(replace => '/locations',
                                [ $place->('gopher://h/x') ]) ], 'replaced');
    images('alice', 'GET', '/{l1}');
    images('alice', 'PUT', '/{l1}/file', body => 'data', raw => 1,
           type => 'application/octet-stream');
    images('alice', 'GET', '/{l1}');
    patch('alice', '{l1}', [ op(remove => '/locations/0') ], 'the last');
    patch('alice', '{l1}', [ op(remove => '/locations/7') ], 'out of range');
    patch('alice', '{l1}', [ op(replace => '/locations',
                                [ $place->('file:///x') ]) ], 'another URL');
    patch('alice', '{l1}', [ $more->('file:///etc/passwd', {}, \%hash) ],
          'another digest');
    images('alice', 'POST', '/{l1}/actions/deactivate');
    patch('alice', '{l1}', [ $more->('gopher://h/x') ], 'deactivated');
    patch('alice', '{l1}', [ op(replace => '/locations',
                                [ $place->('file:///x') ]) ], 'deactivated');
    patch('alice', '{l1}', [ op(remove => '/locations/0') ], 'deactivated');
    images($_, 'GET', '/{l1}') for qw/ alice admin /;
    images('alice', 'DELETE', "/{$_}") for qw/ l1 l2 /;
});


# what would leave traces in the lists of one

part('what only one accepts' => sub {
    images('alice', 'POST', '', body => { '' => 'v' }, title => 'no name');
    images('bob', 'POST', '/{b1}/members', body => { member => 7 });
});


cmp_ok($differ->number(), '>', 400, 'requests');
is_deeply([ $differ->unused() ], [], 'expected differences that are none');

# people read of them in the README

my $readme = read_file("$FindBin::Bin/../README.md");
$readme =~ s/\s+/ /g;

is_deeply([ grep { index($readme, $_) < 0 } $differ->reasons() ], [],
          'reasons that the README does not give');

$_->stop() for $peer, $keystone, $source;
$env->{nginx}->allow(qr/\bstore: /);
$env->finish();

done_testing();
