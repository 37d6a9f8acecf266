#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A registry does what it was asked for, and dies before it says so.  nginx
# asks another one: what was done once counts once, and clients see success.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    my $data = noise(300_000);
    my $mock = Glance::Lossy->new($env->{registry}{port});

    $mock->start();

    # the first one asked, each time
    $env->{nginx}->reload(upstream_options => 'backup',
        upstream_first => "server 127.0.0.1:$mock->{port} max_fails=0;");

    check('API v2' => sub {
        my $id = $env->v2_create({ name => 'once', tags => ['a', 'b'] });

        is(scalar($env->rows("name = 'once'")), 1, 'one image is created');

        my $r = $env->v2('GET', "/$id");
        status_is($r, 200, 'shown');
        is_deeply($r->json()->{tags}, ['a', 'b'], 'with its tags');

        status_is($env->v2_upload($id, body => $data), 204, 'uploaded');
        is($env->status_of($id), 'active', 'active');
        ok($env->v2('GET', "/$id/file")->{body} eq $data, 'the data');

        error_ok($env->v2_upload($id, body => $data), 409, 'not twice');

        status_is($env->v2('DELETE', "/$id"), 204, 'deleted');
        $env->consistent();
    });

    check('S-44 S-45 the other APIs' => sub {
        my $id = $env->create({ name => 'first' }, body => $data);

        is(scalar($env->rows("name = 'first'")), 1, 'one image is created');
        ok($env->request('GET', "/images/$id")->{body} eq $data, 'the data');

        $id = $env->create({ name => 'second' });

        my $r = $env->put($id, {}, body => $data);
        status_is($r, 200, 'data of a reserved image');
        is($env->status_of($id), 'active', 'active');
        ok($env->request('GET', "/images/$id")->{body} eq $data, 'the data');
        error_ok($env->put($id, {}, body => $data), 409, 'not twice');
        status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');
        $env->consistent();
    });

    cmp_ok(scalar($env->{nginx}->log_lines('upstream prematurely closed')),
           '>', 20, 'so many answers were lost');

    $mock->stop();
});


done_testing();


package Glance::Lossy;

use parent -norequire, 'Glance::Program';


sub new {
    my ($class, $registry) = @_;

    my $dir = Glance::Process::temp_dir();

    return bless { name => 'lossy', dir => $dir, output => "$dir/output.log",
                   port => Glance::Process::free_port(),
                   registry => $registry, forbidden => qr/ at \S+ line/ },
                 $class;
}


sub start {
    my ($p) = @_;

    return $p->launch([ $^X, "$FindBin::Bin/mock/lossy.pl", $p->{port},
                        $p->{registry} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port})->close(); 1 };
}
