package Glance::BenchTable;

# Copyright (C) ngx_glance authors

# The rows of the benchmark, their goals, and what the runs have yielded.

use warnings;
use strict;

use JSON::PP ();

use Glance::BenchPages;
use Glance::BenchStores;


# value: what is held against the goal, the ratio of a pair or ours alone;
# goal: [relation, number], "first": the same for a first release

my @rows = (
    [ 'download_1_rate', 'download, 1 stream', 'MiB/s',
      beside => 'static', value => 'ratio',
      goal => [ '>=', 0.98 ], first => [ '>=', 0.95 ] ],
    [ 'download_1_cpu', 'the same, CPU', 's/GiB',
      beside => 'static', value => 'ratio',
      goal => [ '<=', 1.03 ], first => [ '<=', 1.10 ] ],
    [ 'download_16_rate', 'download, 16 streams', 'MiB/s',
      beside => 'static', value => 'ratio',
      goal => [ '>=', 0.98 ], first => [ '>=', 0.95 ] ],
    [ 'download_16_cpu', 'the same, CPU', 's/GiB',
      beside => 'static', value => 'ratio',
      goal => [ '<=', 1.03 ], first => [ '<=', 1.10 ] ],
    [ 'upload_rate', 'upload', 'MB/s',
      beside => 'slower of DAV, MD5', value => 'ratio',
      goal => [ '>=', 0.90 ], first => [ '>=', 0.55 ] ],
    [ 'upload_synced_rate', 'the same, DAV synced too', 'MB/s',
      beside => 'slower of DAV, MD5', value => 'ratio' ],
    [ 'upload_cpu', 'the same, CPU', 's/GiB',
      beside => 'DAV + MD5 + SHA-512', value => 'ratio',
      goal => [ '<=', 1.10 ], first => [ '<=', 1.15 ] ],
    [ 'upload_body_rate', '.. until the body is taken', 'MB/s' ],
    [ 'dav_rate', '.. stock DAV PUT, not synced', 'MB/s' ],
    [ 'dav_cpu', '.. the same, CPU', 's/GiB' ],
    [ 'dav_synced_rate', '.. stock DAV PUT, then synced', 'MB/s' ],
    [ 'md5_rate', ".. one core's MD5", 'MB/s' ],
    [ 'sha512_rate', ".. one core's SHA-512", 'MB/s' ],
    [ 'others_head_rate', 'HEAD during an upload', '/s',
      beside => 'idle', value => 'ratio',
      goal => [ '>=', 0.3 ], first => [ '>=', 0.3 ] ],
    [ 'others_head_p99', 'the same, p99', 'ms',
      beside => 'idle', value => 'ours', goal => [ '<=', 5 ] ],
    [ 'others_get_rate', 'small GET during an upload', '/s',
      beside => 'idle', value => 'ratio',
      goal => [ '>=', 0.3 ], first => [ '>=', 0.3 ] ],
    [ 'others_get_p99', 'the same, p99', 'ms',
      beside => 'idle', value => 'ours', goal => [ '<=', 5 ] ],
    [ 'memory_upload', 'memory of each of 100 uploads', 'MiB',
      value => 'ours', goal => [ '<=', 1.5 ] ],
    [ 'memory_download', 'memory of each of 100 downloads', 'MiB',
      value => 'ours', goal => [ '<=', 1.5 ] ],
    [ 'show_rate', 'show (HEAD)', '/s',
      beside => 'proxied hello', value => 'ratio', goal => [ '>=', 0.6 ] ],
    [ 'show_p99', 'the same, p99', 'ms', beside => 'proxied hello' ],
    [ 'token_rate', 'show with a token', '/s',
      beside => 'the same without', value => 'ratio', goal => [ '>=', 0.9 ] ],
    [ 'token_p99', 'the same, p99', 'ms', beside => 'the same without' ],
    [ 'list_rate', 'list of 25', '/s',
      beside => 'proxied hello', value => 'ratio', goal => [ '>=', 0.25 ] ],
    [ 'list_p99', 'the same, p99', 'ms', beside => 'proxied hello' ],
    [ 'v2_show_rate', 'show (v2)', '/s',
      beside => 'proxied hello', value => 'ratio', goal => [ '>=', 0.6 ] ],
    [ 'v2_show_p99', 'the same, p99', 'ms', beside => 'proxied hello' ],
    [ 'v2_list_rate', 'list of 25 (v2)', '/s',
      beside => 'proxied hello', value => 'ratio', goal => [ '>=', 0.25 ] ],
    [ 'v2_list_p99', 'the same, p99', 'ms', beside => 'proxied hello' ],
    Glance::BenchStores::rows(),
    map({ [ @$_, 'us', beside => 'of 1000', value => 'ratio',
            goal => [ '<=', 1.2 ] ] } Glance::BenchPages::rows()),
);


sub new {
    my ($class, %o) = @_;

    my @list = map {
        my ($name, $title, $unit, %row) = @$_;
        { name => $name, title => $title, unit => $unit, runs => [], %row };
    } @rows;

    return bless { %o, rows => \@list,
                   by_name => { map { $_->{name} => $_ } @list } }, $class;
}


# the result of one run: ours, and what it stands beside

sub add {
    my ($t, $name, $ours, $beside) = @_;

    my $row = $t->{by_name}{$name} or die "no row \"$name\"\n";

    push @{$row->{runs}}, [ $ours, defined $beside ? $beside : () ];
}


sub median {
    my @values = sort { $a <=> $b } @_;

    return undef if !@values;

    my $half = int(@values / 2);

    return @values % 2 ? $values[$half]
                       : ($values[$half - 1] + $values[$half]) / 2;
}


# Others use the machine as well, and a slow minute is slow for both of a
# pair: the median is of the ratios of pairs, not the ratio of medians.

sub results {
    my ($t) = @_;

    return map {
        my $row = $_;
        my @runs = @{$row->{runs}};
        my @pairs = grep { @$_ == 2 } @runs;

        my %r = (
            (map { $_ => $row->{$_} } qw/ name title unit /),
            ours => median(map { $_->[0] } @runs),
            runs => \@runs,
            @pairs ? (
                beside => $row->{beside},
                other => median(map { $_->[1] } @pairs),
                ratio => median(map { $_->[0] / ($_->[1] || 1e-9) } @pairs),
            ) : (),
        );

        if ($row->{goal} && @runs) {
            my $value = $row->{value} eq 'ratio' ? $r{ratio} : $r{ours};

            $r{goal} = join(' ', @{$row->{goal}});
            $r{first} = join(' ', @{$row->{first}}) if $row->{first};
            $r{remains} = remains($value, $row->{goal});
            $r{first_reached} = remains($value, $row->{first}) == 0
                ? JSON::PP::true : JSON::PP::false if $row->{first};
        }

        \%r;
    } @{$t->{rows}};
}


# how far it is to the goal, as a part of the value; 0: reached

sub remains {
    my ($value, $goal) = @_;

    my ($relation, $number) = @$goal;

    return 0 if $relation eq '>=' ? $value >= $number : $value <= $number;

    return abs($number / ($value || 1e-9) - 1);
}


sub json {
    my ($t, %more) = @_;

    return JSON::PP->new->utf8->canonical->pretty
                   ->encode({ %more, rows => [ $t->results() ] });
}


sub text {
    my ($t) = @_;

    my $format = "%-32s %-6s %9s %9s %6s %8s  %s\n";
    my $text = sprintf($format, 'measure', 'unit', 'ours', 'beside', 'ratio',
                       'goal', 'remains to the goal');

    for my $r (grep { @{$_->{runs}} } $t->results()) {
        my $more = !defined $r->{goal} ? ''
                 : $r->{remains} == 0 ? 'reached'
                 : sprintf('%d %% %s%s', $r->{remains} * 100 + 1,
                           $r->{goal} =~ />/ ? 'more' : 'less',
                           defined $r->{first_reached}
                           ? $r->{first_reached} ? " (first goal reached)"
                                                 : " (first: $r->{first})"
                           : '');

        $text .= sprintf($format, $r->{title}, $r->{unit},
                         number($r->{ours}), number($r->{other}),
                         number($r->{ratio}), $r->{goal} || '', $more)
                 =~ s/\s+\n/\n/r;
    }

    return $text;
}


sub number {
    my ($n) = @_;

    return '' if !defined $n;

    return $n >= 1000 ? sprintf('%.0f', $n)
         : $n >= 100 ? sprintf('%.1f', $n)
         : $n >= 0.1 ? sprintf('%.2f', $n) : sprintf('%.3f', $n);
}


1;
