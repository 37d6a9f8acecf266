package Glance::Client;

# Copyright (C) ngx_glance authors

# Command lines of OpenStack's clients, as users type them.

use warnings;
use strict;

use Exporter qw/ import /;
use Test::More;

use Glance::Process qw/ run_command temp_dir write_file /;

our @EXPORT_OK = qw/ output_of run says session table /;

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


# the outputs of commands that are typed into one openstack, which takes its
# time to start

sub session {
    my (@commands) = @_;

    my $mark = '@@@@';
    my $file = home() . '/commands';

    write_file($file, join('', map { "shell echo $mark\n$_\n" } @commands));

    my ($status, $text) = run_command([ '/bin/sh', '-c',
        'HOME="$0" exec openstack <"$1" 2>&1', home(), $file ],
        timeout => 300, env => { %Environment, PYTHONUNBUFFERED => 1 });
    my ($first, @outputs) = split(/^$mark\n/m, $text, -1);

    return @outputs == @commands ? @outputs : map { $text } @commands;
}


# a property table: name => value; long values go on in the next lines

sub table {
    my ($text) = @_;

    my (%value, $name);

    for my $line (split(/\n/, $text)) {

        if ($line =~ /^\| (\S.*?)\s+\| (.*?)\s*\|$/) {
            $name = $1;
            $value{$name} = $2;

        } elsif (defined $name && $line =~ /^\|\s+\| (.*?)\s*\|$/) {
            $value{$name} .= $1;
        }
    }

    return %value;
}


1;
