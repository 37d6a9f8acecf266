#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Configuration files: where they are looked for, what is in them, what is
# said about mistakes, and what becomes of it in nginx.conf and in logs.

use warnings;
use strict;

use FindBin;
use IO::Socket::UNIX;
use lib "$FindBin::Bin/lib";

use Glance::RegistryTest;
use Glance::Test;

my $top = "$FindBin::Bin/..";


# (exit status, text) of a program; options are those of spawn()

sub program {
    my ($name, $arguments, %o) = @_;

    my $home = $o{home} || temp_dir();
    my @command = (Glance::Program::built($name), @$arguments);

    return run_command([ @{$o{before} || []}, @command ], dir => $home, %o,
        env => { HOME => $home, Glance::Program::sanitizer_env($home),
                 %{$o{env} || {}} });
}


# an option as --print-config shows it

sub value {
    my ($name, $option, $arguments, %o) = @_;

    my ($status, $text) = program($name, [ '--print-config', @$arguments ],
                                  %o);

    return "exit $status: $text" if $status != 0;
    return $text =~ /^#?\Q$option\E =[ ]?(.*)$/m ? $1 : undef;
}


sub conf {
    my ($text) = @_;

    my $file = temp_dir() . '/x.conf';

    write_file($file, $text);

    return $file;
}


# nginx.conf as glance-api renders it from options; (text, what it said)

sub render {
    my (%options) = @_;

    my $dir = temp_dir();

    Glance::Registry::write_config("$dir/glance-api.conf",
        filesystem_store_datadir => "$dir/images", log_file => "$dir/api.log",
        $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (), %options);

    my ($status, $text) = program('glance-api', [ '--config-file',
        "$dir/glance-api.conf", '--run-dir', "$dir/run", '--render' ]);
    my $file = "$dir/run/nginx.conf";

    return (-e $file ? read_file($file) : undef, $text, $dir, $status);
}


check('S-22 the search: file names and directories in their order' => sub {
    my %files = (
        'glance-registry' => [ 'glance-registry.conf', 'glance.conf' ],
        'glance-api' => [ 'glance-api.conf', 'glance.conf' ],
    );

    for my $name (sort keys %files) {
        my $home = temp_dir();
        my $cwd = temp_dir();

        mkdir("$home/.glance");

        my $found = sub {
            return value($name, 'bind_port', [], dir => $cwd,
                         env => { HOME => $home });
        };
        my ($status, $text) = program($name, [ '--check' ], dir => $cwd,
                                      env => { HOME => $home });

        # what this machine has comes first, or is found last
        my ($machine) = grep { -e "/etc/$_" || -e "/etc/glance/$_" }
                        @{$files{$name}};

        SKIP: {
            skip('there is a configuration of Glance on this machine', 2)
                if $machine;

            is($status, 1, "$name: none found");
            is($text, 'ERROR: Unable to locate any configuration file. '
                      . "Cannot load application $name\n", 'its words');
        }

        # the last first: each one found hides those before it
        my @places = map { my $file = $_; map { "$_/$file" }
                           $home, "$home/.glance", $cwd }
                     reverse @{$files{$name}};
        my $port = 2000;

        for my $place (@places) {
            write_file($place, "[DEFAULT]\nbind_port = " . ++$port . "\n");

            next if $machine && $machine ne 'glance.conf'
                    && $place =~ m!/glance\.conf$!;

            is($found->(), $port, $place =~ s!^\Q$home\E!~!r
                                         =~ s!^\Q$cwd\E!.!r);
        }

        my $other = conf("[DEFAULT]\nbind_port = 3000\n");

        is(value($name, 'bind_port', [ $other ], dir => $cwd,
                 env => { HOME => $home }), 3000, 'the first argument');
        is(value($name, 'bind_port', [ '--config-file', $other ],
                 dir => $cwd, env => { HOME => $home }), 3000,
           '--config-file');
        is(value($name, 'bind_port', [ "--config-file=$other",
                                       "$cwd/glance.conf" ],
                 dir => $cwd, env => { HOME => $home }), 3000,
           '--config-file before the argument');
        is(value($name, 'bind_port', [ $other, '--set', 'bind-port=3001' ],
                 dir => $cwd, env => { HOME => $home }), 3001,
           '--set before the file');

        for my $arguments ([ "$cwd/none.conf" ], [ $cwd ],
                           [ '--config-file', "$cwd/none.conf" ])
        {
            ($status, $text) = program($name, [ '--check', @$arguments ],
                                       dir => $cwd, env => { HOME => $home });
            isnt($status, 0, "@$arguments is no file");
            like($text, qr/\Q$arguments->[-1]\E.*\Q$name\E/,
                 'it says which one, and does not take another');
        }
    }
});


check('S-22 /etc/glance and /etc' => sub {
    my ($status) = run_command([ qw/ unshare -m true / ]);

    plan(skip_all => 'no mount namespaces here, and /etc is not ours')
        if $status != 0;

    my $etc = temp_dir();
    my @before = ('unshare', '-m', 'sh', '-c',
                  "mount --bind $etc /etc && exec \"\$@\"", 'sh');

    mkdir("$etc/glance");

    my $port = 4000;

    for my $file ('glance.conf', 'glance/glance.conf',
                  'glance-registry.conf', 'glance/glance-registry.conf')
    {
        write_file("$etc/$file", "[DEFAULT]\nbind_port = " . ++$port . "\n");
        is(value('glance-registry', 'bind_port', [], before => \@before),
           $port, "/etc/$file");
    }

    my $home = temp_dir();
    write_file("$home/glance-registry.conf", "[DEFAULT]\nbind_port = 5000\n");
    is(value('glance-registry', 'bind_port', [], before => \@before,
             home => $home), 5000, 'after the home directory');
});


check('S-22 glance.conf with a section for each program' => sub {
    my $file = temp_dir() . '/glance.conf';

    write_file($file, <<'CONF');
[DEFAULT]
verbose = False
bind_host = 10.0.0.1
log_date_format = %H

[app:glance-api]
paste.app_factory = glance.server:app_factory
bind_port = 7001
bind_host = 10.0.0.2

[app:glance-registry]
paste.app_factory = glance.registry.server:app_factory
bind_port = 7002

[pipeline:glance-api]
pipeline = versionnegotiation context apiv1app
bind_port = 1

[filter:context]
paste.filter_factory = glance.common.context:filter_factory
CONF

    my %want = (
        'glance-api' => [ 'False', '10.0.0.2', 7001 ],
        'glance-registry' => [ 'False', '10.0.0.1', 7002 ],
    );

    for my $name (sort keys %want) {
        is_deeply([ map { value($name, $_, [ $file ]) }
                    qw/ verbose bind_host bind_port / ], $want{$name},
                  $name);

        my ($status, $text) = program('glance-registry', [ '--check',
                                                           $file ]);
        is($status, 0, 'accepted') or diag($text);
        is($text, '', 'nothing unknown in it');
    }
});


check('S-22 the form of a file' => sub {
    my %forms = (
        "[DEFAULT]\nbind_port = 5\n" => 5, "[DEFAULT]\nbind_port=5\n" => 5,
        "[DEFAULT]\nbind_port: 5\n" => 5, "bind_port = 5\n" => 5,
        "[DEFAULT]\nBind_Port  =  5  \n" => 5,
        "[DEFAULT]\r\nbind_port = 5\r\n" => 5,
        "[DEFAULT]\n# bind_port = 6\n; bind_port = 7\nbind_port = 5\n" => 5,
        "[DEFAULT]\nbind_port = 6\nbind_port = 5\n" => 5,
        "[DEFAULT]\nbind_port = \"5\"\n" => 5,
        "\xef\xbb\xbf[DEFAULT]\nbind_port = 5\n" => 5,
        "[DEFAULT]\nbind_port = 5" => 5,
        "[DEFAULT]\nbind_port =\n" => 9191,
        "[other]\nbind_port = 5\n" => 9191, '' => 9191,
    );

    for my $text (sort keys %forms) {
        is(value('glance-registry', 'bind_port', [ conf($text) ]),
           $forms{$text}, $text =~ s/\n/\\n/gr =~ s/[^ -~]/./gr);
    }

    is(value('glance-registry', 'log_format',
             [ conf("[DEFAULT]\nlog_format = %(message)s\n   and more\n") ]),
       '%(message)s and more', 'a line that goes on');
    is(value('glance-registry', 'log_file',
             [ conf("[DEFAULT]\nlog_file = /a=b:c#d;e\n") ]), '/a=b:c#d;e',
       'signs in a value');

    my %words = (True => 'True', true => 'True', TRUE => 'True', yes => 1,
                 On => 1, 1 => 1, t => 1, Y => 1, False => 0, no => 0,
                 OFF => 0, 0 => 0, f => 0, n => 0);

    for my $word (sort keys %words) {
        my $file = conf("[DEFAULT]\ndebug = $word\nlog_file =\n"
                        . "sql_connection = sqlite:////x\n");
        my ($status, $text) = program('glance-registry', [ '--check',
                                                           $file ]);
        is($status, 0, "debug = $word") or diag($text);
    }
});


check('S-22 other spellings' => sub {
    my @aliases = (
        [ 'glance-api', 'registry_port', 'DEFAULT', 'resigtry_port' ],
        [ 'glance-registry', 'sql_idle_timeout', 'DEFAULT',
          'sql_idel_timeout' ],
        [ 'glance-registry', 'sql_idle_timeout', 'database',
          'connection_recycle_time' ],
        [ 'glance-registry', 'sql_max_retries', 'database', 'max_retries' ],
        [ 'glance-registry', 'sql_retry_interval', 'database',
          'retry_interval' ],
        [ 'glance-api', 'filesystem_store_datadir', 'glance_store',
          'filesystem_store_datadir' ],
        [ 'glance-api', 'default_store', 'glance_store', 'default_store' ],
        [ 'glance-api', 'log_format', 'DEFAULT', 'log-format' ],
        [ 'glance-registry', 'log_date_format', 'DEFAULT',
          'log-date-format' ],
        [ 'glance-registry', 'log_config', 'DEFAULT', 'log-config' ],
        [ 'glance-registry', 'log_config', 'DEFAULT', 'log_config_append' ],
    );

    for my $alias (@aliases) {
        my ($name, $option, $section, $key) = @$alias;
        my $value = $option eq 'default_store' ? 'http' : 1234;
        my $file = conf("[$section]\n$key = $value\n");

        is(value($name, $option, [ $file ]), $value, "[$section] $key");

        $file = conf("[DEFAULT]\n$option = 77\n[$section]\n$key = 88\n");
        is(value($name, $option, [ $file ]), $section eq 'DEFAULT' ? 77 : 88,
           "[$section] $key and $option: " . ($section eq 'DEFAULT'
               ? 'the right spelling counts' : 'the section counts'))
            if $option ne 'default_store';
    }

    my $file = conf("[database]\nconnection = mysql://u\@h/modern\n"
                    . "[DEFAULT]\nsql_connection = mysql://u\@h/old\n");
    my ($status, $text) = program('glance-registry', [ '--check', $file,
                                                       '--debug' ]);
    is($status, 0, '[database] connection') or diag($text);
});


check('S-22 unknown options are named, with file and line' => sub {
    for my $name ('glance-registry', 'glance-api', 'glance-worker') {
        my $dir = temp_dir();

        # the empty line 5, where the tests run another nginx
        my $nginx = $ENV{NGINX_BIN} ? "nginx_binary = $ENV{NGINX_BIN}" : '';

        write_file("$dir/x.conf", <<"CONF");
[DEFAULT]
filesystem_store_datadir = $dir/images
verbos = True
sql_connection = sqlite:///$dir/x
$nginx
rabbit_host = localhost
transport_url = rabbit://u:s3cret\@h
[database]
conection = mysql://u:s3cret\@h/d
[somebody_else]
anything = goes
[glance_store]
default_stor = a
CONF

        my ($status, $text) = program($name, [ '--check', '--run-dir',
                                               "$dir/run", "$dir/x.conf" ]);

        is($status, 0, "$name: is not refused") or diag($text);
        like($text, qr/x\.conf:3: unknown option "verbos".*\[DEFAULT\]/,
             'misspelt');
        like($text, qr/x\.conf:9: unknown option "conection".*\[database\]/,
             'in another section');
        like($text, qr/x\.conf:13: .*"default_stor"/,
             'of a store');
        like($text, qr/without effect here: rabbit_host, transport_url/,
             'one notice for what is not needed here');
        unlike($text, qr/anything/, 'sections of others are theirs');
        unlike($text, qr/s3cret/, 'values are not shown');
    }
});


check('mistakes: file, line and option' => sub {
    my @all = (
        [ 'bind_port', 'x', 'http', '0', '65536', '-1', '1.5', '0x10',
          '9' x 30, '12a' ],
        [ 'verbose', 'maybe', '2' ], [ 'debug', 'perhaps' ],
        [ 'backlog', '0', 'many' ], [ 'use_syslog', 'x' ],
        [ 'upload_lease', '0', '3601' ], [ 'log_file', "/a\tb\x01c" ],
        [ 'registry_socket', 'relative/path' ],
        [ 'paste_deploy/flavor', 'kerberos', 'keystone+magic' ],
        [ 'log_format', '%(asctime', '%(message)', '%(message)9999s' ],
        [ 'syslog_log_facility', 'LOG_NOWHERE' ],
    );
    my %only = (
        'glance-registry' => [
            [ 'sql_idle_timeout', '0', 'long' ], [ 'sql_max_retries', '-2' ],
            [ 'registry_threads', '0', '1000' ], [ 'sweep_interval', '0' ],
            [ 'api_limit_max', '0' ], [ 'max_request_body', '5' ],
            [ 'image_member_quota', '-2' ],
            [ 'user_storage_quota', '-1', 'KB', '5 KiB', '1.5GB',
              '9999999999TB', '99999999999999999999' ],
            [ 'sql_connection', 'oracle://h/d' ],
        ],
        'glance-api' => [
            [ 'default_store', 'tape' ], [ 'workers', '-1', 'auto' ],
            [ 'registry_port', '0' ], [ 'registry_client_protocol', 'ftp' ],
            [ 'image_size_cap', '0', '5G' ],
            [ 'hashing_algorithm', 'sha513', 'shake_128' ],
            [ 'image_format/gpt_safety_checks_nonfatal', 'mbr,x', 'mb' ],
            [ 'image_format/require_image_format_match', 'perhaps' ],
            [ 'cert_file', '/nowhere.pem' ],
            [ 'node_name', 'a b', 'a$b' ],
            [ 'public_endpoint', 'http://a b', 'http://$x' ],
            [ 'healthcheck/disable_by_file_path', '/a"b' ],
            [ 'cors/allowed_origin', 'http://a; b', 'http://$x' ],
            [ 'registry_hosts', 'a:b:c', 'host:99999' ],
            [ 'filesystem_store_datadir', '/a"b', '/a$b', '/a;b', '/a{b' ],
            [ 'enabled_backends', 'fast', ':file', 'fast:tape' ],
        ],
    );

    for my $name (sort keys %only) {
        for my $case (@all, @{$only{$name}}) {
            my ($option, @values) = @$case;
            my ($section, $key) = $option =~ m!^(\w+)/(\w+)$!
                ? ($1, $2) : ('DEFAULT', $option);

            for my $value (@values) {
                my $dir = temp_dir();

                write_file("$dir/x.conf", "[DEFAULT]\n"
                    . ($key eq 'filesystem_store_datadir' ? ''
                       : "filesystem_store_datadir = $dir/images")
                    . "\n" . ($key =~ /^syslog/ ? 'use_syslog = True' : '')
                    . "\n[$section]\n$key = $value\n");

                my ($status, $text) = program($name, [ '--check',
                    '--run-dir', "$dir/run", "$dir/x.conf" ]);
                my $title = "$name: $key = "
                    . (substr($value, 0, 30) =~ s/[^ -~]/./gr);

                isnt($status, 0, $title);
                like($text, qr/\b$key\b/, 'names the option');
                like($text, qr/x\.conf:5: /, 'and where it is');
            }
        }

        my ($status, $text) = program($name, [ '--check',
            conf("[DEFAULT]\nverbose = True\n\nnonsense\n") ]);
        isnt($status, 0, "$name: a line of nothing");
        like($text, qr/x\.conf:4: neither a section nor/, 'names the line');

        for my $arguments ([ '--set', 'bind_port=x' ], [ '--set', 'nope=1' ],
                           [ '--set', 'bind_port' ], [ '--nope' ],
                           [ '--config-file' ], [ '-x' ], [ '--check=1' ],
                           [ 'a', 'b' ])
        {
            ($status, $text) = program($name, [ @$arguments ],
                                       home => temp_dir());
            isnt($status, 0, "$name @$arguments");
            like($text, qr/error|ERROR/, 'says so');
        }
    }

    my ($status, $text) = program('glance-api', [ '--check',
        conf("[DEFAULT]\nenabled_backends = fast:file, slow:file\n"
             . "[glance_store]\ndefault_backend = none\n[fast]\n[slow]\n") ]);
    isnt($status, 0, 'a default backend that is none');
    like($text, qr/x\.conf:4: default_backend: "none"/, 'names it');
});


check('--print-config' => sub {
    for my $name ('glance-registry', 'glance-api') {
        my ($status, $text) = program($name, [ '--print-config',
                                               '/dev/null' ]);

        is($status, 0, "$name: of an empty file");
        is($text, read_file("$top/conf/$name.conf.sample"),
           "conf/$name.conf.sample is what it prints");

        my $file = conf($text);
        is((program($name, [ '--print-config', $file ]))[1], $text,
           'what it prints is what it reads');

        # everything changed that can be
        my $changed = $text
            =~ s/^#(\w+) = (\d+)$/"$1 = " . ($2 + 1)/gmer
            =~ s/^#(\w+) = True$/$1 = False/gmr
            =~ s/^#(\w+) = False$/$1 = True/gmr
            =~ s/^#((?:log|cert|key)_\w+|user|s3_store_host) =$/$1 = \/$1/gmr
            =~ s/^#(flavor) =$/$1 = trusted+caching/gmr;

        isnt($changed, $text, 'other values');

        my $printed = (program($name, [ '--print-config',
                                        conf($changed) ]))[1];

        is($printed, $changed, 'come out as they went in');
        is((program($name, [ '--print-config', conf($printed) ]))[1],
           $printed, 'and again');
    }
});


check('secrets are never printed' => sub {
    my %secrets = (
        'glance-registry' => { registry_secret => 's3cret',
            sql_connection => 'mysql://u:s3cret@h/d' },
        'glance-api' => { registry_secret => 's3cret',
            swift_store_user => 's3cret', swift_store_key => 's3cret',
            s3_store_access_key => 's3cret', s3_store_secret_key => 's3cret',
        },
    );

    for my $name (sort keys %secrets) {
        my $dir = temp_dir();

        Glance::Registry::write_config("$dir/x.conf", debug => 'True',
            filesystem_store_datadir => "$dir/images",
            $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (),
            %{$secrets{$name}});

        for my $arguments ([ '--print-config' ], [ '--check' ],
                           [ '--check', '--debug' ])
        {
            my ($status, $text) = program($name, [ @$arguments, '--run-dir',
                                                   "$dir/run",
                                                   "$dir/x.conf" ]);

            is($status, 0, "$name @$arguments") or diag($text);
            unlike($text, qr/s3cret/, 'nothing');
        }

        my ($status, $text) = program($name, [ '--print-config',
                                               "$dir/x.conf" ]);
        like($text, qr/^$_ = /m, "$_ is shown as set")
            for sort keys %{$secrets{$name}};
    }

    my ($text, $said, $dir) = render(registry_secret => 's3"c\\r$et');
    like($text, qr/default "s3\\"c\\\\r\$et";/, 'nginx.conf has the secret');
    is((stat("$dir/run/nginx.conf"))[2] & 07777, 0600,
       'and is for its owner only');
    unlike($said, qr/s3/, 'nothing is said');
});


check('S-23 options of glance-api.conf reach nginx.conf' => sub {
    my @rows = (
        [ { verbose => 'True' }, qr/^error_log "\S+\/api\.log" info;$/m ],
        [ { verbose => 'True' }, qr/^ +access_log "\S+\/api-access\.log"/m ],
        [ { verbose => 'False' }, qr/^error_log "\S+\/api\.log" warn;$/m ],
        [ { verbose => 'False' }, qr/^ +access_log off;$/m ],
        [ { debug => 'True' }, qr/^error_log "\S+\/api\.log" debug;$/m ],
        [ { default_store => 'file' }, qr/^ +glance_default_store file;/m ],
        [ { default_store => 'filesystem' },
          qr/^ +glance_default_store file;/m ],
        [ { bind_host => '0.0.0.0', bind_port => 9292 },
          qr/^ +listen 0\.0\.0\.0:9292 /m ],
        [ { bind_host => '127.0.0.7', bind_port => 8080 },
          qr/^ +listen 127\.0\.0\.7:8080 /m ],
        [ { bind_host => '::1' }, qr/^ +listen \[::1\]:9292 /m ],
        [ { registry_host => '0.0.0.0', registry_port => 9191 },
          qr/^ +server 127\.0\.0\.1:9191;/m ],
        [ { registry_host => '127.0.0.9', registry_port => 81 },
          qr/^ +server 127\.0\.0\.9:81;/m ],
        [ { resigtry_port => 4444 }, qr/^ +server 127\.0\.0\.1:4444;/m ],
        [ { registry_hosts => '127.0.0.1:1, 127.0.0.2:2, unix:/s' },
          qr/server\ 127\.0\.0\.1:1;\s+server\ 127\.0\.0\.2:2;
             \s+server\ unix:\/s;/x ],
        [ { registry_socket => '/run/x/s' }, qr/^ +server unix:\/run\/x\/s;/m
        ],
        [ { filesystem_store_datadir => '%s/with space/' },
          qr/^ +glance_file_root "\S+\/with space";/m ],
        [ { workers => 3 }, qr/^worker_processes 3;/m ],
        [ { workers => 0 }, qr/^worker_processes auto;/m ],
        [ { backlog => 100 }, qr/^ +listen .*backlog=100;/m ],
        [ { upload_lease => 30 }, qr/^ +glance_lease 30s;/m ],
        [ { upload_lease => 1 }, qr/^ +glance_lease 3s;/m ],
        [ { node_name => 'n1.test' }, qr/^ +glance_node "n1\.test";/m ],
        [ { 'cors/allowed_origin' => 'https://a.test:8443, http://b.test',
            'cors/max_age' => 60, 'cors/allow_credentials' => 'False',
            'cors/allow_methods' => 'GET, PUT' },
          qr!^\ +glance_cors_origin\ "https://a\.test:8443"\ "http://b\.test";
             .* glance_cors_methods\ "GET"\ "PUT";
             .* glance_cors_expose\ "X-Image-Meta-Checksum"
             .* glance_cors_credentials\ off;
             .* glance_cors_max_age\ 60s;!msx ],
        [ { public_endpoint => 'https://i.test/x' },
          qr/^ +glance_public_endpoint "https:\/\/i\.test\/x";/m ],
        [ { 'oslo_middleware/enable_proxy_headers_parsing' => 'True',
            'healthcheck/disable_by_file_path' => '/etc/glance/away' },
          qr!^\ +glance_proxy_headers\ on;
             .* glance_health_disable_file\ "/etc/glance/away";!msx ],
        [ { allow_anonymous_access => 'yes' }, qr/^ +glance_anonymous on;/m ],
        [ { hashing_algorithm => 'SHA3_256' },
          qr/^ +glance_hashing_algorithm sha3_256;/m ],
        [ { image_size_cap => 5000 }, qr/^ +glance_image_size_cap 5000;/m ],
        [ { verbose => 'True' },
          qr/^ +glance_require_image_format_match on;$/m ],
        [ { 'image_format/require_image_format_match' => 'False' },
          qr/^ +glance_require_image_format_match off;$/m ],
        [ { 'glance_store/stores' => 'file, http',
            source_allowed_addresses => '10.0.0.0/8,::1',
            https_ca_certificates_file => '/etc/ca.pem' },
          qr!^\ +glance_http_store\ on;
             .* glance_http_trusted_certificate\ "/etc/ca\.pem";
             .* glance_http_allow\ "10\.0\.0\.0/8"\ "::1";!msx ],
        [ { 'glance_store/stores' => 'file,swift' },
          qr/^(?!.*glance_http_store)/s ],
        [ { enable_v1_api => 'False' }, qr/^ +glance_versions v2;$/m ],
        [ { enable_v2_api => 'False' }, qr/^ +glance_versions v1;$/m ],
        [ { enable_v1_api => 'False', enable_v2_api => 'False' },
          qr/^ +glance_versions none;$/m ],
        [ { 'image_format/gpt_safety_checks_nonfatal' => 'mbr,' },
          qr/^ +glance_gpt_safety_checks_nonfatal mbr;$/m ],
        [ { 'paste_deploy/flavor' => '' }, qr/^ +glance_identity none;/m ],
        [ { 'paste_deploy/flavor' => 'trusted+caching',
            registry_socket => '/nowhere/r.sock',
            trusted_proxies => '127.0.0.1, 10.0.0.0/8,::1' },
          qr/glance_identity\ trusted;\s+
             glance_trusted_proxies\ 127\.0\.0\.1\ 10\.0\.0\.0\/8\ ::1;/x ],
        [ { registry_secret => 'abc' },
          qr/X-Glance-Secret \$glance_registry_secret;/ ],
        [ { enabled_backends => 'a:file, b:file',
            'glance_store/default_backend' => 'b',
            'a/filesystem_store_datadir' => '/nowhere',
            'b/filesystem_store_datadir' => '%s/b' },
          qr/^ +glance_file_root "\S+\/b";/m ],
    );

    for my $row (@rows) {
        my ($options, $want) = @$row;
        my $own = temp_dir();
        my %options = map { $_ => $options->{$_} =~ s/%s/$own/r }
                      keys %$options;
        my ($text, $said) = render(%options);

        like($text // '', $want, join(', ', map { "$_ = $options->{$_}" }
                                      sort keys %$options))
            or diag($said);
    }

    for my $store (qw/ swift s3 http /) {
        my ($text, $said, $dir, $status) = render(default_store => $store);

        # what the module does not have is refused before it runs
        next if $status == 0;
        like($said, qr/default_store/, "$store: not offered, and says so");
        is($text, undef, 'nothing is written');
    }

    my ($text, $said, $dir, $status) =
        render('paste_deploy/flavor' => 'trusted');
    isnt($status, 0, 'trusted without proxies');
    like($said, qr/trusted_proxies/, 'says what is missing');

    ($text, $said, $dir, $status) = render('paste_deploy/flavor' => 'trusted',
                                           trusted_proxies => '127.0.0.1');
    isnt($status, 0, 'trusted without a secret');
    like($said, qr/registry_secret: needed with flavor trusted/,
         'says what is missing');
    is($text, undef, 'nothing is written');

    ($text, $said, $dir, $status) = render('paste_deploy/flavor' => 'trusted',
        trusted_proxies => '127.0.0.1',
        registry_hosts => 'unix:/a.sock, 192.0.2.1:9191');
    like($said, qr/registry_secret: needed/, 'nor is one socket of two');
});


check('a registry that could believe nobody' => sub {
    for my $flavor (qw/ trusted keystone /) {
        my $file = conf("[paste_deploy]\nflavor = $flavor\n");

        for my $options ([ '--check' ], []) {
            my ($status, $text) = program('glance-registry',
                [ @$options, '--run-dir', temp_dir(), $file ]);

            is($status, 1, "$flavor: does not start");
            like($text, qr/registry_secret: needed with flavor $flavor/,
                 'says what is missing');
        }

        for my $line ('registry_secret = x', 'registry_socket = /x') {
            my ($status, $text) = program('glance-registry', [ '--check',
                conf("$line\n[paste_deploy]\nflavor = $flavor\n") ]);

            is($status, 0, "$flavor, $line") or diag($text);
        }
    }
});


check('rights that are not enforced' => sub {
    for my $name (qw/ policy_file property_protection_file /) {
        my $file = conf("verbose = True\n$name = /etc/glance/rights\n");
        my ($status, $text) = program('glance-registry',
                                      [ '--check', $file ]);

        is($status, 0, "$name: is none of our options");
        like($text, qr/^WARNING: \Q$file\E:2: $name is not enforced/m,
             'and it says so');
    }
});


check('Keystone without a flavor' => sub {
    my $keystone = "[keystone_authtoken]\nauth_url = http://127.0.0.1/\n"
                   . "username = u\npassword = p\n";

    for my $case ([ $keystone, 1 ], [ "verbose = True\n", 0 ],
                  [ "$keystone\[paste_deploy]\nflavor = keystone\n"
                    . "[DEFAULT]\nregistry_secret = s\n", 0 ])
    {
        my ($text, $warned) = @$case;
        my ($status, $said) = program('glance-api', [ '--check', '--run-dir',
                                                      temp_dir(),
                                                      conf($text) ]);

        is(scalar($said =~ /^WARNING: .*everybody is administrator$/m) || 0,
           $warned, $warned ? 'it says what that means' : 'no word');
    }
});


# S-26 logging, of the registry: what it writes to a file that options name

sub logged {
    my ($r, $code) = @_;

    $r->start();
    $r->request('GET', '/images?name=n', headers => [
        'X-Openstack-Request-ID' => 'req-1' ]);
    $code->($r);
    finish($r);
}


sub registry {
    my (%options) = @_;

    return Glance::Registry->new(database => Glance::Database->new('sqlite'),
                                 options => \%options);
}


check('S-26 log_file, log_dir and their precedence' => sub {
    my $dir = temp_dir();

    logged(registry(log_file => 'a.log', log_dir => $dir), sub {
        like(read_file("$dir/a.log"), qr/status=200/, 'log_dir and log_file');
    });
    logged(registry(log_file => "$dir/b.log", log_dir => "$dir/x"), sub {
        like(read_file("$dir/b.log"), qr/status=200/, 'an absolute log_file');
        ok(!-e "$dir/x", 'needs no log_dir');
    });
    logged(registry(logfile => "$dir/c.log", log_file => ''), sub {
        my ($r) = @_;
        like(read_file($r->{output}), qr/status=200/,
             'empty: standard output');
    });

    my $r = registry();
    $r->{arguments} = [ '--log-file', 'd.log', "--log-dir=$dir" ];
    logged($r, sub {
        like(read_file("$dir/d.log"), qr/status=200/, 'on the command line');
    });
});


check('S-26 log_format and log_date_format' => sub {
    my %formats = (
        '%(asctime)s %(levelname)8s [%(name)s] %(message)s' =>
            qr/^\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d\ {5}INFO
               \ \[glance-registry\]\ .*\[req-1\].*status=200/mx,
        '%(levelname)-8s|%(name)20s|%(message)s' =>
            qr/^INFO {4}\| {5}glance-registry\|.*status=200/m,
        '%(request_id)s %(process)d %(message)s' =>
            qr/^req-1 \d+ http: request .*status=200/m,
        '100%% {"m": "%(message)s"}' =>
            qr/^100% \{"m": "http: request /m,
        '%(thread)d-%(message)s' => qr/^-http: request/m,
    );

    for my $format (sort keys %formats) {
        logged(registry(log_format => $format), sub {
            like(read_file($_[0]{log}), $formats{$format}, $format);
        });
    }

    logged(registry(log_date_format => '%d.%m.%Y_%H'), sub {
        like(read_file($_[0]{log}), qr/^\d\d\.\d\d\.\d{4}_\d\d +INFO/m,
             'log_date_format');
    });

    my $r = registry();
    $r->{arguments} = [ '--log-format=X %(message)s',
                        '--log-date-format=%H' ];
    logged($r, sub {
        like(read_file($_[0]{log}), qr/^X http: request/m,
             'on the command line');
    });
});


check('S-26 log-config' => sub {
    my $dir = temp_dir();

    write_file("$dir/logging.conf", <<"CONF");
[loggers]
keys = root, api

[handlers]
keys = all, errors, mail, out

[formatters]
keys = plain

[logger_root]
level = DEBUG
handlers = all, errors, mail, out

[logger_api]
level = ERROR
handlers = mail
qualname = glance.api

[handler_all]
class = FileHandler
level = INFO
args = ('$dir/all.log', 'a')
formatter = plain

[handler_errors]
class = handlers.WatchedFileHandler
level = ERROR
args = ("$dir/errors.log",)

[handler_mail]
class = handlers.SMTPHandler
args = ('localhost', 'a\@b', ['c\@d'], 'x')

[handler_out]
class = StreamHandler
level = DEBUG
args = (sys.stdout,)
formatter = plain

[formatter_plain]
format = PLAIN %(levelname)s %(message)s
CONF

    for my $way (0, 1) {
        my $r = registry($way ? () : ('log_config' => "$dir/logging.conf"),
                         verbose => 'False');

        $r->{arguments} = [ "--log-config=$dir/logging.conf" ] if $way;
        logged($r, sub {
            like(read_file("$dir/all.log"), qr/^PLAIN INFO .*status=200/m,
                 'a handler of files, with its formatter');
            unlike(read_file("$dir/all.log"), qr/DEBUG/, 'and its level');
            is(read_file("$dir/errors.log"), '', 'another level');
            like(read_file($r->{output}), qr/^PLAIN DEBUG /m,
                 'standard output');
            like(read_file("$dir/all.log"), qr/ignored: .*api.*mail/,
                 'it says what it does not know');
            ok(!-e $r->{log}, 'log_file does not count');
        });
        unlink("$dir/all.log");
    }

    my %bad = (
        '' => qr/handlers/,
        "[logger_root]\nlevel = LOUD\nhandlers = a\n" => qr/level "LOUD"/,
        "[logger_root]\nhandlers = a\n" => qr/handler_a/,
        "[logger_root]\nhandlers = a\n[handler_a]\nclass = FileHandler\n"
            => qr/file name/,
        "[logger_root]\nhandlers = a\n[handler_a]\nclass = StreamHandler\n"
            . "level = X\n" => qr/handler_a.*level "X"/,
    );

    for my $text (sort keys %bad) {
        my $file = conf($text);

        for my $arguments ([ '--check' ], []) {
            my $r = registry(log_config => $file);
            my ($status, $said) = run_command([ @{$r->argv()},
                                                @$arguments ]);

            is($status, 1, "@$arguments " . ($text =~ s/\n/\\n/gr));
            like($said, $bad{$text}, 'says what is wrong');
        }
    }

    my $r = registry();
    my ($status, $said) = run_command([ @{$r->argv()},
                                        '--log-config=/nowhere.conf' ]);
    is($status, 1, 'a missing file');
    like($said, qr/\/nowhere\.conf/, 'is named');
});


check('S-26 use_syslog' => sub {
    my ($status) = run_command([ qw/ unshare -m true / ]);

    plan(skip_all => 'no mount namespaces here, and /dev/log is not ours')
        if $status != 0;

    my $dev = temp_dir();
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
                                       Local => "$dev/log")
        or die "socket: $!\n";

    write_file("$dev/$_", '') for qw/ null urandom random zero /;
    mkdir("$dev/shm");

    my $script = join(' && ',
        (map { "mount --bind /dev/$_ $dev/$_" }
             qw/ null urandom random zero shm /),
        "mount --rbind $dev /dev", 'exec "$@"');
    my $receive = sub {
        my ($want) = @_;
        my @lines;

        $socket->blocking(0);

        return wait_until(sub {
            while (defined $socket->recv(my $line, 8192)) {
                push @lines, $line;
            }

            return (grep { /$want/ } @lines)[0];
        }, 20);
    };

    for my $case ([ { use_syslog => 'True' }, 1 ],
                  [ { use_syslog => 'True',
                      syslog_log_facility => 'LOG_LOCAL3' }, 19 ],
                  [ { use_syslog => 'True',
                      syslog_log_facility => 'daemon' }, 3 ])
    {
        my ($options, $facility) = @$case;
        my $r = registry(%$options);
        my $argv = $r->argv();

        $r->{pid} = spawn(name => $r->{name}, log => $r->{output},
            argv => [ 'unshare', '-m', 'sh', '-c', $script, 'sh', @$argv ]);
        wait_until(sub { $r->ready() || !$r->alive() });
        $r->request('GET', '/images?name=n');

        my $line = $receive->(qr/status=200/);

        like($line // '', qr/^<@{[ $facility * 8 + 6 ]}>.*glance-registry.*
            \[\d+\]:.*INFO.*status=200/x,
            join(', ', map { "$_ = $options->{$_}" } sort keys %$options));
        ok(!-e $r->{log}, 'in place of log_file');
        finish($r);
    }

    my ($text) = render(use_syslog => 'True',
                        syslog_log_facility => 'LOG_LOCAL3');
    like($text // '', qr!^error_log\ syslog:server=unix:/dev/log,
        facility=local3,tag=\w+\ info;$!mx, 'nginx: error_log');
    like($text // '', qr!^\ +access_log\ syslog:server=unix:/dev/log,
        facility=local3!mx, 'nginx: access_log');
});


check('S-26 log options in nginx.conf' => sub {
    my ($text) = render(log_format => '%(asctime)s "%(levelname)8s" \\ $x '
                                      . '%(name)s %(process)d %(message)s',
                        log_date_format => '%d.%m.%Y %H:%M:%S%z');

    like($text // '', qr/\$\{glance_day\}\.\$\{glance_month\}\.
        \$\{glance_year\}\ \$\{glance_hour\}/x, 'log_date_format');
    like($text // '', qr/log_format glance "\$\{glance_time\} \\"    INFO\\"/,
         'log_format');
    like($text // '', qr/glance-api \$\{pid\} .*\$request/,
         'name, process and message');

    my $dir = temp_dir();
    ($text) = render(log_dir => '/nowhere', log_file => "$dir/y.log");
    like($text // '', qr/^error_log "\Q$dir\E\/y\.log" info;/m, 'log_file');

    ($text) = render(log_dir => $dir, log_file => 'z.log');
    like($text // '', qr/^error_log "\Q$dir\E\/z\.log" info;/m, 'log_dir');

    write_file("$dir/l.conf", "[logger_root]\nlevel = WARNING\n"
        . "handlers = a,b\n[handler_a]\nclass = FileHandler\n"
        . "args = ('$dir/a.log',)\n[handler_b]\nclass = StreamHandler\n"
        . "level = ERROR\nargs = (sys.stderr,)\n");
    ($text) = render(log_config => "$dir/l.conf");
    like($text // '', qr/^error_log\ "\Q$dir\E\/a\.log"\ warn;
                         \n^error_log\ stderr\ error;/mx, 'log_config');
});


done_testing();
