#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What a sound S3 would not do: stands before one that is real, and spoils an
# exchange when a rule says so.
#
#     s3.pl PORT PORT-OF-S3 FILE
#
# The file holds a rule a line, "COUNT METHOD PATTERN ACTION ARGUMENT"; the
# first that matches counts, COUNT times.  Actions: status CODE/WORD, refuse
# CODE/WORD (the same before the body comes), reset (nothing is answered), lost
# (done, but not answered), cut BYTES (of the answer's body), body TEXT (200
# with it), set NAME=VALUE (a header).

use warnings;
use strict;

use Fcntl qw/ :flock :seek /;
use IO::Socket::INET;
use POSIX ();
use Socket qw/ SOL_SOCKET SO_LINGER /;

my ($port, $target, $rules) = @ARGV;

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 100,
    ReuseAddr => 1) or die "port $port: $@\n";

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
$| = 1;

while (1) {
    my $client = $server->accept() or next;
    my $pid = fork();

    next if $pid;

    close($server);
    1 while exchange($client);
    close($client);
    POSIX::_exit(0);
}


# head of a message, and what came behind it

sub head {
    my ($s) = @_;

    my $text = '';

    while ($text !~ /\r\n\r\n/) {
        return if !sysread($s, $text, 16384, length $text);
    }

    return $text =~ /^(.*?\r\n\r\n)(.*)$/s;
}


sub put {
    my ($s, $text) = @_;

    while (length $text) {
        my $n = syswrite($s, $text) or return 0;
        substr($text, 0, $n) = '';
    }

    return 1;
}


sub reset_of {
    my ($s) = @_;

    setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    close($s);

    return 0;
}


sub rule {
    my ($method, $path) = @_;

    open(my $f, '+<', $rules) or return;
    flock($f, LOCK_EX);

    my @lines = <$f>;
    my @found;

    for my $line (@lines) {
        my ($count, $m, $pattern, $action, $argument) = split(' ', $line, 5);

        next if !$count || $m ne $method || $path !~ /$pattern/;

        chomp($argument = defined $argument ? $argument : '');
        @found = ($action, $argument);
        $line =~ s/^\d+/$count - 1/e;
        last;
    }

    seek($f, 0, SEEK_SET);
    truncate($f, 0);
    print {$f} @lines;
    close($f);

    return @found;
}


sub exchange {
    my ($client) = @_;

    my ($head, $body) = head($client) or return 0;
    my ($method, $path) = $head =~ /^(\S+) (\S+)/;
    my ($length) = $head =~ /^Content-Length: *(\d+)/mi;
    my ($action, $argument) = rule($method, $path);

    $action = '' if !defined $action;
    $length ||= 0;

    print "$method $path $action\n";

    return reset_of($client) if $action eq 'reset';

    my $forward = $action !~ /^(?:status|body|refuse)$/;
    my $s3;

    if ($action eq 'refuse') {
        my ($code, $word) = split(m{/}, $argument);
        my $text = "<Error><Code>$word</Code></Error>";

        put($client, "HTTP/1.1 $code X\r\nContent-Type: application/xml\r\n"
                     . 'Content-Length: ' . length($text)
                     . "\r\nConnection: close\r\n\r\n$text");
        return 0;
    }

    put($client, "HTTP/1.1 100 Continue\r\n\r\n")
        if $head =~ s/^Expect: 100-continue\r\n//mi;

    if ($forward) {
        $s3 = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$target")
            or return 0;
        $head =~ s/\r\n\r\n$/\r\nConnection: close\r\n\r\n/;
        put($s3, $head . $body);
    }

    for (my $got = length $body; $got < $length; ) {
        my $n = sysread($client, my $piece, 65536) or return 0;

        $got += $n;
        put($s3, $piece) if $s3;
    }

    if (!$forward) {
        my ($code, $word) = $action eq 'body' ? (200) : split(m{/}, $argument);
        my $text = $action eq 'body' ? $argument
                 : $word ? "<Error><Code>$word</Code></Error>" : '';

        put($client, "HTTP/1.1 $code X\r\nContent-Type: application/xml\r\n"
                     . 'Content-Length: ' . length($text) . "\r\n\r\n"
                     . ($method eq 'HEAD' ? '' : $text));
        return 1;
    }

    ($head, $body) = head($s3) or return 0;

    if ($action eq 'lost') {
        1 while sysread($s3, my $piece, 65536);
        return reset_of($client);
    }

    if ($action eq 'set') {
        my ($name, $value) = split(/=/, $argument, 2);
        $head =~ s/^\Q$name\E:.*$/$name: $value\r/mi;
    }

    put($client, $head) or return 0;

    my $left = $action eq 'cut' ? $argument : -1;

    while (1) {
        if ($left >= 0 && length $body >= $left) {
            put($client, substr($body, 0, $left));
            return 0;
        }

        put($client, $body) or return 0;
        $left -= length $body if $left >= 0;
        sysread($s3, $body, 65536) or return 0;
    }
}
