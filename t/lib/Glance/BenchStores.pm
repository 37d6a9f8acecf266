package Glance::BenchStores;

# Copyright (C) ngx_glance authors

# Remote stores in the benchmark: this server beside a stock nginx that passes
# the same bytes to the same store by proxy_pass.  The stores are a real
# Swift, which takes more than both, and t/bench/sink.c, which takes nothing.

use warnings;
use strict;

use Glance::Bench;
use Glance::HTTP;
use Glance::Process qw/ free_port temp_dir /;
use Glance::S3;
use Glance::Swift;

my $MiB = 1024 * 1024;
my $GiB = 1024 * $MiB;


# rows as Glance::BenchTable has them

sub rows {
    my @goal = (value => 'ratio', goal => [ '>=', 0.9 ]);

    return (
        map({ my ($name, $title) = @$_; (
            [ "${name}_get_rate", "download from $title", 'MiB/s',
              beside => 'proxied', @goal ],
            [ "${name}_get_cpu", 'the same, CPU', 's/GiB',
              beside => 'proxied', value => 'ratio' ],
            [ "${name}_put_rate", "upload to $title", 'MB/s',
              beside => 'proxied', @goal ],
            [ "${name}_put_cpu", 'the same, CPU', 's/GiB',
              beside => 'proxied', value => 'ratio' ],
            [ "${name}_hashed_rate", 'the same, digests counted', 'MB/s',
              beside => 'proxied, with MD5 and SHA-512 at its side', @goal ],
            ) }
            [ 'swift', 'Swift' ], [ 'sink', 'a bare store' ]),
    );
}


# new(bench => Glance::Bench, size => of an image)

sub new {
    my ($class, %o) = @_;

    my $s = bless { %o }, $class;

    # /dev/shm is not the disk: what Swift does with it is not what is meant
    $s->{swift} = Glance::Swift->new()->start() if !Glance::Swift::missing();
    $s->{sink} = Glance::Bench::Sink->new(tools => $o{bench}{tools})->start();

    return $s;
}


# (the store's name, one side and the other, code that removes an object)

sub sides {
    my ($s, $name) = @_;

    my ($bench, $swift) = @$s{qw/ bench swift /};
    my ($lines, $address, @headers);

    if ($name eq 'swift') {
        $swift->request('PUT', 'glance');

        $lines = $swift->directives();
        $address = "$swift->{port}/v1/AUTH_test";
        @headers = ('X-Auth-Token' => $swift->{token});

    } else {
        my $s3 = Glance::S3->new(port => $s->{sink}{port}, access => 'a',
                                 secret => 'b');

        $lines = $s3->directives(glance_s3_large_object_size => '5g');
        $address = $s->{sink}{port};
    }

    my %common = (store => $bench->{store},
                  registries => [ $bench->{registry}->address() ]);
    my $set = join('', map { "proxy_set_header $headers[0] $headers[1];" }
                       @headers ? 1 : ());

    return {
        ours => Glance::Bench::Nginx->new(%common, remote => $lines)
                ->start(),
        other => Glance::Bench::Nginx->new(%common, stock => 1, passed =>
            "location /glance/ { proxy_pass http://127.0.0.1:$address/glance/;"
            . ' proxy_http_version 1.1; proxy_set_header Connection "";'
            . ' proxy_buffering off; proxy_buffers 8 256k;'
            . ' proxy_buffer_size 256k;'
            . " proxy_request_buffering off; $set }")->start(),
    };
}


sub transfer {
    my ($s, $server, %o) = @_;

    my ($cpu, $r) = Glance::Bench::cpu_of(sub {
        return $s->{bench}->load($server, %o);
    }, $server);

    return { rate => $s->{size} / $r->{seconds},
             cpu => $cpu / $s->{size} * $GiB };
}


sub put {
    my ($s, $server, $id) = @_;

    my %o = $server->{remote}
        ? (method => 'POST', path => '/images',
           headers => Glance::Bench::upload_headers($id))
        : (method => 'PUT', path => "/glance/${id}{n}");

    return $s->transfer($server, size => $s->{size}, %o);
}


# An upload while two programs compute the digests of as many bytes: what a
# machine does at best that has to do all that an upload through us does.

sub put_hashed {
    my ($s, $server, $id) = @_;

    my $bench = $s->{bench};
    my @digests = map { $bench->begin_tool('digest', $_, $s->{size}) }
                  qw/ md5 sha512 /;
    my $r = $s->put($server, $id);
    my ($slowest) = sort { $b <=> $a } $s->{size} / $r->{rate},
                    map { $bench->end_tool($_)->{seconds} } @digests;

    return { rate => $s->{size} / $slowest };
}


sub remove {
    my ($s, $server, $id) = @_;

    my $path = ($server->{remote} ? '/images/' : '/glance/') . "${id}0000";
    my $r = $server->connect()->request('DELETE', $path, close => 1);

    die "cannot delete $path: " . $r->summary() . "\n"
        if $r->{status} / 100 >= 3;
}


# pairs: a sub that runs { ours, other, both } as often as it likes, or that
# many times more where it takes no time; add: of the table

sub measure {
    my ($s, %o) = @_;

    for my $name (grep { $s->{$_} } qw/ swift sink /) {
        my $side = $s->sides($name);
        my (%id, %warm);

        for my $who (sort keys %$side) {
            $id{$who} = Glance::Bench::new_id();
            $s->put($side->{$who}, $id{$who});
        }

        my $get = sub {
            my ($who) = @_;

            return $s->transfer($side->{$who},
                path => ($who eq 'ours' ? '/images/' : '/glance/')
                        . "$id{$who}0000");
        };
        my $put = sub {
            my ($who, $method) = @_;

            my $id = Glance::Bench::new_id();
            my $r = $method ? $s->$method($side->{$who}, $id)
                            : $s->put($side->{$who}, $id);

            $s->remove($side->{$who}, $id);
            $s->{bench}->settle();

            return $r;
        };

        $get->($_) for sort keys %$side;

        for my $way ([ get => $get, $MiB ], [ put => $put, 1e6 ]) {
            my ($verb, $code, $unit) = @$way;

            $o{pairs}->({
                ours => sub { return $code->('ours') },
                other => sub { return $code->('other') },
                both => sub {
                    my ($ours, $other) = @_;
                    my @rates = map { $_->{rate} / $unit } $ours, $other;

                    $o{add}->("${name}_${verb}_rate", @rates);
                    $o{add}->("${name}_${verb}_cpu", $ours->{cpu},
                              $other->{cpu});

                    $o{add}->("${name}_hashed_rate", $rates[0],
                              $put->('other', 'put_hashed')->{rate} / $unit)
                        if $verb eq 'put';
                },
            }, $name eq 'sink' && $verb eq 'get' ? 3 : 1);
        }

        $s->remove($side->{$_}, $id{$_}) for sort keys %$side;
        $_->stop(signal => 'QUIT') for values %$side;
        push @{$s->{complaints}}, map { $_->complaints() } values %$side;
    }
}


sub finish {
    my ($s) = @_;

    my @programs = grep { defined } @$s{qw/ swift sink /};

    $_->stop() for @programs;

    return (@{$s->{complaints} || []}, map { $_->complaints() } @programs);
}


package Glance::Bench::Sink;

use parent -norequire, 'Glance::Bench::Hello';


sub new {
    my ($class, %o) = @_;

    my $p = $class->SUPER::new(%o);

    $p->{name} = 'sink';

    return $p;
}


sub start {
    my ($p) = @_;

    return $p->launch([ "$p->{tools}/sink", $p->{port} ]);
}


1;
