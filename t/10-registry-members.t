#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The Registry API: members of images (specs: registry section 9, database
# section 4.5).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $nobody = '71c675ab-d94f-49cd-a114-e12490b328d9';


# "a b+": names in the order of the answer, "+" for can_share

sub members {
    my ($r, $id, %o) = @_;

    my $a = $r->request('GET', "/images/$id/members", %o);

    return $a->{status} if $a->{status} != 200;

    return join(' ', map { $_->{member_id} . ($_->{can_share} ? '+' : '') }
                     @{$a->json()->{members}});
}


sub save {
    my ($r, $id, $member, $can_share, %o) = @_;

    return $r->request('PUT', "/images/$id/members/$member", %o,
        defined $can_share
            ? (json => { member => { can_share => $can_share } }) : ());
}


sub replace {
    my ($r, $id, $list, %o) = @_;

    return $r->request('PUT', "/images/$id/members", %o, json => {
        memberships => [ map { ref $_ ? $_ : { member_id => $_ } } @$list ],
    });
}


sub rows {
    my ($db, $id, $columns) = @_;

    return join(' ', map { join(':', @$_) } $db->query(
        "SELECT $columns FROM image_members WHERE image_id = '$id'
         ORDER BY id"));
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};

    check('one member: added, changed, kept, removed' => sub {
        my $id = new_image($r, {})->{id};

        is_deeply($r->request('GET', "/images/$id/members")->json(),
                  { members => [] }, 'none at first');

        my $a = save($r, $id, 'a');

        status_is($a, 204, 'without a body');
        is($a->{body}, '', 'nothing in the answer');
        is($a->header('Content-Type'), undef, 'nor a type of it');

        is_deeply($r->request('GET', "/images/$id/members")->json(),
                  { members => [ { member_id => 'a', can_share => $no } ] },
                  'can_share is false');

        status_is(save($r, $id, 'a', $yes), 204, 'with can_share');
        is(members($r, $id), 'a+', 'changed');
        status_is(save($r, $id, 'a'), 204, 'omitted');
        is(members($r, $id), 'a+', 'kept');
        status_is(save($r, $id, 'b', $yes), 204, 'another');
        is(members($r, $id), 'a+ b+', 'both');
        status_is(save($r, $id, 'a', $no), 204, 'taken away');
        is(members($r, $id), 'a b+', 'taken away');

        $a = $r->request('DELETE', "/images/$id/members/a");
        status_is($a, 204, 'removed');
        is($a->{body}, '', 'nothing in the answer');
        is(members($r, $id), 'b+', 'gone');

        $a = $r->request('DELETE', "/images/$id/members/a");
        status_is($a, 404, 'only once');
        like($a->{body}, qr/Membership could not be found/, 'its words');
        is(members($r, "../v1/images/$id"), 404, 'no dots in paths');
        is($r->request('GET', "/v1/images/$id/members")->json()
           ->{members}[0]{member_id}, 'b', '/v1');
    });

    check('the same row is revived, pending and without its old time' => sub {
        my $id = new_image($r, {})->{id};

        save($r, $id, 'a', $yes);
        $db->query("UPDATE image_members SET status = 'accepted',
                    created_at = '2011-01-01 00:00:00'
                    WHERE image_id = '$id'");
        save($r, $id, 'a', $yes);
        is(rows($db, $id, 'status'), 'accepted', 'a change leaves status');

        $r->request('DELETE', "/images/$id/members/a");
        is(rows($db, $id, "deleted, deleted_at IS NULL, status"),
           '1:0:accepted', 'the row stays');

        status_is(save($r, $id, 'a'), 204, 'again');
        is(rows($db, $id, "deleted, deleted_at IS NULL, status, can_share"),
           '0:1:pending:0', 'the same row lives');
        like(rows($db, $id, 'created_at'), qr/^2011-01-01/,
             'created_at stays');

        # rows as Python leaves them: the flag decides, not the time
        $db->query("UPDATE image_members
                    SET deleted_at = '2012-01-01 00:00:00'
                    WHERE image_id = '$id'");
        is(members($r, $id), 'a', 'deleted is what counts');

        replace($r, $id, []);
        is(members($r, $id), '', 'replaced by nobody');
        replace($r, $id, [ 'a' ]);
        is(rows($db, $id, "deleted, deleted_at IS NULL"), '0:1',
           'revived by a replacement');
    });

    check('members are replaced' => sub {
        my $id = new_image($r, {})->{id};

        my $a = replace($r, $id, [ { member_id => 'a', can_share => $yes },
                                   'b', { member_id => 'c' } ]);

        status_is($a, 204);
        is($a->{body}, '', 'nothing in the answer');
        is(members($r, $id), 'a+ b c', 'as given');

        status_is(replace($r, $id, [ 'c', 'a', 'd' ]), 204, 'others');
        is(members($r, $id), 'a+ c d', 'who stays keeps can_share');
        is(rows($db, $id, 'member, deleted'), 'a:0 b:1 c:0 d:0',
           'who goes is soft-deleted');

        status_is(replace($r, $id, [ { member_id => 'a', can_share => $no },
                                     'b' ]), 204, 'and back');
        is(members($r, $id), 'a b', 'revived');
        status_is(replace($r, $id, [ 'x', 'x', 'x' ]), 204, 'named twice');
        is(members($r, $id), 'x', 'is there once');
        status_is(replace($r, $id, []), 204, 'nobody');
        is(members($r, $id), '', 'nobody');
    });

    check('can_share in all its spellings' => sub {
        my $id = new_image($r, {})->{id};

        for my $case ([ $yes, '+' ], [ $no, '' ], [ 1, '+' ], [ 0, '' ],
                      [ 'True', '+' ], [ 'false', '' ], [ 'yes', '+' ],
                      [ 'off', '' ])
        {
            my ($value, $sign) = @$case;

            status_is(save($r, $id, 'a', $value), 204, "PUT $value");
            is(members($r, $id), "a$sign", "value $value");
            status_is(replace($r, $id, [ { member_id => 'a',
                                           can_share => $value } ]), 204,
                      "list $value");
            is(members($r, $id), "a$sign", "$value in a list");
        }
    });

    check('images of a tenant' => sub {
        my @id = map { new_image($r, { name => "s$_" })->{id} } 1 .. 3;

        save($r, $id[0], 'team', $yes);
        save($r, $id[1], 'team');
        save($r, $id[2], 'other');

        my $shared = sub {
            return $r->request('GET', "/shared-images/$_[0]")->json();
        };

        is_deeply($shared->('team'), { shared_images => [
            { image_id => $id[0], can_share => $yes },
            { image_id => $id[1], can_share => $no },
        ] }, 'both');

        $r->request('DELETE', "/images/$id[0]/members/team");
        $r->request('DELETE', "/images/$id[1]");
        is_deeply($shared->('team'), { shared_images => [] },
                  'neither former memberships nor former images');
        is_deeply($shared->('nobody'), { shared_images => [] }, 'nobody');
    });

    check('names are any text, and exact' => sub {
        my $id = new_image($r, {})->{id};
        my $name = '%C3%A9%2F%27%22%20%E4%B8%96';

        status_is(save($r, $id, $name), 204, 'letters and signs');
        is(members($r, $id), "\x{e9}/'\" \x{4e16}", 'come back');
        is(scalar @{$r->request('GET', "/shared-images/$name")->json()
                    ->{shared_images}}, 1, 'and are found');
        status_is($r->request('DELETE', "/images/$id/members/$name"), 204,
                  'and removed');
        status_is(save($r, $id, 'x' x 255), 204, '255 characters');
        status_is(save($r, $id, '%C3%A9' x 255), 204, 'of two bytes');

        # another tenant, whatever the collation thinks
        status_is(save($r, $id, 'bob'), 204, 'bob');
        status_is($r->request('DELETE', "/images/$id/members/BOB"), 404,
                  'BOB is not bob');
        is(scalar @{$r->request('GET', '/shared-images/BOB')->json()
                    ->{shared_images}}, 0, 'nor sees his images');
    });

    check('one row for names that the database takes for one' => sub {
        my $id = new_image($r, {})->{id};

        save($r, $id, 'bob');

        my $a = save($r, $id, 'Bob');

        if ($kind eq 'mysql') {
            status_is($a, 409, 'refused beside a live one');
            like($a->{body}, qr/member/, 'its words');
            unlike($a->{body}, qr/mysql|Duplicate/i, 'not those of SQL');
            is(members($r, $id), 'bob', 'nothing changed');
        } else {
            status_is($a, 204, 'two tenants');
        }

        status_is(replace($r, $id, [ 'Bob' ]), 204, 'in its place');
        is(members($r, $id), 'Bob', 'changed');
        status_is(replace($r, $id, [ 'bob' ]), 204, 'and back');
        is(members($r, $id), 'bob', 'changed');
        status_is(replace($r, $id, []), 204, 'none');
        status_is(save($r, $id, 'BOB'), 204, 'again');
        status_is($r->request('DELETE', "/images/$id"), 200,
                  'an image can go with its members, however spelt');
    });

    check('mistakes are named, and change nothing' => sub {
        my $id = new_image($r, {})->{id};

        save($r, $id, 'a', $yes);

        my @lists = (
            [ '', qr/JSON/ ], [ '{', qr/JSON/ ], [ '[]', qr/object/ ],
            [ '"a"', qr/JSON|object/ ], [ '{}', qr/memberships/ ],
            [ '{"memberships": {}}', qr/memberships/ ],
            [ '{"memberships": null}', qr/memberships/ ],
            [ '{"memberships": ["a"]}', qr/member_id/ ],
            [ '{"memberships": [{}]}', qr/member_id/ ],
            [ '{"memberships": [{"member_id": ""}]}', qr/member_id/ ],
            [ '{"memberships": [{"member_id": 5}]}', qr/member_id/ ],
            [ '{"memberships": [{"member_id": "' . 'x' x 256 . '"}]}',
              qr/member_id/ ],
            [ '{"memberships": [{"member_id": "b\u0007"}]}', qr/member_id/ ],
            [ '{"memberships": [{"member_id": "\ud83d\ude00"}]}',
              qr/member_id/ ],
            [ '{"memberships": [{"member_id": "b", "can_share": []}]}',
              qr/can_share/ ],
            [ '{"memberships": [{"member_id": "b", "can_share": "maybe"}]}',
              qr/can_share/ ],
            [ '{"memberships": [{"member_id": "b"}, {"member": "c"}]}',
              qr/member_id/ ],
            [ '{"memberships": []} x', qr/JSON/ ],
        );

        for my $case (@lists) {
            my ($body, $words) = @$case;
            my $a = $r->request('PUT', "/images/$id/members", body => $body);

            status_is($a, 400, 'PUT members ' . substr($body, 0, 60));
            like($a->{body}, $words, 'it names the field');
        }

        my @ones = (
            [ '{', qr/JSON/ ], [ '[]', qr/object/ ],
            [ '{}', qr/can_share/ ], [ '{"member": {}}', qr/can_share/ ],
            [ '{"member": "a"}', qr/can_share/ ],
            [ '{"can_share": true}', qr/can_share/ ],
            [ '{"member": {"can_share": "perhaps"}}', qr/can_share/ ],
            [ '{"member": {"can_share": {}}}', qr/can_share/ ],
        );

        for my $case (@ones) {
            my ($body, $words) = @$case;
            my $a = $r->request('PUT', "/images/$id/members/b",
                                body => $body);

            status_is($a, 400, "PUT member $body");
            like($a->{body}, $words, 'it names the field');
        }

        for my $name ('x' x 256, '%ff', '%07', '%f0%9f%98%80') {
            my $a = save($r, $id, $name);

            status_is($a, 400, 'PUT ' . substr($name, 0, 20));
            like($a->{body}, qr/member/, 'it names the field');
            status_is($r->request('DELETE', "/images/$id/members/$name"),
                      400, 'DELETE');
            status_is($r->request('GET', "/shared-images/$name"), 400,
                      'GET shared-images');
        }

        status_is(save($r, $id, '%zz'), 400, 'an escape');
        is(rows($db, $id, 'member, can_share, deleted'), 'a:1:0',
           'nothing changed');
    });

    check('images that are not there' => sub {
        my $gone = new_image($r, {})->{id};

        save($r, $gone, 'a');
        $r->request('DELETE', "/images/$gone");

        for my $id ($nobody, 'nope', '%ff', 'x' x 300, '%27%20OR%201%3D1') {
            my $title = substr($id, 0, 40);

            is(members($r, $id), 404, "GET $title");
            status_is(save($r, $id, 'a'), 404, "PUT one $title");
            status_is(replace($r, $id, [ 'a' ]), 404, "PUT all $title");
            status_is($r->request('DELETE', "/images/$id/members/a"), 404,
                      "DELETE $title");
        }

        is(members($r, $gone), '', 'GET of a deleted one by administrators');
        status_is(save($r, $gone, 'a'), 404, 'PUT one, deleted');
        status_is(replace($r, $gone, [ 'a' ]), 404, 'PUT all, deleted');
        status_is($r->request('DELETE', "/images/$gone/members/a"), 404,
                  'DELETE, deleted');
        is(rows($db, $gone, 'member, deleted'), 'a:1', 'nothing revived');
    });

    check('methods' => sub {
        my $id = new_image($r, {})->{id};

        for my $case ([ 'GET', "/images/$id/members/a", 'PUT, DELETE' ],
                      [ 'POST', "/images/$id/members/a", 'PUT, DELETE' ],
                      [ 'POST', "/images/$id/members", 'GET, PUT' ],
                      [ 'DELETE', "/images/$id/members", 'GET, PUT' ],
                      [ 'PUT', '/shared-images/a', 'GET' ],
                      [ 'POST', '/shared-images/a', 'GET' ],
                      [ 'DELETE', '/shared-images/a', 'GET' ])
        {
            my ($method, $path, $allow) = @$case;
            my $a = $r->request($method, $path,
                                body => '{"member": {"can_share": true}}');

            status_is($a, 405, "$method $path");
            has_header($a, 'Allow', $allow);
        }

        is(members($r, $id), '', 'nothing changed');
    });

    check('many at once: no row is doubled' => sub {
        my $id = new_image($r, {})->{id};
        my @jobs = map { my $n = $_; in_background(sub {
            return map { save($r, $id, 'm' . ($_ + $n) % 5)->{status} }
                   1 .. 10;
        }) } 1 .. 6;

        my @status = map { $_->() } @jobs;

        is(scalar(grep { $_ == 204 } @status), 60, 'all succeed')
            or diag("@status");
        is(rows($db, $id, 'COUNT(*)'), '5', 'one row each');
    });
}, image_member_quota => 128);


check('quotas' => sub {
    for_each_registry(sub {
        my ($r, $kind) = @_;

        my $id = new_image($r, {})->{id};

        status_is(replace($r, $id, [ 'a' .. 'd' ]), 413, 'four of three');

        my $a = replace($r, $id, [ 'a' .. 'd' ]);
        like($a->{body}, qr/members.*Attempted: 4, Maximum: 3/,
             'it says how many');
        is(members($r, $id), '', 'nothing changed');

        status_is(save($r, $id, $_), 204, $_) for 'a' .. 'c';
        status_is(save($r, $id, 'd'), 413, 'the fourth');
        status_is(save($r, $id, 'a', $yes), 204, 'a change is not one more');
        $r->request('DELETE', "/images/$id/members/b");
        status_is(save($r, $id, 'd'), 204, 'in place of another');
        status_is(save($r, $id, 'b'), 413, 'a revived one counts');
        is(members($r, $id), 'a+ c d', 'rolled back');
        status_is(replace($r, $id, [ 'x' .. 'z' ]), 204, 'three others');
        is(members($r, $id), 'x y z', 'three others');

        $r->stop();
        $r->start(image_member_quota => -1);
        status_is(replace($r, $id, [ map { "m$_" } 1 .. 300 ]), 204,
                  '-1: any number');
        is(scalar(split(' ', members($r, $id))), 300, 'three hundred');

        $r->stop();
        $r->start(image_member_quota => 0);

        my $new = new_image($r, {})->{id};
        status_is(save($r, $new, 'a'), 413, '0: none');
        status_is(replace($r, $new, []), 204, 'but nobody');
    }, image_member_quota => 3);
});


# who may: an owner, members with and without can_share, a stranger, an
# administrator, and somebody without a tenant

for_each_registry(sub {
    my ($r) = @_;

    my %who = (
        alice => { tenant('alice') },
        shares => { tenant('shares') },
        member => { tenant('member') },
        stranger => { tenant('stranger') },
        admin => { tenant('root', 'Member, Admin') },
        nobody => { tenant('') },
    );
    my %id;

    for my $visibility (qw/ private shared public community /) {
        $id{$visibility} = new_image($r, { visibility => $visibility },
                                     tenant('alice'))->{id};
        status_is(replace($r, $id{$visibility}, [
            { member_id => 'shares', can_share => $yes }, 'member', 'third',
        ], tenant('alice')), 204, "$visibility: the owner sets members");
    }

    check('who reads members' => sub {
        my $all = 'shares+ member third';
        my %expect = (
            private => { alice => $all, admin => $all },
            shared => { alice => $all, admin => $all, shares => 'shares+',
                        member => 'member' },
            public => { alice => $all, admin => $all, shares => 'shares+',
                        member => 'member', stranger => '', nobody => '' },
        );

        $expect{community} = $expect{public};

        for my $visibility (sort keys %id) {
            for my $who (sort keys %who) {
                is(members($r, $id{$visibility}, %{$who{$who}}),
                   $expect{$visibility}{$who} // 404,
                   "$visibility: $who");
            }
        }
    });

    check('who may share' => sub {
        my %expect = (
            private => { alice => 204, admin => 204 },
            shared => { alice => 204, admin => 204, shares => 204,
                        member => 403 },
            public => { alice => 204, admin => 204, shares => 403,
                        member => 403, stranger => 403 },
        );

        $expect{community} = $expect{public};

        for my $visibility (sort keys %id) {
            for my $who (sort keys %who) {
                my $status = $who eq 'nobody' ? 401
                             : $expect{$visibility}{$who} || 404;
                my @who = %{$who{$who}};
                my $title = "$visibility: $who";

                status_is(save($r, $id{$visibility}, 'guest', undef, @who),
                          $status, "$title: PUT one");
                status_is($r->request('DELETE', "/images/$id{$visibility}"
                                      . '/members/guest', @who), $status,
                          "$title: DELETE");
                status_is(replace($r, $id{$visibility}, [
                    { member_id => 'shares', can_share => $yes }, 'member',
                    'third' ], @who), $status, "$title: PUT all");
            }

            is(members($r, $id{$visibility}, tenant('alice')),
               'shares+ member third', "$visibility: as before");
        }
    });

    check('what hides an image looks like no image' => sub {
        for my $path ('/members', '/members/x') {
            my $hidden = $r->request('PUT', "/images/$id{private}$path",
                                     tenant('stranger'),
                                     body => '{"memberships": []}' x
                                             ($path eq '/members'));
            my $none = $r->request('PUT', "/images/$nobody$path",
                                   tenant('stranger'),
                                   body => '{"memberships": []}' x
                                           ($path eq '/members'));

            is($hidden->{status}, 404, "$path: 404");
            is($hidden->{body}, $none->{body}, "$path: the same words");
        }
    });

    check('can_share goes on and off' => sub {
        my $id = new_image($r, { visibility => 'shared' },
                           tenant('alice'))->{id};

        save($r, $id, 'bob', undef, tenant('alice'));
        status_is(save($r, $id, 'carol', undef, tenant('bob')), 403, 'not');
        save($r, $id, 'bob', $yes, tenant('alice'));
        status_is(save($r, $id, 'carol', $yes, tenant('bob')), 204, 'now');
        status_is(save($r, $id, 'dave', undef, tenant('carol')), 204,
                  'and further');
        save($r, $id, 'bob', $no, tenant('alice'));
        status_is(save($r, $id, 'eve', undef, tenant('bob')), 403,
                  'not any more');
        status_is($r->request('DELETE', "/images/$id/members/bob",
                              tenant('bob')), 403,
                  'not even to leave');
        status_is($r->request('DELETE', "/images/$id/members/bob",
                              tenant('carol')), 204, 'carol may');
        is(members($r, $id, tenant('bob')), 404, 'the image is gone for bob');
        is(members($r, $id, tenant('Carol')), 404, 'names are exact');
    });

    check('memberships that are seen' => sub {
        my $shared = sub {
            my ($member, $who) = @_;
            my $a = $r->request('GET', "/shared-images/$member",
                                %{$who{$who}});

            return $a->{status} if $a->{status} != 200;

            my %name = reverse %id;
            return join(' ', sort grep { defined }
                        map { $name{$_->{image_id}} }
                        @{$a->json()->{shared_images}});
        };
        my $all = 'community private public shared';

        is($shared->('member', 'member'), $all, 'his own');
        is($shared->('member', 'alice'), $all, 'of her images');
        is($shared->('member', 'admin'), $all, 'all');
        is($shared->('member', 'stranger'), '', 'none');
        is($shared->('member', 'shares'), '', 'of others, none');
        is($shared->('member', 'nobody'), 401, 'without a tenant');
    });

    check('without identity' => sub {
        my $id = $id{public};

        for my $case ([ 'GET', "/images/$id/members" ],
                      [ 'PUT', "/images/$id/members" ],
                      [ 'PUT', "/images/$id/members/a" ],
                      [ 'DELETE', "/images/$id/members/a" ],
                      [ 'GET', '/shared-images/a' ])
        {
            my ($method, $path) = @$case;

            status_is($r->request($method, $path), 401, "$method $path");
        }
    });
}, 'paste_deploy/flavor' => 'trusted', registry_secret => 's3cret');


done_testing();
