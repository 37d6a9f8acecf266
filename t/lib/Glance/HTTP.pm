package Glance::HTTP;

# Copyright (C) ngx_glance authors

# An HTTP/1.1 client on a bare socket.  It does what it is told, also what a
# well-behaved client would not do, and reads an answer while it still sends.

use warnings;
use strict;

use Errno qw/ EAGAIN EINTR EINPROGRESS /;
use IO::Select;
use Socket qw/ :DEFAULT IPPROTO_TCP TCP_NODELAY /;
use Time::HiRes qw/ sleep time /;

use Glance::Process;
use Glance::Response;

my $Block = 65536;


# new(port => .., or path => '/unix/socket'; timeout => seconds,
#     from => local address,
#     headers => [ NAME => VALUE, .. ]     of requests that have no such ones)

sub new {
    my ($class, %o) = @_;

    my $address = defined $o{path} ? pack_sockaddr_un($o{path})
                  : sockaddr_in($o{port}, inet_aton($o{host} || '127.0.0.1'));

    socket(my $s, sockaddr_family($address), SOCK_STREAM, 0)
        or die "socket() failed: $!\n";

    # a small window: what the peer sends stays with the peer
    setsockopt($s, SOL_SOCKET, SO_RCVBUF, $o{rcvbuf}) if $o{rcvbuf};

    if ($o{from}) {
        bind($s, sockaddr_in(0, inet_aton($o{from})))
            or die "bind() to $o{from} failed: $!\n";
    }

    my $name = defined $o{path} ? $o{path} : "port $o{port}";
    connect($s, $address) or die "connect() to $name failed: $!\n";
    setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1) if !defined $o{path};

    binmode($s);
    $s->blocking(0);

    return bless {
        socket => $s,
        host => defined $o{path} ? 'localhost' : "127.0.0.1:$o{port}",
        headers => $o{headers} || [],
        timeout => $o{timeout} || $Glance::Process::Patience,
        in => '',
    }, $class;
}


# sends one request and reads its answer; options:
#
#   headers => [ NAME => VALUE, .. ]     as given, in this order
#   body => BYTES, file => PATH, or chunks => sub { next piece or undef }
#   chunked => 1                         Transfer-Encoding: chunked
#   length => N                          Content-Length, true or not
#   expect => 1                          sends the body only after 100
#   piece => N, delay => SECONDS         the size of writes, the pause between
#   abort_after => N, abort => 'rst'     body bytes, then close or reset
#   stop_early => 1                      no more body once an answer is there
#   close => 1                           Connection: close
#   sink => sub { piece }                takes the body of the answer

sub request {
    my ($c, $method, $path, %o) = @_;

    my $next = body_iterator(%o);
    my $head = $c->head($method, $path, %o);

    if ($o{expect}) {
        $c->send($head) or return $c->read_response($method, %o);

        my $response = $c->read_response($method, %o, interim => 1);
        return $response if $response->{status} != 100;

        $o{interim_seen} = [ $response ];
        $head = '';
    }

    return $c->exchange($method, $head, $next, %o);
}


sub head {
    my ($c, $method, $path, %o) = @_;

    my @headers = @{$o{headers} || []};
    my @default = @{$c->{headers}};
    my %given = map { lc $headers[$_ * 2] => 1 } 0 .. (@headers / 2) - 1;

    my $head = "$method $path HTTP/" . ($o{version} || '1.1') . "\x0d\x0a";

    my $add = sub {
        my ($name, $value) = @_;
        $head .= "$name: $value\x0d\x0a";
    };

    $add->('Host', $c->{host}) if !$given{host};
    $add->('Connection', 'close') if $o{close};

    if ($o{chunked}) {
        $add->('Transfer-Encoding', 'chunked');

    } elsif (defined $o{length}) {
        $add->('Content-Length', $o{length});

    } elsif (defined $o{body} && !$given{'content-length'}) {
        $add->('Content-Length', length $o{body});

    } elsif (defined $o{file}) {
        $add->('Content-Length', -s $o{file});
    }

    $add->('Expect', '100-continue') if $o{expect};

    while (my ($name, $value) = splice(@default, 0, 2)) {
        $add->($name, $value) if !$given{lc $name};
    }

    for (my $i = 0; $i < @headers; $i += 2) {
        $add->($headers[$i], $headers[$i + 1]);
    }

    return "$head\x0d\x0a";
}


# sub that gives the body in pieces as they go over the wire

sub body_iterator {
    my (%o) = @_;

    my $piece = $o{piece} || $Block;
    my $next = $o{chunks};

    if (defined $o{file}) {
        open(my $fh, '<:raw', $o{file})
            or die "open \"$o{file}\" failed: $!\n";

        $next = sub {
            my $n = sysread($fh, my $data, $piece);
            return $n ? $data : undef;
        };

    } elsif (defined $o{body}) {
        my $offset = 0;

        $next = sub {
            return if $offset >= length $o{body};

            my $data = substr($o{body}, $offset, $piece);
            $offset += length $data;
            return $data;
        };
    }

    return if !$next && !$o{chunked};

    if (defined $o{abort_after}) {
        my ($inner, $left) = ($next, $o{abort_after});

        $next = sub {
            return if $left <= 0;

            my $data = $inner->();
            return if !defined $data;

            $data = substr($data, 0, $left) if length $data > $left;
            $left -= length $data;
            return $data;
        };
    }

    return $next if !$o{chunked};

    my ($inner, $ended) = ($next, 0);

    return sub {
        return if $ended;

        my $data = $inner ? $inner->() : undef;

        return sprintf("%x\x0d\x0a", length $data) . "$data\x0d\x0a"
            if defined $data && length $data;

        $ended = 1;
        return defined $o{abort_after} ? undef : "0\x0d\x0a\x0d\x0a";
    };
}


# writes "out" and what "next" gives; reads meanwhile

sub exchange {
    my ($c, $method, $out, $next, %o) = @_;

    my $r = Glance::Response->new($method, %o);
    my $end = time() + ($o{timeout} || $c->{timeout});
    my $select = IO::Select->new($c->{socket});
    my ($sending, $due) = (1, 0);

    for ( ;; ) {
        my $done = $r->parse(\$c->{in});

        $sending = 0 if $done && $o{stop_early};

        if ($sending && $out eq '' && time() >= $due) {
            my $data = $next ? $next->() : undef;

            if (defined $data) {
                $out = $data;
                $due = time() + $o{delay} if $o{delay};

            } else {
                $sending = 0;

                if (defined $o{abort_after}) {
                    $o{abort} && $o{abort} eq 'rst' ? $c->reset() : $c->close();
                    $r->{error} = 'aborted';
                    return $r;
                }
            }
        }

        return $r if $done && !$sending;

        if ($c->{closed} && !$sending) {
            $r->peer_closed();
            return $r;
        }

        if (time() > $end) {
            $r->{error} = 'timed out';
            return $r;
        }

        my $want = $sending && $out ne '';
        my ($can_read, $can_write) = IO::Select->select(
            $c->{closed} ? undef : $select, $want ? $select : undef, undef,
            $sending && !$want ? 0.01 : 1);

        if ($can_write && @$can_write) {
            my $n = syswrite($c->{socket}, $out);

            if (defined $n) {
                substr($out, 0, $n, '');
                $end = time() + ($o{timeout} || $c->{timeout});

            } elsif ($! != EAGAIN && $! != EINTR) {
                $r->{write_error} = "$!";
                $sending = 0;
            }
        }

        if ($can_read && @$can_read) {
            my $n = $c->receive();

            if ($n) {
                $end = time() + ($o{timeout} || $c->{timeout});

            } elsif (defined $n) {
                $r->{write_error} ||= 'closed by peer' if $sending;
                $sending = 0;
            }
        }
    }
}


sub read_response {
    my ($c, $method, %o) = @_;

    return $c->exchange($method, '', undef, %o);
}


# bytes received, 0 at the end of the stream, undef: nothing there

sub receive {
    my ($c) = @_;

    my $n = sysread($c->{socket}, $c->{in}, 4 * $Block, length $c->{in});

    if (!defined $n) {
        return if $! == EAGAIN || $! == EINTR;

        $c->{read_error} = "$!";
        $n = 0;
    }

    $c->{closed} = 1 if !$n;

    return $n;
}


# writes all; false when the peer does not want it (or not in time)

sub send {
    my ($c, $data, $timeout) = @_;

    my $end = time() + ($timeout || $c->{timeout});
    my $select = IO::Select->new($c->{socket});

    while (length $data) {
        return 0 if time() > $end;
        next if !$select->can_write(1);

        my $n = syswrite($c->{socket}, $data);

        if (defined $n) {
            substr($data, 0, $n, '');

        } elsif ($! != EAGAIN && $! != EINTR) {
            return 0;
        }
    }

    return 1;
}


# true when the peer has closed, false when it has not within the time

sub closed_by_peer {
    my ($c, $timeout) = @_;

    my $end = time() + ($timeout || $c->{timeout});
    my $select = IO::Select->new($c->{socket});

    while (!$c->{closed}) {
        return 0 if time() > $end;
        $c->receive() if $select->can_read(0.2);
    }

    return 1;
}


# whether something (or the end) has arrived, without waiting for long

sub readable {
    my ($c, $timeout) = @_;

    return 1 if length $c->{in};

    return scalar IO::Select->new($c->{socket})->can_read($timeout || 0);
}


sub half_close {
    my ($c) = @_;

    shutdown($c->{socket}, 1);
}


sub close {
    my ($c) = @_;

    close($c->{socket});
    $c->{closed} = 1;
}


# RST instead of FIN

sub reset {
    my ($c) = @_;

    setsockopt($c->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    $c->close();
}


1;
