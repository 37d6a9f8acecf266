package Glance::Process;

# Copyright (C) ngx_glance authors

# Ports, directories and programs of one test process.  Whatever is started
# or created here is gone when the process ends, in whichever way it ends.

use warnings;
use strict;

use Exporter qw/ import /;
use POSIX qw/ :sys_wait_h /;
use Time::HiRes qw/ sleep time /;

use Glance::Files qw/
    find_program free_port read_file scratch_file store_dir temp_dir
    write_file
/;

our @EXPORT_OK = qw/
    free_port temp_dir store_dir spawn alive send_signal stop_process
    kill_process wait_until children process_state rss_kb run_command
    read_file write_file find_program in_background
/;

# how long a loaded machine may take for anything at all
our $Patience = $ENV{GLANCE_TEST_TIMEOUT} || 120;

my $Owner = $$;
my (%running, %exited);


# processes

# Children die with the test, and children of a killed child become ours.

my %prctl = (x86_64 => 157, aarch64 => 167);

sub prctl {
    my ($option, $value) = @_;

    my $number = $prctl{(POSIX::uname())[4]} or return;

    syscall($number, $option, $value + 0, 0, 0, 0);
}


prctl(36, 1);       # PR_SET_CHILD_SUBREAPER


# spawn(name => .., argv => [..], log => file, env => {..}, dir => ..): pid

sub spawn {
    my (%o) = @_;

    my $pid = fork();
    die "fork() failed: $!\n" if !defined $pid;

    if ($pid == 0) {
        prctl(1, POSIX::SIGTERM());     # PR_SET_PDEATHSIG
        setpgrp(0, 0);
        $SIG{$_} = 'DEFAULT' for qw/ INT TERM HUP PIPE USR1 USR2 /;

        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>>', $o{log} || '/dev/null') or POSIX::_exit(126);
        open(STDERR, '>&', \*STDOUT) or POSIX::_exit(126);

        for my $name (keys %{$o{env} || {}}) {
            if (defined $o{env}{$name}) {
                $ENV{$name} = $o{env}{$name};
            } else {
                delete $ENV{$name};
            }
        }

        chdir($o{dir}) if $o{dir};

        { no warnings; exec { $o{argv}[0] } @{$o{argv}} }
        print STDERR "exec \"$o{argv}[0]\" failed: $!\n";
        POSIX::_exit(127);
    }

    $running{$pid} = $o{name} || $o{argv}[0];

    return $pid;
}


# collects what has ended; exit statuses stay readable

sub reap {
    for my $pid (keys %running) {
        next if waitpid($pid, WNOHANG) != $pid;

        $exited{$pid} = $?;
        delete $running{$pid};
    }
}


sub process_state {
    my ($pid) = @_;

    open(my $fh, '<', "/proc/$pid/status") or return '';

    while (my $line = <$fh>) {
        return $1 if $line =~ /^State:\s+(\S)/;
    }

    return '';
}


sub alive {
    my ($pid) = @_;

    return 0 if !$pid;

    reap();

    return 1 if process_state($pid) =~ /^[^ZX]$/;

    # while a thread lives, the ports and files of a killed process do, too
    my @threads = glob "/proc/$pid/task/*";

    return @threads > 1 ? 1 : 0;
}


# all descendants, children first

sub children {
    my ($pid) = @_;

    my @all;

    for my $file (glob "/proc/$pid/task/*/children") {
        my $text = eval { read_file($file) } or next;

        for my $child (split ' ', $text) {
            push @all, $child, children($child);
        }
    }

    return @all;
}


sub rss_kb {
    my ($pid) = @_;

    my $text = eval { read_file("/proc/$pid/status") } || '';

    return $text =~ /^VmRSS:\s+(\d+) kB/m ? $1 : 0;
}


sub send_signal {
    my ($signal, @pids) = @_;

    # only what descends from this test
    my %ours = map { $_ => 1 } children($Owner);

    return scalar grep { $ours{$_} && kill($signal, $_) } @pids;
}


# of a process that has ended, as a shell tells it

sub exit_status {
    my ($pid) = @_;

    wait_until(sub { reap(); exists $exited{$pid} }, 10);

    my $status = $exited{$pid};

    return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}


# asks politely, then insists; returns the exit status, undef if it had to

sub stop_process {
    my ($pid, %o) = @_;

    return if !$pid;

    my @family = ($pid, children($pid));

    send_signal('CONT', @family);
    send_signal($o{signal} || 'TERM', $pid);

    my $polite = wait_until(sub { !alive($pid) }, $o{timeout} || 60);

    kill_process(grep { alive($_) } @family);

    return $polite ? $exited{$pid} : undef;
}


sub kill_process {
    my @pids = @_;

    my @family = map { ($_, children($_)) } @pids;

    send_signal('KILL', @family);
    wait_until(sub { !grep { alive($_) } @family }, 60);
}


# condition(): true value, or false when the time is over

sub wait_until {
    my ($condition, $timeout) = @_;

    my $end = time() + ($timeout || $Patience);
    my $pause = 0.005;

    for ( ;; ) {
        my $value = $condition->();
        return $value if $value;
        return if time() > $end;

        sleep($pause);
        $pause *= 1.3 if $pause < 0.1;
    }
}


# (exit status, output) of a program that ends by itself

sub run_command {
    my ($argv, %o) = @_;

    my $file = scratch_file('output');
    my $pid = spawn(%o, argv => $argv, log => $file);

    if (!wait_until(sub { !alive($pid) }, $o{timeout})) {
        kill_process($pid);
        return (-1, read_file($file) . "\n$argv->[0] timed out\n");
    }

    my $status = exit_status($pid);
    my $text = read_file($file);

    unlink $file;

    return ($status, $text);
}


# runs code in a child; the returned sub waits and gives what it returned

sub in_background {
    my ($code) = @_;

    require Storable;

    my $file = scratch_file('result');
    my $pid = fork();
    die "fork() failed: $!\n" if !defined $pid;

    if ($pid == 0) {
        prctl(1, POSIX::SIGKILL());
        $SIG{$_} = 'DEFAULT' for qw/ INT TERM HUP /;

        my @value = eval { $code->() };
        my $error = $@;

        Storable::nstore([ $error, @value ], "$file.part");
        rename("$file.part", $file);
        POSIX::_exit(0);
    }

    $running{$pid} = 'background';

    return sub {
        my ($timeout) = @_;

        wait_until(sub { !alive($pid) }, $timeout)
            or kill_process($pid);

        die "background process gave no result\n" if !-e $file;

        my ($error, @value) = @{Storable::retrieve($file)};
        unlink $file;
        die $error if $error;

        return wantarray ? @value : $value[0];
    };
}


# the end, whatever brought it about

sub clean_up {
    return if $$ != $Owner;

    my @left = (keys %running, children($Owner));
    kill_process(@left) if @left;

    Glance::Files::remove_dirs();
}


for my $name (qw/ INT TERM HUP /) {
    $SIG{$name} = sub {
        print STDERR "# caught SIG$name\n";
        exit(1);
    };
}

$SIG{PIPE} = 'IGNORE';


END {
    my $status = $?;

    clean_up();
    $? = $status;
}


1;
