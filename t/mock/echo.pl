#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A server that answers with what it was asked, as JSON: the request line, the
# headers in lower case, and the body; one request a connection.
#
#     echo.pl PORT
#
# status=N in the query is the status of the answer; bad=close, bad=garbage
# and bad=headers are answers that are none.

use warnings;
use strict;

use IO::Socket::INET;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical;

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 50,
    ReuseAddr => 1) or die "port $ARGV[0]: $@\n";

$SIG{PIPE} = 'IGNORE';

while (my $c = $server->accept()) {
    my $answer = serve($c);

    syswrite($c, $answer) if defined $answer;
    close($c);
}


sub serve {
    my ($c) = @_;

    my ($in, $head, $end, $length) = ('');

    while (!defined $end || length $in < $end + $length) {
        sysread($c, $in, 65536, length $in) or return;

        if (!defined $end && $in =~ /\A(.*?)\r?\n\r?\n/s) {
            ($head, $end) = ($1, $+[0]);
            $length = $head =~ /^content-length:\s*(\d+)/im ? $1 : 0;
        }
    }

    my ($line, @lines) = split(/\r?\n/, $head);
    my %headers;

    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/ or next;

        $name = lc $name;
        $headers{$name} = exists $headers{$name} ? "$headers{$name} | $value"
                                                 : $value;
    }

    my ($status) = $line =~ /[?&]status=(\d+)/;
    my ($bad) = $line =~ /[?&]bad=(\w+)/;

    return if $bad && $bad eq 'close';
    return "no HTTP at all\n" x 10 if $bad && $bad eq 'garbage';

    my $body = $json->encode({ line => $line, headers => \%headers,
                               body => substr($in, $end, $length) });

    $status ||= 200;

    return "HTTP/1.1 $status Mock\r\nContent-Type: application/json\r\n"
           . "x-openstack-request-id: req-mock\r\n"
           . "OpenStack-image-import-methods: a,b\r\n"
           . "Location: http://glance_registry/x\r\n"
           . ($bad && $bad eq 'headers' ? 'X-Large: ' . 'x' x 100_000 . "\r\n"
                                        : '')
           . 'Content-Length: ' . length($body) . "\r\n"
           . "Connection: close\r\n\r\n$body";
}
