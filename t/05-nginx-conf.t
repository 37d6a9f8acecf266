#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The sample configuration is one that nginx takes, and mistakes are refused
# before a server starts with them, by a message that names the directive.

use warnings;
use strict;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $top = "$FindBin::Bin/..";


my $module = Glance::Program::built('ngx_http_glance_module.so');


# (exit status, what nginx says) about a text

sub nginx_test {
    my ($text) = @_;

    my $dir = prefix_dir();

    write_file("$dir/nginx.conf", $text);

    my $pid = open(my $output, '-|');
    die "fork() failed: $!\n" if !defined $pid;

    if ($pid == 0) {
        open(STDERR, '>&', \*STDOUT);
        exec(Glance::Nginx::binary(), '-p', "$dir/", '-e', "$dir/error.log",
             '-c', "$dir/nginx.conf", '-t')
            or POSIX::_exit(127);
    }

    my $said = do { local $/; <$output> };
    close($output);

    return ($?, defined $said ? $said : '');
}


# what glance_keystone_credentials names, or nearly

sub credentials {
    my ($text, $mode) = @_;

    $text = '{"auth": {"identity": {"methods": []}}}' if !defined $text;

    my $file = write_file(temp_dir() . '/credentials.json', $text);
    chmod($mode || 0600, $file);

    return $file;
}


sub accounts {
    return credentials('{"default": "a", "accounts": {"a": {"auth_address": '
                       . '"http://s/v1", "user": "u", "key": "k"}}}');
}


sub s3_keys {
    return credentials('{"access_key": "a", "secret_key": "s"}');
}


# a file for everybody, with names of this test in it

sub adapted {
    my ($text) = @_;

    my $dir = prefix_dir();
    my $credentials = credentials();
    my $accounts = accounts();
    my $keys = s3_keys();

    $text = Glance::Nginx::adapted({ dir => $dir, port => free_port(),
                                     store => "$dir/images" }, $text);
    $text =~ s/(glance_keystone_credentials)\s[^;]*;/$1 $credentials;/g;
    $text =~ s/(glance_swift_accounts)\s[^;]*;/$1 $accounts;/g;
    $text =~ s/(glance_s3_credentials)\s[^;]*;/$1 $keys;/g;

    return $text;
}


# what is in comments, too: directives and blocks, but no prose

sub uncommented {
    my ($text) = @_;

    my $depth = 0;
    my @lines;

    for my $line (split(/\n/, $text)) {
        my ($indent, $bare) = $line =~ /^(\s*)#\s+((?:[a-z]\w*|\}).*)$/;

        if (defined $bare && ($depth || $bare =~ /^[a-z]\w+\s[^;]*;\s*$/
                              || $bare =~ /\{$/)
            && $bare !~ /^listen .* ssl|^ssl_|^return /)
        {
            $depth += ($bare =~ tr/{//) - ($bare =~ tr/}//);
            $line = "$indent$bare";
        }

        push @lines, $line;
    }

    return join("\n", @lines) . "\n";
}


sub accepted {
    my ($title, $text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $said) = nginx_test($text);

    ok($status == 0 && $said !~ /\[(?:warn|emerg|alert)\]/, $title)
        or diag($said);
}


sub sample {
    my ($file) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(-e $file, 'the file is there') or return;

    my $text = adapted(read_file($file));

    accepted('as it is', $text);

    my $more = uncommented($text);

    isnt($more, $text, 'there is something in comments');

    for my $identity (qw/ trusted keystone /) {
        my $one = $more;

        $one =~ s/^\s*glance_identity\s+(?!$identity)\w+;//mg;
        accepted("with what is in comments, $identity", $one);
    }

    # each directive of the module that it mentions is one
    my %known = map { $_ => 1 }
        read_file("$top/ngx_glance/ngx_http_glance_module.c")
        =~ /\{ ngx_string\("(glance\w*)"\)/g;

    my @unknown = grep { !$known{$_} } $text =~ /^\s*#?\s*(glance\w*)\s/mg;

    is("@unknown", '', 'directives that there are');
}


check('conf/nginx.conf.sample' => sub {
    sample("$top/conf/nginx.conf.sample");
});


check('the minimal configuration of README' => sub {
    my ($block) = read_file("$top/README.md") =~ /```nginx\n(.*?)```/s;

    ok($block, 'there is one') or return;

    my $dir = prefix_dir();
    my $text = adapted("events { }\n" . $block);

    $text = "pid $dir/nginx.pid;\n$text" if $text !~ /^\s*pid\s/m;
    $text = "user root;\n$text" if $> == 0;

    # the first line may not be load_module after "events"
    $text =~ s/^(load_module [^;]*;)//m;
    accepted('as it is', "$1\n$text");
});


# where an nginx that was built without paths has its logs

sub prefix_dir {
    my $dir = temp_dir();

    mkdir("$dir/logs") or die "cannot make $dir/logs: $!\n";

    return $dir;
}


# A server with these directives in its location, and what is around it.
# Lines of "location" replace those of the same directive, undef removes one.

sub configuration {
    my (%o) = @_;

    my $dir = prefix_dir();
    my $port = free_port();
    my $user = $> == 0 ? 'user root;' : '';

    my %location = (
        glance => 'glance;',
        glance_registry => 'glance_registry /_glance_registry;',
        glance_file_root => "glance_file_root $dir/images;",
        %{$o{location} || {}},
    );

    my $location = join("\n            ", map { $location{$_} }
                        grep { defined $location{$_} } sort keys %location);
    my $match = defined $o{match} ? $o{match} : '/';
    my $server = join("\n        ",
        'underscores_in_headers ' . ($o{underscores} || 'on') . ';',
        'ignore_invalid_headers ' . ($o{invalid} || 'off') . ';',
        $o{server} || ());
    my $http = $o{http} || '';

    return <<"CONF";
load_module $module;
$user
pid $dir/nginx.pid;
error_log $dir/error.log;

events {
}

http {
    client_body_temp_path $dir/client_body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    $http

    server {
        listen 127.0.0.1:$port;
        $server

        location $match {
            $location
        }

        location /_glance_registry/ {
            internal;
            proxy_pass http://127.0.0.1:1/;
        }
    }
}
CONF
}


# Title, words of the message, configuration.  nginx's own setters of words
# name the value and the line, everything else names the directive.

sub mistake {
    my ($title, $words, %o) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    subtest($title => sub {
        my ($status, $said) = nginx_test(configuration(%o));

        isnt($status, 0, 'nginx -t refuses it');
        like($said, qr/\[emerg\]/, 'as an error');

        for my $word (ref $words eq 'ARRAY' ? @$words : $words) {
            like($said, ref $word ? $word : qr/\b\Q$word\E\b/,
                 "the message says $word");
        }

        like($said, qr/nginx\.conf:\d+/, 'and where');
    });
}


sub with {
    return (location => { @_ });
}


check('what is right is taken' => sub {
    accepted('the least', configuration());
    accepted('all directives', configuration(with(
        glance_admin_role => 'glance_admin_role admin operator;',
        glance_anonymous => 'glance_anonymous on;',
        glance_commit_timeout => 'glance_commit_timeout 1m;',
        glance_default_store => 'glance_default_store file;',
        glance_gpt_safety_checks_nonfatal =>
            'glance_gpt_safety_checks_nonfatal mbr;',
        glance_health_disable_file => 'glance_health_disable_file away;',
        glance_http_allow => 'glance_http_allow 127.0.0.1 10.0.0.0/8 ::1;',
        glance_http_store => 'glance_http_store on;',
        glance_identity => 'glance_identity trusted;',
        glance_hashing_algorithm => 'glance_hashing_algorithm blake2b;',
        glance_image_size_cap => 'glance_image_size_cap 5g;',
        glance_keystone => 'glance_keystone /_glance_keystone;',
        glance_keystone_cache => 'glance_keystone_cache zone=k:1m;',
        glance_keystone_credentials =>
            'glance_keystone_credentials ' . credentials() . ';',
        glance_keystone_service_roles =>
            'glance_keystone_service_roles service nova;',
        glance_keystone_uri => 'glance_keystone_uri http://k.test/v3;',
        glance_digest_pool => 'glance_digest_pool default nice=19;',
        glance_lease => 'glance_lease 3s;',
        glance_node => 'glance_node n1;',
        glance_proxy_headers => 'glance_proxy_headers on;',
        glance_public_endpoint => 'glance_public_endpoint https://i.test;',
        glance_registry => 'glance_registry /_glance_registry/;',
        glance_registry_claims => 'glance_registry_claims off;',
        glance_require_image_format_match =>
            'glance_require_image_format_match off;',
        glance_seed_post_status => 'glance_seed_post_status 200;',
        glance_seed_status_word => 'glance_seed_status_word available;',
        glance_thread_pool => 'glance_thread_pool default;',
        glance_trusted_proxies =>
            'glance_trusted_proxies 127.0.0.1 10.0.0.0/8 ::1 unix:;',
        glance_upload_buffers => 'glance_upload_buffers 64 4k;',
        glance_versions => 'glance_versions v2 v1;',
    )));
    accepted('a location with a prefix', configuration(match => '/v0/'));
    accepted('an exact location', configuration(match => '= /images'));
    accepted('the bounds of the lease', configuration(
        with(glance_lease => 'glance_lease 1h;')));
    accepted('directives of a level above', configuration(
        with(glance_file_root => undef, glance_registry => undef),
        http => 'glance_registry /_glance_registry;',
        server => 'glance_file_root images; glance_lease 10s;'));
    accepted('the last glance_trusted_proxies of two adds to the first',
             configuration(with(
        glance_trusted_proxies => 'glance_trusted_proxies 127.0.0.1; '
                                  . 'glance_trusted_proxies ::1;')));
});


check('what is missing' => sub {
    mistake('no glance_registry', 'glance_registry',
            with(glance_registry => undef));
    mistake('glance_registry is no location', 'glance_registry',
            with(glance_registry => 'glance_registry http://127.0.0.1/;'));
    mistake('glance_registry is the root', 'glance_registry',
            with(glance_registry => 'glance_registry /;'));
    mistake('no directory for the default store', 'glance_file_root',
            with(glance_file_root => undef));
    mistake('the same, with the store named',
            [ 'glance_default_store', 'glance_file_root' ],
            with(glance_file_root => undef,
                 glance_default_store => 'glance_default_store file;'));
    mistake('trusted without proxies', 'glance_trusted_proxies',
            with(glance_identity => 'glance_identity trusted;'));
});


# all that Keystone needs, but for what is given

sub keystone {
    my (%o) = @_;

    my %location = (
        glance_identity => 'glance_identity keystone;',
        glance_keystone => 'glance_keystone /_glance_keystone/;',
        glance_keystone_cache => 'glance_keystone_cache zone=k:1m;',
        glance_keystone_credentials =>
            'glance_keystone_credentials ' . credentials() . ';',
        glance_keystone_uri => 'glance_keystone_uri http://k.test/v3;',
    );

    $location{"glance_$_"} = defined $o{$_} ? "glance_$_ $o{$_};" : undef
        for keys %o;

    return with(%location);
}


check('Keystone' => sub {
    accepted('all it needs', configuration(keystone()));
    accepted('the cache with times', configuration(keystone(
        keystone_cache => 'valid=1m zone=k:64k invalid=0')));
    accepted('all from a level above', configuration(
        keystone(keystone_cache => undef, keystone_uri => undef),
        http => 'glance_keystone_cache zone=k:1m; '
                . 'glance_keystone_uri http://k.test/v3;'));

    for my $name (qw/ keystone keystone_cache keystone_credentials
                      keystone_uri /)
    {
        mistake("no glance_$name", "glance_$name", keystone($name => undef));
    }

    mistake('no location', 'glance_keystone',
            keystone(keystone => 'http://127.0.0.1:5000'));
    mistake('an URI that would break the header', 'glance_keystone_uri',
            keystone(keystone_uri => q('http://k.test/"')));

    for my $cache ('valid=1m', 'zone=k', 'zone=:1m', 'zone=k:much',
                   'zone=k:4k', 'zone=k:1m valid=soon', 'zone=k:1m other=1',
                   'zone=k:1m zone=l:1m')
    {
        mistake("glance_keystone_cache $cache", 'glance_keystone_cache',
                keystone(keystone_cache => $cache));
    }

    my $secret = '"password": "s3cret"';

    for my $case ([ 'no file', '/no/such/file' ],
                  [ 'a directory', temp_dir() ],
                  [ 'readable by others', credentials(undef, 0604) ],
                  [ 'readable by its group', credentials(undef, 0640) ],
                  [ 'empty', credentials('') ],
                  [ 'no JSON', credentials($secret) ],
                  [ 'other JSON', credentials("{$secret}") ],
                  [ 'no identity', credentials("{\"auth\": {$secret}}") ],
                  [ 'too long', credentials(' ' x 70_000) ])
    {
        my ($title, $file) = @$case;

        mistake($title, 'glance_keystone_credentials',
                keystone(keystone_credentials => $file));

        my ($status, $said) = nginx_test(configuration(
            keystone(keystone_credentials => $file)));

        unlike($said, qr/s3cret/, "$title: nothing of it is shown");
    }
});


check('headers that nginx would drop' => sub {
    mistake('underscores_in_headers off', 'underscores_in_headers',
            underscores => 'off');
    mistake('ignore_invalid_headers on', 'ignore_invalid_headers',
            invalid => 'on');
});


check('values that are not any' => sub {
    mistake('an unknown store', [ 'glance_default_store', 'tape' ],
            with(glance_default_store => 'glance_default_store tape;'));
    mistake('an unknown identity', [ qr/invalid value "everybody"/ ],
            with(glance_identity => 'glance_identity everybody;'));
    mistake('an unknown status of POST', [ qr/invalid value "204"/ ],
            with(glance_seed_post_status => 'glance_seed_post_status 204;'));
    mistake('an unknown word of status', [ qr/invalid value "ready"/ ],
            with(glance_seed_status_word =>
                 'glance_seed_status_word ready;'));
    mistake('a flag that is none', 'glance_registry_claims',
            with(glance_registry_claims => 'glance_registry_claims maybe;'));
    mistake('an address that is none',
            [ 'glance_trusted_proxies', '127.0.0.300' ],
            with(glance_trusted_proxies =>
                 'glance_trusted_proxies 127.0.0.300;'));
    mistake('a prefix that is too long',
            [ 'glance_trusted_proxies', '10.0.0.0/33' ],
            with(glance_trusted_proxies =>
                 'glance_trusted_proxies 127.0.0.1 10.0.0.0/33;'));
    mistake('a time that is none', 'glance_commit_timeout',
            with(glance_commit_timeout => 'glance_commit_timeout soon;'));
    mistake('an algorithm that is none', [ qr/invalid value "sha513"/ ],
            with(glance_hashing_algorithm =>
                 'glance_hashing_algorithm sha513;'));
    mistake('a size that is none', 'glance_image_size_cap',
            with(glance_image_size_cap => 'glance_image_size_cap large;'));
    mistake('a check that is none', [ qr/invalid value "crc"/ ],
            with(glance_gpt_safety_checks_nonfatal =>
                 'glance_gpt_safety_checks_nonfatal mbr crc;'));
    mistake('a network that is none', [ qr/invalid network "10.0.0.0\/33"/ ],
            with(glance_http_allow => 'glance_http_allow ::1 10.0.0.0/33;'));
    mistake('a version that is none', [ qr/invalid value "v3"/ ],
            with(glance_versions => 'glance_versions v2 v3;'));
    mistake('an argument too many', 'glance',
            with(glance => 'glance on;'));
    mistake('an argument too few', 'glance_upload_buffers',
            with(glance_upload_buffers => 'glance_upload_buffers 4;'));
    mistake('a thread pool that nobody declared',
            [ qr/unknown thread pool "glance_nobody"/ ],
            with(glance_thread_pool => 'glance_thread_pool glance_nobody;'));
    mistake('a pool of digests that nobody declared',
            [ qr/unknown thread pool "glance_nobody"/ ],
            with(glance_digest_pool =>
                 'glance_digest_pool default glance_nobody nice=1;'));
});


check('values out of bounds' => sub {
    for my $value ('1 256k', '65 256k', '4 4095') {
        mistake("glance_upload_buffers $value", 'glance_upload_buffers',
                with(glance_upload_buffers =>
                     "glance_upload_buffers $value;"));
    }

    for my $value ('nice=20', 'nice=-1', 'nice=', 'mean=1', '=') {
        mistake("glance_digest_pool default $value",
                [ qr/invalid parameter "\Q$value\E"/ ],
                with(glance_digest_pool =>
                     "glance_digest_pool default $value;"));
    }

    for my $value ('2999ms', '3601s', '0') {
        mistake("glance_lease $value", 'glance_lease',
                with(glance_lease => "glance_lease $value;"));
    }
});


check('duplicates' => sub {
    my %again = (
        glance => '',
        glance_anonymous => 'on',
        glance_commit_timeout => '5s',
        glance_copies => '',
        glance_cors_credentials => 'on',
        glance_cors_max_age => '1h',
        glance_default_store => 'file',
        glance_delayed_delete => 'on',
        glance_digest_pool => 'default',
        glance_file_direct => 'on',
        glance_file_root => 'images',
        glance_health_disable_file => 'away',
        glance_http_store => 'on',
        glance_http_trusted_certificate => 'ca.pem',
        glance_identity => 'none',
        glance_hashing_algorithm => 'sha256',
        glance_image_size_cap => '1g',
        glance_keystone => '/_glance_keystone',
        glance_keystone_cache => 'zone=k:1m',
        glance_keystone_credentials => credentials(),
        glance_keystone_uri => 'http://k.test/v3',
        glance_lease => '10s',
        glance_node => 'n',
        glance_proxy_headers => 'on',
        glance_public_endpoint => 'http://i.test',
        glance_registry => '/_glance_registry',
        glance_registry_claims => 'on',
        glance_require_image_format_match => 'on',
        glance_removals => '',
        glance_s3_bucket => 'b',
        glance_s3_create_bucket => 'on',
        glance_s3_credentials => s3_keys(),
        glance_s3_host => 'https://s3.test',
        glance_s3_large_object_chunk_size => '5m',
        glance_s3_large_object_size => '1m',
        glance_s3_parallel_parts => '1',
        glance_s3_region => 'r',
        glance_s3_tls_verify => 'on',
        glance_s3_trusted_certificate => 'ca.pem',
        glance_s3_url_format => 'path',
        glance_seed_post_status => '201',
        glance_seed_status_word => 'active',
        glance_store_connect_timeout => '5s',
        glance_store_timeout => '60s',
        glance_swift_accounts => accounts(),
        glance_swift_container => 'c',
        glance_swift_create_container => 'on',
        glance_swift_large_object_chunk_size => '1m',
        glance_swift_large_object_size => '1m',
        glance_swift_manifest => 'static',
        glance_swift_retries => '1',
        glance_swift_snet => 'on',
        glance_swift_tls_verify => 'on',
        glance_swift_trusted_certificate => 'ca.pem',
        glance_thread_pool => 'default',
        glance_upload_buffers => '4 256k',
    );

    for my $name (sort keys %again) {
        my $line = $again{$name} eq '' ? "$name;" : "$name $again{$name};";

        mistake($name, [ qr/"$name" directive is duplicate/ ],
                with($name => "$line $line"));
    }

    # none was forgotten: what may come again is above
    my @all = read_file("$top/ngx_glance/ngx_http_glance_module.c")
              =~ /\{ ngx_string\("(glance\w*)"\),\n\s+NGX_/g;

    is_deeply([ grep { !exists $again{$_} } @all ],
              [ 'glance_admin_role', 'glance_cors_expose',
                'glance_cors_headers', 'glance_cors_methods',
                'glance_cors_origin', 'glance_gpt_safety_checks_nonfatal',
                'glance_http_allow', 'glance_keystone_service_roles',
                'glance_trusted_proxies', 'glance_versions' ],
              'all directives');
});


check('locations and contexts' => sub {
    mistake('a regular expression', [ qr/"glance" directive cannot/ ],
            match => '~ ^/images');
    mistake('a named location', [ qr/"glance" directive must/ ],
            match => '@images');
    mistake('inside "if"', [ qr/"glance" directive is not allowed/ ],
            with(glance => 'if ($arg_x) { glance; }'));
    mistake('in the server', [ qr/"glance" directive is not allowed/ ],
            with(glance => undef), server => 'glance;');
});


done_testing();
