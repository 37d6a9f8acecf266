#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2 as people use it: OpenStack's own clients of the distribution, with a
# password and the catalogue of a real Keystone.

use warnings;
use strict;

use Digest::SHA ();
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";

use Glance::Client qw/ output_of says session table /;
use Glance::Source;
use Glance::Test;

my $missing = Glance::Keystone::missing();
plan(skip_all => $missing) if $missing;

my $keystone = eval { Glance::Keystone->new()->start() };
ok($keystone, 'Keystone serves') or BAIL_OUT($@);

my %options = (
    registry => { 'paste_deploy/flavor' => 'keystone',
                  registry_secret => 's3cret',
                  show_multiple_locations => 'True' },
    nginx => {
        secret => 's3cret',
        keystone => { port => $keystone->{port},
                      credentials => $keystone->credentials() },
        directives => 'glance_http_store on; glance_http_allow 127.0.0.1;',
    },
);

my $source = Glance::Source->new()->start();

my $dir = Glance::Client::home();
my $data = noise(300_000);
my $sha512 = Digest::SHA::sha512_hex($data);
my $alpha = $keystone->project('alpha');
my $beta = $keystone->project('beta');

write_file("$dir/in.img", $data);


sub is_user {
    my ($name) = @_;

    %Glance::Client::Environment = $keystone->environment($name);
}


sub glance {
    return ('/usr/bin/glance', @_);
}


# commands of openstack, and what each has to say

sub openstack_ok {
    my ($title, @cases) = @_;

    my @outputs = session(map { "image $_->[0]" } @cases);

    for my $i (0 .. $#cases) {
        my ($command, $check) = @{$cases[$i]};

        ref $check eq 'CODE' ? $check->($outputs[$i])
            : like($outputs[$i], $check, "$title: $command");
    }
}


# downloaded files are what was uploaded

sub is_image {
    my ($file, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(-e $file ? digest_of_file($file) : 'no file', md5_of($data), $title);
    unlink $file;
}


subtest('sqlite' => sub {
    plan(skip_all => 'no glance (package python3-glanceclient)')
        if !-x (glance())[0];

    with_env('sqlite', \&glance_commands, %options);
});

subtest('mysql' => sub {
    plan(skip_all => 'no openstack (package python3-openstackclient)')
        if !-x '/usr/bin/openstack';

    with_env('mysql', \&openstack_commands, %options);
});

subtest('no project' => sub {
    with_env('sqlite', \&tokens_without_project, %options);
});

$source->stop();
$keystone->stop();

done_testing();


sub glance_commands {
    my ($env) = @_;

    $keystone->publish("http://127.0.0.1:$env->{nginx}{port}");
    is_user('alice');

    check('glance: an image from first to last' => sub {
        plan(skip_all => 'no glance (package python3-glanceclient)')
            if !-x (glance())[0];

        my %image = table(output_of('image-create', glance('image-create',
            '--name', 'first', '--disk-format', 'raw', '--container-format',
            'bare', '--min-ram', 64, '--tag', 'one', '--property',
            'distro=none', '--property', 'os.version=1', '--file',
            "$dir/in.img")));
        my $id = $image{id};

        is($image{status}, 'active', 'status');
        is($image{size}, 300_000, 'size');
        is($image{checksum}, md5_of($data), 'checksum');
        is($image{os_hash_algo}, 'sha512', 'os_hash_algo');
        is($image{os_hash_value}, $sha512, 'os_hash_value');
        is($image{owner}, $alpha, 'owner');
        is($image{visibility}, 'shared', 'visibility');
        is($image{min_ram}, 64, 'min_ram');
        is($image{distro}, 'none', 'a property');
        is($image{'os.version'}, 1, 'another one');
        like($image{tags}, qr/one/, 'tags');

        like(output_of('image-list', glance('image-list')),
             qr/^\| \Q$id\E \| first \|$/m, 'listed');
        like(output_of('image-list with filters', glance('image-list',
            '--property-filter', 'distro=none', '--tag', 'one',
            '--owner', $alpha, '--sort', 'name:asc', '--limit', 5)),
            qr/\Q$id\E/, 'found');
        unlike(output_of('image-list of others', glance('image-list',
            '--property-filter', 'distro=some')), qr/\Q$id\E/, 'or not');

        output_of('image-download', glance('image-download', '--file',
                                           "$dir/out.img", $id));
        is_image("$dir/out.img", 'the data');

        %image = table(output_of('image-update', glance('image-update',
            '--name', 'second', '--property', 'a=b', '--remove-property',
            'distro', '--protected', 'True', $id)));
        is($image{name}, 'second', 'renamed');
        is($image{a}, 'b', 'with a property');
        is($image{distro}, undef, 'and without one');
        is($image{protected}, 'True', 'protected');
        like($image{tags}, qr/one/, 'tags stay');

        says('protected', qr/You are not permitted to delete the image/,
             glance('image-delete', $id));

        output_of('image-tag-update', glance('image-tag-update', $id, 'two'));
        output_of('image-tag-delete', glance('image-tag-delete', $id, 'one'));
        %image = table(output_of('image-show', glance('image-show', $id)));
        is($image{tags}, '["two"]', 'another tag');

        says('image-deactivate', qr/^$/, glance('image-deactivate', $id));
        says('a deactivated image', qr/403 Forbidden: .* deactivated/,
             glance('image-download', '--file', "$dir/out.img", $id));
        ok(!-s "$dir/out.img", 'no data');
        says('image-reactivate', qr/^$/, glance('image-reactivate', $id));
        output_of('image-download', glance('image-download', '--file',
                                           "$dir/out.img", $id));
        is_image("$dir/out.img", 'the data again');

        output_of('unprotected', glance('image-update', '--protected',
                                        'False', $id));
        output_of('image-delete', glance('image-delete', $id));
        says('it is gone', qr/HTTP 404 Not Found: No image found with ID $id/,
             glance('image-show', $id));
        is_deeply([ $env->files() ], [], 'with its data');
    });

    check('glance: an image in two steps, and shared' => sub {
        plan(skip_all => 'no glance (package python3-glanceclient)')
            if !-x (glance())[0];

        my %image = table(output_of('image-create', glance('image-create',
            '--name', 'later', '--disk-format', 'raw', '--container-format',
            'bare')));
        my $id = $image{id};

        is($image{status}, 'queued', 'queued');
        says('no data yet', qr/has no data/, glance('image-download',
            '--file', "$dir/out.img", $id));

        output_of('image-upload', glance('image-upload', '--file',
                                         "$dir/in.img", $id));
        %image = table(output_of('image-show', glance('image-show', $id)));
        is($image{status}, 'active', 'active');
        is($image{locations}, "[{\"url\": \"file://$env->{store}/$id\", "
           . '"metadata": {}}]', 'where the data are');
        says('not twice', qr/HTTP 409 Conflict: .*from active to saving/,
             glance('image-upload', '--file', "$dir/in.img", $id));

        like(output_of('member-create', glance('member-create', $id, $beta)),
             qr/^\| \Q$id\E \| \Q$beta\E +\| pending \|$/m, 'a member');

        is_user('bob');
        unlike(output_of('image-list', glance('image-list')), qr/\Q$id\E/,
               'it does not see it yet');
        like(output_of('image-list', glance('image-list', '--visibility',
            'shared', '--member-status', 'pending')), qr/\Q$id\E/,
            'unless it asks');
        like(output_of('member-update', glance('member-update', $id, $beta,
            'accepted')), qr/accepted/, 'accepts it');
        like(output_of('image-list', glance('image-list')), qr/\Q$id\E/,
             'and sees it');
        output_of('image-download', glance('image-download', '--file',
                                           "$dir/out.img", $id));
        is_image("$dir/out.img", 'the data for the member');
        says('a member may not delete', qr/You are not permitted to delete/,
             glance('image-delete', $id));

        is_user('alice');
        like(output_of('member-list', glance('member-list', '--image-id',
            $id)), qr/\Q$beta\E +\| accepted/, 'member-list');
        output_of('member-delete', glance('member-delete', $id, $beta));

        is_user('bob');
        says('no member any more', qr/HTTP 404 Not Found/,
             glance('image-show', $id));
        is_user('alice');
        output_of('image-delete', glance('image-delete', $id));
        $env->consistent();
    });

    glance_locations($env);
}


# at the end of glance_commands()

sub glance_locations {
    my ($env) = @_;

    check('glance: where the data are' => sub {
        my $url = "$source->{url}/ok/1000";
        my $places = sub {
            my %image = table(output_of($_[0], glance(@_)));

            return JSON::PP->new->decode($image{locations} || '[]');
        };
        my %image = table(output_of('image-create', glance('image-create',
            '--disk-format', 'raw', '--container-format', 'bare')));
        my $id = $image{id};

        %image = table(output_of('location-add', glance('location-add',
            '--url', $url, '--metadata', '{"speed": "88mph"}', '--checksum',
            md5_of(Glance::Source::data(1000)), '--hash-algo', 'sha512',
            '--hash-value', 'c' x 128, $id)));
        is($image{status}, 'active', 'the image has data');
        is($image{size}, 1000, 'so many');
        is($image{os_hash_value}, 'c' x 128, 'with this digest');

        is_deeply($places->('location-add', '--url', "$url#two", $id),
                  [ { url => $url, metadata => { speed => '88mph' } },
                    { url => "$url#two", metadata => {} } ], 'two places');

        says('location-add of a file', qr/HTTP 400 Bad Request: Invalid/,
             glance('location-add', '--url', 'file:///etc/passwd', $id));
        says('of nothing', qr/HTTP 400 Bad Request: Invalid location/,
             glance('location-add', '--url', "$source->{url}/missing", $id));
        says('twice', qr/HTTP 400 Bad Request: The location already exists/,
             glance('location-add', '--url', "$url#two", $id));
        is_deeply($places->('location-update', '--url', $url, '--metadata',
                            '{"n": 1}', $id),
                  [ { url => $url, metadata => { n => 1 } },
                    { url => "$url#two", metadata => {} } ],
                  'location-update');
        says('location-update of none', qr/Unknown URL/,
             glance('location-update', '--url', 'http://h/', $id));
        says('location-delete of a member', qr/HTTP 403 Forbidden/,
             glance('location-delete', '--url', $url, $id));

        is_user('admin');
        says('location-delete', qr/\A\s*\z/, glance('location-delete',
             '--url', $url, $id));
        is_deeply($places->('image-show', $id),
                  [ { url => "$url#two", metadata => {} } ], 'one is left');
        says('the last one', qr/HTTP 403 Forbidden: Cannot remove last/,
             glance('location-delete', '--url', "$url#two", $id));

        is_user('alice');
        output_of('image-delete', glance('image-delete', $id));
    });

    $env->{nginx}->allow(qr/\bstore: /);
}


sub openstack_commands {
    my ($env) = @_;

    my ($id, $public);
    my $none = qr/\A\s*\z/;

    $keystone->publish("http://127.0.0.1:$env->{nginx}{port}");
    $keystone->publish("http://127.0.0.1:$keystone->{port}/v3", 'identity');
    is_user('alice');

    check('openstack: an image from first to last' => sub {
        openstack_ok('alice',
            [ "create --disk-format raw --file $dir/in.img --tag one"
              . ' --property distro=none --min-disk 1 first', sub {
                my %image = table($_[0]);

                $id = $image{id};
                is($image{owner}, $alpha, 'owner') or diag($_[0]);
                is($image{min_disk}, 1, 'min_disk');
                is($image{tags}, 'one', 'tags');
                like($image{properties}, qr/distro='none'/, 'a property');
            } ],
            [ 'list', qr/^\| [0-9a-f-]{36} \| first \| active \|$/m ],
            [ 'list --long --name first --status active --property '
              . 'distro=none --sort name:asc',
              qr/first .* 300000 .*@{[ md5_of($data) ]} .* shared /x ],
            [ 'show first', sub {
                my %image = table($_[0]);

                is($image{status}, 'active', 'status');
                is($image{size}, 300_000, 'size');
                is($image{checksum}, md5_of($data), 'checksum');
                like($image{properties}, qr/os_hash_value='$sha512'/,
                     'os_hash_value');
            } ],
            [ "save --file $dir/out.img first", $none ],
            [ 'set --name second --property a=b --tag two --min-ram 32 '
              . '--community first', $none ],
            [ 'show second', sub {
                my %image = table($_[0]);

                is($image{min_ram}, 32, 'min_ram');
                is($image{visibility}, 'community', 'visibility');
                is($image{tags}, 'one, two', 'two tags');
                like($image{properties}, qr/a='b'/, 'another property');
            } ],
            [ 'unset --property a --tag one second', $none ],
            [ 'show second', sub {
                my %image = table($_[0]);

                is($image{tags}, 'two', 'one tag');
                unlike($image{properties}, qr/a='b'/, 'no property');
            } ],
            [ 'set --deactivate second', $none ],
            [ "save --file $dir/none.img second",
              qr/Unable to download image/ ],
            [ 'set --activate --shared second', $none ],
            [ "add project second $beta", qr/pending/ ],
        );

        is_image("$dir/out.img", 'saved');
    });

    check('openstack: administrators' => sub {
        is_user('admin');
        openstack_ok('admin',
            [ "create --public --file $dir/in.img everybodys", sub {
                $public = { table($_[0]) }->{id};
                like($_[0], qr/ public /, 'public');
            } ]);
    });

    check('openstack: another project' => sub {
        is_user('bob');
        openstack_ok('bob',
            [ 'list', qr/everybodys/ ],
            [ "set --accept $id", $none ],
            [ "save --file $dir/shared.img $id", $none ],
            [ "save --file $dir/public.img everybodys", $none ],
            [ "set --public $id", qr/403|not authorized/i ],
            [ 'delete everybodys', qr/403|not authorized|Failed/i ],
        );

        is_image("$dir/$_.img", "$_ image") for qw/ shared public /;
    });

    check('openstack: the end of it' => sub {
        is_user('alice');
        openstack_ok('alice',
            [ "member list $id", qr/\Q$beta\E \| accepted/ ],
            [ "remove project $id $beta", $none ],
            [ 'delete second', $none ],
            [ 'show second', qr/No Image found for second/i ],
        );

        is($env->status_of($id), 'deleted', 'deleted');

        is_user('admin');
        openstack_ok('admin', [ "delete $public", $none ]);
        is_deeply([ $env->files() ], [], 'no data');
        $env->consistent();
    });
}


# tokens that are for no project

sub tokens_without_project {
    my ($env) = @_;

    my %token = (system => $keystone->token('admin', 'system'),
                 nothing => $keystone->token('carol', ''));

    check('tokens without a project' => sub {
        for my $who (sort keys %token) {
            my @headers = ('X-Auth-Token' => $token{$who});

            for my $turn ('first', 'second, out of the cache') {
                my $r = $env->request('GET', '/v2/images',
                                      headers => [ @headers ]);
                error_ok($r, 403, "$who, $turn",
                         qr/not authorized to complete get_images action/);
            }

            status_is($env->request('GET', '/v2/schemas/image',
                      headers => [ @headers ]), 200, "$who: schemas");
            error_ok($env->v2('POST', '', headers => [ @headers ],
                              json => { name => 'x' }), 403, "$who: create");
        }

        for my $headers ([], [ 'X-Auth-Token' => 'wrong' ],
                         [ 'X-Identity-Status' => 'Confirmed',
                           'X-Roles' => 'admin', 'X-Project-Id' => 'p' ])
        {
            my $r = $env->request('GET', '/v2/images', headers => $headers);

            error_ok($r, 401, 'no token',
                     qr/The request you have made requires authentication/);
            has_header($r, 'WWW-Authenticate', 'Keystone uri="'
                       . "http://127.0.0.1:$keystone->{port}/v3\"");
        }
    });
}
