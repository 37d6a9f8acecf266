package Glance::Radosgw;

# Copyright (C) ngx_glance authors

# The gateway of Ceph before a cluster of one monitor and one disk in memory:
# a second S3, whose code has nothing in common with Swift's.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Glance::HTTP;
use Glance::Process qw/
    find_program free_port read_file run_command spawn stop_process store_dir
    wait_until write_file
/;
use Glance::Program;


sub new {
    my ($class) = @_;

    my $dir = store_dir();

    return bless { name => 'radosgw', dir => $dir, port => free_port(),
                   mon => free_port(), mon1 => free_port(),
                   output => "$dir/output.log",
                   forbidden => qr/Caught signal|FAILED ceph_assert/ },
                 $class;
}


# why there is none, undef if there is

sub missing {
    for my $name (qw/ ceph-mon ceph-osd ceph radosgw radosgw-admin
                      monmaptool /)
    {
        return "no $name" if !find_program($name);
    }

    return;
}


sub tool {
    my ($p, $name, @argv) = @_;

    my ($status, $text) = run_command([ find_program($name), '-c',
                                        "$p->{dir}/ceph.conf", @argv ]);

    die "$name @argv: $text\n" if $status != 0;
    return $text;
}


sub daemon {
    my ($p, $name, @argv) = @_;

    return spawn(name => $name, log => "$p->{dir}/$name.log",
                 argv => [ find_program($name), '-c', "$p->{dir}/ceph.conf",
                           @argv, '-f' ]);
}


sub start {
    my ($p) = @_;

    my $dir = $p->{dir};
    my $fsid = '00000000-0000-4000-8000-0000000000ce';
    my $disk = '00000000-0000-4000-8000-0000000000d0';

    write_file("$dir/ceph.conf", <<"CONF");
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$p->{mon},v1:127.0.0.1:$p->{mon1}]
auth cluster required = none
auth service required = none
auth client required = none
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
ms mon client mode = crc
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
run dir = $dir
admin socket = $dir/\$name.asok
log file = $dir/\$name.log
keyring = $dir/keyring
mon data = $dir/mon
osd data = $dir/osd
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon data avail warn = 2
mon data avail crit = 1
osd objectstore = memstore
memstore device bytes = 2G
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$p->{port}
CONF
    mkdir("$dir/$_") for qw/ mon osd /;

    my ($status, $text) = run_command([ find_program('monmaptool'),
        '--create', '--clobber', '--fsid', $fsid, '--addv', 'a',
        "[v2:127.0.0.1:$p->{mon},v1:127.0.0.1:$p->{mon1}]",
        "$dir/monmap" ]);
    die "monmaptool: $text\n" if $status != 0;

    $p->tool('ceph-mon', '-i', 'a', '--mkfs', '--monmap', "$dir/monmap");
    $p->{mon_pid} = $p->daemon('ceph-mon', '-i', 'a');

    my @ceph = ('ceph', '--connect-timeout', 20);

    $p->tool(@ceph, 'osd', 'new', $disk, 0);
    $p->tool('ceph-osd', '-i', 0, '--mkfs', '--osd-uuid', $disk);
    $p->{osd_pid} = $p->daemon('ceph-osd', '-i', 0);

    wait_until(sub { $p->tool(@ceph, 'osd', 'stat') =~ /\b1 up/ })
        or die "the disk of Ceph is not there\n";

    $p->launch([ find_program('radosgw'), '-c', "$dir/ceph.conf", '-n',
                 'client.rgw', '-f' ]);

    $p->tool('radosgw-admin', '-n', 'client.rgw', 'user', 'create',
             '--uid=test', '--display-name=test', '--access-key=TESTACCESS',
             '--secret-key=test/secret+key');

    return $p;
}


sub stop {
    my ($p, %o) = @_;

    $p->SUPER::stop(%o);

    stop_process(delete $p->{$_}, signal => 'KILL')
        for grep { $p->{$_} } qw/ osd_pid mon_pid /;
}


sub ready {
    my ($p) = @_;

    my $r = eval { Glance::HTTP->new(port => $p->{port})
                   ->request('GET', '/', close => 1, timeout => 10) };

    return $r && $r->{status} && $r->{status} == 200;
}


1;
