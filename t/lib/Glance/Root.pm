package Glance::Root;

# Copyright (C) ngx_glance authors

# A scratch root of this machine for packages: what is written to it is a
# layer of its own above "/", or above the directory GLANCE_TEST_ROOT, such
# as one by mmdebstrap.  Processes, mounts and the network are not those of
# the machine, so ports and files are free.

use warnings;
use strict;

use Cwd qw/ abs_path /;
use File::Find ();
use Socket;

use Glance::Process qw/ read_file run_command spawn write_file /;

my @namespaces = qw/
    unshare --mount --net --pid --fork --kill-child --mount-proc
    --propagation private
/;

# what dpkg, its helpers and a running system write for themselves

my $bookkeeping = qr{^/(?:
    var/lib/(?:dpkg|apt|man-db|nginx|ucf|logrotate)(?:/|$)
    | var/log/(?:dpkg|alternatives)\.log$ | var/log/(?:apt|nginx|journal)/
    | var/log/(?:lastlog|faillog)$
    | var/cache/ | (?:dev|proc|run|tmp)(?:/|$) | root/
    | etc/(?:passwd|group|shadow|gshadow|sub[ug]id)-?$ | etc/\.pwd\.lock$
    | etc/ld\.so\.cache$ | usr/sbin/policy-rc\.d$
)}x;


# why there can be none here; false if there can

sub missing {
    return 'a scratch root needs root' if $> != 0;

    my ($status, $text) = run_command([ @namespaces, 'true' ]);

    return $status == 0 ? '' : "no namespaces here: $text";
}


# (exit status, text) of a Perl program with arguments that may call new()

sub inside {
    my ($dir, @argv) = @_;

    mkdir("$dir/tmp");

    return run_command([ @namespaces, $^X, (map { "-I$_" } @INC), @argv ],
                       env => { TMPDIR => "$dir/tmp" }, timeout => 540);
}


# new(dir): below dir, which is not on an overlay itself

sub new {
    my ($class, $dir) = @_;

    my $root = bless { upper => "$dir/upper", path => "$dir/merged",
                       lower => $ENV{GLANCE_TEST_ROOT} || '/' }, $class;

    mkdir($_) for "$dir/work", $root->{upper}, $root->{path};

    mount('-t', 'overlay', 'overlay', '-o', "lowerdir=$root->{lower},"
          . "upperdir=$root->{upper},workdir=$dir/work", $root->{path});

    mount('-t', 'proc', 'proc', "$root->{path}/proc");
    mount('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', "$root->{path}/$_")
        for qw/ dev run /;
    mount('-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', "$root->{path}/tmp");

    mknod($root->path("/dev/$_->[0]"), $_->[1])
        for [ null => 3 ], [ zero => 5 ], [ full => 7 ], [ random => 8 ],
            [ urandom => 9 ];

    symlink('/proc/self/fd', $root->path('/dev/fd'));
    symlink("/proc/self/fd/$_->[1]", $root->path("/dev/$_->[0]"))
        for [ stdin => 0 ], [ stdout => 1 ], [ stderr => 2 ];

    # no service is started by a package, no manual is indexed

    write_file($root->path('/usr/sbin/policy-rc.d'), "#!/bin/sh\nexit 101\n");
    chmod(0755, $root->path('/usr/sbin/policy-rc.d'));
    unlink($root->path('/var/lib/man-db/auto-update'));

    loopback_up();

    return $root;
}


sub mount {
    my (@arguments) = @_;

    my ($status, $text) = run_command([ 'mount', @arguments ]);

    die "mount @arguments: $text\n" if $status != 0;
}


# memory devices: major number 1

sub mknod {
    my ($path, $minor) = @_;

    my ($status, $text) = run_command([ 'mknod', '-m', '666', $path, 'c', 1,
                                        $minor ]);

    die "mknod $path: $text\n" if $status != 0;
}


# a new network has a loopback interface that is down

sub loopback_up {
    socket(my $s, PF_INET, SOCK_DGRAM, 0) or die "socket() failed: $!\n";

    my $request = pack('a16 s x22', 'lo', 0x1 | 0x40);  # up, running

    ioctl($s, 0x8914, $request) or die "loopback interface: $!\n";
}


sub path {
    my ($root, $path) = @_;

    return "$root->{path}$path";
}


sub exists {
    my ($root, $path) = @_;

    return -e $root->path($path) || -l $root->path($path);
}


# (exit status, text) of a command in it

sub run {
    my ($root, @argv) = @_;

    return run_command([ 'chroot', $root->{path}, @argv ],
                       env => environment());
}


sub environment {
    return { DEBIAN_FRONTEND => 'noninteractive', LC_ALL => 'C.UTF-8',
             HOME => '/root', TMPDIR => undef,
             PATH => '/usr/sbin:/usr/bin:/sbin:/bin' };
}


# pid of a program in it, as that user; options as of spawn()

sub start {
    my ($root, $user, $argv, %o) = @_;

    my ($uid, $gid) = $root->user($user);

    return spawn(%o, env => { %{environment()}, HOME => '/' },
                 argv => [ 'chroot', "--userspec=$uid:$gid", $root->{path},
                           @$argv ]);
}


# (uid, gid); nothing if there is none of that name

sub user {
    my ($root, $name) = @_;

    return read_file($root->path('/etc/passwd'))
           =~ /^\Q$name\E:[^:]*:(\d+):(\d+):/m;
}


# "name:group mode" of a file

sub owner {
    my ($root, $path) = @_;

    my ($status, $text) = $root->run('stat', '-c', '%U:%G %a', $path);

    chomp $text;

    return $text;
}


# from here on changes() counts

sub settle {
    my ($root) = @_;

    $root->{before} = { map { $_ => 1 } $root->changes() };
}


# what is there that was not, and the other way round, bookkeeping aside

sub changes {
    my ($root) = @_;

    my @found;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my $path = substr($_, length $root->{upper});
        my $lower = $root->{lower} eq '/' ? $path : "$root->{lower}$path";

        return if $path eq '' || $path =~ $bookkeeping;
        return if -d $_ && !-l $_ && -d $lower;

        push @found, -c $_ ? "$path is gone" : $path;
    }}, $root->{upper});

    return sort grep { !$root->{before}{$_} } @found;
}


1;
