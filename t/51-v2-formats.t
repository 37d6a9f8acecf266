#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What data may be uploaded by API v2: those of the image's disk_format that
# lead nobody to other files.  Others leave nothing behind.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $MiB = 1024 * 1024;
my $dir = store_dir();


###############################################################################

# images, made by hand

sub qcow2 {
    my (%o) = @_;

    my $header = "QFI\xfb" . pack('NQ>NNQ>', $o{version} || 3,
                                  $o{backing} || 0, $o{backing} ? 11 : 0, 16,
                                  $o{size} || 5 * $MiB);

    $header .= "\0" x (72 - length $header);
    $header .= pack('Q>Q>Q>NN', $o{features} || 0, 0, 0, 4, 104);
    $header .= $o{more} if defined $o{more};

    return $header . "\0" x (65536 - length $header) . noise(4096, 'data');
}


sub vmdk {
    my ($text, %o) = @_;

    my $header = 'KDMV' . pack('VVQ<Q<Q<Q<VQ<Q<', 1, 3, 4096, 128, 1, 20,
                               512, 21, $o{footer} ? ~0 : 26);

    $header .= "\0" x (512 - length $header) . $text;

    return $header . "\0" x (65536 - length $header) . ($o{footer} || '');
}


sub descriptor {
    my ($type, $extent) = @_;

    return "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n"
           . "createType=\"$type\"\nRW 4096 SPARSE \"$extent\"\n";
}


sub disk {
    my ($flag, $type, $start) = @_;

    return "\0" x 446 . pack('C8V2', $flag, 0, 2, 0, $type, 0, 0, 0, $start,
                             4096) . "\0" x 48 . "\x55\xaa" . "\0" x 3584;
}


sub iso {
    my ($first) = @_;

    my $text = "\0" x 36864;

    substr($text, 0, length $first) = $first if defined $first;
    substr($text, 32768, 6) = "\1CD001";
    substr($text, 32848, 4) = pack('V', 18);
    substr($text, 32896, 2) = pack('v', 2048);

    return $text;
}


my $random = noise(300_000, 'random');
my $sparse = descriptor('monolithicSparse', 'disk.vmdk');

# title, disk_format, data, virtual_size

my @good = (
    [ 'random bytes', 'raw', $random, length $random ],
    [ 'no bytes', 'raw', '', undef ],
    [ 'random bytes', 'ami', $random, undef ],
    [ 'random bytes', 'ploop', $random, undef ],
    [ 'qcow2', 'qcow2', qcow2(), 5 * $MiB ],
    [ 'qcow2', 'raw', qcow2(), length qcow2() ],
    [ 'qcow2 without a size', 'qcow2', qcow2(size => '0 but true'), undef ],
    [ 'vmdk', 'vmdk', vmdk($sparse), 2 * $MiB ],
    [ 'a disk with a partition', 'raw', disk(0x80, 0x83, 2048), 4096 ],
    [ 'a CD', 'iso', iso(), 36864 ],
    [ 'a CD that is a disk, too', 'iso', iso(disk(0, 0, 0)), 36864 ],
);

# title, disk_format, data, words

my $match = qr/disk_format \w+ does not match stream data/;
my $unsafe = qr/Image failed safety checks/;

my @bad = (
    [ 'random bytes', 'qcow2', $random, $match ],
    [ 'no bytes', 'qcow2', '', $match ],
    [ 'the first bytes of qcow2', 'qcow2', "QFI\xfb\0\0\0\3", $match ],
    [ 'qcow2', 'vmdk', qcow2(), qr/vmdk does not match stream data qcow2/ ],
    [ 'a partition', 'iso', disk(0, 0x83, 1), $match ],
    [ 'a CD and qcow2', 'iso', iso(substr(qcow2(), 0, 512)),
      qr/Multiple formats detected: qcow2, iso/ ],
    [ 'a backing file', 'qcow2', qcow2(backing => 104,
                                       more => '/etc/passwd'),
      qr/safety checks: qcow2 backing_file/ ],
    [ 'a backing file', 'raw', qcow2(backing => 104, more => '/etc/passwd'),
      $unsafe ],
    [ 'a data file', 'qcow2', qcow2(features => 4),
      qr/safety checks: qcow2 data_file/ ],
    [ 'an unknown feature', 'raw', qcow2(features => 0x10), $unsafe ],
    [ 'a path', 'vmdk', vmdk(descriptor('monolithicSparse', '/etc/passwd')),
      qr/safety checks: vmdk descriptor, an extent is a path/ ],
    [ 'a flat disk', 'raw', vmdk(descriptor('monolithicFlat', 'x')),
      $unsafe ],
    [ 'a descriptor alone', 'raw', descriptor('monolithicFlat',
                                              '/etc/shadow'), $unsafe ],
    [ 'no footer', 'vmdk', vmdk(descriptor('streamOptimized', 'x'),
                                footer => $random),
      qr/safety checks: vmdk footer/ ],
    [ 'LUKS 2', 'raw', "LUKS\xba\xbe\0\2" . "\0" x 1000, $unsafe ],
    [ 'NTFS', 'raw', disk(0xe8, 0x20, 1), qr/safety checks: gpt mbr/ ],
);


sub create {
    my ($env, $format, $container) = @_;

    my $r = $env->request('POST', '/v2/images',
        headers => [ 'Content-Type' => 'application/json' ],
        body => qq({"name": "x", "disk_format": "$format", )
                . '"container_format": "' . ($container || 'bare') . '"}');

    die 'cannot create an image: ' . $r->summary() . "\n"
        if $r->{status} != 201;

    return $r->json()->{id};
}


sub upload {
    my ($env, $id, %o) = @_;

    my $c = delete $o{connection} || $env;

    return $c->request('PUT', "/v2/images/$id/file",
        headers => [ 'Content-Type' => 'application/octet-stream',
                     'Accept' => 'text/plain' ], %o);
}


sub show {
    my ($env, $id) = @_;

    return $env->request('GET', "/v2/images/$id")->json() || {};
}


sub is_active {
    my ($env, $id, $data, $virtual) = @_;

    my $image = show($env, $id);

    is($image->{status}, 'active', 'status');
    is($image->{size}, length $data, 'size');
    is($image->{virtual_size}, $virtual, 'virtual_size');
    is($image->{checksum}, md5_of($data), 'checksum');
}


sub is_untouched {
    my ($env, $id) = @_;

    my $image = show($env, $id);

    is($image->{status}, 'queued', 'queued again');

    is($image->{$_}, undef, "no $_")
        for qw/ size virtual_size checksum os_hash_algo os_hash_value
                stores direct_url /;

    my $r = $env->request('GET', "/v2/images/$id/file");

    status_is($r, 204, 'nothing to download');
    is($r->{body}, '', 'not a byte');
    ok(!(grep { /\Q$id\E/ } $env->files()), 'nothing in the store');
    is(scalar($env->claims()), 0, 'no claim');
}


for_each_database(sub {
    my ($env, $db) = @_;

    check('what is right' => sub {
        for my $case (@good) {
            my ($title, $format, $data, $virtual) = @$case;
            my $id = create($env, $format);

            status_is(upload($env, $id, body => $data), 204,
                      "$title as $format");
            is_active($env, $id, $data, $virtual);
        }
    });

    check('what is wrong' => sub {
        for my $case (@bad) {
            my ($title, $format, $data, $words) = @$case;
            my $id = create($env, $format);
            my $r = upload($env, $id, body => $data);

            status_is($r, 415, "$title as $format");
            like($r->{body}, $words, 'the reason');
            is_untouched($env, $id);
        }
    });

    check('a second try' => sub {
        my $id = create($env, 'qcow2');
        my $c = $env->connect();
        my $data = qcow2();

        for my $bad (qcow2(backing => 8), $random) {
            my $r = upload($env, $id, connection => $c, body => $bad);

            status_is($r, 415, 'refused');
            is(lc($r->header('Connection') || ''), 'keep-alive',
               'the connection goes on');
        }

        status_is(upload($env, $id, connection => $c, body => $data), 204,
                  'taken');
        is_active($env, $id, $data, 5 * $MiB);
        is($env->request('GET', "/v2/images/$id/file")->{body}, $data,
           'the right bytes');
        status_is(upload($env, $id, body => $data), 409, 'only once');
    });

    check('in pieces' => sub {
        my $n = 0;
        my $bad = qcow2(backing => 8);

        for my $data (qcow2(), $bad) {
            my $id = create($env, 'qcow2');
            my $r = upload($env, $id, chunked => 1, piece => 700,
                           body => $data);

            status_is($r, $data eq $bad ? 415 : 204, 'chunked');
        }

        # longer than all buffers; the footer is where it belongs

        my $head = vmdk(descriptor('streamOptimized', 'x'), footer => 'x');
        my $copy = substr($head, 0, 512);

        substr($copy, 56, 8) = pack('Q<', 26);

        my $tail = pack('Q<VV', 1, 0, 3) . "\0" x 496 . $copy . "\0" x 512;
        my @pieces = (substr($head, 0, 65536),
                      map({ noise(512 * 1024, $_) } 1 .. 6), $tail);

        my $id = create($env, 'vmdk');

        status_is(upload($env, $id, body => join('', @pieces)), 204,
                  'a long one');
        is_active($env, $id, join('', @pieces), 2 * $MiB);

        $pieces[-1] =~ s/KDMV\x01/KDMV\x02/;
        $id = create($env, 'vmdk');

        status_is(upload($env, $id, body => join('', @pieces)), 415,
                  'with a forged footer');
        is_untouched($env, $id);
    });

    check('what is not inspected' => sub {
        my $data = qcow2(backing => 8);
        my $id = create($env, 'vmdk', 'ova');

        status_is(upload($env, $id, body => $data), 204, 'archives');
        is_active($env, $id, $data, undef);

        my $r = $env->v1('POST', '', { name => 'x', disk_format => 'raw',
                                       container_format => 'bare' },
                         body => $data);
        status_is($r, 201, 'API v1');
        is(show($env, $r->json()->{image}{id})->{status}, 'active');

        status_is($env->post({ type => 'raw' }, body => $data), 201,
                  'the API of 2011');
    });

    $env->consistent();
});


check('when formats need not match' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $id = create($env, 'vmdk');

        status_is(upload($env, $id, body => qcow2()), 204, 'another format');
        is_active($env, $id, qcow2(), undef);
        is(scalar($env->{nginx}->log_lines(
            qr/\[warn\].*$id.*vmdk does not match stream data qcow2/)), 1,
           'a warning');

        $id = create($env, 'iso');
        status_is(upload($env, $id, body => iso(substr(qcow2(), 0, 512))),
                  204, 'two formats');
        is_active($env, $id, iso(substr(qcow2(), 0, 512)), undef);

        $id = create($env, 'raw');
        my $ntfs = disk(0xe8, 0x20, 1);
        status_is(upload($env, $id, body => $ntfs), 204,
                  'a partition table that is none');
        is_active($env, $id, $ntfs, length $ntfs);
        is(scalar($env->{nginx}->log_lines(qr/\[warn\].*$id.*gpt mbr/)), 1,
           'a warning');

        for my $format ('raw', 'vmdk', 'qcow2') {
            $id = create($env, $format);
            my $r = upload($env, $id, body => qcow2(backing => 104));

            status_is($r, 415, "a backing file in $format");
            like($r->{body}, $unsafe, 'is not safe');
            is_untouched($env, $id);
        }

        $env->consistent();
    }, nginx => { directives => 'glance_require_image_format_match off; '
                                . 'glance_gpt_safety_checks_nonfatal mbr;' });
});


check('images by qemu-img' => sub {
    my $qemu = find_program('qemu-img')
        or plan(skip_all => 'no qemu-img on this machine');

    write_file("$dir/disk", noise($MiB, 'disk') . "\0" x (2 * $MiB));

    with_env('sqlite', sub {
        my ($env) = @_;

        for my $case ([ 'qcow2', 'qcow2', 'compat=1.1' ],
                      [ 'qcow2', 'qcow2', 'compression_type=zstd', '-c' ],
                      [ 'vmdk', 'vmdk', 'subformat=streamOptimized' ],
                      [ 'vmdk', 'vmdk', 'subformat=monolithicSparse' ],
                      [ 'vdi', 'vdi', 'static=off' ],
                      [ 'vhdx', 'vhdx', 'subformat=dynamic' ],
                      [ 'vpc', 'vhd', 'subformat=dynamic,force_size=on' ])
        {
            my ($out, $format, $option, @more) = @$case;
            my $file = "$dir/disk.$out";

            my ($status, $text) = run_command([ $qemu, 'convert', @more,
                '-f', 'raw', '-O', $out, '-o', $option, "$dir/disk", $file ]);
            is($status, 0, "$out, $option") or diag($text);

            my $id = create($env, $format);

            status_is(upload($env, $id, file => $file, piece => 65536), 204,
                      'uploaded');
            is(show($env, $id)->{virtual_size}, 3 * $MiB, 'virtual_size');
            is(digest_of_file("$env->{store}/$id"), digest_of_file($file),
               'unchanged');

            $id = create($env, 'iso');
            status_is(upload($env, $id, file => $file, piece => 65536), 415,
                      'not as something else');
        }

        $env->consistent();
    });
});


check('a bootable CD' => sub {
    my ($file) = grep { -s } glob '/usr/lib/grub-rescue/*.iso'
        or plan(skip_all => 'no grub-rescue-pc on this machine');

    with_env('sqlite', sub {
        my ($env) = @_;

        my $id = create($env, 'iso');

        status_is(upload($env, $id, file => $file, piece => 65536), 204,
                  'uploaded');

        my $image = show($env, $id);

        is($image->{size}, -s $file, 'size');
        cmp_ok($image->{virtual_size}, '>', 0, 'virtual_size');
        cmp_ok($image->{virtual_size}, '<=', -s $file, 'not beyond its end');

        $id = create($env, 'qcow2');
        status_is(upload($env, $id, file => $file, piece => 65536), 415,
                  'not as a disk');
        is_untouched($env, $id);

        $env->consistent();
    });
});


done_testing();
