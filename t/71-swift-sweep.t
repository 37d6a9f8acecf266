#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What an upload to Swift leaves whose server is killed, and data that could
# not be removed at once: gone after one sweep, and nothing else with them.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();
my $run = temp_dir();
my %small = (
    glance_swift_large_object_size => '2m',
    glance_swift_large_object_chunk_size => '1m',
);
my $directives = $swift->directives(%small);

mkdir("$run/worker");


sub trace {
    my ($env) = @_;

    return map { $_->[0] } $env->{database}->query(
        "SELECT url FROM ngx_glance_removals WHERE url LIKE '%#%'");
}


# an upload that has come so far that two segments are there

sub begin {
    my ($env, $data) = @_;

    my $c = $env->connect();
    my %o = $env->with_meta({ name => 'victim', type => 'raw' },
                            length => length $data);
    my %known = map { $_->[0] => 1 } $env->rows();
    my $others = $swift->objects();

    $c->send($c->head('POST', '/images', %o) . substr($data, 0, 3 * $MiB));

    ok(wait_until(sub { $swift->objects() >= $others + 2 }),
       'segments are there');
    is(scalar(my @t = trace($env)), 1, 'and a note of them');

    return ($c, grep { !$known{$_} } map { $_->[0] } $env->rows());
}


sub swept {
    my ($env, $title, $id) = @_;

    ok(wait_until(sub { $env->status_of($id) =~ /^(?:queued|killed)$/ }),
       "$title: the image is " . $env->status_of($id));

    my ($status, $text) = $env->worker()->once();

    is($status, 0, "$title: glance-worker --once") or diag($text);
    is_deeply([ trace($env) ], [], "$title: nothing is noted any more");
    is_deeply([ $env->claims() ], [], "$title: no claim is left");
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $data = noise(5 * $MiB);

    $nginx->allow(qr/exited on signal 9/);

    check('S-05 S-44 a worker is killed in the middle of an upload' => sub {
        my $bystander = $env->create({}, body => $data);
        my @before = $swift->objects();
        my ($c, $id) = begin($env, $data);

        my ($status) = $env->worker()->once();

        is($status, 0, 'a sweep meanwhile');
        is(scalar(my @t = trace($env)), 1, 'leaves an upload alone that lives');
        send_signal('KILL', $nginx->workers());
        ok($c->closed_by_peer(), 'the client notices');

        swept($env, 'worker', $id);
        is_deeply([ $swift->objects() ], \@before,
                  'what was left is gone, nothing else');
        is(md5_of($env->request('GET', "/images/$bystander")->{body}),
           md5_of($data), 'the other image');
        $env->request('DELETE', "/images/$_") for $id, $bystander;
        is_deeply([ $swift->objects() ], [], 'no object');
    });

    check('S-05 an upload that has ended has no trace' => sub {
        my $id = $env->create({}, body => $data);

        is_deeply([ trace($env) ], [], 'none');

        # as if the server had died right after the record was written
        my ($claim) = (grep { /-00001$/ } $swift->objects())[0]
                      =~ /^\Q$id\E-(.{36})-/;
        my ($row) = $env->{database}->query("SELECT value FROM image_locations
                                             WHERE image_id = '$id'");
        $env->{database}->query("INSERT INTO ngx_glance_removals (image_id,
            url, tries, next_try, created_at)
            VALUES ('$id', '$row->[0]#$claim', 0, 0, 0)");

        my ($status, $text) = $env->worker()->once();
        is($status, 0, 'glance-worker --once') or diag($text);
        is_deeply([ trace($env) ], [], 'forgotten');
        is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
           'the data are untouched');

        # the same place, another upload: its segments, and no more
        my $other = '00000000-0000-4000-8000-00000000000a';
        $swift->request('PUT', "glance/$id-$other-00001", body => 'left');
        $env->{database}->query("INSERT INTO ngx_glance_removals (image_id,
            url, tries, next_try, created_at)
            VALUES ('$id', '$row->[0]#$other', 0, 0, 0)");
        $env->worker()->once();
        is_deeply([ grep { /$other/ } $swift->objects() ], [],
                  'what another left is gone');
        is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
           'the data are untouched');
        $env->request('DELETE', "/images/$id");
    });

    check('S-05 an object that was left with the name of the image' => sub {
        my $id = $env->create({ name => 'later' });

        $swift->request('PUT', "glance/$id", body => 'of a dead upload',
            headers => [ 'X-Object-Meta-Glance-Claim' => 'x' ]);

        status_is($env->put($id, {}, body => $data), 200, 'an upload beside');
        is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
           'its data');
        is($swift->request('GET', "glance/$id")->{body}, 'of a dead upload',
           'the other is left alone');
        status_is($env->request('DELETE', "/images/$id"), 200);
        is_deeply([ $swift->objects() ], [ $id ], 'also then');
        $swift->request('DELETE', "glance/$id");
    });

    check('S-05 S-44 Swift does not remove' => sub {
        my $id = $env->create({}, body => $data);

        $swift->stop();
        status_is($env->request('DELETE', "/images/$id"), 200,
                  'the image is deleted');
        is(scalar($env->{database}->query(
               'SELECT id FROM ngx_glance_removals')), 1, 'its data wait');
        $env->{database}->query('UPDATE ngx_glance_removals SET next_try = 1');
        $env->worker()->once();

        my ($row) = $env->{database}->query(
            'SELECT tries, last_error FROM ngx_glance_removals');
        is($row->[0], 1, 'a try');
        like($row->[1], qr/503/, 'says why not');

        $swift->start();
        $env->{database}->query('UPDATE ngx_glance_removals SET next_try = 1');
        my ($status, $text) = $env->worker()->once();
        is($status, 0, 'once more') or diag($text);
        is_deeply([ $swift->objects() ], [], 'gone');
        is(scalar($env->{database}->query(
               'SELECT id FROM ngx_glance_removals')), 0, 'and forgotten');
    });
},
    registry => { upload_lease => 2, sweep_interval => 1 },
    worker_options => { run_dir => $run },
    nginx => {
        directives => $directives, lease => '3s',
        http => <<"CONF",
server {
    listen unix:$run/worker/api.sock;

    location / {
        glance_removals;
        glance_registry /_glance_registry;
        glance_file_root /nowhere;
        $directives
    }
}
CONF
    });


$swift->stop();
done_testing();
