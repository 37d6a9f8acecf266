#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What Keystone would not say: answers that are broken, too large or missing.
# The token that is asked about chooses the answer; its first word up to "-".
#
#     keystone.pl PORT
#
# "PUT /NAME" chooses the answer to a login.

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

my $json = JSON::PP->new->utf8->canonical;
my ($login, $logins, %clients) = ('good', 0);

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 500,
    ReuseAddr => 1) or die "port $ARGV[0]: $@\n";

my $select = IO::Select->new($server);

$SIG{PIPE} = 'IGNORE';
$| = 1;

# what happens to a valid token's JSON
my %broken = (
    good => sub { },
    admin => sub { $_[0]{roles} = [ { name => 'Admin' } ] },
    comma => sub { $_[0]{roles} = [ { name => 'x,admin' } ] },
    control => sub { $_[0]{project}{id} = "p\nX-Roles: admin" },
    many => sub { $_[0]{roles} = [ map { { name => "role$_" } } 1 .. 1000 ] },
    names => sub { $_[0]{roles} = [ 1, {}, { name => 2 }, { name => '' } ] },
    nobody => sub { delete $_[0]{user} },
    longuser => sub { $_[0]{user}{id} = 'u' x 256 },
    nowhere => sub { $_[0]{project} = 'p' },
    noroles => sub { delete $_[0]{roles} },
    roles => sub { $_[0]{roles} = 'admin' },
    notime => sub { delete $_[0]{expires_at} },
    badtime => sub { $_[0]{expires_at} = 'tomorrow' },
    past => sub { $_[0]{expires_at} = '2011-01-01T00:00:00.000000Z' },
    domain => sub { $_[0]{domain} = delete $_[0]{project} },
);

my %raw = (
    html => [ 200, '<html>It works!</html>' ],
    empty => [ 200, '' ],
    list => [ 200, '[]' ],
    other => [ 200, '{"tokens": 1}' ],
    null => [ 200, '{"token": null}' ],
    deep => [ 200, '[' x 100000 ],
    large => [ 200, '{"token": "' . 'x' x 1_000_000 . '"}' ],
    bad => [ 404, '{"error": {"code": 404}}' ],
    forbidden => [ 403, '' ],
    choices => [ 300, '' ],
    moved => [ 302, '' ],
    error => [ 500, '' ],
    busy => [ 503, '' ],
);


for ( ;; ) {
    for my $s ($select->can_read()) {

        if ($s == $server) {
            my $c = $server->accept() or next;
            $select->add($c);
            $clients{$c} = '';
            next;
        }

        my $n = sysread($s, $clients{$s}, 65536, length $clients{$s});

        if (!$n) {
            end($s);
            next;
        }

        while (exists $clients{$s} && $clients{$s} =~ /\r?\n\r?\n/) {
            serve($s) or last;
        }
    }
}


sub end {
    my ($s) = @_;

    $select->remove($s);
    delete $clients{$s};
    close($s);
}


sub serve {
    my ($s) = @_;

    $clients{$s} =~ /\A(\S+) (\S+) HTTP[^\n]*\n(.*?)\r?\n\r?\n/s or return;

    my ($method, $uri, $head, $end) = ($1, $2, $3, $+[0]);
    my $length = $head =~ /^content-length:\s*(\d+)/im ? $1 : 0;

    return if length $clients{$s} < $end + $length;

    substr($clients{$s}, 0, $end + $length, '');

    if ($method eq 'PUT') {
        ($login) = $uri =~ m!/(\w+)!;
        print "login is $login\n";
        return answer($s, 204, '');
    }

    return login($s) if $method eq 'POST';

    my ($own) = $head =~ /^x-auth-token:\s*(\S*)/im;
    my ($subject) = $head =~ /^x-subject-token:\s*(\S*)/im;
    my ($kind) = $subject =~ /^(\w+)/;

    print "GET $uri $subject\n";

    return answer($s, 401, '') if !$own || $own ne "own-$logins"
                                  || $kind eq 'rejected';
    return end($s) if $kind eq 'cut';
    return if $kind eq 'silent';

    if ($kind eq 'short') {
        syswrite($s, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"t");
        return end($s);
    }

    if ($kind eq 'chunks') {
        syswrite($s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        syswrite($s, "10000\r\n" . ('x' x 65536) . "\r\n") for 1 .. 16;
        syswrite($s, "0\r\n\r\n");
        return 1;
    }

    return answer($s, @{$raw{$kind}}) if $raw{$kind};
    return answer($s, 404, '') if !$broken{$kind};

    my $token = token();

    $broken{$kind}->($token);

    return answer($s, 200, $json->encode({ token => $token }));
}


sub token {
    return {
        user => { id => 'u1', name => 'user' },
        project => { id => 'p1', name => 'project' },
        roles => [ { id => 'r1', name => 'member' } ],
        expires_at => POSIX::strftime('%Y-%m-%dT%H:%M:%S.000000Z',
                                      gmtime(time() + 3600)),
    };
}


sub login {
    my ($s) = @_;

    print "POST $login\n";

    return answer($s, 401, '') if $login eq 'refused';
    return answer($s, 500, '') if $login eq 'error';
    return answer($s, 201, $json->encode({ token => token() }))
        if $login eq 'headerless';

    my $token = token();

    $token->{expires_at} = '2011-01-01T00:00:00Z' if $login eq 'past';
    delete $token->{expires_at} if $login eq 'notime';

    $logins++;

    my $own = $login eq 'long' ? 'x' x 9000 : "own-$logins";

    return answer($s, 201, $login eq 'html' ? '<html>'
                           : $json->encode({ token => $token }),
                  "X-Subject-Token: $own");
}


sub answer {
    my ($s, $status, $body, @headers) = @_;

    my $text = join("\r\n", "HTTP/1.1 $status Status",
                    'Content-Type: application/json',
                    'Content-Length: ' . length $body, @headers, '', $body);

    while (length $text) {
        my $n = syswrite($s, $text);
        return end($s) if !$n;
        substr($text, 0, $n, '');
    }

    return 1;
}
