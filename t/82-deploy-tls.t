#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# TLS, with HTTP/1.1 and HTTP/2, by curl: in an nginx.conf, and as
# glance-api has it.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $curl = find_program('curl');
my $openssl = find_program('openssl');

plan(skip_all => 'no curl') if !$curl;
plan(skip_all => 'no openssl') if !$openssl;
plan(skip_all => 'curl has no HTTP/2')
    if (run_command([ $curl, '--version' ]))[1] !~ /\bHTTP2\b/;

my $dir = temp_dir();
my @certificate = ("$dir/api.crt", "$dir/api.key");

my ($made, $said) = run_command([ $openssl, 'req', '-x509', '-newkey', 'ec',
    '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2, '-subj',
    '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-out',
    $certificate[0], '-keyout', $certificate[1] ]);

is($made, 0, 'a certificate') or diag($said);

my $data = noise(3_000_001);
my $large = "$dir/large";

write_file("$dir/data", $data);
sparse_file($large, 12_000_000);


# curl(version, path, options): { status, version, body, headers }

my $url;

sub curl {
    my ($version, $path, @options) = @_;

    my ($status, $text) = run_command([ $curl, '-sS', "--http$version",
        '--cacert', $certificate[0], '--max-time', 100, '-D', "$dir/head",
        '-o', "$dir/body", '-w', '%{http_code} %{http_version}', @options,
        "$url$path" ]);
    my ($code, $spoken) = $text =~ /(\d+) ([\d.]+)$/;

    return {
        exit => $status, said => $text,
        status => $code, version => $spoken,
        body => -e "$dir/body" ? read_file("$dir/body") : '',
        headers => read_file("$dir/head"),
    };
}


sub curl_is {
    my ($r, $status, $version, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is("$r->{status} $r->{version}", "$status $version", $title)
        or diag($r->{said}, $r->{headers}, substr($r->{body}, 0, 500));
}


my @upload = ('-H', 'x-image-meta-name: tls', '-H', 'x-image-meta-type: raw',
              '-H', 'x-image-meta-is_public: true', '-H',
              'Content-Type: application/octet-stream');


for_each_database(sub {
    my ($env, $db) = @_;

    $url = "https://localhost:$env->{nginx}{port}";

    for my $version ('1.1', '2') {
        check("S-44 S-43 HTTP/$version over TLS" => sub {
            my $r = curl($version, '/images', @upload, '--data-binary',
                         "\@$dir/data");
            curl_is($r, 201, $version, 'upload');

            my ($id) = $r->{body} =~ /"id": ?"([^"]+)"/;

            like($r->{headers}, qr!^location: \Q$url\E/images/\Q$id\E\r$!mi,
                 'Location');

            $r = curl($version, "/images/$id");
            curl_is($r, 200, $version, 'download');
            is(md5_of($r->{body}), md5_of($data), 'the data');
            like($r->{headers}, qr/^x-image-meta-checksum: @{[ md5_of($data) ]
                                  }\r$/mi, 'checksum');

            $r = curl($version, "/images/$id", '-r', '1000000-2000000');
            curl_is($r, 206, $version, 'a range');
            is(md5_of($r->{body}), md5_of(substr($data, 1_000_000, 1_000_001)),
               'of the data');

            $r = curl($version, "/images/$id", '-I');
            curl_is($r, 200, $version, 'HEAD');
            like($r->{headers}, qr/^x-image-meta-size: 3000001\r$/mi, 'size');

            $r = curl($version, '/images/detail');
            curl_is($r, 200, $version, 'list');
            like($r->{body}, qr/"uri": ?"\Q$url\E\/images\/\Q$id\E"/,
                 'with https in its links');

            $r = curl($version, '/v1/images', '-H', 'x-image-meta-name: v1',
                      '-H', 'x-image-meta-disk-format: raw', '-H',
                      'x-image-meta-container-format: bare', '-H',
                      'Content-Type: application/octet-stream', '-H',
                      'Transfer-Encoding: chunked', '-X', 'POST', '-T',
                      "$dir/data");
            curl_is($r, 201, $version, 'v1, of unknown length');
            like($r->{body}, qr/"size": ?3000001\b/, 'all of it');

            $r = curl($version, '/images', @upload, '-H',
                      'x-image-meta-checksum: ' . md5_of('other'),
                      '--data-binary', "\@$dir/data");
            curl_is($r, 400, $version, 'a wrong checksum');

            $r = curl($version, "/images/$id", '-X', 'DELETE');
            curl_is($r, 200, $version, 'DELETE');
            curl_is(curl($version, "/images/$id"), 404, $version, 'gone');
        });
    }

    check('S-44 many at once on one HTTP/2 connection' => sub {
        my @ids = map { sprintf('7150000%d-0000-4000-8000-000000000000', $_) }
                  0 .. 5;
        my @common = ('-sS', '--http2', '--cacert', $certificate[0],
                      '--max-time', 100, '-w',
                      '%{http_code} %{num_connects}\n');

        my ($status, $text) = run_command([ $curl, '-Z', map {
            ($_ ? '--next' : (), @common, @upload, '-H',
             "x-image-meta-id: $ids[$_]", '--data-binary', "\@$large", '-o',
             '/dev/null', "$url/images") } 0 .. 5 ]);
        is($status, 0, 'uploads') or diag($text);
        is(scalar(() = $text =~ /^201 /mg), 6, 'are images') or diag($text);

        # a connection was made for the first, others wait for it
        cmp_ok(eval(join('+', $text =~ /^201 (\d+)$/mg)), '<=', 2,
               'share a connection') or diag($text);

        ($status, $text) = run_command([ $curl, '-Z', map {
            ($_ ? '--next' : (), @common, '-o', "$dir/out$_",
             "$url/images/$ids[$_]") } 0 .. 5 ]);
        is($status, 0, 'downloads') or diag($text);

        is(digest_of_file("$dir/out$_"), digest_of_file($large),
           "the data of image $_") for 0 .. 5;
        unlink(map { "$dir/out$_" } 0 .. 5);

        curl_is(curl('2', "/images/$_", '-X', 'DELETE'), 200, 2, 'deleted')
            for @ids;
    });

    check('what is not to be had' => sub {
        my $r = $env->request('GET', '/images');
        status_is($r, 400, 'HTTP on the port of TLS');

        for my $version ('1.0', '1.1') {
            my ($status) = run_command([ $curl, '-sS', '--cacert',
                $certificate[0], "--tlsv$version", '--tls-max', $version,
                '-o', '/dev/null', "$url/images" ]);
            isnt($status, 0, "no TLS $version");
        }
    });

    $env->consistent();

}, registry => { registry_secret => 'SECRET' }, nginx => {
    text => readme_block('TLS and HTTP/2', 'nginx'),
    names => { '/etc/glance/api.crt' => $certificate[0],
               '/etc/glance/api.key' => $certificate[1] },
});


check('S-23 glance-api with cert_file and key_file' => sub {
    my $node = Glance::Deploy->new(
        name => 'node',
        api => readme_block('From glance-api.conf', 'ini', 1)
               . readme_block('TLS and HTTP/2', 'ini') =~ s/^\[.*\n//r,
        registry => readme_block('From glance-api.conf', 'ini'));

    $node->configure(
        api => { cert_file => $certificate[0], key_file => $certificate[1],
                 filesystem_store_datadir => store_dir(),
                 registry_port => $node->{registry_port} },
        registry => { sql_connection => "sqlite:///$node->{dir}/db" });

    ok(eval { $node->start() }, 'starts, and is told so over TLS')
        or diag($@);

    $url = "https://localhost:$node->{port}";

    for my $version ('1.1', '2') {
        my $r = curl($version, '/images', @upload, '--data-binary',
                     "\@$dir/data");
        curl_is($r, 201, $version, 'upload');

        my ($id) = $r->{body} =~ /"id": ?"([^"]+)"/;

        $r = curl($version, "/images/$id");
        curl_is($r, 200, $version, 'download');
        is(md5_of($r->{body}), md5_of($data), 'the data');
        curl_is(curl($version, '/healthcheck'), 200, $version, 'health');
    }

    my ($status, $text) = $node->control('all', 'stop');
    is($status, 0, 'stops') or diag($text);
    is(join("\n", $node->complaints()), '', 'no complaints');
});


done_testing();
