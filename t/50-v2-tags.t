#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: tags of images one by one (specs: v2/05 5.2).

use warnings;
use strict;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::V2;


sub tag {
    my ($v2, $who, $method, $id, $tag, %o) = @_;

    return $v2->ask($who, $method, "/images/$id/tags/$tag", %o);
}


sub tags {
    my ($v2, $id) = @_;

    return join(' ', @{$v2->show('p1', $id)->{tags}});
}


for_each_v2(sub {
    my ($v2) = @_;

    check('put and delete' => sub {
        my $image = $v2->create('p1', { tags => [ 'a' ] });
        my $id = $image->{id};

        $v2->{db}->query("UPDATE images SET updated_at =
                          '2020-01-01 00:00:00' WHERE id = '$id'");

        my $r = tag($v2, 'p1', 'PUT', $id, 'a');

        status_is($r, 204, 'one that is there');
        is($r->{body}, '', 'without a body');
        is($v2->show('p1', $id)->{updated_at}, '2020-01-01T00:00:00Z',
           'nothing is changed');

        status_is(tag($v2, 'p1', 'PUT', $id, 'b'), 204, 'a new one');
        isnt($v2->show('p1', $id)->{updated_at}, '2020-01-01T00:00:00Z',
             'the image was changed');
        is(tags($v2, $id), 'a b', 'both');

        # what needs percent signs is UTF-8
        status_is(tag($v2, 'p1', 'PUT', $id, 'gr%C3%B6%C3%9Fe%20%3F+x'), 204,
                  'encoded');
        is(tags($v2, $id), 'a b größe ?+x', 'decoded');
        status_is(tag($v2, 'p1', 'PUT', $id, 'A'), 204, 'upper case');
        is(tags($v2, $id), 'a b größe ?+x A', 'is another one');

        status_is(tag($v2, 'p1', 'DELETE', $id, 'a'), 204, 'deleted');
        is(tags($v2, $id), 'b größe ?+x A', 'one of them');
        status_is(tag($v2, 'p1', 'DELETE', $id, 'gr%C3%B6%C3%9Fe%20?+x'),
                  404, 'a query is not part of it');
        status_is(tag($v2, 'p1', 'DELETE', $id, 'gr%c3%b6%c3%9fe%20%3f%2bx'),
                  204, 'encoded');
        fault_is(tag($v2, 'p1', 'DELETE', $id, 'a'), 404,
                 'The resource could not be found.');

        is(($v2->{db}->query("SELECT COUNT(*) FROM image_tags
                              WHERE image_id = '$id' AND deleted = 1"))[0][0],
           2, 'rows of the dead');
    });

    check('two rows of one tag go together' => sub {
        my $id = $v2->create('p1', { tags => [ 'x', 'y' ] })->{id};

        $v2->{db}->query("INSERT INTO image_tags (image_id, value, created_at,
            deleted) VALUES ('$id', 'x', '2026-01-01 00:00:00', 0)");
        status_is(tag($v2, 'p1', 'DELETE', $id, 'x'), 204);
        is(tags($v2, $id), 'y', 'gone');
    });

    check('who may' => sub {
        my $id = $v2->create('root/admin', { owner => 'p1',
                                             visibility => 'public' })->{id};
        my $private = $v2->create('p1')->{id};

        my %public = ('p1' => 204, 'root/admin' => 204, 'p1/reader' => 403,
                      'p2' => 403, 'p2/reader' => 403, 'p1/service' => 404);
        my %private = (%public, 'p2' => 404, 'p2/reader' => 404);

        for my $who (sort keys %public) {
            is(tag($v2, $who, 'PUT', $id, 't')->{status}, $public{$who},
               "$who: public");
            is(tag($v2, $who, 'PUT', $private, 't')->{status},
               $private{$who}, "$who: private");
        }

        fault_is(tag($v2, 'p2', 'PUT', $id, 't'), 403,
                 "Not allowed to update tags for image $id.");
        fault_is(tag($v2, 'p2', 'DELETE', $id, 't'), 403,
                 "Not allowed to delete tags for image $id.");
        fault_is(tag($v2, 'p2', 'DELETE', $private, 't'), 404,
                 "Image $private not found.");
        fault_is(tag($v2, 'p1', 'PUT', 'nope', 't'), 404,
                 'Image nope not found.');
    });

    check('what no tag can be' => sub {
        my $id = $v2->create('p1')->{id};

        for my $case ([ 't' x 256, 400, '255 characters' ],
                      [ '%F0%9F%98%80', 400, '4 bytes' ],
                      [ 'a%0Ab', 400, 'control characters' ],
                      [ '%FF', 400, 'UTF-8' ],
                      [ 'a%2Fb', 404, 'could not be found' ],
                      [ '', 404, 'could not be found' ])
        {
            fault_is(tag($v2, 'p1', 'PUT', $id, $case->[0]), $case->[1],
                     $case->[2], substr($case->[0], 0, 20)
                                 . ": $case->[1]");
        }

        is(tags($v2, $id), '', 'none of them is there');
        status_is(tag($v2, 'p1', 'PUT', $id, '%C3%B6' x 255), 204,
                  'the longest');

        for my $method ('PUT', 'DELETE') {
            fault_is(tag($v2, 'p1', $method, $id, 'x', body => '{}'), 400,
                     'A body is not expected with this request.');
        }

        has_header(fault_is(tag($v2, 'p1', 'GET', $id, 'x'), 405,
                            'not allowed'), 'Allow', 'PUT, DELETE');
    });

    check('many at once' => sub {
        my $id = $v2->create('p1')->{id};

        my @r = $v2->at_once(
            (map { [ 'p1', 'PUT', "/images/$id/tags/t$_" ] } 1 .. 4),
            (map { [ 'p1', 'PUT', "/images/$id/tags/same" ] } 1 .. 4));

        is(join(' ', map { $_->{status} } @r), join(' ', (204) x 8),
           'all are done');
        is(join(' ', sort @{$v2->show('p1', $id)->{tags}}),
           'same t1 t2 t3 t4', 'each once');
    });
});

done_testing();
