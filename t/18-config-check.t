#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# "glance-manage config check" explains the configuration files of a Glance:
# every option gets a verdict, and nothing secret is shown.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Debian;
use Glance::Test;


my $Program = Glance::Program::built('glance-manage');


# files: name => text, in a directory of their own; (exit status, text)

sub config_check {
    my (%files) = @_;

    my $dir = temp_dir();

    for my $name (keys %files) {
        mkdir("$dir/$1") if $name =~ m!^(.*)/!;
        write_file("$dir/$name", $files{$name});
    }

    my ($status, $text) = run_command([ $Program, 'config', 'check', $dir ]);

    $text =~ s!\Q$dir\E/!!g;

    return ($status, $text);
}


# one file: each line's verdict, "used", "mapped" ..

sub verdicts {
    my ($name, $text) = @_;

    my ($status, $said) = config_check($name => $text);
    my %verdict;

    while ($said =~ /^\Q$name\E:(\d+): (\w+) (.*)$/mg) {
        $verdict{$1} = [ $2, $3 ];
    }

    return ($status, $said, \%verdict);
}


# the options of the sample files of Glance 25

my %Options;
my $section;

while (my $line = <DATA>) {
    if ($line =~ /^\[(.*)\]/) {
        $section = $1;

    } else {
        push @{$Options{$section}}, split(' ', $line);
    }
}


check('every option of Glance is known' => sub {
    my (%where, $text);
    my $line = 0;

    # what must not be empty
    my %value = (
        bind_host => ['127.0.0.1'],
        connection => ['sqlite:////x'],
        filesystem_store_datadir => [('/x') x 3],
        log_date_format => ['%Y'],
        syslog_log_facility => ['LOG_USER'],
    );

    for my $s (sort keys %Options) {
        $text .= "[$s]\n";
        $line++;

        for my $name (@{$Options{$s}}) {
            $text .= "$name = " . (shift @{$value{$name}} // '') . "\n";
            $where{++$line} = "[$s] $name";
        }
    }

    cmp_ok($line, '>', 500, 'options');

    for my $file (qw/ glance-api.conf glance-registry.conf
                      glance-scrubber.conf glance-manage.conf
                      glance-cache.conf glance-image-import.conf /)
    {
        my ($status, $said, $verdicts) = verdicts($file, $text);

        is(join(', ', map { $where{$_} }
                grep { !$verdicts->{$_}
                       || $verdicts->{$_}[0] !~ /^(?:used|mapped|ignored)$/ }
                sort { $a <=> $b } keys %where), '', "$file: all of them");
        is($status, 0, "$file: exit status 0") or diag($said);
    }

    # the programs' notices come from the same table

    my $dir = temp_dir();

    write_file("$dir/glance-api.conf",
               $text . "[DEFAULT]\nrun_dir = $dir/run\n"
               . 'nginx_binary = ' . Glance::Nginx::binary() . "\n"
               . "[glance_store]\nfilesystem_store_datadir = $dir/images\n");

    my ($status, $said) = run_command([
        Glance::Program::built('glance-api'), '--check',
        "$dir/glance-api.conf" ]);

    is($status, 0, 'glance-api takes it') or diag($said);
    unlike($said, qr/unknown option/, 'no unknown option');

    my @notices = $said =~ /^WARNING: .*without effect here/mg;
    is(scalar(@notices), 1, 'one notice about the ignored ones');
});


# what becomes of an option: file, section, line, verdict

my @Cases = (
    [ api => 'DEFAULT', 'bind_port = 9393', 'used', 'nginx: listen' ],
    [ api => 'DEFAULT', 'workers = 4', 'used', 'worker_processes' ],
    [ api => 'DEFAULT', 'verbose = True', 'used', '= True' ],
    [ api => 'DEFAULT', 'image_size_cap = 1000', 'used',
      'glance_image_size_cap' ],
    [ api => 'glance_store', 'filesystem_store_datadir = /x', 'mapped',
      'filesystem_store_datadir (nginx: glance_file_root)' ],
    [ api => 'DEFAULT', 'resigtry_port = 9191', 'mapped', 'registry_port' ],
    [ api => 'database', 'connection = sqlite:////x', 'mapped',
      'sql_connection' ],
    [ registry => 'database', 'connection = sqlite:////x', 'mapped',
      'sql_connection' ],
    [ registry => 'database', 'connection_recycle_time = 60', 'mapped',
      'sql_idle_timeout' ],
    [ registry => 'database', 'max_pool_size = 60', 'ignored',
      'registry_threads' ],
    [ registry => 'app:glance-registry', 'bind_port = 9999', 'mapped',
      'bind_port' ],
    [ registry => 'DEFAULT', 'workers = 3', 'used', '= 3' ],
    [ registry => 'DEFAULT', 'cert_file = /x', 'ignored',
      'an option of glance-api, which does not' ],
    [ manage => 'DEFAULT', 'bind_port = 1', 'ignored', 'an option of' ],
    [ api => 'DEFAULT', 'transport_url = rabbit://u:hushhush@h/', 'ignored',
      'no message bus' ],
    [ api => 'oslo_messaging_rabbit', 'ssl = true', 'ignored',
      'no message bus' ],
    [ api => 'keystone_authtoken', 'password = hushhush', 'used', '' ],
    [ api => 'keystone_authtoken', 'admin_user = glance', 'mapped',
      'username' ],
    [ api => 'keystone_authtoken', 'token_cache_time = 60', 'used',
      'glance_keystone_cache' ],
    [ api => 'keystone_authtoken', 'memcached_servers = h:11211', 'ignored',
      'shared memory' ],
    [ api => 'DEFAULT', 'password = hushhush', 'unknown', '' ],
    [ api => 'paste_deploy', 'flavor = caching', 'used', 'glance_identity' ],
    [ api => 'paste_deploy', 'config_file = x.ini', 'ignored', 'paste' ],
    [ api => 'pipeline:glance-api', 'pipeline = a b', 'ignored', 'paste' ],
    [ api => 'DEFAULT', 'swift_store_key = hushhush', 'used',
      'glance_swift_accounts' ],
    [ api => 'glance_store', 'swift_store_container = images', 'mapped',
      'glance_swift_container' ],
    [ api => 'glance_store', 'swift_store_multi_tenant = True', 'ignored',
      'one container' ],
    [ api => 'DEFAULT', 's3_store_secret_key = hushhush', 'used',
      'glance_s3_credentials' ],
    [ api => 'glance_store', 's3_store_thread_pools = 3', 'mapped',
      'glance_s3_parallel_parts' ],
    [ api => 'glance_store', 'rbd_store_pool = images', 'ignored',
      'only the stores file, swift, s3 and http' ],
    [ api => 'file', 'filesystem_store_datadir = /x', 'ignored',
      'enabled_backends does not name' ],
    [ api => 'DEFAULT', 'enable_v1_registry = True', 'ignored', 'enabled' ],
    [ api => 'DEFAULT', 'notifier_strategy = noop', 'ignored', 'message' ],
    [ api => 'DEFAULT', 'filesystem_store_datadirs = /x:1', 'ignored',
      'only filesystem_store_datadir' ],
    [ api => 'keystone_authtoken', 'admin_token = hushhush', 'ignored',
      'a user with a password' ],
    [ cache => 'DEFAULT', 'image_cache_dir = /x', 'ignored', 'cache' ],
    [ cache => 'DEFAULT', 'registry_host = x', 'ignored', 'cache' ],

    [ api => 'DEFAULT', 'bind_prot = 1', 'unknown',
      'did you mean bind_port?' ],
    [ api => 'DEFAULT', 'conection = sqlite:////x', 'unknown',
      'did you mean connection?' ],
    [ api => 'databse', 'connection = x', 'unknown',
      'did you mean [database] connection?' ],
    [ api => 'glance_store', 'filesystem_store_dataidr = /x', 'unknown',
      'did you mean filesystem_store_datadir?' ],
    [ api => 'DEFAULT', 'filesystem_store_dataidr = /x', 'unknown',
      'did you mean filesystem_store_datadir?' ],
    [ cache => 'DEFAULT', 'image_cach_dir = /x', 'unknown', '' ],
    [ api => 'DEFAULT', 'entirely_different_words = hushhush', 'unknown',
      'neither an option of Glance' ],

    [ api => 'DEFAULT', 'bind_port = 99999', 'invalid',
      'between 1 and 65535' ],
    [ api => 'DEFAULT', 'debug = perhaps', 'invalid', 'True or False' ],
    [ api => 'DEFAULT', 'default_store = nonsense', 'invalid', 'one of' ],
    [ registry => 'DEFAULT', 'sql_connection = oracle://u:hushhush@h/d',
      'invalid', 'not supported' ],
    [ api => 'DEFAULT', 'just some words', 'invalid', 'neither a section' ],
    [ api => 'DEFAULT', 'bind_port =', 'ignored', 'default counts' ],
);

check('a verdict for each option' => sub {
    for my $case (@Cases) {
        my ($file, $s, $line, $verdict, $words) = @$case;
        my ($status, $said, $verdicts) = verdicts("glance-$file.conf",
                                                  "\n[$s]\n$line\n");

        my $got = $verdicts->{3} || ['none', ''];
        my $title = "$file: [$s] $line";

        $title =~ s/hushhush/.../;

        is($got->[0], $verdict, "$title: $verdict") or diag($said);
        like($got->[1], qr/\Q$words\E/, "$title: why");
        unlike($said, qr/hushhush/, "$title: no secret");
        is($status, $verdict =~ /unknown|invalid/ ? 1 : 0,
           "$title: exit status") or diag($said);
    }
});


check('secrets are masked' => sub {
    my ($status, $said) = config_check('glance-api.conf' =>
        "registry_secret = hushhush\n"
        . "sql_connection = mysql://glance:hushhush\@db/glance\n");

    is($status, 0, 'exit status');
    like($said, qr/registry_secret = \*\*\*/, 'registry_secret');
    like($said, qr!sql_connection = mysql://\*\*\*\@db/glance!,
         'the rest of an URL');
    unlike($said, qr/hushhush/, 'not shown');
});


check('the place that counts' => sub {
    my ($status, $said, $v) = verdicts('glance-api.conf',
        "bind_port = 1\n"                       # 1
        . "bind_port = 2\n"
        . "registry_port = 3\n"
        . "resigtry_port = 4\n"
        . "filesystem_store_datadir = /a\n"     # 5
        . "[glance_store]\n"
        . "filesystem_store_datadir = /b\n"
        . "[app:glance-api]\n"
        . "workers = 2\n"
        . "[keystone_authtoken]\n"             # 10
        . "www_authenticate_uri = http://k:1\n"
        . "auth_uri = http://k:2\n");

    is($v->{1}[0], 'ignored', 'set twice: the first');
    like($v->{1}[1], qr/line 2, which counts/, 'which line counts');
    is($v->{2}[0], 'used', 'the second');
    is($v->{3}[0], 'used', 'the name itself');
    is($v->{4}[0], 'ignored', 'an alias behind it');
    is($v->{5}[0], 'ignored', 'the section is more specific');
    is($v->{7}[0], 'mapped', 'and counts');
    is($v->{9}[0], 'mapped', '[app:glance-api]');
    is($v->{11}[0], 'used', 'the name itself, in another section');
    is($v->{12}[0], 'ignored', 'an alias behind it');
});


check('backends' => sub {
    my ($status, $said, $v) = verdicts('glance-api.conf',
        "enabled_backends = slow:file, fast:file\n"     # 1
        . "[glance_store]\n"
        . "default_backend = fast\n"
        . "[slow]\n"
        . "filesystem_store_datadir = /slow\n"          # 5
        . "[fast]\n"
        . "filesystem_store_datadir = /fast\n"
        . "store_description = quick\n"
        . "filesystem_stor_datadir = /typo\n");

    is($v->{1}[0], 'used', 'enabled_backends');
    is($v->{3}[0], 'used', 'default_backend');
    like("@{$v->{5}}", qr/^ignored .*only the default backend/, 'another');
    like("@{$v->{7}}", qr/^(?:used|mapped) .*glance_file_root/,
         'the default one');
    is($v->{8}[0], 'ignored', 'its description');
    is($v->{9}[0], 'unknown', 'a typing error in it');
    is($status, 1, 'exit status');
});


check('what concerns a file as a whole' => sub {
    my %wrong = (
        "[paste_deploy]\nflavor = keystone\n" => qr/auth_url: needed/,
        "[paste_deploy]\nflavor = trusted\n" => qr/trusted_proxies: needed/,
        "[paste_deploy]\nflavor = nonsense\n" => qr/unknown word/,
        "default_store = swift\n" => qr/swift_store_user: needed/,
        "default_store = s3\n" => qr/s3_store_access_key: needed/,
        "default_store = http\n" => qr/http cannot be written to/,
        "trusted_proxies = ::1\n[paste_deploy]\nflavor = trusted\n"
            => qr/registry_secret: needed with flavor trusted/,
        "cert_file = /x\n" => qr/one without the other/,
        "enabled_backends = a\n" => qr/NAME:TYPE/,
        "registry_socket = relative\n" => qr/absolute path/,
    );

    for my $text (sort keys %wrong) {
        my ($status, $said) = config_check('glance-api.conf' => $text);
        my ($title) = $text =~ /(\w+ = \S+)\n\z/;

        is($status, 1, "$title: exit status 1");
        like($said, $wrong{$text}, "$title: why");
        like($said, qr/^glance-api\.conf\S* invalid: /m, "$title: invalid");
    }
});


check('a directory' => sub {
    my ($status, $said) = config_check(
        'glance-api.conf' => "bind_port = 9292\nregistry_threads = 4\n"
                             . "sql_connection = sqlite:////x\n"
                             . "scrub_time = 60\n",
        'glance-registry.conf' => "registry_threads = 8\n",
        'glance-api-paste.ini' => "[pipeline:x]\npipeline = a b\n",
        'glance-swift.conf' => "[ref1]\nuser = u\nkey = hushhush\n",
        'property-protections-roles.conf' => "[.*]\ncreate = admin\n",
        'policy.json' => "{\n  \"default\": \"\",\n"
                         . "  \"get_image\": \"role:reader\"\n}\n",
        'policy.d/00_default.yaml' => "# comment: x\n"
                                      . "\"add_image\": \"role:member\"\n",
        'schema-image.json' => "{}\n",
        'glance-api.conf.d/more.conf' => "debug = True\n",
        'README' => "not: a configuration file\n",
    );

    is($status, 0, 'nothing wrong') or diag($said);
    like($said, qr/^glance-api\.conf:2: ignored registry_threads: an option /m,
         'the registry has a file of its own');
    like($said, qr/^glance-api\.conf:3: ignored sql_connection: /m,
         'and its database is there');
    like($said, qr/^glance-registry\.conf:1: used registry_threads = 8$/m,
         'which is read');
    like($said, qr/^glance-api-paste\.ini:2: ignored .*paste/m, 'paste');
    like($said, qr/^glance-swift\.conf:3: ignored \[ref1\] key: /m, 'swift');
    like($said, qr/^property-protections-roles\.conf:2: ignored /m,
         'property protections');
    like($said, qr/^policy\.json:3: ignored get_image: rights are /m,
         'a policy in JSON');
    like($said, qr/^policy\.d\S+:2: ignored add_image: /m,
         'a policy in YAML');
    unlike($said, qr/comment/, 'no comments');
    like($said, qr/^schema-image\.json: ignored/m, 'other files of Glance');
    like($said, qr/^glance-api\.conf\.d: ignored: /m, 'directories');
    unlike($said, qr/README|hushhush/, 'nothing else');
    like($said, qr/^\d+ used, \d+ mapped, \d+ ignored, 0 unknown, 0 invalid$/m,
         'a sum');

    ($status, $said) = config_check('glance-api.conf' =>
                                    "registry_threads = 4\n");
    like($said, qr/used registry_threads = 4/,
         'without the registry\'s file it reads this one');
});


check('files and mistakes' => sub {
    my $dir = temp_dir();

    write_file("$dir/my.conf", "bind_port = 9292\nnonsense_here = 1\n");

    my ($status, $said) = run_command([ $Program, 'config', 'check',
                                        "$dir/my.conf" ]);

    is($status, 1, 'a file of any name');
    like($said, qr/my\.conf:1: used bind_port/, 'is read as one of Glance');

    ($status, $said) = run_command([ $Program, 'config', 'check',
                                     "$dir/none.conf" ]);
    is($status, 1, 'no such file');
    like($said, qr/^ERROR: .*none\.conf: No such file/m, 'tells so');

    mkdir("$dir/empty");
    ($status, $said) = run_command([ $Program, 'config', 'check',
                                     "$dir/empty" ]);
    is($status, 1, 'an empty directory');
    like($said, qr/^ERROR: there is no configuration file/m, 'tells so');

    write_file("$dir/glance-api.conf", "a = b\0c\n");
    ($status, $said) = run_command([ $Program, 'config', 'check',
                                     "$dir/glance-api.conf" ]);
    is($status, 1, 'a NUL byte');
    like($said, qr/^ERROR: .*NUL byte/m, 'tells so');
});


# The files of Debian's packages, as they are; and with all that they only
# show set to what it is by default anyway.

# section and option => verdict, of all that is set
my %Debian = (
    'glance-api.conf' => {
        'glance_store/filesystem_store_datadir' => 'mapped',
        'keystone_authtoken/auth_type' => 'used',
        'keystone_authtoken/auth_url' => 'used',
        'keystone_authtoken/project_domain_name' => 'used',
        'keystone_authtoken/project_name' => 'used',
        'keystone_authtoken/region_name' => 'ignored',
        'keystone_authtoken/user_domain_name' => 'used',
        'keystone_authtoken/username' => 'used',
        'keystone_authtoken/www_authenticate_uri' => 'used',
        'oslo_concurrency/lock_path' => 'ignored',
    },
);


# file => text of all lines that are no comments

sub option_lines {
    my ($text) = @_;

    my ($section, $number, %lines) = ('DEFAULT', 0);

    for my $line (split(/\n/, $text)) {
        $number++;

        if ($line =~ /^\[(.*)\]/) {
            $section = $1;

        } elsif ($line =~ /^([\w.\/-]+)\s*[=:]/) {
            $lines{$number} = "$section/$1";
        }
    }

    return %lines;
}


sub debian_files {
    my ($debian) = @_;

    my $dir = temp_dir();
    my %have = Glance::Debian::packages($debian);

    Glance::Debian::unpack_into($have{$_}, $dir)
        for qw/ glance-api glance-common /;

    return map { s!.*/!!r => read_file($_) }
           map { glob("$dir/$_/*.conf $dir/$_/*.ini") }
           'etc/glance', 'usr/share/glance-common';
}


sub verdict_of_each {
    my ($said, $name, $text) = @_;

    my %option = option_lines($text);
    my %verdict = $said =~ /^\Q$name\E:(\d+): (\w+) /mg;

    is(join(', ', map { "$_: $option{$_}" } grep { !$verdict{$_} }
            sort { $a <=> $b } keys %option), '',
       "$name: a verdict for each of " . keys %option);
    is(join(', ', grep { !$option{$_} } keys %verdict), '',
       "$name: and for nothing else");

    return map { $option{$_} => $verdict{$_} } sort keys %verdict;
}


SKIP: {
    my ($debian, $why) = Glance::Debian::fetch(qw/ glance-api
                                                   glance-common /);

    skip("Debian's glance-api: $why", 1) if !$debian;

    my %files = debian_files($debian);

    check('the files of Debian\'s glance-api' => sub {
        cmp_ok(scalar(keys %files), '>', 6, 'files');

        my ($status, $said) = config_check(%files);

        is($status, 0, 'nothing is wrong') or diag($said);

        for my $name (sort keys %files) {
            my %verdict = verdict_of_each($said, $name, $files{$name});

            next if $name !~ /^glance-\w+\.conf$/ || $name =~ /swift/;

            is_deeply(\%verdict, $Debian{$name} || {}, "$name: verdicts");
        }
    });

    check('the same with all options set' => sub {
        for my $text (values %files) {
            $text =~ s/^#([a-z]\w*) ?= ?<None>$/#/gm;
            $text =~ s/^#([a-z]\w*) ?= ?(.*)$/$1 = $2/gm;
        }

        # which a flavor needs
        $files{'glance-api.conf'} .= "[DEFAULT]\nregistry_secret = s\n";

        my ($status, $said) = config_check(%files);
        my ($wrong) = $said =~ /(\d+ unknown, \d+ invalid)$/m;

        is($wrong, '0 unknown, 0 invalid', 'nothing is unknown')
            or diag(join("\n", $said =~ /^.* (?:unknown|invalid).*$/mg));
        is($status, 0, 'exit status');
        verdict_of_each($said, $_, $files{$_}) for sort keys %files;
    });
}


# each directive that the verdicts name is one that glance-api renders

check('directives' => sub {
    my $dir = temp_dir();

    my $text = join("\n",
        'bind_host = 127.0.0.1', 'bind_port = 9292', 'backlog = 100',
        'workers = 2', "filesystem_store_datadir = $dir/images",
        'default_store = file', 'image_size_cap = 1000', 'node_name = n1',
        'public_endpoint = http://h:1', 'registry_host = 127.0.0.1',
        'registry_port = 9191', 'registry_hosts = 127.0.0.1:9191',
        'registry_secret = hushhush', 'registry_socket = /run/x',
        'upload_lease = 20', 'trusted_proxies = 127.0.0.1',
        'user = ' . getpwuid($>),
        'nginx_module = '
            . Glance::Program::built('ngx_http_glance_module.so'),
        'nginx_binary = ' . Glance::Nginx::binary(),
        'delayed_delete = True',
        '[image_format]', 'gpt_safety_checks_nonfatal = mbr',
        'require_image_format_match = True',
        '[paste_deploy]', 'flavor = trusted') . "\n";

    my ($status, $said, $v) = verdicts('glance-api.conf', $text);

    is($status, 0, 'valid') or diag($said);

    write_file("$dir/glance-api.conf", "run_dir = $dir/run\n$text");
    ($status, my $output) = run_command([
        Glance::Program::built('glance-api'), '--render',
        "$dir/glance-api.conf" ]);
    is($status, 0, 'rendered') or diag($output);

    my $conf = read_file("$dir/run/nginx.conf");

    my %named = $said =~ /: (?:used|mapped) (\w+) = .*\(nginx: (\w+)\)$/mg;

    cmp_ok(scalar(keys %named), '>', 12, 'options with directives')
        or diag($said);

    for my $option (sort keys %named) {
        next if $option eq 'user' && $> != 0;

        like($conf, qr/^\s*\Q$named{$option}\E[ ;]/m,
             "$option: $named{$option}");
    }
});


done_testing();


__DATA__
[DEFAULT]
    allow_additional_image_properties allow_anonymous_access api_limit_max
    backlog bind_host bind_port client_socket_timeout conn_pool_min_size
    conn_pool_ttl control_exchange daemon debug default_log_levels
    default_publisher_id delayed_delete digest_algorithm
    disabled_notifications enabled_backends enabled_import_methods
    enforce_secure_rbac executor_thread_pool_size fatal_deprecations
    hashing_algorithm http_keepalive image_cache_dir image_cache_driver
    image_cache_max_size image_cache_sqlite_db image_cache_stall_time
    image_location_quota image_member_quota image_property_quota
    image_size_cap image_tag_quota instance_format instance_uuid_format
    limit_param_default location_strategy log_config_append log_date_format
    log_dir log_file log_rotate_interval log_rotate_interval_type
    log_rotation_type logging_context_format_string
    logging_debug_format_suffix logging_default_format_string
    logging_exception_prefix logging_user_identity_format max_header_line
    max_logfile_count max_logfile_size_mb max_request_id_length
    metadata_encryption_key node_staging_uri pipe_handle
    property_protection_file property_protection_rule_format public_endpoint
    publish_errors pydev_worker_debug_host pydev_worker_debug_port
    rate_limit_burst rate_limit_except_level rate_limit_interval restore
    rpc_conn_pool_size rpc_ping_enabled rpc_response_timeout scrub_pool_size
    scrub_time show_image_direct_url show_multiple_locations
    syslog_log_facility tcp_keepidle transport_url use_eventlog use_journal
    use_json use_keystone_limits use_stderr use_syslog user_storage_quota
    wakeup_time watch_log_file worker_self_reference_url workers
[barbican]
    auth_endpoint barbican_api_version barbican_endpoint
    barbican_endpoint_type barbican_region_name number_of_retries
    retry_delay send_service_user_token verify_ssl verify_ssl_path
[barbican_service_user]
    auth_section auth_type cafile certfile collect_timing insecure keyfile
    split_loggers timeout
[cinder]
    cinder_api_insecure cinder_ca_certificates_file cinder_catalog_info
    cinder_endpoint_template cinder_enforce_multipath cinder_http_retries
    cinder_mount_point_base cinder_os_region_name
    cinder_state_transition_timeout cinder_store_auth_address
    cinder_store_password cinder_store_project_domain_name
    cinder_store_project_name cinder_store_user_domain_name
    cinder_store_user_name cinder_use_multipath cinder_volume_type
    rootwrap_config
[cors]
    allow_credentials allow_headers allow_methods allowed_origin
    expose_headers max_age
[database]
    backend connection connection_debug connection_parameters
    connection_recycle_time connection_trace db_inc_retry_interval
    db_max_retries db_max_retry_interval db_retry_interval max_overflow
    max_pool_size max_retries mysql_enable_ndb mysql_sql_mode pool_timeout
    retry_interval slave_connection sqlite_synchronous use_db_reconnect
[file]
    filesystem_store_chunk_size filesystem_store_datadir
    filesystem_store_datadirs filesystem_store_file_perm
    filesystem_store_metadata_file filesystem_thin_provisioning
[glance.store.http.store]
    http_proxy_information https_ca_certificates_file https_insecure
[glance.store.rbd.store]
    rados_connect_timeout rbd_store_ceph_conf rbd_store_chunk_size
    rbd_store_pool rbd_store_user rbd_thin_provisioning
[glance.store.s3.store]
    s3_store_access_key s3_store_bucket s3_store_bucket_url_format
    s3_store_create_bucket_on_put s3_store_host
    s3_store_large_object_chunk_size s3_store_large_object_size
    s3_store_secret_key s3_store_thread_pools
[glance.store.swift.store]
    default_swift_reference swift_buffer_on_upload swift_store_admin_tenants
    swift_store_auth_address swift_store_auth_insecure
    swift_store_auth_version swift_store_cacert swift_store_config_file
    swift_store_container swift_store_create_container_on_put
    swift_store_endpoint swift_store_endpoint_type
    swift_store_expire_soon_interval swift_store_key
    swift_store_large_object_chunk_size swift_store_large_object_size
    swift_store_multi_tenant swift_store_multiple_containers_seed
    swift_store_region swift_store_retry_get_count swift_store_service_type
    swift_store_ssl_compression swift_store_use_trusts swift_store_user
    swift_upload_buffer_dir
[glance.store.vmware_datastore.store]
    vmware_api_retry_count vmware_ca_file vmware_datastores vmware_insecure
    vmware_server_host vmware_server_password vmware_server_username
    vmware_store_image_dir vmware_task_poll_interval
[glance_download_opts]
    extra_properties
[glance_store]
    cinder_api_insecure cinder_ca_certificates_file cinder_catalog_info
    cinder_endpoint_template cinder_enforce_multipath cinder_http_retries
    cinder_mount_point_base cinder_os_region_name
    cinder_state_transition_timeout cinder_store_auth_address
    cinder_store_password cinder_store_project_domain_name
    cinder_store_project_name cinder_store_user_domain_name
    cinder_store_user_name cinder_use_multipath cinder_volume_type
    default_backend default_store default_swift_reference
    filesystem_store_chunk_size filesystem_store_datadir
    filesystem_store_datadirs filesystem_store_file_perm
    filesystem_store_metadata_file filesystem_thin_provisioning
    http_proxy_information https_ca_certificates_file https_insecure
    rados_connect_timeout rbd_store_ceph_conf rbd_store_chunk_size
    rbd_store_pool rbd_store_user rbd_thin_provisioning rootwrap_config
    s3_store_access_key s3_store_bucket s3_store_bucket_url_format
    s3_store_create_bucket_on_put s3_store_host
    s3_store_large_object_chunk_size s3_store_large_object_size
    s3_store_secret_key s3_store_thread_pools stores swift_buffer_on_upload
    swift_store_admin_tenants swift_store_auth_address
    swift_store_auth_insecure swift_store_auth_version swift_store_cacert
    swift_store_config_file swift_store_container
    swift_store_create_container_on_put swift_store_endpoint
    swift_store_endpoint_type swift_store_expire_soon_interval
    swift_store_key swift_store_large_object_chunk_size
    swift_store_large_object_size swift_store_multi_tenant
    swift_store_multiple_containers_seed swift_store_region
    swift_store_retry_get_count swift_store_service_type
    swift_store_ssl_compression swift_store_use_trusts swift_store_user
    swift_upload_buffer_dir vmware_api_retry_count vmware_ca_file
    vmware_datastores vmware_insecure vmware_server_host
    vmware_server_password vmware_server_username vmware_store_image_dir
    vmware_task_poll_interval
[healthcheck]
    backends detailed disable_by_file_path disable_by_file_paths path
[image_conversion]
    output_format
[image_format]
    container_formats disk_formats vmdk_allowed_types
[image_import_opts]
    image_import_plugins
[import_filtering_opts]
    allowed_hosts allowed_ports allowed_schemes disallowed_hosts
    disallowed_ports disallowed_schemes
[inject_metadata_properties]
    ignore_user_roles inject
[key_manager]
    auth_type auth_url backend domain_id domain_name password
    project_domain_id project_domain_name project_id project_name
    reauthenticate token trust_id user_domain_id user_domain_name user_id
    username
[keystone_authtoken]
    auth_section auth_type auth_uri auth_url auth_version cache cafile
    certfile delay_auth_decision enforce_token_bind http_connect_timeout
    http_request_max_retries include_service_catalog insecure interface
    keyfile memcache_pool_conn_get_timeout memcache_pool_dead_retry
    memcache_pool_maxsize memcache_pool_socket_timeout
    memcache_pool_unused_timeout memcache_secret_key
    memcache_security_strategy memcache_use_advanced_pool memcached_servers
    password project_domain_name project_name region_name
    service_token_roles service_token_roles_required service_type
    token_cache_time user_domain_name username www_authenticate_uri
[os_brick]
    lock_path
[oslo_concurrency]
    disable_process_locking lock_path
[oslo_limit]
    auth_url cafile certfile collect_timing connect_retries
    connect_retry_delay default_domain_id default_domain_name domain_id
    domain_name endpoint_id endpoint_override insecure keyfile max_version
    min_version password project_domain_id project_domain_name project_id
    project_name region_name service_name service_type split_loggers
    status_code_retries status_code_retry_delay system_scope tenant_id
    tenant_name timeout trust_id user_domain_id user_domain_name user_id
    username valid_interfaces version
[oslo_messaging_amqp]
    addressing_mode anycast_address broadcast_prefix
    connection_retry_backoff connection_retry_interval
    connection_retry_interval_max container_name
    default_notification_exchange default_notify_timeout default_reply_retry
    default_reply_timeout default_rpc_exchange default_send_timeout
    default_sender_link_timeout group_request_prefix idle_timeout
    link_retry_delay multicast_address notify_address_prefix
    notify_server_credit pre_settled pseudo_vhost reply_link_credit
    rpc_address_prefix rpc_server_credit sasl_config_dir sasl_config_name
    sasl_default_realm sasl_mechanisms server_request_prefix ssl ssl_ca_file
    ssl_cert_file ssl_key_file ssl_key_password ssl_verify_vhost trace
    unicast_address
[oslo_messaging_kafka]
    compression_codec conn_pool_min_size conn_pool_ttl consumer_group
    enable_auto_commit kafka_consumer_timeout kafka_max_fetch_bytes
    max_poll_records pool_size producer_batch_size producer_batch_timeout
    sasl_mechanism security_protocol ssl_cafile ssl_client_cert_file
    ssl_client_key_file ssl_client_key_password
[oslo_messaging_notifications]
    driver retry topics transport_url
[oslo_messaging_rabbit]
    amqp_auto_delete amqp_durable_queues direct_mandatory_flag
    enable_cancel_on_failover heartbeat_in_pthread heartbeat_rate
    heartbeat_timeout_threshold kombu_compression kombu_failover_strategy
    kombu_missing_consumer_retry_timeout kombu_reconnect_delay
    rabbit_ha_queues rabbit_interval_max rabbit_login_method
    rabbit_qos_prefetch_count rabbit_quorum_delivery_limit
    rabbit_quorum_queue rabbit_quroum_max_memory_bytes
    rabbit_quroum_max_memory_length rabbit_retry_backoff
    rabbit_retry_interval rabbit_transient_queues_ttl ssl ssl_ca_file
    ssl_cert_file ssl_enforce_fips_mode ssl_enforce_hostname_verification
    ssl_key_file ssl_version
[oslo_middleware]
    enable_proxy_headers_parsing
[oslo_policy]
    enforce_new_defaults enforce_scope policy_default_rule policy_dirs
    policy_file remote_content_type remote_ssl_ca_crt_file
    remote_ssl_client_crt_file remote_ssl_client_key_file
    remote_ssl_verify_server_crt
[oslo_reports]
    file_event_handler file_event_handler_interval log_dir
[paste_deploy]
    config_file flavor
[profiler]
    connection_string enabled es_doc_type es_scroll_size es_scroll_time
    filter_error_trace hmac_keys sentinel_service_name socket_timeout
    trace_sqlalchemy
[store_type_location_strategy]
    store_type_preference
[task]
    task_executor task_time_to_live work_dir
[taskflow_executor]
    conversion_format engine_mode max_workers
[vault]
    approle_role_id approle_secret_id kv_mountpoint kv_version namespace
    root_token_id ssl_ca_crt_file use_ssl vault_url
[wsgi]
    python_interpreter task_pool_threads
