#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# x-glance-api-copy-from: glance-worker fetches what the client has named.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Source qw/ data worker_server /;
use Glance::Test;


my $server = Glance::Source->new()->start();
my $mock = $server->{dir};
my $port = $server->{port};
my $source = $server->{url};
my @formats = (disk_format => 'raw', container_format => 'bare');


# the reservation of an image whose data are elsewhere

sub copy {
    my ($env, $url, $meta, @headers) = @_;

    return $env->v1('POST', '', { name => 'c', @formats, %{$meta || {}} },
                    headers => [ 'x-glance-api-copy-from' => $url, @headers ]);
}


sub copied {
    my ($env, $url, $meta) = @_;

    my $r = copy($env, $url, $meta);

    status_is($r, 201, "$url: answered at once");
    my $image = ($r->json() || {})->{image} || {};
    is($image->{status}, 'queued', 'the image waits');
    is($image->{size}, $meta->{size} || size_of($url), 'its size is known');

    return $image->{id};
}


# what its source says of it

sub size_of {
    my ($url) = @_;

    return 0 if $url =~ m!/chunked!;
    return $url =~ m!/(\d+)$! ? $1 : 0;
}


sub becomes {
    my ($env, $id, $status, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    wait_until(sub { $env->status_of($id) eq $status }, 40);
    is($env->status_of($id), $status, "$title: $status")
        or diag(map { "$_->[0]: " . ($_->[2] || '') . "\n" } jobs($env));
}


sub jobs {
    my ($env) = @_;

    return $env->{database}->query('SELECT image_id, ended_at, last_error,'
                                   . ' tries FROM ngx_glance_jobs');
}


for my $kind (split(/[ ,]+/,
                    $ENV{GLANCE_TEST_DATABASES} || 'sqlite mysql'))
{
    my $run = temp_dir();
    my $store = store_dir();

    mkdir("$run/worker");
    unlink glob("$mock/begun.* $mock/go");

    local $ENV{GLANCE_TEST_DATABASES} = $kind;

    for_each_database(sub {
        my ($env) = @_;

        check('S-08 the data are fetched' => sub {
            my $n = 3_000_000;
            my %id = map { $_ => copied($env, "$source/$_/$n") }
                     qw/ ok chunked /;
            my $sized = copied($env, "$source/ok/1000",
                               { size => 1000, checksum =>
                                 md5_of(data(1000)) });
            my $moved = copied($env, "$source/to?$source/ok/500");

            becomes($env, $id{$_}, 'active', $_) for sort keys %id;
            becomes($env, $sized, 'active', 'size and checksum are right');
            becomes($env, $moved, 'active', 'redirect');

            for my $id (values %id) {
                my $r = $env->v1('GET', "/$id");
                is(md5_of($r->{body}), md5_of(data($n)), 'the bytes');
                is($r->meta()->{checksum}, md5_of(data($n)), 'the checksum');
            }

            ok(wait_until(sub { !jobs($env) }), 'no job is left');
            $env->consistent();
        });

        check('S-08 a reserved image gets its data by PUT' => sub {
            my $r = $env->v1('POST', '', { name => 'p', @formats });
            my $id = $r->json()->{image}{id};

            $r = $env->v1('PUT', "/$id", { name => 'q' }, headers =>
                 [ 'x-glance-api-copy-from' => "$source/ok/100" ]);
            status_is($r, 200, 'PUT');
            is($r->json()->{image}{status}, 'queued', 'queued');
            becomes($env, $id, 'active', 'PUT');

            $r = $env->v1('PUT', "/$id", {}, headers =>
                 [ 'x-glance-api-copy-from' => "$source/ok/100" ]);
            error_ok($r, 400, 'it has data', qr/x-glance-api-copy-from/);
        });

        check('S-08 what is refused at once' => sub {
            my @before = $env->rows();

            for my $url ('file:///etc/passwd', 'ftp://127.0.0.1/x', 'nothing',
                         'swift://a:b@c/d/e', 's3://a:b@c/d/e', '', 'http://',
                         'http://h/' . 'x' x 3000)
            {
                error_ok(copy($env, $url), 400, substr($url, 0, 30),
                         qr/x-glance-api-copy-from/);
            }

            error_ok(copy($env, "$source/ok/1",
                          { location => 'http://127.0.0.1/x' }), 400,
                     'location, too',
                     qr/x-glance-api-copy-from.*x-image-meta-location/s);
            error_ok($env->v1('POST', '', { name => 'b', @formats },
                              body => 'abc', headers =>
                      [ 'Content-Type' => 'application/octet-stream',
                        'x-glance-api-copy-from' => "$source/ok/1" ]),
                     400, 'a body, too', qr/x-glance-api-copy-from/);
            error_ok(copy($env, "$source/ok/1", { disk_format => undef }),
                     400, 'no format', qr/[Dd]isk format/);

            is_deeply([ $env->rows() ], \@before, 'nothing is recorded');
            is(scalar(jobs($env)) || 0, 0, 'no job');
        });

        check('S-08 sources that fail' => sub {
            my %bad = (
                "$source/short/400000" => qr/the source: /,
                "$source/reset/400000" => qr/the source: /,
                "$source/chunkedshort/400000" => qr/the source: /,
                "$source/ok/0" => qr/empty/,
            );

            # the same for those that can be asked, and that nobody asks
            my %known = (
                "$source/missing" => qr/answers 404/,
                "$source/loop" => qr/redirect/i,
                "$source/to?http://169.254.169.254/latest" =>
                    qr/169\.254\.169\.254 is not allowed/,
                "$source/to?http://[::1]:$port/ok/5" =>
                    qr/::1 is not allowed/,
                "$source/to?ftp://127.0.0.1/" => qr/the source: /,
                "$source/to?file:///etc/passwd" => qr/the source: /,
                'http://10.0.0.1/x' => qr/10\.0\.0\.1 is not allowed/,
            );

            my @before = $env->rows();
            my $missing = "$source/missing";

            for my $url (sort keys %known) {
                error_ok(copy($env, $url), $url eq $missing ? 404 : 400, $url,
                         qr/x-glance-api-copy-from (?:leads|cannot)/);
            }

            is_deeply([ $env->rows() ], \@before, 'nothing is recorded');

            my %id = ((map { $_ => copied($env, $_) } sort keys %bad),
                      map { $_ => copied($env, $_, { size => 5 }) }
                      sort keys %known);
            %bad = (%bad, %known);

            my $size = copied($env, "$source/ok/1000", { size => 999 });
            my $size2 = copied($env, "$source/chunked/1000", { size => 999 });
            my $sum = copied($env, "$source/ok/1000",
                             { checksum => 'a' x 32 });

            becomes($env, $id{$_}, 'killed', $_) for sort keys %id;
            becomes($env, $size, 'killed', 'size');
            becomes($env, $size2, 'killed', 'size without length');
            becomes($env, $sum, 'killed', 'checksum');

            my %row = map { $_->[0] => $_ } jobs($env);

            like($row{$id{$_}}[2], $bad{$_}, "the reason: $_")
                for sort keys %bad;
            like($row{$size}[2], qr/1000 bytes.*is 999/, 'size');
            like($row{$size2}[2], qr/1000 bytes.*is 999/, 'size');
            like($row{$sum}[2], qr/checksum/, 'checksum');

            my ($status, $text) = run_command([
                Glance::Program::built('glance-manage'), '--sql-connection',
                $env->{database}{connection}, 'db', 'jobs' ]);

            is($status, 0, 'db jobs');
            like($text, qr/\Q$id{"$source\/missing"}\E failed .*404/,
                 'shows it');
            $env->consistent();
        });

        check('S-08 a worker is killed in the middle' => sub {
            my $id = copied($env, "$source/slow/2000000");

            ok(wait_until(sub { -e "$mock/begun.2000000" }), 'it has begun');
            ok(wait_until(sub { $env->status_of($id) eq 'saving' }),
               'saving');
            unlink "$mock/begun.2000000";
            send_signal('KILL', $env->{worker_program}{pid});

            my $w = Glance::Worker->beside($env);

            ok(wait_until(sub { -e "$mock/begun.2000000" }, 40),
               'another takes over');
            write_file("$mock/go", '');
            becomes($env, $id, 'active', 'taken over');
            is(md5_of($env->v1('GET', "/$id")->{body}),
               md5_of(data(2_000_000)), 'the bytes');
            unlink "$mock/go";
            $env->consistent();

            delete $env->{worker_program};
            $env->{worker_program} = $w;
        });

        check('S-08 the registry is restarted in the middle' => sub {
            my $id = copied($env, "$source/slow/1000000");

            ok(wait_until(sub { -e "$mock/begun.1000000" }, 40), 'begun');
            $env->{registry}->stop();
            $env->{registry}->start();
            write_file("$mock/go", '');
            becomes($env, $id, 'active', 'registry');
            is(md5_of($env->v1('GET', "/$id")->{body}),
               md5_of(data(1_000_000)), 'the bytes');
            unlink "$mock/go";
            $env->consistent();
        });

        check('S-08 a copy that takes longer than its lease' => sub {
            my $id = copied($env, "$source/slow/900000");
            my $lease = sub {
                my ($row) = $env->{database}->query("SELECT holder, next_try
                    FROM ngx_glance_jobs WHERE image_id = '$id'");
                return @{$row || []};
            };

            ok(wait_until(sub { -e "$mock/begun.900000" }, 40), 'begun');

            my ($holder, $first) = $lease->();

            ok(wait_until(sub { ($lease->())[1] > $first + 3 }, 20),
               'the lease is renewed');
            is(($lease->())[0], $holder, 'nobody else has taken the job');
            is($env->status_of($id), 'saving', 'it goes on');

            # without a job there is nothing to copy for
            my $gone = copied($env, "$source/slow/700000");

            ok(wait_until(sub { -e "$mock/begun.700000" }, 40), 'another one');
            $env->{database}->query("DELETE FROM ngx_glance_jobs
                WHERE image_id = '$gone'");
            ok(wait_until(sub {
                read_file($env->{worker_program}{log})
                    =~ /given up, another has the job image=\Q$gone\E/;
            }, 20), 'a job that is gone is given up');

            write_file("$mock/go", '');
            becomes($env, $id, 'active', 'long');
            is(md5_of($env->v1('GET', "/$id")->{body}),
               md5_of(data(900_000)), 'the bytes');
            unlink "$mock/go";
            status_is($env->v1('DELETE', "/$_"), 200) for $id, $gone;
            $env->consistent();
        });

        check('S-08 an image that is deleted before and during it' => sub {
            my $id = copied($env, "$source/slow/800000");

            ok(wait_until(sub { -e "$mock/begun.800000" }, 40), 'begun');
            my $waits = copied($env, "$source/ok/10");
            status_is($env->v1('DELETE', "/$_"), 200, 'DELETE')
                for $waits, $id;
            write_file("$mock/go", '');
            ok(wait_until(sub {
                !grep { $_->[1] !~ /^\d/ } jobs($env)
            }, 40), 'no job waits');
            unlink "$mock/go";
            $env->consistent();
        });
    }, store => $store, worker => 1,
       worker_options => { run_dir => $run, upload_lease => 2,
                           sweep_interval => 1,
                           source_allowed_addresses => '127.0.0.1' },
       registry => { upload_lease => 3, sweep_interval => 1 },
       nginx => { http => worker_server($run, "glance_file_root $store;"),
                  directives => 'glance_http_allow 127.0.0.1;' });
}

done_testing();
