#!/usr/bin/perl

# Copyright (C) ngx_glance authors

#     registry.pl PORT

use warnings;
use strict;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

my $json = JSON::PP->new->utf8->canonical;
my %statuses = map { $_ => 1 } qw/ queued saving active killed deleted
                                   pending_delete deactivated /;
my (%images, %clients);
my $created = 0;

my $server = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 50,
    ReuseAddr => 1) or die "port $ARGV[0]: $@\n";

my $select = IO::Select->new($server);

$SIG{PIPE} = 'IGNORE';
$| = 1;


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
            $select->remove($s);
            delete $clients{$s};
            close($s);
            next;
        }

        while (defined(my $answer = serve(\$clients{$s}))) {
            syswrite($s, $answer);
        }
    }
}


# takes one request out of the buffer, gives the answer; undef: not yet

sub serve {
    my ($in) = @_;

    $$in =~ /\A(\S+) (\S+) HTTP[^\n]*\n(.*?)\r?\n\r?\n/s or return;

    my ($method, $uri, $head, $end) = ($1, $2, $3, $+[0]);
    my $length = $head =~ /^content-length:\s*(\d+)/im ? $1 : 0;

    return if length $$in < $end + $length;

    my $body = substr($$in, $end, $length);
    substr($$in, 0, $end + $length, '');

    my ($path, $query) = split(/\?/, $uri, 2);
    my ($status, $answer) = eval {
        route($method, $path, $query || '', $head, $body)
    };

    ($status, $answer) = (500, $@) if $@;
    print "$method $uri $status\n";

    my $type = ref $answer ? 'application/json' : 'text/plain';

    $answer = $json->encode($answer) if ref $answer;

    return "HTTP/1.1 $status Status\r\nContent-Type: $type\r\n"
           . 'Content-Length: ' . length($answer) . "\r\n\r\n$answer";
}


sub route {
    my ($method, $path, $query, $head, $body) = @_;

    return list($query, $path) if $method eq 'GET'
                                  && $path =~ m!^/images(?:/detail)?$!;

    my $in;

    if ($method eq 'POST' || $method eq 'PUT') {
        $in = eval { $json->decode($body) } or return (400, "$@");
    }

    return create($in->{image}) if $method eq 'POST' && $path eq '/images';

    my ($id) = $path =~ m!^/images/([^/]+)$! or return (404, '');
    my $image = $images{$id};

    return (404, '') if !$image || $image->{deleted};
    return (503, '') if $image->{stuck};
    return (200, { image => 'muddle' }) if $method eq 'GET'
                                           && delete $image->{muddled};
    return (200, { image => $image }) if $method eq 'GET';
    return update($image, $in, $head) if $method eq 'PUT';

    if ($method eq 'DELETE') {
        $image->{deleted} = JSON::PP::true;
        $image->{deleted_at} = now();
        return (200, { image => $image });
    }

    return (405, '');
}


sub now {
    return POSIX::strftime('%Y-%m-%dT%H:%M:%S.000000', gmtime);
}


sub list {
    my ($query, $path) = @_;

    my %q = map { /^([^=]*)=(.*)/ ? ($1, $2) : () } split(/&/, $query);
    my $limit = defined $q{limit} ? $q{limit} : 25;

    $limit = 50 if $limit > 50;     # api_limit_max

    my @all = sort { $b->{seq} <=> $a->{seq} }
              grep { !$_->{deleted} && $_->{is_public}
                     && $_->{status} ne 'killed' } values %images;

    if (defined $q{marker}) {
        my $marker = $images{$q{marker}} or return (400, 'Invalid marker');
        @all = grep { $_->{seq} < $marker->{seq} } @all;
    }

    splice(@all, $limit) if @all > $limit;

    return (200, { images => [ map { {%$_, seq => undef} } @all ] });
}


sub create {
    my ($in) = @_;

    my $id = $in->{id} || sprintf('%08x-0000-4000-8000-%012x', rand(2**31),
                                  ++$created);

    return (409, 'exists') if $images{$id};
    return (400, 'Invalid image status') if !$statuses{$in->{status}
                                                       || 'active'};

    my %image = (
        # as a number, if it is one: the registries of 2011 counted
        id => $id =~ /^\d+$/ ? $id + 0 : $id,
        name => undef, status => 'active', size => undef,
        disk_format => undef, container_format => undef, checksum => undef,
        is_public => JSON::PP::false, protected => JSON::PP::false,
        min_disk => 0, min_ram => 0, owner => undef, virtual_size => undef,
        deleted => JSON::PP::false, deleted_at => undef,
        created_at => now(), updated_at => now(), properties => {},
        seq => ++$created,
    );

    change(\%image, $in);
    $images{$id} = \%image;

    return (200, { image => \%image });
}


sub change {
    my ($image, $in) = @_;

    for my $key (keys %$in) {
        next if $key =~ /^(?:id|seq|.*_at|deleted|properties)$/;
        $image->{$key} = $in->{$key} if exists $image->{$key}
                                        || $key =~ /^location/;
    }

    if ($in->{location} && !$in->{location_data}) {
        $image->{location_data} = [ { url => $in->{location},
                                      metadata => {}, status => 'active' } ];
    }

    my $properties = $in->{properties} || {};
    $image->{properties}{$_} = $properties->{$_} for keys %$properties;
}


sub update {
    my ($image, $in, $head) = @_;

    return (409, 'Image operation conflicts')
        if defined $in->{from_state}
           && $in->{from_state} ne $image->{status};

    if (($image->{name} || '') eq 'stuck'
        && ($in->{image}{status} || '') eq 'active')
    {
        $image->{stuck} = 1;
        return (409, 'Image operation conflicts');
    }

    my $muddled = ($image->{name} || '') eq 'muddled'
                  && ($in->{image}{status} || '') eq 'active';

    $image->{properties} = {}
        if $head =~ /^x-glance-registry-purge-props:\s*true\s*$/im
           && $in->{image}{properties};

    change($image, $in->{image});
    $image->{updated_at} = now();

    if ($muddled) {
        $image->{muddled} = 1;
        return (409, 'Image operation conflicts');
    }

    return (200, { image => $image });
}
