#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: members of images (specs: v2/05 5.1, v2/07 7.6).

use warnings;
use strict;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V2;

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;


sub share {
    my ($v2, $who, $id, $member) = @_;

    return $v2->ask($who, 'POST', "/images/$id/members",
                    json => { member => $member });
}


sub answer {
    my ($v2, $who, $id, $member, $status) = @_;

    return $v2->ask($who, 'PUT', "/images/$id/members/$member",
                    json => { status => $status });
}


# "p2:pending p3:accepted", or the status

sub members {
    my ($v2, $who, $id) = @_;

    my $r = $v2->ask($who, 'GET', "/images/$id/members");

    return $r->{status} if $r->{status} != 200;

    return join(' ', map { "$_->{member_id}:$_->{status}" }
                     @{$r->json()->{members}});
}


for_each_v2(sub {
    my ($v2) = @_;

    check('a member comes, answers and goes' => sub {
        my $id = $v2->create('p1')->{id};

        is_deeply($v2->ask('p1', 'GET', "/images/$id/members")->json(),
                  { members => [], schema => '/v2/schemas/members' },
                  'none at first');

        my $r = share($v2, 'p1', $id, 'p2');

        status_is($r, 200, 'not 201');

        my $member = $r->json();

        like(delete $member->{$_}, $time, $_)
            for qw/ created_at updated_at /;
        is_deeply($member, { member_id => 'p2', image_id => $id,
                             status => 'pending',
                             schema => '/v2/schemas/member' }, 'the member');

        $r = $v2->ask('p2', 'GET', "/images/$id/members/p2");
        status_is($r, 200, 'shown to himself');
        is($r->json()->{status}, 'pending', 'in the same form');
        is($v2->show('p2', $id)->{id}, $id, 'sees the image already');

        for my $status (qw/ accepted rejected pending accepted /) {
            $r = answer($v2, 'p2', $id, 'p2', $status);
            status_is($r, 200);
            is($r->json()->{status}, $status, $status);
            is($v2->show('p2', $id)->{id}, $id, 'and sees the image');
        }

        is(members($v2, 'p1', $id), 'p2:accepted', 'the owner is told');

        $r = $v2->ask('p1', 'DELETE', "/images/$id/members/p2");
        status_is($r, 204);
        is($r->{body}, '', 'without a body');
        is(members($v2, 'p1', $id), '', 'gone');
        is($v2->show('p2', $id), 404, 'and does not see the image');
        fault_is($v2->ask('p1', 'DELETE', "/images/$id/members/p2"), 404,
                 "p2 not found in the member list of the image $id.");

        status_is(share($v2, 'p1', $id, 'p2'), 200, 'comes again');
        is(members($v2, 'p1', $id), 'p2:pending', 'with nothing answered');
        is(($v2->{db}->query("SELECT COUNT(*) FROM image_members
                              WHERE image_id = '$id'"))[0][0], 1,
           'in the same row');
    });

    check('who is told of whom' => sub {
        my $id = $v2->create('p1')->{id};

        status_is(share($v2, 'p1', $id, $_), 200, $_) for qw/ p2 p3 p1 /;

        my $all = 'p2:pending p3:pending p1:pending';

        is(members($v2, 'p1', $id), $all, 'the owner');
        is(members($v2, 'p1/reader', $id), $all, 'a reader there');
        is(members($v2, 'root/admin', $id), $all, 'an administrator');
        is(members($v2, 'p2', $id), 'p2:pending', 'a member');
        is(members($v2, 'p3/reader', $id), 'p3:pending', 'another');
        is(members($v2, 'p4', $id), 404, 'a stranger');
        is(members($v2, 'p1/service', $id), 404, 'a service');

        my %status = ('p1' => 200, 'p1/reader' => 200, 'root/admin' => 200,
                      'p2' => 200, 'p3' => 404, 'p4' => 404);

        for my $who (sort keys %status) {
            my $r = $v2->ask($who, 'GET', "/images/$id/members/p2");

            status_is($r, $status{$who}, "$who: member p2");
        }

        fault_is($v2->ask('p3', 'GET', "/images/$id/members/p2"), 404,
                 "p2 not found in the member list of the image $id.");
        fault_is($v2->ask('p1', 'GET', "/images/$id/members/P2"), 404,
                 'P2 not found');
        fault_is($v2->ask('p4', 'GET', "/images/$id/members"), 404,
                 "Image $id not found.");
    });

    check('who may do what' => sub {
        my $id = $v2->create('p1')->{id};

        my %add = ('p1/reader' => 403, 'p2' => 404, 'p1/service' => 404,
                   'p1' => 200, 'root/admin' => 409);

        is(share($v2, $_, $id, 'p2')->{status}, $add{$_}, "$_ adds")
            for sort { $add{$b} <=> $add{$a} || $a cmp $b }
                grep { $add{$_} > 400 && $add{$_} != 409 } keys %add;
        status_is(share($v2, 'p1', $id, 'p2'), 200, 'the owner adds');
        fault_is(share($v2, 'root/admin', $id, 'p2'), 409,
                 "Member p2 is duplicated for image $id");
        status_is(share($v2, 'root/admin', $id, 'p3'), 200, 'admin adds');
        fault_is(share($v2, 'p2', $id, 'p4'), 403,
                 "Not allowed to create members for image $id.");

        my %put = ('p1' => 403, 'p1/reader' => 403, 'p2/reader' => 403,
                   'p3' => 404, 'p4' => 404, 'p2' => 200,
                   'root/admin' => 200);

        is(answer($v2, $_, $id, 'p2', 'accepted')->{status}, $put{$_},
           "$_ answers for p2") for sort keys %put;
        fault_is(answer($v2, 'p1', $id, 'p2', 'rejected'), 403,
                 "Not allowed to update members for image $id.");
        fault_is(answer($v2, 'root/admin', $id, 'p9', 'rejected'), 404,
                 'p9 not found');

        my %delete = ('p1/reader' => 403, 'p2' => 403, 'p3' => 404,
                      'p4' => 404);

        is($v2->ask($_, 'DELETE', "/images/$id/members/p2")->{status},
           $delete{$_}, "$_ removes p2") for sort keys %delete;
        fault_is($v2->ask('p2', 'DELETE', "/images/$id/members/p2"), 403,
                 "Not allowed to delete members for image $id.");
        is(members($v2, 'p1', $id), 'p2:accepted p3:pending', 'both stay');
        status_is($v2->ask('root/admin', 'DELETE',
                           "/images/$id/members/p2"), 204, 'admin removes');
    });

    check('only shared images have members' => sub {
        for my $visibility (qw/ private community public /) {
            my $id = $v2->create('p1')->{id};

            share($v2, 'p1', $id, 'p2');
            status_is($v2->patch('root/admin', $id,
                replace(visibility => $visibility)), 200, $visibility);

            for my $who ('p1', 'p1/reader', 'root/admin', 'p1/service') {
                fault_is($v2->ask($who, 'GET', "/images/$id/members"), 403,
                         'Only shared images have members.', "$who: list");
                fault_is(share($v2, $who, $id, 'p3'), 403,
                         "Not allowed to create members for image $id.",
                         "$who: add");
                fault_is($v2->ask($who, 'GET', "/images/$id/members/p2"),
                         404, 'Only shared images have members.',
                         "$who: show");
                fault_is(answer($v2, $who, $id, 'p2', 'accepted'), 403,
                         "Not allowed to update members for image $id.",
                         "$who: answer");
                fault_is($v2->ask($who, 'DELETE', "/images/$id/members/p2"),
                         403, "Not allowed to delete members for image $id.",
                         "$who: remove");
            }

            is(members($v2, 'p2', $id), $visibility eq 'private' ? 404 : 403,
               'p2: list');
            is(answer($v2, 'p2', $id, 'p2', 'accepted')->{status},
               $visibility eq 'private' ? 404 : 403, 'p2: answer');

            status_is($v2->patch('root/admin', $id,
                replace(visibility => 'shared')), 200, 'shared again');
            is(members($v2, 'p1', $id), 'p2:pending', 'they come back');
        }
    });

    check('bodies' => sub {
        my $id = $v2->create('p1')->{id};
        my $path = "/images/$id/members";

        for my $case (
            [ '', 'Body expected in request.' ],
            [ 'null', 'Body expected in request.' ],
            [ '{', 'Malformed JSON in request body.' ],
            [ '["p2"]', 'Expected a member in the form' ],
            [ '{}', 'Member to be added not specified' ],
            [ '{"members": "p2"}', 'Member to be added not specified' ],
            [ '{"member": null}', "Member can't be empty" ],
            [ '{"member": ""}', "Member can't be empty" ],
            [ '{"member": 5}', 'member: must be a string' ],
            [ '{"member": ["p2"]}', 'member: must be a string' ],
            [ '{"member": "a\u0001"}', 'control characters' ],
            [ '{"member": "\ud83d\ude00"}', 'four bytes' ],
            [ '{"member": "' . 'm' x 256 . '"}', '255 characters' ])
        {
            fault_is($v2->ask('p1', 'POST', $path, body => $case->[0]), 400,
                     $case->[1], $case->[0] eq '' ? 'nothing'
                                 : substr($case->[0], 0, 40));
        }

        is(members($v2, 'p1', $id), '', 'none of them is there');

        my $long = 'ö' x 255;

        status_is($v2->ask('p1', 'POST', $path,
                           json => { member => $long, more => 1 }), 200,
                  'the longest, and what else is there does not matter');
        share($v2, 'p1', $id, 'p2');

        for my $case (
            [ '', 'Body expected in request.' ],
            [ '[]', 'Expected a status in the form' ],
            [ '{}', 'Status not specified' ],
            [ '{"status": 1}', 'status: must be a string' ],
            [ '{"status": null}', 'Status must be "pending", "accepted" or' ],
            [ '{"status": "Accepted"}', 'Incorrect request: Status must be' ],
            [ '{"status": ""}', 'Incorrect request: Status must be' ])
        {
            fault_is($v2->ask('p2', 'PUT', "$path/p2", body => $case->[0]),
                     400, $case->[1], 'status: ' . $case->[0]);
        }

        is(answer($v2, 'root/admin', $id, '%C3%B6' x 255, 'accepted')
           ->json()->{member_id}, $long, 'as a path');
        fault_is($v2->ask('p1', 'GET', "$path/p2", body => 'x'), 400,
                 'A body is not expected with this request.');
        fault_is($v2->ask('p1', 'DELETE', "$path/p2", body => 'x'), 400,
                 'A body is not expected with this request.');
        fault_is($v2->ask('p1', 'GET', $path, body => 'x'), 400,
                 'A body is not expected with this request.');
    });

    check('methods and paths' => sub {
        my $id = $v2->create('p1')->{id};

        has_header(fault_is($v2->ask('p1', 'PUT', "/images/$id/members"),
                            405, 'not allowed'), 'Allow', 'GET, POST');
        has_header(fault_is($v2->ask('p1', 'POST', "/images/$id/members/x"),
                            405, 'not allowed'), 'Allow',
                   'GET, PUT, DELETE');
        fault_is($v2->ask('p1', 'GET', "/images/$id/members/"), 404,
                 'could not be found');
        fault_is(share($v2, 'p1', 'nope', 'p2'), 404,
                 'Image nope not found.');
    });
});

done_testing();
