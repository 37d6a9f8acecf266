#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# A server that images are copied from, with all the faults of such servers;
# one request a connection.
#
#     source.pl PORT DIR
#
# /ok/N, /chunked/N: N bytes; /missing: 404; /short/N, /reset/N: ends in the
# middle of them, by FIN and by RST; /chunkedshort/N: without the last chunk;
# /slow/N: the second half comes when DIR/go is there, /begun.N is made when
# the first was sent; /to?URL: a redirect; /loop: one to itself;
# /nohead/N: N bytes, and no HEAD; /early/N: after three answers with status
# 103 and more headers than an answer may have; /waiting/N: after 100 of them;
# /once/N: as /short/N when it is first asked for, and then as /ok/N;
# /blank/N: N bytes, with blanks behind their number.

# A Swift that is none: /v1 gives a token for the store that X-Auth-User is
# the URL of, /v3 names one with a line break in its URL.

use warnings;
use strict;

use IO::Socket::INET;
use Socket qw/ SOL_SOCKET SO_LINGER /;

my ($port, $dir) = @ARGV;

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 50,
    ReuseAddr => 1) or die "port $port: $@\n";

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';

while (my $c = $server->accept()) {
    next if fork();
    serve($c);
    exit(0);
}


sub put {
    my ($c, $text) = @_;

    while (length $text) {
        my $n = syswrite($c, $text, 65536) or exit(0);
        substr($text, 0, $n) = '';
    }
}


sub serve {
    my ($c) = @_;

    my $in = '';

    while ($in !~ /\r\n\r\n/) {
        sysread($c, $in, 65536, length $in) or return;
    }

    my ($method, $path) = $in =~ m!^(\w+) (\S+)!;
    my ($what, $n) = $path =~ m!^(?:/[xy])?/(\w+)(?:/(\d+))?!;
    my $data = substr('0123456789abcdef' x (($n || 0) / 16 + 1), 0, $n || 0);
    my $half = int(length($data) / 2);

    put($c, "HTTP/1.1 103 Early: Hints\r\nContent-Length: 3\r\n"
            . "ETag: \"early\"\r\nLocation: /missing\r\n"
            . join('', map { "X-$_: " . ('x' x 1000) . "\r\n" } 1 .. 20)
            . "\r\n")
        for $what eq 'early' ? 1 .. 3 : ();

    put($c, "HTTP/1.1 100 Continue\r\n\r\n")
        for $what eq 'waiting' ? 1 .. 100 : ();

    return put($c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                   . "X-Auth-Token: t\r\nX-Storage-Url: "
                   . ($in =~ /^X-Auth-User: (.*?)\r/mi)[0]
                   . "\r\nConnection: close\r\n\r\n")
        if $what eq 'v1';

    my $catalog = '{"token": {"catalog": [{"type": "object-store", "endpoints"'
        . ': [{"interface": "public", "url": "http://h/\nforged"}]}]}}';

    return put($c, "HTTP/1.1 201 Created\r\nX-Subject-Token: t\r\n"
                   . 'Content-Length: ' . length($catalog)
                   . "\r\nConnection: close\r\n\r\n$catalog")
        if $what eq 'v3';

    return put($c, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n"
                   . "Connection: close\r\n\r\nnone")
        if $what eq 'missing';

    return put($c, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                   . "Connection: close\r\nLocation: "
                   . ($what eq 'loop' ? '/loop' : ($path =~ /\?(.*)/)[0])
                   . "\r\n\r\n")
        if $what eq 'to' || $what eq 'loop';

    return put($c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n"
                   . "Connection: close\r\n\r\n")
        if $what eq 'nohead' && $method eq 'HEAD';

    return put($c, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                   . ($what =~ /^chunked/ ? "Transfer-Encoding: chunked"
                                          : "Content-Length: $n")
                   . ($what eq 'blank' ? " \t\r\n\r\n" : "\r\n\r\n"))
        if $method eq 'HEAD';

    if ($what =~ /^chunked/) {
        put($c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                . "Connection: close\r\n\r\n");
        put($c, sprintf("%x\r\n%s\r\n", length $_, $_))
            for substr($data, 0, $half), substr($data, $half);
        put($c, "0\r\n\r\n") if $what eq 'chunked';
        return;
    }

    put($c, "HTTP/1.1 200 OK\r\nContent-Length: $n\r\n"
            . "Connection: close\r\n\r\n");
    put($c, substr($data, 0, $half));

    return if $what eq 'short';

    if ($what eq 'once' && !-e "$dir/once.$n") {
        open(my $f, '>>', "$dir/once.$n");
        return close($f);
    }

    if ($what eq 'reset') {
        select(undef, undef, undef, 0.3);
        setsockopt($c, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
        close($c);
        return;
    }

    if ($what eq 'slow') {
        open(my $f, '>>', "$dir/begun.$n");
        close($f);
        select(undef, undef, undef, 0.05) while !-e "$dir/go";
    }

    put($c, substr($data, $half));
}
