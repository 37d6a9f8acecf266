#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# PUT and DELETE /images/{id}.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $unknown = '00000000-0000-4000-8000-000000000000';

    check('S-45 PUT answers with the metadata as headers' => sub {
        my $id = $env->create({ name => 'before', is_public => '1',
                                'property-a' => '1', 'property-b' => '2' },
                              body => 'data');

        my $r = $env->put($id, { name => 'after', 'property-b' => 'two',
                                 'property-c' => '3' });

        status_is($r, 200);
        request_id_ok($r);
        has_header($r, 'Content-Type', qr!^application/json!);

        my $meta = $r->meta();
        my %expected = (name => 'after', type => 'raw', size => 4,
                        store => $env->default_store(),
                        status => 'active', id => $id,
                        is_public => 'True', 'property-a' => '1',
                        'property-b' => 'two', 'property-c' => '3',
                        deleted_at => '',
                        uri => "http://127.0.0.1:$env->{nginx}{port}"
                               . "/images/$id");

        is($meta->{$_}, $expected{$_}, "header $_") for sort keys %expected;

        my $image = $r->json()->{image};
        is($image->{id}, $id, 'and as JSON');
        is_deeply($image->{properties}, { a => 1, b => 'two', c => 3 },
                  'properties are merged');

        $meta = $env->request('HEAD', "/images/$id")->meta();
        is($meta->{$_}, $expected{$_}, "stored $_") for sort keys %expected;

        is($env->request('GET', "/images/$id")->{body}, 'data',
           'the data are the same');
        $env->wipe();
    });

    check('S-45 only what is named changes' => sub {
        my $id = $env->create({ name => 'n', type => 'kernel',
                                is_public => 'on', 'property-k' => 'v' },
                              body => 'data');
        my $before = $env->request('HEAD', "/images/$id")->meta();

        for my $change ({}, { type => 'ramdisk' }, { is_public => 'false' },
                        { name => 'm' })
        {
            status_is($env->put($id, $change), 200,
                      'change of ' . (join(' ', keys %$change) || 'nothing'));

            $before->{type} = $change->{type} if $change->{type};
            $before->{name} = $change->{name} if $change->{name};
            $before->{is_public} = 'False' if $change->{is_public};

            my $now = $env->request('HEAD', "/images/$id")->meta();
            delete $_->{updated_at} for $before, $now;
            is_deeply($now, $before, 'the rest is as before');
        }
        $env->wipe();
    });

    check('S-45 updated_at is the last change of metadata' => sub {
        my $id = $env->create({}, body => 'data');
        my $old = '2011-02-03 04:05:06';

        $env->{database}->query("UPDATE images SET created_at = '$old',"
                                . " updated_at = '$old'");

        my $meta = $env->request('HEAD', "/images/$id")->meta();
        is($meta->{created_at}, $old, 'created_at');
        is($meta->{updated_at}, $old, 'updated_at');

        $env->request('GET', "/images/$id");
        is($env->request('HEAD', "/images/$id")->meta()->{updated_at}, $old,
           'reading does not change it');

        $env->put($id, { 'property-x' => 'y' });
        $meta = $env->request('HEAD', "/images/$id")->meta();
        is($meta->{created_at}, $old, 'created_at stays');
        cmp_ok($meta->{updated_at}, 'gt', '2020', 'updated_at moves');
        $env->wipe();
    });

    check('S-45 PUT adds data to a reserved image' => sub {
        my $id = $env->create({ name => 'reserved', 'property-a' => '1' });
        my $data = noise(700_000);
        my $r = $env->put($id, { 'property-b' => '2', type => 'machine' },
                          body => $data);

        status_is($r, 200);
        is($r->meta()->{status}, 'active', 'active');
        is($r->meta()->{size}, 700_000, 'size');
        is($r->meta()->{type}, 'machine', 'metadata change in the same call');
        is_deeply($r->json()->{image}{properties}, { a => 1, b => 2 },
                  'properties');
        has_header($r, 'ETag', qr/\Q@{[ md5_of($data) ]}\E/);

        $r = $env->request('GET', "/images/$id");
        is(md5_of($r->{body}), md5_of($data), 'the same bytes');
        is_deeply([ $env->files() ], [ $id ], 'one file');
        $env->wipe();
    });

    check('S-45 chunked, and with the status of the era' => sub {
        my $id = $env->create({});
        my $r = $env->put($id, { status => 'queued', size => 1000 },
                          body => noise(1000), chunked => 1);

        status_is($r, 200);
        is($env->status_of($id), 'active', 'active');
        $env->wipe();
    });

    check('S-45 409 when the image already has data' => sub {
        my $id = $env->create({ name => 'first' }, body => 'data');

        refused($env, 409, 'second data', 'PUT', "/images/$id",
                meta => { name => 'second' }, body => 'other data',
                words => qr/Cannot upload to an unqueued image/);
        refused($env, 409, 'second data, chunked', 'PUT', "/images/$id",
                meta => { name => 'second' }, body => 'other data',
                chunked => 1);
        refused($env, 409, 'second large data', 'PUT', "/images/$id",
                meta => { name => 'second' }, body => noise(3_000_000));

        my $r = $env->request('GET', "/images/$id");
        is($r->{body}, 'data', 'the data are unharmed');
        is($r->meta()->{name}, 'first', 'nothing changed');
        is_deeply([ $env->files() ], [ $id ], 'one file');
        $env->wipe();
    });

    check('S-45 an announced size is kept to' => sub {
        my $id = $env->create({ size => 10 });

        refused($env, 400, 'reserved with size 10, 4 bytes', 'PUT',
                "/images/$id", meta => {}, body => 'data');
        $env->nothing_left('refused early, it stays queued', $id);
        is_deeply([ $env->files() ], [], 'no file');
        $env->wipe();

        $id = $env->create({ size => 4 });
        status_is($env->put($id, {}, body => 'data'), 200, 'right size');
        $env->wipe();

        for my $size (0, 3, 5) {
            for my $chunked (0, 1) {
                $id = $env->create({});
                refused($env, 400, "size $size, chunked $chunked", 'PUT',
                        "/images/$id", meta => { size => $size },
                        body => 'data', chunked => $chunked);
                $env->nothing_left('nothing of it', $id);
                like($env->status_of($id), qr/^(?:queued|killed)$/,
                     'queued or killed');
                is_deeply([ $env->files() ], [], 'no file');
                $env->wipe();
            }
        }
    });

    check('an image with data keeps their checksum' => sub {
        my $id = $env->create({}, body => 'data');
        my $md5 = md5_of('data');

        for my $other ('f' x 32, uc 'f' x 32, substr($md5, 1)) {
            refused($env, 400, "checksum $other", 'PUT', "/images/$id",
                    meta => { checksum => $other },
                    words => qr/x-image-meta-checksum/);
        }

        for my $same ($md5, uc $md5, '') {
            my $r = $env->put($id, { checksum => $same });

            status_is($r, 200, "checksum $same");
            is($r->meta()->{checksum}, $md5, 'it is what it was');
        }

        my $r = $env->request('GET', "/images/$id");
        has_header($r, 'ETag', qr/\Q$md5\E/, 'that of the data');
        $env->wipe();
    });

    check('S-45 what PUT refuses' => sub {
        my $id = $env->create({ name => 'stays' });
        my $before = $env->request('HEAD', "/images/$id")->meta();
        my @cases = (
            [ 404, 'unknown id', $unknown, {}, {} ],
            [ 404, 'unknown integer', '12345', {}, {} ],
            [ 404, 'unknown id, data', $unknown, {}, { body => 'data' } ],
            [ 404, 'no id at all', 'nope', {}, {} ],
            [ 404, 'no id at all, data', 'nope', {}, { body => 'data' } ],
            [ 400, 'bad type', $id, { type => 'iso' }, {} ],
            [ 400, 'bad type, data', $id, { type => 'x' },
              { body => 'data' } ],
            [ 400, 'bad size', $id, { size => 'x' }, {} ],
            [ 400, 'negative size', $id, { size => '-4' },
              { body => 'data' } ],
            [ 400, 'long name', $id, { name => 'n' x 256 }, {} ],
            [ 400, 'unknown store', $id, { store => $env->absent_store() },
              { body => 'data' } ],
            [ 400, 'content type', $id, {},
              { body => 'data', headers => [ 'Content-Type', 'a/b' ] } ],
        );

        for my $case (@cases) {
            my ($status, $title, $name, $meta, $options) = @$case;

            refused($env, $status, $title, 'PUT', "/images/$name",
                    meta => { name => undef, type => undef, %$meta },
                    %$options);

            next if $env->status_of($id) eq 'queued';

            fail("$title: the image is still queued");
            $env->wipe();
            $id = $env->create({ name => 'stays' });
        }

        my $now = $env->request('HEAD', "/images/$id")->meta();
        is($now->{$_}, $before->{$_}, "unchanged $_")
            for qw/ name type size status store /;
        is_deeply([ $env->files() ], [], 'no file');
        status_is($env->put($id, {}, body => 'data'), 200,
                  'the upload that is right works after all');
        $env->wipe();
    });

    check('S-45 of two uploads to one image one wins' => sub {
        my $id = $env->create({});
        my @c = map { $env->connect() } 0, 1;
        my @data = map { noise(400_000, "client $_") } 0, 1;

        # both have begun before one of them ends
        for my $i (0, 1) {
            $c[$i]->send($c[$i]->head('PUT', "/images/$id",
                headers => [ 'Content-Type' => 'application/octet-stream' ],
                length => 400_000) . substr($data[$i], 0, 200_000));
        }

        $c[$_]->send(substr($data[$_], 200_000)) for 0, 1;
        my @r = map { $_->read_response('PUT') } @c;

        is_deeply([ sort map { $_->{status} } @r ], [ 200, 409 ],
                  'one 200, one 409');

        my ($winner) = grep { $r[$_]{status} == 200 } 0, 1;
        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data[$winner]), 'the data are those of the winner');
        is_deeply([ $env->files() ], [ $id ], 'one file');
        $env->wipe();
    });

    check('DELETE removes data and record' => sub {
        my $id = $env->create({}, body => 'data');
        my $queued = $env->create({ name => 'queued' });
        my $killed = $env->create({ name => 'killed' });

        $env->{database}->query("UPDATE images SET status = 'killed'"
                                . " WHERE id = '$killed'");

        for my $case ([ 'active', $id ], [ 'queued', $queued ],
                      [ 'killed', $killed ])
        {
            my ($title, $name) = @$case;
            my $c = $env->connect();
            my $r = $c->request('DELETE', "/images/$name");

            status_is($r, 200, "$title: 200");
            is($r->{body}, '', "$title: empty body");
            request_id_ok($r);

            for my $method (qw/ GET HEAD DELETE PUT /) {
                $r = $c->request($method, "/images/$name");
                status_is($r, 404, "$title: $method after it");
            }
        }

        is_deeply([ $env->rows('deleted = 0') ], [], 'no live row');
        $env->nothing_left('no file');
        is(scalar $env->rows('deleted = 1'), 3, 'soft-deleted rows');
        is_deeply($env->request('GET', '/images')->json(), { images => [] },
                  'not listed');

        for my $name ($unknown, '77', 'nope') {
            refused($env, 404, "DELETE of $name", 'DELETE',
                    "/images/$name", words => qr/\Q$name\E not found/);
        }
        $env->wipe();
    });

    check('DELETE during a download does not harm it' => sub {
        my $data = noise(6_000_000);
        my $id = $env->create({}, body => $data);
        my $c = $env->connect(rcvbuf => 4096);

        $c->send($c->head('GET', "/images/$id"));
        ok($c->readable(60), 'the download has begun');

        status_is($env->request('DELETE', "/images/$id"), 200);

        my $r = $c->read_response('GET');
        status_is($r, 200);
        is(md5_of($r->{body}), md5_of($data), 'all bytes, the right ones');
        $env->nothing_left();
        $env->wipe();
    });

    check('DELETE during an upload' => sub {
        my $id = $env->create({});
        my $c = $env->connect();

        $c->send($c->head('PUT', "/images/$id", length => 400_000,
            headers => [ 'Content-Type' => 'application/octet-stream' ])
            . noise(200_000));
        ok(wait_until(sub { $env->status_of($id) eq 'saving' }), 'saving');

        status_is($env->request('DELETE', "/images/$id"), 200);
        $c->send(noise(200_000));

        my $r = $c->read_response('PUT');
        like($r->{status}, qr/^4(?:04|09|10|12)$/, 'the upload is told')
            or diag($r->summary());
        $env->nothing_left();
        status_is($env->request('GET', "/images/$id"), 404, 'gone');
        $env->wipe();
    });
});


done_testing();
