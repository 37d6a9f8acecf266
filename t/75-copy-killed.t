#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Copies into Swift and S3 whose API server is killed in the middle: they are
# made again, and of the first attempt nothing is left after one sweep.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::S3;
use Glance::Source qw/ data worker_server /;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $swift = Glance::Swift->new()->start();
my $s3 = Glance::S3->of_swift($swift);
my $server = Glance::Source->new()->start();
my $mock = $server->{dir};
my @formats = (disk_format => 'raw', container_format => 'bare');
my $size = 14 * 1024 * 1024;        # of which 7M come before it is killed

my %store = (
    swift => {
        directives => $swift->directives(
            glance_swift_large_object_size => '2m',
            glance_swift_large_object_chunk_size => '1m'),
        pieces => sub { grep { /-\d{5}$/ } $swift->objects() },
        others => sub { grep { !/-\d{5}$/ } $swift->objects() },
        expected => 14,
    },
    s3 => {
        directives => $s3->directives(),
        pieces => sub { $swift->objects('glance+segments') },
        others => sub { $s3->left() },
        expected => 3,
    },
);


sub begun {
    return wait_until(sub { -e "$mock/begun.$size" }, 40);
}


for my $kind (sort keys %store) {
    my $s = $store{$kind};
    my $run = temp_dir();

    mkdir("$run/worker");

    for_each_database(sub {
        my ($env) = @_;

        my $nginx = $env->{nginx};
        my %kill = (
            'a worker' => sub { send_signal('KILL', $nginx->workers()) },
            'nginx as a whole' => sub {
                $nginx->kill();
                unlink "$run/worker/api.sock";
                $nginx->start();
            },
        );

        $nginx->allow(qr/exited on signal 9/);

        for my $who (sort keys %kill) {
            check("S-08 S-44 $kind: $who is killed in the middle" => sub {
                unlink "$mock/begun.$size", "$mock/go";

                my $r = $env->v1('POST', '', { name => 'c', @formats },
                    headers => [ 'x-glance-api-copy-from' =>
                                 "$server->{url}/slow/$size" ]);
                my $id = $r->json()->{image}{id};

                status_is($r, 201);
                ok(begun(), 'it has begun');
                ok(wait_until(sub { $s->{pieces}->() }), 'pieces are there')
                    or diag($env->status_of($id));

                my ($piece) = $s->{pieces}->();

                unlink "$mock/begun.$size";
                $kill{$who}->();

                ok(begun(), 'it is made again');
                write_file("$mock/go", '');
                ok(wait_until(sub { $env->status_of($id) eq 'active' }, 60),
                   'active')
                    or diag($env->status_of($id),
                            map { "\n$_->[0]" } $env->{database}->query(
                                'SELECT last_error FROM ngx_glance_jobs'));
                is(md5_of($env->v1('GET', "/$id")->{body}),
                   md5_of(data($size)), 'the bytes');

                my ($status, $text) = $env->worker()->once();

                is($status, 0, 'glance-worker --once') or diag($text);

                my @objects = $s->{others}->();

                is(scalar(grep { /^\Q$id\E/ } @objects), 1, 'one object');
                is(scalar @objects, 1, 'and no more') or diag("@objects");

                my @pieces = $s->{pieces}->();

                is(scalar @pieces, $s->{expected}, 'with its pieces')
                    or diag("@pieces");
                ok(!(grep { $_ eq $piece } @pieces), 'the first are gone');
                is_deeply([ $env->{database}->query(
                    'SELECT url FROM ngx_glance_removals') ], [],
                    'nothing is noted any more');

                status_is($env->v1('DELETE', "/$id"), 200);
                is_deeply([ $s->{others}->(), $s->{pieces}->() ], [],
                          'nothing is left');
            });
        }
    }, worker => 1,
       worker_options => { run_dir => $run, upload_lease => 2,
                           sweep_interval => 1,
                           source_allowed_addresses => '127.0.0.1' },
       registry => { upload_lease => 3, sweep_interval => 1 },
       nginx => { http => worker_server($run, $s->{directives}),
                  directives => $s->{directives}
                                . ' glance_http_allow 127.0.0.1;' });
}

$swift->stop();

done_testing();
