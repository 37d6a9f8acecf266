package Glance::Control;

# Copyright (C) ngx_glance authors

# glance-control, as operators type it, in a directory of its own.

use warnings;
use strict;

use Exporter qw/ import /;

use Glance::Test;

our @EXPORT_OK = qw/ command control done fails pid pid_file site succeeds /;

our @Servers = qw/ registry api worker scrubber /;


# a directory with both configuration files

sub site {
    my (%o) = @_;

    my $dir = temp_dir();
    my $site = {
        dir => $dir,
        run => "$dir/run/glance",
        store => store_dir(),
        api => free_port(),
        registry => free_port(),
        conf => "$dir/etc/glance-api.conf",
    };

    mkdir("$dir/etc");

    Glance::Registry::write_config($site->{conf},
        bind_host => '127.0.0.1', bind_port => $site->{api},
        registry_host => '127.0.0.1', registry_port => $site->{registry},
        filesystem_store_datadir => $site->{store}, workers => 1,
        log_file => "$dir/log/api.log",
        $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (),
        %{$o{api} || {}});

    Glance::Registry::write_config("$dir/etc/glance-registry.conf",
        bind_host => '127.0.0.1', bind_port => $site->{registry},
        sql_connection => "sqlite:///$dir/glance.sqlite",
        log_file => "$dir/log/registry.log", %{$o{registry} || {}})
        if !$o{alone};

    return $site;
}


# the command and how it is run

sub command {
    my ($site, @arguments) = @_;

    return argv => [ Glance::Program::built('glance-control'), '--run-dir',
                     $site->{run}, @arguments ],
           dir => $site->{dir}, env => { HOME => $site->{dir},
               Glance::Program::sanitizer_env($site->{dir}),
               %{$site->{env} || {}} };
}


# (exit status, text) of glance-control

sub control {
    my ($site, @arguments) = @_;

    my %o = command($site, @arguments);

    return run_command(delete $o{argv}, %o);
}


sub succeeds {
    my ($site, $words, @arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = control($site, @arguments);

    is($status, 0, "glance-control @arguments") or diag($text);
    like($text, $words, 'what it says') if $words;

    return $text;
}


sub fails {
    my ($site, $words, @arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = control($site, @arguments);

    is($status, 1, "glance-control @arguments: status 1") or diag($text);
    like($text, $words, 'it says why');

    return $text;
}


sub pid_file {
    my ($site, $name) = @_;

    return "$site->{run}/glance-$name.pid";
}


sub pid {
    my ($site, $name) = @_;

    my $text = eval { read_file(pid_file($site, $name)) };

    return defined $text && $text =~ /^(\d+)\n$/ ? $1 : undef;
}


# all down, whatever a test has left, and no sanitizer has complained

sub done {
    my ($site) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status) = control($site, 'all', 'stop', $site->{conf});

    is($status, 0, 'all stopped');
    is(join(' ', map { read_file($_) } glob("$site->{dir}/sanitizer.*")), '',
       'no sanitizer reports');
    is(join(' ', grep { -e pid_file($site, $_) } @Servers), '',
       'no pid files are left');
}


1;
