#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A registry that dies between its work and its answer, for ever: each request
# goes to the registry at the second port, whose answer nobody hears.
#
#     lossy.pl PORT REGISTRY-PORT [PATTERN]
#
# Who asks for what matches the pattern is not told of its death, either.

use warnings;
use strict;

use IO::Socket::INET;

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 50,
    ReuseAddr => 1) or die "port $ARGV[0]: $@\n";

$SIG{PIPE} = 'IGNORE';

my @open;

while (my $c = $server->accept()) {
    my $in = '';
    my $end;

    while (!defined $end || length $in < $end) {
        sysread($c, $in, 65536, length $in) or last;

        if (!defined $end && $in =~ /\A(.*?)\r?\n\r?\n/s) {
            my ($head, $start) = ($1, $+[0]);
            $end = $start + ($head =~ /^content-length:\s*(\d+)/im ? $1 : 0);
        }
    }

    if (defined $end && length $in >= $end) {
        my $r = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                      PeerPort => $ARGV[1]);

        if ($r) {
            $in =~ s/\r\n/\r\nConnection: close\r\n/;
            syswrite($r, $in);
            1 while sysread($r, my $answer, 65536);
        }
    }

    if (defined $ARGV[2] && $in =~ /\A$ARGV[2]/s) {
        push @open, $c;

    } else {
        close($c);
    }
}
