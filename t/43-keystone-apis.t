#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The tests of API v1, asked by an administrator of the real Keystone: some
# of them, on one database.  "make test-keystone" runs all, and those of the
# API of 2011, on both.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;


plan(skip_all => Glance::Keystone::missing()) if Glance::Keystone::missing();

plan(skip_all => 'GLANCE_TEST_IDENTITY is set')
    if $ENV{GLANCE_TEST_IDENTITY};


for my $name (qw/ 21-v1-images 21-v1-lists 21-v1-errors 21-v1-service /) {
    my ($status, $text) = run_command(
        [ $^X, "-I$FindBin::Bin/lib", "$FindBin::Bin/$name.t" ],
        env => { Glance::Identity::environment(),
                 GLANCE_TEST_DATABASES => 'sqlite' },
        timeout => 600);

    is($status, 0, "$name with Keystone") or diag($text);
    like($text, qr/^(?: +)?ok \d+ - (?!skip).*\n(?:.*\n)*1\.\.\d+$/m,
         'it has run');
}


# what the switch does: nobody is somebody without a token

local $ENV{GLANCE_TEST_IDENTITY} = 'keystone';

with_env('sqlite', sub {
    my ($env) = @_;

    my $nobody = Glance::HTTP->new(port => $env->{nginx}{port});
    my $id = $env->v1_create({ name => 'n', is_public => 1 });

    for my $case ([ GET => '' ], [ GET => '/detail' ], [ POST => '' ],
                  [ GET => "/$id" ], [ HEAD => "/$id" ], [ PUT => "/$id" ],
                  [ DELETE => "/$id" ], [ GET => "/$id/members" ],
                  [ PUT => "/$id/members" ], [ PUT => "/$id/members/m" ],
                  [ DELETE => "/$id/members/m" ])
    {
        my ($method, $path) = @$case;
        my $r = $nobody->request($method, "/v1/images$path");

        error_ok($r, 401, "$method /v1/images$path");
        has_header($r, 'WWW-Authenticate', qr/^Keystone uri=/);
    }

    error_ok($nobody->request('GET', '/v1/shared-images/m'), 401, 'shared');
    status_is($nobody->request('GET', '/versions'), 200, 'versions');
    is($env->status_of($id), 'queued', 'it is as it was');
});


done_testing();
