#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Images as people have them: in by one way, out by another, not a bit
# different.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $GiB = 1024 * 1024 * 1024;

my $dir = store_dir();


# kernel and ramdisk of an installer

sub installer_files {
    my ($status, $text) = run_command([ 'dpkg', '-L',
                                        'debian-installer-12-netboot-amd64' ]);

    return if $status != 0;

    my @files = grep { m!/amd64/(?:linux|initrd\.gz)$! && -f }
                split(/\n/, $text);
    my %first;

    $first{m!/linux$! ? 'kernel' : 'ramdisk'} ||= $_ for sort @files;

    return %first;
}


# made by grub-mkrescue, or the one that a package has

sub iso_file {
    my $tool = find_program('grub-mkrescue');

    if ($tool) {
        my $root = temp_dir();
        mkdir("$root/boot");
        write_file("$root/boot/README", 'an image');

        my ($status) = run_command([ $tool, '-o', "$dir/rescue.iso",
                                     $root ]);
        return "$dir/rescue.iso" if $status == 0 && -s "$dir/rescue.iso";
    }

    return (grep { -s } glob '/usr/lib/grub-rescue/*.iso')[0];
}


sub qcow2_file {
    my $tool = find_program('qemu-img') or return;

    sparse_file("$dir/disk.raw", 64 * 1024 * 1024);

    my ($status) = run_command([ $tool, 'convert', '-O', 'qcow2',
                                 "$dir/disk.raw", "$dir/disk.qcow2" ]);
    unlink("$dir/disk.raw");

    return $status == 0 ? "$dir/disk.qcow2" : undef;
}


sub round_trip {
    my ($env, $name, $type, $file) = @_;

    my $size = -s $file;
    my $md5 = digest_of_file($file);

    for my $way ('length', 'chunked', 'PUT') {
        my %o = (file => $file, piece => 262144);
        my $r;

        if ($way eq 'PUT') {
            my $id = $env->create({ name => $name, type => $type,
                                    size => $size });
            $r = $env->put($id, {}, %o);
            status_is($r, 200, "$name by $way");

        } else {
            $r = $env->post({ name => $name, type => $type,
                              $way eq 'length' ? (size => $size) : () },
                            %o, chunked => $way eq 'chunked');
            status_is($r, 201, "$name by $way");
        }

        my $image = ($r->json() || {})->{image} || next;

        is($image->{size}, $size, 'size');
        is($image->{type}, $type, 'type');
        has_header($r, 'ETag', qr/\Q$md5\E/);

        my ($sink, $sum) = digest_sink();

        $r = $env->request('GET', "/images/$image->{id}", sink => $sink);

        status_is($r, 200, "$name back");
        is($r->{length}, $size, 'as many bytes');
        is($sum->(), $md5, 'the same bytes');
        is($r->meta()->{checksum}, $md5, 'checksum');
        is($r->meta()->{type}, $type, 'type');
        is(digest_of_file("$env->{store}/$image->{id}"), $md5, 'in store');

        status_is($env->request('DELETE', "/images/$image->{id}"), 200);
    }

    $env->nothing_left();
    $env->wipe();
}


sub free_bytes {
    my ($path) = @_;

    my ($status, $text) = run_command([ 'df', '-Pk', $path ]);

    return $text =~ /\n\S+\s+\d+\s+\d+\s+(\d+)/ ? $1 * 1024 : 0;
}


my %installer = installer_files();
my %image = (
    'S-53 a kernel' => [ 'kernel', $installer{kernel} ],
    'S-53 a ramdisk' => [ 'ramdisk', $installer{ramdisk} ],
    'S-53 a bootable medium (ISO 9660)' => [ 'raw', iso_file() ],
    'S-53 a disk of a machine (qcow2)' => [ 'machine', qcow2_file() ],
);


for_each_database(sub {
    my ($env, $db) = @_;

    for my $title (sort keys %image) {
        my ($type, $file) = @{$image{$title}};

        check($title => sub {
            plan(skip_all => 'no such file on this machine')
                if !defined $file;

            round_trip($env, $title, $type, $file);
        });
    }
});


check('S-44 S-43 a sparse disk of 5 GiB' => sub {
    my $size = 5 * $GiB;

    plan(skip_all => 'GLANCE_TEST_QUICK is set') if $ENV{GLANCE_TEST_QUICK};
    plan(skip_all => 'less than 7 GiB free in ' . $dir)
        if free_bytes($dir) < 7 * $GiB;

    with_env('sqlite', sub {
        my ($env) = @_;

        my $file = sparse_file("$dir/big.raw", $size);
        my $md5 = digest_of_file($file);
        my $r = $env->post({ name => 'big', type => 'raw', size => $size },
                           file => $file, piece => 262144, timeout => 600);

        status_is($r, 201);
        has_header($r, 'ETag', qr/\Q$md5\E/);

        my $id = $r->json()->{image}{id};
        my ($sink, $sum) = digest_sink();

        $r = $env->request('GET', "/images/$id", sink => $sink,
                           timeout => 600);

        is($r->{length}, $size, 'all bytes');
        is($sum->(), $md5, 'the right ones');
        has_header($r, 'Content-Length', $size);
        is($r->meta()->{size}, $size, 'size above 32 bits');

        my $from = $size - 700;
        $r = $env->request('GET', "/images/$id",
                           headers => [ Range => "bytes=$from-" ]);
        is($r->{length}, 700, 'a range at the end');

        my ($image) = grep { $_->[0] eq $id } $env->rows();
        is_deeply([ @$image[1, 3, 4] ], [ 'active', $size, $md5 ], 'row');
        unlink($file);
    });
});


done_testing();
