#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The tests of the APIs, with images in Swift and in S3 by default: some of
# them, once.  "make test-stores" runs all, on both databases.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

plan(skip_all => 'GLANCE_TEST_DEFAULT_STORE is set')
    if $ENV{GLANCE_TEST_DEFAULT_STORE};

my %files = (
    'S-05' => [ 'swift', '20-seed-put', '20-seed-get', '21-v1-images' ],
    'S-07' => [ 's3', '20-seed-post', '20-seed-get', '21-seed-delayed' ],
);


for my $row (sort keys %files) {
    my ($store, @names) = @{$files{$row}};

    for my $name (@names) {
        my ($status, $text) = run_command(
            [ $^X, "-I$FindBin::Bin/lib", "$FindBin::Bin/$name.t" ],
            env => { GLANCE_TEST_DEFAULT_STORE => $store,
                     GLANCE_TEST_DATABASES => 'sqlite' },
            timeout => 600);

        is($status, 0, "$row $name with $store") or diag($text);
        like($text, qr/^\s+ok \d+ - .*\n(?:.*\n)*^ok \d+ - sqlite$/m,
             'it has run');
    }
}


done_testing();
