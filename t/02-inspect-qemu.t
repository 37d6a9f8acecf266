#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What is said of images of all kinds, beside what QEMU says: their format and
# size, and that none is taken for whose sake QEMU would open another file.
# Then the same of images with a few bytes changed.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use IPC::Open2 qw(open2);
use JSON::PP ();

my $MiB = 1024 * 1024;
my $build = $ENV{BUILD_DIR} || "$FindBin::Bin/../build";
my $tool = "$build/unit/inspect";
my $qemu = find_program('qemu-img');

plan(skip_all => 'no qemu-img on this machine') if !$qemu;

my $dir = temp_dir();
my $secret = 'secret,id=s,data=word';
my $mutants = $ENV{GLANCE_TEST_MUTANTS} || 8;

# ours of QEMU's

my %name = (vpc => 'vhd', qcow => 'qcow2');


###############################################################################

# name, format, size, options, format that is found, check that fails

my @images = (
    [ 'raw', 'raw', 1, '', 'raw' ],
    [ 'parallels', 'parallels', 1, '', 'raw' ],

    [ 'v2', 'qcow2', 3, 'compat=0.10', 'qcow2' ],
    [ 'v3', 'qcow2', 3, 'compat=1.1', 'qcow2' ],
    [ 'small-clusters', 'qcow2', 3, 'cluster_size=512', 'qcow2' ],
    [ 'large-clusters', 'qcow2', 3, 'cluster_size=2M', 'qcow2' ],
    [ 'lazy', 'qcow2', 3, 'lazy_refcounts=on,refcount_bits=1', 'qcow2' ],
    [ 'zstd', 'qcow2', 3, 'compression_type=zstd', 'qcow2' ],
    [ 'metadata', 'qcow2', 3, 'preallocation=metadata', 'qcow2' ],
    [ 'large', 'qcow2', 8 * 1024 * 1024, '', 'qcow2' ],
    [ 'aes', 'qcow2', 3, 'encrypt.format=aes,encrypt.key-secret=s',
      'qcow2' ],
    [ 'encrypted', 'qcow2', 3, 'encrypt.format=luks,encrypt.key-secret=s,'
      . 'encrypt.iter-time=10', 'qcow2' ],
    [ 'l2', 'qcow2', 3, 'extended_l2=on,cluster_size=128k', 'qcow2',
      'unknown_features' ],
    [ 'overlay', 'qcow2', 3, "backing_file=$dir/v3.qcow2,backing_fmt=qcow2",
      'qcow2', 'backing_file' ],
    [ 'overlay-v2', 'qcow2', 3, "compat=0.10,backing_file=$dir/raw.raw,"
      . 'backing_fmt=raw', 'qcow2', 'backing_file' ],
    [ 'outside', 'qcow2', 3, "data_file=$dir/data1", 'qcow2', 'data_file' ],
    [ 'outside-raw', 'qcow2', 3, "data_file=$dir/data2,data_file_raw=on",
      'qcow2', 'data_file' ],

    [ 'v1', 'qcow', 3, '', 'qcow2', 'unknown_features' ],
    [ 'overlay-v1', 'qcow', 3, "backing_file=$dir/raw.raw,backing_fmt=raw",
      'qcow2', 'backing_file' ],
    [ 'enhanced', 'qed', 3, '', 'qed', 'banned' ],

    [ 'sparse', 'vmdk', 3, '', 'vmdk' ],
    [ 'sparse6', 'vmdk', 3, 'compat6=on', 'vmdk' ],
    [ 'scsi', 'vmdk', 3, 'adapter_type=lsilogic,hwversion=10,'
      . 'toolsversion=9999', 'vmdk' ],
    [ 'zeroed', 'vmdk', 3, 'zeroed_grain=on', 'vmdk' ],
    [ 'stream', 'vmdk', 3, 'subformat=streamOptimized', 'vmdk' ],
    [ 'flat', 'vmdk', 3, 'subformat=monolithicFlat', 'vmdk', 'descriptor' ],
    [ 'split', 'vmdk', 3, 'subformat=twoGbMaxExtentSparse', 'vmdk',
      'descriptor' ],
    [ 'split-flat', 'vmdk', 3, 'subformat=twoGbMaxExtentFlat', 'vmdk',
      'descriptor' ],
    [ 'delta', 'vmdk', 3, "backing_file=$dir/sparse.vmdk,backing_fmt=vmdk",
      'vmdk', 'descriptor' ],

    [ 'dynamic', 'vpc', 3, '', 'vhd' ],
    [ 'forced', 'vpc', 3, 'force_size=on', 'vhd' ],
    [ 'fixed', 'vpc', 3, 'subformat=fixed', 'raw' ],
    [ 'dynamic', 'vhdx', 3, '', 'vhdx' ],
    [ 'fixed', 'vhdx', 3, 'subformat=fixed,block_size=1M,log_size=1M',
      'vhdx' ],
    [ 'dynamic', 'vdi', 3, '', 'vdi' ],
    [ 'static', 'vdi', 3, 'static=on', 'vdi' ],
    [ 'volume', 'luks', 3, 'key-secret=s,iter-time=10', 'luks' ],
);


sub qemu {
    my ($status, $text) = run_command([ $qemu, @_ ]);

    return $status == 0 ? $text : undef;
}


sub info {
    my ($path, @more) = @_;

    my $text = qemu('info', '--output=json', @more, $path);

    return if !defined $text;

    $text =~ s/^[^{]+//;

    return eval { JSON::PP::decode_json($text) };
}


# would QEMU open another file for it?

sub reaches_out {
    my ($info, $path) = @_;

    my $data = ($info->{'format-specific'} || {})->{data} || {};

    return 'backing file' if defined $info->{'backing-filename'};
    return 'data file' if defined $data->{'data-file'};
    return 'extent' if grep { ($_->{filename} || $path) ne $path }
                            @{$data->{extents} || []};
    return '';
}


my $pid = open2(my $out, my $in, $tool);

sub inspect {
    my ($path, $declared, $chunk) = @_;

    print $in $chunk || 65536, " $declared $path\n";
    $in->flush();

    my $line = <$out> // '';

    my ($verdict, $format, $size, $check, $text) =
        $line =~ /^(\w+) (\w+) (\d+) (\S+) (.*)$/ or die "inspect: $line";

    return { verdict => $verdict, format => $format, size => $size,
             check => $check, text => $text };
}


sub make_image {
    my ($path, $format, $size, $options) = @_;

    my @object = $options =~ /secret=s/ ? ('--object', $secret) : ();

    defined qemu('create', '-q', @object, '-f', $format,
                 $options ne '' ? ('-o', $options) : (), $path,
                 $size * $MiB)
        or diag("qemu-img cannot make $path");
}


# sizes of QEMU are whole sectors, those of VHD whole cylinders

sub same_size {
    my ($ours, $theirs) = @_;

    return abs($ours - $theirs) < 512;
}


sub path_of {
    my ($name, $format) = @{$_[0]};

    return "$dir/$name.$format";
}


check('images' => sub {
    for my $image (@images) {
        my ($name, $format, $size, $options, $found, $check) = @$image;
        my $path = path_of($image);

        make_image($path, $format, $size, $options);

        my $info = info($path, $found eq 'raw' ? ('-f', 'raw') : ());
        my $raw = inspect($path, 'raw');

        $found = 'gpt' if $found eq 'raw' && $raw->{format} eq 'gpt';
        my $own = inspect($path, $found);

        is($own->{format}, $found, "$format $name: recognised");

        if (defined $check) {
            is($own->{check}, $check, "$format $name: why it is not safe");
            is($own->{verdict}, 'refused', 'refused');
            is($raw->{verdict}, 'refused', 'refused as raw');
            next;
        }

        is(reaches_out($info, $path), '', "$format $name: needs no other");
        is($own->{verdict}, 'accepted', 'accepted') or diag($own->{text});
        is($raw->{verdict}, 'accepted', 'accepted as raw');
        is($raw->{size}, -s $path, 'size of the file');

        ok(same_size($own->{size}, $info->{'virtual-size'}),
           "$own->{size}: size of the disk")
            or diag("QEMU: $info->{'virtual-size'}");

        my $bytes = inspect($path, $found, 7);
        is_deeply($bytes, $own, 'the same in small pieces');

        my $other = inspect($path, $found eq 'vdi' ? 'vmdk' : 'vdi');
        is($other->{verdict}, 'refused', 'refused as another format');
    }
});


check('extents and converted images' => sub {
    my $extent = inspect("$dir/split-s001.vmdk", 'vmdk');

    is($extent->{check}, 'descriptor', 'an extent alone');

    is(inspect("$dir/flat-flat.vmdk", 'raw')->{verdict}, 'accepted',
       'a flat extent is raw');

    my $raw = "$dir/pattern.raw";

    write_file($raw, noise($MiB, 'pattern') . ("\0" x $MiB));

    for my $way ([ 'qcow2', 'compat=1.1', '-c' ], [ 'qcow2', 'compat=0.10' ],
                 [ 'vmdk', 'subformat=streamOptimized' ],
                 [ 'vmdk', 'subformat=monolithicSparse' ],
                 [ 'vdi', 'static=off' ], [ 'vhdx', 'subformat=dynamic' ],
                 [ 'vpc', 'subformat=dynamic' ])
    {
        my ($format, $option, @more) = @$way;
        my $path = "$dir/converted-$format-$option";

        ok(defined qemu('convert', @more, '-O', $format, '-o', $option, $raw,
                        $path), "$format, $option");

        my $own = inspect($path, $name{$format} || $format);

        is($own->{verdict}, 'accepted', 'accepted') or diag($own->{text});
        ok(same_size($own->{size}, info($path)->{'virtual-size'}),
           "$own->{size}: size");

        push @images, [ "converted-$format-$option", $format, 2, '',
                        $name{$format} || $format ];
        rename($path, "$path.$format");
    }

    ok(defined qemu('snapshot', '-c', 'one', "$dir/v3.qcow2"), 'snapshot');
    is(inspect("$dir/v3.qcow2", 'qcow2')->{verdict}, 'accepted',
       'with a snapshot');
});


###############################################################################

# a generator that is the same everywhere

my $state = $ENV{GLANCE_TEST_SEED} || 1;

sub random {
    my ($n) = @_;

    $state = ($state * 1103515245 + 12345) & 0x7fffffff;

    return int(($state >> 8) % $n);
}


# where the headers are: ranges of [offset, length]

sub headers {
    my ($format, $path) = @_;

    my $size = -s $path;

    return ([ 0, 80 ], [ 0, 80 ], [ 28, 16 ], [ 56, 8 ], [ 512, 400 ],
            [ 512, 400 ], [ $size - 1536, 1200 ]) if $format eq 'vmdk';
    return ([ 0, 8 ], [ 196608, 112 ], [ 2 * $MiB, 256 ], [ 3 * $MiB, 256 ],
            [ 2 * $MiB + 65536, 64 ]) if $format eq 'vhdx';
    return ([ 0, 32 ], [ 72, 8 ], [ 96, 40 ], [ 0, 200 ])
        if $format eq 'qcow2';
    return ([ 0, 120 ], [ 0, 512 ]);
}


my @words = ("\0\0\0\0", "\xff\xff\xff\xff", "\0\0\0\1", "\1\0\0\0", '/etc/',
             "\n#", '"', "RW 63 FLAT \"/etc/passwd\" 0\n", 'Flat', "\0" x 16,
             "createType=\"monolithicFlat\"\n", "\x44\x41\x54\x41\0\0\0\4",
             "parentFileNameHint=\"/etc/passwd\"\n");

# sub that undoes it

sub change {
    my ($path, @ranges) = @_;

    open(my $fh, '+<:raw', $path) or die "cannot open $path: $!";

    my @undo;

    for (0 .. random(3)) {
        my ($from, $len) = @{$ranges[random(scalar @ranges)]};
        my $at = $from + random($len);
        my $new = random(3) ? chr(random(256)) : $words[random(scalar @words)];

        $at = 0 if $at < 0 || $at + length $new > -s $path;

        sysseek($fh, $at, 0);
        sysread($fh, my $old, length $new);

        $new = chr(ord($old) ^ (1 << random(8))) if random(4) == 0;

        unshift @undo, [ $at, substr($old, 0, length $new) ];

        sysseek($fh, $at, 0);
        syswrite($fh, $new);
    }

    close($fh);

    return sub {
        open(my $fh, '+<:raw', $path) or die "cannot open $path: $!";

        for my $piece (@undo) {
            sysseek($fh, $piece->[0], 0);
            syswrite($fh, $piece->[1]);
        }

        close($fh);
    };
}


# undef: QEMU cannot open it, or sees no more in it than we do

sub wrong {
    my ($path) = @_;

    my $info = info($path) or return;
    my $format = $name{$info->{format}} || $info->{format};

    my $raw = inspect($path, 'raw');
    my $own = inspect($path, $format);
    my $more = reaches_out($info, $path);

    if ($more ne '') {
        return "$more, but $own->{verdict}, as raw $raw->{verdict}"
            if $own->{verdict} ne 'refused' || $raw->{verdict} ne 'refused';
        return;
    }

    # QEMU computes it out of cylinders there

    return if $format eq 'vhd' || $format eq 'raw'
              || $own->{verdict} ne 'accepted' || $own->{size} == 0;

    return same_size($own->{size}, $info->{'virtual-size'})
           ? undef : "$own->{size}, but $info->{'virtual-size'}";
}


check('changed images' => sub {
    my ($n, @wrong) = (0);

    for my $image (@images) {
        my $path = path_of($image);
        my $format = $image->[1];

        next if !-s $path || $format eq 'raw' || $format eq 'parallels';

        for (1 .. $mutants) {
            my $before = $state;
            my $undo = change($path, headers($format, $path));
            my $fault = wrong($path);

            push @wrong, "$path ($before): $fault" if defined $fault;

            $undo->();
            $n++;
        }
    }

    cmp_ok($n, '>', 30 * $mutants, 'images that were changed');
    is(join("\n", @wrong), '', 'none is taken for less than it is');
});


close($in);
waitpid($pid, 0);

done_testing();
