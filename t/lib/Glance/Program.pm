package Glance::Program;

# Copyright (C) ngx_glance authors

# What nginx, the registry, the worker and the database server have in common
# as seen by a test: a pid, a log, a life.

use warnings;
use strict;

use Glance::Process qw/
    children kill_process process_state read_file send_signal spawn
    stop_process wait_until
/;


sub build_dir {
    return $ENV{BUILD_DIR} || 'build';
}


sub built {
    my ($name) = @_;

    require Cwd;

    return Cwd::abs_path(build_dir()) . "/$name";
}


# sanitizers report into the directory of the program

sub sanitizer_env {
    my ($dir) = @_;

    my $log = "log_path=$dir/sanitizer";

    return (
        ASAN_OPTIONS => join(':', grep { defined && length }
            $ENV{ASAN_OPTIONS}, 'detect_odr_violation=0', $log),
        UBSAN_OPTIONS => join(':', grep { defined && length }
            $ENV{UBSAN_OPTIONS}, 'print_stacktrace=1', $log),
    );
}


# launch($p, argv, env => ..): starts it and waits for $p->ready()

sub launch {
    my ($p, $argv, %o) = @_;

    $p->{pid} = spawn(
        name => $p->{name},
        argv => $argv,
        log => $p->{output},
        env => { sanitizer_env($p->{dir}), %{$o{env} || {}} },
    );

    my $ready = wait_until(sub { !$p->alive() || $p->ready() });

    if (!$ready || !$p->alive()) {
        my $text = $p->tail();
        $p->kill();
        die "$p->{name} did not start:\n$text\n";
    }

    return $p;
}


sub alive {
    my ($p) = @_;

    return Glance::Process::alive($p->{pid});
}


# the ends of its logs

sub tail {
    my ($p) = @_;

    my $text = '';

    for my $file (grep { defined && -e } $p->{output}, $p->{log}) {
        $text .= substr(read_file($file), -3000);
    }

    return $text;
}


sub stop {
    my ($p, %o) = @_;

    my $status = stop_process(delete $p->{pid}, %o);
    delete $p->{paused};

    return $status;
}


sub kill {
    my ($p) = @_;

    kill_process(delete $p->{pid}) if $p->{pid};
    delete $p->{paused};
}


sub family {
    my ($p) = @_;

    return $p->{pid} ? ($p->{pid}, children($p->{pid})) : ();
}


# SIGSTOP for all of its processes; returns when they stand still

sub pause {
    my ($p) = @_;

    my @pids = $p->family();

    send_signal('STOP', @pids);
    wait_until(sub { !grep { process_state($_) ne 'T' } @pids });
    $p->{paused} = 1;
}


sub resume {
    my ($p) = @_;

    send_signal('CONT', $p->family());
    delete $p->{paused};
}


# lines that must not be there: ("file: line", ..)

sub complaints {
    my ($p) = @_;

    my @found;

    for my $file (grep { defined && -e } $p->{log}, $p->{output}) {
        open(my $fh, '<', $file) or next;

        while (my $line = <$fh>) {
            next if $line !~ $p->{forbidden}
                    && $line !~ /ERROR: \w+Sanitizer|runtime error:/;
            next if grep { $line =~ $_ } @{$p->{allowed} || []};

            chomp $line;
            push @found, "$p->{name}: $line";
        }
    }

    for my $file (glob "$p->{dir}/sanitizer.*") {
        push @found, "$p->{name}: " . substr(read_file($file), 0, 4000);
    }

    return @found;
}


# a complaint that a test provokes on purpose

sub allow {
    my ($p, @patterns) = @_;

    push @{$p->{allowed}}, @patterns;
}


1;
