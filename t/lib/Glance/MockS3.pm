package Glance::MockS3;

# Copyright (C) ngx_glance authors

# t/mock/s3.pl: what stands before a Glance::S3 and spoils its exchanges.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use File::Basename ();

use Glance::HTTP;
use Glance::Process qw/ free_port read_file temp_dir write_file /;
use Glance::Program;


sub new {
    my ($class, $s3) = @_;

    my $dir = temp_dir();
    my $p = bless { name => 'mock S3', dir => $dir, s3 => $s3,
                    port => free_port(), output => "$dir/output.log",
                    forbidden => qr/ at \S+ line / }, $class;

    write_file("$dir/rules", '');
    $s3->{front} = $p->{port};

    return $p;
}


sub start {
    my ($p) = @_;

    my $program = File::Basename::dirname(__FILE__) . '/../../mock/s3.pl';

    return $p->launch([ $^X, $program, $p->{port}, $p->{s3}{port},
                        "$p->{dir}/rules" ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port}); 1 };
}


# "COUNT METHOD PATTERN ACTION ARGUMENT", as the program says; none: sound

sub rules {
    my ($p, @lines) = @_;

    write_file("$p->{dir}/rules", join('', map { "$_\n" } @lines));
    truncate($p->{output}, 0);
}


# those that were not applied as often as they should

sub unused {
    my ($p) = @_;

    return grep { !/^0 / } split(/\n/, read_file("$p->{dir}/rules"));
}


# how many requests were like that

sub asked {
    my ($p, $pattern) = @_;

    my @found = grep { /$pattern/ } split(/\n/, read_file($p->{output}));

    return scalar @found;
}


1;
