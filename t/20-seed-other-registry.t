#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Another registry in the place of ours: all it has to know is the Registry
# API.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $port = free_port();
my $store = store_dir();
my $log = temp_dir() . '/registry.log';
my $pid = spawn(name => 'another registry', log => $log,
                argv => [ $^X, "$FindBin::Bin/mock/registry.pl", $port ]);

ok(wait_until(sub { eval { Glance::HTTP->new(port => $port) } }),
   'another registry serves') or BAIL_OUT(read_file($log));

my $nginx = Glance::Nginx->new(store => $store,
    registries => [ "127.0.0.1:$port" ],
    directives => "glance_registry_claims off;\nglance_commit_timeout 3s;\n");
$nginx->start();

# of Glance::Env, only what needs no database
my $env = bless { nginx => $nginx, store => $store }, 'Glance::Env';


check('S-03 an image by another registry' => sub {
    my $data = noise(500_000);
    my $r = $env->post({ name => 'n', type => 'kernel', is_public => 1,
                         'property-k' => 'v' }, body => $data);

    status_is($r, 201);

    my $id = $r->json()->{image}{id};
    ok($id, 'id');

    my $meta = $env->request('HEAD', "/images/$id")->meta();
    my %expected = (name => 'n', type => 'kernel', size => 500_000,
                    status => 'active', checksum => md5_of($data),
                    'property-k' => 'v',
                    store => $env->default_store());

    is($meta->{$_}, $expected{$_}, $_) for sort keys %expected;
    is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
       'the data');
    is_deeply([ $env->files() ], [ $id ], 'one file');

    $r = $env->put($id, { name => 'm', 'property-l' => 'w' });
    status_is($r, 200);
    is_deeply($r->json()->{image}{properties}, { k => 'v', l => 'w' },
              'properties are merged');

    my ($found) = @{$env->request('GET', '/images')->json()->{images}};
    is($found->{name}, 'm', 'listed');

    refused($env, 409, 'more data', 'PUT', "/images/$id", meta => {},
            body => 'x');
    refused($env, 409, 'the same id', 'POST', '/images',
            meta => { id => $id }, body => 'x');

    status_is($env->request('DELETE', "/images/$id"), 200);
    status_is($env->request('GET', "/images/$id"), 404);
    ok(wait_until(sub { !$env->files() }), 'no file');
});


check('S-03 a reservation by another registry' => sub {
    my $id = $env->create({ name => 'reserved' });

    status_is($env->put($id, {}, body => 'data'), 200);
    is($env->request('GET', "/images/$id")->{body}, 'data', 'the data');
    status_is($env->request('DELETE', "/images/$id"), 200);
});


check('S-03 failures are recorded there, too' => sub {
    refused($env, 400, 'size', 'POST', '/images', meta => { size => 3 },
            body => 'data', chunked => 1);

    my $c = $env->connect();
    $c->send($c->head('POST', '/images', $env->with_meta({},
             length => 1000)) . 'x');
    $c->close();

    ok(wait_until(sub { !$env->files() }), 'no file');
    unlike(read_file($log), qr/ 500$/m, 'requests are understood');
});


check('a commit that it neither does nor explains' => sub {
    refused($env, 503, 'registry', 'POST', '/images',
            meta => { name => 'stuck' }, body => 'data');

    my @files = $env->files();

    ok(@files > 0, 'the data stay');
    is(scalar($nginx->log_lines('outcome of committing')), 1,
       'which the log says');
    unlink(map { "$store/$_" } @files);
});


check('S-03 a registry of 2011 numbers its images' => sub {
    my $r = $env->post({ id => 7, name => 'seventh' }, body => 'seven');

    status_is($r, 201);
    has_header($r, 'Location', qr!/images/7$!);
    is($r->json()->{image}{id}, '7', 'its number');
    is($env->request('GET', '/images/7')->{body}, 'seven', 'the data');
    is($env->request('HEAD', '/images/7')->meta()->{id}, '7', 'in a header');
    status_is($env->put(7, { name => 'other' }), 200);
    status_is($env->request('DELETE', '/images/7'), 200);
});


check('a commit that it did, and then garbles the record' => sub {
    my $id = $env->create({ name => 'muddled' }, body => 'data');

    is($env->request('GET', "/images/$id")->{body}, 'data', 'the data stay');
    is(scalar($nginx->log_lines('no image record')), 1, 'which the log says');
    status_is($env->request('DELETE', "/images/$id"), 200);
});


check('S-40 its pages are put together' => sub {
    $env->create({ name => "n$_", is_public => 1 }) for 1 .. 120;

    my $r = $env->request('GET', '/images');
    is_deeply([ map { $_->{name} } @{$r->json()->{images}} ],
              [ map { "n$_" } reverse 1 .. 120 ], 'all, newest first');

    for my $path ('/v1/images', '/v1/images/detail') {
        $r = $env->request('GET', "$path?limit=3");
        status_is($r, 200, $path);

        my @images = @{$r->json()->{images}};

        is_deeply([ map { $_->{name} } @images ], [ qw/ n120 n119 n118 / ],
                  'a page of API v1');
        is($images[0]{size}, 0, 'size');
        is($images[0]{checksum}, undef, 'no checksum');
        is($images[0]{status}, $path =~ /detail/ ? 'queued' : undef, 'status');
    }
});


$nginx->stop(signal => 'QUIT');
is(join("\n", $nginx->complaints()), '', 'no alerts');
stop_process($pid);

done_testing();
