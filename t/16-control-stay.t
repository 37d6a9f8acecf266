#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# glance-control that stays: --respawn and --await-child; and
# --capture-output.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;

use Glance::Control qw/ command done fails pid pid_file site succeeds /;
use Glance::Test;

my @servers = @Glance::Control::Servers;


# glance-control in the background: { pid, log }

sub stays {
    my ($site, @arguments) = @_;

    my $log = temp_dir() . '/control.log';

    return { log => $log, pid => spawn(name => 'glance-control', log => $log,
                                       command($site, @arguments)) };
}


sub told {
    my ($c, $words) = @_;

    return wait_until(sub { -e $c->{log} && read_file($c->{log}) =~ $words });
}


# what it ends with, by itself; it is gone in any case

sub ends {
    my ($c, $status, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(wait_until(sub { !alive($c->{pid}) }), "$title: it ends");
    is(Glance::Process::exit_status($c->{pid}), $status, "status $status")
        or diag(read_file($c->{log}));
    stop_process($c->{pid});
}


sub serves {
    my ($site) = @_;

    return wait_until(sub {
        my $http = eval { Glance::HTTP->new(port => $site->{api}) };

        return $http && $http->request('GET', '/images', close => 1)
                             ->{status} == 200;
    });
}


check('S-21 --respawn starts again what dies' => sub {
    my $site = site();
    my $c = stays($site, '--respawn', 'all', 'start', $site->{conf});

    ok(told($c, qr/^Starting glance-scrubber.*\nWatching/m), 'all started');
    ok(serves($site), 'they serve');

    # younger ones are not started again
    sleep(1);

    for my $name (qw/ registry worker scrubber /) {
        my $pid = pid($site, $name);

        kill_process($pid);
        ok(told($c, qr/^Removing\ stale\ pid\ file.*\n
                       Respawning\ glance-$name\ with\ \S+\.conf$/mx),
           "$name: it is told");
        ok(wait_until(sub { (pid($site, $name) || $pid) != $pid }),
           "$name: another one");
    }

    # its workers have the port, and go on without it
    my $master = pid($site, 'api');
    my @workers = children($master);

    ok(@workers > 0, 'nginx has workers');
    send_signal('KILL', $master);
    ok(told($c, qr/^Respawning glance-api/m), 'api: it is told');
    ok(wait_until(sub { (pid($site, 'api') || $master) != $master }),
       'api: another one');
    ok(wait_until(sub { !grep { alive($_) } @workers }),
       'nothing is left of the old one');
    ok(serves($site), 'they serve');
    ok(alive($c->{pid}), 'it goes on');

    # by somebody else
    succeeds($site, undef, 'worker', 'restart', $site->{conf});
    ok(told($c, qr/^Suppressed\ respawn\ as\ glance-worker\ was\ deliberately
                   \ stopped\.$/mx), 'what is stopped stays so');
    succeeds($site, qr/^glance-worker \(pid/, 'worker', 'status',
             $site->{conf});
    succeeds($site, undef, 'all', 'stop', $site->{conf});
    ends($c, 0, 'nothing is left to do');
    ok(told($c, qr/^Suppressed respawn as glance-$_ was deliberately/m), $_)
        for @servers;
    is(scalar(() = read_file($c->{log}) =~ /^Respawning/mg), 4, 'once each');
    done($site);
});


check('S-21 --respawn gives up' => sub {
    my $site = site();
    my $c = stays($site, '--respawn', 'registry', 'start', $site->{conf});

    ok(told($c, qr/^Watching/m), 'started');
    sleep(1);

    my $conf = "$site->{dir}/etc/glance-registry.conf";

    write_file($conf, read_file($conf) . "\nbind_port = x\n");
    kill_process(pid($site, 'registry'));
    ends($c, 1, 'it cannot start');
    like(read_file($c->{log}), qr/glance-registry was bouncing\.$/m,
         'says so');
    is(pid($site, 'registry'), undef, 'not running');

    # started already: nobody's child
    $site = site();
    succeeds($site, undef, 'registry', 'start', $site->{conf});
    succeeds($site, qr/appears to already be running/, '--respawn',
             'registry', 'start', $site->{conf});
    ok(alive(pid($site, 'registry')), 'nothing to watch');

    # its end is not theirs
    $c = stays($site, '--respawn', 'registry', 'restart', $site->{conf});
    ok(told($c, qr/^Stopping.*^Starting.*^Watching/ms), 'restarted');
    send_signal('INT', $c->{pid});
    ok(wait_until(sub { !alive($c->{pid}) }), 'Ctrl-C');
    ok(alive(pid($site, 'registry')), 'the registry goes on');
    done($site);
});


check('S-21 --await-child' => sub {
    my $site = site();
    my @start = ('registry', 'start', $site->{conf});

    succeeds($site, qr/^Starting.*\nWatching for 1 s\n\z/,
             '--await-child', 1,
             @start);
    ok(alive(pid($site, 'registry')), 'it goes on');
    succeeds($site, undef, 'registry', 'stop', $site->{conf});

    for my $case ([ 'KILL', 137 ], [ 'TERM', 0 ]) {
        my ($signal, $status) = @$case;
        my $c = stays($site, '--await-child=600', @start);

        ok(told($c, qr/^Watching for 600 s$/m), 'it runs');
        send_signal($signal, pid($site, 'registry'));
        ends($c, $status, "SIG$signal");
        like(read_file($c->{log}),
             qr/^glance-registry ended with status $status$/m, 'says so');
    }

    $site = site(registry => { sql_connection => 'oracle://h/d' });
    fails($site, qr/oracle/, '--await-child', 600, 'registry', 'start',
          $site->{conf});
    done($site);
});


check('S-21 --capture-output' => sub {
    plan(skip_all => 'no logger (package bsdutils)')
        if !find_program('logger');

    my $dir = temp_dir();
    my $site = site(registry => { log_file => '', verbose => 'True' });
    my $log = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
                                    Local => "$dir/log") or die "socket: $!";

    # the machine's, with a log of its own
    write_file("$dir/logger", "#!/bin/sh\n\nexec " . find_program('logger')
               . " --socket $dir/log \"\$@\"\n");
    chmod(0755, "$dir/logger");
    $site->{env} = { PATH => "$dir:$ENV{PATH}" };

    succeeds($site, undef, '--capture-output', 'registry', 'start',
             $site->{conf});

    my ($line, @lines);

    $log->blocking(0);
    ok(wait_until(sub {
        push @lines, $line while defined $log->recv($line, 4096);
        return grep { /\bglance-registry\b.*\bINFO\b/ } @lines;
    }), 'syslog has what it prints') or diag(@lines);
    like($lines[0], qr/^<\d+>.*\bglance-registry: /, 'by its name');
    ok(!-e "$site->{run}/glance-registry.out", 'and no file');
    succeeds($site, undef, 'registry', 'stop', $site->{conf});

    $site->{env}{PATH} = $dir;
    unlink("$dir/logger");
    fails($site, qr/logger: program not found/, '--capture-output',
          'registry', 'start', $site->{conf}) if !-e '/usr/sbin/logger';
    done($site);
});


check('S-21 what does not go together' => sub {
    my $site = site();

    fails($site, qr/--respawn and --await-child exclude/, '--respawn',
          '--await-child', 3, 'api', 'start', $site->{conf});
    fails($site, qr/--await-child must be from 1 to 3600/, '--await-child',
          $_, 'api', 'start', $site->{conf}) for 'x', 0, 99999;

    for my $option ('--respawn', '--await-child=3', '--capture-output') {
        my ($name) = split(/=/, $option);

        fails($site, qr/^$name goes with start and restart$/m, $option, 'api',
              $_, $site->{conf})
            for qw/ stop shutdown reload force-reload status /;
    }

    ok(!-e $site->{run}, 'nothing was done');
});


done_testing();
