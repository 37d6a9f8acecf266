#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: the Locations API of 2.17 adds the data of another server, and
# glance-worker looks for them (specs: v2/05 5.8).

use warnings;
use strict;

use Digest::MD5 ();
use Digest::SHA ();
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Source qw/ data /;
use Glance::Test;
use Glance::V2;

my $server = Glance::Source->new()->start();
my $source = $server->{url};
my $mock = $server->{dir};
my @formats = (disk_format => 'raw', container_format => 'bare');
my $md5 = Digest::MD5::md5_hex(data(1000));


sub queued {
    my ($v2, %more) = @_;

    return $v2->create('p1', { @formats, %more })->{id};
}


sub post {
    my ($v2, $id, $url, $algo, $value, $who) = @_;

    return $v2->ask($who || 'p1', 'POST', "/images/$id/locations", json => {
        url => $url, validation_data => $algo
            ? { os_hash_algo => $algo, os_hash_value => $value } : {} });
}


# the newest task of the image

sub task {
    my ($v2, $id) = @_;

    return $v2->ask('p1', 'GET', "/images/$id/tasks")->json()->{tasks}[0]
           || {};
}


# a location is added, and its task comes to its end: (image, task)

sub added {
    my ($v2, $id, @location) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = post($v2, $id, @location);
    my $task;

    status_is($r, 202, "$location[0]: 202");
    is($r->{body}, '', 'an empty answer');

    ok(wait_until(sub {
        $task = task($v2, $id);
        $task->{status} =~ /^(?:success|failure)$/;
    }, 40), "$location[0]: the task ends");

    return ($v2->show('p1', $id), $task);
}


sub locations {
    my ($v2, $id) = @_;

    return join(' ', map { $_->{url} }
        @{$v2->ask('root/admin', 'GET', "/images/$id/locations")->json()});
}


# status, size, checksum, os_hash_algo, os_hash_value

sub image_is {
    my ($image, $title, @wanted) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([ @$image{qw/ status size checksum os_hash_algo
                            os_hash_value /} ], \@wanted, $title);
}


sub jobs {
    my ($v2) = @_;

    return $v2->{db}->query('SELECT image_id, ended_at, last_error'
                            . ' FROM ngx_glance_jobs');
}


my %nginx = (directives => 'glance_http_store on; '
                           . 'glance_http_allow 127.0.0.1;');
my %worker = (upload_lease => 2, sweep_interval => 1, http_retries => 1,
              source_allowed_addresses => '127.0.0.1');
my %open = (nginx => \%nginx,
            env => { worker => 1, worker_options => \%worker });


for_each_v2(sub {
    my ($v2) = @_;

    check('an image gets its data' => sub {
        my $id = queued($v2);
        my ($image, $task) = added($v2, $id, "$source/ok/1000");

        image_is($image, 'active, and read', 'active', 1000, $md5, 'sha512',
                 Digest::SHA::sha512_hex(data(1000)));
        is($v2->ask('p1', 'GET', "/images/$id/file")->{body}, data(1000),
           'the data');
        is_deeply($v2->ask('p1/service', 'GET',
                           "/images/$id/locations")->json(),
                  [ { url => "$source/ok/1000", metadata => {} } ],
                  'services are told where');
        is_deeply([ $v2->{env}->files() ], [], 'nothing is stored');
        ok(wait_until(sub { !jobs($v2) }), 'no job is left');

        is_deeply([ @$task{qw/ type status owner image_id user_id message
                               deleted /} ],
                  [ 'location_import', 'success', 'p1', $id, 'u-p1', '',
                    JSON::PP::false() ], 'the task');
        is_deeply($task->{input}, { image_id => $id, validation_data => {},
                                    loc_url => "$source/ok/1000" }, 'input');
        is_deeply($task->{result}, { image_id => $id }, 'result');
        like($task->{expires_at}, qr/^20\d\d-\d\d-\d\dT/, 'expires_at');
        like($task->{request_id}, qr/^req-/, 'request_id');

        fault_is(post($v2, $id, "$source/ok/1000"), 409, "It's not allowed "
                 . 'to add locations if image status is active.');
    });

    check('digests that are right, and wrong' => sub {
        my %good = (sha1 => Digest::SHA::sha1_hex(data(1000)),
                    sha256 => Digest::SHA::sha256_hex(data(1000)),
                    sha512 => uc Digest::SHA::sha512_hex(data(1000)),
                    md5 => $md5);

        for my $algo (sort keys %good) {
            my $id = queued($v2);
            my ($image, $task) = added($v2, $id, "$source/ok/1000", $algo,
                                       $good{$algo});

            image_is($image, "$algo is right", 'active', 1000, $md5, $algo,
                     lc $good{$algo});
            is($task->{status}, 'success', 'its task');
            is_deeply($task->{input}{validation_data},
                      { os_hash_algo => $algo,
                        os_hash_value => $good{$algo} }, 'its input');
        }

        my $id = queued($v2);
        my ($image, $task) = added($v2, $id, "$source/ok/1000", 'sha256',
                                   'ab' x 32);

        image_is($image, 'wrong', 'queued', (undef) x 4);
        is($task->{status}, 'failure', 'its task');
        like($task->{message}, qr/digest/, 'says so');
        is($task->{result}, undef, 'no result');
        is(locations($v2, $id), "$source/ok/1000", 'the location stays');
        is($v2->ask('p1', 'GET', "/images/$id/file")->{status}, 204,
           'and is not read');

        ($image) = added($v2, $id, "$source/ok/500", 'md5',
                         Digest::MD5::md5_hex(data(500)));
        is($image->{status}, 'active', 'another attempt');
        is(locations($v2, $id), "$source/ok/500", 'takes its place');
        is(scalar @{$v2->ask('p1', 'GET',
                             "/images/$id/tasks")->json()->{tasks}}, 2,
           'two tasks');
    });

    check('locations that lead to nothing' => sub {
        my %bad = (missing => qr/answers 404/, 'ok/0' => qr/empty/,
                   loop => qr/redirect/i,
                   'to?http://169.254.169.254/latest' => qr/not allowed/,
                   "to?http://[::1]:$server->{port}/ok/5" =>
                       qr/not allowed/,
                   'chunkedshort/1000' => qr/the source: /);
        my %id = map { $_ => queued($v2) } keys %bad;

        for my $path (sort keys %bad) {
            my $id = $id{$path};
            my ($image, $task) = added($v2, $id, "$source/$path");

            image_is($image, $path, 'queued', (undef) x 4);
            is($task->{status}, 'failure', 'the task');
            like($task->{message}, qr/no data at the location/, 'its words');
            is(locations($v2, $id), '', 'no location');
        }

        my %row = map { $_->[0] => $_ } jobs($v2);

        like($row{$id{$_}}[2], $bad{$_}, "$_: the operator is told more")
            for sort keys %bad;

        my $id = $id{missing};

        status_is($v2->ask('p1', 'PUT', "/images/$id/file", body => 'data',
            headers => [ 'Content-Type' => 'application/octet-stream' ]),
            204, 'an upload afterwards');
        is($v2->show('p1', $id)->{status}, 'active', 'is as ever');

        $id = $v2->create('p1')->{id};
        my ($image, $task) = added($v2, $id, "$source/ok/10");
        is("$image->{status} $task->{status}", 'queued failure',
           'no formats');
    });

    check('data without a size, and such that do not come at first' => sub {
        my ($image) = added($v2, queued($v2), "$source/chunked/1000");

        image_is($image, 'no length', 'active', 1000, $md5, 'sha512',
                 Digest::SHA::sha512_hex(data(1000)));

        ($image, my $task) = added($v2, queued($v2), "$source/once/1000");
        image_is($image, 'the second time', 'active', 1000, $md5, 'sha512',
                 Digest::SHA::sha512_hex(data(1000)));

        ($image, $task) = added($v2, queued($v2), "$source/short/1000");
        image_is($image, 'never', 'active', 1000, (undef) x 3);
        is($task->{status}, 'success', 'but it is there');
        like($task->{message}, qr/cannot be read/, 'unread');

        my $id = queued($v2);

        ($image, $task) = added($v2, $id, "$source/short/1000", 'md5', $md5);
        image_is($image, 'never, and it has to', 'queued', (undef) x 4);
        is($task->{status}, 'failure', 'the task');
    });

    check('while the data are read' => sub {
        my $id = queued($v2);
        my $checked = queued($v2);
        my $image;

        unlink glob("$mock/begun.* $mock/go");

        status_is(post($v2, $id, "$source/slow/100000"), 202);
        ok(wait_until(sub { -e "$mock/begun.100000" }, 40), 'it has begun');
        ok(wait_until(sub { $v2->show('p1', $id)->{status} eq 'active' }),
           'active at once');
        image_is($v2->show('p1', $id), 'without digests yet', 'active',
                 100000, undef, 'sha512', undef);
        is(task($v2, $id)->{status}, 'processing', 'its task');

        ($image) = added($v2, queued($v2), "$source/ok/1000");
        is($image->{status}, 'active', 'others do not wait for it');

        # but for as many as a worker reads at once
        for my $n (100001 .. 100003) {
            status_is(post($v2, queued($v2), "$source/slow/$n"), 202);
            ok(wait_until(sub { -e "$mock/begun.$n" }, 40), 'begun, too');
        }

        status_is(post($v2, $checked, "$source/ok/1000", 'md5', $md5), 202);
        is(task($v2, $checked)->{status}, 'pending', 'another one waits');
        fault_is(post($v2, $checked, "$source/ok/1000"), 409,
                 'has an active task');

        send_signal('KILL', $v2->{env}{worker_program}{pid});
        unlink "$mock/begun.100000";

        my $w = Glance::Worker->beside($v2->{env});

        ok(wait_until(sub { -e "$mock/begun.100000" }, 40),
           'another worker takes over');
        write_file("$mock/go", '');
        ok(wait_until(sub { $v2->show('p1', $id)->{checksum} }, 40), 'read');
        ok(wait_until(sub {
            $v2->show('p1', $checked)->{status} eq 'active'
        }, 40), 'the other one, too');

        delete $v2->{env}{worker_program};
        $v2->{env}{worker_program} = $w;
        unlink glob("$mock/begun.* $mock/go");
    });

    check('images that change meanwhile' => sub {
        my $id = queued($v2);
        my $waits = queued($v2);
        my $sum = Digest::MD5::md5_hex(data(200000));

        $v2->{env}{worker_program}->stop();
        status_is(post($v2, $waits, "$source/ok/10"), 202);
        status_is($v2->ask('p1', 'PUT', "/images/$waits/file",
            body => 'data', headers => [
                'Content-Type' => 'application/octet-stream' ]), 204,
            'an upload is faster');
        $v2->{env}{worker_program} = Glance::Worker->beside($v2->{env});

        status_is(post($v2, $id, "$source/slow/200000", 'md5', $sum), 202);
        ok(wait_until(sub { -e "$mock/begun.200000" }, 40), 'it has begun');
        ok(wait_until(sub {
            $v2->show('p1', $id)->{status} eq 'importing'
        }), 'importing, as there is something to verify');
        status_is($v2->ask('p1', 'DELETE', "/images/$id"), 204, 'deleted');
        write_file("$mock/go", '');

        ok(wait_until(sub {
            !grep { $_->[1] !~ /^\d/ } jobs($v2)
        }, 40), 'no job waits');
        is($v2->show('p1', $waits)->{size}, 4, 'the upload counts');
        is(task($v2, $waits)->{status}, 'failure', 'the task is over');
        unlink glob("$mock/begun.* $mock/go");
    });

    check('who may, and what' => sub {
        my $id = queued($v2);
        my $public = $v2->create('root/admin', {
            @formats, owner => 'p1', visibility => 'public' })->{id};
        my $url = "$source/ok/1000";
        my $ask = sub { return post($v2, $_[1], $url, undef, undef, $_[0]) };

        fault_is($ask->('p1/reader', $id), 403, 'add_image_location');
        fault_is($ask->('p2', $id), 404, 'No image found with ID');
        fault_is($ask->('p2', $public), 403, 'add_image_location');
        fault_is($ask->('p1/other', $id), 404,
                 'The resource could not be found.');
        fault_is($ask->('p1', 'nope'), 404, 'No image found with ID nope');

        my $normal = 'http store must be enabled to use location API by '
                     . 'normal user.';

        for my $bad ('swift://a:b@127.0.0.1/c/o', 'file:///etc/passwd',
                     'rbd://f/p/i/s', 'gopher://h/', 'x')
        {
            fault_is(post($v2, $id, $bad), 403, $normal);
            fault_is(post($v2, $id, $bad, undef, undef, 'p1/service'), 400,
                     'Invalid location');
        }

        fault_is(post($v2, $id, 'http://u:p@127.0.0.1/x'), 400,
                 'Invalid location');
        fault_is(post($v2, $id, 'http://h/' . 'x' x 250), 400,
                 'at most 255 characters');
        is(task($v2, $id)->{id}, undef, 'no task of these');

        for my $who ('p1/service', 'root/admin', 'p1/member,reader+service',
                     'p2/service')
        {
            my $id = $who =~ /^p2/ ? $public : queued($v2);

            status_is($ask->($who, $id), 202, $who);
            ok(wait_until(sub {
                $v2->show('p1', $id)->{status} eq 'active'
            }, 40), 'active');
        }

        $id = queued($v2);
        $v2->{db}->query("INSERT INTO image_properties (image_id, name,
            value, created_at, deleted) VALUES ('$id',
            'os_glance_import_task', 'x', '2026-01-01 00:00:00', 0)");
        fault_is(post($v2, $id, $url), 409, 'has an active task',
                 'a Python Glance works on it');
    });

    check('keys stay out of answers and logs' => sub {
        my $id = queued($v2);
        my (undef, $task) = added($v2, $id,
                                  "$source/missing?signature=hushhush");

        is($task->{input}{loc_url}, "$source/missing?***", 'its input');
        unlike(read_file($_), qr/hush/, $_)
            for "$v2->{env}{nginx}{dir}/error.log",
                $v2->{env}{worker_program}{log},
                map { $v2->{env}{$_}{output} } qw/ registry nginx /;

        my ($status, $text) = run_command([
            Glance::Program::built('glance-manage'), '--sql-connection',
            $v2->{db}{connection}, 'db', 'jobs' ]);

        like($text, qr/\Q$id\E failed .*404/, 'db jobs shows it');
        unlike($text, qr/hush/, 'without the key');
    });

    $v2->{env}{nginx}->allow(qr/\bstore: /);
    $v2->{env}->wipe();
}, %open, user_storage_quota => '1 MB');


for_each_v2(sub {
    my ($v2) = @_;

    check('without do_secure_hash' => sub {
        my ($image, $task) = added($v2, queued($v2), "$source/ok/1000");

        image_is($image, 'located', 'active', 1000, (undef) x 3);
        is($task->{status}, 'success', 'its task');

        ($image) = added($v2, queued($v2), "$source/chunked/900", 'sha256',
                         'ab' x 32);
        image_is($image, 'a digest is believed', 'active', 900, undef,
                 'sha256', 'ab' x 32);
        ok(wait_until(sub { !jobs($v2) }), 'no job is left');
    });

    check('too much for the project' => sub {
        my $id = queued($v2);
        my ($image, $task) = added($v2, $id, "$source/ok/8000");

        image_is($image, 'refused', 'queued', (undef) x 4);
        is($task->{status}, 'failure', 'its task');
    });

    $v2->{env}->wipe();
}, nginx => \%nginx, user_storage_quota => '5 KB',
   env => { worker => 1, worker_options => {
       %worker, do_secure_hash => 'False' } });


for_each_v2(sub {
    my ($v2) = @_;

    check('another hashing_algorithm' => sub {
        my ($image, $task) = added($v2, queued($v2), "$source/ok/1000");

        image_is($image, 'read', 'active', 1000, $md5, 'sha3_256',
                 '80c627556547e2daf600fc745584ab46'
                 . 'f1b4c6d731fbf90c3d2c7fa2543c9a5a');
        is($task->{status}, 'success', 'its task');
    });

    $v2->{env}->wipe();
}, nginx => \%nginx,
   env => { worker => 1, worker_options => {
       %worker, hashing_algorithm => 'sha3_256' } });

$server->stop();

done_testing();
