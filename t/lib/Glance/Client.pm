package Glance::Client;

# Copyright (C) ngx_glance authors

# Command lines of OpenStack's clients, as users type them.

use warnings;
use strict;

use Exporter qw/ import /;
use Test::More;

use Glance::Process qw/ run_command temp_dir /;

our @EXPORT_OK = qw/ output_of run says table /;

our %Environment;               # of the user

my $home;


sub home {
    return $home ||= temp_dir();
}


# (status, output) of a command line without a terminal

sub run {
    my (@argv) = @_;

    my ($status, $text) = run_command([ '/bin/sh', '-c',
        'HOME="$0" exec "$@" <&- 2>&1', home(), @argv ], timeout => 120,
        env => { %Environment });

    return ($status, $text);
}


# the output of a command that must succeed

sub output_of {
    my ($title, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = run(@argv);

    is($status, 0, $title) or diag($text);

    return $text;
}


# what one says that cannot do what it should; some end with status 0

sub says {
    my ($title, $words, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = run(@argv);

    like($text, $words, $title) or diag("status $status");
}


# a property table: name => value

sub table {
    my ($text) = @_;

    return map { /^\| (\S.*?)\s+\| (.*?)\s*\|$/ ? ($1 => $2) : () }
           split(/\n/, $text);
}


1;
