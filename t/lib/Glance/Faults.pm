package Glance::Faults;

# Copyright (C) ngx_glance authors

# Disks that are slow, broken or full.

use warnings;
use strict;

use Exporter qw/ import /;
use File::Basename ();

use Glance::Files qw/ find_program read_file temp_dir write_file /;
use Glance::Process qw/ run_command wait_until /;

our @EXPORT_OK = qw/ full_disk slow_disk /;

my (@mounts, $library);
my $Owner = $$;


# A disk on demand for a program that is started with env => $disk->env().
# undef when it cannot be built here.

sub slow_disk {
    my ($dir) = @_;

    my $cc = find_program($ENV{CC}, qw/ cc gcc clang /) or return;

    if (!$library) {
        my $source = File::Basename::dirname(__FILE__) . '/../slowdisk.c';
        my $file = temp_dir() . '/slowdisk.so';
        my ($status, $text) = run_command([ $cc, '-shared', '-fPIC', '-O1',
                                            '-o', $file, $source, '-ldl' ]);

        die "slowdisk.c does not build:\n$text\n" if $status != 0;
        $library = $file;
    }

    my $own = temp_dir();

    return bless {
        dir => $dir,
        rules => "$own/rules",
        log => "$own/log",
    }, __PACKAGE__;
}


sub env {
    my ($disk) = @_;

    my $asan = $ENV{ASAN_OPTIONS};

    return {
        LD_PRELOAD => $library,
        SLOWDISK_DIR => $disk->{dir},
        SLOWDISK_RULES => $disk->{rules},
        SLOWDISK_LOG => $disk->{log},
        defined $asan
            ? (ASAN_OPTIONS => "$asan:verify_asan_link_order=0") : (),
    };
}


# rule(call => action, ..): see slowdisk.c; none of them: all is well again

sub rule {
    my ($disk, @rules) = @_;

    my $text = '';

    while (my ($call, $action) = splice(@rules, 0, 2)) {
        $text .= "$call $action\n";
    }

    unlink($disk->{log});

    if ($text eq '') {
        unlink($disk->{rules});
        return;
    }

    write_file("$disk->{rules}.new", $text);
    rename("$disk->{rules}.new", $disk->{rules});
}


# waits until a rule was applied

sub applied {
    my ($disk, $call) = @_;

    return wait_until(sub {
        return -e $disk->{log} && read_file($disk->{log}) =~ /^\Q$call\E /m;
    });
}


# a small file system, mounted; undef when that is not permitted

sub full_disk {
    my ($size) = @_;

    my $dir = temp_dir();
    my ($status) = run_command([ 'mount', '-t', 'tmpfs', '-o', "size=$size",
                                 'glance-test', $dir ]);

    return if $status != 0;

    push @mounts, $dir;

    return $dir;
}


# before the directories are removed: ends run in reverse order of loading

END {
    my $status = $?;

    if ($$ == $Owner) {
        for my $dir (@mounts) {
            Glance::Process::kill_process(
                Glance::Process::children($$));
            run_command([ 'umount', $dir ]);
        }
    }

    $? = $status;
}


1;
