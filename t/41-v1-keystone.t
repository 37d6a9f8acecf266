#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v1 with the identities of a real Keystone: who may do what, and Debian's
# client as its users type, who have a password and a catalogue.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Client qw/ openstack_v1 output_of says session table /;
use Glance::Test;
use Glance::V1Rights qw/ v1_rights /;

my $missing = Glance::Keystone::missing();
plan(skip_all => $missing) if $missing;

my $keystone = eval { Glance::Keystone->new()->start() };
ok($keystone, 'Keystone serves') or BAIL_OUT($@);

my %user = (owner => 'alice', friend => 'bob', stranger => 'dora',
            third => 'emil', admin => 'admin');
my %project = (alice => 'alpha', bob => 'beta', dora => 'gamma',
               emil => 'delta', admin => 'admin');
my %token = map { $_ => $keystone->token($_) } values %user;

$_ = $keystone->project($_) for values %project;

my %options = (
    registry => { 'paste_deploy/flavor' => 'keystone',
                  registry_secret => 's3cret' },
    nginx => {
        secret => 's3cret',
        keystone => { port => $keystone->{port},
                      credentials => $keystone->credentials() },
    },
);

my $dir = Glance::Client::home();
my @glance = ('/usr/bin/glance', '--os-image-api-version', 1);
my $data = noise(300_000);

write_file("$dir/in.img", $data);


sub is_user {
    my ($name) = @_;

    %Glance::Client::Environment = $keystone->environment($name);
}


# ids in a list, as far as they are asked for

sub listed {
    my ($text, %name) = @_;

    return join(' ', sort grep { $text =~ /^\| \Q$name{$_}\E \|/m }
                     keys %name);
}


for_each_database(sub {
    my ($env, $db) = @_;

    v1_rights($env, sub {
        return (headers => [ 'X-Auth-Token' => $token{$user{$_[0]}} ]);
    }, sub { return $project{$user{$_[0]}} });

    check('glance: images of one project' => sub {
        plan(skip_all => 'no glance (package python3-glanceclient)')
            if !-x $glance[0];

        $keystone->publish("http://127.0.0.1:$env->{nginx}{port}");
        is_user('alice');

        my %image = table(output_of('image-create', @glance, 'image-create',
            '--name', 'private', '--disk-format', 'qcow2',
            '--container-format', 'bare', '--file', "$dir/in.img",
            '--property', 'distro=none'));
        my %id = (private => $image{id});

        is($image{status}, 'active', 'active');
        is($image{checksum}, md5_of($data), 'checksum');
        is($image{owner}, $project{alice}, 'of the project');
        is($image{is_public}, 'False', 'not public');

        $id{public} = $env->v1('POST', '', { name => 'public',
            disk_format => 'raw', container_format => 'bare',
            is_public => 1 }, headers => [ 'X-Auth-Token' => $token{alice} ])
            ->json()->{image}{id};

        %image = table(output_of('image-update', @glance, 'image-update',
            $id{public}, '--file', "$dir/in.img", '--property', 'a=b'));
        is($image{status}, 'active', 'active');

        is(listed(output_of('image-list', @glance, 'image-list'), %id),
           'private public', 'both listed');

        %image = table(output_of('image-show', @glance, 'image-show',
                                 'private'));
        is($image{id}, $id{private}, 'shown by name');

        is_user('bob');
        is(listed(output_of('bob: image-list', @glance, 'image-list'), %id),
           'public', 'he sees one');
        says('bob: image-show', qr/No image|not found|404/i, @glance,
             'image-show', $id{private});
        says('bob: image-delete', qr/HTTP 403/, @glance, 'image-delete',
             $id{public});

        is_user('alice');
        output_of('member-create', @glance, 'member-create', $id{private},
                  $project{bob});

        is_user('bob');
        is(listed(output_of('bob: image-list', @glance, 'image-list'), %id),
           'private public', 'he sees both');
        output_of('bob: image-download', @glance, 'image-download',
                  $id{private}, '--file', "$dir/out.img");
        is(digest_of_file("$dir/out.img"), md5_of($data), 'the data');
        like(output_of('bob: member-list', @glance, 'member-list',
                       '--tenant-id', $project{bob}),
             qr/\| \Q$id{private}\E \| $project{bob} \| +\|/, 'a member');

        is_user('alice');
        output_of('member-delete', @glance, 'member-delete', $id{private},
                  $project{bob});
        status_is($env->v1('HEAD', "/$id{private}", {}, headers => [
                  'X-Auth-Token' => $token{bob} ]), 404, 'no member');

        is_user('admin');
        is(listed(output_of('admin: all', @glance, 'image-list',
                            '--all-tenants'), %id), 'private public',
           'and all that there is');
        %image = table(output_of('admin: image-update', @glance,
            'image-update', $id{public}, '--owner', $project{bob}));
        is($image{owner}, $project{bob}, 'gives it to another');

        is_user('alice');
        output_of('image-delete', @glance, 'image-delete', 'private');
        is($env->status_of($id{private}), 'deleted', 'deleted');

        is_user('bob');
        output_of('bob: image-delete', @glance, 'image-delete', $id{public});
        is_deeply([ $env->files() ], [], 'no file is left');

        return if $db ne 'sqlite';

        # what a wrong password or nobody's token brings
        $Glance::Client::Environment{OS_PASSWORD} = 'wrong';
        says('a wrong password', qr/401|authenticat|credential/i, @glance,
             'image-list');
        %Glance::Client::Environment = ();
        says('nobody\'s token', qr/401|authenticat|credential/i, @glance,
             '--os-auth-token', 'nobody', '--os-image-url',
             "http://127.0.0.1:$env->{nginx}{port}", 'image-list');
    });

    check('openstack' => sub {
        plan(skip_all => 'no openstack (package python3-openstackclient)')
            if !-x '/usr/bin/openstack';
        plan(skip_all => 'the same with both databases') if $db ne 'sqlite';

        is_user('alice');
        $Glance::Client::Environment{OS_IMAGE_API_VERSION} = 1;
        openstack_v1($env, headers => [ 'X-Auth-Token' => $token{alice} ]);

        # what others have
        my $id = $env->v1_create({ name => 'private' }, headers =>
            [ 'X-Auth-Token' => $token{bob} ]);
        my ($list, $show, $delete) = session('image list',
            'image show private', "image delete $id");

        unlike($list, qr/$id/, 'another project: not listed');
        unlike($show, qr/$id/, 'not shown');
        is($env->status_of($id), 'queued', 'not deleted') or diag($delete);
    });

}, %options);

$keystone->stop();
is(join("\n", $keystone->complaints()), '', 'Keystone had no trouble');


done_testing();
