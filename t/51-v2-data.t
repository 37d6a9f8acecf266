#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# PUT and GET /v2/images/{id}/file, and DELETE: what is stored, what comes
# back, what is refused, and that nothing stays of what failed (specs: v2
# sections 4.1 and 4.2).

use warnings;
use strict;

use Digest::SHA ();
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $gone = '00000000-0000-4000-8000-000000000000';
my $data = noise(1_500_000);
my $proxy = '127.0.0.2';


# a failed upload: the image is queued again, and a second one works

sub still_queued {
    my ($env, $id, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    subtest("$title: nothing is left" => sub {
        ok(wait_until(sub { $env->status_of($id) eq 'queued' }),
           'queued: ' . $env->status_of($id));
        ok(wait_until(sub { !$env->claims() && !$env->files() }),
           'no file, no claim');

        my ($row) = $env->{database}->query("SELECT COUNT(*) FROM images
            WHERE id = '$id' AND size IS NULL AND checksum IS NULL
            AND virtual_size IS NULL AND os_hash_value IS NULL");
        is($row->[0], 1, 'nothing recorded');

        status_is($env->v2_upload($id, body => 'data'), 204, 'another upload');
        is($env->v2('GET', "/$id/file")->{body}, 'data', 'its data');
        status_is($env->v2('DELETE', "/$id"), 204, 'deleted');
        is_deeply([ $env->files() ], [], 'with its data');
    });
}


sub names_of {
    my ($r) = @_;

    return join(' ', sort map { lc $_->[0] } @{$r->{headers}});
}


for_each_database(sub {
    my ($env, $db) = @_;

    my @workers = $env->{nginx}->workers();

    check('upload and download' => sub {
        my %ways = ('Content-Length' => {}, chunked => { chunked => 1 },
                    'announced' => { headers => [
                        'x-openstack-image-size' => length $data ] },
                    'with parameters' => { headers => [ 'Content-Type' =>
                        'Application/Octet-Stream; charset=binary' ] },
                    'to a store' => { headers => [
                        'x-image-meta-store' => 'file' ] },
                    'that waits' => { expect => 1 });

        for my $way (sort keys %ways) {
            my $id = $env->v2_create({ name => $way });
            my $c = $env->connect();
            my $o = $ways{$way};

            my $r = $c->request('PUT', "/v2/images/$id/file", body => $data,
                %$o, headers => [
                    grep({ $_ eq 'Content-Type' } @{$o->{headers} || []})
                        ? () : ('Content-Type' => 'application/octet-stream'),
                    @{$o->{headers} || []} ]);

            status_is($r, 204, $way);
            request_id_ok($r);
            is($r->{body}, '', 'no body');

            my ($row) = $env->{database}->query("SELECT i.status, i.size,
                i.checksum, i.os_hash_algo, i.os_hash_value, l.value,
                l.status FROM images i JOIN image_locations l
                ON l.image_id = i.id WHERE i.id = '$id'");
            is_deeply($row, [ 'active', length $data, md5_of($data), 'sha512',
                              Digest::SHA::sha512_hex($data),
                              "file://$env->{store}/$id", 'active' ],
                      'the record');

            $r = $c->request('GET', "/v2/images/$id/file");
            status_is($r, 200, 'download, on the same connection');
            ok($r->{body} eq $data, 'the data');
            has_header($r, 'Content-Type', 'application/octet-stream');
            has_header($r, 'Content-MD5', md5_of($data));
            has_header($r, 'Content-Length', length $data);
            is(names_of($r), 'connection content-length content-md5 '
               . 'content-type date server x-openstack-request-id',
               'and no other headers');

            status_is($c->request('DELETE', "/v2/images/$id"), 204, 'deleted');
        }

        is_deeply([ $env->files() ], [], 'no data of deleted images');
        $env->consistent();
    });

    check('other digests' => sub {
        my %digest = (sha512 => Digest::SHA::sha512_hex($data),
                      sha384 => Digest::SHA::sha384_hex($data),
                      sha256 => Digest::SHA::sha256_hex($data),
                      sha224 => Digest::SHA::sha224_hex($data),
                      sha1 => Digest::SHA::sha1_hex($data),
                      md5 => md5_of($data));
        my $python = find_program('python3');
        my $dir = temp_dir();

        write_file("$dir/data", $data);

        for my $name (qw/ sha3_512 sha3_384 sha3_256 sha3_224 blake2b
                          blake2s /)
        {
            next if !$python;

            my ($status, $text) = run_command([ $python, '-c',
                'import hashlib, sys; print(hashlib.new(sys.argv[1],'
                . ' open(sys.argv[2], "rb").read()).hexdigest())', $name,
                "$dir/data" ]);

            $digest{$name} = $text =~ s/\s+$//r if $status == 0;
        }

        for my $name (sort keys %digest) {
            $env->{nginx}->reload(directives =>
                                  "glance_hashing_algorithm $name;");

            my $id = $env->v2_create({}, body => $data);
            my $image = $env->v2('GET', "/$id")->json();

            is_deeply([ @$image{qw/ os_hash_algo os_hash_value checksum /} ],
                      [ $name, $digest{$name}, md5_of($data) ], $name);
            $env->v2('DELETE', "/$id");
        }

        $env->{nginx}->reload(directives => undef);
    });

    check('an empty upload' => sub {
        for my $o ({ body => '' }, { chunked => 1, body => '' },
                   { headers => [ 'x-openstack-image-size' => 0 ] })
        {
            my $id = $env->v2_create({});

            status_is($env->v2_upload($id, %$o), 204);

            my ($row) = $env->rows("id = '$id'");
            is_deeply([ @$row[1, 3, 4] ], [ 'active', 0, md5_of('') ],
                      'active, of size 0');

            my $r = $env->v2('GET', "/$id/file");
            status_is($r, 200);
            is($r->header('Content-Length'), 0, 'no data');
            has_header($r, 'Content-MD5', md5_of(''));
            status_is($env->v2('GET', "/$id/file", headers => [
                Range => 'bytes=0-0' ]), 416, 'nor a part of them');
            $env->v2('DELETE', "/$id");
        }
    });

    check('refused before the body' => sub {
        my $active = $env->v2_create({ name => 'active' }, body => 'x');
        my $id = $env->v2_create({});
        my @octets = ('Content-Type' => 'application/octet-stream');

        my $put = sub {
            my ($id, $status, $title, $words, %o) = @_;

            $o{headers} = [ @octets ] if !$o{headers};
            refused($env, $status, $title, 'PUT', "/v2/images/$id/file",
                    body => $data, words => $words, %o);
        };

        $put->($id, 415, 'no type', qr/media type none/, headers => []);
        $put->($id, 415, $_, qr/media type/, headers => [
            'Content-Type' => $_ ])
            for 'text/plain', 'application/json', 'multipart/form-data',
                'application/octet-streams';
        $put->($id, 400, "size $_", qr/Invalid or missing image size/,
               headers => [ @octets, 'x-openstack-image-size' => $_ ])
            for 'x', '-1', '1.5', '', '99999999999999999999';
        $put->($id, 400, 'another length', qr/x-openstack-image-size is 7/,
               headers => [ @octets, 'x-openstack-image-size' => 7 ]);
        $put->($gone, 404, 'unknown', qr/No image found with ID $gone/);
        $put->('no-id', 404, 'no id', qr/No image found with ID no-id/);
        $put->($active, 409, 'active',
               qr/transition from active to saving is not allowed/);

        for my $case ([ 'disk_format' ], [ 'container_format' ],
                      [ 'disk_format', 'container_format' ])
        {
            my $bare = $env->v2_create({ map { $_ => undef } @$case });

            $put->($bare, 400, "no @$case", qr/must be set prior to saving/);
            $env->v2('DELETE', "/$bare");
        }

        my %signed = map { ("img_signature$_" => 'x') }
                     '', qw/ _hash_method _key_type _certificate_uuid /;
        my $signed = $env->v2_create(\%signed);

        $put->($signed, 400, 'a signature', qr/verified by its img_signature/);
        delete $signed{img_signature};
        $env->v2('DELETE', "/$signed");
        $signed = $env->v2_create(\%signed);
        status_is($env->v2_upload($signed, body => 'x'), 204, 'half of one');
        $env->v2('DELETE', "/$signed");

        for my $status (qw/ saving uploading importing deactivated /) {
            $env->{database}->query("UPDATE images SET status = '$status'
                                     WHERE id = '$id'");
            $put->($id, 409, $status, qr/from $status to saving/);
        }

        $env->{database}->query("UPDATE images SET status = 'queued'
                                 WHERE id = '$id'");
        is($env->v2('GET', "/$active/file")->{body}, 'x', 'unchanged');
        $env->v2('DELETE', "/$active");
        $put->($active, 404, 'deleted', qr/No image found with ID/);
        still_queued($env, $id, 'refused');
    });

    check('refused within the body' => sub {
        my $id = $env->v2_create({});

        for my $size (length($data) - 1, length($data) + 1, 1, 0) {
            refused($env, 400, "size $size", 'PUT', "/v2/images/$id/file",
                    body => $data, chunked => 1, headers => [
                        'Content-Type' => 'application/octet-stream',
                        'x-openstack-image-size' => $size ],
                    words => qr/x-openstack-image-size is $size/);
            is($env->status_of($id), 'queued', 'queued at once');
        }

        my $r = $env->v2_upload($id, length => length $data, chunks => sub {},
                                version => '1.0', abort_after => 0);
        still_queued($env, $id, 'another size');

        $id = $env->v2_create({});
        $env->{nginx}->reload(directives => 'glance_image_size_cap 100000;');

        refused($env, 413, 'too large', 'PUT', "/v2/images/$id/file",
                body => $data, %$_, headers => [
                    'Content-Type' => 'application/octet-stream' ])
            for {}, { chunked => 1 };

        $env->{nginx}->reload(directives => undef);
        still_queued($env, $id, 'too large');
    });

    check('clients that leave or fall silent' => sub {
        for my $how (qw/ fin rst /) {
            for my $o ({}, { chunked => 1 }) {
                for my $n (0, 1, 100_000, 1_400_000) {
                    my $id = $env->v2_create({});
                    my $c = $env->connect();

                    $c->send($c->head('PUT', "/v2/images/$id/file",
                        length => length $data, %$o, headers => [
                            'Content-Type' => 'application/octet-stream' ]));
                    $c->send($o->{chunked}
                        ? sprintf("%x\r\n", $n) . substr($data, 0, $n)
                        : substr($data, 0, $n)) if $n;
                    ok(wait_until(sub { $env->status_of($id) eq 'saving' }),
                       "$how after $n: saving");
                    $how eq 'rst' ? $c->reset() : $c->close();

                    ok(wait_until(sub {
                        $env->status_of($id) eq 'queued' && !$env->claims()
                    }), 'queued again');
                    $env->v2('DELETE', "/$id");
                }
            }
        }

        is_deeply([ $env->files() ], [], 'no data');

        my $id = $env->v2_create({});
        $env->{nginx}->reload(server => 'client_body_timeout 1s;');

        my $c = $env->connect();
        $c->send($c->head('PUT', "/v2/images/$id/file", length => 100,
            headers => [ 'Content-Type' => 'application/octet-stream' ])
            . 'some');
        my $r = $c->read_response('PUT');
        error_ok($r, 408, 'a client that stalls');
        still_queued($env, $id, 'stalled');

        $id = $env->v2_create({});
        $c = $env->connect();
        $r = $c->request('PUT', "/v2/images/$id/file", body => 'slowly',
            piece => 1, delay => 0.3, headers => [
                'Content-Type' => 'application/octet-stream' ]);
        status_is($r, 204, 'a slow one is served');
        is($env->v2('GET', "/$id/file")->{body}, 'slowly', 'the data');
        $env->v2('DELETE', "/$id");
        $env->{nginx}->reload(server => undef);
    });

    check('an id keeps the spelling that it was created with' => sub {
        for my $id ('C5B91965-7A04-4987-B30D-68DEF2DB12A3',
                    'c5b91965-7A04-4987-b30d-68DEF2DB12A4')
        {
            is($env->v2_create({ id => $id }), $id, $id);
            status_is($env->v2('GET', "/$id/file"), 204, 'no data yet');
            status_is($env->v2_upload($id, body => 'data'), 204, 'upload');
            is($env->v2('GET', "/$id/file")->{body}, 'data', 'download');
            is_deeply([ $env->files() ], [ $id ], 'the file');
            status_is($env->v2('DELETE', "/$id"), 204, 'deleted');
            is_deeply([ $env->files() ], [], 'with its data');
            status_is($env->v2('GET', "/$id"), 404, 'and gone');
        }
    });

    check('two at once, and a delete meanwhile' => sub {
        my $id = $env->v2_create({});
        my $c = $env->connect();

        $c->send($c->head('PUT', "/v2/images/$id/file", length => length $data,
            headers => [ 'Content-Type' => 'application/octet-stream' ])
            . substr($data, 0, 500_000));
        ok(wait_until(sub { $env->temp_files() }), 'under way');

        error_ok($env->v2_upload($id, body => 'other'), 409, 'a second one',
                 qr/from saving to saving/);
        status_is($env->v2('GET', "/$id/file"), 204, 'no data yet');

        $c->send(substr($data, 500_000));
        status_is($c->read_response('PUT'), 204, 'the first one');
        ok($env->v2('GET', "/$id/file")->{body} eq $data, 'its data');
        $env->v2('DELETE', "/$id");

        $id = $env->v2_create({});
        $c = $env->connect();
        $c->send($c->head('PUT', "/v2/images/$id/file", length => length $data,
            headers => [ 'Content-Type' => 'application/octet-stream' ])
            . substr($data, 0, 500_000));
        ok(wait_until(sub { $env->temp_files() }), 'under way');
        status_is($env->v2('DELETE', "/$id"), 204, 'deleted meanwhile');
        $c->send(substr($data, 500_000));
        error_ok($c->read_response('PUT'), 410, 'is gone',
                 qr/Image $id could not be found after upload/);
        ok(wait_until(sub { !$env->files() && !$env->claims() }),
           'nothing is left');
        is($env->status_of($id), 'deleted', 'and it stays so');
    });

    check('ranges' => sub {
        my $id = $env->v2_create({}, body => '0123456789');

        my $get = sub { return $env->v2('GET', "/$id/file", headers => [@_]) };

        my @good = (
            [ 'bytes=0-3', 0, 3 ], [ 'bytes=2-', 2, 9 ], [ 'bytes=-3', 7, 9 ],
            [ 'bytes=0-100', 0, 9 ], [ 'bytes=-100', 0, 9 ],
            [ 'bytes=9-9', 9, 9 ],
        );

        for my $case (@good, [ 'bytes 0-3/10', 0, 3 ], [ 'bytes 5-9/*', 5, 9 ])
        {
            my ($range, $from, $to) = @$case;
            my $name = $range =~ / / ? 'Content-Range' : 'Range';
            my $r = $get->($name => $range, 'If-Range' => '"other"');

            status_is($r, 206, "$name: $range");
            is($r->{body}, substr('0123456789', $from, $to - $from + 1),
               'the bytes');
            has_header($r, 'Content-Range', "bytes $from-$to/10");
            has_header($r, 'Content-Length', $to - $from + 1);
            has_header($r, 'Content-MD5', md5_of('0123456789'));
            has_header($r, 'Content-Type', 'application/octet-stream');
            has_header($r, 'Accept-Ranges', '');
        }

        error_ok($get->(Range => $_), 416, $_, qr/Invalid Range header/)
            for 'bytes=5-2', 'items=0-1', 'junk', 'bytes=', 'bytes=a-b';
        error_ok($get->(Range => $_), 416, $_,
                 qr/Start position MUST be in the inclusive range \[0, 9\]/)
            for 'bytes=10-', 'bytes=99999-100000';
        error_ok($get->(Range => $_), 400, $_, qr/multiple ranges/)
            for 'bytes=0-1,3-4', 'bytes=0-, 1-';
        error_ok($get->('Content-Range' => $_), 416, "Content-Range: $_")
            for 'bytes */10', 'bytes 0-10/*', 'bytes 10-11/12';

        my $r = $get->('If-None-Match' => '*', 'If-Modified-Since' =>
                       'Sun, 06 Nov 2044 08:49:37 GMT', 'If-Match' => '"x"');
        status_is($r, 200, 'there are no conditions');
        is($r->{body}, '0123456789', 'but the data');

        error_ok($env->v2('GET', "/$id/file?prefer=fast"), 400, 'prefer',
                 qr/Store 'fast' is not configured/);
        $env->v2('DELETE', "/$id");
    });

    check('downloads by status' => sub {
        my $id = $env->v2_create({});
        my $set = sub {
            $env->{database}->query("UPDATE images SET $_[0]
                                     WHERE id = '$id'");
        };

        for my $range ('', 'bytes=0-1', 'junk') {
            my $r = $env->v2('GET', "/$id/file", headers => [
                $range ? (Range => $range) : () ]);
            status_is($r, 204, "queued, $range");
            is($r->{body}, '', 'nothing');
            request_id_ok($r);
        }

        $env->v2_upload($id, body => 'data');

        for my $case ([ deactivated => 200 ], [ saving => 204 ],
                      [ pending_delete => 404 ], [ active => 200 ])
        {
            $set->("status = '$case->[0]'");
            status_is($env->v2('GET', "/$id/file"), $case->[1], $case->[0]);
        }

        error_ok($env->v2('GET', "/$gone/file"), 404, 'unknown',
                 qr/No image found with ID $gone/);
        error_ok($env->v2('GET', '/no-id/file'), 404, 'no id',
                 qr/No image found with ID no-id/);
        status_is($env->v2('HEAD', "/$id/file"), 405, 'HEAD');

        write_file("$env->{store}/$id", 'other data');
        error_ok($env->v2('GET', "/$id/file"), 500, 'of another size');
        unlink "$env->{store}/$id";
        status_is($env->v2('GET', "/$id/file"), 204, 'lost');
        status_is($env->v2('DELETE', "/$id"), 204, 'can be deleted still');
    });

    check('delete' => sub {
        my $id = $env->v2_create({ protected => \1 }, body => 'data');

        error_ok($env->v2('DELETE', "/$id"), 403, 'protected',
                 qr/Image $id is protected and cannot be deleted/);
        is($env->v2('GET', "/$id/file")->{body}, 'data', 'and there');

        $env->{database}->query('UPDATE images SET protected = 0');
        my $r = $env->v2('DELETE', "/$id");
        status_is($r, 204);
        is(names_of($r), 'connection date server x-openstack-request-id',
           'nothing more');
        is_deeply([ $env->files() ], [], 'no file');
        is_deeply([ $env->{database}->query(
            'SELECT * FROM ngx_glance_removals') ], [], 'nothing to remove');
        error_ok($env->v2('DELETE', "/$_"), 404, 'not twice',
                 qr/Failed to find image $_ to delete/) for $id, $gone;

        $env->{nginx}->reload(directives => 'glance_delayed_delete on;');
        $id = $env->v2_create({}, body => 'data');
        status_is($env->v2('DELETE', "/$id"), 204, 'delayed');
        is($env->status_of($id), 'pending_delete', 'pending');
        is_deeply([ $env->files() ], [ $id ], 'the data are there');
        error_ok($env->v2('DELETE', "/$id"), 404, 'for nobody');
        $env->{nginx}->reload(directives => undef);
        $env->wipe();
    });

    check('HTTP/2' => sub {
        my $curl = find_program('curl');
        plan(skip_all => 'no curl') if !$curl;

        my $dir = temp_dir();
        my $id = $env->v2_create({});
        my $url = "http://127.0.0.1:$env->{nginx}{port_h2}/v2/images/$id";
        my @curl = ($curl, '-s', '-S', '--http2-prior-knowledge', '-H',
                    'Content-Type: application/octet-stream');

        write_file("$dir/data", $data);

        my ($status, $text) = run_command([ @curl, '-T', "$dir/data", '-w',
            '%{http_version} %{http_code}', "$url/file" ]);
        is($text, '2 204', 'upload');

        ($status, $text) = run_command([ @curl, '-D', '-', '-o', "$dir/got",
                                         "$url/file" ]);
        like($text, qr!^HTTP/2 200!, 'download');
        like($text, qr!^content-type: application/octet-stream\r$!m, 'type');
        is(digest_of_file("$dir/got"), md5_of($data), 'the data');

        ($status, $text) = run_command([ @curl, '-r', '5-9', "$url/file" ]);
        is($text, substr($data, 5, 5), 'a range');

        ($status, $text) = run_command([ @curl, $url ]);
        like($text, qr/"id": "$id"/, 'JSON');
        ($status, $text) = run_command([ @curl, '-X', 'DELETE', '-w',
            '%{http_version} %{http_code}', $url ]);
        is($text, '2 204', 'delete');
        ($status, $text) = run_command([ @curl, '-X', 'POST', '-d',
            '{"name": "h2"}', $url =~ s!/[^/]*$!!r ]);
        like($text, qr/"name": "h2"/, 'create');

        # a stream that is reset in the middle
        $id = $env->v2_create({});
        my $pid = spawn(name => 'curl', argv => [ @curl, '--limit-rate',
            '200k', '-T', "$dir/data", $url =~ s![^/]*$!$id/file!r ]);
        ok(wait_until(sub { $env->temp_files() }), 'under way');
        kill_process($pid);
        still_queued($env, $id, 'reset');
        $env->wipe();
    });

    check('the workers are those of the start' => sub {
        cmp_ok(scalar(@workers), '>', 0, 'workers');
        is(scalar($env->{nginx}->log_lines('exited on signal')), 0,
           'none has died');
    });
});


# a worker, or all of nginx, is killed

for_each_database(sub {
    my ($env, $db) = @_;

    my $nginx = $env->{nginx};

    $nginx->allow(qr/exited on signal 9/);

    for my $who ('a worker', 'nginx') {
        check("$who is killed" => sub {
            my $id = $env->v2_create({});
            my $c = $env->connect();

            $c->send($c->head('PUT', "/v2/images/$id/file",
                length => length $data, headers => [
                    'Content-Type' => 'application/octet-stream' ])
                . substr($data, 0, 700_000));
            ok(wait_until(sub { $env->temp_files() }), 'under way');

            if ($who eq 'nginx') {
                $nginx->kill();
                $nginx->start();

            } else {
                my @old = $nginx->workers();

                send_signal('KILL', @old);
                ok($c->closed_by_peer(), 'the client notices');
                ok(wait_until(sub {
                    grep { my $pid = $_; !grep { $pid == $_ } @old }
                         $nginx->workers()
                }), 'a new worker');
            }

            ok(wait_until(sub { $env->status_of($id) eq 'queued' }),
               'the lease ends');

            my ($status, $text) = $env->worker()->once();
            is($status, 0, 'glance-worker --once') or diag($text);
            still_queued($env, $id, 'killed');
        });
    }
}, registry => { upload_lease => 3, sweep_interval => 1 },
   nginx => { lease => '3s' });


# who may

sub who {
    my ($project, $roles) = @_;

    return ('X-Identity-Status' => 'Confirmed', 'X-User-Id' => 'u',
            'X-Project-Id' => $project, 'X-Roles' => $roles);
}


for_each_database(sub {
    my ($env, $db) = @_;

    my %who = (member => [ who('alpha', 'member,reader') ],
               reader => [ who('alpha', 'reader') ],
               other => [ who('beta', 'member,reader') ],
               admin => [ who('gamma', 'Admin, member, reader') ]);

    my $ask = sub {
        my ($name, $method, $path, %o) = @_;

        return $env->connect(from => $proxy)->request($method,
            "/v2/images$path", %o, headers => [ @{$who{$name}},
                @{$o{headers} || []} ]);
    };

    my $status = sub {
        my ($name, $method, $id) = @_;

        return $ask->($name, $method, "/$id/file", $method eq 'PUT'
            ? (body => 'data', headers => [ 'Content-Type' =>
                                            'application/octet-stream' ])
            : ())->{status};
    };

    my $create = sub {
        my ($visibility) = @_;

        my $r = $ask->('member', 'POST', '', body => JSON::PP::encode_json({
            name => $visibility, disk_format => 'raw',
            container_format => 'bare' }));
        my $id = $r->json()->{id};

        $env->{database}->query("UPDATE images
            SET visibility = '$visibility' WHERE id = '$id'");

        return $id;
    };

    check('policy of uploads, downloads and deletes' => sub {
        my %expected = (
            private => { reader => 403, other => 404 },
            shared => { reader => 403, other => 404 },
            community => { reader => 403, other => 403 },
            public => { reader => 403, other => 403 },
        );

        for my $visibility (sort keys %expected) {
            my $id = $create->($visibility);
            my $refusals = $expected{$visibility};

            is($status->($_, 'PUT', $id), $refusals->{$_},
               "$visibility: upload by $_") for sort keys %$refusals;
            is($status->('member', 'PUT', $id), 204, 'by its owner');

            is($status->($_->[0], 'GET', $id), $_->[1], "download by $_->[0]")
                for [ member => 200 ], [ admin => 200 ], [ reader => 403 ],
                    [ other => $refusals->{other} == 404 ? 404 : 200 ];

            $env->{database}->query("UPDATE images
                SET status = 'deactivated' WHERE id = '$id'");
            is($status->($_->[0], 'GET', $id), $_->[1],
               "deactivated: download by $_->[0]")
                for [ member => 403 ], [ admin => 200 ];
            $env->{database}->query("UPDATE images
                SET status = 'active' WHERE id = '$id'");

            is($ask->($_, 'DELETE', "/$id")->{status}, $refusals->{$_},
               "delete by $_") for sort keys %$refusals;
            is($ask->($visibility eq 'public' ? 'admin' : 'member', 'DELETE',
                      "/$id")->{status}, 204, 'by who may');
        }

        is_deeply([ $env->files() ], [], 'no data');
    });
}, nginx => { identity => 'trusted', proxies => [ $proxy ],
              secret => 's3cret',
              directives => 'glance_admin_role boss admin;' },
   registry => { 'paste_deploy/flavor' => 'trusted',
                 registry_secret => 's3cret' });


done_testing();
