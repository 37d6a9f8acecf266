#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S-05 S-07 S-44: an image of GLANCE_BIG_SIZE, 6 GiB unless told otherwise,
# goes into Swift in segments and into S3 in parts, and comes back byte for
# byte, whole and by ranges across their borders, for a fixed amount of the
# worker's memory.  "make test-big" runs this: it takes minutes, and twice the
# size on the disk below TMPDIR.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Time::HiRes qw/ time /;

use Glance::S3;
use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $size = ($ENV{GLANCE_BIG_SIZE} || 6 * 1024) * $MiB;

my $swift = Glance::Swift->new()->start();
my $s3 = Glance::S3->of_swift($swift);

# what is smaller than these is one object, as it is by default; S3 gets no
# more parts than Swift's API takes
my %store = (
    swift => {
        border => 200 * $MiB, left => sub { return $swift->objects() },
        directives => $swift->directives(
            glance_swift_large_object_size => '1g',
            glance_swift_large_object_chunk_size => '200m'),
    },
    s3 => {
        border => 10 * $MiB, left => sub { return $s3->left() },
        directives => $s3->directives(
            glance_s3_large_object_size => '100m',
            glance_s3_large_object_chunk_size => '10m'),
    },
);


sub transfer {
    my ($env, $name, $size, %o) = @_;

    my ($worker) = $env->{nginx}->workers();
    my $started = time();
    my $id = $env->create($o{chunked} ? {} : { size => $size },
        chunks => pattern_chunks($size, $name), timeout => 1800,
        $o{chunked} ? (chunked => 1) : (length => $size));
    my $up = time() - $started;
    my $sum = pattern_md5($size, $name);

    has_header($env->request('HEAD', "/images/$id"), 'x-image-meta-checksum',
               $sum, 'checksum');

    $started = time();

    my ($sink, $md5) = digest_sink();
    my $r = $env->request('GET', "/images/$id", sink => $sink,
                          timeout => 1800);

    status_is($r, 200, 'whole');
    ok($r->complete(), 'to its end');
    is($r->{length}, $size, 'its size');
    is($md5->(), $sum, 'byte for byte');

    diag(sprintf('%s: %d MiB, up %.0f s, down %.0f s, worker %d kB', $name,
                 $size / $MiB, $up, time() - $started, rss_kb($worker)));

    return $id;
}


for my $name (sort keys %store) {
    my $s = $store{$name};
    my $row = $name eq 's3' ? 'S-07' : 'S-05';

    check("$row S-44 a large image in $name" => sub {
        with_env('sqlite', sub {
            my ($env) = @_;

            my ($worker) = $env->{nginx}->workers();
            my $small = 3 * $s->{border} + 5;
            my $id = transfer($env, 'small', $small, chunked => 1);

            status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');

            my $before = rss_kb($worker);

            $id = transfer($env, $name, $size);
            cmp_ok(rss_kb($worker) - $before, '<=', 4096, 'growth in kB');
            cmp_ok(scalar(() = $s->{left}->()), '>=', 1, 'it is there');

            # what the pattern has at a place is told by the pattern itself
            my $chunks = pattern_chunks($size, $name);
            my %wanted = map { ($_ => '') } map { $_ * $s->{border} - 7 }
                         1, 2, int($size / $s->{border} / 2),
                         int(($size - 20) / $s->{border});
            my $at = 0;

            while (defined(my $piece = $chunks->())) {
                last if !length $piece;

                for my $from (keys %wanted) {
                    my $next = $from + length $wanted{$from};

                    next if length $wanted{$from} == 20 || $next < $at
                            || $next >= $at + length $piece;
                    $wanted{$from} .= substr($piece, $next - $at,
                                             20 - length $wanted{$from});
                }

                $at += length $piece;
            }

            for my $from (sort { $a <=> $b } keys %wanted) {
                my $to = $from + 19;
                my $r = $env->request('GET', "/images/$id",
                    headers => [ Range => "bytes=$from-$to" ]);

                status_is($r, 206, "bytes $from-$to");
                is($r->{body}, $wanted{$from}, 'across a border');
            }

            status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');
            ok(wait_until(sub { !$s->{left}->() }), 'nothing is left');
        }, nginx => { directives => $s->{directives} });
    });
}


$swift->stop();
is(join("\n", $swift->complaints()), '', 'Swift has no complaint');

done_testing();
