#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What goes wrong in API v1, and what becomes of the image (specs/v1.md 2.7
# to 2.10 and 2.13 to 2.15).

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my %raw = (disk_format => 'raw', container_format => 'bare');
my $cap = 1_500_000;


# what the only image is, when nothing moves any more

sub becomes {
    my ($env, $status, $title, @ids) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $env->nothing_left("$title: nothing is left", @ids);

    my %known = map { $_ => 1 } @ids;
    my @found = map { $_->[1] } grep { !$known{$_->[0]} } $env->rows();

    is_deeply(\@found, [ $status ], "$title: $status");
    $env->{database}->query("DELETE FROM images WHERE status = 'killed'");
}


# the beginning of a request of length 100, and some of its body

sub begin {
    my ($env, $method, $path, $meta, $data, %o) = @_;

    my $c = $env->connect();
    my $head = $c->head($method, "/v1/images$path", $env->with_meta(
        { name => undef, type => undef, %$meta }, length => 100, %o));

    $c->send($head . $data);

    return $c;
}


sub saving {
    my ($env, $id) = @_;

    return wait_until(sub { $env->status_of($id) eq 'saving' });
}


for_each_database(sub {
    my ($env) = @_;

    check('uploads that the client spoils' => sub {
        my $c = begin($env, 'POST', '', { %raw, name => 'left' }, 'x' x 50);

        ok(wait_until(sub { $env->rows("status = 'saving'") }), 'it began');
        $c->close();
        ok(wait_until(sub { $env->rows("status = 'killed'") }), 'it ended');
        becomes($env, 'killed', 'the client leaves');

        denied($env->v1('POST', '', { %raw }, body => 'x' x ($cap + 1)), 400,
               'exceeds the limit', 'more than the cap, announced');
        $env->is_empty();

        denied($env->v1('POST', '', { %raw }, body => 'x' x ($cap + 1),
                        chunked => 1), 413, 'exceed the limit',
               'more than the cap, in chunks');
        becomes($env, 'killed', 'too large');

        my $id = $env->v1_create({ %raw, checksum => 'f' x 32, size => 4 });

        denied($env->v1('PUT', "/$id", {}, body => 'data'), 400, 'checksum',
               'not what was said when it was reserved');
        becomes($env, 'killed', 'another checksum');

        $id = $env->v1_create({ %raw });
        denied($env->v1('PUT', "/$id", {}, body => 'data', headers =>
                        [ 'Content-Type' => 'text/plain' ]), 400,
               'Content-Type must be application/octet-stream', 'a PUT');
        is($env->status_of($id), 'killed', 'it is killed');
        denied($env->v1('PUT', "/$id", {}, body => 'data', headers =>
                        [ 'Content-Type' => 'text/plain' ]), 409,
               'Cannot upload to an unqueued image', 'no other chance');
        $env->wipe();
    });

    check('an image that is deleted while its data come' => sub {
        my $id = $env->v1_create({ %raw, name => 'gone' });
        my $c = begin($env, 'PUT', "/$id", {}, 'x' x 50);

        ok(saving($env, $id), 'they come');
        status_is($env->v1('DELETE', "/$id"), 200, 'DELETE');
        $c->send('x' x 50);
        error_ok($c->read_response('PUT'), 412, 'the upload');
        is($env->status_of($id), 'deleted', 'it stays deleted');
        $env->nothing_left();
        $env->wipe();
    });

    check('two uploads of one image' => sub {
        my $id = $env->v1_create({ %raw, name => 'both' });
        my $c = begin($env, 'PUT', "/$id", {}, 'x' x 50);

        ok(saving($env, $id), 'the first');
        denied($env->v1('PUT', "/$id", {}, body => 'other'), 409,
               'Cannot upload to an unqueued image', 'the second');
        status_is($env->v1('PUT', "/$id", { min_ram => 1 }), 200,
                  'metadata may change');
        $c->send('x' x 50);
        status_is($c->read_response('PUT'), 200, 'the first');
        is($env->v1('GET', "/$id")->{body}, 'x' x 100, 'it has won');
        is($env->v1('HEAD', "/$id")->meta()->{min_ram}, 1,
           'and the other\'s metadata');
        $env->wipe();
    });

    check('quotas' => sub {
        my %many = map { ("property-p$_" => 1) } 1 .. 129;
        my $id = $env->v1_create({ name => 'n' });

        denied($env->v1('POST', '', \%many), 413, 'properties', 'POST');
        denied($env->v1('PUT', "/$id", \%many), 413, 'properties', 'PUT');
        is(scalar(() = $env->rows()), 1, 'nothing was registered');

        delete $many{'property-p129'};
        status_is($env->v1('PUT', "/$id", \%many), 200, '128 properties');
        denied($env->v1('PUT', "/$id", { 'property-q' => 1 }, headers =>
                        [ 'x-glance-registry-purge-props' => 'false' ]), 413,
               'properties', 'one more');
        status_is($env->v1('PUT', "/$id", { 'property-q' => 1 }), 200,
                  'in place of the others');
        $env->wipe();
    });

    check('the states of an image' => sub {
        my %to = (killed => 'deleted', queued => 'deleted',
                  deactivated => 'deleted', active => 'deleted');

        for my $status (sort keys %to) {
            my $id = $env->v1_create({ %raw },
                $status =~ /^(?:active|deactivated)$/ ? (body => 'data')
                                                      : ());

            $env->{database}->query("UPDATE images SET status = '$status'"
                                    . " WHERE id = '$id'");
            denied($env->v1('PUT', "/$id", {}, body => 'other'), 409,
                   'Cannot upload to an unqueued image', "$status: data")
                if $status ne 'queued';
            denied($env->v1('PUT', "/$id", { status => 'saving' }), 403,
                   'x-image-meta-status', "$status: another status");
            status_is($env->v1('PUT', "/$id", { status => $status }), 200,
                      "$status: the same");
            status_is($env->v1('DELETE', "/$id"), 200, "$status: DELETE");
            is($env->status_of($id), $to{$status}, $to{$status});
        }

        $env->nothing_left();
        $env->wipe();
    });

    check('data that are gone from the store' => sub {
        my $id = $env->v1_create({ %raw }, body => 'data');

        $env->remove_data($id);
        error_ok($env->v1('GET', "/$id"), 404, 'GET');
        status_is($env->v1('HEAD', "/$id"), 200, 'HEAD');
        status_is($env->v1('DELETE', "/$id"), 200, 'DELETE');
        $env->wipe();
    });

    check('the forms of an error' => sub {
        my $get = sub {
            return $env->v1('POST', '', { disk_format => '<b>"&' },
                            headers => [ $_[0] ? (Accept => $_[0]) : () ]);
        };
        my $detail = q{Invalid disk format '<b>"&' for image.};

        for my $accept (undef, 'image/png') {
            like($get->($accept)->{body},
                 qr/^400\ Bad\ Request\s*\n\n\S[^\n]*\n\n\ *\Q$detail\E\s*$/x,
                 'plain text');
        }

        for my $accept ('*/*', 'text/html') {
            my $body = $get->($accept)->{body};

            like($body, qr!<title>400 Bad Request</title>!, 'title');
            like($body, qr!<h1>400 Bad Request</h1>!, 'heading');
            like($body, qr!disk format '?.*&lt;b&gt;(?:"|&quot;)&amp;!,
                 'escaped');
            unlike($body, qr/<b>/, 'nothing of the request\'s own');
        }

        my $json = $get->('application/json')->json();

        is($json->{code}, '400 Bad Request', 'JSON: code');
        is($json->{title}, 'Bad Request', 'title');
        like($json->{message}, qr/\Q$detail\E/, 'message');
        $env->is_empty();
    });

    check('words that tools look for' => sub {
        my $gone = '00000000-0000-4000-8000-000000000000';
        my $queued = $env->v1_create({});
        my $id = $env->v1_create({ %raw, protected => 1 }, body => 'data');

        for my $case (
            [ 404, "Image with identifier $gone not found", GET => "/$gone" ],
            [ 404, "Image $queued is not active", GET => "/$queued" ],
            [ 403, 'Image is protected', DELETE => "/$id" ],
            [ 409, "An image with identifier $id already exists", POST => '',
              { id => $id } ],
            [ 409, 'Cannot upload to an unqueued image', PUT => "/$id", {},
              body => 'x' ],
            [ 400, 'Content-Type must be application/octet-stream', POST => '',
              { %raw }, body => 'x', headers => [ 'Content-Type' => 'a/b' ] ],
            [ 400, "Invalid disk format 'exe' for image.", POST => '',
              { disk_format => 'exe' } ])
        {
            my ($status, $words, $method, $path, $meta, @o) = @$case;

            denied($env->v1($method, $path, $meta, headers =>
                            [ Accept => 'text/plain' ], @o),
                   $status, $words, "$method: $words");
        }

        $env->wipe();
    });

    check('no registry' => sub {
        my $id = $env->v1_create({ %raw }, body => 'data');

        $env->{registry}->stop();

        for my $case ([ GET => '' ], [ GET => '/detail' ], [ GET => "/$id" ],
                      [ HEAD => "/$id" ], [ DELETE => "/$id" ],
                      [ GET => "/$id/members" ],
                      [ PUT => "/$id", { name => 'n' } ],
                      [ POST => '', { name => 'n' } ],
                      [ POST => '', { %raw }, body => 'data' ])
        {
            my ($method, $path, $meta, @body) = @$case;

            error_ok($env->v1($method, $path, $meta, @body), 503,
                     "$method $path");
        }

        $env->{registry}->start();
        is($env->v1('GET', "/$id")->{body}, 'data', 'it is back');
        $env->consistent();
        $env->wipe();
    });
}, nginx => { directives => "glance_image_size_cap $cap;" });


for_each_database(sub {
    my ($env) = @_;

    check('a store that has no room, and others' => sub {
        my $disk = $env->default_store() eq 'file' ? slow_disk($env->{store})
                                                  : undef;
        plan(skip_all => 'no C compiler, or no file store') if !$disk;

        $env->{nginx}->stop();
        $env->{nginx}->start(env => $disk->env());

        # ENOSPC 28, EDQUOT 122, EACCES 13, EROFS 30
        for my $case ([ 'write', 28, 413 ], [ 'write', 122, 413 ],
                      [ 'create', 28, 413 ], [ 'create', 13, 503 ],
                      [ 'create', 30, 503 ])
        {
            my ($call, $error, $status) = @$case;

            $disk->rule($call => $error);
            error_ok($env->v1('POST', '', { %raw }, body => 'x' x 100_000),
                     $status, "$call fails with $error");
            $disk->rule();
            becomes($env, 'killed', "$call $error");
        }
    });

    check('a store that takes nothing' => sub {
        error_ok($env->v1('POST', '', { %raw, store => 'http' },
                          body => 'data'), 410, 'data for HTTP');
        error_ok($env->v1('POST', '', { %raw, store => 'attic' },
                          body => 'data'), 400, 'no such store',
                 qr/x-image-meta-store/);
        $env->nothing_left();
        $env->wipe();
    });

    check('the quota of storage' => sub {
        my %mine = (%raw, owner => 'somebody');
        my $id = $env->v1_create({ %mine }, body => 'x' x 6000);

        error_ok($env->v1('POST', '', { %mine }, body => 'x' x 5000), 413,
                 'more than there is');
        error_ok($env->v1('POST', '', { %mine }, body => 'x' x 5000,
                          chunked => 1), 413, 'the same in chunks');
        $env->nothing_left('no data', $id);
        status_is($env->v1('DELETE', "/$id"), 200, 'DELETE');
        status_is($env->v1('POST', '', { %mine }, body => 'x' x 5000), 201,
                  'makes room');
        $env->wipe();
    });
}, registry => { user_storage_quota => 10000 },
   nginx => { directives => 'glance_http_store on;' });


# delayed delete; t/21-seed-delayed.t has the rest of it

for_each_database(sub {
    my ($env) = @_;

    check('DELETE with delay' => sub {
        my $id = $env->v1_create({ %raw, is_public => 1, 'property-a' => 1 },
                                 body => 'data');
        my $r = $env->v1('DELETE', "/$id");

        status_is($r, 200);
        is($r->{body}, '', 'empty');
        is($env->status_of($id), 'pending_delete', 'it waits');
        is(($env->digest($id))[0], 4, 'so do its data');

        unlike($env->v1('GET', $_)->{body}, qr/$id/, "\"$_\": not listed")
            for '', '/detail', '/detail?is_public=none';
        like($env->v1('GET', '/detail?changes-since=2012-01-01T00:00:00')
                 ->{body}, qr/"pending_delete"/, 'but it changed');

        $r = $env->v1('HEAD', "/$id");
        status_is($r, 200, 'administrators see it');
        is($r->meta()->{status}, 'pending_delete', 'status');
        is($r->meta()->{deleted}, 'True', 'deleted');

        error_ok($env->v1('GET', "/$id"), 404, 'no data');
        error_ok($env->v1('PUT', "/$id", { name => 'n' }), 403, 'PUT');
        error_ok($env->v1('DELETE', "/$id"), 403, 'DELETE again');
        error_ok($env->v1('POST', '', { id => $id }), 409, 'the id is taken',
                 qr/already exists/);

        $id = $env->v1_create({ name => 'n' });
        status_is($env->v1('DELETE', "/$id"), 200, 'without data');
        is($env->status_of($id), 'deleted', 'at once');
        $env->wipe();
    });
}, nginx => { directives => 'glance_delayed_delete on;' });


done_testing();
