package Glance::Data;

# Copyright (C) ngx_glance authors

# Bytes for images: reproducible, of any length, without being in memory.

use warnings;
use strict;

use Digest::MD5 ();
use Exporter qw/ import /;

our @EXPORT_OK = qw/
    digest_of_file digest_sink md5_of noise pattern_chunks pattern_md5
    sparse_file
/;


sub md5_of {
    return Digest::MD5::md5_hex($_[0]);
}


# n bytes that do not repeat soon, the same for the same seed

sub noise {
    my ($n, $seed) = @_;

    my ($text, $i) = ('', 0);
    $seed = 'seed' if !defined $seed;

    $text .= Digest::MD5::md5($seed . $i++) while length $text < $n;

    return substr($text, 0, $n);
}


# sub for "chunks": size bytes made of one block with a changing head

sub pattern_chunks {
    my ($size, $seed, $block_size) = @_;

    $block_size ||= 256 * 1024;

    my $block = noise($block_size, $seed);
    my ($left, $i) = ($size, 0);

    return sub {
        return if $left <= 0;

        my $data = pack('Q>', $i++) . substr($block, 8);
        $data = substr($data, 0, $left) if length $data > $left;
        $left -= length $data;

        return $data;
    };
}


sub pattern_md5 {
    my ($size, $seed, $block_size) = @_;

    my $md5 = Digest::MD5->new();
    my $next = pattern_chunks($size, $seed, $block_size);

    while (defined(my $data = $next->())) {
        $md5->add($data);
    }

    return $md5->hexdigest();
}


# (sub for "sink", sub that gives the MD5 so far)

sub digest_sink {
    my $md5 = Digest::MD5->new();

    return (sub { $md5->add($_[0]) }, sub { $md5->clone()->hexdigest() });
}


sub digest_of_file {
    my ($path) = @_;

    open(my $fh, '<:raw', $path) or die "open \"$path\" failed: $!\n";

    return Digest::MD5->new()->addfile($fh)->hexdigest();
}


# a file of the size with pieces of text here and there

sub sparse_file {
    my ($path, $size) = @_;

    open(my $fh, '>:raw', $path) or die "open \"$path\" failed: $!\n";
    truncate($fh, $size) or die "truncate \"$path\" failed: $!\n";

    for my $part (0 .. 7) {
        sysseek($fh, int($size / 8) * $part + $part * 511, 0);
        syswrite($fh, noise(4096, "part $part"));
    }

    close($fh) or die "close \"$path\" failed: $!\n";

    return $path;
}


1;
