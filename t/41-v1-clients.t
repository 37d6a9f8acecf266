#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Clients of API v1 that others wrote, as users type them.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Client qw/ openstack_v1 output_of run says table /;
use Glance::Test;


# Debian's, whatever else is called so on PATH

my %program = (glance => '/usr/bin/glance', openstack => '/usr/bin/openstack');
my $dir = Glance::Client::home();


SKIP: {
    skip("$program{glance} is not installed (python3-glanceclient)", 1)
        if !-x $program{glance};

    for_each_database(sub {
        my ($env) = @_;

        my @glance = ($program{glance}, '--os-image-api-version', 1,
                      '--os-auth-token', 'none', '--os-image-url',
                      "http://127.0.0.1:$env->{nginx}{port}");
        my $data = noise(300_000);

        write_file("$dir/in.img", $data);

        check('glance: an image from first to last' => sub {
            my %image = table(output_of('image-create', @glance,
                'image-create', '--name', 'first', '--disk-format', 'qcow2',
                '--container-format', 'bare', '--is-public', 'True',
                '--min-ram', 64, '--file', "$dir/in.img",
                '--property', 'distro=none', '--property', 'os.version=1'));
            my $id = $image{id};

            is($image{status}, 'active', 'status');
            is($image{size}, 300_000, 'size');
            is($image{checksum}, md5_of($data), 'checksum');
            is($image{"Property 'distro'"}, 'none', 'a property');

            like(output_of('image-list', @glance, 'image-list'),
                 qr/\| \Q$id\E \| first +\| qcow2 +\| bare +\| 300000 \| act/,
                 'listed');
            like(output_of('image-list', @glance, 'image-list',
                           '--name', 'first', '--property-filter',
                           'distro=none', '--size-min', 1, '--sort-key',
                           'size', '--sort-dir', 'asc', '--page-size', 1),
                 qr/\Q$id\E/, 'found by filters, page by page');
            unlike(output_of('image-list', @glance, 'image-list',
                             '--name', 'second'), qr/\Q$id\E/, 'or not');

            %image = table(output_of('image-show', @glance, 'image-show',
                                     'first'));
            is($image{id}, $id, 'shown by name');
            is($image{is_public}, 'True', 'public');

            output_of('image-download', @glance, 'image-download', $id,
                      '--file', "$dir/out.img");
            is(digest_of_file("$dir/out.img"), md5_of($data), 'the data');

            %image = table(output_of('image-update', @glance, 'image-update',
                                     $id, '--name', 'second', '--is-protected',
                                     'True', '--property', 'a=b'));
            is($image{name}, 'second', 'renamed');
            is($image{"Property 'distro'"}, 'none', 'properties stay');
            is($image{"Property 'a'"}, 'b', 'with another one');

            %image = table(output_of('image-update', @glance, 'image-update',
                                     $id, '--purge-props', '--property',
                                     'c=d'));
            is($image{"Property 'distro'"}, undef, 'purged');

            run(@glance, 'image-delete', $id);
            is($env->status_of($id), 'active', 'protected');

            output_of('unprotected', @glance, 'image-update', $id,
                      '--is-protected', 'False');
            output_of('image-delete', @glance, 'image-delete', $id);
            is($env->status_of($id), 'deleted', 'deleted');
            is_deeply([ $env->files() ], [], 'no file');

            %image = table(output_of('image-show', @glance, 'image-show',
                                     $id));
            is($image{deleted}, 'True', 'administrators see it still');
        });

        check('glance: a reserved image' => sub {
            my %image = table(output_of('image-create', @glance,
                'image-create', '--name', 'reserved', '--disk-format', 'raw',
                '--container-format', 'bare'));

            is($image{status}, 'queued', 'queued');

            %image = table(output_of('image-update', @glance, 'image-update',
                                     $image{id}, '--file', "$dir/in.img"));
            is($image{status}, 'active', 'active');
            is($image{size}, 300_000, 'size');
        });

        check('glance: members' => sub {
            my $id = $env->v1_create({ name => 'shared' });
            my $list = qr/\| \Q$id\E \| friend +\| True +\|/;

            output_of('member-create', @glance, 'member-create', $id,
                      'friend', '--can-share');
            like(output_of('member-list', @glance, 'member-list',
                           '--image-id', $id), $list, 'by image');
            like(output_of('member-list', @glance, 'member-list',
                           '--tenant-id', 'friend'), $list, 'by tenant');
            output_of('member-delete', @glance, 'member-delete', $id,
                      'friend');
            unlike(output_of('member-list', @glance, 'member-list',
                             '--image-id', $id), qr/friend/, 'gone');
        });

        $env->wipe();
    });
}


# This client's "create" and "set" send JSON to API v1, which never took any:
# they work with no server.  Its "save" asks for /v1/images/ID/file, which no
# Glance had.  Without Keystone it takes the newest API of a server, whatever it
# is told.

SKIP: {
    skip("$program{openstack} is not installed (python3-openstackclient)", 1)
        if !-x $program{openstack};

    with_env('sqlite', sub {
        my ($env) = @_;

        local %Glance::Client::Environment = (OS_AUTH_TYPE => 'none',
            OS_ENDPOINT => "http://127.0.0.1:$env->{nginx}{port}",
            OS_IMAGE_API_VERSION => 1);

        openstack_v1($env);
        $env->wipe();
    }, nginx => { directives => 'glance_versions v1;' });
}


done_testing();
