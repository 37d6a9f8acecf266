#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S-08: images whose data another HTTP server has.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Source qw/ data /;
use Glance::Test;


my $server = Glance::Source->new()->start();
my $port = $server->{port};
my $source = $server->{url};
my @formats = (disk_format => 'raw', container_format => 'bare');


sub located {
    my ($env, $url, %meta) = @_;

    return $env->v1('POST', '', { name => 'l', @formats, is_public => 1,
                                  location => $url, %meta });
}


sub id_of {
    my ($env, $url, %meta) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = located($env, $url, %meta);

    status_is($r, 201, "$url: created");

    return (($r->json() || {})->{image} || {})->{id};
}


# what a real server has
my $files = temp_dir();
my $other = Glance::Nginx->new(store => store_dir(), directives => '',
    server => "location /files/ { alias $files/; }\n");
my $big = noise(3_000_000);

write_file("$files/big.img", $big);
$other->start();

my $real = "http://127.0.0.1:$other->{port}/files/big.img";

my %allowed = (nginx => { directives =>
    'glance_http_store on; glance_http_allow 127.0.0.1;' });


for_each_database(sub {
    my ($env) = @_;

    check('S-08 an image at a URL' => sub {
        my $r = located($env, $real, 'property-p' => 'v');

        status_is($r, 201);
        my $image = $r->json()->{image};

        is($image->{status}, 'active', 'active at once');
        is($image->{size}, length($big), 'its size');
        is($image->{checksum}, undef, 'nobody has read it');
        ok(!exists $image->{location}, 'its location is not told');
        is_deeply([ $env->files() ], [], 'nothing is stored');

        my $id = $image->{id};

        for my $path ("/v1/images/$id", "/images/$id", "/v2/images/$id/file") {
            $r = $env->request('GET', $path);
            status_is($r, 200, $path);
            is(md5_of($r->{body}), md5_of($big), 'the data');
        }

        is($env->request('HEAD', "/images/$id")->meta()->{store}, 'http',
           'the store of the API of 2011');

        for my $range ([ 'bytes=10-19', 10, 10 ],
                       [ 'bytes=2999990-', 2999990, 10 ],
                       [ 'bytes=-5', 2999995, 5 ])
        {
            my ($text, $first, $n) = @$range;
            $r = $env->request('GET', "/images/$id",
                               headers => [ Range => $text ]);
            status_is($r, 206, $text);
            is($r->{body}, substr($big, $first, $n), 'the range');
        }

        status_is($env->v1('DELETE', "/$id"), 200, 'DELETE');
        is(scalar $env->{database}->query(
            'SELECT url FROM ngx_glance_removals') || 0, 0,
           'nothing waits to be removed');
        ok(-e "$files/big.img", 'the data stay');
    });

    check('S-08 the data of a reserved image' => sub {
        my $id = $env->v1_create({ name => 'r', @formats });
        my $r = $env->v1('PUT', "/$id", { location => "$source/ok/1000" });

        status_is($r, 200);
        is($r->json()->{image}{status}, 'active', 'active');
        is($r->json()->{image}{size}, 1000, 'size');
        is($env->v1('GET', "/$id")->{body}, data(1000), 'the data');

        denied($env->v1('PUT', "/$id", { location => "$source/ok/10" }), 400,
               'x-image-meta-location', 'it has data');

        $id = $env->v1_create({ name => 'r', @formats, size => 7 });
        denied($env->v1('PUT', "/$id", { location => "$source/ok/10" }), 409,
               'x-image-meta-size', 'another size was announced');
        is($env->status_of($id), 'queued', 'it is queued still');

        $r = $env->post({ name => 's', type => 'raw',
                          location => "$source/ok/50" });
        status_is($r, 201, 'the API of 2011');
        is($env->request('GET', '/images/' . $r->json()->{image}{id})->{body},
           data(50), 'has it, too');
    });

    check('S-08 S-54 the size' => sub {
        my $id = id_of($env, "$source/ok/900", size => 900);
        is($env->v1('GET', "/$id")->{body}, data(900), 'as it is given');

        denied(located($env, "$source/ok/900", size => 901), 409,
               'x-image-meta-size', 'another one');
        denied(located($env, "$source/chunked/900"), 400,
               'x-image-meta-size', 'none is told');

        $id = id_of($env, "$source/chunked/900", size => 900);
        is($env->v1('GET', "/$id")->{body}, data(900), 'only the client knows');

        $id = id_of($env, "$source/nohead/900");
        is($env->v1('GET', "/$id")->{body}, data(900), 'no HEAD');

        $id = id_of($env, "$source/blank/900");
        is($env->v1('GET', "/$id")->{body}, data(900), 'blanks behind it');
    });

    check('S-08 answers before the answer' => sub {
        my $r = located($env, "$source/early/900");

        status_is($r, 201);
        is($r->json()->{image}{size}, 900, 'the size is that of the last');
        my $id = $r->json()->{image}{id};
        is($env->v1('GET', "/$id")->{body}, data(900), 'so are the data');
        $r = $env->request('GET', "/images/$id",
                           headers => [ Range => 'bytes=5-' ]);
        is($r->{body}, substr(data(900), 5), 'and a range');

        denied(located($env, "$source/waiting/900"), 400,
               'x-image-meta-location cannot be read', 'not for ever');
    });

    check('S-08 redirects' => sub {
        my $id = id_of($env, "$source/to?/ok/700");
        is($env->v1('GET', "/$id")->{body}, data(700), 'on the same server');

        $id = id_of($env, "$source/to?$real");
        is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($big), 'to another');

        my $r = $env->request('GET', "/images/$id",
                              headers => [ Range => 'bytes=100-199' ]);
        status_is($r, 206);
        is($r->{body}, substr($big, 100, 100), 'with a range');

        denied(located($env, "$source/$_"), 400, 'x-image-meta-location', $_)
            for 'loop', 'to?ftp://127.0.0.1/x', 'to?file:///etc/passwd',
                'to?http://169.254.169.254/latest', "to?http://[::1]:$port/x",
                'to?http://10.0.0.1/';
    });

    check('S-08 what is refused' => sub {
        my @before = $env->rows();

        denied(located($env, $_), 400, 'x-image-meta-location',
               substr($_, 0, 40))
            for 'file:///etc/passwd', 'ftp://127.0.0.1/x', 'nothing', '',
                'http://', 'http://u:p@127.0.0.1/x', 'http://10.0.0.1/x',
                'http://[::1]/', 'http://169.254.169.254/', 'http://0/',
                'http://2130706434/', 'swift://a:b@127.0.0.1/c/o',
                'swift+config://ref/c/o', 's3://a:b@127.0.0.1/b/o',
                'http://127.0.0.1:1/closed', 'http://h.invalid/x',
                'http://h/' . 'x' x 3000;

        denied(located($env, "$source/missing"), 404, 'x-image-meta-location',
               'nothing there');
        denied($env->v1('POST', '', { name => 'b', @formats,
                                      location => "$source/ok/1" },
                        body => 'abc'), 400, 'x-image-meta-location',
               'a body, too');
        denied(located($env, "$source/ok/1", disk_format => undef), 400,
               'Disk format', 'no format');

        is_deeply([ $env->rows() ], \@before, 'nothing is recorded');
    });

    check('S-08 a signed URL stays out of the log' => sub {
        my $id = id_of($env, "$source/short/5000?signature=hushhush");

        ok($env->v1('GET', "/$id")->{truncated}, 'it fails');
        denied(located($env, "$source/missing?signature=hushhush"), 404,
               'x-image-meta-location', 'so does this');
        unlike(read_file("$env->{nginx}{dir}/error.log"), qr/hushhush/,
               'neither is told with its signature');
        like(read_file("$env->{nginx}{dir}/error.log"),
             qr!store: GET "\Q$source\E/short/5000\?\*{3}" ended!,
             'but it is told');
    });

    check('S-08 a server that fails later' => sub {
        my $id = id_of($env, "$source/short/400000");
        my $r = $env->v1('GET', "/$id");

        ok($r->{truncated}, 'cut, not completed');

        $id = id_of($env, "$source/reset/400000");
        ok($env->v1('GET', "/$id")->{truncated}, 'cut, not completed');

        # other data than those that were registered
        $id = id_of($env, $real);
        write_file("$files/big.img", substr($big, 1));
        status_is($env->v1('GET', "/$id"), 500, 'another size');
        unlink "$files/big.img";
        status_is($env->v1('GET', "/$id"), 404, 'gone');
        write_file("$files/big.img", $big);
        is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($big),
           'there again');
    });

    $env->{nginx}->allow(qr/\bstore: |has \d+ bytes in its store/);
    $env->wipe();
}, %allowed);


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 inner addresses are refused' => sub {
        denied(located($env, $real), 400, 'x-image-meta-location', 'loopback');
        denied(located($env, "http://localhost:$port/ok/1"), 400,
               'x-image-meta-location', 'by its name');
    });

    check('S-08 data whose address is allowed no more' => sub {
        my $id = $env->v1_create({ name => 'x', @formats }, body => 'data');

        $env->{database}->query("UPDATE image_locations SET value = '$real'
                                 WHERE image_id = '$id'");
        $env->{database}->query("UPDATE images SET size = " . length($big)
                                . " WHERE id = '$id'");
        status_is($env->v1('GET', "/$id"), 403, 'not read');
    });

    $env->{nginx}->allow(qr/\bstore: /);
}, nginx => { directives => 'glance_http_store on;' });


# all that a worker sent between two rounds of its events, at the most

sub longest_turn {
    my ($nginx) = @_;

    my ($longest, $sent) = (0, 0);

    for my $line ($nginx->log_lines(qr/worker cycle|writev: \d/)) {
        if ($line =~ /writev: (\d+)/) {
            $sent += $1;
            next;
        }

        $longest = $sent if $sent > $longest;
        $sent = 0;
    }

    return $longest;
}


my $fast = noise(64_000_000);

write_file("$files/fast.img", $fast);


SKIP: {
    skip('this nginx writes no debug log', 1)
        if readpipe(Glance::Nginx::binary() . ' -V 2>&1') !~ /--with-debug/;

    local $ENV{GLANCE_TEST_DEBUG} = 1;

    with_env('sqlite', sub {
        my ($env) = @_;

        check('S-08 a fast download leaves the worker to others' => sub {
            my $id = id_of($env, $real =~ s/big/fast/r);

            is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($fast),
               'the data');

            # some events of a round; without an end it is 17 MB and more
            my $turn = longest_turn($env->{nginx});

            ok($turn > 0 && $turn < 4_000_000, "in turns of $turn bytes");
        });
    }, nginx => { directives => join("\n", 'glance_http_store on;',
                                    'glance_http_allow 127.0.0.1;',
                                    'glance_upload_buffers 8 64k;',
                                    'sendfile_max_chunk 256k;') });
}


# libcurl has read more than a turn takes

with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 the shortest turns' => sub {
        my $id = id_of($env, $real =~ s/big/fast/r);

        is(md5_of($env->v1('GET', "/$id")->{body}), md5_of($fast), 'the data');
    });
}, nginx => { directives => join("\n", 'glance_http_store on;',
                                'glance_http_allow 127.0.0.1;',
                                'glance_upload_buffers 8 32k;',
                                'sendfile_max_chunk 32k;') });


with_env('sqlite', sub {
    my ($env) = @_;

    check('S-08 a server without the store' => sub {
        denied(located($env, $real), 400, 'x-image-meta-location', 'refused');
    });
});


$other->stop();

done_testing();
