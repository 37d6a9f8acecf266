#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S3 behind TLS, with and without a certificate that is worth something, with
# the bucket before the host's name, and of a region that is not the bucket's.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Process qw/ find_program free_port /;
use Glance::S3;
use Glance::Swift;
use Glance::Test;

my $openssl = find_program('openssl');

plan(skip_all => 'no openssl') if !$openssl;
plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my $MiB = 1024 * 1024;
my $dir = temp_dir();
my $port = free_port();
my $swift = Glance::Swift->new()->start();
my $s3 = Glance::S3->of_swift($swift);

my ($made, $said) = run_command([ $openssl, 'req', '-x509', '-newkey', 'ec',
    '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2, '-subj',
    '/CN=localhost', '-addext',
    'subjectAltName=DNS:localhost,DNS:glance.localhost', '-out',
    "$dir/cert.pem", '-keyout', "$dir/key.pem" ]);

is($made, 0, 'a certificate') or diag($said);

# the host that was signed is what Swift has to see
my $front = <<"CONF";
server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    client_max_body_size 0;

    location / {
        proxy_pass http://127.0.0.1:$swift->{port};
        proxy_http_version 1.1;
        proxy_set_header Host \$http_host;
        proxy_request_buffering off;
        proxy_buffering off;
    }
}
CONF


sub with_s3 {
    my ($code, %o) = @_;

    with_env('sqlite', $code, nginx => {
        http => $front,
        directives => $s3->directives(
            glance_s3_host => "https://localhost:$port",
            glance_s3_trusted_certificate => "$dir/cert.pem", %o),
    });
}


sub works {
    my ($env, $scheme) = @_;

    my $data = noise(7 * $MiB);
    my $id = $env->create({}, body => $data);
    my ($row) = $env->{database}->query('SELECT value FROM image_locations');

    like($row->[0], qr/^\Q$scheme\E/, 'location');
    is(md5_of($env->request('GET', "/images/$id")->{body}), md5_of($data),
       'the data');
    status_is($env->request('DELETE', "/images/$id"), 200);
    is_deeply([ $s3->left() ], [], 'nothing left');
}


sub refuses {
    my ($env, $words) = @_;

    error_ok($env->post({}, body => 'data'), 503, 'an upload', $words);
    $env->nothing_left();
}


check('S-07 a certificate that is trusted' => sub {
    with_s3(sub { works($_[0], 's3+https://') });
});

check('S-07 a certificate that nobody vouches for' => sub {
    with_s3(sub { refuses($_[0], qr/store is not available/) },
            glance_s3_trusted_certificate => '/etc/ssl/certs/'
                                             . 'ca-certificates.crt');
});

check('S-07 another host than that of the certificate' => sub {
    with_s3(sub { refuses($_[0], qr/store is not available/) },
            glance_s3_host => "https://127.0.0.1:$port");
});

check('S-07 certificates are not looked at' => sub {
    with_s3(sub { works($_[0], 's3+https://') },
            glance_s3_tls_verify => 'off',
            glance_s3_host => "https://127.0.0.1:$port");
});

check('S-07 another region' => sub {
    with_s3(sub { refuses($_[0], qr/store/) }, glance_s3_region => 'mars-1');
});


$swift->stop();
is(join("\n", $swift->complaints()), '', 'Swift has no complaint');

done_testing();
