package Glance::Response;

# Copyright (C) ngx_glance authors

# One HTTP answer, parsed as it arrives.

use warnings;
use strict;

use JSON::PP ();


sub new {
    my ($class, $method, %o) = @_;

    return bless {
        method => $method,
        status => 0,
        headers => [],
        interim => $o{interim_seen} || [],
        body => '',
        length => 0,
        state => 'head',
        sink => $o{sink},
        want_interim => $o{interim},
    }, $class;
}


# takes what belongs to the answer out of the buffer; true when it is complete

sub parse {
    my ($r, $in) = @_;

    for ( ;; ) {
        my $state = $r->{state};

        return 1 if $state eq 'done';

        if ($state eq 'head') {
            $$in =~ s/\A(.*?\x0d?\x0a)\x0d?\x0a//s or return 0;
            $r->parse_head($1);

        } elsif ($state eq 'body') {
            return 0 if $$in eq '';

            $r->take($in, $r->{left});
            $r->{state} = 'done' if defined $r->{left} && $r->{left} == 0;

        } elsif ($state eq 'size') {
            $$in =~ s/\A([0-9a-fA-F]+)[^\x0a]*\x0a// or return 0;

            $r->{left} = hex $1;
            $r->{state} = $r->{left} ? 'chunk' : 'trailer';

        } elsif ($state eq 'chunk') {
            return 0 if $$in eq '';

            $r->take($in, $r->{left});
            $r->{state} = 'crlf' if $r->{left} == 0;

        } elsif ($state eq 'crlf') {
            $$in =~ s/\A\x0d?\x0a// or return 0;
            $r->{state} = 'size';

        } elsif ($state eq 'trailer') {
            $$in =~ s/\A([^\x0d\x0a]*)\x0d?\x0a// or return 0;
            $r->{state} = 'done' if $1 eq '';
        }
    }
}


sub parse_head {
    my ($r, $head) = @_;

    my ($line, @lines) = split(/\x0d?\x0a/, $head);

    $line =~ m!^HTTP/(\d\.\d) (\d{3})(?: (.*))?$! or do {
        $r->{error} = "not an HTTP answer: $line";
        $r->{state} = 'done';
        return;
    };

    my ($version, $status, $reason) = ($1, $2, $3);
    my @headers = map { /^([^:]*):[ \t]*(.*?)[ \t]*$/ ? [ $1, $2 ] : () }
                  @lines;

    if ($status < 200 && $status != 101 && !$r->{want_interim}) {
        push @{$r->{interim}}, { status => $status, headers => \@headers };
        return;
    }

    @$r{qw/ version status reason headers head /} =
        ($version, $status, $reason, \@headers, $head);

    if ($r->{method} eq 'HEAD' || $status < 200 || $status == 204
        || $status == 304)
    {
        $r->{state} = 'done';

    } elsif (lc($r->header('Transfer-Encoding') || '') eq 'chunked') {
        $r->{chunked} = 1;
        $r->{state} = 'size';

    } else {
        my $length = $r->header('Content-Length');

        $r->{left} = $length;
        $r->{state} = defined $length && $length == 0 ? 'done' : 'body';
    }
}


sub take {
    my ($r, $in, $left) = @_;

    my $n = length $$in;
    $n = $left if defined $left && $left < $n;

    my $data = substr($$in, 0, $n, '');

    $r->{left} -= $n if defined $left;
    $r->{length} += $n;

    if ($r->{sink} && $r->{status} < 300) {
        $r->{sink}->($data);

    } else {
        $r->{body} .= $data;
    }
}


sub peer_closed {
    my ($r) = @_;

    return if $r->{state} eq 'done';

    if ($r->{state} eq 'body' && !defined $r->{left}) {
        $r->{state} = 'done';
        return;
    }

    $r->{error} = 'closed by peer';
    $r->{truncated} = 1 if $r->{state} ne 'head';
}


sub complete {
    my ($r) = @_;

    return $r->{state} eq 'done' && !$r->{error};
}


# the first value, or all values

sub header {
    my ($r, $name) = @_;

    return ($r->all($name))[0];
}


sub all {
    my ($r, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{$r->{headers}};
}


# x-image-meta-* as a hash; "property-KEY" are the properties

sub meta {
    my ($r) = @_;

    return { map { lc($_->[0]) =~ /^x-image-meta-(.+)/ ? ($1, $_->[1]) : () }
             @{$r->{headers}} };
}


# undef when it is not JSON

sub json {
    my ($r) = @_;

    return eval { JSON::PP->new->utf8->decode($r->{body}) };
}


# for messages

sub summary {
    my ($r) = @_;

    my $body = substr($r->{body}, 0, 300);
    $body =~ s/[^\x20-\x7e]+/ /g;

    return join(' ', $r->{status}, $r->{error} ? "($r->{error})" : (),
                $r->{write_error} ? "(write: $r->{write_error})" : (), $body);
}


1;
