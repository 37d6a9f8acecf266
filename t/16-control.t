#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# glance-api and glance-control as operators use them: commands, messages,
# pid files, exit statuses, and when a start counts as one.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Control qw/ control done fails pid pid_file site succeeds /;
use Glance::Test;

my @servers = @Glance::Control::Servers;


sub get {
    my ($site, $path) = @_;

    my $http = eval { Glance::HTTP->new(port => $site->{api}) } or return 0;

    return $http->request('GET', $path, close => 1)->{status};
}


sub post {
    my ($site, $data, %o) = @_;

    return Glance::HTTP->new(port => $site->{api})
           ->request('POST', '/images', body => $data, headers(%o));
}


sub headers {
    my (%o) = @_;

    my %meta = (name => 'n', type => 'raw', %o);

    return headers => [ 'Content-Type' => 'application/octet-stream',
                        map { ("x-image-meta-$_" => $meta{$_}) }
                        sort keys %meta ];
}


check('S-21 all start, status, stop' => sub {
    my $site = site();
    my $text = succeeds($site, undef, 'all', 'start', $site->{conf});

    is($text, "Starting glance-registry with $site->{dir}/etc/"
              . "glance-registry.conf\n"
              . "Starting glance-api with $site->{conf}\n"
              . "Starting glance-worker with $site->{conf}\n"
              . "Starting glance-scrubber with $site->{conf}\n",
       'says what it starts, each with its file');
    is(get($site, '/images'), 200, 'it serves at once');

    my %pid = map { $_ => pid($site, $_) } @servers;

    for my $name (@servers) {
        ok($pid{$name} && alive($pid{$name}), "$name: pid file");
        ok(getpgrp($pid{$name}) != getpgrp(0), "$name: a session of its own");
        is(readlink("/proc/$pid{$name}/fd/0"), '/dev/null',
           "$name: no standard input");
    }

    is(post($site, 'data')->{status}, 201, 'an upload');

    $text = succeeds($site, undef, 'all', 'status', $site->{conf});
    is($text, join('', map { "glance-$_ (pid $pid{$_}) is running...\n" }
                       @servers), 'status of all');

    $text = succeeds($site, undef, 'all', 'start', $site->{conf});
    is($text, join('', map { "glance-$_ appears to already be running: "
                             . pid_file($site, $_) . "\n" } @servers),
       'a second start does nothing');
    is(pid($site, $_), $pid{$_}, "$_: the same") for @servers;

    $text = succeeds($site, undef, 'all', 'stop', $site->{conf});
    is($text, join('', map { "Stopping glance-$_  pid: $pid{$_}  "
                             . "signal: 15\n" } reverse @servers),
       'says what it stops');
    ok(!alive($pid{$_}), "$_: gone") for @servers;
    is(get($site, '/images'), 0, 'nobody answers');

    $text = succeeds($site, undef, 'all', 'stop', $site->{conf});
    is($text, join('', map { "No glance-$_ running\n" } reverse @servers),
       'a second stop');
    $text = fails($site, qr/glance-api is stopped/, 'all', 'status',
                  $site->{conf});
    is(scalar(() = $text =~ /is stopped/g), 4, 'all of them');

    is(join(' ', sort map { s!.*/!!r } glob("$site->{dir}/* $site->{dir}/.*"
                                            . " $site->{dir}/etc/*")),
       '. .. etc glance-api.conf glance-registry.conf glance.sqlite log run',
       'nothing is written elsewhere');
    done($site);
});


check('S-21 one server at a time' => sub {
    my $site = site();
    my $conf = $site->{conf};

    succeeds($site, qr/^Starting glance-registry with .*registry\.conf\n$/,
             'registry', 'start', $conf);
    fails($site, qr/^glance-api is stopped$/m, 'glance-api', 'status', $conf);
    succeeds($site, qr/^glance-registry \(pid \d+\) is running/,
             'registry', 'status', $conf);
    fails($site, qr/glance-registry \(pid.*glance-api is stopped/s, 'all',
          'status', $conf);
    succeeds($site, qr/^Starting glance-api with/, 'glance-api', 'start',
             $conf);
    is(get($site, '/images'), 200, 'together they serve');

    my $api = pid($site, 'api');

    succeeds($site, qr/^Stopping glance-registry  pid: \d+  signal: 15$/,
             'registry', 'stop', $conf);
    is(get($site, '/images'), 503, 'without a registry: 503');
    is(get($site, '/versions'), 200, 'but nginx is there');
    succeeds($site, undef, 'registry', 'start', "$site->{dir}/etc/"
             . 'glance-registry.conf');
    ok(wait_until(sub { get($site, '/images') == 200 }), 'it is back');
    is(pid($site, 'api'), $api, 'the API server has not moved');

    succeeds($site, qr/Stopping.*Starting/s, 'registry', 'restart', $conf);
    ok(wait_until(sub { get($site, '/images') == 200 }), 'restarted');

    succeeds($site, qr/Stopping glance-api .*signal: 3/, 'api', 'shutdown',
             $conf);
    is(pid($site, 'api'), undef, 'gracefully gone');
    done($site);
});


check('S-21 restart' => sub {
    my $site = site();

    my $text = succeeds($site, qr/^No glance-scrubber running/, 'all',
                        'restart', $site->{conf});
    my %pid = map { $_ => pid($site, $_) } @servers;

    is(get($site, '/images'), 200, 'what does not run is started');
    succeeds($site, undef, 'all', 'restart', $site->{conf});

    for my $name (@servers) {
        ok(pid($site, $name) && pid($site, $name) != $pid{$name},
           "$name: another process");
        ok(!alive($pid{$name}), "$name: the old one is gone");
    }

    is(get($site, '/images'), 200, 'serving');
    done($site);
});


check('S-21 reload drops no request' => sub {
    my $site = site();

    succeeds($site, undef, 'all', 'start', $site->{conf});

    my $id = '71c675ab-d94f-49cd-a114-e12490b328d9';
    status_is(post($site, 'x' x 1000, id => $id), 201, 'an image');

    my $stop = "$site->{dir}/enough";
    my @readers = map { in_background(sub {
        my %n;

        until (-e $stop) {
            my $r = Glance::HTTP->new(port => $site->{api})->request('GET',
                "/images/$id", close => 1);
            $n{$r->{status} . ' ' . length $r->{body}}++;
        }

        return \%n;
    }) } 1 .. 2;

    # an upload that begins before the reloads and ends after them
    my $c = Glance::HTTP->new(port => $site->{api});
    my %o = (length => 200_000, headers());

    $c->send($c->head('POST', '/images', %o) . 'y' x 100_000);
    ok(wait_until(sub { glob("$site->{store}/.upload/*") }), 'it has begun');

    my $master = pid($site, 'api');
    my @workers = children($master);

    for my $n (1 .. 3) {
        succeeds($site, qr/^Reloading glance-api  pid: $master  signal: 1$/,
                 'api', 'reload', $site->{conf});
    }

    is(pid($site, 'api'), $master, 'the same master process');
    ok(wait_until(sub { my %now = map { $_ => 1 } children($master);
                        grep { !$now{$_} } @workers or keys %now > 1 }),
       'other workers');

    $c->send('y' x 100_000);
    status_is($c->read_response('POST'), 201, 'the upload is not dropped');
    write_file($stop, '');

    for my $reader (@readers) {
        my ($n) = $reader->();

        is(join(', ', keys %$n), '200 1000', "$n->{'200 1000'} downloads");
    }

    # a new configuration counts from now on
    my $text = read_file($site->{conf});
    my $port = free_port();

    write_file($site->{conf}, $text =~ s/^(bind_port =) .*/$1 $port/mr);
    succeeds($site, undef, 'api', 'reload', $site->{conf});
    is(get({ api => $port }, '/images'), 200, 'a new port');

    # for the very next request, too
    for my $cap (10, 1000, 10, 1000) {
        write_file($site->{conf},
                   $text =~ s/^(?=bind_port)/image_size_cap = $cap\n/mr);
        succeeds($site, undef, 'api', 'reload', $site->{conf});
        status_is(post($site, undef, size => 100), $cap < 100 ? 400 : 201,
                  "at most $cap bytes");
    }

    write_file($site->{conf}, $text =~ s/^(bind_port =) .*/$1 $port/mr);
    succeeds($site, undef, 'api', 'reload', $site->{conf});

    # a wrong one does not
    write_file($site->{conf}, $text =~ s/^(bind_port =) .*/$1 x/mr);
    fails($site, qr/glance-api\.conf:\d+: bind_port/, 'api', 'reload',
          $site->{conf});
    write_file($site->{conf}, $text . "\n[paste_deploy]\nflavor = trusted\n");
    fails($site, qr/trusted_proxies/, 'api', 'reload', $site->{conf});
    is(get({ api => $port }, '/images'), 200, 'the old one goes on');
    is(pid($site, 'api'), $master, 'in the same process');
    write_file($site->{conf}, $text);

    my $old = pid($site, 'registry');
    succeeds($site, qr/Stopping glance-registry.*Starting glance-registry/s,
             'registry', 'reload', $site->{conf});
    isnt(pid($site, 'registry'), $old, 'a registry is started anew');
    succeeds($site, qr/Starting glance-worker/, 'worker', 'force-reload',
             $site->{conf});
    done($site);
});


check('S-21 stale pid files' => sub {
    my $site = site();

    succeeds($site, undef, 'all', 'start', $site->{conf});

    for my $name (@servers) {
        my $pid = pid($site, $name);

        kill_process($pid);
        ok(-e pid_file($site, $name), "$name was killed");
        fails($site, qr/^glance-$name is stopped \(stale pid file\)$/,
              $name, 'status', $site->{conf});

        my $text = succeeds($site, undef, $name, 'start', $site->{conf});
        is((split(/\n/, $text))[0], 'Removing stale pid file '
           . pid_file($site, $name), "$name: said so");
        ok(pid($site, $name) && pid($site, $name) != $pid,
           "$name: runs again");
    }

    is(get($site, '/images'), 200, 'serving');
    succeeds($site, undef, 'all', 'stop', $site->{conf});

    # the id is in use again, by somebody else
    for my $text ("$$\n", "1\n", "x\n", '', "999999999\n") {
        write_file(pid_file($site, 'registry'), $text);
        succeeds($site, qr/^Removing stale pid file/, 'registry', 'start',
                 $site->{conf});
        succeeds($site, undef, 'registry', 'stop', $site->{conf});
    }

    write_file(pid_file($site, 'registry'), "$$\n");
    succeeds($site, qr/^No glance-registry running/, 'registry', 'stop',
             $site->{conf});
    ok(!-e pid_file($site, 'registry'), 'stop removes it, and stops nobody');
    done($site);
});


check('S-21 a start that is none' => sub {
    check('wrong configuration' => sub {
        my $site = site(registry => { bind_port => 'x' });

        fails($site, qr/glance-registry\.conf:\d+: bind_port/, 'all',
              'start', $site->{conf});
        is(pid($site, 'api'), undef, 'nothing is started');

        $site = site(api => { default_store => 'tape' });
        fails($site, qr/glance-api\.conf:\d+: default_store/, 'all', 'start',
              $site->{conf});
        is(pid($site, 'registry'), undef, 'nothing is started');

        # what only the server itself finds out
        $site = site(api => { 'paste_deploy/flavor' => 'trusted' });
        fails($site, qr/trusted_proxies/, 'api', 'start', $site->{conf});
        is(pid($site, 'api'), undef, 'not running');

        $site = site(registry => { sql_connection => 'oracle://h/d' });
        fails($site, qr/oracle/, 'registry', 'start', $site->{conf});
        is(pid($site, 'registry'), undef, 'not running');
        done($site);
    });

    check('a port in use' => sub {
        my $first = site();

        succeeds($first, undef, 'all', 'start', $first->{conf});

        my $second = site(registry => { bind_port => $first->{registry} });

        fails($second, qr/glance-registry:\ another\ program\ listens\ at
                          \ 127\.0\.0\.1:$first->{registry}/x, 'all',
              'start', $second->{conf});
        is(pid($second, $_), undef, "$_: not running") for @servers;

        $second = site(api => { bind_port => $first->{api} });
        fails($second, qr/glance-api: another program listens/, 'all',
              'start', $second->{conf});
        is(pid($second, 'api'), undef, 'not running');
        is(get($first, '/images'), 200, 'who was there goes on');
        done($second);
        done($first);
    });

    check('no database' => sub {
        my $port = free_port();
        my $site = site(registry => { sql_max_retries => 1,
            sql_retry_interval => 0,
            sql_connection => "mysql://u:s3cret\@127.0.0.1:$port/d" });
        my $text = fails($site, qr/not reachable.*sql_max_retries/, 'all',
                         'start', $site->{conf});

        unlike($text, qr/s3cret/, 'without the password');
        is(pid($site, $_), undef, "$_: not running") for @servers;
        done($site);

        $site = site(registry => { sql_max_retries => -1,
            sql_connection => "mysql://u:s3cret\@127.0.0.1:$port/d" });
        fails($site, qr/does not answer at \S+ after 1 s/, '--wait', 1,
              'registry', 'start', $site->{conf});
        fails($site, qr/is running, but does not answer/, 'registry',
              'status', $site->{conf});
        succeeds($site, qr/Stopping/, 'registry', 'stop', $site->{conf});
        done($site);
    });

    check('no program' => sub {
        my $site = site(api => { nginx_binary => '/nowhere/nginx' });

        fails($site, qr/nginx_binary.*\/nowhere\/nginx/, 'api', 'start',
              $site->{conf});
        done($site);
    });
});


check('S-21 words' => sub {
    my $site = site();

    fails($site, qr/Invalid\ server\ "swift".*all,\ api,\ registry,\ worker,
                    \ scrubber/x, 'swift', 'start', $site->{conf});
    fails($site, qr/Invalid\ command\ "run".*start,\ stop,\ restart,
                    \ reload,\ status/x, 'api', 'run', $site->{conf});
    fails($site, qr/^Usage: glance-control.*<SERVER> <COMMAND>/,
          @$_) for [], [ 'api' ];
    fails($site, qr/none\.conf/, 'api', 'start', "$site->{dir}/none.conf");
    fails($site, qr/Unable to locate any configuration file/, 'api',
          'start') if !grep { -e } map { ("/etc/$_", "/etc/glance/$_") }
                            'glance-api.conf', 'glance.conf';
    fails($site, qr/--pid-file goes with one/, '--pid-file',
          "$site->{dir}/p", 'all', 'start', $site->{conf});
    fails($site, qr/--wait/, '--wait', $_, 'api', 'start', $site->{conf})
        for 'x', 0, 99999;
    fails($site, qr/bind_port: must be an integer/, '--set', 'bind_port=x',
          'registry', 'start', $site->{conf});
    fails($site, qr/bind_prot: unknown option/, '--set', 'bind_prot=9191',
          'registry', 'start', $site->{conf});

    my ($status, $text) = control($site, '--help');
    is($status, 0, '--help');
    like($text, qr/all, api, registry, worker, scrubber/, 'servers');
    like($text, qr/start, stop, restart, reload, status/, 'commands');
    ($status, $text) = control($site, '--nope', 'api', 'start');
    isnt($status, 0, 'an unknown option');

    succeeds($site, undef, 'all', 'stop');
    ok(!-e "$site->{dir}/glance.sqlite", 'nothing was started');
});


check('S-21 other places of files' => sub {
    my $site = site();
    my $file = "$site->{dir}/own/x.pid";

    succeeds($site, undef, "--pid-file=$file", 'registry', 'start',
             $site->{conf});
    ok(-e $file, '--pid-file');
    is(pid($site, 'registry'), undef, 'in place of the other');
    succeeds($site, undef, "--pid-file=$file", 'registry', 'stop',
             $site->{conf});
    ok(!-e $file, 'removed');

    # found in the current directory, and beside glance-api.conf
    rename("$site->{dir}/etc/$_", "$site->{dir}/$_")
        for 'glance-api.conf', 'glance-registry.conf';
    succeeds($site, qr/Starting glance-registry with glance-registry\.conf/,
             'all', 'start');
    is(get($site, '/images'), 200, 'without a path');
    succeeds($site, undef, 'all', 'stop');

    # one file for both
    $site = site(alone => 1, api => {
        sql_connection => "sqlite:///$site->{dir}/one.sqlite" });
    succeeds($site, qr/Starting glance-registry with \S+glance-api\.conf/,
             'all', 'start', $site->{conf});
    is(get($site, '/images'), 200, 'glance-api.conf alone');
    ok(-e "$site->{dir}/log/$_.log", "with a log for the $_")
        for qw/ registry worker scrubber /;
    done($site);
});


check('S-20 S-21 what root starts becomes another user' => sub {
    plan(skip_all => 'only root can become another user') if $> != 0;

    my ($uid, $gid) = (getpwnam('daemon'))[2, 3];
    my %user = (user => 'daemon',
                registry_socket => temp_dir() . '/registry.sock');
    my $site = site(api => { %user }, registry => { %user });
    my $owner = sub { return (stat $_[0])[4] };

    chmod(0755, $site->{dir});
    mkdir("$site->{dir}/data");
    chown($uid, $gid, "$site->{dir}/data", $site->{store});
    write_file("$site->{dir}/etc/glance-registry.conf",
               read_file("$site->{dir}/etc/glance-registry.conf")
               . "sql_connection = sqlite:///$site->{dir}/data/g.sqlite\n");

    succeeds($site, undef, 'all', 'start', $site->{conf});

    for my $name (@servers) {
        my ($pid) = $name eq 'api' ? children(pid($site, $name))
                                   : pid($site, $name);
        my $status = read_file("/proc/$pid/status");
        my ($uids) = $status =~ /^Uid:\s+(.*)$/m;
        my ($groups) = $status =~ /^Groups:\s*(.*?)\s*$/m;

        is($uids, join("\t", ($uid) x 4), "$name: no way back");
        unlike($groups, qr/(?<!\d)0(?!\d)/, 'without the groups of root');
    }

    is($owner->("$site->{dir}/data/g.sqlite"), $uid, 'the database is his');
    is($owner->("$site->{dir}/log/$_.log"), $uid, "$_.log is his")
        for qw/ registry worker scrubber /;

    is($owner->($user{registry_socket}), $uid, 'the socket is his');

    my $r = post($site, 'data');
    status_is($r, 201, 'an upload');
    my $id = ($r->json() || {})->{image}{id} || 'none';
    is($owner->("$site->{store}/$id"), $uid, 'the data are his');

    is(join(' ', grep { /\b(?:ERROR|CRITICAL)\b/ } map {
        split(/\n/, read_file("$site->{dir}/log/$_.log")) }
        qw/ registry worker scrubber /), '', 'no complaints');

    succeeds($site, undef, 'worker', 'restart', $site->{conf});
    succeeds($site, undef, 'all', 'status', $site->{conf});
    done($site);

    $site = site(registry => { user => 'who-is-that' });
    fails($site, qr/user: there is no user "who-is-that"/, 'registry',
          'start', $site->{conf});
    done($site);
});


check('S-20 glance-api CONFPATH' => sub {
    my $site = site();

    succeeds($site, undef, 'registry', 'start', $site->{conf});

    my $argv = [ Glance::Program::built('glance-api'), $site->{conf},
                 "--run-dir=$site->{run}" ];
    my $pid = spawn(name => 'glance-api', argv => $argv,
                    log => "$site->{dir}/output.log");

    ok(wait_until(sub { get($site, '/images') == 200 || !alive($pid) }),
       'it serves in the foreground');
    is(pid($site, 'api'), $pid, 'nginx has its place');
    is(post($site, 'data')->{status}, 201, 'an upload');
    succeeds($site, qr/glance-api \(pid $pid\) is running/, 'api', 'status',
             $site->{conf});

    my ($status, $text) = run_command($argv);
    is($status, 1, 'a second one');
    like($text, qr/appears to already be running: \S+glance-api\.pid/,
         'is told so');
    is(get($site, '/images'), 200, 'the first one goes on');

    for my $arguments ([ '--check' ], [ '--render' ]) {
        ($status, $text) = run_command([ @$argv, @$arguments ]);
        is($status, 0, "@$arguments beside it") or diag($text);
        is(pid($site, 'api'), $pid, 'leaves the pid file alone');
    }

    rename("$site->{dir}/log/api.log", "$site->{dir}/log/old.log");
    send_signal('USR1', $pid);
    ok(wait_until(sub { -e "$site->{dir}/log/api.log" }),
       'SIGUSR1 opens its logs anew');

    is(stop_process($pid, signal => 'TERM'), 0, 'SIGTERM ends it');
    is(pid($site, 'api'), undef, 'without a pid file');
    is(get($site, '/images'), 0, 'nobody listens');
    done($site);
});


done_testing();
