#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The x-image-meta-* headers.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my @required = ('x-image-meta-name' => 'n', 'x-image-meta-type' => 'raw');

    my $post = sub {
        my (@headers) = @_;

        return $env->request('POST', '/images', body => 'data', headers => [
            'Content-Type' => 'application/octet-stream', @headers ]);
    };

    my $meta_of = sub {
        my ($r) = @_;

        status_is($r, 201);
        my $id = $r->json()->{image}{id};
        return $env->request('HEAD', "/images/$id")->meta();
    };

    check('S-50 header names in any letter case' => sub {
        my @spellings = (
            [ qw/ x-image-meta-name x-image-meta-type
                  x-image-meta-is_public x-image-meta-property-Kernel_Id / ],
            [ qw/ X-Image-Meta-Name X-Image-Meta-Type
                  X-Image-Meta-Is-Public X-Image-Meta-Property-Kernel-Id / ],
            [ qw/ X-IMAGE-META-NAME X-IMAGE-META-TYPE
                  X-IMAGE-META-IS_PUBLIC X-IMAGE-META-PROPERTY-KERNEL_ID / ],
        );

        for my $names (@spellings) {
            my $meta = $meta_of->($post->($names->[0] => 'a name',
                $names->[1] => 'raw', $names->[2] => 'True',
                $names->[3] => 'aki-1'));

            is($meta->{name}, 'a name', $names->[0]);
            is($meta->{is_public}, 'True', $names->[2]);
            is($meta->{'property-kernel_id'}, 'aki-1', $names->[3]);
        }
        $env->wipe();
    });

    check('S-56 any number of properties' => sub {
        my %property = map { ("property-key_$_" => "value $_") } 1 .. 100;
        my $meta = $meta_of->($env->post(\%property, body => 'data'));

        is($meta->{$_}, $property{$_}, $_) for sort keys %property;
        $env->wipe();
    });

    check('S-56 keys and values' => sub {
        my @cases = (
            [ 'distro', 'Ubuntu 10.04 LTS' ],
            [ 'a.b.c', 'dots stay' ],
            [ 'n', '' ],
            [ '123', 'digits' ],
            [ 'under_score', ' trimmed ', 'trimmed' ],
            [ 'utf8', "\xe5\xb2\xa1\xe5\xb1\xb1\xe5\xa4\xa7\xe5\xad\xa6" ],
            [ 'percent', '%41%00%2f' ],
            [ 'quotes', q{"it's" \\"} ],
            [ 'colon', 'a: b: c' ],
            [ 'commas', 'a,b, c' ],
            [ 'long', 'v' x 8000 ],
            [ 'k' x 255, 'a long key' ],
            [ 'true', 'True' ],
            [ 'image_id', '12' ],
            [ 'uri', 'property-uri is not uri' ],
            [ 'status', 'active' ],
            [ 'location', 'file:///etc/passwd' ],
        );

        for my $case (@cases) {
            my ($key, $value, $expected) = @$case;

            $expected = $value if !defined $expected;

            my $r = $env->post({ "property-$key" => $value },
                               body => 'data');
            my $meta = $meta_of->($r);
            my $title = 'property ' . substr($key, 0, 30);
            my $got = $meta->{"property-$key"};

            # an empty value may be kept as empty or as nothing
            $got = '' if !defined $got && $expected eq '';

            is($got, $expected, $title);
            is($meta->{status}, 'active', "$title: status");
        }
        $env->wipe();
    });

    check('S-56 a header block of 8 KB' => sub {
        my %property = map { ("property-p$_" => 'x' x 100) } 1 .. 60;
        my $meta = $meta_of->($env->post(\%property, body => 'data'));

        is(scalar grep({ /^property-p/ } keys %$meta), 60, 'is accepted');
        $env->wipe();

        my $r = $env->post({ map { ("property-p$_" => 'x' x 1000) }
                             1 .. 120 }, body => 'data');
        like($r->{status}, qr/^(?:400|413|431)$/, 'far above it is refused');
        $env->is_empty();
    });

    check('S-56 a property without a key, or with too long a key' => sub {
        my $r = $post->(@required, 'x-image-meta-property-' => 'v');

        # like any x-image-meta header that says nothing to this dialect
        if ($r->{status} == 201) {
            is_deeply($r->json()->{image}{properties}, {}, 'no key: ignored');
        } else {
            status_is($r, 400, 'no key: refused');
        }
        $env->wipe();

        $r = $post->(@required, 'x-image-meta-property-' . 'k' x 256 => 'v');
        error_ok($r, 400, 'key of 256 characters');
        $env->is_empty();
    });

    check('S-56 more properties than the quota' => sub {
        my $r = $env->post({ map { ("property-$_" => 'v') } 1 .. 128 });
        status_is($r, 413, '128 and the type') if $r->{status} != 201;
        $env->wipe();

        refused($env, 413, '200 properties', 'POST', '/images',
                meta => { map { ("property-$_" => 'v') } 1 .. 200 },
                body => 'data');
        $env->is_empty();
    });

    check('S-50 a repeated header is joined by a comma' => sub {
        my $meta = $meta_of->($post->(
            'x-image-meta-name' => 'one', 'x-image-meta-type' => 'raw',
            'x-image-meta-property-a' => '1',
            'x-image-meta-name' => 'two', 'X-Image-Meta-Property-A' => '2'));

        like($meta->{name}, qr/^one, ?two$/, 'name');
        like($meta->{'property-a'}, qr/^1, ?2$/, 'property');
        $env->wipe();
    });

    check('S-51 S-54 what must not be repeated' => sub {
        for my $case ([ 'size', '4', '4' ], [ 'size', '4', '5' ],
                      [ 'id', '1', '2' ], [ 'id', '7', '7' ],
                      [ 'type', 'raw', 'raw' ], [ 'store', 'file', 's3' ])
        {
            my ($name, @values) = @$case;
            my @required = $name eq 'type' ? ()
                           : ('x-image-meta-type' => 'raw');
            my $r = $post->('x-image-meta-name' => 'n', @required,
                            map { ("x-image-meta-$name" => $_) } @values);

            error_ok($r, 400, "two of $name");
        }
        $env->is_empty();
    });

    check('S-42 headers that old clients send and nobody needs' => sub {
        my %echo = (status => 'queued', uri => 'http://other/images/1',
                    created_at => '2011-01-01 00:00:00',
                    updated_at => '', deleted_at => '', deleted => 'False',
                    properties => "{u'a': u'b'}");
        my $r = $env->post(\%echo, body => 'data');
        my $meta = $meta_of->($r);

        is($meta->{status}, 'active', 'status is ours');
        unlike($meta->{uri}, qr/other/, 'uri is ours');
        is($meta->{deleted_at}, '', 'not deleted');
        ok(!exists $meta->{'property-properties'}
           && !exists $meta->{properties}, 'no property of it');

        $r = $env->put($meta->{id}, { %echo, status => 'active' });
        status_is($r, 200, 'and on PUT');
        is($env->status_of($meta->{id}), 'active', 'status');
        $env->wipe();
    });

    check('S-42 nobody sets what is not his' => sub {
        for my $location ('file:///etc/passwd', 'file://localhost/etc/passwd',
                          'FILE:///etc/passwd', 'filesystem:///etc/passwd',
                          'swift+config://a/b', 'gopher://x/', '/etc/passwd',
                          'file:/etc/passwd')
        {
            my $r = $env->post({ location => $location });
            error_ok($r, 400, "location $location");
        }

        my $r = $env->post({ checksum => '0' x 32 }, body => 'data');
        if ($r->{status} == 201) {
            has_header($r, 'ETag', qr/\Q@{[ md5_of('data') ]}\E/,
                       'a wrong checksum is not taken over');
        } else {
            status_is($r, 400, 'a wrong checksum is refused');
        }
        $env->nothing_left('', map { $_->[0] } $env->rows(
                               "status = 'active'"));
        $env->wipe();
        $env->is_empty();
    });
});


# switches of the dialect, the same with every database

check('S-44 answers for clients of early 2011' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $r = $env->post({}, body => 'data');
        status_is($r, 200, 'POST answers 200');

        my $id = $r->json()->{image}{id};
        my $head = $env->request('HEAD', "/images/$id");

        has_header($head, 'x-image-meta-status', 'available',
                   'S-42 the status word of the slides');
        has_header($env->request('GET', "/images/$id"),
                   'x-image-meta-status', 'available');

    }, nginx => { post_status => 200, status_word => 'available' });
});


done_testing();
