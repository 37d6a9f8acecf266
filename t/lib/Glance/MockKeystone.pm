package Glance::MockKeystone;

# Copyright (C) ngx_glance authors

# t/mock/keystone.pl: a Keystone that answers as the token asks for.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use File::Basename ();

use Glance::HTTP;
use Glance::Keystone;
use Glance::Process qw/ free_port read_file temp_dir /;
use Glance::Program;


sub new {
    my ($class) = @_;

    my $dir = temp_dir();

    return bless { name => 'mock Keystone', dir => $dir,
                   port => free_port(),
                   output => "$dir/output.log", forbidden => qr/ at \S+ line /,
                 }, $class;
}


sub start {
    my ($p) = @_;

    my $program = File::Basename::dirname(__FILE__)
                  . '/../../mock/keystone.pl';

    return $p->launch([ $^X, $program, $p->{port} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port}); 1 };
}


# the file that glance_keystone_credentials names

sub credentials {
    my ($p) = @_;

    return Glance::Keystone::write_credentials("$p->{dir}/credentials.json",
                                               user => 'glance',
                                               password => 'w0rd');
}


sub login_is {
    my ($p, $name) = @_;

    Glance::HTTP->new(port => $p->{port})->request('PUT', "/$name");
}


# how often it was asked, about what matches

sub asked {
    my ($p, $pattern) = @_;

    my @found = grep { /$pattern/ } split(/\n/, read_file($p->{output}));

    return scalar @found;
}


1;
