#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Writing past the page cache: sizes around blocks and buffers, on the build
# directory's file system and on one in memory, with and without it.

use warnings;
use strict;

use Cwd qw/ abs_path /;
use File::Path qw/ remove_tree /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


my $disk = abs_path($ENV{BUILD_DIR} || "$FindBin::Bin/../build")
           . "/direct-$$";
my @sizes = map { ($_ - 1, $_, $_ + 1) } 4096, 65536, 262144, 1048576;

mkdir($disk) or die "cannot make $disk: $!\n";


for my $where ('disk', 'memory') {
    for my $direct (qw/ on off /) {
        for my $buffers ('4 256k', '3 5000') {

            with_env_if("$where, direct $direct, buffers $buffers", sub {
                my ($env) = @_;

                for my $size (1, @sizes, 3_000_000) {
                    my $data = noise($size);
                    my $id = $env->create({}, body => $data,
                                          chunked => $size % 2);
                    my $r = $env->request('GET', "/images/$id");

                    is(md5_of($r->{body}), md5_of($data), "$size bytes");
                    is(-s "$env->{store}/$id", $size, "$size: the file");
                }
            }, store => $where eq 'disk' ? $disk : store_dir(),
               nginx => { directives =>
                   "glance_file_direct $direct;\n"
                   . "glance_upload_buffers $buffers;\n" });
        }
    }
}


sub with_env_if {
    my ($title, $code, %o) = @_;

    check($title => sub { with_env('sqlite', $code, %o) });
}


END { remove_tree($disk) if defined $disk }


done_testing();
