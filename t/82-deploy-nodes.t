#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Two nodes with all programs behind haproxy, on one database and one file
# system, with the files of README: a node may die, or be taken out of service,
# at any time.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw/ sleep /;

use Glance::Test;

for my $missing (Glance::Haproxy::missing(), Glance::Database::missing('mysql'))
{
    plan(skip_all => $missing) if $missing;
}

my $guide = 'Several nodes behind a load balancer';
my $database = Glance::Database->new('mysql');
my $dir = temp_dir();
my $data = noise(3_000_000);

my $env = bless { kind => 'mysql', database => $database,
                  store => store_dir() }, 'Glance::Env';

my @nodes = map { Glance::Deploy->new(
    name => "node$_",
    registry => readme_block($guide, 'ini', 0),
    api => readme_block($guide, 'ini', 1),
) } 1, 2;

for my $node (@nodes) {
    $node->configure(
        registry => {
            sql_connection => $database->{connection},
            registry_secret => 's3cret', upload_lease => 5,
            sweep_interval => 1, sql_retry_interval => 0,
        },
        api => {
            registry_hosts => join(', ', map { "127.0.0.1:$_->{registry_port}" }
                                   @nodes),
            registry_secret => 's3cret', upload_lease => 5,
            sweep_interval => 1, node_name => $node->{name},
            filesystem_store_datadir => "$env->{store}/",
        });
}

my $haproxy = Glance::Haproxy->new(
    text => readme_block($guide, 'haproxy') =~ s/inter 2s/inter 200ms/r,
    nodes => { '192.0.2.11:9292' => $nodes[0]{port},
               '192.0.2.12:9292' => $nodes[1]{port} });


sub request {
    my ($method, $path, %o) = @_;

    return $haproxy->connect()->request($method, $path, %o);
}


sub state_is {
    my ($name, $status, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $server;

    ok(wait_until(sub {
        $server = $haproxy->server($name);
        return $server->{status} =~ /^$status\b/;
    }, 60), $title || "$name is $status") or diag($server->{status});
}


# Clients that go on until told to stop.  A reader's requests can all be made
# again by haproxy.  A writer knows that a request may get lost with the node
# that has it, and finds out what became of it: { done, failed, lost }.

sub start_clients {
    my ($stop, $kind, @ids) = @_;

    return map {
        my $number = $_;

        in_background(sub {
            my ($done, $n, @failed, @lost) = (0, 0);

            my $try = sub {
                my ($expected, $method, $path, %o) = @_;

                my $r = request($method, $path, %o);

                $done++;
                return $r if $r->{status} =~ /^(?:$expected)$/;

                # of a connection that was used before, haproxy passes on
                # nothing but its end
                push @{$r->{status} =~ /^(?:0|50[234])$/
                       && $method !~ /GET|HEAD/ ? \@lost : \@failed},
                     "$method $path: " . $r->summary();
                return $r;
            };

            while (!-e $stop) {
                if ($kind eq 'reader') {
                    my $id = $ids[$n++ % @ids];

                    $try->(200, 'HEAD', "/images/$id");
                    $try->(200, 'GET', "/v1/images/detail");
                    $try->(200, 'GET', '/images');
                    next;
                }

                my $id = sprintf('000000%02d-0000-4000-8000-%012d', $number,
                                 $n++);
                my $body = noise(20_000, $id);

                # what was lost may have been done: then it is there already
                for (1 .. 3) {
                    my $status = $try->('201|409', 'POST', '/images',
                        $env->with_meta({ id => $id }, body => $body))
                        ->{status};

                    last if $status > 0 && $status < 500;
                    $id =~ s/^0/$_/;
                }

                my $r = $try->('200|404', 'GET', "/images/$id");
                push @failed, "GET $id: wrong data"
                    if $r->{status} == 200 && $r->{body} ne $body
                       && !$r->{error};
                $try->('200|404', 'DELETE', "/images/$id");
            }

            return { done => $done, failed => \@failed, lost => \@lost };
        });
    } 1 .. 3;
}


# lost: so many requests at most of all writers

sub clients_ok {
    my ($title, $stop, $lost, @clients) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    write_file($stop, '');

    my @results = map { $_->() } @clients;
    my $done = 0;

    $done += $_->{done} for @results;
    unlink($stop);

    my @lost = map { @{$_->{lost}} } @results;

    cmp_ok($done, '>=', 20, "$title: $done requests were made");
    is(join("\n", map { @{$_->{failed}} } @results), '',
       "$title: none has failed");
    cmp_ok(scalar @lost, '<=', $lost,
           "$title: no more is lost than was under way")
        or diag(join("\n", @lost));
}


# an upload and a download of which the nodes have the beginning

sub begin_upload {
    my ($c) = @_;

    my %o = $env->with_meta({ name => 'slow' }, length => length $data);

    $c->send($c->head('POST', '/images', %o) . substr($data, 0, 1_000_000))
        or die "nobody takes the beginning of an upload\n";

    return $c;
}


# the node that has a transfer: there is no other

sub busy_node {
    my @busy;

    wait_until(sub {
        @busy = grep { $haproxy->server($nodes[$_]{name})->{scur} } 0, 1;
        return @busy;
    });

    return $busy[0];
}


ok(eval { $_->start() }, "$_->{name} starts") or BAIL_OUT($@) for @nodes;
$haproxy->start();

state_is($_->{name}, 'UP') for @nodes;


check('S-10 S-03 what one node has, every node has' => sub {
    my $r = request('POST', '/images', $env->with_meta(
        { is_public => 'true' }, body => $data));
    status_is($r, 201);

    my $id = $r->json()->{image}{id};

    has_header($r, 'Location', "http://127.0.0.1:$haproxy->{port}/images/$id",
               'the address of the load balancer');

    for my $node (@nodes) {
        my $r = $node->connect()->request('GET', "/images/$id");

        is(md5_of($r->{body}), md5_of($data), "$node->{name} has it");
        $r = $node->connect()->request('GET', '/images');
        is($r->json()->{images}[0]{id}, $id, 'and lists it');
    }

    # deleted by one, it is gone at the other
    status_is($nodes[1]->connect()->request('DELETE', "/images/$id"), 200);
    status_is($nodes[0]->connect()->request('GET', "/images/$id"), 404);
    $env->consistent();
});


check('S-02 S-03 a node dies' => sub {
    my @ids = map {
        request('POST', '/images', $env->with_meta({}, body => "data $_"))
            ->json()->{image}{id}
    } 1 .. 5;

    for my $n (0, 1) {
        my $stop = "$dir/stop";
        my @clients = (start_clients($stop, 'reader', @ids),
                       start_clients($stop, 'writer'));

        sleep(1);
        $nodes[$n]->kill();
        is(scalar($nodes[$n]->pids()), 0, "$nodes[$n]{name} is dead");
        state_is($nodes[$n]{name}, 'DOWN');
        sleep(0.5);
        $nodes[$n]->start();
        state_is($nodes[$n]{name}, 'UP');
        sleep(0.5);
        clients_ok("without $nodes[$n]{name}", $stop, 3, @clients);
        $env->consistent();
    }
});


check('S-43 S-44 transfers of a node that dies' => sub {
    my $id = request('POST', '/images', $env->with_meta({}, body => $data
                     x 5))->json()->{image}{id};
    my $whole = $data x 5;

    my $up = begin_upload($haproxy->connect());
    my $n = busy_node();

    # the other one has the download
    my $down = $haproxy->connect(rcvbuf => 4096);
    $down->send($down->head('GET', "/images/$id"));
    $down->readable(30);

    $nodes[$n]->kill();
    $up->send(substr($data, 1_000_000));

    my $r = $up->read_response('POST');
    ok($r->{status} >= 500 || $r->{status} == 0, 'the upload is lost')
        or diag($r->summary());

    $r = $down->read_response('GET');
    is(md5_of($r->{body}), md5_of($whole), 'the other\'s download is not');

    # and now a download of this one
    state_is($nodes[$n]{name}, 'DOWN');
    $nodes[$n]->start();
    state_is($nodes[$n]{name}, 'UP');

    $down = $haproxy->connect(rcvbuf => 4096);
    $down->send($down->head('GET', "/images/$id"));
    $down->readable(30);
    $n = busy_node();
    $nodes[$n]->kill();

    $r = $down->read_response('GET');
    cmp_ok(length $r->{body}, '<', length $whole, 'the download is cut');

    my $rest = request('GET', "/images/$id", headers => [
        Range => 'bytes=' . length($r->{body}) . '-',
        'If-Range' => $r->header('ETag') ]);

    status_is($rest, 206, 'the other node goes on');
    is(md5_of($r->{body} . $rest->{body}), md5_of($whole), 'where it ended');

    $nodes[$n]->start();
    state_is($_->{name}, 'UP') for @nodes;

    status_is(request('POST', '/images', $env->with_meta({ name => 'slow' },
              body => $data)), 201, 'the upload, once more');
    $env->consistent('nothing is left of the first');
});


check('S-21 a node is taken out of service, without one failed request' => sub {
    my $stop = "$dir/stop";
    my $up = begin_upload($haproxy->connect());
    my $n = busy_node();
    my @clients = start_clients($stop, 'writer');

    sleep(0.5);
    $haproxy->say("set server glance/$nodes[$n]{name} state drain");
    sleep(0.5);
    $up->send(substr($data, 1_000_000));
    status_is($up->read_response('POST'), 201, 'what it has, it ends');
    $up->close();

    ok(wait_until(sub { !$haproxy->server($nodes[$n]{name})->{scur} }),
       'its transfers have ended');

    my ($status, $text) = $nodes[$n]->control('all', 'stop');
    is($status, 0, 'it stops') or diag($text);

    sleep(1);
    $nodes[$n]->start();
    $haproxy->say("set server glance/$nodes[$n]{name} state ready");
    state_is($nodes[$n]{name}, 'UP');
    sleep(0.5);
    clients_ok('drained', $stop, 0, @clients);
    $env->consistent();
});


check('S-09 the database goes, and comes back' => sub {
    my $server = $database->server();

    $server->kill();
    state_is($_->{name}, 'DOWN') for @nodes;
    status_is(request('GET', '/images'), 503);

    my $r = $nodes[0]->connect()->request('GET', '/healthcheck');
    error_ok($r, 503, 'health');

    $server->start();
    state_is($_->{name}, 'UP') for @nodes;
    status_is(request('GET', '/images'), 200, 'served again');
});


for my $node (@nodes) {
    my ($status, $text) = $node->control('all', 'stop');

    is($status, 0, "$node->{name} stops") or diag($text);
}

$haproxy->allow(qr/has no server available/);
$haproxy->stop();

is(join("\n", map { $_->complaints() } @nodes, $haproxy), '',
   'no complaints');


done_testing();
