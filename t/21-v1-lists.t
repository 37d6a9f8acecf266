#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The lists of API v1 (specs/v1.md 2.5).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env) = @_;

    my %id;

    # created_at goes up with the number, so the order is that of the names
    for my $n (1 .. 6) {
        $id{"i$n"} = $env->v1_create({
            name => "i$n", is_public => $n == 6 ? 'False' : 'True',
            owner => 'somebody',
            disk_format => $n % 2 ? 'raw' : 'qcow2',
            container_format => 'bare', min_ram => $n, min_disk => 10 * $n,
            protected => $n == 2 ? 1 : 0,
            created_at => "2012-03-01T12:00:0$n",
            'property-parity' => $n % 2 ? 'odd' : 'even',
            'property-a.b' => "x&y=$n",
        }, body => 'x' x $n);
    }

    my $names = sub {
        my ($query, $path) = @_;

        my $r = $env->request('GET', '/v1/images' . ($path || '') . $query);

        return $r->summary() if $r->{status} != 200;
        return join(' ', map { $_->{name} } @{$r->json()->{images}});
    };

    check('the short list' => sub {
        my $r = $env->request('GET', '/v1/images');

        status_is($r, 200);
        request_id_ok($r);
        has_header($r, 'Content-Type', 'application/json');

        my $list = $r->json();
        is_deeply([ keys %$list ], [ 'images' ], 'one key');
        is(join(' ', map { $_->{name} } @{$list->{images}}), 'i5 i4 i3 i2 i1',
           'public ones, newest first');
        is_deeply($list->{images}[0], {
            id => $id{i5}, name => 'i5', size => 5, disk_format => 'raw',
            container_format => 'bare', checksum => md5_of('xxxxx'),
        }, 'six fields');
    });

    check('the long list' => sub {
        my $r = $env->request('GET', '/v1/images/detail?limit=1');

        status_is($r, 200);

        my $list = $r->json();
        is_deeply([ keys %$list ], [ 'images' ], 'one key');

        my $shown = $env->v1('PUT', "/$id{i5}", {}, headers =>
            [ 'x-glance-registry-purge-props' => 'false' ])->json()->{image};
        my $listed = $list->{images}[0];

        delete $_->{updated_at} for $shown, $listed;
        is_deeply($listed, $shown, 'the record as it is shown alone');
        ok(!exists $listed->{$_}, "no $_") for qw/ location location_data /;
    });

    check('filters' => sub {
        my %expected = (
            'name=i3' => 'i3',
            'name=none' => '',
            'status=active' => 'i5 i4 i3 i2 i1',
            'status=queued' => '',
            'disk_format=qcow2' => 'i4 i2',
            'container_format=ovf' => '',
            'size_min=4' => 'i5 i4',
            'size_max=2' => 'i2 i1',
            'size_min=2&size_max=3' => 'i3 i2',
            'min_ram=3' => 'i3',
            'min_disk=40' => 'i4',
            'protected=true' => 'i2',
            'protected=0' => 'i5 i4 i3 i1',
            'property-parity=odd' => 'i5 i3 i1',
            'property-parity=odd&size_max=3' => 'i3 i1',
            'property%2Dparity=even' => 'i4 i2',
            'property-a%2Eb=x%26y%3D4' => 'i4',
            'property-none=1' => '',
            'is_public=true' => 'i5 i4 i3 i2 i1',
            'is_public=False' => 'i6',
            'is_public=none' => 'i6 i5 i4 i3 i2 i1',
            'changes-since=2038-01-01T00:00:00' => '',
            'changes-since=2012-01-01T00:00:00Z' => 'i5 i4 i3 i2 i1',
            'changes-since=2012-01-01T00:00:00%2B01:00&limit=1' => 'i5',
            'deleted=true' => 'i5 i4 i3 i2 i1',
            'nobody=knows&name=i1' => 'i1',
            'name=i1&&' => 'i1',
        );

        for my $query (sort keys %expected) {
            is($names->("?$query"), $expected{$query}, $query);
            is($names->("?$query", '/detail'), $expected{$query},
               "$query, detail");
        }
    });

    check('order and pages' => sub {
        is($names->('?sort_key=size&sort_dir=asc'), 'i1 i2 i3 i4 i5', 'size');
        is($names->('?sort_key=disk_format&sort_dir=asc'), 'i2 i4 i1 i3 i5',
           'ties by created_at');
        is($names->('?limit=2'), 'i5 i4', 'limit');
        is($names->("?limit=2&marker=$id{i4}"), 'i3 i2', 'next page');
        is($names->("?limit=2&marker=$id{i1}"), '', 'the end');
        is($names->('?limit=0'), '', 'limit 0');
        is($names->('?limit=5000'), 'i5 i4 i3 i2 i1', 'more than the maximum');

        for my $key (qw/ name status container_format disk_format size id
                         created_at updated_at /)
        {
            for my $dir (qw/ asc desc /) {
                my ($marker, @seen) = ('');

                for (1 .. 7) {
                    my $r = $env->request('GET', '/v1/images/detail?limit=1'
                        . "&sort_key=$key&sort_dir=$dir$marker");
                    my ($image) = @{$r->json()->{images}} or last;

                    push @seen, $image->{name};
                    $marker = "&marker=$image->{id}";
                }

                is(join(' ', sort @seen), 'i1 i2 i3 i4 i5',
                   "one by one by $key $dir");
            }
        }
    });

    check('malformed filters' => sub {
        for my $query ('limit=x', 'limit=-1', 'marker=nothing',
                       'marker=00000000-0000-4000-8000-000000000000',
                       'sort_key=colour', 'sort_dir=up', 'size_min=x',
                       'size_max=-1', 'min_ram=x', 'min_disk=x',
                       'protected=maybe', 'protected=none', 'is_public=some',
                       'changes-since=yesterday', 'name=%ff', 'limit=')
        {
            my ($key) = split(/=/, $query);

            for my $path ('', '/detail') {
                error_ok($env->request('GET', "/v1/images$path?$query"), 400,
                         "$path?$query", qr/\Q$key\E/);
            }
        }
    });

    check('killed and deleted images' => sub {
        my $killed = $env->v1('POST', '', { disk_format => 'raw',
            container_format => 'bare', is_public => 1, name => 'k',
            checksum => 'f' x 32 }, body => 'x');

        status_is($killed, 400);
        is($env->v1('DELETE', "/$id{i1}")->{status}, 200, 'i1 is deleted');

        is($names->(''), 'i5 i4 i3 i2', 'both are hidden');
        is($names->('?changes-since=2012-04-01T00:00:00&sort_key=name'
                    . '&sort_dir=asc', '/detail'), 'i1 i2 i3 i4 i5 k',
           'but they changed');
        is($names->('?limit=2&marker=' . $id{i1}), '',
           'a deleted image still marks its place');
    });

    check('fields without a value' => sub {
        my @ids = map { $env->v1_create({ is_public => 1, owner => 'somebody',
            'property-parity' => 'none', %$_ }) }
            {}, { name => 'b' }, { disk_format => 'raw' },
            { name => 'a', container_format => 'bare', disk_format => 'vhd' };

        for my $key (qw/ name disk_format container_format size id /) {
            for my $dir (qw/ asc desc /) {
                my ($marker, @seen) = ('');

                for (1 .. 5) {
                    my $r = $env->request('GET', '/v1/images?limit=1'
                        . "&property-parity=none&sort_key=$key&sort_dir=$dir"
                        . $marker);
                    my ($image) = @{$r->json()->{images}} or last;

                    push @seen, $image->{id};
                    $marker = "&marker=$image->{id}";
                }

                is_deeply([ sort @seen ], [ sort @ids ],
                          "one by one by $key $dir");
            }
        }

        is($names->('?property-parity=none&sort_key=name&sort_dir=asc'
                    . '&limit=2&marker=' . $ids[1]), '', 'b is the last');
    });
});


# the length of a page

with_env('sqlite', sub {
    my ($env) = @_;

    $env->v1_create({ name => "n$_", is_public => 1 }) for 1 .. 5;

    my %length = ('' => 2, '?limit=1' => 1, '?limit=3' => 3, '?limit=4' => 3,
                  '?limit=5000' => 3, '?limit=0' => 0);

    for my $query (sort keys %length) {
        for my $path ('/v1/images', '/v1/images/detail') {
            my $r = $env->request('GET', $path . $query);

            is(scalar @{$r->json()->{images}}, $length{$query},
               "$path$query");
        }
    }
}, registry => { limit_param_default => 2, api_limit_max => 3 });


done_testing();
