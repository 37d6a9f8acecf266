package Glance::Differ;

# Copyright (C) ngx_glance authors

# The same requests to two servers, and what of the answers differs: status,
# headers, and the shape and values of JSON.  Words of faults are each
# server's own.

use warnings;
use strict;

use JSON::PP ();

use Glance::HTTP;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# what says nothing of the API
my %Ignored = map { $_ => 1 } qw/
    connection date keep-alive server transfer-encoding content-length etag
    last-modified accept-ranges vary
/;


# new(sides => { name => server with a port }, expected => FILE,
#     headers => sub { who => headers })

sub new {
    my ($class, %o) = @_;

    my $d = bless { %o, saved => {}, found => [], number => 0 }, $class;

    $d->{expected} = read_expected($o{file});

    return $d;
}


# lines "pattern of TITLE: DIFFERENCE  # reason"

sub read_expected {
    my ($file) = @_;

    open(my $in, '<', $file) or die "open($file): $!\n";

    return [ map {
        /^(.*?)\s+# (.*)$/ or die "$file: no reason: $_\n";
        { pattern => qr/^(?:$1)$/, text => $1, reason => $2, used => 0 };
    } grep { chomp; /\S/ && !/^#/ } <$in> ];
}


# run(who, METHOD, path, body => .., type => .., headers => [..],
#     save => NAME): "{NAME}" in path and body is the id that each has made

sub run {
    my ($d, $who, $method, $path, %o) = @_;

    my %answer;

    for my $name (sort keys %{$d->{sides}}) {
        my $side = $d->{sides}{$name};
        my $fill = sub {
            my ($text) = @_;
            $text =~ s/\{(\w+)\}/exists $d->{saved}{$name}{$1}
                                 ? $d->{saved}{$name}{$1} : "{$1}"/ge;
            return $text;
        };

        my $body = ref $o{body} ? $json->encode($o{body}) : $o{body};
        my $type = $o{type} || (ref $o{body} ? 'application/json' : undef);

        my $r = Glance::HTTP->new(port => $side->{port})->request(
            $method, $fill->($path), close => 1,
            headers => [ 'Host' => "127.0.0.1:$side->{port}",
                         'Accept' => 'application/json',
                         $d->{headers}->($who),
                         defined $type ? ('Content-Type' => $type) : (),
                         map { $fill->($_) } @{$o{headers} || []} ],
            defined $body ? (body => $o{raw} ? $body : $fill->($body)) : ());

        if ($o{save} && $r->{status} < 300) {
            my $id = $r->json()->{id};
            $d->{saved}{$name}{$o{save}} = $id;
        }

        $answer{$name} = $d->digest($name, $r);
    }

    my $title = "$who $method $path" . ($o{title} ? " ($o{title})" : '');

    $d->{number}++;
    $d->compare($title, @answer{sort keys %answer});

    return;
}


# what is compared of an answer: name => text

sub digest {
    my ($d, $name, $r) = @_;

    my %seen = (status => $r->{status});

    for my $header (@{$r->{headers}}) {
        my ($key, $value) = (lc $header->[0], $header->[1]);

        next if $Ignored{$key};

        $seen{"header $key"} = $key eq 'x-openstack-request-id'
            ? ($value =~ /^req-[0-9a-f-]{36}$/ ? 'req-ID' : $value)
            : $d->plain($name, $value);
    }

    my $type = $seen{'header content-type'} || '';

    if ($type =~ /json/ && length $r->{body}) {
        my $value = eval { $json->decode($r->{body}) };

        if (!defined $value) {
            $seen{body} = 'no JSON';

        } elsif ($r->{status} >= 400) {
            $seen{body} = join(' ', ref $value eq 'HASH' ? sort keys %$value
                                                         : 'no object');

        } else {
            $d->flatten($name, \%seen, 'json', $value);
        }

    } else {
        $seen{body} = $r->{status} >= 400 ? length $r->{body} ? 'some' : ''
                    : $d->plain($name, $r->{body});
    }

    return \%seen;
}


sub flatten {
    my ($d, $name, $seen, $path, $value) = @_;

    if (ref $value eq 'HASH') {
        $seen->{$path} = '{}';

        # descriptions are each server's own
        $d->flatten($name, $seen, "$path.$_", $value->{$_})
            for grep { $_ ne 'description' || ref $value->{$_} }
                sort keys %$value;

    } elsif (ref $value eq 'ARRAY') {
        my @items = @$value;

        # sets have no order
        @items = sort @items if !grep { ref || !defined } @items;

        # an image that only one has must not move all others
        my @keys = map {
            ref $items[$_] eq 'HASH' && $items[$_]{id}
                ? $d->plain($name, $items[$_]{id}) : $_;
        } 0 .. $#items;

        $seen->{$path} = "[@keys]";
        $d->flatten($name, $seen, "$path.$keys[$_]", $items[$_])
            for 0 .. $#items;

    } else {
        $seen->{$path} = $d->plain($name, $json->encode($value));
    }
}


# names for what differs from run to run

sub plain {
    my ($d, $name, $text) = @_;

    my $saved = $d->{saved}{$name} || {};
    my $port = $d->{sides}{$name}{port} || 0;
    my $store = $d->{sides}{$name}{store};

    $text =~ s/\Q$saved->{$_}\E/{$_}/g for sort keys %$saved;
    $text =~ s/\b(?:127\.0\.0\.1|localhost):\Q$port\E\b/HOST/g;
    $text =~ s/\Q$store\E/STORE/g if defined $store;
    $text =~ s/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b
              /UUID/gx;
    $text =~ s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/TIME/g;

    return $text;
}


sub compare {
    my ($d, $title, $one, $other) = @_;

    my %keys = (%$one, %$other);

    # where statuses differ, all else does

    my @keys = $one->{status} ne $other->{status} ? ('status')
             : sort keys %keys;

    for my $key (@keys) {
        my ($a, $b) = map { defined $_->{$key} ? $_->{$key} : 'absent' }
                      $one, $other;

        next if $a eq $b;

        my $text = "$title: $key: $a, $b";
        my ($known) = grep { $text =~ $_->{pattern} } @{$d->{expected}};

        if ($known) {
            $known->{used}++;
        } else {
            push @{$d->{found}}, $text;
        }
    }
}


# differences that nobody expected; and expectations that nothing met

sub found { return @{$_[0]{found}} }

sub unused {
    return map { $_->{text} } grep { !$_->{used} } @{$_[0]{expected}};
}

sub reasons {
    my %seen;

    return grep { !$seen{$_}++ } map { $_->{reason} } @{$_[0]{expected}};
}


sub number { return $_[0]{number} }


1;
