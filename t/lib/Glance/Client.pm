package Glance::Client;

# Copyright (C) ngx_glance authors

# Command lines of OpenStack's clients, as users type them.

use warnings;
use strict;

use Exporter qw/ import /;
use Test::More;

use Glance::Data qw/ digest_of_file md5_of noise /;
use Glance::Process qw/ run_command temp_dir write_file /;

our @EXPORT_OK = qw/ openstack_v1 output_of run says session table /;

our %Environment;               # of the user

my $home;


sub home {
    return $home ||= temp_dir();
}


# (status, output) of a command line without a terminal

sub run {
    my (@argv) = @_;

    my ($status, $text) = run_command([ '/bin/sh', '-c',
        'HOME="$0" exec "$@" <&- 2>&1', home(), @argv ], timeout => 120,
        env => { %Environment });

    return ($status, $text);
}


# the output of a command that must succeed

sub output_of {
    my ($title, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = run(@argv);

    is($status, 0, $title) or diag($text);

    return $text;
}


# what one says that cannot do what it should; some end with status 0

sub says {
    my ($title, $words, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = run(@argv);

    like($text, $words, $title) or diag("status $status");
}


# the outputs of commands that are typed into one openstack, which takes its
# time to start

sub session {
    my (@commands) = @_;

    my $mark = '@@@@';
    my $file = home() . '/commands';

    write_file($file, join('', map { "shell echo $mark\n$_\n" } @commands));

    my ($status, $text) = run_command([ '/bin/sh', '-c',
        'HOME="$0" exec openstack <"$1" 2>&1', home(), $file ],
        timeout => 300, env => { %Environment, PYTHONUNBUFFERED => 1 });
    my ($first, @outputs) = split(/^$mark\n/m, $text, -1);

    return @outputs == @commands ? @outputs : map { $text } @commands;
}


# What Debian's openstack can do with API v1, as the user whose environment it
# is: options are those of his requests.

sub openstack_v1 {
    my ($env, %o) = @_;

    my $dir = home();
    my $data = noise(200_000);
    my @ids = map { $env->v1_create({ name => $_, disk_format => 'raw',
        container_format => 'bare', is_public => 1,
        'property-distro' => 'none' }, body => $data, %o) } qw/ first last /;
    my ($id, $last) = @ids;

    my ($list, $long, $show, $show_id, $by_name, $by_id, $set, $copy, $gone)
        = session('image list', 'image list --long --sort name:asc',
            'image show first', "image show $last",
            "image save --file $dir/name.img first",
            "image save --file $dir/id.img $last",
            "image set --name other --min-ram 7 --property os=new $id",
            'image create --copy-from http://127.0.0.1/x copy',
            'image delete other');

    like($list, qr/\| \Q$_\E \| \w+ +\| active \|/, 'openstack: list')
        for @ids;
    like($long, qr/\Q$id\E .*@{[ md5_of($data) ]} .*public .*distro='none'
                   .*\n.*\Q$last\E/x, 'list --long');

    for my $case ([ $show, $id, 'its name' ], [ $show_id, $last, 'its id' ]) {
        my ($text, $shown, $by) = @$case;
        my %image = table($text);

        is($image{id}, $shown, "show, by $by") or diag($text);
        is($image{size}, 200_000, 'size');
        like($image{properties}, qr/distro='none'/, 'properties');
    }

    for my $case ([ name => $by_name ], [ id => $by_id ]) {
        my ($name, $text) = @$case;

        is(-e "$dir/$name.img" ? digest_of_file("$dir/$name.img") : 'none',
           md5_of($data), "save, by its $name") or diag($text);
    }

    is_deeply([ $env->{database}->query(
        "SELECT name, min_ram, size FROM images WHERE id = '$id'") ],
        [ [ 'other', 7, 200_000 ] ], 'set') or diag($set);
    is_deeply([ $env->{database}->query("SELECT name, value
        FROM image_properties WHERE image_id = '$id' ORDER BY name") ],
        [ [ 'distro', 'none' ], [ 'os', 'new' ] ],
        'and what it does not name stays');
    is($env->status_of($id), 'deleted', 'delete') or diag($gone);
    is($env->status_of($last), 'active', 'and no other');

    like($copy, qr/x-glance-api-copy-from leads to/,
         'create --copy-from, of what must not be read');

    openstack_v1_create($env, '--file', "$dir/data.img", $data);
    openstack_v1_create($env, '', "<$dir/data.img", $data);

    run('/usr/bin/openstack', 'image', 'delete', $last);
    is($env->status_of($last), 'deleted', 'delete, by its id');
}


# Its client fails of itself ("to_dict") at the answer that the image is there.

sub openstack_v1_create {
    my ($env, $option, $file, $data) = @_;

    write_file(home() . '/data.img', $data);

    my ($status, $text) = run('/bin/sh', '-c',
        'exec /usr/bin/openstack image create --public --min-disk 2 '
        . "--disk-format iso --property os=old new $option $file");
    my ($id) = map { $_->[0] } $env->{database}->query(
        "SELECT id FROM images WHERE name = 'new' AND deleted = 0");

    ok($id, "create $option") or return diag($text);
    is_deeply([ $env->{database}->query("SELECT status, size, checksum,
        min_disk, disk_format FROM images WHERE id = '$id'") ],
        [ [ 'active', length $data, md5_of($data), 2, 'iso' ] ],
        'the data and their metadata') or diag($text);
    is_deeply([ $env->{database}->query("SELECT value FROM image_properties
        WHERE image_id = '$id' AND name = 'os'") ], [ [ 'old' ] ],
        'a property');
    like($text, qr/to_dict|\Q$id\E/, 'which the client has heard of');

    run('/usr/bin/openstack', 'image', 'delete', $id);
    is($env->status_of($id), 'deleted', 'delete');
}


# a property table: name => value; long values go on in the next lines

sub table {
    my ($text) = @_;

    my (%value, $name);

    for my $line (split(/\n/, $text)) {

        if ($line =~ /^\| (\S.*?)\s+\| (.*?)\s*\|$/) {
            $name = $1;
            $value{$name} = $2;

        } elsif (defined $name && $line =~ /^\|\s+\| (.*?)\s*\|$/) {
            $value{$name} .= $1;
        }
    }

    return %value;
}


1;
