package Glance::Render;

# Copyright (C) ngx_glance authors

# glance-api.conf as an operator has it -> what nginx reads.

use warnings;
use strict;

use parent 'Exporter';

use Glance::Process qw/ run_command temp_dir /;
use Glance::Program;
use Glance::Registry;

our @EXPORT_OK = qw/ rendered /;


# (status, text, run directory) of glance-api --render

sub rendered {
    my (%options) = @_;

    my $dir = temp_dir();

    Glance::Registry::write_config("$dir/glance-api.conf",
        filesystem_store_datadir => "$dir/images",
        $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (), %options);

    my ($status, $text) = run_command([
        Glance::Program::built('glance-api'), '--run-dir', "$dir/run",
        '--render', "$dir/glance-api.conf" ]);

    return ($status, $text, "$dir/run");
}


1;
