#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: images are put out of use and into it again (specs: v2/05 5.3).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V2;


sub act {
    my ($v2, $who, $id, $action, %o) = @_;

    return $v2->ask($who, 'POST', "/images/$id/actions/$action", %o);
}


for_each_v2(sub {
    my ($v2) = @_;

    check('there and back' => sub {
        my $id = $v2->active('p1')->{id};

        $v2->location($id, 'file:///x');
        $v2->{db}->query("UPDATE images SET size = 5, checksum = 'c',
            updated_at = '2020-01-01 00:00:00' WHERE id = '$id'");

        status_is(act($v2, 'p1', $id, 'reactivate'), 204, 'it is active');
        is($v2->show('p1', $id)->{updated_at}, '2020-01-01T00:00:00Z',
           'nothing is changed');

        for my $n (1, 2) {
            my $r = act($v2, 'p1', $id, 'deactivate');

            status_is($r, 204, "deactivated, $n");
            is($r->{body}, '', 'without a body');
            is($v2->show('p1', $id)->{status}, 'deactivated', 'so it is');
        }

        my $now = $v2->show('p1', $id);

        is("$now->{size} $now->{checksum}", '5 c', 'with all it had');
        isnt($now->{updated_at}, '2020-01-01T00:00:00Z', 'updated_at');

        status_is(act($v2, 'p1', $id, 'reactivate'), 204, 'reactivated');
        is($v2->show('p1', $id)->{status}, 'active', 'so it is');
    });

    check('other states' => sub {
        my $id = $v2->active('p1')->{id};

        for my $status (qw/ queued saving uploading importing killed /) {
            $v2->status($id, $status);

            fault_is(act($v2, 'p1', $id, $_), 403,
                     "Not allowed to $_ image in status '$status'")
                for qw/ deactivate reactivate /;
            is($v2->show('p1', $id)->{status}, $status, 'unchanged');
        }
    });

    check('who may' => sub {
        my $private = $v2->active('p1')->{id};
        my $public = $v2->active('p1')->{id};

        $v2->patch('root/admin', $public, replace(visibility => 'public'));

        my %private = ('p1' => 204, 'root/admin' => 204, 'p1/reader' => 403,
                       'p2' => 404, 'p1/service' => 404, 'p1/other' => 404);
        my %public = (%private, 'p2' => 403, 'p2/reader' => 403);

        for my $action (qw/ deactivate reactivate /) {
            is(act($v2, $_, $private, $action)->{status}, $private{$_},
               "$_: $action private") for sort keys %private;
            is(act($v2, $_, $public, $action)->{status}, $public{$_},
               "$_: $action public") for sort keys %public;
        }

        fault_is(act($v2, 'p1/reader', $private, 'deactivate'), 403,
                 'You are not authorized to complete deactivate action.');
        fault_is(act($v2, 'p1', 'nope', 'deactivate'), 404,
                 'No image found with ID nope');
    });

    check('paths, methods, bodies' => sub {
        my $id = $v2->active('p1')->{id};

        for my $action ('freeze', '', 'deactivate/x') {
            fault_is(act($v2, 'p1', $id, $action), 404,
                     'could not be found', "\"$action\"");
        }

        has_header(fault_is($v2->ask('p1', 'GET',
                            "/images/$id/actions/deactivate"), 405,
                            'not allowed'), 'Allow', 'POST');
        fault_is(act($v2, 'p1', $id, 'deactivate', body => '{}'), 400,
                 'A body is not expected with this request.');
        is($v2->show('p1', $id)->{status}, 'active', 'unchanged');
    });

    check('both at once' => sub {
        my $id = $v2->active('p1')->{id};

        my @r = $v2->at_once(map {
            [ 'p1', 'POST', "/images/$id/actions/$_" ]
        } (qw/ deactivate reactivate /) x 4);

        is(join(' ', map { $_->{status} } @r), join(' ', (204) x 8),
           'one after the other');
        like($v2->show('p1', $id)->{status}, qr/^(?:active|deactivated)$/,
             'whichever came last');
    });
});

done_testing();
