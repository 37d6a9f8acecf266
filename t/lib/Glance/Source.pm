package Glance::Source;

# Copyright (C) ngx_glance authors

# t/mock/source.pl: another server that has the data of images, and its faults.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Exporter qw/ import /;
use File::Basename ();

use Glance::HTTP;
use Glance::Identity;
use Glance::Process qw/ free_port temp_dir /;
use Glance::Program;

our @EXPORT_OK = qw/ data worker_server /;


sub new {
    my ($class) = @_;

    my $dir = temp_dir();
    my $port = free_port();

    return bless { name => 'source', dir => $dir, port => $port,
                   url => "http://127.0.0.1:$port",
                   output => "$dir/output.log",
                   forbidden => qr/ at \S+ line / }, $class;
}


sub start {
    my ($p) = @_;

    my $program = File::Basename::dirname(__FILE__) . '/../../mock/source.pl';

    return $p->launch([ $^X, $program, $p->{port}, $p->{dir} ]);
}


sub ready {
    my ($p) = @_;

    return eval { Glance::HTTP->new(port => $p->{port}); 1 };
}


# what "/ok/N" sends

sub data {
    my ($n) = @_;

    return substr('0123456789abcdef' x ($n / 16 + 1), 0, $n);
}


# the socket of glance-worker in RUN_DIR; stores: directives

sub worker_server {
    my ($run, $stores) = @_;

    return qq{
    server {
        listen unix:$run/worker/api.sock;
        location / {
            glance_removals;
            $stores
            glance_thread_pool glance;
            glance_registry /_glance_registry;
        }
        location /copy {
            glance_copies;
            glance_registry /_glance_registry;
            $stores
            glance_thread_pool glance;
            glance_digest_pool digest_1 nice=10;
            glance_identity trusted;
            glance_trusted_proxies unix:;
            glance_lease 3s;
        }
        location /_glance_registry/ {
            internal;
            proxy_pass http://glance_registry/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            @{[ Glance::Identity::directives() ]}
        }
    }};
}


1;
