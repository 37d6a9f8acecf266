package Glance::Source;

# Copyright (C) ngx_glance authors

# t/mock/source.pl: another server that has the data of images, and its faults.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Exporter qw/ import /;
use File::Basename ();

use Glance::HTTP;
use Glance::Process qw/ free_port temp_dir /;
use Glance::Program;

our @EXPORT_OK = qw/ data /;


sub new {
    my ($class) = @_;

    my $dir = temp_dir();
    my $port = free_port();

    return bless { name => 'source', dir => $dir, port => $port,
                   url => "http://127.0.0.1:$port",
                   output => "$dir/output.log",
                   forbidden => qr/ at \S+ line / }, $class;
}


sub start {
    my ($p) = @_;

    my $program = File::Basename::dirname(__FILE__) . '/../../mock/source.pl';

    return $p->launch([ $^X, $program, $p->{port}, $p->{dir} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port}); 1 };
}


# what "/ok/N" sends

sub data {
    my ($n) = @_;

    return substr('0123456789abcdef' x ($n / 16 + 1), 0, $n);
}


1;
