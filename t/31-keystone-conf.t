#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# [keystone_authtoken] of a glance-api.conf: under all its names, into
# nginx.conf and the file of the credentials, and from there to a service.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

use JSON::PP;

my $json = JSON::PP->new->utf8;


# What becomes of the options of the section: nginx.conf, the credentials,
# what was said, the directory.  No nginx.conf: it was refused.

sub render {
    my (%options) = @_;

    my $dir = temp_dir();

    Glance::Registry::write_config("$dir/glance-api.conf",
        filesystem_store_datadir => "$dir/images",
        'paste_deploy/flavor' => 'keystone', registry_secret => 's3cret',
        $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (),
        map { (m!/! ? $_ : "keystone_authtoken/$_") => $options{$_} }
            keys %options);

    my ($status, $said) = run_command([
        Glance::Program::built('glance-api'), '--config-file',
        "$dir/glance-api.conf", '--run-dir', "$dir/run", '--render' ],
        env => { Glance::Program::sanitizer_env($dir) });

    my ($conf, $file) = map { eval { read_file("$dir/run/$_") } }
                        qw/ nginx.conf keystone.json /;

    diag($said) if $status != 0 && defined $conf;

    return ($conf, $file ? $json->decode($file) : undef, $said, $dir);
}


my %least = (
    auth_url => 'http://127.0.0.1:5000/v3',
    username => 'glance',
    password => 'hush"\\$;{}',
    project_name => 'service',
);

my %default = (domain => { id => 'default' });


check('names of today' => sub {
    my ($conf, $auth, $said, $dir) = render(%least);

    ok($conf, 'it is rendered') or diag($said);
    like($conf, qr/^ +glance_identity keystone;/m, 'identity');
    like($conf, qr!^ +glance_keystone_uri "http://127.0.0.1:5000/v3";!m,
         'the URI for clients');
    like($conf, qr/^ +glance_keystone_cache zone=\w+:4m valid=300s;/m,
         'the cache');
    like($conf, qr/^ +glance_admin_role "admin";/m, 'administrators');
    like($conf, qr/^ +glance_keystone_service_roles "service";/m, 'services');
    like($conf, qr/upstream glance_keystone \{\s+server 127\.0\.0\.1:5000;/,
         'where it is asked');
    unlike($conf . $said, qr/hush/, 'no password but in its file');

    is_deeply($auth, { auth => {
        identity => { methods => ['password'], password => { user => {
            name => 'glance', password => $least{password}, %default } } },
        scope => { project => { name => 'service', %default } },
    } }, 'the credentials');

    for my $name (qw/ keystone.json nginx.conf /) {
        is((stat("$dir/run/$name"))[2] & 07777, 0600, "$name: its mode");
    }

    is_deeply([ glob("$dir/run/*.check"), glob("$dir/run/*.part") ], [],
              'nothing is left of the check');
});


check('names of before' => sub {
    my ($conf, $auth) = render(
        auth_host => '127.0.0.2', auth_port => 35357, auth_protocol => 'http',
        auth_uri => 'http://127.0.0.1:5000/', admin_user => 'g',
        admin_password => 'p', admin_tenant_name => 't');

    like($conf, qr/upstream glance_keystone \{\s+server 127\.0\.0\.2:35357;/,
         'auth_host, auth_port');
    like($conf, qr!^ +glance_keystone_uri "http://127.0.0.1:5000/";!m,
         'auth_uri');
    is_deeply($auth->{auth}{identity}{password}{user},
              { name => 'g', password => 'p', %default }, 'admin_user');
    is_deeply($auth->{auth}{scope}{project}, { name => 't', %default },
              'admin_tenant_name');

    my %other = (%least, identity_uri => 'http://127.0.0.3:1');
    delete $other{auth_url};
    ($conf) = render(%other);
    like($conf, qr/server 127\.0\.0\.3:1;/, 'identity_uri');
});


check('values of all kinds' => sub {
    my @rows = (
        [ { auth_url => 'http://127.0.0.1' }, qr/server 127\.0\.0\.1:80;/ ],
        [ { auth_url => 'http://127.0.0.1/identity/v3/' },
          qr!proxy_pass http://glance_keystone/identity/;! ],
        [ { auth_url => 'http://127.0.0.1:5000/v2.0' },
          qr!proxy_pass http://glance_keystone/;! ],
        [ { auth_url => 'http://[::1]:5000/v3' },
          qr/server \[::1\]:5000;/ ],
        [ { auth_url => 'https://127.0.0.1/v3', insecure => 'True' },
          qr!server\ 127\.0\.0\.1:443;.*
             proxy_pass\ https://glance_keystone/;.*
             proxy_ssl_name\ "127\.0\.0\.1";!sx ],
        [ { www_authenticate_uri => 'https://k.test/v3' },
          qr!glance_keystone_uri "https://k\.test/v3";! ],
        [ { token_cache_time => 60 }, qr/valid=60s;/ ],
        [ { token_cache_time => -1 }, qr/valid=0s;/ ],
        [ { service_token_roles => 'service, Nova Compute' },
          qr/glance_keystone_service_roles "service" "Nova Compute";/ ],
        [ { 'DEFAULT/admin_role' => 'admin,operator' },
          qr/glance_admin_role "admin" "operator";/ ],
        [ { 'paste_deploy/flavor' => 'keystone+cachemanagement' },
          qr/glance_identity keystone;/ ],
    );

    for my $row (@rows) {
        my ($options, $want) = @$row;
        my ($conf, $auth, $said) = render(%least, %$options);

        like($conf // '', $want, join(', ', map { "$_ = $options->{$_}" }
                                      sort keys %$options)) or diag($said);
    }

    my ($conf) = render(%least, auth_url => 'https://127.0.0.1/v3',
                        insecure => 'True');
    unlike($conf, qr/proxy_ssl_verify/, 'insecure: not verified');

    my $ids = (render(%least, user_id => 'u', project_id => 'p'))[1]{auth};
    is_deeply($ids->{identity}{password}{user},
              { id => 'u', password => $least{password} }, 'user_id');
    is_deeply($ids->{scope}{project}, { id => 'p' }, 'project_id');

    my $domains = (render(%least, user_domain_name => 'U',
                          project_domain_id => 'P'))[1]{auth};
    is_deeply($domains->{identity}{password}{user}{domain}, { name => 'U' },
              'user_domain_name');
    is_deeply($domains->{scope}{project}{domain}, { id => 'P' },
              'project_domain_id');

    my $application = (render(auth_url => $least{auth_url},
        auth_type => 'v3applicationcredential',
        application_credential_id => 'i',
        application_credential_secret => 's'))[1];
    is_deeply($application, { auth => { identity => {
        methods => ['application_credential'],
        application_credential => { id => 'i', secret => 's' } } } },
        'an application credential');
});


check('a certificate is verified' => sub {
    my $ca = '/etc/ssl/certs/ca-certificates.crt';
    my $dir = temp_dir();
    my ($status, $text) = run_command([ 'openssl', 'req', '-x509', '-newkey',
        'rsa:2048', '-nodes', '-keyout', "$dir/key", '-out', "$dir/ca",
        '-days', 2, '-subj', '/CN=localhost' ]);

    is($status, 0, 'there is one') or diag($text);

    my ($conf, $auth, $said) = render(%least, cafile => "$dir/ca",
        certfile => "$dir/ca", keyfile => "$dir/key",
        auth_url => 'https://127.0.0.1:5000/v3');

    like($conf // '', qr/proxy_ssl_verify on;/, 'verified') or diag($said);
    like($conf // '', qr/proxy_ssl_trusted_certificate "\Q$dir\E\/ca";/,
         'by cafile');
    like($conf // '', qr/proxy_ssl_certificate_key "\Q$dir\E\/key";/,
         'with a certificate of our own');

    SKIP: {
        skip('no ca-certificates', 1) if !-e $ca;

        ($conf) = render(%least, auth_url => 'https://127.0.0.1:5000/v3');
        like($conf // '', qr/proxy_ssl_trusted_certificate "\Q$ca\E";/,
             'or by those of the system');
    }
});


check('what is missing or wrong' => sub {
    my @rows = (
        [ 'auth_url', { auth_url => '' } ],
        [ 'auth_url', { auth_url => '127.0.0.1:5000' } ],
        [ 'auth_url', { auth_url => 'ftp://127.0.0.1' } ],
        [ 'auth_url', { auth_url => 'http://127.0.0.1; } x' } ],
        [ 'auth_url', { auth_url => 'http://u:p@127.0.0.1/' } ],
        [ 'auth_host', { auth_url => '', auth_host => 'a b' } ],
        [ 'www_authenticate_uri', { www_authenticate_uri => 'a"b' } ],
        [ 'username', { username => '' } ],
        [ 'project_name', { project_name => '' } ],
        [ 'auth_type', { auth_type => 'v3kerberos' } ],
        [ 'application_credential_id',
          { auth_type => 'v3applicationcredential' } ],
        [ 'certfile', { certfile => '/x' } ],
        [ 'service_token_roles', { service_token_roles => 'a;b' } ],
        [ 'admin_role', { 'DEFAULT/admin_role' => 'a"b' } ],
        [ 'token_cache_time', { token_cache_time => 'long' } ],
        [ 'insecure', { insecure => 'perhaps' } ],
    );

    for my $row (@rows) {
        my ($option, $options) = @$row;
        my ($conf, $auth, $said) = render(%least, %$options);

        is($conf, undef, "$option: refused");
        like($said, qr/\b$option\b/, "$option: named");
        unlike($said, qr/hush/, "$option: the password is not");
    }
});


check('without Keystone' => sub {
    my ($conf, $auth) = render(%least, 'paste_deploy/flavor' => '');

    ok($conf, 'it is rendered');
    unlike($conf, qr/keystone/, 'nothing of it');
    is($auth, undef, 'no credentials');
});


check('a service by its glance-api.conf' => sub {
    my $missing = Glance::Keystone::missing();
    plan(skip_all => $missing) if $missing;

    my $keystone = Glance::Keystone->new()->start();
    my $registry = Glance::Registry->new(
        database => Glance::Database->new('sqlite'),
        options => { 'paste_deploy/flavor' => 'keystone',
                     registry_secret => 's3cret' })->start();

    my $api = Glance::API->new($keystone, $registry)->start();
    my $ask = sub {
        my ($token) = @_;
        return $api->request('GET', '/v1/images/detail', headers => [
            $token ? ('X-Auth-Token' => $token) : () ]);
    };

    status_is($ask->(), 401);
    status_is($ask->('garbage'), 401);
    status_is($ask->($keystone->token('alice')), 200);
    status_is($ask->($keystone->token('alice', '')), 401);

    $_->stop() for $api, $registry, $keystone;
    is(join("\n", map { $_->complaints() } $api, $registry, $keystone), '',
       'no complaints');
});


package Glance::API;

our @ISA;

BEGIN { @ISA = ('Glance::Program'); }


sub new {
    my ($class, $keystone, $registry) = @_;

    my $dir = Glance::Test::temp_dir();

    return bless { name => 'glance-api', dir => $dir, keystone => $keystone,
                   registry => $registry, port => Glance::Test::free_port(),
                   log => "$dir/api.log", output => "$dir/output.log",
                   forbidden => qr/\[(?:alert|emerg)\]/ }, $class;
}


sub start {
    my ($p) = @_;

    Glance::Registry::write_config("$p->{dir}/glance-api.conf",
        bind_host => '127.0.0.1',
        bind_port => $p->{port},
        workers => 1,
        log_file => $p->{log},
        run_dir => "$p->{dir}/run",
        registry_host => '127.0.0.1',
        registry_port => $p->{registry}{port},
        registry_secret => 's3cret',
        filesystem_store_datadir => "$p->{dir}/images",
        $ENV{NGINX_BIN} ? (nginx_binary => $ENV{NGINX_BIN}) : (),
        'paste_deploy/flavor' => 'keystone',
        'keystone_authtoken/auth_url' =>
            "http://127.0.0.1:$p->{keystone}{port}/v3",
        'keystone_authtoken/username' => 'glance',
        'keystone_authtoken/password' =>
            Glance::Keystone::password('glance'),
        'keystone_authtoken/project_name' => 'service');

    return $p->launch([ Glance::Program::built('glance-api'),
                        '--config-file', "$p->{dir}/glance-api.conf" ]);
}


sub request {
    my ($p, $method, $path, %o) = @_;

    return Glance::HTTP->new(port => $p->{port})
           ->request($method, $path, close => 1, %o);
}


sub ready {
    my ($p) = @_;

    my $r = eval { $p->request('GET', '/versions', timeout => 10) };

    return $r && $r->{status};
}


package main;

done_testing();
