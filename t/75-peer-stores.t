#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# One database, one container of Swift and one bucket of S3, used by this
# server and by OpenStack's own Glance: each serves and removes what the other
# has written.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();

use Glance::Peer;
use Glance::Radosgw;
use Glance::S3;
use Glance::Swift;
use Glance::Test;

my ($rc) = run_command([ '/usr/bin/python3', '-c',
                         'import boto3, swiftclient' ]);
my $missing = Glance::Peer::missing() || Glance::Database::missing('mysql')
              || Glance::Swift::missing() || Glance::Radosgw::missing()
              || ($rc && 'no boto3 or swiftclient (packages python3-boto3, '
                         . 'python3-swiftclient)');
plan(skip_all => $missing) if $missing;

my $MiB = 1024 * 1024;
my $json = JSON::PP->new->utf8->canonical;
my $directory = store_dir();
my $database = Glance::Database->new('mysql');

my $swift = Glance::Swift->new()->start();
my $ceph = Glance::Radosgw->new()->start();
my $s3 = Glance::S3->new(port => $ceph->{port}, access => 'TESTACCESS',
                         secret => 'test/secret+key');

my $reference = write_file(temp_dir() . '/swift.conf', <<"CONF");
[ref1]
user = test:glance
key = @{[ Glance::Swift::key('test:glance') ]}
auth_address = @{[ $swift->auth_address() ]}
auth_version = 1
CONF

# the same words that glance-api.conf of both would have

my %options = (
    swift => {
        swift_store_config_file => $reference,
        default_swift_reference => 'ref1',
        swift_store_container => 'glance',
        swift_store_create_container_on_put => 'True',
        swift_store_large_object_size => 2,
        swift_store_large_object_chunk_size => 1,
    },
    s3 => {
        s3_store_host => "http://127.0.0.1:$ceph->{port}",
        s3_store_access_key => $s3->{access},
        s3_store_secret_key => $s3->{secret},
        s3_store_bucket => 'glance',
        s3_store_create_bucket_on_put => 'True',
        s3_store_large_object_size => 6,
        s3_store_large_object_chunk_size => 5,
        s3_store_bucket_url_format => 'path',
    },
);

my $first = Glance::Peer->new(database => $database, store => $directory);
my ($status, $text) = $first->manage('db', 'sync');
is($status, 0, 'its own "db sync"') or BAIL_OUT($text);

($status, $text) = run_command([ Glance::Program::built('glance-manage'),
    '--sql-connection', $database->{connection}, 'db', 'sync' ]);
is($status, 0, 'our "db sync" on it') or BAIL_OUT($text);


sub create {
    my ($side, $data) = @_;

    my $r = $side->request('POST', '/v2/images', body => $json->encode({
        name => 'shared', disk_format => 'raw', container_format => 'bare' }),
        headers => [ 'Content-Type' => 'application/json' ]);

    status_is($r, 201, 'a record');

    my $id = $r->json()->{id};

    status_is($side->request('PUT', "/v2/images/$id/file", body => $data,
        headers => [ 'Content-Type' => 'application/octet-stream' ]), 204,
        'its data');

    return $id;
}


# Glance itself knows no ranges of these stores

sub serves {
    my ($side, $id, $data) = @_;

    my $r = $side->request('GET', "/v2/images/$id/file", timeout => 120);

    status_is($r, 200, 'served');
    is(md5_of($r->{body}), md5_of($data), 'the data');

    return if ref $side eq 'Glance::Peer';

    my ($from, $to) = (int((length $data) / 2) - 5, length($data) - 3);

    $r = $side->request('GET', "/v2/images/$id/file",
                        headers => [ Range => "bytes=$from-$to" ]);
    status_is($r, 206, 'in part');
    is(md5_of($r->{body}), md5_of(substr($data, $from, $to - $from + 1)),
       'this part');
}


my %left = (
    swift => sub { return $swift->objects() },
    s3 => sub { return $s3->left() },
);
my %row = (swift => 'S-05', s3 => 'S-07');


for my $store (qw/ swift s3 /) {
    my $peer = Glance::Peer->new(database => $database, store => $directory,
        options => { glance_store => { stores => "file,$store",
                                       default_store => $store,
                                       %{$options{$store}} } })->start();

    my $directives = $store eq 's3' ? $s3->directives()
        : $swift->directives(glance_swift_large_object_size => '2m',
                             glance_swift_large_object_chunk_size => '1m');

    with_env('mysql', sub {
        my ($env) = @_;

        for my $size (1000, 13 * $MiB + 7) {
            my $data = noise($size);

            check("$row{$store} $size bytes by Glance in $store" => sub {
                my $id = create($peer, $data);

                ok(scalar($left{$store}->()), 'they are in the store');
                serves($env, $id, $data);
                status_is($env->request('DELETE', "/v2/images/$id"), 204,
                          'removed by us');
                is_deeply([ $left{$store}->() ], [], 'nothing is left');
            });

            check("$row{$store} $size bytes by us in $store" => sub {
                my $id = create($env, $data);

                serves($peer, $id, $data);
                status_is($peer->request('DELETE', "/v2/images/$id"), 204,
                          'removed by Glance');
                ok(wait_until(sub { !$left{$store}->() }), 'nothing is left')
                    or diag(join(' ', $left{$store}->()));
            });
        }
    }, database => $database, store => $directory,
       nginx => { directives => $directives });

    $peer->stop(signal => 'INT');
}


$ceph->stop();
$swift->stop();
done_testing();
