package Glance::Peer;

# Copyright (C) ngx_glance authors

# The Glance that OpenStack ships, as the distribution packages it: the server
# that ours stands beside, on the same database and the same files.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Glance::HTTP;
use Glance::Process qw/
    find_program free_port run_command temp_dir write_file
/;
use Glance::Program;

my $Data = '/usr/share/glance-common';

# others may come first on PATH, and ours has the same names
my %Program = map { $_ => "/usr/bin/$_" } qw/ glance-api glance-manage /;


# new(database => Glance::Database, store => DIRECTORY,
#     keystone => Glance::Keystone, options => { section => { name => value } })

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    return bless {
        %o,
        name => 'peer',
        dir => $dir,
        port => free_port(),
        output => "$dir/output.log",
        log => "$dir/api.log",
        forbidden => qr/^(?!)/,
    }, $class;
}


# why there is none, undef if there is

sub missing {
    for my $file (values %Program) {
        return "no $file (package glance-api)" if !-x $file;
    }

    # the alternative may be ours

    my ($status, $text) = run_command([ $Program{'glance-manage'},
                                        '--version' ], timeout => 60);

    return 'glance-manage is not that of OpenStack'
        if $status != 0 || $text !~ /^\d+\.\d+\.\d+/m;

    return "no $Data (package glance-common)"
        if !-e "$Data/glance-api-paste.ini";
    return;
}


sub conf {
    my ($p) = @_;

    return "$p->{dir}/glance-api.conf";
}


sub configure {
    my ($p) = @_;

    my %section = (
        DEFAULT => {
            bind_host => '127.0.0.1',
            bind_port => $p->{port},
            workers => 0,
            log_file => $p->{log},
            node_staging_uri => "file://$p->{dir}/staging",
            enabled_import_methods => '[]',
        },
        database => { connection => $p->{database}{connection},
                      max_retries => 3 },
        glance_store => { stores => 'file', default_store => 'file',
                          filesystem_store_datadir => $p->{store} },
        paste_deploy => { config_file => "$Data/glance-api-paste.ini",
                          flavor => $p->{keystone} ? 'keystone' : '' },
    );

    if (my $keystone = $p->{keystone}) {
        my $url = "http://127.0.0.1:$keystone->{port}/v3";

        $section{keystone_authtoken} = {
            www_authenticate_uri => $url, auth_url => $url,
            interface => 'public', auth_type => 'password',
            username => 'nova',
            password => Glance::Keystone::password('nova'),
            project_name => 'service',
            user_domain_id => 'default', project_domain_id => 'default',
        };
    }

    for my $name (keys %{$p->{options} || {}}) {
        $section{$name} = { %{$section{$name} || {}},
                            %{$p->{options}{$name}} };
    }

    mkdir("$p->{dir}/staging");

    write_file($p->conf(), join('', map {
        my $name = $_;
        "[$name]\n", map { "$_ = $section{$name}{$_}\n" }
                     sort keys %{$section{$name}};
    } sort keys %section));
}


# "db sync" and the like: (status, output)

sub manage {
    my ($p, @arguments) = @_;

    $p->configure();

    return run_command([ $Program{'glance-manage'}, '--config-file',
                         $p->conf(), @arguments ], timeout => 300);
}


sub start {
    my ($p) = @_;

    $p->configure();

    return $p->launch([ $Program{'glance-api'}, '--config-file',
                        $p->conf() ]);
}


sub ready {
    my ($p) = @_;

    my $r = eval { $p->request('GET', '/', timeout => 20) };

    return $r && $r->{status} == 300;
}


sub request {
    my ($p, $method, $path, %o) = @_;

    return Glance::HTTP->new(port => $p->{port})
           ->request($method, $path, close => 1, %o);
}


1;
