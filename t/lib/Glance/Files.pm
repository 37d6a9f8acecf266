package Glance::Files;

# Copyright (C) ngx_glance authors

# What a test takes of the machine besides processes: ports, directories,
# files.

use warnings;
use strict;

use Exporter qw/ import /;
use Fcntl qw/ :flock O_RDWR O_CREAT /;
use File::Path ();
use File::Spec;
use Socket;

our @EXPORT_OK = qw/
    find_program free_port read_file scratch_file store_dir temp_dir
    write_file
/;

my $Owner = $$;
my $Locks = File::Spec->tmpdir() . "/glance-test-ports-$<";
my (%bases, @port_locks);


# ports: taken below the range of outgoing connections, and locked against
# the other tests of the machine

sub free_port {
    mkdir($Locks, 0700);

    for (1 .. 1000) {
        my $port = 14000 + int(rand(16000));

        sysopen(my $lock, "$Locks/$port", O_RDWR | O_CREAT, 0600) or next;
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


# by name: also those that a background process has made

sub remove_dirs {
    for my $dir (map { glob "$_/glance-test-$Owner-*" } keys %bases) {
        if ($ENV{GLANCE_TEST_LEAVE}) {
            print STDERR "# left: $dir\n";
            next;
        }

        File::Path::remove_tree($dir, { error => \my $ignored });
    }
}


1;
