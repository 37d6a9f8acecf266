#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# An S3 that fails: clear answers, sound records, nothing that is left over,
# and no wrong byte with a 200.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::MockS3;
use Glance::S3;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();
my $s3 = Glance::S3->of_swift($swift);
my $front = Glance::MockS3->new($s3)->start();
my $run = temp_dir();

# what is signed for the front is good for the server behind it
my $directives = $s3->directives(glance_store_timeout => '20s')
    . "lingering_time 300s;\nlingering_timeout 300s;\n";

mkdir("$run/worker");


sub nothing_stored {
    my ($env, $title) = @_;

    $front->rules();
    ok(wait_until(sub { !$s3->left() }), "$title: nothing in S3")
        or diag(join(' ', $s3->left()));
    $env->nothing_left("$title: nothing half done");
}


# bytes that stand still between the store and those who ask it

sub standing {
    my $port = sprintf(':%04X', $front->{port});

    return grep { /$port / && !/ 00000000:00000000 / }
           split(/\n/, read_file('/proc/net/tcp'));
}


sub trace {
    my ($env) = @_;

    return map { $_->[0] } $env->{database}->query(
        "SELECT url FROM ngx_glance_removals WHERE url LIKE '%#%'");
}


for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};
    my $small = noise(100_000);
    my $large = noise(11 * $MiB);

    $nginx->allow(qr/exited on signal 9|is not what was sent/);
    $env->request('DELETE', '/images/' . $env->create({}, body => 'bucket'));

    check('S-07 uploads that the store refuses' => sub {
        my %fault = (
            '9 HEAD ^/glance$ status 403' => 503,
            '9 HEAD ^/glance$ status 503' => 503,
            '9 HEAD ^/glance/ status 500' => 503,
            '1 PUT ^/glance/ status 403/AccessDenied' => 503,
            '1 PUT ^/glance/ status 404/NoSuchBucket' => 503,
            '1 PUT ^/glance/ status 409/OperationAborted' => 503,
            '1 PUT ^/glance/ status 500/InternalError' => 503,
            '1 PUT ^/glance/ status 503/SlowDown' => 503,
            '1 PUT ^/glance/ status 400/EntityTooLarge' => 413,
            '9 PUT ^/glance/ reset' => 503,
            '1 PUT ^/glance/ lost' => 503,
            '1 PUT ^/glance/ set etag="' . ('0' x 32) . '"' => 502,
        );

        for my $fault (sort keys %fault) {
            $front->rules($fault);

            my $r = $env->post({}, body => $small);

            status_is($r, $fault{$fault}, $fault);
            unlike($r->{body}, qr/$s3->{access}|127\.0\.0\.1/,
                   'nothing of the store is shown');
            is(scalar(my @unused = grep { !/^[1-9] HEAD|^[1-8] PUT/ }
                             $front->unused()),
               0, 'it happened');
            nothing_stored($env, $fault);
        }
    });

    check('S-07 uploads in parts that fail' => sub {
        my %fault = (
            '9 POST uploads= status 403/AccessDenied' => 503,
            '9 POST uploads= status 503/SlowDown' => 503,
            '1 POST uploads= body <a>no-upload-id</a>' => 503,
            '1 PUT partNumber=1 status 503/SlowDown' => 503,
            '1 PUT partNumber=2 status 404/NoSuchUpload' => 503,
            '9 PUT partNumber=2 reset' => 503,
            '9 PUT partNumber=2 status 503/SlowDown' => 503,
            '9 PUT partNumber=3 lost' => 503,
            '1 PUT partNumber=3 status 403/AccessDenied' => 503,
            '1 PUT partNumber=2 set etag="' . ('0' x 32) . '"' => 503,
            '1 POST uploadId= status 400/InvalidPart' => 503,
            '9 POST uploadId= status 500/InternalError' => 503,
            '9 POST uploadId= body <Error><Code>InternalError</Code></Error>'
                => 503,
            '1 HEAD -.*-.*-.*-.*- set content-length=5' => 502,
        );

        for my $fault (sort keys %fault) {
            my @how = $fault =~ /partNumber=3|9 .*SlowDown/ ? (chunked => 1)
                                                            : ();

            $front->rules($fault);
            status_is($env->post({}, body => $large, @how), $fault{$fault},
                      $fault);
            nothing_stored($env, $fault);
        }
    });

    check('S-07 passing faults are got over' => sub {
        for my $fault ('1 HEAD ^/glance$ status 503',
                       '1 POST uploads= status 503/SlowDown',
                       '2 POST uploads= reset',
                       '1 POST uploadId= status 500/InternalError',
                       '1 POST uploadId= lost')
        {
            $front->rules($fault);

            my $id = $env->create({}, body => $large);
            is_deeply([ $front->unused() ], [], "$fault: it happened");
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($large), "$fault: the data");
            status_is($env->request('DELETE', "/images/$id"), 200);
            nothing_stored($env, $fault);
        }
    });

    check('S-07 a part is sent again while its bytes are there' => sub {
        for my $fault ('1 PUT ^/glance/ status 503/SlowDown',
                       '2 PUT ^/glance/ lost',
                       '1 PUT partNumber=1 status 503/SlowDown',
                       '2 PUT partNumber=2 status 500/InternalError',
                       '2 PUT partNumber=2 reset',
                       '1 PUT partNumber=3 lost')
        {
            my $data = $fault =~ /partNumber/ ? $large : $small;

            $front->rules($fault);

            my $id = $env->create({}, body => $data, chunked => 1);
            is_deeply([ $front->unused() ], [], "$fault: it happened");
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), "$fault: the data");
            status_is($env->request('DELETE', "/images/$id"), 200);
            nothing_stored($env, $fault);
        }

        # of known length only the first piece is, and it is there until the
        # store wants it
        $front->rules('2 PUT partNumber=2 refuse 503/SlowDown');

        my $refused = $env->create({}, body => $large);

        is_deeply([ $front->unused() ], [], 'it was refused');
        is(md5_of($env->request('GET', "/images/$refused")->{body}),
           md5_of($large), 'but the data are there');
        status_is($env->request('DELETE', "/images/$refused"), 200);
        nothing_stored($env, 'refused twice');

        $front->rules('9 PUT partNumber=2 refuse 503/SlowDown');
        status_is($env->post({}, body => $large), 503, 'not for ever');
        nothing_stored($env, 'refused for ever');

        # after that it depends on how fast the store is

        $front->rules('1 PUT partNumber=2 reset');
        my $r = $env->post({}, body => $large);
        like($r->{status}, qr/^(?:201|503)$/, 'sent again, or refused');

        if ($r->{status} == 201) {
            my $id = $r->json()->{image}{id};

            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($large), 'the data');
            status_is($env->request('DELETE', "/images/$id"), 200);
        }

        nothing_stored($env, 'known length');

        # a client that leaves while a part waits for its next try
        $front->rules('9 PUT partNumber=1 status 503/SlowDown');
        my $c = $env->connect();
        my %o = $env->with_meta({}, chunked => 1);
        $c->send($c->head('POST', '/images', %o)
                 . sprintf("%x\r\n", length $large) . $large);
        ok(wait_until(sub { $front->asked(qr/partNumber=1/) }), 'refused');
        undef $c;
        nothing_stored($env, 'a client that leaves');
    });

    check('S-07 downloads that fail' => sub {
        $front->rules();

        my $id = $env->create({}, body => $large);
        my $get = sub {
            return $env->request('GET', "/images/$id", headers => [ @_ ]);
        };

        for my $fault ('2 GET ^/glance/ status 503/SlowDown',
                       '2 GET ^/glance/ reset',
                       '1 GET ^/glance/ cut 7000000',
                       '3 GET ^/glance/ cut 1000000')
        {
            $front->rules($fault);

            my $r = $get->();
            status_is($r, 200, $fault);
            is(md5_of($r->{body}), md5_of($large), "$fault: the bytes");
            is_deeply([ $front->unused() ], [], "$fault: it happened");
        }

        my %fault = (
            '9 GET ^/glance/ status 403/AccessDenied' => 503,
            '9 GET ^/glance/ status 404/NoSuchKey' => 404,
            '9 GET ^/glance/ status 500/InternalError' => 503,
            '9 GET ^/glance/ reset' => 503,
        );

        for my $fault (sort keys %fault) {
            $front->rules($fault);
            error_ok($get->(), $fault{$fault}, $fault);
        }

        $front->rules('9 GET ^/glance/ cut 1000000');
        my $r = $get->();
        status_is($r, 200, 'cut off again and again');
        ok(!$r->complete(), 'the connection is cut, too');
        is(md5_of($r->{body}), md5_of(substr($large, 0, length $r->{body})),
           'what came is right');

        $front->rules('1 GET ^/glance/ cut 1000000',
                      '1 GET ^/glance/ set etag="other"');
        $r = $get->();
        status_is($r, 200, 'another object behind the first bytes');
        ok(!$r->complete(), 'nothing of it is sent');
        cmp_ok(length $r->{body}, '<=', 1_000_000, 'not a single byte');
        is_deeply([ $front->unused() ], [], 'it was asked for');

        $front->rules();

        my $c = $env->connect();

        $c->send($c->head('GET', "/images/$id", length => 10, headers => [
                          'If-None-Match' => '"' . md5_of($large) . '"' ]));
        $r = $c->read_response('GET');
        status_is($r, 304, 'a client that has the data');
        ok(wait_until(sub { !standing() }),
           'while its body is waited for, nothing of them');
        $c->close();

        my ($key) = $s3->objects();
        my $other = $s3->request('PUT', "glance/$key", body => 'shorter');
        status_is($other, 200, 'another object in its place');

        for my $range ([], [ Range => 'bytes=0-3' ],
                       [ Range => 'bytes=9000-9999' ])
        {
            $r = $get->(@$range);
            cmp_ok($r->{status}, '>=', 500, "not for this image: @$range");
        }

        status_is($env->request('DELETE', "/images/$id"), 200);
        nothing_stored($env, 'downloads');
    });

    check('S-07 S-44 a worker is killed in the middle of an upload' => sub {
        my $bystander = $env->create({}, body => $large);
        my @before = $s3->left();
        my @parts = $swift->objects('glance+segments');
        my ($status, $text) = $env->worker()->once();

        is($status, 0, 'a sweep') or diag($text);
        is_deeply([ trace($env) ], [], 'uploads that failed have no note now');

        my $c = $env->connect();
        my %o = $env->with_meta({ name => 'victim', type => 'raw' },
                                length => 20 * $MiB);
        my %known = map { $_->[0] => 1 } $env->rows();

        $c->send($c->head('POST', '/images', %o) . noise(13 * $MiB));
        ok(wait_until(sub { $s3->uploads() }), 'an upload is there');
        is(scalar(my @t = trace($env)), 1, 'and a note of it');

        my ($id) = grep { !$known{$_} } map { $_->[0] } $env->rows();

        $env->worker()->once();
        is(scalar($s3->uploads()), 1, 'a sweep leaves it alone meanwhile');

        send_signal('KILL', $nginx->workers());
        ok($c->closed_by_peer(), 'the client notices');
        ok(wait_until(sub { $env->status_of($id) =~ /^(?:queued|killed)$/ }),
           'the image is ' . $env->status_of($id));

        ($status, $text) = $env->worker()->once();
        is($status, 0, 'glance-worker --once') or diag($text);
        is_deeply([ trace($env) ], [], 'nothing is noted any more');
        is_deeply([ $s3->left() ], \@before, 'what was left is gone');
        ok(wait_until(sub { $swift->objects('glance+segments') == @parts }),
           'and its parts');
        is(md5_of($env->request('GET', "/images/$bystander")->{body}),
           md5_of($large), 'the other image');
        $env->request('DELETE', "/images/$_") for $id, $bystander;
    });

    check('S-07 data that cannot be removed wait' => sub {
        my $id = $env->create({}, body => $small);

        $front->rules('9 DELETE ^/glance/ status 500/InternalError');
        status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');
        is_deeply([ $s3->left() ], [ $id ], 'the object is there');

        $front->rules();
        $env->{database}->query('UPDATE ngx_glance_removals SET next_try = 1');

        my ($status, $text) = $env->worker()->once();

        is($status, 0, 'glance-worker --once') or diag($text);
        is_deeply([ $s3->left() ], [], 'it is gone');
    });

    unlike(join("\n", $nginx->log_lines('.')), qr/\Q$s3->{secret}\E/,
           'no key in the log');
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


$front->stop();
$swift->stop();
is(join("\n", $front->complaints(), $swift->complaints()), '',
   'nobody has a complaint');

done_testing();
