#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The registry as a service: its options, its database going and coming, its
# signals, its sockets, and what it makes of hostile input.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


# the registry as a command that ends by itself: (exit status, text)

sub run {
    my ($r, @arguments) = @_;

    my ($status, $text) = run_command([ @{$r->argv()}, @arguments ],
        env => { Glance::Program::sanitizer_env($r->{dir}), %{$r->{env}
                                                              || {}} });

    return ($status, $text);
}


# a registry that is running, but not ready

sub launch {
    my ($r) = @_;

    $r->{pid} = spawn(name => $r->{name}, argv => $r->argv(),
                      log => $r->{output},
                      env => { Glance::Program::sanitizer_env($r->{dir}) });

    return wait_until(sub { eval { $r->request('GET', '/healthcheck',
                                               timeout => 20)->{status} } });
}


sub sqlite {
    my (%options) = @_;

    return Glance::Registry->new(database => Glance::Database->new('sqlite'),
                                 options => \%options);
}


# all that was written, by whatever way

sub said {
    my ($r) = @_;

    return join('', map { read_file($_) } grep { -e }
                    $r->{log}, $r->{output});
}


sub answers {
    my ($connection, $n) = @_;

    return map { $connection->read_response('GET') } 1 .. $n;
}


sub closed {
    my ($port, $host) = @_;

    return !eval { Glance::HTTP->new(port => $port, host => $host); 1 };
}


check('S-25 verbose and debug' => sub {
    my %lines = (
        'False False' => '', 'True False' => 'INFO',
        'False True' => 'DEBUG INFO', 'True True' => 'DEBUG INFO',
    );

    for my $case (sort keys %lines) {
        my ($verbose, $debug) = split(' ', $case);
        my $r = sqlite(verbose => $verbose, debug => $debug);

        $r->start();
        $r->request('GET', '/images');
        $r->request('DELETE', '/claims/x');
        finish($r);

        my %level = map { /^\S+ \S+ +(\w+) \[/ ? ($1 => 1) : () }
                    split(/\n/, said($r));

        is(join(' ', sort keys %level), $lines{$case},
           "verbose $verbose, debug $debug");

        like(said($r), qr/^\S+ \S+ +DEBUG \[glance-registry\] \*{80}$/m,
             'the options are shown') if $debug eq 'True';
        like(said($r), qr/\] bind_port {22}$r->{port}$/m,
             'as name and value') if $debug eq 'True';
    }
});


check('S-25 bind_host and bind_port' => sub {
    my $r = sqlite(bind_host => '127.0.0.2');

    # it is ready where the test does not look
    $r->{pid} = spawn(name => $r->{name}, argv => $r->argv(),
                      log => $r->{output});

    ok(wait_until(sub { !closed($r->{port}, '127.0.0.2') }),
       'it listens there');
    ok(closed($r->{port}, '127.0.0.1'), 'and not elsewhere');
    is(Glance::HTTP->new(port => $r->{port}, host => '127.0.0.2')
       ->request('GET', '/images')->{status}, 200, 'and answers');
    finish($r);

    $r = sqlite(bind_host => '0.0.0.0');
    $r->start();
    ok(!closed($r->{port}, $_), "0.0.0.0 has $_")
        for '127.0.0.1', '127.0.0.2';

    my $second = sqlite(bind_port => $r->{port});
    my ($status, $text) = run($second);

    is($status, 1, 'a port in use');
    like($text, qr/$r->{port}.*in use/i, 'it says which');
    finish($r);

    for my $host ('256.1.1.1', 'no such host') {
        ($status, $text) = run(sqlite(bind_host => $host));
        is($status, 1, $host);
        like($text, qr/\Q$host\E/, 'it says which');
    }
});


check('S-25 log_file, and SIGUSR1' => sub {
    my $r = sqlite();

    $r->{log} = "$r->{dir}/new/sub/registry.log";
    $r->start(log_file => $r->{log});
    $r->request('GET', '/images?limit=11');
    like(read_file($r->{log}), qr/^[-0-9]{10}\ [:0-9]{8}\ {5}INFO
        \ \[glance-registry\]\ .*\/images.*status=200/mx,
        'a line of it, in a directory that was made');
    is(read_file($r->{output}), '', 'nothing elsewhere');

    rename($r->{log}, "$r->{log}.1");
    write_file($r->{log}, '');
    send_signal('USR1', $r->{pid});
    ok(wait_until(sub { $r->request('GET', '/images');
                        read_file($r->{log}) =~ /status=200/ }),
       'opened anew');

    unlink($r->{log});
    ok(wait_until(sub { $r->request('GET', '/images'); -e $r->{log} }),
       'also when it was removed, without a signal');
    finish($r);

    $r = sqlite();
    $r->{options}{log_file} = '';
    $r->start();
    $r->request('GET', '/images');
    like(read_file($r->{output}), qr/status=200/,
         'without log_file: standard output');
    finish($r);

    $r = sqlite(log_file => "$r->{dir}/glance-registry.conf/x");
    my ($status, $text) = run($r);
    is($status, 1, 'a log that cannot be opened');
    like($text, qr/log file.*glance-registry\.conf\/x/, 'it says which');
});


check('S-25 S-09 sql_connection of SQLite' => sub {
    my $dir = temp_dir();
    my %url = (
        'sqlite:///%s' => 'absolute', 'sqlite+pysqlite:///%s' => 'suffix',
        'sqlite:///%s?check_same_thread=False' => 'parameters',
    );

    for my $url (sort keys %url) {
        my $file = "$dir/$url{$url} 1.sqlite";
        my $r = sqlite(sql_connection => sprintf($url, $file));

        $r->start();
        new_image($r, {});
        finish($r);
        ok(-s $file, $url{$url});
    }

    my $r = sqlite();

    $r->{options}{sql_connection} = 'sqlite:///relative.sqlite';
    $r->{pid} = spawn(name => $r->{name}, argv => $r->argv(), dir => $dir,
                      log => $r->{output});
    ok(wait_until(sub { -s "$dir/relative.sqlite" }), 'a relative file');
    finish($r);

    my $plain = sqlite();
    $plain->start('database/connection' => "sqlite:///$dir/section.sqlite",
                  sql_connection => '');
    finish($plain);
    ok(-s "$dir/section.sqlite", '[database] connection');
});


check('S-09 connections that cannot be' => sub {
    my %bad = (
        'oracle://scott:t1ger@host/db' => qr/oracle/,
        'postgresql+psycopg2://u:t1ger@host/db' => qr/postgresql/,
        'glance.sqlite' => qr/:\/\//, 'sqlite://' => qr/file/,
        'sqlite:///:memory:' => qr/file/, 'mysql://u:t1ger@host' => qr/base/,
        'mysql://u:t1ger@host/' => qr/base/,
        'mysql://u:t1%ger@h/d' => qr/percent-encoding/,
        'mysql://u:t1ger@host:0/d' => qr/port/,
        'mysql://u:t1ger@host:99999/d' => qr/port/,
        'mysql://u:t1ger@[::1/d' => qr/\]/,
    );

    for my $url (sort keys %bad) {
        for my $arguments ([], [ '--check' ]) {
            my $r = sqlite(sql_connection => $url);
            my ($status, $text) = run($r, @$arguments);

            is($status, 1, "@$arguments $url");
            like($text, qr/sql_connection/, 'it names the option');
            like($text, $bad{$url}, 'and what is wrong');
            like($text, qr/glance-registry\.conf:\d+/, 'and where');
            unlike($text . said($r), qr/t1/, 'without the password');
        }
    }
});


check('S-25 S-09 MySQL' => sub {
    my $missing = Glance::Database::missing('mysql');

    plan(skip_all => $missing) if $missing;

    my $db = Glance::Database->new('mysql');
    my $server = $db->{server};
    my ($rest) = $db->{connection} =~ m!(://.*)\?!;
    my ($password) = $rest =~ /:([^:@]+)@/;
    my $make = sub {
        my (%options) = @_;

        return Glance::Registry->new(database => $db, options => {
            debug => 'True', %options });
    };
    my $processes = sub {
        return map { $_->[0] } $db->query(
            "SELECT id FROM information_schema.processlist
             WHERE user = 'glance' ORDER BY id");
    };

    check('driver suffixes' => sub {
        for my $scheme (qw/ mysql mysql+pymysql mysql+mysqldb mariadb
                            mysql+mysqlconnector mariadb+mariadbconnector /)
        {
            my $r = $make->(sql_connection => "$scheme$rest"
                                              . '?charset=utf8mb4');

            $r->start();
            like(said($r), qr/database="mysql glance\@127\.0\.0\.1:/,
                 $scheme);
            finish($r);
            unlike(said($r), qr/\Q$password\E|g1\@nce|g1%40nce/,
                   'the password is nowhere');
        }
    });

    check('unix_socket' => sub {
        $server->execute("CREATE USER IF NOT EXISTS glance\@localhost"
            . " IDENTIFIED BY 'g1\@nce/%?';"
            . "GRANT ALL ON $db->{schema}.* TO glance\@localhost");

        my $socket = "$server->{dir}/s" =~ s!/!%2F!gr;

        for my $where ("/$db->{schema}?unix_socket=$server->{dir}/s",
                       "localhost/$db->{schema}?charset=utf8"
                       . "&unix_socket=$socket")
        {
            my $r = $make->(sql_connection =>
                            "mysql+pymysql://glance:$password\@$where");

            $r->start();
            new_image($r, {});
            finish($r);
            like(said($r), qr!database="mysql glance\@\Q$server->{dir}\E/s/!,
                 $where);
        }
    });

    check('sql_idle_timeout renews a connection' => sub {
        for my $name (qw/ sql_idle_timeout sql_idel_timeout
                          database\/connection_recycle_time /)
        {
            my $r = $make->($name => 1, registry_threads => 1,
                            sweep_interval => 3600, upload_lease => 3600);

            $r->start();

            my $id = new_image($r, {})->{id};
            my @before = $processes->();

            sleep(2);
            ok(image_of($r, $id), "$name: answered after it");

            my %before = map { $_ => 1 } @before;
            my @new = grep { !$before{$_} } $processes->();

            is(scalar(@new), 1, 'by a new connection');
            image_of($r, $id);
            is_deeply([ grep { !$before{$_} } $processes->() ], \@new,
                      'which is used again');
            finish($r);
        }

        my $r = $make->(registry_threads => 1, sweep_interval => 3600);
        $r->start();
        new_image($r, {});

        my @before = $processes->();

        sleep(2);
        image_of($r, 'x');
        is_deeply([ $processes->() ], \@before, '3600: it is kept');
        finish($r);
    });

    check('connections that the server has closed' => sub {
        my $r = $make->();
        my $kill = sub {
            $server->execute(join('', map { "KILL $_;" } $processes->()));
        };

        $r->start();

        my $id = new_image($r, {})->{id};

        for my $n (1 .. 3) {
            $kill->();
            is(image_of($r, $id)->{id}, $id, 'a reader does not notice');
            $kill->();
            status_is($r->request('PUT', "/images/$id", json => {
                image => { name => "n$n" } }), 200, 'nor does a writer');
            is(image_of($r, $id)->{name}, "n$n", 'it is written');
        }

        $server->execute('SET GLOBAL wait_timeout = 1');
        $r->stop();
        $r->start();
        new_image($r, {});
        ok(wait_until(sub { !$processes->() }), 'wait_timeout of the server');
        is(image_of($r, $id)->{name}, 'n3', 'is not noticed either');
        $server->execute('SET GLOBAL wait_timeout = 28800');
        finish($r);
    });

    check('a deadlock is tried again' => sub {
        my $r = $make->();

        $r->start();

        my $id = new_image($r, { properties => { a => '1' } })->{id};
        my @heavy = map { new_image($r, {})->{id} } 1 .. 20;

        # an administrator's session, which has changed more than ours: the
        # server makes ours the victim
        open(my $session, '|-', $server->client(), $db->{schema})
            or die "mariadb: $!\n";
        $session->autoflush(1);
        print $session "BEGIN;\n", map({ "UPDATE images SET name = 'h'"
            . " WHERE id = '$_';\n" } @heavy), "SELECT * FROM"
            . " image_properties WHERE image_id = '$id' FOR UPDATE;\n";

        my $trx = sub {
            return ($db->query('SELECT COUNT(*) FROM'
                . " information_schema.innodb_trx WHERE $_[0]"))[0][0];
        };

        ok(wait_until(sub { $trx->('trx_rows_modified >= 20') }),
           'the other holds rows');

        my $job = in_background(sub {
            return $r->request('PUT', "/images/$id", json => {
                image => { name => 'after', properties => { a => '2' } },
            })->{status};
        });

        ok(wait_until(sub { $trx->("trx_state = 'LOCK WAIT'") }),
           'ours waits for one');
        print $session "UPDATE images SET min_ram = 1 WHERE id = '$id';\n",
                       "COMMIT;\n";
        close($session);

        is($job->(), 200, 'it succeeds');
        is(image_of($r, $id)->{name}, 'after', 'it is written');
        is(image_of($r, $id)->{properties}{a}, '2', 'all of it');
        like(said($r), qr/transaction repeated.*1213/, 'there was one');
        finish($r);
    });

    check('the server is away, and there again' => sub {
        my $r = $make->(sql_retry_interval => 0);

        $r->start();

        my $id = new_image($r, {})->{id};

        $server->stop();

        for my $case ([ GET => "/images/$id" ], [ GET => '/images/detail' ],
                      [ PUT => "/images/$id", '{"image": {"name": "x"}}' ],
                      [ POST => '/images', '{"image": {"name": "x"}}' ],
                      [ DELETE => "/images/$id" ],
                      [ GET => "/images/$id/members" ],
                      [ PUT => "/images/$id/members/a" ],
                      [ GET => '/claims' ], [ GET => '/removals' ],
                      [ GET => '/healthcheck' ])
        {
            my ($method, $path, $body) = @$case;
            my $a = $r->request($method, $path, body => $body // '');

            status_is($a, 503, "$method $path");
            has_header($a, 'Retry-After', qr/^\d+$/, 'Retry-After');
            like($a->{body}, qr/database is not available/, 'its words');
            unlike($a->{body}, qr/mysql|127\.0|glance\@/i,
                   'nothing about where it is');
        }

        $server->start();

        ok(wait_until(sub { $r->ready() }), 'recovered, without a restart');
        is(image_of($r, $id)->{id}, $id, 'everything is there');
        ok($r->alive(), 'the same process');
        like(said($r), qr/ERROR.*not reachable/, 'the log tells when it went');
        like(said($r), qr/reached again/, 'and when it came');
        finish($r);
    });

    check('no server at the start' => sub {
        my $port = free_port();
        my $away = "mysql://glance:$password\@127.0.0.1:$port/$db->{schema}";
        my $r = $make->(sql_connection => $away, sql_max_retries => 2,
                        sql_retry_interval => 0);
        my ($status, $text) = run($r);

        is($status, 1, 'given up');
        like($text, qr/not reachable after 2 retries.*sql_max_retries/,
             'after the tries that are allowed');
        unlike($text . said($r), qr/\Q$password\E/, 'without the password');

        $server->stop();
        $r = $make->(sql_max_retries => -1, sql_retry_interval => 0);

        is(launch($r), 503, '-1: it waits, and answers 503 meanwhile');
        has_header($r->request('GET', '/images'), 'Retry-After', qr/^\d+$/);
        $server->start();
        ok(wait_until(sub { $r->ready() }), 'and serves when it is there');
        ok(new_image($r, {})->{id}, 'all of it');
        finish($r);

        $server->stop();
        $r = $make->(sql_retry_interval => 0);
        is(launch($r), 503, 'not set: the same');

        # Glance's ten tries would be over
        $r->request('GET', '/images') for 1 .. 5;
        sleep(2);
        ok($r->alive(), 'without end');
        $server->start();
        ok(wait_until(sub { $r->ready() }), 'and serves when it is there');
        finish($r);

        $server->stop();
        $r = $make->(sql_max_retries => 1000, sql_retry_interval => 3600);
        is(launch($r), 503, 'it waits');
        is($r->stop(), 0, 'and ends when it is told to');
        $server->start();
    });

    check('a server that does not let us in' => sub {
        for my $url ("mysql://glance:wr0ng\@127.0.0.1:$server->{port}/"
                     . $db->{schema},
                     "mysql://glance:$password\@127.0.0.1:$server->{port}/"
                     . 'no_such_database')
        {
            my $r = $make->(sql_connection => $url, sql_max_retries => -1);
            my ($status, $text) = run($r);

            is($status, 1, 'is not waited for');
            like($text, qr/denied|Unknown database/i, 'it says why');
            unlike($text . said($r), qr/wr0ng|\Q$password\E/,
                   'without the password');
        }
    });
});


check('SQLite: a lock of others is waited for' => sub {
    my $r = sqlite();

    $r->start();

    my $id = new_image($r, {})->{id};
    my $lock = sub {
        open(my $fh, '|-', find_program('sqlite3'), '-batch',
             $r->{database}{file}) or die "sqlite3: $!\n";
        $fh->autoflush(1);
        print $fh "BEGIN IMMEDIATE;\nUPDATE images SET min_disk = 1;\n",
                  ".shell touch $r->{dir}/locked\n";
        wait_until(sub { -e "$r->{dir}/locked" });
        unlink("$r->{dir}/locked");
        return $fh;
    };
    my $write = sub {
        return $r->request('PUT', "/images/$id",
                           json => { image => { name => $_[0] } });
    };

    my $fh = $lock->();
    my $job = in_background(sub { $write->('short')->{status} });

    is(image_of($r, $id)->{min_disk}, 0, 'readers go on');
    print $fh "COMMIT;\n";
    close($fh);
    is($job->(), 200, 'a short one delays');

    $fh = $lock->();

    my $a = $write->('long');
    status_is($a, 503, 'a long one is told');
    has_header($a, 'Retry-After', qr/^\d+$/);
    is(image_of($r, $id)->{name}, 'short', 'nothing changed');
    print $fh "ROLLBACK;\n";
    close($fh);
    status_is($write->('then'), 200, 'and is over');
    finish($r);
});


check('SQLite: a file that cannot be' => sub {
    for my $file ('/dev/null/x/glance.sqlite', '/proc/glance.sqlite') {
        my $r = sqlite(sql_connection => "sqlite:///$file",
                       sql_max_retries => 1, sql_retry_interval => 0);
        my ($status, $text) = run($r);

        is($status, 1, $file);
        like($text, qr/\Q$file\E/, 'it says which');
    }

    my $dir = temp_dir();
    write_file("$dir/text", "this is no database\n" x 100);
    my ($status, $text) = run(sqlite(sql_connection => "sqlite:///$dir/text",
        sql_max_retries => 1, sql_retry_interval => 0));
    is($status, 1, 'another kind of file');
    like($text, qr/not a database/, 'it says so');
    like(read_file("$dir/text"), qr/^this is no database/,
         'and leaves it alone');
});


check('the end comes after the requests' => sub {
    for_each_registry(sub {
        my ($r, $kind) = @_;

        for my $signal (qw/ TERM HUP INT QUIT /) {
            my $body = '{"image": {"name": "during ' . $signal . '"}}';
            my $c = Glance::HTTP->new(port => $r->{port});
            my $idle = Glance::HTTP->new(port => $r->{port});

            status_is($idle->request('GET', '/images'), 200, 'an idle one');
            $c->send($c->head('POST', '/images', body => $body)
                     . substr($body, 0, 10));
            status_is($r->request('GET', '/images'), 200,
                      'the first part has arrived');
            send_signal($signal, $r->{pid});
            ok(wait_until(sub { closed($r->{port}) }),
               "$signal: no new connections");
            $c->send(substr($body, 10));

            my $a = $c->read_response('POST');

            status_is($a, 200, 'the request is finished');
            has_header($a, 'Connection', qr/^close$/i, 'as the last one');
            ok($idle->closed_by_peer(), 'the idle one is closed');
            ok(wait_until(sub { !$r->alive() }), 'it ends');
            is($r->stop(), 0, 'with status 0');
            unlike(said($r), qr/CRITICAL|ERROR/, 'without complaints');

            $r->start();
            is(scalar($r->{database}->query("SELECT id FROM images
                WHERE name = 'during $signal'")), 1, 'it is stored');
        }
    });
});


check('pid files' => sub {
    my $r = sqlite();
    my $run = "$r->{dir}/run/deep";
    my $pid = "$run/glance-registry.pid";

    $r->{arguments} = [ '--run-dir', $run ];
    $r->start();
    is(read_file($pid), "$r->{pid}\n", '--run-dir');

    my $second = sqlite();
    my ($status, $text) = run($second, '--run-dir', $run);

    is($status, 1, 'a second one is refused');
    like($text, qr/\Q$pid\E/, 'it names the file');
    is(read_file($pid), "$r->{pid}\n", 'which stays');
    ok($r->ready(), 'the first one goes on');
    $r->stop();
    ok(!-e $pid, 'removed at the end');

    for my $stale ('', "x\n", "-5\n", "99999999\n", "1\n", "$$\n") {
        write_file($pid, $stale);
        $r->start();
        is(read_file($pid), "$r->{pid}\n", 'stale: ' . ($stale =~ s/\n//r));
        $r->stop();
    }

    $r->{arguments} = [ "--pid-file=$r->{dir}/other.pid" ];
    $r->start();
    is(read_file("$r->{dir}/other.pid"), "$r->{pid}\n", '--pid-file');
    write_file("$r->{dir}/other.pid", "1\n");
    $r->stop();
    is(read_file("$r->{dir}/other.pid"), "1\n",
       'one of another process is left alone');

    $r->{arguments} = [];
    $r->start();
    ok(!-e $pid, 'none unless asked for');
    finish($r);
});


check('connections' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $id = new_image($r, { name => 'one' })->{id};

        check('keepalive' => sub {
            my $c = Glance::HTTP->new(port => $r->{port});

            for my $n (1 .. 20) {
                my $a = $n % 4 == 0 ? $c->request('GET', '/nope')
                      : $n % 4 == 1 ? $c->request('GET', "/images/$id")
                      : $n % 4 == 2 ? $c->request('PUT', "/images/$id",
                            body => '{"image": {"min_ram": ' . $n . '}}')
                      : $c->request('PUT', "/images/$id/members/a");
                my $want = (404, 200, 200, 204)[$n % 4];

                status_is($a, $want, "request $n");
                unlike($a->header('Connection') || '', qr/close/i, 'stays');
            }

            status_is($c->request('GET', '/images', close => 1), 200,
                      'the last one');
            ok($c->closed_by_peer(), 'is the last one');
        });

        check('pipelined' => sub {
            my $c = Glance::HTTP->new(port => $r->{port});
            my $body = '{"image": {"name": "two"}}';

            $c->send($c->head('GET', "/images/$id")
                     . $c->head('PUT', "/images/$id", body => $body) . $body
                     . $c->head('GET', "/images/$id")
                     . $c->head('GET', '/nope')
                     . $c->head('GET', "/images/$id/members"));

            my @a = answers($c, 5);

            is(join(' ', map { $_->{status} } @a), '200 200 200 404 200',
               'in their order');
            is($a[0]->json()->{image}{name}, 'one', 'before');
            is($a[2]->json()->{image}{name}, 'two', 'after');

            $c = Glance::HTTP->new(port => $r->{port});
            $c->send($c->head('GET', '/healthcheck') x 200);
            @a = answers($c, 200);
            is(scalar(grep { $_->{status} == 200 } @a), 200, 'two hundred');
        });

        check('byte by byte, and chunked' => sub {
            my $c = Glance::HTTP->new(port => $r->{port});
            my $body = '{"image": {"name": "slow"}}';

            $c->send($_) for split(//, $c->head('PUT', "/images/$id",
                                                body => $body) . $body);
            is($c->read_response('PUT')->json()->{image}{name}, 'slow',
               'bytes');
            is($c->request('PUT', "/images/$id", chunked => 1, piece => 3,
                           body => $body)->json()->{image}{name}, 'slow',
               'chunks');
            status_is($c->request('PUT', "/images/$id", expect => 1,
                                  body => $body), 200, '100-continue');
            status_is($c->request('GET', "/images/$id"), 200, 'and on');
        });

        check('clients that leave' => sub {
            for my $after (0, 5) {
                for my $how ('close', 'rst') {
                    my $c = Glance::HTTP->new(port => $r->{port});

                    $c->request('PUT', "/images/$id", abort => $how,
                                abort_after => $after, length => 26,
                                body => '{"image": {"name": "left"}}');
                }
            }

            ok($r->ready(), 'it is well');
            is(image_of($r, $id)->{name}, 'slow', 'nothing changed');
        });

        check('more connections than threads' => sub {
            my @c = map { Glance::HTTP->new(port => $r->{port}) } 1 .. 300;

            is(scalar(grep { $_->request('GET', '/healthcheck')->{status}
                             == 200 } @c), 300, 'all are served');
        });
    });
});


check('the unix socket' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $path = "$r->{dir}/s";
        my $local = sub {
            my ($method, $where, %o) = @_;

            return Glance::HTTP->new(path => $path)
                   ->request($method, $where, close => 1, %o);
        };

        $r->stop();
        write_file($path, 'left behind');
        unlink($path);
        $r->start(registry_socket => $path);

        status_is($local->('GET', '/claims', tenant('root', 'admin')), 200,
                  'who may open it needs no secret');
        status_is($local->('GET', '/images'), 401, 'but an identity');
        status_is($local->('GET', '/images', tenant('a')), 200,
                  'which is believed');
        status_is($r->request('GET', '/claims', tenant('a')), 200,
                  'TCP is still there');

        my $http = Glance::HTTP->new(port => $r->{port});
        status_is($http->request('GET', '/claims', tenant('a')), 401,
                  'with the secret only');

        $r->stop();
        ok(!-e $path, 'removed at the end');
        $r->start();
        $r->kill();
        ok(-e $path, 'left behind by one that was killed');
        $r->start();
        status_is($local->('GET', '/claims', tenant('a', 'admin')), 200,
                  'and taken over');
    }, registry_secret => 's3cret', 'paste_deploy/flavor' => 'trusted');
});


check('registry_secret' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $id = new_image($r, {}, tenant('alice'))->{id};

        for my $secret (undef, '', 's3cre', 's3crets3cret', 's3creT',
                        's3cret ', 'x' x 5000)
        {
            for my $case ([ GET => '/images' ], [ GET => "/images/$id" ],
                          [ PUT => "/images/$id" ],
                          [ DELETE => "/images/$id" ], [ POST => '/images' ],
                          [ GET => '/claims' ], [ GET => '/removals' ])
            {
                my ($method, $path) = @$case;
                my $http = Glance::HTTP->new(port => $r->{port});
                my ($name, $headers) = tenant('alice', 'admin');
                my $a = $http->request($method, $path, headers => [
                    @$headers, defined $secret
                        ? ('X-Glance-Secret' => $secret) : () ],
                    body => '{"image": {"name": "x"}}');

                # a space at the end is no part of a header's value
                next if defined $secret && $secret eq 's3cret ';

                status_is($a, 401, substr($secret // 'none', 0, 12)
                                   . " $method $path");
                unlike($a->{body}, qr/s3cre|xxxx/, 'not repeated');
            }
        }

        is(image_of($r, $id, tenant('alice'))->{id}, $id, 'untouched');
        is(Glance::HTTP->new(port => $r->{port})
           ->request('GET', '/healthcheck')->{status}, 200,
           'health is for everybody');

        my ($status, $text) = run($r, '--print-config');
        unlike($text, qr/s3cret/, 'not printed');
        finish($r);
        unlike(said($r), qr/s3cret/, 'not logged');
        like(said($r), qr/registry_secret +\*+/, 'masked');
        $r->start();
    }, registry_secret => 's3cret', 'paste_deploy/flavor' => 'trusted',
       debug => 'True');
});


check('bodies' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $id = new_image($r, {})->{id};
        my $send = sub {
            my ($size, %o) = @_;
            my $body = '{"image": {"name": "n"}}';

            return Glance::HTTP->new(port => $r->{port})
                   ->request('PUT', "/images/$id", %o,
                             body => $body . ' ' x ($size - length $body));
        };

        status_is($send->(2048), 200, 'max_request_body');
        status_is($send->(2048, chunked => 1), 200, 'chunked');
        status_is($send->(2049), 413, 'one byte more');
        status_is($send->(2049, chunked => 1), 413, 'chunked');
        status_is($send->(5_000_000, stop_early => 1), 413, 'much more');
        status_is($send->(5_000_000, chunked => 1, stop_early => 1), 413,
                  'much more, chunked');

        my $c = Glance::HTTP->new(port => $r->{port});
        $c->send($c->head('PUT', "/images/$id", length => 10**15));
        my $a = $c->read_response('PUT');
        status_is($a, 413, 'refused before it comes');
        like($a->{body}, qr/2048 bytes/, 'it tells the limit');

        $c = Glance::HTTP->new(port => $r->{port});
        $c->send($c->head('PUT', "/images/$id", length => '9' x 40));
        like($c->read_response('PUT')->{status}, qr/^(?:413|400)$/,
             'a length beyond numbers');
        ok($r->ready(), 'it is well');
    }, max_request_body => 2048);
});


# no answer may be a 500, and the registry has to be well after each

check('hostile input' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $id = new_image($r, { properties => { a => 'b' } })->{id};
        my $image = image_of($r, $id);
        my $raw = sub {
            my ($title, $bytes, $allowed) = @_;
            my $c = Glance::HTTP->new(port => $r->{port}, timeout => 20);

            $c->send($bytes);
            $c->half_close();

            my $a = $c->read_response('GET');

            ok($a->{status} < 500 || ($allowed && $a->{status} == $allowed),
               "$title: $a->{status}")
                or diag($a->summary());
            $c->close();
        };

        my $host = "Host: x\r\n";
        my %raw = (
            'no HTTP' => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            'nothing' => '', 'a line' => "\r\n", 'NULs' => "\0" x 100,
            'HTTP/0.9' => "GET /images\r\n\r\n",
            'HTTP/1.0' => "GET /images HTTP/1.0\r\n\r\n",
            'no host' => "GET /images HTTP/1.1\r\n\r\n",
            'no path' => "GET  HTTP/1.1\r\n$host\r\n",
            'absolute' => "GET http://x/images HTTP/1.1\r\n$host\r\n",
            'star' => "OPTIONS * HTTP/1.1\r\n$host\r\n",
            'a relative path' => "GET images HTTP/1.1\r\n$host\r\n",
            'dots' => "GET /images/../../etc/passwd HTTP/1.1\r\n$host\r\n",
            'a NUL' => "GET /images/a\0b HTTP/1.1\r\n$host\r\n",
            'a method' => "B\x80\xffD /images HTTP/1.1\r\n$host\r\n",
            'a long method' => 'A' x 5000 . " / HTTP/1.1\r\n$host\r\n",
            'a long path' => 'GET /' . 'a' x 20000
                             . " HTTP/1.1\r\n$host\r\n",
            'many segments' => 'GET ' . '/a' x 5000
                               . " HTTP/1.1\r\n$host\r\n",
            'many slashes' => 'GET ' . '/' x 9000 . "images HTTP/1.1\r\n"
                              . "$host\r\n",
            'a long query' => 'GET /images?name=' . 'a' x 20000
                              . " HTTP/1.1\r\n$host\r\n",
            'many arguments' => 'GET /images?' . join('&', ('a=b') x 2000)
                                . " HTTP/1.1\r\n$host\r\n",
            'arguments of nothing' => 'GET /images?&&&=&=&a&=b'
                                      . " HTTP/1.1\r\n$host\r\n",
            'many headers' => "GET /images HTTP/1.1\r\n$host"
                . join('', map { "X-$_: y\r\n" } 1 .. 1000) . "\r\n",
            'a long header' => "GET /images HTTP/1.1\r\n${host}X: "
                               . 'y' x 20000 . "\r\n\r\n",
            'no colon' => "GET /images HTTP/1.1\r\n${host}nonsense\r\n\r\n",
            'a folded header' => "GET /images HTTP/1.1\r\n${host}X: a\r\n"
                                 . " b\r\n\r\n",
            'a negative length' => "PUT /images/$id HTTP/1.1\r\n$host"
                                   . "Content-Length: -5\r\n\r\n",
            'two lengths' => "PUT /images/$id HTTP/1.1\r\n${host}"
                . "Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}",
            'length and chunks' => "PUT /images/$id HTTP/1.1\r\n$host"
                . "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                . "0\r\n\r\n",
            'an encoding' => "PUT /images/$id HTTP/1.1\r\n$host"
                             . "Transfer-Encoding: gzip\r\n\r\n",
            'a bad chunk' => "PUT /images/$id HTTP/1.1\r\n$host"
                . "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n",
            'a huge chunk' => "PUT /images/$id HTTP/1.1\r\n$host"
                . "Transfer-Encoding: chunked\r\n\r\n"
                . "ffffffffffffffffff\r\n{}\r\n",
            'a short body' => "PUT /images/$id HTTP/1.1\r\n$host"
                              . "Content-Length: 50\r\n\r\n{\"image\"",
        );

        # what HTTP itself has a 5xx for is not a failure of ours
        my %allowed = ('an encoding' => 501);

        for my $title (sort keys %raw) {
            $raw->($title, $raw{$title}, $allowed{$title});
        }

        ok($r->ready(), 'it is well');

        my @bodies = (
            '[' x 100000, '{"a":' x 3000 . '1' . '}' x 3000,
            '{"image": ' . '[' x 2000 . ']' x 2000 . '}',
            '{"image": {"properties": {"a": ' . '[' x 1000 . ']' x 1000
                . '}}}',
            '{"image": {"size": 1e400}}', '{"image": {"size": 1e5}}',
            '{"image": {"size": 99999999999999999999999}}',
            '{"image": {"size": -9223372036854775808}}',
            '{"image": {"min_ram": true}}', '{"image": {"name": false}}',
            '{"image": {"name": "\ud800"}}', '{"image": {"name": "\uffff"}}',
            "{\"image\": {\"name\": \"\xc0\xaf\"}}",
            '{"image": {"location": 5}}', '{"image": {"location": {}}}',
            '{"image": {"location_data": 5}}',
            '{"image": {"location_data": [5]}}',
            '{"image": {"location_data": [{"url": "file:///a", "id": -1}]}}',
            '{"image": {"location_data": [{"url": "file:///a",'
                . ' "id": 99999999999}]}}',
            '{"image": {"location_data": [{"url": "file:///a",'
                . ' "status": "x"}]}}',
            '{"image": {"location_data": [{"url": "' . 'u' x 70000 . '"}]}}',
            '{"image": {"location": "' . 'u' x 70000 . '"}}',
            '{"image": {"location_data": [{"url": "f", "metadata": {"a": "'
                . 'm' x 70000 . '"}}]}}',
            '{"image": {"created_at": "9999-99-99T99:99:99"}}',
            '{"image": {"created_at": "0000-00-00T00:00:00"}}',
            '{"image": {"created_at": "99999-01-01T00:00:00"}}',
            '{"image": {"created_at": 5}}', '{"image": {"id": {}}}',
            '{"image": {"owner": []}}', '{"image": {"is_public": {}}}',
            '{"image": {"tags": ["a"]}}', '{"image": {"checksum": 5}}',
            '{"image": {"status": "' . 's' x 1000 . '"}}',
            '{"image": {}, "from_state": 5}',
            '{"image": {}, "from_state": "' . 's' x 1000 . '"}',
            "{\"image\": {\"properties\": {\"a' OR '1'='1\": \"'; DROP TABLE"
                . " images; --\"}}}",
            '{"image": {"properties": {"a\u0000b": "x"}}}',
            '{"image": {"properties": {"%s%n{lock}{exact}?": "%s{epoch}?"}}}',
            '{"memberships": [{"member_id": "' . "x' OR ''='" . '"}]}',
        );

        for my $body (@bodies) {
            my $title = substr($body, 0, 50) =~ s/[^ -~]/./gr;

            for my $case ([ POST => '/images' ], [ PUT => "/images/$id" ],
                          [ PUT => "/images/$id/members" ],
                          [ PUT => "/images/$id/members/x" ])
            {
                my $a = $r->request(@$case, body => $body);

                ok($a->{status} >= 200 && $a->{status} < 500,
                   "$case->[0] $case->[1] $title: $a->{status}")
                    or diag($a->summary());
            }
        }

        my @values = ('%27', '%00', '%ff', '-1', '9' x 30, '%', 'a' x 300,
                      '%f0%9f%98%80', '%0d%0aX:y', '1;DROP%20TABLE%20images',
                      '{lock}', '', '1e5', '0x10', '%s%s%n', "\xe9");

        for my $name (qw/ limit marker sort_key sort_dir status name size_min
                          size_max min_ram min_disk changes-since deleted
                          is_public protected property-x disk_format
                          container_format member_status owner /)
        {
            for my $value (@values) {
                my $a = $r->request('GET', "/images/detail?$name=$value");

                ok($a->{status} == 200 || $a->{status} == 400,
                   "$name=" . ($value =~ s/[^ -~]/./gr) . ": $a->{status}")
                    or diag($a->summary());
            }
        }

        for my $value (@values) {
            for my $path ('/images/%s', '/images/%s/members',
                          '/images/1/members/%s', '/shared-images/%s',
                          '/claims/%s', '/removals/%s', '/%s')
            {
                for my $method (qw/ GET PUT DELETE POST /) {
                    my $where = $path =~ s/%s/$value/r;
                    my $a = $r->request($method, $where, body => '{}');

                    ok($a->{status} >= 200 && $a->{status} < 500,
                       "$method " . ($where =~ s/[^ -~]/./gr)
                       . ": $a->{status}")
                        or diag($a->summary());
                }
            }
        }

        # headers
        for my $name (qw/ X-Glance-Claim X-Glance-Node X-Glance-Claim-Lease
                          X-Glance-Claim-Abort X-Tenant-Id X-User-Id X-Roles
                          X-Identity-Status X-Openstack-Request-ID
                          X-Glance-Registry-Purge-Props Content-Type /)
        {
            for my $value ("\xff\xfe", "\xf0\x9f\x98\x80", "'", 'x' x 4000,
                           '', ',,,', '%0a', "a\tb")
            {
                my $a = $r->request('PUT', "/images/$id",
                    headers => [ $name => $value, $name eq 'X-Tenant-Id'
                        ? ('X-Identity-Status' => 'Confirmed') : () ],
                    body => '{"image": {"status": "saving"}}');

                ok($a->{status} >= 200 && $a->{status} < 500,
                   "$name: $a->{status}")
                    or diag($a->summary());
            }
        }

        is(($r->{database}->query("SELECT COUNT(*) FROM images
            WHERE id = '$id'"))[0][0], 1, 'the tables are there');

        # mutations of what is right, always the same ones
        my $good = "PUT /images/$id?limit=5 HTTP/1.1\r\nHost: x\r\n"
            . "X-Glance-Claim: $id\r\nX-Identity-Status: Confirmed\r\n"
            . "X-Tenant-Id: t\r\nContent-Length: 65\r\n\r\n"
            . '{"image": {"name": "n", "properties": {"k": "v"}, "size": 5'
            . '}, "from_state": "queued"}';
        my $failed = 0;

        srand(7);

        for my $n (1 .. 300) {
            my $bytes = $good;

            for (1 .. 1 + int(rand(4))) {
                my $at = int(rand(length $bytes));

                substr($bytes, $at, int(rand(3)),
                       (map { chr(int(rand(256))) } 1 .. int(rand(3)))[0]
                       // '');
            }

            my $c = Glance::HTTP->new(port => $r->{port}, timeout => 1);

            $c->send($bytes);
            $c->half_close();

            my $a = $c->read_response('PUT');

            if ($a->{status} == 500 || $a->{status} == 503) {
                $failed++;
                diag(JSON::PP->new->ascii->allow_nonref->encode($bytes),
                     ' -> ', $a->summary());
            }

            $c->close();
        }

        is($failed, 0, 'three hundred mutations');
        ok($r->ready(), 'it is well');
        $r->allow(qr/status=501/);
    });
});


check('the health check' => sub {
    for_each_registry(sub {
        my ($r) = @_;

        my $a = $r->request('GET', '/healthcheck');

        status_is($a, 200);
        is($a->{body}, 'OK', 'its word');
        has_header($a, 'Content-Type', qr!^text/plain!);
        status_is($r->request('POST', '/healthcheck', body => ''), 405,
                  'GET only');
    });
});


done_testing();
