package Glance::Registry;

# Copyright (C) ngx_glance authors

# glance-registry and glance-worker, each with a file of its own.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Glance::HTTP;
use Glance::Process qw/
    free_port run_command temp_dir write_file
/;
use Glance::Program;


# new(database => Glance::Database, options => { upload_lease => 3, .. },
#     arguments => [ '--pid-file', .. ], headers => [ of its requests ])

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    return bless {
        %o,
        name => 'glance-registry',
        dir => $dir,
        port => free_port(),
        log => "$dir/registry.log",
        output => "$dir/output.log",
        forbidden => qr/ERROR.*\bbug\b|assert/i,
    }, $class;
}


sub start {
    my ($p, %options) = @_;

    return $p->launch($p->argv(%options), env => $p->{env});
}


# the configuration is written, and the command that would use it

sub argv {
    my ($p, %options) = @_;

    $p->{options} = { %{$p->{options} || {}}, %options };

    write_config("$p->{dir}/glance-registry.conf",
        bind_host => '127.0.0.1',
        bind_port => $p->{port},
        sql_connection => $p->{database}{connection},
        log_file => $p->{log},
        verbose => 'True',
        debug => $ENV{GLANCE_TEST_DEBUG} ? 'True' : 'False',
        %{$p->{options}});

    return [ Glance::Program::built('glance-registry'), '--config-file',
             "$p->{dir}/glance-registry.conf", @{$p->{arguments} || []} ];
}


sub write_config {
    my ($file, %options) = @_;

    my %sections;

    for my $name (sort keys %options) {
        my ($section, $option) = $name =~ m!^(\w+)/(\w+)$! ? ($1, $2)
                                                         : ('DEFAULT', $name);

        $sections{$section} .= "$option = $options{$name}\n";
    }

    write_file($file, map { "[$_]\n$sections{$_}\n" } sort keys %sections);
}


sub address {
    my ($p) = @_;

    return "127.0.0.1:$p->{port}";
}


sub ready {
    my ($p) = @_;

    my $r = eval { $p->request('GET', '/healthcheck', timeout => 10) };

    return $r && $r->{status} == 200;
}


# the option of a program that asks it

sub secret {
    my ($p) = @_;

    my $secret = $p->{options}{registry_secret};

    return defined $secret ? (registry_secret => $secret) : ();
}


# one request of its own connection, with the secret if there is one

sub request {
    my ($p, $method, $path, %o) = @_;

    my $secret = $p->{options}{registry_secret};
    my @headers = (@{$p->{headers} || []}, @{$o{headers} || []},
                   defined $secret ? ('X-Glance-Secret' => $secret) : ());

    if ($o{json}) {
        require JSON::PP;

        $o{body} = JSON::PP->new->utf8->canonical->encode($o{json});
        push @headers, 'Content-Type' => 'application/json';
    }

    my $http = Glance::HTTP->new(port => $p->{port});

    return $http->request($method, $path, close => 1, %o,
                          headers => \@headers);
}


package Glance::Worker;

use parent -norequire, 'Glance::Program';

use Glance::Process qw/ run_command temp_dir /;


# new(store => DIR, registry => Glance::Registry, options => {..})

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    return bless {
        %o,
        name => 'glance-worker',
        dir => $dir,
        log => "$dir/worker.log",
        output => "$dir/output.log",
        forbidden => qr/ERROR.*\bbug\b|assert/i,
    }, $class;
}


# one more of an environment, started

sub beside {
    my ($class, $env) = @_;

    return $class->new(store => $env->{store}, registry => $env->{registry},
                       options => $env->{worker_options})->start();
}


sub argv {
    my ($p, @arguments) = @_;

    Glance::Registry::write_config("$p->{dir}/glance-api.conf",
        filesystem_store_datadir => $p->{store},
        registry_host => '127.0.0.1',
        registry_port => $p->{registry}{port},
        $p->{registry}->secret(),
        log_file => $p->{log},
        verbose => 'True',
        %{$p->{options} || {}});

    return [ Glance::Program::built('glance-worker'), '--config-file',
             "$p->{dir}/glance-api.conf", @arguments ];
}


sub start {
    my ($p) = @_;

    return $p->launch($p->argv());
}


sub ready {
    return 1;
}


# one pass; (exit status, text)

sub once {
    my ($p) = @_;

    return run_command($p->argv('--once'),
                       env => { Glance::Program::sanitizer_env($p->{dir}) });
}


1;
