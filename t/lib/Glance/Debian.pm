package Glance::Debian;

# Copyright (C) ngx_glance authors

# Packages of Debian that are looked into, not installed.

use warnings;
use strict;

use Cwd qw/ abs_path /;
use File::Copy qw/ copy /;

use Glance::Process qw/ find_program run_command temp_dir /;


# (name => file) of the packages in a directory

sub packages {
    my ($dir) = @_;

    return map { m!/([^/_]+)_[^/]*\.deb$! ? ($1 => $_) : () }
           glob("$dir/*.deb");
}


# (directory with them, ''), or (undef, reason); fetched once for a build

sub fetch {
    my (@names) = @_;

    return (undef, 'no apt-get here') if !find_program('apt-get');

    my $dir = abs_path($ENV{BUILD_DIR} || 'build') . '/debian-packages';

    mkdir($dir);

    my %have = packages($dir);
    my @missing = grep { !$have{$_} } @names;

    return ($dir, '') if !@missing;

    my $new = temp_dir();
    my ($status, $text) = run_command([ 'apt-get', '-q', 'download',
                                        @missing ], dir => $new);

    return (undef, "@missing cannot be had: $text") if $status != 0;

    # another test may do the same: whole files, under their names at once

    for my $file (glob("$new/*.deb")) {
        my $path = $file =~ s!.*/!$dir/!r;

        copy($file, "$path.$$") && rename("$path.$$", $path)
            or die "copy of $file failed: $!\n";
    }

    return ($dir, '');
}


# unpacks a package into a directory

sub unpack_into {
    my ($file, $dir) = @_;

    my ($status, $text) = run_command([ 'dpkg-deb', '-x', $file, $dir ]);

    die "$file: $text\n" if $status != 0;
}


1;
