package Glance::Identity;

# Copyright (C) ngx_glance authors

# Who asks, unless a test says otherwise: GLANCE_TEST_IDENTITY is "none", and
# everybody is an administrator, or "keystone", and it is an administrator of
# one Keystone that all of a test file shares, or several of them.

use warnings;
use strict;

use Glance::Keystone;

my $Secret = 'between nginx and registry';

# as nginx and the other programs tell the registry who asks
my @Service = ('X-Identity-Status' => 'Confirmed', 'X-Roles' => 'admin');

my ($keystone, %shared);


sub kind {
    return $ENV{GLANCE_TEST_IDENTITY} || 'none';
}


# why there is none, undef if there is

sub missing {
    my $kind = kind();

    return if $kind eq 'none';

    die "GLANCE_TEST_IDENTITY is none or keystone, not $kind\n"
        if $kind ne 'keystone';

    return Glance::Keystone::missing();
}


# adds what a service needs to the options of its parts; a test that chooses
# an identity itself has it

sub apply {
    my ($o) = @_;

    return if kind() eq 'none' || $o->{nginx}{identity}
              || $o->{nginx}{keystone}
              || $o->{registry}{'paste_deploy/flavor'};

    serve();

    my %registry = ('paste_deploy/flavor' => 'keystone',
                    registry_secret => $Secret, %{$o->{registry} || {}});
    my %nginx = (keystone => { port => $shared{port},
                               credentials => $shared{credentials} },
                 headers => [ 'X-Auth-Token' => $shared{token} ],
                 %{$o->{nginx} || {}});

    @$o{qw/ registry nginx owner identity /} =
        (\%registry, \%nginx, $shared{project}, \@Service);
}


# what a location that asks the registry has to have, of a test's own

sub directives {
    return kind() eq 'none' ? ''
                            : "proxy_set_header X-Glance-Secret \"$Secret\";";
}


sub serve {
    %shared = split(/ /, $ENV{GLANCE_TEST_KEYSTONE} || '') if !%shared;

    return if %shared;

    $keystone = Glance::Keystone->new()->start();

    %shared = (
        port => $keystone->{port},
        credentials => $keystone->credentials(),
        token => $keystone->token('admin'),
        project => $keystone->project('admin'),
    );
}


# the environment of other test files that are to use it as well

sub environment {
    serve();

    return (GLANCE_TEST_IDENTITY => 'keystone',
            GLANCE_TEST_KEYSTONE => join(' ', %shared));
}


sub complaints {
    return $keystone ? $keystone->complaints() : ();
}


1;
