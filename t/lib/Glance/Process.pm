package Glance::Process;

# Copyright (C) ngx_glance authors

# Ports, directories and programs of one test process.  Whatever is started
# or created here is gone when the process ends, in whichever way it ends.

use warnings;
use strict;

use Exporter qw/ import /;
use Fcntl qw/ :flock O_RDWR O_CREAT /;
use File::Path ();
use File::Spec;
use POSIX qw/ :sys_wait_h /;
use Socket;
use Time::HiRes qw/ sleep time /;

our @EXPORT_OK = qw/
    free_port temp_dir store_dir spawn alive send_signal stop_process
    kill_process wait_until children process_state rss_kb run_command
    read_file write_file find_program in_background
/;

# how long a loaded machine may take for anything at all
our $Patience = $ENV{GLANCE_TEST_TIMEOUT} || 120;

my $Owner = $$;
my (%running, %exited, %bases, @port_locks);


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
        prctl(1, POSIX::SIGKILL());     # PR_SET_PDEATHSIG
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

    return process_state($pid) =~ /^[^ZX]$/ ? 1 : 0;
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

    my $status = $exited{$pid};
    my $text = read_file($file);

    unlink $file;

    return ($status & 127 ? 128 + ($status & 127) : $status >> 8, $text);
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


# ports: taken below the range of outgoing connections, and locked against
# the other tests of the machine

sub free_port {
    my $locks = File::Spec->tmpdir() . "/glance-test-ports-$<";

    mkdir($locks, 0700);

    for (1 .. 1000) {
        my $port = 14000 + int(rand(16000));

        sysopen(my $lock, "$locks/$port", O_RDWR | O_CREAT, 0600) or next;
        flock($lock, LOCK_EX | LOCK_NB) or next;

        socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket() failed: $!\n";
        setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($s, sockaddr_in($port, INADDR_LOOPBACK)) or next;
        listen($s, 1) or next;
        close($s);

        push @port_locks, $lock;

        return $port;
    }

    die "no free port on 127.0.0.1\n";
}


# directories: scratch on a fast file system, stores on a real one

my $counter = 0;

sub make_dir {
    my ($base) = @_;

    my $dir = "$base/glance-test-$Owner-$$-" . $counter++;

    mkdir($dir, 0755) or die "mkdir \"$dir\" failed: $!\n";
    $bases{$base} = 1;

    return $dir;
}


sub temp_dir {
    return make_dir($ENV{TMPDIR} || (-w '/dev/shm' ? '/dev/shm' : '/tmp'));
}


sub store_dir {
    return make_dir($ENV{GLANCE_TEST_STORE} || $ENV{TMPDIR} || '/tmp');
}


my $scratch;

sub scratch_file {
    my ($name) = @_;

    $scratch ||= temp_dir();

    return "$scratch/$name-$$-" . $counter++;
}


# files

sub read_file {
    my ($path) = @_;

    open(my $fh, '<:raw', $path) or die "open \"$path\" failed: $!\n";
    local $/;
    my $text = <$fh>;

    return defined $text ? $text : '';
}


sub write_file {
    my ($path, @text) = @_;

    open(my $fh, '>:raw', $path) or die "open \"$path\" failed: $!\n";
    print $fh @text or die "write \"$path\" failed: $!\n";
    close($fh) or die "close \"$path\" failed: $!\n";

    return $path;
}


sub find_program {
    my (@names) = @_;

    for my $name (@names) {
        next if !defined $name;
        return $name if $name =~ m!/! && -x $name;

        for my $dir (split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin') {
            return "$dir/$name" if -x "$dir/$name" && !-d "$dir/$name";
        }
    }

    return;
}


# the end, whatever brought it about

sub clean_up {
    if ($$ == $Owner) {
        my @left = (keys %running, children($Owner));
        kill_process(@left) if @left;

    } else {
        return;
    }

    # by name: also those that a background process has made

    for my $dir (map { glob "$_/glance-test-$Owner-*" } keys %bases) {
        if ($ENV{GLANCE_TEST_LEAVE}) {
            print STDERR "# left: $dir\n";
            next;
        }

        File::Path::remove_tree($dir, { error => \my $ignored });
    }
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
