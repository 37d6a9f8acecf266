package Glance::Nginx;

# Copyright (C) ngx_glance authors

# nginx with the module in front of one or more registries.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Glance::HTTP;
use Glance::Process qw/
    children find_program free_port process_state read_file run_command
    send_signal temp_dir wait_until write_file
/;
use Glance::Program;
use Glance::Store;


# new(store => DIR, registries => ['host:port', ..]; options:
#
#   workers => 1, threads => 16, secret => .., identity => 'trusted',
#   proxies => [CIDR, ..], post_status, status_word, node, lease, keepalive,
#   connections,
#   upstream_options => 'fail_timeout=1s', upstream_first => TEXT, env => {..}
#   keystone => { port, credentials => FILE, zone => '1m', cache => 'valid=1s',
#                 internal => TEXT }
#   directives => TEXT       inside the location
#   server => TEXT, http => TEXT, main => TEXT, internal => TEXT
#   daemon => 1              "daemon on", as for a binary upgrade
#   headers => [NAME => VALUE, ..]    of requests, see Glance::HTTP
#   text => TEXT             instead of all that, adapted() to this test
#   stock => 1               without the module, for tests of these tests

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    my $p = bless {
        %o,
        name => 'nginx',
        dir => $dir,
        port => free_port(),
        port_h2 => free_port(),
        log => "$dir/error.log",
        output => "$dir/output.log",
        access_log => "$dir/access.log",
        forbidden => qr/\[(?:alert|emerg)\]/,
    }, $class;

    return $p;
}


sub binary {
    return $ENV{NGINX_BIN} || '/usr/sbin/nginx';
}


sub start {
    my ($p, %o) = @_;

    @$p{keys %o} = values %o;

    write_file("$p->{dir}/nginx.conf", $p->config());

    return $p->{daemon} ? $p->daemonize()
                        : $p->launch([ $p->argv() ], env => $p->{env});
}


# a daemon has no parent but this test, and says its pid in a file

sub daemonize {
    my ($p) = @_;

    my ($status, $text) = run_command([ $p->argv() ], env => {
        Glance::Program::sanitizer_env($p->{dir}), %{$p->{env} || {}} });

    die "nginx did not start:\n$text\n" if $status != 0;

    wait_until(sub { $p->{pid} = $p->pid_of(); return $p->ready() })
        or die "nginx does not answer:\n" . $p->tail() . "\n";

    return $p;
}


sub pid_of {
    my ($p, $suffix) = @_;

    my $text = eval { read_file("$p->{dir}/nginx.pid" . ($suffix || '')) };

    return defined $text && $text =~ /^(\d+)\n/ ? $1 : undef;
}


sub argv {
    my ($p) = @_;

    return (binary(), '-p', "$p->{dir}/", '-e', $p->{log},
            '-c', "$p->{dir}/nginx.conf",
            defined $p->{text} ? ('-g', 'daemon off;') : ());
}


# (exit status, text) of nginx -t

sub test_config {
    my ($p) = @_;

    write_file("$p->{dir}/nginx.conf", $p->config());

    return run_command([ $p->argv(), '-t' ]);
}


# ready when a worker has taken a connection

sub ready {
    my ($p) = @_;

    return 0 if !-e "$p->{dir}/nginx.pid";

    my $http = eval { $p->connect(timeout => 10) } or return 0;
    my $r = $http->request('GET', '/versions', close => 1, timeout => 10);

    return $r->{status};
}


sub connect {
    my ($p, %o) = @_;

    return Glance::HTTP->new(port => $p->{port}, headers => $p->{headers},
                             %o);
}


# the beginning of a command line of curl, which says who asks

sub curl {
    my ($p) = @_;

    my @headers = @{$p->{headers} || []};
    my @argv = (find_program('curl'), '-s', '-S', '--http2-prior-knowledge');

    while (my ($name, $value) = splice(@headers, 0, 2)) {
        push @argv, '-H', "$name: $value";
    }

    return @argv;
}


# pids of the workers that serve new connections

sub workers {
    my ($p, $master) = @_;

    $master ||= $p->{pid};

    return grep { process_title($_) =~ /^nginx: worker process$/
                  && parent_of($_) == $master } children($master);
}


# another master can be a child of ours: in a binary upgrade

sub parent_of {
    my ($pid) = @_;

    my $text = eval { read_file("/proc/$pid/status") } || '';

    return $text =~ /^PPid:\s+(\d+)/m ? $1 : 0;
}


sub process_title {
    my ($pid) = @_;

    my $title = eval { read_file("/proc/$pid/cmdline") } || '';
    $title =~ s/\0+$//;

    return $title;
}


# with the configuration as it is now; returns when new workers serve

sub reload {
    my ($p, %o) = @_;

    @$p{keys %o} = values %o;

    write_file("$p->{dir}/nginx.conf", $p->config());

    my %old = map { $_ => 1 } $p->workers();
    send_signal('HUP', $p->{pid});

    wait_until(sub {
        my @now = $p->workers();
        return @now && !grep { $old{$_} } @now;
    }) or die "nginx did not reload:\n" . $p->tail() . "\n";
}


# all lines of the logs that match

sub log_lines {
    my ($p, $pattern) = @_;

    return grep { /$pattern/ } split(/\n/, read_file($p->{log}));
}


sub access_lines {
    my ($p, $pattern) = @_;

    return grep { /$pattern/ } split(/\n/, read_file($p->{access_log}));
}


# the configuration of the manual, with this test's names in it

sub config {
    my ($p) = @_;

    return $p->adapted($p->{text}) if defined $p->{text};

    my $module = Glance::Program::built('ngx_http_glance_module.so');

    my %v = (
        load => -e $module && !$p->{stock} ? "load_module $module;" : '',
        user => $> == 0 ? 'user root;' : '',
        level => $ENV{GLANCE_TEST_DEBUG} ? 'debug' : 'info',
        workers => $p->{workers} || 1,
        threads => $p->{threads} || 16,
        keepalive => $p->{keepalive} || 64,
        connections => $p->{connections} || 2048,
        upstream => join("\n        ", $p->{upstream_first} || (), map {
            join(' ', 'server', $_, $p->{upstream_options} || ()) . ';'
        } @{$p->{registries} || ['127.0.0.1:1']}),
        daemon => $p->{daemon} ? 'on' : 'off',
        (map { $_ => defined $p->{$_} ? $p->{$_} : '' }
            qw/ dir port port_h2 access_log log main http server /),
        removals => $p->{stock} ? '' : $p->removals(),
        location => $p->{stock} ? 'return 200 stock;' : $p->location(),
        internal => $p->{stock} ? '' : $p->internal(),
    );

    my $text = do { local $/; my $at = tell(DATA); my $t = <DATA>;
                    seek(DATA, $at, 0); $t };

    $text =~ s/%%(\w+)%%/defined $v{$1} ? $v{$1} : die "no $1\n"/eg;

    return $text;
}


# A file that is meant for everybody, with this test's names in it: what it
# listens to, its first port first, is "port" and then "port_h2".  Of $p it
# needs dir, port, store; log, access_log, registries and names, other words
# and what to put in their place, if they are there.

sub adapted {
    my ($p, $text) = @_;

    my $dir = $p->{dir};
    my $module = Glance::Program::built('ngx_http_glance_module.so');
    my $user = $> == 0 ? 'user root;' : '';
    my $log = $p->{log} || "$dir/error.log";
    my $access_log = $p->{access_log} || "$dir/access.log";
    my $paths = join("\n    ", map { "${_}_temp_path $dir/$_;" }
                     qw/ client_body proxy fastcgi uwsgi scgi /);
    my @ports = ($p->{port}, $p->{port_h2} || ());
    my %port;

    $text =~ s/^(\s*load_module)\s[^;]*;/$1 $module;/mg;
    $text =~ s/^\s*user\s[^;]*;/$user/mg;
    $text =~ s/^(\s*pid)\s[^;]*;/$1 $dir\/nginx.pid;/mg;
    $text =~ s/^(\s*error_log)\s+\/[^\s;]+/$1 $log/mg;
    $text =~ s/^(\s*access_log)\s+\/[^\s;]+/$1 $access_log/mg;
    $text =~ s/^\s*worker_rlimit_nofile\s[^;]*;//mg;
    $text =~ s/^(\s*glance_file_root)\s[^;]*;/$1 $p->{store};/mg;
    $text =~ s/^http\s*\{/http {\n    $paths/m;

    $text =~ s{\blisten\s+(?:[^\s;]*:)?(\d+)\b}{
        $port{$1} ||= @ports > 1 ? shift @ports : $ports[0];
        "listen 127.0.0.1:$port{$1}";
    }ge;

    my %names = ('127.0.0.1:9191' => $p->{registries}[0],
                 %{$p->{names} || {}});

    for my $name (grep { defined $names{$_} } keys %names) {
        $text =~ s/(?<![\w.])\Q$name\E(?!\w)/$names{$name}/g;
    }

    return $text;
}


sub location {
    my ($p) = @_;

    my $remote = Glance::Store::of($p->{store});

    my @lines = (
        'glance',
        'glance_registry /_glance_registry',
        $remote ? $remote->directives() : 'glance_default_store file',
        "glance_file_root $p->{store}",
        'glance_thread_pool glance',
        'glance_digest_pool digest_1 digest_2 nice=10',
        'glance_identity ' . ($p->{identity} || ($p->{keystone} ? 'keystone'
                                                              : 'none')),
        'glance_upload_buffers 4 256k',
        'glance_image_size_cap 1024g',
        'glance_lease ' . ($p->{lease} || '20s'),
        $p->{proxies} ? "glance_trusted_proxies @{$p->{proxies}}" : (),
        $p->{keystone} ? $p->keystone() : (),
        $p->{node} ? "glance_node $p->{node}" : (),
        $p->{post_status} ? "glance_seed_post_status $p->{post_status}" : (),
        $p->{status_word} ? "glance_seed_status_word $p->{status_word}" : (),
        'sendfile on',
        'sendfile_max_chunk 2m',
        'aio threads=glance',
        'tcp_nopush on',
    );

    return directives($p->{directives}, @lines);
}


# default lines, without those whose directive the test gives itself

sub directives {
    my ($text, @lines) = @_;

    my %given = map { /^\s*(\w+)/ ? ($1 => 1) : () }
                split(/\n/, defined $text ? $text : '');

    return join("\n            ",
                (map { /^(\w+)/ && $given{$1} ? () : "$_;" } @lines),
                defined $text ? $text : ());
}


sub internal {
    my ($p) = @_;

    my @lines = (
        'internal',
        'proxy_pass http://glance_registry/',
        'proxy_http_version 1.1',
        'proxy_set_header Connection ""',
        'proxy_set_header Host $host',
        'proxy_redirect off',
        defined $p->{secret}
            ? "proxy_set_header X-Glance-Secret \"$p->{secret}\"" : (),
        'proxy_buffer_size 16k',
        'proxy_buffers 8 16k',
        'subrequest_output_buffer_size 32m',
        'proxy_next_upstream error timeout http_502 http_503 non_idempotent',
        'proxy_connect_timeout 2s',
        'proxy_read_timeout 30s',
        'log_subrequest off',
    );

    my $text = directives($p->{internal}, @lines);

    $text = "location /_glance_registry/ {\n            $text\n        }";

    if ($p->{keystone}) {
        $text .= "\n\n        location /_glance_keystone/ {\n            "
                 . $p->keystone_internal() . "\n        }";
    }

    return $text;
}


# where a worker has data of a remote store removed, unless the test does that

sub removals {
    my ($p) = @_;

    my $remote = Glance::Store::of($p->{store});

    return '' if !$remote || ($p->{http} || '') =~ /glance_removals/;

    mkdir("$p->{dir}/worker");

    return join("\n        ", 'server {',
        "listen unix:$p->{dir}/worker/api.sock;", 'location / {',
        (map { "$_;" } 'glance_removals',
         'glance_registry /_glance_registry', 'glance_file_root /nowhere',
         $remote->directives()), '}', '}');
}


sub keystone {
    my ($p) = @_;

    my $keystone = $p->{keystone};

    return (
        'glance_keystone /_glance_keystone',
        "glance_keystone_uri http://127.0.0.1:$keystone->{port}/v3",
        "glance_keystone_credentials $keystone->{credentials}",
        join(' ', 'glance_keystone_cache',
             'zone=keystone:' . ($keystone->{zone} || '1m'),
             $keystone->{cache} || ()),
    );
}


sub keystone_internal {
    my ($p) = @_;

    return directives($p->{keystone}{internal},
        'internal',
        "proxy_pass http://127.0.0.1:$p->{keystone}{port}/",
        'proxy_http_version 1.1',
        'proxy_set_header Connection ""',
        'proxy_buffering off',
        'proxy_buffer_size 16k',
        'proxy_buffers 8 16k',
        'proxy_connect_timeout 5s',
        'proxy_read_timeout 30s',
        'proxy_next_upstream error timeout http_502 http_503 non_idempotent',
        'subrequest_output_buffer_size 256k',
        'log_subrequest off',
    );
}


1;

__DATA__
%%load%%
%%user%%
daemon %%daemon%%;
worker_processes %%workers%%;
pid %%dir%%/nginx.pid;
error_log %%log%% %%level%%;
thread_pool glance threads=%%threads%% max_queue=65536;
thread_pool digest_1 threads=%%threads%% max_queue=65536;
thread_pool digest_2 threads=%%threads%% max_queue=65536;
%%main%%

events {
    worker_connections %%connections%%;
}

http {
    log_format test '$remote_addr "$request" $status $body_bytes_sent '
                    '$sent_http_x_openstack_request_id';
    access_log %%access_log%% test;

    client_body_temp_path %%dir%%/client_body;
    proxy_temp_path %%dir%%/proxy;
    fastcgi_temp_path %%dir%%/fastcgi;
    uwsgi_temp_path %%dir%%/uwsgi;
    scgi_temp_path %%dir%%/scgi;

    upstream glance_registry {
        %%upstream%%
        keepalive %%keepalive%%;
    }

    underscores_in_headers on;
    ignore_invalid_headers off;
    client_max_body_size 0;
    client_body_buffer_size 128k;
    large_client_header_buffers 4 16k;

    %%http%%
    %%removals%%

    server {
        listen 127.0.0.1:%%port%%;
        listen 127.0.0.1:%%port_h2%% http2;

        %%server%%

        location / {
            %%location%%
        }

        %%internal%%
    }
}
